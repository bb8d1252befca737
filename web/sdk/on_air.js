/**
 * What the stage and a call of one-to-one help mean for what we send: held until we are on the stage or the call is
 * answered, muted while the host says so, covered when only that was agreed to, ended when there is neither.
 * Whispers have nothing to do with either and are left alone.
 * @module
 */
import { LianmaiError } from "./errors.js";
import { mustBlur, sendingOf } from "./help_state.js";
import { brings } from "./stage_state.js";

/** @typedef {import("./tracks.js").LocalTrack} LocalTrack */
/** @typedef {import("./tracks.js").MakeCover} MakeCover */
/** @typedef {import("./types.js").CallInfo} CallInfo */
/** @typedef {import("./types.js").Invite} Invite */
/** @typedef {import("./types.js").Place} Place */

/** How long a covered picture is waited for to be sent, ms: after that nothing else is sent either. */
const COVERED_MS = 1_000;
const LOOK_MS = 30;

/**
 * @typedef {object} OnAirOptions
 * @property {import("./env.js").Env} env
 * @property {() => Iterable<LocalTrack>} tracks what we publish
 * @property {(local: LocalTrack, error: LianmaiError) => void} lose end one of them here; the server has done so
 * @property {() => Place | null} place our own
 * @property {() => CallInfo | null} call ours in this room
 * @property {() => readonly Invite[]} invites pending ones
 * @property {() => string | undefined} identity ours
 * @property {() => boolean} mayAlways whether we may send without a place on the stage
 * @property {() => string} locale
 */

export class OnAir {
  #options;
  /** What the server last said that it holds. @type {WeakSet<LocalTrack>} */
  #heldThere = new WeakSet();
  /** How many go() wait for the server. */
  #going = 0;
  /** How many coverWhile() wait for the server. */
  #covering = 0;
  /** @type {MakeCover} */
  #make = () => {
    throw this.#error("unsupported_browser");
  };

  /** @param {OnAirOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Send what is held, at once, while the server is asked; hold it again if it refuses.
   * @template T
   * @param {() => Promise<T>} accept
   * @returns {Promise<T>}
   */
  async go(accept) {
    this.#going++;
    const lifted = this.#tracks().filter((local) => local.held);
    const lifting = hold(lifted, false);
    try {
      const result = await accept();
      await lifting;
      return result;
    } catch (error) {
      // Without an answer nobody knows; if it was a yes, the place on the stage or the call says so and lifts it again.
      if (!this.#free && this.#sending !== "open") {
        await hold(this.#tracks().filter((local) => lifted.includes(local) || this.#heldThere.has(local)), true);
      }
      throw error;
    } finally {
      this.#going--;
    }
  }

  /** @param {MakeCover} make what covers a camera; until there is one, covered is nothing */
  coverWith(make) {
    this.#make = make;
  }

  /**
   * Cover the cameras first, and only then ask; uncover them if the server refuses.
   * @template T
   * @param {() => Promise<T>} ask
   * @returns {Promise<T>} rejects without having asked if they cannot be covered
   */
  async coverWhile(ask) {
    this.#covering++;
    try {
      await Promise.all(this.#cameras().map((local) => local.cover(this.#make).then(() => this.#seen(local))));
      return await ask();
    } finally {
      this.#covering--;
      this.#cover();
    }
  }

  /** A track is about to be published. @param {LocalTrack} local */
  begins(local) {
    if (local.source === "whisper") return;
    local.lock(lockedOf(this.#options.place(), local));
    if (local.source === "camera" && this.#mustCover) void local.cover(this.#make);
  }

  /**
   * The server has it.
   * @param {LocalTrack} local
   * @param {unknown} held what the reply says: a boolean, or nothing
   */
  accepted(local, held) {
    if (local.source === "whisper" || typeof held !== "boolean") return;
    if (held) this.#heldThere.add(local);
    else this.#heldThere.delete(local);
    if (held && !this.#going && !this.#options.place()) void hold([local], true);
    else if (!held) void hold([local], false);
  }

  /**
   * @param {Place | null} place our own now
   * @param {Place | null} former
   */
  placed(place, former) {
    const tracks = this.#tracks();
    if (place && !former) this.#lift();
    // The server lets go of what a host muted on the stage when the call goes on without it.
    const over = !place && this.#sending === "open";
    for (const local of tracks) local.lock(lockedOf(place, local), over);
    if (former && !place && !this.#options.mayAlways()) {
      // Back from the stage into the call, nothing begins anew.
      if (this.#sending === "held") void hold(tracks, true);
      else if (this.#sending === "none") this.#end("off_stage");
    }
    this.#cover();
  }

  /**
   * The call of this room changed.
   * @param {CallInfo | null} call
   * @param {CallInfo | null} former
   */
  called(call, former) {
    this.#cover();
    const identity = this.#options.identity();
    const now = sendingOf(call, identity);
    if (now === sendingOf(former, identity)) return;
    if (now === "open") this.#lift();
    else if (this.#free) return;
    else if (now === "held") void hold(this.#tracks(), true);
    else if (!this.#rung) this.#end("call_ended");
  }

  /**
   * An invitation changed. What was held for one that came to nothing is ended by the server without a word.
   * @param {Invite} invite
   * @param {readonly Invite[]} before pending ones, before it changed
   */
  invited(invite, before) {
    const identity = this.#options.identity();
    const ours = [invite, ...before].some((entry) => entry.id === invite.id && brings(entry, identity));
    if (!ours || invite.state === "accepted" || this.#free || this.#rung || this.#sending !== "none") return;
    this.#end("off_stage");
  }

  /** Whether what we send waits for somebody to answer a call. */
  get holds() {
    return this.#sending === "held";
  }

  /** What a call lets us send. */
  get #sending() {
    return sendingOf(this.#options.call(), this.#options.identity());
  }

  /** On the stage, or in no need of it. */
  get #free() {
    return this.#options.place() !== null || this.#options.mayAlways();
  }

  get #rung() {
    return this.#options.invites().some((entry) => brings(entry, this.#options.identity()));
  }

  get #mustCover() {
    return this.#covering > 0 || mustBlur(this.#options.call(), this.#options.identity());
  }

  #cover() {
    if (this.#mustCover) for (const local of this.#cameras()) void local.cover(this.#make).catch(() => {});
    // Still on the stage, whatever the call says: not before that is over.
    else if (!this.#options.place()) for (const local of this.#cameras()) void local.uncover();
  }

  /**
   * What is sent by now is covered: whoever sees it from its last keyframe on sees nothing else.
   * @param {LocalTrack} local
   */
  async #seen(local) {
    const { env } = this.#options;
    const until = env.now() + COVERED_MS;
    const before = await framesOf(local);
    while (before !== null && env.now() < until && !local.muted && !local.held) {
      if ((await framesOf(local) ?? Infinity) > before) return;
      await new Promise((resolve) => env.setTimeout(() => resolve(null), LOOK_MS));
    }
  }

  #lift() {
    const tracks = this.#tracks();
    for (const local of tracks) this.#heldThere.delete(local);
    void hold(tracks, false);
  }

  /** @param {"off_stage" | "call_ended"} code */
  #end(code) {
    for (const local of this.#tracks()) this.#options.lose(local, this.#error(code));
  }

  #tracks() {
    return [...this.#options.tracks()].filter(({ source }) => source !== "whisper");
  }

  #cameras() {
    return [...this.#options.tracks()].filter(({ source }) => source === "camera");
  }

  /** @param {string} code */
  #error(code) {
    return new LianmaiError(code, undefined, { locale: this.#options.locale() });
  }
}

/**
 * @param {Place | null} place
 * @param {LocalTrack} local
 */
function lockedOf(place, local) {
  return place?.locked[local.kind] === true;
}

/**
 * @param {LocalTrack} local
 * @returns {Promise<number | null>} encoded so far; null: nobody knows
 */
async function framesOf({ transceiver }) {
  const report = await transceiver?.sender.getStats?.().catch(() => null);
  for (const entry of report?.values() ?? []) {
    if (entry.type === "outbound-rtp" && typeof entry.framesEncoded === "number") return entry.framesEncoded;
  }
  return null;
}

/**
 * @param {readonly LocalTrack[]} tracks
 * @param {boolean} held
 */
async function hold(tracks, held) {
  await Promise.allSettled(tracks.map((local) => local.hold(held)));
}
