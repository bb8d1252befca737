/**
 * Where tokens come from and when the next one is due. Pure but for the function that fetches.
 * @module
 */

/** @typedef {string | (() => string | Promise<string>)} TokenSource */

/** A token is renewed this long before it expires, ms. */
export const RENEW_BEFORE_MS = 60_000;
const RENEW_AT_LEAST_MS = 10_000;
/** Browsers overflow at 2^31 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class TokenKeeper {
  #source;
  /** @type {string | null} */
  #held = null;
  #refused = false;

  /** @param {TokenSource} source a function is asked again whenever the token it gave is of no more use */
  constructor(source) {
    this.#source = source;
  }

  /**
   * The token to join with: the last one that worked, if it still may, so that a resume needs no extra request.
   * @returns {Promise<string>}
   */
  async take() {
    if (typeof this.#source === "string") return this.#source;
    this.#held ??= await this.#source();
    return this.#held;
  }

  /** @returns {Promise<string | null>} a fresh one; null when the source cannot give another */
  async renew() {
    if (typeof this.#source === "string") return null;
    this.#held = await this.#source();
    return this.#held;
  }

  /** The server took it. */
  accepted() {
    this.#refused = false;
  }

  /** The server refused it. @returns {boolean} true when it is worth asking for another: once, and of a function */
  refused() {
    if (typeof this.#source === "string" || this.#refused) return false;
    this.#refused = true;
    this.#held = null;
    return true;
  }
}

/**
 * How long to wait with the renewal.
 * @param {number} expiresAt ms since epoch, on the server's clock
 * @param {number} now ms since epoch, on the server's clock
 * @returns {number} ms
 */
export function renewalDelay(expiresAt, now) {
  return Math.min(LONGEST_TIMER_MS, Math.max(RENEW_AT_LEAST_MS, expiresAt - now - RENEW_BEFORE_MS));
}
