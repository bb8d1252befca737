/** The supervisor's wall: figures against their targets, lists in order, what the page is when nothing or nobody is there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { agentLines, callLines, doingOf, figuresOf, longestWait, lookOf, queueFacts, waitingLines, wallView, STALE_MS, TARGETS } from "../../web/pages/wall-view.js";

const NOW = 1_000_000_000;
const queue = (/** @type {object} */ more = {}) => ({ name: "q", title: "Q", open: true, opens_at: null, waiting: 0, agents: 2, estimate: null, full: false, ...more });
const agent = (/** @type {string} */ identity, /** @type {object} */ more = {}) => ({ identity, name: identity, presence: "available", state: null, since: NOW - 60_000, skills: [], call: null, calls_today: 0, ...more });
const waiter = (/** @type {string} */ call, /** @type {number} */ ms, /** @type {object} */ more = {}) => ({ call, queue: "q", state: "waiting", identity: call, name: call, since: NOW - ms, position: 1, media: "video", entry: "live", topic: "", priority: 0, can_take: false, ...more });
const call = (/** @type {string} */ id, /** @type {object} */ more = {}) => ({ id, room: "r", queue: "q", state: "active", media: "video", shopper: { identity: "s", name: "S" }, agent: { identity: "a", name: "A" }, since: NOW - 9_000, answered: NOW - 5_000, on_hold: false, on_stage: false, supervisors: [], ...more });
const wall = (/** @type {object} */ more = {}) => ({ at: NOW, queues: [queue()], waiting: [], agents: [agent("a")], calls: [], today: { in_queue: 0, service_level: null, asa_s: null, abandon_rate: null, csat: null, answered: 0, asked: 0 }, ...more });
const of = (/** @type {any} */ state, /** @type {string} */ id) => {
  const { now, today } = figuresOf(/** @type {any} */ (state), NOW);
  return [...now, ...today].find((figure) => figure.id === id);
};

for (const [value, target, look] of [
  [null, TARGETS.asa, "none"],
  [30_000, TARGETS.asa, "good"],
  [30_001, TARGETS.asa, "watch"],
  [60_000, TARGETS.asa, "watch"],
  [60_001, TARGETS.asa, "bad"],
  [0.8, TARGETS.level, "good"],
  [0.79, TARGETS.level, "watch"],
  [0.6, TARGETS.level, "watch"],
  [0.59, TARGETS.level, "bad"],
  [0, TARGETS.abandon, "good"],
]) {
  test(`${value} against ${JSON.stringify(target)} is ${look}`, () => assert.equal(lookOf(/** @type {any} */ (value), /** @type {any} */ (target)), look));
}

test("five large figures come first, the day's after them", () => {
  const { now, today } = figuresOf(/** @type {any} */ (wall()), NOW);
  assert.deepEqual(now.map(({ id }) => id), ["waiting", "longest", "level", "free", "calls"]);
  assert.deepEqual(today.map(({ id }) => id), ["answered", "asa", "abandon", "csat"]);
});

test("seconds of the server are milliseconds here", () => {
  assert.equal(of(wall({ today: { asa_s: 36 } }), "asa")?.value, 36_000);
});

test("the longest wait grows by itself, and rests while nobody waits", () => {
  const waiting = [waiter("a", 20_000), waiter("b", 121_000), waiter("c", 3_000)];
  const busy = wall({ waiting, today: { in_queue: 3 } });
  assert.equal(longestWait(/** @type {any} */ (busy), NOW), 121_000);
  assert.equal(longestWait(/** @type {any} */ (busy), NOW + 5_000), 126_000);
  assert.equal(of(busy, "longest")?.look, "bad");
  assert.deepEqual([of(wall(), "longest")?.value, of(wall(), "longest")?.look], [0, "good"]);
  assert.equal(longestWait(/** @type {any} */ ({ ...wall(), waiting: undefined, today: { longest_wait_s: 7 } }), NOW), 7_000);
});

for (const [what, state, look] of [
  ["somebody is free", {}, "good"],
  ["all are busy, nobody waits", { agents: [agent("a", { presence: "busy", state: "in_call" })] }, "watch"],
  ["all are busy, somebody waits", { agents: [agent("a", { presence: "busy", state: "in_call" })], today: { in_queue: 1 } }, "bad"],
  ["nobody is on duty and a queue is open", { agents: [agent("a", { presence: "offline" })] }, "bad"],
  ["it is night", { agents: [], queues: [queue({ open: false })] }, "none"],
]) {
  test(`free agents when ${what}: ${look}`, () => assert.equal(of(wall(/** @type {object} */ (state)), "free")?.look, look));
}

for (const [what, state, look] of [
  ["fewer wait than are free", { agents: [agent("a"), agent("b")], today: { in_queue: 2 } }, "good"],
  ["more wait than are free", { today: { in_queue: 2 } }, "watch"],
  ["a queue lets nobody in", { queues: [queue({ full: true })], today: { in_queue: 2 } }, "bad"],
]) {
  test(`waiting when ${what}: ${look}`, () => assert.equal(of(wall(/** @type {object} */ (state)), "waiting")?.look, look));
}

test("who is offline is not on duty", () => {
  const figure = of(wall({ agents: [agent("a"), agent("b", { presence: "break" }), agent("c", { presence: "offline" })] }), "free");
  assert.deepEqual([figure?.value, figure?.of], [1, 2]);
});

for (const [change, doing] of [
  [{ presence: "busy", state: "in_call" }, "in_call"],
  [{ presence: "busy", state: null }, "busy"],
  [{ presence: "offline", state: "wrap_up" }, "offline"],
  [{ presence: "break", state: null }, "break"],
]) {
  test(`${JSON.stringify(change)} is ${doing}`, () => assert.equal(doingOf(/** @type {any} */ (agent("a", /** @type {object} */ (change)))), doing));
}

test("agents: the free first, the longest in it first, and told when it is long", () => {
  const agents = [
    agent("off", { presence: "offline", since: 0 }),
    agent("talks", { presence: "busy", state: "in_call", since: NOW - 16 * 60_000 }),
    agent("young", { since: NOW - 1_000 }),
    agent("old", { since: NOW - 9_000_000 }),
    agent("rings", { presence: "busy", state: "ringing", since: NOW - 10_000 }),
  ];
  const lines = agentLines(/** @type {any} */ (agents), NOW);
  assert.deepEqual(lines.map(({ agent: { identity } }) => identity), ["old", "young", "rings", "talks", "off"]);
  assert.deepEqual(lines.map(({ long }) => long), [false, false, false, true, false]);
});

test("waiting and calls: the longest first, whatever order they came in", () => {
  const lines = waitingLines(/** @type {any} */ ([waiter("a", 5_000), waiter("b", 130_000, { state: "ringing" }), waiter("c", 31_000)]), NOW);
  assert.deepEqual(lines.map(({ entry, look, rings }) => [entry.call, look, rings]), [["b", "bad", true], ["c", "watch", false], ["a", "good", false]]);
  const calls = callLines(/** @type {any} */ ([call("late"), call("early", { answered: NOW - 50_000 }), call("asked", { answered: null, since: NOW - 70_000 })]), NOW);
  assert.deepEqual(calls.map(({ call: { id }, ms }) => [id, ms]), [["asked", 70_000], ["early", 50_000], ["late", 5_000]]);
  assert.equal(callLines(/** @type {any} */ ([call("c", { answered: NOW + 400 })]), NOW)[0]?.ms, 0);
});

for (const [what, line, waiting, state, look, unmanned] of [
  ["open and idle", {}, [], "open", "none", false],
  ["a long wait", {}, [waiter("a", 40_000)], "open", "watch", false],
  ["another queue's wait", {}, [waiter("a", 400_000, { queue: "other" })], "open", "none", false],
  ["full", { full: true }, [waiter("a", 4_000)], "full", "bad", false],
  ["nobody there, nobody waits", { agents: 0 }, [], "open", "watch", true],
  ["nobody there, somebody waits", { agents: 0 }, [waiter("a", 4_000)], "open", "bad", true],
  ["closed", { open: false, agents: 0 }, [], "closed", "none", false],
]) {
  test(`a queue: ${what}`, () => {
    const facts = queueFacts(/** @type {any} */ (queue(/** @type {object} */ (line))), /** @type {any} */ (waiting), NOW);
    assert.deepEqual([facts.state, facts.look, facts.unmanned], [state, look, unmanned]);
  });
}

for (const [what, facts, scene, link] of [
  ["a token is needed", { tokenNeeded: true }, "token", "live"],
  ["refused", { failure: "forbidden" }, "failed", "live"],
  ["nothing heard yet", { deskState: "connecting" }, "connecting", "repairing"],
  ["news", { wall: wall(), ageMs: 1_000 }, "live", "live"],
  ["no news any more", { wall: wall(), ageMs: STALE_MS + 1 }, "live", "stale"],
  ["the connection is lost", { wall: wall(), ageMs: 900, deskState: "reconnecting" }, "live", "repairing"],
  ["nothing there", { wall: wall({ queues: [], agents: [] }), ageMs: 0 }, "empty", "live"],
]) {
  test(`the page when ${what}`, () => {
    const view = wallView(/** @type {any} */ ({ tokenNeeded: false, failure: null, deskState: "joined", wall: null, ageMs: null, .../** @type {object} */ (facts) }));
    assert.deepEqual(view, { scene, link });
  });
}
