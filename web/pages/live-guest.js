/**
 * Somebody of the audience on the way to the stage and on it: the raised hand, the ring with a look into the mirror,
 * on air, muted by the host, and back in the audience. The room is the page's own; only what we send belongs here.
 *
 * Events: `change` (render again), `said` (something to tell in passing: see agent-words.js).
 */
import { Emitter } from "../sdk/emitter.js";
import { placeNews, placeOf, remaining, ringEnd, ringOf } from "./agent-view.js";
import { Capture } from "./capture.js";
import { openIfAllowed } from "./components/preview-check.js";
import { codeOf } from "./errors.js";
import { Outgoing } from "./outgoing.js";

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("../sdk/types.js").Invite} Invite
 * @typedef {import("../sdk/types.js").Place} Place
 * @typedef {import("./capture.js").DeviceSource} DeviceSource
 * @typedef {{ code: string, message: string }} Failure
 * @typedef {{ audio: boolean, video: boolean, by: { identity: string, name: string } }} UnmuteRequest
 */

/** A list without our ring may come just before the news of what became of it. */
const NEWS_FOLLOWS_MS = 600;

/** @extends {Emitter<{ change: null, said: import("./agent-console.js").Said }>} */
export class Guest extends Emitter {
  /** @type {"audience" | "ring" | "air"} */
  mode = "audience";
  /** The ring. @type {Invite | null} */
  invite = null;
  /** An answer is under way. */
  busy = false;
  /** Why the last answer came to nothing. @type {Failure | null} */
  trouble = null;
  /** @type {Capture | null} */
  capture = null;
  /** The host asks us to be heard or seen again. @type {UnmuteRequest | null} */
  asked = null;
  /** @type {Place | null} */
  place = null;
  #room;
  /** @type {Outgoing | null} */
  #outgoing = null;
  /** @type {(() => void)[]} */
  #undo = [];
  #since = 0;
  #leaving = false;

  /** @param {LianmaiRoom} room */
  constructor(room) {
    super();
    this.#room = room;
    this.#undo.push(
      room.on("room", () => this.#follow()),
      room.on("invite", ({ invite }) => this.#inviteChanged(invite)),
      room.on("unmuterequested", (request) => {
        this.asked = request;
        this.emit("change", null);
      }),
      room.on("unpublished", ({ code, message }) => {
        if (this.mode === "air" && code !== "off_stage" && code !== "show_ended") this.emit("said", { what: "trouble", code, message });
      }),
    );
    this.#follow();
  }

  /** Whether our hand is up. */
  get raised() {
    return this.#room.info.hand.raised;
  }

  /** Whether hands may be raised, by us too. */
  get handsOpen() {
    const { info, self } = this.#room;
    // Who is on stage by a call has no place of the guest's kind, and needs no hand either.
    const off = this.mode === "audience" && !airedByCall(info) && placeOf(info.stage, self?.identity) === null;
    return info.stage.hands_open && (info.state === "live" || info.state === "away") && off;
  }

  /** On stage, but nothing of us is sent: after a reload. */
  get silent() {
    return this.mode === "air" && this.capture?.state !== "open";
  }

  /** Until nobody waits for our answer any more, in ms. */
  get remainingMs() {
    return remaining(this.invite?.ring_until ?? null, Date.now(), this.#room.clockOffsetMs);
  }

  /** What we send, for our own tile. @returns {import("./remote-stage.js").OwnMedia | null} */
  get own() {
    const { capture } = this;
    if (this.mode !== "air" || !capture) return null;
    return {
      camera: capture.off.camera ? null : capture.tracks.camera,
      screen: capture.screen?.video ?? null,
      micMuted: capture.off.microphone || !capture.tracks.microphone,
    };
  }

  /** @param {string} topic may be empty */
  async raise(topic) {
    await this.#room.raiseHand(topic);
  }

  async lower() {
    await this.#room.lowerHand();
  }

  /** From a tap, because the browser may ask for the devices first. */
  async accept() {
    const { invite } = this;
    if (!invite || this.busy || this.mode !== "ring") return;
    this.busy = true;
    this.trouble = null;
    this.emit("change", null);
    try {
      if (!(await this.#openDevices())) return;
      this.#send();
      await this.#outgoing?.sync();
      await this.#room.goOnAir(invite.id);
      this.#onAir();
    } catch (error) {
      if (this.mode === "ring") this.trouble = failureOf(error);
    } finally {
      this.busy = false;
      this.emit("change", null);
    }
  }

  async decline() {
    const { invite } = this;
    this.#rest();
    if (invite) await this.#room.declineInvite(invite.id).catch(() => {});
  }

  /** Off the stage, by our own wish. */
  async leave() {
    this.#leaving = true;
    try {
      await this.#room.leaveStage();
    } finally {
      this.#leaving = false;
    }
  }

  /** The preview's devices, or those of the stage after a reload; from a tap. */
  async open() {
    if (this.capture && this.capture.state !== "open") await this.capture.open();
    if (this.mode === "air") this.#send();
  }

  /** @param {DeviceSource} source */
  isLocked(source) {
    return this.place?.locked[source === "camera" ? "video" : "audio"] === true;
  }

  /** Microphone or camera off or on; one that is missing is tried again. @param {DeviceSource} source */
  async toggle(source) {
    const { capture } = this;
    if (!capture || this.isLocked(source)) return;
    if (capture.tracks[source]) capture.setOff(source, !capture.off[source]);
    else {
      capture.off[source] = false;
      await capture.retry(source);
    }
  }

  /** @param {boolean} yes to the host's wish */
  async answerUnmute(yes) {
    const { asked, capture } = this;
    this.asked = null;
    this.emit("change", null);
    if (!yes || !asked || !capture) return;
    for (const source of /** @type {const} */ (["microphone", "camera"])) {
      const wished = source === "camera" ? asked.video : asked.audio;
      if (wished && (capture.off[source] || !capture.tracks[source])) await this.toggle(source);
    }
  }

  /** Devices off; the room is not touched. */
  close() {
    for (const undo of this.#undo.splice(0)) undo();
    this.#putAway();
  }

  #follow() {
    const { info, self } = this.#room;
    if (!self) return;
    const before = this.place;
    // On the stage with a call: what is sent is the call's, and so is the way back.
    this.place = airedByCall(info) ? null : placeOf(info.stage, self.identity);
    if (self.grants["show"] === true) return;
    if (this.place && this.mode !== "air") this.#onAir();
    if (!this.place && before && this.mode === "air") this.#offAir();
    const news = placeNews(before, this.place);
    if (news.includes("muted_audio")) this.capture?.setOff("microphone", true);
    if (news.includes("muted_video")) this.capture?.setOff("camera", true);
    for (const what of news) this.emit("said", { what });
    this.#followRing();
    this.emit("change", null);
  }

  #followRing() {
    const { info, self } = this.#room;
    if (this.mode === "air" || !self) return;
    const ring = ringOf(info.invites, self.identity);
    if (ring && ring.id !== this.invite?.id) {
      this.invite = ring;
      this.trouble = null;
      this.mode = "ring";
      this.#prepare();
    } else if (ring) {
      this.invite = ring;
    } else if (this.mode === "ring" && !this.busy) {
      const gone = this.invite;
      setTimeout(() => {
        if (this.mode === "ring" && !this.busy && this.invite === gone) this.#rest();
      }, NEWS_FOLLOWS_MS);
    }
  }

  /** @param {Invite} invite */
  #inviteChanged(invite) {
    const { self } = this.#room;
    if (!self || invite.id !== this.invite?.id || this.mode !== "ring") return;
    const end = ringEnd(invite, self.identity);
    if (end === null || end === "declined") return;
    this.busy = false;
    this.#rest();
    this.emit("said", { what: `ring_${end}`, name: invite.from.name });
  }

  /** The devices for a look into the mirror; opened where that needs no question. */
  #prepare() {
    this.#newCapture();
    if (this.capture) void openIfAllowed(this.capture).then((opened) => opened && this.#send());
  }

  #newCapture() {
    if (this.capture) return;
    this.capture = new Capture();
    this.capture.on("change", () => this.emit("change", null));
  }

  #onAir() {
    this.mode = "air";
    this.invite = null;
    this.#since ||= Date.now();
    if (this.capture) {
      this.#send();
    } else {
      // After a reload: what was allowed before is sent again at once.
      this.#prepare();
    }
    this.emit("change", null);
  }

  #offAir() {
    const ms = this.#since === 0 ? 0 : Date.now() - this.#since;
    this.#since = 0;
    this.asked = null;
    this.#rest();
    if (this.#room.info.state !== "ended") this.emit("said", { what: this.#leaving ? "left_stage" : "offstage", ms });
  }

  #rest() {
    this.mode = "audience";
    this.invite = null;
    this.trouble = null;
    this.#putAway();
    this.emit("change", null);
  }

  #putAway() {
    this.#outgoing?.close();
    this.#outgoing = null;
    this.capture?.close();
    this.capture = null;
  }

  /** @returns {Promise<boolean>} whether there is anything to send; the preview tells why not */
  async #openDevices() {
    this.#newCapture();
    const { capture } = this;
    if (!capture) return false;
    if (capture.state === "closed") await capture.open();
    return Boolean(capture.tracks.camera || capture.tracks.microphone);
  }

  #send() {
    if (!this.capture) return;
    if (!this.#outgoing) {
      this.#outgoing = new Outgoing(this.#room, this.capture);
      this.#outgoing.on("trouble", (error) => {
        // A lost connection is told by the banner; what failed with it is tried again when it is back.
        if (this.mode === "air" && codeOf(error) !== "connection_lost") this.emit("said", { what: "trouble", ...failureOf(error) });
      });
    }
    if (this.mode === "air") this.#outgoing.release();
    else void this.#outgoing.sync();
  }
}

/**
 * Our call is on the stage, or about to be.
 * @param {import("../sdk/types.js").RoomInfo} info
 */
function airedByCall({ calls = [] }) {
  return calls.some(({ escalation }) => escalation?.state === "offered" || escalation?.state === "on_stage");
}

/** @param {unknown} error @returns {Failure} */
function failureOf(error) {
  return { code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
}
