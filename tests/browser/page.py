"""One page in a real browser, whichever: what a test does with it."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
KIT = (HERE / "kit.js").read_text(encoding="utf-8")
EVALUATE_TIMEOUT_S = 30.0
POLL_S = 0.1


class Page(ABC):
    """A tab with the helpers of ``kit.js`` in every document. ``problems`` are uncaught errors and console errors."""

    def __init__(self, browser: str, name: str) -> None:
        self.browser = browser
        self.name = name
        self.problems: list[str] = []

    @abstractmethod
    async def goto(self, url: str) -> None:
        """Open ``url`` and wait until it has loaded."""

    @abstractmethod
    async def call(self, expression: str) -> Any:
        """The JSON value of a JavaScript expression, awaited if it is a promise. Raises AssertionError if it throws."""

    @abstractmethod
    async def screenshot(self, path: Path) -> None:
        """Write a PNG of what is visible."""

    @abstractmethod
    async def close(self) -> None:
        """Close the tab."""

    async def evaluate(self, function: str, argument: Any = None, timeout_s: float = EVALUATE_TIMEOUT_S) -> Any:
        """Call a JavaScript function with one JSON argument."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self.call(f"({function})({json.dumps(argument)})")
        except TimeoutError:
            raise AssertionError(f"{self.name} did not answer in {timeout_s} s: {function[:200]}") from None

    async def wait_for(self, function: str, argument: Any = None, timeout_s: float = 15.0) -> Any:
        """Call it until what it returns is true, and return that. Fails with the page's own log at the deadline."""
        value = None
        try:
            async with asyncio.timeout(timeout_s):
                while not (value := await self.evaluate(function, argument, timeout_s)):
                    await asyncio.sleep(POLL_S)
        except (TimeoutError, AssertionError) as exc:
            log = "\n".join([f"last value: {value!r}", *self.problems, *await self.log()])
            raise AssertionError(f"{self.name} waited {timeout_s} s for {function[:300]}\n{exc}\n{log}") from None
        return value

    async def log(self) -> list[str]:
        """What the kit wrote down; empty when the page is gone."""
        try:
            async with asyncio.timeout(3):
                return list(await self.call("(globalThis.kit?.log ?? []).map(String)"))
        except (TimeoutError, AssertionError):
            return []
