"""How calls look from outside: to each side on the wire, and to the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signaling import help_messages as m
from signaling.call import Call
from signaling.call_records import CallRecord, Notes, Rating
from signaling.chat_text import clean_text
from signaling.envelope import web_address
from signaling.help_model import CallContext

#: What the shop has signed and decides who is next: kept, so that a restart changes nobody's place.
ROUTING = ("value", "urgency", "mood", "skills")


def record_of(call: Call, epoch_s: float) -> CallRecord:
    """The call's row; ``epoch_s`` is the wall clock at the Helpline's time 0."""

    def wall(time_s: float | None) -> float | None:
        return None if time_s is None else epoch_s + time_s

    wrap, rating, context = call.wrap, call.rating, call.context
    if call.transfer is not None:
        # What was said when handing on is part of the note when that is done; until then a restart must not lose it.
        wrap = wrap.add(call.transfer.note, call.transfer.at)
    shown = {**context.shown, "verified": context.verified, "person": context.person}
    if routing := {name: getattr(context, name) for name in ROUTING if getattr(context, name)}:
        shown["routing"] = routing
    return CallRecord(
        id=call.id,
        room=call.room,
        shopper=call.shopper,
        created=epoch_s + call.created,
        state=call.state,
        direction=call.direction,
        media=call.media,
        entry=call.context.entry,  # type: ignore[arg-type]
        queue=call.queue,
        shopper_name=call.people[call.shopper].name,
        agent=call.agent,
        agent_name=call.agent_name,
        language=call.context.language,
        topic=call.topic,
        text=call.text,
        priority=call.priority,
        rung=wall(call.rung),
        answered=wall(call.answered),
        ended=wall(call.ended),
        wrapped=wall(call.wrapped),
        outcome=call.outcome,
        end_reason=call.end_reason,
        ended_by=call.ended_by,
        hold_s=call.hold_s,
        transfers=call.transfers,
        escalations=call.escalations,
        context=shown,
        notes=Notes() if wrap.at is None else Notes(wrap.note, wrap.reasons, wrap.solved, epoch_s + wrap.at),
        rating=None if rating is None else Rating(rating.score, rating.comment, rating.solved, epoch_s + rating.at),
    )


def question_of(call: Call) -> dict[str, Any]:
    """What the shop's hook is told of a call (docs/widget.md)."""
    return {
        "call": call.id,
        "room": call.room,
        "queue": call.queue,
        "direction": call.direction,
        "media": call.media,
        "shopper": {"identity": call.shopper, "name": call.people[call.shopper].name},
        "text": call.text,
        "topic": call.topic,
        "context": {**call.context.shown, "verified": call.context.verified, "person": call.context.person},
    }


def earlier_of(record: CallRecord) -> dict[str, Any]:
    """One line of ``earlier`` in PROTOCOL.md."""
    return {
        "id": record.id,
        "at": round(record.created * 1000),
        "agent": record.agent_name or record.agent or None,
        "queue": record.queue,
        "outcome": record.outcome,
        "score": None if record.rating is None else record.rating.score,
        "note": record.notes.note or None,
    }


def context_of(said: m.Context | None, locale: str, signed: Mapping[str, Any] | None) -> CallContext:
    """What the page says, and over it what the shop's backend has signed (:mod:`signaling.envelope`)."""
    context = said or m.Context()
    shown: dict[str, Any] = {
        "entry": context.entry,
        "page_url": web_address(context.page_url),
        "page_title": clean_text(context.page_title),
        "product": None
        if context.product is None
        else {
            "id": clean_text(context.product.id),
            "title": clean_text(context.product.title),
            "price": clean_text(context.product.price),
            "url": web_address(context.product.url),
        },
        "order": None
        if context.order is None
        else {"id": clean_text(context.order.id), "title": clean_text(context.order.title)},
        "locale": clean_text(context.locale) or locale,
        "device": clean_text(context.device),
    }
    if signed is None:
        return CallContext(entry=context.entry, language=shown["locale"], shown=shown)
    shown |= {key: signed[key] for key in ("entry", "page_url", "page_title", "product", "order") if signed.get(key)}
    return CallContext(
        entry=shown["entry"],
        verified=True,
        person=signed.get("person"),
        value=float(signed.get("value") or 0.0),
        urgency=float(signed.get("urgency") or 0.0),
        mood=float(signed.get("mood") or 0.0),
        skills=tuple(signed.get("skills") or ()),
        language=str(signed.get("language") or shown["locale"]),
        shown=shown,
    )
