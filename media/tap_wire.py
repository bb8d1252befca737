"""What a Worker writes to the recorder about a Track, and how it is framed; both ways, for both ends.

A Worker opens one connection to the recorder's Unix stream socket for all its taps. Frames are
``[u32 length][u8 kind][u32 tap][body]``, big-endian; ``length`` counts what follows it (5 + the body). The first frame is
HELLO, whose kind no JSON object begins with, so that the first byte behind a first length tells a tap connection from
a control connection (``{``). Nothing is ever sent back. A record of a track log is ``[u8 kind][u32 length][body]`` with
the same kinds and bodies, so that the recorder copies bodies without a look at them.

====  =======  ========================================================================================================
kind  name     body
====  =======  ========================================================================================================
0     FORMAT   JSON: what the control plane gave, and ``codec`` (IANA), ``clock_rate``, ``channels``, ``parameters`` (the
               fmtp line), ``payload_type``, ``extensions`` ({id: URI} of header extensions), ``layer`` (rid or null).
               Before the first packet, and again when any of it changes. With a new ``layer`` timestamps go on, but may
               step by some milliseconds against the reports: fit clocks anew from here.
1     PACKETS  f64 arrival, then per packet u16 length and the RTP packet (RFC 3550), without padding and without CSRCs
2     REPORT   f64 arrival, u64 NTP, u32 RTP timestamp, f32 round trip in seconds: the publisher's sender report
3     GAP      JSON {reason, from, to, packets}
4     STATE    JSON {at, state}, state: paused, resumed, muted, unmuted, flowing, stalled, closed
128   HELLO    ``LMTAP1``, tap 0; in connections only
====  =======  ========================================================================================================

All times are CLOCK_MONOTONIC seconds of the machine.

**Packets** are what a viewer of the Track gets, without what the server adds for a viewer: the forwarded simulcast Layer,
timestamps as sent to viewers, and **never RED**: each packet is plain Opus (a packet that was lost and came back as the
redundant part of a later one is written as the packet it was). Repeats come late and out of order. A packet may come
twice. Sequence numbers wrap at 16 bits; they have a hole where packets were lost, but **none over STATE resumed, a mute,
or GAP**: there the first packet follows the last one written before, and what is missing is told by the record.
Behind each of these three, video begins with a keyframe, and no packet belongs to before it.

**Reports** carry the RTP timestamps of the packets. Each of the publisher's comes as it arrived; when none came for a
second, the last is carried on by the machine's clock (both halves by the same time).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

FORMAT, PACKETS, REPORT, GAP, STATE = range(5)
HELLO = 128
MAGIC = b"LMTAP1"
#: More than the largest record that a Worker makes.
MAX_FRAME = 4 * 1024 * 1024

TapState = Literal["paused", "resumed", "muted", "unmuted", "flowing", "stalled", "closed"]
STATES: tuple[TapState, ...] = ("paused", "resumed", "muted", "unmuted", "flowing", "stalled", "closed")

_HEAD = struct.Struct("!IBI")
_ARRIVAL = struct.Struct("!d")
_SIZE = struct.Struct("!H")
_REPORT = struct.Struct("!dQIf")
_AFTER_LENGTH = _HEAD.size - 4


class WireError(ValueError):
    """Bytes that no Worker writes; the connection, or the record, is of no further use."""


class Frame(NamedTuple):
    """One record on its way: which tap, what kind, its body."""

    kind: int
    tap: int
    body: bytes


class Report(NamedTuple):
    """A sender report: 64-bit NTP and 32-bit RTP timestamp belong together; ``rtt_s`` to the publisher."""

    arrival: float
    ntp: int
    rtp: int
    rtt_s: float


# --- frames ----------------------------------------------------------------------------------------------------------


def frame(kind: int, tap: int, body: bytes) -> bytes:
    """One frame."""
    return _HEAD.pack(_AFTER_LENGTH + len(body), kind, tap) + body


def hello() -> bytes:
    """The first frame of a tap connection."""
    return frame(HELLO, 0, MAGIC)


def packets_head(tap: int, size: int, arrival: float) -> bytes:
    """What precedes the packets of a PACKETS frame; ``size`` is what they take with their lengths."""
    return _HEAD.pack(_AFTER_LENGTH + _ARRIVAL.size + size, PACKETS, tap) + _ARRIVAL.pack(arrival)


class FrameReader:
    """Cuts a stream of bytes into frames, however it was split."""

    __slots__ = ("_buffer", "_greeted")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._greeted = False

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete; at most MAX_FRAME + 4 and what was fed last."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes, return the frames that are complete, HELLO apart.

        Raises WireError: a length that cannot be, an unknown kind, no HELLO first or another one later.
        """
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        position = 0
        while len(buffer) - position >= _HEAD.size:
            length, kind, tap = _HEAD.unpack_from(buffer, position)
            if not _AFTER_LENGTH <= length <= MAX_FRAME:
                raise WireError(f"frame of {length} bytes")
            if kind > STATE and kind != HELLO:
                raise WireError(f"frame of kind {kind}")
            if (kind == HELLO) == self._greeted:
                raise WireError("no greeting" if not self._greeted else "a second greeting")
            end = position + 4 + length
            if len(buffer) < end:
                break
            body = bytes(buffer[position + _HEAD.size : end])
            position = end
            if kind != HELLO:
                frames.append(Frame(kind, tap, body))
            elif body != MAGIC:
                raise WireError("another version")
            else:
                self._greeted = True
        del buffer[:position]
        return frames


# --- bodies ----------------------------------------------------------------------------------------------------------


def packets_body(arrival: float, packets: Iterable[bytes]) -> bytes:
    """The body of a PACKETS record. A packet has at most 65535 bytes."""
    parts = [_ARRIVAL.pack(arrival)]
    for packet in packets:
        parts += (_SIZE.pack(len(packet)), packet)
    return b"".join(parts)


def read_packets(body: bytes) -> tuple[float, list[bytes]]:
    """Arrival and RTP packets of a PACKETS record. Raises WireError."""
    if len(body) < _ARRIVAL.size:
        raise WireError("packets record too short")
    return _ARRIVAL.unpack_from(body)[0], list(_cut(body))


def _cut(body: bytes) -> Iterator[bytes]:
    position, end = _ARRIVAL.size, len(body)
    while position < end:
        start = position + 2
        position = start + (int.from_bytes(body[position:start], "big") if start <= end else 0)
        if start > end or position > end:
            raise WireError("packet cut off")
        yield body[start:position]


def report_body(report: Report) -> bytes:
    """The body of a REPORT record."""
    return _REPORT.pack(*report)


def read_report(body: bytes) -> Report:
    """A REPORT record. Raises WireError."""
    if len(body) != _REPORT.size:
        raise WireError("report record of another size")
    return Report(*_REPORT.unpack(body))


def json_body(value: dict[str, Any]) -> bytes:
    """The body of a FORMAT, GAP or STATE record."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def read_json(body: bytes) -> dict[str, Any]:
    """A FORMAT, GAP or STATE record. Raises WireError."""
    try:
        value = json.loads(body)
    except ValueError as exc:
        raise WireError("record is no JSON") from exc
    if not isinstance(value, dict):
        raise WireError("record is no JSON object")
    return value


def gap_body(reason: str, start: float, end: float, packets: int) -> bytes:
    """The body of a GAP record: nothing, or not all, was written between ``start`` and ``end``."""
    return json_body({"reason": reason, "from": start, "to": end, "packets": packets})


def state_body(state: TapState, at: float) -> bytes:
    """The body of a STATE record."""
    return json_body({"at": at, "state": state})
