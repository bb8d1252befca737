"""Calls, callbacks and queues of the database as JSON has them: times in milliseconds, spans in seconds. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from signaling.call_records import AgentDay, CallbackRecord, CallEvent, CallRecord, QueueRecord
from signaling.desk_store import QuickReplies


def call(record: CallRecord) -> dict[str, Any]:
    """One line of a list."""
    return {
        "id": record.id,
        "room": record.room,
        "queue": record.queue,
        "direction": record.direction,
        "media": record.media,
        "entry": record.entry,
        "state": record.state,
        "created": ms(record.created),
        "answered": ms(record.answered),
        "ended": ms(record.ended),
        "outcome": record.outcome,
        "end_reason": record.end_reason,
        "shopper": {"identity": record.shopper, "name": record.shopper_name or record.shopper},
        "agent": {"identity": record.agent, "name": record.agent_name or record.agent} if record.agent else None,
        "topic": record.topic,
        "waited_s": _span(record.created, record.answered if record.answered is not None else record.ended),
        "handle_s": handle_s(record),
        "hold_s": round(record.hold_s, 3),
        "transfers": record.transfers,
        "escalations": record.escalations,
        "notes": {
            "note": record.notes.note,
            "reasons": list(record.notes.reasons),
            "solved": record.notes.solved,
            "at": ms(record.notes.at) if record.notes.at else None,
        },
        "rating": None if record.rating is None else {**asdict(record.rating), "at": ms(record.rating.at)},
    }


def whole_call(record: CallRecord, events: list[CallEvent]) -> dict[str, Any]:
    """All there is about one call."""
    return {
        **call(record),
        "rung": ms(record.rung),
        "wrapped": ms(record.wrapped),
        "ended_by": record.ended_by,
        "language": record.language,
        "text": record.text,
        "context": record.context,
        "events": [
            {"kind": event.kind, "at": ms(event.at), "identity": event.identity, "detail": event.detail} for event in events
        ],
    }


def day(figures: AgentDay, calls: list[CallRecord]) -> dict[str, Any]:
    """An agent's own day; ``asa_s`` is from ringing to answering."""
    return {
        "identity": figures.identity,
        "calls": figures.calls,
        "asa_s": _rounded(figures.answer_s),
        "handle_s": _rounded(figures.handle_s),
        "csat": _rounded(figures.csat),
        "rated": figures.ratings,
        "solved": figures.solved,
        "list": [
            {
                "id": record.id,
                "at": ms(record.created),
                "shopper": record.shopper_name or record.shopper,
                "queue": record.queue,
                "outcome": record.outcome,
                "handle_s": handle_s(record),
                "score": None if record.rating is None else record.rating.score,
                "note": record.notes.note,
            }
            for record in calls
        ],
    }


def callback(record: CallbackRecord) -> dict[str, Any]:
    """Somebody to be called back."""
    return {
        "id": record.id,
        "identity": record.identity,
        "name": record.name or record.identity,
        "room": record.room,
        "queue": record.queue,
        "call": record.call or None,
        "created": ms(record.created),
        "at": ms(record.at),
        "phone": record.phone,
        "note": record.note,
        "language": record.language,
        "done": ms(record.done),
        "done_by": record.done_by or None,
    }


def queue(record: QueueRecord) -> dict[str, Any]:
    """A queue as it was set up."""
    return {**asdict(record), "skills": list(record.skills), "languages": list(record.languages)}


def quick_replies(kept: QuickReplies | None) -> dict[str, Any]:
    """An agent's own; ``replies`` null: never changed, and the console shows what it has."""
    return {
        "replies": None if kept is None else list(kept.replies),
        "updated": None if kept is None else ms(kept.updated),
    }


def handle_s(record: CallRecord) -> float | None:
    """From the answer to the end of the notes; None while it goes on or if nobody answered."""
    return _span(record.answered, record.wrapped if record.wrapped is not None else record.ended)


def ms(at: float | None) -> int | None:
    """Milliseconds since the epoch."""
    return None if at is None else round(at * 1000)


def _span(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else round(end - begin, 3)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
