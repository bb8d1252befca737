"""What time and the end of a room do to a call, and what becomes of a note that was said while handing it on."""

from __future__ import annotations

import pytest

from signaling.call import Call
from signaling.help_model import (
    Answered,
    CallEnded,
    CallPlaced,
    Declined,
    EscalationAsked,
    Rated,
    RoomEnded,
    StageConsent,
    StageLeave,
    StageMoved,
    TransferAsked,
    TransferCancelled,
    WrappedUp,
)
from tests.signaling.line_bench import EPOCH_S, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


# --- nobody says whether to go on air --------------------------------------------------------------------------------


def test_who_says_nothing_does_not_go_on_air(bench: Bench) -> None:
    call = bench.talk()
    bench.do(EscalationAsked(call.id, "anna"))
    bench.later(59.9)
    asked = call.to_wire("shopper", EPOCH_S, bench.now)["escalation"]
    assert asked == {"state": "asking", "consent": None, "until": round((EPOCH_S + 60.0) * 1000)}
    bench.later(0.2)
    assert call.escalation is not None
    assert call.escalation.to_wire() == {"state": "declined", "consent": None, "code": "consent_expired"}
    assert bench.state(call) == "active"
    assert bench.code(StageConsent(call.id, "shopper", "video")) == "consent_expired"
    # Asking again is another question.
    bench.do(EscalationAsked(call.id, "anna"))
    bench.later(30.0)
    bench.do(StageConsent(call.id, "shopper", "voice"))
    bench.later(600.0)
    assert _asked(call) == "offered", "now the host is asked, who has time"
    bench.do(StageMoved(call.id, True))
    assert _asked(call) == "on_stage"
    assert bench.line.next_deadline() is None


def _asked(call: Call) -> str | None:
    return None if call.escalation is None else call.escalation.state


@pytest.mark.parametrize("how", ["answered", "ended", "taken_back"])
def test_a_question_that_is_over_is_not_late(bench: Bench, how: str) -> None:
    call = bench.talk()
    bench.do(EscalationAsked(call.id, "anna"))
    if how == "answered":
        bench.do(StageConsent(call.id, "shopper", "no"))
    elif how == "ended":
        bench.do(CallEnded(call.id, "shopper"))
    else:
        bench.sit("ben")
        bench.do(TransferAsked(call.id, "anna", "identity", "ben"))
    before = call.escalation
    bench.later(61.0)
    assert call.escalation == before


# --- the room is ended -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["waiting", "ringing", "active", "on_stage", "out", "wrap_up"])
def test_calls_end_with_their_room(bench: Bench, state: str) -> None:
    bench.sit("anna")
    if state == "out":
        bench.do(CallPlaced("c9", "anna", "ANNA", "shopper", "Shopper", "demo"))
        call = bench.line.get("c9")
    elif state in ("waiting", "ringing"):
        if state == "waiting":
            bench.desk.set_presence("anna", "break", None, bench.now)
        call = bench.ask()
    else:
        call = bench.talk()
    if state == "on_stage":
        bench.do(EscalationAsked(call.id, "anna"))
        bench.do(StageConsent(call.id, "shopper", "voice"))
        bench.do(StageMoved(call.id, True))
    elif state == "wrap_up":
        bench.do(CallEnded(call.id, "shopper"))
    other = bench.ask("other", "elsewhere")
    effects = bench.do(RoomEnded("demo"))
    talked = state in ("active", "on_stage", "wrap_up")
    assert (bench.state(call), call.outcome) == (("wrap_up", "completed") if talked else ("ended", "failed"))
    if state != "wrap_up":
        assert (call.end_reason, call.ended_by) == ("room_ended", "system")
    assert any(isinstance(effect, StageLeave) for effect in effects) == (state == "on_stage")
    assert not other.over
    bench.later(61.0)
    assert call.state == "ended"
    assert bench.do(RoomEnded("demo")) == []


# --- a colleague is consulted ----------------------------------------------------------------------------------------


def consulted(bench: Bench) -> str:
    """Anna's call, about which Ben is asked, who has answered."""
    call = bench.talk()
    bench.sit("ben")
    bench.do(TransferAsked(call.id, "anna", "identity", "ben", True, "wants a refund"))
    bench.do(Answered(call.id, "ben"))
    return call.id


def test_a_colleague_who_hangs_up_ends_nothing_but_the_consultation(bench: Bench) -> None:
    call = bench.line.get(consulted(bench))
    bench.do(CallEnded(call.id, "ben"))
    assert (bench.state(call), call.transfer, set(call.people)) == ("active", None, {"shopper", "anna"})
    bench.do(CallEnded(call.id, "anna"))
    assert bench.state(call) == "wrap_up"


@pytest.mark.parametrize(
    ("how", "note"),
    [("cancelled", "mine"), ("declined", "mine"), ("hung_up", "mine\nwants a refund"), ("lost", "mine\nwants a refund")],
)
def test_what_was_said_while_handing_on(bench: Bench, how: str, note: str) -> None:
    """It is part of the notes when the call is handed on or ends; not when the agent goes on with it."""
    call = bench.talk()
    bench.do(WrappedUp(call.id, "anna", "mine", (), "unknown", False))
    bench.sit("ben")
    bench.later(1.0)
    bench.do(TransferAsked(call.id, "anna", "identity", "ben", True, "wants a refund"))
    bench.later(1.0)
    if how == "cancelled":
        bench.do(TransferCancelled(call.id, "anna"))
    elif how == "declined":
        bench.do(Declined(call.id, "ben", ""))
    elif how == "hung_up":
        bench.do(CallEnded(call.id, "shopper"))
    else:
        bench.do(Answered(call.id, "ben"))
        bench.moves("anna", True)
        bench.moves("anna", False, None)
        bench.later(60.0)
        assert call.agent == "ben"
    assert (call.wrap.note, call.transfer) == (note, None)
    assert call.wrap.at is not None and call.wrap.at >= 1.0, "newer than what the database may have"


def test_a_rating_has_its_own_time(bench: Bench) -> None:
    call = bench.over()
    bench.later(100.0)
    bench.do(Rated(call.id, "shopper", 4))
    assert call.rating is not None and call.rating.at == bench.now
