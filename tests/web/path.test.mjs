import assert from "node:assert/strict";
import { test } from "node:test";
import { FakePeer, VirtualTime } from "./fakes.mjs";
import { PathMonitor } from "../../web/sdk/path.js";

function watch() {
  const time = new VirtualTime();
  const log = [];
  const link = { up: true };
  const monitor = new PathMonitor(
    { setTimeout: time.setTimeout, clearTimeout: time.clearTimeout },
    {
      restart: () => log.push("restart"),
      rebuild: () => log.push("rebuild"),
      state: (state) => log.push(state),
      reachable: () => link.up,
    },
  );
  const peer = new FakePeer();
  monitor.watch(peer);
  return { time, log, monitor, peer, link };
}

test("a path that comes up needs nothing", async () => {
  const { time, log, peer } = watch();
  peer.become("checking", "connecting");
  peer.become("connected", "connecting");
  peer.become("connected");
  await time.pass(60_000);
  assert.deepEqual(log, ["connected"]);
});

test("a hiccup of less than 2 s is left alone", async () => {
  const { time, log, peer } = watch();
  peer.become("connected");
  peer.become("disconnected");
  await time.pass(1_900);
  peer.become("connected");
  await time.pass(60_000);
  assert.ok(!log.includes("restart"));
});

test("2 s of silence restart ICE once; 8 s later the path is given up", async () => {
  const { time, log, peer } = watch();
  peer.become("connected");
  log.length = 0;
  peer.become("disconnected");
  await time.pass(2_000);
  assert.deepEqual(log.filter((entry) => entry.startsWith("re")), ["restart"]);
  peer.become("checking", "connecting");
  peer.become("disconnected");
  await time.pass(7_900);
  assert.ok(!log.includes("rebuild"));
  await time.pass(200);
  assert.deepEqual(log.filter((entry) => entry.startsWith("re")), ["restart", "rebuild"]);
});

test("a restart that works is the end of it, and the next fault starts anew", async () => {
  const { time, log, peer } = watch();
  for (let i = 0; i < 2; i++) {
    peer.become("connected");
    peer.become("disconnected");
    await time.pass(2_500);
    peer.become("connected");
    await time.pass(30_000);
  }
  assert.deepEqual(log.filter((entry) => entry.startsWith("re")), ["restart", "restart"]);
});

test("failed ICE is restarted at once, failed DTLS is given up at once", async () => {
  const ice = watch();
  ice.peer.become("connected");
  ice.peer.become("failed");
  assert.ok(ice.log.includes("restart") && !ice.log.includes("rebuild"));
  const dtls = watch();
  dtls.peer.become("connected", "failed");
  assert.ok(dtls.log.includes("rebuild") && !dtls.log.includes("restart"));
});

test("a change of network restarts a path that still looks well, but not one that has not begun", async () => {
  const { time, log, monitor, peer } = watch();
  monitor.restart();
  assert.deepEqual(log, []);
  peer.become("connected");
  log.length = 0;
  monitor.restart();
  monitor.restart();
  assert.deepEqual(log, ["restart"]);
  await time.pass(10_000);
  assert.deepEqual(log, ["restart"], "it never stopped working");
});

test("without signaling a path is not given up; it is tried again when signaling is back", async () => {
  const { time, log, monitor, peer, link } = watch();
  peer.become("connected");
  link.up = false;
  peer.become("disconnected");
  await time.pass(60_000);
  assert.deepEqual(log.filter((entry) => entry.startsWith("re")), ["restart"]);
  link.up = true;
  monitor.check();
  assert.deepEqual(log.filter((entry) => entry.startsWith("re")), ["restart", "restart"]);
});

test("a restart that waited for signaling gets its full time", async () => {
  const { time, log, monitor, peer } = watch();
  peer.become("connected");
  peer.become("disconnected");
  await time.pass(2_000 + 7_900);
  monitor.check();
  await time.pass(7_900);
  assert.ok(!log.includes("rebuild"));
  peer.become("connected");
  await time.pass(60_000);
  assert.ok(!log.includes("rebuild"));
});

test("one that is watched no more is heard no more", async () => {
  const { time, log, monitor, peer } = watch();
  peer.become("connected");
  peer.become("disconnected");
  monitor.unwatch();
  log.length = 0;
  await time.pass(60_000);
  peer.become("failed");
  assert.deepEqual(log, []);
  assert.equal(time.pending, 0);
});
