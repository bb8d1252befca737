"""How long somebody will wait: an honest range, or nothing. Pure.

What is measured is the *handle time*: for how long a call keeps an agent from the next one, from the ring to the end of
the wrap-up. With ``n`` agents on and a mean handle time ``m`` somebody becomes free each ``m / n`` seconds, so who is
``k``-th in line waits ``k * m / n`` on average. How far that can be off, as a share of it squared, is the sum of three::

    c / k        chance: c is 1 for lengths as random as they get (between 0.5 and 4, from the variance measured)
    c / samples  the mean is only known from so many calls (the last 100, none older than 6 h)
    0.04         people come before others, give up, take breaks: a fifth of the wait, however much is known

A gamma distribution with that mean and spread says between which two times 8 of 10 waits end. The lower one is for the
case that so many of those ahead give up as lately, the upper one for that of nobody giving up, and of people with a
greater head start coming as they do now. Bounds are rounded away
from each other, so a promise is not broken by its rounding. Nothing is known without a call handled or an agent on.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

SAMPLES = 100
MAX_AGE_S = 6 * 3600.0
MAX_HANDLE_S = 4 * 3600.0
UNKNOWABLE = 0.04
MIN_SPREAD, MAX_SPREAD = 0.5, 4.0
#: One of the two bounds is missed on each side by 1 of 10: the normal distribution's quantile.
Z = 1.2816


class Range(NamedTuple):
    """Seconds, from and to."""

    low_s: int
    high_s: int

    def to_wire(self) -> dict[str, Any]:
        """``estimate`` in PROTOCOL.md."""
        return {"low_s": self.low_s, "high_s": self.high_s}


class Moments(NamedTuple):
    """Handle times added up: how many, their sum in s, the sum of their squares."""

    samples: int = 0
    total: float = 0.0
    squares: float = 0.0

    @property
    def mean_s(self) -> float:
        """The mean handle time; 0 when nothing is known."""
        return self.total / self.samples if self.samples else 0.0

    @property
    def spread(self) -> float:
        """Variance over the mean squared, bounded; 1 as long as there is too little to tell."""
        if self.samples < 5 or not self.total:
            return 1.0
        variance = max(0.0, self.squares / self.samples - self.mean_s**2)
        # Agents are busy side by side: the fewer each one has ahead, the more their ends look random.
        return min(max((1.0 + variance / self.mean_s**2) / 2, MIN_SPREAD), MAX_SPREAD)


def merged(parts: Iterable[Moments]) -> Moments:
    """Of all together: of several queues that the same agents serve."""
    count, total, squares = 0, 0.0, 0.0
    for part in parts:
        count, total, squares = count + part.samples, total + part.total, squares + part.squares
    return Moments(count, total, squares)


class Estimator:
    """Recent handle times of one queue; memory is bounded."""

    __slots__ = ("_recent",)

    def __init__(self) -> None:
        self._recent: deque[tuple[float, float]] = deque(maxlen=SAMPLES)

    def handled(self, seconds: float, now: float) -> None:
        """A call kept an agent for so long, ring and wrap-up included; what is no duration is ignored."""
        if 0 < seconds < math.inf:
            self._recent.append((now, min(seconds, MAX_HANDLE_S)))

    def moments(self, now: float) -> Moments:
        """Of what is recent at ``now``."""
        while self._recent and self._recent[0][0] + MAX_AGE_S < now:
            self._recent.popleft()
        times = [seconds for _, seconds in self._recent]
        return Moments(len(times), sum(times), sum(seconds * seconds for seconds in times))


def wait_range(
    position: float, agents: int, moments: Moments, *, given_up: float = 0.0, overtaking: float = 0.0
) -> Range | None:
    """How long who is at ``position`` (1: next) will wait with so many agents on, all of them busy.

    ``given_up``: the share (0 to 1) of those ahead who leave by themselves; ``overtaking``: how many will come before.
    """
    if agents <= 0 or not moments.samples:
        return None
    position = max(position, 1.0)
    fewest, most = 1 + (position - 1) * (1 - given_up), position + overtaking
    return Range(_down(_quantile(fewest, agents, moments, -Z)), _up(_quantile(most, agents, moments, Z)))


def soon(ring_s: float) -> Range:
    """While somebody is free or being rung: now, or by the one who is rung next, as not everybody answers."""
    return Range(0, _up(2 * ring_s))


def _quantile(position: float, agents: int, moments: Moments, z: float) -> float:
    """Of the gamma distribution with that mean and spread (Wilson and Hilferty, 1931)."""
    mean = position * moments.mean_s / agents
    third = (moments.spread / position + moments.spread / moments.samples + UNKNOWABLE) / 9
    return mean * max(0.0, 1 - third + z * math.sqrt(third)) ** 3


def _step(seconds: float) -> int:
    return 10 if seconds <= 60 else 30 if seconds <= 600 else 60


def _down(seconds: float) -> int:
    step = _step(seconds)
    return math.floor(seconds / step) * step


def _up(seconds: float) -> int:
    step = _step(seconds)
    return max(1, math.ceil(seconds / step)) * step
