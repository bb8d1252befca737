/**
 * Camera, microphone and resolution choice with the level meter. Emits `choose` with {what, value}, and `retry` with
 * "camera" or "microphone" when the person wants another try at a device with a problem.
 * It shows what it is told; opening devices is the page's business.
 */
import { make, setText } from "../dom.js";
import { SIZES } from "../host-view.js";
import { onLocale, t } from "../locale.js";
import { LevelMeter } from "./level-meter.js";

/**
 * @typedef {object} DeviceState
 * @property {readonly { id: string, label: string }[]} cameras
 * @property {readonly { id: string, label: string }[]} microphones
 * @property {string} camera chosen id, empty for none
 * @property {string} microphone
 * @property {string} resolution
 * @property {string} cameraProblem sentence, empty when all is well
 * @property {string} microphoneProblem
 * @property {string} picture what the camera really delivers, for example "1280×720", empty when off
 */

/** @type {DeviceState} */
const NOTHING = {
  cameras: [],
  microphones: [],
  camera: "",
  microphone: "",
  resolution: "720p",
  cameraProblem: "",
  microphoneProblem: "",
  picture: "",
};

export class DevicePanel extends HTMLElement {
  #state = NOTHING;
  #camera = new Chooser("camera-select");
  #microphone = new Chooser("microphone-select");
  #sizes = make("div", "segments");
  #sizeLabel = make("span", "field-label");
  #sizeHint = make("span", "hint number");
  #meter = /** @type {LevelMeter} */ (document.createElement("lm-meter"));
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {DeviceState} state */
  show(state) {
    this.#state = state;
    this.#render();
  }

  /** @param {number} level 0-1 */
  set level(level) {
    this.#meter.level = level;
  }

  #build() {
    this.#sizes.setAttribute("role", "radiogroup");
    this.#sizeLabel.id = "size-label";
    this.#sizes.setAttribute("aria-labelledby", this.#sizeLabel.id);
    for (const size of SIZES) {
      const input = make("input");
      input.type = "radio";
      input.name = "resolution";
      input.value = size;
      input.addEventListener("change", () => this.#choose("resolution", size));
      this.#sizes.append(make("label", "", input, make("span", "number", size)));
    }
    this.#camera.select.addEventListener("change", () => this.#choose("camera", this.#camera.select.value));
    this.#microphone.select.addEventListener("change", () => this.#choose("microphone", this.#microphone.select.value));
    this.#camera.retry.addEventListener("click", () => this.#again("camera"));
    this.#microphone.retry.addEventListener("click", () => this.#again("microphone"));
    this.#microphone.field.append(this.#meter);
    this.append(
      this.#camera.field,
      make("div", "field", this.#sizeLabel, this.#sizes, this.#sizeHint),
      this.#microphone.field,
    );
  }

  /**
   * @param {"camera" | "microphone" | "resolution"} what
   * @param {string} value
   */
  #choose(what, value) {
    this.dispatchEvent(new CustomEvent("choose", { detail: { what, value } }));
  }

  /** @param {"camera" | "microphone"} source */
  #again(source) {
    this.dispatchEvent(new CustomEvent("retry", { detail: source }));
  }

  #render() {
    const state = this.#state;
    this.#camera.show(t("device.camera"), state.cameras, state.camera, state.cameraProblem, t("device.no_camera"));
    this.#microphone.show(
      t("device.microphone"),
      state.microphones,
      state.microphone,
      state.microphoneProblem,
      t("device.no_microphone"),
    );
    setText(this.#sizeLabel, t("device.resolution"));
    setText(this.#sizeHint, state.picture ? t("device.delivers", { size: state.picture }) : "");
    this.#sizeHint.hidden = !state.picture;
    for (const input of this.#sizes.querySelectorAll("input")) input.checked = input.value === state.resolution;
  }
}

/** A labelled select with a line for its problem. */
class Chooser {
  select = make("select", "select");
  #label = make("label");
  #problem = make("span", "hint problem");
  retry = make("button", "button small");
  #problemLine = make("div", "problem-line", this.#problem, this.retry);
  field = make("div", "field", this.#label, this.select, this.#problemLine);

  /** @param {string} id */
  constructor(id) {
    this.select.id = id;
    this.#label.htmlFor = id;
    this.retry.type = "button";
  }

  /**
   * @param {string} label
   * @param {readonly { id: string, label: string }[]} devices
   * @param {string} chosen
   * @param {string} problem
   * @param {string} none what to say when there is no device
   */
  show(label, devices, chosen, problem, none) {
    setText(this.#label, label);
    setText(this.#problem, problem);
    setText(this.retry, t("action.retry"));
    this.#problemLine.hidden = !problem;
    const wanted = devices.length
      ? devices.map((device, index) => [device.id, device.label || `${label} ${index + 1}`])
      : [["", none]];
    const shown = [...this.select.options].map((option) => [option.value, option.text]);
    if (JSON.stringify(wanted) !== JSON.stringify(shown)) {
      this.select.replaceChildren(...wanted.map(([value, text]) => new Option(text, value)));
    }
    this.select.disabled = devices.length === 0;
    this.select.value = chosen;
    if (this.select.selectedIndex < 0) this.select.selectedIndex = 0;
  }
}

customElements.define("lm-device-panel", DevicePanel);
