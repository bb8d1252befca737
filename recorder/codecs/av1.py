"""AV1 temporal units (RTP Payload Format For AV1, version 1.0) as WebM stores them: OBUs that carry their sizes."""

from __future__ import annotations

from media.codecs.bits import BitReader
from recorder.codecs.picture import Picture

_SEQUENCE_HEADER, _TEMPORAL_DELIMITER, _TILE_LIST, _PADDING = 1, 2, 8, 15
_LEFT_OUT = (_TEMPORAL_DELIMITER, _TILE_LIST, _PADDING)


def assemble(payloads: list[bytes]) -> Picture | None:
    """One temporal unit; None when it is cut off. A keyframe is one that brings a sequence header and begins anew."""
    try:
        units = _units(payloads)
        if not units:
            return None
        parts = []
        header = None
        for unit in units:
            kind = unit[0] >> 3 & 0x0F
            if kind in _LEFT_OUT:
                continue
            sized = _sized(unit)
            parts.append(sized)
            if kind == _SEQUENCE_HEADER and header is None:
                header = sized
        data = b"".join(parts)
        if not data:
            return None
        if header is None or not payloads[0][0] & 0x08:
            return Picture(data, False)
        size, private, codec = _configuration(header)
    except (ValueError, IndexError):
        return None
    return Picture(data, True, size, private, codec)


def _units(payloads: list[bytes]) -> list[bytes] | None:
    """The OBUs, put together again where they were split over packets."""
    units: list[bytes] = []
    open_unit = False
    for payload in payloads:
        head = payload[0]
        if bool(head & 0x80) != open_unit:
            return None
        elements = _elements(payload, head >> 4 & 0x03)
        if not elements:
            return None
        if open_unit:
            units[-1] += elements.pop(0)
        units += elements
        open_unit = bool(head & 0x40)
    return None if open_unit or not all(units) else units


def _elements(payload: bytes, count: int) -> list[bytes]:
    elements: list[bytes] = []
    position, end = 1, len(payload)
    while position < end:
        if count and len(elements) == count - 1:
            size = end - position
        else:
            size, position = leb128(payload, position)
        if position + size > end:
            raise ValueError("OBU element is cut off")
        elements.append(payload[position : position + size])
        position += size
    return elements


def _sized(unit: bytes) -> bytes:
    """The same OBU with obu_has_size_field."""
    if unit[0] & 0x02:
        return unit
    header = 2 if unit[0] & 0x04 else 1
    if len(unit) < header:
        raise ValueError("OBU header is cut off")
    return bytes((unit[0] | 0x02,)) + unit[1:header] + build_leb128(len(unit) - header) + unit[header:]


def leb128(data: bytes, position: int) -> tuple[int, int]:
    """``(value, position behind it)``. Raises ValueError, IndexError."""
    value = 0
    for index in range(8):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return value, position
    raise ValueError("leb128 is too long")


def build_leb128(value: int) -> bytes:
    """The shortest form."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _configuration(header: bytes) -> tuple[tuple[int, int], bytes, str]:
    """Size, AV1CodecConfigurationRecord and codec name of a sequence header OBU (AV1 specification, section 5.5)."""
    _, start = leb128(header, 2 if header[0] & 0x04 else 1)
    reader = BitReader(header[start:])
    profile = reader.read(3)
    reader.read(1)
    reduced = reader.read(1)
    tier = 0
    if reduced:
        level = reader.read(5)
    else:
        level, tier = _operating_points(reader)
    width_bits, height_bits = reader.read(4) + 1, reader.read(4) + 1
    size = reader.read(width_bits) + 1, reader.read(height_bits) + 1
    if not reduced and reader.read(1):
        reader.read(7)
    reader.read(3)
    if not reduced:
        _skip_tools(reader)
    reader.read(3)
    high = reader.read(1)
    twelve = reader.read(1) if profile == 2 and high else 0
    mono = 0 if profile == 1 else reader.read(1)
    sub_x, sub_y, position = _colour(reader, profile, twelve, mono)
    record = bytes((
        0x81,
        profile << 5 | level,
        tier << 7 | high << 6 | twelve << 5 | mono << 4 | sub_x << 3 | sub_y << 2 | position,
        0,
    ))
    depth = 12 if twelve else 10 if high else 8
    return size, record + header, f"av01.{profile}.{level:02d}{'H' if tier else 'M'}.{depth:02d}"


def _operating_points(reader: BitReader) -> tuple[int, int]:
    """Level and tier of the first operating point."""
    delay_length = None
    if reader.read(1):
        reader.read(64)
        if reader.read(1):
            reader.exp_golomb()
        if reader.read(1):
            delay_length = reader.read(5) + 1
            reader.read(42)
    display = reader.read(1)
    level = tier = 0
    for index in range(reader.read(5) + 1):
        reader.read(12)
        this_level = reader.read(5)
        this_tier = reader.read(1) if this_level > 7 else 0
        if index == 0:
            level, tier = this_level, this_tier
        if delay_length is not None and reader.read(1):
            reader.read(2 * delay_length + 1)
        if display and reader.read(1):
            reader.read(4)
    return level, tier


def _skip_tools(reader: BitReader) -> None:
    reader.read(4)
    order_hint = reader.read(1)
    if order_hint:
        reader.read(2)
    screen = 2 if reader.read(1) else reader.read(1)
    if screen and not reader.read(1):
        reader.read(1)
    if order_hint:
        reader.read(3)


def _colour(reader: BitReader, profile: int, twelve: int, mono: int) -> tuple[int, int, int]:
    """Chroma subsampling in x and y, and the sample position."""
    primaries = transfer = matrix = 2
    if reader.read(1):
        primaries, transfer, matrix = reader.read(8), reader.read(8), reader.read(8)
    if mono:
        return 1, 1, 0
    if (primaries, transfer, matrix) == (1, 13, 0):
        return 0, 0, 0
    reader.read(1)
    if profile == 0:
        sub_x = sub_y = 1
    elif profile == 1:
        sub_x = sub_y = 0
    elif twelve:
        sub_x = reader.read(1)
        sub_y = reader.read(1) if sub_x else 0
    else:
        sub_x, sub_y = 1, 0
    return sub_x, sub_y, reader.read(2) if sub_x and sub_y else 0
