/**
 * The score card of a recording: questions with weights, answers that cite a span, the score as it will be; drafts are
 * kept, what was submitted is shown with the agent's answer.
 *
 * Emits `seek` {t}.
 */
import { ask } from "./dialog.js";
import { toast } from "./toast.js";
import { button, icon, make, setText } from "../dom.js";
import { codeOf, sentence } from "../errors.js";
import { getLocale, t } from "../locale.js";
import { asReview, asTemplate, needsComment, noAnswer, questionOf, scoreOf, titleOf, toSend } from "../review-score.js";
import { list, record } from "../review-model.js";
import { dateWords, scoreWords, spanWords } from "../review-words.js";
import { at } from "../review-rest.js";
import { reviewCard } from "./review-card.js";

/** @typedef {import("../review-score.js").Template} Template */
/** @typedef {import("../review-score.js").Question} Question */
/** @typedef {import("../review-score.js").Review} Review */

const SAVE_MS = 1_500;

export class ReviewScore extends HTMLElement {
  /** @type {import("../review-session.js").ReviewSession | null} */
  #session = null;
  /** @type {Template[]} */
  #templates = [];
  /** @type {Review[]} */
  #reviews = [];
  #chosen = "";
  /** @type {import("../review-score.js").Answers} */
  #answers = {};
  #summary = "";
  /** @type {Review | null} our own, not yet submitted */
  #draft = null;
  #loaded = "";
  #failure = "";
  #missing = false;
  #t = 0;
  /** @type {{ from: number, to: number } | null} */
  #span = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #saved = make("span", "rv-saved");
  #total = make("div", "rv-total");
  #shown = "";

  connectedCallback() {
    this.#saved.setAttribute("role", "status");
    this.#total.setAttribute("aria-live", "polite");
  }

  /** @param {import("../review-session.js").ReviewSession | null} session */
  open(session) {
    clearTimeout(this.#timer);
    this.#session = session;
    this.#loaded = "";
    this.#shown = "";
    this.#answers = {};
    this.#summary = "";
    this.#draft = null;
    this.#missing = false;
  }

  /** @param {number} at seconds */
  at(at) {
    this.#t = at;
  }

  /** @param {{ from: number, to: number } | null} span */
  set span(span) {
    this.#span = span;
  }

  render() {
    if (this.hidden || !this.#session?.recording) return;
    if (this.#loaded !== this.#session.id) {
      this.#loaded = this.#session.id;
      void this.#load();
    }
    this.#draw();
  }

  async #load() {
    const session = this.#session;
    if (!session) return;
    this.#failure = "";
    try {
      const [templates, reviews] = await Promise.all([session.rest.ask("GET", "/scorecards/templates"), session.rest.ask("GET", `${at(session.id)}/reviews`)]);
      if (this.#session !== session) return;
      this.#templates = list(record(templates)["templates"]).map(asTemplate).filter(({ retired }) => !retired);
      this.#reviews = list(record(reviews)["reviews"]).map(asReview);
      const own = this.#reviews.find(({ state, own: mine }) => state === "draft" && mine);
      this.#draft = own ?? null;
      this.#chosen = own?.template ?? this.#templates[0]?.id ?? "";
      this.#answers = own?.answers ?? {};
      this.#summary = own?.summary ?? "";
    } catch (error) {
      this.#failure = codeOf(error);
    }
    this.#shown = "";
    this.render();
  }

  #draw() {
    const shown = JSON.stringify([getLocale(), this.#loaded, this.#templates, this.#reviews, this.#chosen, this.#failure, this.#missing]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const template = this.#templates.find(({ id }) => id === this.#chosen) ?? this.#templates[0];
    const submitted = this.#reviews.filter(({ state }) => state !== "draft");
    /** @type {HTMLElement[]} */
    const parts = [];
    if (this.#failure) parts.push(make("p", "rv-problem", sentence(this.#failure)), button(t("action.retry"), "small", () => void this.#load()));
    for (const review of submitted) parts.push(this.#done(review));
    if (template && this.#session?.recording?.can["score"] !== false) parts.push(...this.#form(template));
    else if (!this.#failure && submitted.length === 0) parts.push(make("p", "rv-none", this.#templates.length === 0 ? t("review.no_templates") : t("review.no_reviews")));
    this.replaceChildren(...parts);
    if (template) this.#renderTotal(template);
  }

  /** @param {Review} review */
  #done(review) {
    const template = this.#templates.find(({ id }) => id === review.template);
    return reviewCard(review, template ?? null, { seek: (seconds) => this.#seek(seconds) });
  }

  /** @param {Template} template @returns {HTMLElement[]} */
  #form(template) {
    const pick = make("select", "select");
    pick.append(...this.#templates.map(({ id, title, title_en, version }) => new Option(t("review.template_version", { title: titleOf({ title, title_en }, getLocale()), version }), id, false, id === template.id)));
    pick.setAttribute("aria-label", t("review.template"));
    pick.addEventListener("change", () => {
      this.#chosen = pick.value;
      this.#answers = {};
      this.#shown = "";
      this.render();
    });
    const form = make("form", "rv-card", make("div", "rv-card-head", pick, this.#total));
    template.questions.forEach((question, index) => form.append(this.#question(template, question, index)));
    const summary = make("textarea", "input");
    summary.rows = 3;
    summary.value = this.#summary;
    summary.addEventListener("input", () => {
      this.#summary = summary.value;
      this.#changed(template);
    });
    const send = make("button", "button primary", t("review.submit"));
    send.type = "submit";
    form.append(make("label", "field", make("span", "field-label", t("review.summary")), summary), make("div", "rv-card-foot", this.#saved, send));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit(template);
    });
    return [form];
  }

  /** @param {Template} template @param {Question} question @param {number} index */
  #question(template, question, index) {
    const answer = (this.#answers[question.id] ??= noAnswer());
    const group = make("fieldset", "rv-question");
    group.dataset["question"] = question.id;
    const weight = make("span", "rv-weight", t("review.weight", { weight: question.weight }));
    const legend = make("legend", "", `${index + 1}. ${questionOf(question, getLocale())} `, weight);
    if (question.auto_fail) legend.append(make("span", "rv-autofail", t("review.auto_fail")));
    group.append(legend);
    const choices = make("div", "segments rv-choices");
    const comment = make("textarea", "input");
    const problem = make("p", "rv-problem");
    problem.setAttribute("role", "alert");
    const refresh = () => {
      const needed = needsComment(question, answer);
      comment.placeholder = needed ? t("review.comment_needed") : t("review.comment_optional");
      comment.classList.toggle("needed", needed && answer.comment.trim() === "");
      const missing = this.#missing ? scoreOf(template, this.#answers).missing.find((entry) => entry.question === question.id) : undefined;
      problem.hidden = missing === undefined;
      setText(problem, missing ? (missing.what === "answer" ? t("review.missing_answer") : t("review.missing_comment")) : "");
    };
    for (const { value, label } of choicesOf(question)) {
      const input = make("input");
      input.type = "radio";
      input.name = `rv-${question.id}`;
      input.checked = answer.value === value;
      input.addEventListener("change", () => {
        answer.value = value;
        refresh();
        this.#changed(template);
      });
      choices.append(make("label", "", input, make("span", "", label)));
    }
    comment.rows = 1;
    comment.value = answer.comment;
    comment.setAttribute("aria-label", t("review.comment_to", { question: questionOf(question, getLocale()) }));
    comment.addEventListener("input", () => {
      answer.comment = comment.value;
      refresh();
      this.#changed(template);
    });
    group.append(choices, make("div", "rv-answer-row", comment, this.#cite(template, answer)), problem);
    refresh();
    return group;
  }

  /** @param {Template} template @param {import("../review-score.js").Answer} answer */
  #cite(template, answer) {
    const holder = make("span", "rv-cite");
    const draw = () => {
      const cited = answer.spans.map((span) => {
        const words = spanWords(span[0], span[1] > span[0] ? span[1] : null);
        const go = button(words, "small quiet rv-at number", () => this.#seek(span[0]));
        const away = button("", "small quiet", () => {
          answer.spans = answer.spans.filter((other) => other !== span);
          draw();
          this.#changed(template);
        });
        away.append(icon("close"));
        away.setAttribute("aria-label", t("review.uncite", { time: words }));
        return make("span", "rv-cited", go, away);
      });
      const add = button("", "small quiet", () => {
        const at = Math.round(this.#t * 10) / 10;
        answer.spans.push(this.#span ? [round(this.#span.from), round(this.#span.to)] : [at, at]);
        draw();
        this.#changed(template);
      });
      add.append(icon("pin"));
      add.title = t("review.cite");
      add.setAttribute("aria-label", t("review.cite"));
      holder.replaceChildren(...cited, add);
    };
    draw();
    return holder;
  }

  /** @param {number} seconds */
  #seek(seconds) {
    this.dispatchEvent(new CustomEvent("seek", { detail: { t: seconds } }));
  }

  /** @param {Template} template */
  #changed(template) {
    this.#renderTotal(template);
    setText(this.#saved, "");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#save(template), SAVE_MS);
  }

  /** @param {Template} template */
  #renderTotal(template) {
    const { score, failed, answered, of } = scoreOf(template, this.#answers);
    this.#total.classList.toggle("failed", failed);
    this.#total.replaceChildren(make("b", "number", scoreWords(score)), make("span", "", failed ? t("review.failed_card") : t("review.answered_of", { answered, of })));
  }

  /** @param {Template} template @returns {Promise<boolean>} */
  async #save(template) {
    const session = this.#session;
    clearTimeout(this.#timer);
    if (!session) return false;
    try {
      const answers = toSend(template, this.#answers);
      const draft = this.#draft?.template === template.id ? this.#draft : null;
      this.#draft = asReview(
        draft
          ? await session.rest.ask("PUT", `/reviews/${encodeURIComponent(draft.id)}`, { body: { version: draft.version, answers, summary: this.#summary } })
          : await session.rest.ask("POST", `${at(session.id)}/reviews`, { body: { template: template.id, version: template.version, answers, summary: this.#summary } }),
      );
      setText(this.#saved, t("review.draft_saved", { time: dateWords(Date.now()).slice(-5) }));
      return true;
    } catch (error) {
      const code = codeOf(error);
      setText(this.#saved, sentence(code, /** @type {Error} */ (error).message));
      if (code === "template_changed") await this.#load();
      return false;
    }
  }

  /** @param {Template} template */
  async #submit(template) {
    const session = this.#session;
    const { missing } = scoreOf(template, this.#answers);
    if (missing.length > 0) {
      this.#missing = true;
      this.#draw();
      this.querySelector(`[data-question="${CSS.escape(missing[0]?.question ?? "")}"]`)?.scrollIntoView({ block: "center" });
      return;
    }
    if (!session || !(await ask({ title: t("review.submit"), body: t("review.submit_body"), confirm: t("review.submit") }))) return;
    if (!(await this.#save(template)) || !this.#draft) return;
    try {
      await session.rest.ask("POST", `/reviews/${encodeURIComponent(this.#draft.id)}/submit`, { body: { version: this.#draft.version, answers: toSend(template, this.#answers), summary: this.#summary } });
      toast(t("review.submitted"), { kind: "good" });
      this.#missing = false;
      this.#answers = {};
      this.#summary = "";
      await this.#load();
    } catch (error) {
      toast(sentence(codeOf(error), /** @type {Error} */ (error).message), { kind: "error", code: codeOf(error) });
    }
  }
}

/** @param {Question} question @returns {{ value: number | null, label: string }[]} */
export function choicesOf({ points, na }) {
  const values = points === 1 ? [{ value: 0, label: t("review.no") }, { value: 1, label: t("review.yes") }] : Array.from({ length: points + 1 }, (_, value) => ({ value, label: String(value) }));
  return [...values, ...(na ? [{ value: null, label: t("review.na") }] : [])];
}

/** @param {number} seconds */
function round(seconds) {
  return Math.round(seconds * 10) / 10;
}

customElements.define("lm-review-score", ReviewScore);
