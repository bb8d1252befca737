"""The hub: performs what the Rooms decide. WebSocket sessions, WHIP and WHEP, and REST all go through it.

One Hub per Node, on one event loop. :meth:`Hub.apply` is the only place where a Room changes: it hands a fact to the
state machine and performs the effects at once; only calls to a Worker take time. Rules of life: a Peer's end closes
its Transports, a Transport's end its Producers or Consumers, a Producer's end its Consumers (ARCHITECTURE.md).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from media.api import CloseRouter, Request
from media.negotiation import CodecPolicy, IceFragment
from signaling.auth import Authority, Claims, Grants, Revocation
from signaling.config import Config
from signaling.errors import DEFAULT_LOCALE, ApiError, Locale, bad_message
from signaling.helping import Helping
from signaling.lifecycle import Lifecycle
from signaling.messages import TrackRequest
from signaling.peer import DESK, Outlet, Peer, PeerKind, encode_event, new_id
from signaling.placement import LiveRoom, Placement, Pool, call
from signaling.publishing import Publishing, PublishResult
from signaling.reception import Reception
from signaling.registry import Registry, policy_of
from signaling.room import Room
from signaling.room_model import (
    Amended,
    CircleOnStage,
    Closing,
    Dropped,
    Effect,
    Engaged,
    Fact,
    Gone,
    InviteChanged,
    Joined,
    Left,
    Returned,
    RingNext,
    RoomClosed,
    SeenBy,
    ShowEnded,
    ShowOver,
    ShowStarted,
    Tell,
    Tick,
    TracksAdded,
    TracksGone,
    TracksMuted,
    TracksReleased,
)
from signaling.staging import Staging
from signaling.store import Store
from signaling.subscribing import NOTHING, Subscriber, Subscribing, Wanted, WhepResult
from signaling.talking import Talking

logger = logging.getLogger(__name__)
#: Events that change what the desk's list of rooms shows.
DESK_NEWS = frozenset(("room_state", "viewers", "stage", "peer_joined", "peer_left"))


class Hub:
    """``clock`` is monotonic seconds (the loop's), ``wall`` seconds since the epoch."""

    def __init__(
        self,
        config: Config,
        pool: Pool,
        store: Store,
        authority: Authority,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.pool = pool
        self.store = store
        self.authority = authority
        self.clock = clock
        #: WebSockets whose join is still to come.
        self.unjoined = 0
        self.wall = wall
        self.rooms: dict[str, LiveRoom] = {}
        self.peers: dict[str, Peer] = {}
        self.closing = False
        policy = CodecPolicy(video_order=config.codecs.video_order, audio_red=config.codecs.audio_red)
        self.publishing = Publishing(self, policy)
        self.subscribing = Subscribing(self)
        self.lifecycle = Lifecycle(self)
        self.registry = Registry(self)
        self.staging = Staging(self)
        self.talking = Talking(self)
        self.reception = Reception(self)
        self.helping = Helping(self)
        self.desk_room: LiveRoom | None = None
        self._transports: dict[str, str] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.policy = policy_of(config)

    async def start(self) -> None:
        """Begin the periodic work. The pool must be running."""
        await self.helping.start()
        self.spawn(self.lifecycle.watch_uplinks())

    async def close(self) -> None:
        """Say goodbye to everybody and stop. Routers end with their Workers."""
        self.closing = True
        self.reception.close()
        for room in [*self.rooms.values(), *filter(None, (self.desk_room,))]:
            self.apply(room, Closing("server_restart"))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.helping.close()

    # --- who -----------------------------------------------------------------------------------------------------

    def authenticate(self, token: str | None, room: str | None = None) -> Claims:
        """Verify a token, for ``room`` if given. Raises ApiError ``token_*``."""
        return self.authority.verify(token, self.wall(), room)

    async def join(
        self,
        claims: Claims,
        *,
        kind: PeerKind = "ws",
        locale: Locale = DEFAULT_LOCALE,
        subscribe: Wanted = NOTHING,
        codecs: Sequence[str] | None = None,
        client: str = "",
    ) -> Peer:
        """Become a Peer of ``claims.room``. Raises ApiError.

        The caller next sets ``peer.outlet`` (WebSocket), or calls :meth:`publish` or :meth:`whep`, and in the end
        :meth:`leave`.
        """
        if not (claims.may_publish or claims.grants.subscribe or claims.grants.manage):
            raise ApiError("forbidden")
        return self._enter(await self.registry.open(claims.room), claims, kind, locale, subscribe, codecs, client)

    def attend(self, claims: Claims, *, locale: Locale = DEFAULT_LOCALE, client: str = "") -> Peer:
        """Sit down at the desk. Raises ApiError. The caller next sets ``peer.outlet``, and in the end :meth:`leave`."""
        if self.closing:
            raise ApiError("server_restart", retry_after_s=2.0)
        if not claims.grants.desk:
            raise ApiError("forbidden")
        if self.desk_room is None:
            now = self.clock()
            self.desk_room = LiveRoom(Room(DESK, "", replace(self.policy, max_peers=10_000), self.wall() - now, now))
        peer = self._enter(self.desk_room, claims, "ws", locale, NOTHING, None, client)
        try:
            self.reception.attend(peer)
        except ApiError:
            self.apply(self.desk_room, Left(peer.id, "refused"))
            raise
        return peer

    def _enter(
        self,
        room: LiveRoom,
        claims: Claims,
        kind: PeerKind,
        locale: Locale,
        subscribe: Wanted,
        codecs: Sequence[str] | None,
        client: str,
    ) -> Peer:
        peer = Peer(
            id=new_id("p"),
            room=room.state.name,
            claims=claims,
            kind=kind,
            locale=locale,
            subscriber=Subscriber(subscribe if claims.grants.subscribe else NOTHING),
            codecs=None if codecs is None else frozenset(name.lower() for name in codecs),
            client=client,
        )
        member = peer.member()
        room.state.check_join(member)
        room.peers[peer.id] = peer
        self.peers[peer.id] = peer
        self.apply(room, Joined(member))
        self.lifecycle.watch_expiry(peer)
        self.helping.moved(peer)
        logger.info("%s joined %s as %s %r", peer.id, peer.room, claims.role, claims.identity)
        return peer

    def resume(self, peer_id: str, key: str, claims: Claims, room: str) -> Peer | None:
        """The Peer of ``room`` who dropped, or None if it is gone or the key is not its own. The caller sets ``peer.outlet``."""
        peer = self.peers.get(peer_id)
        if peer is None or peer.kind != "ws" or not peer.accepts_key(key):
            return None
        if (room, claims.room, claims.identity) != (peer.room, peer.claims.room, peer.claims.identity):
            return None
        if peer.outlet is not None:
            # The old connection is half dead; the Peer itself goes on.
            former, peer.outlet = peer.outlet, None
            former.finish(1000, "resumed")
        if claims.token_id != peer.claims.token_id:
            # The same token again must not undo grants that were changed meanwhile.
            self.amend(peer, claims)
        return peer if not peer.gone else None

    def returned(self, peer: Peer) -> None:
        """After :meth:`resume`: ``peer.outlet`` is set and the reply sent, so the Room may know."""
        room = self.room_of(peer)
        self.apply(room, Returned(peer.id))
        if peer.room == DESK:
            self.reception.returned(peer)
        self.helping.moved(peer)
        self._staff_moved(room, peer)

    def dropped(self, peer: Peer, outlet: Outlet) -> None:
        """A session ended without ``leave``; the Peer can come back within the resume window."""
        if peer.outlet is outlet:
            peer.outlet = None
            if not peer.gone:
                room = self.room_of(peer)
                self.apply(room, Dropped(peer.id))
                if peer.room == DESK:
                    self.reception.dropped(peer)
                self.helping.moved(peer)
                self._staff_moved(room, peer)

    def attached(self, peer: Peer) -> None:
        """After :meth:`join` or :meth:`attend`: ``peer.outlet`` is set and the reply sent."""
        self.helping.moved(peer)
        self._staff_moved(self.room_of(peer), peer)

    def _staff_moved(self, room: LiveRoom, peer: Peer, *former: Grants) -> None:
        held = (peer.claims.grants, *former)
        if peer.room != DESK and any(grants.backchannel for grants in held):
            self.talking.staff_changed(room)
        if any(grants.desk or grants.show or grants.manage for grants in held):
            self.reception.changed()

    async def leave(self, peer: Peer, reason: str = "left") -> None:
        """End a Peer's stay. Safe to call twice."""
        if not peer.gone:
            self.apply(self.room_of(peer), Left(peer.id, reason))

    def remove(self, room: LiveRoom, peer_id: str, reason: str = "") -> None:
        """Put somebody out. Raises ApiError ``peer_not_found``."""
        if peer_id not in room.peers:
            raise ApiError("peer_not_found")
        self.apply(room, Left(peer_id, reason or "removed", "peer_removed"))

    def amend(self, peer: Peer, claims: Claims) -> None:
        """A new token, or new grants, for a connected Peer: what is not allowed any more ends now."""
        former, peer.claims = peer.claims, claims
        room = self.room_of(peer)
        self.lifecycle.watch_expiry(peer)
        self.apply(room, Amended(peer.member()))
        if claims.grants != former.grants:
            peer.emit("grants", {"grants": claims.grants.to_wire()})
        if peer.room == DESK:
            if claims.grants.desk:
                self.reception.renewed(peer)
            else:
                self.apply(room, Left(peer.id, "grants", "forbidden"))
            return
        self.publishing.forbid(peer)
        self._staff_moved(room, peer, former.grants)
        self.subscribing.withdraw(room, peer)

    def update_token(self, peer: Peer, token: str) -> None:
        """Take a fresh token for the same identity and room. Raises ApiError."""
        claims = self.authenticate(token, None if peer.room == DESK else peer.room)
        if (claims.identity, claims.room) != (peer.claims.identity, peer.claims.room):
            raise ApiError("token_invalid")
        self.amend(peer, claims)

    def set_grants(self, peer: Peer, grants: Grants) -> None:
        """Change what a connected Peer may do."""
        self.amend(peer, replace(peer.claims, grants=grants))

    async def revoke(self, revocation: Revocation) -> int:
        """Take tokens back, for good, and put out whoever is here on one. Returns how many were."""
        await self.store.add_revocation(revocation)
        self.authority.revoke(revocation)
        hit = [peer for peer in self.peers.values() if revocation.covers(peer.claims)]
        for peer in hit:
            self.apply(self.room_of(peer), Left(peer.id, "token_revoked", "token_revoked"))
        return len(hit)

    # --- media (the seam for WHIP and WHEP too) ------------------------------------------------------------------

    async def publish(
        self, peer: Peer, sdp: str, sources: Sequence[TrackRequest] | None = None, transport_id: str | None = None
    ) -> PublishResult:
        """Take a publisher's offer; see :meth:`Publishing.publish`."""
        return await self.publishing.publish(peer, sdp, sources, transport_id)

    async def check_offer(self, claims: Claims, kind: PeerKind, sdp: str) -> None:
        """Before a stand-alone publisher or player joins: raise what its offer would be refused with, as far as that is
        known now. A session that works must not be replaced by one that cannot."""
        room = await self.registry.open(claims.room)
        part = self.publishing if kind == "whip" else self.subscribing
        part.check_offer(room, claims, sdp)

    async def whep(self, peer: Peer, offer_sdp: str) -> WhepResult:
        """Take a player's offer; see :meth:`Subscribing.whep`."""
        return await self.subscribing.whep(peer, offer_sdp)

    async def restart_ice(self, peer: Peer, transport_id: str, sdp: str | None = None) -> str | None:
        """New ICE credentials for a transport. A publishing one needs the new offer, and gets the answer; a
        subscribing one gets an ``offer`` event. Raises ApiError."""
        publisher = peer.publisher
        if publisher is None or publisher.transport_id != transport_id:
            await self.subscribing.restart_ice(peer, transport_id)
            return None
        if sdp is None:
            raise bad_message("sdp", "missing")
        return await self.publishing.restart_ice(peer, sdp)

    async def restart_fragment(self, peer: Peer, fragment: IceFragment) -> str:
        """The same for a WHIP or WHEP session: the fragment to reply with. Raises ApiError."""
        part = self.publishing if peer.publisher is not None else self.subscribing
        return await part.restart_fragment(peer, fragment)

    def start_show(self, peer: Peer) -> None:
        """Go live. Raises ApiError ``forbidden``."""
        if not (peer.claims.grants.show or peer.claims.grants.manage):
            raise ApiError("forbidden")
        self.apply(self.room_of(peer), ShowStarted())

    def end_show(self, peer: Peer) -> None:
        """End the show. Raises ApiError ``forbidden``."""
        if not (peer.claims.grants.show or peer.claims.grants.manage):
            raise ApiError("forbidden")
        self.apply(self.room_of(peer), ShowEnded())

    # --- performing ----------------------------------------------------------------------------------------------

    def room_of(self, peer: Peer) -> LiveRoom:
        """A Peer's Room. Raises ApiError ``session_not_found`` if its stay has ended."""
        room = self.desk_room if peer.room == DESK else self.rooms.get(peer.room)
        if room is None or peer.gone or room.peers.get(peer.id) is not peer:
            raise ApiError("session_not_found")
        return room

    def apply(self, room: LiveRoom, fact: Fact) -> None:
        """Hand a fact to the Room and perform what follows. Raises ApiError if the Room refuses."""
        effects = room.state.handle(fact, self.clock())
        for effect in effects:
            try:
                self._perform(room, effect)
            except Exception:
                # The Room has changed already: whatever else follows from that must not be left undone.
                logger.exception("%s: %s was not performed", room.state.name, type(effect).__name__)
        self.arm(room)

    def _perform(self, room: LiveRoom, effect: Effect) -> None:
        match effect:
            case Tell():
                self._tell(room, effect)
                if effect.type in DESK_NEWS:
                    self.reception.changed()
            case TracksAdded(tracks):
                self.subscribing.tracks_added(room, tracks)
            case TracksGone(tracks, lost):
                self.publishing.stop(room, tracks, lost)
                self.subscribing.tracks_gone(room, tracks)
            case SeenBy(peers):
                self.subscribing.seen_by(room, peers)
            case ShowOver():
                self.lifecycle.close_publishers(room)
            case InviteChanged(invite):
                self.staging.invite_changed(room, invite)
            case RingNext():
                self.staging.ring_next(room, effect)
            case TracksReleased(tracks):
                self.staging.released(room, tracks)
            case TracksMuted(tracks):
                self.staging.silenced(room, tracks)
            case Engaged(identity, engaged):
                self.reception.engaged(room, identity, engaged)
            case Gone(peer_id, code):
                self._release(room, peer_id, code)
            case RoomClosed():
                self._close_room(room)
            case CircleOnStage(circle_id, on, code):
                self.helping.stage_moved(circle_id, on, code)

    def _tell(self, room: LiveRoom, tell: Tell) -> None:
        body = encode_event(tell.type, tell.fields)
        for peer_id in room.peers if tell.only is None else tell.only:
            peer = room.peers.get(peer_id)
            if peer is not None and peer_id != tell.skip and peer_id not in tell.know:
                peer.emit_encoded(body)

    def _release(self, room: LiveRoom, peer_id: str, code: str | None) -> None:
        peer = room.peers.pop(peer_id, None)
        if peer is None:
            return
        peer.gone = True
        self.peers.pop(peer_id, None)
        if peer.expiry is not None:
            peer.expiry.cancel()
        self.lifecycle.close_transports(room, peer)
        if peer.room == DESK:
            self.reception.gone(peer)
        elif not self.closing:
            self._staff_moved(room, peer)
            if not self.reception.is_reachable(peer.claims.identity):
                self.staging.lost(peer.claims.identity)
            self.helping.gone(peer, replaced=code == "identity_replaced")
        if code is not None:
            peer.dismiss(ApiError(code))
        else:
            peer.hang_up("left")
        logger.info("%s left %s%s", peer.id, peer.room, f" ({code})" if code else "")

    def _close_room(self, room: LiveRoom) -> None:
        if room.timer is not None:
            room.timer.cancel()
        if room is self.desk_room:
            self.desk_room = None
        elif self.rooms.get(room.state.name) is room:
            del self.rooms[room.state.name]
            self.reception.changed()
        placement = room.take_placement()
        if placement is not None:
            self.send(placement, CloseRouter(placement.router_id))

    def arm(self, room: LiveRoom) -> None:
        """Set the timer for what the Room does by time alone."""
        if room.timer is not None:
            room.timer.cancel()
            room.timer = None
        deadline = room.state.next_deadline()
        if deadline is not None:
            delay = max(0.0, deadline - self.clock())
            room.timer = asyncio.get_running_loop().call_later(delay, self._on_timer, room)

    def _on_timer(self, room: LiveRoom) -> None:
        room.timer = None
        self.apply(room, Tick())

    def snapshot(self, room: LiveRoom, peer: Peer) -> dict[str, Any]:
        """``room`` in the ``join`` reply: what this Peer may know."""
        snapshot = room.state.snapshot(peer.id) | self.talking.snapshot(room, peer)
        snapshot["call"] = self.helping.snapshot(peer)
        if room.state.controls(peer.id):
            snapshot["agents"] = self.reception.directory(room)
        return snapshot

    # --- helpers for the parts -----------------------------------------------------------------------------------

    def note_transport(self, transport_id: str, peer: Peer) -> None:
        """Remember whose transport this is."""
        self._transports[transport_id] = peer.id

    def forget_transport(self, transport_id: str) -> None:
        """It is closed, or about to be."""
        self._transports.pop(transport_id, None)

    def peer_by_transport(self, transport_id: str) -> Peer | None:
        """Whose transport this is."""
        return self.peers.get(self._transports.get(transport_id, ""))

    def send(self, placement: Placement, request: Request[None]) -> None:
        """Have a Worker do something that needs no answer; a Worker that is gone has done it already."""
        if placement.worker.alive and not self.closing:
            self.spawn(self._send(placement, request))

    async def _send(self, placement: Placement, request: Request[None]) -> None:
        try:
            await call(placement.worker, request)
        except ApiError as error:
            logger.info("%s on %s: %s", request.method, placement.worker.id, error)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something in the background; it is cancelled when the hub closes, and its failure is logged."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("background work failed", exc_info=task.exception())
