/**
 * Who is on the stage, and what those with controls do with them: mute, ask to unmute, take off, move, pin, co-host, and
 * how loud each is here.
 *
 *   strip.room = room;
 *   strip.mixer = remoteStage;     // { volumeOf(identity), setVolume(identity, 0-1) }; null: no sliders
 */
import { button, icon, make, setIcon, setText } from "../dom.js";
import { STAGE_MAX, guestRows, landing } from "../guests-view.js";
import { deviceAct, guestLine } from "../guests-words.js";
import { t } from "../locale.js";
import { roleWord } from "../role.js";
import { avatar } from "./avatar.js";
import { ask } from "./dialog.js";
import { RoomPanel, keep } from "./room-panel.js";
import { toast } from "./toast.js";

/**
 * @typedef {import("../guests-view.js").GuestRow} GuestRow
 * @typedef {{ volumeOf: (identity: string) => number, setVolume: (identity: string, volume: number) => void }} Mixer
 */

/** A finger that moves less than this, px, taps. */
const DRAG_FROM = 4;

export class GuestStrip extends RoomPanel {
  #title = make("h3", "panel-title");
  #count = make("span", "count number");
  #lockWord = make("span");
  #lock = button("", "quiet small", () => this.#toggleLock());
  #clear = button("", "quiet small red", () => void this.#takeAllOff());
  #list = make("ul", "people-list stage-list");
  #alone = make("p", "hint");
  /** @type {Map<string, GuestItem>} */
  #items = new Map();
  #opened = "";
  /** @type {Mixer | null} */
  #mixer = null;

  /** @param {Mixer | null} mixer */
  set mixer(mixer) {
    this.#mixer = mixer;
    this.redraw();
  }

  get mixer() {
    return this.#mixer;
  }

  /** @override */
  build() {
    this.#lock.append(icon("lock"), this.#lockWord);
    const acts = make("div", "panel-acts", this.#lock, this.#clear);
    const title = make("div", "panel-title-line", this.#title, this.#count);
    this.append(make("header", "panel-head", title, acts), this.#list, this.#alone);
  }

  /** @override */
  draw() {
    const { room } = this;
    const rows = room ? guestRows(room.info, this.identity) : [];
    const stage = room?.info.stage;
    const may = this.joined && room?.controls === true;
    setText(this.#title, t("guests.on_stage"));
    setText(this.#count, `${rows.length}/${STAGE_MAX}`);
    const locked = stage?.locked === true;
    setText(this.#lockWord, locked ? t("guests.unlock") : t("guests.lock"));
    this.#lock.title = locked ? t("guests.unlock_hint") : t("guests.lock_hint");
    this.#lock.setAttribute("aria-pressed", String(locked));
    this.#lock.disabled = !may;
    const guests = rows.filter(({ host }) => !host);
    setText(this.#clear, t("guests.clear"));
    this.#clear.hidden = guests.length === 0;
    this.#clear.disabled = !may;
    if (!rows.some(({ identity }) => identity === this.#opened)) this.#opened = "";
    /** @type {Map<string, HTMLElement>} */
    const elements = new Map([...this.#items].map(([id, { root }]) => [id, root]));
    keep(
      this.#list,
      elements,
      rows,
      ({ identity }) => identity,
      (row) => {
        const item = new GuestItem(row, this);
        this.#items.set(row.identity, item);
        return item.root;
      },
      (_, row) => this.#items.get(row.identity)?.show(row, { may, open: this.#opened === row.identity, last: rows.length - 1 }),
    );
    for (const id of this.#items.keys()) if (!elements.has(id)) this.#items.delete(id);
    this.#alone.hidden = guests.length > 0;
    setText(this.#alone, t("guests.nobody"));
  }

  /** Show or hide what else can be done with somebody. @param {string} identity */
  toggle(identity) {
    this.#opened = this.#opened === identity ? "" : identity;
    this.draw();
  }

  /** @param {string} identity @param {number} position */
  move(identity, position) {
    void this.try((room) => room.moveGuest(identity, position));
  }

  /**
   * @param {GuestRow} row
   * @param {"microphone" | "camera"} device
   */
  async press({ identity, name, microphone, camera }, device) {
    const what = device === "microphone" ? { audio: true } : { video: true };
    if ((device === "microphone" ? microphone : camera) === "on") {
      await this.try((room) => room.muteGuest(identity, what));
      return;
    }
    const asked = await this.try(async (room) => {
      await room.askUnmute(identity, what);
      return true;
    });
    if (asked) toast(device === "microphone" ? t("guests.asked_audio", { name }) : t("guests.asked_video", { name }), { replaces: "asked" });
  }

  /** @param {GuestRow} row */
  async takeOff({ identity }) {
    await this.try((room) => room.removeGuest(identity));
  }

  /** Where the rows are, px. @returns {{ index: number, middles: number[] }} @param {HTMLElement} root */
  places(root) {
    const rows = [...this.#list.children];
    const middles = rows.map((row) => {
      const { top, height } = row.getBoundingClientRect();
      return top + height / 2;
    });
    return { index: rows.indexOf(root), middles };
  }

  #toggleLock() {
    const locked = this.room?.info.stage.locked === true;
    void this.try((room) => room.lockStage(!locked));
  }

  async #takeAllOff() {
    const title = t("guests.clear_title");
    const sure = await ask({ title, body: t("guests.clear_body"), confirm: t("guests.clear"), danger: true });
    if (sure) await this.try((room) => room.clearStage());
  }
}

/** One person. */
class GuestItem {
  #strip;
  #row;
  #grip = make("button", "grip", icon("grip"));
  #face;
  #name = make("p", "person-name truncate");
  #line = make("p", "person-line hint truncate");
  #marks = make("span", "person-marks");
  #microphone = device(icon("mic"), () => void this.#strip.press(this.#row, "microphone"));
  #camera = device(icon("camera"), () => void this.#strip.press(this.#row, "camera"));
  #more = make("button", "device-act", icon("more"));
  #drawer = make("div", "person-drawer");
  #volumeWord = make("span", "sr-only");
  #volume = make("input", "volume-slider");
  #volumeNumber = make("span", "number volume-number");
  #volumeLine = make("label", "volume-line", icon("volume"), this.#volumeWord, this.#volume, this.#volumeNumber);
  #up = act(icon("up"), () => this.#strip.move(this.#row.identity, this.#row.position - 1));
  #down = act(icon("lower"), () => this.#strip.move(this.#row.identity, this.#row.position + 1));
  #pin = act(icon("pin"), () => this.#togglePin());
  #cohost = act(icon("star"), () => this.#toggleCohost());
  #off = act(icon("end"), () => void this.#strip.takeOff(this.#row), "red");
  root;

  /** @param {GuestRow} row @param {GuestStrip} strip */
  constructor(row, strip) {
    this.#row = row;
    this.#strip = strip;
    this.#face = avatar(row.name);
    this.#grip.type = this.#more.type = "button";
    this.#more.addEventListener("click", () => strip.toggle(this.#row.identity));
    this.#volume.type = "range";
    this.#volume.min = "0";
    this.#volume.max = "100";
    this.#volume.step = "5";
    this.#volume.addEventListener("input", () => this.#setVolume());
    this.#drawer.append(this.#volumeLine, make("div", "person-acts-grid", this.#up, this.#down, this.#pin, this.#cohost, this.#off));
    const name = make("div", "person-name-line", this.#name, this.#marks);
    const words = make("div", "person-words", name, this.#line);
    const head = make("div", "person-head", this.#grip, this.#face, words, this.#microphone, this.#camera, this.#more);
    this.root = make("li", "person-row guest-row", head, this.#drawer);
    this.#grip.addEventListener("keydown", (event) => this.#key(event));
    this.#grip.addEventListener("pointerdown", (event) => this.#drag(event));
  }

  /**
   * @param {GuestRow} row
   * @param {{ may: boolean, open: boolean, last: number }} how last: index of the last place
   */
  show(row, { may, open, last }) {
    if (row.name !== this.#row.name) {
      const face = avatar(row.name);
      this.#face.replaceWith(face);
      this.#face = face;
    }
    this.#row = row;
    const { name, state, host, own, microphone, camera, pinned, cohost, position } = row;
    setText(this.#name, name);
    this.#name.title = name;
    setText(this.#line, guestLine(row, roleWord(row.role)));
    this.#marks.replaceChildren(...(cohost ? [icon("star")] : []), ...(pinned ? [icon("pin")] : []));
    this.#face.classList.toggle("speaking", row.speaking);
    this.root.classList.toggle("waiting", state !== "on");
    this.root.classList.toggle("open", open);
    const controllable = !own && !host;
    fill(this.#microphone, "mic", microphone, deviceAct("microphone", microphone, name), may && state === "on");
    fill(this.#camera, "camera", camera, deviceAct("camera", camera, name), may && state === "on");
    this.#microphone.hidden = this.#camera.hidden = !controllable;
    this.#grip.hidden = last === 0;
    this.#grip.disabled = !may;
    this.#grip.setAttribute("aria-label", t("guests.grip", { name }));
    this.#grip.title = t("guests.grip_hint");
    this.#more.setAttribute("aria-label", t("guests.more", { name }));
    this.#more.title = t("control.more");
    this.#more.setAttribute("aria-expanded", String(open));
    this.#more.hidden = last === 0 && !pinned;
    this.#drawer.hidden = !open;
    if (!open) return;
    const { mixer } = this.#strip;
    this.#volumeLine.hidden = own || mixer === null;
    if (mixer && document.activeElement !== this.#volume) this.#volume.value = String(Math.round(mixer.volumeOf(row.identity) * 100));
    setText(this.#volumeWord, t("guests.volume", { name }));
    setText(this.#volumeNumber, `${this.#volume.value}%`);
    label(this.#up, t("guests.up"), may && position > 0);
    label(this.#down, t("guests.down"), may && position < last);
    label(this.#pin, pinned ? t("guests.unpin") : t("guests.pin"), may);
    this.#pin.setAttribute("aria-pressed", String(pinned));
    label(this.#cohost, cohost ? t("guests.cohost_off") : t("guests.cohost_on"), may);
    this.#cohost.title = t("guests.cohost_hint");
    this.#cohost.setAttribute("aria-pressed", String(cohost));
    // Only who owns the show gives its controls away.
    const { show, manage } = this.#strip.room?.self?.grants ?? {};
    this.#cohost.hidden = !controllable || !(show === true || manage === true);
    label(this.#off, t("guests.take_off"), may);
    this.#off.hidden = !controllable;
  }

  #togglePin() {
    const { identity, pinned } = this.#row;
    void this.#strip.try((room) => room.pin(pinned ? null : identity));
  }

  #toggleCohost() {
    const { identity, cohost } = this.#row;
    void this.#strip.try((room) => room.setCohost(identity, !cohost));
  }

  #setVolume() {
    this.#strip.mixer?.setVolume(this.#row.identity, Number(this.#volume.value) / 100);
    setText(this.#volumeNumber, `${this.#volume.value}%`);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    const to = this.#row.position + step;
    if (step === 0) return;
    event.preventDefault();
    event.stopPropagation();
    if (to >= 0 && to < (this.root.parentElement?.children.length ?? 0)) this.#strip.move(this.#row.identity, to);
  }

  /** @param {PointerEvent} down */
  #drag(down) {
    if (down.button !== 0 || this.#grip.disabled) return;
    down.preventDefault();
    this.#grip.focus();
    this.#grip.setPointerCapture(down.pointerId);
    const { index, middles } = this.#strip.places(this.root);
    let by = 0;
    const moved = (/** @type {PointerEvent} */ event) => {
      by = event.clientY - down.clientY;
      const dragging = Math.abs(by) >= DRAG_FROM;
      this.root.classList.toggle("dragged", dragging);
      this.root.style.translate = dragging ? `0 ${by}px` : "";
      this.#mark(dragging ? landing(middles, index, (middles[index] ?? 0) + by) : index, index);
    };
    const over = (/** @type {PointerEvent} */ event) => {
      this.#grip.removeEventListener("pointermove", moved);
      this.#grip.removeEventListener("pointerup", over);
      this.#grip.removeEventListener("pointercancel", over);
      this.root.classList.remove("dragged");
      this.root.style.translate = "";
      this.#mark(index, index);
      if (event.type !== "pointerup" || Math.abs(by) < DRAG_FROM) return;
      const to = landing(middles, index, (middles[index] ?? 0) + by);
      if (to !== index) this.#strip.move(this.#row.identity, to);
    };
    this.#grip.addEventListener("pointermove", moved);
    this.#grip.addEventListener("pointerup", over);
    this.#grip.addEventListener("pointercancel", over);
  }

  /** The line where it would land. @param {number} to @param {number} from */
  #mark(to, from) {
    [...(this.root.parentElement?.children ?? [])].forEach((row, index) => {
      row.classList.toggle("land-above", to < from && index === to);
      row.classList.toggle("land-below", to > from && index === to);
    });
  }
}

/** @param {SVGSVGElement} picture @param {() => void} press */
function device(picture, press) {
  const element = make("button", "device-act", picture);
  element.type = "button";
  element.addEventListener("click", press);
  return element;
}

/**
 * @param {HTMLButtonElement} element
 * @param {"mic" | "camera"} name
 * @param {import("../guests-view.js").DeviceState} state
 * @param {string} label
 * @param {boolean} enabled
 */
function fill(element, name, state, label, enabled) {
  const svg = element.querySelector("svg");
  if (svg) setIcon(svg, state === "on" ? name : `${name}-off`);
  element.classList.toggle("off", state !== "on");
  element.classList.toggle("locked", state === "locked");
  element.setAttribute("aria-label", label);
  element.title = label;
  element.disabled = !enabled;
}

/** @param {SVGSVGElement} picture @param {() => void} press @param {string} [look] */
function act(picture, press, look = "") {
  const element = button("", `quiet small ${look}`, press);
  element.append(picture, make("span"));
  return element;
}

/** @param {HTMLButtonElement} element @param {string} word @param {boolean} enabled */
function label(element, word, enabled) {
  const words = element.querySelector("span");
  if (words) setText(words, word);
  element.disabled = !enabled;
}

customElements.define("lm-guest-strip", GuestStrip);
