/** How the key figures are written: values by their unit, rows by what they stand for. */
import { entryWord } from "./agent-help-words.js";
import { formatDuration } from "./format.js";
import { getLocale, t } from "./locale.js";

/**
 * @typedef {import("./kpi-view.js").By} By
 * @typedef {import("./kpi-view.js").Row} Row
 * @typedef {import("./kpi-view.js").Unit} Unit
 */

/** @param {number | null} value @param {Unit} unit */
export function written(value, unit) {
  if (value === null) return "–";
  const number = (/** @type {Intl.NumberFormatOptions} */ options) => new Intl.NumberFormat(getLocale(), options).format(value);
  if (unit === "share") return number({ style: "percent", maximumFractionDigits: 1 });
  if (unit === "score") return number({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
  if (unit === "calls") return number({});
  return formatDuration(Math.round(value) * 1000);
}

/** What stands beside a title, so that 1:30 is not read as a score. @param {Unit} unit */
export function unitWord(unit) {
  if (unit === "s") return t("kpi.unit_s");
  return unit === "score" ? t("kpi.unit_score") : "";
}

/** @param {By} by */
export function byWord(by) {
  switch (by) {
    case "day":
      return t("kpi.by_day");
    case "queue":
      return t("kpi.by_queue");
    case "agent":
      return t("kpi.by_agent");
    case "entry":
      return t("kpi.by_entry");
  }
}

/** @param {import("./kpi-view.js").Group} group */
export function groupWord(group) {
  if (group === "handle") return t("kpi.group_handle");
  return group === "outcome" ? t("kpi.group_outcome") : t("kpi.group_answer");
}

/**
 * What a row is about.
 * @param {Row} row
 * @param {By} by
 * @param {boolean} [short] where there is little room
 */
export function rowWord({ key, label }, by, short = false) {
  if (by === "day") return dayWord(key, short);
  if (by === "entry" && key !== "") return entryWord(key);
  if (label || key) return label || key;
  return by === "agent" ? t("kpi.no_agent") : t("kpi.no_queue");
}

/** @param {string} day YYYY-MM-DD @param {boolean} short */
function dayWord(day, short) {
  const at = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(at)) return day;
  /** @type {Intl.DateTimeFormatOptions} */
  const parts = short ? { month: "numeric", day: "numeric" } : { month: "short", day: "numeric", weekday: "short" };
  return new Intl.DateTimeFormat(getLocale(), { ...parts, timeZone: "UTC" }).format(at);
}
