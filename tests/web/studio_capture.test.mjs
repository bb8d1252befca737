/** The microphone for speech and for music: opened anew, in the place of the former one, or left as it was. */
import assert from "node:assert/strict";
import { test } from "node:test";

/** @type {MediaTrackConstraints[]} */
const asked = [];
let refuse = (/** @type {any} */ _audio) => false;

class Track extends EventTarget {
  kind = "audio";
  enabled = true;
  stopped = false;
  stop() {
    this.stopped = true;
  }
  getSettings() {
    return { deviceId: "m1" };
  }
}

const media = Object.assign(new EventTarget(), {
  enumerateDevices: async () => [{ deviceId: "m1", label: "Mic", kind: "audioinput", groupId: "" }],
  getUserMedia: async (/** @type {any} */ { audio }) => {
    if (!audio) throw Object.assign(new Error("none"), { name: "NotFoundError" });
    asked.push(audio);
    if (refuse(audio)) throw Object.assign(new Error("taken"), { name: "NotReadableError" });
    return { getAudioTracks: () => [new Track()], getVideoTracks: () => [] };
  },
});
Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: media }, configurable: true });
const { Capture } = await import("../../web/pages/capture.js");

const processed = (/** @type {any} */ audio) => [audio.echoCancellation, audio.noiseSuppression, audio.autoGainControl];

async function opened() {
  asked.length = 0;
  refuse = () => false;
  const capture = new Capture();
  await capture.open();
  return capture;
}

test("speech is made clearer by default", async () => {
  const capture = await opened();
  assert.equal(capture.music, false);
  assert.deepEqual(asked.map(processed), [[true, true, true]]);
});

test("music turns everything off, on the same device, and stays off when the device is opened again", async () => {
  const capture = await opened();
  const former = capture.tracks.microphone;
  let changes = 0;
  capture.on("change", () => (changes += 1));
  assert.equal(await capture.setMusic(true), true);
  assert.deepEqual(processed(asked[1]), [false, false, false]);
  assert.deepEqual(asked[1]?.deviceId, { exact: "m1" });
  assert.equal(/** @type {any} */ (former).stopped, true);
  assert.notEqual(capture.tracks.microphone, former);
  assert.ok(changes > 0, "whoever publishes hears of the new track");
  await capture.retry("microphone");
  assert.deepEqual(processed(asked[2]), [false, false, false]);
});

test("a microphone that is off stays off", async () => {
  const capture = await opened();
  capture.setOff("microphone", true);
  await capture.setMusic(true);
  assert.equal(capture.tracks.microphone?.enabled, false);
});

test("a microphone that will not open so is as it was", async () => {
  const capture = await opened();
  refuse = (audio) => audio.echoCancellation === false;
  assert.equal(await capture.setMusic(true), false);
  assert.equal(capture.music, false);
  assert.notEqual(capture.tracks.microphone, null);
  assert.deepEqual(asked.map(processed), [[true, true, true], [false, false, false], [true, true, true]]);
});

test("without a microphone the choice waits for one", async () => {
  const capture = await opened();
  capture.close();
  assert.equal(await capture.setMusic(true), true);
  await capture.open();
  assert.deepEqual(processed(asked.at(-1)), [false, false, false]);
});
