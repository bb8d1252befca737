/** What the host's panels show for which state of the room: whom one can ring, what waits, who is on the stage. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { draft, unconfirmed, unreadAfter } from "../../web/pages/backchannel-view.js";
import {
  attachment, closed, directory, groups, guestRows, landing, obstacle, outcomeOf, pendingRows,
} from "../../web/pages/guests-view.js";
import { hostControls } from "../../web/pages/host-controls.js";
import { snapshot } from "../../web/sdk/state.js";

const NOW = 1_000_000;
const agent = (identity, presence = "available", more = {}) => ({
  identity, name: identity, skills: [], presence, engaged: false, here: false, ...more,
});
const place = (identity, more = {}) => ({
  identity, peer: `p-${identity}`, name: identity, role: "agent", state: "on", cohost: false,
  locked: { audio: false, video: false }, ...more,
});
const stage = (places = [], more = {}) => ({ places, layout: "grid", pin: null, locked: false, hands_open: false, ...more });
const invite = (more = {}) => ({
  id: "i", room: "r", title: "", direction: "invite", state: "pending", reason: null,
  from: { identity: "host", name: "Host", role: "host" }, target: { kind: "identity", value: "chen" },
  to: { identity: "chen", name: "Chen" }, tried: 1, topic: "", product: null, created: NOW - 5_000, ring_until: NOW + 15_000,
  ...more,
});
const room = (more = {}) => snapshot({ name: "r", state: "live", viewers: 0, peers: [], tracks: [], ...more });

for (const [what, one, info, state] of [
  ["available", agent("a"), {}, "free"],
  ["engaged somewhere", agent("a", "available", { engaged: true }), {}, "busy"],
  ["busy", agent("a", "busy"), {}, "busy"],
  ["on a break", agent("a", "break"), {}, "break"],
  ["offline", agent("a", "offline"), {}, "offline"],
  ["rung here", agent("a", "busy", { engaged: true }), { invites: [invite({ to: { identity: "a", name: "a" } })] }, "ringing"],
  ["on this stage", agent("a", "busy"), { stage: stage([place("a")]) }, "on_stage"],
  ["asking to come", agent("a"), { invites: [invite({ direction: "request", to: null, from: agent("a") })] }, "free"],
]) {
  test(`directory: ${what} -> ${state}`, () => {
    assert.equal(directory(room({ agents: [one], ...info }), "")[0]?.state, state);
  });
}

test("directory: who can come first, those in the room before others, then by name", () => {
  const agents = [agent("z"), agent("off", "offline"), agent("b", "break"), agent("y", "available", { here: true }), agent("a")];
  assert.deepEqual(directory(room({ agents }), "").map(({ identity }) => identity), ["y", "a", "z", "b", "off"]);
});

test("directory: found by name and by skill, whatever the case and width", () => {
  const agents = [agent("Maya", "available", { skills: ["Returns"] }), agent("陈嘉木", "available", { skills: ["美妆"] })];
  const found = (/** @type {string} */ query) => directory(room({ agents }), query).map(({ identity }) => identity);
  assert.deepEqual(found(" mAy "), ["Maya"]);
  assert.deepEqual(found("ＲＥＴ"), ["Maya"]);
  assert.deepEqual(found("美"), ["陈嘉木"]);
  assert.deepEqual(found("nobody"), []);
});

test("groups: free agents by skill, the fullest first; a skill of offline people alone is none", () => {
  const agents = [
    agent("a", "available", { skills: ["x", "y"] }),
    agent("b", "available", { skills: ["x"] }),
    agent("c", "break", { skills: ["z"] }),
    agent("d", "offline", { skills: ["gone"] }),
  ];
  assert.deepEqual(groups(room({ agents })), {
    free: 2,
    skills: [{ skill: "x", free: 2 }, { skill: "y", free: 1 }, { skill: "z", free: 0 }],
  });
});

for (const [what, fields, expected] of [
  ["nothing", {}, { topic: "", product: null, problem: null }],
  ["a topic", { topic: "  why  " }, { topic: "why", product: null, problem: null }],
  ["a product", { title: "Cup", price: " 9 " }, { topic: "", product: { title: "Cup", price: "9" }, problem: null }],
  ["a link without its scheme", { title: "Cup", url: "a.example/1" }, { topic: "", product: { title: "Cup", url: "https://a.example/1" }, problem: null }],
  ["a price alone", { price: "9" }, { topic: "", product: null, problem: "title" }],
  ["a link that is a script", { title: "Cup", url: "javascript:alert(1)" }, { topic: "", product: null, problem: "url" }],
  ["no link at all", { title: "Cup", url: "not a link" }, { topic: "", product: null, problem: "url" }],
]) {
  test(`attachment: ${what}`, () => {
    assert.deepEqual(attachment({ topic: "", title: "", price: "", url: "", ...fields }), expected);
  });
}

test("pending: requests first, not our own; the ring's part that is left", () => {
  const rows = pendingRows(
    [
      invite(),
      invite({ id: "own", direction: "request", to: null }),
      invite({ id: "r", direction: "request", from: { identity: "may", name: "May", role: "agent" }, to: null, ring_until: NOW + 60_000 }),
      invite({ id: "g", target: { kind: "skill", value: "x" }, tried: 2, created: NOW - 30_000, ring_until: NOW + 10_000 }),
      invite({ id: "done", state: "accepted" }),
    ],
    "host",
    NOW,
  );
  assert.deepEqual(
    rows.map(({ id, kind, name, tried, leftS, left }) => [id, kind, name, tried, leftS, left]),
    [["r", "request", "May", 1, 60, 0.5], ["i", "direct", "Chen", 1, 15, 0.75], ["g", "skill", "Chen", 2, 10, 0.5]],
  );
});

test("pending: never less than nothing left, and whose invitation it is", () => {
  const [row] = pendingRows([invite({ ring_until: NOW - 5_000 })], "cohost", NOW);
  assert.deepEqual([row?.leftS, row?.left, row?.by], [0, 0, "Host"]);
});

for (const [what, one, told] of [
  ["still ringing", {}, null],
  ["accepted: seen on the stage", { state: "accepted" }, null],
  ["declined with a reason", { state: "declined", reason: "busy" }, ["declined", "Chen", "busy", true]],
  ["no answer", { state: "expired" }, ["no_answer", "Chen", "", true]],
  ["nobody of a group", { state: "expired", reason: "nobody_available", target: { kind: "anyone", value: null } }, ["nobody", "Chen", "", true]],
  ["left", { state: "failed", reason: "invitee_left" }, ["left", "Chen", "", false]],
  ["nothing sent", { state: "failed", reason: "no_media" }, ["no_media", "Chen", "", true]],
  ["cancelled by somebody here", { state: "cancelled" }, null],
  ["request taken back", { direction: "request", from: { identity: "may", name: "May", role: "agent" }, state: "cancelled" }, ["withdrawn", "May", "", false]],
  ["request over with the show", { direction: "request", from: { identity: "may", name: "May", role: "agent" }, state: "cancelled", reason: "show_ended" }, null],
  ["request of our own", { direction: "request", state: "declined" }, null],
]) {
  test(`outcome: ${what}`, () => {
    const result = outcomeOf(invite(one), "host", new Set());
    assert.deepEqual(result && [result.outcome, result.name, result.reason, result.again], told);
  });
}

test("outcome: what we ended ourselves is no news, that it failed is", () => {
  assert.equal(outcomeOf(invite({ state: "declined" }), "host", new Set(["i"])), null);
  assert.equal(outcomeOf(invite({ state: "failed" }), "host", new Set(["i"]))?.outcome, "failed");
});

test("guests: what each sends, and what the host has muted", () => {
  const track = (peer, source, muted) => ({ id: `${peer}${source}`, peer, kind: source === "camera" ? "video" : "audio", source, muted, flowing: true });
  const info = room({
    tracks: [
      track("p-a", "microphone", true), track("p-a", "camera", false),
      track("p-b", "microphone", true), track("p-b", "screen", false),
    ],
    stage: stage(
      [
        place("host", { role: "host" }), place("a", { cohost: true }), place("b", { locked: { audio: true, video: false } }),
        place("c", { state: "joining" }), place("d", { peer: null }),
      ],
      { pin: "b" },
    ),
    speakers: ["p-a"],
  });
  assert.deepEqual(
    guestRows(info, "host").map((row) => [row.identity, row.state, row.microphone, row.camera, row.own, row.host, row.cohost, row.pinned, row.speaking, row.screen]),
    [
      ["host", "on", "none", "none", true, true, false, false, false, false],
      ["a", "on", "off", "on", false, false, true, false, true, false],
      ["b", "on", "locked", "none", false, false, false, true, false, true],
      ["c", "joining", "none", "none", false, false, false, false, false, false],
      ["d", "away", "none", "none", false, false, false, false, false, false],
    ],
  );
});

for (const [what, facts, expected] of [
  ["all well", {}, null],
  ["cut off", { joined: false, show: "idle" }, "repairing"],
  ["before the show", { show: "idle" }, "not_live"],
  ["host away", { show: "away" }, null],
  ["after the show", { show: "ended" }, "not_live"],
  ["locked", { stage: stage([], { locked: true }) }, "locked"],
  ["full", { stage: stage(Array.from({ length: 6 }, (_, i) => place(`g${i}`)), { locked: true }) }, "full"],
]) {
  test(`obstacle: ${what} -> ${expected}`, () => {
    assert.equal(obstacle({ joined: true, show: "live", stage: stage(), ...facts }), expected);
  });
}

test("closed: five leave room for one", () => {
  assert.equal(closed(stage(Array.from({ length: 5 }, (_, i) => place(`g${i}`)))), null);
});

for (const [from, y, to] of [[0, 10, 0], [0, 75, 1], [0, 500, 2], [2, 0, 0], [2, 55, 1], [1, 50, 1]]) {
  test(`dragged from ${from} to ${y} px -> ${to}`, () => {
    assert.equal(landing([20, 60, 100], from, y), to);
  });
}

const word = (id, more = {}) => ({ id, from: { identity: "sup", name: "S", role: "supervisor" }, text: "x", urgent: false, at: 0, acked: [], ...more });

test("urgent: of others, until this person confirms", () => {
  const mine = { identity: "host", name: "Host" };
  const messages = [
    word("1", { urgent: true, acked: [{ identity: "chen", name: "Chen" }] }),
    word("2", { urgent: true, acked: [mine] }),
    word("3"),
    word("4", { urgent: true, from: { ...mine, role: "host" } }),
    word("5", { urgent: true }),
  ];
  assert.deepEqual(unconfirmed(messages, "host").map(({ id }) => id), ["1", "5"]);
});

test("unread: what others said after the last one seen; all of it when that one is gone", () => {
  const own = { identity: "host", name: "Host", role: "host" };
  const messages = [word("1"), word("2"), word("3", { from: own }), word("4")];
  assert.equal(unreadAfter(messages, "host", "2"), 1);
  assert.equal(unreadAfter(messages, "host", "4"), 0);
  assert.equal(unreadAfter(messages, "host", null), 3);
  assert.equal(unreadAfter(messages, "host", "dropped"), 3);
});

for (const [text, connected, expected] of [
  ["", true, { canSend: false, left: null }],
  ["  ", true, { canSend: false, left: null }],
  ["stop", true, { canSend: true, left: null }],
  ["stop", false, { canSend: false, left: null }],
  ["好".repeat(500), true, { canSend: true, left: 0 }],
  ["👏".repeat(501), true, { canSend: false, left: -1 }],
]) {
  test(`draft of ${[...text].length} letters, connected ${connected}`, () => {
    assert.deepEqual(draft(text, connected), expected);
  });
}

const capture = /** @type {any} */ ({
  tracks: { camera: {}, microphone: {} }, off: { camera: false, microphone: false }, problems: { camera: null, microphone: null }, screen: null,
});
const bar = (scene, page) =>
  hostControls(scene, capture, { ready: "ready", narrow: true, waiting: 0, unread: 0, ...page }).map(({ id, badge }) => (badge ? `${id}:${badge}` : id));

test("call bar: on a phone guests and chat with their counts once the show runs, the settings before", () => {
  assert.deepEqual(bar("preview", {}), ["microphone", "camera", "settings", "live"]);
  assert.deepEqual(bar("live", { waiting: 2, unread: 120 }), ["microphone", "camera", "guests:2", "chat:99+", "end"]);
  assert.deepEqual(bar("resume", {}), ["microphone", "camera", "guests", "chat", "live"]);
  assert.deepEqual(bar("live", { narrow: false, waiting: 2 }), ["microphone", "camera", "end"]);
});
