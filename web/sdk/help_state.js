/**
 * Calls of one-to-one help as values: `reduceCalls` folds the server's events into the list of those that concern us.
 * Pure; the same reference comes back when an event changes nothing.
 * @module
 */
import { same } from "./stage_state.js";

/** @typedef {import("./types.js").CallDevice} CallDevice */
/** @typedef {import("./types.js").CallInfo} CallInfo */
/** @typedef {import("./types.js").CallMark} CallMark */
/** @typedef {import("./types.js").CallMessage} CallMessage */
/** @typedef {import("./types.js").CallPerson} CallPerson */
/** @typedef {import("./types.js").TrackInfo} TrackInfo */
/** @typedef {import("./types.js").WireEvent} WireEvent */

/** Messages kept of one call. */
export const KEPT_MESSAGES = 200;
/** The server allows no more in one call. */
export const KEPT_MARKS = 200;
const KEPT_CALLS = 16;

/** What a call has before anybody has said or drawn anything. */
const EMPTY = Object.freeze({
  room: "", queue: "", queue_title: "", direction: "in", media: "text", state: "waiting", created: 0, answered: null,
  ended: null, outcome: null, end_reason: null, position: null, estimate: null, ring_until: null, held_by: null, topic: "",
  people: Object.freeze([]), transfer: null, escalation: null, messages: Object.freeze([]), marks: Object.freeze([]),
  frame: null, checklist: null, device: null, rating: null,
});

/** What is drawn on, ticked or switched while a call goes on: by events of its own, beside the whole call. */
const CALL_NEWS = new Set([
  "call_message", "call_mark", "call_clear", "call_pointer", "call_freeze", "call_checklist", "call_device",
  "call_device_state",
]);

/** Of those, what is over at once: nothing of it is kept. */
const PASSING = new Set(["call_pointer", "call_device"]);

/** Of those, what comes many times a second: not worth drawing all of a room again. */
export const CALL_DRAWING = new Set(["call_mark", "call_clear", "call_pointer"]);

/**
 * @param {readonly CallInfo[]} calls
 * @param {WireEvent} event events about nothing here, and malformed ones, change nothing
 * @returns {readonly CallInfo[]}
 */
export function reduceCalls(calls, event) {
  if (event.type === "call") return isCall(event["call"]) ? withCall(calls, event["call"]) : calls;
  const change = Object.hasOwn(CHANGES, event.type) ? CHANGES[event.type] : undefined;
  const at = change ? calls.findIndex(({ id }) => id === event["call"]) : -1;
  const call = calls[at];
  if (!change || !call) return calls;
  const next = change(call, event);
  return next === call ? calls : calls.map((entry, index) => (index === at ? next : entry));
}

/**
 * Whether an event is news to whoever had these calls: our own words come twice, as a reply and as an event.
 * @param {WireEvent} event
 * @param {readonly CallInfo[]} before
 * @param {readonly CallInfo[]} after
 */
export function isNews({ type }, before, after) {
  return CALL_NEWS.has(type) && (before !== after || PASSING.has(type));
}

/**
 * The calls of a join reply.
 * @param {{ call?: unknown, calls?: unknown } | null | undefined} reply a room or desk with its `call` or `calls`
 * @returns {readonly CallInfo[] | null} null: it does not say
 */
export function callsOf(reply) {
  const list = Array.isArray(reply?.calls) ? reply.calls : reply?.call === undefined ? null : [reply.call];
  return list && list.filter(isCall).reduce((calls, call) => withCall(calls, call), /** @type {readonly CallInfo[]} */ ([]));
}

/**
 * The call that matters in a room: one that goes on there before one that is over, the newest first.
 * @param {readonly CallInfo[]} calls
 * @param {string} room
 * @returns {CallInfo | null}
 */
export function currentCall(calls, room) {
  const here = calls.filter((call) => call.room === room || call.room === "");
  return here.filter((call) => !isOver(call)).at(-1) ?? here.at(-1) ?? null;
}

/**
 * Whether nobody sees or hears the other any more; the agent may still write down what it was about.
 * @param {CallInfo} call
 */
export function isOver({ state }) {
  return state === "wrap_up" || state === "ended";
}

/**
 * @param {CallInfo | null} call
 * @param {string | undefined} identity
 * @returns {CallPerson | null}
 */
export function seatOf(call, identity) {
  return call?.people.find((person) => person.identity === identity) ?? null;
}

/**
 * What becomes of what this person sends: `open` it is sent, `held` it waits here, `none` there is no call for it.
 * @param {CallInfo | null} call
 * @param {string | undefined} identity
 * @returns {"open" | "held" | "none"}
 */
export function sendingOf(call, identity) {
  if (!call || isOver(call) || identity === undefined) return "none";
  const seat = seatOf(call, identity);
  if (!seat) return call.shopper.identity === identity ? "held" : "none";
  if (seat.mode === "listen") return "none";
  if (seat.mode === "ring" || seat.mode === "hold" || call.state === "waiting" || call.state === "ringing") return "held";
  if (call.state === "active") return "open";
  // On hold is the shopper; two agents who consult do hear each other.
  const others = call.people.filter((person) => person.identity !== identity && person.side !== "shopper");
  const heard = seat.side !== "shopper" && others.some(({ mode }) => mode !== "ring" && mode !== "hold");
  return heard ? "open" : "held";
}

/**
 * Whether this person's camera may leave the device only blurred: that is what was agreed to, for as long as it may be
 * on the stage or come there.
 * @param {CallInfo | null} call
 * @param {string | undefined} identity
 */
export function mustBlur(call, identity) {
  if (!call || isOver(call) || call.shopper.identity !== identity) return false;
  const { state, consent } = call.escalation ?? {};
  return consent === "blurred" && (state === "asking" || state === "offered" || state === "on_stage");
}

/**
 * Tracks of the others in a call.
 * @param {CallInfo | null} call
 * @param {readonly TrackInfo[]} tracks all of the room
 * @param {string | undefined} identity ours
 * @returns {readonly TrackInfo[]}
 */
export function tracksOf(call, tracks, identity) {
  if (!call || isOver(call)) return [];
  const people = [...call.people, call.shopper].filter((person) => person.identity !== identity);
  return tracks.filter(({ peer }) => people.some((person) => person.peer === peer));
}

/**
 * @param {readonly CallInfo[]} calls
 * @param {CallInfo} heard
 */
function withCall(calls, heard) {
  const at = calls.findIndex(({ id }) => id === heard.id);
  const former = calls[at];
  const call = whole(heard, former);
  if (former && same(former, call)) return calls;
  if (former) return calls.map((entry, index) => (index === at ? call : entry));
  // One that is over makes room for the next.
  const kept = calls.filter((entry) => entry.state !== "ended" || entry.room !== call.room);
  return [...kept, call].slice(-KEPT_CALLS);
}

/**
 * @param {CallInfo} call as it came
 * @param {CallInfo} [former]
 * @returns {CallInfo}
 */
function whole(call, former) {
  return {
    ...EMPTY,
    ...former,
    ...call,
    people: Array.isArray(call.people) ? call.people.filter((person) => typeof person?.identity === "string") : former?.people ?? [],
    messages: Array.isArray(call.messages) ? together(former?.messages ?? [], call.messages.filter(isMessage)) : former?.messages ?? [],
    marks: Array.isArray(call.marks) ? call.marks.filter(isMark).slice(-KEPT_MARKS) : former?.marks ?? [],
  };
}

/**
 * The server tells the last 100 each time; what was heard before that stays.
 * @param {readonly CallMessage[]} former
 * @param {readonly CallMessage[]} messages
 */
function together(former, messages) {
  const ids = new Set(messages.map(({ id }) => id));
  const first = messages[0];
  const older = first ? former.filter((message) => !ids.has(message.id) && message.at <= first.at) : former;
  return [...older, ...messages].slice(-KEPT_MESSAGES);
}

/** @type {Record<string, (call: CallInfo, event: any) => CallInfo>} */
const CHANGES = {
  call_message: (call, { message }) => {
    if (!isMessage(message) || call.messages.some(({ id }) => id === message.id)) return call;
    return { ...call, messages: [...call.messages, message].slice(-KEPT_MESSAGES) };
  },
  call_mark: (call, { mark }) => {
    if (!isMark(mark)) return call;
    const at = call.marks.findIndex(({ id }) => id === mark.id);
    if (at < 0) return { ...call, marks: [...call.marks, mark].slice(-KEPT_MARKS) };
    return { ...call, marks: call.marks.map((entry, index) => (index === at ? mark : entry)) };
  },
  call_clear: (call, { mark = null }) => {
    const marks = mark === null ? [] : call.marks.filter(({ id }) => id !== mark);
    return marks.length === call.marks.length ? call : { ...call, marks };
  },
  call_freeze: (call, { frame = null }) => {
    if (frame !== null && typeof frame.file !== "string") return call;
    return frame === null && call.frame === null ? call : { ...call, frame };
  },
  call_checklist: (call, { checklist = null }) => {
    if (checklist !== null && !Array.isArray(checklist.steps)) return call;
    return checklist === null && call.checklist === null ? call : { ...call, checklist };
  },
  call_device_state: (call, event) => ({ ...call, device: deviceOf(event) }),
};

/**
 * @param {any} event its fields, or an object of them
 * @returns {CallDevice}
 */
export function deviceOf(event) {
  const { facing, torch, zoom, can } = event.device ?? event;
  return {
    facing: facing === "user" || facing === "environment" ? facing : null,
    torch: typeof torch === "boolean" ? torch : null,
    zoom: typeof zoom?.max === "number" ? zoom : null,
    can: Array.isArray(can) ? can : [],
  };
}

/** @param {any} call @returns {call is CallInfo} */
function isCall(call) {
  return isObject(call) && typeof call.id === "string" && typeof call.state === "string" && isObject(call.shopper);
}

/** @param {any} message @returns {message is CallMessage} */
function isMessage(message) {
  return isObject(message) && typeof message.id === "string" && isObject(message.by);
}

/** @param {any} mark @returns {mark is CallMark} */
function isMark(mark) {
  return isObject(mark) && typeof mark.id === "string" && Array.isArray(mark.points);
}

/** @param {any} value */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
