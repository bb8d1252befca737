"""What Workers report: states of transports, flow, speakers, and their own end. And the publishers' uplink."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from media.api import (
    Event,
    GetStats,
    ProducerFlowChanged,
    RouterFailed,
    SpeakersChanged,
    TransportStateChanged,
)
from signaling.auth import LEEWAY_S
from signaling.errors import ApiError
from signaling.peer import Peer
from signaling.placement import LiveRoom, Worker, call
from signaling.room_model import Dropped, Flowing, Left, MediaLost, Returned, Speaking
from signaling.uplink import assess

if TYPE_CHECKING:
    from signaling.hub import Hub

logger = logging.getLogger(__name__)
UPLINK_INTERVAL_S = 2.0


class Lifecycle:
    """The hub's part for everything that a Worker says unasked."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    # --- from the pool -------------------------------------------------------------------------------------------

    def on_event(self, worker: Worker, event: Event) -> None:
        """For ``WorkerPool.on_event``. News of what was closed meanwhile is ignored."""
        if self._hub.closing:
            return
        match event:
            case TransportStateChanged():
                self._transport_state(event)
            case SpeakersChanged(router_id, producer_ids):
                room = self._by_router(worker, router_id)
                if room is not None:
                    self._hub.apply(room, Speaking(producer_ids))
            case ProducerFlowChanged(producer_id, flowing):
                room = self._by_producer(worker, producer_id)
                if room is not None:
                    self._hub.apply(room, Flowing(producer_id, flowing))
                    self._hub.helping.flow_changed(room, producer_id)
            case RouterFailed(router_id, reason):
                room = self._by_router(worker, router_id)
                if room is not None:
                    logger.error("router of %s failed: %s", room.state.name, reason)
                    self._media_lost(room, "router_failed")

    def on_lost(self, worker: Worker) -> None:
        """For ``WorkerPool.on_lost``: its Rooms move to another one as soon as their Peers ask for media again."""
        if self._hub.closing:
            return
        for room in list(self._hub.rooms.values()):
            if room.placement is not None and room.placement.worker is worker:
                self._media_lost(room, "worker_restarted")

    def _media_lost(self, room: LiveRoom, reason: str) -> None:
        room.take_placement()
        stand_alone = []
        for peer in room.peers.values():
            if peer.publisher is not None:
                self._hub.forget_transport(peer.publisher.transport_id)
                peer.publisher = None
            path, peer.subscriber.path = peer.subscriber.path, None
            if path is not None:
                self._hub.forget_transport(path.transport_id)
            peer.subscriber.refused.clear()
            if peer.kind != "ws":
                stand_alone.append(peer.id)
        self._hub.apply(room, MediaLost(reason))
        # Nobody can tell a WHIP or WHEP client; it notices by ICE and starts over with a new session.
        for peer_id in stand_alone:
            self._hub.apply(room, Left(peer_id, reason))

    def _transport_state(self, event: TransportStateChanged) -> None:
        peer = self._hub.peer_by_transport(event.transport_id)
        if peer is None:
            return
        room = self._hub.room_of(peer)
        final = event.state in ("failed", "closed")
        if event.state in ("connected", "stalled") or final:
            fields = {"transport": event.transport_id, "state": event.state, "reason": event.reason}
            peer.emit("transport_state", fields)
        if peer.kind == "whip" and not final:
            # Without a session, the media is what shows that a stand-alone publisher is there.
            if event.state == "stalled":
                self._hub.apply(room, Dropped(peer.id))
            elif event.state == "connected":
                self._hub.apply(room, Returned(peer.id))
        if not final:
            return
        # The client decides when to try again: by `publish`, or by `subscribe` with `anew`.
        path = peer.subscriber.path
        if path is not None and path.transport_id == event.transport_id:
            self._hub.subscribing.close(peer)
        else:
            self._hub.publishing.close(room, peer)
        if peer.kind != "ws":
            self._hub.apply(room, Left(peer.id, event.reason or event.state))

    def _by_router(self, worker: Worker, router_id: str) -> LiveRoom | None:
        for room in self._hub.rooms.values():
            placement = room.placement
            if placement is not None and placement.worker is worker and placement.router_id == router_id:
                return room
        return None

    def _by_producer(self, worker: Worker, producer_id: str) -> LiveRoom | None:
        return next((room for room in self._hub.rooms.values() if producer_id in room.producers), None)

    def watch_expiry(self, peer: Peer) -> None:
        """Put somebody out when the token ends; called again with each new one."""
        if peer.expiry is not None:
            peer.expiry.cancel()
        left = peer.claims.expires_at + LEEWAY_S - self._hub.wall()
        # A timer far in the future is set again on the way: clocks are corrected, and loops dislike long delays.
        loop = asyncio.get_running_loop()
        peer.expiry = loop.call_later(min(max(left, 0.0), 3600.0), self._check_expiry, peer)

    def _check_expiry(self, peer: Peer) -> None:
        if peer.gone:
            return
        if peer.claims.expires_at + LEEWAY_S <= self._hub.wall():
            self._hub.apply(self._hub.room_of(peer), Left(peer.id, "token_expired", "token_expired"))
        else:
            self.watch_expiry(peer)

    # --- endings -------------------------------------------------------------------------------------------------

    def close_transports(self, room: LiveRoom, peer: Peer) -> None:
        """A Peer is gone: so are its transports."""
        self._hub.publishing.close(room, peer)
        self._hub.subscribing.close(peer)

    def close_publishers(self, room: LiveRoom) -> None:
        """The show is over: nobody sends any more, except in calls. A stand-alone publisher's stay ends with it."""
        for peer in list(room.peers.values()):
            publisher = peer.publisher
            if publisher is None or any(track.circle is not None for track in room.state.tracks_of(peer.id)):
                continue
            self._hub.publishing.close(room, peer)
            fields = {"transport": publisher.transport_id, "state": "closed", "reason": "show_ended"}
            peer.emit("transport_state", fields)
            if peer.kind == "whip":
                self._hub.apply(room, Left(peer.id, "show_ended"))

    # --- uplink --------------------------------------------------------------------------------------------------

    async def watch_uplinks(self) -> None:
        """Tell every connected publisher how its media arrives, every 2 s, for ever."""
        while True:
            await asyncio.sleep(UPLINK_INTERVAL_S)
            publishing = [
                room
                for room in self._hub.rooms.values()
                if any(peer.publisher is not None and peer.outlet is not None for peer in room.peers.values())
            ]
            await asyncio.gather(*(self._tell_uplinks(room) for room in publishing))

    async def _tell_uplinks(self, room: LiveRoom) -> None:
        placement = room.placement
        if placement is None:
            return
        try:
            stats = await call(placement.worker, GetStats(placement.router_id, "publish"))
        except ApiError as error:
            logger.info("no statistics of %s: %s", room.state.name, error)
            return
        for transport in stats.transports:
            peer = self._hub.peer_by_transport(transport.id)
            if peer is not None and peer.publisher is not None and peer.publisher.transport_id == transport.id:
                screens = {track.id for track in room.state.tracks_of(peer.id) if track.source == "screen"}
                peer.emit("uplink", assess(transport.producers, screens).to_wire(), replay=False)
