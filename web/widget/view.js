/** What the widget shows: pure functions of what is known. */

/**
 * @typedef {import("./types.js").Call} Call
 * @typedef {import("./types.js").DeviceView} DeviceView
 * @typedef {import("./types.js").Failure} Failure
 * @typedef {import("./types.js").Media} Media
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("./types.js").Person} Person
 * @typedef {import("./types.js").Queue} Queue
 */

/**
 * @typedef {"ask" | "starting" | "closed" | "busy" | "failed" | "callback" | "called" | "waiting" | "ringing" | "incoming"
 *   | "call" | "rate" | "over"} Scene
 */

/**
 * What lies over a call. `reconnecting` is our own connection; the others go on without a word from us.
 * @typedef {"reconnecting" | "agent_reconnecting" | "hold" | "transfer" | "warm" | "on_stage" | "stage_offered"
 *   | "stage_refused"} Banner
 */

/**
 * @typedef {object} View
 * @property {"button" | "bubble" | "card"} frame bubble: small, with the agent's picture
 * @property {Scene} scene
 * @property {Media} kind of call
 * @property {Person | null} agent who talks to us, or is about to
 * @property {readonly Person[]} others more people on the other side that may be seen
 * @property {Banner | null} banner
 * @property {"consent" | "device" | null} sheet a question that lies over the scene
 * @property {DeviceView["problem"]} problem of a device that was asked for
 * @property {boolean} asking the browser asks for a device right now
 * @property {boolean} ducked the show gives way to the voice
 * @property {boolean} onAir the audience hears us
 * @property {Queue | null} queue the one that we would be in, or are
 */

/**
 * Nobody talks to us in it any more.
 * @param {Call} call
 */
export function isOver({ state }) {
  return state === "ended" || state === "wrap_up";
}

/**
 * @param {Model} model
 * @returns {View}
 */
export function viewOf(model) {
  const { call, open } = model;
  const scene = sceneOf(model);
  const kind = call?.media ?? model.media;
  const agent = call ? agentOf(call) : null;
  const talking = scene === "call";
  const busy = talking || scene === "waiting" || scene === "ringing" || scene === "incoming";
  const onAir = call?.escalation?.state === "on_stage";
  return {
    frame: open ? "card" : busy ? "bubble" : "button",
    scene,
    kind,
    agent,
    others: call && talking ? seen(call).filter((person) => person !== agent) : [],
    banner: call && talking ? bannerOf(model, call) : null,
    sheet: sheetOf(model, scene),
    problem: problemOf(model, kind),
    asking: model.microphone.state === "opening" || model.camera.state === "opening",
    ducked: talking && kind !== "text" && call?.state === "active" && !onAir,
    onAir,
    queue: queueOf(model),
  };
}

/**
 * @param {Model} model
 * @returns {Scene}
 */
function sceneOf(model) {
  const { call, callback } = model;
  if (call && !isOver(call)) {
    if (callback === "form" || callback === "sending") return "callback";
    return runningScene(call, model.self);
  }
  if (call) return overScene(model, call);
  if (callback === "done") return "called";
  if (callback !== "none") return "callback";
  if (model.refusal) return refusedScene(model.refusal);
  if (model.link === "failed") return "failed";
  if (model.asking) return "starting";
  const queue = queueOf(model);
  if (queue?.open === false) return "closed";
  if (queue?.full) return "busy";
  return "ask";
}

/**
 * @param {Call} call
 * @param {string} self
 * @returns {Scene}
 */
function runningScene(call, self) {
  if (call.state === "active" || call.state === "on_hold") return "call";
  const rings = call.people.some((person) => person.identity === self && person.side === "shopper" && person.mode === "ring");
  if (call.direction === "out" && (rings || call.state === "ringing")) return "incoming";
  return call.state === "ringing" ? "ringing" : "waiting";
}

/**
 * @param {Model} model
 * @param {Call} call
 * @returns {Scene}
 */
function overScene(model, call) {
  if (model.callback === "form" || model.callback === "sending") return "callback";
  if (model.callback === "done" || call.outcome === "callback") return "called";
  const talked = call.answered !== null;
  if (talked && model.rating !== "skipped" && (call.outcome === null || call.outcome === "completed")) return "rate";
  return "over";
}

/**
 * @param {Failure} refusal
 * @returns {Scene}
 */
function refusedScene({ code }) {
  if (code === "queue_closed") return "closed";
  return code === "queue_full" ? "busy" : "failed";
}

/**
 * The queue that is asked, or would be.
 * @param {Pick<Model, "queues" | "queue" | "call">} model
 * @returns {Queue | null}
 */
export function queueOf({ queues, queue, call }) {
  const wanted = call?.queue ?? queue;
  if (!queues) return null;
  return (wanted ? queues.find(({ name }) => name === wanted) : queues[0]) ?? null;
}

/**
 * Who is there for us: somebody who talks before somebody who rings, an agent before a supervisor.
 * @param {Call} call
 * @returns {Person | null}
 */
export function agentOf({ people }) {
  const others = people.filter(({ side, mode }) => side !== "shopper" && mode !== "listen" && mode !== "whisper");
  const rank = (/** @type {Person} */ { side, mode }) => (mode === "full" ? 0 : mode === "hold" ? 2 : 4) + (side === "agent" ? 0 : 1);
  return [...others].sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

/**
 * The others who may be seen and heard.
 * @param {Call} call
 */
function seen({ people }) {
  return people.filter(({ side, mode }) => side !== "shopper" && mode === "full");
}

/**
 * @param {Model} model
 * @param {Call} call
 * @returns {Banner | null}
 */
function bannerOf(model, call) {
  if (model.link === "lost") return "reconnecting";
  if (call.transfer) return call.transfer.warm ? "warm" : "transfer";
  if (call.state === "on_hold") return "hold";
  const agent = agentOf(call);
  if (agent?.state === "reconnecting") return "agent_reconnecting";
  switch (call.escalation?.state) {
    case "on_stage":
      return "on_stage";
    case "offered":
      return "stage_offered";
    case "refused":
      return "stage_refused";
    default:
      return null;
  }
}

/**
 * @param {Model} model
 * @param {Scene} scene
 * @returns {View["sheet"]}
 */
function sheetOf(model, scene) {
  if (scene !== "call") return null;
  const escalation = model.call?.escalation;
  if (escalation?.state === "asking" && escalation.consent === null) return "consent";
  if (model.stepping !== "none" && problemOf(model, model.stepping) !== null) return "device";
  return null;
}

/**
 * Why a device that this kind of call needs is missing. A video call without a camera goes on as a voice.
 * @param {Model} model
 * @param {Media} kind
 */
export function problemOf({ microphone, camera }, kind) {
  if (kind === "text") return null;
  if (microphone.state === "problem") return microphone.problem;
  return kind === "video" && camera.state === "problem" ? camera.problem : null;
}

/**
 * The next thing that can be asked for in a call.
 * @param {Media} media
 * @returns {Media[]}
 */
export function stepsUp(media) {
  if (media === "text") return ["voice", "video"];
  return media === "voice" ? ["video"] : [];
}

/**
 * What a call needs of our devices.
 * @param {Media} media
 * @returns {("microphone" | "camera")[]}
 */
export function needs(media) {
  if (media === "text") return [];
  return media === "voice" ? ["microphone"] : ["microphone", "camera"];
}

/**
 * A range that is honest: never less than what the server thinks, in whole minutes.
 * @param {{ low_s: number, high_s: number } | null} estimate
 * @returns {{ kind: "unknown" | "soon" } | { kind: "about", minutes: number } | { kind: "range", low: number, high: number }}
 */
export function waitRange(estimate) {
  if (!estimate) return { kind: "unknown" };
  if (estimate.high_s <= 60) return { kind: "soon" };
  const low = Math.max(1, Math.floor(estimate.low_s / 60));
  const high = Math.max(low, Math.ceil(estimate.high_s / 60));
  return low === high ? { kind: "about", minutes: high } : { kind: "range", low, high };
}

/**
 * Times at which somebody may be called back: half hours from the next one that is far enough away, inside the day or
 * from when the queue opens.
 * @param {number} now ms since epoch
 * @param {number | null} opensAt ms since epoch; null: open now
 * @param {number} [count]
 * @returns {number[]} ms since epoch
 */
export function callbackTimes(now, opensAt, count = 6) {
  const half = 30 * 60_000;
  const first = Math.ceil(Math.max(now + 10 * 60_000, opensAt ?? 0) / half) * half;
  return Array.from({ length: count }, (_, index) => first + index * half);
}
