"""The tables of one-to-one help. The same definitions serve SQLite and PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

# PostgreSQL takes no NUL in a text, and neither takes half a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Words(sa.types.TypeDecorator[str]):
    """Text from strangers: what a database would refuse is left out."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        """On the way in."""
        return None if value is None else _UNSTORABLE.sub("", value)


def _words(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, Words, nullable=False, **options)


metadata = sa.MetaData()

calls_table = sa.Table(
    "calls",
    metadata,
    _words("id", primary_key=True),
    _words("room"),
    _words("shopper"),
    sa.Column("created", sa.Double, nullable=False),
    _words("state"),
    _words("direction"),
    _words("media"),
    _words("entry"),
    _words("queue"),
    _words("shopper_name"),
    _words("agent"),
    _words("agent_name"),
    _words("language"),
    _words("topic"),
    sa.Column("priority", sa.Double, nullable=False),
    sa.Column("rung", sa.Double),
    sa.Column("answered", sa.Double),
    sa.Column("ended", sa.Double),
    sa.Column("wrapped", sa.Double),
    sa.Column("outcome", Words),
    _words("end_reason"),
    _words("ended_by"),
    sa.Column("hold_s", sa.Double, nullable=False),
    sa.Column("transfers", sa.Integer, nullable=False),
    sa.Column("escalations", sa.Integer, nullable=False),
    _words("reasons"),
    _words("solved"),
    sa.Column("noted_at", sa.Double, nullable=False),
    sa.Column("score", sa.Integer),
    sa.Column("rated_solved", Words),
    sa.Column("rated_at", sa.Double),
    # What may be long comes last: SQLite reads a row from its start.
    _words("text"),
    _words("comment"),
    _words("note"),
    _words("context"),
)
events_table = sa.Table(
    "call_events",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    _words("id"),
    _words("call"),
    _words("kind"),
    sa.Column("at", sa.Double, nullable=False),
    _words("identity"),
    _words("detail"),
)
callbacks_table = sa.Table(
    "callbacks",
    metadata,
    _words("id", primary_key=True),
    _words("identity"),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    _words("room"),
    _words("name"),
    _words("queue"),
    _words("call"),
    _words("phone"),
    _words("note"),
    _words("language"),
    sa.Column("done", sa.Double),
    _words("done_by"),
)
queues_table = sa.Table(
    "queues",
    metadata,
    _words("name", primary_key=True),
    _words("title"),
    _words("title_en"),
    _words("skills"),
    _words("languages"),
    _words("hours"),
    _words("timezone"),
    sa.Column("ring_s", sa.Double, nullable=False),
    sa.Column("max_waiting", sa.Integer, nullable=False),
    sa.Column("max_wait_s", sa.Double, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
)
agents_table = sa.Table(
    "agents",
    metadata,
    _words("identity", primary_key=True),
    _words("name"),
    _words("skills"),
    sa.Column("first_seen", sa.Double, nullable=False),
    sa.Column("last_seen", sa.Double, nullable=False),
)
INDEXES = (
    sa.Index("calls_by_created", calls_table.c.created, calls_table.c.id),
    sa.Index("calls_by_shopper", calls_table.c.shopper, calls_table.c.created, calls_table.c.direction),
    sa.Index("calls_by_agent", calls_table.c.agent, calls_table.c.created),
    sa.Index("calls_by_room", calls_table.c.room, calls_table.c.created),
    # Few calls are going on, whatever has been.
    sa.Index(
        "calls_going_on",
        calls_table.c.created,
        sqlite_where=calls_table.c.state != "ended",
        postgresql_where=calls_table.c.state != "ended",
    ),
    sa.Index("call_events_by_id", events_table.c.id, unique=True),
    sa.Index("call_events_by_call", events_table.c.call, events_table.c.number),
    sa.Index("callbacks_by_done", callbacks_table.c.done, callbacks_table.c.at),
)
STATEMENTS: Sequence[DDLElement] = (
    CreateTable(calls_table),
    CreateTable(events_table),
    CreateTable(callbacks_table),
    CreateTable(queues_table),
    CreateTable(agents_table),
    *map(CreateIndex, INDEXES),
)
