"""Takes the descriptions in this folder from real clients anew: ``python -m tests.media.sdp.capture [client ...]``.

A file is named ``<client>_<what>.<offer|answer>.sdp``. Answers are to the offer that
:func:`tests.media.sdp.offered.our_offer` makes, so that their mids and payload types fit any offer made the same way.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from playwright.async_api import async_playwright

from tests.browser import chromium, firefox
from tests.browser.page import Page
from tests.media.sdp.offered import AIORTC_TAKES, HERE, our_offer

PUBLISH = """async () => {
    const peer = globalThis.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    const stream = await kit.devices();
    for (const track of stream.getTracks()) peer.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    await peer.setLocalDescription();
    return peer.localDescription.sdp;
}"""
SIMULCAST = """async () => {
    const peer = new RTCPeerConnection();
    const [track] = (await kit.devices()).getVideoTracks();
    const sendEncodings = [
        { rid: "q", scaleResolutionDownBy: 4 }, { rid: "h", scaleResolutionDownBy: 2 }, { rid: "f" },
    ];
    peer.addTransceiver(track, { direction: "sendonly", sendEncodings });
    await peer.setLocalDescription();
    return peer.localDescription.sdp;
}"""
PLAY = """async () => {
    const peer = new RTCPeerConnection();
    peer.addTransceiver("audio", { direction: "recvonly" });
    peer.addTransceiver("video", { direction: "recvonly" });
    await peer.setLocalDescription();
    return peer.localDescription.sdp;
}"""
ANSWER = """async (sdp) => {
    const peer = new RTCPeerConnection();
    await peer.setRemoteDescription({ type: "offer", sdp });
    await peer.setLocalDescription();
    return peer.localDescription.sdp;
}"""


WHIP_MUXER = """
import contextlib, sys, av
with contextlib.suppress(av.error.FFmpegError), av.open(sys.argv[1], "w", format="whip") as container:
    video = container.add_stream("libx264", rate=30, options={"profile": "baseline", "bf": "0"})
    video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
    container.add_stream("libopus", rate=48000, layout="stereo")
    container.start_encoding()
"""


async def _from_page(page: Page, name: str) -> None:
    app = web.Application()
    app.router.add_get("/", lambda _: _blank())
    async with TestServer(app, host="127.0.0.1") as server:
        await page.goto(f"http://127.0.0.1:{server.port}/")
        _write(f"{name}_publish.offer", await page.evaluate(PUBLISH))
        _write(f"{name}_simulcast.offer", await page.evaluate(SIMULCAST))
        _write(f"{name}_play.offer", await page.evaluate(PLAY))
        _write(f"{name}.answer", await page.evaluate(ANSWER, our_offer()[1].sdp))


async def _blank() -> web.Response:
    return web.Response(text="<!doctype html><title>blank</title>", content_type="text/html")


async def capture_chromium() -> None:
    path = chromium.executable()
    assert path is not None, "chromium is not installed"
    async with async_playwright() as playwright:
        browser = await chromium.Chromium.launch(playwright, path)
        await _from_page(await browser.open("chromium"), "chromium")
        await browser.close()


async def capture_firefox() -> None:
    path = firefox.executable()
    assert path is not None, "firefox is not installed"
    browser = await firefox.Firefox.launch(path)
    await _from_page(await browser.open("firefox"), "firefox")
    await browser.close()


async def capture_aiortc() -> None:
    publisher = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    publisher.addTrack(AudioStreamTrack())
    publisher.addTrack(VideoStreamTrack())
    await publisher.setLocalDescription(await publisher.createOffer())
    _write("aiortc_publish.offer", publisher.localDescription.sdp)
    viewer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    await viewer.setRemoteDescription(RTCSessionDescription(our_offer(*AIORTC_TAKES)[1].sdp, "offer"))
    await viewer.setLocalDescription(await viewer.createAnswer())
    _write("aiortc.answer", viewer.localDescription.sdp)
    await publisher.close()
    await viewer.close()


async def capture_gstreamer() -> None:
    for mode in ("publish-vp8", "publish-h264", "play", "answer"):
        command = ["/usr/bin/python3", str(HERE / "gstreamer.py"), mode]
        done = await asyncio.to_thread(
            subprocess.run,
            command,
            input=our_offer()[1].sdp if mode == "answer" else "",
            text=True,
            capture_output=True,
            timeout=30,
            check=True,
        )
        told = done.stdout.removesuffix("end\n")
        name = "gstreamer" if mode == "answer" else f"gstreamer_{mode.replace('-', '_')}"
        _write(f"{name}.{'answer' if mode == 'answer' else 'offer'}", told)


async def capture_ffmpeg() -> None:
    """FFmpeg's whip muxer, which posts its offer and is told no."""
    offers: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        offers.append(await request.text())
        return web.Response(status=400)

    app = web.Application()
    app.router.add_post("/whip", refuse)
    async with TestServer(app, host="127.0.0.1") as server:
        # In a process of its own: the muxer keeps the interpreter's lock while it waits for the reply.
        muxer = await asyncio.create_subprocess_exec(sys.executable, "-c", WHIP_MUXER, str(server.make_url("/whip")))
        await asyncio.wait_for(muxer.wait(), 30)
    _write("ffmpeg_publish.offer", offers[0])


def _write(name: str, text: str) -> None:
    # As the client wrote it, line ends included.
    (HERE / f"{name}.sdp").write_bytes(text.encode())
    sys.stdout.write(f"{name}: {len(text)} bytes\n")


CAPTURES: dict[str, Callable[[], Awaitable[None]]] = {
    "chromium": capture_chromium,
    "firefox": capture_firefox,
    "aiortc": capture_aiortc,
    "gstreamer": capture_gstreamer,
    "ffmpeg": capture_ffmpeg,
}


async def main(names: list[str]) -> None:
    """Capture from these clients, or from all."""
    for name in names or CAPTURES:
        await CAPTURES[name]()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
