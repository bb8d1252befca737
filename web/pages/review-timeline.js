/** A recording's events as lanes of spans, dots and lines on one axis; zoom, hit testing and moves by keys. Pure. */
import { clamp, merged } from "./review-clock.js";
import { MarkReplay } from "./review-marks.js";

/**
 * @typedef {import("./review-model.js").Recording} Recording
 * @typedef {import("./review-model.js").TimelineEvent} TimelineEvent
 * @typedef {import("./review-model.js").Comment} Comment
 * @typedef {"call" | "recording" | "voice" | "network" | "marks" | "chat" | "findings" | "comments"} LaneKind
 */

/**
 * @typedef {object} Block
 * @property {number} from seconds of the recording
 * @property {number} to
 * @property {string} kind of what it shows
 * @property {string} [identity] whose
 * @property {string} [text] words of a person
 * @property {string} [id] of a comment
 */

/** @typedef {{ t: number, kind: string, identity?: string, text?: string, id?: string }} Dot */
/** @typedef {{ t: number, bitrate: number, loss: number, rtt: number, freezes: number }} Sample bps, share, ms, count */

/**
 * @typedef {object} Lane
 * @property {string} id
 * @property {LaneKind} kind
 * @property {string | null} identity
 * @property {number} height pixels
 * @property {Block[]} blocks
 * @property {Dot[]} dots
 * @property {Sample[]} line
 */

/** @typedef {{ from: number, to: number }} View what of the recording is seen, seconds */

const HEIGHTS = Object.freeze({ call: 22, recording: 16, voice: 26, network: 30, marks: 18, chat: 16, findings: 18, comments: 18 });
export const LANE_GAP = 4;
/** No closer than this many seconds across the whole width. */
const MIN_SPAN_S = 4;
/** A dot is hit this many pixels around it; a block is at least this wide. */
const REACH_PX = 6;
/** Lines of one person's network are cut where nothing was said for so long. */
export const QUIET_S = 12;

/**
 * @param {Recording} recording
 * @param {readonly TimelineEvent[]} events ascending
 * @param {readonly Comment[]} comments
 * @returns {Lane[]}
 */
export function lanesOf(recording, events, comments) {
  const end = recording.duration_s;
  const lanes = [callLane(events, end), recordingLane(recording, events, end)];
  const shown = recording.people.filter(({ identity }) => recording.tracks.some((track) => track.identity === identity) || events.some((event) => event.identity === identity && event.kind === "joined"));
  for (const { identity } of shown) {
    lanes.push(voiceLane(recording, events, identity, end));
    lanes.push(networkLane(events, identity, end));
  }
  lanes.push(marksLane(events, end));
  lanes.push(lane("chat", null, [], events.filter(({ kind }) => kind === "chat" || kind === "note").map(dotOf)));
  lanes.push(lane("findings", null, recording.findings.map(({ from, to, kind, identity }) => ({ from, to: Math.max(to, from), kind, ...(identity ? { identity } : {}) }))));
  const said = comments.filter(({ parent }) => parent === null);
  lanes.push(
    lane(
      "comments",
      null,
      said.filter(({ to }) => to !== null).map((comment) => ({ from: comment.from, to: comment.to ?? comment.from, kind: comment.shared ? "shared" : "private", text: comment.text, id: comment.id })),
      said.filter(({ to }) => to === null).map((comment) => ({ t: comment.from, kind: comment.shared ? "shared" : "private", text: comment.text, id: comment.id })),
    ),
  );
  return lanes.filter(({ kind, blocks, dots, line }) => kind === "voice" || blocks.length + dots.length + line.length > 0);
}

/** @param {LaneKind} kind @param {string | null} identity @param {Block[]} [blocks] @param {Dot[]} [dots] @param {Sample[]} [line] @returns {Lane} */
function lane(kind, identity, blocks = [], dots = [], line = []) {
  return { id: identity === null ? kind : `${kind}:${identity}`, kind, identity, height: HEIGHTS[kind], blocks, dots, line };
}

/** @param {TimelineEvent} event @returns {Dot} */
function dotOf({ t, kind, identity, ...more }) {
  return { t, kind, ...(identity ? { identity } : {}), ...(typeof more["text"] === "string" ? { text: more["text"] } : {}) };
}

/**
 * Pairs of events as blocks: what is open at the end lasts to the end.
 * @param {readonly TimelineEvent[]} events
 * @param {Readonly<Record<string, { kind: string } | null>>} steps what each event begins; null: it ends what is open
 * @param {number} end
 * @returns {Block[]}
 */
function phases(events, steps, end) {
  /** @type {Block[]} */
  const out = [];
  /** @type {Block | null} */
  let open = null;
  for (const { t, kind, identity } of events) {
    const step = steps[kind];
    if (step === undefined) continue;
    if (open) open.to = Math.max(open.from, t);
    open = step ? { from: t, to: end, kind: step.kind, ...(identity ? { identity } : {}) } : null;
    if (open) out.push(open);
  }
  return out;
}

/** @param {readonly TimelineEvent[]} events @param {number} end */
function callLane(events, end) {
  const blocks = [
    ...phases(events, { wait: { kind: "wait" }, ring: { kind: "ring" }, answered: null, ended: null }, end),
    ...phases(events, { hold: { kind: "hold" }, resumed: null, ended: null }, end),
    ...phases(events, { stage_on: { kind: "stage" }, stage_off: null, ended: null }, end),
  ];
  return lane("call", null, blocks, events.filter(({ kind }) => kind === "answered" || kind === "transfer" || kind === "ended").map(dotOf));
}

/** @param {Recording} recording @param {readonly TimelineEvent[]} events @param {number} end */
function recordingLane(recording, events, end) {
  const blocks = recording.gaps.map(({ from, to, reason }) => ({ from, to, kind: reason }));
  const told = phases(events, { paused: { kind: "paused" }, resumed_recording: null }, end);
  // The events say the same as the gaps, unless the pause is not over.
  for (const block of told) if (!blocks.some(({ kind, from, to }) => kind === "paused" && from <= block.from + 1 && to >= block.from)) blocks.push(block);
  return lane("recording", null, blocks, events.filter(({ kind }) => kind === "consent").map(dotOf));
}

/** @param {Recording} recording @param {readonly TimelineEvent[]} events @param {string} identity @param {number} end */
function voiceLane(recording, events, identity, end) {
  const own = events.filter((event) => event.identity === identity);
  let here = phases(own, { joined: { kind: "here" }, left: null }, end);
  if (here.length === 0) here = presence(recording, identity);
  const voice = own.filter((event) => event["source"] === undefined || event["source"] === "microphone");
  const muted = phases(voice, { muted: { kind: "muted" }, unmuted: null, left: null }, end);
  const spoke = merged(recording.speech[identity]?.spans ?? []).map(([from, to]) => ({ from, to, kind: "speaking" }));
  return lane("voice", identity, [...here, ...muted, ...spoke].map((block) => ({ ...block, identity })));
}

/** Who has no events was there while something of theirs was recorded. @param {Recording} recording @param {string} identity @returns {Block[]} */
export function presence(recording, identity) {
  const spans = recording.tracks.filter((track) => track.identity === identity).map(({ began, ended }) => /** @type {const} */ ([began, ended]));
  return merged(spans, 1).map(([from, to]) => ({ from, to, kind: "here" }));
}

/** @param {readonly TimelineEvent[]} events @param {string} identity @param {number} end */
function networkLane(events, identity, end) {
  const own = events.filter((event) => event.identity === identity);
  const number = (/** @type {unknown} */ value) => (typeof value === "number" && Number.isFinite(value) ? value : 0);
  const line = own
    .filter(({ kind }) => kind === "network")
    .map(({ t, ...more }) => ({ t, bitrate: number(more["bitrate"]), loss: number(more["loss"]), rtt: number(more["rtt"]), freezes: number(more["freezes"]) }));
  const blocks = phases(own, { reconnecting: { kind: "reconnecting" }, reconnected: null, left: null }, end);
  return lane("network", identity, blocks.map((block) => ({ ...block, identity })), [], line);
}

/** @param {readonly TimelineEvent[]} events @param {number} end */
function marksLane(events, end) {
  const replay = new MarkReplay(events, end);
  const drawn = merged(replay.drawn.map(({ from, to }) => /** @type {const} */ ([from, to]))).map(([from, to]) => ({ from, to, kind: "mark" }));
  const frozen = replay.frozen.map(({ from, to, identity }) => ({ from, to, kind: "freeze", ...(identity ? { identity } : {}) }));
  return lane("marks", null, [...drawn, ...frozen], events.filter(({ kind }) => kind === "still").map(dotOf));
}

/**
 * How bad the network was at a sample, so that a slow agent and a bad line are told apart.
 * @param {Sample} sample
 * @returns {"good" | "fair" | "bad"}
 */
export function lineQuality({ loss, rtt, freezes }) {
  if (loss >= 0.08 || rtt >= 500 || freezes > 0) return "bad";
  return loss >= 0.02 || rtt >= 250 ? "fair" : "good";
}

/** @param {readonly Lane[]} lanes @returns {{ lane: Lane, y: number }[]} and where each begins */
export function stacked(lanes) {
  let y = 0;
  return lanes.map((entry) => {
    const placed = { lane: entry, y };
    y += entry.height + LANE_GAP;
    return placed;
  });
}

/** @param {readonly Lane[]} lanes */
export function heightOf(lanes) {
  return lanes.reduce((sum, { height }) => sum + height + LANE_GAP, 0);
}

/** @param {View} view @param {number} width @param {number} t */
export function xOf({ from, to }, width, t) {
  return ((t - from) / Math.max(1e-9, to - from)) * width;
}

/** @param {View} view @param {number} width @param {number} x */
export function timeOf({ from, to }, width, x) {
  return from + (x / Math.max(1, width)) * (to - from);
}

/** @param {View} view @param {number} duration @returns {View} inside the recording */
function inside({ from, to }, duration) {
  const span = Math.min(Math.max(to - from, Math.min(MIN_SPAN_S, duration)), duration);
  const start = clamp(from, 0, Math.max(0, duration - span));
  return { from: start, to: start + span };
}

/**
 * Closer or wider, with one moment staying where it is.
 * @param {View} view
 * @param {number} factor above 1: closer
 * @param {number} t
 * @param {number} duration
 * @returns {View}
 */
export function zoomed(view, factor, t, duration) {
  const span = clamp((view.to - view.from) / factor, Math.min(MIN_SPAN_S, duration), duration);
  const share = clamp((t - view.from) / Math.max(1e-9, view.to - view.from), 0, 1);
  return inside({ from: t - share * span, to: t + (1 - share) * span }, duration);
}

/** @param {View} view @param {number} seconds @param {number} duration @returns {View} */
export function moved(view, seconds, duration) {
  return inside({ from: view.from + seconds, to: view.to + seconds }, duration);
}

/** The view that shows a moment: it turns a page, with some of the old one left in sight. @param {View} view @param {number} t @param {number} duration @returns {View} */
export function showing(view, t, duration) {
  const span = view.to - view.from;
  if (t >= view.from && t <= view.from + span * 0.96) return view;
  return inside({ from: t - span * 0.1, to: t + span * 0.9 }, duration);
}

/**
 * What lies under a point: the nearest dot first, then the shortest block, so that nothing is hidden under a longer one.
 * @param {readonly Lane[]} lanes
 * @param {View} view
 * @param {number} width
 * @param {number} x
 * @param {number} y
 * @returns {{ lane: Lane, block: Block | null, dot: Dot | null, sample: Sample | null, t: number } | null}
 */
export function hit(lanes, view, width, x, y) {
  const found = stacked(lanes).find(({ lane: { height }, y: top }) => y >= top && y < top + height + LANE_GAP);
  if (!found) return null;
  const { lane: on } = found;
  const t = timeOf(view, width, x);
  const reach = (REACH_PX / Math.max(1, width)) * (view.to - view.from);
  const near = (/** @type {{ t: number }} */ entry) => Math.abs(entry.t - t);
  const dot = on.dots.filter((entry) => near(entry) <= reach).sort((a, b) => near(a) - near(b))[0] ?? null;
  const block = on.blocks.filter(({ from, to }) => t >= from - reach && t <= to + reach).sort((a, b) => a.to - a.from - (b.to - b.from))[0] ?? null;
  return { lane: on, block: dot ? null : block, dot, sample: sampleAt(on.line, t), t };
}

/** The last thing said of the network before a moment. @param {readonly Sample[]} line @param {number} t @returns {Sample | null} */
export function sampleAt(line, t) {
  const found = line.filter((sample) => sample.t <= t + 0.001).at(-1);
  return found && t - found.t <= QUIET_S ? found : null;
}

/** Kinds worth stopping at when stepping through a call. */
const STOPS = new Set(["hold", "ring", "stage", "paused", "consent", "freeze", "mark", "reconnecting", "disk", "overflow", "shared", "private", "transfer", "answered", "still", "note"]);

/**
 * Moments worth stopping at, ascending.
 * @param {readonly Lane[]} lanes
 */
export function stopsOf(lanes) {
  const list = lanes.flatMap(({ kind, blocks, dots }) => [
    ...blocks.filter((block) => kind === "findings" || STOPS.has(block.kind)).map(({ from }) => from),
    ...dots.filter((dot) => STOPS.has(dot.kind)).map(({ t }) => t),
  ]);
  return [...new Set(list.map((t) => Math.round(t * 100) / 100))].sort((a, b) => a - b);
}

/** @param {readonly number[]} stops ascending @param {number} t @param {1 | -1} way @returns {number | null} */
export function nextStop(stops, t, way) {
  // Back from a stop that has just been reached goes to the one before, as in music players.
  return (way > 0 ? stops.find((stop) => stop > t + 0.25) : stops.filter((stop) => stop < t - 1.5).at(-1)) ?? null;
}

/**
 * Where the ruler has its lines.
 * @param {View} view
 * @param {number} width pixels
 * @returns {{ major: number[], minor: number[] }} seconds
 */
export function rulerOf({ from, to }, width) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200];
  const perPixel = (to - from) / Math.max(1, width);
  const step = steps.find((size) => size / perPixel >= 74) ?? 43_200;
  const small = step / (step % 60 === 0 && step > 60 ? 4 : 5);
  const list = (/** @type {number} */ size) => {
    const out = [];
    for (let n = Math.max(0, Math.ceil(from / size - 1e-9)); n * size <= to + 1e-9 && out.length < 2000; n++) out.push(Math.round(n * size * 1000) / 1000);
    return out;
  };
  return { major: list(step), minor: small / perPixel >= 6 ? list(small) : [] };
}

/**
 * The events that a listener should be told of at a moment: what has just happened.
 * @param {readonly TimelineEvent[]} events ascending
 * @param {number} t
 * @param {number} [window] seconds
 */
export function justHappened(events, t, window = 4) {
  return events.filter((event) => event.t <= t && event.t > t - window && !QUIET.has(event.kind));
}
const QUIET = new Set(["network", "speaking", "mark", "mark_cleared"]);
