"""What a waiter can be told about the wait, with several queues that share agents. Pure.

The place in one queue says little when its agents serve others too. Whoever waits competes with everybody who is before
them and can be served by the same agents: all lanes count, each by the share of its agents that it has in common::

    position = 1 + sum over lanes of (waiters before) x (agents in common) / (agents of the lane)

An :class:`Outlook` is a look at one moment: make one when something is to be told, and ask it for everybody. With 2,000
waiters in 80 lanes, 200 agents and 8 queues it is made in 3 ms, and tells one of them in 0.06 ms.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping

from signaling.desk import Desk, OnDuty
from signaling.estimate import Estimator, Moments, Range, merged, soon, wait_range
from signaling.help_queue import HelpQueue, Need, Place, Waiter

Staff = frozenset[str]
#: No room has this name.
ANYWHERE = "*"
NOBODY_AFTER = 1 << 62
NONE: frozenset[str] = frozenset()


class Outlook:
    """See the module."""

    __slots__ = (
        "_estimators",
        "_free",
        "_lanes",
        "_moments",
        "_now",
        "_on_duty",
        "_people",
        "_queues",
        "_serving",
        "_shares",
        "_staff",
    )

    def __init__(
        self, queues: Iterable[HelpQueue], estimators: Mapping[str, Estimator], desk: Desk, now: float
    ) -> None:
        """``estimators`` by queue name; one without is a queue of which nothing is known."""
        self._queues = tuple(queues)
        self._estimators = estimators
        self._now = now
        self._on_duty = desk.on_duty()
        self._free = frozenset(agent.identity for agent in self._on_duty if agent.free)
        self._serving: dict[str, Staff] = {}
        self._people: dict[tuple[str, object], Staff] = {}
        self._staff: dict[Need, Staff] = {}
        self._shares: dict[tuple[Staff, Staff], float] = {}
        self._moments: dict[Staff, Moments] = {}
        # Lanes with the same agents are one line.
        self._lanes: dict[Staff, list[list[Place]]] = {}
        for queue in self._queues:
            for need, lane in queue.lanes.items():
                self._lanes.setdefault(self._staff_of(need), []).append(lane)

    def agents(self, queue: HelpQueue) -> int:
        """How many take calls of this queue, those who are busy now included."""
        return len(self._staff_for(queue))

    def of(self, queue: HelpQueue, call_id: str, ring_s: float) -> Range | None:
        """For somebody who waits; while an agent is being rung: two rings, as not everybody answers."""
        waiter, place, need = queue.waiters.get(call_id), queue.place(call_id), queue.need(call_id)
        if waiter is None or place is None or need is None:
            return None
        if waiter.offered_to:
            return soon(ring_s)
        staff = self._staff_of(need)
        return self._range(queue, staff, place)

    def newcomer(self, queue: HelpQueue, ring_s: float) -> Range | None:
        """For somebody who would ask now, without any head start but the queue's and without special needs."""
        staff = self._staff_for(queue)
        key = self._now - Waiter("", self._now).head_start(queue.spec)
        place = Place(key, NOBODY_AFTER, "")
        if self._position(staff, place) <= len(staff & self._free):
            return soon(ring_s)
        return self._range(queue, staff, place)

    # --- inside --------------------------------------------------------------------------------------------------

    def _range(self, queue: HelpQueue, staff: Staff, place: Place) -> Range | None:
        position, moments = self._position(staff, place), self._known(staff)
        if not staff or not moments.samples:
            return None
        mean_s = position * moments.mean_s / len(staff)
        overtaking = sum(
            self._share(staff, self._staff_for(other)) * other.overtaking(place, mean_s, self._now)
            for other in self._queues
        )
        return wait_range(position, len(staff), moments, given_up=queue.given_up, overtaking=overtaking)

    def _staff_for(self, queue: HelpQueue) -> Staff:
        staff = self._serving.get(queue.spec.name)
        if staff is None:
            need = Need(ANYWHERE, frozenset(queue.spec.skills), "", NONE, "")
            staff = self._serving[queue.spec.name] = self._staff_of(need)
        return staff

    def _staff_of(self, need: Need) -> Staff:
        staff = self._staff.get(need)
        if staff is None:
            staff = self._cover(need.room)
            if need.only:
                staff &= frozenset((need.only,))
            else:
                for skill in need.skills:
                    staff &= self._having(skill)
                if need.language:
                    staff &= self._speaking(need.language, need.languages)
            self._staff[need] = staff
        return staff

    # Sets of people, each made once: with many lanes, asking everybody for each would take longer than the matching.

    def _cover(self, room: str) -> Staff:
        return self._one_of(("room", room), lambda agent: room == ANYWHERE or agent.serves(room))

    def _having(self, skill: str) -> Staff:
        return self._one_of(("skill", skill), lambda agent: skill in agent.skills)

    def _speaking(self, language: str, languages: frozenset[str]) -> Staff:
        need = Need("", NONE, language, languages, "")
        return self._one_of((language, languages), lambda agent: need.suits(agent.identity, agent.skills))

    def _one_of(self, key: tuple[str, object], able: Callable[[OnDuty], bool]) -> Staff:
        people = self._people.get(key)
        if people is None:
            people = self._people[key] = frozenset(agent.identity for agent in self._on_duty if able(agent))
        return people

    def _position(self, staff: Staff, place: Place) -> float:
        return 1.0 + sum(
            self._share(staff, other) * sum(bisect_left(lane, place) for lane in lanes)
            for other, lanes in self._lanes.items()
        )

    def _share(self, staff: Staff, other: Staff) -> float:
        share = self._shares.get((staff, other))
        if share is None:
            share = self._shares[staff, other] = len(staff & other) / len(other) if other else 0.0
        return share

    def _known(self, staff: Staff) -> Moments:
        """The handle times of all queues that these agents serve."""
        moments = self._moments.get(staff)
        if moments is None:
            moments = self._moments[staff] = merged(
                self._estimators[queue.spec.name].moments(self._now)
                for queue in self._queues
                if queue.spec.name in self._estimators and not staff.isdisjoint(self._staff_for(queue))
            )
        return moments
