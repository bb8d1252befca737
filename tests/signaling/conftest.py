"""A hub on fake Workers behind a real HTTP server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from signaling.app import make_app
from signaling.config import Config
from signaling.session import SessionLimits
from tests.signaling.fakes import Client, Rig, config, make_rig

LIMITS = SessionLimits(rate=1000.0, burst=1000.0, close_s=0.2)


@dataclass
class Site(Rig):
    """The rig, served."""

    http: TestClient[Any, Any] = field(kw_only=True)

    async def client(self) -> Client:
        """A fresh WebSocket."""
        return Client(await self.http.ws_connect("/ws"))

    async def joined(self, identity: str, role: Any = "viewer", **fields: Any) -> tuple[Client, dict[str, Any]]:
        """A client that has joined, and the reply."""
        client = await self.client()
        return client, await client.join(self.token(identity, role), **fields)


MakeSite = Callable[..., Awaitable[Site]]


@pytest.fixture
async def make_site() -> AsyncIterator[MakeSite]:
    """Make sites with settings of one's own."""
    made: list[Site] = []

    async def make(settings: Config | None = None, limits: SessionLimits = LIMITS) -> Site:
        rig = await make_rig(settings or config())
        await rig.hub.start()
        http = TestClient(TestServer(make_app(rig.hub, rig.config, limits)))
        await http.start_server()
        site = Site(rig.hub, rig.pool, rig.store, rig.config, http=http)
        made.append(site)
        return site

    yield make
    for site in made:
        await site.hub.close()
        await site.http.close()
        await site.store.close()


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    """A site with the usual settings."""
    return await make_site()
