/**
 * The staff's private channel: who listens, what was said, a box with a mark for what is urgent. The audience sees none
 * of it. Styles: studio.css.
 *
 *   panel.room = room;         // needs the grant `backchannel`
 *   panel.active = true;       // a person can see it now
 *
 * Events: `unread` {count} when that changes.
 */
import { draft, unreadAfter } from "../backchannel-view.js";
import { chime, chimeWanted, wantChime } from "../chime.js";
import { button, icon, make, setText } from "../dom.js";
import { getLocale, t } from "../locale.js";
import { roleWord } from "../role.js";
import { RoomPanel, keep } from "./room-panel.js";

/** @typedef {import("../../sdk/types.js").BackChannelMessage} BackChannelMessage */

/** Closer than this to the end, px, the list follows. */
const NEAR_END = 40;

export class BackChannel extends RoomPanel {
  #who = make("p", "staff-line");
  #private = make("p", "hint");
  #list = make("ol", "staff-list");
  #scroll = make("div", "staff-scroll", this.#list);
  #empty = make("p", "staff-empty hint");
  #input = make("textarea", "staff-input");
  #left = make("span", "chat-left number");
  #urgent = make("input", "sr-only");
  #urgentWord = make("span");
  #urgentLabel = make("label", "urgent-toggle", this.#urgent, icon("warning"), this.#urgentWord);
  #chime = make("input", "switch");
  #chimeWord = make("span");
  #send = make("button", "chat-send", icon("send"));
  #form = make("form", "staff-form");
  /** @type {Map<string, HTMLElement>} */
  #lines = new Map();
  #active = true;
  #following = true;
  #sending = false;
  /** @type {string | null} */
  #seen = null;
  #unread = 0;

  /** Messages of others that came while nobody looked. */
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
    this.draw();
    if (active) this.#toEnd();
  }

  /** @override */
  build() {
    this.setAttribute("role", "region");
    this.#scroll.tabIndex = 0;
    this.#scroll.setAttribute("role", "log");
    this.#input.rows = 1;
    this.#input.enterKeyHint = "send";
    this.#urgent.type = this.#chime.type = "checkbox";
    this.#chime.setAttribute("role", "switch");
    this.#send.type = "submit";
    this.#chime.addEventListener("change", () => {
      wantChime(this.#chime.checked);
      if (this.#chime.checked) chime();
    });
    this.#scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#input.addEventListener("input", () => this.#drawForm());
    this.#urgent.addEventListener("change", () => this.#drawForm());
    this.#input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.#say();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#say();
    });
    this.#form.append(this.#input, make("div", "staff-form-acts", this.#urgentLabel, this.#left, this.#send));
    const chimeRow = make("label", "switch-row small", this.#chimeWord, this.#chime);
    const body = make("div", "staff-body", this.#empty, this.#scroll);
    this.append(make("header", "staff-head", this.#who, this.#private), body, this.#form, chimeRow);
  }

  /** @override @param {import("./room-panel.js").LianmaiRoom} room */
  listen(room) {
    // What was said before we came is not news.
    this.#seen = room.info.backchannel.at(-1)?.id ?? null;
    let inside = room.self !== null;
    return [
      room.on("room", ({ info }) => {
        if (!inside && room.self !== null) this.#seen = info.backchannel.at(-1)?.id ?? null;
        inside = room.self !== null;
      }),
    ];
  }

  /** @override */
  draw() {
    const info = this.room?.info;
    const messages = info?.backchannel ?? [];
    this.setAttribute("aria-label", t("backchannel.title"));
    this.#scroll.setAttribute("aria-label", t("backchannel.title"));
    const others = (info?.staff ?? []).filter(({ identity }) => identity !== this.identity);
    const names = others.map(({ name, role }) => (roleWord(role) ? t("backchannel.person", { name, role: roleWord(role) }) : name));
    const list = new Intl.ListFormat(getLocale(), { type: "conjunction" }).format(names);
    setText(this.#who, others.length > 0 ? t("backchannel.listening", { names: list }) : t("backchannel.alone"));
    this.#who.title = others.length > 0 ? list : "";
    setText(this.#private, t("backchannel.private"));
    setText(this.#empty, t("backchannel.empty"));
    this.#empty.hidden = messages.length > 0;
    const before = this.#lines.size;
    keep(this.#list, this.#lines, messages, ({ id }) => id, (message) => this.#line(message), (line, message) => this.#fill(line, message));
    if (this.#following && this.#lines.size !== before) this.#toEnd();
    if (this.#active) this.#seen = messages.at(-1)?.id ?? this.#seen;
    setText(this.#chimeWord, t("backchannel.chime"));
    this.#chime.checked = chimeWanted();
    this.#drawForm();
    const unread = this.#active ? 0 : unreadAfter(messages, this.identity, this.#seen);
    if (unread === this.#unread) return;
    this.#unread = unread;
    this.dispatchEvent(new CustomEvent("unread", { detail: { count: unread } }));
  }

  #drawForm() {
    const { canSend, left } = draft(this.#input.value, this.joined && !this.#sending);
    const urgent = this.#urgent.checked;
    this.#input.placeholder = urgent ? t("backchannel.placeholder_urgent") : t("backchannel.placeholder");
    this.#input.setAttribute("aria-label", this.#input.placeholder);
    setText(this.#urgentWord, t("backchannel.urgent"));
    this.#urgentLabel.title = t("backchannel.urgent_hint");
    this.#form.classList.toggle("urgent", urgent);
    this.#send.disabled = !canSend;
    this.#send.setAttribute("aria-label", t("chat.send"));
    this.#send.title = t("chat.send");
    setText(this.#left, left === null ? "" : String(left));
    this.#left.classList.toggle("over", left !== null && left < 0);
    this.#input.style.height = "";
    this.#input.style.height = `${Math.min(this.#input.scrollHeight, 120)}px`;
  }

  async #say() {
    const text = this.#input.value.trim();
    const urgent = this.#urgent.checked;
    if (!draft(text, this.joined && !this.#sending).canSend) return;
    this.#sending = true;
    this.#drawForm();
    const said = await this.try((room) => room.tellStaff(text, { urgent }));
    this.#sending = false;
    if (said && this.#input.value.trim() === text) this.#input.value = "";
    // Urgent is one message, not a mood.
    if (said) this.#urgent.checked = false;
    this.#following = true;
    this.#drawForm();
  }

  /** @param {BackChannelMessage} message */
  #line({ id, from, text, urgent, at }) {
    const own = from.identity === this.identity;
    const time = make("time", "hint number", new Date(at).toLocaleTimeString(getLocale(), { hour: "2-digit", minute: "2-digit" }));
    const head = make("p", "staff-from", make("bdi", "staff-name", from.name), make("span", "staff-role"), time);
    const line = make("li", "staff-message", head, make("p", "staff-text", text), make("p", "staff-acks hint"));
    line.classList.toggle("own", own);
    line.classList.toggle("urgent", urgent);
    const confirm = button("", "small", () => void this.try((room) => room.acknowledge(id)));
    if (urgent && !own) line.append(confirm);
    return line;
  }

  /** @param {HTMLElement} line @param {BackChannelMessage} message */
  #fill(line, { from, urgent, acked }) {
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (line.querySelector(selector));
    const role = find(".staff-role");
    if (role) setText(role, [roleWord(from.role), urgent ? t("backchannel.urgent") : ""].filter(Boolean).join(" · "));
    const acks = find(".staff-acks");
    const names = acked.map(({ name }) => name);
    if (acks) {
      setText(acks, names.length > 0 ? t("backchannel.acked", { names: new Intl.ListFormat(getLocale()).format(names) }) : t("backchannel.not_acked"));
      acks.hidden = !urgent || (names.length === 0 && from.identity !== this.identity);
    }
    const confirm = /** @type {HTMLButtonElement | null} */ (find("button"));
    if (!confirm) return;
    setText(confirm, t("urgent.ok"));
    confirm.hidden = acked.some(({ identity }) => identity === this.identity);
    confirm.disabled = !this.joined;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    this.#following = scrollHeight - scrollTop - clientHeight <= NEAR_END;
  }

  #toEnd() {
    this.#following = true;
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }
}

customElements.define("lm-backchannel", BackChannel);
