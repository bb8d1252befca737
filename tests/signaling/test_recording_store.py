"""Recordings, their words, labels, spans and consents: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from signaling.recording_records import (
    ConsentRecord,
    FindingRecord,
    GapRecord,
    PersonRecord,
    RecordingRecord,
    SearchQuery,
    Sight,
    TrackRecord,
)
from signaling.recording_store import RecordingStore
from signaling.store import Store

FULL = RecordingRecord(
    "r0000000000000001",
    "demo",
    "call",
    1_700_000_000.123456,
    "c1",
    61.5,
    "ready",
    (PersonRecord("ann", "安", "shopper"), PersonRecord("kim", "Kim", "agent")),
    "kim",
    "Kim",
    "default",
    "p1",
    "completed",
    "yes",
    12.5,
    1,
    2,
    1,
    4,
    "很好",
    ("退货", "other"),
    123_456_789_012,
    True,
    "compose",
    0.5,
    "2026/11/23/r0000000000000001",
    1_800_000_000.5,
    {"ann": {"talk_s": 3.5, "spans": [[0, 3.5]]}},
    ({"at": 3, "title": "开始"},),
)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[RecordingStore]:
    store = Store(database_url, lambda: 1000.0)
    await store.open()
    yield store.recordings
    await store.close()


def made(number: int, **fields: Any) -> RecordingRecord:
    """``r1`` was made at 1 s, and so on."""
    base = RecordingRecord(f"r{number}", "demo", "call", float(number), state="ready", agent="kim", queue="default")
    return replace(base, **fields)


async def ids(store: RecordingStore, limit: int = 50, after: str | None = None, **query: Any) -> str:
    """What is found, as ``r2 r1``."""
    page = await store.search(SearchQuery(**query), limit, after)
    return " ".join(record.id for record in page.recordings)


async def test_what_is_saved_comes_back(store: RecordingStore) -> None:
    await store.save_recording(FULL)
    assert await store.get(FULL.id) == FULL
    assert await store.get("r2") is None
    assert await store.of_call("c1") == [FULL]
    assert await store.in_state("ready", "failed") == [FULL]


async def test_saving_again_leaves_what_reviewers_did(store: RecordingStore) -> None:
    await store.save_recording(FULL)
    await store.set_hold(FULL.id, "案件 7")
    await store.set_tags(FULL.id, ("好", "vip"))
    await store.save_findings(FULL.id, [FindingRecord("black", 1, 2), FindingRecord("black", 3, 4, "ann", 0.5, "t1")])
    await store.save_recording(replace(FULL, state="failed", reasons=("new",)))
    found = await store.get(FULL.id)
    assert found == replace(
        FULL, state="failed", reasons=("new",), hold=True, hold_reason="案件 7", tags=("好", "vip"), flags={"black": 2}
    )
    assert await ids(store, reason="退货") == ""
    assert await ids(store, reason="new", tag="好", flag="black", held=True) == FULL.id
    await store.set_hold(FULL.id, None)
    assert await ids(store, held=True) == ""


async def test_details(store: RecordingStore) -> None:
    tracks = (
        TrackRecord("t2", "kim", "camera", "video", "VP8", 0.5, 60, 640, 360, "video/webm", 5, "finished", "t2.webm"),
        TrackRecord("t1", "ann", "microphone", "audio", "opus"),
    )
    gaps = (GapRecord(1, 2, "paused"), GapRecord(3, 4.5, "loss", "t1"))
    findings = (FindingRecord("silence", 5, 6, "ann", -60.5, "t1"), FindingRecord("black", 1, 2))
    for _ in range(2):
        await store.save_tracks("r1", tracks)
        await store.save_gaps("r1", gaps)
        await store.save_findings("r1", findings)
    details = await store.details("r1")
    assert (details.tracks, details.gaps, details.findings, details.consents) == (tracks, gaps, findings, ())


async def test_consent_is_kept_in_order(store: RecordingStore) -> None:
    yes = ConsentRecord("k1", "ann", "quality_review", "1", "zh-CN", True, 5.0, "r1", "demo", "c1")
    no = replace(yes, id="k2", granted=False, at=4.0)
    for record in (yes, no, yes):
        await store.save_consent(record)
    assert await store.consents("r1") == [yes, no]
    assert await store.consent_of("ann", "quality_review", "1") == no
    assert await store.consent_of("ann", "quality_review", "2") is None
    assert await store.consent_of("bob", "quality_review", "1") is None


async def test_filters(store: RecordingStore) -> None:
    await store.save_recordings(
        [
            made(1, duration_s=10.0, rating=1, outcome="completed"),
            made(2, agent="lee", room="other", product="p1", duration_s=20.0),
            made(3, queue="vip", kind="stage", rating=3, duration_s=30.0, call="c3"),
            made(4, state="erased"),
            made(5, state="recording", rating=5),
        ]
    )
    for query, expected in (
        ({}, "r5 r3 r2 r1"),
        ({"state": "erased"}, "r4"),
        ({"state": "recording"}, "r5"),
        ({"agent": "lee"}, "r2"),
        ({"queue": "vip"}, "r3"),
        ({"room": "other"}, "r2"),
        ({"kind": "stage"}, "r3"),
        ({"product": "p1"}, "r2"),
        ({"call": "c3"}, "r3"),
        ({"outcome": "completed"}, "r1"),
        ({"since": 2.0, "until": 3.0}, "r2"),
        ({"min_s": 20.0, "max_s": 20.0}, "r2"),
        ({"rating": (1, 3)}, "r3 r1"),
        ({"reviewed": False}, "r5 r3 r2 r1"),
        ({"reviewed": True}, ""),
        ({"order": "oldest"}, "r1 r2 r3 r5"),
        ({"order": "longest"}, "r3 r2 r1 r5"),
        ({"order": "rating"}, "r1 r3 r5"),
        ({"order": "score"}, ""),
        ({"sight": Sight(room="other")}, "r2"),
        ({"sight": Sight(queues=("vip", "x"))}, "r3"),
        ({"sight": Sight(agent="kim")}, ""),
    ):
        assert await ids(store, **query) == expected, query


@pytest.mark.parametrize("order", ["newest", "oldest", "longest", "rating"])
async def test_pages_meet_without_gap_or_overlap(store: RecordingStore, order: Any) -> None:
    # Many are alike in what they are ordered by.
    records = [made(n, created=float(n // 5) + 0.1, duration_s=float(n % 3), rating=1 + n % 2) for n in range(23)]
    await store.save_recordings(records)
    whole = await store.search(SearchQuery(order=order), 100)
    assert (len(whole.recordings), whole.after, whole.total) == (23, None, 23)
    got: list[RecordingRecord] = []
    after = None
    while True:
        page = await store.search(SearchQuery(order=order), 4, after)
        got += page.recordings
        after = page.after
        if after is None:
            break
    assert got == list(whole.recordings)


@pytest.mark.parametrize("after", ["", "x", "x~r1", "1"])
async def test_a_strange_cursor_is_refused(store: RecordingStore, after: str) -> None:
    with pytest.raises(ValueError):
        await store.search(SearchQuery(), 5, after)


async def test_words(store: RecordingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.save_recordings([made(n) for n in range(1, 4)])
    await store.save_text("r1", "怎么退货 100% A_b")
    await store.save_text("r2", "退货\n换货 axb")
    await store.save_text("r2", "退换 AXB\n换货")
    for rare in (0, 500):
        # Rare words are looked up first, frequent ones along the list.
        monkeypatch.setattr("signaling.recording_find.RARE", rare)
        for words, expected in (
            (("退货",), "r1"),
            (("换货",), "r2"),
            (("axb",), "r2"),
            (("a_b",), "r1"),
            (("100%",), "r1"),
            (("退", "axb"), "r2"),
            (("nothing",), ""),
            (("'; drop table recordings; --",), ""),
        ):
            assert await ids(store, words=words) == expected, words


async def test_state(store: RecordingStore) -> None:
    await store.save_recording(made(1))
    assert await store.set_state("r1", "finishing", done=0.25, progress="mux", people=[])
    found = await store.get("r1")
    assert found is not None
    assert (found.state, found.done, found.progress) == ("finishing", 0.25, "mux")
    assert not await store.set_state("r2", "ready")


async def test_retention_finds_what_is_over_and_may_go(store: RecordingStore) -> None:
    await store.save_recordings(
        [made(1, expires=50.0), made(2, expires=200.0), made(3), made(4, expires=50.0), made(5, expires=50.0, state="recording")]
    )
    await store.set_hold("r4", "court")
    assert [record.id for record in await store.expired(100.0)] == ["r1"]
    assert await store.purge("r1")
    assert not await store.purge("r4"), "it is held"
    assert not await store.purge("r9")
    assert await store.expired(100.0) == []


async def test_what_is_erased_leaves_no_words(store: RecordingStore) -> None:
    await store.save_recording(FULL)
    await store.save_text(FULL.id, "secret")
    await store.save_tracks(FULL.id, [TrackRecord("t", "ann", "camera", "video")])
    await store.save_findings(FULL.id, [FindingRecord("black", 1, 2)])
    await store.set_tags(FULL.id, ["x"])
    assert await store.purge(FULL.id)
    found = await store.get(FULL.id)
    assert found is not None
    assert (found.state, found.people, found.rating_comment, found.tags, found.flags) == ("erased", (), "", (), {})
    assert (await store.details(FULL.id)).tracks == ()
    assert await ids(store, words=("secret",)) == ""
    assert await ids(store, state="erased", words=("secret",)) == ""
    assert await ids(store, tag="x", state="erased") == ""
    assert not await store.set_state(FULL.id, "ready"), "it stays erased"
