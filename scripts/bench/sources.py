"""A prepared VP8 publisher: frames of equal packets at a steady rate, keyframes when asked for, nothing encoded."""

from __future__ import annotations

import asyncio
import os
import struct
import time

from media import rtcp
from media.srtp import SrtpContext, protect_copy
from scripts.bench.raw_peer import RawPeer

FRAMES_PER_S = 30
PAYLOAD_BYTES = 1100
SSRC = 0x5EED0001
PAYLOAD_TYPE = 96
_HEADER = struct.Struct("!BBHII")
#: VP8 payload descriptor with S=1 (first packet of a frame) and the frame tag of a 640x360 keyframe (RFC 7741, 6386).
_KEYFRAME_START = b"\x10\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01"
_DELTA_START = b"\x10\x11\x02\x00"
_CONTINUATION = b"\x00"


class PreparedSource:
    """Sends ``packets_per_s`` over a connected peer until stopped; the rate may be changed while it runs."""

    def __init__(self, peer: RawPeer) -> None:
        self.packets_per_s = 0
        self.sent = 0
        self._peer = peer
        self._sequence = 0
        self._timestamp = 0
        self._keyframe = True
        self._filler = os.urandom(PAYLOAD_BYTES)
        self._task: asyncio.Task[None] | None = None
        peer.on_rtcp = self._on_rtcp

    def start(self) -> None:
        """Begin sending."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """Stop sending."""
        if self._task is not None:
            self._task.cancel()

    def _on_rtcp(self, data: bytes) -> None:
        if any(isinstance(packet, rtcp.Pli | rtcp.Fir) for packet in rtcp.parse_compound(data)):
            self._keyframe = True

    async def _run(self) -> None:
        assert self._peer.tx is not None
        due = time.perf_counter()
        owed = 0.0
        while True:
            due += 1 / FRAMES_PER_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            owed += self.packets_per_s / FRAMES_PER_S
            count = int(owed)
            owed -= count
            if count:
                self._send_frame(self._peer.tx, count)

    def _send_frame(self, tx: SrtpContext, count: int) -> None:
        start = _KEYFRAME_START if self._keyframe else _DELTA_START
        self._keyframe = False
        self._timestamp = (self._timestamp + 90_000 // FRAMES_PER_S) & 0xFFFFFFFF
        for index in range(count):
            head = start if index == 0 else _CONTINUATION
            marker = 0x80 if index == count - 1 else 0
            header = _HEADER.pack(0x80, PAYLOAD_TYPE | marker, self._sequence, self._timestamp, SSRC)
            self._sequence = (self._sequence + 1) & 0xFFFF
            sealed = protect_copy(tx.handle, header + head + self._filler[len(head) :])
            if sealed is not None:
                try:
                    self._peer.sock.send(sealed)
                except OSError:
                    continue
                self.sent += 1
