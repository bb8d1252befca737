/**
 * A shopper asks for help and we are rung: who, about what, from where; a look into the mirror; one tap to answer.
 *
 *   ring.show({ call, capture, remainingMs, waitedMs, busy, trouble });     // null: nobody rings
 *
 * Events: `accept`, `decline` {reason: string | null}, `ask` (open the devices, from a click).
 */
import { mediaIcon, mediaWord } from "../agent-help-words.js";
import { button, dots, icon, make, setIcon, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { onLocale, t } from "../locale.js";
import { avatar } from "./avatar.js";
import { CallContextCard } from "./call-context.js";
import { PreviewCheck } from "./preview-check.js";

/**
 * @typedef {import("../agent-help-types.js").Call} Call
 * @typedef {object} CallRingState
 * @property {Call} call
 * @property {string} from a colleague who hands the shopper over; empty when the queue rings
 * @property {string} note what that colleague wrote for us
 * @property {import("../capture.js").Capture | null} capture null: words only
 * @property {number | null} remainingMs
 * @property {number} waitedMs of a call that is handed on: since it was answered
 * @property {boolean} busy
 * @property {{ code: string, message: string } | null} trouble as a sentence
 */

const URGENT_MS = 5_000;

export class CallRing extends HTMLElement {
  /** @type {CallRingState | null} */
  #state = null;
  #wholeMs = 1;
  #face = make("div", "ring-face");
  #title = make("h2");
  #kind = make("span");
  #icon = icon("camera");
  #pill = make("span", "pill plain", this.#icon, this.#kind);
  #queue = make("span", "pill plain");
  #wait = make("span", "pill plain number");
  #verified = make("span", "context-badge verified", icon("verified"));
  #verifiedWord = make("span");
  #from = make("p", "call-ring-from");
  #context = /** @type {CallContextCard} */ (document.createElement("lm-call-context"));
  #check = /** @type {PreviewCheck} */ (document.createElement("lm-preview-check"));
  #textOnly = make("p", "call-ring-text hint");
  #trouble = make("div", "ring-trouble");
  #left = make("span", "number");
  #bar = make("i");
  #countdown = make("div", "ring-countdown", this.#left, make("span", "ring-bar", this.#bar));
  #acceptWord = make("span");
  #accept = button("", "primary ring-accept", () => this.dispatchEvent(new Event("accept")));
  #declineWord = make("span");
  #decline = button("", "ring-decline", () => this.#no(null));
  #reasons = make("div", "ring-reasons");
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {CallRingState | null} state */
  show(state) {
    if (state?.call.id !== this.#state?.call.id) this.#wholeMs = 1;
    this.#state = state;
    this.#wholeMs = Math.max(this.#wholeMs, state?.remainingMs ?? 1);
    this.hidden = state === null;
    this.#render();
  }

  #build() {
    this.setAttribute("role", "group");
    this.#context.short = true;
    this.#check.inCall = true;
    this.#trouble.setAttribute("role", "alert");
    this.#accept.append(icon("phone"), this.#acceptWord);
    this.#decline.append(icon("close"), this.#declineWord);
    this.#verified.append(this.#verifiedWord);
    this.#check.addEventListener("ask", () => this.dispatchEvent(new Event("ask")));
    const words = make("div", "ring-words", this.#title, make("p", "call-ring-pills", this.#pill, this.#queue, this.#wait, this.#verified));
    this.append(
      make("header", "ring-head", this.#face, words),
      make("div", "call-ring-about", this.#from, this.#context),
      make("div", "call-ring-mirror", this.#check, this.#textOnly),
      this.#trouble,
      this.#countdown,
      make("div", "ring-actions", this.#decline, this.#accept),
      this.#reasons,
    );
  }

  /** @param {string | null} reason */
  #no(reason) {
    this.dispatchEvent(new CustomEvent("decline", { detail: { reason } }));
  }

  #render() {
    const state = this.#state;
    if (!state || this.childElementCount === 0) return;
    const { call, from, note, capture, waitedMs, busy, trouble } = state;
    const { name } = call.shopper;
    if (this.#face.dataset.name !== name) {
      this.#face.dataset.name = name;
      this.#face.replaceChildren(avatar(name));
    }
    setText(this.#title, name);
    this.setAttribute("aria-label", t("callring.title", { name }));
    setIcon(this.#icon, mediaIcon(call.media));
    setText(this.#kind, mediaWord(call.media));
    setText(this.#queue, call.queue_title || call.queue);
    const time = formatDuration(waitedMs);
    // Handed on, the shopper has been talking, not waiting.
    setText(this.#wait, call.answered ? t("callring.going", { time }) : t("callring.waited", { time }));
    this.#verified.hidden = call.context?.verified !== true;
    setText(this.#verifiedWord, t("context.verified"));
    this.#verified.title = t("context.verified_hint");
    this.#from.hidden = from === "";
    setText(this.#from, note ? t("callring.from_note", { name: from, note }) : t("callring.from", { name: from }));
    this.#context.show(call);
    this.#check.hidden = capture === null;
    this.#check.capture = capture;
    this.#textOnly.hidden = capture !== null;
    setText(this.#textOnly, t("callring.text_only"));
    // What is wrong with the devices stands in the mirror already.
    this.#renderTrouble(capture?.trouble ? null : trouble);
    this.#renderCountdown(busy);
    this.#renderActions(busy, trouble !== null);
  }

  /** @param {{ code: string, message: string } | null} trouble */
  #renderTrouble(trouble) {
    this.#trouble.hidden = trouble === null;
    if (!trouble || this.#trouble.dataset.code === trouble.code) return;
    this.#trouble.dataset.code = trouble.code;
    this.#trouble.replaceChildren(make("span", "", trouble.message), make("span", "code", trouble.code));
  }

  /** @param {boolean} busy */
  #renderCountdown(busy) {
    const left = this.#state?.remainingMs ?? null;
    this.#countdown.hidden = left === null || busy;
    if (left === null) return;
    const seconds = Math.max(0, Math.ceil(left / 1000));
    setText(this.#left, this.#state?.from ? t("callring.left_you", { seconds }) : t("callring.left", { seconds }));
    this.#bar.style.scale = `${Math.max(0, Math.min(1, left / this.#wholeMs))} 1`;
    this.#countdown.classList.toggle("urgent", left <= URGENT_MS);
  }

  /**
   * @param {boolean} busy
   * @param {boolean} failed
   */
  #renderActions(busy, failed) {
    const word = busy ? t("callring.answering") : failed ? t("callring.answer_anyway") : t("callring.answer");
    setText(this.#acceptWord, word);
    if (busy && !this.#accept.querySelector(".dots")) this.#accept.append(dots());
    else if (!busy) this.#accept.querySelector(".dots")?.remove();
    this.#accept.disabled = busy;
    this.#decline.disabled = busy;
    setText(this.#declineWord, t("callring.decline"));
    this.#reasons.hidden = busy;
    const words = [t("callring.reason.busy"), t("callring.reason.skill"), t("callring.reason.device")];
    if (this.#reasons.dataset.words === words.join()) return;
    this.#reasons.dataset.words = words.join();
    this.#reasons.replaceChildren(
      make("span", "hint", t("callring.reasons")),
      ...words.map((reason) => button(reason, "small quiet", () => this.#no(reason))),
    );
  }
}

customElements.define("lm-call-ring", CallRing);
