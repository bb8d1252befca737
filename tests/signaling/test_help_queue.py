"""The line: its order, its bound on waiting, offers, broken connections."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from signaling import help_queue as q


@dataclass(frozen=True)
class Spec:
    name: str = "setup"
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    max_wait_s: float = 1800.0
    priority: int = 0


def waiter(call_id: str, created: float = 0.0, **more: Any) -> q.Waiter:
    return q.Waiter(call_id, created, **more)


def order(queue: q.HelpQueue) -> str:
    return "".join(one.call_id for one in queue.order())


# --- the order -------------------------------------------------------------------------------------------------------


def test_first_come_first_served_among_equals() -> None:
    queue = q.HelpQueue(Spec())
    assert [queue.add(waiter(name, 5.0)) for name in "bac"] == [1, 2, 3]
    assert queue.add(waiter("d", 4.0)) == 1
    assert order(queue) == "dbac"
    assert [queue.position(name) for name in "dbacx"] == [1, 2, 3, 4, None]
    assert len(queue) == 4 and "a" in queue and "x" not in queue
    queue.remove("b")
    assert queue.remove("b") is None
    assert order(queue) == "dac"


@pytest.mark.parametrize(
    "more, priority, head_start",
    [
        ({}, 0, 0.0),
        ({"value": 100}, 0, 120.0),
        ({"urgency": 100}, 0, 120.0),
        ({"mood": 100}, 0, 60.0),
        ({"value": 50, "urgency": 50, "mood": 50}, 0, 150.0),
        ({"value": 1e9, "urgency": -5, "mood": 101}, 0, 180.0),
        ({}, 10, 300.0),
        ({}, 99, 300.0),
        ({}, -1, 0.0),
        ({"value": 100, "urgency": 100, "mood": 100}, 10, q.MAX_HEAD_START_S),
        ({"returned": True}, 0, q.RETURNED_S),
    ],
)
def test_the_head_start(more: dict[str, Any], priority: int, head_start: float) -> None:
    spec = Spec(priority=priority)
    one = waiter("a", 1000.0, **more)
    assert one.head_start(spec) == pytest.approx(head_start)
    assert one.score(spec, 1060.0) == pytest.approx(60.0 + head_start)
    queue = q.HelpQueue(spec)
    queue.add(waiter("earlier", 1000.0 - head_start - 1))
    queue.add(one)
    queue.add(waiter("later", 1000.0 - head_start + 1))
    if not priority:
        assert [each.call_id for each in queue.order()] == ["earlier", "a", "later"]


def test_who_lost_an_agent_is_at_the_head() -> None:
    queue = q.HelpQueue(Spec())
    queue.add(waiter("patient", 0.0, value=100, urgency=100, mood=100))
    queue.add(waiter("back", 1700.0, returned=True))
    assert order(queue)[:4] == "back"


WORTH = st.floats(0, 100)
CAME = st.tuples(st.floats(0, 4000), WORTH, WORTH, WORTH, st.integers(0, 10))


@given(st.lists(CAME, min_size=2, max_size=30), st.floats(4000, 9000))
def test_nobody_starves(people: list[tuple[float, float, float, float, int]], now: float) -> None:
    """Over queues of every priority: whoever is before somebody came at most 600 s later, now and at any time."""
    queues = [q.HelpQueue(Spec(str(priority), priority=priority)) for priority in range(11)]
    for number, (created, value, urgency, mood, priority) in enumerate(people):
        queues[priority].add(waiter(f"c{number}", created, value=value, urgency=urgency, mood=mood))
    line = sorted(
        (queue.place(one.call_id) or q.Place(0, 0, ""), one, queue) for queue in queues for one in queue.order()
    )
    scores = [one.score(queue.spec, now) for _, one, queue in line]
    assert all(ahead >= behind - 1e-6 for ahead, behind in pairwise(scores)), "highest first"
    latest = 0.0
    for _, one, _ in line:
        latest = max(latest, one.created)
        assert latest - one.created <= q.MAX_HEAD_START_S + 1e-6


# --- what is matched -------------------------------------------------------------------------------------------------


def ready(queue: q.HelpQueue) -> set[str]:
    return {place.call_id for lane in queue.lanes.values() for place in lane}


def test_an_offer_keeps_the_place() -> None:
    queue = q.HelpQueue(Spec())
    for name in "ab":
        queue.add(waiter(name))
    queue.offered("a", "agent")
    assert (ready(queue), queue.position("a"), queue.position("b")) == ({"b"}, 1, 2)
    queue.refused("a")
    assert ready(queue) == {"a", "b"}
    assert queue.waiters["a"].tried == {"agent"}
    queue.offered("a", "other")
    queue.refused("a", by_agent=False)
    assert queue.waiters["a"].tried == {"agent"}, "withdrawn, not declined"
    queue.refused("a")
    queue.refused("gone")
    assert order(queue) == "ab"


def test_a_broken_connection_keeps_the_place() -> None:
    queue = q.HelpQueue(Spec())
    for name in "ab":
        queue.add(waiter(name))
    queue.dropped("a", 5.0)
    queue.dropped("a", 6.0)
    queue.dropped("gone", 6.0)
    assert (ready(queue), queue.position("a"), queue.waiters["a"].dropped_at) == ({"b"}, 1, 5.0)
    queue.offered("a", "agent")
    queue.returned("a")
    assert ready(queue) == {"b"}, "still ringing"
    queue.refused("a")
    queue.returned("gone")
    assert ready(queue) == {"a", "b"}


def test_deadlines() -> None:
    queue = q.HelpQueue(Spec(max_wait_s=100.0))
    assert queue.next_deadline() is None
    assert queue.longest_s(50.0) == 0.0
    for name, created in (("b", 10.0), ("a", 0.0), ("c", 20.0)):
        queue.add(waiter(name, created))
    assert (queue.next_deadline(), queue.longest_s(50.0)) == (100.0, 50.0)
    assert queue.overdue(99.9) == []
    assert queue.overdue(115.0) == ["a", "b"]
    queue.offered("a", "agent")
    assert (queue.overdue(115.0), queue.next_deadline()) == (["b"], 110.0)
    queue.pause("c", 50.0)
    queue.pause("c", 55.0)
    assert queue.next_deadline() == 60.0
    queue.waiters["c"].tried.add("agent")
    queue.begin_rounds(59.9)
    assert queue.waiters["c"].tried
    queue.begin_rounds(60.0)
    assert not queue.waiters["c"].tried
    assert queue.next_deadline() == 110.0


@given(st.floats(0, 1e6), st.floats(0.001, 1e5))
def test_at_its_deadline_it_is_overdue(created: float, max_wait_s: float) -> None:
    queue = q.HelpQueue(Spec(max_wait_s=max_wait_s))
    queue.add(waiter("a", created))
    deadline = queue.next_deadline()
    assert deadline is not None
    assert queue.overdue(deadline) == ["a"]


def test_who_came_and_who_gave_up() -> None:
    queue = q.HelpQueue(Spec())
    assert queue.given_up == 0.0
    assert queue.overtaking(q.Place(0.0, 0, ""), 600.0, 0.0) == 0.0
    for number in range(120):
        queue.add(waiter(f"c{number}", float(number), value=100 * (number % 2)))
    place = q.Place(120.0 - 20.0, 0, "")
    assert queue.overtaking(place, 600.0, 120.0) == pytest.approx(50 * 100.0 / 100), (
        "half come 120 s ahead, 20 s are waited"
    )
    assert queue.overtaking(place, 50.0, 120.0) == pytest.approx(25.0), "no longer than the wait itself"
    assert queue.overtaking(q.Place(0.0, 0, ""), 600.0, 120.0) == 0.0
    for number in range(40):
        if number % 4:
            queue.offered(f"c{number}", "agent")
        queue.remove(f"c{number}")
    assert queue.given_up == 0.25


def test_a_change_of_worth_or_settings_places_anew() -> None:
    queue = q.HelpQueue(Spec())
    for name in "abc":
        queue.add(waiter(name))
    queue.pause("c", 0.0)
    one = queue.waiters["c"]
    one.urgency, one.skills = 50.0, frozenset({"tv"})
    assert queue.add(one) == 1
    assert (len(queue), order(queue), queue.next_deadline()) == (3, "cab", 10.0)
    queue.set_spec(Spec(skills=("all",), priority=5))
    assert order(queue) == "cab"
    assert [sorted(need.skills) for need in queue.lanes] == [["all", "tv"], ["all"]]


@pytest.mark.parametrize(
    "offered, language, skills, expected",
    [
        ((), "fr", {"x"}, True),
        (("zh", "en"), "fr", {"lang:zh"}, True),
        (("zh", "en"), "", {"lang:zh"}, True),
        (("zh", "en"), "zh-CN", {"lang:zh"}, True),
        (("zh-CN", "en"), "zh_Hans", {"zh"}, True),
        (("zh", "en"), "en-GB", {"lang:zh"}, False),
        (("zh", "en"), "EN", {"lang:zh", "en"}, True),
        (("zh", "en"), "en", {"x"}, True),
        (("zh", "en"), "en", {"lang:fr"}, True),
    ],
)
def test_languages(offered: tuple[str, ...], language: str, skills: set[str], expected: bool) -> None:
    queue = q.HelpQueue(Spec(languages=offered))
    queue.add(waiter("a", language=language))
    need = queue.need("a")
    assert need is not None
    assert need.suits("agent", frozenset(skills)) is expected


def test_needs() -> None:
    queue = q.HelpQueue(Spec(skills=("setup",)))
    queue.add(waiter("a", skills=frozenset({"tv"})))
    queue.add(waiter("b", only="ann"))
    assert queue.need("x") is None and queue.place("x") is None
    a, b = queue.need("a"), queue.need("b")
    assert a is not None and b is not None
    assert a.suits("ann", frozenset({"tv", "setup", "more"}))
    assert not a.suits("ann", frozenset({"tv"}))
    assert b.suits("ann", frozenset()), "asked for by name"
    assert not b.suits("bob", frozenset({"setup"}))


# --- laws ------------------------------------------------------------------------------------------------------------

CALLS = st.sampled_from([f"c{number}" for number in range(8)])


class QueueLaws(RuleBasedStateMachine):
    """Any order of changes, beside a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.queue = q.HelpQueue(Spec(max_wait_s=50.0))
        self.came: list[str] = []

    @rule(call=CALLS, value=st.sampled_from([0, 10, 100]), skill=st.sampled_from("xy"))
    def add(self, call: str, value: int, skill: str) -> None:
        self.now += 7
        one = self.queue.waiters.get(call)
        if one is None:
            one = waiter(call, self.now)
            self.came.append(call)
        one.value, one.skills = value, frozenset(skill)
        assert self.queue.add(one) == self.queue.position(call)

    @rule(call=CALLS)
    def remove(self, call: str) -> None:
        assert (self.queue.remove(call) is not None) is (call in self.came)
        if call in self.came:
            self.came.remove(call)

    @rule(call=CALLS, agent=st.sampled_from("AB"))
    def offer(self, call: str, agent: str) -> None:
        if call in self.came and self.queue.waiters[call].ready:
            self.queue.offered(call, agent)

    @rule(call=CALLS, by_agent=st.booleans())
    def refuse(self, call: str, by_agent: bool) -> None:
        self.queue.refused(call, by_agent=by_agent)

    @rule(call=CALLS, what=st.sampled_from(["dropped", "returned"]))
    def connection(self, call: str, what: str) -> None:
        if what == "dropped":
            self.queue.dropped(call, self.now)
        else:
            self.queue.returned(call)

    @rule(call=CALLS)
    def pause(self, call: str) -> None:
        if call in self.came:
            self.queue.pause(call, self.now)

    @rule(priority=st.integers(0, 10))
    def settings(self, priority: int) -> None:
        self.queue.set_spec(replace(Spec(max_wait_s=50.0), priority=priority))

    @invariant()
    def agrees(self) -> None:
        queue = self.queue
        assert set(queue.waiters) == set(self.came)
        keys = {call: queue.key_of(queue.waiters[call]) for call in self.came}
        expected = sorted(self.came, key=lambda call: (keys[call], self.came.index(call)))
        assert [one.call_id for one in queue.order()] == expected
        assert [queue.position(call) for call in expected] == list(range(1, len(expected) + 1))
        assert ready(queue) == {call for call in self.came if queue.waiters[call].ready}
        for need, lane in queue.lanes.items():
            assert lane and lane == sorted(lane)
            assert all(queue.need(place.call_id) == need and queue.place(place.call_id) == place for place in lane)
        assert queue.before(-1e9) == 0 and queue.before(1e9) == len(queue)
        queue.begin_rounds(self.now)
        deadline = queue.next_deadline()
        assert deadline is None or deadline > self.now or queue.overdue(self.now)


QueueLaws.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestQueueLaws = QueueLaws.TestCase
