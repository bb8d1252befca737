/** The live page: joins a room as a viewer, plays it, and says what is going on. */
import { avatar } from "./components/avatar.js";
import { CallBar } from "./components/call-bar.js";
import { showKeys } from "./components/dialog.js";
import "./components/language-switch.js";
import { Notice } from "./components/notice.js";
import { QualityBars } from "./components/quality-bars.js";
import { Stage } from "./components/stage.js";
import { TokenForm } from "./components/token-form.js";
import { byId, dots, make, setText } from "./dom.js";
import { codeOf, sentence, wayOut } from "./errors.js";
import { Fullscreen } from "./fullscreen.js";
import { IdleFade } from "./idle.js";
import { Audience, narrow } from "./live-audience.js";
import { liveNotice } from "./live-notice.js";
import { firstVisit, tokens } from "./live-start.js";
import { leadPeer, liveView } from "./live-view.js";
import { formatCount, getLocale, onLocale, startLocale, t, tn } from "./locale.js";
import { RemoteStage } from "./remote-stage.js";
import { listenShortcuts } from "./shortcuts.js";
import { readSound, writeSound } from "./sound.js";
import { isDemo } from "./token.js";
import { Visit } from "./visit.js";

const COUNTDOWN_EVERY_MS = 1000;
const VOLUME_STEP = 0.1;

const root = byId("root", HTMLElement);
const stage = byId("stage", Stage);
const center = byId("center", HTMLElement);
const notice = byId("notice", Notice);
const tokenForm = byId("token", TokenForm);
const soundBar = byId("sound-bar", CallBar);
const viewBar = byId("view-bar", CallBar);
const volume = byId("volume", HTMLInputElement);
const quality = byId("quality", QualityBars);
const unmute = byId("unmute", HTMLButtonElement);
const banner = byId("banner", HTMLElement);
const audience = new Audience();
const fullscreen = new Fullscreen(root, () => stage.mainVideo);

/** @type {Visit | null} */
let visit = null;
/** @type {RemoteStage | null} */
let remote = null;
/** The words are here; what must not wait for them goes on without. */
let worded = false;
let tokenNeeded = false;
/** @type {{ code: string, message: string } | null} */
let failure = null;
/** @type {IdleFade | null} */
let fade = null;
let lastScene = "";

/** @param {Visit} next begun already */
function show(next) {
  disconnect();
  failure = null;
  tokenNeeded = false;
  visit = next;
  if (next.room) {
    remote = new RemoteStage(next.room, stage, readSound());
    remote.addEventListener("change", render);
  }
  audience.follow(next.room, remote);
  next.on("change", () => follow(next));
  follow(next);
}

/** @param {Visit} current */
function follow(current) {
  if (visit !== current) return;
  // A failure is told in words.
  if (current.failure !== null && worded) fail(current);
  else render();
}

/** @param {Visit} over */
function fail({ failure: error, tokenNeeded: asked }) {
  tokenNeeded = asked;
  if (!tokenNeeded) {
    const code = codeOf(error);
    failure = { code, message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
    if (wayOut(code) === "token") {
      tokens.forget();
      tokenNeeded = !isDemo();
    }
  }
  tokenForm.refusal = failure && { text: sentence(failure.code, failure.message), code: failure.code };
  disconnect();
  render();
}

function disconnect() {
  audience.follow(null, null);
  remote?.close();
  remote = null;
  const leaving = visit;
  visit = null;
  leaving?.close();
}

function render() {
  if (!worded) return;
  const info = visit?.info ?? null;
  const { scene, repairing } = liveView({
    tokenNeeded,
    failure: failure?.code ?? null,
    roomState: visit?.room?.state ?? "idle",
    info,
    tracks: remote?.tracks ?? [],
    pictureSeen: remote?.pictureSeen ?? false,
    unplayable: visit?.unplayable ?? null,
  });
  const playing = scene === "playing" || scene === "sound";
  quality.value = visit?.downlink ?? null;
  root.dataset.scene = scene;
  center.hidden = playing;
  const kept = remote?.still === true && (scene === "away" || scene === "silent" || scene === "waiting");
  center.className = `center ${kept ? "veil" : "solid"}`;
  center.classList.toggle("late", !kept && (scene === "connecting" || scene === "waiting"));
  tokenForm.hidden = scene !== "token";
  const host = info ? leadPeer(info) : null;
  notice.show(
    liveNotice(scene, {
      host: host?.name ?? "",
      failure,
      secondsLeft: info?.away_until ? Math.ceil((info.away_until - Date.now()) / 1000) : null,
    }),
  );
  renderHost(scene);
  renderBanner(repairing && scene !== "failed" && scene !== "token");
  renderControls(playing);
  audience.render(scene);
  announce(scene, repairing);
  setText(byId("heading", HTMLElement), host ? t("live.heading", { host: host.name }) : t("live.heading_empty"));
  document.title = host ? `${scene === "playing" ? "● " : ""}${host.name} · ${t("brand")}` : t("brand");
}

/** @param {string} scene */
function renderHost(scene) {
  const info = visit?.info ?? null;
  const host = info ? leadPeer(info) : null;
  const box = byId("host", HTMLElement);
  box.hidden = info === null || scene === "failed";
  if (!info) return;
  const name = host?.name || info.title || info.name;
  const face = byId("host-face", HTMLElement);
  if (face.dataset.name !== name) {
    face.dataset.name = name;
    face.replaceChildren(avatar(name));
  }
  const label = byId("host-name", HTMLElement);
  setText(label, name);
  label.title = name;
  const pill = byId("pill", HTMLElement);
  pill.className = `pill ${info.state === "live" ? "live" : info.state === "away" ? "away" : "plain"}`;
  setText(pill, pillWord(info.state));
  setText(byId("viewers-count", HTMLElement), formatCount(info.viewers));
  const viewers = byId("viewers", HTMLElement);
  viewers.title = tn("viewers", info.viewers);
  viewers.setAttribute("aria-label", tn("viewers", info.viewers));
  viewers.setAttribute("role", "img");
}

/** @param {string} state of the room */
function pillWord(state) {
  if (state === "live") return t("state.live");
  if (state === "away") return t("state.away");
  return state === "ended" ? t("state.ended") : t("state.idle");
}

/** @param {boolean} shown */
function renderBanner(shown) {
  const words = t("live.repairing");
  if (shown && banner.textContent !== words) banner.replaceChildren(dots(), make("span", "", words));
  banner.hidden = !shown;
}

/** @param {boolean} playing */
function renderControls(playing) {
  const { muted, volume: level } = remote?.sound ?? readSound();
  const silent = muted || level === 0 || remote?.blocked === true;
  const chatting = !["token", "failed", "connecting"].includes(root.dataset.scene ?? "");
  byId("controls", HTMLElement).hidden = !playing && !chatting;
  soundBar.hidden = volume.hidden = !playing;
  unmute.hidden = !(playing && remote?.blocked);
  volume.value = String(Math.round((silent ? 0 : level) * 100));
  soundBar.setAttribute("aria-label", t("live.sound"));
  soundBar.show([
    {
      id: "mute",
      icon: silent ? "volume-off" : "volume",
      label: silent ? t("live.sound_on") : t("live.sound_off"),
    },
  ]);
  viewBar.setAttribute("aria-label", t("live.view"));
  /** @type {import("./components/call-bar.js").Control[]} */
  const controls = [];
  // On a phone the chat lies over the picture and is always there.
  if (chatting && !narrow.matches) {
    const label = audience.chatOpen ? t("live.chat_hide") : t("live.chat_show");
    const news = audience.unread > 0 ? (audience.unread > 99 ? "99" : String(audience.unread)) : audience.handsOpen ? "!" : "";
    controls.push({ id: "chat", icon: "chat", label, ...(audience.chatOpen || news === "" ? {} : { badge: news }) });
  }
  // On a phone there is no keyboard to help with, whatever it says about hovering alone.
  if (matchMedia("(hover: hover) and (pointer: fine)").matches) {
    controls.push({ id: "keys", icon: "keyboard", label: t("keys.title") });
  }
  if (fullscreen.possible && playing) {
    const on = fullscreen.on;
    controls.push({
      id: "fullscreen",
      icon: on ? "fullscreen-exit" : "fullscreen",
      label: on ? t("live.fullscreen_off") : t("live.fullscreen_on"),
    });
  }
  viewBar.show(controls);
}

/**
 * Words for screen readers, once per change.
 * @param {string} scene
 * @param {boolean} repairing
 */
function announce(scene, repairing) {
  const now = `${scene}${repairing}`;
  if (now === lastScene) return;
  lastScene = now;
  // What is new is said with everything in view.
  fade?.wake();
  const info = visit?.info ?? null;
  const host = info ? (leadPeer(info)?.name ?? "") : "";
  const words = repairing ? t("live.repairing") : scene === "playing" ? t("live.now_playing", { host }) : "";
  setText(byId("announce", HTMLElement), words || (notice.querySelector("h2")?.textContent ?? ""));
}

function toggleSound() {
  if (!remote) return;
  if (remote.blocked) {
    void remote.unblock();
    return;
  }
  const { muted, volume: level } = remote.sound;
  const silent = muted || level === 0;
  keepSound({ muted: !silent, volume: silent && level === 0 ? 1 : level });
}

/** @param {number} level 0-1 */
function setVolume(level) {
  const bounded = Math.min(1, Math.max(0, level));
  if (remote?.blocked && bounded > 0) void remote.unblock();
  keepSound({ muted: bounded === 0, volume: bounded });
}

/** @param {{ muted: boolean, volume: number }} sound */
function keepSound(sound) {
  writeSound(sound);
  remote?.setSound(sound);
}

/** @type {import("./shortcuts.js").Shortcut[]} */
const shortcuts = [
  { keys: ["m"], label: "keys.sound", run: toggleSound },
  { keys: ["arrowup"], label: "keys.louder", run: () => setVolume((remote?.sound.volume ?? 1) + VOLUME_STEP) },
  { keys: ["arrowdown"], label: "keys.quieter", run: () => setVolume((remote?.sound.volume ?? 1) - VOLUME_STEP) },
  { keys: ["c"], label: "keys.chat", run: () => audience.toggleChat() },
  { keys: ["f"], label: "keys.fullscreen", run: () => void fullscreen.toggle() },
  { keys: ["?"], label: "keys.help", run: () => showKeys(shortcuts) },
];

function listen() {
  listenShortcuts(shortcuts);
  fullscreen.addEventListener("change", render);
  audience.addEventListener("change", render);
  narrow.addEventListener("change", render);
  unmute.addEventListener("click", () => void remote?.unblock());
  volume.addEventListener("input", () => setVolume(Number(volume.value) / 100));
  soundBar.addEventListener("control", toggleSound);
  viewBar.addEventListener("control", (event) => {
    const control = /** @type {CustomEvent} */ (event).detail;
    if (control === "keys") showKeys(shortcuts);
    else if (control === "chat") audience.toggleChat();
    else void fullscreen.toggle();
  });
  stage.addEventListener("dblclick", () => void fullscreen.toggle());
  tokenForm.addEventListener("token", (event) => {
    tokens.set(/** @type {CustomEvent} */ (event).detail);
    show(new Visit(tokens));
  });
  notice.addEventListener("action", (event) => {
    if (/** @type {CustomEvent} */ (event).detail === "home") location.assign("/");
    else show(new Visit(tokens));
  });
  fade = new IdleFade(root, { hold: () => root.dataset.scene !== "playing" || visit?.room?.state === "reconnecting" || audience.ringing || audience.onAir });
  setInterval(() => {
    if (visit?.info?.state === "away") render();
  }, COUNTDOWN_EVERY_MS);
}

show(firstVisit);
listen();
await startLocale();
worded = true;
onLocale(() => {
  if (visit?.room) visit.room.locale = getLocale();
  if (visit) follow(visit);
  else render();
});
