/** The words of the wall: what a figure is called, how it is written, and what is said where a target is missed. */
import { failedNotice } from "./live-notice.js";
import { formatDuration } from "./format.js";
import { formatCount, getLocale, t } from "./locale.js";
import { TARGETS } from "./wall-view.js";

/**
 * @typedef {import("./wall-view.js").Figure} Figure
 * @typedef {import("./wall-view.js").FigureId} FigureId
 * @typedef {import("./wall-view.js").Look} Look
 * @typedef {import("./wall-view.js").Doing} Doing
 */

/** @param {FigureId} id */
export function figureTitle(id) {
  switch (id) {
    case "waiting":
      return t("wall.waiting");
    case "longest":
      return t("wall.longest");
    case "level":
      return t("wall.level");
    case "free":
      return t("wall.free");
    case "calls":
      return t("wall.calls");
    case "asa":
      return t("wall.asa");
    case "abandon":
      return t("wall.abandon");
    case "csat":
      return t("wall.csat");
    case "answered":
      return t("wall.answered");
  }
}

/** The number alone, as large as it gets. @param {Figure} figure */
export function figureValue({ value, unit }) {
  if (value === null) return "–";
  if (unit === "span") return formatDuration(value);
  if (unit === "share") return new Intl.NumberFormat(getLocale(), { style: "percent", maximumFractionDigits: value > 0 && value < 0.1 ? 1 : 0 }).format(value);
  return unit === "score" ? value.toFixed(1) : formatCount(value);
}

/** Beside the number: of how many. @param {Figure} figure */
export function figureOf({ id, of, value }) {
  if (value === null || of === null) return id === "csat" && value !== null ? "/ 5" : "";
  return `/ ${formatCount(of)}`;
}

/**
 * Below the number: what it should be; and when it is not, that it is not.
 * @param {Figure} figure
 * @returns {string}
 */
export function figureNote({ id, value }) {
  const percent = (/** @type {number} */ share) => `${Math.round(share * 100)}%`;
  switch (id) {
    case "longest":
      return t("wall.target_span", { seconds: TARGETS.longest.watch / 1000 });
    case "asa":
      return t("wall.target_span", { seconds: TARGETS.asa.watch / 1000 });
    case "level":
      return value === null ? t("wall.none_yet") : t("wall.target_least", { value: percent(TARGETS.level.watch) });
    case "abandon":
      return value === null ? t("wall.none_yet") : t("wall.target_most", { value: percent(TARGETS.abandon.watch) });
    case "csat":
      return value === null ? t("wall.none_rated") : t("wall.target_least", { value: TARGETS.csat.watch.toFixed(1) });
    case "waiting":
      return t("wall.waiting_note");
    case "free":
      return t("wall.free_note");
    case "calls":
      return t("wall.calls_note");
    case "answered":
      return t("wall.answered_note");
  }
}

/** @param {Look} look @param {FigureId} id */
export function lookWord(look, id) {
  if (look !== "watch" && look !== "bad") return "";
  if (id === "waiting") return look === "bad" ? t("wall.full") : t("wall.short");
  if (id === "free") return t("wall.nobody_free");
  return look === "bad" ? t("wall.bad") : t("wall.watch");
}

/** @param {Doing} doing */
export function doingWord(doing) {
  switch (doing) {
    case "available":
      return t("doing.available");
    case "ringing":
      return t("doing.ringing");
    case "in_call":
      return t("doing.in_call");
    case "wrap_up":
      return t("doing.wrap_up");
    case "on_stage":
      return t("doing.on_stage");
    case "busy":
      return t("presence.busy");
    case "break":
      return t("presence.break");
    case "offline":
      return t("presence.offline");
  }
}

/**
 * How long a wait in a queue may be.
 * @param {{ low_s: number, high_s: number } | null} estimate
 * @returns {string} empty: not known
 */
export function estimateWord(estimate) {
  if (!estimate) return "";
  const minutes = Math.max(1, Math.round(estimate.high_s / 60));
  return estimate.high_s < 60 ? t("wall.estimate_soon") : t("wall.estimate", { minutes });
}

/**
 * What fills the page when there are no figures.
 * @param {import("./wall-view.js").WallScene} scene
 * @param {{ code: string, message: string } | null} failure
 * @returns {import("./components/notice.js").NoticeContent | null}
 */
export function wallNotice(scene, failure) {
  if (scene === "connecting") return { kind: "wait", title: t("wall.connecting") };
  if (scene === "empty") return { kind: "info", icon: "clock", title: t("wall.empty"), body: t("wall.empty_body") };
  if (scene !== "failed") return null;
  const title = failure?.code === "identity_replaced" ? t("wall.moved") : t("wall.failed");
  return { ...failedNotice(failure ?? { code: "unknown", message: "" }), title };
}
