"""VP9 payloads (RFC 9628; uncompressed frame header of the VP9 bitstream specification, section 6.2)."""

from __future__ import annotations

from media.codecs.bits import BitReader

_SYNC = 0x498342
_SRGB = 7


def _header_length(payload: bytes) -> int | None:
    """Length of the payload descriptor; None when it is cut off."""
    try:
        flags = payload[0]
        picture_id, predicted, layered, flexible = flags & 0x80, flags & 0x40, flags & 0x20, flags & 0x10
        position = 1
        if picture_id:
            position += 2 if payload[position] & 0x80 else 1
        if layered:
            position += 1 if flexible else 2
        if flexible and predicted:
            more = 1
            while more:
                more = payload[position] & 1
                position += 1
        if flags & 0x02:
            position = _skip_scalability(payload, position)
    except IndexError:
        return None
    return position if position < len(payload) else None


def _skip_scalability(payload: bytes, position: int) -> int:
    flags = payload[position]
    position += 1
    if flags & 0x10:
        position += 4 * ((flags >> 5) + 1)
    if flags & 0x08:
        pictures = payload[position]
        position += 1
        for _ in range(pictures):
            position += 1 + (payload[position] >> 2 & 0x03)
    return position


def is_keyframe_start(payload: bytes) -> bool:
    """Whether this is the first packet of a keyframe: not predicted, begins a frame, lowest spatial layer."""
    if not payload or payload[0] & 0x40 or not payload[0] & 0x08 or _header_length(payload) is None:
        return False
    return not payload[0] & 0x20 or _spatial_id(payload) == 0


def _spatial_id(payload: bytes) -> int:
    position = 1
    if payload[0] & 0x80:
        position += 2 if payload[1] & 0x80 else 1
    return payload[position] >> 1 & 0x07 if position < len(payload) else 0


def dimensions(payload: bytes) -> tuple[int, int] | None:
    """Width and height, from the first packet of a keyframe."""
    if not is_keyframe_start(payload):
        return None
    reader = BitReader(payload[_header_length(payload) : (_header_length(payload) or 0) + 24])
    try:
        if reader.read(2) != 2:
            return None
        profile = reader.read(1) | reader.read(1) << 1
        if profile == 3:
            reader.read(1)
        if reader.read(1) or reader.read(1):  # show_existing_frame, frame_type: 0 is a keyframe
            return None
        reader.read(2)
        if reader.read(24) != _SYNC:
            return None
        if profile >= 2:
            reader.read(1)
        if reader.read(3) != _SRGB:
            reader.read(1)
            if profile in (1, 3):
                reader.read(3)
        elif profile in (1, 3):
            reader.read(1)
        return reader.read(16) + 1, reader.read(16) + 1
    except ValueError:
        return None
