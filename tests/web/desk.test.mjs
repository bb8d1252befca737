import assert from "node:assert/strict";
import { test } from "node:test";
import { aCall } from "./calls.mjs";
import { FakeBrowser, codeOf, joinWith, record, settle } from "./fakes.mjs";
import { LianmaiDesk } from "../../web/sdk/desk.js";

const me = {
  identity: "me", name: "Me", presence: "available", chosen: "available", since: 1, skills: ["x"], all_skills: ["x", "y"], engaged: null,
};
const invite = (more = {}) => ({
  id: "i1", room: "r", title: "R", direction: "invite", state: "pending", reason: null,
  from: { identity: "ann", name: "Ann", role: "host" }, target: { kind: "anyone", value: null },
  to: { identity: "me", name: "Me" }, tried: 1, topic: "", product: null, created: 1, ring_until: 2, ...more,
});
const live = { name: "r", title: "R", state: "live", since: 1, viewers: 2, host: "Ann", on_stage: 1 };
const sits = (more = {}) => ({ room: undefined, desk: { me, rooms: [live], invites: [] }, self: { identity: "me", name: "Me", role: "agent", grants: { desk: true } }, ...more });

async function seated(more = {}, options = {}) {
  const browser = new FakeBrowser();
  const desk = new LianmaiDesk({ url: "ws://x/ws", token: "T", env: browser.env, ...options });
  const joining = desk.join();
  const join = await joinWith(browser, sits(more));
  await joining;
  return { browser, desk, join };
}

test("the join says that it is for the desk, and opens no media", async () => {
  const { browser, desk, join } = await seated({}, { locale: "zh-CN", client: "c".repeat(300) });
  assert.equal(join.desk, true);
  assert.equal(join.locale, "zh-CN");
  assert.equal(join.client.length, 200);
  assert.equal("room" in join || "subscribe" in join, false);
  assert.equal(browser.peers.length, 0);
  assert.deepEqual(desk.info, { me, rooms: [live], invites: [], calls: [] });
  assert.equal(desk.self.identity, "me");
  assert.equal(desk.state, "joined");
});

test("joining twice is joining once", async () => {
  const { browser, desk } = await seated();
  await desk.join();
  assert.equal(browser.sockets.length, 1);
});

test("refused: the reason, and no farewell", async () => {
  const browser = new FakeBrowser();
  const desk = new LianmaiDesk({ url: "ws://x/ws", token: "T", env: browser.env });
  const seen = record(desk, "bye");
  const outcome = codeOf(desk.join());
  await settle();
  browser.socket.accept();
  await settle();
  browser.socket.refuse(browser.socket.last("join"), "forbidden");
  assert.equal(await outcome, "forbidden");
  assert.equal(seen.length, 0);
  assert.equal(browser.listeners, 0);
  assert.equal(browser.time.pending, 0);
});

test("a ring comes, changes and ends; the news is told after it is in info", async () => {
  const { browser, desk } = await seated();
  const seen = [];
  desk.on("invite", (detail) => seen.push([detail.invite.state, desk.info.invites.length]));
  browser.socket.push({ type: "invite", seq: 1, invite: invite() });
  browser.socket.push({ type: "invite", seq: 2, invite: null });
  browser.socket.push({ type: "invite", seq: 3, invite: invite({ state: "cancelled" }) });
  assert.deepEqual(seen, [["pending", 1], ["cancelled", 0]]);
});

test("answers and presence", async () => {
  const { browser, desk } = await seated();
  const seen = record(desk, "desk");
  const accepting = desk.acceptInvite("i1");
  const declining = desk.declineInvite("i2", "on a call");
  const resting = desk.setPresence("break", ["y"]);
  assert.equal(browser.socket.last("accept_invite").invite, "i1");
  assert.equal(browser.socket.last("decline_invite").reason, "on a call");
  const presence = browser.socket.last("set_presence");
  assert.deepEqual([presence.presence, presence.skills], ["break", ["y"]]);
  browser.socket.reply(browser.socket.last("accept_invite"), { invite: invite({ state: "accepted" }) });
  browser.socket.refuse(browser.socket.last("decline_invite"), "invite_expired");
  browser.socket.reply(presence, { me: { ...me, presence: "break", chosen: "break" } });
  assert.equal((await accepting).state, "accepted");
  assert.equal(await codeOf(declining), "invite_expired");
  assert.equal((await resting).chosen, "break");
  assert.equal(desk.info.me.presence, "break", "without waiting for the event");
  assert.equal(seen.length, 1);
  void desk.setPresence("available").catch(() => {});
  assert.equal("skills" in browser.socket.last("set_presence"), false);
});

test("a drop: the same seat, and what was missed follows", async () => {
  const { browser, desk } = await seated();
  browser.socket.push({ type: "desk_rooms", seq: 1, rooms: [] });
  browser.socket.cut();
  assert.equal(desk.state, "reconnecting");
  await browser.time.pass(200);
  const join = await joinWith(browser, { resumed: true, room: undefined, seq: 1, self: {} });
  assert.deepEqual(join.resume, { peer: "p1", key: "k1", seq: 1 });
  assert.equal(join.desk, true);
  assert.equal(desk.state, "joined");
  browser.socket.push({ type: "invite", seq: 2, invite: invite() });
  assert.equal(desk.info.invites.length, 1);
  assert.equal(desk.self.name, "Me");
});

for (const resumed of [true, false]) {
  test(`a long drop (resumed ${resumed}): the whole desk anew, rings that are over are gone`, async () => {
    const { browser, desk } = await seated({ desk: { me, rooms: [live], invites: [invite()] } });
    browser.socket.cut();
    await browser.time.pass(200);
    await joinWith(browser, sits({ resumed, seq: 900, desk: { me: { ...me, presence: "busy" }, rooms: [], invites: [] } }));
    assert.deepEqual(desk.info, { me: { ...me, presence: "busy" }, rooms: [], invites: [], calls: [] });
    browser.socket.push({ type: "desk_rooms", seq: 901, rooms: [live] });
    browser.socket.push({ type: "desk_rooms", seq: 5, rooms: [] });
    assert.deepEqual(desk.info.rooms, [live], "numbers go on from there");
    assert.equal(desk.state, "joined");
  });
}

test("an answer under way when the connection drops is sent again", async () => {
  const { browser, desk } = await seated();
  const accepting = desk.acceptInvite("i1");
  browser.socket.cut();
  await browser.time.pass(200);
  await joinWith(browser, { resumed: true, room: undefined, seq: 0 });
  browser.socket.reply(browser.socket.last("accept_invite"), { invite: invite({ state: "accepted" }) });
  assert.equal((await accepting).state, "accepted");
});

test("a fresh token is brought in time", async () => {
  let count = 0;
  const expires_at = Date.now() + 120_000;
  const self = { identity: "me", name: "Me", role: "agent", grants: {}, expires_at };
  const { browser } = await seated({ self }, { token: () => `T${++count}` });
  for (let i = 0; i < 7; i++) {
    await browser.time.pass(10_000);
    for (const ping of browser.socket.requests("ping")) browser.socket.reply(ping);
  }
  assert.equal(browser.socket.last("update_token").token, "T2");
});

test("farewells are said once; a restart is none", async () => {
  const { browser, desk } = await seated();
  const seen = record(desk, "bye", "error");
  browser.socket.push({ type: "bye", seq: 1, code: "server_restart", message: "soon" });
  assert.deepEqual(seen.map(({ type }) => type), ["error"]);
  await browser.time.pass(2_000);
  await joinWith(browser, sits());
  browser.socket.push({ type: "bye", seq: 1, code: "identity_replaced", message: "words" });
  assert.deepEqual(seen.filter(({ type }) => type === "bye").map(({ code }) => code), ["identity_replaced"]);
  await settle();
  assert.equal(browser.time.pending, 0);
  assert.equal(browser.listeners, 0);
});

test("a page that comes to the front looks after its connection", async () => {
  const { browser } = await seated();
  browser.page("hidden");
  assert.equal(browser.socket.requests("ping").length, 0);
  browser.page("visible");
  assert.equal(browser.socket.requests("ping").length, 1);
});

test("leaving says so and leaves nothing behind", async () => {
  const { browser, desk } = await seated();
  await desk.leave();
  assert.ok(browser.socket.last("leave"));
  assert.equal(desk.state, "closed");
  await settle();
  assert.equal(browser.time.pending, 0);
  assert.equal(browser.listeners, 0);
  assert.equal(await codeOf(desk.setPresence("break")), "not_connected");
});

// --- one-to-one help ---------------------------------------------------------------------------------------------------

test("calls come, change and end; the news is told after it is in the list", async () => {
  const { browser, desk } = await seated();
  const seen = [];
  desk.on("call", ({ call, previous }) => seen.push([call.state, previous?.state ?? null, desk.calls.size]));
  const push = (seq, more) => browser.socket.push({ type: "call", seq, call: aCall(more) });
  push(1, { state: "ringing" });
  push(2, { state: "wrap_up" });
  browser.socket.push({ type: "call", seq: 3, call: null });
  push(4, { state: "ended" });
  assert.deepEqual(seen, [["ringing", null, 1], ["wrap_up", "ringing", 1], ["ended", "wrap_up", 0]]);
  push(5, { id: "c2", state: "ended" });
  assert.deepEqual(seen.at(-1), ["ended", null, 0]);
});

test("answers, and what is known without waiting for the event", async () => {
  const { browser, desk } = await seated();
  const { socket } = browser;
  const answering = desk.answer("c1");
  const declining = desk.decline("c2", "lunch");
  const taking = codeOf(desk.take("c3"));
  void desk.supervise("c4", "whisper").catch(() => {});
  void desk.end("c5").catch(() => {});
  void desk.wrapUp("c6", { note: "", reasons: ["returns"], solved: "yes", done: true }).catch(() => {});
  const linking = desk.callLink({ topic: "T" });
  const { id: _, ...asked } = socket.last("wrap_up");
  assert.deepEqual(asked, { type: "wrap_up", call: "c6", note: "", reasons: ["returns"], solved: "yes", done: true });
  assert.equal(socket.last("decline_call").reason, "lunch");
  assert.equal(socket.last("supervise_call").mode, "whisper");
  assert.equal("reason" in socket.last("end_call"), false);
  socket.reply(socket.last("answer_call"), { call: aCall({ state: "active" }) });
  socket.reply(socket.last("decline_call"), { call: aCall({ id: "c2" }) });
  socket.refuse(socket.last("take_call"), "call_answered");
  socket.reply(socket.last("call_link"), { link: { id: "l", url: "u", expires: 1 } });
  assert.equal((await answering).state, "active");
  await declining;
  assert.equal(await taking, "call_answered");
  assert.equal((await linking).url, "u");
  assert.equal(desk.calls.get("c1").state, "active");
});

test("the queue and the wall; the wall is asked for again by a new Peer, and not after it was closed", async () => {
  const { browser, desk } = await seated();
  const seen = record(desk, "queue", "wall");
  const wall = (seq) => ({ type: "wall", seq, at: 1, queues: [], agents: [], calls: [], today: {} });
  browser.socket.push(wall(1));
  browser.socket.push({ type: "queue", seq: 2, queues: [], waiting: [{ call: "c1" }] });
  browser.socket.push({ type: "queue", seq: 3, queues: null });
  void desk.watchWall(true);
  browser.socket.reply(browser.socket.last("watch_wall"));
  browser.socket.push(wall(4));
  assert.deepEqual(seen.map(({ type }) => type), ["queue", "wall"]);
  assert.equal(desk.queue.waiting[0].call, "c1");
  assert.equal(desk.wall.at, 1);
  browser.socket.cut();
  await browser.time.pass(200);
  await joinWith(browser, sits({ peer: "p2", desk: { me, rooms: [], invites: [], calls: [aCall({ state: "ringing" })] } }));
  assert.equal(browser.socket.last("watch_wall").on, true);
  assert.deepEqual([...desk.calls.keys()], ["c1"], "the desk anew");
  browser.socket.reply(browser.socket.last("watch_wall"));
  void desk.watchWall(false);
  assert.equal(desk.wall, null);
  browser.socket.push(wall(1));
  assert.equal(desk.wall, null);
});

test("a resume keeps the calls", async () => {
  const { browser, desk } = await seated();
  browser.socket.push({ type: "call", seq: 1, call: aCall({ state: "ringing" }) });
  browser.socket.cut();
  await browser.time.pass(200);
  await joinWith(browser, { resumed: true, room: undefined, seq: 1, self: {} });
  assert.equal(desk.calls.size, 1);
});
