/**
 * Notices a dead connection, measures the signaling round trip and the server's clock.
 * @module
 */

/** @typedef {import("./env.js").Env} Env */
/** @typedef {import("./types.js").RequestFn} RequestFn */

const EVERY_MS = 10_000;
const DEADLINE_MS = 6_000;
const PROBE_DEADLINE_MS = 3_000;

export class Heartbeat {
  #env;
  #request;
  #onDead;
  #timer = 0;
  #probing = false;
  /** Grows with every socket: what an earlier one did not answer proves nothing. */
  #life = 0;
  /** Round trip of the last ping in ms, or null. @type {number | null} */
  rttMs = null;
  /** Add to Date.now() to get the server's clock, ms. */
  clockOffsetMs = 0;

  /**
   * @param {Env} env
   * @param {RequestFn} request
   * @param {() => void} onDead no answer in time
   */
  constructor(env, request, onDead) {
    this.#env = env;
    this.#request = request;
    this.#onDead = onDead;
  }

  start() {
    this.stop();
    this.#arm();
  }

  stop() {
    this.#life++;
    this.#probing = false;
    this.#env.clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** Ask now, with a short deadline. */
  probe() {
    if (this.#probing) return;
    this.#probing = true;
    void this.#ping(PROBE_DEADLINE_MS).finally(() => {
      this.#probing = false;
    });
  }

  #arm() {
    this.#timer = this.#env.setTimeout(() => {
      void this.#ping(DEADLINE_MS);
      this.#arm();
    }, EVERY_MS);
  }

  /** @param {number} timeoutMs */
  async #ping(timeoutMs) {
    const life = this.#life;
    const sentAt = this.#env.now();
    try {
      const reply = await this.#request("ping", { t: Math.round(sentAt) }, { wait: false, timeoutMs });
      this.rttMs = this.#env.now() - sentAt;
      this.heardClock(reply["server_time"], this.rttMs);
    } catch (error) {
      if (life === this.#life && /** @type {{ code?: string }} */ (error).code === "timeout") this.#onDead();
    }
  }

  /**
   * @param {unknown} serverTime ms since epoch
   * @param {number} [rttMs] of the message that brought it
   */
  heardClock(serverTime, rttMs = 0) {
    if (typeof serverTime === "number") this.clockOffsetMs = serverTime + rttMs / 2 - Date.now();
  }
}
