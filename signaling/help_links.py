"""Links that bring whoever opens them straight to the agent who made them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from signaling.errors import ApiError

LIFETIME_S = 24 * 3600.0
MAX_LINKS = 10_000


@dataclass(frozen=True, slots=True)
class Link:
    """``expires`` is seconds since the epoch."""

    agent: str
    topic: str
    expires: float


class Links:
    """Known to this process only; times are seconds since the epoch. Of too many, the oldest go."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    def make(self, agent: str, topic: str, now: float) -> tuple[str, Link]:
        """A new one, and the name that opens it for 24 h: 96 bits that nobody guesses."""
        for name in [name for name, link in self._links.items() if link.expires <= now]:
            del self._links[name]
        while len(self._links) >= MAX_LINKS:
            del self._links[next(iter(self._links))]
        name, link = secrets.token_urlsafe(12), Link(agent, topic, now + LIFETIME_S)
        self._links[name] = link
        return name, link

    def open(self, name: str, now: float) -> Link:
        """Raises ``link_expired``, also for one that never was."""
        link = self._links.get(name)
        if link is None or link.expires <= now:
            raise ApiError("link_expired")
        return link
