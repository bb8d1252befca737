/** The clock of a recording: every file where it should be, whatever begins late, stops, or is behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Follower, MasterClock, afterSilence, isNear, merged, nextRate, planFor } from "../../web/pages/review-clock.js";

test("the clock runs at its rate, stands still, waits, and ends", () => {
  const clock = new MasterClock(100);
  assert.equal(clock.at(5), 0);
  clock.play(10);
  assert.equal(clock.at(12), 2);
  clock.setRate(2, 12);
  assert.equal(clock.at(13), 4);
  clock.wait(true, 13);
  assert.deepEqual([clock.at(50), clock.playing, clock.moving], [4, true, false]);
  clock.wait(false, 50);
  assert.equal(clock.at(51), 6);
  clock.pause(51);
  assert.equal(clock.at(99), 6);
  clock.seek(99, 100);
  clock.play(100);
  assert.equal(clock.at(200), 100);
});

test("play at the end begins again; a rate and a place out of bounds are brought in", () => {
  const clock = new MasterClock(10);
  clock.seek(Number.NaN, 0);
  assert.equal(clock.at(0), 0);
  clock.seek(99, 0);
  assert.equal(clock.at(0), 10);
  clock.play(1);
  assert.equal(clock.at(1), 0);
  clock.setRate(9, 1);
  assert.equal(clock.rate, 3);
  clock.setRate(0.01, 1);
  assert.equal(clock.rate, 0.5);
});

const piece = { id: "a", began: 10, ended: 60, gaps: /** @type {[number, number][]} */ ([[20, 30], [30, 32], [55, 60]]) };
for (const [t, expected] of /** @type {const} */ ([
  [0, { on: false, time: 0, inS: 10 }],
  [10, { on: true, time: 0, inS: 0 }],
  [19.5, { on: true, time: 9.5, inS: 0 }],
  [20, { on: false, time: 22, inS: 12 }],
  [31, { on: false, time: 22, inS: 1 }],
  [32, { on: true, time: 22, inS: 0 }],
  [56, { on: false, time: 50, inS: Infinity }],
  [60, { on: false, time: 50, inS: Infinity }],
])) {
  test(`a file that begins late, with gaps, at ${t}`, () => assert.deepEqual(planFor(piece, t), expected));
}

test("a file is fetched a while before it begins, sooner when all goes faster", () => {
  assert.equal(isNear({ on: false, time: 0, inS: 20 }, 1), false);
  assert.equal(isNear({ on: false, time: 0, inS: 20 }, 2), true);
  assert.equal(isNear({ on: false, time: 0, inS: Infinity }, 3), false);
});

/** A file that obeys, with a jump that takes a while and a clock that is a little off. */
class Element {
  time;
  #seekUntil = -1;
  #rate = 1;
  #play = false;
  /** @param {number} time @param {{ seekS?: number, skew?: number }} [how] */
  constructor(time, { seekS = 0.08, skew = 0 } = {}) {
    this.time = time;
    this.seekS = seekS;
    this.skew = skew;
    this.jumps = 0;
  }
  /** @param {number} now */
  seeking(now) {
    return now < this.#seekUntil;
  }
  /** @param {import("../../web/pages/review-clock.js").Correction} told @param {number} now */
  obey(told, now) {
    if (told.jump !== null) {
      this.time = told.jump;
      this.#seekUntil = now + this.seekS;
      this.jumps++;
    }
    [this.#rate, this.#play] = [told.rate, told.play];
  }
  /** @param {number} now @param {number} step */
  run(now, step) {
    if (this.#play && !this.seeking(now)) this.time += step * this.#rate * (1 + this.skew);
  }
}

/** @param {Element} element @param {number} rate @param {number} seconds @param {number} [from] */
function follow(element, rate, seconds, from = 5) {
  const whole = { id: "x", began: 0, ended: 1e6, gaps: [] };
  const clock = new MasterClock(1e6);
  clock.setRate(rate, 0);
  clock.seek(from, 0);
  clock.play(0);
  const follower = new Follower();
  const drifts = [];
  const step = 1 / 60;
  for (let now = 0; now < seconds; now += step) {
    element.obey(follower.correct(planFor(whole, clock.at(now)), { rate, moving: true }, { time: element.time, seeking: element.seeking(now) }, now), now);
    element.run(now, step);
    drifts.push(element.time - clock.at(now + step));
  }
  return drifts;
}

for (const rate of [0.5, 1, 1.5, 3]) {
  for (const behind of [0.02, -0.02, 0.25, -0.4, 30]) {
    for (const seekS of [0.02, 0.12, 0.28]) {
      test(`${behind} s off at rate ${rate}, jumps of ${seekS} s: in place within 2.5 s, and stays`, () => {
        const element = new Element(5 - behind, { seekS });
        const drifts = follow(element, rate, 6);
        const late = drifts.slice(150).map(Math.abs);
        assert.ok(Math.max(...late) <= 0.04, `off by ${Math.max(...late)}`);
        assert.ok(element.jumps <= 3, `${element.jumps} jumps`);
      });
    }
  }
}

test("a drift below 40 ms is undone by the rate alone", () => {
  const element = new Element(5.035);
  const drifts = follow(element, 1, 4);
  assert.equal(element.jumps, 0);
  assert.ok(Math.abs(drifts.at(-1) ?? 1) < 0.015);
});

test("a clock that is 300 ppm fast never jumps", () => {
  const element = new Element(5, { skew: 300e-6 });
  const drifts = follow(element, 1, 60);
  assert.equal(element.jumps, 0);
  assert.ok(Math.max(...drifts.map(Math.abs)) < 0.02);
});

test("what stands still shows the right picture and is not touched again", () => {
  const follower = new Follower();
  const plan = { on: true, time: 8, inS: 0 };
  assert.equal(follower.correct(plan, { rate: 1, moving: false }, { time: 7, seeking: false }, 0).jump, 8);
  assert.deepEqual(follower.correct(plan, { rate: 1, moving: false }, { time: 8, seeking: true }, 0.1), { jump: null, rate: 1, play: false });
  assert.deepEqual(follower.correct(plan, { rate: 1, moving: false }, { time: 8, seeking: false }, 0.2), { jump: null, rate: 1, play: false });
});

test("a file in its gap waits where it goes on", () => {
  const follower = new Follower();
  const told = follower.correct(planFor(piece, 25), { rate: 1, moving: true }, { time: 10, seeking: false }, 0);
  assert.deepEqual(told, { jump: 22, rate: 1, play: false });
});

test("spans that touch are one", () => {
  assert.deepEqual(merged([[5, 6], [1, 2], [2, 3], [4, 4], [5.5, 5.7]]), [[1, 3], [5, 6]]);
  assert.deepEqual(merged([[1, 2], [2.5, 3]], 0.6), [[1, 3]]);
});

const speech = merged([[2, 5], [5.8, 7], [20, 25]]);
for (const [t, expected] of /** @type {const} */ ([[0, 1.65], [0.9, null], [3, null], [5.2, null], [7.1, null], [8, 19.65], [19.7, null], [22, null], [25.1, null], [26, 60], [60, null]])) {
  test(`silence at ${t} goes on at ${expected}`, () => {
    const got = afterSilence(speech, t, 60);
    assert.equal(got === null ? null : Math.round(got * 100) / 100, expected);
  });
}

test("nobody speaks at all: nothing is skipped", () => assert.equal(afterSilence([], 3, 60), null));

test("rates go up and down and end", () => {
  assert.deepEqual([nextRate(1, 1), nextRate(1, -1), nextRate(3, 1), nextRate(0.5, -1), nextRate(1.1, 1)], [1.25, 0.75, 3, 0.5, 1.25]);
});
