from __future__ import annotations

import pytest
from aiortc.codecs.h264 import H264Encoder
from hypothesis import given
from hypothesis import strategies as st

from media.codecs import h264
from media.codecs.bits import BitReader
from tests.media.codecs.encode import frames

BASE = (("preset", "ultrafast"), ("tune", "zerolatency"), ("forced-idr", "1"))
PROFILES = {
    "baseline": (("profile", "baseline"),),
    "main": (("profile", "main"),),
    "high": (("profile", "high"), ("preset", "medium")),
    "high, with matrices": (("profile", "high"), ("x264-params", "cqm=jvt")),
    "interlaced": (("profile", "main"), ("x264-params", "interlaced=1")),
}


def packets(frame: bytes) -> list[bytes]:
    return H264Encoder._packetize(H264Encoder._split_bitstream(frame))


@pytest.mark.parametrize("options", PROFILES.values(), ids=PROFILES.keys())
@pytest.mark.parametrize("size", [(320, 180), (640, 360), (1920, 1080), (34, 18)])
def test_real_frames(options: tuple[tuple[str, str], ...], size: tuple[int, int]) -> None:
    if dict(options).get("x264-params") == "interlaced=1" and size[1] % 4:
        size = (size[0], size[1] // 4 * 4)
    for frame, keyframe in frames("libx264", *size, BASE + options):
        payloads = packets(frame)
        assert [h264.is_keyframe_start(payload) for payload in payloads] == [keyframe] + [False] * (len(payloads) - 1)
        assert h264.dimensions(payloads[0]) == (size if keyframe else None)


@pytest.mark.parametrize("options", PROFILES.values(), ids=PROFILES.keys())
def test_one_unit_per_packet(options: tuple[tuple[str, str], ...]) -> None:
    units = list(H264Encoder._split_bitstream(frames("libx264", 640, 360, BASE + options)[0][0]))
    starts = [unit[0] & 0x1F for unit in units if h264.is_keyframe_start(unit)]
    assert starts == [7]
    assert [h264.dimensions(unit) for unit in units if unit[0] & 0x1F == 7] == [(640, 360)]


SPS = next(
    unit for unit in H264Encoder._split_bitstream(frames("libx264", 320, 180, BASE)[0][0]) if unit[0] & 0x1F == 7
)
PPS = b"\x68\xce\x3c\x80"
IDR = b"\x65\x88\x84"


def stap(*units: bytes) -> bytes:
    return b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (SPS, True),
        (stap(SPS, PPS), True),
        (stap(SPS, PPS, IDR), True),
        (stap(b"\x09\xf0", SPS, PPS), True),
        (b"\x7c\x87" + SPS[1:], True),
        (b"\x7c\x07" + SPS[1:], False),
        (PPS, False),
        (IDR, False),
        (stap(PPS, IDR), False),
        (b"\x7c\x85" + IDR, False),
        (b"\x41\x9a", False),
        (stap(PPS, SPS)[:8], False),
        (b"\x78\0\0", False),
        (b"\x78\0", False),
        (b"\x78", False),
        (b"\x7c", False),
        (b"\x1f", False),
        (b"\x00", False),
        (b"", False),
    ],
)
def test_keyframe_start(payload: bytes, expected: bool) -> None:
    assert h264.is_keyframe_start(payload) is expected
    assert h264.dimensions(payload) == ((320, 180) if expected else None)


@given(
    st.lists(st.sampled_from([SPS, PPS, IDR, b"\x09\xf0", b"\x06\x05\x01"]), min_size=1, max_size=6), st.integers(0, 80)
)
def test_start_and_size_agree(units: list[bytes], cut: int) -> None:
    payload = stap(*units)
    payload = payload[: len(payload) - cut]
    assert (h264.dimensions(payload) is not None) is h264.is_keyframe_start(payload)
    if not cut:
        assert h264.is_keyframe_start(payload) is (SPS in units)


def test_cut_off_sps_has_no_size() -> None:
    # What follows the size (video usability information) is not needed.
    sizes = [h264.dimensions(SPS[:length]) for length in range(1, len(SPS))]
    first = sizes.index((320, 180))
    assert set(sizes[:first]) == {None}
    assert set(sizes[first:]) == {(320, 180)}


def ue(value: int) -> str:
    code = f"{value + 1:b}"
    return "0" * (len(code) - 1) + code


def sps(*codes: str, profile: int = 66) -> bytes:
    text = "".join(codes) + "1"
    text += "0" * (-len(text) % 8)
    return bytes((0x67, profile, 0, 31)) + int(text, 2).to_bytes(len(text) // 8, "big")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # id, frame number bits, order type 2, references, gaps, width, height, frames only, inference, no cropping
        (sps(ue(0), ue(0), ue(2), ue(1), "0", ue(19), ue(14), "1", "1", "0"), (320, 240)),
        # Order type 1 with a cycle of three offsets.
        (
            sps(ue(0), ue(0), ue(1), "0", ue(1), ue(2), ue(3), *[ue(5)] * 3, ue(1), "0", ue(19), ue(14), "110"),
            (320, 240),
        ),
        # Fields: height in pairs of rows; cropping in steps of four.
        (
            sps(ue(0), ue(0), ue(2), ue(1), "0", ue(119), ue(33), "0", "1", "1", "1", ue(0), ue(0), ue(0), ue(2)),
            (1920, 1080),
        ),
        # 4:4:4 crops in single pixels; of twelve scaling lists the first has 16 entries, and the second ends at once.
        (
            sps(
                *(ue(0), ue(3), "0", ue(0), ue(0), "0", "1", "1", "1" * 16, "1", ue(16), "0" * 10),
                *(ue(0), ue(2), ue(1), "0", ue(19), ue(14), "1", "1", "1", ue(1), ue(0), ue(0), ue(1)),
                profile=244,
            ),
            (319, 239),
        ),
        # 4:2:2 crops pairs across only.
        (
            sps(
                *(ue(0), ue(2), ue(0), ue(0), "0", "0"),
                *(ue(0), ue(2), ue(1), "0", ue(19), ue(14), "1", "1", "1", ue(1), ue(0), ue(0), ue(1)),
                profile=122,
            ),
            (318, 239),
        ),
        # Nothing but an absurd size.
        (sps(ue(0), ue(0), ue(2), ue(1), "0", ue(100_000), ue(14), "1", "1", "0"), None),
        # Cropped away altogether.
        (sps(ue(0), ue(0), ue(2), ue(1), "0", ue(0), ue(0), "1", "1", "1", ue(8), ue(0), ue(0), ue(0)), None),
        # A cycle of more than 255 offsets is not allowed.
        (sps(ue(0), ue(0), ue(1), "0", ue(1), ue(2), ue(256), *[ue(5)] * 256, ue(1), "0", ue(19), ue(14), "110"), None),
        # A code that does not end.
        (b"\x67\x42\x00\x1f" + bytes(20), None),
    ],
)
def test_parameter_sets(data: bytes, expected: tuple[int, int] | None) -> None:
    assert h264.dimensions(data) == expected


@given(st.binary(max_size=60))
def test_junk_never_raises(data: bytes) -> None:
    for payload in (data, b"\x67" + data, b"\x67\x64" + data, b"\x78" + data, b"\x7c\x87" + data):
        h264.is_keyframe_start(payload)
        h264.dimensions(payload)


@given(st.lists(st.integers(0, 2**31 - 2), max_size=10))
def test_exp_golomb(values: list[int]) -> None:
    text = "".join(ue(value) for value in values)
    text += "0" * (-len(text) % 8)
    reader = BitReader(int(text or "0", 2).to_bytes(len(text) // 8, "big"))
    assert [reader.exp_golomb() for _ in values] == values


@pytest.mark.parametrize(("code", "value"), [(0, 0), (1, 1), (2, -1), (3, 2), (4, -2)])
def test_signed_exp_golomb(code: int, value: int) -> None:
    text = ue(code).ljust(8, "0")
    assert BitReader(bytes((int(text, 2),))).signed_exp_golomb() == value
