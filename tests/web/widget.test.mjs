/** What the help widget shows, from what is known. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { contextOf, deviceOf } from "../../web/widget/context.js";
import { cornerAfter, cornerOf } from "../../web/widget/drag.js";
import { agentOf, callbackTimes, needs, queueOf, stepsUp, viewOf, waitRange } from "../../web/widget/view.js";

const ROOT = new URL("../../", import.meta.url);
const DEVICE = { state: "none", off: false, problem: null };
const QUEUE = { name: "a", title: "A", open: true, opens_at: null, waiting: 0, agents: 1, estimate: null, full: false };
const ME = { identity: "me", name: "Me", role: "shopper", side: "shopper", mode: "full", peer: "p1", state: "connected" };
const AGENT = { identity: "a1", name: "Ann", role: "agent", side: "agent", mode: "full", peer: "p2", state: "connected" };

const model = (changes = {}) => ({
  open: true, link: "ready", failure: null, queues: [QUEUE], queue: "", call: null, self: "me", asking: false, refusal: null,
  callback: "none", calledAt: 0, rating: "open", media: "video", microphone: DEVICE, camera: DEVICE, chat: false, stepping: "none",
  ...changes,
});
const call = (changes = {}) => ({
  id: "c", room: "help", queue: "a", queue_title: "A", direction: "in", media: "video", state: "waiting", created: 0, answered: null,
  ended: null, outcome: null, end_reason: null, position: 1, estimate: null, ring_until: null, held_by: null, topic: "",
  shopper: { identity: "me", name: "Me", peer: "p1", state: "connected" }, people: [ME], transfer: null, escalation: null,
  messages: [], ...changes,
});
const talking = (changes = {}) => call({ state: "active", answered: 1, people: [ME, AGENT], ...changes });

for (const [name, changes, frame, scene] of [
  ["closed at first", { open: false }, "button", "ask"],
  ["open", {}, "card", "ask"],
  ["before anything is known", { link: "connecting", queues: null }, "card", "ask"],
  ["asking", { asking: true }, "card", "starting"],
  ["out of hours", { queues: [{ ...QUEUE, open: false }] }, "card", "closed"],
  ["another queue is closed", { queues: [QUEUE, { ...QUEUE, name: "b", open: false }] }, "card", "ask"],
  ["the wanted queue is closed", { queue: "b", queues: [QUEUE, { ...QUEUE, name: "b", open: false }] }, "card", "closed"],
  ["full", { queues: [{ ...QUEUE, full: true }] }, "card", "busy"],
  ["refused: closed", { refusal: { code: "queue_closed", message: "" } }, "card", "closed"],
  ["refused: full", { refusal: { code: "queue_full", message: "" } }, "card", "busy"],
  ["refused: anything else", { refusal: { code: "forbidden", message: "" } }, "card", "failed"],
  ["no way to the room", { link: "failed", failure: { code: "token_expired", message: "" } }, "card", "failed"],
  ["asks for a callback", { callback: "form" }, "card", "callback"],
  ["has one", { callback: "done" }, "card", "called"],
  ["waits", { call: call() }, "card", "waiting"],
  ["waits, minimised", { call: call(), open: false }, "bubble", "waiting"],
  ["waits while the way is lost", { call: call(), link: "lost" }, "card", "waiting"],
  ["waits, and asks for a callback", { call: call(), callback: "form" }, "card", "callback"],
  ["an agent is rung", { call: call({ state: "ringing", people: [ME, { ...AGENT, mode: "ring" }] }) }, "card", "ringing"],
  ["an agent rings", { call: call({ direction: "out", state: "ringing", people: [{ ...ME, mode: "ring" }, AGENT] }) }, "card", "incoming"],
  ["talks", { call: talking() }, "card", "call"],
  ["is on hold", { call: talking({ state: "on_hold" }) }, "card", "call"],
  ["has talked", { call: talking({ state: "wrap_up" }) }, "card", "rate"],
  ["has talked, agent done", { call: talking({ state: "ended", outcome: "completed" }) }, "card", "rate"],
  ["does not want to rate", { call: talking({ state: "ended", outcome: "completed" }), rating: "skipped" }, "card", "over"],
  ["was cut off", { call: talking({ state: "ended", outcome: "failed" }) }, "card", "over"],
  ["nobody came", { call: call({ state: "ended", outcome: "expired" }) }, "card", "over"],
  ["is called back", { call: call({ state: "ended", outcome: "callback" }) }, "card", "called"],
]) {
  test(`whoever ${name} sees ${scene}`, () => {
    const view = viewOf(model(changes));
    assert.deepEqual([view.frame, view.scene], [frame, scene]);
  });
}

for (const [name, changes, more, banner] of [
  ["nothing", {}, {}, null],
  ["own connection first", { state: "on_hold" }, { link: "lost" }, "reconnecting"],
  ["hold", { state: "on_hold" }, {}, "hold"],
  ["the agent's connection", { people: [ME, { ...AGENT, state: "reconnecting" }] }, {}, "agent_reconnecting"],
  ["a transfer", { transfer: { kind: "identity", to: "a2", name: "Bo", warm: false, state: "ringing" } }, {}, "transfer"],
  ["a warm transfer, on hold meanwhile", { state: "on_hold", transfer: { kind: "identity", to: "a2", name: "Bo", warm: true, state: "talking" } }, {}, "warm"],
  ["the stage", { escalation: { state: "on_stage", consent: "voice" } }, {}, "on_stage"],
  ["the stage, not yet", { escalation: { state: "offered", consent: "voice" } }, {}, "stage_offered"],
  ["the stage, not at all", { escalation: { state: "refused", consent: "voice" } }, {}, "stage_refused"],
  ["own no to the stage", { escalation: { state: "declined", consent: "no" } }, {}, null],
]) {
  test(`over the call lies ${name}`, () => assert.equal(viewOf(model({ call: talking(changes), ...more })).banner, banner));
}

test("only a yes or no to the stage lies over everything, and once", () => {
  const asked = (consent) => viewOf(model({ call: talking({ escalation: { state: "asking", consent } }) })).sheet;
  assert.equal(asked(null), "consent");
  assert.equal(asked("voice"), null);
});

test("the show is ducked while somebody talks, and at no other time", () => {
  const ducked = (changes) => viewOf(model({ call: talking(changes) })).ducked;
  assert.equal(ducked({}), true);
  assert.equal(ducked({ media: "voice" }), true);
  assert.equal(ducked({ media: "text" }), false);
  assert.equal(ducked({ state: "on_hold" }), false);
  assert.equal(ducked({ escalation: { state: "on_stage", consent: "video" } }), false);
  assert.equal(viewOf(model({ call: call() })).ducked, false);
  assert.equal(viewOf(model({ call: talking({ state: "ended", outcome: "completed" }) })).ducked, false);
});

test("whoever talks comes before whoever rings, and whoever only listens is nobody", () => {
  const people = (...list) => agentOf(call({ people: [ME, ...list] }));
  assert.equal(people(), null);
  assert.equal(people({ ...AGENT, mode: "listen" }), null);
  assert.equal(people({ ...AGENT, mode: "ring", identity: "new" }, AGENT).identity, "a1");
  assert.equal(people({ ...AGENT, side: "supervisor", identity: "boss" }, AGENT).identity, "a1");
  assert.equal(people({ ...AGENT, mode: "hold" }, { ...AGENT, identity: "a2" }).identity, "a2");
});

test("each kind of call asks for what it needs and no more", () => {
  assert.deepEqual(["text", "voice", "video"].map(needs), [[], ["microphone"], ["microphone", "camera"]]);
  assert.deepEqual(["text", "voice", "video"].map(stepsUp), [["voice", "video"], ["video"], []]);
});

test("a device that is missing is told when the call needs it", () => {
  const camera = { state: "problem", off: false, problem: "permission_denied" };
  const problem = (media, more = {}) => viewOf(model({ media, camera, ...more })).problem;
  assert.equal(problem("text"), null);
  assert.equal(problem("voice"), null);
  assert.equal(problem("video"), "permission_denied");
  assert.equal(viewOf(model({ call: talking({ media: "text" }), stepping: "video", camera })).sheet, "device");
  assert.equal(viewOf(model({ call: talking({ media: "text" }), stepping: "voice", camera })).sheet, null);
});

test("the range is never shorter than what the server thinks", () => {
  assert.deepEqual(waitRange(null), { kind: "unknown" });
  assert.deepEqual(waitRange({ low_s: 5, high_s: 60 }), { kind: "soon" });
  assert.deepEqual(waitRange({ low_s: 5, high_s: 61 }), { kind: "range", low: 1, high: 2 });
  assert.deepEqual(waitRange({ low_s: 70, high_s: 190 }), { kind: "range", low: 1, high: 4 });
  assert.deepEqual(waitRange({ low_s: 120, high_s: 120 }), { kind: "about", minutes: 2 });
  for (let high = 1; high < 4000; high += 37) {
    const range = waitRange({ low_s: high / 2, high_s: high });
    const told = range.kind === "soon" ? 1 : (range.high ?? range.minutes);
    assert.ok(told * 60 >= high, String(high));
  }
});

test("callbacks are on the half hour, and not before the queue opens", () => {
  const half = 30 * 60_000;
  const now = 1_000 * half + 5;
  const times = callbackTimes(now, null);
  assert.equal(times.length, 6);
  assert.ok(times.every((at, index) => at % half === 0 && at > now + 9 * 60_000 && (index === 0 || at - times[index - 1] === half)));
  assert.equal(callbackTimes(now, now + 20 * half + 7)[0], 1_021 * half);
});

test("the queue is the wanted one, else the first", () => {
  const queues = [QUEUE, { ...QUEUE, name: "b" }];
  assert.equal(queueOf({ queues, queue: "", call: null }).name, "a");
  assert.equal(queueOf({ queues, queue: "b", call: null }).name, "b");
  assert.equal(queueOf({ queues, queue: "gone", call: null }), null);
  assert.equal(queueOf({ queues: null, queue: "b", call: null }), null);
});

test("what is moved comes to rest in the nearest corner", () => {
  const frame = { x: 0, y: 0, width: 400, height: 800 };
  const at = (x, y) => cornerOf({ x, y, width: 100, height: 100 }, frame);
  assert.deepEqual([at(0, 0), at(290, 10), at(10, 690), at(290, 690)], ["top left", "top right", "bottom left", "bottom right"]);
  assert.equal(cornerAfter("top left", "ArrowRight"), "top right");
  assert.equal(cornerAfter("top left", "ArrowDown"), "bottom left");
  assert.equal(cornerAfter("top left", "ArrowUp"), "top left");
});

test("the agent is told of the page, but no secrets of its address", () => {
  const context = contextOf({
    data: { productId: "7", productTitle: "  Head\nphones ", productPrice: "¥899" },
    url: "https://shop.example/p/7?token=secret#more", title: "x".repeat(300), locale: "zh-CN", device: "iOS · Safari",
  });
  assert.equal(context.entry, "product");
  assert.equal(context.page_url, "https://shop.example/p/7");
  assert.equal(context.page_title.length, 200);
  assert.deepEqual(context.product, { id: "7", title: "Head phones", price: "¥899", url: "" });
  assert.equal(context.order, null);
  assert.equal(contextOf({ data: { entry: "order", orderId: "9" }, url: "nonsense", title: "", locale: "", device: "" }).entry, "order");
  assert.equal(contextOf({ data: { entry: "<b>" }, url: "", title: "", locale: "", device: "" }).entry, "help");
});

test("devices are named as people name them", () => {
  assert.equal(deviceOf("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1"), "iOS · Safari");
  assert.equal(deviceOf("Mozilla/5.0 (Linux; Android 15) Chrome/130.0 Mobile Safari/537.36 MicroMessenger/8"), "Android · WeChat");
  assert.equal(deviceOf("Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/140.0"), "Windows · Firefox");
  assert.equal(deviceOf(""), "");
});

test("nothing of the widget asks the page for a file by its own address", () => {
  for (const name of readdirSync(new URL("web/widget/", ROOT))) {
    const source = readFileSync(new URL(`web/widget/${name}`, ROOT), "utf8").replace(/\/\*[^]*?\*\//g, "");
    assert.doesNotMatch(source, /"\/web\//, name);
    assert.doesNotMatch(source, /innerHTML|insertAdjacentHTML|document\.write/, name);
  }
});
