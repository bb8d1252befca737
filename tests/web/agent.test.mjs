/** The agent console's decisions: which scene, which ring, what was missed, what the host changed, today's figures. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asDay, dateOf, withMissed } from "../../web/pages/agent-day.js";
import {
  consoleView,
  nextCamera,
  placeNews,
  placeOf,
  remaining,
  ringEnd,
  ringOf,
  sortRooms,
  urgentOf,
  wasMissed,
} from "../../web/pages/agent-view.js";

const facts = (/** @type {object} */ change = {}) => ({
  tokenNeeded: false,
  failure: null,
  seated: true,
  deskState: "joined",
  mode: null,
  roomState: "idle",
  ...change,
});

for (const [what, input, scene, repairing] of [
  ["nothing heard yet", facts({ seated: false, deskState: "connecting" }), "connecting", null],
  ["at the desk", facts(), "idle", null],
  ["the desk's connection dropped", facts({ deskState: "reconnecting" }), "idle", "desk"],
  ["no token", facts({ tokenNeeded: true, failure: "token_expired" }), "token", null],
  ["refused", facts({ failure: "forbidden" }), "failed", null],
  ["it rings", facts({ mode: "ring", roomState: "connecting" }), "ring", null],
  ["listening in", facts({ mode: "watch", roomState: "joined" }), "watch", null],
  ["listening in, dropped", facts({ mode: "watch", roomState: "reconnecting" }), "watch", "room"],
  ["both dropped: the picture matters more", facts({ mode: "air", roomState: "reconnecting", deskState: "reconnecting" }), "air", "room"],
  ["on air without a desk", facts({ mode: "air", roomState: "joined", failure: "identity_replaced" }), "air", null],
  ["on air and the token is gone", facts({ mode: "air", roomState: "joined", tokenNeeded: true }), "air", null],
  ["coming back before the desk answers", facts({ mode: "back", seated: false, deskState: "connecting" }), "back", null],
  ["asking, and the desk is closed", facts({ mode: "asking", roomState: "joined", failure: "forbidden" }), "failed", null],
]) {
  test(`console: ${what} -> ${scene}`, () => {
    assert.deepEqual(consoleView(input), { scene, repairing });
  });
}

const invite = (/** @type {object} */ change = {}) => ({
  id: "i1",
  room: "r",
  title: "",
  direction: "invite",
  state: "pending",
  reason: null,
  from: { identity: "host", name: "林小满", role: "host" },
  target: { kind: "identity", value: "me" },
  to: { identity: "me", name: "陈嘉木" },
  tried: 1,
  topic: "",
  product: null,
  created: 1000,
  ring_until: 21_000,
  ...change,
});

test("only a pending invite to us rings, the oldest first", () => {
  const older = invite({ id: "i0", created: 10 });
  const others = [
    invite({ id: "x1", to: { identity: "you", name: "" }, created: 1 }),
    invite({ id: "x2", to: null, created: 1 }),
    invite({ id: "x3", direction: "request", created: 1 }),
    invite({ id: "x4", state: "accepted", created: 1 }),
  ];
  assert.equal(ringOf([...others, invite(), older], "me")?.id, "i0");
  assert.equal(ringOf(others, "me"), null);
  assert.equal(ringOf([], "me"), null);
});

for (const [what, change, end, missed] of [
  ["still rings", {}, null, false],
  ["we said yes", { state: "accepted" }, null, false],
  ["somebody else said yes", { state: "accepted", to: { identity: "you", name: "" } }, "answered", false],
  ["the next one rings", { to: { identity: "you", name: "" }, tried: 2 }, "moved", true],
  ["the next one is being looked for", { to: null }, "moved", true],
  ["nobody answered", { state: "expired" }, "expired", true],
  ["taken back", { state: "cancelled", reason: "show_ended" }, "cancelled", true],
  ["we said no", { state: "declined" }, "declined", false],
  ["no media came", { state: "failed" }, "failed", false],
]) {
  test(`a ring: ${what} -> ${end}`, () => {
    assert.equal(ringEnd(invite(change), "me"), end);
    assert.equal(end !== null && wasMissed(end), missed);
  });
}

test("the countdown runs on the server's clock and never below zero", () => {
  assert.equal(remaining(21_000, 1000, 0), 20_000);
  assert.equal(remaining(21_000, 1000, 15_000), 5000);
  assert.equal(remaining(21_000, 30_000, 0), 0);
  assert.equal(remaining(null, 1, 0), null);
});

const place = (/** @type {object} */ change = {}) => ({
  identity: "me",
  peer: "p",
  name: "陈嘉木",
  role: "agent",
  state: "on",
  cohost: false,
  locked: { audio: false, video: false },
  ...change,
});

test("our place is found by identity", () => {
  const stage = { places: [place({ identity: "host" }), place()], layout: "solo", pin: null, locked: false, hands_open: false };
  assert.equal(placeOf(stage, "me")?.identity, "me");
  assert.equal(placeOf(stage, "nobody"), null);
  assert.equal(placeOf(null, "me"), null);
  assert.equal(placeOf(stage, undefined), null);
});

for (const [what, before, after, news] of [
  ["came on", null, place(), []],
  ["went off", place(), null, []],
  ["nothing", place(), place({ state: "joining" }), []],
  ["muted", place(), place({ locked: { audio: true, video: false } }), ["muted_audio"]],
  ["both at once", place(), place({ locked: { audio: true, video: true } }), ["muted_both"]],
  ["one lifted, one stays", place({ locked: { audio: true, video: true } }), place({ locked: { audio: false, video: true } }), []],
  ["lifted", place({ locked: { audio: true, video: false } }), place(), []],
  ["co-host", place(), place({ cohost: true }), ["cohost"]],
  ["no co-host any more", place({ cohost: true }), place(), ["cohost_off"]],
]) {
  test(`our place: ${what}`, () => {
    assert.deepEqual(placeNews(before, after), news);
  });
}

test("rooms: live before away, then the fullest, then by name", () => {
  const room = (name, state, viewers) => ({ name, title: "", state, since: 0, viewers, host: null, on_stage: 0 });
  const rooms = [room("c", "away", 900), room("b", "live", 5), room("a", "live", 5), room("d", "live", 50)];
  assert.deepEqual(sortRooms(rooms).map(({ name }) => name), ["d", "a", "b", "c"]);
  assert.equal(rooms[0]?.name, "c");
});

test("flipping goes round all cameras and needs two", () => {
  const cameras = [{ id: "front" }, { id: "rear" }, { id: "" }, { id: "rear" }];
  assert.equal(nextCamera(cameras, "front"), "rear");
  assert.equal(nextCamera(cameras, "rear"), "front");
  assert.equal(nextCamera(cameras, "gone"), "front");
  assert.equal(nextCamera([{ id: "front" }], "front"), null);
  assert.equal(nextCamera([{ id: "" }, { id: "" }], ""), null);
});

test("an urgent word stays until we have confirmed it; old ones only while nobody has", () => {
  const word = (id, change = {}) => ({ id, urgent: true, at: 100, from: { identity: "boss" }, acked: [], ...change });
  const mine = { acked: [{ identity: "me" }] };
  const hosts = { acked: [{ identity: "host" }] };
  assert.equal(urgentOf([word("1"), word("2")], "me", 50)?.id, "2");
  assert.equal(urgentOf([word("1"), word("2", mine)], "me", 50)?.id, "1");
  assert.equal(urgentOf([word("1", hosts)], "me", 50)?.id, "1");
  assert.equal(urgentOf([word("1", hosts)], "me", 101), null);
  assert.equal(urgentOf([word("1")], "me", 101)?.id, "1");
  assert.equal(urgentOf([word("1", { urgent: false }), word("2", { from: { identity: "me" } })], "me", 50), null);
});

test("today's figures begin anew each day and survive nonsense", () => {
  const today = dateOf(new Date(2026, 0, 5, 23, 59).getTime());
  assert.equal(today, "2026-01-05");
  const empty = { date: today, rings: 0, answered: 0, onAirMs: 0, missed: [] };
  const full = { date: today, rings: 3, answered: 2, onAirMs: 61_000, missed: [] };
  assert.deepEqual(asDay(full, today), full);
  for (const kept of [null, undefined, 7, "x", {}, { ...full, date: "2026-01-04" }]) assert.deepEqual(asDay(kept, today), empty);
  assert.deepEqual(asDay({ date: today, rings: -1, answered: Number.NaN, onAirMs: "9", missed: {} }, today), empty);
});

test("a missed ring is told once, the newest first, five at most", () => {
  let day = asDay(null, "2026-01-05");
  for (const id of ["1", "2", "2", "3", "4", "5", "6"]) day = withMissed(day, { id, room: "r", from: "f", topic: "", at: 0 });
  assert.deepEqual(day.missed.map(({ id }) => id), ["6", "5", "4", "3", "2"]);
});
