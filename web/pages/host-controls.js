/** The studio's call bar: which controls, in which state. */
import { t } from "./locale.js";

/** @typedef {import("./components/call-bar.js").Control} Control */

/**
 * @param {import("./host-view.js").StudioScene} scene
 * @param {import("./capture.js").Capture} capture
 * @param {{ ready: "ready" | "connecting" | "devices", narrow: boolean, waiting: number, unread: number }} page
 *   waiting: people who wait for an answer; unread: messages, of the chat and of the staff
 * @returns {Control[]}
 */
export function hostControls(scene, capture, { ready, narrow, waiting, unread }) {
  const controls = [microphone(capture), camera(capture)];
  if (canShareScreen()) controls.push(screen(capture));
  if (narrow && (scene === "live" || scene === "resume")) {
    const hint = t("control.guests_hint");
    controls.push({ id: "guests", icon: "users", label: t("control.guests"), hint, ...badge(waiting) });
    controls.push({ id: "chat", icon: "chat", label: t("control.chat"), ...badge(unread) });
  } else if (narrow) {
    controls.push({ id: "settings", icon: "settings", label: t("control.settings") });
  }
  if (scene === "live") {
    controls.push({
      id: "end",
      icon: "end",
      label: t("studio.end"),
      hint: t("studio.end_hint"),
      look: "danger",
      apart: true,
    });
  } else {
    const resuming = scene === "resume";
    controls.push({
      id: "live",
      icon: "live",
      label: resuming ? t("studio.resume") : t("studio.go_live"),
      hint: resuming ? t("studio.resume") : t("studio.go_live_hint"),
      look: "primary",
      disabled: ready !== "ready" || scene === "starting",
      apart: true,
    });
  }
  return controls;
}

/** @param {import("./capture.js").Capture} capture @returns {Control} */
function microphone({ tracks, off, problems }) {
  if (!tracks.microphone && problems.microphone) {
    return {
      id: "microphone",
      icon: "mic-off",
      label: t("control.microphone"),
      hint: t("control.microphone_problem"),
      look: "off",
      badge: "!",
    };
  }
  return {
    id: "microphone",
    icon: off.microphone ? "mic-off" : "mic",
    label: off.microphone ? t("control.microphone_off") : t("control.microphone"),
    hint: off.microphone ? t("control.microphone_on_hint") : t("control.microphone_off_hint"),
    ...(off.microphone ? { look: /** @type {const} */ ("off") } : {}),
  };
}

/** @param {import("./capture.js").Capture} capture @returns {Control} */
function camera({ tracks, off, problems }) {
  if (!tracks.camera && problems.camera) {
    return {
      id: "camera",
      icon: "camera-off",
      label: t("control.camera"),
      hint: t("control.camera_problem"),
      look: "off",
      badge: "!",
    };
  }
  return {
    id: "camera",
    icon: off.camera ? "camera-off" : "camera",
    label: off.camera ? t("control.camera_off") : t("control.camera"),
    hint: off.camera ? t("control.camera_on_hint") : t("control.camera_off_hint"),
    ...(off.camera ? { look: /** @type {const} */ ("off") } : {}),
  };
}

/** @param {import("./capture.js").Capture} capture @returns {Control} */
function screen({ screen: shared }) {
  return {
    id: "screen",
    icon: shared ? "screen-off" : "screen",
    label: shared ? t("control.screen_stop") : t("control.screen"),
    ...(shared ? { look: /** @type {const} */ ("on") } : {}),
  };
}

/** @param {number} count */
function badge(count) {
  return count > 0 ? { badge: count > 99 ? "99+" : String(count) } : {};
}

/** Phones cannot share their screen from a page. */
function canShareScreen() {
  return typeof globalThis.navigator?.mediaDevices?.getDisplayMedia === "function";
}
