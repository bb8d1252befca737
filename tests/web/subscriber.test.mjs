import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeBrowser, codeOf, joinWith, record, settle, welcome } from "./fakes.mjs";
import { LianmaiRoom } from "../../web/sdk/lianmai.js";

const CAMERA = { id: "t1", peer: "h", kind: "video", source: "camera", muted: false, codec: "VP8", flowing: true };
const SOUND = { id: "t2", peer: "h", kind: "audio", source: "microphone", muted: false, codec: "opus", flowing: true };

function offer(version, tracks, transport = "x1") {
  const kinds = { t1: "video", t2: "audio", t3: "video" };
  return {
    transport,
    version,
    sdp: Object.entries(tracks).map(([mid, track]) => `${mid}:${kinds[track]}`).join(" ") || "empty",
    tracks: Object.entries(tracks).map(([mid, track]) => ({ mid, track })),
  };
}

const LIVE = { room: { ...welcome().room, tracks: [CAMERA, SOUND] } };

async function viewer(more = { ...LIVE, offer: offer(1, { 0: "t1", 1: "t2" }) }, options = {}) {
  const browser = new FakeBrowser();
  const room = new LianmaiRoom({ url: "ws://x/ws", token: "T", env: browser.env, ...options });
  const tracks = record(room, "track", "trackremoved", "trackupdated");
  const joining = room.join();
  joining.catch(() => {});
  await joinWith(browser, more);
  return { browser, room, joining, tracks };
}

const names = (tracks) => tracks.map(({ type, track }) => `${type} ${track.id}`);

test("the peer connection is made while the socket opens", async () => {
  const browser = new FakeBrowser();
  const room = new LianmaiRoom({ url: "ws://x/ws", token: "T", env: browser.env });
  void room.join().catch(() => {});
  assert.equal(browser.peers.length, 1);
  assert.equal(browser.sockets.length, 1);
  await room.leave();
  assert.equal(browser.peer.closed, true);
});

test("the offer in the join reply is answered at once, and its tracks are there", async () => {
  const { browser, room, tracks } = await viewer();
  const answer = browser.socket.last("answer");
  assert.deepEqual({ ...answer, id: 0 }, {
    type: "answer", id: 0, transport: "x1", version: 1, sdp: "answer to 0:video 1:audio",
  });
  assert.deepEqual(names(tracks), ["track t1", "track t2"]);
  assert.equal(room.tracks.get("t1").mediaStreamTrack, browser.peer.transceivers[0].receiver.track);
  assert.equal(room.tracks.get("t2").source, "microphone");
  assert.deepEqual(browser.peer.log, [
    "setRemoteDescription offer", "createAnswer", "setLocalDescription answer",
  ]);
});

test("an offer that comes later does the same, whichever of news and media is first", async () => {
  const { browser, tracks } = await viewer({});
  browser.socket.push({ type: "offer", seq: 1, ...offer(1, { 0: "t1" }) });
  await settle();
  assert.equal(tracks.length, 0);
  browser.socket.push({ type: "track_published", seq: 2, track: CAMERA });
  assert.deepEqual(names(tracks), ["track t1"]);
});

test("offers are answered one after the other; of those that wait only the newest", async () => {
  const { browser } = await viewer();
  for (const version of [2, 3, 4]) {
    browser.socket.push({ type: "offer", seq: version - 1, ...offer(version, { 0: "t1", 1: "t2" }) });
  }
  await settle();
  assert.deepEqual(browser.socket.requests("answer").map(({ version }) => version), [1, 2, 4]);
  const order = browser.peer.log.filter((entry) => entry.startsWith("set"));
  order.forEach((entry, index) => assert.match(entry, index % 2 === 0 ? /Remote/ : /Local/));
});

test("a track that ends goes at once, and one that an offer no longer has too", async () => {
  const { browser, room, tracks } = await viewer();
  tracks.length = 0;
  browser.socket.push({ type: "track_unpublished", seq: 1, track: "t1", peer: "h" });
  assert.deepEqual(names(tracks), ["trackremoved t1"]);
  browser.socket.push({ type: "offer", seq: 2, ...offer(2, { 0: "t1" }) });
  await settle();
  assert.deepEqual(names(tracks), ["trackremoved t1", "trackremoved t2"]);
  assert.equal(room.tracks.size, 0);
});

test("mute and flow are told on the track and by the room", async () => {
  const { browser, room, tracks } = await viewer();
  const own = record(room.tracks.get("t2"), "update");
  tracks.length = 0;
  browser.socket.push({ type: "track_updated", seq: 1, track: { ...SOUND, muted: true } });
  assert.deepEqual(names(tracks), ["trackupdated t2"]);
  assert.equal(own.length, 1);
  assert.equal(room.tracks.get("t2").muted, true);
  browser.socket.push({ type: "track_updated", seq: 2, track: { ...SOUND, muted: true, codec: "red" } });
  assert.equal(own.length, 1);
});

test("after a resume an answer without a receipt is sent again, an answered offer is not", async () => {
  const { browser } = await viewer();
  browser.socket.cut();
  await browser.time.pass(200);
  await joinWith(browser, { resumed: true, room: undefined });
  const again = browser.socket.last("answer");
  assert.equal(again.version, 1);
  browser.socket.reply(again, { rejected: [] });
  await settle();
  browser.socket.push({ type: "offer", seq: 9, ...offer(1, { 0: "t1", 1: "t2" }) });
  await settle();
  assert.equal(browser.socket.requests("answer").length, 1);
  assert.equal(browser.peer.log.filter((entry) => entry.startsWith("setRemote")).length, 1);
});

test("a stale answer is nothing to worry about", async () => {
  const { browser, room } = await viewer();
  const errors = record(room, "error");
  browser.socket.refuse(browser.socket.last("answer"), "stale_answer");
  await browser.time.pass(5_000);
  assert.equal(errors.length, 0);
  assert.equal(browser.peers.length, 1);
});

test("what the server could not send is told with its reason", async () => {
  const { browser, room } = await viewer();
  const seen = record(room, "trackunavailable");
  browser.socket.reply(browser.socket.last("answer"), { rejected: [{ track: "t1", code: "codec_unsupported", message: "w" }] });
  await settle();
  browser.socket.push({ type: "track_unavailable", seq: 1, track: "t2", code: "codec_unsupported", message: "w" });
  assert.deepEqual(seen.map(({ track, code }) => [track, code]), [["t1", "codec_unsupported"], ["t2", "codec_unsupported"]]);
});

test("an offer that the browser cannot take: start over on a new transport", async () => {
  const { browser, room } = await viewer({});
  const errors = record(room, "error");
  browser.peer.failNext = "setRemoteDescription";
  browser.socket.push({ type: "offer", seq: 1, ...offer(1, { 0: "t1" }) });
  await browser.time.pass(300);
  assert.equal(errors[0].code, "media_failed");
  assert.equal(browser.peers.length, 2);
  const { tracks, anew } = browser.socket.last("subscribe");
  assert.deepEqual([tracks, anew], ["auto", true]);
});

test("lost media: subscribe again; tracks that live on keep their objects and get new media", async () => {
  const { browser, room, tracks } = await viewer();
  const known = room.tracks.get("t1");
  const former = known.mediaStreamTrack;
  const renewed = record(known, "media");
  tracks.length = 0;
  browser.socket.push({ type: "transport_state", seq: 1, transport: "x1", state: "failed", reason: "expired" });
  await settle();
  assert.equal(browser.peers.length, 2);
  assert.equal(browser.peers[0].closed, true);
  assert.equal(room.tracks.get("t1"), known, "the last picture stays on screen meanwhile");
  browser.socket.reply(browser.socket.last("subscribe"), { transport: "x2" });
  browser.socket.push({ type: "offer", seq: 2, ...offer(0, { 0: "t1", 1: "t2" }, "x2") });
  await settle();
  assert.deepEqual([browser.socket.last("answer").transport, browser.socket.last("answer").version], ["x2", 0]);
  assert.equal(room.tracks.get("t1"), known);
  assert.notEqual(known.mediaStreamTrack, former);
  assert.equal(renewed.length, 1);
  assert.deepEqual(names(tracks), ["track t1", "track t2"]);
});

test("an unasked offer for another transport is taken as well", async () => {
  const { browser } = await viewer();
  browser.socket.push({ type: "offer", seq: 1, ...offer(1, { 0: "t1" }, "x2") });
  await settle();
  assert.equal(browser.peers.length, 2);
  assert.equal(browser.peers[0].closed, true);
  assert.equal(browser.socket.last("answer").transport, "x2");
});

test("a worker restart: both come back, and retries wait as long as the server says", async () => {
  const { browser, room } = await viewer();
  browser.socket.push({ type: "transport_lost", seq: 1, reason: "worker_restarted" });
  browser.socket.push({ type: "track_unpublished", seq: 2, track: "t1", peer: "h" });
  await settle();
  browser.socket.refuse(browser.socket.last("subscribe"), "worker_unavailable", { retry_after_s: 1 });
  await browser.time.pass(1_300);
  assert.equal(browser.socket.requests("subscribe").length, 2);
  browser.socket.push({ type: "track_published", seq: 3, track: { ...CAMERA, id: "t3" } });
  browser.socket.push({ type: "offer", seq: 4, ...offer(1, { 0: "t3" }, "x2") });
  await settle();
  assert.deepEqual([...room.tracks.keys()], ["t3"]);
});

test("the answer to an offer whose transport is gone does not disturb its successor", async () => {
  const { browser } = await viewer();
  const old = browser.socket.last("answer");
  browser.socket.push({ type: "transport_lost", seq: 1, reason: "router_failed" });
  browser.socket.refuse(old, "transport_not_found");
  await browser.time.pass(5_000);
  assert.equal(browser.socket.requests("subscribe").length, 1);
});

test("2 s of disconnected ask the server for an ICE restart; its offer is answered on the same peer", async () => {
  const { browser } = await viewer();
  browser.peer.become("connected");
  browser.peer.become("disconnected");
  await browser.time.pass(2_000);
  const request = browser.socket.last("restart_ice");
  assert.deepEqual({ ...request, id: 0 }, { type: "restart_ice", id: 0, transport: "x1" });
  browser.socket.reply(request);
  browser.socket.push({ type: "offer", seq: 1, ...offer(2, { 0: "t1", 1: "t2" }) });
  await settle();
  assert.equal(browser.socket.last("answer").version, 2);
  assert.equal(browser.peers.length, 1);
});

test("a restart of a transport that the server has forgotten builds a new one", async () => {
  const { browser } = await viewer();
  browser.peer.become("connected");
  browser.page("online");
  await settle();
  browser.socket.refuse(browser.socket.last("restart_ice"), "transport_not_found");
  await browser.time.pass(300);
  assert.equal(browser.socket.requests("subscribe").length, 1);
});

test("as a new Peer the old transport is forgotten and the offer in the reply is answered", async () => {
  const { browser, room } = await viewer();
  browser.socket.cut();
  await browser.time.pass(200);
  await joinWith(browser, { ...LIVE, peer: "p2", resumed: false, offer: offer(1, { 0: "t1" }, "x9") });
  assert.equal(browser.peers.length, 2);
  assert.equal(browser.socket.last("answer").transport, "x9");
  assert.deepEqual([...room.tracks.keys()], ["t1"]);
});

test("without a subscription nothing is built until something is wanted", async () => {
  const { browser, room } = await viewer({}, { subscribe: "none" });
  assert.equal(browser.socket.last("join").subscribe, "none");
  assert.equal(browser.peers.length, 0);
  const wanting = room.subscribe(["t1"]);
  await settle();
  assert.equal(browser.peers.length, 1);
  browser.socket.reply(browser.socket.last("subscribe"));
  await wanting;
  browser.socket.push({ type: "transport_lost", seq: 1, reason: "x" });
  await settle();
  assert.deepEqual(browser.socket.last("subscribe").tracks, ["t1"]);
});

test("unsubscribing ends auto: a new transport carries the rest only", async () => {
  const { browser, room } = await viewer();
  const leaving = room.unsubscribe(["t1"]);
  await settle();
  browser.socket.reply(browser.socket.last("unsubscribe"));
  await leaving;
  browser.socket.push({ type: "transport_lost", seq: 1, reason: "x" });
  await settle();
  assert.deepEqual(browser.socket.last("subscribe").tracks, ["t2"]);
});

test("leaving in the middle of a negotiation leaves nothing behind", async () => {
  const { browser, room } = await viewer({});
  browser.socket.push({ type: "offer", seq: 1, ...offer(1, { 0: "t1" }) });
  await room.leave();
  await settle();
  assert.equal(browser.peer.closed, true);
  assert.equal(browser.socket.requests("answer").length, 0);
  assert.equal(browser.time.pending, 0);
  assert.equal(await codeOf(room.join()), "closed");
});
