/**
 * What is recorded, always in sight of those it concerns: the state, the question for consent, pause and end.
 *
 *   panel.side = "staff";                 // or "shopper", "audience"
 *   panel.me = identity;
 *   panel.controls = new RecordingControls(room, call.id);
 *   panel.recording = call.recording;     // again at every change
 *
 * It is seen and heard: a change of state is said to screen readers and sounds. Event: `trouble` (detail: code).
 */
import { asksConsent } from "../../sdk/recording.js";
import { notice } from "../chime.js";
import { button, icon, make, setText } from "../dom.js";
import { codeOf, sentence } from "../errors.js";
import { getLocale, onLocale, t } from "../locale.js";

/**
 * @typedef {import("../../sdk/recording.js").RecordingControls} RecordingControls
 * @typedef {import("../../sdk/types.js").RecordingInfo} RecordingInfo
 */

/** @type {Record<string, () => string>} */
const SAID = {
  off: () => t("recording.said_off"),
  recording: () => t("recording.said_recording"),
  paused: () => t("recording.said_paused"),
  failed: () => t("recording.said_failed"),
};

/** @type {Record<string, () => string>} */
const WARNINGS = {
  disk_full: () => t("recording.warning_disk_full"),
  disk_slow: () => t("recording.warning_disk_slow"),
  disk_gone: () => t("recording.warning_disk_gone"),
  tap_overflow: () => t("recording.warning_tap_overflow"),
  recorder_lost: () => t("recording.warning_recorder_lost"),
};

export class RecordingPanel extends HTMLElement {
  /** @type {"staff" | "shopper" | "audience"} */
  #side = "audience";
  #me = "";
  /** @type {RecordingControls | null} */
  #controls = null;
  /** @type {RecordingInfo | null} */
  #recording = null;
  #shown = "";
  #heard = "off";
  #busy = false;
  #open = false;
  /** @type {(() => void)[]} */
  #undo = [];
  #view = make("div", "rec-view");
  #said = make("span", "sr-only");
  #note = make("p", "rec-note");

  connectedCallback() {
    if (this.childElementCount === 0) {
      this.#said.setAttribute("role", "status");
      this.#note.setAttribute("role", "alert");
      this.append(this.#view, this.#note, this.#said);
    }
    for (const name of /** @type {const} */ (["side", "me", "controls", "recording"])) {
      if (!Object.hasOwn(this, name)) continue;
      const value = /** @type {any} */ (this)[name];
      delete (/** @type {any} */ (this)[name]);
      /** @type {any} */ (this)[name] = value;
    }
    this.#undo.push(
      onLocale(() => {
        this.#shown = "";
        this.#render();
      }),
    );
    this.#render();
  }

  disconnectedCallback() {
    for (const undo of this.#undo.splice(0)) undo();
  }

  get side() {
    return this.#side;
  }

  set side(side) {
    this.#side = side;
    this.#render();
  }

  get me() {
    return this.#me;
  }

  set me(me) {
    this.#me = me;
    this.#render();
  }

  get controls() {
    return this.#controls;
  }

  set controls(controls) {
    this.#controls = controls;
  }

  get recording() {
    return this.#recording;
  }

  set recording(recording) {
    this.#recording = recording ?? null;
    this.#announce();
    this.#render();
  }

  /** Seen and heard by everybody who is in it. */
  #announce() {
    const state = this.#recording?.state ?? "off";
    if (state === this.#heard) return;
    const before = this.#heard;
    this.#heard = state;
    if (state === "waiting_consent") return;
    if (state === "off" && before === "waiting_consent") return;
    setText(this.#said, SAID[state]?.() ?? "");
    if (this.#side !== "audience" && this.isConnected) notice(state === "recording" ? "begin" : "end");
  }

  #render() {
    if (!this.isConnected || this.childElementCount === 0) return;
    const recording = this.#recording;
    const state = recording?.state ?? "off";
    const asked = this.#side !== "audience" && asksConsent(recording, this.#me);
    const shown = JSON.stringify([recording, this.#side, this.#me, this.#busy, this.#open, asked]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.dataset["state"] = state;
    this.hidden = state === "off" && !(this.#side === "staff" && recording?.possible);
    const focused = this.#focused();
    this.#view.replaceChildren(...(asked ? [this.#question()] : this.#line(state)));
    if (focused) /** @type {HTMLElement | null} */ (this.#view.querySelector(`[data-act="${focused}"]`))?.focus();
  }

  // --- the question --------------------------------------------------------------------------------------------

  #question() {
    const title = make("p", "rec-title", icon("rec"), t("recording.ask_title"));
    const yes = this.#act("agree", t("recording.agree"), "primary", () => this.#consent(true));
    const no = this.#act("refuse", t("recording.refuse"), "", () => this.#consent(false));
    const words = this.#side === "staff" ? t("recording.ask_staff") : t("recording.ask_shopper");
    const card = make("div", "rec-ask", title, make("p", "rec-words", words), make("div", "rec-acts", no, yes));
    card.setAttribute("role", "group");
    card.setAttribute("aria-label", t("recording.ask_title"));
    return card;
  }

  // --- the line ------------------------------------------------------------------------------------------------

  /** @param {RecordingInfo["state"]} state @returns {HTMLElement[]} */
  #line(state) {
    const recording = this.#recording;
    if (state === "off") return [this.#act("start", t("recording.start"), "small", () => this.#ask((controls) => controls.record(true)), "rec")];
    const words = make("span", "rec-state", this.#words(state));
    const pill = make("div", "rec-pill", make("i", "rec-dot"), words);
    const parts = [pill];
    if (this.#side === "audience") return parts;
    const mine = recording?.consents?.[this.#me];
    const acts = make("div", "rec-acts");
    if (state === "recording") acts.append(this.#act("pause", t("recording.pause"), "small", () => this.#ask((controls) => controls.pause()), "pause"));
    else if (state === "paused" && this.#mayResume()) acts.append(this.#act("resume", t("recording.resume"), "small primary", () => this.#ask((controls) => controls.resume()), "play"));
    if (mine === false) acts.append(this.#act("agree", t("recording.agree_now"), "small", () => this.#consent(true)));
    else if (mine === true) acts.append(this.#act("withdraw", t("recording.withdraw"), "small quiet", () => this.#consent(false)));
    if (this.#side === "staff") acts.append(this.#act("stop", state === "failed" ? t("recording.dismiss") : t("recording.stop"), "small quiet", () => this.#ask((controls) => controls.record(false))));
    parts.push(acts);
    const warning = recording?.warning ? WARNINGS[recording.warning]?.() : undefined;
    if (warning) parts.push(make("p", "rec-warning", icon("warning"), warning));
    return parts;
  }

  #mayResume() {
    const paused = this.#recording?.paused;
    return paused ? paused.by !== "rule" && (paused.side !== "shopper" || this.#side === "shopper") : false;
  }

  /** @param {RecordingInfo["state"]} state */
  #words(state) {
    const recording = this.#recording;
    if (state === "paused") {
      const paused = recording?.paused;
      if (!paused) return t("recording.paused");
      if (paused.by === "rule") return t("recording.paused_rule");
      return paused.by === this.#me ? t("recording.paused_me") : t("recording.paused_by", { name: paused.name || paused.by });
    }
    if (state === "recording") return this.#mine() === false ? t("recording.without_you") : t("recording.on");
    if (state === "failed") return t("recording.failed");
    const refused = Object.values(recording?.consents ?? {}).includes(false);
    if (this.#mine() === false) return t("recording.refused_me");
    return refused ? t("recording.refused") : t("recording.waiting");
  }

  #mine() {
    return this.#recording?.consents?.[this.#me];
  }

  // --- acting --------------------------------------------------------------------------------------------------

  /**
   * @param {string} name
   * @param {string} words
   * @param {string} kind
   * @param {() => void} run
   * @param {string} [symbol]
   */
  #act(name, words, kind, run, symbol) {
    const act = button(words, kind, run);
    act.dataset["act"] = name;
    act.disabled = this.#busy;
    if (symbol) act.prepend(icon(symbol));
    return act;
  }

  /** @param {boolean} granted */
  #consent(granted) {
    const version = this.#recording?.version ?? "";
    this.#ask((controls) => controls.consent(granted, { version, locale: getLocale() }));
  }

  /** @param {(controls: RecordingControls) => Promise<RecordingInfo>} ask */
  #ask(ask) {
    void this.#perform(ask);
  }

  /** @param {(controls: RecordingControls) => Promise<RecordingInfo>} ask */
  async #perform(ask) {
    if (!this.#controls || this.#busy) return;
    this.#busy = true;
    setText(this.#note, "");
    this.#render();
    try {
      this.recording = await ask(this.#controls);
    } catch (error) {
      const code = codeOf(error);
      setText(this.#note, sentence(code));
      this.dispatchEvent(new CustomEvent("trouble", { detail: code }));
    } finally {
      this.#busy = false;
      this.#render();
    }
  }

  #focused() {
    const active = /** @type {Document | ShadowRoot} */ (this.getRootNode()).activeElement;
    return active instanceof HTMLElement && this.#view.contains(active) ? active.dataset["act"] : undefined;
  }
}

customElements.define("lm-recording", RecordingPanel);
