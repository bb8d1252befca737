"""Scorecards, the life of a review, blind calibration and the audit: over HTTP, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from signaling import review_tables as t
from signaling.cli import main
from signaling.recording_records import RecordingRecord
from signaling.store import Store
from tests.signaling.fakes import config, make_rig
from tests.signaling.help_site import close_site
from tests.signaling.review_site import ID, OTHER, ReviewSite, open_review

GOOD: list[dict[str, Any]] = [{"question": name, "value": 5} for name in ("confirm", "calm", "solution", "close")]
FULL: list[dict[str, Any]] = [*GOOD, {"question": "privacy", "value": 1, "comment": "", "spans": [[1, 2.5]]}]
CARD: dict[str, Any] = {"title": "新", "base": 1, "questions": [{"id": "a", "text": "问", "points": 5}]}


@pytest.fixture
async def site(database_url: str) -> AsyncIterator[ReviewSite]:
    found = await open_review(await make_rig(config(store__url=database_url)))
    yield found
    await close_site(found)


async def draft(site: ReviewSite, who: dict[str, str], **fields: Any) -> dict[str, Any]:
    status, body = await site.ask(who, "POST", f"/recordings/{ID}/reviews", {"template": "call", "version": 1, **fields})
    assert status in (200, 201), body
    found: dict[str, Any] = body
    return found


async def submitted(site: ReviewSite, who: dict[str, str], answers: Any = FULL, **fields: Any) -> dict[str, Any]:
    one = await draft(site, who, **fields)
    status, body = await site.ask(who, "POST", f"/reviews/{one['id']}/submit", {"version": 1, "answers": answers})
    assert status == 200, body
    found: dict[str, Any] = body
    return found


async def test_templates_have_versions(site: ReviewSite) -> None:
    boss, rita = site.bearer("boss", "supervisor"), site.bearer("rita", "reviewer")
    path = "/scorecards/templates"
    _, body = await site.ask(rita, "GET", path)
    assert [(one["id"], one["version"], one["title_en"]) for one in body["templates"]] == [("call", 1, "Service call")]
    assert await site.code(rita, "PUT", f"{path}/call", CARD) == "forbidden"
    assert await site.code(site.bearer("boss", "supervisor", room="demo"), "PUT", f"{path}/call", CARD) == "forbidden"
    _, made = await site.ask(boss, "PUT", f"{path}/call", CARD)
    assert (made["version"], made["by"], made["questions"][0]["weight"]) == (2, "boss", 1.0)
    assert await site.code(boss, "PUT", f"{path}/call", CARD) == "template_changed"
    assert (await site.ask(rita, "GET", f"{path}/call?version=1"))[1]["title_en"] == "Service call"
    assert (await site.ask(rita, "GET", f"{path}/call"))[1]["title"] == "新"
    assert await site.code(rita, "GET", f"{path}/none") == "template_not_found"
    wrong = {**CARD, "base": 0, "questions": [{"id": "a", "text": "x", "weight": 0}]}
    assert await site.code(boss, "PUT", f"{path}/new", wrong) == "bad_message questions[0].weight"
    assert await site.code(boss, "PUT", f"{path}/new", {**CARD, "base": 0, "questions": []}) == "bad_message questions"


async def test_a_review_from_draft_to_the_end(site: ReviewSite) -> None:
    rita, kim, boss = site.bearer("rita", "reviewer"), site.bearer("kim"), site.bearer("boss", "supervisor")
    one = await draft(site, rita)
    path = f"/reviews/{one['id']}"
    assert (one["state"], one["agent"], one["score"], len(one["missing"])) == ("draft", "kim", None, 5)
    assert (await draft(site, rita))["id"] == one["id"], "the same that was begun"
    assert await site.code(kim, "GET", path) == "review_not_found"
    assert await site.code(boss, "GET", path) == "review_not_found", "a draft is its writer's"
    low = [*GOOD[:3], {"question": "close", "value": 1}]
    _, saved = await site.ask(rita, "PUT", path, {"version": 1, "answers": low, "summary": "还行"})
    assert saved["missing"] == ["close", "privacy"] and saved["score"] == 84.0
    assert await site.code(rita, "POST", f"{path}/submit", {"version": 1}) == "comment_required close"
    assert await site.code(rita, "POST", f"{path}/submit", {"version": 1, "answers": GOOD}) == "answer_invalid privacy"
    assert await site.code(rita, "POST", f"{path}/submit", {"version": 2, "answers": FULL}) == "template_changed"
    _, done = await site.ask(rita, "POST", f"{path}/submit", {"version": 1, "answers": FULL})
    assert (done["state"], done["score"], done["passed"], done["summary"]) == ("submitted", 100.0, True, "还行")
    assert await site.code(rita, "PUT", path, {"version": 1, "answers": []}) == "review_submitted"
    _, seen = await site.ask(kim, "GET", "/recordings")
    assert [(row["id"], row["score"]) for row in seen["recordings"]] == [(ID, 100.0)]
    assert (await site.ask(kim, "GET", path))[1]["answers"][4]["spans"] == [[1, 2.5]]
    assert await site.code(site.bearer("lee"), "GET", path) == "review_not_found"
    assert await site.code(rita, "POST", f"{path}/appeal", {"comment": "x"}) == "review_not_yours"
    assert await site.code(kim, "POST", f"{path}/appeal", {}) == "bad_message comment"
    assert (await site.ask(kim, "POST", f"{path}/appeal", {"comment": "不公平"}))[1]["state"] == "appealed"
    assert await site.code(kim, "POST", f"{path}/resolve", {"upheld": True, "comment": "x"}) == "review_not_yours"
    worse: list[dict[str, Any]] = [{**answer, "value": 0} if answer["question"] == "privacy" else answer for answer in FULL]
    changed = {"upheld": False, "comment": "改", "answers": [*worse[:4], {**worse[4], "comment": "问了密码"}]}
    _, resolved = await site.ask(boss, "POST", f"{path}/resolve", changed)
    assert (resolved["state"], resolved["score"], resolved["failed"]) == ("resolved", 0.0, True)
    assert [step["what"] for step in resolved["history"]] == ["submitted", "appealed", "changed"]
    assert (await site.ask(kim, "POST", f"{path}/acknowledge", {}))[1]["state"] == "acknowledged"
    _, listed = await site.ask(kim, "GET", "/reviews")
    assert [row["state"] for row in listed["reviews"]] == ["acknowledged"]
    assert (await site.ask(rita, "GET", f"/recordings/{ID}"))[1]["score"] == 0.0


async def test_a_template_that_changes_in_mid_review_overwrites_nothing(site: ReviewSite) -> None:
    boss, rita = site.bearer("boss", "supervisor"), site.bearer("rita", "reviewer")
    one = await draft(site, rita, answers=GOOD)
    await site.ask(boss, "PUT", "/scorecards/templates/call", CARD)
    path = f"/reviews/{one['id']}"
    newer = {"version": 2, "answers": [{"question": "a", "value": 5}]}
    for method, where in (("PUT", path), ("POST", f"{path}/submit")):
        assert await site.code(rita, method, where, newer) == "template_changed"
    assert (await site.ask(rita, "GET", path))[1]["score"] == 100.0
    assert (await site.ask(rita, "POST", f"{path}/submit", {"version": 1, "answers": FULL}))[1]["version"] == 1
    body = {"template": "call", "version": 1}
    assert await site.code(site.bearer("sam", "reviewer"), "POST", f"/recordings/{ID}/reviews", body) == "template_changed"


@pytest.mark.parametrize(
    ("answers", "code"),
    [("x", "bad_message answers"), ([1], "bad_message answers[0]"), ([{"question": "confirm"}], "answer_invalid confirm"),
     ([{"question": "confirm", "value": 6}], "answer_invalid confirm"), ([{"question": "z", "value": 1}], "answer_invalid z"),
     ([{"question": "calm", "value": True}], "answer_invalid calm"),
     ([{"question": "calm", "value": 5, "spans": [[0, 999]]}], "answer_invalid calm"),
     ([{"question": "calm", "value": 5, "spans": [["a", 1]]}], "answer_invalid calm")],
)
async def test_wrong_answers(site: ReviewSite, answers: Any, code: str) -> None:
    body = {"template": "call", "version": 1, "answers": answers}
    assert await site.code(site.bearer("rita", "reviewer"), "POST", f"/recordings/{ID}/reviews", body) == code


async def test_who_may_review(site: ReviewSite) -> None:
    body = {"template": "call", "version": 1}
    path = f"/recordings/{ID}/reviews"
    assert await site.code(site.bearer("kim"), "POST", path, body) == "forbidden"
    assert await site.code(site.bearer("kim", "supervisor"), "POST", path, body) == "review_not_yours", "not of oneself"
    assert await site.code(site.bearer("rita", "reviewer", room="other"), "POST", path, body) == "recording_not_found"
    assert await site.code(site.bearer("rita", "reviewer"), "POST", path, {**body, "agent": "ann"}) == "bad_message agent"
    assert await site.code(site.bearer("rita", "reviewer"), "POST", path, {**body, "template": "x"}) == "template_not_found"


async def test_calibration_is_blind_until_all_have_submitted(site: ReviewSite) -> None:
    rita, sam, boss = site.bearer("rita", "reviewer"), site.bearer("sam", "reviewer"), site.bearer("boss", "supervisor")
    wanted = {"recording": ID, "template": "call", "reviewers": ["rita", "sam"]}
    assert await site.code(rita, "POST", "/calibrations", wanted) == "forbidden"
    assert await site.code(boss, "POST", "/calibrations", {**wanted, "reviewers": ["rita"]}) == "bad_message reviewers"
    _, group = await site.ask(boss, "POST", "/calibrations", wanted)
    assert await site.code(boss, "POST", f"/recordings/{ID}/reviews", {"template": "call", "version": 1, "calibration": group["id"]}) == "review_not_yours"
    first = await submitted(site, rita, calibration=group["id"])
    for who in (sam, boss):
        _, body = await site.ask(who, "GET", f"/calibrations/{group['id']}")
        assert not body["complete"] and "reviews" not in body and "agreement" not in body
        assert await site.code(who, "GET", f"/reviews/{first['id']}") == "review_not_found"
        assert (await site.ask(who, "GET", f"/recordings/{ID}/reviews"))[1] == {"reviews": []}
    answers: list[dict[str, Any]] = [{**FULL[0], "value": 3}, {"question": "calm", "value": None}, *FULL[2:]]
    await submitted(site, sam, answers, calibration=group["id"])
    _, body = await site.ask(rita, "GET", f"/calibrations/{group['id']}")
    assert body["complete"] and len(body["reviews"]) == 2
    assert body["agreement"]["questions"][0] == {"question": "confirm", "values": {"rita": 5, "sam": 3}, "spread": 0.4}
    assert body["agreement"]["kappa"] == [{"reviewers": ["rita", "sam"], "kappa": 0.0}]
    assert body["agreement"]["alpha"] == 0.0
    _, listed = await site.ask(boss, "GET", "/calibrations")
    assert listed["agreement"] == {"call": {"alpha": 0.0, "calibrations": 1}}
    assert (await site.ask(site.bearer("kim"), "GET", "/recordings"))[1]["recordings"] == [], "not shared with the agent"
    assert (await site.ask(rita, "GET", f"/recordings/{ID}"))[1]["score"] is None, "and not counted"
    assert await site.code(site.bearer("x", "reviewer"), "GET", f"/calibrations/{group['id']}") == "not_found"


async def test_an_open_appeal_keeps_a_recording(site: ReviewSite) -> None:
    store = site.rig.store.recordings
    await store.set_state(ID, "ready", expires=5.0)
    await store.set_state(OTHER, "ready", expires=5.0)
    one = await submitted(site, site.bearer("rita", "reviewer"))
    await site.ask(site.bearer("kim"), "POST", f"/reviews/{one['id']}/appeal", {"comment": "x"})
    assert [record.id for record in await store.expired(10.0)] == [OTHER]


async def test_the_audit_over_http(site: ReviewSite) -> None:
    boss = site.bearer("boss", "supervisor")
    await submitted(site, site.bearer("rita", "reviewer"))
    for who in (site.bearer("rita", "reviewer"), site.bearer("boss", "supervisor", room="demo"), site.bearer("kim")):
        assert await site.code(who, "GET", "/audit") == "forbidden"
    _, page = await site.ask(boss, "GET", "/audit?limit=1")
    assert (page["entries"][0]["action"], page["next"], page["head"]["number"]) == ("review_submit", "2", 2)
    _, rest = await site.ask(boss, "GET", f"/audit?limit=1&after={page['next']}&actor=rita&recording={ID}")
    assert (rest["entries"][0]["action"], rest["next"]) == ("review_begun", None)


# --- the chain in the database ---------------------------------------------------------------------------------------


@pytest.fixture
async def kept(database_url: str) -> AsyncIterator[Store]:
    store = Store(database_url, lambda: 1000.5)
    await store.open()
    for number in range(5):
        await store.audit.add("rita", "丽\x00😀", "heard", ID, spans=[[number, number + 0.1]], note="a\x00")
    yield store
    await store.close()


async def test_the_database_refuses_to_forget(kept: Store) -> None:
    for statement in (t.audit_table.delete(), t.audit_table.update().values(actor="eve")):
        with pytest.raises(SQLAlchemyError, match="append-only"):
            async with kept._database.write() as connection:
                await connection.execute(statement)
    assert (await kept.audit.verify())[2] == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (t.audit_table.update().where(t.audit_table.c.number == 3).values(actor="eve"), [(3, "changed")]),
        (t.audit_table.update().where(t.audit_table.c.number == 2).values(detail="{}"), [(2, "changed")]),
        (t.audit_table.delete().where(t.audit_table.c.number == 4), [(4, "removed")]),
        (t.audit_table.delete().where(t.audit_table.c.number == 5), [(5, "removed")]),
        (t.audit_table.delete().where(t.audit_table.c.number == 1), [(1, "removed")]),
    ],
)
async def test_what_was_done_behind_its_back_shows(kept: Store, change: Any, expected: Any) -> None:
    await _unlock(kept)
    async with kept._database.write() as connection:
        await connection.execute(change)
    _, _, faults = await kept.audit.verify()
    assert [(fault.number, fault.problem) for fault in faults][:1] == expected


async def _unlock(store: Store) -> None:
    """What somebody with the database's own rights would do."""
    names = ("review_audit_no_update", "review_audit_no_delete")
    statements = [f"DROP TRIGGER {name}" for name in names]
    if not store._database.is_sqlite:
        statements = ["DROP TRIGGER review_audit_keep ON review_audit"]
    async with store._database.write() as connection:
        for statement in statements:
            await connection.execute(sa.text(statement))


async def test_lines_that_are_added_at_once_follow_each_other(kept: Store) -> None:
    import asyncio

    await asyncio.gather(*(kept.audit.add("a", "", "opened", ID) for _ in range(8)))
    number, last, faults = await kept.audit.verify()
    assert (number, faults) == (13, ())
    assert await kept.audit.head() == (13, last)


async def test_the_command(kept: Store, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    import asyncio

    def run(*more: str) -> int:
        return main(["audit", "verify", "--store-url", database_url, *more])

    _, head = await kept.audit.head()
    assert await asyncio.to_thread(run, "--head", head) == 0
    assert f"5 lines, all as they were written; the last hash is {head}" in capsys.readouterr().out
    assert await asyncio.to_thread(run, "--head", "f" * 64) == 1
    await _unlock(kept)
    async with kept._database.write() as connection:
        await connection.execute(t.audit_table.update().where(t.audit_table.c.number == 3).values(action="x"))
    assert await asyncio.to_thread(run) == 1
    assert "line 3: changed" in capsys.readouterr().out
    assert await asyncio.to_thread(main, ["audit", "verify", "--store-url", "sqlite:////nowhere/x.db"]) == 2


async def test_a_recording_without_an_agent_can_be_reviewed(site: ReviewSite) -> None:
    stage = RecordingRecord("r00000000000000b1", "demo", "stage", 30.0, duration_s=9.0, state="ready")
    await site.rig.store.recordings.save_recording(stage)
    body = {"template": "call", "version": 1}
    assert await site.code(site.bearer("rita", "reviewer"), "POST", f"/recordings/{stage.id}/reviews", body) == "201"
