/** Help calls on the console's page: the queue on the left, ring, call and wrap-up in the middle, the own day at rest. */
import { nextZoom } from "./agent-help-controls.js";
import { CallNotes } from "./agent-help-notes.js";
import { HelpRest } from "./agent-help-rest.js";
import { HelpSide } from "./agent-help-side.js";
import { phaseOf, sortWaiting, waitingCount } from "./agent-help-view.js";
import { remaining } from "./agent-view.js";
import { CallbackList } from "./components/callback-list.js";
import { CallRing } from "./components/call-ring.js";
import { ask, askLine } from "./components/dialog.js";
import { HelpCall } from "./components/help-call.js";
import { HelpDay } from "./components/help-day.js";
import { QueuePanel } from "./components/queue-panel.js";
import { RunningCalls } from "./components/running-calls.js";
import { toast } from "./components/toast.js";
import { pickTransfer } from "./components/transfer-picker.js";
import { WrapUp } from "./components/wrap-up.js";
import { byId, setText } from "./dom.js";
import { sentence } from "./errors.js";
import { t } from "./locale.js";
import { announceDevices, toggleDevice, toggleScreen } from "./studio-devices.js";

/**
 * @typedef {import("./agent-console.js").AgentConsole} AgentConsole
 * @typedef {import("./agent-help-types.js").Call} Call
 * @typedef {import("./agent-view.js").Scene} Scene
 * @typedef {import("./agent-help-types.js").SuperviseMode} SuperviseMode
 */

const TOPIC_MAX = 120;

export class HelpPage {
  #console;
  #render;
  #help;
  #queue = byId("queue", QueuePanel);
  #running = byId("running", RunningCalls);
  #ring = byId("call-ring", CallRing);
  #view = byId("help-call", HelpCall);
  #wrap = byId("wrap", WrapUp);
  #day = byId("help-day", HelpDay);
  #notes;
  #more = false;
  #saving = false;
  #callbacks = byId("callbacks", CallbackList);
  #rest;
  #narrow = matchMedia("(width <= 720px)");
  /** Devices whose loss is told. @type {WeakSet<object>} */
  #announced = new WeakSet();
  /** A call that the address asks to take part in: the wall's links lead here. */
  #asked = askedCall();
  side;

  /**
   * @param {AgentConsole} desk
   * @param {() => Promise<string>} token for what is asked over HTTP
   * @param {() => void} render
   */
  constructor(desk, token, render) {
    this.#console = desk;
    this.#help = desk.help;
    this.#rest = new HelpRest(token);
    this.#rest.on("change", render);
    this.#render = render;
    // The server takes drafts only after the call; what it refuses before is kept here.
    this.#notes = new CallNotes((call, draft) => void this.#help.ask("wrap_up", { call, ...draft, done: false }).catch(() => {}));
    this.side = new HelpSide(this.#help, this.#rest, this.#notes, render);
    this.#listen();
  }

  /** The time on the server's clock, ms. */
  get #now() {
    return Date.now() + (this.#console.desk?.clockOffsetMs ?? 0);
  }

  /** @param {Scene} scene */
  render(scene) {
    const { call, visit, duty } = this.#help;
    const seated = this.#console.me !== null || this.#help.identity !== "";
    this.#renderQueue(seated);
    if (seated && this.#asked && this.#help.supervises) {
      const { call: id, mode } = this.#asked;
      this.#asked = null;
      void this.#help.supervise(id, mode);
    }
    if (visit?.capture && !this.#announced.has(visit.capture)) {
      this.#announced.add(visit.capture);
      announceDevices(visit.capture, () => this.#help.duty === "talk");
    }
    const ringing = scene === "call_ring" && call !== null;
    this.#ring.show(
      ringing
        ? {
            call,
            from: handedBy(call, this.#help.identity),
            note: noteOf(call),
            capture: visit?.capture ?? null,
            remainingMs: remaining(call.ring_until, Date.now(), this.#console.desk?.clockOffsetMs ?? 0),
            waitedMs: Math.max(0, this.#now - (call.answered ?? call.created)),
            busy: this.#help.busy,
            trouble: this.#help.trouble && { code: this.#help.trouble.code, message: sentence(this.#help.trouble.code, this.#help.trouble.message) },
          }
        : null,
    );
    const talking = scene === "call" && visit !== null;
    if (!talking) this.#more = false;
    this.#view.show(
      talking
        ? { visit, identity: this.#help.identity, name: this.#myName, now: this.#now, narrow: this.#narrow.matches, more: this.#more, live: visit.room.info.state === "live" }
        : null,
    );
    this.#renderWrap(scene === "wrap" && duty === "wrap" ? call : null);
    this.#day.hidden = scene !== "idle" || this.#help.supervises;
    if (!this.#day.hidden) {
      this.#rest.look();
      this.#day.show(this.#rest.day);
    }
  }

  /** What screen readers hear when the scene changes. @param {Scene} scene */
  announcement(scene) {
    const name = this.#help.call?.shopper.name ?? "";
    if (scene === "call_ring") return t("callring.title", { name });
    if (scene === "call") return t("call.announce", { name });
    return scene === "wrap" ? t("wrap.title", { name }) : "";
  }

  get #myName() {
    return this.#console.me?.name ?? this.#console.desk?.self?.name ?? "";
  }

  /** @param {boolean} seated */
  #renderQueue(seated) {
    const { queue, duty, supervises, wall } = this.#help;
    const { queues, waiting } = queue;
    byId("queue-box", HTMLElement).hidden = !seated || (queues.length === 0 && waiting.length === 0);
    setText(byId("queue-count", HTMLElement), String(waitingCount(queue)));
    const free = this.#console.me?.presence === "available" && duty === null;
    this.#queue.show({
      queues,
      waiting,
      mayTake: free && !supervises,
      taking: this.#help.taking,
      offset: this.#console.desk?.clockOffsetMs ?? 0,
    });
    const { callbacks } = this.#rest;
    byId("callbacks-box", HTMLElement).hidden = callbacks.length === 0;
    setText(byId("callbacks-count", HTMLElement), String(callbacks.length));
    this.#callbacks.show(callbacks, this.#now);
    const box = byId("running-box", HTMLElement);
    box.hidden = !supervises;
    if (!supervises) return;
    /** @type {readonly import("./components/running-calls.js").Running[]} */
    const running = wall?.calls ?? [];
    const calls = running.map((call) => ({ ...call, queue: queues.find(({ name }) => name === call.queue)?.title || call.queue }));
    setText(byId("running-count", HTMLElement), String(calls.length));
    this.#running.show({ calls, current: duty === "talk" ? (this.#help.call?.id ?? null) : null, offset: this.#console.desk?.clockOffsetMs ?? 0 });
  }

  /** @param {Call | null} call */
  #renderWrap(call) {
    if (!call) {
      this.#wrap.show(null);
      return;
    }
    this.#wrap.show({
      id: call.id,
      name: call.shopper.name,
      lastedMs: call.answered === null ? null : (call.ended ?? this.#now) - call.answered,
      score: call.rating?.score ?? null,
      draft: this.#notes.of(call),
      leftMs: remaining(call.wrap_until ?? null, Date.now(), this.#console.desk?.clockOffsetMs ?? 0),
      busy: this.#saving,
    });
  }

  #listen() {
    const help = this.#help;
    this.#queue.addEventListener("take", (event) => void help.take(detail(event).call));
    this.#running.addEventListener("supervise", (event) => void help.supervise(detail(event).call, detail(event).mode));
    this.#ring.addEventListener("accept", () => void this.accept());
    this.#ring.addEventListener("decline", (event) => this.decline(detail(event).reason));
    this.#ring.addEventListener("ask", () => void help.visit?.openDevices());
    this.#view.addEventListener("control", (event) => this.press(detail(event)));
    this.#view.addEventListener("supervise", (event) => void this.#supervise(detail(event)));
    this.#view.addEventListener("banner", (event) => this.#banner(detail(event)));
    this.#wrap.addEventListener("draft", (event) => {
      if (help.call) this.#notes.set(help.call.id, detail(event));
      this.#render();
    });
    this.#wrap.addEventListener("done", () => void this.wrapUp());
    this.#callbacks.addEventListener("done", (event) => void help.try(() => this.#rest.done(detail(event).id)));
    this.#day.addEventListener("link", () => void this.#makeLink());
    help.on("rest", () => {
      this.#rest.forget();
    });
  }

  /** The one who waits longest, if we may. */
  takeFirst() {
    const first = sortWaiting(this.#help.queue.waiting).find(({ can_take: canTake }) => canTake);
    if (first && this.#help.duty === null && this.#console.me?.presence === "available" && !this.#help.supervises) void this.#help.take(first.call);
  }

  async accept() {
    this.#console.ringer.stop();
    await this.#help.accept();
  }

  /** @param {string | null} reason */
  decline(reason) {
    void this.#help.decline(reason);
  }

  /** A control was pressed, or its key. @param {string} control */
  press(control) {
    const { visit, call } = this.#help;
    if (this.#help.duty !== "talk" || !visit || !call) return;
    const { help, rights } = visit;
    const lead = (/** @type {() => Promise<unknown>} */ act) => {
      if (rights.lead) void this.#help.try(act);
    };
    switch (control) {
      case "microphone":
      case "camera":
        if (control === "microphone" ? rights.speak : rights.show) void this.#toggle(control);
        break;
      case "screen":
        if (rights.show && visit.capture) void toggleScreen(visit.capture);
        else if (rights.show) void visit.openDevice("microphone").then(() => visit.capture && toggleScreen(visit.capture));
        break;
      case "hold":
        if (phaseOf(call, visit.room.state) !== "consult") lead(() => (call.state === "on_hold" ? help.resume() : help.hold()));
        break;
      case "more":
        this.#more = !this.#more;
        break;
      case "transfer":
        if (rights.lead && call.transfer === null) void this.#transfer(call);
        break;
      case "add":
        if (rights.lead) void this.#add(call);
        break;
      case "stage":
        if (rights.lead && visit.room.info.state === "live") void this.#stage(call);
        break;
      case "still":
        void this.#help.try(async () => {
          await help.askDevice("still");
          this.#help.emit("said", { what: "still_asked" });
        });
        break;
      case "marks":
        this.#view.toggleMarks();
        break;
      case "flip":
        void this.#help.try(() => help.askDevice("flip"));
        break;
      case "torch":
        void this.#help.try(() => help.askDevice("torch", call.device?.torch !== true));
        break;
      case "zoom":
        if (call.device?.zoom) void this.#help.try(() => help.askDevice("zoom", nextZoom(/** @type {any} */ (call.device?.zoom))));
        break;
      case "step_out":
        void this.#stepOut(call);
        break;
      case "end":
        if (rights.end) void this.#end(call);
        break;
      case "leave":
        void this.#help.supervise(call.id, "off");
        break;
    }
    this.#render();
  }

  /** @param {"microphone" | "camera"} source */
  async #toggle(source) {
    const { visit } = this.#help;
    if (!visit) return;
    if (visit.capture) await toggleDevice(visit.capture, source);
    // A chat in words had no devices until now.
    else await visit.openDevice(source);
  }

  /** @param {{ id: string, banner: string }} pressed */
  #banner({ id, banner }) {
    const { visit } = this.#help;
    if (!visit) return;
    const { help } = visit;
    switch (id) {
      case "unblock":
        void this.#view.unblock();
        break;
      case "hold":
      case "camera":
        this.press(id);
        break;
      case "dismiss":
        this.#view.dismiss(banner);
        break;
      case "transfer_cancel":
        void this.#help.try(() => help.cancelTransfer());
        break;
      case "transfer_complete":
        void this.#help.try(() => help.completeTransfer());
        break;
      case "deescalate":
        void this.#help.try(() => help.deescalate());
        break;
      case "open_microphone":
        void visit.openDevice("microphone");
        break;
      case "open_camera":
        void visit.openDevice("camera");
        break;
    }
  }

  /** @param {Call} call @param {boolean} adding */
  #pick(call, adding) {
    return pickTransfer({
      colleagues: () => this.#help.queue.agents ?? [],
      queues: () => this.#help.queue.queues,
      skills: this.#console.me?.all_skills ?? [],
      identity: this.#help.identity,
      from: call.queue,
      adding,
      onChange: (run) => this.#help.on("change", run),
    });
  }

  /** @param {Call} call */
  async #transfer(call) {
    const chosen = await this.#pick(call, false);
    const { visit } = this.#help;
    if (!chosen || !visit || visit.call.id !== call.id) return;
    const { to, warm, note } = chosen;
    void this.#help.try(() => visit.help.transfer(to, { warm, note }));
  }

  /** @param {Call} call */
  async #add(call) {
    const chosen = await this.#pick(call, true);
    const { visit } = this.#help;
    if (!chosen || "queue" in chosen.to || !visit || visit.call.id !== call.id) return;
    const { to } = chosen;
    void this.#help.try(() => visit.help.addToCall(to));
  }

  /** @param {Call} call */
  async #stage(call) {
    const { name } = call.shopper;
    const topic = await askLine({ title: t("stagecall.title"), body: t("stagecall.body", { name }), label: t("stagecall.topic"), value: call.topic.slice(0, TOPIC_MAX), max: TOPIC_MAX, confirm: t("stagecall.ask") });
    const { visit } = this.#help;
    if (topic === null || visit?.call.id !== call.id) return;
    // The host agrees to the shopper too, and must know of both.
    void this.#help.try(() => visit.help.escalate((topic || t("stagecall.with", { name })).slice(0, TOPIC_MAX)));
  }

  /** @param {Call} call */
  async #end(call) {
    const calling = this.#help.visit !== null && phaseOf(call, this.#help.visit.room.state) === "calling";
    const { name } = call.shopper;
    const sure = calling || (await ask({ title: t("call.end_title", { name }), body: t("call.end_body"), confirm: t("call.end"), danger: true }));
    if (sure) await this.#help.try(() => this.#help.ask("end_call", { call: call.id }));
  }

  /** @param {Call} call */
  async #stepOut(call) {
    const sure = await ask({ title: t("call.step_out_title"), body: t("call.step_out_body"), confirm: t("call.step_out") });
    if (sure) await this.#help.try(() => this.#help.ask("leave_call", { call: call.id }));
  }

  /** @param {SuperviseMode} mode */
  async #supervise(mode) {
    const { call, visit } = this.#help;
    if (!call) return;
    if (mode === "takeover") {
      const agent = call.people.find(({ side }) => side === "agent")?.name ?? "";
      const sure = await ask({ title: t("supervise.takeover_title"), body: t("supervise.takeover_body", { name: agent, shopper: call.shopper.name }), confirm: t("supervise.takeover") });
      if (!sure) return;
    }
    // While this is still a tap: the browser may ask for the microphone.
    if (mode !== "listen" && visit && !visit.capture?.tracks.microphone) await visit.openDevice("microphone");
    await this.#help.supervise(call.id, mode);
  }

  async wrapUp() {
    const { call, duty } = this.#help;
    if (duty !== "wrap" || !call || this.#saving) return;
    this.#saving = true;
    this.#render();
    const saved = await this.#help.wrapUp(call.id, this.#notes.of(call), true);
    this.#saving = false;
    if (saved) {
      this.#notes.forget(call.id);
      toast(t("wrap.saved"), { kind: "good", replaces: "call" });
    }
    this.#render();
  }

  async #makeLink() {
    const topic = await askLine({ title: t("helpday.link"), body: t("helpday.link_body"), label: t("invite.topic"), value: "", max: TOPIC_MAX, confirm: t("helpday.link_make") });
    if (topic === null) return;
    const link = await this.#help.link(topic);
    if (!link) return;
    try {
      await navigator.clipboard.writeText(new URL(link.url, location.href).href);
      this.#help.emit("said", { what: "link_copied" });
    } catch {
      // Without a clipboard the person copies it.
      await askLine({ title: t("helpday.link"), body: t("helpday.link_copy"), label: t("helpday.link_field"), value: new URL(link.url, location.href).href, max: 2_000, confirm: t("dialog.close") });
    }
  }
}

/**
 * Who hands this call to us.
 * @param {Call} call
 * @param {string} identity
 */
function handedBy(call, identity) {
  return call.people.find((person) => person.side === "agent" && person.mode !== "ring" && person.identity !== identity)?.name ?? "";
}

/** What the colleague wrote who hands it over. @param {Call} call */
function noteOf({ transfer }) {
  return /** @type {{ note?: string } | null} */ (transfer)?.note ?? "";
}

/** @returns {{ call: string, mode: SuperviseMode } | null} */
function askedCall() {
  const query = new URLSearchParams(location.search);
  const call = query.get("call");
  const mode = query.get("mode");
  if (!call) return null;
  return { call, mode: mode === "whisper" || mode === "barge" ? mode : "listen" };
}

/** @param {Event} event @returns {any} */
function detail(event) {
  return /** @type {CustomEvent<any>} */ (event).detail;
}
