"""The addresses of calls, queues, callbacks and figures behind a real HTTP server, with a database and no rooms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signaling import help_admin, help_rest
from signaling.auth import Claims, Role
from signaling.call_records import CallRecord, Notes, QueueRecord, Rating
from signaling.call_store import CallStore
from signaling.http_common import errors
from tests.signaling.fakes import Rig, config, make_rig


@dataclass
class FakeLive:
    """Holds the calls that a test names; notes what it is told."""

    held: set[str] = field(default_factory=set)
    told: list[Any] = field(default_factory=list)

    async def rate_held(self, claims: Claims, call_id: str, rating: Rating) -> bool:
        if call_id in self.held:
            self.told.append((call_id, claims.identity, rating.score))
        return call_id in self.held

    async def note_held(self, claims: Claims, call_id: str, notes: Notes) -> bool:
        if call_id in self.held:
            self.told.append((call_id, claims.identity, notes.note))
        return call_id in self.held

    def rated_late(self, before: CallRecord, rating: Rating) -> None:
        self.told.append((before.id, rating.score))

    async def queues_changed(self, queues: Sequence[QueueRecord]) -> None:
        self.told.append([queue.name for queue in queues])


@dataclass
class HelpSite:
    """Asks as whoever a test likes."""

    rig: Rig
    live: FakeLive
    http: TestClient[Any, Any]

    @property
    def calls(self) -> CallStore:
        """What is in the database."""
        return self.rig.store.calls

    def bearer(self, identity: str, role: Role = "agent", room: str = "*", **options: Any) -> dict[str, str]:
        """The headers of somebody who reads English."""
        token = self.rig.token(identity, role, room=room, **options)
        return {"Authorization": f"Bearer {token}", "Accept-Language": "en"}

    async def text(self, who: dict[str, str], method: str, path: str, body: Any = None) -> tuple[int, str, Any]:
        """Status, text and headers."""
        async with self.http.request(method, f"/api/v1{path}", json=body, headers=who) as response:
            return response.status, (await response.read()).decode(), response.headers

    async def ask(self, who: dict[str, str], method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON."""
        status, text, _ = await self.text(who, method, path, body)
        return status, json.loads(text) if text else None

    async def code(self, who: dict[str, str], method: str, path: str, body: Any = None) -> str:
        """The code of the refusal, or the status."""
        status, answer = await self.ask(who, method, path, body)
        if status < 400:
            return str(status)
        assert answer["error"]["message"]
        found = str(answer["error"]["code"])
        return f"{found} {answer['error']['field']}" if "field" in answer["error"] else found


async def open_site() -> HelpSite:
    """The caller closes it with :func:`close_site`."""
    rig = await make_rig(config())
    live = FakeLive()
    app = web.Application(middlewares=[errors])
    app.add_routes(help_rest.routes(rig.hub, live))
    app.add_routes(help_admin.routes(rig.hub, live))
    http = TestClient(TestServer(app))
    await http.start_server()
    return HelpSite(rig, live, http)


async def close_site(site: HelpSite) -> None:
    """Let go of everything."""
    await site.http.close()
    await site.rig.hub.close()
    await site.rig.store.close()
