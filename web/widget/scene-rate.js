/** How was it? One tap is enough. */
import { avatar } from "../pages/components/avatar.js";
import { button, icon, make, setText } from "../pages/dom.js";
import { t } from "../pages/locale.js";

/**
 * @typedef {import("./flow.js").Flow} Flow
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("./view.js").View} View
 */

const SCORES = [1, 2, 3, 4, 5];

export class RateScene {
  element = make("form", "lm-rate");
  #flow;
  #face = make("div", "lm-calling small");
  #title = make("h2");
  #body = make("p", "lm-about");
  #stars = make("div", "lm-stars");
  #word = make("p", "lm-word");
  #solvedName = make("span", "field-label");
  #yes = this.#answer("yes");
  #no = this.#answer("no");
  #comment = make("textarea", "input");
  #more = make("div", "lm-more");
  #send = make("button", "button primary");
  #skip = button("", "quiet", () => this.#flow.skipRating());
  #score = 0;
  /** @type {"yes" | "no" | null} */
  #solved = null;
  #call = "";

  /** @param {Flow} flow */
  constructor(flow) {
    this.#flow = flow;
    this.#stars.setAttribute("role", "radiogroup");
    for (const score of SCORES) {
      const input = make("input", "sr-only");
      input.type = "radio";
      input.name = "score";
      input.value = String(score);
      input.addEventListener("change", () => {
        this.#score = score;
        this.show(flow.view, flow.model);
      });
      this.#stars.append(make("label", "lm-star", input, icon("star")));
    }
    this.#comment.maxLength = 1000;
    this.#comment.rows = 2;
    this.#send.type = "submit";
    this.#more.append(make("div", "field", this.#solvedName, make("div", "lm-row", this.#yes, this.#no)), this.#comment);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#score > 0) void flow.rate(this.#score, this.#comment.value.trim(), this.#solved);
    });
    this.element.append(this.#face, make("div", "lm-hello", this.#title, this.#body), this.#stars, this.#word, this.#more, make("div", "lm-actions", this.#send, this.#skip));
  }

  get first() {
    return this.#stars.querySelector("input");
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  show({ agent }, { call, rating }) {
    if (call && call.id !== this.#call) this.#begin(call.id);
    const done = rating === "done";
    const name = agent?.name ?? call?.people.find(({ side }) => side === "agent")?.name ?? "";
    if (this.#face.dataset.name !== name) {
      this.#face.dataset.name = name;
      this.#face.replaceChildren(...(name ? [avatar(name, "large")] : []));
    }
    setText(this.#title, done ? t("widget.rate.thanks") : t("widget.rate.title"));
    setText(this.#body, done ? t("widget.rate.thanks_body") : name ? t("widget.rate.body", { name }) : "");
    this.#stars.setAttribute("aria-label", t("widget.rate.title"));
    const names = scoreWords();
    for (const [index, star] of [...this.#stars.children].entries()) {
      star.classList.toggle("lit", index < this.#score);
      star.setAttribute("title", names[index] ?? "");
      star.firstElementChild?.setAttribute("aria-label", names[index] ?? "");
    }
    setText(this.#word, names[this.#score - 1] ?? "");
    setText(this.#solvedName, t("widget.rate.solved"));
    for (const [control, answer, words] of /** @type {const} */ ([[this.#yes, "yes", t("widget.rate.yes")], [this.#no, "no", t("widget.rate.no")]])) {
      setText(control, words);
      control.setAttribute("aria-pressed", String(this.#solved === answer));
    }
    this.#comment.placeholder = t("widget.rate.comment");
    this.#comment.setAttribute("aria-label", t("widget.rate.comment"));
    this.#more.hidden = this.#score === 0 || done;
    this.#stars.hidden = this.#word.hidden = done;
    setText(this.#send, t("widget.rate.send"));
    this.#send.hidden = done;
    this.#send.disabled = this.#score === 0 || rating === "sending";
    this.#skip.classList.toggle("primary", done);
    this.#skip.classList.toggle("quiet", !done);
    setText(this.#skip, done ? t("widget.done") : t("widget.rate.skip"));
  }

  /** @param {string} call */
  #begin(call) {
    this.#call = call;
    this.#score = 0;
    this.#solved = null;
    this.#comment.value = "";
    for (const input of this.#stars.querySelectorAll("input")) input.checked = false;
  }

  /** @param {"yes" | "no"} answer */
  #answer(answer) {
    return button("", "small lm-chip", () => {
      this.#solved = this.#solved === answer ? null : answer;
      this.show(this.#flow.view, this.#flow.model);
    });
  }
}

function scoreWords() {
  return [t("widget.rate.score1"), t("widget.rate.score2"), t("widget.rate.score3"), t("widget.rate.score4"), t("widget.rate.score5")];
}
