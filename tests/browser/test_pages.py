"""The real pages, used as a person would: by the words on their buttons."""

from __future__ import annotations

import asyncio
import contextlib
import re

import pytest
from playwright.async_api import Page as PlaywrightPage
from playwright.async_api import Route, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from tests.browser.chromium import ChromiumPage
from tests.browser.conftest import Pages
from tests.browser.page import Page

# Videos of the page, inside components too, that show something.
VIDEO_MOVES = """async () => {
    const all = (root) => [...root.querySelectorAll("*")].flatMap((one) =>
        [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
    const video = await kit.until(
        () => all(document).find((one) => one instanceof HTMLVideoElement && one.srcObject && one.videoWidth > 0),
        20000, "a video is shown");
    return kit.pictureMoves(video);
}"""
# How light the kept picture is on average, 0-255; 0 when it is hidden or empty.
STILL_LIGHT = """() => {
    const still = document.querySelector(".still");
    if (still.hidden || !still.width) return 0;
    const { data } = still.getContext("2d").getImageData(0, 0, still.width, still.height);
    return data.reduce((sum, value, at) => sum + (at % 4 === 3 ? 0 : value), 0) / (still.width * still.height * 3);
}"""
DARK = 16
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1440, "height": 900}}


async def open_page(pages: Pages, path: str, locale: str = "en", phone: bool = False) -> tuple[Page, PlaywrightPage]:
    """A page of the service in Chromium, and Playwright's handle of it."""
    page = await pages.open("chromium", path, locale=locale, **(PHONE if phone else DESKTOP))
    assert isinstance(page, ChromiumPage)
    return page, page.page


async def press(page: PlaywrightPage, words: str) -> None:
    """Press the button that says so."""
    await page.get_by_role("button", name=re.compile(words)).first.click(timeout=15_000)


async def press_in_studio(studio: PlaywrightPage, words: str) -> None:
    """Press that button, after the one for the devices where the page asks first, and be live."""
    ask = studio.get_by_role("button", name="Turn on camera and microphone")
    button = studio.get_by_role("button", name=re.compile(f"^{words}"))
    await expect(ask.or_(button).first).to_be_visible(timeout=15_000)
    if await ask.is_visible():
        # Where nothing has to be asked the page opens them itself, and the button is gone.
        with contextlib.suppress(PlaywrightTimeout):
            await ask.click(timeout=3_000)
    await button.first.click(timeout=15_000)
    await expect(studio.locator("#pill.live")).to_be_visible(timeout=15_000)


async def start_show(pages: Pages, room: str) -> tuple[Page, PlaywrightPage]:
    """Go live in the studio."""
    page, studio = await open_page(pages, f"/host/{room}")
    await press_in_studio(studio, "Go live")
    await page.evaluate(VIDEO_MOVES)
    return page, studio


@pytest.mark.parametrize(
    ("locale", "phone", "waiting", "ended"),
    [("en", False, "not started", "has ended"), ("zh-CN", True, "还没|未开始|尚未", "结束")],
    ids=["desktop-en", "phone-zh"],
)
async def test_show(pages: Pages, room: str, locale: str, phone: bool, waiting: str, ended: str) -> None:
    """A viewer waits, sees the show, and is told when it is over."""
    viewer, live = await open_page(pages, f"/live/{room}", locale, phone)
    await expect(live.locator("body")).to_contain_text(re.compile(waiting), timeout=15_000)
    host, studio = await start_show(pages, room)
    await viewer.evaluate(VIDEO_MOVES)
    await expect(studio.locator("#viewers-count")).to_have_text("1", timeout=10_000)
    await press(studio, "^End")
    await studio.get_by_role("dialog").get_by_role("button", name="End").last.click()
    await expect(live.locator("body")).to_contain_text(re.compile(ended), timeout=15_000)
    await expect(studio.locator("body")).to_contain_text("The show has ended", timeout=15_000)
    assert (host.problems, viewer.problems) == ([], [])


async def test_firefox_watches_the_live_page(pages: Pages, room: str) -> None:
    await start_show(pages, room)
    viewer = await pages.open("firefox", f"/live/{room}")
    await viewer.evaluate(VIDEO_MOVES)
    assert viewer.problems == []


async def test_reload_in_the_studio(pages: Pages, room: str) -> None:
    """A host who reloads is asked to resume; the same viewer page keeps the last picture till then, and goes on."""
    _, studio = await start_show(pages, room)
    viewer, live = await open_page(pages, f"/live/{room}")
    await viewer.evaluate(VIDEO_MOVES)
    await studio.goto("about:blank")
    words = live.locator("#center.veil")
    await expect(words).to_contain_text("reconnecting", timeout=15_000)
    assert await viewer.evaluate(STILL_LIGHT) > DARK
    await studio.goto(f"{pages.origin}/host/{room}")
    await expect(words).to_contain_text("stay a moment", timeout=15_000)
    assert await viewer.evaluate(STILL_LIGHT) > DARK
    await press_in_studio(studio, "Resume")
    await expect(live.locator("#pill.live")).to_be_visible(timeout=15_000)
    await viewer.evaluate(VIDEO_MOVES)
    await expect(live.locator("#center")).to_be_hidden()
    await expect(live.locator(".still")).to_be_hidden()


async def test_the_last_picture_goes_with_the_show(pages: Pages, room: str) -> None:
    """It stands behind the words while the host may come back, not after the end."""
    _, studio = await start_show(pages, room)
    viewer, live = await open_page(pages, f"/live/{room}")
    await viewer.evaluate(VIDEO_MOVES)
    await studio.goto("about:blank")
    await expect(live.locator("#center.veil")).to_be_visible(timeout=15_000)
    await expect(live.locator(".still")).to_be_visible()
    await studio.goto(f"{pages.origin}/host/{room}")
    await press_in_studio(studio, "Resume")
    await press(studio, "^End")
    await studio.get_by_role("dialog").get_by_role("button", name="End").last.click()
    await expect(live.locator("#center.solid")).to_contain_text("has ended", timeout=15_000)
    await expect(live.locator(".still")).to_be_hidden()


async def test_the_visit_begins_before_the_page(pages: Pages, room: str) -> None:
    """The picture does not wait for the page's own modules or its words, and the words come all the same."""
    await start_show(pages, room)
    page, live = await open_page(pages, "/favicon.ico", locale="zh-CN")
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await live.route(re.compile(r"/web/(i18n/|pages/live\.js)"), hold)
    async with live.expect_websocket() as joining:
        await live.goto(f"{pages.origin}/live/{room}", wait_until="commit")
    await (await joining.value).wait_for_event("framereceived")
    held.set()
    await page.evaluate(VIDEO_MOVES)
    await expect(live.locator("#pill.live")).to_have_text("直播中")
    assert page.problems == []


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
async def test_keyboard_help_is_for_keyboards(pages: Pages, room: str, phone: bool) -> None:
    await start_show(pages, room)
    viewer, live = await open_page(pages, f"/live/{room}", phone=phone)
    await viewer.evaluate(VIDEO_MOVES)
    await expect(live.locator("#sound-bar")).to_be_visible()
    await expect(live.locator("[data-control=keys]")).to_have_count(0 if phone else 1)


async def test_landing(pages: Pages) -> None:
    """A card for each role, leading where it says."""
    page, landing = await open_page(pages, "/")
    for role, path in (("#host-card", "/host/"), ("#viewer-card", "/live/")):
        assert path in (await landing.locator(role).get_attribute("href") or "")
    await landing.locator("#viewer-card").click()
    await landing.wait_for_url(re.compile("/live/"))
    assert page.problems == []
