/**
 * What a supervisor's wall is told, a little different each second. Words of `?help=`: wall (a hard hour), wallcalm,
 * wallempty, wallnight (closed, nobody there), wallmany (long names, everything long), wallonce (told once only).
 */
const NAMES = ["周瑜", "Alexandria Montgomery-Featherstonehaugh", "吴桐", "王", "Óscar", "小满妈妈", "沈括", "李清照"];
const AGENTS = ["陈嘉木", "Maya Collins", "林可", "贺知章", "Óscar Rodríguez-Villaseñor", "许晴川", "唐宛儿", "Ben"];
const STATES = [["busy", "in_call"], ["busy", "in_call"], ["busy", "wrap_up"], ["break", null], ["busy", "ringing"], ["busy", "on_stage"], ["offline", null], ["available", null]];
const TOPICS = ["路由器一直闪红灯", "", "怎么换滤芯？换完以后灯还是红的，说明书上没写", "Which size fits a 3-room flat?"];
const begun = Date.now();

/** @param {(word: string) => boolean} wants */
export function wallOf(wants) {
  const at = Date.now();
  if (wants("wallempty")) return { type: "wall", at, queues: [], waiting: [], agents: [], calls: [], today: today({}) };
  if (wants("wallnight")) return { type: "wall", at, queues: queues([], { open: false }), waiting: [], agents: [], calls: [], today: today({ asked: 212, answered: 200, service_level: 0.86, asa_s: 14.2, abandon_rate: 0.031, csat: 4.71 }) };
  const calm = wants("wallcalm");
  const many = wants("wallmany");
  const waiting = people(calm ? 1 : many ? 24 : 5, calm ? 9_000 : 21_000);
  const agents = staff(many ? 22 : 8, calm);
  const calls = agents.filter(({ state }) => state === "in_call" || state === "on_stage").map((agent, index) => call(agent, index));
  const figures = calm
    ? { asked: 86, answered: 85, service_level: 0.965, asa_s: 8.4, abandon_rate: 0.012, csat: 4.8 }
    : { asked: 128, answered: 109, service_level: many ? 0.52 : 0.741, asa_s: many ? 74 : 36, abandon_rate: many ? 0.137 : 0.062, csat: many ? 3.4 : 4.36 };
  return { type: "wall", at, queues: queues(waiting, { full: many }), waiting, agents, calls, today: today({ ...figures, in_queue: waiting.length }) };
}

/** @param {object} figures */
const today = (figures) => ({ asked: 0, answered: 0, abandoned: 0, answered_30s: 0, service_level: null, longest_wait_s: 0, asa_s: null, abandon_rate: null, csat: null, in_queue: 0, ...figures });

/** @param {readonly any[]} waiting @param {{ open?: boolean, full?: boolean }} how */
function queues(waiting, { open = true, full = false }) {
  const opens = new Date();
  opens.setDate(opens.getDate() + 1);
  opens.setHours(9, 0, 0, 0);
  const line = (/** @type {string} */ name, /** @type {string} */ title, /** @type {object} */ more = {}) => ({
    name, title, open, opens_at: open ? null : opens.getTime(), full: false, waiting: waiting.filter(({ queue }) => queue === name).length,
    agents: 4, estimate: open ? { low_s: 60, high_s: 180 } : null, ...more,
  });
  return [line("support", "售后与安装", { full }), line("sales", "购买咨询", { agents: 2 }), line("returns", "International warranty and returns", { agents: open ? (waiting.length > 3 ? 0 : 1) : 0 })];
}

/** @param {number} count @param {number} apart ms */
const people = (count, apart) =>
  Array.from({ length: count }, (_, index) => ({
    call: `w-${index}`, room: "demo", queue: ["support", "support", "sales", "returns"][index % 4], state: index === 0 && count > 1 ? "ringing" : "waiting", identity: `s-${index + 20}`,
    name: NAMES[index % NAMES.length], since: begun - (count - index) * apart, position: index + 1, media: ["video", "voice", "text"][index % 3],
    entry: ["order", "live", "product", "help"][index % 4], topic: TOPICS[index % TOPICS.length], priority: 88 - index * 9, can_take: false,
  }));

/** @param {number} count @param {boolean} calm */
const staff = (count, calm) =>
  Array.from({ length: count }, (_, index) => {
    const [presence, state] = STATES[(calm ? index * 3 + 7 : index) % STATES.length];
    return {
      identity: `a-${index + 1}`, name: AGENTS[index % AGENTS.length], presence, state, since: begun - (index * 131 + 42) * 1_000, skills: ["售后", "English"].slice(0, 1 + (index % 2)),
      call: state === "in_call" || state === "on_stage" ? `c-${index}` : null, calls_today: Math.max(0, 14 - index),
    };
  });

/** @param {any} agent @param {number} index */
const call = ({ identity, name, call: id, state, since }, index) => ({
  id, room: "demo", queue: index % 2 ? "sales" : "support", state: index === 1 ? "on_hold" : "active", media: ["video", "voice", "text"][index % 3],
  shopper: { identity: `s-${index}`, name: NAMES[index % NAMES.length] }, agent: { identity, name }, since: since - 9_000, answered: since,
  on_hold: index === 1, on_stage: state === "on_stage", supervisors: index === 1 ? ["沈督导"] : [],
});
