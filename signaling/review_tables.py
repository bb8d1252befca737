"""The tables of recordings and of their review. The same definitions serve SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

from signaling.call_tables import Words

metadata = sa.MetaData()
_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _words(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, Words, nullable=False, **options)


def _double(name: str, *, nullable: bool = False, **options: Any) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=nullable, **options)


def _whole(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, _number, nullable=False, **options)


recordings_table = sa.Table(
    "recordings",
    metadata,
    _words("id", primary_key=True),
    _words("room"),
    _words("kind"),
    _words("call"),
    _double("created"),
    _double("duration_s"),
    _words("state"),
    _words("agent"),
    _words("agent_name"),
    _words("queue"),
    _words("product"),
    _words("outcome"),
    _words("solved"),
    _double("wait_s"),
    sa.Column("escalations", sa.Integer, nullable=False),
    sa.Column("transfers", sa.Integer, nullable=False),
    sa.Column("pauses", sa.Integer, nullable=False),
    sa.Column("rating", sa.Integer),
    _double("score", nullable=True),
    _whole("size"),
    sa.Column("thumb", sa.Boolean, nullable=False),
    _words("progress"),
    _double("done"),
    _words("folder"),
    _double("expires", nullable=True),
    sa.Column("hold", sa.Boolean, nullable=False),
    _words("hold_reason"),
    _words("rating_comment"),
    _words("reasons"),
    _words("tags"),
    _words("flags"),
    _words("people"),
    _words("speech"),
    _words("chapters"),
)
#: Chat and notes in lower case, apart from what every list reads.
texts_table = sa.Table("recording_texts", metadata, _words("recording", primary_key=True), _words("text"))
labels_table = sa.Table(
    "recording_labels",
    metadata,
    _words("what", primary_key=True),
    _words("label", primary_key=True),
    _words("recording", primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)
tracks_table = sa.Table(
    "recording_tracks",
    metadata,
    _words("recording", primary_key=True),
    _words("id", primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    _words("identity"),
    _words("source"),
    _words("kind"),
    _words("codec"),
    _double("began"),
    _double("ended"),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    _words("mime"),
    _whole("size"),
    _words("state"),
    _words("file"),
)
spans_table = sa.Table(
    "recording_spans",
    metadata,
    _words("recording", primary_key=True),
    _words("what", primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    _words("kind"),
    _double("start"),
    _double("end"),
    _words("identity"),
    _words("track"),
    _double("level", nullable=True),
)
consents_table = sa.Table(
    "recording_consents",
    metadata,
    sa.Column("number", _number, primary_key=True),
    _words("id"),
    _words("identity"),
    _words("purpose"),
    _words("version"),
    _words("locale"),
    sa.Column("granted", sa.Boolean, nullable=False),
    _double("at"),
    _words("recording"),
    _words("room"),
    _words("call"),
)
#: Which agent may see which recording, and how often it was shared with them.
shares_table = sa.Table(
    "recording_shares", metadata, _words("identity", primary_key=True), _words("recording", primary_key=True)
)
heard_table = sa.Table(
    "recording_heard",
    metadata,
    _words("recording", primary_key=True),
    _words("identity", primary_key=True),
    _words("spans"),
    _double("seconds"),
    _double("at"),
)
comments_table = sa.Table(
    "review_comments",
    metadata,
    sa.Column("number", _number, primary_key=True),
    _words("id"),
    _words("recording"),
    _words("parent"),
    _words("author"),
    _words("author_name"),
    _double("at"),
    _double("edited", nullable=True),
    _double("start"),
    _double("end", nullable=True),
    sa.Column("shared", sa.Boolean, nullable=False),
    _words("text"),
)
templates_table = sa.Table(
    "review_templates",
    metadata,
    _words("id", primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    _words("author"),
    _double("at"),
    sa.Column("retired", sa.Boolean, nullable=False),
    _words("body"),
)
reviews_table = sa.Table(
    "reviews",
    metadata,
    sa.Column("number", _number, primary_key=True),
    _words("id"),
    _words("recording"),
    _words("calibration"),
    _words("template"),
    sa.Column("version", sa.Integer, nullable=False),
    _words("reviewer"),
    _words("reviewer_name"),
    _words("agent"),
    _words("state"),
    _double("score", nullable=True),
    sa.Column("failed", sa.Boolean, nullable=False),
    sa.Column("passed", sa.Boolean),
    _double("created"),
    _double("updated"),
    _double("submitted", nullable=True),
    _words("summary"),
    _words("answers"),
    _words("history"),
)
calibrations_table = sa.Table(
    "review_calibrations",
    metadata,
    sa.Column("number", _number, primary_key=True),
    _words("id"),
    _words("recording"),
    _words("template"),
    sa.Column("version", sa.Integer, nullable=False),
    _words("title"),
    _words("author"),
    _double("created"),
    _words("reviewers"),
)
worklists_table = sa.Table(
    "review_worklists",
    metadata,
    sa.Column("number", _number, primary_key=True),
    _words("id"),
    _words("title"),
    _words("kind"),
    _words("seed"),
    _words("author"),
    _double("created"),
    _words("template"),
    _words("reviewers"),
    sa.Column("population", sa.Integer, nullable=False),
    _words("strata"),
    _words("request"),
)
items_table = sa.Table(
    "review_items",
    metadata,
    _words("worklist", primary_key=True),
    _words("recording", primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    _words("reviewer"),
    _words("state"),
    _words("why"),
    _words("review"),
    _words("note"),
)
clips_table = sa.Table(
    "review_clips",
    metadata,
    sa.Column("number", _number, primary_key=True),
    _words("id"),
    _words("recording"),
    _double("start"),
    _double("end"),
    _words("title"),
    _words("topic"),
    _words("author"),
    _double("created"),
    sa.Column("approved", sa.Boolean, nullable=False),
    _words("approved_by"),
)
searches_table = sa.Table(
    "review_searches",
    metadata,
    _words("id", primary_key=True),
    _words("owner"),
    _words("name"),
    _words("query"),
    sa.Column("shared", sa.Boolean, nullable=False),
    _double("at"),
)
audit_table = sa.Table(
    "review_audit",
    metadata,
    sa.Column("number", _number, primary_key=True, autoincrement=False),
    _double("at"),
    _words("actor"),
    _words("name"),
    _words("action"),
    _words("recording"),
    _words("detail"),
    _words("previous"),
    _words("hash"),
)
#: How far the audit goes: cutting off its end shows.
audit_head_table = sa.Table(
    "review_audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    _whole("number"),
    _words("hash"),
)


class Immutable(DDLElement):
    """Has the database refuse to change or remove lines of the audit; two statements make it whole."""

    def __init__(self, part: int) -> None:
        self.part = part


@compiles(Immutable, "sqlite")
def _immutable_sqlite(element: Immutable, _compiler: Any, **_options: Any) -> str:
    word = ("UPDATE", "DELETE")[element.part]
    return (
        f"CREATE TRIGGER review_audit_no_{word.lower()} BEFORE {word} ON review_audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    )


@compiles(Immutable, "postgresql")
def _immutable_postgresql(element: Immutable, _compiler: Any, **_options: Any) -> str:
    if element.part == 0:
        return (
            "CREATE FUNCTION review_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$"
        )
    return (
        "CREATE TRIGGER review_audit_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON review_audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION review_audit_refuse()"
    )


_r = recordings_table.c
INDEXES = (
    sa.Index("recordings_by_created", _r.created, _r.id),
    sa.Index("recordings_by_agent", _r.agent, _r.created),
    sa.Index("recordings_by_queue", _r.queue, _r.created),
    sa.Index("recordings_by_room", _r.room, _r.created),
    sa.Index("recordings_by_length", _r.duration_s, _r.id),
    sa.Index("recordings_by_rating", _r.rating, _r.id),
    sa.Index("recordings_by_score", _r.score, _r.id),
    sa.Index("recordings_by_state", _r.state, _r.created),
    sa.Index("recordings_by_call", _r.call),
    sa.Index("recordings_by_expiry", _r.expires),
    sa.Index("recording_labels_of", labels_table.c.recording),
    sa.Index("recording_consents_by_identity", consents_table.c.identity, consents_table.c.number),
    sa.Index("recording_consents_by_recording", consents_table.c.recording),
    sa.Index("recording_consents_by_id", consents_table.c.id, unique=True),
    sa.Index("recording_shares_of", shares_table.c.recording),
    sa.Index("review_comments_by_id", comments_table.c.id, unique=True),
    sa.Index("review_comments_of", comments_table.c.recording, comments_table.c.number),
    sa.Index("reviews_by_id", reviews_table.c.id, unique=True),
    sa.Index(
        "reviews_once",
        reviews_table.c.recording,
        reviews_table.c.reviewer,
        reviews_table.c.template,
        reviews_table.c.version,
        reviews_table.c.calibration,
        unique=True,
    ),
    sa.Index("reviews_by_agent", reviews_table.c.agent, reviews_table.c.submitted),
    sa.Index("reviews_by_submitted", reviews_table.c.submitted),
    sa.Index("reviews_by_calibration", reviews_table.c.calibration),
    sa.Index("review_calibrations_by_id", calibrations_table.c.id, unique=True),
    sa.Index("review_worklists_by_id", worklists_table.c.id, unique=True),
    sa.Index("review_items_by_recording", items_table.c.recording),
    sa.Index("review_items_by_reviewer", items_table.c.reviewer),
    sa.Index("review_clips_by_id", clips_table.c.id, unique=True),
    sa.Index("review_searches_of", searches_table.c.owner),
    sa.Index("review_audit_of", audit_table.c.recording, audit_table.c.number),
    sa.Index("review_audit_by_actor", audit_table.c.actor, audit_table.c.number),
)
STATEMENTS: Sequence[DDLElement] = (
    *(CreateTable(table) for table in metadata.tables.values()),
    *map(CreateIndex, INDEXES),
    Immutable(0),
    Immutable(1),
)
