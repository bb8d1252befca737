"""Calls in a Room: who may publish, who is told, hold and whisper, the way onto the stage and back. Facts and times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from signaling import room_model as r
from signaling.circle import Circle, Seat
from signaling.errors import ApiError
from signaling.invite import Invite
from signaling.room import Room
from tests.signaling.test_room import admin, guest, host, refusal, supervisor, told, track, viewer
from tests.signaling.test_stage import invite, right, show

AV: frozenset[Any] = frozenset(("microphone", "camera"))
VOICE: frozenset[Any] = frozenset(("microphone",))


def call(opened: bool = True, name: str = "c", **seats: str) -> r.CircleSet:
    """``g="agent full"`` gives ``g`` that seat."""
    return r.CircleSet(Circle(name, {who: Seat(*text.split()) for who, text in seats.items()}, opened))  # type: ignore[arg-type]


TALKING = call(v="shopper full", g="agent full")


def talking(**policy: Any) -> Room:
    """A live show with a viewer ``v`` and an agent ``g`` who talk in private, both with sound and picture; ``w`` watches."""
    room = show("g", **policy)
    room.handle(r.Joined(viewer("w")), 0.0)
    room.handle(TALKING, 0.0)
    for who in ("v", "g"):
        room.handle(r.Published(who, (track(f"{who}m", who, "audio", "microphone"), track(f"{who}c", who))), 0.0)
    return room


def only(effects: list[r.Effect]) -> dict[str, list[tuple[str, str]]]:
    """What each Peer was told of tracks and peers; ``*`` is everybody, ``-x`` everybody but ``x``."""
    heard: dict[str, list[tuple[str, str]]] = {}
    for effect in effects:
        if isinstance(effect, r.Tell) and effect.type.startswith(("track_", "peer_")):
            value = effect.fields.get("track", effect.fields.get("peer"))
            name = str(value["id"] if isinstance(value, dict) else value)
            spared = "*" if not effect.know else "-" + "".join(sorted(effect.know))
            for peer in sorted(effect.only) if effect.only is not None else (spared,):
                heard.setdefault(peer, []).append((effect.type, name))
    return heard


def of(effects: list[r.Effect], kind: type[Any]) -> list[Any]:
    return [effect for effect in effects if isinstance(effect, kind)]


def names(tracks: Any) -> set[str]:
    return {entry.id for entry in tracks}


def seen(room: Room, peer: str) -> set[str]:
    return {name for name, entry in room.tracks.items() if room.may_see(entry, peer)}


def listed(room: Room, peer: str | None = None) -> set[str]:
    return {entry["id"] for entry in room.snapshot(peer)["tracks"]}


# --- who may publish -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opened", "mode", "sources"),
    [
        (True, "full", dict.fromkeys(("microphone", "camera", "screen", "screen_audio"), "circle")),
        (False, "full", dict.fromkeys(("microphone", "camera", "screen", "screen_audio"), "held")),
        (True, "ring", dict.fromkeys(("microphone", "camera", "screen", "screen_audio"), "held")),
        (True, "hold", dict.fromkeys(("microphone", "camera", "screen", "screen_audio"), "circle")),
        (True, "whisper", {"microphone": "circle", "camera": "forbidden", "screen": "forbidden"}),
        (True, "listen", {"microphone": "forbidden", "camera": "forbidden"}),
    ],
)
def test_a_seat_is_the_right_to_publish(opened: bool, mode: str, sources: Mapping[str, str]) -> None:
    room = show()
    assert right(room, "v", "camera") == "forbidden"
    room.handle(call(opened, v=f"shopper {mode}"), 0.0)
    assert {source: right(room, "v", source) for source in sources} == sources
    assert right(room, "v", "whisper") == "forbidden"
    room.handle(r.CircleEnded("c"), 0.0)
    assert right(room, "v", "camera") == "forbidden"


def test_a_seat_comes_before_the_grant_to_run_the_show() -> None:
    room = show()
    room.handle(r.Joined(admin("a")), 0.0)
    assert right(room, "a", "microphone") == "air"
    room.handle(call(a="agent full", v="shopper full"), 0.0)
    assert right(room, "a", "microphone") == "circle"
    # Who is on stage by itself goes on sharing there.
    room.handle(call(name="d", h="agent full", v="shopper full"), 0.0)
    assert right(room, "h", "camera") == "air"
    room.handle(call(name="d", h="agent listen", v="shopper full"), 0.0)
    assert right(room, "h", "camera") == "air"


def test_calls_go_on_whatever_the_show_does_and_never_count_for_it() -> None:
    room = talking(max_publishers=1)
    room.check_publish("v", 1)
    room.handle(r.ShowEnded(), 1.0)
    assert set(room.tracks) == {"vm", "vc", "gm", "gc"}
    assert right(room, "v", "screen") == "circle"
    room.check_publish("v", 1)
    with pytest.raises(ApiError, match="track_limit"):
        room.check_publish("v", 99)
    with pytest.raises(ApiError, match="room_ended"):
        room.check_publish("w", 1)


# --- who is told -----------------------------------------------------------------------------------------------------


def test_what_is_shared_in_a_call_is_for_those_in_it() -> None:
    room = talking()
    assert seen(room, "v") == {"ht", "gm", "gc"} and seen(room, "g") == {"ht", "vm", "vc"}
    assert seen(room, "w") == seen(room, "h") | {"ht"} == {"ht"}
    assert listed(room) == listed(room, "w") == listed(room, "h") == {"ht"}
    assert listed(room, "v") == {"ht", "gm", "gc", "vm", "vc"}
    assert [entry["id"] for entry in room.snapshot("w")["peers"]] == ["h"]
    assert {entry["id"] for entry in room.snapshot("v")["peers"]} == {"h", "v", "g"}
    assert only(room.handle(r.Flowing("vm", True), 1.0)) == {"g": [("track_updated", "vm")], "v": [("track_updated", "vm")]}
    assert room.handle(r.Speaking(("vm", "gm")), 1.0) == []
    assert only(room.handle(r.Dropped("g"), 1.0)) == {"v": [("peer_updated", "g")], "g": [("peer_updated", "g")]}
    ended = room.handle(r.Unpublished(("gm",)), 1.0)
    assert only(ended) == {"v": [("track_unpublished", "gm")], "g": [("track_unpublished", "gm")]}


def test_until_it_is_answered_nothing_is_let_through_or_told() -> None:
    room = show("g")
    effects = room.handle(call(False, v="shopper full", g="agent ring"), 0.0)
    assert only(effects) == {}
    published = room.handle(r.Published("v", (track("vm", "v", "audio", "microphone"),)), 0.0)
    published += room.handle(r.Published("g", (track("gm", "g", "audio", "microphone"),)), 0.0)
    assert only(published) == {} and room.tracks["vm"].held and room.tracks["gm"].held
    assert "gm" in seen(room, "v") and "vm" in seen(room, "g"), "their consumers are made meanwhile"
    answered = room.handle(TALKING, 3.0)
    assert names(of(answered, r.TracksReleased)[0].tracks) == {"vm", "gm"}
    assert only(answered)["v"] == [("peer_joined", "g"), ("peer_joined", "v"), ("track_published", "vm"), ("track_published", "gm")]
    # The agent is lost, and the shopper is first in the queue again.
    again = room.handle(call(False, v="shopper full"), 60.0)
    assert names(of(again, r.TracksGone)[0].tracks) == {"gm"} and names(of(again, r.TracksMuted)[0].tracks) == {"vm"}
    assert ("peer_left", "g") in only(again)["v"] and listed(room, "v") == {"ht"}


def test_who_is_rung_into_a_call_overhears_nothing() -> None:
    room = talking()
    room.handle(r.Joined(guest("b")), 0.0)
    rung = room.handle(call(v="shopper full", g="agent full", b="agent ring"), 1.0)
    assert seen(room, "b") == {"ht", "vm", "vc", "gm", "gc"}
    assert all(room.must_wait(room.tracks[name], "b") for name in ("vm", "vc", "gm", "gc"))
    assert not room.must_wait(room.tracks["vm"], "g") and not room.must_wait(room.tracks["ht"], "b")
    assert of(rung, r.SeenBy) == [r.SeenBy(frozenset("vgb"))]
    room.handle(call(v="shopper hold", g="agent full", b="agent full"), 2.0)
    assert not room.must_wait(room.tracks["gm"], "b")
    assert seen(room, "b") == {"ht", "gm", "gc"}, "the shopper is on hold while the agents talk"
    assert seen(room, "v") == {"ht"}


def test_on_hold_nobody_sees_anybody() -> None:
    room = talking()
    held = room.handle(call(v="shopper hold", g="agent full"), 1.0)
    assert seen(room, "v") == seen(room, "g") == {"ht"}
    assert of(held, r.SeenBy) == [r.SeenBy(frozenset("vg"))] and not of(held, r.TracksGone)
    assert ("track_unpublished", "gm") in only(held)["v"] and ("track_unpublished", "vm") in only(held)["g"]
    assert ("track_unpublished", "vm") not in only(held)["v"], "one's own goes on"
    back = room.handle(TALKING, 2.0)
    assert seen(room, "v") == {"ht", "gm", "gc"}
    assert [name for kind, name in only(back)["v"] if kind == "track_published"] == ["gm", "gc"]


def test_listeners_are_not_seen_and_whisperers_heard_by_agents_only() -> None:
    room = talking()
    room.handle(r.Joined(supervisor("s")), 0.0)
    listening = room.handle(call(v="shopper full", g="agent full", s="supervisor listen"), 1.0)
    assert set(only(listening)) == {"s"} and seen(room, "s") == {"ht", "vm", "vc", "gm", "gc"}
    assert refusal(room, r.Published("s", (track("sm", "s", "audio", "microphone"),))) == "forbidden"
    room.handle(call(v="shopper full", g="agent full", s="supervisor whisper"), 2.0)
    said = room.handle(r.Published("s", (track("sm", "s", "audio", "microphone"),)), 3.0)
    assert only(said) == {"g": [("track_published", "sm")], "s": [("track_published", "sm")]}
    assert "sm" not in seen(room, "v") and "sm" not in seen(room, "h")
    barged = room.handle(call(v="shopper full", g="agent full", s="supervisor full"), 4.0)
    assert only(barged) == {"v": [("peer_joined", "s"), ("track_published", "sm")]}
    off = room.handle(call(v="shopper full", g="agent full", s="supervisor listen"), 5.0)
    assert names(of(off, r.TracksGone)[0].tracks) == {"sm"}


def test_who_reloads_keeps_the_seat() -> None:
    room = talking()
    again = replace(guest("g"), id="g2")
    effects = room.handle(r.Joined(again), 1.0)
    assert only(effects)["v"] == [("track_unpublished", "gm"), ("track_unpublished", "gc"), ("peer_left", "g"), ("peer_joined", "g2")]
    assert set(only(effects)) <= {"v", "g"}
    assert seen(room, "g2") == {"ht", "vm", "vc"} and right(room, "g2", "camera") == "circle"


def test_at_the_end_of_a_call_its_tracks_end_and_nobody_knows_anybody() -> None:
    room = talking()
    ended = room.handle(r.CircleEnded("c"), 1.0)
    assert names(of(ended, r.TracksGone)[0].tracks) == {"vm", "vc", "gm", "gc"}
    assert set(only(ended)) == {"v", "g"} and listed(room, "v") == {"ht"}
    assert of(ended, r.CircleOnStage) == [] and room.handle(r.CircleEnded("c"), 2.0) == []


def test_a_room_waits_for_those_in_calls() -> None:
    room = Room("help", "", r.Policy(empty_timeout_s=5.0, departure_timeout_s=5.0), 0.0, 0.0)
    room.handle(r.Joined(viewer("v")), 0.0)
    room.handle(call(False, v="shopper full"), 0.0)
    room.handle(r.Left("v", "timeout"), 1.0)
    assert room.next_deadline() is None
    room.handle(r.Tick(), 50.0)
    assert not room.closed
    room.handle(r.CircleEnded("c"), 60.0)
    assert room.next_deadline() == 65.0
    assert room.handle(r.Tick(), 65.0) == [r.RoomClosed()]


# --- onto the stage and back -----------------------------------------------------------------------------------------


def aired(consent: frozenset[Any] = AV) -> r.CircleAired:
    return r.CircleAired("c", {"v": consent, "g": AV})


def offered(room: Room, consent: frozenset[Any] = AV) -> Invite:
    room.handle(r.StageOffered("o", "g", "Pairing", "c", {"v": consent, "g": AV}, {"v": "blurred"}), 1.0)
    return room.invites["o"]


def test_a_call_comes_on_stage_without_a_new_track() -> None:
    room = talking()
    wire = offered(room).to_wire()
    assert (wire["direction"], wire["with"]) == ("request", [{"identity": "v", "name": "V", "consent": "blurred"}])
    effects = room.handle(r.InviteAccepted("o", "h"), 2.0)
    assert [place.identity for place in room.stage.places] == ["h", "v", "g"]
    assert all(place.state == "on" for place in room.stage.places)
    assert of(effects, r.CircleOnStage) == [r.CircleOnStage("c", True)]
    assert not of(effects, r.TracksGone) and not of(effects, r.TracksReleased)
    assert only(effects) == {"-gv": [
        ("peer_joined", "v"), ("track_published", "vm"), ("track_published", "vc"),
        ("peer_joined", "g"), ("track_published", "gm"), ("track_published", "gc"),
    ]}
    assert seen(room, "w") == {"ht", "vm", "vc", "gm", "gc"} and room.shares_call(room.tracks["vc"], "g")
    assert room.invites["o"].state == "accepted" and room.viewers == 1
    assert right(room, "v", "screen") == "circle", "only what was agreed to"
    assert right(room, "v", "camera") == "air"


def test_voice_only_leaves_the_camera_in_the_call() -> None:
    room = talking()
    room.handle(aired(VOICE), 1.0)
    assert seen(room, "w") == {"ht", "vm", "gm", "gc"} and "vc" in seen(room, "g")
    assert right(room, "v", "camera") == "circle" and listed(room) == {"ht", "vm", "gm", "gc"}
    more = room.handle(aired(), 2.0)
    assert only(more) == {"-gv": [("track_published", "vc")]} and not of(more, r.CircleOnStage)
    less = room.handle(aired(VOICE), 3.0)
    assert only(less) == {"-gv": [("track_unpublished", "vc")]}
    assert seen(room, "w") == {"ht", "vm", "gm", "gc"} and len(of(less, r.SeenBy)) == 1


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (r.CircleGrounded("c"), None),
        (r.GuestRemoved("h", "v"), "removed"),
        (r.GuestRemoved("h", "g"), "removed"),
        (r.StageCleared("h"), "removed"),
        (r.StageLeft("v"), "left"),
        (r.ShowEnded(), "show_ended"),
        (call(False, v="shopper full"), "left"),
        (r.CircleEnded("c"), "call_ended"),
    ],
)
def test_back_from_the_stage_for_whatever_reason(fact: r.Fact, code: str | None) -> None:
    room = talking()
    room.handle(aired(), 1.0)
    effects = room.handle(fact, 2.0)
    assert of(effects, r.CircleOnStage) == [r.CircleOnStage("c", False, code)]
    assert not {place.identity for place in room.stage.places} & {"v", "g"}
    assert seen(room, "w") - {"ht"} == set() and not {"v", "g"} & {entry["id"] for entry in room.snapshot("w")["peers"]}
    seen_by = of(effects, r.SeenBy)
    assert seen_by and "w" in seen_by[0].peers and "h" in seen_by[0].peers
    if isinstance(fact, r.CircleSet | r.CircleEnded):
        return
    assert set(room.tracks) >= {"vm", "vc", "gm", "gc"} and seen(room, "v") >= {"gm", "gc"}
    assert not (of(effects, r.TracksGone) and names(of(effects, r.TracksGone)[0].tracks) & {"vm", "vc", "gm", "gc"})
    heard = only(effects)
    assert "g" not in heard and "v" not in heard, "those in the call notice nothing"
    assert ("track_unpublished", "vc") in heard["-gv"] and ("peer_left", "v") in heard["-gv"]
    assert right(room, "v", "camera") == "circle"


def test_the_grace_for_the_host_runs_out_and_the_call_goes_on() -> None:
    room = talking(away_grace_s=5.0)
    room.handle(aired(), 1.0)
    room.handle(r.Left("h", "left"), 2.0)
    effects = room.handle(r.Tick(), 7.0)
    assert of(effects, r.CircleOnStage) == [r.CircleOnStage("c", False, "show_ended")] and of(effects, r.ShowOver)
    assert seen(room, "v") == {"gm", "gc"} and seen(room, "w") == set()


def test_nobody_is_on_stage_alone_because_the_other_is_gone() -> None:
    room = talking()
    room.handle(aired(), 1.0)
    room.handle(r.Dropped("g"), 2.0)
    assert room.on_stage("v")
    again = room.handle(r.Joined(replace(guest("g"), id="g2")), 3.0)
    assert room.on_stage("g") and not of(again, r.CircleOnStage) and right(room, "g2", "camera") == "air"
    gone = room.handle(r.Left("g2", "timeout"), 4.0)
    assert of(gone, r.CircleOnStage) == [r.CircleOnStage("c", False, "left")] and not room.on_stage("v")


def test_a_second_agent_may_go_while_the_others_stay_on_stage() -> None:
    room = talking()
    room.handle(r.Joined(guest("b")), 0.0)
    room.handle(call(v="shopper full", g="agent full", b="agent full"), 0.0)
    room.handle(r.CircleAired("c", {"v": AV, "g": AV, "b": VOICE}), 1.0)
    effects = room.handle(TALKING, 2.0)
    assert [place.identity for place in room.stage.places] == ["h", "v", "g"] and not of(effects, r.CircleOnStage)


def test_a_mute_by_the_host_ends_with_the_stage() -> None:
    room = talking()
    room.handle(aired(), 1.0)
    room.handle(r.Muted("gm", True), 1.0)
    room.handle(r.GuestMuted("h", "v", audio=True, video=False), 2.0)
    assert refusal(room, r.Muted("vm", False)) == "muted_by_host"
    effects = room.handle(r.CircleGrounded("c"), 3.0)
    assert names(of(effects, r.TracksReleased)[0].tracks) == {"vm"}
    assert {name for name, entry in room.tracks.items() if entry.muted} == {"gm"}, "one's own mute stays"
    assert only(effects)["g"] == only(effects)["v"] == [("track_updated", "vm")]
    room.handle(aired(), 4.0)
    room.handle(r.GuestMuted("h", "v", audio=True, video=False), 4.0)
    room.handle(r.Muted("vm", True), 5.0)
    assert not of(room.handle(r.CircleGrounded("c"), 6.0), r.TracksReleased), "its owner wants it muted, too"


@pytest.mark.parametrize(
    ("prepare", "fact", "code"),
    [
        ([], r.CircleAired("x", {"v": AV}), "call_not_found"),
        ([], r.CircleAired("c", {"w": AV}), "not_in_call"),
        ([], r.CircleAired("c", {}), "wrong_state"),
        ([call(False, v="shopper full", g="agent full")], aired(), "wrong_state"),
        ([r.Left("v", "left")], aired(), "wrong_state"),
        ([r.StageLocked("h", True)], aired(), "stage_locked"),
        ([r.ShowEnded()], aired(), "not_live"),
        ([aired()], r.StageOffered("o", "g", "", "c", {"v": AV, "g": AV}), "already_on_stage"),
        ([], r.StageOffered("o", "g", "", "c", {"v": AV}), "not_in_call"),
        ([], r.StageOffered("o", "g"), "already_in_call"),
        ([], invite("v"), "invitee_busy"),
    ],
)
def test_what_is_refused(prepare: list[r.Fact], fact: r.Fact, code: str) -> None:
    room = talking()
    for other in prepare:
        room.handle(other, 1.0)
    assert refusal(room, fact, 1.0) == code


def test_all_get_a_place_or_none() -> None:
    room = talking(max_stage=2)
    assert refusal(room, aired()) == "stage_full"
    assert refusal(room, r.StageOffered("o", "g", "", "c", {"v": AV, "g": AV})) == "stage_full"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ([r.InviteDeclined("o", "h", "Not now")], "declined"),
        ([r.InviteCancelled("o", "g")], "cancelled"),
        ([r.CircleGrounded("c")], "cancelled"),
        ([r.CircleEnded("c")], "cancelled"),
        ([r.ShowEnded()], "show_ended"),
        ([r.Left("g", "left")], "inviter_left"),
        ([r.Tick()], "no_answer"),
    ],
)
def test_an_offer_that_ends_without(facts: list[r.Fact], code: str) -> None:
    room = talking()
    offered(room)
    assert of(room.handle(facts[0], 500.0), r.CircleOnStage) == [r.CircleOnStage("c", False, code)]
    assert not room.on_stage("v") and not room.pending_invites()


def test_who_was_rung_before_the_call_cannot_come_alone() -> None:
    room = show("g")
    room.handle(invite("g"), 0.0)
    room.handle(TALKING, 0.0)
    assert refusal(room, r.InviteAccepted("i-g", "g")) == "already_in_call"


def test_no_media_in_time_sends_the_call_back() -> None:
    room = show("g")
    room.handle(TALKING, 0.0)
    room.handle(aired(), 1.0)
    assert of(room.handle(r.Tick(), 17.0), r.CircleOnStage) == [r.CircleOnStage("c", False, "no_media")]


# --- help rooms ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "for_help"), [("help", True), ("help.2", True), ("helpful", False), ("demo", False)])
def test_rooms_for_calls_alone(name: str, for_help: bool) -> None:
    assert Room(name, "", r.Policy(), 0.0, 0.0).for_help is for_help


def test_in_a_help_room_there_is_nothing_but_calls() -> None:
    room = Room("help.1", "", r.Policy(), 0.0, 0.0)
    assert told(room.handle(r.Joined(host()), 0.0)) == []
    for member in (viewer("v"), viewer("w"), guest("g")):
        assert told(room.handle(r.Joined(member), 0.0)) == []
    assert refusal(room, r.ShowStarted()) == "forbidden"
    assert refusal(room, r.HandsOpened("h", True)) == "forbidden"
    assert refusal(room, r.HandRaised("v")) == "hands_closed"
    assert refusal(room, r.Published("h", (track("t"),), starts_show=True)) == "forbidden"
    assert refusal(room, invite("v")) == "not_live"
    room.handle(TALKING, 0.0)
    assert refusal(room, aired()) == "not_in_show"
    room.handle(r.Published("v", (track("vm", "v", "audio", "microphone"),)), 0.0)
    assert (room.viewers, room.snapshot("w")["peers"], room.snapshot("h")["tracks"]) == (0, [], [])
    assert [entry["id"] for entry in room.snapshot("g")["peers"]] == ["v", "g"]
