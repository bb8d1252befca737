"""What others do while a Worker is being asked, and what a right that was taken away must end at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from media import api
from signaling.auth import Grants
from tests.signaling.fakes import Client, FakeWorker, offer, tracks
from tests.signaling.steps import AV, accept, publish, settle
from tests.signaling.test_staging import Show, at_desk, places, show

__all__ = ["show"]


class Held:
    """The next request of one kind waits in the Worker until :meth:`release`."""

    def __init__(self, worker: FakeWorker, kind: type[api.Request[Any]]) -> None:
        self.arrived = asyncio.Event()
        self._gate = asyncio.Event()
        call = worker.call

        async def hold(request: Any, timeout_s: float = 5.0) -> Any:
            if isinstance(request, kind) and not self.arrived.is_set():
                self.arrived.set()
                await self._gate.wait()
            return await call(request, timeout_s)

        worker.call = hold  # type: ignore[method-assign]

    def release(self) -> None:
        """Go on."""
        self._gate.set()


async def on_stage(show: Show) -> tuple[Client, dict[str, str]]:
    """The agent, on air, and the ids of the tracks."""
    rung = await show.ring()
    agent, _ = await show.agent()
    ids = (await publish(agent, *AV))["ids"]
    await agent.ok("accept_invite", invite=rung["id"])
    return agent, ids


# --- mute ------------------------------------------------------------------------------------------------------------


async def test_a_host_who_mutes_while_a_guest_unmutes_has_the_last_word(show: Show) -> None:
    agent, ids = await on_stage(show)
    worker = await settle(show.site)
    await agent.ok("mute", track=ids["microphone"], muted=True)
    held = Held(worker, api.PauseProducer)
    unmuting = asyncio.create_task(agent.ask("mute", track=ids["microphone"], muted=False))
    await held.arrived.wait()
    await show.host.ok("mute_guest", identity="agent", audio=True)
    held.release()
    assert (await unmuting)["code"] == "muted_by_host"
    await settle(show.site)
    asked = [call for call in worker.asked(api.PauseProducer) if call.producer_id == ids["microphone"]]
    assert asked[-1].paused, "the Worker lets nothing through"
    assert show.site.hub.rooms["demo"].state.tracks[ids["microphone"]].muted


# --- rights that are taken away --------------------------------------------------------------------------------------


async def whispered(show: Show) -> tuple[Client, str]:
    """A supervisor who whispers, and the id of the track."""
    boss, _ = await show.site.joined("boss", "supervisor", subscribe="none")
    return boss, (await publish(boss, "whisper"))["ids"]["whisper"]


async def test_who_is_no_host_any_more_stops_hearing_the_whisper(show: Show) -> None:
    _, whisper = await whispered(show)
    await accept(show.host, await show.host.event("offer"))
    worker = await settle(show.site)
    consumer = next(
        entry.id
        for call in worker.asked(api.ConnectTransport)
        for entry in call.consumers
        if entry.producer_id == whisper
    )
    # The same grants under another role; and the client never answers the offer that leaves the track out.
    token = show.site.token("host", "agent", grants=show.site.hub.peers[_peer(show, "host")].claims.grants)
    await show.host.ok("update_token", token=token)
    await settle(show.site)
    assert api.CloseConsumer(consumer) in worker.calls


async def test_an_offer_from_before_does_not_bring_the_whisper(show: Show) -> None:
    _, whisper = await whispered(show)
    given = await show.host.event("offer")
    token = show.site.token("host", "agent", grants=show.site.hub.peers[_peer(show, "host")].claims.grants)
    await show.host.ok("update_token", token=token)
    await accept(show.host, given)
    worker = await settle(show.site)
    connected = [entry.producer_id for call in worker.asked(api.ConnectTransport) for entry in call.consumers]
    assert whisper not in connected


def _peer(show: Show, identity: str) -> str:
    return next(peer.id for peer in show.site.hub.peers.values() if peer.claims.identity == identity)


@pytest.mark.parametrize("identity", ["agent", "host"])
async def test_grants_without_publishing_end_what_is_on_air(show: Show, identity: str) -> None:
    await on_stage(show)
    room = show.site.hub.rooms["demo"]
    peer = next(peer for peer in room.peers.values() if peer.claims.identity == identity)
    assert room.state.tracks_of(peer.id)
    show.site.hub.set_grants(peer, Grants(subscribe=True, chat=True))
    assert not room.state.tracks_of(peer.id) and not room.state.on_stage(identity)


@pytest.mark.parametrize("identity", ["agent", "host"])
async def test_a_token_for_watching_does_not_take_over_the_place(show: Show, identity: str) -> None:
    await on_stage(show)
    again, joined = await show.site.joined(identity, "viewer")
    assert identity not in places({"stage": joined["room"]["stage"]})
    assert await again.code("publish", sdp=offer("audio"), tracks=tracks("microphone")) == "forbidden"
    assert [event["peer"] for event in again.heard("peer_left")] == []


async def test_grants_without_publishing_end_the_ring(show: Show) -> None:
    rung = await show.ring()
    agent, _ = await show.agent()
    await publish(agent, *AV)
    room = show.site.hub.rooms["demo"]
    peer = next(peer for peer in room.peers.values() if peer.claims.identity == "agent")
    show.site.hub.set_grants(peer, Grants(subscribe=True, chat=True))
    assert not room.state.tracks_of(peer.id)
    assert await agent.code("accept_invite", invite=rung["id"]) == "invite_failed"


async def test_who_loses_the_back_channel_leaves_the_list_of_the_staff(show: Show) -> None:
    await show.agent()
    await show.host.event("staff")
    room = show.site.hub.rooms["demo"]
    peer = next(peer for peer in room.peers.values() if peer.claims.identity == "agent")
    show.site.hub.set_grants(peer, Grants(subscribe=True, chat=True))
    await settle(show.site)
    assert [entry["identity"] for entry in show.host.heard("staff")[-1]["staff"]] == ["host"]


async def test_a_token_for_every_room_that_was_taken_back_in_one(show: Show) -> None:
    await show.agent()
    admin = {"Authorization": f"Bearer {show.site.token('root', 'admin', room='*')}"}
    body = {"identity": "agent", "room": "demo"}
    token = show.site.token("agent", "agent", room="*")
    response = await show.site.http.post("/api/v1/tokens/revoke", json=body, headers=admin)
    assert (await response.json())["removed"] == 1
    again = await show.site.client()
    assert (await again.ask("join", v=1, token=token, room="demo"))["code"] == "token_revoked"
    other = await show.site.client()
    await other.join(token, room="another")


# --- the desk --------------------------------------------------------------------------------------------------------


async def test_a_fresh_token_at_the_desk_brings_its_skills(show: Show) -> None:
    await show.desk.ok("update_token", token=show.site.token("agent", "agent", room="*", skills=["setup", "returns"]))
    assert (await show.desk.event("presence"))["me"]["all_skills"] == ["setup", "returns"]
    assert (await show.host.ok("invite", target={"skill": "returns"}))["invite"]["to"]["identity"] == "agent"


async def test_nobody_rings_for_an_invitation_of_their_own(show: Show) -> None:
    admin, _ = await show.site.joined("root", "admin", subscribe="none")
    await at_desk(show.site, "root", role="admin")
    await show.desk.ok("set_presence", presence="break")
    assert await admin.code("invite", target={"anyone": True}) == "nobody_available"
    await show.desk.ok("set_presence", presence="available")
    invite = (await admin.ok("invite", target={"anyone": True}))["invite"]
    assert invite["to"]["identity"] == "agent"
    await show.desk.ok("decline_invite", invite=invite["id"])
    assert admin.heard("invite")[-1]["invite"]["state"] == "expired"


async def test_an_offer_says_yes_to_the_ring_that_waits(show: Show) -> None:
    other, _ = await at_desk(show.site, "other")
    # Back from a break is last in the queue.
    await show.desk.ok("set_presence", presence="break")
    await show.desk.ok("set_presence", presence="available")
    group = (await show.host.ok("invite", target={"anyone": True}))["invite"]
    assert group["to"]["identity"] == "other"
    direct = (await show.host.ok("invite", target={"identity": "agent"}))["invite"]
    await show.desk.ok("decline_invite", invite=direct["id"])
    await other.ok("decline_invite", invite=group["id"])
    agent, _ = await show.agent()
    came = (await agent.ok("offer_stage"))["invite"]
    assert (came["id"], came["state"]) == (group["id"], "accepted")


# --- endings in between ----------------------------------------------------------------------------------------------


async def test_a_track_that_ends_while_somebody_joins(show: Show) -> None:
    worker = await settle(show.site)
    held = Held(worker, api.OpenTransport)
    client = await show.site.client()
    joining = asyncio.create_task(client.ask("join", v=1, token=show.site.token("late")))
    await held.arrived.wait()
    for track in list(show.site.hub.rooms["demo"].state.tracks):
        await show.host.ok("unpublish", track=track)
    held.release()
    reply = await joining
    assert reply["type"] == "ok", reply


async def test_a_show_that_ends_while_its_host_renegotiates(show: Show) -> None:
    host, _ = await show.site.joined("second", "host")
    first = await host.ok("publish", sdp=offer("audio"), tracks=tracks("microphone"))
    worker = await settle(show.site)
    held = Held(worker, api.AddProducers)
    adding = asyncio.create_task(
        host.ask("publish", sdp=offer("audio", "video"), tracks=tracks(*AV), transport=first["transport"])
    )
    await held.arrived.wait()
    await show.host.ok("end_show")
    held.release()
    assert (await adding)["code"] == "transport_not_found"
    assert not show.site.hub.rooms["demo"].state.tracks
    assert not show.site.hub.rooms["demo"].producers


async def test_effects_go_on_after_one_that_fails(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(show.site.hub.reception, "engaged", fail)
    agent, ids = await on_stage(show)
    worker = await settle(show.site)
    await show.host.ok("remove_guest", identity="agent")
    await settle(show.site)
    assert {call.producer_id for call in worker.asked(api.CloseProducer)} == set(ids.values())
    assert agent.heard("stage")[-1]["stage"]["places"][0]["identity"] == "host"


async def test_hands_are_for_those_who_watch(show: Show) -> None:
    await show.host.ok("open_hands", open=True)
    client = await show.site.client()
    await client.join(show.site.limited("deaf", publish=["microphone"]))
    assert await client.code("raise_hand") == "forbidden"


