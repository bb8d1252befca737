/** A browser for tests: virtual time, sockets whose other end is the test, and RTCPeerConnections that only book-keep. */

// Node 18 has EventTarget but no CustomEvent.
globalThis.CustomEvent ??= class CustomEvent extends Event {
  constructor(type, { detail = null } = {}) {
    super(type);
    this.detail = detail;
  }
};

/** Let everything that is already due happen: promise reactions, and what they start. */
export async function settle() {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

export class VirtualTime {
  now = 0;
  #next = 1;
  #timers = new Map();

  setTimeout = (run, ms) => {
    const id = this.#next++;
    this.#timers.set(id, { at: this.now + ms, run });
    return id;
  };

  clearTimeout = (id) => void this.#timers.delete(id);

  get pending() {
    return this.#timers.size;
  }

  /** Advance, running timers in order and letting promises settle between them. */
  async pass(ms) {
    const until = this.now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= until).sort(([i, a], [j, b]) => a.at - b.at || i - j)[0];
      if (!due) break;
      const [id, { at, run }] = due;
      this.#timers.delete(id);
      this.now = at;
      run();
      await settle();
    }
    this.now = until;
  }
}

/** One WebSocket; the test is its server. */
export class FakeSocket {
  readyState = 0;
  sent = [];
  closedWith = null;
  onopen = null;
  onmessage = null;
  onclose = null;

  constructor(url) {
    this.url = url;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.closedWith = code;
    this.readyState = 3;
  }

  // --- the server's end

  accept() {
    this.readyState = 1;
    this.onopen?.();
  }

  /** The network or the server ends it. */
  cut() {
    this.readyState = 3;
    this.onclose?.({ code: 1006 });
  }

  push(message) {
    this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }

  /** The requests of a type, oldest first. */
  requests(type) {
    return this.sent.filter((message) => message.type === type);
  }

  last(type) {
    return this.requests(type).at(-1);
  }

  reply(request, fields = {}) {
    this.push({ re: request.id, type: "ok", ...fields });
  }

  refuse(request, code, more = {}) {
    this.push({ re: request.id, type: "error", code, message: `no: ${code}`, ...more });
  }
}

export class FakeTrack extends EventTarget {
  static #count = 0;
  enabled = true;
  contentHint = "";
  readyState = "live";
  stopped = false;

  constructor(kind, id = `media-${++FakeTrack.#count}`) {
    super();
    this.kind = kind;
    this.id = id;
  }

  stop() {
    this.stopped = true;
    this.readyState = "ended";
  }

  unplug() {
    this.readyState = "ended";
    this.dispatchEvent(new Event("ended"));
  }
}

class FakeSender {
  parameters;

  constructor(track, encodings) {
    this.track = track;
    this.parameters = { encodings };
  }

  /** What was read last; anything else is refused, as browsers do. */
  #read = null;

  getParameters() {
    return (this.#read = structuredClone(this.parameters));
  }

  async setParameters(parameters) {
    if (parameters !== this.#read) throw new Error("InvalidModificationError");
    await new Promise((resolve) => setImmediate(resolve));
    this.#read = null;
    this.parameters = structuredClone(parameters);
  }

  async replaceTrack(track) {
    this.track = track;
  }
}

/** Follows the offer/answer state machine and gives mids the way browsers do. */
export class FakePeer extends EventTarget {
  connectionState = "new";
  iceConnectionState = "new";
  signalingState = "stable";
  localDescription = null;
  remoteDescription = null;
  transceivers = [];
  closed = false;
  /** Names of the calls, to see their order. */
  log = [];
  iceRestarts = 0;
  offers = 0;
  failNext = null;
  stats = [];

  constructor(config) {
    super();
    this.config = config;
  }

  /** Given their mid by the present offer. */
  #fresh = [];

  addTransceiver(trackOrKind, init) {
    const track = typeof trackOrKind === "string" ? null : trackOrKind;
    const transceiver = {
      mid: null,
      stopped: false,
      direction: init.direction,
      sender: new FakeSender(track, init.sendEncodings),
      receiver: { track: new FakeTrack(track?.kind ?? trackOrKind) },
      stop() {
        this.stopped = true;
      },
    };
    this.transceivers.push(transceiver);
    return transceiver;
  }

  getTransceivers() {
    return this.transceivers;
  }

  async createOffer(options = {}) {
    this.#call("createOffer");
    if (options.iceRestart) this.iceRestarts++;
    return { type: "offer", sdp: `offer ${++this.offers} ${options.iceRestart ? "restart" : ""}` };
  }

  async createAnswer() {
    this.#call("createAnswer");
    return { type: "answer", sdp: `answer to ${this.remoteDescription.sdp}` };
  }

  async setLocalDescription(description) {
    this.#call(`setLocalDescription ${description.type}`);
    if (description.type === "rollback") {
      this.signalingState = "stable";
      for (const transceiver of this.#fresh.splice(0)) transceiver.mid = null;
      return;
    }
    await Promise.resolve();
    this.localDescription = description;
    this.signalingState = description.type === "offer" ? "have-local-offer" : "stable";
    this.transceivers.forEach((transceiver, index) => {
      if (transceiver.stopped || transceiver.mid !== null) return;
      transceiver.mid = String(index);
      this.#fresh.push(transceiver);
    });
  }

  async setRemoteDescription(description) {
    this.#call(`setRemoteDescription ${description.type}`);
    await Promise.resolve();
    this.remoteDescription = description;
    this.#fresh = [];
    this.signalingState = description.type === "offer" ? "have-remote-offer" : "stable";
    if (description.type !== "offer") return;
    // In these tests a server's SDP is just its list of "mid:kind".
    for (const line of description.sdp.split(" ")) {
      const [mid, kind] = line.split(":");
      if (!kind || this.transceivers.some((transceiver) => transceiver.mid === mid)) continue;
      this.transceivers.push({ mid, receiver: { track: new FakeTrack(kind) }, sender: null, stop() {} });
    }
  }

  async getStats() {
    return new Map(this.stats.map((entry, index) => [index, entry]));
  }

  close() {
    this.closed = true;
    this.connectionState = this.iceConnectionState = "closed";
  }

  // --- the network's end

  /** @param {string} ice @param {string} [connection] */
  become(ice, connection = ice) {
    this.iceConnectionState = ice;
    this.connectionState = connection;
    this.dispatchEvent(new Event("iceconnectionstatechange"));
    this.dispatchEvent(new Event("connectionstatechange"));
  }

  #call(name) {
    if (this.closed) throw new Error(`${name} on a closed peer`);
    this.log.push(name);
    if (this.failNext && name.startsWith(this.failNext)) {
      this.failNext = null;
      throw new Error(`${name} failed`);
    }
  }
}

/** The whole environment, with handles on everything it made. */
export class FakeBrowser {
  time = new VirtualTime();
  sockets = [];
  peers = [];
  shown = true;
  connected = true;
  /** What Math.random gives. */
  chance = 0.5;
  #listeners = new Set();

  env = {
    now: () => this.time.now,
    setTimeout: this.time.setTimeout,
    clearTimeout: this.time.clearTimeout,
    random: () => this.chance,
    openSocket: (url) => {
      const socket = new FakeSocket(url);
      this.sockets.push(socket);
      return socket;
    },
    openPeer: (config) => {
      const peer = new FakePeer(config);
      this.peers.push(peer);
      return peer;
    },
    decodable: () => ["audio/opus", "video/VP8"],
    visible: () => this.shown,
    online: () => this.connected,
    onPage: (run) => {
      this.#listeners.add(run);
      return () => this.#listeners.delete(run);
    },
  };

  get socket() {
    return this.sockets.at(-1);
  }

  get peer() {
    return this.peers.at(-1);
  }

  get listeners() {
    return this.#listeners.size;
  }

  page(change) {
    for (const run of this.#listeners) run(change);
  }
}

/** The fields of a join reply. */
export function welcome(more = {}) {
  return {
    peer: "p1",
    resume_key: "k1",
    resumed: false,
    seq: 0,
    room: { name: "r", title: "R", state: "live", since: 1, viewers: 1, peers: [], tracks: [], speakers: [] },
    self: { identity: "me", name: "Me", role: "viewer", grants: {} },
    limits: {},
    server_time: Date.now(),
    ...more,
  };
}

/** Accept the newest socket and answer its join. */
export async function joinWith(browser, more = {}) {
  await settle();
  const { socket } = browser;
  socket.accept();
  await settle();
  const join = socket.last("join");
  socket.reply(join, welcome(more));
  await settle();
  return join;
}

/** Collect the details of events. */
export function record(emitter, ...types) {
  const seen = [];
  for (const type of types) emitter.addEventListener(type, (event) => seen.push({ type, ...event.detail }));
  return seen;
}

/** The code a promise rejects with. */
export async function codeOf(promise) {
  try {
    await promise;
    return "resolved";
  } catch (error) {
    return error.code ?? error.message;
  }
}
