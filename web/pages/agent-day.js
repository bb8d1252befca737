/** What this agent did today, kept on this device: how often it rang, how often answered, how long on air. */

/**
 * @typedef {object} Day
 * @property {string} date YYYY-MM-DD, local
 * @property {number} rings
 * @property {number} answered
 * @property {number} onAirMs
 * @property {Missed[]} missed newest first
 */

/** @typedef {{ id: string, room: string, from: string, topic: string, at: number }} Missed */

const KEY = "lianmai.day";
const MISSED_KEPT = 5;

/**
 * @param {number} now ms
 * @returns {string} the local date
 */
export function dateOf(now) {
  const date = new Date(now);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/**
 * Yesterday's figures are no longer of interest, nor are ones that make no sense.
 * @param {unknown} kept
 * @param {string} date today
 * @returns {Day}
 */
export function asDay(kept, date) {
  const day = /** @type {Partial<Day> | null} */ (typeof kept === "object" ? kept : null);
  if (!day || day.date !== date) return { date, rings: 0, answered: 0, onAirMs: 0, missed: [] };
  return {
    date,
    rings: count(day.rings),
    answered: count(day.answered),
    onAirMs: count(day.onAirMs),
    missed: Array.isArray(day.missed) ? day.missed.slice(0, MISSED_KEPT) : [],
  };
}

/**
 * @param {Day} day
 * @param {Missed} missed
 * @returns {Day}
 */
export function withMissed(day, missed) {
  if (day.missed.some(({ id }) => id === missed.id)) return day;
  return { ...day, missed: [missed, ...day.missed].slice(0, MISSED_KEPT) };
}

/** The figures of one identity, read and written where this browser keeps them. */
export class DayBook {
  #key;
  /** @type {Day} */
  #day;

  /** @param {string} identity */
  constructor(identity) {
    this.#key = `${KEY}.${identity}`;
    this.#day = asDay(read(this.#key), dateOf(Date.now()));
  }

  /** Today. @returns {Day} */
  get day() {
    this.#day = asDay(this.#day, dateOf(Date.now()));
    return this.#day;
  }

  rang() {
    this.#keep({ ...this.day, rings: this.day.rings + 1 });
  }

  answered() {
    this.#keep({ ...this.day, answered: this.day.answered + 1 });
  }

  /** @param {number} ms */
  wasOnAir(ms) {
    this.#keep({ ...this.day, onAirMs: this.day.onAirMs + Math.max(0, ms) });
  }

  /** @param {Missed} missed */
  missed(missed) {
    this.#keep(withMissed(this.day, missed));
  }

  forgetMissed() {
    this.#keep({ ...this.day, missed: [] });
  }

  /** @param {Day} day */
  #keep(day) {
    this.#day = day;
    try {
      localStorage.setItem(this.#key, JSON.stringify(day));
    } catch {
      // Storage may be blocked; the figures live as long as the page.
    }
  }
}

/** @param {unknown} value */
function count(value) {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

/** @param {string} key */
function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}
