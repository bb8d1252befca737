/**
 * The shopper's side of a call, from the tap to the rating: what is known, and everything that can be done about it.
 * It knows no elements; the shell draws `view` and calls the methods.
 *
 * Events: `change` (draw again), `told` {id, ...} (something to say in passing), `call` {call, previous}.
 */
import { duckForCall } from "../sdk/sound.js";
import { Emitter } from "../sdk/emitter.js";
import { codeOf } from "../pages/errors.js";
import { CameraWishes } from "./camera.js";
import { CallMedia } from "./media.js";
import { Session } from "./session.js";
import { isOver, needs, viewOf } from "./view.js";
import { failureOf } from "./words.js";

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("./types.js").Call} Call
 * @typedef {import("./types.js").Consent} Consent
 * @typedef {import("./types.js").Failure} Failure
 * @typedef {import("./types.js").Media} Media
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("../pages/capture.js").DeviceSource} DeviceSource
 * @typedef {{ id: "taken" | "callback" | "trouble" | "sound" | "no_camera" | "still" | "consent_expired", failure?: Failure }} Told
 */

/**
 * @typedef {object} FlowOptions
 * @property {() => Session} connect
 * @property {() => object} context of the page, for the agent
 * @property {() => Promise<string>} envelope signed by the shop; empty: none
 * @property {string} queue
 * @property {string} link id of a direct call to an agent
 */

/** A room of our own is left when nobody looks at the card for so long. */
const IDLE_MS = 60_000;

/** @extends {Emitter<{ change: null, told: Told, call: { call: Call, previous: Call | null } }>} */
export class Flow extends Emitter {
  media = new CallMedia();
  camera = new CameraWishes(this, {
    changed: () => this.#changed(),
    sent: () => this.emit("told", { id: "still" }),
  });
  #options;
  /** @type {Session | null} */
  #session = null;
  /** @type {Omit<Model, "link" | "failure" | "microphone" | "camera" | "self">} */
  #state;
  /** @type {string} */
  #dismissed = "";
  #ducked = false;
  /** What is to be asked once the way is there. @type {{ media: Media, text: string } | null} */
  #wish = null;
  #wishing = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #idle;
  #typed = "";
  /** What the call was asked with, for whoever waits. */
  asked = "";
  /** What may be sent as a file. @type {{ maxBytes?: number, types?: readonly string[] }} */
  limits = {};

  /** @param {FlowOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#state = {
      open: false,
      queues: null,
      queue: options.queue,
      call: null,
      asking: false,
      refusal: null,
      callback: "none",
      calledAt: 0,
      rating: "open",
      media: "video",
      chat: false,
      stepping: "none",
    };
    this.media.on("change", () => this.#changed());
    this.media.on("trouble", (error) => {
      if (codeOf(error) !== "connection_lost") this.emit("told", { id: "trouble", failure: failureOf(error) });
    });
  }

  /** @returns {Model} */
  get model() {
    const session = this.#session;
    return {
      ...this.#state,
      link: session?.link ?? "none",
      failure: session?.failure ?? null,
      self: session?.room.self?.identity ?? "",
      microphone: this.media.view("microphone"),
      camera: this.media.view("camera"),
    };
  }

  get view() {
    return viewOf(this.model);
  }

  get call() {
    return this.#state.call;
  }

  get line() {
    return this.#session?.line ?? null;
  }

  get room() {
    return this.#session?.room ?? null;
  }

  get session() {
    return this.#session;
  }

  /** What was typed before the call, so that it is not typed again. */
  get typed() {
    return this.#typed;
  }

  set typed(text) {
    this.#typed = text;
  }

  // --- the way to the room -------------------------------------------------------------------------------------

  /** Be in the room, without anything to be seen. */
  connect() {
    clearTimeout(this.#idle);
    if (this.#session && this.#session.link !== "failed") return;
    this.#session?.close();
    this.follow(this.#options.connect());
  }

  /** @param {Session | null} session */
  follow(session) {
    if (this.#session && this.#session !== session) this.#session.close();
    this.#session = session;
    if (!session) {
      this.media.stop();
      this.#set({ call: null, queues: null });
      return;
    }
    session.on("change", () => this.#linked());
    const { line } = session;
    line.on("call", (/** @type {any} */ { call }) => this.#called(/** @type {Call} */ (call)));
    line.on("device", ({ ask, value }) => {
      if (this.view.scene === "call") void this.#try(() => this.camera.asked(ask, value));
    });
    if (line.call) this.#called(/** @type {any} */ (line.call));
    this.#linked();
  }

  #linked() {
    if (this.#session?.link === "ready") {
      if (!this.#state.queues) void this.#look();
      void this.#grant();
    }
    if (this.#session?.link === "failed") this.#wish = null;
    this.#changed();
  }

  async #look() {
    try {
      const { queues, files } = await /** @type {NonNullable<typeof this.line>} */ (this.line).status();
      if (files) this.limits = { maxBytes: files.max_bytes, types: files.types };
      this.#set({ queues: /** @type {any} */ (queues) });
    } catch {
      // The queues are news, not needed: asking tells what is wrong.
    }
  }

  // --- the card ------------------------------------------------------------------------------------------------

  open() {
    this.connect();
    if (this.#state.refusal) this.#set({ refusal: null });
    if (this.#session?.link === "ready") void this.#look();
    this.#set({ open: true });
  }

  /** A call goes on in the bubble; whatever is over is put away. */
  close() {
    const { scene } = this.view;
    if (scene === "rate" || scene === "over" || scene === "called") this.reset();
    if (scene === "callback") this.#state.callback = "none";
    this.#set({ open: false, chat: false });
    if (!this.#state.call) this.#idle = setTimeout(() => this.#leave(), IDLE_MS);
  }

  #leave() {
    const session = this.#session;
    if (this.#state.call || this.#state.open || !session?.own) return;
    this.#session = null;
    session.close();
    this.#set({ queues: null });
  }

  /** Back to the question, after a call. */
  reset() {
    this.#dismissed = this.#state.call?.id ?? this.#dismissed;
    this.#wish = null;
    this.camera.forget();
    this.#set({ call: null, rating: "open", callback: "none", refusal: null, stepping: "none", asking: false, chat: false });
    if (this.#session?.link === "ready") void this.#look();
  }

  // --- asking --------------------------------------------------------------------------------------------------

  /**
   * Ask for help; from a tap. The devices are asked for meanwhile: the place in the queue does not wait for them.
   * @param {Media} media
   * @param {string} [text]
   */
  start(media, text = this.#typed) {
    this.connect();
    this.#wish = { media, text: text.trim() };
    this.#set({ media, asking: true, refusal: null, open: true, rating: "open", callback: "none" });
    void this.media.want(media);
    void this.#grant();
  }

  async #grant() {
    const wish = this.#wish;
    const { line } = this;
    if (!wish || this.#wishing || !line || this.#session?.link !== "ready") return;
    this.#wishing = true;
    try {
      const envelope = await this.#options.envelope();
      const { queue, link } = this.#options;
      const asked = await line.ask(
        /** @type {any} */ ({
          media: wish.media,
          text: wish.text,
          context: this.#options.context(),
          ...(queue ? { queue } : {}),
          ...(envelope ? { envelope } : {}),
          ...(link ? { link } : {}),
        }),
      );
      this.#typed = "";
      this.asked = wish.text;
      if (asked) this.#called(/** @type {any} */ (asked));
    } catch (error) {
      this.media.stop();
      this.#set({ refusal: failureOf(error) });
    } finally {
      this.#wish = null;
      this.#wishing = false;
      this.#set({ asking: false });
    }
  }

  /** No more waiting. */
  async cancel() {
    this.#wish = null;
    const { call } = this.#state;
    this.media.stop();
    this.#set({ asking: false });
    if (call) await this.#try(() => this.line?.end(""));
    this.reset();
  }

  // --- the call ------------------------------------------------------------------------------------------------

  /** @param {Call} call */
  #called(call) {
    const previous = this.#state.call;
    if (call.id === this.#dismissed) return;
    if (previous && previous.id !== call.id && !isOver(previous) && isOver(call)) return;
    const began = previous?.id !== call.id;
    this.#state.call = call;
    if (began) {
      this.#state.rating = call.rating ? "done" : "open";
      this.#state.callback = "none";
      if (isOver(call) && !this.#state.open) {
        // Long over: only whoever looks is asked about it.
        this.#state.call = previous;
        return;
      }
    }
    this.#follow(call, previous, began);
    this.emit("call", { call, previous: began ? null : previous });
    this.#changed();
  }

  /**
   * @param {Call} call
   * @param {Call | null} previous
   * @param {boolean} began
   */
  #follow(call, previous, began) {
    if (isOver(call)) {
      this.media.stop();
      // Also to whoever has made it small: how did it go, or what now?
      if (previous && !isOver(previous) && call.outcome !== "abandoned") this.#state.open = true;
      this.camera.forget();
      this.#state.stepping = "none";
      this.#state.chat = false;
      return;
    }
    const was = previous?.escalation?.state;
    // A question of whether to be on air is seen by whoever has made the call small, too.
    if (call.escalation?.state === "asking" && was !== "asking") this.#state.open = true;
    if (call.escalation?.code === "consent_expired" && was === "asking") this.emit("told", { id: "consent_expired" });
    const room = this.room;
    const talking = call.state === "active" || call.state === "on_hold";
    if (began) this.#state.media = call.media;
    if (began && call.direction !== "out") void this.media.restore(call.media);
    if (began && (call.direction === "out" || talking)) this.#state.open = true;
    if (room && call.media !== "text" && (talking || call.direction !== "out")) this.media.send(room, !talking);
    if (talking && previous?.state !== "active") this.#state.callback = "none";
  }

  /** Yes to an agent who rings; from a tap. @param {Media} media */
  async accept(media) {
    const { call } = this.#state;
    if (!call) return;
    void this.media.want(media);
    this.#set({ media });
    await this.#try(async () => {
      await this.line?.answer();
      if (media !== call.media) await this.line?.setMedia(media);
    });
  }

  async decline() {
    await this.#try(() => this.line?.decline(""));
    this.reset();
    this.#set({ open: false });
  }

  async hangUp() {
    await this.#try(() => this.line?.end(""));
  }

  /** @param {string} text */
  async say(text) {
    return this.#try(() => this.line?.say(text));
  }

  /**
   * From text to a voice to a picture; from a tap. What cannot be had leaves the call as it is.
   * @param {Media} media
   */
  async step(media) {
    if (media === "text") return;
    this.#set({ stepping: media });
    await this.media.want(media);
    await this.stepped(media);
  }

  /** With what there is of it. @param {Media} media */
  async stepped(media) {
    const missing = needs(media).filter((source) => this.media.view(source).state !== "on");
    if (this.#state.stepping !== media || missing.length > 0) {
      this.#changed();
      return;
    }
    if (this.room) this.media.send(this.room, false);
    await this.#try(() => this.line?.setMedia(media));
    this.#set({ stepping: "none", media });
  }

  /** Not up, then. */
  stay() {
    this.#set({ stepping: "none" });
  }

  /** Without the device that cannot be had. @param {Media} media */
  async down(media) {
    this.#set({ media, stepping: "none" });
    if (this.#state.call && !isOver(this.#state.call)) await this.#try(() => this.line?.setMedia(media));
  }

  /** @param {DeviceSource} source */
  async toggle(source) {
    await this.media.toggle(source);
  }

  async share() {
    await this.#try(() => this.media.share());
  }

  toggleChat() {
    this.#set({ chat: !this.#state.chat });
  }

  // --- the live stage ------------------------------------------------------------------------------------------

  /** @param {Consent} consent */
  async consent(consent) {
    await this.#try(() => this.line?.consent(consent));
  }

  async offStage() {
    await this.#try(() => this.line?.deescalate());
  }

  // --- afterwards ----------------------------------------------------------------------------------------------

  /**
   * @param {number} score 1-5
   * @param {string} comment
   * @param {"yes" | "no" | null} solved
   */
  async rate(score, comment, solved) {
    this.#set({ rating: "sending" });
    const said = { ...(comment ? { comment } : {}), ...(solved ? { solved } : {}) };
    const done = await this.#try(() => this.line?.rate(score, /** @type {any} */ (said)));
    this.#set({ rating: done ? "done" : "open" });
  }

  /** The way to the room once more. */
  again() {
    this.reset();
    this.connect();
  }

  skipRating() {
    this.reset();
    this.close();
  }

  /** Somebody calls later. */
  askCallback() {
    this.#set({ callback: "form" });
  }

  backFromCallback() {
    this.#set({ callback: "none" });
  }

  /**
   * @param {number} at ms since epoch
   * @param {string} phone
   * @param {string} note
   */
  async leaveCallback(at, phone, note) {
    this.#set({ callback: "sending" });
    const { call, queue } = this.#state;
    const about = call && !isOver(call) ? { call: call.id } : this.view.queue ? { queue: this.view.queue.name } : queue ? { queue } : {};
    const done = await this.#try(() =>
      this.line?.leaveCallback(/** @type {any} */ ({ at, ...about, ...(phone ? { phone } : {}), ...(note ? { note } : {}) })),
    );
    if (done) this.media.stop();
    this.#set({ callback: done ? "done" : "form", calledAt: at });
  }

  // --- what the agent asks of the camera -----------------------------------------------------------------------

  /** @param {boolean} yes */
  async answerRequest(yes) {
    await this.#try(() => this.camera.answer(yes));
  }

  /** A sharp picture of what the camera sees, to the agent. */
  async still() {
    await this.#try(() => this.camera.still());
  }

  // --- inside --------------------------------------------------------------------------------------------------

  /**
   * Whatever fails is told, and nothing else happens.
   * @param {() => Promise<unknown> | undefined} work
   * @returns {Promise<boolean>}
   */
  async #try(work) {
    try {
      await work();
      return true;
    } catch (error) {
      if (codeOf(error) !== "cancelled") this.emit("told", { id: "trouble", failure: failureOf(error) });
      return false;
    }
  }

  /** @param {Partial<Model>} change */
  #set(change) {
    Object.assign(this.#state, change);
    this.#changed();
  }

  #changed() {
    this.camera.tell();
    const { ducked } = this.view;
    if (ducked !== this.#ducked) {
      this.#ducked = ducked;
      duckForCall(ducked);
    }
    this.emit("change", null);
  }
}
