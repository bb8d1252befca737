import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../../web/sdk/backoff.js";

test("delays grow to a ceiling and stay inside their jitter", () => {
  for (const chance of [0, 0.25, 0.5, 0.999]) {
    const backoff = new Backoff({ firstMs: 200, baseMs: 500, maxMs: 10_000, random: () => chance });
    assert.equal(backoff.next(), chance * 200);
    for (const ceiling of [500, 1000, 2000, 4000, 8000, 10_000, 10_000]) {
      const delay = backoff.next();
      assert.ok(delay >= ceiling / 2 && delay <= ceiling, `${delay} for ${ceiling}`);
    }
  }
});

test("what the server asks for is a lower bound, still with jitter", () => {
  const backoff = new Backoff({ random: () => 0.5 });
  assert.equal(backoff.next(3000), 3100);
  assert.equal(backoff.next(3000), 3100);
});

test("a reset starts over", () => {
  const backoff = new Backoff({ random: () => 1 });
  for (let i = 0; i < 5; i++) backoff.next();
  assert.equal(backoff.tries, 5);
  backoff.reset();
  assert.equal(backoff.next(), 200);
});

test("a thousand tries do not overflow", () => {
  const backoff = new Backoff({ random: () => 1 });
  for (let i = 0; i < 1000; i++) backoff.next();
  assert.equal(backoff.next(), 10_000);
});
