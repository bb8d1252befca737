"""A host that never sleeps: publishes a test picture and a soft tone over WHIP (VP8 and Opus), for ever.

Run as ``python -m scripts.synthetic_host --url http://127.0.0.1:8080 --room demo``. A token comes from the variable
``LIANMAI_TOKEN``, else from the service's ``POST /dev/token`` (demo mode). It connects again after every failure, and
ends within a second of SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fractions
import hashlib
import ipaddress
import logging
import os
import random
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import aioice.ice
import av
import cv2
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import vpx
from aiortc.mediastreams import MediaStreamError

from scripts.synthetic_director import Director
from scripts.synthetic_picture import SAMPLE_RATE, MovingPicture, tone

logger = logging.getLogger("synthetic_host")

FRAME_SAMPLES = SAMPLE_RATE // 50
CONNECT_TIMEOUT_S = 10.0
STOP_S = 0.9
GOODBYE_S = 0.4
RETRY_MIN_S, RETRY_MAX_S = 0.5, 10.0
STEADY_S = 10.0


class Refused(Exception):
    """The service said no; the message has its status and its reason."""


class _Paced(MediaStreamTrack):
    """A track that hands out one frame every ``1 / rate`` seconds, and skips what it is too late for."""

    def __init__(self, kind: str, rate: int) -> None:
        self.kind = kind
        super().__init__()
        self._rate = rate
        self._index = -1
        self._started_at = time.time()

    async def _next(self) -> tuple[int, float]:
        """Wait for the next frame's moment; its number and its wall-clock time."""
        if self.readyState != "live":
            raise MediaStreamError
        self._index += 1
        due = self._started_at + self._index / self._rate
        late_s = time.time() - due
        if late_s > 0.5 or late_s < -1.0:
            # The process slept, or the clock was set: go on from now instead of racing through what was missed.
            self._index += max(0, int(late_s * self._rate))
            self._started_at = time.time() - self._index / self._rate
            due = self._started_at + self._index / self._rate
        await asyncio.sleep(max(0.0, due - time.time()))
        return self._index, due


class PictureTrack(_Paced):
    """The test picture, 640x360."""

    def __init__(self, room: str, fps: int) -> None:
        super().__init__("video", fps)
        self._picture = MovingPicture(room)

    async def recv(self) -> av.VideoFrame:
        """The next frame."""
        index, wall_s = await self._next()
        frame = av.VideoFrame.from_ndarray(self._picture.draw(wall_s), format="yuv420p")
        frame.pts = index * 90_000 // self._rate
        frame.time_base = fractions.Fraction(1, 90_000)
        return frame


class ToneTrack(_Paced):
    """The tone, mono in 20 ms frames."""

    def __init__(self) -> None:
        super().__init__("audio", 50)

    async def recv(self) -> av.AudioFrame:
        """The next frame."""
        index, wall_s = await self._next()
        samples = tone(round((wall_s % 1.0) * SAMPLE_RATE), FRAME_SAMPLES)
        frame = av.AudioFrame.from_ndarray(np.repeat(samples, 2)[None, :], format="s16", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = index * FRAME_SAMPLES
        frame.time_base = fractions.Fraction(1, SAMPLE_RATE)
        return frame


class Publisher:
    """One identity in one room, on one service."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._url: str = arguments.url.rstrip("/")
        self._room: str = arguments.room
        self._identity: str = arguments.identity
        self._name: str = arguments.name
        self._fps: int = arguments.fps
        self._tls = _pinned(arguments.pin)

    async def run(self) -> None:
        """Publish for ever; returns only when cancelled."""
        retry_s = RETRY_MIN_S
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CONNECT_TIMEOUT_S)) as http:
            while True:
                started_at = time.monotonic()
                try:
                    await self._publish(http)
                    logger.info("the connection ended")
                except (aiohttp.ClientError, TimeoutError, OSError, Refused) as exc:
                    logger.warning("not on air: %s", str(exc) or type(exc).__name__)
                if time.monotonic() - started_at > STEADY_S:
                    retry_s = RETRY_MIN_S
                # Not all at the same time after the service was away.
                await asyncio.sleep(retry_s * random.uniform(0.8, 1.2))
                retry_s = min(RETRY_MAX_S, retry_s * 2)

    async def _publish(self, http: aiohttp.ClientSession) -> None:
        """One session: returns when it has ended. Raises Refused, ClientError or TimeoutError."""
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        ended = asyncio.Event()
        connected = asyncio.Event()

        @pc.on("connectionstatechange")
        def changed() -> None:
            if pc.connectionState == "connected":
                connected.set()
            elif pc.connectionState in ("failed", "closed"):
                ended.set()

        session: str | None = None
        headers = {"Authorization": f"Bearer {await self._token(http)}", "Accept-Language": "en"}
        try:
            pc.addTrack(ToneTrack())
            pc.addTrack(PictureTrack(self._room, self._fps))
            await pc.setLocalDescription(await pc.createOffer())
            answer, session = await self._post(http, headers, pc.localDescription.sdp)
            await pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await _first(connected, ended)
            logger.info("on air in room %s", self._room)
            await ended.wait()
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await asyncio.gather(pc.close(), self._delete(http, headers, session))

    async def _token(self, http: aiohttp.ClientSession) -> str:
        token = os.environ.get("LIANMAI_TOKEN")
        if token:
            return token
        wanted = {"room": self._room, "identity": self._identity, "role": "host", "name": self._name}
        async with http.post(f"{self._url}/dev/token", json=wanted, ssl=self._tls) as reply:
            await _check(reply, 200)
            return str((await reply.json())["token"])

    async def _post(self, http: aiohttp.ClientSession, headers: dict[str, str], offer: str) -> tuple[str, str]:
        url = f"{self._url}/whip/{self._room}"
        typed = {**headers, "Content-Type": "application/sdp"}
        async with http.post(url, data=offer, headers=typed, ssl=self._tls) as reply:
            await _check(reply, 201)
            return await reply.text(), urljoin(url, reply.headers["Location"])

    async def _delete(self, http: aiohttp.ClientSession, headers: dict[str, str], session: str | None) -> None:
        if session is not None:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                await http.delete(session, headers=headers, ssl=self._tls)


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _check(reply: aiohttp.ClientResponse, status: int) -> None:
    if reply.status != status:
        raise Refused(f"{reply.method} {reply.url.path} answered {reply.status}: {(await reply.text())[:300]}")


def _pinned(file: Path | None) -> Any:
    """Trust exactly the certificate in ``file``, whatever names it has; without one, trust as the system does."""
    if file is None:
        return True
    der = ssl.PEM_cert_to_DER_cert(_first_certificate(file.read_text(encoding="ascii")))
    return aiohttp.Fingerprint(hashlib.sha256(der).digest())


def _first_certificate(pem: str) -> str:
    end = "-----END CERTIFICATE-----"
    begin = pem.index("-----BEGIN CERTIFICATE-----")
    return pem[begin : pem.index(end, begin) + len(end)]


def use_loopback(url: str) -> None:
    """Let aioice gather 127.0.0.1 (or ::1), which it leaves out, where nothing else leads to the service.

    That is so when the service is addressed by it, for then it may listen nowhere else, and on a machine without a
    network.
    """
    gather: Callable[[bool, bool], list[str]] = aioice.ice.get_host_addresses
    host = urlsplit(url).hostname or ""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    loopback = "::1" if ":" in host else "127.0.0.1"

    def with_loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        found = gather(use_ipv4, use_ipv6)
        return [loopback, *found] if local or not found else found

    aioice.ice.get_host_addresses = with_loopback


def tune(bitrate_bps: int) -> None:
    """Fixed picture bitrate, one thread for drawing, and 3 instead of 30 s until a dead path is noticed."""
    vpx.DEFAULT_BITRATE = vpx.MIN_BITRATE = vpx.MAX_BITRATE = bitrate_bps
    cv2.setNumThreads(1)
    aioice.ice.CONSENT_INTERVAL = 1
    aioice.ice.CONSENT_FAILURES = 3


async def _until_signal(publisher: Publisher, director: Director) -> None:
    loop = asyncio.get_running_loop()
    work = asyncio.gather(publisher.run(), director.run())

    def stop() -> None:
        # Whatever hangs in a library or a thread, the process is gone in time.
        timer = threading.Timer(STOP_S, os._exit, [0])
        timer.daemon = True
        timer.start()
        work.cancel()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await work


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="synthetic_host", description="Publishes a test picture and a tone by WHIP.")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="where the service is")
    parser.add_argument("--room", default="demo")
    parser.add_argument("--identity", default="synthetic-host", help="for POST /dev/token")
    parser.add_argument("--name", default="测试画面 Test picture", help="display name, for POST /dev/token")
    parser.add_argument("--fps", type=int, default=25, choices=range(1, 61), metavar="1-60")
    parser.add_argument("--kbps", type=int, default=800, help="bitrate of the picture")
    parser.add_argument("--pin", type=Path, metavar="FILE", help="trust exactly this certificate (PEM), for https")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("aioice").setLevel(logging.WARNING)
    use_loopback(arguments.url)
    tune(arguments.kbps * 1000)
    asyncio.run(_until_signal(Publisher(arguments), Director(arguments.url, arguments.room, _pinned(arguments.pin))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
