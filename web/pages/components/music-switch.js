/** Speech made clearer, or sound as it is. Shows what it is told; emits `music` {on} when switched. */
import { make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";

export class MusicSwitch extends HTMLElement {
  #word = make("span", "switch-word");
  #hint = make("span", "hint");
  #input = make("input", "switch");
  #on = false;
  #busy = false;
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) {
      this.#input.type = "checkbox";
      this.#input.setAttribute("role", "switch");
      this.#input.addEventListener("change", () => {
        this.dispatchEvent(new CustomEvent("music", { detail: { on: this.#input.checked } }));
      });
      this.append(make("label", "switch-row", make("span", "switch-words", this.#word, this.#hint), this.#input));
    }
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {{ on: boolean, busy: boolean }} state busy: the microphone is being opened again */
  show({ on, busy }) {
    this.#on = on;
    this.#busy = busy;
    this.#render();
  }

  #render() {
    setText(this.#word, t("sound.music"));
    setText(this.#hint, this.#on ? t("sound.music_on") : t("sound.music_off"));
    this.#hint.classList.toggle("problem", this.#on);
    this.#input.checked = this.#on;
    this.#input.disabled = this.#busy;
  }
}

customElements.define("lm-music", MusicSwitch);
