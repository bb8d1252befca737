/**
 * `<lm-help>`: one-to-one help on any page. See docs/widget.md for its attributes, variables and events.
 *
 *   <lm-help data-token-url="/shop/token" data-room="help" data-entry="product" data-product-id="42"></lm-help>
 */
import { chooseLocale, getLocale, onLocale, useWords } from "../pages/locale.js";
import { make } from "../pages/dom.js";
import { contextOf, deviceOf, productOf } from "./context.js";
import { Flow } from "./flow.js";
import { Session } from "./session.js";
import { Shell } from "./shell.js";
import { rememberCall, runningCall } from "./memory.js";
import { tokenSource } from "./tokens.js";
import { t } from "../pages/locale.js";

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("./types.js").Media} Media
 * @typedef {"open" | "close" | "call" | "duck" | "air" | "ended" | "error"} HelpEvent
 */

const STYLES = ["base.css", "components.css", "messages.css", "call-tools.css", "call-chat.css", "widget.css", "widget-scenes.css", "widget-call.css", "widget-bubble.css"];
const HOME = new URL("..", import.meta.url);

export class LmHelp extends HTMLElement {
  /** @type {Flow | null} */
  #flow = null;
  /** @type {Shell | null} */
  #shell = null;
  /** The page's own room, to share its connection. @type {LianmaiRoom | null} */
  #room = null;
  #tokens = tokenSource(this, HOME);
  #styled = false;
  /** @type {(() => void)[]} */
  #undo = [];
  #told = { open: false, ducked: false, onAir: false };
  /** Gives a token, instead of an address that does. @type {(() => string | Promise<string>) | null} */
  token = null;
  /** Gives an envelope signed by the shop, for each call anew. @type {(() => string | Promise<string>) | null} */
  envelope = null;

  connectedCallback() {
    if (!this.shadowRoot) this.#build();
    const shared = this.#shares;
    // Inside our own pages the page speaks.
    if (!shared && !this.hasAttribute("data-page")) void useWords(this.#locale);
    this.#undo.push(onLocale(() => this.#draw()));
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const theme = () => this.#theme(dark.matches);
    dark.addEventListener("change", theme);
    this.#undo.push(() => dark.removeEventListener("change", theme));
    theme();
    // A call that went on before a reload goes on after it; an agent may also ring whoever is there.
    if (!shared && (runningCall(this.#roomName) || this.hasAttribute("data-present"))) this.#flow?.connect();
  }

  disconnectedCallback() {
    for (const undo of this.#undo.splice(0)) undo();
    this.#shell?.close();
    this.#flow?.follow(null);
  }

  /** The page's room: the call goes over its connection. Null: none any more. @param {LianmaiRoom | null} room */
  set room(room) {
    if (room === this.#room) return;
    this.#room = room;
    this.setAttribute("data-shared", "");
    if (!this.shadowRoot && this.isConnected) this.#build();
    this.#flow?.follow(room ? new Session(room) : null);
    this.#draw();
  }

  get room() {
    return this.#room;
  }

  /** The call as last heard, or null. */
  get call() {
    return this.#flow?.call ?? null;
  }

  /** The audience sees or hears us, because of a call. */
  get onAir() {
    return this.#flow?.view.onAir === true;
  }

  /** What is sent in a call, for our own tile on the stage. */
  get capture() {
    return this.#flow?.media.capture ?? null;
  }

  /** The picture that is sent, which may be a blurred one. @returns {MediaStreamTrack | null} */
  get aired() {
    const local = [...(this.#room?.localTracks ?? [])].find(({ source }) => source === "camera");
    return local?.outgoing ?? null;
  }

  /** Takes us back from the stage into the private call. */
  async leaveStage() {
    await this.#flow?.offStage();
  }

  /**
   * Open the card; with `media` the call begins at once. From a tap, because the browser may ask for devices.
   * @param {Media} [media]
   */
  open(media) {
    const flow = this.#flow;
    if (!flow) return;
    if (media && !flow.call && flow.view.scene === "ask") flow.start(media);
    else flow.open();
  }

  close() {
    this.#flow?.close();
  }

  get #shares() {
    return this.#room !== null || this.hasAttribute("data-shared");
  }

  get #roomName() {
    return this.dataset["room"] || "help";
  }

  #build() {
    const shadow = this.attachShadow({ mode: "open" });
    const flow = new Flow({
      connect: () => this.#connect(),
      context: () =>
        contextOf({ data: this.dataset, url: location.href, title: document.title, locale: this.#locale, device: deviceOf(navigator.userAgent) }),
      envelope: async () => (this.envelope ? this.envelope() : this.#tokens.envelope()),
      queue: this.dataset["queue"] ?? "",
      // On the help page itself the fragment says whom the link leads to.
      link: this.dataset["link"] ?? (this.hasAttribute("data-page") ? (new URLSearchParams(location.hash.slice(1)).get("link") ?? "") : ""),
    });
    this.#flow = flow;
    const corner = this.dataset["corner"] === "bottom-left" ? "bottom left" : "bottom right";
    const shell = new Shell(flow, {
      product: () => {
        const product = productOf(this.dataset);
        return product?.title ? product : null;
      },
      topics: () => this.#topics(),
      tapped: () => this.open(mediaOf(this.dataset["media"])),
      corner: () => /** @type {import("./drag.js").Corner} */ (corner),
    });
    this.#shell = shell;
    const links = STYLES.map((name) => {
      const link = make("link");
      link.rel = "stylesheet";
      link.href = new URL(`styles/${name}`, HOME).href;
      return link;
    });
    // Nothing is shown that has no form yet.
    shell.root.hidden = true;
    const loaded = links.map((link) => new Promise((resolve) => ["load", "error"].forEach((type) => link.addEventListener(type, resolve))));
    void Promise.all(loaded).then(() => {
      this.#styled = true;
      this.#draw();
    });
    shadow.append(...links, shell.root);
    flow.on("change", () => this.#draw());
    flow.on("call", ({ call, previous }) => this.#called(call, previous));
    flow.on("told", ({ failure }) => failure && this.#say("error", failure));
  }

  #connect() {
    if (this.#room) return new Session(this.#room);
    const url = new URL("/ws", this.dataset["server"] ?? HOME);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return Session.open({ url: url.href, room: this.#roomName, token: () => (this.token ? this.token() : this.#tokens.token()), locale: this.#locale });
  }

  /** Known before its words are here. */
  get #locale() {
    if (this.#shares || this.hasAttribute("data-page")) return getLocale();
    const wanted = this.dataset["locale"];
    return chooseLocale(null, wanted ? [wanted] : [document.documentElement.lang, ...navigator.languages].filter(Boolean));
  }

  /** @param {boolean} dark the person prefers it */
  #theme(dark) {
    const wanted = this.dataset["theme"];
    if (this.#shell) this.#shell.root.dataset["theme"] = wanted === "dark" || wanted === "light" ? wanted : dark ? "dark" : "light";
  }

  #draw() {
    const shell = this.#shell;
    const flow = this.#flow;
    if (!shell || !flow) return;
    shell.label = this.dataset["label"] ?? "";
    shell.show();
    shell.root.hidden = !this.#styled;
    const view = flow.view;
    const open = view.frame === "card";
    this.dataset["state"] = view.frame;
    this.dataset["scene"] = view.scene;
    this.toggleAttribute("data-air", view.onAir);
    if (open !== this.#told.open) this.#say(open ? "open" : "close", null);
    if (view.ducked !== this.#told.ducked) this.#say("duck", { on: view.ducked });
    if (view.onAir !== this.#told.onAir) this.#say("air", { on: view.onAir });
    this.#told = { open, ducked: view.ducked, onAir: view.onAir };
  }

  /**
   * @param {import("./types.js").Call} call
   * @param {import("./types.js").Call | null} previous
   */
  #called(call, previous) {
    const running = call.state !== "ended" && call.state !== "wrap_up";
    if (!this.#shares) rememberCall(this.#roomName, running);
    if (call.state !== previous?.state || call.media !== previous.media) this.#say("call", { id: call.id, state: call.state, media: call.media });
    if (!running && previous && previous.state !== "ended" && previous.state !== "wrap_up") this.#say("ended", { id: call.id, outcome: call.outcome });
  }

  #topics() {
    const own = this.dataset["topics"];
    if (own !== undefined) return own.split("|").map((topic) => topic.trim()).filter(Boolean).slice(0, 6);
    return t("widget.topics").split("|");
  }

  /**
   * @param {HelpEvent} type
   * @param {object | null} detail
   */
  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(`lm-help-${type}`, { detail, bubbles: true, composed: true }));
  }
}

/** @param {string | undefined} text @returns {Media | undefined} */
function mediaOf(text) {
  return text === "text" || text === "voice" || text === "video" ? text : undefined;
}

if (!customElements.get("lm-help")) customElements.define("lm-help", LmHelp);
