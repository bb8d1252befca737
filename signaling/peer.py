"""A Peer: one participant, who outlives its sessions. Events are numbered, kept in a ring, and replayed on resume."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from signaling.auth import Claims
from signaling.errors import CLOSE_NORMAL, ApiError, Locale
from signaling.messages import TrackReport, dump
from signaling.room_model import Member

if TYPE_CHECKING:
    from signaling.publishing import Publisher
    from signaling.subscribing import Subscriber

PeerKind = Literal["ws", "whip", "whep"]
RING = 256
#: The room of those who sit at the desk. No room can have this name.
DESK = "@desk"


class Outlet(Protocol):
    """What a session is to its Peer. Neither method blocks or raises."""

    def send(self, text: str) -> None:
        """Queue one text frame."""

    def finish(self, code: int, reason: str) -> None:
        """Close after everything queued has been sent."""


def new_id(prefix: str) -> str:
    """A random identifier with 64 bits of entropy; the prefix letter says of what (p, t, x, c, r)."""
    return prefix + secrets.token_hex(8)


def encode_event(kind: str, fields: Mapping[str, Any]) -> str:
    """The part of an event that is the same for everybody, encoded once however many receive it."""
    return dump({"type": kind, **fields})[1:]


def _numbered(seq: int, body: str) -> str:
    return f'{{"seq":{seq},{body}'


def member_of(peer_id: str, claims: Claims) -> Member:
    """Somebody with this token as the Room sees it."""
    grants = claims.grants
    return Member(
        peer_id,
        claims.identity,
        claims.name,
        claims.role,
        claims.is_host,
        show=grants.show,
        manage=grants.manage,
        staff=grants.backchannel or grants.desk,
        publish=grants.publish,
    )


@dataclass(slots=True, eq=False)
class Peer:
    """``codecs`` are lower-case MIME types that it can decode, or None if it did not say.

    ``publisher`` and ``subscriber`` are its two transports; ``reports`` its own view of the tracks it receives.
    """

    id: str
    room: str
    claims: Claims
    kind: PeerKind
    locale: Locale
    subscriber: Subscriber
    codecs: frozenset[str] | None = None
    client: str = ""
    publisher: Publisher | None = None
    publish_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    reports: dict[str, TrackReport] = field(default_factory=dict)
    resume_key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    #: The lists it was told last, by event: they are whole each time, so one that is the same says nothing.
    lists: dict[str, str] = field(default_factory=dict)
    outlet: Outlet | None = None
    expiry: asyncio.TimerHandle | None = None
    gone: bool = False
    seq: int = 0
    _ring: deque[tuple[int, str | None]] = field(default_factory=lambda: deque(maxlen=RING))

    @property
    def connected(self) -> bool:
        """Whether there is somebody to talk to now. Stand-alone publishers and players are there while they live."""
        return self.outlet is not None if self.kind == "ws" else not self.gone

    def member(self) -> Member:
        """This Peer as the Room sees it."""
        return member_of(self.id, self.claims)

    def emit(self, kind: str, fields: Mapping[str, Any], *, replay: bool = True) -> None:
        """Send one event. ``replay=False``: it makes no sense later, so a resume leaves it out."""
        self.emit_encoded(encode_event(kind, fields), replay=replay)

    def emit_encoded(self, body: str, *, replay: bool = True) -> None:
        """Send an event made by :func:`encode_event`."""
        if self.kind != "ws":
            return
        self.seq += 1
        self._ring.append((self.seq, body if replay else None))
        if self.outlet is not None:
            self.outlet.send(_numbered(self.seq, body))

    def missed(self, seq: int) -> list[str] | None:
        """The events after ``seq``, or None if some are no longer there (or ``seq`` was never reached)."""
        if seq > self.seq or (self._ring and self._ring[0][0] > seq + 1):
            return None
        return [_numbered(number, body) for number, body in self._ring if number > seq and body is not None]

    def accepts_key(self, key: str) -> bool:
        """Whether ``key`` is the resume key; takes the same time for any wrong one."""
        return secrets.compare_digest(key.encode(), self.resume_key.encode())

    def dismiss(self, error: ApiError) -> None:
        """Say ``bye`` with the reason and close the session."""
        self.emit("bye", error.body(self.locale), replay=False)
        if self.outlet is not None:
            self.outlet.finish(error.info.close, error.code)

    def hang_up(self, reason: str) -> None:
        """Close the session without a ``bye``."""
        if self.outlet is not None:
            self.outlet.finish(CLOSE_NORMAL, reason)
