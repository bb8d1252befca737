/** Held, on air, muted by the host, off the stage: what the stage does to what we send. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeBrowser, FakeTrack, codeOf, joinWith, record, settle, welcome } from "./fakes.mjs";
import { LianmaiRoom } from "../../web/sdk/lianmai.js";

const SELF = { identity: "me", name: "Me", role: "agent", grants: {} };
const place = (more = {}) => ({
  identity: "me", peer: "p1", name: "Me", role: "agent", state: "on", cohost: false, locked: { audio: false, video: false }, ...more,
});
const stageOf = (...places) => ({ places, layout: "side_by_side", pin: null, locked: false, hands_open: false });
const invite = (more = {}) => ({
  id: "i1", room: "r", title: "R", direction: "invite", state: "pending", reason: null,
  from: { identity: "ann", name: "Ann", role: "host" }, target: { kind: "identity", value: "me" },
  to: { identity: "me", name: "Me" }, tried: 1, topic: "", product: null, created: 1, ring_until: 2, ...more,
});
const roomWith = (more = {}) => ({ ...welcome().room, ...more });

let ids = 0;

/** An agent in the room whose phone rings. */
async function agent({ grants = {}, room = { invites: [invite()] } } = {}) {
  const browser = new FakeBrowser();
  const lianmai = new LianmaiRoom({ url: "ws://x/ws", token: "T", subscribe: "none", env: browser.env });
  const joining = lianmai.join();
  await joinWith(browser, { room: roomWith(room), self: { ...SELF, grants } });
  await joining;
  let seq = 0;
  const push = (event) => browser.socket.push({ seq: ++seq, ...event });
  const put = (...places) => push({ type: "stage", stage: stageOf(...places) });
  return { browser, room: lianmai, push, put };
}

/** Answer the last publish request as the server does. */
function accept({ browser }, held, { transport = "x1", known = [] } = {}) {
  const request = browser.socket.last("publish");
  const tracks = request.tracks
    .map(({ mid, source }) => ({ mid, source, id: known.find((local) => local.source === source)?.id ?? `t${++ids}`, held }));
  browser.socket.reply(request, { transport, sdp: "answer", tracks, rejected: [] });
}

/** Publish camera and microphone. */
async function prepare(scene, { held = true, said = held } = {}) {
  const { room } = scene;
  const publishing = Promise.all([
    room.publish(new FakeTrack("video"), { source: "camera", held }),
    room.publish(new FakeTrack("audio"), { source: "microphone", held }),
  ]);
  await settle();
  accept(scene, said);
  const [camera, microphone] = await publishing;
  return { camera, microphone };
}

const active = ({ browser }) => browser.peer.transceivers.map(({ sender }) => sender.parameters.encodings[0].active);
const sent = ({ browser }) => browser.peer.transceivers.map(({ sender }) => sender.track);

test("what is held is negotiated, sends nothing, and leaves the preview alone", async () => {
  const scene = await agent();
  const { camera, microphone } = await prepare(scene);
  assert.deepEqual(sent(scene), [null, null]);
  assert.deepEqual(active(scene), [false, false]);
  assert.deepEqual([camera.held, microphone.held], [true, true]);
  assert.equal(camera.mediaStreamTrack.enabled, true);
  assert.ok(camera.id);
  const preview = new FakeTrack("video");
  await camera.replace(preview);
  assert.equal(camera.mediaStreamTrack, preview);
  assert.deepEqual(sent(scene), [null, null], "another camera is held as well");
  const muting = camera.mute(true);
  await settle();
  scene.browser.socket.reply(scene.browser.socket.last("mute"));
  await muting;
  assert.deepEqual(sent(scene), [null, null], "nor does muting change that");
});

test("on air: everything is sent while the server is asked", async () => {
  const scene = await agent();
  const { camera, microphone } = await prepare(scene);
  const going = scene.room.goOnAir("i1");
  assert.deepEqual(sent(scene), [camera.mediaStreamTrack, microphone.mediaStreamTrack], "in the same turn");
  await settle();
  const request = scene.browser.socket.last("accept_invite");
  assert.equal(request.invite, "i1");
  scene.push({ type: "invite", invite: invite({ state: "accepted" }) });
  scene.put(place({ state: "joining" }));
  scene.browser.socket.reply(request, { invite: invite({ state: "accepted" }) });
  assert.equal((await going).state, "accepted");
  assert.deepEqual(active(scene), [true, true]);
  assert.deepEqual([camera.held, microphone.held], [false, false]);
  assert.equal(scene.browser.socket.requests("publish").length, 1, "nothing is negotiated for it");
  assert.equal(scene.room.localTracks.size, 2);
});

for (const code of ["stage_full", "stage_locked", "invite_cancelled", "internal"]) {
  test(`refused (${code}): held again`, async () => {
    const scene = await agent();
    await prepare(scene);
    const outcome = codeOf(scene.room.goOnAir("i1"));
    await settle();
    scene.browser.socket.refuse(scene.browser.socket.last("accept_invite"), code);
    assert.equal(await outcome, code);
    assert.deepEqual(sent(scene), [null, null]);
    assert.deepEqual(active(scene), [false, false]);
    assert.ok([...scene.room.localTracks].every(({ held }) => held));
  });
}

test("no answer: held again, until the stage says that it was a yes", async () => {
  const scene = await agent();
  const { camera } = await prepare(scene);
  const outcome = codeOf(scene.room.goOnAir("i1"));
  for (let i = 0; i < 11; i++) {
    await scene.browser.time.pass(1_000);
    for (const ping of scene.browser.socket.requests("ping")) scene.browser.socket.reply(ping);
  }
  assert.equal(await outcome, "timeout");
  assert.equal(camera.held, true);
  scene.put(place());
  assert.equal(camera.held, false);
  assert.equal(sent(scene)[0], camera.mediaStreamTrack);
});

test("one tap while the offer is still out: what the late reply calls held is not held back", async () => {
  const scene = await agent();
  const publishing = scene.room.publish(new FakeTrack("video"), { source: "camera", held: true });
  await settle();
  const going = scene.room.goOnAir("i1");
  await settle();
  accept(scene, true);
  const camera = await publishing;
  assert.equal(camera.held, false);
  scene.put(place());
  scene.browser.socket.reply(scene.browser.socket.last("accept_invite"), { invite: invite({ state: "accepted" }) });
  await going;
  assert.equal(sent(scene)[0], camera.mediaStreamTrack);
});

test("the same, but refused: it is held", async () => {
  const scene = await agent();
  const publishing = scene.room.publish(new FakeTrack("video"), { source: "camera" });
  await settle();
  const outcome = codeOf(scene.room.goOnAir("i1"));
  await settle();
  accept(scene, true);
  const camera = await publishing;
  assert.equal(camera.held, false);
  scene.browser.socket.refuse(scene.browser.socket.last("accept_invite"), "stage_full");
  assert.equal(await outcome, "stage_full");
  assert.equal(camera.held, true);
});

test("an offer to join that is accepted puts what is held on air", async () => {
  const offer = { direction: "request", from: { identity: "me", name: "Me", role: "agent" }, to: null };
  const scene = await agent({ room: { invites: [invite(offer)] } });
  const { camera } = await prepare(scene);
  const seen = record(scene.room, "stage", "offstage", "unpublished");
  scene.push({ type: "invite", invite: invite({ ...offer, state: "accepted" }) });
  scene.put(place());
  assert.equal(camera.held, false);
  assert.deepEqual(seen.map(({ type }) => type), ["stage"]);
});

for (const [held, said] of [[true, false], [false, true]]) {
  test(`published ${held ? "held" : "to send"}, and the server says ${said ? "held" : "on air"}: so be it`, async () => {
    const scene = await agent();
    const { camera } = await prepare(scene, { held, said });
    assert.equal(camera.held, said);
    assert.equal(sent(scene)[0], said ? null : camera.mediaStreamTrack);
  });
}

test("off the stage: guests' tracks end at once, the transport and a whisper stay", async () => {
  const scene = await agent({ room: { stage: stageOf(place()) } });
  const { camera, microphone } = await prepare(scene, { held: false, said: false });
  const publishing = scene.room.publish(new FakeTrack("audio"), { source: "whisper" });
  await settle();
  accept(scene, false, { known: [camera, microphone] });
  const whisper = await publishing;
  const seen = record(scene.room, "unpublished", "offstage");
  scene.put();
  assert.deepEqual(seen.map(({ type, code, track }) => [type, code, track]), [
    ["unpublished", "off_stage", camera], ["unpublished", "off_stage", microphone], ["offstage", undefined, undefined],
  ]);
  await settle();
  assert.deepEqual([...scene.room.localTracks], [whisper]);
  assert.deepEqual(sent(scene), [null, null, whisper.mediaStreamTrack]);
  assert.equal(scene.browser.peer.closed, false);
  assert.equal(camera.mediaStreamTrack.stopped, false);
  assert.equal(scene.browser.socket.requests("publish").length, 2);
  assert.equal(scene.browser.socket.requests("unpublish").length, 0);
});

test("a host's tracks do not hang on a place", async () => {
  const scene = await agent({ grants: { show: true }, room: { stage: stageOf(place({ role: "host" })) } });
  const { camera } = await prepare(scene, { held: false, said: false });
  const seen = record(scene.room, "unpublished", "offstage");
  scene.put();
  assert.equal(seen.length, 0);
  assert.equal(scene.room.localTracks.has(camera), true);
});

test("many times on and off: one transport, and no m-line more than at first", async () => {
  const scene = await agent();
  for (let cycle = 0; cycle < 20; cycle++) {
    scene.push({ type: "invite", invite: invite({ id: `c${cycle}` }) });
    const { camera, microphone } = await prepare(scene);
    const going = scene.room.goOnAir(`c${cycle}`);
    await settle();
    scene.push({ type: "invite", invite: invite({ id: `c${cycle}`, state: "accepted" }) });
    scene.put(place());
    scene.browser.socket.reply(scene.browser.socket.last("accept_invite"), { invite: invite() });
    await going;
    assert.deepEqual(sent(scene), [camera.mediaStreamTrack, microphone.mediaStreamTrack]);
    assert.deepEqual(scene.browser.socket.last("publish").tracks.map(({ mid }) => mid), ["0", "1"]);
    scene.put();
    await settle();
    assert.deepEqual(sent(scene), [null, null]);
    assert.deepEqual(active(scene), [false, false]);
    assert.equal(scene.room.localTracks.size, 0);
  }
  assert.equal(scene.browser.peers.length, 1);
  assert.deepEqual(scene.browser.peer.transceivers.map(({ direction }) => direction), ["inactive", "inactive"]);
  assert.ok(scene.browser.socket.requests("publish").slice(1).every(({ transport }) => transport === "x1"));
});

test("an m-line that carried a screen is a camera's again, with a camera's wishes", async () => {
  const scene = await agent({ grants: { show: true } });
  const sharing = scene.room.publish(new FakeTrack("video"), { source: "screen", maxBitrate: 5_000_000 });
  await settle();
  accept(scene, false);
  const leaving = scene.room.unpublish(await sharing);
  await settle();
  scene.browser.socket.reply(scene.browser.socket.last("unpublish"));
  await leaving;
  const publishing = scene.room.publish(new FakeTrack("video"), { source: "camera" });
  await settle();
  accept(scene, false);
  await publishing;
  const [transceiver, ...more] = scene.browser.peer.transceivers;
  assert.equal(more.length, 0);
  assert.deepEqual(transceiver.sender.parameters.encodings, [{ active: true }]);
  assert.equal("degradationPreference" in transceiver.sender.parameters, false);
  assert.equal(transceiver.direction, "sendonly");
});

test("publishing after the stage is refused once, and leaves nothing behind", async () => {
  const scene = await agent({ room: { stage: stageOf(place()) } });
  await prepare(scene, { held: false, said: false });
  scene.put();
  const outcome = codeOf(scene.room.publish(new FakeTrack("video"), { source: "camera" }));
  await settle();
  scene.browser.socket.refuse(scene.browser.socket.last("publish"), "not_on_stage");
  assert.equal(await outcome, "not_on_stage");
  const count = scene.browser.socket.requests("publish").length;
  await scene.browser.time.pass(5_000);
  assert.equal(scene.browser.socket.requests("publish").length, count, "not tried again");
  assert.equal(scene.room.localTracks.size, 0);
  assert.equal(scene.browser.peer.signalingState, "stable");
  assert.equal(scene.browser.peers.length, 1, "the transport waits for the next time");
  assert.deepEqual(sent(scene), [null, null]);
});

test("refused on a transport that never was: that one is closed", async () => {
  const scene = await agent({ room: {} });
  const outcome = codeOf(scene.room.publish(new FakeTrack("video"), { source: "camera", held: true }));
  await settle();
  scene.browser.socket.refuse(scene.browser.socket.last("publish"), "not_on_stage");
  assert.equal(await outcome, "not_on_stage");
  await settle();
  assert.equal(scene.browser.peer.closed, true);
  assert.equal(scene.room.localTracks.size, 0);
});

for (const change of [{ state: "cancelled" }, { state: "expired" }, { state: "declined" }, { state: "failed" }, { to: { identity: "cy", name: "Cy" } }]) {
  test(`the ring came to nothing (${JSON.stringify(change)}): what was held for it ends`, async () => {
    const scene = await agent();
    await prepare(scene);
    const seen = record(scene.room, "unpublished", "invite");
    scene.push({ type: "invite", invite: invite(change) });
    assert.deepEqual(seen.map(({ type, code }) => code ?? type), ["off_stage", "off_stage", "invite"]);
    assert.equal(scene.room.localTracks.size, 0);
    assert.deepEqual(scene.room.info.invites, []);
  });
}

test("somebody else's invitation, or a second one of ours, ends nothing", async () => {
  const scene = await agent();
  await prepare(scene);
  scene.push({ type: "invite", invite: invite({ id: "i7", to: { identity: "cy", name: "Cy" }, state: "expired" }) });
  scene.push({ type: "invite", invite: invite({ id: "i2" }) });
  scene.push({ type: "invite", invite: invite({ id: "i2", state: "declined" }) });
  assert.equal(scene.room.localTracks.size, 2);
});

test("a track given up while its offer is out is taken back", async () => {
  const scene = await agent();
  const outcome = codeOf(scene.room.publish(new FakeTrack("video"), { source: "camera", held: true }));
  await settle();
  scene.push({ type: "invite", invite: invite({ state: "cancelled" }) });
  assert.equal(await outcome, "off_stage");
  accept(scene, true);
  await settle();
  assert.equal(scene.browser.socket.requests("unpublish").length, 1);
  assert.equal(scene.room.localTracks.size, 0);
});

test("muted by the host: silent here at once, and only the host's word lifts it", async () => {
  const scene = await agent({ room: { stage: stageOf(place()) } });
  const { camera, microphone } = await prepare(scene, { held: false, said: false });
  const seen = record(microphone, "mute", "lock");
  scene.put(place({ locked: { audio: true, video: false } }));
  assert.equal(microphone.mediaStreamTrack.enabled, false);
  assert.deepEqual([microphone.muted, microphone.locked, camera.muted, camera.locked], [true, true, false, false]);
  assert.deepEqual(seen.map(({ type }) => type), ["mute", "lock"]);
  await settle();
  assert.equal(scene.browser.socket.requests("mute").length, 0, "the server knows");
  assert.equal(await codeOf(microphone.mute(false)), "muted_by_host");
  assert.equal(microphone.muted, true);
  const asked = record(scene.room, "unmuterequested");
  scene.put(place());
  scene.push({ type: "unmute_requested", audio: true, video: false, by: { identity: "ann", name: "Ann" } });
  assert.deepEqual(asked, [{ type: "unmuterequested", audio: true, video: false, by: { identity: "ann", name: "Ann" } }]);
  assert.deepEqual([microphone.muted, microphone.locked], [true, false], "it is the guest who unmutes");
  const unmuting = microphone.mute(false);
  await settle();
  assert.equal(scene.browser.socket.last("mute").muted, false);
  scene.browser.socket.reply(scene.browser.socket.last("mute"));
  await unmuting;
  assert.equal(microphone.mediaStreamTrack.enabled, true);
});

test("the host was faster: an unmute that the server refuses is undone", async () => {
  const scene = await agent({ room: { stage: stageOf(place()) } });
  const { microphone } = await prepare(scene, { held: false, said: false });
  const muting = microphone.mute(true);
  await settle();
  scene.browser.socket.reply(scene.browser.socket.last("mute"));
  await muting;
  const outcome = codeOf(microphone.mute(false));
  await settle();
  scene.browser.socket.refuse(scene.browser.socket.last("mute"), "muted_by_host");
  assert.equal(await outcome, "muted_by_host");
  assert.equal(microphone.muted, true);
  assert.equal(microphone.mediaStreamTrack.enabled, false);
});

test("what begins while the host has muted us begins muted", async () => {
  const scene = await agent({ room: { stage: stageOf(place({ locked: { audio: false, video: true } })) } });
  const { camera, microphone } = await prepare(scene, { held: false, said: false });
  assert.deepEqual(scene.browser.socket.last("publish").tracks.map(({ muted }) => muted), [true, false]);
  assert.deepEqual([camera.locked, microphone.locked], [true, false]);
});

test("as a new Peer on the stage: what was on air is on air again, what was held is held", async () => {
  const scene = await agent({ room: { stage: stageOf(place()) } });
  await prepare(scene, { held: false, said: false });
  scene.browser.socket.cut();
  await scene.browser.time.pass(200);
  await joinWith(scene.browser, { peer: "p2", resumed: false, self: SELF, room: roomWith({ stage: stageOf(place({ peer: "p2" })) }) });
  await settle();
  assert.equal(scene.browser.socket.last("publish").tracks.length, 2);
  assert.ok(sent(scene).every(Boolean));

  const held = await agent();
  const { camera } = await prepare(held);
  held.browser.socket.cut();
  await held.browser.time.pass(200);
  await joinWith(held.browser, { peer: "p2", resumed: false, self: SELF, room: roomWith({ invites: [invite()] }) });
  await settle();
  assert.equal(held.browser.peers.length, 2);
  assert.deepEqual(sent(held), [null, null]);
  accept(held, true, { transport: "x2" });
  await settle();
  assert.equal(camera.held, true);
});

test("as a new Peer whose place is gone: nothing is published, and that is told", async () => {
  const scene = await agent({ room: { stage: stageOf(place()) } });
  await prepare(scene, { held: false, said: false });
  const seen = record(scene.room, "offstage", "unpublished");
  scene.browser.socket.cut();
  await scene.browser.time.pass(200);
  await joinWith(scene.browser, { peer: "p2", resumed: false, self: SELF, room: roomWith({ stage: stageOf() }) });
  await settle();
  assert.deepEqual(seen.map(({ type }) => type), ["unpublished", "unpublished", "offstage"]);
  assert.equal(scene.browser.socket.requests("publish").length, 0);
});

test("a ring that ended while we were away: the refusal ends what was held, once", async () => {
  const scene = await agent();
  await prepare(scene);
  const seen = record(scene.room, "unpublished");
  scene.browser.socket.cut();
  await scene.browser.time.pass(200);
  await joinWith(scene.browser, { peer: "p2", resumed: false, self: SELF, room: roomWith() });
  await settle();
  scene.browser.socket.refuse(scene.browser.socket.last("publish"), "not_on_stage");
  await scene.browser.time.pass(3_000);
  assert.deepEqual(seen.map(({ code }) => code), ["not_on_stage", "not_on_stage"]);
  assert.equal(scene.browser.socket.requests("publish").length, 1);
  assert.equal(scene.browser.peer.closed, true);
});

test("controls come with the grant, or with being a co-host", async () => {
  const { room, put } = await agent();
  assert.equal(room.controls, false);
  put(place({ cohost: true }));
  assert.equal(room.controls, true);
  put(place());
  assert.equal(room.controls, false);
  assert.equal((await agent({ grants: { manage: true } })).room.controls, true);
});

const REQUESTS = [
  [(room) => room.invite({ skill: "x" }, { topic: "t", product: { title: "P" }, ringS: 30 }),
    { type: "invite", target: { skill: "x" }, topic: "t", product: { title: "P" }, ring_s: 30 }],
  [(room) => room.invite({ anyone: true }, { topic: "", product: null }), { type: "invite", target: { anyone: true } }],
  [(room) => room.offerStage(), { type: "offer_stage" }],
  [(room) => room.acceptInvite("i"), { type: "accept_invite", invite: "i" }],
  [(room) => room.declineInvite("i", "later"), { type: "decline_invite", invite: "i", reason: "later" }],
  [(room) => room.cancelInvite("i"), { type: "cancel_invite", invite: "i" }],
  [(room) => room.raiseHand("why"), { type: "raise_hand", topic: "why" }],
  [(room) => room.lowerHand(), { type: "lower_hand" }],
  [(room) => room.lowerHand("bo"), { type: "lower_hand", identity: "bo" }],
  [(room) => room.openHands(false), { type: "open_hands", open: false }],
  [(room) => room.leaveStage(), { type: "leave_stage" }],
  [(room) => room.removeGuest("bo"), { type: "remove_guest", identity: "bo" }],
  [(room) => room.clearStage(), { type: "clear_stage" }],
  [(room) => room.muteGuest("bo", { audio: true, video: false }), { type: "mute_guest", identity: "bo", audio: true }],
  [(room) => room.askUnmute("bo", { video: true }), { type: "ask_unmute", identity: "bo", video: true }],
  [(room) => room.moveGuest("bo", 0), { type: "move_guest", identity: "bo", position: 0 }],
  [(room) => room.pin(null), { type: "pin", identity: null }],
  [(room) => room.lockStage(true), { type: "lock_stage", locked: true }],
  [(room) => room.setLayout("grid"), { type: "set_layout", layout: "grid" }],
  [(room) => room.setCohost("bo", false), { type: "set_cohost", identity: "bo", cohost: false }],
  [(room) => room.say("hi"), { type: "chat", text: "hi" }],
  [(room) => room.deleteChat("m"), { type: "delete_chat", message: "m" }],
  [(room) => room.muteChatter("bo", 60), { type: "mute_chatter", identity: "bo", seconds: 60 }],
  [(room) => room.slowMode(0), { type: "slow_mode", seconds: 0 }],
  [(room) => room.tellStaff("stop", { urgent: true }), { type: "backchannel", text: "stop", urgent: true }],
  [(room) => room.tellStaff("ok"), { type: "backchannel", text: "ok" }],
  [(room) => room.acknowledge("b"), { type: "ack_backchannel", message: "b" }],
];

test("every request says what it must, gives back what the server gives, and rejects with its code", async () => {
  const { browser, room } = await agent();
  for (const [call, expected] of REQUESTS) {
    const calling = call(room);
    const { id, ...request } = browser.socket.last(expected.type);
    assert.deepEqual(request, expected);
    browser.socket.reply({ id }, { invite: { id: "made" }, message: { id: "made" } });
    const result = await calling;
    if (result !== undefined) assert.deepEqual(result, { id: "made" });
    const outcome = codeOf(call(room));
    browser.socket.refuse(browser.socket.last(expected.type), "forbidden");
    assert.equal(await outcome, "forbidden");
  }
});

test("news is told after it is in info", async () => {
  const { room, push } = await agent();
  const order = [];
  for (const type of ["chat", "backchannel", "hand", "chatmuted", "invite"]) room.on(type, () => order.push([type, structuredClone(room.info)]));
  push({ type: "chat", message: { id: "m1", identity: "a", name: "A", role: "viewer", text: "x", at: 1 } });
  push({ type: "backchannel", message: { id: "b1", from: { identity: "v", name: "V", role: "supervisor" }, text: "x", urgent: true, at: 1 } });
  push({ type: "hand", raised: true, open: true });
  push({ type: "chat_muted", until: 5 });
  push({ type: "invite", invite: invite({ state: "cancelled" }) });
  push({ type: "chat", message: null });
  assert.deepEqual(order.map(([type]) => type), ["chat", "backchannel", "hand", "chatmuted", "invite"]);
  const last = order.at(-1)[1];
  assert.deepEqual([last.chat.messages.length, last.backchannel[0].acked, last.hand.raised, last.chat.muted_until, last.invites], [1, [], true, 5, []]);
});

test("published again on the same m-line under the same id within the second of doubt: it stays", async () => {
  const scene = await agent({ grants: { show: true } });
  const publish = async () => {
    const publishing = scene.room.publish(new FakeTrack("video"), { source: "camera" });
    await settle();
    const { mid } = scene.browser.socket.last("publish").tracks[0];
    const tracks = [{ mid, source: "camera", id: "same", held: false }];
    scene.browser.socket.reply(scene.browser.socket.last("publish"), { transport: "x1", sdp: "answer", tracks, rejected: [] });
    return publishing;
  };
  const info = { id: "same", peer: "p1", kind: "video", source: "camera", muted: false, flowing: true };
  const first = await publish();
  scene.push({ type: "track_published", track: info });
  const leaving = scene.room.unpublish(first);
  await settle();
  scene.push({ type: "track_unpublished", track: "same", peer: "p1" });
  scene.browser.socket.reply(scene.browser.socket.last("unpublish"));
  await leaving;
  const second = await publish();
  const seen = record(scene.room, "unpublished");
  await scene.browser.time.pass(2_000);
  assert.equal(seen.length, 0);
  assert.deepEqual([...scene.room.localTracks], [second]);
});
