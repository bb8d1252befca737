"""The token bucket, in virtual time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.limits import TokenBucket


def test_burst_then_rate() -> None:
    bucket = TokenBucket(rate=10.0, burst=3.0, updated_at=100.0)
    assert [bucket.take(100.0) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.1)]
    assert bucket.take(100.05) == pytest.approx(0.05)
    assert bucket.take(100.11) == 0.0
    assert bucket.take(100.11) > 0


def test_a_clock_that_steps_back_gives_nothing() -> None:
    bucket = TokenBucket(rate=10.0, burst=1.0, updated_at=100.0)
    assert bucket.take(100.0) == 0.0
    assert bucket.take(50.0) > 0.0


@given(st.lists(st.floats(0, 2), max_size=200), st.floats(0.5, 50), st.floats(1, 20))
def test_never_more_than_burst_plus_rate(steps: list[float], rate: float, burst: float) -> None:
    bucket, now, taken = TokenBucket(rate, burst, 0.0), 0.0, 0
    for step in steps:
        now += step
        taken += bucket.take(now) == 0.0
        assert taken <= burst + rate * now + 1e-6
