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
    const { dialog, actions } = openDialog(title, make("p", "", body));
    const no = button(t("dialog.cancel"), "", () => dialog.close());
    const yes = button(confirm, danger ? "danger" : "primary", () => dialog.close("yes"));
    actions.append(no, yes);
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    // The safe answer has the focus, so that a stray Enter ends nothing.
    no.focus();
  });
}

/**
 * Ask for one line of words.
 * @param {{ title: string, body: string, label: string, value: string, max: number, confirm: string }} question
 * @returns {Promise<string | null>} null: closed without an answer
 */
export function askLine({ title, body, label, value, max, confirm }) {
  return new Promise((resolve) => {
    const input = make("input", "input");
    input.maxLength = max;
    input.value = value;
    const field = make("label", "field", make("span", "field-label", label), input);
    const { dialog, actions } = openDialog(title, make("p", "", body), field);
    actions.append(button(t("dialog.cancel"), "", () => dialog.close()), button(confirm, "primary", () => dialog.close("yes")));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) dialog.close("yes");
    });
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? input.value.trim() : null), { once: true });
    input.select();
  });
}

/**
 * The keyboard help.
 * @param {import("../shortcuts.js").Shortcut[]} shortcuts
 */
export function showKeys(shortcuts) {
  const list = make("dl", "key-list");
  for (const shortcut of shortcuts.filter(({ label }) => label !== "")) {
    list.append(make("dt", "", make("kbd", "", keyName(shortcut.keys[0] ?? ""))), make("dd", "", t(shortcut.label)));
  }
  const { dialog, actions } = openDialog(t("keys.title"), list);
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

/** Put away whatever is asked, as if the answer were no: something more pressing needs the page. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog.dialog[open]")) if (dialog instanceof HTMLDialogElement) dialog.close();
}

/**
 * An open dialog to fill; it is gone from the page once closed.
 * @param {string} title
 * @param {...Node} content
 */
export function openDialog(title, ...content) {
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
