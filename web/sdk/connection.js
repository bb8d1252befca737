/**
 * One Peer's signaling: a WebSocket that is replaced when it drops (PROTOCOL.md section 1), with requests and
 * replies, deadlines, events in order, resume with backoff, and a heartbeat. Knows nothing of media.
 * @module
 */
import { Backoff } from "./backoff.js";
import { Emitter } from "./emitter.js";
import { LianmaiError, asError } from "./errors.js";
import { Heartbeat } from "./heartbeat.js";
import { Requests } from "./requests.js";
import { TokenKeeper, renewalDelay } from "./token.js";

/** @typedef {import("./env.js").Env} Env */
/** @typedef {import("./types.js").Reply} Reply */
/** @typedef {import("./types.js").WireEvent} WireEvent */
/** @typedef {import("./types.js").RoomState} State */
/** @typedef {import("./types.js").RequestOptions} RequestOptions */

/**
 * @typedef {object} ConnectionEvents
 * @property {{ state: State, error: LianmaiError | null }} state
 * @property {{ reply: Reply, first: boolean, resumed: boolean }} joined handled before any event or queued request
 * @property {WireEvent} event once each, in order
 * @property {{ code: string, message: string }} bye
 * @property {LianmaiError} problem something went wrong, and is being dealt with
 */

/**
 * @typedef {object} ConnectionOptions
 * @property {string} url ws: or wss:
 * @property {import("./token.js").TokenSource} token
 * @property {() => Record<string, unknown>} hello the rest of the join message
 * @property {Env} env
 * @property {() => string} [locale]
 */

const FIRST_JOIN_MS = 15_000;
const ATTEMPT_MS = 8_000;
const REQUEST_MS = 10_000;
const STABLE_MS = 10_000;
const HIDDEN_RETRY_MS = 30_000;
/** As long as the server keeps our place for us, little of that time is slept away. */
const RESUME_RETRY_MS = 5_000;
const RESUME_WINDOW_S = 30;

/** After these the same join may work a little later. `room_full` only counts for somebody who was inside. */
const PASSING = new Set([
  "rate_limited", "worker_unavailable", "internal", "server_restart", "join_timeout", "idle_timeout", "slow_consumer",
]);
const STALE_TOKEN = new Set(["token_expired", "token_invalid", "token_revoked", "token_missing"]);
const STALE_RESUME = new Set(["session_not_found", "peer_not_found"]);

/** @extends {Emitter<ConnectionEvents>} */
export class Connection extends Emitter {
  #options;
  #env;
  #backoff;
  #requests;
  /** @type {State} */
  #state = "idle";
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Set<number>} timers of the present socket */
  #timers = new Set();
  #retryTimer = 0;
  #firstTimer = 0;
  /** @type {string | null} */
  #peer = null;
  #resumeKey = "";
  #resumeWindowMs = 0;
  #resumableUntil = 0;
  #seq = 0;
  /** A gap in the numbers means loss, except after a resume: what is stale by then is left out of the replay. */
  #gapless = false;
  #token;
  #heartbeat;
  #renewTimer = 0;
  /** @type {{ promise: Promise<Reply>, resolve: (reply: Reply) => void, reject: (error: Error) => void } | null} */
  #opening = null;

  /** Why the last attempt failed. @type {LianmaiError | null} */
  #problem = null;

  /** @param {ConnectionOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#env = options.env;
    this.#backoff = new Backoff({ random: options.env.random });
    this.#token = new TokenKeeper(options.token);
    this.#requests = new Requests(
      options.env,
      (message) => this.#write(message),
      (code) => this.#error(code),
    );
    this.#heartbeat = new Heartbeat(
      options.env,
      (type, fields, more) => this.request(type, fields, more),
      () => this.#drop(this.#error("connection_lost")),
    );
  }

  get state() {
    return this.#state;
  }

  /** Our peer id once joined. */
  get peer() {
    return this.#peer;
  }

  /** Of the WebSocket. */
  get url() {
    return this.#options.url;
  }

  /** The one that we joined with, or would. @returns {Promise<string>} */
  token() {
    return this.#token.take();
  }

  /** Seq of the last event handled. */
  get seq() {
    return this.#seq;
  }

  /** Round trip of the last ping in ms, or null. */
  get rttMs() {
    return this.#heartbeat.rttMs;
  }

  /** Add to Date.now() to get the server's clock, ms. */
  get clockOffsetMs() {
    return this.#heartbeat.clockOffsetMs;
  }

  /**
   * Connect and join, retrying for up to 15 s. Rejects with what the server said, or with what the token function
   * threw, or `connection_failed`. Calling it again returns the same promise.
   * @returns {Promise<Reply>} the join reply
   */
  open() {
    if (this.#opening) return this.#opening.promise;
    /** @type {(reply: Reply) => void} */
    let resolve = () => {};
    /** @type {(error: Error) => void} */
    let reject = () => {};
    const promise = /** @type {Promise<Reply>} */ (new Promise((yes, no) => {
      resolve = yes;
      reject = no;
    }));
    this.#opening = { promise, resolve, reject };
    this.#firstTimer = this.#env.setTimeout(() => this.#fail(this.#firstProblem()), FIRST_JOIN_MS);
    this.#setState("connecting", null);
    this.#attempt();
    return promise;
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} [fields]
   * @param {RequestOptions} [options]
   * @returns {Promise<Reply>}
   */
  request(type, fields = {}, { retry = false, anyPeer = false, wait = true, timeoutMs = REQUEST_MS } = {}) {
    if (this.#state === "closed" || this.#state === "idle") return Promise.reject(this.#error("not_connected"));
    if (this.#state !== "joined" && !wait) return Promise.reject(this.#error("not_connected"));
    if (this.#requests.full) return Promise.reject(this.#error("busy"));
    const peer = anyPeer ? null : this.#peer;
    return this.#requests.add(type, fields, { retry, peer, timeoutMs, now: this.#state === "joined" });
  }

  /**
   * Find out now whether the connection lives: after a change of network, or when the page comes back to the front.
   * Cuts a waiting period short when reconnecting.
   */
  probe() {
    if (this.#state === "joined") this.#heartbeat.probe();
    else if (this.#retryTimer) this.#attempt();
  }

  /** Leave for good. */
  close() {
    if (this.#state === "closed") return;
    if (this.#state === "joined") this.#requests.tell("leave");
    this.#end(this.#error("closed"), null);
  }

  // --- one attempt ---------------------------------------------------------------------------------------------

  #attempt() {
    this.#env.clearTimeout(this.#retryTimer);
    this.#retryTimer = 0;
    /** @type {WebSocket} */
    let socket;
    try {
      socket = this.#env.openSocket(this.#options.url);
    } catch (error) {
      this.#fail(new LianmaiError("connection_failed", undefined, { locale: this.#locale, cause: error }));
      return;
    }
    this.#socket = socket;
    // The token is fetched while the socket opens; whichever is later sends the join.
    const token = this.#token.take();
    const ifCurrent = (/** @type {() => void} */ run) => () => this.#socket === socket && run();
    this.#after(ATTEMPT_MS, ifCurrent(() => this.#drop(this.#error("timeout"))));
    socket.onopen = ifCurrent(() => {
      token.then(
        (value) => ifCurrent(() => this.#join(value))(),
        (error) => ifCurrent(() => this.#tokenFailed(error))(),
      );
    });
    socket.onmessage = (event) => ifCurrent(() => this.#receive(event.data))();
    socket.onclose = ifCurrent(() => this.#drop(this.#error("connection_lost")));
    // A token that cannot be had needs no socket to say so.
    token.catch((error) => ifCurrent(() => this.#tokenFailed(error))());
  }

  /** @param {unknown} error */
  #tokenFailed(error) {
    if (this.#peer === null) this.#fail(error instanceof Error ? error : asError(error, "token_missing", this.#locale));
    else this.#drop(asError(error, "connection_lost", this.#locale));
  }

  /** @param {string} token */
  #join(token) {
    const resume = this.#resumeKey && this.#peer ? { peer: this.#peer, key: this.#resumeKey, seq: this.#seq } : null;
    const fields = { v: 1, token, ...this.#options.hello(), ...(resume ? { resume } : {}) };
    this.#requests.once(
      "join",
      fields,
      (reply) => this.#joined(reply),
      (error) => this.#refused(error),
    );
  }

  /** @param {Reply} reply */
  #joined(reply) {
    const first = this.#peer === null;
    const resumed = reply["resumed"] === true && reply["peer"] === this.#peer;
    this.#peer = String(reply["peer"]);
    this.#resumeKey = String(reply["resume_key"] ?? this.#resumeKey);
    this.#resumeWindowMs = Number(reply["limits"]?.["resume_window_s"] ?? RESUME_WINDOW_S) * 1000;
    // A reply with all of the room or desk in it contains every event up to its seq; without, the missed ones follow.
    if (!resumed || reply["room"] || reply["desk"]) this.#seq = Number(reply["seq"] ?? 0);
    this.#gapless = !resumed;
    this.#token.accepted();
    this.#env.clearTimeout(this.#firstTimer);
    this.#clearTimers();
    this.#after(STABLE_MS, () => this.#backoff.reset());
    this.#heartbeat.start();
    this.#heartbeat.heardClock(reply["server_time"]);
    this.#planRenewal(reply["self"]?.expires_at);
    this.emit("joined", { reply, first, resumed });
    this.#setState("joined", null);
    this.#requests.release(this.#peer);
    this.#opening?.resolve(reply);
  }

  /** @param {LianmaiError} error the join was refused */
  #refused(error) {
    if (STALE_RESUME.has(error.code) && this.#resumeKey) {
      this.#resumeKey = "";
      this.#drop(error);
    } else if (STALE_TOKEN.has(error.code) && this.#token.refused()) {
      this.#drop(error);
    } else if (this.#mayPass(error.code)) {
      this.#drop(error);
    } else {
      this.#fail(error);
    }
  }

  /** @param {string} code */
  #mayPass(code) {
    return PASSING.has(code) || code === "connection_lost" || (code === "room_full" && this.#peer !== null);
  }

  // --- messages ------------------------------------------------------------------------------------------------

  /** @param {unknown} data */
  #receive(data) {
    /** @type {Record<string, any>} */
    let message;
    try {
      message = JSON.parse(String(data));
    } catch {
      return;
    }
    if (typeof message !== "object" || message === null || typeof message["type"] !== "string") return;
    if (message["re"] !== undefined && message["re"] !== null) {
      this.#requests.settle(message["re"], (entry) => {
        if (message["type"] === "error") entry.reject(this.#fromWire(message));
        else entry.resolve(message);
      });
    } else if (message["type"] === "error") this.#refusedConnection(this.#fromWire(message));
    else this.#event(/** @type {WireEvent} */ (message));
  }

  /** @param {WireEvent} event */
  #event(event) {
    if (typeof event.seq === "number") {
      if (event.seq <= this.#seq) return;
      if (this.#gapless && event.seq > this.#seq + 1) {
        // Events were lost on the way; the server has them still.
        this.#drop(this.#error("connection_lost"));
        return;
      }
      this.#seq = event.seq;
    }
    if (event.type === "bye") this.#bye(event);
    else this.emit("event", event);
  }

  /** @param {WireEvent} event */
  #bye(event) {
    const error = this.#fromWire(event);
    this.emit("bye", { code: error.code, message: error.message });
    if (error.code === "server_restart") this.#drop(error);
    else this.#end(error, error);
  }

  /** @param {LianmaiError} error an `error` without `re`; the server closes after it */
  #refusedConnection(error) {
    if (this.#mayPass(error.code)) this.#drop(error);
    else if (STALE_TOKEN.has(error.code)) this.#refused(error);
    else this.#fail(error);
  }

  /** @param {Record<string, unknown>} message */
  #write(message) {
    if (this.#socket?.readyState !== 1) return; // Its close event is on the way, or the deadline notices.
    this.#socket.send(JSON.stringify(message));
  }

  /**
   * The server puts out whoever's token expires: bring a fresh one in time.
   * @param {unknown} expiresAt ms since epoch
   */
  #planRenewal(expiresAt) {
    this.#env.clearTimeout(this.#renewTimer);
    if (typeof expiresAt !== "number") return;
    const delay = renewalDelay(expiresAt, Date.now() + this.clockOffsetMs);
    this.#renewTimer = this.#env.setTimeout(() => void this.#renew(), delay);
  }

  async #renew() {
    try {
      const token = await this.#token.renew();
      if (token === null) return;
      const reply = await this.request("update_token", { token }, { retry: true });
      this.#planRenewal(reply["expires_at"]);
    } catch (error) {
      // If it was the last chance the server says so, and the join after that asks for a token again.
      this.emit("problem", asError(error, "token_expired", this.#locale));
    }
  }

  // --- endings -------------------------------------------------------------------------------------------------

  /** @param {LianmaiError} error the socket is of no more use; try another */
  #drop(error) {
    if (this.#state === "closed") return;
    this.#detach();
    this.#requests.dropped();
    this.#problem = error;
    const now = this.#env.now();
    if (this.#state === "joined") this.#resumableUntil = now + this.#resumeWindowMs;
    if (this.#peer !== null) this.#setState("reconnecting", error);
    this.emit("problem", error);
    if (this.#retryTimer || this.state === "closed") return;
    const resumable = this.#peer !== null && this.#resumeKey !== "" && now < this.#resumableUntil;
    let delay = this.#backoff.next((error.retryAfterS ?? 0) * 1000, resumable ? RESUME_RETRY_MS : undefined);
    if (!resumable && !this.#env.visible() && this.#backoff.tries > 5) delay = Math.max(delay, HIDDEN_RETRY_MS);
    this.#retryTimer = this.#env.setTimeout(() => this.#attempt(), delay);
  }

  /** The server's own words say more than that nothing worked. */
  #firstProblem() {
    const problem = this.#problem;
    return problem && PASSING.has(problem.code) ? problem : this.#error("connection_failed");
  }

  /** @param {Error} error */
  #fail(error) {
    this.#end(error, asError(error, "connection_failed", this.#locale));
  }

  /**
   * @param {Error} error what those who wait are told
   * @param {LianmaiError | null} reason null when we left ourselves
   */
  #end(error, reason) {
    if (this.#state === "closed") return;
    this.#detach();
    this.#env.clearTimeout(this.#retryTimer);
    this.#env.clearTimeout(this.#firstTimer);
    this.#env.clearTimeout(this.#renewTimer);
    this.#retryTimer = 0;
    this.#setState("closed", reason);
    this.#requests.rejectAll(asError(error, "closed", this.#locale));
    this.#opening?.reject(error);
  }

  #detach() {
    this.#clearTimers();
    this.#heartbeat.stop();
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // The closing handshake may take long on a dead network; nobody waits for it.
    socket.close(1000);
  }

  /**
   * @param {State} state
   * @param {LianmaiError | null} error
   */
  #setState(state, error) {
    if (this.#state === state) return;
    this.#state = state;
    this.emit("state", { state, error });
  }

  /**
   * A timer that dies with the present socket.
   * @param {number} ms
   * @param {() => void} run
   */
  #after(ms, run) {
    const timer = this.#env.setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }

  #clearTimers() {
    for (const timer of this.#timers) this.#env.clearTimeout(timer);
    this.#timers.clear();
  }

  get #locale() {
    return this.#options.locale?.() ?? "en";
  }

  /** @param {string} code */
  #error(code) {
    return new LianmaiError(code, undefined, { locale: this.#locale });
  }

  /** @param {Record<string, any>} message */
  #fromWire(message) {
    const retryAfterS = typeof message["retry_after_s"] === "number" ? message["retry_after_s"] : undefined;
    return new LianmaiError(String(message["code"] ?? "internal"), message["message"], {
      locale: this.#locale,
      retryAfterS,
    });
  }
}

/** The `/ws` of the page's own host. */
export function defaultUrl() {
  const url = new URL("/ws", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = url.hash = "";
  return url.href;
}

/**
 * What every join says of this client.
 * @param {string} locale
 * @param {string} client free text for the server's log
 * @returns {Record<string, unknown>}
 */
export function helloOf(locale, client) {
  return {
    locale: locale.toLowerCase().startsWith("zh") ? "zh-CN" : "en",
    ...(client ? { client: client.slice(0, 200) } : {}),
  };
}
