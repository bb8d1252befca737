/** Scores, ratings, findings and reasons over weeks or by whom: bars with their 95 % intervals, drawn to the width there is. */
import { make } from "../dom.js";
import { getLocale, t } from "../locale.js";
import { list, number, numberOrNull, record, text } from "../review-model.js";
import { findingWord } from "../review-words.js";
import { ReviewView, table } from "./review-view.js";

const SVG = "http://www.w3.org/2000/svg";
const ROW = 36;
const DAY_MS = 86_400_000;

export class ReviewTrends extends ReviewView {
  #by = "week";
  #metric = "score";
  /** @type {{ label: string, count: number, value: number | null, low: number | null, high: number | null, values: Record<string, unknown> }[]} */
  #rows = [];

  /** @override */
  async load() {
    const day = (/** @type {number} */ at) => new Date(at).toISOString().slice(0, 10);
    const query = new URLSearchParams({ by: this.#by, metric: this.#metric, from: day(Date.now() - 84 * DAY_MS), to: day(Date.now()), timezone: Intl.DateTimeFormat().resolvedOptions().timeZone });
    this.#rows = list(record(await this.rest.ask("GET", `/trends?${query}`))["rows"]).map(record).map((row) => ({ label: text(row["label"]) || text(row["key"]), count: number(row["count"]), value: numberOrNull(row["value"]), low: numberOrNull(row["low"]), high: numberOrNull(row["high"]), values: record(row["values"]) }));
  }

  /** @override */
  draw() {
    const by = this.#pick(t("review.trend_by"), this.#by, [["week", t("review.by_week")], ["agent", t("review.agent")], ["queue", t("review.queue")], ["product", t("review.by_product")]], (value) => (this.#by = value));
    const metric = this.#pick(t("review.trend_metric"), this.#metric, [["score", t("review.score")], ["rating", t("review.rating")], ["findings", t("review.lane_findings")], ["reasons", t("review.reasons")]], (value) => (this.#metric = value));
    const parts = [make("div", "rv-choices-row", metric, by)];
    if (this.#rows.length === 0) parts.push(make("p", "rv-none", t("review.no_trends")));
    else {
      const width = Math.max(280, (this.clientWidth || 800) - 34);
      const chart = make("div", "rv-panel");
      chart.append(this.#chart(width));
      parts.push(chart, table([t("review.trend_by"), t("review.trend_count"), t("review.trend_value"), t("review.trend_parts")], this.#rows.map(({ label, count, value, low, high, values }) => [label, whole(count), interval(value, low, high), Object.entries(values).map(([kind, n]) => `${findingWord(kind)} ${whole(Number(n))}`).join(" · ")])));
    }
    this.body.replaceChildren(...parts);
  }

  /** @param {string} label @param {string} value @param {[string, string][]} choices @param {(value: string) => void} use */
  #pick(label, value, choices, use) {
    const select = make("select", "select");
    select.append(...choices.map(([key, words]) => new Option(words, key, key === value, key === value)));
    select.addEventListener("change", () => {
      use(select.value);
      void this.reload();
    });
    return make("label", "field", make("span", "field-label", label), select);
  }

  /** @param {number} width */
  #chart(width) {
    const svg = draw("svg", { width, height: this.#rows.length * ROW, viewBox: `0 0 ${width} ${this.#rows.length * ROW}`, role: "img" });
    svg.setAttribute("aria-label", this.#rows.map(({ label, value }) => `${label} ${value === null ? "–" : whole(value)}`).join(" · "));
    const name = Math.min(180, width * 0.34);
    const top = Math.max(1e-9, ...this.#rows.map(({ value, high }) => Math.max(value ?? 0, high ?? 0)));
    const room = width - name - 120;
    this.#rows.forEach(({ label, value, low, high }, index) => {
      const y = index * ROW;
      const long = ((value ?? 0) / top) * room;
      svg.append(draw("text", { x: 0, y: y + 23, class: "rv-chart-name" }, label.length > name / 9 ? `${label.slice(0, Math.floor(name / 9))}…` : label));
      if (value !== null) svg.append(draw("rect", { x: name, y: y + 9, width: Math.max(2, long), height: 18, rx: 4, class: "rv-chart-bar" }));
      if (low !== null && high !== null) svg.append(draw("path", { d: `M${name + (low / top) * room} ${y + 18}H${name + (high / top) * room}M${name + (low / top) * room} ${y + 13}v10M${name + (high / top) * room} ${y + 13}v10`, class: "rv-chart-interval" }));
      svg.append(draw("text", { x: name + ((Math.max(high ?? 0, value ?? 0)) / top) * room + 8, y: y + 23, class: "rv-chart-value" }, value === null ? "–" : whole(value)));
    });
    return svg;
  }
}

/** @param {number} value */
const whole = (value) => new Intl.NumberFormat(getLocale(), { maximumFractionDigits: 1 }).format(value);

/** @param {number | null} value @param {number | null} low @param {number | null} high */
function interval(value, low, high) {
  if (value === null) return "–";
  return low === null || high === null ? whole(value) : `${whole(value)} (${whole(low)}–${whole(high)})`;
}

/** @param {string} name @param {Record<string, string | number>} attributes @param {string} [words] */
function draw(name, attributes, words) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (words !== undefined) element.textContent = words;
  return element;
}

customElements.define("lm-review-trends", ReviewTrends);
