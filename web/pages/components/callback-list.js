/**
 * Shoppers who want to be called back: when, who, what about, and that it was done.
 *
 * Events: `done` {id}.
 */
import { button, icon, make, setText } from "../dom.js";
import { getLocale, onLocale, t } from "../locale.js";
import { keep } from "./room-panel.js";

/**
 * GET /api/v1/callbacks.
 * @typedef {object} Callback
 * @property {string} id
 * @property {string} name
 * @property {string} queue
 * @property {number} at ms since epoch
 * @property {string} phone
 * @property {string} note
 */

const DAY_MS = 86_400_000;

export class CallbackList extends HTMLElement {
  /** @type {readonly Callback[]} */
  #callbacks = [];
  #now = 0;
  #list = make("ul", "queue-rows");
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.append(this.#list);
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /**
   * @param {readonly Callback[]} callbacks
   * @param {number} now on the server's clock, ms
   */
  show(callbacks, now) {
    this.#callbacks = callbacks;
    this.#now = now;
    this.#render();
  }

  #render() {
    const rows = [...this.#callbacks].sort((a, b) => a.at - b.at);
    keep(this.#list, this.#rows, rows, ({ id }) => id, ({ id }) => this.#make(id), (row, callback) => this.#fill(row, callback));
  }

  /** @param {string} id */
  #make(id) {
    const done = button("", "small queue-take", () => this.dispatchEvent(new CustomEvent("done", { detail: { id } })));
    done.append(icon("check"), make("span"));
    const phone = make("a", "callback-phone");
    const head = make("div", "queue-head", make("strong", "truncate"), make("time", "queue-wait number"));
    return make("li", "queue-row", head, make("p", "hint truncate"), make("p", "queue-topic"), make("div", "callback-acts", done, phone));
  }

  /** @param {HTMLElement} row @param {Callback} callback */
  #fill(row, { name, queue, at, phone, note }) {
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (row.querySelector(selector));
    setText(find("strong"), name);
    const time = find("time");
    setText(time, timeWord(at, this.#now));
    time.title = new Date(at).toLocaleString(getLocale());
    time.dataset["look"] = at <= this.#now ? "too_long" : at - this.#now < 600_000 ? "long" : "fine";
    setText(find(".hint"), queue);
    find(".hint").hidden = queue === "";
    setText(find(".queue-topic"), note);
    find(".queue-topic").hidden = note === "";
    const link = /** @type {HTMLAnchorElement} */ (find("a"));
    link.hidden = phone === "";
    setText(link, phone);
    link.href = `tel:${phone.replace(/[^\d+]/g, "")}`;
    setText(find("button > span"), t("callbacks.done"));
  }
}

/**
 * @param {number} at
 * @param {number} now
 */
function timeWord(at, now) {
  const date = new Date(at);
  const today = new Date(now).toDateString() === date.toDateString();
  /** @type {Intl.DateTimeFormatOptions} */
  const clock = { hour: "2-digit", minute: "2-digit" };
  if (today) return date.toLocaleTimeString(getLocale(), clock);
  return date.toLocaleString(getLocale(), { ...(at - now < 6 * DAY_MS ? { weekday: "short" } : { month: "short", day: "numeric" }), ...clock });
}

customElements.define("lm-callbacks", CallbackList);
