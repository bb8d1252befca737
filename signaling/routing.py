"""Who is rung for whom: several queues, agents with skills, the longest idle first. Pure.

Waiters are served in the order of :mod:`signaling.help_queue`, over all queues together. Each is offered to the agent
who has been idle longest among those who can take it: the room is theirs, the skills and the language are there, and
they have not let this call ring already in this round. A round is over :data:`~signaling.help_queue.ROUND_PAUSE_S` after
nobody is left who is free, can take it and was not rung yet; until then somebody else who becomes free is rung at once.

The cost is that of lanes (waiters of the same need) and profiles (agents of the same skills), not of waiters and agents:
with 2,000 waiters in 80 lanes and 200 agents of 150 profiles, one who becomes free is matched within 0.3 ms, and nothing is
done when nobody is free.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heapify, heappop, heapreplace
from typing import NamedTuple

from signaling.desk import Desk, OnDuty
from signaling.help_queue import HelpQueue, Need, Place, Waiter


class Assignment(NamedTuple):
    """Ring this agent for this call."""

    call_id: str
    identity: str
    queue: str


class _Group:
    """Agents who are alike, the longest idle first, each with the turn."""

    __slots__ = ("agents", "one")

    def __init__(self, one: OnDuty) -> None:
        self.one = one
        self.agents: deque[tuple[int, str]] = deque()

    def first(self, need: Need, tried: set[str]) -> tuple[int, str] | None:
        for turn in self.agents:
            if turn[1] not in tried and (not need.only or turn[1] == need.only):
                return turn
        return None


def match(queues: Iterable[HelpQueue], desk: Desk, now: float) -> list[Assignment]:
    """Offer those who are next to those who are free, and keep it in the books of both.

    Each agent is reserved at the desk and each waiter marked as offered, so nobody is assigned twice. The caller rings
    them, and later calls :meth:`HelpQueue.remove` (answered) or :meth:`HelpQueue.refused`.
    """
    queues = tuple(queues)
    for queue in queues:
        queue.begin_rounds(now)
    groups = _groups(desk)
    # The first of each lane that somebody free could take, and where to go on in it.
    heads: list[tuple[Place, int, int]] = []
    lanes: list[tuple[HelpQueue, Need, list[Place], list[_Group]]] = []
    for queue in queues:
        for need, lane in queue.lanes.items():
            able = [group for group in groups if _can_take(group.one, need)] if groups else []
            if able:
                heads.append((lane[0], len(lanes), 0))
                # A copy: whoever is offered leaves the lane.
                lanes.append((queue, need, lane.copy(), able))
    heapify(heads)
    found: list[Assignment] = []
    while heads:
        place, number, index = heads[0]
        queue, need, lane, able = lanes[number]
        if not any(group.agents for group in able):
            heappop(heads)
            continue
        waiter = queue.waiters[place.call_id]
        chosen = _choose(waiter, need, able)
        if chosen is None and any(name in waiter.tried for group in able for _, name in group.agents):
            queue.pause(waiter.call_id, now)
        if chosen is not None and desk.reserve_call(chosen, waiter.call_id, waiter.room, now):
            queue.offered(waiter.call_id, chosen)
            found.append(Assignment(waiter.call_id, chosen, queue.spec.name))
        if index + 1 < len(lane):
            heapreplace(heads, (lane[index + 1], number, index + 1))
        else:
            heappop(heads)
    return found


def suits(queue: HelpQueue, call_id: str, agent: OnDuty) -> bool:
    """Whether this agent may take this call out of turn."""
    need = queue.need(call_id)
    return need is not None and agent.serves(need.room) and need.suits(agent.identity, agent.skills)


def _choose(waiter: Waiter, need: Need, able: list[_Group]) -> str | None:
    firsts = [(turn, group) for group in able if (turn := group.first(need, waiter.tried)) is not None]
    if firsts:
        turn, group = min(firsts, key=lambda item: item[0][0])
        group.agents.remove(turn)
        return turn[1]
    return None


def _groups(desk: Desk) -> list[_Group]:
    groups: dict[tuple[frozenset[str], str], _Group] = {}
    for turn, agent in enumerate(desk.free()):
        group = groups.get((agent.skills, agent.covers))
        if group is None:
            group = groups[agent.skills, agent.covers] = _Group(agent)
        group.agents.append((turn, agent.identity))
    return list(groups.values())


def _can_take(one: OnDuty, need: Need) -> bool:
    # With ``only`` it depends on the person: whether they are in this group is seen later.
    return one.serves(need.room) and (bool(need.only) or need.suits(one.identity, one.skills))
