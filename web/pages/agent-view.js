/** What the agent console is doing: pure functions of what the desk, the room and the devices say. */

/**
 * @typedef {import("../sdk/types.js").Invite} Invite
 * @typedef {import("../sdk/types.js").DeskMe} Me
 * @typedef {import("../sdk/types.js").DeskRoom} DeskRoom
 * @typedef {import("../sdk/types.js").StageInfo} StageInfo
 * @typedef {import("../sdk/types.js").Place} Place
 * @typedef {"ring" | "watch" | "offer" | "asking" | "back" | "air"} Mode what the console does in a room
 * @typedef {"token" | "failed" | "connecting" | "idle" | Mode | "call_ring" | "call" | "wrap"} Scene call: one-to-one help
 */

/**
 * @typedef {object} ConsoleFacts
 * @property {boolean} tokenNeeded
 * @property {string | null} failure code of an error that ended the desk
 * @property {boolean} seated the desk answered once
 * @property {string} deskState LianmaiDesk.state
 * @property {Mode | null} mode null: in no room
 * @property {string} roomState LianmaiRoom.state; "idle" when in no room
 * @property {"ring" | "talk" | "wrap" | null} [duty] what a help call wants from us
 */

/**
 * The scene, and which connection is being repaired on top of it.
 * @param {ConsoleFacts} facts
 * @returns {{ scene: Scene, repairing: "room" | "desk" | null }}
 */
export function consoleView({ tokenNeeded, failure, seated, deskState, mode, roomState, duty = null }) {
  const repairing = mode !== null && roomState === "reconnecting" ? "room" : deskState === "reconnecting" ? "desk" : null;
  // Whoever is seen by viewers must not lose the controls because the desk is gone.
  if (mode === "air" || mode === "back") return { scene: mode, repairing };
  // Nor whoever a shopper talks to. A lost connection of the call is told by the call.
  if (duty === "talk") return { scene: "call", repairing: deskState === "reconnecting" ? "desk" : null };
  if (tokenNeeded) return { scene: "token", repairing: null };
  if (failure !== null) return { scene: "failed", repairing: null };
  if (duty !== null) return { scene: duty === "ring" ? "call_ring" : "wrap", repairing };
  if (mode !== null) return { scene: mode, repairing };
  return { scene: seated ? "idle" : "connecting", repairing: seated ? repairing : null };
}

/**
 * The invite that rings here now: the oldest one.
 * @param {readonly Invite[]} invites as the desk has them
 * @param {string} identity ours
 * @returns {Invite | null}
 */
export function ringOf(invites, identity) {
  const ringing = invites.filter((invite) => ringsFor(invite, identity));
  return ringing.sort((a, b) => a.created - b.created)[0] ?? null;
}

/**
 * @param {Invite} invite
 * @param {string} identity
 */
export function ringsFor(invite, identity) {
  return invite.state === "pending" && invite.direction === "invite" && invite.to?.identity === identity;
}

/** @typedef {"answered" | "declined" | "cancelled" | "moved" | "expired" | "failed"} RingEnd */

/**
 * Why a ring that was ours rings no longer.
 * @param {Invite} invite as it is now
 * @param {string} identity ours
 * @returns {RingEnd | null} null: it still rings, or was accepted by us
 */
export function ringEnd(invite, identity) {
  if (ringsFor(invite, identity)) return null;
  const ours = invite.to?.identity === identity;
  switch (invite.state) {
    case "accepted":
      return ours ? null : "answered";
    case "pending":
      return "moved";
    default:
      return invite.state;
  }
}

/**
 * A ring that ended without our answer is told afterwards.
 * @param {RingEnd} end
 */
export function wasMissed(end) {
  return end === "moved" || end === "expired" || end === "cancelled";
}

/**
 * @param {number | null} until ms on the server's clock
 * @param {number} now ms on ours
 * @param {number} offset add to ours to get the server's
 * @returns {number | null}
 */
export function remaining(until, now, offset) {
  return until === null ? null : Math.max(0, until - (now + offset));
}

/**
 * @param {StageInfo | null | undefined} stage
 * @param {string | undefined} identity
 * @returns {Place | null}
 */
export function placeOf(stage, identity) {
  return stage?.places.find((place) => place.identity === identity) ?? null;
}

/** @typedef {"muted_audio" | "muted_video" | "muted_both" | "cohost" | "cohost_off"} PlaceNews */

/**
 * What the host changed about our place.
 * @param {Place | null} before
 * @param {Place | null} after
 * @returns {PlaceNews[]}
 */
export function placeNews(before, after) {
  /** @type {PlaceNews[]} */
  const news = [];
  if (!before || !after) return news;
  const audio = !before.locked.audio && after.locked.audio;
  const video = !before.locked.video && after.locked.video;
  if (audio || video) news.push(audio && video ? "muted_both" : audio ? "muted_audio" : "muted_video");
  if (before.cohost !== after.cohost) news.push(after.cohost ? "cohost" : "cohost_off");
  return news;
}

/**
 * Live before away, then the fullest.
 * @param {readonly DeskRoom[]} rooms
 * @returns {DeskRoom[]}
 */
export function sortRooms(rooms) {
  return [...rooms].sort(
    (a, b) => Number(a.state !== "live") - Number(b.state !== "live") || b.viewers - a.viewers || (a.name < b.name ? -1 : 1),
  );
}

/**
 * The next camera in the list: front and rear on a phone, the other one on a desk.
 * @param {readonly { id: string }[]} cameras
 * @param {string} current
 * @returns {string | null} null when there is only one
 */
export function nextCamera(cameras, current) {
  const ids = [...new Set(cameras.map(({ id }) => id).filter(Boolean))];
  if (ids.length < 2) return null;
  return ids[(ids.indexOf(current) + 1) % ids.length] ?? null;
}

/**
 * The newest urgent word that still has to be seen: not ours, not confirmed by us, and either said while we were here or
 * confirmed by nobody at all.
 * @template {{ id: string, urgent: boolean, at: number, from: { identity: string }, acked: readonly { identity: string }[] }} M
 * @param {readonly M[]} messages
 * @param {string} identity ours
 * @param {number} since when we came, ms on the server's clock
 * @returns {M | null}
 */
export function urgentOf(messages, identity, since) {
  const open = messages.filter(
    ({ urgent, at, from, acked }) =>
      urgent &&
      from.identity !== identity &&
      !acked.some((person) => person.identity === identity) &&
      (at >= since || acked.length === 0),
  );
  return open.at(-1) ?? null;
}
