"""The words of a Room: members and tracks, the facts that it is told, and the effects that it asks for. All frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from media.api import Kind, Source

ShowState = Literal["idle", "live", "away", "ended"]
DuplicatePolicy = Literal["replace", "refuse"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits and timeouts of one Room; the config section ``rooms`` explains each."""

    max_peers: int = 1000
    max_publishers: int = 8
    max_tracks: int = 8
    empty_timeout_s: float = 60.0
    departure_timeout_s: float = 20.0
    away_grace_s: float = 30.0
    resume_window_s: float = 30.0
    duplicate_identity: DuplicatePolicy = "replace"


@dataclass(frozen=True, slots=True)
class Member:
    """One Peer as the Room sees it. Those who may publish are listed to everybody; the others are counted."""

    id: str
    identity: str
    name: str
    role: str
    host: bool
    listed: bool
    connected: bool = True

    def to_wire(self) -> dict[str, Any]:
        """``peer`` in PROTOCOL.md section 1.3."""
        return {
            "id": self.id,
            "identity": self.identity,
            "name": self.name,
            "role": self.role,
            "connected": self.connected,
        }


@dataclass(frozen=True, slots=True)
class Track:
    """What a member shares. ``flowing``: packets arrive (or it is muted)."""

    id: str
    peer: str
    kind: Kind
    source: Source
    codec: str
    muted: bool = False
    flowing: bool = False

    def to_wire(self) -> dict[str, Any]:
        """``track`` in PROTOCOL.md section 1.3."""
        return {
            "id": self.id,
            "peer": self.peer,
            "kind": self.kind,
            "source": self.source,
            "muted": self.muted,
            "codec": self.codec,
            "flowing": self.flowing,
        }


# --- facts -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, or that a member asks for."""


@dataclass(frozen=True, slots=True)
class Joined(Fact):
    member: Member


@dataclass(frozen=True, slots=True)
class Dropped(Fact):
    """The session broke; the member may come back within the resume window."""

    peer: str


@dataclass(frozen=True, slots=True)
class Returned(Fact):
    """A dropped member resumed."""

    peer: str


@dataclass(frozen=True, slots=True)
class Left(Fact):
    """``code`` is an error code when the member was put out, and then reaches it as ``bye``."""

    peer: str
    reason: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Amended(Fact):
    """Name, role or grants changed while connected."""

    member: Member


@dataclass(frozen=True, slots=True)
class Published(Fact):
    peer: str
    tracks: tuple[Track, ...]
    starts_show: bool = False


@dataclass(frozen=True, slots=True)
class Unpublished(Fact):
    """Ids that are gone already are ignored."""

    tracks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Muted(Fact):
    track: str
    muted: bool


@dataclass(frozen=True, slots=True)
class Flowing(Fact):
    track: str
    flowing: bool


@dataclass(frozen=True, slots=True)
class Speaking(Fact):
    """Audio tracks that speak now, loudest first."""

    tracks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShowStarted(Fact):
    pass


@dataclass(frozen=True, slots=True)
class ShowEnded(Fact):
    pass


@dataclass(frozen=True, slots=True)
class MediaLost(Fact):
    """The Worker or the Router is gone, and every track with it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Closing(Fact):
    """The Room is closed from outside; everybody gets ``bye`` with ``code``."""

    code: str


@dataclass(frozen=True, slots=True)
class Tick(Fact):
    """Time passed."""


# --- effects -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Effect:
    """Something for the hub to do."""


@dataclass(frozen=True, slots=True)
class Tell(Effect):
    """Send an event to every member, except ``skip``."""

    type: str
    fields: dict[str, Any]
    skip: str | None = None


@dataclass(frozen=True, slots=True)
class TracksAdded(Effect):
    """Offer these to the subscribers."""

    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class TracksGone(Effect):
    """Close these Producers, unless ``lost``: then the Worker has none of them any more."""

    tracks: tuple[Track, ...]
    lost: bool = False


@dataclass(frozen=True, slots=True)
class ShowOver(Effect):
    """Close every publishing transport."""


@dataclass(frozen=True, slots=True)
class Gone(Effect):
    """Close this Peer's transports and session, with ``bye`` if there is a code."""

    peer: str
    code: str | None


@dataclass(frozen=True, slots=True)
class RoomClosed(Effect):
    """Close the Router and forget the Room."""
