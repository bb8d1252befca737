/**
 * An agent asks for a place on stage: a look into the mirror and a reason first, then waiting for the host's answer.
 *
 * Events: `request` {topic}, `withdraw`, `ask` (open camera and microphone, from a click).
 */
import { button, dots, make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";
import { PreviewCheck } from "./preview-check.js";

/**
 * @typedef {object} OfferState
 * @property {string} title of the room
 * @property {string} host name, may be empty
 * @property {boolean} asking the request was made
 * @property {boolean} busy
 * @property {import("../capture.js").Capture | null} capture
 * @property {{ code: string, message: string } | null} trouble
 */

const TOPIC_MAX = 120;

export class OfferCard extends HTMLElement {
  /** @type {OfferState | null} */
  #state = null;
  #title = make("h2");
  #body = make("p", "hint");
  #check = /** @type {PreviewCheck} */ (document.createElement("lm-preview-check"));
  #label = make("span", "field-label");
  #topic = make("input", "input");
  #field = make("label", "field", this.#label, this.#topic);
  #trouble = make("div", "ring-trouble");
  #withdraw = button("", "ring-decline", () => this.dispatchEvent(new Event("withdraw")));
  #request = button("", "primary ring-accept", () => this.#ask());
  #wait = make("p", "offer-wait", dots(), make("span"));
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {OfferState | null} state */
  show(state) {
    if (state && !this.#state) this.#topic.value = "";
    this.#state = state;
    this.hidden = state === null;
    if (state === null) this.#check.capture = null;
    this.#render();
  }

  #build() {
    this.#topic.maxLength = TOPIC_MAX;
    this.#topic.autocomplete = "off";
    this.#trouble.setAttribute("role", "alert");
    this.#wait.setAttribute("role", "status");
    this.#check.addEventListener("ask", () => this.dispatchEvent(new Event("ask")));
    this.#topic.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) this.#ask();
    });
    this.append(
      make("header", "ring-words", this.#title, this.#body),
      this.#check,
      this.#field,
      this.#trouble,
      this.#wait,
      make("div", "ring-actions", this.#withdraw, this.#request),
    );
  }

  #ask() {
    if (this.#request.disabled || this.#state?.asking) return;
    this.dispatchEvent(new CustomEvent("request", { detail: { topic: this.#topic.value.trim() } }));
  }

  #render() {
    const state = this.#state;
    if (!state || this.childElementCount === 0) return;
    const { title, host, asking, busy, capture, trouble } = state;
    setText(this.#title, t("offer.title", { room: title }));
    setText(this.#body, asking ? t("offer.asking_body") : t("offer.body"));
    this.#check.capture = capture;
    setText(this.#label, t("offer.topic"));
    this.#topic.placeholder = t("offer.topic_hint");
    this.#field.hidden = asking;
    this.#trouble.hidden = trouble === null;
    if (trouble && this.#trouble.textContent !== `${trouble.message}${trouble.code}`) {
      this.#trouble.replaceChildren(make("span", "", trouble.message), make("span", "code", trouble.code));
    }
    this.#wait.hidden = !asking;
    const words = this.#wait.lastElementChild;
    if (words) setText(words, host ? t("offer.asking_host", { host }) : t("offer.asking"));
    setText(this.#withdraw, asking ? t("offer.withdraw") : t("dialog.cancel"));
    setText(this.#request, busy ? t("offer.sending") : t("rooms.offer"));
    this.#request.hidden = asking;
    this.#request.disabled = busy;
    this.classList.toggle("asking", asking);
  }
}

customElements.define("lm-offer", OfferCard);
