"""The afternoons of :mod:`tests.signaling.test_help_simulation` on the Helpline itself: nobody is lost, doubled or starved."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection

import pytest

from signaling.desk import Desk
from signaling.estimate import Range
from signaling.help_model import (
    AgentsChanged,
    Answered,
    CallAsked,
    CallChanged,
    CallContext,
    CallEnded,
    Declined,
    HelpFact,
    HelpSettings,
    HelpTick,
    Presence,
    QueueSpec,
    TransferAsked,
    WrappedUp,
)
from signaling.help_queue import MAX_HEAD_START_S
from signaling.helpline import Helpline
from tests.signaling.help_world import ROOM, Plan, Shopper, View, World
from tests.signaling.test_help_simulation import watch_the_order

SPECS = (
    QueueSpec("setup", skills=("setup",), languages=("zh", "en"), max_waiting=1000),
    QueueSpec("sales", skills=("sales",), languages=("zh",), priority=3, max_waiting=1000),
    QueueSpec("orders", max_waiting=1000),
)


class HelplinePort:
    """A :class:`tests.signaling.help_world.Port`."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.line = Helpline(self.desk, SPECS, HelpSettings(wrap_up_s=60.0), 0.0)
        self.queues = self.line.queues
        self.open: set[str] = set()
        self.shoppers: dict[str, Shopper] = {}
        self.steps = 0

    def do(self, fact: HelpFact, now: float) -> Collection[str]:
        self.steps += 1
        changed = {effect.call_id for effect in self.line.handle(fact, now) if isinstance(effect, CallChanged)}
        for call_id in changed & self.open:
            call = self.line.calls[call_id]
            if call.state == "ended":
                assert call.outcome is not None
                self.open.discard(call_id)
                self.shoppers[call_id].outcome = call.outcome
        return sorted(changed)

    def ask(self, shopper: Shopper, now: float) -> Collection[str]:
        context = CallContext(value=shopper.value, urgency=shopper.urgency, language=shopper.language)
        fact = CallAsked(
            shopper.call, shopper.identity, shopper.identity, ROOM, shopper.queue, context=context, peer=shopper.identity
        )
        changed = self.line.handle(fact, now)
        self.open.add(shopper.call)
        self.shoppers[shopper.call] = shopper
        return sorted({effect.call_id for effect in changed if isinstance(effect, CallChanged)})

    def answer(self, call: str, agent: str, now: float) -> Collection[str]:
        return self.do(Answered(call, agent), now)

    def decline(self, call: str, agent: str, now: float) -> Collection[str]:
        return self.do(Declined(call, agent), now)

    def end(self, call: str, identity: str, now: float) -> Collection[str]:
        return self.do(CallEnded(call, identity), now)

    def wrapped(self, call: str, agent: str, now: float) -> Collection[str]:
        return self.do(WrappedUp(call, agent, "note", done=True), now)

    def transfer(self, call: str, agent: str, queue: str, now: float) -> Collection[str]:
        self.shoppers[call].disturbed = True
        self.shoppers[call].queue = queue
        return self.do(TransferAsked(call, agent, "queue", queue), now)

    def link(self, identity: str, connected: bool, now: float) -> Collection[str]:
        return self.do(Presence(identity, ROOM, identity, connected), now)

    def gone(self, identity: str, now: float) -> Collection[str]:
        return self.do(Presence(identity, ROOM, None, False), now)

    def desk_changed(self, now: float) -> Collection[str]:
        return self.do(AgentsChanged(), now)

    def tick(self, now: float) -> Collection[str]:
        return self.do(HelpTick(), now)

    def deadline(self) -> float | None:
        return self.line.next_deadline()

    def view(self, call: str) -> View:
        if call not in self.open:
            return View("ended", "")
        found = self.line.calls[call]
        if found.state == "waiting":
            return View("waiting", "")
        if found.state == "ringing":
            return View("ringing", found.ringing()[0].identity)
        return View(found.state, found.agent)

    def estimate(self, call: str, now: float) -> Range | None:
        queue = self.queues[self.shoppers[call].queue]
        return self.line.outlook(now, 0.0).of(queue, call, 15.0)

    def waiting(self) -> Collection[str]:
        return [call for queue in self.queues.values() for call in queue.waiters]


def afternoon(seed: int, *, shoppers: int, agents: int, plan: Plan | None = None) -> tuple[World, HelplinePort]:
    """Two hours: a steady flow, and a quarter of all shoppers within two minutes of the first hour."""
    rng = random.Random(seed)
    port = HelplinePort()
    world = World(port, plan or Plan(), rng, tuple(spec.name for spec in SPECS))
    for number in range(agents):
        skills = rng.choice((("setup",), ("setup", "sales"), ("setup", "sales"), ("sales",), ()))
        spoken = rng.choice((("lang:zh",), ("lang:zh", "lang:en"), ("lang:zh", "lang:en"), ()))
        begin = 0.0 if number < agents // 2 else rng.uniform(0, 3000)
        world.shift(f"agent{number}", (*skills, *spoken), begin, begin + rng.uniform(3000, 9000))
    for number in range(max(2, agents // 10)):
        world.shift(f"night{number}", ("setup", "sales", "lang:zh", "lang:en"), 0.0, 30000.0)
    for number in range(shoppers):
        spike = number % 4 == 0
        world.arrive(3000 + rng.uniform(0, 120) if spike else rng.uniform(0, 7200), number)
    return world, port


@pytest.mark.parametrize("seed, shoppers, agents", [(1, 2000, 80), (2, 1000, 50), (3, 500, 8)])
def test_an_afternoon(seed: int, shoppers: int, agents: int) -> None:
    world, port = afternoon(seed, shoppers=shoppers, agents=agents)
    later = watch_the_order(world, port)  # type: ignore[arg-type]
    world.run(40_000.0)
    asked = world.shoppers.values()
    # Nobody is lost, and nobody left busy.
    assert len(asked) + sum(world.refused.values()) == shoppers
    assert set(world.refused) <= {"queue_full"}
    outcomes = Counter(one.outcome for one in asked)
    assert set(outcomes) <= {"completed", "abandoned", "expired"}
    assert outcomes["completed"] > shoppers / 2
    assert not port.waiting() and not port.open and not world.busy_at
    assert not port.desk._occupied
    assert port.line.next_deadline() is None
    # Nobody starves: not by being overtaken, and nobody waits for longer than a queue allows.
    assert 0 < max(later) <= MAX_HEAD_START_S
    waits = [one.answered - one.asked for one in asked if one.answered is not None]
    assert max(waits) <= max(spec.max_wait_s for spec in SPECS) + 2 * 15.0
    verdicts = Counter(one.verdict for one in asked)
    assert verdicts["inside"] >= 0.8 * (verdicts["inside"] + verdicts["early"] + verdicts["late"])


def test_nobody_answers() -> None:
    """Every ring goes unanswered: all are told, none is rung without end, and the agents are free again."""
    world, port = afternoon(4, shoppers=60, agents=10, plan=Plan(answers=0.0, declines=0.5, patience_s=1e9))
    world.run(40_000.0)
    assert {one.outcome for one in world.shoppers.values()} <= {"expired", "abandoned"}
    assert not port.open and not world.busy_at and not port.desk._occupied


def test_everything_goes_wrong() -> None:
    """Connections break all the time, on both sides, and calls go from hand to hand."""
    plan = Plan(transfers=0.4, agent_drops=0.4, shopper_drops=0.9, declines=0.3, answers=0.5)
    world, port = afternoon(5, shoppers=400, agents=30, plan=plan)
    world.run(60_000.0)
    assert {one.outcome for one in world.shoppers.values()} <= {"completed", "abandoned", "expired"}
    assert not port.open and not port.waiting() and not world.busy_at and not port.desk._occupied
