import assert from "node:assert/strict";
import { test } from "node:test";
import {
  KEPT_MARKS, KEPT_MESSAGES, callsOf, currentCall, deviceOf, isOver, mustBlur, reduceCalls, seatOf, sendingOf, tracksOf,
} from "../../web/sdk/help_state.js";
import { reduce, snapshot } from "../../web/sdk/state.js";
import { aCall, aMessage, person } from "./calls.mjs";

const calls = (...list) => list.reduce((known, call) => reduceCalls(known, { type: "call", call }), []);
const one = (call, ...events) => events.reduce((known, event) => reduceCalls(known, { call: call.id, ...event }), calls(call))[0];

test("a call is whole at every change, and what it leaves out stays", () => {
  const before = calls(aCall({ messages: [aMessage("m1")], topic: "socks" }));
  const [after] = reduceCalls(before, { type: "call", call: { id: "c1", state: "active", shopper: aCall().shopper } });
  assert.deepEqual([after.state, after.topic, after.messages.length], ["active", "socks", 1]);
  assert.equal(before[0].state, "waiting", "the former value is left alone");
});

test("malformed news, and news about other calls, change nothing", () => {
  const known = calls(aCall());
  for (const event of [
    { type: "call", call: null }, { type: "call", call: "c1" }, { type: "call", call: { id: 1 } }, { type: "call", call: { id: "c2", state: "x" } },
    { type: "call_message", call: "c2", message: aMessage("m") }, { type: "call_message", call: "c1", message: { id: 1 } },
    { type: "call_mark", call: "c1", mark: {} }, { type: "call_mark", call: "c1", mark: { id: "x", points: 1 } },
    { type: "call_freeze", call: "c1", frame: {} }, { type: "call_freeze", call: "c1", frame: null },
    { type: "call_checklist", call: "c1", checklist: {} }, { type: "call_pointer", call: "c1", pointer: null },
    { type: "call_clear", call: "c1", mark: "none" }, { type: "toString", call: "c1" }, { type: "chat", call: "c1" },
  ]) {
    assert.equal(reduceCalls(known, event), known, JSON.stringify(event));
  }
});

test("messages come once, in order, and only so many are kept", () => {
  const said = one(aCall(), { type: "call_message", message: aMessage("m1") }, { type: "call_message", message: aMessage("m1") });
  assert.equal(said.messages.length, 1);
  const many = Array.from({ length: KEPT_MESSAGES + 5 }, (_, index) => ({ type: "call_message", message: aMessage(`m${index}`, index) }));
  const long = one(aCall(), ...many);
  assert.equal(long.messages.length, KEPT_MESSAGES);
  assert.equal(long.messages.at(-1).id, `m${KEPT_MESSAGES + 4}`);
});

test("the last messages told again do not push out the older ones", () => {
  const older = Array.from({ length: 120 }, (_, index) => aMessage(`m${index}`, index));
  const known = calls(aCall({ messages: older }));
  const [after] = reduceCalls(known, { type: "call", call: aCall({ messages: [...older.slice(-99), aMessage("new", 500)] }) });
  assert.equal(after.messages.length, 121);
  assert.deepEqual(after.messages.map(({ at }) => at), [...Array(120).keys(), 500]);
});

test("marks: a stroke grows under its id, one or all are taken away", () => {
  const mark = (id, points = 2) => ({ type: "call_mark", mark: { id, kind: "free", points: Array(points).fill([0, 0]) } });
  const drawn = one(aCall(), mark("a"), mark("b"), mark("a", 5));
  assert.deepEqual(drawn.marks.map(({ id, points }) => [id, points.length]), [["a", 5], ["b", 2]]);
  assert.deepEqual(one(drawn, { type: "call_clear", mark: "a" }).marks.map(({ id }) => id), ["b"]);
  assert.deepEqual(one(drawn, { type: "call_clear", mark: null }).marks, []);
  assert.equal(one(aCall(), ...Array.from({ length: 205 }, (_, index) => mark(`k${index}`))).marks.length, KEPT_MARKS);
});

test("frame, checklist, device", () => {
  const frame = { file: "f", target: "t", width: 2, height: 1 };
  const call = one(
    aCall(),
    { type: "call_freeze", frame },
    { type: "call_checklist", checklist: { title: "T", steps: [{ text: "a", done: false }] } },
    { type: "call_device_state", facing: "environment", torch: true, zoom: null, can: ["torch"] },
  );
  assert.deepEqual(call.frame, frame);
  assert.equal(call.checklist.steps.length, 1);
  assert.deepEqual(call.device, { facing: "environment", torch: true, zoom: null, can: ["torch"] });
  assert.equal(one(call, { type: "call_freeze", frame: null }).frame, null);
  assert.deepEqual(deviceOf({ facing: "x", torch: 1, zoom: {}, can: 3 }), { facing: null, torch: null, zoom: null, can: [] });
});

test("the current call: one that goes on here, else the last that ended; the next makes it go", () => {
  const ended = aCall({ id: "c0", state: "ended" });
  const elsewhere = aCall({ id: "c9", room: "other", state: "active" });
  assert.equal(currentCall(calls(elsewhere), "r"), null);
  assert.equal(currentCall(calls(ended, elsewhere), "r").id, "c0");
  assert.equal(currentCall(calls(aCall(), elsewhere), "r").id, "c1");
  assert.deepEqual(calls(ended, aCall()).map(({ id }) => id), ["c1"]);
  assert.equal(currentCall(calls(aCall({ id: "c0", state: "wrap_up" }), aCall()), "r").id, "c1");
});

test("a join reply says which calls there are, or does not say", () => {
  assert.equal(callsOf({}), null);
  assert.equal(callsOf(null), null);
  assert.deepEqual(callsOf({ call: null }), []);
  assert.equal(callsOf({ call: aCall() })[0].id, "c1");
  assert.equal(callsOf({ calls: [aCall(), 5] }).length, 1);
  const room = snapshot({ name: "r", call: aCall() });
  assert.equal(room.call.id, "c1");
  assert.equal(snapshot({ name: "r" }, room).call.id, "c1", "what it does not mention stays");
  assert.equal(snapshot({ name: "r", call: null }, room).call, null);
});

test("the room's own reducer knows them", () => {
  const room = reduce(snapshot({ name: "r" }), { type: "call", call: aCall() });
  assert.equal(room.call.id, "c1");
  assert.equal(reduce(room, { type: "call_pointer", call: "c1", pointer: { x: 1, y: 1, target: "t" } }), room);
  assert.equal(reduce(room, { type: "call_message", call: "c1", message: aMessage("m") }).call.messages.length, 1);
});

test("what may be sent", () => {
  const agent = (mode) => person("agent", "ann", { mode });
  const shopper = (mode = "full") => person("shopper", "sam", { mode });
  const table = [
    ["sam", "waiting", [shopper()], "held"],
    ["sam", "waiting", [], "held"],
    ["ann", "ringing", [shopper(), agent("ring")], "held"],
    ["sam", "ringing", [shopper(), agent("ring")], "held"],
    ["ann", "active", [shopper(), agent("full")], "open"],
    ["sam", "active", [shopper(), agent("full")], "open"],
    ["sam", "on_hold", [shopper("hold"), agent("full")], "held"],
    ["ann", "on_hold", [shopper("hold"), agent("full")], "held"],
    ["sam", "on_hold", [shopper(), agent("full"), person("agent", "bob")], "held"],
    ["ann", "on_hold", [shopper(), agent("full")], "held"],
    ["ann", "on_hold", [shopper("hold"), agent("full"), person("agent", "bob")], "open"],
    ["bob", "on_hold", [shopper("hold"), agent("full"), person("agent", "bob")], "open"],
    ["ann", "on_hold", [shopper("hold"), agent("full"), person("agent", "bob", { mode: "ring" })], "held"],
    ["bob", "active", [shopper(), agent("full"), person("agent", "bob", { mode: "ring" })], "held"],
    ["sue", "active", [shopper(), agent("full"), person("supervisor", "sue", { mode: "listen" })], "none"],
    ["sue", "active", [shopper(), agent("full"), person("supervisor", "sue", { mode: "whisper" })], "open"],
    ["sue", "active", [shopper(), agent("full")], "none"],
    ["ann", "wrap_up", [shopper(), agent("full")], "none"],
    ["sam", "ended", [shopper()], "none"],
  ];
  for (const [who, state, people, expected] of table) {
    assert.equal(sendingOf(aCall({ state, people }), who), expected, `${who} ${state} ${people.map(({ mode }) => mode)}`);
  }
  assert.equal(sendingOf(null, "sam"), "none");
  assert.equal(seatOf(aCall({ people: [agent("full")] }), "ann").side, "agent");
  assert.deepEqual(["waiting", "wrap_up", "ended"].map((state) => isOver({ state })), [false, true, true]);
});

test("blurred from the consent until the stage is over, the shopper's alone", () => {
  const call = (state, consent) => aCall({ state: "active", escalation: { state, consent } });
  for (const state of ["asking", "offered", "on_stage"]) assert.equal(mustBlur(call(state, "blurred"), "sam"), true, state);
  for (const state of ["declined", "refused"]) assert.equal(mustBlur(call(state, "blurred"), "sam"), false, state);
  assert.equal(mustBlur(call("on_stage", "video"), "sam"), false);
  assert.equal(mustBlur(call("on_stage", "blurred"), "ann"), false);
  assert.equal(mustBlur(aCall({ state: "active" }), "sam"), false);
  assert.equal(mustBlur({ ...call("on_stage", "blurred"), state: "ended" }, "sam"), false);
});

test("the tracks of the others in the call", () => {
  const tracks = [{ id: "t1", peer: "p-ann" }, { id: "t2", peer: "p-sam" }, { id: "t3", peer: "p-host" }];
  const call = aCall({ state: "active", people: [person("shopper", "sam"), person("agent", "ann"), person("agent", "bob", { peer: null })] });
  assert.deepEqual(tracksOf(call, tracks, "sam").map(({ id }) => id), ["t1"]);
  assert.deepEqual(tracksOf(call, tracks, "ann").map(({ id }) => id), ["t2"]);
  assert.deepEqual(tracksOf({ ...call, state: "ended" }, tracks, "ann"), []);
  assert.deepEqual(tracksOf(null, tracks, "ann"), []);
});
