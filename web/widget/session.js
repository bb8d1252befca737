/**
 * The way to the room in which help is given: a token from the shop, a room of our own or the page's, and the line on it.
 *
 * Events: `change` (state of the way), `line` (there is one now).
 */
import { HelpLine } from "../sdk/help.js";
import { Emitter } from "../sdk/emitter.js";
import { LianmaiRoom } from "../sdk/lianmai.js";
import { failureOf } from "./words.js";

/**
 * @typedef {object} SessionOptions
 * @property {string} url of the WebSocket
 * @property {string} room
 * @property {() => string | Promise<string>} token
 * @property {string} locale
 */

/** Rooms for calls only: whatever is there is for us. */
const HELP_ROOM = /^help(\.|$)/;

/** @extends {Emitter<{ change: null }>} */
export class Session extends Emitter {
  /** @type {import("./types.js").Failure | null} */
  failure = null;
  #own;
  #room;
  #line;
  /** @type {(() => void)[]} */
  #undo = [];

  /**
   * @param {LianmaiRoom} room
   * @param {string} [name] of a room that is ours alone, left when it is not needed any more; none: the page's room
   */
  constructor(room, name = "") {
    super();
    this.#room = room;
    const own = name !== "";
    this.#own = own;
    this.#line = new HelpLine(room, { receive: own && !HELP_ROOM.test(name) });
    this.#undo.push(
      room.on("state", ({ state, error }) => {
        if (state === "joined") this.failure = null;
        if (state === "closed" && error) this.failure ??= failureOf(error);
        this.emit("change", null);
      }),
      room.on("bye", (bye) => {
        this.failure = failureOf(bye);
        this.emit("change", null);
      }),
    );
  }

  /** @param {SessionOptions} options */
  static open({ url, room, token, locale }) {
    // In a room with a show the show's tracks are not ours to receive: those of the call are asked for one by one.
    const subscribe = HELP_ROOM.test(room) ? "auto" : "none";
    const session = new Session(new LianmaiRoom({ url, token, room, locale, subscribe, client: "widget" }), room);
    session.#room.join().catch((error) => {
      session.failure = failureOf(error);
      session.emit("change", null);
    });
    return session;
  }

  get room() {
    return this.#room;
  }

  get line() {
    return this.#line;
  }

  get own() {
    return this.#own;
  }

  /** @returns {"connecting" | "ready" | "lost" | "failed"} */
  get link() {
    if (this.failure) return "failed";
    switch (this.#room.state) {
      case "joined":
        return "ready";
      case "reconnecting":
        return "lost";
      case "closed":
        return "failed";
      default:
        return "connecting";
    }
  }

  close() {
    for (const undo of this.#undo.splice(0)) undo();
    this.#line.close();
    if (this.#own) this.#room.leave().catch(() => {});
  }
}
