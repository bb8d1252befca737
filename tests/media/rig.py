"""A real Worker process with raw WebRTC peers on loopback, for tests of the packet path as a whole."""

from __future__ import annotations

import asyncio
import secrets
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from media import api
from media import header_extensions as hx
from media.dtls import Certificate
from media.pool import PoolConfig, WorkerHandle, WorkerPool
from media.server_side import new_ice
from media.srtp import protect_copy
from scripts.bench.raw_peer import RawPeer, RemoteSide

VP8 = api.Codec("VP8", 96, 90_000, feedback=("nack", "nack pli", "ccm fir"), rtx_payload_type=97)
OPUS = api.Codec("opus", 111, 48_000, 2)
VIDEO_SSRC, AUDIO_SSRC = 0x1111, 0x2222
KEYFRAME = b"\x10\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01"
DELTA = b"\x10\x11\x02\x00"
_HEADER = struct.Struct("!BBHII")


class Rig:
    """One Worker, one Router ``r``, and helpers that play the control plane's part."""

    def __init__(self, pool: WorkerPool, handle: WorkerHandle) -> None:
        self.pool = pool
        self.worker = handle
        self.events: list[api.Event] = []
        self.peers: list[RawPeer] = []
        self.certificate = Certificate.generateCertificate()
        self._counter = 0
        pool.on_event = lambda _handle, event: self.events.append(event)

    def remote(self, ice: api.IceParams) -> RemoteSide:
        """The Worker as a peer's SDP would describe it."""
        return RemoteSide(
            ice.ufrag,
            ice.pwd,
            api.Fingerprint("sha-256", self.worker.info.fingerprint),
            "active",
            ("127.0.0.1", self.worker.info.udp_port),
        )

    def peer(self) -> RawPeer:
        """A peer that is not connected yet."""
        peer = RawPeer(self.certificate, "127.0.0.1")
        self.peers.append(peer)
        return peer

    async def open(
        self, transport_id: str, direction: api.Direction, peer: RawPeer, **more: object
    ) -> api.IceParams:
        """Open a Transport on the Worker for ``peer``, without connecting."""
        ice = new_ice()
        params = api.TransportParams(transport_id, "r", direction, ice, self.worker.info.fingerprint)
        dtls = api.DtlsParams("client", (api.Fingerprint("sha-256", peer.certificate.fingerprint),))
        await self.worker.call(api.OpenTransport(params, dtls, **more))  # type: ignore[arg-type]
        return ice

    async def publish(
        self, transport_id: str = "pub", video: str = "v", audio: str = "", extensions: dict[str, int] | None = None
    ) -> RawPeer:
        """A connected publisher of a video and, if named, an audio Track."""
        peer = self.peer()
        producers = []
        if video:
            encodings = (api.Encoding(None, VIDEO_SSRC, None),)
            producers.append(api.ProducerParams(video, "video", "camera", "0", (VP8,), extensions or {}, encodings))
        if audio:
            ids = {hx.AUDIO_LEVEL: 1}
            encodings = (api.Encoding(None, AUDIO_SSRC, None),)
            producers.append(api.ProducerParams(audio, "audio", "microphone", "1", (OPUS,), ids, encodings))
        ice = await self.open(transport_id, "publish", peer, producers=tuple(producers))
        await peer.connect(self.remote(ice), "server")
        return peer

    def consumer(self, producer_id: str = "v", kind: api.Kind = "video", **more: object) -> api.ConsumerParams:
        """What a viewer negotiated, with canonical extension ids."""
        self._counter += 1
        codec = VP8 if kind == "video" else OPUS
        uris = hx.VIEW_VIDEO if kind == "video" else hx.VIEW_AUDIO
        fields: dict[str, object] = {
            "id": f"c{self._counter}",
            "producer_id": producer_id,
            "kind": kind,
            "mid": "0",
            "ssrc": 0xAAAA if kind == "video" else 0xBBBB,
            "rtx_ssrc": 0xCCCC if kind == "video" else None,
            "codecs": (codec,),
            "extensions": {uri: hx.CANONICAL[uri] for uri in uris if uri != hx.TRANSPORT_CC},
        }
        return api.ConsumerParams(**{**fields, **more})  # type: ignore[arg-type]

    async def view(self, *consumers: api.ConsumerParams) -> RawPeer:
        """A connected viewer of ``consumers``, which keeps what it receives."""
        peer = self.peer()
        peer.keep = True
        transport_id = f"sub{secrets.token_hex(3)}"
        ice = await self.open(transport_id, "subscribe", peer, consumers=consumers)
        peer.transport_id = transport_id
        await peer.connect(self.remote(ice), "server")
        # The peer is done one flight before the Worker is.
        await until(lambda: api.TransportStateChanged(transport_id, "connected") in self.events)
        return peer

    async def stats(self) -> api.WorkerStats:
        """The Worker's figures."""
        return await self.worker.call(api.GetStats())


def packet(
    sequence: int,
    payload: bytes,
    *,
    timestamp: int = 0,
    ssrc: int = VIDEO_SSRC,
    payload_type: int = 96,
    marker: bool = True,
    extensions: bytes = b"",
) -> bytes:
    """One RTP packet before encryption."""
    first = 0x90 if extensions else 0x80
    second = payload_type | (0x80 if marker else 0)
    return _HEADER.pack(first, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + extensions + payload


def send(peer: RawPeer, data: bytes) -> None:
    """Encrypt and send one packet."""
    assert peer.tx is not None
    sealed = protect_copy(peer.tx.handle, data)
    assert sealed is not None
    peer.sock.send(sealed)


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Wait for something that happens by itself. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running_rig() -> AsyncIterator[Rig]:
    """Start a Worker on free ports of 127.0.0.1, with Router ``r`` open."""
    pool = WorkerPool(PoolConfig(workers=1, host="127.0.0.1", log_level="WARNING"))
    await pool.start()
    rig = Rig(pool, pool.place())
    try:
        await rig.worker.call(api.OpenRouter("r"))
        yield rig
    finally:
        for peer in rig.peers:
            peer.close()
        await pool.close()
