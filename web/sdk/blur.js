/**
 * A camera's picture with nothing to be recognised in it, for who goes on the stage unseen. Every frame is scaled down
 * to a few pixels and up again: what was in between is not hidden but gone, whatever browser it is.
 * @module
 */
import { LianmaiError } from "./errors.js";

/** Of the longer side: a face is two or three of these wide. */
export const COARSE_PX = 20;
const LONGEST_PX = 640;
const FRAME_MS = 66;
const FIRST_FRAME_MS = 3_000;

/**
 * The sizes of a blurred picture.
 * @param {number} width of the camera's, in pixels
 * @param {number} height
 * @returns {{ coarse: [number, number], shown: [number, number] }} both with even sides, which encoders want
 */
export function blurredSizes(width, height) {
  const longer = Math.max(width, height, 1);
  const scaled = (/** @type {number} */ side, /** @type {number} */ to) => Math.max(2, Math.round((side / longer) * to / 2) * 2);
  return {
    coarse: [scaled(width, COARSE_PX), scaled(height, COARSE_PX)],
    shown: [scaled(width, Math.min(LONGEST_PX, longer)), scaled(height, Math.min(LONGEST_PX, longer))],
  };
}

/** A track that shows another one blurred, until close(). The other one is left running. */
export class BlurredTrack {
  #video;
  #coarse;
  #canvas;
  /** @type {number} */
  #timer = 0;
  #closed = false;
  /** The blurred picture; nothing is in it before the first frame. @type {MediaStreamTrack} */
  track;
  /** Resolves once a blurred frame is there; rejects with `device_failed` if none comes. @type {Promise<void>} */
  ready;

  /** @param {MediaStreamTrack} source a camera's */
  constructor(source) {
    this.#video = document.createElement("video");
    this.#coarse = document.createElement("canvas");
    this.#canvas = document.createElement("canvas");
    if (!this.#canvas.captureStream) throw new LianmaiError("unsupported_browser");
    // The context must exist before the stream: without one Firefox refuses to capture.
    const pens = [this.#coarse.getContext("2d"), this.#canvas.getContext("2d")];
    const [track] = this.#canvas.captureStream(1000 / FRAME_MS).getVideoTracks();
    if (!track || pens.includes(null)) throw new LianmaiError("unsupported_browser");
    this.track = track;
    this.#video.muted = true;
    this.#video.playsInline = true;
    this.setSource(source);
    this.ready = this.#begin();
    this.ready.catch(() => {});
  }

  /** Blur another camera from now on. @param {MediaStreamTrack} source */
  setSource(source) {
    this.#video.srcObject = new MediaStream([source]);
    this.#video.play().catch(() => {});
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#video.srcObject = null;
    this.track.stop();
  }

  async #begin() {
    const until = performance.now() + FIRST_FRAME_MS;
    while (!this.#draw()) {
      if (this.#closed || performance.now() > until) throw new LianmaiError("device_failed");
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    this.#step();
  }

  // By a timer: whoever turns to another tab must not stop half way, and drawing calls back only what is looked at.
  #step() {
    if (this.#closed) return;
    this.#draw();
    this.#timer = /** @type {any} */ (setTimeout(() => this.#step(), FRAME_MS));
  }

  /** @returns {boolean} whether there was a frame */
  #draw() {
    const { videoWidth, videoHeight, readyState } = this.#video;
    const small = this.#coarse.getContext("2d");
    const large = this.#canvas.getContext("2d");
    if (readyState < 2 || videoWidth === 0 || !small || !large) return false;
    const { coarse, shown } = blurredSizes(videoWidth, videoHeight);
    resize(this.#coarse, coarse);
    resize(this.#canvas, shown);
    small.imageSmoothingQuality = large.imageSmoothingQuality = "high";
    small.drawImage(this.#video, 0, 0, ...coarse);
    large.drawImage(this.#coarse, 0, 0, ...shown);
    return true;
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {[number, number]} size
 */
function resize(canvas, [width, height]) {
  if (canvas.width === width && canvas.height === height) return;
  canvas.width = width;
  canvas.height = height;
}
