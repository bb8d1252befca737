"""Labelled spans of time, and how runs of yes and no become them. Pure.

Times are seconds of the recording. A span is half open: [start, end).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a reviewer should look at. ``level`` is the measure's own unit: see who made it."""

    kind: str
    start: float
    end: float
    identity: str = ""
    level: float | None = None
    track: str = ""


class Runs:
    """Turns samples of a condition into spans: those of at least ``shortest_s``, over interruptions up to ``bridge_s``.

    A sample holds until the next one. Nothing is said of the time between two samples more than ``hold_s`` apart.
    """

    __slots__ = ("_begun", "_held", "_last", "_level", "_levels", "_seen", "bridge_s", "hold_s", "shortest_s", "spans")

    def __init__(self, *, shortest_s: float = 1.0, bridge_s: float = 0.5, hold_s: float = 2.0) -> None:
        self.shortest_s = shortest_s
        self.bridge_s = bridge_s
        self.hold_s = hold_s
        #: (start, end, mean level) of the spans so far.
        self.spans: list[tuple[float, float, float]] = []
        self._begun: float | None = None
        self._last = 0.0
        self._seen = 0.0
        self._held = False
        self._level = 0.0
        self._levels = 0

    def feed(self, t: float, holds: bool, level: float = 0.0) -> None:
        """One sample; ``t`` never goes back."""
        self._until(t)
        if self._begun is not None and t - self._last > self.bridge_s:
            self._end()
        self._seen, self._held = t, holds
        if holds:
            if self._begun is None:
                self._begun, self._level, self._levels = t, 0.0, 0
            self._last = t
            self._level += level
            self._levels += 1

    def close(self, t: float) -> list[tuple[float, float, float]]:
        """There is nothing after ``t``."""
        self._until(t)
        self._end()
        return self.spans

    def _until(self, t: float) -> None:
        """What was true last is true until now, or until nobody knows any more."""
        if self._held:
            self._last = min(t, self._seen + self.hold_s)

    def _end(self) -> None:
        if self._begun is not None and self._last - self._begun >= self.shortest_s:
            self.spans.append((self._begun, self._last, self._level / max(1, self._levels)))
        self._begun = None


def merged(spans: Iterable[Span], bridge_s: float = 0.0) -> list[Span]:
    """The same time in as few spans as possible, in order; gaps up to ``bridge_s`` are closed."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1] + bridge_s:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        elif end > start:
            result.append((start, end))
    return result


def overlap(a: Sequence[Span], b: Sequence[Span]) -> list[Span]:
    """The time that is in both. Both are as :func:`merged` makes them."""
    result: list[Span] = []
    i = j = 0
    while i < len(a) and j < len(b):
        start, end = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if start < end:
            result.append((start, end))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return result


def without(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    """``spans`` less ``holes``. Both are as :func:`merged` makes them."""
    result: list[Span] = []
    for start, end in spans:
        at = start
        for low, high in holes:
            if high <= at or low >= end:
                continue
            if low > at:
                result.append((at, low))
            at = max(at, high)
        if at < end:
            result.append((at, end))
    return result


def total(spans: Iterable[Span]) -> float:
    """Seconds altogether."""
    return sum(end - start for start, end in spans)
