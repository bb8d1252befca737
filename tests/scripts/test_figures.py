"""The arithmetic of the benchmarks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.bench.figures import Verdict, line, longest_gap, pair_sounds, percentile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5.0], 0.5, 5.0), ([3.0, 1.0, 2.0], 0.5, 2.0), ([float(n) for n in range(100)], 0.95, 95.0), ([1.0, 2.0], 1.0, 2.0)],
)
def test_percentile(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_percentile_of_nothing() -> None:
    assert math.isnan(percentile([], 0.5))


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ([0.0, 500.0, 1000.0], [30.0, 540.0, 1050.0], [30.0, 40.0, 50.0]),
        # The second was lost; the third one's hearing is not taken for it.
        ([0.0, 500.0, 1000.0], [30.0, 1050.0], [30.0, 50.0]),
        # Listening began late, or went on longer than talking.
        ([0.0, 500.0], [540.0, 2000.0], [40.0]),
        # Heard before anything was said: the end of something earlier.
        ([100.0], [20.0, 130.0], [30.0]),
        # An echo of the same sound counts once.
        ([0.0, 500.0], [30.0, 60.0, 530.0], [30.0, 30.0]),
        ([0.0], [401.0], []),
        ([], [1.0], []),
        ([1.0], [], []),
    ],
)
def test_pairs(said: list[float], heard: list[float], expected: list[float]) -> None:
    assert pair_sounds(said, heard, 400.0) == expected


@given(st.lists(st.floats(0, 1e6), max_size=30), st.lists(st.floats(0, 1e6), max_size=30))
def test_pairs_are_never_longer_than_allowed(said: list[float], heard: list[float]) -> None:
    delays = pair_sounds(said, heard, 400.0)
    assert len(delays) <= min(len(said), len(heard))
    assert all(0 <= delay <= 400.0 for delay in delays)


def test_the_longest_gap_is_looked_for_inside() -> None:
    times = [0.0, 500.0, 533.0, 566.0, 700.0, 733.0, 2000.0]
    assert longest_gap(times, 500.0, 733.0) == 134.0
    assert longest_gap(times, 0.0, 3000.0) == 1267.0
    assert math.isnan(longest_gap(times, 510.0, 540.0))


def test_a_bar_may_be_touched_but_not_passed() -> None:
    verdict = Verdict()
    assert verdict.bar("first", 600.0, 600.0).endswith("met")
    assert not verdict.missed
    assert verdict.bar("second", 600.1, 600.0).endswith("MISSED")
    assert verdict.bar("third", math.nan, 600.0).endswith("MISSED")
    assert [text.split(":")[0] for text in verdict.missed] == ["second", "third"]


def test_a_row_names_its_figures() -> None:
    assert line("delay", [1.0, 2.0, 9.0]).split() == ["delay", "p50", "2", "p95", "9", "max", "9", "ms"]
    assert line("delay", [1.0], digits=1, top=False).split() == ["delay", "p50", "1.0", "p95", "1.0", "ms"]
