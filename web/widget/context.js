/** What the agent is told of the page, so that the shopper need not say it. Pure: what it needs is given. */

/** @typedef {"live" | "product" | "order" | "help" | "link"} Entry */

const ENTRIES = new Set(["live", "product", "order", "help", "link"]);

/**
 * @typedef {object} PageFacts
 * @property {DOMStringMap | Record<string, string | undefined>} data the element's data attributes
 * @property {string} url
 * @property {string} title
 * @property {string} locale
 * @property {string} device
 */

/**
 * @param {PageFacts} facts
 * @returns {{ entry: Entry, page_url: string, page_title: string, product: object | null, order: object | null, locale: string, device: string }}
 */
export function contextOf({ data, url, title, locale, device }) {
  const entry = data["entry"] ?? "";
  return {
    entry: /** @type {Entry} */ (ENTRIES.has(entry) ? entry : data["productId"] ? "product" : data["orderId"] ? "order" : "help"),
    page_url: pageUrl(url).slice(0, 500),
    // A page may blink in its title, as the live page does; that is no part of its name.
    page_title: cut((data["pageTitle"] ?? title).replace(/^\u25cf\s*/, ""), 200),
    product: productOf(data),
    order: data["orderId"] ? { id: cut(data["orderId"], 64), title: cut(data["orderTitle"] ?? "", 120) } : null,
    locale: locale.slice(0, 35),
    device: cut(device, 200),
  };
}

/** @param {PageFacts["data"]} data */
export function productOf(data) {
  if (!data["productId"] && !data["productTitle"]) return null;
  return {
    id: cut(data["productId"] ?? "", 64),
    title: cut(data["productTitle"] ?? "", 120),
    price: cut(data["productPrice"] ?? "", 40),
    url: (data["productUrl"] ?? "").slice(0, 500),
  };
}

/**
 * Without what may be secret in it: fragments and queries carry tokens and searches.
 * @param {string} url
 */
function pageUrl(url) {
  try {
    const { origin, pathname } = new URL(url);
    return origin + pathname;
  } catch {
    return "";
  }
}

/**
 * Phone or computer, system and browser, as a person says it.
 * @param {string} agent navigator.userAgent
 */
export function deviceOf(agent) {
  const system = /iPhone|iPad/.test(agent) ? "iOS" : /Android/.test(agent) ? "Android" : /HarmonyOS|OpenHarmony/.test(agent) ? "HarmonyOS" : /Windows/.test(agent) ? "Windows" : /Mac OS X/.test(agent) ? "macOS" : /Linux/.test(agent) ? "Linux" : "";
  const browser = /MicroMessenger/.test(agent) ? "WeChat" : /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrome\//.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : "";
  return [system, browser].filter(Boolean).join(" · ");
}

/**
 * @param {string} text
 * @param {number} length
 */
function cut(text, length) {
  return [...text.trim().replace(/\s+/g, " ")].slice(0, length).join("");
}
