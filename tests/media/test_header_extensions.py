from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import header_extensions as hx


def test_every_extension_has_a_name_and_an_id() -> None:
    assert set(hx.NAMES) == set(hx.CANONICAL)
    assert len(set(hx.CANONICAL.values())) == len(hx.CANONICAL)
    # The one-byte form has room for ids 1 to 14.
    assert all(0 < ext_id < 15 for ext_id in hx.CANONICAL.values())
    for listed in (hx.PUBLISH_AUDIO, hx.PUBLISH_VIDEO, hx.VIEW_AUDIO, hx.VIEW_VIDEO):
        assert set(listed) <= set(hx.CANONICAL)
        assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"\x00", (0, False)), (b"\x80", (0, True)), (b"\xff", (127, True)), (b"\x2a", (42, False)), (b"", (127, False))],
)
def test_audio_level(value: bytes, expected: tuple[int, bool]) -> None:
    assert hx.parse_audio_level(value) == expected
    if value:
        assert hx.build_audio_level(*expected) == value


@pytest.mark.parametrize(("level", "written"), [(-3, 0), (200, 127)])
def test_audio_level_is_clamped(level: int, written: int) -> None:
    assert hx.build_audio_level(level, False) == bytes((written,))


@given(st.floats(0, 1e7))
def test_abs_send_time(now: float) -> None:
    value = hx.build_abs_send_time(now)
    back = hx.parse_abs_send_time(value)
    assert len(value) == 3
    assert back is not None
    assert (now - back + 1) % 64 == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("limits", "value", "back"),
    [
        ((0, 0), "000000", (0, 0)),
        ((20, 2000), "0020c8", (20, 2000)),
        ((1, 1), "001001", (10, 10)),
        ((40950, 40950), "ffffff", (40950, 40950)),
        ((50000, 60000), "ffffff", (40950, 40950)),
        ((100, 50), "00a00a", (100, 100)),
        ((-5, -5), "000000", (0, 0)),
    ],
)
def test_playout_delay(limits: tuple[int, int], value: str, back: tuple[int, int]) -> None:
    assert hx.build_playout_delay(*limits).hex() == value
    assert hx.parse_playout_delay(bytes.fromhex(value)) == back


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("back", [False, True])
def test_video_orientation(degrees: int, mirrored: bool, back: bool) -> None:
    assert hx.parse_video_orientation(hx.build_video_orientation(degrees, mirrored, back)) == (degrees, mirrored, back)


@pytest.mark.parametrize(("ntp", "offset"), [(0, None), (2**64 - 1, None), (1 << 40, 0), (5, -(2**40)), (5, 2**40)])
def test_abs_capture_time(ntp: int, offset: int | None) -> None:
    assert hx.parse_abs_capture_time(hx.build_abs_capture_time(ntp, offset)) == (ntp, offset)


@pytest.mark.parametrize(
    ("parse", "value"),
    [
        (hx.parse_abs_send_time, b""),
        (hx.parse_abs_send_time, b"1234"),
        (hx.parse_playout_delay, b""),
        (hx.parse_playout_delay, bytes.fromhex("00a009")),
        (hx.parse_video_orientation, b""),
        (hx.parse_video_orientation, b"12"),
        (hx.parse_abs_capture_time, b"1234567"),
        (hx.parse_abs_capture_time, b"123456789"),
    ],
)
def test_malformed_values(parse: Callable[[bytes], object], value: bytes) -> None:
    assert parse(value) is None
