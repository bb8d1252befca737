/** What things of a recording are called: lanes, events, findings, gaps. */
import { formatBitrate, formatDuration } from "./format.js";
import { getLocale, t } from "./locale.js";
import { lineQuality } from "./review-timeline.js";

/**
 * @typedef {import("./review-timeline.js").Lane} Lane
 * @typedef {import("./review-model.js").Recording} Recording
 * @typedef {import("./review-model.js").TimelineEvent} TimelineEvent
 */

/** @param {string} side */
export function sideWord(side) {
  switch (side) {
    case "agent":
      return t("review.side_agent");
    case "shopper":
      return t("review.side_shopper");
    case "host":
      return t("review.side_host");
    case "guest":
      return t("review.side_guest");
    case "supervisor":
      return t("role.supervisor");
    default:
      return "";
  }
}

/** @param {string} reason of a gap */
export function gapWord(reason) {
  switch (reason) {
    case "paused":
      return t("review.gap_paused");
    case "consent":
      return t("review.gap_consent");
    case "disk":
    case "overflow":
      return t("review.gap_lost");
    case "muted":
      return t("review.gap_muted");
    default:
      return t("review.gap_loss");
  }
}

/** @param {Recording} recording @param {string | undefined | null} identity */
export function nameOf(recording, identity) {
  if (!identity) return "";
  return recording.people.find((person) => person.identity === identity)?.name || identity;
}

/** @param {Lane} lane @param {Recording} recording */
export function laneWord({ kind, identity }, recording) {
  switch (kind) {
    case "call":
      return t("review.lane_call");
    case "recording":
      return t("review.lane_recording");
    case "voice":
      return nameOf(recording, identity);
    case "network":
      return t("review.lane_network");
    case "marks":
      return t("review.lane_marks");
    case "chat":
      return t("review.lane_chat");
    case "findings":
      return t("review.lane_findings");
    case "comments":
      return t("review.lane_comments");
  }
}

/** @param {string} kind of a finding or a flag */
export function findingWord(kind) {
  switch (kind) {
    case "black":
      return t("review.find_black");
    case "frozen":
      return t("review.find_frozen");
    case "blurred":
      return t("review.find_blurred");
    case "dark":
      return t("review.find_dark");
    case "over_exposed":
    case "overexposed":
      return t("review.find_bright");
    case "silence":
    case "long_silence":
      return t("review.find_silence");
    case "clipping":
      return t("review.find_clipping");
    case "cross_talk":
    case "crosstalk":
      return t("review.find_crosstalk");
    case "low_rating":
      return t("review.flag_rating");
    case "long_wait":
      return t("review.flag_wait");
    case "escalation":
    case "escalated":
      return t("review.flag_escalation");
    case "paused":
    case "pause_used":
      return t("review.flag_paused");
    case "bad_network":
    case "network":
      return t("review.flag_network");
    case "transferred":
      return t("review.flag_transfer");
    case "findings":
    case "flags":
      return t("review.lane_findings");
    default:
      return kind.replaceAll("_", " ");
  }
}

/** Whatever a block or a dot shows. @param {string} kind */
export function kindWord(kind) {
  switch (kind) {
    case "wait":
      return t("review.ev_wait");
    case "ring":
      return t("review.ev_ring");
    case "answered":
      return t("review.ev_answered");
    case "hold":
      return t("review.ev_hold");
    case "resumed":
      return t("review.ev_resumed");
    case "transfer":
      return t("review.ev_transfer");
    case "stage":
    case "stage_on":
      return t("review.ev_stage_on");
    case "stage_off":
      return t("review.ev_stage_off");
    case "ended":
      return t("review.ev_ended");
    case "paused":
      return t("review.gap_paused");
    case "resumed_recording":
      return t("review.ev_recording_on");
    case "consent":
      return t("review.ev_consent");
    case "disk":
    case "overflow":
    case "loss":
      return gapWord(kind);
    case "here":
      return t("review.ev_here");
    case "speaking":
      return t("review.ev_speaking");
    case "muted":
      return t("review.ev_muted");
    case "unmuted":
      return t("review.ev_unmuted");
    case "joined":
      return t("review.ev_joined");
    case "left":
      return t("review.ev_left");
    case "reconnecting":
      return t("review.ev_reconnecting");
    case "reconnected":
      return t("review.ev_reconnected");
    case "mark":
      return t("review.ev_mark");
    case "freeze":
      return t("review.ev_freeze");
    case "thaw":
      return t("review.ev_thaw");
    case "still":
      return t("review.ev_still");
    case "chat":
      return t("review.ev_chat");
    case "note":
      return t("review.ev_note");
    case "shared":
      return t("review.comment_shared");
    case "private":
      return t("review.comment_private");
    default:
      return findingWord(kind);
  }
}

/** One line for an event. @param {TimelineEvent} event @param {Recording} recording */
export function eventWords({ kind, identity, ...more }, recording) {
  const name = nameOf(recording, identity);
  if (kind === "consent") {
    const word = more["granted"] === false ? t("review.ev_refused") : t("review.ev_granted");
    return name ? `${name} · ${word}` : word;
  }
  const said = typeof more["text"] === "string" && (kind === "chat" || kind === "note") ? more["text"] : "";
  if (said) return name ? `${name}: ${said}` : said;
  const to = typeof more["to"] === "string" ? more["to"] : "";
  const word = to && kind === "transfer" ? t("review.ev_transfer_to", { to: nameOf(recording, to) }) : kindWord(kind);
  return name ? `${name} · ${word}` : word;
}

/**
 * What the pointer is on.
 * @param {NonNullable<ReturnType<typeof import("./review-timeline.js").hit>>} found
 * @param {Recording} recording
 * @returns {string[]} lines
 */
export function tipWords({ lane, block, dot, sample }, recording) {
  const name = nameOf(recording, dot?.identity ?? block?.identity ?? lane.identity);
  const lines = [];
  if (dot) lines.push([name, kindWord(dot.kind)].filter(Boolean).join(" · "), dot.text ?? "");
  else if (block) lines.push([name, `${kindWord(block.kind)} ${formatDuration((block.to - block.from) * 1000)}`].filter(Boolean).join(" · "), block.text ?? "");
  if (sample) lines.push(networkWords(sample));
  return lines.filter(Boolean);
}

/** @param {import("./review-timeline.js").Sample} sample */
export function networkWords(sample) {
  const percent = new Intl.NumberFormat(getLocale(), { style: "percent", maximumFractionDigits: 1 }).format(sample.loss);
  const words = [formatBitrate(sample.bitrate), t("review.net_loss", { loss: percent }), t("review.net_rtt", { ms: Math.round(sample.rtt) })];
  if (sample.freezes > 0) words.push(t("review.net_freezes", { count: sample.freezes }));
  const quality = lineQuality(sample);
  const word = quality === "bad" ? t("review.net_bad") : quality === "fair" ? t("review.net_fair") : t("review.net_good");
  return `${word} · ${words.join(" · ")}`;
}

/** @param {string} state of a recording */
export function stateWord(state) {
  switch (state) {
    case "recording":
      return t("review.state_recording");
    case "closed":
    case "finishing":
      return t("review.state_finishing");
    case "failed":
      return t("review.state_failed");
    case "erased":
      return t("review.state_erased");
    default:
      return t("review.state_ready");
  }
}

/** @param {string} outcome of a call */
export function outcomeWord(outcome) {
  switch (outcome) {
    case "solved":
    case "yes":
      return t("review.outcome_solved");
    case "unsolved":
    case "no":
      return t("review.outcome_unsolved");
    case "":
    case "unknown":
      return "";
    default:
      return outcome.replaceAll("_", " ");
  }
}

/** @param {number} at ms since epoch */
export function dateWords(at) {
  return new Intl.DateTimeFormat(getLocale(), { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false }).format(at);
}

/** @param {number} at ms since epoch */
export function dayWords(at) {
  return new Intl.DateTimeFormat(getLocale(), { year: "numeric", month: "short", day: "numeric" }).format(at);
}

/** @param {number} bytes */
export function sizeWords(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1e3)} kB`;
}

/** @param {number} seconds */
export function timeWords(seconds) {
  return formatDuration(seconds * 1000);
}

/** @param {number} from @param {number | null} to seconds */
export function spanWords(from, to) {
  return to === null ? timeWords(from) : `${timeWords(from)}–${timeWords(to)}`;
}

/** @param {number | null} score 0 to 100 */
export function scoreWords(score) {
  return score === null ? "–" : new Intl.NumberFormat(getLocale(), { maximumFractionDigits: 1 }).format(score);
}
