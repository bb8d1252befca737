/** An agent's own quick replies: how they are filled in, and the dialog to change them. */
import { openDialog } from "./components/dialog.js";
import { quickReplies } from "./agent-help-words.js";
import { button, make, setText } from "./dom.js";
import { t } from "./locale.js";

/** The server takes so many, so long. */
const MAX = 50;
const MAX_LENGTH = 300;

/**
 * @param {readonly string[] | null} own null: the console's
 * @param {string} name the shopper's
 */
export function repliesFor(own, name) {
  return own ? own.map((reply) => reply.replaceAll("{name}", name)) : quickReplies(name);
}

/**
 * What a text with one reply per line says.
 * @param {string} text
 * @returns {{ replies: string[], problem: "many" | "long" | null }}
 */
export function repliesIn(text) {
  const replies = [...new Set(text.split("\n").map((line) => line.trim()).filter(Boolean))];
  return { replies, problem: replies.length > MAX ? "many" : replies.some(({ length }) => length > MAX_LENGTH) ? "long" : null };
}

/**
 * @param {readonly string[] | null} own
 * @returns {Promise<{ replies: string[] | null } | null>} replies null: the console's again; null: as before
 */
export function editReplies(own) {
  return new Promise((resolve) => {
    const area = make("textarea", "input");
    area.rows = 10;
    area.value = (own ?? quickReplies("{name}")).map((reply) => reply.replaceAll("\n", " ")).join("\n");
    const problem = make("p", "hint problem");
    problem.setAttribute("role", "alert");
    const field = make("label", "field", make("span", "field-label", t("replies.label")), area);
    const { dialog, actions } = openDialog(t("replies.title"), make("p", "", t("replies.body", { holder: "{name}" })), field, problem);
    dialog.classList.add("replies-dialog");
    const save = button(t("replies.save"), "primary", () => dialog.close("save"));
    const check = () => {
      const { problem: wrong } = repliesIn(area.value);
      save.disabled = wrong !== null;
      problem.hidden = wrong === null;
      setText(problem, wrong === "many" ? t("replies.many", { max: MAX }) : wrong === "long" ? t("replies.long", { max: MAX_LENGTH }) : "");
    };
    area.addEventListener("input", check);
    check();
    if (own) actions.append(button(t("replies.default"), "quiet", () => dialog.close("default")));
    actions.append(button(t("dialog.cancel"), "", () => dialog.close()), save);
    dialog.addEventListener(
      "close",
      () => {
        if (dialog.returnValue === "default") resolve({ replies: null });
        else resolve(dialog.returnValue === "save" ? { replies: repliesIn(area.value).replies } : null);
      },
      { once: true },
    );
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  });
}
