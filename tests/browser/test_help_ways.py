"""The other ways through the help pages: written first and seen later, handed on cold; closed, busy, called back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from playwright.async_api import Page as PlaywrightPage
from playwright.async_api import expect

from signaling.auth import ANY_ROOM
from tests.browser.conftest import ARTIFACTS, Browsers, Pages, finish
from tests.browser.help_kit import open_page as open_kit
from tests.browser.help_pages import AT_AGENT, AT_SHOPPER, CAMERA, MOVES, PATIENCE_MS, SHOW, open_page, sees_words, tap
from tests.browser.page import Page
from tests.browser.service import Service
from tests.browser.test_room import go_live
from tests.browser.test_stage_pages import SMALL

DESK, PHONE = (1280, 800), (390, 844)
VOLUME = "() => document.querySelector('lm-stage .tile:not(.hidden) video').volume"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A service of its own: whoever sits at the desk elsewhere would be rung as well."""
    ARTIFACTS.mkdir(exist_ok=True)
    log = ARTIFACTS / "help-ways-service.log"
    log.write_text("")
    async with Service(tmp_path_factory.mktemp("help-ways"), log) as running:
        yield running
    assert "Traceback" not in log.read_text(errors="replace")


@pytest_asyncio.fixture(loop_scope="session")
async def pages(request: pytest.FixtureRequest, browsers: Browsers, service: Service) -> AsyncIterator[Pages]:
    """Pages of that service."""
    opened = Pages(browsers, service.origin)
    yield opened
    await finish(request, opened, service)


async def console(pages: Pages, service: Service, identity: str) -> tuple[Page, PlaywrightPage]:
    """An agent at the desk, under this identity."""
    token = json.dumps(service.token(ANY_ROOM, identity, "agent"))
    opened = await open_page(pages, "/agent", DESK, SMALL, f"try {{ sessionStorage.setItem('lianmai.token.*', {token}) }} catch {{}}")
    await expect(opened[1].locator("lm-presence")).to_be_visible(timeout=PATIENCE_MS)
    return opened


@pytest.mark.timeout(180)
async def test_written_first_then_heard_then_seen_then_handed_on(pages: Pages, service: Service, room: str) -> None:
    """On a phone, in the live page: each step asks only for what it needs, the show goes on softly; and a cold transfer
    brings somebody else, who is seen and heard as the first one was."""
    host = await open_kit(pages)
    await go_live(host, room)
    shopper, live = await open_page(pages, f"/live/{room}", PHONE, CAMERA)
    await shopper.evaluate(MOVES, SHOW)
    asked = "() => (window.asked ??= [])"
    await live.evaluate(
        """() => {
            const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            window.asked = [];
            navigator.mediaDevices.getUserMedia = (wanted) => {
                window.asked.push(Object.keys(wanted).filter((kind) => wanted[kind]).sort().join("+"));
                return real(wanted);
            };
        }"""
    )
    await live.locator("lm-help .lm-fab").focus()
    await live.keyboard.press("Enter")
    await live.locator("lm-help .lm-text").fill("The light blinks red")
    await tap(live, "lm-help .lm-way[data-media=text]")
    await sees_words(live, "lm-help .lm-place", "You are next")
    ann, desk = await console(pages, service, "ann")
    await sees_words(desk, "lm-call-ring", "The light blinks red")
    await tap(desk, "lm-call-ring .ring-accept")
    await expect(live.locator("lm-help [data-control=voice]")).to_be_visible(timeout=PATIENCE_MS)
    assert await live.evaluate(asked) == [], "writing needs no device"

    await tap(live, "lm-help [data-control=voice]")
    await shopper.wait_for("() => window.asked.length === 1")
    assert await live.evaluate(asked) == ["audio"]
    await shopper.wait_for(f"() => ({VOLUME})() < 0.5")
    await tap(live, "lm-help [data-control=video]")
    await ann.evaluate(MOVES, AT_AGENT)
    assert (await live.evaluate(asked))[-1] in ("video", "audio+video")
    # The agent answered a written question: the own camera opens when the agent says so.
    await desk.get_by_role("button", name="Open camera").click(timeout=PATIENCE_MS)
    await shopper.evaluate(MOVES, AT_SHOPPER)

    # Handed on without a word.
    ben, other = await console(pages, service, "ben")
    await tap(desk, "lm-help-call [data-control=transfer]")
    picker = desk.get_by_role("dialog")
    await picker.locator(".transfer-person").first.click(timeout=PATIENCE_MS)
    await picker.get_by_role("button").last.click(timeout=PATIENCE_MS)
    await tap(other, "lm-call-ring .ring-accept")
    await ben.evaluate(MOVES, AT_AGENT)
    await shopper.evaluate(MOVES, AT_SHOPPER)
    await expect(desk.locator("lm-help-call")).to_be_hidden(timeout=PATIENCE_MS)

    await tap(live, "lm-help [data-control=end]")
    await expect(live.locator("lm-help .lm-star").first).to_be_visible(timeout=PATIENCE_MS)
    await shopper.wait_for(f"() => ({VOLUME})() > 0.9")
    await shopper.evaluate(MOVES, SHOW)
    (kept,) = (await service.rest("GET", f"/calls?room={room}"))["calls"]
    assert (kept["outcome"], kept["transfers"]) == ("completed", 1)
    assert [page.problems for page in (shopper, ann, ben)] == [[], [], []]


async def test_closed_and_busy_lead_to_a_callback(pages: Pages, service: Service, room: str) -> None:
    """Closed hours are said before anything is asked for; a full queue says so, and takes a time to call back."""
    (queue,) = (await service.rest("GET", "/queues"))["queues"]
    name = queue["name"]
    settings = {key: value for key, value in queue.items() if key not in ("name", "created", "updated")}
    host = await open_kit(pages)
    await go_live(host, room)
    try:
        await service.rest("PUT", f"/queues/{name}", {**settings, "max_waiting": 1})
        waiting, first = await open_page(pages, f"/live/{room}", PHONE, CAMERA)
        await tap(first, "lm-help .lm-fab")
        await tap(first, "lm-help .lm-way[data-media=text]")
        await sees_words(first, "lm-help .lm-place", "You are next")
        late, live = await open_page(pages, f"/live/{room}", PHONE, CAMERA)
        await tap(live, "lm-help .lm-fab")
        await sees_words(live, "lm-help", "Everyone is busy")
        await live.locator("lm-help").get_by_role("button", name="Have us call you").click(timeout=PATIENCE_MS)
        await live.locator("lm-help .lm-later input[type=tel]").fill("13800000000")
        await live.locator("lm-help .lm-later textarea").fill("Which cable?")
        await live.locator("lm-help .lm-later button[type=submit]").click(timeout=PATIENCE_MS)
        await expect(live.locator("lm-help .lm-later")).to_be_hidden(timeout=PATIENCE_MS)
        (wish,) = (await service.rest("GET", "/callbacks"))["callbacks"]
        assert (wish["phone"], wish["note"], wish["queue"]) == ("13800000000", "Which cable?", name)
        await tap(first, "lm-help .lm-leave")
        tomorrow = (datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(days=1)).strftime("%a")
        await service.rest("PUT", f"/queues/{name}", {**settings, "hours": f"{tomorrow} 09:00-18:00"})
        night, closed = await open_page(pages, f"/live/{room}", PHONE, CAMERA)
        await tap(closed, "lm-help .lm-fab")
        await sees_words(closed, "lm-help", "We are closed right now")
        await sees_words(closed, "lm-help", "Open again")
        assert [page.problems for page in (waiting, late, night)] == [[], [], []]
    finally:
        await service.rest("PUT", f"/queues/{name}", settings)
