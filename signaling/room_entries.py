"""What a Room keeps: its policy, its members, and what they share. All frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from media.api import Kind, Source

ShowState = Literal["idle", "live", "away", "ended"]
DuplicatePolicy = Literal["replace", "refuse"]
StageLayout = Literal["solo", "side_by_side", "inset", "grid", "screen"]
#: How a track may be shared: for all, waiting (for a place on stage, or for a call to begin), for the hosts alone, or
#: for a circle alone.
Right = Literal["air", "held", "private", "circle"]


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits and timeouts of one Room; the config section ``rooms`` explains each."""

    max_peers: int = 1000
    max_publishers: int = 8
    max_tracks: int = 8
    max_stage: int = 6
    empty_timeout_s: float = 60.0
    departure_timeout_s: float = 20.0
    away_grace_s: float = 30.0
    resume_window_s: float = 30.0
    duplicate_identity: DuplicatePolicy = "replace"


@dataclass(frozen=True, slots=True)
class Member:
    """One Peer as the Room sees it.

    ``show`` and ``manage`` are its grants of these names; ``staff``: it works here, so it is not one of the audience;
    ``publish``: what it may share once it is on stage (with ``show`` at any time).
    """

    id: str
    identity: str
    name: str
    role: str
    host: bool
    show: bool = False
    manage: bool = False
    staff: bool = False
    publish: frozenset[Source] = frozenset()
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
    """What a member shares. ``flowing``: packets arrive (or it is muted); ``held``: it waits, for a place on stage or for
    its circle to open.

    ``circle``: only that circle may see it. ``home``: on air now, it goes back to that circle afterwards. ``silenced``:
    the host has muted it, not its owner.
    """

    id: str
    peer: str
    kind: Kind
    source: Source
    codec: str
    muted: bool = False
    flowing: bool = False
    held: bool = False
    circle: str | None = None
    home: str | None = None
    silenced: bool = False

    @property
    def private(self) -> bool:
        """Whether only the hosts may hear of it."""
        return self.source == "whisper"

    @property
    def on_air(self) -> bool:
        """Whether everybody may hear of it."""
        return not (self.held or self.private or self.circle is not None)

    @property
    def of_stage(self) -> bool:
        """Whether it is for the stage, now or when its place comes, and for nothing else."""
        return not self.private and self.circle is None and self.home is None

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
