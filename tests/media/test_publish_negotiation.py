"""Answers to publishers: what is taken from real clients' offers, later offers, refusals, and junk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.api import Encoding, ProducerParams, Source
from media.negotiation import CodecPolicy, NegotiationError, PublishAnswer, SdpError, parse_fragment
from media.publish_negotiation import SOURCE_KIND
from media.sdp import parse, serialise
from media.sdp_model import MediaDescription, RtpFormat
from tests.media.sdp.offered import SERVER, text
from tests.media.sdp.publisher import ALL, NONE, OBS, by_kind, check, negotiation, whip
from tests.media.test_sdp import spoilt

# --- choosing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "chosen"),
    [
        (("VP8",), 96),
        (("VP9", "VP8"), 98),
        (("AV1",), 45),
        # Constrained baseline in packetization mode 1, though Chromium lists plain baseline first.
        (("H264",), 108),
        (("H265", "VP9"), 98),
    ],
)
def test_the_policy_decides(order: tuple[str, ...], chosen: int) -> None:
    answer = whip(text("chromium_publish.offer"), CodecPolicy(video_order=order))
    assert [codec.payload_type for codec in by_kind(answer)["video"].codecs] == [chosen]


def test_red_is_taken_or_not() -> None:
    offer = text("chromium_publish.offer")
    with_red, without = whip(offer), whip(offer, CodecPolicy(audio_red=False))
    assert [codec.name for codec in by_kind(with_red)["audio"].codecs] == ["opus", "red"]
    assert parse(with_red.sdp).media[0].formats == ("63", "111")
    assert "a=fmtp:63 111/111" in with_red.sdp
    assert [codec.name for codec in by_kind(without)["audio"].codecs] == ["opus"]


def test_the_start_bitrate_goes_to_video_only() -> None:
    answer = whip(text("chromium_publish.offer"), CodecPolicy(start_bitrate_kbps=1200))
    assert answer.sdp.count("x-google-start-bitrate=1200") == 1
    assert by_kind(answer)["video"].codecs[0].parameters == {}


def test_layers_are_limited() -> None:
    answer = whip(text("chromium_simulcast.offer"), CodecPolicy(max_layers=2))
    assert [encoding.rid for encoding in answer.producers[0].encodings] == ["q", "h"]
    assert "a=simulcast:recv q;h\r\n" in answer.sdp


def test_a_rid_for_another_codec_is_left_out() -> None:
    offer = text("chromium_simulcast.offer").replace("a=rid:h send", "a=rid:h send pt=98;max-fps=30")
    assert [encoding.rid for encoding in whip(offer).producers[0].encodings] == ["q", "f"]


def test_simulcast_by_ssrc_group() -> None:
    offer = OBS.replace(
        "a=ssrc-group:FID 12 13", "a=ssrc-group:SIM 12 14\na=ssrc-group:FID 12 13\na=ssrc-group:FID 14 15"
    )
    assert by_kind(whip(offer))["video"].encodings == (
        Encoding(ssrc=12, rtx_ssrc=13),
        Encoding(ssrc=14, rtx_ssrc=15),
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("H264/90000", "H265/90000"),
        ("H264/90000", "H264/8000"),
        ("H264/90000", "VP9/90000\na=fmtp:96 profile-id=2"),
        ("H264/90000", "AV1/90000\na=fmtp:96 profile=1"),
        ("profile-level-id=42e01f", "profile-level-id=zz"),
    ],
)
def test_no_common_codec(old: str, new: str) -> None:
    answer = whip(OBS.replace(old, new))
    assert [(item.ref, item.code) for item in answer.rejected] == [("1", "no_common_codec")]
    assert [producer.kind for producer in answer.producers] == ["audio"]
    assert parse(answer.sdp).media[1].port == 0


def test_parameters_that_are_not_carried_stay_out_of_our_descriptions() -> None:
    answer = whip(OBS.replace("useinbandfec=1", "useinbandfec=1 x;usedtx=$(x);cbr=1"))
    assert by_kind(answer)["audio"].codecs[0].parameters.keys() == {"minptime", "stereo", "sprop-stereo"}


@pytest.mark.parametrize(
    ("setup", "role", "ours"),
    [("actpass", "client", "active"), ("passive", "client", "active"), ("active", "server", "passive")],
)
def test_dtls_roles(setup: str, role: str, ours: str) -> None:
    answer = whip(OBS.replace("a=setup:actpass", f"a=setup:{setup}"))
    assert answer.dtls.role == role
    assert f"a=setup:{ours}\r\n" in answer.sdp


# --- what is allowed -------------------------------------------------------------------------------------------------

CHROMIUM = text("chromium_publish.offer")
BOTH: dict[str, Source] = {"0": "microphone", "1": "camera"}


@pytest.mark.parametrize(
    ("sources", "denied", "refused"),
    [
        (BOTH, {"camera"}, [("1", "forbidden")]),
        (BOTH, {"microphone"}, [("0", "forbidden")]),
        ({"0": "microphone"}, set(), [("1", "bad_message")]),
        ({"0": "microphone", "1": "screen_audio"}, set(), [("1", "bad_message")]),
        ({"0": "camera", "1": "screen"}, set(), [("0", "bad_message")]),
    ],
)
def test_only_what_is_listed_and_allowed_is_taken(
    sources: dict[str, Source], denied: set[Source], refused: list[tuple[str, str]]
) -> None:
    answer = negotiation().answer(CHROMIUM, sources, lambda source: source not in denied)
    check(parse(CHROMIUM), answer)
    assert [(item.ref, item.code) for item in answer.rejected] == refused
    assert len(answer.producers) == 1
    for media in parse(answer.sdp).media:
        if media.mid == refused[0][0]:
            # Chromium needs the m-line that its BUNDLE group hangs on; nothing is received on it either way.
            assert (media.port == 0) == (media.mid != "0")
            assert media.direction == "inactive"


@pytest.mark.parametrize("source", get_args(Source))
def test_every_source_is_of_one_kind_and_negotiated_like_all_of_it(source: Source) -> None:
    kind = SOURCE_KIND[source]
    mid = "0" if kind == "audio" else "1"
    usual = by_kind(negotiation().answer(CHROMIUM, BOTH, lambda _: True))[kind]
    answer = negotiation().answer(CHROMIUM, {mid: source}, lambda asked: asked == source)
    check(parse(CHROMIUM), answer)
    (producer,) = answer.producers
    assert (producer.source, producer.kind) == (source, kind)
    assert (producer.codecs, producer.extensions, producer.encodings) == (
        usual.codecs,
        usual.extensions,
        usual.encodings,
    )
    crossed: Source = "camera" if kind == "audio" else "microphone"
    other = "1" if kind == "audio" else "0"
    mixed = negotiation().answer(CHROMIUM, {mid: crossed, other: crossed}, lambda _: True)
    assert [(item.ref, item.code) for item in mixed.rejected] == [(mid, "bad_message")]


@pytest.mark.parametrize(("sources", "code"), [(BOTH, "forbidden"), ({}, "bad_message"), (None, "forbidden")])
def test_a_first_offer_with_nothing_to_take_is_an_error(sources: dict[str, Source] | None, code: str) -> None:
    with pytest.raises(NegotiationError) as error:
        negotiation().answer(CHROMIUM, sources, lambda _: False)
    assert error.value.code == code


def test_a_whip_offer_that_sends_nothing_is_an_error() -> None:
    with pytest.raises(SdpError, match="sends neither"):
        whip(text("chromium_play.offer"))


def test_a_data_channel_is_refused_and_the_rest_is_taken() -> None:
    offer = CHROMIUM.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1 2") + (
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=sctp-port:5000\r\n"
    )
    answer = whip(offer)
    assert [(item.ref, item.code) for item in answer.rejected] == [("2", "unsupported_media_type")]
    assert len(answer.producers) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"), "not in the BUNDLE group"),
        (("a=group:BUNDLE 0 1\r\n", ""), "not in the BUNDLE group"),
        (("a=rtcp-mux\r\n", ""), "lacks rtcp-mux"),
        (("a=fingerprint:sha-256", "a=fingerprint:md5"), "no certificate fingerprint"),
        (("a=setup:actpass", "a=setup:holdconn"), "a=setup:holdconn"),
        (("a=ice-", "a=x-ice-"), "no ice-ufrag"),
        (("a=mid:1", "a=x:1"), "BUNDLE group names"),
        (("m=audio 9", "m=audio 0"), ""),
    ],
)
def test_offers_that_cannot_be_served(change: tuple[str, str], message: str) -> None:
    if message:
        with pytest.raises(SdpError, match=message):
            whip(CHROMIUM.replace(*change))
    else:
        assert [producer.kind for producer in whip(CHROMIUM.replace(*change)).producers] == ["video"]


# --- later offers ----------------------------------------------------------------------------------------------------


def renew(offer: str, change: Callable[[list[MediaDescription]], list[MediaDescription]]) -> str:
    session = parse(offer)
    media = tuple(change([*session.media]))
    return serialise(replace(session, media=media, bundle=tuple(item.mid for item in media if not item.rejected)))


def test_later_offers_add_pause_resume_and_stop() -> None:
    publisher = negotiation()
    first = publisher.answer(CHROMIUM, BOTH, ALL)
    audio, camera = first.producers
    assert publisher.producers == first.producers

    def answer(offer: str, sources: dict[str, Source]) -> PublishAnswer:
        result = publisher.answer(offer, sources, ALL)
        check(parse(offer), result)
        assert result.dtls == first.dtls
        return result

    added = renew(CHROMIUM, lambda media: [*media, replace(media[1], mid="2", ssrcs=(), ssrc_groups=())])
    result = answer(added, {"2": "screen"})
    (screen,) = result.producers
    assert (screen.source, screen.mid, result.removed) == ("screen", "2", ())

    # The same offer again changes nothing.
    result = answer(added, {})
    assert (result.producers, result.removed, result.rejected, result.ice_restart) == ((), (), (), None)

    paused = renew(added, lambda media: [*media[:2], replace(media[2], direction="inactive")])
    result = answer(paused, {})
    assert (result.producers, result.removed) == ((), (screen.id,))
    assert parse(result.sdp).media[2].direction == "inactive"

    result = answer(added, {"2": "screen"})
    assert [producer.source for producer in result.producers] == ["screen"]
    assert result.producers[0].id != screen.id

    stopped = renew(added, lambda media: [media[0], replace(media[1], port=0), media[2]])
    result = answer(stopped, {})
    assert (result.producers, result.removed) == ((), (camera.id,))

    recycled = renew(added, lambda media: [media[0], replace(media[1], mid="3"), media[2]])
    result = answer(recycled, {"3": "camera"})
    assert [producer.mid for producer in result.producers] == ["3"]

    # Another source on the same m-line is another Track.
    result = answer(recycled, {"3": "screen"})
    assert [producer.source for producer in result.producers] == ["screen"]
    assert len(result.removed) == 1
    assert {producer.id for producer in publisher.producers} >= {audio.id}


def test_a_grant_that_was_withdrawn_ends_the_track_at_the_next_offer() -> None:
    publisher = negotiation()
    first = publisher.answer(CHROMIUM, BOTH, ALL)
    result = publisher.answer(CHROMIUM, {}, lambda source: source != "camera")
    assert result.removed == (first.producers[1].id,)
    assert [item.code for item in result.rejected] == ["forbidden"]


def test_the_codec_in_use_is_kept() -> None:
    publisher = negotiation(CodecPolicy(video_order=("H264", "VP8")))
    only_vp8 = renew(
        CHROMIUM, lambda media: [media[0], replace(media[1], formats=("96",), rtp_formats=media[1].rtp_formats[:1])]
    )
    first = publisher.answer(only_vp8, BOTH, ALL)
    result = publisher.answer(CHROMIUM, {}, ALL)
    assert (result.producers, result.removed) == ((), ())
    assert "VP8/90000" in result.sdp
    assert "H264" not in result.sdp
    assert publisher.producers == first.producers


def test_ice_restart() -> None:
    publisher = negotiation()
    first = publisher.answer(CHROMIUM, BOTH, ALL)
    again = renew(
        CHROMIUM, lambda media: [replace(item, ice=replace(item.ice, ufrag="renewed")) for item in media if item.ice]
    )
    result = publisher.answer(again, {}, ALL)
    assert result.ice_restart is not None
    assert result.ice_restart != SERVER.ice
    assert f"a=ice-ufrag:{result.ice_restart.ufrag}\r\n" in result.sdp
    assert (result.producers, result.removed, result.dtls) == ((), (), first.dtls)
    later = publisher.answer(again, {}, ALL)
    assert later.ice_restart is None
    assert result.ice_restart.pwd in later.sdp


def test_ice_restart_by_fragment() -> None:
    publisher = negotiation()
    fragment = parse_fragment("a=ice-ufrag:renewed\r\na=ice-pwd:0123456789012345678901\r\n")
    with pytest.raises(SdpError):
        publisher.restart_ice(fragment)
    publisher.answer(CHROMIUM, BOTH, ALL)
    ice, reply = publisher.restart_ice(fragment)
    assert f"a=ice-ufrag:{ice.ufrag}\r\n" in reply
    assert parse_fragment(reply).ice == ice
    with pytest.raises(SdpError):
        publisher.restart_ice(parse_fragment("a=end-of-candidates"))


def test_what_cannot_change() -> None:
    publisher = negotiation()
    publisher.answer(CHROMIUM, BOTH, ALL)
    other = renew(
        CHROMIUM,
        lambda media: [
            replace(item, fingerprints=(replace(item.fingerprints[0], value=":".join(["00"] * 32)),)) for item in media
        ],
    )
    fewer = renew(CHROMIUM, lambda media: media[:1])
    for offer, message in ((other, "certificate"), (fewer, "fewer m-lines")):
        with pytest.raises(NegotiationError, match=message):
            publisher.answer(offer, BOTH, ALL)
    # Neither left a trace.
    result = publisher.answer(CHROMIUM, {}, ALL)
    assert (result.producers, result.removed) == ((), ())


def test_versions_of_our_description_grow() -> None:
    publisher = negotiation()
    origins = [parse(publisher.answer(CHROMIUM, BOTH, ALL).sdp) for _ in range(3)]
    assert [item.session_version for item in origins] == ["1", "2", "3"]
    assert len({item.session_id for item in origins}) == 1


def test_answers_hold_no_format_of_ours_twice() -> None:
    formats: list[RtpFormat] = [item for media in parse(whip(CHROMIUM).sdp).media for item in media.rtp_formats]
    assert len({item.payload_type for item in formats}) == len(formats)


# --- junk ------------------------------------------------------------------------------------------------------------

SOURCES = st.one_of(
    st.none(),
    st.dictionaries(
        st.sampled_from(["0", "1", "2", "audio0", "video1"]),
        st.sampled_from(["microphone", "camera", "screen", "screen_audio"]),
    ),
)


@settings(deadline=None)
@given(st.lists(st.tuples(spoilt(), SOURCES, st.booleans()), min_size=1, max_size=3))
def test_spoilt_offers_are_answered_soundly_or_refused(
    rounds: list[tuple[str, Mapping[str, Source] | None, bool]],
) -> None:
    publisher = negotiation()
    held: dict[str, ProducerParams] = {}
    for offer, sources, allowed in rounds:
        try:
            answer = publisher.answer(offer, sources, ALL if allowed else NONE)
        except NegotiationError:
            continue
        check(parse(offer), answer)
        for gone in answer.removed:
            del held[gone]
        for producer in answer.producers:
            assert producer.id not in held
            held[producer.id] = producer
        assert {producer.id for producer in publisher.producers} == held.keys()
        assert allowed or not held
        carried = {
            media.mid for media in parse(answer.sdp).media if media.direction == "recvonly" and not media.rejected
        }
        assert carried == {producer.mid for producer in held.values()}
