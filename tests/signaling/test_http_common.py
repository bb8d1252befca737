"""What every HTTP handler is wrapped in, behind a real server."""

from __future__ import annotations

import logging

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signaling.http_common import errors


async def _hung_up_websocket(request: web.Request) -> web.StreamResponse:
    """A page that is closed while it opens its WebSocket."""
    assert request.transport is not None
    request.transport.abort()
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    return ws


async def _hung_up_download(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    assert request.transport is not None
    request.transport.abort()
    await response.write(b"x")
    return response


async def _lost_database(_: web.Request) -> web.StreamResponse:
    raise ConnectionResetError


@pytest.fixture
def app() -> web.Application:
    app = web.Application(middlewares=[errors])
    app.router.add_get("/ws", _hung_up_websocket)
    app.router.add_get("/file", _hung_up_download)
    app.router.add_get("/lost", _lost_database)
    return app


@pytest.mark.parametrize("path", ["/ws", "/file"])
async def test_whoever_hangs_up_is_no_incident(
    app: web.Application, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers = {**asked, "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg=="} if path == "/ws" else {}
    async with TestClient(TestServer(app)) as client:
        with pytest.raises(aiohttp.ClientError):
            await (await client.get(path, headers=headers)).read()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_another_connection_that_is_lost_is_one(app: web.Application, caplog: pytest.LogCaptureFixture) -> None:
    async with TestClient(TestServer(app)) as client, client.get("/lost") as reply:
        assert reply.status == 500
        error = (await reply.json())["error"]
    assert error["code"] == "internal"
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.exc_info is not None and record.getMessage().startswith("incident ")
