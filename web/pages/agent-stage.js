/**
 * The room's picture in the middle of the console, as viewers see it, with our own picture in our place while we are on.
 */
import { Stage } from "./components/stage.js";
import { byId } from "./dom.js";
import { leadPeer, liveView } from "./live-view.js";
import { RemoteStage } from "./remote-stage.js";
import { readSound, writeSound } from "./sound.js";

/** @typedef {import("./agent-call.js").AgentCall} AgentCall */

export class AgentStage {
  #stage = byId("stage", Stage);
  #changed;
  /** @type {AgentCall | null} */
  #call = null;
  /** @type {RemoteStage | null} */
  #remote = null;
  #deaf = false;

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** What the picture is like, in the live page's terms. @returns {import("./live-view.js").Scene} */
  get view() {
    return liveView({
      tokenNeeded: false,
      failure: null,
      roomState: this.#call?.room.state ?? "idle",
      info: this.#call?.info ?? null,
      tracks: this.#remote?.tracks ?? [],
      pictureSeen: this.#remote?.pictureSeen ?? false,
      unplayable: null,
    }).scene;
  }

  /** Name of the host; empty when there is none. */
  get host() {
    const info = this.#call?.info;
    return info ? (leadPeer(info)?.name ?? "") : "";
  }

  get blocked() {
    return this.#remote?.blocked === true && !this.#deaf;
  }

  get still() {
    return this.#remote?.still === true;
  }

  get sound() {
    return readSound();
  }

  /** Show this room, or none. @param {AgentCall | null} call */
  follow(call) {
    if (call !== this.#call) {
      this.#remote?.close();
      this.#remote = null;
      this.#call = call;
      if (call) {
        this.#deaf = call.mode === "ring";
        this.#remote = new RemoteStage(call.room, this.#stage, this.#audible);
        this.#remote.addEventListener("change", this.#changed);
      }
    }
    // A room is not heard while it rings: the ring is.
    const deaf = call?.mode === "ring" || call?.mode === "back";
    if (call && deaf !== this.#deaf) {
      this.#deaf = deaf;
      this.#remote?.setSound(this.#audible);
    }
    this.#showOwn(call);
  }

  /** Our own picture stands in our own place, as viewers see it but mirrored. @param {AgentCall | null} call */
  #showOwn(call) {
    const remote = this.#remote;
    if (!remote) return;
    const capture = call?.mode === "air" ? call.capture : null;
    const camera = capture && !capture.off.camera ? capture.tracks.camera : null;
    const own = capture && {
      camera,
      screen: capture.screen?.video ?? null,
      micMuted: capture.off.microphone || capture.tracks.microphone === null,
      mirrored: camera?.getSettings().facingMode !== "environment",
    };
    const shown = remote.own;
    const same = own?.camera === shown?.camera && own?.screen === shown?.screen && own?.micMuted === shown?.micMuted;
    if (!same || (own === null) !== (shown === null)) remote.own = own;
  }

  toggleSound() {
    const { muted, volume } = readSound();
    writeSound({ muted: !muted, volume: muted && volume === 0 ? 1 : volume });
    this.#remote?.setSound(this.#audible);
    this.#changed();
  }

  async unblock() {
    await this.#remote?.unblock();
  }

  get #audible() {
    const { muted, volume } = readSound();
    return { muted: muted || this.#deaf, volume };
  }
}
