/**
 * The agent's own notes while the call lasts; they are there again when it is wrapped up.
 *
 * Events: `draft` {note, reasons, solved}.
 */
import { make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";

/** @typedef {import("../agent-help-notes.js").Draft} Draft */

const NOTE_MAX = 4_000;

export class CallNoteForm extends HTMLElement {
  #id = "";
  /** @type {Draft | null} */
  #draft = null;
  #label = make("span", "field-label");
  #note = make("textarea", "input");
  #hint = make("p", "hint");
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) {
      this.#note.maxLength = NOTE_MAX;
      this.#note.addEventListener("input", () => {
        if (!this.#draft) return;
        this.#draft = { ...this.#draft, note: this.#note.value };
        this.dispatchEvent(new CustomEvent("draft", { detail: this.#draft }));
      });
      this.append(make("label", "field call-note-field", this.#label, this.#note), this.#hint);
    }
    this.#stop = onLocale(() => this.#reword());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {{ id: string, draft: Draft }} state */
  show({ id, draft }) {
    this.#draft = draft;
    if (id !== this.#id) this.#note.value = draft.note;
    this.#id = id;
  }

  #reword() {
    setText(this.#label, t("wrap.note"));
    this.#note.placeholder = t("wrap.note_hint");
    setText(this.#hint, t("callside.notes_hint"));
  }
}

customElements.define("lm-call-note", CallNoteForm);
