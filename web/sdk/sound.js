/**
 * How loud a media element plays: the listener's volume, a short fade-in of whoever is new, and ducking of all
 * but a whisper, or of the show during a call. By the element's own volume, so that echo cancellation and audio routing stay the browser's. iOS ignores an
 * element's volume (it reads 1 whatever is set): there everybody is as loud as the device says, at once.
 * @module
 */

/** A step from silence to speech within this time is heard as a voice that begins, not as a click. */
export const FADE_MS = 150;
/** What is left of the others while somebody whispers. */
export const DUCKED = 0.25;
/** What is left of the show while somebody talks in a call. */
export const UNDER_CALL = 0.15;
const STEP_MS = 15;
const EPSILON = 1e-6;

/**
 * @typedef {object} Clock
 * @property {() => number} now ms
 * @property {(run: () => void, ms: number) => unknown} setTimeout
 * @property {(id: any) => void} clearTimeout
 */

/** @type {Clock} */
const CLOCK = {
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (id) => clearTimeout(id),
};

/** @type {Set<Loudness>} */
const all = new Set();
/** Why, and to how much. @type {Map<string, number>} */
const reasons = new Map();

/**
 * Lower everything that plays, but what is `exempt`; or bring it back. Of several reasons the lowest counts, and each
 * ends alone.
 * @param {boolean} on
 * @param {{ by?: string, to?: number }} [how] by: the reason; to: what is left of the volume, 0 to 1
 */
export function duck(on, { by = "whisper", to = DUCKED } = {}) {
  if (on) reasons.set(by, to);
  else reasons.delete(by);
  for (const loudness of all) loudness.apply();
}

/** While we talk in a call, and after it: the show at 15 %. @param {boolean} on */
export function duckForCall(on) {
  duck(on, { by: "call", to: UNDER_CALL });
}

function level() {
  return Math.min(1, ...reasons.values());
}

/**
 * A gain on its way. Pure but for the time, which is given.
 * @param {{ from: number, to: number, at: number }} ramp at: ms, when it began
 * @param {number} now ms
 * @returns {number} along half a cosine, so that it neither begins nor ends with a corner
 */
export function gainAt({ from, to, at }, now) {
  const part = Math.min(1, Math.max(0, (now - at) / FADE_MS));
  return from + (to - from) * (0.5 - 0.5 * Math.cos(Math.PI * part));
}

/** The loudness of one element. Whoever sets `element.volume` directly sets the listener's volume here. */
export class Loudness {
  #element;
  #clock;
  #base;
  #written = NaN;
  #fade;
  #duck;
  /** @type {unknown} */
  #timer = null;
  #exempt = false;
  #closed = false;
  /** @type {() => void} */
  #stopWaiting = () => {};

  /**
   * @param {HTMLMediaElement} element
   * @param {Clock} [clock]
   */
  constructor(element, clock = CLOCK) {
    this.#element = element;
    this.#clock = clock;
    this.#base = element.volume;
    this.#fade = { from: 1, to: 1, at: 0 };
    this.#duck = { from: 1, to: level(), at: -Infinity };
    element.addEventListener("volumechange", this.#heard);
    all.add(this);
    this.apply();
  }

  /** What the listener chose, 0 to 1. */
  get volume() {
    this.#adopt();
    return this.#base;
  }

  set volume(volume) {
    this.#adopt();
    this.#base = Math.min(1, Math.max(0, volume));
    this.#write();
  }

  /** Not lowered by duck(): a whisper, or who talks in a call. */
  get exempt() {
    return this.#exempt;
  }

  set exempt(exempt) {
    this.#exempt = exempt;
    this.apply();
  }

  /**
   * Silent until there is sound, then up to the volume.
   * @param {MediaStreamTrack} [track] whose first packets are waited for, if none came yet
   */
  fadeIn(track) {
    this.#stopWaiting();
    if (!track?.muted) {
      this.#start();
      return;
    }
    const begin = () => {
      this.#stopWaiting();
      this.#start();
    };
    track.addEventListener("unmute", begin);
    this.#stopWaiting = () => {
      track.removeEventListener("unmute", begin);
      this.#stopWaiting = () => {};
    };
    this.#fade = { from: 0, to: 0, at: 0 };
    this.#write();
  }

  /** The library's own: look at what is wanted by now. */
  apply() {
    const to = this.#exempt ? 1 : level();
    const now = this.#clock.now();
    if (to !== this.#duck.to) this.#duck = { from: gainAt(this.#duck, now), to, at: now };
    this.#step();
  }

  /** The element is left as loud as the listener chose. */
  close() {
    if (this.#closed) return;
    this.#adopt();
    this.#closed = true;
    all.delete(this);
    this.#stopWaiting();
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#element.removeEventListener("volumechange", this.#heard);
    this.#element.volume = this.#base;
  }

  #start() {
    this.#fade = { from: 0, to: 1, at: this.#clock.now() };
    this.#step();
  }

  #step() {
    if (this.#closed) return;
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#write();
    const since = this.#clock.now() - Math.max(this.#fade.at, this.#duck.at);
    if (since < FADE_MS) this.#timer = this.#clock.setTimeout(() => this.#step(), STEP_MS);
  }

  #write() {
    if (this.#closed) return;
    this.#adopt();
    const now = this.#clock.now();
    this.#element.volume = this.#base * gainAt(this.#fade, now) * gainAt(this.#duck, now);
    // What the element made of it: iOS keeps its own.
    this.#written = this.#element.volume;
  }

  /** Whatever is there and was not written here is the listener's wish. */
  #adopt() {
    const { volume } = this.#element;
    if (Math.abs(volume - this.#written) >= EPSILON) this.#base = volume;
  }

  #heard = () => {
    if (Math.abs(this.#element.volume - this.#written) >= EPSILON) this.#write();
  };
}
