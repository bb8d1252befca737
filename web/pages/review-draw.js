/** Draws the lanes of a recording into a canvas, in the colours of the page it stands on. */
import { formatDuration } from "./format.js";
import { QUIET_S, lineQuality, rulerOf, xOf } from "./review-timeline.js";

/**
 * @typedef {import("./review-timeline.js").Lane} Lane
 * @typedef {import("./review-timeline.js").View} View
 * @typedef {Record<"text" | "muted" | "line" | "panel" | "raised" | "info" | "green" | "amber" | "red" | "accent", string>} Palette
 */

export const RULER_HEIGHT = 22;
/** Blocks are never thinner than this. */
const THIN_PX = 2;

/** @param {Element} element @returns {Palette} */
export function paletteOf(element) {
  const style = getComputedStyle(element);
  const of = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return { text: of("--text"), muted: of("--muted"), line: of("--line"), panel: of("--panel"), raised: of("--raised"), info: of("--info"), green: of("--green"), amber: of("--amber"), red: of("--red"), accent: of("--accent") };
}

/** @param {CanvasRenderingContext2D} context @param {View} view @param {number} width @param {Palette} palette */
export function drawRuler(context, view, width, palette) {
  const { major, minor } = rulerOf(view, width);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "alphabetic";
  context.fillStyle = palette.line;
  for (const t of minor) context.fillRect(Math.round(xOf(view, width, t)), RULER_HEIGHT - 5, 1, 4);
  for (const t of major) {
    const x = Math.round(xOf(view, width, t));
    context.fillStyle = palette.line;
    context.fillRect(x, RULER_HEIGHT - 9, 1, 8);
    context.fillStyle = palette.muted;
    const words = formatDuration(t * 1000);
    const room = context.measureText(words).width;
    if (x + 4 + room < width) context.fillText(words, x + 4, 12);
  }
}

/**
 * One lane.
 * @param {CanvasRenderingContext2D} context
 * @param {Lane} lane
 * @param {number} y
 * @param {View} view
 * @param {number} width
 * @param {Palette} palette
 */
export function drawLanes(context, lane, y, view, width, palette) {
  context.fillStyle = palette.raised;
  context.globalAlpha = 0.5;
  context.fillRect(0, y, width, lane.height);
  context.globalAlpha = 1;
  if (lane.kind === "network") drawNetwork(context, lane, y, view, width, palette);
  for (const block of lane.blocks) {
    if (block.to < view.from || block.from > view.to) continue;
    const x = Math.max(-4, xOf(view, width, block.from));
    const end = Math.min(width + 4, xOf(view, width, block.to));
    drawBlock(context, block.kind, lane, { x, y, width: Math.max(THIN_PX, end - x), height: lane.height }, palette);
  }
  for (const dot of lane.dots) {
    if (dot.t < view.from - 1 || dot.t > view.to + 1) continue;
    drawDot(context, dot.kind, lane, xOf(view, width, dot.t), y, palette);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} kind
 * @param {Lane} lane
 * @param {{ x: number, y: number, width: number, height: number }} box
 * @param {Palette} palette
 */
function drawBlock(context, kind, lane, { x, y, width, height }, palette) {
  const fill = (/** @type {string} */ color, /** @type {number} */ alpha, /** @type {number} */ top, /** @type {number} */ tall) => {
    context.fillStyle = color;
    context.globalAlpha = alpha;
    context.beginPath();
    context.roundRect(x, y + top, width, tall, Math.min(3, width / 2, tall / 2));
    context.fill();
    context.globalAlpha = 1;
  };
  switch (kind) {
    case "here":
      return fill(palette.muted, 0.45, height / 2 - 1.5, 3);
    case "speaking":
      return fill(palette.green, 0.95, 4, height - 8);
    case "muted":
      fill(palette.panel, 0.9, 2, height - 4);
      return hatch(context, { x, y: y + 3, width, height: height - 6 }, palette.muted);
    case "wait":
      return fill(palette.muted, 0.5, 3, height - 6);
    case "ring":
      return fill(palette.amber, 0.85, 3, height - 6);
    case "hold":
      fill(palette.amber, 0.35, 3, height - 6);
      return hatch(context, { x, y: y + 3, width, height: height - 6 }, palette.amber);
    case "stage":
      return fill(palette.accent, 0.85, 3, height - 6);
    case "paused":
    case "consent":
      fill(palette.info, 0.3, 2, height - 4);
      return hatch(context, { x, y: y + 2, width, height: height - 4 }, palette.info);
    case "reconnecting":
      fill(palette.red, 0.35, 2, height - 4);
      return hatch(context, { x, y: y + 2, width, height: height - 4 }, palette.red);
    case "freeze":
      return fill(palette.info, 0.8, 3, height - 6);
    case "mark":
      return fill(palette.accent, 0.6, 5, height - 10);
    case "shared":
    case "private":
      return fill(kind === "shared" ? palette.info : palette.muted, 0.7, 3, height - 6);
    default:
      return fill(lane.kind === "findings" ? palette.amber : palette.red, 0.85, 3, height - 6);
  }
}

/** @param {CanvasRenderingContext2D} context @param {{ x: number, y: number, width: number, height: number }} box @param {string} color */
function hatch(context, { x, y, width, height }, color) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = color;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let at = x - (x % 7) - height; at < x + width; at += 7) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}

/** @param {CanvasRenderingContext2D} context @param {string} kind @param {Lane} lane @param {number} x @param {number} y @param {Palette} palette */
function drawDot(context, kind, lane, x, y, palette) {
  const middle = y + lane.height / 2;
  const color = { answered: palette.green, transfer: palette.info, ended: palette.red, consent: palette.info, still: palette.info, chat: palette.muted, note: palette.amber, shared: palette.info, private: palette.muted }[kind] ?? palette.text;
  context.fillStyle = color;
  context.beginPath();
  if (kind === "transfer" || kind === "ended" || kind === "answered") {
    context.moveTo(x, middle - 6);
    context.lineTo(x + 5, middle);
    context.lineTo(x, middle + 6);
    context.lineTo(x - 5, middle);
  } else if (kind === "still") context.rect(x - 4, middle - 4, 8, 8);
  else context.arc(x, middle, 4.5, 0, Math.PI * 2);
  context.closePath();
  context.fill();
  context.strokeStyle = palette.panel;
  context.lineWidth = 1;
  context.stroke();
}

/**
 * The bitrate as an area, coloured by how bad loss, delay and freezes were.
 * @param {CanvasRenderingContext2D} context
 * @param {Lane} lane
 * @param {number} y
 * @param {View} view
 * @param {number} width
 * @param {Palette} palette
 */
function drawNetwork(context, lane, y, view, width, palette) {
  const { line, height } = lane;
  const top = Math.max(1, ...line.map(({ bitrate }) => bitrate));
  const colors = { good: palette.info, fair: palette.amber, bad: palette.red };
  for (let index = 0; index < line.length; index++) {
    const sample = /** @type {import("./review-timeline.js").Sample} */ (line[index]);
    const next = line[index + 1];
    const until = Math.min(next?.t ?? sample.t + 5, sample.t + QUIET_S);
    if (until < view.from || sample.t > view.to) continue;
    const x = xOf(view, width, sample.t);
    const quality = lineQuality(sample);
    const tall = Math.max(2, (sample.bitrate / top) * (height - 4));
    context.fillStyle = colors[quality];
    context.globalAlpha = quality === "good" ? 0.45 : 0.8;
    const wide = Math.max(1, xOf(view, width, until) - x + 0.5);
    context.fillRect(x, y + height - tall, wide, tall);
    context.globalAlpha = 1;
    // Bad is told by shape too.
    if (quality === "bad") context.fillRect(x, y, wide, 3);
  }
}
