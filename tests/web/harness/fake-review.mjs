/**
 * Pretended recordings and reviews for serve.mjs, as PROTOCOL.md section 3.1 has them. `rv=` in the page's address says
 * what to pretend: empty, slow, or an error code. What is written stays until the process ends.
 */
import { createReadStream, statSync } from "node:fs";
import { video, voice } from "./review-media.mjs";

const STATUS = { forbidden: 403, token_expired: 401, store_unavailable: 503, recording_not_ready: 409, recording_erased: 410, recording_not_found: 404 };
/** At most this much in one answer, so that no file keeps a connection. */
const PART = 1 << 20;
const NOW = Date.parse("2026-11-23T08:30:00Z");
const ME = "supervisor-1";
const AGENTS = [["agent-1", "陈嘉木"], ["agent-2", "Maya Collins"], ["agent-3", "贺知章"], ["agent-4", "Óscar Rodríguez-Villaseñor"]];
const SHOPPERS = ["李雷", "Hannah", "王小满", "Zoë", "周密"];
const QUEUES = ["售后与安装", "购买咨询", "Warranty"];
const FLAGS = ["low_rating", "long_wait", "pause_used", "bad_network", "black", "silence", "cross_talk", "escalation"];
export const SECONDS = Number(process.env["REVIEW_SECONDS"] ?? 90);
const SPOKE = /** @type {Record<string, [number, number][]>} */ ({
  "agent-1": [[4, 9], [16, 24], [40, 47], [62, 66], [74, 82]],
  "shopper-1": [[10, 15], [25, 33], [48, 50], [67, 73]],
});

const rows = Array.from({ length: 1240 }, (_, n) => {
  const [agent, name] = AGENTS[n % AGENTS.length] ?? ["", ""];
  const score = n % 5 === 2 ? 1 + (n % 2) : n % 3 === 0 ? 5 : n % 7 === 0 ? 4 : 0;
  return {
    id: `r${String(n + 1).padStart(16, "0")}`, room: "demo", kind: n % 11 === 5 ? "stage" : "call", call: `c${n}`, created: NOW - n * 2_700_000, duration_s: n === 0 ? SECONDS : 95 + ((n * 7919) % 1900),
    state: n === 1 ? "finishing" : n === 6 ? "failed" : "ready", people: [{ identity: agent, name, side: "agent" }, { identity: `shopper-${n + 1}`, name: SHOPPERS[n % SHOPPERS.length], side: "shopper" }],
    agent, agent_name: name, queue: QUEUES[n % QUEUES.length], product: n % 4 === 0 ? "空气净化器 A7" : "", outcome: n % 3 ? "solved" : "unsolved", rating: score ? { score, comment: score < 3 ? "等太久了" : "很耐心" } : null,
    reasons: n % 2 ? ["安装"] : ["退换货"], tags: n % 9 === 0 ? ["培训"] : [], flags: FLAGS.filter((_, at) => (n * 31 + at * 17) % 13 < (n === 0 ? 6 : 2)).map((kind) => ({ kind, count: 1 + (n % 2) })), size: 5e6 + n * 3e5, thumb: null,
    progress: { state: n === 1 ? "muxing" : "done", done: n === 1 ? 0.4 : 1 }, hold: n === 3, expires: n === 3 ? null : NOW + 80 * 86_400_000, score: n % 4 === 1 ? 92.5 : n % 9 === 3 ? 48 : null,
  };
});

const ring = (/** @type {number} */ t) => ({ t, kind: "mark", identity: "agent-1", mark: { id: "m1", kind: "ring", points: [[0.35, 0.3], [0.65, 0.7]], target: "t-shopper-cam", color: "#ff5a3c", width: 0.008 } });
const events = [
  { t: 0, kind: "wait", identity: "shopper-1" }, { t: 0, kind: "joined", identity: "shopper-1" }, { t: 1.5, kind: "ring", identity: "agent-1" }, { t: 3, kind: "answered", identity: "agent-1" }, { t: 3, kind: "joined", identity: "agent-1" }, { t: 3.2, kind: "consent", identity: "shopper-1", granted: true },
  { t: 9, kind: "chat", identity: "shopper-1", text: "型号是 A7，灯一直闪红色" }, { t: 14, kind: "chat", identity: "agent-1", text: "好的，请把镜头对准滤芯的位置" },
  ring(18), { t: 19.5, kind: "mark", identity: "agent-1", mark: { id: "m2", kind: "arrow", points: [[0.15, 0.75], [0.36, 0.6]], target: "t-shopper-cam", color: "#3b82f6", width: 0.008 } }, { t: 21, kind: "mark", identity: "agent-1", mark: { id: "m3", kind: "step", n: 1, points: [[0.5, 0.5]], target: "t-shopper-cam", color: "#ff5a3c", width: 0.008 } }, { t: 26, kind: "mark_cleared", mark: null, identity: "agent-1" },
  { t: 27, kind: "freeze", identity: "agent-1", frame: { file: "f1", target: "t-shopper-cam" } }, { t: 30, kind: "thaw", identity: "agent-1" }, { t: 31, kind: "still", identity: "agent-1" }, { t: 34, kind: "muted", identity: "shopper-1", source: "microphone" }, { t: 38, kind: "unmuted", identity: "shopper-1", source: "microphone" },
  { t: 35, kind: "chat", identity: "agent-1", text: "我共享一下屏幕，给您看更换步骤" }, { t: 51, kind: "hold", identity: "agent-1" }, { t: 56, kind: "resumed", identity: "agent-1" }, { t: 57, kind: "paused", identity: "agent-1" }, { t: 61, kind: "resumed_recording", identity: "agent-1" },
  { t: 65, kind: "reconnecting", identity: "shopper-1" }, { t: 67, kind: "reconnected", identity: "shopper-1" }, { t: 70, kind: "transfer", identity: "agent-1", to: "agent-2" }, { t: 76, kind: "note", identity: "agent-1", text: "已约上门，周三上午" }, { t: 86, kind: "ended", identity: "shopper-1" },
  ...Array.from({ length: Math.floor(SECONDS / 2) }, (_, n) => [["agent-1", 1.2e6, 0.002, 35], ["shopper-1", n > 28 && n < 37 ? 2e5 : 9e5, n > 30 && n < 35 ? 0.12 : n > 36 && n < 40 ? 0.03 : 0.004, n > 30 && n < 36 ? 620 : 70]].map(([identity, bitrate, loss, rtt]) => ({ t: n * 2, kind: "network", identity, bitrate: Number(bitrate) * (0.85 + 0.15 * Math.sin(n)), loss, rtt, freezes: identity === "shopper-1" && n === 33 ? 2 : 0 }))).flat(),
].sort((a, b) => a.t - b.t);

const TRACKS = [
  { id: "t-agent-mic", identity: "agent-1", source: "microphone", kind: "audio", codec: "opus", began: 3, ended: SECONDS, mime: "audio/webm", gaps: [] },
  { id: "t-agent-cam", identity: "agent-1", source: "camera", kind: "video", codec: "VP8", began: 3, ended: SECONDS, width: 320, height: 180, mime: "video/webm", gaps: [] },
  { id: "t-shopper-mic", identity: "shopper-1", source: "microphone", kind: "audio", codec: "opus", began: 0, ended: SECONDS, mime: "audio/webm", gaps: [] },
  { id: "t-shopper-cam", identity: "shopper-1", source: "camera", kind: "video", codec: "VP8", began: 0, ended: SECONDS, width: 320, height: 180, mime: "video/webm", gaps: [] },
  { id: "t-agent-screen", identity: "agent-1", source: "screen", kind: "video", codec: "VP8", began: 36, ended: 50, width: 320, height: 180, mime: "video/webm", gaps: [] },
];
/** @type {Record<string, () => Promise<string>>} */
const FILES = {
  "t-agent-mic": () => voice("agent-voice", { began: 3, seconds: SECONDS - 3, hz: 330, speaks: SPOKE["agent-1"] ?? [] }),
  "t-agent-cam": () => video("agent-picture", { began: 3, seconds: SECONDS - 3, tint: [150, 110] }),
  "t-shopper-mic": () => voice("shopper-voice", { began: 0, seconds: SECONDS, hz: 220, speaks: SPOKE["shopper-1"] ?? [] }),
  "t-shopper-cam": () => video("shopper-picture", { began: 0, seconds: SECONDS, tint: [110, 150] }),
  "t-agent-screen": () => video("screen", { began: 36, seconds: 14, tint: [128, 128], screen: true }),
};
const made = Promise.all(Object.entries(FILES).map(async ([id, make]) => /** @type {const} */ ([id, await make()]))).then(Object.fromEntries);

const QUESTIONS = [
  { id: "confirm", text: "复述并确认了顾客的问题", text_en: "Confirmed the problem in their own words", points: 5, weight: 30, na: false, auto_fail: false, comment: "low" },
  { id: "calm", text: "语气平和，有耐心", text_en: "Stayed calm and patient", points: 5, weight: 20, na: false, auto_fail: false, comment: "low" },
  { id: "offer", text: "给出了解决办法", text_en: "Offered a solution", points: 5, weight: 30, na: true, auto_fail: false, comment: "low" },
  { id: "close", text: "说明了后续并确认顾客满意", text_en: "Closed the loop", points: 1, weight: 20, na: true, auto_fail: false, comment: "optional" },
  { id: "privacy", text: "没有要求顾客报出卡号或密码", text_en: "Never asked for a card number or password", points: 1, weight: 10, na: true, auto_fail: true, comment: "always" },
];
let templates = [{ id: "call", version: 3, title: "通话质检", title_en: "Call quality", pass_score: 80, retired: false, by: ME, at: NOW, questions: QUESTIONS }];
let comments = [
  { id: "k1", parent: null, by: ME, by_name: "许晴川", at: NOW, edited: null, from: 18, to: 26, text: "圈得很清楚，先让顾客对准再动手，可以作示范。", shared: true, own: true },
  { id: "k2", parent: "k1", by: "agent-1", by_name: "陈嘉木", at: NOW + 6e4, edited: null, from: 18, to: 26, text: "谢谢！当时画面有点暗，圈了两次。", shared: true, own: false },
  { id: "k3", parent: null, by: "reviewer-2", by_name: "Maya Collins", at: NOW, edited: null, from: 66, to: null, text: "这里卡顿是顾客的网络问题，不要算在客服身上。", shared: false, own: false },
];
const done = { id: "v1", recording: rows[0]?.id, calibration: null, template: "call", version: 3, reviewer: "reviewer-2", reviewer_name: "Maya Collins", agent: "agent-1", state: "appealed", score: 74, failed: false, passed: false, created: NOW, updated: NOW, submitted: NOW, own: false, summary: "处理思路清楚，结尾没有确认顾客是否满意。", missing: [],
  answers: [{ question: "confirm", value: 4, spans: [[16, 24]] }, { question: "calm", value: 5 }, { question: "offer", value: 4 }, { question: "close", value: 0, comment: "挂断前没有确认", spans: [[82, 86]] }, { question: "privacy", value: null }],
  history: [{ at: NOW, by: "agent-1", what: "appealed", comment: "76 秒处我说明了周三上门，请再听一下。" }] };
/** @type {any[]} */
let reviews = [done];
let searches = [{ id: "s1", name: "差评且未质检", query: "rating=1-2&reviewed=false", shared: true, own: false }, { id: "s2", name: "我的跟进", query: "tag=%E5%9F%B9%E8%AE%AD", shared: false, own: true }];
/** What was told of seconds heard, for a test to ask. @type {[number, number][]} */
const heard = [];
let keys = 0;

const worklist = (/** @type {any} */ more = {}) => ({ id: "w1", title: "第 47 周 · 分层抽样", kind: "stratified", seed: 20261123, by: ME, created: NOW, template: "call", reviewers: [ME, "reviewer-2"], total: 24, done: 9, skipped: 1, mine: { total: 12, done: 5 }, coverage: { population: 1240, sampled: 24, share: 0.0194, margin: 0.2 }, strata: AGENTS.map(([key, label], n) => ({ key: `${label} · ${QUEUES[n % 3]}`, population: 310, sampled: 6 })), estimate: { passed: 7, of: 9, share: 0.78, low: 0.45, high: 0.94 },
  items: rows.slice(0, 12).map(({ id }, n) => ({ recording: id, reviewer: ME, state: n < 5 ? "done" : n === 7 ? "skipped" : "open", why: n % 3 ? [] : ["rating", "wait"], review: n < 5 ? "v1" : null, note: "" })), ...more });
const calibration = (/** @type {boolean} */ whole) => ({ id: whole ? "b1" : "b2", recording: rows[0]?.id, template: "call", version: 3, title: whole ? "11 月校准：滤芯更换" : "新同事校准", by: ME, created: NOW, reviewers: [{ identity: ME, submitted: whole }, { identity: "reviewer-2", submitted: true }, { identity: "reviewer-3", submitted: whole }], complete: whole,
  ...(whole ? { reviews: [done, { ...done, id: "v2", reviewer: ME, reviewer_name: "许晴川", score: 82, passed: true }, { ...done, id: "v3", reviewer: "reviewer-3", reviewer_name: "Óscar", score: 70 }], agreement: { alpha: 0.71, metric: "interval", kappa: [{ reviewers: [ME, "reviewer-2"], kappa: 0.66 }, { reviewers: [ME, "reviewer-3"], kappa: 0.48 }, { reviewers: ["reviewer-2", "reviewer-3"], kappa: null }], questions: QUESTIONS.map(({ id, points }, n) => ({ question: id, values: { [ME]: points === 1 ? 1 : 4, "reviewer-2": points === 1 ? (n === 3 ? 0 : 1) : 4 + (n % 2), "reviewer-3": points === 1 ? 1 : 3 }, spread: points === 1 ? (n === 3 ? 1 : 0) : 1 + (n % 2) })) } } : {}) });

/** @param {URL} url */
function recordings(url) {
  const query = url.searchParams;
  const from = Number(query.get("after") ?? 0);
  const limit = Number(query.get("limit") ?? 50);
  const [low = 0, high = 9] = (query.get("rating") ?? "").split("-").map(Number);
  const found = rows.filter((row) => (!query.get("q") || JSON.stringify(row).includes(query.get("q") ?? "")) && (!query.get("queue") || row.queue.includes(query.get("queue") ?? "")) && (!query.get("agent") || row.agent_name.includes(query.get("agent") ?? "")) && (!query.get("flag") || row.flags.some(({ kind }) => kind === query.get("flag"))) && (!query.get("tag") || row.tags.includes(query.get("tag") ?? "")) && (!query.get("rating") || (row.rating !== null && row.rating.score >= low && row.rating.score <= (high || low))));
  return { recordings: found.slice(from, from + limit), next: from + limit < found.length ? String(from + limit) : null, total_estimate: found.length };
}

/** @param {string} by @param {string} metric */
function trends(by, metric) {
  const keysOf = by === "week" ? Array.from({ length: 12 }, (_, n) => [`2026-W${36 + n}`, `2026-W${36 + n}`]) : by === "agent" ? AGENTS : by === "product" ? [["a7", "空气净化器 A7"], ["k2", "K2 Grinder"]] : QUEUES.map((name) => [name, name]);
  return { rows: keysOf.map(([key, label], n) => ({ key, label, count: 20 + n * 3, value: metric === "rating" ? 4.1 + 0.1 * Math.sin(n) : metric === "score" ? 78 + 6 * Math.sin(n) + n * 0.5 : 12 + 5 * Math.sin(n * 2), low: metric === "score" ? 70 + 6 * Math.sin(n) + n * 0.5 : null, high: metric === "score" ? 86 + 6 * Math.sin(n) + n * 0.5 : null, values: metric === "findings" ? { black: 3, silence: 5 + n, cross_talk: 2 } : metric === "reasons" ? { 安装: 9, 退换货: 4 + n } : metric === "answers" ? { confirm: 0.8, calm: 0.92, offer: 0.75, close: 0.6 } : {} })) };
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @returns {Promise<boolean>} whether it was one of these
 */
export async function review(request, response) {
  const url = new URL(request.url ?? "/", "http://localhost");
  const found = /^\/api\/v1\/(recordings|scorecards|reviews|calibrations|samples|worklists|trends|audit|searches|clips|jobs)(.*)$/.exec(url.pathname);
  if (!found) return false;
  const [, area = "", rest = ""] = found;
  const parts = rest.split("/").filter(Boolean).map(decodeURIComponent);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString() || "{}") : {};
  const json = (/** @type {unknown} */ answer, status = 200) => {
    response.writeHead(status, { "Content-Type": "application/json" }).end(status === 204 ? undefined : JSON.stringify(answer));
    return true;
  };
  const refuse = (/** @type {string} */ code) => json({ error: { code, message: "The server's own sentence." } }, STATUS[/** @type {keyof typeof STATUS} */ (code)] ?? 409);
  if (area === "recordings" && parts[1] === "media") return media(request, response, url, parts[2] ?? "");
  const wanted = new URL(request.headers.referer || "http://page/").searchParams.get("rv") ?? "";
  if (wanted === "slow") await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (wanted in STATUS && request.method === "GET") return refuse(wanted);
  const { method } = request;
  const [id = "", what = "", more = ""] = parts;
  switch (area) {
    case "recordings": {
      if (!id) return json(wanted === "empty" ? { recordings: [], next: null, total_estimate: 0 } : recordings(url));
      const row = rows.find((entry) => entry.id === id);
      if (!row) return refuse("recording_not_found");
      if (!what && method === "DELETE") return row.hold ? refuse("recording_held") : json(null, 204);
      if (!what) return json({ ...row, duration_s: SECONDS, tracks: TRACKS.map((track) => ({ ...track, url: `/api/v1/recordings/${id}/media/${track.id}` })), gaps: [{ from: 57, to: 61, reason: "paused" }], findings: [{ from: 34, to: 39, kind: "silence", level: -60 }, { from: 51, to: 56, kind: "frozen", identity: "shopper-1" }, { from: 65, to: 68, kind: "black", identity: "shopper-1" }], speech: Object.fromEntries(Object.entries(SPOKE).map(([key, spans]) => [key, { talk_s: spans.reduce((sum, [from, to]) => sum + to - from, 0), spans }])), consents: [], chapters: [], watermark: "许晴川 supervisor-1", can: { erase: true, hold: true, export: true, score: true, comment: true, tag: true, clip: true } });
      if (what === "timeline") return json({ events });
      if (what === "playback") return json({ key: `k${++keys}`, expires: Date.now() + 900_000, watermark: "许晴川 supervisor-1" });
      if (what === "heard") {
        if (method === "POST") heard.push(...body.spans);
        return json({ seconds: heard.reduce((sum, [from, to]) => sum + to - from, 0), spans: heard });
      }
      if (what === "comments") {
        if (method === "GET") return json({ comments });
        if (method === "POST") {
          const comment = { id: `k${Date.now()}`, parent: null, by: ME, by_name: "许晴川", at: Date.now(), edited: null, to: null, shared: false, own: true, ...body };
          comments = [...comments, comment];
          return json(comment, 201);
        }
        comments = method === "DELETE" ? comments.filter((entry) => entry.id !== more && entry.parent !== more) : comments.map((entry) => (entry.id === more ? { ...entry, ...body } : entry));
        return json(method === "DELETE" ? null : {}, method === "DELETE" ? 204 : 200);
      }
      if (what === "tags") return json({ tags: (row.tags = body.tags) });
      if (what === "hold") return json({ hold: (row.hold = method === "PUT") }, method === "PUT" ? 200 : 204);
      if (what === "export") return json({ job: { id: "j1", recording: id, kind: body.kind, state: "running", done: 0.3, url: null, error: null } }, 202);
      if (what === "clips") return json({ clip: { id: "p9", ...body } }, 201);
      if (what === "reviews") {
        if (method === "GET") return json({ reviews: reviews.filter((entry) => entry.recording === id) });
        const draft = { ...done, id: `v${Date.now()}`, recording: id, state: "draft", own: true, reviewer: ME, reviewer_name: "许晴川", score: null, submitted: null, history: [], ...body };
        reviews = [...reviews, draft];
        return json(draft, 201);
      }
      return refuse("not_found");
    }
    case "reviews": {
      if (!id) return json({ reviews: [{ ...done, state: "submitted", history: [] }, { ...done, id: "v8", recording: rows[4]?.id, state: "acknowledged", score: 91, passed: true, summary: "很好。", history: [] }, done], next: null });
      reviews = reviews.map((entry) => (entry.id === id ? { ...entry, ...(body.answers ? { answers: body.answers } : {}), ...(body.summary === undefined ? {} : { summary: body.summary }), ...(what === "submit" ? { state: "submitted", submitted: Date.now(), score: 88, passed: true } : {}) } : entry));
      return json(reviews.find((entry) => entry.id === id) ?? { ...done, state: what === "appeal" ? "appealed" : "acknowledged" });
    }
    case "scorecards":
      if (method === "PUT") templates = templates.map((entry) => (entry.id === parts[1] ? { ...entry, ...body, version: entry.version + 1 } : entry));
      return json(parts[1] ? templates.find((entry) => entry.id === parts[1]) : { templates });
    case "calibrations":
      if (method === "POST") return json({ ...calibration(false), ...body }, 201);
      return json(id ? calibration(id !== "b2") : { calibrations: [calibration(true), calibration(false)], agreement: { call: { alpha: 0.71, calibrations: 4 } } });
    case "samples":
      return json({ worklist: worklist({ id: "w3", title: body.title, kind: body.kind, total: body.size, done: 0, seed: body.seed ?? 77 }) }, 201);
    case "worklists":
      if (method === "POST") return json({});
      return json(id ? worklist() : wanted === "empty" ? { worklists: [] } : { worklists: [worklist(), worklist({ id: "w2", title: "差评全查", kind: "risk", total: 8, done: 8, skipped: 0, mine: { total: 8, done: 8 } })] });
    case "trends":
      return json(wanted === "empty" ? { rows: [] } : trends(url.searchParams.get("by") ?? "week", url.searchParams.get("metric") ?? "score"));
    case "audit":
      return json({ entries: ["looked", "heard", "exported", "erased", "held", "scored", "commented"].flatMap((action, n) => [0, 1, 2].map((k) => ({ number: 420 - n * 3 - k, at: NOW - n * 6e5 - k * 9e4, actor: ME, name: "许晴川", action, recording: rows[k]?.id, detail: action === "heard" ? { spans: [[0, 34.2], [61, 80]] } : action === "held" ? { reason: "投诉 2026-118" } : {}, hash: "9f2c41d0a7".repeat(6) }))), next: null, head: "9f2c41d0a7".repeat(6) });
    case "searches":
      if (method === "GET") return json({ searches });
      searches = method === "DELETE" ? searches.filter((entry) => entry.id !== id) : [...searches, { id, own: true, ...body }];
      return json(null, 204);
    case "clips":
      return json(method === "GET" ? { clips: wanted === "empty" ? [] : [{ id: "p1", recording: rows[0]?.id, from: 16, to: 24, title: "怎样换滤芯", topic: "安装", approved: true, by_name: "许晴川", url: `/api/v1/recordings/${rows[0]?.id}/media/t-agent-cam?k=clip` }, { id: "p2", recording: rows[0]?.id, from: 40, to: 47, title: "Where to find the serial number", topic: "", approved: false, by_name: "Maya Collins", url: `/api/v1/recordings/${rows[0]?.id}/media/t-shopper-cam?k=clip` }] } : {});
    default:
      return json({ job: { id: "j1", state: "done", done: 1, url: "/api/v1/jobs/j1/file", error: null } });
  }
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @param {URL} url
 * @param {string} track
 */
async function media(request, response, url, track) {
  const path = (await made)[track];
  if (!path || !url.searchParams.get("k")) {
    response.writeHead(path ? 401 : 404).end();
    return true;
  }
  const { size } = statSync(path);
  const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "bytes=0-");
  const from = Number(range?.[1] ?? 0);
  const to = Math.min(size - 1, range?.[2] ? Number(range[2]) : size - 1, from + PART - 1);
  if (from >= size) {
    response.writeHead(416, { "Content-Range": `bytes */${size}` }).end();
    return true;
  }
  response.writeHead(206, { "Content-Type": TRACKS.find(({ id }) => id === track)?.mime ?? "video/webm", "Content-Range": `bytes ${from}-${to}/${size}`, "Content-Length": to - from + 1, "Accept-Ranges": "bytes", "Cache-Control": "no-store" });
  createReadStream(path, { start: from, end: to }).pipe(response);
  return true;
}
