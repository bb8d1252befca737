/** The supervisor's wall: what goes on in one-to-one help, to be read across a room, and a way into each call. */
import { callPassing } from "./agent-help-words.js";
import { passing } from "./agent-words.js";
import "./components/language-switch.js";
import { Notice } from "./components/notice.js";
import { toast } from "./components/toast.js";
import { TokenForm } from "./components/token-form.js";
import { WallCalls } from "./components/wall-calls.js";
import { WallFigures } from "./components/wall-figures.js";
import { WallAgents, WallQueues, WallWaiting } from "./components/wall-lists.js";
import { byId, setIcon, setText } from "./dom.js";
import { codeOf, sentence, wayOut } from "./errors.js";
import { Fullscreen } from "./fullscreen.js";
import { getLocale, onLocale, startLocale, t } from "./locale.js";
import { isDemo, TokenSource } from "./token.js";
import { CONSOLE, WallCall } from "./wall-call.js";
import { WallDesk } from "./wall-desk.js";
import { figuresOf } from "./wall-view.js";
import { wallNotice } from "./wall-words.js";

const TICK_MS = 1_000;

const tokens = new TokenSource("*", "supervisor", {
  name: (identity) => {
    const names = t("demo.supervisor_names").split("|");
    const sum = [...identity].reduce((total, letter) => total + letter.charCodeAt(0), 0);
    return names[sum % names.length] ?? identity;
  },
});
const desk = new WallDesk(tokens);
const call = new WallCall(desk, render);

const root = byId("root", HTMLElement);
const notice = byId("notice", Notice);
const tokenForm = byId("token", TokenForm);
const large = byId("figures", WallFigures);
const small = byId("today", WallFigures);
const queues = byId("queues", WallQueues);
const waiting = byId("waiting", WallWaiting);
const calls = byId("calls", WallCalls);
const agents = byId("agents", WallAgents);
const link = byId("link", HTMLElement);
const mine = byId("mine", HTMLElement);
const screen = byId("fullscreen", HTMLButtonElement);
const fullscreen = new Fullscreen(document.documentElement, () => null);

let lastScene = "";

function render() {
  const { scene, link: state } = desk.view;
  const { wall, now } = desk;
  const shown = wall !== null && (scene === "live" || scene === "empty");
  root.dataset.scene = scene;
  root.dataset.link = state;
  byId("body", HTMLElement).hidden = !shown;
  byId("center", HTMLElement).hidden = shown;
  tokenForm.hidden = scene !== "token";
  tokenForm.refusal = scene === "token" && desk.failure ? { text: sentence(desk.failure.code, desk.failure.message), code: desk.failure.code } : null;
  notice.show(shown ? null : wallNotice(scene, desk.failure));
  renderLink(shown, state);
  setText(byId("clock", HTMLElement), clockOf(now));
  call.render();
  root.classList.toggle("with-call", !byId("drawer", HTMLElement).hidden);
  mine.hidden = !call.forConsole;
  if (wall && shown) {
    const figures = figuresOf(wall, now);
    large.show(figures.now);
    small.show(figures.today);
    queues.show(wall, now);
    waiting.show(wall, now);
    calls.show(wall, now, call.own, call.busy);
    agents.show(wall, now);
    setText(byId("waiting-count", HTMLElement), String(wall.today["in_queue"] ?? wall.waiting?.length ?? 0));
    setText(byId("calls-count", HTMLElement), String(wall.calls.length));
    setText(byId("agents-count", HTMLElement), String(wall.agents.length));
    byId("nothing", HTMLElement).hidden = scene !== "empty";
  }
  document.title = `${t("wall.title")} · ${t("brand")}`;
  if (scene !== lastScene) {
    lastScene = scene;
    setText(byId("announce", HTMLElement), notice.querySelector("h2")?.textContent ?? t("wall.title"));
  }
}

/** @param {boolean} shown @param {"live" | "stale" | "repairing"} state */
function renderLink(shown, state) {
  link.hidden = !shown;
  link.className = `pill number ${state === "live" ? "fresh" : "away"}`;
  const seconds = Math.round((desk.ageMs ?? 0) / 1000);
  setText(link, state === "live" ? t("wall.live") : state === "stale" ? t("wall.stale", { seconds }) : t("wall.repairing"));
  const repair = byId("repair", HTMLElement);
  repair.hidden = !shown || state === "live";
  if (!repair.hidden) setText(repair, state === "stale" ? t("wall.stale_body") : t("wall.repairing_body", { seconds }));
}

/** @param {number} at ms since epoch */
function clockOf(at) {
  return new Intl.DateTimeFormat(getLocale(), { hour: "2-digit", minute: "2-digit", hour12: false }).format(at);
}

function renderScreen() {
  screen.hidden = !document.fullscreenEnabled;
  const icon = screen.querySelector("svg");
  if (icon) setIcon(icon, fullscreen.on ? "fullscreen-exit" : "fullscreen");
  const words = fullscreen.on ? t("live.fullscreen_off") : t("live.fullscreen_on");
  screen.setAttribute("aria-label", words);
  screen.title = words;
}

function listen() {
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
  calls.addEventListener("supervise", (event) => {
    void call.wish(/** @type {CustomEvent<import("./wall-call.js").Wish>} */ (event).detail);
  });
  tokenForm.addEventListener("token", (event) => {
    tokens.set(/** @type {CustomEvent<string>} */ (event).detail);
    void desk.begin();
  });
  notice.addEventListener("action", (event) => {
    if (/** @type {CustomEvent<string>} */ (event).detail === "home") location.assign("/");
    else void desk.begin();
  });
  byId("mine-open", HTMLButtonElement).addEventListener("click", () => location.assign(CONSOLE));
  screen.addEventListener("click", () => void fullscreen.toggle());
  fullscreen.addEventListener("change", renderScreen);
  setInterval(render, TICK_MS);
}

await startLocale();
listen();
onLocale(() => {
  desk.locale = getLocale();
  renderScreen();
  render();
});
await desk.begin().catch((error) => toast(sentence(codeOf(error)), { kind: "error", code: codeOf(error) }));
