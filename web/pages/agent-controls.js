/** The call bar of an agent on air: which controls, in which state. */
import { nextCamera } from "./agent-view.js";
import { t } from "./locale.js";

/**
 * @typedef {import("./components/call-bar.js").Control} Control
 * @typedef {import("./capture.js").Capture} Capture
 * @typedef {import("./capture.js").DeviceSource} DeviceSource
 * @typedef {{ narrow: boolean, more: boolean, locked: { audio: boolean, video: boolean } }} BarState
 */

/**
 * The main row.
 * @param {Capture} capture
 * @param {BarState} state
 * @returns {Control[]}
 */
export function airControls(capture, { narrow, more, locked }) {
  const extras = extraControls(capture);
  return [
    device(capture, "microphone", locked.audio),
    device(capture, "camera", locked.video),
    ...(narrow ? [{ id: "more", icon: "more", label: t("control.more"), ...(more ? on : {}) }] : extras),
    { id: "leave", icon: "end", label: t("air.leave"), hint: t("air.leave_hint"), look: "danger", apart: true },
  ];
}

/** @type {{ look: "on" }} */
const on = { look: "on" };

/**
 * What moves into a second row on a phone.
 * @param {Capture} capture
 * @returns {Control[]}
 */
export function extraControls(capture) {
  /** @type {Control[]} */
  const controls = [];
  if (typeof navigator.mediaDevices?.getDisplayMedia === "function") {
    const shared = capture.screen !== null;
    controls.push({
      id: "screen",
      icon: shared ? "screen-off" : "screen",
      label: shared ? t("control.screen_stop") : t("control.screen"),
      ...(shared ? on : {}),
    });
  }
  if (capture.tracks.camera && nextCamera(capture.list("camera"), capture.choice.camera) !== null) {
    controls.push({ id: "flip", icon: "flip", label: t("control.flip"), hint: t("control.flip_hint") });
  }
  if (capture.tracks.microphone) {
    const hint = capture.music ? t("control.music_off_hint") : t("control.music_on_hint");
    controls.push({ id: "music", icon: "music", label: t("control.music"), hint, ...(capture.music ? on : {}) });
  }
  return controls;
}

/**
 * Microphone or camera in a call of two, where no host locks anything; without devices it is simply off.
 * @param {Capture | null} capture
 * @param {DeviceSource} source
 * @returns {Control}
 */
export function deviceControl(capture, source) {
  return device(capture ?? NOTHING, source, false);
}

/** @type {Pick<Capture, "tracks" | "off" | "problems">} */
const NOTHING = Object.freeze({
  tracks: { camera: null, microphone: null },
  off: { camera: true, microphone: true },
  problems: { camera: null, microphone: null },
});

/**
 * @param {Pick<Capture, "tracks" | "off" | "problems">} capture
 * @param {DeviceSource} source
 * @param {boolean} locked by the host
 * @returns {Control}
 */
function device({ tracks, off, problems }, source, locked) {
  const camera = source === "camera";
  const id = source;
  const base = camera ? t("control.camera") : t("control.microphone");
  if (locked) {
    const hint = camera ? t("air.locked_camera") : t("air.locked_microphone");
    return { id, icon: camera ? "camera-off" : "mic-off", label: t("air.locked"), hint, look: "off", badge: "!" };
  }
  if (!tracks[source] && problems[source]) {
    const hint = camera ? t("control.camera_problem") : t("control.microphone_problem");
    return { id, icon: camera ? "camera-off" : "mic-off", label: base, hint, look: "off", badge: "!" };
  }
  const silent = off[source] || !tracks[source];
  if (camera) {
    return {
      id,
      icon: silent ? "camera-off" : "camera",
      label: silent ? t("control.camera_off") : base,
      hint: silent ? t("control.camera_on_hint") : t("control.camera_off_hint"),
      ...(silent ? { look: /** @type {const} */ ("off") } : {}),
    };
  }
  return {
    id,
    icon: silent ? "mic-off" : "mic",
    label: silent ? t("control.microphone_off") : base,
    hint: silent ? t("control.microphone_on_hint") : t("control.microphone_off_hint"),
    ...(silent ? { look: /** @type {const} */ ("off") } : {}),
  };
}
