"""What the Helpline knows, what can be asked of it, and the steps that its rules are put together from. Pure.

The rules are in :mod:`signaling.helpline` (waiting and ringing) and :mod:`signaling.helpline_talk` (calls that go on).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Any

from signaling.admission import admission
from signaling.alarms import Alarms
from signaling.call import TALKS, Call, Person
from signaling.desk import Desk
from signaling.errors import ApiError, Locale
from signaling.estimate import Estimator
from signaling.help_model import (
    AgentChanged,
    CallChanged,
    CircleOver,
    CircleWanted,
    Happened,
    HelpEffect,
    HelpSettings,
    Outcome,
    QueueNews,
    QueueSpec,
    Save,
    StageLeave,
)
from signaling.help_queue import HelpQueue, Waiter
from signaling.help_today import Today
from signaling.outlook import Outlook
from signaling.routing import match

DEFAULT_QUEUE = QueueSpec("general", "客服", "Customer service")
#: Position and estimate of those who wait are told at most this often; far back in the queue less often, as they mean less.
NEWS_S = 2.0
MAX_NEWS_S = 15.0
NEAR = 20
#: Of a queue, so many are looked at in one step: nobody else waits meanwhile. Looks are due at multiples of a grid.
NEWS_AT_ONCE = 100
NEWS_GRID_S = 0.25
#: Ended calls are remembered for so long, and so many of them, for ratings and late requests.
REMEMBERED_S = 900.0
MAX_REMEMBERED = 2000
#: How old an outlook for newcomers may be.
OUTLOOK_AGE_S = 1.0


class HelpBook:
    """``epoch_s`` is the wall clock (seconds since 1970) at ``now`` = 0."""

    def __init__(
        self, desk: Desk, specs: Iterable[QueueSpec] = (), settings: HelpSettings | None = None, epoch_s: float = 0.0
    ) -> None:
        self.desk = desk
        self.settings = settings or HelpSettings()
        self.epoch_s = epoch_s
        self.queues: dict[str, HelpQueue] = {}
        self.calls: dict[str, Call] = {}
        self.today = Today(epoch_s)
        self._estimators: dict[str, Estimator] = {}
        self._by_identity: dict[str, set[str]] = {}
        self._looked: tuple[float, Outlook] | None = None
        # Who is rung for which call.
        self._rung: dict[str, str] = {}
        # Calls that wait for one agent only.
        self._personal: set[str] = set()
        # When something about a call is late, and when its shopper is told again how long it takes.
        self._timers = Alarms()
        self._news = Alarms()
        # The longest ended first.
        self._ended: deque[tuple[float, str]] = deque()
        self.set_queues(tuple(specs) or (DEFAULT_QUEUE,))

    # --- questions -----------------------------------------------------------------------------------------------

    def get(self, call_id: str) -> Call:
        """Raises ``call_not_found``."""
        call = self.calls.get(call_id)
        if call is None:
            raise ApiError("call_not_found")
        return call

    def get_open(self, call_id: str) -> Call:
        """Raises ``call_not_found`` or ``call_ended``."""
        call = self.get(call_id)
        if call.over:
            raise ApiError("call_ended")
        return call

    def calls_of(self, identity: str) -> list[Call]:
        """Calls that this person is in, in whatever part, the newest last; those being written up included."""
        return [self.calls[call_id] for call_id in sorted(self._by_identity.get(identity, ()))]

    def call_of(self, identity: str, room: str | None = None) -> Call | None:
        """The call that matters most to this person: one that goes on before one that rings or is written up."""
        order = {"active": 3, "on_hold": 3, "ringing": 2, "waiting": 2, "wrap_up": 1}
        found = [call for call in self.calls_of(identity) if room in (None, call.room) and call.state in order]
        return max(found, key=lambda call: order[call.state], default=None)

    def asked_by(self, identity: str) -> Call | None:
        """The unfinished call of this shopper."""
        return next((call for call in self.calls_of(identity) if call.shopper == identity and not call.over), None)

    def viewer_of(self, call: Call, identity: str) -> str:
        """``shopper`` or ``agent``."""
        return "shopper" if identity == call.shopper else "agent"

    def title(self, name: str, locale: Locale) -> str:
        """A queue's name for people."""
        queue = self.queues.get(name)
        return name if queue is None else _title(self.spec(queue), locale)

    def spec(self, queue: HelpQueue) -> QueueSpec:
        """The settings of a queue."""
        assert isinstance(queue.spec, QueueSpec)
        return queue.spec

    def on_stage(self, identity: str) -> bool:
        """Whether somebody at the desk is on a stage."""
        engaged = self.desk.me(identity)["engaged"] if identity in self.desk else None
        return engaged is not None and engaged["state"] == "on_stage"

    @property
    def going_on(self) -> int:
        """How many calls there are, those being written up included."""
        return len(self.calls) - len(self._ended)

    def outlook(self, now: float, age_s: float = OUTLOOK_AGE_S) -> Outlook:
        """A look at all queues that is not older than ``age_s``."""
        if self._looked is None or self._looked[0] + age_s < now or age_s == 0:
            self._looked = (now, Outlook(self.queues.values(), self._estimators, self.desk, now))
        return self._looked[1]

    def status(self, now: float, locale: Locale) -> list[dict[str, Any]]:
        """``queues`` in PROTOCOL.md section 1.9."""
        look = self.outlook(now)
        lines = []
        for queue in self.queues.values():
            spec = self.spec(queue)
            estimate = look.newcomer(queue, spec.ring_s)
            entry = admission(spec, len(queue), estimate, self.epoch_s + now)
            lines.append(
                {
                    "name": spec.name,
                    "title": _title(spec, locale),
                    "open": entry.open,
                    "opens_at": None if entry.opens_at is None else round(entry.opens_at * 1000),
                    "waiting": len(queue),
                    "agents": look.agents(queue),
                    "estimate": None if estimate is None else estimate.to_wire(),
                    "full": entry.full,
                    "longest_s": round(queue.longest_s(now)),
                }
            )
        return lines

    def waiting(self) -> Iterator[tuple[Call, HelpQueue]]:
        """Those who wait, in whatever queue, the next one first. For use at once: nothing may change meanwhile."""
        lines = [[(place, queue) for place in queue.places()] for queue in self.queues.values()]
        for place, queue in merge(*lines, key=lambda line: line[0]):
            yield self.calls[place.call_id], queue

    # --- steps ---------------------------------------------------------------------------------------------------

    def set_queues(self, specs: Iterable[QueueSpec]) -> list[Call]:
        """All queues there are; those of a queue that is gone wait in the first one, and are returned."""
        wanted = {spec.name: spec for spec in specs} or {DEFAULT_QUEUE.name: DEFAULT_QUEUE}
        orphans: list[Waiter] = []
        for name in [name for name in self.queues if name not in wanted]:
            orphans += list(self.queues.pop(name).order())
            self._estimators.pop(name, None)
        for name, spec in wanted.items():
            if name in self.queues:
                self.queues[name].set_spec(spec)
            else:
                self.queues[name] = HelpQueue(spec)
                self._estimators[name] = Estimator()
        first = next(iter(self.queues.values()))
        for waiter in orphans:
            self.calls[waiter.call_id].queue = first.spec.name
            offered = waiter.offered_to
            first.add(waiter)
            if offered:
                first.offered(waiter.call_id, offered)
        self._looked = None
        return [self.calls[waiter.call_id] for waiter in orphans]

    def join(self, call: Call, person: Person) -> None:
        """Somebody is in the call from now on, or in another part."""
        call.seat(person)
        self._by_identity.setdefault(person.identity, set()).add(call.id)
        if person.mode == "ring" and person.side == "agent":
            self._rung[person.identity] = call.id

    def answers(self, call: Call, identity: str) -> None:
        """Who was rung is in the call."""
        self._rung.pop(identity, None)
        call.change(identity, mode="full", until=None)

    def leave(self, call: Call, identity: str, now: float) -> list[HelpEffect]:
        """Somebody is not in the call any more; the desk has them back."""
        call.people.pop(identity, None)
        if self._rung.get(identity) == call.id:
            del self._rung[identity]
        self._forget_link(call.id, identity)
        return self.free(call, identity, now)

    def free(self, call: Call, identity: str, now: float) -> list[HelpEffect]:
        """The call keeps this person busy no longer."""
        return [AgentChanged(each) for each in self.desk.release_call(identity, call.id, now)]

    def engage(self, call: Call, identity: str, now: float) -> list[HelpEffect]:
        """The call keeps this person busy."""
        return [AgentChanged(each) for each in self.desk.engage_call(identity, call.id, "in_call", now, room=call.room)]

    def note(self, call: Call, what: str, identity: str, now: float, /, **detail: Any) -> HelpEffect:
        """Something for the books."""
        return Happened(call.id, what, identity, now, detail)

    def changed(self, call: Call, former: Iterable[str] = ()) -> list[HelpEffect]:
        """The usual consequences of a change: seats, news, the row."""
        effects: list[HelpEffect] = []
        if not call.over:
            effects.append(CircleWanted(call.id, call.room, call.circle()))
        return [*effects, CallChanged(call.id, frozenset(former)), QueueNews(), Save(call.id)]

    def handled(self, call: Call, now: float) -> None:
        """An agent is done with it, as far as this queue goes."""
        if call.rung is not None and call.queue in self._estimators:
            self._estimators[call.queue].handled(now - call.rung, now)

    def line_up(self, call: Call, now: float, *, returned: bool = False, skills: Iterable[str] = (), only: str = "") -> None:
        """Stand in the queue."""
        context = call.context
        queue = self.queues.get(call.queue)
        if queue is None:
            queue = next(iter(self.queues.values()))
        call.queue = queue.spec.name
        waiter = Waiter(
            call.id,
            # Who had an agent begins to wait now, but at the head: the time of talking was no waiting.
            now if returned else call.created,
            call.room,
            frozenset((*context.skills, *skills)),
            context.language,
            only,
            context.value,
            context.urgency,
            context.mood,
            returned,
        )
        queue.add(waiter)
        if only:
            self._personal.add(call.id)
        call.priority = waiter.head_start(queue.spec)
        shopper = call.people[call.shopper]
        if not shopper.connected:
            queue.dropped(call.id, now)
        self.locate(call, now)
        self._look_again(call, now)

    def open_to_all(self, call: Call) -> None:
        """The one agent who was asked for does not come: anybody may."""
        self._personal.discard(call.id)
        queue = self.queue_of(call)
        if queue is not None and queue.waiters[call.id].only:
            queue.waiters[call.id].only = ""
            queue.add(queue.waiters[call.id])

    def widen(self) -> None:
        """What none of those on duty can do is asked of nobody: better somebody else than nobody.

        The skills of the queue itself stay; and so does everything while nobody is on duty, who may yet come.
        """
        staff = self.desk.on_duty()
        for queue in self.queues.values():
            own = frozenset(queue.spec.skills)
            for need, lane in list(queue.lanes.items()):
                here = [] if need.only or need.skills <= own else [agent for agent in staff if agent.serves(need.room)]
                if here and not any(need.skills <= agent.skills for agent in here):
                    for place in tuple(lane):
                        waiter = queue.waiters[place.call_id]
                        waiter.skills = frozenset()
                        queue.add(waiter)

    def queue_of(self, call: Call) -> HelpQueue | None:
        """Where it waits."""
        queue = self.queues.get(call.queue)
        return queue if queue is not None and call.id in queue else None

    def unqueue(self, call: Call, now: float) -> None:
        """It waits no longer."""
        queue = self.queue_of(call)
        if queue is not None:
            queue.remove(call.id)
        self._personal.discard(call.id)
        self._news.set(call.id, None)
        call.position, call.estimate = None, None

    def ring_waiting(self, now: float) -> list[HelpEffect]:
        """Ring whoever can be rung for those who wait."""
        effects: list[HelpEffect] = []
        for call_id, identity, _queue in match(self.queues.values(), self.desk, now):
            effects += self.ring(self.calls[call_id], identity, now)
        return effects

    def ring(self, call: Call, identity: str, now: float) -> list[HelpEffect]:
        """This agent, reserved already, is being rung for a call that waits."""
        queue = self.queues[call.queue]
        call.step("ring")
        call.rung = now
        until = now + self.spec(queue).ring_s
        self.join(call, Person(identity, self.name_of(identity), "agent", "agent", "ring", until=until, why="queue"))
        self.locate(call, now)
        return [AgentChanged(identity), self.note(call, "rung", identity, now), *self.changed(call)]

    def name_of(self, identity: str) -> str:
        """Of somebody at the desk."""
        return str(self.desk.me(identity)["name"]) if identity in self.desk else identity

    def unring(self, call: Call, identity: str, now: float, *, by_agent: bool) -> list[HelpEffect]:
        """A ring for a call that waits came to nothing; the call keeps its place."""
        queue = self.queue_of(call)
        if queue is not None:
            queue.refused(call.id, by_agent=by_agent)
        if by_agent:
            self.open_to_all(call)
        call.step("unring")
        effects = self.leave(call, identity, now)
        self.locate(call, now)
        return [*effects, *self.changed(call, (identity,))]

    def finish(
        self, call: Call, outcome: Outcome, by: str, reason: str, now: float, *, event: str = "ended"
    ) -> list[HelpEffect]:
        """Shopper and agents part. Who had it writes it up, if anybody had it."""
        talked = call.state in TALKS
        former = list(call.people)
        effects: list[HelpEffect] = []
        if call.escalation is not None and (call.escalation.pending or call.escalation.state == "on_stage"):
            effects.append(StageLeave(call.id, call.room))
            call.escalation = None
        if call.held_at is not None:
            call.hold_s += now - call.held_at
            call.held_at = call.held_by = None
        queue = self.queue_of(call)
        if queue is not None:
            # Rung for or not, nobody has answered.
            queue.refused(call.id, by_agent=False)
        self.unqueue(call, now)
        call.end_transfer(now)
        call.ended, call.outcome, call.end_reason, call.ended_by = now, outcome, reason, by
        call.step("hang_up" if talked else "give_up")
        for person in list(call.people.values()):
            if person.side != "shopper" and not (talked and person.identity == call.agent):
                effects += self.leave(call, person.identity, now)
        call.change(call.shopper, until=None)
        effects += self.free(call, call.shopper, now)
        effects.append(CircleOver(call.id, call.room))
        effects.append(self.note(call, event, by, now, outcome=outcome, reason=reason))
        if talked and call.agent in call.people:
            call.wrap_until = now + self.settings.wrap_up_s
            self.desk.engage_call(call.agent, call.id, "wrap_up", now, room=call.room)
            effects.append(AgentChanged(call.agent))
        elif talked:
            call.step("done")
        self.figures(now).end(call, now)
        return [*effects, *self.changed(call, former), *self.ring_waiting(now)]

    def close(self, call: Call, now: float) -> list[HelpEffect]:
        """The notes are done."""
        call.step("done")
        call.wrapped, call.wrap_until = now, None
        self.handled(call, now)
        effects = self.free(call, call.agent, now)
        effects.append(self.note(call, "wrapped", call.agent, now))
        return [*effects, *self.changed(call), *self.ring_waiting(now)]

    def give_back(self, call: Call, now: float, why: str) -> list[HelpEffect]:
        """Nobody has the call any more: the shopper is next in the queue."""
        effects: list[HelpEffect] = []
        former = [person.identity for person in call.people.values() if person.side != "shopper"]
        if call.escalation is not None and (call.escalation.pending or call.escalation.state == "on_stage"):
            effects.append(StageLeave(call.id, call.room))
        if call.held_at is not None:
            call.hold_s += now - call.held_at
        call.held_at, call.held_by, call.escalation = None, None, None
        call.end_transfer(now)
        for identity in former:
            effects += self.leave(call, identity, now)
        call.step("lost")
        self.line_up(call, now, returned=True)
        self.spare(call, former)
        effects.append(self.note(call, "returned_to_queue", "", now, why=why))
        return [*effects, *self.changed(call, former), *self.ring_waiting(now)]

    def spare(self, call: Call, identities: Iterable[str]) -> None:
        """Those who have just let go of a call are not rung for it in this round."""
        queue = self.queue_of(call)
        if queue is not None:
            queue.waiters[call.id].tried.update(identities)

    def forget(self, now: float) -> None:
        """Ended calls are let go after a while, or the oldest when there are too many."""
        while self._ended and (len(self._ended) > MAX_REMEMBERED or self._ended[0][0] + REMEMBERED_S <= now):
            call = self.calls.pop(self._ended.popleft()[1])
            for identity in call.people:
                self._forget_link(call.id, identity)

    # --- time ----------------------------------------------------------------------------------------------------

    def arm(self, call: Call, now: float) -> None:
        """After each change of a call: when to look at it again."""
        if call.state == "ended":
            self._timers.set(call.id, None)
            if not call.closed:
                call.closed = True
                self._ended.append((now, call.id))
            return
        self._timers.set(call.id, call.deadline(self.settings.drop_grace_s))

    def due(self, now: float) -> list[Call]:
        """Calls at which something is late; the caller arms them anew."""
        return [self.calls[call_id] for call_id in self._timers.take(now)]

    def next_deadline(self) -> float | None:
        """When something happens by time alone."""
        times = [queue.next_deadline() for queue in self.queues.values()]
        times += [self._timers.next(), self._news.next()]
        return min((time for time in times if time is not None), default=None)

    def _forget_link(self, call_id: str, identity: str) -> None:
        held = self._by_identity.get(identity)
        if held is not None:
            held.discard(call_id)
            if not held:
                del self._by_identity[identity]

    def locate(self, call: Call, now: float) -> None:
        """Where it stands now."""
        queue = self.queue_of(call)
        if queue is None:
            call.position, call.estimate = None, None
            return
        call.position = queue.position(call.id)
        call.estimate = self.outlook(now).of(queue, call.id, self.spec(queue).ring_s)

    def _look_again(self, call: Call, now: float) -> None:
        """Soon this one is told again where it stands."""
        interval = min(max(NEWS_S, NEWS_S * (call.position or 0) / NEAR), MAX_NEWS_S)
        self._news.set(call.id, math.ceil((now + interval) / NEWS_GRID_S) * NEWS_GRID_S)

    def tell_positions(self, now: float) -> list[HelpEffect]:
        """Who stands elsewhere, or has to wait for longer or less long, than was told last; a number of them at a time."""
        effects: list[HelpEffect] = []
        for call_id in self._news.take(now, NEWS_AT_ONCE):
            call = self.calls[call_id]
            before = (call.position, call.estimate)
            self.locate(call, now)
            self._look_again(call, now)
            if before != (call.position, call.estimate):
                effects.append(CallChanged(call.id))
        return effects

    # --- figures -------------------------------------------------------------------------------------------------

    def figures(self, now: float) -> Today:
        """Those of the day at ``now``."""
        day = Today.day_of(self.epoch_s + now)
        if day != self.today.day:
            self.today = Today(self.epoch_s, day)
        return self.today

    def wall(self, now: float) -> dict[str, Any]:
        """``today`` of the ``wall`` in PROTOCOL.md."""
        return {
            **self.figures(now).to_wire(),
            "longest_wait_s": round(max(queue.longest_s(now) for queue in self.queues.values())),
            "in_queue": sum(map(len, self.queues.values())),
        }


def _title(spec: QueueSpec, locale: Locale) -> str:
    return (spec.title_en if locale == "en" else spec.title) or spec.title or spec.title_en or spec.name
