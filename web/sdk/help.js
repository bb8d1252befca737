/**
 * One-to-one help, both sides of it: everything that can be asked about a call in a room, and what is told about it.
 * A HelpLine stands beside a LianmaiRoom; see README.md in this folder.
 * @module
 */
import { BlurredTrack } from "./blur.js";
import { AGAIN, CallTools, given } from "./call_tools.js";
import { asError } from "./errors.js";
import { currentCall, deviceOf, isOver, tracksOf } from "./help_state.js";
import { same } from "./stage_state.js";

/** @typedef {import("./types.js").CallInfo} CallInfo */
/** @typedef {import("./types.js").CallMedia} CallMedia */
/** @typedef {import("./types.js").CallPointer} CallPointer */
/** @typedef {import("./types.js").CallTarget} CallTarget */
/** @typedef {import("./types.js").HelpStatus} HelpStatus */
/** @typedef {import("./types.js").Reply} Reply */
/** @typedef {import("./types.js").WireEvent} WireEvent */
/** @typedef {import("./lianmai.js").LianmaiRoom} LianmaiRoom */

/**
 * @typedef {object} HelpOptions
 * @property {string} [call] the one meant, where several concern us: a supervisor's; default: the room's current one
 * @property {boolean} [receive] ask for the tracks of the call's people, and no others: for a room with
 *   `subscribe: "none"`, an agent's in a live room
 */

export class HelpLine extends CallTools {
  #room;
  /** @type {string | null} */
  #pinned;
  /** @type {CallInfo | null} */
  #call = null;
  /** @type {(() => void)[]} */
  #undo = [];
  /** @type {Map<string, CallPointer>} */
  #pointers = new Map();
  /** What is asked for to be received, with `receive`. @type {Set<string>} */
  #received = new Set();
  #closed = false;

  /**
   * @param {LianmaiRoom} room joined or not
   * @param {HelpOptions} [options]
   */
  constructor(room, { call, receive = false } = {}) {
    super(room);
    this.#room = room;
    this.#pinned = call ?? null;
    room.seam.coverWith((track) => new BlurredTrack(track));
    this.#undo.push(
      room.on("call", () => this.#look()),
      room.on("callnews", (event) => this.#heard(event)),
    );
    if (receive) {
      this.#undo.push(
        room.on("room", () => this.#receive()),
        room.on("state", () => this.#receive()),
      );
    }
    this.#look();
  }

  /**
   * Our call here as last heard; the last one stays when it has ended, to be rated.
   * @override
   * @returns {CallInfo | null}
   */
  get call() {
    return this.#call;
  }

  /** The library's own. @override @returns {string} */
  get callId() {
    return this.#pinned ?? super.callId;
  }

  /** Where the others' laser pointers are, by identity. @returns {ReadonlyMap<string, CallPointer>} */
  get pointers() {
    return this.#pointers;
  }

  /** No longer look; the call itself goes on. */
  close() {
    this.#closed = true;
    for (const undo of this.#undo.splice(0)) undo();
    this.reset();
  }

  // --- asking --------------------------------------------------------------------------------------------------

  /** Which queues there are, whether they are open, and how long they take now. @returns {Promise<HelpStatus>} */
  async status() {
    const { queues, files } = await this.#room.ask("help_status", {}, { retry: true });
    return { queues, files };
  }

  /**
   * Ask for help. Asking again gives the call there is.
   * @param {{ queue?: string | undefined, media?: CallMedia | undefined, text?: string | undefined,
   *   context?: import("./types.js").CallContext | undefined, envelope?: string | undefined,
   *   link?: string | undefined }} [about] link: of an agent, who is rung then
   * @returns {Promise<CallInfo>}
   */
  async ask({ queue, media = "text", text, context, envelope, link } = {}) {
    const fields = given({ queue, text, context, envelope, link });
    return this.#takeCall(await this.#room.ask("help", { media, ...fields }, AGAIN));
  }

  /** The shopper steps up, or down. @param {CallMedia} media */
  setMedia(media) {
    return this.#request("set_call_media", { media });
  }

  /**
   * Want to be called later; whoever waits stops waiting.
   * @param {{ at: number, phone?: string | undefined, note?: string | undefined, queue?: string | undefined }} when
   *   at: ms since epoch
   * @returns {Promise<{ id: string, at: number, queue: string }>}
   */
  async leaveCallback({ at, phone, note, queue }) {
    const waiting = this.#call && !isOver(this.#call) ? this.#call.id : undefined;
    const fields = { at, ...given({ call: waiting, queue: waiting ? undefined : queue, phone, note }) };
    return (await this.#room.ask("leave_callback", fields))["callback"];
  }

  /**
   * An agent rings a shopper who is in the room.
   * @param {string} identity
   * @param {{ media?: "voice" | "video" | undefined, topic?: string | undefined }} [about]
   */
  async callShopper(identity, { media = "video", topic } = {}) {
    return this.#takeCall(await this.#room.ask("call_shopper", { identity, media, ...given({ topic }) }, AGAIN));
  }

  // --- the call ------------------------------------------------------------------------------------------------

  /** Yes, by whoever is rung. What is held is sent at the same time, and held again if the server refuses. */
  answer() {
    return this.#room.seam.sendWhile(() => this.#request("answer_call"));
  }

  /** @param {string} [reason] up to 120 characters */
  decline(reason) {
    return this.#request("decline_call", given({ reason }));
  }

  /** An agent picks one that waits. @param {string} [call] its id */
  take(call) {
    if (call !== undefined) this.#pinned = call;
    return this.#room.seam.sendWhile(() => this.#request("take_call"));
  }

  /** The shopper waits: neither side sees or hears the other. */
  hold() {
    return this.#request("hold_call");
  }

  resume() {
    return this.#room.seam.sendWhile(() => this.#request("resume_call"));
  }

  /**
   * Hand the shopper on.
   * @param {CallTarget} to
   * @param {{ warm?: boolean | undefined, note?: string | undefined }} [how] warm: talk to the colleague first
   */
  transfer(to, { warm = false, note } = {}) {
    return this.#request("transfer_call", { to, warm, ...given({ note }) });
  }

  completeTransfer() {
    return this.#request("complete_transfer");
  }

  cancelTransfer() {
    return this.#request("cancel_transfer");
  }

  /** Ring a colleague into the call. @param {{ identity: string } | { skill: string }} to */
  addToCall(to) {
    return this.#request("add_to_call", { to });
  }

  /** An agent goes while another stays. */
  async leaveCall() {
    await this.tell("leave_call");
  }

  /**
   * Needs the grant `supervise`.
   * @param {import("./types.js").SuperviseMode} mode
   * @param {string} [call] its id
   */
  supervise(mode, call) {
    if (call !== undefined) this.#pinned = call;
    return this.#request("supervise_call", { mode });
  }

  /** Hang up, or stop waiting. @param {string} [reason] up to 120 characters */
  async end(reason) {
    await this.tell("end_call", given({ reason }));
  }

  /**
   * What the agent writes down.
   * @param {{ note?: string | undefined, reasons?: readonly string[] | undefined,
   *   solved?: "yes" | "no" | "unknown" | undefined, done?: boolean | undefined }} notes done: free for the next
   */
  wrapUp({ note, reasons, solved, done = false }) {
    return this.#request("wrap_up", { ...(note === undefined ? {} : { note }), ...given({ reasons, solved }), done });
  }

  /**
   * What the shopper thinks of it, until 24 h after.
   * @param {number} score 1 to 5
   * @param {{ comment?: string | undefined, solved?: "yes" | "no" | undefined }} [more]
   */
  async rate(score, { comment, solved } = {}) {
    await this.tell("rate_call", { score, ...given({ comment, solved }) });
  }

  // --- to the stage and back -----------------------------------------------------------------------------------

  /** Ask the shopper, then the host, to go on with this on the stage. @param {string} [topic] */
  escalate(topic) {
    return this.#request("escalate_call", given({ topic }));
  }

  /**
   * What the shopper agrees to show the audience. With `blurred` the camera sends a blurred picture before the server
   * hears of it, and the sharp one again when the stage is over; it rejects, and nothing was agreed to, if this device
   * cannot blur.
   * @param {import("./types.js").StageConsent} consent
   */
  async consent(consent) {
    const say = () => this.#request("consent_stage", { consent });
    return consent === "blurred" ? this.#room.seam.coverWhile(say) : say();
  }

  /** Back into the private call. */
  deescalate() {
    return this.#request("deescalate_call");
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<CallInfo>}
   */
  async #request(type, fields) {
    return this.#takeCall(await this.tell(type, fields));
  }

  /** @param {Reply} reply @returns {CallInfo} */
  #takeCall(reply) {
    this.#room.seam.hear({ type: "call", call: reply["call"] });
    return this.#room.info.calls.find(({ id }) => id === reply["call"]?.id) ?? reply["call"];
  }

  // --- what is told --------------------------------------------------------------------------------------------

  #find() {
    const { calls, name } = this.#room.info;
    if (this.#pinned === null) return currentCall(calls, name);
    return calls.find(({ id }) => id === this.#pinned) ?? null;
  }

  #look() {
    const previous = this.#call;
    const call = this.#find();
    if (call === previous) return;
    if (call?.id !== previous?.id) {
      this.#pointers.clear();
      this.reset();
    }
    this.#call = call;
    this.emit("call", { call, previous });
    if (call?.cards && !same(call.cards, previous?.id === call.id ? previous.cards : undefined)) {
      this.emit("cards", { cards: call.cards });
    }
  }

  /** @param {WireEvent} event */
  #heard(event) {
    if (event["call"] !== this.#call?.id) return;
    // What is drawn changes the call without a `call`.
    this.#call = this.#find();
    if (!this.#call) return;
    const { mark, message, pointer, ask, value } = /** @type {Record<string, any>} */ (event);
    const by = identityOf(event["by"]);
    switch (event.type) {
      case "call_message":
        return this.emit("message", { message });
      case "call_mark":
        return this.emit("mark", { mark });
      case "call_clear":
        return this.emit("clear", { mark: mark ?? null, by });
      case "call_freeze":
        return this.emit("freeze", { frame: this.#call.frame, by });
      case "call_checklist":
        return this.emit("checklist", { checklist: this.#call.checklist });
      case "call_device":
        // On the wire it is a number, whatever is asked.
        return this.emit("device", { ask, value: ask === "torch" && value != null ? value !== 0 : value ?? null });
      case "call_device_state":
        return this.emit("devicestate", { device: deviceOf(event) });
      case "call_pointer":
        return this.#pointed(by, pointer ?? null);
      default:
        return undefined;
    }
  }

  /**
   * @param {string} by
   * @param {CallPointer | null} pointer
   */
  #pointed(by, pointer) {
    if (by === this.#room.self?.identity) return;
    if (pointer && typeof pointer.x !== "number") return;
    if (pointer) this.#pointers.set(by, pointer);
    else this.#pointers.delete(by);
    this.emit("pointer", { by, pointer });
  }

  /** Asked while it rings already, so that the answer needs no negotiation. */
  #receive() {
    const room = this.#room;
    if (room.state !== "joined") return;
    const present = new Set(room.info.tracks.map(({ id }) => id));
    const wanted = tracksOf(this.#find(), room.info.tracks, room.self?.identity).map(({ id }) => id);
    const gone = [...this.#received].filter((id) => !wanted.includes(id));
    const added = wanted.filter((id) => !this.#received.has(id));
    this.#received = new Set(wanted);
    const failed = (/** @type {unknown} */ thrown) => {
      const error = asError(thrown);
      // Asked again with the next news of the room.
      this.#received.clear();
      if (error.code !== "track_not_found" && error.code !== "closed" && !this.#closed) this.emit("error", error);
    };
    if (added.length > 0) room.subscribe(added).catch(failed);
    const ended = gone.filter((id) => present.has(id));
    if (ended.length > 0) room.unsubscribe(ended).catch(failed);
  }
}

/** @param {any} by an identity, or somebody who has one */
function identityOf(by) {
  return typeof by === "string" ? by : String(by?.identity ?? "");
}
