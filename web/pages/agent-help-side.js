/** Beside a call: what is known, the chat, the steps, our notes; one tab each in the console's right side. */
import { CallContextCard } from "./components/call-context.js";
import { CallNoteForm } from "./components/call-note-form.js";
import { t } from "./locale.js";

/**
 * @typedef {import("./agent-help.js").AgentHelp} AgentHelp
 * @typedef {import("./agent-help-types.js").Call} Call
 * @typedef {import("./agent-talk.js").TalkPane} TalkPane
 */

export class HelpSide {
  #help;
  #notes;
  #changed;
  /** Brings the right side to the front on a phone. */
  #reveal = () => {};
  #context = /** @type {CallContextCard} */ (document.createElement("lm-call-context"));
  #chat = document.createElement("lm-call-chat");
  #steps = document.createElement("lm-checklist");
  #form = /** @type {CallNoteForm} */ (document.createElement("lm-call-note"));
  /** @type {TalkPane | null} */
  #talk = null;
  #call = "";
  /** The last message that was seen. @type {string | null} */
  #seen = null;
  #looking = false;
  /** Words are the call: the chat is opened by itself, once. */
  #opened = "";

  /**
   * @param {AgentHelp} help
   * @param {import("./agent-help-notes.js").CallNotes} notes
   * @param {() => void} changed
   */
  constructor(help, notes, changed) {
    this.#help = help;
    this.#notes = notes;
    this.#changed = changed;
    this.#form.addEventListener("draft", (event) => {
      const { call } = help;
      if (call) notes.set(call.id, /** @type {CustomEvent<import("./agent-help-notes.js").Draft>} */ (event).detail);
    });
  }

  /**
   * The panels, into the right side.
   * @param {TalkPane} talk
   * @param {() => void} reveal brings it to the front on a phone
   */
  add(talk, reveal) {
    this.#talk = talk;
    this.#reveal = reveal;
    talk.add("case", () => t("callside.case"), this.#context);
    talk.add("words", () => t("callside.chat"), this.#chat, (seen) => this.#look(seen));
    talk.add("steps", () => t("callside.steps"), this.#steps);
    talk.add("notes", () => t("callside.notes"), this.#form);
  }

  /** The tabs that make sense now. @returns {string[]} */
  get tabs() {
    const { duty, visit } = this.#help;
    if (duty === "wrap") return ["case"];
    if (duty !== "talk" || !visit) return [];
    // A listener reads along and writes nothing.
    return visit.rights.lead ? ["case", "words", "steps", "notes"] : ["case", "words", "steps"];
  }

  /** Show this tab, if there is one now. @param {string} tab */
  open(tab) {
    if (!this.tabs.includes(tab)) return;
    this.#talk?.open(tab);
    this.#reveal();
  }

  render() {
    const { call, visit, duty, identity } = this.#help;
    if (!call || duty === null || duty === "ring") {
      this.#leave();
      return;
    }
    if (this.#call !== call.id) {
      this.#call = call.id;
      this.#seen = call.messages.at(-1)?.id ?? null;
    }
    this.#context.show(call);
    const readonly = !visit?.rights.write;
    Object.assign(this.#chat, { help: visit?.help ?? null, me: identity, readonly });
    Object.assign(this.#steps, { help: visit?.help ?? null, me: identity, readonly });
    this.#form.show({ id: call.id, draft: this.#notes.of(call) });
    if (duty === "talk" && call.media === "text" && this.#opened !== call.id) {
      this.#opened = call.id;
      this.#talk?.open("words");
    }
    this.#count(call);
  }

  /** @param {Call} call */
  #count({ messages }) {
    if (this.#looking) {
      this.#seen = messages.at(-1)?.id ?? null;
      this.#talk?.count("words", 0);
      return;
    }
    const from = messages.findIndex(({ id }) => id === this.#seen);
    const unread = messages.slice(from + 1).filter(({ by }) => by.identity !== this.#help.identity).length;
    this.#talk?.count("words", unread);
  }

  /** @param {boolean} seen */
  #look(seen) {
    if (seen === this.#looking) return;
    this.#looking = seen;
    if (seen) queueMicrotask(this.#changed);
  }

  #leave() {
    if (this.#call === "") return;
    this.#call = "";
    this.#seen = null;
    Object.assign(this.#chat, { help: null });
    Object.assign(this.#steps, { help: null });
  }
}
