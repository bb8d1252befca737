"""The chat and the checklist of a call in a browser: both sides in one page, in both languages.

    python tests/web/harness/words_check.py [folder for the pictures]
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>words</title>
<link rel="stylesheet" href="/web/styles/tokens.css"><link rel="stylesheet" href="/web/styles/base.css">
<link rel="stylesheet" href="/web/styles/components.css"><link rel="stylesheet" href="/web/styles/call-tools.css">
<style>body{display:flex;gap:12px;height:100vh;padding:8px}section{display:flex;flex-direction:column;gap:8px;min-height:0;
background:var(--panel);border-radius:12px;overflow:hidden}section>div{padding:12px}lm-call-chat{flex:1}</style>
<body></body></html>"""
SETUP = """async () => {
  const { startLocale, setLocale } = await import("/web/pages/locale.js");
  await startLocale();
  await setLocale(new URLSearchParams(location.search).get("lang"));
  await import("/web/pages/components/call-chat.js");
  await import("/web/pages/components/checklist.js");
  const { PretendedCall } = await import("/web/sdk/fake-tools.js");
  window.world = new PretendedCall({ cards: [{ kind: "article", title: "配网失败怎么办", lines: [], url: "https://help.example/wifi" }] });
  for (const [me, width] of [["wang", 380], ["li", 360], ["li", 320]]) {
    const section = document.createElement("section");
    section.style.width = `${width}px`;
    section.id = document.getElementById(me) ? `${me}2` : me;
    const steps = document.createElement("lm-checklist");
    const chat = document.createElement("lm-call-chat");
    for (const element of [steps, chat]) Object.assign(element, { help: world.side(me), me });
    const box = document.createElement("div");
    box.append(steps);
    section.append(box, chat);
    document.body.append(section);
  }
}"""


def picture(width: int, height: int, kind: str = "PNG") -> bytes:
    """Any picture."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, kind)
    return out.getvalue()


def play(page: Page, base: str, lang: str, out: Path) -> None:
    """Both sides write, send and tick."""
    page.goto(f"{base}/words?lang={lang}")
    page.evaluate(SETUP)
    page.wait_for_timeout(150)
    page.screenshot(path=out / f"words-{lang}-empty.png")
    agent, shopper = page.locator("#wang"), page.locator("#li")
    assert shopper.locator("lm-checklist").get_attribute("hidden") is not None
    shopper.locator(".cc-input").fill("你好，Wi-Fi 连不上 <b>?</b>\n第二行 https://example.com/a-very-long-address-that-has-no-spaces-in-it-at-all-0123456789")
    shopper.locator(".cc-input").press("Enter")
    page.evaluate("() => world.side('wang').say('您好，请把镜头对准路由器的背面。')")
    page.evaluate("() => world.side('wang').sendArticle({ title: '配网失败怎么办', url: 'https://help.example/wifi' })")
    files = shopper.locator("input[type=file]")
    files.set_input_files({"name": "盒子.png", "mimeType": "image/png", "buffer": picture(800, 1200)})
    shopper.locator(".cc-picture:not(.waiting)").wait_for()
    files.set_input_files({"name": "manual with a rather long name for a file.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4" + bytes(2_400_000)})
    agent.locator("button.cc-card").wait_for()
    files.set_input_files({"name": "virus.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"})
    shopper.locator(".cc-failed").wait_for()
    # A kind that the server does not take, but this browser reads, becomes a JPEG.
    files.set_input_files({"name": "scan.bmp", "mimeType": "image/bmp", "buffer": picture(300, 200, "BMP")})
    page.wait_for_function("() => world.call.messages.at(-1).file?.name === 'scan.jpg'")
    assert agent.locator(".cc-picture").count() == 2
    agent.locator(".cc-picture:not(.waiting)").first.click()
    page.locator(".cc-viewer[open]").first.wait_for()
    page.screenshot(path=out / f"words-{lang}-viewer.png")
    page.keyboard.press("Escape")
    agent.locator(".cc-tool").nth(1).click()
    page.screenshot(path=out / f"words-{lang}-chat.png")
    agent.locator(".cc-quick").nth(1).click()
    assert agent.locator(".cc-input").input_value() != ""
    agent.locator(".cl-ready button").first.click()
    page.screenshot(path=out / f"words-{lang}-writer.png")
    agent.locator(".cl-form button").click()
    shopper.locator(".cl-big").wait_for()
    first = shopper.locator(".cl-big").inner_text()
    agent.locator(".cl-acts .primary").click()
    agent.locator(".cl-step label").nth(1).click()
    page.wait_for_function("() => world.call.checklist.steps.filter(({ done }) => done).length === 2")
    assert shopper.locator(".cl-big").inner_text() != first
    page.screenshot(path=out / f"words-{lang}-steps.png")
    for _ in range(3):
        agent.locator(".cl-acts .primary").click()
    assert shopper.locator(".cl-now.all").count() == 1
    page.screenshot(path=out / f"words-{lang}-done.png")
    agent.locator(".cl-acts .button").nth(1).click()
    page.wait_for_function("() => world.call.checklist === null")
    page.evaluate("() => { world.refuse = 'call_ended' }")
    shopper.locator(".cc-input").fill("still there?")
    shopper.locator(".cc-input").press("Enter")
    page.wait_for_timeout(50)
    assert shopper.locator(".cc-input").input_value() == "still there?", "what was not sent is not lost"
    assert shopper.locator(".cc-note").inner_text() != ""
    print("ok", lang)


def main() -> None:
    """Run all of it."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/tools")
    out.mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen(["node", str(HERE / "serve.mjs")], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    base = server.stdout.readline().strip()
    try:
        with sync_playwright() as player:
            browser = player.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            for lang in ("zh-CN", "en"):
                page = browser.new_page(viewport={"width": 1110, "height": 800})
                page.set_default_timeout(5000)
                page.on("pageerror", lambda error: print("PAGE", error))
                page.on("console", lambda line: print("CONSOLE", line.text) if line.type == "error" else None)
                page.route("**/words?*", lambda route: route.fulfill(body=PAGE, content_type="text/html; charset=utf-8"))
                play(page, base, lang, out)
                page.close()
            browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    main()
