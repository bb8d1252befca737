/**
 * The wall's place at the desk: one connection that hears of everything, and the one call that the supervisor is in.
 *
 * Events: `change` (render again), `said` (something to tell in words).
 */
import { LianmaiDesk } from "../sdk/desk.js";
import { Emitter } from "../sdk/emitter.js";
import { AgentHelp } from "./agent-help.js";
import { codeOf } from "./errors.js";
import { getLocale } from "./locale.js";
import { TokenNeeded } from "./token.js";
import { wallView } from "./wall-view.js";

/** @extends {Emitter<{ change: null, said: import("./agent-console.js").Said }>} */
export class WallDesk extends Emitter {
  #tokens;
  /** @type {LianmaiDesk | null} */
  desk = null;
  help;
  tokenNeeded = false;
  /** @type {{ code: string, message: string } | null} */
  failure = null;
  /** performance.now() of the last news of the wall. @type {number | null} */
  #heardAt = null;

  /** @param {import("./token.js").TokenSource} tokens */
  constructor(tokens) {
    super();
    this.#tokens = tokens;
    this.help = new AgentHelp(() => this.#token());
    this.help.on("change", () => this.emit("change", null));
    this.help.on("said", (said) => this.emit("said", said));
  }

  /** The time on the server's clock, ms. */
  get now() {
    return Date.now() + (this.desk?.clockOffsetMs ?? 0);
  }

  /** @returns {import("../sdk/types.js").DeskWall | null} as last heard */
  get wall() {
    return this.help.wall;
  }

  /** How old that is, ms. */
  get ageMs() {
    return this.#heardAt === null ? null : performance.now() - this.#heardAt;
  }

  get view() {
    return wallView({
      tokenNeeded: this.tokenNeeded,
      failure: this.failure?.code ?? null,
      deskState: this.desk?.state ?? "idle",
      wall: this.wall,
      ageMs: this.ageMs,
    });
  }

  /** Our own name. */
  get name() {
    return this.desk?.info.me?.name ?? this.desk?.self?.name ?? "";
  }

  async begin() {
    this.close();
    this.failure = null;
    this.tokenNeeded = false;
    this.#heardAt = null;
    const desk = new LianmaiDesk({ token: () => this.#token(), locale: getLocale() });
    this.desk = desk;
    this.help.follow(desk);
    desk.on("wall", () => {
      this.#heardAt = performance.now();
    });
    desk.on("state", () => this.emit("change", null));
    desk.on("bye", (bye) => {
      if (this.desk === desk) this.#fail(bye);
    });
    this.emit("change", null);
    try {
      await desk.join();
      // Whoever may not supervise would look at an empty wall for ever.
      if (!this.help.supervises) this.#fail({ code: "forbidden" });
    } catch (error) {
      if (this.desk === desk) this.#fail(error);
    }
  }

  /** @param {string} locale */
  set locale(locale) {
    if (this.desk) this.desk.locale = locale;
    if (this.help.visit) this.help.visit.room.locale = locale;
  }

  close() {
    this.help.close();
    const leaving = this.desk;
    this.desk = null;
    leaving?.leave()?.catch(() => {});
  }

  /** @param {unknown} error */
  #fail(error) {
    if (!this.tokenNeeded) this.failure = { code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
    this.close();
    this.emit("change", null);
  }

  async #token() {
    try {
      return await this.#tokens.get();
    } catch (error) {
      if (error instanceof TokenNeeded) this.tokenNeeded = true;
      throw error;
    }
  }
}
