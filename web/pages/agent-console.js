/**
 * The agent's desk and the one room the agent is in, as one thing: rings, answers, listening in, going on air, coming
 * back after a reload. It knows no elements; agent.js shows it.
 *
 * Events: `change` (render again), `said` (something to tell in words: see agent-words.js), `unmute` (the host asks).
 */
import { LianmaiDesk } from "../sdk/desk.js";
import { Emitter } from "../sdk/emitter.js";
import { AgentCall, readAir } from "./agent-call.js";
import { DayBook } from "./agent-day.js";
import { AgentHelp } from "./agent-help.js";
import { Ringer } from "./agent-ringer.js";
import { consoleView, remaining, ringEnd, ringOf, wasMissed } from "./agent-view.js";
import { codeOf } from "./errors.js";
import { getLocale } from "./locale.js";
import { TokenNeeded } from "./token.js";

/**
 * @typedef {import("../sdk/types.js").Invite} Invite
 * @typedef {import("../sdk/types.js").DeskInfo} DeskInfo
 * @typedef {import("./agent-view.js").Mode} Mode
 * @typedef {"available" | "break" | "offline"} Chosen
 * @typedef {{ what: string, name?: string, reason?: string | null, ms?: number, code?: string, message?: string }} Said
 * @typedef {{ change: null, said: Said, unmute: import("./agent-call.js").UnmuteRequest }} ConsoleEvents
 */

/** A list without our ring may come just before the news of what became of it. */
const NEWS_FOLLOWS_MS = 600;
/** Answers after which there is nothing left to answer. */
const FINAL = new Set(["invite_not_found", "invite_answered", "invite_cancelled", "invite_expired", "invite_failed", "not_live"]);

/** @extends {Emitter<ConsoleEvents>} */
export class AgentConsole extends Emitter {
  #tokens;
  #ringWords;
  /** @type {LianmaiDesk | null} */
  desk = null;
  /** @type {AgentCall | null} */
  call = null;
  tokenNeeded = false;
  /** @type {{ code: string, message: string } | null} */
  failure = null;
  ringer = new Ringer();
  /** @type {DayBook | null} */
  book = null;
  /** Listened to before a ring from elsewhere; goes on afterwards. @type {string | null} */
  #before = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #doubt;

  /**
   * @param {import("./token.js").TokenSource} tokens
   * @param {(invite: Invite) => { title: string, body: string }} ringWords for the tab's title and the notification
   * @param {(call: import("./agent-help-types.js").Call) => { title: string, body: string }} callWords the same for a shopper's call
   */
  constructor(tokens, ringWords, callWords) {
    super();
    this.#tokens = tokens;
    this.#ringWords = ringWords;
    this.help = new AgentHelp(() => this.#token());
    this.help.on("change", () => {
      this.#ringFor(callWords);
      this.#changed();
    });
    this.help.on("said", (said) => this.emit("said", said));
    this.help.on("missed", ({ id, queue, queue_title: title, shopper, topic }) => {
      this.book?.missed({ id, room: title || queue, from: shopper.name, topic, at: Date.now() });
    });
    this.help.on("begin", () => this.#makeRoom());
    this.help.on("rest", () => this.#goBack());
  }

  /** @returns {DeskInfo} */
  get info() {
    return this.desk?.info ?? { me: null, rooms: [], invites: [], calls: [] };
  }

  get me() {
    return this.info.me;
  }

  get view() {
    return consoleView({
      tokenNeeded: this.tokenNeeded,
      failure: this.failure?.code ?? null,
      seated: this.me !== null,
      deskState: this.desk?.state ?? "idle",
      mode: this.call?.mode ?? null,
      roomState: this.call?.room.state ?? "idle",
      duty: this.help.duty,
    });
  }

  /** Until nobody waits for our answer any more, in ms; null: nothing rings. */
  get ringLeftMs() {
    const { call } = this;
    if (call?.mode !== "ring" || !call.invite) return null;
    return remaining(call.invite.ring_until, Date.now(), this.desk?.clockOffsetMs ?? 0);
  }

  /** Sit down; whoever was on air before a reload goes back there at the same time. */
  async begin() {
    this.close();
    this.failure = null;
    this.tokenNeeded = false;
    if (typeof RTCPeerConnection === "undefined") {
      this.#fail({ code: "unsupported_browser", message: "" });
      return;
    }
    const air = readAir();
    if (air) this.#enter(air.room, "back");
    const desk = new LianmaiDesk({ token: () => this.#token(), locale: getLocale() });
    this.desk = desk;
    this.help.follow(desk);
    desk.on("state", () => this.#changed());
    desk.on("desk", () => this.#deskChanged());
    desk.on("invite", ({ invite }) => this.#inviteChanged(invite));
    desk.on("error", ({ code, message }) => this.emit("said", { what: "trouble", code, message }));
    desk.on("bye", (bye) => {
      if (this.desk === desk) this.#fail(bye);
    });
    try {
      await desk.join();
      this.#deskChanged();
    } catch (error) {
      if (this.desk === desk) this.#fail(error);
    }
  }

  /** @param {string} locale */
  set locale(locale) {
    if (this.desk) this.desk.locale = locale;
    if (this.call) this.call.room.locale = locale;
    if (this.help.visit) this.help.visit.room.locale = locale;
  }

  /**
   * @param {Chosen} presence
   * @param {readonly string[]} [skills]
   */
  async setPresence(presence, skills) {
    await this.#try(async () => {
      await this.desk?.setPresence(presence, skills ? [...skills] : undefined);
    });
    // A switch that was refused goes back to where it was.
    this.#changed();
  }

  /** Listen in. @param {string} room */
  watch(room) {
    if (this.#tied) return;
    this.#leaveQuietly();
    this.#enter(room, "watch");
  }

  /** Look into the mirror before asking for a place. @param {string} room */
  offer(room) {
    if (this.#tied) return;
    if (this.call?.roomName === room && this.call.mode === "watch") {
      this.call.offer();
      return;
    }
    this.#leaveQuietly();
    this.#enter(room, "offer");
  }

  /** Back onto the stage that this person is on in another window. */
  comeBack() {
    const engaged = this.me?.engaged;
    if (engaged?.state !== "on_stage" || this.#tied) return;
    this.#leaveQuietly();
    this.#enter(engaged.room, "back");
  }

  /** Answer the ring: from a tap. */
  async accept() {
    const { call } = this;
    if (call?.mode !== "ring" || call.busy) return;
    this.ringer.stop();
    const accepted = await call.accept();
    if (this.call !== call) return;
    if (accepted) {
      this.#before = null;
      this.book?.answered();
      this.#changed();
    } else if (call.trouble && FINAL.has(call.trouble.code)) {
      this.emit("said", { what: "trouble", ...call.trouble });
      this.#ringOver();
    }
  }

  /** @param {string | null} reason */
  async decline(reason) {
    const invite = this.call?.mode === "ring" ? this.call.invite : null;
    if (!invite || this.call?.busy) return;
    this.#ringOver();
    await this.#try(async () => {
      await this.desk?.declineInvite(invite.id, reason ?? undefined);
    });
  }

  /** Leave the room, and the stage with it. */
  async leave() {
    await this.call?.leave();
  }

  close() {
    clearTimeout(this.#doubt);
    this.ringer.stop();
    this.call?.close();
    this.call = null;
    this.help.close();
    const leaving = this.desk;
    this.desk = null;
    leaving?.leave()?.catch(() => {});
  }

  /** On stage or answering: no other room can be entered. */
  get #tied() {
    const mode = this.call?.mode;
    return mode === "air" || mode === "back" || mode === "ring" || this.call?.busy === true || this.help.duty !== null;
  }

  async #token() {
    try {
      return await this.#tokens.get();
    } catch (error) {
      if (error instanceof TokenNeeded) this.tokenNeeded = true;
      throw error;
    }
  }

  #deskChanged() {
    const { me, invites } = this.info;
    if (!me) return;
    this.book ??= new DayBook(me.identity);
    const ring = ringOf(invites, me.identity);
    const mode = this.call?.mode;
    if (ring && mode !== "air" && mode !== "back" && !this.call?.busy && this.help.duty === null) {
      if (mode === "ring" && this.call?.invite?.id === ring.id) this.call.rings(ring);
      else if (mode !== "ring") this.#ring(ring);
    }
    this.#missRing(me.identity);
    this.#changed();
  }

  /** @param {Invite} invite */
  #inviteChanged(invite) {
    const { call, me } = this;
    if (!me || call?.mode !== "ring" || call.invite?.id !== invite.id) return;
    const end = ringEnd(invite, me.identity);
    // Our own yes is on its way: its answer says more.
    if (end !== null && !call.busy) this.#ended(call.invite, end);
  }

  /** The ring is not in the desk's list any more and no news says why: a connection came back too late for it. */
  #missRing(/** @type {string} */ identity) {
    clearTimeout(this.#doubt);
    const gone = () =>
      this.call?.mode === "ring" && !this.call.busy && !this.info.invites.some(({ id }) => id === this.call?.invite?.id);
    if (!gone()) return;
    this.#doubt = setTimeout(() => {
      const invite = this.call?.invite;
      if (gone() && invite) this.#ended(invite, ringEnd({ ...invite, state: "expired" }, identity) ?? "expired");
    }, NEWS_FOLLOWS_MS);
  }

  /**
   * @param {Invite} invite as it rang
   * @param {import("./agent-view.js").RingEnd} end
   */
  #ended(invite, end) {
    if (wasMissed(end)) {
      const { id, room, title, from, topic } = invite;
      this.book?.missed({ id, room: title || room, from: from.name, topic: topic ?? "", at: Date.now() });
    }
    this.emit("said", { what: `ring_${end}`, name: invite.from.name });
    this.#ringOver();
  }

  /** @param {Invite} invite */
  #ring(invite) {
    this.book?.rang();
    if (this.call?.roomName === invite.room) {
      this.call.rings(invite);
    } else {
      if (this.call?.mode === "watch") this.#before = this.call.roomName;
      this.#leaveQuietly();
      this.#enter(invite.room, "ring", invite);
    }
    this.ringer.start(invite.id, this.#ringWords(invite));
  }

  #ringOver() {
    clearTimeout(this.#doubt);
    this.ringer.stop();
    this.call?.ringOver();
    this.#changed();
  }

  /**
   * @param {string} room
   * @param {Mode} mode
   * @param {Invite} [invite]
   */
  #enter(room, mode, invite) {
    const call = new AgentCall(room, mode, () => this.#token());
    this.call = call;
    call.on("change", () => this.#changed());
    call.on("trouble", (error) => {
      // A lost connection is told by the banner until it is back; what failed with it is tried again then.
      if (codeOf(error) !== "connection_lost") this.emit("said", { what: "trouble", ...plain(error) });
    });
    call.on("news", (news) => {
      for (const what of news) this.emit("said", { what });
    });
    call.on("unmute", (request) => this.emit("unmute", request));
    call.on("answered", ({ state, reason }) => this.emit("said", { what: `request_${state}`, reason }));
    call.on("over", (end) => this.#over(call, end));
    if (invite) call.rings(invite);
    void call.begin();
    this.#changed();
  }

  #leaveQuietly() {
    const { call } = this;
    this.call = null;
    call?.close();
  }

  /**
   * @param {AgentCall} call
   * @param {import("./agent-call.js").CallEnd} end
   */
  #over(call, { why, failure, onAirMs }) {
    if (this.call !== call) return;
    this.call = null;
    this.ringer.stop();
    if (onAirMs > 0) this.book?.wasOnAir(onAirMs);
    if (failure && !this.tokenNeeded) this.emit("said", { what: "call_failed", ...failure });
    else if (why === "lost_place") this.emit("said", { what: "lost_place" });
    else if (onAirMs > 0) this.emit("said", { what: why === "offstage" ? "offstage" : "left_stage", ms: onAirMs });
    this.#goBack();
    this.#changed();
  }

  /** A shopper's call needs the console: listening in stops, and goes on afterwards. */
  #makeRoom() {
    const { call } = this;
    if (!call || call.mode === "air" || call.mode === "back") return;
    if (call.mode !== "ring") this.#before = call.roomName;
    this.#leaveQuietly();
  }

  #goBack() {
    const before = this.#before;
    this.#before = null;
    if (before !== null && !this.call && this.info.rooms.some(({ name }) => name === before)) this.#enter(before, "watch");
  }

  /** @param {(call: import("./agent-help-types.js").Call) => { title: string, body: string }} words */
  #ringFor(words) {
    const { duty, call, busy } = this.help;
    if (duty === "ring" && call && !busy) this.ringer.start(call.id, words(call));
    else if (this.call?.mode !== "ring") this.ringer.stop();
  }

  /** @param {() => Promise<void>} act */
  async #try(act) {
    try {
      await act();
    } catch (error) {
      this.emit("said", { what: "trouble", ...plain(error) });
    }
  }

  /** @param {unknown} error why the desk is over */
  #fail(error) {
    if (!this.tokenNeeded) this.failure = plain(error);
    const mode = this.call?.mode;
    if (mode !== "air" && mode !== "back") this.#leaveQuietly();
    if (this.help.duty !== "talk") this.help.close();
    this.ringer.stop();
    this.#changed();
  }

  #changed() {
    this.emit("change", null);
  }
}

/** @param {unknown} error */
function plain(error) {
  return { code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
}
