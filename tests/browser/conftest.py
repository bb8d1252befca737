"""Browsers, the service, and what is kept when a test fails."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Playwright, async_playwright

from tests.browser import chromium, firefox
from tests.browser.chromium import Chromium
from tests.browser.firefox import Firefox
from tests.browser.page import Page
from tests.browser.service import ROOT, Service

ARTIFACTS = ROOT / ".artifacts"
# Served by every instance, shown by every browser, and it runs no script of its own.
BLANK = "/web/styles/tokens.css"

_failed = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers live in one event loop for the whole run, so the tests do too; a browser needs more than a minute."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.timeout(120))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let the fixtures know whether the test failed."""
    report = yield
    item.stash[_failed] = item.stash.get(_failed, False) or report.failed
    return report


class Browsers:
    """Each browser is started when a test first wants it, and lives until the end of the run."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None
        self._firefox: Firefox | None = None

    async def open(self, browser: str, name: str, **options: Any) -> Page:
        """A new page. Skips the test when the browser is not installed (which in CI is a failure)."""
        if browser == "firefox":
            self._firefox = self._firefox or await Firefox.launch(self._path(firefox.executable(), browser))
            return await self._firefox.open(name)
        if self._chromium is None:
            path = self._path(chromium.executable(), browser)
            self._playwright = await async_playwright().start()
            self._chromium = await Chromium.launch(self._playwright, path)
        return await self._chromium.open(name, **options)

    @staticmethod
    def _path(found: str | None, browser: str) -> str:
        if found is None:
            pytest.skip(f"{browser} is not installed: scripts/test install")
        return found

    async def close(self) -> None:
        """End those that were started."""
        if self._firefox is not None:
            await self._firefox.close()
        if self._chromium is not None:
            await self._chromium.close()
        if self._playwright is not None:
            await self._playwright.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browsers() -> AsyncIterator[Browsers]:
    """Chromium and Firefox."""
    started = Browsers()
    yield started
    await started.close()


@contextlib.asynccontextmanager
async def serving(data: Path, name: str = "service") -> AsyncIterator[Service]:
    """A service that writes ``.artifacts/<name>.log``. Nothing that a test does may make it log a traceback."""
    ARTIFACTS.mkdir(exist_ok=True)
    log = ARTIFACTS / f"{name}.log"
    log.write_text("")
    async with Service(data, log) as running:
        yield running
    before, found, rest = log.read_text(errors="replace").partition("Traceback (most recent call last)")
    assert not found, f"the service logged a traceback (see {log.relative_to(ROOT)}): {before[-200:]}{rest[:2500]}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """The service, started once."""
    async with serving(tmp_path_factory.mktemp("service")) as running:
        yield running


class Pages:
    """Opens pages for one test, on a document that runs nothing by itself."""

    def __init__(self, browsers: Browsers, origin: str) -> None:
        self._browsers = browsers
        self.origin = origin
        self.opened: list[Page] = []

    async def open(self, browser: str, path: str = BLANK, *, origin: str | None = None, **options: Any) -> Page:
        """A page of ``chromium`` or ``firefox``; ``options`` are for Chromium's browser context."""
        page = await self._browsers.open(browser, f"{browser}{len(self.opened)}", **options)
        self.opened.append(page)
        await page.goto((origin or self.origin) + path)
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def pages(request: pytest.FixtureRequest, browsers: Browsers, service: Service) -> AsyncIterator[Pages]:
    """Pages of the running service; pictures and logs of a failed test are left in ``.artifacts/``."""
    opened = Pages(browsers, service.origin)
    yield opened
    await finish(request, opened, service)


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """A room that no other test uses."""
    return "".join(character if character.isalnum() else "-" for character in request.node.name).strip("-")[:60]


async def finish(request: pytest.FixtureRequest, pages: Pages, service: Service | None) -> None:
    """Keep what a failed test leaves, and close its pages."""
    if request.node.stash.get(_failed, False):
        folder = ARTIFACTS / re.sub(r"[^\w.-]+", "_", request.node.name)
        folder.mkdir(parents=True, exist_ok=True)
        for page in pages.opened:
            lines = [*page.problems, *await page.log()]
            (folder / f"{page.name}.log").write_text("\n".join(lines), encoding="utf-8")
            try:
                async with asyncio.timeout(8):
                    await page.screenshot(folder / f"{page.name}.png")
            except Exception as exc:
                (folder / f"{page.name}.txt").write_text(f"no picture: {exc!r}", encoding="utf-8")
        if service is not None:
            (folder / "service.log").write_text(service.tail(400), encoding="utf-8")
    for page in pages.opened:
        await page.close()
