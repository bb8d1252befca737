"""Connections that break in a call, its end, notes, ratings, and the figures of the day."""

from __future__ import annotations

import pytest

from signaling.help_model import (
    Answered,
    CallEnded,
    Declined,
    DeskGone,
    HelpTick,
    Presence,
    Rated,
    WrappedUp,
)
from tests.signaling.line_bench import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


def engaged(bench: Bench, who: str) -> str | None:
    shown = bench.desk.me(who)["engaged"]
    return None if shown is None else shown["state"]


def test_a_reload_in_the_middle(bench: Bench) -> None:
    call = bench.talk()
    for who in ("shopper", "anna"):
        bench.moves(who, False)
        assert call.people[who].state == "reconnecting"
        bench.moves(who, True, f"{who}-2")
        assert (call.people[who].peer, call.people[who].state) == (f"{who}-2", "connected")
    assert bench.state(call) == "active"
    bench.later(500.0)
    assert bench.state(call) == "active"


def test_the_old_connection_ends_after_the_new_one_came(bench: Bench) -> None:
    call = bench.talk()
    bench.moves("shopper", True, "new")
    assert bench.moves("shopper", False, "peer-shopper") == []
    assert (call.people["shopper"].peer, call.people["shopper"].connected) == ("new", True)
    bench.moves("shopper", False, "new")
    assert not call.people["shopper"].connected


def test_another_room_is_no_news(bench: Bench) -> None:
    call = bench.talk()
    assert bench.do(Presence("shopper", "elsewhere", "p", False)) == []
    assert call.people["shopper"].connected


def test_the_shopper_is_gone_for_good(bench: Bench) -> None:
    call = bench.talk()
    bench.moves("shopper", False)
    bench.later(60.0)
    assert (bench.state(call), call.outcome, call.end_reason) == ("wrap_up", "completed", "connection_lost")


def test_a_lost_agent_puts_the_shopper_first(bench: Bench) -> None:
    call = bench.talk()
    bench.later(3600.0)
    waits = bench.ask("other")
    bench.moves("anna", True)
    bench.moves("anna", False)
    bench.later(59.0)
    assert bench.state(call) == "active"
    bench.later(1.0)
    assert (bench.state(call), call.position, waits.position) == ("waiting", 1, 2) or bench.state(call) == "ringing"
    bench.later(5.0)
    assert not call.over, "an hour of talk was no waiting"
    bench.sit("ben")
    assert bench.mode(call, "ben") == "ring"
    bench.do(Answered(call.id, "ben"))
    assert (bench.state(call), call.agent) == ("active", "ben")


@pytest.mark.parametrize("by", ["shopper", "anna"])
def test_both_hang_up(bench: Bench, by: str) -> None:
    call = bench.talk()
    bench.do(CallEnded(call.id, by))
    assert bench.do(CallEnded(call.id, "shopper")) == []
    assert bench.do(CallEnded(call.id, "anna")) == []
    assert call.ended_by == ("shopper" if by == "shopper" else "agent")
    assert bench.code(CallEnded(call.id, "stranger")) == "not_in_call"


def test_notes_have_a_minute_and_more_while_somebody_writes(bench: Bench) -> None:
    call = bench.talk()
    bench.do(CallEnded(call.id, "anna"))
    bench.later(59.0)
    bench.do(WrappedUp(call.id, "anna", "half"))
    bench.later(29.0)
    assert (bench.state(call), call.wrap.note) == ("wrap_up", "half")
    bench.later(1.0)
    assert (bench.state(call), engaged(bench, "anna")) == ("ended", None)
    bench.do(WrappedUp(call.id, "anna", "whole", solved="yes"))
    assert call.wrap.note == "whole", "also afterwards"
    assert bench.code(WrappedUp(call.id, "shopper", "mine")) in ("forbidden", "not_in_call")


def test_the_next_is_rung_when_the_notes_are_done(bench: Bench) -> None:
    call, waits = bench.talk(), bench.ask("next")
    bench.do(CallEnded(call.id, "anna"))
    assert bench.state(waits) == "waiting"
    bench.do(WrappedUp(call.id, "anna", done=True))
    assert bench.mode(waits, "anna") == "ring"


def test_ratings(bench: Bench) -> None:
    call = bench.talk()
    assert bench.code(Rated(call.id, "shopper", 5)) == "wrong_state"
    bench.do(CallEnded(call.id, "shopper"))
    assert bench.code(Rated(call.id, "anna", 5)) == "not_in_call"
    bench.do(Rated(call.id, "shopper", 2))
    bench.do(Rated(call.id, "shopper", 4, "better", "yes"))
    assert call.rating is not None
    assert (call.rating.score, call.rating.solved, bench.line.wall(bench.now)["csat"]) == (4, "yes", 4.0)
    bench.now += 25 * 3600.0
    assert bench.code(Rated(call.id, "shopper", 1)) == "rating_closed"


def test_what_is_over_is_forgotten(bench: Bench) -> None:
    call = bench.over()
    bench.now += 1000.0
    bench.do(HelpTick())
    assert call.id not in bench.line.calls
    assert not bench.line.calls_of("shopper")
    assert bench.code(CallEnded(call.id, "shopper")) == "call_not_found"


def test_the_figures_of_the_day(bench: Bench) -> None:
    bench.sit("anna", "ben")
    one = bench.ask("one")
    bench.later(10.0)
    bench.do(Answered(one.id, "anna"))
    two = bench.ask("two")
    bench.later(14.0)
    bench.do(Declined(two.id, "ben"))
    bench.later(20.0)
    bench.do(Answered(two.id, "ben"))
    short, long = bench.ask("short"), bench.ask("long")
    bench.do(CallEnded(short.id, "short"))
    bench.later(20.0)
    bench.do(CallEnded(long.id, "long"))
    bench.ask("waits")
    bench.later(7.0)
    assert bench.line.wall(bench.now) == {
        "asked": 5,
        "answered": 2,
        "abandoned": 1,
        "answered_30s": 1,
        "service_level": 0.3333,
        "longest_wait_s": 7,
        "asa_s": 22.0,
        "abandon_rate": 0.3333,
        "csat": None,
        "in_queue": 1,
    }
    bench.later(86400.0)
    assert bench.line.wall(bench.now)["asked"] == 0


def test_queues_as_they_are_shown(bench: Bench) -> None:
    bench.ask("one")
    bench.ask("two")
    bench.sit("anna")
    bench.later(3.0)
    general, repair = bench.line.status(bench.now, "en")
    assert (general["title"], general["waiting"], general["agents"], general["open"], general["full"]) == ("Help", 2, 1, True, False)
    assert general["longest_s"] == 3
    assert (repair["title"], repair["waiting"]) == ("Repairs", 0)
    assert [call.shopper for call, _ in bench.line.waiting()] == ["one", "two"]


def test_a_skill_that_nobody_on_duty_has_is_not_waited_for(bench: Bench) -> None:
    early = bench.ask("early", context={"skills": ("pairing",)})
    assert bench.state(early) == "waiting", "somebody with it may come yet"
    bench.sit("anna")
    assert bench.mode(early, "anna") == "ring"
    late = bench.ask("late", context={"skills": ("pairing",)})
    bench.sit("ben", skills=("pairing",))
    assert bench.mode(late, "ben") == "ring"


def test_a_skill_that_somebody_has_is_waited_for(bench: Bench) -> None:
    bench.sit("ben", skills=("pairing",))
    first = bench.ask("first", context={"skills": ("pairing",)})
    bench.do(Answered(first.id, "ben"))
    bench.sit("anna")
    second = bench.ask("second", context={"skills": ("pairing",)})
    assert bench.state(second) == "waiting"
    bench.desk.gone("ben", bench.now)
    bench.do(DeskGone("ben"))
    assert bench.mode(first, "anna") == "ring", "who had an agent comes first"
    bench.do(Declined(first.id, "anna"))
    assert bench.mode(second, "anna") == "ring"
