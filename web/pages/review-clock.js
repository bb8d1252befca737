/**
 * One clock for all media files of a recording: pure arithmetic, time is given (seconds). The clock says where the
 * reviewer is; each file is told where it should be, and how to get there without a jump when it is nearly right.
 */

/** @typedef {readonly [number, number]} Span from and to, seconds of the recording */

/**
 * A media file: its own time 0 lies at `began` of the recording.
 * @typedef {object} Piece
 * @property {string} id
 * @property {number} began seconds of the recording
 * @property {number} ended seconds of the recording
 * @property {readonly Span[]} gaps where it holds nothing, seconds of the recording, ascending
 */

/**
 * What one file should be doing.
 * @typedef {object} Plan
 * @property {boolean} on it has something to show or to sound now
 * @property {number} time where in the file, seconds; while it is off: where it will begin again
 * @property {number} inS seconds of the recording until it is on; Infinity: never again
 */

/**
 * @typedef {object} Correction
 * @property {number | null} jump set currentTime to this
 * @property {number} rate set playbackRate to this
 * @property {boolean} play
 */

export const MIN_RATE = 0.5;
export const MAX_RATE = 3;
export const RATES = Object.freeze([0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3]);
/** Nobody hears less than this, and element clocks are read no better. */
const CLOSE_S = 0.012;
/** Above this a file jumps, as lips are seen to be late. */
const JUMP_S = 0.04;
/** A file that has just jumped is brought in by its rate unless it is as far off as this. */
const LOST_S = 0.3;
const SETTLE_S = 0.8;
/** How fast a small drift is undone: the share of it per second. */
const PULL = 1.5;
const MAX_NUDGE = 0.06;
const MAX_SETTLE = 0.16;
/** Files are made ready this long before they begin. */
export const READY_S = 12;
/** Silence shorter than this is a breath; what is skipped leaves room before the next word. */
const BREATH_S = 1.6;
const LEAD_S = 0.35;

export class MasterClock {
  #t = 0;
  #since = 0;
  #rate = 1;
  #playing = false;
  #waiting = false;
  #duration;

  /** @param {number} duration seconds */
  constructor(duration) {
    this.#duration = Math.max(0, duration);
  }

  get duration() {
    return this.#duration;
  }

  get rate() {
    return this.#rate;
  }

  /** It wants to play; whether it moves, see `moving`. */
  get playing() {
    return this.#playing;
  }

  get waiting() {
    return this.#waiting;
  }

  get moving() {
    return this.#playing && !this.#waiting;
  }

  /** @param {number} now seconds of any steady clock @returns {number} seconds of the recording */
  at(now) {
    if (!this.moving) return this.#t;
    return Math.min(this.#duration, this.#t + Math.max(0, now - this.#since) * this.#rate);
  }

  /** @param {number} now */
  play(now) {
    if (this.#playing) return;
    // At the end, play means again.
    if (this.#t >= this.#duration - 0.05) this.#t = 0;
    this.#since = now;
    this.#playing = true;
  }

  /** @param {number} now */
  pause(now) {
    this.#settle(now);
    this.#playing = false;
  }

  /** @param {number} t @param {number} now */
  seek(t, now) {
    this.#t = clamp(Number.isFinite(t) ? t : 0, 0, this.#duration);
    this.#since = now;
  }

  /** @param {number} rate @param {number} now */
  setRate(rate, now) {
    this.#settle(now);
    this.#rate = clamp(Number.isFinite(rate) ? rate : 1, MIN_RATE, MAX_RATE);
  }

  /** Stand still while a file has nothing to play yet. @param {boolean} waiting @param {number} now */
  wait(waiting, now) {
    if (waiting === this.#waiting) return;
    this.#settle(now);
    this.#waiting = waiting;
  }

  /** @param {number} now */
  #settle(now) {
    this.#t = this.at(now);
    this.#since = now;
  }
}

/**
 * Where a file should be at a moment of the recording.
 * @param {Piece} piece
 * @param {number} t
 * @returns {Plan}
 */
export function planFor({ began, ended, gaps }, t) {
  if (t >= ended) return { on: false, time: Math.max(0, ended - began), inS: Infinity };
  let from = Math.max(t, began);
  for (const [start, end] of gaps) {
    if (from >= start && from < end) from = end;
  }
  if (from >= ended) return { on: false, time: Math.max(0, ended - began), inS: Infinity };
  return { on: from === t, time: from - began, inS: from - t };
}

/** Whether a file is worth having at all now. @param {Plan} plan @param {number} rate */
export function isNear(plan, rate) {
  return plan.on || plan.inS <= READY_S * Math.max(1, rate);
}

/** Brings one file to its place, again and again, and learns how long its jumps take. */
export class Follower {
  /** Seconds that a jump of this file took lately. */
  #cost = 0.06;
  #jumpedAt = -Infinity;
  /** Whether it is on its way. */
  #seeking = false;

  /**
   * @param {Plan} plan
   * @param {{ rate: number, moving: boolean }} clock
   * @param {{ time: number, seeking: boolean }} file currentTime of the element, and whether it is jumping
   * @param {number} now
   * @returns {Correction}
   */
  correct(plan, { rate, moving }, { time, seeking }, now) {
    if (this.#seeking && !seeking) {
      this.#seeking = false;
      this.#cost = clamp(0.6 * this.#cost + 0.4 * (now - this.#jumpedAt), 0, 0.3);
      this.#jumpedAt = now;
    }
    const play = plan.on && moving;
    const drift = time - plan.time;
    const off = Math.abs(drift);
    if (seeking) return { jump: null, rate, play };
    if (!play) {
      // Half a frame: a still picture must be the right one, and nothing runs away meanwhile.
      if (off > 0.02) return this.#jump(plan.time, rate, play, now);
      return { jump: null, rate, play };
    }
    const settling = now - this.#jumpedAt < SETTLE_S;
    if (off > (settling ? LOST_S : JUMP_S)) return this.#jump(plan.time + this.#cost * rate, rate, play, now);
    if (off <= CLOSE_S) return { jump: null, rate, play };
    const most = settling || off > JUMP_S ? MAX_SETTLE : MAX_NUDGE;
    return { jump: null, rate: rate * (1 - clamp(drift * PULL, -most, most)), play };
  }

  /** The element was told from outside where to be. @param {number} now */
  jumped(now) {
    this.#jumpedAt = now;
    this.#seeking = true;
  }

  /** @param {number} to @param {number} rate @param {boolean} play @param {number} now @returns {Correction} */
  #jump(to, rate, play, now) {
    this.jumped(now);
    return { jump: Math.max(0, to), rate, play };
  }
}

/**
 * Spans in order, those that touch joined.
 * @param {readonly Span[]} spans
 * @param {number} [near] joined across this many seconds
 * @returns {Span[]}
 */
export function merged(spans, near = 0) {
  const sorted = spans.filter(([from, to]) => to > from).sort(([a], [b]) => a - b);
  /** @type {[number, number][]} */
  const out = [];
  for (const [from, to] of sorted) {
    const last = out.at(-1);
    if (last && from <= last[1] + near) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}

/**
 * Where to go when nobody speaks for a while.
 * @param {readonly Span[]} speech merged, of everybody
 * @param {number} t
 * @param {number} duration
 * @returns {number | null} null: stay
 */
export function afterSilence(speech, t, duration) {
  if (speech.length === 0) return null;
  let low = 0;
  let high = speech.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((speech[middle]?.[1] ?? 0) > t) high = middle;
    else low = middle + 1;
  }
  const next = speech[low];
  const last = low > 0 ? (speech[low - 1]?.[1] ?? 0) : 0;
  // A word is heard to its end.
  if (t < last + LEAD_S && low > 0) return null;
  if (!next) return t < duration ? duration : null;
  if (t >= next[0]) return null;
  const to = next[0] - LEAD_S;
  return to - t > BREATH_S - 2 * LEAD_S && next[0] - last > BREATH_S ? to : null;
}

/** The next rate up or down. @param {number} rate @param {1 | -1} way */
export function nextRate(rate, way) {
  const found = way > 0 ? RATES.find((value) => value > rate + 0.001) : RATES.filter((value) => value < rate - 0.001).at(-1);
  return found ?? rate;
}

/** @param {number} value @param {number} low @param {number} high */
export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
