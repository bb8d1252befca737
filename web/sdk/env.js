/**
 * Everything the library takes from the browser, in one object, so that tests can replace clock, sockets and peers.
 * @module
 */

/**
 * @typedef {object} Env
 * @property {() => number} now ms, monotonic
 * @property {(run: () => void, ms: number) => number} setTimeout
 * @property {(id: number) => void} clearTimeout
 * @property {() => number} random 0 (inclusive) to 1 (exclusive)
 * @property {(url: string) => WebSocket} openSocket
 * @property {(config: RTCConfiguration) => RTCPeerConnection} openPeer
 * @property {(url: string, init: RequestInit) => Promise<Response>} fetch
 * @property {() => string[]} decodable MIME types that this browser can decode
 * @property {() => boolean} visible false while the page is in the background
 * @property {() => boolean} online false only when the browser is sure that there is no network
 * @property {(run: (change: PageChange) => void) => () => void} onPage calls back on every change; returns its undo
 */

/** @typedef {"visible" | "hidden" | "online" | "offline" | "network"} PageChange */

/** Formats that are not codecs of their own. */
const REPAIR = /\/(rtx|ulpfec|flexfec-03|red)$/i;

/** @returns {Env} */
export function browserEnv() {
  return {
    now: () => performance.now(),
    setTimeout: (run, ms) => window.setTimeout(run, ms),
    clearTimeout: (id) => window.clearTimeout(id),
    random: () => Math.random(),
    openSocket: (url) => new WebSocket(url),
    openPeer: (config) => new RTCPeerConnection(config),
    fetch: (url, init) => fetch(url, init),
    decodable,
    visible: () => document.visibilityState !== "hidden",
    online: () => navigator.onLine !== false,
    onPage,
  };
}

/** @returns {string[]} */
function decodable() {
  /** @type {Set<string>} */
  const types = new Set();
  for (const kind of ["audio", "video"]) {
    for (const codec of globalThis.RTCRtpReceiver?.getCapabilities?.(kind)?.codecs ?? []) {
      if (!REPAIR.test(codec.mimeType)) types.add(codec.mimeType);
    }
  }
  return [...types];
}

/** @type {Env["onPage"]} */
function onPage(run) {
  const connection = /** @type {(EventTarget & { type?: string }) | undefined} */ (
    /** @type {{ connection?: unknown }} */ (/** @type {unknown} */ (navigator)).connection
  );
  let type = connection?.type;
  const visibility = () => run(document.visibilityState === "hidden" ? "hidden" : "visible");
  const shown = (/** @type {PageTransitionEvent} */ event) => event.persisted && run("network");
  const online = () => run("online");
  const offline = () => run("offline");
  const changed = () => {
    // The event also fires for every new bandwidth estimate: only another kind of network matters here.
    if (connection?.type === type) return;
    type = connection?.type;
    run("network");
  };
  document.addEventListener("visibilitychange", visibility);
  window.addEventListener("pageshow", shown);
  window.addEventListener("online", online);
  window.addEventListener("offline", offline);
  connection?.addEventListener?.("change", changed);
  return () => {
    document.removeEventListener("visibilitychange", visibility);
    window.removeEventListener("pageshow", shown);
    window.removeEventListener("online", online);
    window.removeEventListener("offline", offline);
    connection?.removeEventListener?.("change", changed);
  };
}
