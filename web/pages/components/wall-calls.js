/**
 * The calls that run now, each with the four ways for a supervisor to take part, and the way out.
 *
 * Events: `supervise` {call, mode, agent, shopper}.
 */
import { mediaIcon, mediaWord } from "../agent-help-words.js";
import { button, icon, make, setIcon, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { getLocale, t } from "../locale.js";
import { callLines } from "../wall-view.js";
import { keep } from "./room-panel.js";

/**
 * @typedef {import("../../sdk/types.js").DeskWall} Wall
 * @typedef {import("../../sdk/types.js").SuperviseMode} SuperviseMode
 * @typedef {{ call: string, mode: string | null } | null} Own the call that we are in, and how
 */

/** @type {readonly SuperviseMode[]} */
const MODES = Object.freeze(["listen", "whisper", "barge", "takeover", "off"]);
const ICONS = { listen: "headset", whisper: "whisper", barge: "add-person", takeover: "transfer", off: "close" };

/** @param {Element} row @param {string} part */
const find = (row, part) => /** @type {HTMLElement} */ (row.querySelector(part));

export class WallCalls extends HTMLElement {
  #list = make("ul", "wall-rows");
  #empty = make("p", "wall-empty");
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();

  connectedCallback() {
    if (this.childElementCount === 0) this.append(this.#list, this.#empty);
  }

  /**
   * @param {Wall} wall
   * @param {number} now on the server's clock, ms
   * @param {Own} own
   * @param {string | null} busy the call that is being asked for
   */
  show({ calls, queues }, now, own, busy) {
    this.#empty.hidden = calls.length > 0;
    setText(this.#empty, t("running.empty"));
    keep(
      this.#list,
      this.#rows,
      callLines(calls, now),
      ({ call }) => call.id,
      ({ call }) => this.#make(call),
      (row, line) => this.#fill(row, line, queues.find(({ name }) => name === line.call.queue)?.title || line.call.queue, own, busy),
    );
  }

  /** @param {Wall["calls"][number]} call */
  #make({ id, agent, shopper }) {
    const acts = make("div", "wall-acts");
    acts.setAttribute("role", "group");
    for (const mode of MODES) {
      const act = button("", "small", () => this.dispatchEvent(new CustomEvent("supervise", { detail: { call: id, mode, agent: agent.name ?? "", shopper: shopper.name } })));
      act.append(icon(ICONS[mode]), make("span"));
      act.dataset.mode = mode;
      acts.append(act);
    }
    const head = make("div", "wall-line", icon("camera"), make("strong", "wall-pair"), make("span", "wall-time number"));
    const pills = make("span", "wall-tags", make("span", "pill held"), make("span", "pill live"));
    return make("li", "wall-call-row", head, make("div", "wall-call-facts", make("span", "wall-about"), pills), acts);
  }

  /**
   * @param {HTMLElement} row
   * @param {{ call: Wall["calls"][number], ms: number }} line
   * @param {string} queue its title
   * @param {Own} own
   * @param {string | null} busy
   */
  #fill(row, { call, ms }, queue, own, busy) {
    const mode = own?.call === call.id ? own.mode : null;
    const glyph = row.querySelector("svg");
    if (glyph) {
      setIcon(glyph, mediaIcon(call.media));
      glyph.setAttribute("aria-label", mediaWord(call.media));
    }
    row.classList.toggle("current", mode !== null);
    const pair = `${call.shopper.name} ↔ ${call.agent.name ?? "–"}`;
    setText(find(row, ".wall-pair"), pair);
    find(row, ".wall-pair").title = pair;
    setText(find(row, ".wall-time"), formatDuration(ms));
    const about = [queue, call.supervisors.length > 0 ? t("wall.watched", { names: new Intl.ListFormat(getLocale()).format(call.supervisors) }) : ""].filter(Boolean).join(" · ");
    setText(find(row, ".wall-about"), about);
    find(row, ".wall-about").title = about;
    find(row, ".held").hidden = !call.on_hold;
    setText(find(row, ".held"), t("call.pill_held"));
    find(row, ".live").hidden = !call.on_stage;
    setText(find(row, ".live"), t("doing.on_stage"));
    find(row, ".wall-acts").setAttribute("aria-label", t("wall.part", { pair }));
    const words = { listen: t("supervise.listen"), whisper: t("supervise.whisper"), barge: t("supervise.barge"), takeover: t("supervise.takeover"), off: t("wall.off") };
    for (const act of row.querySelectorAll("button")) {
      const own = /** @type {keyof typeof words} */ (act.dataset.mode);
      setText(find(act, "span"), words[own]);
      act.disabled = busy !== null;
      if (own === "off") act.hidden = mode === null;
      else if (own !== "takeover") act.setAttribute("aria-pressed", String(own === mode));
    }
  }
}

customElements.define("lm-wall-calls", WallCalls);
