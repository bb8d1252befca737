/**
 * The widget's elements: the button over the page, the card with one scene at a time, and the bubble that a call shrinks
 * to. The bubble is the card in another form, so that no picture stops on the way.
 */
import { icon, make, setText } from "../pages/dom.js";
import { t } from "../pages/locale.js";
import { movable } from "./drag.js";
import { PopOut } from "./popout.js";
import { AskScene } from "./scene-ask.js";
import { CallScene } from "./scene-call.js";
import { LaterScene } from "./scene-later.js";
import { NoteScene } from "./scene-note.js";
import { RateScene } from "./scene-rate.js";
import { WaitScene } from "./scene-wait.js";
import { Sheets } from "./sheets.js";
import { bubbleWords, failureWords, statusWords } from "./words.js";

/**
 * @typedef {import("./flow.js").Flow} Flow
 * @typedef {import("./view.js").Scene} Scene
 * @typedef {import("./view.js").View} View
 * @typedef {import("./types.js").Model} Model
 * @typedef {{ element: HTMLElement, first: HTMLElement | null, show: (view: View, model: Model) => void, hide?: () => void }} Shown
 */

const TOLD_MS = 4500;
/** As in the styles: below this the card is a sheet. */
const PHONE = "(width <= 520px)";

export class Shell {
  root = make("div", "lm");
  #flow;
  #button = make("button", "lm-fab");
  #buttonWord = make("span", "lm-fab-word");
  #card = make("section", "lm-card");
  #title = make("h2", "lm-title truncate");
  #status = make("p", "lm-status truncate");
  #out = this.#tool(icon("popout"), () => void this.#popOut.toggle());
  #small = this.#tool(icon("lower"), () => this.#flow.close());
  #shut = this.#tool(icon("close"), () => this.#flow.close());
  #head = make("header", "lm-head", make("div", "lm-titles", this.#title, this.#status), this.#out, this.#small, this.#shut);
  #body = make("div", "lm-body");
  #grow = make("button", "lm-grow");
  #growWords = make("span", "truncate");
  #toast = make("div", "lm-toast");
  #live = make("p", "sr-only");
  #sheets;
  #call;
  #popOut;
  /** @type {Record<Scene, Shown>} */
  #scenes;
  /** @type {Shown | null} */
  #shown = null;
  #frame = "";
  #said = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #toastTimer;
  #phone = matchMedia(PHONE);
  /** What the button says; empty: the language's own word. */
  label = "";

  /**
   * @param {Flow} flow
   * @param {object} page
   * @param {() => import("./scene-ask.js").ProductShown} page.product
   * @param {() => readonly string[]} page.topics
   * @param {() => void} page.tapped the button was pressed
   * @param {() => import("./drag.js").Corner} page.corner of the button
   */
  constructor(flow, page) {
    this.#flow = flow;
    this.#sheets = new Sheets(flow);
    this.#call = new CallScene(flow);
    const wait = new WaitScene(flow);
    const note = new NoteScene(flow);
    this.#scenes = {
      ask: new AskScene(flow, page),
      starting: wait, waiting: wait, ringing: wait,
      closed: note, busy: note, failed: note, called: note, over: note, incoming: note,
      callback: new LaterScene(flow),
      call: this.#call,
      rate: new RateScene(flow),
    };
    this.#popOut = new PopOut(this.root, this.#card, () => {
      this.#call.pictures.wake();
      this.show();
    });
    this.#button.type = this.#grow.type = "button";
    this.#button.append(icon("headset"), this.#buttonWord);
    this.#button.addEventListener("click", page.tapped);
    this.#grow.append(this.#growWords);
    this.#grow.addEventListener("click", () => this.#flow.open());
    this.#card.setAttribute("role", "dialog");
    this.#card.tabIndex = -1;
    this.#card.append(this.#head, this.#body, this.#sheets.element, this.#toast, this.#grow);
    this.#toast.setAttribute("role", "status");
    this.#toast.hidden = true;
    this.#live.setAttribute("role", "status");
    this.#live.setAttribute("aria-live", "polite");
    this.#title.id = "lm-title";
    this.#card.setAttribute("aria-labelledby", this.#title.id);
    this.root.append(this.#button, this.#card, this.#live);
    this.root.addEventListener("keydown", (event) => this.#key(event));
    const corner = page.corner();
    movable(this.#button, { within: null, corner, moved: (next) => (this.#card.dataset.corner = next) });
    this.#card.dataset.corner = corner;
    movable(this.#card, { within: null, handle: this.#head, corner, moved: (next) => (this.#button.dataset.corner = next) });
    movable(this.#card, { within: null, handle: this.#grow, corner, moved: (next) => (this.#button.dataset.corner = next) });
    flow.on("told", (told) => this.#tell(told));
    this.#phone.addEventListener("change", () => this.show());
  }

  show() {
    const view = this.#flow.view;
    const { model } = this.#flow;
    const { scene } = view;
    const popped = this.#popOut.open;
    const frame = popped ? "card" : view.frame;
    this.root.dataset.frame = frame;
    this.root.dataset.scene = scene;
    this.root.dataset.kind = view.kind;
    this.root.classList.toggle("popped", popped);
    this.#button.hidden = frame !== "button";
    this.#card.hidden = frame === "button";
    setText(this.#buttonWord, this.label || t("widget.button"));
    this.#button.setAttribute("aria-label", this.label || t("widget.button_hint"));
    this.#button.setAttribute("aria-expanded", String(frame === "card"));
    setText(this.#title, view.agent && scene === "call" ? view.agent.name : (view.queue?.title || model.call?.queue_title || t("widget.title")));
    const status = statusWords(view, model.call);
    // The other scenes say it themselves, and larger.
    setText(this.#status, scene === "call" ? statusWords({ ...view, banner: null }, model.call) : "");
    this.#status.hidden = this.#status.textContent === "";
    this.#name(this.#out, popped ? t("widget.popin") : t("widget.popout"));
    this.#out.hidden = !this.#popOut.possible || scene !== "call" || this.#phone.matches;
    const running = scene === "call" || scene === "waiting" || scene === "ringing" || scene === "incoming" || scene === "starting";
    this.#name(this.#small, t("widget.minimise"));
    this.#small.hidden = !running || popped;
    this.#name(this.#shut, t("widget.close"));
    this.#shut.hidden = running;
    if (frame !== "button") this.#showScene(view, model);
    else this.#hideScene();
    this.#sheets.show(view, model);
    this.#grow.hidden = frame !== "bubble";
    setText(this.#growWords, scene === "call" ? (view.banner || view.kind === "text" ? status : "") : bubbleWords(view, model.call));
    this.#grow.setAttribute("aria-label", `${t("widget.expand")} ${status}`);
    const modal = frame === "card" && this.#phone.matches && !popped;
    this.#card.setAttribute("aria-modal", String(modal));
    this.#announce(scene, status, view.agent?.name ?? "");
    this.#moveFocus(frame);
  }

  close() {
    this.#popOut.close();
    this.#hideScene();
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  #showScene(view, model) {
    const next = this.#scenes[view.scene];
    if (next !== this.#shown) {
      const focused = this.#shown?.element.contains(this.#active) === true;
      this.#hideScene();
      this.#shown = next;
      this.#body.replaceChildren(next.element);
      next.show(view, model);
      if (focused) (next.first ?? this.#card).focus({ preventScroll: true });
      return;
    }
    next.show(view, model);
  }

  #hideScene() {
    this.#shown?.hide?.();
    this.#shown = null;
  }

  /** The card takes the focus when it comes, and the button when it goes. @param {string} frame */
  #moveFocus(frame) {
    const former = this.#frame;
    this.#frame = frame;
    if (former === frame || former === "") return;
    if (frame === "card") {
      // On a phone a focused box would bring the keyboard.
      if (this.#phone.matches) this.#card.focus({ preventScroll: true });
      else (this.#shown?.first ?? this.#card).focus({ preventScroll: true });
    } else if (this.#active === null || this.root.contains(this.#active) || document.activeElement === document.body) {
      (frame === "button" ? this.#button : this.#grow).focus({ preventScroll: true });
    }
  }

  /** The element with the focus, if it is one of ours. */
  get #active() {
    const root = this.root.getRootNode();
    return root instanceof ShadowRoot ? root.activeElement : null;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape" && this.#frame === "card" && !this.#sheets.open && !event.defaultPrevented) {
      event.stopPropagation();
      this.#flow.close();
      return;
    }
    const trap = this.#sheets.open ? this.#sheets.element : this.#card.getAttribute("aria-modal") === "true" ? this.#card : null;
    if (event.key !== "Tab" || !trap) return;
    const stops = [...trap.querySelectorAll("button, input, textarea, select, a[href], [tabindex='0']")].filter(
      (stop) => stop instanceof HTMLElement && !stop.hasAttribute("disabled") && stop.checkVisibility(),
    );
    const first = stops[0];
    const last = stops.at(-1);
    const active = this.#active;
    if (!(first instanceof HTMLElement) || !(last instanceof HTMLElement)) return;
    if (event.shiftKey ? active === first || !trap.contains(active) || active === trap : active === last || !trap.contains(active)) {
      event.preventDefault();
      (event.shiftKey ? last : first).focus();
    }
  }

  /**
   * For screen readers, once per change. The place in the queue is told when it changes, not every second.
   * @param {Scene} scene
   * @param {string} status
   * @param {string} agent
   */
  #announce(scene, status, agent) {
    const said = scene === "call" && status === t("widget.status.video") ? t("widget.status.connected", { name: agent }) : status;
    if (said === this.#said) return;
    this.#said = said;
    setText(this.#live, scene === "ask" ? "" : said);
  }

  /** @param {import("./flow.js").Told} told */
  #tell({ id, failure }) {
    const words = failure ? failureWords(failure) : id === "still" ? t("widget.told.still") : id === "consent_expired" ? t("widget.told.consent_expired") : "";
    if (!words) return;
    setText(this.#toast, words);
    this.#toast.dataset.tone = failure ? "bad" : "good";
    this.#toast.hidden = false;
    clearTimeout(this.#toastTimer);
    this.#toastTimer = setTimeout(() => (this.#toast.hidden = true), TOLD_MS);
  }

  /**
   * @param {SVGSVGElement} glyph
   * @param {() => void} run
   */
  #tool(glyph, run) {
    const control = make("button", "lm-tool", glyph);
    control.type = "button";
    control.addEventListener("click", run);
    return control;
  }

  /** @param {HTMLButtonElement} control @param {string} words */
  #name(control, words) {
    control.setAttribute("aria-label", words);
    control.title = words;
  }
}
