"""The stage when people drop, reload and leave, when grants change, and when the show is over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signaling import room_model as r
from signaling.stage import Stage
from tests.signaling.test_room import admin, guest, host, kinds, supervisor, told, whisper
from tests.signaling.test_stage import av, changed, invite, place, places, put_on, right, show


def test_a_guest_who_drops_keeps_the_place_for_the_window() -> None:
    room = show(on=("g",))
    room.handle(r.Dropped("g"), 1.0)
    assert place(room, "g").peer == "g" and room.tracks_of("g")
    room.handle(r.Returned("g"), 30.0)
    room.handle(r.Dropped("g"), 40.0)
    effects = room.handle(r.Tick(), 70.0)
    assert places(room) == ["h"] and r.Engaged("g", False) in effects
    assert [value for kind, value in told(effects) if kind == "peer_left"] == ["timeout"]


def test_a_guest_who_reloads_keeps_the_place() -> None:
    room = show(on=("g", "k"))
    room.handle(r.GuestMuted("h", "g", True, False), 1.0)
    effects = room.handle(r.Joined(replace(guest("g2", "g"), name="G2")), 2.0)
    assert kinds(effects) == [
        "TracksGone",
        "track_unpublished",
        "track_unpublished",
        "Gone",
        "peer_left",
        "peer_joined",
        "stage",
    ]
    assert places(room) == ["h", "g", "k"]
    assert (place(room, "g").peer, place(room, "g").name, place(room, "g").audio_locked) == ("g2", "G2", True)
    assert right(room, "g2", "camera") == "air"


@pytest.mark.parametrize("fact", [r.Left("g", "left"), r.Left("g", "removed", "peer_removed"), r.StageLeft("g")])
def test_a_guest_who_leaves_loses_the_place(fact: r.Fact) -> None:
    room = show(on=("g",))
    assert told(room.handle(fact, 1.0))[-1] == ("stage", ["h"])


def test_a_reload_in_the_middle_of_a_ring() -> None:
    room = show("g")
    room.handle(invite("g"), 1.0)
    room.handle(r.Published("g", av("g")), 1.0)
    room.handle(r.Joined(guest("g2", "g")), 2.0)
    room.handle(r.Joined(host("h2", "h")), 3.0)
    assert room.rings("g") and right(room, "g2", "camera") == "held"
    room.handle(r.InviteAccepted("i-g", "g"), 4.0)
    assert places(room) == ["h", "g"]


def test_the_place_of_the_host_waits_with_the_show() -> None:
    room = show(on=("g",))
    room.handle(r.GuestMoved("h", "h", 1), 1.0)
    room.handle(r.Left("h", "left"), 1.0)
    assert room.snapshot()["state"] == "away" and places(room) == ["g", "h"] and place(room, "h").peer is None
    assert room.tracks_of("g"), "guests stay on air"
    room.handle(r.Joined(host("h2", "h")), 10.0)
    assert place(room, "h").peer == "h2"
    room.handle(r.Published("h2", av("h2")), 11.0)
    assert room.state == "live" and places(room) == ["g", "h"]


def test_the_place_of_a_host_who_stays_away_ends_with_the_show() -> None:
    room = show(on=("g",))
    room.handle(r.Left("h", "left"), 1.0)
    effects = room.handle(r.Tick(), 31.0)
    assert room.state == "ended" and places(room) == []
    assert [e.identity for e in effects if isinstance(e, r.Engaged)] == ["h", "g"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_host_is_not_awaited_when_another_is_there(when: str) -> None:
    room = show()
    if when == "before":
        room.handle(r.Joined(host("other")), 1.0)
        room.handle(r.Left("h", "left"), 2.0)
    else:
        room.handle(r.Left("h", "left"), 2.0)
        assert places(room) == ["h"]
        room.handle(r.Joined(host("other")), 3.0)
    assert places(room) == []


def test_the_end_of_the_show_is_a_fresh_stage() -> None:
    room = show("k", on=("g",))
    for fact in (
        r.Pinned("h", "g"),
        r.StageLocked("h", True),
        r.LayoutSet("h", "grid"),
        r.HandsOpened("h", True),
        r.CohostSet("h", "g", True),
    ):
        room.handle(fact, 1.0)
    effects = room.handle(r.ShowEnded(), 2.0)
    assert room.stage == Stage() and kinds(effects)[-1] == "ShowOver"
    assert kinds(effects).count("stage") == 1
    room.handle(r.ShowStarted(), 3.0)
    room.handle(r.Published("h", av("h")), 3.0)
    assert places(room) == ["h"]
    assert right(room, "g", "camera") == "not_on_stage"


def test_lost_media_costs_nobody_the_place() -> None:
    room = show("k", on=("g",))
    room.handle(invite("k"), 1.0)
    room.handle(r.Published("k", av("k")), 1.0)
    effects = room.handle(r.MediaLost("worker_restarted"), 2.0)
    assert places(room) == ["h", "g"] and not room.tracks and room.rings("k")
    assert kinds(effects).count("track_unpublished") == 3, "nobody knew of those that were held"
    room.handle(r.Published("g", av("g")), 3.0)


def test_losing_the_grant_of_the_show_leaves_an_ordinary_guest() -> None:
    room = show()
    room.handle(r.Joined(admin("z")), 0.0)
    room.handle(r.Published("z", av("z")), 0.0)
    room.handle(r.Amended(replace(guest("z"), publish=frozenset(("camera",)))), 1.0)
    room.handle(r.GuestRemoved("h", "z"), 2.0)
    assert right(room, "z", "camera") == "not_on_stage"


def test_getting_the_grant_of_the_show_puts_held_tracks_on_air() -> None:
    room = show("g")
    room.handle(invite("g"), 1.0)
    room.handle(r.Published("g", av("g")), 1.0)
    effects = room.handle(r.Amended(replace(guest("g"), show=True)), 2.0)
    assert changed(effects) == [("i-g", "accepted", None)] and places(room) == ["h", "g"]


def test_coming_off_stage_a_whisper_goes_on() -> None:
    room = show()
    room.handle(r.Joined(supervisor("s")), 0.0)
    room.handle(r.Published("s", (whisper("w", "s"),)), 0.0)
    put_on(room, "s")
    room.handle(r.Published("s", av("s")), 0.0)
    effects = room.handle(r.StageLeft("s"), 1.0)
    assert [entry.id for entry in room.tracks_of("s")] == ["w"]
    # A client forgets all tracks of a Peer that leaves, so the hosts are told of it anew.
    assert told(effects)[-3:] == [("peer_left", "off_stage"), ("track_published", "w"), ("stage", ["h"])]


def test_closing_for_a_restart_ends_quietly() -> None:
    room = show("k", on=("g",))
    room.handle(invite("k"), 1.0)
    effects = room.handle(r.Closing("server_restart"), 2.0)
    assert set(kinds(effects)) == {"Gone", "RoomClosed"}
