"""What is made of real publishers' offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from media import header_extensions as hx
from media.api import Encoding
from media.sdp import parse
from tests.media.sdp.offered import OFFERS, text
from tests.media.sdp.publisher import OBS, by_kind, whip

FEEDBACK = ("ccm fir", "nack", "nack pli")


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
    "firefox_publish": Expected("VP8", True, ("transport-cc", *FEEDBACK), extensions=(hx.TRANSPORT_CC, hx.MID)),
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
