"""The database: migrations, rooms, revocations and keys; in a file, in memory, and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from signaling.auth import Revocation
from signaling.database import Database
from signaling.room_model import Policy
from signaling.store import MIGRATIONS, RoomRecord, Store, revocations_table


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = Store(database_url, Clock())
    await store.open()
    yield store
    await store.close()


async def _versions(url: str) -> list[int]:
    database = Database(url)
    async with database.read() as connection:
        versions = list((await connection.execute(sa.text("SELECT version FROM schema_migrations"))).scalars())
    await database.close()
    return versions


async def test_migrations_run_once(store: Store, database_url: str) -> None:
    await store.open()
    await store.open()
    assert sorted(await _versions(database_url)) == [version for version, _ in MIGRATIONS]


async def test_nodes_that_start_together_migrate_in_turns(database_url: str) -> None:
    nodes = [Store(database_url, Clock()) for _ in range(5)]
    async with asyncio.timeout(30):
        await asyncio.gather(*(node.open() for node in nodes))
        keys = await asyncio.gather(*(node.ensure_key() for node in nodes))
    assert sorted(await _versions(database_url)) == [version for version, _ in MIGRATIONS]
    assert len({str(key) for key in keys}) == 1
    for node in nodes:
        await node.close()


async def test_a_migration_that_fails_leaves_nothing(database_url: str) -> None:
    database = Database(database_url)
    create = sa.schema.CreateTable(sa.Table("first", sa.MetaData(), sa.Column("x", sa.Integer)))
    with pytest.raises(sa.exc.DBAPIError):
        await database.migrate([(1, (create, create))], Clock())
    await database.migrate([(1, (create,))], Clock())
    assert await _versions(database_url) == [1]
    await database.close()


async def test_migrations_continue_from_an_older_release(database_url: str) -> None:
    old = Database(database_url)
    await old.migrate(MIGRATIONS[:1], Clock())
    async with old.write() as connection:
        await connection.execute(revocations_table.insert().values(token_id="x", revoked_at=1.0))
    await old.close()
    store = Store(database_url, Clock())
    await store.open()
    assert await store.revocations() == [Revocation(1.0, token_id="x")]
    assert await store.calls.unfinished() == []
    await store.close()


async def test_a_write_that_raises_is_undone(store: Store, database_url: str) -> None:
    database = Database(database_url)

    async def fail() -> None:
        async with database.write() as connection:
            await connection.execute(revocations_table.insert().values(token_id="x", revoked_at=1.0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await store.revocations() == []
    await database.close()


async def test_two_nodes_write_at_the_same_time(store: Store, database_url: str) -> None:
    other = Store(database_url, Clock())
    async with asyncio.timeout(30):
        await asyncio.gather(*(
            node.save_room(RoomRecord("a", str(number), Policy(), 1.0)) for number in range(20) for node in (store, other)
        ))
    assert len(await other.rooms()) == 1
    await other.close()


async def test_memory() -> None:
    store = Store("sqlite://", Clock())
    await store.open()
    await asyncio.gather(*(store.save_room(RoomRecord(str(number), "", Policy(), 1.0)) for number in range(20)))
    assert len(await store.rooms()) == 20
    await store.close()


async def test_rooms(store: Store) -> None:
    assert await store.room("a") is None
    first = RoomRecord("a", "标题", Policy(max_peers=7, duplicate_identity="refuse"), 1.0)
    await store.save_room(first)
    await store.save_room(RoomRecord("b", "", Policy(), 2.0))
    assert await store.room("a") == first
    assert [record.name for record in await store.rooms()] == ["b", "a"]
    await store.end_room("a")
    await store.end_room("unknown")
    assert [record.name for record in await store.rooms()] == ["b"]
    ended = await store.room("a")
    assert ended is not None and ended.ended_at == 1000.0
    await store.save_room(first)
    assert await store.room("a") == first


async def test_revocations(store: Store) -> None:
    lines = [
        Revocation(1.0, token_id="x"),
        Revocation(2.0, identity="ann"),
        Revocation(3.0, identity="ann", room="demo"),
    ]
    for line in lines:
        await store.add_revocation(line)
    assert await store.revocations() == lines


async def test_a_key_is_made_once(store: Store) -> None:
    assert await store.keys() == {}
    made = await store.ensure_key()
    assert await store.ensure_key() == made == await store.keys()
    assert all(len(secret) >= 32 for secret in made.values())


async def test_a_database_outlives_the_store(database_url: str) -> None:
    keys = []
    for _ in range(2):
        store = Store(database_url, Clock())
        await store.open()
        keys.append(await store.ensure_key())
        await store.close()
    assert keys[0] == keys[1]
