/** The keys of the player. */
import { nextRate } from "./review-clock.js";

/**
 * @typedef {import("./shortcuts.js").Shortcut} Shortcut
 * @typedef {object} Player
 * @property {() => import("./review-playback.js").Playback | null} playback
 * @property {(way: 1 | -1) => void} jump
 * @property {() => void} comment
 * @property {(edge: "from" | "to") => void} mark
 * @property {(index: number) => void} person
 * @property {(factor: number) => void} zoom
 * @property {() => void} full
 * @property {() => void} keys
 */

/** @param {Player} player @returns {Shortcut[]} */
export function caseShortcuts({ playback, jump, comment, mark, person, zoom, full, keys }) {
  const step = (/** @type {number} */ seconds) => () => playback()?.step(seconds);
  const faster = (/** @type {1 | -1} */ way) => () => {
    const playing = playback();
    if (playing) playing.rate = nextRate(playing.rate, way);
  };
  return [
    { keys: [" ", "k"], label: "keys.review_play", run: () => playback()?.toggle() },
    { keys: ["j"], label: "keys.review_back", run: step(-10) },
    { keys: ["l"], label: "keys.review_on", run: step(10) },
    { keys: ["arrowleft"], label: "keys.review_little", run: step(-3) },
    { keys: ["arrowright"], label: "", run: step(3) },
    { keys: [",", "<"], label: "keys.review_slower", run: faster(-1) },
    { keys: [".", ">"], label: "keys.review_faster", run: faster(1) },
    { keys: ["["], label: "keys.review_before", run: () => jump(-1) },
    { keys: ["]"], label: "keys.review_after", run: () => jump(1) },
    { keys: ["m"], label: "keys.review_mute", run: () => { const playing = playback(); if (playing) playing.silent = !playing.silent; } },
    { keys: ["1"], label: "keys.review_person", run: () => person(0) },
    ...[2, 3, 4, 5, 6, 7, 8, 9].map((number) => ({ keys: [String(number)], label: "", run: () => person(number - 1) })),
    { keys: ["c"], label: "keys.review_comment", run: comment },
    { keys: ["i"], label: "keys.review_in", run: () => mark("from") },
    { keys: ["o"], label: "keys.review_out", run: () => mark("to") },
    { keys: ["+", "="], label: "keys.review_zoom", run: () => zoom(2) },
    { keys: ["-"], label: "", run: () => zoom(0.5) },
    { keys: ["home"], label: "", run: () => playback()?.seek(0) },
    { keys: ["end"], label: "", run: () => { const playing = playback(); playing?.seek(playing.clock.duration); } },
    { keys: ["f"], label: "keys.review_full", run: full },
    { keys: ["?"], label: "keys.review_help", run: keys },
  ];
}
