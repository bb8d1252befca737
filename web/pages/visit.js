/**
 * One attempt to watch a room. It joins as soon as it is made, before there is a page to show it on, and keeps what the
 * room said meanwhile; whoever shows it may come later and miss nothing.
 *
 * Events: `change` (render again).
 */
import { Emitter } from "../sdk/emitter.js";
import { LianmaiRoom } from "../sdk/lianmai.js";
import { wantedLocale } from "./locale.js";
import { TokenNeeded } from "./token.js";

/** @typedef {import("./token.js").TokenSource} TokenSource */

/** @extends {Emitter<{ change: null }>} */
export class Visit extends Emitter {
  /** @type {LianmaiRoom | null} null in a browser without WebRTC */
  room = null;
  /** Only a person can give a token. */
  tokenNeeded = false;
  /** Why the visit is over; errors of the SDK carry `code` and `message`. @type {unknown} */
  failure = null;
  /** Code of a track that this browser cannot play. @type {string | null} */
  unplayable = null;
  /** The last word on the connection. @type {import("./components/quality-bars.js").Quality | null} */
  downlink = null;

  /** @param {TokenSource} tokens */
  constructor(tokens) {
    super();
    if (typeof RTCPeerConnection === "undefined") {
      this.failure = { code: "unsupported_browser", message: "" };
      return;
    }
    const room = new LianmaiRoom({ token: () => this.#token(tokens), locale: wantedLocale() });
    this.room = room;
    room.on("viewers", () => this.#changed());
    room.on("state", ({ state }) => {
      // What was measured before the cut says nothing about the connection after it.
      if (state === "reconnecting") this.downlink = null;
      this.#changed();
    });
    room.on("downlink", (downlink) => {
      this.downlink = downlink;
      this.#changed();
    });
    room.on("trackunavailable", ({ code }) => {
      this.unplayable = code;
      this.#changed();
    });
    room.on("bye", (bye) => this.#failed(bye));
    room.join().then(
      () => this.#changed(),
      (error) => this.#failed(error),
    );
  }

  /** What the server said about the room; nothing before the join. */
  get info() {
    return this.room?.self ? this.room.info : null;
  }

  /** Leave without waiting for it: the connection may be the very thing that failed. */
  close() {
    this.room?.leave().catch(() => {});
  }

  /** @param {TokenSource} tokens */
  async #token(tokens) {
    try {
      return await tokens.get();
    } catch (error) {
      if (error instanceof TokenNeeded) this.tokenNeeded = true;
      throw error;
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    this.failure ??= error;
    this.#changed();
  }

  #changed() {
    this.emit("change", null);
  }
}
