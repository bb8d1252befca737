"""Calls, what happened in them, callbacks, queues and agents, in the database of :class:`signaling.store.Store`.

Every ``save_*`` may be repeated with the same record, and replaces what was there under that id. All methods raise
SQLAlchemyError, or OSError, when the database is out of order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from signaling import call_tables as t
from signaling.call_records import (
    AgentDay,
    AgentRecord,
    CallbackRecord,
    CallEvent,
    CallFilter,
    CallRecord,
    Cursor,
    Notes,
    QueueRecord,
    Rating,
)
from signaling.database import Database

__all__ = [
    "AgentDay",
    "AgentRecord",
    "CallEvent",
    "CallFilter",
    "CallRecord",
    "CallStore",
    "CallbackRecord",
    "Cursor",
    "Notes",
    "QueueRecord",
    "Rating",
]


MAX_PAGE = 1000
_NOTES = ("note", "reasons", "solved", "noted_at")
_RATING = ("score", "comment", "rated_solved", "rated_at")


class CallStore:
    """``Store.calls``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Building it costs more than running it.
        self._saving = _save_call_statement(database)

    # --- calls ---------------------------------------------------------------------------------------------------

    async def save_call(self, record: CallRecord) -> None:
        """Insert or replace. Rating and notes that are newer than the record's stay: they came by REST while somebody
        held an older picture of the call."""
        await self.save_calls((record,))

    async def save_calls(self, records: Iterable[CallRecord]) -> None:
        """As :meth:`save_call`, all in one transaction."""
        rows = [_call_row(record) for record in records]
        if not rows:
            return
        async with self._database.write() as connection:
            await connection.execute(self._saving, rows)

    async def add_events(self, events: Iterable[CallEvent]) -> None:
        """Write down what happened, in this order; events whose id is there already are left out."""
        rows = [{**_plain(event), "detail": _json(event.detail)} for event in events]
        if not rows:
            return
        statement = self._database.insert(t.events_table).on_conflict_do_nothing(index_elements=["id"])
        async with self._database.write() as connection:
            await connection.execute(statement, rows)

    async def unfinished(self) -> list[CallRecord]:
        """Calls that were not over when the service stopped, the oldest first."""
        c = t.calls_table.c
        statement = t.calls_table.select().where(c.state != sa.literal_column("'ended'")).order_by(c.created, c.id)
        return [_call(row) for row in await self._all(statement)]

    async def call(self, call_id: str) -> CallRecord | None:
        """One call, or None."""
        rows = await self._all(t.calls_table.select().where(t.calls_table.c.id == call_id))
        return _call(rows[0]) if rows else None

    async def events(self, call_id: str, kind: str | None = None) -> list[CallEvent]:
        """What happened in a call, in order; of one ``kind``, or all of it."""
        c = t.events_table.c
        which = t.events_table.select().where(c.call == call_id, *([] if kind is None else [c.kind == kind]))
        rows = await self._all(which.order_by(c.number))
        return [CallEvent(r.call, r.kind, r.at, r.identity, json.loads(r.detail), r.id) for r in rows]

    async def calls(self, which: CallFilter, limit: int = 50, after: Cursor | None = None) -> list[CallRecord]:
        """A page of at most 1000 calls, the newest first; the next one is ``after`` the last of these."""
        c = t.calls_table.c
        statement = t.calls_table.select().where(*conditions(which)).order_by(c.created.desc(), c.id.desc())
        if after is not None:
            statement = statement.where(sa.tuple_(c.created, c.id) < sa.tuple_(after.created, after.id))
        return [_call(row) for row in await self._all(statement.limit(min(limit, MAX_PAGE)))]

    async def earlier(self, shopper: str, before: float, limit: int = 10) -> list[CallRecord]:
        """What this person called about before, the newest first."""
        return await self.calls(CallFilter(shopper=shopper, until=before), limit)

    async def set_rating(self, call_id: str, rating: Rating) -> bool:
        """The shopper's word, replacing an earlier one. False: there is no such call."""
        return await self._set_on_call(call_id, _rating_row(rating))

    async def set_notes(self, call_id: str, notes: Notes) -> bool:
        """The agent's notes, replacing earlier ones. False: there is no such call."""
        return await self._set_on_call(call_id, _notes_row(notes))

    async def agent_day(self, agent: str, since: float, until: float) -> AgentDay:
        """The figures of the calls that were created in ``since`` <= t < ``until``."""
        c = t.calls_table.c
        statement = sa.select(
            sa.func.count(),
            sa.func.avg(c.answered - c.rung),
            sa.func.avg(sa.func.coalesce(c.wrapped, c.ended) - c.answered),
            sa.func.avg(sa.cast(c.score, sa.Double)),
            sa.func.count(c.score),
            sa.func.coalesce(sa.func.sum(sa.case((c.solved == "yes", 1), else_=0)), 0),
        ).where(*conditions(CallFilter(agent=agent, since=since, until=until)), c.answered.is_not(None))
        (row,) = await self._all(statement)
        return AgentDay(agent, *row)

    # --- callbacks -----------------------------------------------------------------------------------------------

    async def save_callback(self, record: CallbackRecord) -> None:
        """Insert or replace; one that is done stays so."""
        c = t.callbacks_table.c
        insert = self._database.insert(t.callbacks_table)
        new = insert.excluded
        values: dict[str, Any] = {column.name: new[column.name] for column in c if column.name != "id"}
        values["done"] = sa.func.coalesce(c.done, new.done)
        values["done_by"] = sa.case((c.done.is_(None), new.done_by), else_=c.done_by)
        async with self._database.write() as connection:
            statement = insert.on_conflict_do_update(index_elements=["id"], set_=values)
            await connection.execute(statement, _plain(record))

    async def callback(self, callback_id: str) -> CallbackRecord | None:
        """One, or None."""
        rows = await self._all(t.callbacks_table.select().where(t.callbacks_table.c.id == callback_id))
        return CallbackRecord(**rows[0]._mapping) if rows else None

    async def last_callback(self, identity: str, queue: str) -> float | None:
        """When this person was called back last (seconds since the epoch) on account of this queue."""
        c = t.callbacks_table.c
        statement = sa.select(sa.func.max(c.done)).where(c.identity == identity, c.queue == queue)
        rows = await self._all(statement)
        return None if rows[0][0] is None else float(rows[0][0])

    async def answered_by(self, since: float, until: float) -> dict[str, int]:
        """How often each agent answered a call that was created in ``since`` <= t < ``until``."""
        c, e = t.calls_table.c, t.events_table.c
        today = sa.and_(c.created >= since, c.created < until)
        placed = sa.and_(c.direction == "out", e.kind == "answered")
        # Who answers an agent's ring is the shopper.
        who = sa.case((placed, c.agent), else_=e.identity)
        statement = (
            sa.select(who.label("who"), sa.func.count())
            .select_from(t.calls_table.join(t.events_table, e.call == c.id))
            .where(today, e.kind.in_(("answered", "joined")))
            .group_by(sa.text("1"))
        )
        return {str(identity): int(number) for identity, number in await self._all(statement)}

    async def callbacks(
        self,
        *,
        room: str | None = None,
        queue: str | None = None,
        done: bool | None = False,
        limit: int = 200,
    ) -> list[CallbackRecord]:
        """At most 1000, by the time at which they are wanted, the first first; ``done`` None: those done and those
        not."""
        c = t.callbacks_table.c
        statement = t.callbacks_table.select().order_by(c.at, c.id).limit(min(limit, MAX_PAGE))
        for column, wanted in ((c.room, room), (c.queue, queue)):
            if wanted is not None:
                statement = statement.where(column == wanted)
        if done is not None:
            statement = statement.where(c.done.is_not(None) if done else c.done.is_(None))
        return [CallbackRecord(**row._mapping) for row in await self._all(statement)]

    async def callback_done(self, callback_id: str, by: str, at: float) -> CallbackRecord | None:
        """Tick one off; the first who does so stays. None: there is no such callback."""
        c = t.callbacks_table.c
        async with self._database.write() as connection:
            waiting = t.callbacks_table.update().where(c.id == callback_id, c.done.is_(None))
            await connection.execute(waiting.values(done=at, done_by=by))
        return await self.callback(callback_id)

    # --- queues, agents ------------------------------------------------------------------------------------------

    async def queues(self) -> list[QueueRecord]:
        """All, by name."""
        rows = [dict(row._mapping) for row in await self._all(t.queues_table.select())]
        records = [QueueRecord(**_with_lists(row, "skills", "languages")) for row in rows]
        return sorted(records, key=lambda record: record.name)

    async def save_queue(self, record: QueueRecord) -> None:
        """Insert or replace."""
        lists = {"skills": _json(record.skills), "languages": _json(record.languages)}
        await self._save(t.queues_table, {**_plain(record), **lists})

    async def remove_queue(self, name: str) -> bool:
        """Calls and callbacks keep its name. False: there is no such queue."""
        async with self._database.write() as connection:
            result = await connection.execute(t.queues_table.delete().where(t.queues_table.c.name == name))
        return bool(result.rowcount)

    async def save_agent(self, record: AgentRecord) -> None:
        """Insert or replace, but for ``first_seen``, which stays."""
        await self._save(t.agents_table, {**_plain(record), "skills": _json(record.skills)}, keep=("first_seen",))

    async def agents(self) -> list[AgentRecord]:
        """All who ever were at the desk, by identity."""
        rows = [dict(row._mapping) for row in await self._all(t.agents_table.select())]
        return sorted((AgentRecord(**_with_lists(row, "skills")) for row in rows), key=lambda record: record.identity)

    # --- helpers -------------------------------------------------------------------------------------------------

    async def _all(self, statement: sa.Select[Any]) -> list[Any]:
        async with self._database.read() as connection:
            return list(await connection.execute(statement))

    async def _save(self, table: sa.Table, row: Mapping[str, Any], keep: tuple[str, ...] = ()) -> None:
        async with self._database.write() as connection:
            await connection.execute(self._database.upsert(table, keep), row)

    async def _set_on_call(self, call_id: str, values: Mapping[str, Any]) -> bool:
        async with self._database.write() as connection:
            where = t.calls_table.c.id == call_id
            result = await connection.execute(t.calls_table.update().where(where).values(**values))
        return bool(result.rowcount)


def _save_call_statement(database: Database) -> sa.Insert:
    c = t.calls_table.c
    insert = database.insert(t.calls_table)
    new = insert.excluded
    values: dict[str, Any] = {column.name: new[column.name] for column in c if column.name != "id"}
    noted = new.noted_at >= c.noted_at
    rated = sa.func.coalesce(new.rated_at, -1.0) >= sa.func.coalesce(c.rated_at, -1.0)
    values.update({name: sa.case((noted, new[name]), else_=c[name]) for name in _NOTES})
    values.update({name: sa.case((rated, new[name]), else_=c[name]) for name in _RATING})
    return insert.on_conflict_do_update(index_elements=["id"], set_=values)


def conditions(which: CallFilter) -> list[sa.ColumnElement[bool]]:
    """For a WHERE over the table of calls."""
    c = t.calls_table.c
    same = ("room", "queue", "agent", "shopper", "entry", "outcome")
    found: list[sa.ColumnElement[bool]] = [
        c[name] == getattr(which, name) for name in same if getattr(which, name) is not None
    ]
    if which.since is not None:
        found.append(c.created >= which.since)
    if which.until is not None:
        found.append(c.created < which.until)
    if which.open is not None:
        found.append(c.state != "ended" if which.open else c.state == "ended")
    if which.rated is not None:
        found.append(c.score.is_not(None) if which.rated else c.score.is_(None))
    return found


def _plain(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _call_row(record: CallRecord) -> dict[str, Any]:
    row = {**_plain(record), "context": _json(record.context), **_notes_row(record.notes)}
    row.update(dict.fromkeys(_RATING) | {"comment": ""} if record.rating is None else _rating_row(record.rating))
    del row["notes"], row["rating"]
    return row


def _notes_row(notes: Notes) -> dict[str, Any]:
    return {"note": notes.note, "reasons": _json(notes.reasons), "solved": notes.solved, "noted_at": notes.at}


def _rating_row(rating: Rating) -> dict[str, Any]:
    row = asdict(rating)
    return {"score": row["score"], "comment": row["comment"], "rated_solved": row["solved"], "rated_at": row["at"]}


def _call(row: Any) -> CallRecord:
    values = dict(row._mapping)
    notes = Notes(values.pop("note"), tuple(json.loads(values.pop("reasons"))), values.pop("solved"), values.pop("noted_at"))
    score, comment, solved, at = (values.pop(name) for name in _RATING)
    rating = None if score is None else Rating(score, comment, solved, at)
    values["context"] = json.loads(values["context"])
    return CallRecord(**values, notes=notes, rating=rating)


def _with_lists(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {**row, **{name: tuple(json.loads(row[name])) for name in names}}


def _json(value: Any) -> str:
    # Escapes whatever is not a plain character, NUL among them.
    return json.dumps(value, ensure_ascii=False, default=_as_json)


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not kept")
