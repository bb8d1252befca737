/**
 * Cameras, microphones and screens: list, open, watch, and say in one stable code why it did not work.
 * @module
 */
import { LianmaiError } from "./errors.js";

/** @typedef {"360p" | "540p" | "720p" | "1080p"} Resolution */
/** @typedef {{ id: string, label: string, kind: "camera" | "microphone" | "speaker", groupId: string }} Device */

/** @type {Readonly<Record<Resolution, { width: number, height: number, maxBitrate: number }>>} */
export const RESOLUTIONS = Object.freeze({
  "360p": { width: 640, height: 360, maxBitrate: 800_000 },
  "540p": { width: 960, height: 540, maxBitrate: 1_300_000 },
  "720p": { width: 1280, height: 720, maxBitrate: 2_500_000 },
  "1080p": { width: 1920, height: 1080, maxBitrate: 4_500_000 },
});

/** @type {Readonly<Record<string, Device["kind"]>>} */
const KINDS = Object.freeze({ videoinput: "camera", audioinput: "microphone", audiooutput: "speaker" });

/** @type {Readonly<Record<string, string>>} */
const CODES = Object.freeze({
  NotAllowedError: "permission_denied",
  SecurityError: "permission_denied",
  NotFoundError: "no_device",
  DevicesNotFoundError: "no_device",
  OverconstrainedError: "no_device",
  NotReadableError: "device_busy",
  TrackStartError: "device_busy",
  AbortError: "device_failed",
});

/**
 * Why a device could not be opened, as a LianmaiError: `permission_denied`, `no_device`, `device_busy`,
 * `device_failed`, `cancelled` (a screen not chosen), `insecure_context` or `unsupported_browser`.
 * @param {unknown} error from getUserMedia or getDisplayMedia
 * @param {{ screen?: boolean, locale?: string }} [context]
 * @returns {LianmaiError}
 */
export function classify(error, { screen = false, locale = "en" } = {}) {
  if (error instanceof LianmaiError) return error;
  const name = String(/** @type {{ name?: unknown }} */ (error)?.name ?? "");
  let code = CODES[name] ?? "device_failed";
  const said = String(/** @type {{ message?: unknown }} */ (error)?.message ?? "");
  // Closing the chooser and refusing by policy have the same name; only the words differ.
  if (screen && code === "permission_denied" && !/system|policy/i.test(said)) code = "cancelled";
  return new LianmaiError(code, undefined, { locale, cause: error });
}

/**
 * Every device there is. Labels are empty until a permission was given.
 * @returns {Promise<Device[]>}
 */
export async function listDevices() {
  const devices = await mediaDevices().enumerateDevices();
  /** @type {Device[]} */
  const list = [];
  for (const { deviceId, label, kind, groupId } of devices) {
    const known = KINDS[kind];
    // Without permission browsers list one nameless entry per kind; it stands for the default device.
    if (known && !list.some((entry) => entry.kind === known && entry.id === deviceId)) {
      list.push({ id: deviceId, label, kind: known, groupId });
    }
  }
  return list;
}

/**
 * Call back now and then: whenever a device is plugged in or out.
 * @param {(devices: Device[]) => void} run
 * @returns {() => void} stops watching
 */
export function watchDevices(run) {
  if (!globalThis.navigator?.mediaDevices) return () => {};
  const devices = mediaDevices();
  const look = () => listDevices().then(run, () => {});
  devices.addEventListener("devicechange", look);
  return () => devices.removeEventListener("devicechange", look);
}

/**
 * @param {{ deviceId?: string | undefined, resolution?: Resolution | undefined, frameRate?: number | undefined,
 *   facingMode?: "user" | "environment" | undefined, locale?: string | undefined }} [options]
 *   with `deviceId` that very device is meant: if it is gone the error is `device_lost`
 * @returns {Promise<MediaStreamTrack>}
 */
export async function openCamera({ deviceId, resolution = "720p", frameRate = 30, facingMode, locale = "en" } = {}) {
  const { width, height } = RESOLUTIONS[resolution];
  /** @type {MediaTrackConstraints} */
  const video = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: frameRate } };
  if (deviceId) video.deviceId = { exact: deviceId };
  else if (facingMode) video.facingMode = { ideal: facingMode };
  const stream = await open({ video }, deviceId !== undefined && deviceId !== "", locale);
  return first(stream.getVideoTracks(), locale);
}

/**
 * @param {{ deviceId?: string | undefined, music?: boolean | undefined, locale?: string | undefined }} [options]
 *   music: no voice processing, for instruments or a mixing desk
 * @returns {Promise<MediaStreamTrack>}
 */
export async function openMicrophone({ deviceId, music = false, locale = "en" } = {}) {
  /** @type {MediaTrackConstraints} */
  const audio = { echoCancellation: !music, noiseSuppression: !music, autoGainControl: !music };
  if (deviceId) audio.deviceId = { exact: deviceId };
  const stream = await open({ audio }, deviceId !== undefined && deviceId !== "", locale);
  return first(stream.getAudioTracks(), locale);
}

/**
 * Let the person choose a screen, window or tab; its sound comes along where the browser can.
 * @param {{ audio?: boolean | undefined, frameRate?: number | undefined, locale?: string | undefined }} [options]
 * @returns {Promise<{ video: MediaStreamTrack, audio: MediaStreamTrack | null }>}
 */
export async function openScreen({ audio = true, frameRate = 15, locale = "en" } = {}) {
  const devices = mediaDevices(locale);
  if (!devices.getDisplayMedia) throw new LianmaiError("unsupported_browser", undefined, { locale });
  try {
    const stream = await devices.getDisplayMedia({ video: { frameRate: { ideal: frameRate } }, audio });
    return { video: first(stream.getVideoTracks(), locale), audio: stream.getAudioTracks()[0] ?? null };
  } catch (error) {
    throw classify(error, { screen: true, locale });
  }
}

/**
 * @param {"camera" | "microphone"} kind
 * @returns {Promise<"granted" | "denied" | "prompt" | "unknown">} without asking the person
 */
export async function permission(kind) {
  try {
    const name = /** @type {PermissionName} */ (kind);
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return "unknown";
  }
}

/**
 * @param {MediaStreamConstraints} constraints
 * @param {boolean} chosen the person picked this device: a missing one was unplugged
 * @param {string} locale
 */
async function open(constraints, chosen, locale) {
  try {
    return await mediaDevices(locale).getUserMedia(constraints);
  } catch (error) {
    const failure = classify(error, { locale });
    if (chosen && failure.code === "no_device") {
      throw new LianmaiError("device_lost", undefined, { locale, cause: error });
    }
    throw failure;
  }
}

/** @param {string} [locale] */
function mediaDevices(locale = "en") {
  const devices = globalThis.navigator?.mediaDevices;
  if (devices) return devices;
  const code = globalThis.isSecureContext === false ? "insecure_context" : "unsupported_browser";
  throw new LianmaiError(code, undefined, { locale });
}

/**
 * @param {MediaStreamTrack[]} tracks
 * @param {string} locale
 */
function first(tracks, locale) {
  const track = tracks[0];
  if (!track) throw new LianmaiError("no_device", undefined, { locale });
  return track;
}
