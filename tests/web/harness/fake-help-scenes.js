/** What pretended calls are about: words, cards, marks, queues and a wall. */

export const STILL = { id: "still-1", name: "router.jpg", type: "image/jpeg", bytes: 184_320, width: 1080, height: 1440 };

export const CONTEXT = {
  entry: "order",
  page_url: "https://shop.example/order/20261123-0417",
  page_title: "订单详情",
  product: { id: "1024", title: "星河 AX3000 双频路由器", price: "¥268", url: "https://shop.example/p/1024" },
  order: { id: "20261123-0417", title: "星河 AX3000 双频路由器 × 1" },
  locale: "zh-CN",
  device: "iPhone · Safari",
  verified: true,
  person: { id: "s-1", name: "周瑜", value: 82, tags: ["会员 4 年", "Plus"] },
};

export const CARDS = [
  { kind: "order", title: "订单 20261123-0417", lines: ["11 月 20 日签收 · 杭州", "保修至 2027-11-20"], url: "https://shop.example/order/20261123-0417" },
  { kind: "product", title: "星河 AX3000 双频路由器", lines: ["¥268 · 库存 1,204"], url: "https://shop.example/p/1024" },
  { kind: "article", title: "红灯常闪：检查光猫与 WAN 口", lines: ["3 步，约 2 分钟"], url: "https://shop.example/help/red-light" },
  { kind: "note", title: "上次说过", lines: ["家里是电信宽带，PPPoE 拨号"] },
];

export const earlier = () => [
  { id: "old-2", at: Date.now() - 3 * 86_400_000, agent: "Maya Collins", queue: "support", outcome: "completed", score: 5, note: "换了网线，恢复。" },
  { id: "old-1", at: Date.now() - 40 * 86_400_000, agent: null, queue: "sales", outcome: "abandoned", score: null, note: null },
];

export const checklist = () => ({
  title: "重置路由器",
  steps: ["拔掉电源，等 10 秒", "插上电源，等绿灯亮", "按住 Reset 5 秒", "用手机连接 Xinghe-Setup", "在网页里填宽带账号"].map((text, index) => ({ text, done: index < 2 })),
});

export const device = () => ({ facing: "environment", torch: false, zoom: { min: 1, max: 5, value: 1 }, can: ["still", "flip", "torch", "zoom"] });

/** @param {boolean} agent who looks */
export function talk(agent) {
  const at = Date.now() - 90_000;
  const shopper = { identity: agent ? "s-1" : "me", name: agent ? "周瑜" : "我", side: "shopper" };
  const other = { identity: agent ? "me" : "a-1", name: "陈嘉木", side: "agent" };
  const line = (/** @type {number} */ n, /** @type {any} */ by, /** @type {any} */ what) => ({ id: `talk-${n}`, by, at: at + n * 12_000, text: null, article: null, file: null, ...what });
  return [
    line(1, shopper, { text: "路由器一直闪红灯，连不上网" }),
    line(2, other, { text: "您好，我是陈嘉木。能拍一下背面的接口吗？" }),
    line(3, shopper, { file: STILL }),
    line(4, other, { article: { title: "红灯常闪：检查光猫与 WAN 口", url: "https://shop.example/help/red-light" } }),
    line(5, shopper, { text: "好的，是左边第一个口吗？" }),
  ];
}

export const marks = () => [
  { id: "mk-1", by: "a-1", kind: "ring", color: "#ff5a3c", width: 0.01, target: "*", points: [[0.16, 0.48], [0.3, 0.57]], at: 1 },
  { id: "mk-2", by: "a-1", kind: "arrow", color: "#ff5a3c", width: 0.008, target: "*", points: [[0.6, 0.3], [0.32, 0.5]], label: "WAN", at: 2 },
  { id: "mk-3", by: "a-1", kind: "step", color: "#3b82f6", width: 0.01, target: "*", points: [[0.5, 0.62]], n: 2, at: 3 },
];

/** @param {{ closed?: boolean, full?: boolean, desk?: boolean }} [how] */
export function queues({ closed = false, full = false, desk = false } = {}) {
  const opens = new Date();
  opens.setDate(opens.getDate() + 1);
  opens.setHours(9, 0, 0, 0);
  const shared = { open: !closed, opens_at: closed ? opens.getTime() : null, full };
  const estimate = closed || full ? null : { low_s: 60, high_s: 180 };
  return [
    { name: "support", title: "售后与安装", ...shared, waiting: 3, agents: 4, estimate, ...(desk ? { longest_s: 84 } : {}) },
    { name: "sales", title: "购买咨询", ...shared, waiting: 0, agents: 2, estimate: closed || full ? null : { low_s: 0, high_s: 30 }, ...(desk ? { longest_s: 0 } : {}) },
  ];
}

const NAMES = ["周瑜", "Alexandria Montgomery-Featherstonehaugh", "吴桐", "王", "Óscar", "小满妈妈", "沈括"];
const begun = Date.now();

/** @param {number} count */
export const waiting = (count) =>
  Array.from({ length: count }, (_, index) => ({
    call: `w-${index}`, queue: index % 3 === 2 ? "sales" : "support", identity: `s-${index + 20}`, name: NAMES[index % NAMES.length],
    since: begun - (count - index) * 21_000, position: index + 1, media: ["video", "voice", "text"][index % 3], entry: ["order", "live", "product", "help"][index % 4],
    topic: index % 2 ? "" : "怎么换滤芯？", priority: 80 - index * 3, can_take: index % 4 !== 3,
  }));
