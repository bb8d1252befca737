/**
 * What two people do together in a call: chat and pictures, the steps to repeat, marks over a picture. Whoever marks
 * our own picture wants us to look at it: it comes to the front then, and goes back when the marks are gone.
 */
import { Annotate } from "../pages/components/annotate.js";
import { CallChat } from "../pages/components/call-chat.js";
import { ChecklistPanel } from "../pages/components/checklist.js";
import { icon, make, setText } from "../pages/dom.js";
import { t } from "../pages/locale.js";

/**
 * @typedef {import("./flow.js").Flow} Flow
 * @typedef {import("./pictures.js").Pictures} Pictures
 * @typedef {import("./types.js").Call} Call
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("./view.js").View} View
 */

const NEWS_MS = 6000;
const POINTED_MS = 4000;

export class Tools {
  /** Lies over the picture. */
  annotate = /** @type {Annotate} */ (document.createElement("lm-annotate"));
  /** The step we are at, between picture and controls. */
  steps = make("details", "lm-steps");
  /** The newest message, over the picture while the chat is closed. */
  news = make("button", "lm-news");
  /** Messages that came while the chat was closed. */
  unread = 0;
  #flow;
  #side;
  #own;
  #chat = /** @type {CallChat} */ (document.createElement("lm-call-chat"));
  #list = /** @type {ChecklistPanel} */ (document.createElement("lm-checklist"));
  #stepNumber = make("span", "lm-step-number number");
  #stepWords = make("span", "lm-step-words");
  #newsName = make("strong");
  #newsWords = make("span");
  #seen = "";
  #call = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #newsTimer;
  #pointedAt = 0;
  /** The person's own choice of the large picture; null: whatever is pointed at. @type {boolean | null} */
  #swapped = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pointedTimer;
  /** Whose picture was the large one when it was last drawn: what is pointed at is known here before anybody is told. */
  #drawnSwapped = false;
  /** @type {import("../sdk/help.js").HelpLine | null} */
  #line = null;
  /** @type {() => void} */
  #unline = () => {};

  /**
   * @param {Flow} flow
   * @param {HTMLElement} side where the chat is
   * @param {HTMLVideoElement} own our own picture
   */
  constructor(flow, side, own) {
    this.#flow = flow;
    this.#side = side;
    this.#own = own;
    this.#list.readonly = true;
    this.steps.append(make("summary", "", this.#stepNumber, this.#stepWords, icon("lower")), this.#list);
    this.news.type = "button";
    this.news.append(this.#newsName, this.#newsWords);
    this.news.addEventListener("click", () => {
      this.news.hidden = true;
      flow.toggleChat();
    });
    this.news.hidden = this.steps.hidden = true;
    this.annotate.readonly = true;
    this.annotate.addEventListener("open", () => (this.annotate.readonly = !this.annotate.open));
    this.annotate.addEventListener("elsewhere", (event) => this.#noticed(/** @type {CustomEvent<string>} */ (event).detail));
    side.append(this.#chat);
  }

  /** Our own picture is the large one. */
  get swapped() {
    return this.#swapped ?? this.#pointed;
  }

  swap() {
    this.#swapped = !this.swapped;
  }

  /** Drawing is on. */
  get drawing() {
    return this.annotate.open;
  }

  set drawing(on) {
    this.annotate.readonly = !on;
    this.annotate.open = on;
  }

  /**
   * @param {View} view
   * @param {Model} model
   * @param {Pictures} pictures
   */
  show(view, model, pictures) {
    const { call, self } = model;
    if (!call) return;
    if (call.id !== this.#call) this.#begin(call);
    const text = view.kind === "text";
    this.#side.hidden = !text && !model.chat;
    if (text || model.chat) this.unread = 0;
    const { line } = this.#flow;
    this.#follow(line);
    this.#drawnSwapped = this.swapped;
    Object.assign(this.#chat, { help: line, me: self, limits: this.#flow.limits });
    Object.assign(this.#list, { help: line, me: self });
    this.#showNews(call, text || model.chat);
    this.#showSteps(call);
    const video = this.swapped ? this.#own : pictures.main;
    const target = this.swapped ? this.#ownTrack : (pictures.mainTrack?.id ?? null);
    Object.assign(this.annotate, { help: line, me: self, video, target });
    this.annotate.hidden = text || video === null || target === null;
  }

  /** A picture to send; the chat shows how it goes. */
  pick() {
    if (this.#side.hidden) this.#flow.toggleChat();
    this.#chat.pick();
  }

  close() {
    this.unread = 0;
    this.#call = "";
    this.drawing = false;
    Object.assign(this.annotate, { help: null, video: null, target: null });
    this.#chat.help = null;
    this.#list.help = null;
    clearTimeout(this.#newsTimer);
    clearTimeout(this.#pointedTimer);
    this.#follow(null);
  }

  /** @param {Call} call */
  #begin(call) {
    this.#call = call.id;
    this.unread = 0;
    this.#swapped = null;
    this.#seen = call.messages.at(-1)?.id ?? "";
    this.news.hidden = true;
  }

  /** The server's name for our camera. @returns {string | null} */
  get #ownTrack() {
    return [...(this.#flow.room?.localTracks ?? [])].find(({ source }) => source === "camera")?.id ?? null;
  }

  /** Somebody marks, points at or froze our own picture. */
  get #pointed() {
    const own = this.#ownTrack;
    const { line } = this.#flow;
    // What is drawn changes the call without a word to the flow.
    const call = line?.call;
    if (own === null || !call) return false;
    if (call.frame) return call.frame.target === own;
    const pointers = [...(line?.pointers.values() ?? [])];
    return call.marks.some(({ target }) => target === own) || pointers.some(({ target }) => target === own) || Date.now() - this.#pointedAt < POINTED_MS;
  }

  /** Somebody points at the picture that is small now. @param {string} track */
  #noticed(track) {
    if (track !== this.#ownTrack) return;
    this.#pointedAt = Date.now();
    clearTimeout(this.#pointedTimer);
    this.#pointedTimer = setTimeout(() => this.#look(), POINTED_MS + 50);
    this.#look();
  }

  /** Marks that are taken away make no other news. @param {import("../sdk/help.js").HelpLine | null} line */
  #follow(line) {
    if (line === this.#line) return;
    this.#unline();
    this.#line = line;
    this.#unline = line?.on("clear", () => this.#look()) ?? (() => {});
  }

  #look() {
    if (this.swapped !== this.#drawnSwapped) this.#flow.emit("change", null);
  }

  /**
   * @param {Call} call
   * @param {boolean} reading
   */
  #showNews(call, reading) {
    const last = call.messages.at(-1);
    if (reading) this.news.hidden = true;
    if (!last || last.id === this.#seen) return;
    const since = call.messages.findIndex(({ id }) => id === this.#seen);
    const fresh = call.messages.slice(since + 1).filter(({ by }) => by.side !== "shopper");
    this.#seen = last.id;
    const newest = fresh.at(-1);
    if (reading || !newest) return;
    this.unread += fresh.length;
    setText(this.#newsName, newest.by.name);
    setText(this.#newsWords, newest.text ?? newest.article?.title ?? t("widget.news_file"));
    this.news.hidden = false;
    clearTimeout(this.#newsTimer);
    this.#newsTimer = setTimeout(() => (this.news.hidden = true), NEWS_MS);
  }

  /** @param {Call} call */
  #showSteps({ checklist }) {
    this.steps.hidden = !checklist;
    if (!checklist) return;
    const { steps } = checklist;
    const at = steps.findIndex(({ done }) => !done);
    this.steps.classList.toggle("finished", at < 0);
    setText(this.#stepNumber, at < 0 ? t("widget.steps_done") : t("widget.step", { n: at + 1, of: steps.length }));
    setText(this.#stepWords, steps[at]?.text ?? checklist.title);
  }
}
