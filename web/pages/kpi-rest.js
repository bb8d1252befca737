/** Asks the server for key figures. The token goes in a header and never into an address. */
import { asQuery, asReport } from "./kpi-view.js";

const TIMEOUT_MS = 30_000;

/**
 * @typedef {import("./kpi-view.js").Question} Question
 * @typedef {{ locale: string }} Reader
 */

export class KpiRest {
  #token;

  /** @param {() => Promise<string>} token */
  constructor(token) {
    this.#token = token;
  }

  /**
   * @param {Question} question
   * @param {Reader} reader
   * @param {AbortSignal} given up
   * @returns {Promise<import("./kpi-view.js").Report>} rejects with a code
   */
  async report(question, reader, given) {
    const response = await this.#ask(question, reader, "json", given);
    const report = asReport(await response.json().catch(() => null));
    if (!report) throw Object.assign(new Error("no report"), { code: "internal" });
    return report;
  }

  /**
   * @param {Question} question
   * @param {Reader} reader
   * @param {"csv" | "json"} format
   * @returns {Promise<{ blob: Blob, name: string }>} rejects with a code
   */
  async file(question, reader, format) {
    const response = await this.#ask(question, reader, format);
    const { by, from, to } = question;
    return { blob: await response.blob(), name: `kpi-${by}-${from}-${to}.${format}` };
  }

  /**
   * @param {Question} question
   * @param {Reader} reader
   * @param {"csv" | "json"} format
   * @param {AbortSignal} [given] up
   */
  async #ask(question, reader, format, given) {
    const headers = { Authorization: `Bearer ${await this.#token()}` };
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    let response;
    try {
      const signal = given ? AbortSignal.any([given, timeout]) : timeout;
      response = await fetch(`/api/v1/kpi?${asQuery(question, { ...reader, format })}`, { headers, signal });
    } catch (error) {
      if (given?.aborted) throw error;
      throw Object.assign(new Error("no answer"), { code: timeout.aborted ? "timeout" : "connection_failed" });
    }
    if (response.ok) return response;
    const { error = {} } = await response.json().catch(() => ({}));
    throw Object.assign(new Error(error.message ?? ""), { code: error.code ?? "internal" });
  }
}
