"""Recordings over HTTP: who sees which, and that every look is written down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from signaling.recording_records import FindingRecord, GapRecord, TrackRecord
from tests.signaling.fakes import config, make_rig
from tests.signaling.help_site import close_site
from tests.signaling.review_site import ID, OTHER, ReviewSite, open_review


@pytest.fixture
async def site() -> AsyncIterator[ReviewSite]:
    found = await open_review(await make_rig(config()))
    yield found
    await close_site(found)


async def ids(site: ReviewSite, who: dict[str, str], query: str = "") -> list[str]:
    status, body = await site.ask(who, "GET", f"/recordings{query}")
    assert status == 200, body
    return [row["id"][-2:] for row in body["recordings"]]


async def test_the_list_shows_what_is_in_sight(site: ReviewSite) -> None:
    assert await ids(site, site.bearer("rita", "reviewer")) == ["a2", "a1"]
    assert await ids(site, site.bearer("rita", "reviewer", room="demo")) == ["a1"]
    assert await ids(site, site.bearer("rita", "reviewer", queues=("vip",))) == ["a2"]
    assert await ids(site, site.bearer("boss", "supervisor"), "?rating=1-3&agent=kim") == ["a1"]
    assert await ids(site, site.bearer("rita", "reviewer"), "?q=退货") == ["a1"]
    assert await ids(site, site.bearer("rita", "reviewer"), f"?q={OTHER}") == ["a2"]
    assert await ids(site, site.bearer("rita", "reviewer", room="demo"), f"?q={OTHER}") == []
    assert await ids(site, site.bearer("kim", "agent")) == []
    for role in ("shopper", "viewer", "host"):
        assert await site.code(site.bearer("x", role), "GET", "/recordings") == "forbidden"
    assert await site.code(site.bearer("rita", "reviewer", room="demo"), "GET", "/recordings?room=other") == "forbidden"


@pytest.mark.parametrize(
    ("query", "code"),
    [("q=x", "q"), ("rating=9", "rating"), ("order=best", "order"), ("after=zz", "after"), ("state=erased", "state"),
     ("limit=999", "limit"), ("since=x", "since"), ("min_s=-1", "min_s")],
)
async def test_wrong_queries_are_named(site: ReviewSite, query: str, code: str) -> None:
    who = site.bearer("rita", "reviewer")
    assert await site.code(who, "GET", f"/recordings?{query}") == f"bad_message {code}"


async def test_one_recording(site: ReviewSite) -> None:
    await site.rig.store.recordings.save_tracks(ID, [TrackRecord("t1", "ann", "camera", "video", "VP8")])
    await site.rig.store.recordings.save_gaps(ID, [GapRecord(1, 2, "paused"), GapRecord(3, 4, "loss", "t1")])
    await site.rig.store.recordings.save_findings(ID, [FindingRecord("black", 5, 6)])
    _, body = await site.ask(site.bearer("rita", "reviewer", name="Rita"), "GET", f"/recordings/{ID}")
    assert body["tracks"][0]["gaps"] == [{"from": 3, "to": 4, "reason": "loss"}]
    assert body["gaps"] == [{"from": 1, "to": 2, "reason": "paused"}]
    assert (body["findings"][0]["kind"], body["flags"]) == ("black", [{"kind": "black", "count": 1}])
    assert body["watermark"] == "Rita · rita" and body["can"]["score"] and not body["can"]["erase"]
    _, body = await site.ask(site.bearer("rita", "reviewer"), "GET", f"/recordings/{ID}/timeline")
    assert body["events"][0]["kind"] == "joined"


async def test_out_of_sight_is_not_there(site: ReviewSite) -> None:
    for who in (site.bearer("rita", "reviewer", room="other"), site.bearer("kim", "agent"), site.bearer("ann", "agent"),
                site.bearer("rita", "reviewer", queues=("vip",))):
        for method, path in (("GET", ""), ("GET", "/timeline"), ("GET", "/comments"), ("POST", "/heard")):
            assert await site.code(who, method, f"/recordings/{ID}{path}", {"spans": []} if method == "POST" else None) == (
                "recording_not_found"
            )
    assert await site.code(site.bearer("rita", "reviewer"), "GET", "/recordings/..%2f..%2fetc") == "recording_not_found"


async def test_heard_seconds_are_merged_and_written_down(site: ReviewSite) -> None:
    who, path = site.bearer("rita", "reviewer"), f"/recordings/{ID}/heard"
    assert (await site.ask(who, "POST", path, {"spans": [[0, 5], [10, 12]]}))[1]["seconds"] == 7
    _, body = await site.ask(who, "POST", path, {"spans": [[4, 11], [58, 99]]})
    assert body == {"seconds": 14, "spans": [[0, 12], [58, 60]]}
    for spans in ([[5, 1]], [[0, "x"]], [[0]], "x", [[0, 1]] * 65, None, [[True, 2]]):
        assert (await site.code(who, "POST", path, {"spans": spans})).startswith("bad_message spans")
    assert await site.code(who, "GET", path) == "forbidden"
    _, body = await site.ask(site.bearer("boss", "supervisor"), "GET", path)
    assert body["people"][0]["identity"] == "rita"
    assert await site.audit() == ["rita heard a1", "rita heard a1"]
    number, _, faults = await site.rig.store.audit.verify()
    assert (number, faults) == (2, ())


async def test_comments_and_who_sees_them(site: ReviewSite) -> None:
    rita, kim, path = site.bearer("rita", "reviewer"), site.bearer("kim"), f"/recordings/{ID}/comments"
    status, one = await site.ask(rita, "POST", path, {"text": "语气很好", "from": 3, "to": 5.5})
    assert (status, one["from"], one["to"], one["own"], one["shared"]) == (201, 3, 5.5, True, False)
    assert await site.code(kim, "GET", path) == "recording_not_found"
    _, changed = await site.ask(rita, "PATCH", f"{path}/{one['id']}", {"shared": True, "text": "好"})
    assert changed["shared"] and changed["edited"]
    assert await ids(site, kim) == ["a1"]
    _, reply = await site.ask(kim, "POST", path, {"text": "谢谢", "from": 3, "parent": one["id"]})
    assert reply["shared"] and reply["parent"] == one["id"]
    assert await site.code(kim, "POST", path, {"text": "x", "from": 3}) == "forbidden"
    assert await site.code(kim, "PATCH", f"{path}/{one['id']}", {"text": "x"}) == "forbidden"
    assert await site.code(kim, "POST", path, {"text": "x", "from": 3, "parent": "none"}) == "comment_not_found"
    assert await site.code(rita, "DELETE", f"{path}/{reply['id']}") == "forbidden"
    await site.ask(rita, "POST", path, {"text": "private", "from": 1})
    assert [c["text"] for c in (await site.ask(kim, "GET", path))[1]["comments"]] == ["好", "谢谢"]
    assert await site.code(site.bearer("lee"), "GET", path) == "recording_not_found"
    assert await site.code(site.bearer("boss", "supervisor"), "DELETE", f"{path}/{one['id']}") == "204"
    assert await site.code(kim, "GET", path) == "recording_not_found", "what is shared no more is out of sight again"


@pytest.mark.parametrize(
    ("body", "code"),
    [({"text": "x"}, "from"), ({"text": "x", "from": -1}, "from"), ({"text": "x", "from": 99}, "from"),
     ({"text": "x", "from": 5, "to": 4}, "to"), ({"text": "\u200b", "from": 5}, "text"), ({"from": 5}, "text"),
     ({"text": "x", "from": True}, "from")],
)
async def test_wrong_comments(site: ReviewSite, body: Any, code: str) -> None:
    who = site.bearer("rita", "reviewer")
    assert await site.code(who, "POST", f"/recordings/{ID}/comments", body) == f"bad_message {code}"


async def test_tags_holds_and_erasure(site: ReviewSite) -> None:
    rita, boss, path = site.bearer("rita", "reviewer"), site.bearer("boss", "supervisor"), f"/recordings/{ID}"
    assert (await site.ask(rita, "POST", f"{path}/tags", {"tags": ["a", "a", "b"]}))[1] == {"tags": ["a", "b"]}
    assert await ids(site, rita, "?tag=b") == ["a1"]
    for who in (rita, site.bearer("kim")):
        assert await site.code(who, "PUT", f"{path}/hold", {"reason": "x"}) == "forbidden"
        assert await site.code(who, "DELETE", path) == "forbidden"
    assert await site.code(boss, "PUT", f"{path}/hold", {"reason": "case 7"}) == "200"
    assert await site.code(boss, "DELETE", path) == "recording_held"
    assert site.shelf.erased == []
    assert await site.code(boss, "DELETE", f"{path}/hold") == "204"
    assert await site.code(boss, "DELETE", path) == "204"
    assert site.shelf.erased == [ID]
    assert await site.code(rita, "GET", path) == "recording_erased"
    assert await site.audit() == [
        "rita tagged a1", "boss held a1", "boss released a1", "boss erased a1",
    ]


async def test_exports_and_jobs(site: ReviewSite) -> None:
    rita = site.bearer("rita", "reviewer")
    status, body = await site.ask(rita, "POST", f"/recordings/{ID}/export", {"kind": "case"})
    assert (status, body["job"]["kind"]) == (202, "case")
    assert await site.code(site.bearer("rita", "reviewer", room="demo"), "GET", "/jobs/j1") == "recording_not_found"
    assert await site.code(rita, "GET", "/jobs/none") == "not_found"
    assert await site.code(site.bearer("kim"), "POST", f"/recordings/{ID}/export", {}) == "forbidden"


async def test_saved_searches(site: ReviewSite) -> None:
    rita, sam = site.bearer("rita", "reviewer"), site.bearer("sam", "reviewer")
    assert await site.code(rita, "PUT", "/searches/s1", {"name": "低分", "query": "rating=1-2"}) == "200"
    assert (await site.ask(sam, "GET", "/searches"))[1] == {"searches": []}
    await site.ask(rita, "PUT", "/searches/s1", {"name": "低分", "query": "rating=1-2", "shared": True})
    assert (await site.ask(sam, "GET", "/searches"))[1]["searches"][0]["own"] is False
    assert await site.code(sam, "PUT", "/searches/s1", {"name": "x", "query": ""}) == "forbidden"
    assert await site.code(sam, "DELETE", "/searches/s1") == "not_found"
    assert await site.code(rita, "DELETE", "/searches/s1") == "204"
