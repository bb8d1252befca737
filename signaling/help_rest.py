"""Calls over HTTP, ``/api/v1``: what was, an agent's own day, and what is said when a call is over.

An agent (grant ``desk``) sees the calls that were theirs; ``supervise`` or ``manage`` sees those of the rooms that the
token covers; a shopper rates the own call. An agent's quick replies are nobody else's. Queues, callbacks and key figures are in :mod:`signaling.help_admin`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from aiohttp import web

from signaling import help_wire as wire
from signaling.afterwards import Afterwards
from signaling.call_records import CallFilter, CallRecord, Cursor, Entry, Notes, Outcome, Rating
from signaling.call_store import CallStore
from signaling.chat_text import clean_text
from signaling.desk_store import QuickReplies
from signaling.errors import bad_message
from signaling.help_access import TIMEZONE, LiveHelp, NoLiveHelp, Scope, answer, guarded, oversees, scope
from signaling.http_common import authenticate, read_body
from signaling.http_query import Query
from signaling.hub import Hub
from signaling.kpi_query import Days
from signaling.shapes import Between, Length, read_object

MAX_REASONS = 8
PAGE, MAX_PAGE = 50, 200
LISTED = 100
MAX_REPLIES, MAX_REPLY = 50, 300
#: So many characters, each escaped as JSON may have it, beyond the plane where that takes twelve bytes.
MAX_REPLIES_BODY = 192 * 1024


@dataclass(frozen=True, slots=True)
class NewRating:
    """The body of ``POST /calls/{call}/rating``."""

    score: Annotated[int, Between(1, 5)]
    comment: Annotated[str, Length(0, 1000)] = ""
    solved: Literal["yes", "no"] | None = None


@dataclass(frozen=True, slots=True)
class NewReplies:
    """The body of ``PUT /me/quick_replies``; None: the console's own again."""

    replies: tuple[Annotated[str, Length(1, MAX_REPLY)], ...] | None


@dataclass(frozen=True, slots=True)
class NewNotes:
    """The body of ``POST /calls/{call}/wrap_up``."""

    note: Annotated[str, Length(0, 4000)] = ""
    reasons: tuple[Annotated[str, Length(1, 40)], ...] = ()
    solved: Literal["yes", "no", "unknown"] = "unknown"


def routes(hub: Hub, live: LiveHelp | None = None) -> web.RouteTableDef:
    """The table for :meth:`aiohttp.web.Application.add_routes`. ``live`` holds the calls that go on."""
    table = web.RouteTableDef()
    held = live or NoLiveHelp()
    store = hub.store.calls
    afterwards = Afterwards(store, hub.wall, held.rated_late)

    @table.get("/api/v1/calls")
    @guarded
    async def list_calls(request: web.Request) -> web.Response:
        claims, query = authenticate(request, hub), Query(request.query)
        seen = scope(claims, query.text("room"))
        which, after = _filter(query, seen), _cursor(query)
        limit = query.number("limit", 1, MAX_PAGE, PAGE)
        found = await store.calls(which, limit + 1, after)
        page, more = found[:limit], len(found) > limit
        return answer({"calls": [wire.call(record) for record in page], "next": _told(page[-1]) if more else None})

    @table.get("/api/v1/calls/{call}")
    @guarded
    async def show(request: web.Request) -> web.Response:
        seen = scope(authenticate(request, hub))
        call = await afterwards.call(request.match_info["call"])
        return answer(await _whole(store, call, seen))

    @table.post("/api/v1/calls/{call}/rating")
    @guarded
    async def rate(request: web.Request) -> web.Response:
        claims, call_id = authenticate(request, hub), request.match_info["call"]
        wanted: NewRating = read_object(NewRating, await read_body(request))
        rating = Rating(wanted.score, clean_text(wanted.comment, newlines=True), wanted.solved, hub.wall())
        if not await held.rate_held(claims, call_id, rating):
            await afterwards.rate(call_id, claims, rating)
        return web.Response(status=204)

    @table.post("/api/v1/calls/{call}/wrap_up")
    @guarded
    async def wrap_up(request: web.Request) -> web.Response:
        claims, call_id = authenticate(request, hub), request.match_info["call"]
        seen = scope(claims)
        wanted: NewNotes = read_object(NewNotes, await read_body(request))
        if len(wanted.reasons) > MAX_REASONS:
            raise bad_message("reasons", "range")
        reasons = tuple(filter(None, map(clean_text, wanted.reasons)))
        notes = Notes(clean_text(wanted.note, newlines=True), reasons, wanted.solved, hub.wall())
        if not await held.note_held(claims, call_id, notes):
            supervisor = oversees(claims)
            if supervisor:
                seen.require(await afterwards.call(call_id), took_part=False)
            await afterwards.note(call_id, claims, notes, anybodys=supervisor)
        return answer({"call": wire.call(await afterwards.call(call_id))})

    @table.get("/api/v1/me/day")
    @guarded
    async def my_day(request: web.Request) -> web.Response:
        claims, query = authenticate(request, hub), Query(request.query)
        # Also a supervisor's own, who may have taken over a call.
        scope(claims)
        days = _today(query, hub.wall())
        figures = await store.agent_day(claims.identity, days.begin, days.end)
        mine = CallFilter(agent=claims.identity, since=days.begin, until=days.end)
        calls = await store.calls(mine, LISTED)
        return answer({"date": days.days[0].isoformat(), **wire.day(figures, calls)})

    @table.get("/api/v1/me/quick_replies")
    @guarded
    async def my_replies(request: web.Request) -> web.Response:
        claims = authenticate(request, hub)
        scope(claims)
        return answer(wire.quick_replies(await hub.store.desk.quick_replies(claims.identity)))

    @table.put("/api/v1/me/quick_replies")
    @guarded
    async def put_my_replies(request: web.Request) -> web.Response:
        claims = authenticate(request, hub)
        scope(claims)
        wanted: NewReplies = read_object(NewReplies, await read_body(request, MAX_REPLIES_BODY))
        if wanted.replies is None:
            await hub.store.desk.remove_quick_replies(claims.identity)
            return answer(wire.quick_replies(None))
        if len(wanted.replies) > MAX_REPLIES:
            raise bad_message("replies", "range")
        cleaned = dict.fromkeys(clean_text(text, newlines=True) for text in wanted.replies)
        kept = QuickReplies(tuple(filter(None, cleaned)), hub.wall())
        await hub.store.desk.save_quick_replies(claims.identity, kept.replies, kept.updated)
        return answer(wire.quick_replies(kept))

    return table


def _filter(query: Query, seen: Scope) -> CallFilter:
    found = CallFilter(
        room=seen.room,
        queue=query.text("queue"),
        agent=query.text("agent"),
        shopper=query.text("shopper"),
        entry=query.choice("entry", ("", *get_args(Entry)), "") or None,
        outcome=query.choice("outcome", ("", *get_args(Outcome)), "") or None,
        since=query.moment("since"),
        until=query.moment("until"),
        open=query.flag("open"),
        rated=query.flag("rated"),
    )
    return found if seen.agent is None else replace(found, agent=seen.agent)


def _cursor(query: Query) -> Cursor | None:
    text = query.text("after")
    if text is None:
        return None
    created, _, call_id = text.partition("~")
    try:
        return Cursor(float(created), call_id)
    except ValueError:
        raise bad_message("after", "type") from None


def _told(last: CallRecord) -> str:
    # Exact, as Python writes a float: one that was rounded could skip a call or show it twice.
    return f"{last.created!r}~{last.id}"


async def _whole(store: CallStore, call: CallRecord, seen: Scope) -> dict[str, Any]:
    events = await store.events(call.id)
    seen.require(call, any(event.identity == seen.agent for event in events))
    return wire.whole_call(call, events)


def _today(query: Query, now: float) -> Days:
    timezone = query.text("timezone", TIMEZONE) or TIMEZONE
    try:
        zone = Days.zone(timezone)
    except ValueError:
        raise bad_message("timezone", "choice") from None
    day = query.day("date", datetime.fromtimestamp(now, zone).date())
    return Days(day, day, timezone)
