/**
 * Somebody is asked onto the stage: who asks, where, why, a look into the mirror, and one tap to go on air.
 * Used by the agent console and by the live page for a shopper who raised a hand.
 *
 *   ring.show({ invite, capture, remainingMs });      // again at every change, and once a second for the countdown
 *   ring.addEventListener("accept", ...); ring.addEventListener("decline", ({ detail }) => detail.reason);
 *
 * Events: `accept`, `decline` {reason: string | null}, `ask` (open camera and microphone, from a click).
 */
import { button, dots, icon, make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";
import { avatar } from "./avatar.js";
import { PreviewCheck } from "./preview-check.js";

/**
 * The part of an invite on the wire that a ring speaks of.
 * @typedef {object} RingInvite
 * @property {string} id
 * @property {string} room
 * @property {string} [title] of the room
 * @property {{ name: string, role?: string }} from
 * @property {string | null} [topic]
 * @property {{ title: string, price?: string | null, url?: string | null } | null} [product]
 */

/**
 * @typedef {object} RingContent
 * @property {RingInvite} invite
 * @property {import("../capture.js").Capture | null} [capture] the preview's devices, with switches and choice
 * @property {MediaStream | null} [preview] instead of a capture: just this picture
 * @property {{ code: string, message: string } | null} [trouble] why the last accept failed, as a sentence
 * @property {number | null} remainingMs until nobody waits any more; null: no countdown
 * @property {boolean} [busy] accepted, on the way to the stage
 * @property {boolean} [reasons] offer quick reasons for a no
 */

const URGENT_MS = 5_000;

export class Ring extends HTMLElement {
  /** @type {RingContent | null} */
  #content = null;
  /** The longest time left that was seen for this ring: the bar's whole length. */
  #wholeMs = 1;
  #face = make("div", "ring-face");
  #title = make("h2");
  #where = make("p", "ring-where truncate");
  #topic = make("p", "ring-topic");
  #productTitle = make("strong", "ring-product-title");
  #price = make("span", "ring-price");
  #link = make("span", "ring-link truncate");
  #product = make("div", "ring-product", icon("tag"), make("div", "ring-product-words", this.#productTitle, this.#price, this.#link));
  #check = /** @type {PreviewCheck} */ (document.createElement("lm-preview-check"));
  #video = make("video", "ring-video");
  #trouble = make("div", "ring-trouble");
  #left = make("span", "number");
  #bar = make("i");
  #countdown = make("div", "ring-countdown", this.#left, make("span", "ring-bar", this.#bar));
  #acceptWord = make("span");
  #accept = button("", "primary ring-accept", () => this.#say("accept", null));
  #declineWord = make("span");
  #decline = button("", "ring-decline", () => this.#say("decline", { reason: null }));
  #reasons = make("div", "ring-reasons");
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {RingContent | null} content null: nobody rings */
  show(content) {
    const other = content?.invite.id !== this.#content?.invite.id;
    this.#content = content;
    if (other) this.#wholeMs = 1;
    this.#wholeMs = Math.max(this.#wholeMs, content?.remainingMs ?? 1);
    this.hidden = content === null;
    this.#render();
  }

  #build() {
    this.setAttribute("role", "group");
    this.#video.playsInline = true;
    this.#video.autoplay = true;
    this.#video.muted = true;
    this.#trouble.setAttribute("role", "alert");
    this.#accept.append(icon("live"), this.#acceptWord);
    this.#decline.append(icon("close"), this.#declineWord);
    this.#check.addEventListener("ask", () => this.#say("ask", null));
    this.append(
      make("header", "ring-head", this.#face, make("div", "ring-words", this.#title, this.#where)),
      this.#topic,
      this.#product,
      this.#check,
      this.#video,
      this.#trouble,
      this.#countdown,
      make("div", "ring-actions", this.#decline, this.#accept),
      this.#reasons,
    );
  }

  /**
   * @param {"accept" | "decline" | "ask"} type
   * @param {object | null} detail
   */
  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #render() {
    if (!this.#content || this.childElementCount === 0) return;
    const { invite, capture = null, preview = null, trouble = null, busy = false, reasons = false } = this.#content;
    const { name } = invite.from;
    if (this.#face.dataset.name !== name) {
      this.#face.dataset.name = name;
      this.#face.replaceChildren(avatar(name));
    }
    const title = t("ring.title", { name });
    setText(this.#title, title);
    this.setAttribute("aria-label", title);
    setText(this.#where, invite.title || invite.room);
    this.#where.title = invite.title || invite.room;
    this.#topic.hidden = !invite.topic;
    setText(this.#topic, invite.topic ?? "");
    this.#renderProduct(invite.product ?? null);
    this.#check.hidden = capture === null;
    this.#check.capture = capture;
    this.#video.hidden = capture !== null || preview === null;
    if (this.#video.srcObject !== preview) this.#video.srcObject = preview;
    this.#renderTrouble(trouble);
    this.#renderCountdown(busy);
    this.#renderActions(capture, busy, reasons);
  }

  /** @param {RingInvite["product"]} product */
  #renderProduct(product) {
    this.#product.hidden = !product;
    if (!product) return;
    setText(this.#productTitle, product.title);
    setText(this.#price, product.price ?? "");
    this.#price.hidden = !product.price;
    setText(this.#link, product.url ?? "");
    this.#link.title = product.url ?? "";
    this.#link.hidden = !product.url;
  }

  /** @param {{ code: string, message: string } | null} trouble */
  #renderTrouble(trouble) {
    this.#trouble.hidden = trouble === null;
    if (!trouble) return;
    const words = `${trouble.message}${trouble.code}`;
    if (this.#trouble.textContent !== words) {
      this.#trouble.replaceChildren(make("span", "", trouble.message), make("span", "code", trouble.code));
    }
  }

  /** @param {boolean} busy */
  #renderCountdown(busy) {
    const left = this.#content?.remainingMs ?? null;
    this.#countdown.hidden = left === null || busy;
    if (left === null) return;
    setText(this.#left, t("ring.left", { seconds: Math.max(0, Math.ceil(left / 1000)) }));
    this.#bar.style.scale = `${Math.max(0, Math.min(1, left / this.#wholeMs))} 1`;
    this.#countdown.classList.toggle("urgent", left <= URGENT_MS);
  }

  /**
   * @param {import("../capture.js").Capture | null} capture
   * @param {boolean} busy
   * @param {boolean} reasons
   */
  #renderActions(capture, busy, reasons) {
    const voice = capture?.state === "open" && (!capture.tracks.camera || capture.off.camera);
    setText(this.#acceptWord, busy ? t("ring.going") : voice ? t("ring.accept_voice") : t("ring.accept"));
    if (busy && !this.#accept.querySelector(".dots")) this.#accept.append(dots());
    else if (!busy) this.#accept.querySelector(".dots")?.remove();
    this.#accept.disabled = busy;
    setText(this.#declineWord, t("ring.decline"));
    this.#decline.disabled = busy;
    this.#reasons.hidden = !reasons || busy;
    const words = reasons ? [t("ring.reason.busy"), t("ring.reason.field"), t("ring.reason.device")] : [];
    const shown = [...this.#reasons.querySelectorAll("button")].map((entry) => entry.textContent);
    if (JSON.stringify(words) === JSON.stringify(shown)) return;
    this.#reasons.replaceChildren(
      make("span", "hint", t("ring.reasons")),
      ...words.map((word) => button(word, "small quiet", () => this.#say("decline", { reason: word }))),
    );
  }
}

customElements.define("lm-ring", Ring);
