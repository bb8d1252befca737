/**
 * Where the widget's token and envelope come from: the shop's own server, which knows who the shopper is. In a demo the
 * Node makes one for anybody.
 */
import { LianmaiError } from "../sdk/errors.js";

const WAIT_MS = 10_000;
const IDENTITY_KEY = "lianmai.identity.shopper";

/**
 * @param {HTMLElement} element with data-token-url, data-token or data-demo, data-envelope-url, data-envelope
 * @param {URL} home of the widget's modules
 */
export function tokenSource(element, home) {
  /** @type {string | null} an envelope that came with the last token; good for one call */
  let enclosed = null;
  return {
    async token() {
      const { tokenUrl, token, demo, room = "help", name } = element.dataset;
      if (tokenUrl) {
        const answer = await ask(new URL(tokenUrl, element.baseURI), { credentials: "include" });
        if (answer.envelope) enclosed = answer.envelope;
        return answer.token;
      }
      if (token) return token;
      if (demo === undefined) throw new LianmaiError("token_missing");
      const body = JSON.stringify({ room, identity: identity(), role: "shopper", ...(name ? { name } : {}) });
      const answer = await ask(new URL("/dev/token", home), { method: "POST", headers: { "Content-Type": "application/json" }, body });
      return answer.token;
    },
    async envelope() {
      const { envelopeUrl, envelope = "" } = element.dataset;
      if (envelopeUrl) return (await ask(new URL(envelopeUrl, element.baseURI), { credentials: "include" })).envelope;
      const given = enclosed ?? envelope;
      enclosed = null;
      return given;
    },
  };
}

/**
 * JSON {token, envelope?}, or the token as plain text.
 * @param {URL} url
 * @param {RequestInit} options
 * @returns {Promise<{ token: string, envelope: string }>}
 */
async function ask(url, options) {
  const response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(WAIT_MS), ...options });
  if (!response.ok) throw new LianmaiError(response.status === 401 || response.status === 403 ? "token_invalid" : "connection_failed");
  const text = (await response.text()).trim();
  if (!text.startsWith("{")) return { token: text, envelope: text };
  const { token = "", envelope = "" } = JSON.parse(text);
  return { token: String(token), envelope: String(envelope) };
}

/** One per tab, so that a reload comes back as the same person. */
function identity() {
  try {
    const kept = sessionStorage.getItem(IDENTITY_KEY);
    if (kept) return kept;
  } catch {
    // A new one each time, then.
  }
  const made = `shopper-${[...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(36).padStart(2, "0")).join("")}`;
  try {
    sessionStorage.setItem(IDENTITY_KEY, made);
  } catch {
    // As above.
  }
  return made;
}
