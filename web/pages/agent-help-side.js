/** Beside a call: what is known, the chat, the steps, our notes; one tab each in the console's right side. */
import { editReplies, repliesFor } from "./agent-help-replies.js";
import { CallChat } from "./components/call-chat.js";
import { CallContextCard } from "./components/call-context.js";
import { CallNoteForm } from "./components/call-note-form.js";
import { ChecklistPanel } from "./components/checklist.js";
import { toast } from "./components/toast.js";
import { t } from "./locale.js";

/**
 * @typedef {import("./agent-help.js").AgentHelp} AgentHelp
 * @typedef {import("./agent-help-types.js").Call} Call
 * @typedef {import("./agent-talk.js").TalkPane} TalkPane
 */

export class HelpSide {
  #help;
  #rest;
  #notes;
  #changed;
  /** Brings the right side to the front on a phone. */
  #reveal = () => {};
  #context = /** @type {CallContextCard} */ (document.createElement("lm-call-context"));
  #chat = new CallChat();
  #steps = new ChecklistPanel();
  #form = /** @type {CallNoteForm} */ (document.createElement("lm-call-note"));
  /** @type {TalkPane | null} */
  #talk = null;
  #call = "";
  /** The last message that was seen. @type {string | null} */
  #seen = null;
  #looking = false;
  #quick = "";
  /** Words are the call: the chat is opened by itself, once. */
  #opened = "";

  /**
   * @param {AgentHelp} help
   * @param {import("./agent-help-rest.js").HelpRest} rest
   * @param {import("./agent-help-notes.js").CallNotes} notes
   * @param {() => void} changed
   */
  constructor(help, rest, notes, changed) {
    this.#help = help;
    this.#rest = rest;
    this.#notes = notes;
    this.#changed = changed;
    this.#chat.editable = true;
    this.#chat.addEventListener("editquick", () => void this.#edit());
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

  /** Put a quick reply into the box, to be looked at and sent. @param {number} number from 1 */
  quick(number) {
    const { call, visit } = this.#help;
    const words = call && visit?.rights.write ? repliesFor(this.#rest.replies, call.shopper.name)[number - 1] : undefined;
    if (words === undefined) return;
    this.open("words");
    // Its box grows with the words: it must have its width first.
    requestAnimationFrame(() => this.#chat.insert(words));
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
    for (const panel of [this.#chat, this.#steps]) {
      panel.me = identity;
      panel.readonly = !visit?.rights.write;
      panel.help = visit?.help ?? null;
    }
    void this.#rest.learn();
    const words = repliesFor(this.#rest.replies, call.shopper.name);
    if (words.join("\n") !== this.#quick) {
      this.#quick = words.join("\n");
      this.#chat.quick = words;
    }
    this.#form.show({ id: call.id, draft: this.#notes.of(call) });
    if (duty === "talk" && call.media === "text" && this.#opened !== call.id) {
      this.#opened = call.id;
      this.#talk?.open("words");
    }
    this.#count(call);
  }

  async #edit() {
    const changed = await editReplies(this.#rest.replies);
    if (!changed) return;
    const kept = await this.#help.try(() => this.#rest.keep(changed.replies));
    if (kept) toast(t("replies.saved"), { kind: "good", replaces: "replies" });
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
    this.#chat.help = null;
    this.#steps.help = null;
  }
}
