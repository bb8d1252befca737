/**
 * How well things arrive here: figures from getStats, a quality 0-3 with its reason, and the report to the server.
 * Judging is pure; DownlinkMonitor is the clockwork around it.
 * @module
 */

/** @typedef {import("./env.js").Env} Env */
/** @typedef {import("./types.js").Quality} Quality */
/** @typedef {import("./types.js").QualityReason} QualityReason */
/** @typedef {{ quality: Quality, reason: QualityReason }} Verdict */

/**
 * Counters of one received track at one moment.
 * @typedef {object} TrackSample
 * @property {string} media the MediaStreamTrack's id
 * @property {"audio" | "video"} kind
 * @property {number} received packets
 * @property {number} lost packets
 * @property {number} bytes
 * @property {number} jitterMs RFC 3550 interarrival jitter
 * @property {number} freezes
 * @property {number} freezeMs
 * @property {number} decoded frames
 * @property {number} decodeMs spent decoding, in total
 * @property {number} fps
 * @property {number} width
 * @property {number} height
 */

/** @typedef {{ at: number, rttMs: number | null, tracks: TrackSample[] }} Sample */

/**
 * What happened between two samples.
 * @typedef {object} Figures
 * @property {boolean} flowing something that should arrive does
 * @property {number} loss 0-1
 * @property {number} jitterMs worst track
 * @property {number | null} rttMs
 * @property {number} frozen share of the time 0-1 that the worst picture stood
 * @property {number} bitrateBps
 */

const POLL_MS = 2_500;
const POLLS_PER_REPORT = 2;
const BETTER_AFTER = 3;

/** From which value on a figure means [fair, poor]. */
const LIMITS = Object.freeze({ loss: [0.03, 0.1], frozen: [0.02, 0.2], jitterMs: [50, 120], rttMs: [300, 700] });

/**
 * @param {Iterable<Record<string, any>>} stats entries of an RTCStatsReport
 * @param {number} at ms
 * @returns {Sample}
 */
export function sample(stats, at) {
  /** @type {TrackSample[]} */
  const tracks = [];
  /** @type {number | null} */
  let rttMs = null;
  for (const entry of stats) {
    if (entry["type"] === "candidate-pair" && entry["nominated"] && entry["state"] === "succeeded") {
      if (typeof entry["currentRoundTripTime"] === "number") rttMs = entry["currentRoundTripTime"] * 1000;
    } else if (entry["type"] === "inbound-rtp") {
      tracks.push(trackSample(entry));
    }
  }
  return { at, rttMs, tracks };
}

/**
 * @param {Record<string, any>} entry
 * @returns {TrackSample}
 */
function trackSample(entry) {
  const number = (/** @type {string} */ key) => (typeof entry[key] === "number" ? entry[key] : 0);
  return {
    media: String(entry["trackIdentifier"] ?? ""),
    kind: entry["kind"] === "video" ? "video" : "audio",
    received: number("packetsReceived"),
    lost: number("packetsLost"),
    bytes: number("bytesReceived"),
    jitterMs: number("jitter") * 1000,
    freezes: number("freezeCount"),
    freezeMs: number("totalFreezesDuration") * 1000,
    decoded: number("framesDecoded"),
    decodeMs: number("totalDecodeTime") * 1000,
    fps: number("framesPerSecond"),
    width: number("frameWidth"),
    height: number("frameHeight"),
  };
}

/**
 * @param {Sample} before
 * @param {Sample} after
 * @param {(media: string) => boolean} expected whether packets of this track should be coming (not muted)
 * @param {(media: string) => boolean} steady whether they should have been all the time since `before`: when a muted
 *   picture moves again browsers count the silence as a freeze
 * @returns {Figures | null} null when nothing is expected, so that there is nothing to judge
 */
export function compare(before, after, expected = () => true, steady = () => true) {
  const elapsedMs = after.at - before.at;
  const wanted = after.tracks.filter(({ media }) => expected(media));
  if (elapsedMs <= 0 || wanted.length === 0) return null;
  let received = 0;
  let lost = 0;
  let bytes = 0;
  let jitterMs = 0;
  let frozen = 0;
  for (const track of wanted) {
    const old = before.tracks.find(({ media }) => media === track.media);
    const got = track.received - (old?.received ?? 0);
    received += got;
    lost += Math.max(0, track.lost - (old?.lost ?? 0));
    bytes += track.bytes - (old?.bytes ?? 0);
    // A picture that has only just begun is judged from its next sample on.
    if (!old || !steady(track.media)) continue;
    if (got > 0) jitterMs = Math.max(jitterMs, track.jitterMs);
    frozen = Math.max(frozen, (track.freezeMs - old.freezeMs) / elapsedMs);
  }
  return {
    flowing: received > 0,
    loss: received + lost > 0 ? lost / (received + lost) : 0,
    jitterMs,
    rttMs: after.rttMs,
    frozen: Math.min(1, Math.max(0, frozen)),
    bitrateBps: Math.max(0, Math.round((bytes * 8000) / elapsedMs)),
  };
}

/**
 * The worst figure decides; among equals the one that people notice most.
 * @param {Figures} figures
 * @returns {Verdict}
 */
export function judge(figures) {
  if (!figures.flowing) return { quality: 0, reason: "none" };
  /** @type {[QualityReason, Quality][]} */
  const grades = [
    ["loss", grade(figures.loss, LIMITS.loss)],
    ["jitter", grade(figures.jitterMs, LIMITS.jitterMs)],
    ["rtt", grade(figures.rttMs ?? 0, LIMITS.rttMs)],
    // Freezes come last: loss or jitter of the same grade is what caused them, and says more.
    ["freeze", grade(figures.frozen, LIMITS.frozen)],
  ];
  /** @type {Verdict} */
  let worst = { quality: 3, reason: "good" };
  for (const [reason, quality] of grades) if (quality < worst.quality) worst = { quality, reason };
  return worst;
}

/**
 * @param {number} value
 * @param {readonly number[]} limits
 * @returns {Quality}
 */
function grade(value, limits) {
  if (value >= (limits[1] ?? Infinity)) return 1;
  return value >= (limits[0] ?? Infinity) ? 2 : 3;
}

/** Worse is shown at once; better only after three samples in a row, so that bars do not flicker. */
export class Smoother {
  /** @type {Verdict | null} */
  #shown = null;
  #better = 0;

  /**
   * @param {Verdict} verdict
   * @returns {Verdict} what to show
   */
  add(verdict) {
    const shown = this.#shown;
    if (!shown || verdict.quality <= shown.quality) {
      this.#better = 0;
      this.#shown = verdict;
    } else if (++this.#better >= BETTER_AFTER) {
      this.#better = 0;
      this.#shown = verdict;
    }
    return this.#shown ?? verdict;
  }

  reset() {
    this.#shown = null;
    this.#better = 0;
  }
}

/**
 * One track's line in a `report`: what changed since the report before.
 * @param {string} track
 * @param {TrackSample} now
 * @param {TrackSample | undefined} last
 * @returns {{ track: string, freezes: number, freeze_ms: number, fps: number, width: number, height: number,
 *   jitter_ms: number, decode_ms: number }}
 */
export function reportLine(track, now, last) {
  const decoded = now.decoded - (last?.decoded ?? 0);
  return {
    track,
    freezes: Math.max(0, now.freezes - (last?.freezes ?? 0)),
    freeze_ms: round(Math.max(0, now.freezeMs - (last?.freezeMs ?? 0))),
    fps: round(Math.max(0, now.fps)),
    width: Math.round(now.width),
    height: Math.round(now.height),
    jitter_ms: round(now.jitterMs),
    decode_ms: decoded > 0 ? round(Math.max(0, now.decodeMs - (last?.decodeMs ?? 0)) / decoded) : 0,
  };
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}

/**
 * @typedef {object} MonitorOptions
 * @property {Env} env
 * @property {() => RTCPeerConnection | null} peer
 * @property {() => { id: string, media: string, expected: boolean }[]} tracks what is received now
 * @property {(lines: ReturnType<typeof reportLine>[]) => void} report
 * @property {(verdict: Verdict, figures: Figures) => void} onQuality every poll; compare to find changes
 */

/** Polls getStats every 2.5 s while there is something to receive; reports every 5 s. */
export class DownlinkMonitor {
  #options;
  #env;
  #smoother = new Smoother();
  /** @type {Sample | null} */
  #before = null;
  /** MediaStreamTracks that were expected to flow at the last poll. @type {Set<string>} */
  #expected = new Set();
  /** What the last report said, or where counting began again. @type {Map<string, TrackSample>} by track id */
  #reported = new Map();
  #polls = 0;
  #timer = 0;

  /** @param {MonitorOptions} options */
  constructor(options) {
    this.#options = options;
    this.#env = options.env;
  }

  start() {
    if (this.#timer) return;
    this.#timer = this.#env.setTimeout(() => void this.#tick(), POLL_MS);
  }

  stop() {
    this.#env.clearTimeout(this.#timer);
    this.#timer = 0;
    this.#before = null;
    this.#smoother.reset();
  }

  async #tick() {
    const timer = this.#timer;
    const peer = this.#options.peer();
    const tracks = this.#options.tracks();
    if (peer && tracks.length > 0) {
      try {
        this.#look(sample((await peer.getStats()).values(), this.#env.now()), tracks);
      } catch {
        // The RTCPeerConnection was closed meanwhile; its successor is asked next time.
      }
    } else {
      this.#before = null;
    }
    if (this.#timer !== timer) return;
    this.#timer = 0;
    this.start();
  }

  /**
   * @param {Sample} after
   * @param {{ id: string, media: string, expected: boolean }[]} tracks
   */
  #look(after, tracks) {
    const before = this.#before;
    const seen = this.#env.visible();
    // A page in the background draws nothing, and its browser counts that as frozen: judge only what was seen.
    const expected = new Set(seen ? tracks.filter((track) => track.expected).map(({ media }) => media) : []);
    const steady = (/** @type {string} */ media) => expected.has(media) && this.#expected.has(media);
    const figures = before && compare(before, after, (media) => expected.has(media), steady);
    this.#rebase(after, tracks, steady);
    this.#before = after;
    this.#expected = expected;
    if (figures) this.#options.onQuality(this.#smoother.add(judge(figures)), figures);
    if (++this.#polls % POLLS_PER_REPORT === 0 && seen) this.#report(after, tracks);
  }

  /**
   * Forget what a track that was not expected to flow seems to have suffered.
   * @param {Sample} now
   * @param {{ id: string, media: string }[]} tracks
   * @param {(media: string) => boolean} steady
   */
  #rebase(now, tracks, steady) {
    const present = new Set(tracks.map(({ id }) => id));
    for (const id of this.#reported.keys()) if (!present.has(id)) this.#reported.delete(id);
    for (const { id, media } of tracks) {
      const found = now.tracks.find((entry) => entry.media === media);
      if (found && (!steady(media) || !this.#reported.has(id))) this.#reported.set(id, found);
    }
  }

  /**
   * @param {Sample} now
   * @param {{ id: string, media: string }[]} tracks
   */
  #report(now, tracks) {
    const lines = [];
    for (const { id, media } of tracks) {
      const found = now.tracks.find((entry) => entry.media === media);
      if (!found) continue;
      lines.push(reportLine(id, found, this.#reported.get(id)));
      this.#reported.set(id, found);
    }
    if (lines.length > 0) this.#options.report(lines);
  }
}
