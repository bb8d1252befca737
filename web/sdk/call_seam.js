/**
 * What a HelpLine gets of its room that nobody else needs: what is sent while the server is asked, covered cameras, and
 * files over HTTP with the room's own token.
 * @module
 */
import { LianmaiError, asError } from "./errors.js";

/**
 * @typedef {object} CallSeamOptions
 * @property {import("./env.js").Env} env
 * @property {import("./connection.js").Connection} connection
 * @property {import("./on_air.js").OnAir} onAir
 * @property {(event: import("./types.js").WireEvent) => void} hear
 * @property {() => string} locale
 */

export class CallSeam {
  #options;

  /** @param {CallSeamOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** As if the server had said so. @param {import("./types.js").WireEvent} event */
  hear(event) {
    this.#options.hear(event);
  }

  /**
   * Send what is held at once, while the server is asked; hold it again if it refuses.
   * @template T
   * @param {() => Promise<T>} ask
   * @returns {Promise<T>}
   */
  sendWhile(ask) {
    return this.#options.onAir.go(ask);
  }

  /** How to cover a camera. @param {import("./tracks.js").MakeCover} make */
  coverWith(make) {
    this.#options.onAir.coverWith(make);
  }

  /**
   * Cover the cameras, then ask; as they were before if it fails.
   * @template T
   * @param {() => Promise<T>} ask
   * @returns {Promise<T>}
   */
  coverWhile(ask) {
    return this.#options.onAir.coverWhile(ask);
  }

  /**
   * @param {string} path on the server that the room is on
   * @param {RequestInit & { timeoutMs: number }} init
   * @returns {Promise<Response>} a good one; rejects with the server's reason, `timeout` or `connection_failed`
   */
  async fetch(path, { timeoutMs, ...init }) {
    const { connection, env, locale } = this.#options;
    const url = new URL(path, connection.url.replace(/^ws/, "http"));
    const stop = new AbortController();
    const timer = env.setTimeout(() => stop.abort(), timeoutMs);
    const error = (/** @type {string} */ code) => new LianmaiError(code, undefined, { locale: locale() });
    try {
      const token = await connection.token();
      const headers = { ...init.headers, Authorization: `Bearer ${token}`, "Accept-Language": locale() };
      const response = await env.fetch(url.href, { ...init, headers, signal: stop.signal, credentials: "omit" });
      if (!response.ok) throw await refusalOf(response, locale());
      return response;
    } catch (thrown) {
      if (thrown instanceof LianmaiError) throw thrown;
      throw stop.signal.aborted ? error("timeout") : asError(thrown, "connection_failed", locale());
    } finally {
      env.clearTimeout(timer);
    }
  }
}

/**
 * @param {Response} response
 * @param {string} locale
 */
async function refusalOf(response, locale) {
  const { error } = await response.json().catch(() => ({}));
  const retryAfterS = typeof error?.retry_after_s === "number" ? error.retry_after_s : undefined;
  return new LianmaiError(String(error?.code ?? "internal"), error?.message, { locale, retryAfterS });
}
