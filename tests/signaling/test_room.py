"""The Room: stories told as facts and times."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from signaling import room_model as r
from signaling.errors import ApiError
from signaling.room import Room

EPOCH = 1_700_000_000.0
ON_STAGE: frozenset[Any] = frozenset(("microphone", "camera", "screen", "screen_audio"))
POLICY = r.Policy(max_peers=4, max_publishers=2, max_tracks=3)


def make(**policy: Any) -> Room:
    return Room("demo", "Demo", replace(POLICY, **policy), EPOCH, 0.0)


def host(peer: str = "h", identity: str | None = None) -> r.Member:
    return r.Member(peer, identity or peer, "Host", "host", host=True, show=True, staff=True, publish=ON_STAGE)


def viewer(peer: str, identity: str | None = None) -> r.Member:
    return r.Member(peer, identity or peer, "V", "viewer", host=False)


def guest(peer: str, identity: str | None = None) -> r.Member:
    return r.Member(peer, identity or peer, "G", "agent", host=False, staff=True, publish=ON_STAGE)


def admin(peer: str) -> r.Member:
    """May publish at any time, and is no host."""
    return r.Member(peer, peer, "A", "admin", host=False, show=True, manage=True, staff=True, publish=ON_STAGE)


def supervisor(peer: str) -> r.Member:
    return r.Member(peer, peer, "S", "supervisor", host=False, manage=True, staff=True, publish=frozenset(("whisper",)))


def track(name: str, peer: str = "h", kind: Any = "video", source: Any = "camera") -> r.Track:
    return r.Track(name, peer, kind, source, "VP8")


def whisper(name: str, peer: str) -> r.Track:
    return track(name, peer, "audio", "whisper")


def told(effects: list[r.Effect]) -> list[tuple[str, Any]]:
    """Event types with the field that tells most."""
    short = []
    for effect in effects:
        if isinstance(effect, r.Tell):
            fields = effect.fields
            keys = ("state", "count", "reason", "peers", "track", "peer", "stage", "hands", "raised", "audio")
            value = next(fields[key] for key in keys if key in fields)
            if effect.type == "stage":
                value = [place["identity"] for place in value["places"]]
            short.append((effect.type, value["id"] if isinstance(value, dict) else value))
    return short


def kinds(effects: list[r.Effect]) -> list[str]:
    return [effect.type if isinstance(effect, r.Tell) else type(effect).__name__ for effect in effects]


def refusal(room: Room, fact: r.Fact, now: float = 0.0) -> str:
    before = copy.deepcopy(room)
    with pytest.raises(ApiError) as caught:
        room.handle(fact, now)
    assert room == before, "a refused fact changes nothing"
    return caught.value.code


def live_room(**policy: Any) -> Room:
    room = make(**policy)
    room.handle(r.Joined(host()), 0.0)
    room.handle(r.Published("h", (track("t"),)), 1.0)
    room.handle(r.ShowStarted(), 2.0)
    return room


# --- joining -----------------------------------------------------------------------------------------------------


def test_hosts_are_listed_and_the_audience_counted() -> None:
    room = make()
    assert told(room.handle(r.Joined(host()), 0.0)) == [("peer_joined", "h")]
    assert told(room.handle(r.Joined(viewer("v")), 1.0)) == [("viewers", 1)]
    snapshot = room.snapshot()
    assert [peer["id"] for peer in snapshot["peers"]] == ["h"]
    assert snapshot["viewers"] == 1
    for member in (guest("g"), supervisor("s"), admin("a")):
        assert room.handle(r.Joined(member), 2.5) == [], "whoever works here is neither"
    assert told(room.handle(r.Left("v", "left"), 3.0)) == [("viewers", 0)]


def test_viewer_count_is_told_at_most_once_a_second() -> None:
    room = make(max_peers=100)
    heard = []
    for index in range(50):
        now = index * 0.05
        heard += [(now, count) for _, count in told(room.handle(r.Joined(viewer(f"v{index}")), now))]
        if (due := room.next_deadline()) is not None and due <= now:
            heard += [(now, count) for _, count in told(room.handle(r.Tick(), now))]
    assert heard == [(0.0, 1), (1.0, 21), (2.0, 41)]
    assert room.next_deadline() == 3.0
    assert told(room.handle(r.Tick(), 3.0)) == [("viewers", 50)]
    assert room.next_deadline() is None


def test_a_count_that_comes_back_is_not_told() -> None:
    room = make()
    room.handle(r.Joined(viewer("v")), 0.0)
    assert told(room.handle(r.Joined(viewer("w")), 0.1)) == []
    assert told(room.handle(r.Left("w", "left"), 0.2)) == []
    assert room.next_deadline() is None


def test_capacity_counts_everybody_but_never_locks_out_a_host() -> None:
    room = make()
    for name in "abcd":
        room.handle(r.Joined(viewer(name)), 0.0)
    assert refusal(room, r.Joined(viewer("e"))) == "room_full"
    assert refusal(room, r.Joined(guest("g"))) == "room_full"
    room.handle(r.Joined(host()), 0.0)
    # Coming back under the same identity takes no second place.
    room.handle(r.Joined(viewer("a2", identity="a")), 0.0)
    assert len(room.members) == 5


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("policy", ["replace", "refuse"])
def test_duplicate_identity(policy: str, dropped: bool) -> None:
    room = make(duplicate_identity=policy)
    room.handle(r.Joined(viewer("v1", "ann")), 0.0)
    if dropped:
        room.handle(r.Dropped("v1"), 1.0)
    again = r.Joined(viewer("v2", "ann"))
    if policy == "refuse" and not dropped:
        assert refusal(room, again, 2.0) == "identity_taken"
    else:
        assert r.Gone("v1", "identity_replaced") in room.handle(again, 2.0)
        assert list(room.members) == ["v2"]


def test_grants_can_list_and_unlist() -> None:
    room = make()
    room.handle(r.Joined(viewer("v")), 0.0)
    listed = replace(viewer("v"), host=True)
    assert told(room.handle(r.Amended(listed), 2.0)) == [("peer_joined", "v"), ("viewers", 0)]
    assert told(room.handle(r.Amended(replace(listed, name="W")), 4.0)) == [("peer_updated", "v")]
    assert told(room.handle(r.Amended(replace(listed, name="W")), 4.0)) == []
    assert told(room.handle(r.Amended(viewer("v")), 6.0)) == [("peer_left", "grants"), ("viewers", 1)]


# --- tracks ------------------------------------------------------------------------------------------------------


def test_publish_and_leave() -> None:
    room = make()
    room.handle(r.Joined(host()), 0.0)
    effects = room.handle(r.Published("h", (track("t"), track("u"))), 0.0)
    assert told(effects) == [("stage", ["h"]), ("track_published", "t"), ("track_published", "u")]
    assert kinds(effects)[-1] == "TracksAdded"
    effects = room.handle(r.Left("h", "left"), 1.0)
    # The publisher is let go between the end of its tracks and the news of its leaving: it hears no news of itself.
    assert kinds(effects) == [
        "TracksGone",
        "track_unpublished",
        "track_unpublished",
        "Gone",
        "peer_left",
        "Engaged",
        "stage",
    ]
    assert room.snapshot()["tracks"] == []


def test_limits_of_tracks_and_publishers() -> None:
    room = make(max_peers=10)
    for name in "abc":
        room.handle(r.Joined(supervisor(name)), 0.0)
    room.handle(r.Joined(host()), 0.0)
    room.handle(r.Published("a", (whisper("1", "a"), whisper("2", "a"))), 0.0)
    assert refusal(room, r.Published("a", (whisper("3", "a"), whisper("4", "a")))) == "track_limit"
    room.handle(r.Published("b", (whisper("5", "b"),)), 0.0)
    assert refusal(room, r.Published("c", (whisper("6", "c"),))) == "room_full"
    room.handle(r.Published("h", (track("t"),)), 0.0)
    room.handle(r.Published("b", (whisper("7", "b"),)), 0.0)
    room.handle(r.Unpublished(("t", "5", "7", "unknown")), 0.0)
    room.handle(r.Published("c", (whisper("6", "c"),)), 0.0)
    assert refusal(room, r.Published("nobody", (track("8", "nobody"),))) == "peer_not_found"


def test_mute_and_flow_are_told_once() -> None:
    room = live_room()
    for fact in (r.Muted("t", True), r.Flowing("t", True)):
        assert told(room.handle(fact, 3.0)) == [("track_updated", "t")]
        assert told(room.handle(fact, 3.0)) == []
    assert room.tracks["t"].muted and room.tracks["t"].flowing
    assert refusal(room, r.Muted("gone", True)) == "track_not_found"
    assert room.handle(r.Flowing("gone", True), 3.0) == []


def test_speakers_are_peers_once_each_and_end_with_their_tracks() -> None:
    room = make()
    for name in "ab":
        room.handle(r.Joined(host(name)), 0.0)
        room.handle(r.Published(name, (track(f"{name}1", name), track(f"{name}2", name))), 0.0)
    assert told(room.handle(r.Speaking(("b2", "b1", "gone", "a1")), 1.0)) == [("speakers", ["b", "a"])]
    assert told(room.handle(r.Speaking(("b1", "a1")), 1.0)) == []
    assert ("speakers", ["a"]) in told(room.handle(r.Unpublished(("b1", "b2")), 1.0))


def test_media_lost() -> None:
    room = live_room()
    effects = room.handle(r.MediaLost("worker_restarted"), 3.0)
    assert kinds(effects) == ["transport_lost", "TracksGone", "track_unpublished"]
    assert any(isinstance(effect, r.TracksGone) and effect.lost for effect in effects)
    assert room.state == "live"


# --- dropping and coming back ------------------------------------------------------------------------------------


def test_resume_within_the_window() -> None:
    room = make(resume_window_s=10.0)
    room.handle(r.Joined(host("g")), 0.0)
    assert told(room.handle(r.Dropped("g"), 1.0)) == [("peer_updated", "g")]
    assert room.handle(r.Dropped("g"), 5.0) == [], "the window began with the first"
    assert room.next_deadline() == 11.0
    assert told(room.handle(r.Returned("g"), 10.0)) == [("peer_updated", "g")]
    assert room.next_deadline() is None
    assert room.handle(r.Tick(), 100.0) == []


def test_window_over() -> None:
    room = make(resume_window_s=10.0, max_peers=5)
    room.handle(r.Joined(host("g")), 0.0)
    room.handle(r.Published("g", (track("t", "g"),)), 0.0)
    room.handle(r.Dropped("g"), 1.0)
    assert room.handle(r.Tick(), 10.9) == []
    assert room.snapshot()["tracks"], "tracks of somebody who dropped go on"
    effects = room.handle(r.Tick(), 11.0)
    assert kinds(effects) == ["TracksGone", "track_unpublished", "Gone", "peer_left", "Engaged", "stage"]
    assert refusal(room, r.Returned("g")) == "peer_not_found"


# --- the show ----------------------------------------------------------------------------------------------------


def test_show_from_idle_to_ended() -> None:
    room = make()
    room.handle(r.Joined(host()), 0.0)
    assert told(room.handle(r.ShowStarted(), 5.0)) == [("room_state", "live")]
    assert room.snapshot()["since"] == round((EPOCH + 5.0) * 1000)
    assert room.handle(r.ShowStarted(), 6.0) == []
    room.handle(r.Published("h", (track("t"),)), 6.0)
    effects = room.handle(r.ShowEnded(), 7.0)
    assert kinds(effects) == ["room_state", "TracksGone", "track_unpublished", "Engaged", "stage", "ShowOver"]
    assert room.handle(r.ShowEnded(), 8.0) == []
    assert told(room.handle(r.ShowStarted(), 9.0)) == [("room_state", "live")]


def test_host_away_and_back_by_resume() -> None:
    room = live_room()
    effects = room.handle(r.Dropped("h"), 10.0)
    assert told(effects) == [("peer_updated", "h"), ("room_state", "away")]
    assert room.snapshot()["away_until"] == round((EPOCH + 40.0) * 1000)
    assert ("room_state", "live") in told(room.handle(r.Returned("h"), 39.0))
    assert "away_until" not in room.snapshot()


def test_host_away_for_too_long() -> None:
    room = live_room(resume_window_s=5.0)
    room.handle(r.Joined(viewer("v")), 9.0)
    room.handle(r.Dropped("h"), 10.0)
    assert ("peer_left", "timeout") in told(room.handle(r.Tick(), 15.0))
    assert room.state == "away" and room.next_deadline() == 40.0
    assert told(room.handle(r.Tick(), 40.0)) == [("room_state", "ended"), ("stage", [])]


def test_host_reloads_the_page() -> None:
    room = live_room()
    room.handle(r.Dropped("h"), 10.0)
    told_by_join = told(room.handle(r.Joined(host("h2", "h")), 12.0))
    assert told_by_join[-2:] == [("room_state", "away"), ("stage", ["h"])], "back, with nothing on air yet"
    assert "away_until" not in room.snapshot()
    assert told(room.handle(r.Tick(), 100.0)) == []
    assert told(room.handle(r.Published("h2", (track("t2", "h2"),)), 101.0))[-1] == ("room_state", "live")


def test_host_joins_elsewhere_while_live() -> None:
    room = live_room()
    effects = told(room.handle(r.Joined(host("h2", "h")), 12.0))
    assert [value for kind, value in effects if kind == "room_state"] == ["away", "away"]
    assert told(room.handle(r.ShowStarted(), 13.0)) == [("room_state", "live")]


def test_a_viewer_who_returns_does_not_bring_the_show_back() -> None:
    room = live_room()
    room.handle(r.Joined(viewer("v")), 9.0)
    room.handle(r.Left("h", "left"), 10.0)
    room.handle(r.Joined(host("h2", "h")), 11.0)
    room.handle(r.Dropped("v"), 12.0)
    room.handle(r.Returned("v"), 13.0)
    assert room.state == "away"


def test_one_of_two_hosts_is_enough() -> None:
    room = live_room()
    room.handle(r.Joined(host("h2")), 5.0)
    room.handle(r.Dropped("h"), 6.0)
    assert room.state == "live"


def test_stand_alone_host_starts_the_show() -> None:
    room = make()
    room.handle(r.Joined(host()), 0.0)
    effects = room.handle(r.Published("h", (track("t"),), starts_show=True), 1.0)
    assert told(effects)[-1] == ("room_state", "live")


def test_after_the_show_only_a_host_publishes() -> None:
    room = live_room(max_peers=5)
    room.handle(r.Joined(supervisor("s")), 3.0)
    room.handle(r.ShowEnded(), 4.0)
    assert refusal(room, r.Published("s", (whisper("x", "s"),)), 5.0) == "room_ended"
    room.handle(r.Published("h", (track("y"),)), 5.0)


# --- the end of a room -------------------------------------------------------------------------------------------


def test_empty_room_closes() -> None:
    room = make()
    assert room.next_deadline() == POLICY.empty_timeout_s
    assert kinds(room.handle(r.Tick(), 60.0)) == ["RoomClosed"]
    assert room.next_deadline() is None
    assert room.handle(r.Joined(viewer("v")), 61.0) == []


def test_left_room_closes() -> None:
    room = make()
    room.handle(r.Joined(viewer("v")), 0.0)
    assert room.next_deadline() is None
    room.handle(r.Left("v", "left"), 100.0)
    room.handle(r.Tick(), 101.0)
    assert room.next_deadline() == 120.0
    room.handle(r.Joined(viewer("v")), 119.0)
    room.handle(r.Left("v", "left"), 119.5)
    assert kinds(room.handle(r.Tick(), 120.0)) == ["viewers"]
    assert kinds(room.handle(r.Tick(), 139.5)) == ["RoomClosed"]


def test_an_empty_room_waits_for_its_host() -> None:
    room = live_room()
    room.handle(r.Left("h", "left"), 10.0)
    assert room.handle(r.Tick(), 30.0) == []
    assert kinds(room.handle(r.Tick(), 40.0)) == ["room_state", "Engaged", "stage", "ShowOver", "RoomClosed"]


@pytest.mark.parametrize(("code", "ends"), [("room_ended", True), ("server_restart", False)])
def test_closing(code: str, ends: bool) -> None:
    room = live_room()
    effects = room.handle(r.Closing(code), 5.0)
    assert (("room_state", "ended") in told(effects)) == ends
    assert effects[-2:] == [r.Gone("h", code), r.RoomClosed()]
    assert refusal_of_join(room) == "room_ended"


def refusal_of_join(room: Room) -> str:
    with pytest.raises(ApiError) as caught:
        room.check_join(viewer("late"))
    return caught.value.code
