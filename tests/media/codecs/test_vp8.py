from __future__ import annotations

from typing import Any

import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from media.codecs import vp8
from tests.media.codecs.encode import frames

OPTIONS = (("deadline", "realtime"), ("lag-in-frames", "0"), ("cpu-used", "8"), ("threads", "1"))
FORMS: list[dict[str, Any]] = [
    {"picture_id": None},
    {"picture_id": 5},
    {"picture_id": 127},
    {"picture_id": 128},
    {"picture_id": 32767, "tl0picidx": 255},
    {"picture_id": 32767, "tl0picidx": 3, "tid": (2, 1)},
    {"picture_id": None, "tl0picidx": 3, "tid": (3, 0), "keyidx": 31},
    {"picture_id": 1, "keyidx": 7},
]


def descriptor(start: int = 1, partition: int = 0, **fields: Any) -> bytes:
    return bytes(VpxPayloadDescriptor(partition_start=start, partition_id=partition, **fields))


@pytest.mark.parametrize("size", [(16, 16), (320, 180), (1280, 720), (722, 408)])
@pytest.mark.parametrize("fields", FORMS)
def test_real_frames(size: tuple[int, int], fields: dict[str, Any]) -> None:
    for data, keyframe in frames("libvpx", *size, OPTIONS):
        payload = descriptor(**fields) + data[:1100]
        assert vp8.is_keyframe_start(payload) is keyframe
        assert vp8.dimensions(payload) == (size if keyframe else None)


@pytest.mark.parametrize("fields", FORMS)
def test_descriptor(fields: dict[str, Any]) -> None:
    for start, partition in ((1, 0), (0, 0), (1, 3)):
        built = descriptor(start, partition, **fields)
        parsed = vp8.parse_descriptor(built + b"frame")
        assert parsed is not None
        assert (parsed.start, parsed.partition) == (bool(start), partition)
        assert parsed.length == len(built)
        assert parsed.picture_id == fields.get("picture_id")
        assert parsed.tl0_picture_index == fields.get("tl0picidx")
        tid = fields.get("tid")
        assert parsed.temporal_id == (tid[0] if isinstance(tid, tuple) else None)
        for size in range(len(built)):
            assert vp8.parse_descriptor(built[:size]) is None


KEY = frames("libvpx", 320, 180, OPTIONS)[0][0]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x10",
        b"\x90\x80",
        descriptor(picture_id=None),
        descriptor(0, picture_id=None) + KEY,
        descriptor(1, 1, picture_id=None) + KEY,
    ],
)
def test_not_a_keyframe_start(payload: bytes) -> None:
    assert not vp8.is_keyframe_start(payload)
    assert vp8.dimensions(payload) is None


@pytest.mark.parametrize(
    "frame", [KEY[:9], KEY[:3] + b"\0\0\0" + KEY[6:], KEY[:6] + bytes(4) + KEY[10:], KEY[:8] + bytes(2) + KEY[10:]]
)
def test_no_size(frame: bytes) -> None:
    assert vp8.dimensions(b"\x10" + frame) is None


def test_scaling_bits_are_not_size() -> None:
    frame = bytearray(KEY)
    frame[7] |= 0xC0
    frame[9] |= 0x40
    assert vp8.dimensions(b"\x10" + bytes(frame)) == (320, 180)


@given(st.binary(max_size=40))
def test_junk_never_raises(data: bytes) -> None:
    for payload in (data, b"\x90" + data, b"\x10" + data):
        vp8.parse_descriptor(payload)
        vp8.is_keyframe_start(payload)
        vp8.dimensions(payload)
