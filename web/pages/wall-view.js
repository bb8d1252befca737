/** What the supervisor's wall shows: pure functions of what the desk tells of queues, agents and calls. Times in ms. */

/**
 * @typedef {import("../sdk/types.js").HelpQueue} QueueLine
 * @typedef {import("../sdk/types.js").QueueEntry} Waiting
 * @typedef {import("../sdk/types.js").DeskWall} Wall
 * @typedef {Wall["agents"][number]} Agent
 * @typedef {Wall["calls"][number]} RunningCall
 * @typedef {"good" | "watch" | "bad" | "none"} Look good: on target; none: nothing to judge
 * @typedef {"available" | "ringing" | "in_call" | "wrap_up" | "on_stage" | "busy" | "break" | "offline"} Doing
 */

/** @typedef {{ id: FigureId, value: number | null, of: number | null, unit: "count" | "span" | "share" | "score", look: Look }} Figure */
/** @typedef {"waiting" | "longest" | "level" | "free" | "calls" | "asa" | "abandon" | "csat" | "answered"} FigureId */

/** Where a figure leaves its target, and where it is far off. Spans in ms, shares 0 to 1, scores 1 to 5. */
export const TARGETS = Object.freeze({
  longest: { watch: 30_000, bad: 120_000 },
  asa: { watch: 30_000, bad: 60_000 },
  abandon: { watch: 0.05, bad: 0.1 },
  level: { watch: 0.8, bad: 0.6 },
  csat: { watch: 4, bad: 3.5 },
});
/** How long somebody may do the same before a supervisor wants to know. */
const LONG = Object.freeze({ ringing: 15_000, wrap_up: 5 * 60_000, in_call: 15 * 60_000, break: 30 * 60_000 });
/** News come every 5 s; without any for so long, what is shown is old. */
export const STALE_MS = 15_000;
const ORDER = ["available", "ringing", "in_call", "wrap_up", "on_stage", "busy", "break", "offline"];

/**
 * @param {number | null} value
 * @param {{ watch: number, bad: number }} target `watch` below `bad`: less is better
 * @returns {Look}
 */
export function lookOf(value, { watch, bad }) {
  if (value === null) return "none";
  const less = watch < bad;
  if (less ? value > bad : value < bad) return "bad";
  return (less ? value > watch : value < watch) ? "watch" : "good";
}

/**
 * What an agent does now.
 * @param {Agent} agent
 * @returns {Doing}
 */
export function doingOf({ presence, state }) {
  if (presence === "offline") return "offline";
  if (state === "ringing" || state === "in_call" || state === "wrap_up" || state === "on_stage") return state;
  return presence;
}

/**
 * How long the one who waits longest has waited, in ms.
 * @param {Wall} wall
 * @param {number} now on the server's clock
 */
export function longestWait({ waiting, today }, now) {
  if (!waiting) return (today["longest_wait_s"] ?? 0) * 1000;
  return waiting.reduce((longest, { since }) => Math.max(longest, now - since), 0);
}

/**
 * The five large figures, then the day's small ones.
 * @param {Wall} wall
 * @param {number} now on the server's clock
 * @returns {{ now: Figure[], today: Figure[] }}
 */
export function figuresOf(wall, now) {
  const { today, agents, calls } = wall;
  const figure = (/** @type {string} */ name) => today[name] ?? null;
  const duty = agents.filter((agent) => doingOf(agent) !== "offline");
  const free = duty.filter((agent) => doingOf(agent) === "available").length;
  const waiting = today["in_queue"] ?? wall.waiting?.length ?? 0;
  const longest = longestWait(wall, now);
  const asa = figure("asa_s") === null ? null : Number(figure("asa_s")) * 1000;
  return {
    now: [
      { id: "waiting", value: waiting, of: null, unit: "count", look: waitingLook(waiting, free, wall.queues) },
      { id: "longest", value: longest, of: null, unit: "span", look: waiting === 0 ? "good" : lookOf(longest, TARGETS.longest) },
      { id: "level", value: figure("service_level"), of: null, unit: "share", look: lookOf(figure("service_level"), TARGETS.level) },
      { id: "free", value: free, of: duty.length, unit: "count", look: freeLook(free, duty.length, waiting, wall.queues) },
      { id: "calls", value: calls.length, of: null, unit: "count", look: "none" },
    ],
    today: [
      { id: "answered", value: figure("answered") ?? 0, of: figure("asked") ?? 0, unit: "count", look: "none" },
      { id: "asa", value: asa, of: null, unit: "span", look: lookOf(asa, TARGETS.asa) },
      { id: "abandon", value: figure("abandon_rate"), of: null, unit: "share", look: lookOf(figure("abandon_rate"), TARGETS.abandon) },
      { id: "csat", value: figure("csat"), of: null, unit: "score", look: lookOf(figure("csat"), TARGETS.csat) },
    ],
  };
}

/**
 * @param {number} waiting
 * @param {number} free
 * @param {readonly QueueLine[]} queues
 * @returns {Look}
 */
function waitingLook(waiting, free, queues) {
  if (queues.some(({ full }) => full)) return "bad";
  return waiting > free ? "watch" : "good";
}

/**
 * @param {number} free
 * @param {number} duty
 * @param {number} waiting
 * @param {readonly QueueLine[]} queues
 * @returns {Look}
 */
function freeLook(free, duty, waiting, queues) {
  if (free > 0) return "good";
  if (waiting > 0) return "bad";
  // At night nobody needs to be there.
  if (duty === 0) return queues.some(({ open }) => open) ? "bad" : "none";
  return "watch";
}

/**
 * Who is free first, then who is in the middle of something; the longest in it first.
 * @param {readonly Agent[]} agents
 * @param {number} now on the server's clock
 * @returns {{ agent: Agent, doing: Doing, ms: number, long: boolean }[]}
 */
export function agentLines(agents, now) {
  return agents
    .map((agent) => {
      const doing = doingOf(agent);
      const ms = Math.max(0, now - agent.since);
      return { agent, doing, ms, long: doing in LONG && ms > LONG[/** @type {keyof typeof LONG} */ (doing)] };
    })
    .sort((a, b) => ORDER.indexOf(a.doing) - ORDER.indexOf(b.doing) || a.agent.since - b.agent.since || (a.agent.identity < b.agent.identity ? -1 : 1));
}

/**
 * The longest call first; what is rung for is not among them.
 * @param {readonly RunningCall[]} calls
 * @param {number} now on the server's clock
 * @returns {{ call: RunningCall, ms: number }[]}
 */
export function callLines(calls, now) {
  const begin = (/** @type {RunningCall} */ call) => call.answered ?? call.since;
  return [...calls]
    .sort((a, b) => begin(a) - begin(b) || (a.id < b.id ? -1 : 1))
    .map((call) => ({ call, ms: Math.max(0, now - begin(call)) }));
}

/**
 * Who waits, the longest first, with how long.
 * @param {readonly Waiting[]} waiting
 * @param {number} now on the server's clock
 * @returns {{ entry: Waiting, ms: number, look: Look, rings: boolean }[]}
 */
export function waitingLines(waiting, now) {
  return [...waiting]
    .sort((a, b) => a.since - b.since || (a.call < b.call ? -1 : 1))
    .map((entry) => {
      const ms = Math.max(0, now - entry.since);
      return { entry, ms, look: lookOf(ms, TARGETS.longest), rings: entry.state === "ringing" };
    });
}

/**
 * One queue: how it is, and the longest wait in it.
 * @param {QueueLine} queue
 * @param {readonly Waiting[]} waiting
 * @param {number} now on the server's clock
 * @returns {{ state: "open" | "closed" | "full", longest: number | null, look: Look, unmanned: boolean }}
 */
export function queueFacts(queue, waiting, now) {
  const own = waiting.filter((entry) => entry.queue === queue.name);
  const longest = own.length === 0 ? null : own.reduce((most, { since }) => Math.max(most, now - since), 0);
  const state = queue.full ? "full" : queue.open ? "open" : "closed";
  const unmanned = queue.open && queue.agents === 0;
  const waits = lookOf(longest, TARGETS.longest);
  return { state, longest, look: queue.full || (unmanned && own.length > 0) ? "bad" : unmanned && waits !== "bad" ? "watch" : waits, unmanned };
}

/** @typedef {"token" | "failed" | "connecting" | "empty" | "live"} WallScene */

/**
 * @param {object} facts
 * @param {boolean} facts.tokenNeeded
 * @param {string | null} facts.failure a code
 * @param {string} facts.deskState LianmaiDesk.state
 * @param {Wall | null} facts.wall
 * @param {number | null} facts.ageMs since the last news of the wall
 * @returns {{ scene: WallScene, link: "live" | "stale" | "repairing" }}
 */
export function wallView({ tokenNeeded, failure, deskState, wall, ageMs }) {
  const link = deskState === "reconnecting" || deskState === "connecting" ? "repairing" : ageMs !== null && ageMs > STALE_MS ? "stale" : "live";
  if (tokenNeeded) return { scene: "token", link };
  if (failure !== null) return { scene: "failed", link };
  if (!wall) return { scene: "connecting", link };
  const { queues, agents, calls, waiting } = wall;
  const empty = queues.length + agents.length + calls.length + (waiting?.length ?? 0) === 0;
  return { scene: empty ? "empty" : "live", link };
}
