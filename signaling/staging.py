"""The stage: requests about it become facts for the Room, and what the Room decides reaches Workers, Peers and the desk."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from media.api import PauseProducer
from signaling import stage_messages as m
from signaling.errors import ApiError, bad_message
from signaling.invite import Invite, TargetKind
from signaling.peer import DESK, Peer, new_id
from signaling.placement import LiveRoom
from signaling.room_model import (
    CandidateFound,
    CohostSet,
    GuestMoved,
    GuestMuted,
    GuestRemoved,
    HandLowered,
    HandRaised,
    HandsOpened,
    InviteAccepted,
    InviteCancelled,
    InviteDeclined,
    InviteeGone,
    InviteMade,
    LayoutSet,
    NoCandidate,
    Pinned,
    RingNext,
    StageCleared,
    StageLayout,
    StageLeft,
    StageLocked,
    StageOffered,
    Track,
    UnmuteAsked,
)

if TYPE_CHECKING:
    from signaling.hub import Hub

logger = logging.getLogger(__name__)


class Staging:
    """The hub's part for the stage."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    # --- invitations ---------------------------------------------------------------------------------------------

    def invite(self, peer: Peer, request: m.Invite) -> Invite:
        """Ring somebody. Raises ApiError; asking for the same again while it rings returns what rings."""
        room = self._hub.room_of(peer)
        kind, value = _target(request.target)
        if not room.state.controls(peer.id):
            raise ApiError("forbidden")
        if kind == "identity":
            identity, name = value or "", self._reach(room, value or "")
        else:
            candidate = self._hub.reception.pick(room, value, (peer.claims.identity,))
            # The same group may be ringing already: then nobody else is needed.
            identity, name = candidate or ("", "")
        fact = InviteMade(
            new_id("i"),
            by=peer.id,
            kind=kind,
            value=value,
            to_identity=identity,
            to_name=name,
            topic=request.topic,
            product=None if request.product is None else _product(request.product),
            ring_s=request.ring_s,
        )
        return self._made(room, fact)

    def offer(self, peer: Peer, topic: str) -> Invite:
        """An agent offers to come on stage. Raises ApiError."""
        room = self._hub.room_of(peer)
        return self._made(room, StageOffered(new_id("i"), by=peer.id, topic=topic))

    def accept(self, peer: Peer, invite_id: str) -> Invite:
        """Yes. Raises ApiError."""
        room = self._room_of_invite(peer, invite_id)
        self._hub.apply(room, InviteAccepted(invite_id, peer.claims.identity))
        return room.state.invites[invite_id]

    def decline(self, peer: Peer, invite_id: str, reason: str) -> Invite:
        """No. Raises ApiError."""
        room = self._room_of_invite(peer, invite_id)
        self._hub.apply(room, InviteDeclined(invite_id, peer.claims.identity, reason))
        return room.state.invites[invite_id]

    def cancel(self, peer: Peer, invite_id: str) -> Invite:
        """Take it back. Raises ApiError."""
        room = self._room_of_invite(peer, invite_id)
        self._hub.apply(room, InviteCancelled(invite_id, peer.claims.identity))
        return room.state.invites[invite_id]

    def _made(self, room: LiveRoom, fact: InviteMade | StageOffered) -> Invite:
        """What came of it: the new one, or the one that says the same already, from whichever side."""
        self._hub.apply(room, fact)
        return room.state.invites.get(fact.invite_id) or room.state.invite_like(fact)

    def _reach(self, room: LiveRoom, identity: str) -> str:
        """The name of somebody who can be rung now: at the desk, or in the room. Raises ApiError."""
        here = room.state.member_by_identity(identity)
        if room.pending_for(identity) or room.state.on_stage(identity):
            # The Room has its own, better answer.
            return "" if here is None else here.name
        reception = self._hub.reception
        reach = reception.desk.reach(identity, room.state.name)
        if reach == "busy":
            raise ApiError("invitee_busy")
        if reach == "free":
            return reception.name_of(identity)
        if here is not None and here.connected:
            return here.name
        raise ApiError("invitee_offline" if reach == "offline" or here is not None else "invitee_not_found")

    def _room_of_invite(self, peer: Peer, invite_id: str) -> LiveRoom:
        if peer.room != DESK:
            return self._hub.room_of(peer)
        for room in self._hub.rooms.values():
            if invite_id in room.state.invites and peer.claims.covers(room.state.name):
                return room
        raise ApiError("invite_not_found")

    # --- hands ---------------------------------------------------------------------------------------------------

    def raise_hand(self, peer: Peer, topic: str) -> None:
        """Raises ApiError."""
        if not peer.claims.grants.subscribe:
            raise ApiError("forbidden")
        self._hub.apply(self._hub.room_of(peer), HandRaised(peer.id, topic))

    def lower_hand(self, peer: Peer, identity: str | None) -> None:
        """One's own, or another's. Raises ApiError."""
        self._hub.apply(self._hub.room_of(peer), HandLowered(peer.id, identity))

    def open_hands(self, peer: Peer, opened: bool) -> None:
        """Raises ApiError."""
        self._hub.apply(self._hub.room_of(peer), HandsOpened(peer.id, opened))

    # --- controls ------------------------------------------------------------------------------------------------

    def leave(self, peer: Peer) -> None:
        """A guest goes. Raises ApiError."""
        self._hub.apply(self._hub.room_of(peer), StageLeft(peer.id))

    def remove(self, peer: Peer, identity: str) -> None:
        """Raises ApiError."""
        self._hub.apply(self._hub.room_of(peer), GuestRemoved(peer.id, identity))

    def clear(self, peer: Peer) -> None:
        """Raises ApiError."""
        self._hub.apply(self._hub.room_of(peer), StageCleared(peer.id))

    def mute(self, peer: Peer, identity: str, audio: bool, video: bool) -> None:
        """Raises ApiError."""
        _require_either(audio, video)
        self._hub.apply(self._hub.room_of(peer), GuestMuted(peer.id, identity, audio, video))

    def ask_unmute(self, peer: Peer, identity: str, audio: bool, video: bool) -> None:
        """Raises ApiError."""
        _require_either(audio, video)
        self._hub.apply(self._hub.room_of(peer), UnmuteAsked(peer.id, identity, audio, video))

    def move(self, peer: Peer, identity: str, position: int) -> None:
        """Raises ApiError."""
        self._hub.apply(self._hub.room_of(peer), GuestMoved(peer.id, identity, position))

    def pin(self, peer: Peer, identity: str | None) -> None:
        """Raises ApiError."""
        self._hub.apply(self._hub.room_of(peer), Pinned(peer.id, identity))

    def lock(self, peer: Peer, locked: bool) -> None:
        """Raises ApiError."""
        self._hub.apply(self._hub.room_of(peer), StageLocked(peer.id, locked))

    def set_layout(self, peer: Peer, layout: StageLayout) -> None:
        """Raises ApiError."""
        self._hub.apply(self._hub.room_of(peer), LayoutSet(peer.id, layout))

    def set_cohost(self, peer: Peer, identity: str, cohost: bool) -> None:
        """Give the host's controls to a guest, with what one needs to use them. Raises ApiError."""
        room = self._hub.room_of(peer)
        member = room.state.member_by_identity(identity)
        before = member is not None and room.state.controls(member.id)
        self._hub.apply(room, CohostSet(peer.id, identity, cohost))
        guest = None if member is None else room.peers.get(member.id)
        if guest is not None and not before and room.state.controls(guest.id):
            snapshot = room.state.snapshot(guest.id)
            guest.emit("hands", {"hands": snapshot["hands"]})
            for invite in snapshot["invites"]:
                guest.emit("invite", {"invite": invite})
            guest.emit("agents", {"agents": self._hub.reception.directory(room)})

    # --- effects -------------------------------------------------------------------------------------------------

    def invite_changed(self, room: LiveRoom, invite: Invite) -> None:
        """Tell whom it concerns, and keep the desk's books."""
        told = self._hub.reception.invite_changed(room, invite)
        fields = {"invite": invite.to_wire()}
        concerned = {invite.by_identity, *told}
        in_control = room.state.in_control()
        for peer in list(room.peers.values()):
            if peer.id in in_control or peer.claims.identity in concerned:
                peer.emit("invite", fields)

    def ring_next(self, room: LiveRoom, effect: RingNext) -> None:
        """Find the next one for a group's invitation."""
        candidate = self._hub.reception.pick(room, effect.skill, (effect.invite.by_identity, *effect.tried))
        if candidate is None:
            self._hub.apply(room, NoCandidate(effect.invite.id))
        else:
            self._hub.apply(room, CandidateFound(effect.invite.id, *candidate))

    def released(self, room: LiveRoom, tracks: Sequence[Track]) -> None:
        """Held tracks go on air: their packets are let through, unless they are muted."""
        for track in tracks:
            if not track.muted:
                self._pause(room, track.id, False)

    def silenced(self, room: LiveRoom, tracks: Sequence[Track]) -> None:
        """The host muted these, whatever their owner sends."""
        for track in tracks:
            self._pause(room, track.id, True)

    def _pause(self, room: LiveRoom, track_id: str, paused: bool) -> None:
        if room.placement is not None:
            self._hub.send(room.placement, PauseProducer(track_id, paused))

    def lost(self, identity: str) -> None:
        """Somebody is neither at the desk nor in a room any more: nobody waits for an answer."""
        for room in list(self._hub.rooms.values()):
            # Nearly nobody is awaited, so that comes first.
            if room.pending_for(identity) and room.state.member_by_identity(identity) is None:
                self._hub.apply(room, InviteeGone(identity))


def _target(target: m.Target) -> tuple[TargetKind, str | None]:
    chosen: list[tuple[TargetKind, str | None]] = []
    if target.identity is not None:
        chosen.append(("identity", target.identity))
    if target.skill is not None:
        chosen.append(("skill", target.skill))
    if target.anyone:
        chosen.append(("anyone", None))
    if len(chosen) != 1:
        raise bad_message("target", "choice")
    return chosen[0]


def _product(product: m.Product) -> dict[str, str]:
    return {"title": product.title, "price": product.price, "url": product.url}


def _require_either(audio: bool, video: bool) -> None:
    if not (audio or video):
        raise bad_message("audio", "missing")
