"""How the database is reached, whichever it is: SQLite (aiosqlite) or PostgreSQL (asyncpg), and how its schema grows.

A transaction that writes takes SQLite's write lock when it begins: one that began by reading could not wait for it
(https://sqlite.org/isolation.html). Within the process writers queue up; between processes SQLite waits for 5 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.schema import CreateTable, DDLElement

Migrations = Sequence[tuple[int, Sequence[DDLElement]]]

# Any number that nobody else on the same PostgreSQL database uses.
LOCK = 0x6C69_616E_6D61
CONNECT_S = 5.0
COMMAND_S = 30.0
_BEGIN = "sqlite_begin"

migrations_table = sa.Table(
    "schema_migrations",
    sa.MetaData(),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("applied_at", sa.Double, nullable=False),
)


class Database:
    """One database; nothing is opened before it is used."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writer = self.engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._writing = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection that only reads."""
        async with self.engine.connect() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, kept when the block ends and undone when it raises."""
        async with self._writing if self.is_sqlite else contextlib.nullcontext(), self._writer.begin() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that no other Node's :meth:`alone` overlaps."""
        async with self.write() as connection:
            if not self.is_sqlite:
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            yield connection

    def upsert(self, table: sa.Table, keep: Sequence[str] = ()) -> sa.Insert:
        """Insert, or replace the row with the same primary key except for the columns to ``keep``."""
        insert = self.insert(table)
        keys = [column.name for column in table.primary_key]
        new = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys and c.name not in keep}
        return insert.on_conflict_do_update(index_elements=keys, set_=new)

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that can be told what to do about a conflict."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    async def migrate(self, migrations: Migrations, clock: Callable[[], float]) -> None:
        """Apply what is missing, each in its own transaction; Nodes that start at the same time take turns."""
        async with self.alone() as connection:
            await connection.execute(CreateTable(migrations_table, if_not_exists=True))
            applied = set((await connection.execute(sa.select(migrations_table.c.version))).scalars())
        for version, statements in migrations:
            if version in applied:
                continue
            async with self.alone() as connection:
                seen = sa.select(migrations_table.c.version).where(migrations_table.c.version == version)
                if (await connection.execute(seen)).one_or_none() is not None:
                    continue
                for statement in statements:
                    await connection.execute(statement)
                await connection.execute(migrations_table.insert().values(version=version, applied_at=clock()))

    @property
    def file(self) -> Path | None:
        """Where an SQLite database lies, or will when it is opened; None for any other."""
        url = self.engine.url
        return Path(url.database) if self.is_sqlite and url.database and url.database != ":memory:" else None

    async def close(self) -> None:
        """Give the connections back."""
        await self.engine.dispose()


def _engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.drivername != "sqlite":
        if parsed.drivername not in ("postgresql", "postgres", "postgresql+asyncpg"):
            raise ValueError(f"store.url: sqlite or postgresql, not {parsed.drivername}")
        arguments = {"async_creator_fn": _connect, "timeout": CONNECT_S, "command_timeout": COMMAND_S}
        parsed = parsed.set(drivername="postgresql+asyncpg")
        return create_async_engine(parsed, pool_pre_ping=True, connect_args=arguments)
    parsed = parsed.set(drivername="sqlite+aiosqlite")
    if not parsed.database or parsed.database == ":memory:":
        # Every connection to :memory: is a database of its own, so there must be one only, used by one at a time.
        engine = create_async_engine(parsed, poolclass=AsyncAdaptedQueuePool, pool_size=1, max_overflow=0)
    else:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(parsed)
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


async def _connect(*arguments: Any, **options: Any) -> Any:
    import asyncpg

    # The driver's own errors of connecting would get past everybody who is prepared for SQLAlchemy's.
    try:
        return await asyncpg.connect(*arguments, **options)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise sa.exc.OperationalError("connect", None, error) from None


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver would begin transactions by itself, but not before a CREATE, and never an immediate one.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("busy_timeout=5000", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    # The file stays in this mode; when it is locked, another Node that starts is switching it just now.
    with contextlib.suppress(sqlite3.OperationalError):
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    options: Mapping[str, Any] = connection.get_execution_options()
    connection.exec_driver_sql(options.get(_BEGIN, "BEGIN"))
