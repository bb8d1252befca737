"""What the benchmarks make of their samples: percentiles, pairs of sounds, gaps between frames, bars that hold or not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of the sorted values lie; NaN of none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def pair_sounds(said: Iterable[float], heard: Iterable[float], within_ms: float) -> list[float]:
    """Milliseconds from each sound to its hearing.

    ``said`` and ``heard`` are times in ms of one clock. A sound is heard at most once, at most ``within_ms`` later, and
    before the next one is said; what cannot be paired (said before listening began, or lost) is left out.
    """
    delays = []
    listened = sorted(heard)
    spoken = sorted(said)
    at = 0
    for now, following in pairwise([*spoken, math.inf]):
        while at < len(listened) and listened[at] < now:
            at += 1
        if at < len(listened) and listened[at] < following and listened[at] - now <= within_ms:
            delays.append(listened[at] - now)
            at += 1
    return delays


def longest_gap(times: Sequence[float], start: float, end: float) -> float:
    """The longest wait for a frame between ``start`` and ``end`` (same unit as ``times``, which grow); NaN of none."""
    inside = [time for time in times if start <= time <= end]
    return max((later - earlier for earlier, later in pairwise(inside)), default=math.nan)


@dataclass(slots=True)
class Verdict:
    """Bars that were held against figures; ``missed`` names those that did not hold."""

    missed: list[str] = field(default_factory=list)

    def bar(self, name: str, value: float, limit: float) -> str:
        """Hold ``value`` against ``limit``, which it must not exceed; what to print behind the figure. NaN misses."""
        if value <= limit:
            return f"bar {limit:g}, met"
        self.missed.append(f"{name}: {value:.1f}, bar {limit:g}")
        return f"bar {limit:g}, MISSED"


def line(name: str, values: Sequence[float], unit: str = "ms", *, digits: int = 0, top: bool = True) -> str:
    """One row of a table: name, p50, p95, and with ``top`` the maximum."""
    width = 6 if digits == 0 else 7
    text = f"{name:46} p50 {percentile(values, 0.5):{width}.{digits}f}  p95 {percentile(values, 0.95):{width}.{digits}f}"
    if top:
        text += f"  max {max(values, default=math.nan):{width}.{digits}f}"
    return f"{text} {unit}"
