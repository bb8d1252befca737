/** A box to type a few words in, where they will stand on the picture. Enter sets them, Escape and an empty box do not. */
import { fromFrame } from "../../sdk/marks.js";
import { make } from "../dom.js";
import { t } from "../locale.js";

/**
 * @typedef {import("../../sdk/marks.js").Point} Point
 * @typedef {import("../../sdk/marks.js").View} View
 */

/** The server takes no more. */
const MAX = 40;
const WIDTH_PX = 200;
const EDGE_PX = 8;

export class LabelBox {
  element = make("form", "an-label");
  #input = make("input", "input");
  #done;
  /** Where and on what: the picture may have changed when the words are ready. @type {{ point: Point, target: string } | null} */
  #at = null;

  /** @param {(words: string, at: { point: Point, target: string }) => void} done */
  constructor(done) {
    this.#done = done;
    Object.assign(this.#input, { type: "text", maxLength: MAX, autocomplete: "off", enterKeyHint: "done" });
    this.element.hidden = true;
    this.element.append(this.#input);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#finish(true);
    });
    this.#input.addEventListener("blur", () => this.#finish(true));
    this.element.addEventListener("keydown", (event) => {
      // What is typed here is nobody's shortcut.
      event.stopPropagation();
      if (event.key === "Escape") this.#finish(false);
      // Enter also ends the choice of a Chinese word.
      if (event.key === "Enter" && event.isComposing) event.preventDefault();
    });
  }

  /**
   * @param {Point} point
   * @param {string} target
   * @param {View} view
   * @param {{ left: number, top: number, width: number }} within where the view counts from, and how wide that is, px
   */
  open(point, target, view, within) {
    this.#finish(true);
    this.#at = { point, target };
    const [x, y] = fromFrame(point, view);
    const width = Math.min(WIDTH_PX, within.width - 2 * EDGE_PX);
    const left = Math.min(Math.max(x - width / 2, EDGE_PX), within.width - width - EDGE_PX);
    Object.assign(this.element.style, { left: `${within.left + left}px`, top: `${within.top + y}px`, width: `${width}px` });
    this.#input.placeholder = t("annotate.label_hint");
    this.#input.setAttribute("aria-label", t("annotate.label_hint"));
    this.element.hidden = false;
    this.#input.focus({ preventScroll: true });
  }

  close() {
    this.#finish(false);
  }

  /** @param {boolean} keep what was typed */
  #finish(keep) {
    const at = this.#at;
    if (!at) return;
    this.#at = null;
    const words = this.#input.value.trim();
    this.#input.value = "";
    this.element.hidden = true;
    if (keep && words) this.#done(words, at);
  }
}
