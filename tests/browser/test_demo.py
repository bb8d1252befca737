"""What a newcomer gets from scripts/demo: a moving picture first, and nothing left behind by Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.conftest import Browsers, Pages, finish
from tests.browser.service import ROOT, free_port
from tests.browser.test_pages import VIDEO_MOVES

STOP_S = 5.0


class Demo:
    """The launcher that scripts/demo hands over to, with its data in a folder of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.origin = f"http://127.0.0.1:{port}"
        self.welcome = ""

    async def read_welcome(self) -> None:
        """Read what it prints, up to the last line of the welcome."""
        assert self.process.stdout is not None
        async with asyncio.timeout(40):
            while "Ctrl-C" not in self.welcome:
                line = await self.process.stdout.readline()
                assert line, self.welcome
                self.welcome += line.decode()

    def family(self) -> list[int]:
        """Process ids of everything that it started, and what those started."""
        children: dict[int, list[int]] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(folder.name))
        found: list[int] = []
        todo = [self.process.pid]
        while todo:
            todo += (below := children.get(todo.pop(), []))
            found += below
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    """Started with its synthetic host, on free ports of the loopback address."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIANMAI_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scripts.demo_launcher", "--port", str(port), "--workers", "1", "--home", str(tmp_path),
        "--", "--media-host", "127.0.0.1", "--media-port", "0",
        cwd=ROOT, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    running = Demo(process, port)
    try:
        await running.read_welcome()
        yield running
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(process.wait(), 2 * STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


@pytest_asyncio.fixture(loop_scope="session")
async def demo_pages(request: pytest.FixtureRequest, browsers: Browsers, demo: Demo) -> AsyncIterator[Pages]:
    """Pages of the demo."""
    opened = Pages(browsers, demo.origin)
    yield opened
    await finish(request, opened, None)


def _post(url: str, body: dict[str, str]) -> dict[str, str]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as reply:
        answer: dict[str, str] = json.load(reply)
    return answer


async def test_demo(demo: Demo, demo_pages: Pages) -> None:
    """The links work, the synthetic host is seen and heard, and Ctrl-C ends every process in time."""
    for path in ("/", "/live/demo", "/host/"):
        assert path in demo.welcome
    body = {"room": "demo", "identity": "newcomer", "role": "viewer"}
    assert (await asyncio.to_thread(_post, f"{demo.origin}/dev/token", body))["token"].count(".") == 2

    live = await demo_pages.open("chromium", "/live/demo")
    await live.evaluate(VIDEO_MOVES)
    listener = await demo_pages.open("chromium")
    await listener.evaluate("() => kit.join({ room: 'demo', identity: 'listener', role: 'viewer' })")
    seen = await listener.evaluate("() => kit.watches()")
    assert seen["width"] > 0 and seen["peak"] > 0.005

    guest = await demo_pages.open("chromium")
    await guest.evaluate("() => kit.join({ room: 'demo', identity: 'guest', role: 'agent' })")
    await guest.evaluate(
        """async () => {
            const { room } = kit.rooms.get("me");
            await room.offerStage({ topic: "May I?" });
            await kit.until(() => room.place !== null, 15000, "the director says yes");
            await kit.publish();
        }"""
    )
    await listener.wait_for("() => kit.rooms.get('me').room.info.stage.places.length === 2")
    await listener.wait_for("() => kit.rooms.get('me').room.info.tracks.length === 4")

    family = demo.family()
    assert len(family) >= 3, "service, Worker and synthetic host"
    pressed = time.monotonic()
    demo.process.send_signal(signal.SIGINT)
    async with asyncio.timeout(2 * STOP_S):
        status = await demo.process.wait()
    assert (status, time.monotonic() - pressed < STOP_S) == (0, True)
    assert [pid for pid in family if Path(f"/proc/{pid}").exists()] == []
