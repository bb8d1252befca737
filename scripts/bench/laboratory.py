"""What bench_latency stands on: a service of its own, and browsers with the laboratory in their pages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from playwright.async_api import Browser, Page, Playwright

from scripts.bench.browsers import ARGUMENTS, chromium

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
ANSWER_TIMEOUT = aiohttp.ClientTimeout(total=5)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def service(port: int = 0) -> AsyncIterator[str]:
    """``lianmai serve`` in demo mode with one Worker; its address. Raises TimeoutError or ConnectionError."""
    port = port or free_port()
    base = f"http://localhost:{port}"
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "signaling.cli", "serve", "--http-port", str(port), "--media-port", "0"]
        command += ["--workers", "1", "--demo-enabled", "--log-level", "WARNING"]
        command += ["--store-url", f"sqlite:///{directory}/bench.db"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = await asyncio.create_subprocess_exec(*command, cwd=directory, env=environment)
        try:
            await _ready(process, base)
            yield base
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


async def _ready(process: asyncio.subprocess.Process, base: str) -> None:
    async with asyncio.timeout(START_TIMEOUT_S):
        while True:
            if process.returncode is not None:
                raise ConnectionError(f"the service ended with {process.returncode}")
            try:
                async with aiohttp.ClientSession(timeout=ANSWER_TIMEOUT) as session, session.get(f"{base}/healthz") as reply:
                    if reply.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.1)


class Laboratory:
    """Browsers against one service. ``scripts`` run in every page, in this order."""

    def __init__(self, base: str, playwright: Playwright, room: str, scripts: tuple[str, ...]) -> None:
        self.base = base
        self.room = room
        self._playwright = playwright
        self._scripts = [(ROOT / "scripts/bench" / name).read_text(encoding="utf-8") for name in scripts]

    async def browser(self) -> Browser:
        """A fresh browser process."""
        return await self._playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)

    async def page(self, browser: Browser) -> Page:
        """A page in a context of its own, of the service's origin, allowed to see loopback candidates."""
        page = await browser.new_page()
        await page.goto(f"{self.base}/healthz")
        for script in self._scripts:
            await page.evaluate(script)
        await page.evaluate("navigator.mediaDevices.getUserMedia({audio: true}).then(s => s.getTracks()[0].stop())")
        return page

    async def token(self, role: str, identity: str, room: str = "") -> str:
        """A token from the demo endpoint, for the room of this laboratory or another."""
        body = {"room": room or self.room, "identity": identity, "role": role}
        async with (
            aiohttp.ClientSession(timeout=ANSWER_TIMEOUT, raise_for_status=True) as session,
            session.post(f"{self.base}/dev/token", json=body) as response,
        ):
            return str((await response.json())["token"])


def conditions() -> str:
    """The machine, in one line."""
    version = subprocess.run([chromium(), "--version"], capture_output=True, text=True, check=False).stdout.split()
    load = os.getloadavg()[0]
    return (
        f"{platform.machine()}, {os.cpu_count()} cores (load {load:.1f}), Linux {platform.release()},"
        f" Chromium {' '.join(version[1:2])}, loopback, VP8 640x360 at 30/s"
    )
