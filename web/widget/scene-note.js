/** The scenes that say one thing and offer one or two ways on: closed, busy, failed, over, an agent who rings. */
import { avatar } from "../pages/components/avatar.js";
import { button, icon, make, setIcon, setText } from "../pages/dom.js";
import { t } from "../pages/locale.js";
import { failureWords, overWords, timeWords } from "./words.js";

/**
 * @typedef {import("./flow.js").Flow} Flow
 * @typedef {import("./types.js").Model} Model
 * @typedef {import("./view.js").View} View
 * @typedef {{ label: string, run: () => void, primary?: boolean, icon?: string }} Action
 * @typedef {{ icon: string, tone: "plain" | "good" | "bad", title: string, body: string, code?: string, face?: string, actions: Action[] }} Note
 */

export class NoteScene {
  element = make("div", "lm-notice");
  #flow;
  #disc = make("div", "lm-disc");
  #icon = icon("info");
  #face = make("div", "lm-calling");
  #title = make("h2");
  #body = make("p");
  #code = make("small", "lm-code");
  #actions = make("div", "lm-actions");
  /** @type {(() => void)[]} */
  #runs = [];

  /** @param {Flow} flow */
  constructor(flow) {
    this.#flow = flow;
    this.#disc.append(this.#icon);
    this.element.append(this.#disc, this.#face, this.#title, this.#body, this.#code, this.#actions);
  }

  get first() {
    return this.#actions.querySelector("button");
  }

  /**
   * @param {View} view
   * @param {Model} model
   */
  show(view, model) {
    const note = this.#note(view, model);
    setIcon(this.#icon, note.icon);
    this.#disc.dataset.tone = note.tone;
    this.#disc.hidden = note.face !== undefined;
    this.#face.hidden = note.face === undefined;
    if (note.face !== undefined && this.#face.dataset.name !== note.face) {
      this.#face.dataset.name = note.face;
      this.#face.replaceChildren(avatar(note.face, "large"));
    }
    setText(this.#title, note.title);
    setText(this.#body, note.body);
    this.#body.hidden = note.body === "";
    setText(this.#code, note.code ?? "");
    this.#code.hidden = !note.code;
    this.#runs = note.actions.map(({ run }) => run);
    const key = note.actions.map(({ label, primary }) => `${label}${primary}`).join("|");
    if (this.#actions.dataset.key === key) return;
    this.#actions.dataset.key = key;
    this.#actions.replaceChildren(
      ...note.actions.map(({ label, primary, icon: name }, index) => {
        const control = button("", primary ? "primary" : "", () => this.#runs[index]?.());
        control.append(...(name ? [icon(name)] : []), make("span", "", label));
        return control;
      }),
    );
  }

  /**
   * @param {View} view
   * @param {Model} model
   * @returns {Note}
   */
  #note(view, model) {
    const flow = this.#flow;
    const callback = { label: t("widget.callback.leave"), primary: true, run: () => flow.askCallback() };
    switch (view.scene) {
      case "closed": {
        const opens = view.queue?.opens_at ?? model.refusal?.opensAt ?? null;
        const body = opens ? t("widget.closed.opens", { time: timeWords(opens) }) : t("widget.closed.body");
        return { icon: "clock", tone: "plain", title: t("widget.closed.title"), body, actions: [callback] };
      }
      case "busy":
        return {
          icon: "headset", tone: "plain", title: t("widget.busy.title"), body: t("widget.busy.body"),
          actions: [callback, { label: t("widget.retry"), run: () => flow.reset() }],
        };
      case "incoming":
        return this.#incoming(view, model);
      case "called":
        return {
          icon: "check", tone: "good", title: t("widget.called.title"),
          body: model.calledAt > 0 ? t("widget.called.body", { time: timeWords(model.calledAt) }) : t("widget.called.soon"),
          actions: [{ label: t("widget.done"), primary: true, run: () => flow.close() }],
        };
      case "over": {
        const { title, body } = overWords(model.call);
        const cut = model.call?.outcome === "failed";
        const missed = cut || model.call?.answered === null;
        const again = { label: t("widget.over.again"), run: () => flow.reset() };
        return {
          icon: cut ? "warning" : missed ? "clock" : "check", tone: cut ? "bad" : missed ? "plain" : "good", title, body,
          actions: missed ? [callback, again] : [{ label: t("widget.done"), primary: true, run: () => flow.close() }, again],
        };
      }
      default: {
        const failure = model.refusal ?? model.failure ?? { code: "unknown", message: "" };
        return {
          icon: "warning", tone: "bad", title: t("widget.failed.title"), body: failureWords(failure), code: failure.code,
          actions: [{ label: t("widget.retry"), primary: true, run: () => flow.again() }],
        };
      }
    }
  }

  /**
   * @param {View} view
   * @param {Model} model
   * @returns {Note}
   */
  #incoming({ agent, kind }, model) {
    const flow = this.#flow;
    const name = agent?.name ?? "";
    const video = { label: t("widget.incoming.video"), icon: "camera", primary: true, run: () => void flow.accept("video") };
    const voice = { label: t("widget.incoming.voice"), icon: "phone", primary: kind !== "video", run: () => void flow.accept("voice") };
    return {
      icon: "headset", tone: "plain", face: name, title: t("widget.incoming.title", { name }), body: model.call?.topic ?? "",
      actions: [
        ...(kind === "video" ? [video] : []),
        voice,
        { label: t("widget.incoming.decline"), run: () => void flow.decline() },
      ],
    };
  }
}
