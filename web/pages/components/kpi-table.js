/**
 * Every figure of every row, each column headed by what the figure is called and how it is computed.
 *
 *   table.show({ report, group });
 */
import { make } from "../dom.js";
import { groupOf, valueOf } from "../kpi-view.js";
import { byWord, groupWord, rowWord, unitWord, written } from "../kpi-words.js";
import { onLocale, t } from "../locale.js";

/**
 * @typedef {import("../kpi-view.js").Report} Report
 * @typedef {import("../kpi-view.js").Definition} Definition
 * @typedef {import("../kpi-view.js").Row} Row
 */

export class KpiTable extends HTMLElement {
  /** @type {{ report: Report, group: import("../kpi-view.js").Group } | null} */
  #state = null;
  #shown = "";
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {{ report: Report, group: import("../kpi-view.js").Group } | null} state */
  show(state) {
    this.#state = state;
    this.#render();
  }

  #render() {
    if (!this.#state) return;
    const { report, group } = this.#state;
    const figures = report.figures.filter(({ key }) => groupOf(key) === group);
    const caption = `${groupWord(group)} · ${byWord(report.by)}`;
    const shown = JSON.stringify([caption, figures, report.rows, report.total]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const head = make("tr", "", cell("th", "kpi-corner", byWord(report.by), "col"), ...figures.map((figure) => this.#head(figure)));
    const body = report.rows.map((row) => {
      const name = rowWord(row, report.by);
      const first = cell("th", "", name, "row");
      first.title = row.key && row.key !== name ? `${name} (${row.key})` : name;
      return make("tr", "", first, ...values(row, figures));
    });
    const total = make("tr", "kpi-total", cell("th", "", t("kpi.total"), "row"), ...values(report.total, figures));
    const table = make("table", "", make("caption", "sr-only", caption), make("thead", "", head), make("tbody", "", ...body), make("tfoot", "", total));
    const scroll = make("div", "kpi-scroll", table);
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", caption);
    this.replaceChildren(scroll);
  }

  /** @param {Definition} figure */
  #head({ title, formula, unit }) {
    const head = cell("th", "", "", "col");
    head.append(make("span", "kpi-head", title, ...(unitWord(unit) ? [make("span", "kpi-unit", unitWord(unit))] : [])), make("span", "kpi-formula", formula));
    return head;
  }
}

/** @param {"th" | "td"} tag @param {string} className @param {string} text @param {string} [scope] */
function cell(tag, className, text, scope) {
  const element = make(tag, className, text);
  if (scope) element.setAttribute("scope", scope);
  return element;
}

/** @param {Row | import("../kpi-view.js").Values} row @param {readonly Definition[]} figures */
function values(row, figures) {
  return figures.map(({ key, unit }) => {
    const value = valueOf(row, key);
    return cell("td", `number${value === null || value === 0 ? " faint" : ""}`, written(value, unit));
  });
}

customElements.define("lm-kpi-table", KpiTable);
