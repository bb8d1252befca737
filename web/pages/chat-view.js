/** What the chat says and allows: pure functions of what is known. */

/** Letters of a message, as the server counts them: code points. */
export const CHAT_MAX = 300;
/** The counter appears when so few letters are left. */
export const COUNT_FROM = 50;
/** Nodes in the list, as many as the room keeps. */
export const SHOWN_MAX = 200;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * @typedef {object} ComposerFacts
 * @property {boolean} mayWrite the token allows it
 * @property {boolean} connected
 * @property {string} text in the box
 * @property {number} now ms on the server's clock
 * @property {number | null} mutedUntil ms
 * @property {number} slowS seconds between two messages; 0: no limit
 * @property {number} waitUntil ms: slow mode, or the server's own word, lets us write again then
 * @property {string | null} trouble a sentence about the last message that was not sent
 */

/**
 * What there is to say about writing.
 * @typedef {"readonly" | "too_long" | "wait" | "slow" | "muted_seconds" | "muted_minutes" | "muted_hours"} NoteKind
 * @typedef {{ kind: NoteKind, count: number }} Note
 */

/**
 * @typedef {object} Composer
 * @property {"write" | "muted" | "readonly"} mode
 * @property {boolean} canSend
 * @property {number | null} left letters, once they are few; below 0: too many
 * @property {number} waitS seconds until the next message may go; 0: now
 * @property {Note | null} note beside `trouble`, which comes first
 */

/**
 * @param {ComposerFacts} facts
 * @returns {Composer}
 */
export function composer({ mayWrite, connected, text, now, mutedUntil, slowS, waitUntil, trouble }) {
  const rest = { canSend: false, left: null, waitS: 0, note: null };
  if (!mayWrite) return { ...rest, mode: "readonly", note: { kind: "readonly", count: 0 } };
  if (mutedUntil !== null && mutedUntil > now) return { ...rest, mode: "muted", note: mutedNote(mutedUntil - now) };
  const waitS = Math.max(0, Math.ceil((waitUntil - now) / 1000));
  const lettersLeft = CHAT_MAX - [...text.trim()].length;
  /** @type {Note | null} */
  let note = null;
  if (lettersLeft < 0) note = { kind: "too_long", count: -lettersLeft };
  else if (waitS > 0) note = { kind: "wait", count: waitS };
  else if (slowS > 0 && trouble === null) note = { kind: "slow", count: slowS };
  return {
    mode: "write",
    canSend: connected && text.trim() !== "" && lettersLeft >= 0 && waitS === 0,
    left: lettersLeft <= COUNT_FROM ? lettersLeft : null,
    waitS,
    note,
  };
}

/**
 * @param {number} leftMs
 * @returns {Note}
 */
function mutedNote(leftMs) {
  if (leftMs < MINUTE_MS) return { kind: "muted_seconds", count: Math.ceil(leftMs / 1000) };
  if (leftMs < HOUR_MS) return { kind: "muted_minutes", count: Math.ceil(leftMs / MINUTE_MS) };
  return { kind: "muted_hours", count: Math.ceil(leftMs / HOUR_MS) };
}

/**
 * Which role is worth a badge.
 * @param {string} role
 * @returns {"host" | "agent" | "supervisor" | null}
 */
export function badgeOf(role) {
  return role === "host" || role === "agent" || role === "supervisor" ? role : null;
}

/**
 * What changes in a list of lines.
 * @template {{ id: string }} M
 * @param {Iterable<string>} shown ids, oldest first
 * @param {readonly M[]} messages oldest first
 * @returns {{ gone: string[], added: M[] }}
 */
export function changes(shown, messages) {
  const kept = messages.slice(-SHOWN_MAX);
  const wanted = new Set(kept.map(({ id }) => id));
  const there = new Set(shown);
  return { gone: [...there].filter((id) => !wanted.has(id)), added: kept.filter(({ id }) => !there.has(id)) };
}
