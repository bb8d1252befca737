"""Clients that are no browsers take what we write: aiortc and GStreamer, each as a publisher, a player and a viewer."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from media.negotiation import CodecPolicy, PublishNegotiation, answer_whep
from tests.media.sdp.offered import AIORTC_TAKES, SERVER, our_offer, out_track

HELPER = Path(__file__).parent / "sdp" / "gstreamer.py"
PYTHON = "/usr/bin/python3"
TRACKS = [out_track("microphone"), out_track("camera")]


def publish(offer: str) -> str:
    ids = iter(("audio", "video"))
    return PublishNegotiation(CodecPolicy(), SERVER, lambda: next(ids)).answer(offer, None, lambda _: True).sdp


def play(offer: str) -> str:
    return answer_whep(offer, TRACKS, SERVER).sdp


@pytest.mark.parametrize("sends", [True, False])
async def test_aiortc_takes_our_answers(sends: bool) -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        if sends:
            peer.addTrack(AudioStreamTrack())
            peer.addTrack(VideoStreamTrack())
        else:
            peer.addTransceiver("audio", direction="recvonly")
            peer.addTransceiver("video", direction="recvonly")
        await peer.setLocalDescription(await peer.createOffer())
        answer = (publish if sends else play)(peer.localDescription.sdp)
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        assert peer.signalingState == "stable"
        expected = "sendonly" if sends else "recvonly"
        assert [item.currentDirection for item in peer.getTransceivers()] == [expected] * 2
    finally:
        await peer.close()


async def test_aiortc_takes_our_offer() -> None:
    viewer, offer = our_offer(*AIORTC_TAKES)
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        await peer.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        assert len(viewer.answer(offer.version, peer.localDescription.sdp).accepted) == len(AIORTC_TAKES)
    finally:
        await peer.close()


def require_gstreamer() -> None:
    """Skip (in CI: fail) without Debian's python3-gi and webrtcbin."""
    check = "import gi; gi.require_version('GstWebRTC', '1.0'); from gi.repository import GstWebRTC"
    if not Path(PYTHON).exists() or subprocess.run([PYTHON, "-c", check], capture_output=True, timeout=20).returncode:
        pytest.skip("GStreamer's webrtcbin for python3 is not installed: scripts/test install")


@pytest.mark.parametrize(
    ("mode", "direction"), [("publish-vp8", "sendonly"), ("publish-h264", "sendonly"), ("play", "recvonly")]
)
async def test_gstreamer_takes_our_answers(mode: str, direction: str) -> None:
    require_gstreamer()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(PYTHON, str(HELPER), mode, stdin=pipe, stdout=pipe)
    try:
        async with asyncio.timeout(30):
            assert process.stdout is not None
            offer = (await process.stdout.readuntil(b"end\n")).decode().removesuffix("end\n")
            answer = (play if mode == "play" else publish)(offer)
            state, _ = await process.communicate(answer.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    signaling, *directions = state.decode().split()
    assert signaling == "stable"
    # webrtcbin 1.22 offers to receive as well and keeps saying so.
    assert [value.replace("sendrecv", "sendonly") for value in directions] == [direction] * 2


async def test_gstreamer_takes_our_offer() -> None:
    require_gstreamer()
    viewer, offer = our_offer("microphone", "camera")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(PYTHON, str(HELPER), "answer", stdin=pipe, stdout=pipe)
    async with asyncio.timeout(30):
        answer, _ = await process.communicate(offer.sdp.encode())
    result = viewer.answer(offer.version, answer.decode().removesuffix("end\n"))
    assert [consumer.codecs[0].name for consumer in result.accepted] == ["opus", "VP8"]
