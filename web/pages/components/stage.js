/**
 * The picture: up to seven tiles, edge to edge when there is only one. It owns the video elements; who fills them (the
 * studio's own camera, a remote player) is not its business. Tiles never move in the document, only on the screen: a
 * video element that is moved stops for a moment.
 *
 *   stage.show(tiles, { layout, pin, main });   // layout etc. may be missing: then it chooses by itself
 *   stage.video(tile.id)                        // to play in
 *   stage.keepFrame(tile.id)                    // before its media is replaced: no flash until the next picture
 *
 * What floats over the stage is told by CSS: `.stage-safe` covers what is free.
 */
import { icon, make, setIcon, setText } from "../dom.js";
import { arrange, ownLayout } from "../stage-layout.js";
import { avatar } from "./avatar.js";

/**
 * @typedef {object} Tile
 * @property {string} id stays the same for as long as this picture of this person is on; `identity:camera`
 * @property {string} name
 * @property {"camera" | "screen"} kind
 * @property {boolean} picture false shows initials instead of the video
 * @property {boolean} micMuted
 * @property {boolean} speaking
 * @property {string} [identity] whose; what a pin names
 * @property {boolean} [mirrored] own camera, as in a mirror
 * @property {string} [role] word for the role beside the name: 客服
 * @property {string} [status] words over the tile: about to come on, back in a moment
 * @property {boolean} [own] ourselves: a red ring while we are seen
 * @property {boolean} [absent] there is no camera track at all, which may be a moment of a reload
 * @property {string} [note] words under the initials, for a tile that is alone
 */

/**
 * @typedef {object} Arrangement
 * @property {import("../stage-layout.js").StageLayout} [layout] default: by number and kind of the tiles
 * @property {string | null} [pin] identity, or id of a tile
 * @property {string | null} [main] id of the tile that is big when nothing else decides
 */

/**
 * @typedef {object} TileParts
 * @property {HTMLElement} root
 * @property {HTMLVideoElement} video
 * @property {HTMLCanvasElement} frame the last picture, while the video has none
 * @property {HTMLElement} face
 * @property {HTMLElement} note
 * @property {HTMLElement} status
 * @property {HTMLElement} label
 * @property {HTMLElement} name
 * @property {HTMLElement} role
 * @property {SVGSVGElement} mic
 * @property {Tile} tile
 * @property {boolean} placed
 * @property {number} shape width by height of its place, where it may not have arrived yet
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
/** Edge of a kept picture, px: it is only seen blurred and dimmed, or for a moment. */
const STILL_MAX = 640;
/** Frames of media that was taken away come no later than this. */
const OLD_FRAMES_MS = 120;
/** A kept picture of somebody whose camera does not come back, and who is not said to be away. */
const ABSENT_MS = 4000;
/** How long a tile takes to fade out: --calm, with some room. */
const LEAVE_MS = 260;

export class Stage extends HTMLElement {
  /** @type {Map<string, TileParts>} */
  #tiles = new Map();
  /** @type {readonly Tile[]} */
  #shown = [];
  /** @type {Arrangement} */
  #arrangement = {};
  #grid = make("div", "stage-grid");
  #safe = make("div", "stage-safe");
  #ambient = make("canvas", "ambient");
  #still = make("canvas", "still");
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #sizes = new ResizeObserver(() => this.#resized());

  connectedCallback() {
    this.#ambient.width = 32;
    this.#ambient.height = 18;
    this.#ambient.setAttribute("aria-hidden", "true");
    this.#still.setAttribute("aria-hidden", "true");
    this.#still.hidden = true;
    if (!this.#grid.parentElement) this.append(this.#ambient, this.#still, this.#grid, this.#safe);
    this.#sizes.observe(this);
    this.#sizes.observe(this.#safe);
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
    return this.#main?.video ?? null;
  }

  get #main() {
    return [...this.#tiles.values()].find(({ root }) => root.classList.contains("main"));
  }

  /**
   * Keep the big picture as it stands behind the tiles, until dropStill(): its video may go dark any moment.
   * @returns {boolean} false when there is no picture to keep
   */
  keepStill() {
    const main = this.#main;
    if (!main?.tile.picture || !copyFrame(main.video, this.#still)) return false;
    this.#still.classList.toggle("whole", main.root.classList.contains("whole"));
    this.#still.hidden = false;
    return true;
  }

  dropStill() {
    if (this.#still.hidden) return;
    this.#still.hidden = true;
    this.#still.width = this.#still.height = 0;
  }

  /**
   * Keep this tile's picture as it stands until its video draws the next one, so that new media brings no black.
   * @param {string} id
   */
  keepFrame(id) {
    const parts = this.#tiles.get(id);
    if (!parts || !parts.frame.hidden || !copyFrame(parts.video, parts.frame)) return;
    parts.frame.hidden = false;
    const over = () => {
      parts.frame.hidden = true;
      parts.frame.width = parts.frame.height = 0;
      this.#paintFace(parts);
    };
    // What the former media still had on the way is not what is waited for.
    setTimeout(() => {
      if (parts.video.requestVideoFrameCallback) parts.video.requestVideoFrameCallback(over);
      else parts.video.addEventListener("playing", over, { once: true });
    }, OLD_FRAMES_MS);
    setTimeout(() => {
      // Whoever stopped their camera is not to stand frozen.
      if (!parts.frame.hidden && parts.tile.absent && !parts.tile.status) over();
    }, ABSENT_MS);
  }

  /**
   * @param {readonly Tile[]} tiles in the order of the stage
   * @param {Arrangement} [arrangement]
   */
  show(tiles, arrangement = {}) {
    const wanted = new Set(tiles.map((tile) => tile.id));
    for (const [id, parts] of this.#tiles) if (!wanted.has(id)) this.#leave(id, parts);
    this.#shown = tiles;
    this.#arrangement = arrangement;
    const layout = arrangement.layout ?? ownLayout(tiles);
    this.dataset.layout = tiles.length < 2 ? "solo" : layout;
    this.dataset.count = String(tiles.length);
    for (const tile of tiles) this.#fill(tile);
    this.#place();
  }

  /** @param {string} id @param {TileParts} parts */
  #leave(id, parts) {
    this.#tiles.delete(id);
    if (!parts.placed) {
      parts.video.srcObject = null;
      parts.root.remove();
      return;
    }
    parts.root.classList.remove("main", "speaking");
    parts.root.classList.add("leaving");
    parts.video.muted = true;
    setTimeout(() => {
      parts.video.srcObject = null;
      parts.root.remove();
    }, LEAVE_MS);
  }

  /** Bring every tile to its place; what was placed before moves there. */
  #place() {
    const { clientWidth: width, clientHeight: height } = this;
    const { offsetTop: top, offsetLeft: left, offsetWidth, offsetHeight } = this.#safe;
    const safe = { top, left, right: width - left - offsetWidth, bottom: height - top - offsetHeight };
    const layout = this.#arrangement.layout ?? ownLayout(this.#shown);
    const shapeOf = (/** @type {string} */ id) => {
      const { videoWidth, videoHeight } = this.#parts(id).video;
      return videoWidth > 0 ? videoWidth / videoHeight : null;
    };
    const spots = arrange({ tiles: this.#shown, ...this.#arrangement, layout, box: { width, height }, safe, shapeOf });
    const byId = new Map(spots.map((spot) => [spot.id, spot]));
    const alone = spots.length === 1;
    for (const { id } of this.#shown) {
      const parts = this.#parts(id);
      const spot = byId.get(id);
      parts.root.classList.toggle("hidden", !spot);
      parts.root.inert = !spot;
      if (!spot) {
        parts.root.classList.remove("main");
        continue;
      }
      const entering = !parts.placed;
      // The first of all is simply there; whoever comes later fades in.
      if (entering) parts.root.classList.add("instant");
      if (entering && this.#grid.childElementCount > 1) parts.root.classList.add("entering");
      parts.root.classList.toggle("main", spot.main);
      parts.root.classList.toggle("full", spot.full);
      parts.root.classList.toggle("alone", alone);
      parts.root.classList.toggle("small", spot.width * width < 180);
      parts.shape = (spot.width * width) / Math.max(1, spot.height * height);
      parts.root.style.zIndex = String(spot.z);
      parts.root.style.translate = `${spot.x * width}px ${spot.y * height}px`;
      parts.root.style.width = `${spot.width * width}px`;
      parts.root.style.height = `${spot.height * height}px`;
      // Who the room is about is named by the page.
      parts.label.hidden = spot.full && id === (this.#arrangement.main ?? this.#shown[0]?.id);
      parts.label.style.translate = spot.full ? `${safe.left}px ${safe.top}px` : "";
      setText(parts.note, alone ? (parts.tile.note ?? "") : "");
      this.#paintFace(parts);
      if (!entering) continue;
      parts.placed = true;
      void parts.root.offsetWidth;
      parts.root.classList.remove("instant", "entering");
    }
    this.#fitAll();
  }

  #resized() {
    // A window that is being resized would drag its tiles behind it.
    this.#grid.classList.add("instant");
    this.#place();
    void this.#grid.offsetWidth;
    this.#grid.classList.remove("instant");
  }

  /** @param {Tile} tile */
  #fill(tile) {
    const parts = this.#parts(tile.id);
    const renamed = parts.tile.name !== tile.name;
    parts.tile = tile;
    // Moving a video element in the document pauses it: places are CSS's business.
    if (parts.root.parentElement !== this.#grid) this.#grid.append(parts.root);
    parts.root.classList.toggle("speaking", tile.speaking);
    parts.root.classList.toggle("own", tile.own ?? false);
    parts.video.classList.toggle("mirrored", tile.mirrored ?? false);
    parts.frame.classList.toggle("mirrored", tile.mirrored ?? false);
    if (renamed) parts.face.replaceChildren(avatar(tile.name, "large"), parts.note);
    setText(parts.status, tile.status ?? "");
    setText(parts.name, tile.name);
    setText(parts.role, tile.role ?? "");
    setIcon(parts.mic, tile.kind === "screen" ? "screen" : tile.micMuted ? "mic-off" : "mic");
    parts.mic.classList.toggle("muted", tile.micMuted && tile.kind === "camera");
    this.#paintFace(parts);
  }

  /** Initials wherever there is no picture, or none yet. @param {TileParts} parts */
  #paintFace({ root, tile, video, frame }) {
    const kept = !frame.hidden && (tile.picture || tile.absent || Boolean(tile.status));
    // A picture that is to fill everything is on its way behind words of the page.
    const coming = tile.picture && (video.readyState >= 2 || root.classList.contains("full"));
    root.classList.toggle("no-picture", !kept && !coming);
    root.classList.toggle("waiting", Boolean(tile.status));
  }

  /** @param {string} id */
  #parts(id) {
    const found = this.#tiles.get(id);
    if (found) return found;
    const video = make("video");
    video.playsInline = true;
    video.autoplay = true;
    video.disablePictureInPicture = true;
    const frame = make("canvas", "tile-frame");
    frame.hidden = true;
    frame.setAttribute("aria-hidden", "true");
    const face = make("div", "tile-face");
    const mic = icon("mic");
    const name = make("span", "truncate");
    const role = make("span", "tile-role");
    const status = make("p", "tile-status");
    const label = make("div", "tile-name", mic, name, role);
    const root = make("div", "tile", video, frame, face, status, label);
    /** @type {TileParts} */
    const parts = {
      root,
      video,
      frame,
      face,
      note: make("p", "tile-note"),
      status,
      label,
      name,
      role,
      mic,
      tile: { id, name: "", kind: "camera", picture: false, micMuted: false, speaking: false },
      placed: false,
      shape: 1,
    };
    for (const type of ["resize", "loadeddata", "emptied"]) {
      video.addEventListener(type, () => {
        this.#paintFace(parts);
        // There the places depend on the shape of the big picture.
        if (this.dataset.layout === "inset" && parts.placed) this.#place();
        else this.#fitAll();
      });
    }
    this.#tiles.set(id, parts);
    return parts;
  }

  #fitAll() {
    for (const { root, video, frame, tile, shape } of this.#tiles.values()) {
      if (!video.videoWidth) continue;
      const small = !root.classList.contains("full");
      const picture = video.videoWidth / video.videoHeight;
      const visible = Math.min(picture, shape) / Math.max(picture, shape);
      const enough = small ? COVER_SMALL_FROM : picture < 1 ? COVER_UPRIGHT_FROM : COVER_WIDE_FROM;
      const whole = (this.hasAttribute("whole") && !small) || tile.kind === "screen" || visible < enough;
      root.classList.toggle("whole", whole);
      frame.classList.toggle("whole", whole);
    }
  }

  /** The empty margins around a picture of another shape glow in its colours. */
  #paintAmbient() {
    const main = this.#main;
    const kept = !this.#still.hidden && this.#still.classList.contains("whole");
    const margins = main && (main.root.classList.contains("whole") || !main.root.classList.contains("full"));
    const lit = kept || Boolean(main?.tile.picture && margins && main.video.readyState >= 2);
    this.#ambient.classList.toggle("lit", lit);
    if (!lit || document.hidden) return;
    const picture = kept ? this.#still : main?.video;
    if (picture) this.#ambient.getContext("2d")?.drawImage(picture, 0, 0, this.#ambient.width, this.#ambient.height);
  }
}

/**
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas
 * @returns {boolean} false when there is no picture
 */
function copyFrame(video, canvas) {
  const { videoWidth, videoHeight } = video;
  if (video.readyState < 2 || !videoWidth) return false;
  const scale = Math.min(1, STILL_MAX / Math.max(videoWidth, videoHeight));
  canvas.width = Math.round(videoWidth * scale);
  canvas.height = Math.round(videoHeight * scale);
  canvas.getContext("2d")?.drawImage(video, 0, 0, canvas.width, canvas.height);
  return true;
}

customElements.define("lm-stage", Stage);
