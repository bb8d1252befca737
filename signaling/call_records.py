"""What the database keeps of one-to-one help, as plain records.

Times are seconds since the epoch, spans seconds. An empty text stands for "none" where a field is not optional.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Direction = Literal["in", "out", "link"]
Media = Literal["text", "voice", "video"]
Entry = Literal["live", "product", "order", "help", "link"]
Outcome = Literal["completed", "abandoned", "callback", "failed", "declined", "expired"]
Solved = Literal["yes", "no", "unknown"]


def new_event_id() -> str:
    """Makes writing the same event twice harmless."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Rating:
    """What the shopper thinks: ``score`` 1 to 5; ``solved`` ``yes``, ``no`` or None (not said)."""

    score: int
    comment: str = ""
    solved: Literal["yes", "no"] | None = None
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Notes:
    """What the agent wrote down; ``at`` of the last change, 0 if never."""

    note: str = ""
    reasons: tuple[str, ...] = ()
    solved: Solved = "unknown"
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call, also while it goes on.

    ``state`` is the call's (waiting, ringing, active, on_hold, wrap_up, ended). ``created`` is when the shopper asked
    (or the agent rang), ``rung`` when the agent who answered was rung, ``answered`` when the first one answered,
    ``ended`` when shopper and agents parted, ``wrapped`` when the notes were done. A call is over for good
    when ``state`` is ``ended``. ``agent`` is who has it, or had it last; ``hold_s`` all holds together, ``transfers`` to
    another agent that came about, ``escalations`` the times that it came on the stage. ``ended_by`` is shopper, agent,
    supervisor or system.
    """

    id: str
    room: str
    shopper: str
    created: float
    state: str = "waiting"
    direction: Direction = "in"
    media: Media = "video"
    entry: Entry = "live"
    queue: str = ""
    shopper_name: str = ""
    agent: str = ""
    agent_name: str = ""
    language: str = ""
    topic: str = ""
    text: str = ""
    priority: float = 0.0
    rung: float | None = None
    answered: float | None = None
    ended: float | None = None
    wrapped: float | None = None
    outcome: Outcome | None = None
    end_reason: str = ""
    ended_by: str = ""
    hold_s: float = 0.0
    transfers: int = 0
    escalations: int = 0
    context: Mapping[str, Any] = field(default_factory=dict)
    notes: Notes = Notes()
    rating: Rating | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing is left to happen but a rating and a better note."""
        return self.state == "ended"


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One thing that happened in a call, done by ``identity`` (empty: nobody)."""

    call: str
    kind: str
    at: float
    identity: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=new_event_id)


@dataclass(frozen=True, slots=True)
class CallbackRecord:
    """Somebody wants to be called back ``at`` a time; open until ``done``."""

    id: str
    identity: str
    created: float
    at: float
    room: str = ""
    name: str = ""
    queue: str = ""
    call: str = ""
    phone: str = ""
    note: str = ""
    language: str = ""
    done: float | None = None
    done_by: str = ""


@dataclass(frozen=True, slots=True)
class QueueRecord:
    """A queue as it was set up; the fields are those of QueueSpec."""

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
class AgentRecord:
    """Somebody who has been at the desk."""

    identity: str
    name: str
    skills: tuple[str, ...] = ()
    first_seen: float = 0.0
    last_seen: float = 0.0


@dataclass(frozen=True, slots=True)
class AgentDay:
    """An agent's own figures for a span of time, by when calls were created; None where there is nothing to average.

    ``answer_s``: from ringing to answering; ``handle_s``: from answering to the end of the notes; ``csat``: 1 to 5.
    """

    identity: str
    calls: int
    answer_s: float | None
    handle_s: float | None
    csat: float | None
    ratings: int
    solved: int


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls; None: whatever. ``since`` <= created < ``until``; ``open``: not yet over."""

    room: str | None = None
    queue: str | None = None
    agent: str | None = None
    shopper: str | None = None
    entry: str | None = None
    outcome: str | None = None
    since: float | None = None
    until: float | None = None
    open: bool | None = None
    rated: bool | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of calls ended: the next one holds what was created before, or then with a smaller id."""

    created: float
    id: str
