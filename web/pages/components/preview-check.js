/**
 * A last look into the mirror before anyone else sees: own picture, microphone level, switches, device choice.
 * It shows what a Capture holds and asks the browser for nothing by itself; the page opens the devices, at a tap or
 * with openIfAllowed() where permission was given before.
 *
 * Events: `ask` (the person wants camera and microphone opened; the page calls capture.open()).
 */
import { permission } from "../../sdk/devices.js";
import { Meter } from "../../sdk/meter.js";
import { button, icon, make, setIcon, setText } from "../dom.js";
import { deviceProblem } from "../host-notice.js";
import { onLocale, t } from "../locale.js";
import { LevelMeter } from "./level-meter.js";

/**
 * @typedef {import("../capture.js").Capture} Capture
 * @typedef {import("../capture.js").DeviceSource} DeviceSource
 */

/**
 * Open the devices without a question, where the person said yes before.
 * @param {Capture} capture
 * @returns {Promise<boolean>} whether something is open now
 */
export async function openIfAllowed(capture) {
  if (capture.state === "closed") {
    const [camera, microphone] = await Promise.all([permission("camera"), permission("microphone")]);
    // The microphone alone would be asked for the camera too: that is a question.
    if (camera !== "granted" || microphone !== "granted") return false;
    await capture.open();
  }
  return capture.state === "open";
}

export class PreviewCheck extends HTMLElement {
  /** @type {Capture | null} */
  #capture = null;
  /** A call with one shopper, not the stage: the words say so. */
  inCall = false;
  #video = make("video");
  #face = make("div", "preview-face");
  #faceWords = make("p");
  #ask = button("", "", () => this.dispatchEvent(new CustomEvent("ask")));
  #private = make("span", "pill preview-private");
  #privateWords = make("span");
  #meter = /** @type {LevelMeter} */ (document.createElement("lm-meter"));
  #meterRow = make("div", "preview-meter");
  #microphone = new Switch("microphone", () => this.#toggle("microphone"));
  #camera = new Switch("camera", () => this.#toggle("camera"));
  #choose = button("", "small preview-devices-button", () => this.#open(!this.#opened));
  #cameras = new Picker((id) => void this.#capture?.choose("camera", id));
  #microphones = new Picker((id) => void this.#capture?.choose("microphone", id));
  #devices = make("div", "preview-devices", this.#cameras.field, this.#microphones.field);
  #problem = make("p", "hint problem");
  #opened = false;
  /** @type {{ meter: Meter, track: MediaStreamTrack } | null} */
  #metered = null;
  /** @type {(() => void)[]} */
  #undo = [];

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#undo.push(onLocale(() => this.#render()));
    this.#follow();
  }

  disconnectedCallback() {
    for (const undo of this.#undo.splice(0)) undo();
    this.#hear(null);
  }

  /** @param {Capture | null} capture */
  set capture(capture) {
    if (capture === this.#capture) return;
    this.#capture = capture;
    if (this.isConnected) this.#follow();
  }

  #follow() {
    const capture = this.#capture;
    if (capture) this.#undo.push(capture.on("change", () => this.#render()));
    this.#render();
  }

  #build() {
    this.#video.playsInline = true;
    this.#video.autoplay = true;
    this.#video.muted = true;
    this.#video.disablePictureInPicture = true;
    this.#face.append(icon("camera"), this.#faceWords, this.#ask);
    this.#private.append(icon("eye-off"), this.#privateWords);
    this.#meterRow.append(icon("mic"), this.#meter);
    this.#problem.setAttribute("role", "status");
    this.append(
      make("div", "preview-frame", this.#video, this.#face, this.#private),
      make("div", "preview-row", this.#microphone.button, this.#camera.button, this.#choose),
      this.#meterRow,
      this.#problem,
      this.#devices,
    );
    this.#open(false);
  }

  /** @param {boolean} opened */
  #open(opened) {
    this.#opened = opened;
    this.#devices.hidden = !opened;
    this.#choose.setAttribute("aria-expanded", String(opened));
  }

  /** @param {DeviceSource} source */
  #toggle(source) {
    const capture = this.#capture;
    if (!capture) return;
    if (capture.tracks[source]) capture.setOff(source, !capture.off[source]);
    else {
      capture.off[source] = false;
      void capture.retry(source);
    }
  }

  #render() {
    const capture = this.#capture;
    if (!capture || this.childElementCount === 0) return;
    const { camera, microphone } = capture.tracks;
    const opened = capture.state === "open";
    const picture = camera !== null && !capture.off.camera;
    this.#play(camera);
    this.#video.hidden = !picture;
    this.#face.hidden = picture;
    setText(this.#faceWords, faceWords(capture, this.inCall));
    this.#ask.hidden = opened || capture.state === "opening";
    setText(this.#ask, capture.trouble ? t("action.retry") : t("preview.open"));
    this.#private.hidden = !opened;
    setText(this.#privateWords, t("preview.private"));
    this.#microphone.show(capture);
    this.#camera.show(capture);
    this.#choose.hidden = !opened;
    setText(this.#choose, t("preview.devices"));
    this.#cameras.show(t("device.camera"), capture.list("camera"), capture.choice.camera);
    this.#microphones.show(t("device.microphone"), capture.list("microphone"), capture.choice.microphone);
    const problem = opened ? problemOf(capture) : "";
    setText(this.#problem, problem);
    this.#problem.hidden = problem === "";
    this.#meterRow.hidden = !opened || microphone === null;
    this.#hear(capture.off.microphone ? null : microphone);
  }

  /** @param {MediaStreamTrack | null} track */
  #play(track) {
    const playing = this.#video.srcObject instanceof MediaStream ? this.#video.srcObject.getVideoTracks()[0] : null;
    if ((playing ?? null) !== track) this.#video.srcObject = track ? new MediaStream([track]) : null;
  }

  /** @param {MediaStreamTrack | null} track */
  #hear(track) {
    if (this.#metered?.track === track) return;
    this.#metered?.meter.close();
    this.#metered = null;
    this.#meter.level = 0;
    if (!track || !this.isConnected) return;
    const meter = new Meter(track);
    this.#metered = { meter, track };
    meter.start((level) => {
      this.#meter.level = level;
    });
  }
}

/**
 * @param {Capture} capture
 * @param {boolean} inCall
 */
function faceWords(capture, inCall) {
  if (capture.state === "opening") return t("studio.opening.body");
  if (capture.trouble) return deviceProblem(capture.trouble);
  if (capture.state === "closed") return t("preview.ask");
  const off = inCall ? t("preview.camera_off_call") : t("preview.camera_off");
  return capture.off.camera || capture.problems.camera === null ? off : deviceProblem(capture.problems.camera);
}

/** One device works, the other does not: which, and why. @param {Capture} capture */
function problemOf(capture) {
  if (!capture.tracks.microphone && capture.problems.microphone) {
    return t("device.problem_of", { device: t("device.microphone"), problem: deviceProblem(capture.problems.microphone) });
  }
  if (!capture.tracks.camera && capture.problems.camera) return t("preview.voice_only");
  return "";
}

/** Microphone or camera, on or off: said by shape, colour and word. */
class Switch {
  #source;
  #icon = icon("mic");
  #word = make("span");
  button;

  /**
   * @param {DeviceSource} source
   * @param {() => void} press
   */
  constructor(source, press) {
    this.#source = source;
    this.button = button("", "small preview-switch", press);
    this.button.append(this.#icon, this.#word);
  }

  /** @param {Capture} capture */
  show(capture) {
    const source = this.#source;
    const on = capture.tracks[source] !== null && !capture.off[source];
    this.button.hidden = capture.state !== "open";
    this.button.classList.toggle("off", !on);
    this.button.setAttribute("aria-pressed", String(on));
    if (source === "camera") setIcon(this.#icon, on ? "camera" : "camera-off");
    else setIcon(this.#icon, on ? "mic" : "mic-off");
    const name = source === "camera" ? t("device.camera") : t("device.microphone");
    setText(this.#word, on ? name : source === "camera" ? t("preview.no_camera") : t("control.microphone_off"));
    this.button.title = name;
  }
}

/** A labelled choice of device. */
class Picker {
  #label = make("span", "field-label");
  #select = make("select", "select");
  field = make("label", "field", this.#label, this.#select);

  /** @param {(id: string) => void} choose */
  constructor(choose) {
    this.#select.addEventListener("change", () => choose(this.#select.value));
  }

  /**
   * @param {string} label
   * @param {readonly { id: string, label: string }[]} devices
   * @param {string} chosen
   */
  show(label, devices, chosen) {
    setText(this.#label, label);
    const wanted = devices.map((device, index) => [device.id, device.label || `${label} ${index + 1}`]);
    const shown = [...this.#select.options].map((option) => [option.value, option.text]);
    if (JSON.stringify(wanted) !== JSON.stringify(shown)) {
      this.#select.replaceChildren(...wanted.map(([value, text]) => new Option(text, value)));
    }
    this.#select.disabled = devices.length === 0;
    this.#select.value = chosen;
  }
}

customElements.define("lm-preview-check", PreviewCheck);
