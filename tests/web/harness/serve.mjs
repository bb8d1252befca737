/**
 * Serves web/ as the real server does (routes, content security policy, demo mark) but with a pretended room and a
 * pretended desk in place of the SDK's front doors, so that every state of a page can be looked at without a server.
 *
 *   node tests/web/harness/serve.mjs [port] [--no-demo] [--line]      prints its address
 */
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { kpi } from "./fake-kpi.mjs";
import { review } from "./fake-review.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const WEB = normalize(join(HERE, "../../../web"));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
};
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "media-src 'self' blob: mediastream:",
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'self'",
].join("; ");
const demo = !process.argv.includes("--no-demo");
/** The widget's pretended line in place of the SDK's own. */
const line = process.argv.includes("--line");
const port = Number(process.argv.find((argument) => /^\d+$/.test(argument)) ?? 0);

/** @param {string} path */
function fileFor(path) {
  if (path === "/") return join(WEB, "pages/landing.html");
  if (path.startsWith("/live/")) return join(WEB, "pages/live.html");
  if (path.startsWith("/host/")) return join(WEB, "pages/host.html");
  if (["/help", "/wall", "/kpi", "/review"].includes(path)) return join(WEB, `pages${path}.html`);
  if (path === "/web/widget.js") return join(WEB, "widget.js");
  if (path === "/agent" || path.startsWith("/agent/")) return join(WEB, "pages/agent.html");
  if (path === "/shop") return join(HERE, "shop.html");
  if (/^\/harness\/shop\.(js|css)$/.test(path)) return join(HERE, path.slice("/harness/".length));
  if (path === "/web/sdk/help.js" && line) return join(HERE, "fake-line.js");
  if (path === "/web/sdk/lianmai.js") return join(HERE, "fake-room.js");
  if (path === "/web/sdk/desk.js") return join(HERE, "fake-desk.js");
  if (/^\/web\/sdk\/fake-[\w-]+\.js$/.test(path)) return join(HERE, path.slice("/web/sdk/".length));
  if (path.startsWith("/web/")) return join(WEB, normalize(path.slice(5)).replace(/^(\.\.(\/|$))+/, ""));
  return null;
}

const server = createServer(async (request, response) => {
  const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
  if (path === "/dev/token" && demo) {
    response.writeHead(200, { "Content-Type": "application/json" }).end('{"token":"pretended"}');
    return;
  }
  if (path === "/api/v1/kpi") {
    const { status, type, body } = await kpi(new URL(request.url ?? "/", "http://localhost"), request.headers.referer ?? "");
    response.writeHead(status, { "Content-Type": type }).end(body);
    return;
  }
  if (await review(request, response)) return;
  const file = fileFor(path);
  try {
    if (!file) throw new Error("no such page");
    let body = await readFile(file);
    if (demo && extname(file) === ".html") {
      body = Buffer.from(body.toString().replace("</head>", '<meta name="lianmai-demo" content="1"></head>'));
    }
    response.writeHead(200, {
      "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
      "Content-Security-Policy": POLICY,
      "Cache-Control": "no-cache",
    });
    response.end(body);
  } catch {
    response.writeHead(404).end("not found");
  }
});
server.listen(port, "127.0.0.1", () => console.log(`http://localhost:${server.address().port}`));
