"""What passes between the control plane and the recorder's process, over the RPC of :mod:`media.rpc`.

Times called ``t`` are seconds of the recording. Any request may be refused with ``bad_request``; those about files with the
codes of :class:`recorder.manifest.ManifestError`, :class:`recorder.vault.SealedError` and ``disk_full``, ``disk_error``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from media.api import Event, Request
from recorder.manifest import GapReason, PersonEntry

WarningCode = Literal["disk_full", "disk_slow", "disk_gone", "tap_overflow"]


@dataclass(frozen=True, slots=True)
class RecorderInfo:
    """Said once, first. ``repaired``: folders of recordings that an earlier process left open and that are closed now."""

    pid: int
    repaired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StartRecording(Request[None]):
    """Make the folder (``yyyy/mm/dd/id``, below the root) and its manifest. ``started`` is t = 0 in monotonic seconds.

    Errors: ``recording_exists``; nothing there is touched.
    """

    method: ClassVar[str] = "start_recording"
    id: str
    folder: str
    room: str
    kind: Literal["call", "stage"]
    created_ms: int
    started: float
    call: str | None = None
    people: tuple[PersonEntry, ...] = ()
    policy: dict[str, Any] = field(default_factory=dict)
    consents: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResumeRecording(Request[None]):
    """Go on with a recording that was repaired (:class:`RecorderInfo`), in new parts; the time between is a gap.

    Errors: ``recording_over``: it was finished or erased, or the machine has been started anew since.
    """

    method: ClassVar[str] = "resume_recording"
    id: str
    folder: str


@dataclass(frozen=True, slots=True)
class AddTrack(Request[None]):
    """Before the tap is opened: what comes under ``tap`` (not in use) is this Track's. The same Track again: a new part.

    Errors: ``recording_not_found``, ``tap_exists``, ``track_erased``.
    """

    method: ClassVar[str] = "add_track"
    recording: str
    tap: int
    track: str
    identity: str
    source: str
    kind: Literal["audio", "video"]
    codec: str = ""


@dataclass(frozen=True, slots=True)
class EndTrack(Request[None]):
    """After the tap was closed: complete the log once the tap's last record is there, or after 1 s."""

    method: ClassVar[str] = "end_track"
    tap: int


@dataclass(frozen=True, slots=True)
class AddEvents(Request[None]):
    """Lines for the timeline, as they are. Errors: ``recording_not_found``."""

    method: ClassVar[str] = "add_events"
    recording: str
    events: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class MarkGap(Request[None]):
    """Label time that is not recorded, of everybody or of ``identity``. Errors: ``recording_not_found``."""

    method: ClassVar[str] = "mark_gap"
    recording: str
    start: float
    end: float
    reason: GapReason
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class SetPeople(Request[None]):
    """Who takes part and what was consented to, anew. Errors: ``recording_not_found``."""

    method: ClassVar[str] = "set_people"
    recording: str
    people: tuple[PersonEntry, ...]
    consents: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StopRecording(Request[None]):
    """End it; :class:`RecordingClosed` follows when all is written. Errors: ``recording_not_found``."""

    method: ClassVar[str] = "stop_recording"
    recording: str


@dataclass(frozen=True, slots=True)
class EraseTracks(Request[None]):
    """Forget these Tracks' keys, then delete their files and everything made of several Tracks. Unknown ones are ignored."""

    method: ClassVar[str] = "erase_tracks"
    recording: str
    folder: str
    tracks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EraseRecording(Request[None]):
    """Forget every key, then delete every file but the manifest, which keeps no more than that there was something."""

    method: ClassVar[str] = "erase_recording"
    recording: str
    folder: str


@dataclass(frozen=True, slots=True)
class RecorderStats:
    """``held``: bytes in memory; ``dropped``: packets that did not fit; ``stray``: frames of taps nobody announced."""

    recordings: int
    tracks: int
    held: int
    written: int
    dropped: int
    stray: int
    flush_max_s: float
    free_bytes: int


@dataclass(frozen=True, slots=True)
class GetStats(Request[RecorderStats]):
    """Figures since the start; ``flush_max_s`` since the last asking."""

    method: ClassVar[str] = "get_recorder_stats"


@dataclass(frozen=True, slots=True)
class RecordingWarning(Event):
    """Something is wrong with one recording, or with all (``recording`` None). The call is not affected."""

    event: ClassVar[str] = "recording_warning"
    recording: str | None
    code: WarningCode
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WarningOver(Event):
    """It is not wrong any more."""

    event: ClassVar[str] = "warning_over"
    recording: str | None
    code: WarningCode


@dataclass(frozen=True, slots=True)
class RecordingClosed(Event):
    """Everything is written; the folder may be finished."""

    event: ClassVar[str] = "recording_closed"
    recording: str
    folder: str


REQUESTS: tuple[type[Request[Any]], ...] = (
    StartRecording, ResumeRecording, AddTrack, EndTrack, AddEvents, MarkGap, SetPeople, StopRecording, EraseTracks,
    EraseRecording, GetStats,
)  # fmt: skip
EVENTS: tuple[type[Event], ...] = (RecordingWarning, WarningOver, RecordingClosed)
RESULTS: dict[str, type[Any]] = {GetStats.method: RecorderStats}
