/**
 * Recordings as a list: search, filters, saved searches, pages. What is asked for stands in the address, so that going
 * back and passing on a link bring the same list.
 */
import { askLine } from "./dialog.js";
import { Notice } from "./notice.js";
import { toast } from "./toast.js";
import { button, icon, make, setText } from "../dom.js";
import { codeOf, sentence } from "../errors.js";
import { failedNotice } from "../live-notice.js";
import { getLocale, onLocale, t } from "../locale.js";
import { list, record, text } from "../review-model.js";
import { NO_FILTERS, asQuestion, asSearch, countSet, readFilters } from "../review-query.js";
import { ReviewFilters } from "./review-filters.js";
import { reviewRow } from "./review-row.js";

/** @typedef {import("../review-model.js").Row} Row */
/** @typedef {{ id: string, name: string, query: string, shared: boolean, own: boolean }} Saved */

export class ReviewList extends HTMLElement {
  #search = make("form", "rv-search");
  #q = make("input", "input");
  #open = make("button", "button small");
  #saved = make("div", "rv-saved-list");
  #filters = new ReviewFilters();
  #count = make("p", "rv-count");
  #list = make("div", "rv-rows");
  #pages = make("nav", "rv-pages");
  #notice = new Notice();
  /** @type {import("../review-rest.js").ReviewRest | null} */
  #rest = null;
  #wanted = { ...NO_FILTERS };
  /** @type {(string | null)[]} where each page before this one began */
  #trail = [null];
  /** @type {{ rows: Row[], next: string | null, total: number } | null} */
  #page = null;
  /** @type {Saved[]} */
  #searches = [];
  /** @type {{ code: string, message: string } | null} */
  #failure = null;
  /** @type {AbortController | null} */
  #asking = null;
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {import("../review-rest.js").ReviewRest} rest */
  open(rest) {
    this.#rest = rest;
    this.#wanted = readFilters(location.search);
    this.#q.value = this.#wanted.q;
    this.#filters.show(this.#wanted);
    this.#trail = [null];
    void this.#load();
    void this.#loadSaved();
  }

  #build() {
    this.#q.type = "search";
    this.#q.maxLength = 200;
    this.#open.type = "button";
    this.#search.setAttribute("role", "search");
    this.#search.append(this.#q, this.#open);
    this.#search.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask({ ...this.#wanted, q: this.#q.value.trim() });
    });
    this.#q.addEventListener("search", () => this.#q.value.trim() !== this.#wanted.q && this.#ask({ ...this.#wanted, q: this.#q.value.trim() }));
    this.#open.addEventListener("click", () => {
      this.#filters.toggleAttribute("data-open");
      this.#render();
    });
    this.#filters.addEventListener("filters", (event) => this.#ask({ ...this.#wanted, .../** @type {CustomEvent} */ (event).detail }));
    this.#notice.addEventListener("action", () => void this.#load());
    this.#count.setAttribute("role", "status");
    this.append(this.#search, this.#saved, make("div", "rv-columns", this.#filters, make("div", "rv-found", this.#count, this.#notice, this.#list, this.#pages)));
  }

  /** @param {import("../review-query.js").Filters} filters */
  #ask(filters) {
    this.#wanted = filters;
    this.#trail = [null];
    const search = asSearch(filters);
    history.replaceState(null, "", search ? `/review?${search}` : "/review");
    this.#filters.show(filters);
    void this.#load();
  }

  async #load() {
    if (!this.#rest) return;
    this.#asking?.abort();
    const own = new AbortController();
    this.#asking = own;
    this.#failure = null;
    this.#render();
    try {
      const page = await this.#rest.recordings(asQuestion(this.#wanted, { after: this.#trail.at(-1) ?? null }), own.signal);
      if (this.#asking !== own) return;
      this.#page = page;
    } catch (error) {
      if (this.#asking !== own) return;
      this.#page = null;
      this.#failure = { code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
      this.dispatchEvent(new CustomEvent("failed", { detail: this.#failure }));
    }
    this.#asking = null;
    this.#render();
  }

  async #loadSaved() {
    try {
      const body = record(await this.#rest?.ask("GET", "/searches"));
      this.#searches = list(body["searches"]).map(record).map((entry) => ({ id: text(entry["id"]), name: text(entry["name"]), query: text(entry["query"]), shared: entry["shared"] === true, own: entry["own"] === true }));
    } catch {
      // The list is of use without them.
    }
    this.#render();
  }

  #render() {
    this.#q.placeholder = t("review.search_hint");
    this.#q.setAttribute("aria-label", t("review.search"));
    const set = countSet(this.#wanted);
    this.#open.replaceChildren(icon("settings"), make("span", "", set > 0 ? t("review.filters_set", { count: set }) : t("review.filters")));
    this.#open.setAttribute("aria-expanded", String(this.#filters.hasAttribute("data-open")));
    this.#renderSaved();
    const loading = this.#asking !== null;
    this.toggleAttribute("aria-busy", loading);
    this.#list.classList.toggle("old", loading);
    const { rows = [], next = null, total = -1 } = this.#page ?? {};
    const page = this.#trail.length;
    const words = total < 0 ? "" : total >= 10_000 ? t("review.found_many") : t("review.found", { count: new Intl.NumberFormat(getLocale()).format(total) });
    setText(this.#count, loading ? t("review.loading_list") : this.#page ? words : "");
    this.#notice.show(this.#words(rows.length === 0 && !loading && this.#page !== null));
    this.#list.replaceChildren(...rows.map(reviewRow));
    this.#pages.hidden = page === 1 && next === null;
    const before = button(t("review.page_before"), "small", () => this.#turn(-1));
    const after = button(t("review.page_after"), "small", () => this.#turn(1));
    before.disabled = page === 1 || loading;
    after.disabled = next === null || loading;
    this.#pages.setAttribute("aria-label", t("review.pages"));
    this.#pages.replaceChildren(before, make("span", "number", t("review.page", { page })), after);
  }

  /** @param {boolean} empty @returns {import("./notice.js").NoticeContent | null} */
  #words(empty) {
    if (this.#failure) return { ...failedNotice(this.#failure), title: t("review.list_failed") };
    if (!empty) return null;
    const filtered = asSearch(this.#wanted) !== "";
    return { kind: "info", icon: "eye", title: filtered ? t("review.none_found") : t("review.none_yet"), body: filtered ? t("review.none_found_body") : t("review.none_yet_body") };
  }

  /** @param {1 | -1} way */
  #turn(way) {
    if (way > 0 && this.#page?.next) this.#trail.push(this.#page.next);
    else if (way < 0 && this.#trail.length > 1) this.#trail.pop();
    void this.#load().then(() => this.scrollIntoView());
  }

  #renderSaved() {
    const now = asSearch(this.#wanted);
    const entries = this.#searches.map((search) => {
      const use = button(search.name, "small rv-saved-one", () => {
        const filters = readFilters(`?${search.query}`);
        this.#q.value = filters.q;
        this.#ask(filters);
      });
      use.setAttribute("aria-pressed", String(search.query === now));
      if (!search.own) return use;
      const away = button("", "small quiet", () => void this.#forget(search));
      away.append(icon("close"));
      away.setAttribute("aria-label", t("review.search_forget", { name: search.name }));
      return make("span", "rv-saved-own", use, away);
    });
    const keep = now !== "" && !this.#searches.some(({ query }) => query === now);
    if (keep) {
      const save = button(t("review.search_save"), "small quiet", () => void this.#keep(now));
      save.prepend(icon("star"));
      entries.push(save);
    }
    this.#saved.hidden = entries.length === 0;
    this.#saved.replaceChildren(...entries);
  }

  /** @param {string} query */
  async #keep(query) {
    const name = await askLine({ title: t("review.search_save"), body: t("review.search_save_body"), label: t("review.search_name"), value: this.#wanted.q, max: 80, confirm: t("review.search_save") });
    if (!name) return;
    const id = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    await this.#attempt(() => this.#rest?.ask("PUT", `/searches/${id}`, { body: { name, query, shared: false } }));
  }

  /** @param {Saved} search */
  async #forget({ id }) {
    await this.#attempt(() => this.#rest?.ask("DELETE", `/searches/${encodeURIComponent(id)}`));
  }

  /** @param {() => Promise<unknown> | undefined} act */
  async #attempt(act) {
    try {
      await act();
      await this.#loadSaved();
    } catch (error) {
      toast(sentence(codeOf(error), /** @type {Error} */ (error).message), { kind: "error", code: codeOf(error) });
    }
  }
}

customElements.define("lm-review-list", ReviewList);
