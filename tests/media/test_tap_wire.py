"""The framing towards the recorder: whatever is written is read, however it is cut, and junk ends it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import tap_wire
from media.tap_wire import FrameReader, WireError

frames = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2**32 - 1), st.binary(max_size=40)), max_size=8)


@given(frames=frames, step=st.integers(1, 50))
def test_frames_survive_any_cut(frames: list[tuple[int, int, bytes]], step: int) -> None:
    data = tap_wire.hello() + b"".join(tap_wire.frame(*one) for one in frames)
    reader = FrameReader()
    got = [frame for at in range(0, len(data), step) for frame in reader.feed(data[at : at + step])]
    assert got == frames and not reader.pending


@pytest.mark.parametrize(
    "data",
    [
        tap_wire.frame(tap_wire.STATE, 1, b"{}"),
        tap_wire.hello() + tap_wire.hello(),
        tap_wire.frame(tap_wire.HELLO, 0, b"LMTAP9"),
        tap_wire.hello() + tap_wire.frame(9, 1, b""),
        tap_wire.hello() + bytes(9),
        tap_wire.hello() + b"\xff" * 9,
    ],
)
def test_what_no_worker_writes_ends_it(data: bytes) -> None:
    with pytest.raises(WireError):
        FrameReader().feed(data)


@given(st.binary(max_size=200))
def test_junk_raises_nothing_else(data: bytes) -> None:
    for read in (FrameReader().feed, tap_wire.read_packets, tap_wire.read_report, tap_wire.read_json):
        try:
            read(data)
        except WireError:
            continue


def test_bodies_survive() -> None:
    packets = [b"", b"a" * 1200, b"b"]
    assert tap_wire.read_packets(tap_wire.packets_body(1.5, packets)) == (1.5, packets)
    assert tap_wire.read_report(tap_wire.report_body(tap_wire.Report(2.5, 7, 8, 0.5))) == (2.5, 7, 8, 0.5)
    assert tap_wire.read_json(tap_wire.gap_body("overflow", 1.0, 2.0, 3))["packets"] == 3
