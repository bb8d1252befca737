"""The requests of the stage, the chat, the back channel and the desk (PROTOCOL.md section 1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from signaling.message_types import Id, Identity, Request, Topic
from signaling.room_model import StageLayout
from signaling.shapes import Between, Length


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to invite: exactly one of the three."""

    identity: Identity | None = None
    skill: Annotated[str, Length(1, 32)] | None = None
    anyone: bool = False


@dataclass(frozen=True, slots=True)
class Product:
    """What the guest is asked about."""

    title: Annotated[str, Length(1, 120)]
    price: Annotated[str, Length(0, 40)] = ""
    url: Annotated[str, Length(0, 500)] = ""


@dataclass(frozen=True, slots=True)
class Invite(Request):
    """Ring somebody: come on stage."""

    type: ClassVar[str] = "invite"
    target: Target
    topic: Topic = ""
    product: Product | None = None
    ring_s: Annotated[float, Between(5, 60)] = 20.0


@dataclass(frozen=True, slots=True)
class OfferStage(Request):
    """An agent in the room offers to come on stage."""

    type: ClassVar[str] = "offer_stage"
    topic: Topic = ""


@dataclass(frozen=True, slots=True)
class AcceptInvite(Request):
    """Yes, by the invitee; to an offer, by whoever runs the show."""

    type: ClassVar[str] = "accept_invite"
    invite: Id


@dataclass(frozen=True, slots=True)
class DeclineInvite(Request):
    """No."""

    type: ClassVar[str] = "decline_invite"
    invite: Id
    reason: Topic = ""


@dataclass(frozen=True, slots=True)
class CancelInvite(Request):
    """Taken back by who made it, or by whoever runs the show."""

    type: ClassVar[str] = "cancel_invite"
    invite: Id


@dataclass(frozen=True, slots=True)
class RaiseHand(Request):
    """I have something to ask."""

    type: ClassVar[str] = "raise_hand"
    topic: Topic = ""


@dataclass(frozen=True, slots=True)
class LowerHand(Request):
    """One's own hand, or another's."""

    type: ClassVar[str] = "lower_hand"
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class OpenHands(Request):
    """Whether people may raise their hands."""

    type: ClassVar[str] = "open_hands"
    open: bool


@dataclass(frozen=True, slots=True)
class LeaveStage(Request):
    """A guest leaves the stage and stays in the room."""

    type: ClassVar[str] = "leave_stage"


@dataclass(frozen=True, slots=True)
class RemoveGuest(Request):
    """Take a guest off the stage."""

    type: ClassVar[str] = "remove_guest"
    identity: Identity


@dataclass(frozen=True, slots=True)
class ClearStage(Request):
    """Take every guest off the stage."""

    type: ClassVar[str] = "clear_stage"


@dataclass(frozen=True, slots=True)
class MuteGuest(Request):
    """Silence a guest, or take the picture away, until asked to unmute."""

    type: ClassVar[str] = "mute_guest"
    identity: Identity
    audio: bool = False
    video: bool = False


@dataclass(frozen=True, slots=True)
class AskUnmute(Request):
    """Let a guest unmute again, and ask for it."""

    type: ClassVar[str] = "ask_unmute"
    identity: Identity
    audio: bool = False
    video: bool = False


@dataclass(frozen=True, slots=True)
class MoveGuest(Request):
    """Give somebody another place; 0 is the main one."""

    type: ClassVar[str] = "move_guest"
    identity: Identity
    position: Annotated[int, Between(0, 5)]


@dataclass(frozen=True, slots=True)
class Pin(Request):
    """Make somebody the main picture whatever the order; None lets the order decide."""

    type: ClassVar[str] = "pin"
    identity: Identity | None


@dataclass(frozen=True, slots=True)
class LockStage(Request):
    """Whether anybody may still come on stage."""

    type: ClassVar[str] = "lock_stage"
    locked: bool


@dataclass(frozen=True, slots=True)
class SetLayout(Request):
    """How the stage looks, to everybody."""

    type: ClassVar[str] = "set_layout"
    layout: StageLayout


@dataclass(frozen=True, slots=True)
class SetCohost(Request):
    """Give a guest the host's controls, or take them back."""

    type: ClassVar[str] = "set_cohost"
    identity: Identity
    cohost: bool


@dataclass(frozen=True, slots=True)
class Chat(Request):
    """Say something to the whole room."""

    type: ClassVar[str] = "chat"
    text: Annotated[str, Length(1, 300)]


@dataclass(frozen=True, slots=True)
class DeleteChat(Request):
    """Take a message out of the chat."""

    type: ClassVar[str] = "delete_chat"
    message: Id


@dataclass(frozen=True, slots=True)
class MuteChatter(Request):
    """Nobody reads this person for a while; 0 lifts it."""

    type: ClassVar[str] = "mute_chatter"
    identity: Identity
    seconds: Annotated[float, Between(0, 86400)]


@dataclass(frozen=True, slots=True)
class SlowMode(Request):
    """Everybody may write once in so many seconds; 0 ends it."""

    type: ClassVar[str] = "slow_mode"
    seconds: Annotated[float, Between(0, 300)]


@dataclass(frozen=True, slots=True)
class BackChannel(Request):
    """Say something to the staff only."""

    type: ClassVar[str] = "backchannel"
    text: Annotated[str, Length(1, 500)]
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class AckBackChannel(Request):
    """I have read this."""

    type: ClassVar[str] = "ack_backchannel"
    message: Id


@dataclass(frozen=True, slots=True)
class SetPresence(Request):
    """At the desk: whether to be rung, and for what."""

    type: ClassVar[str] = "set_presence"
    presence: Literal["available", "break", "offline"]
    skills: tuple[Annotated[str, Length(1, 32)], ...] | None = None


STAGE_REQUESTS: tuple[type[Request], ...] = (
    Invite,
    OfferStage,
    AcceptInvite,
    DeclineInvite,
    CancelInvite,
    RaiseHand,
    LowerHand,
    OpenHands,
    LeaveStage,
    RemoveGuest,
    ClearStage,
    MuteGuest,
    AskUnmute,
    MoveGuest,
    Pin,
    LockStage,
    SetLayout,
    SetCohost,
    Chat,
    DeleteChat,
    MuteChatter,
    SlowMode,
    BackChannel,
    AckBackChannel,
    SetPresence,
)
