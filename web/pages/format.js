/** Pure formatting for people: times, names. Nothing here reads the clock. */

/**
 * 0:07, 12:34, 1:02:03.
 * @param {number} ms negative counts as 0
 * @returns {string}
 */
export function formatDuration(ms) {
  const total = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = String(total % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/**
 * What to write in a round picture: the last two characters of a Chinese name, two initials of others.
 * @param {string} name
 * @returns {string}
 */
export function initials(name) {
  const letters = [...name.replace(/[^\p{L}\p{N}\s]/gu, " ").trim()];
  if (letters.length === 0) return "?";
  const han = letters.filter((letter) => /\p{Script=Han}/u.test(letter));
  if (han.length > 0) return han.slice(-2).join("");
  const words = letters.join("").split(/\s+/);
  return words
    .slice(0, 2)
    .map((word) => [...word][0] ?? "")
    .join("")
    .toUpperCase();
}

/**
 * A stable choice among the avatar tints.
 * @param {string} name
 * @param {number} tints how many there are
 * @returns {number} 0 to tints - 1
 */
export function tintOf(name, tints) {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 65521;
  return hash % tints;
}

/**
 * Bits per second as a person reads them.
 * @param {number} bps
 * @returns {string}
 */
export function formatBitrate(bps) {
  return bps >= 1_000_000 ? `${(bps / 1_000_000).toFixed(1)} Mbps` : `${Math.round(bps / 1000)} kbps`;
}
