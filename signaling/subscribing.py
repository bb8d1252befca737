"""What goes out: which tracks a Peer receives, the offers that say so, and its Consumers on the Worker.

The server offers. At most one offer is unanswered at a time; what changes meanwhile goes into the next one. Everything
about one Peer's subscription happens under its lock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from media.api import (
    CloseConsumer,
    CloseTransport,
    ConnectTransport,
    ConsumerParams,
    OpenTransport,
    PauseConsumer,
    RequestKeyframe,
    RestartIce,
    TransportParams,
)
from media.negotiation import (
    IceFragment,
    NegotiationError,
    Offer,
    OutTrack,
    ServerSide,
    SubscribeNegotiation,
    answer_whep,
    new_ice,
    restart_fragment,
)
from signaling.auth import Claims
from signaling.errors import ApiError, known
from signaling.peer import Peer, new_id
from signaling.placement import LiveRoom, Placement, call
from signaling.publishing import refusal, server_side
from signaling.room_model import Left, Track

if TYPE_CHECKING:
    from signaling.hub import Hub

logger = logging.getLogger(__name__)

Wanted = Literal["auto"] | frozenset[str]
NOTHING: Wanted = frozenset()
MAX_PARALLEL_OFFERS = 32


@dataclass(slots=True, eq=False)
class Path:
    """A subscribing transport. ``consumers`` maps track id to Consumer id; ``paused`` has those of them that the Worker has,
    by Consumer id, and whether they wait there."""

    transport_id: str
    placement: Placement
    negotiation: SubscribeNegotiation | None
    consumers: dict[str, str] = field(default_factory=dict)
    paused: dict[str, bool] = field(default_factory=dict)
    answered: bool = False


@dataclass(slots=True, eq=False)
class Subscriber:
    """What a Peer wants and how it gets it. Whoever is in a call gets its tracks, too, unless they are ``unwanted``.

    ``refused``: tracks that it turned out unable to play; ``untold``: those of them that it has not heard of yet,
    because events begin only after the ``join`` reply.
    """

    wanted: Wanted = NOTHING
    path: Path | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    refused: set[str] = field(default_factory=set)
    unwanted: set[str] = field(default_factory=set)
    untold: list[tuple[str, ApiError]] = field(default_factory=list)
    refreshing: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True)
class WhepResult:
    """The answer to a player. ``tracks``: ids that it will receive; ``rejected``: (track id, error)."""

    transport: str
    sdp: str
    tracks: tuple[str, ...]
    rejected: tuple[tuple[str, ApiError], ...]


class Subscribing:
    """The hub's part for subscribers."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._gate = asyncio.Semaphore(MAX_PARALLEL_OFFERS)

    # --- what a client asks --------------------------------------------------------------------------------------

    async def subscribe(self, peer: Peer, tracks: Wanted, *, anew: bool = False) -> str | None:
        """Add tracks, or switch to ``auto``; an offer follows as an event. Returns the transport, if there is one.

        ``anew``: on a fresh transport, and tracks that have ended meanwhile are no error. Raises ApiError.
        """
        if not peer.claims.grants.subscribe:
            raise ApiError("forbidden")
        room = self._hub.room_of(peer)
        subscriber = peer.subscriber
        if tracks == "auto" or subscriber.wanted == "auto":
            subscriber.wanted = "auto"
        else:
            announced = {track.id for track in _visible(room, peer) if not track.held or track.circle is not None}
            if not anew and not tracks <= announced:
                raise ApiError("track_not_found")
            subscriber.wanted = (subscriber.wanted | tracks) & room.state.tracks.keys()
        subscriber.refused.clear()
        if tracks == "auto":
            subscriber.unwanted.clear()
        else:
            subscriber.unwanted -= tracks
        if anew and not await self._repeat_first_offer(peer):
            self.close(peer)
        await self.refresh(room, peer)
        return None if subscriber.path is None else subscriber.path.transport_id

    async def unsubscribe(self, peer: Peer, tracks: Collection[str]) -> None:
        """Stop receiving these; everything else that was received until now stays."""
        room = self._hub.room_of(peer)
        subscriber = peer.subscriber
        async with subscriber.lock:
            subscriber.wanted = frozenset(self._desired(room, peer)) - frozenset(tracks)
            subscriber.unwanted |= room.state.tracks.keys() & set(tracks)
            path = subscriber.path
            if path is not None:
                for track in tracks:
                    consumer = path.consumers.pop(track, None)
                    if consumer is not None:
                        await call(path.placement.worker, CloseConsumer(consumer))
        await self.refresh(room, peer)

    async def answer(self, peer: Peer, transport_id: str, version: int, sdp: str) -> list[tuple[str, ApiError]]:
        """Take the answer to an offer. Returns what the client refused. Raises ApiError."""
        room = self._hub.room_of(peer)
        subscriber = peer.subscriber
        async with subscriber.lock:
            path = self._path(peer, transport_id)
            if path.negotiation is None:
                raise ApiError("transport_not_found")
            try:
                result = path.negotiation.answer(version, sdp)
            except NegotiationError as exc:
                raise refusal(exc) from None
            for consumer in result.removed:
                await call(path.placement.worker, CloseConsumer(consumer))
            # Since the offer a track may have ended, or been taken out of this Peer's sight.
            accepted = tuple(self._admitted(room, peer, path, result.accepted))
            path.paused = {consumer: path.paused[consumer] for consumer in path.consumers.values() if consumer in path.paused}
            path.paused.update({entry.id: entry.paused for entry in accepted})
            await call(path.placement.worker, ConnectTransport(path.transport_id, result.dtls, accepted))
            room.require(path.placement, peer)
            path.answered = True
            rejected = [(track, ApiError(known(code), detail=text)) for track, code, text in result.rejected]
            for track, _ in rejected:
                subscriber.refused.add(track)
                path.consumers.pop(track, None)
        self.schedule(room, peer)
        return rejected

    async def restart_ice(self, peer: Peer, transport_id: str) -> None:
        """New credentials; an ``offer`` event brings them. Raises ApiError."""
        subscriber = peer.subscriber
        async with subscriber.lock:
            path = self._path(peer, transport_id)
            if path.negotiation is None:
                raise ApiError("transport_not_found")
            ice = new_ice()
            await call(path.placement.worker, RestartIce(transport_id, ice))
            path.negotiation.restart_ice(server_side(path.placement.worker, ice))
        await self.refresh(self._hub.room_of(peer), peer)

    async def restart_fragment(self, peer: Peer, fragment: IceFragment) -> str:
        """The same for WHEP: a fragment comes in, a fragment goes out. Raises ApiError."""
        async with peer.subscriber.lock:
            path = peer.subscriber.path
            if path is None:
                raise ApiError("transport_not_found")
            if fragment.ice is None:
                raise ApiError("sdp_invalid", detail="an ICE restart needs ice-ufrag and ice-pwd")
            ice = new_ice()
            await call(path.placement.worker, RestartIce(path.transport_id, ice))
            return restart_fragment(server_side(path.placement.worker, ice), fragment.mids)

    async def keyframe(self, peer: Peer, track: str) -> None:
        """Ask the publisher of one received track for a keyframe."""
        path = peer.subscriber.path
        consumer = None if path is None else path.consumers.get(track)
        if path is None or consumer is None:
            raise ApiError("track_not_found")
        await call(path.placement.worker, RequestKeyframe(consumer))

    def check_offer(self, room: LiveRoom, claims: Claims, sdp: str) -> None:
        """Raise what a WHEP offer of somebody who has yet to join would be refused with. Nothing changes."""
        if not claims.grants.subscribe:
            raise ApiError("forbidden")
        # What the same person shares now ends with the join.
        own = {peer.id for peer in room.peers.values() if peer.claims.identity == claims.identity}
        tracks = [
            track
            for track in room.state.tracks.values()
            if track.peer not in own and (track.on_air or (track.private and claims.is_host))
        ]
        if not tracks:
            raise ApiError("not_live", retry_after_s=2.0)
        try:
            answer_whep(sdp, self._out_tracks(room, tracks, {}), ServerSide(new_ice(), "", ()))
        except NegotiationError as exc:
            raise refusal(exc) from None

    async def whep(self, peer: Peer, sdp: str) -> WhepResult:
        """Take a player's offer and send it what is live now. Raises ApiError, ``not_live`` when nothing is."""
        if not peer.claims.grants.subscribe:
            raise ApiError("forbidden")
        room = self._hub.room_of(peer)
        async with peer.subscriber.lock:
            if not _on_air(room, peer):
                raise ApiError("not_live", retry_after_s=2.0)
            placement = await room.place(self._hub.pool)
            ice = new_ice()
            tracks = self._out_tracks(room, _on_air(room, peer), {})
            try:
                answer = answer_whep(sdp, tracks, server_side(placement.worker, ice))
            except NegotiationError as exc:
                raise refusal(exc) from None
            consumers = answer.consumers
            rejected = tuple((track, ApiError(known(code), detail=text)) for track, code, text in answer.rejected)
            path = Path(new_id("x"), placement, None, {entry.producer_id: entry.id for entry in consumers})
            certificate = placement.worker.info.fingerprint
            params = TransportParams(path.transport_id, placement.router_id, "subscribe", ice, certificate)
            producers = tuple(entry.producer_id for entry in consumers)
            await call(placement.worker, OpenTransport(params, answer.dtls, consumers=consumers, prepare=producers))
            self._adopt(room, peer, path)
            # What has ended meanwhile the Worker has closed; what was taken out of sight is still to be.
            path.consumers = {track: consumer for track, consumer in path.consumers.items() if track in room.producers}
            self._cut(room, peer, path)
            if not path.consumers:
                raise ApiError("not_live", retry_after_s=2.0)
            return WhepResult(path.transport_id, answer.sdp, producers, rejected)

    # --- keeping up with the room --------------------------------------------------------------------------------

    async def refresh(self, room: LiveRoom, peer: Peer) -> None:
        """Bring one Peer's subscription up to date; sends an ``offer`` event if that needs one. Raises ApiError."""
        async with peer.subscriber.lock:
            fields = await self._next_offer(room, peer)
            for track, error in peer.subscriber.untold:
                peer.emit("track_unavailable", {"track": track, **error.body(peer.locale)})
            peer.subscriber.untold.clear()
            if fields is not None:
                peer.emit("offer", fields, replay=False)

    async def first_offer(self, peer: Peer) -> dict[str, Any] | None:
        """The offer for the ``join`` reply, or None when there is nothing to receive yet."""
        async with peer.subscriber.lock:
            try:
                return await self._next_offer(self._hub.room_of(peer), peer)
            except ApiError as error:
                # The room can be joined without media; the offer follows when a Worker is back.
                logger.warning("no offer for %s yet: %s", peer.id, error)
                return None

    def schedule(self, room: LiveRoom, peer: Peer) -> None:
        """Refresh soon, in the background. Many calls at once become one refresh."""
        subscriber = peer.subscriber
        if peer.kind != "ws" or peer.outlet is None:
            return
        if subscriber.refreshing:
            subscriber.stale = True
            return
        subscriber.refreshing = True
        self._hub.spawn(self._refresh_until_fresh(room, peer))

    async def resend(self, room: LiveRoom, peer: Peer) -> None:
        """After a resume: repeat the offer that is still unanswered, or make the next one."""
        async with peer.subscriber.lock:
            if self._repeat_offer(peer):
                return
        self.schedule(room, peer)

    async def _repeat_first_offer(self, peer: Peer) -> bool:
        """A client that asks for a fresh transport while the first offer of one is on its way needs no other."""
        async with peer.subscriber.lock:
            path = peer.subscriber.path
            return path is not None and not path.answered and self._repeat_offer(peer)

    def _repeat_offer(self, peer: Peer) -> bool:
        path = peer.subscriber.path
        pending = None if path is None or path.negotiation is None else path.negotiation.pending
        if path is None or pending is None:
            return False
        peer.emit("offer", _fields(path, pending), replay=False)
        return True

    async def _refresh_until_fresh(self, room: LiveRoom, peer: Peer) -> None:
        subscriber = peer.subscriber
        try:
            async with self._gate:
                while not peer.gone:
                    subscriber.stale = False
                    await self.refresh(room, peer)
                    if not subscriber.stale:
                        return
        except ApiError as error:
            logger.info("subscription of %s not refreshed: %s", peer.id, error)
        finally:
            subscriber.refreshing = False

    async def _next_offer(self, room: LiveRoom, peer: Peer) -> dict[str, Any] | None:
        """Under the lock: the next offer's fields, or None when none is needed or one is unanswered."""
        subscriber = peer.subscriber
        tracks = self._desired(room, peer)
        path = subscriber.path
        if peer.gone or (path is None and not tracks):
            return None
        if path is None:
            path = await self._open(room, peer, tracks)
            # Some may have ended while the Worker was asked.
            tracks = self._desired(room, peer)
        assert path.negotiation is not None
        path.consumers = {track: consumer for track, consumer in path.consumers.items() if track in tracks}
        out = self._out_tracks(room, tracks.values(), path.consumers)
        for track, code, text in path.negotiation.set_tracks(out):
            subscriber.refused.add(track)
            subscriber.untold.append((track, ApiError(known(code), detail=text)))
        if not path.negotiation.needs_offer:
            return None
        path.consumers = {entry.track_id: entry.consumer_id for entry in out}
        return _fields(path, path.negotiation.offer())

    async def _open(self, room: LiveRoom, peer: Peer, tracks: dict[str, Track]) -> Path:
        placement = await room.place(self._hub.pool)
        worker, ice = placement.worker, new_ice()
        negotiation = SubscribeNegotiation(server_side(worker, ice), peer.codecs)
        path = Path(new_id("x"), placement, negotiation)
        params = TransportParams(path.transport_id, placement.router_id, "subscribe", ice, worker.info.fingerprint)
        video = tuple(track.id for track in tracks.values() if track.kind == "video")
        await call(worker, OpenTransport(params, prepare=video))
        self._adopt(room, peer, path)
        return path

    def _adopt(self, room: LiveRoom, peer: Peer, path: Path) -> None:
        try:
            room.require(path.placement, peer)
        except ApiError:
            self._hub.send(path.placement, CloseTransport(path.transport_id))
            raise
        peer.subscriber.path = path
        self._hub.note_transport(path.transport_id, peer)

    def _permitted(self, room: LiveRoom, peer: Peer) -> set[str]:
        if not peer.claims.grants.subscribe:
            return set()
        return {track.id for track in (_on_air(room, peer) if peer.kind == "whep" else _visible(room, peer))}

    def _admitted(
        self, room: LiveRoom, peer: Peer, path: Path, accepted: Collection[ConsumerParams]
    ) -> Iterator[ConsumerParams]:
        """What of an answer goes to the Worker: neither what has been cut since the offer, nor live what must wait."""
        visible = self._permitted(room, peer)
        for entry in accepted:
            track = entry.producer_id
            if track in visible and path.consumers.get(track) == entry.id:
                yield replace(entry, paused=room.state.must_wait(room.state.tracks[track], peer.id))

    def _desired(self, room: LiveRoom, peer: Peer) -> dict[str, Track]:
        if not peer.claims.grants.subscribe:
            return {}
        wanted, refused = peer.subscriber.wanted, peer.subscriber.refused
        # Held tracks too: when they go on air, nothing is left to negotiate.
        tracks = [track for track in _visible(room, peer) if track.id not in refused]
        if wanted == "auto":
            return {track.id: track for track in tracks}
        unwanted, shares = peer.subscriber.unwanted, room.state.shares_call
        return {
            track.id: track
            for track in tracks
            if track.id in wanted or (track.id not in unwanted and shares(track, peer.id))
        }

    def _out_tracks(self, room: LiveRoom, tracks: Collection[Track], consumers: dict[str, str]) -> tuple[OutTrack, ...]:
        return tuple(
            # One stream per publisher and kind of picture: the browser keeps lips in sync within a stream.
            OutTrack(
                track.id,
                room.producers[track.id],
                f"{track.peer}-{'screen' if track.source.startswith('screen') else 'camera'}",
                consumers.get(track.id) or new_id("c"),
            )
            for track in tracks
        )

    # --- changes of what may be seen, and endings ----------------------------------------------------------------

    def tracks_added(self, room: LiveRoom, tracks: Collection[Track]) -> None:
        """Offer these to those who may see them."""
        for peer in room.peers.values():
            if any(room.state.may_see(track, peer.id) for track in tracks):
                self.schedule(room, peer)

    def seen_by(self, room: LiveRoom, peers: Collection[str]) -> None:
        """What these may see is different: cut off and let through at once, offer soon."""
        for peer in [room.peers[peer_id] for peer_id in peers if peer_id in room.peers]:
            path = peer.subscriber.path
            if path is not None:
                self._cut(room, peer, path)
                self._let_through(room, peer, path)
            if peer.kind == "whep" and path is not None and not path.consumers:
                self._hub.apply(room, Left(peer.id, "track_ended"))
            else:
                self.schedule(room, peer)

    def _cut(self, room: LiveRoom, peer: Peer, path: Path) -> None:
        permitted = self._permitted(room, peer)
        for track in [track for track in path.consumers if track not in permitted]:
            consumer = path.consumers.pop(track)
            path.paused.pop(consumer, None)
            self._hub.send(path.placement, CloseConsumer(consumer))

    def _let_through(self, room: LiveRoom, peer: Peer, path: Path) -> None:
        """Who was rung has answered: what was prepared begins to flow. Or the other way round."""
        for track, consumer in path.consumers.items():
            paused = room.state.must_wait(room.state.tracks[track], peer.id)
            if path.paused.get(consumer, paused) != paused:
                path.paused[consumer] = paused
                self._hub.send(path.placement, PauseConsumer(consumer, paused))

    def tracks_gone(self, room: LiveRoom, tracks: Collection[Track]) -> None:
        """The Worker drops the Consumers with their Producers; a player with nothing left to play is let go."""
        ended = {track.id for track in tracks}
        for peer in list(room.peers.values()):
            path = peer.subscriber.path
            peer.subscriber.refused -= ended
            peer.subscriber.unwanted -= ended
            if path is None or not ended & path.consumers.keys():
                continue
            path.consumers = {track: consumer for track, consumer in path.consumers.items() if track not in ended}
            if peer.kind == "whep" and not path.consumers:
                self._hub.apply(room, Left(peer.id, "track_ended"))
            else:
                self.schedule(room, peer)

    def withdraw(self, room: LiveRoom, peer: Peer) -> None:
        """After grants or role changed: cut off at once what may not be received any more; an offer says so later."""
        path = peer.subscriber.path
        if not peer.claims.grants.subscribe:
            self.close(peer)
        elif path is not None:
            self._cut(room, peer, path)
        self.schedule(room, peer)

    def close(self, peer: Peer) -> None:
        """Close the subscribing transport; what is wanted stays wanted."""
        path, peer.subscriber.path = peer.subscriber.path, None
        if path is not None:
            self._hub.forget_transport(path.transport_id)
            self._hub.send(path.placement, CloseTransport(path.transport_id))

    def _path(self, peer: Peer, transport_id: str) -> Path:
        path = peer.subscriber.path
        if path is None or path.transport_id != transport_id:
            raise ApiError("transport_not_found")
        return path


def _visible(room: LiveRoom, peer: Peer) -> list[Track]:
    """Nothing else may ever reach this Peer."""
    return [track for track in room.state.tracks.values() if room.state.may_see(track, peer.id)]


def _on_air(room: LiveRoom, peer: Peer) -> list[Track]:
    """What a player gets: of a call nothing, whoever it is."""
    return [track for track in _visible(room, peer) if track.on_air or track.private]


def _fields(path: Path, offer: Offer) -> dict[str, Any]:
    return {
        "transport": path.transport_id,
        "version": offer.version,
        "sdp": offer.sdp,
        "tracks": [{"mid": mid, "track": track} for mid, track in offer.tracks],
    }
