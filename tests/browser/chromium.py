"""Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Playwright
from playwright.async_api import Page as PlaywrightPage

from tests.browser.page import KIT, Page

FLAGS = [
    "--no-sandbox",
    # Without a rate the fake camera runs at 20 frames per second.
    "--use-fake-device-for-media-stream=fps=30",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pings",
    "--disable-dev-shm-usage",
    "--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter,OptimizationHints,Translate",
]


def executable() -> str | None:
    """Where Chromium is, or None."""
    return shutil.which("chromium")


class ChromiumPage(Page):
    """A page in a browser context of its own: nothing is shared with another."""

    def __init__(self, context: BrowserContext, page: PlaywrightPage, name: str) -> None:
        super().__init__("chromium", name)
        self.context = context
        self.page = page
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on("console", self._console)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text} ({message.location.get('url')})")

    async def goto(self, url: str) -> None:
        await self.page.goto(url, wait_until="load", timeout=20_000)

    async def call(self, expression: str) -> Any:
        try:
            return await self.page.evaluate(expression)
        except Error as exc:
            raise AssertionError(f"{self.name}: {exc.message}") from None

    async def screenshot(self, path: Path) -> None:
        await self.page.screenshot(path=path, timeout=5_000)

    async def close(self) -> None:
        await self.context.close()


class Chromium:
    """One running browser."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @classmethod
    async def launch(cls, playwright: Playwright, path: str) -> Chromium:
        """Start it headless."""
        return cls(await playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=30_000))

    async def open(self, name: str, **options: Any) -> ChromiumPage:
        """A new page; ``options`` are those of Playwright's browser context (locale, viewport, ...)."""
        context = await self._browser.new_context(**options)
        await context.add_init_script(KIT)
        return ChromiumPage(context, await context.new_page(), name)

    async def close(self) -> None:
        """End the browser."""
        await self._browser.close()
