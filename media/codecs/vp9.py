"""VP9 payloads (RFC 9628; uncompressed frame header of the VP9 bitstream specification, section 6.2)."""

from __future__ import annotations

from media.codecs.bits import BitReader

_SYNC = 0x498342
_SRGB = 7
#: The frame header up to the picture size takes at most 11 bytes.
_FRAME_HEADER_BYTES = 16


def _structure_offset(payload: bytes) -> int:
    """Where the scalability structure would be: behind everything else in the descriptor. IndexError when cut off."""
    flags = payload[0]
    position = 1
    if flags & 0x80:
        position += 2 if payload[position] & 0x80 else 1
    if flags & 0x20:
        position += 1 if flags & 0x10 else 2
    # In flexible mode a predicted picture lists its references, each saying whether another one follows.
    if flags & 0x50 == 0x50:
        while payload[position] & 1:
            position += 1
        position += 1
    return position


def header_length(payload: bytes) -> int | None:
    """Length of the payload descriptor; None when it is cut off or nothing follows."""
    try:
        position = _structure_offset(payload)
        if payload[0] & 0x02:
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
    """Whether this is the first packet of a keyframe.

    Its descriptor says: not predicted, begins a frame, lowest spatial layer. An intra-only frame says so too, and does
    not reset the decoder, so the frame header has the last word.
    """
    return _keyframe(payload) is not None


def _keyframe(payload: bytes) -> BitReader | None:
    """A reader behind the frame header's sync code; None when no keyframe begins in this packet."""
    if not payload or payload[0] & 0x40 or not payload[0] & 0x08:
        return None
    offset = header_length(payload)
    if offset is None or (payload[0] & 0x20 and _spatial_id(payload)):
        return None
    reader = BitReader(payload[offset : offset + _FRAME_HEADER_BYTES])
    try:
        if reader.read(2) != 2:
            return None
        profile = reader.read(1) | reader.read(1) << 1
        if profile == 3:
            reader.read(1)
        # show_existing_frame, then frame_type: 0 is a keyframe.
        if reader.read(1) or reader.read(1):
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
    except ValueError:
        return None
    return reader


def _spatial_id(payload: bytes) -> int:
    position = 1
    if payload[0] & 0x80:
        position += 2 if payload[1] & 0x80 else 1
    return payload[position] >> 1 & 0x07


def dimensions(payload: bytes) -> tuple[int, int] | None:
    """Width and height, from the first packet of a keyframe: of the highest spatial layer where they are listed."""
    reader = _keyframe(payload)
    if reader is None:
        return None
    if (listed := _largest_layer(payload)) is not None:
        return listed
    try:
        return reader.read(16) + 1, reader.read(16) + 1
    except ValueError:
        return None


def _largest_layer(payload: bytes) -> tuple[int, int] | None:
    """The last size in the scalability structure (RFC 9628 section 4.2.1); the descriptor is known to be whole."""
    if not payload[0] & 0x02:
        return None
    position = _structure_offset(payload)
    flags = payload[position]
    if not flags & 0x10:
        return None
    position += 1 + 4 * (flags >> 5)
    width = int.from_bytes(payload[position : position + 2], "big")
    height = int.from_bytes(payload[position + 2 : position + 4], "big")
    return (width, height) if width and height else None
