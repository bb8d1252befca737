"""Searches recordings: pages by key, never by offset, so that the thousandth page costs what the first does."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from signaling import review_tables as t
from signaling.database import Database
from signaling.recording_records import Order, Page, SearchQuery, Sight

MAX_PAGE = 1000
#: Totals are counted up to here.
MAX_COUNT = 10_000
#: Words that fewer recordings hold than this are looked up first, in one pass over the texts.
RARE = 500
_c = t.recordings_table.c
#: What a sample is drawn by.
DRAWN = (
    _c.id,
    _c.agent,
    _c.queue,
    _c.rating,
    _c.wait_s,
    _c.escalations,
    _c.pauses,
    _c.duration_s,
    _c.solved,
    _c.flags,
)
_KEYS: dict[Order, tuple[sa.ColumnElement[Any], bool]] = {
    "newest": (_c.created, True),
    "oldest": (_c.created, False),
    "longest": (_c.duration_s, True),
    "rating": (_c.rating, False),
    "score": (_c.score, False),
}


class Finder:
    """Turns a :class:`SearchQuery` into SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: SearchQuery, limit: int, after: str | None) -> Page:
        """See :meth:`signaling.recording_store.RecordingStore.search`."""
        from signaling.recording_store import recording_of

        limit = min(limit, MAX_PAGE)
        key, down = _KEYS[query.order]
        where = conditions(query)
        async with self._database.read() as connection:
            if query.words:
                # Looking for rare words along the list would read every text one by one.
                found = sa.select(t.texts_table.c.recording).where(*self._words(query.words)).limit(RARE + 1)
                hits = list((await connection.execute(found)).scalars())
                if len(hits) <= RARE:
                    where.append(_c.id.in_(hits))
                else:
                    same = t.texts_table.c.recording == _c.id
                    where.append(sa.exists().where(same, *self._words(query.words)))
            counted = sa.select(sa.literal(1)).select_from(t.recordings_table).where(*where).limit(MAX_COUNT).subquery()
            total = (await connection.execute(sa.select(sa.func.count()).select_from(counted))).scalar_one()
            statement = t.recordings_table.select().where(*where, *_after(query.order, after))
            order = (key.desc(), _c.id.desc()) if down else (key, _c.id)
            rows = list(await connection.execute(statement.order_by(*order).limit(limit + 1)))
        page = tuple(recording_of(row) for row in rows[:limit])
        more = None
        if len(rows) > limit:
            # Exact, as Python writes a float: one that was rounded could skip a recording or show it twice.
            more = f"{getattr(rows[limit - 1], key.name)!r}~{rows[limit - 1].id}"
        return Page(page, more, total)

    async def drawn(self, query: SearchQuery, limit: int) -> list[Any]:
        """Rows of :data:`DRAWN`, by id."""
        where = conditions(query)
        if query.words:
            found = sa.select(t.texts_table.c.recording).where(*self._words(query.words))
            where.append(_c.id.in_(found))
        async with self._database.read() as connection:
            return list(await connection.execute(sa.select(*DRAWN).where(*where).order_by(_c.id).limit(limit)))

    def _words(self, words: tuple[str, ...]) -> list[sa.ColumnElement[bool]]:
        # Neither knows a pattern, so nothing needs escaping.
        place = sa.func.instr if self._database.is_sqlite else sa.func.strpos
        return [place(t.texts_table.c.text, word) > 0 for word in words]


def _after(order: Order, after: str | None) -> list[sa.ColumnElement[bool]]:
    if after is None:
        return []
    key, down = _KEYS[order]
    value, separator, recording = after.partition("~")
    if not separator:
        raise ValueError("after")
    here, last = sa.tuple_(key, _c.id), sa.tuple_(sa.literal(float(value), key.type), recording)
    return [here < last if down else here > last]


def conditions(query: SearchQuery) -> list[sa.ColumnElement[bool]]:
    """For a WHERE over the table of recordings, words left out."""
    same = ("agent", "queue", "room", "kind", "call", "product", "outcome")
    found: list[sa.ColumnElement[bool]] = [
        _c[name] == getattr(query, name) for name in same if getattr(query, name) is not None
    ]
    # "Not erased" is nearly all: no index of states is to be tempted by it.
    found.append(_c.state == query.state if query.state is not None else _c.state != sa.literal_column("'erased'"))
    for column, least, most in ((_c.created, query.since, None), (_c.duration_s, query.min_s, query.max_s)):
        if least is not None:
            found.append(column >= least)
        if most is not None:
            found.append(column <= most)
    if query.until is not None:
        found.append(_c.created < query.until)
    if query.rating is not None:
        found.append(_c.rating.between(*query.rating))
    found += [
        _labelled(what, label)
        for what, label in (("reason", query.reason), ("tag", query.tag), ("flag", query.flag))
        if label is not None
    ]
    if query.reviewed is not None:
        found.append(_c.score.is_not(None) if query.reviewed else _c.score.is_(None))
    if query.held is not None:
        found.append(_c.hold.is_(query.held))
    if query.order == "rating":
        found.append(_c.rating.is_not(None))
    elif query.order == "score":
        found.append(_c.score.is_not(None))
    return found + seen(query.sight)


def seen(sight: Sight) -> list[sa.ColumnElement[bool]]:
    """What somebody may see, as SQL."""
    found: list[sa.ColumnElement[bool]] = []
    if sight.room is not None:
        found.append(_c.room == sight.room)
    if sight.queues:
        found.append(_c.queue.in_(sight.queues))
    if sight.agent is not None:
        c = t.shares_table.c
        found.append(_c.id.in_(sa.select(c.recording).where(c.identity == sight.agent)))
    return found


def _labelled(what: str, label: str) -> sa.ColumnElement[bool]:
    c = t.labels_table.c
    return sa.exists().where(c.what == what, c.label == label, c.recording == _c.id)
