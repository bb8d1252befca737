/**
 * One help call in the middle of the console: the shopper's picture as large as it goes, marks over it, everybody else
 * small, what the call is doing, and its controls. It is told what to show and says what was pressed.
 *
 *   view.show({ visit, call, identity, ... });       // null: no call
 *
 * Events: `control` (detail: id), `banner` (detail: {id, banner}), `supervise` (detail: mode).
 */
import { bannersOf } from "../agent-help-banners.js";
import { askControls, callControls, moreControls } from "../agent-help-controls.js";
import { CallPictures } from "../agent-help-pictures.js";
import { peopleShown, phaseOf, rightsOf, seatOf } from "../agent-help-view.js";
import { mediaIcon, mediaWord } from "../agent-help-words.js";
import { button, dots, icon, make, setIcon, setText } from "../dom.js";
import { formatDuration } from "../format.js";
import { onLocale, t } from "../locale.js";
import { Annotate } from "./annotate.js";
import { avatar } from "./avatar.js";
import { CallBar } from "./call-bar.js";
import { QualityBars } from "./quality-bars.js";
import { keep } from "./room-panel.js";

/**
 * @typedef {import("../agent-help-types.js").Call} Call
 * @typedef {import("../agent-help-banners.js").Banner} Banner
 * @typedef {import("../agent-help-types.js").SuperviseMode} SuperviseMode
 * @typedef {object} HelpCallState
 * @property {import("../agent-help-visit.js").HelpVisit} visit
 * @property {string} identity ours
 * @property {string} name ours
 * @property {number} now on the server's clock, ms
 * @property {boolean} narrow
 * @property {boolean} more
 * @property {boolean} live the room has a show
 */

/** @type {readonly ("listen" | "whisper" | "barge" | "takeover")[]} */
const MODES = Object.freeze(["listen", "whisper", "barge", "takeover"]);
/** A picture that stands this long is told; the voice goes on meanwhile. */
const FROZEN_MS = 2_000;
const WEAK_MS = 8_000;

export class HelpCall extends HTMLElement {
  /** @type {HelpCallState | null} */
  #state = null;
  /** @type {CallPictures | null} */
  #pictures = null;
  /** @type {import("../agent-help-visit.js").HelpVisit | null} */
  #visit = null;
  #frozenAt = 0;
  #weakAt = 0;
  /** @type {Set<string>} */
  #dismissed = new Set();
  #stage = make("div", "hc-stage");
  #face = make("div", "hc-face");
  #faceNote = make("p", "hc-face-note");
  #annotate = new Annotate();
  #asks = /** @type {CallBar} */ (document.createElement("lm-call-bar"));
  #asksTitle = make("span", "hc-asks-title");
  #asksBox = make("div", "hc-asks", this.#asksTitle, this.#asks);
  #name = make("span", "name truncate");
  #verified = icon("verified");
  #pill = make("span", "pill");
  #mediaIcon = icon("camera");
  #mediaWord = make("span");
  #media = make("span", "pill", this.#mediaIcon, this.#mediaWord);
  #queue = make("span", "pill hc-queue");
  #quality = /** @type {QualityBars} */ (document.createElement("lm-quality"));
  #banners = make("div", "hc-banners");
  /** @type {Map<string, HTMLElement>} */
  #bannerElements = new Map();
  #modes = make("div", "hc-modes");
  #modesNote = make("span", "hc-modes-note");
  #extras = /** @type {CallBar} */ (document.createElement("lm-call-bar"));
  #bar = /** @type {CallBar} */ (document.createElement("lm-call-bar"));
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {HelpCallState | null} state */
  show(state) {
    this.#state = state;
    this.hidden = state === null;
    if (state?.visit !== this.#visit) this.#follow(state?.visit ?? null);
    this.#render();
  }

  async unblock() {
    await this.#pictures?.unblock();
  }

  /** It was read. @param {string} banner */
  dismiss(banner) {
    this.#dismissed.add(banner);
    this.#render();
  }

  /** Fold or unfold the tools for drawing. */
  toggleMarks() {
    if (!this.#annotate.hidden) this.#annotate.open = !this.#annotate.open;
  }

  #build() {
    this.#quality.setAttribute("of", "downlink");
    this.#banners.setAttribute("role", "status");
    this.#modes.setAttribute("role", "group");
    for (const mode of MODES) {
      const choice = button("", "small", () => this.#say("supervise", mode));
      choice.dataset.mode = mode;
      this.#modes.append(choice);
    }
    for (const bar of [this.#bar, this.#extras, this.#asks]) {
      bar.addEventListener("control", (event) => this.#say("control", /** @type {CustomEvent<string>} */ (event).detail));
    }
    const who = make("div", "who", make("span", "hc-name", this.#name, this.#verified), make("span", "chip-line", this.#pill, this.#media, this.#queue));
    this.append(
      this.#stage,
      make("header", "overlay top hc-head", make("div", "host-chip", who), make("div", "corner", this.#quality)),
      this.#banners,
      this.#asksBox,
      make("footer", "overlay bottom hc-foot", make("div", "hc-modes-row", this.#modesNote, this.#modes), this.#extras, this.#bar),
    );
  }

  /** @param {string} type @param {unknown} detail */
  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {import("../agent-help-visit.js").HelpVisit | null} visit */
  #follow(visit) {
    this.#visit = visit;
    this.#pictures?.close();
    this.#pictures = null;
    this.#dismissed.clear();
    this.#frozenAt = 0;
    this.#weakAt = 0;
    this.#stage.replaceChildren();
    if (!visit) {
      this.#annotate.help = null;
      this.#annotate.video = null;
      return;
    }
    const pictures = new CallPictures();
    this.#pictures = pictures;
    pictures.on("change", () => this.#render());
    this.#stage.append(pictures.main, this.#face, this.#annotate, pictures.strip);
    this.#annotate.help = visit.help;
    this.#annotate.video = pictures.main;
    this.#annotate.open = false;
  }

  #render() {
    const state = this.#state;
    const pictures = this.#pictures;
    if (!state || !pictures || this.childElementCount === 0) return;
    const { visit, identity, name, narrow, more, live } = state;
    const { call, room } = visit;
    const seat = seatOf(call, identity);
    const rights = rightsOf(seat);
    const phase = phaseOf(call, room.state);
    const people = peopleShown(call, room.tracks.values(), identity);
    pictures.show(visit, people, { capture: visit.capture, name, hidden: !rights.show });
    const picture = people.shopper.screen ?? people.shopper.picture;
    this.#renderFace(call, phase, picture !== null, pictures.seen);
    this.#annotate.me = identity;
    this.#annotate.target = picture;
    this.#annotate.readonly = !rights.draw;
    this.#annotate.hidden = !rights.draw || call.media === "text" || phase === "calling";
    this.#renderHead(call, phase);
    this.#renderBanners(
      bannersOf({
        call,
        identity,
        phase,
        rights,
        devices: visit.capture?.tracks ?? null,
        weak: this.#weak(visit),
        soundOnly: this.#frozen(pictures, picture, room),
        blocked: pictures.blocked,
        now: Date.now() + room.clockOffsetMs,
        dismissed: this.#dismissed,
      }),
    );
    const agents = people.others.filter(({ side, mode }) => side === "agent" && mode !== "ring").length + Number(rights.lead);
    const canShare = typeof navigator.mediaDevices?.getDisplayMedia === "function";
    const facts = { call, rights, capture: visit.capture, phase, narrow, more, live, agents, canShare };
    const asks = narrow ? [] : askControls(facts);
    this.#asksBox.hidden = asks.length === 0 || phase !== "talking" || picture === null;
    setText(this.#asksTitle, t("ask.title"));
    this.#asks.show(asks);
    this.#bar.setAttribute("aria-label", t("agent.bar"));
    this.#bar.show(callControls(narrow ? facts : { ...facts, call: { ...call, device: null } }));
    const extras = more ? moreControls(narrow ? facts : { ...facts, call: { ...call, device: null } }) : [];
    this.#extras.hidden = extras.length === 0;
    this.#extras.show(extras);
    this.#renderModes(rights.mode);
    this.dataset.media = call.media;
    this.dataset.phase = phase;
    this.classList.toggle("on-stage", call.escalation?.state === "on_stage");
  }

  /** Whether our own picture has hardly got out for a while: at first every path is slow. @param {import("../agent-help-visit.js").HelpVisit} visit */
  #weak({ uplink, capture }) {
    const weak = uplink !== null && uplink.quality <= 1 && capture?.off.camera === false;
    if (!weak) this.#weakAt = 0;
    else if (this.#weakAt === 0) this.#weakAt = performance.now();
    return this.#weakAt > 0 && performance.now() - this.#weakAt > WEAK_MS;
  }

  /**
   * @param {CallPictures} pictures
   * @param {string | null} picture
   * @param {import("../../sdk/lianmai.js").LianmaiRoom} room
   */
  #frozen(pictures, picture, room) {
    const flowing = picture === null || room.tracks.get(picture)?.flowing !== false;
    if (picture === null || (flowing && !pictures.frozen)) this.#frozenAt = 0;
    else if (this.#frozenAt === 0) this.#frozenAt = performance.now();
    return this.#frozenAt > 0 && performance.now() - this.#frozenAt > FROZEN_MS;
  }

  /**
   * @param {Call} call
   * @param {import("../agent-help-view.js").Phase} phase
   * @param {boolean} picture
   * @param {boolean} seen
   */
  #renderFace(call, phase, picture, seen) {
    const bare = !picture || !seen;
    this.#face.hidden = !bare;
    const lost = phase === "shopper_lost" || phase === "repairing";
    // The last picture of somebody who drops stays, that of somebody on hold does not.
    this.#pictures?.main.classList.toggle("dim", lost);
    this.#pictures?.main.classList.toggle("gone", !picture && !lost);
    if (this.#face.dataset.name !== call.shopper.name) {
      this.#face.dataset.name = call.shopper.name;
      this.#face.replaceChildren(avatar(call.shopper.name, "large"), this.#faceNote);
    }
    setText(this.#faceNote, faceWords(call, phase, picture));
  }

  /**
   * @param {Call} call
   * @param {import("../agent-help-view.js").Phase} phase
   */
  #renderHead(call, phase) {
    const { now = 0 } = this.#state ?? {};
    setText(this.#name, call.shopper.name);
    this.#name.title = call.shopper.name;
    this.#verified.toggleAttribute("hidden", call.context?.verified !== true);
    const { look, word } = pillOf(call, phase, call.answered === null ? "" : formatDuration(now - call.answered));
    this.#pill.className = `pill number ${look}`;
    setText(this.#pill, word);
    setIcon(this.#mediaIcon, mediaIcon(call.media));
    setText(this.#mediaWord, mediaWord(call.media));
    setText(this.#queue, call.queue_title || call.queue);
    this.#queue.hidden = !(call.queue_title || call.queue);
    this.#quality.value = call.media === "text" || phase === "calling" ? null : (this.#visit?.downlink ?? null);
  }

  /** @param {readonly Banner[]} banners */
  #renderBanners(banners) {
    keep(this.#banners, this.#bannerElements, banners, ({ id }) => id, () => make("div", "hc-banner"), (element, banner) => this.#fillBanner(element, banner));
  }

  /** @param {HTMLElement} element @param {Banner} banner */
  #fillBanner(element, { id, kind, text, actions = [] }) {
    const shown = JSON.stringify([kind, text, actions]);
    if (element.dataset.shown === shown) return;
    element.dataset.shown = shown;
    element.className = `hc-banner ${kind}`;
    const buttons = actions.map((action) =>
      button(action.label, `small ${action.primary ? "primary" : ""}`, () => this.#say("banner", { id: action.id, banner: id })),
    );
    element.replaceChildren(...(kind === "wait" ? [dots()] : []), make("span", "hc-banner-words", text), make("span", "hc-banner-acts", ...buttons));
  }

  /** @param {"listen" | "whisper" | "barge" | null} mode */
  #renderModes(mode) {
    const row = /** @type {HTMLElement} */ (this.#modes.parentElement);
    row.hidden = mode === null;
    if (mode === null) return;
    const words = { listen: t("supervise.listen"), whisper: t("supervise.whisper"), barge: t("supervise.barge"), takeover: t("supervise.takeover") };
    const hints = { listen: t("supervise.listen_hint"), whisper: t("supervise.whisper_hint"), barge: t("supervise.barge_hint") };
    setText(this.#modesNote, hints[mode]);
    this.#modes.setAttribute("aria-label", t("supervise.title"));
    for (const choice of this.#modes.querySelectorAll("button")) {
      const own = /** @type {keyof typeof words} */ (choice.dataset.mode);
      setText(choice, words[own]);
      choice.setAttribute("aria-pressed", String(own === mode));
    }
  }
}

/**
 * @param {Call} call
 * @param {import("../agent-help-view.js").Phase} phase
 * @param {boolean} picture one is coming
 */
function faceWords(call, phase, picture) {
  const { name } = call.shopper;
  if (phase === "calling") return t("call.calling", { name });
  if (phase === "shopper_lost" || phase === "repairing") return "";
  if (phase === "held" || phase === "consult") return t("call.face_held");
  if (picture || phase === "connecting") return t("call.picture_comes");
  if (call.media === "text") return t("call.face_text");
  return call.media === "voice" ? t("call.face_voice") : t("call.face_no_camera");
}

/**
 * @param {Call} call
 * @param {import("../agent-help-view.js").Phase} phase
 * @param {string} time
 */
function pillOf(call, phase, time) {
  if (phase === "repairing" || phase === "shopper_lost") return { look: "away", word: t("state.away") };
  if (call.escalation?.state === "on_stage") return { look: "live", word: `${t("air.pill")} ${time}` };
  if (phase === "calling") return { look: "", word: t("call.pill_calling") };
  if (phase === "held" || phase === "consult") return { look: "held", word: `${t("call.pill_held")} ${time}` };
  if (phase === "connecting") return { look: "", word: t("call.pill_connecting") };
  return { look: "talking", word: `${t("call.pill_talking")} ${time}` };
}

customElements.define("lm-help-call", HelpCall);
