"""Offers to a viewer and what it makes of them: one m-line per Track, kept for the next Track when one ends.

An m-line whose Track ended becomes ``inactive`` and is used again under the same mid. It is never stopped with port 0:
with the last m-line gone a browser would close the transport, and the next Track would pay for a new handshake. An
m-line that the *viewer* refused has port 0 and is recycled under a new mid (RFC 8829 section 5.2.2).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from media import header_extensions as hx
from media import sdp
from media.api import Codec, ConsumerParams, DtlsParams
from media.codec_choice import H264_FOR_ALL, decodes, h264_profile_rank, read_codec, read_red, rtp_formats
from media.negotiated import (
    OutTrack,
    Rejection,
    SectionWriter,
    new_session_id,
    session,
    ssrc_lines,
    track_ssrc,
    view_extensions,
    view_feedback,
    viewer_codec,
)
from media.payload_types import PayloadTypes
from media.sdp_model import HeaderExtension, MediaDescription, NegotiationError, SdpError
from media.server_side import PROTOCOL, ServerSide, remote_dtls, require_same_certificate


@dataclass(frozen=True, slots=True)
class Offer:
    """``tracks``: (mid, track id) of every m-line that carries something."""

    version: int
    sdp: str
    tracks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SubscribeAnswer:
    """``accepted`` are new Consumers only, ``removed`` the ids of those that ended with this answer."""

    dtls: DtlsParams
    accepted: tuple[ConsumerParams, ...]
    removed: tuple[str, ...]
    rejected: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class _Slot:
    """One m-line. ``track`` is None while it carries nothing; ``stopped``: the viewer answered with port 0."""

    mid: str
    kind: str
    codecs: tuple[Codec, ...]
    extensions: dict[str, int]
    track: OutTrack | None = None
    ssrc: int = 0
    rtx_ssrc: int | None = None
    stopped: bool = False

    def carries(self, track: OutTrack) -> bool:
        return self.track is not None and _identity(self.track) == _identity(track)


def _identity(track: OutTrack) -> tuple[str, str, str]:
    return track.track_id, track.producer.id, track.consumer_id


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
        "_ssrcs_given",
        "_supported",
        "_transport_cc",
        "_understated",
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
        self._ssrcs_given: set[int] = set()
        self._session_id = new_session_id()
        self._version = 0
        self._next_mid = 0
        self._payload_types = PayloadTypes()
        self._wanted: dict[str, OutTrack] = {}
        self._refused: set[str] = set()
        self._understated: set[str] = set()
        self._restart = False
        self._slots: tuple[_Slot, ...] = ()
        self._pending: tuple[Offer, tuple[_Slot, ...]] | None = None
        self._dtls: DtlsParams | None = None

    # --- what should be sent -------------------------------------------------------------------------------------

    def set_tracks(self, tracks: Iterable[OutTrack]) -> tuple[Rejection, ...]:
        """Say what the viewer should receive from now on; returns the Tracks that it cannot be offered.

        A Track that the viewer refused is offered again only after a call without it.
        """
        given = {track.track_id: track for track in tracks}
        self._refused &= given.keys()
        self._understated &= given.keys()
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
        offerable = {track_id: track for track_id, track in self._wanted.items() if track_id not in self._refused}
        return sent.keys() != offerable.keys() or any(not sent[key].carries(offerable[key]) for key in offerable)

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
            _write(writer, slot)
        tracks = tuple((slot.mid, slot.track.track_id) for slot in slots if slot.track is not None)
        offer = Offer(self._version, sdp.serialise(session(self._session_id, self._version, writer.sections)), tracks)
        self._pending = (offer, slots)
        return offer

    def _plan(self, base: tuple[_Slot, ...]) -> tuple[_Slot, ...]:
        """The m-lines of the next offer: what still plays stays where it is, the rest finds a free place."""
        wanted = {track_id: track for track_id, track in self._wanted.items() if track_id not in self._refused}
        slots: list[_Slot] = []
        # An m-line freed by this very offer is used in the next one: a browser fires no track event for a swap.
        fresh: set[str] = set()
        for slot in base:
            track = slot.track
            if track is not None and not (track.track_id in wanted and slot.carries(wanted[track.track_id])):
                slots.append(replace(slot, track=None, ssrc=0, rtx_ssrc=None))
                if any(known.mid == slot.mid and known.track is not None for known in self._slots):
                    fresh.add(slot.mid)
            else:
                slots.append(slot)
                if track is not None:
                    del wanted[track.track_id]
        for track in wanted.values():
            self._place(slots, track, fresh)
        return tuple(slots)

    def _place(self, slots: list[_Slot], track: OutTrack, fresh: set[str]) -> None:
        kind = track.producer.kind
        in_use = {number for slot in slots if slot.track for codec in slot.codecs for number in _numbers(codec)}
        feedback = view_feedback(kind, self._transport_cc)
        listed = [viewer_codec(codec, feedback) for codec in track.producer.codecs]
        if track.track_id in self._understated:
            listed = [replace(codec, parameters=codec.parameters | H264_FOR_ALL) for codec in listed]
        codecs = self._payload_types.assign(listed, kind == "video", in_use)
        if codecs is None:
            self._refused.add(track.track_id)
            return
        # Never the same twice on one Transport: a Track that comes back would go on at a far later SRTP index.
        ssrc = track_ssrc(track.producer.id, "media", self._ssrcs_given)
        self._ssrcs_given.add(ssrc)
        rtx_ssrc = track_ssrc(track.producer.id, "rtx", self._ssrcs_given) if kind == "video" else None
        if rtx_ssrc is not None:
            self._ssrcs_given.add(rtx_ssrc)
        filled = _Slot(
            "",
            kind,
            codecs,
            {uri: hx.CANONICAL[uri] for uri in view_extensions(track.producer, self._transport_cc)},
            track,
            ssrc,
            rtx_ssrc,
        )
        free = [index for index, slot in enumerate(slots) if slot.track is None]
        same = [index for index in free if slots[index].kind == kind and not slots[index].stopped]
        rested = [index for index in same if slots[index].mid not in fresh]
        # Of the same kind: Firefox refuses another one in an m-line that only its own side has stopped.
        stopped = [index for index in free if slots[index].kind == kind and slots[index].stopped]
        if rested:
            slots[rested[0]] = replace(filled, mid=slots[rested[0]].mid)
        elif stopped:
            slots[stopped[0]] = replace(filled, mid=self._new_mid())
        elif len(slots) < sdp.MAX_MEDIA:
            slots.append(replace(filled, mid=self._new_mid()))
        elif same:
            slots[same[0]] = replace(filled, mid=slots[same[0]].mid)
        else:
            self._refused.add(track.track_id)

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

        rejected: list[Rejection] = []
        before = {slot.track.consumer_id for slot in self._slots if slot.track is not None}
        slots: list[_Slot] = []
        accepted: list[ConsumerParams] = []
        for slot, item in zip(offered, media, strict=True):
            consumer = None
            if slot.track is not None:
                try:
                    consumer = _consumer(slot, slot.track, item)
                except NegotiationError as error:
                    if not self._understate(slot, slot.track):
                        rejected.append(Rejection(slot.track.track_id, error.code, error.message))
                        self._refused.add(slot.track.track_id)
            if consumer is None:
                slot = replace(slot, track=None, ssrc=0, rtx_ssrc=None, stopped=item.rejected)  # noqa: PLW2901
            elif consumer.id not in before and self._still_wanted(slot):
                accepted.append(consumer)
            slots.append(slot)
        after = {slot.track.consumer_id for slot in slots if slot.track is not None}
        self._slots = tuple(slots)
        self._pending = None
        if dtls is None:
            raise NegotiationError("no_common_codec", "The viewer refused every track that it was offered.")
        self._dtls = dtls
        return SubscribeAnswer(dtls, tuple(accepted), tuple(sorted(before - after)), tuple(rejected))

    def _understate(self, slot: _Slot, track: OutTrack) -> bool:
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

    def _still_wanted(self, slot: _Slot) -> bool:
        """False when the Track ended while its offer was under way; the next offer takes it out."""
        return slot.track is not None and any(slot.carries(track) for track in self._wanted.values())


def _numbers(codec: Codec) -> tuple[int, ...]:
    return (codec.payload_type,) if codec.rtx_payload_type is None else (codec.payload_type, codec.rtx_payload_type)


def _write(writer: SectionWriter, slot: _Slot) -> None:
    if slot.stopped:
        writer.reject(slot.kind, slot.mid, PROTOCOL, (str(slot.codecs[0].payload_type),))
        return
    msids, ssrcs, groups = ssrc_lines(slot.track, slot.ssrc, slot.rtx_ssrc) if slot.track else ((), (), ())
    writer.accept(
        slot.kind,
        slot.mid,
        "sendonly" if slot.track else "inactive",
        rtp_formats(slot.codecs),
        (HeaderExtension(number, uri) for uri, number in slot.extensions.items()),
        protocol=PROTOCOL,
        msids=msids,
        ssrcs=ssrcs,
        ssrc_groups=groups,
    )


def _consumer(slot: _Slot, track: OutTrack, media: MediaDescription) -> ConsumerParams:
    """What the viewer made of an offered Track. Raises NegotiationError ``codec_unsupported``."""
    name = slot.codecs[0].name
    if media.rejected or not media.receives:
        raise NegotiationError("codec_unsupported", f"The viewer refused this {slot.kind} track ({name}).")
    codecs: list[Codec] = []
    for offered in slot.codecs:
        codec = _answered(offered, codecs, media)
        if codec is not None:
            codecs.append(codec)
    if not codecs or codecs[0].name != name:
        raise NegotiationError("codec_unsupported", f"The viewer cannot decode {name}.")
    has_rtx = codecs[0].rtx_payload_type is not None
    return ConsumerParams(
        track.consumer_id,
        track.producer.id,
        track.producer.kind,
        slot.mid,
        slot.ssrc,
        slot.rtx_ssrc if has_rtx else None,
        tuple(codecs),
        {item.uri: item.id for item in media.extensions if slot.extensions.get(item.uri) == item.id},
    )


def _answered(offered: Codec, before: list[Codec], media: MediaDescription) -> Codec | None:
    """The viewer's own number and feedback for an offered codec; None when it left the codec out."""
    if offered.name == "red":
        return read_red(media, before[0]) if before else None
    formats = sorted(media.rtp_formats, key=lambda item: item.payload_type != offered.payload_type)
    for rtp_format in formats:
        codec = read_codec(rtp_format, media, offered.feedback)
        if codec is not None and decodes(codec, offered):
            return codec
    return None
