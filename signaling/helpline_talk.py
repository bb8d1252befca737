"""The rules of a call that goes on: hold, transfer, colleagues, supervisors, the stage, notes and ratings. Pure.

Each function takes one fact for :meth:`signaling.helpline.Helpline.handle`: it raises ApiError before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from signaling.admission import admission
from signaling.call import Call, Escalation, Person, Score, Transfer, Wrap
from signaling.errors import ApiError
from signaling.help_book import HelpBook
from signaling.help_model import (
    AgentChanged,
    DeescalationAsked,
    EscalationAsked,
    HelpEffect,
    HelperAsked,
    HelperLeft,
    HelpFact,
    HoldSet,
    MediaChanged,
    Rated,
    StageConsent,
    StageLeave,
    StageMoved,
    StageOffer,
    Supervised,
    TargetKind,
    TransferAsked,
    TransferCancelled,
    TransferCompleted,
    WrappedUp,
)

MAX_AGENTS = 4
#: Why nobody goes on air who was asked and said nothing.
LATE = "consent_expired"
#: Rooms in which there is no show.
HELP_ROOM = "help"


def _require_open(call: Call) -> None:
    if call.over:
        raise ApiError("call_ended")
    if not call.open:
        raise ApiError("wrong_state")


def _staged(call: Call) -> bool:
    """On the stage, or the host has been asked already."""
    return call.escalation is not None and call.escalation.state in ("offered", "on_stage")


def _unstage(call: Call) -> list[HelpEffect]:
    """Whatever there is of an escalation ends with the part of the call that it was asked for."""
    left: list[HelpEffect] = [StageLeave(call.id, call.room)] if _staged(call) else []
    call.escalation = None
    return left


# --- media and hold ---------------------------------------------------------------------------------------------------


def _media_changed(line: HelpBook, fact: MediaChanged, now: float) -> list[HelpEffect]:
    call = line.get_open(fact.call_id)
    if fact.identity != call.shopper:
        raise ApiError("not_in_call" if fact.identity not in call.people else "forbidden")
    if call.media == fact.media:
        return []
    call.media = fact.media
    return [line.note(call, "media", fact.identity, now, media=fact.media), *line.changed(call)]


def _hold_set(line: HelpBook, fact: HoldSet, now: float) -> list[HelpEffect]:
    call = line.get_open(fact.call_id)
    call.require_agent(fact.identity)
    if (call.state == "on_hold") == fact.held and call.open:
        return []
    if _staged(call) or (call.transfer is not None and not fact.held):
        raise ApiError("wrong_state")
    _require_open(call)
    return [*_hold(line, call, fact.identity, now, fact.held), *line.changed(call)]


def _hold(line: HelpBook, call: Call, identity: str, now: float, held: bool) -> list[HelpEffect]:
    if (call.state == "on_hold") == held:
        return []
    call.step("hold" if held else "resume")
    if held:
        call.held_by, call.held_at = identity, now
        return [line.note(call, "held", identity, now)]
    call.hold_s += now - (call.held_at if call.held_at is not None else now)
    call.held_by = call.held_at = None
    return [line.note(call, "resumed", identity, now)]


# --- bringing in somebody else ---------------------------------------------------------------------------------------


def _find(line: HelpBook, call: Call, kind: TargetKind, to: str, by: str, tried: frozenset[str]) -> tuple[str, str]:
    """Who is rung: identity and name. Raises ApiError."""
    if kind == "identity":
        if to in call.people:
            raise ApiError("agent_busy")
        reach = line.desk.reach(to, call.room)
        if reach != "free":
            raise ApiError({"unknown": "agent_not_found", "offline": "agent_offline"}.get(reach, "agent_busy"))
        return to, line.name_of(to)
    skills = frozenset((to,))
    if kind == "queue":
        queue = line.queues.get(to)
        if queue is None:
            raise ApiError("queue_unknown")
        skills = frozenset(queue.spec.skills)
    for agent in line.desk.free(call.room):
        if skills <= agent.skills and agent.identity not in tried and agent.identity not in call.people:
            return agent.identity, agent.name
    raise ApiError("nobody_available")


def _ring_into(line: HelpBook, call: Call, identity: str, name: str, why: Any, now: float) -> HelpEffect:
    line.desk.reserve_call(identity, call.id, call.room, now)
    until = now + line.settings.ring_s
    line.join(call, Person(identity, name, "agent", "agent", "ring", until=until, why=why))
    return AgentChanged(identity)


def _transfer_asked(line: HelpBook, fact: TransferAsked, now: float) -> list[HelpEffect]:
    call = line.get_open(fact.call_id)
    person = call.require_agent(fact.identity)
    _require_open(call)
    if call.transfer is not None:
        raise ApiError("transfer_pending")
    if person.side != "agent":
        raise ApiError("forbidden")
    if _staged(call):
        raise ApiError("wrong_state")
    if fact.kind == "identity" and fact.to == fact.identity:
        raise ApiError("wrong_state")
    if fact.kind == "queue" and fact.to not in line.queues:
        raise ApiError("queue_unknown")
    note = line.note(
        call, "transfer_asked", fact.identity, now, kind=fact.kind, to=fact.to, warm=fact.warm, note=fact.note
    )
    if fact.warm:
        identity, name = _find(line, call, fact.kind, fact.to, fact.identity, frozenset())
        effects = _hold(line, call, fact.identity, now, True)
        call.transfer = Transfer(fact.identity, fact.kind, fact.to, name, fact.note, now)
        effects.append(_ring_into(line, call, identity, name, "transfer", now))
        return [note, *effects, *line.changed(call)]
    _require_taker(line, call, fact, now)
    return [note, *_hand_on(line, call, fact, now)]


def _require_taker(line: HelpBook, call: Call, fact: TransferAsked, now: float) -> None:
    """Nobody is handed on to where nobody comes. Raises ApiError."""
    if fact.kind == "identity":
        _find(line, call, fact.kind, fact.to, fact.identity, frozenset())
    elif fact.kind == "queue":
        admission(line.spec(line.queues[fact.to]), 0, None, line.epoch_s + now).check()
    elif not any(fact.to in agent.skills and agent.serves(call.room) for agent in line.desk.on_duty()):
        raise ApiError("nobody_available")


def _hand_on(line: HelpBook, call: Call, fact: TransferAsked, now: float) -> list[HelpEffect]:
    """Cold: the shopper waits for the next one, at the head of the queue."""
    effects = [*_unstage(call), *_hold(line, call, fact.identity, now, False)]
    call.wrap = call.wrap.add(fact.note, now)
    former = [person.identity for person in call.people.values() if person.side != "shopper"]
    line.handled(call, now)
    for identity in former:
        effects += line.leave(call, identity, now)
    call.step("lost")
    call.transfers += 1
    if fact.kind == "queue":
        call.queue = fact.to
    line.line_up(
        call,
        now,
        returned=True,
        skills=(fact.to,) if fact.kind == "skill" else (),
        only=fact.to if fact.kind == "identity" else "",
    )
    line.spare(call, former)
    return [*effects, *line.changed(call, former), *line.ring_waiting(now)]


def answer_in_talk(line: HelpBook, call: Call, person: Person, now: float) -> list[HelpEffect]:
    """A colleague has come, for a transfer or to help."""
    line.answers(call, person.identity)
    effects = line.engage(call, person.identity, now)
    effects.append(line.note(call, "joined", person.identity, now, why=person.why))
    if person.why == "transfer" and call.transfer is not None:
        call.transfer = replace(call.transfer, state="talking", name=person.name)
    line.figures(now).answer(call, person.identity, now)
    return [*effects, *line.changed(call)]


def refuse_in_talk(line: HelpBook, call: Call, person: Person, now: float) -> list[HelpEffect]:
    """A colleague does not come: the next of the group, or back."""
    effects = line.leave(call, person.identity, now)
    transfer = call.transfer
    if person.why == "transfer" and transfer is not None:
        tried = transfer.tried | {person.identity}
        try:
            if transfer.kind == "identity":
                raise ApiError("agent_busy")
            identity, name = _find(line, call, transfer.kind, transfer.to, transfer.by, tried)
        except ApiError:
            call.end_transfer(now, keep=False)
            effects.append(line.note(call, "transfer_failed", person.identity, now))
            effects += _hold(line, call, transfer.by, now, False)
        else:
            call.transfer = replace(transfer, tried=tried, name=name)
            effects.append(_ring_into(line, call, identity, name, "transfer", now))
    return [*effects, *line.changed(call, (person.identity,)), *line.ring_waiting(now)]


def _transfer_completed(line: HelpBook, fact: TransferCompleted, now: float) -> list[HelpEffect]:
    call = line.get_open(fact.call_id)
    call.require_agent(fact.identity)
    transfer = call.transfer
    if transfer is None or transfer.state != "talking":
        raise ApiError("wrong_state")
    return _complete(line, call, transfer, now)


def _complete(line: HelpBook, call: Call, transfer: Transfer, now: float) -> list[HelpEffect]:
    taker = next(person for person in call.people.values() if person.why == "transfer" and person.mode == "full")
    call.end_transfer(now)
    call.transfers += 1
    if transfer.by == call.agent or call.agent not in call.people:
        call.agent, call.agent_name = taker.identity, taker.name
    call.change(taker.identity, why="")
    effects = line.leave(call, transfer.by, now) if transfer.by in call.people else []
    effects += _hold(line, call, transfer.by, now, False)
    if call.escalation is not None and call.escalation.by == transfer.by:
        effects += _unstage(call)
    effects.append(line.note(call, "transferred", transfer.by, now, to=taker.identity))
    return [*effects, *line.changed(call, (transfer.by,)), *line.ring_waiting(now)]


def _transfer_cancelled(line: HelpBook, fact: TransferCancelled, now: float) -> list[HelpEffect]:
    call = line.get_open(fact.call_id)
    call.require_agent(fact.identity)
    if call.transfer is None:
        raise ApiError("wrong_state")
    return _take_back(line, call, fact.identity, now)


def _take_back(line: HelpBook, call: Call, identity: str, now: float) -> list[HelpEffect]:
    called = [person.identity for person in call.people.values() if person.why == "transfer"]
    effects: list[HelpEffect] = []
    for each in called:
        effects += line.leave(call, each, now)
    call.end_transfer(now, keep=False)
    effects += _hold(line, call, identity, now, False)
    effects.append(line.note(call, "transfer_cancelled", identity, now))
    return [*effects, *line.changed(call, called), *line.ring_waiting(now)]


def _helper_asked(line: HelpBook, fact: HelperAsked, now: float) -> list[HelpEffect]:
    call = line.get_open(fact.call_id)
    call.require_agent(fact.identity)
    _require_open(call)
    if sum(person.side == "agent" for person in call.people.values()) >= MAX_AGENTS:
        raise ApiError("wrong_state")
    identity, name = _find(line, call, fact.kind, fact.to, fact.identity, frozenset())
    rung = _ring_into(line, call, identity, name, "helper", now)
    return [rung, line.note(call, "helper_asked", fact.identity, now, to=identity), *line.changed(call)]


def _helper_left(line: HelpBook, fact: HelperLeft, now: float) -> list[HelpEffect]:
    call = line.get_open(fact.call_id)
    person = call.person(fact.identity)
    if person.side == "shopper":
        raise ApiError("forbidden")
    if person.side == "agent" and len(call.agents()) < 2:
        raise ApiError("wrong_state")
    return drop_from_talk(line, call, person, now)


def drop_from_talk(line: HelpBook, call: Call, person: Person, now: float) -> list[HelpEffect]:
    """An agent or supervisor goes while others stay, or the call goes back to the queue."""
    others = [each for each in call.agents() if each.identity != person.identity]
    if person.side == "agent" and not others:
        if call.open:
            return line.give_back(call, now, "agent_left")
        return line.finish(call, "failed", "agent", "agent_left", now)
    if call.transfer is not None and person.identity == call.transfer.by and call.transfer.state == "talking":
        return _complete(line, call, call.transfer, now)
    if call.transfer is not None and person.why == "transfer":
        return _take_back(line, call, call.transfer.by, now)
    effects = line.leave(call, person.identity, now)
    if call.agent == person.identity and others:
        call.agent, call.agent_name = others[0].identity, others[0].name
    if call.transfer is not None and call.transfer.by == person.identity:
        # The colleague who is still rung is rung for whoever has the call now.
        call.transfer = replace(call.transfer, by=call.agent)
    if call.escalation is not None and call.escalation.by == person.identity:
        effects += _unstage(call)
    effects.append(line.note(call, "left", person.identity, now))
    return [*effects, *line.changed(call, (person.identity,)), *line.ring_waiting(now)]


# --- supervisors ------------------------------------------------------------------------------------------------------


def _supervised(line: HelpBook, fact: Supervised, now: float) -> list[HelpEffect]:
    call = line.get_open(fact.call_id)
    mine = call.people.get(fact.identity)
    if mine is not None and mine.side == "shopper":
        raise ApiError("forbidden")
    if fact.mode == "off":
        if mine is None:
            return []
        if mine.side == "agent":
            raise ApiError("wrong_state")
        return drop_from_talk(line, call, mine, now)
    _require_open(call)
    if mine is not None and mine.side == "agent":
        raise ApiError("wrong_state")
    if fact.mode == "takeover":
        return _take_over(line, call, fact, mine, now)
    mode: Any = {"listen": "listen", "whisper": "whisper", "barge": "full"}[fact.mode]
    effects: list[HelpEffect] = []
    if mine is None:
        _require_unoccupied(line, call, fact.identity)
        line.join(call, Person(fact.identity, fact.name, "supervisor", "supervisor", mode))
        effects += line.engage(call, fact.identity, now)
    elif mine.mode == mode:
        return []
    else:
        call.change(fact.identity, mode=mode)
    return [*effects, line.note(call, f"supervisor_{fact.mode}", fact.identity, now), *line.changed(call)]


def _require_unoccupied(line: HelpBook, call: Call, identity: str) -> None:
    """Who has a call of their own ends it first; listening to several is fine."""
    for other in line.calls_of(identity):
        side = other.people[identity].side
        busy = other.state != "ended" if side == "agent" else not other.over and side == "shopper"
        if other is not call and busy:
            raise ApiError("already_in_call")


def _take_over(line: HelpBook, call: Call, fact: Supervised, mine: Person | None, now: float) -> list[HelpEffect]:
    if call.transfer is not None or _staged(call):
        raise ApiError("wrong_state")
    _require_unoccupied(line, call, fact.identity)
    effects = [*_unstage(call), *_hold(line, call, fact.identity, now, False)]
    former = [person.identity for person in call.people.values() if person.side == "agent"]
    for identity in former:
        effects += line.leave(call, identity, now)
    peer = None if mine is None else mine.peer
    line.join(call, Person(fact.identity, fact.name, "supervisor", "agent", "full", peer))
    call.agent, call.agent_name = fact.identity, fact.name
    effects += line.engage(call, fact.identity, now)
    effects.append(line.note(call, "supervisor_takeover", fact.identity, now))
    return [*effects, *line.changed(call, former), *line.ring_waiting(now)]


# --- the stage --------------------------------------------------------------------------------------------------------


def _escalation_asked(line: HelpBook, fact: EscalationAsked, now: float) -> list[HelpEffect]:
    call = line.get_open(fact.call_id)
    person = call.require_agent(fact.identity)
    if call.room == HELP_ROOM or call.room.startswith(f"{HELP_ROOM}."):
        raise ApiError("not_in_show")
    if call.escalation is not None and call.escalation.pending:
        raise ApiError("consent_pending")
    if person.side != "agent":
        raise ApiError("forbidden")
    if call.state != "active" or _staged(call) or call.transfer is not None:
        raise ApiError("wrong_state")
    call.escalation = Escalation(fact.identity, fact.topic, until=now + line.settings.consent_s)
    return [line.note(call, "escalation_asked", fact.identity, now, topic=fact.topic), *line.changed(call)]


def _consented(line: HelpBook, fact: StageConsent, now: float) -> list[HelpEffect]:
    call = line.get_open(fact.call_id)
    if fact.identity != call.shopper:
        raise ApiError("not_in_call" if fact.identity not in call.people else "forbidden")
    asked = call.escalation
    if asked is not None and asked.code == LATE:
        raise ApiError(LATE)
    if asked is None or asked.state not in ("asking", "offered", "on_stage"):
        raise ApiError("wrong_state")
    if asked.state == "offered" and fact.consent != "no":
        raise ApiError("consent_pending")
    if call.state != "active" and fact.consent != "no":
        raise ApiError("wrong_state")
    note = line.note(call, "stage_consent", fact.identity, now, consent=fact.consent)
    if fact.consent == "no":
        call.escalation = replace(asked, state="declined", consent="no")
        undo: list[HelpEffect] = [] if asked.state == "asking" else [StageLeave(call.id, call.room)]
        return [note, *undo, *line.changed(call)]
    call.escalation = replace(asked, consent=fact.consent, state="offered" if asked.state == "asking" else asked.state)
    offer = StageOffer(call.id, call.room, asked.by, asked.topic, call.aired(), fact.consent)
    return [note, *line.changed(call), offer]


def consent_is_late(line: HelpBook, call: Call, now: float) -> list[HelpEffect]:
    """The shopper has not said whether to go on air: then not."""
    asked = call.escalation
    if asked is None or asked.state != "asking" or asked.until is None or asked.until > now:
        return []
    call.escalation = replace(asked, state="declined", code=LATE, until=None)
    return [line.note(call, "stage_consent", "", now, consent=LATE), *line.changed(call)]


def _stage_moved(line: HelpBook, fact: StageMoved, now: float) -> list[HelpEffect]:
    call = line.calls.get(fact.call_id)
    if call is None or call.over:
        return []
    was = call.escalation
    if fact.on and (was is None or was.consent in (None, "no")):
        # Nobody is on air without having agreed to it.
        return [StageLeave(call.id, call.room)]
    if was is None:
        return []
    if fact.on:
        call.escalation = replace(was, state="on_stage", code=None)
        call.escalations += was.state != "on_stage"
        return [line.note(call, "on_stage", was.by, now), *line.changed(call)]
    if was.state == "declined":
        return []
    call.escalation = None if was.state == "on_stage" or fact.code is None else replace(was, state="refused", code=fact.code)
    return [line.note(call, "off_stage", "", now, code=fact.code or ""), *line.changed(call)]


def _deescalation(line: HelpBook, fact: DeescalationAsked, now: float) -> list[HelpEffect]:
    call = line.get_open(fact.call_id)
    person = call.person(fact.identity)
    if person.mode != "full":
        raise ApiError("forbidden")
    if call.escalation is None:
        return []
    return [StageLeave(call.id, call.room), *_stage_moved(line, StageMoved(call.id, False), now)]


# --- afterwards -------------------------------------------------------------------------------------------------------


def _wrapped_up(line: HelpBook, fact: WrappedUp, now: float) -> list[HelpEffect]:
    call = line.get(fact.call_id)
    if fact.identity != call.agent:
        call.require_agent(fact.identity)
    elif call.state in ("waiting", "ringing"):
        raise ApiError("wrong_state")
    call.wrap = Wrap(fact.note, fact.reasons, fact.solved, now)
    if call.state == "wrap_up" and fact.done:
        return line.close(call, now)
    if call.state == "wrap_up":
        # Who writes is given time.
        call.wrap_until = max(call.wrap_until or 0.0, now + line.settings.wrap_up_s / 2)
    return [line.note(call, "noted", fact.identity, now), *line.changed(call)]


def _rated(line: HelpBook, fact: Rated, now: float) -> list[HelpEffect]:
    call = line.get(fact.call_id)
    if fact.identity != call.shopper:
        raise ApiError("not_in_call")
    if not call.over:
        raise ApiError("wrong_state")
    if call.ended is not None and call.ended + line.settings.rating_s < now:
        raise ApiError("rating_closed")
    line.figures(now).score(line.epoch_s + call.created, fact.score, None if call.rating is None else call.rating.score)
    call.rating = Score(fact.score, fact.comment, fact.solved, now)
    return [line.note(call, "rated", fact.identity, now, score=fact.score), *line.changed(call)]


TalkRule = Callable[[Any, Any, float], list[HelpEffect]]

TALK_RULES: dict[type[HelpFact], TalkRule] = {
    MediaChanged: _media_changed,
    HoldSet: _hold_set,
    TransferAsked: _transfer_asked,
    TransferCompleted: _transfer_completed,
    TransferCancelled: _transfer_cancelled,
    HelperAsked: _helper_asked,
    HelperLeft: _helper_left,
    Supervised: _supervised,
    EscalationAsked: _escalation_asked,
    StageConsent: _consented,
    StageMoved: _stage_moved,
    DeescalationAsked: _deescalation,
    WrappedUp: _wrapped_up,
    Rated: _rated,
}
