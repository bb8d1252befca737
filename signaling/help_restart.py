"""What becomes of the calls that the last Node left when a Node starts.

Who waited waits on, since when it was asked; who talked is first in the queue; what was being written up is so for a while;
what an agent only rang is over. The day's figures go on from where the database has them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from signaling.board import Side
from signaling.call import Call, Wrap
from signaling.call_records import CallEvent, CallRecord
from signaling.errors import ApiError
from signaling.help_model import CallAsked, CallContext, WritingUp
from signaling.help_today import ZONE, Today
from signaling.help_views import record_of
from signaling.kpi import Question

if TYPE_CHECKING:
    from signaling.helping import Helping
    from signaling.hub import Hub

#: Who was writing a call up that ended longer ago than this has long done something else.
WRITING_S = 900.0
ROUTING = ("value", "urgency", "mood")


async def take_all_up(hub: Hub, helping: Helping) -> None:
    """Before anybody is let in."""
    store, line = hub.store, helping.line
    today = line.figures(hub.clock())
    begin = Today.begin_of(today.day)
    date = (datetime.fromtimestamp(begin, UTC) + timedelta(seconds=8 * 3600)).date()
    report = await store.kpi.report(Question(date, date, ZONE, "none"))
    today.seed(asdict(report.total), await store.calls.answered_by(begin, begin + 86400.0))
    for record in await store.calls.unfinished():
        call = take_up(helping, record, hub.clock())
        if call is not None:
            helping.boards.restore(call.id, messages_of(record, await store.calls.events(call.id, kind="message")))


def take_up(helping: Helping, record: CallRecord, now: float) -> Call | None:
    """Go on with a call as far as it can go on; what cannot is ended, and None."""
    line = helping.line
    wall = line.epoch_s + now
    if record.ended is not None:
        if record.answered is None or not record.agent or wall - record.ended > WRITING_S:
            helping.keeper.save(replace(record, state="ended", outcome=record.outcome or "failed"))
            return None
        with contextlib.suppress(ApiError):
            helping.apply(writing_up(record, line.epoch_s))
    elif record.direction != "out" or record.answered is not None:
        queue = record.queue if record.queue in line.queues else None
        with contextlib.suppress(ApiError):
            helping.apply(asked_again(record, queue, min(now, record.created - line.epoch_s)))
    call = line.calls.get(record.id)
    if call is None:
        # Only rung so far. Or the end was not written down any more, and the same person has asked again since.
        helping.keeper.save(replace(record, state="ended", outcome="failed", ended=wall, ended_by="system"))
        if record.direction != "out" and record.answered is None and line.figures(now).has(record.created):
            line.figures(now).unserved += 1
        return None
    remember(call, record, line.epoch_s)
    helping.keeper.save(record_of(call, line.epoch_s))
    return call


def context_of_record(record: CallRecord) -> CallContext:
    """As it was asked with."""
    shown = dict(record.context)
    verified, person = bool(shown.pop("verified", False)), shown.pop("person", None)
    routing = shown.pop("routing", None) or {}
    numbers = {name: float(routing.get(name, 0.0)) for name in ROUTING}
    skills = tuple(routing.get("skills", ()))
    return CallContext(record.entry, verified, person, **numbers, skills=skills, language=record.language, shown=shown)


def asked_again(record: CallRecord, queue: str | None, created: float) -> CallAsked:
    """A call that another Node left: its shopper waits anew, since ``created``."""
    return CallAsked(
        record.id,
        record.shopper,
        record.shopper_name,
        record.room,
        queue,
        record.media,
        context_of_record(record),
        record.text,
        record.topic,
        created=created,
        returned=record.answered is not None,
    )


def writing_up(record: CallRecord, epoch_s: float) -> WritingUp:
    """A call that another Node left: its agent goes on with the notes."""
    assert record.answered is not None
    assert record.ended is not None
    return WritingUp(
        record.id,
        record.shopper,
        record.shopper_name,
        record.room,
        record.queue,
        record.direction,
        record.media,
        record.agent,
        record.agent_name,
        record.created - epoch_s,
        record.answered - epoch_s,
        record.ended - epoch_s,
        context_of_record(record),
        record.text,
        record.topic,
    )


def remember(call: Call, record: CallRecord, epoch_s: float) -> None:
    """What had happened in a call before it waits anew: who talks with this shopper next finds it, and so do the books."""
    call.direction = record.direction
    call.rung = None if record.rung is None else record.rung - epoch_s
    call.answered = None if record.answered is None else record.answered - epoch_s
    call.agent, call.agent_name = record.agent, record.agent_name
    call.hold_s, call.transfers, call.escalations = record.hold_s, record.transfers, record.escalations
    noted = record.notes.at - epoch_s if record.notes.at else None
    call.wrap = Wrap(record.notes.note, record.notes.reasons, record.notes.solved, noted)
    if record.ended is not None:
        call.outcome, call.end_reason, call.ended_by = record.outcome, record.end_reason, record.ended_by
        call.priority = record.priority


def messages_of(record: CallRecord, events: Iterable[CallEvent]) -> list[dict[str, Any]]:
    """What was written in a call, from its books, as :class:`signaling.board.Board` has it."""
    found = []
    for event in events:
        detail = event.detail
        side: Side = detail.get("side") or ("shopper" if event.identity == record.shopper else "agent")
        by = {"identity": event.identity, "name": detail.get("name", event.identity), "side": side}
        said = {key: detail.get(key) for key in ("text", "article", "file")}
        found.append({"id": detail.get("id", event.id), "by": by, "at": round(event.at * 1000), **said})
    return found
