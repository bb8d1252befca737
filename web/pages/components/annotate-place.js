/** Where a video's picture is on the screen, whatever the styles make of it, measured from an element that lies over it. */
import { frameRect, onPixels, turnOf, turned } from "../../sdk/marks.js";

/**
 * @typedef {import("../../sdk/marks.js").Fit} Fit
 * @typedef {import("../../sdk/marks.js").Rect} Rect
 * @typedef {import("../../sdk/marks.js").View} View
 */

/**
 * @param {HTMLElement} over
 * @param {HTMLVideoElement} video
 * @param {import("../../sdk/types.js").CallFrame | null} frame a frozen picture in place of what the video shows
 * @param {boolean} foreign the frozen picture is of another track: it is shown whole
 * @returns {{ clip: Rect, view: View | null }} clip: the video's box, in pixels of `over`; the view's rect counts from there
 */
export function placeOf(over, video, frame, foreign) {
  const own = over.getBoundingClientRect();
  const box = video.getBoundingClientRect();
  const style = getComputedStyle(video);
  const bent = style.transform === "none" ? { turn: /** @type {0} */ (0), mirror: false } : turnOf(new DOMMatrixReadOnly(style.transform));
  // An ancestor may be scaled, as while a window grows; inside we count in our own pixels.
  const scale = own.width / (over.offsetWidth || own.width) || 1;
  const density = over.ownerDocument.defaultView?.devicePixelRatio ?? 1;
  const at = { x: (box.left - own.left) / scale, y: (box.top - own.top) / scale, width: box.width / scale, height: box.height / scale };
  const clip = onPixels(at, density);
  const turn = foreign ? 0 : bent.turn;
  const size = frame ? { width: frame.width, height: frame.height } : { width: video.videoWidth, height: video.videoHeight };
  const rect = frameRect(
    clip,
    turned(size, turn),
    foreign ? "contain" : /** @type {Fit} */ (style.objectFit),
    foreign ? undefined : positionOf(style.objectPosition),
  );
  return { clip, view: rect && { rect: onPixels(rect, density), frame: size, turn, mirror: frame === null && bent.mirror } };
}

/** @param {Rect} rect @returns {{ left: string, top: string, width: string, height: string }} */
export function pixels({ x, y, width, height }) {
  return { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` };
}

/** @param {string} position computed object-position @returns {[number, number]} */
function positionOf(position) {
  const [x = 0.5, y = 0.5] = position.split(" ").map((part) => (part.endsWith("%") ? Number.parseFloat(part) / 100 : 0.5));
  return [x, y];
}
