"""What agents keep for themselves, in the database of :class:`signaling.store.Store`: quick replies, and links to them.

All methods raise SQLAlchemyError, or OSError, when the database is out of order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from signaling.database import Database
from signaling.desk_tables import links_table, replies_table


@dataclass(frozen=True, slots=True)
class QuickReplies:
    """An agent's own, in order; ``updated`` is seconds since the epoch."""

    replies: tuple[str, ...]
    updated: float


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """Brings whoever opens it straight to ``agent``, until ``expires`` (seconds since the epoch)."""

    id: str
    agent: str
    topic: str
    expires: float


class DeskStore:
    """``Store.desk``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- quick replies -------------------------------------------------------------------------------------------

    async def quick_replies(self, identity: str) -> QuickReplies | None:
        """Those of one agent; None: never changed."""
        statement = replies_table.select().where(replies_table.c.identity == identity)
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else QuickReplies(tuple(json.loads(row.replies)), row.updated)

    async def save_quick_replies(self, identity: str, replies: Sequence[str], updated: float) -> None:
        """Insert or replace."""
        row = {"identity": identity, "updated": updated, "replies": json.dumps(list(replies), ensure_ascii=False)}
        async with self._database.write() as connection:
            await connection.execute(self._database.upsert(replies_table), row)

    async def remove_quick_replies(self, identity: str) -> None:
        """Back to how it was before the first change."""
        async with self._database.write() as connection:
            await connection.execute(replies_table.delete().where(replies_table.c.identity == identity))

    # --- links ---------------------------------------------------------------------------------------------------

    async def link(self, link_id: str) -> LinkRecord | None:
        """One, also one that has expired, or None."""
        async with self._database.read() as connection:
            row = (await connection.execute(links_table.select().where(links_table.c.id == link_id))).one_or_none()
        return None if row is None else LinkRecord(**row._mapping)

    async def save_link(self, record: LinkRecord, now: float, keep: int) -> None:
        """Add one; those that expired before ``now`` go, and of more than ``keep`` of its agent's those that expire first."""
        c = links_table.c
        newest = sa.select(c.id).where(c.agent == record.agent).order_by(c.expires.desc(), c.id).limit(1000).offset(keep)
        async with self._database.write() as connection:
            await connection.execute(links_table.delete().where(c.expires <= now))
            await connection.execute(links_table.insert().values(**asdict(record)))
            found = [row.id for row in await connection.execute(newest)]
            if found:
                await connection.execute(links_table.delete().where(c.id.in_(found)))
