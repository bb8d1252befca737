/** What is it about? A box, some topics, and three ways to talk. Nothing here has to be filled in. */
import { button, icon, make, setText } from "../pages/dom.js";
import { t } from "../pages/locale.js";
import { waitWords } from "./words.js";

/**
 * @typedef {import("./flow.js").Flow} Flow
 * @typedef {import("./types.js").Media} Media
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("./view.js").View} View
 * @typedef {{ title: string, price: string } | null} ProductShown
 */

const MAX = 500;

export class AskScene {
  element = make("form", "lm-ask");
  #flow;
  #hello = make("h2");
  #about = make("p", "lm-about");
  #product = make("div", "lm-product");
  #productWords = make("span", "truncate");
  #price = make("span", "lm-price");
  #text = make("textarea", "input lm-text");
  #topics = make("div", "lm-topics");
  #video = this.#way("video", "camera", "primary lm-way-main");
  #voice = this.#way("voice", "phone", "");
  #write = this.#way("text", "chat", "");
  #note = make("p", "lm-note");
  /** @type {readonly string[]} */
  #shown = [];

  /**
   * @param {Flow} flow
   * @param {{ product: () => ProductShown, topics: () => readonly string[] }} page
   */
  constructor(flow, page) {
    this.#flow = flow;
    this.page = page;
    this.#text.maxLength = MAX;
    this.#text.rows = 3;
    this.#text.value = flow.typed;
    this.#text.addEventListener("input", () => (flow.typed = this.#text.value));
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || !this.#text.value.trim()) return;
      // Whoever writes a question and presses Enter wants to write.
      event.preventDefault();
      this.#start("text");
    });
    this.#product.append(icon("tag"), this.#productWords, this.#price);
    this.#topics.setAttribute("role", "group");
    this.element.addEventListener("submit", (event) => event.preventDefault());
    this.element.append(
      make("div", "lm-hello", this.#hello, this.#about),
      this.#product,
      this.#text,
      this.#topics,
      make("div", "lm-ways", this.#video, this.#voice, this.#write),
      this.#note,
    );
  }

  /** Where a keyboard begins. */
  get first() {
    return this.#video;
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  show(view, model) {
    setText(this.#hello, t("widget.ask.title"));
    const { queue } = view;
    const ready = queue && queue.waiting === 0 && queue.agents > 0;
    this.#about.classList.toggle("ready", ready === true);
    setText(this.#about, ready ? t("widget.ask.ready") : queue?.estimate ? t("widget.ask.wait", { range: waitWords(queue.estimate) }) : t("widget.ask.about"));
    const product = this.page.product();
    this.#product.hidden = product === null;
    setText(this.#productWords, product?.title ?? "");
    setText(this.#price, product?.price ?? "");
    this.#text.placeholder = t("widget.ask.placeholder");
    this.#text.setAttribute("aria-label", t("widget.ask.label"));
    if (this.#text.value !== this.#flow.typed) this.#text.value = this.#flow.typed;
    this.#showTopics();
    this.#name(this.#video, t("widget.ask.video"));
    this.#name(this.#voice, t("widget.ask.voice"));
    this.#name(this.#write, t("widget.ask.text"));
    for (const way of [this.#video, this.#voice, this.#write]) way.disabled = model.asking;
    setText(this.#note, t("widget.ask.private"));
  }

  #showTopics() {
    const topics = this.page.topics();
    if (topics.join("|") === this.#shown.join("|")) return;
    this.#shown = topics;
    this.#topics.setAttribute("aria-label", t("widget.ask.topics"));
    this.#topics.replaceChildren(
      ...topics.map((topic) => {
        const chip = button(topic, "small lm-chip", () => {
          this.#text.value = this.#flow.typed = topic;
          for (const other of this.#topics.children) other.setAttribute("aria-pressed", String(other === chip));
          this.#text.focus();
        });
        chip.setAttribute("aria-pressed", "false");
        return chip;
      }),
    );
  }

  /**
   * @param {Media} media
   * @param {string} name of the icon
   * @param {string} className
   */
  #way(media, name, className) {
    const way = button("", `lm-way ${className}`, () => this.#start(media));
    way.dataset.media = media;
    way.append(icon(name), make("span"));
    return way;
  }

  /** @param {HTMLButtonElement} way @param {string} words */
  #name(way, words) {
    if (way.lastElementChild) setText(way.lastElementChild, words);
  }

  /** @param {Media} media */
  #start(media) {
    this.#flow.start(media, this.#text.value);
    this.#text.value = "";
  }
}
