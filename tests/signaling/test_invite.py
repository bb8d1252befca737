"""An invitation: every event in every state, what late answers get, and how many a Room keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from signaling.errors import ERRORS, ApiError
from signaling.invite import ANSWERS, LATE, REASONS, TRANSITIONS, Answer, Happening, Invite, InviteState, next_state
from signaling.invites import MAX_PENDING, REMEMBERED, Invites

STATES: tuple[InviteState, ...] = get_args(InviteState)
HAPPENINGS: tuple[Happening, ...] = get_args(Happening)

#: Read: in this state, these events lead there; everything else is an error (an answer) or nothing (a happening).
EXPECTED = {
    "pending": {
        "accept": "accepted",
        "decline": "declined",
        "cancel": "cancelled",
        "ring_timeout": "expired",
        "invitee_gone": "failed",
        "passed": "pending",
        "next_candidate": "pending",
        "nobody_left": "expired",
        "inviter_gone": "cancelled",
        "show_ended": "cancelled",
    },
    "accepted": {"accept": "accepted", "no_media": "failed"},
    "declined": {"decline": "declined"},
    "cancelled": {"cancel": "cancelled"},
    "expired": {},
    "failed": {},
}


def made(name: str = "i", **fields: Any) -> Invite:
    invite = Invite(
        id=name,
        room="demo",
        title="Demo",
        direction="invite",
        kind="identity",
        value="ann",
        by_identity="host",
        by_name="Host",
        by_role="host",
        created=10.0,
        deadline=30.0,
        epoch_s=1000.0,
        to_identity="ann",
        to_name="Ann",
    )
    return replace(invite, **fields)


@pytest.mark.parametrize("event", [*ANSWERS, *HAPPENINGS])
@pytest.mark.parametrize("state", STATES)
def test_every_event_in_every_state(state: InviteState, event: Any) -> None:
    expected = EXPECTED[state].get(event)
    if expected is None and event in ANSWERS:
        with pytest.raises(ApiError) as caught:
            next_state(state, event)
        assert caught.value.code == LATE[state]
    else:
        assert next_state(state, event) == (expected or state)


def test_the_table_names_nothing_else() -> None:
    assert set(ANSWERS) == set(get_args(Answer))
    assert {event for _, event in TRANSITIONS} == {*ANSWERS, *HAPPENINGS}
    assert set(LATE) == set(STATES) - {"pending"}
    assert set(LATE.values()) <= ERRORS.keys()
    assert set(REASONS) <= set(HAPPENINGS)


def test_only_an_accepted_one_can_still_change() -> None:
    moved = {state for (state, _), following in TRANSITIONS.items() if state != following}
    assert moved == {"pending", "accepted"}
    assert [event for state, event in TRANSITIONS if state == "accepted" and event != "accept"] == ["no_media"]


@pytest.mark.parametrize(
    ("fields", "to", "ring_until"),
    [
        ({}, {"identity": "ann", "name": "Ann"}, 1_030_000),
        ({"to_identity": None, "to_name": ""}, None, None),
        ({"direction": "request", "to_identity": None}, None, 1_030_000),
        ({"state": "declined", "reason": "lunch"}, {"identity": "ann", "name": "Ann"}, None),
    ],
)
def test_wire(fields: dict[str, Any], to: Any, ring_until: Any) -> None:
    wire = made(tried=("bob",), topic="t", product={"title": "P", "price": "", "url": ""}, **fields).to_wire()
    assert wire == {
        "id": "i",
        "room": "demo",
        "title": "Demo",
        "direction": fields.get("direction", "invite"),
        "state": fields.get("state", "pending"),
        "reason": fields.get("reason"),
        "from": {"identity": "host", "name": "Host", "role": "host"},
        "target": {"kind": "identity", "value": "ann"},
        "to": to,
        "tried": 1,
        "topic": "t",
        "product": {"title": "P", "price": "", "url": ""},
        "created": 1_010_000,
        "ring_until": ring_until,
        "with": [],
    }


def test_whom_it_would_bring() -> None:
    assert made().guest == "ann"
    assert made(direction="request", by_identity="bob", to_identity=None).guest == "bob"
    assert made(kind="skill", to_identity=None).guest is None


def test_the_book_finds_what_waits() -> None:
    book = Invites()
    ring = book.add(made())
    offer = book.add(made("o", direction="request", by_identity="bob", to_identity=None, deadline=20.0))
    assert (book.ringing("ann"), book.offered("ann")) == (ring, None)
    assert (book.ringing("bob"), book.offered("bob")) == (None, offer)
    assert book.same("host", "identity", "ann") is ring and book.same("host", "skill", "ann") is None
    assert book.next_deadline() == 20.0 and book.overdue(20.0) == (offer,)
    ended = book.step(ring, "decline", reason="no")
    assert (ended.state, ended.reason) == ("declined", "no")
    assert book.pending == (offer,) and book.get("i") == ended and book.ringing("ann") is None
    with pytest.raises(ApiError, match="invite_not_found"):
        book.get("other")


def test_the_book_is_bounded() -> None:
    book = Invites()
    for index in range(MAX_PENDING):
        book.check_room()
        book.add(made(f"p{index}", to_identity=f"x{index}"))
    with pytest.raises(ApiError, match="rate_limited"):
        book.check_room()
    for index in range(REMEMBERED + 50):
        book.step(book.add(made(f"e{index}", to_identity="y")), "cancel")
    assert len(book.all) == MAX_PENDING + REMEMBERED
    assert "e49" not in book.all and "e50" in book.all and "p0" in book.all
