"""A whole node with real Workers: media through it, a Worker that dies, and a clean end of the process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack, VideoStreamTrack

from signaling.app import Node
from tests.signaling.fakes import Client, config

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 20.0


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    node = Node(config(http__port=0, media__port=0, media__workers=1, media__host="127.0.0.1"), log_level="WARNING")
    async with asyncio.timeout(DEADLINE_S):
        await node.start()
    yield node
    async with asyncio.timeout(5.0):
        await node.stop()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


class Browser:
    """An aiortc client of the node: a WebSocket and one RTCPeerConnection at a time."""

    def __init__(self, node: Node, client: Client) -> None:
        self.node = node
        self.client = client
        self.joined: dict[str, Any] = {}
        self.pc = RTCPeerConnection()
        self.received: dict[str, MediaStreamTrack] = {}

    @classmethod
    async def open(cls, node: Node, session: ClientSession, identity: str, role: Any) -> Browser:
        browser = cls(node, Client(await session.ws_connect(f"http://127.0.0.1:{node.port}/ws")))
        token = node.hub.authority.mint(room="demo", identity=identity, role=role, now=node.hub.wall(), lifetime_s=60.0)
        browser.joined = await browser.client.join(token)
        return browser

    def fresh(self) -> RTCPeerConnection:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.received.clear()
        self.pc.on("track", lambda track: self.received.__setitem__(track.kind, track))
        return self.pc

    async def publish(self) -> dict[str, Any]:
        pc = self.fresh()
        pc.addTrack(AudioStreamTrack())
        pc.addTrack(VideoStreamTrack())
        await pc.setLocalDescription(await pc.createOffer())
        sources = {"audio": "microphone", "video": "camera"}
        listed = [{"mid": entry.mid, "source": sources[entry.kind]} for entry in pc.getTransceivers()]
        reply = await self.client.ok("publish", sdp=pc.localDescription.sdp, tracks=listed)
        await pc.setRemoteDescription(RTCSessionDescription(reply["sdp"], "answer"))
        return reply

    async def watch(self, given: dict[str, Any]) -> None:
        pc = self.fresh()
        await pc.setRemoteDescription(RTCSessionDescription(given["sdp"], "offer"))
        await pc.setLocalDescription(await pc.createAnswer())
        sdp = pc.localDescription.sdp
        await self.client.ok("answer", transport=given["transport"], version=given["version"], sdp=sdp)

    async def sees_and_hears(self) -> None:
        """Both kinds arrive, and go on arriving."""
        async with asyncio.timeout(DEADLINE_S):
            for kind in ("video", "audio"):
                first = await self.received[kind].recv()
                second = await self.received[kind].recv()
                assert (second.pts or 0) > (first.pts or 0)

    async def close(self) -> None:
        await self.pc.close()
        with contextlib.suppress(ConnectionError):
            await self.client.socket.close()


async def test_media_and_a_worker_that_dies(node: Node, session: ClientSession) -> None:
    host = await Browser.open(node, session, "h", "host")
    await host.publish()
    await host.client.event("transport_state", state="connected")
    viewer = await Browser.open(node, session, "v", "viewer")
    await viewer.watch(viewer.joined["offer"])
    await viewer.sees_and_hears()
    placement = node.hub.rooms["demo"].placement
    assert placement is not None
    first_worker = placement.worker

    os.kill(first_worker.info.pid, signal.SIGKILL)
    for browser in (host, viewer):
        assert (await browser.client.event("transport_lost"))["reason"] == "worker_restarted"
        await browser.pc.close()
    async with asyncio.timeout(DEADLINE_S):
        while (await host.client.ask("subscribe", tracks="auto"))["type"] != "ok" or not any(
            worker.alive for worker in node.pool.workers.values()
        ):
            await asyncio.sleep(0.05)
    await host.publish()
    await viewer.watch(await viewer.client.event("offer"))
    await viewer.sees_and_hears()
    moved = node.hub.rooms["demo"].placement
    assert moved is not None and moved.worker.id != first_worker.id
    for browser in (host, viewer):
        await browser.close()


async def start(*flags: str, folder: Path) -> tuple[asyncio.subprocess.Process, int]:
    """``lianmai serve`` as its own process; returns it and its port, once it listens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signaling.cli", "serve", "--port", "0", "--media-port", "0", "--workers", "2",
        "--demo-enabled", "--store-url", f"sqlite:///{folder}/x.db", *flags,
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE_S):
        while line := (await process.stderr.readline()).decode():
            if found := re.search(r"listening on \w+://[\d.]+:(\d+)", line):
                return process, int(found[1])
    raise AssertionError("it did not start")


def children(pid: int) -> list[int]:
    """Processes whose parent is ``pid``."""
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_process_ends_cleanly_and_leaves_nobody_behind(
    number: signal.Signals, tmp_path: Path, session: ClientSession
) -> None:
    process, port = await start(folder=tmp_path)
    url = f"http://127.0.0.1:{port}"
    async with session.get(f"{url}/healthz") as response:
        assert (response.status, (await response.json())["workers"]) == (200, 2)
    async with session.post(f"{url}/dev/token", json={"room": "demo", "identity": "a", "role": "viewer"}) as made:
        token = (await made.json())["token"]
    client = Client(await session.ws_connect(f"{url}/ws"))
    await client.join(token)
    workers = children(process.pid)
    assert len(workers) == 2
    process.send_signal(number)
    assert (await client.event("bye"))["code"] == "server_restart"
    assert await client.closed() == 1012
    async with asyncio.timeout(5.0):
        _, errors = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in errors
    assert [pid for pid in workers if Path(f"/proc/{pid}").exists()] == []


async def test_https_with_a_certificate_of_its_own(tmp_path: Path, session: ClientSession) -> None:
    process, port = await start("--tls", folder=tmp_path)
    trust = ssl.create_default_context(cafile=str(tmp_path / "data" / "tls-certificate.pem"))
    async with session.get(f"https://127.0.0.1:{port}/healthz", ssl=trust) as response:
        assert response.status == 200
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(5.0):
        await process.communicate()


async def test_a_taken_port_is_said_plainly(node: Node, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signaling.cli", "serve", "--port", str(node.port), "--media-port", "0",
        "--workers", "1", "--demo-enabled", "--store-url", "sqlite://",
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(DEADLINE_S):
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert str(node.port) in errors.decode().splitlines()[-1]
    assert b"Traceback" not in errors


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
async def test_a_taken_media_port_is_said_plainly(tmp_path: Path, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "signaling.cli", "serve", "--port", "0", "--media-host", "127.0.0.1",
            "--media-port", str(port), "--workers", "1", "--demo-enabled", "--store-url", "sqlite://",
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(DEADLINE_S):
            _, errors = await process.communicate()
    assert process.returncode == 1
    reason, last = errors.decode().splitlines()[-2:]
    assert f"cannot listen on 127.0.0.1, port {port}, UDP and TCP: Address already in use" in reason
    assert last == "lianmai: worker 0 did not come up; it said why"
    assert b"Traceback" not in errors
