"""What becomes of the calls that the last Node left when a Node starts."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from signaling.call import Call, Wrap
from signaling.call_records import CallRecord
from signaling.errors import ApiError
from signaling.help_keeping import Keeper
from signaling.help_model import CallAsked, CallContext
from signaling.help_views import record_of

if TYPE_CHECKING:
    from signaling.helping import Helping


def take_up(helping: Helping, keeper: Keeper, record: CallRecord, now: float) -> None:
    """Its shopper waits anew, since when it was asked; what was over, or an agent's own ring, is ended."""
    line = helping.line
    if record.ended is not None or record.direction == "out":
        keeper.save(replace(record, state="ended", outcome=record.outcome or "failed"))
        return
    queue = record.queue if record.queue in line.queues else None
    with contextlib.suppress(ApiError):
        helping.apply(asked_again(record, queue, min(now, record.created - line.epoch_s)))
    call = line.calls.get(record.id)
    if call is None:
        # The end of one was not written down any more, and the same person has asked again since.
        keeper.save(replace(record, state="ended", outcome="failed", ended=line.epoch_s + now))
        return
    remember(call, record, line.epoch_s)
    keeper.save(record_of(call, line.epoch_s))


def asked_again(record: CallRecord, queue: str | None, created: float) -> CallAsked:
    """A call that another Node left: its shopper waits anew, since ``created``."""
    shown = dict(record.context)
    # What was verified then is so still; the rest of what was signed has done its work.
    verified, person = bool(shown.pop("verified", False)), shown.pop("person", None)
    context = CallContext(record.entry, verified, person, language=record.language, shown=shown)
    return CallAsked(
        record.id,
        record.shopper,
        record.shopper_name,
        record.room,
        queue,
        record.media,
        context,
        record.text,
        record.topic,
        created=created,
    )


def remember(call: Call, record: CallRecord, epoch_s: float) -> None:
    """What had happened in a call before it waits anew: who talks with this shopper next finds it, and so do the books."""
    call.rung = None if record.rung is None else record.rung - epoch_s
    call.answered = None if record.answered is None else record.answered - epoch_s
    call.agent, call.agent_name = record.agent, record.agent_name
    call.hold_s, call.transfers, call.escalations = record.hold_s, record.transfers, record.escalations
    call.wrap = Wrap(record.notes.note, record.notes.reasons, record.notes.solved)
