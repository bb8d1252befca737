"""Who waits for help, who is rung, who talks to whom: all calls of a Node. A pure state machine.

:meth:`Helpline.handle` takes a fact (:mod:`signaling.help_model`) and ``now`` (seconds, monotonic) and returns effects
for the hub to perform, in order; it raises ApiError for a fact that is refused, and then nothing has changed.
:meth:`Helpline.next_deadline` says when to hand in the next :class:`HelpTick`.

Agents are those of the Desk, which the stage rings as well. The rules of calls that go on are in
:mod:`signaling.helpline_talk`, those of waiting, ringing, coming and going here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from signaling.admission import admission
from signaling.call import Call, Person
from signaling.errors import ApiError
from signaling.help_book import HelpBook
from signaling.help_model import (
    AgentChanged,
    AgentsChanged,
    Answered,
    CallAsked,
    CallbackLeft,
    CallChanged,
    CallEnded,
    CallPlaced,
    Declined,
    DeskGone,
    HelpEffect,
    HelpFact,
    HelpTick,
    Outcome,
    Presence,
    QueueNews,
    QueuesSet,
    RoomEnded,
    Taken,
    WritingUp,
)
from signaling.help_queue import HelpQueue
from signaling.helpline_talk import TALK_RULES, answer_in_talk, consent_is_late, drop_from_talk, refuse_in_talk
from signaling.routing import suits

MAX_CALLBACK_S = 14 * 86400.0


class Helpline(HelpBook):
    """See the module, and :class:`HelpBook` for what can be asked."""

    def handle(self, fact: HelpFact, now: float) -> list[HelpEffect]:
        """Change by one fact. Raises ApiError with nothing changed."""
        effects = _RULES[type(fact)](self, fact, now)
        for call_id in {effect.call_id for effect in effects if isinstance(effect, CallChanged)}:
            self.arm(self.calls[call_id], now)
        return effects


def _choose_queue(line: Helpline, name: str | None) -> HelpQueue:
    if name is None:
        return next(iter(line.queues.values()))
    queue = line.queues.get(name)
    if queue is None:
        raise ApiError("queue_unknown")
    return queue


def _asked(line: Helpline, fact: CallAsked, now: float) -> list[HelpEffect]:
    former = line.asked_by(fact.identity)
    if former is not None:
        if former.room != fact.room:
            raise ApiError("already_in_call")
        return []
    if line.desk.call_of(fact.identity) is not None:
        raise ApiError("already_in_call")
    queue = _choose_queue(line, fact.queue)
    spec = line.spec(queue)
    restored = fact.created is not None
    if not restored and line.going_on >= line.settings.max_calls:
        raise ApiError("queue_full", retry_after_s=60.0)
    if not restored and fact.agent is None:
        estimate = line.outlook(now).newcomer(queue, spec.ring_s)
        admission(spec, len(queue), estimate, line.epoch_s + now).check()
    call = Call(
        fact.call_id,
        fact.room,
        spec.name,
        "link" if fact.agent else "in",
        fact.media,
        fact.identity,
        fact.created if fact.created is not None else now,
        fact.context,
        fact.text,
        fact.topic,
    )
    line.forget(now)
    line.calls[call.id] = call
    here = fact.peer is not None
    shopper = Person(
        fact.identity, fact.name, "shopper", "shopper", "full", fact.peer, here, gone_at=None if here else now
    )
    line.join(call, shopper)
    # Who works here and asks for help is not rung meanwhile, least of all for this.
    effects = line.engage(call, fact.identity, now)
    only = fact.agent or ""
    if only and _away(line, only, call.room):
        # Better somebody else than nobody.
        only = ""
    line.line_up(call, now, only=only, returned=fact.returned)
    line.widen()
    if not restored:
        line.figures(now).asked += 1
    effects.append(line.note(call, "asked", fact.identity, now, queue=spec.name))
    return [*effects, *line.changed(call), *line.ring_waiting(now)]


def _writing_up(line: Helpline, fact: WritingUp, now: float) -> list[HelpEffect]:
    call = Call(
        fact.call_id, fact.room, fact.queue, fact.direction, fact.media, fact.identity, fact.created, fact.context,
        fact.text, fact.topic, "wrap_up", agent=fact.agent, agent_name=fact.agent_name, answered=fact.answered,
        ended=fact.ended, wrap_until=now + line.settings.wrap_up_s,
    )  # fmt: skip
    line.calls[call.id] = call
    line.join(call, Person(fact.identity, fact.name, "shopper", "shopper", "full", connected=False))
    line.join(call, Person(fact.agent, fact.agent_name, "agent", "agent", "full", connected=False))
    line.desk.engage_call(fact.agent, call.id, "wrap_up", now, room=call.room)
    return [AgentChanged(fact.agent), *line.changed(call)]


def _away(line: Helpline, identity: str, room: str) -> bool:
    """Whether it is no use to wait for this agent."""
    return identity not in line.desk or line.desk.reach(identity, room) in ("offline", "unknown")


def _placed(line: Helpline, fact: CallPlaced, now: float) -> list[HelpEffect]:
    if line.asked_by(fact.identity) is not None or line.desk.reach(fact.identity, fact.room) == "busy":
        raise ApiError("already_in_call")
    # Also on a break: whoever calls somebody back is not to be rung meanwhile.
    if not line.desk.reserve_call(fact.agent, fact.call_id, fact.room, now):
        raise ApiError("agent_busy")
    line.desk.reserve_call(fact.identity, fact.call_id, fact.room, now)
    queue = next(iter(line.queues.values()))
    until = now + line.settings.ring_s
    call = Call(fact.call_id, fact.room, queue.spec.name, "out", fact.media, fact.identity, now, topic=fact.topic)
    call.state = "ringing"
    call.rung = now
    call.agent, call.agent_name = fact.agent, fact.agent_name
    line.calls[call.id] = call
    line.join(call, Person(fact.identity, fact.name, "shopper", "shopper", "ring", until=until, why="out"))
    line.join(call, Person(fact.agent, fact.agent_name, "agent", "agent", "full"))
    effects = [AgentChanged(fact.identity), *line.engage(call, fact.agent, now)]
    return [*effects, line.note(call, "placed", fact.agent, now), *line.changed(call)]


def _answered(line: Helpline, fact: Answered, now: float) -> list[HelpEffect]:
    call = line.get(fact.call_id)
    person = call.people.get(fact.identity)
    if person is None:
        late = fact.identity in line.desk and (call.over or call.open)
        raise ApiError(("call_ended" if call.over else "call_answered") if late else "not_in_call")
    if call.over:
        raise ApiError("call_ended")
    if person.mode != "ring":
        return []
    if person.side == "agent" and line.on_stage(fact.identity):
        raise ApiError("agent_busy")
    if person.why not in ("queue", "out"):
        return answer_in_talk(line, call, person, now)
    line.unqueue(call, now)
    call.step("answer")
    line.answers(call, fact.identity)
    if person.side == "agent":
        call.agent, call.agent_name = person.identity, person.name
    effects = [*line.engage(call, call.agent, now), *line.engage(call, call.shopper, now)]
    line.figures(now).answer(call, call.agent, now)
    call.answered = call.answered if call.answered is not None else now
    return [*effects, line.note(call, "answered", fact.identity, now), *line.changed(call)]


def _taken(line: Helpline, fact: Taken, now: float) -> list[HelpEffect]:
    call = line.get(fact.call_id)
    mine = call.people.get(fact.identity)
    if mine is not None and mine.side == "agent":
        return _answered(line, Answered(call.id, fact.identity), now)
    if call.over:
        raise ApiError("call_ended")
    if call.state != "waiting":
        raise ApiError("call_answered" if call.open else "wrong_state")
    queue = line.queue_of(call)
    if queue is None:
        raise ApiError("wrong_state")
    on_duty = next((agent for agent in line.desk.free(call.room) if agent.identity == fact.identity), None)
    if on_duty is None:
        raise ApiError("agent_busy" if fact.identity in line.desk else "forbidden")
    if not suits(queue, call.id, on_duty):
        raise ApiError("forbidden")
    if not line.desk.reserve_call(fact.identity, call.id, call.room, now):
        raise ApiError("agent_busy")
    queue.offered(call.id, fact.identity)
    effects = line.ring(call, fact.identity, now)
    return [*effects, *_answered(line, Answered(call.id, fact.identity), now)]


def _declined(line: Helpline, fact: Declined, now: float) -> list[HelpEffect]:
    call = line.get(fact.call_id)
    person = call.people.get(fact.identity)
    if call.over:
        raise ApiError("call_ended")
    if person is None or person.mode != "ring":
        # Said twice, or too late: somebody else is rung already.
        return []
    return _no(line, call, person, "declined", now, fact.reason)


def _no(line: Helpline, call: Call, person: Person, kind: str, now: float, reason: str = "") -> list[HelpEffect]:
    """Somebody who is rung does not come."""
    note = line.note(call, kind, person.identity, now, reason=reason)
    if person.why == "out":
        outcome: Outcome = "declined" if kind == "declined" else "expired"
        return [note, *line.finish(call, outcome, "shopper", reason, now)]
    if person.why == "queue":
        return [note, *line.unring(call, person.identity, now, by_agent=True), *line.ring_waiting(now)]
    return [note, *refuse_in_talk(line, call, person, now)]


def _ended(line: Helpline, fact: CallEnded, now: float) -> list[HelpEffect]:
    call = line.get(fact.call_id)
    person = call.person(fact.identity)
    if call.over:
        return []
    if person.side == "shopper":
        return line.finish(call, "completed" if call.open else "abandoned", "shopper", fact.reason, now)
    if person.mode == "ring":
        raise ApiError("wrong_state")
    if person.mode != "full":
        raise ApiError("forbidden")
    if person.why == "transfer" and call.transfer is not None:
        # Only asked for advice so far: the one who has the call goes on with it.
        return drop_from_talk(line, call, person, now)
    outcome: Outcome = "completed" if call.open else "failed"
    return line.finish(call, outcome, person.side, fact.reason, now)


def _callback(line: Helpline, fact: CallbackLeft, now: float) -> list[HelpEffect]:
    wall = line.epoch_s + now
    if not wall < fact.at_s <= wall + MAX_CALLBACK_S:
        raise ApiError("callback_invalid")
    if fact.call_id is None:
        _choose_queue(line, fact.queue)
        return []
    call = line.get(fact.call_id)
    if call.shopper != fact.identity:
        raise ApiError("not_in_call")
    if call.over:
        raise ApiError("call_ended")
    if call.open:
        raise ApiError("wrong_state")
    return line.finish(call, "callback", "shopper", "", now, event="callback_left")


def _room_ended(line: Helpline, fact: RoomEnded, now: float) -> list[HelpEffect]:
    effects: list[HelpEffect] = []
    for call in [call for call in line.calls.values() if call.room == fact.room and not call.over]:
        effects += line.finish(call, "completed" if call.open else "failed", "system", "room_ended", now)
    return effects


def _presence(line: Helpline, fact: Presence, now: float) -> list[HelpEffect]:
    effects: list[HelpEffect] = []
    for call in line.calls_of(fact.identity):
        if call.room == fact.room and not call.over:
            effects += _moved(line, call, call.people[fact.identity], fact, now)
    return effects


def _moved(line: Helpline, call: Call, person: Person, fact: Presence, now: float) -> list[HelpEffect]:
    if person.peer is None and fact.peer is None:
        return []
    if not fact.connected and person.connected and fact.peer is not None and person.peer not in (None, fact.peer):
        # Of a connection that was replaced by another one already.
        return []
    gone_at = None if fact.connected else person.gone_at if person.gone_at is not None else now
    after = replace(person, peer=fact.peer, connected=fact.connected, stalled=fact.stalled, gone_at=gone_at)
    if after == person:
        return []
    call.seat(after)
    effects: list[HelpEffect] = []
    if person.connected != fact.connected:
        effects.append(line.note(call, "returned" if fact.connected else "dropped", person.identity, now))
    if person.side == "shopper" and call.state in ("waiting", "ringing"):
        effects += _shopper_waits(line, call, fact.connected, now)
    return [*effects, *line.changed(call)]


def _shopper_waits(line: Helpline, call: Call, connected: bool, now: float) -> list[HelpEffect]:
    queue = line.queue_of(call)
    if queue is None:
        return []
    if connected:
        queue.returned(call.id)
        return line.ring_waiting(now)
    effects: list[HelpEffect] = []
    for person in call.ringing():
        if person.why == "queue":
            # Nobody is rung for somebody who is not there; the place is kept.
            effects += line.unring(call, person.identity, now, by_agent=False)
    queue.dropped(call.id, now)
    return [*effects, *line.ring_waiting(now)]


def _desk_gone(line: Helpline, fact: DeskGone, now: float) -> list[HelpEffect]:
    effects: list[HelpEffect] = []
    for call in line.calls_of(fact.identity):
        person = call.people[fact.identity]
        if call.state == "wrap_up" and call.agent == fact.identity:
            effects += line.close(call, now)
        elif not call.over and person.mode == "ring" and person.side == "agent":
            effects += _no(line, call, person, "left", now)
        elif not call.over and person.side != "shopper" and person.peer is None:
            effects += drop_from_talk(line, call, person, now)
    return [*effects, *_agents_changed(line, AgentsChanged(), now)]


def _agents_changed(line: Helpline, _fact: AgentsChanged, now: float) -> list[HelpEffect]:
    effects: list[HelpEffect] = []
    for identity, call_id in list(line._rung.items()):
        call = line.calls[call_id]
        if line.on_stage(identity) and identity in call.people:
            effects += _no(line, call, call.people[identity], "on_stage", now)
    for call in [line.calls[call_id] for call_id in line._personal]:
        queue = line.queue_of(call)
        waiter = None if queue is None else queue.waiters[call.id]
        if waiter is not None and _away(line, waiter.only, call.room):
            line.open_to_all(call)
    line.widen()
    return [*effects, *line.ring_waiting(now)]


def _queues_set(line: Helpline, fact: QueuesSet, now: float) -> list[HelpEffect]:
    effects: list[HelpEffect] = [QueueNews()]
    for call in line.set_queues(fact.specs):
        line.locate(call, now)
        effects += line.changed(call)
    return [*effects, *line.ring_waiting(now)]


def _tick(line: Helpline, _fact: HelpTick, now: float) -> list[HelpEffect]:
    line.forget(now)
    effects: list[HelpEffect] = []
    for call in line.due(now):
        if call.wrap_until is not None and call.wrap_until <= now:
            effects += line.close(call, now)
            continue
        for person in call.ringing():
            if person.until is not None and person.until <= now and person.identity in call.people and not call.over:
                effects += _no(line, call, person, "no_answer", now)
        effects += consent_is_late(line, call, now)
        effects += _grace(line, call, now)
        line.arm(call, now)
    for queue in list(line.queues.values()):
        for call_id in queue.overdue(now):
            # Whoever left before may have made an agent free for this one.
            if line.calls[call_id].state == "waiting":
                effects += line.finish(line.calls[call_id], "expired", "system", "waited_too_long", now)
    return [*effects, *line.ring_waiting(now), *line.tell_positions(now)]


def _grace(line: Helpline, call: Call, now: float) -> list[HelpEffect]:
    """Who lost the connection and did not come back in time."""
    effects: list[HelpEffect] = []
    for person in list(call.people.values()):
        late = person.gone_at is not None and person.gone_at + line.settings.drop_grace_s <= now
        if not late or call.over:
            continue
        if person.side == "shopper":
            outcome: Outcome = "completed" if call.answered is not None and call.open else "abandoned"
            effects += line.finish(call, outcome, "shopper", "connection_lost", now)
        elif person.mode != "ring":
            effects += drop_from_talk(line, call, person, now)
        else:
            # The ring itself is over soon enough.
            call.change(person.identity, gone_at=None)
    return effects


Rule = Callable[[Any, Any, float], list[HelpEffect]]

_RULES: Mapping[type[HelpFact], Rule] = {
    CallAsked: _asked,
    WritingUp: _writing_up,
    CallPlaced: _placed,
    Answered: _answered,
    Taken: _taken,
    Declined: _declined,
    CallEnded: _ended,
    CallbackLeft: _callback,
    RoomEnded: _room_ended,
    Presence: _presence,
    DeskGone: _desk_gone,
    AgentsChanged: _agents_changed,
    QueuesSet: _queues_set,
    HelpTick: _tick,
    **TALK_RULES,
}
