from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codecs import vp9
from tests.media.codecs.encode import frames

OPTIONS = (("deadline", "realtime"), ("lag-in-frames", "0"), ("cpu-used", "8"), ("threads", "1"))
KEY, DELTA = (data for data, _ in frames("libvpx-vp9", 320, 180, OPTIONS)[:2])

# The payload descriptor's fields in order (RFC 9628 section 4.2), for keyframes.
DESCRIPTORS = {
    "plain": "08",
    "short picture id": "88 05",
    "long picture id": "88 ffff",
    "Chromium": "8b 8123 18 0140 00b4 01 04 01",
    "layers": "a8 05 00 2a",
    "layers, flexible": "b8 05 00",
    "flexible": "18",
    "end of frame, not referenced above": "0d",
    "one spatial layer without a size": "0a 00",
    "picture group": "0a 08 02 14 01 24 01",
}


@pytest.mark.parametrize("head", DESCRIPTORS.values(), ids=DESCRIPTORS.keys())
@pytest.mark.parametrize("size", [(320, 180), (1280, 720), (18, 16)])
def test_real_frames(head: str, size: tuple[int, int]) -> None:
    for data, keyframe in frames("libvpx-vp9", *size, OPTIONS):
        payload = bytes.fromhex(head) + data[:1100]
        assert vp9.is_keyframe_start(payload) is keyframe
        listed = (320, 180) if "0140 00b4" in head else size
        assert vp9.dimensions(payload) == (listed if keyframe else None)


def test_the_highest_layer_is_the_size() -> None:
    # Three spatial layers, with sizes, then a picture group of one.
    structure = bytes.fromhex("58 00a0 005a 0140 00b4 0280 0168 01 14 01")
    payload = bytes.fromhex("aa 05 00 2a") + structure + KEY
    assert vp9.is_keyframe_start(payload)
    assert vp9.dimensions(payload) == (640, 360)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        bytes.fromhex("08"),
        # Predicted; in flexible mode with references.
        bytes.fromhex("48") + KEY,
        bytes.fromhex("58 03 02") + KEY,
        # The middle of a frame.
        bytes.fromhex("00") + KEY,
        # A higher spatial layer of the keyframe.
        bytes.fromhex("a8 05 02 2a") + KEY,
        bytes.fromhex("28 04 2a") + KEY,
        # An intra-only frame calls itself not predicted, too.
        bytes.fromhex("08") + DELTA,
        # show_existing_frame; no sync code; no frame marker; cut off in front of the size.
        bytes.fromhex("08 88") + KEY[1:],
        bytes.fromhex("08") + KEY[:1] + bytes(3) + KEY[4:],
        bytes.fromhex("08 02") + KEY[1:],
        bytes.fromhex("08") + KEY[:4],
    ],
)
def test_not_a_keyframe_start(payload: bytes) -> None:
    assert not vp9.is_keyframe_start(payload)
    assert vp9.dimensions(payload) is None


def bits(*fields: tuple[int, int]) -> bytes:
    """Fields of (value, width) as a frame header, padded."""
    value = width = 0
    for number, size in fields:
        value = value << size | number
        width += size
    return (value << (-width % 8)).to_bytes((width + 7) // 8, "big")


SIZE = ((1919, 16), (1079, 16))


@pytest.mark.parametrize(
    "header",
    [
        # marker, profile low and high bit, existing, type, shown, resilient, sync, colour, size
        bits((2, 2), (0, 2), (0, 1), (0, 1), (3, 2), (0x498342, 24), (2, 3), (0, 1), *SIZE),
        bits((2, 2), (2, 2), (0, 1), (0, 1), (3, 2), (0x498342, 24), (2, 3), (0, 4), *SIZE),
        bits((2, 2), (2, 2), (0, 1), (0, 1), (3, 2), (0x498342, 24), (7, 3), (0, 1), *SIZE),
        bits((2, 2), (1, 2), (0, 1), (0, 1), (3, 2), (0x498342, 24), (1, 1), (2, 3), (0, 1), *SIZE),
        bits((2, 2), (3, 2), (0, 1), (0, 1), (0, 1), (3, 2), (0x498342, 24), (1, 1), (2, 3), (0, 4), *SIZE),
    ],
    ids=["profile 0", "profile 1", "profile 1 RGB", "profile 2", "profile 3"],
)
def test_profiles(header: bytes) -> None:
    assert vp9.is_keyframe_start(b"\x08" + header)
    assert vp9.dimensions(b"\x08" + header) == (1920, 1080)
    assert vp9.dimensions(b"\x08" + header[:-2]) is None


@pytest.mark.parametrize("head", DESCRIPTORS.values(), ids=DESCRIPTORS.keys())
def test_cut_off_descriptor(head: str) -> None:
    data = bytes.fromhex(head)
    for size in range(len(data) + 1):
        assert not vp9.is_keyframe_start(data[:size])


@given(st.binary(max_size=40))
def test_junk_never_raises(data: bytes) -> None:
    for payload in (data, b"\xbb" + data, b"\x0a" + data, b"\x08\x82\x49\x83\x42" + data):
        vp9.is_keyframe_start(payload)
        vp9.dimensions(payload)
