"""Samples, work lists, clips and trends over HTTP, ``/api/v1``."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, get_args

from aiohttp import web

from recorder.review.sampling import KINDS, Z95, Candidate, Kind, RiskRules, Sample, draw, margin, wilson
from signaling.auth import valid_identity
from signaling.chat_text import clean_text
from signaling.errors import ApiError, bad_message
from signaling.help_access import TIMEZONE, answer, guarded
from signaling.http_common import authenticate, read_body
from signaling.http_query import Query
from signaling.hub import Hub
from signaling.kpi_query import Days
from signaling.recording_records import RecordingRecord, SearchQuery
from signaling.recordings_rest import Moment, search_query
from signaling.review_access import Reader, reader, require_recording
from signaling.review_tables import recordings_table
from signaling.review_wire import ms
from signaling.shapes import Between, Length, read_object
from signaling.work_store import (
    MAX_GROUPS,
    ClipRecord,
    ItemRecord,
    Metric,
    Progress,
    TrendBy,
    WorklistRecord,
)

MAX_POPULATION = 100_000
MAX_CLIP_S = 600.0
_c = recordings_table.c
Person = Annotated[str, Length(1, 128)]


@dataclass(frozen=True, slots=True)
class NewRules:
    """``rules`` of a risk sample."""

    rating_at_most: Annotated[int, Between(1, 5)] | None = None
    wait_at_least_s: Moment | None = None
    long_at_least_s: Moment | None = None
    escalated: bool = False
    paused: bool = False
    unsolved: bool = False
    flags: tuple[Annotated[str, Length(1, 40)], ...] = ()


@dataclass(frozen=True, slots=True)
class NewSample:
    """The body of ``POST /samples``."""

    title: Annotated[str, Length(1, 120)]
    kind: Literal["random", "stratified", "risk"]
    size: Annotated[int, Between(1, 2000)]
    seed: Annotated[str, Length(0, 64)] = ""
    filter: Annotated[str, Length(0, 2000)] | None = None
    by: tuple[Literal["agent", "queue"], ...] = ()
    rules: NewRules | None = None
    reviewers: tuple[Person, ...] = ()
    template: Annotated[str, Length(1, 64)] = "call"
    preview: bool = False


@dataclass(frozen=True, slots=True)
class NewState:
    """The body of ``POST /worklists/{id}/items/{recording}``."""

    state: Literal["open", "skipped"]
    note: Annotated[str, Length(0, 500)] = ""


@dataclass(frozen=True, slots=True)
class NewClip:
    """The body of ``POST .../clips``; ``from`` and ``to`` are read apart."""

    title: Annotated[str, Length(1, 120)]
    topic: Annotated[str, Length(0, 80)] = ""


@dataclass(frozen=True, slots=True)
class ClipChange:
    """The body of ``PATCH /clips/{clip}``."""

    title: Annotated[str, Length(1, 120)] | None = None
    topic: Annotated[str, Length(0, 80)] | None = None
    approved: bool | None = None


def routes(hub: Hub) -> web.RouteTableDef:
    """The table for :meth:`aiohttp.web.Application.add_routes`."""
    table = web.RouteTableDef()
    store = hub.store

    async def note(who: Reader, action: str, recording: str, **detail: Any) -> None:
        await store.audit.add(who.identity, who.claims.name, action, recording, **detail)

    # --- samples -------------------------------------------------------------------------------------------------

    @table.post("/api/v1/samples")
    @guarded
    async def sample(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub), reviews=True)
        wanted: NewSample = read_object(NewSample, _flat(await read_body(request)))
        people = tuple(dict.fromkeys(wanted.reviewers)) or (who.identity,)
        if not all(map(valid_identity, people)) or (people != (who.identity,) and not who.leads):
            raise ApiError("forbidden") if not who.leads else bad_message("reviewers", "range")
        if await store.reviews.template(wanted.template) is None:
            raise ApiError("template_not_found")
        seed = wanted.seed or secrets.token_hex(8)
        found = await store.recordings.find_ids(_filter(who, wanted.filter), MAX_POPULATION)
        rules = None if wanted.rules is None else RiskRules(**{n: getattr(wanted.rules, n) for n in _RULES})
        try:
            # A hundred thousand lots take a while.
            drawn = await asyncio.to_thread(_draw, found, wanted, seed, rules)
        except ValueError:
            raise ApiError("sample_invalid", field="rules" if wanted.kind == "risk" else "by") from None
        if not drawn.drawn:
            raise ApiError("sample_invalid", field="filter")
        record = WorklistRecord(
            secrets.token_hex(8),
            clean_text(wanted.title) or wanted.kind,
            wanted.kind,
            seed,
            who.identity,
            hub.wall(),
            wanted.template,
            people,
            drawn.population,
            tuple((stratum.key, stratum.population, stratum.sampled) for stratum in drawn.strata),
            {"filter": wanted.filter or "", "by": list(wanted.by), "size": wanted.size},
        )
        agents = {row.id: row.agent for row in found}
        items = [ItemRecord(one.id, _turn(people, n, agents[one.id]), "open", one.why) for n, one in enumerate(drawn.drawn)]
        if not wanted.preview:
            await note(who, "sample", "", worklist=record.id, kind=record.kind, seed=seed, size=len(items))
            await store.work.save_worklist(record, items)
        mine = sum(item.reviewer == who.identity for item in items)
        progress = Progress(len(items), my_total=mine)
        body = {**_worklist(record, progress), "items": [_item(item) for item in items], "preview": wanted.preview}
        return answer({"worklist": body}, 200 if wanted.preview else 201)

    @table.get("/api/v1/worklists")
    @guarded
    async def worklists(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub), reviews=True)
        found = await store.work.worklists(None if _over_all(who) else who.identity)
        progress = await store.work.progress([one.id for one in found], who.identity)
        return answer({"worklists": [_worklist(one, progress.get(one.id, Progress())) for one in found]})

    async def mine(request: web.Request) -> tuple[Reader, WorklistRecord, list[ItemRecord]]:
        who = reader(authenticate(request, hub), reviews=True)
        one = await store.work.worklist(request.match_info["id"])
        if one is None:
            raise ApiError("not_found")
        whole = _over_all(who) or one.author == who.identity
        items = await store.work.items(one.id, None if whole else who.identity)
        if not items:
            raise ApiError("not_found")
        return who, one, items

    @table.get("/api/v1/worklists/{id}")
    @guarded
    async def worklist(request: web.Request) -> web.Response:
        who, one, items = await mine(request)
        progress = (await store.work.progress([one.id], who.identity))[one.id]
        return answer({**_worklist(one, progress), "items": [_item(item) for item in items]})

    @table.post("/api/v1/worklists/{id}/items/{recording}")
    @guarded
    async def item(request: web.Request) -> web.Response:
        who, one, items = await mine(request)
        wanted: NewState = read_object(NewState, await read_body(request))
        found = next((item for item in items if item.recording == request.match_info["recording"]), None)
        if found is None:
            raise ApiError("recording_not_found")
        if found.reviewer != who.identity and not who.leads:
            raise ApiError("review_not_yours")
        told = clean_text(wanted.note)
        await note(who, "item", found.recording, worklist=one.id, state=wanted.state, note=told)
        if not await store.work.set_item(one.id, found.recording, wanted.state, told):
            raise ApiError("review_submitted")
        return answer(_item(replace(found, state=wanted.state, note=told)))

    # --- clips ---------------------------------------------------------------------------------------------------

    @table.post("/api/v1/recordings/{id}/clips")
    @guarded
    async def add_clip(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub), reviews=True)
        record = await require_recording(store, who, request.match_info["id"])
        body = await read_body(request)
        wanted: NewClip = read_object(NewClip, body)
        start, end = _ends(body, record)
        one = ClipRecord(
            secrets.token_hex(8), record.id, start, end, clean_text(wanted.title), clean_text(wanted.topic), who.identity, hub.wall()
        )
        await note(who, "clip", record.id, clip=one.id, span=[start, end])
        await store.work.save_clip(one)
        return answer({"clip": _clip(one, who)}, 201)

    @table.get("/api/v1/clips")
    @guarded
    async def clips(request: web.Request) -> web.Response:
        who, query = reader(authenticate(request, hub)), Query(request.query)
        # What is approved is for every agent of the room.
        approved = query.flag("approved") if who.reviews else True
        found = await store.work.clips(who.sight, query.text("topic"), approved)
        return answer({"clips": [_clip(one, who) for one in found]})

    async def clip_of(request: web.Request) -> tuple[Reader, ClipRecord]:
        who = reader(authenticate(request, hub), reviews=True)
        one = await store.work.clip(request.match_info["clip"])
        if one is None:
            raise ApiError("not_found")
        await require_recording(store, who, one.recording)
        return who, one

    @table.patch("/api/v1/clips/{clip}")
    @guarded
    async def change_clip(request: web.Request) -> web.Response:
        who, one = await clip_of(request)
        if not who.leads:
            raise ApiError("forbidden")
        wanted: ClipChange = read_object(ClipChange, await read_body(request))
        approved = one.approved if wanted.approved is None else wanted.approved
        one = replace(
            one,
            title=one.title if wanted.title is None else clean_text(wanted.title) or one.title,
            topic=one.topic if wanted.topic is None else clean_text(wanted.topic),
            approved=approved,
            approved_by="" if not approved else one.approved_by or who.identity,
        )
        await note(who, "clip_changed", one.recording, clip=one.id, approved=approved)
        await store.work.save_clip(one)
        return answer({"clip": _clip(one, who)})

    @table.delete("/api/v1/clips/{clip}")
    @guarded
    async def remove_clip(request: web.Request) -> web.Response:
        who, one = await clip_of(request)
        if not who.leads and (one.author != who.identity or one.approved):
            raise ApiError("forbidden")
        await note(who, "clip_removed", one.recording, clip=one.id)
        await store.work.remove_clip(one.id)
        return web.Response(status=204)

    # --- trends --------------------------------------------------------------------------------------------------

    @table.get("/api/v1/trends")
    @guarded
    async def trends(request: web.Request) -> web.Response:
        who, query = reader(authenticate(request, hub)), Query(request.query)
        by: TrendBy = query.choice("by", get_args(TrendBy), "week")
        metric: Metric = query.choice("metric", get_args(Metric), "score")
        days = _days(query, hub.wall())
        agent, queue = query.text("agent"), query.text("queue")
        columns: Mapping[str, Any] = {"agent": _c.agent, "queue": _c.queue, "product": _c.product}
        key = columns.get(by)
        if key is None:
            # Weeks are put together from days, some of which have 23 or 25 hours.
            key = days.number(_c.created, store.work.is_sqlite)
        narrow: dict[str, Any] = {"since": days.begin, "until": days.end, "sight": who.sight, "agent": agent, "queue": queue}
        rows = await store.work.trend(metric, key, by=by, **narrow)
        there = await store.work.recorded(key, **narrow)
        return answer({"by": by, "metric": metric, "rows": _rows(by, metric, days, rows, there)})

    return table


_RULES = tuple(RiskRules.__dataclass_fields__)


def _over_all(who: Reader) -> bool:
    """Work lists may hold recordings of every room and queue."""
    return who.leads and who.sight.room is None and not who.sight.queues


def _turn(people: Sequence[str], number: int, agent: str) -> str:
    """Whose turn it is; nobody gets the own call, unless there is nobody else."""
    chosen = people[number % len(people)]
    return people[(number + 1) % len(people)] if chosen == agent else chosen


def _flat(body: dict[str, Any]) -> dict[str, Any]:
    """``filter`` may be an object; it is kept as text."""
    wanted = body.get("filter")
    return {**body, "filter": json.dumps(wanted)} if isinstance(wanted, Mapping) else body


def _filter(who: Reader, text: str | None) -> SearchQuery:
    values: dict[str, str] = {}
    if text:
        try:
            found = json.loads(text) if text.startswith("{") else None
        except ValueError:
            raise bad_message("filter", "json") from None
        if found is None:
            from urllib.parse import parse_qsl

            found = dict(parse_qsl(text.removeprefix("?"), max_num_fields=40))
        values = {str(name): str(value).lower() if isinstance(value, bool) else str(value) for name, value in found.items()}
    query = search_query(who, Query(values))
    # What goes on cannot be reviewed yet.
    return replace(query, state=query.state or "ready", order="newest")


def _draw(rows: Sequence[Any], wanted: NewSample, seed: str, rules: RiskRules | None) -> Sample:
    candidates = [
        Candidate(
            row.id,
            row.agent,
            row.queue,
            row.rating,
            row.wait_s,
            row.escalations,
            row.pauses,
            row.duration_s,
            row.solved,
            frozenset(json.loads(row.flags)),
        )
        for row in rows
    ]
    kind: Kind = KINDS[KINDS.index(wanted.kind)]
    return draw(candidates, kind, wanted.size, seed, by=wanted.by, rules=rules)


def _worklist(one: WorklistRecord, progress: Progress) -> dict[str, Any]:
    shown = ("id", "title", "kind", "seed", "template")
    low, high = wilson(progress.passed, progress.judged)
    share = progress.total / one.population if one.population else 0.0
    error = margin(one.population, progress.total)
    judged = {"passed": progress.passed, "of": progress.judged, "low": round(low, 4), "high": round(high, 4)}
    return {
        **{name: getattr(one, name) for name in shown},
        "by": one.author,
        "created": ms(one.created),
        "reviewers": list(one.reviewers),
        "total": progress.total,
        "done": progress.done,
        "skipped": progress.skipped,
        "mine": {"total": progress.my_total, "done": progress.my_done},
        "coverage": {
            "population": one.population,
            "sampled": progress.total,
            "share": round(share, 4),
            "margin": None if error is None else round(error, 4),
        },
        "strata": [{"key": key, "population": number, "sampled": drawn} for key, number, drawn in one.strata],
        "estimate": {**judged, "share": round(progress.passed / progress.judged, 4)} if progress.judged else None,
    }


def _item(item: ItemRecord) -> dict[str, Any]:
    return {
        "recording": item.recording,
        "reviewer": item.reviewer,
        "state": item.state,
        "why": list(item.why),
        "review": item.review or None,
        "note": item.note,
    }


def _clip(one: ClipRecord, who: Reader) -> dict[str, Any]:
    return {
        "id": one.id,
        "recording": one.recording,
        "from": one.start,
        "to": one.end,
        "title": one.title,
        "topic": one.topic,
        "approved": one.approved,
        "url": f"/api/v1/clips/{one.id}/media",
        **({"by": one.author, "created": ms(one.created), "own": one.author == who.identity} if who.reviews else {}),
    }


def _ends(body: Mapping[str, Any], record: RecordingRecord) -> tuple[float, float]:
    found = []
    for name in ("from", "to"):
        value = body.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise bad_message(name, "missing" if value is None else "type")
        if not 0 <= value <= record.duration_s + 1.0:
            raise bad_message(name, "range")
        found.append(float(value))
    if not 0 < found[1] - found[0] <= MAX_CLIP_S:
        raise bad_message("to", "range")
    return found[0], found[1]


def _days(query: Query, now: float) -> Days:
    timezone = query.text("timezone", TIMEZONE) or TIMEZONE
    try:
        today = datetime.fromtimestamp(now, Days.zone(timezone)).date()
    except ValueError:
        raise bad_message("timezone", "choice") from None
    last = query.day("to", today)
    try:
        return Days(query.day("from", last - timedelta(days=55)), last, timezone)
    except ValueError:
        raise bad_message("from", "range") from None


def _monday(day: date) -> str:
    return (day - timedelta(days=day.weekday())).isoformat()


def _rows(by: TrendBy, metric: Metric, days: Days, rows: Sequence[Any], there: Mapping[Any, int]) -> list[dict[str, Any]]:
    def name(key: Any) -> str:
        if by == "none":
            return ""
        return _monday(days.days[int(key)]) if by == "week" else str(key)

    counts: dict[str, int] = {}
    for key, number in there.items():
        counts[name(key)] = counts.get(name(key), 0) + number
    if by == "week":
        counts |= {week: counts.get(week, 0) for week in dict.fromkeys(map(_monday, days.days))}
    groups = {key: _Group(count) for key, count in counts.items()}
    for key, label, what, number, total, squares in rows:
        groups.setdefault(name(key), _Group()).add(label, what, number, float(total or 0), float(squares or 0))
    order = sorted(groups) if by == "week" else sorted(groups, key=lambda key: (not key, -groups[key].recordings, key))
    return [groups[key].wire(key, metric) for key in order[:MAX_GROUPS]]


class _Group:
    """One line of a trend."""

    def __init__(self, recordings: int = 0) -> None:
        self.recordings = recordings
        self._label = ""
        self._count = 0
        self._total = self._squares = 0.0
        self._values: dict[str, int] = {}

    def add(self, label: str, what: str, number: int, total: float, squares: float) -> None:
        """Another row of the same."""
        self._label = self._label or label
        self._count += number
        self._total += total
        self._squares += squares
        if what:
            self._values[what] = self._values.get(what, 0) + number

    def wire(self, key: str, metric: Metric) -> dict[str, Any]:
        """Means with their interval (normal, 95 %); of findings and reasons, how many recordings of a hundred have any
        such label, by label in ``values``."""
        body = {"key": key, "label": self._label, "recordings": self.recordings, "count": self._count}
        if metric in ("findings", "reasons"):
            per = round(100 * self._count / self.recordings, 2) if self.recordings else None
            values = dict(sorted(self._values.items(), key=lambda pair: (-pair[1], pair[0])))
            return {**body, "value": per, "low": None, "high": None, "values": values}
        if not self._count:
            return {**body, "value": None, "low": None, "high": None, "values": {}}
        mean = self._total / self._count
        half = None
        if self._count > 1:
            variance = max(0.0, (self._squares - self._count * mean * mean) / (self._count - 1))
            half = Z95 * math.sqrt(variance / self._count)
        top = 100.0 if metric == "score" else 5.0
        low = None if half is None else round(max(0.0 if metric == "score" else 1.0, mean - half), 2)
        high = None if half is None else round(min(top, mean + half), 2)
        return {**body, "value": round(mean, 2), "low": low, "high": high, "values": {}}
