/** The words of every scene of the studio that is not simply the picture. */
import { failedNotice } from "./live-notice.js";
import { formatDuration } from "./format.js";
import { formatCount, t } from "./locale.js";

/**
 * @param {import("./host-view.js").StudioScene} scene
 * @param {object} about
 * @param {{ code: string, message: string } | null} about.failure
 * @param {string} about.trouble code of why no device could be opened
 * @param {import("./broadcast.js").Summary | null} about.summary
 * @param {string} about.localUrl this page's address on the machine that serves it
 * @returns {import("./components/notice.js").NoticeContent | null}
 */
export function hostNotice(scene, { failure, trouble, summary, localUrl }) {
  switch (scene) {
    case "ask":
      return {
        kind: "info",
        icon: "camera",
        title: t("studio.ask.title"),
        body: t("studio.ask.body"),
        actions: [{ id: "open", label: t("studio.ask.open"), primary: true }],
      };
    case "opening":
      return { kind: "wait", title: t("studio.opening.title"), body: t("studio.opening.body") };
    case "starting":
      return { kind: "wait", title: t("studio.starting") };
    case "trouble":
      return troubleNotice(trouble);
    case "insecure":
      return {
        kind: "warning",
        icon: "lock",
        title: t("trouble.insecure.title"),
        body: t("trouble.insecure.body"),
        steps: [t("trouble.insecure.step1", { local: localUrl }), t("trouble.insecure.step2")],
        code: "insecure_context",
      };
    case "summary":
      return {
        kind: "good",
        icon: "done",
        title: t("studio.summary.title"),
        body: t("studio.summary.body", {
          lasted: formatDuration(summary?.lastedMs ?? 0),
          peak: formatCount(summary?.peak ?? 0),
        }),
        actions: [{ id: "again", label: t("studio.summary.again"), primary: true }],
      };
    case "failed":
      return { ...failedNotice(failure ?? { code: "unknown", message: "" }), ...titleOf(failure?.code) };
    default:
      return null;
  }
}

/**
 * What is wrong with one device, in a line; empty when nothing is.
 * @param {string | null} code
 */
export function deviceProblem(code) {
  switch (code) {
    case null:
      return "";
    case "permission_denied":
      return t("device.problem.permission_denied");
    case "no_device":
      return t("device.problem.no_device");
    case "device_busy":
      return t("device.problem.device_busy");
    case "device_lost":
      return t("device.problem.device_lost");
    default:
      return t("device.problem.device_failed");
  }
}

/** @param {string | undefined} code */
function titleOf(code) {
  return code === "identity_replaced" ? {} : { title: t("failed.title_host") };
}

/**
 * @param {string} code
 * @returns {import("./components/notice.js").NoticeContent}
 */
function troubleNotice(code) {
  const actions = [{ id: "open", label: t("action.retry"), primary: true }];
  switch (code) {
    case "permission_denied":
      return {
        kind: "error",
        icon: "lock",
        title: t("trouble.permission_denied.title"),
        steps: [
          t("trouble.permission_denied.step1"),
          t("trouble.permission_denied.step2"),
          t("trouble.permission_denied.step3"),
        ],
        code,
        actions,
      };
    case "no_device":
      return {
        kind: "warning",
        icon: "camera-off",
        title: t("trouble.no_device.title"),
        body: t("trouble.no_device.body"),
        code,
        actions,
      };
    case "device_busy":
      return {
        kind: "warning",
        icon: "camera-off",
        title: t("trouble.device_busy.title"),
        body: t("trouble.device_busy.body"),
        code,
        actions,
      };
    case "device_lost":
      return {
        kind: "warning",
        icon: "camera-off",
        title: t("trouble.device_lost.title"),
        body: t("trouble.device_lost.body"),
        code,
        actions,
      };
    default:
      return {
        kind: "error",
        icon: "camera-off",
        title: t("trouble.device_failed.title"),
        body: t("trouble.device_failed.body"),
        code,
        actions,
      };
  }
}
