"""Who is let into a queue: the working hours, and the limits of a spike. Pure.

Nobody is made to wait for what cannot happen. A queue is full when so many wait as its settings allow, or when even the
lucky one of ten who asks now would wait for longer than the queue lets anybody wait; then a callback is offered instead.
An open queue without agents lets people in: somebody may sit down, and who is not helped in time is offered a callback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from signaling import help_queue, hours
from signaling.errors import ApiError
from signaling.estimate import Range

MIN_RETRY_S = 30.0
MAX_RETRY_S = 600.0


class Spec(help_queue.Spec, hours.HasHours, Protocol):
    """Of :class:`signaling.help_model.QueueSpec`, what counts here."""

    @property
    def max_waiting(self) -> int:
        """How many may wait at once."""


@dataclass(frozen=True, slots=True)
class Admission:
    """``opens_at``: seconds since 1970, None while open and when it will not be for more than a year."""

    open: bool
    opens_at: float | None
    full: bool
    retry_after_s: float | None

    def check(self) -> None:
        """Raise ApiError ``queue_closed`` (with ``opens_at``, ms since the epoch or None) or ``queue_full``."""
        if not self.open:
            opens_at = None if self.opens_at is None else round(self.opens_at * 1000)
            raise ApiError("queue_closed", retry_after_s=self.retry_after_s, opens_at=opens_at)
        if self.full:
            raise ApiError("queue_full", retry_after_s=self.retry_after_s)


def admission(spec: Spec, waiting: int, estimate: Range | None, wall_s: float) -> Admission:
    """Whether one more may wait; ``estimate`` is what a newcomer would be told, ``wall_s`` seconds since 1970."""
    if not hours.is_open(spec, wall_s):
        opens_at = hours.opens_at(spec, wall_s)
        return Admission(False, opens_at, False, None if opens_at is None else opens_at - wall_s)
    if waiting < spec.max_waiting and (estimate is None or estimate.low_s < spec.max_wait_s):
        return Admission(True, None, False, None)
    retry = MIN_RETRY_S if estimate is None else min(max(estimate.low_s / 4, MIN_RETRY_S), MAX_RETRY_S)
    return Admission(True, None, True, retry)
