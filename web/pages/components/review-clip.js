/** Cut a clip: from, to, and what it is called. It is cut at whole pictures by the server, so it may begin a little earlier. */
import { button, make } from "../dom.js";
import { codeOf, sentence } from "../errors.js";
import { t } from "../locale.js";
import { timeWords } from "../review-words.js";
import { openDialog } from "./dialog.js";
import { toast } from "./toast.js";

const MAX_TITLE = 80;

/**
 * @param {import("../review-session.js").ReviewSession} session
 * @param {{ from: number, to: number }} span
 * @param {(span: { from: number, to: number } | null) => void} changed
 */
export function askClip(session, span, changed) {
  return new Promise((resolve) => {
    const duration = session.recording?.duration_s ?? 0;
    const title = make("input", "input");
    title.maxLength = MAX_TITLE;
    title.required = true;
    const from = timeField(t("review.clip_from"), span.from, duration);
    const to = timeField(t("review.clip_to"), span.to, duration);
    const problem = make("p", "rv-problem");
    problem.setAttribute("role", "alert");
    const form = make("form", "rv-clip", make("label", "field", make("span", "field-label", t("review.clip_title")), title), make("div", "rv-clip-times", from.field, to.field), problem);
    const { dialog, actions } = openDialog(t("review.clip_make"), make("p", "", t("review.clip_hint")), form);
    const save = button(t("review.clip_save"), "primary", () => form.requestSubmit());
    actions.append(button(t("dialog.cancel"), "", () => dialog.close()), save);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void send();
    });
    async function send() {
      const [start, end] = [from.value(), to.value()];
      if (start === null || end === null || end - start < 1) {
        problem.textContent = t("review.clip_wrong");
        return;
      }
      if (title.value.trim() === "") {
        problem.textContent = t("review.clip_untitled");
        title.focus();
        return;
      }
      save.disabled = true;
      try {
        await session.rest.ask("POST", `/recordings/${encodeURIComponent(session.id)}/clips`, { body: { from: start, to: end, title: title.value.trim() } });
        changed(null);
        dialog.close();
        toast(t("review.clip_saved", { title: title.value.trim() }), { kind: "good" });
      } catch (error) {
        problem.textContent = sentence(codeOf(error), /** @type {Error} */ (error).message);
        save.disabled = false;
      }
    }
    dialog.addEventListener("close", () => resolve(undefined), { once: true });
    title.focus();
  });
}

/** @param {string} label @param {number} seconds @param {number} duration */
function timeField(label, seconds, duration) {
  const input = make("input", "input number");
  input.value = timeWords(Math.round(seconds));
  input.inputMode = "numeric";
  return { field: make("label", "field", make("span", "field-label", label), input), value: () => readTime(input.value, duration) };
}

/**
 * 75, 1:15 or 0:01:15.
 * @param {string} words
 * @param {number} duration seconds
 * @returns {number | null} seconds; null: none, or outside
 */
export function readTime(words, duration) {
  const parts = words.trim().split(/[:：]/);
  if (parts.length > 3 || parts.some((part) => !/^\d+(\.\d+)?$/.test(part))) return null;
  const seconds = parts.reduce((sum, part) => sum * 60 + Number(part), 0);
  return seconds <= duration + 0.5 ? Math.min(seconds, duration) : null;
}
