"""One call: its states, the people in it, and how each side sees it. Pure.

The states are in :data:`TRANSITIONS`; who may bring them about is decided in :mod:`signaling.helpline`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from media.api import Source
from signaling.circle import Circle, Seat, SeatMode, Side
from signaling.errors import ApiError
from signaling.estimate import Range
from signaling.help_model import CallContext, CallState, Consent, Direction, Media, Outcome, Solved, TargetKind

CallEventKind = Literal["ring", "unring", "answer", "hold", "resume", "lost", "hang_up", "give_up", "done"]
Viewer = Literal["shopper", "agent"]

TRANSITIONS: Mapping[tuple[CallState, CallEventKind], CallState] = {
    ("waiting", "ring"): "ringing",
    ("waiting", "answer"): "active",
    ("waiting", "give_up"): "ended",
    ("ringing", "unring"): "waiting",
    ("ringing", "answer"): "active",
    ("ringing", "give_up"): "ended",
    ("active", "hold"): "on_hold",
    ("active", "lost"): "waiting",
    ("active", "hang_up"): "wrap_up",
    ("on_hold", "resume"): "active",
    ("on_hold", "lost"): "waiting",
    ("on_hold", "hang_up"): "wrap_up",
    ("wrap_up", "done"): "ended",
}
WAITS: frozenset[CallState] = frozenset(("waiting", "ringing"))
TALKS: frozenset[CallState] = frozenset(("active", "on_hold"))
OVER: frozenset[CallState] = frozenset(("wrap_up", "ended"))
#: What the shopper lets the audience have; the agent always gives all.
AIRED: Mapping[Consent, frozenset[Source]] = {
    "no": frozenset(),
    "voice": frozenset(("microphone",)),
    "video": frozenset(("microphone", "camera", "screen", "screen_audio")),
    "blurred": frozenset(("microphone", "camera")),
}
ALL_SOURCES: frozenset[Source] = AIRED["video"]
MAX_NOTE = 4000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the call. ``peer`` is the connection for media, if there is one; ``until``: when a ring is over."""

    identity: str
    name: str
    role: str
    side: Side
    mode: SeatMode
    peer: str | None = None
    connected: bool = True
    stalled: bool = False
    gone_at: float | None = None
    until: float | None = None
    why: Literal["", "queue", "transfer", "helper", "out"] = ""

    def to_wire(self) -> dict[str, Any]:
        """``people`` of the call in PROTOCOL.md section 1.9."""
        return {
            "identity": self.identity,
            "name": self.name,
            "role": self.role,
            "side": self.side,
            "mode": self.mode,
            "peer": self.peer,
            "state": self.state,
        }

    @property
    def state(self) -> str:
        """``connected`` or ``reconnecting``."""
        return "connected" if self.connected and not self.stalled else "reconnecting"


@dataclass(frozen=True, slots=True)
class Transfer:
    """A warm transfer under way: ``by`` speaks to whoever answers before the shopper does."""

    by: str
    kind: TargetKind
    to: str
    name: str = ""
    note: str = ""
    at: float = 0.0
    state: Literal["ringing", "talking"] = "ringing"
    tried: frozenset[str] = frozenset()

    def to_wire(self) -> dict[str, Any]:
        """``transfer`` in PROTOCOL.md."""
        return {"kind": self.kind, "to": self.to, "name": self.name, "warm": True, "state": self.state}


@dataclass(frozen=True, slots=True)
class Escalation:
    """How far it is on the way to the stage."""

    by: str
    topic: str = ""
    state: Literal["asking", "offered", "on_stage", "declined", "refused"] = "asking"
    consent: Consent | None = None
    code: str | None = None
    #: When the shopper has not answered by then, the answer is no.
    until: float | None = None

    def to_wire(self) -> dict[str, Any]:
        """``escalation`` in PROTOCOL.md."""
        wire: dict[str, Any] = {"state": self.state, "consent": self.consent}
        if self.code is not None:
            wire["code"] = self.code
        return wire

    @property
    def pending(self) -> bool:
        """Whether somebody has been asked."""
        return self.state in ("asking", "offered")


@dataclass(frozen=True, slots=True)
class Wrap:
    """What the agent wrote down; ``at`` (seconds, monotonic) of the last change."""

    note: str = ""
    reasons: tuple[str, ...] = ()
    solved: Solved = "unknown"
    at: float | None = None

    def add(self, note: str, now: float) -> Wrap:
        """With what was said when the call was handed on."""
        return replace(self, note=f"{self.note}\n{note}".strip()[:MAX_NOTE], at=now) if note else self


@dataclass(frozen=True, slots=True)
class Score:
    """What the shopper thinks, ``at`` (seconds, monotonic)."""

    score: int
    comment: str = ""
    solved: Literal["yes", "no"] | None = None
    at: float = 0.0


@dataclass(slots=True)
class Call:
    """Times are seconds, monotonic. ``agent`` is who has it or had it last; ``shopper`` stays in ``people`` throughout."""

    id: str
    room: str
    queue: str
    direction: Direction
    media: Media
    shopper: str
    created: float
    context: CallContext = CallContext()
    text: str = ""
    topic: str = ""
    state: CallState = "waiting"
    people: dict[str, Person] = field(default_factory=dict)
    agent: str = ""
    agent_name: str = ""
    rung: float | None = None
    answered: float | None = None
    ended: float | None = None
    wrapped: float | None = None
    held_by: str | None = None
    held_at: float | None = None
    hold_s: float = 0.0
    transfer: Transfer | None = None
    transfers: int = 0
    escalation: Escalation | None = None
    escalations: int = 0
    outcome: Outcome | None = None
    end_reason: str = ""
    ended_by: str = ""
    wrap_until: float | None = None
    wrap: Wrap = Wrap()
    rating: Score | None = None
    priority: float = 0.0
    position: int | None = None
    estimate: Range | None = None
    #: The books have it as ended.
    closed: bool = False

    # --- questions -----------------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether shopper and agents have parted."""
        return self.state in OVER

    @property
    def open(self) -> bool:
        """Whether they hear and see each other, or could."""
        return self.state in TALKS

    def person(self, identity: str) -> Person:
        """Raises ``not_in_call``."""
        person = self.people.get(identity)
        if person is None:
            raise ApiError("not_in_call")
        return person

    def agents(self) -> list[Person]:
        """Agents who have answered."""
        return [person for person in self.people.values() if person.side == "agent" and person.mode != "ring"]

    def ringing(self) -> list[Person]:
        """Who is being rung."""
        return [person for person in self.people.values() if person.mode == "ring"]

    def require_agent(self, identity: str) -> Person:
        """An agent in the call, or a supervisor who speaks in it. Raises ``not_in_call`` or ``forbidden``."""
        person = self.person(identity)
        if person.side == "shopper":
            raise ApiError("forbidden")
        if person.mode != "full":
            raise ApiError("not_in_call" if person.mode == "ring" else "forbidden")
        return person

    def circle(self) -> Circle:
        """The call's people as the Room is to seat them."""
        seats = {}
        for person in self.people.values():
            mode = person.mode
            if person.side == "shopper" and self.state == "on_hold":
                mode = "hold"
            seats[person.identity] = Seat(person.side, mode)
        return Circle(self.id, seats, self.open)

    def aired(self) -> dict[str, frozenset[Source]]:
        """Who brings what to the stage."""
        consent = self.escalation.consent if self.escalation is not None else None
        aired = {person.identity: ALL_SOURCES for person in self.agents()}
        aired[self.shopper] = AIRED[consent or "no"]
        return aired

    def deadline(self, drop_grace_s: float) -> float | None:
        """When something about it is late."""
        times = [self.wrap_until]
        for person in self.people.values():
            times.append(person.until)
            if person.gone_at is not None and not self.over:
                times.append(person.gone_at + drop_grace_s)
        if self.escalation is not None and self.escalation.state == "asking" and not self.over:
            times.append(self.escalation.until)
        return min((time for time in times if time is not None), default=None)

    # --- changes -------------------------------------------------------------------------------------------------

    def step(self, event: CallEventKind) -> None:
        """Go on to another state. Raises ``call_ended`` or ``wrong_state``."""
        state = TRANSITIONS.get((self.state, event))
        if state is None:
            raise ApiError("call_ended" if self.over else "wrong_state")
        self.state = state

    def seat(self, person: Person) -> None:
        """Add or replace somebody."""
        self.people[person.identity] = person

    def change(self, identity: str, **fields: Any) -> None:
        """Change what is known of somebody in the call."""
        self.people[identity] = replace(self.people[identity], **fields)

    def end_transfer(self, now: float, *, keep: bool = True) -> None:
        """It came about, or is given up with the part of the call that it belongs to; ``keep``: what was said stays."""
        if self.transfer is not None and self.transfer.note:
            self.wrap = self.wrap.add(self.transfer.note, now) if keep else replace(self.wrap, at=now)
        self.transfer = None

    # --- wire ----------------------------------------------------------------------------------------------------

    def to_wire(self, viewer: Viewer, epoch_s: float, now: float, title: str = "") -> dict[str, Any]:
        """``call`` in PROTOCOL.md section 1.9, without what is on its board; ``epoch_s`` is the wall clock at ``now`` 0."""

        def ms(time_s: float | None) -> int | None:
            return None if time_s is None else round((epoch_s + time_s) * 1000)

        shopper = self.people[self.shopper]
        hidden = viewer == "shopper"
        seats = self.circle().seats
        wire: dict[str, Any] = {
            "id": self.id,
            "room": self.room,
            "queue": self.queue,
            "queue_title": title,
            "direction": self.direction,
            "media": self.media,
            "state": self.state,
            "created": ms(self.created),
            "answered": ms(self.answered),
            "ended": ms(self.ended),
            "outcome": self.outcome,
            "end_reason": self.end_reason,
            "position": self.position,
            "estimate": None if self.estimate is None else self.estimate.to_wire(),
            "ring_until": ms(min((person.until for person in self.ringing() if person.until is not None), default=None)),
            "held_by": self.held_by,
            "topic": self.topic,
            "text": self.text,
            "shopper": {
                "identity": self.shopper,
                "name": shopper.name,
                "peer": shopper.peer,
                "state": "away" if shopper.peer is None and not shopper.connected else shopper.state,
            },
            "people": [
                {**person.to_wire(), "mode": seats[person.identity].mode}
                for person in self.people.values()
                if not (hidden and self._behind(person))
            ],
            "transfer": None if self.transfer is None else self.transfer.to_wire(),
            "escalation": None if self.escalation is None else self.escalation.to_wire(),
            "rating": None
            if self.rating is None
            else {"score": self.rating.score, "comment": self.rating.comment, "solved": self.rating.solved},
        }
        if self.escalation is not None and self.escalation.state == "asking":
            wire["escalation"]["until"] = ms(self.escalation.until)
        if not hidden and self.transfer is not None:
            wire["transfer"]["note"] = self.transfer.note
        if not hidden:
            wire |= {
                "context": {**self.context.shown, "verified": self.context.verified, "person": self.context.person},
                "notes": {"note": self.wrap.note, "reasons": list(self.wrap.reasons), "solved": self.wrap.solved},
                "wrap_until": ms(self.wrap_until),
                "priority": round(self.priority),
                "waited_s": round((self.answered if self.answered is not None else self.ended or now) - self.created),
            }
        return wire

    def _behind(self, person: Person) -> bool:
        """Whether the shopper does not know of this person: not yet, or not at all."""
        return person.side != "shopper" and (person.mode != "full" or person.why == "transfer")
