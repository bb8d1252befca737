"""Samples, work lists, clips and trends over HTTP, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from signaling.recording_records import FindingRecord, RecordingRecord
from tests.signaling.fakes import config, make_rig
from tests.signaling.help_site import close_site
from tests.signaling.review_site import ID, ReviewSite, open_review
from tests.signaling.test_review_rest import FULL, submitted

# A Monday.
BEGIN = datetime(2026, 11, 9, 10, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()


def made(n: int) -> RecordingRecord:
    """A call in every 12 hours; each third was escalated."""
    return RecordingRecord(
        f"r{n:016x}", "demo", "call", BEGIN + n * 43200, f"c{n}", 60.0, "ready", (), f"agent{n % 3}", f"A{n % 3}",
        f"q{n % 2}", "p1", rating=1 + n % 5, escalations=int(n % 3 == 0), reasons=("退货",) if n % 2 else (),
    )


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[ReviewSite]:
    found = await open_review(await make_rig(config(store__url=database_url)))
    await found.rig.store.recordings.save_recordings([made(n) for n in range(28)])
    await found.rig.store.recordings.save_findings(made(4).id, [FindingRecord("black", 1, 2)] * 2)
    yield found
    await close_site(found)


def drawn(body: Any) -> list[str]:
    return [item["recording"] for item in body["worklist"]["items"]]


async def test_a_sample_becomes_work_and_gets_done(site: ReviewSite) -> None:
    boss, rita, sam = site.bearer("boss", "supervisor"), site.bearer("rita", "reviewer"), site.bearer("sam", "reviewer")
    wanted = {"title": "周检", "kind": "random", "size": 30, "seed": "s", "reviewers": ["rita", "sam"]}
    assert await site.code(rita, "POST", "/samples", wanted) == "forbidden"
    status, body = await site.ask(boss, "POST", "/samples", wanted)
    work = body["worklist"]
    assert (status, work["total"], work["coverage"]) == (201, 30, {"population": 30, "sampled": 30, "share": 1.0, "margin": 0.0})
    assert work["estimate"] is None
    _, again = await site.ask(boss, "POST", "/samples", {**wanted, "preview": True})
    assert drawn(again) == drawn(body)
    path = f"/worklists/{work['id']}"
    _, mine = await site.ask(rita, "GET", path)
    assert {item["reviewer"] for item in mine["items"]} == {"rita"} and mine["mine"] == {"total": 15, "done": 0}
    assert len((await site.ask(boss, "GET", "/worklists"))[1]["worklists"]) == 1
    assert (await site.ask(site.bearer("eve", "reviewer"), "GET", "/worklists"))[1] == {"worklists": []}
    assert await site.code(site.bearer("eve", "reviewer"), "GET", path) == "not_found"
    first = mine["items"][0]["recording"]
    assert await site.code(sam, "POST", f"{path}/items/{first}", {"state": "skipped"}) == "recording_not_found"
    assert (await site.ask(rita, "POST", f"{path}/items/{first}", {"state": "skipped", "note": "打不开"}))[1]["note"]
    owner = next(i["reviewer"] for i in (await site.ask(boss, "GET", path))[1]["items"] if i["recording"] == ID)
    await submitted(site, site.bearer(owner, "reviewer"), FULL)
    _, now = await site.ask(boss, "GET", path)
    skipped = int(first != ID)
    assert (now["done"], now["skipped"]) == (1, skipped)
    assert now["estimate"] == {"passed": 1, "of": 1, "share": 1.0, "low": 0.2065, "high": 1.0}
    assert next(item for item in now["items"] if item["recording"] == ID)["state"] == "done"
    assert await site.code(boss, "POST", f"{path}/items/{ID}", {"state": "open"}) == "review_submitted"


async def test_strata_and_risk(site: ReviewSite) -> None:
    boss = site.bearer("boss", "supervisor", room="demo")
    base = {"title": "x", "size": 6, "seed": "s", "filter": {"since": int(BEGIN * 1000), "kind": "call"}}
    _, body = await site.ask(boss, "POST", "/samples", {**base, "kind": "stratified", "by": ["agent", "queue"]})
    assert len(body["worklist"]["strata"]) == 6
    assert {one["sampled"] for one in body["worklist"]["strata"]} == {1}
    rules = {"rating_at_most": 1, "escalated": True, "flags": ["black"]}
    _, body = await site.ask(boss, "POST", "/samples", {**base, "kind": "risk", "size": 50, "rules": rules})
    why = {item["recording"]: item["why"] for item in body["worklist"]["items"]}
    assert why[made(4).id] == ["flag:black"] and why[made(15).id] == ["rating", "escalated"] and made(1).id not in why
    for wrong in ({"kind": "risk"}, {"kind": "stratified"}, {"kind": "risk", "rules": {}}, {"kind": "random", "by": ["agent"]},
                  {"kind": "random", "filter": "agent=nobody"}):
        assert (await site.code(boss, "POST", "/samples", {**base, **wrong})).startswith("sample_invalid")
    assert await site.code(boss, "POST", "/samples", {**base, "kind": "random", "filter": {"rating": "9"}}) == "bad_message rating"
    assert await site.code(boss, "POST", "/samples", {**base, "kind": "random", "template": "x"}) == "template_not_found"
    own = site.bearer("rita", "reviewer", queues=("q1",))
    _, body = await site.ask(own, "POST", "/samples", {**base, "kind": "random", "size": 99})
    assert body["worklist"]["coverage"]["population"] == 14, "only what is in sight"


async def test_clips(site: ReviewSite) -> None:
    rita, boss, kim = site.bearer("rita", "reviewer"), site.bearer("boss", "supervisor"), site.bearer("kim")
    path = f"/recordings/{ID}/clips"
    _, body = await site.ask(rita, "POST", path, {"from": 1, "to": 5, "title": "怎么退货", "topic": "退货"})
    clip = body["clip"]["id"]
    assert (await site.ask(kim, "GET", "/clips"))[1] == {"clips": []}
    assert await site.code(rita, "PATCH", f"/clips/{clip}", {"approved": True}) == "forbidden"
    assert (await site.ask(boss, "PATCH", f"/clips/{clip}", {"approved": True}))[1]["clip"]["approved"]
    _, library = await site.ask(kim, "GET", "/clips?topic=退货")
    assert [one["title"] for one in library["clips"]] == ["怎么退货"] and "by" not in library["clips"][0]
    assert (await site.ask(site.bearer("kim", room="other"), "GET", "/clips"))[1] == {"clips": []}
    assert await site.code(rita, "DELETE", f"/clips/{clip}") == "forbidden", "it is approved"
    assert await site.code(boss, "DELETE", f"/clips/{clip}") == "204"
    for ends, field in (((5, 5), "to"), ((9, 5), "to"), ((0, 99), "to"), ((-1, 5), "from"), (("x", 5), "from")):
        assert await site.code(rita, "POST", path, {"from": ends[0], "to": ends[1], "title": "x"}) == f"bad_message {field}"


async def test_trends(site: ReviewSite) -> None:
    boss, span = site.bearer("boss", "supervisor"), "from=2026-11-09&to=2026-11-22"
    _, body = await site.ask(boss, "GET", f"/trends?by=week&metric=rating&{span}")
    assert [(row["key"], row["recordings"], row["count"]) for row in body["rows"]] == [
        ("2026-11-09", 14, 14),
        ("2026-11-16", 14, 14),
    ]
    expected = sum(1 + n % 5 for n in range(14)) / 14
    assert body["rows"][0]["value"] == round(expected, 2)
    assert body["rows"][0]["low"] < expected < body["rows"][0]["high"]
    _, body = await site.ask(boss, "GET", f"/trends?by=agent&metric=findings&{span}")
    assert {row["key"]: row["values"] for row in body["rows"]} == {"agent0": {}, "agent1": {"black": 1}, "agent2": {}}
    _, body = await site.ask(boss, "GET", f"/trends?by=queue&metric=reasons&{span}")
    assert {row["key"]: row["value"] for row in body["rows"]} == {"q0": 0.0, "q1": 100.0}
    rita = site.bearer("rita", "reviewer")
    path = f"/recordings/{made(0).id}/reviews"
    _, one = await site.ask(rita, "POST", path, {"template": "call", "version": 1})
    await site.ask(rita, "POST", f"/reviews/{one['id']}/submit", {"version": 1, "answers": FULL})
    _, body = await site.ask(boss, "GET", f"/trends?by=product&metric=score&{span}")
    assert [(row["key"], row["count"], row["value"], row["low"]) for row in body["rows"]] == [("p1", 1, 100.0, None)]
    _, body = await site.ask(site.bearer("agent0"), "GET", f"/trends?by=none&metric=score&{span}")
    assert [(row["recordings"], row["value"]) for row in body["rows"]] == [(1, 100.0)], "an agent: what was shared"
    _, body = await site.ask(site.bearer("x", "reviewer", room="other"), "GET", f"/trends?by=agent&{span}")
    assert body["rows"] == []
    for wrong, field in (("by=x", "by"), ("metric=x", "metric"), ("from=2026-11-22&to=2026-11-09", "from"), ("timezone=x", "timezone")):
        assert await site.code(boss, "GET", f"/trends?{wrong}") == f"bad_message {field}"
