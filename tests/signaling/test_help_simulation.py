"""Thousands of shoppers and a hundred agents in virtual time: nobody is lost, doubled or starved, and estimates hold."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from signaling.help_queue import MAX_HEAD_START_S, ROUND_PAUSE_S
from tests.signaling.help_world import Plan, World
from tests.signaling.plain_help import RING_S, PlainHelp, Spec

SPECS = (
    Spec("setup", ("setup",), ("zh", "en")),
    Spec("sales", ("sales",), ("zh",), priority=3),
    Spec("orders", (), (), priority=0),
)


def afternoon(seed: int, *, shoppers: int, agents: int, plan: Plan | None = None) -> tuple[World, PlainHelp]:
    """Two hours: a steady flow, and a quarter of all shoppers within two minutes of the first hour."""
    rng = random.Random(seed)
    port = PlainHelp(SPECS)
    world = World(port, plan or Plan(), rng, tuple(spec.name for spec in SPECS))
    for number in range(agents):
        skills = rng.choice((("setup",), ("setup", "sales"), ("setup", "sales"), ("sales",), ()))
        spoken = rng.choice((("lang:zh",), ("lang:zh", "lang:en"), ("lang:zh", "lang:en"), ()))
        begin = 0.0 if number < agents // 2 else rng.uniform(0, 3000)
        world.shift(f"agent{number}", (*skills, *spoken), begin, begin + rng.uniform(3000, 9000))
    # Some stay to the end, whatever they can do.
    for number in range(max(2, agents // 10)):
        world.shift(f"night{number}", ("setup", "sales", "lang:zh", "lang:en"), 0.0, 30000.0)
    for number in range(shoppers):
        spike = number % 4 == 0
        world.arrive(3000 + rng.uniform(0, 120) if spike else rng.uniform(0, 7200), number)
    return world, port


def watch_the_order(world: World, port: PlainHelp) -> list[float]:
    """Whenever somebody is rung for, nobody before them could have been; returns by how much they came later."""
    later = [0.0]

    def rung(call: str, agent: str) -> None:
        skills = next(one.skills for one in port.desk.on_duty() if one.identity == agent)
        mine = port.queues[world.shoppers[call].queue]
        place, waiter = mine.place(call), mine.waiters[call]
        assert place is not None
        for queue in port.queues.values():
            for need, lane in queue.lanes.items():
                if need.suits(agent, skills):
                    first = next((one for one in lane if agent not in queue.waiters[one.call_id].tried), None)
                    assert first is None or place < first, "the order is kept"
                    if first is not None and not waiter.returned:
                        later.append(waiter.created - queue.waiters[first.call_id].created)

    world.watched = rung
    return later


@pytest.mark.parametrize("seed, shoppers, agents", [(1, 3000, 110), (2, 1500, 70), (3, 800, 12)])
def test_an_afternoon(seed: int, shoppers: int, agents: int) -> None:
    world, port = afternoon(seed, shoppers=shoppers, agents=agents)
    later = watch_the_order(world, port)
    world.run(40_000.0)
    asked = world.shoppers.values()
    # Nobody is lost, and nobody left busy.
    assert len(asked) + sum(world.refused.values()) == shoppers
    assert set(world.refused) <= {"queue_full"}
    outcomes = Counter(one.outcome for one in asked)
    assert set(outcomes) <= {"completed", "abandoned", "expired"}
    assert outcomes["completed"] > shoppers / 2
    assert not port.waiting() and not port.open and not world.busy_at
    assert not any(agent.startswith("agent") for agent in (one.identity for one in port.desk.on_duty()))
    # Nobody starves: not by being overtaken, and nobody waits for longer than a queue allows.
    assert 0 < max(later) <= MAX_HEAD_START_S
    waits = [one.answered - one.asked for one in asked if one.answered is not None]
    assert max(waits) <= max(spec.max_wait_s for spec in SPECS) + 2 * RING_S
    # What was told is honest, and says something.
    verdicts = Counter(one.verdict for one in asked)
    assert verdicts["inside"] >= 0.8 * (verdicts["inside"] + verdicts["early"] + verdicts["late"])
    told = [one.told for one in asked if one.told is not None and one.told.low_s >= 120]
    assert len(told) > shoppers / 20
    assert sum(each.high_s for each in told) <= 3.5 * sum(each.low_s for each in told)


def test_nobody_answers() -> None:
    """Every ring goes unanswered: all are told, none is rung without end, and the agents are free again."""
    world, port = afternoon(4, shoppers=60, agents=10, plan=Plan(answers=0.0, declines=0.5, patience_s=1e9))
    world.run(40_000.0)
    assert {one.outcome for one in world.shoppers.values()} <= {"expired", "abandoned"}
    assert not port.open and not world.busy_at
    most = (SPECS[0].max_wait_s + RING_S) / ROUND_PAUSE_S * 12
    assert max(world.rings.values()) < most


def test_everything_goes_wrong() -> None:
    """Connections break all the time, on both sides, and calls go from hand to hand."""
    plan = Plan(transfers=0.4, agent_drops=0.4, shopper_drops=0.9, declines=0.3, answers=0.5)
    world, port = afternoon(5, shoppers=600, agents=40, plan=plan)
    world.run(60_000.0)
    assert {one.outcome for one in world.shoppers.values()} <= {"completed", "abandoned", "expired"}
    assert not port.open and not port.waiting() and not world.busy_at
