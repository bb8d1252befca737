/**
 * Plays a room's remote tracks on a stage: one player per tile, one volume for all of them, and the news of the
 * first picture and of blocked sound.
 *
 * Events: `change` (tracks, first picture or sound state changed: render again).
 */
import { Player } from "../sdk/player.js";
import { tileId, tilesOf } from "./live-view.js";
import { onLocale, t } from "./locale.js";

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("../sdk/tracks.js").RemoteTrack} RemoteTrack
 * @typedef {import("./components/stage.js").Stage} Stage
 */

/** The tracks of a host who leaves go a moment before the news that the show is away. */
const AWAY_FOLLOWS_MS = 2000;

export class RemoteStage extends EventTarget {
  /** @type {Map<string, { player: Player, video: HTMLVideoElement, tracks: Set<RemoteTrack> }>} */
  #players = new Map();
  /** @type {Set<string>} tiles that drew a frame */
  #seen = new Set();
  #room;
  #stage;
  #muted;
  #volume = 1;
  #still = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} runs while it is not yet known whether the host is away */
  #doubt;
  /** @type {() => void} */
  #stopLocale;
  /** The browser refused sound until the person presses something. */
  blocked = false;

  /**
   * @param {LianmaiRoom} room
   * @param {Stage} stage
   * @param {{ muted: boolean, volume: number }} sound
   */
  constructor(room, stage, { muted, volume }) {
    super();
    this.#room = room;
    this.#stage = stage;
    this.#muted = muted;
    this.#volume = volume;
    for (const type of ["track", "trackremoved", "room", "speakers"]) {
      room.addEventListener(type, () => this.update());
    }
    this.#stopLocale = onLocale(() => this.update());
  }

  /** True once any picture of what is on now was drawn. */
  get pictureSeen() {
    return this.#seen.size > 0;
  }

  /** The last picture before the host was gone stands behind the tiles. */
  get still() {
    return this.#still;
  }

  /** The audible level the person chose. */
  get sound() {
    return { muted: this.#muted, volume: this.#volume };
  }

  /** @returns {readonly import("./live-view.js").TrackHeard[]} */
  get tracks() {
    return [...this.#room.tracks.values()];
  }

  /**
   * @param {{ muted: boolean, volume: number }} sound volume 0-1
   */
  setSound({ muted, volume }) {
    this.#muted = muted;
    this.#volume = volume;
    this.#applySound();
    this.dispatchEvent(new Event("change"));
  }

  /** Called from a click: the browser lets sound start now. */
  async unblock() {
    this.#muted = false;
    this.blocked = false;
    this.#applySound();
    await Promise.allSettled([...this.#players.values()].map(({ player }) => player.unmute()));
    this.dispatchEvent(new Event("change"));
  }

  /** Bring stage and players in line with the room. */
  update() {
    const info = this.#room.info;
    if (!info) return;
    // What a host sends before the show or after it is nobody's to see or hear.
    const on = info.state === "live" || info.state === "away";
    const tiles = on ? tilesOf(info, this.tracks, (name) => t("live.camera_off", { name })) : [];
    const wanted = new Set(tiles.map((tile) => tile.id));
    // Before the players of tracks that went with the host are closed.
    if (on) this.#keepStill(info.state === "away", tiles);
    else this.#dropStill();
    for (const [id, { player }] of this.#players) {
      if (wanted.has(id)) continue;
      player.close();
      this.#players.delete(id);
      this.#seen.delete(id);
    }
    for (const tile of tiles) this.#play(tile.id);
    if (info.state === "live" && this.#still && !this.#doubt) this.#watchReturn();
    this.#stage.show(tiles);
    this.dispatchEvent(new Event("change"));
  }

  /** Stop everything; the room is not touched. */
  close() {
    this.#stopLocale();
    for (const { player } of this.#players.values()) player.close();
    this.#players.clear();
    this.#seen.clear();
    this.#dropStill();
    this.#stage.show([]);
  }

  /** @param {string} id of a tile */
  #play(id) {
    const entry = this.#players.get(id) ?? this.#open(id);
    const wanted = new Set([...this.#room.tracks.values()].filter((track) => tileId(track.peer, track.source) === id));
    for (const track of entry.tracks) {
      if (wanted.has(track)) continue;
      entry.player.detach(track);
      entry.tracks.delete(track);
    }
    for (const track of wanted) {
      if (entry.tracks.has(track)) continue;
      entry.tracks.add(track);
      entry.player.attach(track);
    }
  }

  /** @param {string} id */
  #open(id) {
    const video = this.#stage.video(id);
    video.muted = this.#muted || this.blocked;
    video.volume = this.#volume;
    const player = new Player(video);
    player.on("autoplayblocked", () => this.#setBlocked());
    player.on("firstframe", () => {
      this.#seen.add(id);
      if (this.#room.info?.state === "live") this.#dropStill();
      this.dispatchEvent(new Event("change"));
    });
    const entry = { player, video, tracks: new Set() };
    this.#players.set(id, entry);
    return entry;
  }

  /** A host whose media survived the absence brings no first frame, only the next one. */
  #watchReturn() {
    for (const { video } of this.#players.values()) {
      video.requestVideoFrameCallback?.(() => {
        if (!this.#still || this.#room.info?.state !== "live") return;
        this.#dropStill();
        this.dispatchEvent(new Event("change"));
      });
    }
  }

  /**
   * @param {boolean} away
   * @param {readonly import("./components/stage.js").Tile[]} tiles about to be shown
   */
  #keepStill(away, tiles) {
    if (this.#still) {
      if (away) this.#endDoubt();
      return;
    }
    // A camera that is only switched off leaves its track, and nothing of its picture.
    const gone = !tiles.some((tile) => tile.picture) && !this.tracks.some(({ muted, source }) => muted && source === "camera");
    if (!this.pictureSeen || !(away || gone)) return;
    this.#still = this.#stage.keepStill();
    if (!this.#still || away) return;
    this.#doubt = setTimeout(() => {
      this.#dropStill();
      this.dispatchEvent(new Event("change"));
    }, AWAY_FOLLOWS_MS);
  }

  #endDoubt() {
    clearTimeout(this.#doubt);
    this.#doubt = undefined;
  }

  #dropStill() {
    this.#still = false;
    this.#endDoubt();
    this.#stage.dropStill();
  }

  #applySound() {
    for (const { video } of this.#players.values()) {
      video.muted = this.#muted || this.blocked;
      video.volume = this.#volume;
    }
  }

  #setBlocked() {
    if (this.blocked || this.#muted) return;
    this.blocked = true;
    this.#applySound();
    this.dispatchEvent(new Event("change"));
  }
}
