/** The widget's sentences that depend on what is known. */
import { codeOf, sentence } from "../pages/errors.js";
import { getLocale, t } from "../pages/locale.js";
import { waitRange } from "./view.js";

/**
 * @typedef {import("./types.js").Call} Call
 * @typedef {import("./types.js").Estimate} Estimate
 * @typedef {import("./types.js").Failure} Failure
 * @typedef {import("./types.js").Media} Media
 * @typedef {import("./view.js").View} View
 */

/** @param {Estimate | null} estimate */
export function waitWords(estimate) {
  const range = waitRange(estimate);
  switch (range.kind) {
    case "unknown":
      return t("widget.wait.unknown");
    case "soon":
      return t("widget.wait.soon");
    case "about":
      return t("widget.wait.about", { minutes: range.minutes });
    case "range":
      return t("widget.wait.range", { low: range.low, high: range.high });
  }
}

/** @param {number | null} position 1 is next */
export function placeWords(position) {
  if (position === null) return "";
  return position <= 1 ? t("widget.wait.next") : t("widget.wait.place", { ahead: position - 1 });
}

/**
 * Today's times without the day, others with it.
 * @param {number} at ms since epoch
 * @param {number} [now]
 */
export function timeWords(at, now = Date.now()) {
  const date = new Date(at);
  const time = new Intl.DateTimeFormat(getLocale(), { hour: "2-digit", minute: "2-digit", hour12: false }).format(date);
  const days = Math.round((startOfDay(at) - startOfDay(now)) / 86_400_000);
  if (days === 0) return t("widget.time.today", { time });
  if (days === 1) return t("widget.time.tomorrow", { time });
  const day = new Intl.DateTimeFormat(getLocale(), { month: "short", day: "numeric", weekday: "short" }).format(date);
  return t("widget.time.day", { day, time });
}

/** @param {Media} media */
export function mediaWord(media) {
  if (media === "video") return t("widget.media.video");
  return media === "voice" ? t("widget.media.voice") : t("widget.media.text");
}

/** @param {Media} media */
export function mediaIcon(media) {
  if (media === "video") return "camera";
  return media === "voice" ? "phone" : "chat";
}

/**
 * What to do about a device, as a title and a way out.
 * @param {string} code
 * @param {boolean} camera it is the camera that is missing
 * @returns {{ title: string, body: string }}
 */
export function deviceWords(code, camera) {
  switch (code) {
    case "permission_denied":
      return { title: camera ? t("widget.device.denied_camera") : t("widget.device.denied_microphone"), body: t("widget.device.denied_help") };
    case "no_device":
      return { title: camera ? t("widget.device.none_camera") : t("widget.device.none_microphone"), body: t("widget.device.none_help") };
    case "device_busy":
      return { title: camera ? t("widget.device.busy_camera") : t("widget.device.busy_microphone"), body: t("widget.device.busy_help") };
    case "insecure_context":
      return { title: t("widget.device.insecure"), body: sentence(code) };
    default:
      return { title: camera ? t("widget.device.failed_camera") : t("widget.device.failed_microphone"), body: t("widget.device.failed_help") };
  }
}

/** @param {unknown} error @returns {Failure} */
export function failureOf(error) {
  const { message, opensAt, opens_at: wire } = /** @type {{ message?: unknown, opensAt?: unknown, opens_at?: unknown }} */ (error ?? {});
  const at = opensAt ?? wire;
  return { code: codeOf(error), message: String(message ?? ""), ...(typeof at === "number" ? { opensAt: at } : {}) };
}

/** @param {Failure} failure */
export function failureWords({ code, message }) {
  return sentence(code, message);
}

/**
 * The line under the title, and what a screen reader hears when it changes.
 * @param {View} view
 * @param {Call | null} call
 */
export function statusWords({ scene, agent, banner, kind }, call) {
  const name = agent?.name ?? "";
  switch (scene) {
    case "starting":
      return t("widget.status.starting");
    case "waiting":
      if (call?.answered) return t("widget.wait.handing");
      return [placeWords(call?.position ?? null), waitWords(call?.estimate ?? null)].filter(Boolean).join(" · ");
    case "ringing":
      return name ? t("widget.status.coming", { name }) : t("widget.status.ringing");
    case "incoming":
      return t("widget.incoming.title", { name });
    case "call":
      if (banner) return bannerWords(banner, name, call);
      return kind === "text" ? t("widget.status.text") : kind === "voice" ? t("widget.status.voice") : t("widget.status.video");
    case "rate":
      return t("widget.rate.title");
    case "over":
      return overWords(call).title;
    case "closed":
      return t("widget.closed.title");
    case "busy":
      return t("widget.busy.title");
    case "called":
      return t("widget.called.title");
    case "failed":
      return t("widget.failed.title");
    default:
      return "";
  }
}

/**
 * What fits into the bubble.
 * @param {View} view
 * @param {Call | null} call
 */
export function bubbleWords(view, call) {
  return (view.scene === "waiting" && !call?.answered && placeWords(call?.position ?? null)) || statusWords(view, call);
}

/**
 * @param {import("./view.js").Banner} banner
 * @param {string} name of the agent
 * @param {Call | null} call
 */
export function bannerWords(banner, name, call) {
  switch (banner) {
    case "reconnecting":
      return t("widget.banner.reconnecting");
    case "agent_reconnecting":
      return t("widget.banner.agent_reconnecting", { name });
    case "hold":
      return t("widget.banner.hold", { name });
    case "transfer":
      return t("widget.banner.transfer", { name: call?.transfer?.name ?? "" });
    case "warm":
      return t("widget.banner.warm", { name: call?.transfer?.name ?? "" });
    case "on_stage":
      return airWords(call?.escalation?.consent ?? null);
    case "stage_offered":
      return t("widget.banner.stage_offered");
    case "stage_refused":
      return t("widget.banner.stage_refused");
  }
}

/**
 * What the audience has of us.
 * @param {import("./types.js").Consent | null} consent
 */
function airWords(consent) {
  switch (consent) {
    case "video":
      return t("widget.banner.on_stage_video");
    case "blurred":
      return t("widget.banner.on_stage_blurred");
    case "voice":
      return t("widget.banner.on_stage_voice");
    default:
      return t("widget.banner.on_stage");
  }
}

/** @param {Call | null} call @returns {{ title: string, body: string }} */
export function overWords(call) {
  switch (call?.outcome) {
    case "expired":
      return { title: t("widget.over.expired"), body: t("widget.over.expired_help") };
    case "declined":
      return { title: t("widget.over.declined"), body: t("widget.over.expired_help") };
    case "failed":
      return { title: t("widget.over.failed"), body: t("widget.over.failed_help") };
    case "abandoned":
      return { title: t("widget.over.abandoned"), body: t("widget.over.abandoned_help") };
    default:
      return { title: t("widget.over.title"), body: t("widget.over.thanks") };
  }
}

/** @param {number} at */
function startOfDay(at) {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
