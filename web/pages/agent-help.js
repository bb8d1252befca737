/**
 * Help calls at the desk: the queue, the ring, the one call we are in, the note afterwards. It knows no elements; the
 * agent-help-*.js beside it show it.
 *
 * Events: `change` (render again), `said` (something to tell in words), `begin` and `rest` (a call claims the console, or
 * lets it go), `missed` (nobody answered here).
 */
import { Emitter } from "../sdk/emitter.js";
import { currentCall, ringEnd } from "./agent-help-view.js";
import { HelpVisit } from "./agent-help-visit.js";
import { codeOf } from "./errors.js";

/**
 * @typedef {import("./agent-help-types.js").Call} Call
 * @typedef {import("./agent-help-types.js").Queue} Queue
 * @typedef {import("./agent-help-types.js").SuperviseMode} SuperviseMode
 * @typedef {import("./agent-help-view.js").Duty} Duty
 * @typedef {import("./agent-console.js").Said} Said
 * @typedef {import("../sdk/desk.js").LianmaiDesk} LianmaiDesk
 * @typedef {{ change: null, said: Said, begin: Call, rest: null, missed: Call }} HelpEvents
 */

/** A ring of which nothing is heard any more is over so long after its time. */
const RING_SLACK_MS = 2_000;
/** After these there is nothing left to answer. */
const FINAL = new Set(["call_not_found", "call_ended", "call_answered", "not_in_call"]);
/** After a new join the desk's calls are told one by one. */
const TOLD_AGAIN_MS = 1_500;
/** About a person rather than a Peer, and safe to say twice. */
const AGAIN = Object.freeze({ retry: true, anyPeer: true });
/** @type {Queue} */
const NOBODY = Object.freeze({ queues: [], waiting: [], agents: [] });

/** @extends {Emitter<HelpEvents>} */
export class AgentHelp extends Emitter {
  #token;
  /** @type {LianmaiDesk | null} */
  #desk = null;
  /** @type {Map<string, Call>} */
  #calls = new Map();
  /** @type {(() => void)[]} */
  #undo = [];
  /** @type {HelpVisit | null} */
  visit = null;
  /** @type {{ call: Call, duty: Duty } | null} */
  current = null;
  /** @type {Queue} */
  queue = NOBODY;
  /** @type {any} what a supervisor sees of all calls */
  wall = null;
  /** An answer is under way. */
  busy = false;
  /** The waiting call that is being taken. @type {string | null} */
  taking = null;
  /** Why the last answer came to nothing. @type {{ code: string, message: string } | null} */
  trouble = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #ringTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #missed;
  /** Declined here: it rings on only until the server has heard it. @type {string | null} */
  #declined = null;

  /** @param {() => Promise<string>} token */
  constructor(token) {
    super();
    this.#token = token;
  }

  /** @returns {Duty | null} */
  get duty() {
    return this.current?.duty ?? null;
  }

  get call() {
    return this.current?.call ?? null;
  }

  /** Ours. */
  get identity() {
    return this.#desk?.info.me?.identity ?? this.#desk?.self?.identity ?? "";
  }

  get supervises() {
    const { role, grants } = this.#desk?.self ?? {};
    return grants?.["supervise"] === true || role === "supervisor";
  }

  /** Listen to this desk; null: to none. @param {LianmaiDesk | null} desk */
  follow(desk) {
    for (const undo of this.#undo.splice(0)) undo();
    this.#desk = desk;
    this.#calls.clear();
    this.queue = NOBODY;
    this.wall = null;
    if (!desk) {
      this.#settle();
      return;
    }
    this.#undo.push(
      desk.on("desk", () => this.#sync()),
      desk.on("state", ({ state }) => {
        if (state === "joined") this.#joined();
      }),
      desk.on("call", ({ call }) => {
        // The call's own connection hears every word of it, the desk only the call as a whole.
        const own = this.visit?.room.state === "joined" ? this.visit.help.call : null;
        if (own?.id !== call.id || call.state === "ended") this.#heard(call);
      }),
      desk.on("queue", (queue) => {
        this.queue = { ...NOBODY, ...queue };
        this.emit("change", null);
      }),
      desk.on("wall", (wall) => {
        this.wall = wall;
        this.emit("change", null);
      }),
    );
  }

  // --- what the agent does -------------------------------------------------------------------------------------

  /** Answer the ring, from a tap: the browser may ask for the devices first. */
  async accept() {
    const { call, visit } = this;
    const desk = this.#desk;
    if (this.duty !== "ring" || !call || !visit || !desk || this.busy) return;
    this.busy = true;
    const tried = this.trouble !== null;
    this.trouble = null;
    this.emit("change", null);
    try {
      const { capture } = visit;
      const ready = call.media === "text" || capture?.tracks.microphone || capture?.state === "opening";
      // Without devices the second tap answers all the same: words go through.
      if (!ready && !(await visit.openDevices()) && !tried) {
        this.trouble = { code: capture?.trouble ?? visit.capture?.trouble ?? "device_failed", message: "" };
        return;
      }
      // What is held goes out while the server is asked.
      if (visit.room.state === "joined") this.#heard(await visit.help.answer());
      else await this.ask("answer_call", { call: call.id });
    } catch (error) {
      this.trouble = plain(error);
      if (FINAL.has(this.trouble.code)) {
        this.emit("said", { what: "trouble", ...this.trouble });
        this.#calls.delete(call.id);
      }
    } finally {
      this.busy = false;
      this.#settle();
    }
  }

  /** @param {string | null} reason */
  async decline(reason) {
    const { call } = this;
    if (this.duty !== "ring" || !call || this.busy) return;
    this.#declined = call.id;
    this.#calls.delete(call.id);
    this.#settle();
    await this.try(() => this.ask("decline_call", { call: call.id, ...(reason ? { reason } : {}) }));
  }

  /** Pick a waiting one. @param {string} id */
  async take(id) {
    if (this.taking) return;
    this.taking = id;
    this.emit("change", null);
    await this.try(() => this.ask("take_call", { call: id }));
    this.taking = null;
    this.emit("change", null);
  }

  /**
   * Listen, whisper, come in, take over, or leave.
   * @param {string} id
   * @param {SuperviseMode} mode
   */
  async supervise(id, mode) {
    await this.try(() => this.ask("supervise_call", { call: id, mode }));
  }

  /** @param {boolean} on */
  async watchWall(on) {
    await this.try(async () => this.#desk?.watchWall(on));
  }

  /**
   * @param {string} id
   * @param {{ note: string, reasons: readonly string[], solved: string }} notes
   * @param {boolean} done
   * @returns {Promise<boolean>}
   */
  async wrapUp(id, { note, reasons, solved }, done) {
    return this.try(() => this.ask("wrap_up", { call: id, note, reasons: [...reasons], solved, done }));
  }

  /**
   * Ring a shopper who is in that room; the desk hears of the call.
   * @param {import("../sdk/lianmai.js").LianmaiRoom} room joined
   * @param {string} identity
   */
  async callShopper(room, identity) {
    await this.try(async () => {
      const { call } = await room.ask("call_shopper", { identity, media: "video" });
      if (call?.id) this.#heard(call);
    });
  }

  /** A link that opens a call to us. @param {string} topic @returns {Promise<{ url: string, expires: number } | null>} */
  async link(topic) {
    let made = null;
    await this.try(async () => {
      made = (await this.ask("call_link", topic ? { topic } : {}))?.["link"] ?? null;
    });
    return made;
  }

  /**
   * Ask for something; a refusal is told in words.
   * @param {() => Promise<unknown>} act
   * @returns {Promise<boolean>}
   */
  async try(act) {
    try {
      await act();
      return true;
    } catch (error) {
      this.emit("said", { what: "trouble", ...plain(error) });
      return false;
    } finally {
      this.emit("change", null);
    }
  }

  close() {
    this.follow(null);
    clearTimeout(this.#ringTimer);
    clearTimeout(this.#missed);
    this.#leave();
  }

  // --- what is heard -------------------------------------------------------------------------------------------

  #joined() {
    if (this.supervises) void this.watchWall(true);
    this.#sync();
  }

  /** The desk's own list, after a join or a resume. */
  #sync() {
    if (!this.#desk) return;
    const calls = new Map((this.#desk.info.calls ?? []).map((call) => [call.id, call]));
    clearTimeout(this.#missed);
    const missing = [...this.#calls.keys()].filter((id) => !calls.has(id));
    if (missing.length > 0) this.#missed = setTimeout(() => this.#miss(missing), TOLD_AGAIN_MS);
    for (const call of calls.values()) if (call.id !== this.#declined) this.#calls.set(call.id, call);
    if (this.#declined !== null && !calls.has(this.#declined)) this.#declined = null;
    this.#settle();
  }

  /** @param {readonly string[]} ids of calls that the desk had not any more */
  #miss(ids) {
    for (const id of ids) {
      const told = this.#desk?.info.calls.some((call) => call.id === id) ?? false;
      // A call that we talk in is known by its own connection too.
      if (!told && !(this.visit?.call.id === id && this.duty === "talk")) this.#calls.delete(id);
    }
    this.#settle();
  }

  /** @param {Call} call */
  #heard(call) {
    if (!call) return;
    if (call.id === this.#declined) {
      const still = call.people.some(({ identity, mode }) => identity === this.identity && mode === "ring");
      if (still) return;
      this.#declined = null;
    }
    this.#calls.set(call.id, call);
    this.#settle();
    // What is over is of no further interest.
    if (call.state === "ended") this.#calls.delete(call.id);
  }

  /** Which call is ours now, and what that means for the connection to its room. */
  #settle() {
    const before = this.current;
    const now = currentCall(this.#calls.values(), this.identity);
    this.current = now;
    clearTimeout(this.#ringTimer);
    if (before && before.call.id !== now?.call.id) this.#tellEnd(before);
    else if (before?.duty === "talk" && now?.duty === "wrap") this.#tellEnd(before);
    if (before?.duty === "ring" && now?.duty !== "ring") this.trouble = null;
    const wanted = now && now.duty !== "wrap" ? now.call : null;
    if (this.visit && this.visit.call.id !== wanted?.id) this.#leave();
    if (wanted && this.visit) this.visit.update(wanted);
    if (wanted && !this.visit) this.#enter(wanted);
    if (now?.duty === "ring") this.#watchRing(now.call);
    if (now && !before) this.emit("begin", now.call);
    if (!now && before) this.emit("rest", null);
    this.emit("change", null);
  }

  /** @param {Call} call */
  #watchRing({ id, ring_until: until }) {
    if (until === null) return;
    const left = until - (Date.now() + (this.#desk?.clockOffsetMs ?? 0));
    this.#ringTimer = setTimeout(() => {
      if (this.busy || this.current?.call.id !== id || this.duty !== "ring") return;
      this.#calls.delete(id);
      this.#settle();
    }, Math.max(0, left) + RING_SLACK_MS);
  }

  /** @param {Call} call */
  #enter(call) {
    const visit = new HelpVisit(call, this.identity, this.#token);
    this.visit = visit;
    visit.on("change", () => this.emit("change", null));
    visit.on("call", (heard) => this.#heard(heard));
    visit.on("trouble", (error) => {
      // A lost connection is told by the call itself until it is back.
      if (codeOf(error) !== "connection_lost") this.emit("said", { what: "trouble", ...plain(error) });
    });
    visit.on("over", (failure) => {
      if (this.visit !== visit) return;
      this.visit = null;
      this.#calls.delete(call.id);
      this.emit("said", { what: "call_failed", ...failure });
      this.#settle();
    });
    void visit.begin();
  }

  #leave() {
    const { visit } = this;
    this.visit = null;
    visit?.close();
  }

  /** @param {{ call: Call, duty: Duty }} before */
  #tellEnd({ call, duty }) {
    const name = call.shopper.name;
    const now = this.#calls.get(call.id) ?? null;
    if (duty === "ring" && this.#declined !== call.id) {
      const end = ringEnd(now);
      if (end === "missed") this.emit("missed", call);
      this.emit("said", { what: `call_${end}`, name });
    }
    if (duty !== "talk") return;
    const unanswered = call.direction === "out" && (now ?? call).answered === null;
    // Handed on, or left to a colleague.
    const goesOn = now !== null && now.outcome === null && now.ended === null && now.state !== "wrap_up";
    // Where notes are to be written, their page says so, and its button is where this would be.
    if (!unanswered && !goesOn && this.duty === "wrap") return;
    this.emit("said", { what: unanswered ? "call_unanswered" : goesOn ? "call_left" : "call_over", name });
  }

  /**
   * By the desk, or by the call's own connection while the desk's is being made again.
   * @param {string} type
   * @param {Record<string, unknown>} fields
   * @returns {Promise<Record<string, any>>}
   */
  async ask(type, fields) {
    const desk = this.#desk;
    const room = this.visit?.room;
    const options = type === "call_link" ? undefined : AGAIN;
    if (room && room.state === "joined" && desk?.state !== "joined") return room.ask(type, fields, options);
    if (!desk) throw Object.assign(new Error("no desk"), { code: "not_connected" });
    const reply = await desk.ask(type, fields, options);
    if (reply?.["call"]?.id) this.#heard(reply["call"]);
    return reply;
  }
}

/** @param {unknown} error */
function plain(error) {
  return { code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
}
