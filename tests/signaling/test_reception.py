"""What the desk tells everybody: the same lists as in the replies, and nobody is asked about for nothing."""

from __future__ import annotations

import pytest

from signaling.room import Room
from signaling.room_model import Member, Policy
from signaling.stage import Place
from tests.signaling.conftest import Site
from tests.signaling.test_staging import at_desk


async def test_lists_that_are_told_are_those_of_the_replies(site: Site) -> None:
    host, _ = await site.joined("host", "host")
    await host.ok("start_show")
    other, _ = await at_desk(site, "other", room="elsewhere")
    limited, _ = await at_desk(site, "limited", room="demo")
    desk, _ = await at_desk(site, "agent", skills=["setup"])
    here = await site.client()
    await here.join(site.token("agent", "agent", room="*"), room="demo")
    hub = site.hub
    room = hub.rooms["demo"]
    hub.reception._tell_news()
    told = (await host.event("agents", agents=hub.reception.directory(room)))["agents"]
    assert [(entry["identity"], entry["here"]) for entry in told] == [("agent", True), ("limited", False)]
    for client, identity, names in ((desk, "agent", ["demo"]), (limited, "limited", ["demo"]), (other, "other", [])):
        peer = next(peer for peer in hub.reception.peers() if peer.claims.identity == identity)
        rooms = hub.reception.snapshot(peer)["rooms"]
        assert (await client.event("desk_rooms", rooms=rooms))["rooms"] == rooms
        assert [line["name"] for line in rooms] == names
    before = len(host.heard("agents"))
    hub.reception._tell_news()
    await host.ok("ping")
    assert len(host.heard("agents")) == before


def test_in_control_is_who_controls() -> None:
    room = Room("r", "", Policy(), 0.0, 0.0)
    for name in "hmcgv":
        room.members[name] = Member(name, name.upper(), name, "viewer", False, show=name == "h", manage=name == "m")
    room.stage.take(Place("C", "c", "agent", "c", cohost=True), "media", 0.0)
    room.stage.take(Place("G", "g", "agent", "g"), "media", 0.0)
    assert room.in_control() == {peer for peer in room.members if room.controls(peer)} == {"h", "m", "c"}


async def test_a_viewer_who_leaves_asks_no_room_for_its_members(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _, joined = await site.joined("v", room="demo")
    await site.joined("w")
    asked = []
    monkeypatch.setattr(Room, "member_by_identity", lambda room, identity: asked.append(identity))
    await site.hub.leave(site.hub.peers[joined["peer"]])
    assert asked == []
