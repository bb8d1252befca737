/**
 * The live rooms this person may join. Rows are kept between updates, so that a press never lands on another room.
 *
 * Events: `watch` {room}, `offer` {room}.
 */
import { button, icon, make, setText } from "../dom.js";
import { formatCount, onLocale, t, tn } from "../locale.js";

/** @typedef {import("../../sdk/types.js").DeskRoom} DeskRoom */

/**
 * @typedef {object} RoomListState
 * @property {readonly DeskRoom[]} rooms in order
 * @property {string | null} current the room we are in
 * @property {string} currentWord what we do there
 * @property {boolean} mayOffer an agent may ask to go on stage; a supervisor does not
 * @property {boolean} locked on stage or on the way: no other room can be entered
 */

const PLACES = 6;

export class RoomList extends HTMLElement {
  /** @type {RoomListState} */
  #state = { rooms: [], current: null, currentWord: "", mayOffer: false, locked: false };
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #list = make("ul", "room-rows");
  #empty = make("p", "hint room-empty");
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.append(this.#list, this.#empty);
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {RoomListState} state */
  show(state) {
    this.#state = state;
    this.#render();
  }

  #render() {
    const { rooms } = this.#state;
    this.#empty.hidden = rooms.length > 0;
    this.#list.hidden = rooms.length === 0;
    setText(this.#empty, t("rooms.empty"));
    const wanted = new Set(rooms.map(({ name }) => name));
    for (const [name, row] of this.#rows) {
      if (wanted.has(name)) continue;
      row.root.remove();
      this.#rows.delete(name);
    }
    rooms.forEach((room, index) => {
      let row = this.#rows.get(room.name);
      if (!row) {
        row = new Row(room.name, (type) => this.dispatchEvent(new CustomEvent(type, { detail: { room: room.name } })));
        this.#rows.set(room.name, row);
      }
      // Moving an element loses its focus: only what is out of order moves.
      if (this.#list.children[index] !== row.root) this.#list.insertBefore(row.root, this.#list.children[index] ?? null);
      row.show(room, this.#state);
    });
  }
}

class Row {
  #title = make("strong", "truncate");
  #pill = make("span", "pill");
  #host = make("span", "truncate");
  #viewers = make("span", "number room-fact");
  #viewersCount = make("span");
  #stage = make("span", "number room-fact");
  #stageCount = make("span");
  #here = make("span", "room-here");
  #watch;
  #offer;
  #actions;
  root;

  /**
   * @param {string} name
   * @param {(type: "watch" | "offer") => void} say
   */
  constructor(name, say) {
    this.#viewers.append(icon("eye"), this.#viewersCount);
    this.#stage.append(icon("users"), this.#stageCount);
    this.#watch = button("", "small", () => say("watch"));
    this.#offer = button("", "small", () => say("offer"));
    this.#actions = make("div", "room-actions", this.#watch, this.#offer);
    this.root = make(
      "li",
      "room-row",
      make("div", "room-head", this.#title, this.#pill),
      make("div", "room-facts", this.#host, this.#viewers, this.#stage),
      this.#here,
      this.#actions,
    );
    this.root.dataset.room = name;
  }

  /**
   * @param {DeskRoom} room
   * @param {RoomListState} state
   */
  show(room, { current, currentWord, mayOffer, locked }) {
    const title = room.title || room.name;
    setText(this.#title, title);
    this.#title.title = title === room.name ? title : `${title} · ${room.name}`;
    this.#pill.className = `pill ${room.state === "live" ? "live" : "away"}`;
    setText(this.#pill, room.state === "live" ? t("state.live") : t("state.away"));
    setText(this.#host, room.host ?? t("rooms.no_host"));
    setText(this.#viewersCount, formatCount(room.viewers));
    this.#viewers.title = tn("viewers", room.viewers);
    setText(this.#stageCount, `${room.on_stage}/${PLACES}`);
    this.#stage.title = t("rooms.on_stage_hint", { count: room.on_stage, places: PLACES });
    const here = current === room.name;
    this.root.classList.toggle("current", here);
    this.#here.hidden = !here;
    setText(this.#here, here ? currentWord : "");
    this.#actions.hidden = here || locked;
    setText(this.#watch, t("rooms.watch"));
    setText(this.#offer, t("rooms.offer"));
    this.#offer.hidden = !mayOffer;
    this.#offer.disabled = room.on_stage >= PLACES;
    this.#offer.title = room.on_stage >= PLACES ? t("rooms.full") : "";
  }
}

customElements.define("lm-room-list", RoomList);
