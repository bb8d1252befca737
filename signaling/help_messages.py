"""The requests of one-to-one help (PROTOCOL.md section 1.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from signaling.message_types import Count, Id, Identity, Request, Topic
from signaling.shapes import Between, Length

MAX_REASONS = 8

Media = Literal["text", "voice", "video"]
Skill = Annotated[str, Length(1, 32)]
QueueName = Annotated[str, Length(1, 64)]
Title = Annotated[str, Length(0, 200)]
Url = Annotated[str, Length(0, 500)]
Share = Annotated[float, Between(0, 1)]


@dataclass(frozen=True, slots=True)
class ProductAsked:
    """What the shopper was looking at."""

    id: Annotated[str, Length(0, 64)] = ""
    title: Annotated[str, Length(0, 120)] = ""
    price: Annotated[str, Length(0, 40)] = ""
    url: Url = ""


@dataclass(frozen=True, slots=True)
class OrderAsked:
    """What the shopper bought."""

    id: Annotated[str, Length(0, 64)] = ""
    title: Annotated[str, Length(0, 120)] = ""


@dataclass(frozen=True, slots=True)
class Context:
    """Where the question comes from, as the page says: shown to the agent, believed by nobody."""

    entry: Literal["live", "product", "order", "help", "link"] = "live"
    page_url: Url = ""
    page_title: Title = ""
    product: ProductAsked | None = None
    order: OrderAsked | None = None
    locale: Annotated[str, Length(0, 35)] = ""
    device: Title = ""


@dataclass(frozen=True, slots=True)
class HelpStatus(Request):
    """Which queues there are, and how long they take now."""

    type: ClassVar[str] = "help_status"


@dataclass(frozen=True, slots=True)
class Help(Request):
    """A shopper asks for help."""

    type: ClassVar[str] = "help"
    media: Media = "video"
    queue: QueueName | None = None
    text: Annotated[str, Length(0, 500)] = ""
    context: Context | None = None
    envelope: Annotated[str, Length(0, 8192)] = ""
    link: Id | None = None


@dataclass(frozen=True, slots=True)
class CallRequest(Request):
    """A request about one call."""

    call: Id


@dataclass(frozen=True, slots=True)
class SetCallMedia(CallRequest):
    """The shopper steps up, or down."""

    type: ClassVar[str] = "set_call_media"
    media: Media


@dataclass(frozen=True, slots=True)
class AnswerCall(CallRequest):
    """Yes, by whoever is rung."""

    type: ClassVar[str] = "answer_call"


@dataclass(frozen=True, slots=True)
class DeclineCall(CallRequest):
    """No; the next one is rung."""

    type: ClassVar[str] = "decline_call"
    reason: Topic = ""


@dataclass(frozen=True, slots=True)
class TakeCall(CallRequest):
    """An agent picks one that waits."""

    type: ClassVar[str] = "take_call"


@dataclass(frozen=True, slots=True)
class HoldCall(CallRequest):
    """The shopper waits: neither side sees or hears the other."""

    type: ClassVar[str] = "hold_call"


@dataclass(frozen=True, slots=True)
class ResumeCall(CallRequest):
    """On with it."""

    type: ClassVar[str] = "resume_call"


@dataclass(frozen=True, slots=True)
class CallTarget:
    """Whom to bring in: exactly one of the three."""

    identity: Identity | None = None
    skill: Skill | None = None
    queue: QueueName | None = None


@dataclass(frozen=True, slots=True)
class TransferCall(CallRequest):
    """Hand the shopper on; ``warm``: talk to the colleague first."""

    type: ClassVar[str] = "transfer_call"
    to: CallTarget
    warm: bool = False
    note: Annotated[str, Length(0, 500)] = ""


@dataclass(frozen=True, slots=True)
class CompleteTransfer(CallRequest):
    """The colleague takes over."""

    type: ClassVar[str] = "complete_transfer"


@dataclass(frozen=True, slots=True)
class CancelTransfer(CallRequest):
    """Back to the shopper."""

    type: ClassVar[str] = "cancel_transfer"


@dataclass(frozen=True, slots=True)
class AddToCall(CallRequest):
    """Ring a colleague into the call."""

    type: ClassVar[str] = "add_to_call"
    to: CallTarget


@dataclass(frozen=True, slots=True)
class LeaveCall(CallRequest):
    """One of several agents goes."""

    type: ClassVar[str] = "leave_call"


@dataclass(frozen=True, slots=True)
class SuperviseCall(CallRequest):
    """Listen, speak to the agent alone, join in, take over, or go."""

    type: ClassVar[str] = "supervise_call"
    mode: Literal["listen", "whisper", "barge", "takeover", "off"]


@dataclass(frozen=True, slots=True)
class EscalateCall(CallRequest):
    """Ask the shopper, and then the host, to go on with this on the stage."""

    type: ClassVar[str] = "escalate_call"
    topic: Topic = ""


@dataclass(frozen=True, slots=True)
class ConsentStage(CallRequest):
    """What the shopper agrees to show the audience."""

    type: ClassVar[str] = "consent_stage"
    consent: Literal["no", "voice", "video", "blurred"]


@dataclass(frozen=True, slots=True)
class DeescalateCall(CallRequest):
    """Back from the stage, into the private call."""

    type: ClassVar[str] = "deescalate_call"


@dataclass(frozen=True, slots=True)
class EndCall(CallRequest):
    """Hang up, or stop waiting."""

    type: ClassVar[str] = "end_call"
    reason: Topic = ""


@dataclass(frozen=True, slots=True)
class WrapUp(CallRequest):
    """What the agent writes down afterwards, or meanwhile; ``done`` makes free for the next."""

    type: ClassVar[str] = "wrap_up"
    note: Annotated[str, Length(0, 4000)] = ""
    reasons: tuple[Annotated[str, Length(1, 40)], ...] = ()
    solved: Literal["yes", "no", "unknown"] = "unknown"
    done: bool = False


@dataclass(frozen=True, slots=True)
class RateCall(CallRequest):
    """What the shopper thinks of it."""

    type: ClassVar[str] = "rate_call"
    score: Annotated[int, Between(1, 5)]
    comment: Annotated[str, Length(0, 1000)] = ""
    solved: Literal["yes", "no"] | None = None


@dataclass(frozen=True, slots=True)
class LeaveCallback(Request):
    """Call me back at ``at`` (ms since the epoch); ends the waiting ``call``, if there is one."""

    type: ClassVar[str] = "leave_callback"
    at: Count
    call: Id | None = None
    queue: QueueName | None = None
    phone: Annotated[str, Length(0, 40)] = ""
    note: Annotated[str, Length(0, 300)] = ""


@dataclass(frozen=True, slots=True)
class CallShopper(Request):
    """An agent rings a shopper who is in the room."""

    type: ClassVar[str] = "call_shopper"
    identity: Identity
    media: Literal["voice", "video"] = "video"
    topic: Topic = ""


@dataclass(frozen=True, slots=True)
class CallLink(Request):
    """A link that brings whoever opens it straight to this agent."""

    type: ClassVar[str] = "call_link"
    topic: Topic = ""


@dataclass(frozen=True, slots=True)
class Article:
    """A page of the shop's knowledge base."""

    title: Annotated[str, Length(1, 120)]
    url: Annotated[str, Length(1, 500)]


@dataclass(frozen=True, slots=True)
class CallSay(CallRequest):
    """Write in the call: exactly one of the three."""

    type: ClassVar[str] = "call_say"
    text: Annotated[str, Length(1, 1000)] | None = None
    article: Article | None = None
    file: Id | None = None


@dataclass(frozen=True, slots=True)
class CallMark(CallRequest):
    """Draw on the picture; :mod:`signaling.board` checks ``mark``."""

    type: ClassVar[str] = "call_mark"
    mark: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallClear(CallRequest):
    """Take one mark away, or all."""

    type: ClassVar[str] = "call_clear"
    mark: Id | None = None


@dataclass(frozen=True, slots=True)
class Pointer:
    """A spot on the picture ``target``, from its upper left corner."""

    x: Share
    y: Share
    target: Id


@dataclass(frozen=True, slots=True)
class CallPointer(CallRequest):
    """Where the laser pointer is; None: put away."""

    type: ClassVar[str] = "call_pointer"
    pointer: Pointer | None


@dataclass(frozen=True, slots=True)
class Frame:
    """A frozen picture: the file that all see, and the track that it was taken from."""

    file: Id
    target: Id
    width: Annotated[int, Between(1, 16384)]
    height: Annotated[int, Between(1, 16384)]


@dataclass(frozen=True, slots=True)
class CallFreeze(CallRequest):
    """All see this picture instead of the moving one; None: move on."""

    type: ClassVar[str] = "call_freeze"
    frame: Frame | None


@dataclass(frozen=True, slots=True)
class Checklist:
    """Steps to repeat."""

    title: Annotated[str, Length(1, 120)]
    steps: tuple[Annotated[str, Length(1, 200)], ...]


@dataclass(frozen=True, slots=True)
class CallChecklist(CallRequest):
    """Show a checklist, or none."""

    type: ClassVar[str] = "call_checklist"
    checklist: Checklist | None


@dataclass(frozen=True, slots=True)
class CallStep(CallRequest):
    """Tick a step of the checklist, or take the tick back."""

    type: ClassVar[str] = "call_step"
    step: Annotated[int, Between(0, 19)]
    done: bool


@dataclass(frozen=True, slots=True)
class CallDevice(CallRequest):
    """Ask something of the shopper's device: only a request, the shopper's page carries it out."""

    type: ClassVar[str] = "call_device"
    ask: Literal["still", "flip", "torch", "zoom"]
    value: Annotated[float, Between(0, 100)] | None = None


@dataclass(frozen=True, slots=True)
class Zoom:
    """The camera's range."""

    min: Annotated[float, Between(0, 1000)]
    max: Annotated[float, Between(0, 1000)]
    value: Annotated[float, Between(0, 1000)]


@dataclass(frozen=True, slots=True)
class CallDeviceState(CallRequest):
    """What the shopper's device can do, and does."""

    type: ClassVar[str] = "call_device_state"
    facing: Literal["user", "environment"] | None = None
    torch: bool = False
    zoom: Zoom | None = None
    can: tuple[Literal["still", "flip", "torch", "zoom"], ...] = ()


@dataclass(frozen=True, slots=True)
class WatchWall(Request):
    """A supervisor opens or closes the wall."""

    type: ClassVar[str] = "watch_wall"
    on: bool = True


HELP_REQUESTS: tuple[type[Request], ...] = (
    HelpStatus,
    Help,
    SetCallMedia,
    AnswerCall,
    DeclineCall,
    TakeCall,
    HoldCall,
    ResumeCall,
    TransferCall,
    CompleteTransfer,
    CancelTransfer,
    AddToCall,
    LeaveCall,
    SuperviseCall,
    EscalateCall,
    ConsentStage,
    DeescalateCall,
    EndCall,
    WrapUp,
    RateCall,
    LeaveCallback,
    CallShopper,
    CallLink,
    CallSay,
    CallMark,
    CallClear,
    CallPointer,
    CallFreeze,
    CallChecklist,
    CallStep,
    CallDevice,
    CallDeviceState,
    WatchWall,
)
