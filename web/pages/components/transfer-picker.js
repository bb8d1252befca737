/**
 * Whom to hand a call to, or to bring into it: colleagues by presence and skill, skills, queues; at once or after a word
 * with the colleague, with a note. On the browser's dialog element.
 *
 *   const picker = pickTransfer({ colleagues: () => [...], queues: () => [...], identity, adding: false });
 *   const chosen = await picker;             // { to, warm, note } or null
 */
import { colleaguesFor, skillsFor } from "../agent-help-view.js";
import { button, icon, make, setText } from "../dom.js";
import { t } from "../locale.js";
import { avatar } from "./avatar.js";
import { openDialog } from "./dialog.js";
import { presenceWord } from "./presence-switch.js";

/**
 * @typedef {import("../agent-help-types.js").Colleague} Colleague
 * @typedef {import("../agent-help-types.js").QueueLine} QueueLine
 * @typedef {{ identity: string } | { skill: string } | { queue: string }} Target
 * @typedef {{ to: Target, warm: boolean, note: string }} Chosen
 * @typedef {object} PickOptions
 * @property {() => readonly Colleague[]} colleagues as they are now
 * @property {() => readonly QueueLine[]} queues
 * @property {readonly string[]} skills that are known to exist
 * @property {string} identity ours
 * @property {string} from the queue the call came from
 * @property {boolean} adding a second agent comes in; nobody leaves
 * @property {(run: () => void) => () => void} onChange told when colleagues or queues changed; gives its undo
 */

const NOTE_MAX = 500;

/**
 * @param {PickOptions} options
 * @returns {Promise<Chosen | null>} null: closed
 */
export function pickTransfer(options) {
  return new Promise((resolve) => {
    const picker = new Picker(options);
    const { dialog, actions } = openDialog(options.adding ? t("transfer.add_title") : t("transfer.title"), picker.root);
    dialog.classList.add("transfer-dialog");
    const go = button("", "primary", () => dialog.close("go"));
    const render = () => {
      picker.render();
      const { chosen } = picker;
      go.disabled = chosen === null;
      setText(go, options.adding ? t("transfer.add_go") : picker.warm ? t("transfer.go_warm") : t("transfer.go"));
    };
    picker.changed = render;
    actions.append(button(t("dialog.cancel"), "", () => dialog.close()), go);
    const undo = options.onChange(render);
    dialog.addEventListener(
      "close",
      () => {
        undo();
        const { chosen } = picker;
        resolve(dialog.returnValue === "go" && chosen ? { to: chosen, warm: picker.warm, note: picker.note } : null);
      },
      { once: true },
    );
    render();
    picker.focus();
  });
}

class Picker {
  #options;
  #search = make("input", "input transfer-search");
  #people = make("ul", "transfer-list");
  #nobody = make("p", "hint");
  #skills = make("div", "skill-chips");
  #skillsBox = make("section", "transfer-part", make("h3", "context-title", t("transfer.by_skill")), this.#skills);
  #queues = make("div", "skill-chips");
  #queuesBox = make("section", "transfer-part", make("h3", "context-title", t("transfer.to_queue")), this.#queues);
  #how = make("div", "segments");
  #hint = make("p", "hint");
  #note = make("textarea", "input");
  #noteField = make("label", "field", make("span", "field-label", t("transfer.note")), this.#note);
  /** @type {Target | null} */
  chosen = null;
  #warm = false;
  changed = () => {};
  root;

  /** @param {PickOptions} options */
  constructor(options) {
    this.#options = options;
    this.#search.type = "search";
    this.#search.placeholder = t("transfer.search");
    this.#search.setAttribute("aria-label", t("transfer.search"));
    this.#search.addEventListener("input", () => this.changed());
    this.#note.rows = 2;
    this.#note.maxLength = NOTE_MAX;
    this.#note.placeholder = t("transfer.note_hint");
    this.#how.setAttribute("role", "radiogroup");
    this.#how.setAttribute("aria-label", t("transfer.how"));
    for (const warm of [false, true]) this.#how.append(this.#segment(warm));
    const head = make("section", "transfer-part", this.#search, this.#people, this.#nobody);
    const more = options.adding ? [this.#skillsBox] : [this.#skillsBox, this.#queuesBox];
    this.root = make("div", "transfer", head, ...more, ...(options.adding ? [] : [this.#how, this.#hint, this.#noteField]));
  }

  get note() {
    return this.#note.value.trim();
  }

  /** A queue has nobody to talk to first. */
  get warm() {
    return this.#warm && !this.#options.adding && !(this.chosen !== null && "queue" in this.chosen);
  }

  focus() {
    this.#search.focus();
  }

  render() {
    const { identity, from } = this.#options;
    const colleagues = this.#options.colleagues();
    const shown = colleaguesFor(colleagues, identity, this.#search.value);
    // Whoever was chosen may have gone meanwhile.
    if (this.chosen && "identity" in this.chosen) {
      const { identity: wanted } = this.chosen;
      if (!colleagues.some((person) => person.identity === wanted && person.presence === "available")) this.chosen = null;
    }
    rows(this.#people, shown.map((person) => this.#person(person)));
    this.#nobody.hidden = shown.length > 0;
    setText(this.#nobody, colleagues.length === 0 ? t("transfer.unknown") : colleagues.length === 1 ? t("transfer.nobody") : t("transfer.none_found"));
    const skills = skillsFor(colleagues, identity);
    // Where nobody says who is on, the server knows.
    const known = colleagues.length > 0 ? [] : this.#options.skills;
    this.#skillsBox.hidden = skills.length + known.length === 0;
    rows(this.#skills, [
      ...skills.map(({ skill, free }) => this.#chip({ skill }, t("transfer.skill", { skill, free }), free === 0)),
      ...known.map((skill) => this.#chip({ skill }, skill, false)),
    ]);
    const queues = this.#options.queues().filter(({ name }) => name !== from);
    this.#queuesBox.hidden = queues.length === 0;
    rows(this.#queues, queues.map(({ name, title, waiting, open }) => this.#chip({ queue: name }, t("transfer.queue", { queue: title || name, waiting }), !open)));
    const queue = this.chosen !== null && "queue" in this.chosen;
    for (const input of this.#how.querySelectorAll("input")) {
      input.checked = (input.value === "warm") === this.warm;
      input.disabled = queue;
    }
    setText(this.#hint, queue ? t("transfer.queue_hint") : this.warm ? t("transfer.warm_hint") : t("transfer.cold_hint"));
  }

  /** @param {boolean} warm */
  #segment(warm) {
    const input = make("input");
    input.type = "radio";
    input.name = "transfer-how";
    input.value = warm ? "warm" : "cold";
    input.addEventListener("change", () => {
      this.#warm = warm;
      this.changed();
    });
    return make("label", "", input, make("span", "", warm ? t("transfer.warm") : t("transfer.cold")));
  }

  /** @param {Target} target */
  #choose(target) {
    this.chosen = JSON.stringify(target) === JSON.stringify(this.chosen) ? null : target;
    this.changed();
  }

  /** @param {Colleague} person */
  #person({ identity, name, skills, presence }) {
    const free = presence === "available";
    const state = make("span", "transfer-presence", make("i", "state-dot"), make("span", "", presenceWord(presence)));
    const words = make("span", "transfer-words", make("strong", "truncate", name), make("span", "hint truncate", skills.join(" · ")));
    const row = make("button", "transfer-person", avatar(name), words, state, icon("check"));
    row.type = "button";
    row.dataset.presence = presence;
    row.disabled = !free;
    row.setAttribute("aria-pressed", String(this.#isChosen({ identity })));
    row.addEventListener("click", () => this.#choose({ identity }));
    const item = make("li", "", row);
    item.dataset.key = `${identity} ${presence} ${skills.join()} ${row.getAttribute("aria-pressed")}`;
    return item;
  }

  /**
   * @param {Target} target
   * @param {string} word
   * @param {boolean} disabled
   */
  #chip(target, word, disabled) {
    const chip = make("button", "skill-chip", make("span", "truncate", word));
    chip.type = "button";
    chip.disabled = disabled;
    chip.setAttribute("aria-pressed", String(this.#isChosen(target)));
    chip.addEventListener("click", () => this.#choose(target));
    chip.dataset.key = `${word} ${disabled} ${chip.getAttribute("aria-pressed")}`;
    return chip;
  }

  /** @param {Target} target */
  #isChosen(target) {
    return JSON.stringify(target) === JSON.stringify(this.chosen);
  }
}

/**
 * Replace a list's children only where something changed, so that the focus stays.
 * @param {HTMLElement} list
 * @param {HTMLElement[]} wanted
 */
function rows(list, wanted) {
  const focused = [...list.children].findIndex((child) => child.contains(document.activeElement));
  const same = wanted.length === list.children.length && wanted.every((item, index) => /** @type {HTMLElement} */ (list.children[index]).dataset.key === item.dataset.key);
  if (same) return;
  list.replaceChildren(...wanted);
  if (focused < 0) return;
  const item = wanted[focused];
  (item instanceof HTMLButtonElement ? item : item?.querySelector("button"))?.focus();
}
