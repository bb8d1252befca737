/** The call that a supervisor is in, at the edge of the wall: heard, whispered into, joined, or taken to the console. */
import { ask } from "./components/dialog.js";
import { HelpCall } from "./components/help-call.js";
import { byId } from "./dom.js";
import { t } from "./locale.js";
import { announceDevices, toggleDevice, toggleScreen } from "./studio-devices.js";

/**
 * @typedef {import("./agent-help-types.js").SuperviseMode} SuperviseMode
 * @typedef {{ call: string, mode: SuperviseMode, agent: string, shopper: string }} Wish
 */

/** Where a call that became ours is carried on: a wall has no place for notes, transfers and cards. */
export const CONSOLE = "/agent?as=supervisor";

export class WallCall {
  #desk;
  #render;
  #drawer = byId("drawer", HTMLElement);
  #view = byId("help-call", HelpCall);
  #more = false;
  /** Devices whose loss is told. @type {WeakSet<object>} */
  #announced = new WeakSet();
  /** The call that is being asked for. @type {string | null} */
  busy = null;

  /** @param {import("./wall-desk.js").WallDesk} desk @param {() => void} render */
  constructor(desk, render) {
    this.#desk = desk;
    this.#render = render;
    this.#view.addEventListener("control", (event) => void this.#press(detail(event)));
    this.#view.addEventListener("supervise", (event) => void this.#change(detail(event)));
    this.#view.addEventListener("banner", (event) => this.#banner(detail(event)));
  }

  /** @returns {import("./components/wall-calls.js").Own} */
  get own() {
    const { call, duty, visit } = this.#desk.help;
    return call && duty === "talk" ? { call: call.id, mode: visit?.rights.mode ?? null } : null;
  }

  /** An agent's duty, after taking over or when asked in: for the console. */
  get forConsole() {
    const { duty, call, identity } = this.#desk.help;
    if (!call || duty === null) return false;
    return duty !== "talk" || call.people.some((person) => person.identity === identity && person.side === "agent");
  }

  render() {
    const { visit, duty, identity } = this.#desk.help;
    const open = duty === "talk" && visit !== null && !this.forConsole;
    if (!open) this.#more = false;
    if (visit?.capture && !this.#announced.has(visit.capture)) {
      this.#announced.add(visit.capture);
      announceDevices(visit.capture, () => this.#desk.help.duty === "talk");
    }
    this.#drawer.hidden = !open;
    this.#view.show(
      open ? { visit, identity, name: this.#desk.name, now: this.#desk.now, narrow: true, more: this.#more, live: false } : null,
    );
  }

  /** What was pressed in the list of calls. @param {Wish} wish */
  async wish({ call, mode, agent, shopper }) {
    if (this.busy !== null) return;
    if (mode === "takeover" && !(await sure(agent, shopper))) return;
    this.busy = call;
    this.#render();
    const own = this.#desk.help.call;
    // One call at a time: what was heard before is left first.
    const left = own === null || own.id === call || mode === "off" || (await this.#ask(own.id, "off"));
    const done = left && (await this.#ask(call, mode));
    this.busy = null;
    if (done && mode === "takeover") location.assign(CONSOLE);
    // While this is still the tap: the browser may ask for the microphone.
    else if (done && (mode === "whisper" || mode === "barge")) await this.#speak();
    this.#render();
  }

  /** @param {string} call @param {SuperviseMode} mode @returns {Promise<boolean>} */
  #ask(call, mode) {
    return this.#desk.help.try(() => this.#desk.help.ask("supervise_call", { call, mode }));
  }

  async #speak() {
    const { visit } = this.#desk.help;
    if (visit && !visit.capture?.tracks.microphone) await visit.openDevice("microphone");
  }

  /** In the call's own view. @param {SuperviseMode} mode */
  async #change(mode) {
    const { call } = this.#desk.help;
    if (!call) return;
    const agent = call.people.find(({ side }) => side === "agent")?.name ?? "";
    await this.wish({ call: call.id, mode, agent, shopper: call.shopper.name });
  }

  /** @param {string} control */
  async #press(control) {
    const { visit, call } = this.#desk.help;
    if (!visit || !call) return;
    if (control === "microphone" || control === "camera") {
      if (visit.capture) await toggleDevice(visit.capture, control);
      else await visit.openDevice(control);
    } else if (control === "screen" && visit.rights.show) {
      if (!visit.capture) await visit.openDevice("microphone");
      if (visit.capture) await toggleScreen(visit.capture);
    } else if (control === "more") this.#more = !this.#more;
    else if (control === "leave") await this.#ask(call.id, "off");
    this.#render();
  }

  /** @param {{ id: string, banner: string }} pressed */
  #banner({ id, banner }) {
    const { visit } = this.#desk.help;
    if (id === "unblock") void this.#view.unblock();
    else if (id === "dismiss") this.#view.dismiss(banner);
    else if (id === "camera") void this.#press("camera");
    else if (id === "open_microphone") void visit?.openDevice("microphone");
    else if (id === "open_camera") void visit?.openDevice("camera");
  }
}

/** @param {string} agent @param {string} shopper */
function sure(agent, shopper) {
  return ask({ title: t("supervise.takeover_title"), body: `${t("supervise.takeover_body", { name: agent, shopper })} ${t("wall.takeover_where")}`, confirm: t("supervise.takeover") });
}

/** @param {Event} event @returns {any} */
function detail(event) {
  return /** @type {CustomEvent<any>} */ (event).detail;
}
