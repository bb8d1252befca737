from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.codecs import VIDEO
from recorder.depacketize import AudioDepacketizer, VideoDepacketizer
from recorder.reorder import Packet
from tests.recorder.live_track import PAYLOADS, nal_units, pictures

CODECS = sorted(VIDEO)


@pytest.mark.parametrize("codec", CODECS)
@given(payloads=st.lists(st.binary(min_size=1, max_size=60), max_size=5))
def test_junk_gives_nothing_worse_than_nothing(codec: str, payloads: list[bytes]) -> None:
    VIDEO[codec].assemble(payloads)
    depacketizer = VideoDepacketizer(codec)
    for index, payload in enumerate(payloads):
        depacketizer.put(Packet(index, 0, payload, marker=index % 2 == 0))


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.data())
def test_a_damaged_picture_is_no_error(codec: str, data: st.DataObject) -> None:
    payloads = [bytearray(payload) for payload in PAYLOADS[codec](pictures(codec, 8)[0])]
    which = data.draw(st.integers(0, len(payloads) - 1))
    at = data.draw(st.integers(0, min(len(payloads[which]) - 1, 30)))
    payloads[which][at] = data.draw(st.integers(0, 255))
    VIDEO[codec].assemble([bytes(payload) for payload in payloads])


@pytest.mark.parametrize("codec", CODECS)
def test_keyframes_and_sizes(codec: str) -> None:
    found = [VIDEO[codec].assemble(PAYLOADS[codec](data)) for data in pictures(codec, 40)]
    assert [index for index, picture in enumerate(found) if picture and picture.key] == [0, 10, 20, 30]
    for picture in found:
        assert picture is not None
        assert picture.size == ((160, 96) if picture.key else None)


def test_the_end_of_a_picture_without_a_marker_is_the_next_timestamp() -> None:
    depacketizer = VideoDepacketizer("VP8")
    frames = []
    number = 0
    for index, data in enumerate(pictures("VP8", 8)):
        for payload in PAYLOADS["VP8"](data):
            frames += depacketizer.put(Packet(number, index * 3000, payload))
            number += 1
    frames += depacketizer.cut()
    assert [frame.picture.data for frame in frames] == list(pictures("VP8", 8))


def test_h264_is_stored_behind_lengths() -> None:
    coded = pictures("H264", 8)[0]
    picture = VIDEO["H264"].assemble(PAYLOADS["H264"](coded))
    assert picture is not None
    kept = [unit for unit in nal_units(coded) if unit[0] & 31 not in (9, 12)]
    units = []
    position = 0
    while position < len(picture.data):
        size = int.from_bytes(picture.data[position : position + 4], "big")
        units.append(picture.data[position + 4 : position + 4 + size])
        position += 4 + size
    assert sorted(units) == sorted(kept)
    assert picture.private[0] == 1
    assert picture.codec == f"avc1.{picture.private[1:4].hex()}"


def test_two_spatial_layers_make_a_superframe() -> None:
    low, high = pictures("VP9", 8)[:2]
    picture = VIDEO["VP9"].assemble([
        bytes((0x08 | 0x04 | 0x20, 0x00, 0)) + low,
        bytes((0x08 | 0x04 | 0x20, 0x02, 0)) + high,
    ])
    assert picture is not None
    assert picture.data.startswith(low + high)
    assert picture.data[-1] & 0xE7 == 0xC1
    assert picture.key


def test_red_is_unwrapped() -> None:
    red = bytes((0x80 | 111, 0, 0, 3, 111)) + b"old" + b"\xf8new"
    (frame,) = AudioDepacketizer(red=True).put(Packet(1, 0, red))
    assert frame.picture.data == b"\xf8new"
    assert frame.duration == 960
    assert AudioDepacketizer(red=True).put(Packet(1, 0, b"\x80")) == []
