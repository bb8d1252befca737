/** Who among the audience asks to speak, and whether they may ask. `list.room = room`; needs controls. */
import { button, make, setText } from "../dom.js";
import { closed } from "../guests-view.js";
import { ago } from "../guests-words.js";
import { t } from "../locale.js";
import { avatar } from "./avatar.js";
import { RoomPanel, keep } from "./room-panel.js";

/** @typedef {import("../../sdk/types.js").Hand} Hand */

export class HandsList extends RoomPanel {
  #word = make("span", "switch-word");
  #hint = make("span", "hint");
  #open = make("input", "switch");
  #list = make("ul", "people-list");
  #empty = make("p", "hint");
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  /** Asked for and not yet confirmed. @type {boolean | null} */
  #wanted = null;

  /** @override */
  build() {
    this.#open.type = "checkbox";
    this.#open.setAttribute("role", "switch");
    this.#open.addEventListener("change", () => void this.#toggle());
    const label = make("label", "switch-row", make("span", "switch-words", this.#word, this.#hint), this.#open);
    this.append(label, this.#list, this.#empty);
  }

  /** @override */
  draw() {
    const info = this.room?.info;
    const open = this.#wanted ?? info?.stage.hands_open ?? false;
    const hands = info?.hands ?? [];
    setText(this.#word, t("hands.open"));
    setText(this.#hint, t("hands.open_hint"));
    this.#open.checked = open;
    this.#open.disabled = !this.joined;
    keep(this.#list, this.#rows, hands, ({ identity }) => identity, (hand) => this.#row(hand), (row, hand) => this.#fill(row, hand));
    this.#list.hidden = hands.length === 0;
    this.#empty.hidden = !open || hands.length > 0;
    setText(this.#empty, t("hands.none"));
  }

  /** How many hands are up. */
  get count() {
    return this.room?.info.hands.length ?? 0;
  }

  async #toggle() {
    this.#wanted = this.#open.checked;
    const open = this.#wanted;
    await this.try((room) => room.openHands(open));
    this.#wanted = null;
  }

  /** @param {Hand} hand */
  #row({ identity, name }) {
    const topic = make("p", "person-topic");
    const invite = button("", "small", () => void this.try((room) => room.invite({ identity })));
    invite.dataset.act = "invite";
    const lower = button("", "quiet small", () => void this.try((room) => room.lowerHand(identity)));
    lower.dataset.act = "lower";
    const words = make("div", "person-words", make("p", "person-name truncate", name), make("p", "person-line hint"));
    const face = avatar(name);
    face.classList.add("raised");
    return make("li", "person-row hand-row", face, words, make("div", "person-acts", lower, invite), topic);
  }

  /** @param {HTMLElement} row @param {Hand} hand */
  #fill(row, { identity, name, topic, at }) {
    const info = this.room?.info;
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (row.querySelector(selector));
    const ringing = info?.invites.some((invite) => invite.direction === "invite" && invite.to?.identity === identity) ?? false;
    setText(find(".person-name"), name);
    find(".person-name").title = name;
    setText(find(".person-line"), ringing ? t("agents.ringing") : ago(this.now - at));
    setText(find(".person-topic"), topic);
    find(".person-topic").hidden = topic === "";
    const invite = /** @type {HTMLButtonElement} */ (find("[data-act=invite]"));
    setText(invite, t("invite.ring"));
    invite.disabled = !this.joined || ringing || (info ? closed(info.stage) !== null : true);
    const lower = /** @type {HTMLButtonElement} */ (find("[data-act=lower]"));
    setText(lower, t("hands.lower"));
    lower.disabled = !this.joined;
  }
}

customElements.define("lm-hands", HandsList);
