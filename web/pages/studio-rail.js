/**
 * The studio's right rail: readiness before the show, figures during it, devices and the viewer link in both.
 * On narrow windows it is a sheet that opens over the picture.
 */
import { Meter } from "../sdk/meter.js";
import { DevicePanel } from "./components/device-panel.js";
import { ShowPanel } from "./components/show-panel.js";
import { toast } from "./components/toast.js";
import { byId, setText } from "./dom.js";
import { deviceProblem } from "./host-notice.js";
import { asResolution } from "./host-view.js";
import { t } from "./locale.js";
import { isDemo } from "./token.js";

/**
 * @typedef {import("./broadcast.js").Broadcast} Broadcast
 * @typedef {import("./capture.js").Capture} Capture
 */

export class StudioRail {
  #capture;
  #broadcast;
  #root = byId("rail", HTMLElement);
  #shade = byId("rail-shade", HTMLButtonElement);
  #closer = byId("rail-close", HTMLButtonElement);
  #devices = byId("devices", DevicePanel);
  #figures = byId("show-panel", ShowPanel);
  #link = byId("share-link", HTMLInputElement);
  /** @type {{ meter: Meter, track: MediaStreamTrack } | null} */
  #metered = null;

  /**
   * @param {Capture} capture
   * @param {Broadcast} broadcast
   * @param {string} roomName
   */
  constructor(capture, broadcast, roomName) {
    this.#capture = capture;
    this.#broadcast = broadcast;
    this.#link.value = `${location.origin}/live/${encodeURIComponent(roomName)}`;
    this.#shade.addEventListener("click", () => this.close());
    this.#closer.addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    byId("share-copy", HTMLButtonElement).addEventListener("click", () => void this.#copyLink());
    this.#devices.addEventListener("choose", (event) => {
      const { what, value } = /** @type {CustomEvent<{ what: string, value: string }>} */ (event).detail;
      if (what === "resolution") void capture.setResolution(asResolution(value));
      else if (what === "camera" || what === "microphone") void capture.choose(what, value);
    });
    this.#devices.addEventListener("retry", (event) => {
      void capture.retry(/** @type {CustomEvent<"camera" | "microphone">} */ (event).detail);
    });
  }

  /**
   * @param {import("./host-view.js").StudioScene} scene
   * @param {boolean} picture the stage shows the host's picture, so there is something to adjust
   */
  show(scene, picture) {
    this.#root.hidden = !picture;
    if (!picture) this.close();
    const running = scene === "live";
    setText(byId("rail-title", HTMLElement), running ? t("rail.live") : t("rail.preview"));
    setText(byId("share-hint", HTMLElement), isDemo() ? t("share.hint") : t("share.hint_token"));
    this.#figures.hidden = !running;
    this.#figures.show({
      lastedMs: this.#broadcast.lastedMs,
      viewers: this.#broadcast.info?.viewers ?? 0,
      uplink: this.#broadcast.uplink,
    });
    this.#showDevices();
    this.#meterMicrophone();
  }

  /** Only seen on narrow windows; wide ones always show the rail. */
  toggle() {
    if (this.#root.classList.contains("open")) {
      this.close();
      return;
    }
    this.#root.classList.add("open");
    this.#shade.hidden = false;
    this.#closer.focus();
  }

  close() {
    this.#root.classList.remove("open");
    this.#shade.hidden = true;
  }

  #showDevices() {
    const { choice, off, problems, tracks } = this.#capture;
    const settings = tracks.camera?.getSettings();
    const size = settings?.width && settings.height ? `${settings.width}×${settings.height}` : "";
    this.#devices.show({
      cameras: this.#capture.list("camera"),
      microphones: this.#capture.list("microphone"),
      ...choice,
      cameraProblem: deviceProblem(problems.camera),
      microphoneProblem: deviceProblem(problems.microphone),
      picture: off.camera ? "" : size,
    });
  }

  #meterMicrophone() {
    const track = this.#capture.tracks.microphone;
    if (this.#metered && this.#metered.track !== track) {
      this.#metered.meter.close();
      this.#metered = null;
      this.#devices.level = 0;
    }
    if (!track || this.#metered) return;
    const meter = new Meter(track);
    this.#metered = { meter, track };
    meter.start((level) => {
      this.#devices.level = this.#capture.off.microphone ? 0 : level;
    });
  }

  async #copyLink() {
    try {
      await navigator.clipboard.writeText(this.#link.value);
      toast(t("share.copied"), { kind: "good", replaces: "share" });
    } catch {
      this.#link.select();
      toast(t("share.copy_failed"), { kind: "warning", replaces: "share" });
    }
  }
}
