/**
 * What events say about the stage, its invitations, hands, chat and back channel: the second half of `state.js`. Pure.
 * @module
 */

/** @typedef {import("./types.js").BackChannelMessage} BackChannelMessage */
/** @typedef {import("./types.js").ChatMessage} ChatMessage */
/** @typedef {import("./types.js").Invite} Invite */
/** @typedef {import("./types.js").Place} Place */
/** @typedef {import("./types.js").RoomInfo} RoomInfo */
/** @typedef {import("./types.js").StageInfo} StageInfo */

/** Messages kept, of the chat and of the back channel each. */
export const KEPT = 200;

/** @type {StageInfo} */
const EMPTY_STAGE = Object.freeze({
  places: Object.freeze([]),
  layout: "side_by_side",
  pin: null,
  locked: false,
  hands_open: false,
});

/** What a room has beside its people and tracks. */
export const EMPTY_PARTS = Object.freeze({
  stage: EMPTY_STAGE,
  chat: Object.freeze({ messages: Object.freeze([]), slow_s: 0, muted_until: null }),
  invites: Object.freeze([]),
  hand: Object.freeze({ raised: false }),
  hands: Object.freeze([]),
  agents: Object.freeze([]),
  backchannel: Object.freeze([]),
  staff: Object.freeze([]),
});

/**
 * The parts of a join reply's room; what is missing is empty.
 * @param {Partial<RoomInfo>} room
 */
export function parts(room) {
  const { stage, chat, invites, hand, hands, agents, backchannel, staff } = room;
  return {
    stage: isStage(stage) ? wholeStage(stage) : EMPTY_PARTS.stage,
    chat: { ...EMPTY_PARTS.chat, ...chat, messages: (chat?.messages ?? []).slice(-KEPT) },
    invites: (invites ?? []).filter(({ state }) => state === "pending"),
    hand: { raised: hand?.raised === true },
    hands: hands ?? EMPTY_PARTS.hands,
    agents: agents ?? EMPTY_PARTS.agents,
    backchannel: (backchannel ?? []).slice(-KEPT),
    staff: staff ?? EMPTY_PARTS.staff,
  };
}

/**
 * @param {RoomInfo} room
 * @param {string | undefined} identity
 * @returns {Place | null} this person's on the stage
 */
export function placeOf({ stage }, identity) {
  return stage.places.find((place) => place.identity === identity) ?? null;
}

/**
 * Whether it waits for this person: it rings for them, or they made it.
 * @param {Invite} invite
 * @param {string | undefined} identity
 */
export function concerns(invite, identity) {
  return identity !== undefined && (invite.to?.identity === identity || invite.from.identity === identity);
}

/**
 * Whether this person goes on air when it is accepted.
 * @param {Invite} invite
 * @param {string | undefined} identity
 */
export function brings(invite, identity) {
  const who = invite.direction === "request" ? invite.from : invite.to;
  return identity !== undefined && who?.identity === identity;
}

/**
 * Pending invitations after the news of one; ended ones, and those that went on to somebody else, are let go.
 * @param {readonly Invite[]} invites
 * @param {Invite} invite
 * @param {import("./state.js").Viewpoint} [view] without it everything pending is kept
 */
export function withInvite(invites, invite, view) {
  const kept = invite.state === "pending" && (!view || view.controls || concerns(invite, view.identity));
  const at = invites.findIndex(({ id }) => id === invite.id);
  if (!kept) return at < 0 ? invites : invites.filter((_, index) => index !== at);
  if (at < 0) return [...invites, invite];
  return same(invites[at], invite) ? invites : invites.map((entry, index) => (index === at ? invite : entry));
}

/**
 * By event type: whether it can be understood, and what it makes of the room.
 * @type {Record<string, { fits: (event: any) => boolean,
 *   apply: (room: RoomInfo, event: any, view?: import("./state.js").Viewpoint) => RoomInfo }>}
 */
export const STAGE_HANDLERS = {
  stage: { fits: ({ stage }) => isStage(stage), apply: (room, { stage }) => put(room, "stage", wholeStage(stage)) },
  invite: {
    fits: ({ invite }) => isInvite(invite),
    apply: (room, { invite }, view) => put(room, "invites", withInvite(room.invites, invite, view)),
  },
  hands: list("hands", (hand) => typeof hand.identity === "string"),
  agents: list("agents", (agent) => typeof agent.identity === "string"),
  staff: list("staff", (member) => typeof member.identity === "string"),
  hand: {
    fits: ({ raised }) => typeof raised === "boolean",
    apply: (room, { raised }) => put(room, "hand", { raised }),
  },
  chat: {
    fits: ({ message }) => isMessage(message),
    apply: (room, { message }) => withChat(room, { messages: appended(room.chat.messages, message) }),
  },
  chat_deleted: {
    fits: ({ message }) => typeof message === "string",
    apply: (room, { message }) => withChat(room, { messages: room.chat.messages.filter(({ id }) => id !== message) }),
  },
  chat_settings: {
    fits: ({ slow_s }) => typeof slow_s === "number",
    apply: (room, { slow_s }) => withChat(room, { slow_s }),
  },
  chat_muted: {
    fits: ({ until }) => until === null || typeof until === "number",
    apply: (room, { until }) => withChat(room, { muted_until: until }),
  },
  backchannel: {
    fits: ({ message }) => isMessage(message) && isObject(/** @type {any} */ (message).from),
    apply: (room, { message }) =>
      put(room, "backchannel", appended(room.backchannel, { ...message, acked: message.acked ?? [] })),
  },
  backchannel_acked: {
    fits: ({ message, by }) => typeof message === "string" && isObject(by) && typeof by.identity === "string",
    apply: (room, { message, by }) => put(room, "backchannel", acknowledged(room.backchannel, message, by)),
  },
};

/**
 * The room's own event for what one from the wire brings beside a new state, or null.
 * @param {import("./types.js").WireEvent} event
 * @returns {{ name: "invite" | "unmuterequested" | "hand" | "chat" | "chatmuted" | "backchannel", detail: any } | null}
 */
export function newsOf(event) {
  const { type, invite, message, audio, video, by, raised, open, until } = event;
  const handler = Object.hasOwn(STAGE_HANDLERS, type) ? STAGE_HANDLERS[type] : undefined;
  if (handler && !handler.fits(event)) return null;
  switch (type) {
    case "invite":
      return { name: "invite", detail: { invite } };
    case "unmute_requested":
      return { name: "unmuterequested", detail: { audio: audio === true, video: video === true, by } };
    case "hand":
      return { name: "hand", detail: { raised, open: open === true } };
    case "chat":
    case "backchannel":
      return { name: type, detail: { message } };
    case "chat_muted":
      return { name: "chatmuted", detail: { until } };
    default:
      return null;
  }
}

/**
 * @param {"hands" | "agents" | "staff"} name
 * @param {(entry: any) => boolean} fits
 */
function list(name, fits) {
  return {
    fits: (/** @type {any} */ event) =>
      Array.isArray(event[name]) && event[name].every((/** @type {unknown} */ entry) => isObject(entry) && fits(entry)),
    apply: (/** @type {RoomInfo} */ room, /** @type {any} */ event) => put(room, name, event[name]),
  };
}

/**
 * @template {keyof RoomInfo} K
 * @param {RoomInfo} room
 * @param {K} name
 * @param {RoomInfo[K]} value
 * @returns {RoomInfo}
 */
function put(room, name, value) {
  return same(room[name], value) ? room : { ...room, [name]: value };
}

/**
 * @param {RoomInfo} room
 * @param {Partial<import("./types.js").ChatState>} change
 */
function withChat(room, change) {
  return put(room, "chat", { ...room.chat, ...change });
}

/**
 * @template {{ id: string }} T
 * @param {readonly T[]} messages
 * @param {T} message
 */
function appended(messages, message) {
  return messages.some(({ id }) => id === message.id) ? messages : [...messages, message].slice(-KEPT);
}

/**
 * @param {readonly BackChannelMessage[]} messages
 * @param {string} id
 * @param {{ identity: string, name: string }} by
 */
function acknowledged(messages, id, by) {
  return messages.map((message) => {
    if (message.id !== id || message.acked.some(({ identity }) => identity === by.identity)) return message;
    return { ...message, acked: [...message.acked, { identity: by.identity, name: by.name }] };
  });
}

/** @param {StageInfo} stage */
function wholeStage(stage) {
  const places = stage.places.map((place) => ({
    ...place,
    cohost: place.cohost === true,
    locked: { audio: place.locked?.audio === true, video: place.locked?.video === true },
  }));
  return { ...EMPTY_STAGE, ...stage, places };
}

/** @param {unknown} stage @returns {stage is StageInfo} */
function isStage(stage) {
  if (!isObject(stage) || !Array.isArray(stage["places"])) return false;
  return stage["places"].every((place) => isObject(place) && typeof place["identity"] === "string");
}

/** @param {unknown} invite @returns {invite is Invite} */
export function isInvite(invite) {
  if (!isObject(invite) || !isObject(invite["from"])) return false;
  return typeof invite["id"] === "string" && typeof invite["state"] === "string";
}

/** @param {unknown} message */
function isMessage(message) {
  return isObject(message) && typeof message["id"] === "string" && typeof message["text"] === "string";
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Whether two values from the wire say the same.
 * @param {unknown} a
 * @param {unknown} b
 * @returns {boolean}
 */
export function same(a, b) {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((entry, i) => same(entry, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}
