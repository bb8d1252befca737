"""Queues, callbacks and key figures over HTTP, ``/api/v1``.

Queues are read by whoever sits at the desk and changed by ``manage`` for every room; callbacks are for the agents of the
rooms that the token covers; key figures for ``supervise`` or ``manage``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated

from aiohttp import web

from signaling import help_wire as wire
from signaling.auth import ANY_ROOM, ROOM_NAME, read_skills
from signaling.call_records import QueueRecord
from signaling.errors import ApiError, as_locale, bad_message
from signaling.help_access import TIMEZONE, LiveHelp, NoLiveHelp, answer, guarded, oversees, room_scope
from signaling.hours import parse as parse_hours
from signaling.http_common import authenticate, read_body
from signaling.http_query import Query
from signaling.hub import Hub
from signaling.kpi import BY, Question
from signaling.kpi_query import MAX_DAYS, Days
from signaling.shapes import Between, Length, read_object

MAX_QUEUES = 200
MAX_CALLBACKS = 1000
Word = Annotated[str, Length(1, 32)]


@dataclass(frozen=True, slots=True)
class NewQueue:
    """The body of ``PUT /queues/{name}``; what is left out has its default."""

    title: Annotated[str, Length(0, 80)] = ""
    title_en: Annotated[str, Length(0, 80)] = ""
    skills: tuple[Word, ...] = ()
    languages: tuple[Word, ...] = ()
    hours: Annotated[str, Length(0, 1000)] = ""
    timezone: Annotated[str, Length(0, 64)] = TIMEZONE
    ring_s: Annotated[float, Between(5, 120)] = 15.0
    max_waiting: Annotated[int, Between(0, 100_000)] = 200
    max_wait_s: Annotated[float, Between(10, 86400)] = 1800.0
    priority: Annotated[int, Between(0, 10)] = 0


def routes(hub: Hub, live: LiveHelp | None = None) -> web.RouteTableDef:
    """The table for :meth:`aiohttp.web.Application.add_routes`. ``live`` is told when the queues change."""
    table = web.RouteTableDef()
    held = live or NoLiveHelp()
    store = hub.store.calls

    async def known(name: str) -> QueueRecord | None:
        return {record.name: record for record in await store.queues()}.get(name)

    @table.get("/api/v1/queues")
    @guarded
    async def list_queues(request: web.Request) -> web.Response:
        room_scope(authenticate(request, hub), None, desk=True)
        return answer({"queues": [wire.queue(record) for record in await store.queues()]})

    @table.get("/api/v1/queues/{name}")
    @guarded
    async def show_queue(request: web.Request) -> web.Response:
        room_scope(authenticate(request, hub), None, desk=True)
        record = await known(request.match_info["name"])
        if record is None:
            raise ApiError("queue_unknown")
        return answer(wire.queue(record))

    @table.put("/api/v1/queues/{name}")
    @guarded
    async def put_queue(request: web.Request) -> web.Response:
        authenticate(request, hub).require_manage(None)
        record = _queue(request.match_info["name"], read_object(NewQueue, await read_body(request)))
        before = await store.queues()
        is_new = record.name not in {queue.name for queue in before}
        if is_new and len(before) >= MAX_QUEUES:
            raise bad_message("name", "range")
        await store.save_queue(record)
        await held.queues_changed(await store.queues())
        return answer(wire.queue(record), status=201 if is_new else 200)

    @table.delete("/api/v1/queues/{name}")
    @guarded
    async def remove_queue(request: web.Request) -> web.Response:
        authenticate(request, hub).require_manage(None)
        if not await store.remove_queue(request.match_info["name"]):
            raise ApiError("queue_unknown")
        await held.queues_changed(await store.queues())
        return web.Response(status=204)

    @table.get("/api/v1/callbacks")
    @guarded
    async def list_callbacks(request: web.Request) -> web.Response:
        claims, query = authenticate(request, hub), Query(request.query)
        room = room_scope(claims, query.text("room"), desk=True)
        done = {"no": False, "yes": True, "all": None}[query.choice("done", ("no", "yes", "all"), "no")]
        limit = query.number("limit", 1, MAX_CALLBACKS, 200)
        found = await store.callbacks(room=room, queue=query.text("queue"), done=done, limit=limit)
        return answer({"callbacks": [wire.callback(record) for record in found]})

    @table.post("/api/v1/callbacks/{id}/done")
    @guarded
    async def callback_done(request: web.Request) -> web.Response:
        claims = authenticate(request, hub)
        room_scope(claims, None, desk=True)
        record = await store.callback(request.match_info["id"])
        if record is None or not (claims.room == ANY_ROOM or claims.covers(record.room)):
            raise ApiError("not_found")
        done = await store.callback_done(record.id, claims.identity, hub.wall())
        return answer({"callback": wire.callback(done or record)})

    @table.get("/api/v1/kpi")
    @guarded
    async def kpi(request: web.Request) -> web.Response:
        claims, query = authenticate(request, hub), Query(request.query)
        if not oversees(claims):
            raise ApiError("forbidden")
        shape = query.choice("format", ("json", "csv"), "json")
        question = _question(query, room_scope(claims, query.text("room")), hub.wall())
        locale = as_locale(query.text("locale") or request.headers.get("Accept-Language"))
        report = await hub.store.kpi.report(question)
        if shape == "json":
            return answer(report.to_wire(locale))
        name = f"kpi-{question.by}-{question.first}-{question.last}.csv"
        return web.Response(
            body=report.to_csv(locale).encode(),
            content_type="text/csv",
            charset="utf-8",
            headers={"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'},
        )

    return table


def _queue(name: str, wanted: NewQueue) -> QueueRecord:
    if not ROOM_NAME.fullmatch(name):
        raise bad_message("name", "choice")
    record = QueueRecord(name, **asdict(wanted))
    for field in ("skills", "languages"):
        try:
            read_skills(list(getattr(record, field)))
        except ValueError:
            raise bad_message(field, "choice") from None
    try:
        parse_hours("", record.timezone)
    except ValueError:
        raise bad_message("timezone", "choice") from None
    try:
        parse_hours(record.hours, record.timezone)
    except ValueError:
        raise bad_message("hours", "choice") from None
    return record


def _question(query: Query, room: str | None, now: float) -> Question:
    """The last seven days, if nothing else is said."""
    timezone = query.text("timezone", TIMEZONE) or TIMEZONE
    try:
        today = datetime.fromtimestamp(now, Days.zone(timezone)).date()
    except ValueError:
        raise bad_message("timezone", "choice") from None
    last = query.day("to", today)
    first = query.day("from", last - timedelta(days=6))
    if not 1 <= (last - first).days + 1 <= MAX_DAYS:
        raise bad_message("from", "range")
    return Question(first, last, timezone, query.choice("by", BY, "day"), room, query.text("queue"))
