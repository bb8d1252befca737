"""What the database keeps of recordings. Moments are seconds since the epoch; ``began``, ``start`` and the like are
seconds of the recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

RecordingState = Literal["recording", "closed", "finishing", "ready", "failed", "erased"]
Order = Literal["newest", "oldest", "longest", "rating", "score"]
ORDERS: tuple[Order, ...] = get_args(Order)
STATES: tuple[RecordingState, ...] = get_args(RecordingState)


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """Who took part. ``side``: ``shopper``, ``agent``, ``host`` or ``guest``."""

    identity: str
    name: str = ""
    side: str = ""


@dataclass(frozen=True, slots=True)
class RecordingRecord:
    """One recording. ``folder`` is below the recordings' root; ``flags``: findings by kind, as ``save_findings`` counts
    them. ``hold``, ``hold_reason``, ``tags``, ``flags`` and ``score`` are kept by methods of their own: saving a record
    again leaves them as they are."""

    id: str
    room: str
    kind: Literal["call", "stage"]
    created: float
    call: str = ""
    duration_s: float = 0.0
    state: RecordingState = "recording"
    people: tuple[PersonRecord, ...] = ()
    agent: str = ""
    agent_name: str = ""
    queue: str = ""
    product: str = ""
    outcome: str = ""
    solved: str = ""
    wait_s: float = 0.0
    escalations: int = 0
    transfers: int = 0
    pauses: int = 0
    rating: int | None = None
    rating_comment: str = ""
    reasons: tuple[str, ...] = ()
    size: int = 0
    thumb: bool = False
    progress: str = ""
    done: float = 0.0
    folder: str = ""
    expires: float | None = None
    speech: Mapping[str, Any] = field(default_factory=dict)
    chapters: tuple[Mapping[str, Any], ...] = ()
    hold: bool = False
    hold_reason: str = ""
    tags: tuple[str, ...] = ()
    flags: Mapping[str, int] = field(default_factory=dict)
    score: float | None = None


@dataclass(frozen=True, slots=True)
class GapRecord:
    """Nothing was recorded from ``start`` to ``end``."""

    start: float
    end: float
    reason: str
    track: str = ""


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """One media file."""

    id: str
    identity: str
    source: str
    kind: Literal["audio", "video"]
    codec: str = ""
    began: float = 0.0
    ended: float = 0.0
    width: int = 0
    height: int = 0
    mime: str = ""
    size: int = 0
    state: str = "finished"
    file: str = ""


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """A labelled span: ``black``, ``silence``, ``clipping`` and so on."""

    kind: str
    start: float
    end: float
    identity: str = ""
    level: float | None = None
    track: str = ""


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """What somebody said to the text of ``version`` about being recorded for ``purpose``."""

    id: str
    identity: str
    purpose: str
    version: str
    locale: str
    granted: bool
    at: float
    recording: str = ""
    room: str = ""
    call: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """What only one recording's page shows."""

    tracks: tuple[TrackRecord, ...] = ()
    gaps: tuple[GapRecord, ...] = ()
    findings: tuple[FindingRecord, ...] = ()
    consents: tuple[ConsentRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see: of ``room`` (None: any), of ``queues`` (empty: any); for an agent, what was shared."""

    room: str | None = None
    queues: tuple[str, ...] = ()
    agent: str | None = None


EVERYTHING = Sight()


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """Which recordings. Every condition that is given holds; ``words`` are all in chat or notes, lower case."""

    sight: Sight = EVERYTHING
    words: tuple[str, ...] = ()
    agent: str | None = None
    queue: str | None = None
    room: str | None = None
    kind: str | None = None
    call: str | None = None
    product: str | None = None
    outcome: str | None = None
    since: float | None = None
    until: float | None = None
    min_s: float | None = None
    max_s: float | None = None
    rating: tuple[int, int] | None = None
    reason: str | None = None
    tag: str | None = None
    flag: str | None = None
    state: str | None = None
    reviewed: bool | None = None
    held: bool | None = None
    order: Order = "newest"


@dataclass(frozen=True, slots=True)
class Page:
    """``after`` is for the next page, None at the end; ``total`` is counted up to a limit."""

    recordings: tuple[RecordingRecord, ...]
    after: str | None
    total: int
