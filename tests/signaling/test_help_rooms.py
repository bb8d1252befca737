"""Several tabs, several consoles, rooms that are ended, and two rings for one agent at the same moment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.signaling.conftest import Site
from tests.signaling.help_steps import agent, call_state, enters, mode_of, shopper, talking
from tests.signaling.steps import AV, publish, settle


async def _end_room(site: Site, room: str) -> None:
    headers = {"Authorization": f"Bearer {site.token('root', 'admin', room='*')}"}
    async with site.http.post(f"/api/v1/rooms/{room}/end", headers=headers) as response:
        assert response.status == 204


# --- tabs and consoles -----------------------------------------------------------------------------------------------


async def test_two_tabs_of_a_shopper_have_one_call(site: Site) -> None:
    desk = await agent(site)
    first, _ = await shopper(site)
    call = (await first.ok("help", text="one"))["call"]["id"]
    second, joined = await shopper(site)
    assert joined["room"]["call"]["id"] == call
    assert (await first.event("bye"))["code"] == "identity_replaced"
    assert (await second.ok("help", text="two"))["call"]["id"] == call
    await call_state(desk, "ringing")
    await desk.ok("answer_call", call=call)
    told = await call_state(second, "active")
    assert (told["shopper"]["state"], told["text"]) == ("connected", "one")
    third, joined = await shopper(site)
    assert joined["room"]["call"]["state"] == "active"
    await third.ok("end_call", call=call)
    assert (await call_state(desk, "wrap_up"))["outcome"] == "completed"


async def test_tabs_that_ask_at_the_same_moment(site: Site) -> None:
    """Each in a room of its own: one gets the call, the others read why not; and nothing is left over."""
    tabs = [(await shopper(site, room=room))[0] for room in ("demo", "help", "help.2")]
    replies = await asyncio.gather(*(tab.ask("help") for tab in tabs))
    assert sorted(reply.get("code", "ok") for reply in replies) == ["already_in_call", "already_in_call", "ok"]
    assert len(site.hub.helping.line.calls) == 1


async def test_another_console_of_an_agent_takes_over(site: Site) -> None:
    left = await agent(site)
    customer, _ = await shopper(site)
    call = (await customer.ok("help"))["call"]["id"]
    await call_state(left, "ringing")
    right = await site.client()
    joined = await right.join(site.token("agent", "agent", room="*", skills=("pairing",)), desk=True)
    assert (await left.event("bye"))["code"] == "identity_replaced"
    assert [(entry["id"], entry["state"]) for entry in joined["desk"]["calls"]] == [(call, "ringing")], "it rings on"
    first, _ = await enters(site, "agent")
    replies = await asyncio.gather(*(client.ok("answer_call", call=call) for client in (first, right)))
    assert {mode_of(reply["call"], "agent") for reply in replies} == {"full"}
    assert [event.kind for event in await _events(site, call)].count("answered") == 1
    await publish(first, *AV)
    second, _ = await enters(site, "agent")
    assert (await first.event("bye"))["code"] == "identity_replaced"
    assert site.hub.helping.line.get(call).people["agent"].state == "connected"
    await customer.ok("end_call", call=call)
    for client in (right, second):
        await call_state(client, "wrap_up")
    await right.ok("wrap_up", call=call, done=True)
    assert await second.code("hold_call", call=call) == "call_ended"


async def _events(site: Site, call: str) -> Any:
    await site.hub.helping.saved()
    return await site.store.calls.events(call)


async def test_connections_that_were_replaced_leave_nothing(site: Site) -> None:
    _customer, _console, _desk, call = await talking(site)
    helping = site.hub.helping
    for _ in range(5):
        tab, _ = await shopper(site)
        ids = (await publish(tab, *AV))["ids"]
        room = site.hub.rooms["help"]
        room.state.tracks[ids["camera"]] = replace(room.state.tracks[ids["camera"]], flowing=True)
        helping.flow_changed(room, ids["camera"])
    assert len(helping._flowed) == 1
    assert helping.line.get(call).people["shopper"].state == "connected"


# --- rooms that are ended --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["waiting", "ringing", "active"])
async def test_a_room_that_is_ended_ends_its_calls(site: Site, state: str) -> None:
    desk = None if state == "waiting" else await agent(site)
    customer, _ = await shopper(site)
    other, _ = await shopper(site, "other", room="help.2")
    call = (await customer.ok("help"))["call"]["id"]
    if desk is not None:
        await call_state(desk, "ringing")
        if state == "active":
            await desk.ok("answer_call", call=call)
    kept = (await other.ok("help"))["call"]["id"]
    await _end_room(site, "help")
    told = await call_state(customer, "ended", "wrap_up")
    assert (told["end_reason"], told["outcome"]) == ("room_ended", "completed" if state == "active" else "failed")
    assert (await customer.event("bye"))["code"] == "room_ended"
    if desk is not None:
        if state == "active":
            await desk.ok("wrap_up", call=call, note="cut off", done=True)
        ring = await call_state(desk, "ringing")
        while ring["id"] != kept:
            ring = await call_state(desk, "ringing")
        await desk.ok("answer_call", call=kept)
    assert site.hub.helping.line.get(call).state == "ended"
    assert not site.hub.rooms.get("help")


async def test_an_escalated_call_ends_with_its_room(site: Site) -> None:
    host, _ = await site.joined("host", "host")
    await host.ok("start_show")
    customer, console, desk, call = await talking(site, "demo")
    for each in (customer, console):
        await publish(each, *AV)
    await console.ok("escalate_call", call=call)
    await customer.ok("consent_stage", call=call, consent="voice")
    await host.ok("accept_invite", invite=(await host.event("invite"))["invite"]["id"])
    await _end_room(site, "demo")
    assert (await call_state(desk, "wrap_up"))["end_reason"] == "room_ended"
    await desk.ok("wrap_up", call=call, done=True)
    await settle(site)
    assert site.hub.reception.desk.me("agent")["engaged"] is None


# --- the stage and a call, for one agent -----------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["call", "stage", "together"])
async def test_one_agent_rings_for_one_thing(site: Site, first: str) -> None:
    host, _ = await site.joined("host", "host")
    await host.ok("start_show")
    customer, _ = await shopper(site)
    desk = await agent(site)
    ask, invite = customer.ask("help"), host.ask("invite", target={"identity": "agent"})
    if first == "together":
        asked, invited = await asyncio.gather(ask, invite)
    elif first == "call":
        asked, invited = await ask, await invite
    else:
        invited, asked = await invite, await ask
    call = asked["call"]["id"]
    rings = {"call": site.hub.helping.line.get(call).state == "ringing", "stage": invited["type"] == "ok"}
    assert sorted(rings.values()) == [False, True], "for exactly one of them"
    if rings["call"]:
        assert invited["code"] == "invitee_busy"
        await call_state(desk, "ringing")
        assert not desk.heard("invite")
        await desk.ok("answer_call", call=call)
        return
    assert first != "call"
    await desk.event("invite")
    assert site.hub.helping.line.get(call).state == "waiting"
    assert await desk.code("take_call", call=call) == "agent_busy"
    # Not on stage after all: then the call.
    await desk.ok("decline_invite", invite=invited["invite"]["id"])
    await call_state(desk, "ringing")
    await desk.ok("answer_call", call=call)
