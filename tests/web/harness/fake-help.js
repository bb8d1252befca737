/**
 * The pretended server's part in one-to-one help: fake-room.js and fake-desk.js hand it their requests, and the real
 * HelpLine, reducer and marks work on what it tells. `?help=` in the address holds words, separated by commas; the first
 * may be a state that the page begins in, all others add to it. `&role=` says who looks (fake-scenes.js).
 *
 *   waiting ringing active on_hold wrap_up ended     the call is there at once; without one the page asks for it
 *   incoming                          the agent rings the shopper
 *   warm consult                      a warm transfer: the colleague rings; talks to us, the shopper is on hold
 *   second                            another agent is in the call as well
 *   asking offered on_stage declined refused blurred   the way to the stage; what was agreed to
 *   listen whisper barge              a supervisor's seat (with role=supervisor)
 *   text voice video                  how (video)
 *   stay                              nothing happens by itself; else somebody answers after a few seconds
 *   closed full busy                  the queue is closed; lets nobody in; refuses when asked
 *   chat marks freeze checklist device cards earlier verified long rated     what is there already
 *   shopperlost agentlost             somebody's connection is being made again
 *   queue queuelong wall              at the desk: who waits; what the supervisor sees
 *   callback                          leaving one is what this page did last
 * `&deny=TYPE:CODE` refuses requests of that type.
 */
import { checklist, device, earlier, marks, queues, talk, waiting, CARDS, CONTEXT, STILL } from "./fake-help-scenes.js";
import { wallOf } from "./fake-wall.js";
import { LianmaiError } from "./errors.js";
import { role } from "./fake-scenes.js";

const query = new URLSearchParams(location.search);
const words = (query.get("help") ?? "").split(",").filter(Boolean);
const wants = (/** @type {string} */ word) => words.includes(word);

const ROOM = "demo";
const AGENT = { identity: "a-1", name: "陈嘉木", role: "agent", side: "agent", mode: "full", peer: "p-a-1", state: "connected" };
const SHOPPER = { identity: "s-1", name: "周瑜", role: "shopper", side: "shopper", mode: "full", peer: "p-s-1", state: "connected" };
const SECOND = { identity: "a-2", name: "Maya Collins", role: "agent", side: "agent", mode: "full", peer: "p-a-2", state: "connected" };
const BEGINNINGS = ["waiting", "ringing", "active", "on_hold", "wrap_up", "ended", "incoming", "warm", "consult"];
const ESCALATIONS = ["asking", "offered", "on_stage", "declined", "refused"];
const SEATS = ["listen", "whisper", "barge"];

let numbers = 0;
const newId = () => `h-${++numbers}`;

/** One for the page, whichever connections it has. */
export class PretendedHelp {
  /** @type {Set<any>} rooms and desks: hear(event), and rooms arrive(person, who), depart(peer) */
  #clients = new Set();
  /** @type {any} */
  call = null;
  #files = new Map();
  #pace = 0;

  constructor() {
    window.pretendedHelp = this;
    const first = BEGINNINGS.find((word) => words[0] === word);
    if (first) this.call = this.#beginning(first);
    if (this.call && ["ringing", "incoming"].includes(first) && !this.#isAgent && !wants("stay")) this.#answersLater();
    if (first === "waiting" && !wants("stay")) this.#moves();
  }

  get #isAgent() {
    return role() === "agent" || role() === "supervisor";
  }

  /** @param {any} client */
  join(client) {
    this.#clients.add(client);
    setTimeout(() => {
      if (this.call) client.hear({ type: "call", call: this.#shown() });
      this.#people();
      if (!client.desk) return;
      if (wants("queue") || wants("queuelong")) {
        const tell = () => client.hear({ type: "queue", queues: queues({ desk: true }), waiting: waiting(wants("queuelong") ? 14 : 4) });
        tell();
        setInterval(tell, 2_000);
      }
      if (query.get("help")?.includes("wall")) client.hear(wallOf(wants));
      if (query.get("help")?.includes("wall") && !wants("wallonce")) setInterval(() => client.hear(wallOf(wants)), 1_000);
    }, 300);
  }

  /** @param {any} client */
  leave(client) {
    this.#clients.delete(client);
  }

  /**
   * @param {string} type
   * @param {any} fields
   * @returns {Promise<any>} undefined: not about help
   */
  async ask(type, fields) {
    const answer = this.#answers[type];
    if (!answer) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 80));
    const [denied, code] = (query.get("deny") ?? "").split(":");
    if (denied === type) throw new LianmaiError(code ?? "internal", "The server's own sentence about it.");
    if (fields.call && this.call?.id !== fields.call && type !== "take_call" && type !== "supervise_call") {
      throw new LianmaiError("call_not_found");
    }
    return (await answer(fields)) ?? {};
  }

  /**
   * @param {string} path
   * @param {RequestInit} init
   * @returns {Promise<Response>}
   */
  async fetch(path, init) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (init.method === "POST") {
      const blob = /** @type {Blob} */ (init.body);
      if (!/^(image\/(jpeg|png|webp)|application\/pdf)$/.test(blob.type)) throw new LianmaiError("file_type");
      if (blob.size > 10_000_000) throw new LianmaiError("file_too_large");
      const size = blob.type.startsWith("image/") ? await createImageBitmap(blob).catch(() => null) : null;
      const name = decodeURIComponent(/** @type {any} */ (init.headers)["X-File-Name"]);
      const file = { id: newId(), name, type: blob.type, bytes: blob.size, ...(size ? { width: size.width, height: size.height } : {}) };
      this.#files.set(file.id, { file, blob });
      return Response.json({ file }, { status: 201 });
    }
    const id = path.split("/").at(-1) ?? "";
    const known = this.#files.get(id) ?? (id === STILL.id ? { blob: await still() } : null);
    if (!known) throw new LianmaiError("file_not_found");
    return new Response(known.blob);
  }

  // --- what is asked -------------------------------------------------------------------------------------------

  /** @type {Record<string, (fields: any) => any>} */
  #answers = {
    help_status: () => ({
      queues: queues({ closed: wants("closed"), full: wants("full") }),
      files: { max_bytes: 10_000_000, types: ["image/jpeg", "image/png", "image/webp", "application/pdf"] },
    }),
    help: ({ media, text = "", context = null, link = null }) => {
      if (wants("closed")) throw new LianmaiError("queue_closed", "The server's own sentence about it.");
      if (wants("busy") || wants("full")) throw new LianmaiError("queue_full", "The server's own sentence about it.", { retryAfterS: 60 });
      if (this.call && !["ended", "wrap_up"].includes(this.call.state)) return { call: this.#shown() };
      this.call = this.#make({ state: "waiting", position: 3, estimate: { low_s: 60, high_s: 180 }, media, context, direction: link ? "link" : "in", topic: text });
      if (text) this.call.messages.push(this.#message("me", { text }));
      this.#tell();
      if (!wants("stay")) this.#moves();
      return { call: this.#shown() };
    },
    set_call_media: ({ media }) => this.#change({ media }),
    answer_call: () => this.#answered(),
    decline_call: () => this.#change(this.call.direction === "out" ? over("declined") : { state: "waiting", people: this.call.people.filter(({ mode }) => mode !== "ring") }),
    take_call: ({ call }) => {
      const entry = waiting(14).find((one) => one.call === call);
      this.call = { ...this.#make({ state: "ringing" }), id: call, queue: entry?.queue ?? "sales" };
      return this.#answered();
    },
    hold_call: () => this.#change({ state: "on_hold", held_by: "me", people: this.#seats({ shopper: "hold" }) }),
    resume_call: () => this.#change({ state: "active", held_by: null, people: this.#seats({ shopper: "full" }) }),
    transfer_call: ({ to, warm }) => {
      const [[kind, value]] = Object.entries(to);
      const transfer = { kind, to: value, name: kind === "identity" ? SECOND.name : value, warm, state: "ringing" };
      if (!warm) return this.#change({ state: "ringing", transfer });
      if (!wants("stay")) this.#after(2_500, () => this.call.transfer && this.#change({ transfer: { ...transfer, state: "talking" }, people: [...this.call.people, SECOND] }));
      return this.#change({ transfer, state: "on_hold", held_by: "me", people: this.#seats({ shopper: "hold" }) });
    },
    complete_transfer: () => this.#change({ transfer: null, ...wrapped() }),
    cancel_transfer: () =>
      this.#change({ transfer: null, state: "active", held_by: null, people: this.#seats({ shopper: "full" }).filter(({ identity }) => identity !== SECOND.identity) }),
    add_to_call: () => {
      if (!wants("stay")) this.#after(2_500, () => this.#change({ people: [...this.call.people.filter(({ identity }) => identity !== SECOND.identity), SECOND] }));
      return this.#change({ people: [...this.call.people, { ...SECOND, mode: "ring" }] });
    },
    leave_call: () => void this.#change({ people: this.call.people.filter(({ identity }) => identity !== "me") }),
    supervise_call: ({ call, mode }) => {
      this.call ??= { ...this.#make({ state: "active", answered: Date.now() - 95_000 }), id: call };
      const others = this.call.people.filter(({ identity }) => identity !== "me");
      const seat = { barge: "full", takeover: "full" }[mode] ?? mode;
      const me = { ...AGENT, identity: "me", name: "沈督导", role: "supervisor", side: "supervisor", peer: "p-self", mode: seat };
      if (mode === "takeover") return this.#change({ people: [...others.filter(({ side }) => side !== "agent"), { ...me, side: "agent" }] });
      return this.#change({ people: mode === "off" ? others : [...others, me] });
    },
    escalate_call: () => this.#change({ escalation: { state: "asking", consent: null } }),
    consent_stage: ({ consent }) => {
      if (consent === "no") return this.#change({ escalation: { state: "declined", consent } });
      if (!wants("stay")) this.#after(2_000, () => this.#change({ escalation: { state: "on_stage", consent } }));
      return this.#change({ escalation: { state: "offered", consent } });
    },
    deescalate_call: () => this.#change({ escalation: null }),
    end_call: () => void this.#change(this.#isAgent ? wrapped() : over(this.call.answered ? "completed" : "abandoned")),
    wrap_up: ({ note = "", reasons = [], solved = "unknown", done }) =>
      this.#change({ notes: { note, reasons, solved }, ...(done ? over("completed") : {}) }),
    rate_call: ({ score, comment = "", solved = null }) => void this.#change({ rating: { score, comment, solved } }),
    leave_callback: ({ at, queue = "sales" }) => {
      if (this.call) this.#change(over("callback"));
      return { callback: { id: newId(), at, queue } };
    },
    call_shopper: ({ media }) => {
      this.call = this.#make({ state: "ringing", direction: "out", media, ring_until: Date.now() + 15_000 });
      if (!wants("stay")) this.#answersLater();
      return this.#tell();
    },
    call_link: () => ({ link: { id: "L7kq", url: `${location.origin}/help#link=L7kq`, expires: Date.now() + 86_400_000 } }),
    call_say: ({ text = null, article = null, file = null }) => {
      const known = file ? this.#files.get(file)?.file ?? null : null;
      if (file && !known) throw new LianmaiError("file_not_found");
      const message = this.#message("me", { text, article, file: known });
      this.call.messages.push(message);
      this.#hear({ type: "call_message", message });
      if (text && !wants("stay") && !this.#isAgent) this.#after(2_000, () => this.#replies());
      return { message };
    },
    call_mark: ({ mark }) => {
      const made = { ...mark, by: "me", at: Date.now() };
      this.call.marks = [...this.call.marks.filter(({ id }) => id !== made.id), made];
      this.#hear({ type: "call_mark", mark: made });
    },
    call_clear: ({ mark = null }) => {
      this.call.marks = mark === null ? [] : this.call.marks.filter(({ id }) => id !== mark);
      this.#hear({ type: "call_clear", mark, by: "me" });
    },
    call_pointer: ({ pointer }) => this.#hear({ type: "call_pointer", by: "me", pointer }),
    call_freeze: ({ frame }) => {
      this.call.frame = frame && { ...frame, at: Date.now() };
      this.#hear({ type: "call_freeze", frame: this.call.frame, by: "me" });
    },
    call_checklist: ({ checklist: list }) => {
      this.call.checklist = list && { title: list.title, steps: list.steps.map((/** @type {string} */ text) => ({ text, done: false })) };
      this.#hear({ type: "call_checklist", checklist: this.call.checklist });
    },
    call_step: ({ step, done }) => {
      const { title, steps } = this.call.checklist;
      this.call.checklist = { title, steps: steps.map((/** @type {any} */ entry, /** @type {number} */ index) => (index === step ? { ...entry, done } : entry)) };
      this.#hear({ type: "call_checklist", checklist: this.call.checklist });
    },
    call_device: ({ ask, value = null }) => {
      const before = this.call.device ?? device();
      const facing = before.facing === "user" ? "environment" : "user";
      const next = { flip: { facing }, torch: { torch: value !== 0 }, zoom: { zoom: { ...before.zoom, value } } }[ask] ?? {};
      this.call.device = { ...before, ...next };
      this.#after(500, () => this.#hear({ type: "call_device_state", ...this.call.device }));
      if (ask === "still") this.#after(900, () => this.#sendsStill());
    },
    call_device_state: (state) => void (this.call.device = { ...state, call: undefined }),
    watch_wall: () => {},
  };

  // --- what happens --------------------------------------------------------------------------------------------

  /** Up the queue, a ring, an answer. */
  #moves() {
    this.#after(1_500, () => this.#change({ position: 2, estimate: { low_s: 30, high_s: 90 } }));
    this.#after(3_000, () => this.#change({ position: 1, estimate: { low_s: 0, high_s: 30 } }));
    this.#after(4_500, () => this.#change({ state: "ringing", position: null, estimate: null, ring_until: Date.now() + 15_000 }));
    this.#after(6_500, () => this.#answered());
  }

  #answersLater() {
    this.#after(3_000, () => this.call.state === "ringing" && this.#answered());
  }

  #answered() {
    const people = this.#seats({ agent: "full" });
    const named = people.some(({ side }) => side === "agent") ? people : [...people, this.#agent()];
    const reply = this.#change({ state: "active", answered: Date.now(), ring_until: null, position: null, estimate: null, people: named });
    this.#people();
    return reply;
  }

  #replies() {
    const message = { ...this.#message(AGENT.identity, { text: "好的，请把摄像头对准接口，我来标一下。" }) };
    this.call.messages.push(message);
    this.#hear({ type: "call_message", message });
  }

  #sendsStill() {
    const message = this.#message("s-1", { file: STILL });
    this.call.messages.push(message);
    this.#hear({ type: "call_message", message });
  }

  /** The other's picture comes with the answer. */
  #people() {
    if (!this.call || !["active", "on_hold"].includes(this.call.state)) return;
    for (const client of this.#clients) {
      if (client.desk) continue;
      const sources = this.call.media === "video" ? ["camera", "microphone"] : ["microphone"];
      for (const { identity, name, peer, side } of this.call.people) {
        if (identity === "me" || !peer) continue;
        const looks = side === "shopper" ? { shape: [720, 1280], bright: true } : { hue: identity === "a-2" ? 90 : 160 };
        client.arrive({ name, sources, ...looks }, { peer, identity, role: side });
      }
    }
  }

  /** @param {number} ms @param {() => void} run */
  #after(ms, run) {
    const { id } = this.call;
    setTimeout(() => this.call?.id === id && !["ended", "wrap_up"].includes(this.call.state) && run(), ms);
  }

  /** @param {any} change */
  #change(change) {
    this.call = { ...this.call, ...change };
    return this.#tell();
  }

  #tell() {
    const call = this.#shown();
    for (const client of this.#clients) client.hear({ type: "call", call });
    return { call };
  }

  /** @param {any} event */
  #hear(event) {
    for (const client of this.#clients) client.hear({ call: this.call.id, ...event });
  }

  // --- what is there -------------------------------------------------------------------------------------------

  #shown() {
    const { context, cards, earlier: before, notes, wrap_until, priority, waited_s, ...open } = structuredClone(this.call);
    return this.#isAgent ? { ...open, context, cards, earlier: before, notes, wrap_until, priority, waited_s } : open;
  }

  #agent() {
    return this.#isAgent && role() !== "supervisor" ? { ...AGENT, identity: "me", peer: "p-self" } : AGENT;
  }

  /** @param {{ shopper?: string, agent?: string }} modes @returns {any[]} */
  #seats(modes) {
    return this.call.people.map((/** @type {any} */ person) => ({ ...person, mode: modes[/** @type {"shopper"} */ (person.side)] ?? person.mode }));
  }

  /** @param {string} identity @param {any} what */
  #message(identity, what) {
    const side = identity === "me" ? (this.#isAgent ? "agent" : "shopper") : identity.startsWith("s-") ? "shopper" : "agent";
    const name = identity === "s-1" ? SHOPPER.name : identity === "me" ? "我" : AGENT.name;
    return { id: newId(), by: { identity, name, side }, at: Date.now(), text: null, article: null, file: null, ...what };
  }

  /** @param {any} more */
  #make(more) {
    const shopper = this.#isAgent ? SHOPPER : { ...SHOPPER, identity: "me", name: "我", peer: "p-self" };
    const { identity, name, peer } = shopper;
    const context = { ...CONTEXT, verified: wants("verified") };
    const state = wants("shopperlost") ? "reconnecting" : "connected";
    return {
      id: newId(), room: ROOM, queue: "support", queue_title: "售后与安装", direction: "in", media: ["text", "voice"].find(wants) ?? "video",
      state: "active", created: Date.now() - 48_000, answered: null, ended: null, outcome: null, end_reason: null, position: null,
      estimate: null, ring_until: null, held_by: null, topic: wants("long") ? "路由器装好以后一直闪红灯，手机能看到信号但是连不上网，重启过三次了" : "路由器一直闪红灯",
      shopper: { identity, name, peer, state }, people: [{ ...shopper, state }], transfer: null, escalation: null, messages: wants("chat") ? talk(this.#isAgent) : [],
      marks: wants("marks") ? marks() : [], frame: wants("freeze") ? { file: STILL.id, target: "t", width: STILL.width, height: STILL.height } : null,
      checklist: wants("checklist") ? checklist() : null, device: wants("device") ? device() : null,
      rating: wants("rated") ? { score: 5, comment: "很耐心", solved: "yes" } : null,
      cards: wants("cards") ? CARDS : [], earlier: wants("earlier") ? earlier() : [], notes: null, wrap_until: null, priority: 60, waited_s: 48,
      ...more, context: { ...context, ...more.context },
    };
  }

  /** @param {string} word */
  #beginning(word) {
    const agent = { ...this.#agent(), state: wants("agentlost") ? "reconnecting" : "connected" };
    const call = this.#make({ answered: Date.now() - 95_000 });
    const people = [...call.people, agent, ...(wants("second") ? [SECOND] : [])];
    const [shopper] = call.people;
    const consent = ["blurred", "voice"].find(wants) ?? "video";
    const state = ESCALATIONS.find(wants);
    const escalation = state ? { state, consent: state === "asking" ? null : consent } : null;
    const seat = SEATS.find(wants);
    if (seat && role() === "supervisor") {
      people.push({ ...AGENT, identity: "me", name: "沈督导", role: "supervisor", side: "supervisor", peer: "p-self", mode: seat === "barge" ? "full" : seat });
    }
    const held = [{ ...shopper, mode: "hold" }, ...people.slice(1)];
    const transfer = { kind: "identity", to: SECOND.identity, name: SECOND.name, warm: true, state: "ringing" };
    const ring = { answered: null, ring_until: Date.now() + (wants("stay") ? 600_000 : 15_000) };
    switch (word) {
      case "waiting":
        return { ...call, state: "waiting", answered: null, position: 3, estimate: { low_s: 60, high_s: 180 } };
      case "ringing":
        return { ...call, state: "ringing", ...ring, people: [...call.people, { ...agent, mode: "ring" }] };
      case "incoming":
        return { ...call, state: "ringing", direction: "out", ...ring, people: [{ ...shopper, mode: "ring" }, agent] };
      case "on_hold":
        return { ...call, state: "on_hold", held_by: agent.identity, people: held };
      case "warm":
        return { ...call, state: "on_hold", held_by: agent.identity, people: [...held, { ...SECOND, mode: "ring" }], transfer };
      case "consult":
        return { ...call, state: "on_hold", held_by: agent.identity, people: [...held, SECOND], transfer: { ...transfer, state: "talking" } };
      case "wrap_up":
        return { ...call, people, ...wrapped() };
      case "ended":
        return { ...call, people, ...over(wants("callback") ? "callback" : "completed") };
      default:
        return { ...call, people, escalation };
    }
  }
}

const wrapped = () => ({ state: "wrap_up", ended: Date.now(), outcome: "completed", end_reason: "hung_up", wrap_until: Date.now() + 60_000, transfer: null, escalation: null });
const over = (/** @type {string} */ outcome) => ({ state: "ended", ended: Date.now(), outcome, end_reason: null, position: null, estimate: null, ring_until: null, transfer: null, escalation: null });

/** A picture of a device, for freezes and stills. @returns {Promise<Blob>} */
async function still() {
  const canvas = new OffscreenCanvas(STILL.width, STILL.height);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#cfd6dc";
  pen.fillRect(0, 0, STILL.width, STILL.height);
  pen.fillStyle = "#22262c";
  pen.fillRect(120, 620, 840, 420);
  for (const [index, color] of ["#ff4d3d", "#5fd068", "#5fd068", "#f2c14e"].entries()) {
    pen.fillStyle = color;
    pen.fillRect(200 + index * 180, 720, 60, 60);
  }
  pen.fillStyle = "#9aa4ad";
  for (let index = 0; index < 4; index += 1) pen.fillRect(200 + index * 180, 860, 110, 90);
  return canvas.convertToBlob({ type: "image/jpeg" });
}

/** @type {PretendedHelp | null} */
let shared = null;

export const pretendedHelp = () => (shared ??= new PretendedHelp());

/** What a HelpLine gets of its room. @param {(event: any) => void} hear */
export const seamOf = (hear) => ({
  hear,
  fetch: (/** @type {string} */ path, /** @type {RequestInit} */ init) => pretendedHelp().fetch(path, init),
  sendWhile: (/** @type {() => any} */ ask) => ask(),
  coverWith: () => {},
  coverWhile: (/** @type {() => any} */ ask) => ask(),
});
