/** The player's keys, each row with all keys that do it. */
import { button, make } from "../dom.js";
import { t } from "../locale.js";
import { openDialog } from "./dialog.js";

/** @param {import("../shortcuts.js").Shortcut[]} shortcuts */
export function showReviewKeys(shortcuts) {
  const list = make("dl", "key-list");
  /** @type {HTMLElement | null} */
  let names = null;
  for (const { keys, label } of shortcuts) {
    const caps = keys.map((key) => make("kbd", "", keyName(key)));
    // A key without words belongs to the row above it.
    if (label === "") names?.append(...caps.slice(0, names.childElementCount < 2 ? 1 : 0));
    else {
      names = make("dt", "", ...caps.slice(0, 2));
      list.append(names, make("dd", "", t(label)));
    }
  }
  const { dialog, actions } = openDialog(t("keys.title"), list);
  dialog.classList.add("rv-keys");
  const close = button(t("dialog.close"), "", () => dialog.close());
  actions.append(close);
  close.focus();
}

/** @param {string} key a KeyboardEvent.key */
function keyName(key) {
  switch (key) {
    case " ":
      return t("keys.space");
    case "arrowleft":
      return "←";
    case "arrowright":
      return "→";
    default:
      return key.length === 1 ? key.toUpperCase() : `${key.charAt(0).toUpperCase()}${key.slice(1)}`;
  }
}
