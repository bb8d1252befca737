"""Calls over HTTP: who sees which, pages, an agent's day, and what is said afterwards."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from signaling.call_records import CallEvent, CallRecord, Notes, Rating
from tests.signaling.help_site import HelpSite, close_site, open_site


@pytest.fixture
async def site() -> AsyncIterator[HelpSite]:
    site = await open_site()
    yield site
    await close_site(site)


NOW = time.time()


def call(call_id: str, ago: float = 100.0, **fields: Any) -> CallRecord:
    """Ann's call in ``demo``, which Kim answered."""
    done = {"state": "ended", "agent": "kim", "agent_name": "Kim", "answered": NOW - ago + 5, "ended": NOW - ago + 50}
    fields = {"room": "demo", "shopper": "ann", "rung": NOW - ago + 2, **done, **fields}
    return CallRecord(call_id, fields.pop("room"), fields.pop("shopper"), NOW - ago, **fields)


@pytest.fixture
async def calls(site: HelpSite) -> list[CallRecord]:
    """Kim's, another agent's, another room's, and one that nobody answered; the newest last."""
    missed = {"agent": "", "answered": None, "outcome": "abandoned"}
    made = [call("k", 400), call("l", 300, agent="lee"), call("o", 200, room="other"), call("m", 100, **missed)]
    await site.calls.save_calls(made)
    await site.calls.add_events([CallEvent("l", "whisper", NOW, "kim"), CallEvent("l", "ended", NOW, "lee", {"why": "x"})])
    return made


@pytest.mark.parametrize(
    ("who", "path", "found"),
    [
        # An agent: the own ones, wherever.
        (("kim", "agent", "demo"), "", "ok"),
        (("kim", "agent", "*"), "?agent=lee", "ok"),
        (("kim", "agent", "*"), "?room=other", "o"),
        (("lee", "agent", "*"), "", "l"),
        # Whoever oversees: all of the rooms that the token covers.
        (("sue", "supervisor", "demo"), "", "mlk"),
        (("sue", "supervisor", "*"), "", "molk"),
        (("sue", "admin", "*"), "?room=other", "o"),
        (("sue", "supervisor", "*"), "?agent=lee", "l"),
        (("sue", "supervisor", "*"), "?outcome=abandoned", "m"),
        (("sue", "supervisor", "*"), "?shopper=bob", ""),
        (("sue", "supervisor", "*"), "?open=true", ""),
        (("sue", "supervisor", "*"), "?rated=false&entry=live&queue=", "molk"),
        (("sue", "supervisor", "*"), "?since={350}&until={150}", "ol"),
    ],
)
async def test_who_sees_which(site: HelpSite, calls: list[CallRecord], who: Any, path: str, found: str) -> None:
    # In braces: so many seconds ago.
    path = re.sub(r"\{(\d+)\}", lambda ago: str(round((NOW - int(ago[1])) * 1000)), path)
    status, answer = await site.ask(site.bearer(who[0], who[1], who[2]), "GET", f"/calls{path}")
    assert (status, "".join(entry["id"] for entry in answer["calls"]), answer["next"]) == (200, found, None)


async def test_a_line_of_the_list(site: HelpSite) -> None:
    rating, notes = Rating(4, "好", "yes", NOW), Notes("退货", ("r",), "yes", NOW)
    await site.calls.save_call(call("k", wrapped=NOW - 30, hold_s=3.0, queue="vip", rating=rating, notes=notes))
    line = (await site.ask(site.bearer("kim"), "GET", "/calls"))[1]["calls"][0]
    assert line["shopper"] == {"identity": "ann", "name": "ann"} and line["agent"] == {"identity": "kim", "name": "Kim"}
    assert (line["created"], line["waited_s"], line["handle_s"]) == (round((NOW - 100) * 1000), 5.0, 65.0)
    assert line["rating"] == {"score": 4, "comment": "好", "solved": "yes", "at": round(NOW * 1000)}
    assert line["notes"] == {"note": "退货", "reasons": ["r"], "solved": "yes", "at": round(NOW * 1000)}


async def test_pages(site: HelpSite) -> None:
    await site.calls.save_calls([replace(call(f"{n:02}"), created=NOW - 100 - n // 3) for n in range(20)])
    seen: list[str] = []
    path = "/calls?limit=3"
    after = ""
    while True:
        answer = (await site.ask(site.bearer("sue", "supervisor"), "GET", path + after))[1]
        seen += [entry["id"] for entry in answer["calls"]]
        if answer["next"] is None:
            break
        after = f"&after={answer['next']}"
    assert len(seen) == 20 == len(set(seen))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "bad_message limit"),
        ("limit=201", "bad_message limit"),
        ("limit=-1", "bad_message limit"),
        ("limit=٣", "bad_message limit"),
        ("since=abc", "bad_message since"),
        ("until=99999999999999999999", "bad_message until"),
        ("open=maybe", "bad_message open"),
        ("entry=nowhere", "bad_message entry"),
        ("outcome=x", "bad_message outcome"),
        ("after=x", "bad_message after"),
        ("after=0x1p9~a", "bad_message after"),
        ("after=nan~a", "200"),
        (f"queue={'q' * 129}", "bad_message queue"),
        ("queue=a%00b", "bad_message queue"),
    ],
)
async def test_wrong_filters(site: HelpSite, query: str, code: str) -> None:
    assert await site.code(site.bearer("sue", "supervisor"), "GET", f"/calls?{query}") == code


async def test_one_call_with_all_that_happened(site: HelpSite, calls: list[CallRecord]) -> None:
    await site.calls.save_call(call("l", agent="lee", context={"product": {"id": "p"}}, text="你好"))
    status, whole = await site.ask(site.bearer("lee"), "GET", "/calls/l")
    assert status == 200
    assert [(event["kind"], event["identity"]) for event in whole["events"]] == [("whisper", "kim"), ("ended", "lee")]
    assert whole["events"][1]["detail"] == {"why": "x"}
    assert (whole["context"], whole["text"]) == ({"product": {"id": "p"}}, "你好")


@pytest.mark.parametrize(
    ("who", "path", "code"),
    [
        (("kim", "agent", "demo"), "/calls/k", "200"),
        (("kim", "agent", "demo"), "/calls/l", "200"),  # took part
        (("lee", "agent", "*"), "/calls/k", "not_in_call"),
        (("lee", "agent", "*"), "/calls/none", "call_not_found"),
        (("sue", "supervisor", "demo"), "/calls/k", "200"),
        (("sue", "supervisor", "demo"), "/calls/o", "call_not_found"),
        (("sue", "supervisor", "demo"), "/calls?room=other", "forbidden"),
        (("ann", "shopper", "demo"), "/calls/k", "forbidden"),
        (("ann", "shopper", "demo"), "/calls", "forbidden"),
        (("ann", "shopper", "demo"), "/me/day", "forbidden"),
        (("hal", "host", "demo"), "/calls", "forbidden"),
    ],
)
async def test_permissions(site: HelpSite, calls: list[CallRecord], who: Any, path: str, code: str) -> None:
    assert await site.code(site.bearer(*who), "GET", path) == code


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/calls"), ("GET", "/calls/k"), ("POST", "/calls/k/rating"), ("POST", "/calls/k/wrap_up"), ("GET", "/me/day"), ("PUT", "/me/quick_replies")],
)
async def test_everything_needs_a_token(site: HelpSite, method: str, path: str) -> None:
    assert await site.code({}, method, path, {"score": 5}) == "token_missing"
    assert await site.code(site.bearer("kim", lifetime_s=-60.0), method, path, {"score": 5}) == "token_expired"


async def test_a_shopper_rates_the_own_call(site: HelpSite, calls: list[CallRecord]) -> None:
    ann = site.bearer("ann", "shopper", "demo")
    assert await site.code(ann, "POST", "/calls/k/rating", {"score": 4, "comment": " 还\u202e行\x00 ", "solved": "no"}) == "204"
    first = await site.calls.call("k")
    assert first is not None and first.rating is not None
    assert (first.rating.score, first.rating.comment, first.rating.solved) == (4, "还行", "no")
    assert await site.code(ann, "POST", "/calls/k/rating", {"score": 5}) == "204"
    found = await site.calls.call("k")
    assert found is not None and found.rating is not None
    assert (found.rating.score, found.rating.comment, found.rating.solved) == (5, "", None)
    assert found.rating.at == pytest.approx(time.time(), abs=60)
    assert [event.kind for event in await site.calls.events("k")] == ["rated", "rated"]


async def test_what_cannot_be_rated(site: HelpSite, calls: list[CallRecord]) -> None:
    day = 24 * 3600.0
    late = call("late", day + 100, ended=NOW - day - 10)
    await site.calls.save_calls([late, call("soon", day + 100, ended=NOW - day + 3600), call("on", ended=None, state="active")])
    cases: list[tuple[Any, str, Any, str]] = [
        (("ann", "shopper", "demo"), "late", {"score": 5}, "rating_closed"),
        (("ann", "shopper", "demo"), "soon", {"score": 5}, "204"),
        (("ann", "shopper", "demo"), "on", {"score": 5}, "wrong_state"),
        (("ann", "shopper", "demo"), "m", {"score": 1}, "204"),  # waited in vain
        (("ann", "shopper", "demo"), "o", {"score": 5}, "not_in_call"),
        (("ann", "shopper", "other"), "o", {"score": 5}, "204"),
        (("bob", "shopper", "demo"), "k", {"score": 5}, "not_in_call"),
        (("kim", "agent", "demo"), "k", {"score": 5}, "not_in_call"),
        (("sue", "admin", "*"), "k", {"score": 5}, "not_in_call"),
        (("ann", "shopper", "demo"), "none", {"score": 5}, "call_not_found"),
        (("ann", "shopper", "demo"), "k", {}, "bad_message score"),
        (("ann", "shopper", "demo"), "k", {"score": 6}, "bad_message score"),
        (("ann", "shopper", "demo"), "k", {"score": 4.5}, "bad_message score"),
        (("ann", "shopper", "demo"), "k", {"score": 5, "comment": "x" * 1001}, "bad_message comment"),
        (("ann", "shopper", "demo"), "k", {"score": 5, "solved": "unknown"}, "bad_message solved"),
    ]
    for who, path, body, code in cases:
        assert await site.code(site.bearer(*who), "POST", f"/calls/{path}/rating", body) == code, (who, path, body)


async def test_notes_are_amended(site: HelpSite, calls: list[CallRecord]) -> None:
    kim = site.bearer("kim")
    status, answer = await site.ask(kim, "POST", "/calls/k/wrap_up", {"note": "退\u200b货", "reasons": ["a", "\u200b"], "solved": "yes"})
    assert status == 200 and answer["call"]["notes"]["note"] == "退货"
    assert await site.code(site.bearer("sue", "supervisor", "demo"), "POST", "/calls/k/wrap_up", {"note": "二"}) == "200"
    found = await site.calls.call("k")
    assert found is not None and (found.notes.note, found.notes.reasons, found.notes.solved) == ("二", (), "unknown")
    events = await site.calls.events("k")
    assert [(event.identity, event.detail["note"]) for event in events] == [("kim", "退货"), ("sue", "二")]


async def test_what_cannot_be_noted(site: HelpSite, calls: list[CallRecord]) -> None:
    await site.calls.save_calls([call("late", 90_000, ended=NOW - 86_500), call("on", ended=None, state="active")])
    cases: list[tuple[Any, str, Any, str]] = [
        (("lee", "agent", "*"), "k", {}, "not_in_call"),
        (("kim", "agent", "*"), "l", {}, "not_in_call"),
        (("ann", "shopper", "demo"), "k", {}, "forbidden"),
        (("sue", "supervisor", "demo"), "o", {}, "call_not_found"),
        (("kim", "agent", "*"), "late", {}, "call_ended"),
        (("sue", "supervisor", "*"), "m", {"note": "called back"}, "200"),
        (("sue", "supervisor", "*"), "on", {}, "wrong_state"),
        (("kim", "agent", "*"), "k", {"note": "x" * 4001}, "bad_message note"),
        (("kim", "agent", "*"), "k", {"reasons": ["x"] * 9}, "bad_message reasons"),
        (("kim", "agent", "*"), "k", {"reasons": ["x" * 41]}, "bad_message reasons[0]"),
        (("kim", "agent", "*"), "k", {"solved": "maybe"}, "bad_message solved"),
    ]
    for who, path, body, code in cases:
        assert await site.code(site.bearer(*who), "POST", f"/calls/{path}/wrap_up", body) == code, (who, path)


async def test_calls_that_are_still_held_go_to_who_holds_them(site: HelpSite, calls: list[CallRecord]) -> None:
    site.live.held.add("k")
    assert await site.code(site.bearer("ann", "shopper", "demo"), "POST", "/calls/k/rating", {"score": 3}) == "204"
    assert await site.code(site.bearer("kim"), "POST", "/calls/k/wrap_up", {"note": "n"}) == "200"
    assert site.live.told == [("k", "ann", 3), ("k", "kim", "n")]
    found = await site.calls.call("k")
    assert found is not None and found.rating is None, "whoever holds it writes it"


async def test_an_agents_own_day(site: HelpSite) -> None:
    noon = datetime(2026, 11, 10, 12, tzinfo=UTC).timestamp()
    own = replace(call("a"), created=noon, rung=noon + 1, answered=noon + 4, ended=noon + 60, wrapped=noon + 64)
    late = replace(own, id="b", created=noon + 11 * 3600, rung=None, rating=Rating(5), queue="vip", shopper_name="安")
    await site.calls.save_calls([replace(own, rating=Rating(2), notes=Notes("n")), late, replace(own, id="c", agent="lee")])
    path = "/me/day?date=2026-11-10&timezone="
    day = (await site.ask(site.bearer("kim"), "GET", f"{path}UTC"))[1]
    assert {key: day[key] for key in ("date", "calls", "asa_s", "csat", "rated", "solved")} == {
        "date": "2026-11-10", "calls": 2, "asa_s": 3.0, "csat": 3.5, "rated": 2, "solved": 0,
    }
    assert [entry["id"] for entry in day["list"]] == ["b", "a"]
    assert day["list"][1] == {
        "id": "a", "at": round(noon * 1000), "shopper": "ann", "queue": "", "outcome": None, "handle_s": 60.0,
        "score": 2, "note": "n",
    }
    # In Shanghai the second one was on the next day.
    assert (await site.ask(site.bearer("kim"), "GET", f"{path}Asia/Shanghai"))[1]["calls"] == 1
    assert (await site.ask(site.bearer("kim"), "GET", "/me/day"))[1]["calls"] == 0
    assert (await site.ask(site.bearer("nobody"), "GET", "/me/day"))[1]["asa_s"] is None
    for query, field in (("timezone=Nowhere", "timezone"), ("timezone=../x", "timezone"), ("date=tomorrow", "date"), ("date=1999-01-01", "date")):
        assert await site.code(site.bearer("kim"), "GET", f"/me/day?{query}") == f"bad_message {field}"


async def test_an_agents_own_quick_replies(site: HelpSite) -> None:
    kim, lee = site.bearer("kim"), site.bearer("lee", room="demo")
    path = "/me/quick_replies"
    assert await site.ask(kim, "GET", path) == (200, {"replies": None, "updated": None})
    asked = {"replies": ["  您好，{name} ", "a\nb", "您好，{name}", "\u202e"]}
    status, kept = await site.ask(kim, "PUT", path, asked)
    assert (status, kept["replies"]) == (200, ["您好，{name}", "a\nb"])
    assert kept["updated"] >= NOW * 1000 - 1
    assert await site.ask(kim, "GET", path) == (200, kept)
    assert (await site.ask(lee, "GET", path))[1]["replies"] is None
    full = [f"{number:02}" + "\U0001f600" * 298 for number in range(50)]
    assert (await site.ask(kim, "PUT", path, {"replies": full}))[1]["replies"] == full
    assert (await site.ask(kim, "PUT", path, {"replies": []}))[1]["replies"] == []
    assert (await site.ask(kim, "PUT", path, {"replies": None}))[1] == {"replies": None, "updated": None}


@pytest.mark.parametrize(
    ("role", "body", "code"),
    [
        ("shopper", {"replies": []}, "forbidden"),
        ("agent", {}, "bad_message replies"),
        ("agent", {"replies": "x"}, "bad_message replies"),
        ("agent", {"replies": [""]}, "bad_message replies[0]"),
        ("agent", {"replies": ["a", "x" * 301]}, "bad_message replies[1]"),
        ("agent", {"replies": [str(number) for number in range(51)]}, "bad_message replies"),
        ("agent", {"replies": ["\udc00"]}, "bad_message replies[0]"),
        ("agent", {"replies": ["x"], "more": "x" * 200_000}, "message_too_large"),
    ],
)
async def test_quick_replies_that_are_refused(site: HelpSite, role: Any, body: Any, code: str) -> None:
    who = site.bearer("kim", role, room="demo")
    assert await site.code(who, "PUT", "/me/quick_replies", body) == code


async def test_a_database_that_is_gone(site: HelpSite, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(site.calls, "calls", fail)
    status, text, headers = await site.text(site.bearer("kim"), "GET", "/calls")
    assert status == 503 and "store_unavailable" in text and int(headers["Retry-After"]) >= 1


async def test_nobodys_cache_keeps_it(site: HelpSite) -> None:
    for path in ("/calls", "/me/day"):
        assert (await site.text(site.bearer("kim"), "GET", path))[2]["Cache-Control"] == "no-store"
