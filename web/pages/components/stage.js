/**
 * The picture: one to nine tiles, edge to edge when there is only one. It owns the video elements; who fills them
 * (the studio's own camera, a remote player) is not its business.
 */
import { icon, make, setIcon, setText } from "../dom.js";
import { avatar } from "./avatar.js";

/**
 * @typedef {object} Tile
 * @property {string} id
 * @property {string} name
 * @property {"camera" | "screen"} kind
 * @property {boolean} picture false shows initials instead of the video
 * @property {boolean} micMuted
 * @property {boolean} speaking
 * @property {boolean} [mirrored] own camera, as in a mirror
 * @property {string} [note] words under the initials, for a tile that is alone
 */

/**
 * @typedef {object} TileParts
 * @property {HTMLElement} root
 * @property {HTMLVideoElement} video
 * @property {HTMLElement} face
 * @property {HTMLElement} note
 * @property {HTMLElement} name
 * @property {SVGSVGElement} mic
 * @property {Tile} tile
 */

/**
 * Cut the picture's edges off only when at least this part of it stays visible. Wide pictures carry words and prices up
 * to their edges; upright ones are held in a hand that moves, and belong on a whole phone.
 */
const COVER_WIDE_FROM = 0.92;
const COVER_UPRIGHT_FROM = 0.72;
/** Small tiles are about faces: there margins cost more than edges. */
const COVER_SMALL_FROM = 0.3;
const AMBIENT_EVERY_MS = 500;
/** Edge of a kept picture, px: it is only seen blurred and dimmed. */
const STILL_MAX = 640;

export class Stage extends HTMLElement {
  /** @type {Map<string, TileParts>} */
  #tiles = new Map();
  #grid = make("div", "stage-grid");
  #ambient = make("canvas", "ambient");
  #still = make("canvas", "still");
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #sizes = new ResizeObserver(() => this.#fitAll());

  connectedCallback() {
    this.#ambient.width = 32;
    this.#ambient.height = 18;
    this.#ambient.setAttribute("aria-hidden", "true");
    this.#still.setAttribute("aria-hidden", "true");
    this.#still.hidden = true;
    if (!this.#grid.parentElement) this.append(this.#ambient, this.#still, this.#grid);
    this.#sizes.observe(this);
    this.#timer = setInterval(() => this.#paintAmbient(), AMBIENT_EVERY_MS);
  }

  disconnectedCallback() {
    this.#sizes.disconnect();
    clearInterval(this.#timer);
  }

  /**
   * The video element of a tile shown before or about to be shown.
   * @param {string} id
   * @returns {HTMLVideoElement}
   */
  video(id) {
    return this.#parts(id).video;
  }

  /** @returns {HTMLVideoElement | null} the biggest picture, for full screen on phones */
  get mainVideo() {
    return [...this.#tiles.values()].find((parts) => parts.root.classList.contains("main"))?.video ?? null;
  }

  /**
   * Keep the big picture as it stands behind the tiles, until dropStill(): its video may go dark any moment.
   * @returns {boolean} false when there is no picture to keep
   */
  keepStill() {
    const main = [...this.#tiles.values()].find(({ root }) => root.classList.contains("main"));
    if (!main?.tile.picture || main.video.readyState < 2 || !main.video.videoWidth) return false;
    const { videoWidth, videoHeight } = main.video;
    const scale = Math.min(1, STILL_MAX / Math.max(videoWidth, videoHeight));
    this.#still.width = Math.round(videoWidth * scale);
    this.#still.height = Math.round(videoHeight * scale);
    this.#still.getContext("2d")?.drawImage(main.video, 0, 0, this.#still.width, this.#still.height);
    this.#still.classList.toggle("whole", main.root.classList.contains("whole"));
    this.#still.hidden = false;
    return true;
  }

  dropStill() {
    if (this.#still.hidden) return;
    this.#still.hidden = true;
    this.#still.width = this.#still.height = 0;
  }

  /** @param {Tile[]} tiles most important first; a screen share always becomes the big one */
  show(tiles) {
    const wanted = new Set(tiles.map((tile) => tile.id));
    for (const [id, parts] of this.#tiles) {
      if (wanted.has(id)) continue;
      parts.video.srcObject = null;
      parts.root.remove();
      this.#tiles.delete(id);
    }
    const screen = tiles.find((tile) => tile.kind === "screen");
    const ordered = screen ? [screen, ...tiles.filter((tile) => tile !== screen)] : tiles;
    this.dataset.layout = screen && tiles.length > 1 ? "screen" : tiles.length === 1 ? "solo" : "grid";
    this.dataset.count = String(tiles.length);
    ordered.forEach((tile, index) => this.#fill(tile, index, tiles.length === 1));
    this.#fitAll();
  }

  /**
   * @param {Tile} tile
   * @param {number} index
   * @param {boolean} alone
   */
  #fill(tile, index, alone) {
    const parts = this.#parts(tile.id);
    const renamed = parts.tile.name !== tile.name;
    parts.tile = tile;
    // Moving a video element in the document pauses it: order is CSS's business.
    if (parts.root.parentElement !== this.#grid) this.#grid.append(parts.root);
    parts.root.dataset.order = String(index);
    parts.root.classList.toggle("main", index === 0);
    parts.root.classList.toggle("speaking", tile.speaking && !alone);
    parts.root.classList.toggle("no-picture", !tile.picture);
    parts.video.classList.toggle("mirrored", tile.mirrored ?? false);
    parts.root.classList.toggle("alone", alone);
    if (renamed) parts.face.replaceChildren(avatar(tile.name, "large"), parts.note);
    setText(parts.note, alone ? (tile.note ?? "") : "");
    setText(parts.name, tile.name);
    setIcon(parts.mic, tile.kind === "screen" ? "screen" : tile.micMuted ? "mic-off" : "mic");
  }

  /** @param {string} id */
  #parts(id) {
    const found = this.#tiles.get(id);
    if (found) return found;
    const video = make("video");
    video.playsInline = true;
    video.autoplay = true;
    video.disablePictureInPicture = true;
    video.addEventListener("resize", () => this.#fitAll());
    const face = make("div", "tile-face");
    const mic = icon("mic");
    const name = make("span", "truncate");
    const root = make("div", "tile", video, face, make("div", "tile-name", mic, name));
    /** @type {TileParts} */
    const parts = {
      root,
      video,
      face,
      note: make("p", "tile-note"),
      name,
      mic,
      tile: { id, name: "", kind: "camera", picture: false, micMuted: false, speaking: false },
    };
    this.#tiles.set(id, parts);
    return parts;
  }

  #fitAll() {
    const small = this.#tiles.size > 1;
    for (const { root, video, tile } of this.#tiles.values()) {
      if (!video.videoWidth || !root.clientHeight) continue;
      const picture = video.videoWidth / video.videoHeight;
      const box = root.clientWidth / root.clientHeight;
      const visible = Math.min(picture, box) / Math.max(picture, box);
      const enough = small ? COVER_SMALL_FROM : picture < 1 ? COVER_UPRIGHT_FROM : COVER_WIDE_FROM;
      const whole = (this.hasAttribute("whole") && !small) || tile.kind === "screen" || visible < enough;
      root.classList.toggle("whole", whole);
    }
  }

  /** The empty margins around a picture of another shape glow in its colours. */
  #paintAmbient() {
    const main = [...this.#tiles.values()].find(({ root }) => root.classList.contains("main"));
    const kept = !this.#still.hidden && this.#still.classList.contains("whole");
    const lit = kept || Boolean(main?.tile.picture && main.root.classList.contains("whole") && main.video.readyState >= 2);
    this.#ambient.classList.toggle("lit", lit);
    if (!lit || document.hidden) return;
    const picture = kept ? this.#still : main?.video;
    if (picture) this.#ambient.getContext("2d")?.drawImage(picture, 0, 0, this.#ambient.width, this.#ambient.height);
  }
}

customElements.define("lm-stage", Stage);
