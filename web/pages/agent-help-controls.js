/** The call bar of a help call: which controls, in which state, for whom. */
import { deviceControl } from "./agent-controls.js";
import { t } from "./locale.js";

/**
 * @typedef {import("./components/call-bar.js").Control} Control
 * @typedef {import("./agent-help-types.js").Call} Call
 * @typedef {ReturnType<typeof import("./agent-help-view.js").rightsOf>} Rights
 */

/**
 * @typedef {object} BarFacts
 * @property {Call} call
 * @property {Rights} rights
 * @property {import("./capture.js").Capture | null} capture
 * @property {import("./agent-help-view.js").Phase} phase
 * @property {boolean} narrow
 * @property {boolean} more the second row is open
 * @property {boolean} live the room has a show that one could go on
 * @property {number} agents how many of the shop are in the call
 * @property {boolean} canShare
 */

/** @type {{ look: "on" }} */
const ON = { look: "on" };

/**
 * The main row.
 * @param {BarFacts} facts
 * @returns {Control[]}
 */
export function callControls(facts) {
  const { rights, narrow, more, phase } = facts;
  const extras = moreControls(facts);
  return [
    ...deviceControls(facts),
    ...(narrow ? holdControls(facts) : moveControls(facts)),
    ...(extras.length > 0 ? [{ id: "more", icon: "more", label: t("control.more"), ...(more ? ON : {}) }] : []),
    rights.end
      ? { id: "end", icon: "end", label: phase === "calling" ? t("call.cancel") : t("call.end"), hint: t("call.end_hint"), look: "danger", apart: true }
      : { id: "leave", icon: "close", label: t("call.leave"), hint: t("call.leave_hint"), look: "danger", apart: true },
  ];
}

/**
 * The second row.
 * @param {BarFacts} facts
 * @returns {Control[]}
 */
export function moreControls(facts) {
  const { rights, narrow, agents } = facts;
  /** @type {Control[]} */
  const controls = [];
  if (narrow) controls.push(...screenControls(facts), ...moveControls(facts).filter(({ id }) => id !== "hold"));
  controls.push(...askControls(facts));
  if (rights.lead && agents > 1) {
    controls.push({ id: "step_out", icon: "exit", label: t("call.step_out"), hint: t("call.step_out_hint") });
  }
  return controls;
}

/** @param {BarFacts} facts @returns {Control[]} */
function deviceControls(facts) {
  const { rights, capture, narrow } = facts;
  /** @type {Control[]} */
  const controls = [];
  if (rights.speak) controls.push(deviceControl(capture, "microphone"));
  if (rights.show) controls.push(deviceControl(capture, "camera"));
  if (!narrow) controls.push(...screenControls(facts));
  return controls;
}

/** @param {BarFacts} facts @returns {Control[]} */
function screenControls({ rights, capture, canShare }) {
  if (!rights.show || !canShare) return [];
  const shared = capture?.screen != null;
  return [{ id: "screen", icon: shared ? "screen-off" : "screen", label: shared ? t("control.screen_stop") : t("control.screen"), ...(shared ? ON : {}) }];
}

/** @param {BarFacts} facts @returns {Control[]} */
function holdControls({ call, rights, phase }) {
  if (!rights.lead) return [];
  const held = call.state === "on_hold";
  const hint = held ? t("call.resume_hint") : t("call.hold_hint");
  const disabled = phase === "calling" || phase === "consult" || call.escalation?.state === "on_stage";
  return [{ id: "hold", icon: held ? "play" : "pause", label: held ? t("call.resume") : t("call.hold"), hint, disabled, ...(held ? ON : {}) }];
}

/** @param {BarFacts} facts @returns {Control[]} */
function moveControls(facts) {
  const { call, rights, phase, live } = facts;
  if (!rights.lead) return [];
  const pending = call.transfer !== null;
  const up = call.escalation !== null && ["asking", "offered", "on_stage"].includes(call.escalation.state);
  const off = phase === "calling";
  return [
    ...holdControls(facts),
    { id: "transfer", icon: "transfer", label: t("call.transfer"), hint: t("call.transfer_hint"), disabled: pending || off || up },
    { id: "add", icon: "add-person", label: t("call.add"), hint: t("call.add_hint"), disabled: off },
    ...(live
      ? [{ id: "stage", icon: "live", label: t("call.stage"), hint: t("call.stage_hint"), disabled: up || pending || off || call.state === "on_hold" }]
      : []),
  ];
}

/**
 * What the shopper's camera can be asked for.
 * @param {BarFacts} facts
 * @returns {Control[]}
 */
export function askControls({ call, rights }) {
  const can = call.device?.can ?? [];
  if (!rights.draw || call.media !== "video") return [];
  /** @type {Control[]} */
  const controls = [];
  if (can.includes("still")) controls.push({ id: "still", icon: "photo", label: t("ask.still"), hint: t("ask.still_hint") });
  if (can.includes("flip")) controls.push({ id: "flip", icon: "flip", label: t("ask.flip"), hint: t("ask.flip_hint") });
  if (can.includes("torch")) {
    const lit = call.device?.torch === true;
    controls.push({ id: "torch", icon: "torch", label: lit ? t("ask.torch_off") : t("ask.torch"), hint: t("ask.torch_hint"), ...(lit ? ON : {}) });
  }
  if (can.includes("zoom") && call.device?.zoom) {
    controls.push({ id: "zoom", icon: "zoom", label: t("ask.zoom", { times: round(call.device.zoom.value) }), hint: t("ask.zoom_hint") });
  }
  return controls;
}

/**
 * The next step of the zoom: once through its range in four steps, then back to the beginning.
 * @param {{ min: number, max: number, value: number }} zoom
 * @returns {number}
 */
export function nextZoom({ min, max, value }) {
  const step = (max - min) / 4;
  if (step <= 0) return min;
  const next = value + step;
  return next > max + step / 2 ? min : round(Math.min(max, next));
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
