/**
 * One recording: pictures, timeline, and beside them what happened, what was said of it, and how it was scored.
 *
 *   page.open({ rest, id, me });       page.close()
 */
import { icon, make, setText } from "../dom.js";
import { codeOf, sentence } from "../errors.js";
import { Fullscreen } from "../fullscreen.js";
import { failedNotice } from "../live-notice.js";
import { getLocale, onLocale, t } from "../locale.js";
import { ReviewSession } from "../review-session.js";
import { voicesOf } from "../review-layout.js";
import { justHappened, nextStop, stopsOf } from "../review-timeline.js";
import { dateWords, eventWords, timeWords } from "../review-words.js";
import { caseShortcuts } from "../review-keys.js";
import { listenShortcuts } from "../shortcuts.js";
import { askClip } from "./review-clip.js";
import { ReviewControls } from "./review-controls.js";
import { showReviewKeys } from "./review-help.js";
import { Notice } from "./notice.js";
import { ReviewSide } from "./review-side.js";
import { ReviewStage } from "./review-stage.js";
import { ReviewTimeline } from "./review-timeline.js";
import { toast } from "./toast.js";

/** A caption stays for so long after what it tells, seconds of the recording. */
const CAPTION_S = 5;
const MAX_CAPTIONS = 3;

export class ReviewCase extends HTMLElement {
  #notice = new Notice();
  #title = make("h1", "truncate");
  #stage = new ReviewStage();
  #captions = make("div", "rv-captions");
  #controls = new ReviewControls();
  #timeline = new ReviewTimeline();
  #side = new ReviewSide();
  #body = make("div", "rv-case-body");
  #frame = make("div", "rv-frame");
  #fullscreen = new Fullscreen(this.#frame, () => null);
  /** @type {ReviewSession | null} */
  #session = null;
  #listening = false;
  /** @type {{ from: number, to: number } | null} */
  #span = null;
  #said = "";
  #second = -1;
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.#render());
    addEventListener("hashchange", this.#hashed);
    addEventListener("pagehide", this.#left);
  }

  disconnectedCallback() {
    this.#stop?.();
    removeEventListener("hashchange", this.#hashed);
    removeEventListener("pagehide", this.#left);
    this.close();
  }

  #hashed = () => {
    const at = timeOfHash(location.hash);
    if (at !== null && this.#session?.playback) this.#seek(at);
  };

  #left = () => this.#session?.leave();

  /** @param {{ rest: import("../review-rest.js").ReviewRest, id: string }} opened */
  async open({ rest, id }) {
    this.close();
    const session = new ReviewSession(rest, id);
    this.#session = session;
    this.#said = "";
    session.on("change", () => this.#session === session && this.#render());
    session.on("trouble", ({ code }) => toast(sentence(code), { kind: "warning", code, replaces: "playback" }));
    this.#render();
    await session.open();
    if (this.#session !== session || !session.recording) return;
    this.#opened(session);
  }

  close() {
    this.#session?.close();
    this.#session = null;
    this.#stage.open(null);
    this.#side.open(null);
  }

  /** Whose recording is shown. */
  get recordingId() {
    return this.#session?.id ?? "";
  }

  #build() {
    this.#captions.setAttribute("aria-live", "polite");
    this.#frame.append(make("div", "rv-seen", this.#stage, this.#captions), this.#controls);
    const left = make("div", "rv-main", this.#frame, this.#timeline);
    this.#body.append(left, this.#side);
    const back = make("a", "button small quiet rv-back", icon("arrow"), make("span", "sr-only"));
    back.href = "/review";
    this.append(make("header", "rv-case-head", back, this.#title), this.#notice, this.#body);
    this.#notice.addEventListener("action", (event) => {
      const session = this.#session;
      if (/** @type {CustomEvent<string>} */ (event).detail === "home") location.assign("/review");
      else if (session) void this.open({ rest: session.rest, id: session.id });
    });
    this.#listen();
  }

  #listen() {
    this.#timeline.addEventListener("seek", (event) => this.#seek(/** @type {CustomEvent<{ t: number }>} */ (event).detail.t));
    this.#timeline.addEventListener("pick", (event) => this.#side.pick(/** @type {CustomEvent<{ id: string }>} */ (event).detail.id));
    this.#timeline.addEventListener("span", (event) => this.#mark(/** @type {CustomEvent<{ from: number, to: number }>} */ (event).detail));
    this.#side.addEventListener("seek", (event) => this.#seek(/** @type {CustomEvent<{ t: number }>} */ (event).detail.t));
    this.#side.addEventListener("unmark", () => this.#mark(null));
    const on = (/** @type {string} */ type, /** @type {(detail: any) => void} */ run) => this.#controls.addEventListener(type, (event) => run(/** @type {CustomEvent} */ (event).detail));
    on("stop", ({ way }) => this.#jump(way));
    on("comment", () => this.#side.compose());
    on("clip", () => void this.#clip());
    on("link", () => void this.#copyLink());
    on("zoom", ({ factor }) => this.#timeline.zoom(factor));
    on("keys", () => showReviewKeys(this.#shortcuts()));
    on("full", () => void this.#fullscreen.toggle());
    this.#stage.addEventListener("click", () => this.#session?.playback?.toggle());
  }

  #shortcuts() {
    return caseShortcuts({
      playback: () => this.#session?.playback ?? null,
      jump: (way) => this.#jump(way),
      comment: () => this.#side.compose(),
      mark: (edge) => this.#edge(edge),
      person: (index) => this.#person(index),
      zoom: (factor) => this.#timeline.zoom(factor),
      full: () => void this.#fullscreen.toggle(),
      keys: () => showReviewKeys(this.#shortcuts()),
    });
  }

  /** @param {ReviewSession} session */
  #opened(session) {
    const { recording, playback } = session;
    if (!recording || !playback) return;
    this.#stage.open({ recording, playback, voices: session.voices, marks: session.marks, watermark: session.watermark });
    this.#controls.open(playback, voicesOf(recording));
    this.#side.open(session);
    this.#span = null;
    this.#timeline.marked = null;
    playback.on("time", ({ t: at }) => this.#at(at));
    playback.on("state", () => {
      this.#stage.busy = playback.clock.waiting;
      this.toggleAttribute("data-playing", playback.clock.playing);
    });
    this.#render();
    const at = timeOfHash(location.hash);
    playback.seek(at ?? 0);
    if (this.#listening) return;
    this.#listening = true;
    listenShortcuts(this.#shortcuts().map((shortcut) => ({ ...shortcut, run: () => this.isConnected && !this.hidden && shortcut.run() })));
  }

  /** @param {number} at */
  #at(at) {
    const session = this.#session;
    if (!session?.recording) return;
    this.#stage.show(at);
    this.#timeline.at(at);
    const second = Math.floor(at * 4);
    if (second === this.#second) return;
    this.#second = second;
    this.#controls.render();
    this.#side.at(at);
    const lines = justHappened(session.events, at, CAPTION_S).slice(-MAX_CAPTIONS);
    const said = `${getLocale()}${lines.map(({ t: when, kind }) => `${when}${kind}`).join()}`;
    if (said === this.#said) return;
    this.#said = said;
    const { recording } = session;
    this.#captions.replaceChildren(...lines.map((event) => make("p", `rv-caption ${event.kind}`, eventWords(event, recording))));
  }

  #render() {
    const session = this.#session;
    const ready = session?.recording !== null && session?.recording !== undefined;
    this.#body.hidden = !ready;
    this.#notice.show(this.#words());
    setText(this.querySelector(".rv-back .sr-only") ?? this.#title, t("review.back"));
    if (!session?.recording) {
      setText(this.#title, t("review.title"));
      return;
    }
    const { recording } = session;
    const names = recording.people.map(({ name, identity }) => name || identity);
    setText(this.#title, `${names.join(" · ") || recording.room} — ${dateWords(recording.created)}`);
    document.title = `${names.join(" · ")} · ${t("review.title")}`;
    this.#stage.watermark = session.watermark;
    this.#timeline.show({ recording, lanes: session.lanes });
    this.#side.render();
  }

  /** @returns {import("./notice.js").NoticeContent | null} */
  #words() {
    const session = this.#session;
    if (!session) return null;
    const { failure, recording } = session;
    if (failure) {
      const words = failedNotice(failure);
      const title = failure.code === "recording_not_ready" ? t("review.not_ready") : failure.code === "recording_erased" ? t("review.erased") : t("review.failed");
      return { ...words, title, actions: [{ id: "retry", label: t("action.retry"), primary: true }, { id: "home", label: t("review.back") }] };
    }
    return recording ? null : { kind: "wait", title: t("review.loading") };
  }

  /** @param {number} at */
  #seek(at) {
    this.#session?.playback?.seek(at);
  }

  /** @param {1 | -1} way */
  #jump(way) {
    const session = this.#session;
    if (!session?.playback) return;
    const to = nextStop(stopsOf(session.lanes), session.playback.t, way);
    if (to !== null) session.playback.seek(to);
    else toast(way > 0 ? t("review.no_stop_after") : t("review.no_stop_before"), { replaces: "stop" });
  }

  /** @param {number} index of a person, from 0 */
  #person(index) {
    const { playback, recording } = this.#session ?? {};
    const person = recording ? voicesOf(recording)[index] : undefined;
    if (!playback || !person) return;
    const off = !playback.isOff(person.identity);
    playback.setOff(person.identity, off);
    toast(off ? t("review.person_off", { name: person.name }) : t("review.person_on", { name: person.name }), { replaces: "person" });
  }

  /** @param {"from" | "to"} edge of a clip or a comment */
  #edge(edge) {
    const { playback } = this.#session ?? {};
    if (!playback) return;
    const at = playback.t;
    const old = this.#span ?? { from: at, to: Math.min(playback.clock.duration, at + 10) };
    const span = edge === "from" ? { from: at, to: Math.max(at, old.to) } : { from: Math.min(at, old.from), to: at };
    this.#mark(span);
    toast(t("review.span_set", { from: timeWords(span.from), to: timeWords(span.to) }), { replaces: "span" });
  }

  /** @param {{ from: number, to: number } | null} span */
  #mark(span) {
    this.#span = span;
    this.#timeline.marked = span;
    this.#side.span = span;
  }

  async #clip() {
    const session = this.#session;
    if (!session?.playback || !session.recording) return;
    const at = session.playback.t;
    const span = this.#span ?? { from: Math.max(0, at - 10), to: Math.min(session.recording.duration_s, at + 10) };
    this.#mark(span);
    await askClip(session, span, (changed) => this.#mark(changed));
  }

  async #copyLink() {
    const { playback } = this.#session ?? {};
    if (!playback) return;
    const url = new URL(location.href);
    url.hash = `t=${Math.floor(playback.t * 10) / 10}`;
    history.replaceState(null, "", url);
    try {
      await navigator.clipboard.writeText(url.href);
      toast(t("review.link_copied", { time: timeWords(playback.t) }), { kind: "good", replaces: "link" });
    } catch (error) {
      toast(t("review.link_in_bar"), { kind: "info", code: codeOf(error), replaces: "link" });
    }
  }
}

/** @param {string} hash as #t=12.5 @returns {number | null} seconds */
export function timeOfHash(hash) {
  const found = /[#&]t=(\d+(?:\.\d+)?)/.exec(hash);
  return found ? Number(found[1]) : null;
}

customElements.define("lm-review-case", ReviewCase);
