/** What an agent writes about a call: kept in this tab while it is typed, saved at the server a moment later. */

/** @typedef {{ note: string, reasons: readonly string[], solved: "yes" | "no" | "unknown" }} Draft */

const KEY = "lianmai.call-notes";
const SAVE_MS = 1_500;
/** Calls whose drafts are kept. */
const KEPT = 8;
const SOLVED = new Set(["yes", "no", "unknown"]);

/** @type {Draft} */
export const EMPTY_DRAFT = Object.freeze({ note: "", reasons: [], solved: "unknown" });

/**
 * What the server has, as a draft.
 * @param {import("./agent-help-types.js").Call} call
 * @returns {Draft}
 */
export function draftOf({ notes }) {
  if (!notes) return EMPTY_DRAFT;
  return { note: notes.note, reasons: notes.reasons, solved: notes.solved ?? "unknown" };
}

/**
 * @param {unknown} kept as found in storage
 * @returns {Map<string, Draft>}
 */
export function asDrafts(kept) {
  /** @type {Map<string, Draft>} */
  const drafts = new Map();
  if (!Array.isArray(kept)) return drafts;
  for (const entry of kept) {
    if (!Array.isArray(entry) || typeof entry[0] !== "string") continue;
    const draft = /** @type {Partial<Draft> | null} */ (entry[1]);
    if (typeof draft?.note !== "string" || !Array.isArray(draft.reasons)) continue;
    const solved = SOLVED.has(String(draft.solved)) ? /** @type {Draft["solved"]} */ (draft.solved) : "unknown";
    drafts.set(entry[0], { note: draft.note, reasons: draft.reasons.filter((reason) => typeof reason === "string"), solved });
  }
  return drafts;
}

export class CallNotes {
  #save;
  #drafts = asDrafts(read());
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #timers = new Map();

  /** @param {(call: string, draft: Draft) => void} save at the server; called some time after the last change */
  constructor(save) {
    this.#save = save;
  }

  /** @param {import("./agent-help-types.js").Call} call @returns {Draft} */
  of(call) {
    return this.#drafts.get(call.id) ?? draftOf(call);
  }

  /**
   * @param {string} call
   * @param {Draft} draft
   */
  set(call, draft) {
    this.#drafts.delete(call);
    this.#drafts.set(call, draft);
    for (const id of this.#drafts.keys()) if (this.#drafts.size > KEPT) this.#drafts.delete(id);
    write([...this.#drafts]);
    clearTimeout(this.#timers.get(call));
    this.#timers.set(call, setTimeout(() => this.#due(call), SAVE_MS));
  }

  /** Saved for good: nothing is to be kept here. @param {string} call */
  forget(call) {
    clearTimeout(this.#timers.get(call));
    this.#timers.delete(call);
    this.#drafts.delete(call);
    write([...this.#drafts]);
  }

  /** @param {string} call */
  #due(call) {
    this.#timers.delete(call);
    const draft = this.#drafts.get(call);
    if (draft) this.#save(call, draft);
  }
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

/** @param {unknown} value */
function write(value) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(value));
  } catch {
    // Storage may be blocked: the drafts live as long as the page.
  }
}
