"""Draws recordings for review: at random, stratified, or by signs of risk; and says what the sample stands for. Pure.

The order of a draw depends on the seed and on each recording's id alone, so the same seed draws the same sample from the
same recordings, in whatever order they come, and a recording that is added moves no other.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["random", "stratified", "risk"]
KINDS: tuple[Kind, ...] = ("random", "stratified", "risk")
#: Standard normal quantile of 97.5 %.
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a draw looks at."""

    id: str
    agent: str = ""
    queue: str = ""
    rating: int | None = None
    wait_s: float = 0.0
    escalations: int = 0
    pauses: int = 0
    duration_s: float = 0.0
    solved: str = ""
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RiskRules:
    """Signs of risk; what is None, False or empty is not looked at."""

    rating_at_most: int | None = None
    wait_at_least_s: float | None = None
    long_at_least_s: float | None = None
    escalated: bool = False
    paused: bool = False
    unsolved: bool = False
    flags: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing is looked at."""
        return self == RiskRules()

    def why(self, candidate: Candidate) -> tuple[str, ...]:
        """Which signs this one shows."""
        found: list[str] = []
        if self.rating_at_most is not None and candidate.rating is not None and candidate.rating <= self.rating_at_most:
            found.append("rating")
        if self.wait_at_least_s is not None and candidate.wait_s >= self.wait_at_least_s:
            found.append("wait")
        if self.long_at_least_s is not None and candidate.duration_s >= self.long_at_least_s:
            found.append("long")
        if self.escalated and candidate.escalations:
            found.append("escalated")
        if self.paused and candidate.pauses:
            found.append("paused")
        if self.unsolved and candidate.solved == "no":
            found.append("unsolved")
        return (*found, *(f"flag:{kind}" for kind in self.flags if kind in candidate.flags))


@dataclass(frozen=True, slots=True)
class Drawn:
    """One of the sample."""

    id: str
    stratum: str = ""
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stratum:
    """How many there are, and how many were drawn."""

    key: str
    population: int
    sampled: int


@dataclass(frozen=True, slots=True)
class Sample:
    """In the order of the draw."""

    drawn: tuple[Drawn, ...]
    population: int
    strata: tuple[Stratum, ...] = field(default=())


def draw(
    candidates: Sequence[Candidate],
    kind: Kind,
    size: int,
    seed: str,
    *,
    by: Sequence[Literal["agent", "queue"]] = (),
    rules: RiskRules | None = None,
) -> Sample:
    """At most ``size``. Raises ValueError when ``by`` or ``rules`` do not fit the kind."""
    if size < 1 or (kind == "stratified") != bool(by) or (kind == "risk") != bool(rules is not None and not rules.empty):
        raise ValueError(kind)
    ordered = sorted(candidates, key=lambda candidate: _lot(seed, candidate.id))
    if kind == "stratified":
        return _stratified(ordered, size, seed, by)
    if rules is not None and kind == "risk":
        judged = [(rules.why(candidate), candidate) for candidate in ordered]
        # Stable: among those with as many reasons the seed decides.
        risky = sorted(((why, one) for why, one in judged if why), key=lambda pair: -len(pair[0]))
        return Sample(tuple(Drawn(one.id, "", why) for why, one in risky[:size]), len(risky))
    return Sample(tuple(Drawn(candidate.id) for candidate in ordered[:size]), len(ordered))


def _lot(seed: str, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{name}".encode()).digest()


def _stratified(ordered: Sequence[Candidate], size: int, seed: str, by: Sequence[Literal["agent", "queue"]]) -> Sample:
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in ordered:
        groups[" · ".join(getattr(candidate, name) or "-" for name in by)].append(candidate)
    shares = allocate({key: len(group) for key, group in groups.items()}, size, seed)
    drawn = [Drawn(one.id, key) for key, group in groups.items() for one in group[: shares[key]]]
    drawn.sort(key=lambda one: _lot(seed, one.id))
    strata = tuple(Stratum(key, len(groups[key]), shares[key]) for key in sorted(groups))
    return Sample(tuple(drawn), len(ordered), strata)


def allocate(sizes: Mapping[str, int], total: int, seed: str) -> dict[str, int]:
    """Shares in proportion (largest remainder), but one for every stratum that has any, as long as there is enough for
    all; else the seed decides who gets one. No share is larger than its stratum."""
    total = min(total, sum(sizes.values()))
    keys = sorted((key for key, size in sizes.items() if size), key=lambda key: _lot(seed, key))
    shares = dict.fromkeys(sizes, 0)
    for key in keys[:total]:
        shares[key] = 1
    left = total - sum(shares.values())
    room = {key: sizes[key] - shares[key] for key in keys}
    whole = sum(room.values())
    if left <= 0 or whole == 0:
        return shares
    exact = {key: left * room[key] / whole for key in keys}
    for key in keys:
        shares[key] += int(exact[key])
    rest = total - sum(shares.values())
    order = sorted(keys, key=lambda key: (int(exact[key]) - exact[key], _lot(seed, key)))
    for key in order:
        if rest and shares[key] < sizes[key]:
            shares[key] += 1
            rest -= 1
    return shares


def wilson(passed: int, number: int, z: float = Z95) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson, 1927); (0, 1) for nothing. Raises ValueError for impossible counts."""
    if not 0 <= passed <= number:
        raise ValueError("counts")
    if number == 0:
        return 0.0, 1.0
    share, square = passed / number, z * z
    middle = (share + square / (2 * number)) / (1 + square / number)
    half = z * math.sqrt(share * (1 - share) / number + square / (4 * number * number)) / (1 + square / number)
    # At the ends the interval touches the end exactly; rounding must not take it across.
    return (0.0 if passed == 0 else max(0.0, middle - half)), (1.0 if passed == number else min(1.0, middle + half))


def margin(population: int, sampled: int, z: float = Z95) -> float | None:
    """Half the width of the interval of any share at worst, with the finite population correction; None without one."""
    if sampled < 1 or population < sampled:
        return None
    correction = math.sqrt((population - sampled) / (population - 1)) if population > 1 else 0.0
    return z * math.sqrt(0.25 / sampled) * correction
