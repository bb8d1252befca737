import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTrack, VirtualTime, settle } from "./fakes.mjs";
import { DUCKED, FADE_MS, Loudness, UNDER_CALL, duck, duckForCall, gainAt } from "../../web/sdk/sound.js";

/** A media element whose volume works, or is as stubborn as on iOS. */
class Element extends EventTarget {
  #volume;
  stubborn = false;
  heard = [];

  constructor(volume = 1) {
    super();
    this.#volume = volume;
  }

  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    if (this.stubborn || volume === this.#volume) return;
    this.#volume = volume;
    this.heard.push(volume);
    // Browsers tell it in a task of its own.
    setImmediate(() => this.dispatchEvent(new Event("volumechange")));
  }
}

function make(volume) {
  const time = new VirtualTime();
  time.now = 1_000;
  const element = new Element(volume);
  const clock = { now: () => time.now, setTimeout: time.setTimeout, clearTimeout: time.clearTimeout };
  return { time, element, loudness: new Loudness(element, clock) };
}

const near = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

for (const [elapsed, gain] of [[-10, 0], [0, 0], [FADE_MS / 2, 0.5], [FADE_MS, 1], [FADE_MS * 9, 1]]) {
  test(`a fade is at ${gain} after ${elapsed} ms`, () => near(gainAt({ from: 0, to: 1, at: 100 }, 100 + elapsed), gain));
}

test("a new voice rises from silence to the listener's volume, without steps that click", async () => {
  const { time, element, loudness } = make(0.8);
  element.heard = [];
  loudness.fadeIn();
  assert.equal(element.volume, 0);
  await time.pass(FADE_MS + 20);
  assert.ok(Math.abs(element.volume - 0.8) < 1e-9);
  assert.deepEqual([...element.heard].sort((a, b) => a - b), element.heard, "never back");
  const steps = element.heard.map((value, index) => value - (element.heard[index - 1] ?? 0));
  assert.ok(Math.max(...steps) < 0.15, String(steps));
  assert.equal(time.pending, 0);
});

test("the fade waits for the first packets", async () => {
  const { time, element, loudness } = make(1);
  const track = new FakeTrack("audio");
  track.muted = true;
  loudness.fadeIn(track);
  await time.pass(5_000);
  assert.equal(element.volume, 0);
  assert.equal(time.pending, 0);
  track.muted = false;
  track.dispatchEvent(new Event("unmute"));
  await time.pass(FADE_MS + 20);
  assert.equal(element.volume, 1);
  track.dispatchEvent(new Event("unmute"));
  assert.equal(element.volume, 1, "only the first time");
});

test("a volume chosen during the fade is where it ends, however it was chosen", async () => {
  for (const choose of [(loudness) => (loudness.volume = 0.4), (_, element) => (element.volume = 0.4)]) {
    const { time, element, loudness } = make(1);
    loudness.fadeIn();
    await time.pass(60);
    choose(loudness, element);
    assert.equal(loudness.volume, 0.4);
    await time.pass(200);
    near(element.volume, 0.4);
  }
});

test("a whisper lowers the others and not itself, and they come back", async () => {
  const voice = make(0.8);
  const whisper = make(1);
  whisper.loudness.exempt = true;
  try {
    duck(true);
    for (const { time } of [voice, whisper]) await time.pass(FADE_MS + 20);
    near(voice.element.volume, 0.8 * DUCKED);
    near(whisper.element.volume, 1);
    assert.equal(voice.loudness.volume, 0.8, "the listener's choice is not touched");
    const late = make(1);
    assert.equal(late.element.volume, DUCKED, "who comes meanwhile is low at once");
    late.loudness.close();
    voice.element.volume = 0.5;
    assert.equal(voice.loudness.volume, 0.5);
    await settle();
    near(voice.element.volume, 0.5 * DUCKED);
  } finally {
    duck(false);
  }
  await voice.time.pass(FADE_MS + 20);
  near(voice.element.volume, 0.5);
});

test("of several reasons the lowest counts, and each ends alone", async () => {
  const show = make(1);
  try {
    duck(true);
    duckForCall(true);
    await show.time.pass(FADE_MS + 20);
    near(show.element.volume, UNDER_CALL);
    duck(false);
    await show.time.pass(FADE_MS + 20);
    near(show.element.volume, UNDER_CALL);
    duck(true);
    duckForCall(false);
    await show.time.pass(FADE_MS + 20);
    near(show.element.volume, DUCKED);
  } finally {
    duck(false);
    duckForCall(false);
  }
  await show.time.pass(FADE_MS + 20);
  near(show.element.volume, 1);
});

test("an element that keeps its own volume is left in peace", async () => {
  const { time, element, loudness } = make(1);
  element.stubborn = true;
  loudness.fadeIn();
  await time.pass(500);
  assert.equal(element.volume, 1);
  assert.equal(loudness.volume, 1);
  assert.equal(time.pending, 0);
});

test("closing gives the element its volume back", async () => {
  const { time, element, loudness } = make(0.7);
  loudness.fadeIn();
  await time.pass(30);
  loudness.close();
  loudness.close();
  assert.equal(element.volume, 0.7);
  assert.equal(time.pending, 0);
  duck(true);
  duck(false);
  assert.equal(element.volume, 0.7);
});
