/**
 * Who waits for help: the queues with their numbers, then every shopper with how long, what about, and a button to take
 * the call. Rows are kept between updates, so that a press never lands on another shopper.
 *
 * Events: `take` {call}.
 */
import { sortWaiting, waitLook } from "../agent-help-view.js";
import { entryWord, mediaIcon, mediaWord } from "../agent-help-words.js";
import { button, icon, make, setIcon, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { onLocale, t, tn } from "../locale.js";
import { keep } from "./room-panel.js";

/**
 * @typedef {import("../agent-help-types.js").Waiting} Waiting
 * @typedef {import("../agent-help-types.js").QueueLine} QueueLine
 * @typedef {object} QueueState
 * @property {readonly QueueLine[]} queues
 * @property {readonly Waiting[]} waiting
 * @property {boolean} mayTake this person answers calls and is in none
 * @property {string | null} taking the call that is being taken
 * @property {number} offset of the server's clock to ours, ms
 */

const TICK_MS = 1_000;

export class QueuePanel extends HTMLElement {
  /** @type {QueueState} */
  #state = { queues: [], waiting: [], mayTake: false, taking: null, offset: 0 };
  #lines = make("ul", "queue-lines");
  #list = make("ol", "queue-rows");
  #empty = make("p", "hint queue-empty");
  /** @type {Map<string, HTMLElement>} */
  #lineElements = new Map();
  /** @type {Map<string, HTMLElement & { row?: Row }>} */
  #rowElements = new Map();
  /** @type {(() => void) | undefined} */
  #stop;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  connectedCallback() {
    if (this.childElementCount === 0) this.append(this.#lines, this.#list, this.#empty);
    this.#stop = onLocale(() => this.#render());
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  disconnectedCallback() {
    this.#stop?.();
    clearInterval(this.#timer);
  }

  /** @param {QueueState} state */
  show(state) {
    this.#state = state;
    this.#render();
  }

  #render() {
    const { queues, waiting } = this.#state;
    keep(this.#lines, this.#lineElements, queues, ({ name }) => name, () => make("li", "queue-line", make("span", "truncate"), make("span", "number")), lineFill);
    this.#lines.hidden = queues.length === 0;
    const rows = sortWaiting(waiting);
    keep(this.#list, this.#rowElements, rows, ({ call }) => call, ({ call }) => this.#make(call), (element, row) => {
      element.row?.show(row, this.#title(row.queue), this.#state);
    });
    this.#list.hidden = rows.length === 0;
    this.#empty.hidden = rows.length > 0;
    setText(this.#empty, t("queue.empty"));
    this.#tick();
  }

  /** @param {string} call @returns {HTMLElement & { row?: Row }} */
  #make(call) {
    const row = new Row(() => this.dispatchEvent(new CustomEvent("take", { detail: { call } })));
    return Object.assign(row.root, { row });
  }

  /** @param {string} name */
  #title(name) {
    return this.#state.queues.find((queue) => queue.name === name)?.title || name;
  }

  #tick() {
    const now = Date.now() + this.#state.offset;
    for (const { row } of this.#rowElements.values()) row?.tick(now);
  }
}

/** @param {HTMLElement} line @param {QueueLine} queue */
function lineFill(line, { title, name, open, waiting, agents }) {
  const [word, figure] = line.children;
  if (word) setText(word, title || name);
  if (figure) setText(figure, open ? t("queue.line", { waiting, agents }) : t("queue.closed"));
  line.classList.toggle("closed", !open);
  line.title = open ? `${tn("queue.waiting", waiting)} · ${tn("queue.agents", agents)}` : t("queue.closed");
}

class Row {
  #name = make("strong", "truncate");
  #wait = make("span", "queue-wait number");
  #icon = icon("camera");
  #where = make("span", "truncate");
  #urgent = make("span", "queue-urgent");
  #topic = make("p", "queue-topic");
  #word = make("span");
  #take;
  #since = 0;
  root;

  /** @param {() => void} take */
  constructor(take) {
    this.#take = button("", "small queue-take", take);
    this.#take.append(icon("headset"), this.#word);
    this.root = make(
      "li",
      "queue-row",
      make("div", "queue-head", this.#name, this.#wait),
      make("div", "queue-facts", this.#icon, this.#where, this.#urgent),
      this.#topic,
      this.#take,
    );
  }

  /**
   * @param {Waiting} waiting
   * @param {string} queue its title
   * @param {QueueState} state
   */
  show({ call, name, since, media, entry, topic, priority, can_take: canTake }, queue, { mayTake, taking }) {
    this.root.dataset.call = call;
    this.#since = since;
    setText(this.#name, name);
    this.#name.title = name;
    setIcon(this.#icon, mediaIcon(media));
    const where = [mediaWord(media), entryWord(entry), queue].filter(Boolean).join(" · ");
    setText(this.#where, where);
    this.#where.title = where;
    this.#urgent.hidden = priority < 70;
    setText(this.#urgent, t("queue.priority"));
    this.#topic.hidden = !topic;
    setText(this.#topic, topic);
    this.#topic.title = topic;
    this.#take.hidden = !mayTake || !canTake;
    this.#take.disabled = taking !== null;
    setText(this.#word, taking === call ? t("queue.taking") : t("queue.take"));
    this.#take.setAttribute("aria-label", t("queue.take_name", { name }));
  }

  /** @param {number} now on the server's clock */
  tick(now) {
    const ms = Math.max(0, now - this.#since);
    const text = formatDuration(ms);
    setText(this.#wait, text);
    this.#wait.title = t("queue.waited", { time: text });
    this.#wait.dataset.look = waitLook(ms);
  }
}

customElements.define("lm-queue", QueuePanel);
