/** A review that was submitted: its score, its answers with the moments they cite, and what the agent said to it. */
import { icon, make } from "../dom.js";
import { getLocale, t } from "../locale.js";
import { questionOf } from "../review-score.js";
import { dateWords, scoreWords, spanWords } from "../review-words.js";

/** @typedef {import("../review-score.js").Review} Review */

/** @param {string} state */
export function stateOfReview(state) {
  switch (state) {
    case "draft":
      return t("review.review_draft");
    case "submitted":
      return t("review.review_submitted");
    case "acknowledged":
      return t("review.review_acknowledged");
    case "appealed":
      return t("review.review_appealed");
    case "resolved":
      return t("review.review_resolved");
    default:
      return state;
  }
}

/**
 * @param {Review} review
 * @param {import("../review-score.js").Template | null} template
 * @param {{ seek?: (seconds: number) => void, href?: string, actions?: HTMLElement[] }} how
 */
export function reviewCard(review, template, { seek, href, actions = [] }) {
  const score = make("b", `rv-big number${review.failed ? " failed" : ""}`, scoreWords(review.score));
  const at = review.submitted ?? review.updated;
  const verdict = review.passed === null ? "" : review.passed ? t("review.passed") : t("review.not_passed");
  const about = make("span", "rv-done-about", make("b", "", review.reviewer_name), make("span", "", [verdict, stateOfReview(review.state), at > 0 ? dateWords(at) : ""].filter(Boolean).join(" · ")));
  const rows = Object.entries(review.answers).map(([id, { value, comment, spans }]) => {
    const question = template?.questions.find((entry) => entry.id === id);
    const word = value === null || value === undefined ? t("review.na") : question?.points === 1 ? (value === 0 ? t("review.no") : t("review.yes")) : `${value} / ${question?.points ?? "–"}`;
    const row = make("div", "rv-done-row", make("span", "", question ? questionOf(question, getLocale()) : id), make("b", value === 0 ? "low" : "", word));
    const links = spans.map(([from, to]) => {
      const words = spanWords(from, to > from ? to : null);
      if (href) {
        const link = make("a", "rv-at number", words);
        link.href = `${href}#t=${from}`;
        return link;
      }
      const go = make("button", "rv-at number", words);
      go.type = "button";
      go.addEventListener("click", () => seek?.(from));
      return go;
    });
    if (comment || links.length > 0) row.append(make("p", "rv-done-said", ...links.flatMap((link) => [link, " "]), comment));
    return row;
  });
  const details = make("details", "rv-done-answers", make("summary", "", t("review.answers")), ...rows);
  details.open = seek !== undefined;
  const card = make("article", "rv-done", make("header", "", score, about));
  if (review.summary) card.append(make("p", "", review.summary));
  if (rows.length > 0) card.append(details);
  for (const step of review.history.filter(({ comment }) => comment !== "")) {
    card.append(make("p", "rv-step", icon(step.what === "appeal" || step.what === "appealed" ? "hand" : "note"), make("span", "", make("b", "", stepWord(step.what)), ` ${step.comment}`)));
  }
  if (actions.length > 0) card.append(make("div", "rv-done-acts", ...actions));
  return card;
}

/** @param {string} what was done */
function stepWord(what) {
  switch (what) {
    case "appeal":
    case "appealed":
      return t("review.step_appeal");
    case "acknowledge":
    case "acknowledged":
      return t("review.step_acknowledge");
    case "resolve":
    case "resolved":
      return t("review.step_resolve");
    default:
      return stateOfReview(what);
  }
}
