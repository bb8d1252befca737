/** Whom a host can ask onto the stage and what can be done with those who are on it: pure functions of the room. */

/**
 * @typedef {import("../sdk/types.js").Agent} Agent
 * @typedef {import("../sdk/types.js").Invite} Invite
 * @typedef {import("../sdk/types.js").Place} Place
 * @typedef {import("../sdk/types.js").Product} Product
 * @typedef {import("../sdk/types.js").RoomInfo} RoomInfo
 * @typedef {import("../sdk/types.js").StageInfo} StageInfo
 * @typedef {import("../sdk/types.js").StageLayout} StageLayout
 */

/** Places on a stage. */
export const STAGE_MAX = 6;

/** @type {readonly StageLayout[]} in the order of the picker */
export const LAYOUTS = Object.freeze(["solo", "side_by_side", "inset", "grid", "screen"]);

/** Longest texts the server takes, in code points. */
export const LIMITS = Object.freeze({ topic: 120, title: 120, price: 40, url: 500, reason: 120 });

// --- who can be rung -----------------------------------------------------------------------------------------------

/** @typedef {"free" | "ringing" | "on_stage" | "busy" | "break" | "offline"} AgentState */

/**
 * @typedef {object} AgentRow
 * @property {string} identity
 * @property {string} name
 * @property {readonly string[]} skills
 * @property {AgentState} state only the free can be rung
 * @property {boolean} here in this room already
 */

const ORDER = ["free", "ringing", "busy", "break", "offline", "on_stage"];

/**
 * @param {Pick<RoomInfo, "agents" | "invites" | "stage">} info
 * @param {string} query by name or skill
 * @returns {AgentRow[]} whoever can come first, then by name
 */
export function directory({ agents, invites, stage }, query) {
  const wanted = fold(query);
  return agents
    .filter(({ name, skills }) => wanted === "" || [name, ...skills].some((text) => fold(text).includes(wanted)))
    .map((agent) => ({
      identity: agent.identity,
      name: agent.name,
      skills: agent.skills,
      here: agent.here,
      state: stateOf(agent, invites, stage),
    }))
    .sort(
      (a, b) =>
        ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
        Number(b.here) - Number(a.here) ||
        a.name.localeCompare(b.name),
    );
}

/**
 * @param {Agent} agent
 * @param {readonly Invite[]} invites
 * @param {StageInfo} stage
 * @returns {AgentState}
 */
function stateOf({ identity, presence, engaged }, invites, stage) {
  if (stage.places.some((place) => place.identity === identity)) return "on_stage";
  if (invites.some((invite) => invite.direction === "invite" && invite.to?.identity === identity)) return "ringing";
  if (presence === "offline" || presence === "break") return presence;
  return presence === "busy" || engaged ? "busy" : "free";
}

/**
 * Groups that can be rung, with how many of each are free now; those that somebody could answer first.
 * @param {Pick<RoomInfo, "agents" | "invites" | "stage">} info
 * @returns {{ free: number, skills: { skill: string, free: number }[] }}
 */
export function groups(info) {
  const rows = directory(info, "");
  /** @type {Map<string, number>} */
  const bySkill = new Map();
  for (const { skills, state } of rows) {
    if (state === "offline") continue;
    for (const skill of skills) bySkill.set(skill, (bySkill.get(skill) ?? 0) + Number(state === "free"));
  }
  return {
    free: rows.filter(({ state }) => state === "free").length,
    skills: [...bySkill]
      .map(([skill, free]) => ({ skill, free }))
      .sort((a, b) => b.free - a.free || a.skill.localeCompare(b.skill)),
  };
}

/** @param {string} text */
function fold(text) {
  return text.trim().toLocaleLowerCase().normalize("NFKC");
}

/**
 * What is attached to an invite, from the form's fields.
 * @param {{ topic: string, title: string, price: string, url: string }} fields
 * @returns {{ topic: string, product: Product | null, problem: "title" | "url" | null }} title: a price or link needs one
 */
export function attachment({ topic, title, price, url }) {
  const product = { title: title.trim(), price: price.trim(), url: url.trim() };
  const none = product.title === "" && product.price === "" && product.url === "";
  if (product.url !== "" && !/^[a-z][a-z\d+.-]*:/i.test(product.url)) product.url = `https://${product.url}`;
  /** @type {"title" | "url" | null} */
  let problem = null;
  if (!none && product.title === "") problem = "title";
  else if (product.url !== "" && !isWebAddress(product.url)) problem = "url";
  if (none || problem !== null) return { topic: topic.trim(), product: null, problem };
  return {
    topic: topic.trim(),
    product: {
      title: product.title,
      ...(product.price === "" ? {} : { price: product.price }),
      ...(product.url === "" ? {} : { url: product.url }),
    },
    problem,
  };
}

/** @param {string} text */
function isWebAddress(text) {
  try {
    return ["http:", "https:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

// --- what waits for an answer --------------------------------------------------------------------------------------

/**
 * @typedef {object} PendingRow
 * @property {string} id
 * @property {"request" | "direct" | "skill" | "anyone"} kind request: an agent offers to come
 * @property {string} name who asks, or who is being rung; empty when nobody is rung right now
 * @property {string} skill of a group
 * @property {number} tried the how-manieth of a group is being rung
 * @property {string} topic
 * @property {string} product
 * @property {string} by who else invited; empty for ourselves
 * @property {number} leftS seconds until it goes on or ends
 * @property {number} left 0-1 of the time it had
 */

/**
 * @param {readonly Invite[]} invites
 * @param {string} identity ours
 * @param {number} now ms on the server's clock
 * @returns {PendingRow[]} requests first: a person waits for our answer
 */
export function pendingRows(invites, identity, now) {
  return invites
    .filter(({ state }) => state === "pending")
    .filter(({ direction, from }) => direction === "invite" || from.identity !== identity)
    .map((invite) => pendingRow(invite, identity, now))
    .sort((a, b) => Number(b.kind === "request") - Number(a.kind === "request"));
}

/** A ring lasts so long unless it says otherwise, and a request. */
const RING_MS = 20_000;
const REQUEST_MS = 120_000;

/**
 * @param {Invite} invite
 * @param {string} identity
 * @param {number} now
 * @returns {PendingRow}
 */
function pendingRow({ id, direction, target, from, to, tried, topic, product, created, ring_until: until }, identity, now) {
  const request = direction === "request";
  const left = until === null ? 0 : Math.max(0, until - now);
  // Only the first ring of a group began when the invite was made.
  const whole = request ? REQUEST_MS : tried <= 1 && until !== null ? Math.max(1, until - created) : RING_MS;
  const kind = request ? "request" : target.kind === "identity" ? "direct" : target.kind;
  return {
    id,
    kind,
    name: (request ? from.name : to?.name) ?? "",
    skill: target.kind === "skill" ? (target.value ?? "") : "",
    tried,
    topic,
    product: product?.title ?? "",
    by: request || from.identity === identity ? "" : from.name,
    leftS: Math.ceil(left / 1000),
    left: Math.min(1, left / whole),
  };
}

/**
 * @typedef {"declined" | "no_answer" | "nobody" | "left" | "no_media" | "withdrawn" | "request_expired"
 *   | "failed"} Outcome
 */

/**
 * What an invite came to, if that is news to whoever has the controls. One that was accepted is seen on the stage.
 * @param {Invite} invite as it is now
 * @param {string} identity ours
 * @param {ReadonlySet<string>} ended by us: we know
 * @returns {{ outcome: Outcome, name: string, reason: string, again: boolean } | null}
 */
export function outcomeOf(invite, identity, ended) {
  const { id, direction, state, reason, from, to, target } = invite;
  if (state === "pending" || state === "accepted") return null;
  const request = direction === "request";
  // A request of our own is told by the page that made it.
  if (request && from.identity === identity) return null;
  if (ended.has(id) && state !== "failed") return null;
  const name = (request ? from.name : to?.name) ?? "";
  const group = target.kind !== "identity";
  const told = (/** @type {Outcome} */ outcome, again = false) => ({
    outcome, name, reason: outcome === "declined" ? (reason ?? "") : "", again: again && !request,
  });
  switch (state) {
    case "declined":
      return request ? null : told("declined", true);
    case "expired":
      if (request) return told("request_expired");
      return reason === "nobody_available" || group ? told("nobody", true) : told("no_answer", true);
    case "cancelled":
      return request && reason === null ? told("withdrawn") : null;
    default:
      if (reason === "no_media") return told("no_media", true);
      return reason === "invitee_left" ? told("left") : told("failed", true);
  }
}

// --- on the stage --------------------------------------------------------------------------------------------------

/** @typedef {"on" | "off" | "locked" | "none"} DeviceState off: switched off by the person; none: nothing is sent */

/**
 * @typedef {object} GuestRow
 * @property {string} identity
 * @property {string} name
 * @property {string} role
 * @property {"on" | "joining" | "away"} state
 * @property {boolean} own
 * @property {boolean} host cannot be muted or taken off
 * @property {boolean} cohost
 * @property {boolean} pinned
 * @property {boolean} screen shares one
 * @property {DeviceState} microphone
 * @property {DeviceState} camera
 * @property {boolean} speaking
 * @property {number} position
 */

/**
 * @param {Pick<RoomInfo, "stage" | "tracks" | "speakers">} info
 * @param {string} identity ours
 * @returns {GuestRow[]} in the order of the stage
 */
export function guestRows({ stage, tracks, speakers }, identity) {
  return stage.places.map((place, position) => {
    const theirs = tracks.filter(({ peer }) => peer === place.peer);
    return {
      identity: place.identity,
      name: place.name,
      role: place.role,
      state: place.state === "joining" ? "joining" : place.peer === null ? "away" : "on",
      own: place.identity === identity,
      host: place.role === "host",
      cohost: place.cohost,
      pinned: stage.pin === place.identity,
      screen: theirs.some(({ source }) => source === "screen"),
      microphone: deviceState(theirs.find(({ source }) => source === "microphone"), place.locked.audio),
      camera: deviceState(theirs.find(({ source }) => source === "camera"), place.locked.video),
      speaking: place.peer !== null && speakers.includes(place.peer),
      position,
    };
  });
}

/**
 * @param {{ muted: boolean } | undefined} track
 * @param {boolean} locked
 * @returns {DeviceState}
 */
function deviceState(track, locked) {
  if (locked) return "locked";
  if (!track) return "none";
  return track.muted ? "off" : "on";
}

/**
 * Why nobody else can come on, if so.
 * @param {StageInfo} stage
 * @returns {"locked" | "full" | null}
 */
export function closed({ locked, places }) {
  if (places.length >= STAGE_MAX) return "full";
  return locked ? "locked" : null;
}

/**
 * Whether invitations make sense now, and if not, why.
 * @param {{ joined: boolean, show: RoomInfo["state"], stage: StageInfo }} facts
 * @returns {"repairing" | "not_live" | "locked" | "full" | null}
 */
export function obstacle({ joined, show, stage }) {
  if (!joined) return "repairing";
  if (show !== "live" && show !== "away") return "not_live";
  return closed(stage);
}

/**
 * Where a row that is dragged would land.
 * @param {readonly number[]} middles of the rows, px from the top, in their order
 * @param {number} from its index
 * @param {number} y where the finger is, px
 * @returns {number} its new index
 */
export function landing(middles, from, y) {
  const others = middles.filter((_, index) => index !== from);
  return others.filter((middle) => middle < y).length;
}
