"""Links that bring whoever opens them straight to the agent who made them."""

from __future__ import annotations

import secrets

from signaling.desk_store import DeskStore, LinkRecord
from signaling.errors import ApiError

LIFETIME_S = 24 * 3600.0
#: Of one agent; of more, the oldest go.
MAX_LINKS = 200


class Links:
    """Kept in the database until they expire; times are seconds since the epoch."""

    def __init__(self, store: DeskStore) -> None:
        self._store = store

    async def make(self, agent: str, topic: str, now: float) -> LinkRecord:
        """A new one, that opens for 24 h to whoever has its name: 96 bits that nobody guesses."""
        record = LinkRecord(secrets.token_urlsafe(12), agent, topic, now + LIFETIME_S)
        await self._store.save_link(record, now, MAX_LINKS)
        return record

    async def open(self, name: str, now: float) -> LinkRecord:
        """Raises ``link_expired``, also for one that never was."""
        link = await self._store.link(name)
        if link is None or link.expires <= now:
            raise ApiError("link_expired")
        return link
