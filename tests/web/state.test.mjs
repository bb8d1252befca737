import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY, reduce, snapshot } from "../../web/sdk/state.js";

const ann = { id: "p1", identity: "ann", name: "Ann", role: "host", connected: true };
const ben = { id: "p2", identity: "ben", name: "Ben", role: "agent", connected: true };
const camera = { id: "t1", peer: "p1", kind: "video", source: "camera", muted: false, codec: "VP8", flowing: true };
const sound = { id: "t2", peer: "p1", kind: "audio", source: "microphone", muted: false, codec: "opus", flowing: true };
const screen = { id: "t3", peer: "p2", kind: "video", source: "screen", muted: false, codec: "VP8", flowing: true };

const room = snapshot({
  name: "r", title: "R", state: "live", since: 5, viewers: 3, peers: [ann, ben], tracks: [camera, sound, screen],
  speakers: ["p2", "p1"],
});

const CHANGES = [
  ["a peer joins", { type: "peer_joined", peer: { ...ann, id: "p9" } }, { peers: [ann, ben, { ...ann, id: "p9" }] }],
  ["a peer joins again", { type: "peer_joined", peer: { ...ann, name: "A" } }, { peers: [{ ...ann, name: "A" }, ben] }],
  ["a peer drops", { type: "peer_updated", peer: { ...ben, connected: false } }, { peers: [ann, { ...ben, connected: false }] }],
  [
    "a peer leaves with its tracks and its voice",
    { type: "peer_left", peer: "p1", reason: "left" },
    { peers: [ben], tracks: [screen], speakers: ["p2"] },
  ],
  ["a track appears", { type: "track_published", track: { ...camera, id: "t9" } }, { tracks: [camera, sound, screen, { ...camera, id: "t9" }] }],
  ["a track is muted", { type: "track_updated", track: { ...sound, muted: true } }, { tracks: [camera, { ...sound, muted: true }, screen] }],
  ["a partial update keeps the rest", { type: "track_updated", track: { id: "t1", flowing: false } }, { tracks: [{ ...camera, flowing: false }, sound, screen] }],
  ["a track ends", { type: "track_unpublished", track: "t1", peer: "p1" }, { tracks: [sound, screen] }],
  ["the host goes away", { type: "room_state", state: "away", since: 9, away_until: 40 }, { state: "away", since: 9, away_until: 40 }],
  ["viewers come", { type: "viewers", count: 4 }, { viewers: 4 }],
  ["speakers change", { type: "speakers", peers: ["p1"] }, { speakers: ["p1"] }],
  ["silence", { type: "speakers", peers: [] }, { speakers: [] }],
];

for (const [name, event, expected] of CHANGES) {
  test(name, () => {
    const frozen = structuredClone(room);
    const next = reduce(room, event);
    assert.deepEqual(next, { ...room, ...expected });
    assert.deepEqual(room, frozen, "the former value is untouched");
    assert.equal(reduce(next, event), next, "the same event twice changes nothing more");
  });
}

const IGNORED = [
  { type: "viewers", count: 3 },
  { type: "speakers", peers: ["p2", "p1"] },
  { type: "room_state", state: "live", since: 5 },
  { type: "peer_joined", peer: { ...ann } },
  { type: "track_unpublished", track: "t7", peer: "p1" },
  { type: "peer_left", peer: "p7" },
  { type: "offer", transport: "x", version: 1 },
  { type: "constructor" },
  { type: "__proto__" },
  { type: "peer_joined" },
  { type: "peer_joined", peer: null },
  { type: "peer_left", peer: 5 },
  { type: "track_updated", track: "t1" },
  { type: "track_published", track: {} },
  { type: "viewers", count: "many" },
  { type: "speakers", peers: "p1" },
  { type: "room_state" },
];

for (const event of IGNORED) {
  test(`nothing changes: ${JSON.stringify(event)}`, () => assert.equal(reduce(room, event), room));
}

test("coming back clears the deadline of being away", () => {
  const away = reduce(room, { type: "room_state", state: "away", since: 9, away_until: 40 });
  const back = reduce(away, { type: "room_state", state: "live", since: 5 });
  assert.equal("away_until" in back, false);
  assert.equal(back.state, "live");
});

test("a snapshot of nothing is an empty room", () => {
  assert.deepEqual(snapshot(null), EMPTY);
  assert.deepEqual(snapshot({ name: "x" }), { ...EMPTY, name: "x" });
});
