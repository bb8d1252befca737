/**
 * What was said of the recording, at a moment or over a span, in threads; private, or shared with the agent.
 *
 * Emits `seek` {t}, `unmark`.
 */
import { avatar } from "./avatar.js";
import { ask } from "./dialog.js";
import { toast } from "./toast.js";
import { button, icon, make, setText } from "../dom.js";
import { codeOf, sentence } from "../errors.js";
import { t } from "../locale.js";
import { dateWords, spanWords } from "../review-words.js";

/** @typedef {import("../review-model.js").Comment} Comment */

const MAX_TEXT = 2000;

export class ReviewComments extends HTMLElement {
  #list = make("ol", "rv-comments");
  #none = make("p", "rv-none");
  #form = make("form", "rv-compose");
  #where = make("button", "rv-where number");
  #text = make("textarea", "input");
  #shared = make("input");
  #sharedWord = make("span");
  #send = make("button", "button small primary");
  #reply = make("p", "rv-reply");
  /** @type {import("../review-session.js").ReviewSession | null} */
  #session = null;
  /** @type {{ from: number, to: number } | null} */
  #span = null;
  /** @type {Comment | null} */
  #answers = null;
  /** Where the words will stand, once somebody begins to write. @type {number | null} */
  #kept = null;
  #t = 0;
  #picked = "";
  #shown = "";

  connectedCallback() {
    if (this.childElementCount > 0) return;
    this.#text.maxLength = MAX_TEXT;
    this.#text.rows = 3;
    this.#shared.type = "checkbox";
    this.#where.type = "button";
    this.#send.type = "submit";
    this.#form.append(this.#reply, this.#text, make("div", "rv-compose-row", this.#where, make("label", "rv-share", this.#shared, this.#sharedWord), this.#send));
    this.#text.addEventListener("input", () => {
      if (this.#text.value === "") this.#kept = null;
      else this.#kept ??= this.#t;
      this.#renderWhere();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#form.requestSubmit();
    });
    this.#where.addEventListener("click", () => {
      // The span, or the moment of writing, gives way to where the cursor is now.
      this.#kept = null;
      if (this.#span) this.dispatchEvent(new CustomEvent("unmark"));
      this.#renderWhere();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.append(this.#list, this.#none, this.#form);
  }

  /** @param {import("../review-session.js").ReviewSession | null} session */
  open(session) {
    this.#session = session;
    this.#answers = null;
    this.#shown = "";
    this.render();
  }

  /** @param {number} at */
  at(at) {
    this.#t = at;
    if (!this.hidden) this.#renderWhere();
  }

  /** @param {{ from: number, to: number } | null} span */
  set span(span) {
    this.#span = span;
    this.#renderWhere();
  }

  /** @param {string} id */
  pick(id) {
    this.#picked = id;
    this.#shown = "";
    this.render();
    this.#list.querySelector(".picked")?.scrollIntoView({ block: "nearest" });
  }

  compose() {
    this.#kept ??= this.#t;
    this.#text.focus();
    this.#renderWhere();
  }

  render() {
    const session = this.#session;
    if (!session?.recording) return;
    this.#form.hidden = session.recording.can["comment"] === false;
    setText(this.#sharedWord, t("review.share_with_agent"));
    setText(this.#send, t("review.comment_send"));
    this.#text.placeholder = t("review.comment_placeholder");
    this.#text.setAttribute("aria-label", t("review.comment_placeholder"));
    this.#reply.hidden = this.#answers === null;
    if (this.#answers) {
      this.#reply.replaceChildren(make("span", "truncate", t("review.replying", { name: this.#answers.by_name })), this.#small("close", t("dialog.cancel"), () => this.#answer(null)));
    }
    this.#renderWhere();
    const shown = JSON.stringify([session.comments, this.#picked, t("review.tab_comments")]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const heads = session.comments.filter(({ parent }) => parent === null).sort((a, b) => a.from - b.from);
    this.#none.hidden = heads.length > 0;
    setText(this.#none, t("review.no_comments"));
    this.#list.replaceChildren(...heads.map((comment) => this.#thread(comment, session.comments)));
  }

  /** @param {Comment} comment @param {Comment[]} all */
  #thread(comment, all) {
    const replies = all.filter(({ parent }) => parent === comment.id).sort((a, b) => a.at - b.at);
    const item = make("li", `rv-thread${comment.id === this.#picked ? " picked" : ""}`, this.#one(comment));
    if (replies.length > 0) item.append(make("ol", "rv-replies", ...replies.map((reply) => make("li", "", this.#one(reply)))));
    return item;
  }

  /** @param {Comment} comment */
  #one(comment) {
    const when = make("button", "rv-at number", spanWords(comment.from, comment.to));
    when.type = "button";
    when.setAttribute("aria-label", t("review.go_to", { time: spanWords(comment.from, comment.to) }));
    when.addEventListener("click", () => this.dispatchEvent(new CustomEvent("seek", { detail: { t: comment.from } })));
    const shared = make("span", `rv-shared ${comment.shared ? "on" : ""}`, comment.shared ? t("review.comment_shared") : t("review.comment_private"));
    const at = comment.at > 0 ? dateWords(comment.at) : "";
    const head = make("div", "rv-comment-head", make("b", "truncate", comment.by_name), ...(comment.parent === null ? [when, shared] : []));
    head.title = at;
    const actions = make("div", "rv-comment-acts");
    if (comment.parent === null) actions.append(this.#small("undo", t("review.reply"), () => this.#answer(comment)));
    if (comment.own && comment.parent === null) actions.append(this.#small(comment.shared ? "eye-off" : "eye", comment.shared ? t("review.unshare") : t("review.share_with_agent"), () => void this.#change(comment)));
    if (comment.own) actions.append(this.#small("bin", t("review.comment_erase"), () => void this.#erase(comment)));
    return make("article", "rv-comment", avatar(comment.by_name), make("div", "rv-comment-body", head, make("p", "", comment.text)), actions);
  }

  /** @param {string} picture @param {string} label @param {() => void} run */
  #small(picture, label, run) {
    const element = button("", "small quiet", run);
    element.append(icon(picture));
    element.title = label;
    element.setAttribute("aria-label", label);
    return element;
  }

  #renderWhere() {
    const span = this.#span;
    const at = this.#kept ?? this.#t;
    const words = span ? spanWords(span.from, span.to) : spanWords(at, null);
    setText(this.#where, words);
    const label = t("review.comment_at", { time: words });
    if (this.#where.title !== label) {
      this.#where.title = label;
      this.#where.setAttribute("aria-label", label);
    }
    this.#where.hidden = this.#answers !== null;
  }

  /** @param {Comment | null} comment */
  #answer(comment) {
    this.#answers = comment;
    this.#shown = "";
    this.render();
    if (comment) this.#text.focus();
  }

  async #submit() {
    const session = this.#session;
    const words = this.#text.value.trim();
    if (!session || words === "") {
      this.#text.focus();
      return;
    }
    this.#send.disabled = true;
    const answers = this.#answers;
    const where = answers ? { from: answers.from, to: answers.to } : this.#span ?? { from: this.#kept ?? this.#t, to: null };
    try {
      await session.rest.comment(session.id, { text: words, from: round(where.from), to: where.to === null ? null : round(where.to), shared: answers ? answers.shared : this.#shared.checked, parent: answers?.id ?? null });
      this.#text.value = "";
      this.#kept = null;
      this.#answers = null;
      this.dispatchEvent(new CustomEvent("unmark"));
      await session.reloadComments();
      this.render();
    } catch (error) {
      fail(error);
    }
    this.#send.disabled = false;
  }

  /** @param {Comment} comment */
  async #change(comment) {
    const session = this.#session;
    if (!session) return;
    try {
      await session.rest.changeComment(session.id, comment.id, { shared: !comment.shared });
      await session.reloadComments();
    } catch (error) {
      fail(error);
    }
  }

  /** @param {Comment} comment */
  async #erase(comment) {
    const session = this.#session;
    if (!session || !(await ask({ title: t("review.comment_erase"), body: t("review.comment_erase_body"), confirm: t("review.erase_do"), danger: true }))) return;
    try {
      await session.rest.eraseComment(session.id, comment.id);
      await session.reloadComments();
    } catch (error) {
      fail(error);
    }
  }
}

/** @param {unknown} error */
function fail(error) {
  toast(sentence(codeOf(error), /** @type {Error} */ (error).message), { kind: "error", code: codeOf(error) });
}

/** @param {number} seconds */
function round(seconds) {
  return Math.round(seconds * 10) / 10;
}

customElements.define("lm-review-comments", ReviewComments);
