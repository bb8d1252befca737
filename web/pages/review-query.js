/** What the address of the review pages asks for, and the question it makes to the server. Pure. */

/** @typedef {"list" | "case" | "work" | "calibration" | "trends" | "clips" | "audit" | "mine"} Place */
/** @typedef {{ q: string, agent: string, queue: string, kind: string, since: string, until: string, min: string, max: string, rating: string, flag: string, tag: string, reviewed: string, held: string, order: string }} Filters */

/** @type {readonly Place[]} */
export const PLACES = Object.freeze(["list", "work", "calibration", "trends", "clips", "audit", "mine"]);
export const ORDERS = Object.freeze(["newest", "oldest", "longest", "rating", "score"]);
export const FLAGS = Object.freeze(["low_rating", "long_wait", "escalation", "pause_used", "bad_network", "black", "frozen", "blurred", "dark", "over_exposed", "silence", "clipping", "cross_talk"]);
export const PAGE = 50;

/** @type {Readonly<Filters>} */
export const NO_FILTERS = Object.freeze({ q: "", agent: "", queue: "", kind: "", since: "", until: "", min: "", max: "", rating: "", flag: "", tag: "", reviewed: "", held: "", order: "newest" });
const NAMES = /** @type {readonly (keyof Filters)[]} */ (Object.keys(NO_FILTERS));
const DAY = /^\d{4}-\d\d-\d\d$/;

/**
 * @param {string} search location.search
 * @returns {{ place: Place, id: string }}
 */
export function readPlace(search) {
  const query = new URLSearchParams(search);
  const id = query.get("r") ?? query.get("id") ?? "";
  if (query.get("r")) return { place: "case", id };
  return { place: PLACES.find((name) => name === query.get("view")) ?? "list", id };
}

/** @param {string} search @returns {Filters} what it says wrong is as if it said nothing */
export function readFilters(search) {
  const query = new URLSearchParams(search);
  const filters = { ...NO_FILTERS };
  for (const name of NAMES) filters[name] = (query.get(name) ?? NO_FILTERS[name]).slice(0, 200);
  if (!ORDERS.includes(filters.order)) filters.order = "newest";
  for (const day of /** @type {const} */ (["since", "until"])) if (!DAY.test(filters[day]) || Number.isNaN(Date.parse(filters[day]))) filters[day] = "";
  for (const minutes of /** @type {const} */ (["min", "max"])) if (!(Number(filters[minutes]) > 0)) filters[minutes] = "";
  return filters;
}

/** For the address bar. @param {Filters} filters */
export function asSearch(filters) {
  const query = new URLSearchParams();
  for (const name of NAMES) if (filters[name] !== NO_FILTERS[name]) query.set(name, filters[name]);
  return query.toString();
}

/**
 * For the server. Days are whole days where the reviewer is.
 * @param {Filters} filters
 * @param {{ after?: string | null, limit?: number, dayAt?: (day: string, end: boolean) => number }} [more]
 */
export function asQuestion(filters, { after = null, limit = PAGE, dayAt = localDay } = {}) {
  const query = new URLSearchParams();
  const { since, until, min, max, ...same } = filters;
  for (const [name, value] of Object.entries(same)) if (value !== "" && !(name === "order" && value === "newest")) query.set(name, value);
  if (since) query.set("since", String(dayAt(since, false)));
  if (until) query.set("until", String(dayAt(until, true)));
  if (min) query.set("min_s", String(Math.round(Number(min) * 60)));
  if (max) query.set("max_s", String(Math.round(Number(max) * 60)));
  query.set("limit", String(limit));
  if (after) query.set("after", after);
  return query.toString();
}

/** @param {string} day @param {boolean} end @returns {number} ms since epoch */
function localDay(day, end) {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + (end ? 1 : 0)).getTime() - (end ? 1 : 0);
}

/** How many filters are set, the search itself and the order not counted. @param {Filters} filters */
export function countSet(filters) {
  return NAMES.filter((name) => name !== "q" && name !== "order" && filters[name] !== NO_FILTERS[name]).length;
}

/** What a token says of its holder; the server decides, this only chooses what is offered. @param {string} token @returns {{ identity: string, role: string, leads: boolean, reviews: boolean }} */
export function whoIs(token) {
  try {
    const [, body = ""] = token.split(".");
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(body.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0))));
    const grants = claims.grants ?? {};
    const leads = grants.supervise === true || grants.manage === true;
    return { identity: String(claims.sub ?? claims.identity ?? ""), role: String(claims.role ?? ""), leads, reviews: leads || grants.review === true };
  } catch {
    return { identity: "", role: "", leads: false, reviews: false };
  }
}
