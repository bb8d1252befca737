"""Offers to viewers: real answers, m-lines that are kept, refused and recycled, and any order of events."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import given, settings

from media import header_extensions as hx
from media.api import Codec, ConsumerParams
from media.negotiation import (
    NegotiationError,
    OutTrack,
    SdpError,
    SubscribeAnswer,
    SubscribeNegotiation,
    new_ice,
)
from media.sdp import MAX_MEDIA, parse
from tests.media.sdp.offered import AIORTC_TAKES, ANSWERS, H264, OFFERED, SERVER, our_offer, out_track, text
from tests.media.sdp.viewer import check, respond
from tests.media.test_sdp import spoilt

MICROPHONE, CAMERA, SCREEN = out_track("microphone"), out_track("camera"), out_track("screen")
HIGH = out_track("high", (Codec("H264", 102, 90000, parameters=H264 | {"profile-level-id": "640c1f"}),))


def show(viewer: SubscribeNegotiation, *tracks: OutTrack, refuse: Collection[str] = ()) -> SubscribeAnswer:
    viewer.set_tracks(tracks)
    return step(viewer, refuse)


def step(viewer: SubscribeNegotiation, refuse: Collection[str] = ()) -> SubscribeAnswer:
    assert viewer.needs_offer
    offer = viewer.offer()
    check(offer)
    assert viewer.pending is offer
    return viewer.answer(offer.version, respond(offer.sdp, refuse))


def mids(consumers: tuple[ConsumerParams, ...]) -> dict[str, str]:
    return {consumer.id.removeprefix("consumer-"): consumer.mid for consumer in consumers}


# --- real viewers ----------------------------------------------------------------------------------------------------

#: What each client refuses of one Track per codec, and whether it takes RED and RTX.
VIEWERS = {
    "chromium": (set[str](), True, True),
    "firefox": ({"h264"}, False, True),
    "aiortc": (set[str](), False, True),
    "gstreamer": (set[str](), False, False),
}


def test_every_captured_viewer_is_expected() -> None:
    assert set(ANSWERS) == set(VIEWERS)


@pytest.mark.parametrize("name", VIEWERS)
def test_real_viewers(name: str) -> None:
    refused, red, rtx = VIEWERS[name]
    shown = AIORTC_TAKES if name == "aiortc" else tuple(OFFERED)
    viewer, offer = our_offer(*shown)
    check(offer)
    result = viewer.answer(offer.version, text(f"{name}.answer"))
    assert {(item.ref, item.code) for item in result.rejected} == {
        (f"track-{item}", "codec_unsupported") for item in refused
    }
    assert (result.dtls.role, result.removed) == ("server", ())
    accepted = {consumer.id.removeprefix("consumer-"): consumer for consumer in result.accepted}
    assert accepted.keys() == {*shown} - refused
    for key, consumer in accepted.items():
        audio = key == "microphone"
        assert consumer.producer_id == f"producer-{key}"
        assert consumer.codecs[0].name == OFFERED[key][0].name
        assert [codec.name for codec in consumer.codecs[1:]] == (["red"] if audio and red else [])
        assert (consumer.rtx_ssrc is not None) == (not audio and rtx)
        assert (consumer.codecs[0].rtx_payload_type is not None) == (consumer.rtx_ssrc is not None)
        if not audio:
            assert "nack pli" in consumer.codecs[0].feedback
        assert set(consumer.extensions.items()) <= hx.CANONICAL.items()
        if name in ("chromium", "firefox"):
            assert consumer.extensions[hx.MID] == hx.CANONICAL[hx.MID]
            if not audio:
                assert {"goog-remb", "ccm fir", "nack", "nack pli"} == {*consumer.codecs[0].feedback}
                assert {hx.PLAYOUT_DELAY, hx.ABS_SEND_TIME} <= consumer.extensions.keys()
    assert not viewer.needs_offer


# --- what is offered -------------------------------------------------------------------------------------------------


def test_audio_comes_first_so_that_the_leading_m_line_is_never_refused() -> None:
    viewer = SubscribeNegotiation(SERVER)
    viewer.set_tracks([CAMERA, SCREEN, MICROPHONE])
    assert [media.kind for media in parse(viewer.offer().sdp).media] == ["audio", "video", "video"]


def test_a_track_is_announced_with_its_ssrcs_and_stream() -> None:
    viewer = SubscribeNegotiation(SERVER)
    viewer.set_tracks([CAMERA])
    (media,) = parse(viewer.offer().sdp).media
    (group,) = media.ssrc_groups
    assert group.semantics == "FID"
    assert media.msids == ("stream track-camera.0",)
    assert {(item.ssrc, item.name, item.value) for item in media.ssrcs} == {
        (ssrc, name, value)
        for ssrc in group.ssrcs
        for name, value in (("cname", "stream"), ("msid", "stream track-camera.0"))
    }


def test_a_second_viewer_of_a_track_gets_the_same_layout() -> None:
    publisher = out_track("camera", (Codec("VP8", 120, 90000),), {hx.VIDEO_ORIENTATION: 9})
    results = [show(SubscribeNegotiation(SERVER), publisher).accepted[0] for _ in range(2)]
    assert results[0] == results[1]
    assert results[0].codecs[0].payload_type == 96


@pytest.mark.parametrize(
    ("transport_cc", "uris", "feedback"),
    [
        (False, set[str](), {"goog-remb", "ccm fir", "nack", "nack pli"}),
        (True, {hx.TRANSPORT_CC}, {"transport-cc", "goog-remb", "ccm fir", "nack", "nack pli"}),
    ],
)
def test_congestion_feedback(transport_cc: bool, uris: set[str], feedback: set[str]) -> None:
    result = show(SubscribeNegotiation(SERVER, transport_cc=transport_cc), CAMERA)
    assert {*result.accepted[0].codecs[0].feedback} == feedback
    assert {hx.TRANSPORT_CC} & result.accepted[0].extensions.keys() == uris


def test_extensions_that_the_publisher_does_not_send_are_not_offered() -> None:
    plain, rich = CAMERA, out_track("rich", OFFERED["camera"], {hx.VIDEO_ORIENTATION: 3, hx.RID: 4})
    result = show(SubscribeNegotiation(SERVER), plain, rich)
    assert [hx.VIDEO_ORIENTATION in consumer.extensions for consumer in result.accepted] == [False, True]
    assert not any(hx.RID in consumer.extensions for consumer in result.accepted)


@pytest.mark.parametrize("parameters", [{"sprop-stereo": "1"}, {"stereo": "1"}])
def test_stereo_is_passed_on(parameters: dict[str, str]) -> None:
    track = out_track("stereo", (Codec("opus", 109, 48000, 2, parameters | {"usedtx": "1"}),))
    viewer = SubscribeNegotiation(SERVER)
    viewer.set_tracks([track])
    assert "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1\r\n" in viewer.offer().sdp


@pytest.mark.parametrize("supported", [{"VP8"}, {"video/vp8", "audio/opus"}, {"vp8", "opus", "red"}])
def test_what_a_viewer_cannot_decode_is_not_offered(supported: set[str]) -> None:
    viewer = SubscribeNegotiation(SERVER, supported)
    rejected = viewer.set_tracks([MICROPHONE, CAMERA, out_track("h264")])
    assert [(item.ref, item.code) for item in rejected] == [("track-h264", "codec_unsupported")]
    assert mids(step(viewer).accepted) == {"microphone": "0", "camera": "1"}
    assert not viewer.needs_offer


def test_nothing_to_offer() -> None:
    viewer = SubscribeNegotiation(SERVER)
    assert not viewer.needs_offer
    viewer.restart_ice(SERVER)
    assert not viewer.needs_offer
    with pytest.raises(RuntimeError):
        viewer.offer()


# --- through time ----------------------------------------------------------------------------------------------------


def test_m_lines_are_kept_for_the_next_track() -> None:
    viewer = SubscribeNegotiation(SERVER)
    assert mids(show(viewer, MICROPHONE, CAMERA).accepted) == {"microphone": "0", "camera": "1"}
    assert show(viewer).removed == ("consumer-camera", "consumer-microphone")
    assert mids(show(viewer, SCREEN).accepted) == {"screen": "1"}
    # A swap takes a new m-line; the one it leaves is used the time after.
    result = show(viewer, CAMERA)
    assert (mids(result.accepted), result.removed) == ({"camera": "2"}, ("consumer-screen",))
    assert mids(show(viewer, CAMERA, SCREEN).accepted) == {"screen": "1"}
    assert not viewer.needs_offer


def test_no_two_m_lines_bear_the_same_name() -> None:
    """A browser names its receiver once, so what comes later into that m-line is called like what was first in it."""
    viewer = SubscribeNegotiation(SERVER)
    names: dict[str, str] = {}
    for tracks in ([CAMERA], [], [SCREEN], [SCREEN, CAMERA]):
        viewer.set_tracks(tracks)
        offer = viewer.offer()
        for media in parse(offer.sdp).media:
            for msid in media.msids:
                names.setdefault(str(media.mid), msid.split()[1])
        viewer.answer(offer.version, respond(offer.sdp))
    assert len(names) == 2
    assert len(set(names.values())) == 2


def test_a_refused_track_leaves_an_m_line_to_recycle() -> None:
    viewer = SubscribeNegotiation(SERVER)
    result = show(viewer, MICROPHONE, CAMERA, refuse={"1"})
    assert [(item.ref, item.code) for item in result.rejected] == [("track-camera", "codec_unsupported")]
    assert mids(result.accepted) == {"microphone": "0"}
    assert not viewer.needs_offer
    result = show(viewer, MICROPHONE, CAMERA, SCREEN)
    assert mids(result.accepted) == {"screen": "2"}
    offer = viewer.set_tracks([MICROPHONE, SCREEN])
    assert offer == ()
    assert not viewer.needs_offer
    # Left out once, it is offered again.
    viewer.set_tracks([MICROPHONE, SCREEN, CAMERA])
    assert mids(step(viewer).accepted) == {"camera": "3"}


def test_audio_does_not_go_where_video_was_refused() -> None:
    viewer = SubscribeNegotiation(SERVER)
    show(viewer, CAMERA, SCREEN, refuse={"0"})
    assert mids(show(viewer, MICROPHONE, SCREEN).accepted) == {"microphone": "2"}
    offer = viewer.pending
    assert offer is None


def test_an_m_line_answered_as_inactive_is_left_alone() -> None:
    viewer = SubscribeNegotiation(SERVER)
    viewer.set_tracks([MICROPHONE, CAMERA])
    offer = viewer.offer()
    result = viewer.answer(offer.version, respond(offer.sdp, mute={"1"}))
    assert [item.ref for item in result.rejected] == ["track-camera"]
    assert mids(show(viewer, MICROPHONE, SCREEN).accepted) == {"screen": "2"}
    assert show(viewer, MICROPHONE).removed == ("consumer-screen",)
    assert mids(show(viewer, MICROPHONE, CAMERA).accepted) == {"camera": "2"}


def test_a_first_answer_that_refuses_everything() -> None:
    viewer = SubscribeNegotiation(SERVER)
    viewer.set_tracks([CAMERA])
    offer = viewer.offer()
    with pytest.raises(NegotiationError) as error:
        viewer.answer(offer.version, respond(offer.sdp, refuse={"0"}))
    assert error.value.code == "no_common_codec"
    assert not viewer.needs_offer
    assert mids(show(viewer, CAMERA, MICROPHONE).accepted) == {"microphone": "1"}


def test_h264_of_a_high_profile_is_offered_a_second_time_as_baseline() -> None:
    viewer = SubscribeNegotiation(SERVER)
    result = show(viewer, MICROPHONE, HIGH, refuse={"1"})
    assert result.rejected == ()
    viewer_says_no = step(viewer, refuse={"2"})
    assert [item.ref for item in viewer_says_no.rejected] == ["track-high"]
    assert not viewer.needs_offer

    viewer = SubscribeNegotiation(SERVER)
    show(viewer, MICROPHONE, HIGH, refuse={"1"})
    (consumer,) = step(viewer).accepted
    assert consumer.codecs[0].parameters["profile-level-id"] == "42e01f"


def test_ice_restart() -> None:
    viewer = SubscribeNegotiation(SERVER)
    show(viewer, MICROPHONE)
    renewed = replace(SERVER, ice=new_ice())
    viewer.restart_ice(renewed)
    assert viewer.needs_offer
    offer = viewer.offer()
    assert f"a=ice-ufrag:{renewed.ice.ufrag}\r\n" in offer.sdp
    result = viewer.answer(offer.version, respond(offer.sdp))
    assert (result.accepted, result.removed) == ((), ())
    assert not viewer.needs_offer


def test_one_offer_at_a_time_and_stale_answers() -> None:
    viewer = SubscribeNegotiation(SERVER)
    viewer.set_tracks([MICROPHONE])
    first = viewer.offer()
    assert viewer.pending is first
    viewer.set_tracks([MICROPHONE, CAMERA])
    assert not viewer.needs_offer
    second = viewer.offer()
    assert second.version == first.version + 1
    for version in (first.version, 7):
        with pytest.raises(NegotiationError) as error:
            viewer.answer(version, respond(first.sdp))
        assert error.value.code == "stale_answer"
    assert mids(viewer.answer(second.version, respond(second.sdp)).accepted) == {"microphone": "0", "camera": "1"}
    with pytest.raises(NegotiationError):
        viewer.answer(second.version, respond(second.sdp))


def test_a_superseded_offer_keeps_its_m_lines_in_place() -> None:
    viewer = SubscribeNegotiation(SERVER)
    viewer.set_tracks([MICROPHONE, CAMERA])
    first = parse(viewer.offer().sdp)
    viewer.set_tracks([CAMERA])
    second = viewer.offer()
    check(second)
    assert [(media.mid, media.kind) for media in parse(second.sdp).media] == [
        (media.mid, media.kind) for media in first.media
    ]
    assert mids(viewer.answer(second.version, respond(second.sdp)).accepted) == {"camera": "1"}


def test_a_track_that_ends_while_it_is_offered() -> None:
    viewer = SubscribeNegotiation(SERVER)
    viewer.set_tracks([MICROPHONE, CAMERA])
    offer = viewer.offer()
    viewer.set_tracks([MICROPHONE])
    result = viewer.answer(offer.version, respond(offer.sdp))
    assert mids(result.accepted) == {"microphone": "0"}
    # Back before the next offer: it was never reported, so it still has to be.
    viewer.set_tracks([MICROPHONE, CAMERA])
    result = step(viewer)
    assert mids(result.accepted) == {"camera": "1"}
    assert result.removed == ()


def test_a_track_with_a_new_producer_is_a_new_consumer() -> None:
    viewer = SubscribeNegotiation(SERVER)
    show(viewer, MICROPHONE, CAMERA)
    again = CAMERA._replace(producer=replace(CAMERA.producer, id="other"), consumer_id="consumer-other")
    result = show(viewer, MICROPHONE, again)
    assert [consumer.producer_id for consumer in result.accepted] == ["other"]
    assert result.removed == ("consumer-camera",)


def test_more_tracks_than_m_lines() -> None:
    viewer = SubscribeNegotiation(SERVER)
    tracks = [out_track(f"v{number}", OFFERED["camera"]) for number in range(MAX_MEDIA + 2)]
    rejected = viewer.set_tracks(tracks)
    assert [item.code for item in rejected] == ["track_limit"] * 2
    assert len(step(viewer).accepted) == MAX_MEDIA
    # With every m-line taken a swap happens in place.
    result = show(viewer, *tracks[1:-1])
    assert (mids(result.accepted), result.removed) == ({f"v{MAX_MEDIA}": "0"}, ("consumer-v0",))
    # An m-line of the other kind is no place.
    result = show(viewer, *tracks[2:-1], MICROPHONE)
    assert [(item.ref, item.code) for item in result.rejected] == [("track-microphone", "track_limit")]
    assert not viewer.needs_offer


# --- bad answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("a=setup:active", "a=setup:actpass"), "actpass"),
        (("a=setup:active", "a=setup:holdconn"), "holdconn"),
        (("a=fingerprint", "a=x"), "no certificate"),
        (("a=mid:1", "a=mid:9"), "BUNDLE group"),
        (("m=video", "m=audio"), "do not match"),
        (("v=0", "v=9"), "begins with"),
    ],
)
def test_an_answer_that_does_not_fit_leaves_the_offer_waiting(change: tuple[str, str], message: str) -> None:
    viewer, offer = our_offer("microphone", "camera")
    good = respond(offer.sdp)
    for bad in (good.replace(*change), good.partition("m=video")[0].replace("BUNDLE 0 1", "BUNDLE 0")):
        with pytest.raises(SdpError, match=f"{message}|m-lines where"):
            viewer.answer(offer.version, bad)
    assert viewer.pending is offer
    assert len(viewer.answer(offer.version, good).accepted) == 2


def test_the_certificate_cannot_change() -> None:
    viewer = SubscribeNegotiation(SERVER)
    show(viewer, MICROPHONE)
    viewer.set_tracks([MICROPHONE, CAMERA])
    offer = viewer.offer()
    for change in (("77:77", "78:78"), ("a=setup:active", "a=setup:passive")):
        with pytest.raises(NegotiationError, match="certificate or DTLS role"):
            viewer.answer(offer.version, respond(offer.sdp).replace(*change))
    assert len(viewer.answer(offer.version, respond(offer.sdp)).accepted) == 1


@settings(deadline=None)
@given(spoilt())
def test_spoilt_answers_are_taken_soundly_or_refused(junk: str) -> None:
    viewer, offer = our_offer()
    offered = {media.mid: media for media in parse(offer.sdp).media}
    try:
        result = viewer.answer(offer.version, junk)
    except NegotiationError as error:
        if error.code == "sdp_invalid":
            assert viewer.pending is offer
        return
    for consumer in result.accepted:
        media = offered[consumer.mid]
        assert consumer.ssrc in {item.ssrc for item in media.ssrcs}
        assert consumer.codecs
        assert set(consumer.extensions.items()) <= {(item.uri, item.id) for item in media.extensions}
