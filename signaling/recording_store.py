"""Recordings, their tracks, spans, consents and words, in the database of :class:`signaling.store.Store`.

Every ``save_*`` may be repeated with the same record, and replaces what was there under that id. All methods raise
SQLAlchemyError, or OSError, when the database is out of order.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from signaling import review_tables as t
from signaling.database import Database
from signaling.recording_find import Finder
from signaling.recording_records import (
    ConsentRecord,
    Details,
    FindingRecord,
    GapRecord,
    Page,
    PersonRecord,
    RecordingRecord,
    RecordingState,
    SearchQuery,
    TrackRecord,
)

__all__ = ["RecordingStore", "recording_of"]

MAX_TEXT = 200_000
_LISTS = ("reasons", "tags", "flags", "people", "speech", "chapters")
_KEPT = ("hold", "hold_reason", "tags", "flags", "score")
_MANY = 500
_c = t.recordings_table.c


class RecordingStore:
    """``Store.recordings``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._finder = Finder(database)
        self._saving = database.upsert(t.recordings_table, _KEPT)

    # --- recordings ----------------------------------------------------------------------------------------------

    async def save_recording(self, record: RecordingRecord) -> None:
        """Insert, or replace all but hold, tags, flags and score."""
        await self.save_recordings((record,))

    async def save_recordings(self, records: Iterable[RecordingRecord]) -> None:
        """As :meth:`save_recording`, all in one transaction."""
        records = list(records)
        if not records:
            return
        labels = [
            {"what": "reason", "label": reason, "recording": record.id, "count": 1}
            for record in records
            for reason in dict.fromkeys(record.reasons)
        ]
        async with self._database.write() as connection:
            await connection.execute(self._saving, [_row(record) for record in records])
            await _relabel(connection, "reason", [record.id for record in records], labels)

    async def set_state(self, recording: str, state: RecordingState, **fields: Any) -> bool:
        """Change the state, and other fields of :class:`RecordingRecord` by name. False: there is no such recording,
        or it has been erased."""
        values = {name: _json(value) if name in _LISTS else value for name, value in fields.items()}
        where = (_c.id == recording, _c.state != "erased")
        async with self._database.write() as connection:
            result = await connection.execute(t.recordings_table.update().where(*where).values(state=state, **values))
        return bool(result.rowcount)

    async def save_text(self, recording: str, text: str) -> None:
        """What can be searched: chat and notes, in any case; the first 200,000 characters."""
        await self.save_texts({recording: text})

    async def save_texts(self, texts: Mapping[str, str]) -> None:
        """As :meth:`save_text`, by recording, all in one transaction."""
        rows = [{"recording": recording, "text": text[:MAX_TEXT].lower()} for recording, text in texts.items()]
        async with self._database.write() as connection:
            await connection.execute(self._database.upsert(t.texts_table), rows)

    async def save_tracks(self, recording: str, tracks: Sequence[TrackRecord]) -> None:
        """All of them, in this order."""
        rows = [{"recording": recording, "position": n, **asdict(track)} for n, track in enumerate(tracks)]
        async with self._database.write() as connection:
            await connection.execute(t.tracks_table.delete().where(t.tracks_table.c.recording == recording))
            if rows:
                await connection.execute(t.tracks_table.insert(), rows)

    async def save_gaps(self, recording: str, gaps: Sequence[GapRecord]) -> None:
        """All of them, those of tracks too."""
        rows = [
            {"kind": gap.reason, "start": gap.start, "end": gap.end, "identity": "", "track": gap.track, "level": None}
            for gap in gaps
        ]
        async with self._database.write() as connection:
            await _respan(connection, recording, "gap", rows)

    async def save_findings(self, recording: str, findings: Sequence[FindingRecord]) -> None:
        """All of them; they are counted as the recording's flags."""
        counted = Counter(finding.kind for finding in findings)
        labels = [{"what": "flag", "label": k, "recording": recording, "count": n} for k, n in counted.items()]
        async with self._database.write() as connection:
            await _respan(connection, recording, "finding", [asdict(finding) for finding in findings])
            await _relabel(connection, "flag", [recording], labels)
            where = _c.id == recording
            await connection.execute(t.recordings_table.update().where(where).values(flags=_json(dict(counted))))

    async def set_tags(self, recording: str, tags: Sequence[str]) -> None:
        """These are the tags from now on."""
        labels = [{"what": "tag", "label": tag, "recording": recording, "count": 1} for tag in dict.fromkeys(tags)]
        async with self._database.write() as connection:
            await _relabel(connection, "tag", [recording], labels)
            where = _c.id == recording
            await connection.execute(t.recordings_table.update().where(where).values(tags=_json(list(tags))))

    async def set_hold(self, recording: str, reason: str | None) -> None:
        """Put under legal hold, or (None) end that."""
        values = {"hold": reason is not None, "hold_reason": reason or ""}
        async with self._database.write() as connection:
            await connection.execute(t.recordings_table.update().where(_c.id == recording).values(**values))

    async def get(self, recording: str) -> RecordingRecord | None:
        """One, or None."""
        rows = await self._all(t.recordings_table.select().where(_c.id == recording))
        return recording_of(rows[0]) if rows else None

    async def of_call(self, call: str) -> list[RecordingRecord]:
        """Those of a call, the oldest first."""
        rows = await self._all(t.recordings_table.select().where(_c.call == call).order_by(_c.created, _c.id))
        return [recording_of(row) for row in rows]

    async def in_state(self, *states: RecordingState, limit: int = 1000) -> list[RecordingRecord]:
        """For a restart: those in one of these states, the oldest first."""
        statement = t.recordings_table.select().where(_c.state.in_(states)).order_by(_c.created, _c.id).limit(limit)
        return [recording_of(row) for row in await self._all(statement)]

    async def details(self, recording: str) -> Details:
        """What a recording's own page shows."""
        tracks, spans = t.tracks_table, t.spans_table
        found = await self._all(tracks.select().where(tracks.c.recording == recording).order_by(tracks.c.position))
        rows = await self._all(spans.select().where(spans.c.recording == recording).order_by(spans.c.position))
        fields = TrackRecord.__dataclass_fields__
        return Details(
            tuple(TrackRecord(**{name: getattr(row, name) for name in fields}) for row in found),
            tuple(GapRecord(row.start, row.end, row.kind, row.track) for row in rows if row.what == "gap"),
            tuple(
                FindingRecord(row.kind, row.start, row.end, row.identity, row.level, row.track)
                for row in rows
                if row.what == "finding"
            ),
            tuple(await self.consents(recording)),
        )

    async def search(self, query: SearchQuery, limit: int = 50, after: str | None = None) -> Page:
        """A page of at most 1000. Raises ValueError for an ``after`` that is none of ours."""
        return await self._finder.page(query, limit, after)

    async def find_ids(self, query: SearchQuery, limit: int = 100_000) -> list[Any]:
        """Rows of what a sample is drawn by: see :data:`signaling.recording_find.DRAWN`."""
        return await self._finder.drawn(query, limit)

    # --- consent -------------------------------------------------------------------------------------------------

    async def save_consent(self, record: ConsentRecord) -> None:
        """Write it down; it is kept for good, also when another one follows."""
        statement = self._database.insert(t.consents_table).on_conflict_do_nothing(index_elements=["id"])
        async with self._database.write() as connection:
            await connection.execute(statement, asdict(record))

    async def consent_of(self, identity: str, purpose: str, version: str) -> ConsentRecord | None:
        """The last word of a person on a text, or None."""
        c = t.consents_table.c
        where = (c.identity == identity, c.purpose == purpose, c.version == version)
        rows = await self._all(t.consents_table.select().where(*where).order_by(c.number.desc()).limit(1))
        return _consent(rows[0]) if rows else None

    async def consents(self, recording: str) -> list[ConsentRecord]:
        """What was said about one recording, in order."""
        c = t.consents_table.c
        return [
            _consent(row)
            for row in await self._all(t.consents_table.select().where(c.recording == recording).order_by(c.number))
        ]

    # --- the end -------------------------------------------------------------------------------------------------

    async def expired(self, now: float, limit: int = 100) -> list[RecordingRecord]:
        """What retention may erase: over its time, complete, under no hold, and no appeal about it is open."""
        appealed = sa.select(t.reviews_table.c.recording).where(t.reviews_table.c.state == "appealed")
        statement = (
            t.recordings_table.select()
            .where(_c.expires <= now, _c.hold.is_(False), _c.state.in_(("ready", "failed", "closed")))
            .where(_c.id.not_in(appealed))
            .order_by(_c.expires)
            .limit(limit)
        )
        return [recording_of(row) for row in await self._all(statement)]

    async def purge(self, recording: str) -> bool:
        """Forget what was said, shown and written in a recording whose files are gone. What stays: that it was, when,
        whose, its consents and scores; and the audit. False: there is none, or it is under hold."""
        gone = {"state": "erased", "people": "[]", "speech": "{}", "chapters": "[]", "tags": "[]", "flags": "{}"}
        async with self._database.write() as connection:
            where = (_c.id == recording, _c.hold.is_(False))
            values = {**gone, "rating_comment": "", "folder": "", "size": 0, "thumb": False, "expires": None}
            result = await connection.execute(t.recordings_table.update().where(*where).values(**values))
            if not result.rowcount:
                return False
            for table in (
                t.texts_table,
                t.tracks_table,
                t.spans_table,
                t.shares_table,
                t.comments_table,
                t.clips_table,
            ):
                await connection.execute(table.delete().where(table.c.recording == recording))
            labels = t.labels_table.c
            which = (labels.recording == recording, labels.what != "reason")
            await connection.execute(t.labels_table.delete().where(*which))
            items = t.items_table.c
            undone = (items.recording == recording, items.state == "open")
            await connection.execute(t.items_table.update().where(*undone).values(state="skipped", note="erased"))
        return True

    async def _all(self, statement: sa.Select[Any]) -> list[Any]:
        async with self._database.read() as connection:
            return list(await connection.execute(statement))


async def _relabel(
    connection: AsyncConnection, what: str, recordings: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    c = t.labels_table.c
    for start in range(0, len(recordings), _MANY):
        some = recordings[start : start + _MANY]
        await connection.execute(t.labels_table.delete().where(c.recording.in_(some), c.what == what))
    if rows:
        await connection.execute(t.labels_table.insert(), list(rows))


async def _respan(connection: AsyncConnection, recording: str, what: str, rows: Sequence[Mapping[str, Any]]) -> None:
    c = t.spans_table.c
    await connection.execute(t.spans_table.delete().where(c.recording == recording, c.what == what))
    if rows:
        numbered = [{"recording": recording, "what": what, "position": n, **row} for n, row in enumerate(rows)]
        await connection.execute(t.spans_table.insert(), numbered)


def _row(record: RecordingRecord) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in record.__dataclass_fields__}
    row["people"] = [asdict(person) for person in record.people]
    return {**row, **{name: _json(row[name]) for name in _LISTS}}


def recording_of(row: Any) -> RecordingRecord:
    """From a row of the table."""
    values = dict(row._mapping)
    for name in _LISTS:
        values[name] = json.loads(values[name])
    values["people"] = tuple(PersonRecord(**person) for person in values["people"])
    for name in ("reasons", "tags", "chapters"):
        values[name] = tuple(values[name])
    return RecordingRecord(**{name: values[name] for name in RecordingRecord.__dataclass_fields__})


def _consent(row: Any) -> ConsentRecord:
    return ConsentRecord(**{name: getattr(row, name) for name in ConsentRecord.__dataclass_fields__})


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=dict)
