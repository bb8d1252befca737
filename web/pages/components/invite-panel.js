/**
 * Asking somebody onto the stage: whoever is free, by skill, or by name; with a topic and a product if there is one.
 * `panel.room = room`; needs controls.
 */
import { button, icon, make, setText } from "../dom.js";
import { LIMITS, attachment, directory, groups, obstacle } from "../guests-view.js";
import { agentStateWord, obstacleWords } from "../guests-words.js";
import { t, tn } from "../locale.js";
import { avatar } from "./avatar.js";
import { RoomPanel, keep } from "./room-panel.js";

/**
 * @typedef {import("../guests-view.js").AgentRow} AgentRow
 * @typedef {import("../../sdk/types.js").InviteTarget} InviteTarget
 */

/** Below this many agents a search is no help. */
const SEARCH_FROM = 5;
/** Skills shown at first. */
const SKILLS_SHOWN = 5;

export class InvitePanel extends RoomPanel {
  #title = make("h3", "panel-title");
  #obstacle = make("p", "obstacle");
  #anyWord = make("span");
  #anyCount = make("span", "free-count number");
  #any = button("", "any-free", () => void this.#ring({ anyone: true }));
  #chipRow = make("div", "skill-chips");
  #allSkills = false;
  #moreSkills = button("", "quiet small chip", () => {
    this.#allSkills = !this.#allSkills;
    this.draw();
  });
  #skills = make("div", "skill-chips", this.#chipRow, this.#moreSkills);
  #search = make("input", "input search-input");
  #list = make("ul", "people-list");
  #none = make("p", "hint none");
  #about = make("details", "attach");
  #aboutWord = make("span", "attach-word");
  #aboutNow = make("span", "attach-now truncate");
  #fields = { topic: field("text", LIMITS.topic), title: field("text", LIMITS.title), price: field("text", LIMITS.price), url: field("url", LIMITS.url) };
  #problem = make("p", "hint problem");
  #wipe = button("", "quiet small", () => this.#forget());
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** @type {Map<string, HTMLButtonElement>} */
  #chips = new Map();
  /** Whom we are asking the server about. @type {Set<string>} */
  #busy = new Set();

  /** @override */
  build() {
    this.#any.append(icon("headset"), this.#anyWord, this.#anyCount);
    this.#search.type = "search";
    this.#search.autocomplete = "off";
    this.#search.addEventListener("input", () => this.draw());
    this.#obstacle.setAttribute("role", "status");
    this.#problem.setAttribute("role", "alert");
    const { topic, title, price, url } = this.#fields;
    for (const { input } of Object.values(this.#fields)) input.addEventListener("input", () => this.draw());
    const summary = make("summary", "", icon("tag"), this.#aboutWord, this.#aboutNow);
    const pair = make("div", "attach-pair", price.root, url.root);
    this.#about.append(summary, make("div", "attach-fields", topic.root, title.root, pair, this.#problem, this.#wipe));
    this.append(this.#title, this.#obstacle, this.#about, this.#any, this.#skills, this.#search, this.#list, this.#none);
  }

  /** @override */
  draw() {
    const info = this.room?.info;
    const why = info ? obstacle({ joined: this.joined, show: info.state, stage: info.stage }) : "repairing";
    const { free, skills } = info ? groups(info) : { free: 0, skills: [] };
    const rows = info ? directory(info, this.#search.value) : [];
    const known = info?.agents.length ?? 0;
    const may = why === null && this.room?.controls === true;
    setText(this.#title, t("invite.title"));
    setText(this.#obstacle, obstacleWords(why));
    this.#obstacle.hidden = why === null;
    setText(this.#anyWord, t("invite.anyone"));
    setText(this.#anyCount, tn("invite.free", free));
    this.#any.disabled = !may || free === 0 || this.#busy.has("*");
    // The obvious step while nobody is there or on the way.
    const calm = (info?.stage.places.length ?? 0) <= 1 && (info?.invites.length ?? 0) === 0;
    this.#any.classList.toggle("primary", may && free > 0 && calm);
    this.#any.hidden = this.#about.hidden = known === 0;
    // One more than fits is shown rather than hidden behind a button of its size.
    const few = skills.length <= SKILLS_SHOWN + 1;
    const shown = few || this.#allSkills ? skills : skills.slice(0, SKILLS_SHOWN);
    this.#moreSkills.hidden = few;
    setText(this.#moreSkills, this.#allSkills ? t("invite.fewer") : t("invite.more", { count: skills.length - SKILLS_SHOWN }));
    this.#moreSkills.setAttribute("aria-expanded", String(this.#allSkills));
    keep(this.#chipRow, this.#chips, shown, ({ skill }) => skill, ({ skill }) => this.#chip(skill), (chip, { skill, free: can }) => {
      chip.disabled = !may || can === 0 || this.#busy.has(`skill:${skill}`);
      chip.title = can === 0 ? t("invite.skill_nobody", { skill }) : t("invite.skill_ring", { skill });
      setText(/** @type {HTMLElement} */ (chip.querySelector(".chip-count")), String(can));
    });
    this.#skills.hidden = skills.length === 0;
    this.#skills.setAttribute("aria-label", t("invite.by_skill"));
    this.#search.hidden = known < SEARCH_FROM;
    this.#search.placeholder = t("invite.search");
    this.#search.setAttribute("aria-label", t("invite.search"));
    keep(this.#list, this.#rows, rows, ({ identity }) => identity, (row) => this.#row(row), (element, row) => this.#fill(element, row, may));
    this.#list.hidden = rows.length === 0;
    this.#none.hidden = rows.length > 0;
    setText(this.#none, known === 0 ? t("invite.none") : t("invite.none_found"));
    this.#drawAbout();
  }

  #drawAbout() {
    const values = this.#values();
    const { topic, product, problem } = attachment(values);
    const { topic: topicField, title, price, url } = this.#fields;
    setText(this.#aboutWord, t("invite.about"));
    setText(this.#aboutNow, [topic, product?.title ?? ""].filter(Boolean).join(" · ") || t("invite.about_none"));
    setText(topicField.word, t("invite.topic"));
    topicField.input.placeholder = t("invite.topic_hint");
    setText(title.word, t("invite.product"));
    setText(price.word, t("invite.price"));
    setText(url.word, t("invite.url"));
    setText(this.#wipe, t("invite.wipe"));
    this.#wipe.hidden = Object.values(values).every((value) => value === "");
    setText(this.#problem, problem === "title" ? t("invite.problem_title") : problem === "url" ? t("invite.problem_url") : "");
    this.#problem.hidden = problem === null;
  }

  #values() {
    const { topic, title, price, url } = this.#fields;
    return { topic: topic.input.value, title: title.input.value, price: price.input.value, url: url.input.value };
  }

  #forget() {
    for (const { input } of Object.values(this.#fields)) input.value = "";
    this.draw();
  }

  /** @param {InviteTarget} target */
  async #ring(target) {
    const { topic, product, problem } = attachment(this.#values());
    if (problem !== null) {
      this.#about.open = true;
      this.#fields[problem].input.focus();
      return;
    }
    const key = "identity" in target ? target.identity : "skill" in target ? `skill:${target.skill}` : "*";
    this.#busy.add(key);
    this.draw();
    await this.try((room) => room.invite(target, { topic, ...(product ? { product } : {}) }));
    this.#busy.delete(key);
  }

  /** @param {string} skill */
  #chip(skill) {
    const chip = button("", "small chip", () => void this.#ring({ skill }));
    chip.append(make("span", "truncate", skill), make("span", "chip-count number"));
    return chip;
  }

  /** @param {AgentRow} row */
  #row({ identity, name }) {
    const ring = button("", "small", () => void this.#ring({ identity }));
    const dot = make("span", "presence-dot");
    const face = make("span", "face-with-dot", avatar(name), dot);
    const words = make("div", "person-words", make("p", "person-name truncate", name), make("p", "person-line hint truncate"));
    return make("li", "person-row", make("div", "person-head", face, words, ring));
  }

  /** @param {HTMLElement} element @param {AgentRow} row @param {boolean} may */
  #fill(element, { identity, name, skills, state, here }, may) {
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
    setText(find(".person-name"), name);
    find(".person-name").title = name;
    const words = [agentStateWord(state), ...(here && state !== "on_stage" ? [t("agents.here")] : []), ...skills];
    setText(find(".person-line"), words.join(" · "));
    find(".person-line").title = words.join(" · ");
    element.dataset.presence = state;
    const ring = /** @type {HTMLButtonElement} */ (find("button"));
    setText(ring, t("invite.ring"));
    ring.setAttribute("aria-label", t("invite.ring_name", { name }));
    ring.hidden = state !== "free";
    ring.disabled = !may || this.#busy.has(identity);
  }
}

/** @param {"text" | "url"} kind @param {number} max */
function field(kind, max) {
  const word = make("span");
  const input = make("input", "input");
  input.type = "text";
  input.inputMode = kind;
  input.maxLength = max;
  input.autocomplete = "off";
  return { word, input, root: make("label", "field", word, input) };
}

customElements.define("lm-invite", InvitePanel);
