"""Screenshots of every state of the help widget on a shop's page, in both languages and at two sizes.

    python tests/web/harness/widget_shots.py OUT [--few] [name-part ...]     --few: Chinese wide and English on a phone
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright
from shots import FLAGS, HERE, REFUSE, REFUSE_CAMERA, tell  # type: ignore[import-not-found]

SIZES = {"wide": (1100, 720), "phone": (390, 844)}
FEW = "--few"
HANG = "navigator.mediaDevices.getUserMedia = () => new Promise(() => {});"
ASK = "navigator.permissions.query = async () => ({state: 'prompt'});"


@dataclass(frozen=True)
class Shot:
    """One situation: words of the pretended line, controls to press in the widget, a script before and one after."""

    name: str
    words: str = ""
    steps: tuple[str, ...] = (".lm-fab",)
    script: str = ""
    late: str = ""
    theme: str = "light"
    media: str = ""
    settle_ms: int = 900


VIDEO = (".lm-fab", ".lm-way-main")
VOICE = (".lm-fab", "[data-media=voice]")
TEXT = (".lm-fab", "[data-media=text]")
NOW: tuple[str, ...] = ()
MINIMISE = ".lm-head .lm-tool:nth-of-type(2)"
SHOTS = (
    Shot("button", steps=()),
    Shot("ask"),
    Shot("ask-ready", "ready"),
    Shot("ask-dark", "ready", theme="dark"),
    Shot("closed", "closed"),
    Shot("busy", "busy"),
    Shot("failed", "refuse", steps=VIDEO),
    Shot("starting", "slow", steps=VIDEO),
    Shot("callback", "closed", steps=(".lm-fab", ".lm-notice .primary")),
    Shot("called", "closed", steps=(".lm-fab", ".lm-notice .primary", ".lm-later .primary")),
    Shot("allow", "", steps=VIDEO, script=HANG + ASK),
    Shot("waiting", "", steps=VIDEO),
    Shot("waiting-said", "said", steps=VIDEO),
    Shot("waiting-next", "next,unknown", steps=VIDEO),
    Shot("waiting-voice", "voice", steps=VOICE),
    Shot("waiting-text", "text,said", steps=TEXT),
    Shot("waiting-denied", "", steps=VIDEO, script=REFUSE.format(name="NotAllowedError")),
    Shot("waiting-nocamera", "", steps=VIDEO, script=REFUSE_CAMERA),
    Shot("waiting-dark", "", steps=VIDEO, theme="dark"),
    Shot("waiting-bubble", "", steps=(*VIDEO, MINIMISE)),
    Shot("ringing", "ringing", steps=VIDEO),
    Shot("ringing-voice", "ringing,voice", steps=VOICE),
    Shot("handed", "handed", steps=VIDEO),
    Shot("incoming", "incoming,now", steps=NOW),
    Shot("video", "call", steps=VIDEO, settle_ms=1500),
    Shot("video-off", "call,nopicture", steps=VIDEO),
    Shot("video-chat", "call", steps=(*VIDEO, "[data-control=chat]"), settle_ms=1500),
    Shot("video-more", "call", steps=(*VIDEO, "[data-control=more]"), settle_ms=1500),
    Shot("video-second", "call,second", steps=VIDEO, settle_ms=1500),
    Shot("video-screen", "call,screen", steps=VIDEO, settle_ms=1500),
    Shot("video-checklist", "call,checklist", steps=VIDEO, settle_ms=1500),
    Shot("video-bubble", "call", steps=(*VIDEO, MINIMISE), settle_ms=1500),
    Shot("video-muted", "call", steps=(*VIDEO, "[data-control=microphone]", "[data-control=camera]"), settle_ms=1500),
    Shot("video-flip", "call", steps=VIDEO, late="() => pretendedLine.ask_device('flip')", settle_ms=1500),
    Shot("voice", "call,voice", steps=VOICE),
    Shot("voice-chat", "call,voice", steps=(*VOICE, "[data-control=chat]")),
    Shot("text", "call,text", steps=TEXT),
    Shot("text-dark", "call,text", steps=TEXT, theme="dark"),
    Shot("step-denied", "call,text", steps=(*TEXT, "[data-control=video]"), script=REFUSE.format(name="NotAllowedError")),
    Shot("hold", "call,hold", steps=VIDEO, settle_ms=1500),
    Shot("transfer", "call,transfer", steps=VIDEO, settle_ms=1500),
    Shot("warm", "call,warm", steps=VIDEO, settle_ms=1500),
    Shot("agent-cut", "call,agentcut", steps=VIDEO, settle_ms=1500),
    Shot("cut", "call,cut", steps=VIDEO, settle_ms=2000),
    Shot("consent", "call,consent", steps=VIDEO, settle_ms=1500),
    Shot("consent-voice", "call,consent,voice", steps=VOICE, settle_ms=1500),
    Shot("offered", "call,offered", steps=VIDEO, settle_ms=1500),
    Shot("onstage", "call,onstage", steps=VIDEO, settle_ms=1500),
    Shot("refused", "call,refused", steps=VIDEO, settle_ms=1500),
    Shot("rate", "call", steps=(*VIDEO, "[data-control=end]")),
    Shot("rated", "call", steps=(*VIDEO, "[data-control=end]", ".lm-star:nth-child(5)")),
    Shot("thanks", "call", steps=(*VIDEO, "[data-control=end]", ".lm-star:nth-child(4)", ".lm-rate .primary")),
    Shot("expired", "expired", steps=VIDEO),
    Shot("cutoff", "cutoff", steps=VIDEO),
)


async def take(browser: Browser, shot: Shot, address: str, out: Path) -> None:
    for size, (width, height) in SIZES.items():
        for language, locale in (("zh", "zh-CN"), ("en", "en-US")):
            if FEW in sys.argv and (size, language) not in (("wide", "zh"), ("phone", "en")):
                continue
            phone = size == "phone"
            context = await browser.new_context(
                viewport={"width": width, "height": height}, locale=locale, has_touch=phone, is_mobile=phone
            )
            await context.grant_permissions(["camera", "microphone"])
            page = await context.new_page()
            page.on("console", partial(tell, shot.name))
            page.on("pageerror", partial(print, shot.name, "PAGE ERROR"))
            if shot.script:
                await page.add_init_script(shot.script)
            english = "&en=1" if language == "en" else ""
            await page.goto(f"{address}/shop?help={shot.words}&theme={shot.theme}{english}")
            await play(page, shot)
            await page.screenshot(path=out / f"{shot.name}-{size}-{language}.png")
            await context.close()


async def play(page: Page, shot: Shot) -> None:
    await page.wait_for_selector("lm-help .lm:not([hidden]) .lm-fab, lm-help .lm-card", state="attached", timeout=10_000)
    for step in shot.steps:
        await page.wait_for_timeout(250)
        await page.click(f"lm-help {step}", timeout=5_000)
    await page.wait_for_timeout(shot.settle_ms)
    if shot.late:
        await page.evaluate(shot.late)
        await page.wait_for_timeout(400)


async def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    parts = [part for part in sys.argv[2:] if part != FEW]
    command = ["node", str(HERE / "serve.mjs"), "--line"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        address = server.stdout.readline().strip()
        async with async_playwright() as engine:
            browser = await engine.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for shot in SHOTS:
                if parts and not any(part in shot.name for part in parts):
                    continue
                try:
                    await take(browser, shot, address, out)
                except Exception as error:
                    print(shot.name, "FAILED", str(error).splitlines()[0])
            await browser.close()
    finally:
        server.terminate()


if __name__ == "__main__":
    asyncio.run(main())
