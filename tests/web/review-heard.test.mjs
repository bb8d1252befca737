/** Which seconds were heard: exactly those, once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HeardTracker } from "../../web/pages/review-heard.js";

/** @param {HeardTracker} tracker @param {number} from @param {number} to @param {number} [rate] */
function play(tracker, from, to, rate = 1) {
  for (let t = from; t < to; t += rate / 60) tracker.playing(t, rate);
  tracker.playing(to, rate);
}

test("what is played on is told in parts that join", () => {
  const tracker = new HeardTracker();
  play(tracker, 0, 10);
  assert.deepEqual(tracker.take(), [[0, 10]]);
  play(tracker, 10, 14.02);
  assert.deepEqual(tracker.take(), [[10, 14.1]]);
  tracker.stopped();
  assert.deepEqual([tracker.take(), tracker.empty], [[], true]);
});

test("a jump is not heard, what is heard twice is told once", () => {
  const tracker = new HeardTracker();
  play(tracker, 5, 8);
  play(tracker, 50, 52);
  play(tracker, 6, 9);
  assert.deepEqual(tracker.take(), [[5, 9], [50, 52]]);
});

test("fast play is no jump, back is one", () => {
  const tracker = new HeardTracker();
  for (let t = 0; t <= 30; t += 3) tracker.playing(t, 3);
  tracker.playing(2, 3);
  assert.deepEqual(tracker.take(), [[0, 30]]);
});

test("what could not be told is told the next time", () => {
  const tracker = new HeardTracker();
  play(tracker, 1, 3);
  tracker.stopped();
  const spans = tracker.take();
  tracker.back(spans);
  play(tracker, 3, 5);
  assert.deepEqual(tracker.take(), [[1, 5]]);
});

test("a tick that stands still is nothing heard", () => {
  const tracker = new HeardTracker();
  for (let n = 0; n < 50; n++) tracker.playing(7);
  assert.equal(tracker.empty, true);
  assert.deepEqual(tracker.take(), []);
});
