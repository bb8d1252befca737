/** Marks on a picture: the same spot of it in every window. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  MAX_POINTS, UNITS, arrowBarbs, arrowPath, canvasOf, clamped, distance, frameRect, fromFrame, inUnits, isHit, isInside, nextStep,
  onPixels, ringOf, shown, simplify, strokePath, toFrame, toSegment, turnOf, turned, upright,
} from "../../web/sdk/marks.js";

const HD = { width: 1280, height: 720 };
const near = (actual, expected, within = 1e-9) => {
  const [flat, wanted] = [[actual].flat(2), [expected].flat(2)];
  assert.equal(flat.length, wanted.length);
  flat.forEach((value, index) => assert.ok(Math.abs(value - wanted[index]) <= within, `${flat} is not ${wanted}`));
};

test("a picture lies in its element as CSS lays it", () => {
  const rows = [
    // box, picture, fit, position, rect
    [[1280, 720], HD, "contain", undefined, [0, 0, 1280, 720]],
    [[640, 640], HD, "contain", undefined, [0, 140, 640, 360]],
    [[640, 640], HD, "cover", undefined, [-248.888889, 0, 1137.777778, 640]],
    [[640, 640], HD, "cover", [0, 0.5], [0, 0, 1137.777778, 640]],
    [[640, 640], HD, "contain", [0.5, 1], [0, 280, 640, 360]],
    [[640, 640], HD, "fill", undefined, [0, 0, 640, 640]],
    [[640, 640], HD, "none", undefined, [-320, -40, 1280, 720]],
    [[640, 640], HD, "scale-down", undefined, [0, 140, 640, 360]],
    [[2000, 2000], HD, "scale-down", undefined, [360, 640, 1280, 720]],
    [[390, 844], { width: 720, height: 1280 }, "cover", undefined, [-42.375, 0, 474.75, 844]],
  ];
  for (const [[width, height], picture, fit, position, [x, y, w, h]] of rows) {
    const rect = frameRect({ width, height }, picture, fit, position);
    near([rect.x, rect.y, rect.width, rect.height], [x, y, w, h], 1e-5);
  }
  assert.equal(frameRect({ width: 0, height: 10 }, HD), null);
  assert.equal(frameRect({ width: 10, height: 10 }, { width: 0, height: 0 }), null);
  assert.equal(frameRect({ width: Number.NaN, height: 10 }, HD), null);
});

test("the same mark lands on the same content at any size, cut, mirrored or turned", () => {
  const spot = [0.3, 0.8];
  for (const box of [{ width: 1440, height: 900 }, { width: 390, height: 844 }, { width: 333, height: 77 }]) {
    for (const fit of ["contain", "cover", "fill"]) {
      for (const turn of [0, 90, 180, 270]) {
        for (const mirror of [false, true]) {
          const rect = frameRect(box, turned(HD, turn), fit);
          const view = { rect, frame: HD, turn, mirror };
          near(toFrame(fromFrame(spot, view), view), spot);
          near(upright(shown(spot, view), view), spot);
          const { width, height } = canvasOf(view);
          // The drawing's box and the picture's have one shape, so its units are square on the screen.
          if (fit !== "fill") near(width / height, rect.width / rect.height);
          const [x, y] = inUnits(spot, view);
          near([rect.x + (x / width) * rect.width, rect.y + (y / height) * rect.height], fromFrame(spot, view), 1e-6);
        }
      }
    }
  }
});

test("corners go where turning takes them", () => {
  const corner = [0, 0];
  const rows = [
    [0, false, [0, 0]], [90, false, [1, 0]], [180, false, [1, 1]], [270, false, [0, 1]],
    [0, true, [1, 0]], [90, true, [1, 1]], [180, true, [0, 1]], [270, true, [0, 0]],
  ];
  for (const [turn, mirror, to] of rows) near(shown(corner, { turn, mirror }), to);
});

test("what a transform does to a picture is read from its matrix", () => {
  const at = (degrees) => {
    const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    return { a: c, b: s, c: -s, d: c };
  };
  for (const turn of [0, 90, 180, 270]) assert.deepEqual(turnOf(at(turn)), { turn, mirror: false });
  assert.deepEqual(turnOf(at(-90)), { turn: 270, mirror: false });
  assert.deepEqual(turnOf({ a: -1, b: 0, c: 0, d: 1 }), { turn: 0, mirror: true });
  assert.deepEqual(turnOf({ a: -2, b: 0, c: 0, d: 2 }), { turn: 0, mirror: true });
  // rotate(90deg) scaleX(-1): mirrored first, then turned.
  assert.deepEqual(turnOf({ a: 0, b: -1, c: -1, d: 0 }), { turn: 90, mirror: true });
  // scaleY(-1) is a mirrored half turn.
  assert.deepEqual(turnOf({ a: 1, b: 0, c: 0, d: -1 }), { turn: 180, mirror: true });
});

test("edges come to lie on device pixels", () => {
  const rect = onPixels({ x: 10.3, y: 0.24, width: 100.1, height: 50.3 }, 2);
  assert.deepEqual(rect, { x: 10.5, y: 0, width: 100, height: 50.5 });
  assert.deepEqual(onPixels({ x: -0.4, y: 0, width: 10, height: 10 }, 1), { x: -0, y: 0, width: 10, height: 10 });
});

test("points are kept on the frame, with five digits", () => {
  assert.deepEqual(clamped([1.2, -3]), [1, 0]);
  assert.deepEqual(clamped([0.123456789, 0.5]), [0.12346, 0.5]);
  assert.ok(isInside([0, 1]) && !isInside([1.01, 0.5]) && !isInside([0.5, -0.01]));
});

test("a stroke loses points but not its shape", () => {
  const line = Array.from({ length: 200 }, (_, i) => [i / 199, 0.5]);
  assert.deepEqual(simplify(line), [[0, 0.5], [1, 0.5]]);
  const circle = Array.from({ length: 2000 }, (_, i) => [0.5 + 0.3 * Math.cos(i / 300), 0.5 + 0.3 * Math.sin(i / 300)]);
  const fewer = simplify(circle, 0.001, 0.5625);
  assert.ok(fewer.length > 20 && fewer.length < 200, String(fewer.length));
  for (const [x, y] of circle) {
    const off = Math.min(...fewer.slice(1).map(([u, v], i) => toSegment([x, y * 0.5625], [fewer[i][0], fewer[i][1] * 0.5625], [u, v * 0.5625])));
    assert.ok(off <= 0.001 + 1e-9);
  }
  const noise = Array.from({ length: 10_000 }, (_, i) => [(i * 7919 % 1000) / 1000, (i * 104729 % 997) / 997]);
  const bounded = simplify(noise, 0);
  assert.ok(bounded.length <= MAX_POINTS && bounded.length > 2);
  assert.deepEqual([bounded[0], bounded.at(-1)], [noise[0], noise.at(-1)]);
  for (const few of [[], [[0, 0]], [[0, 0], [0, 0]]]) assert.deepEqual(simplify(few), few);
});

test("paths are valid whatever they are of", () => {
  assert.equal(strokePath([]), "");
  assert.equal(strokePath([[1, 2]]), "M1 2L1 2");
  assert.equal(strokePath([[0, 0], [10, 0]]), "M0 0L5 0L10 0");
  assert.equal(strokePath([[0, 0], [10, 0], [10, 10]]), "M0 0L5 0Q10 0 10 5L10 10");
  assert.match(arrowPath([0, 0], [0, 0], 6), /^M0 0L0 0M0 0L0 0L0 0$/);
});

test("an arrow's head looks back along its shaft, and is never longer than it", () => {
  for (const to of [[500, 0], [0, -500], [-300, 300], [12, 5]]) {
    const [left, right] = arrowBarbs([0, 0], to, 6);
    near(distance(left, to), distance(right, to), 1e-6);
    assert.ok(distance(left, to) <= distance([0, 0], to) * 0.6 + 1e-6);
    assert.ok(distance(left, [0, 0]) < distance(to, [0, 0]));
  }
});

test("the rubber finds what is under it", () => {
  const mark = (kind, points, width = 0.006) => ({ id: "m", kind, color: "#000000", width, target: "t", points });
  const aspect = 0.5;
  const rows = [
    [mark("free", [[0.1, 0.1], [0.5, 0.1], [0.5, 0.9]]), [0.3, 0.11], true],
    [mark("free", [[0.1, 0.1], [0.5, 0.1], [0.5, 0.9]]), [0.3, 0.2], false],
    [mark("arrow", [[0, 0], [1, 1]]), [0.5, 0.5], true],
    [mark("arrow", [[0, 0], [1, 1]]), [0.5, 0.6], false],
    [mark("ring", [[0.2, 0.2], [0.6, 0.8]]), [0.4, 0.2], true],
    [mark("ring", [[0.6, 0.8], [0.2, 0.2]]), [0.2, 0.5], true],
    [mark("ring", [[0.2, 0.2], [0.6, 0.8]]), [0.4, 0.5], false],
    [mark("ring", [[0.2, 0.2], [0.2, 0.8]]), [0.2, 0.5], true],
    [mark("step", [[0.5, 0.5]]), [0.52, 0.5], true],
    [mark("step", [[0.5, 0.5]]), [0.6, 0.5], false],
    [mark("free", []), [0.5, 0.5], false],
  ];
  for (const [what, point, hit] of rows) assert.equal(isHit(what, point, 0.015, aspect), hit, `${what.kind} ${point}`);
});

test("steps are numbered for each picture", () => {
  const step = (n, target) => ({ kind: "step", n, target });
  assert.equal(nextStep([], "a"), 1);
  assert.equal(nextStep([step(1, "a"), step(4, "a"), step(9, "b"), { kind: "free", target: "a" }], "a"), 5);
  assert.equal(nextStep([step(99, "a")], "a"), 99);
});

test("a ring fills its box, from whichever corner it was drawn", () => {
  assert.deepEqual(ringOf([0, 0], [10, 4]), { cx: 5, cy: 2, rx: 5, ry: 2 });
  assert.deepEqual(ringOf([10, 4], [0, 0]), { cx: 5, cy: 2, rx: 5, ry: 2 });
  assert.equal(UNITS, 1000);
});
