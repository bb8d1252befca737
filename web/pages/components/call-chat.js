/**
 * The chat of one call: words, pictures, documents, articles. Pictures can be chosen, pasted or dropped; quick replies
 * and the shop's articles are one tap away.
 *
 *   chat.help = help;                      // a HelpLine; null: none
 *   chat.me = identity;
 *   chat.readonly = true;                  // read along only
 *   chat.quick = ["...", ...];             // quick replies of an agent; null: those that are built in
 *   chat.articles = [{ title, url }];      // null: those among the call's cards
 *   chat.limits = { maxBytes, types };     // as help_status tells them
 *   chat.tray.append(...);                 // between messages and box: the page's own
 *   chat.insert("...");                    // into the box, to be looked at and sent
 *   chat.pick();                           // opens the dialog for a picture or a document
 *
 * Event: `trouble` (detail: code).
 */
import { button, icon, make, setText } from "../dom.js";
import { codeOf, sentence } from "../errors.js";
import { getLocale, onLocale, t } from "../locale.js";
import { ACCEPT, filesIn, prepared } from "./call-chat-files.js";
import { askedIn, lineOf, sendingLine } from "./call-chat-lines.js";

/**
 * @typedef {import("../../sdk/help.js").HelpLine} HelpLine
 * @typedef {import("../../sdk/types.js").CallMessage} CallMessage
 * @typedef {{ file: File, picture: string | null, failed: import("./call-chat-lines.js").Failed | null }} Sending
 */

const MAX_TEXT = 1000;
const NEAR_END = 40;
/** Two messages of one person within this are one block, ms. */
const BLOCK_MS = 120_000;
/** Trying again would not help. */
const FINAL = new Set(["file_type", "file_too_large", "file_broken", "file_limit", "call_ended", "not_in_call"]);
const PROPERTIES = /** @type {const} */ (["help", "me", "readonly", "quick", "articles", "limits"]);

export class CallChat extends HTMLElement {
  /** @type {HelpLine | null} */
  #help = null;
  #me = "";
  #readonly = false;
  /** @type {readonly string[] | null} */
  #quick = null;
  /** The quick replies are the agent's to change: the menu offers it and tells `editquick`. */
  editable = false;
  /** @type {readonly { title: string, url: string }[] | null} */
  #articles = null;
  /** @type {{ maxBytes?: number, types?: readonly string[] }} */
  limits = {};
  /** Between messages and box: the page's own. */
  tray = make("div", "cc-tray");
  #call = "";
  /** @type {Map<string, HTMLElement>} */
  #lines = new Map();
  /** @type {Set<Sending>} */
  #sending = new Set();
  #urls = new Set();
  #following = true;
  /** How far it could be scrolled when it last was, px. */
  #extent = 0;
  #busy = false;
  /** @type {(() => void)[]} */
  #undo = [];
  /** @type {(() => void)[]} */
  #unhelp = [];
  #list = make("ol", "cc-list");
  #outbox = make("ol", "cc-list");
  #empty = make("p", "cc-empty");
  #scroll = make("div", "cc-scroll", this.#empty, this.#list, this.#outbox);
  #new = button("", "cc-new small", () => this.#toEnd());
  #menu = make("div", "cc-menu");
  #note = make("p", "cc-note");
  #file = make("input", "");
  #attach = tool(icon("clip"), () => this.pick());
  #more = tool(icon("book"), () => this.#toggleMenu());
  #input = make("textarea", "cc-input");
  #send = make("button", "cc-send", icon("send"));
  #form = make("form", "cc-form", this.#attach, this.#more, this.#input, this.#send);
  #viewer = make("dialog", "cc-viewer");
  #sizes = new ResizeObserver(() => this.#following && this.#toEnd());

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    for (const name of PROPERTIES) {
      if (name === "limits" || !Object.hasOwn(this, name)) continue;
      const value = /** @type {any} */ (this)[name];
      delete (/** @type {any} */ (this)[name]);
      /** @type {any} */ (this)[name] = value;
    }
    this.#undo.push(onLocale(() => this.#reword()));
    this.#sizes.observe(this.#scroll);
    this.#sizes.observe(this.#list);
    this.#sizes.observe(this.#outbox);
    this.#follow();
  }

  disconnectedCallback() {
    for (const undo of [...this.#undo.splice(0), ...this.#unhelp.splice(0)]) undo();
    this.#sizes.disconnect();
  }

  get help() {
    return this.#help;
  }

  set help(help) {
    if (help === this.#help) return;
    this.#help = help;
    if (this.isConnected) this.#follow();
  }

  get me() {
    return this.#me;
  }

  set me(me) {
    if (me === this.#me) return;
    this.#me = me;
    this.#forget();
    this.#render();
  }

  get readonly() {
    return this.#readonly;
  }

  set readonly(readonly) {
    this.#readonly = readonly;
    this.#renderComposer();
  }

  get quick() {
    if (this.#quick || this.#isShopper) return this.#quick ?? [];
    return [t("callchat.quick_hello"), t("callchat.quick_moment"), t("callchat.quick_see"), t("callchat.quick_done")];
  }

  set quick(quick) {
    this.#quick = quick;
    this.#renderMenu();
  }

  get articles() {
    const cards = this.#help?.call?.cards ?? [];
    return this.#articles ?? cards.filter(({ kind, url }) => kind === "article" && url).map(({ title, url = "" }) => ({ title, url }));
  }

  set articles(articles) {
    this.#articles = articles;
    this.#renderMenu();
  }

  /** Into the box, to be looked at and sent. @param {string} text */
  insert(text) {
    const { value, selectionStart: from, selectionEnd: to } = this.#input;
    this.#input.value = (value.slice(0, from) + text + value.slice(to)).slice(0, MAX_TEXT);
    this.#grow();
    this.#input.focus();
  }

  /** The dialog for a picture or a document; from a tap. */
  pick() {
    this.#file.click();
  }

  // --- what is there -------------------------------------------------------------------------------------------

  #build() {
    this.#scroll.tabIndex = 0;
    this.#scroll.setAttribute("role", "log");
    this.#note.setAttribute("role", "status");
    this.#send.type = "submit";
    Object.assign(this.#file, { type: "file", accept: ACCEPT, multiple: true, hidden: true });
    Object.assign(this.#input, { rows: 1, maxLength: MAX_TEXT, enterKeyHint: "send", autocomplete: "off" });
    this.#new.hidden = true;
    this.#menu.hidden = true;
    this.#scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#file.addEventListener("change", () => {
      this.#sendFiles([...(this.#file.files ?? [])]);
      this.#file.value = "";
    });
    this.#input.addEventListener("input", () => this.#grow());
    this.#input.addEventListener("keydown", (event) => {
      // Enter also ends the choice of a Chinese word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.#say();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#say();
    });
    this.addEventListener("paste", (event) => this.#take(event, event.clipboardData));
    this.addEventListener("dragover", (event) => !this.#readonly && event.preventDefault());
    this.addEventListener("drop", (event) => this.#take(event, event.dataTransfer));
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.#menu.hidden) return;
      event.stopPropagation();
      this.#toggleMenu(false);
      this.#more.focus();
    });
    this.#viewer.addEventListener("click", () => this.#viewer.close());
    this.append(make("div", "cc-middle", this.#scroll, this.#new), this.tray, this.#menu, this.#note, this.#form, this.#file, this.#viewer);
  }

  #follow() {
    for (const undo of this.#unhelp.splice(0)) undo();
    const help = this.#help;
    if (help) this.#unhelp.push(help.on("call", () => this.#render()), help.on("message", () => this.#render()), help.on("cards", () => this.#renderMenu()));
    this.#render();
  }

  get #isShopper() {
    return this.#help?.call?.shopper.identity === this.#me;
  }

  #reword() {
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", t("callchat.title"));
    setText(this.#empty, t("callchat.empty"));
    this.#input.placeholder = t("callchat.placeholder");
    this.#input.setAttribute("aria-label", t("callchat.placeholder"));
    for (const [element, words] of /** @type {const} */ ([[this.#send, t("callchat.send")], [this.#attach, t("callchat.attach")], [this.#more, t("callchat.quick")]])) {
      element.setAttribute("aria-label", words);
      element.title = words;
    }
    setText(this.#new, t("callchat.new"));
    this.#forget();
    this.#render();
  }

  #forget() {
    for (const line of this.#lines.values()) line.remove();
    this.#lines.clear();
    for (const url of this.#urls) URL.revokeObjectURL(String(url));
    this.#urls.clear();
  }

  #render() {
    if (!this.isConnected || this.childElementCount === 0) return;
    const call = this.#help?.call ?? null;
    if ((call?.id ?? "") !== this.#call) {
      this.#call = call?.id ?? "";
      this.#forget();
      this.#sending.clear();
      this.#following = true;
      setText(this.#note, "");
    }
    const messages = [...(call ? askedIn(call) : []), ...(call?.messages ?? [])];
    const ids = new Set(messages.map(({ id }) => id));
    for (const [id, line] of this.#lines) {
      if (ids.has(id)) continue;
      line.remove();
      this.#lines.delete(id);
    }
    const known = this.#lines.size;
    messages.forEach((message, index) => {
      const former = this.#lines.get(message.id);
      if (former) {
        // Older ones may come later.
        if (this.#list.children[index] !== former) this.#list.insertBefore(former, this.#list.children[index] ?? null);
        return;
      }
      const before = messages[index - 1];
      const follows = before !== undefined && before.by.identity === message.by.identity && message.at - before.at < BLOCK_MS;
      const own = message.by.identity === this.#me;
      const line = lineOf(message, { own, follows }, this.#desk());
      this.#list.insertBefore(line, this.#list.children[index] ?? null);
      this.#lines.set(message.id, line);
      if (own && index === messages.length - 1) this.#following = true;
    });
    this.#empty.hidden = messages.length > 0 || this.#sending.size > 0;
    if (this.#lines.size > known) {
      if (this.#following) this.#toEnd();
      else this.#new.hidden = false;
    }
    this.#renderComposer();
  }

  #renderComposer() {
    const writes = !this.#readonly && this.#help?.call != null;
    this.#form.hidden = !writes;
    this.tray.hidden = !writes;
    this.#send.disabled = this.#busy || this.#input.value.trim() === "";
    this.#outbox.replaceChildren(
      ...[...this.#sending].map((sending) =>
        sendingLine({ name: sending.file.name, picture: sending.picture, failed: sending.failed }, { again: () => void this.#sendFile(sending), drop: () => this.#drop(sending) }),
      ),
    );
    this.#renderMenu();
  }

  #renderMenu() {
    if (!this.isConnected) return;
    const { quick, articles } = this;
    const editable = this.editable && !this.#isShopper;
    this.#more.hidden = quick.length + articles.length === 0 && !editable;
    if (this.#menu.hidden) return;
    // What is being pressed must not be made anew meanwhile.
    const shown = JSON.stringify([quick, articles, editable, getLocale()]);
    if (this.#menu.dataset["shown"] === shown) return;
    this.#menu.dataset["shown"] = shown;
    const entries = quick.map((text) =>
      button(text, "cc-quick quiet", () => {
        this.#toggleMenu(false);
        this.insert(text);
      }),
    );
    const links = articles.map(({ title, url }) => {
      const entry = button(title, "cc-quick quiet", () => {
        this.#toggleMenu(false);
        this.#attempt(this.#help?.sendArticle({ title, url }));
      });
      entry.prepend(icon("book"));
      return entry;
    });
    this.#menu.replaceChildren(
      ...(entries.length > 0 || editable ? [make("h3", "cc-menu-title", t("callchat.quick")), ...entries] : []),
      ...(editable ? [this.#editor()] : []),
      ...(links.length > 0 ? [make("h3", "cc-menu-title", t("callchat.articles")), ...links] : []),
    );
  }

  #editor() {
    const edit = button(t("callchat.quick_edit"), "cc-quick quiet", () => {
      this.#toggleMenu(false);
      this.dispatchEvent(new Event("editquick"));
    });
    edit.prepend(icon("pen"));
    return edit;
  }

  /** @param {boolean} [open] */
  #toggleMenu(open = this.#menu.hidden !== false) {
    this.#menu.hidden = !open;
    this.#more.setAttribute("aria-expanded", String(open));
    this.#renderMenu();
    if (open) /** @type {HTMLElement | null} */ (this.#menu.querySelector("button"))?.focus();
  }

  /** @returns {import("./call-chat-lines.js").Desk} */
  #desk() {
    const help = this.#help;
    return {
      fetch: async ({ id }) => (help ? help.fetchFile(id) : new Blob()),
      open: (url, name) => this.#openPicture(url, name),
      trouble: (error) => this.#tell(error),
      urls: /** @type {Set<string>} */ (this.#urls),
    };
  }

  /** @param {string} url @param {string} name */
  #openPicture(url, name) {
    const picture = make("img", "");
    Object.assign(picture, { src: url, alt: name });
    const close = button("", "cc-viewer-close", () => this.#viewer.close());
    close.append(icon("close"));
    close.setAttribute("aria-label", t("callchat.close_picture"));
    this.#viewer.replaceChildren(picture, make("p", "cc-viewer-name truncate", name), close);
    this.#viewer.showModal();
  }

  // --- what is sent --------------------------------------------------------------------------------------------

  async #say() {
    const text = this.#input.value.trim();
    if (!text || this.#busy || !this.#help) return;
    this.#busy = true;
    this.#input.value = "";
    this.#grow();
    setText(this.#note, "");
    this.#following = true;
    try {
      await this.#help.say(text);
    } catch (error) {
      // What was written since comes after it.
      this.#input.value = [text, this.#input.value].filter(Boolean).join("\n").slice(0, MAX_TEXT);
      this.#grow();
      this.#tell(error);
    } finally {
      this.#busy = false;
      this.#renderComposer();
    }
  }

  /** @param {Event} event @param {DataTransfer | null} data */
  #take(event, data) {
    const files = filesIn(data);
    if (files.length === 0 || this.#readonly) return;
    event.preventDefault();
    this.#sendFiles(files);
  }

  /** @param {readonly File[]} files */
  #sendFiles(files) {
    for (const file of files) {
      const picture = file.type.startsWith("image/") ? URL.createObjectURL(file) : null;
      const sending = { file, picture, failed: null };
      this.#sending.add(sending);
      void this.#sendFile(sending);
    }
  }

  /** @param {Sending} sending */
  async #sendFile(sending) {
    const help = this.#help;
    if (!help) return;
    sending.failed = null;
    this.#renderComposer();
    this.#empty.hidden = true;
    this.#toEnd();
    try {
      const { blob, name } = await prepared(sending.file, this.limits);
      await help.sendFile(blob, { name });
      this.#drop(sending);
    } catch (error) {
      const code = codeOf(error);
      sending.failed = { text: sentence(code), final: FINAL.has(code) };
      this.#renderComposer();
      this.dispatchEvent(new CustomEvent("trouble", { detail: code }));
    }
  }

  /** @param {Sending} sending */
  #drop(sending) {
    this.#sending.delete(sending);
    if (sending.picture) URL.revokeObjectURL(sending.picture);
    this.#render();
  }

  /** @param {Promise<unknown> | undefined} asked */
  #attempt(asked) {
    asked?.catch((error) => this.#tell(error));
  }

  /** @param {unknown} error */
  #tell(error) {
    const code = codeOf(error);
    setText(this.#note, sentence(code));
    this.dispatchEvent(new CustomEvent("trouble", { detail: code }));
  }

  // --- scrolling -----------------------------------------------------------------------------------------------

  #grow() {
    this.#input.style.height = "auto";
    this.#input.style.height = `${Math.min(120, this.#input.scrollHeight + 2)}px`;
    this.#send.disabled = this.#busy || this.#input.value.trim() === "";
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    // What grew or shrank scrolls as well; only a person stops the following.
    const extent = scrollHeight - clientHeight;
    if (extent !== this.#extent && this.#following) {
      this.#toEnd();
      return;
    }
    this.#extent = extent;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.#following) this.#new.hidden = true;
  }

  #toEnd() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#extent = this.#scroll.scrollHeight - this.#scroll.clientHeight;
    this.#new.hidden = true;
    this.#following = true;
  }
}

/** @param {SVGSVGElement} symbol @param {() => void} act */
function tool(symbol, act) {
  const element = make("button", "cc-tool", symbol);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

customElements.define("lm-call-chat", CallChat);
