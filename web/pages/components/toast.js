/** Short messages that go away by themselves; read out politely by screen readers. */
import { button, icon, make } from "../dom.js";

/**
 * @typedef {object} ToastOptions
 * @property {"info" | "good" | "warning" | "error"} [kind]
 * @property {string} [code] stable error code, shown small
 * @property {{ label: string, run: () => void }} [action]
 * @property {number} [stayMs] 0 keeps it until replaced or acted upon
 * @property {string} [replaces] only one toast of this name is shown at a time
 */

const ICONS = { info: "info", good: "check", warning: "warning", error: "warning" };
const STAY_MS = 6000;
const MAX_SHOWN = 3;

/**
 * @param {string} text
 * @param {ToastOptions} [options]
 * @returns {() => void} take it away now
 */
export function toast(text, { kind = "info", code, action, stayMs = STAY_MS, replaces } = {}) {
  const shelf = region();
  if (replaces) clearToast(replaces);
  const words = make("span", "words", make("span", "", text));
  if (code) words.append(make("span", "code", code));
  const element = make("div", `toast ${kind}`, icon(ICONS[kind]), words);
  if (replaces) element.dataset.name = replaces;
  const remove = () => element.remove();
  if (action) {
    const { label, run } = action;
    element.append(
      button(label, "small", () => {
        remove();
        run();
      }),
    );
  }
  shelf.append(element);
  while (shelf.childElementCount > MAX_SHOWN) shelf.firstElementChild?.remove();
  if (stayMs > 0) setTimeout(remove, stayMs);
  return remove;
}

/** @param {string} name as given in `replaces` */
export function clearToast(name) {
  for (const element of region().querySelectorAll(`[data-name="${name}"]`)) element.remove();
}

function region() {
  const found = document.querySelector("lm-toasts");
  if (found) return found;
  const shelf = document.createElement("lm-toasts");
  shelf.setAttribute("role", "status");
  shelf.setAttribute("aria-live", "polite");
  document.body.append(shelf);
  return shelf;
}
