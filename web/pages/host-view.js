/** What the studio is doing: pure functions of what is known. */

/**
 * @typedef {object} StudioInput
 * @property {boolean} tokenNeeded
 * @property {string | null} failure code of an error that ended the visit
 * @property {boolean} secure the browser lets this page use cameras at all
 * @property {boolean} joined
 * @property {string} roomState LianmaiRoom.state
 * @property {"idle" | "live" | "away" | "ended"} show the room's state
 * @property {boolean} onAir this page publishes into the show
 * @property {boolean} starting Go live was pressed and is under way
 * @property {boolean} summary the show that this page hosted has just ended
 * @property {"closed" | "opening" | "open"} capture camera and microphone of the preview
 * @property {string | null} trouble code of why neither camera nor microphone could be opened
 */

/**
 * @typedef {"token" | "failed" | "insecure" | "ask" | "opening" | "trouble" | "preview" | "resume" | "starting"
 *   | "live" | "summary"} StudioScene
 */

/**
 * @param {StudioInput} input
 * @returns {StudioScene}
 */
export function studioScene(input) {
  // Nothing else helps on a page that may not use cameras: say so before asking for anything.
  if (!input.secure) return "insecure";
  if (input.tokenNeeded) return "token";
  if (input.failure !== null) return "failed";
  if (input.onAir) return "live";
  if (input.summary) return "summary";
  if (input.starting) return "starting";
  if (input.capture === "opening") return "opening";
  if (input.capture === "closed") return input.trouble === null ? "ask" : "trouble";
  return input.show === "live" || input.show === "away" ? "resume" : "preview";
}

/**
 * Whether Go live can be pressed, and if not, what it waits for.
 * @param {StudioInput} input
 * @returns {"ready" | "connecting" | "devices"}
 */
export function readiness(input) {
  if (input.capture !== "open") return "devices";
  return input.joined && input.roomState === "joined" ? "ready" : "connecting";
}

/** @typedef {import("../sdk/devices.js").Resolution} Resolution */

/** @type {readonly Resolution[]} */
export const SIZES = Object.freeze(["360p", "540p", "720p", "1080p"]);

/**
 * A kept or typed value as one of ours.
 * @param {unknown} value
 * @returns {Resolution}
 */
export function asResolution(value) {
  return SIZES.find((known) => known === value) ?? "720p";
}
