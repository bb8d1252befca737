/**
 * What the agent asks of our camera. What shows more of a person's home is asked about first; light and zoom are not.
 */

/**
 * @typedef {import("./flow.js").Flow} Flow
 * @typedef {"still" | "flip" | "torch" | "zoom"} Ask
 */

const NO_CAMERA = Object.freeze({ facing: null, torch: null, zoom: null, can: [] });

export class CameraWishes {
  /** Waits for a yes or no. @type {"still" | "flip" | null} */
  wish = null;
  #flow;
  #news;
  #told = "";

  /**
   * @param {Flow} flow
   * @param {{ changed: () => void, sent: () => void }} news sent: a photo went to the agent
   */
  constructor(flow, news) {
    this.#flow = flow;
    this.#news = news;
  }

  /**
   * @param {Ask} ask
   * @param {number | boolean | null} value
   */
  async asked(ask, value) {
    if (ask === "torch" || ask === "zoom") {
      await this.#flow.media.adjust(ask, value);
      return;
    }
    this.wish = ask;
    this.#news.changed();
  }

  /** @param {boolean} yes */
  async answer(yes) {
    const { wish } = this;
    this.wish = null;
    this.#news.changed();
    if (!yes || !wish) return;
    if (wish === "flip") await this.#flow.media.flip();
    else await this.still();
  }

  async still() {
    const picture = await this.#flow.media.still();
    await this.#flow.line?.sendFile(picture, { name: "photo.jpg" });
    this.#news.sent();
  }

  /** The agent's tools follow what the camera can do. */
  tell() {
    const { call, line, media } = this.#flow;
    if (call?.state !== "active" || call.media !== "video") return;
    const device = media.device ?? NO_CAMERA;
    const key = call.id + JSON.stringify(device);
    if (key === this.#told) return;
    this.#told = key;
    line?.tellDevice(device).catch(() => (this.#told = ""));
  }

  forget() {
    this.wish = null;
  }
}
