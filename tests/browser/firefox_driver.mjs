// Drives Firefox over WebDriver BiDi for firefox.py. One JSON object a line: {id, op, ...} in, {id, value | error} out,
// and {page, problem} for errors of a page. Ends with its input.
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  // Without these two it finds no loopback candidate.
  "permissions.default.camera": 1,
  "permissions.default.microphone": 1,
  "media.peerconnection.ice.loopback": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "media.autoplay.default": 0,
  "media.autoplay.blocking_policy": 0,
  "media.autoplay.block-webaudio": false,
  // A page behind another one must go on as if it were seen.
  "media.suspend-bkgnd-video.enabled": false,
  "dom.min_background_timeout_value": 4,
  "dom.timeout.enable_budget_timer_throttling": false,
  // Nothing on this machine answers these; asking costs time and fills logs.
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "media.gmp-manager.updateEnabled": false,
  "datareporting.policy.dataSubmissionEnabled": false,
};

let browser = null;
const pages = new Map();
let lastPage = 0;

const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const operations = {
  async launch({ executable }) {
    browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: executable,
      headless: true,
      extraPrefsFirefox: PREFERENCES,
    });
    return browser.version();
  },
  async open({ script }) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    const handle = ++lastPage;
    pages.set(handle, { context, page });
    page.on("pageerror", (error) => send({ page: handle, problem: `uncaught: ${error?.message ?? error}` }));
    page.on("console", (message) => {
      if (message.type() === "error") send({ page: handle, problem: `console: ${message.text()}` });
    });
    await page.evaluateOnNewDocument(script);
    return handle;
  },
  async goto({ page, url }) {
    await pages.get(page).page.goto(url, { waitUntil: "load", timeout: 20_000 });
  },
  async evaluate({ page, expression }) {
    return pages.get(page).page.evaluate(expression);
  },
  async screenshot({ page, path }) {
    await pages.get(page).page.screenshot({ path });
  },
  async close({ page }) {
    await pages.get(page).context.close();
    pages.delete(page);
  },
  async quit() {
    await browser?.close();
    browser = null;
  },
};

async function answer(line) {
  const { id, op, ...fields } = JSON.parse(line);
  try {
    send({ id, value: (await operations[op](fields)) ?? null });
  } catch (error) {
    send({ id, error: String(error?.stack ?? error) });
  }
}

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => void answer(line));
lines.on("close", async () => {
  await operations.quit().catch(() => {});
  process.exit(0);
});
