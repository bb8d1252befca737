"""Answers to players that offer for themselves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from media import header_extensions as hx
from media.api import Codec
from media.negotiation import NegotiationError, OutTrack, SdpError, WhepAnswer, answer_whep
from media.sdp import parse
from tests.media.sdp.offered import H264, OFFERED, OFFERS, SERVER, out_track, text
from tests.media.test_sdp import spoilt

MICROPHONE, CAMERA, SCREEN = out_track("microphone"), out_track("camera"), out_track("screen")
PLAYERS = [name for name in OFFERS if name.endswith("_play")]
CHROMIUM, FIREFOX = text("chromium_play.offer"), text("firefox_play.offer")


def h264(profile: str, mode: str = "1") -> OutTrack:
    parameters = H264 | {"profile-level-id": profile, "packetization-mode": mode}
    return out_track("h264", (Codec("H264", 102, 90000, parameters=parameters),))


def check(offer: str, answer: WhepAnswer) -> None:
    """What holds for every answer to a player."""
    theirs, ours = parse(offer), parse(answer.sdp)
    assert ours.ice_lite
    assert len(ours.media) == len(theirs.media)
    assert ours.bundle == tuple(media.mid for media in ours.media if not media.rejected)
    sent = {consumer.mid: consumer for consumer in answer.consumers}
    for asked, given_out in zip(theirs.media, ours.media, strict=True):
        assert (asked.kind, asked.mid) == (given_out.kind, given_out.mid)
        if asked.mid not in sent:
            assert given_out.direction == "inactive"
            assert given_out.rejected or asked.mid == (theirs.bundle or ("",))[0]
            continue
        consumer = sent[asked.mid]
        assert asked.receives
        assert given_out.direction == "sendonly"
        assert {item.payload_type for item in given_out.rtp_formats} <= {
            item.payload_type for item in asked.rtp_formats
        }
        assert consumer.extensions.items() == {(item.uri, item.id) for item in given_out.extensions}
        assert consumer.extensions.items() <= {(item.uri, item.id) for item in asked.extensions}
        assert {item.ssrc for item in given_out.ssrcs} == {consumer.ssrc, consumer.rtx_ssrc} - {None}
        assert consumer.codecs[0].payload_type == given_out.rtp_formats[0].payload_type


@pytest.mark.parametrize("name", PLAYERS)
def test_real_players(name: str) -> None:
    offer = text(f"{name}.offer")
    answer = answer_whep(offer, [MICROPHONE, CAMERA], SERVER)
    check(offer, answer)
    assert [consumer.kind for consumer in answer.consumers] == ["audio", "video"]
    assert [consumer.codecs[0].name for consumer in answer.consumers] == ["opus", "VP8"]
    assert (answer.rejected, answer.dtls.role) == ((), "client")
    assert answer.sdp.count("a=setup:active\r\n") == 2
    if not name.startswith("gstreamer"):
        assert answer.consumers[1].rtx_ssrc is not None
        assert {hx.PLAYOUT_DELAY, hx.ABS_SEND_TIME, hx.MID} <= answer.consumers[1].extensions.keys()


def test_tracks_in_order_of_the_caller_each_where_it_fits() -> None:
    answer = answer_whep(CHROMIUM, [SCREEN, CAMERA, MICROPHONE], SERVER)
    check(CHROMIUM, answer)
    assert [consumer.producer_id for consumer in answer.consumers] == ["producer-microphone", "producer-screen"]
    assert [(item.ref, item.code) for item in answer.rejected] == [("track-camera", "track_limit")]
    # Payload types are the player's.
    assert [codec.payload_type for codec in answer.consumers[1].codecs] == [98]


def test_a_track_that_the_player_cannot_decode_makes_room_for_one_that_it_can() -> None:
    answer = answer_whep(FIREFOX, [h264("42e01f"), CAMERA], SERVER)
    check(FIREFOX, answer)
    assert [consumer.producer_id for consumer in answer.consumers] == ["producer-camera"]
    assert [(item.ref, item.code) for item in answer.rejected] == [("track-h264", "codec_unsupported")]


@pytest.mark.parametrize(
    ("profile", "offered"),
    [
        ("42e01f", "42e01f"),
        ("42001f", "42001f"),
        ("4d001f", "4d001f"),
        # Chromium lists high 4:4:4 for receiving, which includes high.
        ("640c1f", "f4001f"),
        # Beyond all that it lists: whoever decodes H264 is sent what there is.
        ("2c001f", "f4001f"),
    ],
)
def test_the_h264_profile_closest_to_the_publishers(profile: str, offered: str) -> None:
    (consumer,) = answer_whep(CHROMIUM, [h264(profile)], SERVER).consumers
    parameters = consumer.codecs[0].parameters
    assert (parameters["profile-level-id"], parameters["packetization-mode"]) == (offered, "1")


def test_red_is_sent_to_those_who_take_it() -> None:
    for offer, names in ((CHROMIUM, ["opus", "red"]), (FIREFOX, ["opus"])):
        (consumer,) = answer_whep(offer, [MICROPHONE], SERVER).consumers
        assert [codec.name for codec in consumer.codecs] == names


def test_extension_directions_are_mirrored() -> None:
    answer = answer_whep(FIREFOX, [CAMERA], SERVER)
    directions = {item.uri: item.direction for media in parse(answer.sdp).media for item in media.extensions}
    assert directions[hx.PLAYOUT_DELAY] == "sendonly"


def test_of_an_extension_that_is_listed_twice_the_first_counts() -> None:
    twice = CHROMIUM.replace("a=recvonly", f"a=extmap:200 {hx.MID}\r\na=recvonly")
    answer = answer_whep(twice, [CAMERA], SERVER)
    check(twice, answer)
    assert answer.consumers[0].extensions[hx.MID] != 200


def test_the_leading_m_line_is_held_when_nothing_plays_on_it() -> None:
    answer = answer_whep(CHROMIUM, [CAMERA], SERVER)
    check(CHROMIUM, answer)
    audio, video = parse(answer.sdp).media
    assert (audio.rejected, audio.direction, video.direction) == (False, "inactive", "sendonly")
    audio, video = parse(answer_whep(CHROMIUM, [MICROPHONE], SERVER).sdp).media
    assert (audio.direction, video.rejected) == ("sendonly", True)


@pytest.mark.parametrize("transport_cc", [False, True])
def test_congestion_feedback(transport_cc: bool) -> None:
    (consumer,) = answer_whep(CHROMIUM, [CAMERA], SERVER, transport_cc=transport_cc).consumers
    assert ("transport-cc" in consumer.codecs[0].feedback) == transport_cc
    assert (hx.TRANSPORT_CC in consumer.extensions) == transport_cc


@pytest.mark.parametrize(
    ("offer", "tracks", "code"),
    [
        (CHROMIUM, [], "track_not_found"),
        (FIREFOX, [h264("42e01f")], "codec_unsupported"),
        (text("chromium_publish.offer"), [CAMERA], "codec_unsupported"),
        (CHROMIUM.replace("rtcp-mux", "x"), [CAMERA], "sdp_invalid"),
        ("", [CAMERA], "sdp_invalid"),
    ],
)
def test_what_cannot_be_played(offer: str, tracks: list[OutTrack], code: str) -> None:
    with pytest.raises(NegotiationError) as error:
        answer_whep(offer, tracks, SERVER)
    assert error.value.code == code
    assert error.value.message.endswith(".")
    assert isinstance(error.value, SdpError) == (code == "sdp_invalid")


@settings(deadline=None)
@given(spoilt())
def test_spoilt_offers_are_answered_soundly_or_refused(junk: str) -> None:
    try:
        answer = answer_whep(junk, [out_track(name) for name in OFFERED], SERVER)
    except NegotiationError:
        return
    check(junk, answer)
