/**
 * Where a page gets its token, in this order: what this tab already has, the window that opened or embeds us,
 * the demo's development endpoint, and last a form. Never the address bar: addresses are logged and shared.
 */

/** @typedef {"host" | "viewer" | "shopper" | "agent" | "supervisor"} Role */

const MESSAGE_WAIT_MS = 600;

/** True when the server runs in demo mode. */
export function isDemo() {
  return document.querySelector('meta[name="lianmai-demo"]')?.getAttribute("content") === "1";
}

/**
 * The room in /live/{room} or /host/{room}.
 * @param {string} path location.pathname
 * @returns {string} empty when there is none
 */
export function roomFromPath(path) {
  const last = path.split("/").filter(Boolean)[1] ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** Thrown by TokenSource.get when only a person can help: show the form. */
export class TokenNeeded extends Error {}

export class TokenSource {
  #room;
  #role;
  #name;
  #skills;
  /** Set once the development endpoint gave one: such a token may be fetched anew at every join. */
  #fromDemo = false;
  /** Storage may be blocked: the token then lives as long as the page. @type {string | null} */
  #held = null;
  #identity;

  /**
   * @param {string} room "*" for whoever works in many
   * @param {Role} role
   * @param {object} [options]
   * @param {(identity: string) => string} [options.name] shown to others; asked at each demo token because the language
   *   may change
   * @param {() => string[]} [options.skills] of a demo agent
   * @param {boolean} [options.oneVisit] a new identity per page load, for a page that is not a visit
   */
  constructor(room, role, { name, skills, oneVisit = false } = {}) {
    this.#room = room;
    this.#role = role;
    this.#name = name;
    this.#skills = skills;
    this.#identity = oneVisit ? newIdentity(role) : null;
  }

  /** @returns {Promise<string>} */
  async get() {
    if (this.#fromDemo) return this.#demoToken();
    const held = this.#held ?? read(this.#key);
    if (held) return held;
    const given = await askOpener(this.#room);
    if (given) {
      this.set(given);
      return given;
    }
    if (isDemo()) return this.#demoToken();
    throw new TokenNeeded("no token");
  }

  /** @param {string} token from the form */
  set(token) {
    this.#held = token;
    write(this.#key, token);
  }

  /** The token was refused: forget it, so that get() looks further. */
  forget() {
    this.#held = null;
    remove(this.#key);
  }

  get #key() {
    return `lianmai.token.${this.#room}`;
  }

  async #demoToken() {
    const identity = this.#identity ?? keptIdentity(this.#role);
    const response = await fetch("/dev/token", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        room: this.#room,
        identity,
        role: this.#role,
        name: this.#name?.(identity),
        skills: this.#skills?.(),
      }),
      signal: AbortSignal.timeout(8000),
    });
    if (!response.ok) throw Object.assign(new Error(`HTTP ${response.status}`), { code: "demo_token_failed" });
    this.#fromDemo = true;
    return /** @type {{ token: string }} */ (await response.json()).token;
  }
}

/**
 * One identity per tab and role, so that a reload comes back as the same person.
 * @param {Role} role
 */
function keptIdentity(role) {
  const key = `lianmai.identity.${role}`;
  const kept = read(key);
  if (kept) return kept;
  const identity = newIdentity(role);
  write(key, identity);
  return identity;
}

/** @param {Role} role */
function newIdentity(role) {
  const bytes = crypto.getRandomValues(new Uint8Array(5));
  return `${role}-${[...bytes].map((byte) => byte.toString(36).padStart(2, "0")).join("")}`;
}

/**
 * Tell the opener or the embedding page that we want a token, and wait a moment for it.
 * @param {string} room
 * @returns {Promise<string | null>}
 */
function askOpener(room) {
  const asked = window.parent !== window ? window.parent : /** @type {Window | null} */ (window.opener);
  if (!asked) return Promise.resolve(null);
  return new Promise((resolve) => {
    const finish = (/** @type {string | null} */ token) => {
      clearTimeout(timer);
      window.removeEventListener("message", listen);
      resolve(token);
    };
    const listen = (/** @type {MessageEvent} */ event) => {
      if (event.source !== asked) return;
      const data = /** @type {{ type?: unknown, token?: unknown } | null} */ (event.data);
      if (data?.type === "lianmai.token" && typeof data.token === "string") finish(data.token);
    };
    const timer = setTimeout(() => finish(null), MESSAGE_WAIT_MS);
    window.addEventListener("message", listen);
    asked.postMessage({ type: "lianmai.ready", room }, "*");
  });
}

/** @param {string} key */
function read(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function write(key, value) {
  try {
    sessionStorage.setItem(key, value);
  } catch {
    // See TokenSource#held.
  }
}

/** @param {string} key */
function remove(key) {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // See TokenSource#held.
  }
}
