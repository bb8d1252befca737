/** Recordings and quality review: which view is shown, for whom. */
import "./components/language-switch.js";
import { Notice } from "./components/notice.js";
import { ReviewCase } from "./components/review-case.js";
import { ReviewList } from "./components/review-list.js";
import { TokenForm } from "./components/token-form.js";
import { byId, make, setText } from "./dom.js";
import { codeOf, sentence, wayOut } from "./errors.js";
import { failedNotice } from "./live-notice.js";
import { getLocale, onLocale, startLocale, t } from "./locale.js";
import { readPlace, whoIs } from "./review-query.js";
import { ReviewRest } from "./review-rest.js";
import { TokenNeeded, TokenSource, isDemo } from "./token.js";
import { ReviewAudit } from "./components/review-audit.js";
import { ReviewCalibration } from "./components/review-calibration.js";
import { ReviewClips } from "./components/review-clips.js";
import { ReviewMine } from "./components/review-mine.js";
import { ReviewTrends } from "./components/review-trends.js";
import { ReviewWork } from "./components/review-work.js";

/** @typedef {import("./review-query.js").Place} Place */
/** @typedef {HTMLElement & { open: (opened: any) => unknown }} View */

const asked = new URLSearchParams(location.search).get("as");
const tokens = new TokenSource("*", asked === "agent" ? "agent" : "supervisor");
/** Who reads. Before a token is here, what the page was asked for. */
let who = { identity: "", role: asked ?? "supervisor", leads: asked !== "agent", reviews: asked !== "agent" };
const rest = new ReviewRest(async () => {
  const token = await tokens.get();
  const told = whoIs(token);
  if (told.role) who = told;
  return token;
}, getLocale);

const root = byId("root", HTMLElement);
const place = byId("place", HTMLElement);
const places = byId("places", HTMLElement);
const center = byId("center", HTMLElement);
const notice = byId("notice", Notice);
const tokenForm = byId("token", TokenForm);

/** @type {View | null} */
let view = null;
/** @type {{ code: string, message: string } | null} */
let failure = null;
let tokenNeeded = false;

const mine = () => !who.reviews && !who.leads && (who.role === "agent" || asked === "agent");

/** @param {Place} name @returns {View} */
function made(name) {
  switch (name) {
    case "case":
      return new ReviewCase();
    case "work":
      return new ReviewWork();
    case "calibration":
      return new ReviewCalibration();
    case "trends":
      return new ReviewTrends();
    case "clips":
      return new ReviewClips();
    case "audit":
      return new ReviewAudit();
    case "mine":
      return new ReviewMine();
    default:
      return new ReviewList();
  }
}

function wanted() {
  const { place: name, id } = readPlace(location.search);
  return { name: name === "list" && mine() ? /** @type {Place} */ ("mine") : name, id };
}

async function go() {
  failure = null;
  tokenNeeded = false;
  try {
    // The token says who reads, and so what is offered.
    who = { ...who, ...toldOf(await tokens.get()) };
  } catch (error) {
    fail(error);
    return;
  }
  const { name, id } = wanted();
  root.dataset["place"] = name;
  view = made(name);
  view.addEventListener("failed", (event) => fail(/** @type {CustomEvent} */ (event).detail));
  place.replaceChildren(view);
  render();
  void view.open(name === "list" ? rest : { rest, id, who });
}

/** @param {string} token */
function toldOf(token) {
  const told = whoIs(token);
  return told.role ? told : {};
}

/** @param {unknown} error */
function fail(error) {
  failure = { code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
  if (error instanceof TokenNeeded) {
    failure = null;
    tokenNeeded = true;
  } else if (wayOut(failure.code) === "token" && failure.code !== "forbidden") {
    tokens.forget();
    tokenNeeded = !isDemo();
  } else if (failure.code !== "forbidden") {
    // The view says it itself.
    failure = null;
    return;
  }
  render();
}

function render() {
  renderPlaces();
  const stopped = tokenNeeded || failure !== null;
  center.hidden = !stopped;
  place.hidden = stopped;
  tokenForm.hidden = !tokenNeeded;
  tokenForm.refusal = tokenNeeded && failure ? { text: sentence(failure.code, failure.message), code: failure.code } : null;
  notice.show(tokenNeeded || !failure ? null : failure.code === "forbidden" ? { kind: "error", icon: "lock", title: t("review.refused"), body: t("review.refused_body"), code: failure.code, actions: [{ id: "retry", label: t("action.retry") }, { id: "home", label: t("action.home") }] } : failedNotice(failure));
  if (wanted().name !== "case") document.title = `${t("review.title")} · ${t("brand")}`;
  setText(byId("announce", HTMLElement), stopped ? (notice.querySelector("h2")?.textContent ?? "") : "");
}

function renderPlaces() {
  const { name } = wanted();
  /** @type {[Place, string][]} */
  const all = mine()
    ? [["mine", t("review.place_mine")], ["clips", t("review.place_clips")]]
    : [["list", t("review.place_list")], ["work", t("review.place_work")], ["calibration", t("review.place_calibration")], ["trends", t("review.place_trends")], ["clips", t("review.place_clips")]];
  if (who.leads && !mine()) all.push(["audit", t("review.place_audit")]);
  places.replaceChildren(
    ...all.map(([key, words]) => {
      const link = make("a", "", words);
      link.href = addressOf(key);
      if (key === name || (key === "list" && name === "case")) link.setAttribute("aria-current", "page");
      return link;
    }),
  );
}

/** @param {Place} key */
function addressOf(key) {
  const query = new URLSearchParams();
  if (key !== "list" && key !== "mine") query.set("view", key);
  if (asked) query.set("as", asked);
  return query.size > 0 ? `/review?${query}` : "/review";
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.target || link.pathname !== "/review" || link.origin !== location.origin) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  scrollTo(0, 0);
  void go();
});
addEventListener("popstate", (event) => {
  // A new moment of the same recording is no new place.
  if (event.state === null && location.hash && wanted().name === root.dataset["place"] && view instanceof ReviewCase && view.recordingId === wanted().id) return;
  void go();
});
tokenForm.addEventListener("token", (event) => {
  tokens.set(/** @type {CustomEvent<string>} */ (event).detail);
  void go();
});
notice.addEventListener("action", (event) => {
  if (/** @type {CustomEvent<string>} */ (event).detail === "home") location.assign("/");
  else void go();
});

await startLocale();
await go();
onLocale(render);
