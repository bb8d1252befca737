"""What the Helpline knows, what can be asked of it, and the steps that its rules are put together from. Pure.

The rules are in :mod:`signaling.helpline` (waiting and ringing) and :mod:`signaling.helpline_talk` (calls that go on).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from signaling.admission import admission
from signaling.call import TALKS, WAITS, Call, Person
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
from signaling.outlook import Outlook
from signaling.routing import match

DEFAULT_QUEUE = QueueSpec("general", "客服", "Customer service")
#: Position and estimate of those who wait are told at most this often.
NEWS_S = 3.0
#: Ended calls are remembered for so long, and so many of them, for ratings and late requests.
REMEMBERED_S = 900.0
MAX_REMEMBERED = 2000
#: How old an outlook for newcomers may be.
OUTLOOK_AGE_S = 1.0
MAX_LINES = 200


@dataclass(slots=True)
class Today:
    """The figures of the day (of the wall clock, in the zone of the first queue), for the wall."""

    day: int = 0
    asked: int = 0
    answered: int = 0
    quick: int = 0
    abandoned: int = 0
    longest_s: float = 0.0
    waited_s: float = 0.0
    scores: int = 0
    score_sum: int = 0
    by_agent: dict[str, int] = field(default_factory=dict)


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
        self.today = Today()
        self._estimators: dict[str, Estimator] = {}
        self._by_identity: dict[str, set[str]] = {}
        self._looked: tuple[float, Outlook] | None = None
        self._news_due: float | None = None
        self._told_at = 0.0
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

    def title(self, call: Call, locale: Locale) -> str:
        """The queue's name for people."""
        queue = self.queues.get(call.queue)
        return call.queue if queue is None else _title(self.spec(queue), locale)

    def spec(self, queue: HelpQueue) -> QueueSpec:
        """The settings of a queue."""
        assert isinstance(queue.spec, QueueSpec)
        return queue.spec

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

    def waiting(self, now: float) -> list[tuple[Call, HelpQueue]]:
        """Those who wait, the next ones of each queue first; at most 200."""
        found: list[tuple[Call, HelpQueue]] = []
        for queue in self.queues.values():
            for waiter in queue.order():
                found.append((self.calls[waiter.call_id], queue))
                if len(found) >= MAX_LINES:
                    return found
        return found

    # --- steps ---------------------------------------------------------------------------------------------------

    def set_queues(self, specs: Iterable[QueueSpec]) -> None:
        """All queues there are; those of a queue that is gone wait in the first one."""
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

    def join(self, call: Call, person: Person) -> None:
        """Somebody is in the call from now on, or in another part."""
        call.seat(person)
        self._by_identity.setdefault(person.identity, set()).add(call.id)

    def leave(self, call: Call, identity: str, now: float) -> list[HelpEffect]:
        """Somebody is not in the call any more; the desk has them back."""
        call.people.pop(identity, None)
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
        queue = self.queues.get(call.queue) or next(iter(self.queues.values()))
        call.queue = queue.spec.name
        waiter = Waiter(
            call.id,
            call.created,
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
        call.priority = waiter.head_start(queue.spec)
        shopper = call.people[call.shopper]
        if not shopper.connected:
            queue.dropped(call.id, now)
        self._locate(call, now)
        self._soon(now)

    def queue_of(self, call: Call) -> HelpQueue | None:
        """Where it waits."""
        queue = self.queues.get(call.queue)
        return queue if queue is not None and call.id in queue else None

    def unqueue(self, call: Call, now: float) -> None:
        """It waits no longer."""
        queue = self.queue_of(call)
        if queue is not None:
            queue.remove(call.id)
        call.position, call.estimate = None, None
        self._soon(now)

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
        self._locate(call, now)
        return [AgentChanged(identity), self.note(call, "rung", identity, now), *self.changed(call)]

    def name_of(self, identity: str) -> str:
        """Of somebody at the desk."""
        return str(self.desk.me(identity)["name"]) if identity in self.desk else identity

    def unring(self, call: Call, identity: str, now: float, *, by_agent: bool) -> list[HelpEffect]:
        """A ring for a call that waits came to nothing; the call keeps its place."""
        queue = self.queue_of(call)
        if queue is not None:
            queue.refused(call.id, by_agent=by_agent)
            waiter = queue.waiters[call.id]
            if waiter.only and by_agent:
                # The one who was asked for does not come: anybody may.
                waiter.only = ""
                queue.add(waiter)
        call.step("unring")
        effects = self.leave(call, identity, now)
        self._locate(call, now)
        return [*effects, *self.changed(call, (identity,))]

    def finish(
        self, call: Call, outcome: Outcome, by: str, reason: str, now: float, *, event: str = "ended"
    ) -> list[HelpEffect]:
        """Shopper and agents part. Who had it writes it up, if anybody had it."""
        talked = call.state in TALKS
        was_ringing = [person.identity for person in call.ringing()]
        former = list(call.people)
        effects: list[HelpEffect] = []
        if call.escalation is not None and (call.escalation.pending or call.escalation.state == "on_stage"):
            effects.append(StageLeave(call.id, call.room))
            call.escalation = None
        if call.held_at is not None:
            call.hold_s += now - call.held_at
            call.held_at = call.held_by = None
        self.unqueue(call, now)
        call.transfer = None
        call.ended, call.outcome, call.end_reason, call.ended_by = now, outcome, reason, by
        call.step("hang_up" if talked else "give_up")
        for identity in was_ringing:
            effects += self.leave(call, identity, now)
        for person in list(call.people.values()):
            if person.side == "shopper" or person.identity == call.agent:
                continue
            effects += self.leave(call, person.identity, now)
        effects.append(CircleOver(call.id, call.room))
        effects.append(self.note(call, event, by, now, outcome=outcome, reason=reason))
        if talked and call.agent in call.people:
            call.wrap_until = now + self.settings.wrap_up_s
            self.desk.engage_call(call.agent, call.id, "wrap_up", now, room=call.room)
            effects.append(AgentChanged(call.agent))
        elif talked:
            call.step("done")
        self._count_end(call, now)
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
        call.held_at, call.held_by, call.transfer, call.escalation = None, None, None, None
        for identity in former:
            effects += self.leave(call, identity, now)
        call.step("lost")
        self.line_up(call, now, returned=True)
        effects.append(self.note(call, "returned_to_queue", "", now, why=why))
        return [*effects, *self.changed(call, former), *self.ring_waiting(now)]

    def forget(self, now: float) -> None:
        """Ended calls are let go after a while, or the oldest when there are too many."""
        ended = [call for call in self.calls.values() if call.state == "ended"]
        excess = len(ended) - MAX_REMEMBERED
        for index, call in enumerate(sorted(ended, key=lambda call: call.ended or 0.0)):
            if index >= excess and (call.ended or 0.0) + REMEMBERED_S > now:
                break
            del self.calls[call.id]
            for identity in call.people:
                self._forget_link(call.id, identity)

    def _forget_link(self, call_id: str, identity: str) -> None:
        held = self._by_identity.get(identity)
        if held is not None:
            held.discard(call_id)
            if not held:
                del self._by_identity[identity]

    def _locate(self, call: Call, now: float) -> None:
        queue = self.queue_of(call)
        if queue is None:
            call.position, call.estimate = None, None
            return
        call.position = queue.position(call.id)
        call.estimate = self.outlook(now).of(queue, call.id, self.spec(queue).ring_s)

    def _soon(self, now: float) -> None:
        """Those who wait are to be told where they stand."""
        if self._news_due is None:
            self._news_due = max(now, self._told_at + NEWS_S)

    def tell_positions(self, now: float) -> list[HelpEffect]:
        """Who stands elsewhere, or has to wait for longer or less long, than was told last."""
        self._news_due, self._told_at = None, now
        effects: list[HelpEffect] = []
        waiting = False
        for queue in self.queues.values():
            for waiter in queue.order():
                waiting = True
                call = self.calls[waiter.call_id]
                before = (call.position, call.estimate)
                self._locate(call, now)
                if before != (call.position, call.estimate):
                    effects.append(CallChanged(call.id))
        if waiting:
            self._news_due = now + NEWS_S
        return effects

    # --- figures -------------------------------------------------------------------------------------------------

    def count_ask(self, now: float) -> None:
        """One more today."""
        self._today(now).asked += 1

    def count_answer(self, call: Call, identity: str, now: float) -> None:
        """The first answer, or another agent's."""
        today = self._today(now)
        today.by_agent[identity] = today.by_agent.get(identity, 0) + 1
        if call.answered is not None:
            return
        waited = now - call.created
        today.answered += 1
        today.quick += waited <= 30.0
        today.waited_s += waited
        today.longest_s = max(today.longest_s, waited)

    def count_score(self, score: int, former: int | None, now: float) -> None:
        """A rating, or another instead."""
        today = self._today(now)
        if former is None:
            today.scores += 1
        today.score_sum += score - (former or 0)

    def _count_end(self, call: Call, now: float) -> None:
        if call.answered is None and call.outcome == "abandoned":
            self._today(now).abandoned += 1

    def _today(self, now: float) -> Today:
        day = int((self.epoch_s + now + 8 * 3600) // 86400)
        if day != self.today.day:
            self.today = Today(day)
        return self.today

    def wall(self, now: float) -> dict[str, Any]:
        """``wall`` in PROTOCOL.md, without the queues and who works: those are the desk's to add."""
        today = self._today(now)
        parted = today.answered + today.abandoned
        waits = [now - call.created for call in self.calls.values() if call.state in WAITS]
        return {
            "asked": today.asked,
            "answered": today.answered,
            "abandoned": today.abandoned,
            "answered_30s": today.quick,
            "service_level": round(today.quick / parted, 4) if parted else None,
            "longest_wait_s": round(max(waits, default=0.0)),
            "asa_s": round(today.waited_s / today.answered, 1) if today.answered else None,
            "abandon_rate": round(today.abandoned / parted, 4) if parted else None,
            "csat": round(today.score_sum / today.scores, 2) if today.scores else None,
            "in_queue": len(waits),
        }


def _title(spec: QueueSpec, locale: Locale) -> str:
    return (spec.title_en if locale == "en" else spec.title) or spec.title or spec.title_en or spec.name
