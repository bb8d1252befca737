"""Who may see and do what about recordings and their review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from signaling.auth import ANY_ROOM, Claims
from signaling.errors import ApiError
from signaling.help_access import own_room
from signaling.recording_records import RecordingRecord, Sight
from signaling.store import Store


class Shelf(Protocol):
    """What REST needs of the part that holds the files."""

    async def timeline(self, record: RecordingRecord) -> Sequence[Mapping[str, Any]]:
        """The events, ascending. Raises ApiError."""

    async def erase(self, record: RecordingRecord) -> None:
        """Remove files and keys for good. Raises ApiError."""

    async def export(self, record: RecordingRecord, kind: str, by: Claims) -> Mapping[str, Any]:
        """Begin to make one; gives the job. Raises ApiError."""

    async def job(self, job: str) -> Mapping[str, Any] | None:
        """A job as PROTOCOL.md shows it, or None."""


class NoShelf:
    """For a service that holds no files."""

    async def timeline(self, record: RecordingRecord) -> Sequence[Mapping[str, Any]]:
        """Nothing is known."""
        return ()

    async def erase(self, record: RecordingRecord) -> None:
        """There is nothing."""

    async def export(self, record: RecordingRecord, kind: str, by: Claims) -> Mapping[str, Any]:
        """Never."""
        raise ApiError("recording_not_ready")

    async def job(self, job: str) -> Mapping[str, Any] | None:
        """There is none."""
        return None


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who may see recordings. ``reviews``: all in sight; else an agent, who sees what was shared."""

    claims: Claims
    reviews: bool
    leads: bool

    @property
    def identity(self) -> str:
        """Who it is."""
        return self.claims.identity

    @property
    def sight(self) -> Sight:
        """As a condition of searches."""
        return Sight(own_room(self.claims), self.claims.queues, None if self.reviews else self.identity)

    def sees(self, record: RecordingRecord) -> bool:
        """Whether room and queue are in sight."""
        claims = self.claims
        return claims.covers(record.room) and (not claims.queues or record.queue in claims.queues)

    def can(self, record: RecordingRecord) -> dict[str, bool]:
        """What the page offers."""
        manage = self.claims.grants.manage
        return {
            "erase": manage and not record.hold,
            "hold": self.leads,
            "export": self.reviews,
            "score": self.reviews and record.agent != self.identity,
            "comment": True,
            "tag": self.reviews,
            "clip": self.reviews,
        }


def reader(claims: Claims, *, reviews: bool = False, leads: bool = False, everywhere: bool = False) -> Reader:
    """Raises ``forbidden`` for who sees no recordings, does not review, does not lead, or not every room and queue."""
    grants = claims.grants
    lead = grants.supervise or grants.manage
    found = Reader(claims, grants.review or lead, lead)
    allowed = (found.reviews or (grants.desk and not reviews)) and (lead or not leads)
    if not allowed or (everywhere and (claims.room != ANY_ROOM or claims.queues)):
        raise ApiError("forbidden")
    return found


async def require_recording(store: Store, who: Reader, recording: str) -> RecordingRecord:
    """A recording that ``who`` may see. Raises ``recording_not_found`` (also when out of sight) or
    ``recording_erased``."""
    record = await store.recordings.get(recording)
    if record is None or not who.sees(record):
        raise ApiError("recording_not_found")
    if not who.reviews and not await store.notes.is_shared(recording, who.identity):
        raise ApiError("recording_not_found")
    if record.state == "erased":
        raise ApiError("recording_erased")
    return record
