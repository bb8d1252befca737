/**
 * Requests under way: which are sent, which wait for the next join, and what becomes of them when a socket drops.
 * @module
 */
import { LianmaiError } from "./errors.js";

/** @typedef {import("./env.js").Env} Env */
/** @typedef {import("./types.js").Reply} Reply */

/**
 * @typedef {object} Pending
 * @property {number} id
 * @property {string} type
 * @property {Record<string, unknown>} fields
 * @property {boolean} retry safe to send again after a resume
 * @property {string | null} peer whose request it was; null before the first join, and when it is
 *   about the person, whichever Peer that is
 * @property {(reply: Reply) => void} resolve
 * @property {(error: LianmaiError) => void} reject
 * @property {number} timer
 */

const MAX_REQUESTS = 200;

export class Requests {
  #env;
  #write;
  #error;
  /** Ids go on from one socket to the next, so that a late reply never meets another request. */
  #lastId = 0;
  /** @type {Map<number, Pending>} sent, waiting for the reply */
  #sent = new Map();
  /** @type {Pending[]} waiting for the next join */
  #held = [];

  /**
   * @param {Env} env
   * @param {(message: Record<string, unknown>) => void} write
   * @param {(code: string) => LianmaiError} error
   */
  constructor(env, write, error) {
    this.#env = env;
    this.#write = write;
    this.#error = error;
  }

  get full() {
    return this.#sent.size + this.#held.length >= MAX_REQUESTS;
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} fields
   * @param {{ retry: boolean, peer: string | null, timeoutMs: number, now: boolean }} how now: send it at once,
   *   otherwise after the next join
   * @returns {Promise<Reply>} rejects with `timeout` once timeoutMs are over, wherever it is by then
   */
  add(type, fields, { retry, peer, timeoutMs, now }) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const timer = this.#env.setTimeout(() => {
        this.#sent.delete(id);
        this.#held = this.#held.filter((entry) => entry.id !== id);
        reject(this.#error("timeout"));
      }, timeoutMs);
      const entry = { id, type, fields, retry, peer, resolve, reject, timer };
      if (now) this.#transmit(entry);
      else this.#held.push(entry);
    });
  }

  /**
   * Send the request that belongs to this socket alone: it has no deadline of its own and is never sent again.
   * @param {string} type
   * @param {Record<string, unknown>} fields
   * @param {(reply: Reply) => void} resolve
   * @param {(error: LianmaiError) => void} reject not called when the socket drops
   */
  once(type, fields, resolve, reject) {
    const entry = { id: ++this.#lastId, type, fields, retry: false, peer: null, resolve, reject, timer: 0 };
    this.#transmit(entry);
  }

  /**
   * @param {unknown} re
   * @param {(entry: Pending) => void} finish
   */
  settle(re, finish) {
    const entry = typeof re === "number" ? this.#sent.get(re) : undefined;
    if (!entry) return;
    this.#sent.delete(entry.id);
    this.#env.clearTimeout(entry.timer);
    finish(entry);
  }

  /** The socket is gone: keep what may be sent again, reject the rest with `connection_lost`. */
  dropped() {
    const sent = [...this.#sent.values()];
    this.#sent.clear();
    const lost = sent.filter(({ retry, timer }) => !retry && timer !== 0);
    this.#held.unshift(...sent.filter(({ retry }) => retry));
    for (const entry of lost) this.#reject(entry, this.#error("connection_lost"));
  }

  /** Joined: send what was held back, unless it was about a Peer that is no more. @param {string} peer */
  release(peer) {
    const held = this.#held;
    this.#held = [];
    for (const entry of held) {
      if (entry.peer === null || entry.peer === peer) this.#transmit(entry);
      else this.#reject(entry, this.#error("session_lost"));
    }
  }

  /** @param {LianmaiError} error */
  rejectAll(error) {
    const all = [...this.#sent.values(), ...this.#held];
    this.#sent.clear();
    this.#held = [];
    for (const entry of all) if (entry.timer !== 0) this.#reject(entry, error);
  }

  /** A message nobody waits for. @param {string} type */
  tell(type) {
    this.#write({ type, id: ++this.#lastId });
  }

  /** @param {Pending} entry */
  #transmit(entry) {
    this.#sent.set(entry.id, entry);
    this.#write({ type: entry.type, id: entry.id, ...entry.fields });
  }

  /**
   * @param {Pending} entry
   * @param {LianmaiError} error
   */
  #reject(entry, error) {
    this.#env.clearTimeout(entry.timer);
    entry.reject(error);
  }
}
