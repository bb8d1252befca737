/**
 * Marks and pointers as an SVG over a picture. SVG and not a canvas: it stays sharp at every size and density without
 * being drawn again, a pointer moves without touching the marks, and there are never more than a few hundred shapes.
 *
 * The drawing has the frame's own units (see sdk/marks.js), so a window that changes only moves and scales its box.
 */
import { STEP_RADIUS, UNITS, arrowPath, canvasOf, inUnits, ringOf, strokePath } from "../../sdk/marks.js";

/**
 * @typedef {import("../../sdk/types.js").CallMark} CallMark
 * @typedef {import("../../sdk/marks.js").Point} Point
 * @typedef {import("../../sdk/marks.js").View} View
 * @typedef {{ element: SVGGElement, mark: CallMark, placed: string }} Shown
 * @typedef {{ element: SVGGElement, timer: ReturnType<typeof setTimeout> | undefined }} Spot
 */

const SVG = "http://www.w3.org/2000/svg";
/** A pointer that stands still this long fades, ms. */
const POINTER_MS = 1_600;
const FADED_MS = 500;
/** Around every line, so that it is seen on any ground, in units. */
const HALO = 3.2;
const FONT = 34;

export class Drawing {
  svg = shape("svg", { class: "an-drawing", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" });
  #marks = shape("g");
  #draft = shape("g");
  #pointers = shape("g");
  /** @type {Map<string, Shown>} */
  #shown = new Map();
  /** @type {Map<string, Spot>} */
  #spots = new Map();
  /** @type {View | null} */
  #view = null;
  /** What decides where in the drawing a point lies. */
  #placed = "";

  constructor() {
    this.svg.append(this.#marks, this.#draft, this.#pointers);
  }

  /** @param {View | null} view null: nothing can be shown now */
  place(view) {
    this.#view = view;
    if (!view) return;
    const { width, height } = canvasOf(view);
    const placed = `${width} ${height} ${view.turn} ${view.mirror}`;
    if (placed === this.#placed) return;
    this.#placed = placed;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    for (const key of this.#spots.keys()) this.#forget(key);
  }

  /** @param {readonly CallMark[]} marks of this picture, oldest first */
  show(marks) {
    const view = this.#view;
    if (!view) return;
    const ids = new Set(marks.map(({ id }) => id));
    for (const [id, { element }] of this.#shown) {
      if (ids.has(id)) continue;
      element.remove();
      this.#shown.delete(id);
    }
    for (const mark of marks) {
      const former = this.#shown.get(mark.id);
      if (former?.mark === mark && former.placed === this.#placed) continue;
      const element = draw(mark, view);
      if (former) former.element.replaceWith(element);
      else this.#marks.append(element);
      this.#shown.set(mark.id, { element, mark, placed: this.#placed });
    }
  }

  /** What is being drawn right now. @param {CallMark | null} mark */
  draft(mark) {
    this.#draft.replaceChildren(...(mark && this.#view ? [draw(mark, this.#view)] : []));
  }

  /**
   * @param {string} key whose; empty: our own
   * @param {Point | null} point share of the frame; null: put away
   * @param {string} color
   * @param {boolean} [stays] a spot moved by keys does not fade
   */
  point(key, point, color, stays = false) {
    if (!point || !this.#view) {
      this.#forget(key);
      return;
    }
    const known = this.#spots.get(key);
    const element = known?.element ?? laser();
    element.classList.toggle("own", key === "");
    const [x, y] = inUnits(point, this.#view);
    element.setAttribute("fill", color);
    element.setAttribute("stroke", color);
    element.style.transform = `translate(${x}px, ${y}px)`;
    element.classList.remove("faded");
    if (!known) this.#pointers.append(element);
    clearTimeout(known?.timer);
    const timer = stays ? undefined : setTimeout(() => this.#fade(key), POINTER_MS);
    this.#spots.set(key, { element, timer });
  }

  close() {
    for (const key of [...this.#spots.keys()]) this.#forget(key);
    this.#shown.clear();
    this.#marks.replaceChildren();
    this.draft(null);
  }

  /** @param {string} key */
  #fade(key) {
    const spot = this.#spots.get(key);
    if (!spot) return;
    spot.element.classList.add("faded");
    spot.timer = setTimeout(() => this.#forget(key), FADED_MS);
  }

  /** @param {string} key */
  #forget(key) {
    const spot = this.#spots.get(key);
    if (!spot) return;
    clearTimeout(spot.timer);
    spot.element.remove();
    this.#spots.delete(key);
  }
}

/**
 * @param {CallMark} mark
 * @param {View} view
 */
function draw(mark, view) {
  const { kind, color, label, n } = mark;
  const points = mark.points.map((point) => inUnits(point, view));
  const width = mark.width * UNITS;
  const group = shape("g", { class: `an-mark ${kind}`, "data-mark": mark.id });
  const [first, second] = points;
  if (!first) return group;
  if (kind === "step") group.append(...disc(first, color, String(n ?? "")));
  else if (kind === "ring" && second) group.append(...line("ellipse", ringOf(first, second), color, width));
  else if (kind === "arrow" && second) group.append(...line("path", { d: arrowPath(first, second, width) }, color, width));
  else if (kind === "free") group.append(...line("path", { d: strokePath(points) }, color, width));
  if (label) group.append(words(kind === "text" ? middled(first, label, view) : beside(first, kind), label, color));
  return group;
}

/**
 * A line with its halo.
 * @param {"path" | "ellipse"} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} color
 * @param {number} width
 */
function line(tag, attributes, color, width) {
  const common = { ...attributes, fill: "none", "stroke-linecap": "round", "stroke-linejoin": "round" };
  return [
    shape(tag, { ...common, class: "an-halo", "stroke-width": width + HALO * 2 }),
    shape(tag, { ...common, class: "an-ink", stroke: color, "stroke-width": width }),
  ];
}

/** @param {Point} point @param {string} color @param {string} number */
function disc([cx, cy], color, number) {
  const attributes = { x: cx, y: cy, class: "an-number", fill: isLight(color) ? "#10131a" : "#fff", "font-size": STEP_RADIUS * (number.length > 1 ? 1.1 : 1.3) };
  const text = shape("text", attributes);
  text.textContent = number;
  return [shape("circle", { cx, cy, r: STEP_RADIUS + HALO, class: "an-disc-halo" }), shape("circle", { cx, cy, r: STEP_RADIUS, fill: color }), text];
}

/** @param {Point} point @param {string} label @param {string} color */
function words([x, y], label, color) {
  const text = shape("text", { x, y, class: "an-words", fill: color, "font-size": FONT });
  text.textContent = label;
  return text;
}

/**
 * Where words begin that have their middle here, as far as the picture goes. Their width is a guess, the same on every side.
 * @param {Point} point @param {string} label @param {View} view @returns {Point}
 */
function middled([x, y], label, view) {
  const width = [...label].reduce((sum, letter) => sum + (letter > "\u2e80" ? 1 : 0.58), 0) * FONT;
  return [Math.max(HALO, Math.min(x - width / 2, canvasOf(view).width - width - HALO)), y];
}

/** @param {Point} point @param {string} kind @returns {Point} */
function beside([x, y], kind) {
  return kind === "step" ? [x + STEP_RADIUS * 1.5, y] : [x, y - FONT * 0.8];
}

function laser() {
  const group = shape("g", { class: "an-laser" });
  group.append(shape("circle", { r: 22, class: "an-glow", stroke: "none" }), shape("circle", { r: 10, class: "an-dot-halo" }), shape("circle", { r: 8, stroke: "none" }));
  return group;
}

/** Whether large dark text is read better on it than white (WCAG relative luminance). @param {string} color #rrggbb */
export function isLight(color) {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.3;
}

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number>} [attributes]
 * @returns {SVGElementTagNameMap[K]}
 */
function shape(tag, attributes = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
