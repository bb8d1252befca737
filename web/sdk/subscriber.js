/**
 * What this peer receives: one RTCPeerConnection, offers made by the server, numbered, answered one at a time. The
 * browser's own jitter buffer is left alone: the server steers it by the playout-delay header extension.
 * @module
 */
import { Backoff } from "./backoff.js";
import { LianmaiError, asError } from "./errors.js";
import { PathMonitor } from "./path.js";

/** @typedef {import("./env.js").Env} Env */
/** @typedef {import("./types.js").Offer} Offer */
/** @typedef {import("./types.js").RequestFn} RequestFn */

/**
 * @typedef {object} SubscriberOptions
 * @property {Env} env
 * @property {RTCConfiguration} rtcConfig
 * @property {RequestFn} request
 * @property {() => boolean} reachable false while signaling is down
 * @property {(tracks: Map<string, MediaStreamTrack>) => void} onTracks everything received now, by track id
 * @property {() => "auto" | string[] | null} wanted what to subscribe to on a fresh transport; null: nothing
 * @property {(track: string, error: LianmaiError) => void} [onRejected]
 * @property {(error: LianmaiError) => void} [onProblem]
 * @property {(state: import("./path.js").PathState) => void} [onPath]
 * @property {() => string} [locale]
 */

/** Nothing is wrong with the transport when a request ends with one of these. */
const HARMLESS = new Set(["stale_answer", "closed", "not_connected", "session_lost"]);

export class Subscriber {
  #options;
  #env;
  #backoff;
  #path;
  /** @type {RTCPeerConnection | null} */
  #peer = null;
  /** @type {string | null} */
  #transport = null;
  /** Of the last offer handled. */
  #version = -1;
  /** The last answer, until the server has it. @type {{ version: number, sdp: string } | null} */
  #unacknowledged = null;
  /** The newest offer not yet handled. @type {Offer | null} */
  #next = null;
  #running = false;
  #closed = false;
  #retryTimer = 0;

  /** @param {SubscriberOptions} options */
  constructor(options) {
    this.#options = options;
    this.#env = options.env;
    this.#backoff = new Backoff({ random: options.env.random });
    this.#path = new PathMonitor(options.env, {
      restart: () => this.#askRestart(),
      rebuild: () => this.#rebuildLater(this.#error("media_failed")),
      reachable: options.reachable,
      state: (state) => {
        if (state === "connected") this.#backoff.reset();
        options.onPath?.(state);
      },
    });
  }

  /** @type {RTCPeerConnection | null} */
  get peer() {
    return this.#peer;
  }

  /** The server's name for the transport, null before the first offer. */
  get transport() {
    return this.#transport;
  }

  /** Make the RTCPeerConnection ahead of the first offer: while the WebSocket opens. */
  warm() {
    if (!this.#closed) this.#peer ??= this.#open();
  }

  /**
   * Answer an offer; if several arrive during a negotiation only the newest counts.
   * @param {Offer} offer
   */
  offer(offer) {
    if (this.#closed) return;
    if (offer.transport === this.#transport && offer.version <= this.#version) {
      // Replayed after a resume: the server still waits for what we answered.
      if (offer.version === this.#version && this.#unacknowledged) this.#send(this.#unacknowledged);
      return;
    }
    this.#next = offer;
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  /** The network changed, or the server says that it no longer hears us. */
  restartIce() {
    this.#path.restart();
  }

  /** Signaling is back under the same Peer. */
  resumed() {
    this.#path.check();
  }

  /** Forget the transport; a new one comes with the next offer. Nothing is asked for. */
  reset() {
    this.#env.clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
    this.#path.unwatch();
    this.#peer?.close();
    this.#peer = null;
    this.#transport = null;
    this.#version = -1;
    this.#unacknowledged = null;
    this.#next = null;
  }

  /** The server lost the transport: forget it and subscribe again. */
  rebuild() {
    this.reset();
    const tracks = this.#options.wanted();
    if (this.#closed || tracks === null) return;
    this.warm();
    this.#options.request("subscribe", { tracks, anew: true }).catch((error) => this.#rebuildLater(asError(error)));
  }

  close() {
    this.#closed = true;
    this.reset();
  }

  // --- negotiation ---------------------------------------------------------------------------------------------

  async #run() {
    for (let offer = this.#next; offer !== null; offer = this.#next) {
      this.#next = null;
      try {
        await this.#answer(offer);
      } catch (error) {
        if (offer.transport === this.#transport) {
          this.#rebuildLater(new LianmaiError("media_failed", undefined, { locale: this.#locale, cause: error }));
        }
      }
    }
    this.#running = false;
  }

  /** @param {Offer} offer */
  async #answer(offer) {
    if (offer.transport !== this.#transport) {
      const next = this.#next;
      if (this.#transport !== null) this.reset();
      this.#next = next;
      this.#transport = offer.transport;
    }
    const peer = (this.#peer ??= this.#open());
    await peer.setRemoteDescription({ type: "offer", sdp: offer.sdp });
    if (peer !== this.#peer) return;
    const answering = peer.createAnswer();
    // The application gets its tracks while the answer is made: its video element is ready before the first packet.
    this.#report(peer, offer);
    const answer = await answering;
    if (peer !== this.#peer) return;
    const applied = peer.setLocalDescription(answer);
    this.#version = offer.version;
    this.#unacknowledged = { version: offer.version, sdp: answer.sdp ?? "" };
    this.#send(this.#unacknowledged);
    await applied;
  }

  /** @param {{ version: number, sdp: string }} answer */
  #send(answer) {
    const transport = this.#transport;
    this.#options.request("answer", { transport, ...answer }, { retry: true }).then(
      (reply) => {
        if (this.#unacknowledged === answer) this.#unacknowledged = null;
        for (const entry of reply["rejected"] ?? []) {
          const error = new LianmaiError(entry.code, entry.message, { locale: this.#locale });
          this.#options.onRejected?.(entry.track, error);
        }
      },
      (error) => {
        if (transport !== this.#transport || HARMLESS.has(error.code)) return;
        if (error.code !== "timeout") this.#rebuildLater(error);
      },
    );
  }

  /**
   * @param {RTCPeerConnection} peer
   * @param {Offer} offer
   */
  #report(peer, offer) {
    const byMid = new Map(peer.getTransceivers().map((transceiver) => [transceiver.mid, transceiver.receiver.track]));
    /** @type {Map<string, MediaStreamTrack>} */
    const tracks = new Map();
    for (const { mid, track } of offer.tracks) {
      const media = byMid.get(mid);
      if (media) tracks.set(track, media);
    }
    this.#options.onTracks(tracks);
  }

  #askRestart() {
    const transport = this.#transport;
    if (transport === null) return;
    this.#options.request("restart_ice", { transport }).catch((error) => {
      if (transport !== this.#transport) return;
      this.#path.restartFailed();
      if (error.code === "transport_not_found") this.#rebuildLater(error);
    });
  }

  /** @param {LianmaiError} error */
  #rebuildLater(error) {
    if (this.#closed || this.#retryTimer || error.code === "closed") return;
    this.#options.onProblem?.(error);
    const delay = this.#backoff.next((error.retryAfterS ?? 0) * 1000);
    this.#retryTimer = this.#env.setTimeout(() => this.rebuild(), delay);
  }

  #open() {
    const peer = this.#env.openPeer(this.#options.rtcConfig);
    this.#path.watch(peer);
    return peer;
  }

  get #locale() {
    return this.#options.locale?.() ?? "en";
  }

  /** @param {string} code */
  #error(code) {
    return new LianmaiError(code, undefined, { locale: this.#locale });
  }
}
