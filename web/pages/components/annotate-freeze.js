/**
 * A still of what a video shows, and the frozen picture that both sides see in its place.
 */

import { turned } from "../../sdk/marks.js";
import { pixels } from "./annotate-place.js";

/** @typedef {import("../../sdk/types.js").CallFrame} CallFrame */

const QUALITY = 0.92;
const KEPT = 8;

/**
 * The displayed frame in full resolution, upright and not mirrored, whatever the page makes of it.
 * @param {HTMLVideoElement} video
 * @returns {Promise<{ blob: Blob, width: number, height: number }>} rejects with `code: "media_failed"` when there is none
 */
export async function stillOf(video) {
  const { videoWidth: width, videoHeight: height, ownerDocument } = video;
  const canvas = ownerDocument.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pen = width > 0 && height > 0 ? canvas.getContext("2d", { alpha: false }) : null;
  pen?.drawImage(video, 0, 0, width, height);
  const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) => {
    if (pen) canvas.toBlob(resolve, "image/jpeg", QUALITY);
    else resolve(null);
  });
  if (!blob) throw Object.assign(new Error("no picture"), { code: "media_failed" });
  return { blob, width, height };
}

/** `freeze-143059.jpg`: the time of day tells pictures apart. @param {Date} at */
export function frameName(at) {
  const parts = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0"));
  return `freeze-${parts.join("")}.jpg`;
}

/** The picture element of a frozen frame, and the pictures it has shown lately. */
export class FrozenPicture {
  element = document.createElement("img");
  #file = "";
  /** Object URLs by file id, oldest first. @type {Map<string, string>} */
  #urls = new Map();

  constructor() {
    this.element.className = "an-still";
    this.element.draggable = false;
    this.element.hidden = true;
  }

  /** What we made ourselves need not be fetched. @param {string} file @param {Blob} blob */
  keep(file, blob) {
    if (this.#urls.has(file)) return;
    this.#urls.set(file, URL.createObjectURL(blob));
    const [oldest] = this.#urls.keys();
    if (this.#urls.size <= KEPT || oldest === undefined || oldest === this.#file) return;
    URL.revokeObjectURL(this.#urls.get(oldest) ?? "");
    this.#urls.delete(oldest);
  }

  /**
   * @param {CallFrame | null} frame null: none
   * @param {(file: string) => Promise<Blob>} fetchFile
   * @returns {Promise<boolean>} whether it is shown now; false when another one was asked for meanwhile
   */
  async show(frame, fetchFile) {
    const file = frame?.file ?? "";
    if (file === this.#file) return file !== "" && !this.element.hidden;
    this.#file = file;
    this.element.hidden = true;
    if (file === "") {
      this.element.removeAttribute("src");
      return false;
    }
    try {
      if (!this.#urls.has(file)) this.keep(file, await fetchFile(file));
      if (this.#file !== file) return false;
      this.element.src = this.#urls.get(file) ?? "";
      await this.element.decode();
    } catch (error) {
      // Asked for again with the next news of the call.
      if (this.#file === file) this.#file = "";
      throw error;
    }
    if (this.#file !== file) return false;
    this.element.hidden = false;
    return true;
  }

  /** @param {import("../../sdk/marks.js").View} view */
  place({ rect, turn }) {
    const { x, y, width, height } = rect;
    const flat = turned({ width, height }, turn);
    const box = pixels({ x: x + (width - flat.width) / 2, y: y + (height - flat.height) / 2, ...flat });
    Object.assign(this.element.style, box, { transform: turn === 0 ? "" : `rotate(${turn}deg)` });
  }

  close() {
    this.#file = "";
    this.element.hidden = true;
    this.element.removeAttribute("src");
    for (const url of this.#urls.values()) URL.revokeObjectURL(url);
    this.#urls.clear();
  }
}
