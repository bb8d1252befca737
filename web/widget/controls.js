/** Which controls a call has: one row, and what does not fit into it. */
import { t } from "../pages/locale.js";
import { stepsUp } from "./view.js";

/**
 * @typedef {import("../pages/components/call-bar.js").Control} Control
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("./view.js").View} View
 */

/**
 * @param {View} view
 * @param {Model} model
 * @param {{ more: boolean, unread: number }} state
 * @returns {Control[]}
 */
export function barOf({ kind, asking }, model, { more, unread }) {
  /** @type {Control[]} */
  const controls = [];
  if (kind !== "text") controls.push(device("microphone", model));
  if (kind === "video") controls.push(device("camera", model));
  for (const step of stepsUp(kind)) {
    controls.push({
      id: step,
      icon: step === "video" ? "camera" : "phone",
      label: step === "video" ? t("widget.bar.to_video") : t("widget.bar.to_voice"),
      hint: step === "video" ? t("widget.bar.to_video_hint") : t("widget.bar.to_voice_hint"),
      disabled: asking,
    });
  }
  if (kind !== "text") {
    const news = !model.chat && unread > 0 ? String(Math.min(99, unread)) : "";
    controls.push({ id: "chat", icon: "chat", label: t("widget.bar.chat"), ...(model.chat ? { look: "on" } : {}), ...(news ? { badge: news } : {}) });
    controls.push({ id: "more", icon: "more", label: t("widget.bar.more"), ...(more ? { look: "on" } : {}) });
  } else {
    controls.push({ id: "picture", icon: "picture", label: t("widget.bar.picture") });
  }
  controls.push({ id: "end", icon: "hangup", label: t("widget.bar.end"), look: "danger", apart: true });
  return controls;
}

/**
 * @param {View} view
 * @param {Model} model
 * @param {{ canFlip: boolean, screen: boolean, drawing: boolean }} facts
 * @returns {{ id: string, icon: string, label: string }[]}
 */
export function moreOf({ kind }, model, { canFlip, screen, drawing }) {
  const items = [{ id: "picture", icon: "picture", label: t("widget.more.picture") }];
  if (kind === "video" && model.camera.state === "on") items.push({ id: "still", icon: "photo", label: t("widget.more.still") });
  if (kind === "video") items.push({ id: "draw", icon: "pen", label: drawing ? t("widget.more.draw_off") : t("widget.more.draw") });
  if (kind === "video" && canFlip) items.push({ id: "flip", icon: "flip", label: t("widget.more.flip") });
  if (kind !== "text" && globalThis.navigator?.mediaDevices && "getDisplayMedia" in navigator.mediaDevices) {
    items.push({ id: "screen", icon: screen ? "screen-off" : "screen", label: screen ? t("widget.more.screen_off") : t("widget.more.screen") });
  }
  return items;
}

/**
 * @param {"microphone" | "camera"} source
 * @param {Model} model
 * @returns {Control}
 */
function device(source, model) {
  const { state, off } = model[source];
  const silent = off || state !== "on";
  const microphone = source === "microphone";
  return {
    id: source,
    icon: microphone ? (silent ? "mic-off" : "mic") : silent ? "camera-off" : "camera",
    label: microphone ? t("widget.bar.microphone") : t("widget.bar.camera"),
    hint: microphone ? (silent ? t("widget.bar.unmute") : t("widget.bar.mute")) : silent ? t("widget.bar.camera_on") : t("widget.bar.camera_off"),
    disabled: state === "opening",
    ...(silent ? { look: "off" } : {}),
    ...(state === "problem" ? { badge: "!" } : {}),
  };
}
