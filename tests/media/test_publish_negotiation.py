"""Answers to publishers: what is taken from real clients' offers, later offers, refusals, and junk."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media import header_extensions as hx
from media.api import Encoding, ProducerParams, Source
from media.negotiation import CodecPolicy, NegotiationError, PublishAnswer, PublishNegotiation, SdpError, parse_fragment
from media.sdp import parse, serialise
from media.sdp_model import MediaDescription, RtpFormat, SessionDescription
from tests.media.sdp.offered import OFFERS, SERVER, text
from tests.media.test_sdp import spoilt

ALL: Callable[[Source], bool] = lambda _: True  # noqa: E731
NONE: Callable[[Source], bool] = lambda _: False  # noqa: E731
FEEDBACK = ("ccm fir", "nack", "nack pli")

#: As OBS (libdatachannel) writes it: transport attributes once, in the session; no header extensions; stereo.
OBS = """v=0
o=rtc 1234567890 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=group:LS 0 1
a=msid-semantic:WMS *
a=setup:actpass
a=ice-ufrag:aaaa
a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb
a=ice-options:ice2,trickle
a=fingerprint:sha-256 {fingerprint}
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=ssrc:11 cname:obs
a=ssrc:11 msid:s s-audio
a=msid:s s-audio
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=mid:1
a=sendonly
a=ssrc-group:FID 12 13
a=ssrc:12 cname:obs
a=ssrc:13 cname:obs
a=rtcp-mux
a=rtpmap:96 H264/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
""".format(fingerprint=":".join(["C0"] * 32))


def negotiation(policy: CodecPolicy | None = None) -> PublishNegotiation:
    ids = itertools.count(1)
    return PublishNegotiation(policy or CodecPolicy(), SERVER, lambda: f"track{next(ids)}")


def whip(offer: str, policy: CodecPolicy | None = None) -> PublishAnswer:
    answer = negotiation(policy).answer(offer, None, ALL)
    check(parse(offer), answer)
    return answer


def by_kind(answer: PublishAnswer) -> dict[str, ProducerParams]:
    return {producer.kind: producer for producer in answer.producers}


def check(offer: SessionDescription, answer: PublishAnswer) -> None:
    """What holds for every answer: it fits the offer line by line and promises nothing that was not offered."""
    ours = parse(answer.sdp)
    assert parse(serialise(ours)) == ours
    assert ours.ice_lite
    assert len(ours.media) == len(offer.media)
    live = [media.mid for media in ours.media if not media.rejected]
    assert ours.bundle == tuple(live)
    assert set(live) <= {media.mid for media in offer.media if not media.rejected}
    told = [media for media in ours.media if media.candidates]
    assert [media.mid for media in told] == live[:1]
    for theirs, mine in zip(offer.media, ours.media, strict=True):
        assert (mine.kind, mine.mid, mine.protocol) == (theirs.kind, theirs.mid, theirs.protocol)
        if mine.rejected:
            continue
        assert mine.direction in ("recvonly", "inactive")
        assert mine.direction == "inactive" or theirs.sends
        assert mine.setup == ("active" if answer.dtls.role == "client" else "passive")
        assert mine.ice is not None
        offered = {item.payload_type: item for item in theirs.rtp_formats}
        for chosen in mine.rtp_formats:
            source = offered[chosen.payload_type]
            assert chosen.name.lower() == source.name.lower()
            assert set(chosen.feedback) <= set(source.feedback)
        extensions = {(item.id, item.uri) for item in theirs.extensions}
        assert {(item.id, item.uri) for item in mine.extensions} <= extensions
        assert {rid.id for rid in mine.rids} <= {rid.id for rid in theirs.rids}
        assert not mine.ssrcs


# --- real clients ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """What is made of a client's offer."""

    video: str
    rtx: bool
    feedback: tuple[str, ...]
    audio: tuple[str, ...] = ("opus",)
    role: str = "client"
    parameters: Mapping[str, str] | None = None
    extensions: tuple[str, ...] = ()
    rids: tuple[str, ...] = ()


CLIENTS = {
    "chromium_publish": Expected(
        "VP8",
        True,
        ("transport-cc", *FEEDBACK),
        ("opus", "red"),
        extensions=(hx.TRANSPORT_CC, hx.MID, hx.RID, hx.REPAIRED_RID, hx.VIDEO_ORIENTATION),
    ),
    "chromium_simulcast": Expected(
        "VP8",
        True,
        ("transport-cc", *FEEDBACK),
        (),
        extensions=(
            hx.TRANSPORT_CC,
            hx.MID,
            hx.RID,
            hx.REPAIRED_RID,
            hx.VIDEO_ORIENTATION,
            hx.DEPENDENCY_DESCRIPTOR,
        ),
        rids=("q", "h", "f"),
    ),
    "firefox_publish": Expected(
        "VP8", True, ("transport-cc", *FEEDBACK), extensions=(hx.TRANSPORT_CC, hx.MID)
    ),
    "firefox_simulcast": Expected(
        "VP8",
        True,
        ("transport-cc", *FEEDBACK),
        (),
        extensions=(hx.TRANSPORT_CC, hx.MID, hx.RID, hx.REPAIRED_RID, hx.DEPENDENCY_DESCRIPTOR),
        rids=("q", "h", "f"),
    ),
    "aiortc_publish": Expected("VP8", True, ("nack", "nack pli"), extensions=(hx.MID,)),
    "gstreamer_publish_vp8": Expected("VP8", False, ("ccm fir", "nack pli")),
    "gstreamer_publish_h264": Expected(
        "H264",
        False,
        ("ccm fir", "nack pli"),
        parameters={"profile-level-id": "42c015", "packetization-mode": "1"},
    ),
    "ffmpeg_publish": Expected(
        "H264",
        True,
        ("nack",),
        parameters={"profile-level-id": "42000d", "packetization-mode": "1", "level-asymmetry-allowed": "1"},
    ),
}


def test_every_captured_publisher_is_expected() -> None:
    assert {name for name in OFFERS if "_publish" in name or "_simulcast" in name} == set(CLIENTS)


@pytest.mark.parametrize("name", CLIENTS)
def test_real_publishers(name: str) -> None:
    expected = CLIENTS[name]
    offer = text(f"{name}.offer")
    answer = whip(offer)
    assert (answer.rejected, answer.removed) == ((), ())
    assert (answer.dtls.role, answer.ice_restart) == (expected.role, None)
    assert {item.algorithm for item in answer.dtls.fingerprints} >= {"sha-256"}
    producers = by_kind(answer)
    video = producers["video"]
    (codec,) = video.codecs
    assert (codec.name, codec.rtx_payload_type is not None) == (expected.video, expected.rtx)
    assert codec.feedback == expected.feedback
    assert codec.parameters == (expected.parameters or {})
    assert video.source == "camera"
    assert {*video.extensions} == {*expected.extensions}
    assert tuple(encoding.rid for encoding in video.encodings if encoding.rid) == expected.rids
    if not expected.rids:
        (encoding,) = video.encodings
        assert encoding.ssrc is not None
        assert (encoding.rtx_ssrc is not None) == (expected.rtx and "ssrc-group:FID" in offer)
    if expected.audio:
        audio = producers["audio"]
        assert tuple(item.name for item in audio.codecs) == expected.audio
        assert (audio.source, audio.codecs[0].clock_rate, audio.codecs[0].channels) == ("microphone", 48000, 2)
        assert audio.encodings[0].ssrc is not None


def test_obs() -> None:
    answer = whip(OBS)
    audio, video = answer.producers
    assert audio.encodings == (Encoding(ssrc=11),)
    assert audio.codecs[0].parameters == {
        "minptime": "10",
        "useinbandfec": "1",
        "stereo": "1",
        "sprop-stereo": "1",
    }
    assert "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r\n" in answer.sdp
    assert video.encodings == (Encoding(ssrc=12, rtx_ssrc=13),)
    assert video.codecs[0].feedback == ("nack", "nack pli")
    assert "a=rtcp-rsize" not in answer.sdp
    assert "a=extmap-allow-mixed" not in answer.sdp


def test_extension_directions_are_mirrored() -> None:
    answer = whip(text("firefox_simulcast.offer"))
    (media,) = parse(answer.sdp).media
    directions = {item.uri: item.direction for item in media.extensions}
    assert directions[hx.RID] == "recvonly"
    assert directions[hx.MID] == ""


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
