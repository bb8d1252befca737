"""RTP headers on the wire (RFC 3550 section 5.1) and their extensions (RFC 8285)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

_FIXED = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000
_TWO_BYTE_MASK = 0xFFF0


class Header:
    """Where things are in one RTP packet; all offsets and lengths in bytes from its start.

    ``header_length`` covers the fixed header and CSRCs. ``ext_profile`` is 0 without an extension; ``ext_offset`` and
    ``ext_length`` are those of its elements, behind the 4-byte extension header. The payload lies between
    ``payload_offset`` and the packet's end less ``padding``.
    """

    __slots__ = (
        "ext_length",
        "ext_offset",
        "ext_profile",
        "header_length",
        "marker",
        "padding",
        "payload_offset",
        "payload_type",
        "sequence",
        "ssrc",
        "timestamp",
    )

    def __init__(
        self,
        marker: bool,
        payload_type: int,
        sequence: int,
        timestamp: int,
        ssrc: int,
        header_length: int,
        payload_offset: int,
        padding: int,
        ext_profile: int,
        ext_offset: int,
        ext_length: int,
    ) -> None:
        self.marker = marker
        self.payload_type = payload_type
        self.sequence = sequence
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.header_length = header_length
        self.payload_offset = payload_offset
        self.padding = padding
        self.ext_profile = ext_profile
        self.ext_offset = ext_offset
        self.ext_length = ext_length


def is_rtcp(buf: memoryview | bytes) -> bool:
    """Whether a packet on a muxed port is RTCP rather than RTP, by its second byte (RFC 5761 section 4)."""
    return len(buf) > 1 and 191 < buf[1] < 224


def parse_header(buf: memoryview | bytes) -> Header | None:
    """Read the header of one RTP packet; None when it is cut short, of another version, or its padding is wrong."""
    size = len(buf)
    if size < 12:
        return None
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(buf)
    if first >> 6 != 2:
        return None
    header_length = offset = 12 + ((first & 0x0F) << 2)
    profile = ext_offset = ext_length = padding = 0
    if first & 0x10:
        ext_offset = offset + 4
        if ext_offset > size:
            return None
        profile, words = _EXTENSION.unpack_from(buf, offset)
        ext_length = words << 2
        offset = ext_offset + ext_length
    if offset > size:
        return None
    if first & 0x20:
        if offset == size:
            return None
        padding = buf[size - 1]
        if not 0 < padding <= size - offset:
            return None
    return Header(
        second > 127,
        second & 0x7F,
        sequence,
        timestamp,
        ssrc,
        header_length,
        offset,
        padding,
        profile,
        ext_offset,
        ext_length,
    )


def iter_extensions(buf: memoryview | bytes, header: Header) -> Iterator[tuple[int, bytes]]:
    """The extension elements of a packet as (id, value), in both forms; stops where they make no sense."""
    profile = header.ext_profile
    data = bytes(buf[header.ext_offset : header.ext_offset + header.ext_length])
    if profile == ONE_BYTE_PROFILE:
        return _one_byte(data)
    if profile & _TWO_BYTE_MASK == TWO_BYTE_PROFILE:
        return _two_byte(data)
    return iter(())


def _one_byte(data: bytes) -> Iterator[tuple[int, bytes]]:
    position, end = 0, len(data)
    while position < end:
        first = data[position]
        position += 1
        if first == 0:
            continue
        ext_id = first >> 4
        stop = position + (first & 0x0F) + 1
        # Id 15, and id 0 with a length, end the block (RFC 8285 section 4.2).
        if ext_id in (0, 15) or stop > end:
            return
        yield ext_id, data[position:stop]
        position = stop


def _two_byte(data: bytes) -> Iterator[tuple[int, bytes]]:
    position, end = 0, len(data)
    while position + 1 < end:
        ext_id = data[position]
        if ext_id == 0:
            position += 1
            continue
        stop = position + 2 + data[position + 1]
        if stop > end:
            return
        yield ext_id, data[position + 2 : stop]
        position = stop


def build_extensions(elements: Sequence[tuple[int, bytes]]) -> bytes:
    """An extension block with its 4-byte header, padded to words: one-byte form if all fit it, else two-byte form.

    No elements give no bytes. Raises ValueError for an id outside 1-255 or a value over 255 bytes.
    """
    if not elements:
        return b""
    parts: list[bytes] = []
    size = 0
    for ext_id, value in elements:
        length = len(value)
        if not (0 < ext_id < 15 and 0 < length <= 16):
            return _build_two_byte(elements)
        parts.append(bytes((ext_id << 4 | length - 1,)))
        parts.append(value)
        size += length + 1
    return _seal(ONE_BYTE_PROFILE, parts, size)


def _build_two_byte(elements: Sequence[tuple[int, bytes]]) -> bytes:
    parts: list[bytes] = []
    size = 0
    for ext_id, value in elements:
        if not 0 < ext_id < 256 or len(value) > 255:
            raise ValueError(f"extension {ext_id} with {len(value)} bytes cannot be written")
        parts.append(bytes((ext_id, len(value))))
        parts.append(value)
        size += len(value) + 2
    return _seal(TWO_BYTE_PROFILE, parts, size)


def _seal(profile: int, parts: list[bytes], size: int) -> bytes:
    words = (size + 3) >> 2
    return b"".join((_EXTENSION.pack(profile, words), *parts, bytes((words << 2) - size)))
