"""WHIP and WHEP with clients that others wrote: ffmpeg, GStreamer, the npm package whip-whep in Chromium, aiortc."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import async_playwright

from signaling.tls import ensure_self_signed
from tests.browser import chromium
from tests.browser.chromium import Chromium
from tests.browser.page import Page
from tests.browser.service import ROOT, Service
from tests.clients.player import Player

pytestmark = pytest.mark.timeout(120)

HERE = Path(__file__).parent
SYSTEM_PYTHON = "/usr/bin/python3"
WAIT_S = 30.0


@asynccontextmanager
async def program(*command: str, token: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A client in a process of its own; closing its standard input tells it to leave, and it must end well."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "TOKEN": token},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(WAIT_S):
            _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode(errors="replace")
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def said(process: asyncio.subprocess.Process, *lines: str) -> None:
    """Wait until the client has printed all of these lines."""
    assert process.stdout is not None and process.stderr is not None
    missing = set(lines)
    try:
        async with asyncio.timeout(WAIT_S):
            while missing:
                line = await process.stdout.readline()
                if not line:
                    raise AssertionError(f"ended without {missing}: {(await process.stderr.read()).decode()}")
                missing.discard(line.decode().strip())
    except TimeoutError:
        raise AssertionError(f"not within {WAIT_S} s: {missing}") from None


async def peers(service: Service, room: str) -> list[str]:
    """Identities in a room."""
    rooms = (await service.rest("GET", "/rooms"))["rooms"]
    return [peer["identity"] for found in rooms if found["name"] == room for peer in found["peers"]]


async def empty(service: Service, room: str) -> None:
    """Wait until no publisher is left."""
    async with asyncio.timeout(WAIT_S):
        while await peers(service, room):
            await asyncio.sleep(0.1)


def needs_gstreamer() -> None:
    probe = "import gi; gi.require_version('GstWebRTC', '1.0'); from gi.repository import GstWebRTC"
    if subprocess.run([SYSTEM_PYTHON, "-c", probe], capture_output=True, check=False, timeout=30).returncode:
        pytest.skip("GStreamer's webrtcbin is not installed: scripts/test install")


async def test_ffmpeg_publishes(service: Service, tmp_path: Path) -> None:
    certificate, key = ensure_self_signed(tmp_path / "muxer", ["localhost"])
    url, token = f"{service.origin}/whip/r", service.token("r", "ffmpeg", "host")
    command = [sys.executable, str(HERE / "ffmpeg_client.py"), url, str(certificate), str(key)]
    async with program(*command, token=token) as process:
        await said(process, "answered")
        async with Player(service.origin, "r", service.token("r", "player", "viewer")) as player:
            await player.sees()
            await player.hears()
            assert player.sizes == {(320, 240)}
    # The muxer says goodbye with DELETE.
    await empty(service, "r")


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_gstreamer_publishes(service: Service, codec: str) -> None:
    needs_gstreamer()
    url, token = f"{service.origin}/whip/r", service.token("r", "gstreamer", "host")
    command = [SYSTEM_PYTHON, str(HERE / "gstreamer_client.py"), f"publish-{codec}", url]
    async with program(*command, token=token) as process:
        await said(process, "answered")
        async with Player(service.origin, "r", service.token("r", "player", "viewer")) as player:
            await player.sees()
            await player.hears()
            assert player.sizes == {(320, 240)}
    await empty(service, "r")


async def test_gstreamer_plays(service: Service) -> None:
    needs_gstreamer()
    publisher = [sys.executable, "-m", "scripts.synthetic_host", "--url", service.origin, "--room", "r"]
    token = service.token("r", "synthetic", "host")
    environment = {**os.environ, "LIANMAI_TOKEN": token, "PYTHONPATH": str(ROOT)}
    host = await asyncio.create_subprocess_exec(*publisher, env=environment, stderr=subprocess.DEVNULL)
    try:
        async with Player(service.origin, "r", service.token("r", "first", "viewer")) as player:
            await player.sees()
            await player.hears()
            command = [SYSTEM_PYTHON, str(HERE / "gstreamer_client.py"), "play", f"{service.origin}/whep/r"]
            async with program(*command, token=service.token("r", "gstreamer", "viewer")) as process:
                await said(process, "answered", "picture", "sound")
    finally:
        host.terminate()
        await host.wait()
    await empty(service, "r")


# --- whip-whep in Chromium ---------------------------------------------------------------------------------------


@asynccontextmanager
async def library_site() -> AsyncIterator[str]:
    """Another origin than the service's, with the library and a page that uses it."""
    library = ROOT / "node_modules" / "whip-whep"
    if not library.is_dir():
        pytest.skip("whip-whep is not installed: scripts/test install")
    app = web.Application()

    async def script(request: web.Request) -> web.Response:
        text = (library / f"{request.match_info['name']}.js").read_text()
        # The library joins the lines of more than one candidate by commas, which no browser reads.
        return web.Response(text=text.replace("candidates.join()", 'candidates.join("")'), content_type="text/javascript")

    async def page(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(HERE / "whip_page.html")

    app.router.add_get("/", page)
    app.router.add_get("/{name:whip|whep}.js", script)
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.port}/"


@asynccontextmanager
async def chromium_pages(url: str, *names: str) -> AsyncIterator[list[Page]]:
    """Pages of one Chromium, each on ``url``."""
    path = chromium.executable()
    if path is None:
        pytest.skip("chromium is not installed: scripts/test install")
    async with async_playwright() as playwright:
        browser = await Chromium.launch(playwright, path)
        try:
            opened: list[Page] = [await browser.open(name) for name in names]
            for page in opened:
                await page.goto(url)
                await page.wait_for("() => globalThis.client !== undefined")
            yield opened
        finally:
            await browser.close()


async def grows(page: Page, kind: str) -> None:
    """More of a kind arrives than has arrived until now."""
    before = (await page.evaluate("() => client.received()")).get(kind, 0)
    await page.wait_for("async ([kind, before]) => (await client.received())[kind] > before", [kind, before])


async def test_whip_whep_in_chromium(service: Service) -> None:
    async with library_site() as site, chromium_pages(site, "publisher", "viewer") as (publisher, viewer):
        host: Any = {"url": f"{service.origin}/whip/r", "token": service.token("r", "host", "host")}
        await publisher.evaluate("({ url, token }) => client.publish(url, token)", host)
        await publisher.wait_for("() => client.pc.connectionState === 'connected'")
        guest: Any = {"url": f"{service.origin}/whep/r", "token": service.token("r", "guest", "viewer")}
        await viewer.evaluate("({ url, token }) => client.view(url, token)", guest)
        for kind in ("video", "audio"):
            await grows(viewer, kind)
        for page in (publisher, viewer):
            await page.wait_for("() => client.statuses.includes('PATCH 204')")
            former = await page.evaluate("() => client.path()")
            await page.evaluate("() => client.session.restart()")
            await page.wait_for("() => client.statuses.includes('PATCH 200')")
            await page.wait_for(
                "async (former) => { const now = await client.path(); return now && now !== former; }", former
            )
            await grows(viewer, "video")
        for page in (viewer, publisher):
            await page.evaluate("() => client.session.stop()")
            await page.wait_for("() => client.statuses.includes('DELETE 200')")
            assert not [text for text in page.problems if "favicon" not in text and "404" not in text], page.problems
    await empty(service, "r")


async def test_whep_player_before_the_show_starts(service: Service) -> None:
    """A player that is early is told to come again, and does."""
    early = asyncio.create_task(_first_sight(service))
    await asyncio.sleep(0)
    publisher = [sys.executable, "-m", "scripts.synthetic_host", "--url", service.origin, "--room", "r"]
    host = await asyncio.create_subprocess_exec(
        *publisher, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL
    )
    try:
        await early
    finally:
        early.cancel()
        host.terminate()
        await host.wait()


async def _first_sight(service: Service) -> None:
    async with Player(service.origin, "r", service.token("r", "player", "viewer")) as player:
        await player.sees()
