/** What stands beside the picture: presence and rooms on the left, talk on the right, the whisper, a phone's tabs. */
import { AirDevices } from "./agent-devices.js";
import { TalkPane } from "./agent-talk.js";
import { sortRooms } from "./agent-view.js";
import { Whisper } from "./agent-whisper.js";
import { modeWord } from "./agent-words.js";
import { BackChannel } from "./components/backchannel.js";
import { ChatPanel } from "./components/chat-panel.js";
import { ask } from "./components/dialog.js";
import { GuestsPanel } from "./components/guests-panel.js";
import { PresenceSwitch } from "./components/presence-switch.js";
import { RoomList } from "./components/room-list.js";
import { WhisperButton } from "./components/whisper-button.js";
import { byId, icon, make, setText } from "./dom.js";
import { codeOf, sentence } from "./errors.js";
import { t } from "./locale.js";
import { Meter } from "../sdk/meter.js";

/**
 * @typedef {import("./agent-console.js").AgentConsole} AgentConsole
 * @typedef {import("./agent-call.js").AgentCall} AgentCall
 * @typedef {"desk" | "stage" | "talk"} Pane
 * @typedef {{ scene: import("./agent-view.js").Scene, repairing: "room" | "desk" | null, supervisor: boolean }} SideState
 */

const TALK_SCENES = new Set(["watch", "asking", "air"]);
/** No other room can be entered. */
const LOCKED = new Set(["ring", "air", "back", "asking", "call_ring", "call", "wrap"]);

export class AgentSide {
  #desk;
  #changed;
  #help;
  #root = byId("root", HTMLElement);
  #presence = byId("presence", PresenceSwitch);
  #rooms = byId("rooms", RoomList);
  #whisperButton = byId("whisper", WhisperButton);
  #staff = /** @type {BackChannel} */ (document.createElement("lm-backchannel"));
  #guests = /** @type {GuestsPanel} */ (document.createElement("lm-guests"));
  #chat = /** @type {ChatPanel} */ (document.createElement("lm-chat"));
  #devices = new AirDevices();
  #talk = new TalkPane(() => this.pane === "talk" || !this.#narrow.matches);
  #narrow = matchMedia("(width <= 720px)");
  /** @type {AgentCall | null} */
  #call = null;
  /** @type {(() => void)[]} */
  #undo = [];
  /** @type {Whisper | null} */
  #whisper = null;
  /** @type {{ meter: Meter, track: MediaStreamTrack } | null} */
  #metered = null;
  /** @type {Map<Pane, { button: HTMLButtonElement, word: HTMLElement, badge: HTMLElement }>} */
  #panes = new Map();

  /**
   * @param {AgentConsole} desk
   * @param {import("./agent-help-side.js").HelpSide} help what stands beside a shopper's call
   * @param {() => void} changed
   */
  constructor(desk, help, changed) {
    this.#desk = desk;
    this.#help = help;
    this.#changed = changed;
    this.#buildPanes();
    this.#buildTalk();
    this.#listen();
  }

  /** What a phone shows. @returns {Pane} */
  get pane() {
    return /** @type {Pane} */ (this.#root.dataset.pane ?? "desk");
  }

  set pane(pane) {
    this.#root.dataset.pane = pane;
    this.#talk.render();
    this.#renderPanes();
  }

  /** @param {SideState} state */
  render({ scene, repairing, supervisor }) {
    const { me, rooms } = this.#desk.info;
    const { call } = this.#desk;
    byId("desk-body", HTMLElement).hidden = me === null || scene === "failed" || scene === "token";
    if (me) {
      this.#presence.hidden = supervisor;
      this.#presence.show({
        name: me.name,
        chosen: me.chosen,
        presence: me.presence,
        why: busyWords(me, call?.mode ?? null, this.#desk.help.duty),
        skills: me.skills,
        allSkills: me.all_skills,
        disabled: repairing === "desk",
      });
      this.#rooms.show({
        rooms: sortRooms(rooms),
        current: call?.roomName ?? null,
        currentWord: modeWord(call?.mode ?? null),
        mayOffer: !supervisor,
        locked: LOCKED.has(scene),
      });
      setText(byId("rooms-count", HTMLElement), String(rooms.length));
    }
    const repair = byId("desk-repair", HTMLElement);
    repair.hidden = repairing !== "desk" && !(scene === "air" && this.#desk.failure !== null);
    setText(repair, t("agent.desk_repairing"));
    this.#follow(call);
    this.#chat.callable = call?.mode === "watch" && !supervisor;
    this.#devices.show(call?.mode === "air" ? call.capture : null);
    const calling = this.#help.tabs;
    if (calling.length > 0) this.#talk.show(true, calling);
    else this.#talk.show(call !== null && TALK_SCENES.has(scene), this.#tabs(call));
    this.#help.render();
    this.#renderPanes();
  }

  /**
   * @param {boolean} shown
   * @param {boolean} heard a host is there
   */
  showWhisper(shown, heard) {
    this.#whisperButton.hidden = !shown;
    if (!shown) {
      this.#dropWhisper();
      return;
    }
    const trouble = this.#whisper?.trouble ?? null;
    const host = this.#desk.call?.info?.peers.find(({ role }) => role === "host")?.name ?? "";
    this.#whisperButton.show({
      state: heard ? (this.#whisper?.state ?? "rest") : "absent",
      host,
      problem: trouble ? sentence(codeOf(trouble), String(/** @type {any} */ (trouble).message ?? "")) : "",
    });
    this.#hear(this.#whisper?.state === "talking" ? this.#whisper.track : null);
  }

  #listen() {
    this.#presence.addEventListener("presence", (event) => {
      const { presence } = /** @type {CustomEvent<{ presence: "available" | "break" | "offline" }>} */ (event).detail;
      void this.#desk.setPresence(presence);
    });
    this.#presence.addEventListener("skills", (event) => {
      const chosen = this.#desk.me?.chosen ?? "offline";
      void this.#desk.setPresence(chosen, /** @type {CustomEvent<{ skills: string[] }>} */ (event).detail.skills);
    });
    this.#chat.addEventListener("call", (event) => {
      const { identity, name } = /** @type {CustomEvent<{ identity: string, name: string }>} */ (event).detail;
      void this.#ring(identity, name);
    });
    const room = (/** @type {Event} */ event) => /** @type {CustomEvent<{ room: string }>} */ (event).detail.room;
    this.#rooms.addEventListener("watch", (event) => this.#desk.watch(room(event)));
    this.#rooms.addEventListener("offer", (event) => this.#desk.offer(room(event)));
    this.#whisperButton.addEventListener("hold", () => this.#hold());
    this.#whisperButton.addEventListener("let-go", () => this.#whisper?.letGo());
    document.addEventListener("keydown", (event) => this.#space(event));
    document.addEventListener("keyup", (event) => {
      if (event.code === "Space") this.#whisper?.letGo();
    });
    // A key that is let go elsewhere is not heard here.
    window.addEventListener("blur", () => this.#whisper?.letGo());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#whisper?.letGo();
    });
  }

  /**
   * Ring a shopper who wrote in the room that we listen in to.
   * @param {string} identity
   * @param {string} name
   */
  async #ring(identity, name) {
    const sure = await ask({ title: t("call.ring_title", { name }), body: t("call.ring_body"), confirm: t("chat.call") });
    const { call, help } = this.#desk;
    if (sure && call) void help.callShopper(call.room, identity);
  }

  /** @param {KeyboardEvent} event */
  #space(event) {
    if (event.code !== "Space" || event.ctrlKey || event.metaKey || event.altKey || this.#whisperButton.hidden) return;
    const { target } = event;
    const typing = target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
    if (typing || document.querySelector("dialog[open]")) return;
    // Whatever has the focus is not pressed: Space is the talk key here.
    event.preventDefault();
    if (!event.repeat) this.#hold();
  }

  #hold() {
    const { call } = this.#desk;
    if (!call?.info || this.#whisperButton.hidden) return;
    if (!this.#whisper) {
      this.#whisper = new Whisper(call.room);
      this.#whisper.on("change", this.#changed);
    }
    this.#whisper.hold();
  }

  #dropWhisper() {
    this.#whisper?.close();
    this.#whisper = null;
    this.#hear(null);
  }

  /** @param {MediaStreamTrack | null} track */
  #hear(track) {
    if (this.#metered?.track === track) return;
    this.#metered?.meter.close();
    this.#metered = null;
    if (!track) return;
    const meter = new Meter(track);
    this.#metered = { meter, track };
    meter.start((level) => {
      this.#whisperButton.level = level;
    });
  }

  /** @param {AgentCall | null} call */
  #follow(call) {
    if (call === this.#call) return;
    for (const undo of this.#undo.splice(0)) undo();
    this.#dropWhisper();
    this.#call = call;
    this.#talk.clear();
    const room = call?.room ?? null;
    this.#chat.follow(room);
    this.#staff.room = room;
    this.#guests.room = room;
  }

  /** @param {AgentCall | null} call @returns {string[]} */
  #tabs(call) {
    if (!call) return [];
    const tabs = ["staff", "chat"];
    if (call.room.controls) tabs.push("guests");
    if (call.mode === "air") tabs.push("devices");
    return tabs;
  }

  #buildTalk() {
    for (const [id, label, panel] of /** @type {[string, () => string, BackChannel | ChatPanel][]} */ ([
      ["staff", () => t("talk.staff"), this.#staff],
      ["chat", () => t("talk.chat"), this.#chat],
    ])) {
      panel.active = false;
      this.#talk.add(id, label, panel, (seen) => {
        panel.active = seen;
      });
      panel.addEventListener("unread", (event) => {
        this.#count(id, /** @type {CustomEvent<{ count: number }>} */ (event).detail.count);
      });
    }
    this.#talk.add("guests", () => t("talk.guests"), this.#guests);
    this.#guests.addEventListener("waiting", (event) => {
      this.#count("guests", /** @type {CustomEvent<{ count: number }>} */ (event).detail.count);
    });
    this.#help.add(this.#talk, () => {
      this.pane = "talk";
    });
    this.#talk.add("devices", () => t("talk.devices"), this.#devices.panel, (seen) => this.#devices.look(seen));
  }

  /**
   * @param {string} tab
   * @param {number} unread
   */
  #count(tab, unread) {
    this.#talk.count(tab, unread);
    this.#renderPanes();
  }

  #buildPanes() {
    const nav = byId("panes", HTMLElement);
    for (const [pane, picture] of /** @type {[Pane, SVGSVGElement][]} */ ([
      ["desk", icon("headset")],
      ["stage", icon("play")],
      ["talk", icon("chat")],
    ])) {
      const word = make("span");
      const badge = make("span", "tab-badge number");
      const button = make("button", "pane-tab", picture, word, badge);
      button.type = "button";
      button.addEventListener("click", () => {
        this.pane = pane;
      });
      nav.append(button);
      this.#panes.set(pane, { button, word, badge });
    }
  }

  #renderPanes() {
    const words = { desk: t("agent.pane.desk"), stage: t("agent.pane.stage"), talk: t("agent.pane.talk") };
    for (const [pane, { button, word, badge }] of this.#panes) {
      setText(word, words[pane]);
      button.setAttribute("aria-pressed", String(pane === this.pane));
      button.disabled = pane === "talk" && Boolean(byId("talk", HTMLElement).hidden);
      const unread = pane === "talk" ? this.#talk.unread : 0;
      badge.hidden = unread === 0;
      setText(badge, unread > 99 ? "99+" : String(unread));
    }
  }
}

/**
 * @param {import("../sdk/types.js").DeskMe} me
 * @param {import("./agent-view.js").Mode | null} mode
 * @param {import("./agent-help-view.js").Duty | null} duty
 */
function busyWords(me, mode, duty) {
  if (me.presence !== "busy") return "";
  const state = /** @type {string | undefined} */ (me.engaged?.state);
  if (duty === "talk" || state === "in_call") return t("presence.busy_call");
  if (duty === "wrap" || state === "wrap_up") return t("presence.busy_wrap");
  if (duty === "ring") return t("presence.busy_ring");
  if (me.engaged?.state === "on_stage" || mode === "air" || mode === "back") return t("presence.busy_stage");
  if (me.engaged?.state === "ringing" || mode === "ring") return t("presence.busy_ring");
  return t("presence.busy_other");
}
