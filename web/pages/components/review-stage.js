/**
 * The pictures of a recording at a moment, with what was drawn on them, who speaks, why something is missing, and the
 * reviewer's own name over all of it.
 *
 *   stage.open({ recording, playback, voices, marks, watermark });   then stage.show(t) at every tick
 */
import { frameRect } from "../../sdk/marks.js";
import { icon, make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";
import { layoutAt } from "../review-layout.js";
import { gapWord, sideWord } from "../review-words.js";
import { Drawing } from "./annotate-draw.js";
import { avatar } from "./avatar.js";

/**
 * @typedef {import("../review-layout.js").Tile} Tile
 * @typedef {import("../review-playback.js").Playback} Playback
 * @typedef {{ recording: import("../review-model.js").Recording, playback: Playback, voices: ReadonlyMap<string, import("../review-timeline.js").Lane>, marks: import("../review-marks.js").MarkReplay, watermark: string }} Opened
 * @typedef {{ tile: Tile, element: HTMLElement, name: HTMLElement, mute: SVGSVGElement, cover: HTMLElement, video: HTMLVideoElement | null, drawing: Drawing, still: HTMLElement, said: string }} Shown
 */

const WANDER_MS = 7_000;
/** Shares of the room left over: where the name goes, one after the other. */
const PLACES = /** @type {const} */ ([[0.08, 0.1], [0.72, 0.62], [0.4, 0.3], [0.1, 0.74], [0.76, 0.12], [0.46, 0.82]]);

export class ReviewStage extends HTMLElement {
  #tiles = make("div", "rv-tiles");
  #watermark = make("div", "rv-watermark");
  #nothing = make("p", "rv-nothing");
  #busy = make("p", "rv-busy");
  /** @type {Map<string, Shown>} */
  #shown = new Map();
  /** @type {Opened | null} */
  #opened = null;
  /** @type {Set<string>} */
  #unplayable = new Set();
  #keys = "";
  #place = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #wander;
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.append(this.#tiles, this.#nothing, this.#busy, this.#watermark);
    this.#watermark.setAttribute("aria-hidden", "true");
    this.#busy.hidden = true;
    this.#wander = setInterval(() => this.#walk(), WANDER_MS);
    this.#stop = onLocale(() => {
      this.#keys = "";
      if (this.#opened) this.show(this.#opened.playback.t);
    });
  }

  disconnectedCallback() {
    clearInterval(this.#wander);
    this.#stop?.();
  }

  /** @param {Opened | null} opened */
  open(opened) {
    this.#opened = opened;
    this.#shown.clear();
    this.#tiles.replaceChildren();
    this.#keys = "";
    setText(this.#watermark, opened?.watermark ?? "");
    this.#walk();
    opened?.playback.on("trouble", ({ track }) => this.#unplayable.add(track));
  }

  /** @param {string} text the reviewer's name, from the server */
  set watermark(text) {
    setText(this.#watermark, text);
  }

  /** @param {boolean} busy something is being fetched */
  set busy(busy) {
    if (this.#busy.hidden === !busy) return;
    this.#busy.hidden = !busy;
    setText(this.#busy, busy ? t("review.loading_picture") : "");
  }

  /** @param {number} at seconds */
  show(at) {
    if (!this.#opened) return;
    const { recording, voices } = this.#opened;
    const layout = layoutAt(recording, at, voices);
    const keys = `${layout.shape} ${layout.tiles.map(({ key }) => key).join(" ")}`;
    if (keys !== this.#keys) {
      this.#keys = keys;
      this.#arrange(layout);
    }
    for (const tile of layout.tiles) this.#render(tile, at);
  }

  /** @param {import("../review-layout.js").Layout} layout */
  #arrange({ shape, big, tiles }) {
    this.#tiles.dataset["shape"] = shape;
    this.#tiles.dataset["count"] = String(tiles.length);
    this.#nothing.hidden = tiles.length > 0;
    setText(this.#nothing, t("review.nobody_here"));
    const wanted = new Set(tiles.map(({ key }) => key));
    for (const [key, { element }] of this.#shown) {
      if (wanted.has(key)) continue;
      element.remove();
      this.#shown.delete(key);
    }
    for (const tile of tiles) {
      const known = this.#shown.get(tile.key) ?? this.#build(tile);
      this.#shown.set(tile.key, known);
      known.element.classList.toggle("big", tile.key === big);
    }
    // The large one comes first for a reader too; elements that stay are not moved, as that would stop their pictures.
    for (const tile of [...tiles].sort((a, b) => Number(b.key === big) - Number(a.key === big))) {
      const { element } = /** @type {Shown} */ (this.#shown.get(tile.key));
      if (!element.isConnected) this.#tiles.append(element);
    }
  }

  /** @param {Tile} tile @returns {Shown} */
  #build(tile) {
    const name = make("span", "truncate");
    const mute = icon("mic-off");
    const element = make("figure", "rv-tile");
    const cover = make("div", "rv-cover");
    const still = make("span", "pill rv-still");
    const drawing = new Drawing();
    element.append(make("span", "rv-face", avatar(tile.name, "large")), cover, still, make("figcaption", "pill rv-name", mute, name));
    return { tile, element, name, mute, cover, video: null, drawing, still, said: "" };
  }

  /** @param {Tile} tile @param {number} at */
  #render(tile, at) {
    const shown = this.#shown.get(tile.key);
    if (!shown || !this.#opened) return;
    const { marks, playback } = this.#opened;
    const part = tile.track === null ? null : playback.parts.find(({ track }) => track.id === tile.track);
    const video = part?.element instanceof HTMLVideoElement ? part.element : null;
    if (video !== shown.video) {
      shown.video?.remove();
      shown.drawing.svg.remove();
      shown.drawing.close();
      if (video) shown.element.prepend(video, shown.drawing.svg);
      shown.video = video;
    }
    const broken = tile.track !== null && this.#unplayable.has(tile.track) && (part?.broken ?? true);
    const said = `${tile.name}|${tile.side}|${tile.source}|${tile.gap}|${tile.muted}|${broken}`;
    if (said !== shown.said) {
      shown.said = said;
      const word = tile.source === "screen" ? t("review.screen_of", { name: tile.name }) : tile.name;
      setText(shown.name, `${word}${sideWord(tile.side) ? ` · ${sideWord(tile.side)}` : ""}`);
      shown.mute.toggleAttribute("hidden", !tile.muted || tile.source === "screen");
      shown.element.classList.toggle("no-picture", video === null);
      shown.cover.hidden = tile.gap === null && !broken;
      const reason = tile.gap ? gapWord(tile.gap) : t("review.cannot_play");
      shown.cover.replaceChildren(...(shown.cover.hidden ? [] : [icon(tile.gap === "paused" ? "pause" : tile.gap === "consent" ? "lock" : "warning"), make("span", "", reason)]));
    }
    shown.element.classList.toggle("speaking", tile.speaking && tile.source !== "screen");
    if (video && tile.track !== null) this.#draw(shown, video, tile.track, at, marks);
  }

  /** @param {Shown} shown @param {HTMLVideoElement} video @param {string} track @param {number} at @param {import("../review-marks.js").MarkReplay} marks */
  #draw(shown, video, track, at, marks) {
    const { marks: drawn, frozen } = marks.on(at, track);
    shown.still.hidden = frozen === null;
    if (frozen) setText(shown.still, t("review.frozen"));
    const { svg } = shown.drawing;
    const rect = drawn.length === 0 ? null : frameRect({ width: video.clientWidth, height: video.clientHeight }, { width: video.videoWidth, height: video.videoHeight });
    svg.toggleAttribute("hidden", rect === null);
    if (!rect) return;
    Object.assign(svg.style, { left: `${rect.x + video.offsetLeft}px`, top: `${rect.y + video.offsetTop}px`, width: `${rect.width}px`, height: `${rect.height}px` });
    shown.drawing.place({ rect, frame: { width: video.videoWidth, height: video.videoHeight }, turn: 0, mirror: false });
    shown.drawing.show(drawn);
  }

  #walk() {
    const [x, y] = PLACES[this.#place++ % PLACES.length] ?? [0.5, 0.5];
    Object.assign(this.#watermark.style, { left: `${x * 100}%`, top: `${y * 100}%`, translate: `-${x * 100}% 0` });
  }
}

customElements.define("lm-review-stage", ReviewStage);
