/**
 * The tools for drawing on a picture, in one row or column: folded to one button until they are wanted.
 * Arrow keys go from one to the next, as in every toolbar.
 */
import { icon, make } from "../dom.js";
import { t } from "../locale.js";

/**
 * @typedef {import("./annotate-hand.js").Tool} Tool
 * @typedef {Tool | "undo" | "clear" | "freeze"} Choice
 * @typedef {{ open: boolean, tool: Tool | null, undo: boolean, clear: boolean, frozen: boolean, freeze: boolean, busy: boolean }} BarState
 *   undo, clear, freeze: there is something to do so with
 */

const ICONS = {
  point: "laser",
  free: "pen",
  arrow: "arrow-mark",
  ring: "ring-mark",
  step: "step-mark",
  text: "text-mark",
  rubber: "rubber",
  undo: "undo",
  clear: "bin",
  freeze: "freeze",
};
const CHOICES = /** @type {readonly Choice[]} */ (Object.keys(ICONS));
const ACTS = new Set(["undo", "clear", "freeze"]);

export class AnnotateBar {
  element = make("div", "an-bar");
  #toggle = make("button", "an-tool an-toggle", icon("pen"), make("span", "an-toggle-word"));
  #row = make("div", "an-tools");
  /** @type {Map<Choice, HTMLButtonElement>} */
  #buttons = new Map();

  /**
   * @param {(choice: Choice) => void} choose
   * @param {() => void} toggle
   */
  constructor(choose, toggle) {
    this.#toggle.type = "button";
    this.#toggle.addEventListener("click", toggle);
    this.#row.setAttribute("role", "toolbar");
    for (const choice of CHOICES) {
      const item = make("button", `an-tool ${choice}`, icon(ICONS[choice]));
      item.type = "button";
      item.dataset["tool"] = choice;
      item.addEventListener("click", () => choose(choice));
      this.#buttons.set(choice, item);
      this.#row.append(item);
      if (choice === "rubber" || choice === "clear") this.#row.append(make("span", "an-gap"));
    }
    this.#row.addEventListener("keydown", (event) => this.#walk(event));
    this.element.append(this.#toggle, this.#row);
  }

  /** @param {BarState} state */
  show({ open, tool, undo, clear, frozen, freeze, busy }) {
    this.element.classList.toggle("open", open);
    this.#row.hidden = !open;
    this.#toggle.setAttribute("aria-expanded", String(open));
    this.#toggle.firstElementChild?.remove();
    this.#toggle.prepend(icon(open ? "close" : "pen"));
    label(this.#toggle, open ? t("annotate.close") : t("annotate.open"));
    const word = this.#toggle.querySelector(".an-toggle-word");
    if (word) word.textContent = open ? "" : t("annotate.word");
    this.#row.setAttribute("aria-label", t("annotate.tools"));
    const words = {
      point: t("annotate.point"),
      free: t("annotate.free"),
      arrow: t("annotate.arrow"),
      ring: t("annotate.ring"),
      step: t("annotate.step"),
      text: t("annotate.label"),
      rubber: t("annotate.rubber"),
      undo: t("annotate.undo"),
      clear: t("annotate.clear"),
      freeze: frozen ? t("annotate.thaw") : t("annotate.freeze"),
    };
    const possible = { undo, clear, freeze: (freeze || frozen) && !busy };
    for (const [choice, item] of this.#buttons) {
      label(item, words[choice]);
      if (choice in possible) item.disabled = !possible[/** @type {keyof typeof possible} */ (choice)];
      if (choice === "freeze") item.setAttribute("aria-pressed", String(frozen));
      else if (!ACTS.has(choice)) item.setAttribute("aria-pressed", String(choice === tool));
    }
    this.#buttons.get("freeze")?.classList.toggle("busy", busy);
    const first = this.#usable.find((item) => item.dataset["tool"] === tool) ?? this.#usable[0];
    for (const item of this.#buttons.values()) item.tabIndex = item === first ? 0 : -1;
  }

  /** The tool that is chosen, or else the first one. */
  focus() {
    this.#usable.find((item) => item.tabIndex === 0)?.focus();
  }

  get #usable() {
    return [...this.#buttons.values()].filter((item) => !item.disabled);
  }

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const items = this.#usable;
    const at = items.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    if (by === undefined || at < 0) return;
    event.preventDefault();
    // Pages have shortcuts of their own.
    event.stopPropagation();
    const next = items[(at + by + items.length) % items.length];
    for (const item of this.#buttons.values()) item.tabIndex = item === next ? 0 : -1;
    next?.focus();
  }
}

/** @param {HTMLElement} element @param {string} text */
function label(element, text) {
  element.setAttribute("aria-label", text);
  element.title = text;
}
