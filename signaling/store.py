"""What outlives the process: rooms made by the API, revoked tokens, generated signing keys.

SQLAlchemy Core on SQLite or PostgreSQL (:mod:`signaling.database`). The schema grows by :data:`MIGRATIONS`, each applied
once, in order, in its own transaction; a released one is never edited. What is kept of one-to-one help is
:attr:`Store.calls`, and counted by :attr:`Store.kpi`; what agents keep for themselves is :attr:`Store.desk`; what was
recorded is :attr:`Store.recordings`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from signaling import call_tables, desk_tables, review_tables
from signaling.audit_store import AuditStore
from signaling.auth import Revocation
from signaling.call_store import CallStore
from signaling.database import Database, Migrations
from signaling.desk_store import DeskStore
from signaling.kpi_query import KpiQuery
from signaling.note_store import NoteStore
from signaling.recording_store import RecordingStore
from signaling.review_store import ReviewStore
from signaling.room_model import Policy
from signaling.work_store import WorkStore

metadata = sa.MetaData()

rooms_table = sa.Table(
    "rooms",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double),
)
revocations_table = sa.Table(
    "revocations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token_id", sa.String(128)),
    sa.Column("identity", sa.String(128)),
    sa.Column("room", sa.String(64)),
    sa.Column("revoked_at", sa.Double, nullable=False),
)
keys_table = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("secret", sa.String(128), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)
revocations_by_token = sa.Index("revocations_by_token", revocations_table.c.token_id)

MIGRATIONS: Migrations = (
    (
        1,
        (
            CreateTable(rooms_table),
            CreateTable(revocations_table),
            CreateTable(keys_table),
            CreateIndex(revocations_by_token),
        ),
    ),
    (2, call_tables.STATEMENTS),
    (3, desk_tables.STATEMENTS),
    (4, review_tables.STATEMENTS),
)


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """A room that the API made. Times are seconds since the epoch; ``ended_at`` refuses joins until made again."""

    name: str
    title: str
    policy: Policy
    created_at: float
    ended_at: float | None = None


class Store:
    """One database. ``clock`` gives seconds since the epoch."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self._database = Database(url)
        self._clock = clock
        self.calls = CallStore(self._database)
        self.desk = DeskStore(self._database)
        self.kpi = KpiQuery(self._database, clock)
        self.recordings = RecordingStore(self._database)
        self.notes = NoteStore(self._database)
        self.reviews = ReviewStore(self._database)
        self.work = WorkStore(self._database)
        self.audit = AuditStore(self._database, clock)

    async def open(self) -> None:
        """Connect and bring the schema up to date. Raises sqlalchemy.exc.SQLAlchemyError."""
        await self._database.migrate(MIGRATIONS, self._clock)

    @property
    def file(self) -> Path | None:
        """Where an SQLite database lies, or will when it is opened; None for any other."""
        return self._database.file

    async def close(self) -> None:
        """Give the connections back."""
        await self._database.close()

    # --- rooms ---------------------------------------------------------------------------------------------------

    async def save_room(self, record: RoomRecord) -> None:
        """Insert or replace a room."""
        values = {
            "title": record.title,
            "policy": json.dumps(asdict(record.policy)),
            "created_at": record.created_at,
            "ended_at": record.ended_at,
        }
        async with self._database.write() as connection:
            await connection.execute(self._database.upsert(rooms_table), {"name": record.name, **values})

    async def room(self, name: str) -> RoomRecord | None:
        """One room, or None."""
        async with self._database.read() as connection:
            row = (await connection.execute(rooms_table.select().where(rooms_table.c.name == name))).one_or_none()
        return None if row is None else _room(row)

    async def rooms(self, limit: int = 1000) -> list[RoomRecord]:
        """The newest rooms that have not ended."""
        statement = (
            rooms_table.select()
            .where(rooms_table.c.ended_at.is_(None))
            .order_by(rooms_table.c.created_at.desc(), rooms_table.c.name)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return [_room(row) for row in await connection.execute(statement)]

    async def end_room(self, name: str) -> None:
        """Remember that a room has ended. Unknown names are ignored."""
        async with self._database.write() as connection:
            await connection.execute(
                rooms_table.update().where(rooms_table.c.name == name).values(ended_at=self._clock()),
            )

    # --- tokens --------------------------------------------------------------------------------------------------

    async def add_revocation(self, revocation: Revocation) -> None:
        """Keep one line of the revocation list."""
        async with self._database.write() as connection:
            await connection.execute(revocations_table.insert().values(**asdict(revocation)))

    async def revocations(self) -> list[Revocation]:
        """The whole list."""
        async with self._database.read() as connection:
            rows = await connection.execute(revocations_table.select().order_by(revocations_table.c.id))
            return [Revocation(row.revoked_at, row.token_id, row.identity, row.room) for row in rows]

    async def keys(self) -> dict[str, str]:
        """Generated signing keys, newest first."""
        statement = keys_table.select().order_by(keys_table.c.created_at.desc())
        async with self._database.read() as connection:
            return {row.id: row.secret for row in await connection.execute(statement)}

    async def ensure_key(self) -> dict[str, str]:
        """The generated keys; makes one if there is none."""
        keys = await self.keys()
        if keys:
            return keys
        async with self._database.alone() as connection:
            # Another Node may have made one meanwhile.
            rows = (await connection.execute(keys_table.select())).all()
            if not rows:
                key = {"id": f"dev-{secrets.token_hex(4)}", "secret": secrets.token_urlsafe(48)}
                await connection.execute(keys_table.insert().values(**key, created_at=self._clock()))
        return await self.keys()


def _room(row: Any) -> RoomRecord:
    known = Policy.__dataclass_fields__
    policy = {key: value for key, value in json.loads(row.policy).items() if key in known}
    return RoomRecord(row.name, row.title, Policy(**policy), row.created_at, row.ended_at)
