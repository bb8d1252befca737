import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import "./fakes.mjs";
import * as devices from "../../web/sdk/devices.js";
import { Emitter } from "../../web/sdk/emitter.js";
import { LianmaiError, asError, localCodes, sentence } from "../../web/sdk/errors.js";
import { fill, flatten, load } from "../../web/sdk/i18n.js";
import { ballistics, dbToLevel, levelDb } from "../../web/sdk/meter.js";
import { TokenKeeper, renewalDelay } from "../../web/sdk/token.js";

// --- errors

test("every code has a sentence in both languages, and they differ", () => {
  for (const code of localCodes()) {
    assert.match(sentence(code, "zh-CN"), /[\u4e00-\u9fff]/, code);
    assert.doesNotMatch(sentence(code, "en"), /[\u4e00-\u9fff]/, code);
  }
  assert.equal(sentence("new_one", "en"), sentence("internal", "en"));
});

test("an error keeps the server's words, or finds its own", () => {
  assert.equal(new LianmaiError("x", "words").message, "words");
  assert.equal(new LianmaiError("no_device", "", { locale: "zh-CN" }).message, sentence("no_device", "zh-CN"));
  const cause = new Error("inner");
  const wrapped = asError(cause, "media_failed");
  assert.deepEqual([wrapped.code, wrapped.cause], ["media_failed", cause]);
  assert.equal(asError(wrapped), wrapped);
});

// --- emitter

test("on hands over the detail until it is undone", () => {
  const emitter = new Emitter();
  const seen = [];
  const undo = emitter.on("x", (detail) => seen.push(detail));
  emitter.addEventListener("x", (event) => seen.push(event.detail * 10));
  emitter.emit("x", 1);
  undo();
  emitter.emit("x", 2);
  assert.deepEqual(seen, [1, 10, 20]);
});

// --- tokens

test("a token from a function is kept until refused, and refused once", async () => {
  let n = 0;
  const keeper = new TokenKeeper(() => `t${++n}`);
  assert.deepEqual([await keeper.take(), await keeper.take()], ["t1", "t1"]);
  assert.equal(keeper.refused(), true);
  assert.equal(await keeper.take(), "t2");
  assert.equal(keeper.refused(), false);
  keeper.accepted();
  assert.equal(keeper.refused(), true);
  assert.equal(await keeper.renew(), "t3");
  assert.equal(await keeper.take(), "t3");
});

test("a plain token is all there is", async () => {
  const keeper = new TokenKeeper("t");
  assert.equal(keeper.refused(), false);
  assert.equal(await keeper.renew(), null);
});

test("renewal is due a minute ahead, not at once, and not beyond what timers can", () => {
  assert.equal(renewalDelay(1_000_000, 0), 940_000);
  assert.equal(renewalDelay(30_000, 0), 10_000);
  assert.equal(renewalDelay(0, 50_000), 10_000);
  assert.equal(renewalDelay(1e15, 0), 2 ** 31 - 1);
});

// --- devices

const named = (name, message = "") => Object.assign(new Error(message), { name });

for (const [error, context, code] of [
  [named("NotAllowedError"), {}, "permission_denied"],
  [named("SecurityError"), {}, "permission_denied"],
  [named("NotFoundError"), {}, "no_device"],
  [named("OverconstrainedError"), {}, "no_device"],
  [named("NotReadableError"), {}, "device_busy"],
  [named("AbortError"), {}, "device_failed"],
  [named("NotAllowedError", "Permission denied"), { screen: true }, "cancelled"],
  [named("NotAllowedError", "Permission denied by system"), { screen: true }, "permission_denied"],
  [named("Odd"), {}, "device_failed"],
  [null, {}, "device_failed"],
  ["text", {}, "device_failed"],
]) {
  test(`${error?.name ?? error} ${error?.message ?? ""} means ${code}`, () => {
    assert.equal(devices.classify(error, context).code, code);
  });
}

const browser = Object.getOwnPropertyDescriptor(globalThis, "navigator");
afterEach(() => {
  if (browser) Object.defineProperty(globalThis, "navigator", browser);
  else delete globalThis.navigator;
});

function withMedia(mediaDevices) {
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
}

test("devices are listed by kind, each once, and others left out", async () => {
  withMedia({
    enumerateDevices: async () => [
      { deviceId: "c", kind: "videoinput", label: "Cam", groupId: "g" },
      { deviceId: "m", kind: "audioinput", label: "Mic", groupId: "g" },
      { deviceId: "m", kind: "audioinput", label: "Mic", groupId: "g" },
      { deviceId: "s", kind: "audiooutput", label: "Out", groupId: "g" },
      { deviceId: "z", kind: "odd", label: "", groupId: "" },
    ],
  });
  assert.deepEqual((await devices.listDevices()).map(({ id, kind }) => `${kind} ${id}`), [
    "camera c", "microphone m", "speaker s",
  ]);
});

test("a chosen device is asked for exactly, and its absence is a loss", async () => {
  let asked;
  withMedia({
    getUserMedia: async (constraints) => {
      asked = constraints;
      throw named("OverconstrainedError");
    },
  });
  await assert.rejects(devices.openCamera({ deviceId: "c", resolution: "1080p" }), { code: "device_lost" });
  assert.deepEqual(asked.video.deviceId, { exact: "c" });
  assert.deepEqual(asked.video.width, { ideal: 1920 });
  await assert.rejects(devices.openCamera({ facingMode: "environment" }), { code: "no_device" });
  assert.deepEqual(asked.video.facingMode, { ideal: "environment" });
  await assert.rejects(devices.openMicrophone({ music: true }), { code: "no_device" });
  assert.equal(asked.audio.noiseSuppression, false);
});

test("without a secure page there are no devices, and the reason is said", async () => {
  withMedia(undefined);
  globalThis.isSecureContext = false;
  await assert.rejects(devices.openMicrophone(), { code: "insecure_context" });
  globalThis.isSecureContext = true;
  await assert.rejects(devices.openScreen(), { code: "unsupported_browser" });
  delete globalThis.isSecureContext;
});

// --- meter

test("levels are decibels of the mean power", () => {
  assert.equal(levelDb(new Float32Array(10)), -60);
  assert.equal(Math.round(levelDb(Float32Array.from([1, -1, 1, -1]))), 0);
  assert.equal(Math.round(levelDb(Float32Array.from([0.1, -0.1]))), -20);
  assert.equal(levelDb([]), -60);
});

test("the bar rises at once and falls slowly", () => {
  assert.equal(ballistics(-40, -10, 16), -10);
  assert.equal(ballistics(-10, -60, 500), -30);
  assert.equal(ballistics(-60, -80, 500), -60);
});

test("levels run from 0 to 1", () => {
  assert.deepEqual([-90, -60, -30, 0, 3].map(dbToLevel), [0, 0, 0.5, 1, 1]);
});

// --- i18n

test("placeholders are filled, unknown ones stay", () => {
  assert.equal(fill("{a} of {b}, {c}", { a: 1, b: "x" }), "1 of x, {c}");
  assert.equal(fill("{constructor}", {}), "{constructor}");
  assert.equal(fill("plain"), "plain");
});

test("nested and flat keys are the same", () => {
  assert.deepEqual([...flatten({ a: { b: "1" }, "c.d": "2", e: 5 })], [["a.b", "1"], ["c.d", "2"]]);
});

test("a language falls back to English, English to the key, and each file is fetched once", async () => {
  const asked = [];
  const get = async (url) => {
    asked.push(url.split("/").at(-1));
    const body = url.includes("xx") ? { hello: "hi {who}" } : { hello: "hello", bye: "bye" };
    return { ok: true, json: async () => body };
  };
  const t = await load("xx", get);
  assert.deepEqual([t("hello", { who: "you" }), t("bye"), t("none")], ["hi you", "bye", "none"]);
  await load("xx", get);
  assert.deepEqual(asked.sort(), ["en.json", "xx.json"]);
});

test("a language that cannot be had is an error, and is tried again", async () => {
  let ok = false;
  const get = async () => ({ ok, status: 404, json: async () => ({ a: "b" }) });
  await assert.rejects(load("yy", get), /404/);
  ok = true;
  assert.equal((await load("yy", get))("a"), "b");
});
