"""Calls, events, callbacks, queues and agents: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from signaling.call_store import (
    AgentDay,
    AgentRecord,
    CallbackRecord,
    CallEvent,
    CallFilter,
    CallRecord,
    CallStore,
    Cursor,
    Notes,
    QueueRecord,
    Rating,
)
from signaling.database import Database
from signaling.store import Store

FULL = CallRecord(
    "c1",
    "demo",
    "ann",
    1_700_000_000.123456,
    state="wrap_up",
    direction="link",
    media="voice",
    entry="product",
    queue="default",
    shopper_name="安",
    agent="kim",
    agent_name="Kim",
    language="zh-CN",
    topic="怎么装",
    text="你好 😀",
    priority=12.5,
    rung=1_700_000_001.5,
    answered=1_700_000_004.25,
    ended=1_700_000_104.0,
    wrapped=1_700_000_120.0,
    outcome="completed",
    end_reason="bye",
    ended_by="shopper",
    hold_s=7.5,
    transfers=1,
    escalations=2,
    context={"product": {"id": "p1", "price": "¥9"}, "tags": ["vip", None, 1.5], "verified": True},
    notes=Notes("记录", ("退货", "other"), "yes", 5.0),
    rating=Rating(5, "很好", "yes", 6.0),
)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[CallStore]:
    store = Store(database_url, lambda: 1000.0)
    await store.open()
    yield store.calls
    await store.close()


def call(call_id: str, created: float = 0.0, **fields: Any) -> CallRecord:
    """A call of Ann's in the room ``demo``."""
    return CallRecord(call_id, fields.pop("room", "demo"), fields.pop("shopper", "ann"), created, **fields)


async def names(store: CallStore, which: CallFilter, **page: Any) -> str:
    """The ids found."""
    return "".join(record.id for record in await store.calls(which, **page))


async def test_a_call_comes_back_as_it_was(store: CallStore) -> None:
    assert await store.call("c1") is None
    for record in (CallRecord("c1", "demo", "ann", 1.0), FULL, FULL, replace(FULL, state="ended", transfers=3)):
        await store.save_call(record)
        assert await store.call("c1") == record
    await store.save_calls([])
    await store.save_calls([call("x"), call("y")])
    assert len(await store.calls(CallFilter())) == 3


@pytest.mark.parametrize(
    ("kept", "came", "stays"),
    [
        # (note, at), (score, at)
        ((("a", 5.0), (4, 5.0)), ((None, 0.0), None), (("a"), 4)),
        ((("a", 5.0), (4, 5.0)), (("b", 4.0), (1, 4.0)), (("a"), 4)),
        ((("a", 5.0), (4, 5.0)), (("b", 5.0), (1, 5.0)), (("b"), 1)),
        ((("a", 5.0), (4, 5.0)), (("b", 6.0), (1, 6.0)), (("b"), 1)),
        (((None, 0.0), None), (("b", 0.0), (1, 0.0)), (("b"), 1)),
    ],
)
async def test_an_older_picture_does_not_undo_rating_and_notes(store: CallStore, kept: Any, came: Any, stays: Any) -> None:
    for (note, noted), rating in (kept, came):
        notes = Notes() if note is None else Notes(note, (note,), "no", noted)
        await store.save_call(call("c", notes=notes, rating=None if rating is None else Rating(rating[0], at=rating[1])))
    found = await store.call("c")
    assert found is not None and found.rating is not None
    assert (found.notes.note, found.notes.reasons, found.rating.score) == (stays[0], (stays[0],), stays[1])


async def test_rating_and_notes_after_the_fact(store: CallStore) -> None:
    rating, notes = Rating(2, "等太久", None, 9.0), Notes("n", ("a", "b"), "no", 9.0)
    assert not await store.set_rating("c", rating)
    assert not await store.set_notes("c", notes)
    await store.save_call(call("c"))
    assert await store.set_rating("c", rating) and await store.set_notes("c", notes)
    assert await store.call("c") == call("c", rating=rating, notes=notes)
    assert await store.set_rating("c", Rating(5))
    assert await store.call("c") == call("c", rating=Rating(5), notes=notes)


async def test_what_a_database_would_refuse(store: CallStore) -> None:
    bad = "a\x00b\ud800c'\"\\%_;--"
    context = MappingProxyType({"x": bad, "tags": frozenset(("b", "a")), "deep": MappingProxyType({"y": (1, 2)})})
    await store.save_call(call("c", topic=bad, context=context))
    found = await store.call("c")
    assert found is not None
    assert found.topic == "abc'\"\\%_;--"
    assert found.context["tags"] == ["a", "b"] and found.context["deep"] == {"y": [1, 2]}
    assert await store.earlier(bad, 1e12) == []


async def test_events_keep_their_order_and_come_once(store: CallStore) -> None:
    await store.add_events([])
    events = [CallEvent("c", f"k{number}", 5.0, "ann", {"n": number}) for number in range(50)]
    await store.add_events(events[:30])
    await store.add_events(events[20:])
    await store.add_events([CallEvent("other", "asked", 1.0)])
    assert await store.events("c") == events
    assert [event.kind for event in await store.events("other")] == ["asked"]
    assert await store.events("none") == []


async def test_unfinished(store: CallStore) -> None:
    for number, state in enumerate(("ended", "wrap_up", "active", "on_hold", "ringing", "waiting")):
        await store.save_call(call(state, 10.0 - number, state=state))
    assert [record.id for record in await store.unfinished()] == ["waiting", "ringing", "on_hold", "active", "wrap_up"]
    await store.save_call(call("waiting", state="ended"))
    assert len(await store.unfinished()) == 4


async def test_finding_calls(store: CallStore) -> None:
    await store.save_calls([
        call("a", 1.0, state="ended", outcome="completed", agent="kim", rating=Rating(5)),
        call("b", 2.0, state="ended", outcome="abandoned", queue="vip"),
        call("c", 3.0, room="other", entry="order", shopper="bob"),
        call("d", 4.0, state="active", agent="kim"),
    ])
    for which, found in (
        (CallFilter(), "dcba"),
        (CallFilter(room="demo"), "dba"),
        (CallFilter(queue="vip"), "b"),
        (CallFilter(queue=""), "dca"),
        (CallFilter(agent="kim"), "da"),
        (CallFilter(agent="kim", open=True), "d"),
        (CallFilter(open=False), "ba"),
        (CallFilter(shopper="bob"), "c"),
        (CallFilter(entry="order"), "c"),
        (CallFilter(outcome="abandoned"), "b"),
        (CallFilter(since=2.0, until=4.0), "cb"),
        (CallFilter(rated=True), "a"),
        (CallFilter(rated=False), "dcb"),
        (CallFilter(room="none"), ""),
    ):
        assert await names(store, which) == found, which
    assert [record.id for record in await store.earlier("ann", 4.0)] == ["b", "a"]
    assert [record.id for record in await store.earlier("ann", 4.0, limit=1)] == ["b"]


async def test_pages_neither_skip_nor_repeat(store: CallStore) -> None:
    await store.save_calls([call(f"{number:02}", float(number // 7)) for number in range(50)])
    seen: list[str] = []
    after = None
    while page := await store.calls(CallFilter(room="demo"), 6, after):
        seen += [record.id for record in page]
        after = Cursor(page[-1].created, page[-1].id)
        # Whoever comes meanwhile does not shift the pages.
        await store.save_call(call(f"new{len(seen)}", 99.0))
    assert seen == sorted(seen, key=lambda name: (int(name) // 7, name), reverse=True) and len(seen) == 50


async def test_an_agents_day(store: CallStore) -> None:
    assert await store.agent_day("kim", 0.0, 100.0) == AgentDay("kim", 0, None, None, None, 0, 0)
    mine = {"agent": "kim"}
    await store.save_calls([
        call("a", 1.0, rung=2.0, answered=4.0, ended=14.0, wrapped=20.0, rating=Rating(5), notes=Notes(solved="yes"), **mine),
        call("b", 2.0, rung=3.0, answered=7.0, ended=11.0, rating=Rating(2), notes=Notes(solved="no"), **mine),
        call("c", 3.0, answered=7.0, **mine),
        call("never answered", 4.0, **mine),
        call("yesterday", -1.0, answered=0.0, **mine),
        call("another's", 5.0, agent="lee", answered=6.0),
    ])
    assert await store.agent_day("kim", 0.0, 100.0) == AgentDay("kim", 3, 3.0, 10.0, 3.5, 2, 1)


async def test_callbacks(store: CallStore) -> None:
    full = CallbackRecord("b1", "ann", 1.0, 50.0, "demo", "安", "vip", "c1", "+86 1", "晚上", "zh-CN")
    early = CallbackRecord("b2", "bob", 2.0, 40.0, "other")
    for record in (full, early, early):
        await store.save_callback(record)
    assert await store.callback("b1") == full
    assert await store.callbacks() == [early, full]
    assert await store.callbacks(limit=1) == [early]
    assert await store.callbacks(room="demo") == [full]
    assert await store.callbacks(queue="vip", done=None) == [full]
    done = await store.callback_done("b1", "kim", 60.0)
    assert done == replace(full, done=60.0, done_by="kim")
    assert await store.callback_done("b1", "lee", 70.0) == done
    assert await store.callback_done("none", "lee", 70.0) is None
    await store.save_callback(replace(full, note="later"))
    assert await store.callback("b1") == replace(full, note="later", done=60.0, done_by="kim")
    assert await store.callbacks() == [early]
    assert [record.id for record in await store.callbacks(done=True)] == ["b1"]
    assert [record.id for record in await store.callbacks(done=None)] == ["b2", "b1"]


async def test_queues(store: CallStore) -> None:
    assert await store.queues() == []
    vip = QueueRecord("vip", "贵宾", "VIP", ("gold", "a,b"), ("zh", "en"), "Mon-Fri 09:00-18:00", "Asia/Tokyo", 20.0, 5, 60.0, 9)
    for record in (vip, QueueRecord("Default"), replace(vip, title="VIP"), vip):
        await store.save_queue(record)
    assert await store.queues() == [QueueRecord("Default"), vip]
    assert await store.remove_queue("vip")
    assert not await store.remove_queue("vip")
    assert await store.queues() == [QueueRecord("Default")]


async def test_agents(store: CallStore) -> None:
    await store.save_agent(AgentRecord("lee", "Lee", (), 1.0, 1.0))
    await store.save_agent(AgentRecord("kim", "Kim", ("gold",), 1.0, 1.0))
    await store.save_agent(AgentRecord("kim", "金", ("gold", "en"), 5.0, 6.0))
    assert await store.agents() == [
        AgentRecord("kim", "金", ("gold", "en"), 1.0, 6.0),
        AgentRecord("lee", "Lee", (), 1.0, 1.0),
    ]


async def test_a_restart_loses_nothing_that_was_said(database_url: str) -> None:
    for turn in range(2):
        store = Store(database_url, lambda: 0.0)
        await store.open()
        if turn == 0:
            await store.calls.save_calls([call("waits"), call("over", state="ended")])
            await store.calls.save_callback(CallbackRecord("b", "ann", 1.0, 2.0))
            await store.calls.set_rating("over", Rating(5, "好", "yes", 1.0))
            await store.calls.set_notes("over", Notes("n", ("r",), "yes", 1.0))
        else:
            assert await store.calls.unfinished() == [call("waits")]
            assert await store.calls.callbacks() == [CallbackRecord("b", "ann", 1.0, 2.0)]
            over = call("over", state="ended", rating=Rating(5, "好", "yes", 1.0), notes=Notes("n", ("r",), "yes", 1.0))
            assert await store.calls.call("over") == over
        await store.close()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_connections_that_were_cut_are_made_anew(store: CallStore, database_url: str) -> None:
    await store.save_call(call("a"))
    other = Database(database_url)
    async with other.read() as connection:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        assert list((await connection.execute(sa.text(cut))).scalars()) == [True]
    await other.close()
    await store.save_call(call("b"))
    assert await store.unfinished() == [call("a"), call("b")]


@pytest.mark.parametrize("url", ["postgresql://x@/y?host=/nonexistent", "postgresql://x:y@127.0.0.1:1/z"])
async def test_a_database_that_is_gone(url: str) -> None:
    store = Store(url, lambda: 0.0)
    with pytest.raises(SQLAlchemyError):
        await store.open()
    await store.close()


def test_other_databases_are_refused() -> None:
    with pytest.raises(ValueError, match=r"store\.url.*mysql"):
        Store("mysql://x/y", lambda: 0.0)
