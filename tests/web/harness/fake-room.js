/**
 * A pretended LianmaiRoom: `?state=` in the address says which situation to play (fake-scenes.js). Served in place of
 * web/sdk/lianmai.js by serve.mjs; the rest of the SDK (players, devices, meters, the reducer) is the real one, and what
 * the page asks for happens, in this page only.
 */
import { LianmaiError } from "./errors.js";
import { pretendedHelp, seamOf } from "./fake-help.js";
import { picture, silence } from "./fake-pictures.js";
import {
  HANDS, STAFF, chatHistory, chatLine, directory, grants, invitation, plan, ringing, role, staffTalk, urgentMessage, wants,
} from "./fake-scenes.js";
import { CALL_DRAWING, isNews, sendingOf } from "./help_state.js";
import { StageControls } from "./stage.js";
import { newsOf } from "./stage_state.js";
import { EMPTY, reduce } from "./state.js";
import { LocalTrack, RemoteTrack } from "./tracks.js";

export { LianmaiError, LocalTrack, RemoteTrack };

const query = new URLSearchParams(location.search);
const VIDEO = new Set(["camera", "screen"]);

export class LianmaiRoom extends StageControls {
  state = "idle";
  /** @type {any} */
  self = null;
  tracks = new Map();
  localTracks = new Set();
  locale = "en";
  clockOffsetMs = 0;
  rttMs = 20;
  limits = {};
  #plan = plan();
  info = EMPTY;
  #token;
  #saidAt = 0;
  #help = {
    hear: (event) => this.#hear(event),
    arrive: (person, who) => this.info.peers.some(({ id }) => id === who.peer) || this.#arrive(person, who),
  };
  seam = seamOf((event) => this.#hear(event));

  constructor({ token }) {
    super();
    this.#token = token;
    window.pretendedRoom = this;
  }

  get place() {
    return this.info.stage.places.find(({ identity }) => identity === this.self?.identity) ?? null;
  }

  get controls() {
    const { show, manage } = this.self?.grants ?? {};
    return show === true || manage === true || this.place?.cohost === true;
  }

  async join() {
    const plan = this.#plan;
    this.#become("connecting");
    await (typeof this.#token === "function" ? this.#token() : this.#token);
    if (plan.hang) await new Promise(() => {});
    if (plan.refuse) {
      this.#become("closed");
      throw new LianmaiError(plan.refuse, "The server's own sentence about it.");
    }
    const who = role();
    const name = query.get("name") ?? (who === "agent" ? "陈嘉木" : who === "host" ? "林小满" : "我");
    this.self = { peer: "p-self", identity: "me", name, role: who, grants: grants() };
    this.#build(plan);
    this.#become("joined");
    if (plan.downlink !== undefined || plan.people?.length) {
      this.emit("downlink", plan.downlink ?? { quality: 3, reason: "good" });
    }
    if (plan.blocked) this.#block();
    if (plan.unavailable) this.emit("trackunavailable", { track: "t", code: "codec_unsupported", message: "" });
    if (plan.then) setTimeout(() => this.#then(plan.then), 900);
    this.#begin();
    // The widget has a pretended line of its own (fake-line.js).
    if (!window.pretendedLine) pretendedHelp().join(this.#help);
  }

  async publish(track, options) {
    const local = new LocalTrack(track, options, {
      muteChanged: async () => {},
      replaced: async () => {},
      encodingChanged: async () => {},
      holdChanged: async () => {},
      lockChanged: () => {},
      error: (code) => new LianmaiError(code),
      unpublish: async (ended) => void this.localTracks.delete(ended),
    });
    const mayAlways = this.self?.grants.show === true || options.source === "whisper";
    const calls = sendingOf(this.info.call, "me") !== "none";
    if (!mayAlways && !this.place && !calls && !this.info.invites.some(({ state }) => state === "pending")) {
      local.release();
      throw new LianmaiError("not_on_stage");
    }
    this.localTracks.add(local);
    local.published(`own-${options.source}`);
    if (this.self.grants.show && !this.place) this.#stand(this.self, { peer: "p-self", first: true });
    if (local.held && (this.place || sendingOf(this.info.call, "me") === "open")) await local.hold(false);
    return local;
  }

  async unpublish(track) {
    this.localTracks.delete(track);
    track.release();
  }

  async goOnAir(inviteId) {
    const held = [...this.localTracks].filter((local) => local.held);
    for (const local of held) await local.hold(false);
    try {
      return await this.acceptInvite(inviteId);
    } catch (error) {
      for (const local of held) await local.hold(true);
      throw error;
    }
  }

  async startShow() {
    this.#inform({ state: "live", since: Date.now() - 754_000 });
    this.#people(this.#plan);
    if (this.#plan.uplink) setTimeout(() => this.emit("uplink", this.#plan.uplink), 50);
    if (this.#plan.cutAfterStart) setTimeout(() => this.#become("reconnecting"), 400);
  }

  async endShow() {
    this.#inform({ state: "ended" });
    this.#stage({ places: [] });
  }

  async leave() {
    pretendedHelp().leave(this.#help);
    this.#become("closed");
  }

  async subscribe() {}
  async unsubscribe() {}
  async requestKeyframe() {}
  restartIce() {}

  async stats() {
    return null;
  }

  // --- the pretended server ------------------------------------------------------------------------------------

  /** @override */
  async ask(type, fields = {}) {
    const help = await pretendedHelp().ask(type, fields);
    if (help) return help;
    await new Promise((resolve) => setTimeout(resolve, 60));
    const answer = this.#answers[type];
    if (!answer) throw new LianmaiError("unknown_type");
    return (await answer(fields)) ?? {};
  }

  #answers = {
    invite: ({ target, topic = "", product = null, ring_s = 20 }) => {
      if (wants("nobody") && !target.identity) throw new LianmaiError("nobody_available");
      if (wants("busy")) throw new LianmaiError("invitee_busy");
      const known = [...this.info.agents, ...this.info.hands];
      const to = known.find(({ identity }) => identity === (target.identity ?? "a-1")) ?? { identity: "a-1", name: "陈嘉木" };
      const [kind, value] = Object.entries(target)[0];
      const invite = invitation({
        from: { identity: "me", name: this.self.name, role: this.self.role },
        to: { identity: to.identity, name: to.name },
        target: { kind, value: kind === "anyone" ? null : value },
        topic,
        product,
        ring_until: Date.now() + ring_s * 1000,
      });
      this.#hear({ type: "invite", invite });
      if (wants("decline")) setTimeout(() => this.#end(invite.id, "declined", "正在接别的房间"), 2_500);
      else if (wants("noanswer")) setTimeout(() => this.#end(invite.id, "expired"), ring_s * 1000);
      else setTimeout(() => this.#comes(invite.id, to), 3_000);
      return { invite };
    },
    offer_stage: ({ topic = "" }) => {
      const from = { identity: "me", name: this.self.name, role: this.self.role };
      const to = null;
      const invite = invitation({ direction: "request", from, to, topic, product: null, ring_until: Date.now() + 120_000 });
      this.#hear({ type: "invite", invite });
      return { invite };
    },
    accept_invite: ({ invite: id }) => {
      const invite = this.#pending(id);
      const accepted = { ...invite, state: "accepted" };
      this.#hear({ type: "invite", invite: accepted });
      if (invite.direction === "request" && invite.from.identity !== "me") this.#comes(id, invite.from);
      else this.#stand(this.self, { peer: "p-self", state: "joining", settles: true });
      return { invite: accepted };
    },
    decline_invite: ({ invite, reason = null }) => ({ invite: this.#end(invite, "declined", reason) }),
    cancel_invite: ({ invite }) => ({ invite: this.#end(invite, "cancelled") }),
    raise_hand: () => {
      if (!this.info.stage.hands_open) throw new LianmaiError("hands_closed");
      this.#hear({ type: "hand", raised: true, open: true });
    },
    lower_hand: ({ identity }) => {
      if (!identity || identity === "me") this.#hear({ type: "hand", raised: false, open: this.info.stage.hands_open });
      else this.#hear({ type: "hands", hands: this.info.hands.filter((hand) => hand.identity !== identity) });
    },
    open_hands: ({ open }) => {
      this.#stage({ hands_open: open });
      if (!open) this.#hear({ type: "hands", hands: [] });
    },
    leave_stage: () => this.#leaves((place) => place.identity === "me"),
    remove_guest: ({ identity }) => this.#leaves((place) => place.identity === identity),
    clear_stage: () => this.#leaves((place) => place.role !== "host"),
    mute_guest: ({ identity, audio, video }) => this.#lock(identity, { audio, video }, true),
    ask_unmute: ({ identity, audio, video }) => this.#lock(identity, { audio, video }, false),
    move_guest: ({ identity, position }) => {
      const places = this.info.stage.places.filter((place) => place.identity !== identity);
      const moved = this.info.stage.places.find((place) => place.identity === identity);
      if (!moved) throw new LianmaiError("guest_not_found");
      places.splice(position, 0, moved);
      this.#stage({ places });
    },
    pin: ({ identity }) => this.#stage({ pin: identity }),
    lock_stage: ({ locked }) => this.#stage({ locked }),
    set_layout: ({ layout }) => this.#stage({ layout }),
    set_cohost: ({ identity, cohost }) => this.#place(identity, { cohost }),
    chat: ({ text }) => {
      const { muted_until, slow_s } = this.info.chat;
      if (muted_until !== null) throw new LianmaiError("chat_muted");
      const wait = slow_s - (Date.now() - this.#saidAt) / 1000;
      if (wait > 0 && !this.controls) throw new LianmaiError("chat_slow_mode", undefined, { retryAfterS: Math.ceil(wait) });
      this.#saidAt = Date.now();
      const message = { ...chatLine(), identity: "me", name: this.self.name, role: this.self.role, text };
      this.#hear({ type: "chat", message });
      return { message };
    },
    delete_chat: ({ message }) => this.#hear({ type: "chat_deleted", message }),
    mute_chatter: ({ identity, seconds }) => {
      if (identity === "me") this.#hear({ type: "chat_muted", until: seconds ? Date.now() + seconds * 1000 : null });
    },
    slow_mode: ({ seconds }) => this.#hear({ type: "chat_settings", slow_s: seconds }),
    backchannel: ({ text, urgent = false }) => {
      const from = { identity: "me", name: this.self.name, role: this.self.role };
      const message = { id: `b-${Date.now()}`, from, text, urgent, at: Date.now(), acked: [] };
      this.#hear({ type: "backchannel", message });
      return { message };
    },
    ack_backchannel: ({ message }) =>
      this.#hear({ type: "backchannel_acked", message, by: { identity: "me", name: this.self.name }, at: Date.now() }),
  };

  #pending(id) {
    const invite = this.info.invites.find((entry) => entry.id === id);
    if (!invite) throw new LianmaiError("invite_expired");
    return invite;
  }

  #end(id, state, reason = null) {
    const invite = { ...(this.info.invites.find((entry) => entry.id === id) ?? { id, from: {} }), state, reason };
    this.#hear({ type: "invite", invite });
    return invite;
  }

  /** Somebody accepts: first the place, a moment later the picture. */
  #comes(id, { identity, name }) {
    const invite = this.info.invites.find((entry) => entry.id === id);
    if (!invite && !id) return;
    if (invite) this.#end(id, "accepted");
    this.#hear({ type: "hands", hands: this.info.hands.filter((hand) => hand.identity !== identity) });
    const peer = `p-${identity}`;
    this.#stand({ identity, name, role: identity.startsWith("s-") ? "shopper" : "agent" }, { peer, state: "joining", settles: true });
    setTimeout(() => this.#arrive({ name, hue: 120 }, { peer, identity, role: "agent" }), 900);
  }

  #stand({ identity, name, role }, { peer, state = "on", first = false, settles = false }) {
    const place = { identity, peer, name, role, state, cohost: false, locked: { audio: false, video: false } };
    const others = this.info.stage.places.filter((entry) => entry.identity !== identity);
    this.#stage({ places: first ? [place, ...others] : [...others, place] });
    if (settles) setTimeout(() => this.#place(identity, { state: "on" }), 900);
  }

  #leaves(gone) {
    const leaving = this.info.stage.places.filter(gone);
    this.#stage({ places: this.info.stage.places.filter((place) => !gone(place)) });
    for (const { peer } of leaving) this.#depart(peer);
  }

  #lock(identity, { audio, video }, locked) {
    const place = this.info.stage.places.find((entry) => entry.identity === identity);
    if (!place) throw new LianmaiError("guest_not_found");
    const next = { audio: audio ? locked : place.locked.audio, video: video ? locked : place.locked.video };
    this.#place(identity, { locked: next });
    for (const track of this.info.tracks) {
      if (track.peer !== place.peer || !locked || !(track.kind === "audio" ? audio : video)) continue;
      this.#hear({ type: "track_updated", track: { ...track, muted: true } });
    }
    if (!locked && identity === "me") {
      this.#hear({ type: "unmute_requested", audio, video, by: { identity: "p-0", name: "林小满" } });
    }
  }

  #place(identity, change) {
    const places = this.info.stage.places.map((place) => (place.identity === identity ? { ...place, ...change } : place));
    this.#stage({ places });
  }

  #stage(change) {
    this.#hear({ type: "stage", stage: { ...this.info.stage, ...change } });
  }

  /** An event, folded in and told as the real room does. */
  #hear(event) {
    const previous = this.info;
    const before = this.place;
    const next = reduce(previous, event, { identity: "me", controls: this.controls });
    if (CALL_DRAWING.has(event.type)) this.info = next;
    else this.#inform(next);
    if (event.type.startsWith("call") && !CALL_DRAWING.has(event.type) && next.calls !== previous.calls) this.#called(previous.call);
    if (isNews(event, previous.calls, this.info.calls)) this.emit("callnews", event);
    if (this.info.stage !== previous.stage) {
      this.#obey(before);
      this.emit("stage", { stage: this.info.stage, previous: previous.stage });
      if (before && !this.place && !this.self.grants.show) this.emit("offstage", {});
    }
    const news = newsOf(event);
    if (news) this.emit(news.name, news.detail);
  }

  /** What a call means for what we send. */
  #called(previous) {
    const { call } = this.info;
    const sending = sendingOf(call, "me");
    for (const local of [...this.localTracks]) {
      if (sending !== "none") void local.hold(sending === "held");
      if (sending !== "none" || this.place || this.self.grants.show) continue;
      this.localTracks.delete(local);
      local.release();
      this.emit("unpublished", { track: local, code: "call_ended", message: "" });
    }
    for (const person of sending === "none" ? (call?.people ?? []) : []) this.#depart(person.peer);
    this.emit("call", { call, previous });
  }

  /** What the stage means for what we send. */
  #obey(before) {
    const locked = this.place?.locked;
    for (const local of [...this.localTracks]) {
      if (local.source === "whisper") continue;
      if (this.place && !before) void local.hold(false);
      local.lock(locked?.[local.kind] === true);
      if (!before || this.place || this.self.grants.show) continue;
      this.localTracks.delete(local);
      local.release();
      this.emit("unpublished", { track: local, code: "off_stage", message: "" });
    }
  }

  // --- the scene -----------------------------------------------------------------------------------------------

  #become(next) {
    this.state = next;
    this.emit("state", { state: next, error: null });
  }

  #inform(change) {
    const previous = this.info;
    this.info = { ...previous, ...change };
    this.emit("room", { info: this.info, previous });
    if (this.info.viewers !== previous.viewers) this.emit("viewers", { count: this.info.viewers });
  }

  #then(what) {
    if (what === "reconnecting") this.#become("reconnecting");
    else if (what === "away") this.#away();
    else this.emit("bye", { code: "identity_replaced", message: "" });
  }

  /** The host drops; whoever else is on stage stays on air. */
  #away() {
    const [host, ...others] = this.info.stage.places;
    if (others.length > 0) this.#depart(host.peer);
    if (others.length > 0) this.#place(host.identity, { peer: null });
    this.#inform({ state: "away", away_until: Date.now() + 24_400 });
  }

  /** Browsers block sound only without a gesture and headless ones not at all: say it as a player would. */
  #block() {
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () {
      if (this.muted || navigator.userActivation?.hasBeenActive) return play.call(this);
      return Promise.reject(new DOMException("pretended", "NotAllowedError"));
    };
  }

  #build({ show = "live", viewers, title }) {
    const controls = this.controls;
    const staff = this.self.grants.backchannel === true;
    const muted_until = wants("muted") ? Date.now() + 3_600_000 : null;
    this.info = {
      ...EMPTY,
      name: "demo",
      title,
      state: show,
      since: Date.now() - 754_000,
      viewers,
      chat: { messages: chatHistory(), slow_s: wants("slow") ? 10 : 0, muted_until },
      // An agent comes because it rings already.
      invites: role() === "agent" && ringing() ? [ringing()] : [],
      hand: { raised: wants("hand") },
      hands: controls && wants("hands") ? HANDS : [],
      agents: controls || wants("cohost") ? directory() : [],
      backchannel: staff ? staffTalk() : [],
      staff: staff ? STAFF : [],
    };
    this.emit("room", { info: this.info, previous: EMPTY });
    if (show !== "idle") this.#people(this.#plan);
  }

  /** Everybody on stage, and what is so from the beginning. */
  #people({ people = [], layout, deaf }) {
    people.forEach((person, index) => {
      const identity = `p-${person.role === "agent" ? index + 10 : index}`;
      this.#stand({ identity, name: person.name, role: person.role ?? "host" }, { peer: identity });
      this.#arrive(person, { peer: identity, identity, role: person.role ?? "host" }, deaf);
    });
    if (wants("onstage") || wants("cohost") || wants("selflocked")) {
      this.#stand(this.self, { peer: "p-self" });
      this.#place("me", { cohost: wants("cohost"), locked: { audio: wants("selflocked"), video: false } });
    }
    const guest = this.info.stage.places.find(({ identity, role }) => identity !== "me" && role !== "host");
    if (guest) {
      if (wants("joining")) this.#place(guest.identity, { state: "joining" });
      if (wants("dropped")) this.#place(guest.identity, { peer: null });
      if (wants("guestcohost")) this.#place(guest.identity, { cohost: true });
      if (wants("guestmuted") || wants("guestdark")) {
        this.#lock(guest.identity, { audio: wants("guestmuted"), video: wants("guestdark") }, true);
      }
    }
    const pin = wants("pinned") ? (guest?.identity ?? null) : null;
    const hands_open = wants("handsopen") || wants("hands") || wants("hand");
    this.#stage({ layout: layout ?? "side_by_side", pin, locked: wants("stagelocked"), hands_open });
    if (this.info.peers.length > 1) {
      this.#inform({ speakers: [this.info.peers[1].id] });
      this.emit("speakers", { peers: this.info.speakers });
    }
  }

  /** What happens once we are there. */
  #begin() {
    const ring = ringing();
    if (ring && role() !== "agent") setTimeout(() => this.#hear({ type: "invite", invite: ring }), 300);
    if (ring && wants("ringhost")) setTimeout(() => void this.goOnAir(ring.id), 2_500);
    const me = { identity: "me", name: this.self.name, role: this.self.role };
    if (wants("outgoing")) this.#later({ from: me, to: { identity: "a-2", name: "Maya Collins" } });
    if (wants("outgoinggroup")) {
      this.#later({ from: me, to: { identity: "a-3", name: directory()[2].name }, target: { kind: "skill", value: "美妆" }, tried: 2 });
    }
    if (wants("offer")) {
      const from = { identity: "a-2", name: "Maya Collins", role: "agent" };
      this.#later({ direction: "request", from, to: null, product: null, ring_until: Date.now() + 110_000 });
    }
    if (wants("urgent")) setTimeout(() => this.#hear({ type: "backchannel", message: urgentMessage() }), 600);
    if (wants("chatlive")) setInterval(() => this.#hear({ type: "chat", message: chatLine() }), 1_500);
    if (wants("whisper")) setTimeout(() => this.#whisper(), 800);
  }

  #later(invite) {
    setTimeout(() => this.#hear({ type: "invite", invite: invitation(invite) }), 400);
  }

  #whisper() {
    const track = { id: "w", peer: "p-v", kind: "audio", source: "whisper", muted: false, flowing: true };
    this.#hear({ type: "track_published", track });
    this.tracks.set("w", new RemoteTrack(track, silence()));
    this.emit("track", { track: this.tracks.get("w") });
  }

  #arrive(person, { peer, identity, role }, deaf = false) {
    const info = { id: peer, identity, name: person.name, role, connected: person.connected ?? true };
    this.#hear({ type: "peer_joined", peer: info });
    for (const source of person.sources ?? ["camera", "microphone"]) {
      const muted = source === "camera" && Boolean(person.cameraMuted);
      const kind = VIDEO.has(source) ? "video" : "audio";
      const track = { id: `${peer}-${source}`, peer, kind, source, muted, flowing: true };
      this.#hear({ type: "track_published", track });
      if (deaf) continue;
      this.tracks.set(track.id, new RemoteTrack(track, kind === "audio" ? silence() : picture(person, source)));
      this.emit("track", { track: this.tracks.get(track.id) });
    }
  }

  #depart(peer) {
    if (!peer || peer === "p-self") return;
    for (const track of [...this.tracks.values()]) {
      if (track.peer !== peer) continue;
      this.tracks.delete(track.id);
      this.emit("trackremoved", { track });
    }
    this.#hear({ type: "peer_left", peer, reason: "left" });
  }
}
