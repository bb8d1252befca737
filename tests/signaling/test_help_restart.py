"""What a Node that starts again makes of the calls that the last one left."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from signaling.call_records import CallEvent, CallRecord, Notes
from signaling.store import Store
from tests.signaling.conftest import MakeSite, Site
from tests.signaling.fakes import Client, config
from tests.signaling.help_steps import agent, call_state, enters, shopper, talking
from tests.signaling.steps import AV, publish


async def _left_behind(url: str, *records: CallRecord) -> None:
    store = Store(url, time.time)
    await store.open()
    await store.calls.save_calls(records)
    await store.close()


def _record(name: str, **fields: object) -> CallRecord:
    values = {"room": "help", "shopper": "shopper", "created": time.time() - 20, "state": "waiting", "queue": "general"}
    return CallRecord(name, **{**values, **fields})  # type: ignore[arg-type]


async def test_a_call_that_went_on_keeps_what_was_known_of_it(make_site: MakeSite, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    now = time.time()
    person = {"id": "7", "name": "Li"}
    left = _record(
        "c1",
        state="active",
        answered=now - 10,
        rung=now - 12,
        agent="former",
        agent_name="Former",
        transfers=1,
        context={"entry": "order", "verified": True, "person": person},
        notes=Notes("tried a reset", (), "unknown", now - 5),
    )
    await _left_behind(url, left)
    site = await make_site(config(store__url=url))
    customer, joined = await shopper(site)
    assert joined["room"]["call"]["id"] == "c1"
    desk = await agent(site)
    await call_state(desk, "ringing")
    console, _ = await enters(site, "agent")
    call = (await console.ok("answer_call", call="c1"))["call"]
    assert (call["context"]["verified"], call["context"]["person"]) == (True, person)
    assert call["notes"]["note"] == "tried a reset"
    await customer.ok("end_call", call="c1")
    await console.ok("wrap_up", call="c1", note="solved", done=True)
    kept = await site.store.calls.call("c1")
    assert kept is not None
    assert kept.answered == pytest.approx(now - 10, abs=0.01)
    assert (kept.transfers, kept.agent, kept.notes.note) == (1, "agent", "solved")


async def test_two_unfinished_calls_of_one_person_do_not_stop_the_service(make_site: MakeSite, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    await _left_behind(url, _record("c1"), _record("c2", room="demo"), _record("c3"))
    site = await make_site(config(store__url=url))
    _customer, joined = await shopper(site)
    assert joined["room"]["call"]["id"] == "c1"
    await site.hub.helping.saved()
    assert [record.id for record in await site.store.calls.unfinished()] == ["c1"]


async def test_a_call_in_wrap_up_is_over(make_site: MakeSite, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    now = time.time()
    left = _record("c1", state="wrap_up", answered=now - 10, ended=now - 1, outcome="completed", notes=Notes("n", (), "yes", now))
    await _left_behind(url, left)
    site = await make_site(config(store__url=url))
    await site.hub.helping.saved()
    kept = await site.store.calls.call("c1")
    assert kept is not None
    assert (kept.state, kept.outcome, kept.notes.note) == ("ended", "completed", "n")


# --- a Node that goes down in the middle of a call, and the next one on the same database ---------------------------


async def _bring_to(site: Site, state: str) -> str:
    """A call in this state, with what was said in it; its id."""
    if state in ("waiting", "ringing"):
        desk = await agent(site) if state == "ringing" else None
        customer, _ = await shopper(site)
        call = (await customer.ok("help", text="it does not pair"))["call"]["id"]
        if desk is not None:
            await call_state(desk, "ringing")
        return str(call)
    if state.startswith("out"):
        await agent(site)
        customer, _ = await shopper(site)
        console, _ = await enters(site, "agent")
        call = (await console.ok("call_shopper", identity="shopper", topic="your order"))["call"]["id"]
        if state == "out_active":
            await customer.ok("answer_call", call=call)
            await customer.ok("call_say", call=call, text="hello")
        return str(call)
    room = "demo" if state == "on_stage" else "help"
    customer, console, _desk, call = await talking(site, room)
    await customer.ok("call_say", call=call, text="hello")
    await console.ok("wrap_up", call=call, note="tried a reset")
    if state == "on_hold":
        await console.ok("hold_call", call=call)
    elif state in ("transfer", "warm"):
        second = await agent(site, "second")
        await console.ok("transfer_call", call=call, to={"identity": "second"}, warm=True, note="wants a refund")
        if state == "warm":
            await second.ok("answer_call", call=call)
    elif state == "on_stage":
        await _on_stage(site, customer, console, call)
    elif state in ("wrap_up", "ended"):
        await customer.ok("end_call", call=call)
        if state == "ended":
            await console.ok("wrap_up", call=call, note="tried a reset", done=True)
    return call


async def _on_stage(site: Site, customer: Client, console: Client, call: str) -> None:
    host, _ = await site.joined("host", "host")
    await host.ok("start_show")
    for each in (customer, console):
        await publish(each, *AV)
    await console.ok("escalate_call", call=call)
    await customer.ok("consent_stage", call=call, consent="voice")
    invite = (await host.event("invite"))["invite"]["id"]
    await host.ok("accept_invite", invite=invite)
    while ((await console.event("call"))["call"]["escalation"] or {}).get("state") != "on_stage":
        pass


async def _goes_down(site: Site, how: str) -> None:
    """``stopped`` as an operator does it, or ``killed``: nobody gets to hear of it, and nothing more is written."""
    if how == "stopped":
        await site.hub.close()
        return
    await site.hub.helping.saved()
    await site.hub.helping.keeper.stop()
    site.hub.helping.keeper.save = site.hub.helping.keeper.add = lambda _: None  # type: ignore[method-assign, assignment]


STATES = ("waiting", "ringing", "active", "on_hold", "transfer", "warm", "on_stage", "out_active")


@pytest.mark.parametrize(
    ("state", "how"), [*((state, "killed") for state in STATES), *((state, "stopped") for state in STATES[1:4])]
)
async def test_nothing_is_lost(make_site: MakeSite, tmp_path: Path, state: str, how: str) -> None:
    settings = config(store__url=f"sqlite:///{tmp_path}/calls.db")
    first = await make_site(settings)
    call_id = await _bring_to(first, state)
    room = first.hub.helping.line.get(call_id).room
    await _goes_down(first, how)
    before = await first.store.calls.call(call_id)
    assert before is not None
    site = await make_site(settings)
    spoken = state not in ("waiting", "ringing")
    customer, joined = await shopper(site, room=room)
    call = joined["room"]["call"]
    assert (call["id"], call["state"], call["position"]) == (call_id, "waiting", 1)
    assert (call["created"], call["answered"]) == (
        round(before.created * 1000),
        None if before.answered is None else round(before.answered * 1000),
    )
    assert [message["text"] for message in call["messages"]] == (["hello"] if spoken else [])
    assert (call["escalation"], call["transfer"]) == (None, None)
    desk = await agent(site)
    ring = await call_state(desk, "ringing")
    notes = {"transfer": "tried a reset\nwants a refund", "warm": "tried a reset\nwants a refund"}
    if spoken and state != "out_active":
        assert ring["notes"]["note"] == notes.get(state, "tried a reset")
    console, _ = await enters(site, "agent", room=room)
    now = (await console.ok("answer_call", call=call_id))["call"]
    if spoken:
        assert (now["messages"][0]["by"]["name"], now["messages"][0]["by"]["side"]) == ("shopper", "shopper")
    await customer.ok("call_say", call=call_id, text="there you are")
    await customer.ok("end_call", call=call_id)
    await console.ok("wrap_up", call=call_id, note="solved", done=True)
    await customer.ok("rate_call", call=call_id, score=5)
    kept = await site.store.calls.call(call_id)
    assert kept is not None
    assert kept.rating is not None
    assert (kept.state, kept.outcome, kept.notes.note, kept.rating.score) == ("ended", "completed", "solved", 5)
    assert kept.direction == ("out" if state == "out_active" else "in")
    assert not await site.store.calls.unfinished()


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_notes_are_gone_on_with(make_site: MakeSite, tmp_path: Path, how: str) -> None:
    settings = config(store__url=f"sqlite:///{tmp_path}/calls.db")
    first = await make_site(settings)
    call_id = await _bring_to(first, "wrap_up")
    await _goes_down(first, how)
    site = await make_site(settings)
    client = await site.client()
    joined = await client.join(site.token("agent", "agent", room="*", skills=("pairing",)), desk=True)
    (call,) = joined["desk"]["calls"]
    assert (call["id"], call["state"], call["notes"]["note"]) == (call_id, "wrap_up", "tried a reset")
    assert [message["text"] for message in call["messages"]] == ["hello"]
    assert joined["desk"]["me"]["engaged"]["state"] == "wrap_up"
    customer, there = await shopper(site)
    assert there["room"]["call"]["state"] == "wrap_up"
    await customer.ok("rate_call", call=call_id, score=4)
    await client.ok("wrap_up", call=call_id, note="all good", solved="yes", done=True)
    kept = await site.store.calls.call(call_id)
    assert kept is not None and kept.rating is not None
    assert (kept.state, kept.outcome, kept.notes.note, kept.notes.solved, kept.rating.score) == (
        "ended",
        "completed",
        "all good",
        "yes",
        4,
    )
    assert kept.wrapped is not None
    # Free again.
    await customer.ok("help")
    await call_state(client, "ringing")


async def test_what_is_said_of_a_call_that_only_the_books_know(make_site: MakeSite, tmp_path: Path) -> None:
    settings = config(store__url=f"sqlite:///{tmp_path}/calls.db")
    first = await make_site(settings)
    call_id = await _bring_to(first, "ended")
    await _goes_down(first, "killed")
    site = await make_site(settings)
    customer, _ = await shopper(site)
    stranger, _ = await shopper(site, "stranger")
    elsewhere, _ = await shopper(site, "shopper", room="help.2")
    desk = await agent(site)
    other = await agent(site, "other")
    for client in (stranger, elsewhere):
        assert await client.code("rate_call", call=call_id, score=1) == "not_in_call"
    assert await other.code("wrap_up", call=call_id, note="mine") == "not_in_call"
    assert await other.code("wrap_up", call="c404", note="mine") == "call_not_found"
    for score in (2, 5):
        await customer.ok("rate_call", call=call_id, score=score)
    await desk.ok("wrap_up", call=call_id, note="late, but here", done=True)
    kept = await site.store.calls.call(call_id)
    assert kept is not None and kept.rating is not None
    assert (kept.notes.note, kept.rating.score) == ("late, but here", 5)
    assert site.hub.helping.line.wall(site.hub.clock())["csat"] == 5.0


async def test_an_unanswered_ring_of_an_agent_is_over(make_site: MakeSite, tmp_path: Path) -> None:
    settings = config(store__url=f"sqlite:///{tmp_path}/calls.db")
    first = await make_site(settings)
    call_id = await _bring_to(first, "out_ringing")
    await _goes_down(first, "killed")
    site = await make_site(settings)
    await site.hub.helping.saved()
    kept = await site.store.calls.call(call_id)
    assert kept is not None and kept.ended is not None
    assert (kept.state, kept.outcome, kept.ended_by) == ("ended", "failed", "system")


async def test_a_restart_changes_nobodys_place(make_site: MakeSite, tmp_path: Path) -> None:
    """Who talked is first; then the shop's signed value counts as before, and then who came first."""
    settings = config(store__url=f"sqlite:///{tmp_path}/calls.db")
    now = time.time()
    who = {
        "late": _record("c1", shopper="late", created=now - 10),
        "early": _record("c2", shopper="early", created=now - 50),
        "valued": _record("c3", shopper="valued", created=now - 5, context={"routing": {"value": 100.0, "skills": ["gold"]}}),
        "talked": _record("c4", shopper="talked", created=now - 30, state="active", answered=now - 20, agent="gone"),
    }
    await _left_behind(settings.store.url, *who.values())
    site = await make_site(settings)
    line = site.hub.helping.line
    order = [call.shopper for call, _ in line.waiting()]
    assert order[0] == "talked"
    assert order.index("valued") < order.index("late") and order.index("early") < order.index("late")
    (waiter,) = [waiter for waiter in line.queues["general"].order() if waiter.call_id == "c3"]
    assert (waiter.value, waiter.skills) == (100.0, frozenset(("gold",)))


async def test_links_and_callbacks_outlive_the_node(make_site: MakeSite, tmp_path: Path) -> None:
    settings = config(store__url=f"sqlite:///{tmp_path}/calls.db")
    first = await make_site(settings)
    desk = await agent(first, "maker")
    link = (await desk.ok("call_link", topic="your order"))["link"]
    customer, _ = await shopper(first)
    at = round((time.time() + 3600) * 1000)
    wish = (await customer.ok("leave_callback", queue="general", at=at))["callback"]["id"]
    await _goes_down(first, "killed")
    site = await make_site(settings)
    desk = await agent(site, "maker")
    await agent(site, "other")
    customer, _ = await shopper(site)
    assert await customer.code("help", link="no-such-link") == "link_expired"
    call = (await customer.ok("help", link=link["id"]))["call"]
    assert (call["direction"], call["topic"]) == ("link", "your order")
    assert (await call_state(desk, "ringing"))["id"] == call["id"]
    # The same wish, until somebody has called back; then another one.
    assert (await customer.ok("leave_callback", queue="general", at=at + 1))["callback"]["id"] == wish
    await site.store.calls.callback_done(wish, "maker", time.time())
    again = (await customer.ok("leave_callback", queue="general", at=at + 2))["callback"]["id"]
    assert [record.id for record in await site.store.calls.callbacks()] == [again] != [wish]


async def test_messages_of_an_older_release(make_site: MakeSite, tmp_path: Path) -> None:
    """Its events say who wrote, but not on which side."""
    url = f"sqlite:///{tmp_path}/calls.db"
    store = Store(url, time.time)
    await store.open()
    await store.calls.save_calls([_record("c1")])
    events: list[tuple[str, dict[str, Any]]] = [("shopper", {"id": "m1", "text": "a"}), ("kim", {"id": "m2", "article": {"title": "t"}})]
    await store.calls.add_events([CallEvent("c1", "message", 1.0, who, detail) for who, detail in events])
    await store.close()
    site = await make_site(config(store__url=url))
    _customer, joined = await shopper(site)
    assert [(m["id"], m["by"]["side"], m["at"], m["text"]) for m in joined["room"]["call"]["messages"]] == [
        ("m1", "shopper", 1000, "a"),
        ("m2", "agent", 1000, None),
    ]
