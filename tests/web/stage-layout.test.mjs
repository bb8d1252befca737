/** Where tiles go, over every layout, number of people and shape of window. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, ownLayout } from "../../web/pages/stage-layout.js";

const LAYOUTS = /** @type {const} */ (["solo", "side_by_side", "inset", "grid", "screen"]);
const BOXES = [
  [1440, 900, { top: 76, right: 12, bottom: 84, left: 12 }],
  [1092, 900, { top: 76, right: 12, bottom: 84, left: 12 }],
  [390, 844, { top: 84, right: 8, bottom: 300, left: 8 }],
  [360, 640, { top: 84, right: 8, bottom: 230, left: 8 }],
  [844, 390, { top: 60, right: 12, bottom: 60, left: 12 }],
  [768, 1024, { top: 76, right: 12, bottom: 84, left: 12 }],
  [2560, 1080, undefined],
].map(([width, height, safe]) => ({ box: { width, height }, safe }));

const people = (/** @type {number} */ count, /** @type {boolean} */ screen = false) =>
  Array.from({ length: count }, (_, index) => ({
    id: `p${index}:camera`,
    identity: `p${index}`,
    kind: screen && index === count - 1 ? "screen" : "camera",
  }));
const px = (/** @type {any} */ spot, /** @type {any} */ box) => ({
  left: spot.x * box.width,
  top: spot.y * box.height,
  right: (spot.x + spot.width) * box.width,
  bottom: (spot.y + spot.height) * box.height,
  width: spot.width * box.width,
  height: spot.height * box.height,
});
const overlap = (/** @type {any} */ a, /** @type {any} */ b) =>
  a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;

/** @type {Record<string, (spots: any[], about: { layout: string, count: number, box: any, safe: any, what: string }) => void>} */
const LAWS = {
  "each once, one main, in order": (spots, { layout, count, what }) => {
    assert.equal(spots.length, layout === "solo" ? 1 : count, what);
    assert.equal(spots.filter(({ main }) => main).length, 1, what);
    const ids = spots.map(({ id }) => id);
    assert.deepEqual(ids, [...ids].sort(), what);
  },
  "inside, and what is not edge to edge is clear of what floats": (spots, { box, safe, what }) => {
    const edges = safe ?? { top: 0, right: 0, bottom: 0, left: 0 };
    for (const spot of spots) {
      const { left, top, right, bottom, width, height } = px(spot, box);
      assert.ok(width >= 40 && height >= 40, `${what}: ${spot.id} is ${width}x${height}`);
      const room = spot.full
        ? [0, 0, box.width, box.height]
        : [edges.left, edges.top, box.width - edges.right, box.height - edges.bottom];
      assert.ok(left >= room[0] - 0.5 && top >= room[1] - 0.5, `${what}: ${spot.id} begins at ${left},${top}`);
      assert.ok(right <= room[2] + 0.5 && bottom <= room[3] + 0.5, `${what}: ${spot.id} ends at ${right},${bottom}`);
    }
  },
  "nothing covers anything, but a small picture the one behind it": (spots, { layout, box, what }) => {
    for (const [index, spot] of spots.entries()) {
      for (const other of spots.slice(index + 1)) {
        if (spot.full || other.full) continue;
        assert.ok(!overlap(px(spot, box), px(other, box)), `${what}: ${spot.id} and ${other.id}`);
      }
    }
    if (layout !== "inset") assert.ok(spots.length === 1 || spots.every(({ full }) => !full), what);
  },
  "people are neither slivers nor slots": (spots, { layout, box, what }) => {
    for (const spot of spots) {
      if (spot.full || (layout === "screen" && spot.main)) continue;
      const { width, height } = px(spot, box);
      assert.ok(width / height >= 0.74 && width / height <= 1.79, `${what}: ${spot.id} is ${width / height}`);
    }
  },
};

for (const layout of LAYOUTS) {
  for (const [law, holds] of Object.entries(LAWS)) {
    test(`${layout}, 1 to 7 people in every window: ${law}`, () => {
      for (const { box, safe } of BOXES) {
        for (let count = 1; count <= 7; count += 1) {
          const what = `${count} in ${box.width}x${box.height}`;
          const spots = arrange({ tiles: people(count, layout === "screen" && count > 1), layout, box, safe });
          holds(spots, { layout, count, box, safe, what });
        }
      }
    });
  }
}

test("alone is edge to edge, whatever the layout", () => {
  for (const layout of LAYOUTS) {
    const { box, safe } = BOXES[2];
    const [spot] = arrange({ tiles: people(1), layout, box, safe });
    assert.deepEqual([spot?.x, spot?.y, spot?.width, spot?.height, spot?.full, spot?.main], [0, 0, 1, 1, true, true]);
  }
});

test("an upright screen stacks two people, a wide one puts them beside each other", () => {
  for (const layout of /** @type {const} */ (["side_by_side", "grid"])) {
    const [a, b] = arrange({ tiles: people(2), layout, ...BOXES[2] });
    assert.ok(a && b && Math.abs(a.x - b.x) < 0.01 && b.y >= a.y + a.height);
    const [c, d] = arrange({ tiles: people(2), layout, ...BOXES[0] });
    assert.ok(c && d && Math.abs(c.y - d.y) < 0.01 && d.x >= c.x + c.width);
  }
});

test("two people side by side are equal; of three one is larger", () => {
  const [a, b] = arrange({ tiles: people(2), layout: "side_by_side", ...BOXES[0] });
  assert.ok(a && b && Math.abs(a.width - b.width) < 1e-9 && Math.abs(a.height - b.height) < 1e-9);
  const three = arrange({ tiles: people(3), layout: "side_by_side", ...BOXES[0] });
  const areas = three.map(({ width, height }) => width * height);
  assert.ok(areas[0] > areas[1] * 1.3 && Math.abs(areas[1] - areas[2]) < 1e-9);
});

test("a small picture is at the bottom right, on top", () => {
  for (const shape of BOXES) {
    const [main, guest] = arrange({ tiles: people(2), layout: "inset", ...shape });
    assert.ok(main?.full && guest && guest.z > main.z);
    assert.ok(guest.x + guest.width / 2 > 0.6 && guest.width < 0.45, `${guest.x} ${guest.width}`);
    assert.ok(guest.width * shape.box.width >= 84);
  }
});

test("under a wide picture on an upright screen, where there is space, the small ones cover nothing", () => {
  const wide = () => 16 / 9;
  for (const shape of [BOXES[2], BOXES[3]]) {
    for (let count = 2; count <= 6; count += 1) {
      const spots = arrange({ tiles: people(count), layout: "inset", ...shape, shapeOf: wide });
      const what = `${count} in ${shape?.box.width}`;
      assert.ok(spots.every(({ full }) => !full), what);
      for (const law of Object.values(LAWS)) law(spots, { layout: "inset", count, ...shape, what });
      const [main, ...small] = spots;
      assert.ok(main?.main && small.every(({ y, width }) => y >= main.y + main.height && width < main.width), what);
    }
  }
  for (const shapeOf of [() => null, () => 9 / 16]) {
    assert.equal(arrange({ tiles: people(2), layout: "inset", ...BOXES[2], shapeOf })[0]?.full, true);
  }
  assert.equal(arrange({ tiles: people(2), layout: "inset", ...BOXES[0], shapeOf: wide })[0]?.full, true);
});

test("a shared screen is the big one, with the speakers beside or under it", () => {
  const wide = arrange({ tiles: people(4, true), layout: "screen", ...BOXES[0] });
  const screen = wide.find(({ main }) => main);
  assert.equal(screen?.id, "p3:camera");
  assert.ok(wide.every((spot) => spot === screen || spot.x >= (screen?.x ?? 1) + (screen?.width ?? 1)));
  const upright = arrange({ tiles: people(4, true), layout: "screen", ...BOXES[2] });
  const top = upright.find(({ main }) => main);
  assert.ok(upright.every((spot) => spot === top || spot.y >= (top?.y ?? 1) + (top?.height ?? 1)));
});

for (const [what, input, main] of [
  ["the first, when nothing else is said", {}, "a"],
  ["who leads", { main: "b" }, "b"],
  ["who is pinned, before who leads", { main: "b", pin: "C" }, "c"],
  ["a pin by tile", { pin: "b" }, "b"],
  ["the first, when somebody is pinned who is not there", { pin: "Z" }, "a"],
  ["a screen, before who leads", { main: "b", screen: true }, "s"],
  ["a screen with the layout screen, before a pin", { pin: "B", screen: true, layout: "screen" }, "s"],
  ["a pin, before a screen with any other layout", { pin: "B", screen: true }, "b"],
  ["the pinned person's screen with the layout screen", { pin: "C", screen: true, layout: "screen" }, "s"],
]) {
  test(`the big one is ${what}`, () => {
    const { screen = false, layout = "inset", ...rest } = /** @type {any} */ (input);
    const tiles = ["a", "b", "c"].map((id) => ({ id, identity: id.toUpperCase(), kind: /** @type {const} */ ("camera") }));
    const shared = { id: "s", identity: "C", kind: /** @type {const} */ ("screen") };
    const spots = arrange({ tiles: screen ? [...tiles, shared] : tiles, layout, ...rest, ...BOXES[0] });
    assert.equal(spots.find((spot) => spot.main)?.id, main);
  });
}

test("solo hides the others until they are pinned", () => {
  const ids = (/** @type {string | null} */ pin) =>
    arrange({ tiles: people(3), layout: "solo", pin, ...BOXES[0] }).map(({ id }) => id);
  assert.deepEqual([ids(null), ids("p2")], [["p0:camera"], ["p2:camera"]]);
});

test("whoever joins moves nobody to another place in the order", () => {
  for (let count = 1; count < 6; count += 1) {
    const order = (/** @type {number} */ many) =>
      arrange({ tiles: people(many), layout: "grid", ...BOXES[0] })
        .sort((a, b) => a.y - b.y || a.x - b.x)
        .map(({ id }) => id);
    assert.deepEqual(order(count + 1).slice(0, count), order(count));
  }
});

test("nothing to show, and a box without a size", () => {
  assert.deepEqual(arrange({ tiles: [], layout: "grid", box: { width: 800, height: 600 } }), []);
  for (const layout of LAYOUTS) {
    const spots = arrange({ tiles: people(6), layout, box: { width: 0, height: 0 }, safe: BOXES[0].safe });
    for (const { x, y, width, height } of spots) {
      assert.ok([x, y, width, height].every(Number.isFinite));
    }
  }
});

test("without a word of the host: alone, together, or around a screen", () => {
  assert.deepEqual([0, 1, 2].map((count) => ownLayout(people(count))), ["solo", "solo", "grid"]);
  assert.equal(ownLayout(people(3, true)), "screen");
  assert.equal(ownLayout(people(1, true)), "solo");
});
