/**
 * The console's own connection to the room of one call: joined as soon as it rings, devices held until the answer, media
 * of this call's people only, kept through drops.
 *
 * Events: `change` (render again), `call` (the call as this connection heard it), `trouble` (something failed, the rest
 * goes on), `over` (this connection ended for good).
 */
import { Emitter } from "../sdk/emitter.js";
import { permission } from "../sdk/devices.js";
import { HelpLine } from "../sdk/help.js";
import { LianmaiRoom } from "../sdk/lianmai.js";
import { rightsOf, seatOf } from "./agent-help-view.js";
import { Capture } from "./capture.js";
import { openIfAllowed } from "./components/preview-check.js";
import { codeOf } from "./errors.js";
import { getLocale } from "./locale.js";
import { Outgoing } from "./outgoing.js";

/**
 * @typedef {import("./agent-help-types.js").Call} Call
 * @typedef {import("./components/quality-bars.js").Quality} Quality
 * @typedef {{ change: null, call: Call, trouble: unknown, over: { code: string, message: string } }} VisitEvents
 */

const KNOWN_MS = 500;

/** @extends {Emitter<VisitEvents>} */
export class HelpVisit extends Emitter {
  /** @type {Call} */
  call;
  room;
  help;
  /** Made when devices are first needed: a chat in words and listening in need none. @type {Capture | null} */
  capture = null;
  /** @type {Quality | null} */
  uplink = null;
  /** @type {Quality | null} */
  downlink = null;
  #identity;
  /** @type {Outgoing | null} */
  #outgoing = null;
  #entered = false;
  #closed = false;
  /** The room has said which call is ours: before, it would refuse what we send. */
  #known = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #knowing;
  /** The media for which devices were prepared. */
  #prepared = "";

  /**
   * @param {Call} call
   * @param {string} identity ours
   * @param {() => Promise<string>} token
   */
  constructor(call, identity, token) {
    super();
    this.call = call;
    this.#identity = identity;
    // The show that may go on in that room is not for this page.
    this.room = new LianmaiRoom({ token, room: call.room, locale: getLocale(), subscribe: "none" });
    this.help = new HelpLine(this.room, { call: call.id, receive: true });
    this.#listen();
  }

  /** Join and prepare; failures arrive as `over`. */
  async begin() {
    try {
      void this.#prepare();
      await this.room.join();
      this.#entered = true;
      if (this.help.call) this.#know();
      // Told right after the join; should that fail, the server decides what may be sent.
      else this.#knowing = setTimeout(() => this.#know(), KNOWN_MS);
      this.#changed();
    } catch (error) {
      this.#end({ code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") });
    }
  }

  get seat() {
    return seatOf(this.call, this.#identity);
  }

  get rights() {
    return rightsOf(this.seat);
  }

  /** Answered: what is held may go out. */
  get #live() {
    const { seat } = this;
    return seat !== null && seat.mode !== "ring";
  }

  /** The call as newly heard, by whichever connection. @param {Call} call */
  update(call) {
    this.call = call;
    void this.#prepare();
    this.#send();
    this.#changed();
  }

  /**
   * Open what this call needs, from a tap. Never rejects: a call can be answered without devices, in words.
   * @returns {Promise<boolean>} whether everything needed is open
   */
  async openDevices() {
    const { media } = this.call;
    if (media === "text") return true;
    const capture = this.#devices();
    if (capture.state === "opening") await opened(capture);
    if (!capture.tracks.microphone) await (media === "video" ? capture.open() : capture.retry("microphone"));
    this.#send();
    return capture.tracks.microphone !== null;
  }

  /** Open one device that is not open yet, from a tap. @param {"microphone" | "camera"} source */
  async openDevice(source) {
    const capture = this.#devices();
    capture.off[source] = false;
    if (!capture.tracks[source]) await capture.retry(source);
    this.#send();
    this.#changed();
  }

  /** Leave the room; the call itself goes on without us. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#knowing);
    this.#outgoing?.close();
    this.capture?.close();
    this.help.close();
    this.room.leave().catch(() => {});
  }

  #listen() {
    const { room, help } = this;
    room.on("room", () => this.#changed());
    for (const type of /** @type {const} */ (["track", "trackupdated", "trackremoved"])) room.on(type, () => this.#changed());
    room.on("state", ({ state }) => {
      if (state === "reconnecting") this.uplink = null;
      this.#changed();
    });
    room.on("uplink", ({ quality, reason }) => {
      this.uplink = { quality, reason };
      this.#changed();
    });
    room.on("downlink", ({ quality, reason }) => {
      this.downlink = { quality, reason };
      this.#changed();
    });
    help.on("call", ({ call, previous }) => {
      if (!call || call.id !== this.call.id) return;
      if (!previous) this.#know();
      this.emit("call", call);
    });
    room.on("error", (error) => this.emit("trouble", error));
    room.on("bye", (bye) => this.#end(bye));
  }

  #know() {
    clearTimeout(this.#knowing);
    this.#known = true;
    this.#send();
  }

  #devices() {
    if (!this.capture) {
      this.capture = new Capture();
      this.capture.on("change", () => this.#changed());
    }
    return this.capture;
  }

  /** Devices that open without a question are opened while it rings; no camera is switched on in the middle of a call. */
  async #prepare() {
    const { media } = this.call;
    const { seat } = this;
    if (!seat || seat.mode === "listen" || media === "text" || this.#prepared !== "") return;
    this.#prepared = media;
    const capture = this.#devices();
    if (media === "video" && seat.mode !== "whisper") {
      await openIfAllowed(capture);
    } else {
      capture.off.camera = true;
      if ((await permission("microphone")) === "granted" && !this.#closed) await capture.retry("microphone");
    }
    this.#send();
  }

  #send() {
    const { capture } = this;
    if (!capture || this.#closed || !this.#entered || !this.#known || capture.state !== "open") return;
    if (!this.#outgoing) {
      this.#outgoing = new Outgoing(this.room, capture);
      this.#outgoing.on("trouble", (error) => {
        if (this.#live) this.emit("trouble", error);
      });
    }
    if (this.#live) this.#outgoing.release();
    else void this.#outgoing.sync();
  }

  /** @param {{ code: string, message: string }} failure */
  #end(failure) {
    if (this.#closed) return;
    this.close();
    this.emit("over", failure);
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
