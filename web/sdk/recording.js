/**
 * What is recorded of a call or of a room's stage: the requests, and what follows from what the server says of it.
 * @module
 */

/** @typedef {import("./types.js").RecordingInfo} RecordingInfo */

/** Safe to send again: the second time changes nothing. */
const AGAIN = Object.freeze({ retry: true });

/** The scope of a room's own stage; any other is a call's id. */
export const STAGE = "stage";

/** Everything that can be asked about one scope. Every method rejects with a LianmaiError that carries the server's code. */
export class RecordingControls {
  #room;
  #scope;

  /**
   * @param {Pick<import("./lianmai.js").LianmaiRoom, "ask">} room or a desk
   * @param {string | (() => string)} [scope] a call's id
   */
  constructor(room, scope = STAGE) {
    this.#room = room;
    this.#scope = scope;
  }

  /** @param {boolean} on false: for good @returns {Promise<RecordingInfo>} */
  record(on) {
    return this.#ask("record", { on });
  }

  /** Nothing is recorded until :meth:`resume`. @param {string} [reason] up to 120 characters @returns {Promise<RecordingInfo>} */
  pause(reason = "") {
    return this.#ask("pause_recording", { paused: true, reason });
  }

  /** @returns {Promise<RecordingInfo>} */
  resume() {
    return this.#ask("pause_recording", { paused: false });
  }

  /**
   * One's own word; it can be taken back at any time.
   * @param {boolean} granted
   * @param {{ version: string, locale: string }} text that was read
   * @returns {Promise<RecordingInfo>}
   */
  consent(granted, { version, locale }) {
    return this.#ask("consent_recording", { granted, version, locale });
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} fields
   * @returns {Promise<RecordingInfo>}
   */
  async #ask(type, fields) {
    const scope = typeof this.#scope === "string" ? this.#scope : this.#scope();
    return (await this.#room.ask(type, { scope, ...fields }, AGAIN))["recording"];
  }
}

/**
 * Whether somebody has to be asked: it is to be recorded, and this person takes part and has not said yes or no.
 * @param {RecordingInfo | null | undefined} recording
 * @param {string} identity
 */
export function asksConsent(recording, identity) {
  const { state, consents } = recording ?? {};
  return state !== undefined && state !== "off" && state !== "failed" && consents?.[identity] === null;
}

/**
 * @param {unknown} value
 * @returns {value is RecordingInfo}
 */
export function isRecording(value) {
  const { scope, state } = /** @type {Partial<RecordingInfo>} */ (value ?? {});
  return typeof scope === "string" && typeof state === "string";
}
