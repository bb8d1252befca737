"""The smallest service around the queues: enough to ring, talk, write up, drop and come back, in virtual time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from signaling.admission import admission
from signaling.desk import Desk
from signaling.estimate import Estimator, Range
from signaling.help_queue import HelpQueue, Waiter
from signaling.outlook import Outlook
from signaling.routing import match
from tests.signaling.help_world import ROOM, Shopper, View

RING_S = 15.0
GRACE_S = 60.0


@dataclass(frozen=True)
class Spec:
    name: str
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    max_wait_s: float = 1800.0
    priority: int = 0
    hours: str = ""
    timezone: str = ""
    max_waiting: int = 1000


@dataclass(slots=True)
class _Call:
    shopper: Shopper
    state: str = "waiting"
    agent: str = ""
    due: float | None = None
    taken: float = 0.0


class PlainHelp:
    """A :class:`tests.signaling.help_world.Port`."""

    def __init__(self, specs: Collection[Spec]) -> None:
        self.desk = Desk()
        self.queues = {spec.name: HelpQueue(spec) for spec in specs}
        self.estimators = {spec.name: Estimator() for spec in specs}
        self.calls: dict[str, _Call] = {}
        self.open: set[str] = set()
        self._looked: tuple[float, Outlook] | None = None

    def ask(self, shopper: Shopper, now: float) -> Collection[str]:
        queue = self.queues[shopper.queue]
        newcomer = self._outlook(now).newcomer(queue, RING_S)
        admission(self._spec(queue), len(queue), newcomer, now).check()
        self.calls[shopper.call] = _Call(shopper)
        self.open.add(shopper.call)
        self._wait(shopper, now)
        return {shopper.call, *self._match(now)}

    def answer(self, call: str, agent: str, now: float) -> Collection[str]:
        one = self.calls[call]
        self._queue(call).remove(call)
        one.state, one.due = "active", None
        self.desk.engage_call(agent, call, "in_call", now)
        return {call}

    def decline(self, call: str, agent: str, now: float) -> Collection[str]:
        one = self.calls[call]
        self._queue(call).refused(call)
        one.state, one.agent, one.due = "waiting", "", None
        self.desk.release_call(agent, call, now)
        return {call, *self._match(now)}

    def end(self, call: str, identity: str, now: float) -> Collection[str]:
        one = self.calls[call]
        if one.state == "active":
            one.state, one.due = "wrap_up", now + GRACE_S
            self.desk.engage_call(one.agent, call, "wrap_up", now)
            return {call}
        return self._over(call, "abandoned", now)

    def wrapped(self, call: str, agent: str, now: float) -> Collection[str]:
        one = self.calls[call]
        self.estimators[one.shopper.queue].handled(now - one.taken, now)
        return self._over(call, "completed", now)

    def transfer(self, call: str, agent: str, queue: str, now: float) -> Collection[str]:
        one = self.calls[call]
        self.estimators[one.shopper.queue].handled(now - one.taken, now)
        self.desk.release_call(agent, call, now)
        one.state, one.agent, one.shopper.queue, one.shopper.disturbed = "waiting", "", queue, True
        self._wait(one.shopper, now)
        return {call, *self._match(now)}

    def link(self, identity: str, connected: bool, now: float) -> Collection[str]:
        call = "c" + identity[1:]
        if call not in self.open:
            held = self.desk.call_of(identity)
            if held is not None:
                self.calls[held.call].due = None if connected else now + GRACE_S
            return ()
        one, queue = self.calls[call], self._queue(call)
        if connected:
            queue.returned(call)
            if one.state in ("waiting", "active"):
                one.due = None
            return self._match(now)
        queue.dropped(call, now)
        if one.state == "ringing":
            queue.refused(call, by_agent=False)
            self.desk.release_call(one.agent, call, now)
            one.state, one.agent = "waiting", ""
        if one.state in ("waiting", "active"):
            one.due = now + GRACE_S
        return {call, *self._match(now)}

    def gone(self, identity: str, now: float) -> Collection[str]:
        call = "c" + identity[1:]
        return self.end(call, identity, now) if call in self.open and self.calls[call].state != "wrap_up" else ()

    def desk_changed(self, now: float) -> Collection[str]:
        return self._match(now)

    def tick(self, now: float) -> Collection[str]:
        changed: set[str] = set()
        for queue in self.queues.values():
            for call in queue.overdue(now):
                changed |= self._over(call, "expired", now)
        for call in [call for call in self.open if (self.calls[call].due or now + 1) <= now]:
            one = self.calls[call]
            changed.add(call)
            if one.state == "ringing":
                changed.update(self.decline(call, one.agent, now))
            elif one.state == "wrap_up":
                changed.update(self.wrapped(call, one.agent, now))
            elif one.state == "active" and self.desk.call_of(one.agent):
                self.desk.release_call(one.agent, call, now)
                one.state, one.agent, one.due = "waiting", "", None
                self._wait(one.shopper, now, returned=True)
            else:
                changed |= self._over(call, "abandoned", now)
        return changed | set(self._match(now))

    def deadline(self) -> float | None:
        times = [due for call in self.open if (due := self.calls[call].due) is not None]
        times += [at for queue in self.queues.values() if (at := queue.next_deadline()) is not None]
        return min(times, default=None)

    def view(self, call: str) -> View:
        one = self.calls[call]
        return View(one.state, one.agent)

    def estimate(self, call: str, now: float) -> Range | None:
        return self._outlook(now, 0.0).of(self._queue(call), call, RING_S)

    def waiting(self) -> Collection[str]:
        return [call for queue in self.queues.values() for call in queue.waiters]

    # --- inside --------------------------------------------------------------------------------------------------

    def _queue(self, call: str) -> HelpQueue:
        return self.queues[self.calls[call].shopper.queue]

    def _spec(self, queue: HelpQueue) -> Spec:
        assert isinstance(queue.spec, Spec)
        return queue.spec

    def _outlook(self, now: float, age_s: float = 1.0) -> Outlook:
        if self._looked is None or self._looked[0] + age_s < now or not age_s:
            self._looked = (now, Outlook(self.queues.values(), self.estimators, self.desk, now))
        return self._looked[1]

    def _wait(self, one: Shopper, now: float, *, returned: bool = False) -> None:
        self.queues[one.queue].add(
            Waiter(
                one.call,
                one.asked if not returned else now - 60.0,
                ROOM,
                language=one.language,
                value=one.value,
                urgency=one.urgency,
                returned=returned,
            )
        )

    def _match(self, now: float) -> Collection[str]:
        found = match(self.queues.values(), self.desk, now)
        for call, agent, _ in found:
            one = self.calls[call]
            one.state, one.agent, one.due, one.taken = "ringing", agent, now + RING_S, now
        return [each.call_id for each in found]

    def _over(self, call: str, outcome: str, now: float) -> set[str]:
        one = self.calls[call]
        self._queue(call).remove(call)
        self.open.discard(call)
        if one.agent:
            self.desk.release_call(one.agent, call, now)
        one.state, one.agent, one.due, one.shopper.outcome = "ended", "", None, outcome
        return {call, *self._match(now)}
