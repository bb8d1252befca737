"""Debian's Firefox ESR, driven through ``firefox_driver.mjs``: a node process that speaks JSON lines."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
from pathlib import Path
from typing import Any

from tests.browser.page import KIT, Page

DRIVER = Path(__file__).parent / "firefox_driver.mjs"
TIMEOUT_S = 40.0
MAX_LINE = 1 << 24


def executable() -> str | None:
    """Where Firefox is, or None."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class FirefoxPage(Page):
    """A page in a container of its own: nothing is shared with another."""

    def __init__(self, driver: Firefox, handle: int, name: str) -> None:
        super().__init__("firefox", name)
        self._driver = driver
        self._handle = handle

    async def goto(self, url: str) -> None:
        await self._driver.request("goto", page=self._handle, url=url)

    async def call(self, expression: str) -> Any:
        try:
            return await self._driver.request("evaluate", page=self._handle, expression=expression)
        except AssertionError as exc:
            raise AssertionError(f"{self.name}: {exc}") from None

    async def screenshot(self, path: Path) -> None:
        await self._driver.request("screenshot", page=self._handle, path=str(path))

    async def close(self) -> None:
        await self._driver.close_page(self._handle)


class Firefox:
    """One running browser and its driver."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._pages: dict[int, FirefoxPage] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def launch(cls, path: str) -> Firefox:
        """Start it headless. Fails when node or puppeteer-core is missing."""
        process = await asyncio.create_subprocess_exec(
            "node", str(DRIVER), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=MAX_LINE
        )
        driver = cls(process)
        await driver.request("launch", executable=path)
        return driver

    async def open(self, name: str) -> FirefoxPage:
        """A new page."""
        handle = await self.request("open", script=KIT)
        self._pages[handle] = page = FirefoxPage(self, handle, name)
        return page

    async def close_page(self, handle: int) -> None:
        """Close one page."""
        self._pages.pop(handle, None)
        await self.request("close", page=handle)

    async def request(self, operation: str, **fields: Any) -> Any:
        """Ask the driver. Raises AssertionError with what it says when it refuses, or when it is gone."""
        assert self._process.stdin is not None
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._process.stdin.write(json.dumps({"id": number, "op": operation, **fields}).encode() + b"\n")
            async with asyncio.timeout(TIMEOUT_S):
                await self._process.stdin.drain()
                return await self._waiting[number]
        except (TimeoutError, ConnectionError) as exc:
            raise AssertionError(f"the Firefox driver did not {operation}: {exc!r}") from None
        finally:
            del self._waiting[number]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            message = json.loads(line)
            if "problem" in message:
                if message["page"] in self._pages:
                    self._pages[message["page"]].problems.append(message["problem"])
                continue
            future = self._waiting.get(message["id"])
            if future is None or future.done():
                continue
            if "error" in message:
                future.set_exception(AssertionError(message["error"]))
            else:
                future.set_result(message.get("value"))
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("it ended"))

    async def close(self) -> None:
        """End the browser and its driver: the driver ends with its input."""
        assert self._process.stdin is not None
        with contextlib.suppress(AssertionError):
            await self.request("quit")
        self._process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reader
