"""Recordings over HTTP, ``/api/v1/recordings``: the list, one of them, comments, tags, holds, what was heard, erasure.

Who sees what is in :mod:`signaling.review_access`. Whatever shows or changes a recording is in the audit first.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args

from aiohttp import web

from recorder.review import search
from recorder.review.audit import clip
from signaling import review_wire as wire
from signaling.auth import Claims
from signaling.chat_text import clean_text
from signaling.errors import ApiError, bad_message
from signaling.help_access import answer, guarded, own_room
from signaling.http_common import authenticate, read_body
from signaling.http_query import Query
from signaling.hub import Hub
from signaling.note_store import CommentRecord, SearchRecord
from signaling.recording_records import ORDERS, Order, RecordingRecord, RecordingState, SearchQuery
from signaling.review_access import NoShelf, Reader, Shelf, reader, require_recording
from signaling.shapes import Between, Length, read_object

PAGE, MAX_PAGE = 50, 200
MAX_SPANS = 64
MAX_TAGS = 20
MAX_S = 200_000.0
Moment = Annotated[float, Between(0, MAX_S)]


@dataclass(frozen=True, slots=True)
class NewComment:
    """The body of ``POST .../comments``; ``from`` and ``to`` are read apart, being no names in Python."""

    text: Annotated[str, Length(1, 4000)]
    shared: bool = False
    parent: Annotated[str, Length(0, 64)] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The body of ``PATCH .../comments/{comment}``."""

    text: Annotated[str, Length(1, 4000)] | None = None
    shared: bool | None = None


@dataclass(frozen=True, slots=True)
class NewTags:
    """The body of ``POST .../tags``."""

    tags: tuple[Annotated[str, Length(1, 40)], ...]


@dataclass(frozen=True, slots=True)
class NewHold:
    """The body of ``PUT .../hold``."""

    reason: Annotated[str, Length(1, 500)]


@dataclass(frozen=True, slots=True)
class NewExport:
    """The body of ``POST .../export``."""

    kind: Literal["mp4", "case"] = "mp4"


@dataclass(frozen=True, slots=True)
class NewSearch:
    """The body of ``PUT /searches/{id}``."""

    name: Annotated[str, Length(1, 80)]
    query: Annotated[str, Length(0, 2000)]
    shared: bool = False


def routes(hub: Hub, shelf: Shelf | None = None) -> web.RouteTableDef:
    """The table for :meth:`aiohttp.web.Application.add_routes`."""
    table = web.RouteTableDef()
    files = shelf or NoShelf()
    store = hub.store

    async def found(request: web.Request, **needs: bool) -> tuple[Reader, RecordingRecord]:
        who = reader(authenticate(request, hub), **needs)
        return who, await require_recording(store, who, request.match_info["id"])

    async def note(who: Reader, action: str, recording: str, **detail: Any) -> None:
        await store.audit.add(who.identity, who.claims.name, action, recording, **detail)

    @table.get("/api/v1/recordings")
    @guarded
    async def list_recordings(request: web.Request) -> web.Response:
        who, query = reader(authenticate(request, hub)), Query(request.query)
        wanted = search_query(who, query)
        limit = query.number("limit", 1, MAX_PAGE, PAGE)
        written = query.text("q")
        known = search.recording_id(written) if written else None
        if known is not None:
            try:
                return answer(wire.page([await require_recording(store, who, known)], None, 1))
            except ApiError:
                return answer(wire.page([], None, 0))
        try:
            page = await store.recordings.search(wanted, limit, query.text("after"))
        except ValueError:
            raise bad_message("after", "type") from None
        if wanted.words:
            await note(who, "searched", "", words=list(wanted.words))
        return answer(wire.page(page.recordings, page.after, page.total))

    @table.get("/api/v1/recordings/{id}")
    @guarded
    async def show(request: web.Request) -> web.Response:
        who, record = await found(request)
        await note(who, "opened", record.id)
        mark = f"{who.claims.name} · {who.identity}"
        return answer(wire.whole(record, await store.recordings.details(record.id), mark, who.can(record)))

    @table.get("/api/v1/recordings/{id}/timeline")
    @guarded
    async def timeline(request: web.Request) -> web.Response:
        _, record = await found(request)
        return answer({"events": list(await files.timeline(record))})

    @table.delete("/api/v1/recordings/{id}")
    @guarded
    async def erase(request: web.Request) -> web.Response:
        who, record = await found(request, leads=True)
        if not who.claims.grants.manage:
            raise ApiError("forbidden")
        if record.hold:
            raise ApiError("recording_held")
        if record.state in ("recording", "finishing"):
            raise ApiError("recording_not_ready")
        await note(who, "erased", record.id)
        await files.erase(record)
        if not await store.recordings.purge(record.id):
            raise ApiError("recording_held")
        return web.Response(status=204)

    @table.post("/api/v1/recordings/{id}/heard")
    @guarded
    async def heard(request: web.Request) -> web.Response:
        who, record = await found(request)
        spans = _spans((await read_body(request)).get("spans"), record.duration_s)
        if spans:
            await note(who, "heard", record.id, spans=spans)
        whole = await store.notes.add_heard(record.id, who.identity, spans, hub.wall())
        return answer({"seconds": round(sum(end - start for start, end in whole), 3), "spans": whole})

    @table.get("/api/v1/recordings/{id}/heard")
    @guarded
    async def who_heard(request: web.Request) -> web.Response:
        _, record = await found(request, leads=True)
        people = await store.notes.heard(record.id)
        rows = [{"identity": identity, "seconds": round(s, 3), "spans": spans} for identity, s, spans in people]
        return answer({"people": rows})

    @table.get("/api/v1/recordings/{id}/comments")
    @guarded
    async def comments(request: web.Request) -> web.Response:
        who, record = await found(request)
        seen = [one for one in await store.notes.comments(record.id) if who.reviews or one.shared]
        return answer({"comments": [wire.comment(one, who.identity) for one in seen]})

    @table.post("/api/v1/recordings/{id}/comments")
    @guarded
    async def add_comment(request: web.Request) -> web.Response:
        who, record = await found(request)
        body = await read_body(request)
        wanted: NewComment = read_object(NewComment, body)
        start, end = _moment(body, "from", record), None if body.get("to") is None else _moment(body, "to", record)
        if end is not None and end < start:
            raise bad_message("to", "range")
        shared = wanted.shared
        if wanted.parent:
            parent = await store.notes.comment(record.id, wanted.parent)
            if parent is None or parent.parent or not (who.reviews or parent.shared):
                raise ApiError("comment_not_found")
            shared = parent.shared
        elif not who.reviews:
            # An agent answers; what is begun is the reviewers'.
            raise ApiError("forbidden")
        text = _text(wanted.text)
        one = CommentRecord(
            secrets.token_hex(8),
            record.id,
            who.identity,
            who.claims.name,
            hub.wall(),
            start,
            text,
            end,
            shared,
            wanted.parent or "",
        )
        await note(who, "commented", record.id, comment=one.id, shared=shared)
        await store.notes.save_comment(one)
        return answer(wire.comment(one, who.identity), 201)

    @table.patch("/api/v1/recordings/{id}/comments/{comment}")
    @guarded
    async def change_comment(request: web.Request) -> web.Response:
        who, record = await found(request)
        one = await _comment(who, record, request.match_info["comment"])
        wanted: Change = read_object(Change, await read_body(request))
        if one.author != who.identity or (wanted.shared is not None and (one.parent or not who.reviews)):
            raise ApiError("forbidden")
        text = one.text if wanted.text is None else _text(wanted.text)
        edited = hub.wall() if text != one.text else one.edited
        one = replace(one, text=text, edited=edited, shared=one.shared if wanted.shared is None else wanted.shared)
        await note(who, "comment_changed", record.id, comment=one.id, shared=one.shared)
        await store.notes.save_comment(one)
        return answer(wire.comment(one, who.identity))

    @table.delete("/api/v1/recordings/{id}/comments/{comment}")
    @guarded
    async def remove_comment(request: web.Request) -> web.Response:
        who, record = await found(request)
        one = await _comment(who, record, request.match_info["comment"])
        if one.author != who.identity and not who.leads:
            raise ApiError("forbidden")
        await note(who, "comment_removed", record.id, comment=one.id)
        await store.notes.remove_comment(record.id, one.id)
        return web.Response(status=204)

    async def _comment(who: Reader, record: RecordingRecord, comment: str) -> CommentRecord:
        one = await store.notes.comment(record.id, comment)
        if one is None or not (who.reviews or one.shared):
            raise ApiError("comment_not_found")
        return one

    @table.post("/api/v1/recordings/{id}/tags")
    @guarded
    async def tag(request: web.Request) -> web.Response:
        who, record = await found(request, reviews=True)
        wanted: NewTags = read_object(NewTags, await read_body(request))
        tags = list(dict.fromkeys(filter(None, map(clean_text, wanted.tags))))
        if len(tags) > MAX_TAGS:
            raise bad_message("tags", "range")
        await note(who, "tagged", record.id, tags=tags)
        await store.recordings.set_tags(record.id, tags)
        return answer({"tags": tags})

    @table.put("/api/v1/recordings/{id}/hold")
    @guarded
    async def hold(request: web.Request) -> web.Response:
        who, record = await found(request, leads=True)
        wanted: NewHold = read_object(NewHold, await read_body(request))
        reason = _text(wanted.reason, "reason")
        await note(who, "held", record.id, reason=reason)
        await store.recordings.set_hold(record.id, reason)
        return answer({"hold": True, "reason": reason})

    @table.delete("/api/v1/recordings/{id}/hold")
    @guarded
    async def release(request: web.Request) -> web.Response:
        who, record = await found(request, leads=True)
        await note(who, "released", record.id)
        await store.recordings.set_hold(record.id, None)
        return web.Response(status=204)

    @table.post("/api/v1/recordings/{id}/export")
    @guarded
    async def export(request: web.Request) -> web.Response:
        who, record = await found(request, reviews=True)
        wanted: NewExport = read_object(NewExport, await read_body(request))
        if record.state != "ready":
            raise ApiError("recording_not_ready")
        await note(who, "exported", record.id, kind=wanted.kind)
        return answer({"job": dict(await files.export(record, wanted.kind, who.claims))}, 202)

    @table.get("/api/v1/jobs/{job}")
    @guarded
    async def job(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub), reviews=True)
        one = await files.job(request.match_info["job"])
        if one is None:
            raise ApiError("not_found")
        await require_recording(store, who, str(one["recording"]))
        return answer({"job": dict(one)})

    @table.get("/api/v1/searches")
    @guarded
    async def searches(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub), reviews=True)
        kept = await store.notes.searches(who.identity)
        return answer({"searches": [wire.saved_search(one, who.identity) for one in kept]})

    @table.put("/api/v1/searches/{search}")
    @guarded
    async def save_search(request: web.Request) -> web.Response:
        who, name = reader(authenticate(request, hub), reviews=True), request.match_info["search"]
        wanted: NewSearch = read_object(NewSearch, await read_body(request))
        if len(name) > 64:
            raise bad_message("id", "range")
        one = SearchRecord(name, who.identity, _text(wanted.name, "name"), wanted.query, wanted.shared, hub.wall())
        if not await store.notes.save_search(one):
            raise ApiError("forbidden")
        return answer(wire.saved_search(one, who.identity))

    @table.delete("/api/v1/searches/{search}")
    @guarded
    async def remove_search(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub), reviews=True)
        if not await store.notes.remove_search(request.match_info["search"], who.identity):
            raise ApiError("not_found")
        return web.Response(status=204)

    return table


def search_query(who: Reader, query: Query) -> SearchQuery:
    """What the address asks for, within what ``who`` may see. Raises ApiError."""
    room = query.text("room")
    _in_sight(who.claims, room)
    try:
        words = search.words(query.text("q") or "")
    except ValueError:
        raise bad_message("q", "range") from None
    rating = query.text("rating")
    try:
        rated = None if rating is None else search.rating_range(rating)
    except ValueError:
        raise bad_message("rating", "range") from None
    states = tuple(state for state in get_args(RecordingState) if state != "erased")
    order: Order = query.choice("order", ORDERS, "newest")
    names = ("agent", "queue", "call", "product", "outcome", "reason", "tag", "flag")
    low, high = (query.number(name, 0, int(MAX_S), -1) for name in ("min_s", "max_s"))
    return SearchQuery(
        sight=who.sight,
        words=words,
        room=room,
        kind=query.choice("kind", ("", "call", "stage"), "") or None,
        since=query.moment("since"),
        until=query.moment("until"),
        min_s=None if low < 0 else float(low),
        max_s=None if high < 0 else float(high),
        rating=rated,
        state=query.choice("state", ("", *states), "") or None,
        reviewed=query.flag("reviewed"),
        held=query.flag("held"),
        order=order,
        **{name: query.text(name) for name in names},
    )


def _in_sight(claims: Claims, room: str | None) -> None:
    if room is not None and own_room(claims) not in (None, room):
        raise ApiError("forbidden")


def _text(value: str, field: str = "text") -> str:
    text = clean_text(value, newlines=True)
    if not text:
        raise bad_message(field, "range")
    return text


def _moment(body: dict[str, Any], name: str, record: RecordingRecord) -> float:
    value = body.get(name)
    if value is None:
        raise bad_message(name, "missing")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise bad_message(name, "type")
    if not 0 <= value <= record.duration_s + 1.0:
        raise bad_message(name, "range")
    return float(value)


def _spans(value: Any, duration_s: float) -> list[tuple[float, float]]:
    if not isinstance(value, list):
        raise bad_message("spans", "type" if value is not None else "missing")
    if len(value) > MAX_SPANS:
        raise bad_message("spans", "range")
    for span in value:
        numbers = isinstance(span, list) and len(span) == 2 and not any(isinstance(at, bool) for at in span)
        if not numbers or not all(isinstance(at, int | float) and abs(at) < MAX_S for at in span):
            raise bad_message("spans", "type")
    try:
        return list(clip(value, duration_s))
    except ValueError:
        raise bad_message("spans", "range") from None
