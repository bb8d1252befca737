/**
 * What we send in a call: each device opened when it is needed and not before, published held while we wait, and what
 * the agent asks of the camera.
 *
 * Events: `change`, `trouble` (something failed and the rest goes on).
 */
import { nextCamera } from "../pages/agent-view.js";
import { Capture } from "../pages/capture.js";
import { Outgoing } from "../pages/outgoing.js";
import { capabilities, facingOf, permission, setTorch, setZoom, takeStill } from "../sdk/devices.js";
import { Emitter } from "../sdk/emitter.js";
import { LianmaiError } from "../sdk/errors.js";
import { needs } from "./view.js";

/**
 * @typedef {import("../pages/capture.js").DeviceSource} DeviceSource
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("./types.js").DeviceView} DeviceView
 * @typedef {import("./types.js").Media} Media
 */

/** @extends {Emitter<{ change: null, trouble: unknown }>} */
export class CallMedia extends Emitter {
  #capture = new Capture();
  /** @type {Set<DeviceSource>} */
  #opening = new Set();
  /** @type {Outgoing | null} */
  #outgoing = null;

  constructor() {
    super();
    this.#capture.on("change", () => this.emit("change", null));
  }

  get capture() {
    return this.#capture;
  }

  /** @param {DeviceSource} source @returns {DeviceView} */
  view(source) {
    const { tracks, problems, off } = this.#capture;
    const problem = problems[source];
    const state = this.#opening.has(source) ? "opening" : tracks[source] ? "on" : problem ? "problem" : "none";
    return { state, off: off[source], problem };
  }

  /** There is another camera to turn to. */
  get canFlip() {
    return nextCamera(this.#capture.list("camera"), this.#capture.choice.camera) !== null;
  }

  /** The camera looks away from the person: its picture is not a mirror. */
  get facesAway() {
    const { camera } = this.#capture.tracks;
    return camera !== null && facingOf(camera) === "environment";
  }

  /**
   * Open what such a call needs and is not open; from a tap, because the browser may ask.
   * @param {Media} media
   * @returns {Promise<boolean>} whether all of it is there
   */
  async want(media) {
    const missing = needs(media).filter((source) => !this.#capture.tracks[source] && !this.#opening.has(source));
    for (const source of missing) this.#opening.add(source);
    if (missing.length > 0) this.emit("change", null);
    if (missing.length === 2) await askTogether();
    await Promise.all(
      missing.map(async (source) => {
        await this.#capture.retry(source);
        this.#opening.delete(source);
      }),
    );
    this.emit("change", null);
    return needs(media).every((source) => this.#capture.tracks[source] !== null);
  }

  /** The same where no question would be asked, for example after a reload. @param {Media} media */
  async restore(media) {
    const allowed = await Promise.all(needs(media).map((source) => permission(source)));
    if (allowed.length > 0 && allowed.every((state) => state === "granted")) await this.want(media);
  }

  /**
   * Publish what there is, and what comes.
   * @param {LianmaiRoom} room
   * @param {boolean} held nothing leaves the device until the call is answered
   */
  send(room, held) {
    if (!this.#outgoing) {
      this.#outgoing = new Outgoing(room, this.#capture);
      this.#outgoing.on("trouble", (error) => this.emit("trouble", error));
    }
    if (held) void this.#outgoing.sync();
    else this.#outgoing.release();
  }

  get sending() {
    return this.#outgoing !== null;
  }

  /** Off, on, or another try. @param {DeviceSource} source */
  async toggle(source) {
    const capture = this.#capture;
    if (capture.tracks[source]) {
      capture.setOff(source, !capture.off[source]);
      return;
    }
    capture.off[source] = false;
    this.#opening.add(source);
    this.emit("change", null);
    await capture.retry(source);
    this.#opening.delete(source);
    this.emit("change", null);
  }

  async flip() {
    const next = nextCamera(this.#capture.list("camera"), this.#capture.choice.camera);
    if (next) await this.#capture.choose("camera", next);
  }

  /** From a tap. */
  async share() {
    if (this.#capture.screen) this.#capture.closeScreen();
    else await this.#capture.openScreen();
  }

  /** What the camera can do and does, for the agent; null: there is none. */
  get device() {
    const { camera } = this.#capture.tracks;
    return camera ? capabilities(camera, this.#capture.devices) : null;
  }

  /**
   * Lamp and zoom, as the agent asks.
   * @param {"torch" | "zoom"} ask
   * @param {number | boolean | null} value
   */
  async adjust(ask, value) {
    const { camera } = this.#capture.tracks;
    if (!camera) throw new LianmaiError("no_device");
    if (ask === "torch") await setTorch(camera, value === null ? this.device?.torch !== true : Boolean(value));
    else await setZoom(camera, Number(value ?? 1));
    this.emit("change", null);
  }

  /** As sharp as this camera can. @returns {Promise<Blob>} */
  async still() {
    const { camera } = this.#capture.tracks;
    if (!camera) throw new LianmaiError("no_device");
    return takeStill(camera);
  }

  /** Everything off and taken back. */
  stop() {
    this.#outgoing?.close();
    this.#outgoing = null;
    this.#capture.close();
    Object.assign(this.#capture.off, { camera: false, microphone: false });
    Object.assign(this.#capture.problems, { camera: null, microphone: null });
    this.emit("change", null);
  }
}

/**
 * One question for both devices where the browser would ask two. Only for the permission: what is sent is opened with its
 * own settings, and many cameras cannot be opened twice.
 */
async function askTogether() {
  const states = await Promise.all([permission("camera"), permission("microphone")]);
  if (states.every((state) => state === "granted") || states.includes("denied")) return;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    for (const track of stream.getTracks()) track.stop();
  } catch {
    // Each is asked for alone, then: there may be only one of the two.
  }
}
