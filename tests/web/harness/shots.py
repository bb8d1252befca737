"""Screenshots of every state of every page, in both languages and at two sizes, to be looked at by a person.

    python tests/web/harness/shots.py OUT [name-part ...]

Needs node, Chromium and Playwright. Uses serve.mjs, so no Lianmai server is involved.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

HERE = Path(__file__).parent
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
LOCALES = {"zh": "zh-CN", "en": "en-US"}
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream=fps=20",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
]
REFUSE = "navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('x', '{name}'); }};"
REFUSE_CAMERA = """
const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  if (wanted.video) throw new DOMException('x', 'NotReadableError');
  return real(wanted);
};
"""
LOSE_CAMERA = """
() => {
  const video = document.querySelector('lm-stage video');
  const track = video.srcObject.getVideoTracks()[0];
  track.stop();
  track.dispatchEvent(new Event('ended'));
}
"""

SCROLL_UP = """
async () => {
  document.querySelector('.chat-scroll').scrollTop = 40;
  await new Promise((resolve) => setTimeout(resolve, 3500));
}
"""
LONG_TEXT = """
() => {
  const input = document.querySelector('.chat-input');
  input.value = '这个很长'.repeat(78);
  input.dispatchEvent(new Event('input'));
}
"""
SAY_TWICE = """
async () => {
  const input = document.querySelector('.chat-input');
  input.value = '第一条';
  input.dispatchEvent(new Event('input'));
  document.querySelector('.chat-form').requestSubmit();
  await new Promise((resolve) => setTimeout(resolve, 400));
  input.value = '第二条还没发出去';
  input.dispatchEvent(new Event('input'));
}
"""
TAKE_ELSEWHERE = """
async () => {
  await window.pretendedDesk.supervise('c-1', 'takeover');
  await new Promise((resolve) => setTimeout(resolve, 600));
}
"""
PICK_SHARE = """
() => {
  const pick = document.getElementById('figure');
  pick.value = 'service_level';
  pick.dispatchEvent(new Event('change'));
}
"""
PASTE_TOKEN = """
async () => {
  document.getElementById('token-field').value = 'eyJhbGciOiJIUzI1NiJ9.expired';
  document.querySelector('lm-token-form form').requestSubmit();
  await new Promise((resolve) => setTimeout(resolve, 800));
}
"""
WRONG_ORDER = """
() => {
  const to = document.getElementById('to');
  to.value = '2025-01-01';
  to.dispatchEvent(new Event('change'));
}
"""


@dataclass(frozen=True)
class Shot:
    """One situation. ``steps`` are controls to press, ``script`` runs before the page, ``late`` after the steps."""

    name: str
    path: str
    steps: tuple[str, ...] = ()
    script: str = ""
    late: str = ""
    granted: bool = True
    demo: bool = True
    insecure: bool = False
    settle_ms: int = 700


LIVE_STATES = (
    "connecting idle idlehost waiting silent live english long many portrait bright blocked poor fair cut away "
    "ended replaced full gone odd audio unplayable screen two six"
).split()
LAYOUTS = "solo side_by_side inset grid screen".split()
GO = ".call-control[data-control=live]"
SETTINGS = ".call-control[data-control=settings]"
GUESTS = "phone:.call-control[data-control=guests]"
CHAT = ("phone:.call-control[data-control=chat]", "#rail-tab-chat")
STAFF = ("phone:.call-control[data-control=chat]", "#rail-tab-staff")
ANY = "lm-invite .any-free"
STUDIO = (
    ("idle", "stage1", (GUESTS,)),
    *((f"two-{layout}", f"stage2,{layout}", ()) for layout in LAYOUTS),
    *((f"three-{layout}", f"stage3,{layout}", ()) for layout in LAYOUTS),
    *((f"six-{layout}", f"stage6,{layout}", ()) for layout in LAYOUTS),
    ("guests", "stage3,guestmuted,guestcohost,pinned", (GUESTS,)),
    ("drawer", "stage3,guestmuted", (GUESTS, "lm-guest-strip li:nth-child(2) [aria-expanded]")),
    ("full", "stage6", (GUESTS,)),
    ("locked", "stage2,stagelocked", (GUESTS,)),
    ("joining", "stage2,joining", (GUESTS,)),
    ("dropped", "stage2,dropped", (GUESTS,)),
    ("empty", "stage1,agentsnone", (GUESTS,)),
    ("about", "stage1", (GUESTS, "lm-invite summary")),
    ("offer", "stage2,offer", (GUESTS,)),
    ("hands", "stage2,hands", (GUESTS,)),
    ("handsopen", "stage1,handsopen", (GUESTS,)),
    ("chat", "stage2,chat", CHAT),
    ("moderate", "stage2,chat", (*CHAT, "lm-chat li:nth-last-child(3)")),
    ("staff", "stage2,staff", STAFF),
    ("urgent", "stage2,urgent,chat", ()),
    ("urgent-sheet", "stage2,urgent,chat", (GUESTS,)),
    ("whisper", "stage2,whisper", ()),
)
STUDIO_RINGS = (
    ("ringing", "stage1", (GUESTS, "lm-invite li:nth-child(1) button"), 900),
    ("group", "stage1,outgoinggroup", (GUESTS,), 2000),
    ("declined", "stage1,decline", (GUESTS, "lm-invite li:nth-child(1) button"), 3500),
    ("declined-away", "stage1,decline", (GUESTS, "lm-invite li:nth-child(1) button", "#rail-tab-status"), 3500),
    ("busy", "stage1,busy", (GUESTS, ANY), 900),
    ("clear", "stage3", (GUESTS, "lm-guest-strip .red"), 500),
)
SHOTS = (
    *(Shot(f"live-{state}", f"/live/demo?state={state}", settle_ms=1500) for state in LIVE_STATES),
    Shot("live-token", "/live/demo?state=live", demo=False),
    Shot("live-expired", "/live/demo?state=expired", demo=False, late="() => sessionStorage.length"),
    Shot("live-keys", "/live/demo?state=live", steps=("key:?",)),
    Shot("live-tip", "/live/demo?state=poor", steps=(".quality-button",), settle_ms=300),
    *(
        Shot(f"live-stage{count}-{layout}", f"/live/demo?state=stage{count},{layout},chat", settle_ms=1800)
        for layout in "solo side_by_side inset grid screen".split()
        for count in (1, 2, 3, 6)
    ),
    *(
        Shot(f"live-{name}", f"/live/demo?state={state}", settle_ms=1800)
        for name, state in {
            "chat-full": "live,chatfull",
            "chat-portrait": "portrait,chatfull",
            "chat-live": "live,chatlive",
            "chat-slow": "live,chat,slow",
            "chat-muted": "live,chat,muted",
            "chat-readonly": "live,chat&role=reviewer",
            "chat-idle": "idlehost,chat",
            "chat-controls": "stage3,chat,cohost",
            "joining": "stage3,joining,chat",
            "dropped": "stage3,dropped,chat",
            "muted-guest": "stage3,guestdark,guestmuted,chat",
            "hostaway": "away,stage3,chat",
            "hands": "live,chat,handsopen",
            "hand": "live,chat,hand",
            "onstage": "stage2,onstage,chat",
            "onstage-locked": "stage2,onstage,selflocked,chat",
        }.items()
    ),
    *(
        Shot(f"live-{name}", f"/live/demo?state={state},chat,handsopen", settle_ms=3500)
        for name, state in {"ring": "live,ring", "ring-long": "live,ringlong", "air": "stage2,ringhost"}.items()
    ),
    Shot("live-hand-form", "/live/demo?state=live,chat,handsopen", steps=(".hand-begin",)),
    Shot("live-ring-ask", "/live/demo?state=live,chat,ring", granted=False, settle_ms=1500),
    Shot("live-air-leave", "/live/demo?state=stage2,ring,chat", steps=(".ring-accept", "[data-control=leave]")),
    Shot("live-chat-closed", "/live/demo?state=stage2,chatlive", steps=("wide:[data-control=chat]",), settle_ms=4000),
    Shot("live-chat-tools", "/live/demo?state=stage3,chat,cohost", steps=(".chat-line:nth-last-child(4)",)),
    Shot("live-chat-up", "/live/demo?state=live,chatlive", late=SCROLL_UP, settle_ms=1500),
    Shot("live-chat-limit", "/live/demo?state=live,chat", late=LONG_TEXT),
    Shot("live-chat-refused", "/live/demo?state=live,chat,slow", late=SAY_TWICE, settle_ms=1500),
    Shot("landing-live", "/?state=live", settle_ms=1500),
    Shot("landing-empty", "/?state=empty"),
    Shot("landing-failed", "/?state=full"),
    Shot("landing-plain", "/", demo=False),
    Shot("host-ask", "/host/demo?state=studio", granted=False),
    Shot("host-preview", "/host/demo?state=studio", settle_ms=1500),
    Shot("host-connecting", "/host/demo?state=connecting", settle_ms=1500),
    Shot("host-long", "/host/spring-sale-2026-official-flagship-store-room?state=studio", settle_ms=1500),
    Shot("host-muted", "/host/demo?state=studio", steps=("[data-control=microphone]", "[data-control=camera]")),
    Shot("host-live", "/host/demo?state=onair", steps=(GO,), settle_ms=1500),
    Shot("host-weak", "/host/demo?state=weak", steps=(GO,), settle_ms=1500),
    Shot("host-measuring", "/host/demo?state=measuring", steps=(GO,), settle_ms=1500),
    Shot("host-cut", "/host/demo?state=studiocut", steps=(GO,), settle_ms=1500),
    Shot("host-end", "/host/demo?state=onair", steps=(GO, "[data-control=end]")),
    Shot("host-summary", "/host/demo?state=onair", steps=(GO, "[data-control=end]", ".dialog .danger")),
    Shot("host-resume", "/host/demo?state=resume", settle_ms=1500),
    Shot("host-lost", "/host/demo?state=onair", steps=(GO,), late=LOSE_CAMERA),
    Shot("host-denied", "/host/demo?state=studio", script=REFUSE.format(name="NotAllowedError")),
    Shot("host-nodevice", "/host/demo?state=studio", script=REFUSE.format(name="NotFoundError")),
    Shot("host-busy", "/host/demo?state=studio", script=REFUSE.format(name="NotReadableError")),
    Shot("host-nocamera", "/host/demo?state=studio", script=REFUSE_CAMERA),
    Shot("host-insecure", "/host/demo?state=studio", insecure=True),
    Shot("host-replaced", "/host/demo?state=replaced", settle_ms=2000),
    Shot("host-settings", "/host/demo?state=studio", steps=(f"phone:{SETTINGS}",)),
    Shot("host-settings-live", "/host/demo?state=onair", steps=(GO, f"phone:{SETTINGS}")),
    *(
        Shot(f"studio-{name}", f"/host/demo?state=onair,{words}", steps=(GO, *steps), settle_ms=2000)
        for name, words, steps in STUDIO
    ),
    *(
        Shot(f"studio-{name}", f"/host/demo?state=onair,{words}", steps=(GO, *steps), settle_ms=settle)
        for name, words, steps, settle in STUDIO_RINGS
    ),
    Shot("studio-resume", "/host/demo?state=resume,stage3", settle_ms=1500),
    Shot("host-screen", "/host/demo?state=onair", steps=(GO, "wide:[data-control=screen]"), settle_ms=1500),
)

ROOM = "[data-room=demo] .room-actions .button:nth-child"
ON_AIR = "lm-ring .ring-accept"
TALK = "phone:.pane-tab:nth-child(3)"
SUPERVISOR = "/agent?as=supervisor&role=supervisor&state="
AGENT_SHOTS = (
    *(Shot(f"agent-{state}", f"/agent?state={state}") for state in "idle offline onstage replaced connecting".split()),
    Shot("agent-empty", "/agent?state=empty,break"),
    Shot("agent-cut", "/agent?state=reconnecting", settle_ms=1800),
    Shot("agent-token", "/agent?state=idle", demo=False),
    Shot("agent-ring", "/agent?state=ring", settle_ms=2200),
    Shot("agent-ring-long", "/agent?state=ringlong,many", settle_ms=2200),
    Shot("agent-ring-ask", "/agent?state=ring", granted=False, settle_ms=1800),
    Shot(
        "agent-ring-denied",
        "/agent?state=ring",
        granted=False,
        script=REFUSE.format(name="NotAllowedError"),
        steps=("lm-ring .preview-face .button",),
    ),
    Shot("agent-air", "/agent?state=ring,stage2,staff,chat", steps=(ON_AIR,), settle_ms=2500),
    Shot("agent-staff", "/agent?state=ring,stage3,staff,chat,urgent", steps=(ON_AIR, TALK), settle_ms=1500),
    Shot("agent-guests", "/agent?state=ring,stage3,cohost,hands", steps=(ON_AIR, TALK, "#tab-guests"), settle_ms=1500),
    Shot("agent-devices", "/agent?state=ring,stage2", steps=(ON_AIR, TALK, "#tab-devices"), settle_ms=1500),
    Shot("agent-watch", "/agent?state=stage3,staff,chat", steps=(f"{ROOM}(1)",), settle_ms=1800),
    Shot("agent-offer", "/agent?state=stage2,staff", steps=(f"{ROOM}(2)",), settle_ms=1800),
    Shot("agent-asking", "/agent?state=stage2", steps=(f"{ROOM}(2)", "lm-offer .ring-accept"), settle_ms=1500),
    Shot("supervisor-idle", f"{SUPERVISOR}staff"),
    Shot("supervisor-watch", f"{SUPERVISOR}stage2,staff,urgent", steps=(f"{ROOM}(1)",), settle_ms=1800),
)
CALL = "/agent?help="
WATCHER = "/agent?as=supervisor&role=supervisor&help="
KNOWN = "queue,verified,cards,earlier,chat,checklist,device,stay"
MORE = "phone:[data-control=more]"
CALL_SHOTS = (
    Shot("call-queue", f"{CALL}queuelong", settle_ms=1500),
    *(
        Shot(f"call-{name}", f"{CALL}{words},{KNOWN}", settle_ms=2000)
        for name, words in {
            "ring": "ringing",
            "ring-text": "ringing,text",
            "ring-long": "ringing,long",
            "out": "incoming",
            "talk": "active",
            "voice": "active,voice",
            "text": "active,text",
            "marks": "active,marks",
            "freeze": "active,freeze",
            "second": "active,second",
            "hold": "on_hold",
            "lost": "active,shopperlost",
            "warm": "warm",
            "consult": "consult",
            "asking": "active,asking",
            "offered": "active,offered,blurred",
            "stage": "active,on_stage,blurred",
            "refused": "active,refused",
            "wrap": "wrap_up",
            "wrap-rated": "wrap_up,rated",
        }.items()
    ),
    *(
        Shot(f"call-tab-{tab}", f"{CALL}active,{KNOWN}", steps=(TALK, f"#tab-{tab}"), settle_ms=1500)
        for tab in "case words steps notes".split()
    ),
    Shot("call-quick", f"{CALL}active,{KNOWN}", steps=("key:3",), settle_ms=800),
    Shot("call-transfer", f"{CALL}active,{KNOWN}", steps=(MORE, "[data-control=transfer]"), settle_ms=600),
    Shot("call-add", f"{CALL}active,{KNOWN}", steps=(MORE, "[data-control=add]"), settle_ms=600),
    Shot("call-stage-ask", f"{CALL}active,{KNOWN}", steps=(MORE, "[data-control=stage]"), settle_ms=600),
    Shot("call-end", f"{CALL}active,{KNOWN}", steps=("[data-control=end]",), settle_ms=600),
    Shot("call-keys", f"{CALL}active,{KNOWN}", steps=("key:?",), settle_ms=600),
    Shot("call-answered", f"{CALL}ringing,{KNOWN}", steps=("lm-call-ring .ring-accept",), settle_ms=2000),
    Shot(
        "call-ring-denied",
        f"{CALL}ringing,{KNOWN}",
        granted=False,
        script=REFUSE.format(name="NotAllowedError"),
        steps=("lm-call-ring .ring-accept",),
        settle_ms=1000,
    ),
    Shot("call-wall", f"{WATCHER}queue,wall", settle_ms=1800),
    *(
        Shot(f"call-{seat}", f"{WATCHER}active,{seat},queue,wall,{KNOWN}", settle_ms=2000)
        for seat in "listen whisper barge".split()
    ),
)
WALL = "/wall?role=supervisor&help="
TAKE_PART = ".wall-call-row [data-mode={mode}]"
WALL_SHOTS = (
    *(Shot(f"wall-{words}", f"{WALL}wall{words}", settle_ms=2200) for words in "calm empty night many".split()),
    Shot("wall-busy", f"{WALL}wall", settle_ms=2200),
    Shot("wall-cut", f"{WALL}wall&state=reconnecting", settle_ms=3500),
    Shot("wall-stale", f"{WALL}wall,wallonce", settle_ms=18_000),
    Shot("wall-connecting", f"{WALL}wall&state=connecting"),
    Shot("wall-refused", f"{WALL}wall&state=refused"),
    Shot("wall-agent", "/wall?role=agent&help=wall"),
    Shot("wall-replaced", f"{WALL}wall&state=replaced", settle_ms=1800),
    Shot("wall-token", f"{WALL}wall", demo=False),
    *(
        Shot(f"wall-{mode}", f"{WALL}wall,stay", steps=(TAKE_PART.format(mode=mode),), settle_ms=2200)
        for mode in "listen whisper barge takeover".split()
    ),
    Shot("wall-mine", f"{WALL}wall,stay", late=TAKE_ELSEWHERE, settle_ms=2200),
)
KPI = "/kpi?by="
KPI_SHOTS = (
    *(Shot(f"kpi-{by}", f"{KPI}{by}") for by in "day queue agent entry".split()),
    Shot("kpi-month", f"{KPI}day", steps=("[data-days='30']", "label[for=group-handle]")),
    Shot("kpi-share", f"{KPI}agent&kpi=many", late=PICK_SHARE),
    Shot("kpi-foot", f"{KPI}agent&kpi=many", late="() => document.getElementById('table').scrollIntoView()"),
    Shot("kpi-saved", f"{KPI}queue", steps=("#csv",)),
    *(
        Shot(f"kpi-{state}", f"{KPI}day&kpi={state}")
        for state in "empty slow forbidden token_expired store_unavailable".split()
    ),
    Shot("kpi-token", f"{KPI}day", demo=False),
    Shot("kpi-token-refused", f"{KPI}day&kpi=token_expired", demo=False, late=PASTE_TOKEN, settle_ms=1200),
    Shot("kpi-order", f"{KPI}day", late=WRONG_ORDER),
)


def tell(name: str, said: ConsoleMessage) -> None:
    if said.type == "error":
        print(name, said.text)


async def take(browser: Browser, shot: Shot, addresses: dict[bool, str], out: Path) -> None:
    for size, (width, height) in SIZES.items():
        for language, locale in LOCALES.items():
            phone = size == "phone"
            context = await browser.new_context(
                viewport={"width": width, "height": height}, locale=locale, has_touch=phone, is_mobile=phone
            )
            if shot.granted:
                await context.grant_permissions(["camera", "microphone"])
            page = await context.new_page()
            page.on("console", partial(tell, shot.name))
            page.on("pageerror", partial(print, shot.name, "PAGE ERROR"))
            if shot.insecure:
                await page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false});")
            if not shot.granted:
                await page.add_init_script("navigator.permissions.query = async () => ({state: 'prompt'});")
            if shot.script:
                await page.add_init_script(shot.script)
            await page.goto(addresses[shot.demo] + shot.path)
            await play(page, shot, size)
            await page.screenshot(path=out / f"{shot.name}-{size}-{language}.png")
            await context.close()


async def play(page: Page, shot: Shot, size: str) -> None:
    if shot.name == "live-expired":
        await page.fill("#token-field", "eyJhbGciOiJIUzI1NiJ9.expired")
        await page.click("lm-token-form button")
    for step in shot.steps:
        only, _, rest = step.partition(":")
        if only in SIZES and only != size:
            continue
        step = rest if only in SIZES else step
        if step.startswith("key:"):
            await page.wait_for_timeout(400)
            await page.keyboard.press(step[4:])
        else:
            await page.click(step, timeout=20_000)
    await page.wait_for_timeout(shot.settle_ms)
    if shot.late:
        await page.evaluate(shot.late)
        await page.wait_for_timeout(300)


async def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    parts = sys.argv[2:]
    servers = {
        demo: subprocess.Popen(
            ["node", str(HERE / "serve.mjs"), *([] if demo else ["--no-demo"])], stdout=subprocess.PIPE, text=True
        )
        for demo in (True, False)
    }
    try:
        addresses = {demo: server.stdout.readline().strip() for demo, server in servers.items() if server.stdout}
        async with async_playwright() as engine:
            browser = await engine.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for shot in (*SHOTS, *AGENT_SHOTS, *CALL_SHOTS, *WALL_SHOTS, *KPI_SHOTS):
                if not parts or any(part in shot.name for part in parts):
                    try:
                        await take(browser, shot, addresses, out)
                    except Exception as error:
                        print(shot.name, "FAILED", str(error).splitlines()[0])
            await browser.close()
    finally:
        for server in servers.values():
            server.terminate()


if __name__ == "__main__":
    asyncio.run(main())
