/** The words of the guests' panel. */
import { t, tn } from "./locale.js";

/** @param {import("./guests-view.js").AgentState} state */
export function agentStateWord(state) {
  switch (state) {
    case "free":
      return t("agents.free");
    case "ringing":
      return t("agents.ringing");
    case "on_stage":
      return t("agents.on_stage");
    case "busy":
      return t("agents.busy");
    case "break":
      return t("agents.break");
    default:
      return t("agents.offline");
  }
}

/** @param {import("./guests-view.js").PendingRow} row */
export function pendingTitle({ kind, name, skill, tried }) {
  switch (kind) {
    case "request":
      return t("pending.request", { name });
    case "direct":
      return t("pending.direct", { name });
    case "skill":
      return tried > 1 ? t("pending.skill_nth", { skill, nth: tried }) : t("pending.skill", { skill });
    default:
      return tried > 1 ? t("pending.anyone_nth", { nth: tried }) : t("pending.anyone");
  }
}

/** @param {import("./guests-view.js").PendingRow} row */
export function pendingNote({ kind, name, leftS, by }) {
  if (by !== "") return t("pending.by", { name: by });
  if (kind === "request") return t("pending.request_left", { seconds: leftS });
  if (kind === "direct") return t("pending.left", { seconds: leftS });
  return name === "" ? t("pending.searching") : t("pending.ringing_name", { name, seconds: leftS });
}

/**
 * What became of an invitation, in a sentence.
 * @param {{ outcome: import("./guests-view.js").Outcome, name: string, reason: string }} result
 */
export function outcomeWords({ outcome, name, reason }) {
  switch (outcome) {
    case "declined":
      return reason === "" ? t("outcome.declined", { name }) : t("outcome.declined_because", { name, reason });
    case "no_answer":
      return t("outcome.no_answer", { name });
    case "nobody":
      return t("outcome.nobody");
    case "left":
      return t("outcome.left", { name });
    case "no_media":
      return t("outcome.no_media", { name });
    case "withdrawn":
      return t("outcome.withdrawn", { name });
    case "request_expired":
      return t("outcome.request_expired", { name });
    default:
      return t("outcome.failed", { name });
  }
}

/** @param {"repairing" | "not_live" | "locked" | "full" | null} why */
export function obstacleWords(why) {
  switch (why) {
    case "repairing":
      return t("guests.repairing");
    case "not_live":
      return t("guests.not_live");
    case "locked":
      return t("guests.locked");
    case "full":
      return t("guests.full");
    default:
      return "";
  }
}

/** @param {import("../sdk/types.js").StageLayout} layout */
export function layoutName(layout) {
  switch (layout) {
    case "solo":
      return t("layout.solo");
    case "side_by_side":
      return t("layout.side_by_side");
    case "inset":
      return t("layout.inset");
    case "grid":
      return t("layout.grid");
    default:
      return t("layout.screen");
  }
}

/**
 * What somebody on the stage is and does, in a line.
 * @param {import("./guests-view.js").GuestRow} row
 * @param {string} role the word for it; empty for the audience
 */
export function guestLine({ state, own, screen, cohost }, role) {
  if (state === "joining") return t("stage.joining");
  if (state === "away") return t("guests.away");
  const words = [own ? t("guests.you") : role || t("guests.audience")];
  if (cohost) words.push(t("guests.cohost"));
  if (screen) words.push(t("guests.shares"));
  return words.join(" · ");
}

/**
 * What pressing somebody's microphone or camera does.
 * @param {"microphone" | "camera"} device
 * @param {import("./guests-view.js").DeviceState} state
 * @param {string} name
 */
export function deviceAct(device, state, name) {
  if (device === "microphone") {
    if (state === "on") return t("guests.mute_audio", { name });
    return state === "locked" ? t("guests.unmute_audio", { name }) : t("guests.ask_audio", { name });
  }
  if (state === "on") return t("guests.mute_video", { name });
  return state === "locked" ? t("guests.unmute_video", { name }) : t("guests.ask_video", { name });
}

/** @param {number} ms since it happened */
export function ago(ms) {
  const minutes = Math.floor(ms / 60_000);
  return minutes < 1 ? t("time.just_now") : tn("time.minutes_ago", minutes);
}
