"""Queues, callbacks and key figures over HTTP."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from signaling.call_records import CallbackRecord, CallRecord, QueueRecord
from signaling.kpi import FIGURES
from tests.signaling.help_site import HelpSite, close_site, open_site


@pytest.fixture
async def site() -> AsyncIterator[HelpSite]:
    site = await open_site()
    yield site
    await close_site(site)


# --- queues ----------------------------------------------------------------------------------------------------------


async def test_life_of_a_queue(site: HelpSite) -> None:
    admin, agent = site.bearer("a", "admin"), site.bearer("kim")
    assert (await site.ask(agent, "GET", "/queues"))[1] == {"queues": []}
    body = {"title": "贵宾", "title_en": "VIP", "skills": ["gold"], "languages": ["zh", "en"], "hours": "Mon-Fri 09:00-18:00",
            "timezone": "Asia/Tokyo", "ring_s": 20, "max_waiting": 5, "max_wait_s": 600, "priority": 9}
    assert await site.ask(admin, "PUT", "/queues/vip", body) == (201, {"name": "vip", **body})
    assert (await site.ask(admin, "PUT", "/queues/vip", {}))[0] == 200
    assert (await site.ask(admin, "PUT", "/queues/vip", body))[0] == 200
    assert (await site.ask(agent, "GET", "/queues/vip"))[1]["title"] == "贵宾"
    assert (await site.calls.queues())[0].skills == ("gold",)
    assert (await site.ask(admin, "PUT", "/queues/all", {}))[0] == 201
    assert (await site.ask(admin, "DELETE", "/queues/vip"))[0] == 204
    assert await site.code(admin, "DELETE", "/queues/vip") == "queue_unknown"
    assert await site.code(agent, "GET", "/queues/vip") == "queue_unknown"
    assert site.live.told == [["vip"], ["vip"], ["vip"], ["all", "vip"], ["all"]]


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("-x", {}, "bad_message name"),
        ("x" * 65, {}, "bad_message name"),
        ("x", {"hours": "Mon-Fri"}, "bad_message hours"),
        ("x", {"hours": "Xyz 09:00-10:00"}, "bad_message hours"),
        ("x", {"timezone": "Nowhere"}, "bad_message timezone"),
        ("x", {"ring_s": 1}, "bad_message ring_s"),
        ("x", {"priority": 11}, "bad_message priority"),
        ("x", {"max_waiting": -1}, "bad_message max_waiting"),
        ("x", {"skills": ["x"] * 17}, "bad_message skills"),
        ("x", {"skills": ["a\u200bb"]}, "bad_message skills"),
        ("x", {"skills": "gold"}, "bad_message skills"),
    ],
)
async def test_wrong_queues(site: HelpSite, name: str, body: Any, code: str) -> None:
    assert await site.code(site.bearer("a", "admin"), "PUT", f"/queues/{name}", body) == code
    assert await site.calls.queues() == [] == site.live.told


async def test_queues_are_bounded(site: HelpSite) -> None:
    for number in range(200):
        await site.calls.save_queue(QueueRecord(f"q{number}"))
    assert await site.code(site.bearer("a", "admin"), "PUT", "/queues/more", {}) == "bad_message name"
    assert await site.code(site.bearer("a", "admin"), "PUT", "/queues/q7", {}) == "200"


# --- callbacks -------------------------------------------------------------------------------------------------------


async def test_callbacks(site: HelpSite) -> None:
    full = CallbackRecord("b1", "ann", 1.0, 50.0, "demo", "安", "vip", "c1", "+86 1", "晚上", "zh-CN")
    for record in (full, CallbackRecord("b2", "bob", 2.0, 40.0, "other")):
        await site.calls.save_callback(record)
    everywhere, here = site.bearer("kim"), site.bearer("lee", room="demo")

    async def ids(who: dict[str, str], query: str = "") -> str:
        return "".join(entry["id"] for entry in (await site.ask(who, "GET", f"/callbacks{query}"))[1]["callbacks"])

    assert (await ids(everywhere), await ids(here), await ids(everywhere, "?room=demo")) == ("b2b1", "b1", "b1")
    assert await ids(site.bearer("sue", "supervisor", "other")) == "b2"
    shown = (await site.ask(here, "GET", "/callbacks"))[1]["callbacks"][0]
    assert shown == {"id": "b1", "identity": "ann", "name": "安", "room": "demo", "queue": "vip", "call": "c1", "created": 1000,
                     "at": 50000, "phone": "+86 1", "note": "晚上", "language": "zh-CN", "done": None, "done_by": None}
    done = (await site.ask(here, "POST", "/callbacks/b1/done"))[1]["callback"]
    assert done["done_by"] == "lee" and done["done"] == pytest.approx(time.time() * 1000, abs=60_000)
    assert (await site.ask(everywhere, "POST", "/callbacks/b1/done"))[1]["callback"] == done
    assert (await ids(here), await ids(here, "?done=yes"), await ids(everywhere, "?done=all")) == ("", "b1", "b2b1")
    assert (await ids(everywhere, "?done=all&limit=1"), await ids(everywhere, "?done=all&queue=vip")) == ("b2", "b1")


# --- figures ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def figures(site: HelpSite) -> float:
    """One call in each of two rooms; gives the moment."""
    at = datetime(2026, 11, 10, 12, tzinfo=UTC).timestamp()
    for room, agent in (("demo", "kim"), ("other", "=1+1")):
        await site.calls.save_call(CallRecord(room, room, "ann", at, state="ended", agent=agent, answered=at + 9, ended=at + 60))
    return at


KPI = "/kpi?from=2026-11-09&to=2026-11-11&timezone=UTC"


@pytest.mark.parametrize(
    ("role", "room", "query", "asked"),
    [
        ("supervisor", "*", "", 2),
        ("supervisor", "demo", "", 1),
        ("admin", "*", "&room=other", 1),
        ("supervisor", "*", "&room=none", 0),
        ("supervisor", "*", "&queue=vip", 0),
    ],
)
async def test_figures_of_the_rooms_that_one_oversees(
    site: HelpSite, figures: float, role: Any, room: str, query: str, asked: int
) -> None:
    status, report = await site.ask(site.bearer("sue", role, room), "GET", KPI + query)
    assert (status, report["total"]["asked"]) == (200, asked)
    assert [row["key"] for row in report["rows"]] == ["2026-11-09", "2026-11-10", "2026-11-11"]
    assert [figure["key"] for figure in report["figures"]] == [figure.key for figure in FIGURES]
    assert report["figures"][0]["title"] == "Asked"


async def test_figures_as_csv(site: HelpSite, figures: float) -> None:
    status, text, headers = await site.text(site.bearer("sue", "supervisor"), "GET", f"{KPI}&by=agent&format=csv")
    assert status == 200 and text.startswith("\ufeff")
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["Content-Disposition"] == 'attachment; filename="kpi-agent-2026-11-09-2026-11-11.csv"'
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert [row[0] for row in rows] == ["Agent", "Definition", "'=1+1", "kim", "Total"]
    _, text, _ = await site.text(site.bearer("sue", "supervisor"), "GET", f"{KPI}&by=day&format=csv&locale=zh-CN")
    assert text.startswith("\ufeff日期,求助次数 (次),")


async def test_figures_of_the_last_week_by_default(site: HelpSite) -> None:
    report = (await site.ask(site.bearer("sue", "supervisor"), "GET", "/kpi"))[1]
    assert (len(report["rows"]), report["timezone"], report["by"]) == (7, "Asia/Shanghai", "day")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-11-11&to=2026-11-10", "from"),
        ("from=2024-11-11&to=2026-11-10", "from"),
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("by=mood", "by"),
        ("format=xml", "format"),
        ("timezone=Nowhere", "timezone"),
        ("timezone=/etc/passwd", "timezone"),
    ],
)
async def test_wrong_questions(site: HelpSite, query: str, field: str) -> None:
    assert await site.code(site.bearer("sue", "supervisor"), "GET", f"/kpi?{query}") == f"bad_message {field}"


# --- permissions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "method", "path", "code"),
    [
        (("ann", "shopper", "demo"), "GET", "/queues", "forbidden"),
        (("ann", "shopper", "demo"), "GET", "/queues/x", "forbidden"),
        (("kim", "agent", "*"), "PUT", "/queues/x", "forbidden"),
        (("sue", "supervisor", "demo"), "PUT", "/queues/x", "forbidden"),
        (("sue", "supervisor", "*"), "PUT", "/queues/x", "201"),
        (("sue", "supervisor", "demo"), "DELETE", "/queues/x", "forbidden"),
        (("ann", "shopper", "demo"), "GET", "/callbacks", "forbidden"),
        (("hal", "host", "demo"), "GET", "/callbacks", "forbidden"),
        (("kim", "agent", "demo"), "GET", "/callbacks?room=other", "forbidden"),
        (("ann", "shopper", "demo"), "POST", "/callbacks/b/done", "forbidden"),
        (("kim", "agent", "other"), "POST", "/callbacks/b/done", "not_found"),
        (("kim", "agent", "demo"), "POST", "/callbacks/none/done", "not_found"),
        (("kim", "agent", "*"), "GET", "/kpi", "forbidden"),
        (("ann", "shopper", "demo"), "GET", "/kpi", "forbidden"),
        (("sue", "supervisor", "demo"), "GET", "/kpi?room=other", "forbidden"),
    ],
)
async def test_permissions(site: HelpSite, who: Any, method: str, path: str, code: str) -> None:
    await site.calls.save_callback(CallbackRecord("b", "ann", 1.0, 50.0, "demo"))
    body: Any = {} if method == "PUT" else None
    assert await site.code(site.bearer(*who), method, path, body) == code
    assert await site.code({}, method, path, body) == "token_missing"
