"""How much one session may do. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """``rate`` tokens a second flow in, up to ``burst``; starts full at ``updated_at`` (seconds, monotonic)."""

    rate: float
    burst: float
    updated_at: float
    level: float = -1.0

    def __post_init__(self) -> None:
        if self.level < 0:
            self.level = self.burst

    def take(self, now: float) -> float:
        """Take one token; returns 0, or the seconds until there is one (and takes none)."""
        self.level = min(self.burst, self.level + max(0.0, now - self.updated_at) * self.rate)
        self.updated_at = now
        if self.level >= 1.0:
            self.level -= 1.0
            return 0.0
        return (1.0 - self.level) / self.rate
