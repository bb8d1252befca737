"""``scripts/demo``: one command starts everything, and whatever ends it leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.scripts.processes import WAIT_S, Tree

pytestmark = pytest.mark.timeout(120)

# The launcher promises 5 s; the rest is for a machine that is busy with other tests.
STOP_S = 10.0
ANY_CERTIFICATE = ssl.create_default_context()
ANY_CERTIFICATE.check_hostname = False
ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo(Tree):
    """A demo with its own data, on a free port."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.port = free_port()
        self.scheme = "https" if "--tls" in flags else "http"
        super().__init__(
            folder / f"demo-{self.port}.txt",
            "scripts.demo_launcher",
            *("--home", str(folder), "--port", str(self.port), "--workers", "1", *flags),
        )
        self.log = folder / "data" / "demo.log"

    async def ready(self) -> None:
        """Wait until the links are there."""
        await self.until(lambda: "Ctrl-C" in self.text() or self._ended(), "no links")
        assert not self._ended(), self.text() + self.log.read_text()

    async def ask(self, method: str, path: str, *, token: str = "", body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.scheme}://127.0.0.1:{self.port}{path}"
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
            http.request(method, url, headers=headers, json=body, ssl=ANY_CERTIFICATE) as reply,
        ):
            return await reply.json() if reply.status == 200 else reply.status

    async def token(self, role: str = "supervisor") -> str:
        body = {"room": "demo", "identity": f"test-{role}", "role": role}
        return str((await self.ask("POST", "/dev/token", body=body))["token"])

    async def until_on_air(self, token: str) -> None:
        """Wait until picture and sound of the synthetic host flow."""
        deadline = time.monotonic() + WAIT_S
        while True:
            room = await self.ask("GET", "/api/v1/rooms/demo", token=token)
            if isinstance(room, dict) and [track["flowing"] for track in room["tracks"]] == [True, True]:
                assert room["state"] == "live"
                assert {track["codec"] for track in room["tracks"]} == {"VP8", "opus"}
                return
            assert time.monotonic() < deadline, f"not on air: {room} {self.log.read_text()}"
            await asyncio.sleep(0.2)

    async def leaves_nothing(self) -> None:
        await self.until(lambda: not self.running(), "processes are left", STOP_S)

    def _ended(self) -> bool:
        return self.process is not None and self.process.returncode is not None


MakeDemo = Callable[..., Awaitable[Demo]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[MakeDemo]:
    """Start demos that share one folder, one after the other."""
    made: list[Demo] = []

    async def make(*flags: str) -> Demo:
        made.append(Demo(tmp_path, *flags))
        await made[-1].start()
        await made[-1].ready()
        return made[-1]

    yield make
    for demo in made:
        await demo.kill()


async def page_of(url: str) -> str:
    """What is there, as soon as something is."""
    async with asyncio.timeout(WAIT_S), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as response:
                    return await response.text()
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)


async def test_whole_life(start: MakeDemo) -> None:
    demo = await start()
    links = re.findall(rf"http://localhost:{demo.port}(/\S*)", demo.text())
    assert links == ["/", "/live/demo", "/host/studio", "/live/studio", "/agent"]
    shop = re.search(r"A shop's page +(http://localhost:\d+/)", demo.text())
    assert shop is not None
    assert f"http://localhost:{demo.port}/web/widget.js" in await page_of(shop[1])
    assert (await demo.ask("GET", "/healthz"))["workers"] == 1
    token = await demo.token()
    await demo.until_on_air(token)

    (worker,) = demo.running("media.worker")
    os.kill(worker, signal.SIGKILL)
    await demo.until(lambda: demo.running("media.worker") not in ([], [worker]), "no new worker")
    await demo.until_on_air(token)

    (host,) = demo.running("synthetic_host")
    os.kill(host, signal.SIGKILL)
    await demo.until(lambda: demo.running("synthetic_host") not in ([], [host]), "no new host")
    await demo.until_on_air(token)

    demo.send(signal.SIGINT)
    assert await demo.wait(STOP_S) == 0
    assert demo.running() == []

    # A second start has the same data: the key that signed the token.
    demo = await start("--no-synthetic", "--tls")
    assert await demo.ask("GET", "/api/v1/rooms/demo", token=token) != 401
    assert f"https://localhost:{demo.port}/host/demo" in demo.text()
    assert demo.running("synthetic_host") == []


async def test_tls(start: MakeDemo) -> None:
    demo = await start("--tls")
    assert f"https://localhost:{demo.port}/live/demo" in demo.text()
    await demo.until_on_air(await demo.token())
    lan = re.search(rf"https://(\d[\d.]+):{demo.port}/\n", demo.text())
    # A machine without a network has nothing to show a phone.
    if lan:
        assert "▄▄▄▄▄" in demo.text()
        certificate = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", demo.port))
        assert socket.inet_aton(lan[1]) in ssl.PEM_cert_to_DER_cert(certificate)
    demo.send(signal.SIGTERM)
    assert await demo.wait(STOP_S) == 0
    assert demo.running() == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
async def test_nothing_is_left(start: MakeDemo, number: signal.Signals) -> None:
    demo = await start()
    await demo.until(lambda: len(demo.running()) == 5, "five processes")
    demo.send(number)
    assert await demo.wait(STOP_S) == (0 if number is signal.SIGHUP else -9)
    await demo.leaves_nothing()


async def test_service_that_dies(start: MakeDemo) -> None:
    demo = await start()
    await demo.until(lambda: len(demo.running()) == 5, "five processes")
    (service,) = demo.running("serve")
    os.kill(service, signal.SIGKILL)
    assert await demo.wait(STOP_S) == 1
    assert "The service ended" in demo.text()
    await demo.leaves_nothing()


async def test_wrong_use(start: MakeDemo, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for flags, status, words in (
            (("--port", port), 1, f"Port {port} cannot be used"),
            (("--cert", "nothing.pem"), 2, "belong together"),
            (("--cert", "nothing.pem", "--key", "nothing.pem"), 2, "no such file"),
            (("--port", str(free_port()), "--", "--media-workers", "-1"), 1, "media.workers"),
        ):
            tree = Tree(tmp_path / "output.txt", "scripts.demo_launcher", "--home", str(tmp_path), *flags)
            await tree.start()
            assert await tree.wait() == status, tree.text()
            assert words in tree.text() and "Traceback" not in tree.text()
            assert tree.running() == []
