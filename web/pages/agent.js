/** The agent console: presence, rings, on air, listening in; with a supervisor's token listening and whispering only. */
import { AgentConsole } from "./agent-console.js";
import { airControls, extraControls } from "./agent-controls.js";
import { AgentPrompts } from "./agent-prompts.js";
import { AgentSide } from "./agent-side.js";
import { HelpPage } from "./agent-help-page.js";
import { callPassing, mediaWord } from "./agent-help-words.js";
import { AgentStage } from "./agent-stage.js";
import { nextCamera } from "./agent-view.js";
import { agentNotice, passing } from "./agent-words.js";
import { CallBar } from "./components/call-bar.js";
import { DayCard } from "./components/day-card.js";
import { ask, closeDialogs, showKeys } from "./components/dialog.js";
import "./components/language-switch.js";
import { Notice } from "./components/notice.js";
import { OfferCard } from "./components/offer-card.js";
import { QualityBars } from "./components/quality-bars.js";
import { Ring } from "./components/ring.js";
import { toast } from "./components/toast.js";
import { TokenForm } from "./components/token-form.js";
import { byId, dots, make, setText } from "./dom.js";
import { codeOf, sentence, wayOut } from "./errors.js";
import { formatDuration } from "./format.js";
import { liveNotice } from "./live-notice.js";
import { formatCount, getLocale, onLocale, startLocale, t, tn } from "./locale.js";
import { listenShortcuts } from "./shortcuts.js";
import { toggleDevice, toggleScreen } from "./studio-devices.js";
import { isDemo, TokenSource } from "./token.js";

const TICK_MS = 500;

/** @type {"agent" | "supervisor"} */
const wantedRole = new URLSearchParams(location.search).get("as") === "supervisor" ? "supervisor" : "agent";
const tokens = new TokenSource("*", wantedRole, {
  name: demoName,
  skills: () => (wantedRole === "agent" ? t("demo.skills").split("|") : []),
});
const desk = new AgentConsole(tokens, (invite) => ({
  title: t("ring.title", { name: invite.from.name }),
  body: [invite.title || invite.room, invite.topic].filter(Boolean).join(" · "),
}), (call) => ({
  title: t("callring.title", { name: call.shopper.name }),
  body: [mediaWord(call.media), call.queue_title, call.topic].filter(Boolean).join(" · "),
}));
const picture = new AgentStage(render);
const help = new HelpPage(desk, () => tokens.get(), render);
const side = new AgentSide(desk, help.side, render);
const prompts = new AgentPrompts(desk);

const root = byId("root", HTMLElement);
const center = byId("center", HTMLElement);
const notice = byId("notice", Notice);
const tokenForm = byId("token", TokenForm);
const day = byId("day", DayCard);
const ring = byId("ring", Ring);
const offer = byId("offer", OfferCard);
const bar = byId("bar", CallBar);
const extras = byId("extras", CallBar);
const quality = byId("quality", QualityBars);
const banner = byId("banner", HTMLElement);
const narrow = matchMedia("(width <= 720px)");

let more = false;
let lastScene = "";

/** Two agents of one demo should not have the same name. @param {string} identity */
function demoName(identity) {
  const names = (wantedRole === "agent" ? t("demo.agent_names") : t("demo.supervisor_names")).split("|");
  const sum = [...identity].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return names[sum % names.length] ?? identity;
}

function supervises() {
  const role = desk.desk?.self?.role ?? wantedRole;
  return wantedRole === "supervisor" || role === "supervisor";
}

function render() {
  const { scene, repairing } = desk.view;
  const { call } = desk;
  const inRoom = call !== null;
  root.dataset.scene = scene;
  picture.follow(call);
  const seen = picture.view;
  renderCenter(scene, seen);
  renderHead(scene);
  renderBanner(scene, repairing);
  renderControls(scene, seen);
  prompts.render(scene);
  help.render(scene);
  side.render({ scene, repairing, supervisor: supervises() });
  byId("on-air-ring", HTMLElement).hidden = scene !== "air";
  const title = inRoom ? call.info?.title || call.roomName : "";
  const place = supervises() ? t("agent.supervisor") : t("agent.title");
  setText(byId("place", HTMLElement), place);
  setText(byId("heading", HTMLElement), title ? `${place} · ${title}` : place);
  desk.ringer.title = scene === "call" ? `● ${desk.help.call?.shopper.name ?? ""} · ${place}` : scene === "air" ? `● ${t("air.pill")} · ${title}` : `${place} · ${t("brand")}`;
  if (scene !== lastScene) sceneChanged(scene);
}

/** @param {import("./agent-view.js").Scene} scene */
function sceneChanged(scene) {
  lastScene = scene;
  more = false;
  // A question over the page would keep the ring from being answered.
  if (scene === "ring" || scene === "call_ring") closeDialogs();
  // On a phone the middle comes to the front when something happens there.
  if (scene === "idle") side.pane = "desk";
  else side.pane = scene === "call" && desk.help.call?.media === "text" ? "talk" : "stage";
  setText(byId("announce", HTMLElement), announcement(scene));
}

/** @param {import("./agent-view.js").Scene} scene */
function announcement(scene) {
  const { call } = desk;
  if (scene === "ring") return t("ring.title", { name: call?.invite?.from.name ?? "" });
  if (scene === "air") return t("air.on_air");
  if (scene === "watch") return t("agent.watching", { room: call?.info?.title || call?.roomName || "" });
  if (scene === "call_ring" || scene === "call" || scene === "wrap") return help.announcement(scene);
  return notice.querySelector("h2")?.textContent ?? "";
}

/**
 * @param {import("./agent-view.js").Scene} scene
 * @param {import("./live-view.js").Scene} seen what the room's picture is like
 */
function renderCenter(scene, seen) {
  const { call, me, book } = desk;
  const closed = call?.mode === "air" && call.capture !== null && call.capture.state === "closed";
  tokenForm.hidden = scene !== "token";
  tokenForm.refusal =
    scene === "token" && desk.failure
      ? { text: sentence(desk.failure.code, desk.failure.message), code: desk.failure.code }
      : null;
  const words = agentNotice(scene, { failure: desk.failure, closed }) ?? (scene === "watch" ? watchNotice(seen) : null);
  notice.show(words);
  day.hidden = scene !== "idle";
  if (scene === "idle" && me && book) {
    day.show({
      supervisor: supervises(),
      day: book.day,
      presence: me.presence,
      elsewhere: me.engaged?.state === "on_stage" ? roomTitle(me.engaged.room) : null,
      mayNotify: desk.ringer.mayAskToNotify,
      silent: !desk.ringer.audible,
    });
  }
  ring.show(
    scene === "ring" && call?.invite
      ? {
          invite: call.invite,
          capture: call.capture,
          remainingMs: desk.ringLeftMs,
          busy: call.busy,
          reasons: true,
          trouble: call.trouble && { code: call.trouble.code, message: sentence(call.trouble.code, call.trouble.message) },
        }
      : null,
  );
  offer.show(
    call && (scene === "offer" || scene === "asking")
      ? {
          title: call.info?.title || call.roomName,
          host: picture.host,
          asking: scene === "asking",
          busy: call.busy,
          capture: call.capture,
          trouble: call.trouble && { code: call.trouble.code, message: sentence(call.trouble.code, call.trouble.message) },
        }
      : null,
  );
  const clear = (scene === "air" && !closed) || (scene === "watch" && words === null) || scene === "call";
  center.hidden = clear;
  const over = scene === "ring" || scene === "offer" || (scene === "air" && closed) || (scene === "watch" && picture.still);
  center.className = `center ${scene === "asking" ? "low" : over ? "veil" : "solid"}`;
  center.classList.toggle("late", scene === "connecting" || scene === "back");
}

/**
 * What a listener is told when there is no picture.
 * @param {import("./live-view.js").Scene} seen
 */
function watchNotice(seen) {
  const info = desk.call?.info ?? null;
  if (seen === "playing" || seen === "sound" || seen === "failed" || seen === "token") return null;
  const secondsLeft = info?.away_until ? Math.ceil((info.away_until - Date.now()) / 1000) : null;
  const words = liveNotice(seen, { host: picture.host, failure: null, secondsLeft });
  if (words) delete words.actions;
  return words;
}

/** @param {string} name */
function roomTitle(name) {
  return desk.info.rooms.find((room) => room.name === name)?.title || name;
}

/** @param {import("./agent-view.js").Scene} scene */
function renderHead(scene) {
  const { call } = desk;
  const info = call?.info ?? null;
  byId("head", HTMLElement).hidden = !call || scene === "back" || scene === "ring" || scene === "offer";
  if (!call) return;
  const name = byId("room-title", HTMLElement);
  setText(name, info?.title || call.roomName);
  name.title = info?.title || call.roomName;
  const air = scene === "air";
  const cut = call.room.state === "reconnecting";
  const pill = byId("pill", HTMLElement);
  pill.className = `pill ${air ? (cut ? "away" : "live") : ""}`;
  setText(pill, air ? (cut ? t("state.away") : t("air.pill")) : t("agent.not_seen"));
  const clock = byId("clock", HTMLElement);
  clock.hidden = !air;
  setText(clock, formatDuration(call.onAirMs));
  const viewers = byId("viewers", HTMLElement);
  setText(byId("viewers-count", HTMLElement), formatCount(info?.viewers ?? 0));
  viewers.title = tn("viewers", info?.viewers ?? 0);
  viewers.setAttribute("role", "img");
  viewers.setAttribute("aria-label", tn("viewers", info?.viewers ?? 0));
  quality.value = air ? call.uplink : null;
  byId("on-air-ring", HTMLElement).classList.toggle("away", cut);
}

/**
 * @param {import("./agent-view.js").Scene} scene
 * @param {"room" | "desk" | null} repairing
 */
function renderBanner(scene, repairing) {
  let words = "";
  if (repairing === "room") words = scene === "air" ? t("air.repairing") : t("live.repairing");
  else if (scene === "air" && desk.call?.info?.state === "away") words = t("air.host_away");
  banner.hidden = words === "";
  if (words && banner.textContent !== words) banner.replaceChildren(dots(), make("span", "", words));
}

/**
 * @param {import("./agent-view.js").Scene} scene
 * @param {import("./live-view.js").Scene} seen
 */
function renderControls(scene, seen) {
  const { call } = desk;
  const air = scene === "air";
  const watching = scene === "watch";
  const controls = byId("controls", HTMLElement);
  controls.hidden = !(air || watching) || !call;
  byId("unblock", HTMLElement).hidden = !(picture.blocked && (air || watching));
  side.showWhisper(watching && supervises(), picture.host !== "" && seen !== "ended");
  if (!call || controls.hidden) return;
  bar.setAttribute("aria-label", t("agent.bar"));
  const state = { narrow: narrow.matches, more, locked: call.place?.locked ?? { audio: false, video: false } };
  const row = air && more && narrow.matches && call.capture ? extraControls(call.capture) : [];
  extras.hidden = row.length === 0;
  extras.show(row);
  if (air) {
    bar.show(call.capture ? airControls(call.capture, state) : []);
    return;
  }
  const { muted } = picture.sound;
  bar.show([
    { id: "sound", icon: muted ? "volume-off" : "volume", label: muted ? t("live.sound_on") : t("live.sound_off") },
    ...(supervises() ? [] : [{ id: "offer", icon: "hand", label: t("rooms.offer") }]),
    { id: "stop", icon: "close", label: t("agent.stop"), hint: t("agent.stop_hint"), apart: true },
  ]);
}

/** @param {string} control */
function press(control) {
  const { call } = desk;
  if (!call) return;
  const { capture } = call;
  switch (control) {
    case "microphone":
    case "camera":
      if (call.mode === "air" && locked(control)) toast(lockedWords(control), { kind: "warning", replaces: control });
      else if (capture) void toggleDevice(capture, control);
      break;
    case "screen":
      if (capture) void toggleScreen(capture);
      break;
    case "flip":
      if (capture) flip(capture);
      break;
    case "music":
      if (capture) void switchMusic(capture);
      break;
    case "more":
      more = !more;
      render();
      break;
    case "sound":
      picture.toggleSound();
      break;
    case "offer":
      desk.offer(call.roomName);
      break;
    case "leave":
      void leaveStage();
      break;
    case "stop":
      void desk.leave();
      break;
  }
}

/** @param {import("./capture.js").Capture} capture */
async function switchMusic(capture) {
  const music = !capture.music;
  if (await capture.setMusic(music)) {
    toast(music ? t("air.music_on") : t("air.music_off"), { kind: "good", replaces: "music" });
  }
}

/** @param {"microphone" | "camera"} source */
function locked(source) {
  const place = desk.call?.place;
  return source === "microphone" ? place?.locked.audio === true : place?.locked.video === true;
}

/** @param {"microphone" | "camera"} source */
function lockedWords(source) {
  return source === "microphone" ? t("air.locked_microphone") : t("air.locked_camera");
}

/** @param {import("./capture.js").Capture} capture */
function flip(capture) {
  const next = nextCamera(capture.list("camera"), capture.choice.camera);
  if (next) void capture.choose("camera", next);
}

async function leaveStage() {
  const sure = await ask({ title: t("air.leave_title"), body: t("air.leave_body"), confirm: t("air.leave"), danger: true });
  if (sure) await desk.leave();
}

/** @param {string} action of the idle card */
function dayAction(action) {
  switch (action) {
    case "available":
      void desk.setPresence("available");
      break;
    case "notify":
      void desk.ringer.askToNotify().then(render);
      break;
    case "sound":
      void desk.ringer.unlock().then(render);
      break;
    case "return":
      desk.comeBack();
      break;
    case "forget":
      desk.book?.forgetMissed();
      render();
      break;
  }
}

/** @param {() => void} act */
const ringing = (act) => () => {
  if (desk.call?.mode === "ring") act();
};

/** In a shopper's call the keys press its controls. @param {string} control */
const calling = (control) => () => help.press(control);

/** @type {import("./shortcuts.js").Shortcut[]} */
const shortcuts = [
  { keys: ["a"], label: "keys.accept", run: () => (desk.help.duty === "ring" ? void help.accept() : ringing(() => void desk.accept())()) },
  { keys: ["d"], label: "keys.decline", run: () => (desk.help.duty === "ring" ? help.decline(null) : ringing(() => void desk.decline(null))()) },
  { keys: ["m"], label: "keys.microphone", run: () => (desk.help.duty === "talk" ? help.press("microphone") : press("microphone")) },
  { keys: ["v"], label: "keys.camera", run: () => (desk.help.duty === "talk" ? help.press("camera") : press("camera")) },
  { keys: ["h"], label: "keys.hold", run: calling("hold") },
  { keys: ["s"], label: "keys.screen", run: calling("screen") },
  { keys: ["t"], label: "keys.transfer", run: calling("transfer") },
  { keys: ["i"], label: "keys.add", run: calling("add") },
  { keys: ["g"], label: "keys.stage", run: calling("stage") },
  { keys: ["w"], label: "keys.marks", run: calling("marks") },
  { keys: ["p"], label: "keys.still", run: calling("still") },
  { keys: ["e"], label: "keys.end", run: calling("end") },
  { keys: ["q"], label: "keys.take", run: () => help.takeFirst() },
  { keys: ["1"], label: "keys.quick", run: () => help.side.quick(1) },
  ...[2, 3, 4, 5, 6, 7, 8, 9].map((digit) => ({ keys: [String(digit)], label: "", run: () => help.side.quick(digit) })),
  { keys: ["c"], label: "keys.chat", run: () => help.side.open("words") },
  { keys: ["n"], label: "keys.notes", run: () => help.side.open("notes") },
  { keys: ["?"], label: "keys.help", run: () => showKeys(shortcuts) },
];

function listen() {
  listenShortcuts(shortcuts);
  desk.on("change", () => {
    if (desk.failure && wayOut(desk.failure.code) === "token" && !desk.tokenNeeded) {
      tokens.forget();
      desk.tokenNeeded = !isDemo();
    }
    render();
  });
  desk.on("said", (said) => {
    const told = callPassing(said) ?? passing(said);
    if (told) toast(told.text, told.options);
  });
  ring.addEventListener("accept", () => void desk.accept());
  ring.addEventListener("decline", (event) => {
    void desk.decline(/** @type {CustomEvent<{ reason: string | null }>} */ (event).detail.reason);
  });
  for (const card of [ring, offer]) card.addEventListener("ask", () => void desk.call?.capture?.open());
  offer.addEventListener("request", (event) => {
    void desk.call?.request(/** @type {CustomEvent<{ topic: string }>} */ (event).detail.topic);
  });
  offer.addEventListener("withdraw", () => desk.call?.withdraw());
  day.addEventListener("action", (event) => dayAction(/** @type {CustomEvent<string>} */ (event).detail));
  for (const row of [bar, extras]) {
    row.addEventListener("control", (event) => press(/** @type {CustomEvent<string>} */ (event).detail));
  }
  tokenForm.addEventListener("token", (event) => {
    tokens.set(/** @type {CustomEvent<string>} */ (event).detail);
    void desk.begin();
  });
  notice.addEventListener("action", (event) => {
    const action = /** @type {CustomEvent<string>} */ (event).detail;
    if (action === "reopen") void desk.call?.reopen();
    else if (action === "leave") void desk.leave();
    else if (action === "home") location.assign("/");
    else void desk.begin();
  });
  byId("unblock", HTMLButtonElement).addEventListener("click", () => void picture.unblock());
  narrow.addEventListener("change", render);
  // Any press lets a later ring be heard.
  for (const type of ["pointerdown", "keydown"]) {
    document.addEventListener(type, () => void desk.ringer.unlock().then(() => desk.view.scene === "idle" && render()), { once: true });
  }
  window.addEventListener("beforeunload", (event) => {
    // On air a stray press of the back key would take the agent off the stage.
    if (desk.call?.mode === "air" || desk.help.duty === "talk") event.preventDefault();
  });
  setInterval(() => {
    if (desk.call || desk.help.duty !== null) render();
  }, TICK_MS);
}

await startLocale();
listen();
onLocale(() => {
  desk.locale = getLocale();
  render();
});
await desk.begin().catch((error) => toast(sentence(codeOf(error)), { kind: "error", code: codeOf(error) }));
