/**
 * Plays tracks in a <video> element: starts as early as it can, falls back to silence where the browser blocks sound,
 * times the first frame and notices freezes.
 * @module
 */
import { Emitter } from "./emitter.js";
import { Loudness } from "./sound.js";
import { RemoteTrack } from "./tracks.js";

/**
 * @typedef {object} PlayerEvents
 * @property {{ ms: number, width: number, height: number }} firstframe ms from `since` to the frame on screen
 * @property {{ sound: boolean }} autoplayblocked sound: true when the picture plays silently; false: nothing plays.
 *   Show a button and call unmute() from its click.
 * @property {{}} unmuted
 * @property {{ ms: number }} freeze no new picture for so long; the picture stands
 * @property {{ ms: number }} unfreeze it moves again; how long it stood
 */

/** @typedef {RemoteTrack | MediaStreamTrack} Playable */

const LOOK_EVERY_MS = 250;
const FREEZE_MS = 500;

/** @extends {Emitter<PlayerEvents>} */
export class Player extends Emitter {
  #video;
  #since;
  #stream = new MediaStream();
  /** @type {Map<Playable, () => void>} with what undoes its listeners */
  #sources = new Map();
  /**
   * Sound beyond the first track: a video element plays one.
   * @type {Map<MediaStreamTrack, { audio: HTMLAudioElement, loudness: Loudness }>}
   */
  #extra = new Map();
  #loudness;
  #planned = false;
  #closed = false;
  #blocked = false;
  #frameHandle = 0;
  #first = true;
  #lastFrameAt = 0;
  #interval = 33;
  #frozenSince = 0;
  #timer = 0;
  #over;

  /**
   * @param {HTMLVideoElement} video
   * @param {{ since?: number, over?: boolean }} [options] since: performance.now() of the click that led here; default
   *   now. over: what everything else is ducked for
   */
  constructor(video, { since = performance.now(), over = false } = {}) {
    super();
    this.#over = over;
    this.#video = video;
    this.#since = since;
    video.playsInline = true;
    video.autoplay = true;
    this.#loudness = new Loudness(video);
    video.addEventListener("volumechange", this.#syncExtra);
    this.#countFrames();
  }

  /** True while the browser forbids sound. */
  get blocked() {
    return this.#blocked;
  }

  /** True while the picture stands although it should move. */
  get frozen() {
    return this.#frozenSince > 0;
  }

  /** How loud this one is for the listener, 0 to 1. Setting the element's own volume is the same. iOS ignores both. */
  get volume() {
    return this.#loudness.volume;
  }

  set volume(volume) {
    this.#loudness.volume = volume;
    this.#syncExtra();
  }

  /** @param {Playable} source a room's RemoteTrack, followed when its media is renewed; or any MediaStreamTrack */
  attach(source) {
    if (this.#closed || this.#sources.has(source)) return;
    this.#sources.set(source, source instanceof RemoteTrack ? source.on("media", () => this.#plan()) : () => {});
    this.#plan();
  }

  /** @param {Playable} source */
  detach(source) {
    this.#sources.get(source)?.();
    if (this.#sources.delete(source)) this.#plan();
  }

  /** Call it from a click: sound is allowed then. */
  async unmute() {
    this.#video.muted = false;
    this.#syncExtra();
    await this.#play();
    if (!this.#video.muted) this.emit("unmuted", {});
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    for (const undo of this.#sources.values()) undo();
    this.#sources.clear();
    clearInterval(this.#timer);
    if (this.#frameHandle) this.#video.cancelVideoFrameCallback?.(this.#frameHandle);
    this.#video.removeEventListener("volumechange", this.#syncExtra);
    this.#video.removeEventListener("loadeddata", this.#onLoaded);
    for (const track of this.#extra.keys()) this.#closeExtra(track);
    this.#loudness.close();
    if (this.#video.srcObject === this.#stream) this.#video.srcObject = null;
  }

  /** Sound and picture attached in the same turn start together: a change of tracks restarts the element's audio. */
  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      if (!this.#closed) this.#apply();
    });
  }

  #apply() {
    const wanted = [...this.#sources.keys()].map((source) =>
      source instanceof RemoteTrack ? source.mediaStreamTrack : source,
    );
    const main = [wanted.find(({ kind }) => kind === "video"), wanted.find(({ kind }) => kind === "audio")];
    // Before it plays.
    if (main[1] && !this.#stream.getTracks().includes(main[1])) this.#loudness.fadeIn(main[1]);
    this.#loudness.exempt = this.#over || [...this.#sources.keys()].some(isWhisper);
    for (const track of this.#stream.getTracks()) if (!main.includes(track)) this.#stream.removeTrack(track);
    for (const track of main) if (track && !this.#stream.getTracks().includes(track)) this.#stream.addTrack(track);
    const others = wanted.filter((track) => track.kind === "audio" && track !== main[1]);
    for (const track of this.#extra.keys()) if (!others.includes(track)) this.#closeExtra(track);
    for (const track of others) if (!this.#extra.has(track)) this.#extra.set(track, this.#openExtra(track));
    if (wanted.length === 0) return;
    if (this.#video.srcObject !== this.#stream) this.#video.srcObject = this.#stream;
    void this.#play();
  }

  async #play() {
    try {
      await Promise.all(this.#elements().map((element) => element.play()));
      if (!this.#video.muted) this.#blocked = false;
    } catch (error) {
      // AbortError: another track came in meanwhile, and with it another play().
      if (/** @type {{ name?: string }} */ (error)?.name !== "NotAllowedError" || this.#closed) return;
      const sound = !this.#video.muted;
      this.#blocked = true;
      if (sound) {
        this.#video.muted = true;
        this.#syncExtra();
        void this.#play();
      }
      this.emit("autoplayblocked", { sound });
    }
  }

  #elements() {
    return [this.#video, ...[...this.#extra.values()].map(({ audio }) => audio)];
  }

  /** @param {MediaStreamTrack} track */
  #openExtra(track) {
    const audio = new Audio();
    audio.autoplay = true;
    audio.muted = this.#video.muted;
    audio.volume = this.#loudness.volume;
    const loudness = new Loudness(audio);
    loudness.exempt = this.#loudness.exempt;
    loudness.fadeIn(track);
    audio.srcObject = new MediaStream([track]);
    return { audio, loudness };
  }

  /** @param {MediaStreamTrack} track */
  #closeExtra(track) {
    const extra = this.#extra.get(track);
    this.#extra.delete(track);
    if (!extra) return;
    extra.loudness.close();
    extra.audio.srcObject = null;
  }

  #syncExtra = () => {
    if (!this.#video.muted) this.#blocked = false;
    for (const { audio, loudness } of this.#extra.values()) {
      audio.muted = this.#video.muted;
      loudness.volume = this.#loudness.volume;
    }
  };

  // --- frames --------------------------------------------------------------------------------------------------

  #countFrames() {
    const video = this.#video;
    if (!video.requestVideoFrameCallback) {
      video.addEventListener("loadeddata", this.#onLoaded);
      return;
    }
    const step = (/** @type {number} */ now, /** @type {VideoFrameCallbackMetadata} */ frame) => {
      if (this.#closed) return;
      this.#frameHandle = video.requestVideoFrameCallback(step);
      this.#frame(now, frame.presentationTime ?? now, frame.width, frame.height);
    };
    this.#frameHandle = video.requestVideoFrameCallback(step);
    this.#timer = window.setInterval(() => this.#lookForFreeze(), LOOK_EVERY_MS);
  }

  #onLoaded = () => {
    if (this.#video.videoWidth === 0 || !this.#first) return;
    this.#first = false;
    const { videoWidth: width, videoHeight: height } = this.#video;
    this.emit("firstframe", { ms: performance.now() - this.#since, width, height });
  };

  /**
   * @param {number} now
   * @param {number} shownAt
   * @param {number} width
   * @param {number} height
   */
  #frame(now, shownAt, width, height) {
    if (this.#first) {
      this.#first = false;
      this.emit("firstframe", { ms: shownAt - this.#since, width, height });
    } else if (this.#lastFrameAt) {
      this.#interval += (Math.min(1000, now - this.#lastFrameAt) - this.#interval) / 8;
    }
    this.#lastFrameAt = now;
    if (this.#frozenSince) {
      const ms = now - this.#frozenSince;
      this.#frozenSince = 0;
      this.emit("unfreeze", { ms });
    }
  }

  #lookForFreeze() {
    const stoodMs = performance.now() - this.#lastFrameAt;
    const expected = this.#expected();
    if (!expected) this.#lastFrameAt = this.#lastFrameAt && performance.now();
    if (!expected || this.#frozenSince || !this.#lastFrameAt) return;
    if (stoodMs < Math.max(FREEZE_MS, this.#interval * 4)) return;
    this.#frozenSince = this.#lastFrameAt;
    this.emit("freeze", { ms: stoodMs });
  }

  /** Whether new pictures should be coming: browsers draw none in the background, publishers none while muted. */
  #expected() {
    if (document.visibilityState === "hidden" || this.#video.paused) return false;
    for (const source of this.#sources.keys()) {
      if (source.kind !== "video") continue;
      return source instanceof RemoteTrack ? !source.muted && source.flowing : source.readyState === "live";
    }
    return false;
  }
}

/** @param {Playable} source */
function isWhisper(source) {
  return source instanceof RemoteTrack && source.source === "whisper";
}
