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

/** A phone's camera focuses and fires; one that takes longer has failed. */
const PHOTO_MS = 4_000;

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
 * What a camera can do, and does. Browsers that cannot say are taken at their word: it can do nothing.
 * @param {MediaStreamTrack} track
 * @param {readonly Device[]} [devices] what there is, for whether there is another camera to turn to
 * @returns {{ facing: "user" | "environment" | null, torch: boolean | null,
 *   zoom: { min: number, max: number, value: number } | null, can: ("still" | "flip" | "torch" | "zoom")[] }}
 *   torch: null where there is none
 */
export function capabilities(track, devices = []) {
  const able = /** @type {Record<string, any>} */ (track.getCapabilities?.() ?? {});
  const now = /** @type {Record<string, any>} */ (track.getSettings?.() ?? {});
  const { min, max } = able["zoom"] ?? {};
  const zoom = typeof max === "number" && max > min ? { min, max, value: Number(now["zoom"] ?? min) } : null;
  const torch = able["torch"] ? now["torch"] === true : null;
  const flip = devices.filter(({ kind }) => kind === "camera").length > 1;
  /** @type {("still" | "flip" | "torch" | "zoom")[]} */
  const can = ["still"];
  if (flip) can.push("flip");
  if (torch !== null) can.push("torch");
  if (zoom) can.push("zoom");
  return { facing: facingOf(track), torch, zoom, can };
}

/**
 * Which way a camera looks, as far as the browser knows.
 * @param {MediaStreamTrack} track
 * @returns {"user" | "environment" | null}
 */
export function facingOf(track) {
  const { facingMode } = track.getSettings?.() ?? {};
  if (facingMode === "user" || facingMode === "environment") return facingMode;
  const said = track.label.toLowerCase();
  if (/\b(back|rear|environment)\b|后置/.test(said)) return "environment";
  return /\b(front|facetime|user)\b|前置/.test(said) ? "user" : null;
}

/**
 * @param {MediaStreamTrack} track a camera's, open: before that browsers do not know of the lamp
 * @param {boolean} on
 * @returns {Promise<void>} rejects with `device_failed` where there is none
 */
export async function setTorch(track, on) {
  await constrain(track, "torch", on);
}

/**
 * @param {MediaStreamTrack} track a camera's
 * @param {number} value what is beyond the camera's range becomes its end
 * @returns {Promise<number>} what it is now; rejects with `device_failed` where there is no zoom
 */
export async function setZoom(track, value) {
  const { zoom } = capabilities(track);
  const near = zoom ? Math.min(zoom.max, Math.max(zoom.min, value)) : value;
  await constrain(track, "zoom", near);
  return near;
}

/**
 * The other camera: the one that looks the other way, or else the next in the list. The former one is closed first, for
 * phones open only one at a time; if the other one fails it is opened again.
 * @param {MediaStreamTrack} track of a camera; ended by this
 * @param {{ resolution?: Resolution | undefined, frameRate?: number | undefined, locale?: string | undefined }} [options]
 * @returns {Promise<{ track: MediaStreamTrack, flipped: boolean }>} flipped: false if it is the former one again
 */
export async function flipCamera(track, { resolution = "720p", frameRate = 30, locale = "en" } = {}) {
  const cameras = (await listDevices()).filter(({ kind }) => kind === "camera");
  const { deviceId } = track.getSettings();
  const at = cameras.findIndex(({ id }) => id === deviceId);
  const next = cameras[(at + 1) % Math.max(1, cameras.length)];
  if (!next || cameras.length < 2) throw new LianmaiError("no_device", undefined, { locale });
  const facing = facingOf(track);
  const same = { resolution, frameRate, locale };
  track.stop();
  try {
    if (facing) {
      const facingMode = facing === "user" ? "environment" : "user";
      const other = await openCamera({ ...same, facingMode });
      if (other.getSettings().deviceId !== deviceId) return { track: other, flipped: true };
      // A browser that does not know which way its cameras look gives the same one.
      other.stop();
    }
    return { track: await openCamera({ ...same, deviceId: next.id }), flipped: true };
  } catch (error) {
    const former = await openCamera({ ...same, ...(deviceId ? { deviceId } : {}) }).catch(() => null);
    if (former) return { track: former, flipped: false };
    throw error;
  }
}

/**
 * A picture as sharp as the camera can take it, which may be far sharper than its video. Where the browser cannot, or the
 * camera does not answer, the present frame of the video.
 * @param {MediaStreamTrack} track
 * @param {{ locale?: string | undefined }} [options]
 * @returns {Promise<Blob>} JPEG or PNG
 */
export async function takeStill(track, { locale = "en" } = {}) {
  const Capture = /** @type {any} */ (globalThis).ImageCapture;
  if (Capture && track.readyState === "live") {
    try {
      const capture = new Capture(track);
      const { imageWidth, imageHeight } = await within(capture.getPhotoCapabilities(), PHOTO_MS);
      const size = imageWidth?.max && imageHeight?.max ? { imageWidth: imageWidth.max, imageHeight: imageHeight.max } : {};
      const photo = /** @type {Blob} */ (await within(capture.takePhoto(size), PHOTO_MS));
      if (photo.size > 0) return photo;
    } catch {
      // Many cameras say that they can and cannot; there is always the video.
    }
  }
  return grab(track, locale);
}

/**
 * The present frame.
 * @param {MediaStreamTrack} track
 * @param {string} locale
 * @returns {Promise<Blob>}
 */
async function grab(track, locale) {
  const video = document.createElement("video");
  try {
    video.muted = true;
    video.playsInline = true;
    video.srcObject = new MediaStream([track]);
    await within(video.play(), PHOTO_MS);
    if (video.videoWidth === 0) await within(new Promise((seen) => video.addEventListener("resize", seen, { once: true })), PHOTO_MS);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    const blob = await new Promise((made) => canvas.toBlob(made, "image/jpeg", 0.92));
    if (!blob) throw new TypeError("no picture");
    return /** @type {Blob} */ (blob);
  } catch (error) {
    throw new LianmaiError("device_failed", undefined, { locale, cause: error });
  } finally {
    video.srcObject = null;
  }
}

/**
 * @template T
 * @param {Promise<T>} work
 * @param {number} ms
 * @returns {Promise<T>}
 */
function within(work, ms) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new TypeError("too late")), ms)));
  return /** @type {Promise<T>} */ (Promise.race([work, late]).finally(() => clearTimeout(timer)));
}

/**
 * @param {MediaStreamTrack} track
 * @param {"torch" | "zoom"} name
 * @param {boolean | number} value
 */
async function constrain(track, name, value) {
  try {
    if (!(/** @type {Record<string, unknown>} */ (track.getCapabilities?.() ?? {})[name])) throw new TypeError(name);
    await track.applyConstraints({ advanced: [/** @type {MediaTrackConstraintSet} */ ({ [name]: value })] });
  } catch (error) {
    throw new LianmaiError("device_failed", undefined, { cause: error });
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
