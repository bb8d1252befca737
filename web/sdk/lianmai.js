/**
 * The library's front door: a LianmaiRoom joins a room, publishes, receives, and keeps doing so through drops.
 * See README.md in this folder.
 * @module
 */
import { CallSeam } from "./call_seam.js";
import { Connection, defaultUrl, helloOf } from "./connection.js";
import { browserEnv } from "./env.js";
import { LianmaiError } from "./errors.js";
import { CALL_DRAWING, isNews } from "./help_state.js";
import { OnAir } from "./on_air.js";
import { Publisher } from "./publisher.js";
import { DownlinkMonitor } from "./quality.js";
import { Received } from "./received.js";
import { StageControls } from "./stage.js";
import { newsOf, placeOf } from "./stage_state.js";
import { reduce, snapshot } from "./state.js";
import { Subscriber } from "./subscriber.js";
import { LocalTrack, RemoteTrack } from "./tracks.js";

export { LianmaiError, LocalTrack, RemoteTrack };

/** @typedef {import("./types.js").Reply} Reply */
/** @typedef {import("./types.js").RoomInfo} RoomInfo */
/** @typedef {import("./types.js").RoomOptions} RoomOptions */
/** @typedef {import("./types.js").RoomState} RoomState */
/** @typedef {import("./types.js").Self} Self */
/** @typedef {import("./types.js").WireEvent} WireEvent */
/** @typedef {import("./tracks.js").PublishOptions} PublishOptions */

/** @type {RTCConfiguration} */
const RTC_CONFIG = Object.freeze({ iceServers: [], bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });

const EXPLAIN_MS = 1_000;

export class LianmaiRoom extends StageControls {
  #env;
  #connection;
  #publisher;
  #subscriber;
  #monitor;
  #locale;
  /** @type {RoomInfo} */
  #info = snapshot(null);
  /** @type {Self | null} */
  #self = null;
  #received;
  #onAir;
  /** @type {"auto" | Set<string>} */
  #wanted;
  /** @type {{ resolve: () => void, reject: (error: Error) => void }[]} */
  #waiting = [];
  /** @type {() => void} */
  #stopPage = () => {};
  #lastDownlink = "";
  #saidBye = false;
  /** @type {string[]} */
  #codecs = [];
  /** What the server allows us, from the join reply. @type {Record<string, unknown>} */
  limits = {};

  /** @param {RoomOptions} options */
  constructor({ url, token, room = "", locale = "en", subscribe = "auto", rtcConfig = {}, client = "", env = {} }) {
    super();
    this.#env = { ...browserEnv(), ...env };
    this.#locale = locale;
    this.#wanted = subscribe === "auto" ? "auto" : new Set();
    const config = { ...RTC_CONFIG, ...rtcConfig };
    this.#connection = new Connection({
      url: url ?? defaultUrl(),
      token,
      env: this.#env,
      locale: () => this.#locale,
      hello: () => ({
        ...helloOf(this.#locale, client),
        subscribe: this.#wanted === "auto" ? "auto" : "none",
        codecs: this.#codecs,
        ...(room ? { room } : {}),
      }),
    });
    /** @type {import("./types.js").RequestFn} */
    const request = (type, fields, more) => this.#connection.request(type, fields, more);
    const reachable = () => this.state === "joined";
    const shared = { env: this.#env, rtcConfig: config, request, reachable, locale: () => this.#locale };
    const onProblem = (/** @type {LianmaiError} */ error) => this.emit("error", error);
    this.#publisher = new Publisher({
      ...shared,
      onProblem,
      ready: () => this.#ready(),
      ownTracks: () => this.#info.tracks.filter((track) => track.peer === this.#connection.peer),
      onBegin: (track) => this.#onAir.begins(track),
      onAccepted: (track, held) => this.#onAir.accepted(track, held),
      onLost: (track, { code, message }) => this.emit("unpublished", { track, code, message }),
      onPath: (state) => this.emit("path", { direction: "publish", state }),
    });
    this.#onAir = new OnAir({
      env: this.#env,
      tracks: () => this.#publisher.tracks,
      lose: (track, error) => this.#publisher.lose(track, error),
      place: () => this.place,
      call: () => this.#info.call,
      invites: () => this.#info.invites,
      identity: () => this.#self?.identity,
      mayAlways: () => this.#self?.grants["show"] === true,
      locale: () => this.#locale,
    });
    this.#received = new Received({
      added: (track) => this.emit("track", { track }),
      updated: (track) => this.emit("trackupdated", { track }),
      removed: (track) => this.emit("trackremoved", { track }),
    });
    this.#subscriber = new Subscriber({
      ...shared,
      onProblem,
      onTracks: (media) => {
        this.#received.deliver(media);
        this.#watchQuality();
      },
      wanted: () => (this.#wanted === "auto" ? "auto" : this.#wanted.size > 0 ? [...this.#wanted] : null),
      onRejected: (track, { code, message }) => this.emit("trackunavailable", { track, code, message }),
      onPath: (state) => this.emit("path", { direction: "subscribe", state }),
    });
    this.#monitor = new DownlinkMonitor({
      env: this.#env,
      peer: () => this.#subscriber.peer,
      tracks: () =>
        [...this.#received.tracks.values()].map((track) => ({
          id: track.id,
          media: track.mediaStreamTrack.id,
          expected: !track.muted && track.flowing,
        })),
      report: (tracks) => void request("report", { tracks }, { wait: false }).catch(() => {}),
      onQuality: ({ quality, reason }, { bitrateBps, loss, rttMs }) => {
        const key = `${quality}${reason}`;
        if (key === this.#lastDownlink) return;
        this.#lastDownlink = key;
        this.emit("downlink", { quality, reason, bitrateBps, loss, rttMs });
      },
    });
    /** The library's own: for a HelpLine. */
    this.seam = new CallSeam({
      env: this.#env,
      connection: this.#connection,
      onAir: this.#onAir,
      hear: (event) => this.#heard(event),
      locale: () => this.#locale,
    });
    this.#listen();
  }

  /** @returns {RoomState} */
  get state() {
    return this.#connection.state;
  }

  /** Who we are; null before the first join. */
  get self() {
    return this.#self;
  }

  /** The room as last heard; empty before the first join. */
  get info() {
    return this.#info;
  }

  /** Our own place on the stage, or null. */
  get place() {
    return placeOf(this.#info, this.#self?.identity);
  }

  /** Whether we may run the show: by grant, or as a co-host on stage. */
  get controls() {
    const { show, manage } = this.#self?.grants ?? {};
    return show === true || manage === true || this.place?.cohost === true;
  }

  /** What can be played now, by track id. @returns {ReadonlyMap<string, RemoteTrack>} */
  get tracks() {
    return this.#received.tracks;
  }

  /** What we publish. @returns {ReadonlySet<LocalTrack>} */
  get localTracks() {
    return this.#publisher.tracks;
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
   * Join. Rejects with a LianmaiError (`code`, `message`), or with what the token function threw. A room that was
   * left or refused is not joined again: make a new one.
   * @returns {Promise<void>}
   */
  async join() {
    if (this.state === "idle") {
      this.#stopPage = this.#env.onPage((change) => this.#pageChanged(change));
      const joining = this.#connection.open();
      // While the socket opens: both take the browser a few milliseconds, the first time.
      if (this.#wanted === "auto") this.#subscriber.warm();
      this.#codecs = this.#env.decodable();
      await joining;
    } else {
      await this.#ready();
    }
  }

  /** Leave for good and release everything; devices stay on, they belong to who opened them. */
  async leave() {
    this.#connection.close();
    this.#release(null);
  }

  /**
   * Publish a track. May be called before join() resolves: the offer is then made meanwhile.
   * @param {MediaStreamTrack} track
   * @param {PublishOptions} options
   * @returns {Promise<LocalTrack>}
   */
  async publish(track, options) {
    if (this.state === "closed") throw new LianmaiError("closed", undefined, { locale: this.#locale });
    const local = await this.#publisher.publish(track, options);
    local.on("ended", () => this.emit("localended", { track: local }));
    return local;
  }

  /** @param {LocalTrack} track its device is left running */
  async unpublish(track) {
    await this.#publisher.unpublish(track);
  }

  /**
   * Accept, and send at once what was published `held`. Both happen at the same time; if the server refuses,
   * everything is held again.
   * @param {string} inviteId
   * @returns {Promise<import("./types.js").Invite>}
   */
  async goOnAir(inviteId) {
    return this.#onAir.go(() => this.acceptInvite(inviteId));
  }

  /**
   * Receive these tracks too, or everything from now on.
   * @param {"auto" | string[]} tracks
   */
  async subscribe(tracks) {
    if (tracks === "auto") this.#wanted = "auto";
    else if (this.#wanted !== "auto") for (const id of tracks) this.#wanted.add(id);
    this.#subscriber.warm();
    await this.#connection.request("subscribe", { tracks }, { retry: true });
  }

  /** @param {string[]} tracks receive these no longer */
  async unsubscribe(tracks) {
    if (this.#wanted === "auto") this.#wanted = new Set(this.#received.ids);
    for (const id of tracks) this.#wanted.delete(id);
    await this.#connection.request("unsubscribe", { tracks }, { retry: true });
  }

  /** Start a picture afresh, for example when it stays broken. @param {string} track */
  async requestKeyframe(track) {
    await this.#connection.request("keyframe", { track });
  }

  /** Look for a new network path now, on both transports. Happens by itself when the network changes. */
  restartIce() {
    this.#publisher.restartIce();
    this.#subscriber.restartIce();
  }

  /**
   * The browser's own statistics.
   * @param {"publish" | "subscribe"} direction
   * @returns {Promise<RTCStatsReport | null>} null when there is no such transport
   */
  async stats(direction) {
    const peer = direction === "publish" ? this.#publisher.peer : this.#subscriber.peer;
    return peer ? peer.getStats() : null;
  }

  /**
   * The library's own: one request to the server.
   * @override
   * @type {import("./types.js").RequestFn}
   */
  ask(type, fields, options) {
    return this.#connection.request(type, fields, options);
  }

  // --- from the connection -------------------------------------------------------------------------------------

  #listen() {
    const connection = this.#connection;
    connection.on("joined", (joined) => this.#joined(joined));
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
    connection.on("state", ({ state, error }) => this.#stateChanged(state, error));
  }

  /** @param {{ reply: Reply, first: boolean, resumed: boolean }} joined */
  #joined({ reply, first, resumed }) {
    const offer = /** @type {import("./types.js").Offer | undefined} */ (reply["offer"]);
    if (!first && !resumed) {
      // The server knows nothing of what we had: everything starts again under a new Peer.
      this.#subscriber.reset();
      this.#publisher.rebuild();
      if (this.#wanted === "auto") this.#subscriber.warm();
    }
    // Before anything else: the picture waits for this answer.
    if (offer) this.#subscriber.offer(offer);
    const self = reply["self"] ?? {};
    this.#self = /** @type {Self} */ ({ ...this.#self, ...self, peer: reply["peer"] });
    if (reply["limits"]) this.limits = reply["limits"];
    if (reply["room"]) this.#setInfo(snapshot(reply["room"], this.#info));
    if (resumed) {
      // With a whole room in it the reply stands for more events than were kept: one may have said that media is lost.
      const ids = new Set(this.#info.tracks.map(({ id }) => id));
      if (reply["room"] && [...this.localTracks].some(({ id }) => id !== null && !ids.has(id))) this.#publisher.rebuild();
      this.#publisher.resumed();
      this.#subscriber.resumed();
    } else if (!first && this.#wanted !== "auto" && this.#wanted.size > 0) {
      this.#subscriber.rebuild();
    }
  }

  /** @param {WireEvent} event */
  #heard(event) {
    switch (event.type) {
      case "offer":
        this.#subscriber.offer(/** @type {import("./types.js").Offer} */ (/** @type {unknown} */ (event)));
        return;
      case "transport_state":
        this.#transportState(String(event["transport"]), String(event["state"]), String(event["reason"] ?? ""));
        return;
      case "transport_lost":
        this.#publisher.rebuild();
        this.#subscriber.rebuild();
        return;
      case "track_unavailable":
        this.emit("trackunavailable", /** @type {any} */ (fieldsOf(event)));
        return;
      case "uplink":
        this.emit("uplink", /** @type {any} */ (fieldsOf(event)));
        return;
      case "grants":
        if (this.#self) this.#self = { ...this.#self, grants: /** @type {any} */ (event["grants"]) };
        this.emit("grants", /** @type {any} */ (fieldsOf(event)));
        return;
      default: {
        const { identity = "" } = this.#self ?? {};
        const { invites, calls } = this.#info;
        this.#setInfo(reduce(this.#info, event, { identity, controls: this.controls }), CALL_DRAWING.has(event.type));
        if (isNews(event, calls, this.#info.calls)) this.emit("callnews", event);
        const news = newsOf(event);
        if (news?.name === "invite") this.#onAir.invited(news.detail.invite, invites);
        if (news) this.emit(news.name, news.detail);
      }
    }
  }

  /**
   * @param {string} transport
   * @param {string} state
   * @param {string} reason
   */
  #transportState(transport, state, reason) {
    const publishing = transport === this.#publisher.transport;
    if (!publishing && transport !== this.#subscriber.transport) return;
    if (state === "stalled") {
      if (publishing) this.#publisher.restartIce();
      else this.#subscriber.restartIce();
    } else if (state === "closed" && reason === "show_ended") {
      if (publishing) this.#publisher.ended(reason);
    } else if (state === "failed" || state === "closed") {
      if (publishing) this.#publisher.rebuild();
      else this.#subscriber.rebuild();
    }
  }

  /**
   * @param {RoomState} state
   * @param {LianmaiError | null} error
   */
  #stateChanged(state, error) {
    if (state === "joined") for (const { resolve } of this.#waiting.splice(0)) resolve();
    if (state === "closed") this.#release(error);
    this.emit("state", { state, error });
    if (state === "closed" && error && this.#self && !this.#saidBye) {
      this.#saidBye = true;
      this.emit("bye", { code: error.code, message: error.message });
    }
  }

  /** @param {import("./env.js").PageChange} change */
  #pageChanged(change) {
    if (change === "hidden" || change === "offline") return;
    this.#connection.probe();
    if (change === "visible") {
      this.#publisher.resumed();
      this.#subscriber.resumed();
    } else {
      this.restartIce();
    }
  }

  /** @returns {Promise<void>} */
  #ready() {
    if (this.state === "joined") return Promise.resolve();
    if (this.state === "closed") {
      return Promise.reject(new LianmaiError("closed", undefined, { locale: this.#locale }));
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** @param {LianmaiError | null} reason null when we left ourselves */
  #release(reason) {
    this.#stopPage();
    this.#monitor.stop();
    const error = reason ?? new LianmaiError("closed", undefined, { locale: this.#locale });
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#publisher.close(error);
    this.#subscriber.close();
    this.#received.clear();
  }

  // --- the room and its tracks ---------------------------------------------------------------------------------

  /** @param {RoomInfo} info @param {boolean} [quiet] without telling anybody */
  #setInfo(info, quiet = false) {
    const previous = this.#info;
    if (info === previous) return;
    this.#info = info;
    if (quiet) return;
    const former = placeOf(previous, this.#self?.identity);
    // Before anybody draws anything: a picture waits for it, or must not go on.
    if (info.stage !== previous.stage) this.#onAir.placed(this.place, former);
    if (info.call !== previous.call) this.#onAir.called(info.call, previous.call);
    if (info.tracks !== previous.tracks) {
      this.#received.describe(info.tracks);
      this.#watchQuality();
      this.#missOwn(previous);
    }
    this.emit("room", { info, previous });
    if (info.calls !== previous.calls) this.emit("call", { call: info.call, previous: previous.call });
    if (info.viewers !== previous.viewers) this.emit("viewers", { count: info.viewers });
    if (info.speakers !== previous.speakers) this.emit("speakers", { peers: info.speakers });
    if (info.stage !== previous.stage) {
      this.emit("stage", { stage: info.stage, previous: previous.stage });
      if (former && !this.place && this.#self?.grants["show"] !== true) this.emit("offstage", {});
    }
  }

  #watchQuality() {
    if (this.#received.tracks.size > 0) this.#monitor.start();
    else this.#monitor.stop();
  }

  /**
   * Tracks of ours that the room no longer has. The news that explains it may follow: a lost transport, the show's
   * end. If none does, the server took them away, for example with the grant.
   * @param {RoomInfo} previous
   */
  #missOwn(previous) {
    const gone = previous.tracks
      .filter(({ id, peer }) => peer === this.#connection.peer && !this.#info.tracks.some((track) => track.id === id))
      .map(({ id }) => id);
    // These very ones: on the same m-line the next track has the same id.
    const missed = [...this.localTracks].filter(({ id }) => id !== null && gone.includes(id));
    // What a call holds again, until somebody else answers, is not listed either; and it may be listed again by then.
    const still = () => gone.filter((id) => !this.#info.tracks.some((track) => track.id === id));
    if (missed.length > 0) this.#env.setTimeout(() => this.#onAir.holds || this.#publisher.prune(missed, still()), EXPLAIN_MS);
  }
}

/** @param {WireEvent} event */
const fieldsOf = ({ type: _type, seq: _seq, ...fields }) => fields;
