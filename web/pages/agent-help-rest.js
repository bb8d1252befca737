/**
 * What the console asks over HTTP: the agent's own day, and whom to call back. Asked now and then while nothing else goes
 * on; figures are not worth a complaint, so what fails is asked for again.
 *
 * Events: `change`.
 */
import { Emitter } from "../sdk/emitter.js";

/**
 * @typedef {import("./components/help-day.js").MyDay} MyDay
 * @typedef {import("./components/callback-list.js").Callback} Callback
 */

const EVERY_MS = 60_000;
const TIMEOUT_MS = 8_000;

/** @extends {Emitter<{ change: null }>} */
export class HelpRest extends Emitter {
  #token;
  /** performance.now() of the last question; -Infinity: never */
  #askedAt = -Infinity;
  /** @type {MyDay | null} */
  day = null;
  /** @type {readonly Callback[]} */
  callbacks = [];

  /** @param {() => Promise<string>} token */
  constructor(token) {
    super();
    this.#token = token;
  }

  /** Ask if it was long ago. */
  look() {
    if (performance.now() - this.#askedAt < EVERY_MS) return;
    this.#askedAt = performance.now();
    void this.#ask();
  }

  /** Something has happened: what is known is old. */
  forget() {
    this.#askedAt = -Infinity;
  }

  /** This person was called back. @param {string} id @returns {Promise<void>} rejects with a code */
  async done(id) {
    await this.#fetch(`/api/v1/callbacks/${encodeURIComponent(id)}/done`, "POST");
    this.callbacks = this.callbacks.filter((callback) => callback.id !== id);
    this.emit("change", null);
  }

  async #ask() {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const [day, callbacks] = await Promise.allSettled([
      this.#fetch(`/api/v1/me/day${zone ? `?timezone=${encodeURIComponent(zone)}` : ""}`),
      this.#fetch("/api/v1/callbacks?limit=50"),
    ]);
    if (day.status === "fulfilled" && Array.isArray(day.value.list)) this.day = day.value;
    if (callbacks.status === "fulfilled" && Array.isArray(callbacks.value.callbacks)) this.callbacks = callbacks.value.callbacks;
    this.emit("change", null);
  }

  /**
   * @param {string} path
   * @param {"GET" | "POST"} [method]
   * @returns {Promise<any>}
   */
  async #fetch(path, method = "GET") {
    const headers = { Authorization: `Bearer ${await this.#token()}` };
    const response = await fetch(path, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body = await response.json().catch(() => ({}));
    const { code = "internal", message = "" } = body.error ?? {};
    if (!response.ok) throw Object.assign(new Error(message), { code });
    return body;
  }
}
