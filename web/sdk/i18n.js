/**
 * Sentences for pages from /web/i18n/<locale>.json: flat keys (`live.title`) or nested objects, `{name}` placeholders.
 * @module
 */

/** @typedef {Record<string, string | number>} Vars */
/** @typedef {(key: string, vars?: Vars) => string} Translate */

export const FALLBACK = "en";
const PLACEHOLDER = /\{(\w+)\}/g;

/** @type {Map<string, Promise<Map<string, string>>>} */
const files = new Map();

/**
 * Load a language. English follows, for keys it lacks: nobody waits for that. Files are fetched once.
 * @param {string} locale for example `zh-CN`
 * @param {(url: string) => Promise<Response>} [get] for tests
 * @returns {Promise<Translate>} gives the key itself when nobody knows it
 */
export async function load(locale, get = (url) => fetch(url)) {
  const own = await table(locale, get);
  /** @type {Map<string, string>} */
  let behind = new Map();
  if (locale !== FALLBACK) {
    table(FALLBACK, get).then(
      (english) => {
        behind = english;
      },
      () => {},
    );
  }
  return (key, vars) => fill(own.get(key) ?? behind.get(key) ?? key, vars);
}

/**
 * @param {string} text
 * @param {Vars} [vars] a placeholder without a value stays as it is
 * @returns {string}
 */
export function fill(text, vars = {}) {
  return text.replace(PLACEHOLDER, (whole, name) => (Object.hasOwn(vars, name) ? String(vars[name]) : whole));
}

/**
 * @param {unknown} value parsed JSON
 * @param {string} [prefix]
 * @param {Map<string, string>} [into]
 * @returns {Map<string, string>} dotted key to text
 */
export function flatten(value, prefix = "", into = new Map()) {
  if (typeof value === "string") into.set(prefix, value);
  else if (typeof value === "object" && value !== null) {
    for (const [key, child] of Object.entries(value)) flatten(child, prefix ? `${prefix}.${key}` : key, into);
  }
  return into;
}

/**
 * @param {string} locale
 * @param {(url: string) => Promise<Response>} get
 * @returns {Promise<Map<string, string>>}
 */
function table(locale, get) {
  let file = files.get(locale);
  if (!file) {
    file = fetchTable(locale, get);
    files.set(locale, file);
    // A failed download may work next time.
    file.catch(() => files.delete(locale));
  }
  return file;
}

/**
 * @param {string} locale
 * @param {(url: string) => Promise<Response>} get
 */
async function fetchTable(locale, get) {
  const url = new URL(`../i18n/${encodeURIComponent(locale)}.json`, import.meta.url);
  const response = await get(url.href);
  if (!response.ok) throw new Error(`no language file for ${locale}: HTTP ${response.status}`);
  return flatten(await response.json());
}
