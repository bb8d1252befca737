/**
 * A supervisor's voice in the host's ear: the microphone is opened at the first hold and silent whenever it is not held.
 *
 * Events: `change`.
 */
import { openMicrophone } from "../sdk/devices.js";
import { Emitter } from "../sdk/emitter.js";
import { getLocale } from "./locale.js";

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("../sdk/tracks.js").LocalTrack} LocalTrack
 */

/** @extends {Emitter<{ change: null }>} */
export class Whisper extends Emitter {
  #room;
  #held = false;
  #closed = false;
  /** @type {Promise<void> | null} */
  #opening = null;
  /** @type {MediaStreamTrack | null} */
  track = null;
  /** @type {LocalTrack | null} */
  #local = null;
  /** Why the last hold came to nothing. @type {unknown} */
  trouble = null;
  /** @type {() => void} */
  #undo;

  /** @param {LianmaiRoom} room */
  constructor(room) {
    super();
    this.#room = room;
    this.#undo = room.on("unpublished", ({ track, code, message }) => {
      if (track !== this.#local) return;
      this.trouble = { code, message };
      this.#drop();
      this.emit("change", null);
    });
  }

  /** @returns {"rest" | "opening" | "talking"} */
  get state() {
    if (!this.#held) return "rest";
    return this.#local && !this.#local.muted ? "talking" : "opening";
  }

  hold() {
    this.#held = true;
    this.trouble = null;
    void this.#settle();
  }

  letGo() {
    if (!this.#held) return;
    this.#held = false;
    // Silence does not wait for anything.
    if (this.track) this.track.enabled = false;
    void this.#settle();
  }

  close() {
    this.#closed = true;
    this.#held = false;
    this.#undo();
    const local = this.#local;
    this.#drop();
    if (local) void this.#room.unpublish(local).catch(() => {});
  }

  async #settle() {
    this.emit("change", null);
    try {
      if (this.#held && !this.#local) await (this.#opening ??= this.#open().finally(() => (this.#opening = null)));
      // While that took its time the hand may have let go.
      await this.#local?.mute(!this.#held);
    } catch (error) {
      if (this.#closed) return;
      this.trouble = error;
      this.#held = false;
    }
    if (!this.#closed) this.emit("change", null);
  }

  async #open() {
    const track = this.track ?? (await openMicrophone({ locale: getLocale() }));
    if (this.#closed) {
      track.stop();
      return;
    }
    track.enabled = false;
    this.track = track;
    track.addEventListener("ended", () => {
      if (this.track !== track) return;
      this.#drop();
      this.emit("change", null);
    });
    const local = await this.#room.publish(track, { source: "whisper", muted: true });
    if (this.#closed) void this.#room.unpublish(local).catch(() => {});
    else this.#local = local;
  }

  #drop() {
    this.track?.stop();
    this.track = null;
    this.#local = null;
  }
}
