"""A viewer made of nothing but text, and what must hold for whatever it is offered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from media import header_extensions as hx
from media.api import Fingerprint, IceParams
from media.negotiation import Offer
from media.sdp import MAX_MEDIA, parse, serialise
from media.sdp_model import MediaDescription, RtpFormat, SessionDescription


def respond(offer: str, refuse: Collection[str] = (), mute: Collection[str] = ()) -> str:
    """The answer of a viewer that takes everything but the mids in ``refuse`` (port 0) and ``mute`` (inactive)."""
    session = parse(offer)
    media = []
    for item in session.media:
        answered = replace(
            item,
            direction="recvonly" if item.sends else "inactive",
            setup="active",
            ice=IceParams("viewer", "v" * 22),
            fingerprints=(Fingerprint("sha-256", ":".join(["77"] * 32)),),
            candidates=(),
            ssrcs=(),
            ssrc_groups=(),
            msids=(),
        )
        if item.rejected or item.mid in refuse:
            answered = MediaDescription(
                item.kind, 0, item.protocol, item.formats[:1], mid=item.mid, direction="inactive"
            )
        elif item.mid in mute:
            answered = replace(answered, direction="inactive")
        media.append(answered)
    bundle = tuple(item.mid for item in media if not item.rejected)
    return serialise(SessionDescription("1", "1", tuple(media), bundle=bundle))


def check(offer: Offer) -> None:
    """What holds for every offer of ours."""
    session = parse(offer.sdp)
    assert parse(serialise(session)) == session
    assert session.ice_lite
    assert session.session_version == str(offer.version)
    assert len(session.media) <= MAX_MEDIA
    live = [media for media in session.media if not media.rejected]
    assert session.bundle == tuple(media.mid for media in live)
    assert [media.mid for media in live if media.candidates] == [media.mid for media in live[:1]]
    assert [(mid, f"{track}.{mid}") for mid, track in offer.tracks] == [
        (media.mid, media.msids[0].split()[1]) for media in live if media.direction == "sendonly"
    ]
    formats: dict[int, RtpFormat] = {}
    ssrcs: list[int] = []
    for media in live:
        assert media.direction in ("sendonly", "inactive")
        assert (media.setup, media.rtcp_mux, media.rtcp_rsize) == ("actpass", True, True)
        for item in media.rtp_formats:
            # One number, one meaning, all over the BUNDLE group.
            assert formats.setdefault(item.payload_type, item) == item
            assert not 64 <= item.payload_type < 96
        assert {(item.uri, item.id) for item in media.extensions} <= hx.CANONICAL.items()
        ssrcs += dict.fromkeys(item.ssrc for item in media.ssrcs)
        assert bool(media.ssrcs) == (media.direction == "sendonly")
    assert len({*ssrcs}) == len(ssrcs)
