/** Twelve cells that follow a microphone's level. */
import { make } from "../dom.js";
import { onLocale, t } from "../locale.js";

const CELLS = 12;
const WARM_FROM = 8;
const HOT_FROM = 11;

export class LevelMeter extends HTMLElement {
  #lit = -1;
  /** @type {HTMLElement[]} */
  #cells = [];
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    this.setAttribute("role", "meter");
    this.setAttribute("aria-valuemin", "0");
    this.setAttribute("aria-valuemax", String(CELLS));
    if (this.#cells.length === 0) {
      for (let index = 0; index < CELLS; index += 1) {
        this.#cells.push(make("i", index >= HOT_FROM ? "hot" : index >= WARM_FROM ? "warm" : ""));
      }
      this.append(...this.#cells);
    }
    this.#stop = onLocale(() => this.setAttribute("aria-label", t("meter.label")));
    this.level = 0;
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {number} level 0 (silence) to 1 (too loud); the loudness scale is the caller's */
  set level(level) {
    const lit = Math.round(Math.min(1, Math.max(0, level)) * CELLS);
    if (lit === this.#lit) return;
    this.#lit = lit;
    this.setAttribute("aria-valuenow", String(lit));
    this.#cells.forEach((cell, index) => cell.classList.toggle("lit", index < lit));
  }
}

customElements.define("lm-meter", LevelMeter);
