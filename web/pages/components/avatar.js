/** Initials on a tinted ground. */
import { make } from "../dom.js";
import { initials, tintOf } from "../format.js";

const TINTS = 6;

/**
 * @param {string} name
 * @param {string} [className] for example "large"
 * @returns {HTMLSpanElement}
 */
export function avatar(name, className = "") {
  const element = make("span", "", initials(name));
  element.className = `avatar tint-${tintOf(name, TINTS)} ${className}`.trim();
  element.setAttribute("aria-hidden", "true");
  return element;
}
