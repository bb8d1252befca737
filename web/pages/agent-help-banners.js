/** What a call says above its picture, and what can be done about it: words and buttons, no elements. */
import { handsOver, stepUp } from "./agent-help-view.js";
import { consentWord } from "./agent-help-words.js";
import { sentence } from "./errors.js";
import { t } from "./locale.js";

/**
 * @typedef {import("./agent-help-types.js").Call} Call
 * @typedef {object} Banner
 * @property {string} id
 * @property {"wait" | "warning" | "info" | "live"} kind
 * @property {string} text
 * @property {{ id: string, label: string, primary?: boolean }[]} [actions]
 */

/**
 * @typedef {object} BannerFacts
 * @property {Call} call
 * @property {string} identity ours
 * @property {import("./agent-help-view.js").Phase} phase
 * @property {ReturnType<typeof import("./agent-help-view.js").rightsOf>} rights
 * @property {{ microphone: unknown, camera: unknown } | null} devices
 * @property {boolean} soundOnly the picture has stopped, the voice has not
 * @property {boolean} weak our own picture hardly gets out
 * @property {boolean} blocked
 * @property {number} [now] by the server's clock, in ms
 * @property {ReadonlySet<string>} dismissed ids that were read
 */

/** @param {BannerFacts} facts @returns {Banner[]} the most pressing first */
export function bannersOf(facts) {
  const { call, phase, soundOnly, blocked, dismissed } = facts;
  const { name } = call.shopper;
  /** @type {(Banner | null)[]} */
  const banners = [
    phase === "repairing" ? { id: "repairing", kind: "warning", text: t("call.repairing") } : null,
    phase === "shopper_lost" ? { id: "lost", kind: "warning", text: t("call.shopper_lost", { name }) } : null,
    blocked ? { id: "blocked", kind: "warning", text: t("call.blocked"), actions: [{ id: "unblock", label: t("live.unmute"), primary: true }] } : null,
    transferBanner(facts),
    holdBanner(facts),
    stageBanner(facts),
    soundOnly && phase === "talking" ? { id: "sound_only", kind: "warning", text: t("call.sound_only", { name }) } : null,
    weakBanner(facts),
    deviceBanner(facts),
  ];
  return banners.filter((banner) => banner !== null).filter(({ id }) => !dismissed.has(id));
}

/** @param {BannerFacts} facts @returns {Banner | null} */
function transferBanner({ call, identity, rights }) {
  const { transfer } = call;
  if (!transfer || !rights.lead) return null;
  const words = { name: transfer.name || transfer.to, shopper: call.shopper.name };
  const back = { id: "transfer_cancel", label: t("transfer.back") };
  if (!handsOver(call, identity)) {
    const owner = call.people.find((person) => person.side === "agent" && person.identity !== identity);
    return { id: "transfer", kind: "info", text: t("transfer.asked", { name: owner?.name ?? "", shopper: words.shopper }) };
  }
  if (transfer.state === "ringing") {
    const text = t("transfer.ringing_warm", words);
    return { id: "transfer", kind: "wait", text, actions: [{ ...back, label: t("dialog.cancel") }] };
  }
  const go = { id: "transfer_complete", label: t("transfer.complete"), primary: true };
  return { id: "transfer", kind: "info", text: t("transfer.talking", words), actions: [back, go] };
}

/** @param {BannerFacts} facts @returns {Banner | null} */
function holdBanner({ call, identity, rights }) {
  if (call.state !== "on_hold" || call.transfer) return null;
  const { name } = call.shopper;
  const other = call.held_by !== null && call.held_by !== identity ? call.people.find((person) => person.identity === call.held_by)?.name : undefined;
  const text = other ? t("call.held_other", { name, other }) : t("call.held", { name });
  return { id: "held", kind: "info", text, ...(rights.lead ? { actions: [{ id: "hold", label: t("call.resume"), primary: true }] } : {}) };
}

/** @param {BannerFacts} facts @returns {Banner | null} */
function stageBanner({ call, rights, now = Date.now() }) {
  const { escalation } = call;
  if (!escalation) return null;
  const { name } = call.shopper;
  const { state, consent, code } = escalation;
  const back = (/** @type {string} */ label) => (rights.lead ? { actions: [{ id: "deescalate", label }] } : {});
  switch (state) {
    case "asking":
      return { id: "stage", kind: "wait", text: askingWords(name, escalation.until, now), ...back(t("dialog.cancel")) };
    case "offered":
      return { id: "stage", kind: "wait", text: t("stagecall.offered", { name, consent: consentWord(consent) }), ...back(t("dialog.cancel")) };
    case "on_stage":
      return { id: "stage", kind: "live", text: t("stagecall.on", { name, consent: consentWord(consent) }), ...back(t("stagecall.back")) };
    default: {
      const why = code === "consent_expired" ? t("stagecall.consent_expired", { name }) : consent === "no" ? t("stagecall.no", { name }) : refusal(code);
      return { id: `stage_${state}_${consent}_${code ?? ""}`, kind: "info", text: why, actions: [{ id: "dismiss", label: t("urgent.ok") }] };
    }
  }
}

/** How long the shopper has for an answer. @param {string} name @param {number | undefined} until @param {number} now */
function askingWords(name, until, now) {
  if (until === undefined) return t("stagecall.asking", { name });
  return t("stagecall.asking_left", { name, seconds: Math.ceil(Math.max(0, until - now) / 1000) });
}

/** Why the host's side did not come to be. @param {string | undefined} code an error's, or how an offer ended */
function refusal(code = "declined") {
  if (code === "no_answer") return t("stagecall.no_answer");
  return code === "declined" ? t("stagecall.declined") : sentence(code, t("stagecall.failed"));
}

/** @param {BannerFacts} facts @returns {Banner | null} */
function weakBanner({ phase, weak, devices }) {
  if (!weak || phase !== "talking" || !devices?.camera) return null;
  const actions = [
    { id: "dismiss", label: t("call.not_now") },
    { id: "camera", label: t("call.weak_action") },
  ];
  return { id: "weak", kind: "warning", text: t("call.weak"), actions };
}

/** @param {BannerFacts} facts @returns {Banner | null} */
function deviceBanner({ call, phase, rights, devices }) {
  const missing = phase === "talking" ? stepUp(call, devices) : null;
  const { name } = call.shopper;
  if (missing === "microphone" && rights.speak) {
    const text = rights.mode === "whisper" ? t("call.open_whisper") : t("call.open_microphone", { name });
    return { id: "open_microphone", kind: "info", text, actions: [{ id: "open_microphone", label: t("call.open_microphone_action"), primary: true }] };
  }
  if (missing !== "camera" || !rights.show || rights.mode !== null) return null;
  return {
    id: "open_camera",
    kind: "info",
    text: t("call.open_camera", { name }),
    actions: [
      { id: "dismiss", label: t("call.not_now") },
      { id: "open_camera", label: t("call.open_camera_action"), primary: true },
    ],
  };
}
