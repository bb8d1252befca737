/** What the live page and the landing's player should say: pure functions of what is known. */

/**
 * @typedef {import("../sdk/types.js").RoomInfo} RoomInfo
 * @typedef {import("../sdk/types.js").PeerInfo} PeerInfo
 * @typedef {import("../sdk/types.js").Place} Place
 * @typedef {import("./components/stage.js").Tile} Tile
 */

/**
 * A track that is being received: the part of the SDK's RemoteTrack that matters here.
 * @typedef {object} TrackHeard
 * @property {string} id
 * @property {string} peer
 * @property {string} source
 * @property {boolean} muted
 */

/**
 * @typedef {object} LiveInput
 * @property {boolean} tokenNeeded
 * @property {string | null} failure code of an error that ended the visit
 * @property {string} roomState LianmaiRoom.state
 * @property {RoomInfo | null} info
 * @property {readonly TrackHeard[]} tracks
 * @property {boolean} pictureSeen a frame of this show was drawn
 * @property {string | null} unplayable code of a track this browser cannot decode
 */

/**
 * @typedef {"token" | "failed" | "connecting" | "idle" | "ended" | "away" | "unplayable" | "silent" | "sound"
 *   | "waiting" | "playing"} Scene
 */

/**
 * The scene, and whether our own connection is being repaired on top of it.
 * @param {LiveInput} input
 * @returns {{ scene: Scene, repairing: boolean }}
 */
export function liveView(input) {
  const repairing = input.roomState === "reconnecting";
  return { scene: sceneOf(input), repairing };
}

/**
 * @param {LiveInput} input
 * @returns {Scene}
 */
function sceneOf({ tokenNeeded, failure, info, tracks, pictureSeen, unplayable }) {
  if (tokenNeeded) return "token";
  if (failure !== null) return "failed";
  if (info === null) return "connecting";
  if (info.state === "idle") return "idle";
  if (info.state === "ended") return "ended";
  if (info.state === "away" && !othersOn(info)) return "away";
  const shown = info.tracks.filter((track) => !isPrivate(info, track.peer));
  const pictures = shown.filter((track) => track.kind === "video" && !track.muted);
  if (pictures.length === 0) return shown.length === 0 ? "silent" : "sound";
  if (pictureSeen) return "playing";
  if (unplayable !== null && !tracks.some((track) => isPicture(track.source))) return "unplayable";
  return "waiting";
}

/**
 * Whether what this peer sends is of a call of ours, and nobody else's to see: its people are on the stage only with a
 * place there.
 * @param {RoomInfo} info
 * @param {string} peer
 */
export function isPrivate({ calls = [], stage }, peer) {
  const talks = calls.some(({ people, shopper }) => shopper.peer === peer || people.some((person) => person.peer === peer));
  return talks && !stage.places.some((place) => place.peer === peer);
}

/**
 * The person the room is about: a host with a picture, any host, a host whose place waits, anybody who publishes.
 * @param {RoomInfo} info
 * @returns {PeerInfo | null}
 */
export function leadPeer(info) {
  const publishing = new Set(info.tracks.map((track) => track.peer));
  const hosts = info.peers.filter((peer) => peer.role === "host");
  const waiting = info.stage.places.find(({ role }) => role === "host");
  return (
    hosts.find((peer) => publishing.has(peer.id)) ??
    hosts[0] ??
    (waiting && { id: waiting.peer ?? "", identity: waiting.identity, name: waiting.name, role: "host", connected: false }) ??
    info.peers.find((peer) => publishing.has(peer.id)) ??
    null
  );
}

/**
 * Whether somebody but the host is on: the show goes on for a while without the host.
 * @param {RoomInfo} info
 */
export function othersOn(info) {
  const sending = new Set(info.tracks.map((track) => track.peer));
  return info.stage.places.some(({ role, state, peer }) => role !== "host" && state === "on" && peer !== null && sending.has(peer));
}

/**
 * The words that tiles need.
 * @typedef {object} TileWords
 * @property {(name: string) => string} cameraOff for a person without a picture who is alone
 * @property {string} joining
 * @property {string} hostAway
 * @property {string} guestAway
 * @property {(role: string) => string} role beside the name; empty for most
 */

/** @type {TileWords} */
const WORDLESS = { cameraOff: () => "", joining: "", hostAway: "", guestAway: "", role: () => "" };

/**
 * What is on the stage: one tile for each person's camera and microphone, one for each screen, in the order of the
 * places. In a room without places everybody who sends has one, the lead first.
 * @param {RoomInfo} info
 * @param {readonly TrackHeard[]} tracks what is being received
 * @param {object} [options]
 * @param {TileWords} [options.words]
 * @param {string | null} [options.self] our identity
 * @param {boolean} [options.hideSelf] we are shown elsewhere
 * @param {(peer: string) => string} [options.identityOf] for peers who are not listed any more
 * @returns {Tile[]}
 */
export function tilesOf(info, tracks, { words = WORDLESS, self = null, hideSelf = false, identityOf = (id) => id } = {}) {
  const places = info.stage.places.length > 0 ? info.stage.places : impliedPlaces(info, tracks);
  /** @type {Tile[]} */
  const tiles = [];
  for (const place of places) {
    const own = place.identity === self;
    if (own && hideSelf) continue;
    const theirs = tracksOf(place, tracks, (peer) => identityIn(info, peer) ?? identityOf(peer));
    const { identity, name } = place;
    if (theirs.some((track) => track.source === "screen")) {
      tiles.push({ id: tileId(identity, "screen"), identity, name, kind: "screen", picture: true, micMuted: false, speaking: false });
    }
    const camera = theirs.find((track) => track.source === "camera");
    const microphone = theirs.find((track) => track.source === "microphone");
    const silent = !microphone || microphone.muted;
    const speaking = theirs.some((track) => info.speakers.includes(track.peer)) || info.speakers.includes(place.peer ?? "");
    tiles.push({
      id: tileId(identity, "camera"),
      identity,
      name,
      kind: "camera",
      picture: Boolean(camera && !camera.muted),
      absent: !camera,
      micMuted: silent,
      speaking: speaking && (own || !silent),
      note: words.cameraOff(name),
      role: words.role(place.role),
      status: statusOf(info, place, theirs, own, words),
      own,
    });
  }
  return tiles;
}

/**
 * @param {RoomInfo} info
 * @param {Place} place
 * @param {readonly TrackHeard[]} theirs
 * @param {boolean} own
 * @param {TileWords} words
 */
function statusOf(info, place, theirs, own, words) {
  if (own) return "";
  if (place.state === "joining") return words.joining;
  const dropped = info.peers.find(({ id }) => id === place.peer)?.connected === false && theirs.length === 0;
  const gone = place.peer === null || dropped || (theirs.length === 0 && info.state === "away" && place.role === "host");
  if (!gone) return "";
  return place.role === "host" ? words.hostAway : words.guestAway;
}

/**
 * One track of each source: after a reload the former ones may still be there for a moment.
 * @param {Place} place
 * @param {readonly TrackHeard[]} tracks
 * @param {(peer: string) => string} identityOf
 */
function tracksOf(place, tracks, identityOf) {
  const all = tracks.filter((track) => track.source !== "whisper" && identityOf(track.peer) === place.identity);
  const current = all.filter((track) => track.peer === place.peer);
  return [...current, ...all.filter((track) => !current.some(({ source }) => source === track.source))];
}

/**
 * @param {RoomInfo} info
 * @param {readonly TrackHeard[]} tracks
 * @returns {Place[]}
 */
function impliedPlaces(info, tracks) {
  const lead = leadPeer(info);
  return [...info.peers]
    .sort((a, b) => Number(b.id === lead?.id) - Number(a.id === lead?.id))
    .filter((peer) => !isPrivate(info, peer.id))
    .filter((peer) => tracks.some((track) => track.peer === peer.id && track.source !== "whisper"))
    .map(({ id, identity, name, role }) => ({
      identity, peer: id, name, role, state: "on", cohost: false, locked: { audio: false, video: false },
    }));
}

/**
 * @param {RoomInfo} info
 * @param {string} peer
 * @returns {string | undefined}
 */
export function identityIn(info, peer) {
  return info.stage.places.find((place) => place.peer === peer)?.identity ?? info.peers.find(({ id }) => id === peer)?.identity;
}

/**
 * The same for the same person after a reload, when the peer is another one.
 * @param {string} identity
 * @param {string} source of a track
 * @returns {string} the tile that plays it
 */
export function tileId(identity, source) {
  return `${identity}:${source === "screen" || source === "screen_audio" ? "screen" : "camera"}`;
}

/** @param {string} source */
function isPicture(source) {
  return source === "camera" || source === "screen";
}
