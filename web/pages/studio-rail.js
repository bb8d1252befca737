/**
 * The studio's right rail: guests, chat, the staff's channel, and how the show and its devices are. On narrow windows it
 * is a sheet that opens over the picture.
 */
import { Meter } from "../sdk/meter.js";
import { BackChannel } from "./components/backchannel.js";
import { ChatPanel } from "./components/chat-panel.js";
import { DevicePanel } from "./components/device-panel.js";
import { GuestsPanel } from "./components/guests-panel.js";
import { MusicSwitch } from "./components/music-switch.js";
import { ShowPanel } from "./components/show-panel.js";
import { toast } from "./components/toast.js";
import { byId, make, setText } from "./dom.js";
import { deviceProblem } from "./host-notice.js";
import { asResolution } from "./host-view.js";
import { t, tn } from "./locale.js";
import { isDemo } from "./token.js";

/**
 * @typedef {import("./broadcast.js").Broadcast} Broadcast
 * @typedef {import("./capture.js").Capture} Capture
 * @typedef {"guests" | "chat" | "staff" | "status"} Tab
 */

/** @type {readonly Tab[]} */
const TABS = ["guests", "chat", "staff", "status"];

export class StudioRail {
  #capture;
  #broadcast;
  #changed;
  #root = byId("rail", HTMLElement);
  #shade = byId("rail-shade", HTMLButtonElement);
  #closer = byId("rail-close", HTMLButtonElement);
  #bar = byId("rail-tabs", HTMLElement);
  #guests = byId("guests", GuestsPanel);
  #chat = byId("chat", ChatPanel);
  #staff = byId("staff", BackChannel);
  #devices = byId("devices", DevicePanel);
  #music = byId("music", MusicSwitch);
  #figures = byId("show-panel", ShowPanel);
  #link = byId("share-link", HTMLInputElement);
  #narrow = matchMedia("(width <= 900px)");
  /** @type {Map<Tab, { button: HTMLButtonElement, word: HTMLElement, badge: HTMLElement, pane: HTMLElement }>} */
  #tabs = new Map();
  /** @type {Tab} */
  #open = "status";
  /** The show runs: it is about people. */
  #people = false;
  #switching = false;
  /** @type {Record<"guests" | "chat" | "staff", number>} */
  #waiting = { guests: 0, chat: 0, staff: 0 };
  /** @type {{ meter: Meter, track: MediaStreamTrack } | null} */
  #metered = null;

  /**
   * @param {Capture} capture
   * @param {Broadcast} broadcast
   * @param {string} roomName
   * @param {() => void} changed badges have
   */
  constructor(capture, broadcast, roomName, changed) {
    this.#capture = capture;
    this.#broadcast = broadcast;
    this.#changed = changed;
    this.#link.value = `${location.origin}/live/${encodeURIComponent(roomName)}`;
    this.#buildTabs();
    this.#listen();
  }

  /** People who wait for the host's answer. */
  get waiting() {
    return this.#waiting.guests;
  }

  /** Messages nobody has seen here. */
  get unread() {
    return this.#waiting.chat + this.#waiting.staff;
  }

  /** Where there is something to read. @returns {Tab} */
  get talk() {
    return this.#waiting.chat === 0 && this.#waiting.staff > 0 ? "staff" : "chat";
  }

  /** How loud each guest is for the host. @param {import("./components/guest-strip.js").Mixer | null} mixer */
  set mixer(mixer) {
    if (mixer !== this.#guests.mixer) this.#guests.mixer = mixer;
  }

  /**
   * @param {import("./host-view.js").StudioScene} scene
   * @param {boolean} picture the stage shows the host's picture, so there is something to adjust
   */
  show(scene, picture) {
    this.#root.hidden = !picture;
    if (!picture) this.close();
    const running = scene === "live";
    // Before the show it is about devices, then about people.
    const people = running || scene === "resume";
    if (people && !this.#people && this.#open === "status") this.#open = "guests";
    if (scene !== "starting") this.#people = people;
    const { room } = this.#broadcast;
    this.#guests.room = room;
    this.#staff.room = room;
    this.#chat.follow(room);
    setText(byId("status-title", HTMLElement), running ? t("rail.live") : t("rail.preview"));
    setText(byId("share-hint", HTMLElement), isDemo() ? t("share.hint") : t("share.hint_token"));
    this.#figures.hidden = !running;
    this.#figures.show({
      lastedMs: this.#broadcast.lastedMs,
      viewers: this.#broadcast.info?.viewers ?? 0,
      uplink: this.#broadcast.uplink,
    });
    this.#showDevices();
    this.#meterMicrophone();
    this.#renderTabs();
  }

  /** Only seen on narrow windows; wide ones always show the rail. @param {Tab} tab */
  toggle(tab) {
    if (this.#root.classList.contains("open") && this.#open === tab) {
      this.close();
      return;
    }
    this.open(tab);
  }

  /** @param {Tab} tab */
  open(tab) {
    this.#open = tab;
    if (this.#narrow.matches && !this.#root.classList.contains("open")) {
      this.#root.classList.add("open");
      this.#shade.hidden = false;
      this.#closer.focus();
    }
    this.#renderTabs();
  }

  close() {
    if (!this.#root.classList.contains("open")) return;
    this.#root.classList.remove("open");
    this.#shade.hidden = true;
    this.#renderTabs();
  }

  #listen() {
    this.#shade.addEventListener("click", () => this.close());
    this.#closer.addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    this.#narrow.addEventListener("change", () => this.#renderTabs());
    byId("share-copy", HTMLButtonElement).addEventListener("click", () => void this.#copyLink());
    this.#devices.addEventListener("choose", (event) => {
      const { what, value } = /** @type {CustomEvent<{ what: string, value: string }>} */ (event).detail;
      if (what === "resolution") void this.#capture.setResolution(asResolution(value));
      else if (what === "camera" || what === "microphone") void this.#capture.choose(what, value);
    });
    this.#devices.addEventListener("retry", (event) => {
      void this.#capture.retry(/** @type {CustomEvent<"camera" | "microphone">} */ (event).detail);
    });
    this.#music.addEventListener("music", (event) => {
      void this.#setMusic(/** @type {CustomEvent<{ on: boolean }>} */ (event).detail.on);
    });
    for (const [tab, panel, type] of /** @type {["guests" | "chat" | "staff", HTMLElement, string][]} */ ([
      ["guests", this.#guests, "waiting"],
      ["chat", this.#chat, "unread"],
      ["staff", this.#staff, "unread"],
    ])) {
      panel.addEventListener(type, (event) => {
        this.#waiting[tab] = /** @type {CustomEvent<{ count: number }>} */ (event).detail.count;
        this.#renderTabs();
        this.#changed();
      });
    }
  }

  /** @param {boolean} on */
  async #setMusic(on) {
    this.#switching = true;
    this.#showMusic();
    const done = await this.#capture.setMusic(on);
    this.#switching = false;
    this.#showMusic();
    if (!done) toast(t("sound.music_failed"), { kind: "error", replaces: "music" });
  }

  #showMusic() {
    this.#music.show({ on: this.#capture.music, busy: this.#switching });
  }

  #buildTabs() {
    for (const tab of TABS) {
      const word = make("span", "truncate");
      const badge = make("span", "tab-badge number");
      const button = make("button", "talk-tab", word, badge);
      button.type = "button";
      button.id = `rail-tab-${tab}`;
      button.setAttribute("role", "tab");
      button.addEventListener("click", () => this.open(tab));
      const pane = byId(`rail-${tab}`, HTMLElement);
      button.setAttribute("aria-controls", pane.id);
      pane.setAttribute("aria-labelledby", button.id);
      this.#bar.append(button);
      this.#tabs.set(tab, { button, word, badge, pane });
    }
    this.#bar.addEventListener("keydown", (event) => this.#arrow(event));
  }

  #renderTabs() {
    const staff = this.#broadcast.room?.self?.grants["backchannel"] === true;
    if (!staff && this.#open === "staff") this.#open = "guests";
    const seen = !this.#root.hidden && (!this.#narrow.matches || this.#root.classList.contains("open"));
    this.#chat.active = seen && this.#open === "chat";
    this.#staff.active = seen && this.#open === "staff";
    const words = { guests: t("rail.guests"), chat: t("rail.chat"), staff: t("rail.staff"), status: t("rail.status") };
    for (const [tab, { button, word, badge, pane }] of this.#tabs) {
      const chosen = tab === this.#open;
      const count = tab === "status" ? 0 : this.#waiting[tab];
      button.hidden = tab === "staff" && !staff;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      pane.hidden = !chosen;
      setText(word, words[tab]);
      badge.hidden = count === 0;
      setText(badge, count > 99 ? "99+" : String(count));
      if (count > 0) button.setAttribute("aria-label", tn("rail.unread", count, { tab: words[tab] }));
      else button.removeAttribute("aria-label");
    }
  }

  /** @param {KeyboardEvent} event */
  #arrow(event) {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const shown = TABS.filter((tab) => !this.#tabs.get(tab)?.button.hidden);
    const next = shown[(shown.indexOf(this.#open) + step + shown.length) % shown.length];
    if (step === 0 || next === undefined) return;
    event.preventDefault();
    this.open(next);
    this.#tabs.get(next)?.button.focus();
  }

  #showDevices() {
    const { choice, off, problems, tracks } = this.#capture;
    const settings = tracks.camera?.getSettings();
    const size = settings?.width && settings.height ? `${settings.width}×${settings.height}` : "";
    this.#devices.show({
      cameras: this.#capture.list("camera"),
      microphones: this.#capture.list("microphone"),
      ...choice,
      cameraProblem: deviceProblem(problems.camera),
      microphoneProblem: deviceProblem(problems.microphone),
      picture: off.camera ? "" : size,
    });
    this.#showMusic();
  }

  #meterMicrophone() {
    const track = this.#capture.tracks.microphone;
    if (this.#metered && this.#metered.track !== track) {
      this.#metered.meter.close();
      this.#metered = null;
      this.#devices.level = 0;
    }
    if (!track || this.#metered) return;
    const meter = new Meter(track);
    this.#metered = { meter, track };
    meter.start((level) => {
      this.#devices.level = this.#capture.off.microphone ? 0 : level;
    });
  }

  async #copyLink() {
    try {
      await navigator.clipboard.writeText(this.#link.value);
      toast(t("share.copied"), { kind: "good", replaces: "share" });
    } catch {
      this.#link.select();
      toast(t("share.copy_failed"), { kind: "warning", replaces: "share" });
    }
  }
}
