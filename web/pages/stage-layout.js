/**
 * Where every tile of the stage goes: pure arithmetic, no document. Everybody who sees a stage uses it, so that the same
 * layout looks alike in the studio, on the live page and in the console, whatever the shape of the window.
 */

/** @typedef {import("../sdk/types.js").StageLayout} StageLayout */

/**
 * @typedef {object} Cell
 * @property {string} id
 * @property {"camera" | "screen"} kind
 * @property {string} [identity] whose; what a pin names
 */

/** @typedef {{ width: number, height: number }} Box px */
/** @typedef {{ top: number, right: number, bottom: number, left: number }} Edges px */

/**
 * Fractions of the box, 0 to 1.
 * @typedef {object} Spot
 * @property {string} id
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {number} z what lies on top has the higher one
 * @property {boolean} main the big one
 * @property {boolean} full edge to edge, under everything that floats
 */

/** @typedef {{ x: number, y: number, width: number, height: number }} Rect px */

const NOTHING = Object.freeze({ top: 0, right: 0, bottom: 0, left: 0 });
const GAP = 8;
/** Shapes a person is shown in: no slimmer than this, no wider than that. */
const SLIM = 3 / 4;
const WIDE = 16 / 9;
/** The part of the width that speakers beside a screen get, and its bounds in px. */
const STRIP = { part: 0.22, least: 132, most: 300 };
/** A small picture in a big one: its part of the width, and bounds in px. */
const INSET = { wide: 0.2, upright: 0.3, least: 84, most: 280, face: 120 };

/**
 * @param {object} stage
 * @param {readonly Cell[]} stage.tiles in the order of the stage
 * @param {StageLayout} stage.layout
 * @param {string | null} [stage.pin] identity, or id of a tile
 * @param {string | null} [stage.main] id of the tile that is big when nothing else decides; default the first
 * @param {Box} stage.box
 * @param {(id: string) => number | null} [stage.shapeOf] width by height of a tile's picture, where it is known
 * @param {Edges} [stage.safe] what floats over the box's edges; pictures edge to edge lie under it, others do not
 * @returns {Spot[]} in the order of `tiles`; with `solo` the main one alone
 */
export function arrange({ tiles, layout, pin = null, main = null, box, safe = NOTHING, shapeOf = () => null }) {
  if (tiles.length === 0) return [];
  const first = mainOf(tiles, layout, pin, main);
  const others = tiles.filter((tile) => tile !== first);
  const whole = { x: 0, y: 0, width: Math.max(1, box.width), height: Math.max(1, box.height) };
  const room = within(whole, safe);
  /** @type {Map<string, Rect>} */
  const rects = new Map();
  const put = (/** @type {readonly Cell[]} */ cells, /** @type {readonly Rect[]} */ places) => {
    cells.forEach((cell, index) => rects.set(cell.id, /** @type {Rect} */ (places[index])));
  };
  const under = layout === "inset" && others.length > 0 ? below(others.length, shapeOf(first.id), room, whole) : null;
  const edgeToEdge = others.length === 0 || layout === "solo" || (layout === "inset" && !under);
  if (under) {
    put([first, ...others], under);
  } else if (edgeToEdge) {
    put([first], [whole]);
    if (layout === "inset") put(others, corner(others.length, room, whole));
  } else if (layout === "grid") {
    put([first, ...others], pack(tiles.length, room));
  } else {
    const [big, rest] = layout === "screen" ? besideScreen(others.length, room) : halves(room);
    put([first], layout === "screen" ? [big] : pack(1, big));
    put(others, pack(others.length, rest));
    if (layout === "side_by_side" && others.length === 1) put([first, ...others], pair(room));
  }
  return tiles.flatMap((tile, index) => {
    const rect = rects.get(tile.id);
    if (!rect) return [];
    const full = edgeToEdge && tile === first;
    return [{
      id: tile.id,
      x: rect.x / whole.width,
      y: rect.y / whole.height,
      width: rect.width / whole.width,
      height: rect.height / whole.height,
      z: full ? 0 : 1 + index,
      main: tile === first,
      full,
    }];
  });
}

/**
 * The layout for whoever has tiles and no word of the host.
 * @param {readonly Cell[]} tiles
 * @returns {StageLayout}
 */
export function ownLayout(tiles) {
  if (tiles.length < 2) return "solo";
  return tiles.some(({ kind }) => kind === "screen") ? "screen" : "grid";
}

/**
 * @param {readonly Cell[]} tiles
 * @param {StageLayout} layout
 * @param {string | null} pin
 * @param {string | null} main
 * @returns {Cell}
 */
function mainOf(tiles, layout, pin, main) {
  const screens = tiles.filter(({ kind }) => kind === "screen");
  const pinned = (/** @type {Cell} */ tile) => pin !== null && (tile.id === pin || tile.identity === pin);
  const found =
    (layout === "screen" ? (screens.find(pinned) ?? screens[0]) : null) ??
    tiles.find((tile) => pinned(tile) && tile.kind === "camera") ??
    tiles.find(pinned) ??
    screens[0] ??
    tiles.find(({ id }) => id === main) ??
    tiles[0];
  return /** @type {Cell} */ (found);
}

/**
 * @param {Rect} rect
 * @param {Edges} edges
 * @returns {Rect}
 */
function within({ x, y, width, height }, { top, right, bottom, left }) {
  const clear = { x: x + left, y: y + top, width: width - left - right, height: height - top - bottom };
  // Where what floats leaves nothing worth the name, it has to float over faces.
  if (clear.width < width * 0.3) [clear.x, clear.width] = [x, width];
  if (clear.height < height * 0.3) [clear.y, clear.height] = [y, height];
  return clear;
}

/**
 * Equal cells, as large as they can be, the last row in the middle.
 * @param {number} count
 * @param {Rect} area
 * @returns {Rect[]}
 */
function pack(count, area) {
  let best = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const cell = cellOf(columns, Math.ceil(count / columns), area);
    if (cell.width * cell.height > best.width * best.height * 1.001) best = { columns, ...cell };
  }
  const { columns, width, height } = best;
  const rows = Math.ceil(count / columns);
  const top = area.y + (area.height - rows * height - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = area.x + (area.width - inRow * width - (inRow - 1) * GAP) / 2;
    return { x: left + (index % columns) * (width + GAP), y: top + row * (height + GAP), width, height };
  });
}

/**
 * @param {number} columns
 * @param {number} rows
 * @param {Rect} area
 */
function cellOf(columns, rows, area) {
  const width = Math.max(1, (area.width - (columns - 1) * GAP) / columns);
  const height = Math.max(1, (area.height - (rows - 1) * GAP) / rows);
  return { width: Math.min(width, height * WIDE), height: Math.min(height, width / SLIM) };
}

/** Two people are equal. @param {Rect} area */
function pair(area) {
  return pack(2, area);
}

/**
 * The main one on one half, everybody else on the other: beside each other, or stacked on an upright screen.
 * @param {Rect} area
 * @returns {[Rect, Rect]}
 */
function halves(area) {
  if (area.width >= area.height) {
    const width = (area.width - GAP) * 0.56;
    return [
      { ...area, width },
      { ...area, x: area.x + width + GAP, width: area.width - width - GAP },
    ];
  }
  const height = (area.height - GAP) * 0.54;
  return [
    { ...area, height },
    { ...area, y: area.y + height + GAP, height: area.height - height - GAP },
  ];
}

/**
 * The screen as large as possible with its speakers in a strip beside it, or under it on an upright screen.
 * @param {number} speakers
 * @param {Rect} area
 * @returns {[Rect, Rect]}
 */
function besideScreen(speakers, area) {
  if (area.width >= area.height) {
    const strip = Math.min(STRIP.most, Math.max(STRIP.least, area.width * STRIP.part), area.width * 0.4);
    const width = area.width - strip - GAP;
    const tall = Math.min(area.height, width / WIDE);
    return [
      { x: area.x, y: area.y + (area.height - tall) / 2, width: Math.min(width, tall * WIDE * 1.1), height: tall },
      { ...area, x: area.x + width + GAP, width: strip },
    ];
  }
  // A screen is wide: more height than its shape needs would be margins.
  const height = Math.min((area.height - GAP) * (speakers > 2 ? 0.5 : 0.6), area.width / WIDE);
  const strip = Math.min(area.height - height - GAP, area.width);
  const top = area.y + (area.height - height - GAP - strip) / 2;
  return [
    { ...area, y: top, height },
    { ...area, y: top + height + GAP, height: strip },
  ];
}

/**
 * A wide picture leaves an upright screen half empty: there the small ones stand under it, and cover nothing.
 * @param {number} count of small pictures
 * @param {number | null} shape of the big one
 * @param {Rect} room
 * @param {Rect} whole
 * @returns {Rect[] | null} the big one first; null where it fills the screen, or there is no space under it
 */
function below(count, shape, room, whole) {
  if (shape === null || shape < 1 || whole.height <= whole.width) return null;
  const big = room.width / Math.min(shape, WIDE);
  const share = (room.width - (count - 1) * GAP) / count;
  const width = Math.min(INSET.most, Math.max(INSET.least, room.width * INSET.upright), share);
  const height = Math.min(width / SLIM, room.height - big - GAP);
  if (height < width / WIDE) return null;
  const top = room.y + (room.height - big - GAP - height) / 2;
  const small = Array.from({ length: count }, (_, index) => ({
    x: room.x + room.width - width - index * (width + GAP),
    y: top + big + GAP,
    width,
    height,
  }));
  return [{ x: room.x, y: top, width: room.width, height: big }, ...small];
}

/**
 * Small pictures at the bottom right: above each other while that leaves them a face's size, else in a row.
 * @param {number} count
 * @param {Rect} room
 * @param {Rect} whole
 * @returns {Rect[]}
 */
function corner(count, room, whole) {
  const upright = whole.height > whole.width;
  const shape = upright ? SLIM : 4 / 3;
  const most = Math.min(INSET.most, Math.max(INSET.least, whole.width * (upright ? INSET.upright : INSET.wide)), room.height * shape);
  const share = (/** @type {number} */ length) => (length - (count - 1) * GAP) / count;
  const stacked = Math.min(most, share(room.height) * shape);
  const stack = upright ? count <= 2 : stacked >= INSET.face;
  const width = Math.max(1, Math.min(stack ? stacked : Math.min(most, share(room.width)), room.width));
  const height = width / shape;
  return Array.from({ length: count }, (_, index) => ({
    x: room.x + room.width - width - (stack ? 0 : index * (width + GAP)),
    y: room.y + room.height - height - (stack ? index * (height + GAP) : 0),
    width,
    height,
  }));
}
