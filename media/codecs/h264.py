"""H.264 payloads (RFC 6184; sequence parameter set of ITU-T H.264 section 7.3.2.1)."""

from __future__ import annotations

from collections.abc import Iterator

from media.codecs.bits import BitReader

_SPS = 7
_STAP_A, _FU_A = 24, 28
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_MAX_MACROBLOCKS = 4096


def _units(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """``(type, unit)`` of each NAL unit that begins in this packet."""
    if not payload:
        return
    kind = payload[0] & 0x1F
    if kind == _STAP_A:
        position = 1
        while position + 2 < len(payload):
            size = int.from_bytes(payload[position : position + 2], "big")
            unit = payload[position + 2 : position + 2 + size]
            if not unit or len(unit) < size:
                return
            yield unit[0] & 0x1F, unit
            position += 2 + size
    elif kind == _FU_A:
        if len(payload) > 1 and payload[1] & 0x80:
            yield payload[1] & 0x1F, payload[1:]
    elif 0 < kind < _STAP_A:
        yield kind, payload


def is_keyframe_start(payload: bytes) -> bool:
    """Whether a decoder can begin at this packet: it brings a sequence parameter set.

    Not at the IDR picture itself: a replay that began there would lack the sets sent just before it. Browsers, x264 and
    hardware encoders for WebRTC repeat the sets before every IDR picture; one that does not cannot be joined midway.
    """
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind == _STAP_A:
        return any(inner == _SPS for inner, _ in _units(payload))
    if kind == _FU_A:
        return len(payload) > 1 and payload[1] & 0x9F == 0x80 | _SPS
    return kind == _SPS


def dimensions(payload: bytes) -> tuple[int, int] | None:
    """Width and height from a sequence parameter set in this packet, cropping applied."""
    for kind, unit in _units(payload):
        if kind == _SPS:
            try:
                return _parse_sps(unit[1:].replace(b"\0\0\3", b"\0\0"))
            except ValueError:
                return None
    return None


def _parse_sps(data: bytes) -> tuple[int, int] | None:
    reader = BitReader(data)
    profile = reader.read(8)
    reader.read(16)
    reader.exp_golomb()
    chroma = 1
    if profile in _HIGH_PROFILES:
        chroma = reader.exp_golomb()
        if chroma == 3:
            reader.read(1)
        reader.exp_golomb()
        reader.exp_golomb()
        reader.read(1)
        if reader.read(1):
            _skip_scaling_lists(reader, 8 if chroma != 3 else 12)
    reader.exp_golomb()
    order = reader.exp_golomb()
    if order == 0:
        reader.exp_golomb()
    elif order == 1:
        reader.read(1)
        reader.signed_exp_golomb()
        reader.signed_exp_golomb()
        cycle = reader.exp_golomb()
        if cycle > 255:
            return None
        for _ in range(cycle):
            reader.signed_exp_golomb()
    reader.exp_golomb()
    reader.read(1)
    width, height = reader.exp_golomb() + 1, reader.exp_golomb() + 1
    frame_only = reader.read(1)
    if not frame_only:
        reader.read(1)
    reader.read(1)
    left = right = top = bottom = 0
    if reader.read(1):
        left, right, top, bottom = (reader.exp_golomb() for _ in range(4))
    if width > _MAX_MACROBLOCKS or height > _MAX_MACROBLOCKS:
        return None
    unit_x = 2 if chroma in (1, 2) else 1
    unit_y = (2 if chroma == 1 else 1) * (2 - frame_only)
    size = width * 16 - unit_x * (left + right), height * 16 * (2 - frame_only) - unit_y * (top + bottom)
    return size if size[0] > 0 and size[1] > 0 else None


def _skip_scaling_lists(reader: BitReader, count: int) -> None:
    for index in range(count):
        if not reader.read(1):
            continue
        last = following = 8
        for _ in range(16 if index < 6 else 64):
            if following:
                following = (last + reader.signed_exp_golomb()) % 256
            last = following or last
