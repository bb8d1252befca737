// A picture that must not be sharp on the stage.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTrack, codeOf, settle } from "./fakes.mjs";
import { active, line, place, publish, publisher, stageOf } from "./help_scene.mjs";

test("blurred: nothing sharp from the moment of the consent, which is said when the blurred picture is there", async () => {
  const scene = await line({ room: { call: active({ escalation: { state: "asking", consent: null } }) } });
  const camera = await publish(scene, "camera", { held: false });
  const [{ sender }] = publisher(scene).transceivers;
  const agreeing = scene.help.consent("blurred");
  assert.equal(sender.track, null, "in the same turn");
  await settle();
  assert.equal(sender.parameters.encodings[0].active, false);
  assert.equal(scene.last("consent_stage"), undefined);
  scene.covers[0].show();
  await settle();
  assert.equal(sender.track.id, `blurred-${camera.mediaStreamTrack.id}`);
  assert.equal(sender.parameters.encodings[0].active, true);
  assert.equal(scene.last("consent_stage").consent, "blurred");
  const consented = (state) => active({ escalation: { state, consent: "blurred" } });
  scene.reply("consent_stage", { call: consented("offered") });
  await agreeing;
  const other = new FakeTrack("video");
  await camera.replace(other);
  assert.equal(sender.track, scene.covers[0].track, "another camera is blurred as well");
  assert.equal(scene.covers[0].sources.at(-1), other);
  scene.push({ type: "stage", stage: stageOf(place("sam")) });
  scene.tell(consented("on_stage"));
  scene.tell(active({ escalation: null }));
  assert.equal(sender.track, scene.covers[0].track, "still on the stage, whatever the call says");
  scene.push({ type: "stage", stage: stageOf() });
  assert.equal(sender.track, other, "sharp again, for the agent alone");
  await settle();
  assert.equal(scene.covers[0].closed, true);
});

test("what cannot be blurred is not agreed to", async () => {
  const scene = await line({ room: { call: active({ escalation: { state: "asking", consent: null } }) } });
  const camera = await publish(scene, "camera", { held: false });
  const outcome = codeOf(scene.help.consent("blurred"));
  await settle();
  scene.covers[0].fail(Object.assign(new Error("no"), { code: "device_failed" }));
  assert.equal(await outcome, "device_failed");
  assert.equal(scene.last("consent_stage"), undefined);
  assert.equal(publisher(scene).transceivers[0].sender.track, camera.mediaStreamTrack);
});

test("a refused consent brings the sharp picture back, and so does a later one for the whole picture", async () => {
  const asking = active({ escalation: { state: "asking", consent: null } });
  const scene = await line({ room: { call: asking } });
  const camera = await publish(scene, "camera", { held: false });
  const [{ sender }] = publisher(scene).transceivers;
  const outcome = codeOf(scene.help.consent("blurred"));
  scene.covers[0].show();
  await settle();
  scene.browser.socket.refuse(scene.last("consent_stage"), "wrong_state");
  assert.equal(await outcome, "wrong_state");
  await settle();
  assert.equal(sender.track, camera.mediaStreamTrack);
  const again = scene.help.consent("blurred");
  scene.covers[1].show();
  await settle();
  scene.reply("consent_stage", { call: active({ escalation: { state: "offered", consent: "blurred" } }) });
  await again;
  scene.tell(active({ escalation: { state: "offered", consent: "video" } }));
  assert.equal(sender.track, camera.mediaStreamTrack);
});

test("a page that comes back in the middle of a blurred stage sends nothing sharp either", async () => {
  const scene = await line({ room: { call: active({ escalation: { state: "on_stage", consent: "blurred" } }), stage: stageOf(place("sam")) } });
  const camera = await publish(scene, "camera", { held: false });
  const [{ sender }] = publisher(scene).transceivers;
  assert.equal(sender.track, null);
  assert.equal(camera.covered, true);
  scene.covers[0].show();
  await settle();
  assert.equal(sender.track, scene.covers[0].track);
  const microphone = await publish(scene, "microphone", { held: false });
  assert.equal(microphone.covered, false);
});
