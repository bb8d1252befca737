/** The listener's own volume, remembered between visits. */

const KEY = "lianmai.sound";

/** @typedef {{ muted: boolean, volume: number }} Sound volume 0-1 */

/** @returns {Sound} */
export function readSound() {
  try {
    const kept = /** @type {Partial<Sound> | null} */ (JSON.parse(localStorage.getItem(KEY) ?? "null"));
    const volume = typeof kept?.volume === "number" ? Math.min(1, Math.max(0, kept.volume)) : 1;
    return { muted: kept?.muted === true, volume };
  } catch {
    return { muted: false, volume: 1 };
  }
}

/** @param {Sound} sound */
export function writeSound(sound) {
  try {
    localStorage.setItem(KEY, JSON.stringify(sound));
  } catch {
    // Storage may be blocked; the choice lives as long as the page.
  }
}
