/**
 * "Repeat after me": steps that an agent shows and ticks while the shopper follows. The shopper sees the step that is on
 * large; the agent sees all of them, and writes a new list or takes one that is prepared.
 *
 *   checklist.help = help;          // a HelpLine; null: none
 *   checklist.me = identity;
 *   checklist.readonly = true;      // look only
 *   checklist.templates = [{ title, steps }];   // instead of those that are built in
 *
 * Without a checklist the shopper's side is empty and `hidden`. Event: `trouble` (detail: code).
 */
import { button, icon, make, setText } from "../dom.js";
import { codeOf, sentence } from "../errors.js";
import { onLocale, t } from "../locale.js";

/**
 * @typedef {import("../../sdk/help.js").HelpLine} HelpLine
 * @typedef {import("../../sdk/types.js").CallChecklist} CallChecklist
 * @typedef {{ title: string, steps: readonly string[] }} Template
 */

const MAX_STEPS = 20;
const MAX_STEP = 200;
const MAX_TITLE = 120;

export class ChecklistPanel extends HTMLElement {
  /** @type {HelpLine | null} */
  #help = null;
  #me = "";
  #readonly = false;
  /** @type {readonly Template[] | null} */
  #templates = null;
  #shown = "";
  /** Asked for, and not yet told. @type {Map<number, boolean>} */
  #wanted = new Map();
  #busy = false;
  /** @type {(() => void)[]} */
  #undo = [];
  /** @type {(() => void)[]} */
  #unhelp = [];
  #title = make("input", "input");
  #steps = make("textarea", "input");
  #note = make("p", "cl-note");
  #view = make("div", "cl-view");

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    for (const name of /** @type {const} */ (["help", "me", "readonly", "templates"])) {
      if (!Object.hasOwn(this, name)) continue;
      const value = /** @type {any} */ (this)[name];
      delete (/** @type {any} */ (this)[name]);
      /** @type {any} */ (this)[name] = value;
    }
    this.#undo.push(
      onLocale(() => {
        this.#shown = "";
        this.#render();
      }),
    );
    this.#follow();
  }

  disconnectedCallback() {
    for (const undo of [...this.#undo.splice(0), ...this.#unhelp.splice(0)]) undo();
  }

  get help() {
    return this.#help;
  }

  set help(help) {
    if (help === this.#help) return;
    this.#help = help;
    this.#wanted.clear();
    this.#busy = false;
    if (this.isConnected) this.#follow();
  }

  get me() {
    return this.#me;
  }

  set me(me) {
    this.#me = me;
    this.#render();
  }

  get readonly() {
    return this.#readonly;
  }

  set readonly(readonly) {
    this.#readonly = readonly;
    this.#render();
  }

  get templates() {
    return this.#templates ?? builtIn();
  }

  set templates(templates) {
    this.#templates = templates;
    this.#shown = "";
    this.#render();
  }

  #build() {
    this.#title.maxLength = MAX_TITLE;
    this.#steps.rows = 6;
    this.#note.setAttribute("role", "status");
    this.append(this.#view, this.#note);
  }

  #follow() {
    for (const undo of this.#unhelp.splice(0)) undo();
    const help = this.#help;
    if (help) {
      this.#unhelp.push(
        help.on("call", () => this.#render()),
        help.on("checklist", () => {
          this.#wanted.clear();
          this.#render();
        }),
      );
    }
    this.#render();
  }

  get #isShopper() {
    return this.#help?.call?.shopper.identity === this.#me;
  }

  #render() {
    if (!this.isConnected || this.childElementCount === 0) return;
    const call = this.#help?.call ?? null;
    const checklist = call?.checklist ?? null;
    const shopper = this.#isShopper;
    const shown = JSON.stringify([call?.id, checklist, shopper, this.#readonly, [...this.#wanted], this.#busy]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.classList.toggle("shopper", shopper);
    this.hidden = call === null || (shopper && checklist === null);
    if (call === null) this.#view.replaceChildren();
    else if (checklist && shopper) this.#view.replaceChildren(...this.#follower(checklist));
    else if (checklist) this.#keepFocus(() => this.#view.replaceChildren(...this.#leader(checklist)));
    else if (this.#readonly) this.#view.replaceChildren(make("p", "cl-empty", t("checklist.none")));
    else if (!this.#view.contains(this.#steps) || !shopper) this.#view.replaceChildren(...this.#writer());
  }

  // --- the shopper's side --------------------------------------------------------------------------------------

  /** @param {CallChecklist} checklist */
  #follower({ title, steps }) {
    const at = steps.findIndex(({ done }) => !done);
    const count = String(steps.length);
    const head = make("p", "cl-head", make("span", "cl-name truncate", title), progress(steps));
    const now = make("div", "cl-now");
    now.setAttribute("role", "status");
    if (at < 0) {
      now.classList.add("all");
      now.append(icon("check"), make("p", "cl-big", t("checklist.all_done")));
      return [head, now];
    }
    now.append(make("p", "cl-count number", t("checklist.step_of", { step: String(at + 1), count })), make("p", "cl-big", steps[at]?.text ?? ""));
    const next = steps[at + 1];
    return next ? [head, now, make("p", "cl-next truncate", t("checklist.next", { step: next.text }))] : [head, now];
  }

  // --- the agent's side ----------------------------------------------------------------------------------------

  /** @param {CallChecklist} checklist */
  #leader({ title, steps }) {
    const states = steps.map(({ done }, index) => this.#wanted.get(index) ?? done);
    const at = states.indexOf(false);
    const list = make("ol", "cl-steps");
    steps.forEach(({ text }, index) => {
      const box = make("input", "");
      box.type = "checkbox";
      box.checked = states[index] ?? false;
      box.disabled = this.#readonly;
      box.dataset["step"] = String(index);
      box.addEventListener("change", () => this.#tick(index, box.checked));
      const item = make("li", `cl-step ${states[index] ? "done" : ""} ${index === at ? "now" : ""}`, make("label", "", box, make("span", "cl-tick", icon("check")), make("span", "cl-text", text)));
      if (index === at) item.setAttribute("aria-current", "step");
      list.append(item);
    });
    const head = make("p", "cl-head", make("span", "cl-name", title), progress(steps));
    if (this.#readonly) return [head, list];
    const next = button(at < 0 ? t("checklist.all_done") : t("checklist.tick", { step: String(at + 1) }), "primary", () => this.#tick(at, true));
    next.disabled = at < 0;
    const away = button(t("checklist.remove"), at < 0 ? "" : "quiet", () => void this.#put(null));
    return [head, list, make("div", "cl-acts", next, away)];
  }

  #writer() {
    const label = (/** @type {string} */ words, /** @type {HTMLElement} */ field) => make("label", "field", make("span", "", words), field);
    this.#steps.placeholder = t("checklist.steps_hint");
    this.#title.placeholder = t("checklist.title_hint");
    const ready = make("div", "cl-ready");
    for (const template of this.templates) {
      ready.append(
        button(template.title, "small", () => {
          this.#title.value = template.title;
          this.#steps.value = template.steps.join("\n");
          this.#check();
        }),
      );
    }
    const form = make("form", "cl-form", label(t("checklist.title"), this.#title), label(t("checklist.steps"), this.#steps));
    const show = make("button", "button primary", t("checklist.show"));
    show.type = "submit";
    show.disabled = this.#busy;
    form.append(show);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const steps = linesOf(this.#steps.value);
      if (this.#check(true)) void this.#put({ title: this.#title.value.trim(), steps });
    });
    return [make("p", "cl-intro", t("checklist.intro")), ready, form];
  }

  /** @param {boolean} [missing] also what is still missing */
  #check(missing = false) {
    const steps = linesOf(this.#steps.value);
    let words = "";
    if (steps.length > MAX_STEPS) words = t("checklist.too_many", { max: String(MAX_STEPS) });
    else if (steps.some((step) => step.length > MAX_STEP)) words = t("checklist.too_long", { max: String(MAX_STEP) });
    else if (missing && (!this.#title.value.trim() || steps.length === 0)) words = t("checklist.incomplete");
    setText(this.#note, words);
    return words === "";
  }

  /** @param {number} step @param {boolean} done */
  #tick(step, done) {
    if (step < 0 || !this.#help) return;
    this.#wanted.set(step, done);
    this.#render();
    this.#help.step(step, done).catch((error) => {
      this.#wanted.delete(step);
      this.#tell(error);
    });
  }

  /** @param {Template | null} checklist */
  async #put(checklist) {
    if (!this.#help || this.#busy) return;
    this.#busy = true;
    setText(this.#note, "");
    try {
      await this.#help.checklist(checklist);
      if (checklist) this.#title.value = this.#steps.value = "";
    } catch (error) {
      this.#tell(error);
    } finally {
      this.#busy = false;
      this.#shown = "";
      this.#render();
    }
  }

  /** @param {unknown} error */
  #tell(error) {
    const code = codeOf(error);
    setText(this.#note, sentence(code));
    this.#shown = "";
    this.#render();
    this.dispatchEvent(new CustomEvent("trouble", { detail: code }));
  }

  /** Who ticks with the keys goes on where they are. @param {() => void} change */
  #keepFocus(change) {
    const root = /** @type {Document | ShadowRoot} */ (this.getRootNode());
    const active = root.activeElement;
    const inside = active instanceof HTMLElement && this.#view.contains(active);
    const step = inside ? active.dataset["step"] : undefined;
    const act = inside && active.classList.contains("primary");
    change();
    if (step !== undefined) /** @type {HTMLElement | null} */ (this.#view.querySelector(`[data-step="${step}"]`))?.focus();
    else if (act) /** @type {HTMLElement | null} */ (this.#view.querySelector(".cl-acts .button:not(:disabled)"))?.focus();
  }
}

/** @returns {Template[]} */
function builtIn() {
  return [
    { title: t("checklist.wifi"), steps: t("checklist.wifi_steps").split("\n") },
    { title: t("checklist.power"), steps: t("checklist.power_steps").split("\n") },
    { title: t("checklist.reset"), steps: t("checklist.reset_steps").split("\n") },
  ];
}

/** @param {CallChecklist["steps"]} steps */
function progress(steps) {
  const done = steps.filter((step) => step.done).length;
  return make("span", "cl-progress number", `${done} / ${steps.length}`);
}

/** One step a line; a number that somebody wrote before it goes. @param {string} text */
function linesOf(text) {
  return text.split("\n").map((line) => line.replace(/^\s*(?:\d{1,2}[.、)）]|[-*•])\s*/, "").trim()).filter(Boolean);
}

customElements.define("lm-checklist", ChecklistPanel);
