"""Every video codec from a real encoder through the service to a real decoder, and only to viewers that have one."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Pages
from tests.browser.service import Service
from tests.browser.test_room import JOINS, go_live, watch

# A publisher that has one video codec only.
HAS_ONLY = """(name) => {
    const original = RTCPeerConnection.prototype.addTransceiver;
    RTCPeerConnection.prototype.addTransceiver = function (track, options) {
        const transceiver = original.call(this, track, options);
        if ((track.kind ?? track) === "video") {
            const { codecs } = RTCRtpSender.getCapabilities("video");
            const wanted = [`video/${name}`, "video/rtx"];
            transceiver.setCodecPreferences(codecs.filter((codec) => wanted.includes(codec.mimeType)));
        }
        return transceiver;
    };
}"""
DECODES = """async () => {
    const stats = await kit.rooms.get("me").peers.at(-1).getStats();
    const video = [...stats.values()].find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
    return video?.framesDecoded > 0 && stats.get(video.codecId).mimeType;
}"""


@pytest.mark.parametrize(("codec", "browser"), [("H264", "chromium"), ("VP9", "firefox"), ("AV1", "chromium")])
async def test_codec(pages: Pages, service: Service, room: str, codec: str, browser: str) -> None:
    host, viewer = await pages.open("chromium"), await pages.open(browser)
    await host.evaluate(HAS_ONLY, codec)
    await go_live(host, room)
    await watch(viewer, room)
    assert await viewer.wait_for(DECODES) == f"video/{codec}"
    tracks = (await service.rest("GET", f"/rooms/{room}"))["tracks"]
    assert {track["codec"] for track in tracks if track["kind"] == "video"} == {codec}


async def test_a_viewer_is_spared_what_it_cannot_decode(pages: Pages, room: str) -> None:
    """Firefox without its H264 plug-in hears the host and is told why there is no picture."""
    host, viewer = await pages.open("chromium"), await pages.open("firefox")
    await host.evaluate(HAS_ONLY, "H264")
    ids = await go_live(host, room)
    assert (await viewer.evaluate(JOINS, {"room": room, "identity": "viewer"}))["joined"]
    told = "(track) => kit.heard('trackunavailable', { track, code: 'codec_unsupported' })"
    assert len((await viewer.evaluate(told, ids["camera"]))["detail"]["message"]) > 5
    await viewer.wait_for("async () => (await kit.received('microphone')).packets > 0")
