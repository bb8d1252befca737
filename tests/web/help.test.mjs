// One-to-one help beside a room: what is asked, what is told, and what a call does to what we send.
import assert from "node:assert/strict";
import { test } from "node:test";
import { aCall, aMessage, person } from "./calls.mjs";
import { FakeTrack, codeOf, joinWith, record, settle, welcome } from "./fakes.mjs";
import { active, line, place, publish, publisher, ringing, sent, stageOf } from "./help_scene.mjs";

test("asking gives the call, and asking is safe to repeat", async () => {
  const scene = await line();
  const seen = record(scene.help, "call");
  const asking = scene.help.ask({ media: "video", text: "hi", queue: "", context: { entry: "live" }, envelope: "jws" });
  const { id: _, ...request } = scene.last("help");
  assert.deepEqual(request, { type: "help", media: "video", text: "hi", context: { entry: "live" }, envelope: "jws" });
  scene.browser.socket.cut();
  await scene.browser.time.pass(200);
  await joinWith(scene.browser, { peer: "p2", self: scene.self });
  assert.equal(scene.browser.socket.requests("help").length, 1, "said again, even by another Peer");
  scene.reply("help", { call: aCall() });
  assert.equal((await asking).id, "c1");
  assert.equal(scene.help.call.id, "c1", "without waiting for the event");
  scene.tell(aCall());
  assert.deepEqual(seen.map(({ call, previous }) => [call.id, previous]), [["c1", null]], "told once");
});

test("before there is a call nothing can be asked of it", async () => {
  const { help } = await line();
  assert.equal(await codeOf(help.end()), "call_not_found");
  assert.equal(await codeOf(help.say("x")), "call_not_found");
  assert.equal(await codeOf(help.uploadFile(new Blob(["x"]))), "call_not_found");
  help.point(0.5, 0.5, "t");
});

test("every request, as the wire has it", async () => {
  const scene = await line({ room: { call: active() } });
  const { help, browser } = scene;
  const table = [
    [() => help.setMedia("voice"), { type: "set_call_media", media: "voice" }],
    [() => help.answer(), { type: "answer_call" }],
    [() => help.decline("busy"), { type: "decline_call", reason: "busy" }],
    [() => help.decline(), { type: "decline_call" }],
    [() => help.take(), { type: "take_call" }],
    [() => help.hold(), { type: "hold_call" }],
    [() => help.resume(), { type: "resume_call" }],
    [() => help.transfer({ skill: "x" }, { warm: true, note: "n" }), { type: "transfer_call", to: { skill: "x" }, warm: true, note: "n" }],
    [() => help.completeTransfer(), { type: "complete_transfer" }],
    [() => help.cancelTransfer(), { type: "cancel_transfer" }],
    [() => help.addToCall({ identity: "bob" }), { type: "add_to_call", to: { identity: "bob" } }],
    [() => help.leaveCall(), { type: "leave_call" }],
    [() => help.supervise("whisper"), { type: "supervise_call", mode: "whisper" }],
    [() => help.escalate("T"), { type: "escalate_call", topic: "T" }],
    [() => help.consent("no"), { type: "consent_stage", consent: "no" }],
    [() => help.deescalate(), { type: "deescalate_call" }],
    [() => help.end("done"), { type: "end_call", reason: "done" }],
    [() => help.wrapUp({ note: "", solved: "yes", reasons: ["a"], done: true }), { type: "wrap_up", note: "", reasons: ["a"], solved: "yes", done: true }],
    [() => help.rate(5, { comment: "", solved: "yes" }), { type: "rate_call", score: 5, solved: "yes" }],
    [() => help.sendArticle({ title: "T", url: "u", more: 1 }), { type: "call_say", article: { title: "T", url: "u" } }],
    [() => help.clear(), { type: "call_clear" }],
    [() => help.clear("m"), { type: "call_clear", mark: "m" }],
    [() => help.freeze(null), { type: "call_freeze", frame: null }],
    [() => help.checklist({ title: "T", steps: ["a"] }), { type: "call_checklist", checklist: { title: "T", steps: ["a"] } }],
    [() => help.step(2, true), { type: "call_step", step: 2, done: true }],
    [() => help.askDevice("torch", true), { type: "call_device", ask: "torch", value: 1 }],
    [() => help.askDevice("still"), { type: "call_device", ask: "still" }],
    [() => help.tellDevice({ facing: "user", torch: null, zoom: null, can: ["flip"] }), { type: "call_device_state", facing: "user", can: ["flip"] }],
  ];
  for (const [act, expected] of table) {
    const asking = act();
    await settle();
    const { id: _, ...request } = browser.socket.sent.at(-1);
    assert.deepEqual(request, { ...expected, call: "c1" });
    browser.socket.reply(browser.socket.sent.at(-1), { call: active(), message: aMessage("m") });
    await asking;
  }
  const calling = help.callShopper("sam", { topic: "T" });
  const { id: _, ...request } = scene.last("call_shopper");
  assert.deepEqual(request, { type: "call_shopper", identity: "sam", media: "video", topic: "T" });
  scene.reply("call_shopper", { call: active() });
  await calling;
});

test("a callback ends the waiting call, or names a queue", async () => {
  const scene = await line({ room: { call: aCall() } });
  const leaving = scene.help.leaveCallback({ at: 5, queue: "q", phone: "1" });
  assert.equal(scene.last("leave_callback").call, "c1");
  assert.equal("queue" in scene.last("leave_callback"), false);
  scene.reply("leave_callback", { callback: { id: "b", at: 5, queue: "q" } });
  assert.equal((await leaving).id, "b");
  scene.tell(aCall({ state: "ended" }));
  void scene.help.leaveCallback({ at: 5, queue: "q" }).catch(() => {});
  assert.equal(scene.last("leave_callback").queue, "q");
  assert.equal("call" in scene.last("leave_callback"), false);
});

test("news of the call, once each and when the call has them", async () => {
  const scene = await line({ room: { call: active() } });
  const { help, push } = scene;
  const seen = [];
  for (const type of ["message", "mark", "clear", "pointer", "freeze", "checklist", "device", "devicestate", "cards"]) {
    help.on(type, (detail) => seen.push([type, detail]));
  }
  const call = "c1";
  push({ type: "call_message", call, message: aMessage("m1") });
  push({ type: "call_message", call, message: aMessage("m1") });
  assert.equal(help.call.messages.length, 1);
  push({ type: "call_mark", call, mark: { id: "k", points: [] } });
  assert.equal(help.call.marks.length, 1);
  push({ type: "call_clear", call, mark: "k", by: "ann" });
  push({ type: "call_pointer", call, by: "ann", pointer: { x: 0.5, y: 0.5, target: "t" } });
  assert.deepEqual([...help.pointers.keys()], ["ann"]);
  push({ type: "call_pointer", call, by: "sam", pointer: { x: 0, y: 0, target: "t" } });
  push({ type: "call_pointer", call, by: "ann", pointer: null });
  push({ type: "call_pointer", call: "c2", by: "ann", pointer: null });
  push({ type: "call_freeze", call, frame: { file: "f", target: "t", width: 1, height: 1 }, by: { identity: "ann" } });
  push({ type: "call_checklist", call, checklist: { title: "T", steps: [] } });
  push({ type: "call_device", call, ask: "torch", value: 0 });
  push({ type: "call_device", call, ask: "zoom", value: 2 });
  push({ type: "call_device_state", call, facing: "user", torch: false, can: [] });
  scene.tell({ ...help.call, cards: [{ kind: "note", title: "T" }] });
  scene.tell({ ...help.call, topic: "more" });
  assert.deepEqual(seen.map(([type]) => type), [
    "message", "mark", "clear", "pointer", "pointer", "freeze", "checklist", "device", "device", "devicestate", "cards",
  ]);
  assert.deepEqual(seen[2][1], { mark: "k", by: "ann" });
  assert.equal(seen[5][1].by, "ann");
  assert.deepEqual(seen[7][1], { ask: "torch", value: false });
  assert.deepEqual(seen[8][1], { ask: "zoom", value: 2 });
});

test("what is drawn does not have the room drawn anew", async () => {
  const scene = await line({ room: { call: active() } });
  const seen = record(scene.room, "room", "call");
  scene.push({ type: "call_mark", call: "c1", mark: { id: "k", points: [] } });
  scene.push({ type: "call_pointer", call: "c1", by: "ann", pointer: { x: 0, y: 0, target: "t" } });
  assert.equal(seen.length, 0);
  assert.equal(scene.room.info.call.marks.length, 1);
  assert.equal(scene.help.call.marks.length, 1);
});

test("own marks are there at once, and taken back if refused", async () => {
  const scene = await line({ room: { call: active() } });
  const { help } = scene;
  const mark = { kind: "free", color: "#ff0000", width: 0.01, target: "t", points: [[0, 0], [1, 1]] };
  const drawing = help.mark(mark);
  const [made] = help.call.marks;
  assert.equal(made.by, "sam");
  assert.deepEqual(scene.last("call_mark").mark, { ...mark, id: made.id });
  scene.reply("call_mark");
  assert.equal((await drawing).id, made.id);
  const growing = codeOf(help.mark({ ...mark, id: made.id, points: [[0, 0], [1, 1], [0, 1]] }));
  assert.equal(help.call.marks[0].points.length, 3);
  scene.browser.socket.refuse(scene.last("call_mark"), "mark_limit");
  assert.equal(await growing, "mark_limit");
  assert.equal(help.call.marks[0].points.length, 2, "as it was before");
  const failing = codeOf(help.mark(mark));
  scene.browser.socket.refuse(scene.last("call_mark"), "mark_invalid");
  assert.equal(await failing, "mark_invalid");
  assert.equal(help.call.marks.length, 1);
});

test("the pointer: the newest wins, a few times a second, and putting it away arrives", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const scene = await line({ room: { call: active() } });
  const sentPointers = () => scene.browser.socket.requests("call_pointer").map(({ pointer }) => pointer?.x ?? null);
  scene.help.point(0.1, 0, "t");
  scene.help.point(0.2, 0, "t");
  scene.help.point(0.3, 0, "t");
  assert.deepEqual(sentPointers(), [0.1]);
  context.mock.timers.tick(66);
  assert.deepEqual(sentPointers(), [0.1, 0.3]);
  for (let x = 4; x < 9; x++) {
    scene.help.point(x / 10, 0, "t");
    context.mock.timers.tick(66);
  }
  assert.deepEqual(sentPointers(), [0.1, 0.3, 0.4, 0.5], "nobody answers: no more than the network takes");
  scene.help.point(null);
  context.mock.timers.tick(66);
  assert.equal(sentPointers().at(-1), null);
  scene.help.point(-3, 7, "t");
  scene.help.close();
  context.mock.timers.tick(200);
  assert.equal(sentPointers().length, 5);
});

test("files go over HTTP with the room's token, and come back once", async () => {
  const asked = [];
  const answers = [];
  const fetch = async (url, init) => {
    asked.push([url, init.method ?? "GET", init.headers]);
    return answers.shift();
  };
  const scene = await line({ room: { call: active() }, env: { fetch } });
  const { help } = scene;
  answers.push(Response.json({ file: { id: "f1", name: "a" } }, { status: 201 }));
  const sending = help.sendFile(new Blob(["x"], { type: "image/png" }), { name: "图 1.png" });
  await settle();
  assert.equal(asked[0][0], "http://x:1/api/v1/calls/c1/files");
  assert.deepEqual(asked[0][2], {
    "Content-Type": "image/png", "X-File-Name": "%E5%9B%BE%201.png", Authorization: "Bearer T", "Accept-Language": "en",
  });
  assert.equal(scene.last("call_say").file, "f1");
  scene.reply("call_say", { message: aMessage("m1", 1, { file: { id: "f1" } }) });
  assert.equal((await sending).id, "m1");
  assert.equal(help.call.messages.length, 1);
  answers.push(new Response("body"));
  const [one, two] = await Promise.all([help.fetchFile("f1"), help.fetchFile("f1")]);
  assert.equal(await one.text(), "body");
  assert.equal(one, two);
  assert.equal(asked.length, 2);
  answers.push(Response.json({ error: { code: "file_too_large", message: "too large" } }, { status: 413 }));
  assert.equal(await codeOf(help.sendFile(new Blob(["x"]))), "file_too_large");
  answers.push(new Response("<html>", { status: 502 }));
  assert.equal(await codeOf(help.fetchFile("f2")), "internal");
  answers.push(Promise.reject(new TypeError("network")));
  assert.equal(await codeOf(help.fetchFile("f2")), "connection_failed", "asked again, not remembered");
});

test("a file that does not arrive has a deadline", async () => {
  const fetch = (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
  const scene = await line({ room: { call: active() }, env: { fetch } });
  const outcome = codeOf(scene.help.fetchFile("f1"));
  await settle();
  for (let i = 0; i < 61; i++) {
    await scene.browser.time.pass(1_000);
    for (const ping of scene.browser.socket.requests("ping")) scene.browser.socket.reply(ping);
  }
  assert.equal(await outcome, "timeout");
});

test("held until it is answered: sent in the turn that asks", async () => {
  const scene = await line({ as: "ann", room: { call: ringing() } });
  const microphone = await publish(scene, "microphone");
  assert.deepEqual(sent(scene), [null]);
  const answering = scene.help.answer();
  assert.deepEqual(sent(scene), [microphone.mediaStreamTrack], "in the same turn");
  await settle();
  scene.reply("answer_call", { call: active() });
  assert.equal((await answering).state, "active");
  assert.equal(microphone.held, false);
  assert.equal(scene.browser.socket.requests("publish").length, 1, "nothing is negotiated for it");
});

test("refused: held again", async () => {
  const scene = await line({ as: "ann", room: { call: ringing() } });
  const microphone = await publish(scene, "microphone");
  const outcome = codeOf(scene.help.answer());
  await settle();
  scene.browser.socket.refuse(scene.last("answer_call"), "call_answered");
  assert.equal(await outcome, "call_answered");
  assert.equal(microphone.held, true);
  assert.deepEqual(sent(scene), [null]);
});

test("the shopper's: released by the answer, held on hold, released again, ended with the call", async () => {
  const scene = await line({ room: { call: aCall() } });
  const camera = await publish(scene, "camera");
  const microphone = await publish(scene, "microphone");
  const seen = record(scene.room, "unpublished");
  scene.tell(ringing());
  assert.deepEqual(sent(scene), [null, null]);
  scene.tell(active());
  assert.deepEqual(sent(scene), [camera.mediaStreamTrack, microphone.mediaStreamTrack]);
  scene.tell(active({ state: "on_hold", people: [person("shopper", "sam", { mode: "hold" }), person("agent", "ann")] }));
  assert.deepEqual(sent(scene), [null, null]);
  scene.tell(active());
  assert.deepEqual([camera.held, microphone.held], [false, false]);
  scene.tell(active({ state: "wrap_up" }));
  assert.deepEqual(seen.map(({ track, code }) => [track.source, code]), [["camera", "call_ended"], ["microphone", "call_ended"]]);
  assert.equal(scene.room.localTracks.size, 0);
  assert.equal(publisher(scene).closed, false, "the transport stays for the next time");
  assert.equal(camera.mediaStreamTrack.stopped, false);
  scene.tell(active({ state: "ended" }));
  assert.equal(seen.length, 2);
});

for (const [before, after, held] of [[ringing, active, false], [active, () => active({ state: "on_hold" }), true]]) {
  test(`news while the browser takes the answer: ${held ? "held, whatever" : "sent, though"} the reply said before`, async () => {
    const scene = await line({ room: { call: before() } });
    const publishing = scene.room.publish(new FakeTrack("video"), { source: "camera", held: true });
    await settle();
    const peer = publisher(scene);
    const taken = peer.setRemoteDescription.bind(peer);
    let take;
    peer.setRemoteDescription = (answer) => new Promise((resolve) => (take = () => resolve(taken(answer))));
    const [asked] = scene.last("publish").tracks;
    scene.reply("publish", { transport: "x1", sdp: "answer", tracks: [{ ...asked, id: "t1", held: !held }], rejected: [] });
    await settle();
    scene.tell(after());
    await settle();
    take();
    const camera = await publishing;
    await settle();
    assert.equal(camera.held, held);
    assert.deepEqual(sent(scene), [held ? null : camera.mediaStreamTrack]);
  });
}

test("a ring that moves on ends what was held for it", async () => {
  const scene = await line({ as: "ann", room: { call: ringing() } });
  await publish(scene, "microphone");
  const seen = record(scene.room, "unpublished");
  scene.tell(ringing({ people: [person("shopper", "sam"), person("agent", "bob", { mode: "ring" })] }));
  assert.deepEqual(seen.map(({ code }) => code), ["call_ended"]);
});

test("to the stage and back nothing is published, held or ended", async () => {
  const scene = await line({ room: { call: active() } });
  const camera = await publish(scene, "camera", { held: false });
  const seen = record(scene.room, "unpublished");
  const { track } = publisher(scene).transceivers[0].sender;
  scene.tell(active({ escalation: { state: "on_stage", consent: "video" } }));
  scene.push({ type: "stage", stage: stageOf(place("host"), place("sam")) });
  scene.tell(active({ escalation: null }));
  scene.push({ type: "stage", stage: stageOf(place("host")) });
  assert.deepEqual(seen, []);
  assert.equal(camera.held, false);
  assert.equal(publisher(scene).transceivers[0].sender.track, track);
  assert.equal(scene.browser.socket.requests("publish").length, 1);
});

test("back from the stage, what only its host had muted speaks again", async () => {
  const staged = active({ escalation: { state: "on_stage", consent: "video" } });
  const scene = await line({ room: { call: active() } });
  const [voice, camera] = [await publish(scene, "microphone", { held: false }), await publish(scene, "camera", { held: false })];
  scene.tell(staged);
  const silenced = { ...place("sam"), locked: { audio: true, video: true } };
  scene.push({ type: "stage", stage: stageOf(place("host"), place("sam")) });
  const off = camera.mute(true);
  scene.push({ type: "stage", stage: stageOf(place("host"), silenced) });
  assert.deepEqual([voice.muted, camera.muted], [true, true]);
  scene.tell(active({ escalation: null }));
  scene.push({ type: "stage", stage: stageOf(place("host")) });
  assert.deepEqual([voice.muted, camera.muted], [false, true], "what its owner had muted stays so");
  void off.catch(() => {});
});

test("a call that ends on the stage leaves nothing behind when the stage is over", async () => {
  const scene = await line({ room: { call: active({ escalation: { state: "on_stage", consent: "video" } }), stage: stageOf(place("sam")) } });
  await publish(scene, "camera", { held: false });
  const seen = record(scene.room, "unpublished");
  scene.tell(active({ state: "ended" }));
  assert.equal(seen.length, 0, "still on the stage");
  scene.push({ type: "stage", stage: stageOf() });
  assert.deepEqual(seen.map(({ code }) => code), ["off_stage"]);
});

test("an offer to the stage that came to nothing takes nothing from the call", async () => {
  const offer = {
    id: "i1", room: "r", title: "R", direction: "request", state: "pending", reason: null, from: { identity: "sam", name: "sam", role: "shopper" },
    target: { kind: "anyone", value: null }, to: null, tried: 0, topic: "", product: null, created: 1, ring_until: 2,
  };
  const scene = await line({ room: { call: active(), invites: [offer] } });
  await publish(scene, "camera", { held: false });
  scene.push({ type: "invite", invite: { ...offer, state: "declined" } });
  assert.equal(scene.room.localTracks.size, 1);
});

test("another Peer after a long drop: published again as it was, the call goes on", async () => {
  const scene = await line({ room: { call: active() } });
  const camera = await publish(scene, "camera", { held: false });
  const former = publisher(scene);
  scene.browser.socket.cut();
  await scene.browser.time.pass(200);
  await joinWith(scene.browser, { peer: "p2", self: scene.self });
  assert.equal(scene.help.call.state, "active", "the reply says nothing of calls: they are told");
  assert.equal(former.closed, true);
  scene.browser.socket.push({ type: "call", seq: 1, call: active({ topic: "still" }) });
  await settle();
  const request = scene.last("publish");
  assert.equal(request.tracks.length, 1);
  assert.equal("transport" in request, false);
  scene.reply("publish", { transport: "x2", sdp: "answer", tracks: [{ ...request.tracks[0], id: "n1", held: false }], rejected: [] });
  await settle();
  assert.equal(camera.id, "n1");
  assert.equal(camera.held, false);
});

test("another Peer, and the call is over", async () => {
  const scene = await line({ room: { call: active() } });
  await publish(scene, "camera", { held: false });
  const seen = record(scene.room, "unpublished");
  scene.browser.socket.cut();
  await scene.browser.time.pass(200);
  await joinWith(scene.browser, { peer: "p2", self: scene.self, room: { ...welcome().room, call: null } });
  assert.deepEqual(seen.map(({ code }) => code), ["call_ended"]);
  assert.equal(scene.help.call, null);
});

test("an agent in a live room receives the call's people only, and asks while it rings", async () => {
  const tracks = [{ id: "show", peer: "p-host", kind: "video", source: "camera", muted: false, flowing: true }];
  const room = { call: ringing(), tracks };
  const scene = await line({ as: "ann", subscribe: "none", options: { receive: true }, room });
  assert.equal(scene.last("subscribe"), undefined);
  scene.push({ type: "track_published", track: { ...tracks[0], id: "t-sam", peer: "p-sam" } });
  assert.deepEqual(scene.last("subscribe").tracks, ["t-sam"]);
  scene.reply("subscribe");
  scene.tell(active());
  assert.equal(scene.browser.socket.requests("subscribe").length, 1);
  scene.tell(active({ people: [person("shopper", "sam"), person("agent", "ann"), person("agent", "host", { peer: "p-host" })] }));
  assert.deepEqual(scene.last("subscribe").tracks, ["show"]);
  scene.tell(active());
  assert.deepEqual(scene.last("unsubscribe").tracks, ["show"]);
  scene.push({ type: "track_unpublished", track: "t-sam", peer: "p-sam" });
  assert.equal(scene.browser.socket.requests("unsubscribe").length, 1, "what is gone need not be sent away");
});

test("a supervisor's line means the call it was made for", async () => {
  const scene = await line({ as: "sue", options: { call: "c7" } });
  void scene.help.supervise("listen").catch(() => {});
  await settle();
  assert.equal(scene.last("supervise_call").call, "c7");
  scene.tell(active());
  assert.equal(scene.help.call, null);
  scene.tell(active({ id: "c7" }));
  assert.equal(scene.help.call.id, "c7");
});

test("closed, it looks no longer", async () => {
  const scene = await line();
  const seen = record(scene.help, "call");
  scene.help.close();
  scene.tell(aCall());
  assert.equal(seen.length, 0);
});
