/** Lanes from events, zoom, hits and moves; marks as they were at a moment; who is shown when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { layoutAt, voicesOf } from "../../web/pages/review-layout.js";
import { MarkReplay } from "../../web/pages/review-marks.js";
import { asComment, asEvents, asRecording } from "../../web/pages/review-model.js";
import { heightOf, hit, justHappened, lanesOf, lineQuality, moved, nextStop, rulerOf, sampleAt, showing, stacked, stopsOf, timeOf, xOf, zoomed } from "../../web/pages/review-timeline.js";

const recording = asRecording({
  id: "r1",
  duration_s: 100,
  people: [{ identity: "anna", name: "Anna", side: "agent" }, { identity: "bo", name: "", side: "shopper" }, { identity: "gone", name: "Gone", side: "shopper" }],
  tracks: [
    { id: "a1", identity: "anna", source: "microphone", kind: "audio", began: 0, ended: 100 },
    { id: "a2", identity: "anna", source: "camera", kind: "video", began: 2, ended: 60 },
    { id: "a3", identity: "anna", source: "screen", kind: "video", began: 40, ended: 50 },
    { id: "b1", identity: "bo", source: "microphone", kind: "audio", began: 10, ended: 100, gaps: [{ from: 30, to: 35, reason: "consent" }] },
  ],
  gaps: [{ from: 70, to: 80, reason: "paused" }],
  findings: [{ from: 12, to: 15, kind: "black", identity: "anna" }],
  speech: { anna: { talk_s: 4, spans: [[1, 3], [3, 5]] }, bo: { talk_s: 1, spans: [[11, 12]] } },
});
const events = asEvents({
  events: [
    { t: 0, kind: "joined", identity: "anna" },
    { t: 1, kind: "wait" },
    { t: 5, kind: "ring" },
    { t: 9, kind: "answered" },
    { t: 10, kind: "joined", identity: "bo" },
    { t: 20, kind: "muted", identity: "bo", source: "microphone" },
    { t: 22, kind: "unmuted", identity: "bo", source: "microphone" },
    { t: 23, kind: "muted", identity: "anna", source: "camera" },
    { t: 25, kind: "network", identity: "bo", bitrate: 8e5, loss: 0.1, rtt: 40 },
    { t: 30, kind: "reconnecting", identity: "bo" },
    { t: 34, kind: "reconnected", identity: "bo" },
    { t: 41, kind: "mark", identity: "anna", mark: { id: "m1", kind: "ring", points: [[0.1, 0.1], [0.3, 0.3]], target: "a3", color: "#00ff00", width: 0.01 } },
    { t: 43, kind: "mark", identity: "anna", mark: { id: "m2", kind: "free", points: [[0.1, 0.1]], target: "a2" } },
    { t: 44, kind: "mark_cleared", mark: "m1" },
    { t: 46, kind: "chat", identity: "bo", text: "hello" },
    { t: 52, kind: "freeze", identity: "anna", frame: { file: "f1", target: "a2" } },
    { t: 53, kind: "mark", identity: "anna", mark: { id: "m3", kind: "arrow", points: [[0, 0], [1, 1]], target: "f1" } },
    { t: 56, kind: "thaw" },
    { t: 70, kind: "paused" },
    { t: 80, kind: "resumed_recording" },
    { t: 90, kind: "hold" },
    { kind: "nonsense" },
    { t: 95, kind: "left", identity: "bo" },
  ],
});
const comments = [asComment({ id: "c1", from: 12, text: "here", shared: true }), asComment({ id: "c2", from: 20, to: 30, text: "there" }), asComment({ id: "c3", parent: "c1", from: 12, text: "reply" })];
const lanes = lanesOf(recording, events, comments);
const lane = (/** @type {string} */ id) => lanes.find((entry) => entry.id === id);
const blocks = (/** @type {string} */ id) => lane(id)?.blocks.map(({ from, to, kind }) => [from, to, kind]);

test("each kind of thing has its lane, each person a voice and a network, those without anything none", () => {
  assert.deepEqual(lanes.map(({ id }) => id), ["call", "recording", "voice:anna", "voice:bo", "network:bo", "marks", "chat", "findings", "comments"]);
});

test("what begins ends with what ends it, or with the recording", () => {
  assert.deepEqual(blocks("call"), [[1, 5, "wait"], [5, 9, "ring"], [90, 100, "hold"]]);
  assert.deepEqual(blocks("voice:bo"), [[10, 95, "here"], [20, 22, "muted"], [11, 12, "speaking"]]);
  assert.deepEqual(blocks("voice:anna"), [[0, 100, "here"], [1, 5, "speaking"]]);
  assert.deepEqual(blocks("network:bo"), [[30, 34, "reconnecting"]]);
  assert.deepEqual(blocks("recording"), [[70, 80, "paused"]]);
  assert.deepEqual(blocks("marks"), [[41, 100, "mark"], [52, 56, "freeze"]]);
});

test("comments are spans or moments, replies stand with them", () => {
  assert.deepEqual(blocks("comments"), [[20, 30, "private"]]);
  assert.deepEqual(lane("comments")?.dots.map(({ t, id }) => [t, id]), [[12, "c1"]]);
});

test("a lost packet in ten is bad, however short the way", () => {
  const sample = sampleAt(lane("network:bo")?.line ?? [], 26);
  assert.ok(sample);
  assert.equal(lineQuality(sample), "bad");
  assert.equal(sampleAt(lane("network:bo")?.line ?? [], 60), null);
  assert.equal(lineQuality({ t: 0, bitrate: 1, loss: 0.03, rtt: 10, freezes: 0 }), "fair");
});

test("zoom keeps the moment under the pointer and stays inside", () => {
  const whole = { from: 0, to: 100 };
  const close = zoomed(whole, 4, 40, 100);
  assert.deepEqual(close, { from: 30, to: 55 });
  assert.equal(xOf(close, 1000, 40), xOf(whole, 1000, 40));
  assert.deepEqual(zoomed(close, 0.01, 40, 100), whole);
  assert.equal(zoomed(whole, 1e9, 40, 100).to - zoomed(whole, 1e9, 40, 100).from, 4);
  assert.deepEqual(moved(close, -99, 100), { from: 0, to: 25 });
  assert.deepEqual(showing(close, 80, 100), { from: 75, to: 100 });
  assert.equal(showing(close, 40, 100), close);
});

test("a recording shorter than the closest zoom is shown whole", () => assert.deepEqual(zoomed({ from: 0, to: 2 }, 3, 1, 2), { from: 0, to: 2 }));

test("a pointer finds what it is on: a dot before a block, a short block before a long one", () => {
  const view = { from: 0, to: 100 };
  const at = (/** @type {string} */ id, /** @type {number} */ t) => {
    const placed = stacked(lanes).find((entry) => entry.lane.id === id);
    return hit(lanes, view, 1000, xOf(view, 1000, t), (placed?.y ?? 0) + 3);
  };
  assert.equal(at("comments", 12.3)?.dot?.id, "c1");
  assert.equal(at("comments", 25)?.block?.id, "c2");
  assert.equal(at("voice:bo", 11.5)?.block?.kind, "speaking");
  assert.equal(at("voice:bo", 50)?.block?.kind, "here");
  assert.equal(at("call", 60)?.block, null);
  assert.equal(hit(lanes, view, 1000, 10, heightOf(lanes) + 5), null);
  assert.equal(timeOf(view, 1000, 500), 50);
});

test("brackets step through what matters", () => {
  const stops = stopsOf(lanes);
  assert.deepEqual(stops, [5, 9, 12, 20, 30, 41, 52, 70, 90]);
  assert.deepEqual([nextStop(stops, 0, 1), nextStop(stops, 5, 1), nextStop(stops, 12.5, -1), nextStop(stops, 95, 1), nextStop(stops, 0, -1)], [5, 9, 9, null, null]);
});

test("the ruler has few words, at round times", () => {
  assert.deepEqual(rulerOf({ from: 0, to: 100 }, 1000).major, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  for (const span of [4, 60, 3600, 43_200]) {
    for (const width of [300, 1400]) assert.ok(rulerOf({ from: 7, to: 7 + span }, width).major.length <= width / 70 + 1, `${span} in ${width}`);
  }
});

test("what has just happened is told, not what is measured", () => {
  assert.deepEqual(justHappened(events, 47).map(({ kind }) => kind), ["chat"]);
});

test("marks are there from when they were drawn until they were wiped, each on its picture", () => {
  const replay = new MarkReplay(events, 100);
  const ids = (/** @type {number} */ t, /** @type {string} */ track) => replay.on(t, track).marks.map(({ id }) => id);
  assert.deepEqual([ids(40, "a3"), ids(41, "a3"), ids(44, "a3"), ids(50, "a2"), ids(50, "b1")], [[], ["m1"], [], ["m2"], []]);
  assert.deepEqual([ids(54, "a2"), ids(57, "a2")], [["m2", "m3"], ["m2"]]);
  assert.equal(replay.on(54, "a2").frozen?.file, "f1");
  assert.equal(replay.on(57, "a2").frozen, null);
});

test("a stroke that grows is one stroke; what cannot be drawn is none", () => {
  const grow = (/** @type {number} */ n) => ({ t: n, kind: "mark", mark: { id: "g", kind: "free", points: Array.from({ length: n }, (_, i) => [i / 10, 0]), target: "x", width: 9, color: "red" } });
  const replay = new MarkReplay(asEvents({ events: [grow(1), grow(2), grow(3), { t: 3, kind: "mark", mark: null }, { t: 4, kind: "mark", mark: { id: 5 } }] }), 10);
  assert.deepEqual([1, 2, 3].map((t) => replay.at(t).marks.map(({ points }) => points.length)), [[1], [2], [3]]);
  const [mark] = replay.at(3).marks;
  assert.deepEqual([mark?.width, mark?.color], [0.05, "#ff5a3c"]);
});

const voices = new Map(lanes.filter(({ kind }) => kind === "voice").map((entry) => [entry.identity ?? "", entry]));
for (const [t, shape, keys] of /** @type {const} */ ([
  [1, "one", ["anna:sound"]],
  [15, "two", ["anna:camera", "bo:sound"]],
  [45, "big", ["anna:camera", "anna:screen", "bo:sound"]],
  [65, "two", ["anna:sound", "bo:sound"]],
])) {
  test(`at ${t} the pictures are ${keys.join(", ")}`, () => {
    const layout = layoutAt(recording, t, voices);
    assert.deepEqual([layout.shape, layout.tiles.map(({ key }) => key)], [shape, keys]);
  });
}

test("a picture that is not there says why; packets lost on the way say nothing", () => {
  assert.deepEqual(layoutAt(recording, 75, voices).tiles.map(({ gap }) => gap), ["paused", "paused"]);
  assert.deepEqual(layoutAt(recording, 31, voices).tiles.map(({ gap }) => gap), [null, "consent"]);
  assert.deepEqual(layoutAt(recording, 2.5, voices).tiles[0]?.speaking, true);
});

test("who can be turned down is who was heard", () => assert.deepEqual(voicesOf(recording).map(({ name, tracks }) => [name, tracks]), [["Anna", ["a1"]], ["bo", ["b1"]]]));

test("an answer that says nothing is an empty recording", () => {
  for (const body of [null, [], 5, { tracks: "x", speech: [], gaps: [{ from: 3, to: 1 }], duration_s: -1 }]) {
    const empty = asRecording(body);
    assert.deepEqual([empty.duration_s, empty.tracks, empty.gaps, lanesOf(empty, asEvents(body), [])], [0, [], [], []]);
  }
});
