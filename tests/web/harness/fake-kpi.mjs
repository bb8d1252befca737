/** Pretended key figures for serve.mjs. `?kpi=` of the page says which: empty, none (no rows), many, slow, or an error code. */
import { readFileSync } from "node:fs";

/** As `signaling.kpi.definitions` gives them: key, unit, titles, formulas. @type {string[][]} */
const FIGURES = JSON.parse(readFileSync(new URL("./kpi-figures.json", import.meta.url), "utf8"));
const STATUS = { forbidden: 403, token_expired: 401, store_unavailable: 503 };
const AGENTS = ["陈嘉木", "Maya Collins", "林可", "贺知章", "Óscar Rodríguez-Villaseñor", "许晴川", ""];
const QUEUES = [["support", "售后与安装"], ["sales", "购买咨询"], ["returns", "International warranty and returns"]];
const ENTRIES = ["live", "product", "order", "help", "link"];

/** @param {number} seed */
const random = (seed) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
};

/** @param {() => number} next @param {number} size */
function values(next, size) {
  const asked = Math.round(size * (0.6 + next()));
  const short = Math.round(asked * 0.02);
  const abandoned = Math.round(asked * 0.06 * next() * 2);
  const answered = asked - short - abandoned;
  const quick = Math.round(answered * (0.7 + 0.28 * next()));
  const outgoing = Math.round(size * 0.1 * next());
  const talk = 180 + 200 * next();
  const ratings = Math.round(answered * 0.4);
  const rate = (/** @type {number} */ part, /** @type {number} */ whole) => (whole ? part / whole : null);
  return {
    asked, answered, answered_in_time: quick, service_level: rate(quick, asked - short), asa_s: answered ? 9 + 30 * next() : null, longest_wait_s: asked ? 60 + 240 * next() : null,
    abandoned, short_abandoned: short, abandon_rate: rate(abandoned, asked - short), left_callback: size ? Math.round(2 * next()) : 0, unserved: 0, waiting: 0, outgoing, handled: answered + outgoing,
    aht_s: answered ? talk + 62 : null, talk_s: answered ? talk : null, hold_s: answered ? 14 * next() : null, wrap_s: answered ? 48 : null, fcr: answered ? 0.72 + 0.2 * next() : null, ratings,
    csat: ratings ? 4 + 0.9 * next() : null, csat_good: ratings ? 0.8 + 0.19 * next() : null, transfers: Math.round(asked * 0.08 * next()), escalations: Math.round(asked * 0.03 * next()), callbacks_open: size ? Math.round(2 * next()) : 0,
  };
}

/**
 * @param {URL} url that was asked for
 * @param {string} page whose address says what to pretend
 */
export async function kpi(url, page) {
  const wanted = new URL(page || "http://page/").searchParams.get("kpi") ?? "";
  const query = url.searchParams;
  if (wanted === "slow") await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (wanted in STATUS) return { status: STATUS[/** @type {keyof typeof STATUS} */ (wanted)], type: "application/json", body: JSON.stringify({ error: { code: wanted, message: "The server's own sentence." } }) };
  const en = query.get("locale") === "en";
  const by = query.get("by") ?? "day";
  const [from, to] = [query.get("from") ?? "2026-11-17", query.get("to") ?? "2026-11-23"];
  const next = random(7);
  const size = wanted === "empty" ? 0 : by === "day" ? 120 : 300;
  const days = Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000) + 1;
  const keys = by === "day" ? Array.from({ length: days }, (_, n) => [new Date(Date.parse(from) + n * 86_400_000).toISOString().slice(0, 10), ""])
    : by === "queue" ? QUEUES : by === "entry" ? ENTRIES.map((entry) => [entry, ""])
    : Array.from({ length: wanted === "many" ? 40 : AGENTS.length }, (_, n) => [AGENTS[n % AGENTS.length] && `agent-${n}`, AGENTS[n % AGENTS.length]]);
  const rows = (wanted === "empty" && by !== "day" ? [] : keys).map(([key, label]) => ({ key, label, ...values(next, size) }));
  const body = {
    from, to, timezone: "Asia/Shanghai", by, room: null, queue: null,
    figures: FIGURES.map(([key, unit, zhTitle, enTitle, zhFormula, enFormula]) => ({ key, unit, title: en ? enTitle : zhTitle, formula: en ? enFormula : zhFormula })),
    rows, total: values(next, size * rows.length * 0.8), truncated: wanted === "many",
  };
  if (query.get("format") === "csv") return { status: 200, type: "text/csv; charset=utf-8", body: `key\r\n${keys.map(([key]) => key).join("\r\n")}\r\n` };
  return { status: 200, type: "application/json", body: JSON.stringify(body) };
}
