"""Takes the descriptions in this folder from real clients anew: ``python -m tests.media.sdp.capture [client ...]``.

A file is named ``<client>_<what>.<offer|answer>.sdp``. Answers are to the offer that :func:`our_offer` makes, so that
their mids and payload types fit any offer made the same way.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from playwright.async_api import async_playwright

from media.api import Candidate, Codec, IceParams, ProducerParams
from media.negotiation import OutTrack, ServerSide, SubscribeNegotiation
from tests.browser import chromium, firefox
from tests.browser.page import Page

HERE = Path(__file__).parent
SERVER = ServerSide(
    IceParams("serverUfrag", "serverPasswordOf24Charac"),
    ":".join(["5A"] * 32),
    (Candidate("udp", "127.0.0.1", 41000), Candidate("tcp", "127.0.0.1", 41000)),
)
OPUS = Codec("opus", 111, 48000, 2)
H264 = {"profile-level-id": "42e01f", "packetization-mode": "1", "level-asymmetry-allowed": "1"}
#: (track id, kind, codecs) of what is offered to viewers.
OFFERED: tuple[tuple[str, tuple[Codec, ...]], ...] = (
    ("microphone", (OPUS, Codec("red", 63, 48000, 2))),
    ("camera", (Codec("VP8", 96, 90000),)),
    ("screen", (Codec("VP9", 98, 90000, parameters={"profile-id": "0"}),)),
    ("h264", (Codec("H264", 102, 90000, parameters=H264),)),
    ("av1", (Codec("AV1", 45, 90000, parameters={"profile": "0"}),)),
)
#: aiortc fails on an m-line with no codec of its own instead of refusing it.
AIORTC_TAKES = ("microphone", "camera", "h264")


def our_offer(*names: str) -> SubscribeNegotiation:
    """A subscription with these Tracks, or one of each codec, and its first offer pending."""
    negotiation = SubscribeNegotiation(SERVER)
    tracks = []
    for name, codecs in OFFERED:
        if names and name not in names:
            continue
        audio = codecs[0].name == "opus"
        producer = ProducerParams(
            f"producer-{name}", "audio" if audio else "video", "microphone" if audio else "camera", "0", codecs
        )
        tracks.append(OutTrack(f"track-{name}", producer, "stream", f"consumer-{name}"))
    negotiation.set_tracks(tracks)
    negotiation.offer()
    return negotiation


def _offer_text(*names: str) -> str:
    pending = our_offer(*names).pending
    assert pending is not None
    return pending.sdp


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
        _write(f"{name}.answer", await page.evaluate(ANSWER, _offer_text()))


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
    await viewer.setRemoteDescription(RTCSessionDescription(_offer_text(*AIORTC_TAKES), "offer"))
    await viewer.setLocalDescription(await viewer.createAnswer())
    _write("aiortc.answer", viewer.localDescription.sdp)
    await publisher.close()
    await viewer.close()


async def capture_gstreamer() -> None:
    for mode in ("publish-vp8", "publish-h264", "play", "answer"):
        command = ["/usr/bin/python3", str(HERE / "gstreamer.py"), mode]
        done = await asyncio.to_thread(
            subprocess.run, command, input=_offer_text(), text=True, capture_output=True, timeout=30, check=True
        )
        name = "gstreamer" if mode == "answer" else f"gstreamer_{mode.replace('-', '_')}"
        _write(f"{name}.{'answer' if mode == 'answer' else 'offer'}", done.stdout)


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
