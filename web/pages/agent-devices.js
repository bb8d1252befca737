/** Camera, microphone and picture size while on air, in a tab beside the picture. */
import { Meter } from "../sdk/meter.js";
import { DevicePanel } from "./components/device-panel.js";
import { deviceProblem } from "./host-notice.js";
import { asResolution } from "./host-view.js";

/** @typedef {import("./capture.js").Capture} Capture */

export class AirDevices {
  panel = /** @type {DevicePanel} */ (document.createElement("lm-device-panel"));
  /** @type {Capture | null} */
  #capture = null;
  #seen = false;
  /** @type {{ meter: Meter, track: MediaStreamTrack } | null} */
  #metered = null;

  constructor() {
    this.panel.addEventListener("choose", (event) => {
      const { what, value } = /** @type {CustomEvent<{ what: string, value: string }>} */ (event).detail;
      if (what === "resolution") void this.#capture?.setResolution(asResolution(value));
      else if (what === "camera" || what === "microphone") void this.#capture?.choose(what, value);
    });
    this.panel.addEventListener("retry", (event) => {
      void this.#capture?.retry(/** @type {CustomEvent<"camera" | "microphone">} */ (event).detail);
    });
  }

  /** @param {boolean} seen nobody looks: no meter runs */
  look(seen) {
    if (this.#seen === seen) return;
    this.#seen = seen;
    this.#hear();
  }

  /** @param {Capture | null} capture */
  show(capture) {
    this.#capture = capture;
    this.#hear();
    if (!capture) return;
    const { choice, off, problems, tracks } = capture;
    const settings = tracks.camera?.getSettings();
    const size = settings?.width && settings.height ? `${settings.width}×${settings.height}` : "";
    this.panel.show({
      cameras: capture.list("camera"),
      microphones: capture.list("microphone"),
      ...choice,
      cameraProblem: deviceProblem(problems.camera),
      microphoneProblem: deviceProblem(problems.microphone),
      picture: off.camera ? "" : size,
    });
  }

  #hear() {
    const capture = this.#capture;
    const track = this.#seen && capture && !capture.off.microphone ? capture.tracks.microphone : null;
    if ((this.#metered?.track ?? null) === track) return;
    this.#metered?.meter.close();
    this.#metered = null;
    this.panel.level = 0;
    if (!track) return;
    const meter = new Meter(track);
    this.#metered = { meter, track };
    meter.start((level) => {
      this.panel.level = level;
    });
  }
}
