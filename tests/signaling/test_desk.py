"""The desk: who can be rung and who is next, in virtual time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling import desk as d
from signaling.errors import ApiError

EPOCH_S = 1_700_000_000.0


def seated(*names: str, covers: str = "*", skills: tuple[str, ...] = ("size", "price")) -> d.Desk:
    desk = d.Desk(EPOCH_S)
    for index, name in enumerate(names):
        desk.attend(name, name.title(), skills, covers, float(index))
    return desk


def picked(desk: d.Desk, room: str = "demo", skill: str | None = None, exclude: tuple[str, ...] = ()) -> str | None:
    candidate = desk.pick(room, skill, exclude)
    return None if candidate is None else candidate.identity


def refusal(call: Any, *args: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(*args)
    return caught.value


# --- me and the directory --------------------------------------------------------------------------------------------


def test_me() -> None:
    desk = d.Desk(EPOCH_S)
    assert desk.attend("a", "Ann", ["size", "price", "size"], "*", 5.0) == {"a"}
    me = {
        "identity": "a",
        "name": "Ann",
        "presence": "available",
        "chosen": "available",
        "since": round((EPOCH_S + 5) * 1000),
        "skills": ["size", "price"],
        "all_skills": ["size", "price"],
        "engaged": None,
    }
    assert desk.me("a") == me
    assert desk.reserve("a", "i1", "demo", 8.0)
    me |= {"presence": "busy", "since": round((EPOCH_S + 8) * 1000), "engaged": {"room": "demo", "state": "ringing"}}
    assert desk.me("a") == me
    assert desk.engage("a", "demo", 9.0) == {"a"}
    assert desk.release("i1", 9.0) == {"a"}
    me["engaged"] = {"room": "demo", "state": "on_stage"}
    assert desk.me("a") == me, "busy since the ring"
    assert desk.set_presence("a", "break", ["price"], 10.0) == {"a"}
    me |= {"chosen": "break", "skills": ["price"]}
    assert desk.me("a") == me, "holds for afterwards"
    assert desk.engage("a", None, 20.0) == {"a"}
    me |= {"presence": "break", "since": round((EPOCH_S + 20) * 1000), "engaged": None}
    assert desk.me("a") == me
    assert refusal(desk.me, "b").code == "session_not_found"


def test_the_directory_has_whom_this_room_can_ring() -> None:
    desk = seated("dan", "cat", "bob", "ann", "eve")
    desk.attend("other", "Other", (), "elsewhere", 9.0)
    desk.attend("here", "Here", ("size",), "demo", 9.0)
    desk.attend("boss", "Boss", (), "*", 9.0, ringable=False)
    desk.dropped("ann", 9.0)
    desk.set_presence("bob", "offline", None, 9.0)
    desk.set_presence("cat", "break", None, 9.0)
    desk.reserve("dan", "i1", "elsewhere", 9.0)
    lines = [(line["identity"], line["presence"], line["engaged"]) for line in desk.directory("demo")]
    assert lines == [
        ("eve", "available", False),
        ("here", "available", False),
        ("dan", "busy", True),
        ("cat", "break", False),
        ("ann", "offline", False),
        ("bob", "offline", False),
    ]
    assert desk.directory("demo")[1] == {
        "identity": "here",
        "name": "Here",
        "skills": ["size"],
        "presence": "available",
        "engaged": False,
    }
    desk.gone("ann", 10.0)
    assert "ann" not in [line["identity"] for line in desk.directory("demo")]


# --- reach -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps, expected",
    [
        ([], "free"),
        ([("reserve", "a", "i1", "demo")], "busy"),
        ([("reserve", "a", "i1", "elsewhere")], "busy"),
        ([("reserve", "a", "i1", "demo"), ("release", "i1")], "free"),
        ([("reserve", "a", "i1", "demo"), ("release", "i2")], "busy"),
        ([("engage", "a", "demo")], "busy"),
        ([("engage", "a", "demo"), ("engage", "a", None)], "free"),
        ([("engage", "a", "demo"), ("engage", "a", "two"), ("disengage", "a", "demo")], "busy"),
        ([("engage", "a", "demo"), ("disengage", "a", "two")], "busy"),
        ([("set_presence", "a", "break", None)], "busy"),
        ([("set_presence", "a", "offline", None)], "offline"),
        ([("dropped", "a")], "offline"),
        ([("dropped", "a"), ("returned", "a")], "free"),
        ([("reserve", "a", "i1", "demo"), ("dropped", "a")], "busy"),
        ([("reserve_call", "a", "c1", "demo")], "busy"),
        ([("reserve_call", "a", "c1", "demo"), ("release_call", "a", "c1")], "free"),
        ([("reserve_call", "a", "c1", "demo"), ("release_call", "a", "c2")], "busy"),
        ([("reserve_call", "a", "c1", "demo"), ("engage_call", "a", "c1", "in_call")], "busy"),
        ([("reserve_call", "a", "c1", "demo"), ("engage_call", "a", "c1", "wrap_up")], "busy"),
        ([("reserve_call", "a", "c1", "demo"), ("release", "c1")], "busy"),
        ([("reserve", "a", "c1", "demo"), ("release_call", "a", "c1")], "busy"),
        ([("reserve_call", "a", "c1", "demo"), ("engage", "a", "demo"), ("release_call", "a", "c1")], "busy"),
        ([("reserve_call", "a", "c1", "demo"), ("engage", "a", "demo"), ("engage", "a", None)], "busy"),
        ([("gone", "a")], "offline"),
        ([("gone", "a"), ("gone", "a"), ("returned", "a")], "offline"),
        ([("gone", "a"), ("attend", "a", "A", (), "*")], "free"),
        ([("gone", "a"), ("attend", "a", "A", (), "elsewhere")], "unknown"),
    ],
)
def test_reach(steps: list[tuple[Any, ...]], expected: str) -> None:
    desk = seated("a")
    for name, *args in steps:
        getattr(desk, name)(*args, 5.0)
    assert desk.reach("a", "demo") == expected
    assert (picked(desk) == "a") is (expected == "free")


def test_reach_of_those_who_are_not_rung_here() -> None:
    desk = d.Desk()
    desk.attend("boss", "Boss", (), "*", 0.0, ringable=False)
    assert desk.reach("boss", "demo") == desk.reach("nobody", "demo") == "unknown"
    assert picked(desk) is None
    assert desk.engage("shopper", "demo", 0.0) == frozenset()
    assert desk.reach("shopper", "demo") == "busy", "on stage without a seat at the desk"
    desk.engage("shopper", None, 1.0)
    assert desk.reach("shopper", "demo") == "unknown"
    assert desk.remembered == 1


# --- ringing ---------------------------------------------------------------------------------------------------------


def test_the_first_reservation_wins() -> None:
    desk = seated("a")
    assert desk.reserve("a", "i1", "one", 1.0)
    assert not desk.reserve("a", "i2", "two", 1.0)
    assert desk.reserve("a", "i1", "one", 2.0), "again is no other"
    assert desk.ring_of("a") == d.Ring("i1", "one")
    assert desk.release("i2", 3.0) == frozenset()
    assert desk.release("i1", 3.0, keep="a") == frozenset()
    assert desk.release("i1", 3.0) == {"a"}
    assert desk.release("i1", 3.0) == frozenset()
    assert desk.ring_of("a") is None
    desk.engage("a", "one", 4.0)
    assert not desk.reserve("a", "i3", "two", 4.0)


def test_a_groups_invitation_goes_from_one_to_the_next() -> None:
    desk = seated("a", "b")
    desk.reserve("a", "i", "demo", 5.0)
    assert picked(desk, exclude=("a",)) == "b"
    assert desk.release("i", 6.0, keep="b") == {"a"}
    assert desk.reserve("b", "i", "demo", 6.0)
    assert (desk.reach("a", "demo"), desk.reach("b", "demo")) == ("free", "busy")


def test_somebody_who_is_not_at_the_desk_rings_too() -> None:
    desk = d.Desk()
    assert desk.reserve("shopper", "i1", "one", 0.0)
    assert not desk.reserve("shopper", "i2", "two", 0.0)
    desk.attend("shopper", "S", (), "*", 1.0)
    assert desk.me("shopper")["presence"] == "busy"
    assert desk.release("i1", 2.0) == {"shopper"}
    assert picked(desk) == "shopper"


def test_pick_wants_the_skill_and_the_room() -> None:
    desk = d.Desk()
    desk.attend("a", "A", ("size",), "one", 0.0)
    desk.attend("b", "B", ("price", "size"), "*", 1.0)
    assert picked(desk, "one") == "a"
    assert picked(desk, "one", "price") == "b"
    assert picked(desk, "two", "size") == "b"
    assert picked(desk, "two", "size", ("b",)) is None
    assert picked(desk, "one", "cooking") is None
    desk.set_presence("b", "available", [], 2.0)
    assert picked(desk, "two", "size") is None
    assert picked(desk, "two") == "b"
    assert desk.pick("two", None, ()) == d.Candidate("b", "B")


@pytest.mark.parametrize(
    "steps, order",
    [
        ([], "abc"),
        ([("dropped", "a"), ("returned", "a")], "abc"),
        ([("attend", "a", "A", (), "*")], "abc"),
        ([("set_presence", "a", "available", None)], "abc"),
        ([("set_presence", "a", "break", None), ("set_presence", "a", "available", None)], "bca"),
        ([("gone", "a"), ("attend", "a", "A", (), "*")], "bca"),
        ([("reserve", "a", "i", "demo"), ("release", "i")], "bca"),
        ([("engage", "b", "demo"), ("engage", "a", "demo"), ("engage", "b", None), ("engage", "a", None)], "cba"),
        ([("reserve_call", "a", "c", "demo"), ("release_call", "a", "c")], "bca"),
    ],
)
def test_the_one_longest_idle_is_next(steps: list[tuple[Any, ...]], order: str) -> None:
    desk, found = seated("a", "b", "c"), ""
    for name, *args in steps:
        getattr(desk, name)(*args, 5.0)
    while candidate := desk.pick("demo", None, found):
        found += candidate.identity
    assert found == order
    assert [agent.identity for agent in desk.free("demo")] == list(order)


@given(st.integers(1, 12), st.lists(st.booleans(), min_size=40, max_size=40))
def test_n_free_agents_are_rung_in_turn(count: int, answered: list[bool]) -> None:
    names = [f"agent{index}" for index in range(count)]
    desk, rung = seated(*names), []
    for index, answer in enumerate(answered):
        name = picked(desk) or ""
        rung.append(name)
        desk.reserve(name, f"i{index}", "demo", 50.0)
        if answer:
            desk.engage(name, "demo", 50.0)
        desk.release(f"i{index}", 50.0)
        desk.engage(name, None, 50.0)
    for start in range(len(rung) - count + 1):
        assert len(set(rung[start : start + count])) == count


# --- calls -----------------------------------------------------------------------------------------------------------


def test_a_call_occupies_from_the_ring_to_the_end_of_its_wrap_up() -> None:
    desk = seated("a")
    assert desk.call_of("a") is None
    assert desk.reserve_call("a", "c1", "demo", 2.0)
    assert desk.reserve_call("a", "c1", "demo", 3.0), "again is no other"
    me = desk.me("a")
    assert (me["presence"], me["since"]) == ("busy", round((EPOCH_S + 2) * 1000))
    assert me["engaged"] == {"room": "demo", "state": "ringing", "call": "c1"}
    assert desk.call_of("a") == d.OnCall("c1", "demo", "ringing")
    for state, now in (("in_call", 4.0), ("wrap_up", 5.0)):
        assert desk.engage_call("a", "c1", state, now) == {"a"}  # type: ignore[arg-type]
        assert desk.engage_call("a", "c1", state, now) == frozenset(), "nothing new"  # type: ignore[arg-type]
        assert desk.me("a")["engaged"] == {"room": "demo", "state": state, "call": "c1"}
        assert desk.me("a")["since"] == me["since"], "busy since the ring"
        assert not desk.reserve_call("a", "c1", "demo", now), "no longer ringing"
        assert desk.directory("demo")[0]["engaged"]
    assert desk.release_call("a", "c1", 6.0) == {"a"}
    assert desk.release_call("a", "c1", 6.0) == frozenset()
    assert desk.me("a")["engaged"] is None
    assert picked(desk) == "a"


def test_nobody_rings_for_two_things() -> None:
    desk = seated("a")
    desk.reserve("a", "i1", "one", 1.0)
    assert not desk.reserve_call("a", "c1", "one", 1.0)
    assert not desk.reserve_call("a", "i1", "one", 1.0), "a call is no invitation, whatever its id"
    desk.release("i1", 2.0)
    assert desk.reserve_call("a", "c1", "one", 2.0)
    assert not desk.reserve_call("a", "c2", "one", 2.0)
    assert not desk.reserve("a", "i2", "one", 2.0)
    assert not desk.reserve("a", "c1", "one", 2.0)
    desk.engage_call("a", "c1", "wrap_up", 3.0)
    assert not desk.reserve("a", "i2", "one", 3.0), "who writes up is busy"
    desk.release_call("a", "c1", 4.0)
    desk.engage("a", "one", 4.0)
    assert not desk.reserve_call("a", "c3", "one", 4.0)
    assert desk.call_of("a") is None


def test_a_call_on_stage_is_both() -> None:
    desk = seated("a")
    desk.reserve_call("a", "c1", "demo", 1.0)
    desk.engage_call("a", "c1", "in_call", 1.0)
    desk.engage("a", "demo", 2.0)
    assert desk.me("a")["engaged"] == {"room": "demo", "state": "on_stage", "call": "c1"}
    desk.disengage("a", "demo", 3.0)
    assert desk.me("a")["engaged"] == {"room": "demo", "state": "in_call", "call": "c1"}
    desk.engage("a", "demo", 4.0)
    desk.release_call("a", "c1", 5.0)
    assert desk.me("a")["engaged"] == {"room": "demo", "state": "on_stage"}


def test_the_call_that_goes_on_is_shown() -> None:
    desk = seated("a")
    desk.reserve_call("a", "c1", "one", 1.0)
    desk.engage_call("a", "c1", "wrap_up", 1.0)
    with pytest.raises(ValueError, match="room"):
        desk.engage_call("a", "c2", "in_call", 2.0)
    assert desk.engage_call("a", "c2", "in_call", 2.0, room="two") == {"a"}
    assert desk.me("a")["engaged"] == {"room": "two", "state": "in_call", "call": "c2"}
    assert desk.release_call("a", "c1", 3.0) == frozenset()
    assert desk.release_call("a", "c2", 3.0) == {"a"}
    assert desk.engage_call("shopper", "c3", "in_call", 3.0, room="one") == frozenset(), "not at the desk"
    assert desk.reach("shopper", "one") == "busy"
    assert not desk.reserve("shopper", "i", "one", 3.0)


def test_free_and_on_duty() -> None:
    desk = seated("a", "b", "c", "d")
    desk.attend("one", "One", ("x",), "one", 5.0)
    desk.attend("boss", "Boss", (), "*", 5.0, ringable=False)
    desk.reserve_call("a", "c1", "demo", 6.0)
    desk.dropped("b", 6.0)
    desk.set_presence("c", "break", None, 6.0)
    assert [agent.identity for agent in desk.free()] == ["d", "one"]
    assert desk.free("demo") == [d.OnDuty("d", "D", frozenset(("size", "price")), "*", True)]
    assert [agent.serves("one") for agent in desk.free()] == [True, True]
    assert [agent.serves("two") for agent in desk.free()] == [True, False]
    assert {agent.identity: agent.free for agent in desk.on_duty()} == {"a": False, "d": True, "one": True}
    desk.set_presence("a", "offline", None, 7.0)
    assert "a" not in {agent.identity for agent in desk.on_duty()}, "goes after this call"
    desk.release_call("a", "c1", 8.0)
    desk.returned("b", 8.0)
    assert [agent.identity for agent in desk.free()] == ["b", "d", "one"], "b kept the turn"
    desk.gone("d", 9.0)
    desk.attend("d", "D", (), "*", 9.0)
    assert [agent.identity for agent in desk.free()] == ["b", "one", "d"]


# --- presence and memory ---------------------------------------------------------------------------------------------


def test_skills_are_a_part_of_the_tokens() -> None:
    desk = seated("a", skills=("x", "y"))
    error = refusal(desk.set_presence, "a", "available", ("x", "z"), 1.0)
    assert (error.code, error.arguments["field"]) == ("bad_message", "skills")
    assert refusal(desk.set_presence, "nobody", "available", None, 1.0).code == "session_not_found"
    assert desk.set_presence("a", "available", ("y", "y"), 1.0) == {"a"}
    assert desk.set_presence("a", "available", None, 2.0) == frozenset(), "nothing new"
    assert desk.me("a")["skills"] == ["y"]
    desk.attend("a", "A", ("x", "y", "new"), "*", 3.0)
    assert desk.me("a")["skills"] == ["y", "new"], "what a new token adds is taken"
    assert desk.attend("a", "A", ("x", "y", "new"), "*", 4.0) == frozenset()


@pytest.mark.parametrize("away, chosen", [(10.0, "break"), (86399.0, "break"), (86400.0, "available")])
def test_a_choice_is_remembered_for_a_day(away: float, chosen: str) -> None:
    desk = seated("a")
    desk.set_presence("a", "break", ["size"], 5.0)
    assert desk.gone("a", 10.0) == {"a"}
    desk.attend("a", "A", ("size", "price"), "*", 10.0 + away)
    assert desk.me("a")["chosen"] == chosen
    assert desk.me("a")["skills"] == (["size"] if chosen == "break" else ["size", "price"])


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(d, "MAX_AGENTS", 100)
    desk = seated("stays")
    for index in range(1000):
        desk.attend(f"a{index}", "A", (), "*", 10.0 + index)
        desk.gone(f"a{index}", 10.0 + index)
        assert desk.remembered <= 100
    assert desk.reach("a999", "demo") == "offline"
    assert desk.reach("a900", "demo") == "unknown", "the longest gone are forgotten first"
    for index in range(99):
        desk.attend(f"b{index}", "B", (), "*", 2000.0)
    assert desk.remembered == 100
    assert refusal(desk.attend, "one-more", "B", (), "*", 2000.0).code == "room_full"
    assert "one-more" not in desk
    desk.attend("stays", "S", (), "*", 2000.0)
    for index in range(99):
        desk.gone(f"b{index}", 2000.0)
    desk.forget(2000.0 + d.REMEMBERED_S)
    assert desk.remembered == 1
