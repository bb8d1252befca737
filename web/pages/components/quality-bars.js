/** Connection quality as 0-3 bars with a word; the reason opens on hover, focus or tap. */
import { make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";

/** @typedef {{ quality: number, reason: string }} Quality quality 0-3 */

/**
 * The four words, poorest first.
 * @param {number} quality
 * @returns {string}
 */
export function qualityWord(quality) {
  if (quality >= 3) return t("quality.level.3");
  if (quality === 2) return t("quality.level.2");
  return quality === 1 ? t("quality.level.1") : t("quality.level.0");
}

/**
 * Why it is so, and what helps.
 * @param {string} reason from the server or the SDK
 * @returns {string}
 */
export function qualityReason(reason) {
  switch (reason) {
    case "good":
      return t("quality.reason.good");
    case "loss":
      return t("quality.reason.loss");
    case "rtt":
      return t("quality.reason.rtt");
    case "jitter":
      return t("quality.reason.jitter");
    case "bitrate":
      return t("quality.reason.bitrate");
    case "freeze":
      return t("quality.reason.freeze");
    default:
      return t("quality.reason.none");
  }
}

/**
 * @param {number} quality
 * @returns {HTMLSpanElement}
 */
export function bars(quality) {
  const element = make("span", "bars", make("i"), make("i"), make("i"));
  element.dataset.quality = String(quality);
  element.setAttribute("aria-hidden", "true");
  return element;
}

export class QualityBars extends HTMLElement {
  /** @type {Quality | null} */
  #value = null;
  #button = make("button", "quality-button");
  #bars = bars(0);
  #word = make("span", "quality-word");
  #tip = make("span", "quality-tip");
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (!this.#button.parentElement) {
      this.#button.type = "button";
      this.#button.append(this.#bars, this.#word);
      this.#tip.setAttribute("role", "tooltip");
      this.#tip.id = `${this.id || "quality"}-reason`;
      this.#button.setAttribute("aria-describedby", this.#tip.id);
      this.append(this.#button, this.#tip);
      this.#button.addEventListener("click", () => this.classList.toggle("open"));
      document.addEventListener("pointerdown", (event) => {
        if (event.target instanceof Node && !this.contains(event.target)) this.classList.remove("open");
      });
      document.addEventListener("keydown", (event) => {
        if (event.key === "Escape") this.classList.remove("open");
      });
    }
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {Quality | null} value null hides the bars: nothing is known yet */
  set value(value) {
    this.#value = value;
    this.#render();
  }

  #render() {
    this.hidden = this.#value === null;
    if (!this.#value) return;
    const { quality, reason } = this.#value;
    const whose = this.getAttribute("of") === "uplink" ? t("quality.uplink") : t("quality.downlink");
    this.#bars.dataset.quality = String(quality);
    setText(this.#word, qualityWord(quality));
    const level = qualityWord(quality);
    this.#button.setAttribute("aria-label", `${whose} ${level}`);
    setText(this.#tip, t("quality.sentence", { whose, level, reason: qualityReason(reason) }));
  }
}

customElements.define("lm-quality", QualityBars);
