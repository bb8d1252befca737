/**
 * For a supervisor: the calls that run now, each with listening, whispering to the agent and coming in.
 *
 * Events: `supervise` {call, mode}.
 */
import { button, icon, make, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { onLocale, t } from "../locale.js";
import { keep } from "./room-panel.js";

/**
 * @typedef {{ name: string } | string | null} Named
 * @typedef {{ id: string, queue: string, state: string, shopper: Named, agent: Named, since: number, answered?: number | null, answered_at?: number | null, on_hold: boolean, supervisors: readonly string[] }} Running
 * @typedef {{ calls: readonly Running[], current: string | null, offset: number }} RunningState
 */

const TICK_MS = 1_000;

export class RunningCalls extends HTMLElement {
  /** @type {RunningState} */
  #state = { calls: [], current: null, offset: 0 };
  #list = make("ul", "running-rows");
  #empty = make("p", "hint");
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** @type {(() => void) | undefined} */
  #stop;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  connectedCallback() {
    if (this.childElementCount === 0) this.append(this.#list, this.#empty);
    this.#stop = onLocale(() => this.#render());
    this.#timer = setInterval(() => this.#render(), TICK_MS);
  }

  disconnectedCallback() {
    this.#stop?.();
    clearInterval(this.#timer);
  }

  /** @param {RunningState} state */
  show(state) {
    this.#state = state;
    this.#render();
  }

  #render() {
    const calls = this.#state.calls.filter(({ agent }) => nameOf(agent) !== "");
    setText(this.#empty, t("running.empty"));
    this.#empty.hidden = calls.length > 0;
    keep(this.#list, this.#rows, calls, ({ id }) => id, ({ id }) => this.#make(id), (row, call) => this.#fill(row, call));
  }

  /** @param {string} call */
  #make(call) {
    const act = (/** @type {string} */ mode, /** @type {string} */ picture) => {
      const choice = button("", "small", () => this.dispatchEvent(new CustomEvent("supervise", { detail: { call, mode } })));
      choice.append(icon(picture), make("span"));
      choice.dataset.mode = mode;
      return choice;
    };
    const head = make("div", "room-head", make("strong", "truncate"), make("span", "queue-wait number"));
    const listen = act("listen", "headset");
    const whisper = act("whisper", "whisper");
    return make("li", "room-row", head, make("div", "room-facts", make("span", "truncate")), make("span", "room-here"), make("div", "room-actions", listen, whisper));
  }

  /** @param {HTMLElement} row @param {Running} call */
  #fill(row, { id, shopper, agent, queue, answered, answered_at: answeredAt, since, on_hold: held, supervisors }) {
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (row.querySelector(selector));
    const current = this.#state.current === id;
    row.classList.toggle("current", current);
    setText(find("strong"), nameOf(shopper));
    setText(find(".queue-wait"), formatDuration(Date.now() + this.#state.offset - (answered ?? answeredAt ?? since)));
    const facts = [nameOf(agent), queue, held ? t("call.pill_held") : "", ...supervisors].filter(Boolean).join(" · ");
    setText(find(".room-facts > span"), facts);
    find(".room-facts > span").title = facts;
    find(".room-here").hidden = !current;
    setText(find(".room-here"), t("running.here"));
    find(".room-actions").hidden = current;
    setText(find("[data-mode=listen] > span"), t("supervise.listen"));
    setText(find("[data-mode=whisper] > span"), t("supervise.whisper"));
  }
}

/** @param {Named} person */
function nameOf(person) {
  return typeof person === "string" ? person : (person?.name ?? "");
}

customElements.define("lm-running-calls", RunningCalls);
