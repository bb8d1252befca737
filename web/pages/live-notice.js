/** The words of every scene of the live page that is not simply the picture. */
import { sentence, wayOut } from "./errors.js";
import { t } from "./locale.js";

/**
 * @param {import("./live-view.js").Scene} scene
 * @param {object} about
 * @param {string} about.host name of the lead, may be empty
 * @param {{ code: string, message: string } | null} about.failure
 * @param {number | null} about.secondsLeft until an absent host's show ends
 * @returns {import("./components/notice.js").NoticeContent | null} null: the picture speaks, or a form does
 */
export function liveNotice(scene, { host, failure, secondsLeft }) {
  switch (scene) {
    case "connecting":
      return { kind: "wait", title: t("live.connecting") };
    case "waiting":
      return { kind: "wait", title: t("live.waiting") };
    case "silent":
      return { kind: "wait", title: t("live.silent.title"), body: t("live.silent.body") };
    case "idle":
      return {
        kind: "info",
        icon: "clock",
        title: host ? t("live.idle.title_host", { host }) : t("live.idle.title"),
        body: t("live.idle.body"),
      };
    case "away":
      return {
        kind: "warning",
        icon: "signal-off",
        title: host ? t("live.away.title", { host }) : t("live.away.title_nobody"),
        body: secondsLeft !== null && secondsLeft > 0 ? t("live.away.body", { seconds: secondsLeft }) : t("live.away.body_soon"),
      };
    case "ended":
      return {
        kind: "good",
        icon: "done",
        title: t("live.ended.title"),
        body: t("live.ended.body"),
        actions: [{ id: "home", label: t("action.home") }],
      };
    case "unplayable":
      return {
        kind: "error",
        icon: "warning",
        title: t("live.unplayable.title"),
        body: sentence("codec_unsupported"),
        code: "codec_unsupported",
      };
    case "failed":
      return failedNotice(failure ?? { code: "unknown", message: "" });
    default:
      return null;
  }
}

/**
 * Used by every page when its visit ended by an error.
 * @param {{ code: string, message: string }} failure
 * @returns {import("./components/notice.js").NoticeContent}
 */
export function failedNotice({ code, message }) {
  const way = wayOut(code);
  const moved = code === "identity_replaced";
  return {
    kind: moved ? "info" : "error",
    icon: moved ? "copy" : "warning",
    title: moved ? t("failed.title_moved") : t("failed.title"),
    body: sentence(code, message),
    code,
    actions: [
      way === "home"
        ? { id: "home", label: t("action.home"), primary: true }
        : { id: "retry", label: way === "here" ? t("action.here") : t("action.retry"), primary: true },
    ],
  };
}
