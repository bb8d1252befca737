/** Waiting for an agent, and the moment when one is on the way: own preview, place, honest range, something to write. */
import { avatar } from "../pages/components/avatar.js";
import { button, dots, icon, make, setIcon, setText } from "../pages/dom.js";
import { t } from "../pages/locale.js";
import { mediaIcon, deviceWords, placeWords, waitWords } from "./words.js";

/**
 * @typedef {import("./flow.js").Flow} Flow
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("./view.js").View} View
 * @typedef {import("../pages/capture.js").DeviceSource} DeviceSource
 */

const MAX = 1000;

export class WaitScene {
  element = make("div", "lm-wait");
  #flow;
  #mirror = make("div", "lm-mirror");
  #video = make("video");
  #face = make("div", "lm-face");
  #privacy = make("span", "pill lm-private");
  #microphone = this.#device("microphone");
  #camera = this.#device("camera");
  #switches = make("div", "lm-switches", this.#microphone, this.#camera);
  #title = make("h2");
  #dots = dots();
  #place = make("p", "lm-place");
  #range = make("p", "lm-range");
  #problem = make("div", "lm-problem");
  #problemTitle = make("strong");
  #problemBody = make("p");
  #retry = button("", "small", () => void this.#flow.media.want(this.#flow.model.media));
  #without = button("", "small quiet", () => void this.#flow.down(this.#downTo()));
  #said = make("ul", "lm-said");
  #box = make("input", "input");
  #send = make("button", "button lm-send", icon("send"));
  #form = make("form", "lm-say", this.#box, this.#send);
  #callback = button("", "quiet", () => this.#flow.askCallback());
  #cancel = button("", "quiet lm-leave", () => void this.#flow.cancel());
  #shownName = "";

  /** @param {Flow} flow */
  constructor(flow) {
    this.#flow = flow;
    this.#video.muted = this.#video.playsInline = this.#video.autoplay = true;
    this.#privacy.append(icon("lock"), make("span"));
    this.#mirror.append(this.#video, this.#face, this.#privacy, this.#switches);
    this.#problem.setAttribute("role", "alert");
    this.#problem.append(icon("warning"), make("div", "", this.#problemTitle, this.#problemBody, make("div", "lm-row", this.#retry, this.#without)));
    this.#box.type = "text";
    this.#box.maxLength = MAX;
    this.#box.autocomplete = "off";
    this.#send.type = "submit";
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#say();
    });
    this.element.append(
      this.#mirror,
      make("div", "lm-wait-words", make("div", "lm-wait-title", this.#title, this.#dots), this.#place, this.#range),
      this.#problem,
      this.#said,
      this.#form,
      make("div", "lm-row lm-wait-actions", this.#callback, this.#cancel),
    );
  }

  get first() {
    return this.#box;
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  show(view, model) {
    const { scene, kind, agent } = view;
    const { call } = model;
    const coming = scene === "ringing";
    this.element.classList.toggle("coming", coming);
    // Somebody has talked to us already: an agent who hands us on, or who was lost.
    const handed = call !== null && call.answered !== null;
    setText(this.#title, this.#titleOf(view, handed));
    this.#dots.hidden = coming && agent !== null;
    setText(this.#place, handed ? t("widget.wait.handing_help") : coming ? t("widget.wait.ready") : placeWords(call?.position ?? null));
    setText(this.#range, coming || scene === "starting" ? "" : waitWords(call?.estimate ?? null));
    this.#showMirror(view, model);
    this.#showProblem(view, model);
    const waiting = call !== null && scene !== "starting";
    this.#form.hidden = this.#said.hidden = !waiting;
    this.#box.placeholder = kind === "text" ? t("widget.wait.say_text") : t("widget.wait.say");
    this.#box.setAttribute("aria-label", t("widget.wait.say_label"));
    this.#send.setAttribute("aria-label", t("widget.send"));
    this.#showSaid(call?.messages ?? [], this.#flow.asked || (call?.topic ?? ""));
    setText(this.#callback, t("widget.wait.callback"));
    this.#callback.hidden = !waiting || coming;
    setText(this.#cancel, coming ? t("widget.wait.stop") : t("widget.wait.cancel"));
  }

  /**
   * @param {View} view
   * @param {boolean} handed
   */
  #titleOf({ scene, agent }, handed) {
    if (scene === "starting") return t("widget.status.starting");
    if (scene === "ringing" && agent) return t("widget.status.coming", { name: agent.name });
    if (handed) return t("widget.wait.handing");
    return scene === "ringing" ? t("widget.status.ringing") : t("widget.wait.title");
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  #showMirror({ scene, kind, agent, asking }, model) {
    const { tracks } = this.#flow.media.capture;
    const picture = kind === "video" && model.camera.state === "on" && !model.camera.off ? tracks.camera : null;
    const shown = /** @type {MediaStream | null} */ (this.#video.srcObject)?.getVideoTracks()[0] ?? null;
    if (picture !== shown) this.#video.srcObject = picture ? new MediaStream([picture]) : null;
    this.#video.hidden = !picture;
    this.#video.classList.toggle("mirrored", !this.#flow.media.facesAway);
    this.#mirror.classList.toggle("pictured", picture !== null);
    this.#face.hidden = picture !== null;
    const name = scene === "ringing" ? (agent?.name ?? "") : "";
    const look = asking ? "ask" : name ? `face ${name}` : kind;
    if (look !== this.#shownName) {
      this.#shownName = look;
      this.#face.replaceChildren(
        asking ? make("div", "lm-allow", icon("lock"), make("p", "", kind === "video" ? t("widget.device.allow_both") : t("widget.device.allow_microphone"))) : name ? avatar(name, "large") : make("span", "lm-disc", icon(mediaIcon(kind))),
      );
    }
    const [, words] = this.#privacy.children;
    if (words) setText(words, t("widget.wait.private"));
    this.#privacy.hidden = !picture;
    this.#switches.hidden = kind === "text" || (model.microphone.state !== "on" && model.camera.state !== "on");
    this.#showDevice(this.#microphone, "microphone", model);
    this.#showDevice(this.#camera, "camera", model);
    this.#camera.hidden = kind !== "video";
  }

  /**
   * @param {HTMLButtonElement} control
   * @param {DeviceSource} source
   * @param {Model} model
   */
  #showDevice(control, source, model) {
    const { state, off } = model[source];
    const silent = off || state !== "on";
    control.classList.toggle("off", silent);
    control.setAttribute("aria-pressed", String(!silent));
    const svg = control.querySelector("svg");
    const short = source === "microphone" ? "mic" : "camera";
    if (svg) setIcon(svg, silent ? `${short}-off` : short);
    const label = source === "microphone" ? (silent ? t("widget.bar.unmute") : t("widget.bar.mute")) : silent ? t("widget.bar.camera_on") : t("widget.bar.camera_off");
    control.setAttribute("aria-label", label);
    control.title = label;
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  #showProblem({ problem, kind }, model) {
    this.#problem.hidden = problem === null;
    if (problem === null) return;
    const { title, body } = deviceWords(problem, model.microphone.state !== "problem");
    setText(this.#problemTitle, title);
    setText(this.#problemBody, `${body} ${t("widget.device.place_kept")}`);
    setText(this.#retry, t("widget.retry"));
    setText(this.#without, this.#downTo() === "voice" && kind === "video" ? t("widget.device.voice_only") : t("widget.device.text_only"));
  }

  /** What goes without the device that is missing. */
  #downTo() {
    return this.#flow.model.microphone.state === "problem" ? "text" : "voice";
  }

  /**
   * @param {readonly import("./types.js").Message[]} messages
   * @param {string} topic
   */
  #showSaid(messages, topic) {
    const lines = messages.flatMap(({ text }) => (text ? [text] : []));
    if (topic && !lines.includes(topic)) lines.unshift(topic);
    const key = lines.join("\n");
    if (this.#said.dataset.lines === key) return;
    this.#said.dataset.lines = key;
    this.#said.replaceChildren(...lines.map((line) => make("li", "", line)));
    this.#said.scrollTop = this.#said.scrollHeight;
  }

  async #say() {
    const text = this.#box.value.trim();
    if (!text) return;
    this.#box.value = "";
    if (!(await this.#flow.say(text))) this.#box.value ||= text;
  }

  /** @param {DeviceSource} source */
  #device(source) {
    const control = make("button", "lm-round", icon(source === "microphone" ? "mic" : "camera"));
    control.type = "button";
    control.addEventListener("click", () => void this.#flow.toggle(source));
    return control;
  }
}
