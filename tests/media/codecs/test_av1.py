from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codecs import av1
from tests.media.codecs.encode import frames

OPTIONS = (("preset", "10"), ("svtav1-params", "pred-struct=1:rc=2:lp=1"))


def leb128(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


def units(frame: bytes) -> list[bytes]:
    """The OBUs of a temporal unit as they travel in RTP: without delimiters and without size fields."""
    found = []
    position = 0
    while position < len(frame):
        header = frame[position]
        size = shift = 0
        position += 1
        while True:
            byte = frame[position]
            position += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if header >> 3 & 15 != 2:
            found.append(bytes((header & ~2,)) + frame[position : position + size])
        position += size
    return found


def payload(obus: list[bytes], new: bool, counted: bool, continued: bool = False) -> bytes:
    """Some OBUs in one packet: W says how many (then the last has no length), or is 0 and all have one."""
    head = (0x80 if continued else 0) | (len(obus) << 4 if counted else 0) | (8 if new else 0)
    out = bytes((head,))
    for index, obu in enumerate(obus):
        out += obu if counted and index == len(obus) - 1 else leb128(len(obu)) + obu
    return out


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("size", [(320, 180), (1280, 720), (642, 362)])
def test_real_frames(counted: bool, size: tuple[int, int]) -> None:
    for frame, keyframe in frames("libsvtav1", *size, OPTIONS):
        obus = units(frame)
        data = payload(obus, keyframe, counted and len(obus) < 4)
        assert av1.is_keyframe_start(data) is keyframe
        assert av1.dimensions(data) == (size if keyframe else None)


SEQUENCE = next(unit for unit in units(frames("libsvtav1", 320, 180, OPTIONS)[0][0]) if unit[0] >> 3 == 1)
FRAME = b"\x30" + bytes(20)


@pytest.mark.parametrize(
    ("data", "start", "size"),
    [
        (payload([SEQUENCE], True, True), True, (320, 180)),
        (payload([SEQUENCE, FRAME], True, True), True, (320, 180)),
        # Something in front, and an OBU with extension or size field (allowed, if not recommended).
        (payload([b"\x28\0", SEQUENCE, FRAME], True, False), True, (320, 180)),
        (payload([bytes((SEQUENCE[0] | 4, 0)) + SEQUENCE[1:]], True, True), True, (320, 180)),
        (payload([bytes((SEQUENCE[0] | 2,)) + leb128(len(SEQUENCE) - 1) + SEQUENCE[1:]], True, True), True, (320, 180)),
        # A new sequence whose header is not in this packet.
        (payload([FRAME], True, True), True, None),
        (payload([SEQUENCE[:5]], True, True), True, None),
        # Not a start.
        (payload([SEQUENCE, FRAME], False, True), False, None),
        (payload([SEQUENCE, FRAME], True, True, continued=True), False, None),
        (b"", False, None),
        (b"\x18", False, None),
        # Lengths that make no sense.
        (b"\x08" + b"\xff" * 9, True, None),
        (b"\x08\xff", True, None),
        (b"\x08\x00\x00\x00", True, None),
    ],
)
def test_packets(data: bytes, start: bool, size: tuple[int, int] | None) -> None:
    assert av1.is_keyframe_start(data) is start
    assert av1.dimensions(data) == size


def sequence(*fields: tuple[int, int]) -> bytes:
    """A packet with one sequence header OBU of (value, width) fields, up to the size."""
    value = width = 0
    for number, bits in (*fields, (10, 4), (10, 4), (1919, 11), (1079, 11)):
        value = value << bits | number
        width += bits
    return payload([b"\x08" + (value << (-width % 8)).to_bytes((width + 7) // 8, "big")], True, True)


TIMING = ((1, 1), (1001, 32), (30_000, 32))


@pytest.mark.parametrize(
    "data",
    [
        # profile, still picture, reduced header, level
        sequence((0, 3), (1, 1), (1, 1), (8, 5)),
        # No timing, no display delay, one operating point; with a tier from level 8 on.
        sequence((0, 3), (0, 1), (0, 1), (0, 1), (0, 1), (0, 5), (0, 12), (5, 5)),
        sequence((0, 3), (0, 1), (0, 1), (0, 1), (0, 1), (0, 5), (0, 12), (8, 5), (1, 1)),
        # Two operating points with display delays, one of them given.
        sequence(
            (0, 3), (0, 1), (0, 1), (0, 1), (1, 1), (1, 5), (1, 12), (5, 5), (1, 1), (9, 4), (3, 12), (5, 5), (0, 1)
        ),
        # Timing with equal intervals, no decoder model.
        sequence((0, 3), (0, 1), (0, 1), *TIMING, (1, 1), (1, 1), (0, 1), (0, 1), (0, 5), (0, 12), (5, 5)),
        # Timing and decoder model, its parameters given: delays of 20 bits.
        sequence(
            *((0, 3), (0, 1), (0, 1), *TIMING, (0, 1), (1, 1), (19, 5), (1001, 32), (9, 5), (9, 5), (0, 1), (0, 5)),
            *((0, 12), (5, 5), (1, 1), (7, 20), (8, 20), (0, 1)),
        ),
    ],
)
def test_sequence_headers(data: bytes) -> None:
    assert av1.dimensions(data) == (1920, 1080)
    assert av1.dimensions(data[:-2]) is None


@given(st.binary(max_size=60))
def test_junk_never_raises(data: bytes) -> None:
    for packet in (data, b"\x08" + data, b"\x18\x08" + data, b"\x18\x0e" + data):
        av1.is_keyframe_start(packet)
        av1.dimensions(packet)
