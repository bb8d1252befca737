/** Single-key shortcuts that never steal a key from a field, a dialog or the browser. */

/**
 * @typedef {object} Shortcut
 * @property {string[]} keys KeyboardEvent.key values, lower case; the first is shown in the help
 * @property {string} label key of its description; empty: the one before it speaks for it
 * @property {() => void} run
 */

/**
 * @param {Shortcut[]} shortcuts
 */
export function listenShortcuts(shortcuts) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    // Fields of the help widget are inside its shadow: from here the target would be the widget.
    if (takesKeys(event.composedPath()[0] ?? null) || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const found = shortcuts.find((shortcut) => shortcut.keys.includes(key));
    if (!found) return;
    event.preventDefault();
    found.run();
  });
}

/** @param {EventTarget | null} target */
function takesKeys(target) {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("input:not([type=button]), textarea, select");
}
