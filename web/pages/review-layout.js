/** Which pictures are shown at a moment of a recording, and how large: pure. */
import { presence } from "./review-timeline.js";

/**
 * @typedef {import("./review-model.js").Recording} Recording
 * @typedef {import("./review-model.js").Track} Track
 * @typedef {{ key: string, identity: string, name: string, side: string, track: string | null, source: "camera" | "screen" | "sound", speaking: boolean, muted: boolean, gap: string | null }} Tile
 *   track: whose picture; null: only a voice. gap: why there is nothing to see
 * @typedef {{ shape: "empty" | "one" | "two" | "grid" | "big", big: string | null, tiles: Tile[] }} Layout
 */

/**
 * @param {Recording} recording
 * @param {number} t
 * @param {ReadonlyMap<string, import("./review-timeline.js").Lane>} voices by identity
 * @returns {Layout}
 */
export function layoutAt(recording, t, voices) {
  /** @type {Tile[]} */
  const tiles = [];
  for (const { identity, name, side } of recording.people) {
    const own = recording.tracks.filter((track) => track.identity === identity && t >= track.began && t < track.ended);
    const blocks = voices.get(identity)?.blocks ?? presence(recording, identity);
    const isIn = (/** @type {string} */ kind) => blocks.some((block) => block.kind === kind && t >= block.from && t < block.to);
    const person = { identity, name: name || identity, side, speaking: isIn("speaking"), muted: isIn("muted") };
    const pictures = own.filter(({ kind }) => kind === "video");
    for (const track of pictures) {
      tiles.push({ ...person, key: `${identity}:${track.source}`, track: track.id, source: track.source === "screen" ? "screen" : "camera", gap: gapAt(recording, track, t) });
    }
    const camera = pictures.some(({ source }) => source !== "screen");
    if (!camera && (own.length > 0 || isIn("here"))) {
      const sound = own.find(({ kind }) => kind === "audio");
      tiles.push({ ...person, key: `${identity}:sound`, track: null, source: "sound", gap: sound ? gapAt(recording, sound, t) : gapOf(recording.gaps, t) });
    }
  }
  const big = tiles.find(({ source }) => source === "screen")?.key ?? null;
  const shape = tiles.length === 0 ? "empty" : big && tiles.length > 1 ? "big" : tiles.length === 1 ? "one" : tiles.length === 2 ? "two" : "grid";
  return { shape, big: shape === "big" ? big : null, tiles };
}

/** @param {Recording} recording @param {Track} track @param {number} t */
function gapAt(recording, track, t) {
  return gapOf(recording.gaps, t) ?? gapOf(track.gaps, t);
}

/** @param {readonly { from: number, to: number, reason: string }[]} gaps @param {number} t */
function gapOf(gaps, t) {
  return gaps.find(({ from, to, reason }) => t >= from && t < to && reason !== "loss")?.reason ?? null;
}

/** Whose voices are heard in a track: to be turned down or off. @param {Recording} recording @returns {{ identity: string, name: string, side: string, tracks: string[] }[]} */
export function voicesOf(recording) {
  return recording.people
    .map(({ identity, name, side }) => ({ identity, name: name || identity, side, tracks: recording.tracks.filter((track) => track.identity === identity && track.kind === "audio").map(({ id }) => id) }))
    .filter(({ tracks }) => tracks.length > 0);
}
