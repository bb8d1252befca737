"""Who is rung for whom: skills, rooms, languages, turns, rounds; and laws over everything that can happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from signaling import help_queue as q
from signaling.desk import Chosen, Desk, OnDuty
from signaling.routing import match, suits


@dataclass(frozen=True)
class Spec:
    name: str = "setup"
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    max_wait_s: float = 1800.0
    priority: int = 0


def seated(**agents: str) -> Desk:
    """``ann="tv en@one"``: skills and room."""
    desk = Desk()
    for number, (name, text) in enumerate(agents.items()):
        skills, _, covers = text.partition("@")
        desk.attend(name, name.title(), skills.split(), covers or "*", float(number))
    return desk


def line(*waiters: q.Waiter, **spec: Any) -> q.HelpQueue:
    queue = q.HelpQueue(Spec(**spec))
    for waiter in waiters:
        queue.add(waiter)
    return queue


def w(call_id: str, created: float = 0.0, skills: str = "", **more: Any) -> q.Waiter:
    return q.Waiter(call_id, created, more.pop("room", "demo"), frozenset(skills.split()), **more)


def rung(queues: list[q.HelpQueue], desk: Desk, now: float = 10.0) -> dict[str, str]:
    return {found.call_id: found.identity for found in match(queues, desk, now)}


@pytest.mark.parametrize(
    "agents, waiters, spec, expected",
    [
        ({}, [w("a")], {}, {}),
        ({"ann": "", "bob": ""}, [], {}, {}),
        ({"ann": "", "bob": ""}, [w("a")], {}, {"a": "ann"}),
        ({"ann": "", "bob": ""}, [w("b", 1.0), w("a"), w("c", 2.0)], {}, {"a": "ann", "b": "bob"}),
        ({"ann": "", "bob": "tv"}, [w("a", skills="tv"), w("b", 1.0)], {}, {"a": "bob", "b": "ann"}),
        ({"ann": "tv", "bob": ""}, [w("a"), w("b", 1.0, "tv")], {}, {"a": "ann"}),
        ({"ann": "x", "bob": "tv x"}, [w("a", skills="x")], {"skills": ("tv",)}, {"a": "bob"}),
        ({"ann": "@one", "bob": "@demo"}, [w("a"), w("b", 1.0, room="two")], {}, {"a": "bob"}),
        ({"ann": "zh", "bob": "en"}, [w("a", language="en-GB")], {"languages": ("zh", "en")}, {"a": "bob"}),
        ({"ann": "zh", "bob": "en"}, [w("a", language="fr")], {"languages": ("zh", "en")}, {"a": "ann"}),
        ({"ann": "", "bob": ""}, [w("a", only="bob"), w("b", 1.0)], {}, {"a": "bob", "b": "ann"}),
        ({"ann": "", "bob": ""}, [w("a", only="eve"), w("b", 1.0)], {}, {"b": "ann"}),
        ({"ann": "", "bob": ""}, [w("a", only="ann"), w("b", 1.0, only="ann")], {}, {"a": "ann"}),
        ({"ann": "@one"}, [w("a", only="ann")], {}, {}),
        ({"ann": ""}, [w("a"), w("b", 1.0, value=100)], {}, {"b": "ann"}),
        ({"ann": ""}, [w("a"), w("b", 200.0, value=100)], {}, {"a": "ann"}),
        ({"ann": ""}, [w("a"), w("b", 1000.0, returned=True)], {}, {"b": "ann"}),
    ],
)
def test_match(agents: dict[str, str], waiters: list[q.Waiter], spec: dict[str, Any], expected: dict[str, str]) -> None:
    desk = seated(**agents)
    queue = line(*(q.Waiter(**{name: getattr(one, name) for name in FIELDS}) for one in waiters), **spec)
    assert rung([queue], desk) == expected
    assert rung([queue], desk) == {}, "nobody is rung twice"
    for call_id, identity in expected.items():
        held = desk.call_of(identity)
        assert held is not None and (held.call, held.state) == (call_id, "ringing")
        assert queue.waiters[call_id].offered_to == identity


FIELDS = ("call_id", "created", "room", "skills", "language", "only", "value", "returned")


def test_one_line_over_several_queues() -> None:
    desk = seated(ann="tv", bob="tv sales")
    tv, sales = line(w("a", 5.0), skills=("tv",)), line(w("b", 6.0), name="sales", skills=("sales",), priority=1)
    assert rung([tv, sales], desk) == {"b": "bob", "a": "ann"}, "the priority is worth 30 s"
    assert {found.queue for found in match([line(w("c"), name="third")], seated(eve=""), 10.0)} == {"third"}


def test_a_declined_call_goes_round_and_then_waits() -> None:
    desk, queue = seated(ann="", bob=""), line(w("a"))

    def decline(now: float) -> dict[str, str]:
        identity = queue.waiters["a"].offered_to
        queue.refused("a")
        desk.release_call(identity, "a", now)
        return rung([queue], desk, now)

    assert rung([queue], desk, 0.0) == {"a": "ann"}
    assert decline(5.0) == {"a": "bob"}
    assert decline(6.0) == {}, "everybody had it in this round"
    assert queue.next_deadline() == 6.0 + q.ROUND_PAUSE_S
    assert rung([queue], desk, 15.9) == {}
    desk.attend("eve", "Eve", (), "*", 15.9)
    assert rung([queue], desk, 15.9) == {"a": "eve"}, "who is new is rung within the pause"
    assert decline(15.95) == {}
    assert rung([queue], desk, 16.0) == {"a": "ann"}, "a new round, the longest idle first"
    assert decline(16.0) == {"a": "bob"}


def test_those_who_are_not_ready_are_passed_over() -> None:
    desk, queue = seated(ann=""), line(w("a"), w("b", 1.0))
    queue.dropped("a", 2.0)
    assert rung([queue], desk) == {"b": "ann"}
    queue.returned("a")
    assert rung([queue], desk) == {}
    desk.release_call("ann", "b", 11.0)
    assert rung([queue], desk) == {"a": "ann"}


def test_who_is_busy_on_the_stage_is_not_rung() -> None:
    desk, queue = seated(ann="", bob="", eve=""), line(w("a"), w("b", 1.0), w("c", 2.0))
    desk.reserve("ann", "invite", "demo", 5.0)
    desk.engage("bob", "demo", 5.0)
    assert rung([queue], desk) == {"a": "eve"}


def test_suits() -> None:
    queue = line(w("a", skills="tv"), w("b", 1.0, only="bob"))
    ann = OnDuty("ann", "Ann", frozenset({"tv"}), "demo", True)
    assert suits(queue, "a", ann) and not suits(queue, "b", ann) and not suits(queue, "x", ann)
    assert suits(queue, "b", ann._replace(identity="bob", skills=frozenset()))
    assert not suits(queue, "a", ann._replace(covers="two"))
    assert not suits(queue, "a", ann._replace(skills=frozenset()))


# --- laws ------------------------------------------------------------------------------------------------------------

AGENTS = [f"agent{number}" for number in range(4)]
AGENT = st.sampled_from(AGENTS)
CALL = st.integers(0, 9).map("c{}".format)
SKILLS = st.sampled_from(["", "x", "y", "x y"])


class RoutingLaws(RuleBasedStateMachine):
    """Matched after every change, as a service does: no agent twice, no waiter lost, nobody overtaken unduly."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.desk = Desk()
        self.queues = [q.HelpQueue(Spec(f"q{priority}", priority=priority)) for priority in (0, 10)]
        self.ringing: dict[str, str] = {}
        self.talking: dict[str, str] = {}
        self.waiting: set[str] = set()

    def queue_of(self, call: str) -> q.HelpQueue:
        return next(queue for queue in self.queues if call in queue)

    def run(self) -> None:
        self.now += 3.0
        found = match(self.queues, self.desk, self.now)
        lowest: dict[str, q.Place] = {}
        for one in found:
            assert one.identity not in {*self.ringing.values(), *self.talking.values()}, "an agent has one call"
            assert one.call_id in self.waiting and one.call_id not in self.ringing
            self.ringing[one.call_id] = one.identity
            lowest[one.identity] = self.queue_of(one.call_id).place(one.call_id) or q.Place(0.0, 0, "")
        agents = {agent.identity: agent for agent in self.desk.on_duty()}
        for queue in self.queues:
            for waiter in queue.order():
                if not waiter.ready:
                    continue
                place = queue.place(waiter.call_id)
                assert place is not None
                for identity, agent in agents.items():
                    if identity in waiter.tried or not suits(queue, waiter.call_id, agent):
                        continue
                    assert not agent.free, "nobody idles while somebody waits whom they could help"
                    assert identity not in lowest or lowest[identity] < place, "nobody is overtaken"

    @rule(call=CALL, skills=SKILLS, worth=st.integers(0, 100), queue=st.integers(0, 1), only=st.none() | AGENT)
    def ask(self, call: str, skills: str, worth: int, queue: int, only: str | None) -> None:
        if call not in self.waiting and call not in self.talking:
            self.waiting.add(call)
            self.queues[queue].add(w(call, self.now, skills, value=worth, only=only or ""))
            self.run()

    @rule(who=AGENT, skills=SKILLS, covers=st.sampled_from(["*", "demo", "two"]))
    def attend(self, who: str, skills: str, covers: str) -> None:
        self.desk.attend(who, who, skills.split(), covers, self.now)
        self.run()

    @rule(who=AGENT, what=st.sampled_from(["dropped", "returned", "gone"]))
    def connection(self, who: str, what: str) -> None:
        getattr(self.desk, what)(who, self.now)
        self.run()

    @rule(who=AGENT, presence=st.sampled_from(["available", "break", "offline"]))
    def choose(self, who: str, presence: Chosen) -> None:
        if who in self.desk:
            self.desk.set_presence(who, presence, None, self.now)
            self.run()

    @rule(call=CALL)
    def answer(self, call: str) -> None:
        if call in self.ringing:
            self.talking[call] = self.ringing.pop(call)
            self.desk.engage_call(self.talking[call], call, "in_call", self.now)
            self.queue_of(call).remove(call)
            self.waiting.discard(call)
            self.run()

    @rule(call=CALL)
    def decline(self, call: str) -> None:
        if call in self.ringing:
            self.queue_of(call).refused(call)
            self.desk.release_call(self.ringing.pop(call), call, self.now)
            self.run()

    @rule(call=CALL)
    def hang_up(self, call: str) -> None:
        if call in self.talking:
            self.desk.release_call(self.talking.pop(call), call, self.now)
        elif call in self.waiting:
            self.queue_of(call).remove(call)
            self.waiting.discard(call)
            if call in self.ringing:
                self.desk.release_call(self.ringing.pop(call), call, self.now)
        self.run()

    @rule(call=CALL, back=st.booleans())
    def shopper_drops(self, call: str, back: bool) -> None:
        if call in self.waiting:
            queue = self.queue_of(call)
            queue.returned(call) if back else queue.dropped(call, self.now)
            self.run()

    @rule(steps=st.integers(1, 5))
    def time_passes(self, steps: int) -> None:
        for _ in range(steps):
            self.run()

    @invariant()
    def nobody_is_lost(self) -> None:
        assert {call for queue in self.queues for call in queue.waiters} == self.waiting
        for queue in self.queues:
            for waiter in queue.order():
                assert (waiter.offered_to or None) == self.ringing.get(waiter.call_id)
        for call, identity in {**self.ringing, **self.talking}.items():
            held = self.desk.call_of(identity)
            assert held is not None and held.call == call
        deadline = min((at for queue in self.queues if (at := queue.next_deadline()) is not None), default=None)
        assert deadline is None or deadline > self.now, "what was due has been done"


RoutingLaws.TestCase.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
TestRoutingLaws = RoutingLaws.TestCase
