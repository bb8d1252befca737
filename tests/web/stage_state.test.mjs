import assert from "node:assert/strict";
import { test } from "node:test";
import { KEPT, brings, newsOf, same } from "../../web/sdk/stage_state.js";
import { EMPTY, reduce, snapshot } from "../../web/sdk/state.js";
import { reduceDesk } from "../../web/sdk/desk.js";

const place = (identity, more = {}) => ({
  identity, peer: `peer-${identity}`, name: identity, role: "agent", state: "on", cohost: false,
  locked: { audio: false, video: false }, ...more,
});
const stage = { places: [place("ann")], layout: "solo", pin: null, locked: false, hands_open: false };
const invite = (id, more = {}) => ({
  id, room: "r", title: "R", direction: "invite", state: "pending", reason: null,
  from: { identity: "ann", name: "Ann", role: "host" }, target: { kind: "identity", value: "me" },
  to: { identity: "me", name: "Me" }, tried: 1, topic: "", product: null, created: 1, ring_until: 2, ...more,
});
const said = (id, text = "hello") => ({ id, identity: "ann", name: "Ann", role: "host", text, at: 1 });
const told = (id, more = {}) => ({
  id, from: { identity: "ann", name: "Ann", role: "host" }, text: "stop", urgent: true, at: 1, acked: [], ...more,
});
const hand = { identity: "bo", name: "Bo", topic: "", at: 1 };
const agent = { identity: "a", name: "A", skills: ["x"], presence: "available", engaged: false, here: false };
const room = snapshot({
  name: "r", stage, invites: [invite("i1")], chat: { messages: [said("m1"), said("m2")], slow_s: 0, muted_until: null },
  backchannel: [told("b1")], hands: [hand], agents: [agent], staff: [{ identity: "v", name: "V", role: "supervisor" }],
});
const chat = (change) => ({ chat: { ...room.chat, ...change } });
const me = { identity: "me", controls: false };

const CHANGES = [
  ["somebody comes on stage", { type: "stage", stage: { ...stage, places: [place("ann"), place("me", { state: "joining" })] } },
    { stage: { ...stage, places: [place("ann"), place("me", { state: "joining" })] } }],
  ["the layout changes", { type: "stage", stage: { ...stage, layout: "grid", pin: "ann" } }, { stage: { ...stage, layout: "grid", pin: "ann" } }],
  ["it rings once more", { type: "invite", invite: invite("i2") }, { invites: [invite("i1"), invite("i2")] }],
  ["a ring changes in its place", { type: "invite", invite: invite("i1", { tried: 2 }) }, { invites: [invite("i1", { tried: 2 })] }],
  ...["accepted", "declined", "cancelled", "expired", "failed"].map((state) => [
    `an invitation that is ${state} is let go`, { type: "invite", invite: invite("i1", { state }) }, { invites: [] },
  ]),
  ["a ring that went on to somebody else is let go", { type: "invite", invite: invite("i1", { to: { identity: "cy", name: "Cy" } }) }, { invites: [] }],
  ["hands", { type: "hands", hands: [] }, { hands: [] }],
  ["our hand", { type: "hand", raised: true, open: true }, { hand: { raised: true } }],
  ["agents", { type: "agents", agents: [{ ...agent, presence: "busy" }] }, { agents: [{ ...agent, presence: "busy" }] }],
  ["staff", { type: "staff", staff: [] }, { staff: [] }],
  ["a message", { type: "chat", message: said("m3") }, chat({ messages: [said("m1"), said("m2"), said("m3")] })],
  ["a message taken out", { type: "chat_deleted", message: "m1" }, chat({ messages: [said("m2")] })],
  ["slow mode", { type: "chat_settings", slow_s: 10 }, chat({ slow_s: 10 })],
  ["we are muted", { type: "chat_muted", until: 99 }, chat({ muted_until: 99 })],
  ["staff talk", { type: "backchannel", message: told("b2") }, { backchannel: [told("b1"), told("b2")] }],
  ["somebody has seen it", { type: "backchannel_acked", message: "b1", by: { identity: "v", name: "V" }, at: 5 },
    { backchannel: [told("b1", { acked: [{ identity: "v", name: "V" }] })] }],
];

for (const [name, event, expected] of CHANGES) {
  test(name, () => {
    const frozen = structuredClone(room);
    const next = reduce(room, event, me);
    assert.deepEqual(next, { ...room, ...expected });
    assert.deepEqual(room, frozen, "the former value is untouched");
    assert.equal(reduce(next, structuredClone(event), me), next, "the same event twice changes nothing more");
  });
}

const IGNORED = [
  { type: "stage" }, { type: "stage", stage: null }, { type: "stage", stage: [] }, { type: "stage", stage: { places: "x" } },
  { type: "stage", stage: { ...stage, places: [null] } }, { type: "stage", stage: { ...stage, places: [{ peer: "p" }] } },
  { type: "stage", stage: structuredClone(stage) },
  { type: "invite" }, { type: "invite", invite: 7 }, { type: "invite", invite: { id: "i1", state: "expired" } },
  { type: "invite", invite: { ...invite("i1"), id: 4 } }, { type: "invite", invite: invite("i9", { state: "expired" }) },
  { type: "invite", invite: invite("i9", { to: null, direction: "request" }) },
  { type: "hands" }, { type: "hands", hands: {} }, { type: "hands", hands: [1] }, { type: "hands", hands: [{}] },
  { type: "hands", hands: [{ ...hand }] }, { type: "agents", agents: [{ name: "A" }] }, { type: "staff", staff: "all" },
  { type: "hand" }, { type: "hand", raised: "yes" }, { type: "hand", raised: false, open: true },
  { type: "chat" }, { type: "chat", message: "hello" }, { type: "chat", message: { id: "m9" } },
  { type: "chat", message: { ...said("m9"), text: null } }, { type: "chat", message: said("m2", "again") },
  { type: "chat_deleted" }, { type: "chat_deleted", message: "m9" }, { type: "chat_deleted", message: { id: "m1" } },
  { type: "chat_settings" }, { type: "chat_settings", slow_s: "10" }, { type: "chat_muted" }, { type: "chat_muted", until: "now" },
  { type: "backchannel", message: { id: "b9", text: "x" } }, { type: "backchannel_acked", message: "b1" },
  { type: "backchannel_acked", message: "b9", by: { identity: "v", name: "V" } },
  { type: "unmute_requested", audio: true }, { type: "toString" },
];

for (const event of IGNORED) {
  test(`nothing changes: ${JSON.stringify(event).slice(0, 100)}`, () => assert.equal(reduce(room, event, me), room));
}

test("who runs the show keeps everybody's pending invitations", () => {
  const other = invite("i9", { to: { identity: "cy", name: "Cy" } });
  assert.deepEqual(reduce(room, { type: "invite", invite: other }, { identity: "me", controls: true }).invites, [invite("i1"), other]);
  assert.deepEqual(reduce(room, { type: "invite", invite: other }).invites, [invite("i1"), other]);
});

test("the oldest of more than 200 messages goes", () => {
  let talk = snapshot(null);
  for (let index = 0; index < KEPT + 5; index++) {
    talk = reduce(talk, { type: "chat", message: said(`m${index}`) });
    talk = reduce(talk, { type: "backchannel", message: told(`b${index}`) });
  }
  assert.equal(talk.chat.messages.length, KEPT);
  assert.equal(talk.chat.messages[0].id, "m5");
  assert.equal(talk.chat.messages.at(-1).id, `m${KEPT + 4}`);
  assert.equal(talk.backchannel.length, KEPT);
});

test("a snapshot without stage and chat, or with half of them, has all its parts", () => {
  assert.deepEqual(snapshot({ name: "x" }), { ...EMPTY, name: "x" });
  const half = snapshot({
    stage: { places: [{ identity: "a", name: "A" }], layout: "grid" }, chat: { messages: [] }, invites: [invite("i", { state: "expired" })],
  });
  assert.deepEqual(half.stage.places[0].locked, { audio: false, video: false });
  assert.equal(half.stage.pin, null);
  assert.deepEqual(half.chat, EMPTY.chat);
  assert.deepEqual(half.invites, []);
  assert.deepEqual(snapshot({ stage: { places: "x" } }).stage, EMPTY.stage);
});

test("who an invitation brings on stage", () => {
  assert.equal(brings(invite("i"), "me"), true);
  assert.equal(brings(invite("i"), "ann"), false);
  const offer = invite("o", { direction: "request", from: { identity: "me", name: "Me", role: "agent" }, to: null });
  assert.equal(brings(offer, "me"), true);
  assert.equal(brings(invite("i", { to: null }), undefined), false);
});

for (const [event, name, detail] of [
  [{ type: "invite", invite: invite("i1", { state: "expired" }) }, "invite", { invite: invite("i1", { state: "expired" }) }],
  [{ type: "unmute_requested", audio: true, by: { identity: "ann", name: "Ann" } }, "unmuterequested",
    { audio: true, video: false, by: { identity: "ann", name: "Ann" } }],
  [{ type: "hand", raised: false, open: true }, "hand", { raised: false, open: true }],
  [{ type: "chat", message: said("m") }, "chat", { message: said("m") }],
  [{ type: "chat_muted", until: null }, "chatmuted", { until: null }],
  [{ type: "backchannel", message: told("b") }, "backchannel", { message: told("b") }],
]) {
  test(`${event.type} is also told as ${name}`, () => assert.deepEqual(newsOf(event), { name, detail }));
}

for (const event of [{ type: "chat" }, { type: "invite" }, { type: "hand" }, { type: "viewers", count: 1 }, { type: "valueOf" }]) {
  test(`nothing is told of ${JSON.stringify(event)}`, () => assert.equal(newsOf(event), null));
}

for (const [a, b, equal] of [
  [1, 1, true], [1, "1", false], [null, null, true], [null, {}, false], [[], {}, false], [[1], [1], true], [[1], [1, 2], false],
  [{ a: 1 }, { a: 1 }, true], [{ a: 1 }, { a: 1, b: undefined }, false], [{ a: undefined }, { b: 1 }, false],
  [{ a: [{ b: 1 }] }, { a: [{ b: 1 }] }, true], [{ a: [{ b: 1 }] }, { a: [{ b: 2 }] }, false],
]) {
  test(`${JSON.stringify(a)} and ${JSON.stringify(b)}: ${equal ? "same" : "not the same"}`, () => assert.equal(same(a, b), equal));
}

// --- the desk

const self = {
  identity: "me", name: "Me", presence: "available", chosen: "available", since: 1, skills: ["x"], all_skills: ["x"], engaged: null,
};
const live = { name: "r", title: "R", state: "live", since: 1, viewers: 2, host: "Ann", on_stage: 1 };
const desk = { me: self, rooms: [live], invites: [invite("i1")] };

for (const [name, event, expected] of [
  ["a break", { type: "presence", me: { ...self, presence: "break" } }, { me: { ...self, presence: "break" } }],
  ["no room", { type: "desk_rooms", rooms: [] }, { rooms: [] }],
  ["another ring", { type: "invite", invite: invite("i2") }, { invites: [invite("i1"), invite("i2")] }],
  ["the ring is over", { type: "invite", invite: invite("i1", { state: "cancelled" }) }, { invites: [] }],
  ["it rings for the next one", { type: "invite", invite: invite("i1", { to: { identity: "cy", name: "Cy" } }) }, { invites: [] }],
]) {
  test(`at the desk: ${name}`, () => assert.deepEqual(reduceDesk(desk, event), { ...desk, ...expected }));
}

for (const event of [
  { type: "presence" }, { type: "presence", me: null }, { type: "presence", me: structuredClone(self) }, { type: "desk_rooms" },
  { type: "desk_rooms", rooms: [{}] }, { type: "desk_rooms", rooms: [null] }, { type: "invite" }, { type: "invite", invite: {} },
  { type: "chat", message: said("m") },
]) {
  test(`at the desk nothing changes: ${JSON.stringify(event).slice(0, 80)}`, () => assert.equal(reduceDesk(desk, event), desk));
}
