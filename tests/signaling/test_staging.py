"""The stage over real WebSockets: invitations, who is on air, what the Workers are told, what nobody else hears of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from media import api
from tests.signaling.conftest import Site
from tests.signaling.fakes import Client
from tests.signaling.steps import AV, accept, publish, settle


@dataclass
class Show:
    """A live room: host on air, a viewer, and an agent at the desk."""

    site: Site
    host: Client
    viewer: Client
    desk: Client

    async def ring(self, **fields: Any) -> dict[str, Any]:
        """The host invites the agent; what rings at the desk."""
        await self.host.ok("invite", target={"identity": "agent"}, **fields)
        event = await self.desk.event("invite")
        return dict(event["invite"])

    async def agent(self) -> tuple[Client, dict[str, Any]]:
        """The agent's second connection, into the room."""
        client = await self.site.client()
        token = self.site.token("agent", "agent", room="*")
        return client, await client.join(token, room="demo", subscribe="none")


async def at_desk(site: Site, identity: str, **options: Any) -> tuple[Client, dict[str, Any]]:
    """Somebody sits down."""
    client = await site.client()
    options = {"role": "agent", "room": "*", **options}
    return client, await client.join(site.token(identity, **options), desk=True)


@pytest.fixture
async def show(site: Site) -> Show:
    """See :class:`Show`."""
    host, _ = await site.joined("host", "host")
    await publish(host, *AV)
    await host.ok("start_show")
    viewer, joined = await site.joined("viewer")
    await accept(viewer, joined["offer"])
    desk, _ = await at_desk(site, "agent", skills=["setup"])
    return Show(site, host, viewer, desk)


def places(event: dict[str, Any]) -> list[str]:
    """Who is on stage."""
    return [place["identity"] for place in event["stage"]["places"]]


async def test_from_the_ring_to_the_air_and_back(show: Show) -> None:
    worker = await settle(show.site)
    rung = await show.ring(topic="How do I pair it?", product={"title": "Speaker"})
    assert (rung["state"], rung["direction"], rung["to"]["identity"]) == ("pending", "invite", "agent")
    assert (rung["topic"], rung["product"]["title"], rung["room"]) == ("How do I pair it?", "Speaker", "demo")
    assert (await show.desk.event("presence"))["me"]["engaged"] == {"room": "demo", "state": "ringing"}

    agent, joined = await show.agent()
    assert [invite["id"] for invite in joined["room"]["invites"]] == [rung["id"]]
    reply = await publish(agent, *AV)
    assert all(track["held"] for track in reply["tracks"])
    held = set(reply["ids"].values())
    opened = [call for call in worker.asked(api.OpenTransport) if call.producers][-1]
    assert {producer.id for producer in opened.producers} == held and all(entry.paused for entry in opened.producers)
    # The viewer is prepared, and told nothing.
    prepared = await show.viewer.event("offer")
    assert held < {entry["track"] for entry in prepared["tracks"]}
    await accept(show.viewer, prepared)
    assert not [event for event in show.viewer.heard("track_published") if event["track"]["id"] in held]
    assert not [event for event in show.viewer.events if "agent" in str(event)]

    await agent.ok("accept_invite", invite=rung["id"])
    assert places(await show.viewer.event("stage")) == ["host", "agent"]
    await settle(show.site)
    released = [call.producer_id for call in worker.asked(api.PauseProducer) if not call.paused]
    assert set(released) == held
    published = [event["track"]["id"] for event in show.viewer.heard("track_published")]
    assert set(published) == held and len(show.viewer.heard("offer")) == 1
    assert [event["peer"]["identity"] for event in show.viewer.heard("peer_joined")] == ["agent"]

    await show.host.ok("remove_guest", identity="agent")
    assert places(await show.viewer.event("stage")) == ["host"]
    await settle(show.site)
    assert {call.producer_id for call in worker.asked(api.CloseProducer)} == held
    assert not worker.asked(api.CloseTransport)
    assert await agent.code("publish", sdp=opened_sdp(), tracks=[{"mid": "0", "source": "microphone"}]) == "not_on_stage"
    assert (await show.desk.event("presence", me=show.site.hub.reception.desk.me("agent")))["me"]["engaged"] is None


def opened_sdp() -> str:
    """Any offer with a microphone."""
    from tests.signaling.fakes import offer

    return offer("audio")


@pytest.mark.parametrize("role", ["agent", "viewer", "shopper", "supervisor"])
async def test_nobody_publishes_without_a_place(show: Show, role: Any) -> None:
    worker = await settle(show.site)
    before = len(worker.asked(api.OpenTransport))
    client, _ = await show.site.joined("forger", role, subscribe="none")
    wanted = "not_on_stage" if role == "agent" else "forbidden"
    assert await client.code("publish", sdp=opened_sdp(), tracks=[{"mid": "0", "source": "microphone"}]) == wanted
    assert len(worker.asked(api.OpenTransport)) == before


async def test_a_whisper_reaches_the_host_alone(show: Show) -> None:
    supervisor, _ = await show.site.joined("boss", "supervisor", subscribe="none")
    reply = await publish(supervisor, "whisper")
    track = reply["ids"]["whisper"]
    assert reply["tracks"][0]["held"] is False
    await show.host.event("track_published", track=show.site.hub.rooms["demo"].state.tracks[track].to_wire())
    await settle(show.site)
    assert track not in str(show.viewer.events)
    late, joined = await show.site.joined("late", subscribe="none")
    assert track not in str(joined)
    assert await late.code("subscribe", tracks=[track]) == "track_not_found"
    host_again = await show.site.client()
    snapshot = await host_again.join(show.site.token("host", "host"))
    assert track in [entry["id"] for entry in snapshot["room"]["tracks"]]


async def test_a_group_rings_one_after_the_other(show: Show) -> None:
    second, _ = await at_desk(show.site, "second", skills=["setup"])
    invite = (await show.host.ok("invite", target={"skill": "setup"}))["invite"]
    first, other = (show.desk, second) if invite["to"]["identity"] == "agent" else (second, show.desk)
    await first.event("invite")
    await first.ok("decline_invite", invite=invite["id"], reason="busy")
    rung = (await other.event("invite"))["invite"]
    assert (rung["id"], rung["state"], rung["tried"]) == (invite["id"], "pending", 1)
    assert await first.code("accept_invite", invite=invite["id"]) == "invite_not_yours"
    await other.ok("decline_invite", invite=invite["id"])
    ended = [event["invite"] for event in show.host.heard("invite")][-1]
    assert (ended["state"], ended["reason"]) == ("expired", "nobody_available")
    assert await show.host.code("invite", target={"skill": "cooking"}) == "nobody_available"


async def test_an_agent_offers_and_the_host_agrees(show: Show) -> None:
    agent, _ = await show.agent()
    offered = (await agent.ok("offer_stage", topic="I know this one"))["invite"]
    assert (await agent.ok("offer_stage"))["invite"]["id"] == offered["id"]
    reply = await publish(agent, *AV)
    assert all(track["held"] for track in reply["tracks"])
    asked = (await show.host.event("invite"))["invite"]
    assert asked["direction"] == "request"
    assert await agent.code("accept_invite", invite=offered["id"]) == "invite_not_yours"
    # Inviting who has offered already is saying yes.
    assert (await show.host.ok("invite", target={"identity": "agent"}))["invite"]["state"] == "accepted"
    assert places(await show.viewer.event("stage")) == ["host", "agent"]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"identity": "nobody"}, "invitee_not_found"),
        ({"identity": "away"}, "invitee_busy"),
        ({"identity": "off"}, "invitee_offline"),
        ({"identity": "host"}, "already_on_stage"),
        ({"identity": "a", "anyone": True}, "bad_message"),
        ({}, "bad_message"),
    ],
)
async def test_whom_one_cannot_invite(show: Show, target: dict[str, Any], code: str) -> None:
    away, _ = await at_desk(show.site, "away")
    await away.ok("set_presence", presence="break")
    off, _ = await at_desk(show.site, "off")
    await off.ok("set_presence", presence="offline")
    assert await show.host.code("invite", target=target) == code


async def test_only_those_in_control_invite(show: Show) -> None:
    agent, _ = await show.agent()
    assert await agent.code("invite", target={"anyone": True}) == "forbidden"
    assert await show.viewer.code("set_layout", layout="grid") == "forbidden"
    assert await show.viewer.code("invite", target={"identity": "agent"}) == "forbidden"


async def test_a_guest_muted_by_the_host_stays_muted(show: Show) -> None:
    rung = await show.ring()
    agent, _ = await show.agent()
    ids = (await publish(agent, *AV))["ids"]
    await agent.ok("accept_invite", invite=rung["id"])
    worker = await settle(show.site)
    await show.host.ok("mute_guest", identity="agent", audio=True)
    await settle(show.site)
    assert worker.asked(api.PauseProducer)[-1] == api.PauseProducer(ids["microphone"], True)
    assert await agent.code("mute", track=ids["microphone"], muted=False) == "muted_by_host"
    await show.host.ok("ask_unmute", identity="agent", audio=True)
    asked = await agent.event("unmute_requested")
    assert (asked["audio"], asked["video"], asked["by"]["identity"]) == (True, False, "host")
    await agent.ok("mute", track=ids["microphone"], muted=False)
    assert worker.asked(api.PauseProducer)[-1] == api.PauseProducer(ids["microphone"], False)


async def test_a_cohost_gets_what_control_needs(show: Show) -> None:
    rung = await show.ring()
    agent, _ = await show.agent()
    await publish(agent, *AV)
    await agent.ok("accept_invite", invite=rung["id"])
    await show.host.ok("set_cohost", identity="agent", cohost=True)
    assert [entry["identity"] for entry in (await agent.event("agents"))["agents"]] == ["agent"]
    await agent.ok("set_layout", layout="grid")
    assert (await show.viewer.event("stage", stage=show.site.hub.rooms["demo"].state.snapshot()["stage"]))["stage"][
        "layout"
    ] == "grid"


async def test_a_reloaded_guest_keeps_the_place(show: Show) -> None:
    rung = await show.ring()
    agent, _ = await show.agent()
    await publish(agent, *AV)
    await agent.ok("accept_invite", invite=rung["id"])
    await agent.cut()
    again, joined = await show.agent()
    assert [place["identity"] for place in joined["room"]["stage"]["places"]] == ["host", "agent"]
    reply = await publish(again, *AV)
    assert not any(track["held"] for track in reply["tracks"])


async def test_the_desk_serves_nothing_else(show: Show) -> None:
    assert await show.desk.code("start_show") == "room_required"
    assert await show.desk.code("publish", sdp=opened_sdp(), tracks=[]) == "room_required"
    assert await show.desk.code("set_presence", presence="available", skills=["cooking"]) == "bad_message"
    me = (await show.desk.ok("set_presence", presence="break", skills=[]))["me"]
    assert (me["presence"], me["skills"], me["all_skills"]) == ("break", [], ["setup"])
    assert await show.host.code("set_presence", presence="break") == "unknown_type"
    client = await show.site.client()
    refused = await client.ask("join", v=1, token=show.site.token("v", "viewer"), desk=True)
    assert refused["code"] == "forbidden"


async def test_the_desk_is_told_of_rooms_and_resumes(site: Site) -> None:
    desk, joined = await at_desk(site, "agent", skills=["setup"])
    assert joined["desk"]["rooms"] == [] and joined["desk"]["me"]["presence"] == "available"
    host, _ = await site.joined("host", "host")
    await host.ok("start_show")
    rooms = (await desk.event("desk_rooms"))["rooms"]
    assert [(room["name"], room["state"], room["host"]) for room in rooms] == [("demo", "live", "host")]
    await desk.cut()
    again = await site.client()
    resume = {"peer": joined["peer"], "key": joined["resume_key"], "seq": desk.events[-1]["seq"]}
    token = site.token("agent", "agent", room="*", skills=["setup"])
    assert (await again.join(token, desk=True, resume=resume))["resumed"] is True
    await host.ok("invite", target={"anyone": True})
    assert (await again.event("invite"))["invite"]["to"]["identity"] == "agent"


async def test_an_invitee_who_leaves_for_good_fails_the_invitation(show: Show) -> None:
    await show.ring()
    await show.desk.ok("leave")
    ended = await show.host.event("invite", invite=show.host.heard("invite")[-1]["invite"])
    while ended["invite"]["state"] == "pending":
        ended = await show.host.event("invite")
    assert (ended["invite"]["state"], ended["invite"]["reason"]) == ("failed", "invitee_left")


async def test_a_player_hears_nothing_that_is_held(show: Show) -> None:
    from tests.signaling.fakes import offer

    await show.ring()
    agent, _ = await show.agent()
    held = set((await publish(agent, *AV))["ids"].values())
    response = await show.site.http.post(
        "/whep/demo",
        data=offer("audio", "video", direction="recvonly"),
        headers={"Authorization": f"Bearer {show.site.token('p')}", "Content-Type": "application/sdp"},
    )
    assert response.status == 201
    consumers = (await settle(show.site)).asked(api.OpenTransport)[-1].consumers
    assert consumers and not held & {entry.producer_id for entry in consumers}


# --- talk --------------------------------------------------------------------------------------------------------


async def test_chat_reaches_everybody_and_is_kept(show: Show) -> None:
    said = (await show.viewer.ok("chat", text="<b>hello</b>\u202e\n there"))["message"]
    assert (said["text"], said["identity"], said["role"]) == ("<b>hello</b> there", "viewer", "viewer")
    assert (await show.host.event("chat"))["message"] == said
    late, joined = await show.site.joined("late")
    assert joined["room"]["chat"]["messages"] == [said]
    assert await late.code("delete_chat", message=said["id"]) == "forbidden"
    await show.host.ok("delete_chat", message=said["id"])
    assert (await late.event("chat_deleted"))["message"] == said["id"]
    assert await show.host.code("delete_chat", message=said["id"]) == "message_not_found"
    mute = show.site.token("quiet", "viewer", grants=show.site.hub.authority.verify(
        show.site.token("r", "reviewer"), show.site.wall(), "demo").grants)
    quiet = await show.site.client()
    await quiet.join(mute)
    assert await quiet.code("chat", text="hi") == "forbidden"


async def test_chat_is_moderated(show: Show) -> None:
    await show.host.ok("mute_chatter", identity="viewer", seconds=60)
    assert (await show.viewer.event("chat_muted"))["until"] > 0
    assert await show.viewer.code("chat", text="hi") == "chat_muted"
    await show.host.ok("mute_chatter", identity="viewer", seconds=0)
    await show.host.ok("slow_mode", seconds=30)
    assert (await show.viewer.event("chat_settings"))["slow_s"] == 30
    await show.viewer.ok("chat", text="hi")
    refused = await show.viewer.ask("chat", text="again")
    assert refused["code"] == "chat_slow_mode" and refused["retry_after_s"] > 20
    await show.host.ok("chat", text="one")
    await show.host.ok("chat", text="two")
    assert await show.host.code("mute_chatter", identity="host", seconds=60) == "forbidden"


async def test_the_back_channel_is_for_the_staff(show: Show) -> None:
    agent, joined = await show.agent()
    assert joined["room"]["backchannel"] == []
    assert {entry["identity"] for entry in (await show.host.event("staff"))["staff"]} >= {"host"}
    said = (await agent.ok("backchannel", text="Coupon is wrong, stop!", urgent=True))["message"]
    assert (await show.host.event("backchannel"))["message"] == said
    await show.host.ok("ack_backchannel", message=said["id"])
    acked = await agent.event("backchannel_acked")
    assert (acked["message"], acked["by"]["identity"]) == (said["id"], "host")
    assert await show.viewer.code("backchannel", text="hi") == "forbidden"
    await settle(show.site)
    assert "Coupon" not in str(show.viewer.events)
    _, late = await show.site.joined("late")
    assert "backchannel" not in late["room"] and "staff" not in late["room"] and "agents" not in late["room"]
