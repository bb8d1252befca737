/** The score as the server computes it, what is missing, and what the address asks for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { asQuestion, asSearch, countSet, readFilters, readPlace, whoIs } from "../../web/pages/review-query.js";
import { asAnswers, asReview, asTemplate, needsComment, scoreOf, toSend } from "../../web/pages/review-score.js";

const template = asTemplate({
  id: "call", version: 2, title: "通话", title_en: "Call", pass_score: 80,
  questions: [
    { id: "a", text: "甲", points: 5, weight: 30, comment: "low" },
    { id: "b", text: "乙", points: 1, weight: 10, na: true, comment: "optional" },
    { id: "c", text: "丙", points: 1, weight: 10, na: true, auto_fail: true, comment: "always" },
  ],
});
const answers = (/** @type {any} */ given) => asAnswers(Object.entries(given).map(([question, answer]) => ({ question, .../** @type {any} */ (answer) })));

for (const [what, given, score, failed, missing] of /** @type {[string, any, number | null, boolean, string[]][]} */ ([
  ["nothing yet", {}, null, false, ["a answer", "b answer", "c answer"]],
  ["weights count", { a: { value: 4 }, b: { value: 1 }, c: { value: 1, comment: "x" } }, 88, false, []],
  ["what does not apply counts for nothing", { a: { value: 5 }, b: { value: null }, c: { value: null } }, 100, false, []],
  ["nothing applies", { a: { value: null }, b: { value: null }, c: { value: null } }, null, false, []],
  ["one condition fails all", { a: { value: 5 }, b: { value: 1 }, c: { value: 0, comment: "x" } }, 0, true, []],
  ["half of the points is not low, below is", { a: { value: 2 }, b: { value: 1 }, c: { value: 1 } }, 64, false, ["a comment", "c comment"]],
  ["more points than there are", { a: { value: 99 }, b: { value: 0 }, c: { value: null } }, 75, false, []],
])) {
  test(`score: ${what}`, () => {
    const got = scoreOf(template, answers(given));
    assert.deepEqual([got.score, got.failed, got.missing.map(({ question, what: lack }) => `${question} ${lack}`)], [score, failed, missing]);
  });
}

test("passed is at or above the template's score, and nothing while nothing applies", () => {
  assert.equal(scoreOf(template, answers({ a: { value: 4 }, b: { value: 1 } })).passed, true);
  assert.equal(scoreOf(template, answers({ a: { value: 0 } })).passed, false);
  assert.equal(scoreOf(template, {}).passed, null);
});

test("only given answers are sent, with what they cite", () => {
  const given = answers({ a: { value: 4, spans: [[1, 2], ["x", 2]] }, b: { comment: "no value yet" }, c: { value: null } });
  assert.deepEqual(toSend(template, given), [{ question: "a", value: 4, spans: [[1, 2]] }, { question: "c", value: null }]);
  assert.equal(needsComment(/** @type {any} */ (template.questions[2]), given["c"]), false);
});

test("an answer that says nothing is an empty review", () => {
  for (const body of [null, [], 7, { answers: 5, history: {} }]) assert.deepEqual([asReview(body).state, asReview(body).answers, asReview(body).history], ["draft", {}, []]);
});

test("filters stand in the address and come back; what is wrong there is left out", () => {
  const filters = readFilters("?q=灯&rating=1-2&order=score&since=2026-11-01&min=2&until=yesterday&max=-3&r=1");
  assert.equal(asSearch(filters), new URLSearchParams({ q: "灯", since: "2026-11-01", min: "2", rating: "1-2", order: "score" }).toString());
  assert.equal(countSet(filters), 3);
  assert.equal(readFilters("?order=up").order, "newest");
});

test("minutes and days become what the server asks for", () => {
  const query = new URLSearchParams(asQuestion(readFilters("?min=2&max=10&since=2026-11-01&until=2026-11-02&held=true"), { after: "c1", limit: 20, dayAt: (day, end) => Date.parse(day) + (end ? 1 : 0) }));
  assert.deepEqual(Object.fromEntries(query), { held: "true", since: String(Date.parse("2026-11-01")), until: String(Date.parse("2026-11-02") + 1), min_s: "120", max_s: "600", limit: "20", after: "c1" });
});

for (const [search, place, id] of [["", "list", ""], ["?r=r1", "case", "r1"], ["?view=work&id=w1", "work", "w1"], ["?view=nowhere", "list", ""], ["?r=r1&view=audit", "case", "r1"]]) {
  test(`${search} is ${place}`, () => assert.deepEqual(readPlace(String(search)), { place, id }));
}

test("a token says who reads, anything else nobody", () => {
  const token = `x.${Buffer.from(JSON.stringify({ sub: "林", role: "supervisor", grants: { supervise: true } })).toString("base64url")}.y`;
  assert.deepEqual(whoIs(token), { identity: "林", role: "supervisor", leads: true, reviews: true });
  assert.equal(whoIs("pretended").role, "");
});
