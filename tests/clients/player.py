"""A WHEP player on aiortc that looks at the picture and listens to the sound."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import Self

import aiohttp
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

# aiortc's jitter buffer can sit out seconds after one late packet on a busy machine.
WAIT_S = 45.0


class Player:
    """Plays what is live in a room. Use as a context manager; :meth:`sees` and :meth:`hears` wait for real media."""

    def __init__(self, origin: str, room: str, token: str) -> None:
        self._url = f"{origin}/whep/{room}"
        self._origin = origin
        self._headers = {"Authorization": f"Bearer {token}"}
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._tasks: list[asyncio.Task[None]] = []
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10), headers=self._headers)
        self._session = ""
        self._changed = asyncio.Event()
        self.sizes: set[tuple[int, int]] = set()
        self.moves = 0
        self.loudest = 0.0

    async def __aenter__(self) -> Self:
        self._pc.on("track", self._watch)
        self._pc.addTransceiver("audio", "recvonly")
        self._pc.addTransceiver("video", "recvonly")
        await self._pc.setLocalDescription(await self._pc.createOffer())
        answer = await self._post()
        await self._pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            await self._http.delete(self._session)
        await self._pc.close()
        await self._http.close()

    async def sees(self) -> None:
        """Wait until the picture has changed a few times."""
        await self._until(lambda: self.moves >= 5, "no moving picture")

    async def hears(self) -> None:
        """Wait for a sound."""
        await self._until(lambda: self.loudest > 0.003, "no sound")

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(WAIT_S):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{what}: {self.sizes} {self.moves} {self.loudest}") from None

    async def _post(self) -> str:
        """Ask until something is live; the answer."""
        body, headers = self._pc.localDescription.sdp, {"Content-Type": "application/sdp"}
        async with asyncio.timeout(WAIT_S):
            while True:
                async with self._http.post(self._url, data=body, headers=headers) as reply:
                    text = await reply.text()
                    if reply.status == 201:
                        self._session = self._origin + reply.headers["Location"]
                        return text
                    assert reply.status == 409, text
                await asyncio.sleep(float(reply.headers["Retry-After"]))

    def _watch(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._look(track) if track.kind == "video" else self._listen(track)))

    async def _look(self, track: MediaStreamTrack) -> None:
        last = None
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, VideoFrame)
                self.sizes.add((frame.width, frame.height))
                picture = frame.to_ndarray(format="gray")[::8, ::8].astype(np.int16)
                if last is not None and last.shape == picture.shape and np.abs(picture - last).max() > 30:
                    self.moves += 1
                last = picture
                self._changed.set()

    async def _listen(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                samples = frame.to_ndarray().astype(np.float64) / 32768
                self.loudest = max(self.loudest, float(np.sqrt((samples**2).mean())))
                self._changed.set()
