/**
 * Two sides of a pretended call in one page: what one does the other hears, with the reducer of the SDK. No server.
 *
 *   const call = new PretendedCall();
 *   annotate.help = call.side("li");
 */
import { reduceCalls } from "./help_state.js";
import { Emitter } from "./emitter.js";

const WIRE = { call_mark: "mark", call_clear: "clear", call_freeze: "freeze", call_pointer: "pointer", call_message: "message", call_checklist: "checklist" };

export class PretendedCall {
  #calls = [];
  #sides = new Map();
  #files = new Map();
  #ids = 0;
  /** A code that everything is refused with. @type {string | null} */
  refuse = null;
  /** @type {any[]} */
  log = [];

  constructor(call = {}) {
    const person = (identity, name, side) => ({ identity, name, role: side, side, mode: "full", peer: `p-${identity}`, state: "connected" });
    this.#calls = reduceCalls([], {
      type: "call",
      call: {
        id: "c1", room: "demo", state: "active", media: "video",
        shopper: { identity: "li", name: "李雷", peer: "p-li", state: "connected" },
        people: [person("li", "李雷", "shopper"), person("wang", "王芳", "agent")],
        messages: [], marks: [], frame: null, checklist: null, ...call,
      },
    });
  }

  get call() {
    return this.#calls[0];
  }

  /** @param {string} identity */
  side(identity) {
    const side = this.#sides.get(identity) ?? new Side(this, identity);
    this.#sides.set(identity, side);
    return side;
  }

  tell(type, fields) {
    if (this.refuse) throw Object.assign(new Error(this.refuse), { code: this.refuse });
    this.log.push({ type, ...fields });
    this.#calls = reduceCalls(this.#calls, { type, call: "c1", ...fields });
    for (const side of this.#sides.values()) {
      if (type in WIRE) side.emit(WIRE[type], { ...fields, frame: this.call.frame, checklist: this.call.checklist });
    }
  }

  keep(blob, name, size = {}) {
    const id = `f${++this.#ids}`;
    this.#files.set(id, blob);
    return { id, name, type: blob.type, bytes: blob.size, ...size };
  }

  file(id) {
    const blob = this.#files.get(id);
    if (!blob) throw Object.assign(new Error("gone"), { code: "file_not_found" });
    return blob;
  }

  newId() {
    return `m${++this.#ids}`;
  }
}

class Side extends Emitter {
  #world;

  constructor(world, identity) {
    super();
    this.#world = world;
    this.identity = identity;
  }

  get call() {
    return this.#world.call;
  }

  async mark(mark) {
    const made = { ...mark, by: this.identity, at: Date.now() };
    this.#world.tell("call_mark", { mark: made });
    return made;
  }

  async clear(mark = null) {
    this.#world.tell("call_clear", { mark, by: this.identity });
  }

  point(x, y, target) {
    this.#world.tell("call_pointer", { by: this.identity, pointer: x === null ? null : { x, y, target } });
  }

  async freeze(frame) {
    this.#world.tell("call_freeze", { frame, by: this.identity });
  }

  async uploadFile(blob, { name = blob.name ?? "picture" } = {}) {
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (this.#world.refuse) throw Object.assign(new Error(this.#world.refuse), { code: this.#world.refuse });
    const picture = blob.type.startsWith("image/") ? await createImageBitmap(blob) : null;
    return this.#world.keep(blob, name, picture ? { width: picture.width, height: picture.height } : {});
  }

  async sendFile(blob, about) {
    return this.#say({ file: await this.uploadFile(blob, about) });
  }

  async fetchFile(id) {
    return this.#world.file(id);
  }

  async say(text) {
    return this.#say({ text });
  }

  async sendArticle(article) {
    return this.#say({ article });
  }

  async checklist(checklist) {
    const steps = checklist?.steps.map((text) => ({ text, done: false }));
    this.#world.tell("call_checklist", { checklist: checklist && { title: checklist.title, steps } });
  }

  async step(step, done) {
    const { title, steps } = this.call.checklist;
    const ticked = steps.map((entry, index) => (index === step ? { ...entry, done } : entry));
    this.#world.tell("call_checklist", { checklist: { title, steps: ticked } });
  }

  async #say(what) {
    const person = this.call.people.find(({ identity }) => identity === this.identity);
    const message = {
      id: this.#world.newId(), by: { identity: this.identity, name: person.name, side: person.side }, at: Date.now(),
      text: null, article: null, file: null, ...what,
    };
    this.#world.tell("call_message", { message });
    return message;
  }
}
