// A shopper or an agent in a room with a call, without a server: what the tests of HelpLine stand on.
import { aCall, person } from "./calls.mjs";
import { FakeBrowser, FakeTrack, joinWith, settle, welcome } from "./fakes.mjs";
import { HelpLine } from "../../web/sdk/help.js";
import { LianmaiRoom } from "../../web/sdk/lianmai.js";

export const stageOf = (...places) => ({ places, layout: "side_by_side", pin: null, locked: false, hands_open: false });
export const place = (identity) => ({
  identity, peer: "p1", name: identity, role: "shopper", state: "on", cohost: false, locked: { audio: false, video: false },
});
export const ringing = (more = {}) => aCall({ state: "ringing", people: [person("shopper", "sam"), person("agent", "ann", { mode: "ring" })], ...more });
export const active = (more = {}) => aCall({ state: "active", people: [person("shopper", "sam"), person("agent", "ann")], ...more });

let ids = 0;

/** A room with a HelpLine, as seen by somebody. */
export async function line({ as = "sam", room = {}, options = {}, subscribe = "auto", env = {} } = {}) {
  const browser = new FakeBrowser();
  const lianmai = new LianmaiRoom({ url: "ws://x:1/ws", token: "T", subscribe, env: { ...browser.env, ...env } });
  const help = new HelpLine(lianmai, options);
  const covers = [];
  // A camera cannot be blurred without a browser: it is the order that counts.
  lianmai.seam.coverWith((source) => {
    const cover = { track: new FakeTrack("video", `blurred-${source.id}`), sources: [source], closed: false };
    cover.ready = new Promise((resolve, reject) => Object.assign(cover, { show: resolve, fail: reject }));
    cover.ready.catch(() => {});
    covers.push(Object.assign(cover, { setSource: (next) => cover.sources.push(next), close: () => (cover.closed = true) }));
    return cover;
  });
  const self = { identity: as, name: as, role: as === "sam" ? "shopper" : "agent", grants: { call: true } };
  const joining = lianmai.join();
  await joinWith(browser, { room: { ...welcome().room, ...room }, self });
  await joining;
  let seq = 0;
  const push = (event) => browser.socket.push({ seq: ++seq, ...event });
  const tell = (call) => push({ type: "call", call });
  const last = (type) => browser.socket.last(type);
  const reply = (type, fields) => browser.socket.reply(last(type), fields);
  return { browser, room: lianmai, help, push, tell, last, reply, covers, self };
}

/** Publish, and have it accepted as the server does: held as long as the call is. */
export async function publish(scene, source, { held = true, said = held } = {}) {
  const kind = source === "camera" || source === "screen" ? "video" : "audio";
  const publishing = scene.room.publish(new FakeTrack(kind), { source, held });
  await settle();
  const request = scene.last("publish");
  const tracks = request.tracks.map((track) => ({ ...track, id: `t${++ids}`, held: said }));
  scene.reply("publish", { transport: "x1", sdp: "answer", tracks, rejected: [] });
  return publishing;
}

export const publisher = ({ browser }) => browser.peers.find((peer) => peer.offers > 0);
export const sent = (scene) => publisher(scene).transceivers.map(({ sender }) => sender.track);
