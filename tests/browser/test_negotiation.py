"""What real browsers make of our descriptions: first and later ones, refused and recycled m-lines, ICE restarts.

Nothing is sent: ``setRemoteDescription`` and the state that it leaves are the whole test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from media import header_extensions as hx
from media.api import Candidate, Codec, ProducerParams, Source
from media.negotiation import (
    CodecPolicy,
    OutTrack,
    PublishNegotiation,
    ServerSide,
    SubscribeNegotiation,
    answer_whep,
    new_ice,
)
from tests.browser.conftest import Browsers, Pages, finish
from tests.browser.page import Page

BOTH = pytest.mark.parametrize(
    "browser",
    [pytest.param("chromium", marks=pytest.mark.chromium), pytest.param("firefox", marks=pytest.mark.firefox)],
)
CANDIDATES = (Candidate("udp", "127.0.0.1", 9), Candidate("udp", "::1", 9), Candidate("tcp", "127.0.0.1", 9))

PUBLISH = """async (kinds) => {
    const peer = globalThis.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    const stream = globalThis.stream = await kit.devices();
    for (const kind of kinds) {
        const track = stream.getTracks().find((each) => each.kind === kind);
        peer.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    }
    await peer.setLocalDescription();
    return peer.localDescription.sdp;
}"""
SIMULCAST = """async () => {
    const peer = globalThis.peer = new RTCPeerConnection();
    const [track] = (await kit.devices()).getVideoTracks();
    const sendEncodings = [
        { rid: "q", scaleResolutionDownBy: 4 }, { rid: "h", scaleResolutionDownBy: 2 }, { rid: "f" },
    ];
    peer.addTransceiver(track, { direction: "sendonly", sendEncodings });
    await peer.setLocalDescription();
    return peer.localDescription.sdp;
}"""
OFFER_AGAIN = """async (change) => {
    const transceivers = peer.getTransceivers();
    if (change === "add") peer.addTransceiver(stream.getVideoTracks()[0].clone(), { direction: "sendonly" });
    if (change === "stop") transceivers.at(-1).stop();
    if (change === "stop first") transceivers[0].stop();
    if (change === "pause") transceivers.at(-1).direction = "inactive";
    if (change === "resume") transceivers.at(-1).direction = "sendonly";
    if (change === "restart") peer.restartIce();
    await peer.setLocalDescription();
    return peer.localDescription.sdp;
}"""
TAKE_ANSWER = """async (sdp) => {
    await peer.setRemoteDescription({ type: "answer", sdp });
    return {
        signaling: peer.signalingState,
        sctp: peer.sctp !== null,
        directions: peer.getTransceivers().map((each) => each.currentDirection),
        receiving: peer.getTransceivers().filter((each) => each.currentDirection === "recvonly")
            .map((each) => each.receiver.track.kind),
        rids: peer.getSenders().map((each) => (each.getParameters().encodings ?? []).map((layer) => layer.rid)),
        codecs: peer.getSenders().map((each) => (each.getParameters().codecs ?? []).map((codec) => codec.mimeType)),
    };
}"""
PLAY = """async () => {
    const peer = globalThis.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.addTransceiver("audio", { direction: "recvonly" });
    await peer.setLocalDescription();
    return peer.localDescription.sdp;
}"""
STOP = """async (sdp) => {
    globalThis.peer ??= new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    await peer.setRemoteDescription({ type: "offer", sdp });
    peer.getTransceivers().at(-1).stop();
    await peer.setLocalDescription();
    return peer.localDescription.sdp;
}"""
VIEW = """async (sdp) => {
    const peer = globalThis.peer ??= new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    const events = [];
    peer.ontrack = ({ transceiver, streams, track }) =>
        events.push({ mid: transceiver.mid, kind: track.kind, streams: streams.map((each) => each.id) });
    await peer.setRemoteDescription({ type: "offer", sdp });
    await peer.setLocalDescription();
    return {
        sdp: peer.localDescription.sdp,
        events,
        directions: Object.fromEntries(peer.getTransceivers().map((each) => [each.mid, each.currentDirection])),
    };
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def blank(request: pytest.FixtureRequest, browsers: Browsers) -> AsyncIterator[Pages]:
    """Pages of a server that only knows an empty document."""

    async def document(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>blank</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{any:.*}", document)
    async with TestServer(app, host="127.0.0.1") as server:
        opened = Pages(browsers, f"http://127.0.0.1:{server.port}")
        yield opened
        await finish(request, opened, None)


def server_side() -> ServerSide:
    return ServerSide(new_ice(), ":".join(["5A"] * 32), CANDIDATES)


class Publisher:
    """A page that publishes and the negotiation that answers it."""

    def __init__(self, page: Page, policy: CodecPolicy | None = None) -> None:
        ids = iter(range(1000))
        self.page = page
        self.negotiation = PublishNegotiation(policy or CodecPolicy(), server_side(), lambda: f"track{next(ids)}")

    async def answer(self, offer: str, sources: dict[str, Source], refused: frozenset[Source] = frozenset()) -> Any:
        answer = self.negotiation.answer(offer, sources, lambda source: source not in refused)
        return answer, await self.page.evaluate(TAKE_ANSWER, answer.sdp)

    async def again(self, change: str, sources: dict[str, Source], refused: frozenset[Source] = frozenset()) -> Any:
        return await self.answer(await self.page.evaluate(OFFER_AGAIN, change), sources, refused)


@BOTH
async def test_publishing_through_its_whole_life(blank: Pages, browser: str) -> None:
    publisher = Publisher(await blank.open(browser))
    offer = await publisher.page.evaluate(PUBLISH, ["audio", "video"])
    answer, state = await publisher.answer(offer, {"0": "microphone", "1": "camera"})
    assert [producer.source for producer in answer.producers] == ["microphone", "camera"]
    assert state["signaling"] == "stable"
    assert state["directions"] == ["sendonly", "sendonly"]
    assert state["codecs"][1][0] == "video/VP8"

    answer, state = await publisher.again("add", {"2": "screen"})
    assert [producer.source for producer in answer.producers] == ["screen"]
    assert state["directions"] == ["sendonly"] * 3

    answer, state = await publisher.again("pause", {})
    assert len(answer.removed) == 1
    assert state["directions"] == ["sendonly", "sendonly", "inactive"]

    answer, state = await publisher.again("resume", {"2": "screen"})
    assert len(answer.producers) == 1
    assert state["directions"] == ["sendonly"] * 3

    answer, state = await publisher.again("restart", {})
    assert answer.ice_restart is not None
    assert (answer.producers, answer.removed) == ((), ())
    assert f"a=ice-ufrag:{answer.ice_restart.ufrag}" in answer.sdp

    answer, state = await publisher.again("stop", {})
    assert len(answer.removed) == 1
    assert state["signaling"] == "stable"

    # The browser puts the new Track where the stopped one was.
    offer = await publisher.page.evaluate(OFFER_AGAIN, "add")
    assert offer.count("\r\nm=") == 3
    answer, state = await publisher.answer(offer, {"3": "screen"})
    assert [producer.mid for producer in answer.producers] == ["3"]
    assert state["directions"][-1] == "sendonly"


@BOTH
@pytest.mark.parametrize("refused", ["microphone", "camera", "screen"])
async def test_a_refused_source_leaves_the_others(blank: Pages, browser: str, refused: Source) -> None:
    publisher = Publisher(await blank.open(browser))
    offer = await publisher.page.evaluate(PUBLISH, ["audio", "video", "video"])
    sources: dict[str, Source] = {"0": "microphone", "1": "camera", "2": "screen"}
    answer, state = await publisher.answer(offer, sources, frozenset({refused}))
    assert [item.code for item in answer.rejected] == ["forbidden"]
    assert {producer.source for producer in answer.producers} == {*sources.values()} - {refused}
    assert state["signaling"] == "stable"
    assert state["directions"].count("sendonly") == 2
    # The next negotiation goes on from there.
    answer, state = await publisher.again("restart", {}, frozenset({refused}))
    assert answer.ice_restart is not None
    assert state["directions"].count("sendonly") == 2


@BOTH
async def test_the_first_m_line_is_stopped(blank: Pages, browser: str) -> None:
    publisher = Publisher(await blank.open(browser))
    offer = await publisher.page.evaluate(PUBLISH, ["audio", "video"])
    await publisher.answer(offer, {"0": "microphone", "1": "camera"})
    answer, state = await publisher.again("stop first", {})
    assert (len(answer.removed), answer.producers) == (1, ())
    answer, state = await publisher.again("add", {"2": "screen"})
    assert [producer.source for producer in answer.producers] == ["screen"]
    assert state["directions"].count("sendonly") == 2


@BOTH
async def test_simulcast_rids_are_taken(blank: Pages, browser: str) -> None:
    publisher = Publisher(await blank.open(browser))
    offer = await publisher.page.evaluate(SIMULCAST)
    answer, state = await publisher.answer(offer, {"0": "camera"})
    assert [encoding.rid for encoding in answer.producers[0].encodings] == ["q", "h", "f"]
    assert state["rids"] == [["q", "h", "f"]]


@BOTH
@pytest.mark.parametrize("codec", ["VP9", "AV1", "H264"])
async def test_steering_to_another_codec(blank: Pages, browser: str, codec: str) -> None:
    publisher = Publisher(await blank.open(browser), CodecPolicy(video_order=(codec, "VP8"), start_bitrate_kbps=800))
    offer = await publisher.page.evaluate(PUBLISH, ["audio", "video"])
    answer, state = await publisher.answer(offer, {"0": "microphone", "1": "camera"})
    expected = "VP8" if (browser, codec) == ("firefox", "H264") else codec
    assert answer.producers[1].codecs[0].name == expected
    assert state["codecs"][1][0] == f"video/{expected}"


# --- viewing ---------------------------------------------------------------------------------------------------------

CODECS = {
    "opus": (Codec("opus", 96, 48000, 2), Codec("red", 97, 48000, 2)),
    "VP8": (Codec("VP8", 120, 90000),),
    "VP9": (Codec("VP9", 121, 90000, parameters={"profile-id": "0"}),),
    "AV1": (Codec("AV1", 122, 90000),),
    "H264": (Codec("H264", 123, 90000, parameters={"profile-level-id": "42e01f", "packetization-mode": "1"}),),
    "H264 high": (Codec("H264", 124, 90000, parameters={"profile-level-id": "640c1f", "packetization-mode": "1"}),),
}


ALL_EXTENSIONS = dict.fromkeys((hx.AUDIO_LEVEL, hx.VIDEO_ORIENTATION, hx.ABS_CAPTURE_TIME, hx.DEPENDENCY_DESCRIPTOR), 1)


def out(name: str, codec: str) -> OutTrack:
    """A Track to offer, with all extensions that a publisher can have."""
    audio = codec == "opus"
    producer = ProducerParams(
        f"p-{name}",
        "audio" if audio else "video",
        "microphone" if audio else "camera",
        "0",
        CODECS[codec],
        ALL_EXTENSIONS,
    )
    return OutTrack(f"t-{name}", producer, "stream", f"c-{name}")


class Viewer:
    """A page that views and the negotiation that offers to it."""

    def __init__(self, page: Page, supported: set[str] | None = None) -> None:
        self.page = page
        self.negotiation = SubscribeNegotiation(server_side(), supported)

    async def show(self, *tracks: OutTrack) -> Any:
        """Offer these; returns what came of it, on our side and in the page."""
        self.negotiation.set_tracks(tracks)
        return await self.offer()

    async def offer(self) -> Any:
        assert self.negotiation.needs_offer
        offer = self.negotiation.offer()
        state = await self.page.evaluate(VIEW, offer.sdp)
        result = self.negotiation.answer(offer.version, state["sdp"])
        return result, state


@BOTH
async def test_viewing_through_its_whole_life(blank: Pages, browser: str) -> None:
    viewer = Viewer(await blank.open(browser))
    sound, picture = out("sound", "opus"), out("picture", "VP8")
    result, state = await viewer.show(sound, picture)
    assert [consumer.mid for consumer in result.accepted] == ["0", "1"]
    assert [event["streams"] for event in state["events"]] == [["stream"], ["stream"]]
    assert state["directions"] == {"0": "recvonly", "1": "recvonly"}

    # Everything ends; the path stays.
    result, state = await viewer.show()
    assert result.removed == ("c-picture", "c-sound")
    assert state["directions"] == {"0": "inactive", "1": "inactive"}

    # The host is back, with new Tracks: the same m-lines carry them, and the page hears of it.
    result, state = await viewer.show(out("sound2", "opus"), out("picture2", "VP9"))
    assert [consumer.mid for consumer in result.accepted] == ["0", "1"]
    assert [event["mid"] for event in state["events"]] == ["0", "1"]
    assert state["directions"] == {"0": "recvonly", "1": "recvonly"}

    # A swap in one step takes new m-lines, so that the page hears of it too.
    result, state = await viewer.show(out("sound3", "opus"), out("picture3", "VP8"))
    assert [consumer.mid for consumer in result.accepted] == ["2", "3"]
    assert [event["mid"] for event in state["events"]] == ["2", "3"]
    assert result.removed == ("c-picture2", "c-sound2")

    viewer.negotiation.restart_ice(server_side())
    result, state = await viewer.offer()
    assert (result.accepted, result.removed) == ((), ())
    assert state["directions"] == {"0": "inactive", "1": "inactive", "2": "recvonly", "3": "recvonly"}


@BOTH
@pytest.mark.parametrize("codec", ["VP8", "VP9", "AV1", "H264", "H264 high"])
async def test_every_codec_is_offered_so_that_browsers_take_it(blank: Pages, browser: str, codec: str) -> None:
    viewer = Viewer(await blank.open(browser))
    result, _ = await viewer.show(out("sound", "opus"), out("picture", codec))
    name = codec.partition(" ")[0]
    if codec == "H264 high":
        # Neither lists it; Chromium decodes it all the same once it goes by another name.
        assert result.rejected == ()
        result, _ = await viewer.offer()
    if (browser, name) == ("firefox", "H264"):
        assert [(item.ref, item.code) for item in result.rejected] == [("t-picture", "codec_unsupported")]
        assert not viewer.negotiation.needs_offer
    else:
        (video,) = [consumer for consumer in result.accepted if consumer.kind == "video"]
        assert video.codecs[0].name == name
        assert video.rtx_ssrc is not None
        assert {"nack", "nack pli", "ccm fir", "goog-remb"} == {*video.codecs[0].feedback}


@pytest.mark.firefox
async def test_a_refused_m_line_is_recycled(blank: Pages) -> None:
    viewer = Viewer(await blank.open("firefox"))
    sound, unplayable = out("sound", "opus"), out("unplayable", "H264")
    result, _ = await viewer.show(sound, unplayable)
    assert [item.ref for item in result.rejected] == ["t-unplayable"]
    result, state = await viewer.show(sound, unplayable, out("picture", "VP8"))
    (video,) = result.accepted
    assert video.mid == "2"
    assert state["sdp"].count("\r\nm=") == 2
    assert state["directions"]["2"] == "recvonly"


@BOTH
async def test_an_m_line_that_the_page_stopped_is_left_alone(blank: Pages, browser: str) -> None:
    viewer = Viewer(await blank.open(browser))
    sound = out("sound", "opus")
    viewer.negotiation.set_tracks([sound, out("unwanted", "VP8")])
    offer = viewer.negotiation.offer()
    result = viewer.negotiation.answer(offer.version, await viewer.page.evaluate(STOP, offer.sdp))
    assert [item.ref for item in result.rejected] == ["t-unwanted"]
    result, state = await viewer.show(sound, out("picture", "VP8"))
    assert [consumer.mid for consumer in result.accepted] == ["2"]
    assert state["directions"]["2"] == "recvonly"


@pytest.mark.firefox
async def test_a_first_m_line_that_is_refused(blank: Pages) -> None:
    viewer = Viewer(await blank.open("firefox"))
    result, _ = await viewer.show(out("unplayable", "H264"), out("picture", "VP8"))
    assert [consumer.producer_id for consumer in result.accepted] == ["p-picture"]
    result, state = await viewer.show(out("picture", "VP8"), out("sound", "opus"))
    assert [consumer.producer_id for consumer in result.accepted] == ["p-sound"]
    assert "recvonly" in state["directions"].values()


@BOTH
async def test_an_offer_is_superseded_before_its_answer(blank: Pages, browser: str) -> None:
    viewer = Viewer(await blank.open(browser))
    viewer.negotiation.set_tracks([out("sound", "opus"), out("picture", "VP8")])
    lost = viewer.negotiation.offer()
    await viewer.page.evaluate(
        """async (sdp) => {
            globalThis.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
            await peer.setRemoteDescription({ type: "offer", sdp });
        }""",
        lost.sdp,
    )
    viewer.negotiation.set_tracks([out("picture", "VP8"), out("other", "AV1")])
    offer = viewer.negotiation.offer()
    state = await viewer.page.evaluate(VIEW, offer.sdp)
    result = viewer.negotiation.answer(offer.version, state["sdp"])
    assert {consumer.producer_id for consumer in result.accepted} == {"p-picture", "p-other"}


@BOTH
async def test_thirty_two_tracks(blank: Pages, browser: str) -> None:
    viewer = Viewer(await blank.open(browser))
    codecs = ["opus", "VP8", "VP9", "AV1"]
    result, state = await viewer.show(*(out(str(number), codecs[number % 4]) for number in range(32)))
    assert len(result.accepted) == 32
    assert [*state["directions"].values()] == ["recvonly"] * 32


# --- players that offer for themselves ---------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("tracks", "receiving"),
    # The last: nothing plays on the first m-line, which the player's only transport hangs on.
    [(["opus", "VP8"], ["audio", "video"]), (["VP9"], ["video"]), (["opus"], ["audio"])],
)
async def test_answers_to_players(blank: Pages, browser: str, tracks: list[str], receiving: list[str]) -> None:
    page = await blank.open(browser)
    offer = await page.evaluate(PLAY)
    answer = answer_whep(offer, [out(codec, codec) for codec in tracks], server_side())
    state = await page.evaluate(TAKE_ANSWER, answer.sdp)
    assert state["signaling"] == "stable"
    assert sorted(state["receiving"]) == receiving
