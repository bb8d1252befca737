/**
 * Marks over a video, seen and made by both sides of a call: a laser pointer, lines, arrows, rings, numbered steps, and a
 * frozen picture that both see. It lies over the video in a box of its own (`position: absolute; inset: 0`); where no
 * tool is chosen, presses go through to what is below.
 *
 *   annotate.help = help;        // a HelpLine; null: none
 *   annotate.video = video;      // what is shown; may be cut, mirrored or turned by CSS
 *   annotate.target = trackId;   // of the track that the video shows; null: nothing to draw on
 *   annotate.me = identity;      // ours
 *   annotate.readonly = true;    // look only
 *   annotate.minor = true;       // a small picture: marks only, no tools, and never the frozen picture
 *   annotate.open = true;        // the tools are unfolded
 *
 * Events: `open` (detail: whether the tools are), `elsewhere` (detail: the track that somebody points at or draws on,
 * which is not this one), `trouble` (detail: code).
 */
import { isHit, nextStep } from "../../sdk/marks.js";
import { codeOf, sentence } from "../errors.js";
import { icon, make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";
import { AnnotateBar } from "./annotate-bar.js";
import { Drawing } from "./annotate-draw.js";
import { FrozenPicture, frameName, stillOf } from "./annotate-freeze.js";
import { Hand } from "./annotate-hand.js";
import { LabelBox } from "./annotate-label.js";
import { pixels, placeOf } from "./annotate-place.js";

/**
 * @typedef {import("../../sdk/help.js").HelpLine} HelpLine
 * @typedef {import("../../sdk/types.js").CallFrame} CallFrame
 * @typedef {import("../../sdk/types.js").CallMark} CallMark
 * @typedef {import("../../sdk/types.js").CallSide} CallSide
 * @typedef {import("../../sdk/marks.js").Point} Point
 * @typedef {import("../../sdk/marks.js").View} View
 * @typedef {import("./annotate-bar.js").Choice} Choice
 * @typedef {import("./annotate-hand.js").Made} Made
 * @typedef {import("./annotate-hand.js").Tool} Tool
 */

/** Told apart at a glance, and from skin, packaging and screens; each with a white halo. @type {Record<CallSide, string>} */
export const COLORS = { shopper: "#2563eb", agent: "#ff3b1f", supervisor: "#9333ea" };
const WIDTH = 0.006;
/** How near the rubber must come, as a share of the width; a finger is less exact. */
const REACH = 0.014;
const NOTE_MS = 4_500;
const PROPERTIES = /** @type {const} */ (["help", "video", "target", "me", "readonly", "minor", "open"]);

export class Annotate extends HTMLElement {
  /** @type {HelpLine | null} */
  #help = null;
  /** @type {HTMLVideoElement | null} */
  #video = null;
  /** @type {string | null} */
  #target = null;
  #me = "";
  #readonly = false;
  #minor = false;
  #open = false;
  /** @type {Tool} */
  #tool = "point";
  #busy = false;
  /** The frozen picture is on the screen. */
  #still = false;
  /** @type {View | null} */
  #view = null;
  /** The stroke that is being drawn. */
  #stroke = "";
  /** @type {Set<string>} */
  #rubbed = new Set();
  /** @type {(() => void)[]} */
  #undo = [];
  /** @type {(() => void)[]} */
  #unhelp = [];
  /** @type {(() => void)[]} */
  #unvideo = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #noteTimer;
  #drawing = new Drawing();
  #frozen = new FrozenPicture();
  #clip = make("div", "an-clip");
  #chipWord = make("span");
  #chip = make("p", "an-chip", icon("freeze"), this.#chipWord);
  #note = make("p", "an-note");
  #bar = new AnnotateBar(
    (choice) => this.#choose(choice),
    () => this.#toggle(),
  );
  #hand = new Hand(this.#clip, () => this.#view, {
    point: (point, byKeys) => this.#point(point, byKeys),
    draft: (made) => this.#drawing.draft(made && this.#markOf(made, "draft")),
    grow: (made) => this.#grow(made),
    done: (made) => this.#done(made),
    label: (point) => this.#askLabel(point),
    rub: (point) => this.#rub(point),
    stopped: () => (this.#stroke = ""),
  });
  #label = new LabelBox((words, { point, target }) => {
    const { n: _, ...mark } = this.#markOf({ kind: "step", points: [point] }, newId());
    this.#attempt(this.#help?.mark({ ...mark, kind: "text", target, label: words }));
  });
  #sizes = new ResizeObserver(() => this.#layout());

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    // Set before this module was there.
    for (const name of PROPERTIES) {
      if (!Object.hasOwn(this, name)) continue;
      const value = /** @type {any} */ (this)[name];
      delete (/** @type {any} */ (this)[name]);
      /** @type {any} */ (this)[name] = value;
    }
    this.#undo.push(onLocale(() => this.#render()));
    const view = this.ownerDocument.defaultView;
    const layout = () => this.#layout();
    view?.addEventListener("resize", layout);
    this.#undo.push(() => view?.removeEventListener("resize", layout));
    this.#sizes.observe(this);
    this.#follow();
    this.#watch();
  }

  disconnectedCallback() {
    for (const undo of [...this.#undo.splice(0), ...this.#unhelp.splice(0), ...this.#unvideo.splice(0)]) undo();
    this.#sizes.disconnect();
    this.#hand.stop();
    this.#drawing.close();
    this.#frozen.close();
    this.#still = false;
  }

  get help() {
    return this.#help;
  }

  set help(help) {
    if (help === this.#help) return;
    this.#hand.stop();
    this.#drawing.close();
    this.#help = help;
    if (this.isConnected) this.#follow();
  }

  get video() {
    return this.#video;
  }

  set video(video) {
    if (video === this.#video) return;
    this.#video = video;
    if (this.isConnected) this.#watch();
  }

  /** The track that the video shows. */
  get target() {
    return this.#target;
  }

  set target(target) {
    if (target === this.#target) return;
    this.#hand.stop();
    this.#target = target;
    this.#render();
  }

  get me() {
    return this.#me;
  }

  set me(me) {
    this.#me = me;
  }

  get readonly() {
    return this.#readonly;
  }

  set readonly(readonly) {
    if (readonly === this.#readonly) return;
    this.#readonly = readonly;
    this.#render();
  }

  get minor() {
    return this.#minor;
  }

  set minor(minor) {
    if (minor === this.#minor) return;
    this.#minor = minor;
    this.#render();
  }

  /** Whether the tools are unfolded; then presses on the picture are theirs. */
  get open() {
    return this.#open;
  }

  set open(open) {
    if (open === this.#open) return;
    this.#open = open;
    this.#render();
    this.dispatchEvent(new CustomEvent("open", { detail: open }));
  }

  // --- what there is -------------------------------------------------------------------------------------------

  #build() {
    this.#note.setAttribute("role", "status");
    this.#chip.hidden = true;
    this.#note.hidden = true;
    this.#clip.append(this.#frozen.element, this.#drawing.svg);
    this.append(this.#clip, this.#chip, this.#note, this.#bar.element, this.#label.element);
    this.addEventListener("keydown", (event) => this.#keys(event));
    // What only moved has told nobody.
    this.#clip.addEventListener("pointerenter", () => this.#layout());
  }

  #follow() {
    for (const undo of this.#unhelp.splice(0)) undo();
    const help = this.#help;
    if (help) {
      this.#unhelp.push(
        help.on("call", () => this.#render()),
        help.on("mark", ({ mark }) => {
          if (mark.by !== this.#me) this.#noticed(mark.target);
          this.#render();
        }),
        help.on("clear", () => this.#render()),
        help.on("freeze", () => this.#render()),
        help.on("pointer", ({ by, pointer }) => {
          if (by === this.#me) return;
          const here = pointer !== null && pointer.target === this.#shownTarget;
          this.#drawing.point(by, here ? [pointer.x, pointer.y] : null, COLORS[this.#sideOf(by)]);
          if (pointer) this.#noticed(pointer.target);
        }),
      );
    }
    this.#render();
  }

  #watch() {
    for (const undo of this.#unvideo.splice(0)) undo();
    const video = this.#video;
    if (video) {
      const layout = () => this.#layout();
      for (const type of ["resize", "loadedmetadata", "transitionend", "emptied"]) {
        video.addEventListener(type, layout);
        this.#unvideo.push(() => video.removeEventListener(type, layout));
      }
      this.#sizes.observe(video);
      this.#unvideo.push(() => this.#sizes.unobserve(video));
    }
    this.#layout();
  }

  /** The frozen picture that this one shows. @returns {CallFrame | null} */
  get #frame() {
    return this.#minor ? null : (this.#help?.call?.frame ?? null);
  }

  /** What marks made now belong to. */
  get #shownTarget() {
    return this.#frame?.file ?? this.#target;
  }

  /** @returns {readonly CallMark[]} */
  get #marks() {
    const target = this.#shownTarget;
    return (this.#help?.call?.marks ?? []).filter((mark) => mark.target === target);
  }

  /** @param {string} identity @returns {CallSide} */
  #sideOf(identity) {
    const call = this.#help?.call;
    if (call?.shopper.identity === identity) return "shopper";
    return call?.people.find((person) => person.identity === identity)?.side ?? "agent";
  }

  /** @param {string} target */
  #noticed(target) {
    if (target !== this.#target && target !== this.#frame?.file) this.dispatchEvent(new CustomEvent("elsewhere", { detail: target }));
  }

  // --- what is seen --------------------------------------------------------------------------------------------

  #render() {
    if (!this.isConnected || this.childElementCount === 0) return;
    const frame = this.#frame;
    const target = this.#shownTarget;
    const usable = !this.#readonly && !this.#minor && target !== null && this.#help !== null;
    const drawing = usable && this.#open;
    if (!drawing || this.#tool !== "text") this.#label.close();
    this.#hand.tool = drawing ? this.#tool : null;
    this.#clip.classList.toggle("drawing", drawing);
    this.#clip.dataset["tool"] = drawing ? this.#tool : "";
    for (const [name, value] of [["tabindex", "0"], ["role", "application"], ["aria-label", t("annotate.surface")]]) {
      if (drawing) this.#clip.setAttribute(name ?? "", value ?? "");
      else this.#clip.removeAttribute(name ?? "");
    }
    this.#bar.element.hidden = !usable;
    const marks = this.#marks;
    this.#bar.show({
      open: this.#open,
      tool: this.#tool,
      undo: marks.some(({ by }) => by === this.#me),
      clear: marks.length > 0,
      frozen: frame !== null,
      freeze: this.#target !== null && this.#video !== null,
      busy: this.#busy,
    });
    setText(this.#chipWord, t("annotate.frozen"));
    this.#chip.hidden = frame === null;
    this.#frozen.element.alt = t("annotate.frozen_alt");
    void this.#showStill(frame);
    this.#layout();
  }

  /** @param {CallFrame | null} frame */
  async #showStill(frame) {
    if (frame === null && !this.#still) {
      void this.#frozen.show(null, async () => new Blob());
      return;
    }
    const { help } = this;
    try {
      this.#still = await this.#frozen.show(frame, async (file) => (help ? help.fetchFile(file) : new Blob()));
    } catch (error) {
      this.#still = false;
      this.#tell(error);
    }
    this.#layout();
  }

  /** Put the drawing over the picture, wherever that is now. */
  #layout() {
    const video = this.#video;
    if (!this.isConnected || !video) {
      this.#showView(null);
      return;
    }
    const frame = this.#frame;
    const { clip, view } = placeOf(this, video, frame, frame !== null && frame.target !== this.#target);
    Object.assign(this.#clip.style, pixels(clip));
    this.#showView(view);
  }

  /** @param {View | null} view */
  #showView(view) {
    this.#view = view;
    const frame = this.#frame;
    // Until the still is there, its marks would lie on another picture.
    const hidden = view === null || (frame !== null && !this.#still) || (frame === null && this.#target === null);
    this.#drawing.svg.toggleAttribute("hidden", hidden);
    this.#clip.classList.toggle("frozen", frame !== null && this.#still);
    if (!view) return;
    Object.assign(this.#drawing.svg.style, pixels(view.rect));
    this.#frozen.place(view);
    this.#drawing.place(view);
    this.#drawing.show(this.#marks);
  }

  /** @param {unknown} error */
  #tell(error) {
    const code = codeOf(error);
    setText(this.#note, sentence(code));
    this.#note.hidden = false;
    clearTimeout(this.#noteTimer);
    this.#noteTimer = setTimeout(() => (this.#note.hidden = true), NOTE_MS);
    this.dispatchEvent(new CustomEvent("trouble", { detail: code }));
  }

  // --- what is done --------------------------------------------------------------------------------------------

  #toggle() {
    this.open = !this.#open;
    if (this.#open) this.#bar.focus();
  }

  /** @param {Choice} choice */
  #choose(choice) {
    if (choice === "undo") this.#takeBack();
    else if (choice === "clear") this.#attempt(this.#help?.clear());
    else if (choice === "freeze") void this.#freeze();
    else {
      this.#tool = choice;
      this.#render();
    }
  }

  /** @param {KeyboardEvent} event */
  #keys(event) {
    if (event.key === "Escape" && this.#open) {
      event.preventDefault();
      event.stopPropagation();
      this.#toggle();
      /** @type {HTMLElement | null} */ (this.querySelector(".an-toggle"))?.focus();
    } else if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z" && this.#open) {
      event.preventDefault();
      this.#takeBack();
    }
  }

  #takeBack() {
    const last = this.#marks.filter(({ by }) => by === this.#me).at(-1);
    if (last) this.#attempt(this.#help?.clear(last.id));
  }

  /**
   * @param {Made} made
   * @param {string} id
   * @returns {CallMark}
   */
  #markOf({ kind, points }, id) {
    const target = this.#shownTarget ?? "";
    const number = kind === "step" ? { n: nextStep(this.#marks, target) } : {};
    return { id, by: this.#me, kind, points, target, color: COLORS[this.#sideOf(this.#me)], width: WIDTH, ...number };
  }

  /** @param {Point} point */
  #askLabel(point) {
    const { offsetLeft: left, offsetTop: top, offsetWidth: width } = this.#clip;
    const target = this.#shownTarget;
    // After the press, which takes the focus to the picture.
    if (this.#view && target !== null) requestAnimationFrame(() => this.#view && this.#label.open(point, target, this.#view, { left, top, width }));
  }

  /** @param {Made} made */
  #grow(made) {
    this.#stroke ||= newId();
    // The next one brings what this one could not.
    this.#help?.mark(this.#markOf(made, this.#stroke)).catch(() => {});
  }

  /** @param {Made} made */
  #done(made) {
    const id = this.#stroke || newId();
    this.#stroke = "";
    this.#attempt(this.#help?.mark(this.#markOf(made, id)));
    this.#render();
  }

  /** @param {Point} point */
  #rub(point) {
    const { frame = null } = this.#view ?? {};
    if (!frame) return;
    const hit = [...this.#marks].reverse().find((mark) => !this.#rubbed.has(mark.id) && isHit(mark, point, REACH, frame.height / frame.width));
    if (!hit) return;
    this.#rubbed.add(hit.id);
    const forget = () => this.#rubbed.delete(hit.id);
    this.#attempt(this.#help?.clear(hit.id).finally(forget));
  }

  /** @param {Point | null} point @param {boolean} byKeys */
  #point(point, byKeys) {
    this.#drawing.point("", point, COLORS[this.#sideOf(this.#me)], byKeys);
    const target = this.#shownTarget;
    // What the keys move is our own cursor, unless it is the pointer that they move.
    if (byKeys && this.#tool !== "point") return;
    if (point && target) this.#help?.point(point[0], point[1], target);
    else this.#help?.point(null);
  }

  async #freeze() {
    const { help, video, target } = this;
    if (!help || this.#busy) return;
    if (this.#frame) {
      this.#attempt(help.freeze(null));
      return;
    }
    if (!video || target === null) return;
    this.#busy = true;
    this.#render();
    try {
      const { blob, width, height } = await stillOf(video);
      const file = await help.uploadFile(blob, { name: frameName(new Date()) });
      this.#frozen.keep(file.id, blob);
      await help.freeze({ file: file.id, target, width: file.width ?? width, height: file.height ?? height });
    } catch (error) {
      this.#tell(error);
    } finally {
      this.#busy = false;
      this.#render();
    }
  }

  /** @param {Promise<unknown> | undefined} asked */
  #attempt(asked) {
    asked?.catch((error) => this.#tell(error)).finally(() => this.#render());
  }
}

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

customElements.define("lm-annotate", Annotate);
