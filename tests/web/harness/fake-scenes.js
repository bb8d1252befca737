/**
 * The situations that a pretended room or desk can show. `?state=` in the address holds words, separated by commas:
 * the first may name one of PLANS, all others add to it, for example `?state=stage3,inset,chat,slow` on /live/demo or
 * `?state=onair,stage3,urgent,hands` on /host/demo. `&role=` says who looks (host, agent, supervisor, shopper, viewer).
 *
 *   stage1 stage2 stage3 stage6       so many on stage; on the host's page that counts the host
 *   solo side_by_side inset grid screen   layout; `screen` also shares one
 *   pinned stagelocked joining dropped    of the stage and its second place
 *   guestmuted guestdark guestcohost  the second place is locked by the host (sound, picture), or a co-host
 *   onstage selflocked cohost         this person is a guest; muted by the host; with controls
 *   ring ringlong ringhost            it rings for this person; with everything as long as it may be; accepted at once
 *   outgoing outgoinggroup offer      an invitation of ours is ringing; an agent offers to come
 *   decline noanswer busy nobody      what becomes of the next invitation (else: accepted after 3 s)
 *   hands handsopen hand              three hands are up; may be raised; ours is up
 *   agents agentsnone                 the directory of who can be rung
 *   chat chatfull chatlive            26 messages; 200; a new one every 1.5 s
 *   slow muted                        slow mode of 10 s; we may not write
 *   staff urgent                      a calm back channel; an urgent message comes in and nobody has seen it
 *   whisper                           a supervisor's voice for the host
 * At the desk: empty rooms ring ringlong onstage break offline reconnecting many.
 */

export const LONG = "林小满的江南手作与春季新品专场直播间官方旗舰店";
const LONG_LATIN = "Alexandria Montgomery-Featherstonehaugh Official Store";
const query = new URLSearchParams(location.search);
const words = (query.get("state") ?? "").split(",").filter(Boolean);

/** What each state's room looks like. */
export const PLANS = {
  connecting: { hang: true },
  expired: { refuse: "token_expired" },
  full: { refuse: "room_full" },
  gone: { refuse: "room_not_found" },
  odd: { refuse: "brand_new_code" },
  idle: { show: "idle", people: [], viewers: 3 },
  idlehost: { show: "idle", people: [{ name: "林小满", sources: [] }], viewers: 12 },
  waiting: { people: [{ name: "林小满" }], viewers: 12, deaf: true },
  silent: { people: [{ name: "林小满", sources: [] }], viewers: 12 },
  live: { people: [{ name: "林小满" }], viewers: 328, title: "春季新品专场" },
  english: { people: [{ name: "Maya Collins" }], viewers: 1 },
  long: { people: [{ name: LONG }], viewers: 0 },
  many: { people: [{ name: LONG_LATIN }], viewers: 128734 },
  portrait: { people: [{ name: "林小满", shape: [720, 1280] }], viewers: 2048 },
  bright: { people: [{ name: "林小满", bright: true }], viewers: 2048 },
  blocked: { people: [{ name: "林小满" }], viewers: 328, blocked: true },
  poor: { people: [{ name: "林小满" }], viewers: 328, downlink: { quality: 1, reason: "loss" } },
  fair: { people: [{ name: "林小满" }], viewers: 328, downlink: { quality: 2, reason: "jitter" } },
  cut: { people: [{ name: "林小满" }], viewers: 328, then: "reconnecting" },
  away: { people: [{ name: "林小满", connected: false }], viewers: 328, then: "away" },
  ended: { show: "ended", people: [], viewers: 301 },
  replaced: { people: [{ name: "林小满" }], viewers: 2, then: "bye" },
  audio: { people: [{ name: "林小满", cameraMuted: true }], viewers: 328 },
  unplayable: { people: [{ name: "林小满" }], viewers: 328, deaf: true, unavailable: true },
  screen: { people: [{ name: "林小满", sources: ["camera", "microphone", "screen"] }], viewers: 40, layout: "screen" },
  two: { people: [{ name: "林小满" }, { name: "陈嘉木", role: "agent", bright: true }], viewers: 328 },
  six: { size: 6, viewers: 5120, layout: "grid" },
  studio: { show: "idle", people: [], viewers: 7 },
  empty: { show: "idle", people: [], viewers: 0 },
  resume: { show: "live", people: [], viewers: 56 },
  onair: { show: "idle", people: [], viewers: 56, uplink: { quality: 3, reason: "good", bitrate_bps: 2_480_000, loss: 0.001, rtt_ms: 24 } },
  weak: { show: "idle", people: [], viewers: 56, uplink: { quality: 1, reason: "loss", bitrate_bps: 640_000, loss: 0.123, rtt_ms: 310 } },
  measuring: { show: "idle", people: [], viewers: 0 },
  studiocut: { show: "idle", people: [], viewers: 56, cutAfterStart: true },
};

const CAST = [
  { name: "林小满" },
  { name: "陈嘉木", hue: 160 },
  { name: "Maya Collins", bright: true },
  { name: LONG, cameraMuted: true },
  { name: "Óscar", shape: [720, 1280], hue: 240 },
  { name: "王", hue: 60 },
];
const LAYOUTS = ["solo", "side_by_side", "inset", "grid", "screen"];

/** Whether the address asks for this. @param {string} word */
export function wants(word) {
  return words.slice(words[0] in PLANS ? 1 : 0).includes(word) || words[0] === word;
}

/** Who looks at the page. */
export function role() {
  const page = location.pathname.split("/")[1];
  return query.get("role") ?? { host: "host", agent: "agent" }[page] ?? "shopper";
}

/** @returns {any} grants as the server gives them to a role */
export function grants() {
  const send = ["camera", "microphone", "screen", "screen_audio"];
  const talk = { subscribe: true, chat: true, call: true };
  return {
    host: { publish: send, show: true, backchannel: true, ...talk },
    agent: { publish: send, backchannel: true, desk: true, ...talk },
    supervisor: { supervise: true, publish: ["whisper"], manage: true, backchannel: true, desk: true, ...talk },
    reviewer: { subscribe: true },
  }[role()] ?? talk;
}

/** The plan that the address asks for, with the number of people on stage and the layout. */
export function plan() {
  const base = words[0] in PLANS ? words[0] : location.pathname.startsWith("/host/") ? "onair" : "live";
  const chosen = { title: "", ...PLANS[base] };
  const size = [1, 2, 3, 6].find((count) => wants(`stage${count}`)) ?? chosen.size;
  if (size) {
    const people = CAST.slice(0, size).map((person, index) => ({ ...person, role: index ? "agent" : "host" }));
    // The host's own place is made when the host publishes.
    chosen.people = role() === "host" ? people.slice(1) : people;
    chosen.layout ??= size === 6 ? "grid" : size === 1 ? "solo" : "side_by_side";
  }
  const layout = LAYOUTS.find((name) => words.slice(1).includes(name) || (words[0] === name && name !== "screen"));
  if (layout) chosen.layout = layout;
  const last = chosen.people?.at(-1);
  if (chosen.layout === "screen" && last && !last.sources) last.sources = ["camera", "microphone", "screen"];
  return chosen;
}

const PRODUCT = { title: "手工丝绒口红 · 12 月限定礼盒装", price: "¥268", url: "https://shop.example/p/1024" };

let made = 0;

/** An invitation as the server describes it. */
export function invitation(more = {}) {
  made += 1;
  return {
    id: `i-${made}`,
    room: "demo",
    title: "春季新品专场",
    direction: "invite",
    state: "pending",
    reason: null,
    from: { identity: "p-0", name: "林小满", role: "host" },
    target: { kind: "identity", value: "me" },
    to: { identity: "me", name: "陈嘉木" },
    tried: 1,
    topic: "口红的色号和敏感肌能不能用",
    product: PRODUCT,
    created: Date.now(),
    ring_until: Date.now() + 20_000,
    ...more,
  };
}

/** @type {any} */
let ring;

/** The ring that the address asks for, or null; the same at the desk and in the room. */
export function ringing() {
  return (ring ??= askedRing());
}

function askedRing() {
  if (wants("ringlong")) {
    return invitation({
      title: LONG,
      from: { identity: "p-0", name: LONG_LATIN, role: "host" },
      target: { kind: "skill", value: "International warranty and returns" },
      topic: "How long does the battery last in winter, and may I return it after I have used it for three whole weeks? ".slice(0, 120),
      product: { title: `${LONG_LATIN} ${LONG}`.slice(0, 120), price: "US$ 12,345.00 – 23,456.00", url: "https://shop.example/" },
    });
  }
  return wants("ring") || wants("ringhost") ? invitation() : null;
}

/** Who can be rung. */
export function directory() {
  if (wants("agentsnone")) return [];
  const agent = (identity, name, skills, presence, more = {}) => ({
    identity, name, skills, presence, engaged: presence === "busy", here: false, ...more,
  });
  return [
    agent("a-1", "陈嘉木", ["美妆", "售后"], "available", { here: true }),
    agent("a-2", "Maya Collins", ["English", "Returns"], "available"),
    agent("a-3", LONG, ["International warranty and returns", "美妆", "物流", "发票", "会员"], "available"),
    agent("a-4", "周以宁", ["物流"], "busy"),
    agent("a-5", "Óscar Núñez", ["Español"], "break"),
    agent("a-6", "王", [], "offline"),
  ];
}

export const HANDS = [
  { identity: "s-1", name: "爱吃橙子的猫🍊", topic: "请问有没有小码？", at: Date.now() - 95_000 },
  { identity: "s-2", name: LONG_LATIN, topic: "", at: Date.now() - 42_000 },
  { identity: "s-3", name: "小鱼", topic: "上次买的杯子有一点磕碰，想问下怎么换，客服说让我来直播间找主播，可是我等了很久也没有等到，今天可以帮我看看吗谢谢谢谢谢谢", at: Date.now() - 6_000 },
];

const LINES = [
  ["s-1", "爱吃橙子的猫🍊", "shopper", "主播好！第一次来"],
  ["s-4", "Tom", "shopper", "Does it ship to Singapore?"],
  ["s-3", "小鱼", "shopper", "👏👏👏"],
  ["p-0", "林小满", "host", "Yes, free shipping to Singapore this week!"],
  ["s-2", LONG_LATIN, "shopper", "Pneumonoultramicroscopicsilicovolcanoconiosis https://shop.example/a/very/long/path/that/never/ends?with=parameters&and=more"],
  ["s-5", "路过的风", "viewer", "这个颜色黄皮能驾驭吗？我之前买过一支类似的，上嘴之后显得特别黑，朋友都说不适合我，所以这次想先问清楚再下单，麻烦主播帮忙看一下，谢谢啦！"],
  ["a-1", "陈嘉木", "agent", "可以的，黄皮建议选 03 号，偏暖一点"],
  ["s-6", "🌸🌸🌸", "shopper", "哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈哈"],
  ["me", "我", "shopper", "已下单，坐等发货 🎉"],
  ["s-7", "<b>Eve</b>", "shopper", "<img src=x onerror=alert(1)> & \"quotes\""],
  ["s-8", "ليلى", "shopper", "هل يوجد توصيل إلى دبي؟"],
  ["s-3", "小鱼", "shopper", "ok"],
  ["s-9", "Family", "shopper", "👨‍👩‍👧‍👦🏳️‍🌈👍🏽"],
];
let said = 0;

/** The next line of the chat. @param {number} [at] */
export function chatLine(at = Date.now()) {
  const [identity, name, who, text] = LINES[said % LINES.length];
  said += 1;
  return { id: `m-${said}`, identity, name, role: who, text, at };
}

/** What was said before we came. */
export function chatHistory() {
  const count = wants("chatfull") ? 200 : wants("chat") || wants("chatlive") ? 26 : 0;
  return Array.from({ length: count }, (_, index) => chatLine(Date.now() - (count - index) * 4_000));
}

const SUPERVISOR = { identity: "v-1", name: "何主管", role: "supervisor" };

/** The staff's talk so far. */
export function staffTalk() {
  if (!wants("staff") && !wants("urgent")) return [];
  const agent = { identity: "a-1", name: "陈嘉木", role: "agent" };
  const acked = [{ identity: "p-0", name: "林小满" }];
  return [
    { id: "b-1", from: SUPERVISOR, text: "下一个是丝绒口红，库存 400", urgent: false, at: Date.now() - 300_000, acked },
    { id: "b-2", from: agent, text: "评论里很多人问敏感肌，可以连我来答", urgent: false, at: Date.now() - 120_000, acked: [] },
    { id: "b-3", from: SUPERVISOR, text: "Coupon SPRING20 is live now.", urgent: true, at: Date.now() - 60_000, acked },
  ];
}

/** The message that must not be missed. */
export function urgentMessage() {
  return { id: "b-9", from: SUPERVISOR, text: "优惠券链接错了，先别让大家领！正在改，两分钟。", urgent: true, at: Date.now(), acked: [] };
}

export const STAFF = [
  { identity: "me", name: "林小满", role: "host" },
  { identity: "a-1", name: "陈嘉木", role: "agent" },
  SUPERVISOR,
];

/** Rooms as the desk lists them. */
export function deskRooms() {
  if (wants("empty")) return [];
  const room = (name, title, state, minutes, viewers, host, on_stage) => ({
    name, title, state, since: Date.now() - minutes * 60_000, viewers, host, on_stage,
  });
  const rooms = [
    room("demo", "春季新品专场", "live", 42, 3280, "林小满", 2),
    room("tea", LONG, "live", 3, 128734, LONG_LATIN, 6),
    room("shoes", "", "away", 95, 0, null, 1),
  ];
  if (!wants("many")) return rooms;
  return [...rooms, ...Array.from({ length: 20 }, (_, i) => room(`room-${i}`, `专场 ${i + 1}`, "live", i * 7, i * 31, `主播 ${i}`, 1))];
}
