import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeBrowser, FakeTrack, codeOf, joinWith, record, settle } from "./fakes.mjs";
import { LianmaiRoom } from "../../web/sdk/lianmai.js";

async function host({ join = true } = {}) {
  const browser = new FakeBrowser();
  const room = new LianmaiRoom({ url: "ws://x/ws", token: "T", subscribe: "none", env: browser.env });
  const joining = room.join();
  joining.catch(() => {});
  if (join) await joinWith(browser);
  return { browser, room, joining };
}

let nextId = 0;

/** Answer a publish request as the server does: an id for every mid that has none yet. */
function accept(socket, request, { known = [], transport = "x1" } = {}) {
  const tracks = request.tracks
    .filter(({ mid }) => !known.includes(mid))
    .map(({ mid, source }) => ({ mid, source, id: `t${++nextId}` }));
  socket.reply(request, { transport, sdp: "answer", tracks, rejected: [] });
  return tracks;
}

/** Publish a camera and a microphone. */
async function onAir() {
  const { browser, room } = await host();
  const publishing = Promise.all([
    room.publish(new FakeTrack("video"), { source: "camera", maxBitrate: 1_000_000 }),
    room.publish(new FakeTrack("audio"), { source: "microphone" }),
  ]);
  await settle();
  accept(browser.socket, browser.socket.last("publish"));
  const [camera, microphone] = await publishing;
  browser.peer.become("connected");
  return { browser, room, camera, microphone };
}

test("tracks published together share one offer, and nothing waits for ICE gathering", async () => {
  const { browser, camera, microphone } = await onAir();
  const requests = browser.socket.requests("publish");
  assert.equal(requests.length, 1);
  assert.deepEqual(requests[0].tracks, [
    { mid: "0", source: "camera", muted: false },
    { mid: "1", source: "microphone", muted: false },
  ]);
  assert.equal("transport" in requests[0], false);
  assert.deepEqual(browser.peer.transceivers.map(({ direction }) => direction), ["sendonly", "sendonly"]);
  assert.equal(browser.peer.transceivers[0].sender.parameters.encodings[0].maxBitrate, 1_000_000);
  assert.deepEqual(browser.peer.config.iceServers, []);
  assert.notEqual(camera.id, microphone.id);
});

test("a publish before the join makes its offer meanwhile and sends it once inside", async () => {
  const { browser, room } = await host({ join: false });
  const publishing = room.publish(new FakeTrack("video"), { source: "camera" });
  await settle();
  assert.ok(browser.peer.log.includes("setLocalDescription offer"));
  const second = room.publish(new FakeTrack("audio"), { source: "microphone" });
  await joinWith(browser);
  const requests = browser.socket.requests("publish");
  assert.equal(requests.length, 1);
  assert.equal(requests[0].tracks.length, 2);
  assert.equal(requests[0].sdp, browser.peer.localDescription.sdp);
  accept(browser.socket, requests[0]);
  await Promise.all([publishing, second]);
});

test("offers are made one after the other, and later ones name the transport", async () => {
  const { browser, room } = await host();
  const first = room.publish(new FakeTrack("video"), { source: "camera" });
  await settle();
  const second = room.publish(new FakeTrack("video"), { source: "screen" });
  await settle();
  assert.equal(browser.socket.requests("publish").length, 1, "the answer is still out");
  accept(browser.socket, browser.socket.last("publish"));
  await first;
  await settle();
  const request = browser.socket.last("publish");
  assert.equal(request.transport, "x1");
  assert.deepEqual(request.tracks.map(({ source }) => source), ["camera", "screen"]);
  accept(browser.socket, request, { known: ["0"] });
  const screen = await second;
  assert.equal(screen.mediaStreamTrack.contentHint, "detail");
  assert.deepEqual(browser.peer.log.filter((entry) => entry.includes("Description")), [
    "setLocalDescription offer", "setRemoteDescription answer", "setLocalDescription offer", "setRemoteDescription answer",
  ]);
});

test("a refused offer rejects what was new and keeps what was there", async () => {
  const { browser, room, camera } = await onAir();
  const outcome = codeOf(room.publish(new FakeTrack("video"), { source: "screen" }));
  await settle();
  browser.socket.refuse(browser.socket.last("publish"), "forbidden");
  assert.equal(await outcome, "forbidden");
  await settle();
  assert.ok(browser.peer.log.includes("setLocalDescription rollback"));
  assert.equal(room.localTracks.size, 2);
  assert.equal(browser.peers.length, 1);
  assert.ok(camera.id);
});

test("a single rejected track is told apart from the accepted one", async () => {
  const { browser, room } = await host();
  const camera = room.publish(new FakeTrack("video"), { source: "camera" });
  const microphone = codeOf(room.publish(new FakeTrack("audio"), { source: "microphone" }));
  await settle();
  browser.socket.reply(browser.socket.last("publish"), {
    transport: "x1",
    sdp: "answer",
    tracks: [{ mid: "0", id: "t1", source: "camera" }],
    rejected: [{ mid: "1", code: "no_common_codec", message: "words" }],
  });
  assert.equal((await camera).id, "t1");
  assert.equal(await microphone, "no_common_codec");
  assert.equal(room.localTracks.size, 1);
});

test("mute is local first, told to the server, and stops a camera's packets", async () => {
  const { browser, camera, microphone } = await onAir();
  const muting = camera.mute(true);
  assert.equal(camera.mediaStreamTrack.enabled, false);
  await settle();
  assert.deepEqual({ ...browser.socket.last("mute"), id: 0 }, { type: "mute", id: 0, track: camera.id, muted: true });
  assert.equal(browser.peer.transceivers[0].sender.parameters.encodings[0].active, false);
  browser.socket.reply(browser.socket.last("mute"));
  await muting;
  const quiet = microphone.mute(true);
  await settle();
  assert.equal(browser.peer.transceivers[1].sender.parameters.encodings[0].active, true);
  browser.socket.reply(browser.socket.last("mute"));
  await quiet;
  await microphone.mute(true);
  assert.equal(browser.socket.requests("mute").length, 2, "the same again says nothing");
});

test("a mute while the offer is under way reaches the server after the answer", async () => {
  const { browser, room } = await host();
  const publishing = room.publish(new FakeTrack("audio"), { source: "microphone" });
  await settle();
  const [local] = room.localTracks;
  await local.mute(true);
  assert.equal(browser.socket.requests("mute").length, 0);
  accept(browser.socket, browser.socket.last("publish"));
  await publishing;
  assert.equal(browser.socket.last("mute").muted, true);
});

test("what could not be said during a long outage is said after it: muted, and ended", async () => {
  const { browser, room, camera, microphone } = await onAir();
  const known = [camera, microphone].map(({ id, source, kind }) => ({ id, peer: "p1", source, kind, muted: false }));
  known.forEach((track, index) => browser.socket.push({ type: "track_published", seq: index + 1, track }));
  browser.socket.cut();
  const outcomes = [codeOf(camera.mute(true)), codeOf(room.unpublish(microphone))];
  await browser.time.pass(12_000);
  assert.deepEqual(await Promise.all(outcomes), ["timeout", "timeout"]);
  assert.equal(camera.muted, true);
  while (browser.socket.readyState !== 0) await browser.time.pass(500);
  await joinWith(browser, { resumed: true, room: undefined });
  assert.deepEqual(browser.socket.requests("mute").map(({ track, muted }) => [track, muted]), [[camera.id, true]]);
  assert.deepEqual(browser.socket.requests("unpublish").map(({ track }) => track), [known[1].id]);
  assert.equal(browser.socket.requests("publish").length, 0);
});

test("another device takes a track's place without negotiation and keeps its mute", async () => {
  const { browser, camera } = await onAir();
  const muting = camera.mute(true);
  await settle();
  browser.socket.reply(browser.socket.last("mute"));
  await muting;
  const former = camera.mediaStreamTrack;
  const next = new FakeTrack("video");
  await camera.replace(next);
  assert.equal(browser.peer.transceivers[0].sender.track, next);
  assert.equal(next.enabled, false);
  assert.equal(former.stopped, false);
  assert.equal(browser.socket.requests("publish").length, 1);
});

test("an unplugged device is told; the replaced one's end is nobody's business", async () => {
  const { room, camera } = await onAir();
  const seen = record(room, "localended");
  const former = camera.mediaStreamTrack;
  await camera.replace(new FakeTrack("video"));
  former.unplug();
  assert.equal(seen.length, 0);
  camera.mediaStreamTrack.unplug();
  assert.equal(seen[0].track, camera);
});

test("stop unpublishes and switches the device off; unpublish leaves it on", async () => {
  const { browser, room, camera, microphone } = await onAir();
  const id = camera.id;
  const stopping = camera.stop();
  await settle();
  assert.equal(browser.socket.last("unpublish").track, id);
  browser.socket.refuse(browser.socket.last("unpublish"), "track_not_found");
  await stopping;
  assert.equal(camera.mediaStreamTrack.stopped, true);
  const leaving = room.unpublish(microphone);
  await settle();
  browser.socket.reply(browser.socket.last("unpublish"));
  await leaving;
  assert.equal(microphone.mediaStreamTrack.stopped, false);
  assert.equal(room.localTracks.size, 0);
});

test("2 s of disconnected restart ICE on the same transport", async () => {
  const { browser } = await onAir();
  browser.peer.become("disconnected");
  await browser.time.pass(2_000);
  const request = browser.socket.last("restart_ice");
  assert.equal(request.transport, "x1");
  assert.match(request.sdp, /restart/);
  browser.socket.reply(request, { sdp: "answer" });
  await settle();
  assert.equal(browser.peer.log.at(-1), "setRemoteDescription answer");
  browser.peer.become("connected");
  await browser.time.pass(5_000);
  assert.equal(browser.peers.length, 1);
});

test("the network changed: ICE is restarted at once and the connection is probed", async () => {
  const { browser } = await onAir();
  browser.page("network");
  await settle();
  assert.ok(browser.socket.last("restart_ice"));
  assert.ok(browser.socket.last("ping"));
});

test("lost media is published again as it was, on a new transport", async () => {
  const { browser, room, camera, microphone } = await onAir();
  const muting = microphone.mute(true);
  await settle();
  browser.socket.reply(browser.socket.last("mute"));
  await muting;
  const ids = [camera.id, microphone.id];
  const renamed = record(camera, "id");
  browser.socket.push({ type: "transport_lost", seq: 1, reason: "worker_restarted" });
  await settle();
  assert.equal(browser.peers.length, 2);
  assert.equal(browser.peers[0].closed, true);
  const request = browser.socket.last("publish");
  assert.equal("transport" in request, false);
  assert.deepEqual(request.tracks.map(({ source, muted }) => [source, muted]), [["camera", false], ["microphone", true]]);
  accept(browser.socket, request, { transport: "x2" });
  await settle();
  assert.ok(!ids.includes(camera.id));
  assert.equal(renamed.length, 1);
  assert.equal(room.localTracks.size, 2);
});

test("while media restarts on the server, publishing is retried when it said", async () => {
  const { browser, camera } = await onAir();
  browser.socket.push({ type: "transport_lost", seq: 1, reason: "worker_restarted" });
  await settle();
  browser.socket.refuse(browser.socket.last("publish"), "worker_unavailable", { retry_after_s: 2 });
  await browser.time.pass(1_900);
  assert.equal(browser.socket.requests("publish").length, 2);
  await browser.time.pass(300);
  const request = browser.socket.last("publish");
  assert.equal(browser.socket.requests("publish").length, 3);
  accept(browser.socket, request, { transport: "x2" });
  await settle();
  assert.ok(camera.id);
});

test("a new publish is not retried for ever", async () => {
  const { browser, room } = await host();
  const errors = record(room, "error");
  const outcome = codeOf(room.publish(new FakeTrack("video"), { source: "camera" }));
  for (let i = 0; i < 60; i++) {
    const request = browser.socket.last("publish");
    if (request && !request.seen) {
      request.seen = true;
      browser.socket.refuse(request, "worker_unavailable");
    }
    for (const ping of browser.socket.requests("ping")) browser.socket.reply(ping);
    await browser.time.pass(1_000);
  }
  assert.equal(await outcome, "worker_unavailable");
  assert.equal(room.localTracks.size, 0);
  assert.ok(errors.length > 3);
});

test("media survives a drop of the connection untouched", async () => {
  const { browser, camera } = await onAir();
  const id = camera.id;
  browser.socket.cut();
  await browser.time.pass(200);
  await joinWith(browser, { resumed: true, room: undefined });
  assert.equal(browser.peers.length, 1);
  assert.equal(browser.peer.closed, false);
  assert.equal(browser.socket.requests("publish").length, 0);
  assert.equal(camera.id, id);
});

test("as a new Peer everything is published again", async () => {
  const { browser } = await onAir();
  browser.socket.cut();
  await browser.time.pass(200);
  await joinWith(browser, { peer: "p2", resumed: false });
  await settle();
  const request = browser.socket.last("publish");
  assert.equal(request.tracks.length, 2);
  assert.equal("transport" in request, false);
});

test("an answer lost with the connection: publish anew and take back the ghosts", async () => {
  const { browser, room } = await host();
  const publishing = room.publish(new FakeTrack("video"), { source: "camera" });
  await settle();
  const ghost = { id: "ghost", peer: "p1", kind: "video", source: "camera", muted: false, flowing: false };
  browser.socket.push({ type: "track_published", seq: 1, track: ghost });
  browser.socket.cut();
  await browser.time.pass(200);
  await joinWith(browser, { resumed: true, room: undefined });
  await browser.time.pass(200);
  accept(browser.socket, browser.socket.last("publish"));
  await publishing;
  await settle();
  assert.deepEqual(browser.socket.requests("unpublish").map(({ track }) => track), ["ghost"]);
});

test("a drop while ICE is broken: restart as soon as signaling is back", async () => {
  const { browser } = await onAir();
  browser.socket.cut();
  browser.peer.become("disconnected");
  await browser.time.pass(100);
  await browser.time.pass(30_000);
  assert.equal(browser.peers.length, 1, "not given up while nobody could be told");
  await joinWith(browser, { resumed: true, room: undefined });
  await settle();
  assert.ok(browser.socket.last("restart_ice"));
});

for (const state of ["failed", "closed"]) {
  test(`the server's end of the transport is ${state}: publish again`, async () => {
    const { browser } = await onAir();
    browser.socket.push({ type: "transport_state", seq: 1, transport: "x1", state, reason: "expired" });
    await settle();
    assert.equal(browser.socket.requests("publish").length, 2);
  });
}

test("stalled at the server: restart ICE without waiting for the browser to notice", async () => {
  const { browser } = await onAir();
  browser.socket.push({ type: "transport_state", seq: 1, transport: "x1", state: "stalled", reason: "" });
  await settle();
  assert.ok(browser.socket.last("restart_ice"));
  browser.socket.push({ type: "transport_state", seq: 2, transport: "other", state: "failed", reason: "" });
  await settle();
  assert.equal(browser.peers.length, 1);
});

test("after the end of the show nothing is published again by itself, but it can be", async () => {
  const { browser, room, camera } = await onAir();
  const seen = record(room, "unpublished");
  browser.socket.push({ type: "transport_state", seq: 1, transport: "x1", state: "closed", reason: "show_ended" });
  await browser.time.pass(5_000);
  assert.deepEqual(seen.map(({ code }) => code), ["show_ended", "show_ended"]);
  assert.equal(browser.socket.requests("publish").length, 1);
  assert.equal(room.localTracks.size, 0);
  const again = room.publish(camera.mediaStreamTrack, { source: "camera" });
  await settle();
  accept(browser.socket, browser.socket.last("publish"), { transport: "x2" });
  assert.ok((await again).id);
});

test("a track that the server took away is told after a moment, in which nothing explained it", async () => {
  const { browser, room, camera } = await onAir();
  const seen = record(room, "unpublished");
  const info = { id: camera.id, peer: "p1", kind: "video", source: "camera", muted: false, flowing: true };
  browser.socket.push({ type: "track_published", seq: 1, track: info });
  browser.socket.push({ type: "track_unpublished", seq: 2, track: camera.id, peer: "p1" });
  await browser.time.pass(900);
  assert.equal(seen.length, 0);
  await browser.time.pass(200);
  assert.deepEqual(seen.map(({ track, code }) => [track, code]), [[camera, "unpublished"]]);
  assert.equal(room.localTracks.size, 1);
});

test("leaving closes the peer connection, ends what waits, and leaves devices on", async () => {
  const { browser, room, camera } = await onAir();
  const outcome = codeOf(room.publish(new FakeTrack("video"), { source: "screen" }));
  await room.leave();
  assert.equal(await outcome, "closed");
  assert.equal(browser.peer.closed, true);
  assert.equal(camera.mediaStreamTrack.stopped, false);
  assert.equal(browser.listeners, 0);
  await settle();
  assert.equal(browser.time.pending, 0);
  assert.equal(await codeOf(room.publish(new FakeTrack("video"), { source: "camera" })), "closed");
});
