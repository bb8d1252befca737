"""Offers to a viewer and what it makes of them: one m-line per Track, kept for the next Track when one ends.

An m-line whose Track ended becomes ``inactive`` and is used again under the same mid. It is never stopped with port 0:
with the last m-line gone a browser would close the transport, and the next Track would pay for a new handshake. An
m-line that the *viewer* refused with port 0 is recycled under a new mid (RFC 8829 section 5.2.2); one that it answered
as inactive is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from media import header_extensions as hx
from media import sdp
from media.api import ConsumerParams, DtlsParams
from media.codec_choice import H264_FOR_ALL, h264_profile_rank
from media.negotiated import (
    OutTrack,
    Rejection,
    SectionWriter,
    new_session_id,
    session,
    view_extensions,
    view_feedback,
    viewer_codec,
)
from media.outbound_ssrcs import OutboundSsrcs
from media.payload_types import PayloadTypes
from media.sdp_model import NegotiationError, SdpError
from media.server_side import ServerSide, remote_dtls, require_same_certificate
from media.slot import Slot


@dataclass(frozen=True, slots=True)
class Offer:
    """``tracks``: (mid, track id) of every m-line that carries something."""

    version: int
    sdp: str
    tracks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SubscribeAnswer:
    """``accepted`` are new Consumers only, ``removed`` the ids of those that ended with this answer.

    ``rejected`` Tracks, by track id, are not offered again unless they are left out of ``set_tracks`` once.
    """

    dtls: DtlsParams
    accepted: tuple[ConsumerParams, ...]
    removed: tuple[str, ...]
    rejected: tuple[Rejection, ...]


class SubscribeNegotiation:
    """One subscribing Transport, where the server always offers and at most one offer waits for its answer.

    ``codecs_supported``: names (``VP8``) or MIME types (``video/VP8``) that the viewer said it can decode, None when
    it did not say. Opus is never in doubt (RFC 7874 section 3). ``transport_cc`` offers transport-wide feedback too.
    """

    __slots__ = (
        "_dtls",
        "_next_mid",
        "_payload_types",
        "_pending",
        "_refused",
        "_restart",
        "_server",
        "_session_id",
        "_slots",
        "_ssrcs",
        "_supported",
        "_told",
        "_transport_cc",
        "_understated",
        "_unplaced",
        "_version",
        "_wanted",
    )

    def __init__(
        self, server: ServerSide, codecs_supported: Collection[str] | None = None, *, transport_cc: bool = False
    ) -> None:
        self._server = server
        self._supported = None
        if codecs_supported is not None:
            self._supported = {name.rpartition("/")[2].lower() for name in codecs_supported}
        self._transport_cc = transport_cc
        self._ssrcs = OutboundSsrcs()
        self._session_id = new_session_id()
        self._version = 0
        self._next_mid = 0
        self._payload_types = PayloadTypes()
        self._wanted: dict[str, OutTrack] = {}
        self._refused: set[str] = set()
        self._understated: set[str] = set()
        # Consumer ids reported as accepted and not as removed yet.
        self._told: set[str] = set()
        self._unplaced: list[Rejection] = []
        self._restart = False
        self._slots: tuple[Slot, ...] = ()
        self._pending: tuple[Offer, tuple[Slot, ...]] | None = None
        self._dtls: DtlsParams | None = None

    # --- what should be sent -------------------------------------------------------------------------------------

    def set_tracks(self, tracks: Iterable[OutTrack]) -> tuple[Rejection, ...]:
        """Say what the viewer should receive from now on; returns the Tracks that it cannot be offered.

        A Track that the viewer refused is offered again only after a call without it.
        """
        given = {track.track_id: track for track in tracks}
        self._refused &= given.keys()
        self._understated &= given.keys()
        self._unplaced = [rejection for rejection in self._unplaced if rejection.ref in given]
        rejected = []
        # Audio first: every viewer takes Opus, so the m-line that the BUNDLE group hangs on is never the refused one.
        ordered = sorted(given.values(), key=lambda track: track.producer.kind != "audio")
        self._wanted = {}
        for track in ordered:
            name = track.producer.codecs[0].name
            if self._supported is not None and track.producer.kind == "video" and name.lower() not in self._supported:
                rejected.append(Rejection(track.track_id, "codec_unsupported", f"This viewer cannot decode {name}."))
            elif len(self._wanted) >= sdp.MAX_MEDIA:
                message = f"A viewer can receive {sdp.MAX_MEDIA} tracks at most."
                rejected.append(Rejection(track.track_id, "track_limit", message))
            else:
                self._wanted[track.track_id] = track
        return tuple(rejected)

    def restart_ice(self, server: ServerSide) -> None:
        """Put new credentials (and candidates) of ours into the next offer."""
        self._server = server
        self._restart = True

    @property
    def pending(self) -> Offer | None:
        """The offer that is not answered yet; send it again when it may have been lost."""
        return None if self._pending is None else self._pending[0]

    @property
    def needs_offer(self) -> bool:
        """Whether something changed that the viewer does not know, and no offer is under way."""
        if self._pending is not None:
            return False
        if self._restart and self._slots:
            return True
        sent = {slot.track.track_id: slot for slot in self._slots if slot.track is not None}
        wanted = self._offerable()
        return sent.keys() != wanted.keys() or any(
            not sent[key].carries(track) or track.consumer_id not in self._told for key, track in wanted.items()
        )

    def _offerable(self) -> dict[str, OutTrack]:
        return {track_id: track for track_id, track in self._wanted.items() if track_id not in self._refused}

    # --- offering ------------------------------------------------------------------------------------------------

    def offer(self) -> Offer:
        """Make the next offer, and keep it as ``pending``. One that still waits is superseded: its answer is stale.

        Raises RuntimeError when there is nothing to offer: no Track and no m-line (ask ``needs_offer`` first).
        """
        slots = self._plan(self._slots if self._pending is None else self._pending[1])
        if not slots:
            raise RuntimeError("nothing to offer")
        self._version += 1
        self._restart = False
        writer = SectionWriter(self._server, "actpass")
        for slot in slots:
            slot.write(writer)
        tracks = tuple((slot.mid, slot.track.track_id) for slot in slots if slot.track is not None)
        offer = Offer(self._version, sdp.serialise(session(self._session_id, self._version, writer.sections)), tracks)
        self._pending = (offer, slots)
        return offer

    def _plan(self, base: tuple[Slot, ...]) -> tuple[Slot, ...]:
        """The m-lines of the next offer: what still plays stays where it is, the rest finds a free place."""
        wanted = self._offerable()
        slots: list[Slot] = []
        # An m-line freed by this very offer is used in the next one: a browser fires no track event for a swap.
        fresh: set[str] = set()
        for slot in base:
            track = slot.track
            if track is not None and not (track.track_id in wanted and slot.carries(wanted[track.track_id])):
                slots.append(slot.emptied())
                if any(known.mid == slot.mid and known.track is not None for known in self._slots):
                    fresh.add(slot.mid)
            else:
                slots.append(slot)
                if track is not None:
                    del wanted[track.track_id]
        for track in wanted.values():
            self._place(slots, track, fresh)
        return tuple(slots)

    def _place(self, slots: list[Slot], track: OutTrack, fresh: set[str]) -> None:
        kind = track.producer.kind
        # What an inactive m-line lists counts too: within a BUNDLE group a number has one meaning.
        in_use = {number for slot in slots if not slot.stopped for number in slot.payload_types}
        feedback = view_feedback(kind, self._transport_cc)
        listed = [viewer_codec(codec, feedback) for codec in track.producer.codecs]
        if track.track_id in self._understated:
            listed = [replace(codec, parameters=codec.parameters | H264_FOR_ALL) for codec in listed]
        codecs = self._payload_types.assign(listed, kind == "video", in_use)
        if codecs is None:
            self._leave_out(track)
            return
        # Never the same twice on one Transport: a Track that comes back would go on at a far later SRTP index.
        ssrc, repair = self._ssrcs.deal(track.producer.number)
        filled = Slot(
            "",
            kind,
            codecs,
            {uri: hx.CANONICAL[uri] for uri in view_extensions(track.producer, self._transport_cc)},
            track,
            ssrc,
            repair if kind == "video" else None,
        )
        # Of the same kind: Firefox refuses another one even in an m-line that its own side has stopped.
        free = [index for index, slot in enumerate(slots) if slot.track is None and slot.kind == kind]
        stopped = [index for index in free if slots[index].stopped]
        same = [index for index in free if not slots[index].stopped and not slots[index].shunned]
        rested = [index for index in same if slots[index].mid not in fresh]
        if rested:
            slots[rested[0]] = replace(filled, mid=slots[rested[0]].mid)
        elif stopped:
            slots[stopped[0]] = replace(filled, mid=self._new_mid())
        elif len(slots) < sdp.MAX_MEDIA:
            slots.append(replace(filled, mid=self._new_mid()))
        elif same:
            slots[same[0]] = replace(filled, mid=slots[same[0]].mid)
        else:
            self._leave_out(track)

    def _leave_out(self, track: OutTrack) -> None:
        self._refused.add(track.track_id)
        self._unplaced.append(Rejection(track.track_id, "track_limit", "This viewer has no room for another track."))

    def _new_mid(self) -> str:
        self._next_mid += 1
        return str(self._next_mid - 1)

    # --- the answer ----------------------------------------------------------------------------------------------

    def answer(self, version: int, answer_sdp: str) -> SubscribeAnswer:
        """Take the viewer's answer to offer ``version``.

        Raises NegotiationError ``stale_answer`` when that is not the offer that waits, SdpError when the text does not
        fit it (the offer keeps waiting), and ``no_common_codec`` when a first answer refuses every m-line: then there
        is no transport yet, and the Tracks count as refused.
        """
        if self._pending is None or self._pending[0].version != version:
            raise NegotiationError("stale_answer", f"Offer {version} is not waiting for an answer.")
        offered = self._pending[1]
        media = sdp.parse(answer_sdp).media
        if len(media) != len(offered):
            raise SdpError(f"The answer has {len(media)} m-lines where the offer has {len(offered)}.")
        for slot, item in zip(offered, media, strict=True):
            if item.kind != slot.kind or (not item.rejected and item.mid != slot.mid):
                raise SdpError(f"The answer's m-lines do not match the offer's at mid {slot.mid!r}.")
        live = [item for item in media if not item.rejected]
        dtls = self._dtls if not live else remote_dtls(live, offer=False)
        if dtls is not None:
            require_same_certificate(self._dtls, dtls)

        rejected, self._unplaced = self._unplaced, []
        slots: list[Slot] = []
        accepted: list[ConsumerParams] = []
        for slot, item in zip(offered, media, strict=True):
            consumer = None
            if slot.track is not None:
                try:
                    consumer = slot.read(slot.track, item)
                except NegotiationError as error:
                    if not self._understate(slot, slot.track):
                        rejected.append(Rejection(slot.track.track_id, error.code, error.message))
                        self._refused.add(slot.track.track_id)
            if consumer is not None and consumer.id not in self._told and self._still_wanted(slot):
                accepted.append(consumer)
            slots.append(slot if consumer is not None else slot.refused(item))
        removed = self._told - {slot.track.consumer_id for slot in slots if slot.track is not None}
        self._told = self._told - removed | {consumer.id for consumer in accepted}
        self._slots = tuple(slots)
        self._pending = None
        if dtls is None:
            raise NegotiationError("no_common_codec", "The viewer refused every track that it was offered.")
        self._dtls = dtls
        return SubscribeAnswer(dtls, tuple(accepted), tuple(sorted(removed)), tuple(rejected))

    def _understate(self, slot: Slot, track: OutTrack) -> bool:
        """Whether to offer a refused H264 Track once more, as constrained baseline.

        Chromium lists no profile above main, yet its decoder takes every one; OBS sends high under that name.
        """
        if (
            track.track_id in self._understated
            or slot.codecs[0].name != "H264"
            or not h264_profile_rank(slot.codecs[0])
        ):
            return False
        self._understated.add(track.track_id)
        return True

    def _still_wanted(self, slot: Slot) -> bool:
        """False when the Track ended while its offer was under way; the next offer takes it out."""
        return slot.track is not None and any(slot.carries(track) for track in self._wanted.values())
