/**
 * After a call: what it was about, was it solved, a note; with the time that is left until the next one may ring.
 * What is typed is kept by the page while it is typed.
 *
 *   form.show({ name, lastedMs, draft, leftMs, wholeMs, busy });      // null: nothing to write
 *
 * Events: `draft` {note, reasons, solved}, `done`.
 */
import { REASONS, reasonWord } from "../agent-help-words.js";
import { button, icon, make, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { onLocale, t } from "../locale.js";

/**
 * @typedef {{ note: string, reasons: readonly string[], solved: "yes" | "no" | "unknown" }} Draft
 * @typedef {object} WrapState
 * @property {string} id of the call
 * @property {string} name
 * @property {number | null} lastedMs
 * @property {number | null} score what the shopper gave, if already
 * @property {Draft} draft
 * @property {number | null} leftMs
 * @property {boolean} busy
 */

const NOTE_MAX = 4_000;
const REASONS_MAX = 8;
const URGENT_MS = 10_000;

export class WrapUp extends HTMLElement {
  /** @type {WrapState | null} */
  #state = null;
  #wholeMs = 1;
  #title = make("h2");
  #lasted = make("p", "hint");
  #left = make("span", "number");
  #bar = make("i");
  #countdown = make("div", "ring-countdown", this.#left, make("span", "ring-bar", this.#bar));
  #reasonsLabel = make("span", "field-label");
  #reasons = make("div", "skill-chips");
  #solvedLabel = make("span", "field-label");
  #solved = make("div", "segments");
  #noteLabel = make("span", "field-label");
  #note = make("textarea", "input wrap-note");
  #word = make("span");
  #done = button("", "primary", () => this.dispatchEvent(new Event("done")));
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {WrapState | null} state */
  show(state) {
    const other = state?.id !== this.#state?.id;
    if (other) this.#wholeMs = 1;
    this.#wholeMs = Math.max(this.#wholeMs, state?.leftMs ?? 1);
    this.#state = state;
    this.hidden = state === null;
    if (other && state) this.#note.value = state.draft.note;
    this.#render();
  }

  #build() {
    this.setAttribute("role", "group");
    this.#note.rows = 5;
    this.#note.maxLength = NOTE_MAX;
    this.#note.addEventListener("input", () => this.#say({ note: this.#note.value }));
    this.#note.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.dispatchEvent(new Event("done"));
    });
    this.#reasons.setAttribute("role", "group");
    this.#solved.setAttribute("role", "radiogroup");
    this.#done.append(icon("check"), this.#word);
    for (const reason of REASONS) {
      const chip = make("button", "skill-chip");
      chip.type = "button";
      chip.dataset.reason = reason;
      chip.addEventListener("click", () => this.#toggle(reason));
      this.#reasons.append(chip);
    }
    for (const solved of /** @type {const} */ (["yes", "no", "unknown"])) {
      const input = make("input");
      input.type = "radio";
      input.name = "wrap-solved";
      input.value = solved;
      input.addEventListener("change", () => this.#say({ solved }));
      this.#solved.append(make("label", "", input, make("span")));
    }
    this.append(
      make("header", "wrap-head", this.#title, this.#lasted),
      make("div", "field", this.#reasonsLabel, this.#reasons),
      make("div", "field", this.#solvedLabel, this.#solved),
      make("label", "field", this.#noteLabel, this.#note),
      this.#countdown,
      this.#done,
    );
  }

  /** @param {string} reason */
  #toggle(reason) {
    const reasons = this.#state?.draft.reasons ?? [];
    const wanted = reasons.includes(reason) ? reasons.filter((entry) => entry !== reason) : [...reasons, reason];
    this.#say({ reasons: wanted.slice(0, REASONS_MAX) });
  }

  /** @param {Partial<Draft>} change */
  #say(change) {
    if (!this.#state) return;
    const draft = { ...this.#state.draft, note: this.#note.value, ...change };
    this.dispatchEvent(new CustomEvent("draft", { detail: draft }));
  }

  #render() {
    const state = this.#state;
    if (!state || this.childElementCount === 0) return;
    const { name, lastedMs, score, draft, leftMs, busy } = state;
    const title = t("wrap.title", { name });
    setText(this.#title, title);
    this.setAttribute("aria-label", title);
    const lasted = lastedMs === null ? t("wrap.not_answered") : t("wrap.lasted", { time: formatDuration(lastedMs) });
    setText(this.#lasted, score === null ? lasted : `${lasted} · ${t("wrap.score", { score })}`);
    setText(this.#reasonsLabel, t("wrap.reasons"));
    for (const chip of this.#reasons.querySelectorAll("button")) {
      setText(chip, reasonWord(chip.dataset.reason ?? ""));
      chip.setAttribute("aria-pressed", String(draft.reasons.includes(chip.dataset.reason ?? "")));
    }
    setText(this.#solvedLabel, t("wrap.solved"));
    this.#solved.setAttribute("aria-label", t("wrap.solved"));
    for (const label of this.#solved.querySelectorAll("label")) {
      const input = /** @type {HTMLInputElement} */ (label.firstElementChild);
      input.checked = draft.solved === input.value;
      const word = label.lastElementChild;
      if (word) setText(word, input.value === "yes" ? t("wrap.yes") : input.value === "no" ? t("wrap.no") : t("wrap.unknown"));
    }
    setText(this.#noteLabel, t("wrap.note"));
    this.#note.placeholder = t("wrap.note_hint");
    this.#countdown.hidden = leftMs === null;
    if (leftMs !== null) {
      setText(this.#left, t("wrap.left", { time: formatDuration(leftMs) }));
      this.#bar.style.scale = `${Math.max(0, Math.min(1, leftMs / this.#wholeMs))} 1`;
      this.#countdown.classList.toggle("urgent", leftMs <= URGENT_MS);
    }
    setText(this.#word, busy ? t("wrap.saving") : t("wrap.done"));
    this.#done.disabled = busy;
  }
}

customElements.define("lm-wrap-up", WrapUp);
