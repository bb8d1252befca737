/** Help calls in the agent console: whose call it is, who is shown, what a seat allows, banners, drafts, lists. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bannersOf } from "../../web/pages/agent-help-banners.js";
import { callControls, moreControls, nextZoom } from "../../web/pages/agent-help-controls.js";
import { repliesFor, repliesIn } from "../../web/pages/agent-help-replies.js";
import { EMPTY_DRAFT, asDrafts, draftOf } from "../../web/pages/agent-help-notes.js";
import {
  colleaguesFor,
  currentCall,
  dutyOf,
  handsOver,
  peopleShown,
  phaseOf,
  rightsOf,
  ringEnd,
  seatOf,
  skillsFor,
  sortWaiting,
  stepUp,
  waitingCount,
  waitLook,
} from "../../web/pages/agent-help-view.js";
import { consoleView } from "../../web/pages/agent-view.js";

const person = (/** @type {string} */ identity, /** @type {object} */ more = {}) => ({
  identity, name: identity, role: "agent", side: "agent", mode: "full", peer: `p-${identity}`, state: "connected", ...more,
});
const me = (/** @type {object} */ more = {}) => person("me", more);
const shopper = (/** @type {object} */ more = {}) => person("s", { side: "shopper", role: "shopper", ...more });
const call = (/** @type {object} */ more = {}) => ({
  id: "c", room: "r", queue: "q", queue_title: "Q", direction: "in", media: "video", state: "active", created: 10, answered: 20, ended: null,
  outcome: null, end_reason: null, ring_until: null, held_by: null, topic: "",
  shopper: { identity: "s", name: "小鱼", peer: "p-s", state: "connected" },
  people: [shopper(), me()], transfer: null, escalation: null, messages: [], ...more,
});

for (const [what, change, duty] of [
  ["it rings for us", { state: "ringing", answered: null, people: [shopper(), me({ mode: "ring" })] }, "ring"],
  ["we are asked into a running call", { people: [shopper(), person("a"), me({ mode: "ring" })] }, "ring"],
  ["we talk", {}, "talk"],
  ["it is on hold", { state: "on_hold", people: [shopper({ mode: "hold" }), me()] }, "talk"],
  ["we ring the shopper", { state: "ringing", direction: "out", people: [shopper({ mode: "ring" }), me()] }, "talk"],
  ["we listen in", { people: [shopper(), person("a"), me({ side: "supervisor", mode: "listen" })] }, "talk"],
  ["we have to write the note", { state: "wrap_up" }, "wrap"],
  ["a listener writes none", { state: "wrap_up", people: [person("a"), me({ side: "supervisor", mode: "listen" })] }, null],
  ["it rang here and was given up", { state: "wrap_up", people: [me({ mode: "ring" })] }, null],
  ["it is over", { state: "ended" }, null],
  ["it waits", { state: "waiting", people: [] }, null],
  ["others talk", { people: [shopper(), person("a")] }, null],
  ["we are the shopper", { shopper: { identity: "me", name: "", peer: null, state: "connected" }, people: [person("me", { side: "shopper" })] }, null],
]) {
  test(`duty: ${what} -> ${duty}`, () => assert.equal(dutyOf(call(change), "me"), duty));
}

test("a talk comes before a ring, a ring before a note", () => {
  const ring = call({ id: "ring", created: 1, people: [shopper(), me({ mode: "ring" })] });
  const wrap = call({ id: "wrap", created: 0, state: "wrap_up" });
  const talk = call({ id: "talk", created: 5 });
  assert.equal(currentCall([wrap, ring, talk], "me")?.call.id, "talk");
  assert.equal(currentCall([wrap, ring], "me")?.call.id, "ring");
  assert.equal(currentCall([wrap], "me")?.duty, "wrap");
  assert.equal(currentCall([], "me"), null);
});

for (const [what, now, end] of [
  ["another one took it", call({ people: [shopper(), person("a")] }), "answered"],
  ["the next one is rung", call({ state: "ringing", answered: null, people: [shopper(), person("a", { mode: "ring" })] }), "missed"],
  ["the shopper hung up", call({ state: "ended", answered: null, people: [] }), "hung_up"],
  ["it was answered and is over", call({ state: "ended" }), "answered"],
  ["nobody says", null, "gone"],
]) {
  test(`a ring ends: ${what} -> ${end}`, () => assert.equal(ringEnd(/** @type {any} */ (now)), end));
}

for (const [what, seat, speak, show, lead, mode] of [
  ["an agent", me(), true, true, true, null],
  ["an agent who is rung", me({ mode: "ring" }), false, false, false, null],
  ["a listener", me({ side: "supervisor", mode: "listen" }), false, false, false, "listen"],
  ["a whisperer", me({ side: "supervisor", mode: "whisper" }), true, false, false, "whisper"],
  ["a supervisor who came in", me({ side: "supervisor" }), true, true, false, "barge"],
  ["nobody", null, false, false, false, null],
]) {
  test(`rights of ${what}`, () => {
    const rights = rightsOf(/** @type {any} */ (seat));
    assert.deepEqual([rights.speak, rights.show, rights.lead, rights.mode], [speak, show, lead, mode]);
    assert.equal(rights.end, lead);
  });
}

for (const [what, change, room, phase] of [
  ["we lost the connection", {}, "reconnecting", "repairing"],
  ["the shopper did", { shopper: { identity: "s", name: "", peer: "p", state: "reconnecting" } }, "joined", "shopper_lost"],
  ["we ring the shopper", { state: "ringing", direction: "out", answered: null }, "joined", "calling"],
  ["on hold", { state: "on_hold" }, "joined", "held"],
  ["asking a colleague", { state: "on_hold", transfer: { kind: "identity", to: "a", name: "A", warm: true, state: "talking" } }, "joined", "consult"],
  ["the room is being entered", {}, "connecting", "connecting"],
  ["all is well", {}, "joined", "talking"],
]) {
  test(`phase: ${what} -> ${phase}`, () => assert.equal(phaseOf(call(change), room), phase));
}

test("the one whose call it is hands it over, not the one who is asked", () => {
  const transfer = { kind: "identity", to: "a", name: "A", warm: true, state: "talking" };
  const both = call({ transfer, people: [shopper(), me(), person("a")] });
  assert.equal(handsOver(both, "me"), true);
  assert.equal(handsOver(both, "a"), false);
  assert.equal(handsOver(call(), "me"), false);
});

test("a step up asks only for what is missing", () => {
  assert.equal(stepUp(call({ media: "text" }), null), null);
  assert.equal(stepUp(call({ media: "voice" }), null), "microphone");
  assert.equal(stepUp(call({ media: "voice" }), { microphone: {}, camera: null }), null);
  assert.equal(stepUp(call(), { microphone: {}, camera: null }), "camera");
  assert.equal(stepUp(call(), { microphone: {}, camera: {} }), null);
});

const track = (/** @type {string} */ id, /** @type {string} */ peer, /** @type {string} */ source, muted = false) => ({
  id, peer, source, muted, kind: source === "camera" || source === "screen" ? "video" : "audio",
});

test("people are shown with their own tracks; strangers of the room are not", () => {
  const tracks = [track("1", "p-s", "camera"), track("2", "p-s", "microphone"), track("3", "p-s", "screen"), track("4", "p-a", "microphone", true), track("5", "host", "camera")];
  const { shopper: seen, others } = peopleShown(call({ people: [shopper(), me(), person("a")] }), tracks, "me");
  assert.deepEqual([seen.picture, seen.screen, seen.sounds, seen.micMuted], ["1", "3", ["2"], false]);
  assert.deepEqual(others.map(({ identity, picture, micMuted }) => [identity, picture, micMuted]), [["a", null, true]]);
});

test("a muted camera is no picture, and nobody without a Peer has any", () => {
  const lost = call({ shopper: { identity: "s", name: "", peer: null, state: "reconnecting" } });
  assert.equal(peopleShown(lost, [track("1", "p-s", "camera")], "me").shopper.picture, null);
  assert.equal(peopleShown(call(), [track("1", "p-s", "camera", true)], "me").shopper.picture, null);
});

test("who waits stands in the order of the queue", () => {
  const row = (/** @type {string} */ id, /** @type {number} */ position, since = 0) => ({ call: id, position, since });
  assert.deepEqual(sortWaiting(/** @type {any} */ ([row("b", 2), row("c", 1, 5), row("a", 1, 3)])).map((one) => one.call), ["a", "c", "b"]);
  assert.deepEqual([0, 29_999, 30_000, 120_000].map(waitLook), ["fine", "fine", "long", "too_long"]);
});

const colleagues = [
  { identity: "b", name: "Bea", skills: ["English"], presence: "busy" },
  { identity: "a", name: "Ann", skills: ["Returns", "English"], presence: "available" },
  { identity: "me", name: "Me", skills: ["English"], presence: "busy" },
  { identity: "o", name: "Off", skills: ["Chess"], presence: "offline" },
];

test("colleagues: the free ones first, ourselves never, found by name and skill", () => {
  const names = (/** @type {string} */ search) => colleaguesFor(/** @type {any} */ (colleagues), "me", search).map(({ name }) => name);
  assert.deepEqual(names(""), ["Ann", "Bea", "Off"]);
  assert.deepEqual(names("engl an"), ["Ann"]);
  assert.deepEqual(names("nobody"), []);
  assert.deepEqual(skillsFor(/** @type {any} */ (colleagues), "me"), [{ skill: "English", free: 1 }, { skill: "Returns", free: 1 }]);
});

const facts = (/** @type {object} */ change = {}, /** @type {object} */ more = {}) => ({
  call: call(change), identity: "me", phase: "talking", rights: rightsOf(me()), devices: { microphone: {}, camera: {} },
  soundOnly: false, weak: false, blocked: false, dismissed: new Set(), ...more,
});
const ids = (/** @type {any} */ given) => bannersOf(given).map(({ id, actions = [] }) => [id, ...actions.map((action) => action.id)]);
const warm = { kind: "identity", to: "a", name: "A", warm: true };

for (const [what, given, expected] of [
  ["all is well", facts(), []],
  ["lost", facts({}, { phase: "repairing" }), [["repairing"]]],
  ["on hold", facts({ state: "on_hold", held_by: "me" }, { phase: "held" }), [["held", "hold"]]],
  ["a warm transfer rings: no word of the hold beside it", facts({ state: "on_hold", transfer: { ...warm, state: "ringing" } }), [["transfer", "transfer_cancel"]]],
  ["talking it over", facts({ state: "on_hold", transfer: { ...warm, state: "talking" } }, { phase: "consult" }), [["transfer", "transfer_cancel", "transfer_complete"]]],
  ["being talked into it", facts({ transfer: { ...warm, to: "me", state: "talking" }, people: [shopper(), person("a"), me()] }, { phase: "consult" }), [["transfer"]]],
  ["a supervisor moves nothing", facts({ transfer: { ...warm, state: "ringing" } }, { rights: rightsOf(me({ side: "supervisor" })) }), []],
  ["asking for the stage", facts({ escalation: { state: "asking", consent: null } }), [["stage", "deescalate"]]],
  ["on stage", facts({ escalation: { state: "on_stage", consent: "blurred" } }), [["stage", "deescalate"]]],
  ["refused, until read", facts({ escalation: { state: "refused", consent: "video", code: "stage_full" } }), [["stage_refused_video_stage_full", "dismiss"]]],
  ["refused, and read", facts({ escalation: { state: "refused", consent: "video", code: "stage_full" } }, { dismissed: new Set(["stage_refused_video_stage_full"]) }), []],
  ["stepped up to a voice", facts({ media: "voice" }, { devices: null }), [["open_microphone", "open_microphone"]]],
  ["stepped up to video", facts({}, { devices: { microphone: {}, camera: null } }), [["open_camera", "dismiss", "open_camera"]]],
  ["our picture hardly gets out", facts({}, { weak: true }), [["weak", "dismiss", "camera"]]],
  ["a listener opens nothing", facts({}, { devices: null, rights: rightsOf(me({ side: "supervisor", mode: "listen" })) }), []],
  ["the voice goes on without the picture", facts({}, { soundOnly: true }), [["sound_only"]]],
]) {
  test(`banners: ${what}`, () => assert.deepEqual(ids(given), expected));
}

const bar = (/** @type {object} */ change = {}, /** @type {object} */ more = {}) => ({
  call: call(change), rights: rightsOf(me()), capture: null, phase: "talking", narrow: false, more: false, live: true, agents: 1, canShare: true, ...more,
});
const controls = (/** @type {any} */ given) => callControls(given).map(({ id }) => id);

test("the bar has what the seat allows, and always one way out", () => {
  assert.deepEqual(controls(bar()), ["microphone", "camera", "screen", "hold", "transfer", "add", "stage", "end"]);
  assert.deepEqual(controls(bar({}, { live: false, canShare: false })), ["microphone", "camera", "hold", "transfer", "add", "end"]);
  assert.deepEqual(controls(bar({}, { rights: rightsOf(me({ side: "supervisor", mode: "listen" })) })), ["leave"]);
  assert.deepEqual(controls(bar({}, { rights: rightsOf(me({ side: "supervisor", mode: "whisper" })) })), ["microphone", "leave"]);
});

test("on a phone the rest moves into a second row, and nothing is lost", () => {
  const device = { facing: "user", torch: false, zoom: { min: 1, max: 4, value: 1 }, can: ["still", "flip", "torch", "zoom"] };
  const narrow = bar({ device }, { narrow: true, agents: 2 });
  assert.deepEqual(controls(narrow), ["microphone", "camera", "hold", "more", "end"]);
  assert.deepEqual(moreControls(/** @type {any} */ (narrow)).map(({ id }) => id), ["screen", "transfer", "add", "stage", "still", "flip", "torch", "zoom", "step_out"]);
});

test("nobody is handed over while the stage or a transfer is under way", () => {
  const off = (/** @type {object} */ change, /** @type {object} */ more = {}) =>
    callControls(/** @type {any} */ (bar(change, more))).filter(({ disabled }) => disabled).map(({ id }) => id);
  assert.deepEqual(off({ escalation: { state: "on_stage", consent: "video" } }), ["hold", "transfer", "stage"]);
  assert.deepEqual(off({ transfer: { ...warm, state: "ringing" } }), ["transfer", "stage"]);
  assert.deepEqual(off({}, { phase: "calling" }), ["hold", "transfer", "add", "stage"]);
});

test("the zoom goes through its range and begins again", () => {
  const range = { min: 1, max: 3 };
  const steps = [];
  for (let value = 1, count = 0; count < 5; count += 1) {
    value = nextZoom({ ...range, value });
    steps.push(value);
  }
  assert.deepEqual(steps, [1.5, 2, 2.5, 3, 1]);
  assert.equal(nextZoom({ min: 1, max: 1, value: 1 }), 1);
});

test("drafts of notes survive a reload, and nothing else does", () => {
  const draft = { note: "n", reasons: ["setup"], solved: "yes" };
  assert.deepEqual([...asDrafts(JSON.parse(JSON.stringify([["c", draft]])))], [["c", draft]]);
  assert.deepEqual([...asDrafts([["c", { note: "n", reasons: [1, "x"], solved: "maybe" }], "junk", [3], ["d", null]])], [["c", { note: "n", reasons: ["x"], solved: "unknown" }]]);
  assert.equal(asDrafts(null).size, 0);
  assert.deepEqual(draftOf(call()), EMPTY_DRAFT);
  assert.deepEqual(draftOf(call({ notes: { note: "a", reasons: [], solved: null } })), { note: "a", reasons: [], solved: "unknown" });
});

test("a talk keeps the console even without a desk; a ring comes before listening in", () => {
  const view = (/** @type {object} */ change) =>
    consoleView({ tokenNeeded: false, failure: null, seated: true, deskState: "joined", mode: null, roomState: "idle", ...change }).scene;
  assert.equal(view({ duty: "talk", failure: "identity_replaced" }), "call");
  assert.equal(view({ duty: "ring", mode: "watch", roomState: "joined" }), "call_ring");
  assert.equal(view({ duty: "ring", mode: "air", roomState: "joined" }), "air");
  assert.equal(view({ duty: "wrap" }), "wrap");
  assert.equal(view({ duty: "ring", failure: "forbidden" }), "failed");
  assert.equal(view({ duty: null }), "idle");
});

test("our seat is never the shopper's", () => {
  assert.equal(seatOf(call({ people: [person("me", { side: "shopper" })] }), "me"), null);
  assert.equal(seatOf(call(), "me")?.mode, "full");
});

test("own quick replies take the place of the console's, with the shopper's name in them", () => {
  assert.deepEqual(repliesFor(["Hello {name}!", "{name}, {name}"], "Mia"), ["Hello Mia!", "Mia, Mia"]);
  assert.deepEqual(repliesFor([], "Mia"), []);
  assert.ok(repliesFor(null, "Mia").length > 0);
});

for (const [what, text, expected] of /** @type {const} */ ([
  ["lines", " a \n\nb\na\n", { replies: ["a", "b"], problem: null }],
  ["none", "\n", { replies: [], problem: null }],
  ["too many", Array.from({ length: 51 }, (_, n) => n).join("\n"), "many"],
  ["one too long", `${"x".repeat(301)}\nb`, "long"],
  ["as long as may be", "x".repeat(300), { replies: ["x".repeat(300)], problem: null }],
])) {
  test(`quick replies from ${what}`, () => {
    const found = repliesIn(text);
    if (typeof expected === "string") assert.equal(found.problem, expected);
    else assert.deepEqual(found, expected);
  });
}

test("the queue's count is of all who wait, not of those who are listed", () => {
  const listed = Array.from({ length: 50 }, () => ({}));
  assert.equal(waitingCount({ queues: [{ waiting: 700 }, { waiting: 12 }], waiting: listed }), 712);
  assert.equal(waitingCount({ queues: [], waiting: listed.slice(0, 2) }), 2);
  assert.equal(waitingCount({ queues: [], waiting: [] }), 0);
});
