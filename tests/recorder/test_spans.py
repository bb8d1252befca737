"""Spans: runs become them, and they are joined, cut and laid over each other."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from recorder.spans import Runs, Span, merged, overlap, total, without


def spans_of(pattern: str, **options: float) -> list[Span]:
    """Each letter is a second; ``x`` holds."""
    runs = Runs(**{"shortest_s": 1.0, "bridge_s": 0.0, "hold_s": 1.0, **options})
    for second, letter in enumerate(pattern):
        runs.feed(float(second), letter == "x")
    return [(start, end) for start, end, _ in runs.close(float(len(pattern)))]


def test_runs() -> None:
    assert spans_of("..xxx..") == [(2.0, 5.0)]
    assert spans_of("xx.xx") == [(0.0, 2.0), (3.0, 5.0)]
    assert spans_of("xx.xx", bridge_s=1.0) == [(0.0, 5.0)]
    assert spans_of("x.xx", shortest_s=2.0) == [(2.0, 4.0)]
    assert spans_of("....") == []
    assert spans_of("") == []


def test_nothing_is_said_of_time_without_samples() -> None:
    runs = Runs(shortest_s=0.5, bridge_s=0.5, hold_s=1.0)
    for t in (0.0, 1.0, 2.0, 30.0, 31.0):
        runs.feed(t, True, t)
    assert runs.close(31.5) == [(0.0, 3.0, 1.0), (30.0, 31.5, 30.5)]


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (float(min(pair)), float(max(pair)))))


def seconds(spans: list[Span]) -> set[int]:
    return {second for start, end in spans for second in range(int(start), int(end))}


@given(SPANS, SPANS)
def test_sets_of_time(one: list[Span], other: list[Span]) -> None:
    a, b = merged(one), merged(other)
    assert seconds(a) == seconds(one)
    assert all(first[1] < second[0] for first, second in itertools.pairwise(a))
    assert seconds(overlap(a, b)) == seconds(one) & seconds(other)
    assert seconds(without(a, b)) == seconds(one) - seconds(other)
    assert total(a) == len(seconds(one))
