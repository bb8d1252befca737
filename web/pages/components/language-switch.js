/** One button that names the other language in that language. */
import { icon, make } from "../dom.js";
import { getLocale, onLocale, setLocale } from "../locale.js";

const NAMES = { "zh-CN": "中文", en: "English" };
const HINTS = { "zh-CN": "切换到中文", en: "Switch to English" };

export class LanguageSwitch extends HTMLElement {
  #button = make("button");
  #word = make("span", "language-word");
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (!this.#button.parentElement) {
      this.#button.type = "button";
      this.#button.append(icon("globe"), this.#word);
      this.append(this.#button);
      this.#button.addEventListener("click", () => void setLocale(other()));
    }
    this.#stop = onLocale(() => {
      const locale = other();
      this.#word.textContent = NAMES[locale];
      this.#button.lang = locale;
      this.#button.title = HINTS[locale];
      this.#button.setAttribute("aria-label", HINTS[locale]);
    });
  }

  disconnectedCallback() {
    this.#stop?.();
  }
}

/** @returns {"zh-CN" | "en"} */
function other() {
  return getLocale() === "zh-CN" ? "en" : "zh-CN";
}

customElements.define("lm-language", LanguageSwitch);
