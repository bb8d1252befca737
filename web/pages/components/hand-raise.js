/**
 * Raising a hand: a button, the question what about (which may stay empty), and the way back.
 *
 * Events: `raise` {topic}, `lower`.
 */
import { button, icon, make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";

/** @typedef {{ open: boolean, raised: boolean, busy: boolean, trouble: string | null }} HandState trouble: a sentence */

const TOPIC_MAX = 120;

export class HandRaise extends HTMLElement {
  /** @type {HandState} */
  #state = { open: false, raised: false, busy: false, trouble: null };
  #asking = false;
  #beginWord = make("span");
  #begin = button("", "small hand-begin", () => this.#ask(true));
  #topic = make("input", "input");
  #raiseWord = make("span");
  #raise = make("button", "button small primary");
  #cancel = button("", "small", () => this.#ask(false));
  #form = make("form", "hand-form", this.#topic, make("div", "hand-actions", this.#cancel, this.#raise));
  #raisedWord = make("span", "truncate");
  #lower = button("", "small", () => this.#say("lower", null));
  #raised = make("div", "hand-raised", icon("hand"), this.#raisedWord, this.#lower);
  #trouble = make("p", "hand-trouble");
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) {
      this.#begin.append(icon("hand"), this.#beginWord);
      this.#raise.append(icon("hand"), this.#raiseWord);
      this.#raise.type = "submit";
      this.#topic.type = "text";
      this.#topic.maxLength = TOPIC_MAX;
      this.#topic.autocomplete = "off";
      this.#trouble.setAttribute("role", "alert");
      this.#form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.#say("raise", { topic: this.#topic.value.trim() });
      });
      this.append(this.#begin, this.#form, this.#raised, this.#trouble);
    }
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {HandState} state */
  show(state) {
    if (state.raised || !state.open) this.#asking = false;
    this.#state = state;
    this.#render();
  }

  /** @param {boolean} asking */
  #ask(asking) {
    this.#asking = asking;
    this.#render();
    (asking ? this.#topic : this.#begin).focus();
  }

  /**
   * @param {string} type
   * @param {object | null} detail
   */
  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #render() {
    const { open, raised, busy, trouble } = this.#state;
    this.hidden = !open && !raised;
    this.#begin.hidden = raised || this.#asking;
    this.#form.hidden = raised || !this.#asking;
    this.#raised.hidden = !raised;
    setText(this.#beginWord, t("hand.raise"));
    setText(this.#raiseWord, t("hand.raise"));
    setText(this.#cancel, t("dialog.cancel"));
    setText(this.#raisedWord, t("hand.raised"));
    setText(this.#lower, t("hand.lower"));
    const topic = t("hand.topic");
    if (this.#topic.placeholder !== topic) {
      this.#topic.placeholder = topic;
      this.#topic.setAttribute("aria-label", topic);
    }
    for (const element of [this.#raise, this.#lower]) element.disabled = busy;
    this.#trouble.hidden = trouble === null;
    setText(this.#trouble, trouble ?? "");
  }
}

customElements.define("lm-hand", HandRaise);
