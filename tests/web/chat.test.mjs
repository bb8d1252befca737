/** The chat: what it allows and says, and that what people write is never anything but text. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { CHAT_MAX, COUNT_FROM, SHOWN_MAX, badgeOf, changes, composer } from "../../web/pages/chat-view.js";

const facts = (/** @type {object} */ change = {}) => ({
  mayWrite: true,
  connected: true,
  text: "你好",
  now: 1_000_000,
  mutedUntil: null,
  slowS: 0,
  waitUntil: 0,
  trouble: null,
  ...change,
});
const note = (/** @type {object} */ change) => {
  const { note: found } = composer(facts(change));
  return found && [found.kind, found.count];
};

for (const [what, change, mode, canSend] of [
  ["plain", {}, "write", true],
  ["nothing written", { text: "" }, "write", false],
  ["blanks", { text: "  \n " }, "write", false],
  ["not connected", { connected: false }, "write", false],
  ["as long as may be", { text: "字".repeat(CHAT_MAX) }, "write", true],
  ["one more", { text: "字".repeat(CHAT_MAX + 1) }, "write", false],
  ["long with blanks around it", { text: ` ${"字".repeat(CHAT_MAX)} ` }, "write", true],
  ["emoji count as the server counts", { text: "🍊".repeat(CHAT_MAX) }, "write", true],
  ["slow mode, first message", { slowS: 10 }, "write", true],
  ["slow mode, too early", { slowS: 10, waitUntil: 1_000_001 }, "write", false],
  ["slow mode, over", { slowS: 10, waitUntil: 1_000_000 }, "write", true],
  ["muted", { mutedUntil: 1_000_001 }, "muted", false],
  ["muted until now", { mutedUntil: 1_000_000 }, "write", true],
  ["without the grant", { mayWrite: false }, "readonly", false],
  ["without the grant, and muted", { mayWrite: false, mutedUntil: 2_000_000 }, "readonly", false],
]) {
  test(`writing: ${what}`, () => {
    const found = composer(facts(/** @type {object} */ (change)));
    assert.deepEqual([found.mode, found.canSend], [mode, canSend]);
  });
}

test("the counter comes late, and goes below nothing", () => {
  const left = (/** @type {number} */ letters) => composer(facts({ text: "字".repeat(letters) })).left;
  assert.deepEqual(
    [1, CHAT_MAX - COUNT_FROM - 1, CHAT_MAX - COUNT_FROM, CHAT_MAX, CHAT_MAX + 7].map(left),
    [null, null, COUNT_FROM, 0, -7],
  );
});

test("what is said beside the box", () => {
  assert.equal(note({}), null);
  assert.deepEqual(note({ mayWrite: false }), ["readonly", 0]);
  assert.deepEqual(note({ text: "字".repeat(CHAT_MAX + 12) }), ["too_long", 12]);
  assert.deepEqual(note({ slowS: 10 }), ["slow", 10]);
  assert.deepEqual(note({ slowS: 10, waitUntil: 1_004_001 }), ["wait", 5]);
  assert.equal(note({ slowS: 10, trouble: "why" }), null);
  assert.deepEqual(note({ mutedUntil: 1_000_000 + 59_999 }), ["muted_seconds", 60]);
  assert.deepEqual(note({ mutedUntil: 1_000_000 + 60_000 }), ["muted_minutes", 1]);
  assert.deepEqual(note({ mutedUntil: 1_000_000 + 61_000 }), ["muted_minutes", 2]);
  assert.deepEqual(note({ mutedUntil: 1_000_000 + 86_400_000 }), ["muted_hours", 24]);
});

test("only the show's own people have a badge", () => {
  assert.deepEqual(["host", "agent", "supervisor", "shopper", "viewer", "admin", ""].map(badgeOf), [
    "host", "agent", "supervisor", null, null, null, null,
  ]);
});

test("lines: new ones are added, deleted and old ones go, no more than the limit", () => {
  const messages = (/** @type {number} */ from, /** @type {number} */ count) =>
    Array.from({ length: count }, (_, index) => ({ id: `m${from + index}` }));
  assert.deepEqual(changes([], []), { gone: [], added: [] });
  assert.deepEqual(changes(["m1", "m2"], messages(1, 3)), { gone: [], added: [{ id: "m3" }] });
  assert.deepEqual(changes(["m1", "m2", "m3"], [{ id: "m1" }, { id: "m3" }]), { gone: ["m2"], added: [] });
  const many = changes(messages(0, SHOWN_MAX).map(({ id }) => id), messages(5, SHOWN_MAX));
  assert.deepEqual([many.gone.length, many.added.length], [5, 5]);
  const first = changes([], messages(0, SHOWN_MAX + 50));
  assert.deepEqual([first.added.length, first.added[0]?.id], [SHOWN_MAX, "m50"]);
});

// --- the panel itself, on elements that have no way to parse anything ------------------------------------------

class Node {
  /** @type {(Node | string)[]} */
  children = [];
  /** @type {Node | null} */
  parent = null;
  dataset = {};
  style = {};
  hidden = false;
  className = "";
  value = "";
  scrollTop = 0;
  scrollHeight = 0;
  clientHeight = 0;
  isConnected = true;
  /** @type {Map<string, string>} */
  attributes = new Map();
  /** @type {Map<string, ((event: object) => void)[]>} */
  listeners = new Map();
  /** @type {Set<string>} */
  classes = new Set();
  classList = {
    toggle: (/** @type {string} */ name, on = !this.classes.has(name)) => void (on ? this.classes.add(name) : this.classes.delete(name)),
  };

  constructor(tag = "lm-chat") {
    this.tag = tag;
  }

  set innerHTML(/** @type {string} */ _) {
    throw new Error("nothing here is HTML");
  }

  get childElementCount() {
    return this.children.filter((child) => child instanceof Node).length;
  }

  get firstElementChild() {
    return this.children.find((child) => child instanceof Node) ?? null;
  }

  /** @returns {string} */
  get textContent() {
    return this.children.map((child) => (typeof child === "string" ? child : child.textContent)).join("");
  }

  set textContent(text) {
    this.children = text === "" ? [] : [String(text)];
  }

  append(/** @type {(Node | string)[]} */ ...children) {
    for (const child of children) {
      if (child instanceof Node) child.parent = this;
      this.children.push(child);
    }
  }

  replaceChildren(/** @type {(Node | string)[]} */ ...children) {
    this.children = [];
    this.append(...children);
  }

  remove() {
    if (this.parent) this.parent.children = this.parent.children.filter((child) => child !== this);
  }

  setAttribute(/** @type {string} */ name, /** @type {string} */ value) {
    this.attributes.set(name, value);
  }

  getAttribute(/** @type {string} */ name) {
    return this.attributes.get(name) ?? null;
  }

  addEventListener(/** @type {string} */ type, /** @type {(event: object) => void} */ run) {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), run]);
  }

  dispatchEvent(/** @type {Event} */ event) {
    for (const run of this.listeners.get(event.type) ?? []) run(event);
    return true;
  }

  /** @returns {Node[]} */
  all(/** @type {string} */ className) {
    const own = this.className.split(" ").includes(className) ? [this] : [];
    return [...own, ...this.children.flatMap((child) => (child instanceof Node ? child.all(className) : []))];
  }
}

Object.assign(globalThis, {
  HTMLElement: Node,
  ResizeObserver: class {
    observe() {}
    disconnect() {}
  },
  customElements: { define: () => {} },
  document: {
    createElement: (/** @type {string} */ tag) => new Node(tag),
    createElementNS: (/** @type {string} */ _, /** @type {string} */ tag) => new Node(tag),
    getSelection: () => null,
    querySelectorAll: () => [],
    documentElement: {},
  },
  fetch: async (/** @type {string | URL} */ address) => {
    const file = new URL(`../../web/i18n/${String(address).split("/").at(-1)?.split("?")[0]}`, import.meta.url);
    return new Response(readFileSync(file));
  },
});
Object.defineProperty(globalThis, "navigator", { value: { languages: ["zh-CN"] }, configurable: true });
const { startLocale } = await import("../../web/pages/locale.js");
await startLocale();
const { ChatPanel } = await import("../../web/pages/components/chat-panel.js");

const EVIL = [
  "<img src=x onerror=alert(1)>",
  "<script>alert(1)</script>",
  "&lt;b&gt; & \"quotes\" 'more'",
  "https://shop.example/?a=<b>&c=javascript:alert(1)",
  "{{constructor}} ${1} \u0000",
];

/** A room that has what the panel asks for. */
class Room {
  /** @type {Record<string, ((detail: any) => void)[]>} */
  heard = {};
  state = "joined";
  clockOffsetMs = 0;
  controls = false;
  self = { identity: "me", grants: { chat: true } };
  info = { chat: { messages: /** @type {any[]} */ ([]), slow_s: 0, muted_until: null }, stage: {} };
  /** @type {string[]} */
  said = [];
  /** @type {Error | null} */
  refuse = null;

  on(/** @type {string} */ name, /** @type {(detail: any) => void} */ run) {
    (this.heard[name] ??= []).push(run);
    return () => void (this.heard[name] = (this.heard[name] ?? []).filter((other) => other !== run));
  }

  hear(/** @type {object} */ chat) {
    const previous = this.info;
    this.info = { ...previous, chat: { ...previous.chat, ...chat } };
    for (const run of this.heard.room ?? []) run({ info: this.info, previous });
  }

  async say(/** @type {string} */ text) {
    if (this.refuse) throw this.refuse;
    this.said.push(text);
  }
}

const message = (/** @type {number} */ id, /** @type {string} */ text, more = {}) => ({
  id: `m${id}`, identity: `s${id}`, name: "小鱼", role: "shopper", text, at: 0, ...more,
});

/** @param {Room} room */
function open(room) {
  const panel = /** @type {any} */ (new ChatPanel());
  panel.connectedCallback();
  panel.follow(room);
  return panel;
}

test("whatever is written is text, names too", () => {
  const room = new Room();
  const panel = open(room);
  room.hear({ messages: EVIL.map((text, index) => message(index, text, { name: text })) });
  assert.deepEqual(panel.all("chat-text").map((/** @type {Node} */ node) => node.textContent), EVIL);
  assert.deepEqual(panel.all("chat-name").map((/** @type {Node} */ node) => node.textContent), EVIL);
  for (const node of [...panel.all("chat-text"), ...panel.all("chat-name")]) {
    assert.deepEqual([node.tag, node.childElementCount], ["bdi", 0]);
  }
  panel.disconnectedCallback();
});

test("history is there at once, deleted lines go, and never more than the limit", () => {
  const room = new Room();
  room.info.chat.messages = Array.from({ length: SHOWN_MAX }, (_, index) => message(index, "hi"));
  const panel = open(room);
  assert.equal(panel.all("chat-line").length, SHOWN_MAX);
  room.hear({ messages: [...room.info.chat.messages.slice(1), message(SHOWN_MAX, "new")] });
  assert.equal(panel.all("chat-line").length, SHOWN_MAX);
  assert.equal(panel.all("chat-text").at(-1)?.textContent, "new");
  room.hear({ messages: [message(5, "hi")] });
  assert.equal(panel.all("chat-line").length, 1);
  panel.follow(null);
  assert.equal(panel.all("chat-line").length, 0);
  panel.disconnectedCallback();
});

test("what comes while nobody looks is unread; our own is not", () => {
  const room = new Room();
  const panel = open(room);
  room.hear({ messages: [message(1, "before")] });
  panel.active = false;
  /** @type {number[]} */
  const counts = [];
  panel.addEventListener("unread", (/** @type {CustomEvent} */ { detail }) => counts.push(detail.count));
  room.hear({ messages: [...room.info.chat.messages, message(2, "a"), message(3, "b", { identity: "me" })] });
  room.hear({ messages: [...room.info.chat.messages, message(4, "c")] });
  panel.active = true;
  assert.deepEqual(counts, [1, 2, 0]);
  panel.disconnectedCallback();
});

test("a message is sent once and the box emptied; one that is refused stays, with the reason", async () => {
  const room = new Room();
  const panel = open(room);
  const [input] = panel.all("chat-input");
  const [form] = panel.all("chat-form");
  const submit = async () => {
    form.dispatchEvent(Object.assign(new Event("submit"), { preventDefault() {} }));
    await new Promise(setImmediate);
  };
  await submit();
  input.value = "  你好  ";
  await submit();
  assert.deepEqual([room.said, input.value], [["你好"], ""]);
  room.refuse = Object.assign(new Error("Too fast."), { code: "chat_too_fast" });
  input.value = "再来";
  await submit();
  assert.equal(input.value, "再来");
  const [note] = panel.all("chat-note");
  assert.deepEqual([note.hidden, note.classes.has("problem"), note.textContent.length > 5], [false, true, true]);
  panel.disconnectedCallback();
});

test("a page without a room, and one whose token may only read, have no box", () => {
  const room = new Room();
  room.self.grants.chat = false;
  const panel = open(room);
  assert.equal(panel.all("chat-form")[0].hidden, true);
  assert.match(panel.all("chat-note")[0].textContent, /不能发言/);
  panel.follow(null);
  assert.equal(panel.all("chat-form")[0].hidden, true);
  panel.disconnectedCallback();
});

test("no page has a way to turn text into elements", () => {
  const root = new URL("../../web/pages/", import.meta.url);
  for (const name of readdirSync(root, { recursive: true }).map(String)) {
    if (!name.endsWith(".js")) continue;
    const source = readFileSync(new URL(name, root), "utf8");
    assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|\beval\(/, name);
  }
});
