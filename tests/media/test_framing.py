"""RFC 4571 framing: the same stream whole, byte by byte and cut anywhere gives the same packets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.framing import MAX_FRAME, Deframer, FramingError, frame

PACKETS = [b"a", b"\0\0", b"x" * 255, b"y" * 256, b"z" * 1200, bytes(MAX_FRAME)]


@pytest.mark.parametrize("step", [1, 2, 3, 255, 1000, 1 << 20])
def test_any_cut_gives_the_packets(step: int) -> None:
    stream = b"".join(frame(packet) for packet in PACKETS)
    deframer = Deframer()
    found: list[bytes] = []
    for start in range(0, len(stream), step):
        found += deframer.feed(stream[start : start + step])
        assert deframer.buffered <= MAX_FRAME + 1
    assert found == PACKETS
    assert deframer.buffered == 0


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.lists(st.integers(1, 400), max_size=30))
@settings(max_examples=100, deadline=None)
def test_random_cuts(packets: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame(packet) for packet in packets)
    deframer = Deframer()
    found: list[bytes] = []
    for cut in cuts:
        found += deframer.feed(stream[:cut])
        stream = stream[cut:]
    assert found + deframer.feed(stream) == packets


@pytest.mark.parametrize(
    "data,code",
    [
        (b"\0\0", "frame_empty"),
        (frame(b"ok") + b"\0\0", "frame_empty"),
        ((MAX_FRAME + 1).to_bytes(2, "big"), "frame_too_large"),
        (frame(b"ok") + b"\xff\xff", "frame_too_large"),
        (b"GET / HTTP/1.1\r\n\r\n", "frame_too_large"),
        (b"\x16\x03\x01\x02\x00", "frame_too_large"),
    ],
)
def test_bad_frames(data: bytes, code: str) -> None:
    deframer = Deframer()
    with pytest.raises(FramingError) as caught:
        deframer.feed(data)
    assert caught.value.code == code
    assert deframer.buffered == 0
    with pytest.raises(FramingError) as again:
        deframer.feed(frame(b"fine"))
    assert again.value.code == code


def test_own_limit() -> None:
    deframer = Deframer(max_frame=4)
    assert deframer.feed(frame(b"1234")) == [b"1234"]
    with pytest.raises(FramingError):
        deframer.feed(frame(b"12345"))


@given(st.lists(st.binary(max_size=4000), max_size=20))
@settings(max_examples=100, deadline=None)
def test_junk_is_bounded(chunks: list[bytes]) -> None:
    """Whatever comes, only FramingError is raised and never more than one packet is kept."""
    deframer = Deframer()
    for chunk in chunks:
        try:
            packets = deframer.feed(chunk)
        except FramingError:
            assert deframer.buffered == 0
            return
        assert all(0 < len(packet) <= MAX_FRAME for packet in packets)
        assert deframer.buffered <= MAX_FRAME + 1


@pytest.mark.parametrize("size", [0, 65536])
def test_sizes_that_fit_no_frame(size: int) -> None:
    with pytest.raises(ValueError):
        frame(bytes(size))
