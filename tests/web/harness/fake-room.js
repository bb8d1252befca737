/**
 * A pretended LianmaiRoom: `?state=` in the address says which situation to play. Served in place of
 * web/sdk/lianmai.js by serve.mjs; the rest of the SDK (players, devices, meters) is the real one.
 */
import { Emitter } from "./emitter.js";
import { LianmaiError } from "./errors.js";
import { LocalTrack, RemoteTrack } from "./tracks.js";

export { LianmaiError, LocalTrack, RemoteTrack };

const LONG = "林小满的江南手作与春季新品专场直播间官方旗舰店";
const query = new URLSearchParams(location.search);
const state = query.get("state") ?? "live";

/** What each state's room looks like; see `build`. */
const PLANS = {
  connecting: { hang: true },
  expired: { refuse: "token_expired" },
  full: { refuse: "room_full" },
  gone: { refuse: "room_not_found" },
  odd: { refuse: "brand_new_code" },
  idle: { show: "idle", people: [], viewers: 3 },
  idlehost: { show: "idle", people: [{ name: "林小满", sources: [] }], viewers: 12 },
  waiting: { people: [{ name: "林小满" }], viewers: 12, deaf: true },
  silent: { people: [{ name: "林小满", sources: [] }], viewers: 12 },
  live: { people: [{ name: "林小满" }], viewers: 328, title: "春季新品专场" },
  english: { people: [{ name: "Maya Collins" }], viewers: 1 },
  long: { people: [{ name: LONG }], viewers: 0 },
  many: { people: [{ name: "Alexandria Montgomery-Featherstonehaugh Official Store" }], viewers: 128734 },
  portrait: { people: [{ name: "林小满", shape: [720, 1280] }], viewers: 2048 },
  bright: { people: [{ name: "林小满", bright: true }], viewers: 2048 },
  blocked: { people: [{ name: "林小满" }], viewers: 328, blocked: true },
  poor: { people: [{ name: "林小满" }], viewers: 328, downlink: { quality: 1, reason: "loss" } },
  fair: { people: [{ name: "林小满" }], viewers: 328, downlink: { quality: 2, reason: "jitter" } },
  cut: { people: [{ name: "林小满" }], viewers: 328, then: "reconnecting" },
  away: { people: [{ name: "林小满", connected: false }], viewers: 328, then: "away" },
  ended: { show: "ended", people: [], viewers: 301 },
  replaced: { people: [{ name: "林小满" }], viewers: 2, then: "bye" },
  audio: { people: [{ name: "林小满", cameraMuted: true }], viewers: 328 },
  unplayable: { people: [{ name: "林小满" }], viewers: 328, deaf: true, unavailable: true },
  screen: { people: [{ name: "林小满", sources: ["camera", "microphone", "screen"] }], viewers: 40 },
  two: { people: [{ name: "林小满" }, { name: "陈嘉木", role: "guest", bright: true }], viewers: 328 },
  six: {
    people: ["林小满", "陈嘉木", "Maya Collins", LONG, "Óscar", "王"].map((name, index) => ({
      name,
      role: index ? "guest" : "host",
      cameraMuted: index === 3,
      bright: index === 2,
    })),
    viewers: 5120,
  },
  studio: { show: "idle", people: [], viewers: 7 },
  empty: { show: "idle", people: [], viewers: 0 },
  resume: { show: "live", people: [], viewers: 56 },
  onair: { show: "idle", people: [], viewers: 56, uplink: { quality: 3, reason: "good", bitrate_bps: 2_480_000, loss: 0.001, rtt_ms: 24 } },
  weak: { show: "idle", people: [], viewers: 56, uplink: { quality: 1, reason: "loss", bitrate_bps: 640_000, loss: 0.123, rtt_ms: 310 } },
  measuring: { show: "idle", people: [], viewers: 0 },
  studiocut: { show: "idle", people: [], viewers: 56, cutAfterStart: true },
};

export class LianmaiRoom extends Emitter {
  state = "idle";
  /** @type {any} */
  self = null;
  tracks = new Map();
  locale = "en";
  #plan = PLANS[state] ?? PLANS.live;
  info = { name: "", title: "", state: "idle", since: 0, viewers: 0, peers: [], tracks: [], speakers: [] };
  #token;

  constructor({ token }) {
    super();
    this.#token = token;
    window.pretendedRoom = this;
  }

  async join() {
    const plan = this.#plan;
    this.#become("connecting");
    await this.#token();
    if (plan.hang) await new Promise(() => {});
    if (plan.refuse) {
      this.#become("closed");
      throw new LianmaiError(plan.refuse, "The server's own sentence about it.");
    }
    this.self = { peer: "p-self", identity: "me", name: query.get("name") ?? "林小满", role: "host", grants: {} };
    this.#build(plan);
    this.#become("joined");
    if (plan.downlink !== undefined || plan.people?.length) {
      this.emit("downlink", plan.downlink ?? { quality: 3, reason: "good" });
    }
    if (plan.blocked) this.#block();
    if (plan.unavailable) this.emit("trackunavailable", { track: "t", code: "codec_unsupported", message: "" });
    if (plan.then) setTimeout(() => this.#then(plan.then), 900);
  }

  async publish(track, options) {
    return new LocalTrack(track, options, {
      muteChanged: async () => {},
      replaced: async () => {},
      encodingChanged: async () => {},
      unpublish: async () => {},
    });
  }

  async unpublish(track) {
    track.release();
  }

  async startShow() {
    this.#inform({ state: "live", since: Date.now() - 754_000 });
    if (this.#plan.uplink) setTimeout(() => this.emit("uplink", this.#plan.uplink), 50);
    if (this.#plan.cutAfterStart) setTimeout(() => this.#become("reconnecting"), 400);
  }

  async endShow() {
    this.#inform({ state: "ended" });
  }

  async leave() {}

  #become(next) {
    this.state = next;
    this.emit("state", { state: next, error: null });
  }

  #inform(change) {
    const previous = this.info;
    this.info = { ...this.info, ...change };
    this.emit("room", { info: this.info, previous });
  }

  #then(what) {
    if (what === "reconnecting") this.#become("reconnecting");
    else if (what === "away") this.#inform({ state: "away", away_until: Date.now() + 24_400 });
    else this.emit("bye", { code: "identity_replaced", message: "" });
  }

  /** Browsers block sound only without a gesture and headless ones not at all: say it as a player would. */
  #block() {
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () {
      if (this.muted || navigator.userActivation?.hasBeenActive) return play.call(this);
      return Promise.reject(new DOMException("pretended", "NotAllowedError"));
    };
  }

  #build({ show = "live", people, viewers, title = "", deaf }) {
    const peers = [];
    const tracks = [];
    people.forEach((person, index) => {
      const id = `p-${index}`;
      peers.push({ id, identity: id, name: person.name, role: person.role ?? "host", connected: person.connected ?? true });
      for (const source of person.sources ?? ["camera", "microphone"]) {
        const kind = source === "camera" || source === "screen" ? "video" : "audio";
        const muted = source === "camera" && Boolean(person.cameraMuted);
        const track = { id: `${id}-${source}`, peer: id, kind, source, muted, flowing: true };
        tracks.push(track);
        if (deaf) continue;
        const media = kind === "audio" ? silence() : picture(person, source);
        this.tracks.set(track.id, new RemoteTrack(track, media));
      }
    });
    this.info = {
      name: "demo",
      title,
      state: show,
      since: Date.now() - 754_000,
      viewers,
      peers,
      tracks,
      speakers: people.length > 1 ? ["p-1"] : [],
    };
    this.emit("room", { info: this.info, previous: this.info });
    for (const track of this.tracks.values()) this.emit("track", { track });
  }
}

function silence() {
  const context = new AudioContext();
  const out = context.createMediaStreamDestination();
  const tone = context.createOscillator();
  const gain = context.createGain();
  gain.gain.value = 0;
  tone.connect(gain).connect(out);
  tone.start();
  return out.stream.getAudioTracks()[0];
}

function picture({ shape = [1280, 720], bright = false }, source) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = source === "screen" ? [1600, 900] : shape;
  const draw = source === "screen" ? drawSlides : drawRoom;
  const pen = canvas.getContext("2d");
  let tick = 0;
  const step = () => draw(pen, canvas.width, canvas.height, (tick += 1), bright);
  step();
  setInterval(step, 100);
  return canvas.captureStream(10).getVideoTracks()[0];
}

function drawRoom(pen, w, h, tick, bright) {
  const wall = pen.createLinearGradient(0, 0, w, h);
  wall.addColorStop(0, bright ? "#fdfdfb" : "#e9cdb4");
  wall.addColorStop(1, bright ? "#f0eee8" : "#a3674d");
  pen.fillStyle = wall;
  pen.fillRect(0, 0, w, h);
  pen.fillStyle = bright ? "#d9d4c8" : "#7d4a37";
  pen.fillRect(0, h * 0.78, w, h * 0.22);
  const middle = w / 2 + Math.sin(tick / 14) * w * 0.01;
  const unit = Math.min(w, h);
  pen.fillStyle = "#2d3a55";
  pen.beginPath();
  pen.ellipse(middle, h * 0.98, unit * 0.36, unit * 0.42, 0, Math.PI, 0);
  pen.fill();
  pen.fillStyle = "#f2c9a8";
  pen.fillRect(middle - unit * 0.05, h * 0.42 + unit * 0.08, unit * 0.1, unit * 0.16);
  pen.beginPath();
  pen.ellipse(middle, h * 0.42, unit * 0.125, unit * 0.16, 0, 0, Math.PI * 2);
  pen.fill();
  pen.fillStyle = "#2a1c18";
  pen.beginPath();
  pen.ellipse(middle, h * 0.42 - unit * 0.06, unit * 0.15, unit * 0.13, 0, Math.PI, 0);
  pen.fill();
  pen.fillStyle = "#ff5a3c";
  pen.fillRect(middle + unit * 0.26, h * 0.56, unit * 0.13, unit * 0.2);
  pen.fillStyle = "#fff";
  pen.fillRect(middle + unit * 0.28, h * 0.6, unit * 0.09, unit * 0.05);
}

function drawSlides(pen, w, h, tick) {
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, w, h);
  pen.fillStyle = "#14171d";
  pen.font = "700 64px sans-serif";
  pen.fillText("Spring collection 2026", 90, 150);
  for (let column = 0; column < 6; column += 1) {
    const tall = 180 + 120 * Math.sin(column + tick / 20);
    pen.fillStyle = column % 2 ? "#3b82f6" : "#ff5a3c";
    pen.fillRect(110 + column * 230, h - 110 - tall, 150, tall);
  }
}
