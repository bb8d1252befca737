"""Recordings and reviews as JSON: the objects of PROTOCOL.md section 3.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from recorder.review.audit import Entry
from recorder.review.scorecard import Answer, Template, missing, to_json
from signaling.note_store import CommentRecord, SearchRecord
from signaling.recording_records import Details, GapRecord, RecordingRecord
from signaling.review_store import CalibrationRecord, ReviewRecord

_REVIEW = (
    *("id", "recording", "calibration", "template", "version", "reviewer", "reviewer_name", "agent", "state"),
    *("summary", "score", "failed", "passed"),
)


def ms(seconds: float | None) -> int | None:
    """Milliseconds since the epoch."""
    return None if seconds is None else round(seconds * 1000)


def row(record: RecordingRecord) -> dict[str, Any]:
    """One line of the list."""
    same = ("id", "room", "kind", "call", "state", "agent", "agent_name", "queue", "product", "outcome", "size", "hold")
    return {
        **{name: getattr(record, name) for name in same},
        "created": ms(record.created),
        "duration_s": round(record.duration_s, 3),
        "people": [asdict(person) for person in record.people],
        "rating": None if record.rating is None else {"score": record.rating, "comment": record.rating_comment},
        "reasons": list(record.reasons),
        "tags": list(record.tags),
        "flags": [{"kind": kind, "count": count} for kind, count in sorted(record.flags.items())],
        "thumb": f"/api/v1/recordings/{record.id}/thumb" if record.thumb else None,
        "progress": {"state": record.progress, "done": record.done},
        "expires": ms(record.expires),
        "score": record.score,
    }


def page(records: Sequence[RecordingRecord], after: str | None, total: int) -> dict[str, Any]:
    """The list."""
    return {"recordings": [row(record) for record in records], "next": after, "total_estimate": total}


def whole(record: RecordingRecord, details: Details, mark: str, can: Mapping[str, bool]) -> dict[str, Any]:
    """One recording."""
    shown = ("id", "identity", "source", "kind", "codec", "began", "ended", "width", "height", "mime", "size", "state")
    return {
        **row(record),
        "hold_reason": record.hold_reason,
        "tracks": [
            {
                **{name: getattr(track, name) for name in shown},
                "url": f"/api/v1/recordings/{record.id}/media/{track.id}",
                "gaps": [_gap(gap) for gap in details.gaps if gap.track == track.id],
            }
            for track in details.tracks
        ],
        "gaps": [_gap(gap) for gap in details.gaps if not gap.track],
        "findings": [
            {"kind": one.kind, "from": one.start, "to": one.end, "identity": one.identity, "level": one.level}
            for one in details.findings
        ],
        "consents": [
            {"identity": one.identity, "granted": one.granted, "version": one.version, "locale": one.locale, "at": ms(one.at)}
            for one in details.consents
        ],
        "speech": dict(record.speech),
        "chapters": [dict(chapter) for chapter in record.chapters],
        "watermark": mark,
        "can": dict(can),
    }


def _gap(gap: GapRecord) -> dict[str, Any]:
    return {"from": gap.start, "to": gap.end, "reason": gap.reason}


def comment(one: CommentRecord, me: str) -> dict[str, Any]:
    """For whoever reads it."""
    return {
        "id": one.id,
        "parent": one.parent or None,
        "by": one.author,
        "by_name": one.author_name,
        "at": ms(one.at),
        "edited": ms(one.edited),
        "from": one.start,
        "to": one.end,
        "text": one.text,
        "shared": one.shared,
        "own": one.author == me,
    }


def saved_search(one: SearchRecord, me: str) -> dict[str, Any]:
    """Whose it is stays untold."""
    return {"id": one.id, "name": one.name, "query": one.query, "shared": one.shared, "own": one.owner == me}


def entry(one: Entry, detail: Any) -> dict[str, Any]:
    """A line of the audit."""
    shown = ("number", "actor", "name", "action", "recording", "hash")
    return {**{name: getattr(one, name) for name in shown}, "at": ms(one.at), "detail": detail}


def template(one: Template) -> dict[str, Any]:
    """A version of a scorecard."""
    body = to_json(one)
    return {**body, "by": body.pop("author"), "at": ms(body.pop("at"))}


def answers(given: Sequence[Answer]) -> list[dict[str, Any]]:
    """Of a review."""
    return [{**asdict(one), "spans": [list(span) for span in one.spans]} for one in given]


def review(one: ReviewRecord, card: Template, me: str) -> dict[str, Any]:
    """For whoever may read it."""
    return {
        **{name: getattr(one, name) for name in _REVIEW},
        "answers": answers(one.answers),
        "created": ms(one.created),
        "updated": ms(one.updated),
        "submitted": ms(one.submitted),
        "history": [{**asdict(event), "at": ms(event.at)} for event in one.history],
        "missing": list(missing(card, {said.question: said for said in one.answers})) if one.state == "draft" else [],
        "own": one.reviewer == me,
    }


def calibration(group: CalibrationRecord, given: Sequence[ReviewRecord]) -> dict[str, Any]:
    """Who has submitted, and nothing of what they said."""
    done = {one.reviewer for one in given if one.state != "draft"}
    shown = ("id", "recording", "template", "version", "title")
    return {
        **{name: getattr(group, name) for name in shown},
        "by": group.author,
        "created": ms(group.created),
        "reviewers": [{"identity": name, "submitted": name in done} for name in group.reviewers],
        "complete": done >= set(group.reviewers),
    }
