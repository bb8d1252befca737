/**
 * The host's own devices: opened at a click, changed while the show runs, recovered when one vanishes.
 * It knows nothing of rooms; Broadcast publishes what it finds here.
 *
 * Events: `change` (anything below), `lost` and `restored` {source}.
 */
import { listDevices, openCamera, openMicrophone, openScreen, watchDevices } from "../sdk/devices.js";
import { Emitter } from "../sdk/emitter.js";
import { codeOf } from "./errors.js";
import { asResolution } from "./host-view.js";

/**
 * @typedef {"camera" | "microphone"} DeviceSource
 * @typedef {import("../sdk/devices.js").Device} Device
 * @typedef {import("./host-view.js").Resolution} Resolution
 * @typedef {{ camera: string, microphone: string, resolution: Resolution }} Choice device ids may be empty: any
 */

/**
 * @typedef {object} CaptureEvents
 * @property {null} change
 * @property {{ source: DeviceSource }} lost
 * @property {{ source: DeviceSource }} restored
 */

const CHOICE_KEY = "lianmai.devices";
const MUSIC_KEY = "lianmai.music";

/** @extends {Emitter<CaptureEvents>} */
export class Capture extends Emitter {
  /** @type {"closed" | "opening" | "open"} */
  state = "closed";
  /** @type {Record<DeviceSource, MediaStreamTrack | null>} */
  tracks = { camera: null, microphone: null };
  /** Why a device is missing. @type {Record<DeviceSource, string | null>} */
  problems = { camera: null, microphone: null };
  /** Switched off by the host; kept while devices come and go. @type {Record<DeviceSource, boolean>} */
  off = { camera: false, microphone: false };
  /** @type {{ video: MediaStreamTrack, audio: MediaStreamTrack | null } | null} */
  screen = null;
  /** @type {readonly Device[]} */
  devices = [];
  choice = readChoice();
  /** The microphone as it is, without what makes speech clearer. */
  music = readMusic();
  /** Only the newest request for a device counts. @type {Record<DeviceSource, number>} */
  #asked = { camera: 0, microphone: 0 };

  constructor() {
    super();
    watchDevices((devices) => void this.#devicesChanged(devices));
  }

  /** The code to explain when neither device could be had. */
  get trouble() {
    if (this.tracks.camera || this.tracks.microphone) return null;
    return this.problems.camera ?? this.problems.microphone;
  }

  /** Ask for camera and microphone. Either may fail alone; see `problems`. */
  async open() {
    if (this.state === "opening") return;
    this.state = "opening";
    this.emit("change", null);
    await Promise.all([this.#open("camera"), this.#open("microphone")]);
    await this.#list();
    this.state = this.tracks.camera || this.tracks.microphone ? "open" : "closed";
    this.emit("change", null);
  }

  /** Another try for a device that failed or vanished. @param {DeviceSource} source */
  async retry(source) {
    await this.#open(source);
    await this.#list();
    if (this.tracks[source]) this.state = "open";
    this.emit("change", null);
  }

  /**
   * @param {DeviceSource} source
   * @param {string} deviceId
   */
  async choose(source, deviceId) {
    const former = this.choice;
    this.choice = { ...this.choice, [source]: deviceId };
    await this.#open(source);
    if (!this.tracks[source] && former[source] !== deviceId) {
      // The new one would not open: better the old picture than none. Its problem stays on show.
      const problem = this.problems[source];
      this.choice = former;
      await this.#open(source);
      this.problems[source] = problem;
    }
    writeChoice(this.choice);
    this.emit("change", null);
  }

  /** @param {Resolution} resolution */
  async setResolution(resolution) {
    this.choice = { ...this.choice, resolution };
    writeChoice(this.choice);
    if (this.tracks.camera) await this.#open("camera");
    this.emit("change", null);
  }

  /**
   * Speech is made clearer by the browser, music is spoiled by that. Opens the microphone again.
   * @param {boolean} music
   * @returns {Promise<boolean>} false when it could not be opened so, and is as it was
   */
  async setMusic(music) {
    if (music === this.music) return true;
    this.music = music;
    const had = this.tracks.microphone !== null;
    if (had) await this.#open("microphone");
    const done = !had || this.tracks.microphone !== null;
    if (!done) {
      this.music = !music;
      await this.#open("microphone");
    }
    writeMusic(this.music);
    this.emit("change", null);
    return done;
  }

  /**
   * @param {DeviceSource} source
   * @param {boolean} off
   */
  setOff(source, off) {
    this.off[source] = off;
    const track = this.tracks[source];
    if (track) track.enabled = !off;
    this.emit("change", null);
  }

  /** Must be called from a click. Rejects with the SDK's error; `cancelled` when the host changed their mind. */
  async openScreen() {
    const { video, audio } = await openScreen();
    video.addEventListener("ended", () => {
      if (this.screen?.video === video) this.closeScreen();
    });
    this.screen = { video, audio };
    this.emit("change", null);
  }

  closeScreen() {
    this.screen?.video.stop();
    this.screen?.audio?.stop();
    this.screen = null;
    this.emit("change", null);
  }

  /** Switch every device off. */
  close() {
    for (const source of /** @type {const} */ (["camera", "microphone"])) {
      this.#asked[source] += 1;
      this.tracks[source]?.stop();
      this.tracks[source] = null;
    }
    this.state = "closed";
    this.closeScreen();
  }

  /** @param {DeviceSource} source */
  async #open(source) {
    const turn = (this.#asked[source] += 1);
    // Many cameras cannot be opened twice, not even by the same page.
    this.tracks[source]?.stop();
    this.tracks[source] = null;
    let track = null;
    let problem = null;
    try {
      track = await this.#request(source);
    } catch (error) {
      problem = codeOf(error);
    }
    if (turn !== this.#asked[source]) {
      track?.stop();
      return;
    }
    this.problems[source] = problem;
    this.tracks[source] = track;
    if (!track) return;
    track.enabled = !this.off[source];
    this.choice = { ...this.choice, [source]: track.getSettings().deviceId ?? this.choice[source] };
    track.addEventListener("ended", () => this.#ended(source, track));
  }

  /** @param {DeviceSource} source */
  async #request(source) {
    const deviceId = this.choice[source] || undefined;
    if (source === "microphone") return openMicrophone({ deviceId, music: this.music });
    return openCamera({ deviceId, resolution: this.choice.resolution });
  }

  /**
   * @param {DeviceSource} source
   * @param {MediaStreamTrack} track
   */
  #ended(source, track) {
    if (this.tracks[source] !== track) return;
    this.tracks[source] = null;
    this.problems[source] = "device_lost";
    this.emit("lost", { source });
    this.emit("change", null);
    void this.#list();
  }

  /**
   * The devices of one kind.
   * @param {DeviceSource} source
   */
  list(source) {
    return this.devices.filter((device) => device.kind === source);
  }

  /**
   * Something was plugged in or out.
   * @param {readonly Device[]} devices
   */
  async #devicesChanged(devices) {
    this.devices = devices;
    for (const source of /** @type {const} */ (["camera", "microphone"])) {
      const waiting = this.problems[source] === "device_lost" || this.problems[source] === "no_device";
      if (!waiting || this.tracks[source]) continue;
      const list = this.list(source);
      // The host's own device is back, or the first one ever appeared: no question needed, it was on before.
      const back = list.some((device) => device.id === this.choice[source]);
      const first = this.problems[source] === "no_device" && list.length > 0;
      if (!back && !first) continue;
      await this.retry(source);
      if (this.tracks[source]) this.emit("restored", { source });
    }
    this.emit("change", null);
  }

  async #list() {
    try {
      this.devices = await listDevices();
    } catch {
      this.devices = [];
    }
  }
}

/** @returns {Choice} */
function readChoice() {
  try {
    const kept = /** @type {Partial<Choice> | null} */ (JSON.parse(localStorage.getItem(CHOICE_KEY) ?? "null"));
    return {
      camera: String(kept?.camera ?? ""),
      microphone: String(kept?.microphone ?? ""),
      resolution: asResolution(kept?.resolution),
    };
  } catch {
    return { camera: "", microphone: "", resolution: "720p" };
  }
}

/** @param {Choice} choice */
function writeChoice(choice) {
  try {
    localStorage.setItem(CHOICE_KEY, JSON.stringify(choice));
  } catch {
    // Storage may be blocked; the choice lives as long as the page.
  }
}

function readMusic() {
  try {
    return localStorage.getItem(MUSIC_KEY) === "on";
  } catch {
    return false;
  }
}

/** @param {boolean} music */
function writeMusic(music) {
  try {
    localStorage.setItem(MUSIC_KEY, music ? "on" : "off");
  } catch {
    // Storage may be blocked; the choice lives as long as the page.
  }
}
