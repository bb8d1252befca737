/**
 * A pretended HelpLine for the widget: `?help=` in the address says which situation of a call to play. Served in place of
 * web/sdk/help.js when the address of the page has that word.
 */
import { Emitter } from "./emitter.js";
import { LianmaiError } from "./errors.js";
import { picture, silence } from "./fake-pictures.js";
import { LocalTrack, RemoteTrack } from "./tracks.js";

const words = new Set((new URLSearchParams(location.search).get("help") ?? "").split(","));
const zh = !new URLSearchParams(location.search).get("en");
const AGENT = { identity: "a-1", name: zh ? "陈嘉木" : "Grace Chen", role: "agent", side: "agent", mode: "full", peer: "p-agent", state: "connected" };
const SECOND = { identity: "a-2", name: zh ? "周子衡" : "Noah Zhou", role: "agent", side: "agent", mode: "full", peer: "p-agent2", state: "connected" };
const NOW = Date.now();

function queues() {
  const title = zh ? "数码客服" : "Electronics";
  const closed = words.has("closed");
  const estimate = words.has("unknown") ? null : words.has("ready") ? { low_s: 5, high_s: 20 } : { low_s: 70, high_s: 190 };
  return [{ name: "digital", title, open: !closed, opens_at: closed ? NOW + 14 * 3600_000 : null, waiting: words.has("ready") ? 0 : 3, agents: 3, estimate, full: words.has("busy") }];
}

function baseCall() {
  const media = words.has("text") ? "text" : words.has("voice") ? "voice" : "video";
  return {
    id: "c1", room: "help", queue: "digital", queue_title: queues()[0].title, direction: "in", media, state: "waiting",
    created: NOW, answered: null, ended: null, outcome: null, end_reason: null,
    position: words.has("next") ? 1 : 3, estimate: queues()[0].estimate, ring_until: null, held_by: null,
    topic: words.has("said") ? (zh ? "左耳没有声音，重新配对也不行" : "No sound on the left side, pairing again did not help") : "",
    shopper: { identity: "me", name: "我", peer: "p-self", state: "connected" },
    people: [{ identity: "me", name: "我", role: "shopper", side: "shopper", mode: "full", peer: "p-self", state: "connected" }],
    transfer: null, escalation: null, messages: [], marks: [], frame: null, checklist: null, device: null, rating: null,
  };
}

function message(id, side, fields) {
  const by = side === "agent" ? { identity: AGENT.identity, name: AGENT.name, side } : { identity: "me", name: "我", side };
  return { id, by, at: NOW - 60_000, text: null, article: null, file: null, ...fields };
}

function planned() {
  const call = baseCall();
  const me = call.people[0];
  if (words.has("handed")) return { ...call, answered: NOW - 83_000, position: 1 };
  if (words.has("ringing")) return { ...call, state: "ringing", people: [me, { ...AGENT, mode: "ring" }] };
  if (words.has("incoming")) {
    const topic = zh ? "刚才的耳机有货了，带你看一下" : "Your headphones are back in stock, let me show you";
    return { ...call, direction: "out", state: "ringing", topic, people: [{ ...me, mode: "ring" }, AGENT] };
  }
  const chat = [
    message("m1", "shopper", { text: zh ? "左耳没有声音，重新配对也不行" : "No sound on the left side, pairing again did not help" }),
    message("m2", "agent", { text: zh ? "别着急，我们先恢复出厂设置：长按两侧 10 秒。" : "No worries, let us reset it: hold both sides for 10 seconds." }),
    message("m3", "agent", { article: { title: zh ? "恢复出厂设置（图解）" : "How to reset, step by step", url: "https://example.com/reset" } }),
    message("m4", "shopper", { text: zh ? "好的，我试一下" : "OK, trying" }),
  ];
  const talk = { ...call, state: "active", answered: NOW - 83_000, people: [me, AGENT], position: null, estimate: null, messages: chat };
  if (words.has("checklist")) talk.checklist = { title: zh ? "恢复出厂设置" : "Reset", steps: [{ text: zh ? "放进充电盒" : "Put both into the case", done: true }, { text: zh ? "长按两侧 10 秒" : "Hold both sides for 10 s", done: false }, { text: zh ? "打开手机蓝牙" : "Turn on Bluetooth", done: false }] };
  if (words.has("second")) talk.people = [me, AGENT, SECOND];
  if (words.has("hold")) return { ...talk, state: "on_hold", held_by: AGENT.identity, people: [{ ...me, mode: "hold" }, AGENT] };
  if (words.has("transfer")) return { ...talk, transfer: { kind: "identity", to: SECOND.identity, name: SECOND.name, warm: false, state: "ringing" } };
  if (words.has("warm")) return { ...talk, transfer: { kind: "identity", to: SECOND.identity, name: SECOND.name, warm: true, state: "talking" } };
  if (words.has("agentcut")) return { ...talk, people: [me, { ...AGENT, state: "reconnecting" }] };
  if (words.has("consent")) return { ...talk, escalation: { state: "asking", consent: null } };
  if (words.has("offered")) return { ...talk, escalation: { state: "offered", consent: "video" } };
  if (words.has("onstage")) return { ...talk, escalation: { state: "on_stage", consent: "video" } };
  if (words.has("refused")) return { ...talk, escalation: { state: "refused", consent: "video", code: "stage_full" } };
  if (words.has("rate")) return { ...talk, state: "ended", ended: NOW, outcome: "completed" };
  if (words.has("expired")) return { ...call, state: "ended", ended: NOW, outcome: "expired" };
  if (words.has("cutoff")) return { ...talk, state: "ended", ended: NOW, outcome: "failed" };
  return words.has("call") ? talk : call;
}

export class HelpLine extends Emitter {
  call = null;
  pointers = new Map();
  #room;

  constructor(room) {
    super();
    this.#room = room;
    window.pretendedLine = this;
    room.publish = async (track, options) => {
      const quiet = async () => {};
      const local = new LocalTrack(track, options, {
        muteChanged: quiet, replaced: quiet, encodingChanged: quiet, holdChanged: quiet, lockChanged: () => {}, unpublish: quiet,
        error: (code) => new LianmaiError(code),
      });
      local.published(`own-${options.source}`);
      return local;
    };
    room.unpublish = async () => {};
    if (words.has("now")) setTimeout(() => this.#hear(planned()), 150);
    if (words.has("cut")) setTimeout(() => ((room.state = "reconnecting"), room.emit("state", { state: "reconnecting", error: null })), 900);
  }

  close() {}

  async status() {
    return { queues: queues(), files: { max_bytes: 10_000_000, types: ["image/jpeg"] } };
  }

  async ask() {
    await new Promise((resolve) => setTimeout(resolve, words.has("slow") ? 60_000 : 60));
    if (words.has("refuse")) throw new LianmaiError("connection_failed");
    this.#hear(planned());
    return this.call;
  }

  async setMedia(media) {
    this.#hear({ ...this.call, media });
  }

  async answer() {
    words.delete("incoming");
    words.add("call");
    this.#hear({ ...planned(), direction: "out" });
  }

  async decline() {}

  async end() {
    this.#hear({ ...this.call, state: "ended", ended: Date.now(), outcome: this.call.answered ? "completed" : "abandoned" });
  }

  async say(text) {
    this.#hear({ ...this.call, messages: [...this.call.messages, message(`m${Date.now()}`, "shopper", { text })] });
  }

  async consent(consent) {
    this.#hear({ ...this.call, escalation: { state: consent === "no" ? "declined" : "offered", consent } });
  }

  async deescalate() {
    this.#hear({ ...this.call, escalation: null });
  }

  async rate() {}
  async leaveCallback({ at }) {
    if (this.call) this.#hear({ ...this.call, state: "ended", outcome: "callback", ended: Date.now() });
    return { id: "cb", at, queue: "digital" };
  }

  async sendFile() {}
  async tellDevice() {}
  async mark() {}
  async clear() {}
  point() {}
  async freeze() {}
  async fetchFile() {
    return new Blob();
  }

  ask_device(ask) {
    this.emit("device", { ask, value: null });
  }

  #hear(call) {
    const previous = this.call;
    this.call = call;
    if (call.state === "active" || call.state === "on_hold") this.#pictures(call);
    this.emit("call", { call, previous });
  }

  #pictures(call) {
    if (this.#room.tracks.has("t-agent")) return;
    const add = (id, peer, source, media) => {
      const info = { id, peer, kind: media.kind, source, muted: false, flowing: true };
      this.#room.tracks.set(id, new RemoteTrack(info, media));
    };
    if (call.media === "video" && !words.has("nopicture")) {
      if (!words.has("second")) add("t-agent", "p-agent", "camera", picture({ shape: [720, 960], hue: 0 }, "camera"));
      else {
        add("t-agent", "p-agent", "camera", picture({ shape: [720, 960], hue: 0 }, "camera"));
        add("t-agent2", "p-agent2", "camera", picture({ hue: 120 }, "camera"));
      }
      if (words.has("screen")) add("t-screen", "p-agent", "screen", picture({}, "screen"));
    }
    if (call.media !== "text") add("t-voice", "p-agent", "microphone", silence());
    this.#room.emit("track", {});
  }
}
