"""H.264 access units (RFC 6184) as MP4 stores them: NAL units behind 4-byte lengths (ISO/IEC 14496-15)."""

from __future__ import annotations

from media.codecs.h264 import dimensions
from recorder.codecs.picture import Picture

_IDR, _SPS, _PPS, _DELIMITER, _FILLER = 5, 7, 8, 9, 12
_STAP_A, _FU_A = 24, 28
_MAX_SETS = 31


def assemble(payloads: list[bytes]) -> Picture | None:
    """One access unit; None when a unit is cut off. A keyframe is an IDR picture that brings its parameter sets."""
    units = _units(payloads)
    if not units:
        return None
    sets: dict[int, list[bytes]] = {_SPS: [], _PPS: []}
    idr = False
    parts: list[bytes] = []
    for unit in units:
        kind = unit[0] & 0x1F
        if kind in (_DELIMITER, _FILLER):
            continue
        if kind in sets:
            if unit not in sets[kind]:
                sets[kind].append(unit)
        elif kind == _IDR:
            idr = True
        parts += (len(unit).to_bytes(4, "big"), unit)
    data = b"".join(parts)
    if not data:
        return None
    spss, ppss = sets[_SPS], sets[_PPS]
    size = dimensions(spss[0]) if idr and spss and ppss and len(spss[0]) > 3 else None
    if size is None:
        return Picture(data, False)
    return Picture(data, True, size, configuration(spss, ppss), f"avc1.{spss[0][1:4].hex()}")


def _units(payloads: list[bytes]) -> list[bytes] | None:
    units: list[bytes] = []
    fragment: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 0x1F
        if fragment and kind != _FU_A:
            return None
        if kind == _FU_A:
            if len(payload) < 3:
                return None
            if bool(payload[1] & 0x80) == bool(fragment):
                return None
            if not fragment:
                fragment.append(bytes((payload[0] & 0xE0 | payload[1] & 0x1F,)))
            fragment.append(payload[2:])
            if payload[1] & 0x40:
                units.append(b"".join(fragment))
                fragment = []
        elif kind == _STAP_A:
            position = 1
            while position + 2 < len(payload):
                size = int.from_bytes(payload[position : position + 2], "big")
                unit = payload[position + 2 : position + 2 + size]
                if not unit or len(unit) < size:
                    return None
                units.append(unit)
                position += 2 + size
        elif 0 < kind < _STAP_A:
            units.append(payload)
        else:
            return None
    return None if fragment else units


def configuration(spss: list[bytes], ppss: list[bytes]) -> bytes:
    """The AVCDecoderConfigurationRecord (avcC) of parameter sets; 4-byte lengths."""
    spss, ppss = spss[:_MAX_SETS], ppss[:_MAX_SETS]
    parts = [b"\x01", spss[0][1:4], b"\xff", bytes((0xE0 | len(spss),))]
    for sps in spss:
        parts += (len(sps).to_bytes(2, "big"), sps)
    parts.append(bytes((len(ppss),)))
    for pps in ppss:
        parts += (len(pps).to_bytes(2, "big"), pps)
    # High profiles also say chroma format and bit depths; browsers send 4:2:0 with 8 bits only.
    if spss[0][1] in (100, 110, 122, 144):
        parts.append(b"\xfd\xf8\xf8\x00")
    return b"".join(parts)
