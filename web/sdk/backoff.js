/**
 * Exponential backoff with full jitter: a thousand viewers who lost the same server must not come back in step.
 *
 * The first delay is at most `firstMs`, so that a blip costs nearly nothing; then `baseMs` doubles up to `maxMs`,
 * and each delay is drawn between half of that and all of it.
 */
export class Backoff {
  #firstMs;
  #baseMs;
  #maxMs;
  #random;
  #tries = 0;

  /** @param {{ firstMs?: number, baseMs?: number, maxMs?: number, random?: () => number }} [options] */
  constructor({ firstMs = 200, baseMs = 500, maxMs = 10_000, random = Math.random } = {}) {
    this.#firstMs = firstMs;
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** How many delays were handed out since the last reset. */
  get tries() {
    return this.#tries;
  }

  /**
   * The next delay in ms.
   * @param {number} [atLeastMs] what the other side asked for, for example by `retry_after_s`
   * @param {number} [atMostMs] a lower ceiling, for somebody who has something to lose by waiting
   * @returns {number}
   */
  next(atLeastMs = 0, atMostMs = this.#maxMs) {
    const n = this.#tries++;
    const jitter = this.#random();
    if (n === 0) return atLeastMs + jitter * this.#firstMs;
    const ceiling = Math.min(this.#maxMs, atMostMs, this.#baseMs * 2 ** Math.min(n - 1, 30));
    return Math.max(atLeastMs + jitter * this.#firstMs, ceiling / 2 + (jitter * ceiling) / 2);
  }

  reset() {
    this.#tries = 0;
  }
}
