/**
 * The room as a value: `snapshot` starts it, `reduce` folds the server's events into it. Pure; the same reference
 * comes back when an event changes nothing, so that views can compare by identity.
 * @module
 */
import { callsOf, currentCall, reduceCalls } from "./help_state.js";
import { isRecording } from "./recording.js";
import { EMPTY_PARTS, STAGE_HANDLERS, parts } from "./stage_state.js";

/** @typedef {import("./types.js").RoomInfo} RoomInfo */
/** @typedef {import("./types.js").PeerInfo} PeerInfo */
/** @typedef {import("./types.js").TrackInfo} TrackInfo */
/** @typedef {import("./types.js").WireEvent} WireEvent */
/** @typedef {{ identity: string, controls: boolean }} Viewpoint whose room it is */

/** @type {RoomInfo} */
export const EMPTY = Object.freeze({
  name: "",
  title: "",
  state: "idle",
  since: 0,
  viewers: 0,
  peers: Object.freeze([]),
  tracks: Object.freeze([]),
  speakers: Object.freeze([]),
  ...EMPTY_PARTS,
  calls: Object.freeze([]),
  call: null,
  recording: null,
});

/**
 * A room from a join reply; missing parts (an older server) become empty ones.
 * @param {Partial<RoomInfo> | null | undefined} room
 * @param {RoomInfo} [former] whose calls are kept if the reply does not say: they are told at each change anyway
 * @returns {RoomInfo}
 */
export function snapshot(room, former = EMPTY) {
  const { calls } = former;
  return withCalls({ ...EMPTY, ...room, ...parts(room ?? {}), calls }, callsOf(room) ?? calls);
}

/** @type {Record<string, (room: RoomInfo, event: any) => RoomInfo>} */
const HANDLERS = {
  peer_joined: (room, { peer }) => withPeers(room, upsert(room.peers, peer)),
  peer_updated: (room, { peer }) => withPeers(room, upsert(room.peers, peer)),
  peer_left: (room, { peer }) => {
    const tracks = without(room.tracks, (track) => track.peer === peer);
    const speakers = without(room.speakers, (id) => id === peer);
    const peers = without(room.peers, ({ id }) => id === peer);
    if (peers === room.peers && tracks === room.tracks && speakers === room.speakers) return room;
    return { ...room, peers, tracks, speakers };
  },
  track_published: (room, { track }) => withTracks(room, upsert(room.tracks, track)),
  track_updated: (room, { track }) => withTracks(room, upsert(room.tracks, track)),
  track_unpublished: (room, { track }) => withTracks(room, without(room.tracks, ({ id }) => id === track)),
  room_state: (room, { state, since, away_until }) => {
    if (room.state === state && room.since === since && room.away_until === away_until) return room;
    const { away_until: _, ...rest } = room;
    const next = { ...rest, state, since: typeof since === "number" ? since : room.since };
    return typeof away_until === "number" ? { ...next, away_until } : next;
  },
  viewers: (room, { count }) => (room.viewers === count ? room : { ...room, viewers: count }),
  recording: (room, { recording }) => ({ ...room, recording }),
  speakers: (room, { peers }) => (equal(room.speakers, peers) ? room : { ...room, speakers: [...peers] }),
};

/**
 * @param {RoomInfo} room
 * @param {WireEvent} event events that say nothing about the room, and malformed ones, change nothing
 * @param {Viewpoint} [view] leaves out invitations that do not concern this person
 * @returns {RoomInfo}
 */
export function reduce(room, event, view) {
  const stage = Object.hasOwn(STAGE_HANDLERS, event.type) ? STAGE_HANDLERS[event.type] : undefined;
  if (stage) return stage.fits(event) ? stage.apply(room, event, view) : room;
  if (event.type.startsWith("call")) {
    const calls = reduceCalls(room.calls, event);
    return calls === room.calls ? room : withCalls(room, calls);
  }
  const handle = Object.hasOwn(HANDLERS, event.type) ? HANDLERS[event.type] : undefined;
  return handle && wellFormed(event) ? handle(room, event) : room;
}

/**
 * @param {WireEvent} event
 * @returns {boolean}
 */
function wellFormed(event) {
  switch (event.type) {
    case "peer_joined":
    case "peer_updated":
      return hasId(event["peer"]);
    case "track_published":
    case "track_updated":
      return hasId(event["track"]);
    case "peer_left":
      return typeof event["peer"] === "string";
    case "track_unpublished":
      return typeof event["track"] === "string";
    case "room_state":
      return typeof event["state"] === "string";
    case "viewers":
      return typeof event["count"] === "number";
    case "recording":
      return isRecording(event["recording"]);
    default:
      return Array.isArray(event["peers"]);
  }
}

/** @param {unknown} value */
function hasId(value) {
  return typeof value === "object" && value !== null && typeof (/** @type {{ id?: unknown }} */ (value).id) === "string";
}

/**
 * @template {{ id: string }} T
 * @param {readonly T[]} list
 * @param {T} item replaces the one with its id, keeping its place and the fields it does not mention
 * @returns {readonly T[]}
 */
function upsert(list, item) {
  const at = list.findIndex(({ id }) => id === item.id);
  const old = list[at];
  if (old === undefined) return [...list, item];
  const keys = /** @type {(keyof T)[]} */ (Object.keys(item));
  if (keys.every((key) => old[key] === item[key])) return list;
  return list.map((entry, index) => (index === at ? { ...entry, ...item } : entry));
}

/**
 * @template T
 * @param {readonly T[]} list
 * @param {(item: T) => boolean} gone
 * @returns {readonly T[]} the same list when nothing is gone
 */
function without(list, gone) {
  return list.some(gone) ? list.filter((item) => !gone(item)) : list;
}

/**
 * @param {readonly unknown[]} a
 * @param {readonly unknown[]} b
 */
function equal(a, b) {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/**
 * @param {RoomInfo} room
 * @param {readonly import("./types.js").CallInfo[]} calls
 * @returns {RoomInfo}
 */
function withCalls(room, calls) {
  return { ...room, calls, call: currentCall(calls, room.name) };
}

/**
 * @param {RoomInfo} room
 * @param {readonly PeerInfo[]} peers
 */
function withPeers(room, peers) {
  return peers === room.peers ? room : { ...room, peers };
}

/**
 * @param {RoomInfo} room
 * @param {readonly TrackInfo[]} tracks
 */
function withTracks(room, tracks) {
  return tracks === room.tracks ? room : { ...room, tracks };
}
