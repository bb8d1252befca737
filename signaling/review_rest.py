"""Scorecards, reviews, calibrations and the audit over HTTP, ``/api/v1``. Samples and trends: :mod:`signaling.review_work`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from aiohttp import web

from recorder.review import scorecard as card
from signaling import review_wire as wire
from signaling.auth import valid_identity
from signaling.calibration import agreement, overall
from signaling.chat_text import clean_text
from signaling.errors import ApiError, bad_message
from signaling.help_access import answer, guarded
from signaling.http_common import authenticate, read_body
from signaling.http_query import Query
from signaling.hub import Hub
from signaling.recording_records import RecordingRecord
from signaling.review_access import Reader, reader, require_recording
from signaling.review_store import CalibrationRecord, Event, ReviewRecord, refusal
from signaling.shapes import Between, Length, read_object

MAX_BODY = 128 * 1024
MAX_SUMMARY = 4000
STATES = ("", "draft", "submitted", "acknowledged", "appealed", "resolved")
Name = Annotated[str, Length(1, 64)]
Person = Annotated[str, Length(1, 128)]


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """One of ``questions``."""

    id: Name
    text: Annotated[str, Length(1, 300)]
    text_en: Annotated[str, Length(0, 300)] = ""
    points: Annotated[int, Between(1, card.MAX_POINTS)] = 1
    weight: Annotated[float, Between(0, card.MAX_WEIGHT)] = 1.0
    na: bool = True
    auto_fail: bool = False
    comment: Literal["optional", "low", "always"] = "optional"


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """The body of ``PUT /scorecards/templates/{id}``."""

    base: Annotated[int, Between(0, 1_000_000)]
    title: Annotated[str, Length(1, 120)]
    questions: tuple[NewQuestion, ...]
    title_en: Annotated[str, Length(0, 120)] = ""
    pass_score: Annotated[float, Between(0, 100)] | None = None
    retired: bool = False


@dataclass(frozen=True, slots=True)
class NewReview:
    """The body of ``POST /recordings/{id}/reviews``; ``answers`` are read apart."""

    template: Name
    version: Annotated[int, Between(1, 1_000_000)]
    agent: Person | None = None
    calibration: Annotated[str, Length(0, 64)] = ""
    summary: Annotated[str, Length(0, MAX_SUMMARY)] | None = None


@dataclass(frozen=True, slots=True)
class NewAnswers:
    """The body of ``PUT /reviews/{id}`` and of ``.../submit``."""

    version: Annotated[int, Between(1, 1_000_000)]
    summary: Annotated[str, Length(0, MAX_SUMMARY)] | None = None


@dataclass(frozen=True, slots=True)
class NewWord:
    """The body of ``.../acknowledge``, ``.../appeal`` and ``.../resolve``."""

    comment: Annotated[str, Length(0, 2000)] = ""
    upheld: bool | None = None


@dataclass(frozen=True, slots=True)
class NewCalibration:
    """The body of ``POST /calibrations``."""

    recording: Name
    template: Name
    reviewers: tuple[Person, ...]
    title: Annotated[str, Length(0, 120)] = ""


def routes(hub: Hub) -> web.RouteTableDef:
    """The table for :meth:`aiohttp.web.Application.add_routes`."""
    table = web.RouteTableDef()
    store = hub.store

    async def note(who: Reader, action: str, recording: str, **detail: Any) -> None:
        await store.audit.add(who.identity, who.claims.name, action, recording, **detail)

    async def known(name: str, version: int | None = None) -> card.Template:
        template = await store.reviews.template(name, version)
        if template is None:
            raise ApiError("template_not_found")
        return template

    def shown(one: ReviewRecord, template: card.Template, who: Reader) -> dict[str, Any]:
        return wire.review(one, template, who.identity)

    # --- templates -----------------------------------------------------------------------------------------------

    @table.get("/api/v1/scorecards/templates")
    @guarded
    async def templates(request: web.Request) -> web.Response:
        reader(authenticate(request, hub))
        return answer({"templates": [wire.template(one) for one in await store.reviews.templates()]})

    @table.get("/api/v1/scorecards/templates/{id}")
    @guarded
    async def template(request: web.Request) -> web.Response:
        reader(authenticate(request, hub))
        version = Query(request.query).number("version", 1, 1_000_000, 0) or None
        return answer(wire.template(await known(request.match_info["id"], version)))

    @table.put("/api/v1/scorecards/templates/{id}")
    @guarded
    async def put_template(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub), leads=True, everywhere=True)
        wanted: NewTemplate = read_object(NewTemplate, await read_body(request, MAX_BODY))
        fields = {name: getattr(wanted, name) for name in ("title", "title_en", "pass_score", "retired")}
        names = card.Question.__dataclass_fields__
        questions = tuple(card.Question(**{name: getattr(one, name) for name in names}) for one in wanted.questions)
        made = card.Template(request.match_info["id"], 0, questions=questions, author=who.identity, at=hub.wall(), **fields)
        with _refused():
            made = await store.reviews.add_version(wanted.base, made)
        await note(who, "template", "", template=made.id, version=made.version)
        return answer(wire.template(made))

    # --- reviews -------------------------------------------------------------------------------------------------

    @table.post("/api/v1/recordings/{id}/reviews")
    @guarded
    async def begin(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub), reviews=True)
        record = await require_recording(store, who, request.match_info["id"])
        body = await read_body(request, MAX_BODY)
        wanted: NewReview = read_object(NewReview, body)
        if wanted.calibration:
            group = await store.reviews.calibration(wanted.calibration)
            if group is None or group.recording != record.id or who.identity not in group.reviewers:
                raise ApiError("review_not_yours")
            if (wanted.template, wanted.version) != (group.template, group.version):
                raise ApiError("template_changed")
            template = await known(group.template, group.version)
        else:
            template = await known(wanted.template)
            if wanted.version != template.version or template.retired:
                raise ApiError("template_changed")
        agent = wanted.agent or record.agent
        if agent not in {record.agent, *(person.identity for person in record.people if person.side != "shopper")}:
            raise bad_message("agent", "choice")
        if agent == who.identity:
            raise ApiError("review_not_yours")
        now = hub.wall()
        draft = ReviewRecord(
            secrets.token_hex(8), record.id, template.id, template.version, who.identity, who.claims.name, agent, now, now,
            wanted.calibration,
        )
        draft = _filled(draft, template, body, wanted.summary, record)
        one = await store.reviews.begin(draft)
        if one.id == draft.id:
            await note(who, "review_begun", record.id, review=one.id, template=template.id, version=template.version)
        return answer(shown(one, template, who), 201 if one.id == draft.id else 200)

    @table.get("/api/v1/recordings/{id}/reviews")
    @guarded
    async def of_recording(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub))
        record = await require_recording(store, who, request.match_info["id"])
        found = [one for one in await store.reviews.of_recording(record.id) if await may_see(who, one)]
        return answer({"reviews": [shown(one, await known(one.template, one.version), who) for one in found]})

    @table.get("/api/v1/reviews")
    @guarded
    async def reviews(request: web.Request) -> web.Response:
        who, query = reader(authenticate(request, hub)), Query(request.query)
        found, after = await store.reviews.reviews(
            sight=who.sight,
            me=who.identity,
            agent=query.text("agent"),
            reviewer=query.text("reviewer"),
            state=query.choice("state", STATES, "") or None,
            template=query.text("template"),
            before=query.number("after", 1, 10**12, 0) or None,
            limit=query.number("limit", 1, 200, 50),
        )
        rows = [shown(one, await known(one.template, one.version), who) for one in found]
        return answer({"reviews": rows, "next": None if after is None else str(after)})

    async def may_see(who: Reader, one: ReviewRecord) -> bool:
        """Blind until all of a calibration have submitted; drafts are their writer's; agents see those about them."""
        if one.reviewer == who.identity:
            return True
        if one.state == "draft" or (not who.reviews and (one.agent != who.identity or one.calibration)):
            return False
        return not one.calibration or await complete(one.calibration)

    async def complete(calibration: str) -> bool:
        group = await store.reviews.calibration(calibration)
        if group is None:
            return False
        done = {one.reviewer for one in await store.reviews.of_calibration(calibration) if one.state != "draft"}
        return done >= set(group.reviewers)

    async def found(request: web.Request) -> tuple[Reader, RecordingRecord, ReviewRecord, card.Template]:
        who = reader(authenticate(request, hub))
        one = await store.reviews.review(request.match_info["id"])
        if one is None or not await may_see(who, one):
            raise ApiError("review_not_found")
        record = await require_recording(store, who, one.recording)
        return who, record, one, await known(one.template, one.version)

    @table.get("/api/v1/reviews/{id}")
    @guarded
    async def review(request: web.Request) -> web.Response:
        who, _, one, template = await found(request)
        return answer(shown(one, template, who))

    @table.put("/api/v1/reviews/{id}")
    @guarded
    async def save(request: web.Request) -> web.Response:
        return await written(request, "save")

    @table.post("/api/v1/reviews/{id}/submit")
    @guarded
    async def submit(request: web.Request) -> web.Response:
        return await written(request, "submit")

    async def written(request: web.Request, what: Literal["save", "submit"]) -> web.Response:
        who, record, former, template = await found(request)
        body = await read_body(request, MAX_BODY)
        wanted: NewAnswers = read_object(NewAnswers, body)
        with _refused():
            state = card.step(what, former.state, by=who.identity, reviewer=former.reviewer, agent=former.agent)
        if wanted.version != former.version:
            raise ApiError("template_changed")
        if what == "save" and "answers" not in body:
            raise bad_message("answers", "missing")
        one = _filled(former, template, body, wanted.summary, record)
        now = hub.wall()
        if what == "submit":
            with _refused():
                card.require_complete(template, {one.question: one for one in one.answers})
            one = replace(one, submitted=now, history=(*one.history, Event(now, who.identity, "submitted", "", one.score)))
        return await kept(who, replace(one, state=state, updated=now), former, template, what)

    async def kept(
        who: Reader, one: ReviewRecord, former: ReviewRecord, template: card.Template, what: str
    ) -> web.Response:
        if what != "save":
            await note(who, f"review_{what}", one.recording, review=one.id, score=one.score)
        if not await store.reviews.save(one, former):
            raise ApiError("review_submitted")
        return answer(shown(one, template, who))

    async def word(request: web.Request, what: Literal["acknowledge", "appeal", "resolve"]) -> web.Response:
        who, record, former, template = await found(request)
        body = await read_body(request, MAX_BODY)
        wanted: NewWord = read_object(NewWord, body)
        if former.calibration:
            raise ApiError("review_submitted")
        with _refused():
            state = card.step(
                what, former.state, by=who.identity, reviewer=former.reviewer, agent=former.agent, leads=who.leads
            )
        comment, now, one = clean_text(wanted.comment, newlines=True), hub.wall(), former
        if what != "acknowledge" and not comment:
            raise bad_message("comment", "missing")
        if what == "appeal" and (former.submitted is None or now > former.submitted + card.APPEAL_S):
            raise ApiError("review_submitted")
        if what == "resolve":
            if wanted.upheld is None:
                raise bad_message("upheld", "missing")
            if not wanted.upheld and "answers" in body:
                one = _filled(former, template, body, None, record)
                with _refused():
                    card.require_complete(template, {one.question: one for one in one.answers})
        told = {"acknowledge": "acknowledged", "appeal": "appealed"}.get(what) or ("upheld" if wanted.upheld else "changed")
        event = Event(now, who.identity, told, comment, one.score if what == "resolve" else None)
        return await kept(
            who, replace(one, state=state, updated=now, history=(*one.history, event)), former, template, what
        )

    @table.post("/api/v1/reviews/{id}/acknowledge")
    @guarded
    async def acknowledge(request: web.Request) -> web.Response:
        return await word(request, "acknowledge")

    @table.post("/api/v1/reviews/{id}/appeal")
    @guarded
    async def appeal(request: web.Request) -> web.Response:
        return await word(request, "appeal")

    @table.post("/api/v1/reviews/{id}/resolve")
    @guarded
    async def resolve(request: web.Request) -> web.Response:
        return await word(request, "resolve")

    # --- calibrations --------------------------------------------------------------------------------------------

    @table.post("/api/v1/calibrations")
    @guarded
    async def calibrate(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub), leads=True)
        wanted: NewCalibration = read_object(NewCalibration, await read_body(request))
        record = await require_recording(store, who, wanted.recording)
        template = await known(wanted.template)
        people = tuple(dict.fromkeys(wanted.reviewers))
        if not 2 <= len(people) <= 12 or record.agent in people or not all(map(valid_identity, people)):
            raise bad_message("reviewers", "range")
        title = clean_text(wanted.title)
        group = CalibrationRecord(
            secrets.token_hex(8), record.id, template.id, template.version, title, who.identity, hub.wall(), people
        )
        await store.reviews.save_calibration(group)
        await note(who, "calibration", record.id, calibration=group.id, reviewers=list(people))
        return answer(wire.calibration(group, []), 201)

    @table.get("/api/v1/calibrations")
    @guarded
    async def calibrations(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub), reviews=True)
        rows, by_template = [], dict[str, list[Sequence[ReviewRecord]]]()
        for group in await store.reviews.calibrations():
            record = await store.recordings.get(group.recording)
            if record is None or not who.sees(record) or not (who.leads or who.identity in group.reviewers):
                continue
            given = await store.reviews.of_calibration(group.id)
            rows.append(wire.calibration(group, given))
            if rows[-1]["complete"]:
                by_template.setdefault(group.template, []).append(given)
        templates = {template.id: template for template in await store.reviews.templates()}
        found = {name: overall(templates[name], groups) for name, groups in by_template.items() if name in templates}
        return answer({"calibrations": rows, "agreement": found})

    @table.get("/api/v1/calibrations/{id}")
    @guarded
    async def calibration(request: web.Request) -> web.Response:
        who = reader(authenticate(request, hub), reviews=True)
        group = await store.reviews.calibration(request.match_info["id"])
        if group is None or not (who.leads or who.identity in group.reviewers):
            raise ApiError("not_found")
        await require_recording(store, who, group.recording)
        template = await known(group.template, group.version)
        given = await store.reviews.of_calibration(group.id)
        body = wire.calibration(group, given)
        if body["complete"]:
            body["reviews"] = [shown(one, template, who) for one in given]
            body["agreement"] = agreement(template, given)
        return answer(body)

    # --- audit ---------------------------------------------------------------------------------------------------

    @table.get("/api/v1/audit")
    @guarded
    async def audit(request: web.Request) -> web.Response:
        reader(authenticate(request, hub), leads=True, everywhere=True)
        query = Query(request.query)
        limit = query.number("limit", 1, 500, 100)
        lines = await store.audit.entries(
            actor=query.text("actor"),
            action=query.text("action"),
            recording=query.text("recording"),
            since=query.moment("since"),
            until=query.moment("until"),
            before=query.number("after", 1, 10**12, 0) or None,
            limit=limit + 1,
        )
        number, head = await store.audit.head()
        rows = [wire.entry(line, json.loads(line.detail)) for line in lines[:limit]]
        more = str(lines[limit - 1].number) if len(lines) > limit else None
        return answer({"entries": rows, "next": more, "head": {"number": number, "hash": head}})

    return table


class _refused:  # noqa: N801
    """Says a scorecard's refusal as ApiError."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, card.ScorecardError):
            code, field = refusal(error)
            if code == "bad_message":
                raise bad_message(field, "range") from None
            if code in ("answer_invalid", "comment_required"):
                raise ApiError(code, field=field) from None
            raise ApiError(code) from None


def _filled(
    one: ReviewRecord, template: card.Template, body: Mapping[str, Any], summary: str | None, record: RecordingRecord
) -> ReviewRecord:
    """With the answers and the summary of a body, where it has any, and their score. Raises ApiError."""
    answers = one.answers
    if "answers" in body:
        with _refused():
            given = card.check_answers(template, _answers(body["answers"]), record.duration_s)
        answers = tuple(given[question.id] for question in template.questions if question.id in given)
    found = card.result(template, {answer.question: answer for answer in answers})
    text = one.summary if summary is None else clean_text(summary, newlines=True)
    return replace(
        one, answers=answers, summary=text, score=found.score, failed=found.failed, passed=found.passed
    )


def _answers(value: Any) -> list[card.Answer]:
    if not isinstance(value, list) or len(value) > card.MAX_QUESTIONS:
        raise bad_message("answers", "type" if not isinstance(value, list) else "range")
    found = []
    for number, one in enumerate(value):
        if not isinstance(one, Mapping) or not isinstance(one.get("question"), str):
            raise bad_message(f"answers[{number}]", "type")
        points, comment, spans = one.get("value"), one.get("comment", ""), one.get("spans", [])
        whole = points is None or (isinstance(points, int) and not isinstance(points, bool))
        listed = isinstance(spans, list) and all(
            isinstance(span, list) and len(span) == 2 and all(type(at) in (int, float) for at in span) for span in spans
        )
        if "value" not in one or not whole or not isinstance(comment, str) or not listed:
            raise ApiError("answer_invalid", field=one["question"][:64])
        cited = tuple((float(start), float(end)) for start, end in spans)
        found.append(card.Answer(one["question"][:64], points, clean_text(comment, newlines=True), cited))
    return found
