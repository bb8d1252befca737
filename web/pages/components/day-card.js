/**
 * What an agent sees while nothing rings: whether it can ring at all, today in figures, rings that were missed.
 *
 * Events: `action` with "available", "notify", "sound", "return" or "forget".
 */
import { button, icon, make, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { getLocale, onLocale, t } from "../locale.js";

/**
 * @typedef {object} DayState
 * @property {boolean} supervisor listens only: no figures, no rings
 * @property {import("../agent-day.js").Day} day
 * @property {"available" | "busy" | "break" | "offline"} presence
 * @property {string | null} elsewhere title of a room where this person is on stage in another window
 * @property {boolean} mayNotify the browser can still be asked for notifications
 * @property {boolean} silent a ring could not be heard: the page was not touched yet
 */

export class DayCard extends HTMLElement {
  /** @type {DayState | null} */
  #state = null;
  #icon = make("span", "day-icon", icon("headset"));
  #title = make("h2");
  #body = make("p", "day-body");
  #go = button("", "primary", () => this.#say(this.#act));
  #act = "available";
  #rings = figure();
  #answered = figure();
  #onAir = figure();
  #figures = make("dl", "figures day-figures", this.#rings.root, this.#answered.root, this.#onAir.root);
  #today = make("h3", "day-today");
  #figuresBox = make("section", "day-figures-box", this.#today, this.#figures);
  #notify = new Offer(() => this.#say("notify"));
  #sound = new Offer(() => this.#say("sound"));
  #missedTitle = make("h3");
  #forget = button("", "small quiet", () => this.#say("forget"));
  #missedList = make("ul", "missed-list");
  #missed = make("section", "missed", make("header", "missed-head", this.#missedTitle, this.#forget), this.#missedList);
  #shown = "";
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) {
      this.append(
        make("div", "day-head", this.#icon, this.#title, this.#body, this.#go),
        this.#missed,
        this.#figuresBox,
        this.#sound.root,
        this.#notify.root,
      );
    }
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {DayState} state */
  show(state) {
    this.#state = state;
    this.#render();
  }

  /** @param {string} action */
  #say(action) {
    this.dispatchEvent(new CustomEvent("action", { detail: action }));
  }

  #render() {
    const state = this.#state;
    if (!state || this.childElementCount === 0) return;
    const { supervisor, day, presence, elsewhere, mayNotify, silent } = state;
    this.dataset.presence = supervisor ? "available" : presence;
    const head = supervisor
      ? { title: t("day.supervisor.title"), body: t("day.supervisor.body"), label: "", action: "" }
      : headline(presence, elsewhere);
    this.#figuresBox.hidden = supervisor;
    setText(this.#title, head.title);
    setText(this.#body, head.body);
    this.#act = head.action;
    this.#go.hidden = head.label === "";
    setText(this.#go, head.label);
    setText(this.#today, t("day.title"));
    this.#rings.show(t("day.rings"), String(day.rings));
    this.#answered.show(t("day.answered"), String(day.answered));
    this.#onAir.show(t("day.on_air"), formatDuration(day.onAirMs));
    const waiting = presence === "available" && !supervisor;
    this.#sound.show(silent && waiting, t("day.silent"), t("day.silent_action"));
    this.#notify.show(mayNotify && !silent && waiting, t("day.notify"), t("day.notify_action"));
    this.#renderMissed(day.missed);
  }

  /** @param {import("../agent-day.js").Missed[]} missed */
  #renderMissed(missed) {
    this.#missed.hidden = missed.length === 0;
    const locale = getLocale();
    const shown = JSON.stringify([locale, missed]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    setText(this.#missedTitle, t("day.missed"));
    setText(this.#forget, t("day.forget"));
    const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
    this.#missedList.replaceChildren(
      ...missed.map(({ room, from, topic, at }) =>
        make(
          "li",
          "missed-row",
          make("time", "number", clock.format(at)),
          make("span", "missed-words", make("strong", "", from), ` · ${room}`, ...(topic ? [make("span", "hint", topic)] : [])),
        ),
      ),
    );
  }
}

/**
 * @param {DayState["presence"]} presence
 * @param {string | null} elsewhere
 */
function headline(presence, elsewhere) {
  if (elsewhere !== null) {
    return {
      title: t("day.elsewhere.title", { room: elsewhere }),
      body: t("day.elsewhere.body"),
      label: t("day.elsewhere.action"),
      action: "return",
    };
  }
  if (presence === "available" || presence === "busy") {
    return { title: t("day.waiting.title"), body: t("day.waiting.body"), label: "", action: "" };
  }
  const away = presence === "break";
  return {
    title: away ? t("day.break.title") : t("day.offline.title"),
    body: away ? t("day.break.body") : t("day.offline.body"),
    label: t("day.go"),
    action: "available",
  };
}

/** A term and its figure. */
function figure() {
  const term = make("dt");
  const value = make("dd", "number");
  return {
    root: make("div", "figure", term, value),
    /**
     * @param {string} name
     * @param {string} text
     */
    show(name, text) {
      setText(term, name);
      setText(value, text);
    },
  };
}

/** A line that offers something, with its button. */
class Offer {
  #words = make("span");
  #button;
  root;

  /** @param {() => void} press */
  constructor(press) {
    this.#button = button("", "small", press);
    this.root = make("div", "day-offer", icon("bell"), this.#words, this.#button);
  }

  /**
   * @param {boolean} shown
   * @param {string} words
   * @param {string} act
   */
  show(shown, words, act) {
    this.root.hidden = !shown;
    setText(this.#words, words);
    setText(this.#button, act);
  }
}

customElements.define("lm-day", DayCard);
