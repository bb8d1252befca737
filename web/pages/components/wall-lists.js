/**
 * The wall's lists: queues, who waits, and agents. Told what to show at every tick, they change only what is different.
 */
import { entryWord, mediaIcon, mediaWord } from "../agent-help-words.js";
import { icon, make, setIcon, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { formatCount, t, tn } from "../locale.js";
import { agentLines, queueFacts, waitingLines } from "../wall-view.js";
import { doingWord, estimateWord } from "../wall-words.js";
import { avatar } from "./avatar.js";
import { keep } from "./room-panel.js";

/** @typedef {import("../../sdk/types.js").DeskWall} Wall */

/** Of someone who matters more than others: the queue's priority points. */
const URGENT = 70;

/** @param {Element} row @param {string} part */
const find = (row, part) => /** @type {HTMLElement} */ (row.querySelector(part));

class WallList extends HTMLElement {
  list = make("ul", "wall-rows");
  empty = make("p", "wall-empty");
  /** @type {Map<string, HTMLElement>} */
  rows = new Map();

  connectedCallback() {
    if (this.childElementCount === 0) this.append(this.list, this.empty);
  }

  /** @param {number} length @param {string} words when there is nothing */
  say(length, words) {
    this.empty.hidden = length > 0;
    setText(this.empty, words);
  }
}

export class WallQueues extends WallList {
  /** @param {Wall} wall @param {number} now on the server's clock, ms */
  show({ queues, waiting = [] }, now) {
    this.say(queues.length, t("wall.no_queues"));
    keep(
      this.list,
      this.rows,
      queues,
      ({ name }) => name,
      () => make("li", "wall-queue", make("div", "wall-line", make("strong", "truncate"), make("span", "pill")), make("div", "wall-facts", ...["waits", "longest", "agents", "estimate"].map((name) => make("span", `wall-fact ${name}`)))),
      (row, queue) => {
        const { state, longest, look, unmanned } = queueFacts(queue, waiting, now);
        row.dataset.look = look;
        setText(find(row, "strong"), queue.title || queue.name);
        find(row, "strong").title = queue.title || queue.name;
        const pill = find(row, ".pill");
        pill.className = `pill ${state === "open" && !unmanned ? "open" : state === "closed" ? "plain" : "alarm"}`;
        setText(pill, unmanned && state === "open" ? t("wall.unmanned") : state === "open" ? t("wall.open") : state === "full" ? t("wall.full") : closedWord(queue.opens_at));
        setText(find(row, ".waits"), tn("queue.waiting", queue.waiting));
        setText(find(row, ".longest"), longest === null ? "" : t("wall.longest_is", { time: formatDuration(longest) }));
        find(row, ".longest").dataset.look = look;
        setText(find(row, ".agents"), tn("queue.agents", queue.agents));
        setText(find(row, ".estimate"), queue.open && queue.waiting > 0 ? estimateWord(queue.estimate) : "");
      },
    );
  }
}

/** @param {number | null} opensAt ms since epoch */
function closedWord(opensAt) {
  if (opensAt === null) return t("queue.closed");
  const at = new Date(opensAt);
  const time = `${at.getHours()}:${String(at.getMinutes()).padStart(2, "0")}`;
  return t("wall.opens", { time });
}

export class WallWaiting extends WallList {
  /** @param {Wall} wall @param {number} now on the server's clock, ms */
  show({ waiting = [], queues }, now) {
    this.say(waiting.length, t("queue.empty"));
    keep(
      this.list,
      this.rows,
      waitingLines(waiting, now),
      ({ entry }) => entry.call,
      () => make("li", "wall-waiter", icon("camera"), make("div", "wall-who", make("span", "wall-line", make("strong", "truncate"), make("span", "wall-tags", make("span", "pill urgent"), make("span", "pill ringing"))), make("span", "wall-about")), make("span", "wall-time number")),
      (row, { entry, ms, look, rings }) => {
        const glyph = row.querySelector("svg");
        if (glyph) {
          setIcon(glyph, mediaIcon(entry.media));
          glyph.setAttribute("aria-label", mediaWord(entry.media));
        }
        row.dataset.look = look;
        setText(find(row, "strong"), entry.name);
        find(row, "strong").title = entry.name;
        const queue = queues.find(({ name }) => name === entry.queue)?.title || entry.queue;
        const about = [entry.topic, entryWord(entry.entry), queue].filter(Boolean).join(" · ");
        setText(find(row, ".wall-about"), about);
        find(row, ".wall-about").title = about;
        const urgent = find(row, ".urgent");
        urgent.hidden = entry.priority < URGENT;
        setText(urgent, t("queue.priority"));
        urgent.title = t("wall.points", { points: formatCount(entry.priority) });
        find(row, ".ringing").hidden = !rings;
        setText(find(row, ".ringing"), t("doing.ringing"));
        setText(find(row, ".wall-time"), formatDuration(ms));
        find(row, ".wall-time").title = t("queue.waited", { time: formatDuration(ms) });
      },
    );
  }
}

export class WallAgents extends WallList {
  /** @param {Wall} wall @param {number} now on the server's clock, ms */
  show({ agents, calls }, now) {
    this.say(agents.length, t("wall.no_agents"));
    keep(
      this.list,
      this.rows,
      agentLines(agents, now),
      ({ agent }) => agent.identity,
      ({ agent }) => make("li", "wall-agent", avatar(agent.name), make("div", "wall-who", make("strong", "truncate"), make("span", "wall-about")), make("div", "wall-doing", make("span", "wall-state", make("i", "wall-dot"), make("span")), make("span", "wall-time number"))),
      (row, { agent, doing, ms, long }) => {
        row.dataset.doing = doing;
        row.classList.toggle("long", long);
        setText(find(row, "strong"), agent.name);
        find(row, "strong").title = agent.name;
        const call = calls.find(({ id }) => id === agent.call);
        const about = [call ? t("wall.with", { name: call.shopper.name }) : "", tn("wall.calls_today", agent.calls_today)].filter(Boolean).join(" · ");
        setText(find(row, ".wall-about"), about);
        find(row, ".wall-about").title = [about, ...agent.skills].join(" · ");
        setText(find(row, ".wall-state > span"), doingWord(doing));
        const time = find(row, ".wall-time");
        setText(time, doing === "offline" ? "" : long ? t("wall.long", { time: formatDuration(ms) }) : formatDuration(ms));
      },
    );
  }
}

customElements.define("lm-wall-queues", WallQueues);
customElements.define("lm-wall-waiting", WallWaiting);
customElements.define("lm-wall-agents", WallAgents);
