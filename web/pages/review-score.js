/** Score cards: what a template asks, what is still missing, and the score as the server computes it. Pure. */
import { list, number, numberOrNull, record, text, texts } from "./review-model.js";

/**
 * @typedef {"optional" | "low" | "always"} CommentRule low: below half of the points
 * @typedef {{ id: string, text: string, text_en: string, weight: number, points: number, na: boolean, auto_fail: boolean, comment: CommentRule }} Question points 1: yes or no
 * @typedef {{ id: string, version: number, title: string, title_en: string, pass_score: number | null, retired: boolean, questions: Question[] }} Template
 * @typedef {readonly [number, number]} Span
 * @typedef {{ value: number | null | undefined, comment: string, spans: Span[] }} Answer value undefined: none yet; null: it does not apply
 * @typedef {Record<string, Answer>} Answers by question
 * @typedef {{ at: number, by: string, what: string, comment: string, score: number | null }} Step
 * @typedef {{ id: string, recording: string, calibration: string, template: string, version: number, reviewer: string, reviewer_name: string, agent: string, state: string, answers: Answers, summary: string, score: number | null, failed: boolean, passed: boolean | null, submitted: number | null, updated: number, history: Step[], missing: string[], own: boolean }} Review
 */

const CITED = 16;

/** @param {unknown} body @returns {Template} */
export function asTemplate(body) {
  const template = record(body);
  return {
    id: text(template["id"]),
    version: number(template["version"], 1),
    title: text(template["title"]),
    title_en: text(template["title_en"]),
    pass_score: numberOrNull(template["pass_score"]),
    retired: template["retired"] === true,
    questions: list(template["questions"]).map(record).map((question) => ({
      id: text(question["id"]),
      text: text(question["text"]),
      text_en: text(question["text_en"]),
      weight: Math.max(0, number(question["weight"], 1)),
      points: Math.max(1, Math.round(number(question["points"], 1))),
      na: question["na"] === true,
      auto_fail: question["auto_fail"] === true,
      comment: question["comment"] === "always" || question["comment"] === "low" ? question["comment"] : "optional",
    })),
  };
}

/** Chinese is always there, English where somebody wrote it. @param {{ title: string, title_en: string }} template @param {string} locale */
export function titleOf({ title, title_en }, locale) {
  return locale === "en" ? title_en || title : title;
}

/** @param {{ text: string, text_en: string }} question @param {string} locale */
export function questionOf({ text: words, text_en }, locale) {
  return locale === "en" ? text_en || words : words;
}

/** @returns {Answer} */
export function noAnswer() {
  return { value: undefined, comment: "", spans: [] };
}

/** @param {unknown} body @returns {Answers} */
export function asAnswers(body) {
  /** @type {Answers} */
  const out = {};
  for (const answer of list(body).map(record)) {
    const spans = list(answer["spans"]).filter((pair) => Array.isArray(pair) && pair.length === 2 && pair.every((at) => Number.isFinite(at)));
    out[text(answer["question"])] = { value: "value" in answer ? numberOrNull(answer["value"]) : undefined, comment: text(answer["comment"]), spans: /** @type {Span[]} */ (spans) };
  }
  return out;
}

/** @param {unknown} body @returns {Review} */
export function asReview(body) {
  const review = record(body);
  return {
    id: text(review["id"]),
    recording: text(review["recording"]),
    calibration: text(review["calibration"]),
    template: text(review["template"]),
    version: number(review["version"], 1),
    reviewer: text(review["reviewer"]),
    reviewer_name: text(review["reviewer_name"]) || text(review["reviewer"]),
    agent: text(review["agent"]),
    state: text(review["state"], "draft"),
    answers: asAnswers(review["answers"]),
    summary: text(review["summary"]),
    score: numberOrNull(review["score"]),
    failed: review["failed"] === true,
    passed: typeof review["passed"] === "boolean" ? review["passed"] : null,
    submitted: numberOrNull(review["submitted"]),
    updated: number(review["updated"]),
    history: list(review["history"]).map(record).map(({ at, by, what, comment, score }) => ({ at: number(at), by: text(by), what: text(what), comment: text(comment), score: numberOrNull(score) })),
    missing: texts(review["missing"]),
    own: review["own"] === true,
  };
}

/** Answers as they are sent: those that were given. @param {Template} template @param {Answers} answers */
export function toSend({ questions }, answers) {
  return questions
    .filter(({ id }) => isAnswered(answers[id]))
    .map(({ id }) => {
      const { value, comment, spans } = answers[id] ?? noAnswer();
      return { question: id, value: value ?? null, ...(comment.trim() ? { comment: comment.trim() } : {}), ...(spans.length > 0 ? { spans: spans.slice(0, CITED) } : {}) };
    });
}

/** @param {Answer | undefined} answer */
export function isAnswered(answer) {
  return answer !== undefined && answer.value !== undefined;
}

/**
 * Whether an answer needs words.
 * @param {Question} question
 * @param {Answer | undefined} answer
 */
export function needsComment({ comment, points }, answer) {
  if (answer?.value === undefined || answer.value === null) return false;
  if (comment === "always") return true;
  return comment === "low" && answer.value < points / 2;
}

/**
 * The score: the weighted mean of value by points over what applies; 0 when one condition failed.
 * @param {Template} template
 * @param {Answers} answers
 * @returns {{ score: number | null, failed: boolean, passed: boolean | null, answered: number, of: number, missing: { question: string, what: "answer" | "comment" }[] }}
 *   score 0 to 100, null while nothing applies
 */
export function scoreOf({ questions, pass_score }, answers) {
  let earned = 0;
  let weights = 0;
  let failed = false;
  let answered = 0;
  /** @type {{ question: string, what: "answer" | "comment" }[]} */
  const missing = [];
  for (const question of questions) {
    const answer = answers[question.id];
    if (!answer || answer.value === undefined) {
      missing.push({ question: question.id, what: "answer" });
      continue;
    }
    answered++;
    if (needsComment(question, answer) && answer.comment.trim() === "") missing.push({ question: question.id, what: "comment" });
    if (answer.value === null) continue;
    const value = Math.min(question.points, Math.max(0, answer.value));
    if (question.auto_fail && value === 0) failed = true;
    weights += question.weight;
    earned += (question.weight * value) / question.points;
  }
  const share = weights === 0 ? null : Math.round((earned / weights) * 1000) / 10;
  const score = share === null ? null : failed ? 0 : share;
  return { score, failed, passed: score === null || pass_score === null ? null : score >= pass_score, answered, of: questions.length, missing };
}
