"""How far reviewers agree: Krippendorff's alpha and Cohen's kappa. Pure.

Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011); Cohen, "A coefficient of agreement for nominal scales"
(1960), and weighted kappa (1968). None is given where a coefficient is undefined: with nothing to compare, or when
everybody said the same everywhere, so that no disagreement could be expected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Literal

Metric = Literal["nominal", "ordinal", "interval"]
Weights = Literal["none", "linear", "quadratic"]


def alpha(units: Sequence[Sequence[float | None]], metric: Metric = "interval") -> float | None:
    """Krippendorff's alpha. Each unit holds what each coder said, None where one said nothing."""
    pairable = [[value for value in unit if value is not None] for unit in units]
    pairable = [unit for unit in pairable if len(unit) > 1]
    totals: Counter[float] = Counter(value for unit in pairable for value in unit)
    if len(totals) < 2:
        return None
    distance = _distance(metric, totals)
    observed = 0.0
    for unit in pairable:
        counts = Counter(unit)
        observed += _spread(counts, distance) / (len(unit) - 1)
    number = sum(totals.values())
    expected = _spread(totals, distance) / (number - 1)
    return 1.0 - observed / expected


def _spread(counts: Mapping[float, int], distance: Callable[[float, float], float]) -> float:
    """The sum of distances over all ordered pairs."""
    values = sorted(counts)
    return 2.0 * sum(
        counts[low] * counts[high] * distance(low, high) for n, low in enumerate(values) for high in values[n + 1 :]
    )


def _distance(metric: Metric, totals: Mapping[float, int]) -> Callable[[float, float], float]:
    if metric == "nominal":
        return lambda low, high: float(low != high)
    if metric == "interval":
        return lambda low, high: (low - high) ** 2
    # How many values lie below each, its own counted by half.
    ranks: dict[float, float] = {}
    below = 0.0
    for value in sorted(totals):
        ranks[value] = below + totals[value] / 2
        below += totals[value]
    return lambda low, high: (ranks[low] - ranks[high]) ** 2


def kappa(
    first: Sequence[Hashable | None],
    second: Sequence[Hashable | None],
    weights: Weights = "none",
    order: Sequence[Hashable] | None = None,
) -> float | None:
    """Cohen's kappa of two who judged the same things; None in either leaves that one out.

    ``order`` lists the categories for weights. Raises ValueError when the lengths differ, or a weight has no order.
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    if not pairs:
        return None
    place = {category: n for n, category in enumerate(order or ())}
    if weights != "none" and any(value not in place for pair in pairs for value in pair):
        raise ValueError("weights need the order of all categories")

    def cost(a: Hashable, b: Hashable) -> float:
        if weights == "none":
            return float(a != b)
        return float(abs(place[a] - place[b]) ** (1 if weights == "linear" else 2))

    number = len(pairs)
    left, right = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = sum(cost(a, b) for a, b in pairs) / number
    expected = sum(left[a] * right[b] * cost(a, b) for a in left for b in right) / number**2
    return None if expected == 0 else 1.0 - observed / expected
