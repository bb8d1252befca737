/** The words of the agent console: what a scene that is not the picture says, and what is told in passing. */
import { sentence } from "./errors.js";
import { formatDuration } from "./format.js";
import { failedNotice } from "./live-notice.js";
import { t } from "./locale.js";

/**
 * @param {import("./agent-view.js").Scene} scene
 * @param {{ failure: { code: string, message: string } | null, closed: boolean }} about closed: on air, devices not open
 * @returns {import("./components/notice.js").NoticeContent | null} null: the picture, a card or a form speaks
 */
export function agentNotice(scene, { failure, closed }) {
  switch (scene) {
    case "connecting":
      return { kind: "wait", title: t("agent.connecting") };
    case "failed":
      return { ...failedNotice(failure ?? { code: "unknown", message: "" }), ...failedTitle(failure?.code) };
    case "back":
      return { kind: "wait", title: t("air.back.title"), body: t("air.back.body") };
    case "air":
      if (!closed) return null;
      return {
        kind: "warning",
        icon: "camera-off",
        title: t("air.closed.title"),
        body: t("air.closed.body"),
        actions: [
          { id: "leave", label: t("air.leave") },
          { id: "reopen", label: t("preview.open"), primary: true },
        ],
      };
    default:
      return null;
  }
}

/** @param {string | undefined} code */
function failedTitle(code) {
  return { title: code === "identity_replaced" ? t("agent.moved") : t("agent.failed") };
}

/**
 * One thing to tell in passing.
 * @param {import("./agent-console.js").Said} said
 * @returns {{ text: string, options: import("./components/toast.js").ToastOptions } | null}
 */
export function passing({ what, name = "", reason = null, ms = 0, code = "unknown", message = "" }) {
  switch (what) {
    case "ring_expired":
      return info(t("said.ring_expired", { name }), "warning");
    case "ring_moved":
      return info(t("said.ring_moved", { name }), "warning");
    case "ring_cancelled":
      return info(t("said.ring_cancelled", { name }));
    case "ring_answered":
      return info(t("said.ring_answered"));
    case "ring_failed":
    case "ring_declined":
      return info(t("said.ring_failed", { name }));
    case "request_declined":
      return info(reason ? t("said.request_declined_because", { reason }) : t("said.request_declined"), "warning");
    case "request_expired":
      return info(t("said.request_expired"), "warning");
    case "request_cancelled":
    case "request_failed":
      return info(t("said.request_over"));
    case "muted_audio":
      return locked(t("said.muted_audio"));
    case "muted_video":
      return locked(t("said.muted_video"));
    case "muted_both":
      return locked(t("said.muted_both"));
    case "cohost":
      return info(t("said.cohost"), "good");
    case "cohost_off":
      return info(t("said.cohost_off"));
    case "offstage":
      return info(t("said.offstage", { lasted: formatDuration(ms) }));
    case "left_stage":
      return info(t("said.left_stage", { lasted: formatDuration(ms) }), "good");
    case "lost_place":
      return info(t("said.lost_place"), "warning");
    case "call_failed":
    case "trouble":
      if (code === "cancelled" || code === "closed") return null;
      return { text: sentence(code, message), options: { kind: "error", code, replaces: "trouble" } };
    default:
      return null;
  }
}

/**
 * @param {string} text
 * @param {"info" | "good" | "warning"} [kind]
 * @returns {{ text: string, options: import("./components/toast.js").ToastOptions }}
 */
function info(text, kind = "info") {
  return { text, options: { kind } };
}

/** Gone when the host asks to be heard again. @param {string} text */
function locked(text) {
  return { text, options: { kind: /** @type {const} */ ("warning"), replaces: "lock" } };
}

/**
 * What the console does in the room that is marked in the list.
 * @param {import("./agent-view.js").Mode | null} mode
 */
export function modeWord(mode) {
  switch (mode) {
    case "ring":
      return t("mode.ring");
    case "watch":
      return t("mode.watch");
    case "offer":
      return t("mode.offer");
    case "asking":
      return t("mode.asking");
    case "back":
      return t("mode.back");
    case "air":
      return t("mode.air");
    default:
      return "";
  }
}
