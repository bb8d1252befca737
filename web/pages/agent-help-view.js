/** What the console is doing with help calls: pure functions of what the desk and the call's room say. */

/**
 * @typedef {import("./agent-help-types.js").Call} Call
 * @typedef {import("./agent-help-types.js").Person} Person
 * @typedef {import("./agent-help-types.js").Waiting} Waiting
 * @typedef {import("./agent-help-types.js").QueueLine} QueueLine
 * @typedef {import("./agent-help-types.js").Colleague} Colleague
 * @typedef {"ring" | "talk" | "wrap"} Duty what a call wants from us
 */

/** A wait turns amber after so long, red after so long, ms. */
export const LONG_WAIT_MS = 30_000;
export const TOO_LONG_MS = 120_000;

const ORDER = ["talk", "ring", "wrap"];

/**
 * Our own seat in a call.
 * @param {Call} call
 * @param {string} identity
 * @returns {Person | null}
 */
export function seatOf(call, identity) {
  return call.people.find((person) => person.identity === identity && person.side !== "shopper") ?? null;
}

/**
 * @param {Call} call
 * @param {string} identity
 * @returns {Duty | null} null: it is not ours, or over
 */
export function dutyOf(call, identity) {
  const seat = seatOf(call, identity);
  if (!seat || call.state === "ended" || call.state === "waiting") return null;
  if (call.state === "wrap_up") return seat.side === "agent" && seat.mode !== "ring" ? "wrap" : null;
  return seat.mode === "ring" ? "ring" : "talk";
}

/**
 * The one call that the console is about: what we talk in before what rings, what rings before what is to be written.
 * @param {Iterable<Call>} calls
 * @param {string} identity
 * @returns {{ call: Call, duty: Duty } | null}
 */
export function currentCall(calls, identity) {
  /** @type {{ call: Call, duty: Duty }[]} */
  const ours = [];
  for (const call of calls) {
    const duty = dutyOf(call, identity);
    if (duty) ours.push({ call, duty });
  }
  ours.sort((a, b) => ORDER.indexOf(a.duty) - ORDER.indexOf(b.duty) || a.call.created - b.call.created);
  return ours[0] ?? null;
}

/** @typedef {"answered" | "hung_up" | "missed" | "gone"} RingEnd */

/**
 * Why a call that rang here rings no longer.
 * @param {Call | null} now as last heard; null: the desk has it no more
 * @returns {RingEnd}
 */
export function ringEnd(now) {
  if (!now) return "gone";
  if (now.state === "ended" || now.state === "wrap_up") return now.answered === null ? "hung_up" : "answered";
  const taken = now.people.some(({ side, mode }) => side === "agent" && mode === "full");
  return taken && now.transfer === null ? "answered" : "missed";
}

/**
 * What our seat allows. A listener is heard by nobody, a whisper only by the agents.
 * @param {Person | null} seat
 */
export function rightsOf(seat) {
  const agent = seat?.side === "agent" && seat.mode !== "ring";
  const full = seat?.mode === "full" || seat?.mode === "hold";
  return {
    /** Supervisors who joined in (barge) speak and show like agents, but the call is not theirs to move. */
    speak: full || seat?.mode === "whisper",
    show: full,
    draw: full,
    write: full,
    lead: agent,
    end: agent,
    mode: seat?.side === "supervisor" ? modeOf(seat.mode) : null,
  };
}

/** @param {Person["mode"]} mode of a supervisor @returns {"listen" | "whisper" | "barge"} */
function modeOf(mode) {
  if (mode === "listen" || mode === "whisper") return mode;
  return "barge";
}

/**
 * @typedef {"calling" | "connecting" | "repairing" | "shopper_lost" | "held" | "consult" | "talking"} Phase
 * calling: we ring the shopper; consult: a colleague is asked before the shopper is handed over
 */

/**
 * @param {Call} call
 * @param {string} roomState LianmaiRoom.state
 * @returns {Phase}
 */
export function phaseOf(call, roomState) {
  if (roomState === "reconnecting") return "repairing";
  if (call.state === "ringing" && call.direction !== "in") return "calling";
  if (call.shopper.state !== "connected") return "shopper_lost";
  if (call.transfer?.warm && call.transfer.state === "talking") return "consult";
  if (call.state === "on_hold") return "held";
  return roomState === "joined" ? "talking" : "connecting";
}

/**
 * Whether we are the one who hands the shopper over, not the one who is asked.
 * @param {Call} call
 * @param {string} identity
 */
export function handsOver(call, identity) {
  const owner = call.people.find(({ side, mode }) => side === "agent" && mode !== "ring");
  return call.transfer !== null && call.transfer.to !== identity && owner?.identity === identity;
}

/**
 * What the shopper's step up asks of our devices, and is not open yet.
 * @param {Call} call
 * @param {{ microphone: unknown, camera: unknown } | null} tracks of our devices
 * @returns {"microphone" | "camera" | null}
 */
export function stepUp(call, tracks) {
  if (call.media !== "text" && !tracks?.microphone) return "microphone";
  return call.media === "video" && !tracks?.camera ? "camera" : null;
}

/**
 * @typedef {{ id: string, peer: string, kind: string, source: string, muted: boolean }} Heard a track of the room
 * @typedef {{ identity: string, name: string, side: string, mode: string, state: string, picture: string | null, screen: string | null, sounds: string[], micMuted: boolean }} Shown
 */

/**
 * Who is in the call beside us, with their tracks.
 * @param {Call} call
 * @param {Iterable<Heard>} tracks
 * @param {string} identity ours
 * @returns {{ shopper: Shown, others: Shown[] }} others: colleagues and supervisors, who rings included
 */
export function peopleShown(call, tracks, identity) {
  const heard = [...tracks];
  const { shopper } = call;
  const seated = call.people.find(({ side }) => side === "shopper");
  return {
    shopper: shown({ ...shopper, side: "shopper", mode: seated?.mode ?? "full" }, heard),
    others: call.people
      .filter((person) => person.side !== "shopper" && person.identity !== identity)
      .map((person) => shown(person, heard)),
  };
}

/**
 * @param {{ identity: string, name: string, side: string, mode: string, state: string, peer: string | null }} person
 * @param {readonly Heard[]} tracks
 * @returns {Shown}
 */
function shown({ identity, name, side, mode, state, peer }, tracks) {
  const own = peer === null ? [] : tracks.filter((track) => track.peer === peer);
  const find = (/** @type {string} */ source) => own.find((track) => track.source === source && !track.muted)?.id ?? null;
  const microphone = own.find(({ source }) => source === "microphone");
  return {
    identity,
    name,
    side,
    mode,
    state,
    picture: find("camera"),
    screen: find("screen"),
    sounds: own.filter(({ kind, source }) => kind === "audio" && source !== "whisper").map(({ id }) => id),
    micMuted: microphone === undefined || microphone.muted,
  };
}

/**
 * The longest wait first, as the shoppers see their places.
 * @param {readonly Waiting[]} waiting
 * @returns {Waiting[]}
 */
export function sortWaiting(waiting) {
  return [...waiting].sort((a, b) => a.position - b.position || a.since - b.since || (a.call < b.call ? -1 : 1));
}

/**
 * @param {number} ms
 * @returns {"fine" | "long" | "too_long"}
 */
export function waitLook(ms) {
  return ms >= TOO_LONG_MS ? "too_long" : ms >= LONG_WAIT_MS ? "long" : "fine";
}

/**
 * Whom a call may be handed to: whoever is free first, then by name; ourselves never.
 * @param {readonly Colleague[]} colleagues
 * @param {string} identity ours
 * @param {string} search words of a name or a skill
 * @returns {Colleague[]}
 */
export function colleaguesFor(colleagues, identity, search) {
  const words = search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const rank = { available: 0, busy: 1, break: 2, offline: 3 };
  return colleagues
    .filter((person) => person.identity !== identity)
    .filter(({ name, skills }) => {
      const text = [name, ...skills].join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .sort((a, b) => rank[a.presence] - rank[b.presence] || a.name.localeCompare(b.name));
}

/**
 * Skills that somebody free has, with how many.
 * @param {readonly Colleague[]} colleagues
 * @param {string} identity ours
 * @returns {{ skill: string, free: number }[]}
 */
export function skillsFor(colleagues, identity) {
  /** @type {Map<string, number>} */
  const counted = new Map();
  for (const person of colleagues) {
    if (person.identity === identity || person.presence === "offline") continue;
    for (const skill of person.skills) counted.set(skill, (counted.get(skill) ?? 0) + Number(person.presence === "available"));
  }
  return [...counted].map(([skill, free]) => ({ skill, free })).sort((a, b) => b.free - a.free || a.skill.localeCompare(b.skill));
}

/**
 * How many wait: the list has only the first of them.
 * @param {{ queues: readonly { waiting: number }[], waiting: readonly unknown[] }} queue
 */
export function waitingCount({ queues, waiting }) {
  const counted = queues.reduce((sum, line) => sum + line.waiting, 0);
  return Math.max(waiting.length, counted);
}
