/** What the review pages know of a recording: the server's answers, checked and made whole. Pure. */

/**
 * @typedef {{ from: number, to: number, reason: string }} Gap seconds
 * @typedef {{ identity: string, name: string, side: string }} Person
 * @typedef {{ id: string, identity: string, source: string, kind: "audio" | "video", codec: string, began: number, ended: number, width: number, height: number, mime: string, url: string, gaps: Gap[] }} Track
 * @typedef {{ from: number, to: number, kind: string, identity?: string, level?: number }} Finding
 * @typedef {{ t: number, kind: string, identity?: string } & Record<string, unknown>} TimelineEvent
 * @typedef {{ talk_s: number, spans: [number, number][] }} Speech
 */

/**
 * One line of the list.
 * @typedef {object} Row
 * @property {string} id
 * @property {string} room
 * @property {"call" | "stage"} kind
 * @property {number} created ms since epoch
 * @property {number} duration_s
 * @property {string} state recording | closed | finishing | ready | failed | erased
 * @property {Person[]} people
 * @property {string} agent
 * @property {string} agent_name
 * @property {string} queue
 * @property {string} product
 * @property {string} outcome
 * @property {{ score: number, comment: string } | null} rating
 * @property {string[]} reasons
 * @property {string[]} tags
 * @property {{ kind: string, count: number }[]} flags
 * @property {number} size bytes
 * @property {string | null} thumb
 * @property {{ state: string, done: number }} progress
 * @property {boolean} hold
 * @property {number | null} expires ms since epoch
 * @property {number | null} score
 */

/**
 * @typedef {Row & { tracks: Track[], gaps: Gap[], findings: Finding[], speech: Record<string, Speech>, watermark: string,
 *   can: Record<string, boolean> }} Recording
 */

/**
 * @typedef {object} Comment
 * @property {string} id
 * @property {string | null} parent
 * @property {string} by
 * @property {string} by_name
 * @property {number} at ms since epoch
 * @property {number} from seconds
 * @property {number | null} to
 * @property {string} text
 * @property {boolean} shared with the agent
 * @property {boolean} own
 */

/** @param {unknown} value @returns {Record<string, unknown>} */
export function record(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? /** @type {Record<string, unknown>} */ (value) : {};
}
/** @param {unknown} value @returns {unknown[]} */
export function list(value) {
  return Array.isArray(value) ? value : [];
}
/** @param {unknown} value @param {string} [otherwise] */
export function text(value, otherwise = "") {
  return typeof value === "string" ? value : otherwise;
}
/** @param {unknown} value @param {number} [otherwise] */
export function number(value, otherwise = 0) {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}
/** @param {unknown} value @returns {number | null} */
export function numberOrNull(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
/** @param {unknown} value @returns {string[]} */
export function texts(value) {
  return list(value).filter((entry) => typeof entry === "string");
}

/** @param {unknown} value @returns {Person} */
function asPerson(value) {
  const { identity, name, side } = record(value);
  return { identity: text(identity), name: text(name), side: text(side) };
}

/** @param {unknown} value @returns {Gap[]} */
function asGaps(value) {
  return list(value)
    .map(record)
    .map(({ from, to, reason }) => ({ from: number(from), to: number(to), reason: text(reason, "loss") }))
    .filter(({ from, to }) => to > from)
    .sort((a, b) => a.from - b.from);
}

/** @param {unknown} body @returns {Row} */
export function asRow(body) {
  const row = record(body);
  const rating = record(row["rating"]);
  const progress = record(row["progress"]);
  return {
    id: text(row["id"]),
    room: text(row["room"]),
    kind: row["kind"] === "stage" ? "stage" : "call",
    created: number(row["created"]),
    duration_s: Math.max(0, number(row["duration_s"])),
    state: text(row["state"], "ready"),
    people: list(row["people"]).map(asPerson),
    agent: text(row["agent"]),
    agent_name: text(row["agent_name"]) || text(row["agent"]),
    queue: text(row["queue"]),
    product: text(row["product"]),
    outcome: text(row["outcome"]),
    rating: typeof rating["score"] === "number" ? { score: rating["score"], comment: text(rating["comment"]) } : null,
    reasons: texts(row["reasons"]),
    tags: texts(row["tags"]),
    flags: list(row["flags"]).map(record).map(({ kind, count }) => ({ kind: text(kind), count: number(count, 1) })),
    size: number(row["size"]),
    thumb: text(row["thumb"]) || null,
    progress: { state: text(progress["state"]), done: number(progress["done"], 1) },
    hold: row["hold"] === true,
    expires: numberOrNull(row["expires"]),
    score: numberOrNull(row["score"]),
  };
}

/** @param {unknown} body @returns {Recording} */
export function asRecording(body) {
  const all = record(body);
  const row = asRow(body);
  /** @type {Record<string, Speech>} */
  const speech = {};
  for (const [identity, value] of Object.entries(record(all["speech"]))) {
    const { talk_s, spans } = record(value);
    const pairs = list(spans).filter((pair) => Array.isArray(pair) && pair.length === 2 && pair.every((at) => Number.isFinite(at)));
    speech[identity] = { talk_s: number(talk_s), spans: /** @type {[number, number][]} */ (pairs) };
  }
  const tracks = list(all["tracks"]).map((track) => asTrack(track, row.duration_s));
  const longest = Math.max(row.duration_s, ...tracks.map(({ ended }) => ended));
  return {
    ...row,
    duration_s: longest,
    tracks,
    gaps: asGaps(all["gaps"]),
    findings: list(all["findings"]).map(asFinding),
    speech,
    watermark: text(all["watermark"]),
    can: Object.fromEntries(Object.entries(record(all["can"])).map(([what, may]) => [what, may === true])),
  };
}

/** @param {unknown} body @param {number} duration @returns {Track} */
function asTrack(body, duration) {
  const track = record(body);
  const began = number(track["began"]);
  return {
    id: text(track["id"]),
    identity: text(track["identity"]),
    source: text(track["source"]),
    kind: track["kind"] === "video" ? "video" : "audio",
    codec: text(track["codec"]),
    began,
    ended: Math.max(began, number(track["ended"], duration)),
    width: number(track["width"]),
    height: number(track["height"]),
    mime: text(track["mime"]),
    url: text(track["url"]),
    gaps: asGaps(track["gaps"]),
  };
}

/** @param {unknown} body @returns {Finding} */
function asFinding(body) {
  const { from, to, kind, identity, level } = record(body);
  return {
    from: number(from),
    to: Math.max(number(from), number(to)),
    kind: text(kind),
    ...(typeof identity === "string" ? { identity } : {}),
    ...(typeof level === "number" ? { level } : {}),
  };
}

/** @param {unknown} body @returns {TimelineEvent[]} ascending */
export function asEvents(body) {
  return list(record(body)["events"])
    .map(record)
    .filter(({ t, kind }) => typeof t === "number" && Number.isFinite(t) && typeof kind === "string")
    .map((event) => /** @type {TimelineEvent} */ ({ ...event, t: Math.max(0, number(event["t"])) }))
    .sort((a, b) => a.t - b.t);
}

/** @param {unknown} body @returns {Comment} */
export function asComment(body) {
  const comment = record(body);
  const by = text(comment["by"]);
  return {
    id: text(comment["id"]),
    parent: text(comment["parent"]) || null,
    by,
    by_name: text(comment["by_name"]) || by,
    at: number(comment["at"]),
    from: number(comment["from"]),
    to: numberOrNull(comment["to"]),
    text: text(comment["text"]),
    shared: comment["shared"] === true,
    own: comment["own"] === true,
  };
}
