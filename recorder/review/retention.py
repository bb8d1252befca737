"""How long recordings are kept. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DAY_S = 86400.0
Verdict = Literal["erase", "keep", "held", "appealed", "not_over"]


@dataclass(frozen=True, slots=True)
class Retention:
    """Days by kind."""

    calls_days: float = 90.0
    stage_days: float = 30.0

    def expires(self, kind: Literal["call", "stage"], created: float, duration_s: float) -> float:
        """When a recording may go: counted from its end. Seconds since the epoch."""
        days = self.calls_days if kind == "call" else self.stage_days
        return created + duration_s + days * DAY_S


def verdict(*, expires: float | None, now: float, state: str, hold: bool, appealed: bool) -> Verdict:
    """What retention does about a recording: a legal hold and an open appeal keep it beyond its time."""
    if expires is None or now < expires:
        return "keep"
    if hold:
        return "held"
    if appealed:
        return "appealed"
    return "erase" if state in ("ready", "failed", "closed") else "not_over"
