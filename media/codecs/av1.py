"""AV1 payloads (RTP Payload Format For AV1, version 1.0; sequence header of the AV1 bitstream, section 5.5)."""

from __future__ import annotations

from media.codecs.bits import BitReader

_NEW_SEQUENCE = 0x08
_CONTINUED = 0x80
_SEQUENCE_HEADER = 1


def is_keyframe_start(payload: bytes) -> bool:
    """Whether this packet begins a new coded video sequence (N bit, not a continuation)."""
    return len(payload) > 1 and bool(payload[0] & _NEW_SEQUENCE) and not payload[0] & _CONTINUED


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        if position >= len(data):
            raise ValueError("leb128 is cut off")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return value, position
    raise ValueError("leb128 is too long")


def dimensions(payload: bytes) -> tuple[int, int] | None:
    """The maximum frame size in the sequence header OBU, if one begins in this packet."""
    if not is_keyframe_start(payload):
        return None
    count = payload[0] >> 4 & 0x03
    position, index = 1, 0
    try:
        while position < len(payload):
            index += 1
            if count and index == count:
                size = len(payload) - position
            else:
                size, position = _leb128(payload, position)
            unit = payload[position : position + size]
            position += size
            if unit and unit[0] >> 3 & 0x0F == _SEQUENCE_HEADER:
                return _parse_sequence_header(unit)
    except ValueError:
        return None
    return None


def _parse_sequence_header(unit: bytes) -> tuple[int, int]:
    position = 2 if unit[0] & 0x04 else 1
    if unit[0] & 0x02:
        _, position = _leb128(unit, position)
    reader = BitReader(unit[position:])
    reader.read(3)
    reader.read(1)
    if reader.read(1):
        reader.read(5)
    else:
        delay_length = _skip_timing(reader)
        display = reader.read(1)
        for _ in range(reader.read(5) + 1):
            reader.read(12)
            if reader.read(5) > 7:
                reader.read(1)
            if delay_length is not None and reader.read(1):
                reader.read(2 * delay_length + 1)
            if display and reader.read(1):
                reader.read(4)
    width_bits, height_bits = reader.read(4) + 1, reader.read(4) + 1
    return reader.read(width_bits) + 1, reader.read(height_bits) + 1


def _skip_timing(reader: BitReader) -> int | None:
    """Read timing_info; returns the length of decoder-model delays when that model is present."""
    if not reader.read(1):
        return None
    reader.read(64)
    if reader.read(1):
        reader.exp_golomb()
    if not reader.read(1):
        return None
    length = reader.read(5) + 1
    reader.read(42)
    return length
