"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).

The receiver side records arrivals and builds feedback for publishers; the parser reads what viewers send.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from media.rtcp import TransportFeedback
from media.seqnum import Unwrapper

_TICK_S = 0.00025
_REFERENCE_TICKS = 256
_MAX_PACKETS = 400
_MAX_KEPT = 2000


class ArrivalRecorder:
    """Arrival times by transport-wide sequence number, until :meth:`feedback` reports them."""

    __slots__ = ("_arrivals", "_count", "_next", "_unwrap")

    def __init__(self) -> None:
        self._unwrap = Unwrapper(16)
        self._arrivals: dict[int, float] = {}
        self._next: int | None = None
        self._count = 0

    def received(self, sequence: int, now: float) -> None:
        """A packet with transport-wide number ``sequence`` arrived. At most 2000 are kept."""
        extended = self._unwrap.unwrap(sequence)
        if len(self._arrivals) < _MAX_KEPT and (self._next is None or extended > self._next - _MAX_PACKETS):
            self._arrivals.setdefault(extended, now)

    def feedback(self, sender_ssrc: int, media_ssrc: int, now: float) -> list[bytes]:
        """RTCP packets that report everything since the last call; none when nothing arrived."""
        packets: list[bytes] = []
        while self._arrivals:
            first = min(self._arrivals)
            begin = first if self._next is None else min(first, self._next)
            if first - begin > _MAX_PACKETS:
                begin = first
            end = min(max(self._arrivals), begin + _MAX_PACKETS - 1)
            packets.append(self._build(sender_ssrc, media_ssrc, begin, end))
        return packets

    def _build(self, sender_ssrc: int, media_ssrc: int, begin: int, end: int) -> bytes:
        first_arrival = self._arrivals[min(self._arrivals)]
        reference = int(first_arrival / (_TICK_S * _REFERENCE_TICKS))
        previous = reference * _REFERENCE_TICKS
        symbols: list[int] = []
        deltas = bytearray()
        last = begin
        for sequence in range(begin, end + 1):
            arrival = self._arrivals.get(sequence)
            if arrival is None:
                symbols.append(0)
                continue
            ticks = round(arrival / _TICK_S)
            delta = ticks - previous
            if not -32768 <= delta <= 32767:
                break
            symbols.append(1 if 0 <= delta <= 255 else 2)
            deltas += struct.pack("!B" if symbols[-1] == 1 else "!h", delta)
            previous = ticks
            last = sequence
            del self._arrivals[sequence]
        symbols = symbols[: last - begin + 1]
        body = struct.pack("!HH", begin & 0xFFFF, len(symbols))
        body += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes((self._count & 0xFF,))
        body += _chunks(symbols) + bytes(deltas)
        self._count += 1
        self._next = last + 1
        return TransportFeedback(sender_ssrc, media_ssrc, body + bytes(-len(body) % 4)).build()


def _chunks(symbols: list[int]) -> bytes:
    out = bytearray()
    position = 0
    while position < len(symbols):
        run = 1
        while position + run < len(symbols) and symbols[position + run] == symbols[position] and run < 0x1FFF:
            run += 1
        if run >= 7:
            out += struct.pack("!H", symbols[position] << 13 | run)
            position += run
            continue
        window = symbols[position : position + 7]
        vector = 0xC000
        for index, symbol in enumerate(window):
            vector |= symbol << (12 - 2 * index)
        out += struct.pack("!H", vector)
        position += len(window)
    return bytes(out)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One packet of a feedback: ``arrival_s`` on the receiver's clock, None when it was not received."""

    sequence: int
    arrival_s: float | None


def parse_feedback(body: bytes) -> list[Arrival] | None:
    """Read the part of a feedback packet behind the two SSRCs; None when it is malformed."""
    if len(body) < 8:
        return None
    base, count = struct.unpack_from("!HH", body)
    reference = int.from_bytes(body[4:7], "big")
    if reference & 0x800000:
        reference -= 1 << 24
    position = 8
    symbols: list[int] = []
    while len(symbols) < count:
        if position + 2 > len(body):
            return None
        (chunk,) = struct.unpack_from("!H", body, position)
        position += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF or 1)
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    ticks = reference * _REFERENCE_TICKS
    arrivals: list[Arrival] = []
    for index, symbol in enumerate(symbols[:count]):
        sequence = (base + index) & 0xFFFF
        if symbol not in (1, 2):
            arrivals.append(Arrival(sequence, None))
            continue
        width = symbol
        if position + width > len(body):
            return None
        ticks += body[position] if width == 1 else struct.unpack_from("!h", body, position)[0]
        position += width
        arrivals.append(Arrival(sequence, ticks * _TICK_S))
    return arrivals
