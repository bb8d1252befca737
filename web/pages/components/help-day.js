/**
 * An agent's own day of help calls: how many, how fast answered, how rated; the last ones, with a button to ring ourselves
 * known by a link.
 *
 * Events: `link` (make a link that opens a call to this agent).
 */
import { outcomeWord } from "../agent-help-words.js";
import { button, icon, make, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { getLocale, onLocale, t } from "../locale.js";

/**
 * GET /api/v1/me/day.
 * @typedef {object} MyDay
 * @property {number} calls
 * @property {number | null} asa_s average time to answer, s
 * @property {number | null} [handle_s]
 * @property {number | null} csat 1-5
 * @property {number} [rated]
 * @property {readonly { id: string, at: number, shopper: string, queue?: string, outcome: string | null, handle_s?: number | null, score: number | null, note?: string | null }[]} list newest first
 */

const LISTED = 6;

export class HelpDay extends HTMLElement {
  /** @type {MyDay | null} */
  #day = null;
  #title = make("h3", "day-today");
  #link = button("", "small quiet", () => this.dispatchEvent(new Event("link")));
  #linkWord = make("span");
  #calls = figure();
  #answer = figure();
  #csat = figure();
  #list = make("ol", "day-calls");
  #empty = make("p", "hint");
  #shown = "";
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) {
      this.#link.append(icon("link"), this.#linkWord);
      const figures = make("dl", "figures day-figures", this.#calls.root, this.#answer.root, this.#csat.root);
      this.append(make("header", "help-day-head", this.#title, this.#link), figures, this.#list, this.#empty);
    }
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {MyDay | null} day null: not known (yet) */
  show(day) {
    this.#day = day;
    this.#render();
  }

  #render() {
    if (this.childElementCount === 0) return;
    const day = this.#day;
    setText(this.#title, t("helpday.title"));
    setText(this.#linkWord, t("helpday.link"));
    this.#link.title = t("helpday.link_hint");
    this.#calls.show(t("helpday.calls"), day ? String(day.calls) : "–");
    this.#answer.show(t("helpday.answer"), day?.asa_s == null ? "–" : t("helpday.seconds", { seconds: Math.round(day.asa_s * 10) / 10 }));
    this.#csat.show(t("helpday.csat"), day?.csat == null ? "–" : `★ ${day.csat.toFixed(1)}`);
    const list = day?.list.slice(0, LISTED) ?? [];
    this.#empty.hidden = list.length > 0;
    setText(this.#empty, t("helpday.empty"));
    const shown = JSON.stringify([getLocale(), list]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const clock = new Intl.DateTimeFormat(getLocale(), { hour: "2-digit", minute: "2-digit" });
    this.#list.replaceChildren(
      ...list.map(({ at, shopper, outcome, handle_s: handle, score }) =>
        make(
          "li",
          "day-call",
          make("time", "number", clock.format(at)),
          make("strong", "truncate", shopper),
          make("span", "hint", outcome === "completed" && handle != null ? formatDuration(handle * 1000) : outcomeWord(outcome)),
          make("span", "context-stars number", score === null ? "" : `★ ${score}`),
        ),
      ),
    );
  }
}

/** A term and its figure. */
function figure() {
  const term = make("dt");
  const value = make("dd", "number");
  return {
    root: make("div", "figure", term, value),
    /**
     * @param {string} name
     * @param {string} text
     */
    show(name, text) {
      setText(term, name);
      setText(value, text);
    },
  };
}

customElements.define("lm-help-day", HelpDay);
