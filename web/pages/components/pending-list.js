/**
 * What waits for an answer: rings of ours with their countdown, agents who offer to come, and for a moment what an
 * invitation came to. `list.room = room`; needs controls.
 */
import { button, icon, make, setText } from "../dom.js";
import { outcomeOf, pendingRows } from "../guests-view.js";
import { outcomeWords, pendingNote, pendingTitle } from "../guests-words.js";
import { t } from "../locale.js";
import { RoomPanel, keep } from "./room-panel.js";
import { toast } from "./toast.js";

/**
 * @typedef {import("../../sdk/types.js").Invite} Invite
 * @typedef {import("../guests-view.js").PendingRow} PendingRow
 */

const TICK_MS = 250;
const RESULT_MS = 20_000;
/** Ended by us, remembered until the server says so too. */
const ENDED_MAX = 50;
const SVG = "http://www.w3.org/2000/svg";
/** Of the countdown's circle. */
const RADIUS = 15;
const AROUND = 2 * Math.PI * RADIUS;

export class PendingList extends RoomPanel {
  #list = make("ul", "pending-list");
  #results = make("ul", "pending-list");
  /** @type {Map<string, PendingItem>} */
  #items = new Map();
  /** @type {Set<string>} */
  #ended = new Set();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @override */
  build() {
    this.#results.setAttribute("aria-live", "polite");
    this.append(this.#list, this.#results);
  }

  /** @override */
  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** @override @param {import("./room-panel.js").LianmaiRoom} room */
  listen(room) {
    this.#results.replaceChildren();
    return [room.on("invite", ({ invite }) => this.#over(invite))];
  }

  /** @override */
  draw() {
    const rows = this.room?.controls ? pendingRows(this.room.info.invites, this.identity, this.now) : [];
    const make = (/** @type {PendingRow} */ row) => new PendingItem(row, (what) => this.#answer(row.id, what));
    /** @type {Map<string, HTMLElement>} */
    const elements = new Map([...this.#items].map(([id, item]) => [id, item.root]));
    keep(
      this.#list,
      elements,
      rows,
      ({ id }) => id,
      (row) => {
        const item = make(row);
        this.#items.set(row.id, item);
        // What the last one came to is old news beside a new one.
        this.#results.replaceChildren();
        return item.root;
      },
      (_, row) => this.#items.get(row.id)?.show(row, this.joined),
    );
    for (const id of this.#items.keys()) if (!elements.has(id)) this.#items.delete(id);
    this.hidden = rows.length === 0 && this.#results.childElementCount === 0;
    if (rows.length > 0) this.#timer ??= setInterval(() => this.draw(), TICK_MS);
    else {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  /**
   * @param {string} id
   * @param {"accept" | "decline" | "cancel"} what
   */
  #answer(id, what) {
    if (what !== "accept") this.#ended.add(id);
    for (const old of this.#ended) {
      if (this.#ended.size <= ENDED_MAX) break;
      this.#ended.delete(old);
    }
    void this.try((room) => {
      if (what === "accept") return room.acceptInvite(id);
      return what === "decline" ? room.declineInvite(id) : room.cancelInvite(id);
    });
  }

  /** @param {Invite} invite */
  #over(invite) {
    if (!this.room?.controls) return;
    const result = outcomeOf(invite, this.identity, this.#ended);
    if (!result) return;
    const words = outcomeWords(result);
    const again = () => void this.try((room) => room.invite(targetOf(invite), extrasOf(invite)));
    // Nobody looks here: say it where they do.
    if (!this.checkVisibility({ visibilityProperty: true })) {
      const action = result.again ? { action: { label: t("pending.again"), run: again } } : {};
      toast(words, { kind: "warning", replaces: "invite", ...action });
      return;
    }
    const row = make("li", "result-row", icon("info"), make("p", "", words));
    const remove = () => {
      row.remove();
      this.draw();
    };
    if (result.again) {
      row.append(
        button(t("pending.again"), "small", () => {
          remove();
          again();
        }),
      );
    }
    const close = button("", "quiet small square", remove);
    close.append(icon("close"));
    close.setAttribute("aria-label", t("pending.dismiss"));
    close.title = t("pending.dismiss");
    row.append(close);
    this.#results.replaceChildren(row);
    this.draw();
    setTimeout(() => row.isConnected && remove(), RESULT_MS);
  }
}

/** One line of the list. */
class PendingItem {
  #seconds = make("span", "countdown-number number");
  #arc = document.createElementNS(SVG, "circle");
  #title = make("p", "pending-title");
  #note = make("p", "pending-note number");
  #about = make("p", "pending-about");
  #yes;
  #no;
  root;

  /**
   * @param {PendingRow} row
   * @param {(what: "accept" | "decline" | "cancel") => void} answer
   */
  constructor({ kind }, answer) {
    const request = kind === "request";
    this.#yes = request ? button("", "small primary", () => answer("accept")) : null;
    this.#no = button("", "small", () => answer(request ? "decline" : "cancel"));
    const actions = make("div", "pending-actions", this.#no, ...(this.#yes ? [this.#yes] : []));
    const words = make("div", "pending-words", this.#title, this.#note, this.#about);
    this.root = make("li", request ? "pending-row request" : "pending-row", this.#countdown(), words, actions);
  }

  /** @param {PendingRow} row @param {boolean} joined */
  show(row, joined) {
    setText(this.#seconds, String(row.leftS));
    this.#arc.setAttribute("stroke-dashoffset", String(AROUND * (1 - row.left)));
    setText(this.#title, pendingTitle(row));
    setText(this.#note, pendingNote(row));
    setText(this.#about, [row.topic, row.product].filter(Boolean).join(" · "));
    this.#about.hidden = row.topic === "" && row.product === "";
    setText(this.#no, row.kind === "request" ? t("pending.decline") : t("pending.cancel"));
    this.#no.disabled = !joined;
    if (!this.#yes) return;
    setText(this.#yes, t("pending.accept"));
    this.#yes.disabled = !joined;
  }

  #countdown() {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 36 36");
    const track = document.createElementNS(SVG, "circle");
    for (const circle of [track, this.#arc]) {
      circle.setAttribute("cx", "18");
      circle.setAttribute("cy", "18");
      circle.setAttribute("r", String(RADIUS));
    }
    track.setAttribute("class", "track");
    this.#arc.setAttribute("class", "arc");
    this.#arc.setAttribute("stroke-dasharray", String(AROUND));
    svg.append(track, this.#arc);
    const countdown = make("span", "countdown", svg, this.#seconds);
    // The note says the same in words.
    countdown.setAttribute("aria-hidden", "true");
    return countdown;
  }
}

/**
 * @param {Invite} invite
 * @returns {import("../../sdk/types.js").InviteTarget}
 */
function targetOf({ target, to }) {
  if (target.kind === "skill") return { skill: target.value ?? "" };
  if (target.kind === "anyone") return { anyone: true };
  return { identity: target.value ?? to?.identity ?? "" };
}

/** @param {Invite} invite */
function extrasOf({ topic, product }) {
  return { topic, ...(product ? { product } : {}) };
}

customElements.define("lm-pending", PendingList);
