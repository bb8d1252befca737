/**
 * A pretended LianmaiDesk, served in place of web/sdk/desk.js by serve.mjs. `?state=` says what it shows (fake-scenes.js).
 */
import { LianmaiError } from "./errors.js";
import { pretendedHelp } from "./fake-help.js";
import { deskRooms, ringing, wants } from "./fake-scenes.js";
import { reduceCalls } from "./help_state.js";
import { InviteAnswers } from "./stage.js";

export { LianmaiError };

const SKILLS = ["美妆", "售后", "English", "International warranty and returns"];

export class LianmaiDesk extends InviteAnswers {
  state = "idle";
  locale = "en";
  clockOffsetMs = 0;
  rttMs = 20;
  /** @type {any} */
  self = null;
  info = { me: null, rooms: [], invites: [], calls: [] };
  queue = { queues: [], waiting: [] };
  wall = null;
  #token;

  constructor({ token }) {
    super();
    this.#token = token;
    window.pretendedDesk = this;
  }

  async join() {
    this.#become("connecting");
    await (typeof this.#token === "function" ? this.#token() : this.#token);
    if (wants("connecting")) await new Promise(() => {});
    for (const code of ["forbidden", "token_expired"]) {
      if (!wants(code === "forbidden" ? "refused" : "expired")) continue;
      this.#become("closed");
      throw new LianmaiError(code, "The server's own sentence about it.");
    }
    const chosen = wants("break") ? "break" : wants("offline") ? "offline" : "available";
    const engaged = wants("onstage") ? { room: "demo", state: "on_stage" } : null;
    const role = new URLSearchParams(location.search).get("role") ?? "agent";
    this.self = { peer: "p-desk", identity: "me", name: "陈嘉木", role, grants: { desk: true, supervise: role === "supervisor" } };
    this.#change({
      me: {
        identity: "me",
        name: "陈嘉木",
        presence: engaged ? "busy" : chosen,
        chosen,
        since: Date.now() - 25 * 60_000,
        skills: SKILLS.slice(0, 2),
        all_skills: SKILLS,
        engaged,
      },
      rooms: deskRooms(),
    });
    this.#become("joined");
    pretendedHelp().join(this.#help);
    const ring = ringing();
    if (ring) setTimeout(() => this.#ring(ring), 500);
    if (wants("reconnecting")) setTimeout(() => this.#become("reconnecting"), 900);
    if (wants("replaced")) setTimeout(() => this.emit("bye", { code: "identity_replaced", message: "" }), 900);
  }

  get calls() {
    return new Map(this.info.calls.map((call) => [call.id, call]));
  }

  answer(call) {
    return this.#call("answer_call", { call });
  }

  decline(call, reason) {
    return this.#call("decline_call", { call, reason });
  }

  take(call) {
    return this.#call("take_call", { call });
  }

  supervise(call, mode) {
    return this.#call("supervise_call", { call, mode });
  }

  wrapUp(call, notes) {
    return this.#call("wrap_up", { call, ...notes });
  }

  async end(call) {
    await this.ask("end_call", { call });
  }

  async callLink() {
    return (await this.ask("call_link")).link;
  }

  async watchWall(on) {
    await this.ask("watch_wall", { on });
  }

  async #call(type, fields) {
    return (await this.ask(type, fields)).call;
  }

  #help = {
    desk: true,
    hear: (event) => {
      const { type, ...fields } = event;
      if (type === "queue" || type === "wall") {
        this[type] = fields;
        this.emit(type, fields);
        return;
      }
      const former = this.info.calls;
      const calls = reduceCalls(former, event);
      if (calls === former) return;
      this.#change({ calls: calls.filter(({ state }) => state !== "ended") });
      if (type !== "call") return;
      const same = (entry) => entry.id === event.call.id;
      this.emit("call", { call: calls.find(same), previous: former.find(same) ?? null });
    },
  };

  async leave() {
    pretendedHelp().leave(this.#help);
    this.#become("closed");
  }

  async setPresence(presence, skills) {
    await new Promise((resolve) => setTimeout(resolve, 120));
    const { me } = this.info;
    const since = presence === me.chosen ? me.since : Date.now();
    const next = { ...me, presence: me.engaged ? "busy" : presence, chosen: presence, since, skills: skills ?? me.skills };
    this.#change({ me: next });
    return next;
  }

  /** @override */
  async ask(type, { invite: id, reason = null, ...fields } = {}) {
    const help = await pretendedHelp().ask(type, { reason, ...fields });
    if (help) return help;
    await new Promise((resolve) => setTimeout(resolve, 60));
    const invite = this.info.invites.find((entry) => entry.id === id);
    if (!invite) throw new LianmaiError("invite_expired");
    const accepted = type === "accept_invite";
    const ended = { ...invite, state: accepted ? "accepted" : "declined", reason };
    const engaged = accepted ? { room: invite.room, state: "on_stage" } : null;
    const me = { ...this.info.me, engaged, presence: accepted ? "busy" : this.info.me.chosen };
    this.#change({ me, invites: this.info.invites.filter((entry) => entry !== invite) });
    this.emit("invite", { invite: ended });
    return { invite: ended };
  }

  #ring(invite) {
    const me = { ...this.info.me, presence: "busy", engaged: { room: invite.room, state: "ringing" } };
    this.#change({ me, invites: [invite] });
    this.emit("invite", { invite });
  }

  #become(next) {
    this.state = next;
    this.emit("state", { state: next, error: null });
  }

  #change(change) {
    const previous = this.info;
    this.info = { ...previous, ...change };
    this.emit("desk", { info: this.info, previous });
  }
}
