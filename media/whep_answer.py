"""Answers to a player's own offer (WHEP, draft-ietf-wish-whep): Tracks are fitted into its receiving m-lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from media import sdp
from media.api import Codec, ConsumerParams, DtlsParams
from media.codec_choice import H264_FOR_ALL, decodes, read_codecs, read_red, rtp_formats
from media.negotiated import (
    OutTrack,
    Rejection,
    SectionWriter,
    answered_extensions,
    new_session_id,
    session,
    ssrc_lines,
    view_extensions,
    view_feedback,
)
from media.outbound_ssrcs import OutboundSsrcs
from media.sdp_model import MediaDescription, NegotiationError
from media.server_side import ServerSide, bundled, remote_dtls, remote_ice


class WhepAnswer(NamedTuple):
    """``rejected``: Tracks that fit into none of the player's m-lines."""

    sdp: str
    dtls: DtlsParams
    consumers: tuple[ConsumerParams, ...]
    rejected: tuple[Rejection, ...]


def answer_whep(
    offer_sdp: str, tracks: Sequence[OutTrack], server: ServerSide, *, transport_cc: bool = False
) -> WhepAnswer:
    """Give each receiving m-line the first Track of its kind that it can decode; the others are refused.

    Raises SdpError; ``track_not_found`` when there is nothing to play, ``codec_unsupported`` when nothing fits.
    """
    offer = sdp.parse(offer_sdp)
    media = bundled(offer)
    leader = offer.bundle[0] if offer.bundle else None
    live = [item for item in media if not item.rejected]
    dtls = remote_dtls(live, offer=True)
    remote_ice(live)
    if not tracks:
        raise NegotiationError("track_not_found", "There is nothing to play.")
    waiting = list(tracks)
    writer = SectionWriter(server, "active" if dtls.role == "client" else "passive")
    consumers: list[ConsumerParams] = []
    dealt = OutboundSsrcs()
    for item in media:
        fit = _fit(item, waiting, transport_cc) if item.receives else None
        if fit is None:
            writer.refuse(item, leads=item.mid == leader)
            continue
        track, codecs = fit
        waiting.remove(track)
        ssrc, repair = dealt.deal(track.producer.number)
        rtx_ssrc = repair if codecs[0].rtx_payload_type is not None else None
        wanted = view_extensions(track.producer, transport_cc)
        extensions = answered_extensions(item.extensions, wanted, receiving=False)
        msids, ssrcs, groups = ssrc_lines(track, ssrc, rtx_ssrc)
        writer.accept(
            item.kind,
            item.mid,
            "sendonly",
            rtp_formats(codecs),
            extensions,
            protocol=item.protocol,
            rtcp_rsize=item.rtcp_rsize,
            msids=msids,
            ssrcs=ssrcs,
            ssrc_groups=groups,
        )
        producer = track.producer
        consumers.append(
            ConsumerParams(
                track.consumer_id,
                producer.id,
                producer.kind,
                item.mid,
                ssrc,
                rtx_ssrc,
                tuple(codecs),
                {extension.uri: extension.id for extension in extensions},
            )
        )
    rejected = tuple(_refusal(track, media) for track in waiting)
    if not consumers:
        raise NegotiationError(rejected[0].code, rejected[0].message)
    text = sdp.serialise(
        session(
            new_session_id(),
            1,
            writer.sections,
            ice_options=("trickle",),
            allow_mixed=any(item.extmap_allow_mixed for item in media),
        )
    )
    return WhepAnswer(text, dtls, tuple(consumers), rejected)


def _fit(
    media: MediaDescription, waiting: Sequence[OutTrack], transport_cc: bool
) -> tuple[OutTrack, list[Codec]] | None:
    """The first Track that this m-line can take, with the player's payload types for it."""
    for track in waiting:
        if track.producer.kind != media.kind:
            continue
        produced = track.producer.codecs[0]
        offered = read_codecs(media, view_feedback(media.kind, transport_cc), (produced.name,))
        # A player that lists H264 at all decodes every profile of it, whatever it lists (see SubscribeNegotiation).
        able = [codec for codec in offered if decodes(codec, produced)]
        able = able or [codec for codec in offered if codec.name == "H264" and decodes(codec, _plain(produced))]
        if not able:
            continue
        # The same parameters first: for H264 the player lists one format per profile.
        best = min(able, key=lambda codec: codec.parameters != produced.parameters)
        red = read_red(media, best) if any(codec.name == "red" for codec in track.producer.codecs) else None
        return track, [best] if red is None else [best, red]
    return None


def _plain(codec: Codec) -> Codec:
    return replace(codec, parameters=codec.parameters | H264_FOR_ALL)


def _refusal(track: OutTrack, media: Sequence[MediaDescription]) -> Rejection:
    kind, name = track.producer.kind, track.producer.codecs[0].name
    places = [item for item in media if item.kind == kind and item.receives]
    if any(codec.name == name for item in places for codec in read_codecs(item, ())):
        return Rejection(track.track_id, "track_limit", f"The player has no m-line left for this {kind} track.")
    return Rejection(track.track_id, "codec_unsupported", f"The player cannot receive this {kind} track ({name}).")
