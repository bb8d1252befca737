/** What must be answered while in a room: the host asks to be heard or seen again; an urgent word of the staff. */
import { urgentOf } from "./agent-view.js";
import { clearToast, toast } from "./components/toast.js";
import { byId, setText } from "./dom.js";
import { codeOf, sentence } from "./errors.js";
import { t } from "./locale.js";
import { toggleDevice } from "./studio-devices.js";

/**
 * @typedef {import("./agent-console.js").AgentConsole} AgentConsole
 * @typedef {import("./agent-view.js").Scene} Scene
 */

const IN_ROOM = new Set(["watch", "asking", "air"]);

export class AgentPrompts {
  #desk;
  #unmute = byId("unmute-ask", HTMLElement);
  #urgent = byId("urgent", HTMLElement);
  /** @type {import("./agent-call.js").UnmuteRequest | null} */
  #asked = null;
  /** @type {Scene} */
  #scene = "connecting";

  /** @param {AgentConsole} desk */
  constructor(desk) {
    this.#desk = desk;
    desk.on("unmute", (request) => {
      this.#asked = request;
      clearToast("lock");
      this.render(this.#scene);
    });
    byId("unmute-yes", HTMLButtonElement).addEventListener("click", () => this.#answer(true));
    byId("unmute-no", HTMLButtonElement).addEventListener("click", () => this.#answer(false));
    byId("urgent-ok", HTMLButtonElement).addEventListener("click", () => void this.#confirm());
  }

  /** @param {Scene} scene */
  render(scene) {
    this.#scene = scene;
    if (scene !== "air") this.#asked = null;
    this.#unmute.hidden = this.#asked === null;
    if (this.#asked) setText(byId("unmute-words", HTMLElement), unmuteWords(this.#asked));
    this.#renderUrgent(scene);
  }

  /** @param {Scene} scene */
  #renderUrgent(scene) {
    const { call } = this.#desk;
    const info = IN_ROOM.has(scene) ? (call?.info ?? null) : null;
    const word = info && urgentOf(info.backchannel, call?.room.self?.identity ?? "", call?.enteredAt ?? 0);
    this.#urgent.hidden = !word;
    this.#urgent.dataset.message = word?.id ?? "";
    if (!word) return;
    setText(byId("urgent-from", HTMLElement), t("urgent.from", { name: word.from.name }));
    setText(byId("urgent-text", HTMLElement), word.text);
  }

  async #confirm() {
    const { message } = this.#urgent.dataset;
    const { call } = this.#desk;
    if (!message || !call) return;
    try {
      await call.room.acknowledge(message);
    } catch (error) {
      toast(sentence(codeOf(error)), { kind: "error", code: codeOf(error), replaces: "trouble" });
    }
  }

  /** @param {boolean} yes */
  #answer(yes) {
    const request = this.#asked;
    this.#asked = null;
    this.render(this.#scene);
    const capture = this.#desk.call?.capture;
    if (!yes || !request || !capture) return;
    for (const source of /** @type {const} */ (["microphone", "camera"])) {
      const wanted = source === "microphone" ? request.audio : request.video;
      if (wanted && (capture.off[source] || !capture.tracks[source])) void toggleDevice(capture, source);
    }
  }
}

/** @param {import("./agent-call.js").UnmuteRequest} request */
function unmuteWords({ audio, video, by: { name } }) {
  if (audio && video) return t("air.unmute_both", { name });
  return audio ? t("air.unmute_audio", { name }) : t("air.unmute_video", { name });
}
