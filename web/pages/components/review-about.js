/** What is known of a recording: who, when, rating, tags, how long it is kept; hold, export, erase. */
import { ask, askLine } from "./dialog.js";
import { toast } from "./toast.js";
import { button, icon, make } from "../dom.js";
import { codeOf, sentence } from "../errors.js";
import { getLocale, t } from "../locale.js";
import { record, text } from "../review-model.js";
import { at } from "../review-rest.js";
import { dateWords, dayWords, findingWord, outcomeWord, scoreWords, sideWord, sizeWords, timeWords } from "../review-words.js";

const JOB_MS = 2_000;
const MAX_TAG = 32;

export class ReviewAbout extends HTMLElement {
  /** @type {import("../review-session.js").ReviewSession | null} */
  #session = null;
  #shown = "";
  /** Of the export that is being made. @type {{ done: number, state: string } | null} */
  #job = null;

  /** @param {import("../review-session.js").ReviewSession | null} session */
  open(session) {
    this.#session = session;
    this.#job = null;
    this.#shown = "";
  }

  render() {
    const recording = this.#session?.recording;
    if (!recording || this.hidden) return;
    const shown = JSON.stringify([getLocale(), recording, this.#job]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const list = make("dl", "rv-facts");
    const fact = (/** @type {string} */ name, /** @type {string | Node} */ value) => {
      if (value !== "") list.append(make("dt", "", name), make("dd", "", value));
    };
    const talk = Object.values(recording.speech).reduce((sum, { talk_s }) => sum + talk_s, 0);
    for (const { identity, name, side } of recording.people) {
      const own = recording.speech[identity]?.talk_s ?? 0;
      const share = talk > 0 ? new Intl.NumberFormat(getLocale(), { style: "percent" }).format(own / talk) : "";
      fact(sideWord(side) || t("review.person"), [name || identity, share && t("review.talked", { time: timeWords(own), share })].filter(Boolean).join(" · "));
    }
    fact(t("review.when"), dateWords(recording.created));
    fact(t("review.length"), `${timeWords(recording.duration_s)} · ${sizeWords(recording.size)}`);
    fact(t("review.room"), recording.room);
    fact(t("review.queue"), recording.queue);
    fact(t("review.outcome"), outcomeWord(recording.outcome));
    fact(t("review.reasons"), recording.reasons.join(" · "));
    if (recording.rating) fact(t("review.rating"), `${"★".repeat(Math.round(recording.rating.score))} ${recording.rating.comment}`.trim());
    fact(t("review.score"), scoreWords(recording.score));
    fact(t("review.flags"), recording.flags.map(({ kind, count }) => `${findingWord(kind)}${count > 1 ? ` ×${count}` : ""}`).join(" · "));
    fact(t("review.kept"), recording.hold ? t("review.held") : recording.expires === null ? t("review.kept_always") : t("review.kept_until", { day: dayWords(recording.expires) }));
    this.replaceChildren(list, this.#tags(recording.tags), this.#acts(recording));
  }

  /** @param {string[]} tags */
  #tags(tags) {
    const row = make("div", "rv-tags");
    for (const tag of tags) {
      const away = button("", "small quiet", () => void this.#setTags(tags.filter((other) => other !== tag)));
      away.append(icon("close"));
      away.setAttribute("aria-label", t("review.tag_remove", { tag }));
      row.append(make("span", "rv-tag", icon("tag"), tag, away));
    }
    const add = button(t("review.tag_add"), "small quiet", async () => {
      const tag = await askLine({ title: t("review.tag_add"), body: t("review.tag_hint"), label: t("review.tag"), value: "", max: MAX_TAG, confirm: t("review.tag_add") });
      if (tag) await this.#setTags([...new Set([...tags, tag])]);
    });
    row.append(add);
    return row;
  }

  /** @param {import("../review-model.js").Recording} recording */
  #acts(recording) {
    const row = make("div", "rv-acts");
    const { can, hold } = recording;
    if (can["export"]) {
      const working = this.#job !== null;
      const share = new Intl.NumberFormat(getLocale(), { style: "percent" }).format(this.#job?.done ?? 0);
      const make_ = button(working ? t("review.exporting", { share }) : t("review.export"), "small", () => void this.#export());
      make_.prepend(icon("download"));
      make_.disabled = working;
      row.append(make_);
    }
    if (can["hold"]) {
      const change = button(hold ? t("review.hold_off") : t("review.hold_on"), "small", () => void this.#hold(!hold));
      change.prepend(icon("lock"));
      row.append(change);
    }
    if (can["erase"]) {
      const away = button(t("review.erase"), "small danger", () => void this.#erase());
      away.prepend(icon("bin"));
      away.disabled = hold;
      if (hold) away.title = t("review.erase_held");
      row.append(away);
    }
    return row;
  }

  /** @param {string[]} tags */
  #setTags(tags) {
    return this.#attempt((session) => session.rest.ask("POST", `${at(session.id)}/tags`, { body: { tags } }));
  }

  /** @param {boolean} on */
  async #hold(on) {
    if (!on) {
      const sure = await ask({ title: t("review.hold_off"), body: t("review.hold_off_body"), confirm: t("review.hold_off"), danger: true });
      if (sure) await this.#attempt((session) => session.rest.ask("DELETE", `${at(session.id)}/hold`));
      return;
    }
    const reason = await askLine({ title: t("review.hold_on"), body: t("review.hold_body"), label: t("review.hold_reason"), value: "", max: 200, confirm: t("review.hold_on") });
    if (reason) await this.#attempt((session) => session.rest.ask("PUT", `${at(session.id)}/hold`, { body: { reason } }));
  }

  async #erase() {
    const session = this.#session;
    if (!session || !(await ask({ title: t("review.erase"), body: t("review.erase_body"), confirm: t("review.erase_do"), danger: true }))) return;
    try {
      await session.rest.ask("DELETE", at(session.id));
      location.assign("/review");
    } catch (error) {
      fail(error);
    }
  }

  async #export() {
    const session = this.#session;
    if (!session) return;
    this.#job = { done: 0, state: "waiting" };
    this.render();
    try {
      let job = record(record(await session.rest.ask("POST", `${at(session.id)}/export`, { body: { kind: "mp4" } }))["job"]);
      const id = text(job["id"]);
      while (id && !["done", "failed"].includes(text(job["state"])) && this.#session === session) {
        await new Promise((resolve) => setTimeout(resolve, JOB_MS));
        job = record(record(await session.rest.ask("GET", `/jobs/${encodeURIComponent(id)}`))["job"]);
        this.#job = { done: Number(job["done"] ?? 0), state: text(job["state"]) };
        this.render();
      }
      if (job["state"] === "failed") throw Object.assign(new Error(text(job["error"])), { code: "internal" });
      const url = text(job["url"]);
      toast(t("review.export_ready"), { kind: "good", stayMs: 0, ...(url ? { action: { label: t("review.download"), run: () => location.assign(url) } } : {}) });
    } catch (error) {
      fail(error);
    }
    this.#job = null;
    this.render();
  }

  /** @param {(session: import("../review-session.js").ReviewSession) => Promise<unknown>} act */
  async #attempt(act) {
    const session = this.#session;
    if (!session) return;
    try {
      await act(session);
      await session.reload();
    } catch (error) {
      fail(error);
    }
  }
}

/** @param {unknown} error */
function fail(error) {
  toast(sentence(codeOf(error), /** @type {Error} */ (error).message), { kind: "error", code: codeOf(error) });
}

customElements.define("lm-review-about", ReviewAbout);
