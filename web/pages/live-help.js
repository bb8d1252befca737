/**
 * One-to-one help inside the live page: over the page's own connection, while the show goes on. What the stage needs of
 * it is our own picture, when the call is on air.
 */

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("../widget/element.js").LmHelp} LmHelp
 */

export class LiveHelp {
  #element;
  /** @type {LianmaiRoom | null} */
  #room = null;

  /**
   * @param {LmHelp} element
   * @param {() => void} changed what is on air of us
   */
  constructor(element, changed) {
    this.#element = element;
    for (const type of ["lm-help-call", "lm-help-air", "lm-help-ended"]) element.addEventListener(type, changed);
  }

  /** @param {LianmaiRoom | null} room */
  follow(room) {
    this.#room = room;
    this.#element.room = room;
  }

  /** @param {boolean} possible there is a room to ask in */
  show(possible) {
    this.#element.hidden = !possible || this.#room?.self?.grants["call"] !== true;
  }

  /** The audience sees or hears us. */
  get onAir() {
    return this.#element.onAir;
  }

  /** Somebody talks to us, or is about to. */
  get talking() {
    const { state } = this.#element.call ?? {};
    return state === "active" || state === "on_hold";
  }

  /** What the call sends, for our own tile. @returns {import("./remote-stage.js").OwnMedia | null} */
  get own() {
    const capture = this.#element.capture;
    if (!this.onAir || !capture) return null;
    const { consent } = this.#element.call?.escalation ?? {};
    const seen = consent === "video" || consent === "blurred";
    return {
      camera: seen && !capture.off.camera ? (this.#element.aired ?? capture.tracks.camera) : null,
      screen: null,
      micMuted: capture.off.microphone || !capture.tracks.microphone,
    };
  }
}
