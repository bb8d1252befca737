/**
 * One recording that is being looked at: what the server says of it, its playback with a key that is renewed in time,
 * the comments, and what was heard.
 *
 * Events: `change` (render again), `comments`, `trouble` (a file or the key).
 */
import { Emitter } from "../sdk/emitter.js";
import { codeOf } from "./errors.js";
import { MarkReplay } from "./review-marks.js";
import { Playback } from "./review-playback.js";
import { lanesOf } from "./review-timeline.js";

/**
 * @typedef {import("./review-model.js").Recording} Recording
 * @typedef {import("./review-model.js").TimelineEvent} TimelineEvent
 * @typedef {import("./review-model.js").Comment} Comment
 */

/** A new key is asked for this long before the old one is over; the files take it at a pause, or then. */
const EARLY_MS = 120_000;
const LAST_MS = 20_000;
/** A refused file asks for a new key, but not again and again. */
const AGAIN_MS = 5_000;

/** @extends {Emitter<{ change: null, comments: null, trouble: { code: string } }>} */
export class ReviewSession extends Emitter {
  rest;
  id;
  /** @type {Recording | null} */
  recording = null;
  /** @type {TimelineEvent[]} */
  events = [];
  /** @type {Comment[]} */
  comments = [];
  /** @type {import("./review-timeline.js").Lane[]} */
  lanes = [];
  /** @type {Map<string, import("./review-timeline.js").Lane>} */
  voices = new Map();
  marks = new MarkReplay([], 0);
  watermark = "";
  /** @type {Playback | null} */
  playback = null;
  /** @type {{ code: string, message: string } | null} */
  failure = null;
  #closed = false;
  #askedAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout>[]} */
  #timers = [];

  /** @param {import("./review-rest.js").ReviewRest} rest @param {string} id */
  constructor(rest, id) {
    super();
    this.rest = rest;
    this.id = id;
  }

  async open() {
    try {
      const [recording, events, comments] = await Promise.all([this.rest.recording(this.id), this.rest.timeline(this.id), this.rest.comments(this.id)]);
      const playback = await this.rest.playback(this.id);
      if (this.#closed) return;
      Object.assign(this, { recording, events, comments });
      this.watermark = playback.watermark || recording.watermark;
      this.marks = new MarkReplay(events, recording.duration_s);
      this.#relane();
      this.voices = new Map(this.lanes.filter(({ kind }) => kind === "voice").map((lane) => [lane.identity ?? "", lane]));
      this.playback = new Playback(recording);
      this.playback.on("heard", ({ spans }) => this.#tell(spans));
      this.playback.on("trouble", ({ code }) => (code === "media_refused" ? void this.#renew(true) : this.emit("trouble", { code })));
      this.playback.renew(playback.key, true);
      this.#schedule(playback.expires);
    } catch (error) {
      this.failure = { code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
    }
    this.emit("change", null);
  }

  close() {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.playback?.close();
  }

  /** The page goes away: what was heard is told on the way out. */
  leave() {
    this.playback?.pause();
  }

  async reloadComments() {
    this.comments = await this.rest.comments(this.id);
    this.#relane();
    this.emit("comments", null);
    this.emit("change", null);
  }

  async reload() {
    const recording = await this.rest.recording(this.id);
    if (this.recording) this.recording = { ...recording, tracks: this.recording.tracks, duration_s: this.recording.duration_s };
    this.emit("change", null);
  }

  #relane() {
    if (this.recording) this.lanes = lanesOf(this.recording, this.events, this.comments);
  }

  /** @param {[number, number][]} spans */
  #tell(spans) {
    this.rest.heard(this.id, spans, document.visibilityState === "hidden" || this.#closed).catch(() => this.playback?.untold(spans));
  }

  /** @param {number} expires ms since epoch */
  #schedule(expires) {
    const left = expires - Date.now();
    if (!(left > 0)) return;
    for (const timer of this.#timers) clearTimeout(timer);
    const early = Math.max(1000, Math.min(left - EARLY_MS, 2 ** 31 - 1));
    this.#timers = [setTimeout(() => void this.#renew(false, Math.max(0, left - early - LAST_MS)), early)];
  }

  /** @param {boolean} refused @param {number} [lastMs] until the old key is as good as over */
  async #renew(refused, lastMs = 0) {
    if (this.#closed || performance.now() - this.#askedAt < AGAIN_MS) {
      if (refused) this.emit("trouble", { code: "playback_key_invalid" });
      return;
    }
    this.#askedAt = performance.now();
    try {
      const { key, expires, watermark } = await this.rest.playback(this.id);
      if (this.#closed) return;
      this.watermark = watermark || this.watermark;
      this.playback?.renew(key, refused);
      this.#schedule(expires);
      if (!refused) this.#timers.push(setTimeout(() => this.playback?.renew(key, true), lastMs));
    } catch (error) {
      this.emit("trouble", { code: codeOf(error) });
    }
  }
}
