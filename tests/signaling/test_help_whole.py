"""The whole Node with its database: one call from asking to the figures, across a restart; and what the wall says then.

On SQLite and on PostgreSQL.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from signaling.call_records import CallEvent, CallRecord, Rating
from signaling.help_today import ZONE, Today
from signaling.hub import Hub
from signaling.kpi import Question, values
from signaling.store import Store
from tests.signaling.conftest import MakeSite, Site
from tests.signaling.fakes import config
from tests.signaling.help_steps import agent, call_state, shopper, talking


async def _read(site: Site, path: str, role: Any = "supervisor", identity: str = "boss") -> Any:
    headers = {"Authorization": f"Bearer {site.token(identity, role, room='*')}", "Accept-Language": "en"}
    async with site.http.get(f"/api/v1{path}", headers=headers) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_from_asking_to_the_figures_across_a_restart(make_site: MakeSite, database_url: str) -> None:
    settings = config(store__url=database_url)
    first = await make_site(settings)
    customer, console, desk, call = await talking(first)
    said = (await customer.ok("call_say", call=call, text="它连不上 😀"))["message"]
    await console.ok("call_say", call=call, article={"title": "怎么装", "url": "https://shop.example/how"})
    link = (await desk.ok("call_link", topic="again"))["link"]["id"]
    await customer.ok("end_call", call=call, reason="thanks")
    await console.ok("wrap_up", call=call, note="装好了", reasons=["pairing"], solved="yes", done=True)
    await customer.ok("rate_call", call=call, score=5, comment="快", solved="yes")
    waiting, _ = await shopper(first, "second")
    left = (await waiting.ok("help", text="later"))["call"]["id"]
    told = first.hub.helping.line.wall(first.hub.clock())
    await first.hub.close()
    await first.store.close()

    site = await make_site(settings)
    assert [entry["id"] for entry in (await _read(site, "/calls"))["calls"]] == [left, call]
    whole = await _read(site, f"/calls/{call}")
    assert (whole["state"], whole["outcome"], whole["end_reason"]) == ("ended", "completed", "thanks")
    assert (whole["notes"]["note"], whole["notes"]["reasons"], whole["rating"]["score"]) == ("装好了", ["pairing"], 5)
    messages = [event["detail"] for event in whole["events"] if event["kind"] == "message"]
    assert (messages[0]["id"], messages[0]["text"]) == (said["id"], said["text"])
    assert messages[1]["article"]["title"] == "怎么装"
    day = await _read(site, "/me/day", "agent", "agent")
    assert (day["calls"], day["csat"], day["list"][0]["note"]) == (1, 5.0, "装好了")
    figures = (await _read(site, "/kpi?by=none"))["total"]
    assert (figures["asked"], figures["answered"], figures["waiting"], figures["csat"]) == (2, 1, 1, 5.0)
    now = site.hub.helping.line.wall(site.hub.clock())
    assert {**now, "longest_wait_s": None} == {**told, "longest_wait_s": None}
    assert site.hub.helping.line.figures(site.hub.clock()).by_agent == {"agent": 1}
    again, joined = await shopper(site, "second")
    assert joined["room"]["call"]["id"] == left
    third, _ = await shopper(site, "third")
    desk = await agent(site)
    assert (await call_state(desk, "ringing"))["id"] in (left, (await third.ok("help", link=link))["call"]["id"])
    await again.ok("end_call", call=left)


DAY = datetime(2026, 11, 11, tzinfo=UTC) - timedelta(hours=8)


def random_day(seed: int) -> tuple[list[CallRecord], list[CallEvent]]:
    """A day's calls as the books have them, with some of the day before and after."""
    dice = random.Random(seed)
    calls, events = [], []
    for index in range(120):
        created = DAY.timestamp() + dice.uniform(-20_000, 86_400 + 20_000)
        wait = dice.choice((1.0, 4.9, 5.0, 20.0, 30.0, 31.0, 400.0))
        fields: dict[str, Any] = {"direction": dice.choice(("in", "in", "link", "out"))}
        fate = dice.choice(("waiting", "missed", "missed", "answered", "answered", "rated"))
        if fate == "missed":
            fields |= {"state": "ended", "ended": created + wait, "outcome": dice.choice(("abandoned", "callback", "expired", "failed"))}
        elif fate != "waiting":
            who = dice.choice(("kim", "lee"))
            fields |= {"state": "ended", "answered": created + wait, "ended": created + wait + 60.0, "agent": who, "outcome": "completed"}
            by = f"s{index}" if fields["direction"] == "out" else who
            events.append(CallEvent(f"c{index}", "answered", created + wait, by))
            if dice.random() < 0.3:
                events.append(CallEvent(f"c{index}", "joined", created + wait + 5, "max"))
            if fate == "rated":
                fields["rating"] = Rating(dice.randint(1, 5), at=created + 100)
        else:
            fields |= {"state": "waiting"}
        calls.append(CallRecord(f"c{index}", "demo", f"s{index}", created, **fields))
    return calls, events


async def test_the_wall_and_the_key_figures_agree(database_url: str) -> None:
    begin = Today.begin_of(Today.day_of(DAY.timestamp()))
    assert begin == DAY.timestamp()
    store = Store(database_url, lambda: begin + 90_000.0)
    await store.open()
    calls, events = random_day(11)
    await store.calls.save_calls(calls)
    await store.calls.add_events(events)
    date = DAY.date() + timedelta(days=1)
    report = await store.kpi.report(Question(date, date, ZONE, "none"))
    seeded = Today(0.0, Today.day_of(begin))
    seeded.seed(asdict(report.total), await store.calls.answered_by(begin, begin + 86_400.0))
    wall, figures = seeded.to_wire(), values(report.total)
    names = {"asked": "asked", "answered": "answered", "abandoned": "abandoned", "answered_30s": "answered_in_time"}
    assert {name: wall[name] for name in names} == {name: figures[other] for name, other in names.items()}
    for name, digits in (("service_level", 4), ("abandon_rate", 4), ("asa_s", 1), ("csat", 2)):
        value = figures[name]
        assert value is not None and wall[name] == pytest.approx(value, abs=0.6 * 10**-digits), name
    here = [call for call in calls if begin <= call.created < begin + 86_400.0]
    ids = {call.id: call for call in here}
    counted: dict[str, int] = {}
    for event in events:
        call = ids.get(event.call)
        if call is not None:
            who = call.agent if event.kind == "answered" and call.direction == "out" else event.identity
            counted[who] = counted.get(who, 0) + 1
    assert seeded.by_agent == counted
    await store.close()


async def test_what_a_node_counts_is_what_the_next_one_reads(make_site: MakeSite, database_url: str) -> None:
    """All ends that a call can have, counted as they happen, read from the database, and asked as key figures."""
    settings = config(store__url=database_url)
    first = await make_site(settings)
    line, desks = first.hub.helping.line, {name: await agent(first, name) for name in ("kim", "lee")}
    for name, handed_on in (("answered", False), ("transferred", True)):
        customer, _ = await shopper(first, name)
        call = (await customer.ok("help"))["call"]["id"]
        for again in range(1 + handed_on):
            desk = desks[line.get(call).ringing()[0].identity]
            await desk.ok("answer_call", call=call)
            if again < handed_on:
                await desk.ok("transfer_call", call=call, to={"queue": "general"})
        await customer.ok("end_call", call=call)
        await desk.ok("wrap_up", call=call, done=True)
        await customer.ok("rate_call", call=call, score=4)
    for desk in desks.values():
        await desk.ok("set_presence", presence="break")
    for name, how in (("short", "end_call"), ("back", "leave_callback"), ("waits", "")):
        customer, _ = await shopper(first, name)
        call = (await customer.ok("help"))["call"]["id"]
        if how:
            await customer.ok(how, call=call, **({"at": round(time.time() + 60) * 1000} if how == "leave_callback" else {}))
    await first.hub.helping.saved()
    counted = first.hub.helping.line.figures(first.hub.clock())
    date = datetime.fromtimestamp(time.time() + 8 * 3600, UTC).date()
    asked = Question(date, date, ZONE, "none")
    figures = values((await first.store.kpi.report(asked)).total)
    wall = counted.to_wire()
    assert (wall["asked"], wall["answered"], wall["csat"], counted.short, counted.unserved) == (5, 2, 4.0, 1, 1)
    assert (wall["service_level"], wall["abandon_rate"]) == (figures["service_level"], figures["abandon_rate"])
    await first.hub.close()
    await first.store.close()
    second: Hub = (await make_site(settings)).hub
    read = second.helping.line.figures(second.clock())
    assert {**asdict(read), "epoch_s": 0, "waited_s": 0} == {**asdict(counted), "epoch_s": 0, "waited_s": 0}
    assert read.waited_s == pytest.approx(counted.waited_s, abs=0.01)
    await asyncio.sleep(0)
