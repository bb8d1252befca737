/** The words of help calls: where a shopper comes from, what a call is doing, what is told in passing. */
import { t } from "./locale.js";

/**
 * @typedef {import("./agent-help-types.js").Call} Call
 * @typedef {import("./agent-help-types.js").Media} Media
 */

/** @param {string | undefined} entry */
export function entryWord(entry) {
  switch (entry) {
    case "live":
      return t("entry.live");
    case "product":
      return t("entry.product");
    case "order":
      return t("entry.order");
    case "link":
      return t("entry.link");
    default:
      return t("entry.help");
  }
}

/** @param {string} media */
export function mediaWord(media) {
  if (media === "video") return t("media.video");
  return media === "voice" ? t("media.voice") : t("media.text");
}

/** @param {string} media @returns {string} an icon's name */
export function mediaIcon(media) {
  if (media === "video") return "camera";
  return media === "voice" ? "mic" : "chat";
}

/** @param {string} presence */
export function presenceDot(presence) {
  return presence === "available" || presence === "busy" || presence === "break" ? presence : "offline";
}

/** How a call came out, for lists. @param {string | null} outcome */
export function outcomeWord(outcome) {
  switch (outcome) {
    case "completed":
      return t("outcome.completed");
    case "abandoned":
      return t("outcome.abandoned");
    case "callback":
      return t("outcome.callback");
    case "declined":
      return t("outcome.declined");
    case "expired":
      return t("outcome.expired");
    case null:
      return t("outcome.going");
    default:
      return t("outcome.failed");
  }
}

/** What a wrap-up can be filed under: the codes are stored, the words are ours. */
export const REASONS = Object.freeze(["setup", "pairing", "order", "return", "product", "payment", "complaint", "other"]);

/** @param {string} reason */
export function reasonWord(reason) {
  switch (reason) {
    case "setup":
      return t("reason.setup");
    case "pairing":
      return t("reason.pairing");
    case "order":
      return t("reason.order");
    case "return":
      return t("reason.return");
    case "product":
      return t("reason.product");
    case "payment":
      return t("reason.payment");
    case "complaint":
      return t("reason.complaint");
    default:
      return t("reason.other");
  }
}

/**
 * One thing about a call to tell in passing.
 * @param {import("./agent-console.js").Said} said
 * @returns {{ text: string, options: import("./components/toast.js").ToastOptions } | null}
 */
export function callPassing({ what, name = "" }) {
  switch (what) {
    case "call_answered":
      return told(t("callsaid.answered", { name }), "info");
    case "call_hung_up":
      return told(t("callsaid.hung_up", { name }), "info");
    case "call_missed":
      return told(t("callsaid.missed", { name }), "warning");
    case "call_gone":
      return told(t("callsaid.gone", { name }), "info");
    case "call_unanswered":
      return told(t("callsaid.unanswered", { name }), "warning");
    case "call_left":
      return told(t("callsaid.left", { name }), "info");
    case "call_over":
      return told(t("callsaid.over", { name }), "info");
    case "still_asked":
      return told(t("callsaid.still_asked"), "info");
    case "link_copied":
      return told(t("callsaid.link_copied"), "good");
    default:
      return null;
  }
}

/**
 * @param {string} text
 * @param {"info" | "good" | "warning"} kind
 * @returns {{ text: string, options: import("./components/toast.js").ToastOptions }}
 */
function told(text, kind) {
  return { text, options: { kind, replaces: "call" } };
}

/**
 * Who of the shop is in the call, for a supervisor's or a colleague's tile.
 * @param {string} side
 * @param {string} mode
 */
export function seatWord(side, mode) {
  if (mode === "ring") return t("seat.ring");
  if (mode === "listen") return t("seat.listen");
  if (mode === "whisper") return t("seat.whisper");
  return side === "supervisor" ? t("seat.supervisor") : t("seat.agent");
}

/**
 * What an agent says often: in the chat's menu and on the digit keys.
 * @param {string} name the shopper's
 * @returns {string[]} at most nine
 */
export function quickReplies(name) {
  return [
    t("quick.hello", { name }),
    t("quick.moment"),
    t("quick.photo"),
    t("quick.closer"),
    t("quick.restart"),
    t("quick.tried"),
    t("quick.check"),
    t("quick.solved"),
    t("quick.bye"),
  ];
}

/** What the shopper agreed to show on stage. @param {string | null} consent */
export function consentWord(consent) {
  switch (consent) {
    case "voice":
      return t("consent.voice");
    case "blurred":
      return t("consent.blurred");
    case "video":
      return t("consent.video");
    default:
      return t("consent.no");
  }
}
