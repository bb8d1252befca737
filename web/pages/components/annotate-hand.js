/**
 * What a finger, a mouse, a pen or the keys do on the picture, as marks. It knows no call: it is told the tool and tells
 * what was made.
 *
 * With keys: arrows move a spot (with Shift a little), Enter uses the tool there; an arrow and a ring take two.
 */
import { clamped, distance, isInside, simplify, toFrame } from "../../sdk/marks.js";

/**
 * @typedef {import("../../sdk/marks.js").Point} Point
 * @typedef {import("../../sdk/marks.js").View} View
 * @typedef {"point" | "free" | "arrow" | "ring" | "step" | "text" | "rubber"} Tool
 * @typedef {{ kind: "free" | "arrow" | "ring" | "step", points: Point[] }} Made
 */

/**
 * @typedef {object} Deed
 * @property {(point: Point | null, byKeys: boolean) => void} point null: put away
 * @property {(made: Made | null) => void} draft being drawn; null: not any more
 * @property {(made: Made) => void} grow a stroke that others may see already
 * @property {(made: Made) => void} done
 * @property {(point: Point) => void} label words are wanted there
 * @property {(point: Point) => void} rub
 * @property {() => void} stopped what was being drawn will not be done
 */

/** A stroke that is being drawn is shown to the others so often, ms. */
const GROW_MS = 250;
/** Shorter than this, as a share of the width, it was a tap. */
const TAP = 0.012;
/** What a tap draws, as shares of the width. */
const ARROW = 0.1;
const RING = 0.06;
const STEP = 0.02;
const FINE = 0.004;

export class Hand {
  #surface;
  #view;
  #deed;
  /** @type {Tool | null} */
  #tool = null;
  /** The finger or button that draws now. @type {number | null} */
  #active = null;
  /** @type {Point[]} */
  #points = [];
  #grown = 0;
  /** Where the keys are. @type {Point | null} */
  #spot = null;
  /** Where the first Enter was. @type {Point | null} */
  #from = null;

  /**
   * @param {HTMLElement} surface
   * @param {() => View | null} view with its rect from the surface's upper left corner
   * @param {Deed} deed
   */
  constructor(surface, view, deed) {
    this.#surface = surface;
    this.#view = view;
    this.#deed = deed;
    surface.addEventListener("pointerdown", (event) => this.#down(event));
    surface.addEventListener("pointermove", (event) => this.#move(event));
    surface.addEventListener("pointerup", (event) => this.#up(event));
    surface.addEventListener("pointercancel", (event) => this.#cancel(event));
    surface.addEventListener("pointerleave", () => this.#active === null && this.#tool === "point" && deed.point(null, false));
    surface.addEventListener("keydown", (event) => this.#key(event));
    surface.addEventListener("blur", () => this.#leaveKeys());
    surface.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** @param {Tool | null} tool */
  set tool(tool) {
    if (tool === this.#tool) return;
    this.stop();
    this.#tool = tool;
  }

  /** Forget what is being drawn. */
  stop() {
    if (this.#tool === "point") this.#deed.point(null, false);
    this.#active = null;
    this.#points = [];
    this.#leaveKeys();
    this.#deed.draft(null);
    this.#deed.stopped();
  }

  // --- pointers ------------------------------------------------------------------------------------------------

  /** @param {PointerEvent} event */
  #down(event) {
    const point = this.#at(event);
    if (!this.#tool || this.#active !== null || event.button !== 0 || !point || !isInside(point)) return;
    event.preventDefault();
    this.#surface.focus({ preventScroll: true });
    this.#leaveKeys();
    if (this.#tool === "step") {
      this.#deed.done({ kind: "step", points: [clamped(point)] });
      return;
    }
    if (this.#tool === "text") {
      this.#deed.label(clamped(point));
      return;
    }
    this.#active = event.pointerId;
    // One that was let go before we are told cannot be captured.
    if (event.isTrusted) this.#surface.setPointerCapture(event.pointerId);
    this.#points = [clamped(point)];
    this.#grown = event.timeStamp;
    this.#use(event.timeStamp);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const hovers = this.#tool === "point" && this.#active === null && event.pointerType === "mouse";
    if (event.pointerId !== this.#active && !hovers) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length > 0 ? events : [event]) {
      const point = this.#at(each);
      if (!point || (hovers && !isInside(point))) continue;
      if (this.#tool === "free") this.#points.push(clamped(point));
      else this.#points = [this.#points[0] && !hovers ? this.#points[0] : clamped(point), clamped(point)];
    }
    if (this.#points.length > 0) this.#use(event.timeStamp);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (event.pointerId !== this.#active) return;
    this.#active = null;
    const made = this.#made(this.#points);
    this.#points = [];
    this.#deed.draft(null);
    if (this.#tool === "point" && event.pointerType !== "mouse") this.#deed.point(null, false);
    if (made) this.#deed.done(made);
  }

  /** @param {PointerEvent} event */
  #cancel(event) {
    if (event.pointerId === this.#active) this.stop();
  }

  /** @param {number} now ms */
  #use(now) {
    const last = this.#points.at(-1);
    if (!last) return;
    if (this.#tool === "point") this.#deed.point(last, false);
    else if (this.#tool === "rubber") this.#deed.rub(last);
    else {
      const made = this.#made(this.#points, true);
      this.#deed.draft(made);
      if (made?.kind !== "free" || now - this.#grown < GROW_MS) return;
      this.#grown = now;
      this.#deed.grow(made);
    }
  }

  /**
   * @param {readonly Point[]} points
   * @param {boolean} [going] still being drawn
   * @returns {Made | null}
   */
  #made(points, going = false) {
    const [first] = points;
    const last = points.at(-1);
    const tool = this.#tool;
    const aspect = this.#aspect;
    if (!first || !last || (tool !== "free" && tool !== "arrow" && tool !== "ring")) return null;
    if (tool === "free") {
      const line = simplify(points, undefined, aspect);
      return { kind: tool, points: line.length > 1 ? line : [first, first] };
    }
    if (distance([first[0], first[1] * aspect], [last[0], last[1] * aspect]) >= TAP) return { kind: tool, points: [first, last] };
    if (going) return null;
    const [x, y] = last;
    // From where there is room.
    const [left, up] = [x > ARROW ? -ARROW : ARROW, y * aspect > ARROW ? -ARROW / aspect : ARROW / aspect];
    if (tool === "arrow") return { kind: tool, points: [clamped([x + left, y + up]), last] };
    return { kind: tool, points: [clamped([x - RING, y - RING / aspect]), clamped([x + RING, y + RING / aspect])] };
  }

  get #aspect() {
    const frame = this.#view()?.frame;
    return frame ? frame.height / frame.width : 1;
  }

  /** @param {PointerEvent} event @returns {Point | null} */
  #at({ clientX, clientY }) {
    const view = this.#view();
    if (!view) return null;
    const box = this.#surface.getBoundingClientRect();
    // An ancestor may be scaled; the view counts in its own pixels.
    const scale = box.width / (this.#surface.offsetWidth || box.width);
    return toFrame([(clientX - box.left) / scale, (clientY - box.top) / scale], view);
  }

  // --- keys ----------------------------------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#tool || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = event.shiftKey ? FINE : STEP;
    const [dx = 0, dy = 0] = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[event.key] ?? [0, 0];
    const [x, y] = this.#spot ?? [0.5, 0.5];
    if (dx !== 0 || dy !== 0) {
      event.preventDefault();
      this.#spot = clamped([x + dx, y + dy / this.#aspect]);
      this.#deed.point(this.#spot, true);
      if (this.#from) this.#deed.draft(this.#made([this.#from, this.#spot], true));
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#enter([x, y]);
    }
  }

  /** @param {Point} at */
  #enter(at) {
    this.#spot = at;
    this.#deed.point(at, true);
    if (this.#tool === "rubber") this.#deed.rub(at);
    else if (this.#tool === "step") this.#deed.done({ kind: "step", points: [at] });
    else if (this.#tool === "text") this.#deed.label(at);
    else if (this.#tool !== "point" && !this.#from) this.#from = at;
    else if (this.#from) {
      const made = this.#made([this.#from, at]);
      this.#from = null;
      this.#deed.draft(null);
      if (made) this.#deed.done(made);
    }
  }

  #leaveKeys() {
    if (!this.#spot) return;
    this.#spot = null;
    this.#from = null;
    this.#deed.draft(null);
    this.#deed.point(null, true);
  }
}
