"""A client of the WebSocket protocol with raw media: it joins, answers every offer, publishes, and hears events."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

import aiohttp

from media.dtls import Certificate
from media.srtp import protect_copy
from scripts.bench.drivers import answer_to
from scripts.bench.raw_peer import RawPeer, read_remote

WAIT_S = 10.0
MAX_EVENTS = 2000
VIDEO_SSRC, AUDIO_SSRC = 0x5EED0001, 0x5EED0002
_HEADER = struct.Struct("!BBHII")
#: VP8 payload descriptor and frame tag of a 640x360 keyframe (RFC 7741, 6386); Opus of 20 ms.
_KEYFRAME = b"\x10\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01" + bytes(300)
_SOUND = b"\x78" + bytes(60)
_LOOPBACK = "127.0.0.1"


def publish_sdp(peer: RawPeer, version: int) -> str:
    """An offer of a microphone (mid 0) and a camera (mid 1)."""
    lines = ["v=0", f"o=- {secrets.randbelow(1 << 40)} {version} IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
    for mid, kind, ssrc, formats in (
        ("0", "audio", AUDIO_SSRC, ["111", "a=rtpmap:111 opus/48000/2"]),
        ("1", "video", VIDEO_SSRC, ["96", "a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack pli"]),
    ):
        lines += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats[0]}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}", "a=sendonly"]
        lines += ["a=rtcp-mux", "a=rtcp-rsize", *formats[1:], *peer.transport_lines("actpass")]
        lines += [f"a=ssrc:{ssrc} cname:soak", "a=msid:soak -"]
    return "\r\n".join(lines) + "\r\n"


def ssrcs_by_mid(sdp: str) -> dict[str, int]:
    """The first SSRC that each section of an SDP announces."""
    found: dict[str, int] = {}
    for section in sdp.split("\r\nm=")[1:]:
        mid = re.search(r"^a=mid:(\S+)", section, re.MULTILINE)
        ssrc = re.search(r"^a=ssrc:(\d+)", section, re.MULTILINE)
        if mid and ssrc:
            found[mid[1]] = int(ssrc[1])
    return found


class RoomClient:
    """One connection. ``track_ssrcs`` says on which SSRC each track of the last offer comes; ``m_lines`` how many it had."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, certificate: Certificate) -> None:
        self.socket = socket
        self.joined: dict[str, Any] = {}
        self.track_ssrcs: dict[str, int] = {}
        self.m_lines = 0
        self.uplink: RawPeer | None = None
        self.downlink: RawPeer | None = None
        self._certificate = certificate
        self._transports = {"publish": "", "subscribe": ""}
        self._events: deque[dict[str, Any]] = deque(maxlen=MAX_EVENTS)
        self._news = asyncio.Event()
        self._offered = asyncio.Event()
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last_id = 0
        self._version = 0
        self._sequence = 0
        self._reader = asyncio.create_task(self._read())
        self._background: set[asyncio.Task[Any]] = set()

    async def join(self, token: str, **fields: Any) -> dict[str, Any]:
        """Join, and take the offer that comes with the reply. Raises ConnectionError when refused."""
        self.joined = await self.ask("join", v=1, token=token, **fields)
        if "offer" in self.joined:
            await self._answer(self.joined["offer"])
        return self.joined

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """One request and its reply. Raises ConnectionError with the reply when it is an error, or TimeoutError."""
        self._last_id += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[self._last_id] = future
        await self.socket.send_json({"type": kind, "id": self._last_id, **fields})
        async with asyncio.timeout(WAIT_S):
            reply = await future
        if reply["type"] != "ok":
            raise ConnectionError(f"{kind}: {reply}")
        return reply

    async def event(self, kind: str, matches: Callable[[dict[str, Any]], bool] = lambda _event: True) -> dict[str, Any]:
        """The next event of a type that was not taken yet; those before it are dropped. Raises TimeoutError."""
        async with asyncio.timeout(WAIT_S):
            while True:
                while self._events:
                    event = self._events.popleft()
                    if event["type"] == kind and matches(event):
                        return event
                self._news.clear()
                await self._news.wait()

    async def publish(self) -> list[str]:
        """Publish microphone and camera, on the transport of the last time if there is one; the ids of the tracks."""
        self._version += 1
        peer = self.uplink or RawPeer(self._certificate, _LOOPBACK)
        tracks = [{"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"}]
        again = {"transport": self._transports["publish"]} if self.uplink else {}
        reply = await self.ask("publish", sdp=publish_sdp(peer, self._version), tracks=tracks, **again)
        if not self.uplink:
            self.uplink = peer
            self._transports["publish"] = reply["transport"]
            await self._connect(peer, reply["sdp"])
        return [track["id"] for track in reply["tracks"]]

    def send_media(self) -> None:
        """One packet of sound and one keyframe."""
        peer = self.uplink
        if peer is None or peer.tx is None or peer.sock.fileno() < 0:
            return
        self._sequence = (self._sequence + 1) & 0xFFFF
        for payload_type, ssrc, rate, payload in ((111, AUDIO_SSRC, 48_000, _SOUND), (0x80 | 96, VIDEO_SSRC, 90_000, _KEYFRAME)):
            timestamp = (self._sequence * rate // 25) & 0xFFFFFFFF
            sealed = protect_copy(peer.tx.handle, _HEADER.pack(0x80, payload_type, self._sequence, timestamp, ssrc) + payload)
            if sealed is not None:
                with contextlib.suppress(OSError):
                    peer.sock.send(sealed)

    async def receives(self, tracks: list[str]) -> None:
        """Wait until media of all these tracks has come. Raises TimeoutError."""
        async with asyncio.timeout(WAIT_S):
            while True:
                peer = self.downlink
                if peer is not None:
                    come = {int.from_bytes(data[8:12], "big") for data in peer.kept}
                    peer.kept.clear()
                    tracks = [track for track in tracks if self.track_ssrcs.get(track) not in come]
                if not tracks:
                    return
                await asyncio.sleep(0.01)

    async def loses(self, tracks: list[str]) -> None:
        """Wait until none of these is offered any more. Raises TimeoutError."""
        async with asyncio.timeout(WAIT_S):
            while not self.track_ssrcs.keys().isdisjoint(tracks):
                self._offered.clear()
                await self._offered.wait()

    async def close(self) -> None:
        """Leave and let go of everything. Safe when the connection is gone."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            await self.ask("leave")
        for task in (self._reader, *self._background):
            task.cancel()
        await asyncio.gather(self._reader, *self._background, return_exceptions=True)
        for peer in (self.uplink, self.downlink):
            if peer is not None:
                peer.close()
        await self.socket.close()

    async def _connect(self, peer: RawPeer, sdp: str) -> None:
        remote = read_remote(sdp, loopback=True)
        await peer.connect(remote, "server" if remote.setup == "active" else "client", WAIT_S)

    async def _answer(self, offer: dict[str, Any]) -> None:
        ssrcs = ssrcs_by_mid(offer["sdp"])
        self.track_ssrcs = {entry["track"]: ssrcs[entry["mid"]] for entry in offer["tracks"] if entry["mid"] in ssrcs}
        self.m_lines = offer["sdp"].count("\r\nm=")
        self._offered.set()
        fresh = offer["transport"] != self._transports["subscribe"]
        if fresh:
            if self.downlink is not None:
                self.downlink.close()
            self.downlink = RawPeer(self._certificate, _LOOPBACK)
            self.downlink.keep = True
            self._transports["subscribe"] = offer["transport"]
        assert self.downlink is not None
        sdp = answer_to(offer["sdp"], self.downlink)
        if fresh:
            self._spawn(self._connect(self.downlink, offer["sdp"]))
        with contextlib.suppress(ConnectionError):
            # A stale answer is harmless: the newer offer is on its way.
            await self.ask("answer", transport=offer["transport"], version=offer["version"], sdp=sdp)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            data = message.json()
            if "re" in data:
                future = self._replies.pop(data["re"], None)
                if future is not None and not future.done():
                    future.set_result(data)
            elif data["type"] == "offer":
                self._spawn(self._answer(data))
            else:
                self._events.append(data)
                self._news.set()
