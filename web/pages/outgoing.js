/**
 * What a guest sends: publishes what a Capture holds and keeps the two in step while devices are switched, muted,
 * locked by the host, lost and found. Held at first (nothing leaves the device), on air later.
 *
 * Events: `change`, `trouble` (something failed and the rest goes on).
 */
import { RESOLUTIONS } from "../sdk/devices.js";
import { Emitter } from "../sdk/emitter.js";

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("../sdk/tracks.js").LocalTrack} LocalTrack
 * @typedef {import("../sdk/types.js").Source} Source
 * @typedef {import("./capture.js").Capture} Capture
 */

/** @extends {Emitter<{ change: null, trouble: unknown }>} */
export class Outgoing extends Emitter {
  #capture;
  #room;
  #held = true;
  #closed = false;
  /** @type {Map<Source, LocalTrack>} */
  #published = new Map();
  /** Sources whose publishing is under way. @type {Map<Source, Promise<void>>} */
  #busy = new Map();
  /** @type {(() => void)[]} */
  #undo = [];

  /**
   * @param {LianmaiRoom} room joined, or about to be
   * @param {Capture} capture
   */
  constructor(room, capture) {
    super();
    this.#room = room;
    this.#capture = capture;
    this.#undo.push(
      capture.on("change", () => void this.sync()),
      room.on("unpublished", ({ track }) => {
        if (this.#published.get(track.source) !== track) return;
        this.#published.delete(track.source);
        this.emit("change", null);
      }),
    );
  }

  /** Whether anything is published or about to be. */
  get sending() {
    return this.#published.size > 0;
  }

  /** From now on what is newly published goes straight on air: a screen, a camera found again. */
  release() {
    this.#held = false;
    void this.sync();
  }

  /** Bring what is published in line with what the devices deliver. Never rejects: see `trouble`. */
  async sync() {
    if (this.#closed) return;
    const sources = /** @type {Source[]} */ (["microphone", "camera"]);
    // A screen is nothing to prepare in secret.
    if (!this.#held) sources.push("screen", "screen_audio");
    await Promise.all(sources.map((source) => this.#keep(source)));
  }

  /** Take everything back and follow the devices no longer; the devices are left running. */
  close() {
    this.#closed = true;
    for (const undo of this.#undo.splice(0)) undo();
    for (const local of this.#published.values()) void this.#room.unpublish(local).catch(() => {});
    this.#published.clear();
  }

  /** One change per source at a time; one that came meanwhile is looked at again afterwards. @param {Source} source */
  async #keep(source) {
    const running = this.#busy.get(source);
    if (running) return running;
    const work = this.#settle(source).finally(() => this.#busy.delete(source));
    this.#busy.set(source, work);
    return work;
  }

  /** @param {Source} source */
  async #settle(source) {
    let before = "";
    try {
      while (!this.#closed && before !== this.#state(source)) {
        before = this.#state(source);
        await this.#change(source, this.#media(source));
      }
    } catch (error) {
      if (!this.#closed) this.emit("trouble", error);
    }
    this.emit("change", null);
  }

  /**
   * @param {Source} source
   * @param {MediaStreamTrack | null} media
   */
  async #change(source, media) {
    const local = this.#published.get(source);
    if (!media) {
      // A lost device keeps its place, muted, so that a replacement needs no negotiation.
      if (local && isDevice(source)) await local.mute(true);
      else if (local) await this.#drop(source, local);
      return;
    }
    const muted = this.#muted(source);
    if (!local) {
      const rate = source === "camera" ? { maxBitrate: this.#bitrate } : {};
      const made = await this.#room.publish(media, { source, muted, ...(this.#held ? { held: true } : {}), ...rate });
      if (this.#closed) await this.#room.unpublish(made);
      else this.#published.set(source, made);
      return;
    }
    if (local.mediaStreamTrack !== media) await local.replace(media);
    if (source === "camera") await local.setMaxBitrate(this.#bitrate);
    // Locked by the host: only the host lifts that, and says so.
    if (local.muted !== muted && (muted || !local.locked)) await local.mute(muted);
  }

  /**
   * @param {Source} source
   * @param {LocalTrack} local
   */
  async #drop(source, local) {
    this.#published.delete(source);
    await this.#room.unpublish(local);
  }

  get #bitrate() {
    return RESOLUTIONS[this.#capture.choice.resolution].maxBitrate;
  }

  /** @param {Source} source */
  #muted(source) {
    return isDevice(source) && (this.#capture.off[source] || this.#capture.tracks[source] === null);
  }

  /**
   * @param {Source} source
   * @returns {MediaStreamTrack | null}
   */
  #media(source) {
    if (isDevice(source)) return this.#capture.tracks[source];
    const { screen } = this.#capture;
    return (source === "screen" ? screen?.video : screen?.audio) ?? null;
  }

  /** What changes when there is something to do. @param {Source} source */
  #state(source) {
    return `${this.#media(source)?.id} ${this.#muted(source)} ${this.#capture.choice.resolution}`;
  }
}

/**
 * @param {Source} source
 * @returns {source is import("./capture.js").DeviceSource}
 */
function isDevice(source) {
  return source === "camera" || source === "microphone";
}
