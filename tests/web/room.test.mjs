import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeBrowser, codeOf, joinWith, record, settle, welcome } from "./fakes.mjs";
import { LianmaiRoom } from "../../web/sdk/lianmai.js";

function make(options = {}) {
  const browser = new FakeBrowser();
  const room = new LianmaiRoom({ url: "ws://x/ws", token: "T", env: browser.env, ...options });
  return { browser, room };
}

async function joined(more = {}, options = {}) {
  const { browser, room } = make(options);
  const joining = room.join();
  await joinWith(browser, more);
  await joining;
  return { browser, room };
}

test("before the join there is an empty room and nobody", () => {
  const { room } = make();
  assert.equal(room.state, "idle");
  assert.equal(room.self, null);
  assert.equal(room.info.peers.length, 0);
});

test("the join says what this browser is and wants", async () => {
  const { browser, room } = await joined({}, { locale: "zh-Hans-CN", room: "shop", client: "c".repeat(300) });
  const join = browser.socket.last("join");
  assert.equal(join.locale, "zh-CN");
  assert.equal(join.subscribe, "auto");
  assert.equal(join.room, "shop");
  assert.equal(join.client.length, 200);
  assert.deepEqual(join.codecs, ["audio/opus", "video/VP8"]);
  assert.deepEqual(room.self, { peer: "p1", identity: "me", name: "Me", role: "viewer", grants: {} });
  assert.equal(room.info.title, "R");
});

test("joining twice is joining once", async () => {
  const { browser, room } = make();
  const both = [room.join(), room.join()];
  await joinWith(browser);
  await Promise.all(both);
  assert.equal(browser.sockets.length, 1);
});

test("a refused join rejects with the reason, and says no farewell", async () => {
  const { browser, room } = make();
  const seen = record(room, "bye", "state");
  const outcome = codeOf(room.join());
  await settle();
  browser.socket.accept();
  await settle();
  browser.socket.refuse(browser.socket.last("join"), "room_full");
  assert.equal(await outcome, "room_full");
  assert.deepEqual(seen.map(({ type, state }) => state ?? type), ["connecting", "closed"]);
  assert.equal(browser.peer.closed, true);
  assert.equal(browser.listeners, 0);
});

test("events change info, and say which part", async () => {
  const { browser, room } = await joined();
  const seen = record(room, "room", "viewers", "speakers");
  browser.socket.push({ type: "viewers", seq: 1, count: 7 });
  browser.socket.push({ type: "viewers", seq: 2, count: 7 });
  browser.socket.push({ type: "speakers", seq: 3, peers: ["p1"] });
  browser.socket.push({ type: "room_state", seq: 4, state: "ended", since: 9 });
  assert.deepEqual(seen.map(({ type }) => type), ["room", "viewers", "room", "speakers", "room"]);
  assert.equal(room.info.viewers, 7);
  assert.equal(seen[0].previous.viewers, 1);
  assert.equal(room.info.state, "ended");
});

test("own uplink and grants are passed on", async () => {
  const { browser, room } = await joined();
  const seen = record(room, "uplink", "grants");
  browser.socket.push({ type: "uplink", seq: 1, quality: 2, reason: "loss", bitrate_bps: 5, loss: 0.1, rtt_ms: 9 });
  browser.socket.push({ type: "grants", seq: 2, grants: { manage: true } });
  assert.equal(seen[0].quality, 2);
  assert.deepEqual(room.self.grants, { manage: true });
});

test("a farewell is said once, with its reason, and everything is released", async () => {
  const { browser, room } = await joined();
  const seen = record(room, "bye", "state", "error");
  browser.socket.push({ type: "bye", seq: 1, code: "identity_replaced", message: "words" });
  assert.deepEqual(seen.map(({ type, code, state }) => `${type} ${code ?? state}`), [
    "bye identity_replaced", "state closed",
  ]);
  await settle();
  assert.equal(browser.time.pending, 0);
});

test("a refusal when coming back is a farewell too", async () => {
  const { browser, room } = await joined();
  const seen = record(room, "bye");
  browser.socket.cut();
  await browser.time.pass(200);
  browser.socket.accept();
  await settle();
  browser.socket.refuse(browser.socket.last("join"), "room_ended");
  await settle();
  assert.deepEqual(seen.map(({ code }) => code), ["room_ended"]);
});

test("a restart of the server is not a farewell", async () => {
  const { browser, room } = await joined();
  const seen = record(room, "bye", "error");
  browser.socket.push({ type: "bye", seq: 1, code: "server_restart", message: "soon" });
  assert.deepEqual(seen.map(({ type }) => type), ["error"]);
  assert.equal(room.state, "reconnecting");
});

test("a page that comes to the front looks after its connection; one that goes back does not", async () => {
  const { browser } = await joined();
  browser.page("hidden");
  browser.page("offline");
  assert.equal(browser.socket.requests("ping").length, 0);
  browser.page("visible");
  assert.equal(browser.socket.requests("ping").length, 1);
});

test("the network returns: the next try is now", async () => {
  const { browser } = await joined();
  browser.socket.cut();
  for (let i = 0; i < 5; i++) {
    await browser.time.pass(10_000);
    browser.socket.cut();
  }
  const count = browser.sockets.length;
  browser.page("online");
  assert.equal(browser.sockets.length, count + 1);
});

test("host's and manager's requests carry what they must", async () => {
  const { browser, room } = await joined();
  const all = [room.startShow(), room.endShow(), room.removePeer("p9", "rude"), room.requestKeyframe("t1")];
  await settle();
  assert.equal(browser.socket.last("remove_peer").reason, "rude");
  assert.equal(browser.socket.last("keyframe").track, "t1");
  for (const type of ["start_show", "end_show", "remove_peer", "keyframe"]) browser.socket.reply(browser.socket.last(type));
  await Promise.all(all);
});

test("a resume answered with a room that lacks our tracks means that media was lost meanwhile", async () => {
  const { browser, room } = await joined();
  const { FakeTrack } = await import("./fakes.mjs");
  const publishing = room.publish(new FakeTrack("audio"), { source: "microphone" });
  await settle();
  const fields = { transport: "x1", sdp: "answer", tracks: [{ mid: "0", id: "t1", source: "microphone" }], rejected: [] };
  browser.socket.reply(browser.socket.last("publish"), fields);
  await publishing;
  browser.socket.cut();
  await browser.time.pass(200);
  await joinWith(browser, { resumed: true, seq: 900, room: welcome().room });
  await settle();
  assert.ok(browser.socket.last("publish"));
});

test("reports and downlink quality come from the browser's statistics", async () => {
  const track = { id: "t1", peer: "h", kind: "video", source: "camera", muted: false, codec: "VP8", flowing: true };
  const offer = { transport: "x", version: 1, sdp: "0:video", tracks: [{ mid: "0", track: "t1" }] };
  const { browser, room } = await joined({ room: { ...welcome().room, tracks: [track] }, offer });
  const seen = record(room, "downlink");
  let seq = 0;
  const media = room.tracks.get("t1").mediaStreamTrack.id;
  const stats = (packets, lost, freezes) => [
    {
      type: "inbound-rtp", kind: "video", trackIdentifier: media, packetsReceived: packets, packetsLost: lost,
      bytesReceived: packets * 1000, jitter: 0.004, freezeCount: freezes, totalFreezesDuration: freezes * 0.2,
      framesDecoded: packets / 10, totalDecodeTime: packets / 10_000, framesPerSecond: 30, frameWidth: 640, frameHeight: 360,
    },
    { type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.02 },
  ];
  browser.peer.stats = stats(1000, 0, 0);
  await browser.time.pass(2_500);
  browser.peer.stats = stats(2000, 0, 0);
  await browser.time.pass(2_500);
  assert.deepEqual(seen.map(({ quality, reason, rttMs, bitrateBps }) => [quality, reason, rttMs, bitrateBps]), [
    [3, "good", 20, 3_200_000],
  ]);
  assert.deepEqual(browser.socket.last("report").tracks, [
    { track: "t1", freezes: 0, freeze_ms: 0, fps: 30, width: 640, height: 360, jitter_ms: 4, decode_ms: 1 },
  ]);
  browser.peer.stats = stats(3000, 200, 2);
  await browser.time.pass(2_500);
  await browser.time.pass(2_500);
  assert.equal(seen[1].reason, "loss");
  const [line] = browser.socket.last("report").tracks;
  assert.deepEqual([line.freezes, line.freeze_ms], [2, 400]);
  // What a mute or a page in the background does to the counters is nobody's freeze.
  for (const [event, page] of [[{ muted: true }, true], [{ muted: false }, false], [{ muted: false }, true]]) {
    browser.socket.push({ type: "track_updated", seq: ++seq, track: { ...track, ...event } });
    browser.shown = page;
    browser.peer.stats = stats(4000 + seq, 200, 2 + seq);
    await browser.time.pass(2_500);
    for (const ping of browser.socket.requests("ping")) browser.socket.reply(ping);
  }
  browser.peer.stats = stats(5000, 200, 2 + seq);
  await browser.time.pass(2_500);
  assert.ok(browser.socket.requests("report").length > 2);
  for (const { tracks } of browser.socket.requests("report").slice(2)) assert.equal(tracks[0].freezes, 0);
  assert.ok(seen.every(({ reason }) => reason !== "freeze"));
  await room.leave();
  await settle();
  assert.equal(browser.time.pending, 0);
});
