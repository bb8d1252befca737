/**
 * The studio's big picture: the stage as viewers see it, with our own camera in our own place, mirrored for us alone.
 * Before the show, and while others are on and we are not, our own picture stands beside them and says so.
 *
 * Events: `change` (sound was blocked or not any more), `whisper` {people}.
 */
import { duck } from "../sdk/sound.js";
import { RemoteStage } from "./remote-stage.js";

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("./components/stage.js").Stage} Stage
 * @typedef {import("./components/stage.js").Tile} Tile
 * @typedef {import("./components/stage.js").Arrangement} Arrangement
 */

/**
 * @typedef {object} OwnPicture
 * @property {MediaStreamTrack | null} camera null: missing
 * @property {MediaStreamTrack | null} screen
 * @property {boolean} cameraOff
 * @property {boolean} micMuted
 * @property {boolean} seen by viewers
 * @property {string} name
 * @property {string} note under the initials while there is no picture
 * @property {string} hidden words over our picture while others are on and we are not
 */

/** Ours have ids that do not depend on who the server says we are: the preview is there before. */
const OWN = "me";

export class StudioStage extends EventTarget {
  #stage;
  /** @type {LianmaiRoom | null} */
  #room = null;
  /** @type {RemoteStage | null} */
  #remote = null;
  /** @type {OwnPicture | null} */
  #own = null;
  /** @type {Set<() => void>} */
  #undo = new Set();

  /** @param {Stage} stage */
  constructor(stage) {
    super();
    this.#stage = stage;
  }

  /** @param {LianmaiRoom | null} room */
  follow(room) {
    if (room === this.#room) return;
    this.#room = room;
    this.#remote?.close();
    this.#remote = null;
    duck(false);
    for (const undo of this.#undo) undo();
    this.#undo.clear();
    if (!room) return;
    // What it shows goes through our hands: our own tile is not like the others here.
    const target = /** @type {Stage} */ (/** @type {unknown} */ (this.#between()));
    const remote = new RemoteStage(room, target, { muted: false, volume: 1 });
    this.#remote = remote;
    remote.addEventListener("change", () => this.dispatchEvent(new Event("change")));
    remote.addEventListener("whisper", (event) => {
      const { people } = /** @type {CustomEvent<{ people: { name: string }[] }>} */ (event).detail;
      duck(people.length > 0);
      this.dispatchEvent(new CustomEvent("whisper", { detail: { people } }));
    });
    this.#giveOwn();
  }

  /** How loud each guest is for us. */
  get mixer() {
    return this.#remote;
  }

  /** The browser lets no sound out until something is pressed. */
  get blocked() {
    return this.#remote?.blocked ?? false;
  }

  /** Called from a click. */
  unblock() {
    if (this.blocked) void this.#remote?.unblock();
  }

  /** @param {OwnPicture | null} own null: nothing of ours is to be seen */
  show(own) {
    this.#own = own;
    if (this.#remote) this.#giveOwn();
    else this.#show([], {});
  }

  #giveOwn() {
    if (!this.#remote) return;
    const own = this.#own;
    this.#remote.own = own && {
      camera: own.cameraOff ? null : own.camera,
      screen: own.seen ? own.screen : null,
      micMuted: own.micMuted,
    };
  }

  /** What RemoteStage takes for the stage. */
  #between() {
    const id = (/** @type {string} */ given) => this.#idOf(given);
    return {
      show: (/** @type {readonly Tile[]} */ tiles, /** @type {Arrangement} */ arrangement) => this.#show(tiles, arrangement),
      video: (/** @type {string} */ given) => this.#stage.video(id(given)),
      keepFrame: (/** @type {string} */ given) => this.#stage.keepFrame(id(given)),
      // Whoever is away, it is not us.
      keepStill: () => false,
      dropStill: () => {},
    };
  }

  /** @param {string} given */
  #idOf(given) {
    const end = given.lastIndexOf(":");
    return given.slice(0, end) === this.#room?.self?.identity ? `${OWN}${given.slice(end)}` : given;
  }

  /**
   * @param {readonly Tile[]} tiles
   * @param {Arrangement} arrangement
   */
  #show(tiles, arrangement) {
    const own = this.#own;
    const { main } = arrangement;
    const arranged = { ...arrangement, ...(main ? { main: this.#idOf(main) } : {}) };
    if (!own) {
      // Something covers the stage. Whoever is on stays there: a tile that goes takes its video along.
      this.#stage.show(tiles.filter((tile) => !tile.own), arranged);
      return;
    }
    const others = tiles.some((tile) => !tile.own);
    const shown = tiles.map((tile) => (tile.own ? this.#mine(tile, own, others) : tile));
    if (!shown.some(({ id }) => id === `${OWN}:camera`)) {
      /** @type {Tile[]} */
      const missing = [this.#mine(blank("camera"), own, others)];
      if (own.screen && !others) missing.unshift(this.#mine(blank("screen"), own, others));
      shown.unshift(...missing);
    }
    this.#stage.show(shown, arranged);
    this.#play(`${OWN}:camera`, own.camera);
    if (shown.some(({ id }) => id === `${OWN}:screen`)) this.#play(`${OWN}:screen`, own.screen);
  }

  /**
   * @param {Tile} tile
   * @param {OwnPicture} own
   * @param {boolean} others somebody else is on
   * @returns {Tile}
   */
  #mine(tile, { name, note, camera, cameraOff, micMuted, seen, hidden }, others) {
    const screen = tile.kind === "screen";
    return {
      ...tile,
      id: this.#idOf(tile.id),
      name: name || tile.name,
      own: seen,
      picture: screen || (camera !== null && !cameraOff),
      micMuted,
      mirrored: !screen,
      note,
      status: !seen && others && !screen ? hidden : "",
    };
  }

  /**
   * @param {string} tile
   * @param {MediaStreamTrack | null} track own picture, silent
   */
  #play(tile, track) {
    const video = this.#stage.video(tile);
    video.muted = true;
    const playing = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks()[0] : null;
    if ((playing ?? null) !== track) video.srcObject = track ? new MediaStream([track]) : null;
  }
}

/** @param {"camera" | "screen"} kind @returns {Tile} */
function blank(kind) {
  return { id: `${OWN}:${kind}`, name: "", kind, picture: false, micMuted: false, speaking: false, own: true };
}
