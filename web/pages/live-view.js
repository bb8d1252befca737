/** What the live page and the landing's player should say: pure functions of what is known. */

/**
 * @typedef {import("../sdk/types.js").RoomInfo} RoomInfo
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
  if (info.state === "away") return "away";
  const pictures = info.tracks.filter((track) => track.kind === "video" && !track.muted);
  if (pictures.length === 0) return info.tracks.length === 0 ? "silent" : "sound";
  if (pictureSeen) return "playing";
  if (unplayable !== null && !tracks.some((track) => isPicture(track.source))) return "unplayable";
  return "waiting";
}

/**
 * The person the room is about: a host with a picture, any host, anybody who publishes.
 * @param {RoomInfo} info
 */
export function leadPeer(info) {
  const publishing = new Set(info.tracks.map((track) => track.peer));
  const hosts = info.peers.filter((peer) => peer.role === "host");
  return hosts.find((peer) => publishing.has(peer.id)) ?? hosts[0] ?? info.peers.find((peer) => publishing.has(peer.id)) ?? null;
}

/**
 * One tile for each person's camera and microphone, one for each screen; the lead first.
 * @param {RoomInfo} info
 * @param {readonly TrackHeard[]} tracks what is being received
 * @param {(name: string) => string} [noteFor] words for a person without a picture
 * @returns {Tile[]}
 */
export function tilesOf(info, tracks, noteFor = () => "") {
  const lead = leadPeer(info);
  const peers = [...info.peers].sort((a, b) => Number(b.id === lead?.id) - Number(a.id === lead?.id));
  /** @type {Tile[]} */
  const tiles = [];
  for (const peer of peers) {
    const own = tracks.filter((track) => track.peer === peer.id);
    const camera = own.find((track) => track.source === "camera");
    const microphone = own.find((track) => track.source === "microphone");
    if (own.some((track) => track.source === "screen")) {
      tiles.push({
        id: tileId(peer.id, "screen"),
        name: peer.name,
        kind: "screen",
        picture: true,
        micMuted: false,
        speaking: false,
      });
    }
    if (!camera && !microphone) continue;
    tiles.push({
      id: tileId(peer.id, "camera"),
      name: peer.name,
      kind: "camera",
      picture: Boolean(camera && !camera.muted),
      micMuted: !microphone || microphone.muted,
      speaking: info.speakers.includes(peer.id) && Boolean(microphone && !microphone.muted),
      note: noteFor(peer.name),
    });
  }
  return tiles;
}

/**
 * @param {string} peer
 * @param {string} source of a track
 * @returns {string} the tile that plays it
 */
export function tileId(peer, source) {
  return `${peer}:${source === "screen" || source === "screen_audio" ? "screen" : "camera"}`;
}

/** @param {string} source */
function isPicture(source) {
  return source === "camera" || source === "screen";
}
