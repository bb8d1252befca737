"""The room's chat and the staff's back channel: what is said reaches whom it is meant for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from signaling.chat import BackChannelMessage, ChatMessage
from signaling.errors import ApiError
from signaling.peer import Peer, encode_event
from signaling.placement import LiveRoom

if TYPE_CHECKING:
    from signaling.hub import Hub


class Talking:
    """The hub's part for text."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    # --- chat ----------------------------------------------------------------------------------------------------

    def say(self, peer: Peer, text: str) -> ChatMessage:
        """Tell everybody in the room. Raises ApiError ``chat_*``."""
        if not peer.claims.grants.chat:
            raise ApiError("forbidden")
        room = self._hub.room_of(peer)
        if room.state.for_help:
            raise ApiError("forbidden")
        claims = peer.claims
        message = room.chat.say(
            claims.identity,
            claims.name,
            claims.role,
            text,
            now=self._hub.clock(),
            at_ms=self._epoch_ms(),
            moderator=room.state.controls(peer.id),
        )
        self._tell_all(room, "chat", {"message": message.to_wire()})
        return message

    def delete(self, peer: Peer, message_id: str) -> None:
        """Take a message out of everybody's sight. Raises ApiError."""
        room = self._moderated(peer)
        room.chat.delete(message_id)
        self._tell_all(room, "chat_deleted", {"message": message_id})

    def mute(self, peer: Peer, identity: str, seconds: float) -> None:
        """Nobody reads this person until then; 0 lifts it. Raises ApiError."""
        room = self._moderated(peer)
        for other in room.peers.values():
            if other.claims.identity == identity and room.state.controls(other.id):
                raise ApiError("forbidden")
        now = self._hub.clock()
        room.chat.mute(identity, now + seconds if seconds > 0 else None, now)
        until = round((self._hub.wall() + seconds) * 1000) if seconds > 0 else None
        for other in list(room.peers.values()):
            if other.claims.identity == identity:
                other.emit("chat_muted", {"until": until})

    def slow(self, peer: Peer, seconds: float) -> None:
        """Everybody may write once in so many seconds. Raises ApiError."""
        room = self._moderated(peer)
        room.chat.set_slow(seconds)
        self._tell_all(room, "chat_settings", {"slow_s": seconds})

    def _moderated(self, peer: Peer) -> LiveRoom:
        room = self._hub.room_of(peer)
        if not room.state.controls(peer.id):
            raise ApiError("forbidden")
        return room

    # --- back channel --------------------------------------------------------------------------------------------

    def tell_staff(self, peer: Peer, text: str, urgent: bool) -> BackChannelMessage:
        """Tell the staff of the room. Raises ApiError."""
        room = self._staffed(peer)
        claims = peer.claims
        message = room.backchannel.say(
            claims.identity, claims.name, claims.role, text, urgent=urgent, now=self._hub.clock(), at_ms=self._epoch_ms()
        )
        self._tell_staff(room, "backchannel", {"message": message.to_wire()})
        return message

    def acknowledge(self, peer: Peer, message_id: str) -> None:
        """Somebody has seen it; whoever wrote it may know. Raises ApiError."""
        room = self._staffed(peer)
        claims = peer.claims
        if room.backchannel.ack(message_id, claims.identity, claims.name):
            by = {"identity": claims.identity, "name": claims.name}
            self._tell_staff(room, "backchannel_acked", {"message": message_id, "by": by, "at": self._epoch_ms()})

    def staff_changed(self, room: LiveRoom) -> None:
        """Somebody of the staff came or went."""
        staff = _staff(room)
        if staff != room.staff_told:
            room.staff_told = staff
            self._tell_staff(room, "staff", {"staff": staff})

    def _staffed(self, peer: Peer) -> LiveRoom:
        if not peer.claims.grants.backchannel:
            raise ApiError("forbidden")
        return self._hub.room_of(peer)

    # --- for all -------------------------------------------------------------------------------------------------

    def snapshot(self, room: LiveRoom, peer: Peer) -> dict[str, Any]:
        """What the ``join`` reply says of it: history, and what binds this Peer."""
        now = self._hub.clock()
        until = room.chat.muted_until(peer.claims.identity, now)
        fields: dict[str, Any] = {
            "chat": {
                **room.chat.snapshot(),
                "muted_until": None if until is None else round((self._hub.wall() + until - now) * 1000),
            }
        }
        if peer.claims.grants.backchannel:
            fields["backchannel"] = room.backchannel.snapshot()
            fields["staff"] = _staff(room)
        return fields

    def _tell_all(self, room: LiveRoom, kind: str, fields: dict[str, Any]) -> None:
        body = encode_event(kind, fields)
        for peer in list(room.peers.values()):
            peer.emit_encoded(body)

    def _tell_staff(self, room: LiveRoom, kind: str, fields: dict[str, Any]) -> None:
        body = encode_event(kind, fields)
        for peer in list(room.peers.values()):
            if peer.claims.grants.backchannel:
                peer.emit_encoded(body)

    def _epoch_ms(self) -> int:
        return round(self._hub.wall() * 1000)


def _staff(room: LiveRoom) -> list[dict[str, str]]:
    return [
        {"identity": peer.claims.identity, "name": peer.claims.name, "role": peer.claims.role}
        for peer in room.peers.values()
        if peer.claims.grants.backchannel and peer.outlet is not None
    ]
