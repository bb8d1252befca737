"""A hub on fake Workers behind a real HTTP server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from signaling.app import make_app
from signaling.config import Config
from signaling.session import SessionLimits
from tests.signaling import postgres
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


_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_place() -> Iterator[Path]:
    """A running PostgreSQL server: the folder of its socket."""
    with postgres.server() as place:
        yield place


@pytest.fixture(params=["sqlite", "postgres"])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty database: a file of SQLite, and one on a real PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new/folder/x.db"
        return
    place: Path = request.getfixturevalue("postgres_place")
    name = f"test_{next(_numbers)}"
    admin = await asyncpg.connect(host=str(place), user=postgres.OWNER, database="postgres")
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield postgres.url(place, name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


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
