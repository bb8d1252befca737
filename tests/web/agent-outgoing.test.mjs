/** What a guest sends follows the devices: held before the stage, in step with switches, never against the host's lock. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Outgoing } from "../../web/pages/outgoing.js";
import { Emitter } from "../../web/sdk/emitter.js";

class FakeLocal {
  locked = false;
  /** @type {string[]} */
  did = [];

  constructor(track, options) {
    this.mediaStreamTrack = track;
    this.source = options.source;
    this.options = options;
    this.muted = options.muted;
  }

  async mute(muted) {
    if (!muted && this.locked) throw Object.assign(new Error(), { code: "muted_by_host" });
    this.muted = muted;
    this.did.push(`mute ${muted}`);
  }

  async replace(track) {
    this.mediaStreamTrack = track;
    this.did.push(`replace ${track.id}`);
  }

  async setMaxBitrate() {}
}

class FakeRoom extends Emitter {
  /** @type {FakeLocal[]} */
  made = [];
  /** @type {string[]} */
  dropped = [];
  fail = "";

  async publish(track, options) {
    await Promise.resolve();
    if (this.fail) throw Object.assign(new Error(), { code: this.fail });
    const local = new FakeLocal(track, options);
    this.made.push(local);
    return local;
  }

  async unpublish(local) {
    this.dropped.push(local.source);
  }

  get(source) {
    return this.made.find((local) => local.source === source);
  }
}

class FakeCapture extends Emitter {
  tracks = { camera: { id: "cam" }, microphone: { id: "mic" } };
  off = { camera: false, microphone: false };
  screen = null;
  choice = { camera: "", microphone: "", resolution: "720p" };

  change(change) {
    Object.assign(this, change);
    this.emit("change", null);
  }
}

function setUp(change = {}) {
  const room = new FakeRoom();
  const capture = Object.assign(new FakeCapture(), change);
  const outgoing = new Outgoing(room, capture);
  /** @type {string[]} */
  const troubles = [];
  outgoing.on("trouble", ({ code }) => troubles.push(code));
  return { room, capture, outgoing, troubles };
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

test("before the stage both devices are held, and a screen is not prepared in secret", async () => {
  const { room, outgoing } = setUp({ screen: { video: { id: "scr" }, audio: null } });
  await outgoing.sync();
  assert.deepEqual(room.made.map(({ source, options }) => [source, options.held]), [["microphone", true], ["camera", true]]);
  outgoing.release();
  await settled();
  assert.equal(room.get("screen")?.options.held, undefined);
});

test("a source is published once however often it is asked for", async () => {
  const { room, outgoing, capture } = setUp();
  await Promise.all([outgoing.sync(), outgoing.sync()]);
  capture.change({});
  await settled();
  assert.equal(room.made.length, 2);
});

test("switches and new devices are followed, a lost one keeps its place muted", async () => {
  const { room, outgoing, capture } = setUp();
  await outgoing.sync();
  capture.change({ off: { camera: false, microphone: true } });
  await settled();
  assert.equal(room.get("microphone")?.muted, true);
  capture.change({ tracks: { camera: { id: "rear" }, microphone: { id: "mic" } } });
  await settled();
  assert.equal(room.get("camera")?.mediaStreamTrack.id, "rear");
  capture.change({ tracks: { camera: null, microphone: { id: "mic" } } });
  await settled();
  assert.equal(room.get("camera")?.muted, true);
  assert.deepEqual(room.dropped, []);
});

test("a switch that moves while its device is being published is honoured afterwards", async () => {
  const { room, outgoing, capture } = setUp();
  const syncing = outgoing.sync();
  capture.change({ off: { camera: true, microphone: false } });
  await syncing;
  await settled();
  assert.equal(room.get("camera")?.muted, true);
});

test("what the host locked is not unmuted from here", async () => {
  const { room, outgoing, capture, troubles } = setUp();
  await outgoing.sync();
  const microphone = room.get("microphone");
  Object.assign(microphone ?? {}, { locked: true, muted: true });
  capture.change({});
  await settled();
  assert.equal(microphone?.muted, true);
  assert.deepEqual(troubles, []);
});

test("a refusal is told and the other device goes on; what the server ended is published anew", async () => {
  const { room, outgoing, troubles } = setUp();
  room.fail = "not_on_stage";
  await outgoing.sync();
  assert.deepEqual(troubles, ["not_on_stage", "not_on_stage"]);
  room.fail = "";
  await outgoing.sync();
  assert.equal(outgoing.sending, true);
  room.emit("unpublished", { track: room.get("camera"), code: "unpublished", message: "" });
  room.emit("unpublished", { track: room.get("microphone"), code: "unpublished", message: "" });
  assert.equal(outgoing.sending, false);
});

test("closing takes everything back, also what is still on its way", async () => {
  const { room, outgoing, capture } = setUp();
  const syncing = outgoing.sync();
  outgoing.close();
  await syncing;
  assert.deepEqual(room.dropped.sort(), ["camera", "microphone"]);
  capture.change({});
  await settled();
  assert.equal(room.made.length, 2);
});
