/**
 * What the stage means for what we send: held until we are on it, muted while the host says so, ended when we are off.
 * Whispers have nothing to do with the stage and are left alone.
 * @module
 */
import { LianmaiError } from "./errors.js";
import { brings } from "./stage_state.js";

/** @typedef {import("./tracks.js").LocalTrack} LocalTrack */
/** @typedef {import("./types.js").Invite} Invite */
/** @typedef {import("./types.js").Place} Place */

/**
 * @typedef {object} OnAirOptions
 * @property {() => Iterable<LocalTrack>} tracks what we publish
 * @property {(local: LocalTrack, error: LianmaiError) => void} lose end one of them here; the server has done so
 * @property {() => Place | null} place our own
 * @property {() => string | undefined} identity ours
 * @property {() => boolean} mayAlways whether we may send without a place on the stage
 * @property {() => string} locale
 */

export class OnAir {
  #options;
  /** What the server last said that it holds. @type {WeakSet<LocalTrack>} */
  #heldThere = new WeakSet();
  /** How many goOnAir() wait for the server. */
  #going = 0;

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
      // Without an answer nobody knows; if it was a yes, the place on the stage says so and lifts it again.
      if (!this.#options.place() && !this.#options.mayAlways()) {
        await hold(this.#tracks().filter((local) => lifted.includes(local) || this.#heldThere.has(local)), true);
      }
      throw error;
    } finally {
      this.#going--;
    }
  }

  /** A track is about to be published. @param {LocalTrack} local */
  begins(local) {
    if (local.source !== "whisper") local.lock(lockedOf(this.#options.place(), local));
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
    if (place && !former) {
      for (const local of tracks) this.#heldThere.delete(local);
      void hold(tracks, false);
    }
    for (const local of tracks) local.lock(lockedOf(place, local));
    if (former && !place && !this.#options.mayAlways()) this.#end(tracks);
  }

  /**
   * An invitation changed. What was held for one that came to nothing is ended by the server without a word.
   * @param {Invite} invite
   * @param {readonly Invite[]} before pending ones, before it changed
   * @param {readonly Invite[]} pending now
   */
  invited(invite, before, pending) {
    const identity = this.#options.identity();
    const ours = [invite, ...before].some((entry) => entry.id === invite.id && brings(entry, identity));
    if (!ours || invite.state === "accepted" || this.#options.place() || this.#options.mayAlways()) return;
    if (pending.some((entry) => brings(entry, identity))) return;
    this.#end(this.#tracks());
  }

  /** @param {readonly LocalTrack[]} tracks */
  #end(tracks) {
    for (const local of tracks) {
      this.#options.lose(local, new LianmaiError("off_stage", undefined, { locale: this.#options.locale() }));
    }
  }

  #tracks() {
    return [...this.#options.tracks()].filter(({ source }) => source !== "whisper");
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
 * @param {readonly LocalTrack[]} tracks
 * @param {boolean} held
 */
async function hold(tracks, held) {
  await Promise.allSettled(tracks.map((local) => local.hold(held)));
}
