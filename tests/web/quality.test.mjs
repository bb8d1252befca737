import assert from "node:assert/strict";
import { test } from "node:test";
import { Smoother, compare, judge, reportLine, sample } from "../../web/sdk/quality.js";

const GOOD = { flowing: true, loss: 0, jitterMs: 5, rttMs: 20, frozen: 0, bitrateBps: 1e6 };

const VERDICTS = [
  [{}, 3, "good"],
  [{ rttMs: null }, 3, "good"],
  [{ flowing: false }, 0, "none"],
  [{ loss: 0.029 }, 3, "good"],
  [{ loss: 0.03 }, 2, "loss"],
  [{ loss: 0.1 }, 1, "loss"],
  [{ jitterMs: 50 }, 2, "jitter"],
  [{ jitterMs: 120 }, 1, "jitter"],
  [{ rttMs: 300 }, 2, "rtt"],
  [{ rttMs: 700 }, 1, "rtt"],
  [{ frozen: 0.02 }, 2, "freeze"],
  [{ frozen: 0.2 }, 1, "freeze"],
  [{ frozen: 0.2, loss: 0.03 }, 1, "freeze"],
  [{ frozen: 0.2, loss: 0.1 }, 1, "loss"],
  [{ jitterMs: 60, rttMs: 800 }, 1, "rtt"],
];

for (const [figures, quality, reason] of VERDICTS) {
  test(`${JSON.stringify(figures)} is ${quality} ${reason}`, () => {
    assert.deepEqual(judge({ ...GOOD, ...figures }), { quality, reason });
  });
}

const track = (more) => ({
  media: "m", kind: "video", received: 0, lost: 0, bytes: 0, jitterMs: 0, freezes: 0, freezeMs: 0, decoded: 0,
  decodeMs: 0, fps: 30, width: 640, height: 360, ...more,
});

test("figures are what happened between two samples", () => {
  const before = { at: 1000, rttMs: 10, tracks: [track({ received: 100, lost: 10, bytes: 1000, freezeMs: 100 })] };
  const after = { at: 3000, rttMs: 30, tracks: [track({ received: 190, lost: 20, bytes: 26_000, freezeMs: 600, jitterMs: 7 })] };
  assert.deepEqual(compare(before, after), {
    flowing: true, loss: 0.1, jitterMs: 7, rttMs: 30, frozen: 0.25, bitrateBps: 100_000,
  });
});

test("counters that go back (packets found again) are no loss", () => {
  const before = { at: 0, rttMs: null, tracks: [track({ received: 10, lost: 10 })] };
  const after = { at: 1000, rttMs: null, tracks: [track({ received: 20, lost: 5 })] };
  assert.equal(compare(before, after).loss, 0);
});

test("muted tracks are not judged, and nothing but muted tracks is nothing to judge", () => {
  const before = { at: 0, rttMs: null, tracks: [track({}), track({ media: "quiet" })] };
  const after = { at: 1000, rttMs: null, tracks: [track({ received: 10 }), track({ media: "quiet" })] };
  assert.equal(compare(before, after, (media) => media === "quiet").flowing, false);
  assert.equal(compare(before, after, () => false), null);
  assert.equal(compare(after, after), null);
});

test("a track that has just begun does not bring its first jitter and freezes", () => {
  const before = { at: 0, rttMs: null, tracks: [] };
  const after = { at: 1000, rttMs: null, tracks: [track({ received: 10, jitterMs: 500, freezeMs: 900 })] };
  const figures = compare(before, after);
  assert.deepEqual([figures.jitterMs, figures.frozen], [0, 0]);
});

test("a picture that was muted since the last sample brings no freeze, but its packets count", () => {
  const before = { at: 0, rttMs: null, tracks: [track({ received: 10, bytes: 1000 })] };
  const after = { at: 1000, rttMs: null, tracks: [track({ received: 20, bytes: 2000, freezeMs: 900, jitterMs: 300 })] };
  const figures = compare(before, after, () => true, () => false);
  assert.deepEqual([figures.frozen, figures.jitterMs, figures.bitrateBps], [0, 0, 8000]);
});

test("a sample reads what browsers give, and misses what they do not", () => {
  const stats = [
    { type: "codec" },
    { type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.05 },
    { type: "candidate-pair", nominated: false, state: "succeeded", currentRoundTripTime: 9 },
    { type: "inbound-rtp", kind: "audio", trackIdentifier: "a", packetsReceived: 5, packetsLost: -1, jitter: 0.01 },
  ];
  const { rttMs, tracks } = sample(stats, 42);
  assert.equal(rttMs, 50);
  assert.deepEqual([tracks[0].media, tracks[0].received, tracks[0].lost, tracks[0].jitterMs, tracks[0].fps], ["a", 5, -1, 10, 0]);
});

test("bars fall at once and rise after three good samples", () => {
  const smoother = new Smoother();
  const good = { quality: 3, reason: "good" };
  const poor = { quality: 1, reason: "loss" };
  const shown = [good, poor, good, good, poor, good, good, good].map((verdict) => smoother.add(verdict).quality);
  assert.deepEqual(shown, [3, 1, 1, 1, 1, 1, 1, 3]);
  smoother.reset();
  assert.equal(smoother.add(poor).quality, 1);
});

test("a report says what changed since the last one", () => {
  const last = track({ freezes: 2, freezeMs: 400, decoded: 100, decodeMs: 300 });
  const now = track({ freezes: 3, freezeMs: 650.04, decoded: 160, decodeMs: 480, jitterMs: 3.333, fps: 29.97 });
  assert.deepEqual(reportLine("t", now, last), {
    track: "t", freezes: 1, freeze_ms: 250, fps: 30, width: 640, height: 360, jitter_ms: 3.3, decode_ms: 3,
  });
  assert.equal(reportLine("t", track({}), last).freezes, 0, "never negative, the server refuses that");
});
