/** How the stage is laid out for all viewers: five small pictures of it. `picker.room = room`; needs controls. */
import { make, setText } from "../dom.js";
import { LAYOUTS } from "../guests-view.js";
import { layoutName } from "../guests-words.js";
import { t } from "../locale.js";
import { RoomPanel } from "./room-panel.js";

/** @typedef {import("../../sdk/types.js").StageLayout} StageLayout */

const SVG = "http://www.w3.org/2000/svg";
/** Boxes in a picture of 40 by 26, the first one the main one. @type {Record<StageLayout, number[][]>} */
const PICTURES = {
  solo: [[1, 1, 38, 24]],
  side_by_side: [[1, 1, 18, 24], [21, 1, 18, 24]],
  inset: [[1, 1, 38, 24], [26, 14, 10, 8]],
  grid: [[1, 1, 18, 11], [21, 1, 18, 11], [1, 14, 18, 11], [21, 14, 18, 11]],
  screen: [[1, 1, 27, 24], [30, 1, 9, 7], [30, 9.5, 9, 7], [30, 18, 9, 7]],
};

export class LayoutPicker extends RoomPanel {
  /** @type {Map<StageLayout, { root: HTMLElement, input: HTMLInputElement, word: HTMLElement }>} */
  #choices = new Map();
  /** Chosen here and not yet confirmed. @type {StageLayout | null} */
  #wanted = null;

  /** @override */
  build() {
    this.setAttribute("role", "radiogroup");
    for (const layout of LAYOUTS) {
      const input = make("input", "sr-only");
      input.type = "radio";
      input.name = "stage-layout";
      input.value = layout;
      input.addEventListener("change", () => void this.#choose(layout));
      const word = make("span", "layout-name");
      const root = make("label", "layout-choice", input, picture(layout), word);
      this.#choices.set(layout, { root, input, word });
      this.append(root);
    }
  }

  /** @override */
  draw() {
    this.setAttribute("aria-label", t("layout.title"));
    const current = this.#wanted ?? this.room?.info.stage.layout;
    for (const [layout, { root, input, word }] of this.#choices) {
      input.checked = layout === current;
      input.disabled = !this.joined || this.room?.controls !== true;
      root.classList.toggle("chosen", input.checked);
      setText(word, layoutName(layout));
      root.title = layoutName(layout);
    }
  }

  /** @param {StageLayout} layout */
  async #choose(layout) {
    this.#wanted = layout;
    this.draw();
    await this.try((room) => room.setLayout(layout));
    if (this.#wanted === layout) this.#wanted = null;
  }
}

/** @param {StageLayout} layout */
function picture(layout) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 40 26");
  svg.setAttribute("class", "layout-picture");
  svg.setAttribute("aria-hidden", "true");
  PICTURES[layout].forEach(([x, y, width, height], index) => {
    const box = document.createElementNS(SVG, "rect");
    box.setAttribute("x", String(x));
    box.setAttribute("y", String(y));
    box.setAttribute("width", String(width));
    box.setAttribute("height", String(height));
    box.setAttribute("rx", "2");
    box.setAttribute("class", index === 0 ? "main" : layout === "inset" ? "over" : "");
    svg.append(box);
  });
  return svg;
}

customElements.define("lm-layouts", LayoutPicker);
