"""The supervisor's pages: the wall as calls come and go, a whisper from it, and the key figures as the server has them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Page as PlaywrightPage
from playwright.async_api import expect

from signaling.auth import ANY_ROOM
from tests.browser.chromium import ChromiumPage
from tests.browser.conftest import ARTIFACTS, Browsers, Pages, finish
from tests.browser.help_kit import AGENT, SHOPPER, Line, answer, ask, do, prepare, sit, tiles
from tests.browser.help_kit import open_page as open_kit
from tests.browser.help_kit import shop as enter_shop
from tests.browser.help_pages import MOVES, PATIENCE_MS, open_page, sees_words, tap
from tests.browser.service import Service
from tests.browser.test_stage_pages import SMALL

WALL = (1440, 900)
# The loudest tone of the picture's sound here is this one.
TONE = """async ([path, hertz]) => {
    const video = document.querySelector(path);
    const context = new AudioContext();
    await context.resume();
    const ear = context.createAnalyser();
    Object.assign(ear, { fftSize: 8192, smoothingTimeConstant: 0 });
    const bins = new Float32Array(ear.frequencyBinCount);
    let source = null;
    let heard = 0;
    await kit.until(() => {
        const stream = video.srcObject;
        if (!source && stream?.getAudioTracks().length) (source = context.createMediaStreamSource(stream)).connect(ear);
        ear.getFloatFrequencyData(bins);
        let best = 10;
        bins.forEach((level, at) => (best = at > 10 && level > bins[best] ? at : best));
        heard = (best * context.sampleRate) / ear.fftSize;
        return bins[best] > -60 && Math.abs(heard - hertz) < 40;
    }, 15000, `${hertz} Hz, not ${heard}`);
    return context.close();
}"""
SUPERVISOR = "() => kit.until(() => help.call().people.find(({ side }) => side === 'supervisor'), 10000, 'a supervisor')"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A service of its own: its wall and its figures have nobody else's calls."""
    ARTIFACTS.mkdir(exist_ok=True)
    log = ARTIFACTS / "help-wall-service.log"
    log.write_text("")
    async with Service(tmp_path_factory.mktemp("help-wall"), log) as running:
        yield running
    assert "Traceback" not in log.read_text(errors="replace")


@pytest_asyncio.fixture(loop_scope="session")
async def pages(request: pytest.FixtureRequest, browsers: Browsers, service: Service) -> AsyncIterator[Pages]:
    """Pages of that service."""
    opened = Pages(browsers, service.origin)
    yield opened
    await finish(request, opened, service)


async def figure(wall: PlaywrightPage, name: str, value: str) -> None:
    """A figure of the wall, large or small, is this now."""
    number = wall.locator(f"[data-figure={name}] .wall-number")
    await expect(number).to_have_text(value, timeout=PATIENCE_MS)


async def test_the_wall_follows_a_call_and_lets_a_supervisor_in(pages: Pages, service: Service, room: str) -> None:
    """Who waits, who rings, who talks; then heard from the wall, and whispered into: the agent hears it, the shopper
    does not, nor is told."""
    line = await Line.open(service, room)
    wall_page, wall = await open_page(pages, "/wall", WALL, SMALL)
    await figure(wall, "waiting", "0")
    shopper, agent = [await open_kit(pages) for _ in range(2)]
    await enter_shop(shopper, line)
    call = await ask(shopper, line)
    await figure(wall, "waiting", "1")
    await sees_words(wall, "lm-wall-waiting .wall-waiter", line.name(SHOPPER))
    await sees_words(wall, f"lm-wall-queues .wall-queue:has-text('{line.skill}')", "1 person waiting")
    await figure(wall, "free", "0")

    await sit(agent, line, AGENT)
    row = f"lm-wall-agents .wall-agent:has-text('{line.name(AGENT)}')"
    await expect(wall.locator(row)).to_have_attribute("data-doing", "ringing", timeout=PATIENCE_MS)
    await answer(agent, line, AGENT, call)
    await expect(wall.locator(row)).to_have_attribute("data-doing", "in_call", timeout=PATIENCE_MS)
    await figure(wall, "calls", "1")
    await figure(wall, "waiting", "0")
    await figure(wall, "answered", "1")
    await expect(wall.locator("lm-wall-waiting .wall-waiter")).to_have_count(0, timeout=PATIENCE_MS)

    await tap(wall, "lm-wall-calls [data-mode=listen]")
    await wall_page.evaluate(MOVES, ["lm-help-call .hc-stage video"])
    await wall_page.evaluate(TONE, ["lm-help-call .hc-stage video", SHOPPER.tone])
    await expect(wall.locator("lm-wall-calls [data-mode=listen]")).to_have_attribute("aria-pressed", "true")
    boss = (await agent.evaluate(SUPERVISOR))["identity"]
    await tap(wall, "lm-wall-calls [data-mode=whisper]")
    await agent.evaluate("(identity) => help.hearsAny(identity)", boss)
    assert await shopper.evaluate("() => help.tones()") == [AGENT.tone]
    assert await shopper.evaluate("() => help.call().people.map(({ side }) => side)") == ["shopper", "agent"]

    await tap(wall, "lm-wall-calls [data-mode=off]")
    await expect(wall.locator("#drawer")).to_be_hidden(timeout=PATIENCE_MS)
    await tiles(agent, line, {"shopper": ["camera", "microphone"]})
    await do(shopper, "end")
    await expect(wall.locator(row)).to_have_attribute("data-doing", "wrap_up", timeout=PATIENCE_MS)
    await do(shopper, "rate", 4, {"solved": "yes"})
    await do(agent, "wrapUp", {"note": "Paired", "solved": "yes", "done": True})
    await expect(wall.locator(row)).to_have_attribute("data-doing", "available", timeout=PATIENCE_MS)
    await figure(wall, "calls", "0")
    await agent.evaluate("() => desk.leave()")
    assert wall_page.problems == []


def written(value: float | None, unit: str) -> str:
    """A figure as the page writes it in English."""
    if value is None:
        return "–"
    if unit == "share":
        return f"{value * 100:.1f}".removesuffix(".0") + "%"
    if unit == "score":
        return f"{value:.2f}"
    return f"{value:,.0f}" if unit == "calls" else f"{round(value) // 60}:{round(value) % 60:02}"


async def file(service: Service, query: str) -> str:
    """The figures as a file, by REST."""
    headers = {"Authorization": f"Bearer {service.token(ANY_ROOM, 'test-admin', 'admin')}"}
    async with (
        aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=10)) as session,
        session.get(f"{service.origin}/api/v1/kpi?{query}") as reply,
    ):
        assert reply.status == 200
        return await reply.text()


async def test_the_key_figures_are_the_servers(pages: Pages, service: Service, room: str) -> None:
    """For a reader on the other side of the world: the shop's days, each figure and its definition, and the CSV."""
    line = await Line.open(service, room)
    shopper, agent = [await open_kit(pages) for _ in range(2)]
    await enter_shop(shopper, line)
    await do(shopper, "ask", {"queue": line.skill, "media": "text"})
    call = str(await shopper.evaluate("() => help.call().id"))
    await sit(agent, line, AGENT)
    await agent.evaluate("(id) => help.rung(id)", call)
    await prepare(agent, line, AGENT, call)
    await do(agent, "answer")
    await do(shopper, "end")
    await do(shopper, "rate", 4, {"solved": "yes"})
    await do(agent, "wrapUp", {"note": "", "solved": "yes", "done": True})
    await agent.evaluate("() => desk.leave()")
    options: dict[str, Any] = {"locale": "en", "timezone_id": "Pacific/Honolulu", "viewport": {"width": 1280, "height": 900}}
    page = await pages.open("chromium", "/kpi", **options)
    assert isinstance(page, ChromiumPage)
    kpi = page.page
    await expect(kpi.locator("#cards .kpi-card").first).to_be_visible(timeout=PATIENCE_MS)
    report = await service.rest("GET", "/kpi?by=day&locale=en")
    assert report["total"]["asked"] >= 1 and report["total"]["csat"] == 4
    assert [await kpi.locator(f"#{end}").input_value() for end in ("from", "to")] == [report["from"], report["to"]]
    await expect(kpi.locator("#zone")).to_contain_text(report["timezone"])
    await expect(kpi.locator("#presets [data-days='7']")).to_have_attribute("aria-pressed", "true")

    units = {one["key"]: one for one in report["figures"]}
    cards = kpi.locator("#cards .kpi-card")
    # Without the unit that stands behind it.
    shown: dict[str, str] = dict(
        await cards.evaluate_all(
            "(all) => all.map((one) => [one.querySelector('dt').textContent, one.querySelector('.kpi-big').firstChild.data])"
        )
    )
    expected = {one["title"]: written(report["total"][key], one["unit"]) for key, one in units.items()}
    assert len(shown) == 8 and shown == {title: expected[title] for title in shown}
    formulas = await cards.locator(".kpi-formula").all_inner_texts()
    assert set(formulas) <= {one["formula"] for one in report["figures"]}

    await kpi.locator("#by input[value=agent]").check(force=True)
    await expect(kpi).to_have_url(re.compile("by=agent"), timeout=PATIENCE_MS)
    await sees_words(kpi, "lm-kpi-table", "agent-")
    async with kpi.expect_download(timeout=PATIENCE_MS) as saved:
        await kpi.locator("#csv").click()
    download = await saved.value
    query = f"from={report['from']}&to={report['to']}&by=agent&format=csv&locale=en"
    assert download.suggested_filename == f"kpi-agent-{report['from']}-{report['to']}.csv"
    got = Path(await download.path()).read_text(encoding="utf-8-sig")
    assert got.splitlines() == (await file(service, query)).removeprefix("\ufeff").splitlines()
    assert page.problems == []
