/** The landing page: what this is, a card per role, and in demo mode the demo room playing silently. */
import { CallBar } from "./components/call-bar.js";
import "./components/language-switch.js";
import { Notice } from "./components/notice.js";
import { Stage } from "./components/stage.js";
import { byId, setText } from "./dom.js";
import { codeOf, sentence } from "./errors.js";
import { firstVisit, tokens } from "./landing-start.js";
import { leadPeer, liveView } from "./live-view.js";
import { formatCount, getLocale, onLocale, startLocale, t, tn } from "./locale.js";
import { RemoteStage } from "./remote-stage.js";
import { isDemo } from "./token.js";
import { Visit } from "./visit.js";

const DEMO_ROOM = "demo";
const OWN_ROOM_KEY = "lianmai.own-room";
const ROOM_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789";

const notice = byId("notice", Notice);
const center = byId("center", HTMLElement);
const bar = byId("bar", CallBar);
const hostCard = byId("host-card", HTMLAnchorElement);
const viewerCard = byId("viewer-card", HTMLAnchorElement);
const field = byId("room-name", HTMLInputElement);

/** @type {Visit | null} */
let visit = null;
/** The words are here; what must not wait for them goes on without. */
let worded = false;
/** @type {RemoteStage | null} */
let remote = null;
/** @type {{ code: string, message: string } | null} */
let failure = null;

/** @param {Visit} next begun already */
function show(next) {
  byId("demo", HTMLElement).hidden = false;
  failure = null;
  visit = next;
  if (next.room) {
    remote = new RemoteStage(next.room, byId("stage", Stage), { muted: true, volume: 1 });
    remote.addEventListener("change", render);
  }
  next.on("change", () => follow(next));
  follow(next);
}

/** @param {Visit} current */
function follow(current) {
  if (visit !== current) return;
  if (current.failure !== null) stopWith(current.failure);
  else render();
}

/** @param {unknown} error */
function stopWith(error) {
  failure = { code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
  remote?.close();
  remote = null;
  const leaving = visit;
  visit = null;
  leaving?.close();
  render();
}

function render() {
  if (!isDemo() || !worded) return;
  const info = visit?.info ?? null;
  const { scene } = liveView({
    tokenNeeded: false,
    failure: failure?.code ?? null,
    roomState: visit?.room?.state ?? "idle",
    info,
    tracks: remote?.tracks ?? [],
    pictureSeen: remote?.pictureSeen ?? false,
    unplayable: null,
  });
  const playing = scene === "playing" || scene === "sound";
  center.hidden = playing;
  center.classList.toggle("late", scene === "connecting" || scene === "waiting");
  notice.show(words(scene));
  const pill = byId("pill", HTMLElement);
  pill.hidden = !playing;
  setText(pill, t("state.live"));
  const viewers = byId("viewers", HTMLElement);
  viewers.hidden = !playing;
  viewers.title = tn("viewers", info?.viewers ?? 0);
  setText(byId("viewers-count", HTMLElement), formatCount(info?.viewers ?? 0));
  setText(byId("caption", HTMLElement), caption(info ? (leadPeer(info)?.name ?? "") : "", playing));
  const muted = remote?.sound.muted ?? true;
  bar.hidden = !playing;
  bar.setAttribute("aria-label", t("live.sound"));
  bar.show([
    {
      id: "sound",
      icon: muted ? "volume-off" : "volume",
      label: muted ? t("live.sound_on") : t("live.sound_off"),
    },
  ]);
  aimHostCard(playing);
}

/**
 * @param {string} host
 * @param {boolean} playing
 */
function caption(host, playing) {
  if (!playing) return t("landing.caption_empty");
  return host ? t("landing.caption_host", { host }) : t("landing.caption");
}

/**
 * @param {import("./live-view.js").Scene} scene
 * @returns {import("./components/notice.js").NoticeContent | null}
 */
function words(scene) {
  switch (scene) {
    case "playing":
    case "sound":
      return null;
    case "failed":
      return {
        kind: "error",
        icon: "warning",
        title: t("landing.failed"),
        body: sentence(failure?.code ?? "unknown", failure?.message ?? ""),
        code: failure?.code ?? "unknown",
        actions: [{ id: "retry", label: t("action.retry") }],
      };
    case "connecting":
    case "waiting":
      return { kind: "wait", title: t("landing.connecting") };
    default:
      return { kind: "info", icon: "clock", title: t("landing.empty.title"), body: t("landing.empty.body") };
  }
}

/**
 * Somebody is live in the demo room: send a new host to a room of their own, so that the two do not share a stage.
 * @param {boolean} taken
 */
function aimHostCard(taken) {
  hostCard.href = `/host/${taken ? ownRoom() : DEMO_ROOM}`;
}

/** @returns {string} the same room at every visit from this browser */
function ownRoom() {
  try {
    const kept = localStorage.getItem(OWN_ROOM_KEY);
    if (kept) return kept;
    const letters = [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => ROOM_LETTERS[byte % ROOM_LETTERS.length]);
    const made = `show-${letters.join("")}`;
    localStorage.setItem(OWN_ROOM_KEY, made);
    return made;
  } catch {
    return "my-show";
  }
}

/** Outside demo mode there is no room to show: ask for one. */
function askForRoom() {
  byId("root", HTMLElement).classList.add("alone");
  byId("room-form", HTMLFormElement).hidden = false;
  for (const [card, role] of /** @type {const} */ ([[hostCard, "host"], [viewerCard, "live"]])) {
    card.addEventListener("click", (event) => {
      event.preventDefault();
      const name = field.value.trim();
      if (name) location.assign(`/${role}/${encodeURIComponent(name)}`);
      else field.focus();
    });
  }
  byId("room-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    viewerCard.click();
  });
}

if (firstVisit) show(firstVisit);
else askForRoom();
bar.addEventListener("control", () => {
  if (remote?.sound.muted) void remote.unblock();
  else remote?.setSound({ muted: true, volume: 1 });
});
notice.addEventListener("action", () => show(new Visit(tokens)));
await startLocale();
worded = true;
onLocale(() => {
  if (visit?.room) visit.room.locale = getLocale();
  render();
});
