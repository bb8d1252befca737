/**
 * The desk, where agents wait to be rung, for the stage or by a shopper: one connection of its own, without media. On a
 * ring the console joins the room with a LianmaiRoom and publishes `held`; see README.md in this folder.
 * @module
 */
import { Connection, defaultUrl, helloOf } from "./connection.js";
import { browserEnv } from "./env.js";
import { AGAIN, given } from "./call_tools.js";
import { LianmaiError } from "./errors.js";
import { callsOf, reduceCalls } from "./help_state.js";
import { InviteAnswers } from "./stage.js";
import { isInvite, same, withInvite } from "./stage_state.js";

/** @typedef {import("./types.js").CallInfo} CallInfo */
/** @typedef {import("./types.js").DeskInfo} DeskInfo */
/** @typedef {import("./types.js").DeskMe} DeskMe */
/** @typedef {import("./types.js").WireEvent} WireEvent */

export { LianmaiError };

/** @type {DeskInfo} */
const EMPTY = Object.freeze({ me: null, rooms: Object.freeze([]), invites: Object.freeze([]), calls: Object.freeze([]) });

/**
 * The desk after an event; the same value comes back when it changes nothing. Pure.
 * @param {DeskInfo} desk
 * @param {WireEvent} event malformed ones change nothing
 * @returns {DeskInfo}
 */
export function reduceDesk(desk, event) {
  const { type, me, rooms, invite } = /** @type {Record<string, any>} */ (event);
  if (type === "presence" && typeof me?.identity === "string") return put(desk, { me });
  if (type === "desk_rooms" && Array.isArray(rooms)) {
    return rooms.every((room) => typeof room?.name === "string") ? put(desk, { rooms }) : desk;
  }
  if (type === "invite" && isInvite(invite)) {
    const view = desk.me ? { identity: desk.me.identity, controls: false } : undefined;
    return put(desk, { invites: withInvite(desk.invites, invite, view) });
  }
  if (type.startsWith("call")) {
    const calls = reduceCalls(desk.calls, event);
    return calls === desk.calls ? desk : { ...desk, calls: calls.filter(({ state }) => state !== "ended") };
  }
  return desk;
}

/** @extends {InviteAnswers<import("./types.js").DeskEvents>} */
export class LianmaiDesk extends InviteAnswers {
  #env;
  #connection;
  #locale;
  #info = EMPTY;
  /** @type {import("./types.js").Self | null} */
  #self = null;
  #saidBye = false;
  #watching = false;
  /** Who waits, as last heard. @type {import("./types.js").DeskQueue} */
  queue = Object.freeze({ queues: Object.freeze([]), waiting: Object.freeze([]) });
  /** As last heard; null before, and while it is not watched. @type {import("./types.js").DeskWall | null} */
  wall = null;
  /** @type {() => void} */
  #stopPage = () => {};

  /** @param {Omit<import("./types.js").RoomOptions, "room" | "subscribe" | "rtcConfig">} options */
  constructor({ url, token, locale = "en", client = "", env = {} }) {
    super();
    this.#env = { ...browserEnv(), ...env };
    this.#locale = locale;
    this.#connection = new Connection({
      url: url ?? defaultUrl(),
      token,
      env: this.#env,
      locale: () => this.#locale,
      hello: () => ({ ...helloOf(this.#locale, client), desk: true }),
    });
    this.#listen();
  }

  /** @returns {import("./types.js").RoomState} */
  get state() {
    return this.#connection.state;
  }

  /** Who we are; null before the first join. */
  get self() {
    return this.#self;
  }

  /** As last heard; empty before the first join. */
  get info() {
    return this.#info;
  }

  /** Calls that concern us and have not ended, by id. @returns {ReadonlyMap<string, CallInfo>} */
  get calls() {
    return new Map(this.#info.calls.map((call) => [call.id, call]));
  }

  /** Signaling round trip in ms, or null. */
  get rttMs() {
    return this.#connection.rttMs;
  }

  /** Add to Date.now() to get the server's clock, in ms. */
  get clockOffsetMs() {
    return this.#connection.clockOffsetMs;
  }

  /** Language of error sentences from now on. */
  get locale() {
    return this.#locale;
  }

  set locale(locale) {
    this.#locale = locale;
  }

  /**
   * Sit down. Rejects with a LianmaiError, for example `forbidden` without the grant `desk`, or with what the token
   * function threw. A desk that was left is not joined again: make a new one.
   * @returns {Promise<void>}
   */
  async join() {
    if (this.state === "idle") this.#stopPage = this.#env.onPage((change) => this.#pageChanged(change));
    await this.#connection.open();
  }

  /** Leave for good: nobody rings us any more. */
  async leave() {
    this.#connection.close();
  }

  /**
   * @param {"available" | "break" | "offline"} presence
   * @param {readonly string[]} [skills] what to be rung for: some of `info.me.all_skills`; default: as before
   * @returns {Promise<DeskMe>}
   */
  async setPresence(presence, skills) {
    const reply = await this.ask("set_presence", { presence, ...(skills ? { skills } : {}) }, { retry: true });
    this.#heard({ type: "presence", me: reply["me"] });
    return reply["me"];
  }

  // --- one-to-one help: what is not said in the call's own room (help.js) -----------------------------------------

  /** Yes, by whoever is rung; better by a HelpLine in the call's room, which sends at the same time. @param {string} call */
  answer(call) {
    return this.#call("answer_call", { call });
  }

  /** @param {string} call its id @param {string} [reason] up to 120 characters */
  decline(call, reason) {
    return this.#call("decline_call", { call, ...given({ reason }) });
  }

  /** Pick one that waits. @param {string} call its id */
  take(call) {
    return this.#call("take_call", { call });
  }

  /** Needs the grant `supervise`. @param {string} call its id @param {import("./types.js").SuperviseMode} mode */
  supervise(call, mode) {
    return this.#call("supervise_call", { call, mode });
  }

  /** @param {string} call its id @param {string} [reason] up to 120 characters */
  async end(call, reason) {
    await this.ask("end_call", { call, ...given({ reason }) }, AGAIN);
  }

  /**
   * @param {string} call its id
   * @param {{ note?: string | undefined, reasons?: readonly string[] | undefined,
   *   solved?: "yes" | "no" | "unknown" | undefined, done?: boolean | undefined }} notes done: free for the next
   */
  wrapUp(call, { note, reasons, solved, done = false }) {
    const fields = { ...(note === undefined ? {} : { note }), ...given({ reasons, solved }) };
    return this.#call("wrap_up", { call, ...fields, done });
  }

  /**
   * A link that rings us, whoever opens it.
   * @param {{ topic?: string | undefined }} [about]
   * @returns {Promise<{ id: string, url: string, expires: number }>} expires: ms since epoch
   */
  async callLink({ topic } = {}) {
    return (await this.ask("call_link", given({ topic })))["link"];
  }

  /** Hear of everything that goes on, as `wall`; needs the grant `supervise`. Goes on after a drop. @param {boolean} on */
  async watchWall(on) {
    this.#watching = on;
    if (!on) this.wall = null;
    await this.ask("watch_wall", { on }, AGAIN);
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} fields
   * @returns {Promise<CallInfo>}
   */
  async #call(type, fields) {
    const { call } = await this.ask(type, fields, AGAIN);
    // None of a call that ended long ago: what was said of it is in the books.
    if (call) this.#heard({ type: "call", call });
    return call;
  }

  /**
   * The library's own: one request to the server.
   * @override
   * @type {import("./types.js").RequestFn}
   */
  ask(type, fields, options) {
    return this.#connection.request(type, fields, options);
  }

  #listen() {
    const connection = this.#connection;
    connection.on("joined", ({ reply, first, resumed }) => {
      this.#self = { ...this.#self, ...reply["self"], peer: reply["peer"] };
      // The server forgot it with the Peer.
      if (this.#watching && !first && !resumed) this.ask("watch_wall", { on: true }, AGAIN).catch(() => {});
      if (!reply["desk"]) return;
      this.#setInfo(deskOf(reply["desk"], this.#info));
      const { queues, waiting } = reply["desk"];
      this.#heardList({ type: "queue", queues, waiting });
    });
    connection.on("event", (event) => this.#heard(event));
    connection.on("problem", (error) => {
      if (this.#self) this.emit("error", error);
    });
    connection.on("bye", (bye) => {
      // After a restart the server is found again; only the others are farewells.
      if (bye.code === "server_restart") return;
      this.#saidBye = true;
      this.emit("bye", bye);
    });
    connection.on("state", ({ state, error }) => {
      if (state === "closed") this.#stopPage();
      this.emit("state", { state, error });
      if (state === "closed" && error && this.#self && !this.#saidBye) {
        this.#saidBye = true;
        this.emit("bye", { code: error.code, message: error.message });
      }
    });
  }

  /** @param {WireEvent} event */
  #heard(event) {
    if (event.type === "grants") {
      if (this.#self) this.#self = { ...this.#self, grants: /** @type {any} */ (event["grants"]) };
      return;
    }
    const { calls } = this.#info;
    this.#setInfo(reduceDesk(this.#info, event));
    if (event.type === "call") this.#heardCall(event, calls);
    else if (event.type === "queue" || event.type === "wall") this.#heardList(event);
    const { invite } = /** @type {Record<string, any>} */ (event);
    if (event.type === "invite" && isInvite(invite)) this.emit("invite", { invite });
  }

  /** @param {WireEvent} event @param {readonly CallInfo[]} former */
  #heardCall(event, former) {
    const { id } = /** @type {{ id?: unknown }} */ (event["call"] ?? {});
    const same = (/** @type {CallInfo} */ entry) => entry.id === id;
    const call = reduceCalls(former, event).find(same);
    if (call) this.emit("call", { call, previous: former.find(same) ?? null });
  }

  /** @param {WireEvent} event */
  #heardList({ type, seq: _seq, ...fields }) {
    const { queues, waiting, calls } = /** @type {Record<string, any>} */ (fields);
    if (!Array.isArray(queues)) return;
    if (type === "queue" && Array.isArray(waiting)) {
      this.queue = /** @type {import("./types.js").DeskQueue} */ (/** @type {unknown} */ (fields));
      this.emit("queue", this.queue);
    } else if (type === "wall" && Array.isArray(calls) && this.#watching) {
      this.wall = /** @type {import("./types.js").DeskWall} */ (/** @type {unknown} */ (fields));
      this.emit("wall", this.wall);
    }
  }

  /** @param {DeskInfo} info */
  #setInfo(info) {
    const previous = this.#info;
    if (info === previous) return;
    this.#info = info;
    this.emit("desk", { info, previous });
  }

  /** @param {import("./env.js").PageChange} change */
  #pageChanged(change) {
    if (change !== "hidden" && change !== "offline") this.#connection.probe();
  }
}

/**
 * @param {Partial<DeskInfo>} desk from a join reply; calls that it does not mention are told after it
 * @param {DeskInfo} former
 * @returns {DeskInfo}
 */
function deskOf({ me = null, rooms = [], invites = [], calls }, former) {
  const going = (callsOf({ calls }) ?? []).filter(({ state }) => state !== "ended");
  return put(former, { me, rooms, invites: invites.filter(({ state }) => state === "pending"), calls: going });
}

/**
 * @param {DeskInfo} desk
 * @param {Partial<DeskInfo>} change
 * @returns {DeskInfo}
 */
function put(desk, change) {
  const next = { ...desk, ...change };
  return same(desk, next) ? desk : next;
}
