/**
 * Talk to the host alone: held like a walkie-talkie. It shows what it is told and says when it is held.
 *
 * Events: `hold`, `let-go`.
 */
import { icon, make, setIcon, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";
import { LevelMeter } from "./level-meter.js";

/**
 * @typedef {object} WhisperState
 * @property {"rest" | "opening" | "talking" | "absent"} state absent: no host in the room to hear it
 * @property {string} host name, may be empty
 * @property {string} problem sentence, empty when all is well
 */

export class WhisperButton extends HTMLElement {
  /** @type {WhisperState} */
  #state = { state: "rest", host: "", problem: "" };
  #icon = icon("whisper");
  #word = make("strong");
  #hint = make("span", "whisper-hint");
  #meter = /** @type {LevelMeter} */ (document.createElement("lm-meter"));
  #button = make("button", "whisper");
  #problem = make("p", "hint problem");
  #held = false;
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
    this.#letGo();
  }

  /** @param {WhisperState} state */
  show(state) {
    this.#state = state;
    this.#render();
  }

  /** @param {number} level 0-1 */
  set level(level) {
    this.#meter.level = level;
  }

  #build() {
    this.#button.type = "button";
    this.#button.append(this.#icon, make("span", "whisper-words", this.#word, this.#hint), this.#meter);
    this.#problem.setAttribute("role", "status");
    this.#button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      // The finger may slide off the button: it is still held.
      this.#button.setPointerCapture(event.pointerId);
      this.#hold();
    });
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.#button.addEventListener(type, () => this.#letGo());
    }
    // A long press is talking, not a menu.
    this.#button.addEventListener("contextmenu", (event) => event.preventDefault());
    this.#button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.repeat) return;
      event.preventDefault();
      this.#hold();
    });
    this.#button.addEventListener("keyup", (event) => {
      if (event.key === "Enter") this.#letGo();
    });
    this.#button.addEventListener("blur", () => this.#letGo());
    this.append(this.#button, this.#problem);
  }

  #hold() {
    if (this.#held || this.#button.disabled) return;
    this.#held = true;
    this.dispatchEvent(new Event("hold"));
  }

  #letGo() {
    if (!this.#held) return;
    this.#held = false;
    this.dispatchEvent(new Event("let-go"));
  }

  #render() {
    if (this.childElementCount === 0) return;
    const { state, host, problem } = this.#state;
    const talking = state === "talking";
    this.#button.classList.toggle("talking", talking);
    this.#button.setAttribute("aria-pressed", String(talking));
    this.#button.disabled = state === "absent";
    setIcon(this.#icon, talking ? "mic" : "whisper");
    setText(this.#word, title(state, host));
    setText(this.#hint, talking ? t("whisper.talking_hint") : state === "absent" ? "" : t("whisper.hint"));
    this.#meter.hidden = !talking;
    setText(this.#problem, problem);
    this.#problem.hidden = problem === "";
  }
}

/**
 * @param {WhisperState["state"]} state
 * @param {string} host
 */
function title(state, host) {
  if (state === "absent") return t("whisper.absent");
  if (state === "opening") return t("whisper.opening");
  if (state === "talking") return host ? t("whisper.talking_host", { host }) : t("whisper.talking");
  return t("whisper.hold");
}

customElements.define("lm-whisper", WhisperButton);
