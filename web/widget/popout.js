/**
 * The card in a window of its own that stays on top (Document Picture-in-Picture), where the browser has it. The card
 * itself moves, with its styles; it comes back when the window is closed.
 */
import { make } from "../pages/dom.js";

/** @typedef {{ requestWindow: (options: { width: number, height: number }) => Promise<Window> }} DocumentPictureInPicture */

const WIDTH = 360;
const HEIGHT = 560;

export class PopOut {
  #root;
  #card;
  #changed;
  /** @type {Window | null} */
  #window = null;

  /**
   * @param {HTMLElement} root the widget's own, in its shadow
   * @param {HTMLElement} card what moves
   * @param {() => void} changed
   */
  constructor(root, card, changed) {
    this.#root = root;
    this.#card = card;
    this.#changed = changed;
  }

  get possible() {
    return "documentPictureInPicture" in window && window.top === window;
  }

  get open() {
    return this.#window !== null;
  }

  /** From a tap. */
  async toggle() {
    if (this.#window) {
      this.#window.close();
      return;
    }
    const api = /** @type {{ documentPictureInPicture?: DocumentPictureInPicture }} */ (/** @type {unknown} */ (window)).documentPictureInPicture;
    try {
      const opened = await api?.requestWindow({ width: WIDTH, height: HEIGHT });
      if (opened) this.#move(opened);
    } catch {
      // Refused: the card stays where it is.
    }
  }

  close() {
    this.#window?.close();
  }

  /** @param {Window} opened */
  #move(opened) {
    const shadow = /** @type {ShadowRoot} */ (this.#root.getRootNode());
    const host = opened.document.createElement("div");
    host.style.cssText = cssVariables(shadow.host);
    const inside = host.attachShadow({ mode: "open" });
    const root = make("div", this.#root.className);
    Object.assign(root.dataset, this.#root.dataset);
    root.classList.add("popped");
    inside.append(...[...shadow.querySelectorAll("link")].map((link) => link.cloneNode()), root);
    opened.document.body.style.margin = "0";
    opened.document.documentElement.lang = document.documentElement.lang;
    opened.document.title = document.title;
    opened.document.body.append(host);
    root.append(this.#card);
    this.#window = opened;
    // What the shell writes on its own root is wanted here too.
    const watch = new MutationObserver(() => {
      Object.assign(root.dataset, this.#root.dataset);
      root.className = this.#root.className;
    });
    watch.observe(this.#root, { attributes: true });
    opened.addEventListener("pagehide", () => {
      watch.disconnect();
      this.#window = null;
      this.#root.append(this.#card);
      this.#changed();
    });
    this.#changed();
  }
}

/**
 * The theme's variables as the page set them.
 * @param {Element} host
 */
function cssVariables(host) {
  const style = getComputedStyle(host);
  const names = ["accent", "on-accent", "font", "radius", "bg", "text"].map((name) => `--lm-help-${name}`);
  return names.map((name) => `${name}: ${style.getPropertyValue(name)}`).join(";");
}
