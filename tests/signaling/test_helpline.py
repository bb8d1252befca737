"""Asking, waiting, ringing and answering, by shoppers and by agents."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from signaling.help_model import (
    AgentChanged,
    AgentsChanged,
    Answered,
    CallAsked,
    CallbackLeft,
    CallChanged,
    CallEnded,
    CallPlaced,
    CircleOver,
    CircleWanted,
    Declined,
    DeskGone,
    QueuesSet,
    Save,
    Taken,
    WrappedUp,
)
from tests.signaling.line_bench import EPOCH_S, GENERAL, REPAIR, Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def engaged(bench: Bench, who: str) -> str | None:
    shown = bench.desk.me(who)["engaged"]
    return None if shown is None else shown["state"]


# --- asking ----------------------------------------------------------------------------------------------------------


def test_from_the_question_to_the_note(bench: Bench) -> None:
    bench.sit("anna")
    call = bench.ask(text="it does not pair")
    assert (bench.state(call), bench.mode(call, "anna"), engaged(bench, "anna")) == ("ringing", "ring", "ringing")
    bench.later(4.0)
    bench.do(Answered(call.id, "anna"))
    assert (bench.state(call), call.agent, call.answered, engaged(bench, "anna")) == ("active", "anna", 4.0, "in_call")
    bench.later(60.0)
    bench.do(CallEnded(call.id, "shopper", "thanks"))
    assert (bench.state(call), call.outcome, call.ended_by, engaged(bench, "anna")) == ("wrap_up", "completed", "shopper", "wrap_up")
    bench.do(WrappedUp(call.id, "anna", "paired", ("pairing",), "yes", done=True))
    assert (bench.state(call), call.wrap.note, engaged(bench, "anna")) == ("ended", "paired", None)
    kinds = [effect.kind for effect in bench.log if hasattr(effect, "kind")]
    assert kinds == ["asked", "rung", "answered", "ended", "wrapped"]
    (over,) = bench.asked_for(CircleOver)
    circles = bench.asked_for(CircleWanted)
    assert bench.log.index(over) > bench.log.index(circles[-1])
    assert [wanted.circle.open for wanted in circles][-1] is True
    assert bench.effects[-1] == Save(call.id)


def test_asking_again_is_the_same_call_elsewhere_it_is_refused(bench: Bench) -> None:
    call = bench.ask()
    assert bench.ask() is call
    assert bench.code(CallAsked("c9", "shopper", "S", "other")) == "already_in_call"
    bench.do(CallEnded(call.id, "shopper"))
    assert bench.ask(room="other") is not call


@pytest.mark.parametrize("queue, found", [(None, "general"), ("general", "general"), ("repair", "repair")])
def test_the_queue_that_was_asked_for(bench: Bench, queue: str | None, found: str) -> None:
    call = bench.ask(queue=queue)
    assert (call.queue, call.position) == (found, 1)
    assert len(bench.line.queues[found]) == 1


def test_refusals_when_asking() -> None:
    night = dataclasses.replace(REPAIR, hours="Mon-Fri 22:00-23:00")
    bench = Bench((dataclasses.replace(GENERAL, max_waiting=2), night), max_calls=3)
    assert bench.code(CallAsked("c", "x", "X", "demo", "none")) == "queue_unknown"
    assert bench.code(CallAsked("c", "x", "X", "demo", "repair")) == "queue_closed"
    bench.ask("a")
    bench.ask("b")
    assert bench.code(CallAsked("c", "x", "X", "demo")) == "queue_full"
    bench.do(CallEnded("c1", "a"))
    assert bench.code(CallAsked("c", "x", "X", "demo")) == "ok"


def test_no_more_calls_than_allowed() -> None:
    bench = Bench(max_calls=2)
    first = bench.ask("a")
    bench.ask("b")
    assert bench.code(CallAsked("c", "x", "X", "demo")) == "queue_full"
    bench.do(CallEnded(first.id, "a"))
    assert bench.code(CallAsked("c", "x", "X", "demo")) == "ok"


def test_an_agent_who_asks_is_not_rung_for_it(bench: Bench) -> None:
    bench.sit("anna")
    call = bench.ask("anna")
    assert bench.state(call) == "waiting"
    bench.sit("ben")
    assert bench.mode(call, "ben") == "ring"


def test_who_came_back_after_a_restart_stands_where_they_stood(bench: Bench) -> None:
    bench.now = 100.0
    bench.ask("late")
    bench.do(CallAsked("old", "early", "E", "demo", created=20.0))
    old = bench.line.calls["old"]
    assert (old.position, old.people["early"].connected) == (1, False)
    bench.sit("anna")
    assert bench.state(old) == "waiting", "nobody is rung for somebody who is not there"
    bench.moves("early", True)
    assert bench.line.asked_by("late").state == "ringing"  # type: ignore[union-attr]


# --- ringing ---------------------------------------------------------------------------------------------------------


def test_nobody_answers_the_next_is_rung(bench: Bench) -> None:
    bench.sit("anna", "ben")
    call = bench.ask()
    bench.later(15.0)
    assert (bench.mode(call, "anna"), bench.mode(call, "ben")) == (None, "ring")
    assert [effect.identity for effect in bench.said("no_answer")] == ["anna"]
    bench.do(Declined(call.id, "ben", "lunch"))
    assert bench.state(call) == "waiting"
    bench.later(10.0)
    assert bench.state(call) == "ringing", "a new round"


def test_who_was_rung_and_is_too_late(bench: Bench) -> None:
    bench.sit("anna", "ben")
    call = bench.ask()
    bench.do(Declined(call.id, "anna"))
    bench.do(Answered(call.id, "ben"))
    assert bench.code(Answered(call.id, "anna")) == "call_answered"
    assert bench.do(Answered(call.id, "ben")) == [], "twice is once"
    assert bench.do(Declined(call.id, "anna")) == []
    bench.do(CallEnded(call.id, "ben"))
    assert bench.code(Answered(call.id, "anna")) == "call_ended"
    assert bench.code(Answered(call.id, "ben")) == "call_ended"
    assert bench.code(Answered("none", "ben")) == "call_not_found"


def test_the_shopper_gives_up_while_it_rings(bench: Bench) -> None:
    bench.sit("anna")
    call = bench.ask()
    effects = bench.do(CallEnded(call.id, "shopper"))
    assert (bench.state(call), call.outcome, engaged(bench, "anna")) == ("ended", "abandoned", None)
    assert AgentChanged("anna") in effects
    assert any(isinstance(effect, CallChanged) and "anna" in effect.former for effect in effects), "the console stops ringing"
    assert bench.do(CallEnded(call.id, "shopper")) == []


def test_the_stage_takes_the_agent_meanwhile(bench: Bench) -> None:
    bench.sit("anna", "ben")
    call = bench.ask()
    bench.desk.engage("anna", "demo", bench.now)
    assert bench.code(Answered(call.id, "anna")) == "agent_busy"
    bench.do(AgentsChanged())
    assert (bench.mode(call, "anna"), bench.mode(call, "ben")) == (None, "ring")


def test_the_agent_leaves_the_desk_while_it_rings(bench: Bench) -> None:
    bench.sit("anna", "ben")
    call = bench.ask()
    bench.desk.gone("anna", bench.now)
    bench.do(DeskGone("anna"))
    assert bench.mode(call, "ben") == "ring"


def test_picking_one_that_waits(bench: Bench) -> None:
    first = bench.ask("first", queue="repair")
    second = bench.ask("second", queue="repair")
    bench.sit("novice", skills=())
    assert bench.code(Taken(second.id, "novice")) == "forbidden"
    assert bench.code(Taken(second.id, "stranger")) == "forbidden"
    bench.desk.attend("anna", "Anna", ("repair",), "*", bench.now)
    bench.do(Taken(second.id, "anna"))
    assert (bench.state(first), bench.state(second), second.agent) == ("waiting", "active", "anna")
    assert bench.code(Taken(first.id, "anna")) == "agent_busy"
    assert bench.code(Taken(second.id, "novice")) == "call_answered"
    assert bench.do(Taken(second.id, "anna")) == []


# --- waiting ---------------------------------------------------------------------------------------------------------


def test_positions_are_told_when_they_change_and_not_too_often(bench: Bench) -> None:
    calls = [bench.ask(f"s{number}") for number in range(3)]
    assert [call.position for call in calls] == [1, 2, 3]
    bench.log.clear()
    bench.later(30.0)
    assert not bench.asked_for(CallChanged), "nothing is different"
    bench.do(CallEnded(calls[0].id, "s0"))
    bench.log.clear()
    bench.later(2.5)
    told = [effect.call_id for effect in bench.asked_for(CallChanged)]
    assert [(call_id, bench.line.calls[call_id].position) for call_id in told] == [
        (calls[1].id, 1),
        (calls[2].id, 2),
    ]


def test_who_drops_keeps_the_place_for_a_minute(bench: Bench) -> None:
    first, second = bench.ask("first"), bench.ask("second")
    bench.moves("first", False)
    bench.sit("anna")
    assert (bench.state(first), first.position, bench.state(second)) == ("waiting", 1, "ringing")
    bench.later(59.0)
    bench.moves("first", True, "peer-new")
    assert first.people["first"].peer == "peer-new"
    bench.later(100.0)
    assert not first.over


@pytest.mark.parametrize("peer", ["", None])
def test_who_does_not_come_back_has_given_up(bench: Bench, peer: str | None) -> None:
    call = bench.ask()
    bench.moves("shopper", False)
    bench.moves("shopper", False, peer)
    bench.later(59.0)
    assert not call.over
    bench.later(1.0)
    assert (bench.state(call), call.outcome, call.end_reason) == ("ended", "abandoned", "connection_lost")


def test_a_drop_while_it_rings_frees_the_agent(bench: Bench) -> None:
    bench.sit("anna")
    call = bench.ask()
    bench.moves("shopper", False)
    assert (bench.state(call), engaged(bench, "anna")) == ("waiting", None)
    bench.moves("shopper", True)
    assert (bench.state(call), engaged(bench, "anna")) == ("ringing", "ringing")


def test_nobody_waits_for_ever() -> None:
    bench = Bench((dataclasses.replace(GENERAL, max_wait_s=120.0),))
    call = bench.ask()
    bench.later(119.0)
    assert bench.state(call) == "waiting"
    bench.later(1.0)
    assert (bench.state(call), call.outcome, call.end_reason) == ("ended", "expired", "waited_too_long")


def test_a_callback_instead(bench: Bench) -> None:
    bench.sit("anna")
    call = bench.ask()
    wall = EPOCH_S + bench.now
    for at_s in (wall - 1, wall + 15 * 86400):
        assert bench.code(CallbackLeft("b", "shopper", call.id, None, at_s)) == "callback_invalid"
    assert bench.code(CallbackLeft("b", "other", call.id, None, wall + 60)) == "not_in_call"
    assert bench.code(CallbackLeft("b", "other", None, "none", wall + 60)) == "queue_unknown"
    assert bench.code(CallbackLeft("b", "other", None, None, wall + 60)) == "ok"
    bench.do(CallbackLeft("b", "shopper", call.id, None, wall + 60))
    assert (bench.state(call), call.outcome, engaged(bench, "anna")) == ("ended", "callback", None)
    assert bench.code(CallbackLeft("b", "shopper", call.id, None, wall + 60)) == "call_ended"


def test_a_queue_that_is_removed_loses_nobody(bench: Bench) -> None:
    call = bench.ask(queue="repair")
    effects = bench.do(QueuesSet((GENERAL,)))
    assert (call.queue, call.position, bench.state(call)) == ("general", 1, "waiting")
    assert CallChanged(call.id) in effects
    bench.sit("novice", skills=())
    assert bench.state(call) == "ringing"


# --- links and calls by agents ---------------------------------------------------------------------------------------


def test_a_link_rings_its_agent_and_then_anybody(bench: Bench) -> None:
    bench.sit("anna", "ben")
    call = bench.ask(agent="ben")
    assert (call.direction, bench.mode(call, "ben"), bench.mode(call, "anna")) == ("link", "ring", None)
    bench.do(Declined(call.id, "ben"))
    assert bench.mode(call, "anna") == "ring"


@pytest.mark.parametrize("how", ["never_there", "offline", "later"])
def test_a_link_to_somebody_who_is_not_there(bench: Bench, how: str) -> None:
    bench.sit("anna", "ben")
    if how == "offline":
        bench.desk.set_presence("ben", "offline", None, bench.now)
    if how == "later":
        bench.desk.engage("ben", "demo", bench.now)
    call = bench.ask(agent="stranger" if how == "never_there" else "ben")
    if how == "later":
        assert bench.state(call) == "waiting"
        bench.desk.gone("ben", bench.now)
        bench.do(DeskGone("ben"))
    assert bench.mode(call, "anna") == "ring"


def placed(bench: Bench) -> Any:
    bench.sit("anna")
    bench.do(CallPlaced("c1", "anna", "Anna", "shopper", "S", "demo", topic="your order"))
    return bench.line.calls["c1"]


def test_an_agent_calls(bench: Bench) -> None:
    call = placed(bench)
    assert (call.direction, bench.state(call), bench.mode(call, "shopper"), engaged(bench, "anna")) == ("out", "ringing", "ring", "in_call")
    assert bench.code(CallAsked("c2", "shopper", "S", "other")) == "already_in_call"
    assert bench.code(CallPlaced("c3", "anna", "Anna", "other", "O", "demo")) == "agent_busy"
    bench.do(Answered(call.id, "shopper"))
    assert (bench.state(call), call.agent) == ("active", "anna")
    bench.do(CallEnded(call.id, "shopper"))
    assert (bench.state(call), call.outcome) == ("wrap_up", "completed")
    assert bench.line.wall(bench.now)["answered"] == 0, "nobody waited"


@pytest.mark.parametrize(
    "what, outcome", [("declined", "declined"), ("silence", "expired"), ("cancelled", "failed"), ("gone", "failed")]
)
def test_an_agent_calls_in_vain(bench: Bench, what: str, outcome: str) -> None:
    call = placed(bench)
    if what == "declined":
        bench.do(Declined(call.id, "shopper"))
    elif what == "silence":
        bench.later(15.0)
    elif what == "cancelled":
        bench.do(CallEnded(call.id, "anna"))
    else:
        bench.desk.gone("anna", bench.now)
        bench.do(DeskGone("anna"))
    assert (bench.state(call), call.outcome) == ("ended", outcome)
    assert not bench.desk._occupied
    assert bench.code(Answered(call.id, "shopper")) == "call_ended"
    bench.view(call, "shopper")


def test_an_agent_calls_from_a_break(bench: Bench) -> None:
    bench.sit("anna")
    bench.desk.set_presence("anna", "break", None, bench.now)
    assert bench.code(CallPlaced("c1", "anna", "Anna", "shopper", "S", "demo")) == "ok"
