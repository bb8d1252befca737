"""The words of the Helpline: queues and settings, the facts that it is told, and the effects that it asks for. All frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from media.api import Source
from signaling.circle import Circle

Media = Literal["text", "voice", "video"]
Direction = Literal["in", "out", "link"]
CallState = Literal["waiting", "ringing", "active", "on_hold", "wrap_up", "ended"]
Outcome = Literal["completed", "abandoned", "callback", "failed", "declined", "expired"]
TargetKind = Literal["identity", "skill", "queue"]
SuperviseMode = Literal["listen", "whisper", "barge", "takeover", "off"]
Consent = Literal["no", "voice", "video", "blurred"]
Solved = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A queue as it was set up; ``hours`` as :mod:`signaling.hours` reads them, empty: always. Times in seconds."""

    name: str
    title: str = ""
    title_en: str = ""
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    hours: str = ""
    timezone: str = "Asia/Shanghai"
    ring_s: float = 15.0
    max_waiting: int = 200
    max_wait_s: float = 1800.0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class HelpSettings:
    """What holds for all queues; the config section ``help`` explains each. Times in seconds."""

    ring_s: float = 15.0
    wrap_up_s: float = 60.0
    drop_grace_s: float = 60.0
    rating_s: float = 24 * 3600.0
    consent_s: float = 60.0
    max_calls: int = 5000


@dataclass(frozen=True, slots=True)
class CallContext:
    """Where a question comes from. ``value``, ``urgency`` and ``mood`` (how bad it looks) are 0 to 100.

    ``verified``: the shop's backend has signed ``person`` and what follows from it; ``shown`` is what the agent reads.
    """

    entry: str = "live"
    verified: bool = False
    person: Mapping[str, Any] | None = None
    value: float = 0.0
    urgency: float = 0.0
    mood: float = 0.0
    skills: tuple[str, ...] = ()
    language: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)


# --- facts -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HelpFact:
    """Something that happened, or that somebody asks for."""


@dataclass(frozen=True, slots=True)
class CallFact(HelpFact):
    """About one call."""

    call_id: str


@dataclass(frozen=True, slots=True)
class CallAsked(CallFact):
    """A shopper asks. ``agent``: who made the link that was opened; ``created``: when it was first asked (seconds,
    monotonic), if that was before the Node started; ``returned``: and was talking to somebody already."""

    identity: str
    name: str
    room: str
    queue: str | None = None
    media: Media = "video"
    context: CallContext = CallContext()
    text: str = ""
    topic: str = ""
    agent: str | None = None
    created: float | None = None
    peer: str | None = None
    returned: bool = False


@dataclass(frozen=True, slots=True)
class CallPlaced(CallFact):
    """An agent rings a shopper who is in the room."""

    agent: str
    agent_name: str
    identity: str
    name: str
    room: str
    media: Media = "video"
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Answered(CallFact):
    identity: str


@dataclass(frozen=True, slots=True)
class Declined(CallFact):
    identity: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Taken(CallFact):
    """An agent picks a call that waits."""

    identity: str


@dataclass(frozen=True, slots=True)
class MediaChanged(CallFact):
    identity: str
    media: Media


@dataclass(frozen=True, slots=True)
class HoldSet(CallFact):
    identity: str
    held: bool


@dataclass(frozen=True, slots=True)
class TransferAsked(CallFact):
    """``to`` is an identity, a skill or a queue; ``warm``: speak to them first."""

    identity: str
    kind: TargetKind
    to: str
    warm: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class TransferCompleted(CallFact):
    identity: str


@dataclass(frozen=True, slots=True)
class TransferCancelled(CallFact):
    identity: str


@dataclass(frozen=True, slots=True)
class HelperAsked(CallFact):
    """A colleague is to come in."""

    identity: str
    kind: TargetKind
    to: str


@dataclass(frozen=True, slots=True)
class HelperLeft(CallFact):
    """One of several agents goes."""

    identity: str


@dataclass(frozen=True, slots=True)
class Supervised(CallFact):
    identity: str
    name: str
    mode: SuperviseMode


@dataclass(frozen=True, slots=True)
class EscalationAsked(CallFact):
    identity: str
    topic: str = ""


@dataclass(frozen=True, slots=True)
class StageConsent(CallFact):
    identity: str
    consent: Consent


@dataclass(frozen=True, slots=True)
class StageMoved(CallFact):
    """The Room says: the call is on the stage, or it is not (any more); ``code`` says why not."""

    on: bool
    code: str | None = None


@dataclass(frozen=True, slots=True)
class DeescalationAsked(CallFact):
    identity: str


@dataclass(frozen=True, slots=True)
class CallEnded(CallFact):
    identity: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WrappedUp(CallFact):
    identity: str
    note: str = ""
    reasons: tuple[str, ...] = ()
    solved: Solved = "unknown"
    done: bool = False


@dataclass(frozen=True, slots=True)
class Rated(CallFact):
    identity: str
    score: int
    comment: str = ""
    solved: Literal["yes", "no"] | None = None


@dataclass(frozen=True, slots=True)
class CallbackLeft(HelpFact):
    """``at_s``: seconds since 1970."""

    callback_id: str
    identity: str
    call_id: str | None
    queue: str | None
    at_s: float


@dataclass(frozen=True, slots=True)
class Presence(HelpFact):
    """Where somebody's connection for media is, and whether it is alive; ``peer`` None: nowhere any more.

    ``stalled``: connected, but nothing comes that should; shown as reconnecting, without further consequences.
    """

    identity: str
    room: str
    peer: str | None
    connected: bool
    stalled: bool = False


@dataclass(frozen=True, slots=True)
class RoomEnded(HelpFact):
    """Nobody can come back to this room."""

    room: str


@dataclass(frozen=True, slots=True)
class WritingUp(CallFact):
    """A call that the last Node left when its agent was writing it up; times as in :class:`CallAsked`."""

    identity: str
    name: str
    room: str
    queue: str
    direction: Direction
    media: Media
    agent: str
    agent_name: str
    created: float
    answered: float
    ended: float
    context: CallContext = CallContext()
    text: str = ""
    topic: str = ""


@dataclass(frozen=True, slots=True)
class DeskGone(HelpFact):
    """An agent has left the desk for good."""

    identity: str


@dataclass(frozen=True, slots=True)
class AgentsChanged(HelpFact):
    """Somebody may have become free."""


@dataclass(frozen=True, slots=True)
class QueuesSet(HelpFact):
    """All queues there are, from now on."""

    specs: tuple[QueueSpec, ...]


@dataclass(frozen=True, slots=True)
class HelpTick(HelpFact):
    """Time passed."""


# --- effects -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HelpEffect:
    """Something for the hub to do."""


@dataclass(frozen=True, slots=True)
class CallChanged(HelpEffect):
    """Tell everybody concerned; ``former``: those who were, and are not any more."""

    call_id: str
    former: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CircleWanted(HelpEffect):
    """These people, in this way, in this room."""

    call_id: str
    room: str
    circle: Circle


@dataclass(frozen=True, slots=True)
class CircleOver(HelpEffect):
    call_id: str
    room: str


@dataclass(frozen=True, slots=True)
class StageOffer(HelpEffect):
    """Ask the host to let these people come on, with these sources; answer with :class:`StageMoved` if it fails."""

    call_id: str
    room: str
    by: str
    topic: str
    aired: Mapping[str, frozenset[Source]]
    consent: Consent


@dataclass(frozen=True, slots=True)
class StageLeave(HelpEffect):
    """Back from the stage, or the offer is withdrawn."""

    call_id: str
    room: str


@dataclass(frozen=True, slots=True)
class AgentChanged(HelpEffect):
    """What the desk shows of this person is different."""

    identity: str


@dataclass(frozen=True, slots=True)
class QueueNews(HelpEffect):
    """What the lists of queues and calls show is different."""


@dataclass(frozen=True, slots=True)
class Happened(HelpEffect):
    """To be written down; ``at`` is seconds, monotonic."""

    call_id: str
    kind: str
    identity: str
    at: float
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Save(HelpEffect):
    """The call's row is different."""

    call_id: str
