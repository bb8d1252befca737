/**
 * What can be played: tracks that the room describes *and* the media path delivers. The two arrive in either order.
 * @module
 */
import { RemoteTrack } from "./tracks.js";

/** @typedef {import("./types.js").TrackInfo} TrackInfo */

/**
 * @typedef {object} ReceivedEvents
 * @property {(track: RemoteTrack) => void} added also when the media of a known one was renewed
 * @property {(track: RemoteTrack) => void} updated
 * @property {(track: RemoteTrack) => void} removed
 */

export class Received {
  #on;
  /** @type {Map<string, TrackInfo>} */
  #infos = new Map();
  /** @type {Map<string, MediaStreamTrack>} */
  #media = new Map();
  /** @type {Map<string, RemoteTrack>} */
  #tracks = new Map();

  /** @param {ReceivedEvents} on */
  constructor(on) {
    this.#on = on;
  }

  /** By track id. @returns {ReadonlyMap<string, RemoteTrack>} */
  get tracks() {
    return this.#tracks;
  }

  /** Ids of everything the media path delivers. */
  get ids() {
    return [...this.#media.keys()];
  }

  /** @param {readonly TrackInfo[]} infos all tracks of the room */
  describe(infos) {
    this.#infos = new Map(infos.map((info) => [info.id, info]));
    this.#reconcile();
  }

  /** @param {Map<string, MediaStreamTrack>} media all that is received now, by track id */
  deliver(media) {
    this.#media = media;
    this.#reconcile();
  }

  clear() {
    this.deliver(new Map());
  }

  #reconcile() {
    for (const [id, track] of this.#tracks) {
      if (this.#infos.has(id) && this.#media.has(id)) continue;
      this.#tracks.delete(id);
      track.emit("removed", { track });
      this.#on.removed(track);
    }
    for (const [id, media] of this.#media) {
      const info = this.#infos.get(id);
      if (!info) continue;
      const known = this.#tracks.get(id);
      if (!known) {
        const track = new RemoteTrack(info, media);
        this.#tracks.set(id, track);
        this.#on.added(track);
        continue;
      }
      if (known.setMedia(media)) this.#on.added(known);
      if (known.update(info)) this.#on.updated(known);
    }
  }
}
