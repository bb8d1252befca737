/** What to tell a person about an error code, and which way out to offer. */
import { t } from "./locale.js";

/** Ways out that pages know how to perform. */
/** @typedef {"retry" | "token" | "home" | "here"} WayOut */

/**
 * Every code that has its own sentence (`error.<code>` in the language files), with its way out.
 * PROTOCOL.md section 4 and the SDK's own codes are covered completely (tested).
 * @type {Readonly<Record<string, WayOut>>}
 */
export const WAYS_OUT = Object.freeze({
  bad_message: "retry",
  unknown_type: "retry",
  message_too_large: "retry",
  rate_limited: "retry",
  version_unsupported: "retry",
  join_required: "retry",
  already_joined: "retry",
  join_timeout: "retry",
  token_missing: "token",
  token_invalid: "token",
  token_expired: "token",
  token_revoked: "token",
  token_wrong_room: "token",
  forbidden: "token",
  room_not_found: "home",
  room_full: "retry",
  room_ended: "home",
  identity_taken: "retry",
  identity_replaced: "here",
  peer_removed: "home",
  sdp_invalid: "retry",
  no_common_codec: "retry",
  codec_unsupported: "retry",
  track_not_found: "retry",
  transport_not_found: "retry",
  peer_not_found: "retry",
  session_not_found: "retry",
  track_limit: "retry",
  stale_answer: "retry",
  etag_mismatch: "retry",
  precondition_required: "retry",
  unsupported_media_type: "retry",
  worker_unavailable: "retry",
  slow_consumer: "retry",
  idle_timeout: "retry",
  server_restart: "retry",
  internal: "retry",
  request_timeout: "retry",
  not_found: "home",
  method_not_allowed: "retry",
  room_exists: "retry",
  not_live: "retry",
  unpublished: "retry",
  show_ended: "retry",

  not_on_stage: "retry",
  muted_by_host: "retry",
  stage_full: "retry",
  stage_locked: "retry",
  already_on_stage: "retry",
  guest_not_found: "retry",
  invitee_not_found: "retry",
  invitee_offline: "retry",
  invitee_busy: "retry",
  nobody_available: "retry",
  invite_not_found: "retry",
  invite_not_yours: "retry",
  invite_answered: "retry",
  invite_cancelled: "retry",
  invite_expired: "retry",
  invite_failed: "retry",
  hands_closed: "retry",
  room_required: "retry",
  chat_muted: "retry",
  chat_slow_mode: "retry",
  chat_too_fast: "retry",
  message_not_found: "retry",
  off_stage: "retry",

  call_not_found: "retry",
  not_in_call: "retry",
  call_ended: "retry",
  call_answered: "retry",
  already_in_call: "retry",
  queue_unknown: "retry",
  queue_closed: "retry",
  queue_full: "retry",
  agent_busy: "retry",
  agent_offline: "retry",
  agent_not_found: "retry",
  wrong_state: "retry",
  transfer_pending: "retry",
  transfer_open: "retry",
  consent_expired: "retry",
  consent_pending: "retry",
  not_in_show: "retry",
  envelope_invalid: "retry",
  envelope_foreign: "retry",
  envelope_expired: "retry",
  envelope_replayed: "retry",
  file_too_large: "retry",
  file_type: "retry",
  file_broken: "retry",
  file_limit: "retry",
  file_not_found: "retry",
  mark_invalid: "retry",
  mark_limit: "retry",
  rating_closed: "retry",
  store_unavailable: "retry",
  callback_invalid: "retry",
  link_expired: "retry",

  recording_not_found: "retry",
  recording_erased: "retry",
  recording_not_ready: "retry",
  recording_held: "retry",
  recording_refused: "retry",
  recording_off: "retry",
  consent_version: "retry",
  playback_key_invalid: "retry",
  playback_key_foreign: "retry",
  range_invalid: "retry",
  template_not_found: "retry",
  template_changed: "retry",
  answer_invalid: "retry",
  comment_required: "retry",
  comment_not_found: "retry",
  review_not_found: "retry",
  review_submitted: "retry",
  review_not_yours: "retry",
  sample_invalid: "retry",

  connection_failed: "retry",
  connection_lost: "retry",
  session_lost: "retry",
  not_connected: "retry",
  timeout: "retry",
  closed: "retry",
  busy: "retry",
  media_failed: "retry",
  publish_failed: "retry",
  track_ended: "retry",
  unsupported_browser: "home",
  permission_denied: "retry",
  no_device: "retry",
  device_busy: "retry",
  device_lost: "retry",
  device_failed: "retry",
  cancelled: "retry",
  insecure_context: "home",
  demo_token_failed: "retry",
});

/**
 * @param {unknown} error anything thrown; the SDK's errors carry `code` and a localised `message`
 * @returns {string} a stable code
 */
export function codeOf(error) {
  const code = /** @type {{ code?: unknown } | null} */ (error)?.code;
  return typeof code === "string" && code !== "" ? code : "unknown";
}

/**
 * One sentence: cause and, where there is one, what to do.
 * @param {string} code
 * @param {string} [message] the server's own sentence, for codes newer than this page
 * @returns {string}
 */
export function sentence(code, message = "") {
  if (code in WAYS_OUT) return t(`error.${code}`);
  return message || t("error.unknown");
}

/**
 * @param {string} code
 * @returns {WayOut}
 */
export function wayOut(code) {
  return WAYS_OUT[code] ?? "retry";
}
