"""The words of a Room: the facts that it is told, and the effects that it asks for. All frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from media.api import Source
from signaling import room_entries
from signaling.circle import Circle
from signaling.invite import Invite, TargetKind

DuplicatePolicy = room_entries.DuplicatePolicy
Member = room_entries.Member
Policy = room_entries.Policy
Right = room_entries.Right
ShowState = room_entries.ShowState
StageLayout = room_entries.StageLayout
Track = room_entries.Track
#: Who comes on stage with what, by identity.
Aired = Mapping[str, frozenset[Source]]

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
    """``by`` asks to come on stage; with ``circle``: to bring it along, as in :class:`CircleAired`.

    ``consents`` says for each identity what was agreed to (``voice``, ``video``, ``blurred``), for the host to know.
    """

    invite_id: str
    by: str
    topic: str = ""
    circle: str | None = None
    aired: Aired | None = None
    consents: Mapping[str, str] | None = None


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


# --- facts of circles; they come from the calls, so nobody's right to them is asked here --------------------------------


@dataclass(frozen=True, slots=True)
class CircleSet(Fact):
    """Makes a circle, or changes it."""

    circle: Circle


@dataclass(frozen=True, slots=True)
class CircleEnded(Fact):
    """The circle is no more, and its tracks end at once."""

    circle_id: str


@dataclass(frozen=True, slots=True)
class CircleAired(Fact):
    """These of the circle come on stage with these sources, and nothing else of them does; said again it changes what.

    All get a place or none. Raises ``stage_full``, ``stage_locked``, ``not_live``, ``not_in_show``, ``call_not_found``,
    ``not_in_call`` (no seat) and ``wrong_state`` (the circle is not open, or somebody is not in the Room).
    """

    circle_id: str
    aired: Aired


@dataclass(frozen=True, slots=True)
class CircleGrounded(Fact):
    """Back from the stage, or the offer to come there is taken back."""

    circle_id: str


# --- effects -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Effect:
    """Something for the hub to do."""


@dataclass(frozen=True, slots=True)
class Tell(Effect):
    """Send an event to every member, or to the Peers ``only``, except ``skip`` and those who ``know`` it already."""

    type: str
    fields: dict[str, Any]
    skip: str | None = None
    only: frozenset[str] | None = None
    know: frozenset[str] = frozenset()


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
class SeenBy(Effect):
    """What these Peers may see is different: cut off at once what they may not see any more, and offer them the rest."""

    peers: frozenset[str]


@dataclass(frozen=True, slots=True)
class CircleOnStage(Effect):
    """A circle came on stage; or it went off, or its offer to come ended without.

    ``code`` is then why: None as was asked by :class:`CircleGrounded`, ``removed``, ``left``, ``grants``, ``show_ended``,
    ``no_media``, ``declined``, ``cancelled``, ``no_answer``, ``inviter_left``, ``call_ended``.
    """

    circle_id: str
    on: bool
    code: str | None = None


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
