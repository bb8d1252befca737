"""The real pages, used as a person would: by the words on their buttons."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page as PlaywrightPage
from playwright.async_api import expect

from tests.browser.chromium import ChromiumPage
from tests.browser.conftest import Pages
from tests.browser.page import Page
from tests.browser.test_room import room

__all__ = ["room"]

# Videos of the page, inside components too, that show something.
VIDEO_MOVES = """async () => {
    const all = (root) => [...root.querySelectorAll("*")].flatMap((one) =>
        [one, ...(one.shadowRoot ? all(one.shadowRoot) : [])]);
    const video = await kit.until(
        () => all(document).find((one) => one instanceof HTMLVideoElement && one.srcObject && one.videoWidth > 0),
        20000, "a video is shown");
    return kit.pictureMoves(video);
}"""
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
        await ask.click()
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
    """A host who reloads is asked to resume, and the same viewer page goes on."""
    _, studio = await start_show(pages, room)
    viewer, live = await open_page(pages, f"/live/{room}")
    await viewer.evaluate(VIDEO_MOVES)
    await studio.reload()
    await press_in_studio(studio, "Resume")
    await expect(live.locator("#pill.live")).to_be_visible(timeout=15_000)
    await viewer.evaluate(VIDEO_MOVES)


async def test_landing(pages: Pages) -> None:
    """A card for each role, leading where it says."""
    page, landing = await open_page(pages, "/")
    for role, path in (("#host-card", "/host/"), ("#viewer-card", "/live/")):
        assert path in (await landing.locator(role).get_attribute("href") or "")
    await landing.locator("#viewer-card").click()
    await landing.wait_for_url(re.compile("/live/"))
    assert page.problems == []
