/**
 * What this peer sends: one RTCPeerConnection, offers made here, one negotiation at a time. ICE candidates are never
 * waited for and never sent: the server is ICE-lite and learns our address from our checks.
 * @module
 */
import { Backoff } from "./backoff.js";
import { LianmaiError, asError } from "./errors.js";
import { PathMonitor } from "./path.js";
import { withStartBitrate } from "./sdp_hints.js";
import { MLines, offeredOf, sent, startBitrates, tune } from "./senders.js";
import { LocalTrack } from "./tracks.js";

/** @typedef {import("./env.js").Env} Env */
/** @typedef {import("./types.js").RequestFn} RequestFn */
/** @typedef {import("./types.js").TrackInfo} TrackInfo */
/** @typedef {import("./tracks.js").PublishOptions} PublishOptions */

/**
 * @typedef {object} PublisherOptions
 * @property {Env} env
 * @property {RTCConfiguration} rtcConfig
 * @property {RequestFn} request
 * @property {() => boolean} reachable false while signaling is down
 * @property {() => Promise<unknown>} ready resolves once joined, rejects once closed
 * @property {() => readonly TrackInfo[]} ownTracks what the room says that we publish
 * @property {(error: LianmaiError) => void} [onProblem]
 * @property {(track: LocalTrack, error: LianmaiError) => void} [onLost] a published track could not be kept
 * @property {(track: LocalTrack) => void} [onBegin] a track is about to be published
 * @property {(track: LocalTrack, held: unknown) => void} [onAccepted] the server has it, and holds it or does not
 * @property {(state: import("./path.js").PathState) => void} [onPath]
 * @property {() => string} [locale]
 */

/** @typedef {{ resolve: (track: LocalTrack) => void, reject: (error: LianmaiError) => void }} Waiter */

/** These say nothing against the tracks: the same offer on a fresh transport may work. */
const PASSING = new Set([
  "connection_lost", "session_lost", "timeout", "busy", "transport_not_found", "worker_unavailable", "rate_limited",
  "internal", "media_failed", "request_timeout",
]);
const GONE = new Set(["closed", "not_connected"]);
const MAX_TRIES = 6;

export class Publisher {
  #options;
  #env;
  #backoff;
  #path;
  /** @type {RTCPeerConnection | null} */
  #peer = null;
  /** @type {string | null} */
  #transport = null;
  /** @type {Set<LocalTrack>} */
  #tracks = new Set();
  #lines = new MLines();
  /** @type {Map<LocalTrack, Waiter>} */
  #waiters = new Map();
  /** What the server was last told. @type {WeakMap<LocalTrack, boolean>} */
  #toldMuted = new WeakMap();
  #generation = 0;
  #running = false;
  #dirty = false;
  #wantRestart = false;
  #closed = false;
  #retryTimer = 0;

  /** @param {PublisherOptions} options */
  constructor(options) {
    this.#options = options;
    this.#env = options.env;
    this.#backoff = new Backoff({ random: options.env.random });
    this.#path = new PathMonitor(options.env, {
      restart: () => {
        this.#wantRestart = true;
        this.#kick();
      },
      rebuild: () => this.#rebuildLater(this.#error("media_failed")),
      reachable: options.reachable,
      state: (state) => {
        if (state === "connected") this.#backoff.reset();
        options.onPath?.(state);
      },
    });
  }

  /** @returns {ReadonlySet<LocalTrack>} */
  get tracks() {
    return this.#tracks;
  }

  /** @type {RTCPeerConnection | null} */
  get peer() {
    return this.#peer;
  }

  /** The server's name for the transport, null before the first answer. */
  get transport() {
    return this.#transport;
  }

  /**
   * Publish a track. Several calls in a row share one offer; the offer is made while the connection is still joining.
   * @param {MediaStreamTrack} track
   * @param {PublishOptions} options
   * @returns {Promise<LocalTrack>} rejects with the server's reason, for example `forbidden`
   */
  publish(track, options) {
    if (this.#closed) return Promise.reject(this.#error("closed"));
    const local = new LocalTrack(track, options, this.#owner);
    this.#options.onBegin?.(local);
    this.#tracks.add(local);
    return new Promise((resolve, reject) => {
      this.#waiters.set(local, { resolve, reject });
      this.#kick();
    });
  }

  /**
   * @param {LocalTrack} local the device is left running
   */
  async unpublish(local) {
    if (!this.#tracks.delete(local)) return;
    local.release();
    this.#waiters.get(local)?.reject(this.#error("closed"));
    this.#waiters.delete(local);
    this.#lines.park(local);
    const { id } = local;
    local.id = null;
    if (id === null) return;
    try {
      await this.#options.request("unpublish", { track: id }, { retry: true });
    } catch (error) {
      if (/** @type {LianmaiError} */ (error).code !== "track_not_found") throw error;
    }
  }

  /** The network changed, or the server says that it no longer hears us. */
  restartIce() {
    this.#path.restart();
  }

  /** Signaling is back under the same Peer: what it was too late to say meanwhile is said now. */
  resumed() {
    this.#path.check();
    for (const local of this.#tracks) void this.#sayMuted(local).catch(() => {});
    if (!this.#running && !this.#retryTimer && this.#waiters.size === 0) this.#reap();
  }

  /**
   * Start again on a fresh transport with every track we have: the server lost the old one, or we are a new Peer.
   * @param {{ abandon?: boolean }} [options] abandon: the server may still have the old tracks; take them back
   */
  rebuild({ abandon = false } = {}) {
    this.#generation++;
    this.#running = false;
    this.#env.clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
    this.#path.unwatch();
    this.#peer?.close();
    this.#peer = null;
    this.#transport = null;
    this.#lines.clear();
    this.#wantRestart = false;
    for (const local of this.#tracks) {
      local.transceiver = null;
      if (abandon && local.id !== null) this.#takeBack(local.id);
      local.id = null;
    }
    if (this.#tracks.size > 0) this.#kick();
  }

  /**
   * The server ended these tracks of ours, and nothing else happened that would explain it.
   * @param {readonly LocalTrack[]} tracks
   * @param {readonly string[]} ids by which the server knew them; those published anew since have others
   */
  prune(tracks, ids) {
    for (const local of tracks) {
      if (local.id !== null && ids.includes(local.id)) this.lose(local, this.#error("unpublished"));
    }
  }

  /**
   * The server closed the transport for good; nothing is published again by itself.
   * @param {string} code
   */
  ended(code) {
    for (const local of [...this.#tracks]) this.lose(local, this.#error(code));
    this.rebuild();
  }

  /**
   * End a track here; the server has ended it already, or never had it.
   * @param {LocalTrack} local
   * @param {LianmaiError} error
   */
  lose(local, error) {
    if (!this.#tracks.delete(local)) return;
    const waiter = this.#waiters.get(local);
    this.#waiters.delete(local);
    local.release();
    this.#lines.park(local);
    local.id = null;
    if (waiter) waiter.reject(error);
    else this.#options.onLost?.(local, error);
  }

  /** @param {LianmaiError} error what those are told who still wait to be published */
  close(error) {
    this.#closed = true;
    this.#generation++;
    this.#env.clearTimeout(this.#retryTimer);
    this.#path.unwatch();
    this.#peer?.close();
    this.#peer = null;
    for (const local of this.#tracks) local.release();
    for (const waiter of this.#waiters.values()) waiter.reject(error);
    this.#waiters.clear();
    this.#tracks.clear();
  }

  // --- negotiation ---------------------------------------------------------------------------------------------

  #kick() {
    this.#dirty = true;
    if (this.#running || this.#closed || this.#retryTimer) return;
    this.#running = true;
    void this.#run(this.#generation);
  }

  /** @param {number} generation rounds of an older one notice and stop */
  async #run(generation) {
    // Let every publish() of this turn of the event loop into the first offer.
    await null;
    while (this.#dirty && generation === this.#generation) {
      this.#dirty = false;
      try {
        await this.#round(generation);
      } catch (error) {
        if (generation === this.#generation) await this.#failed(asError(error, "publish_failed", this.#locale));
      }
    }
    if (generation === this.#generation) this.#running = false;
  }

  /** @param {number} generation */
  async #round(generation) {
    const stale = () => generation !== this.#generation;
    if (this.#tracks.size === 0 && !this.#wantRestart) return;
    const peer = (this.#peer ??= this.#open());
    for (const local of this.#tracks) local.transceiver ??= this.#lines.open(peer, local);
    const restart = this.#wantRestart && this.#transport !== null;
    await peer.setLocalDescription(await peer.createOffer(restart ? { iceRestart: true } : {}));
    if (stale()) return;
    await this.#options.ready();
    // More was published while we waited to be joined: offer it all at once.
    if (stale() || this.#dirty) return;
    this.#wantRestart = false;
    const sdp = peer.localDescription?.sdp ?? "";
    const offered = offeredOf(this.#tracks);
    const reply = await this.#ask(sdp, offered, restart);
    if (stale()) return;
    // Before the browser is asked: by the time it has taken the answer, later news may have let go of what is held.
    for (const { mid, held } of reply["tracks"] ?? []) {
      const [local] = [...offered].find((entry) => entry[1] === mid) ?? [];
      if (local && this.#tracks.has(local)) this.#options.onAccepted?.(local, held);
    }
    const answer = withStartBitrate(String(reply["sdp"]), startBitrates(offered));
    await peer.setRemoteDescription({ type: "answer", sdp: answer });
    if (stale()) return;
    this.#settle(reply, offered);
  }

  /**
   * @param {string} sdp
   * @param {Map<LocalTrack, string>} offered
   * @param {boolean} restart
   */
  async #ask(sdp, offered, restart) {
    const { request } = this.#options;
    const news = [...offered.keys()].some((local) => local.id === null);
    if (restart && !news) {
      try {
        return await request("restart_ice", { transport: this.#transport, sdp });
      } catch (error) {
        this.#path.restartFailed();
        throw error;
      }
    }
    const tracks = [...offered].map(([{ source, muted }, mid]) => ({ mid, source, muted }));
    for (const local of offered.keys()) this.#toldMuted.set(local, local.muted);
    const reply = await request("publish", { sdp, tracks, ...(this.#transport ? { transport: this.#transport } : {}) });
    this.#transport = String(reply["transport"]);
    return reply;
  }

  /**
   * @param {Record<string, any>} reply
   * @param {Map<LocalTrack, string>} offered
   */
  #settle(reply, offered) {
    const taken = new Map((reply["tracks"] ?? []).map((/** @type {any} */ track) => [track.mid, track]));
    const refused = new Map((reply["rejected"] ?? []).map((/** @type {any} */ entry) => [entry.mid, entry]));
    for (const [local, mid] of offered) {
      const track = taken.get(mid);
      const refusal = refused.get(mid);
      if (!this.#tracks.has(local)) {
        // Ended here meanwhile; if somebody else has its m-line by now, the next offer begins that one.
        if (track) this.#takeBack(String(track.id));
      } else if (refusal) {
        this.lose(local, new LianmaiError(refusal.code, refusal.message, { locale: this.#locale }));
      } else if (track) {
        local.published(String(track.id));
        if (this.#toldMuted.get(local) !== local.muted) void this.#sayMuted(local).catch(() => {});
        this.#waiters.get(local)?.resolve(local);
        this.#waiters.delete(local);
      } else if (local.id === null) {
        this.lose(local, this.#error("publish_failed"));
      }
    }
    this.#reap();
  }

  /** Tracks of ours that we do not know: the reply to an earlier offer was lost, or we could not say that they ended. */
  #reap() {
    const known = new Set([...this.#tracks].map((local) => local.id));
    for (const track of this.#options.ownTracks()) if (!known.has(track.id)) this.#takeBack(track.id);
  }

  /** @param {string} id */
  #takeBack(id) {
    this.#options.request("unpublish", { track: id }, { retry: true }).catch(() => {});
  }

  /** @param {LianmaiError} error */
  async #failed(error) {
    if (GONE.has(error.code)) {
      for (const local of [...this.#waiters.keys()]) this.lose(local, error);
    } else if (PASSING.has(error.code)) {
      this.#rebuildLater(error);
    } else {
      // The server refused this offer. What it had accepted before goes on; what was new does not.
      for (const local of [...this.#tracks]) if (local.id === null) this.lose(local, error);
      const peer = this.#peer;
      if (this.#transport === null) this.rebuild();
      else if (peer?.signalingState === "have-local-offer") await peer.setLocalDescription({ type: "rollback" });
    }
  }

  /** @param {LianmaiError} error */
  #rebuildLater(error) {
    if (this.#closed || this.#retryTimer) return;
    const delay = this.#backoff.next((error.retryAfterS ?? 0) * 1000);
    this.#options.onProblem?.(error);
    if (this.#backoff.tries > MAX_TRIES) {
      for (const local of [...this.#waiters.keys()]) this.lose(local, error);
    }
    this.#retryTimer = this.#env.setTimeout(() => this.rebuild({ abandon: true }), delay);
  }

  #open() {
    const peer = this.#env.openPeer(this.#options.rtcConfig);
    this.#path.watch(peer);
    return peer;
  }

  // --- what a LocalTrack asks for ------------------------------------------------------------------------------

  /** @type {import("./tracks.js").LocalOwner} */
  #owner = {
    muteChanged: async (local) => {
      // A camera that is back must send before the server looks for its packets again.
      const applied = this.#applyEncoding(local);
      if (!local.muted) await applied;
      await this.#sayMuted(local);
    },
    replaced: async (local) => {
      await local.transceiver?.sender.replaceTrack(sent(local));
    },
    holdChanged: async (local) => {
      const replaced = local.transceiver?.sender.replaceTrack(sent(local));
      await Promise.all([replaced, this.#applyEncoding(local)]);
    },
    lockChanged: (local) => {
      // The server has muted it already: it need not be told.
      if (local.locked) this.#toldMuted.set(local, true);
      void this.#applyEncoding(local);
    },
    error: (code) => this.#error(code),
    encodingChanged: (local) => this.#applyEncoding(local),
    unpublish: (local) => this.unpublish(local),
  };

  /** @param {LocalTrack} local */
  async #sayMuted(local) {
    // Before it is published the offer says it; if that is under way, the reply's handler looks again.
    if (local.id === null || this.#toldMuted.get(local) === local.muted) return;
    const { muted } = local;
    this.#toldMuted.set(local, muted);
    try {
      await this.#options.request("mute", { track: local.id, muted }, { retry: true });
    } catch (error) {
      // Heard or not, nobody knows: it is said again after the next resume.
      if (this.#toldMuted.get(local) === muted) this.#toldMuted.delete(local);
      throw error;
    }
  }

  /** @param {LocalTrack} local */
  async #applyEncoding(local) {
    if (local.transceiver) await tune(local.transceiver.sender, local);
  }

  get #locale() {
    return this.#options.locale?.() ?? "en";
  }

  /** @param {string} code */
  #error(code) {
    return new LianmaiError(code, undefined, { locale: this.#locale });
  }
}
