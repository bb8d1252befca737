"""A negotiation with a publisher, an offer as OBS writes it, and what must hold for whatever we answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from media.api import ProducerParams, Source
from media.negotiation import CodecPolicy, PublishAnswer, PublishNegotiation
from media.sdp import parse, serialise
from media.sdp_model import SessionDescription
from tests.media.sdp.offered import SERVER

ALL: Callable[[Source], bool] = lambda _: True  # noqa: E731
NONE: Callable[[Source], bool] = lambda _: False  # noqa: E731

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
