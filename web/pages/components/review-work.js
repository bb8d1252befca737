/** Work lists: what is to be reviewed, how far it is, what the sample says of all; and a new sample, drawn by a seed. */
import { toast } from "./toast.js";
import { button, make } from "../dom.js";
import { codeOf, sentence } from "../errors.js";
import { getLocale, t } from "../locale.js";
import { list, number, record, text, texts } from "../review-model.js";
import { ReviewView, progress, table } from "./review-view.js";

/** @typedef {Record<string, unknown>} Work */

export class ReviewWork extends ReviewView {
  /** @type {Work[]} */
  #all = [];
  /** @type {Work} */
  #one = {};

  /** @override */
  async load() {
    const id = this.opened?.id ?? "";
    if (id) this.#one = record(await this.rest.ask("GET", `/worklists/${encodeURIComponent(id)}`));
    else this.#all = list(record(await this.rest.ask("GET", "/worklists"))["worklists"]).map(record);
  }

  /** @override */
  draw() {
    if (this.opened?.id) this.#drawOne(this.#one);
    else {
      const cards = this.#all.map((work) => {
        const link = make("a", "rv-done", make("header", "", make("b", "", text(work["title"]))), doneOf(work), ...figures(work));
        link.href = `/review?view=work&id=${encodeURIComponent(text(work["id"]))}`;
        return link;
      });
      this.body.replaceChildren(cards.length > 0 ? make("div", "rv-grid", ...cards) : make("p", "rv-none", t("review.no_work")), this.#builder());
    }
  }

  /** @param {Work} work */
  #drawOne(work) {
    const items = list(work["items"]).map(record);
    const next = items.find(({ state }) => state === "open");
    const head = make("header", "rv-view-head", make("h1", "", text(work["title"])));
    if (next) {
      const go = make("a", "button primary", t("review.work_next"));
      go.href = `/review?r=${encodeURIComponent(text(next["recording"]))}`;
      head.append(go);
    }
    const rows = items.map((item) => {
      const link = make("a", "", text(item["recording"]));
      link.href = `/review?r=${encodeURIComponent(text(item["recording"]))}`;
      const skip = item["state"] === "done" ? "" : button(item["state"] === "skipped" ? t("review.work_reopen") : t("review.work_skip"), "small quiet", () => void this.attempt(() => this.rest.ask("POST", `/worklists/${encodeURIComponent(text(work["id"]))}/items/${encodeURIComponent(text(item["recording"]))}`, { body: { state: item["state"] === "skipped" ? "open" : "skipped" } })));
      return [link, stateOf(text(item["state"])), texts(item["why"]).join(" · ") || text(item["why"]), skip];
    });
    const strata = list(work["strata"]).map(record).map((stratum) => [text(stratum["key"]), String(number(stratum["population"])), String(number(stratum["sampled"]))]);
    this.body.replaceChildren(head, make("div", "rv-panel", doneOf(work), ...figures(work)), table([t("review.place_list"), t("review.reviewed"), t("review.work_why"), ""], rows), ...(strata.length > 0 ? [table([t("review.stratum"), t("review.population"), t("review.sampled")], strata)] : []));
  }

  #builder() {
    const title = make("input", "input");
    title.required = true;
    title.maxLength = 100;
    const kind = make("select", "select");
    kind.append(new Option(t("review.sample_stratified"), "stratified"), new Option(t("review.sample_random"), "random"), new Option(t("review.sample_risk"), "risk"));
    const size = make("input", "input number");
    size.type = "number";
    size.min = "1";
    size.max = "2000";
    size.value = "20";
    const seed = make("input", "input number");
    seed.type = "number";
    seed.placeholder = t("review.seed_own");
    const said = make("p", "rv-more");
    said.setAttribute("role", "status");
    const field = (/** @type {string} */ label, /** @type {HTMLElement} */ input) => make("label", "field", make("span", "field-label", label), input);
    const ask = async (/** @type {boolean} */ preview) => {
      if (!title.reportValidity() || !size.reportValidity()) return;
      const body = { title: title.value.trim(), kind: kind.value, size: Number(size.value), ...(seed.value ? { seed: Number(seed.value) } : {}), ...(kind.value === "stratified" ? { by: ["agent", "queue"] } : {}), ...(kind.value === "risk" ? { rules: { rating_at_most: 2, wait_at_least_s: 120, escalated: true, paused: true, unsolved: true } } : {}), ...(preview ? { preview: true } : {}) };
      try {
        const work = record(record(await this.rest.ask("POST", "/samples", { body }))["worklist"]);
        if (preview) said.replaceChildren(...figures(work));
        else {
          toast(t("review.sample_made"), { kind: "good" });
          await this.reload();
        }
      } catch (error) {
        said.textContent = sentence(codeOf(error), /** @type {Error} */ (error).message);
      }
    };
    const form = make("form", "rv-panel rv-builder", make("h2", "", t("review.sample_new")), make("div", "rv-fields", field(t("review.clip_title"), title), field(t("review.kind"), kind), field(t("review.sample_size"), size), field(t("review.seed"), seed)), said);
    const draw = make("button", "button primary", t("review.sample_draw"));
    draw.type = "submit";
    form.append(make("div", "rv-done-acts", button(t("review.sample_preview"), "", () => void ask(true)), draw));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void ask(false);
    });
    return form;
  }
}

/** @param {Work} work */
function doneOf(work) {
  const [done, of] = [number(work["done"]) + number(work["skipped"]), number(work["total"])];
  return progress(done / Math.max(1, of), t("review.done_of", { done, of }));
}

/** What the sample covers, and what it says of all with its interval. @param {Work} work */
function figures(work) {
  const percent = (/** @type {unknown} */ share) => new Intl.NumberFormat(getLocale(), { style: "percent", maximumFractionDigits: 1 }).format(number(share));
  const coverage = record(work["coverage"]);
  const lines = [make("span", "rv-more", t("review.coverage", { sampled: number(coverage["sampled"]), population: number(coverage["population"]), share: percent(coverage["share"]), margin: percent(coverage["margin"]) }))];
  const estimate = record(work["estimate"]);
  if (typeof estimate["share"] === "number") lines.push(make("span", "rv-more", t("review.estimate", { share: percent(estimate["share"]), low: percent(estimate["low"]), high: percent(estimate["high"]) })));
  return lines;
}

/** @param {string} state of an item */
function stateOf(state) {
  if (state === "done") return t("review.reviewed_yes");
  return state === "skipped" ? t("review.work_skipped") : t("review.reviewed_no");
}

customElements.define("lm-review-work", ReviewWork);
