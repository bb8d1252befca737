/**
 * The row of round controls that looks the same on every page with a call. It is told what to show and says what was
 * pressed; it holds no state of its own. Buttons are kept between updates so that focus survives.
 */
import { icon, make, setIcon, setText } from "../dom.js";

/**
 * @typedef {object} Control
 * @property {string} id reported in the `control` event's detail
 * @property {string} icon
 * @property {string} label short word under the icon; toggles change it, so that it always names the state or the act
 * @property {string} [hint] longer aria-label and tooltip; the label when missing
 * @property {"off" | "on" | "danger" | "primary"} [look] "off" is a switched-off device, "on" an active extra
 * @property {boolean} [disabled]
 * @property {string} [badge] for example "!" when a device has a problem
 * @property {boolean} [apart] stands away from the others
 */

const LOOKS = ["off", "on", "danger", "primary"];

export class CallBar extends HTMLElement {
  /** @type {Map<string, HTMLButtonElement>} */
  #buttons = new Map();
  #near = make("div", "call-group");
  #apart = make("div", "call-group apart");

  connectedCallback() {
    this.setAttribute("role", "group");
    if (!this.#near.parentElement) this.append(this.#near, this.#apart);
  }

  /** @param {Control[]} controls in order of appearance */
  show(controls) {
    const wanted = new Set(controls.map((control) => control.id));
    for (const [id, button] of this.#buttons) {
      if (wanted.has(id)) continue;
      button.remove();
      this.#buttons.delete(id);
    }
    for (const control of controls) this.#place(control);
    for (const group of [this.#near, this.#apart]) {
      const order = controls.filter(({ apart = false }) => apart === (group === this.#apart));
      // Moving an element loses its focus: only what is out of order moves.
      order.forEach(({ id }, index) => {
        const button = this.#buttons.get(id);
        if (button && group.children[index] !== button) group.insertBefore(button, group.children[index] ?? null);
      });
    }
    this.#apart.hidden = this.#apart.childElementCount === 0;
  }

  /** @param {Control} control */
  #place(control) {
    let button = this.#buttons.get(control.id);
    if (!button) {
      button = this.#build(control);
      this.#buttons.set(control.id, button);
    }
    const group = control.apart ? this.#apart : this.#near;
    if (button.parentElement !== group) group.append(button);
    for (const look of LOOKS) button.classList.toggle(look, control.look === look);
    const svg = button.querySelector("svg");
    if (svg) setIcon(svg, control.icon);
    const words = button.querySelector(".call-label");
    if (words) setText(words, control.label);
    const badge = button.querySelector(".badge");
    if (badge instanceof HTMLElement) {
      badge.hidden = !control.badge;
      setText(badge, control.badge ?? "");
    }
    const hint = control.hint ?? control.label;
    button.setAttribute("aria-label", hint);
    button.title = hint;
    button.disabled = control.disabled ?? false;
  }

  /** @param {Control} control */
  #build(control) {
    const face = make("span", "face");
    const label = make("span", "call-label", control.label);
    face.append(icon(control.icon));
    const button = make("button", "call-control", face);
    button.type = "button";
    button.dataset.control = control.id;
    // A primary control is a pill with its word inside; it keeps that shape for life.
    (control.look === "primary" ? face : button).append(label);
    face.append(make("span", "badge"));
    button.addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("control", { detail: control.id }));
    });
    return button;
  }
}

customElements.define("lm-call-bar", CallBar);
