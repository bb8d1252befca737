/**
 * Watches one RTCPeerConnection's path and decides when to restart ICE and when to give it up:
 * `disconnected` for 2 s or a change of network -> restart; still not connected 8 s later, or DTLS failed -> rebuild.
 */

/** @typedef {import("./env.js").Env} Env */
/** @typedef {"connecting" | "connected" | "interrupted" | "failed"} PathState */

const DISCONNECTED_MS = 2_000;
const RESTART_MS = 8_000;

export class PathMonitor {
  #env;
  #on;
  /** @type {RTCPeerConnection | null} */
  #peer = null;
  /** @type {() => void} */
  #stop = () => {};
  #patience = 0;
  #verdict = 0;
  #restarting = false;
  /** @type {PathState} */
  #told = "connecting";

  /**
   * @param {Env} env
   * @param {{ restart: () => void, rebuild: () => void, state?: (state: PathState) => void,
   *   reachable?: () => boolean }} on reachable: false while signaling is down, when no restart can have worked
   */
  constructor(env, on) {
    this.#env = env;
    this.#on = on;
  }

  /** @param {RTCPeerConnection} peer replaces the one watched before */
  watch(peer) {
    this.unwatch();
    this.#peer = peer;
    this.#told = "connecting";
    const look = () => this.#look();
    peer.addEventListener("connectionstatechange", look);
    peer.addEventListener("iceconnectionstatechange", look);
    this.#stop = () => {
      peer.removeEventListener("connectionstatechange", look);
      peer.removeEventListener("iceconnectionstatechange", look);
    };
  }

  unwatch() {
    this.#stop();
    this.#stop = () => {};
    this.#peer = null;
    this.#restarting = false;
    this.#clear();
  }

  /** The network changed, or the server lost sight of us: do not wait for the browser to notice. */
  restart() {
    const peer = this.#peer;
    if (!peer || peer.connectionState === "new" || this.#restarting) return;
    this.#restarting = true;
    this.#clear();
    this.#expectSuccess(peer);
    this.#on.restart();
  }

  /** The restart could not be asked for (no signaling just then); the next one may be. */
  restartFailed() {
    this.#restarting = false;
    this.#env.clearTimeout(this.#verdict);
    this.#verdict = 0;
  }

  /** Call when signaling is back: whatever went wrong meanwhile is mended now. */
  check() {
    const peer = this.#peer;
    if (!peer) return;
    if (this.#restarting) this.#expectSuccess(peer);
    else if (peer.iceConnectionState === "disconnected" || peer.connectionState === "failed") this.restart();
  }

  /** @param {RTCPeerConnection} peer */
  #expectSuccess(peer) {
    this.#env.clearTimeout(this.#verdict);
    this.#verdict = this.#env.setTimeout(() => {
      this.#verdict = 0;
      this.#restarting = false;
      if (this.#peer !== peer || isUp(peer)) return;
      // Without signaling nobody was told of the restart. check() goes on from here.
      if (this.#on.reachable?.() ?? true) this.#giveUp();
    }, RESTART_MS);
  }

  #look() {
    const peer = this.#peer;
    if (!peer) return;
    if (isUp(peer)) {
      this.#restarting = false;
      this.#clear();
      this.#tell("connected");
    } else if (peer.connectionState === "failed" || peer.iceConnectionState === "failed") {
      const dtls = peer.iceConnectionState === "connected" || peer.iceConnectionState === "completed";
      this.#tell("failed");
      if (dtls) this.#giveUp();
      else this.restart();
    } else if (peer.iceConnectionState === "disconnected") {
      this.#tell("interrupted");
      if (this.#restarting || this.#patience) return;
      this.#patience = this.#env.setTimeout(() => {
        this.#patience = 0;
        this.restart();
      }, DISCONNECTED_MS);
    }
  }

  /** @param {PathState} state */
  #tell(state) {
    if (state === this.#told) return;
    this.#told = state;
    this.#on.state?.(state);
  }

  #giveUp() {
    this.#clear();
    this.#tell("failed");
    this.#on.rebuild();
  }

  #clear() {
    this.#env.clearTimeout(this.#patience);
    this.#env.clearTimeout(this.#verdict);
    this.#patience = this.#verdict = 0;
  }
}

/** @param {RTCPeerConnection} peer */
function isUp(peer) {
  const ice = peer.iceConnectionState;
  return (ice === "connected" || ice === "completed") && peer.connectionState === "connected";
}
