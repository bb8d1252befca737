"""The audit of who listened to what, in the database: lines are added and read, never changed (:mod:`recorder.review.audit`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from recorder.review.audit import GENESIS, Chain, Entry, Fault, follow
from signaling import review_tables as t
from signaling.database import Database

PAGE = 1000
_c = t.audit_table.c


class AuditStore:
    """``Store.audit``. ``clock`` gives seconds since the epoch."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def add(self, actor: str, name: str, action: str, recording: str = "", **detail: Any) -> Entry:
        """Write down what somebody did; it is there when this returns."""
        head = t.audit_head_table
        # Alone: two that follow the same line would break the chain.
        async with self._database.alone() as connection:
            last = (await connection.execute(head.select().where(head.c.id == 1))).one_or_none()
            number, previous = (0, GENESIS) if last is None else (last.number, last.hash)
            # As it will be read: the database leaves out what it cannot keep.
            actor, name, recording = map(_plain, (actor, name, recording))
            told: Mapping[str, Any] = {key: _plain(v) if isinstance(v, str) else v for key, v in detail.items()}
            line = follow(
                number + 1,
                previous,
                at=self._clock(),
                actor=actor,
                name=name,
                action=action,
                recording=recording,
                detail=told,
            )
            await connection.execute(t.audit_table.insert(), {f: getattr(line, f) for f in Entry.__dataclass_fields__})
            await connection.execute(self._database.upsert(head), {"id": 1, "number": line.number, "hash": line.hash})
        return line

    async def entries(
        self,
        *,
        actor: str | None = None,
        action: str | None = None,
        recording: str | None = None,
        since: float | None = None,
        until: float | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Entry]:
        """The newest first; the next page is ``before`` the number of the last."""
        statement = t.audit_table.select().order_by(_c.number.desc()).limit(min(limit, PAGE))
        for column, wanted in ((_c.actor, actor), (_c.action, action), (_c.recording, recording)):
            if wanted is not None:
                statement = statement.where(column == wanted)
        if since is not None:
            statement = statement.where(_c.at >= since)
        if until is not None:
            statement = statement.where(_c.at < until)
        if before is not None:
            statement = statement.where(_c.number < before)
        async with self._database.read() as connection:
            return [_entry(row) for row in await connection.execute(statement)]

    async def head(self) -> tuple[int, str]:
        """How many lines there should be, and the hash of the last: worth writing down elsewhere."""
        async with self._database.read() as connection:
            last = (await connection.execute(t.audit_head_table.select())).one_or_none()
        return (0, GENESIS) if last is None else (last.number, last.hash)

    async def has(self, line: str) -> bool:
        """Whether a line has this hash."""
        async with self._database.read() as connection:
            return (await connection.execute(sa.select(_c.number).where(_c.hash == line))).first() is not None

    async def verify(self) -> tuple[int, str, tuple[Fault, ...]]:
        """Read all of it: how many lines, the last hash, and what is wrong."""
        chain, after = Chain(), -(2**62)
        number, head = await self.head()
        while True:
            statement = t.audit_table.select().where(_c.number > after).order_by(_c.number).limit(PAGE)
            async with self._database.read() as connection:
                rows = list(await connection.execute(statement))
            if not rows:
                break
            # What was added meanwhile is of no concern.
            chain.feed(_entry(row) for row in rows if row.number <= number or head == GENESIS)
            after = rows[-1].number
        extra = await self._beyond(number, head)
        return chain.number, chain.hash, (*chain.close(number, head), *extra)

    async def _beyond(self, number: int, head: str) -> tuple[Fault, ...]:
        """Lines after the end that the head still does not know of."""
        now, _ = await self.head()
        async with self._database.read() as connection:
            last = (await connection.execute(sa.select(sa.func.max(_c.number)))).scalar()
        return (Fault(now + 1, "inserted"),) if last is not None and last > now and head != GENESIS else ()


def _plain(value: str) -> str:
    return "".join(char for char in value if char != "\x00" and not 0xD800 <= ord(char) <= 0xDFFF)


def _entry(row: Any) -> Entry:
    return Entry(**{name: getattr(row, name) for name in Entry.__dataclass_fields__})
