"""The stage: who gets on, what may be done there and by whom, and how it ends. Stories told as facts and times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from signaling import room_model as r
from signaling.errors import ApiError
from signaling.room import Room
from signaling.stage import JOINING_S, Place, Stage
from tests.signaling.test_room import admin, guest, host, kinds, make, refusal, supervisor, told, track, viewer, whisper


def show(*guests: str, on: tuple[str, ...] = (), **policy: Any) -> Room:
    """A live show: host ``h`` on air, viewer ``v``, the named guests in the room, those ``on`` on stage and on air."""
    room = make(**{"max_peers": 100, "max_publishers": 8, **policy})
    room.handle(r.Joined(host()), 0.0)
    room.handle(r.Published("h", (track("ht"),)), 0.0)
    room.handle(r.ShowStarted(), 0.0)
    room.handle(r.Joined(viewer("v")), 0.0)
    for name in dict.fromkeys([*guests, *on]):
        room.handle(r.Joined(guest(name)), 0.0)
    for name in on:
        put_on(room, name)
        room.handle(r.Published(name, av(name)), 0.0)
    return room


def av(peer: str, suffix: str = "") -> tuple[r.Track, ...]:
    return (
        track(f"{peer}m{suffix}", peer, "audio", "microphone"),
        track(f"{peer}c{suffix}", peer),
    )


def invite(to: str, name: str = "", by: str = "h", **fields: Any) -> r.InviteMade:
    return r.InviteMade(
        name or f"i-{to}", by=by, **{"kind": "identity", "value": to, "to_identity": to, "to_name": to, **fields}
    )


def group(to: str, skill: str | None = "setup", name: str = "g", by: str = "h") -> r.InviteMade:
    return r.InviteMade(name, by, "skill" if skill else "anyone", skill, to, to)


def put_on(room: Room, name: str, now: float = 0.0) -> list[r.Effect]:
    room.handle(invite(name), now)
    return room.handle(r.InviteAccepted(f"i-{name}", name), now)


def places(room: Room) -> list[str]:
    return [place.identity for place in room.stage.places]


def place(room: Room, identity: str) -> Place:
    found = room.stage.place_of(identity)
    assert found is not None
    return found


def changed(effects: list[r.Effect]) -> list[tuple[str, str, str | None]]:
    """What became of invitations."""
    found = [effect.invite for effect in effects if isinstance(effect, r.InviteChanged)]
    return [(entry.id, entry.state, entry.reason) for entry in found]


def find(effects: list[r.Effect], kind: type[Any]) -> Any:
    return next(effect for effect in effects if isinstance(effect, kind))


def code_of(question: Callable[[], Any]) -> str:
    with pytest.raises(ApiError) as caught:
        question()
    return caught.value.code


# --- who may publish ---------------------------------------------------------------------------------------------


def right(room: Room, peer: str, source: Any) -> str:
    try:
        return room.right_to_publish(peer, source)
    except ApiError as error:
        return error.code


@pytest.mark.parametrize(
    ("peer", "nothing", "invited", "on_stage"),
    [
        ("g", "not_on_stage", "held", "air"),
        ("v", "forbidden", "held", "air"),
        ("s", "forbidden", "held", "air"),
        ("a", "air", "air", "air"),
    ],
)
def test_default_deny(peer: str, nothing: str, invited: str, on_stage: str) -> None:
    room = show("g")
    room.handle(r.Joined(supervisor("s")), 0.0)
    room.handle(r.Joined(admin("a")), 0.0)
    assert right(room, peer, "camera") == nothing
    room.handle(invite(peer), 1.0)
    assert right(room, peer, "camera") == right(room, peer, "microphone") == invited
    room.handle(r.InviteDeclined(f"i-{peer}", peer), 1.0)
    assert right(room, peer, "camera") == nothing
    room.handle(invite(peer, "again"), 2.0)
    room.handle(r.InviteAccepted("again", peer), 2.0)
    assert right(room, peer, "camera") == on_stage
    if peer != "a":
        room.handle(r.GuestRemoved("h", peer), 3.0)
        assert right(room, peer, "camera") == nothing


def test_what_an_invited_person_may_share() -> None:
    room = show("g")
    room.handle(r.Joined(supervisor("s")), 0.0)
    room.handle(r.Joined(replace(guest("m"), publish=frozenset(("microphone",)))), 0.0)
    for peer in "gvsm":
        room.handle(invite(peer), 1.0)
    assert [right(room, peer, "screen") for peer in "gvsm"] == ["held", "forbidden", "forbidden", "forbidden"]
    assert [right(room, peer, "camera") for peer in "gvsm"] == ["held", "held", "held", "forbidden"]
    assert [right(room, peer, "whisper") for peer in "gvsm"] == ["forbidden", "forbidden", "private", "forbidden"]
    assert right(room, "nobody", "camera") == "peer_not_found"


@pytest.mark.parametrize("peer", ["v", "g"])
def test_a_forged_publish_changes_nothing(peer: str) -> None:
    room = show("g")
    assert refusal(room, r.Published(peer, av(peer))) in ("forbidden", "not_on_stage")
    # One track that is not allowed spoils the others with it.
    room.handle(invite(peer), 0.0)
    forged = (*av(peer), whisper("w", peer))
    assert refusal(room, r.Published(peer, forged)) == "forbidden"


# --- from the ring to the air ------------------------------------------------------------------------------------


def test_held_tracks_are_prepared_and_then_on_air_at_once() -> None:
    room = show("g")
    assert changed(room.handle(invite("g"), 1.0)) == [("i-g", "pending", None)]
    effects = room.handle(r.Published("g", av("g")), 2.0)
    assert kinds(effects) == ["TracksAdded"] and all(entry.held for entry in effects[0].tracks)  # type: ignore[attr-defined]
    assert "gm" not in str(room.snapshot()) and "gm" not in str(room.snapshot("h"))
    assert all(room.may_see(room.tracks["gm"], peer) for peer in "hv")
    assert room.handle(r.Flowing("gm", True), 2.0) == []
    assert room.handle(r.Speaking(("gm",)), 2.0) == []

    effects = room.handle(r.InviteAccepted("i-g", "g"), 3.0)
    assert kinds(effects) == [
        "TracksReleased",
        "Engaged",
        "peer_joined",
        "stage",
        "track_published",
        "track_published",
        "InviteChanged",
    ]
    assert place(room, "g").state == "on" and room.next_deadline() is None
    assert [entry["id"] for entry in room.snapshot()["tracks"]] == ["ht", "gm", "gc"]
    assert next(e.fields["track"]["flowing"] for e in effects if isinstance(e, r.Tell) and "track" in e.fields)
    assert told(room.handle(r.Speaking(("gm",)), 4.0)) == [("speakers", ["g"])]

    effects = room.handle(r.GuestRemoved("h", "g"), 5.0)
    assert kinds(effects) == [
        "TracksGone",
        "track_unpublished",
        "track_unpublished",
        "speakers",
        "Engaged",
        "peer_left",
        "stage",
    ]
    assert places(room) == ["h"] and room.tracks_of("g") == ()
    assert ("peer_left", "off_stage") in told(effects)


def test_held_tracks_end_with_the_invitation_and_nobody_hears() -> None:
    room = show("g")
    room.handle(invite("g"), 1.0)
    room.handle(r.Published("g", av("g")), 2.0)
    effects = room.handle(r.InviteCancelled("i-g", "h"), 3.0)
    assert kinds(effects) == ["InviteChanged", "TracksGone"]
    assert room.tracks_of("g") == ()


def test_media_must_follow_within_15_seconds() -> None:
    room = show("g")
    put_on(room, "g", 1.0)
    assert place(room, "g").state == "joining" and room.next_deadline() == 1.0 + JOINING_S
    effects = room.handle(r.Tick(), 1.0 + JOINING_S)
    assert changed(effects) == [("i-g", "failed", "no_media")] and places(room) == ["h"]
    assert refusal(room, r.InviteAccepted("i-g", "g")) == "invite_failed"

    room.handle(invite("g", "again"), 20.0)
    room.handle(r.InviteAccepted("again", "g"), 20.0)
    effects = room.handle(r.Published("g", av("g")), 21.0)
    assert kinds(effects) == ["stage", "track_published", "track_published", "TracksAdded"]
    assert place(room, "g").state == "on" and room.next_deadline() is None


def test_accepted_at_the_desk_before_coming_into_the_room() -> None:
    room = show()
    room.handle(invite("far", to_name="Far"), 1.0)
    effects = room.handle(r.InviteAccepted("i-far", "far"), 2.0)
    assert "peer_joined" not in kinds(effects)
    assert room.snapshot()["stage"]["places"][1] == {
        "identity": "far",
        "peer": None,
        "name": "Far",
        "role": "agent",
        "state": "joining",
        "cohost": False,
        "locked": {"audio": False, "video": False},
    }
    effects = room.handle(r.Joined(guest("p", "far")), 3.0)
    assert told(effects) == [("peer_joined", "p"), ("stage", ["h", "far"])]
    room.handle(r.Published("p", av("p")), 4.0)
    assert place(room, "far").peer == "p" and place(room, "far").state == "on"


def test_a_whisper_is_for_hosts_and_makes_no_place() -> None:
    room = show("g")
    room.handle(r.Joined(supervisor("s")), 1.0)
    effects = room.handle(r.Published("s", (whisper("w", "s"),)), 2.0)
    assert kinds(effects) == ["track_published", "TracksAdded"]
    assert effects[0].only == frozenset("h") and places(room) == ["h"]  # type: ignore[attr-defined]
    seen = [peer for peer in room.members if room.may_see(room.tracks["w"], peer)]
    assert seen == ["h"]
    listed = {peer: [entry["id"] for entry in room.snapshot(peer)["tracks"]] for peer in (None, *"vgsh")}
    assert listed == {None: ["ht"], "v": ["ht"], "g": ["ht"], "s": ["ht"], "h": ["ht", "w"]}
    assert room.handle(r.Speaking(("w",)), 3.0) == []
    for fact in (r.Flowing("w", True), r.Muted("w", True), r.Unpublished(("w",))):
        heard = [effect for effect in room.handle(fact, 4.0) if isinstance(effect, r.Tell)]
        assert [effect.only for effect in heard] == [frozenset("h")]


def test_a_new_host_hears_of_whispers_and_a_former_one_no_more() -> None:
    room = show()
    room.handle(r.Joined(supervisor("s")), 1.0)
    room.handle(r.Published("s", (whisper("w", "s"),)), 2.0)
    promoted = replace(viewer("v"), host=True, show=True, staff=True)
    for member, kind in ((promoted, "track_published"), (viewer("v"), "track_unpublished")):
        effects = room.handle(r.Amended(member), 3.0)
        news = [effect for effect in effects if isinstance(effect, r.Tell) and effect.type == kind]
        assert [effect.only for effect in news] == [frozenset("v")]


# --- control -----------------------------------------------------------------------------------------------------

CONTROL = [
    lambda peer: r.GuestRemoved(peer, "g"),
    lambda peer: r.StageCleared(peer),
    lambda peer: r.GuestMuted(peer, "g", True, False),
    lambda peer: r.UnmuteAsked(peer, "g", True, False),
    lambda peer: r.GuestMoved(peer, "g", 0),
    lambda peer: r.Pinned(peer, "g"),
    lambda peer: r.Pinned(peer, None),
    lambda peer: r.StageLocked(peer, True),
    lambda peer: r.LayoutSet(peer, "grid"),
    lambda peer: r.HandsOpened(peer, True),
]


@pytest.mark.parametrize("ask", CONTROL)
def test_who_is_in_control(ask: Callable[[str], r.Fact]) -> None:
    for peer, allowed in {"v": False, "g": False, "c": True, "s": True, "h": True}.items():
        room = show(on=("g", "c"))
        room.handle(r.Joined(supervisor("s")), 0.0)
        room.handle(r.CohostSet("h", "c", True), 0.0)
        assert room.controls(peer) is allowed
        if allowed:
            room.handle(ask(peer), 1.0)
        else:
            assert refusal(room, ask(peer)) == "forbidden"
        assert refusal(room, ask("nobody")) == "peer_not_found"


@pytest.mark.parametrize(
    "fact",
    [
        r.GuestRemoved("h", "v"),
        r.GuestMuted("h", "v", True, True),
        r.UnmuteAsked("h", "v", True, True),
        r.GuestMoved("h", "v", 0),
        r.Pinned("h", "v"),
        r.CohostSet("h", "v", True),
    ],
)
def test_who_is_not_on_stage(fact: r.Fact) -> None:
    assert refusal(show(), fact) == "guest_not_found"


@pytest.mark.parametrize(
    "fact",
    [
        r.GuestRemoved("s", "h"),
        r.GuestMuted("s", "h", True, True),
        r.CohostSet("s", "h", True),
        r.StageLeft("h"),
        r.CohostSet("c", "g", True),
    ],
)
def test_nobody_disposes_of_the_host(fact: r.Fact) -> None:
    room = show(on=("g", "c"))
    room.handle(r.Joined(supervisor("s")), 0.0)
    room.handle(r.CohostSet("h", "c", True), 0.0)
    assert refusal(room, fact) == "forbidden"


def test_a_cohost_is_one_for_the_time_on_stage() -> None:
    room = show("k", on=("c",))
    room.handle(r.CohostSet("h", "c", True), 1.0)
    room.handle(invite("k", by="c"), 2.0)
    assert room.handle(r.CohostSet("h", "c", True), 2.0) == []
    room.handle(r.StageLeft("c"), 3.0)
    assert not room.controls("c")
    assert refusal(room, r.StageLeft("c")) == "not_on_stage"
    room.handle(invite("c", "again"), 4.0)
    room.handle(r.InviteAccepted("again", "c"), 4.0)
    assert not room.controls("c")


def test_new_control_reads_what_it_needs() -> None:
    room = show("g")
    room.handle(r.HandsOpened("h", True), 0.0)
    room.handle(r.HandRaised("v"), 0.0)
    room.handle(r.StageOffered("o", "g"), 0.0)
    effects = room.handle(r.Amended(replace(guest("g"), manage=True)), 1.0)
    news = [(e.type, e.only) for e in effects if isinstance(e, r.Tell)]
    assert news == [("hands", frozenset("g")), ("invite", frozenset("g"))]


def test_clearing_takes_guests_only() -> None:
    room = show(on=("a", "b"))
    room.handle(r.Joined(admin("z")), 0.0)
    room.handle(r.Published("z", av("z")), 0.0)
    effects = room.handle(r.StageCleared("h"), 1.0)
    assert places(room) == ["h", "z"] and kinds(effects).count("stage") == 1


def test_muted_by_the_host() -> None:
    room = show(on=("g",))
    effects = room.handle(r.GuestMuted("h", "g", True, False), 1.0)
    assert kinds(effects) == ["TracksMuted", "track_updated", "stage"]
    assert [entry.id for entry in find(effects, r.TracksMuted).tracks] == ["gm"]
    assert room.handle(r.GuestMuted("h", "g", True, False), 1.0) == []
    assert code_of(lambda: room.may_unmute("gm")) == refusal(room, r.Muted("gm", False)) == "muted_by_host"
    room.may_unmute("gc")
    room.may_unmute("gone")
    # A new microphone does not get around it.
    room.handle(r.Unpublished(("gm",)), 2.0)
    effects = room.handle(r.Published("g", (track("gm2", "g", "audio", "microphone"),)), 2.0)
    assert room.tracks["gm2"].muted and [entry.id for entry in find(effects, r.TracksMuted).tracks] == ["gm2"]
    assert find(effects, r.TracksAdded).tracks[0].muted
    # Nor does another Peer.
    room.handle(r.Joined(guest("g2", "g")), 3.0)
    room.handle(r.Published("g2", av("g2")), 3.0)
    assert [room.tracks[name].muted for name in ("g2m", "g2c")] == [True, False]
    effects = room.handle(r.UnmuteAsked("h", "g", True, False), 4.0)
    assert kinds(effects) == ["stage", "unmute_requested"]
    assert effects[1].only == frozenset(("g2",))  # type: ignore[attr-defined]
    assert effects[1].fields == {"audio": True, "video": False, "by": {"identity": "h", "name": "Host"}}  # type: ignore[attr-defined]
    assert room.tracks["g2m"].muted, "only the guest unmutes"
    room.handle(r.Muted("g2m", False), 5.0)


def test_a_lock_of_the_picture_covers_the_screen_and_ends_with_the_place() -> None:
    room = show(on=("g",))
    room.handle(r.GuestMuted("h", "g", False, True), 1.0)
    room.handle(r.Published("g", (track("gs", "g", "video", "screen"),)), 2.0)
    assert room.tracks["gs"].muted and not room.tracks["gm"].muted
    room.handle(r.StageLeft("g"), 3.0)
    put_on_again = [invite("g", "again"), r.InviteAccepted("again", "g"), r.Published("g", av("g", "2"))]
    for fact in put_on_again:
        room.handle(fact, 4.0)
    assert not room.tracks["gc2"].muted


@pytest.mark.parametrize(
    ("identity", "position", "order"),
    [("h", 2, "abhc"), ("c", 0, "chab"), ("a", 5, "hbca"), ("b", 2, "habc")],
)
def test_moving(identity: str, position: int, order: str) -> None:
    room = show(on=tuple("abc"))
    effects = room.handle(r.GuestMoved("h", identity, position), 1.0)
    assert places(room) == list(order)
    assert told(effects) == ([] if order == "habc" else [("stage", list(order))])


def test_the_pin_goes_with_its_person() -> None:
    room = show(on=("a", "b"))
    room.handle(r.Pinned("h", "a"), 1.0)
    room.handle(r.StageLeft("b"), 1.0)
    assert room.stage.pin == "a"
    room.handle(r.StageLeft("a"), 1.0)
    assert room.stage.pin is None


SCREEN = track("hs", "h", "video", "screen")


@pytest.mark.parametrize(
    ("meanwhile", "during", "after"),
    [
        ([], "screen", "side_by_side"),
        ([r.LayoutSet("h", "grid")], "grid", "grid"),
        ([r.LayoutSet("h", "grid"), r.LayoutSet("h", "screen")], "screen", "screen"),
        ([r.LayoutSet("h", "screen")], "screen", "side_by_side"),
        ([r.Published("h", (replace(SCREEN, id="hs2"),)), r.Unpublished(("hs2",))], "screen", "side_by_side"),
    ],
)
def test_a_shared_screen_takes_the_layout_and_gives_it_back(meanwhile: list[r.Fact], during: str, after: str) -> None:
    room = show()
    room.handle(r.Published("h", (SCREEN,)), 1.0)
    assert room.stage.layout == "screen"
    for fact in meanwhile:
        room.handle(fact, 1.0)
    assert room.stage.layout == during
    effects = room.handle(r.Unpublished(("hs",)), 2.0)
    assert room.stage.layout == after
    assert ("stage" in kinds(effects)) is (during != after)


def test_a_held_screen_changes_the_layout_when_on_air() -> None:
    room = show("g")
    room.handle(invite("g"), 1.0)
    room.handle(r.Published("g", (track("gs", "g", "video", "screen"),)), 1.0)
    layouts = [str(room.stage.layout)]
    for fact in (r.InviteAccepted("i-g", "g"), r.GuestRemoved("h", "g")):
        room.handle(fact, 2.0)
        layouts.append(room.stage.layout)
    assert layouts == ["side_by_side", "screen", "side_by_side"]


def test_the_first_who_runs_the_show_gets_the_main_place() -> None:
    stage = Stage()
    for name, runs in (("g", False), ("h", True), ("k", False), ("z", True)):
        stage.take(Place(name, name, "x", name, show=runs), "media", 0.0)
    assert [entry.identity for entry in stage.places] == ["h", "g", "k", "z"]
