/** The key figures page: dates and addresses, which table a figure stands in, axes and bars, requests and refusals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KpiRest } from "../../web/pages/kpi-rest.js";
import { addDays, asQuery, asReport, chartOf, dayAt, daysIn, everyNth, groupOf, isEmpty, presetOf, rangeProblem, readQuestion, ticks } from "../../web/pages/kpi-view.js";

const TODAY = "2026-11-23";

test("days are those of the time zone", () => {
  const at = Date.parse("2026-11-22T18:30:00Z");
  assert.equal(dayAt(at, "Asia/Shanghai"), "2026-11-23");
  assert.equal(dayAt(at, "UTC"), "2026-11-22");
});

test("days add up over months, leap days and the end of summer time", () => {
  assert.equal(addDays("2028-02-28", 1), "2028-02-29");
  assert.equal(addDays("2026-01-01", -1), "2025-12-31");
  assert.equal(daysIn("2026-10-24", "2026-10-26"), 3);
});

for (const [from, to, problem] of [
  ["2026-11-01", "2026-11-01", null],
  ["2026-11-02", "2026-11-01", "order"],
  ["2025-10-20", "2026-11-23", null],
  ["2025-10-19", "2026-11-23", "long"],
  ["", "2026-11-01", "missing"],
  ["2026-02-30", "2026-03-01", "missing"],
  ["11/01/2026", "2026-11-01", "missing"],
]) {
  test(`from ${from} to ${to}: ${problem}`, () => assert.equal(rangeProblem(/** @type {string} */ (from), /** @type {string} */ (to)), problem));
}

for (const [search, expected] of [
  ["", { from: "2026-11-17", to: TODAY, by: "day" }],
  ["?by=agent&from=2026-10-01&to=2026-10-31", { from: "2026-10-01", to: "2026-10-31", by: "agent" }],
  ["?by=room&from=x&to=y", { from: "2026-11-17", to: TODAY, by: "day" }],
]) {
  test(`the address ${search || "alone"}`, () => assert.deepEqual(readQuestion(/** @type {string} */ (search), TODAY), expected));
}

test("what is asked can be read again, and holds no token", () => {
  const question = { from: "2026-10-01", to: "2026-10-31", by: /** @type {const} */ ("queue") };
  assert.deepEqual(readQuestion(`?${asQuery(question)}`, TODAY), question);
  assert.equal(asQuery(question, { format: "csv", locale: "zh-CN" }), "from=2026-10-01&to=2026-10-31&by=queue&format=csv&locale=zh-CN");
  // Before the server has said what day it is in the shop, it is asked for its own last days.
  assert.deepEqual(readQuestion("?by=agent"), { from: "", to: "", by: "agent" });
  assert.equal(asQuery(readQuestion("?by=agent"), { format: "json" }), "by=agent&format=json");
});

for (const [from, to, preset] of [[TODAY, TODAY, 1], ["2026-11-17", TODAY, 7], ["2026-11-16", TODAY, null], ["2026-11-10", "2026-11-16", null]]) {
  test(`${from} to ${to} is the preset ${preset}`, () => assert.equal(presetOf({ from: String(from), to: String(to), by: "day" }, TODAY), preset));
}

test("every figure stands in one table, also one that is new", () => {
  assert.deepEqual(["asked", "aht_s", "csat", "brand_new"].map(groupOf), ["answer", "handle", "outcome", "answer"]);
});

for (const [max, unit, expected] of [
  [0, "calls", [0, 1]],
  [3, "calls", [0, 1, 2, 3]],
  [173, "calls", [0, 50, 100, 150, 200]],
  [0.06, "share", [0, 0.05, 0.1]],
  [0.9, "share", [0, 0.5, 1]],
  [4.4, "score", [0, 1, 2, 3, 4, 5]],
  [200, "s", [0, 60, 120, 180, 240]],
]) {
  test(`lines up to ${max} ${unit}`, () => assert.deepEqual(ticks(/** @type {number} */ (max), /** @type {any} */ (unit)), expected));
}

test("lines reach the largest value, in few steps, whatever it is", () => {
  for (const unit of /** @type {const} */ (["calls", "s"])) {
    for (let max = 0.4; max < 1e6; max *= 1.37) {
      const lines = ticks(max, unit);
      assert.ok((lines.at(-1) ?? 0) >= max && lines.length <= 6, `${max} ${unit}: ${lines}`);
    }
  }
});

const figure = { key: "asked", unit: /** @type {const} */ ("calls"), title: "Asked", formula: "" };
const report = (/** @type {any[]} */ rows, /** @type {any} */ by = "agent") => ({ from: TODAY, to: TODAY, timezone: "UTC", by, figures: [figure], rows, total: {}, truncated: false });

test("bars are shares of the axis; nothing is no bar, and many are cut with their number told", () => {
  const rows = [{ key: "a", label: "A", asked: 50 }, { key: "b", label: "B", asked: null }, { key: "c", label: "C" }];
  const chart = chartOf(report(rows), figure, ({ label }) => label);
  assert.deepEqual(chart.bars.map(({ label, value, share }) => [label, value, share]), [["A", 50, 50 / chart.top], ["B", null, 0], ["C", null, 0]]);
  const many = Array.from({ length: 30 }, (_, n) => ({ key: String(n), label: String(n), asked: n }));
  assert.deepEqual([chartOf(report(many), figure, String).bars.length, chartOf(report(many), figure, String).more], [12, 18]);
  assert.equal(chartOf(report(many, "day"), figure, String).more, 0);
});

test("words under bars keep their distance", () => {
  assert.deepEqual([everyNth(7, 20), everyNth(30, 7.4), everyNth(400, 0.2)], [1, 5, 400]);
});

test("an answer that is no report is none", () => {
  assert.equal(asReport(null), null);
  assert.equal(asReport({ figures: [], rows: [] }), null);
  assert.ok(asReport(report([])));
});

test("empty is when nobody asked, was rung, or waits to be called back", () => {
  assert.ok(isEmpty(/** @type {any} */ (report([{ key: "a", label: "", asked: 0 }]))));
  assert.ok(!isEmpty(/** @type {any} */ ({ ...report([]), total: { callbacks_open: 1 } })));
});

/** @param {() => Promise<Response>} answer */
async function asking(answer) {
  /** @type {any[]} */
  const asked = [];
  const real = globalThis.fetch;
  globalThis.fetch = async (...request) => {
    asked.push(request);
    return answer();
  };
  const rest = new KpiRest(async () => "secret");
  const question = { from: TODAY, to: TODAY, by: /** @type {const} */ ("day") };
  const reader = { locale: "en" };
  const done = (/** @type {(rest: KpiRest) => Promise<any>} */ act) => act(rest).then((value) => ({ value }), (error) => ({ code: error.code })).finally(() => { globalThis.fetch = real; });
  return { asked, report: () => done((it) => it.report(question, reader, new AbortController().signal)), file: () => done((it) => it.file(question, reader, "csv")) };
}

test("the token goes in a header and a file is named after what it holds", async () => {
  const { asked, file } = await asking(async () => new Response("a,b"));
  const { value } = /** @type {any} */ (await file());
  assert.equal(value.name, `kpi-day-${TODAY}-${TODAY}.csv`);
  assert.equal(await value.blob.text(), "a,b");
  assert.equal(asked[0][1].headers.Authorization, "Bearer secret");
  assert.doesNotMatch(asked[0][0], /secret/);
});

for (const [what, answer, code] of [
  ["refused", async () => Response.json({ error: { code: "forbidden", message: "" } }, { status: 403 }), "forbidden"],
  ["no words", async () => new Response("<html>", { status: 502 }), "internal"],
  ["no report", async () => Response.json({ rows: 1 }), "internal"],
  ["no network", async () => { throw new TypeError("Failed to fetch"); }, "connection_failed"],
]) {
  test(`${what} is ${code}`, async () => {
    const { report: ask } = await asking(/** @type {any} */ (answer));
    assert.deepEqual(await ask(), { code });
  });
}
