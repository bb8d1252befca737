/** What somebody of the audience can do on the live page: chat, raise a hand, answer a ring, be on air. */
import { nextCamera } from "./agent-view.js";
import { airControls } from "./agent-controls.js";
import { passing } from "./agent-words.js";
import { CallBar } from "./components/call-bar.js";
import { ChatPanel } from "./components/chat-panel.js";
import { ask } from "./components/dialog.js";
import { HandRaise } from "./components/hand-raise.js";
import { Ring } from "./components/ring.js";
import { toast } from "./components/toast.js";
import { LmHelp } from "../widget/element.js";
import { byId, setText } from "./dom.js";
import { codeOf, sentence } from "./errors.js";
import { Guest } from "./live-guest.js";
import { LiveHelp } from "./live-help.js";
import { t } from "./locale.js";

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("./remote-stage.js").RemoteStage} RemoteStage
 */

const TICK_MS = 500;
const OPEN_KEY = "lianmai.chat-open";

export class Audience extends EventTarget {
  #root = byId("root", HTMLElement);
  #chat = byId("chat", ChatPanel);
  #ringLayer = byId("ring-layer", HTMLElement);
  #ring = byId("ring", Ring);
  #airBar = byId("air-bar", CallBar);
  #air = byId("air", HTMLElement);
  #pill = byId("air-pill", HTMLElement);
  #unmuteAsk = byId("unmute-ask", HTMLElement);
  #reopen = byId("reopen", HTMLElement);
  #help = new LiveHelp(byId("help", LmHelp), () => this.#helpChanged());
  #hand = /** @type {HandRaise} */ (document.createElement("lm-hand"));
  /** @type {LianmaiRoom | null} */
  #room = null;
  /** @type {RemoteStage | null} */
  #remote = null;
  /** @type {Guest | null} */
  #guest = null;
  #handBusy = false;
  /** @type {string | null} */
  #handTrouble = null;
  #open = readOpen();
  /** There is something to say it in, and something to say it about. */
  #possible = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  constructor() {
    super();
    this.#chat.tray.append(this.#hand);
    this.#hand.addEventListener("raise", (event) => {
      const { topic } = /** @type {CustomEvent<{ topic: string }>} */ (event).detail;
      void this.#tryHand(this.#guest?.raise(topic));
    });
    this.#hand.addEventListener("lower", () => void this.#tryHand(this.#guest?.lower()));
    this.#ring.addEventListener("accept", () => void this.#guest?.accept());
    this.#ring.addEventListener("decline", () => void this.#guest?.decline());
    this.#ring.addEventListener("ask", () => void this.#guest?.open());
    this.#airBar.addEventListener("control", (event) => this.#press(/** @type {CustomEvent<string>} */ (event).detail));
    byId("unmute-yes", HTMLButtonElement).addEventListener("click", () => void this.#guest?.answerUnmute(true));
    byId("unmute-no", HTMLButtonElement).addEventListener("click", () => void this.#guest?.answerUnmute(false));
    byId("reopen-button", HTMLButtonElement).addEventListener("click", () => void this.#guest?.open());
    this.#chat.addEventListener("unread", () => this.#changed());
    window.addEventListener("beforeunload", (event) => {
      // A stray press of the back key would take us off the stage, or out of a call.
      if (this.#guest?.mode === "air" || this.#help.talking) event.preventDefault();
    });
  }

  /** Whether the chat is open beside the picture. */
  get chatOpen() {
    return this.#open;
  }

  /** Messages that came while it was closed. */
  get unread() {
    return this.#chat.unread;
  }

  get onAir() {
    return this.#guest?.mode === "air" || this.#help.onAir;
  }

  get ringing() {
    return this.#guest?.mode === "ring";
  }

  /** A hand may be raised, or is. */
  get handsOpen() {
    return this.#guest?.handsOpen === true || this.#guest?.raised === true;
  }

  toggleChat() {
    this.#open = !this.#open;
    writeOpen(this.#open);
    this.#changed();
  }

  /**
   * @param {LianmaiRoom | null} room joined or about to be; null: none
   * @param {RemoteStage | null} remote where our own tile is
   */
  follow(room, remote) {
    this.#remote = remote;
    if (room === this.#room) return;
    this.#room = room;
    this.#guest?.close();
    clearInterval(this.#timer);
    this.#handTrouble = null;
    this.#help.follow(room);
    this.#guest = room ? new Guest(room) : null;
    this.#chat.follow(room);
    this.#guest?.on("change", () => {
      this.#showOwn();
      this.#changed();
    });
    this.#guest?.on("said", (said) => {
      const told = passing(said);
      if (told) toast(told.text, told.options);
    });
    if (room) this.#timer = setInterval(() => this.#guest?.mode === "ring" && this.#renderRing(), TICK_MS);
  }

  /** @param {import("./live-view.js").Scene} scene */
  render(scene) {
    this.#possible = this.#room?.self != null && scene !== "failed" && scene !== "token" && scene !== "connecting";
    this.#root.classList.toggle("with-chat", this.#possible && this.#open);
    this.#root.classList.toggle("on-air", this.onAir);
    this.#chat.hidden = !this.#possible;
    this.#chat.inert = !this.#possible;
    this.#chat.active = this.#possible && (this.#open || narrow.matches);
    this.#help.show(this.#possible);
    const guest = this.#guest;
    this.#hand.show({
      open: guest?.handsOpen === true,
      raised: guest?.raised === true && guest.mode === "audience",
      busy: this.#handBusy,
      trouble: this.#handTrouble,
    });
    this.#renderRing();
    this.#renderAir();
  }

  #renderRing() {
    const guest = this.#guest;
    const invite = guest?.mode === "ring" ? guest.invite : null;
    const shown = guest && invite && this.#possible;
    const opens = this.#ringLayer.hidden && shown;
    this.#ringLayer.hidden = !shown;
    this.#ring.show(
      shown
        ? {
            invite,
            capture: guest.capture,
            trouble: guest.trouble && { code: guest.trouble.code, message: sentence(guest.trouble.code, guest.trouble.message) },
            remainingMs: guest.remainingMs,
            busy: guest.busy,
          }
        : null,
    );
    if (opens) this.#ring.querySelector("button")?.focus({ preventScroll: true });
  }

  #renderAir() {
    const guest = this.#guest;
    const air = guest?.mode === "air" && this.#possible;
    this.#air.hidden = !air;
    this.#pill.hidden = !this.#help.onAir && (!air || guest?.silent === true);
    this.#reopen.hidden = !air || guest?.silent !== true || guest.capture?.state === "opening";
    this.#unmuteAsk.hidden = !air || !guest?.asked;
    if (!air || !guest) return;
    if (guest.asked) setText(byId("unmute-words", HTMLElement), unmuteWords(guest.asked));
    this.#airBar.setAttribute("aria-label", t("air.pill"));
    const locked = guest.place?.locked ?? { audio: false, video: false };
    const controls = guest.capture ? airControls(guest.capture, { narrow: false, more: false, locked }) : [];
    const sends = this.#room?.self?.grants["publish"];
    const mayShare = Array.isArray(sends) && sends.includes("screen");
    this.#airBar.show(controls.filter(({ id }) => id !== "screen" || mayShare));
  }

  /** @param {string} control */
  #press(control) {
    const guest = this.#guest;
    if (!guest) return;
    if (control === "leave") void this.#leave(guest);
    else if (control === "flip") this.#flip(guest);
    else if (control === "screen") void this.#share(guest);
    else if (control === "music") void this.#music(guest);
    else if (control === "camera" || control === "microphone") {
      if (guest.isLocked(control)) {
        const words = control === "camera" ? t("air.locked_camera") : t("air.locked_microphone");
        toast(words, { kind: "warning", replaces: control });
      } else void guest.toggle(control);
    }
  }

  /** @param {Guest} guest */
  async #leave(guest) {
    const yes = await ask({ title: t("air.leave_title"), body: t("air.leave_body"), confirm: t("air.leave"), danger: true });
    if (yes) await guest.leave().catch(tell);
  }

  /** @param {Guest} guest */
  #flip({ capture }) {
    const next = capture && nextCamera(capture.list("camera"), capture.choice.camera);
    if (capture && next) void capture.choose("camera", next);
  }

  /** @param {Guest} guest */
  async #music({ capture }) {
    if (!capture) return;
    const music = !capture.music;
    if (await capture.setMusic(music)) toast(music ? t("air.music_on") : t("air.music_off"), { kind: "good", replaces: "music" });
  }

  /** @param {Guest} guest */
  async #share({ capture }) {
    if (!capture) return;
    if (capture.screen) capture.closeScreen();
    else await capture.openScreen().catch(tell);
  }

  /** @param {Promise<void> | undefined} work */
  async #tryHand(work) {
    this.#handBusy = true;
    this.#handTrouble = null;
    this.#changed();
    try {
      await work;
    } catch (error) {
      this.#handTrouble = wordsOf(error);
    } finally {
      this.#handBusy = false;
      this.#changed();
    }
  }

  #showOwn() {
    const remote = this.#remote;
    const own = this.#guest?.own ?? this.#help.own;
    if (!remote || JSON.stringify(ids(own)) === JSON.stringify(ids(remote.own))) return;
    remote.own = own;
  }

  #helpChanged() {
    this.#showOwn();
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

export const narrow = matchMedia("(width <= 720px)");

/** @param {import("./remote-stage.js").OwnMedia | null} own */
function ids(own) {
  return own && [own.camera?.id, own.screen?.id, own.micMuted];
}

/** @param {import("./live-guest.js").UnmuteRequest} request */
function unmuteWords({ audio, video, by: { name } }) {
  if (audio && video) return t("air.unmute_both", { name });
  return audio ? t("air.unmute_audio", { name }) : t("air.unmute_video", { name });
}

/** @param {unknown} error */
function wordsOf(error) {
  return sentence(codeOf(error), String(/** @type {{ message?: unknown }} */ (error)?.message ?? ""));
}

/** @param {unknown} error */
function tell(error) {
  if (codeOf(error) !== "cancelled") toast(wordsOf(error), { kind: "error", code: codeOf(error), replaces: "trouble" });
}

/** A flat screen, as a phone held sideways, has no room for a panel unless it is asked for. */
function readOpen() {
  try {
    const kept = localStorage.getItem(OPEN_KEY);
    if (kept !== null) return kept === "true";
  } catch {
    // Storage may be blocked: the default holds.
  }
  return !matchMedia("(height <= 480px)").matches;
}

/** @param {boolean} open */
function writeOpen(open) {
  try {
    localStorage.setItem(OPEN_KEY, String(open));
  } catch {
    // As long as the page lives, then.
  }
}
