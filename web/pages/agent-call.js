/**
 * The console in one room: while it rings (joined already, so that the answer is instant), listening in, asking for a
 * place, on air, and back on air after a reload.
 *
 * Events: `change` (render again), `over` (this visit ended; the reason), `trouble` (something failed, the rest goes on),
 * `news` (what the host changed about our place), `unmute` (the host asks us to speak or show ourselves again).
 */
import { Emitter } from "../sdk/emitter.js";
import { LianmaiRoom } from "../sdk/lianmai.js";
import { Capture } from "./capture.js";
import { openIfAllowed } from "./components/preview-check.js";
import { codeOf } from "./errors.js";
import { getLocale } from "./locale.js";
import { Outgoing } from "./outgoing.js";
import { placeNews, placeOf } from "./agent-view.js";

/**
 * @typedef {import("../sdk/types.js").Invite} Invite
 * @typedef {import("../sdk/types.js").Place} Place
 * @typedef {import("./agent-view.js").Mode} Mode
 * @typedef {{ code: string, message: string }} Failure
 * @typedef {{ audio: boolean, video: boolean, by: { identity: string, name: string } }} UnmuteRequest
 */

/**
 * Why a visit ended: we left, the stage let us go, nobody wanted us back after a reload, or an error.
 * @typedef {{ why: "left" | "offstage" | "lost_place" | "failed", failure: Failure | null, onAirMs: number }} CallEnd
 */

/**
 * @typedef {object} CallEvents
 * @property {null} change
 * @property {CallEnd} over
 * @property {unknown} trouble
 * @property {import("./agent-view.js").PlaceNews[]} news
 * @property {UnmuteRequest} unmute
 * @property {{ state: string, reason: string | null }} answered what became of our own request
 */

/** @extends {Emitter<CallEvents>} */
export class AgentCall extends Emitter {
  /** @type {Mode} */
  mode;
  roomName;
  room;
  /** Made when devices are first needed: listening in needs none. @type {Capture | null} */
  capture = null;
  /** The ring that we answer, or the request that we made. @type {Invite | null} */
  invite = null;
  /** An answer is under way. */
  busy = false;
  /** Why the last answer came to nothing. @type {Failure | null} */
  trouble = null;
  /** @type {import("./components/quality-bars.js").Quality | null} */
  uplink = null;
  /** Listening in goes on when a ring or a request comes to nothing. */
  #watched = false;
  /** @type {Outgoing | null} */
  #outgoing = null;
  /** @type {Place | null} */
  #place = null;
  #since = 0;
  #closed = false;
  #entered = false;
  /** On the server's clock, ms. */
  enteredAt = Infinity;
  #leaving = false;

  /**
   * @param {string} roomName
   * @param {Mode} mode
   * @param {() => Promise<string>} token
   */
  constructor(roomName, mode, token) {
    super();
    this.roomName = roomName;
    this.mode = mode;
    this.#watched = mode === "watch";
    this.room = new LianmaiRoom({ token, room: roomName, locale: getLocale() });
    this.#listen();
  }

  /** Join and prepare; failures arrive as `over`. */
  async begin() {
    try {
      if (this.mode !== "watch") this.prepare();
      await this.room.join();
      this.#entered = true;
      this.enteredAt = Date.now() + this.room.clockOffsetMs;
      this.#followPlace();
      if (this.mode === "back" && !this.#place) {
        this.#end("lost_place");
        return;
      }
      this.#outgoing?.sync();
      this.#changed();
    } catch (error) {
      this.#end("failed", error);
    }
  }

  get info() {
    return this.#entered ? this.room.info : null;
  }

  /** Our own place on the stage. */
  get place() {
    return this.#place;
  }

  /** How long we have been on air, in ms. */
  get onAirMs() {
    return this.#since === 0 ? 0 : Math.max(0, Date.now() - this.#since);
  }

  /** The devices for a look into the mirror; opened where that needs no question. */
  prepare() {
    if (!this.capture) {
      this.capture = new Capture();
      this.capture.on("change", () => this.#changed());
    }
    void openIfAllowed(this.capture).then((opened) => {
      // A request may publish only once it was made; a ring at once.
      if (opened && this.mode !== "offer") this.#send();
    });
  }

  /** A ring in the room that we are in already. @param {Invite} invite */
  rings(invite) {
    this.invite = invite;
    this.trouble = null;
    if (this.mode === "ring") {
      this.#changed();
      return;
    }
    this.mode = "ring";
    this.prepare();
    this.#changed();
  }

  /**
   * Go on air: from a tap, because the browser may ask for the devices first.
   * @returns {Promise<boolean>} false: see `trouble`, or the preview for devices that do not open
   */
  async accept() {
    const { invite } = this;
    if (!invite || this.busy || this.mode !== "ring") return false;
    this.busy = true;
    this.trouble = null;
    this.#changed();
    try {
      if (!(await this.#openDevices())) return false;
      await this.room.join();
      this.#entered = true;
      this.#send();
      await this.#outgoing?.sync();
      await this.room.goOnAir(invite.id);
      this.#onAir();
      return true;
    } catch (error) {
      if (!this.#closed) this.trouble = failureOf(error);
      return false;
    } finally {
      this.busy = false;
      this.#changed();
    }
  }

  /** Look into the mirror before asking for a place. */
  offer() {
    if (this.mode !== "watch") return;
    this.mode = "offer";
    this.trouble = null;
    this.prepare();
    this.#changed();
  }

  /** Ask for a place. @param {string} topic may be empty */
  async request(topic) {
    if (this.busy || this.mode !== "offer") return;
    this.busy = true;
    this.trouble = null;
    this.#changed();
    try {
      if (!(await this.#openDevices())) return;
      await this.room.join();
      this.#entered = true;
      const invite = await this.room.offerStage({ topic });
      if (this.#closed || this.mode !== "offer") return;
      this.invite = invite;
      this.mode = "asking";
      // Held: the picture is there the moment the host agrees.
      this.#send();
      if (invite.state === "accepted") this.#onAir();
    } catch (error) {
      if (!this.#closed) this.trouble = failureOf(error);
    } finally {
      this.busy = false;
      this.#changed();
    }
  }

  /** Give up an offer or a request. */
  withdraw() {
    const { invite } = this;
    if (this.mode === "asking" && invite) this.room.cancelInvite(invite.id).catch(() => {});
    this.#rest();
  }

  /** The ring is over, for whatever reason; listening in goes on where it was before. */
  ringOver() {
    if (this.mode === "ring") this.#rest();
  }

  /** Leave the stage, or stop listening. */
  async leave() {
    const onStage = this.mode === "air" || this.mode === "back";
    this.#leaving = true;
    if (onStage && this.#place) await this.room.leaveStage().catch(() => {});
    this.#end("left");
  }

  /** Off the air and out of the room, without a word. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#outgoing?.close();
    this.capture?.close();
    this.room.leave().catch(() => {});
  }

  #listen() {
    const { room } = this;
    room.on("room", () => {
      this.#followPlace();
      this.#changed();
    });
    room.on("viewers", () => this.#changed());
    room.on("state", ({ state }) => {
      if (state === "reconnecting") this.uplink = null;
      this.#changed();
    });
    room.on("uplink", ({ quality, reason }) => {
      this.uplink = { quality, reason };
      this.#changed();
    });
    room.on("invite", ({ invite }) => this.#inviteChanged(invite));
    room.on("unmuterequested", (request) => this.emit("unmute", request));
    room.on("offstage", () => {
      if (!this.#leaving && (this.mode === "air" || this.mode === "back")) this.#end("offstage");
    });
    room.on("error", (error) => this.emit("trouble", error));
    room.on("unpublished", ({ code, message }) => {
      if (this.mode === "air" && code !== "off_stage" && code !== "show_ended") this.emit("trouble", { code, message });
    });
    room.on("bye", (bye) => this.#end("failed", bye));
  }

  /** @param {Invite} invite */
  #inviteChanged(invite) {
    if (this.mode !== "asking" || invite.id !== this.invite?.id) return;
    this.invite = invite;
    if (invite.state === "pending" || invite.state === "accepted") return;
    this.emit("answered", { state: invite.state, reason: invite.reason });
    this.#rest();
  }

  #followPlace() {
    if (!this.#entered) return;
    const before = this.#place;
    this.#place = placeOf(this.room.info.stage, this.room.self?.identity);
    // Somebody agreed to our request, or the page was loaded anew while we were on.
    if (this.#place && (this.mode === "asking" || this.mode === "back")) this.#onAir();
    const news = placeNews(before, this.#place);
    const { audio = false, video = false } = this.#place?.locked ?? {};
    if (audio && this.capture?.off.microphone === false) this.capture.setOff("microphone", true);
    if (video && this.capture?.off.camera === false) this.capture.setOff("camera", true);
    if (news.length > 0) this.emit("news", news);
  }

  #onAir() {
    if (this.mode === "air") return;
    const returning = this.mode === "back";
    this.mode = "air";
    this.#since = (returning && readAir()?.since) || Date.now();
    writeAir({ room: this.roomName, since: this.#since });
    if (returning) void this.#sendAgain();
    else this.#outgoing?.release();
    this.#changed();
  }

  /** After a reload: what was allowed before is sent again at once. */
  async #sendAgain() {
    if (this.capture && (await openIfAllowed(this.capture))) this.#send();
  }

  /** From a tap, when the browser had to be asked after all. */
  async reopen() {
    if (this.capture && this.capture.state !== "open") await this.capture.open();
    this.#send();
  }

  /** @returns {Promise<boolean>} whether there is anything to send */
  async #openDevices() {
    if (!this.capture) this.prepare();
    const { capture } = this;
    if (!capture) return false;
    // The preview may be opening by itself at this very moment.
    if (capture.state === "opening") await opened(capture);
    if (capture.state === "closed") await capture.open();
    if (this.#closed) return false;
    if (capture.tracks.camera || capture.tracks.microphone) return true;
    // The preview tells what is wrong and how to put it right.
    return false;
  }

  #send() {
    if (!this.capture || this.#closed) return;
    if (!this.#outgoing) {
      this.#outgoing = new Outgoing(this.room, this.capture);
      this.#outgoing.on("trouble", (error) => {
        if (this.mode === "air") this.emit("trouble", error);
      });
    }
    if (this.mode === "air") this.#outgoing.release();
    else if (this.#entered) void this.#outgoing.sync();
  }

  /** Nothing came of it: listen on, or leave. */
  #rest() {
    this.invite = null;
    this.busy = false;
    this.trouble = null;
    this.#outgoing?.close();
    this.#outgoing = null;
    this.capture?.close();
    this.capture = null;
    if (!this.#watched) {
      this.#end("left");
      return;
    }
    this.mode = "watch";
    this.#changed();
  }

  /**
   * @param {CallEnd["why"]} why
   * @param {unknown} [error]
   */
  #end(why, error) {
    if (this.#closed) return;
    const { onAirMs } = this;
    if (this.mode === "air" || this.mode === "back") writeAir(null);
    this.close();
    this.emit("over", { why, failure: error === undefined ? null : failureOf(error), onAirMs });
  }

  #changed() {
    if (!this.#closed) this.emit("change", null);
  }
}

/** @param {Capture} capture @returns {Promise<void>} when it is open, or closed again */
function opened(capture) {
  return new Promise((resolve) => {
    const undo = capture.on("change", () => {
      if (capture.state === "opening") return;
      undo();
      resolve();
    });
  });
}

/** @param {unknown} error @returns {Failure} */
function failureOf(error) {
  return { code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
}

/** Where this tab is on air, so that a reload finds the way back. */
const AIR_KEY = "lianmai.on-air";

/** @returns {{ room: string, since: number } | null} */
export function readAir() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(AIR_KEY) ?? "null");
    return typeof kept?.room === "string" ? { room: kept.room, since: Number(kept.since) || 0 } : null;
  } catch {
    return null;
  }
}

/** @param {{ room: string, since: number } | null} air */
function writeAir(air) {
  try {
    if (air === null) sessionStorage.removeItem(AIR_KEY);
    else sessionStorage.setItem(AIR_KEY, JSON.stringify(air));
  } catch {
    // Storage may be blocked: a reload then leaves the stage.
  }
}
