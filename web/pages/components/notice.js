/** A card in the middle of the stage: what is happening, why, and the way out. */
import { button, dots, icon, make } from "../dom.js";

/**
 * @typedef {object} NoticeContent
 * @property {"wait" | "info" | "good" | "warning" | "error"} kind "wait" shows moving dots
 * @property {string} [icon]
 * @property {string} title
 * @property {string} [body]
 * @property {string[]} [steps] the way out, step by step
 * @property {string} [code] stable error code, shown small
 * @property {{ id: string, label: string, primary?: boolean }[]} [actions] ids are reported in the `action` event
 */

export class Notice extends HTMLElement {
  /** What is shown now, so that an unchanged notice keeps its focus and its animation. */
  #shown = "";

  /** @param {NoticeContent | null} content null hides it */
  show(content) {
    const wanted = JSON.stringify(content);
    if (wanted === this.#shown) return;
    this.#shown = wanted;
    this.hidden = content === null;
    this.replaceChildren();
    if (!content) return;
    this.className = content.kind;
    const head = make("span", "notice-icon");
    head.append(content.kind === "wait" ? dots() : icon(content.icon ?? "info"));
    this.append(head, make("h2", "", content.title));
    if (content.body) this.append(make("p", "", content.body));
    if (content.steps?.length) {
      this.append(make("ol", "steps", ...content.steps.map((step) => make("li", "", step))));
    }
    if (content.actions?.length) this.append(this.#actions(content.actions));
    if (content.code) this.append(make("p", "code", content.code));
  }

  /** @param {{ id: string, label: string, primary?: boolean }[]} actions */
  #actions(actions) {
    const row = make("div", "actions");
    for (const { id, label, primary } of actions) {
      row.append(
        button(label, primary ? "primary" : "", () => {
          this.dispatchEvent(new CustomEvent("action", { detail: id }));
        }),
      );
    }
    return row;
  }
}

customElements.define("lm-notice", Notice);
