/** In the call: the agent large, ourselves small and movable, one row of controls, the chat beside or over the picture. */
import { avatar } from "../pages/components/avatar.js";
import { CallBar } from "../pages/components/call-bar.js";
import { button, icon, make, setIcon, setText } from "../pages/dom.js";
import { formatDuration } from "../pages/format.js";
import { t } from "../pages/locale.js";
import { barOf, moreOf } from "./controls.js";
import { movable } from "./drag.js";
import { Pictures } from "./pictures.js";
import { Tools } from "./tools.js";
import { bannerWords } from "./words.js";

/**
 * @typedef {import("./flow.js").Flow} Flow
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("./view.js").View} View
 */

const TICK_MS = 1000;

export class CallScene {
  element = make("div", "lm-call");
  pictures = new Pictures();
  #flow;
  #face = make("div", "lm-agent");
  #faceWords = make("p");
  #clock = make("span", "pill number lm-clock");
  #inset = make("div", "lm-inset");
  #own = make("video");
  #ownOff = make("div", "lm-own-off");
  #banner = make("div", "lm-banner");
  #bannerIcon = icon("info");
  #bannerWords = make("span");
  #bannerAction = button("", "small", () => void this.#flow.offStage());
  #sound = button("", "primary lm-sound", () => void this.pictures.unblock());
  #stage = make("div", "lm-stage");
  #side = make("div", "lm-side");
  #swap = make("button", "lm-round lm-swap");
  #bar = /** @type {CallBar} */ (document.createElement("lm-call-bar"));
  #more = make("div", "lm-menu");
  #moreOpen = false;
  #tools;
  #faceName = "";
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {Flow} flow */
  constructor(flow) {
    this.#flow = flow;
    this.#tools = new Tools(flow, this.#side, this.#own);
    this.#own.muted = this.#own.playsInline = this.#own.autoplay = true;
    this.#inset.append(this.#own, this.#ownOff);
    this.#ownOff.append(icon("camera-off"));
    this.#sound.append(icon("volume"), make("span"));
    this.#banner.append(this.#bannerIcon, this.#bannerWords, this.#bannerAction);
    this.#more.hidden = true;
    this.#swap.append(icon("flip"));
    this.#stage.append(this.pictures.element, this.#face, this.#inset, this.#tools.annotate, this.#swap, this.#clock, this.#tools.news, this.#banner, this.#sound);
    this.element.append(this.#stage, this.#tools.steps, this.#side, this.#more, make("div", "lm-bar", this.#bar));
    this.#bar.addEventListener("control", (event) => this.#press(/** @type {CustomEvent<string>} */ (event).detail));
    this.pictures.on("change", () => this.#flow.view.scene === "call" && this.show(this.#flow.view, this.#flow.model));
    this.#swap.type = "button";
    this.#swap.addEventListener("click", () => this.#swapPictures());
    // A tap on the small picture makes it the large one.
    this.#inset.addEventListener("click", () => this.#swapPictures());
    movable(this.#inset, { within: this.#stage, name: () => t("widget.own") });
  }

  get first() {
    return this.#bar.querySelector("button");
  }

  get stage() {
    return this.#stage;
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  show(view, model) {
    const { session } = this.#flow;
    // On the stage the page plays everybody who is on it.
    const elsewhere = view.onAir && session?.own === false;
    const people = view.agent ? [view.agent, ...view.others] : view.others;
    this.pictures.follow(session?.room ?? null);
    this.pictures.show(elsewhere ? [] : people);
    const pictured = this.pictures.pictured;
    this.element.dataset.kind = view.kind;
    this.element.classList.toggle("elsewhere", elsewhere);
    this.element.classList.toggle("pictured", pictured);
    this.element.classList.toggle("chatting", model.chat && view.kind !== "text");
    this.element.classList.toggle("held", model.call?.state === "on_hold");
    this.element.classList.toggle("dim", view.banner === "reconnecting" || view.banner === "agent_reconnecting");
    const swapped = view.kind === "video" && this.#tools.swapped;
    this.element.classList.toggle("swapped", swapped);
    this.#swap.hidden = !swapped;
    this.#swap.setAttribute("aria-label", t("widget.swap_back"));
    this.#showFace(view, pictured || swapped);
    this.#showOwn(view, model);
    this.#showBanner(view, model);
    if (swapped) this.pictures.element.dataset.corner = this.#inset.dataset.corner ?? "top right";
    this.#sound.hidden = !this.pictures.blocked;
    const [, words] = this.#sound.children;
    if (words) setText(words, t("widget.sound_on"));
    this.#tools.show(view, model, this.pictures);
    this.#bar.setAttribute("aria-label", t("widget.bar.label"));
    this.#bar.show(barOf(view, model, { more: this.#moreOpen, unread: this.#tools.unread }));
    this.#showMore(view, model);
    this.#tick();
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  /** Nothing to be seen of it any more. */
  hide() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#moreOpen = false;
    this.#own.srcObject = null;
    this.pictures.close();
    this.#tools.close();
  }

  /**
   * @param {View} view
   * @param {boolean} pictured
   */
  #showFace({ agent, kind, banner }, pictured) {
    this.#face.hidden = pictured || kind === "text";
    const name = agent?.name ?? "";
    if (name !== this.#faceName) {
      this.#faceName = name;
      this.#face.replaceChildren(...(name ? [avatar(name, "large")] : []), this.#faceWords);
    }
    setText(this.#faceWords, kind === "video" && banner === null ? t("widget.no_picture", { name }) : name);
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  #showOwn({ kind, onAir }, { camera }) {
    this.#inset.hidden = kind !== "video";
    this.#inset.classList.toggle("on-air", onAir);
    const { tracks } = this.#flow.media.capture;
    const sent = [...(this.#flow.room?.localTracks ?? [])].find(({ source }) => source === "camera");
    // What is seen of us, where that is not what the camera sees.
    const track = camera.off ? null : sent?.covered ? sent.outgoing : tracks.camera;
    const shown = /** @type {MediaStream | null} */ (this.#own.srcObject)?.getVideoTracks()[0] ?? null;
    if (track !== shown) this.#own.srcObject = track ? new MediaStream([track]) : null;
    // Large, it is what the agent sees and marks: no mirror.
    this.#own.classList.toggle("mirrored", !this.#flow.media.facesAway && !this.#tools.swapped);
    this.#ownOff.hidden = track !== null;
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  #showBanner({ banner, agent, onAir }, { call }) {
    this.#banner.hidden = banner === null;
    if (banner === null) return;
    this.#banner.dataset.kind = banner;
    setIcon(this.#bannerIcon, banner === "hold" ? "clock" : banner === "transfer" || banner === "warm" ? "users" : onAir ? "live" : banner.includes("reconnecting") ? "signal-off" : "info");
    setText(this.#bannerWords, bannerWords(banner, agent?.name ?? "", call));
    this.#bannerAction.hidden = !onAir;
    setText(this.#bannerAction, t("widget.stage.leave"));
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  #showMore(view, model) {
    this.#more.hidden = !this.#moreOpen;
    if (!this.#moreOpen) return;
    const items = moreOf(view, model, this.#moreFacts);
    const key = items.map(({ id, label }) => `${id}${label}`).join("|");
    if (this.#more.dataset.key === key) return;
    this.#more.dataset.key = key;
    this.#more.setAttribute("role", "group");
    this.#more.replaceChildren(
      ...items.map(({ id, icon: name, label }) => {
        const item = button("", "quiet lm-item", () => {
          this.#moreOpen = false;
          this.#press(id);
        });
        item.append(icon(name), make("span", "", label));
        return item;
      }),
    );
  }

  get #moreFacts() {
    const { canFlip, capture } = this.#flow.media;
    return { canFlip, screen: capture.screen !== null, drawing: this.#tools.drawing };
  }

  #swapPictures() {
    this.#tools.swap();
    this.show(this.#flow.view, this.#flow.model);
  }

  #tick() {
    const { call } = this.#flow;
    this.#clock.hidden = !call?.answered;
    if (call?.answered) setText(this.#clock, formatDuration(Date.now() + (this.#flow.room?.clockOffsetMs ?? 0) - call.answered));
  }

  /** @param {string} control */
  #press(control) {
    const flow = this.#flow;
    switch (control) {
      case "microphone":
      case "camera":
        void flow.toggle(control);
        break;
      case "voice":
      case "video":
        void flow.step(control);
        break;
      case "chat":
        flow.toggleChat();
        break;
      case "flip":
        void flow.media.flip();
        break;
      case "screen":
        void flow.share();
        break;
      case "picture":
        this.#tools.pick();
        break;
      case "draw":
        this.#tools.drawing = !this.#tools.drawing;
        break;
      case "still":
        void flow.still();
        break;
      case "more":
        this.#moreOpen = !this.#moreOpen;
        break;
      case "end":
        void flow.hangUp();
        break;
      default:
    }
    this.show(flow.view, flow.model);
  }
}
