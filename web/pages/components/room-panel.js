/**
 * What panels that show a part of a room have in common: `panel.room = room` (or null), drawn again when the room or the
 * language changes, and requests whose refusal is told in words.
 */
import { codeOf, sentence } from "../errors.js";
import { onLocale } from "../locale.js";
import { toast } from "./toast.js";

/** @typedef {import("../../sdk/lianmai.js").LianmaiRoom} LianmaiRoom */

export class RoomPanel extends HTMLElement {
  /** @type {LianmaiRoom | null} */
  #room = null;
  /** @type {(() => void)[]} */
  #undo = [];
  #due = false;
  #built = false;

  connectedCallback() {
    if (!this.#built) this.build();
    this.#built = true;
    this.#undo.push(onLocale(() => this.draw()));
    this.#bind();
  }

  disconnectedCallback() {
    for (const undo of this.#undo.splice(0)) undo();
  }

  get room() {
    return this.#room;
  }

  set room(room) {
    if (room === this.#room) return;
    this.#room = room;
    if (!this.isConnected) return;
    for (const undo of this.#undo.splice(0)) undo();
    this.#undo.push(onLocale(() => this.draw()));
    this.#bind();
  }

  /** We are inside and the server hears us. */
  get joined() {
    return this.#room?.state === "joined" && this.#room.self !== null;
  }

  /** Our identity; empty before the first join. */
  get identity() {
    return this.#room?.self?.identity ?? "";
  }

  /** The time on the server's clock, ms. */
  get now() {
    return Date.now() + (this.#room?.clockOffsetMs ?? 0);
  }

  /** Make the elements, once. */
  build() {}

  /** Show the room as it is. May be called at any time. */
  draw() {}

  /**
   * Another room, or one again: listen to what else matters.
   * @param {LianmaiRoom} _room
   * @returns {(() => void)[]} how to stop
   */
  listen(_room) {
    return [];
  }

  /** Draw once, soon: several events often come together. */
  redraw() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.isConnected) this.draw();
    });
  }

  /**
   * Ask the server for something.
   * @template T
   * @param {(room: LianmaiRoom) => Promise<T>} request
   * @returns {Promise<T | null>} null: refused, and said so
   */
  async try(request) {
    const room = this.#room;
    if (!room) return null;
    try {
      return await request(room);
    } catch (error) {
      const code = codeOf(error);
      if (code !== "closed") {
        const message = String(/** @type {{ message?: unknown }} */ (error)?.message ?? "");
        toast(sentence(code, message), { kind: "error", code, replaces: "refused" });
      }
      return null;
    } finally {
      // What was pressed shows the state again, whatever came of it.
      this.redraw();
    }
  }

  #bind() {
    const room = this.#room;
    if (room) {
      const redraw = () => this.redraw();
      this.#undo.push(room.on("room", redraw), room.on("state", redraw), room.on("grants", redraw), ...this.listen(room));
    }
    this.draw();
  }
}

/**
 * Bring the children of a list in line with rows, keeping the elements of those that stay, so that focus does too.
 * @template R
 * @template {HTMLElement} E
 * @param {HTMLElement} list
 * @param {Map<string, E>} elements by key; changed
 * @param {readonly R[]} rows
 * @param {(row: R) => string} keyOf
 * @param {(row: R) => E} make
 * @param {(element: E, row: R) => void} fill
 */
export function keep(list, elements, rows, keyOf, make, fill) {
  const wanted = new Set(rows.map(keyOf));
  for (const [key, element] of elements) {
    if (wanted.has(key)) continue;
    element.remove();
    elements.delete(key);
  }
  rows.forEach((row, index) => {
    const key = keyOf(row);
    let element = elements.get(key);
    if (!element) {
      element = make(row);
      elements.set(key, element);
    }
    fill(element, row);
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
}
