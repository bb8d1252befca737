/** Asks the server about recordings and what reviewers made of them. The token goes in a header, never into an address. */
import { asComment, asEvents, asRecording, asRow, list, number, record, text } from "./review-model.js";

const TIMEOUT_MS = 30_000;

/** @typedef {"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} Method */

export class ReviewRest {
  #token;
  #locale;

  /** @param {() => Promise<string>} token @param {() => string} locale */
  constructor(token, locale) {
    this.#token = token;
    this.#locale = locale;
  }

  /**
   * @param {Method} method
   * @param {string} path below /api/v1
   * @param {{ body?: unknown, given?: AbortSignal, keepalive?: boolean }} [how] given: up
   * @returns {Promise<any>} null for an empty answer; rejects with a code
   */
  async ask(method, path, { body, given, keepalive = false } = {}) {
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${await this.#token()}`, "Accept-Language": this.#locale() };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    let response;
    try {
      const signal = given ? AbortSignal.any([given, timeout]) : timeout;
      response = await fetch(`/api/v1${path}`, { method, headers, signal, keepalive, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    } catch (error) {
      if (given?.aborted) throw error;
      throw Object.assign(new Error("no answer"), { code: timeout.aborted ? "timeout" : "connection_failed" });
    }
    if (response.status === 204) return null;
    const answer = await response.json().catch(() => null);
    if (response.ok) return answer;
    const error = record(record(answer)["error"]);
    throw Object.assign(new Error(text(error["message"])), { code: text(error["code"], "internal") });
  }

  /** @param {string} query @param {AbortSignal} [given] */
  async recordings(query, given) {
    const body = record(await this.ask("GET", `/recordings${query ? `?${query}` : ""}`, given ? { given } : {}));
    return { rows: list(body["recordings"]).map(asRow), next: text(body["next"]) || null, total: number(body["total_estimate"], -1) };
  }

  /** @param {string} id @param {AbortSignal} [given] */
  async recording(id, given) {
    return asRecording(await this.ask("GET", at(id), given ? { given } : {}));
  }

  /** @param {string} id @param {AbortSignal} [given] */
  async timeline(id, given) {
    return asEvents(await this.ask("GET", `${at(id)}/timeline`, given ? { given } : {}));
  }

  /** @param {string} id */
  async playback(id) {
    const body = record(await this.ask("POST", `${at(id)}/playback`, { body: {} }));
    return { key: text(body["key"]), expires: number(body["expires"]), watermark: text(body["watermark"]) };
  }

  /** @param {string} id @param {[number, number][]} spans @param {boolean} last the page goes away */
  heard(id, spans, last = false) {
    return this.ask("POST", `${at(id)}/heard`, { body: { spans }, keepalive: last });
  }

  /** @param {string} id */
  async comments(id) {
    return list(record(await this.ask("GET", `${at(id)}/comments`))["comments"]).map(asComment);
  }

  /** @param {string} id @param {{ text: string, from: number, to?: number | null, shared: boolean, parent?: string | null }} comment */
  async comment(id, { to, parent, ...comment }) {
    const body = { ...comment, ...(to === null || to === undefined ? {} : { to }), ...(parent ? { parent } : {}) };
    return asComment(record(await this.ask("POST", `${at(id)}/comments`, { body })));
  }

  /** @param {string} id @param {string} comment @param {{ text?: string, shared?: boolean }} change */
  changeComment(id, comment, change) {
    return this.ask("PATCH", `${at(id)}/comments/${encodeURIComponent(comment)}`, { body: change });
  }

  /** @param {string} id @param {string} comment */
  eraseComment(id, comment) {
    return this.ask("DELETE", `${at(id)}/comments/${encodeURIComponent(comment)}`);
  }
}

/** @param {string} id of a recording */
export function at(id) {
  return `/recordings/${encodeURIComponent(id)}`;
}
