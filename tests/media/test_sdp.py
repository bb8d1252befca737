"""Reading and writing session descriptions: real ones, broken ones, and junk."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media import sdp
from media.api import Fingerprint, IceParams
from media.sdp import SdpError, SessionDescription, parse, serialise
from media.sdp_model import HeaderExtension, Rid, RtpFormat, Simulcast, SsrcAttribute, SsrcGroup
from tests.media.sdp.offered import ANSWERS, OFFERS, our_offer, text

CAPTURED = [*(f"{name}.offer" for name in OFFERS), *(f"{name}.answer" for name in ANSWERS)]
FINGERPRINT = ":".join(["AB"] * 32)
HEAD = "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n"
VIDEO = HEAD + "m=video 9 UDP/TLS/RTP/SAVPF 96 97\na=mid:v\n"


@pytest.mark.parametrize("name", CAPTURED)
def test_a_real_description_survives_writing_and_reading(name: str) -> None:
    read = parse(text(name))
    assert read.media
    assert parse(serialise(read)) == read


@pytest.mark.parametrize("name", CAPTURED)
def test_nothing_of_a_real_description_is_lost(name: str) -> None:
    written = {*re.split("\r?\n", serialise(parse(text(name))))}
    # What is expected to differ: the session's own lines, attributes moved from the session into each m-line, the order
    # of a direction of its own, and white space.
    expected = {
        line
        for line in re.split("\r?\n", text(name))
        if not line.startswith(("o=", "s=", "c=", "m=", "a=group:", "a=ice-options:"))
    }
    missing = {line.replace(": ", ":").rstrip(":; ") for line in expected} - {
        line.replace(": ", ":").rstrip(":; ") for line in written
    }
    assert missing <= {"a=extmap-allow-mixed", "a=sendrecv", "a=rtpmap:9 G722/8000/1"}


def test_every_attribute_that_matters_is_read() -> None:
    media = parse(
        VIDEO
        + "c=IN IP6 2001:db8::1\n"
        + "a=rtpmap:96 VP8/90000\na=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\n"
        + "a=rtcp-fb:* ccm fir\na=rtcp-fb:96 nack  pli\n"
        + "a=extmap:3 urn:one\na=extmap:4/sendonly urn:two with attributes\na=extmap:4100 urn:three\n"
        + "a=rid:hi send max-width=1280;max-fps=30\na=rid:lo send\na=simulcast:send hi,alt;~lo\n"
        + "a=ssrc-group:FID 1 2\na=ssrc:1 cname:me\na=ssrc:1 msid:a b\na=msid:a b\n"
        + "a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\n"
        + f"a=fingerprint:SHA-256 {FINGERPRINT.lower()}\na=fingerprint:md2 00\na=setup:passive\n"
        + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\na=end-of-candidates\n"
        + "a=rtcp-mux\na=rtcp-rsize\na=bundle-only\na=extmap-allow-mixed\na=recvonly\na=x-unknown:7\na=x-flag\n"
    ).media[0]
    assert media.connection == "IN IP6 2001:db8::1"
    assert media.rtp_formats == (
        RtpFormat(96, "VP8", 90000, 1, "", ("nack pli", "ccm fir")),
        RtpFormat(97, "rtx", 90000, 1, "apt=96", ("ccm fir",)),
    )
    assert media.extensions == (HeaderExtension(3, "urn:one"), HeaderExtension(4, "urn:two", "sendonly"))
    assert media.rids == (Rid("hi", "send", "max-width=1280;max-fps=30"), Rid("lo", "send"))
    assert media.simulcast == Simulcast(send=(("hi", "alt"), ("~lo",)))
    assert media.ssrc_groups == (SsrcGroup("FID", (1, 2)),)
    assert media.ssrcs == (SsrcAttribute(1, "cname", "me"), SsrcAttribute(1, "msid", "a b"))
    assert media.msids == ("a b",)
    assert media.ice == IceParams("abcd", "0123456789012345678901")
    assert media.fingerprints == (Fingerprint("sha-256", FINGERPRINT),)
    assert (media.setup, media.direction) == ("passive", "recvonly")
    assert media.candidates == ("1 1 udp 1 192.0.2.1 9 typ host",)
    assert (media.end_of_candidates, media.rtcp_mux, media.rtcp_rsize, media.bundle_only) == (True,) * 4
    assert media.extmap_allow_mixed
    assert media.attributes == (("x-unknown", "7"), ("x-flag", None))


def test_transport_attributes_of_the_session_hold_for_every_m_line() -> None:
    session = parse(
        HEAD
        + "a=group:BUNDLE a v\na=ice-lite\na=ice-options:trickle renomination\na=setup:active\na=sendonly\n"
        + f"a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\na=fingerprint:sha-256 {FINGERPRINT}\n"
        + "a=extmap-allow-mixed\na=extmap:1 urn:x\n"
        + "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:a\n"
        + "m=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:v\na=setup:passive\na=recvonly\na=extmap:2 urn:y\n"
    )
    audio, video = session.media
    assert (session.bundle, session.ice_lite, session.ice_options) == (("a", "v"), True, ("trickle", "renomination"))
    for media in session.media:
        assert media.ice == IceParams("abcd", "0123456789012345678901")
        assert media.fingerprints == (Fingerprint("sha-256", FINGERPRINT),)
        assert media.extmap_allow_mixed
    assert (audio.setup, audio.direction, audio.extensions) == ("active", "sendonly", (HeaderExtension(1, "urn:x"),))
    assert (video.setup, video.direction, video.extensions) == ("passive", "recvonly", (HeaderExtension(2, "urn:y"),))


@pytest.mark.parametrize(
    ("line", "rejected", "sends", "receives"),
    [
        ("m=video 9 UDP/TLS/RTP/SAVPF 96\na=sendrecv", False, True, True),
        ("m=video 9 UDP/TLS/RTP/SAVPF 96\na=sendonly", False, True, False),
        ("m=video 9 UDP/TLS/RTP/SAVPF 96\na=recvonly", False, False, True),
        ("m=video 9 UDP/TLS/RTP/SAVPF 96\na=inactive", False, False, False),
        ("m=video 0 UDP/TLS/RTP/SAVPF 96\na=sendrecv", True, False, False),
        ("m=video 0 UDP/TLS/RTP/SAVPF 96\na=sendrecv\na=bundle-only", False, True, True),
    ],
)
def test_what_an_m_line_wants(line: str, rejected: bool, sends: bool, receives: bool) -> None:
    (media,) = parse(HEAD + line).media
    assert (media.rejected, media.sends, media.receives) == (rejected, sends, receives)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_blank_lines(end: str) -> None:
    assert parse((VIDEO + "\n\na=rtcp-mux\n\n").replace("\n", end)) == parse(VIDEO + "a=rtcp-mux")


@pytest.mark.parametrize(
    "line",
    [
        "a=fmtp:x y",
        "a=rtcp-fb:nonsense",
        "a=fingerprint:md5 zz",
        "a=candidate:garbage",
        "a=msid:",
        "a=ssrc:1",
        "a=rtpmap:96 VP8/90000/",
        "a=simulcast:send h",
        "b=AS:100",
        "i=a title with spaces",
        "a=",
        "a=:",
        "a=rtcp-xr:rcvr-rtt=all",
        "k=clear:x",
        "a=extmap:14 urn:x a b c",
        "a=ice-lite",
        "a=ice-options:trickle",
        "a=group:BUNDLE v",
    ],
)
def test_oddities_are_let_through(line: str) -> None:
    assert len(parse(VIDEO + line).media) == 1


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("hello", "line 1: an SDP begins with v=0"),
        ("v=1\n", "line 1"),
        ("v=0\no=-\n", "line 2: o= needs"),
        ("v=0\no=- x 1 IN IP4 0\n", "line 2: o= needs"),
        ("v=0\nnonsense\n", "line 2: a line needs the form"),
        (HEAD + "m=video\n", "line 5: an m-line needs"),
        (HEAD + "m=video x UDP/TLS/RTP/SAVPF 96\n", "port must be a number"),
        (HEAD + "m=video 70000 UDP/TLS/RTP/SAVPF 96\n", "port must be a number"),
        (HEAD + "m=\u0663 9 UDP 96\n", "an m-line needs"),
        (HEAD + "m=video \u0663 UDP/TLS/RTP/SAVPF 96\n", "port must be a number"),
        (VIDEO + "a=rtpmap:x VP8/90000", "line 7: an rtpmap's payload type must be a number"),
        (VIDEO + "a=rtpmap:200 VP8/90000", "payload type must be a number from 0 to 127"),
        (VIDEO + "a=rtpmap:96 VP8", "an rtpmap needs the form"),
        (VIDEO + "a=rtpmap:96 V P8/90000", "an rtpmap needs the form"),
        (VIDEO + "a=rtpmap:96 VP8/0", "a clock rate must be"),
        (VIDEO + "a=rtpmap:96 VP8/90000\na=rtpmap:96 VP9/90000", "mapped twice"),
        (VIDEO + "a=extmap:0 urn:x", "an extmap's id must be"),
        (VIDEO + "a=extmap:1", "an extmap needs the form"),
        (VIDEO + "a=extmap:1/up urn:x", "direction is unknown"),
        (VIDEO + "a=extmap:1 urn:x\na=extmap:1 urn:y", "id 1 is used twice"),
        (VIDEO + "a=mid:", "a mid must be a token"),
        (VIDEO + "a=mid:a b", "a mid must be a token"),
        (VIDEO + "a=mid:" + "x" * 65, "a mid must be a token"),
        (VIDEO + "m=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:v", "two m-lines have the same mid"),
        (HEAD + "a=group:BUNDLE v w\nm=video 9 UDP/TLS/RTP/SAVPF 96\na=mid:v", "BUNDLE group names mid 'w'"),
        (VIDEO + "a=ssrc:x cname:y", "an ssrc must be a number"),
        (VIDEO + "a=ssrc:4294967296 cname:y", "an ssrc must be a number"),
        (VIDEO + "a=ssrc-group:FID 1 x", "an ssrc must be a number"),
        (VIDEO + "a=ssrc-group:", "an ssrc-group needs a name"),
        (VIDEO + "a=rid:! send", "a rid needs the form"),
        (VIDEO + "a=rid:x both", "a rid needs the form"),
        (VIDEO + "a=rid:x send\na=rid:x send", "declared twice"),
        (VIDEO + "a=simulcast:", "a simulcast line needs the form"),
        (VIDEO + "a=simulcast:send a send b", "a simulcast line needs the form"),
        (VIDEO + "a=simulcast:send a;;b", "not a rid"),
        (VIDEO + "a=simulcast:send ~~a", "not a rid"),
        (VIDEO + "a=ice-ufrag:abc\na=ice-pwd:0123456789012345678901", "an ice-ufrag has 4 to 256"),
        (VIDEO + "a=ice-ufrag:abcd\na=ice-pwd:short", "an ice-pwd has 22 to 256"),
        (VIDEO + "a=ice-ufrag:abcd", "must come together"),
        (VIDEO + "a=fingerprint:sha-256 00", "32 bytes in hexadecimal"),
        (VIDEO + f"a=fingerprint:sha-256 {FINGERPRINT}:AB", "32 bytes in hexadecimal"),
        (VIDEO + f"a=fingerprint:sha-256 {FINGERPRINT}\n" * 9, "more than 8 fingerprints"),
        (VIDEO + "a=setup:maybe", "a=setup must be"),
        (VIDEO + "a=mid:x\0y", "control characters"),
        (VIDEO + "a=x:1\ra=y:2", "control characters"),
        (VIDEO + "a=x:\x1b[31m", "control characters"),
        (VIDEO + "a=x:\ud800", "not valid Unicode"),
        (HEAD + "m=video 9 UDP/TLS\u00e9 96\n", "an m-line needs"),
        (HEAD + "m=video 9 UDP/TLS/RTP/SAVPF 96 \u00e9\n", "an m-line needs"),
        (VIDEO + "a=x:" + "y" * 8192, "more than 8192 characters"),
        (VIDEO + "a=x\n" * 4001, "more than 4000 lines"),
        (VIDEO + "a=x:yyyyyyyyyyyyyyyyy\n" * 3900, "larger than 64 KiB"),
        (HEAD + "m=video 9 UDP/TLS/RTP/SAVPF 96\n" * 33, "more than 32 m-lines"),
    ],
)
def test_a_broken_description_is_refused_in_words(bad: str, message: str) -> None:
    with pytest.raises(SdpError) as error:
        parse(bad)
    assert error.value.code == "sdp_invalid"
    assert message in error.value.message
    assert error.value.message.endswith(".")
    assert error.value.message.isprintable()


# --- junk ------------------------------------------------------------------------------------------------------------

OURS = [line for line in our_offer()[1].sdp.splitlines() if not line.startswith("o=")]
FRAGMENTS = st.sampled_from(sorted({*OURS, *(line for name in CAPTURED for line in text(name).splitlines())}))
NOISE = st.text(alphabet=st.characters(codec="utf-8"), max_size=40)


@st.composite
def spoilt(draw: st.DrawFn) -> str:
    """A real description with lines removed, doubled, swapped, cut short or spoilt."""
    lines = text(draw(st.sampled_from(CAPTURED))).splitlines()
    for _ in range(draw(st.integers(1, 6))):
        index = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 5)):
            case 0:
                if len(lines) > 1:
                    del lines[index]
            case 1:
                lines.insert(index, lines[index])
            case 2:
                lines[index] = draw(FRAGMENTS)
            case 3:
                lines[index] = lines[index][: draw(st.integers(0, len(lines[index])))]
            case 4:
                at = draw(st.integers(0, len(lines[index])))
                lines[index] = lines[index][:at] + draw(NOISE) + lines[index][at + 1 :]
            case _:
                lines.insert(index, draw(FRAGMENTS))
    return "\n".join(lines)


def read_or_refuse(junk: str) -> SessionDescription | None:
    try:
        return parse(junk)
    except SdpError:
        return None


@settings(deadline=None)
@given(st.one_of(spoilt(), NOISE, st.lists(FRAGMENTS).map(lambda lines: "\n".join(["v=0", *lines]))))
def test_junk_is_refused_or_read_but_never_breaks(junk: str) -> None:
    read = read_or_refuse(junk)
    if read is None:
        return
    written = serialise(read)
    assert parse(written) == read
    assert "\n" not in written.replace("\r\n", "")


@settings(deadline=None)
@given(st.lists(st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010)).map("".join))
def test_lone_surrogates_do_no_harm(junk: str) -> None:
    read_or_refuse(VIDEO + "a=x:" + junk)


def test_the_limits_leave_room_for_what_clients_send() -> None:
    largest = max(len(text(name)) for name in CAPTURED)
    assert largest * 5 < sdp.MAX_SIZE
