"""What is inside a track log: records ``[u8 kind][u32 length][body]``, big-endian, one after the other.

Kinds and bodies are those of :mod:`media.tap_wire`, which documents them and reads and builds bodies: 0 FORMAT, 1 PACKETS,
2 REPORT, 3 GAP, 4 STATE. The recorder copies bodies as they come, so a body may be anything: read it with
``tap_wire``'s functions and expect WireError. A GAP of the recorder's own has reason ``disk`` or ``recorder``; behind it
sequence numbers have a hole as large as what was lost, and video need not begin with a keyframe.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from media import tap_wire
from media.tap_wire import FORMAT, GAP, PACKETS, REPORT, STATE

__all__ = ["FORMAT", "GAP", "HEAD", "MAX_BODY", "PACKETS", "REPORT", "STATE", "Record", "build", "read_records"]

HEAD = struct.Struct("!BI")
MAX_BODY = tap_wire.MAX_FRAME


class Record(NamedTuple):
    """One record. ``kind`` may be one that a later version knows: leave those out."""

    kind: int
    body: bytes


def build(kind: int, body: bytes) -> bytes:
    """One record as bytes."""
    return HEAD.pack(kind, len(body)) + body


def read_records(pieces: Iterable[bytes]) -> Iterator[Record]:
    """Cut the content of a track log into records, however it comes in pieces.

    A record that is not complete at the end is left out: that is where the recorder was killed. Ends likewise at a
    length that no record can have, which only a faulty writer produces: what is sealed was not changed since.
    """
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        position = 0
        while len(buffer) - position >= HEAD.size:
            kind, length = HEAD.unpack_from(buffer, position)
            if length > MAX_BODY:
                return
            end = position + HEAD.size + length
            if len(buffer) < end:
                break
            yield Record(kind, bytes(buffer[position + HEAD.size : end]))
            position = end
        del buffer[:position]
