/** What the pages say in each situation, and the small formats. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBitrate, formatDuration, initials, tintOf } from "../../web/pages/format.js";
import { asResolution, readiness, studioScene } from "../../web/pages/host-view.js";
import { leadPeer, liveView, tileId, tilesOf } from "../../web/pages/live-view.js";
import { snapshot } from "../../web/sdk/state.js";

const host = { id: "h", identity: "lin", name: "林小满", role: "host", connected: true };
const other = { id: "o", identity: "other", name: "Other", role: "host", connected: true };
const guest = { id: "g", identity: "chen", name: "陈嘉木", role: "guest", connected: true };
const camera = { id: "c", peer: "h", kind: "video", source: "camera", muted: false, flowing: true };
const sound = { id: "m", peer: "h", kind: "audio", source: "microphone", muted: false, flowing: true };
const guestCamera = { ...camera, id: "gc", peer: "g" };
const screen = { ...camera, id: "s", source: "screen" };

const room = (/** @type {object} */ change = {}) =>
  snapshot({ name: "r", state: "live", viewers: 1, peers: [host], tracks: [camera, sound], ...change });
const live = (/** @type {object} */ change = {}) => ({
  tokenNeeded: false,
  failure: null,
  roomState: "joined",
  info: room(),
  tracks: [camera, sound],
  pictureSeen: true,
  unplayable: null,
  ...change,
});

for (const [what, input, scene] of [
  ["nothing known yet", live({ info: null }), "connecting"],
  ["no token", live({ tokenNeeded: true, failure: "token_expired" }), "token"],
  ["refused", live({ failure: "room_full", info: null }), "failed"],
  ["before the show", live({ info: room({ state: "idle" }) }), "idle"],
  ["before the show, host already sending", live({ info: room({ state: "idle", tracks: [camera] }) }), "idle"],
  ["host gone for a moment", live({ info: room({ state: "away" }) }), "away"],
  ["after the show", live({ info: room({ state: "ended" }), failure: null }), "ended"],
  ["live without tracks", live({ info: room({ tracks: [] }), tracks: [] }), "silent"],
  ["live, sound only", live({ info: room({ tracks: [sound] }), tracks: [sound] }), "sound"],
  ["live, camera off", live({ info: room({ tracks: [{ ...camera, muted: true }, sound] }) }), "sound"],
  ["picture on its way", live({ pictureSeen: false }), "waiting"],
  ["picture on its way after one that cannot be played", live({ pictureSeen: false, unplayable: "x" }), "waiting"],
  ["picture cannot be played", live({ pictureSeen: false, unplayable: "x", tracks: [sound] }), "unplayable"],
  ["picture", live(), "playing"],
]) {
  test(`live page: ${what} -> ${scene}`, () => {
    assert.deepEqual(liveView(input), { scene, repairing: false });
  });
}

test("live page: a repair goes on top of whatever is shown", () => {
  assert.deepEqual(liveView(live({ roomState: "reconnecting" })), { scene: "playing", repairing: true });
});

test("the lead is a host with a picture, then any host, then anybody who publishes, else nobody", () => {
  assert.equal(leadPeer(room({ peers: [guest, other, host] }))?.id, "h");
  assert.equal(leadPeer(room({ peers: [guest, other], tracks: [guestCamera] }))?.id, "o");
  assert.equal(leadPeer(room({ peers: [guest], tracks: [guestCamera] }))?.id, "g");
  assert.equal(leadPeer(room({ peers: [guest], tracks: [] })), null);
});

test("tiles: one per camera and microphone, one per screen, the lead first", () => {
  const info = room({ peers: [guest, host], tracks: [camera, sound, screen, guestCamera], speakers: ["h", "g"] });
  const tiles = tilesOf(info, [guestCamera, camera, sound, screen]);
  assert.deepEqual(
    tiles.map(({ id, kind, picture, micMuted, speaking }) => [id, kind, picture, micMuted, speaking]),
    [
      ["lin:screen", "screen", true, false, false],
      ["lin:camera", "camera", true, false, true],
      ["chen:camera", "camera", true, true, false],
    ],
  );
});

test("tiles: a muted camera is initials, a muted microphone does not speak", () => {
  const [tile] = tilesOf(room({ speakers: ["h"] }), [
    { ...camera, muted: true },
    { ...sound, muted: true },
  ]);
  assert.deepEqual([tile?.picture, tile?.micMuted, tile?.speaking], [false, true, false]);
});

test("tiles: a track of somebody who is not listed, and of nobody, makes none", () => {
  assert.deepEqual(tilesOf(room({ peers: [] }), [camera]), []);
  assert.deepEqual(tilesOf(room(), []), []);
});

const place = (/** @type {object} */ change = {}) => ({
  identity: "lin", peer: "h", name: "林小满", role: "host", state: "on", cohost: false, locked: { audio: false, video: false }, ...change,
});
const guestPlace = place({ identity: "chen", peer: "g", name: "陈嘉木", role: "agent" });
const words = {
  cameraOff: (/** @type {string} */ name) => `${name} off`,
  joining: "soon",
  hostAway: "host back soon",
  guestAway: "back soon",
  role: (/** @type {string} */ role) => role,
};
const staged = (/** @type {object[]} */ places, /** @type {object} */ change = {}) =>
  room({ peers: [host, guest], tracks: [camera, sound, guestCamera], stage: { places, layout: "grid", pin: null }, ...change });

test("tiles: in the order of the places, with what is said over them", () => {
  const seen = tilesOf(staged([guestPlace, place()]), [camera, sound, guestCamera], { words, self: "chen" });
  assert.deepEqual(
    seen.map(({ id, identity, role, status, own, note }) => [id, identity, role, status, own, note]),
    [
      ["chen:camera", "chen", "agent", "", true, "陈嘉木 off"],
      ["lin:camera", "lin", "host", "", false, "林小满 off"],
    ],
  );
});

for (const [what, places, change, tracks, expected] of [
  ["about to come on", [place(), { ...guestPlace, state: "joining" }], {}, [camera], ["", "soon"]],
  ["a guest whose connection is being made again", [place(), { ...guestPlace, peer: null }], {}, [camera], ["", "back soon"]],
  ["a host gone while a guest is on", [place({ peer: null }), guestPlace], { state: "away" }, [guestCamera], ["host back soon", ""]],
  ["a host gone, not yet said by the stage", [place(), guestPlace], { state: "away" }, [guestCamera], ["host back soon", ""]],
]) {
  test(`tiles: ${what}`, () => {
    const info = staged(/** @type {any} */ (places), /** @type {object} */ (change));
    assert.deepEqual(tilesOf(info, /** @type {any} */ (tracks), { words }).map(({ status }) => status), expected);
  });
}

test("tiles: a reload makes neither a second tile nor another one", () => {
  const back = { ...guest, id: "g2" };
  const backCamera = { ...guestCamera, id: "gc2", peer: "g2" };
  const before = staged([place(), guestPlace]);
  const gone = staged([place(), { ...guestPlace, peer: null }], { peers: [host] });
  const after = staged([place(), { ...guestPlace, peer: "g2" }], { peers: [host, back] });
  const known = new Map([["g", "chen"]]);
  const steps = [
    [before, [camera, guestCamera]],
    [gone, [camera, guestCamera]],
    [gone, [camera]],
    [after, [camera, guestCamera, backCamera]],
    [after, [camera, backCamera]],
  ];
  for (const [info, tracks] of /** @type {[any, any][]} */ (steps)) {
    const ids = tilesOf(info, tracks, { identityOf: (id) => known.get(id) ?? id }).map(({ id }) => id);
    assert.deepEqual(ids, ["lin:camera", "chen:camera"]);
  }
});

test("tiles: of a person's tracks, those of the place's own peer count", () => {
  const muted = { ...guestCamera, id: "gc2", peer: "g2", muted: true };
  const info = staged([place(), { ...guestPlace, peer: "g2" }], { peers: [host, guest, { ...guest, id: "g2" }] });
  assert.deepEqual(tilesOf(info, [guestCamera, muted]).map(({ picture }) => picture), [false, false]);
});

test("tiles: a whisper is for the ear, and a place may be left out where it is shown already", () => {
  const whisper = { ...sound, id: "w", peer: "v", source: "whisper" };
  const supervisor = { id: "v", identity: "he", name: "何", role: "supervisor", connected: true };
  assert.equal(tilesOf(room({ peers: [host, supervisor] }), [camera, whisper]).length, 1);
  assert.deepEqual(
    tilesOf(staged([place(), guestPlace]), [camera], { self: "lin", hideSelf: true }).map(({ id }) => id),
    ["chen:camera"],
  );
});

test("live page: while a guest is on air the picture stays, though the host is away", () => {
  const alone = staged([place({ peer: null })], { state: "away", tracks: [] });
  const guestOn = staged([place({ peer: null }), guestPlace], { state: "away", tracks: [guestCamera] });
  const guestGone = staged([place({ peer: null }), { ...guestPlace, peer: null }], { state: "away", tracks: [] });
  assert.deepEqual(
    [alone, guestOn, guestGone].map((info) => liveView(live({ info, tracks: [guestCamera] })).scene),
    ["away", "playing", "away"],
  );
});

test("the lead is a host whose place waits, before a guest who is on", () => {
  const info = staged([place({ peer: null }), guestPlace], { state: "away", peers: [guest], tracks: [guestCamera] });
  assert.equal(leadPeer(info)?.identity, "lin");
});

test("a screen's sound plays with the screen", () => {
  assert.equal(tileId("h", "screen_audio"), tileId("h", "screen"));
  assert.equal(tileId("h", "microphone"), tileId("h", "camera"));
  assert.notEqual(tileId("h", "screen"), tileId("h", "camera"));
});

const studio = (/** @type {object} */ change = {}) => ({
  tokenNeeded: false,
  failure: null,
  secure: true,
  joined: true,
  roomState: "joined",
  show: "idle",
  onAir: false,
  starting: false,
  summary: false,
  capture: "open",
  trouble: null,
  ...change,
});

for (const [what, input, scene] of [
  ["no token", studio({ tokenNeeded: true }), "token"],
  ["refused", studio({ failure: "forbidden" }), "failed"],
  ["plain http", studio({ secure: false, capture: "closed" }), "insecure"],
  ["plain http, and no token", studio({ secure: false, tokenNeeded: true }), "insecure"],
  ["first visit", studio({ capture: "closed" }), "ask"],
  ["browser asks", studio({ capture: "opening" }), "opening"],
  ["browser refused", studio({ capture: "closed", trouble: "permission_denied" }), "trouble"],
  ["ready", studio(), "preview"],
  ["ready before the server is", studio({ joined: false, roomState: "connecting" }), "preview"],
  ["pressed", studio({ starting: true }), "starting"],
  ["on air", studio({ onAir: true, show: "live" }), "live"],
  ["on air, both devices gone", studio({ onAir: true, show: "live", capture: "closed", trouble: "device_lost" }), "live"],
  ["on air, connection cut", studio({ onAir: true, roomState: "reconnecting" }), "live"],
  ["reloaded during the show", studio({ show: "live" }), "resume"],
  ["back within the grace", studio({ show: "away" }), "resume"],
  ["after the show", studio({ summary: true, show: "ended", capture: "closed" }), "summary"],
  ["a show before ours", studio({ show: "ended" }), "preview"],
]) {
  test(`studio: ${what} -> ${scene}`, () => {
    assert.equal(studioScene(input), scene);
  });
}

test("Go live waits for devices, then for the server", () => {
  assert.equal(readiness(studio()), "ready");
  assert.equal(readiness(studio({ capture: "closed" })), "devices");
  assert.equal(readiness(studio({ joined: false })), "connecting");
  assert.equal(readiness(studio({ roomState: "reconnecting" })), "connecting");
});

test("an unknown resolution is 720p", () => {
  assert.deepEqual(["1080p", "4k", undefined, null].map(asResolution), ["1080p", "720p", "720p", "720p"]);
});

for (const [ms, text] of [
  [-5, "0:00"],
  [0, "0:00"],
  [999, "0:00"],
  [59_999, "0:59"],
  [60_000, "1:00"],
  [3_599_999, "59:59"],
  [3_600_000, "1:00:00"],
  [90_061_000, "25:01:01"],
]) {
  test(`${ms} ms is ${text}`, () => assert.equal(formatDuration(ms), text));
}

for (const [name, text] of [
  ["林小满", "小满"],
  ["王", "王"],
  ["林 小满", "小满"],
  ["Maya Collins", "MC"],
  ["maya", "M"],
  ["Óscar de la Hoya", "ÓD"],
  ["", "?"],
  ["🎉🎉", "?"],
  ["🎉 Li", "L"],
  ["李Amy", "李"],
  ["测试画面 Test picture", "画面"],
]) {
  test(`initials of "${name}" are ${text}`, () => assert.equal(initials(name), text));
}

test("a name keeps its tint", () => {
  for (const name of ["", "林小满", "x".repeat(500)]) {
    const tint = tintOf(name, 6);
    assert.ok(tint >= 0 && tint < 6);
    assert.equal(tintOf(name, 6), tint);
  }
});

test("bit rates read as people say them", () => {
  assert.deepEqual([0, 640_000, 2_480_000].map(formatBitrate), ["0 kbps", "640 kbps", "2.5 Mbps"]);
});
