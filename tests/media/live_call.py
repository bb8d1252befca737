"""A call that is running while tests attack it: one publisher at a steady rate, two viewers, one real Worker."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from media import api
from media.srtp import protect_copy
from scripts.bench.raw_peer import RawPeer
from tests.media.rig import DELTA, KEYFRAME, Rig, packet, running_rig, until

PACKET_INTERVAL_S = 0.01
KEYFRAME_EVERY = 50
VIEWER_SSRC = 0xAAAA
_SSRC = VIEWER_SSRC.to_bytes(4, "big")
_PATIENCE_S = 20.0


class LiveCall:
    """``first`` and ``second`` watch what ``publisher`` sends; each packet carries its index."""

    def __init__(self, rig: Rig, publisher: RawPeer, first: RawPeer, second: RawPeer, pid: int) -> None:
        self.rig = rig
        self.publisher = publisher
        self.first = first
        self.second = second
        self.pid = pid
        self.sent = 0
        self.last_sealed = b""
        self._strangers: list[socket.socket] = []
        self._checked_to = {id(first): 0, id(second): 0}

    @property
    def address(self) -> tuple[str, int]:
        """Where the Worker listens."""
        return ("127.0.0.1", self.rig.worker.info.udp_port)

    def stranger(self, host: str = "127.0.0.2") -> socket.socket:
        """A socket on an address that the Worker has never heard of."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((host, 0))
        sock.connect(self.address)
        sock.setblocking(False)
        self._strangers.append(sock)
        return sock

    def seal(self, data: bytes) -> bytes:
        """Encrypt an RTP packet as the publisher."""
        assert self.publisher.tx is not None
        sealed = protect_copy(self.publisher.tx.handle, data)
        assert sealed is not None
        return sealed

    def send_next(self, size: int = 300) -> int:
        """Send the call's next packet, of about ``size`` bytes; returns its index."""
        index = self.sent
        self.sent += 1
        payload = (DELTA if index % KEYFRAME_EVERY else KEYFRAME) + bytes(size) + index.to_bytes(4, "big")
        self.last_sealed = self.seal(packet(60_000 + index, payload, timestamp=index * 900))
        self.publisher.sock.send(self.last_sealed)
        return index

    async def keep_sending(self) -> None:
        """The publisher's steady flow."""
        while True:
            self.send_next()
            await asyncio.sleep(PACKET_INTERVAL_S)

    async def absorbed(self) -> None:
        """Wait until the Worker has read everything sent so far: datagrams to one socket keep their order."""
        index = self.send_next()
        await until(lambda: self._newest(self.second) >= index, _PATIENCE_S)

    async def unharmed(self) -> None:
        """Both viewers got every packet up to now, once and in order, from the Worker that was there before."""
        index = self.send_next()
        for viewer in (self.first, self.second):
            await until(lambda viewer=viewer: self._newest(viewer) >= index, _PATIENCE_S)  # type: ignore[misc]
            indices = self._indices(viewer)
            start = self._checked_to[id(viewer)]
            assert indices == list(range(start or indices[0], indices[-1] + 1))
            # Only what came since then is looked at next time.
            self._checked_to[id(viewer)] = indices[-1] + 1
            viewer.kept.clear()
            await until(lambda viewer=viewer: bool(viewer.kept), _PATIENCE_S)  # type: ignore[misc]
        stats = await self.rig.stats()
        assert stats.pid == self.pid
        assert self.rig.worker.alive
        assert not stats.drops.get("internal")
        producers = [producer for transport in stats.transports for producer in transport.producers]
        (uplink,) = [producer for producer in producers if producer.id == "v"]
        assert (uplink.nacks_sent, uplink.lost) == (0, 0)
        ours = ("pub", self.first.transport_id, self.second.transport_id)
        changes = [event for event in self.rig.events if isinstance(event, api.TransportStateChanged)]
        assert {event.state for event in changes if event.transport_id in ours} == {"checking", "connected"}

    def _indices(self, viewer: RawPeer) -> list[int]:
        return [int.from_bytes(data[-4:], "big") for data in viewer.kept if data[8:12] == _SSRC]

    def _newest(self, viewer: RawPeer) -> int:
        newest = next((data for data in reversed(viewer.kept) if data[8:12] == _SSRC), b"")
        return int.from_bytes(newest[-4:], "big") if newest else -1

    async def drops(self) -> Counter[str]:
        """What the Worker refused so far, by reason."""
        return Counter((await self.rig.stats()).drops)

    @asynccontextmanager
    async def dropping(self) -> AsyncIterator[Counter[str]]:
        """Fills in what was refused during the block, once the Worker has read it and the call proved unharmed."""
        refused: Counter[str] = Counter()
        before = await self.drops()
        yield refused
        await self.absorbed()
        refused.update((await self.drops()) - before)
        await self.unharmed()

    def close(self) -> None:
        """Close the strangers' sockets."""
        for sock in self._strangers:
            sock.close()


@asynccontextmanager
async def live_call() -> AsyncIterator[LiveCall]:
    """A running call."""
    async with running_rig() as rig:
        publisher = await rig.publish()
        first = await rig.view(rig.consumer())
        second = await rig.view(rig.consumer())
        call = LiveCall(rig, publisher, first, second, rig.worker.info.pid)
        task = asyncio.get_running_loop().create_task(call.keep_sending())
        try:
            await until(lambda: bool(first.kept and second.kept))
            yield call
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            call.close()


def flips(data: bytes, count: int, positions: list[int]) -> list[bytes]:
    """Copies of ``data`` with one bit flipped each, spread over ``positions`` (byte offsets)."""
    places = [(byte, bit) for byte in positions for bit in range(8)]
    step = max(1, len(places) // count)
    spoilt = []
    for byte, bit in itertools.islice(places[::step], count):
        copy = bytearray(data)
        copy[byte] ^= 1 << bit
        spoilt.append(bytes(copy))
    return spoilt
