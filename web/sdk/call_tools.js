/**
 * What both sides of a call write, show and point at: the words, files, marks and checklists of a HelpLine.
 * @module
 */
import { Emitter } from "./emitter.js";
import { LianmaiError } from "./errors.js";

/** @typedef {import("./types.js").CallFile} CallFile */
/** @typedef {import("./types.js").CallFrame} CallFrame */
/** @typedef {import("./types.js").CallInfo} CallInfo */
/** @typedef {import("./types.js").CallMark} CallMark */
/** @typedef {import("./types.js").CallMessage} CallMessage */
/** @typedef {import("./types.js").CallPointer} CallPointer */
/** @typedef {import("./types.js").Reply} Reply */

/** Safe to say again, and about a person rather than a Peer: even who could not resume has said it. */
export const AGAIN = Object.freeze({ retry: true, anyPeer: true });
/** The server takes 20 messages a second, and others than pointers have to pass as well. */
const POINTER_MS = 66;
const POINTERS_UNDER_WAY = 4;
const KEPT_FILES = 40;
const UPLOAD_MS = 120_000;
const DOWNLOAD_MS = 60_000;

/** @extends {Emitter<import("./types.js").HelpEvents>} */
export class CallTools extends Emitter {
  #room;
  /** Pictures and documents, by id. @type {Map<string, Promise<Blob>>} */
  #files = new Map();
  /** @type {{ pointer: CallPointer | null } | null} */
  #nextPointer = null;
  #pointerTimer = 0;
  #pointersUnderWay = 0;

  /** @param {import("./lianmai.js").LianmaiRoom} room */
  constructor(room) {
    super();
    this.#room = room;
  }

  /** @returns {CallInfo | null} */
  get call() {
    return null;
  }

  // --- words, files and pictures -------------------------------------------------------------------------------

  /** @param {string} text 1 to 1000 characters @returns {Promise<CallMessage>} */
  say(text) {
    return this.#say({ text });
  }

  /** @param {{ title: string, url: string }} article @returns {Promise<CallMessage>} */
  sendArticle({ title, url }) {
    return this.#say({ article: { title, url } });
  }

  /**
   * Upload a picture or a PDF, and show it to the others.
   * @param {Blob} blob
   * @param {{ name?: string | undefined }} [about]
   * @returns {Promise<CallMessage>} rejects with `file_too_large`, `file_type`, `file_broken` or `file_limit`
   */
  async sendFile(blob, about) {
    const { id } = await this.uploadFile(blob, about);
    return this.#say({ file: id });
  }

  /**
   * Upload only: the picture of a freeze.
   * @param {Blob} blob
   * @param {{ name?: string | undefined }} [about]
   * @returns {Promise<CallFile>}
   */
  async uploadFile(blob, { name = /** @type {{ name?: string }} */ (blob).name ?? "picture" } = {}) {
    const response = await this.#room.seam.fetch(`/api/v1/calls/${encodeURIComponent(this.callId)}/files`, {
      method: "POST",
      body: blob,
      headers: { "Content-Type": blob.type || "application/octet-stream", "X-File-Name": encodeURIComponent(name) },
      timeoutMs: UPLOAD_MS,
    });
    const { file } = /** @type {{ file: CallFile }} */ (await response.json());
    return file;
  }

  /** @param {string} id @returns {Promise<Blob>} kept, so that asking again costs nothing */
  fetchFile(id) {
    const known = this.#files.get(id);
    if (known) return known;
    const fetching = this.#fetch(id);
    this.#files.set(id, fetching);
    fetching.catch(() => this.#files.delete(id));
    const [oldest] = this.#files.keys();
    if (this.#files.size > KEPT_FILES && oldest !== undefined) this.#files.delete(oldest);
    return fetching;
  }

  /**
   * Draw on the picture. It is in `call.marks` at once, and taken back if the server refuses. The same id again is the
   * same mark, for a stroke that grows.
   * @param {Omit<CallMark, "id"> & { id?: string }} mark
   * @returns {Promise<CallMark>}
   */
  async mark(mark) {
    const { identity = "" } = this.#room.self ?? {};
    const made = { ...mark, id: mark.id ?? newId() };
    const call = this.callId;
    const former = this.call?.marks.find(({ id }) => id === made.id);
    this.#room.seam.hear({ type: "call_mark", call, mark: { ...made, by: identity } });
    try {
      await this.tell("call_mark", { mark: made });
    } catch (error) {
      const undo = former ? { type: "call_mark", mark: former } : { type: "call_clear", mark: made.id, by: identity };
      this.#room.seam.hear({ call, ...undo });
      throw error;
    }
    return made;
  }

  /** Take one mark away, or all. @param {string} [mark] its id */
  async clear(mark) {
    await this.tell("call_clear", mark === undefined ? {} : { mark });
  }

  /**
   * The laser pointer. Never rejects: the newest is sent, a few times a second, and what is late is left out.
   * @param {number | null} x share of the displayed frame; null: put it away
   * @param {number} [y]
   * @param {string} [target] a track, or the file of a frozen picture
   */
  point(x, y = 0, target = "") {
    this.#nextPointer = { pointer: x === null ? null : { x: share(x), y: share(y), target } };
    if (!this.#pointerTimer) this.#sendPointer();
  }

  /** All see this picture instead of the moving one; null: move on. @param {CallFrame | null} frame */
  async freeze(frame) {
    await this.tell("call_freeze", { frame });
  }

  /** Steps to repeat, 1 to 20; null: none. @param {{ title: string, steps: readonly string[] } | null} checklist */
  async checklist(checklist) {
    await this.tell("call_checklist", { checklist });
  }

  /** @param {number} step from 0 @param {boolean} done */
  async step(step, done) {
    await this.tell("call_step", { step, done });
  }

  /**
   * An agent asks something of the shopper's device; the shopper's page does it.
   * @param {import("./types.js").DeviceAsk} ask
   * @param {number | boolean} [value]
   */
  async askDevice(ask, value) {
    await this.tell("call_device", { ask, ...(value === undefined ? {} : { value: Number(value) }) });
  }

  /** What the shopper's device can do, and does. @param {Partial<import("./types.js").CallDevice>} state */
  async tellDevice({ facing, torch, zoom, can }) {
    await this.tell("call_device_state", {
      ...(facing ? { facing } : {}),
      ...(typeof torch === "boolean" ? { torch } : {}),
      ...(zoom ? { zoom } : {}),
      can: can ?? [],
    });
  }

  // --- the library's own ---------------------------------------------------------------------------------------

  /** Which call is meant. @returns {string} throws `call_not_found` */
  get callId() {
    const { call } = this;
    if (!call) throw new LianmaiError("call_not_found", undefined, { locale: this.#room.locale });
    return call.id;
  }

  /**
   * Ask about the call.
   * @param {string} type
   * @param {Record<string, unknown>} [fields]
   * @param {import("./types.js").RequestOptions} [options]
   * @returns {Promise<Reply>}
   */
  async tell(type, fields = {}, options = AGAIN) {
    return this.#room.ask(type, { call: this.callId, ...fields }, options);
  }

  /** Forget what belonged to the call before. */
  reset() {
    clearTimeout(this.#pointerTimer);
    this.#pointerTimer = 0;
    this.#nextPointer = null;
    this.#files.clear();
  }

  /** @param {string} id */
  async #fetch(id) {
    const path = `/api/v1/calls/${encodeURIComponent(this.callId)}/files/${encodeURIComponent(id)}`;
    return (await this.#room.seam.fetch(path, { timeoutMs: DOWNLOAD_MS })).blob();
  }

  /** @param {Record<string, unknown>} what @returns {Promise<CallMessage>} */
  async #say(what) {
    const { callId } = this;
    const { message } = await this.#room.ask("call_say", { call: callId, ...what });
    this.#room.seam.hear({ type: "call_message", call: callId, message });
    return /** @type {CallMessage} */ (message);
  }

  #sendPointer() {
    const next = this.#nextPointer;
    this.#pointerTimer = 0;
    if (!next || !this.call) return;
    this.#pointerTimer = /** @type {any} */ (setTimeout(() => this.#sendPointer(), POINTER_MS));
    // Putting it away must arrive; of the rest, only what the network keeps up with.
    if (next.pointer !== null && this.#pointersUnderWay >= POINTERS_UNDER_WAY) return;
    this.#nextPointer = null;
    this.#pointersUnderWay++;
    this.tell("call_pointer", next, { wait: false })
      .catch(() => {})
      .finally(() => this.#pointersUnderWay--);
  }
}

/**
 * Only what was given: neither undefined nor an empty text.
 * @param {Record<string, unknown>} fields
 */
export function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ""));
}

/** @param {number} value */
function share(value) {
  return Math.min(1, Math.max(0, Math.round(value * 1e5) / 1e5));
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
