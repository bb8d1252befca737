/** The studio: preview, go live, keep the show running whatever devices and network do, end it. */
import { permission } from "../sdk/devices.js";
import { Broadcast } from "./broadcast.js";
import { Capture } from "./capture.js";
import { CallBar } from "./components/call-bar.js";
import { ask, showKeys } from "./components/dialog.js";
import "./components/language-switch.js";
import { Notice } from "./components/notice.js";
import { QualityBars } from "./components/quality-bars.js";
import { Stage } from "./components/stage.js";
import { toast } from "./components/toast.js";
import { TokenForm } from "./components/token-form.js";
import { UrgentBanner } from "./components/urgent-banner.js";
import { byId, dots, make, setText } from "./dom.js";
import { codeOf, sentence, wayOut } from "./errors.js";
import { formatDuration } from "./format.js";
import { hostControls } from "./host-controls.js";
import { deviceProblem, hostNotice } from "./host-notice.js";
import { readiness, studioScene } from "./host-view.js";
import { formatCount, getLocale, onLocale, startLocale, t, tn } from "./locale.js";
import { listenShortcuts } from "./shortcuts.js";
import { announceDevices, toggleDevice, toggleScreen } from "./studio-devices.js";
import { StudioRail } from "./studio-rail.js";
import { StudioStage } from "./studio-stage.js";
import { isDemo, roomFromPath, TokenNeeded, TokenSource } from "./token.js";

const CLOCK_EVERY_MS = 1000;

const roomName = roomFromPath(location.pathname);
const tokens = new TokenSource(roomName, "host", { name: () => t("demo.host_name") });
const capture = new Capture();
const broadcast = new Broadcast(capture, giveToken);

const stage = new StudioStage(byId("stage", Stage));
const center = byId("center", HTMLElement);
const notice = byId("notice", Notice);
const tokenForm = byId("token", TokenForm);
const bar = byId("bar", CallBar);
const quality = byId("quality", QualityBars);
const banner = byId("banner", HTMLElement);
const urgent = byId("urgent", UrgentBanner);
const rail = new StudioRail(capture, broadcast, roomName, render);
const narrow = matchMedia("(width <= 900px)");

let tokenNeeded = false;
/** @type {{ code: string, message: string } | null} */
let failure = null;
/** @type {import("./host-view.js").StudioScene | ""} */
let lastScene = "";

/** @returns {Promise<string>} */
async function giveToken() {
  try {
    return await tokens.get();
  } catch (error) {
    if (error instanceof TokenNeeded) tokenNeeded = true;
    throw error;
  }
}

async function enter() {
  failure = null;
  tokenNeeded = false;
  if (typeof RTCPeerConnection === "undefined") {
    failure = { code: "unsupported_browser", message: "" };
    render();
    return;
  }
  render();
  // A page that can never show a picture must not stand in the room as a host who is getting ready.
  if (!window.isSecureContext) return;
  await Promise.all([broadcast.join(), openIfAllowed()]);
}

/** A permission given before is not asked for again, so the preview may open without a click. */
async function openIfAllowed() {
  if (capture.state !== "closed") return;
  const allowed = await Promise.all([permission("camera"), permission("microphone")]);
  if (allowed.every((state) => state === "granted")) await capture.open();
}

/** @param {unknown} error why the visit is over */
function fail(error) {
  if (!tokenNeeded) {
    const code = codeOf(error);
    failure = { code, message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
    if (wayOut(code) === "token") {
      tokens.forget();
      tokenNeeded = !isDemo();
    }
  }
  tokenForm.refusal = failure && { text: sentence(failure.code, failure.message), code: failure.code };
  // Another page took over, or the visit is over: this one must not keep the camera's light on.
  capture.close();
  render();
}

/** @returns {import("./host-view.js").StudioInput} */
function situation() {
  return {
    tokenNeeded,
    failure: failure?.code ?? null,
    secure: window.isSecureContext,
    joined: broadcast.joined,
    roomState: broadcast.room?.state ?? "idle",
    show: broadcast.info?.state ?? "idle",
    onAir: broadcast.onAir && !broadcast.starting,
    starting: broadcast.starting,
    summary: broadcast.summary !== null,
    capture: capture.state,
    trouble: capture.trouble,
  };
}

function render() {
  const now = situation();
  const scene = studioScene(now);
  const running = scene === "live";
  const picture = running || scene === "preview" || scene === "resume" || scene === "starting";
  center.hidden = picture && scene !== "starting";
  center.className = `center ${scene === "starting" ? "late" : "solid"}`;
  tokenForm.hidden = scene !== "token";
  notice.show(
    hostNotice(scene, {
      failure,
      trouble: capture.trouble ?? "",
      summary: broadcast.summary,
      localUrl: `http://localhost${location.port ? `:${location.port}` : ""}${location.pathname}`,
    }),
  );
  renderStage(scene, picture);
  renderHead(scene);
  renderBanner(scene, now.roomState === "reconnecting");
  byId("controls", HTMLElement).hidden = !picture;
  bar.setAttribute("aria-label", t("studio.bar"));
  rail.show(scene, picture);
  const { waiting, unread } = rail;
  bar.show(hostControls(scene, capture, { ready: readiness(now), narrow: narrow.matches, waiting, unread }));
  if (scene !== lastScene) announce(scene);
  lastScene = scene;
}

/**
 * @param {import("./host-view.js").StudioScene} scene
 * @param {boolean} shown
 */
function renderStage(scene, shown) {
  const { room } = broadcast;
  stage.follow(room);
  rail.mixer = stage.mixer;
  urgent.room = shown ? room : null;
  if (!shown) {
    stage.show(null);
    return;
  }
  const { camera, microphone } = capture.tracks;
  stage.show({
    camera,
    screen: capture.screen?.video ?? null,
    cameraOff: capture.off.camera,
    micMuted: capture.off.microphone || microphone === null,
    seen: scene === "live",
    name: room?.self?.name || t("studio.heading"),
    note: cameraNote(),
    hidden: t("studio.own_hidden"),
  });
}

/** @param {readonly { name: string }[]} people who whisper to us now */
function renderWhisper(people) {
  const names = people.map(({ name }) => name).filter(Boolean);
  byId("whisper", HTMLElement).hidden = people.length === 0;
  const words = names.length > 0 ? t("studio.whisper", { name: names.join(" · ") }) : t("studio.whisper_supervisor");
  if (people.length > 0) setText(byId("whisper-words", HTMLElement), words);
}

function cameraNote() {
  const problem = deviceProblem(capture.problems.camera);
  return problem ? t("device.problem_of", { device: t("device.camera"), problem }) : t("studio.camera_off");
}

/** @param {import("./host-view.js").StudioScene} scene */
function renderHead(scene) {
  const info = broadcast.info;
  const running = scene === "live";
  const away = running && broadcast.room?.state === "reconnecting";
  setText(byId("room-title", HTMLElement), info?.title || t("studio.title", { room: roomName }));
  const pill = byId("pill", HTMLElement);
  pill.className = `pill ${away ? "away" : running ? "live" : ""}`;
  setText(pill, away ? t("state.away") : running ? t("state.live") : restingWord(scene));
  const clock = byId("clock", HTMLElement);
  clock.hidden = !running;
  setText(clock, formatDuration(broadcast.lastedMs));
  const viewers = byId("viewers", HTMLElement);
  viewers.hidden = !info || scene === "failed" || scene === "token";
  setText(byId("viewers-count", HTMLElement), formatCount(info?.viewers ?? 0));
  viewers.title = tn("viewers", info?.viewers ?? 0);
  viewers.setAttribute("role", "img");
  viewers.setAttribute("aria-label", tn("viewers", info?.viewers ?? 0));
  quality.value = running ? broadcast.uplink : null;
  const ring = byId("on-air-ring", HTMLElement);
  ring.hidden = !running;
  ring.classList.toggle("away", away);
  setText(byId("heading", HTMLElement), t("studio.title", { room: roomName }));
  document.title = `${running ? `● ${t("state.live")} · ` : ""}${t("studio.title", { room: roomName })}`;
}

/** @param {import("./host-view.js").StudioScene} scene */
function restingWord(scene) {
  return scene === "preview" || scene === "resume" ? t("studio.pill.preview") : t("studio.pill.off");
}

/**
 * @param {import("./host-view.js").StudioScene} scene
 * @param {boolean} repairing
 */
function renderBanner(scene, repairing) {
  let words = "";
  if (scene === "live" && repairing) words = t("studio.repairing");
  else if (scene === "resume") words = `${t("studio.resume.title")} · ${guestsOn() ? t("studio.resume.guests") : t("studio.resume.body")}`;
  else if (scene === "preview" && readiness(situation()) === "connecting") words = t("studio.connecting");
  banner.hidden = words === "";
  banner.classList.toggle("late", scene === "preview");
  if (banner.textContent !== words) {
    banner.replaceChildren(...(scene === "resume" ? [] : [dots()]), make("span", "", words));
  }
}

function guestsOn() {
  return broadcast.info?.stage.places.some(({ role }) => role !== "host") ?? false;
}

/** @param {import("./host-view.js").StudioScene} scene */
function announce(scene) {
  const said = byId("announce", HTMLElement);
  if (scene === "live") setText(said, t("studio.on_air"));
  else if (scene === "summary") setText(said, t("studio.off_air"));
  else setText(said, notice.querySelector("h2")?.textContent ?? "");
}

/** @param {unknown} error something failed and the show goes on */
function complain(error) {
  const code = codeOf(error);
  // A lost connection is told by the banner until it is back; what failed with it is tried again then.
  if (code === "cancelled" || code === "closed" || code === "connection_lost") return;
  const message = String(/** @type {{ message?: unknown }} */ (error)?.message ?? "");
  toast(sentence(code, message), { kind: "error", code, replaces: "trouble" });
}

/** @param {string} control */
function press(control) {
  stage.unblock();
  switch (control) {
    case "microphone":
    case "camera":
      void toggleDevice(capture, control);
      break;
    case "screen":
      void toggleScreen(capture);
      break;
    case "settings":
      rail.toggle("status");
      break;
    case "guests":
      rail.toggle("guests");
      break;
    case "chat":
      rail.toggle(rail.talk);
      break;
    case "live":
      rail.close();
      broadcast.goLive().catch(complain);
      break;
    case "end":
      void end();
      break;
  }
}

async function end() {
  const viewers = broadcast.info?.viewers ?? 0;
  const body = viewers > 0 ? tn("studio.end_body_viewers", viewers) : t("studio.end_body");
  const sure = await ask({ title: t("studio.end_title"), body, confirm: t("studio.end"), danger: true });
  if (!sure) return;
  broadcast.end().catch(complain);
}

/** @type {import("./shortcuts.js").Shortcut[]} */
const shortcuts = [
  { keys: ["m"], label: "keys.microphone", run: () => press("microphone") },
  { keys: ["v"], label: "keys.camera", run: () => press("camera") },
  { keys: ["s"], label: "keys.screen", run: () => press("screen") },
  { keys: ["?"], label: "keys.help", run: () => showKeys(shortcuts) },
];

function listen() {
  listenShortcuts(
    shortcuts.map((shortcut) => ({
      ...shortcut,
      run: () => {
        if (shortcut.label === "keys.help" || !byId("controls", HTMLElement).hidden) shortcut.run();
      },
    })),
  );
  narrow.addEventListener("change", render);
  stage.addEventListener("whisper", (event) => {
    renderWhisper(/** @type {CustomEvent<{ people: { name: string }[] }>} */ (event).detail.people);
  });
  capture.on("change", render);
  announceDevices(capture, () => broadcast.onAir);
  broadcast.on("change", () => {
    // The show is over, whoever ended it: the camera's light goes out with it.
    if (broadcast.summary && capture.state === "open") capture.close();
    render();
  });
  broadcast.on("ended", fail);
  broadcast.on("trouble", complain);
  bar.addEventListener("control", (event) => press(/** @type {CustomEvent<string>} */ (event).detail));
  tokenForm.addEventListener("token", (event) => {
    tokens.set(/** @type {CustomEvent<string>} */ (event).detail);
    void enter();
  });
  notice.addEventListener("action", (event) => {
    const action = /** @type {CustomEvent<string>} */ (event).detail;
    if (action === "open") void capture.open();
    else if (action === "again") again();
    else if (action === "home") location.assign("/");
    else void enter();
  });
  window.addEventListener("beforeunload", (event) => {
    if (broadcast.onAir) event.preventDefault();
  });
  setInterval(() => {
    if (broadcast.onAir) render();
  }, CLOCK_EVERY_MS);
}

function again() {
  broadcast.summary = null;
  void capture.open();
}

await startLocale();
listen();
onLocale(() => {
  if (broadcast.room) broadcast.room.locale = getLocale();
  render();
});
await enter();
