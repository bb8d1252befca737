/** Several reviewers on one recording, blind until all are done; then how far they agree, question by question. */
import { make } from "../dom.js";
import { getLocale, t } from "../locale.js";
import { list, number, numberOrNull, record, text, texts } from "../review-model.js";
import { asReview, asTemplate, questionOf } from "../review-score.js";
import { scoreWords } from "../review-words.js";
import { ReviewView, progress, table } from "./review-view.js";

export class ReviewCalibration extends ReviewView {
  /** @type {Record<string, unknown>[]} */
  #all = [];
  /** @type {Record<string, unknown>} */
  #one = {};
  /** @type {import("../review-score.js").Question[]} */
  #questions = [];

  /** @override */
  async load() {
    const id = this.opened?.id ?? "";
    if (id) {
      this.#one = record(await this.rest.ask("GET", `/calibrations/${encodeURIComponent(id)}`));
      const template = await this.rest.ask("GET", `/scorecards/templates/${encodeURIComponent(text(this.#one["template"]))}?version=${number(this.#one["version"], 1)}`).catch(() => null);
      this.#questions = asTemplate(template).questions;
    } else this.#all = list(record(await this.rest.ask("GET", "/calibrations"))["calibrations"]).map(record);
  }

  /** @override */
  draw() {
    if (this.opened?.id) this.#drawOne();
    else this.#drawAll();
  }

  #drawAll() {
    const cards = this.#all.map((entry) => {
      const reviewers = list(entry["reviewers"]).map(record);
      const done = reviewers.filter(({ submitted }) => submitted).length;
      const link = make("a", "rv-done", make("header", "", make("b", "", text(entry["title"]) || text(entry["recording"]))), progress(done / Math.max(1, reviewers.length), t("review.done_of", { done, of: reviewers.length })), make("span", "rv-more", entry["complete"] === true ? t("review.agreement_ready") : t("review.blind")));
      link.href = `/review?view=calibration&id=${encodeURIComponent(text(entry["id"]))}`;
      return link;
    });
    this.body.replaceChildren(cards.length > 0 ? make("div", "rv-grid", ...cards) : make("p", "rv-none", t("review.no_calibrations")));
  }

  #drawOne() {
    const one = this.#one;
    const reviewers = list(one["reviewers"]).map(record);
    const open = make("a", "button small", t("review.open_recording"));
    open.href = `/review?r=${encodeURIComponent(text(one["recording"]))}`;
    const head = make("header", "rv-view-head", make("h1", "", text(one["title"])), open);
    if (one["complete"] !== true) {
      const rows = reviewers.map((entry) => [text(entry["identity"]), entry["submitted"] ? t("review.review_submitted") : t("review.not_yet")]);
      this.body.replaceChildren(head, make("p", "rv-more", t("review.blind_about")), table([t("review.person"), t("review.reviewed")], rows));
      return;
    }
    const agreement = record(one["agreement"]);
    const reviews = list(one["reviews"]).map(asReview);
    const nameOf = (/** @type {string} */ identity) => reviews.find(({ reviewer }) => reviewer === identity)?.reviewer_name ?? identity;
    const people = reviews.map(({ reviewer }) => reviewer);
    const alpha = numberOrNull(agreement["alpha"]);
    const word = alpha === null ? t("review.alpha_none") : alpha >= 0.8 ? t("review.alpha_good") : alpha >= 0.667 ? t("review.alpha_fair") : t("review.alpha_poor");
    const figure = make("div", "rv-panel rv-figure", make("b", "rv-big number", alpha === null ? "–" : decimal(alpha)), make("span", "", `${t("review.alpha")} · ${word}`));
    const scores = table([t("review.person"), t("review.score")], reviews.map(({ reviewer_name, score }) => [reviewer_name, scoreWords(score)]));
    const questions = list(agreement["questions"]).map(record);
    const matrix = table([t("review.question"), ...people.map(nameOf), t("review.spread")], questions.map((question) => [this.#words(text(question["question"])), ...people.map((identity) => valueWord(record(question["values"])[identity])), spread(number(question["spread"]))]));
    const kappas = table([t("review.pair"), t("review.kappa")], list(agreement["kappa"]).map(record).map((pair) => [texts(pair["reviewers"]).map(nameOf).join(" · "), numberOrNull(pair["kappa"]) === null ? "–" : decimal(number(pair["kappa"]))]));
    this.body.replaceChildren(head, figure, make("div", "rv-grid", scores, kappas), matrix);
  }

  /** @param {string} id of a question */
  #words(id) {
    const question = this.#questions.find((entry) => entry.id === id);
    return question ? questionOf(question, getLocale()) : id;
  }
}

/** @param {number} value */
const decimal = (value) => new Intl.NumberFormat(getLocale(), { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value);

/** @param {unknown} value */
function valueWord(value) {
  if (value === null) return t("review.na");
  return typeof value === "number" ? String(value) : "–";
}

/** @param {number} value */
function spread(value) {
  return make("b", value >= 2 ? "rv-apart" : "", String(value));
}

customElements.define("lm-review-calibration", ReviewCalibration);
