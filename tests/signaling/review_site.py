"""The addresses of recordings and reviews behind a real HTTP server, with two recordings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signaling import recordings_rest, review_rest, review_work
from signaling.http_common import errors
from signaling.recording_records import PersonRecord, RecordingRecord
from signaling.review_access import NoShelf
from tests.signaling.fakes import Rig
from tests.signaling.help_site import FakeLive, HelpSite

ID = "r00000000000000a1"
OTHER = "r00000000000000a2"


@dataclass
class FakeShelf(NoShelf):
    """Notes what is erased."""

    erased: list[str] = field(default_factory=list)

    async def timeline(self, record: RecordingRecord) -> Any:
        return [{"t": 1.5, "kind": "joined", "identity": "ann"}]

    async def erase(self, record: RecordingRecord) -> None:
        self.erased.append(record.id)

    async def export(self, record: RecordingRecord, kind: str, by: Any) -> Any:
        return {"id": "j1", "recording": record.id, "kind": kind, "state": "waiting", "done": 0.0}

    async def job(self, job: str) -> Any:
        return {"id": job, "recording": OTHER, "state": "done"} if job == "j1" else None


@dataclass
class ReviewSite(HelpSite):
    """Two recordings: Kim's in the room ``demo``, Lee's in ``other``."""

    shelf: FakeShelf

    async def audit(self) -> list[str]:
        """Who did what, the oldest first."""
        lines = await self.rig.store.audit.entries()
        return [f"{line.actor} {line.action} {line.recording[-2:]}" for line in reversed(lines)]


async def open_review(rig: Rig) -> ReviewSite:
    """The caller closes it."""
    shelf = FakeShelf()
    app = web.Application(middlewares=[errors])
    app.add_routes(recordings_rest.routes(rig.hub, shelf))
    app.add_routes(review_rest.routes(rig.hub))
    app.add_routes(review_work.routes(rig.hub))
    http = TestClient(TestServer(app))
    await http.start_server()
    people = (PersonRecord("ann", "安", "shopper"), PersonRecord("kim", "Kim", "agent"))
    await rig.store.recordings.save_recordings(
        [
            RecordingRecord(ID, "demo", "call", 10.0, "c1", 60.0, "ready", people, "kim", "Kim", "default", rating=2),
            RecordingRecord(OTHER, "other", "call", 20.0, "c2", 30.0, "ready", (), "lee", "Lee", "vip"),
        ]
    )
    await rig.store.recordings.save_text(ID, "怎么退货")
    return ReviewSite(rig, FakeLive(), http, shelf)
