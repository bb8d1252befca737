/**
 * The timeline under the pictures: one canvas for all lanes, because an hour of two people's network is thousands of
 * points; the same words for a screen reader in its value and in the list of events beside it.
 *
 *   timeline.show({ recording, lanes });  timeline.at(t)      emits `seek` {t}, `pick` {id} of a comment, `span` {from, to}
 */
import { make, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { onLocale, t } from "../locale.js";
import { heightOf, hit, moved, showing, stacked, timeOf, xOf, zoomed } from "../review-timeline.js";
import { laneWord, tipWords } from "../review-words.js";
import { drawLanes, drawRuler, paletteOf, RULER_HEIGHT } from "../review-draw.js";

/**
 * @typedef {import("../review-timeline.js").Lane} Lane
 * @typedef {import("../review-timeline.js").View} View
 * @typedef {{ recording: import("../review-model.js").Recording, lanes: Lane[] }} Shown
 */

const ZOOM = 1.6;
const DRAG_PX = 4;

export class ReviewTimeline extends HTMLElement {
  #names = make("div", "rv-lane-names");
  #canvas = make("canvas", "rv-lanes");
  #field = make("div", "rv-field");
  #cursor = make("i", "rv-cursor");
  #span = make("i", "rv-span");
  #tip = make("div", "rv-tip");
  /** @type {Shown | null} */
  #shown = null;
  /** @type {View} */
  #view = { from: 0, to: 1 };
  /** Whether the view turns its pages with the cursor. */
  #follow = true;
  #t = 0;
  #width = 0;
  #dirty = false;
  /** @type {{ from: number, to: number } | null} */
  #marked = null;
  #observer = new ResizeObserver(() => this.#paint());
  #scheme = matchMedia("(prefers-color-scheme: light)");
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#observer.observe(this.#field);
    this.#scheme.addEventListener("change", this.#repaint);
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#observer.disconnect();
    this.#scheme.removeEventListener("change", this.#repaint);
    this.#stop?.();
  }

  #repaint = () => this.#paint();

  /** @param {Shown} shown */
  show(shown) {
    const fresh = this.#shown?.recording.id !== shown.recording.id;
    this.#shown = shown;
    if (fresh) this.#view = { from: 0, to: Math.max(1, shown.recording.duration_s) };
    this.#render();
  }

  /** @param {number} at seconds */
  at(at) {
    this.#t = at;
    if (!this.#shown) return;
    const view = this.#follow ? showing(this.#view, at, this.#shown.recording.duration_s) : this.#view;
    if (view !== this.#view) {
      this.#view = view;
      this.#paint();
    }
    this.#place();
  }

  /** @param {{ from: number, to: number } | null} span a clip or a comment that is being made */
  set marked(span) {
    this.#marked = span;
    this.#place();
  }

  /** @param {number} factor above 1: closer */
  zoom(factor) {
    if (!this.#shown) return;
    this.#view = zoomed(this.#view, factor, this.#t, this.#shown.recording.duration_s);
    this.#follow = true;
    this.#paint();
  }

  get whole() {
    return !this.#shown || this.#view.to - this.#view.from >= this.#shown.recording.duration_s - 0.01;
  }

  #build() {
    this.#field.append(this.#canvas, this.#span, this.#cursor, this.#tip);
    this.#field.tabIndex = 0;
    this.#field.setAttribute("role", "slider");
    this.#tip.hidden = true;
    this.#tip.setAttribute("aria-hidden", "true");
    this.append(this.#names, this.#field);
    this.#field.addEventListener("pointerdown", (event) => this.#press(event));
    this.#field.addEventListener("pointermove", (event) => this.#hover(event));
    this.#field.addEventListener("pointerleave", () => (this.#tip.hidden = true));
    this.#field.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#field.addEventListener("dblclick", (event) => {
      if (!this.#shown) return;
      this.#view = zoomed(this.#view, event.shiftKey ? 1 / 4 : 4, this.#timeAt(event), this.#shown.recording.duration_s);
      this.#paint();
    });
  }

  #render() {
    if (!this.#shown) return;
    const { lanes, recording } = this.#shown;
    this.#names.replaceChildren(
      make("span", "rv-lane-name ruler"),
      ...lanes.map((lane) => {
        const name = make("span", `rv-lane-name ${lane.kind}`, make("span", "truncate", laneWord(lane, recording)));
        name.style.height = `${lane.height}px`;
        name.title = laneWord(lane, recording);
        return name;
      }),
    );
    this.#field.setAttribute("aria-label", t("review.timeline"));
    this.#field.setAttribute("aria-valuemin", "0");
    this.#field.setAttribute("aria-valuemax", String(Math.round(recording.duration_s)));
    this.#paint();
  }

  #paint() {
    if (this.#dirty) return;
    this.#dirty = true;
    requestAnimationFrame(() => {
      this.#dirty = false;
      this.#draw();
    });
  }

  #draw() {
    if (!this.#shown || !this.isConnected) return;
    const { lanes } = this.#shown;
    const width = this.#field.clientWidth;
    const height = RULER_HEIGHT + heightOf(lanes);
    if (width === 0) return;
    this.#width = width;
    const density = Math.min(3, window.devicePixelRatio || 1);
    const canvas = this.#canvas;
    if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
      canvas.width = Math.round(width * density);
      canvas.height = Math.round(height * density);
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    const context = canvas.getContext("2d");
    if (!context) return;
    const palette = paletteOf(this);
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    drawRuler(context, this.#view, width, palette);
    for (const { lane, y } of stacked(lanes)) drawLanes(context, lane, y + RULER_HEIGHT, this.#view, width, palette);
    this.#place();
  }

  #place() {
    const x = xOf(this.#view, this.#width, this.#t);
    this.#cursor.style.transform = `translateX(${x}px)`;
    this.#cursor.hidden = x < -1 || x > this.#width + 1;
    const now = Math.round(this.#t);
    if (this.#field.getAttribute("aria-valuenow") !== String(now)) {
      this.#field.setAttribute("aria-valuenow", String(now));
      this.#field.setAttribute("aria-valuetext", formatDuration(now * 1000));
    }
    this.#span.hidden = this.#marked === null;
    if (!this.#marked) return;
    const from = Math.max(-4, xOf(this.#view, this.#width, this.#marked.from));
    const to = Math.min(this.#width + 4, xOf(this.#view, this.#width, this.#marked.to));
    Object.assign(this.#span.style, { transform: `translateX(${from}px)`, width: `${Math.max(0, to - from)}px` });
  }

  /** @param {MouseEvent} event */
  #timeAt(event) {
    const { left } = this.#field.getBoundingClientRect();
    const { from, to } = this.#view;
    return Math.min(to, Math.max(from, timeOf(this.#view, this.#width, event.clientX - left)));
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (!this.#shown || event.button !== 0) return;
    const start = this.#timeAt(event);
    const startX = event.clientX;
    const picks = this.#under(event);
    const draws = event.shiftKey;
    let dragging = false;
    this.#field.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ moving) => {
      if (!dragging && Math.abs(moving.clientX - startX) < DRAG_PX) return;
      dragging = true;
      const at = this.#timeAt(moving);
      if (draws) this.#tell("span", { from: Math.min(start, at), to: Math.max(start, at) });
      else this.#tell("seek", { t: at });
    };
    const up = (/** @type {PointerEvent} */ last) => {
      this.#field.removeEventListener("pointermove", move);
      this.#field.removeEventListener("pointerup", up);
      this.#field.removeEventListener("pointercancel", up);
      if (dragging || last.type === "pointercancel") return;
      const id = picks?.dot?.id ?? picks?.block?.id;
      if (id) this.#tell("pick", { id });
      // A click on something goes to where it begins; on open ground, to the very place.
      const block = picks?.block && picks.block.kind !== "here" && picks.block.kind !== "speaking" ? picks.block : null;
      this.#tell("seek", { t: picks?.dot?.t ?? block?.from ?? start });
    };
    this.#field.addEventListener("pointermove", move);
    this.#field.addEventListener("pointerup", up);
    this.#field.addEventListener("pointercancel", up);
  }

  /** @param {MouseEvent} event */
  #under(event) {
    if (!this.#shown) return null;
    const { left, top } = this.#canvas.getBoundingClientRect();
    return hit(this.#shown.lanes, this.#view, this.#width, event.clientX - left, event.clientY - top - RULER_HEIGHT);
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    if (!this.#shown || event.pointerType === "touch") return;
    const found = this.#under(event);
    const words = [formatDuration(this.#timeAt(event) * 1000), ...(found ? tipWords(found, this.#shown.recording) : [])];
    setText(this.#tip, words.filter(Boolean).join("\n"));
    this.#tip.hidden = false;
    const { left, top } = this.#field.getBoundingClientRect();
    const x = Math.min(Math.max(8, event.clientX - left + 12), Math.max(8, this.#width - this.#tip.offsetWidth - 8));
    Object.assign(this.#tip.style, { left: `${x}px`, top: `${event.clientY - top + this.scrollTop + 14}px` });
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!this.#shown) return;
    const { duration_s: duration } = this.#shown.recording;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.#view = zoomed(this.#view, event.deltaY < 0 ? ZOOM : 1 / ZOOM, this.#timeAt(event), duration);
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      this.#view = moved(this.#view, (event.deltaX / Math.max(1, this.#width)) * (this.#view.to - this.#view.from), duration);
    } else return;
    this.#follow = this.#t >= this.#view.from && this.#t <= this.#view.to;
    this.#paint();
  }

  /** @param {"seek" | "pick" | "span"} type @param {unknown} detail */
  #tell(type, detail) {
    if (type === "seek") this.#follow = true;
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

customElements.define("lm-review-timeline", ReviewTimeline);
