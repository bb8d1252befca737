/**
 * The show: joins the room as its host, publishes what Capture holds, and keeps the two in step while devices are
 * switched, muted, lost and found.
 *
 * Events: `change` (render again), `ended` (the visit is over: a Failure), `trouble` (something failed, the show goes on).
 */
import { RESOLUTIONS } from "../sdk/devices.js";
import { Emitter } from "../sdk/emitter.js";
import { LianmaiRoom } from "../sdk/lianmai.js";
import { getLocale } from "./locale.js";

/**
 * @typedef {import("../sdk/tracks.js").LocalTrack} LocalTrack
 * @typedef {import("../sdk/types.js").Source} Source
 * @typedef {import("./capture.js").Capture} Capture
 */

/**
 * @typedef {object} BroadcastEvents
 * @property {null} change
 * @property {unknown} ended
 * @property {unknown} trouble
 */

/** @typedef {{ lastedMs: number, peak: number }} Summary */

/** @extends {Emitter<BroadcastEvents>} */
export class Broadcast extends Emitter {
  #capture;
  #token;
  /** @type {LianmaiRoom | null} */
  room = null;
  onAir = false;
  starting = false;
  /** Shown after a show that this page hosted. @type {Summary | null} */
  summary = null;
  /** @type {import("./components/show-panel.js").Uplink | null} */
  uplink = null;
  #startedAt = 0;
  #peak = 0;
  /** @type {Map<Source, LocalTrack>} */
  #published = new Map();
  /** Sources whose publishing is under way. @type {Set<Source>} */
  #busy = new Set();

  /**
   * @param {Capture} capture
   * @param {() => Promise<string>} token
   */
  constructor(capture, token) {
    super();
    this.#capture = capture;
    this.#token = token;
    capture.on("change", () => void this.#sync());
  }

  get joined() {
    return Boolean(this.room?.self);
  }

  /** @returns {import("../sdk/types.js").RoomInfo | null} what the server said about the room */
  get info() {
    return this.room?.self ? this.room.info : null;
  }

  /** Enter the room: see and hear the guests, show nothing yet. Failures arrive as `ended`. */
  async join() {
    this.leave();
    const room = new LianmaiRoom({ token: this.#token, locale: getLocale() });
    this.room = room;
    room.on("viewers", () => this.#changed());
    room.on("state", ({ state }) => {
      if (state === "reconnecting") this.uplink = null;
      // A server that was restarted knows of no show: ours goes on.
      if (state === "joined" && this.onAir && !this.starting && room.info.state === "idle") {
        room.startShow().catch((error) => this.emit("trouble", error));
      }
      this.#changed();
    });
    room.on("room", ({ info, previous }) => {
      // Ended elsewhere, or the server waited too long for us: the cameras' picture goes nowhere any more.
      if (info.state === "ended" && previous.state !== "ended" && this.onAir && !this.starting) this.#close();
      this.#changed();
    });
    room.on("unpublished", ({ track, code, message }) => {
      if (this.#published.get(track.source) === track) this.#published.delete(track.source);
      if (this.onAir && code !== "show_ended") this.emit("trouble", { code, message });
    });
    room.on("uplink", ({ quality, reason, bitrate_bps: bitrateBps, loss, rtt_ms: rttMs }) => {
      this.uplink = { quality, reason, bitrateBps, loss, rttMs };
      this.#changed();
    });
    room.on("error", (error) => this.emit("trouble", error));
    room.on("bye", (bye) => {
      if (this.room === room) this.#over(bye);
    });
    try {
      await room.join();
      this.#changed();
    } catch (error) {
      if (this.room === room) this.#over(error);
    }
  }

  /** Publish what there is and start (or carry on) the show. Rejects when it cannot begin. */
  async goLive() {
    const room = this.room;
    if (!room || this.starting || this.onAir) return;
    this.starting = true;
    this.summary = null;
    this.#changed();
    const running = room.info.state === "live" || room.info.state === "away";
    try {
      this.onAir = true;
      await Promise.all([this.#sync(), running ? null : room.startShow()]);
      this.#startedAt = (running && readStart(room.info.name)) || Date.now();
      writeStart(room.info.name, this.#startedAt);
      this.#peak = room.info.viewers;
    } catch (error) {
      this.onAir = false;
      await this.#unpublishAll();
      throw error;
    } finally {
      this.starting = false;
      this.#changed();
    }
  }

  /** End the show for everybody. */
  async end() {
    const { room } = this;
    if (!room || !this.onAir) return;
    this.#close();
    this.#changed();
    try {
      await room.endShow();
    } finally {
      await this.#unpublishAll();
      this.#changed();
    }
  }

  get lastedMs() {
    return this.#startedAt === 0 ? 0 : Math.max(0, Date.now() - this.#startedAt);
  }

  leave() {
    const leaving = this.room;
    this.room = null;
    this.onAir = false;
    this.starting = false;
    this.uplink = null;
    this.#published.clear();
    leaving?.leave().catch(() => {});
  }

  /** Off the air; what was on it is summed up. */
  #close() {
    writeStart(this.room?.info.name ?? "", null);
    this.summary = { lastedMs: this.lastedMs, peak: this.#peak };
    this.onAir = false;
    this.uplink = null;
  }

  /** @param {unknown} reason */
  #over(reason) {
    this.leave();
    this.emit("ended", reason);
    this.#changed();
  }

  #changed() {
    this.#peak = Math.max(this.#peak, this.info?.viewers ?? 0);
    this.emit("change", null);
  }

  /** Bring what is published in line with what the devices deliver. */
  async #sync() {
    if (!this.onAir) return;
    const { tracks, screen } = this.#capture;
    await Promise.all([
      this.#keep("camera", tracks.camera),
      this.#keep("microphone", tracks.microphone),
      this.#keep("screen", screen?.video ?? null),
      this.#keep("screen_audio", screen?.audio ?? null),
    ]);
  }

  /**
   * @param {Source} source
   * @param {MediaStreamTrack | null} media
   */
  async #keep(source, media) {
    // One change per source at a time; a change that came meanwhile is looked at again afterwards.
    if (this.#busy.has(source) || !this.room) return;
    this.#busy.add(source);
    const before = this.#state(source);
    try {
      await this.#change(source, media);
    } finally {
      this.#busy.delete(source);
    }
    if (this.onAir && before !== this.#state(source)) await this.#keep(source, this.#media(source));
  }

  /**
   * @param {Source} source
   * @param {MediaStreamTrack | null} media
   */
  async #change(source, media) {
    const local = this.#published.get(source);
    const muted = this.#muted(source);
    if (!media) {
      // A lost device keeps its place, muted, so that viewers see initials and a replacement needs no negotiation.
      if (local && (source === "camera" || source === "microphone")) await local.mute(true);
      else if (local) await this.#drop(source, local);
      return;
    }
    if (!local) {
      const options = { source, muted, ...(source === "camera" ? { maxBitrate: this.#bitrate } : {}) };
      const made = await this.room?.publish(media, options);
      if (made) this.#published.set(source, made);
      return;
    }
    if (local.mediaStreamTrack !== media) await local.replace(media);
    if (source === "camera") await local.setMaxBitrate(this.#bitrate);
    if (local.muted !== muted) await local.mute(muted);
  }

  get #bitrate() {
    return RESOLUTIONS[this.#capture.choice.resolution].maxBitrate;
  }

  /** @param {Source} source */
  #muted(source) {
    if (source !== "camera" && source !== "microphone") return false;
    return this.#capture.off[source] || this.#capture.tracks[source] === null;
  }

  /**
   * @param {Source} source
   * @returns {MediaStreamTrack | null}
   */
  #media(source) {
    const { tracks, screen } = this.#capture;
    if (source === "camera" || source === "microphone") return tracks[source];
    return (source === "screen" ? screen?.video : screen?.audio) ?? null;
  }

  /** What #keep compares to see that something moved while it worked. @param {Source} source */
  #state(source) {
    return `${this.#media(source)?.id} ${this.#muted(source)} ${this.#capture.choice.resolution}`;
  }

  /**
   * @param {Source} source
   * @param {LocalTrack} local
   */
  async #drop(source, local) {
    this.#published.delete(source);
    await this.room?.unpublish(local);
  }

  async #unpublishAll() {
    const all = [...this.#published];
    this.#published.clear();
    await Promise.allSettled(all.map(([, local]) => this.room?.unpublish(local)));
  }
}

/** When this tab's show began, so that a reload in the middle of it does not start the clock again. */
const START_KEY = "lianmai.started";

/** @param {string} room @returns {number | null} ms since the epoch */
function readStart(room) {
  try {
    return Number(sessionStorage.getItem(`${START_KEY}.${room}`)) || null;
  } catch {
    return null;
  }
}

/**
 * @param {string} room
 * @param {number | null} at
 */
function writeStart(room, at) {
  try {
    if (at === null) sessionStorage.removeItem(`${START_KEY}.${room}`);
    else sessionStorage.setItem(`${START_KEY}.${room}`, String(at));
  } catch {
    // Storage may be blocked: the clock then starts again after a reload.
  }
}
