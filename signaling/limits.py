"""How much one session, or one person, may do. Pure: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass, field


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


@dataclass(slots=True)
class Limiter:
    """One bucket for each of many people; of too many the one longest unheard is forgotten."""

    rate: float
    burst: float
    most: int = 10_000
    buckets: dict[str, TokenBucket] = field(default_factory=dict)

    def wait(self, identity: str, now: float) -> float:
        """As :meth:`TokenBucket.take`."""
        bucket = self.buckets.pop(identity, None) or TokenBucket(self.rate, self.burst, now)
        self.buckets[identity] = bucket
        if len(self.buckets) > self.most:
            del self.buckets[next(iter(self.buckets))]
        return bucket.take(now)
