/** What the studio does with its devices when a control is pressed, and what it says when one vanishes or returns. */
import { clearToast, toast } from "./components/toast.js";
import { codeOf } from "./errors.js";
import { deviceProblem } from "./host-notice.js";
import { t } from "./locale.js";

/**
 * @typedef {import("./capture.js").Capture} Capture
 * @typedef {import("./capture.js").DeviceSource} DeviceSource
 */

/**
 * Switch a device off or on; one with a problem gets another try.
 * @param {Capture} capture
 * @param {DeviceSource} source
 */
export async function toggleDevice(capture, source) {
  if (capture.tracks[source]) {
    capture.setOff(source, !capture.off[source]);
    return;
  }
  capture.off[source] = false;
  await capture.retry(source);
  const code = capture.problems[source];
  if (capture.tracks[source] || code === null) return;
  const problem = t("device.problem_of", { device: nameOf(source), problem: deviceProblem(code) });
  toast(problem, { kind: "warning", code, replaces: source });
}

/** @param {Capture} capture */
export async function toggleScreen(capture) {
  if (capture.screen) {
    capture.closeScreen();
    return;
  }
  try {
    await capture.openScreen();
  } catch (error) {
    const code = codeOf(error);
    // Closing the browser's chooser is an answer, not a failure.
    if (code !== "cancelled") toast(t("trouble.screen_failed"), { kind: "error", code });
  }
}

/**
 * Say when a device vanishes, offer another, and say when it is back.
 * @param {Capture} capture
 * @param {() => boolean} onAir
 */
export function announceDevices(capture, onAir) {
  capture.on("lost", ({ source }) => {
    const words = lostWords(source, onAir());
    /** @type {import("./components/toast.js").ToastOptions} */
    const options = { kind: "warning", code: "device_lost", stayMs: 0, replaces: source };
    const other = capture.list(source).find((device) => device.id !== "" && device.id !== capture.choice[source]);
    if (other) {
      options.action = {
        label: t("device.use", { device: other.label || nameOf(source) }),
        run: () => void capture.choose(source, other.id),
      };
    }
    toast(words, options);
  });
  capture.on("restored", ({ source }) => {
    clearToast(source);
    toast(source === "camera" ? t("device.restored_camera") : t("device.restored_microphone"), { kind: "good" });
  });
  capture.on("change", () => {
    for (const source of /** @type {const} */ (["camera", "microphone"])) {
      if (capture.tracks[source]) clearToast(source);
    }
  });
}

/**
 * @param {DeviceSource} source
 * @param {boolean} onAir
 */
function lostWords(source, onAir) {
  if (source === "camera") return onAir ? t("device.lost_camera_live") : t("device.lost_camera");
  return onAir ? t("device.lost_microphone_live") : t("device.lost_microphone");
}

/** @param {DeviceSource} source */
function nameOf(source) {
  return source === "camera" ? t("device.camera") : t("device.microphone");
}
