/** The filters of the list, beside it or, on a phone, above it. Emits `filters` with those that changed. */
import { button, make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";
import { FLAGS, NO_FILTERS, ORDERS } from "../review-query.js";
import { findingWord } from "../review-words.js";

/** @typedef {import("../review-query.js").Filters} Filters */

const WAIT_MS = 400;

export class ReviewFilters extends HTMLElement {
  /** @type {Filters} */
  #filters = { ...NO_FILTERS };
  #built = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {Filters} filters */
  show(filters) {
    this.#filters = { ...filters };
    this.#render();
  }

  #render() {
    const locale = t("review.filters");
    if (this.#built !== locale) {
      this.#built = locale;
      this.#build();
    }
    for (const field of this.querySelectorAll("[data-filter]")) {
      const name = /** @type {keyof Filters} */ (/** @type {HTMLElement} */ (field).dataset["filter"]);
      if ((field instanceof HTMLInputElement || field instanceof HTMLSelectElement) && field !== document.activeElement) field.value = this.#filters[name];
    }
    const clear = this.querySelector(".rv-clear");
    if (clear instanceof HTMLButtonElement) clear.disabled = Object.entries(NO_FILTERS).every(([name, value]) => this.#filters[/** @type {keyof Filters} */ (name)] === value);
  }

  #build() {
    const orders = { newest: t("review.order_newest"), oldest: t("review.order_oldest"), longest: t("review.order_longest"), rating: t("review.order_rating"), score: t("review.order_score") };
    const any = /** @type {const} */ (["", t("review.any")]);
    this.setAttribute("aria-label", t("review.filters"));
    this.setAttribute("role", "group");
    this.replaceChildren(
      this.#choice("order", t("review.order"), ORDERS.map((name) => [name, orders[/** @type {keyof typeof orders} */ (name)]])),
      this.#field("agent", t("review.agent"), "text"),
      this.#field("queue", t("review.queue"), "text"),
      make("div", "rv-pair", this.#field("since", t("review.since"), "date"), this.#field("until", t("review.until"), "date")),
      make("div", "rv-pair", this.#field("min", t("review.min_minutes"), "number"), this.#field("max", t("review.max_minutes"), "number")),
      this.#choice("rating", t("review.rating"), [any, ["1-2", t("review.rating_low")], ["3", "★★★"], ["4-5", t("review.rating_high")]]),
      this.#choice("flag", t("review.flag"), [any, ...FLAGS.map((kind) => /** @type {const} */ ([kind, findingWord(kind)]))]),
      this.#field("tag", t("review.tag"), "text"),
      this.#choice("kind", t("review.kind"), [any, ["call", t("review.kind_call")], ["stage", t("review.kind_stage")]]),
      this.#choice("reviewed", t("review.reviewed"), [any, ["false", t("review.reviewed_no")], ["true", t("review.reviewed_yes")]]),
      this.#choice("held", t("review.hold"), [any, ["true", t("review.held")]]),
    );
    const clear = button(t("review.filters_clear"), "small quiet rv-clear", () => this.#tell({ ...NO_FILTERS, q: this.#filters.q }));
    this.append(clear);
  }

  /** @param {keyof Filters} name @param {string} label @param {"text" | "date" | "number"} type */
  #field(name, label, type) {
    const input = make("input", "input");
    input.type = type;
    input.dataset["filter"] = name;
    if (type === "number") input.min = "0";
    input.addEventListener(type === "date" ? "change" : "input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tell({ [name]: input.value.trim() }), type === "date" ? 0 : WAIT_MS);
    });
    const word = make("span", "field-label");
    setText(word, label);
    return make("label", "field", word, input);
  }

  /** @param {keyof Filters} name @param {string} label @param {readonly (readonly [string, string])[]} choices */
  #choice(name, label, choices) {
    const select = make("select", "select");
    select.dataset["filter"] = name;
    select.append(...choices.map(([value, word]) => new Option(word, value)));
    select.addEventListener("change", () => this.#tell({ [name]: select.value }));
    return make("label", "field", make("span", "field-label", label), select);
  }

  /** @param {Partial<Filters>} change */
  #tell(change) {
    clearTimeout(this.#timer);
    this.dispatchEvent(new CustomEvent("filters", { detail: change }));
  }
}

customElements.define("lm-review-filters", ReviewFilters);
