/**
 * The room's chat: history, a box to write in, and for whoever has controls deleting, muting and slow mode. What people
 * write is text and nothing else. Used on the live page, in the studio and in the console.
 *
 *   chat.follow(room);        // a LianmaiRoom; null: none
 *   chat.active = false;      // nobody sees it (a closed panel, another tab): what comes is unread
 *   chat.tray.append(...);    // between messages and box: the page's own, for example a raised hand
 *   chat.addEventListener("unread", ({ detail }) => detail.count);
 *   chat.callable = true;     // whoever wrote can be rung
 *   chat.addEventListener("call", ({ detail }) => detail.identity);
 */
import { button, icon, make, setText } from "../dom.js";
import { badgeOf, changes, composer } from "../chat-view.js";
import { codeOf, sentence } from "../errors.js";
import { getLocale, onLocale, t, tn } from "../locale.js";
import { roleWord } from "../role.js";

/**
 * @typedef {import("../../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("../../sdk/types.js").ChatMessage} ChatMessage
 * @typedef {{ root: HTMLElement, badge: HTMLElement | null, tools: HTMLElement | null, message: ChatMessage }} Line
 */

/** Closer to the end than this, px, the list follows what comes. */
const NEAR_END = 32;
const TICK_MS = 500;
const MUTE_S = 600;
const SLOW_CHOICES = [0, 5, 10, 30, 60, 300];

export class ChatPanel extends HTMLElement {
  /** @type {LianmaiRoom | null} */
  #room = null;
  /** @type {(() => void)[]} */
  #undo = [];
  /** @type {Map<string, Line>} */
  #lines = new Map();
  #list = make("ol", "chat-list");
  #scroll = make("div", "chat-scroll", this.#list);
  #empty = make("p", "chat-empty");
  #title = make("h2", "chat-title");
  #slowWord = make("span");
  #slow = make("select");
  #slowField = make("label", "chat-slow", this.#slowWord, this.#slow);
  #head = make("header", "chat-head", this.#title, this.#slowField);
  #newWord = make("span");
  #new = button("", "chat-new small", () => this.#toEnd());
  #note = make("p", "chat-note");
  #input = make("input", "chat-input");
  #left = make("span", "chat-left number");
  #send = make("button", "chat-send");
  #form = make("form", "chat-form", this.#input, this.#left, this.#send);
  /** Between messages and box: the page's own. */
  tray = make("div", "chat-tray");
  #active = true;
  /** Shoppers who wrote can be rung from their messages: see the event `call` {identity, name}. */
  callable = false;
  /** Whether the list follows what comes. */
  #following = true;
  #unread = 0;
  /** Since the reader scrolled up. */
  #below = 0;
  #waitUntil = 0;
  /** A sentence about what was not sent. @type {string | null} */
  #trouble = null;
  #sending = false;
  #controls = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** What grows or appears later must not leave the newest below. */
  #sizes = new ResizeObserver(() => this.#following && this.#toEnd());

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#undo.push(onLocale(() => this.#reword()));
    this.#timer = setInterval(() => this.#renderComposer(), TICK_MS);
    this.#sizes.observe(this.#scroll);
    this.#sizes.observe(this.#list);
    this.#bind();
  }

  disconnectedCallback() {
    for (const undo of this.#undo.splice(0)) undo();
    clearInterval(this.#timer);
    this.#sizes.disconnect();
  }

  /** @param {LianmaiRoom | null} room */
  follow(room) {
    if (room === this.#room) return;
    this.#room = room;
    this.#trouble = null;
    this.#waitUntil = 0;
    this.#setUnread(0);
    this.#following = true;
    for (const undo of this.#undo.splice(0)) undo();
    if (!this.isConnected) return;
    this.#undo.push(onLocale(() => this.#reword()));
    this.#bind();
  }

  /** Messages that came while nobody looked. */
  get unread() {
    return this.#unread;
  }

  get active() {
    return this.#active;
  }

  /** Whether it can be seen. */
  set active(active) {
    if (active === this.#active) return;
    this.#active = active;
    if (!active) return;
    this.#setUnread(0);
    if (this.#following) this.#toEnd();
  }

  #bind() {
    const room = this.#room;
    if (!room) {
      this.#renderLines();
      this.#renderComposer();
      return;
    }
    this.#undo.push(
      room.on("room", ({ info, previous }) => {
        if (info.chat !== previous.chat || info.stage !== previous.stage) this.#render();
      }),
      room.on("state", () => this.#render()),
      room.on("grants", () => this.#render()),
    );
    this.#render();
  }

  #build() {
    this.setAttribute("role", "region");
    this.#scroll.tabIndex = 0;
    this.#scroll.setAttribute("role", "log");
    // Read at will: a busy room would never let a screen reader finish a sentence.
    this.#scroll.setAttribute("aria-live", "off");
    this.#note.setAttribute("role", "status");
    this.#input.type = "text";
    this.#input.autocomplete = "off";
    this.#input.enterKeyHint = "send";
    this.#input.setAttribute("aria-describedby", "chat-note");
    this.#note.id = "chat-note";
    this.#send.type = "submit";
    this.#send.append(icon("send"));
    this.#new.append(icon("down"), this.#newWord);
    this.#new.hidden = true;
    this.#scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#input.addEventListener("input", () => {
      this.#trouble = null;
      this.#renderComposer();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#say();
    });
    this.#slow.addEventListener("change", () => {
      this.#try(this.#room?.slowMode(Number(this.#slow.value)));
    });
    this.append(this.#head, make("div", "chat-body", this.#empty, this.#scroll, this.#new), this.tray, this.#note, this.#form);
  }

  #reword() {
    const label = t("chat.title");
    this.setAttribute("aria-label", label);
    this.#scroll.setAttribute("aria-label", label);
    setText(this.#title, label);
    setText(this.#slowWord, t("chat.slow_mode"));
    this.#slow.replaceChildren(
      ...SLOW_CHOICES.map((seconds) => {
        const option = make("option", "", seconds === 0 ? t("chat.slow_off") : t("chat.slow_choice", { seconds }));
        option.value = String(seconds);
        return option;
      }),
    );
    for (const line of this.#lines.values()) this.#rewordLine(line);
    this.#render();
  }

  #render() {
    this.#controls = this.#room?.controls === true;
    this.classList.toggle("controls", this.#controls);
    this.#slowField.hidden = !this.#controls;
    this.#slow.value = String(this.#room?.info.chat.slow_s ?? 0);
    this.#renderLines();
    this.#renderComposer();
  }

  // --- messages ------------------------------------------------------------------------------------------------

  #renderLines() {
    const messages = this.#room?.info.chat.messages ?? [];
    const first = this.#lines.size === 0;
    const { gone, added } = changes(this.#lines.keys(), messages);
    for (const id of gone) {
      this.#lines.get(id)?.root.remove();
      this.#lines.delete(id);
    }
    const self = this.#room?.self?.identity;
    for (const message of added) {
      const line = this.#line(message, message.identity === self);
      this.#lines.set(message.id, line);
      this.#list.append(line.root);
    }
    this.#empty.hidden = this.#lines.size > 0;
    setText(this.#empty, this.#mayWrite ? t("chat.empty") : t("chat.empty_readonly"));
    if (added.length === 0) return;
    const others = added.filter(({ identity }) => identity !== self).length;
    if (this.#following || first || others < added.length) this.#toEnd();
    else this.#below += others;
    if (!this.#active && !first) this.#setUnread(this.#unread + others);
    this.#renderNew();
  }

  /**
   * @param {ChatMessage} message
   * @param {boolean} own
   * @returns {Line}
   */
  #line(message, own) {
    const role = badgeOf(message.role);
    const name = make("bdi", "chat-name", message.name);
    const words = make("bdi", "chat-text", message.text);
    const badge = role && make("span", `chat-badge ${role}`);
    const root = make("li", `chat-line ${role ?? ""} ${own ? "own" : ""}`.trim(), ...(badge ? [badge] : []), name, " ", words);
    const line = { root, badge, tools: null, message };
    root.addEventListener("click", () => this.#openTools(line));
    this.#rewordLine(line);
    return line;
  }

  /** @param {Line} line */
  #rewordLine({ root, badge, message }) {
    const role = badgeOf(message.role);
    if (badge && role) setText(badge, roleWord(role));
    root.title = new Date(message.at).toLocaleTimeString(getLocale());
  }

  /** What those with controls may do with a message, and an agent with who wrote it. @param {Line} line */
  #openTools(line) {
    const open = line.tools !== null;
    for (const other of this.#lines.values()) {
      other.tools?.remove();
      other.tools = null;
    }
    const room = this.#room;
    const { id, identity, name, role } = line.message;
    const mayCall = this.callable && badgeOf(role) === null && identity !== room?.self?.identity;
    if (open || !(this.#controls || mayCall) || !room || document.getSelection()?.isCollapsed === false) return;
    const tools = make("div", "chat-tools");
    if (mayCall) {
      const call = button(t("chat.call"), "small", () => this.dispatchEvent(new CustomEvent("call", { detail: { identity, name } })));
      call.title = t("chat.call_name", { name });
      tools.append(call);
    }
    if (this.#controls) tools.append(button(t("chat.delete"), "small", () => this.#try(room.deleteChat(id))));
    if (this.#controls && identity !== room.self?.identity) {
      const mute = button(t("chat.mute", { minutes: MUTE_S / 60 }), "small", () => this.#try(room.muteChatter(identity, MUTE_S)));
      mute.title = name;
      tools.append(mute);
    }
    line.tools = tools;
    line.root.append(tools);
  }

  // --- where the reader is -------------------------------------------------------------------------------------

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    this.#following = scrollHeight - scrollTop - clientHeight <= NEAR_END;
    if (this.#following) this.#below = 0;
    this.#renderNew();
  }

  #toEnd() {
    this.#following = true;
    this.#below = 0;
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#renderNew();
  }

  #renderNew() {
    this.#new.hidden = this.#below === 0;
    if (this.#below > 0) setText(this.#newWord, tn("chat.new", this.#below));
  }

  /** @param {number} count */
  #setUnread(count) {
    if (count === this.#unread) return;
    this.#unread = count;
    this.dispatchEvent(new CustomEvent("unread", { detail: { count } }));
  }

  // --- writing -------------------------------------------------------------------------------------------------

  get #mayWrite() {
    return this.#room?.self?.grants["chat"] === true;
  }

  #composer() {
    const { chat } = this.#room?.info ?? {};
    return composer({
      mayWrite: this.#mayWrite,
      connected: this.#room?.state === "joined" && !this.#sending,
      text: this.#input.value,
      now: this.#now,
      mutedUntil: chat?.muted_until ?? null,
      slowS: this.#controls ? 0 : (chat?.slow_s ?? 0),
      waitUntil: this.#waitUntil,
      trouble: this.#trouble,
    });
  }

  get #now() {
    return Date.now() + (this.#room?.clockOffsetMs ?? 0);
  }

  #renderComposer() {
    const inside = this.#room !== null && this.#room.self !== null;
    const { mode, canSend, left, waitS, note } = this.#composer();
    this.#form.hidden = !inside || mode !== "write";
    this.dataset.mode = mode;
    const placeholder = t("chat.placeholder");
    if (this.#input.placeholder !== placeholder) {
      this.#input.placeholder = placeholder;
      this.#input.setAttribute("aria-label", placeholder);
      this.#send.setAttribute("aria-label", t("chat.send"));
      this.#send.title = t("chat.send");
    }
    this.#send.disabled = !canSend;
    this.#send.classList.toggle("waiting", waitS > 0);
    setText(this.#left, left === null ? "" : String(left));
    this.#left.classList.toggle("over", left !== null && left < 0);
    const words = waitS > 0 || this.#trouble === null ? (note ? noteWords(note) : "") : this.#trouble;
    this.#note.hidden = !inside || words === "";
    this.#note.classList.toggle("problem", words !== "" && (words === this.#trouble || note?.kind === "too_long"));
    setText(this.#note, words);
  }

  async #say() {
    const room = this.#room;
    const text = this.#input.value.trim();
    if (!room || !this.#composer().canSend) return;
    this.#sending = true;
    this.#trouble = null;
    this.#renderComposer();
    try {
      await room.say(text);
      if (this.#input.value.trim() === text) this.#input.value = "";
      const slow = this.#controls ? 0 : room.info.chat.slow_s;
      if (slow > 0) this.#waitUntil = this.#now + slow * 1000;
    } catch (error) {
      this.#refused(error);
    } finally {
      this.#sending = false;
      this.#renderComposer();
    }
  }

  /** @param {Promise<void> | undefined} work of somebody with controls */
  #try(work) {
    work?.catch((error) => {
      this.#refused(error);
      this.#render();
    });
  }

  /** @param {unknown} error */
  #refused(error) {
    const { message, retryAfterS } = /** @type {{ message?: string, retryAfterS?: number }} */ (error ?? {});
    this.#trouble = sentence(codeOf(error), message ?? "");
    if (typeof retryAfterS === "number" && codeOf(error) === "chat_slow_mode") {
      // The countdown says the same, and when it is over.
      this.#trouble = null;
      this.#waitUntil = this.#now + retryAfterS * 1000;
    }
  }
}

/** @param {import("../chat-view.js").Note} note */
function noteWords({ kind, count }) {
  switch (kind) {
    case "readonly":
      return t("chat.readonly");
    case "too_long":
      return t("chat.too_long", { count });
    case "wait":
      return t("chat.wait", { seconds: count });
    case "slow":
      return t("chat.slow", { seconds: count });
    case "muted_seconds":
      return t("chat.muted_seconds", { seconds: count });
    case "muted_minutes":
      return t("chat.muted_minutes", { minutes: count });
    default:
      return t("chat.muted_hours", { hours: count });
  }
}

customElements.define("lm-chat", ChatPanel);
