"""The real service in its own process, for browsers to talk to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from signaling.auth import ANY_ROOM, Authority, Role

ROOT = Path(__file__).resolve().parent.parent.parent
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0
KEY = "browser-tests"
SECRET = "only-for-tests-and-long-enough-for-that"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """``lianmai serve`` in demo mode with one Worker, on free ports of the loopback address, with its own data.

    ``log`` is where its output goes; ``settings`` are more ``LIANMAI_*`` variables.
    """

    def __init__(self, data: Path, log: Path, settings: dict[str, str] | None = None) -> None:
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._data = data
        self._settings = settings or {}
        self._process: asyncio.subprocess.Process | None = None
        self._authority = Authority({KEY: SECRET})

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it and wait until it is ready. Fails with its log when it does not come up."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LIANMAI_")}
        environment |= {
            "LIANMAI_HTTP_HOST": "127.0.0.1",
            "LIANMAI_HTTP_PORT": str(self.port),
            "LIANMAI_MEDIA_WORKERS": "1",
            "LIANMAI_MEDIA_PORT": "0",
            "LIANMAI_MEDIA_HOST": "127.0.0.1",
            "LIANMAI_STORE_URL": f"sqlite:///{self._data / 'lianmai.db'}",
            "LIANMAI_AUTH_KEYS": f"{KEY}={SECRET}",
            "LIANMAI_DEMO_ENABLED": "true",
            "PYTHONPATH": str(ROOT),
            **self._settings,
        }
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", "import sys; from signaling.cli import main; sys.exit(main())", "serve",
                cwd=self._data, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not await self._ready():
                    if self._process.returncode is not None:
                        raise AssertionError(f"the service ended with {self._process.returncode}: {self.tail()}")
                    await asyncio.sleep(0.1)
        except TimeoutError:
            await self.stop()
            raise AssertionError(f"the service is not ready after {START_TIMEOUT_S} s: {self.tail()}") from None

    async def stop(self) -> None:
        """End it as Ctrl-C does; returns when it is gone. Fails when that takes long or leaves a Worker behind."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        workers = self.workers()
        process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise AssertionError(f"the service did not stop within {STOP_TIMEOUT_S} s: {self.tail()}") from None
        left = [pid for pid in workers if Path(f"/proc/{pid}").exists()]
        assert left == [], f"these Workers outlived the service: {left}"

    def tail(self, lines: int = 40) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def token(
        self, room: str, identity: str, role: Role, *, lifetime_s: float = 600.0, issued_s: float | None = None
    ) -> str:
        """A token made with the service's key; a negative ``lifetime_s`` makes one that is over."""
        now = time.time() if issued_s is None else issued_s
        return self._authority.mint(room=room, identity=identity, role=role, now=now, lifetime_s=lifetime_s)

    async def rest(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call ``/api/v1`` as an administrator of every room; the JSON reply, or None when there is none."""
        headers = {"Authorization": f"Bearer {self.token(ANY_ROOM, 'test-admin', 'admin')}"}
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.request(method, f"{self.origin}/api/v1{path}", json=body) as reply,
        ):
            text = await reply.text()
            assert reply.status < 400, f"{method} {path}: {reply.status} {text}"
            return json.loads(text) if text else None

    def workers(self) -> list[int]:
        """Process ids of the media Workers."""
        assert self._process is not None
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self._process.pid and b"media.worker" in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
        return sorted(found)

    async def _ready(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
                session.get(f"{self.origin}/healthz") as reply,
            ):
                return reply.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False
