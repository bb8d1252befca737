"""The harness itself, against a server that only hands out blank documents: no service is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.browser.conftest import Browsers, Pages, finish
from tests.browser.cut_proxy import CutProxy

# As strict as the service's own pages: the kit must work under it.
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; media-src 'self' blob: mediastream:"

OFFER = """async () => {
    const peer = globalThis.peer = new RTCPeerConnection();
    for (const track of (await kit.devices()).getTracks()) peer.addTrack(track);
    await peer.setLocalDescription();
    await kit.until(() => peer.iceGatheringState === "complete", 5000, "gathering");
    return peer.localDescription.sdp;
}"""
ANSWER = """async (sdp) => {
    const peer = globalThis.peer = new RTCPeerConnection();
    await peer.setRemoteDescription({ type: "offer", sdp });
    await peer.setLocalDescription();
    await kit.until(() => peer.iceGatheringState === "complete", 5000, "gathering");
    return peer.localDescription.sdp;
}"""
WATCH = """async () => {
    const tracks = peer.getReceivers().map((receiver) => receiver.track);
    const size = await kit.pictureMoves(kit.element(tracks.find((track) => track.kind === "video")));
    const peak = await kit.soundHasEnergy(tracks.find((track) => track.kind === "audio"), peer);
    const video = await kit.stat(peer, { type: "inbound-rtp", kind: "video" });
    return { ...size, peak, frames: video.framesDecoded };
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[TestServer]:
    """A server of blank documents."""

    async def blank(_: web.Request) -> web.Response:
        return web.Response(text="body {}", content_type="text/css", headers={"Content-Security-Policy": POLICY})

    app = web.Application()
    app.router.add_get("/{any:.*}", blank)
    running = TestServer(app, host="127.0.0.1")
    async with running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def blank_pages(request: pytest.FixtureRequest, browsers: Browsers, server: TestServer) -> AsyncIterator[Pages]:
    """Like ``pages``, without the service."""
    opened = Pages(browsers, f"http://127.0.0.1:{server.port}")
    yield opened
    await finish(request, opened, None)


@pytest.mark.parametrize(("host", "viewer"), [("chromium", "firefox"), ("firefox", "chromium")])
async def test_eyes_and_ears(blank_pages: Pages, host: str, viewer: str) -> None:
    """A direct call between the two browsers: what the kit says of pictures and sound is true."""
    sender, receiver = await blank_pages.open(host), await blank_pages.open(viewer)
    offer = await sender.evaluate(OFFER)
    answer = await receiver.evaluate(ANSWER, offer)
    await sender.evaluate("(sdp) => peer.setRemoteDescription({ type: 'answer', sdp })", answer)
    seen = await receiver.evaluate(WATCH)
    assert seen["width"] >= 160
    assert seen["peak"] > 0.005
    assert seen["frames"] > 0


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
async def test_black_and_silent_is_noticed(blank_pages: Pages, browser: str) -> None:
    page = await blank_pages.open(browser)
    still = """async () => {
        const canvas = document.createElement("canvas");
        canvas.getContext("2d").fillRect(0, 0, 10, 10);
        return kit.pictureMoves(kit.element(canvas.captureStream(10).getVideoTracks()[0]), 600);
    }"""
    with pytest.raises(AssertionError, match="the picture moves"):
        await page.evaluate(still)
    silent = """async () => {
        const output = new AudioContext().createMediaStreamDestination();
        return kit.soundHasEnergy(output.stream.getAudioTracks()[0], null, 600);
    }"""
    with pytest.raises(AssertionError, match="sound has energy"):
        await page.evaluate(silent)


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
async def test_page(blank_pages: Pages, browser: str) -> None:
    """Values and errors come through, problems are noticed, a reload starts afresh."""
    page = await blank_pages.open(browser)
    assert await page.evaluate("async (value) => ({ twice: value * 2 })", 21) == {"twice": 42}
    with pytest.raises(AssertionError, match="no such thing"):
        await page.evaluate("() => { throw new Error('no such thing'); }")
    await page.evaluate("() => { console.error('seen by the test'); globalThis.mark = 1; kit.say('noted'); }")
    await page.wait_for("() => globalThis.mark === 1")
    assert any("noted" in line for line in await page.log())
    assert any("seen by the test" in problem for problem in page.problems)
    with pytest.raises(AssertionError, match="noted"):
        await page.wait_for("() => false", timeout_s=0.3)
    await page.goto(blank_pages.origin + "/again")
    assert await page.evaluate("() => typeof globalThis.mark") == "undefined"


async def test_cut_proxy(blank_pages: Pages, server: TestServer) -> None:
    assert server.port is not None
    async with CutProxy(server.port) as proxy:
        page = await blank_pages.open("chromium", origin=proxy.origin)
        fetching = "() => fetch('/x').then((reply) => reply.status, () => 0)"
        assert await page.evaluate(fetching) == 200
        proxy.cut()
        assert await page.evaluate(fetching) == 0
        proxy.mend()
        assert await page.evaluate(fetching) == 200
