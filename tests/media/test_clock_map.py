from __future__ import annotations

import random

import pytest

from media import clock_map, rtcp
from media.clock_map import ClockMap

UNIX = 1_700_000_000.0
RTP_STARTS = (0, 2**31 - 1, 2**32 - 1, 2**32 - 90_000)


def report(clock: ClockMap, rate: int, at: float, now: float, base: int = 0, error_s: float = 0.0) -> bool:
    """A report sampled ``at`` seconds into the stream, arriving at ``now``."""
    timestamp = (base + int((at + error_s) * rate)) & 0xFFFFFFFF
    return clock.sender_report(rtcp.ntp_from_unix(UNIX + at), timestamp, now)


def offset_s(clock: ClockMap, rate: int, now: float, base: int = 0) -> float:
    """How far the mapping is off: RTP time against NTP time, in seconds."""
    mapping = clock.ntp_at(now)
    assert mapping is not None
    ntp, timestamp = mapping
    expected = base + (rtcp.unix_from_ntp(ntp) - UNIX) * rate
    return ((timestamp - expected + 2**31) % 2**32 - 2**31) / rate


@pytest.mark.parametrize("base", RTP_STARTS)
@pytest.mark.parametrize("rate", [8000, 48_000, 90_000])
def test_extrapolates(base: int, rate: int) -> None:
    clock = ClockMap(rate)
    assert clock.ntp_at(5.0) is None
    assert report(clock, rate, 10.0, 100.0, base)
    for now in (99.5, 100.0, 101.5, 130.0):
        mapping = clock.ntp_at(now)
        assert mapping is not None
        assert rtcp.unix_from_ntp(mapping[0]) == pytest.approx(UNIX + 10 + now - 100, abs=1e-5)
        assert offset_s(clock, rate, now, base) == pytest.approx(0, abs=2 / rate)


@pytest.mark.parametrize("base", RTP_STARTS)
def test_network_jitter_does_not_touch_the_pair(base: int) -> None:
    rng = random.Random(1)
    clock = ClockMap(90_000)
    for second in range(300):
        assert report(clock, 90_000, second, 50 + second + rng.random() * 0.4, base)
        assert offset_s(clock, 90_000, 51 + second, base) == pytest.approx(0, abs=0.0001)
    assert clock.rejected == 0


def test_follows_a_drifting_clock() -> None:
    clock = ClockMap(48_000)
    for second in range(0, 3600, 5):
        # 200 ppm: 0.72 s in an hour, far more than one step may differ.
        assert report(clock, 48_000, second, second, error_s=second * 200e-6)
    assert offset_s(clock, 48_000, 3595.0) == pytest.approx(0.719, abs=0.001)


@pytest.mark.parametrize("error_s", [0.5, -0.5, 30.0, -30.0, 20_000.0])
def test_one_wrong_report_is_ignored(error_s: float) -> None:
    clock = ClockMap(90_000)
    assert report(clock, 90_000, 1, 1)
    assert not report(clock, 90_000, 2, 2, error_s=error_s)
    assert clock.rejected == 1
    assert offset_s(clock, 90_000, 2.5) == pytest.approx(0, abs=0.0001)
    assert report(clock, 90_000, 3, 3)
    # The next wrong one is as alone as the first.
    assert not report(clock, 90_000, 4, 4, error_s=-2 * error_s)
    assert offset_s(clock, 90_000, 4.5) == pytest.approx(0, abs=0.0001)


@pytest.mark.parametrize("error_s", [0.5, -30.0, 20_000.0])
def test_a_confirmed_change_is_taken(error_s: float) -> None:
    clock = ClockMap(90_000)
    assert report(clock, 90_000, 1, 1)
    assert not report(clock, 90_000, 2, 2, error_s=error_s)
    assert report(clock, 90_000, 3, 3, error_s=error_s)
    assert offset_s(clock, 90_000, 3.5) == pytest.approx(error_s, abs=0.0001)


def test_random_reports_change_nothing() -> None:
    rng = random.Random(2)
    clock = ClockMap(90_000)
    assert report(clock, 90_000, 1, 1)
    for second in range(2, 40):
        assert not report(clock, 90_000, second, second, error_s=rng.choice((-1, 1)) * (5 + second * second))
    assert offset_s(clock, 90_000, 41.0) == pytest.approx(0, abs=0.0001)


def test_late_and_repeated_reports_are_ignored() -> None:
    clock = ClockMap(90_000)
    assert report(clock, 90_000, 10, 10)
    before = clock.ntp_at(11.0)
    assert not report(clock, 90_000, 10, 11)
    assert not report(clock, 90_000, 9, 11)
    assert not report(clock, 90_000, 8, 11, error_s=7)
    assert clock.ntp_at(11.0) == before
    assert clock.rejected == 0


def test_a_clock_that_was_set_back_is_taken_when_confirmed() -> None:
    clock = ClockMap(90_000)
    assert report(clock, 90_000, 1000, 1000)
    assert not report(clock, 90_000, 400, 1001, error_s=601)
    assert report(clock, 90_000, 401, 1002, error_s=601)
    assert offset_s(clock, 90_000, 1002.0) == pytest.approx(601, abs=0.0001)


def test_a_sender_without_a_clock() -> None:
    clock = ClockMap(90_000)
    assert not clock.sender_report(0, 1234, 1.0)
    assert clock.ntp_at(1.0) is None


@pytest.mark.parametrize(
    ("error_s", "taken"),
    [(clock_map.TOLERANCE_S - 0.01, True), (clock_map.TOLERANCE_S + 0.01, False)],
)
def test_tolerance(error_s: float, taken: bool) -> None:
    for sign in (-1, 1):
        clock = ClockMap(48_000)
        assert report(clock, 48_000, 1, 1)
        assert report(clock, 48_000, 2, 2, error_s=sign * error_s) is taken


def test_ntp_wraps_in_2036() -> None:
    clock = ClockMap(90_000)
    assert clock.sender_report(2**64 - 2**32, 5, 1.0)
    assert clock.ntp_at(3.0) == (2**32, 180_005)
