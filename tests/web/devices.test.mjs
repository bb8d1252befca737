/** What a call asks of a camera: what it can do, its lamp and zoom, the other one, a still. */
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { codeOf } from "./fakes.mjs";
import { blurredSizes } from "../../web/sdk/blur.js";
import { capabilities, facingOf, flipCamera, setTorch, setZoom, takeStill } from "../../web/sdk/devices.js";

class Camera {
  kind = "video";
  readyState = "live";
  applied = [];

  constructor({ label = "", settings = {}, able = {} } = {}) {
    Object.assign(this, { label, settings, able });
  }

  getSettings() {
    return this.settings;
  }

  getCapabilities() {
    return this.able;
  }

  async applyConstraints({ advanced }) {
    this.applied.push(advanced[0]);
    Object.assign(this.settings, advanced[0]);
  }

  stop() {
    this.readyState = "ended";
  }
}

const FRONT = { id: "f", label: "Front Camera", kind: "camera", groupId: "" };
const BACK = { id: "b", label: "Back Camera", kind: "camera", groupId: "" };
const MICROPHONE = { id: "m", label: "", kind: "microphone", groupId: "" };

/** A browser with these cameras; `knows`: it can choose by the way they look. */
function browser(cameras, { knows = true, broken = [] } = {}) {
  const asked = [];
  const ways = { f: "user", b: "environment" };
  const open = (id) => new Camera({ settings: { deviceId: id, ...(knows ? { facingMode: ways[id] } : {}) } });
  const mediaDevices = {
    enumerateDevices: async () => cameras.map(({ id, label }) => ({ deviceId: id, label, kind: "videoinput", groupId: "" })),
    getUserMedia: async ({ video: { deviceId, facingMode } }) => {
      asked.push(deviceId?.exact ?? facingMode?.ideal ?? "any");
      const wanted = deviceId?.exact ?? (knows ? Object.keys(ways).find((id) => ways[id] === facingMode?.ideal) : null) ?? cameras[0].id;
      if (broken.includes(wanted)) throw Object.assign(new Error("busy"), { name: "NotReadableError" });
      return { getVideoTracks: () => [open(wanted)] };
    },
  };
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
  return { asked, open };
}

afterEach(() => {
  delete globalThis.ImageCapture;
  Object.defineProperty(globalThis, "navigator", { value: undefined, configurable: true });
});

test("what a camera can do", () => {
  const able = { torch: true, zoom: { min: 1, max: 8, step: 0.1 } };
  const phone = new Camera({ settings: { facingMode: "environment", zoom: 2 }, able });
  assert.deepEqual(capabilities(phone, [FRONT, BACK, MICROPHONE]), {
    facing: "environment", torch: false, zoom: { min: 1, max: 8, value: 2 }, can: ["still", "flip", "torch", "zoom"],
  });
  const laptop = new Camera({ able: { zoom: { min: 1, max: 1 } } });
  assert.deepEqual(capabilities(laptop, [FRONT, MICROPHONE]), { facing: null, torch: null, zoom: null, can: ["still"] });
  assert.deepEqual(capabilities({ label: "" }), { facing: null, torch: null, zoom: null, can: ["still"] }, "a browser that says nothing");
});

test("which way it looks, by what is known or by its name", () => {
  const table = [["Back Camera", "environment"], ["后置相机", "environment"], ["FaceTime HD Camera", "user"], ["前置", "user"], ["Background", null], ["", null]];
  for (const [label, expected] of table) assert.equal(facingOf(new Camera({ label })), expected, label);
});

test("lamp and zoom, within what there is", async () => {
  const phone = new Camera({ able: { torch: true, zoom: { min: 1, max: 8 } } });
  await setTorch(phone, true);
  assert.equal(capabilities(phone).torch, true);
  assert.equal(await setZoom(phone, 99), 8);
  assert.equal(await setZoom(phone, 0), 1);
  assert.deepEqual(phone.applied, [{ torch: true }, { zoom: 8 }, { zoom: 1 }]);
  assert.equal(await codeOf(setTorch(new Camera(), true)), "device_failed");
  assert.equal(await codeOf(setZoom(new Camera(), 2)), "device_failed");
});

test("the other camera: by the way it looks, else the next one; the former one is closed first", async () => {
  for (const [knows, expected] of [[true, ["environment"]], [false, ["b"]]]) {
    const { asked, open } = browser([FRONT, BACK], { knows });
    const front = open("f");
    const { track, flipped } = await flipCamera(front);
    assert.equal(front.readyState, "ended");
    assert.deepEqual([track.getSettings().deviceId, flipped], ["b", true]);
    assert.deepEqual(asked, expected);
  }
});

test("a name that promises what the browser does not keep", async () => {
  const { asked, open } = browser([FRONT, BACK], { knows: false });
  const front = Object.assign(open("f"), { label: "Front Camera" });
  assert.equal((await flipCamera(front)).track.getSettings().deviceId, "b");
  assert.deepEqual(asked, ["environment", "b"]);
});

test("the other one does not open: the former one again", async () => {
  const { open } = browser([FRONT, BACK], { broken: ["b"] });
  const { track, flipped } = await flipCamera(open("f"));
  assert.deepEqual([track.getSettings().deviceId, flipped], ["f", false]);
  browser([FRONT, BACK], { broken: ["b", "f"] });
  assert.equal(await codeOf(flipCamera(open("f"))), "device_busy");
});

test("there is no other camera: the one there is stays", async () => {
  const { open } = browser([FRONT]);
  const front = open("f");
  assert.equal(await codeOf(flipCamera(front)), "no_device");
  assert.equal(front.readyState, "live");
});

test("a still, at the camera's full size", async () => {
  const asked = [];
  globalThis.ImageCapture = class {
    async getPhotoCapabilities() {
      return { imageWidth: { max: 4032 }, imageHeight: { max: 3024 } };
    }

    async takePhoto(settings) {
      asked.push(settings);
      return new Blob(["photo"]);
    }
  };
  const photo = await takeStill(new Camera());
  assert.equal(await photo.text(), "photo");
  assert.deepEqual(asked, [{ imageWidth: 4032, imageHeight: 3024 }]);
});

test("blurred: a face is a few pixels, whatever the camera's size and way up", () => {
  const table = [
    [1280, 720, [20, 12], [640, 360]],
    [720, 1280, [12, 20], [360, 640]],
    [320, 240, [20, 14], [320, 240]],
    [4000, 100, [20, 2], [640, 16]],
    [0, 0, [2, 2], [2, 2]],
  ];
  for (const [width, height, coarse, shown] of table) {
    const sizes = blurredSizes(width, height);
    assert.deepEqual(sizes.shown, shown, `${width}x${height}`);
    assert.equal(Math.max(...sizes.coarse), Math.max(...coarse));
    assert.ok([...sizes.coarse, ...sizes.shown].every((side) => side % 2 === 0));
  }
});
