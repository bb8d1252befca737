/** An agent's own reviews: what was said of their calls; acknowledge, or appeal with a reason. */
import { askLine } from "./dialog.js";
import { button, make } from "../dom.js";
import { t } from "../locale.js";
import { list, record } from "../review-model.js";
import { asReview, asTemplate } from "../review-score.js";
import { reviewCard } from "./review-card.js";
import { ReviewView } from "./review-view.js";

export class ReviewMine extends ReviewView {
  /** @type {import("../review-score.js").Review[]} */
  #reviews = [];
  /** @type {import("../review-score.js").Template[]} */
  #templates = [];

  /** @override */
  async load() {
    const [reviews, templates] = await Promise.all([this.rest.ask("GET", "/reviews"), this.rest.ask("GET", "/scorecards/templates").catch(() => null)]);
    this.#reviews = list(record(reviews)["reviews"]).map(asReview);
    this.#templates = list(record(templates)["templates"]).map(asTemplate);
  }

  /** @override */
  draw() {
    const cards = this.#reviews.map((review) => {
      const href = `/review?r=${encodeURIComponent(review.recording)}&as=agent`;
      const link = make("a", "button small", t("review.open_recording"));
      link.href = href;
      const actions = [link];
      const act = (/** @type {string} */ what, /** @type {string} */ comment) => this.attempt(() => this.rest.ask("POST", `/reviews/${encodeURIComponent(review.id)}/${what}`, { body: comment ? { comment } : {} }));
      if (review.state === "submitted") {
        const appeal = async () => {
          const comment = await askLine({ title: t("review.appeal"), body: t("review.appeal_body"), label: t("review.hold_reason"), value: "", max: 2000, confirm: t("review.appeal") });
          if (comment) await act("appeal", comment);
        };
        return reviewCard(review, this.#templates.find(({ id }) => id === review.template) ?? null, { href, actions: [button(t("review.acknowledge"), "small primary", () => void act("acknowledge", "")), button(t("review.appeal"), "small", () => void appeal()), ...actions] });
      }
      return reviewCard(review, this.#templates.find(({ id }) => id === review.template) ?? null, { href, actions });
    });
    this.body.replaceChildren(cards.length > 0 ? make("div", "rv-grid", ...cards) : make("p", "rv-none", t("review.no_reviews")));
  }
}

customElements.define("lm-review-mine", ReviewMine);
