"""What agents keep for themselves: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from signaling.desk_store import DeskStore, LinkRecord, QuickReplies
from signaling.store import Store


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[DeskStore]:
    store = Store(database_url, lambda: 1.0)
    await store.open()
    yield store.desk
    await store.close()


async def test_quick_replies(store: DeskStore) -> None:
    assert await store.quick_replies("kim") is None
    for replies in (("你好 😀", "a\nb\0"), (), ("x",) * 50):
        await store.save_quick_replies("kim", replies, 5.5)
        assert await store.quick_replies("kim") == QuickReplies(replies, 5.5)
    assert await store.quick_replies("lee") is None
    await store.remove_quick_replies("kim")
    assert await store.quick_replies("kim") is None


async def test_links_are_kept_until_they_expire(store: DeskStore) -> None:
    first, second = LinkRecord("a", "kim", "怎么装", 10.0), LinkRecord("b", "kim", "", 20.0)
    await store.save_link(first, 1.0, 10)
    await store.save_link(second, 9.0, 10)
    assert [await store.link(name) for name in "ab"] == [first, second]
    await store.save_link(LinkRecord("c", "lee", "", 30.0), 10.0, 10)
    assert [await store.link(name) for name in "abx"] == [None, second, None]


async def test_of_too_many_links_those_that_expire_first_go(store: DeskStore) -> None:
    for number in range(6):
        await store.save_link(LinkRecord(str(number), "kim", "", 100.0 + number), 1.0, 3)
    assert [name for name in map(str, range(6)) if await store.link(name)] == ["3", "4", "5"]
