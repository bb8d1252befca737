/** Everything that happened, in order, with what was said in the chat; the line at the cursor is lit and kept in sight. */
import { icon, make, setText } from "../dom.js";
import { getLocale, t } from "../locale.js";
import { timeWords, eventWords, findingWord, nameOf } from "../review-words.js";

/** @typedef {import("../review-session.js").ReviewSession} ReviewSession */
/** @typedef {{ t: number, kind: string, words: string, chat: boolean }} Line */

const QUIET = new Set(["network", "speaking", "mark_cleared"]);
const ICONS = { chat: "chat", note: "note", hold: "pause", resumed: "play", transfer: "transfer", paused: "pause", resumed_recording: "play", consent: "lock", muted: "mic-off", unmuted: "mic", joined: "add-person", left: "hangup", ring: "bell", wait: "clock", answered: "headset", ended: "end", mark: "pen", freeze: "freeze", thaw: "freeze", still: "photo", stage_on: "live", stage_off: "live", reconnecting: "signal-off", reconnected: "done", finding: "warning" };
/** Strokes of one drawing are one line. */
const STROKES_S = 4;

export class ReviewEvents extends HTMLElement {
  #only = make("div", "segments rv-only");
  #list = make("ol", "rv-events");
  #none = make("p", "rv-none");
  /** @type {ReviewSession | null} */
  #session = null;
  /** @type {Line[]} */
  #lines = [];
  #chatOnly = false;
  #shown = "";
  #lit = -1;

  connectedCallback() {
    if (this.childElementCount > 0) return;
    for (const only of [false, true]) {
      const choice = make("input");
      choice.type = "radio";
      choice.name = "rv-only";
      choice.checked = !only;
      choice.addEventListener("change", () => {
        this.#chatOnly = only;
        this.#shown = "";
        this.render();
      });
      this.#only.append(make("label", "", choice, make("span")));
    }
    this.append(this.#only, this.#list, this.#none);
    this.#only.setAttribute("role", "radiogroup");
  }

  /** @param {ReviewSession | null} session */
  open(session) {
    this.#session = session;
    this.#shown = "";
    this.render();
  }

  render() {
    const recording = this.#session?.recording;
    if (!recording || !this.#session) return;
    const [all, chat] = this.#only.querySelectorAll("span");
    if (all && chat) {
      setText(all, t("review.events_all"));
      setText(chat, t("review.events_chat"));
      this.#only.setAttribute("aria-label", t("review.tab_events"));
    }
    const shown = `${recording.id} ${getLocale()} ${this.#chatOnly}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#lines = this.#linesOf();
    this.#lit = -1;
    this.#none.hidden = this.#lines.length > 0;
    setText(this.#none, this.#chatOnly ? t("review.no_chat") : t("review.no_events"));
    this.#list.replaceChildren(
      ...this.#lines.map(({ t: at, kind, words, chat: said }) => {
        const line = make("button", `rv-event ${said ? "chat" : ""}`, make("span", "rv-at number", timeWords(at)), icon(iconOf(kind)), make("span", "rv-event-words", words));
        line.type = "button";
        line.addEventListener("click", () => this.dispatchEvent(new CustomEvent("seek", { detail: { t: at } })));
        return make("li", "", line);
      }),
    );
  }

  /** @returns {Line[]} */
  #linesOf() {
    const { recording, events } = /** @type {ReviewSession} */ (this.#session);
    if (!recording) return [];
    /** @type {Line[]} */
    const lines = [];
    let stroke = -Infinity;
    for (const event of events) {
      if (QUIET.has(event.kind)) continue;
      if (event.kind === "mark") {
        const again = event.t - stroke < STROKES_S;
        stroke = event.t;
        if (again) continue;
      }
      lines.push({ t: event.t, kind: event.kind, words: eventWords(event, recording), chat: event.kind === "chat" || event.kind === "note" });
    }
    for (const { from, kind, identity } of recording.findings) {
      const name = nameOf(recording, identity);
      lines.push({ t: from, kind: "finding", words: name ? `${name} · ${findingWord(kind)}` : findingWord(kind), chat: false });
    }
    return lines.filter(({ chat }) => chat || !this.#chatOnly).sort((a, b) => a.t - b.t);
  }

  /** @param {number} at seconds */
  at(at) {
    let lit = -1;
    for (let index = 0; index < this.#lines.length && (this.#lines[index]?.t ?? 0) <= at + 0.05; index++) lit = index;
    if (lit === this.#lit) return;
    this.#lit = lit;
    this.#list.querySelector(".now")?.classList.remove("now");
    const item = this.#list.children[lit];
    if (!(item instanceof HTMLElement)) return;
    item.classList.add("now");
    // Only the list scrolls, and not under somebody's hand.
    if (this.#list.matches(":hover, :focus-within")) return;
    const { offsetTop, offsetHeight } = item;
    const { scrollTop, clientHeight } = this.#list;
    if (offsetTop < scrollTop + 24 || offsetTop + offsetHeight > scrollTop + clientHeight - 24) this.#list.scrollTop = offsetTop - clientHeight / 3;
  }
}

/** @param {string} kind */
function iconOf(kind) {
  return /** @type {Record<string, string>} */ (ICONS)[kind] ?? "info";
}

customElements.define("lm-review-events", ReviewEvents);
