/** Call me back: when, under which number, about what. */
import { button, make, setText } from "../pages/dom.js";
import { t } from "../pages/locale.js";
import { callbackTimes } from "./view.js";
import { timeWords } from "./words.js";

/**
 * @typedef {import("./flow.js").Flow} Flow
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("./view.js").View} View
 */

export class LaterScene {
  element = make("form", "lm-later");
  #flow;
  #title = make("h2");
  #body = make("p", "lm-about");
  #times = make("div", "lm-times");
  #timesName = make("span", "field-label");
  #phoneName = make("span");
  #phone = make("input", "input");
  #noteName = make("span");
  #note = make("textarea", "input");
  #back = button("", "", () => this.#flow.backFromCallback());
  #send = make("button", "button primary");
  #at = 0;
  /** @type {readonly number[]} */
  #shown = [];

  /** @param {Flow} flow */
  constructor(flow) {
    this.#flow = flow;
    this.#phone.type = "tel";
    this.#phone.maxLength = 40;
    this.#phone.autocomplete = "tel";
    this.#phone.inputMode = "tel";
    this.#note.maxLength = 300;
    this.#note.rows = 2;
    this.#send.type = "submit";
    this.#send.append(make("span"));
    this.#times.setAttribute("role", "radiogroup");
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      void flow.leaveCallback(this.#at, this.#phone.value.trim(), this.#note.value.trim());
    });
    this.element.append(
      make("div", "lm-hello", this.#title, this.#body),
      make("div", "field", this.#timesName, this.#times),
      make("label", "field", this.#phoneName, this.#phone),
      make("label", "field", this.#noteName, this.#note),
      make("div", "lm-row lm-row-even", this.#back, this.#send),
    );
  }

  get first() {
    return this.#times.querySelector("input");
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  show(view, model) {
    setText(this.#title, t("widget.callback.title"));
    setText(this.#body, t("widget.callback.body"));
    setText(this.#timesName, t("widget.callback.when"));
    setText(this.#phoneName, t("widget.callback.phone"));
    setText(this.#noteName, t("widget.callback.note"));
    if (this.#note.value === "" && this.#flow.typed) this.#note.value = this.#flow.typed.slice(0, 300);
    setText(this.#back, t("widget.back"));
    const words = this.#send.lastElementChild;
    if (words) setText(words, t("widget.callback.send"));
    this.#send.disabled = model.callback === "sending";
    const opens = view.queue?.open === false ? view.queue.opens_at : (model.refusal?.opensAt ?? null);
    this.#showTimes(callbackTimes(Date.now(), opens));
  }

  /** @param {readonly number[]} times */
  #showTimes(times) {
    const key = times.map((at) => timeWords(at)).join("|");
    if (this.#times.dataset.key === key) return;
    this.#times.dataset.key = key;
    this.#shown = times;
    if (!times.includes(this.#at)) this.#at = times[0] ?? 0;
    this.#times.setAttribute("aria-label", t("widget.callback.when"));
    this.#times.replaceChildren(
      ...this.#shown.map((at) => {
        const choice = make("input");
        choice.type = "radio";
        choice.name = "at";
        choice.checked = at === this.#at;
        choice.addEventListener("change", () => (this.#at = at));
        return make("label", "lm-time", choice, make("span", "", timeWords(at)));
      }),
    );
  }
}
