/**
 * A row of figures, each with its title, its target, and a word where the target is missed: never colour alone.
 *
 *   figures.show(list);
 */
import { make, setText } from "../dom.js";
import { onLocale } from "../locale.js";
import { figureNote, figureOf, figureTitle, figureValue, lookWord } from "../wall-words.js";
import { keep } from "./room-panel.js";

/** @typedef {import("../wall-view.js").Figure} Figure */

export class WallFigures extends HTMLElement {
  /** @type {readonly Figure[]} */
  #figures = [];
  #list = make("dl", "wall-figures");
  /** @type {Map<string, HTMLElement>} */
  #cells = new Map();
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.append(this.#list);
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {readonly Figure[]} figures */
  show(figures) {
    this.#figures = figures;
    this.#render();
  }

  #render() {
    keep(this.#list, this.#cells, this.#figures, ({ id }) => id, () => this.#make(), (cell, figure) => this.#fill(cell, figure));
  }

  #make() {
    const title = make("dt", "wall-title wall-name");
    const value = make("dd", "wall-value number", make("span", "wall-number"), make("span", "wall-of"));
    return make("div", "wall-figure", title, value, make("dd", "wall-foot", make("span", "wall-word"), make("span", "wall-note")));
  }

  /** @param {HTMLElement} cell @param {Figure} figure */
  #fill(cell, figure) {
    const put = (/** @type {string} */ part, /** @type {string} */ text) => {
      const element = cell.querySelector(part);
      if (element) setText(element, text);
    };
    cell.dataset.look = figure.look;
    cell.dataset.figure = figure.id;
    put(".wall-name", figureTitle(figure.id));
    put(".wall-word", lookWord(figure.look, figure.id));
    const value = figureValue(figure);
    put(".wall-number", value);
    cell.querySelector(".wall-number")?.toggleAttribute("data-long", value.length > 5);
    put(".wall-of", figureOf(figure));
    put(".wall-note", figureNote(figure));
  }
}

customElements.define("lm-wall-figures", WallFigures);
