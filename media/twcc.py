"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).

The recorder notes arrivals and builds feedback for publishers; the parser reads what viewers send.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from media.rtcp import TransportFeedback
from media.seqnum import Unwrapper

#: Arrival times are told in ticks of 250 microseconds, the reference time in 256 of them (64 ms).
TICKS_PER_S = 4000
_TICKS_PER_REFERENCE = 256
#: Numbers covered by one call at most; what lies further back is not reported.
MAX_SPAN = 2048
#: Packets with an arrival time in one RTCP packet: 800 bytes of times at most.
_MAX_TIMES = 400
#: A late packet moves the report's start back, and what was reported behind it is told again; so times are kept.
_HISTORY_TICKS = 2000
_MAX_BACK = 500
_MISSING, _SMALL, _LARGE = 0, 1, 2
_ONE_BIT, _TWO_BIT = 14, 7
#: Numbers in one feedback that is read: a run of 8191 fits two bytes, so a few datagrams could cost a Worker seconds.
MAX_REPORTED = 2 * MAX_SPAN


class ArrivalRecorder:
    """Arrival times by transport-wide sequence number. Bounded: at most ``2 * MAX_SPAN`` are kept."""

    __slots__ = ("_count", "_newest", "_next", "_pending", "_ticks", "_unwrap")

    def __init__(self) -> None:
        self._unwrap = Unwrapper(16)
        self._ticks: dict[int, int] = {}
        self._next = -1
        self._newest = -1
        self._pending = False
        self._count = 0

    def received(self, sequence: int, now: float) -> None:
        """A packet with the transport-wide number ``sequence`` (16 bits) arrived at ``now`` (monotonic seconds)."""
        extended = self._unwrap.unwrap(sequence)
        ticks = self._ticks
        if extended in ticks:
            return
        if self._next < 0:
            self._next = extended
        elif extended < self._next:
            if extended < self._next - _MAX_BACK:
                return
            self._next = extended
        if len(ticks) >= 2 * MAX_SPAN:
            del ticks[next(iter(ticks))]
        ticks[extended] = round(now * TICKS_PER_S)
        self._newest = max(self._newest, extended)
        self._pending = True

    def feedback(self, sender_ssrc: int, media_ssrc: int, now: float) -> list[bytes]:
        """RTCP packets that report everything since the last call; none when nothing arrived. Call every 50-100 ms."""
        if not self._pending:
            return []
        self._pending = False
        begin, end = max(self._next, self._newest - MAX_SPAN + 1), self._newest + 1
        self._next = end
        packets: list[bytes] = []
        while begin < end:
            body, begin = self._body(begin, end)
            if body:
                packets.append(TransportFeedback(sender_ssrc, media_ssrc, body).build())
        self._forget(round(now * TICKS_PER_S) - _HISTORY_TICKS)
        return packets

    def _forget(self, before: int) -> None:
        # They stand in the order of arrival.
        old = []
        for sequence, tick in self._ticks.items():
            if tick >= before:
                break
            old.append(sequence)
        for sequence in old:
            del self._ticks[sequence]

    def _body(self, begin: int, end: int) -> tuple[bytes, int]:
        """One packet's part behind the SSRCs, and the first number that it does not cover."""
        ticks = self._ticks
        reference: int | None = None
        previous = times = 0
        symbols: list[int] = []
        deltas = bytearray()
        for sequence in range(begin, end):
            tick = ticks.get(sequence)
            if tick is None:
                symbols.append(_MISSING)
                continue
            if reference is None:
                reference = tick // _TICKS_PER_REFERENCE
                previous = reference * _TICKS_PER_REFERENCE
            delta = tick - previous
            if times == _MAX_TIMES or not -32768 <= delta <= 32767:
                break
            if 0 <= delta <= 255:
                symbols.append(_SMALL)
                deltas.append(delta)
            else:
                symbols.append(_LARGE)
                deltas += struct.pack("!h", delta)
            previous = tick
            times += 1
        covered = begin + len(symbols)
        if reference is None:
            return b"", covered
        head = struct.pack("!HH", begin & 0xFFFF, len(symbols))
        head += (reference & 0xFFFFFF).to_bytes(3, "big") + bytes((self._count,))
        self._count = (self._count + 1) & 0xFF
        return head + _pack_symbols(symbols) + deltas, covered


def _pack_symbols(symbols: list[int]) -> bytes:
    """Packet chunks (sections 3.1.2 to 3.1.4), the shortest form that fits at each place."""
    out = bytearray()
    position, size = 0, len(symbols)
    while position < size:
        symbol = symbols[position]
        run = 1
        while position + run < size and run < 0x1FFF and symbols[position + run] == symbol:
            run += 1
        window = symbols[position : position + _ONE_BIT]
        if run >= min(_ONE_BIT, size - position) or (symbol == _LARGE and run >= _TWO_BIT):
            chunk = symbol << 13 | run
            position += run
        elif _LARGE not in window:
            chunk = 0x8000
            for index, value in enumerate(window):
                chunk |= value << (13 - index)
            position += len(window)
        else:
            chunk = 0xC000
            for index, value in enumerate(window[:_TWO_BIT]):
                chunk |= value << (12 - 2 * index)
            position += len(window[:_TWO_BIT])
        out += chunk.to_bytes(2, "big")
    return bytes(out)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One packet of a feedback; ``arrival_s`` on the receiver's clock, which wraps; None when it had not arrived."""

    sequence: int
    arrival_s: float | None


def parse_feedback(body: bytes) -> list[Arrival] | None:
    """Read :attr:`media.rtcp.TransportFeedback.body`, in the order of numbers.

    None when it is malformed, or covers more than ``MAX_REPORTED`` numbers.
    """
    if len(body) < 8:
        return None
    base, count = struct.unpack_from("!HH", body)
    if count > MAX_REPORTED:
        return None
    ticks = int.from_bytes(body[4:7], "big", signed=True) * _TICKS_PER_REFERENCE
    unpacked = _unpack_symbols(body, count)
    if unpacked is None:
        return None
    symbols, position = unpacked
    arrivals: list[Arrival] = []
    for index, symbol in enumerate(symbols):
        sequence = (base + index) & 0xFFFF
        if symbol == _MISSING:
            arrivals.append(Arrival(sequence, None))
            continue
        # A small delta takes one byte, unsigned; a large one two, signed: the symbol is its size.
        field = body[position : position + symbol]
        if len(field) < symbol:
            return None
        position += symbol
        ticks += int.from_bytes(field, "big", signed=symbol == _LARGE)
        arrivals.append(Arrival(sequence, ticks / TICKS_PER_S))
    return arrivals


def _unpack_symbols(body: bytes, count: int) -> tuple[list[int], int] | None:
    """``count`` symbols and the offset of the deltas; None when cut off, or with a reserved symbol."""
    position = 8
    symbols: list[int] = []
    while len(symbols) < count:
        if position + 2 > len(body):
            return None
        chunk = int.from_bytes(body[position : position + 2], "big")
        position += 2
        if not chunk & 0x8000:
            if not chunk & 0x1FFF:
                return None
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    del symbols[count:]
    return None if 3 in symbols else (symbols, position)
