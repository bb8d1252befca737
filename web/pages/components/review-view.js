/** What the smaller review views share: they load one thing, say why when they cannot, and draw it in the page's language. */
import { Notice } from "./notice.js";
import { toast } from "./toast.js";
import { make } from "../dom.js";
import { codeOf, sentence } from "../errors.js";
import { failedNotice } from "../live-notice.js";
import { onLocale, t } from "../locale.js";

/** @typedef {{ rest: import("../review-rest.js").ReviewRest, id: string, who: { identity: string, leads: boolean } }} Opened */

export class ReviewView extends HTMLElement {
  /** @type {Opened | null} */
  opened = null;
  body = make("div", "rv-view");
  #notice = new Notice();
  #loaded = false;
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.append(this.#notice, this.body);
    this.#notice.addEventListener("action", () => void this.reload());
    this.#stop = onLocale(() => this.#loaded && this.draw());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {Opened} opened */
  open(opened) {
    this.opened = opened;
    return this.reload();
  }

  get rest() {
    if (!this.opened) throw new Error("not opened");
    return this.opened.rest;
  }

  async reload() {
    if (!this.#loaded) this.#notice.show({ kind: "wait", title: t("review.loading_list") });
    try {
      await this.load();
      this.#loaded = true;
      this.#notice.show(null);
      this.draw();
    } catch (error) {
      const failure = { code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
      this.#notice.show(failedNotice(failure));
      this.dispatchEvent(new CustomEvent("failed", { detail: failure }));
    }
  }

  /** @returns {Promise<void>} fetches what is shown; rejects with a code */
  async load() {}

  draw() {}

  /** Do something, say what went wrong, and show what came of it. @param {() => Promise<unknown>} act */
  async attempt(act) {
    try {
      await act();
      await this.reload();
    } catch (error) {
      toast(sentence(codeOf(error), /** @type {Error} */ (error).message), { kind: "error", code: codeOf(error) });
    }
  }
}

/**
 * A table.
 * @param {string[]} heads
 * @param {(string | Node)[][]} rows
 */
export function table(heads, rows) {
  const head = make("tr", "", ...heads.map((words) => {
    const cell = make("th", "", words);
    cell.scope = "col";
    return cell;
  }));
  return make("div", "rv-table", make("table", "", make("thead", "", head), make("tbody", "", ...rows.map((cells) => make("tr", "", ...cells.map((cell) => make("td", "", cell)))))));
}

/** @param {number} share 0 to 1 @param {string} words */
export function progress(share, words) {
  const bar = make("progress", "rv-progress");
  bar.max = 1;
  bar.value = share;
  bar.setAttribute("aria-label", words);
  return make("span", "rv-progress-row", bar, make("span", "number", words));
}
