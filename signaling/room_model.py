"""The words of a Room: members and tracks, the facts that it is told, and the effects that it asks for. All frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from media.api import Kind, Source
from signaling.invite import Invite, TargetKind

ShowState = Literal["idle", "live", "away", "ended"]
DuplicatePolicy = Literal["replace", "refuse"]
StageLayout = Literal["solo", "side_by_side", "inset", "grid", "screen"]
#: How a track may be shared: for all, waiting for a place on stage, or for the hosts alone.
Right = Literal["air", "held", "private"]


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
    """What a member shares. ``flowing``: packets arrive (or it is muted); ``held``: it waits for a place on stage."""

    id: str
    peer: str
    kind: Kind
    source: Source
    codec: str
    muted: bool = False
    flowing: bool = False
    held: bool = False

    @property
    def private(self) -> bool:
        """Whether only the hosts may hear of it."""
        return self.source == "whisper"

    @property
    def on_air(self) -> bool:
        """Whether everybody may hear of it."""
        return not (self.held or self.private)

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


# --- facts of the stage: ``peer`` and ``by`` are who asks, and whether it may is decided in the Room ------------------


@dataclass(frozen=True, slots=True)
class InviteMade(Fact):
    """``by`` rings ``to_identity``, the one asked for or the first of a group (empty: nobody of it is free).

    ``value`` is the identity or the skill, None for anyone; ``ring_s`` how long each one rings.
    """

    invite_id: str
    by: str
    kind: TargetKind
    value: str | None
    to_identity: str
    to_name: str
    topic: str = ""
    product: Mapping[str, str] | None = None
    ring_s: float = 20.0


@dataclass(frozen=True, slots=True)
class StageOffered(Fact):
    """``by`` asks to come on stage."""

    invite_id: str
    by: str
    topic: str = ""


@dataclass(frozen=True, slots=True)
class InviteAccepted(Fact):
    invite_id: str
    identity: str


@dataclass(frozen=True, slots=True)
class InviteDeclined(Fact):
    invite_id: str
    identity: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class InviteCancelled(Fact):
    invite_id: str
    identity: str


@dataclass(frozen=True, slots=True)
class CandidateFound(Fact):
    """The answer to :class:`RingNext`: this one rings now."""

    invite_id: str
    identity: str
    name: str


@dataclass(frozen=True, slots=True)
class NoCandidate(Fact):
    """The answer to :class:`RingNext`: nobody of the group is left."""

    invite_id: str


@dataclass(frozen=True, slots=True)
class InviteeGone(Fact):
    """Neither the desk nor a room has this person any more."""

    identity: str


@dataclass(frozen=True, slots=True)
class HandRaised(Fact):
    peer: str
    topic: str = ""


@dataclass(frozen=True, slots=True)
class HandLowered(Fact):
    """One's own hand (None), or another's."""

    peer: str
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class HandsOpened(Fact):
    """Whether hands may be raised."""

    peer: str
    open: bool


@dataclass(frozen=True, slots=True)
class StageLeft(Fact):
    """A guest steps down."""

    peer: str


@dataclass(frozen=True, slots=True)
class GuestRemoved(Fact):
    peer: str
    identity: str


@dataclass(frozen=True, slots=True)
class StageCleared(Fact):
    """Every guest is taken off the stage."""

    peer: str


@dataclass(frozen=True, slots=True)
class GuestMuted(Fact):
    """What is true is muted, and stays so until :class:`UnmuteAsked`."""

    peer: str
    identity: str
    audio: bool
    video: bool


@dataclass(frozen=True, slots=True)
class UnmuteAsked(Fact):
    """The guest may unmute what is true, and is asked to."""

    peer: str
    identity: str
    audio: bool
    video: bool


@dataclass(frozen=True, slots=True)
class GuestMoved(Fact):
    """``position`` from 0; one past the end is the end."""

    peer: str
    identity: str
    position: int


@dataclass(frozen=True, slots=True)
class Pinned(Fact):
    """None unpins."""

    peer: str
    identity: str | None


@dataclass(frozen=True, slots=True)
class StageLocked(Fact):
    """Whether nobody else may come on stage."""

    peer: str
    locked: bool


@dataclass(frozen=True, slots=True)
class LayoutSet(Fact):
    peer: str
    layout: StageLayout


@dataclass(frozen=True, slots=True)
class CohostSet(Fact):
    peer: str
    identity: str
    cohost: bool


# --- effects -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Effect:
    """Something for the hub to do."""


@dataclass(frozen=True, slots=True)
class Tell(Effect):
    """Send an event to every member, or to the Peers ``only``, except ``skip``."""

    type: str
    fields: dict[str, Any]
    skip: str | None = None
    only: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class TracksAdded(Effect):
    """Offer these to the subscribers who may see them; held ones too, so that nothing is left to do when they go on air."""

    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class TracksGone(Effect):
    """Close these Producers, unless ``lost``: then the Worker has none of them any more."""

    tracks: tuple[Track, ...]
    lost: bool = False


@dataclass(frozen=True, slots=True)
class TracksReleased(Effect):
    """These were held and are on air: let their packets through, unless they are muted."""

    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class TracksMuted(Effect):
    """Drop the packets of these, whatever their owner wants."""

    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class InviteChanged(Effect):
    """Tell those whom it concerns, in the room and at the desk; reserve or release its invitee there."""

    invite: Invite


@dataclass(frozen=True, slots=True)
class RingNext(Effect):
    """Find the next one of a group (``skill`` None: anyone) who is not in ``tried``.

    Answer with :class:`CandidateFound` or :class:`NoCandidate` at once.
    """

    invite: Invite
    skill: str | None
    tried: frozenset[str]


@dataclass(frozen=True, slots=True)
class Engaged(Effect):
    """Somebody came on stage, or went from it."""

    identity: str
    engaged: bool


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
