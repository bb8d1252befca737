"""Invitations onto the stage, and raised hands: both ways, group after group, too late, too many."""

from __future__ import annotations

import pytest

from signaling import room_model as r
from signaling.invite import Invite
from signaling.stage import MAX_HANDS
from tests.signaling.test_room import admin, guest, kinds, refusal, supervisor, told, viewer
from tests.signaling.test_stage import av, changed, find, group, invite, places, put_on, show

# --- invitations -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (r.InviteDeclined("i-g", "g", "lunch"), "declined", "lunch"),
        (r.InviteDeclined("i-g", "g"), "declined", None),
        (r.InviteCancelled("i-g", "h"), "cancelled", None),
        (r.InviteeGone("g"), "failed", "invitee_left"),
        (r.Left("h", "left"), "cancelled", "inviter_left"),
        (r.ShowEnded(), "cancelled", "show_ended"),
        (r.Closing("room_ended"), "cancelled", "show_ended"),
        (r.Tick(), "expired", "no_answer"),
    ],
)
def test_how_a_ring_ends(answer: r.Fact, state: str, reason: str | None) -> None:
    room = show("g")
    room.handle(invite("g"), 1.0)
    assert changed(room.handle(answer, 21.0)) == [("i-g", state, reason)]
    late = {"declined": "invite_answered", "cancelled": "invite_cancelled"}.get(state, f"invite_{state}")
    if not room.closed and "g" in room.members:
        assert refusal(room, r.InviteAccepted("i-g", "g"), 22.0) == late
        assert refusal(room, r.InviteAccepted("i-g", "v"), 22.0) == "invite_not_yours"


def test_answers_repeated_are_nothing_and_answers_too_late_say_why() -> None:
    room = show("g", "k")
    assert refusal(room, r.InviteAccepted("none", "g")) == "invite_not_found"
    put_on(room, "g")
    assert room.handle(r.InviteAccepted("i-g", "g"), 1.0) == []
    assert refusal(room, r.InviteCancelled("i-g", "h")) == "invite_answered"
    assert refusal(room, r.InviteDeclined("i-g", "g")) == "invite_answered"
    room.handle(invite("k"), 1.0)
    for fact in (r.InviteDeclined("i-k", "v"), r.InviteAccepted("i-k", "h")):
        assert refusal(room, fact) == "invite_not_yours"
    assert refusal(room, r.InviteCancelled("i-k", "v")) == "forbidden"
    room.handle(r.InviteDeclined("i-k", "k"), 2.0)
    assert room.handle(r.InviteDeclined("i-k", "k"), 2.0) == []
    assert refusal(room, r.InviteAccepted("i-k", "k")) == "invite_answered"


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (invite("g", by="v"), "forbidden"),
        (invite("g", by="k"), "forbidden"),
        (invite("on"), "already_on_stage"),
        (invite("h"), "already_on_stage"),
        (invite("busy", by="s"), "invitee_busy"),
        (invite("s", by="s"), "forbidden"),
        (group(""), "nobody_available"),
        (r.StageOffered("o", "v"), "forbidden"),
        (r.StageOffered("o", "h"), "forbidden"),
        (r.StageOffered("o", "s"), "forbidden"),
        (r.StageOffered("o", "on"), "already_on_stage"),
        (r.StageOffered("o", "nobody"), "peer_not_found"),
    ],
)
def test_refused_invitations(fact: r.Fact, code: str) -> None:
    room = show("g", "k", "busy", on=("on",))
    room.handle(r.Joined(supervisor("s")), 0.0)
    room.handle(invite("busy"), 0.0)
    assert refusal(room, fact) == code


@pytest.mark.parametrize("fact", [invite("g"), r.StageOffered("o", "g")])
def test_nothing_to_come_to(fact: r.Fact) -> None:
    room = show("g", on=tuple("abcde"))
    assert refusal(room, fact) == "stage_full"
    room.handle(r.StageLocked("h", True), 1.0)
    assert refusal(room, fact) == "stage_locked"
    room.handle(r.ShowEnded(), 2.0)
    assert refusal(room, fact) == "not_live"


def test_full_or_locked_meanwhile_the_invitation_waits() -> None:
    room = show("x", "y", on=tuple("abcd"))
    room.handle(invite("x"), 1.0)
    room.handle(invite("y"), 1.0)
    room.handle(r.InviteAccepted("i-x", "x"), 2.0)
    assert refusal(room, r.InviteAccepted("i-y", "y")) == "stage_full"
    room.handle(r.GuestRemoved("h", "x"), 3.0)
    room.handle(r.StageLocked("h", True), 3.0)
    assert refusal(room, r.InviteAccepted("i-y", "y")) == "stage_locked"
    room.handle(r.StageLocked("h", False), 3.0)
    room.handle(r.InviteAccepted("i-y", "y"), 4.0)
    assert places(room) == ["h", "a", "b", "c", "d", "y"]


def test_whoever_runs_the_show_gets_on_a_full_and_locked_stage() -> None:
    room = show(on=tuple("abcde"))
    room.handle(r.StageLocked("h", True), 1.0)
    room.handle(r.Joined(admin("z")), 1.0)
    room.handle(r.Published("z", av("z")), 2.0)
    assert places(room) == ["h", *"abcde", "z"]


def test_the_same_again_is_the_same() -> None:
    room = show("g", "k")
    room.handle(invite("g", "one"), 1.0)
    for again in (invite("g", "two"), invite("g", "three", topic="other")):
        assert room.handle(again, 2.0) == []
        assert room.invite_like(again).id == "one"
    room.handle(group("k", name="four"), 3.0)
    # Nobody else is free, and nobody else is needed.
    assert room.handle(group("", name="five"), 3.0) == []
    assert room.invite_like(group("", name="five")).id == "four"
    room.handle(r.Joined(guest("o")), 3.0)
    room.handle(r.StageOffered("six", "o"), 3.0)
    assert room.handle(r.StageOffered("seven", "o"), 3.0) == []
    assert room.invite_like(r.StageOffered("seven", "o")).id == "six"
    assert [entry.id for entry in room.pending_invites()] == ["one", "four", "six"]


@pytest.mark.parametrize("first", ["invite", "offer"])
def test_both_ways_at_once_is_yes(first: str) -> None:
    room = show("g")
    facts: list[r.Fact] = [invite("g", "i"), r.StageOffered("o", "g")]
    one, other = facts if first == "invite" else facts[::-1]
    room.handle(one, 1.0)
    accepted = changed(room.handle(other, 2.0))
    assert accepted == [("i" if first == "invite" else "o", "accepted", None)]
    assert places(room) == ["h", "g"] and room.pending_invites() == ()
    assert isinstance(other, r.InviteMade | r.StageOffered)
    assert room.invite_like(other).id == accepted[0][0]


def test_a_yes_is_to_the_one_that_waited() -> None:
    room = show("a", "b")
    room.handle(group("b"), 1.0)
    room.handle(invite("a", "later"), 2.0)
    room.handle(r.InviteDeclined("later", "a"), 2.0)
    room.handle(r.InviteDeclined("g", "b"), 3.0)
    room.handle(r.CandidateFound("g", "a", "a"), 3.0)
    offer = r.StageOffered("o", "a")
    room.handle(offer, 4.0)
    assert (room.invite_like(offer).id, room.invite_like(offer).state) == ("g", "accepted")


def test_an_offer_is_answered_by_whoever_is_in_control() -> None:
    room = show("g", "k")
    room.handle(r.StageOffered("o", "g", "I know"), 1.0)
    for stranger in ("g", "k", "v", "nobody"):
        assert refusal(room, r.InviteAccepted("o", stranger)) == "invite_not_yours"
    room.handle(r.Joined(supervisor("s")), 1.0)
    room.handle(r.InviteAccepted("o", "s"), 2.0)
    assert room.handle(r.InviteAccepted("o", "h"), 2.0) == []
    assert places(room) == ["h", "g"]
    room.handle(r.Published("g", av("g")), 2.0)
    room.handle(r.StageOffered("p", "k"), 3.0)
    assert changed(room.handle(r.InviteDeclined("p", "h", "later"), 4.0)) == [("p", "declined", "later")]
    room.handle(r.StageOffered("q", "k"), 5.0)
    assert room.next_deadline() == 125.0
    assert changed(room.handle(r.Tick(), 125.0)) == [("q", "expired", "no_answer")]
    room.handle(r.StageOffered("t", "k"), 126.0)
    assert changed(room.handle(r.Left("k", "left"), 127.0)) == [("t", "cancelled", "inviter_left")]


@pytest.mark.parametrize("why", [r.InviteDeclined("g", "a", "no"), r.InviteeGone("a"), r.Tick()])
def test_a_group_rings_one_after_the_other(why: r.Fact) -> None:
    room = show("a")
    room.handle(group("a"), 1.0)
    room.handle(r.Published("a", av("a")), 1.0)
    effects = room.handle(why, 21.0)
    assert kinds(effects) == ["TracksGone", "RingNext"], "nothing may follow what is answered at once"
    asked = find(effects, r.RingNext)
    assert (asked.skill, asked.tried, asked.invite.pending, asked.invite.to_identity) == (
        "setup",
        frozenset("a"),
        True,
        None,
    )
    effects = room.handle(r.CandidateFound("g", "b", "B"), 21.0)
    assert changed(effects) == [("g", "pending", None)]
    rung: Invite = room.invites["g"]
    assert (rung.to_identity, rung.deadline, rung.to_wire()["tried"]) == ("b", 41.0, 1)
    assert refusal(room, r.InviteAccepted("g", "a")) == "invite_not_yours"
    assert room.handle(r.InviteDeclined("g", "a"), 22.0) == [], "said before"
    room.handle(r.InviteAccepted("g", "b"), 23.0)
    assert refusal(room, r.InviteAccepted("g", "a")) == "invite_answered"


def test_a_group_with_nobody_left() -> None:
    room = show("a")
    room.handle(group("a", None), 1.0)
    assert find(room.handle(r.InviteDeclined("g", "a"), 2.0), r.RingNext).skill is None
    assert changed(room.handle(r.NoCandidate("g"), 2.0)) == [("g", "expired", "nobody_available")]
    assert room.handle(r.NoCandidate("g"), 2.0) == room.handle(r.CandidateFound("g", "b", "B"), 2.0) == []


def test_a_group_passes_over_whoever_cannot_come() -> None:
    room = show("a", "o", "r", on=("on",))
    room.handle(r.StageOffered("offer", "o"), 0.0)
    room.handle(invite("r"), 0.0)
    room.handle(group("a"), 1.0)
    room.handle(r.InviteDeclined("g", "a"), 2.0)
    tried = {"a"}
    for name in ("on", "o", "r"):
        tried.add(name)
        assert find(room.handle(r.CandidateFound("g", name, name), 2.0), r.RingNext).tried == tried
    assert changed(room.handle(r.CandidateFound("g", "a", "a"), 2.0)) == [("g", "expired", "nobody_available")]


def test_a_search_that_nobody_answers_ends() -> None:
    room = show("a")
    room.handle(group("a"), 1.0)
    room.handle(r.InviteDeclined("g", "a"), 2.0)
    due = room.next_deadline()
    assert due is not None
    assert changed(room.handle(r.Tick(), due)) == [("g", "expired", "nobody_available")]


def test_pending_invitations_are_limited() -> None:
    room = show("g")
    for index in range(20):
        room.handle(invite(f"x{index}"), 1.0)
    assert refusal(room, invite("g")) == refusal(room, r.StageOffered("o", "g")) == "rate_limited"


def test_who_reads_of_an_invitation() -> None:
    room = show("g", "k")
    room.handle(r.Joined(supervisor("s")), 0.0)
    room.handle(invite("g"), 1.0)
    assert {peer: len(room.snapshot(peer)["invites"]) for peer in "hsgkv"} == {"h": 1, "s": 1, "g": 1, "k": 0, "v": 0}
    assert "invites" not in room.snapshot()
    assert ["hands" in room.snapshot(peer) for peer in "hsgv"] == [True, True, False, False]


# --- hands -------------------------------------------------------------------------------------------------------


def test_hands() -> None:
    room = show("g", on=("on",))
    assert refusal(room, r.HandRaised("v")) == "hands_closed"
    assert refusal(room, r.HandsOpened("g", True)) == "forbidden"
    assert kinds(room.handle(r.HandsOpened("h", True), 1.0)) == ["stage"]
    assert room.handle(r.HandsOpened("h", True), 1.0) == []
    assert [refusal(room, r.HandRaised(peer)) for peer in ("h", "on")] == ["forbidden", "already_on_stage"]
    effects = room.handle(r.HandRaised("v", "which size?"), 2.0)
    assert [(e.type, e.only) for e in effects if isinstance(e, r.Tell)] == [
        ("hand", frozenset("v")),
        ("hands", frozenset("h")),
    ]
    assert room.handle(r.HandRaised("v", "which size?"), 3.0) == []
    assert kinds(room.handle(r.HandRaised("v", "and colour?"), 3.0)) == ["hands"]
    room.handle(r.HandRaised("g"), 4.0)
    hands = room.snapshot("h")["hands"]
    assert [(hand["identity"], hand["topic"]) for hand in hands] == [("v", "and colour?"), ("g", "")]
    assert hands[0]["at"] + 2000 == hands[1]["at"]
    assert room.snapshot("v")["hand"] == {"raised": True}
    assert refusal(room, r.HandLowered("v", "g")) == "forbidden"
    assert kinds(room.handle(r.HandLowered("h", "g"), 5.0)) == ["hand", "hands"]
    assert room.handle(r.HandLowered("g"), 5.0) == []
    # Asked on stage with the hand up: it is up until the answer.
    room.handle(invite("v"), 6.0)
    assert "v" in room.stage.hands
    room.handle(r.InviteAccepted("i-v", "v"), 6.0)
    assert not room.stage.hands


@pytest.mark.parametrize("fact", [r.HandsOpened("h", False), r.ShowEnded(), r.Left("v", "left")])
def test_what_lowers_hands(fact: r.Fact) -> None:
    room = show()
    room.handle(r.HandsOpened("h", True), 1.0)
    room.handle(r.HandRaised("v"), 1.0)
    effects = room.handle(fact, 2.0)
    assert ("hands", []) in told(effects) and not room.stage.hands
    if "v" in room.members:
        assert ("hand", {"raised": False, "open": False}) in [
            (e.type, e.fields) for e in effects if isinstance(e, r.Tell)
        ]


def test_hands_are_limited_and_survive_a_reload() -> None:
    room = show()
    room.handle(r.HandsOpened("h", True), 1.0)
    for index in range(MAX_HANDS):
        room.handle(r.Joined(viewer(f"v{index}")), 1.0)
        room.handle(r.HandRaised(f"v{index}"), 1.0)
    assert refusal(room, r.HandRaised("v")) == "rate_limited"
    room.handle(r.Joined(viewer("again", "v0")), 2.0)
    assert room.snapshot("again")["hand"] == {"raised": True}
