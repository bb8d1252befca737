"""Work lists, clips and trends of review, in the database of :class:`signaling.store.Store`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import sqlalchemy as sa

from signaling import review_tables as t
from signaling.database import Database
from signaling.recording_find import seen
from signaling.recording_records import Sight

ItemState = Literal["open", "done", "skipped"]
TrendBy = Literal["agent", "queue", "product", "week", "none"]
Metric = Literal["score", "rating", "findings", "reasons"]
MAX_GROUPS = 500
_r, _i, _v = t.recordings_table.c, t.items_table.c, t.reviews_table.c


@dataclass(frozen=True, slots=True)
class WorklistRecord:
    """``strata``: key, population and sampled; ``request``: what it was drawn by."""

    id: str
    title: str
    kind: str
    seed: str
    author: str
    created: float
    template: str
    reviewers: tuple[str, ...]
    population: int
    strata: tuple[tuple[str, int, int], ...]
    request: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """A recording on a work list, and whose it is."""

    recording: str
    reviewer: str
    state: ItemState = "open"
    why: tuple[str, ...] = ()
    review: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a work list is; ``passed`` of ``judged`` submitted reviews."""

    total: int = 0
    done: int = 0
    skipped: int = 0
    my_total: int = 0
    my_done: int = 0
    passed: int = 0
    judged: int = 0


@dataclass(frozen=True, slots=True)
class ClipRecord:
    """A part of a recording; whoever leads approves it for the library."""

    id: str
    recording: str
    start: float
    end: float
    title: str
    topic: str
    author: str
    created: float
    approved: bool = False
    approved_by: str = ""


class WorkStore:
    """``Store.work``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_worklist(self, record: WorklistRecord, items: Sequence[ItemRecord]) -> None:
        """Insert."""
        row = {**asdict(record), **{name: _json(getattr(record, name)) for name in ("reviewers", "strata", "request")}}
        rows = [
            {"worklist": record.id, "position": n, **asdict(item), "why": _json(item.why)} for n, item in enumerate(items)
        ]
        async with self._database.write() as connection:
            await connection.execute(t.worklists_table.insert(), row)
            if rows:
                await connection.execute(t.items_table.insert(), rows)

    async def worklist(self, worklist: str) -> WorklistRecord | None:
        """One, or None."""
        rows = await self._all(t.worklists_table.select().where(t.worklists_table.c.id == worklist))
        return _worklist(rows[0]) if rows else None

    async def worklists(self, reviewer: str | None = None, limit: int = 200) -> list[WorklistRecord]:
        """The newest first; those in which ``reviewer`` has something to do, or that they made."""
        c = t.worklists_table.c
        statement = t.worklists_table.select().order_by(c.number.desc()).limit(limit)
        if reviewer is not None:
            mine = sa.select(_i.worklist).where(_i.reviewer == reviewer)
            statement = statement.where(sa.or_(c.author == reviewer, c.id.in_(mine)))
        return [_worklist(row) for row in await self._all(statement)]

    async def items(self, worklist: str, reviewer: str | None = None) -> list[ItemRecord]:
        """In the order of the draw."""
        statement = t.items_table.select().where(_i.worklist == worklist).order_by(_i.position)
        if reviewer is not None:
            statement = statement.where(_i.reviewer == reviewer)
        return [
            ItemRecord(row.recording, row.reviewer, row.state, tuple(json.loads(row.why)), row.review, row.note)
            for row in await self._all(statement)
        ]

    async def set_item(self, worklist: str, recording: str, state: ItemState, note: str) -> bool:
        """Open or skip; what is done stays so. False: there is no such item that is not done."""
        where = (_i.worklist == worklist, _i.recording == recording, _i.state != "done")
        async with self._database.write() as connection:
            result = await connection.execute(t.items_table.update().where(*where).values(state=state, note=note))
        return bool(result.rowcount)

    async def progress(self, worklists: Sequence[str], me: str) -> dict[str, Progress]:
        """By work list."""
        count = sa.func.count()
        mine = _i.reviewer == me
        columns = (
            count,
            count.filter(_i.state == "done"),
            count.filter(_i.state == "skipped"),
            count.filter(mine),
            count.filter(mine, _i.state == "done"),
            count.filter(_v.passed.is_(True)),
            count.filter(_v.passed.is_not(None)),
        )
        source = t.items_table.outerjoin(t.reviews_table, sa.and_(_i.review != "", _v.id == _i.review))
        statement = sa.select(_i.worklist, *columns).select_from(source)
        rows = await self._all(statement.where(_i.worklist.in_(worklists)).group_by(_i.worklist))
        return {row[0]: Progress(*row[1:]) for row in rows}

    # --- clips ---------------------------------------------------------------------------------------------------

    async def save_clip(self, record: ClipRecord) -> None:
        """Insert, or change title, topic and approval."""
        insert = self._database.insert(t.clips_table)
        new = {name: insert.excluded[name] for name in ("title", "topic", "approved", "approved_by")}
        async with self._database.write() as connection:
            await connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=new), asdict(record))

    async def clip(self, clip: str) -> ClipRecord | None:
        """One, or None."""
        rows = await self._all(t.clips_table.select().where(t.clips_table.c.id == clip))
        return _clip(rows[0]) if rows else None

    async def clips(self, sight: Sight, topic: str | None = None, approved: bool | None = None) -> list[ClipRecord]:
        """At most 500 of what is in sight, by topic, the newest first."""
        c = t.clips_table.c
        statement = t.clips_table.select().join(t.recordings_table, _r.id == c.recording)
        statement = statement.where(*seen(Sight(sight.room, sight.queues)))
        if topic is not None:
            statement = statement.where(c.topic == topic)
        if approved is not None:
            statement = statement.where(c.approved.is_(approved))
        return [_clip(row) for row in await self._all(statement.order_by(c.topic, c.number.desc()).limit(500))]

    async def remove_clip(self, clip: str) -> None:
        """What was cut stays in the recording."""
        async with self._database.write() as connection:
            await connection.execute(t.clips_table.delete().where(t.clips_table.c.id == clip))

    # --- trends --------------------------------------------------------------------------------------------------

    async def trend(
        self,
        metric: Metric,
        key: sa.ColumnElement[Any],
        *,
        by: TrendBy,
        since: float,
        until: float,
        sight: Sight,
        agent: str | None,
        queue: str | None,
    ) -> list[Any]:
        """Rows (key, label, what, count, sum, sum of squares), grouped by ``key`` and, of findings and reasons, by what."""
        what: sa.ColumnElement[Any] = sa.literal_column("''")
        source: sa.FromClause = t.recordings_table
        value: sa.ColumnElement[Any] = _r.rating
        where = [_r.created >= since, _r.created < until, *seen(sight)]
        if metric == "score":
            source = source.join(t.reviews_table, _v.recording == _r.id)
            value = _v.score
            where += [_v.calibration == "", _v.state != "draft", _v.score.is_not(None)]
        elif metric == "rating":
            where.append(_r.rating.is_not(None))
        else:
            c = t.labels_table.c
            source = source.join(t.labels_table, c.recording == _r.id)
            what, value = c.label, c.count
            where.append(c.what == ("flag" if metric == "findings" else "reason"))
        if agent is not None:
            where.append(_r.agent == agent)
        if queue is not None:
            where.append(_r.queue == queue)
        label = sa.func.max(_r.agent_name) if by == "agent" else sa.literal_column("''")
        number = sa.cast(value, sa.Double)
        columns = (key.label("key"), label.label("label"), what.label("what"), sa.func.count())
        statement = sa.select(*columns, sa.func.sum(number), sa.func.sum(number * number)).select_from(source)
        return await self._all(statement.where(*where).group_by(sa.text("1"), sa.text("3")))

    async def recorded(
        self, key: sa.ColumnElement[Any], *, since: float, until: float, sight: Sight, agent: str | None, queue: str | None
    ) -> dict[Any, int]:
        """How many recordings there are by ``key``."""
        where = [_r.created >= since, _r.created < until, *seen(sight)]
        where += [column == wanted for column, wanted in ((_r.agent, agent), (_r.queue, queue)) if wanted is not None]
        statement = sa.select(key.label("key"), sa.func.count()).where(*where).group_by(sa.text("1"))
        return {row[0]: row[1] for row in await self._all(statement)}

    @property
    def is_sqlite(self) -> bool:
        """Which SQL days are counted in."""
        return self._database.is_sqlite

    async def _all(self, statement: sa.Select[Any]) -> list[Any]:
        async with self._database.read() as connection:
            return list(await connection.execute(statement))


def _worklist(row: Any) -> WorklistRecord:
    values = {name: getattr(row, name) for name in WorklistRecord.__dataclass_fields__}
    strata = tuple((key, population, sampled) for key, population, sampled in json.loads(row.strata))
    lists = {"reviewers": tuple(json.loads(row.reviewers)), "strata": strata, "request": json.loads(row.request)}
    return WorklistRecord(**{**values, **lists})


def _clip(row: Any) -> ClipRecord:
    return ClipRecord(**{name: getattr(row, name) for name in ClipRecord.__dataclass_fields__})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
