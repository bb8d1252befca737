/** Questions that lie over the call: on air, and how? A device that is missing; what the agent asks of the camera. */
import { button, icon, make, setText } from "../pages/dom.js";
import { t } from "../pages/locale.js";
import { deviceWords } from "./words.js";

/**
 * @typedef {import("./flow.js").Flow} Flow
 * @typedef {import("./types.js").Consent} Consent
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("./view.js").View} View
 */

/** The server waits this long for an answer, ms; it may say until when itself. */
const CONSENT_MS = 60_000;

export class Sheets {
  element = make("div", "lm-sheet-layer");
  #flow;
  #sheet = make("div", "lm-sheet");
  #shown = "";
  #preview = make("video", "lm-consent-video");
  #left = make("p", "lm-note number");
  /** When the question is over, by our own clock, ms. */
  #until = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {Flow} flow */
  constructor(flow) {
    this.#flow = flow;
    this.#sheet.setAttribute("role", "alertdialog");
    this.#sheet.setAttribute("aria-modal", "true");
    this.#sheet.setAttribute("aria-labelledby", "lm-sheet-title");
    this.#sheet.tabIndex = -1;
    this.#preview.muted = this.#preview.playsInline = this.#preview.autoplay = true;
    this.element.hidden = true;
    this.element.append(this.#sheet);
  }

  /** A question waits for an answer. */
  get open() {
    return !this.element.hidden;
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  show(view, model) {
    const name = view.agent?.name ?? "";
    const wanted = view.sheet ?? (view.scene === "call" ? this.#flow.camera.wish : null);
    const camera = model.microphone.state !== "problem";
    const key = wanted ? `${wanted} ${name} ${view.problem ?? ""} ${camera} ${model.camera.state} ${t("widget.retry")}` : "";
    if (key === this.#shown) return;
    this.#shown = key;
    this.element.hidden = wanted === null;
    this.#preview.srcObject = null;
    clearInterval(this.#timer);
    if (wanted === "consent") this.#consent(view, model, name);
    else if (wanted === "device") this.#device(view, model, camera);
    else if (wanted) this.#camera(wanted, name);
    if (wanted) this.#sheet.focus({ preventScroll: true });
  }

  /**
   * @param {View} view
   * @param {Model} model
   * @param {string} name
   */
  #consent(view, model, name) {
    const flow = this.#flow;
    const track = flow.media.capture.tracks.camera;
    const seen = view.kind === "video" && track !== null && model.camera.state === "on";
    if (seen) this.#preview.srcObject = new MediaStream([track]);
    const until = model.call?.escalation?.until;
    this.#until = until ? until - (flow.room?.clockOffsetMs ?? 0) : Date.now() + CONSENT_MS;
    this.#count();
    this.#timer = setInterval(() => this.#count(), 500);
    const choice = (/** @type {Consent} */ consent, /** @type {SVGSVGElement} */ glyph, /** @type {string} */ label, /** @type {string} */ body) => {
      const control = button("", `lm-choice${consent === "no" ? " quiet" : ""}`, () => void flow.consent(consent));
      control.append(glyph, make("span", "", make("strong", "", label), ...(body ? [make("small", "", body)] : [])));
      return control;
    };
    this.#fill(
      "live",
      t("widget.consent.title", { name }),
      t("widget.consent.body"),
      seen ? [this.#preview] : [],
      [
        ...(seen ? [choice("video", icon("camera"), t("widget.consent.video"), t("widget.consent.video_body"))] : []),
        ...(seen ? [choice("blurred", icon("blur"), t("widget.consent.blurred"), t("widget.consent.blurred_body"))] : []),
        choice("voice", icon("mic"), t("widget.consent.voice"), t("widget.consent.voice_body")),
        choice("no", icon("close"), t("widget.consent.no"), t("widget.consent.no_body")),
        this.#left,
      ],
    );
  }

  #count() {
    setText(this.#left, t("widget.consent.left", { seconds: Math.max(0, Math.ceil((this.#until - Date.now()) / 1000)) }));
  }

  /**
   * @param {View} view
   * @param {Model} model
   * @param {boolean} camera
   */
  #device(view, model, camera) {
    const flow = this.#flow;
    const { stepping } = model;
    const { title, body } = deviceWords(view.problem ?? (camera ? model.camera.problem : model.microphone.problem) ?? "device_failed", camera);
    const again = button(t("widget.retry"), "primary", () => void flow.step(stepping === "none" ? "voice" : stepping));
    const stay = button(t("widget.device.stay"), "", () => flow.stay());
    const voice = stepping === "video" && camera && view.kind === "text" ? [button(t("widget.device.voice_only"), "", () => void flow.step("voice"))] : [];
    this.#fill("lock", title, body, [], [again, ...voice, stay]);
  }

  /**
   * @param {"flip" | "still"} ask
   * @param {string} name
   */
  #camera(ask, name) {
    const yes = button(ask === "flip" ? t("widget.request.flip_yes") : t("widget.request.still_yes"), "primary", () => void this.#flow.answerRequest(true));
    const no = button(t("widget.request.no"), "", () => void this.#flow.answerRequest(false));
    const title = ask === "flip" ? t("widget.request.flip", { name }) : t("widget.request.still", { name });
    this.#fill(ask, title, ask === "flip" ? t("widget.request.flip_body") : t("widget.request.still_body"), [], [yes, no]);
  }

  /**
   * @param {string} glyph
   * @param {string} title
   * @param {string} body
   * @param {Node[]} between
   * @param {Node[]} actions
   */
  #fill(glyph, title, body, between, actions) {
    const heading = make("h2", "", title);
    heading.id = "lm-sheet-title";
    const words = make("p", "");
    setText(words, body);
    const disc = make("span", "lm-disc small", icon(glyph === "still" ? "photo" : glyph));
    this.#sheet.replaceChildren(disc, heading, words, ...between, make("div", "lm-actions", ...actions));
  }
}
