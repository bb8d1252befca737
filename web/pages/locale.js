/**
 * The page's language: chosen from the browser, switchable without a reload (a reload would drop the room).
 */
import { load } from "../sdk/i18n.js";

/** @typedef {Record<string, string | number>} Vars */

/** Locales with a file in /web/i18n, Chinese first. */
export const LOCALES = Object.freeze(["zh-CN", "en"]);

const STORAGE_KEY = "lianmai.locale";

/** Before the words are here nothing is said. @type {(key: string, vars?: Vars) => string} */
let translate = () => "";
let current = "en";
/** @type {Set<() => void>} */
const listeners = new Set();

/**
 * The stored choice wins; then the first browser language we have; English for everybody else.
 * @param {string | null} stored
 * @param {readonly string[]} languages as navigator.languages
 * @returns {string}
 */
export function chooseLocale(stored, languages) {
  if (stored !== null && LOCALES.includes(stored)) return stored;
  for (const language of languages) {
    const base = language.toLowerCase().split("-")[0];
    if (base === "zh") return "zh-CN";
    if (base === "en") return "en";
  }
  return "en";
}

/** @returns {string} the locale this person gets, known before its words are here */
export function wantedLocale() {
  return chooseLocale(readStored(), navigator.languages);
}

/** Begin to fetch the words of the first language, for startLocale to find under way. */
export function fetchWords() {
  // Whoever needs the words hears of it.
  load(wantedLocale()).catch(() => {});
}

/** Load the first language and put it on the page. Call once, before anything is rendered. */
export async function startLocale() {
  await useLocale(wantedLocale());
}

/**
 * Switch the page's language and remember it.
 * @param {string} locale one of LOCALES
 */
export async function setLocale(locale) {
  try {
    localStorage.setItem(STORAGE_KEY, locale);
  } catch {
    // Storage may be blocked; the switch still works for this visit.
  }
  await useLocale(locale);
}

/** @returns {string} the locale in use */
export function getLocale() {
  return current;
}

/**
 * @param {string} key
 * @param {Vars} [vars]
 * @returns {string}
 */
export function t(key, vars) {
  return translate(key, vars);
}

/**
 * Plural form of a sentence: `key.one` or `key.other`, with {count} filled in.
 * @param {string} key
 * @param {number} count
 * @param {Vars} [vars]
 * @returns {string}
 */
export function tn(key, count, vars = {}) {
  const form = new Intl.PluralRules(current).select(count) === "one" ? "one" : "other";
  return translate(`${key}.${form}`, { count: formatCount(count), ...vars });
}

/**
 * Short number for people: 999, 1.2万 / 12K.
 * @param {number} count
 * @returns {string}
 */
export function formatCount(count) {
  return new Intl.NumberFormat(current, { notation: "compact", maximumFractionDigits: 1 }).format(count);
}

/**
 * Run now and after every language change.
 * @param {() => void} render
 * @returns {() => void} stop listening
 */
export function onLocale(render) {
  listeners.add(render);
  render();
  return () => listeners.delete(render);
}

/**
 * Fill every element under root that names its text: data-t (text), data-t-label (aria-label and tooltip),
 * data-t-placeholder.
 * @param {ParentNode} root
 */
export function applyText(root) {
  for (const element of root.querySelectorAll("[data-t]")) {
    element.textContent = t(element.getAttribute("data-t") ?? "");
  }
  for (const element of root.querySelectorAll("[data-t-label]")) {
    const label = t(element.getAttribute("data-t-label") ?? "");
    element.setAttribute("aria-label", label);
    if (element instanceof HTMLButtonElement) element.title = label;
  }
  for (const element of root.querySelectorAll("[data-t-placeholder]")) {
    element.setAttribute("placeholder", t(element.getAttribute("data-t-placeholder") ?? ""));
  }
}

/** The same inside a page that is not ours: its language and its words are left alone. @param {string} locale */
export async function useWords(locale) {
  translate = await load(locale);
  current = locale;
  for (const render of listeners) render();
}

/** @param {string} locale */
async function useLocale(locale) {
  translate = await load(locale);
  current = locale;
  document.documentElement.lang = locale;
  applyText(document);
  for (const render of listeners) render();
}

/** @returns {string | null} */
function readStored() {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}
