/**
 * The two things an application holds: what it publishes, and what it receives.
 * @module
 */
import { Emitter } from "./emitter.js";

/** @typedef {import("./types.js").Source} Source */
/** @typedef {import("./types.js").Kind} Kind */
/** @typedef {import("./types.js").TrackInfo} TrackInfo */

/**
 * @typedef {object} PublishOptions
 * @property {Source} source
 * @property {number} [maxBitrate] bits per second
 * @property {number} [maxFramerate] frames per second
 * @property {string} [contentHint] see MediaStreamTrack.contentHint; screens default to `detail`
 * @property {boolean} [muted] start muted
 * @property {boolean} [held] send nothing until going on air; the track itself goes on for a preview
 */

/** @typedef {{ track: MediaStreamTrack, ready: Promise<void>, setSource: (track: MediaStreamTrack) => void, close: () => void }} Cover */
/** @typedef {(track: MediaStreamTrack) => Cover} MakeCover what to send in its place; `ready` when it can be seen */

/**
 * What a LocalTrack asks of its Publisher.
 * @typedef {object} LocalOwner
 * @property {(track: LocalTrack) => Promise<void>} muteChanged
 * @property {(track: LocalTrack) => Promise<void>} holdChanged
 * @property {(track: LocalTrack) => void} lockChanged
 * @property {(code: string) => Error} error
 * @property {(track: LocalTrack) => Promise<void>} replaced
 * @property {(track: LocalTrack) => Promise<void>} encodingChanged
 * @property {(track: LocalTrack) => Promise<void>} unpublish
 */

/**
 * @typedef {object} LocalTrackEvents
 * @property {{ muted: boolean }} mute
 * @property {{ held: boolean }} hold
 * @property {{ locked: boolean }} lock the host muted it, or lets it be unmuted again
 * @property {{ track: LocalTrack }} ended the device stopped or was unplugged; `replace` it or `stop`
 * @property {{ id: string }} id published, or published again under a new id after the server lost its media
 */

/**
 * Something this peer shares. It outlives reconnects: only its `id` may change.
 * @extends {Emitter<LocalTrackEvents>}
 */
export class LocalTrack extends Emitter {
  /** @type {LocalOwner} */
  #owner;
  #muted;
  #held;
  #locked = false;
  /** Only the lock has muted it. */
  #hushed = false;
  /** @type {{ picture: Cover | null, ready: boolean, done: Promise<void> } | null} */
  #cover = null;
  /** The server's id, null until published. @type {string | null} */
  id = null;
  /** @type {RTCRtpTransceiver | null} The library's own. */
  transceiver = null;

  /**
   * @param {MediaStreamTrack} track
   * @param {PublishOptions} options
   * @param {LocalOwner} owner
   */
  constructor(track, options, owner) {
    super();
    this.#owner = owner;
    this.#muted = options.muted === true;
    this.#held = options.held === true;
    this.options = options;
    this.source = options.source;
    this.kind = /** @type {Kind} */ (track.kind);
    this.mediaStreamTrack = track;
    this.#adopt(track);
  }

  get muted() {
    return this.#muted;
  }

  /** Nothing of it leaves this device until we go on air; `mediaStreamTrack` goes on, for the preview. */
  get held() {
    return this.#held;
  }

  /** Muted by the host: it can be unmuted when the host has asked for it. */
  get locked() {
    return this.#locked;
  }

  /** Nothing of the picture itself is sent: what covers it, or nothing. */
  get covered() {
    return this.#cover !== null;
  }

  /** The library's own: what its sender gets. @returns {MediaStreamTrack | null} */
  get outgoing() {
    if (this.#held) return null;
    if (this.#cover) return this.#cover.ready ? this.#cover.picture?.track ?? null : null;
    return this.mediaStreamTrack;
  }

  /**
   * Silence or blacken it here at once, and have the server stop forwarding it. Resolves when the server knows;
   * rejects with `muted_by_host` while it is locked.
   * @param {boolean} muted
   */
  async mute(muted) {
    if (this.#muted === muted) return;
    if (!muted && this.#locked) throw this.#owner.error("muted_by_host");
    this.#hushed = false;
    this.#setMuted(muted);
    try {
      await this.#owner.muteChanged(this);
    } catch (error) {
      // The host was faster; the news of the lock is on its way.
      if (/** @type {{ code?: string }} */ (error)?.code === "muted_by_host") this.#setMuted(true);
      throw error;
    }
  }

  /** The library's own: send it, or keep all of it here. @param {boolean} held */
  async hold(held) {
    if (this.#held === held) return;
    this.#held = held;
    this.emit("hold", { held });
    await this.#owner.holdChanged(this);
  }

  /**
   * The library's own: nothing of the picture leaves from this moment on, but what covers it once that is there. If it
   * cannot be made, nothing at all.
   * @param {MakeCover} make
   * @returns {Promise<void>} when it is sent; rejects with `make`'s reason
   */
  cover(make) {
    if (this.#cover) return this.#cover.done;
    const cover = { picture: /** @type {Cover | null} */ (null), ready: false, done: Promise.resolve() };
    this.#cover = cover;
    const hiding = this.#owner.holdChanged(this);
    const work = async () => {
      cover.picture = make(this.mediaStreamTrack);
      await Promise.all([hiding, cover.picture.ready]);
      if (this.#cover !== cover) return;
      cover.ready = true;
      await this.#owner.holdChanged(this);
    };
    cover.done = work();
    cover.done.catch(() => {});
    return cover.done;
  }

  /** The library's own. */
  async uncover() {
    const cover = this.#cover;
    if (!cover) return;
    this.#cover = null;
    await this.#owner.holdChanged(this);
    cover.picture?.close();
  }

  /**
   * The library's own: the server muted it, or lets it be unmuted.
   * @param {boolean} locked
   * @param {boolean} [over] there is no stage any more that it was muted on: as it was before
   */
  lock(locked, over = false) {
    if (this.#locked === locked) return;
    this.#locked = locked;
    if (locked) {
      this.#hushed = !this.#muted;
      this.#setMuted(true);
    } else if (over && this.#hushed) this.#setMuted(false);
    this.#owner.lockChanged(this);
    this.emit("lock", { locked });
  }

  /**
   * Send another device's track in its place, without renegotiation; the former one is left running.
   * @param {MediaStreamTrack} track of the same kind
   */
  async replace(track) {
    if (track === this.mediaStreamTrack) return;
    this.mediaStreamTrack.removeEventListener("ended", this.#onEnded);
    this.mediaStreamTrack = track;
    this.#adopt(track);
    this.#cover?.picture?.setSource(track);
    await this.#owner.replaced(this);
  }

  /** @param {number | undefined} bps bits per second; undefined removes the limit */
  async setMaxBitrate(bps) {
    const { maxBitrate: _, ...rest } = this.options;
    this.options = bps === undefined ? rest : { ...rest, maxBitrate: bps };
    await this.#owner.encodingChanged(this);
  }

  /** Unpublish and switch the device off. */
  async stop() {
    const track = this.mediaStreamTrack;
    this.release();
    track.stop();
    await this.#owner.unpublish(this);
  }

  /** The library's own: published as `id`. @param {string} id */
  published(id) {
    if (this.id === id) return;
    this.id = id;
    this.emit("id", { id });
  }

  /** The library's own: no longer watched. */
  release() {
    this.mediaStreamTrack.removeEventListener("ended", this.#onEnded);
    this.#cover?.picture?.close();
  }

  /** @param {boolean} muted */
  #setMuted(muted) {
    if (this.#muted === muted) return;
    this.#muted = muted;
    this.mediaStreamTrack.enabled = !muted;
    this.emit("mute", { muted });
  }

  #onEnded = () => this.emit("ended", { track: this });

  /** @param {MediaStreamTrack} track */
  #adopt(track) {
    const { contentHint } = this.options;
    if (contentHint !== undefined) track.contentHint = contentHint;
    else if (this.source === "screen" && !track.contentHint) track.contentHint = "detail";
    track.enabled = !this.#muted;
    track.addEventListener("ended", this.#onEnded);
  }
}

/**
 * @typedef {object} RemoteTrackEvents
 * @property {{ track: RemoteTrack }} update `muted` or `flowing` changed
 * @property {{ track: RemoteTrack }} media `mediaStreamTrack` is another one, after the media path was rebuilt
 * @property {{ track: RemoteTrack }} removed
 */

/**
 * Something another peer shares, as received here.
 * @extends {Emitter<RemoteTrackEvents>}
 */
export class RemoteTrack extends Emitter {
  /** @type {TrackInfo} */
  #info;

  /**
   * @param {TrackInfo} info
   * @param {MediaStreamTrack} track
   */
  constructor(info, track) {
    super();
    this.#info = info;
    this.mediaStreamTrack = track;
  }

  get id() {
    return this.#info.id;
  }

  /** The publisher's peer id. */
  get peer() {
    return this.#info.peer;
  }

  get kind() {
    return this.#info.kind;
  }

  get source() {
    return this.#info.source;
  }

  get muted() {
    return this.#info.muted;
  }

  /** False while the server receives nothing from the publisher. */
  get flowing() {
    return this.#info.flowing !== false;
  }

  /** The library's own. @param {TrackInfo} info */
  update(info) {
    if (info === this.#info) return false;
    const changed = info.muted !== this.#info.muted || info.flowing !== this.#info.flowing;
    this.#info = info;
    if (changed) this.emit("update", { track: this });
    return changed;
  }

  /** The library's own. @param {MediaStreamTrack} track */
  setMedia(track) {
    if (track === this.mediaStreamTrack) return false;
    this.mediaStreamTrack = track;
    this.emit("media", { track: this });
    return true;
  }
}
