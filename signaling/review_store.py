"""Scorecards, reviews and calibrations, in the database of :class:`signaling.store.Store`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from recorder.review.scorecard import (
    Answer,
    ReviewState,
    ScorecardError,
    Template,
    default_template,
    from_json,
    next_version,
    to_json,
)
from signaling import review_tables as t
from signaling.database import Database
from signaling.note_store import share
from signaling.recording_find import seen
from signaling.recording_records import Sight

MAX_PAGE = 200
MAX_TEMPLATES = 200


@dataclass(frozen=True, slots=True)
class Event:
    """A step in a review's life."""

    at: float
    by: str
    what: str
    comment: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """What one reviewer says of one recording, on one version of one template. ``calibration``: or empty."""

    id: str
    recording: str
    template: str
    version: int
    reviewer: str
    reviewer_name: str
    agent: str
    created: float
    updated: float
    calibration: str = ""
    state: ReviewState = "draft"
    score: float | None = None
    failed: bool = False
    passed: bool | None = None
    submitted: float | None = None
    summary: str = ""
    answers: tuple[Answer, ...] = ()
    history: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class CalibrationRecord:
    """Several who review the same recording without seeing each other's answers."""

    id: str
    recording: str
    template: str
    version: int
    title: str
    author: str
    created: float
    reviewers: tuple[str, ...]


class ReviewStore:
    """``Store.reviews``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- templates -----------------------------------------------------------------------------------------------

    async def template(self, name: str, version: int | None = None) -> Template | None:
        """A version, or the newest; ``call`` is there from the start."""
        c = t.templates_table.c
        statement = t.templates_table.select().where(c.id == name).order_by(c.version.desc()).limit(1)
        if version is not None:
            statement = statement.where(c.version == version)
        rows = await self._all(statement)
        if rows:
            return _template(rows[0])
        first = default_template()
        return first if name == first.id and version in (None, 1) else None

    async def templates(self) -> list[Template]:
        """The newest version of each, by id."""
        c = t.templates_table.c
        newest = sa.select(c.id, sa.func.max(c.version)).group_by(c.id)
        rows = await self._all(t.templates_table.select().where(sa.tuple_(c.id, c.version).in_(newest)).order_by(c.id))
        found = {row.id: _template(row) for row in rows[:MAX_TEMPLATES]}
        first = default_template()
        return [template for _, template in sorted({first.id: first, **found}.items())]

    async def add_version(self, base: int, wanted: Template) -> Template:
        """Keep the version after ``base``. Raises ScorecardError ``template_changed`` or ``template_invalid``."""
        c = t.templates_table.c
        async with self._database.alone() as connection:
            statement = t.templates_table.select().where(c.id == wanted.id).order_by(c.version.desc()).limit(1)
            row = (await connection.execute(statement)).one_or_none()
            first = default_template()
            former = _template(row) if row is not None else first if wanted.id == first.id else None
            made = next_version(former, base, wanted)
            values = {"id": made.id, "version": made.version, "author": made.author, "at": made.at}
            body = json.dumps(to_json(made), ensure_ascii=False)
            await connection.execute(t.templates_table.insert(), {**values, "retired": made.retired, "body": body})
        return made

    # --- reviews -------------------------------------------------------------------------------------------------

    async def begin(self, record: ReviewRecord) -> ReviewRecord:
        """Insert a draft; or the review of the same person of the same recording on the same card, if there is one."""
        c = t.reviews_table.c
        same = ("recording", "reviewer", "template", "version", "calibration")
        statement = self._database.insert(t.reviews_table).on_conflict_do_nothing(index_elements=list(same))
        which = t.reviews_table.select().where(*(c[name] == getattr(record, name) for name in same))
        async with self._database.write() as connection:
            await connection.execute(statement, _row(record))
            return _review((await connection.execute(which)).one())

    async def save(self, record: ReviewRecord, former: ReviewRecord) -> bool:
        """Replace what was read as ``former``. False: it has changed since."""
        c, r = t.reviews_table.c, t.recordings_table.c
        async with self._database.write() as connection:
            where = (c.id == record.id, c.state == former.state, c.updated == former.updated)
            result = await connection.execute(t.reviews_table.update().where(*where).values(**_row(record)))
            if not result.rowcount:
                return False
            if record.state != "draft" and not record.calibration:
                of = (c.recording == record.recording, c.calibration == "", c.state != "draft")
                last = sa.select(c.score).where(*of).order_by(c.submitted.desc(), c.number.desc()).limit(1)
                score = (await connection.execute(last)).scalar_one_or_none()
                scored = t.recordings_table.update().where(r.id == record.recording, r.state != "erased")
                await connection.execute(scored.values(score=score))
                await share(connection, self._database, record.recording)
            if record.state == "submitted":
                i = t.items_table.c
                mine = (i.recording == record.recording, i.reviewer == record.reviewer, i.state != "done")
                done = {"state": "done", "review": record.id}
                if not record.calibration:
                    await connection.execute(t.items_table.update().where(*mine).values(**done))
        return True

    async def review(self, review: str) -> ReviewRecord | None:
        """One, or None."""
        rows = await self._all(t.reviews_table.select().where(t.reviews_table.c.id == review))
        return _review(rows[0]) if rows else None

    async def of_recording(self, recording: str) -> list[ReviewRecord]:
        """All, in the order in which they were begun."""
        c = t.reviews_table.c
        rows = await self._all(t.reviews_table.select().where(c.recording == recording).order_by(c.number))
        return [_review(row) for row in rows]

    async def of_calibration(self, calibration: str) -> list[ReviewRecord]:
        """All, in the order in which they were begun."""
        c = t.reviews_table.c
        rows = await self._all(t.reviews_table.select().where(c.calibration == calibration).order_by(c.number))
        return [_review(row) for row in rows]

    async def reviews(
        self,
        *,
        sight: Sight,
        me: str,
        agent: str | None = None,
        reviewer: str | None = None,
        state: str | None = None,
        template: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> tuple[list[ReviewRecord], int | None]:
        """The newest first, and where the next page begins; drafts: one's own; of calibrations: none."""
        c, r = t.reviews_table.c, t.recordings_table.c
        statement = (
            t.reviews_table.select()
            .join(t.recordings_table, r.id == c.recording)
            .where(c.calibration == "", sa.or_(c.state != "draft", c.reviewer == me))
            .where(*seen(Sight(sight.room, sight.queues)))
            .order_by(c.number.desc())
        )
        wanted = {"agent": agent, "reviewer": reviewer, "state": state, "template": template}
        if sight.agent is not None:
            wanted["agent"] = sight.agent
        statement = statement.where(*(c[name] == value for name, value in wanted.items() if value is not None))
        if before is not None:
            statement = statement.where(c.number < before)
        rows = await self._all(statement.limit(min(limit, MAX_PAGE) + 1))
        more = len(rows) > limit
        return [_review(row) for row in rows[:limit]], rows[limit - 1].number if more else None

    # --- calibrations --------------------------------------------------------------------------------------------

    async def save_calibration(self, record: CalibrationRecord) -> None:
        """Insert."""
        values = {**asdict(record), "reviewers": json.dumps(record.reviewers, ensure_ascii=False)}
        async with self._database.write() as connection:
            await connection.execute(t.calibrations_table.insert(), values)

    async def calibration(self, calibration: str) -> CalibrationRecord | None:
        """One, or None."""
        c = t.calibrations_table.c
        rows = await self._all(t.calibrations_table.select().where(c.id == calibration))
        return _calibration(rows[0]) if rows else None

    async def calibrations(self, limit: int = 100) -> list[CalibrationRecord]:
        """The newest first."""
        c = t.calibrations_table.c
        rows = await self._all(t.calibrations_table.select().order_by(c.number.desc()).limit(limit))
        return [_calibration(row) for row in rows]

    async def _all(self, statement: sa.Select[Any]) -> Sequence[Any]:
        async with self._database.read() as connection:
            return list(await connection.execute(statement))


def _template(row: Any) -> Template:
    return from_json(json.loads(row.body))


def _row(record: ReviewRecord) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in record.__dataclass_fields__}
    for name in ("answers", "history"):
        row[name] = json.dumps([asdict(one) for one in row[name]], ensure_ascii=False)
    return row


def _review(row: Any) -> ReviewRecord:
    values = {name: getattr(row, name) for name in ReviewRecord.__dataclass_fields__}
    answers = tuple(
        Answer(**{**one, "spans": tuple((start, end) for start, end in one["spans"])})
        for one in json.loads(values["answers"])
    )
    history = tuple(Event(**one) for one in json.loads(values["history"]))
    return ReviewRecord(**{**values, "answers": answers, "history": history})


def _calibration(row: Any) -> CalibrationRecord:
    values = {name: getattr(row, name) for name in CalibrationRecord.__dataclass_fields__}
    return CalibrationRecord(**{**values, "reviewers": tuple(json.loads(values["reviewers"]))})


def refusal(error: ScorecardError) -> tuple[str, str]:
    """Code and field as a client sees them: a wrong template is a wrong message."""
    return ("bad_message" if error.code == "template_invalid" else error.code), error.field
