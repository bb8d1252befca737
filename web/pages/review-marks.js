/** What was drawn on the pictures at a moment of the recording: pure. */

/**
 * @typedef {import("../sdk/types.js").CallMark} CallMark
 * @typedef {import("./review-model.js").TimelineEvent} TimelineEvent
 * @typedef {{ mark: CallMark, from: number, to: number }} Drawn a mark as it was between two moments
 * @typedef {{ from: number, to: number, file: string, target: string, identity: string }} Frozen the picture stood still
 */

export class MarkReplay {
  /** @type {Drawn[]} */
  drawn = [];
  /** @type {Frozen[]} */
  frozen = [];

  /**
   * @param {readonly TimelineEvent[]} events ascending
   * @param {number} duration
   */
  constructor(events, duration) {
    /** @type {Map<string, Drawn>} */
    const open = new Map();
    /** @type {Frozen | null} */
    let still = null;
    const wipe = (/** @type {number} */ t, /** @type {string | null} */ id) => {
      for (const [key, entry] of open) {
        if (id !== null && key !== id) continue;
        entry.to = t;
        open.delete(key);
      }
    };
    for (const { t, kind, identity, ...more } of events) {
      if (kind === "mark") {
        const mark = asMark(more["mark"], identity);
        if (!mark) continue;
        // A stroke that grows is sent again and again under its id.
        wipe(t, mark.id);
        const entry = { mark, from: t, to: duration };
        open.set(mark.id, entry);
        this.drawn.push(entry);
      } else if (kind === "mark_cleared") {
        const id = more["mark"];
        wipe(t, typeof id === "string" ? id : null);
      } else if (kind === "freeze") {
        if (still) still.to = t;
        const frame = /** @type {{ file?: unknown, target?: unknown } | undefined} */ (more["frame"] ?? more);
        still = { from: t, to: duration, file: text(frame?.file), target: text(frame?.target), identity: identity ?? "" };
        this.frozen.push(still);
      } else if (kind === "thaw") {
        if (!still) continue;
        // Marks on the still go with it.
        const { file } = still;
        for (const [key, entry] of open) if (file && entry.mark.target === file) wipe(t, key);
        still.to = t;
        still = null;
      }
    }
  }

  /**
   * @param {number} t
   * @returns {{ marks: CallMark[], frozen: Frozen | null }}
   */
  at(t) {
    const marks = this.drawn.filter(({ from, to }) => t >= from && t < to).map(({ mark }) => mark);
    return { marks, frozen: this.frozen.find(({ from, to }) => t >= from && t < to) ?? null };
  }

  /**
   * Those that lie on one track's picture: drawn on it while it moved, or on its still.
   * @param {number} t
   * @param {string} track
   * @returns {{ marks: CallMark[], frozen: Frozen | null }}
   */
  on(t, track) {
    const { marks, frozen } = this.at(t);
    const mine = frozen?.target === track ? frozen : null;
    return { marks: marks.filter(({ target }) => (mine ? target === mine.file || target === track : target === track)), frozen: mine };
  }
}

/**
 * @param {unknown} value
 * @param {string | undefined} by
 * @returns {CallMark | null} null: it cannot be drawn
 */
function asMark(value, by) {
  const mark = /** @type {Partial<CallMark> | null | undefined} */ (value);
  if (!mark || typeof mark.id !== "string" || !Array.isArray(mark.points) || typeof mark.kind !== "string") return null;
  const points = mark.points.filter((point) => Array.isArray(point) && point.length === 2 && point.every((share) => Number.isFinite(share)));
  if (points.length === 0) return null;
  const color = /^#[0-9a-f]{6}$/i.test(mark.color ?? "") ? /** @type {string} */ (mark.color) : "#ff5a3c";
  const width = Number.isFinite(mark.width) ? Math.min(0.05, Math.max(0.001, /** @type {number} */ (mark.width))) : 0.006;
  return { ...mark, id: mark.id, kind: mark.kind, points, color, width, target: text(mark.target), ...(by ? { by } : {}) };
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" ? value : "";
}
