/** Which seconds of a recording were really played: what the audit is told. Pure: time of the recording is given. */
import { merged } from "./review-clock.js";

/** @typedef {import("./review-clock.js").Span} Span */

/** The tick comes often; a longer way than this, at the given rate, was a jump. */
const STEP_S = 1.2;
const LEAST_S = 0.05;

export class HeardTracker {
  /** @type {Span[]} */
  #kept = [];
  /** @type {[number, number] | null} */
  #open = null;

  /**
   * Called again and again while it plays.
   * @param {number} t
   * @param {number} [rate]
   */
  playing(t, rate = 1) {
    const open = this.#open;
    if (open && t >= open[1] && t - open[1] <= STEP_S * Math.max(1, rate)) open[1] = t;
    else {
      this.stopped();
      this.#open = [t, t];
    }
  }

  /** It stands still, or jumped. */
  stopped() {
    if (this.#open && this.#open[1] - this.#open[0] >= LEAST_S) this.#kept.push(this.#open);
    this.#open = null;
  }

  /**
   * What is to be told now. What plays on begins anew where it is, so that nothing is told twice or lost.
   * @returns {[number, number][]} merged, to the tenth of a second, outwards
   */
  take() {
    const at = this.#open?.[1];
    this.stopped();
    const out = merged(this.#kept, 0.02).map(([from, to]) => /** @type {[number, number]} */ ([Math.floor(from * 10) / 10, Math.ceil(to * 10) / 10]));
    this.#kept = [];
    if (at !== undefined) this.#open = [at, at];
    return out;
  }

  /** It could not be told: the next time, then. @param {readonly Span[]} spans */
  back(spans) {
    this.#kept.push(...spans);
  }

  get empty() {
    return this.#kept.length === 0 && (!this.#open || this.#open[1] - this.#open[0] < LEAST_S);
  }
}
