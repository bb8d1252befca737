"""Who waits for help, and in which order. Pure: ``now`` is seconds, monotonic, never going back.

**The order.** Everybody waits in a line that is ordered by the time of coming, made earlier by a head start::

    score(now) = (now - created) + head_start        seconds; the highest score is next
    head_start = 1.2 s x value + 1.2 s x urgency + 0.6 s x mood + 30 s x queue priority     (0 to 600 s)

``value``, ``urgency`` and ``mood`` (how bad it looks) are 0 to 100, a queue's priority is 0 to 10; what lies outside
counts as the nearest bound. A call that had an agent already and lost them starts another hour ahead: it is at the
head.

**Nobody starves.** All scores grow alike, so of two who wait the order never changes, and is that of ``created -
head_start``. A waiter can be overtaken only by somebody whose head start is greater by more than what they came later:
nobody who comes more than 600 s later is served before, whatever they are worth (:data:`MAX_HEAD_START_S`; and
:data:`RETURNED_S` more for calls that are given back, each of which was served before). The line is therefore kept
sorted, not sorted anew.

**What is matched.** A waiter is *ready* unless they are being offered to an agent or their connection is broken; both
keep their place. Those who are ready stand in *lanes*, one per :class:`Need`, so that :mod:`signaling.routing` looks at
the first of each lane and not at everybody.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple, Protocol

VALUE_S = 1.2
URGENCY_S = 1.2
MOOD_S = 0.6
QUEUE_S = 30.0
MAX_QUEUE_PRIORITY = 10
MAX_HEAD_START_S = 100 * (VALUE_S + URGENCY_S + MOOD_S) + MAX_QUEUE_PRIORITY * QUEUE_S
RETURNED_S = 3600.0
#: After all who could take it have let it ring, they are left alone for this long.
ROUND_PAUSE_S = 10.0
LANGUAGE_PREFIX = "lang:"
#: How many who came, and who left, a queue remembers to say how long it takes.
REMEMBERED = 100
#: A burst is not taken for a flow before it has lasted so long.
FLOW_S = 60.0


class Spec(Protocol):
    """Of :class:`signaling.help_model.QueueSpec`, what counts here."""

    @property
    def name(self) -> str:
        """Unique."""

    @property
    def skills(self) -> Collection[str]:
        """What all agents of this queue must be able to do."""

    @property
    def languages(self) -> Collection[str]:
        """In which an agent is promised (``zh``, ``en``); in others whoever is there helps."""

    @property
    def max_wait_s(self) -> float:
        """After which waiting is given up."""

    @property
    def priority(self) -> int:
        """0 to 10."""


class Need(NamedTuple):
    """What an agent must have. ``languages`` are those that count as such among an agent's skills."""

    room: str
    skills: frozenset[str]
    language: str
    languages: frozenset[str]
    only: str

    def suits(self, identity: str, skills: frozenset[str]) -> bool:
        """Whether this agent can take it, as far as skills go.

        An agent speaks what stands among the skills as ``en`` or ``lang:en``; who says nothing about it speaks all.
        """
        if self.only:
            return identity == self.only
        if not self.skills <= skills:
            return False
        if not self.language:
            return True
        spoken = {name for name in self.languages if name in skills or LANGUAGE_PREFIX + name in skills}
        return not spoken or self.language in spoken


class Place(NamedTuple):
    """Where somebody stands: the lowest is next. Equal keys are ordered by coming."""

    key: float
    number: int
    call_id: str


@dataclass(slots=True)
class Waiter:
    """Who waits.

    ``created``: when the waiting began, kept through transfers and restarts; ``room``: where the call lives, ``only``:
    the one agent who is asked for, if any; ``language``: as a browser says it (``zh-CN``); ``returned``: lost an agent.
    The rest is the queue's: ``offered_to`` is being rung for it, ``tried`` declined or let it ring in this round,
    ``dropped_at`` is since when the connection is broken. ``created`` and ``call_id`` stay while it is in a queue.
    """

    call_id: str
    created: float
    room: str = ""
    skills: frozenset[str] = frozenset()
    language: str = ""
    only: str = ""
    value: float = 0.0
    urgency: float = 0.0
    mood: float = 0.0
    returned: bool = False
    offered_to: str = ""
    tried: set[str] = field(default_factory=set)
    dropped_at: float | None = None

    @property
    def ready(self) -> bool:
        """Whether an agent may be rung for it."""
        return not self.offered_to and self.dropped_at is None

    def head_start(self, spec: Spec) -> float:
        """Seconds; see the module."""
        return (
            VALUE_S * _within(self.value, 100)
            + URGENCY_S * _within(self.urgency, 100)
            + MOOD_S * _within(self.mood, 100)
            + QUEUE_S * _within(spec.priority, MAX_QUEUE_PRIORITY)
            + (RETURNED_S if self.returned else 0.0)
        )

    def score(self, spec: Spec, now: float) -> float:
        """Seconds; the highest is next."""
        return now - self.created + self.head_start(spec)


class HelpQueue:
    """One queue; see the module. A call is in it from asking until it is answered or given up."""

    __slots__ = (
        "_ages",
        "_came",
        "_flow",
        "_left",
        "_numbers",
        "_order",
        "_pausing",
        "_places",
        "lanes",
        "spec",
        "waiters",
    )

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.waiters: dict[str, Waiter] = {}
        #: Those who are ready, in order, by what they need. No lane is empty.
        self.lanes: dict[Need, list[Place]] = {}
        self._order: list[Place] = []
        self._ages: list[tuple[float, str]] = []
        self._pausing: dict[str, float] = {}
        self._came: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)
        # Their head starts in order, and of each the sum with all that follow.
        self._flow: tuple[list[float], list[float]] | None = None
        self._left: deque[bool] = deque(maxlen=REMEMBERED)
        self._places: dict[str, tuple[Place, Need]] = {}
        self._numbers = 0

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, call_id: str) -> bool:
        return call_id in self.waiters

    # --- questions -----------------------------------------------------------------------------------------------

    def position(self, call_id: str) -> int | None:
        """1 for who is next, those included who are being offered to an agent; None for who does not wait here."""
        found = self._places.get(call_id)
        return None if found is None else bisect_left(self._order, found[0]) + 1

    def order(self) -> Iterator[Waiter]:
        """All who wait, the next one first."""
        return (self.waiters[place.call_id] for place in self._order)

    def places(self) -> Sequence[Place]:
        """Where all who wait stand, the next one first; comparable with those of other queues."""
        return self._order

    def place(self, call_id: str) -> Place | None:
        """Comparable with those of other queues."""
        found = self._places.get(call_id)
        return None if found is None else found[0]

    def need(self, call_id: str) -> Need | None:
        """What an agent for this call must have."""
        found = self._places.get(call_id)
        return None if found is None else found[1]

    def before(self, key: float) -> int:
        """How many wait whose :class:`Place` is before ``key``."""
        return bisect_left(self._order, Place(key, -1, ""))

    def key_of(self, waiter: Waiter) -> float:
        """Where this waiter would stand."""
        return waiter.created - waiter.head_start(self.spec)

    def longest_s(self, now: float) -> float:
        """For how long the one who came first waits; 0 when nobody does."""
        return max(0.0, now - self._ages[0][0]) if self._ages else 0.0

    def overdue(self, now: float) -> list[str]:
        """Who has waited for ``max_wait_s`` and is not being offered to an agent, the longest first.

        The caller removes them, or :meth:`next_deadline` stays in the past.
        """
        # The same sum as in next_deadline: a difference may round to the other side of it.
        late = bisect_right(self._ages, now, key=lambda age: age[0] + self.spec.max_wait_s)
        return [call_id for _, call_id in self._ages[:late] if not self.waiters[call_id].offered_to]

    def next_deadline(self) -> float | None:
        """When :meth:`overdue` or :func:`signaling.routing.match` may have something new, without anything happening."""
        times = list(self._pausing.values())
        for created, call_id in self._ages:
            if not self.waiters[call_id].offered_to:
                times.append(created + self.spec.max_wait_s)
                break
        return min(times, default=None)

    def overtaking(self, place: Place, within_s: float, now: float) -> float:
        """How many will come and be placed before ``place`` in ``within_s``, if people go on coming as lately.

        Who comes in t seconds is before somebody of score s with a head start above s + t.
        """
        if not self._came:
            return 0.0
        score = now - place.key
        room = self._ahead_of(score) - self._ahead_of(score + within_s)
        return room / max(now - self._came[0][0], FLOW_S)

    def _ahead_of(self, score: float) -> float:
        """By how many seconds in all the head starts of who came lately are above ``score``."""
        if self._flow is None:
            starts = sorted(head_start for _, head_start in self._came)
            self._flow = starts, [*accumulate(reversed(starts), initial=0.0)][::-1]
        starts, sums = self._flow
        index = bisect_right(starts, score)
        return sums[index] - (len(starts) - index) * score

    @property
    def given_up(self) -> float:
        """The share of those who left lately without an agent, 0 to 1."""
        return sum(self._left) / len(self._left) if self._left else 0.0

    # --- coming and going ----------------------------------------------------------------------------------------

    def add(self, waiter: Waiter) -> int:
        """Stand in line, or stand there anew after a change of what the order or the need follows from.

        Returns the position.
        """
        number = self._places[waiter.call_id][0].number if waiter.call_id in self._places else self._numbers
        pausing = self._pausing.get(waiter.call_id)
        if waiter.call_id in self._places:
            self._take_out(waiter.call_id)
        else:
            self._came.append((waiter.created, waiter.head_start(self.spec)))
            self._flow = None
        if pausing is not None:
            self._pausing[waiter.call_id] = pausing
        self._numbers = max(self._numbers, number + 1)
        place = Place(self.key_of(waiter), number, waiter.call_id)
        self.waiters[waiter.call_id] = waiter
        self._places[waiter.call_id] = (place, self._need_of(waiter))
        insort(self._order, place)
        insort(self._ages, (waiter.created, waiter.call_id))
        self._settle(waiter)
        return bisect_left(self._order, place) + 1

    def remove(self, call_id: str) -> Waiter | None:
        """Answered, given up, or gone to another queue; who was being offered to an agent counts as answered."""
        waiter = self.waiters.get(call_id)
        if waiter is not None:
            self._left.append(not waiter.offered_to)
            self._take_out(call_id)
        return waiter

    def _take_out(self, call_id: str) -> None:
        waiter = self.waiters.pop(call_id)
        place, need = self._places.pop(call_id)
        del self._order[bisect_left(self._order, place)]
        del self._ages[bisect_left(self._ages, (waiter.created, call_id))]
        self._pausing.pop(call_id, None)
        self._leave_lane(place, need)

    def set_spec(self, spec: Spec) -> None:
        """The queue's settings changed: everybody is placed anew, those who came first before others of equal key."""
        waiting = list(self.order())
        self.spec = spec
        for waiter in waiting:
            self.add(waiter)

    # --- offering ------------------------------------------------------------------------------------------------

    def offered(self, call_id: str, identity: str) -> None:
        """An agent is being rung; the place is kept."""
        waiter = self.waiters[call_id]
        waiter.offered_to = identity
        self._settle(waiter)

    def refused(self, call_id: str, *, by_agent: bool = True) -> None:
        """The agent declined or let it ring, and is not rung again in this round; or the offer was withdrawn."""
        waiter = self.waiters.get(call_id)
        if waiter is None or not waiter.offered_to:
            return
        if by_agent:
            waiter.tried.add(waiter.offered_to)
        waiter.offered_to = ""
        self._settle(waiter)

    def dropped(self, call_id: str, now: float) -> None:
        """The shopper's connection broke: nobody is rung, the place is kept until the caller removes it."""
        waiter = self.waiters.get(call_id)
        if waiter is not None and waiter.dropped_at is None:
            waiter.dropped_at = now
            self._settle(waiter)

    def returned(self, call_id: str) -> None:
        """The shopper's connection is back."""
        waiter = self.waiters.get(call_id)
        if waiter is not None:
            waiter.dropped_at = None
            self._settle(waiter)

    def pause(self, call_id: str, now: float) -> None:
        """Whoever is free has let it ring: in :data:`ROUND_PAUSE_S` the next round begins."""
        self._pausing.setdefault(call_id, now + ROUND_PAUSE_S)

    def begin_rounds(self, now: float) -> None:
        """Those whose pause is over may ring everywhere again."""
        for call_id in [call_id for call_id, until in self._pausing.items() if until <= now]:
            del self._pausing[call_id]
            self.waiters[call_id].tried.clear()

    # --- inside --------------------------------------------------------------------------------------------------

    def _need_of(self, waiter: Waiter) -> Need:
        languages = frozenset(map(primary_language, self.spec.languages))
        language = primary_language(waiter.language)
        return Need(
            waiter.room,
            waiter.skills | frozenset(self.spec.skills),
            language if language in languages else "",
            languages if language in languages else frozenset(),
            waiter.only,
        )

    def _settle(self, waiter: Waiter) -> None:
        place, need = self._places[waiter.call_id]
        if not waiter.ready:
            self._leave_lane(place, need)
            return
        lane = self.lanes.setdefault(need, [])
        index = bisect_left(lane, place)
        if index == len(lane) or lane[index] != place:
            lane.insert(index, place)

    def _leave_lane(self, place: Place, need: Need) -> None:
        lane = self.lanes.get(need, [])
        index = bisect_left(lane, place)
        if index < len(lane) and lane[index] == place:
            del lane[index]
            if not lane:
                del self.lanes[need]


def primary_language(tag: str) -> str:
    """``zh`` of ``zh-CN`` or ``zh_Hans``."""
    return tag.replace("_", "-").partition("-")[0].lower()


def _within(value: float, highest: float) -> float:
    return min(max(value, 0.0), highest)
