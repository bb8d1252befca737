"""VP8 payloads (RFC 7741; frame header RFC 6386 section 9.1)."""

from __future__ import annotations

_START_CODE = b"\x9d\x01\x2a"


class Descriptor:
    """The payload descriptor. ``picture_id``, ``tl0_picture_index`` and ``temporal_id`` are None where absent."""

    __slots__ = ("length", "partition", "picture_id", "start", "temporal_id", "tl0_picture_index")

    def __init__(self, start: bool, partition: int) -> None:
        self.start = start
        self.partition = partition
        self.picture_id: int | None = None
        self.tl0_picture_index: int | None = None
        self.temporal_id: int | None = None
        self.length = 1


def parse_descriptor(payload: bytes) -> Descriptor | None:
    """Read the descriptor, or None when it is cut off."""
    try:
        first = payload[0]
        descriptor = Descriptor(bool(first & 0x10), first & 0x07)
        position = 1
        if first & 0x80:
            flags = payload[position]
            position += 1
            if flags & 0x80:
                number = payload[position]
                position += 1
                if number & 0x80:
                    number = (number & 0x7F) << 8 | payload[position]
                    position += 1
                descriptor.picture_id = number
            if flags & 0x40:
                descriptor.tl0_picture_index = payload[position]
                position += 1
            if flags & 0x30:
                if flags & 0x20:
                    descriptor.temporal_id = payload[position] >> 6
                position += 1
    except IndexError:
        return None
    if position > len(payload):
        return None
    descriptor.length = position
    return descriptor


def _keyframe_offset(payload: bytes) -> int | None:
    descriptor = parse_descriptor(payload)
    if descriptor is None or not descriptor.start or descriptor.partition:
        return None
    offset = descriptor.length
    return offset if offset < len(payload) and not payload[offset] & 0x01 else None


def is_keyframe_start(payload: bytes) -> bool:
    """Whether this is the first packet of a keyframe."""
    return _keyframe_offset(payload) is not None


def dimensions(payload: bytes) -> tuple[int, int] | None:
    """Width and height, from the first packet of a keyframe."""
    offset = _keyframe_offset(payload)
    if offset is None or len(payload) < offset + 10 or payload[offset + 3 : offset + 6] != _START_CODE:
        return None
    width = int.from_bytes(payload[offset + 6 : offset + 8], "little") & 0x3FFF
    height = int.from_bytes(payload[offset + 8 : offset + 10], "little") & 0x3FFF
    return (width, height) if width and height else None
