"""What comes in: offers of publishers, their Producers on the Worker, mute, and the end of a track."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from media.api import (
    AddProducers,
    CloseProducer,
    CloseTransport,
    IceParams,
    OpenTransport,
    PauseProducer,
    ProducerParams,
    RestartIce,
    Source,
    TransportParams,
)
from media.negotiation import (
    CodecPolicy,
    IceFragment,
    NegotiationError,
    PublishAnswer,
    PublishNegotiation,
    ServerSide,
    new_ice,
)
from signaling.auth import Claims
from signaling.errors import ApiError, known
from signaling.messages import TrackRequest
from signaling.peer import Peer, member_of, new_id
from signaling.placement import LiveRoom, Placement, Worker, call
from signaling.room_model import Muted, Published, Right, Track, Unpublished

if TYPE_CHECKING:
    from signaling.hub import Hub

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Publisher:
    """A Peer's publishing transport. ``tracks`` maps mid to track id."""

    transport_id: str
    placement: Placement
    negotiation: PublishNegotiation
    tracks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublishResult:
    """The answer to a publisher. ``tracks``: (mid, track id, source, held); ``rejected``: (mid, error)."""

    transport: str
    sdp: str
    tracks: tuple[tuple[str, str, Source, bool], ...]
    rejected: tuple[tuple[str, ApiError], ...]


class Publishing:
    """The hub's part for publishers."""

    def __init__(self, hub: Hub, policy: CodecPolicy) -> None:
        self._hub = hub
        self._policy = policy

    async def publish(
        self,
        peer: Peer,
        sdp: str,
        requests: Sequence[TrackRequest] | None,
        transport_id: str | None = None,
    ) -> PublishResult:
        """Take an offer. Without ``transport_id`` a new transport replaces the one there was. Raises ApiError.

        ``requests`` None (WHIP): the kinds of the m-lines decide what they are.
        """
        async with peer.publish_lock:
            room = self._hub.room_of(peer)
            publisher = peer.publisher
            if transport_id is None:
                return await self._publish_anew(room, peer, sdp, requests)
            if publisher is None or publisher.transport_id != transport_id:
                raise ApiError("transport_not_found")
            return await self._renegotiate(room, peer, publisher, sdp, requests or ())

    def check_offer(self, room: LiveRoom, claims: Claims, sdp: str) -> None:
        """Raise what a WHIP offer of somebody who has yet to join would be refused with. Nothing changes."""
        member = member_of("", claims)
        rights = Rights(partial(room.state.right_of, member), None)
        rights.require_any()
        negotiation = PublishNegotiation(self._policy, ServerSide(new_ice(), "", ()), lambda: new_id("t"))
        _require_all(_rejected(_negotiate(negotiation, sdp, None, rights), None, rights))

    async def _publish_anew(
        self, room: LiveRoom, peer: Peer, sdp: str, requests: Sequence[TrackRequest] | None
    ) -> PublishResult:
        rights = _rights(room, peer, requests)
        rights.require_any()
        if peer.publisher is not None:
            self.close(room, peer)
        room.state.check_publish(peer.id, 1 if requests is None else len(requests))
        placement = await room.place(self._hub.pool)
        ice = new_ice()
        publisher = Publisher(
            new_id("x"),
            placement,
            PublishNegotiation(self._policy, server_side(placement.worker, ice), lambda: new_id("t")),
        )
        answer = _negotiate(publisher.negotiation, sdp, requests, rights)
        rejected = _rejected(answer, requests, rights)
        if not answer.producers:
            raise rejected[0][1] if rejected else ApiError("no_common_codec")
        if requests is None:
            _require_all(rejected)
        producers = _with_pause(answer.producers, requests, rights)
        certificate = placement.worker.info.fingerprint
        params = TransportParams(publisher.transport_id, placement.router_id, "publish", ice, certificate)
        await call(placement.worker, OpenTransport(params, answer.dtls, producers))
        try:
            room.require(placement, peer)
            peer.publisher = publisher
            self._hub.note_transport(publisher.transport_id, peer)
            self._commit(room, peer, publisher, producers, requests)
        except ApiError:
            self.close(room, peer)
            self._hub.send(placement, CloseTransport(publisher.transport_id))
            raise
        return _result(room, publisher, answer.sdp, rejected)

    async def _renegotiate(
        self, room: LiveRoom, peer: Peer, publisher: Publisher, sdp: str, requests: Sequence[TrackRequest]
    ) -> PublishResult:
        placement = publisher.placement
        added = [request for request in requests if request.mid not in publisher.tracks]
        rights = _rights(room, peer, requests)
        if added:
            room.state.check_publish(peer.id, len(added))
            _rights(room, peer, added).require_any()
        answer = _negotiate(publisher.negotiation, sdp, requests, rights)
        rejected = _rejected(answer, requests, rights)
        # A track that was ended by `unpublish` or by us, and is offered again on its m-line, begins again.
        asked = {request.mid for request in requests}
        current = set(publisher.tracks.values())
        producers = _with_pause(
            [entry for entry in publisher.negotiation.producers if entry.id not in current and entry.mid in asked],
            requests,
            rights,
        )
        if answer.ice_restart is not None:
            await call(placement.worker, RestartIce(publisher.transport_id, answer.ice_restart))
        if producers:
            await call(placement.worker, AddProducers(publisher.transport_id, producers))
        room.require(placement, peer)
        if peer.publisher is not publisher:
            # It failed, or the show ended, while the Worker was asked.
            raise ApiError("transport_not_found")
        self._commit(room, peer, publisher, producers, requests)
        if answer.removed:
            self._hub.apply(room, Unpublished(tuple(answer.removed)))
        return _result(room, publisher, answer.sdp, rejected)

    def _commit(
        self,
        room: LiveRoom,
        peer: Peer,
        publisher: Publisher,
        producers: tuple[ProducerParams, ...],
        requests: Sequence[TrackRequest] | None,
    ) -> None:
        """The Worker has these now; the stage may have changed while it was asked, so the rights are looked up anew."""
        if not producers:
            return
        muted = _muted_mids(requests)
        tracks = []
        for producer in producers:
            publisher.tracks[producer.mid] = producer.id
            try:
                # Held for the stage or in a call, it is the Room's to say when it is let through.
                held = room.state.right_to_publish(peer.id, producer.source) == "held"
            except ApiError:
                del publisher.tracks[producer.mid]
                self._hub.send(publisher.placement, CloseProducer(producer.id))
                continue
            paused = held or producer.mid in muted
            if paused != producer.paused:
                self._hub.send(publisher.placement, PauseProducer(producer.id, paused))
            room.producers[producer.id] = producer
            codec = _codec(producer)
            is_muted = producer.mid in muted
            tracks.append(
                Track(producer.id, peer.id, producer.kind, producer.source, codec, is_muted, held=held)
            )
        if not tracks:
            raise ApiError("not_on_stage")
        # A stand-alone publisher has no button for it: what a host sends over WHIP is on air.
        starts_show = peer.kind == "whip" and peer.claims.grants.show
        try:
            self._hub.apply(room, Published(peer.id, tuple(tracks), starts_show))
        except ApiError:
            for track in tracks:
                room.producers.pop(track.id, None)
                self._hub.send(publisher.placement, CloseProducer(track.id))
            publisher.tracks = {mid: track for mid, track in publisher.tracks.items() if track in room.state.tracks}
            raise

    async def mute(self, peer: Peer, track_id: str, muted: bool) -> None:
        """Have the Worker drop a track's packets, or let them through again. Raises ApiError."""
        room = self._hub.room_of(peer)
        track = self._own_track(room, peer, track_id)
        if not muted:
            room.state.may_unmute(track_id)
        placement = self._publisher(peer).placement
        if not track.held:
            await call(placement.worker, PauseProducer(track_id, muted))
            room.require(placement, peer)
            if not muted:
                try:
                    room.state.may_unmute(track_id)
                except ApiError:
                    # The host muted it meanwhile. As it still was muted then, nobody has told the Worker.
                    self._hub.send(placement, PauseProducer(track_id, True))
                    raise
        former = room.state.tracks.get(track_id)
        self._hub.apply(room, Muted(track_id, muted))
        now = room.state.tracks.get(track_id)
        if now is not None and former is not track and not track.held:
            # It was held, released or unmuted by the Room while the Worker was asked: the Worker heard of that last.
            self._hub.send(placement, PauseProducer(track_id, now.held or now.muted))

    def unpublish(self, peer: Peer, track_id: str) -> None:
        """End one own track. Raises ApiError."""
        room = self._hub.room_of(peer)
        self._own_track(room, peer, track_id)
        self._hub.apply(room, Unpublished((track_id,)))

    async def restart_ice(self, peer: Peer, sdp: str) -> str:
        """Take an offer with new ICE credentials; returns the answer. Raises ApiError."""
        publisher = self._publisher(peer)
        async with peer.publish_lock:
            answer = _negotiate(publisher.negotiation, sdp, (), _rights(self._hub.room_of(peer), peer, ()))
            if answer.ice_restart is None:
                raise ApiError("sdp_invalid", detail="the ICE credentials did not change")
            await call(publisher.placement.worker, RestartIce(publisher.transport_id, answer.ice_restart))
            return answer.sdp

    async def restart_fragment(self, peer: Peer, fragment: IceFragment) -> str:
        """The same for WHIP (RFC 9725 section 4.3.2): a fragment comes in, a fragment goes out. Raises ApiError."""
        publisher = self._publisher(peer)
        async with peer.publish_lock:
            try:
                ice, reply = publisher.negotiation.restart_ice(fragment)
            except NegotiationError as exc:
                raise refusal(exc) from None
            await call(publisher.placement.worker, RestartIce(publisher.transport_id, ice))
            return reply

    def forbid(self, peer: Peer) -> None:
        """After grants changed: end the tracks that are not allowed any more."""
        room = self._hub.room_of(peer)
        rights = _rights(room, peer, None)
        tracks = [track.id for track in room.state.tracks_of(peer.id) if rights.refusal(track.source) is not None]
        if tracks:
            self._hub.apply(room, Unpublished(tuple(tracks)))

    def close(self, room: LiveRoom, peer: Peer) -> None:
        """Close the publishing transport and end its tracks."""
        publisher, peer.publisher = peer.publisher, None
        if publisher is None:
            return
        self._hub.forget_transport(publisher.transport_id)
        self._hub.send(publisher.placement, CloseTransport(publisher.transport_id))
        self._hub.apply(room, Unpublished(tuple(publisher.tracks.values())))

    def stop(self, room: LiveRoom, tracks: Sequence[Track], lost: bool) -> None:
        """Tracks have ended: close their Producers, unless the Worker ``lost`` them already."""
        for track in tracks:
            room.producers.pop(track.id, None)
            owner = room.peers.get(track.peer)
            publisher = None if owner is None else owner.publisher
            if publisher is None:
                continue
            for mid in [mid for mid, track_id in publisher.tracks.items() if track_id == track.id]:
                del publisher.tracks[mid]
            if not lost:
                self._hub.send(publisher.placement, CloseProducer(track.id))

    def _own_track(self, room: LiveRoom, peer: Peer, track_id: str) -> Track:
        track = room.state.tracks.get(track_id)
        if track is None or track.peer != peer.id:
            raise ApiError("track_not_found")
        return track

    def _publisher(self, peer: Peer) -> Publisher:
        if peer.publisher is None:
            raise ApiError("transport_not_found")
        return peer.publisher


def refusal(error: NegotiationError) -> ApiError:
    """What a negotiation refuses, as the client sees it."""
    return ApiError(known(error.code), detail=error.message)


def server_side(worker: Worker, ice: IceParams) -> ServerSide:
    """What an SDP says about a Worker."""
    return ServerSide(ice, worker.info.fingerprint, worker.candidates)


class Rights:
    """What somebody may send at this moment, source by source; ``requests`` None (WHIP): microphone and camera.

    ``right`` is the Room's answer for a source; it raises ApiError.
    """

    def __init__(self, right: Callable[[Source], Right], requests: Sequence[TrackRequest] | None) -> None:
        self._right = right
        self._asked: tuple[Source, ...] = (
            ("microphone", "camera") if requests is None else tuple(request.source for request in requests)
        )

    def refusal(self, source: Source) -> ApiError | None:
        """Why not, or None."""
        try:
            self._right(source)
        except ApiError as error:
            return error
        return None

    def held(self, source: Source) -> bool:
        """Whether it waits for a place on the stage."""
        return self._right(source) == "held"

    def require_any(self) -> None:
        """Raise the first refusal if nothing at all is allowed."""
        refusals = [self.refusal(source) for source in self._asked]
        if refusals and all(refusal is not None for refusal in refusals):
            assert refusals[0] is not None
            raise refusals[0]


def _rights(room: LiveRoom, peer: Peer, requests: Sequence[TrackRequest] | None) -> Rights:
    return Rights(partial(room.state.right_to_publish, peer.id), requests)


def _require_all(rejected: Sequence[tuple[str, ApiError]]) -> None:
    """No half success: nobody at an encoder would notice (RFC 9725 section 4.4.3). Data channels do not count."""
    for _, error in rejected:
        if error.code != "unsupported_media_type":
            raise error


def _negotiate(
    negotiation: PublishNegotiation, sdp: str, requests: Sequence[TrackRequest] | None, rights: Rights
) -> PublishAnswer:
    sources = None if requests is None else {request.mid: request.source for request in requests}
    try:
        return negotiation.answer(sdp, sources, lambda source: rights.refusal(source) is None)
    except NegotiationError as exc:
        raise refusal(exc) from None


def _codec(producer: ProducerParams) -> str:
    """The codec to show: RED is only a wrapping of Opus."""
    return next((codec.name for codec in producer.codecs if codec.name != "red"), producer.codecs[0].name)


def _muted_mids(requests: Sequence[TrackRequest] | None) -> frozenset[str]:
    return frozenset(request.mid for request in requests or () if request.muted)


def _with_pause(
    producers: Sequence[ProducerParams], requests: Sequence[TrackRequest] | None, rights: Rights
) -> tuple[ProducerParams, ...]:
    muted = _muted_mids(requests)
    return tuple(
        replace(entry, paused=True) if entry.mid in muted or rights.held(entry.source) else entry for entry in producers
    )


def _rejected(
    answer: PublishAnswer, requests: Sequence[TrackRequest] | None, rights: Rights
) -> tuple[tuple[str, ApiError], ...]:
    sources = {request.mid: request.source for request in requests or ()}
    rejected = []
    for mid, code, message in answer.rejected:
        error = ApiError(known(code), detail=message)
        if code == "forbidden" and mid in sources:
            # The Room knows better why.
            error = rights.refusal(sources[mid]) or error
        rejected.append((mid, error))
    return tuple(rejected)


def _result(
    room: LiveRoom, publisher: Publisher, sdp: str, rejected: tuple[tuple[str, ApiError], ...]
) -> PublishResult:
    tracks = tuple(
        (mid, track, room.producers[track].source, room.state.tracks[track].held)
        for mid, track in publisher.tracks.items()
        if track in room.state.tracks
    )
    return PublishResult(publisher.transport_id, sdp, tracks, rejected)
