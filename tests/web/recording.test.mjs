import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordingControls, asksConsent } from "../../web/sdk/recording.js";
import { EMPTY, reduce, snapshot } from "../../web/sdk/state.js";

const RECORDING = {
  scope: "stage", state: "waiting_consent", possible: true, since: 1, version: "1", paused: null, warning: null,
  consents: { sam: null, ann: true, bob: false },
};

test("what the server says of the stage's recording is part of the room", () => {
  const view = { identity: "sam", controls: false };
  const room = reduce(EMPTY, { type: "recording", recording: RECORDING }, view);
  assert.deepEqual(room.recording, RECORDING);
  for (const junk of [null, 3, {}, { scope: 1, state: "off" }]) {
    assert.equal(reduce(room, { type: "recording", recording: junk }, view), room);
  }
  assert.deepEqual(snapshot(/** @type {any} */ ({ recording: RECORDING })).recording, RECORDING);
  assert.equal(snapshot(null).recording, null);
});

test("only who takes part and has said nothing is asked", () => {
  assert.deepEqual(["sam", "ann", "bob", "eve"].map((name) => asksConsent(RECORDING, name)), [true, false, false, false]);
  assert.equal(asksConsent({ ...RECORDING, state: "off" }, "sam"), false);
  assert.equal(asksConsent({ scope: "stage", state: "recording" }, "sam"), false, "an audience");
  assert.equal(asksConsent(null, "sam"), false);
});

test("requests name their scope", async () => {
  /** @type {unknown[]} */
  const asked = [];
  const room = { ask: async (/** @type {any[]} */ ...request) => (asked.push(request.slice(0, 2)), { recording: RECORDING }) };
  const stage = new RecordingControls(/** @type {any} */ (room));
  let id = "c1";
  const call = new RecordingControls(/** @type {any} */ (room), () => id);
  assert.equal(await stage.record(true), RECORDING);
  await stage.pause("card");
  id = "c2";
  await call.resume();
  await call.consent(true, { version: "2", locale: "en" });
  assert.deepEqual(asked, [
    ["record", { scope: "stage", on: true }],
    ["pause_recording", { scope: "stage", paused: true, reason: "card" }],
    ["pause_recording", { scope: "c2", paused: false }],
    ["consent_recording", { scope: "c2", granted: true, version: "2", locale: "en" }],
  ]);
});
