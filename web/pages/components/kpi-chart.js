/**
 * One figure as bars, drawn to the width there is: upright for days, lying for names. The table beside it says the same
 * in numbers, so a screen reader hears one sentence.
 *
 *   chart.show({ report, figure });
 */
import { make, setText } from "../dom.js";
import { chartOf, everyNth } from "../kpi-view.js";
import { rowWord, written } from "../kpi-words.js";
import { onLocale, t } from "../locale.js";

/**
 * @typedef {import("../kpi-view.js").Report} Report
 * @typedef {import("../kpi-view.js").Definition} Definition
 * @typedef {import("../kpi-view.js").Chart} Chart
 */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 240;
const LEFT = 56;
const BOTTOM = 28;
const TOP = 22;
const ROW = 36;
/** Of a name beside a lying bar, at most. */
const NAME = 180;
const WORD = 52;

export class KpiChart extends HTMLElement {
  /** @type {{ report: Report, figure: Definition } | null} */
  #state = null;
  #drawing = make("div", "kpi-drawing");
  #more = make("p", "kpi-more");
  #width = 0;
  #observer = new ResizeObserver(([entry]) => this.#resized(entry?.contentRect.width ?? 0));
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.append(this.#drawing, this.#more);
    this.#observer.observe(this.#drawing);
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#observer.disconnect();
    this.#stop?.();
  }

  /** @param {{ report: Report, figure: Definition } | null} state */
  show(state) {
    this.#state = state;
    this.#render();
  }

  /** @param {number} width */
  #resized(width) {
    if (Math.abs(width - this.#width) < 1) return;
    this.#width = width;
    this.#render();
  }

  #render() {
    if (!this.#state || this.#width === 0) return;
    const { report, figure } = this.#state;
    const chart = chartOf(report, figure, (row) => rowWord(row, report.by, report.by === "day"));
    const svg = report.by === "day" ? columns(chart, figure, this.#width) : bars(chart, figure, this.#width);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", t("kpi.chart_label", { figure: figure.title, rows: chart.bars.map(({ label, value }) => `${label} ${written(value, figure.unit)}`).join(" · ") }));
    this.#drawing.replaceChildren(svg);
    this.#more.hidden = chart.more === 0;
    setText(this.#more, t("kpi.chart_more", { count: chart.more }));
  }
}

/** @param {string} name @param {Record<string, string | number>} attributes @param {string} [text] */
function draw(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/** @param {number} width @param {number} height */
const canvas = (width, height) => /** @type {SVGSVGElement} */ (draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height }));

/** @param {Chart["bars"][number]} bar @param {Definition} figure @param {...SVGElement} parts */
function group(bar, figure, ...parts) {
  const element = draw("g", { class: "kpi-bar" });
  element.append(draw("title", {}, `${bar.label}: ${written(bar.value, figure.unit)}`), ...parts);
  return element;
}

/** @param {Chart} chart @param {Definition} figure @param {number} width */
function columns({ bars: list, ticks, top }, figure, width) {
  const svg = canvas(width, HEIGHT);
  const floor = HEIGHT - BOTTOM;
  const tall = floor - TOP;
  for (const tick of ticks) {
    const y = floor - (tick / top) * tall;
    svg.append(draw("line", { class: "kpi-line", x1: LEFT, x2: width, y1: y, y2: y }));
    svg.append(draw("text", { class: "kpi-tick", x: LEFT - 8, y: y + 4, "text-anchor": "end" }, written(tick, figure.unit === "score" ? "calls" : figure.unit)));
  }
  const slot = (width - LEFT) / list.length;
  const wide = Math.max(1, Math.min(56, slot * 0.64));
  const nth = everyNth(list.length, (width - LEFT) / WORD);
  list.forEach((bar, index) => {
    const middle = LEFT + slot * (index + 0.5);
    const high = bar.share * tall;
    const parts = [draw("rect", { class: "kpi-catch", x: LEFT + slot * index, y: TOP, width: slot, height: tall })];
    if (bar.value !== null) parts.push(draw("rect", { class: "kpi-fill", x: middle - wide / 2, y: floor - Math.max(high, 2), width: wide, height: Math.max(high, 2), rx: Math.min(4, wide / 3) }));
    if (slot >= WORD) parts.push(draw("text", { class: "kpi-value", x: middle, y: floor - high - 7, "text-anchor": "middle" }, written(bar.value, figure.unit)));
    svg.append(group(bar, figure, ...parts));
    if (index % nth === 0) svg.append(draw("text", { class: "kpi-tick", x: middle, y: HEIGHT - 8, "text-anchor": "middle" }, bar.label));
  });
  return svg;
}

/** @param {Chart} chart @param {Definition} figure @param {number} width */
function bars({ bars: list }, figure, width) {
  const svg = canvas(width, Math.max(1, list.length) * ROW);
  const name = Math.min(NAME, width * 0.34);
  const most = Math.max(1e-9, ...list.map(({ share }) => share));
  const room = width - name - 12 - 72;
  list.forEach((bar, index) => {
    const y = index * ROW;
    const long = bar.value === null ? 0 : Math.max(3, (bar.share / most) * room);
    const parts = [draw("rect", { class: "kpi-catch", x: 0, y, width, height: ROW })];
    parts.push(draw("text", { class: "kpi-name", x: 0, y: y + ROW / 2 + 5 }, shorten(bar.label, name)));
    if (bar.value !== null) parts.push(draw("rect", { class: "kpi-fill", x: name + 12, y: y + 8, width: long, height: ROW - 16, rx: 4 }));
    parts.push(draw("text", { class: "kpi-value", x: name + 12 + long + 8, y: y + ROW / 2 + 5 }, written(bar.value, figure.unit)));
    svg.append(group(bar, figure, ...parts));
  });
  return svg;
}

/** SVG text does not end in an ellipsis by itself. @param {string} text @param {number} width */
function shorten(text, width) {
  let used = 0;
  let out = "";
  for (const letter of text) {
    used += /[\u2e80-\uffef]/.test(letter) ? 14 : 7.8;
    if (used > width - 8) return `${out.trimEnd()}…`;
    out += letter;
  }
  return out;
}

customElements.define("lm-kpi-chart", KpiChart);
