"""Calls that go on: hold, transfers, colleagues, supervisors, and the way to the stage and back."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from signaling.call import Call
from signaling.help_model import (
    Answered,
    CallChanged,
    CallEnded,
    CircleOver,
    CircleWanted,
    Declined,
    DeescalationAsked,
    DeskGone,
    EscalationAsked,
    HelperAsked,
    HelperLeft,
    HelpFact,
    HoldSet,
    MediaChanged,
    StageConsent,
    StageLeave,
    StageMoved,
    StageOffer,
    Supervised,
    TransferAsked,
    TransferCancelled,
    TransferCompleted,
    WrappedUp,
)
from tests.signaling.line_bench import GENERAL, REPAIR, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def modes(call: Call) -> dict[str, str]:
    """Who takes part, and how the Room seats them."""
    return {identity: seat.mode for identity, seat in call.circle().seats.items()}


def is_free(bench: Bench, who: str) -> bool:
    return bench.desk.reach(who, "demo") == "free"


def warm(bench: Bench, *, to: str = "ben", kind: Any = "identity", answered: bool = True) -> Call:
    call = bench.talk()
    bench.sit("ben")
    bench.do(TransferAsked(call.id, "anna", kind, to, True, "it hums"))
    if answered:
        bench.later(3.0)
        bench.do(Answered(call.id, "ben"))
    return call


# --- media and hold ---------------------------------------------------------------------------------------------------


def test_hold_and_resume(bench: Bench) -> None:
    call = bench.talk()
    bench.do(HoldSet(call.id, "anna", True))
    assert (bench.state(call), call.held_by, modes(call)) == ("on_hold", "anna", {"shopper": "hold", "anna": "full"})
    assert bench.do(HoldSet(call.id, "anna", True)) == []
    bench.later(20.0)
    bench.do(HoldSet(call.id, "anna", False))
    assert (bench.state(call), call.held_by, call.hold_s) == ("active", None, 20.0)
    assert bench.do(HoldSet(call.id, "anna", False)) == []
    bench.do(HoldSet(call.id, "anna", True))
    bench.later(5.0)
    bench.do(CallEnded(call.id, "shopper"))
    assert (bench.state(call), call.hold_s, call.held_by) == ("wrap_up", 25.0, None)


def test_step_by_step_to_video(bench: Bench) -> None:
    call = bench.talk(media="text")
    bench.do(MediaChanged(call.id, "shopper", "voice"))
    assert call.media == "voice"
    assert bench.do(MediaChanged(call.id, "shopper", "voice")) == []
    assert bench.code(MediaChanged(call.id, "anna", "video")) == "forbidden"


# --- transfers --------------------------------------------------------------------------------------------------------


def test_a_warm_transfer(bench: Bench) -> None:
    call = warm(bench, answered=False)
    assert (bench.state(call), modes(call)) == ("on_hold", {"shopper": "hold", "anna": "full", "ben": "ring"})
    assert bench.code(TransferCompleted(call.id, "anna")) == "wrong_state"
    assert bench.code(HoldSet(call.id, "anna", False)) == "wrong_state"
    assert bench.code(TransferAsked(call.id, "anna", "queue", "repair")) == "transfer_pending"
    bench.do(Answered(call.id, "ben"))
    assert call.transfer is not None
    assert call.transfer.state == "talking"
    bench.later(30.0)
    effects = bench.do(TransferCompleted(call.id, "anna"))
    assert (bench.state(call), call.agent, call.transfers) == ("active", "ben", 1)
    assert modes(call) == {"shopper": "full", "ben": "full"}
    assert any(isinstance(effect, CallChanged) and "anna" in effect.former for effect in effects)
    assert is_free(bench, "anna")
    assert call.wrap.note == "it hums", "the colleague reads it"


def test_back_from_a_warm_transfer(bench: Bench) -> None:
    call = warm(bench)
    bench.do(TransferCancelled(call.id, "anna"))
    assert (bench.state(call), call.agent, modes(call)) == ("active", "anna", {"shopper": "full", "anna": "full"})
    assert is_free(bench, "ben")
    assert bench.code(TransferCancelled(call.id, "anna")) == "wrong_state"


@pytest.mark.parametrize("how", ["declined", "silence", "desk_gone"])
def test_the_colleague_does_not_come(bench: Bench, how: str) -> None:
    call = warm(bench, answered=False)
    if how == "declined":
        bench.do(Declined(call.id, "ben"))
    elif how == "silence":
        bench.later(15.0)
    else:
        bench.desk.gone("ben", bench.now)
        bench.do(DeskGone("ben"))
    assert (bench.state(call), call.agent, call.transfer, bench.mode(call, "ben")) == ("active", "anna", None, None)
    assert bench.code(Answered(call.id, "ben")) == ("not_in_call" if how == "desk_gone" else "call_answered")


def test_the_next_colleague_of_a_skill(bench: Bench) -> None:
    call = bench.talk()
    bench.sit("ben", "eve")
    bench.do(TransferAsked(call.id, "anna", "skill", "repair", True))
    bench.do(Declined(call.id, "ben"))
    assert (bench.mode(call, "ben"), bench.mode(call, "eve")) == (None, "ring")
    bench.later(15.0)
    assert (bench.state(call), call.transfer) == ("active", None)


@pytest.mark.parametrize("gone, agent", [("anna", "ben"), ("ben", "anna")])
def test_one_of_two_who_consult_is_lost(bench: Bench, gone: str, agent: str) -> None:
    call = warm(bench)
    bench.moves(gone, True)
    bench.moves(gone, False)
    bench.later(60.0)
    assert (bench.state(call), call.agent, modes(call)) == ("active", agent, {"shopper": "full", agent: "full"})


def test_the_shopper_hangs_up_meanwhile(bench: Bench) -> None:
    call = warm(bench)
    bench.do(CallEnded(call.id, "shopper"))
    assert (bench.state(call), call.agent, call.transfer) == ("wrap_up", "anna", None)
    assert is_free(bench, "ben")
    for fact in (TransferCompleted(call.id, "anna"), TransferCancelled(call.id, "anna"), Answered(call.id, "ben")):
        assert bench.code(fact) == "call_ended"


def test_a_cold_transfer_to_a_queue(bench: Bench) -> None:
    call, waits = bench.talk(), bench.ask("waits", queue="repair")
    bench.do(TransferAsked(call.id, "anna", "queue", "repair", note="hums"))
    assert (bench.state(call), call.queue, call.position, waits.position, call.transfers) == ("waiting", "repair", 1, 2, 1)
    assert bench.mode(waits, "anna") == "ring", "who handed it on is not rung for it, but for the next"
    bench.sit("ben")
    assert bench.mode(call, "ben") == "ring"
    bench.do(Answered(call.id, "ben"))
    assert (call.agent, call.wrap.note) == ("ben", "hums")


def test_a_cold_transfer_to_a_person_and_back(bench: Bench) -> None:
    call = bench.talk()
    bench.sit("ben")
    bench.do(TransferAsked(call.id, "anna", "identity", "ben"))
    assert (bench.mode(call, "ben"), is_free(bench, "anna")) == ("ring", True)
    bench.do(Declined(call.id, "ben"))
    bench.later(10.0)
    assert bench.mode(call, "anna") == "ring", "nobody is left without anybody"


@pytest.mark.parametrize("is_warm", [True, False])
@pytest.mark.parametrize(
    "kind, to, code",
    [
        ("identity", "stranger", "agent_not_found"),
        ("identity", "away", "agent_offline"),
        ("identity", "busy", "agent_busy"),
        ("identity", "anna", "wrong_state"),
        ("queue", "none", "queue_unknown"),
        ("skill", "knitting", "nobody_available"),
    ],
)
def test_transfers_that_cannot_be(bench: Bench, kind: Any, to: str, code: str, is_warm: bool) -> None:
    call = bench.talk()
    bench.sit("busy", "away")
    bench.desk.set_presence("away", "offline", None, bench.now)
    bench.desk.engage("busy", "demo", bench.now)
    assert bench.code(TransferAsked(call.id, "anna", kind, to, is_warm)) == code
    assert bench.state(call) == "active"


def test_nobody_is_handed_on_into_the_night() -> None:
    bench = Bench((GENERAL, dataclasses.replace(REPAIR, hours="Mon-Fri 22:00-23:00")))
    call = bench.talk()
    assert bench.code(TransferAsked(call.id, "anna", "queue", "repair")) == "queue_closed"


# --- a second agent ---------------------------------------------------------------------------------------------------


def two(bench: Bench) -> Call:
    call = bench.talk()
    bench.sit("ben")
    bench.do(HelperAsked(call.id, "anna", "identity", "ben"))
    assert modes(call) == {"shopper": "full", "anna": "full", "ben": "ring"}
    bench.do(Answered(call.id, "ben"))
    return call


def test_a_colleague_comes_in(bench: Bench) -> None:
    call = two(bench)
    assert modes(call) == {"shopper": "full", "anna": "full", "ben": "full"}
    assert [person["identity"] for person in bench.view(call, "shopper")["people"]] == ["shopper", "anna", "ben"]
    bench.do(HelperLeft(call.id, "ben"))
    assert (modes(call), is_free(bench, "ben")) == ({"shopper": "full", "anna": "full"}, True)
    assert bench.code(HelperLeft(call.id, "ben")) == "not_in_call"
    assert bench.code(HelperLeft(call.id, "anna")) == "wrong_state"
    assert bench.code(HelperLeft(call.id, "shopper")) == "forbidden"


def test_the_first_goes_and_the_second_stays(bench: Bench) -> None:
    call = two(bench)
    bench.do(HelperLeft(call.id, "anna"))
    assert (call.agent, modes(call), is_free(bench, "anna")) == ("ben", {"shopper": "full", "ben": "full"}, True)
    bench.do(CallEnded(call.id, "shopper"))
    assert bench.code(WrappedUp(call.id, "anna", "mine")) == "not_in_call"
    assert bench.code(WrappedUp(call.id, "ben", "mine")) == "ok"


@pytest.mark.parametrize("by", ["shopper", "anna", "ben"])
def test_the_end_is_for_all(bench: Bench, by: str) -> None:
    call = two(bench)
    bench.do(CallEnded(call.id, by))
    assert (bench.state(call), call.agent, is_free(bench, "ben"), is_free(bench, "anna")) == ("wrap_up", "anna", True, False)


def test_the_colleague_does_not_come_to_help(bench: Bench) -> None:
    call = bench.talk()
    bench.sit("ben")
    bench.do(HelperAsked(call.id, "anna", "skill", "repair"))
    bench.later(15.0)
    assert (bench.state(call), modes(call), is_free(bench, "ben")) == ("active", {"shopper": "full", "anna": "full"}, True)


# --- supervisors ------------------------------------------------------------------------------------------------------


def test_listen_whisper_barge_off(bench: Bench) -> None:
    call = bench.talk()
    for mode, seat, seen in (("listen", "listen", False), ("whisper", "whisper", False), ("barge", "full", True), ("listen", "listen", False)):
        bench.do(Supervised(call.id, "boss", "Boss", mode))  # type: ignore[arg-type]
        assert modes(call)["boss"] == seat
        people = [person["identity"] for person in bench.view(call, "shopper")["people"]]
        assert ("boss" in people) is seen
    bench.do(Supervised(call.id, "boss", "Boss", "off"))
    assert "boss" not in modes(call)
    assert bench.do(Supervised(call.id, "boss", "Boss", "off")) == []
    assert not bench.desk._occupied.get("boss")


def test_who_listens_only_listens(bench: Bench) -> None:
    call = bench.talk()
    bench.do(Supervised(call.id, "boss", "Boss", "listen"))
    for fact in (HoldSet(call.id, "boss", True), EscalationAsked(call.id, "boss"), CallEnded(call.id, "boss")):
        assert bench.code(fact) == "forbidden"
    bench.do(Supervised(call.id, "boss", "Boss", "barge"))
    assert bench.code(TransferAsked(call.id, "boss", "queue", "repair")) == "forbidden"
    bench.do(CallEnded(call.id, "shopper"))
    assert bench.mode(call, "boss") is None
    assert not bench.desk._occupied.get("boss")


def test_takeover(bench: Bench) -> None:
    call = bench.talk()
    bench.do(Supervised(call.id, "boss", "Boss", "listen"))
    bench.do(Supervised(call.id, "boss", "Boss", "takeover"))
    assert (call.agent, modes(call), is_free(bench, "anna")) == ("boss", {"shopper": "full", "boss": "full"}, True)
    assert bench.code(Supervised(call.id, "boss", "Boss", "off")) == "wrong_state"
    bench.do(CallEnded(call.id, "boss"))
    assert bench.code(WrappedUp(call.id, "boss", "done", done=True)) == "ok"


def test_supervising_one_thing_at_a_time(bench: Bench) -> None:
    first = bench.talk()
    second = bench.talk("other", "ben")
    waits = bench.ask("third")
    bench.do(Supervised(first.id, "boss", "Boss", "listen"))
    bench.do(Supervised(second.id, "boss", "Boss", "takeover"))
    assert bench.code(Supervised(first.id, "boss", "Boss", "takeover")) == "already_in_call"
    assert bench.code(Supervised(second.id, "anna", "Anna", "listen")) in ("already_in_call", "ok")
    assert bench.code(Supervised(first.id, "ben", "Ben", "whisper")) in ("already_in_call", "ok")
    assert bench.code(Supervised(waits.id, "chief", "Chief", "listen")) == "wrong_state"
    assert bench.code(Supervised(first.id, "shopper", "S", "listen")) == "forbidden"


def test_who_listens_is_not_rung(bench: Bench) -> None:
    call = bench.talk()
    bench.sit("boss")
    bench.do(Supervised(call.id, "boss", "Boss", "listen"))
    assert bench.ask("other").state == "waiting"
    bench.do(Supervised(call.id, "boss", "Boss", "off"))
    assert bench.mode(bench.line.calls["c2"], "boss") == "ring"


# --- the stage --------------------------------------------------------------------------------------------------------


def asking(bench: Bench, consent: str | None = None, *, on: bool = False) -> Call:
    call = bench.talk()
    bench.do(EscalationAsked(call.id, "anna", "pairing"))
    if consent is not None:
        bench.do(StageConsent(call.id, "shopper", consent))  # type: ignore[arg-type]
    if on:
        bench.do(StageMoved(call.id, True))
    return call


def stage(call: Call) -> str | None:
    return None if call.escalation is None else call.escalation.state


def test_to_the_stage_and_back(bench: Bench) -> None:
    call = asking(bench)
    assert (stage(call), bench.asked_for(StageOffer)) == ("asking", [])
    assert bench.code(EscalationAsked(call.id, "anna")) == "consent_pending"
    bench.do(StageConsent(call.id, "shopper", "blurred"))
    (offer,) = bench.asked_for(StageOffer)
    assert (offer.by, offer.topic, offer.consent, offer.aired["shopper"]) == ("anna", "pairing", "blurred", {"microphone", "camera"})
    assert bench.code(StageConsent(call.id, "shopper", "video")) == "consent_pending"
    circles = len(bench.asked_for(CircleOver))
    bench.do(StageMoved(call.id, True))
    assert (stage(call), call.escalations, bench.state(call)) == ("on_stage", 1, "active")
    bench.do(DeescalationAsked(call.id, "shopper"))
    assert (stage(call), len(bench.asked_for(StageLeave)), bench.state(call)) == (None, 1, "active")
    assert bench.do(StageMoved(call.id, False)) == []
    assert bench.do(DeescalationAsked(call.id, "anna")) == []
    assert len(bench.asked_for(CircleOver)) == circles, "the call goes on in its circle"


def test_no_is_no(bench: Bench) -> None:
    call = asking(bench, "no")
    assert (stage(call), bench.asked_for(StageOffer)) == ("declined", [])
    assert bench.code(StageConsent(call.id, "shopper", "video")) == "wrong_state"
    bench.do(EscalationAsked(call.id, "anna"))
    assert stage(call) == "asking"


@pytest.mark.parametrize("on", [False, True])
def test_consent_is_taken_back(bench: Bench, on: bool) -> None:
    call = asking(bench, "video", on=on)
    bench.do(StageConsent(call.id, "shopper", "no"))
    assert (stage(call), len(bench.asked_for(StageLeave))) == ("declined", 1)
    bench.do(StageMoved(call.id, False))
    assert stage(call) == "declined"


def test_nobody_is_on_air_without_consent(bench: Bench) -> None:
    call = asking(bench)
    assert bench.do(StageMoved(call.id, True)) == [StageLeave(call.id, "demo")]
    assert stage(call) == "asking"


@pytest.mark.parametrize("code", ["stage_full", "declined", "no_answer", "not_live"])
def test_the_host_says_no(bench: Bench, code: str) -> None:
    call = asking(bench, "voice")
    bench.do(StageMoved(call.id, False, code))
    assert bench.view(call, "shopper")["escalation"] == {"state": "refused", "consent": "voice", "code": code}


def test_only_the_right_people_ask_and_answer(bench: Bench) -> None:
    call = asking(bench)
    assert bench.code(StageConsent(call.id, "anna", "video")) == "forbidden"
    assert bench.code(EscalationAsked(call.id, "shopper")) == "forbidden"
    helped = bench.talk("other", "ben", room="help.1")
    assert bench.code(EscalationAsked(helped.id, "ben")) == "not_in_show"


@pytest.mark.parametrize(
    "fact",
    [
        HoldSet("c1", "anna", True),
        TransferAsked("c1", "anna", "queue", "repair"),
        TransferAsked("c1", "anna", "identity", "ben", True),
        Supervised("c1", "boss", "Boss", "takeover"),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_what_does_not_go_on_stage(bench: Bench, fact: HelpFact) -> None:
    asking(bench, "video", on=True)
    bench.sit("ben")
    assert bench.code(fact) == "wrong_state"


def test_no_stage_for_who_is_on_hold(bench: Bench) -> None:
    call = asking(bench)
    bench.do(HoldSet(call.id, "anna", True))
    assert bench.code(StageConsent(call.id, "shopper", "video")) == "wrong_state"
    assert bench.code(StageConsent(call.id, "shopper", "no")) == "ok"


def test_the_end_on_stage(bench: Bench) -> None:
    call = asking(bench, "video", on=True)
    effects = bench.do(CallEnded(call.id, "shopper"))
    kinds = [type(effect) for effect in effects]
    assert kinds.index(StageLeave) < kinds.index(CircleOver)
    assert CircleWanted not in kinds
    assert stage(call) is None
    assert bench.do(StageMoved(call.id, False)) == []


def test_an_agent_lost_on_stage(bench: Bench) -> None:
    call = asking(bench, "video", on=True)
    bench.moves("anna", True)
    bench.moves("anna", False)
    bench.later(60.0)
    assert (bench.state(call), stage(call), len(bench.asked_for(StageLeave))) == ("waiting", None, 1)


def test_who_offered_the_stage_leaves(bench: Bench) -> None:
    call = two(bench)
    bench.do(EscalationAsked(call.id, "ben"))
    bench.do(StageConsent(call.id, "shopper", "video"))
    bench.do(HelperLeft(call.id, "ben"))
    assert (stage(call), len(bench.asked_for(StageLeave)), bench.state(call)) == (None, 1, "active")
