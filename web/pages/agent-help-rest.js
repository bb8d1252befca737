/**
 * What the console asks over HTTP: the agent's own day, whom to call back, and the agent's quick replies. Asked now and then while nothing else goes
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
const REPLIES = "/api/v1/me/quick_replies";

/** @extends {Emitter<{ change: null }>} */
export class HelpRest extends Emitter {
  #token;
  /** performance.now() of the last question; -Infinity: never */
  #askedAt = -Infinity;
  /** @type {MyDay | null} */
  day = null;
  /** @type {readonly Callback[]} */
  callbacks = [];
  /** Our own quick replies; null: the console's. @type {readonly string[] | null} */
  replies = null;
  #learntAt = -Infinity;

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

  /** Ask for our quick replies, unless they are known. */
  async learn() {
    if (performance.now() - this.#learntAt < EVERY_MS) return;
    this.#learntAt = performance.now();
    try {
      this.#know(await this.#fetch(REPLIES));
    } catch {
      // The console's own do meanwhile.
    }
  }

  /** @param {string[] | null} replies null: the console's again @returns {Promise<void>} rejects with a code */
  async keep(replies) {
    this.#know(await this.#fetch(REPLIES, "PUT", { replies }));
  }

  /** @param {{ replies?: string[] | null }} kept */
  #know({ replies }) {
    this.#learntAt = Infinity;
    this.replies = Array.isArray(replies) ? replies : null;
    this.emit("change", null);
  }

  /** This person was called back. @param {string} id @returns {Promise<void>} rejects with a code */
  async done(id) {
    await this.#fetch(`/api/v1/callbacks/${encodeURIComponent(id)}/done`, "POST");
    this.callbacks = this.callbacks.filter((callback) => callback.id !== id);
    this.emit("change", null);
  }

  async #ask() {
    // The day is the shop's, as on the wall.
    const [day, callbacks] = await Promise.allSettled([
      this.#fetch("/api/v1/me/day"),
      this.#fetch("/api/v1/callbacks?limit=50"),
    ]);
    if (day.status === "fulfilled" && Array.isArray(day.value.list)) this.day = day.value;
    if (callbacks.status === "fulfilled" && Array.isArray(callbacks.value.callbacks)) this.callbacks = callbacks.value.callbacks;
    this.emit("change", null);
  }

  /**
   * @param {string} path
   * @param {"GET" | "POST" | "PUT"} [method]
   * @param {object} [sent]
   * @returns {Promise<any>}
   */
  async #fetch(path, method = "GET", sent) {
    const headers = { Authorization: `Bearer ${await this.#token()}`, ...(sent ? { "Content-Type": "application/json" } : {}) };
    const response = await fetch(path, { method, headers, ...(sent ? { body: JSON.stringify(sent) } : {}), signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body = await response.json().catch(() => ({}));
    const { code = "internal", message = "" } = body.error ?? {};
    if (!response.ok) throw Object.assign(new Error(message), { code });
    return body;
  }
}
