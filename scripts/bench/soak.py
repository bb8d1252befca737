"""Invite, accept, be seen and heard, be taken off: again and again in one live room, and what is left of it.

A Node of its own process with one real Worker; host, guest, three viewers and a desk are WebSockets with real ICE, DTLS
and SRTP behind them. The guest prepares held tracks while it rings. Every second time it comes with fresh connections,
as a console does, else on those of the last time; every fifth ring is declined.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from media.dtls import Certificate
from scripts.bench.room_client import RoomClient
from scripts.bench.soak_node import KEY, ROOM, SECRET
from signaling.auth import ANY_ROOM, Authority, Role

ROOT = Path(__file__).resolve().parents[2]
VIEWERS = 3
GUEST = "guest"
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
MEDIA_INTERVAL_S = 0.04
#: The Worker remembers the last 2048 packets of a picture: once it does, that is no more growth.
FILL_PACKETS = 2100
FILL_BURST = 30
#: A Transport's TLS state is freed 5 s after its handshake.
SETTLE_S = 7.0
MIB = 1 << 20
#: What may be more at the end than after the warm-up; everything else may not grow at all. Both processes hold what
#: their allocators have not given back; the last 200 ended invitations are remembered, in a dozen objects each.
ALLOWED: dict[str, float] = {
    "control plane rss (bytes)": 6 * MIB,
    "worker rss (bytes)": 4 * MIB,
    "control plane objects": 4000,
    "control plane tasks": 2,
    "worker calls under way": 1,
    "invitations remembered": 200,
    "worker packets": float("inf"),
}


@dataclass(slots=True)
class Sample:
    """The Node's figures after ``cycles``; ``types`` counts its objects by type, if asked for."""

    cycles: int
    figures: dict[str, float]
    types: dict[str, int] = field(default_factory=dict)


class SoakNode:
    """The Node's process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.port = 0

    async def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        async with asyncio.timeout(START_TIMEOUT_S):
            line = await self._process.stdout.readline()
        if not line:
            raise ConnectionError("the node ended; it said why above")
        return dict(json.loads(line))

    async def ready(self) -> None:
        """Wait until it listens. Raises ConnectionError or TimeoutError."""
        self.port = (await self._answer())["port"]

    async def figures(self, *, types: bool = False) -> dict[str, Any]:
        """What it holds now. Raises ConnectionError or TimeoutError."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"types\n" if types else b"\n")
        await self._process.stdin.drain()
        return await self._answer()


@asynccontextmanager
async def soak_node() -> AsyncIterator[SoakNode]:
    """Start one, and end it with its Worker."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "scripts.bench.soak_node",
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip
    node = SoakNode(process)
    try:
        await node.ready()
        yield node
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


class Soak:
    """The room and the people in it. :meth:`cycle` may be called as often as one likes."""

    def __init__(self, node: SoakNode, session: aiohttp.ClientSession) -> None:
        self._node = node
        self._session = session
        self._authority = Authority({KEY: SECRET})
        self._certificate = Certificate.generateCertificate()
        self._clients: list[RoomClient] = []
        self._talking: asyncio.Task[None] | None = None
        self.cycles = 0
        self.host: RoomClient
        self.desk: RoomClient
        self.guest: RoomClient
        self.viewers: list[RoomClient] = []

    async def open(self) -> None:
        """The host goes live, the viewers watch, the guest sits at the desk and in the room."""
        self.host = await self._enter("host", "host")
        host_tracks = await self.host.publish()
        await self.host.ask("start_show")
        for index in range(FILL_PACKETS):
            self.host.send_media()
            if index % FILL_BURST == 0:
                await asyncio.sleep(0.01)
        self._talking = asyncio.create_task(self._talk())
        self.viewers = [await self._enter(f"viewer-{index}", "viewer") for index in range(VIEWERS)]
        self.desk = await self._enter(GUEST, "agent", ANY_ROOM, desk=True)
        self.guest = await self._enter(GUEST, "agent")
        for viewer in self.viewers:
            await viewer.receives(host_tracks)

    async def close(self) -> None:
        """Everybody leaves."""
        if self._talking is not None:
            self._talking.cancel()
        await asyncio.gather(*(client.close() for client in self._clients), return_exceptions=True)

    async def cycle(self) -> None:
        """One ring. Raises ConnectionError or TimeoutError."""
        self.cycles += 1
        if self.cycles % 2 == 0:
            await self.guest.close()
            self._clients.remove(self.guest)
            self.guest = await self._enter(GUEST, "agent")
        invite = (await self.host.ask("invite", target={"identity": GUEST}, topic="Does it float?"))["invite"]["id"]
        await self.desk.event("invite", lambda event: bool(event["invite"]["id"] == invite))
        tracks = await self.guest.publish()
        if self.cycles % 5 == 0:
            await self.desk.ask("decline_invite", invite=invite)
            await self._off_stage(tracks)
            return
        await self.guest.ask("accept_invite", invite=invite)
        await asyncio.gather(*(client.receives(list(tracks)) for client in (self.host, *self.viewers)))
        if self.cycles % 3:
            await self.host.ask("remove_guest", identity=GUEST)
        else:
            await self.guest.ask("leave_stage")
        await self._off_stage(tracks)

    async def _off_stage(self, tracks: list[str]) -> None:
        """Wait until nobody is offered these any more."""
        await asyncio.gather(*(client.loses(tracks) for client in (self.host, *self.viewers)))

    async def sample(self, *, types: bool = False) -> Sample:
        """Let everything come to rest, then count."""
        await asyncio.sleep(SETTLE_S)
        found = await self._node.figures(types=types)
        counts = found.pop("types", {})
        found["m-lines of a viewer"] = max(viewer.m_lines for viewer in self.viewers)
        return Sample(self.cycles, found, counts)

    async def _enter(self, identity: str, role: Role, room: str = ROOM, *, desk: bool = False) -> RoomClient:
        token = self._authority.mint(room=room, identity=identity, role=role, now=time.time(), lifetime_s=3600.0)
        url = f"http://127.0.0.1:{self._node.port}/ws"
        client = RoomClient(await self._session.ws_connect(url, max_msg_size=1 << 20), self._certificate)
        self._clients.append(client)
        more: dict[str, Any] = {"desk": True} if desk else {"room": ROOM} if room == ANY_ROOM else {}
        await client.join(token, **more)
        return client

    async def _talk(self) -> None:
        while True:
            for client in (self.host, getattr(self, "guest", None)):
                if client is not None:
                    client.send_media()
            await asyncio.sleep(MEDIA_INTERVAL_S)


@asynccontextmanager
async def running_soak() -> AsyncIterator[Soak]:
    """A live room, ready for its first cycle."""
    async with soak_node() as node, aiohttp.ClientSession() as session:
        soak = Soak(node, session)
        try:
            await soak.open()
            yield soak
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await soak.close()


def grown(before: Sample, after: Sample) -> dict[str, tuple[float, float]]:
    """What is more ``after`` than ``before`` by more than :data:`ALLOWED`."""
    return {
        name: (value, after.figures[name])
        for name, value in before.figures.items()
        if after.figures[name] - value > ALLOWED.get(name, 0)
    }


def growing_types(before: Sample, after: Sample, at_most: int = 10) -> list[tuple[str, int]]:
    """The types of which most objects were added, and how many."""
    more = {name: count - before.types.get(name, 0) for name, count in after.types.items()}
    return sorted(((name, count) for name, count in more.items() if count > 0), key=lambda item: -item[1])[:at_most]
