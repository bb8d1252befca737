/** The key figures page without elements: dates, what the address asks for, how figures are grouped, charts in numbers. */

/**
 * @typedef {"calls" | "s" | "share" | "score"} Unit
 * @typedef {{ key: string, unit: Unit, title: string, formula: string }} Definition
 * @typedef {Record<string, number | null>} Values
 * @typedef {{ key: string, label: string } & Record<string, unknown>} Row
 * @typedef {{ from: string, to: string, timezone: string, by: By, figures: Definition[], rows: Row[], total: Values, truncated: boolean }} Report
 * @typedef {"day" | "queue" | "agent" | "entry"} By
 * @typedef {"answer" | "handle" | "outcome"} Group
 * @typedef {{ from: string, to: string, by: By }} Question
 */

/** @type {readonly By[]} */
export const BY = Object.freeze(["day", "queue", "agent", "entry"]);
/** @type {readonly Group[]} */
export const GROUPS = Object.freeze(["answer", "handle", "outcome"]);
/** What the head of the page shows, in this order. */
export const HEADLINES = Object.freeze(["service_level", "asa_s", "abandon_rate", "aht_s", "fcr", "csat", "transfers", "escalations"]);
/** The server takes no more days at once. */
export const MAX_DAYS = 400;
const HANDLE = new Set(["outgoing", "handled", "aht_s", "talk_s", "hold_s", "wrap_s", "transfers", "escalations", "callbacks_open"]);
const OUTCOME = new Set(["fcr", "ratings", "csat", "csat_good"]);
const DAY_MS = 86_400_000;
const ISO = /^\d{4}-\d\d-\d\d$/;
/** Bars that can be told apart on a phone. */
const MAX_BARS = 12;

/**
 * The calendar day at a moment, as YYYY-MM-DD.
 * @param {number} at ms since epoch
 * @param {string} [timezone] IANA; default: the browser's
 */
export function dayAt(at, timezone) {
  // Swedish writes dates as ISO 8601 does.
  return new Intl.DateTimeFormat("sv-SE", { year: "numeric", month: "2-digit", day: "2-digit", ...(timezone ? { timeZone: timezone } : {}) }).format(at);
}

/** @param {string} day YYYY-MM-DD @param {number} days */
export function addDays(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** How many days a range has, both ends included. @param {string} from @param {string} to */
export function daysIn(from, to) {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY_MS) + 1;
}

/** @param {string} text */
function isDay(text) {
  return ISO.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`)) && addDays(text, 0) === text;
}

/**
 * @param {string} from
 * @param {string} to
 * @returns {"missing" | "order" | "long" | null} why this range cannot be asked for
 */
export function rangeProblem(from, to) {
  if (!isDay(from) || !isDay(to)) return "missing";
  const days = daysIn(from, to);
  if (days < 1) return "order";
  return days > MAX_DAYS ? "long" : null;
}

/**
 * What the address asks for; what it says wrong is as if it said nothing.
 * @param {string} search location.search
 * @param {string} [today] empty: not known; then the range is the server's last seven days, and empty too
 * @returns {Question}
 */
export function readQuestion(search, today = "") {
  const query = new URLSearchParams(search);
  const by = BY.find((name) => name === query.get("by")) ?? "day";
  const [from, to] = [query.get("from") ?? "", query.get("to") ?? ""];
  if (rangeProblem(from, to) === null) return { from, to, by };
  return today ? { from: addDays(today, -6), to: today, by } : { from: "", to: "", by };
}

/**
 * @param {Question} question
 * @param {{ format?: "json" | "csv", locale?: string }} [more]
 * @returns {string} without a question mark
 */
export function asQuery({ from, to, by }, { format, locale } = {}) {
  return new URLSearchParams({ ...(from && to ? { from, to } : {}), by, ...(format ? { format } : {}), ...(locale ? { locale } : {}) }).toString();
}

/** Which preset a range is, if any: its number of days, up to today. @param {Question} question @param {string} today */
export function presetOf({ from, to }, today) {
  if (to !== today) return null;
  const days = daysIn(from, to);
  return days === 1 || days === 7 || days === 30 || days === 90 ? days : null;
}

/** Which table a figure stands in; what is new here counts as answering. @param {string} key @returns {Group} */
export function groupOf(key) {
  if (HANDLE.has(key)) return "handle";
  return OUTCOME.has(key) ? "outcome" : "answer";
}

/** A figure of a row, or null. @param {Row | Values} row @param {string} key */
export function valueOf(row, key) {
  const value = /** @type {Record<string, unknown>} */ (row)[key];
  return typeof value === "number" ? value : null;
}

/** Nothing happened in that time. @param {Report} report */
export function isEmpty({ total, rows }) {
  const counts = ["asked", "outgoing", "handled", "callbacks_open"];
  return counts.every((key) => !valueOf(total, key)) && rows.every((row) => counts.every((key) => !valueOf(row, key)));
}

/**
 * Where lines across a chart go: from 0, in round steps, at most five.
 * @param {number} max
 * @param {Unit} unit
 * @returns {number[]} ascending; the last is at least max
 */
export function ticks(max, unit) {
  if (unit === "share") return max <= 0.1 ? [0, 0.05, 0.1] : max <= 0.5 ? [0, 0.25, 0.5] : [0, 0.5, 1];
  if (unit === "score") return [0, 1, 2, 3, 4, 5];
  if (max <= 0) return [0, 1];
  const whole = unit === "calls";
  const magnitude = 10 ** Math.floor(Math.log10(max / 3));
  const steps = unit === "s" && max > 30 ? [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200] : [1, 2, 5, 10].map((n) => n * magnitude);
  const step = steps.filter((size) => !whole || size >= 1).find((size) => max / size <= 4) ?? Math.ceil(max / 4);
  const list = [];
  for (let at = 0; ; at += step) {
    list.push(at);
    if (at >= max) return list;
  }
}

/**
 * @typedef {{ key: string, label: string, value: number | null, share: number }} Bar share: of the axis, 0 to 1
 * @typedef {{ bars: Bar[], ticks: number[], top: number, more: number }} Chart more: rows that are not shown
 */

/**
 * One figure across the rows. Days stay in their order, others are as the server sorts them.
 * @param {Report} report
 * @param {Definition} figure
 * @param {(row: Row) => string} label
 * @returns {Chart}
 */
export function chartOf({ rows, by }, { key, unit }, label) {
  const shown = by === "day" ? rows : rows.slice(0, MAX_BARS);
  const values = shown.map((row) => valueOf(row, key));
  const lines = ticks(Math.max(0, ...values.map((value) => value ?? 0)), unit);
  const top = lines.at(-1) ?? 1;
  return {
    bars: shown.map((row, index) => ({ key: row.key, label: label(row), value: values[index] ?? null, share: (values[index] ?? 0) / top })),
    ticks: lines,
    top,
    more: rows.length - shown.length,
  };
}

/** Whose words are read: every n-th, so that they do not touch. @param {number} count @param {number} room how many fit */
export function everyNth(count, room) {
  return Math.max(1, Math.ceil(count / Math.max(1, room)));
}

/**
 * What the server sent, if it is a report.
 * @param {unknown} body
 * @returns {Report | null}
 */
export function asReport(body) {
  const report = /** @type {Report | null} */ (body);
  const whole = Array.isArray(report?.figures) && Array.isArray(report?.rows) && typeof report?.total === "object" && report.total !== null;
  return whole ? report : null;
}
