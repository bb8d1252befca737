/**
 * The staff's urgent word, over the picture until it is confirmed: the newest first, for it may take back what came
 * before, and how many more there are.
 * `banner.room = room`; needs the grant `backchannel`. Styles: studio.css.
 */
import { unconfirmed } from "../backchannel-view.js";
import { chime } from "../chime.js";
import { button, icon, make, setText } from "../dom.js";
import { ago } from "../guests-words.js";
import { t, tn } from "../locale.js";
import { roleWord } from "../role.js";
import { RoomPanel } from "./room-panel.js";

export class UrgentBanner extends RoomPanel {
  #from = make("span", "urgent-from");
  #text = make("p", "urgent-text");
  #more = make("span", "urgent-more number");
  #ok = button("", "", () => void this.#confirm());
  #shown = "";
  /** Confirmed here; the server's word of it may take a moment. @type {Set<string>} */
  #confirmed = new Set();

  /** @override */
  build() {
    this.setAttribute("role", "alert");
    const words = make("div", "urgent-words", make("div", "urgent-line", this.#from, this.#more), this.#text);
    this.append(icon("warning"), words, this.#ok);
    this.hidden = true;
  }

  /** @override @param {import("./room-panel.js").LianmaiRoom} room */
  listen(room) {
    return [
      room.on("backchannel", ({ message }) => {
        if (message.urgent && message.from.identity !== this.identity) chime();
      }),
    ];
  }

  /** @override */
  draw() {
    const all = unconfirmed(this.room?.info.backchannel ?? [], this.identity).filter(({ id }) => !this.#confirmed.has(id));
    const message = all.at(-1);
    this.hidden = !message;
    this.#shown = message?.id ?? "";
    if (!message) return;
    const { from, at, text } = message;
    const who = [from.name, roleWord(from.role)].filter(Boolean).join(" · ");
    setText(this.#from, `${t("backchannel.urgent")} · ${who} · ${ago(this.now - at)}`);
    setText(this.#text, text);
    setText(this.#more, all.length > 1 ? tn("backchannel.more", all.length - 1) : "");
    this.#more.hidden = all.length < 2;
    setText(this.#ok, t("urgent.ok"));
    this.#ok.disabled = !this.joined;
  }

  async #confirm() {
    const id = this.#shown;
    this.#confirmed.add(id);
    this.draw();
    const done = await this.try(async (room) => {
      await room.acknowledge(id);
      return true;
    });
    // Not heard by the server: it stays.
    this.#confirmed.delete(id);
    if (done === null) this.draw();
  }
}

customElements.define("lm-urgent", UrgentBanner);
