/**
 * Everything about guests in one panel, for whoever has the controls: the host in the studio, a co-host in the console.
 * Styles: studio.css.
 *
 *   panel.room = room;                 // a LianmaiRoom, or null
 *   panel.mixer = remoteStage;         // how loud each guest is here; without it there are no sliders
 *   panel.waiting                      // how many people wait for an answer: requests and raised hands
 *
 * Events: `waiting` {count} when that changes.
 */
import { make, setText } from "../dom.js";
import { obstacleWords } from "../guests-words.js";
import { t } from "../locale.js";
import { GuestStrip } from "./guest-strip.js";
import { HandsList } from "./hands-list.js";
import { InvitePanel } from "./invite-panel.js";
import { LayoutPicker } from "./layout-picker.js";
import { PendingList } from "./pending-list.js";
import { RoomPanel } from "./room-panel.js";

export class GuestsPanel extends RoomPanel {
  #pending = /** @type {PendingList} */ (document.createElement("lm-pending"));
  #strip = /** @type {GuestStrip} */ (document.createElement("lm-guest-strip"));
  #layouts = /** @type {LayoutPicker} */ (document.createElement("lm-layouts"));
  #invite = /** @type {InvitePanel} */ (document.createElement("lm-invite"));
  #hands = /** @type {HandsList} */ (document.createElement("lm-hands"));
  #layoutTitle = make("h3", "panel-title");
  #handsTitle = make("h3", "panel-title");
  #handsSection = make("section", "panel", this.#handsTitle, this.#hands);
  #repairing = make("p", "obstacle");
  #waiting = 0;

  /** @override */
  build() {
    this.#repairing.setAttribute("role", "status");
    this.append(
      this.#repairing,
      this.#pending,
      this.#strip,
      make("section", "panel", this.#layoutTitle, this.#layouts),
      this.#invite,
      this.#handsSection,
    );
  }

  /** @override */
  draw() {
    for (const panel of [this.#pending, this.#strip, this.#layouts, this.#invite, this.#hands]) panel.room = this.room;
    const info = this.room?.info;
    const hands = info?.hands.length ?? 0;
    setText(this.#layoutTitle, t("layout.title"));
    setText(this.#handsTitle, hands > 0 ? t("hands.title_count", { count: hands }) : t("hands.title"));
    // People who ask come before people who might be asked.
    this.classList.toggle("asked", hands > 0);
    const repairing = this.room !== null && this.room.self !== null && !this.joined;
    setText(this.#repairing, repairing ? obstacleWords("repairing") : "");
    this.#repairing.hidden = !repairing;
    this.classList.toggle("repairing", repairing);
    const requests = info?.invites.filter(({ direction, from }) => direction === "request" && from.identity !== this.identity) ?? [];
    const waiting = this.room?.controls ? requests.length + hands : 0;
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    this.dispatchEvent(new CustomEvent("waiting", { detail: { count: waiting } }));
  }

  /** How many people wait for an answer. */
  get waiting() {
    return this.#waiting;
  }

  /** @param {import("./guest-strip.js").Mixer | null} mixer */
  set mixer(mixer) {
    this.#strip.mixer = mixer;
  }

  get mixer() {
    return this.#strip.mixer;
  }
}

customElements.define("lm-guests", GuestsPanel);
