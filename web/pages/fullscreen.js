/** Full screen for the whole page where the browser allows it; on iPhones only a video can fill the screen. */

/** @typedef {HTMLVideoElement & { webkitEnterFullscreen?: () => void }} PhoneVideo */

export class Fullscreen extends EventTarget {
  #root;
  #video;

  /**
   * @param {HTMLElement} root
   * @param {() => HTMLVideoElement | null} video the main picture
   */
  constructor(root, video) {
    super();
    this.#root = root;
    this.#video = video;
    document.addEventListener("fullscreenchange", () => this.dispatchEvent(new Event("change")));
  }

  get on() {
    return document.fullscreenElement !== null;
  }

  get possible() {
    return document.fullscreenEnabled || "webkitEnterFullscreen" in HTMLVideoElement.prototype;
  }

  async toggle() {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else if (document.fullscreenEnabled) {
        await this.#root.requestFullscreen();
        await this.#turn();
      }
      else /** @type {PhoneVideo | null} */ (this.#video())?.webkitEnterFullscreen?.();
    } catch {
      // The browser may refuse (no gesture, an embedding page's policy): nothing is lost.
    }
  }

  /** A wide picture on an upright phone fills its screen only sideways; desktops refuse, which is right. */
  async #turn() {
    const video = this.#video();
    const turning = /** @type {{ lock?: (to: string) => Promise<void> }} */ (/** @type {unknown} */ (screen.orientation));
    if (video && video.videoWidth > video.videoHeight) await turning?.lock?.("landscape");
  }
}
