"""What reviewers write about recordings, what they have heard, and the searches that they keep, in the database."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from recorder.review.audit import merge
from signaling import review_tables as t
from signaling.database import Database

MAX_COMMENTS = 1000
MAX_SEARCHES = 100
AGENT_SIDES = ("agent", "host")


@dataclass(frozen=True, slots=True)
class CommentRecord:
    """``start`` and ``end`` (None: a moment) are seconds of the recording; ``parent``: what it answers, or empty."""

    id: str
    recording: str
    author: str
    author_name: str
    at: float
    start: float
    text: str
    end: float | None = None
    shared: bool = False
    parent: str = ""
    edited: float | None = None


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """A saved search; ``query`` is what stands in the address of the list."""

    id: str
    owner: str
    name: str
    query: str
    shared: bool
    at: float


class NoteStore:
    """``Store.notes``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def comments(self, recording: str) -> list[CommentRecord]:
        """In the order in which they were written."""
        c = t.comments_table.c
        statement = t.comments_table.select().where(c.recording == recording).order_by(c.number).limit(MAX_COMMENTS)
        return [_comment(row) for row in await self._all(statement)]

    async def comment(self, recording: str, comment: str) -> CommentRecord | None:
        """One, or None."""
        c = t.comments_table.c
        rows = await self._all(t.comments_table.select().where(c.id == comment, c.recording == recording))
        return _comment(rows[0]) if rows else None

    async def save_comment(self, record: CommentRecord) -> None:
        """Insert, or change its text, and whether it and its answers are shared."""
        c = t.comments_table.c
        insert = self._database.insert(t.comments_table)
        new = {name: insert.excluded[name] for name in ("text", "shared", "edited")}
        async with self._database.write() as connection:
            await connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=new), asdict(record))
            answers = t.comments_table.update().where(c.parent == record.id)
            await connection.execute(answers.values(shared=record.shared))
            await share(connection, self._database, record.recording)

    async def remove_comment(self, recording: str, comment: str) -> None:
        """It and its answers."""
        c = t.comments_table.c
        async with self._database.write() as connection:
            which = sa.or_(c.id == comment, c.parent == comment)
            await connection.execute(t.comments_table.delete().where(c.recording == recording, which))
            await share(connection, self._database, recording)

    async def is_shared(self, recording: str, identity: str) -> bool:
        """Whether this agent may see the recording."""
        c = t.shares_table.c
        return bool(await self._all(sa.select(c.identity).where(c.recording == recording, c.identity == identity)))

    # --- heard ---------------------------------------------------------------------------------------------------

    async def add_heard(
        self, recording: str, identity: str, spans: Iterable[tuple[float, float]], at: float
    ) -> tuple[tuple[float, float], ...]:
        """Add to what somebody has heard; all of it."""
        c = t.heard_table.c
        async with self._database.alone() as connection:
            which = t.heard_table.select().where(c.recording == recording, c.identity == identity)
            row = (await connection.execute(which)).one_or_none()
            former = [] if row is None else [tuple(span) for span in json.loads(row.spans)]
            whole = merge([*former, *spans], 0.25)
            values = {"recording": recording, "identity": identity, "spans": json.dumps(whole), "at": at}
            seconds = sum(end - start for start, end in whole)
            await connection.execute(self._database.upsert(t.heard_table), {**values, "seconds": seconds})
        return whole

    async def heard(self, recording: str) -> list[tuple[str, float, list[list[float]]]]:
        """Identity, seconds and spans of everybody who listened, the most first."""
        c = t.heard_table.c
        statement = t.heard_table.select().where(c.recording == recording).order_by(c.seconds.desc(), c.identity)
        return [(row.identity, row.seconds, json.loads(row.spans)) for row in await self._all(statement)]

    # --- searches ------------------------------------------------------------------------------------------------

    async def searches(self, owner: str) -> list[SearchRecord]:
        """One's own, and those that somebody shared, by name."""
        c = t.searches_table.c
        statement = t.searches_table.select().where(sa.or_(c.owner == owner, c.shared.is_(True)))
        rows = await self._all(statement.order_by(c.name, c.id).limit(2 * MAX_SEARCHES))
        return [SearchRecord(**row._mapping) for row in rows]

    async def save_search(self, record: SearchRecord) -> bool:
        """Insert or replace. False: the id is somebody else's, or there are 100 already."""
        c = t.searches_table.c
        async with self._database.alone() as connection:
            former = (await connection.execute(sa.select(c.owner).where(c.id == record.id))).scalar_one_or_none()
            many = sa.select(sa.func.count()).where(c.owner == record.owner)
            if former not in (None, record.owner):
                return False
            if former is None and (await connection.execute(many)).scalar_one() >= MAX_SEARCHES:
                return False
            await connection.execute(self._database.upsert(t.searches_table), asdict(record))
        return True

    async def remove_search(self, search: str, owner: str) -> bool:
        """One's own. False: there is no such search."""
        c = t.searches_table.c
        async with self._database.write() as connection:
            result = await connection.execute(t.searches_table.delete().where(c.id == search, c.owner == owner))
        return bool(result.rowcount)

    async def _all(self, statement: sa.Select[Any]) -> list[Any]:
        async with self._database.read() as connection:
            return list(await connection.execute(statement))


async def share(connection: AsyncConnection, database: Database, recording: str) -> None:
    """Reckon anew which agents may see a recording: whose review was submitted, and, once a comment is shared, all who
    took part on the shop's side."""
    r, c, v, s = t.recordings_table.c, t.comments_table.c, t.reviews_table.c, t.shares_table.c
    done = (v.recording == recording, v.calibration == "", v.state != "draft", v.agent != "")
    seen = set((await connection.execute(sa.select(v.agent).where(*done))).scalars())
    told = await connection.execute(sa.select(c.id).where(c.recording == recording, c.shared.is_(True)).limit(1))
    row = (await connection.execute(sa.select(r.agent, r.people).where(r.id == recording))).one_or_none()
    if row is not None and told.first() is not None:
        seen |= {person["identity"] for person in json.loads(row.people) if person["side"] in AGENT_SIDES}
        seen |= {row.agent} - {""}
    await connection.execute(t.shares_table.delete().where(s.recording == recording))
    if seen:
        rows = [{"identity": identity, "recording": recording} for identity in sorted(seen)]
        await connection.execute(t.shares_table.insert(), rows)


def _comment(row: Any) -> CommentRecord:
    return CommentRecord(**{name: getattr(row, name) for name in CommentRecord.__dataclass_fields__})
