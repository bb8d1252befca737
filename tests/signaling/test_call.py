"""One call by itself: the table of its states, its circle, and what each side is shown."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from signaling.call import OVER, TALKS, TRANSITIONS, WAITS, Call, CallEventKind, Escalation, Person, Transfer
from signaling.circle import Seat
from signaling.errors import ApiError
from signaling.help_model import CallContext, CallState

STATES: tuple[CallState, ...] = get_args(CallState)
EVENTS: tuple[CallEventKind, ...] = get_args(CallEventKind)

#: What comes of each event in each state; what is not here is refused.
TABLE = """
          ring     unring   answer  hold     resume  lost     hang_up  give_up  done
waiting   ringing  -        active  -        -       -        -        ended    -
ringing   -        waiting  active  -        -       -        -        ended    -
active    -        -        -       on_hold  -       waiting  wrap_up  -        -
on_hold   -        -        -       -        active  waiting  wrap_up  -        -
wrap_up   -        -        -       -        -       -        -        -        ended
ended     -        -        -       -        -       -        -        -        -
"""


def make(state: CallState = "active", **fields: Any) -> Call:
    """A shopper, an agent who talks or has talked, a supervisor who listens, and a colleague who is rung."""
    call = Call("c1", "demo", "general", "in", "video", "shopper", 10.0, state=state, **fields)
    call.seat(Person("shopper", "Li", "shopper", "shopper", "full", "p1"))
    call.seat(Person("anna", "Anna", "agent", "agent", "full", "p2"))
    call.seat(Person("boss", "Boss", "supervisor", "supervisor", "listen", "p3"))
    call.seat(Person("ben", "Ben", "agent", "agent", "ring", until=25.0, why="helper"))
    call.agent = "anna"
    return call


@pytest.mark.parametrize("state", STATES)
def test_every_event_in_every_state(state: CallState) -> None:
    heads, *rows = [line.split() for line in TABLE.strip().splitlines()]
    assert heads == list(EVENTS)
    assert [row[0] for row in rows] == list(STATES)
    expected = dict(zip(heads, next(row for row in rows if row[0] == state)[1:], strict=True))
    for event in EVENTS:
        call = make(state)
        if expected[event] == "-":
            with pytest.raises(ApiError) as refused:
                call.step(event)
            assert refused.value.code == ("call_ended" if state in OVER else "wrong_state")
            assert call.state == state
        else:
            call.step(event)
            assert call.state == expected[event]


def test_each_state_can_be_reached_and_left() -> None:
    reached = {"waiting", *TRANSITIONS.values()}
    assert reached == set(STATES)
    assert {state for state, _ in TRANSITIONS} == set(STATES) - {"ended"}
    assert set(STATES) == WAITS | TALKS | OVER
    assert len(WAITS) + len(TALKS) + len(OVER) == len(STATES)


@pytest.mark.parametrize(
    "state, open_, shopper", [("waiting", False, "full"), ("ringing", False, "full"), ("active", True, "full"), ("on_hold", True, "hold")]
)
def test_the_circle(state: CallState, open_: bool, shopper: Any) -> None:
    circle = make(state).circle()
    assert circle.open is open_
    assert circle.seats == {
        "shopper": Seat("shopper", shopper),
        "anna": Seat("agent", "full"),
        "boss": Seat("supervisor", "listen"),
        "ben": Seat("agent", "ring"),
    }


def test_on_hold_the_agents_hear_each_other_and_the_shopper_nobody() -> None:
    call = make("on_hold")
    call.change("ben", mode="full")
    circle = call.circle()
    assert circle.hears("anna", "ben")
    assert circle.hears("ben", "anna")
    assert not any(circle.hears(one, "shopper") or circle.hears("shopper", one) for one in ("anna", "ben", "boss"))


def test_who_sees_what() -> None:
    call = make(
        context=CallContext("product", True, {"id": "u1"}, shown={"product": {"id": "h1"}}), text="help", answered=14.0
    )
    ours, theirs = call.to_wire("agent", 1000.0, 20.0, "客服"), call.to_wire("shopper", 1000.0, 20.0, "客服")
    secret = {"context", "notes", "wrap_until", "priority", "waited_s"}
    assert set(ours) - set(theirs) == secret
    assert ours["context"] == {"product": {"id": "h1"}, "verified": True, "person": {"id": "u1"}}
    assert [person["identity"] for person in ours["people"]] == ["shopper", "anna", "boss", "ben"]
    assert [person["identity"] for person in theirs["people"]] == ["shopper", "anna"]
    assert (theirs["created"], theirs["answered"], theirs["ended"]) == (1_010_000, 1_014_000, None)
    assert (ours["waited_s"], ours["queue_title"]) == (4, "客服")
    assert theirs["ring_until"] == 1_025_000
    assert theirs["text"] == "help", "their own words, also after a reload"


def test_a_colleague_who_is_consulted_is_not_shown() -> None:
    call = make("on_hold", transfer=Transfer("anna", "skill", "repair", "Ben", "no good", state="talking"))
    call.change("ben", mode="full", why="transfer")
    people = {person["identity"]: person["mode"] for person in call.to_wire("shopper", 0.0, 0.0)["people"]}
    assert people == {"shopper": "hold", "anna": "full"}
    shown = {"kind": "skill", "to": "repair", "name": "Ben", "warm": True, "state": "talking"}
    assert call.to_wire("agent", 0.0, 0.0)["transfer"] == {**shown, "note": "no good"}
    assert call.to_wire("shopper", 0.0, 0.0)["transfer"] == shown


@pytest.mark.parametrize(
    "fields, state",
    [
        ({}, "connected"),
        ({"stalled": True}, "reconnecting"),
        ({"connected": False}, "reconnecting"),
        ({"connected": False, "peer": None}, "away"),
    ],
)
def test_how_the_shopper_is(fields: dict[str, Any], state: str) -> None:
    call = make()
    call.change("shopper", **fields)
    assert call.to_wire("agent", 0.0, 0.0)["shopper"]["state"] == state


@pytest.mark.parametrize(
    "consent, sources",
    [
        ("voice", {"microphone"}),
        ("blurred", {"microphone", "camera"}),
        ("video", {"microphone", "camera", "screen", "screen_audio"}),
        ("no", set()),
        (None, set()),
    ],
)
def test_what_comes_on_stage(consent: Any, sources: set[str]) -> None:
    call = make(escalation=Escalation("anna", consent=consent))
    aired = call.aired()
    assert aired["shopper"] == sources
    assert aired["anna"] == {"microphone", "camera", "screen", "screen_audio"}
    assert aired.keys() == {"shopper", "anna"}


def test_who_acts_as_an_agent() -> None:
    call = make()
    codes = {}
    for who in ("anna", "shopper", "boss", "ben", "stranger"):
        try:
            codes[who] = call.require_agent(who).identity
        except ApiError as error:
            codes[who] = error.code
    assert codes == {
        "anna": "anna",
        "shopper": "forbidden",
        "boss": "forbidden",
        "ben": "not_in_call",
        "stranger": "not_in_call",
    }
