/** What two people do together in a call: the chat, pictures, marks over the video, the checklist. */
import { make } from "../pages/dom.js";

/**
 * @typedef {import("./flow.js").Flow} Flow
 * @typedef {import("./pictures.js").Pictures} Pictures
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("./view.js").View} View
 */

export class Tools {
  /** Lies over the picture. */
  overlay = make("div", "lm-over");
  /** Messages that came while the chat was closed. */
  unread = 0;
  #flow;
  #side;

  /**
   * @param {Flow} flow
   * @param {HTMLElement} stage
   * @param {HTMLElement} side where the chat is
   */
  constructor(flow, stage, side) {
    this.#flow = flow;
    this.#side = side;
    void stage;
  }

  /**
   * @param {View} view
   * @param {Model} model
   * @param {Pictures} pictures
   */
  show(view, model, pictures) {
    void pictures;
    this.#side.hidden = view.kind !== "text" && !model.chat;
  }

  /** A picture to send. */
  pick() {
    void this.#flow;
  }

  close() {
    this.unread = 0;
  }
}
