/**
 * The geometry of marks on a picture: pure arithmetic, no document. A mark's points are shares of the displayed, upright
 * frame, so that the same mark lies on the same spot of the picture in every window, whatever is cut off or left blank
 * around it, however dense its pixels, and whether it is mirrored or turned there.
 * @module
 */

/** @typedef {import("./types.js").CallMark} CallMark */
/** @typedef {readonly [number, number]} Point */
/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ x: number, y: number, width: number, height: number }} Rect */
/** @typedef {"contain" | "cover" | "fill" | "none" | "scale-down"} Fit as in CSS object-fit */

/**
 * How a frame is shown.
 * @typedef {object} View
 * @property {Rect} rect where the frame lies, as shown: larger than the element where it is cut
 * @property {Size} frame its size in pixels, upright
 * @property {0 | 90 | 180 | 270} turn clockwise, by which it is shown turned
 * @property {boolean} mirror left and right are swapped, before it is turned
 */

/** The frame is this many units wide in what is drawn; a mark's width counts in them too. */
export const UNITS = 1000;
export const MIN_WIDTH = 0.001;
export const MAX_WIDTH = 0.05;
/** The server takes no more of one stroke. */
export const MAX_POINTS = 512;
const HEAD_ANGLE = Math.PI / 7;

/**
 * Where a picture lies inside its element.
 * @param {Size} box the element
 * @param {Size} picture as it is shown, that is after turning
 * @param {Fit} [fit]
 * @param {Point} [position] shares of what is left over, as object-position in percent
 * @returns {Rect | null} null while either has no size
 */
export function frameRect(box, picture, fit = "contain", [left, top] = [0.5, 0.5]) {
  if (!(box.width > 0 && box.height > 0 && picture.width > 0 && picture.height > 0)) return null;
  const across = box.width / picture.width;
  const down = box.height / picture.height;
  const scale = { contain: Math.min(across, down), cover: Math.max(across, down), none: 1, fill: 0, "scale-down": Math.min(1, across, down) }[fit];
  const width = fit === "fill" ? box.width : picture.width * scale;
  const height = fit === "fill" ? box.height : picture.height * scale;
  return { x: (box.width - width) * left, y: (box.height - height) * top, width, height };
}

/**
 * Edges on whole device pixels, so that thin lines stay sharp.
 * @param {Rect} rect in CSS pixels
 * @param {number} density devicePixelRatio
 * @returns {Rect}
 */
export function onPixels({ x, y, width, height }, density) {
  const snap = (/** @type {number} */ value) => Math.round(value * density) / density;
  const [left, top] = [snap(x), snap(y)];
  return { x: left, y: top, width: snap(x + width) - left, height: snap(y + height) - top };
}

/**
 * What a CSS transform does to a picture, as far as it turns and mirrors it.
 * @param {{ a: number, b: number, c: number, d: number }} matrix as DOMMatrix
 * @returns {{ turn: 0 | 90 | 180 | 270, mirror: boolean }}
 */
export function turnOf({ a, b, c, d }) {
  const mirror = a * d - b * c < 0;
  const angle = mirror ? Math.atan2(-b, -a) : Math.atan2(b, a);
  const quarter = ((Math.round((angle * 2) / Math.PI) % 4) + 4) % 4;
  return { turn: /** @type {0 | 90 | 180 | 270} */ (quarter * 90), mirror };
}

/** @param {Size} size @param {number} turn @returns {Size} as it is shown */
export function turned({ width, height }, turn) {
  return turn % 180 === 0 ? { width, height } : { width: height, height: width };
}

/**
 * From the frame to what is shown of it, both as shares.
 * @param {Point} point
 * @param {{ turn: number, mirror: boolean }} view
 * @returns {Point}
 */
export function shown([x, y], { turn, mirror }) {
  const across = mirror ? 1 - x : x;
  if (turn === 90) return [1 - y, across];
  if (turn === 180) return [1 - across, 1 - y];
  if (turn === 270) return [y, 1 - across];
  return [across, y];
}

/**
 * The way back.
 * @param {Point} point
 * @param {{ turn: number, mirror: boolean }} view
 * @returns {Point}
 */
export function upright([x, y], { turn, mirror }) {
  /** @type {Point} */
  const [across, down] = turn === 90 ? [y, 1 - x] : turn === 180 ? [1 - x, 1 - y] : turn === 270 ? [1 - y, x] : [x, y];
  return [mirror ? 1 - across : across, down];
}

/**
 * @param {Point} point in the pixels that `view.rect` is given in
 * @param {View} view
 * @returns {Point} shares of the frame; outside 0 to 1 where the point is beside it
 */
export function toFrame([x, y], view) {
  const { rect } = view;
  return upright([(x - rect.x) / rect.width, (y - rect.y) / rect.height], view);
}

/**
 * @param {Point} point shares of the frame
 * @param {View} view
 * @returns {Point} in the pixels that `view.rect` is given in
 */
export function fromFrame(point, view) {
  const [x, y] = shown(point, view);
  return [view.rect.x + x * view.rect.width, view.rect.y + y * view.rect.height];
}

/** @param {Point} point @returns {boolean} whether it is on the frame */
export function isInside([x, y]) {
  return x >= 0 && x <= 1 && y >= 0 && y <= 1;
}

/** The nearest point on the frame, as the server keeps it. @param {Point} point @returns {Point} */
export function clamped([x, y]) {
  const share = (/** @type {number} */ value) => Math.round(Math.min(1, Math.max(0, value)) * 1e5) / 1e5;
  return [share(x), share(y)];
}

/** The drawing's size in units: the frame is UNITS wide, also when it lies on its side. @param {View} view @returns {Size} */
export function canvasOf({ frame, turn }) {
  return turned({ width: UNITS, height: (UNITS * frame.height) / frame.width }, turn);
}

/**
 * From shares of the frame to units of the drawing.
 * @param {Point} point
 * @param {View} view
 * @returns {Point}
 */
export function inUnits(point, view) {
  const size = canvasOf(view);
  const [x, y] = shown(point, view);
  return [x * size.width, y * size.height];
}

/** @param {Point} from @param {Point} to */
export function distance([x, y], [u, v]) {
  return Math.hypot(u - x, v - y);
}

/**
 * Fewer points for the same line (Ramer, Douglas, Peucker); the ends stay.
 * @param {readonly Point[]} points shares of the frame
 * @param {number} tolerance how far it may be off, as a share of the width
 * @param {number} aspect height by width of the frame, because shares are not square
 * @returns {Point[]} at most MAX_POINTS
 */
export function simplify(points, tolerance = 0.0008, aspect = 1) {
  const square = points.map(([x, y]) => /** @type {Point} */ ([x, y * aspect]));
  let off = tolerance;
  let kept = keep(square, off);
  while (kept.length > MAX_POINTS) kept = keep(square, (off = Math.max(off * 1.5, 1e-5)));
  return kept.map((index) => /** @type {Point} */ (points[index]));
}

/**
 * @param {readonly Point[]} points
 * @param {number} tolerance
 * @returns {number[]} indices
 */
function keep(points, tolerance) {
  const last = points.length - 1;
  if (last < 2) return points.map((_, index) => index);
  const marked = new Set([0, last]);
  const open = [[0, last]];
  // A list and not recursion: a stroke may have ten thousand points.
  for (let span = open.pop(); span; span = open.pop()) {
    const [from, to] = /** @type {[number, number]} */ (span);
    let far = 0;
    let at = -1;
    for (let index = from + 1; index < to; index++) {
      const off = toSegment(/** @type {Point} */ (points[index]), /** @type {Point} */ (points[from]), /** @type {Point} */ (points[to]));
      if (off > far) [far, at] = [off, index];
    }
    if (at < 0 || far <= tolerance) continue;
    marked.add(at);
    open.push([from, at], [at, to]);
  }
  return [...marked].sort((a, b) => a - b);
}

/**
 * How far a point is from a line between two.
 * @param {Point} point
 * @param {Point} from
 * @param {Point} to
 */
export function toSegment([x, y], [fromX, fromY], [toX, toY]) {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - fromX) * dx + (y - fromY) * dy) / length));
  return Math.hypot(x - fromX - along * dx, y - fromY - along * dy);
}

/**
 * A round line through points, as an SVG path: curves from middle to middle, with the points as their handles.
 * @param {readonly Point[]} points in units
 */
export function strokePath(points) {
  const [first, second] = points;
  if (!first) return "";
  const start = `M${text(first)}`;
  if (!second) return `${start}L${text(first)}`;
  const parts = [start, `L${text(middle(first, second))}`];
  for (let index = 1; index < points.length - 1; index++) {
    const [handle, next] = [/** @type {Point} */ (points[index]), /** @type {Point} */ (points[index + 1])];
    parts.push(`Q${text(handle)} ${text(middle(handle, next))}`);
  }
  parts.push(`L${text(/** @type {Point} */ (points.at(-1)))}`);
  return parts.join("");
}

/**
 * An arrow as an SVG path: its shaft, and two barbs at the end that it points to. A short one has a short head.
 * @param {Point} from in units
 * @param {Point} to in units
 * @param {number} width of the line, in units
 */
export function arrowPath(from, to, width) {
  const barbs = arrowBarbs(from, to, width);
  return `M${text(from)}L${text(to)}M${text(barbs[0])}L${text(to)}L${text(barbs[1])}`;
}

/**
 * @param {Point} from
 * @param {Point} to
 * @param {number} width
 * @returns {[Point, Point]}
 */
export function arrowBarbs(from, to, width) {
  const length = distance(from, to);
  const head = Math.min(Math.max(width * 5, UNITS * 0.025), length * 0.6);
  const angle = length === 0 ? 0 : Math.atan2(to[1] - from[1], to[0] - from[0]);
  const barb = (/** @type {number} */ side) =>
    /** @type {Point} */ ([to[0] - head * Math.cos(angle + side * HEAD_ANGLE), to[1] - head * Math.sin(angle + side * HEAD_ANGLE)]);
  return [barb(1), barb(-1)];
}

/**
 * The ellipse inside a box.
 * @param {Point} corner in units
 * @param {Point} opposite in units
 */
export function ringOf([x, y], [u, v]) {
  return { cx: (x + u) / 2, cy: (y + v) / 2, rx: Math.abs(u - x) / 2, ry: Math.abs(v - y) / 2 };
}

/** How large the disc of a step is, in units. */
export const STEP_RADIUS = UNITS * 0.026;

/**
 * Whether a mark is under a point.
 * @param {CallMark} mark
 * @param {Point} point shares of the frame
 * @param {number} reach a share of the width: how near is near enough
 * @param {number} aspect height by width of the frame
 */
export function isHit({ kind, points, width }, point, reach, aspect) {
  const square = (/** @type {Point} */ [x, y]) => /** @type {Point} */ ([x, y * aspect]);
  const at = square(point);
  const [first, second] = points.map(square);
  const near = reach + width / 2;
  if (!first) return false;
  if (!second) return distance(first, at) <= near + STEP_RADIUS / UNITS;
  if (kind === "ring") return toRing(at, first, second) <= near;
  return points.some((to, index) => {
    const from = points[index - 1];
    return from !== undefined && toSegment(at, square(from), square(to)) <= near;
  });
}

/**
 * About how far a point is from a ring's line.
 * @param {Point} point
 * @param {Point} corner
 * @param {Point} opposite
 */
function toRing(point, corner, opposite) {
  const { cx, cy, rx, ry } = ringOf(corner, opposite);
  if (rx === 0 || ry === 0) return toSegment(point, corner, opposite);
  const [x, y] = [(point[0] - cx) / rx, (point[1] - cy) / ry];
  const away = Math.hypot(x, y);
  if (away === 0) return Math.min(rx, ry);
  // On the ray from the middle, which is exact on the axes and good enough between them.
  return Math.abs(away - 1) * Math.hypot((x / away) * rx, (y / away) * ry);
}

/**
 * The number of the next step on a picture.
 * @param {readonly CallMark[]} marks
 * @param {string} target
 */
export function nextStep(marks, target) {
  const numbers = marks.filter((mark) => mark.kind === "step" && mark.target === target).map(({ n }) => n ?? 0);
  return Math.min(99, Math.max(0, ...numbers) + 1);
}

/** @param {Point} a @param {Point} b @returns {Point} */
function middle([x, y], [u, v]) {
  return [(x + u) / 2, (y + v) / 2];
}

/** @param {Point} point */
function text([x, y]) {
  return `${Math.round(x * 100) / 100} ${Math.round(y * 100) / 100}`;
}
