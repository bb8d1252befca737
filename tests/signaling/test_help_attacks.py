"""One-to-one help against forged clients: what a call is to those who are not in it, and what stays behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from signaling.call_records import AgentRecord
from signaling.call_store import CallStore
from signaling.help_keeping import Keeper
from signaling.limits import Limiter
from tests.signaling.conftest import MakeSite, Site
from tests.signaling.fakes import Client, config
from tests.signaling.help_steps import agent, call_state, enters, shopper, talking
from tests.signaling.steps import settle

STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("answer_call", {}),
    ("decline_call", {}),
    ("hold_call", {}),
    ("resume_call", {}),
    ("transfer_call", {"to": {"skill": "pairing"}}),
    ("complete_transfer", {}),
    ("cancel_transfer", {}),
    ("add_to_call", {"to": {"skill": "pairing"}}),
    ("leave_call", {}),
    ("escalate_call", {}),
    ("consent_stage", {"consent": "video"}),
    ("deescalate_call", {}),
    ("set_call_media", {"media": "text"}),
    ("end_call", {}),
    ("wrap_up", {"note": "mine"}),
    ("rate_call", {"score": 1}),
    ("leave_callback", {"at": 4102444800000}),
    ("take_call", {}),
    ("supervise_call", {"mode": "off"}),
    ("call_say", {"text": "hi"}),
    ("call_clear", {}),
    ("call_pointer", {"pointer": None}),
    ("call_freeze", {"frame": None}),
    ("call_checklist", {"checklist": None}),
)
REFUSALS = ("not_in_call", "call_not_found", "forbidden", "call_answered", "agent_busy", "callback_invalid")


@pytest.mark.parametrize("role", ["shopper", "agent"])
@pytest.mark.parametrize("state", ["waiting", "active"])
async def test_who_guesses_the_id_of_a_call_learns_nothing(site: Site, role: Any, state: str) -> None:
    if state == "active":
        customer, _console, _desk, call = await talking(site)
    else:
        customer, _ = await shopper(site)
        call = (await customer.ok("help", text="secret"))["call"]["id"]
    stranger = await site.client()
    await stranger.join(site.token("stranger", role, room="help"))
    for kind, fields in STEPS:
        assert await stranger.code(kind, call=call, **fields) in REFUSALS, kind
    assert not stranger.heard("call")


MARK = {"kind": "step", "color": "#ff0000", "width": 0.01, "target": "t1", "points": [[0.5, 0.5]], "n": 1}
MORE: tuple[tuple[str, dict[str, Any]], ...] = (
    *STEPS,
    ("call_mark", {"mark": MARK}),
    ("call_step", {"step": 0, "done": True}),
    ("call_device", {"ask": "still"}),
    ("call_device_state", {"facing": "user"}),
    ("supervise_call", {"mode": "takeover"}),
)
#: Who somebody is, what of all that is theirs to do, and the only codes that the rest is refused with.
SEATS: dict[str, tuple[set[str], set[str]]] = {
    "listen": ({"answer_call", "decline_call", "leave_call", "supervise_call"}, {"forbidden", "not_in_call", "call_answered"}),
    "whisper": ({"answer_call", "decline_call", "leave_call", "supervise_call"}, {"forbidden", "not_in_call", "call_answered"}),
    "on_hold": (
        {
            *("answer_call", "decline_call", "set_call_media", "deescalate_call", "end_call"),
            *("call_say", "call_clear", "call_pointer", "call_freeze", "call_device_state"),
        },
        {"forbidden", "wrong_state", "call_answered", "callback_invalid", "mark_invalid"},
    ),
    "rung": ({"answer_call", "decline_call", "take_call"}, {"not_in_call", "wrong_state", "forbidden", "room_required"}),
    "asked_for_advice": ({"answer_call", "decline_call", "take_call"}, {"not_in_call", "wrong_state", "forbidden", "room_required"}),
    "shopper_after_the_end": ({"rate_call", "end_call"}, {"call_ended", "forbidden", "callback_invalid"}),
    "stranger_after_the_end": (set(), {"call_ended", "forbidden", "not_in_call", "callback_invalid"}),
    "former_agent_after_the_end": (set(), {"call_ended", "forbidden", "not_in_call"}),
}


async def _seat(site: Site, seat: str) -> tuple[Client, str]:
    """Somebody in this position, and the call."""
    if seat == "rung":
        desk = await agent(site)
        customer, _ = await shopper(site)
        await customer.ok("help")
        return desk, (await call_state(desk, "ringing"))["id"]
    customer, console, _desk, call = await talking(site)
    if seat in ("listen", "whisper"):
        boss, _ = await enters(site, "boss", "supervisor")
        await boss.ok("supervise_call", call=call, mode=seat)
        return boss, call
    if seat == "on_hold":
        await console.ok("hold_call", call=call)
        return customer, call
    if seat == "asked_for_advice":
        second = await agent(site, "second")
        await console.ok("transfer_call", call=call, to={"identity": "second"}, warm=True)
        return second, call
    last = console
    if seat.startswith("former"):
        last = await agent(site, "second")
        await console.ok("transfer_call", call=call, to={"identity": "second"})
        await last.ok("answer_call", call=call)
    await customer.ok("end_call", call=call)
    await last.ok("wrap_up", call=call, done=True)
    if seat.startswith("stranger"):
        return (await shopper(site, "stranger"))[0], call
    return (customer if seat.startswith("shopper") else console), call


@pytest.mark.parametrize("seat", SEATS)
async def test_nobody_does_what_is_others_to_do(site: Site, seat: str) -> None:
    client, call = await _seat(site, seat)
    theirs, codes = SEATS[seat]
    line = site.hub.helping.line
    before = line.get(call).to_wire("agent", 0.0, 0.0)
    for kind, fields in MORE:
        if kind not in theirs:
            assert await client.code(kind, call=call, **fields) in codes, kind
    assert line.get(call).to_wire("agent", 0.0, 0.0) == before
    assert site.hub.helping.boards.snapshot(call)["messages"] == []


@pytest.mark.parametrize("mode", ["listen", "whisper", "barge"])
async def test_who_listens_leaves_no_files(site: Site, mode: str) -> None:
    _customer, _console, _desk, call = await talking(site)
    boss, _ = await enters(site, "boss", "supervisor")
    await boss.ok("supervise_call", call=call, mode=mode)
    headers = {"Authorization": f"Bearer {site.token('boss', 'supervisor', room='*')}", "Content-Type": "image/png"}
    async with site.http.post(f"/api/v1/calls/{call}/files", data=b"x", headers=headers) as response:
        code = (await response.json())["error"]["code"]
    assert code == ("file_broken" if mode == "barge" else "forbidden")


async def test_an_agent_of_another_room_learns_nothing(site: Site) -> None:
    _customer, _console, _desk, call = await talking(site)
    other = await site.client()
    await other.join(site.token("other", "agent", room="demo"), desk=True)
    for kind, fields in STEPS:
        if kind not in ("set_call_media", "consent_stage", "rate_call", "leave_callback") and not kind.startswith("call_"):
            assert await other.code(kind, call=call, **fields) in ("call_not_found", "forbidden"), kind


async def test_a_supervisor_of_another_room_may_not_listen(site: Site) -> None:
    _customer, _console, _desk, call = await talking(site)
    boss = await site.client()
    await boss.join(site.token("boss", "supervisor", room="demo"), desk=True)
    for mode in ("listen", "whisper", "barge", "takeover", "off"):
        assert await boss.code("supervise_call", call=call, mode=mode) == "call_not_found"


async def test_nobody_calls_oneself(site: Site) -> None:
    client = await site.client()
    grants = {"publish": ["microphone"], "subscribe": True, "call": True, "desk": True}
    await client.join(site.limited("both", **grants))
    assert await client.code("call_shopper", identity="both") == "peer_not_found"


async def test_a_link_does_not_get_round_the_limit_of_calls(make_site: MakeSite) -> None:
    site = await make_site(config(help__max_calls=1))
    desk = await agent(site)
    link = (await desk.ok("call_link"))["link"]["id"]
    first, _ = await shopper(site, "first")
    await first.ok("help")
    second, _ = await shopper(site, "second")
    assert await second.code("help", link=link) == "queue_full"


async def test_what_ended_leaves_nothing_behind(site: Site) -> None:
    helping = site.hub.helping
    helping.asking._asks = Limiter(100.0, 100.0)
    desk = await agent(site)
    customer, _ = await shopper(site)
    console, _ = await enters(site, "agent")
    for number in range(30):
        call = (await customer.ok("help"))["call"]["id"]
        await call_state(desk, "ringing")
        await console.ok("answer_call", call=call)
        await customer.ok("call_say", call=call, text=str(number))
        await customer.ok("end_call", call=call)
        await console.ok("wrap_up", call=call, done=True)
        await customer.ok("end_call", call=call)
    await settle(site)
    assert (helping.boards._boards, helping.asking._cards, helping.asking._earlier) == ({}, {}, {})
    assert helping.line.next_deadline() is None
    assert not helping.line.desk.call_of("agent")


async def test_control_characters_do_not_reach_the_books(site: Site) -> None:
    customer, console, _desk, call = await talking(site)
    await customer.ok("end_call", call=call, reason="a\0b")
    await console.ok("wrap_up", call=call, note="x\0y", reasons=["z\0"], done=True)
    kept = await site.store.calls.call(call)
    assert kept is not None
    assert (kept.end_reason, kept.notes.note, kept.notes.reasons) == ("ab", "xy", ("z",))


async def test_what_cannot_be_written_does_not_stop_the_rest(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: CallStore = site.store.calls
    save = calls.save_agent

    async def refuse(record: AgentRecord) -> None:
        if record.identity == "bad":
            raise ValueError("no driver writes this")
        await save(record)

    monkeypatch.setattr(calls, "save_agent", refuse)
    keeper = Keeper(calls)
    keeper.start()
    bad = AgentRecord("bad", "Bad", (), 1.0, 1.0)
    keeper.save_agent(bad)
    keeper.save_agent(replace(bad, identity="good"))
    await keeper.saved()
    assert [record.identity for record in await calls.agents()] == ["good"]
    await keeper.stop()


async def test_who_asks_and_hangs_up_again_and_again_is_slowed_down(site: Site) -> None:
    customer, _ = await shopper(site)
    for _ in range(20):
        call = (await customer.ok("help"))["call"]["id"]
        await customer.ok("end_call", call=call)
    refused = await customer.ask("help")
    assert (refused["code"], 0 < refused["retry_after_s"] <= 5) == ("rate_limited", True)
    other, _ = await shopper(site, "other")
    await other.ok("help")
    # The limit is on calls, not on asking what there is.
    assert (await other.ok("help"))["call"]["state"] == "waiting"
