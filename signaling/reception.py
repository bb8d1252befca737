"""The desk, where agents wait to be rung: who is there, who rings, and what everybody is told about it.

The desk is a Room without media under a name that no room can have, so its people resume, time out and are replaced
like everybody else. What it knows of them is :mod:`signaling.desk`, pure.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from signaling.auth import ANY_ROOM
from signaling.desk import Desk
from signaling.errors import ApiError
from signaling.messages import dump
from signaling.peer import DESK, Peer
from signaling.placement import LiveRoom

if TYPE_CHECKING:
    from signaling.hub import Hub
    from signaling.invite import Invite

logger = logging.getLogger(__name__)
NEWS_INTERVAL_S = 1.0
#: News of several at once is one message.
NEWS_DELAY_S = 0.03
MAX_LISTED = 200
SHOWN = ("live", "away")


class Reception:
    """The hub's part for the desk."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.desk = Desk(hub.wall() - hub.clock())
        self._news: asyncio.TimerHandle | None = None
        self._told_at = -NEWS_INTERVAL_S

    # --- coming and going ----------------------------------------------------------------------------------------

    def attend(self, peer: Peer) -> None:
        """Somebody sits down, or is back with another console."""
        claims = peer.claims
        self.desk.attend(
            claims.identity,
            claims.name,
            claims.skills,
            claims.room,
            self._now(),
            ringable="microphone" in claims.grants.publish,
        )
        self._hub.helping.attended(peer)
        self.changed()

    def renewed(self, peer: Peer) -> None:
        """The same console has a fresh token: perhaps with other skills, or another name."""
        self.attend(peer)
        if peer.outlet is None:
            self.dropped(peer)
        self.tell_presence(peer.claims.identity)

    def returned(self, peer: Peer) -> None:
        """The console's connection is back."""
        self.desk.returned(peer.claims.identity, self._now())
        self.changed()

    def dropped(self, peer: Peer) -> None:
        """The console's connection broke; it can come back."""
        self.desk.dropped(peer.claims.identity, self._now())
        self.changed()

    def gone(self, peer: Peer) -> None:
        """The console is gone for good, unless the same person has another one open."""
        identity = peer.claims.identity
        if self._hub.closing:
            # Nobody has left: the next Node goes on with what they were doing.
            return
        if any(other.claims.identity == identity for other in self.peers()):
            return
        self.desk.gone(identity, self._now())
        self.changed()
        self._hub.staging.lost(identity)
        self._hub.helping.desk_gone(identity)

    def peers(self) -> list[Peer]:
        """Everybody at the desk."""
        room = self._hub.desk_room
        return [] if room is None else list(room.peers.values())

    def set_presence(self, peer: Peer, presence: Any, skills: tuple[str, ...] | None) -> dict[str, Any]:
        """Whether to be rung, and for what. Raises ApiError."""
        identity = peer.claims.identity
        self.desk.set_presence(identity, presence, skills, self._now())
        self.tell_presence(identity)
        self.changed()
        return self.desk.me(identity)

    # --- ringing -------------------------------------------------------------------------------------------------

    def pick(self, room: LiveRoom, skill: str | None, tried: Collection[str]) -> tuple[str, str] | None:
        """Identity and name of the one who has been idle longest and can take it, or None."""
        excluded = set(tried)
        excluded.update(invite.guest for invite in room.pending() if invite.guest)
        return self.desk.pick(room.state.name, skill, excluded)

    def is_reachable(self, identity: str) -> bool:
        """Whether a console of this person is at the desk, or may come back to it."""
        return identity in self.desk

    def name_of(self, identity: str) -> str:
        """The display name of somebody at the desk."""
        return str(self.desk.me(identity)["name"]) if identity in self.desk else ""

    def invite_changed(self, room: LiveRoom, invite: Invite) -> set[str]:
        """Keep the books and tell the consoles; returns the identities that were told or rang before."""
        concerned = {invite.to_identity} if invite.to_identity else set()
        freed = self.desk.release(invite.id, self._now(), keep=invite.to_identity if invite.pending else None)
        concerned |= freed
        if invite.pending and invite.direction == "invite" and invite.to_identity:
            self.desk.reserve(invite.to_identity, invite.id, room.state.name, self._now())
        fields = {"invite": invite.to_wire()}
        for peer in self.peers():
            if peer.claims.identity in concerned or peer.claims.identity == invite.by_identity:
                peer.emit("invite", fields)
        for identity in concerned:
            self.tell_presence(identity)
        self.changed()
        return concerned

    def engaged(self, room: LiveRoom, identity: str, engaged: bool) -> None:
        """Somebody came on stage, or left it."""
        if engaged:
            self.desk.engage(identity, room.state.name, self._now())
        else:
            self.desk.disengage(identity, room.state.name, self._now())
        self.tell_presence(identity)
        self.changed()

    # --- what is told --------------------------------------------------------------------------------------------

    def snapshot(self, peer: Peer) -> dict[str, Any]:
        """``desk`` in the ``join`` reply."""
        identity = peer.claims.identity
        invites = [
            invite.to_wire()
            for room in self._covered(peer)
            for invite in room.pending()
            if identity in (invite.to_identity, invite.by_identity)
        ]
        lines = {room.state.name: _line(room) for room in self._covered(peer) if room.state.state in SHOWN}
        return {
            "me": self.desk.me(identity),
            "rooms": _listed(peer, lines),
            "invites": invites,
            **self._hub.helping.desk_snapshot(peer),
        }

    def directory(self, room: LiveRoom) -> list[dict[str, Any]]:
        """Who can be rung from this room, and who of them is in it already."""
        here = _here(room)
        listed = self.desk.directory(room.state.name)[:MAX_LISTED]
        return [{**entry, "here": entry["identity"] in here} for entry in listed]

    def changed(self) -> None:
        """Something that the lists show is different: tell soon, and at most once a second."""
        self._hub.helping.agents_changed()
        if self._news is None and not self._hub.closing:
            delay = max(NEWS_DELAY_S, self._told_at + NEWS_INTERVAL_S - self._now())
            self._news = asyncio.get_running_loop().call_later(delay, self._tell_news)

    def close(self) -> None:
        """No more news."""
        if self._news is not None:
            self._news.cancel()
            self._news = None

    def _tell_news(self) -> None:
        self._news = None
        self._told_at = self._now()
        self._tell_agents()
        self._tell_rooms()

    def _tell_agents(self) -> None:
        # Each agent is written once, however many rooms read of it.
        written = [
            (covers, line["identity"], tuple(dump({**line, "here": here}) for here in (False, True)))
            for covers, line in self.desk.directories()
        ]
        for room in list(self._hub.rooms.values()):
            in_control = [room.peers[peer] for peer in room.state.in_control() if peer in room.peers]
            told = [peer for peer in in_control if peer.outlet is not None]
            if told:
                here, name = _here(room), room.state.name
                listed = [texts[who in here] for covers, who, texts in written if covers in (ANY_ROOM, name)]
                self._tell(told, "agents", listed)

    def _tell_rooms(self) -> None:
        lines = {name: dump(_line(room)) for name, room in self._hub.rooms.items() if room.state.state in SHOWN}
        everywhere = list(lines.values())
        for peer in self.peers():
            if peer.outlet is not None:
                covered = peer.claims.room
                own = [lines[covered]] if covered in lines else []
                self._tell((peer,), "desk_rooms", everywhere if covered == ANY_ROOM else own, "rooms")

    def _tell(self, peers: Iterable[Peer], kind: str, lines: list[str], name: str = "") -> None:
        """Lists that are whole each time: only when they differ, and not again after a resume."""
        body = f'"type":"{kind}","{name or kind}":[{",".join(lines[:MAX_LISTED])}]}}'
        for peer in peers:
            if peer.lists.get(kind) != body:
                peer.lists[kind] = body
                peer.emit_encoded(body)

    def tell_presence(self, identity: str) -> None:
        """What this person's own consoles show of them is different."""
        for peer in self.consoles(identity):
            peer.emit("presence", {"me": self.desk.me(identity)})

    def consoles(self, identity: str) -> list[Peer]:
        """This person's connections at the desk."""
        room = self._hub.desk_room
        member = None if room is None else room.state.member_by_identity(identity)
        return [room.peers[member.id]] if room is not None and member is not None and member.id in room.peers else []

    def _covered(self, peer: Peer) -> list[LiveRoom]:
        return [room for room in self._hub.rooms.values() if peer.claims.covers(room.state.name)]

    def _now(self) -> float:
        return self._hub.clock()


def _line(room: LiveRoom) -> dict[str, Any]:
    """A room as the desk's list shows it."""
    return {
        "name": room.state.name,
        "title": room.state.title,
        "state": room.state.state,
        "since": room.state.since_ms,
        "viewers": room.state.viewers,
        "host": next((member.name for member in room.state.members.values() if member.host), None),
        "on_stage": len(room.state.stage.places),
    }


def _here(room: LiveRoom) -> set[str]:
    return {peer.claims.identity for peer in room.peers.values() if peer.claims.grants.desk and peer.connected}


def _listed(peer: Peer, lines: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for name, line in lines.items() if peer.claims.covers(name)][:MAX_LISTED]


def require_desk(peer: Peer) -> None:
    """Raise ``bad_message`` for what makes sense at the desk only."""
    if peer.room != DESK:
        raise ApiError("unknown_type", name="set_presence")
