/** Modal questions and short help, on the browser's own dialog element (focus trap, Escape and backdrop included). */
import { button, make } from "../dom.js";
import { t } from "../locale.js";

/**
 * Ask once; Escape and the backdrop mean no.
 * @param {{ title: string, body: string, confirm: string, danger?: boolean }} question
 * @returns {Promise<boolean>}
 */
export function ask({ title, body, confirm, danger = false }) {
  return new Promise((resolve) => {
    const { dialog, actions } = open(title, make("p", "", body));
    const no = button(t("dialog.cancel"), "", () => dialog.close());
    const yes = button(confirm, danger ? "danger" : "primary", () => dialog.close("yes"));
    actions.append(no, yes);
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    // The safe answer has the focus, so that a stray Enter ends nothing.
    no.focus();
  });
}

/**
 * The keyboard help.
 * @param {import("../shortcuts.js").Shortcut[]} shortcuts
 */
export function showKeys(shortcuts) {
  const list = make("dl", "key-list");
  for (const shortcut of shortcuts) {
    list.append(make("dt", "", make("kbd", "", keyName(shortcut.keys[0] ?? ""))), make("dd", "", t(shortcut.label)));
  }
  const { dialog, actions } = open(t("keys.title"), list);
  const close = button(t("dialog.close"), "", () => dialog.close());
  actions.append(close);
  close.focus();
}

/** @param {string} key a KeyboardEvent.key */
function keyName(key) {
  if (key === "arrowup") return "↑";
  if (key === "arrowdown") return "↓";
  return key.toUpperCase();
}

/**
 * @param {string} title
 * @param {...Node} content
 */
function open(title, ...content) {
  const heading = make("h2", "", title);
  heading.id = "dialog-title";
  const actions = make("div", "actions");
  const dialog = make("dialog", "dialog", heading, ...content, actions);
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, actions };
}
