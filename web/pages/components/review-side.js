/**
 * Beside the pictures: what happened (with the chat), comments, the score card, and what is known of the call.
 *
 *   side.open(session); side.at(t); side.pick(comment); side.compose()     emits `seek` {t}, `unmark`
 */
import { make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";
import { ReviewAbout } from "./review-about.js";
import { ReviewComments } from "./review-comments.js";
import { ReviewEvents } from "./review-events.js";
import { ReviewScore } from "./review-scorecard.js";

/** @typedef {"events" | "comments" | "score" | "about"} Tab */

const TABS = /** @type {const} */ (["events", "comments", "score", "about"]);

export class ReviewSide extends HTMLElement {
  #tabs = make("div", "rv-tabs");
  #events = new ReviewEvents();
  #comments = new ReviewComments();
  #score = new ReviewScore();
  #about = new ReviewAbout();
  /** @type {Tab} */
  #tab = "events";
  /** @type {import("../review-session.js").ReviewSession | null} */
  #session = null;
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {import("../review-session.js").ReviewSession | null} session */
  open(session) {
    this.#session = session;
    for (const pane of Object.values(this.#panes)) pane.open(session);
    this.render();
  }

  get #panes() {
    return { events: this.#events, comments: this.#comments, score: this.#score, about: this.#about };
  }

  /** @param {number} at seconds */
  at(at) {
    if (this.#tab === "events") this.#events.at(at);
    this.#comments.at(at);
    this.#score.at(at);
  }

  /** @param {{ from: number, to: number } | null} span */
  set span(span) {
    this.#comments.span = span;
    this.#score.span = span;
  }

  /** @param {string} id of a comment */
  pick(id) {
    this.#choose("comments");
    this.#comments.pick(id);
  }

  compose() {
    this.#choose("comments");
    this.#comments.compose();
  }

  #build() {
    this.#tabs.setAttribute("role", "tablist");
    for (const name of TABS) {
      const tab = make("button", "rv-tab");
      tab.type = "button";
      tab.id = `rv-tab-${name}`;
      tab.dataset["tab"] = name;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", `rv-pane-${name}`);
      tab.addEventListener("click", () => this.#choose(name));
      this.#tabs.append(tab);
    }
    this.#tabs.addEventListener("keydown", (event) => {
      const way = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (way === 0) return;
      event.preventDefault();
      event.stopPropagation();
      const next = TABS[(TABS.indexOf(this.#tab) + way + TABS.length) % TABS.length] ?? "events";
      this.#choose(next);
      /** @type {HTMLElement | null} */ (this.#tabs.querySelector(`[data-tab=${next}]`))?.focus();
    });
    this.append(this.#tabs);
    for (const [name, pane] of Object.entries(this.#panes)) {
      pane.id = `rv-pane-${name}`;
      pane.setAttribute("role", "tabpanel");
      pane.setAttribute("aria-labelledby", `rv-tab-${name}`);
      for (const type of ["seek", "unmark"]) pane.addEventListener(type, (event) => this.dispatchEvent(new CustomEvent(type, { detail: /** @type {CustomEvent} */ (event).detail })));
      this.append(pane);
    }
  }

  /** @param {Tab} tab */
  #choose(tab) {
    this.#tab = tab;
    this.render();
  }

  render() {
    const words = { events: t("review.tab_events"), comments: t("review.tab_comments"), score: t("review.tab_score"), about: t("review.tab_about") };
    const count = this.#session?.comments.length ?? 0;
    for (const tab of this.#tabs.querySelectorAll("button")) {
      const name = /** @type {Tab} */ (tab.dataset["tab"]);
      setText(tab, name === "comments" && count > 0 ? `${words[name]} ${count}` : words[name]);
      tab.setAttribute("aria-selected", String(name === this.#tab));
      tab.tabIndex = name === this.#tab ? 0 : -1;
    }
    this.#tabs.setAttribute("aria-label", t("review.side"));
    for (const [name, pane] of Object.entries(this.#panes)) {
      pane.hidden = name !== this.#tab;
      pane.render();
    }
  }
}

customElements.define("lm-review-side", ReviewSide);
