/** The running show in figures: how long, how many watch, and how the uplink is doing and why. */
import { make, setText } from "../dom.js";
import { formatBitrate, formatDuration } from "../format.js";
import { formatCount, onLocale, t } from "../locale.js";
import { bars, qualityReason, qualityWord } from "./quality-bars.js";

/**
 * @typedef {object} ShowState
 * @property {number} lastedMs
 * @property {number} viewers
 * @property {Uplink | null} uplink null until the server's first report
 */

/**
 * @typedef {object} Uplink
 * @property {number} quality 0-3
 * @property {string} reason
 * @property {number} [bitrateBps]
 * @property {number} [loss] 0-1
 * @property {number | null} [rttMs]
 */

export class ShowPanel extends HTMLElement {
  /** @type {ShowState} */
  #state = { lastedMs: 0, viewers: 0, uplink: null };
  #lastedName = make("dt");
  #lasted = make("dd");
  #viewersName = make("dt");
  #viewers = make("dd");
  #whose = make("span", "whose");
  #bars = bars(0);
  #word = make("span");
  #reason = make("p", "hint");
  #numbers = make("p", "numbers number");
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) {
      this.append(
        make(
          "dl",
          "figures",
          make("div", "figure", this.#lastedName, this.#lasted),
          make("div", "figure", this.#viewersName, this.#viewers),
        ),
        make(
          "div",
          "uplink-card",
          make("p", "line", this.#whose, this.#bars, this.#word),
          this.#reason,
          this.#numbers,
        ),
      );
    }
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {ShowState} state */
  show(state) {
    this.#state = state;
    this.#render();
  }

  #render() {
    const { lastedMs, viewers, uplink } = this.#state;
    setText(this.#lastedName, t("show.lasted"));
    setText(this.#lasted, formatDuration(lastedMs));
    setText(this.#viewersName, t("show.viewers"));
    setText(this.#viewers, formatCount(viewers));
    setText(this.#whose, t("quality.uplink"));
    this.#bars.hidden = uplink === null;
    this.#bars.dataset.quality = String(uplink?.quality ?? 0);
    setText(this.#word, uplink ? qualityWord(uplink.quality) : t("show.measuring"));
    setText(this.#reason, uplink ? qualityReason(uplink.reason) : "");
    this.#reason.hidden = uplink === null;
    const numbers = uplink ? figures(uplink) : [];
    this.#numbers.replaceChildren(...numbers.map((text) => make("span", "", text)));
    this.#numbers.hidden = numbers.length === 0;
  }
}

/** @param {Uplink} uplink */
function figures({ bitrateBps, loss, rttMs }) {
  const texts = [];
  if (bitrateBps !== undefined) texts.push(formatBitrate(bitrateBps));
  if (loss !== undefined) texts.push(t("show.loss", { percent: (loss * 100).toFixed(1) }));
  if (typeof rttMs === "number") texts.push(t("show.rtt", { ms: Math.round(rttMs) }));
  return texts;
}

customElements.define("lm-show-panel", ShowPanel);
