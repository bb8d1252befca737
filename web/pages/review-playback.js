/**
 * Plays the files of a recording together: one element for each, all of them following one clock. What a file needs is
 * fetched shortly before it begins and let go when it is over, so that a long show with many guests has few connections.
 *
 * Events: `time` (where it is), `state` (playing, waiting, rate), `settled` (a jump is shown, with its ms), `trouble`
 * (a file cannot be played), `heard` (a while was played).
 */
import { Emitter } from "../sdk/emitter.js";
import { Follower, MasterClock, READY_S, afterSilence, isNear, merged, planFor } from "./review-clock.js";
import { HeardTracker } from "./review-heard.js";

/**
 * @typedef {import("./review-model.js").Track} Track
 * @typedef {import("./review-model.js").Recording} Recording
 * @typedef {{ track: Track, element: HTMLMediaElement, follower: Follower, piece: import("./review-clock.js").Piece, broken: boolean, held: number | null, key: string }} Part
 */

const HIDDEN_TICK_MS = 200;
const HEARD_MS = 10_000;
/** A file that has nothing for so long makes all others wait. */
const STARVED_S = 0.12;
const NUDGED_S = 0.6;
/** A jump that takes longer than this is shown as waiting; longer than that, it is not waited for. */
const GIVE_UP_S = 8;
const LET_GO_S = READY_S * 4;
/** Gaps of the files shorter than this are lost packets: the element plays over them. */
const SHORT_S = 0.3;

/** @param {Part} part */
const ready = ({ element, broken }) => broken || (!element.seeking && (element.readyState >= 3 || (element.readyState === 2 && element.duration - element.currentTime < 0.2)));

/** @extends {Emitter<{ time: { t: number }, state: null, settled: { ms: number }, trouble: { track: string, code: string }, heard: { spans: [number, number][] } }>} */
export class Playback extends Emitter {
  clock;
  /** @type {Part[]} */
  parts;
  skipSilence = false;
  #recording;
  #speech;
  #heard = new HeardTracker();
  #key = "";
  #frame = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #slow;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #telling;
  /** When the jump began that is not shown yet, ms. @type {number | null} */
  #seekAt = null;
  /** @type {{ from: number, to: number } | null} plays only this, again and again */
  loop = null;
  /** @type {Map<string, number>} 0 to 1 */
  #volumes = new Map();
  /** @type {Set<string>} */
  #off = new Set();
  #silent = false;
  #closed = false;

  /** @param {Recording} recording */
  constructor(recording) {
    super();
    this.#recording = recording;
    this.clock = new MasterClock(recording.duration_s);
    this.#speech = merged(Object.values(recording.speech).flatMap(({ spans }) => spans), 0.4);
    this.parts = recording.tracks.map((track) => this.#part(track));
    this.#slow = setInterval(() => document.hidden && this.#tick(), HIDDEN_TICK_MS);
    this.#telling = setInterval(() => this.tell(), HEARD_MS);
    const step = () => {
      if (this.#closed) return;
      this.#tick();
      this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  /** @param {Track} track @returns {Part} */
  #part(track) {
    const element = document.createElement(track.kind === "video" ? "video" : "audio");
    element.preload = "auto";
    element.preservesPitch = true;
    if (element instanceof HTMLVideoElement) {
      element.muted = true;
      element.playsInline = true;
      element.disablePictureInPicture = true;
      element.dataset["track"] = track.id;
    }
    // Whole silence of the recording is a gap of each of its files.
    const gaps = merged([...track.gaps, ...this.#recording.gaps].filter(({ from, to, reason }) => to - from > SHORT_S && reason !== "loss").map(({ from, to }) => /** @type {const} */ ([from, to])));
    const part = { track, element, follower: new Follower(), piece: { id: track.id, began: track.began, ended: track.ended, gaps }, broken: false, held: null, key: "" };
    element.addEventListener("error", () => this.#failed(part));
    element.addEventListener("ended", () => this.#tick());
    if (track.mime && element.canPlayType(track.mime) === "") {
      part.broken = true;
      queueMicrotask(() => this.emit("trouble", { track: track.id, code: "codec_unsupported" }));
    }
    return part;
  }

  // --- what is asked for ---------------------------------------------------------------------------------------

  /**
   * A new key for the addresses. What plays goes on with the old one, until it stands still or the old one is refused.
   * @param {string} key
   * @param {boolean} [atOnce] the old one is as good as over
   */
  renew(key, atOnce = false) {
    this.#key = key;
    this.#refetch(atOnce || !this.clock.playing);
  }

  /** @param {boolean} now */
  #refetch(now) {
    for (const part of this.parts) {
      const refused = part.broken && part.element.error !== null;
      if (refused) part.broken = false;
      if ((refused || now) && part.key !== "" && part.key !== this.#key) this.#fetch(part);
    }
  }

  get t() {
    return this.clock.at(now());
  }

  play() {
    this.clock.play(now());
    this.#changed();
  }

  pause() {
    this.clock.pause(now());
    this.#heard.stopped();
    this.tell();
    this.#refetch(true);
    this.#changed();
  }

  toggle() {
    if (this.clock.playing) this.pause();
    else this.play();
  }

  /** @param {number} t */
  seek(t) {
    this.#heard.stopped();
    this.clock.seek(t, now());
    this.#seekAt = performance.now();
    this.clock.wait(true, now());
    const to = this.t;
    for (const part of this.parts) {
      const plan = planFor(part.piece, to);
      if (!part.element.hasAttribute("src") || Math.abs(part.element.currentTime - plan.time) < 0.005) continue;
      part.element.currentTime = plan.time;
      part.follower.jumped(now());
    }
    this.#changed();
    this.emit("time", { t: to });
  }

  /** @param {number} seconds */
  step(seconds) {
    this.seek(this.t + seconds);
  }

  /** @param {number} rate */
  set rate(rate) {
    this.clock.setRate(rate, now());
    this.#changed();
  }

  get rate() {
    return this.clock.rate;
  }

  /** @param {string} identity @param {number} volume 0 to 1 */
  setVolume(identity, volume) {
    this.#volumes.set(identity, Math.min(1, Math.max(0, volume)));
    this.#loudness();
  }

  /** @param {string} identity */
  volumeOf(identity) {
    return this.#volumes.get(identity) ?? 1;
  }

  /** @param {string} identity @param {boolean} off */
  setOff(identity, off) {
    if (off) this.#off.add(identity);
    else this.#off.delete(identity);
    this.#loudness();
  }

  /** @param {string} identity */
  isOff(identity) {
    return this.#off.has(identity);
  }

  set silent(silent) {
    this.#silent = silent;
    this.#loudness();
  }

  get silent() {
    return this.#silent;
  }

  /** Tell what was heard since the last time. */
  tell() {
    const spans = this.#heard.take();
    if (spans.length > 0) this.emit("heard", { spans });
  }

  /** It could not be told. @param {[number, number][]} spans */
  untold(spans) {
    this.#heard.back(spans);
  }

  close() {
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
    clearInterval(this.#slow);
    clearInterval(this.#telling);
    this.#heard.stopped();
    this.tell();
    for (const part of this.parts) this.#letGo(part);
  }

  // --- what is done about it -----------------------------------------------------------------------------------

  #loudness() {
    for (const { track, element } of this.parts) {
      if (track.kind !== "audio") continue;
      element.volume = this.volumeOf(track.identity);
      element.muted = this.#silent || this.#off.has(track.identity);
    }
    this.#changed();
  }

  #changed() {
    this.emit("state", null);
  }

  /** @param {Part} part */
  #fetch(part) {
    const { track, element } = part;
    const at = planFor(part.piece, this.t).time;
    part.key = this.#key;
    element.src = `${track.url}${track.url.includes("?") ? "&" : "?"}k=${encodeURIComponent(this.#key)}`;
    element.currentTime = at;
    part.follower.jumped(now());
  }

  /** @param {Part} part */
  #letGo(part) {
    const { element } = part;
    part.key = "";
    element.pause();
    element.removeAttribute("src");
    element.load();
  }

  /** @param {Part} part */
  #failed(part) {
    if (!part.element.hasAttribute("src")) return;
    part.broken = true;
    this.emit("trouble", { track: part.track.id, code: part.element.error?.code === 3 ? "media_broken" : "media_refused" });
  }

  #tick() {
    if (this.#closed || !this.#key) return;
    const at = now();
    const { clock } = this;
    let t = clock.at(at);
    if (clock.moving) t = this.#jumpOver(t, at);
    let starved = false;
    for (const part of this.parts) starved = this.#follow(part, t, at) || starved;
    const settled = this.#seekAt === null || this.#settled(t);
    if (this.#seekAt !== null && (settled || performance.now() - this.#seekAt > GIVE_UP_S * 1000)) {
      const ms = performance.now() - this.#seekAt;
      this.#seekAt = null;
      this.emit("settled", { ms });
    }
    const wait = this.#seekAt !== null || starved;
    if (wait !== clock.waiting) {
      clock.wait(wait, at);
      this.#changed();
    }
    if (clock.moving) this.#heard.playing(t, clock.rate);
    else this.#heard.stopped();
    this.emit("time", { t });
    if (clock.moving && t >= clock.duration) this.pause();
  }

  /** @param {number} t @param {number} at */
  #jumpOver(t, at) {
    const { clock } = this;
    if (this.loop && (t >= this.loop.to || t < this.loop.from - 0.5)) {
      this.seek(this.loop.from);
      return clock.at(at);
    }
    // Where nothing was recorded there is nothing to wait for.
    const gap = this.#recording.gaps.find(({ from, to, reason }) => reason !== "loss" && t >= from + 1.5 && t < to - 0.5);
    const to = gap && this.skipSilence ? gap.to : this.skipSilence ? afterSilence(this.#speech, t, clock.duration) : null;
    if (to === null || to <= t + 0.3) return t;
    this.seek(to);
    return clock.at(at);
  }

  /** Every file that has something to show now shows it. @param {number} t */
  #settled(t) {
    return this.parts.every((part) => !planFor(part.piece, t).on || !part.element.hasAttribute("src") || ready(part));
  }

  /**
   * @param {Part} part
   * @param {number} t
   * @param {number} at
   * @returns {boolean} the others have to wait for it
   */
  #follow(part, t, at) {
    const { element, follower, piece } = part;
    const plan = planFor(piece, t);
    const has = element.hasAttribute("src");
    if (part.broken) return false;
    if (!has && isNear(plan, this.clock.rate)) {
      this.#fetch(part);
      // A file that begins now makes the others wait until it is there.
      if (plan.on && this.#seekAt === null) this.#seekAt = performance.now();
    } else if (has && !plan.on && plan.inS > LET_GO_S) {
      this.#letGo(part);
      return false;
    }
    if (!element.hasAttribute("src") || element.readyState < 1) return plan.on && this.#starved(part, at);
    const told = follower.correct(plan, this.clock, { time: element.currentTime, seeking: element.seeking }, at);
    if (told.jump !== null) element.currentTime = told.jump;
    if (element.playbackRate !== told.rate) element.playbackRate = told.rate;
    if (told.play && element.paused && !element.ended) element.play().catch((error) => this.#refused(error));
    else if (!told.play && !element.paused) element.pause();
    return plan.on && this.#starved(part, at);
  }

  /** @param {Part} part @param {number} at */
  #starved(part, at) {
    if (ready(part)) {
      part.held = null;
      return false;
    }
    part.held ??= at;
    // One that is only brought into step is not waited for at once.
    const patience = part.element.seeking && this.#seekAt === null ? NUDGED_S : STARVED_S;
    return at - part.held > patience && at - part.held < GIVE_UP_S;
  }

  /** @param {unknown} error */
  #refused(error) {
    // The browser wants to be asked by a click.
    if (/** @type {{ name?: string }} */ (error)?.name === "NotAllowedError" && this.clock.playing) this.pause();
  }
}

function now() {
  return performance.now() / 1000;
}
