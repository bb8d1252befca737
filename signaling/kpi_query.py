"""Counts the key figures of :mod:`signaling.kpi` in the database, so that 100,000 calls need not leave it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from signaling.call_tables import callbacks_table as b
from signaling.call_tables import calls_table, queues_table
from signaling.database import Database
from signaling.kpi import GOOD, REPEAT_S, SERVICE_S, SHORT_S, Group, Question, Report, Tally, as_tally

MAX_DAYS = 400
MAX_GROUPS = 1000
_DAY_S = 86400.0
c = calls_table.c
later = calls_table.alias("later")


class KpiQuery:
    """``Store.kpi``. ``clock`` gives seconds since the epoch."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def report(self, question: Question) -> Report:
        """Raises ValueError for an unknown time zone, or for less than one day or more than 400."""
        days = Days(question.first, question.last, question.timezone)
        begin, end = days.begin, days.end
        key = self._key(question, days, c.created)
        label = sa.func.max(c.agent_name) if question.by == "agent" else sa.literal("")
        counted = sa.select(key.label("key"), label.label("label"), *_columns(self._clock())).where(
            c.created >= begin, c.created < end, *_scope(question, c.room, c.queue)
        )
        async with self._database.read() as connection:
            rows = [dict(row._mapping) for row in await connection.execute(counted.group_by(sa.text("1")))]
            open_callbacks = self._callbacks(question, days)
            found = [] if open_callbacks is None else list(await connection.execute(open_callbacks))
            titles = {row.name: row.title for row in await connection.execute(_TITLES)} if question.by == "queue" else {}
        groups = {str(row["key"]): Group(str(row["key"]), str(row["label"]), as_tally(row)) for row in rows}
        for name, number in found:
            group = groups.get(str(name), Group(str(name), "", Tally()))
            groups[str(name)] = replace(group, tally=replace(group.tally, callbacks_open=number))
        return self._report(question, days, groups, titles)

    def _report(self, question: Question, days: Days, groups: dict[str, Group], titles: dict[str, str]) -> Report:
        total = sum((group.tally for group in groups.values()), Tally())
        if question.by == "none":
            return Report(question, (), total)
        if question.by == "day":
            empty = Group("", "", Tally())
            found = [replace(groups.get(str(n), empty), key=day.isoformat()) for n, day in enumerate(days.days)]
            return Report(question, tuple(found), total)
        # Whoever has most comes first; empty is "none", and comes last.
        order = sorted(groups.values(), key=lambda g: (not g.key, -(g.tally.asked + g.tally.outgoing), g.key))
        named = tuple(replace(group, label=titles.get(group.key) or group.label) for group in order[:MAX_GROUPS])
        return Report(question, named, total, truncated=len(order) > MAX_GROUPS)

    def _key(self, question: Question, days: Days, created: sa.ColumnElement[float]) -> sa.ColumnElement[Any]:
        match question.by:
            case "day":
                return days.number(created, self._database.is_sqlite)
            case "queue":
                return c.queue
            case "agent":
                return c.agent
            case "entry":
                return c.entry
            case "none":
                return sa.literal_column("''")

    def _callbacks(self, question: Question, days: Days) -> sa.Select[Any] | None:
        if question.by == "agent":
            # Nobody has taken them yet: they belong to the group of no agent.
            key: sa.ColumnElement[Any] = sa.literal_column("''")
        elif question.by == "queue":
            key = b.c.queue
        elif question.by == "entry":
            key = sa.func.coalesce(c.entry, sa.literal_column("''"))
        else:
            key = self._key(question, days, b.c.created)
        source = b.outerjoin(calls_table, c.id == b.c.call) if question.by == "entry" else b
        return (
            sa.select(key.label("key"), sa.func.count())
            .select_from(source)
            .where(b.c.done.is_(None), b.c.created >= days.begin, b.c.created < days.end)
            .where(*_scope(question, b.c.room, b.c.queue))
            .group_by(sa.text("1"))
        )


class Days:
    """The days of a time zone, some of which have 23 or 25 hours."""

    def __init__(self, first: date, last: date, timezone: str) -> None:
        zone = self.zone(timezone)
        length = (last - first).days + 1
        if not 1 <= length <= MAX_DAYS:
            raise ValueError(f"1 to {MAX_DAYS} days, not {length}")
        self.days = tuple(first + timedelta(days=number) for number in range(length))
        self._bounds = [_midnight(day, zone) for day in (*self.days, last + timedelta(days=1))]

    @staticmethod
    def zone(name: str) -> tzinfo:
        """Raises ValueError unless the IANA database has it."""
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"no such time zone: {name!r}") from None

    @property
    def begin(self) -> float:
        """The first moment."""
        return self._bounds[0]

    @property
    def end(self) -> float:
        """The moment after the last."""
        return self._bounds[-1]

    def number(self, created: sa.ColumnElement[float], is_sqlite: bool) -> sa.ColumnElement[int]:
        """Which of :attr:`days` a moment belongs to, in SQL: runs of days of 24 hours are divided, others compared."""
        whens: list[tuple[sa.ColumnElement[bool], sa.ColumnElement[Any]]] = []
        start = 0
        lengths = [after - before for before, after in zip(self._bounds, self._bounds[1:], strict=False)]
        while start < len(lengths):
            stop = start + 1
            while stop < len(lengths) and lengths[start] == lengths[stop] == _DAY_S:
                stop += 1
            # Literal numbers: the same expression stands in SELECT and GROUP BY.
            passed = (created - self._bounds[start]) / _DAY_S
            whole = sa.cast(passed if is_sqlite else sa.func.floor(passed), sa.Integer)
            value = whole + start if lengths[start] == _DAY_S else sa.cast(sa.literal(start), sa.Integer)
            whens.append((created < self._bounds[stop], value))
            start = stop
        return sa.case(*whens)


_TITLES = sa.select(queues_table.c.name, queues_table.c.title)


def _midnight(day: date, zone: tzinfo) -> float:
    return datetime.combine(day, time(), zone).timestamp()


def _scope(question: Question, room: sa.ColumnElement[str], queue: sa.ColumnElement[str]) -> list[sa.ColumnElement[bool]]:
    pairs = ((room, question.room), (queue, question.queue))
    return [column == wanted for column, wanted in pairs if wanted is not None]


def _columns(now: float) -> list[sa.ColumnElement[Any]]:
    """One per field of :class:`Tally` that calls have a say in."""
    count, total = sa.func.count(), sa.func.sum
    asked = c.direction != "out"
    answered = sa.and_(asked, c.answered.is_not(None))
    missed = sa.and_(asked, c.answered.is_(None), c.ended.is_not(None))
    gone = sa.and_(missed, c.outcome == "abandoned")
    handled = sa.and_(c.answered.is_not(None), c.ended.is_not(None), c.state == "ended")
    resolvable = sa.and_(answered, c.ended.is_not(None))
    again = sa.exists().where(
        later.c.shopper == c.shopper,
        later.c.created > c.created,
        later.c.created <= c.ended + REPEAT_S,
        later.c.direction != "out",
    )
    columns: dict[str, sa.ColumnElement[Any]] = {
        "asked": count.filter(asked),
        "answered": count.filter(answered),
        "answered_in_time": count.filter(answered, c.answered - c.created <= SERVICE_S),
        "answer_s": total(c.answered - c.created).filter(answered),
        "longest_s": sa.func.max(sa.func.coalesce(c.answered, c.ended, now) - c.created).filter(asked),
        "abandoned": count.filter(gone, c.ended - c.created >= SHORT_S),
        "short": count.filter(gone, c.ended - c.created < SHORT_S),
        "left_callback": count.filter(missed, c.outcome == "callback"),
        "unserved": count.filter(missed, sa.func.coalesce(c.outcome, "").not_in(("abandoned", "callback"))),
        "waiting": count.filter(asked, c.answered.is_(None), c.ended.is_(None)),
        "outgoing": count.filter(c.direction == "out"),
        "handled": count.filter(handled),
        "talk_s": total(c.ended - c.answered - c.hold_s).filter(handled),
        "hold_s": total(c.hold_s).filter(handled),
        "wrap_s": total(sa.func.coalesce(c.wrapped, c.ended) - c.ended).filter(handled),
        "resolvable": count.filter(resolvable),
        "resolved": count.filter(resolvable, ~again),
        "ratings": sa.func.count(c.score),
        "score": total(c.score),
        "good": count.filter(c.score >= GOOD),
        "transfers": total(c.transfers),
        "escalations": total(c.escalations),
    }
    return [column.label(name) for name, column in columns.items()]
