/**
 * Plays a room on a stage: a tile for everybody who is on it, one player per tile, our own picture in our own place, the
 * listener's volume and one per person, whispers beside it all, and the news of first pictures and of blocked sound.
 *
 *   const remote = new RemoteStage(room, stage, { muted, volume }, { hideSelf: false });
 *   remote.own = { camera, screen, micMuted, mirrored };     // what we send ourselves; null: nothing
 *   remote.setVolume(identity, 0.4);                          // one person's, here only
 *
 * Events: `change` (tracks, first picture or sound state changed: render again), `whisper` {people} (who whispers now).
 */
import { Player } from "../sdk/player.js";
import { identityIn, leadPeer, othersOn, tileId, tilesOf } from "./live-view.js";
import { onLocale, t } from "./locale.js";
import { roleWord } from "./role.js";

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("../sdk/tracks.js").RemoteTrack} RemoteTrack
 * @typedef {import("../sdk/types.js").RoomInfo} RoomInfo
 * @typedef {import("./components/stage.js").Stage} Stage
 * @typedef {import("./components/stage.js").Tile} Tile
 */

/**
 * @typedef {object} OwnMedia
 * @property {MediaStreamTrack | null} camera null: off or missing
 * @property {MediaStreamTrack | null} [screen]
 * @property {boolean} micMuted
 * @property {boolean} [mirrored] default true
 */

/** The tracks of a host who leaves go a moment before the news that the show is away. */
const AWAY_FOLLOWS_MS = 2000;
/** A tile that leaves fades out with its last picture. */
const FADE_OUT_MS = 280;
/** Peers whose identity is remembered after they are gone. */
const KNOWN_MAX = 200;

export class RemoteStage extends EventTarget {
  /** @type {Map<string, { player: Player, video: HTMLVideoElement, tracks: Set<RemoteTrack> }>} by tile */
  #players = new Map();
  /** @type {Set<string>} tiles that drew a frame */
  #seen = new Set();
  /** @type {Map<string, string>} identities by peer, of those who were listed once */
  #known = new Map();
  /** @type {Map<RemoteTrack, Player>} */
  #whispers = new Map();
  #whispering = "";
  /** @type {Map<string, number>} by identity, 0-1 */
  #volumes = new Map();
  /** @type {OwnMedia | null} */
  #own = null;
  #room;
  #stage;
  #muted;
  #volume = 1;
  #hideSelf;
  #still = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} runs while it is not yet known whether the host is away */
  #doubt;
  /** @type {(() => void)[]} */
  #undo = [];
  /** The browser refused sound until the person presses something. */
  blocked = false;

  /**
   * @param {LianmaiRoom} room
   * @param {Stage} stage
   * @param {{ muted: boolean, volume: number }} sound volume 0-1
   * @param {{ hideSelf?: boolean }} [options] hideSelf: our own place has no tile here
   */
  constructor(room, stage, { muted, volume }, { hideSelf = false } = {}) {
    super();
    this.#room = room;
    this.#stage = stage;
    this.#muted = muted;
    this.#volume = volume;
    this.#hideSelf = hideSelf;
    const update = () => this.update();
    for (const type of ["track", "trackremoved", "trackupdated", "room", "speakers"]) {
      room.addEventListener(type, update);
      this.#undo.push(() => room.removeEventListener(type, update));
    }
    this.#undo.push(onLocale(update));
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

  /** What we send ourselves, for our own tile. @returns {OwnMedia | null} */
  get own() {
    return this.#own;
  }

  set own(own) {
    this.#own = own;
    this.update();
  }

  /**
   * @param {{ muted: boolean, volume: number }} sound volume 0-1
   */
  setSound({ muted, volume }) {
    this.#muted = muted;
    this.#volume = volume;
    this.#applySound();
    this.#changed();
  }

  /** How loud this person is here, from 0 to 1 (default), beside the volume of all. @param {string} identity */
  volumeOf(identity) {
    return this.#volumes.get(identity) ?? 1;
  }

  /**
   * @param {string} identity
   * @param {number} volume 0-1
   */
  setVolume(identity, volume) {
    this.#volumes.set(identity, Math.min(1, Math.max(0, volume)));
    this.#applySound();
  }

  /** Called from a click: the browser lets sound start now. */
  async unblock() {
    this.#muted = false;
    this.blocked = false;
    this.#applySound();
    const players = [...[...this.#players.values()].map(({ player }) => player), ...this.#whispers.values()];
    await Promise.allSettled(players.map((player) => player.unmute()));
    this.#changed();
  }

  /** Bring stage and players in line with the room. */
  update() {
    const { info } = this.#room;
    if (!info) return;
    this.#remember(info);
    // What a host sends before the show or after it is nobody's to see or hear.
    const on = info.state === "live" || info.state === "away";
    const tiles = on ? this.#tiles(info) : [];
    // Before the players of tracks that went with the host are closed.
    if (on) this.#keepStill(info.state === "away" && !othersOn(info), tiles);
    else this.#dropStill();
    this.#dropPlayers(new Set(tiles.map((tile) => tile.id)));
    for (const tile of tiles) if (!tile.own) this.#play(tile);
    if (info.state === "live" && this.#still && !this.#doubt) this.#watchReturn();
    const { layout, pin, places } = info.stage;
    const lead = places.length > 0 ? null : leadPeer(info);
    // With places their order decides who is big, and the host can change it.
    this.#stage.show(tiles, lead ? { main: tileId(lead.identity, "camera") } : { layout, pin });
    this.#playOwn(tiles);
    this.#playWhispers();
    this.#changed();
  }

  /** Stop everything; the room is not touched. */
  close() {
    for (const undo of this.#undo.splice(0)) undo();
    for (const { player } of this.#players.values()) player.close();
    for (const player of this.#whispers.values()) player.close();
    this.#players.clear();
    this.#whispers.clear();
    this.#seen.clear();
    this.#dropStill();
    this.#stage.show([]);
  }

  /** @param {RoomInfo} info */
  #tiles(info) {
    const self = this.#room.self?.identity ?? null;
    const tiles = tilesOf(info, this.tracks, {
      words: words(),
      self,
      hideSelf: this.#hideSelf,
      identityOf: (peer) => this.#known.get(peer) ?? peer,
    });
    const own = this.#own;
    return tiles.flatMap((tile) => {
      if (!tile.own || tile.kind === "screen") return [tile];
      const mine = { ...tile, picture: Boolean(own?.camera), micMuted: own?.micMuted ?? true, mirrored: own?.mirrored ?? true };
      if (!own?.screen || self === null) return [mine];
      return [{ ...mine, id: tileId(self, "screen"), kind: /** @type {const} */ ("screen"), picture: true, mirrored: false }, mine];
    });
  }

  /** @param {RoomInfo} info */
  #remember(info) {
    for (const { peer, identity } of info.stage.places) if (peer !== null) this.#known.set(peer, identity);
    for (const { id, identity } of info.peers) this.#known.set(id, identity);
    for (const id of this.#known.keys()) {
      if (this.#known.size <= KNOWN_MAX) break;
      this.#known.delete(id);
    }
  }

  /** @param {Set<string>} wanted ids of tiles */
  #dropPlayers(wanted) {
    for (const [id, { player, video }] of this.#players) {
      if (wanted.has(id)) continue;
      this.#players.delete(id);
      this.#seen.delete(id);
      video.muted = true;
      setTimeout(() => player.close(), FADE_OUT_MS);
    }
  }

  /** @param {Tile} tile */
  #play(tile) {
    const wanted = this.#tracksOf(tile);
    if (wanted.size === 0 && !this.#players.has(tile.id)) return;
    const entry = this.#players.get(tile.id) ?? this.#open(tile);
    const gone = [...entry.tracks].filter((track) => !wanted.has(track));
    if (gone.some(({ kind }) => kind === "video")) this.#stage.keepFrame(tile.id);
    for (const track of gone) {
      entry.player.detach(track);
      entry.tracks.delete(track);
    }
    for (const track of wanted) {
      if (entry.tracks.has(track)) continue;
      entry.tracks.add(track);
      entry.player.attach(track);
    }
  }

  /**
   * One of each source: a reload leaves the former ones there for a moment.
   * @param {Tile} tile
   * @returns {Set<RemoteTrack>}
   */
  #tracksOf({ id, identity }) {
    const { info } = this.#room;
    const place = info.stage.places.find((entry) => entry.identity === identity);
    /** @type {Map<string, RemoteTrack>} */
    const bySource = new Map();
    for (const track of this.#room.tracks.values()) {
      const whose = identityIn(info, track.peer) ?? this.#known.get(track.peer) ?? track.peer;
      if (track.source === "whisper" || tileId(whose, track.source) !== id) continue;
      if (!bySource.has(track.source) || track.peer === place?.peer) bySource.set(track.source, track);
    }
    return new Set(bySource.values());
  }

  /** @param {Tile} tile */
  #open({ id }) {
    const video = this.#stage.video(id);
    const player = new Player(video);
    player.on("autoplayblocked", () => this.#setBlocked());
    player.on("firstframe", () => {
      this.#seen.add(id);
      if (this.#room.info?.state === "live") this.#dropStill();
      this.#changed();
    });
    const entry = { player, video, tracks: new Set() };
    this.#players.set(id, entry);
    this.#applySound();
    return entry;
  }

  /** @param {readonly Tile[]} tiles */
  #playOwn(tiles) {
    for (const { id, own, kind } of tiles) {
      if (!own) continue;
      const media = (kind === "screen" ? this.#own?.screen : this.#own?.camera) ?? null;
      const video = this.#stage.video(id);
      // We hear ourselves already.
      video.muted = true;
      const playing = video.srcObject instanceof MediaStream ? (video.srcObject.getVideoTracks()[0] ?? null) : null;
      if (playing === media) continue;
      if (media) video.srcObject = new MediaStream([media]);
      // Switched off, its last picture is hidden; without it the tile would go black before it does.
    }
  }

  /** A whisper is for the ear only. */
  #playWhispers() {
    const whispers = [...this.#room.tracks.values()].filter(({ source }) => source === "whisper");
    for (const [track, player] of this.#whispers) {
      if (whispers.includes(track)) continue;
      player.close();
      this.#whispers.delete(track);
    }
    for (const track of whispers) {
      if (this.#whispers.has(track)) continue;
      const player = new Player(document.createElement("video"));
      player.on("autoplayblocked", () => this.#setBlocked());
      player.attach(track);
      this.#whispers.set(track, player);
    }
    const peers = whispers.filter(({ muted, flowing }) => !muted && flowing).map(({ peer }) => peer);
    const now = peers.join();
    if (now === this.#whispering) return;
    this.#whispering = now;
    const { peers: listed, staff } = this.#room.info;
    const people = peers.map((peer) => {
      const identity = this.#known.get(peer) ?? "";
      const known = listed.find(({ id }) => id === peer) ?? staff.find((member) => member.identity === identity);
      return { peer, name: known?.name ?? staff.find(({ role }) => role === "supervisor")?.name ?? "" };
    });
    this.dispatchEvent(new CustomEvent("whisper", { detail: { people } }));
  }

  /** A host whose media survived the absence brings no first frame, only the next one. */
  #watchReturn() {
    for (const { video } of this.#players.values()) {
      video.requestVideoFrameCallback?.(() => {
        if (!this.#still || this.#room.info?.state !== "live") return;
        this.#dropStill();
        this.#changed();
      });
    }
  }

  /**
   * @param {boolean} away
   * @param {readonly Tile[]} tiles about to be shown
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
      this.#changed();
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
    for (const [id, { video }] of this.#players) {
      video.muted = this.#muted || this.blocked;
      video.volume = this.#volume * this.volumeOf(id.slice(0, id.lastIndexOf(":")));
    }
  }

  #setBlocked() {
    if (this.blocked || this.#muted) return;
    this.blocked = true;
    this.#applySound();
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @returns {import("./live-view.js").TileWords} */
function words() {
  return {
    cameraOff: (name) => t("live.camera_off", { name }),
    joining: t("stage.joining"),
    hostAway: t("stage.host_away"),
    guestAway: t("stage.guest_away"),
    role: roleWord,
  };
}
