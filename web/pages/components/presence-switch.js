/**
 * Available, on a break, offline; and, while the work itself decides, busy with why. Skills as chips that switch off.
 *
 * Events: `presence` {presence}, `skills` {skills}.
 */
import { make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";

/** @typedef {"available" | "break" | "offline"} Chosen */

/**
 * @typedef {object} PresenceState
 * @property {string} name
 * @property {Chosen} chosen
 * @property {"available" | "busy" | "break" | "offline"} presence
 * @property {string} why words for busy; empty otherwise
 * @property {readonly string[]} skills that count now
 * @property {readonly string[]} allSkills
 * @property {boolean} disabled the desk does not hear us now
 */

/** @type {readonly Chosen[]} */
const CHOICES = Object.freeze(["available", "break", "offline"]);

export class PresenceSwitch extends HTMLElement {
  /** @type {PresenceState | null} */
  #state = null;
  #name = make("strong", "truncate");
  #dot = make("i", "state-dot");
  #word = make("span", "presence-word");
  #why = make("p", "presence-why");
  #segments = make("div", "segments");
  #skills = make("div", "skill-chips");
  #skillsLabel = make("span", "field-label");
  #skillsField = make("div", "field", this.#skillsLabel, this.#skills);
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {PresenceState} state */
  show(state) {
    this.#state = state;
    this.#render();
  }

  #build() {
    this.#segments.setAttribute("role", "radiogroup");
    for (const choice of CHOICES) {
      const input = make("input");
      input.type = "radio";
      input.name = "presence";
      input.value = choice;
      input.addEventListener("change", () => {
        this.dispatchEvent(new CustomEvent("presence", { detail: { presence: choice } }));
      });
      this.#segments.append(make("label", choice, input, make("span", "presence-choice", make("i", "state-dot"), make("span"))));
    }
    this.#skillsLabel.id = "skills-label";
    this.#skills.setAttribute("role", "group");
    this.#skills.setAttribute("aria-labelledby", this.#skillsLabel.id);
    this.append(
      make("div", "presence-line", this.#name, make("span", "presence-now", this.#dot, this.#word)),
      this.#segments,
      this.#why,
      this.#skillsField,
    );
  }

  #render() {
    const state = this.#state;
    if (!state || this.childElementCount === 0) return;
    setText(this.#name, state.name);
    this.#name.title = state.name;
    this.dataset.presence = state.presence;
    setText(this.#word, presenceWord(state.presence));
    this.#segments.setAttribute("aria-label", t("presence.label"));
    for (const label of this.#segments.querySelectorAll("label")) {
      const input = /** @type {HTMLInputElement} */ (label.firstElementChild);
      input.checked = input.value === state.chosen;
      input.disabled = state.disabled;
      const word = label.querySelector(".presence-choice > span");
      if (word) setText(word, presenceWord(input.value));
    }
    const why = state.why || explain(state.chosen);
    setText(this.#why, why);
    this.#renderSkills(state);
  }

  /** @param {PresenceState} state */
  #renderSkills({ allSkills, skills, disabled }) {
    this.#skillsField.hidden = allSkills.length === 0;
    setText(this.#skillsLabel, t("presence.skills"));
    const shown = [...this.#skills.querySelectorAll("button")].map((chip) => chip.dataset.skill);
    if (JSON.stringify(shown) !== JSON.stringify(allSkills)) {
      this.#skills.replaceChildren(...allSkills.map((skill) => this.#chip(skill)));
    }
    for (const chip of this.#skills.querySelectorAll("button")) {
      const on = skills.includes(chip.dataset.skill ?? "");
      chip.setAttribute("aria-pressed", String(on));
      chip.disabled = disabled;
    }
  }

  /** @param {string} skill */
  #chip(skill) {
    const chip = make("button", "skill-chip", make("span", "truncate", skill));
    chip.type = "button";
    chip.dataset.skill = skill;
    chip.title = skill;
    chip.addEventListener("click", () => {
      const { skills = [], allSkills = [] } = this.#state ?? {};
      const wanted = allSkills.filter((entry) => (entry === skill) !== skills.includes(entry));
      this.dispatchEvent(new CustomEvent("skills", { detail: { skills: wanted } }));
    });
    return chip;
  }
}

/** @param {string} presence */
export function presenceWord(presence) {
  if (presence === "available") return t("presence.available");
  if (presence === "busy") return t("presence.busy");
  return presence === "break" ? t("presence.break") : t("presence.offline");
}

/** @param {Chosen} chosen */
function explain(chosen) {
  if (chosen === "available") return t("presence.available_hint");
  return chosen === "break" ? t("presence.break_hint") : t("presence.offline_hint");
}

customElements.define("lm-presence", PresenceSwitch);
