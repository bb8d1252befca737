"""The database: migrations, rooms, revocations and keys, in memory and in a file; and statements PostgreSQL takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql

from signaling.auth import Revocation
from signaling.room_model import Policy
from signaling.store import MIGRATIONS, RoomRecord, Store


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["memory", "file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    url = "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/new/folder/x.db"
    store = Store(url, Clock())
    await store.open()
    yield store
    await store.close()


async def test_migrations_run_once(store: Store) -> None:
    await store.open()
    await store.open()


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


async def test_a_file_outlives_the_store(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        store = Store(f"sqlite:///{tmp_path}/x.db", Clock())
        await store.open()
        keys.append(await store.ensure_key())
        await store.close()
    assert keys[0] == keys[1]


def test_migrations_are_valid_for_postgresql() -> None:
    assert [version for version, _ in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for _, statements in MIGRATIONS:
        for statement in statements:
            assert str(statement.compile(dialect=dialect)).strip().startswith("CREATE")
