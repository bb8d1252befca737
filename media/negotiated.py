"""Pieces that every description of ours is made of, and the small values that negotiations hand out."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from media import header_extensions as hx
from media.api import Codec, ProducerParams
from media.sdp_model import (
    HeaderExtension,
    MediaDescription,
    MediaDirection,
    Rid,
    RtpFormat,
    SessionDescription,
    Setup,
    Simulcast,
    SsrcAttribute,
    SsrcGroup,
)
from media.server_side import ServerSide

#: Filled from the Producer's packets, so of no use to a viewer of a Producer that does not send them.
_PASSED_ON = frozenset({hx.AUDIO_LEVEL, hx.VIDEO_ORIENTATION, hx.ABS_CAPTURE_TIME, hx.DEPENDENCY_DESCRIPTOR})
_OPPOSITE = {"sendonly": "recvonly", "recvonly": "sendonly"}
REMB = "goog-remb"


class Rejection(NamedTuple):
    """A Track that was not taken: the ``mid`` (publishing) or track id (subscribing), a stable code, a sentence."""

    ref: str
    code: str
    message: str


class OutTrack(NamedTuple):
    """A Track to be sent to a viewer. ``stream_id`` is the msid that groups what must play in sync."""

    track_id: str
    producer: ProducerParams
    stream_id: str
    consumer_id: str


def new_session_id() -> str:
    """An o-line session id: 62 random bits (RFC 8829 section 5.2.1)."""
    return str(secrets.randbits(62))


def view_extensions(producer: ProducerParams, transport_cc: bool) -> tuple[str, ...]:
    """URIs of the header extensions worth sending to a viewer of this Producer."""
    listed = hx.VIEW_AUDIO if producer.kind == "audio" else hx.VIEW_VIDEO
    return tuple(
        uri
        for uri in listed
        if (uri not in _PASSED_ON or uri in producer.extensions) and (uri != hx.TRANSPORT_CC or transport_cc)
    )


def view_feedback(kind: str, transport_cc: bool) -> tuple[str, ...]:
    """The rtcp-fb values offered to viewers; the sender of media understands all of these."""
    congestion = ("transport-cc",) if transport_cc else ()
    return congestion if kind == "audio" else (REMB, *congestion, "ccm fir", "nack", "nack pli")


def viewer_codec(codec: Codec, feedback: tuple[str, ...]) -> Codec:
    """A Producer's codec as it is offered to viewers.

    Opus becomes the same for all publishers but for stereo, so that equal Tracks share a payload type: FEC and DTX
    concern the sender alone, and every Opus decoder takes both.
    """
    if codec.name == "red":
        return replace(codec, feedback=(), rtx_payload_type=None)
    if codec.name != "opus":
        return replace(codec, feedback=feedback)
    parameters = {"minptime": "10", "useinbandfec": "1"}
    if "1" in (codec.parameters.get("sprop-stereo"), codec.parameters.get("stereo")):
        parameters |= {"stereo": "1", "sprop-stereo": "1"}
    return replace(codec, parameters=parameters, feedback=feedback)


def ssrc_lines(
    track: OutTrack, ssrc: int, rtx_ssrc: int | None
) -> tuple[tuple[str, ...], tuple[SsrcAttribute, ...], tuple[SsrcGroup, ...]]:
    """msid, ssrc and ssrc-group values that announce one outbound Track. Its stream id is also its CNAME."""
    msid = f"{track.stream_id} {track.track_id}"
    numbers = (ssrc,) if rtx_ssrc is None else (ssrc, rtx_ssrc)
    lines = [
        SsrcAttribute(number, name, value)
        for number in numbers
        for name, value in (("cname", track.stream_id), ("msid", msid))
    ]
    return (msid,), tuple(lines), () if rtx_ssrc is None else (SsrcGroup("FID", numbers),)


def answered_extensions(
    offered: Iterable[HeaderExtension], wanted: Collection[str], *, receiving: bool
) -> tuple[HeaderExtension, ...]:
    """The offered extensions that an answer of ours takes, under the remote's ids; ``receiving``: it sends, we receive.

    A direction is written as seen from our side (RFC 8285 section 6). Of a URI that is listed twice the first counts.
    """
    useless = ("recvonly" if receiving else "sendonly", "inactive")
    taken: dict[str, HeaderExtension] = {}
    for extension in offered:
        if extension.uri in wanted and extension.direction not in useless:
            direction = _OPPOSITE.get(extension.direction, extension.direction)
            taken.setdefault(extension.uri, HeaderExtension(extension.id, extension.uri, direction))
    return tuple(taken.values())


def session(
    session_id: str,
    version: int,
    sections: Sequence[MediaDescription],
    *,
    ice_options: tuple[str, ...] = (),
    allow_mixed: bool = True,
) -> SessionDescription:
    """A description of ours; the BUNDLE group holds every m-line that is not rejected (RFC 9143 section 7.3.3).

    ``allow_mixed``: one-byte and two-byte header extensions may alternate (RFC 8285 section 6); an answer says so only
    when the offer did.
    """
    mixed = (("extmap-allow-mixed", None),) if allow_mixed else ()
    return SessionDescription(
        session_id,
        str(version),
        tuple(sections),
        bundle=tuple(section.mid for section in sections if not section.rejected),
        ice_lite=True,
        ice_options=ice_options,
        attributes=(*mixed, ("msid-semantic", " WMS *")),
    )


class SectionWriter:
    """Writes our m-lines one after the other; the first accepted one carries the candidates (RFC 9143 section 7.3)."""

    __slots__ = ("_address", "_port", "_server", "_setup", "_told", "sections")

    def __init__(self, server: ServerSide, setup: Setup) -> None:
        self.sections: list[MediaDescription] = []
        self._server = server
        self._setup = setup
        self._address, self._port = server.default_address()
        self._told = False

    def accept(
        self,
        kind: str,
        mid: str,
        direction: MediaDirection,
        formats: Sequence[RtpFormat],
        extensions: Iterable[HeaderExtension] = (),
        *,
        protocol: str,
        rtcp_rsize: bool = True,
        rids: Iterable[str] = (),
        simulcast: bool = False,
        msids: tuple[str, ...] = (),
        ssrcs: tuple[SsrcAttribute, ...] = (),
        ssrc_groups: tuple[SsrcGroup, ...] = (),
    ) -> None:
        """An m-line in use."""
        rids = tuple(rids)
        self.sections.append(
            MediaDescription(
                kind,
                self._port,
                protocol,
                tuple(str(item.payload_type) for item in formats),
                connection=self._address,
                mid=mid,
                direction=direction,
                rtp_formats=tuple(formats),
                extensions=tuple(extensions),
                rids=tuple(Rid(rid, "recv") for rid in rids),
                simulcast=Simulcast(recv=tuple((rid,) for rid in rids)) if simulcast and rids else None,
                ssrcs=ssrcs,
                ssrc_groups=ssrc_groups,
                msids=msids,
                ice=self._server.ice,
                fingerprints=self._server.fingerprints(),
                setup=self._setup,
                candidates=() if self._told else self._server.candidate_lines(),
                end_of_candidates=not self._told,
                rtcp_mux=True,
                rtcp_rsize=rtcp_rsize,
            )
        )
        self._told = True

    def reject(self, kind: str, mid: str, protocol: str, formats: tuple[str, ...]) -> None:
        """An m-line with port 0 (RFC 3264 section 6): not used, or stopped."""
        self.sections.append(MediaDescription(kind, 0, protocol, formats[:1], mid=mid, direction="inactive"))

    def refuse(self, offered: MediaDescription, *, leads: bool) -> None:
        """Take nothing on an offered m-line: port 0, or inactive where it ``leads`` the BUNDLE group.

        Chromium fails ("Failed to setup RTCP mux") when the m-line that its only transport hangs on is refused.
        """
        if leads and offered.rtp_formats and not offered.rejected:
            self.accept(offered.kind, offered.mid, "inactive", offered.rtp_formats[:1], protocol=offered.protocol)
        else:
            self.reject(offered.kind, offered.mid, offered.protocol, offered.formats)
