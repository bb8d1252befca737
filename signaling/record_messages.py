"""The requests of recording (PROTOCOL.md section 1.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from signaling.message_types import Id, Request, Topic
from signaling.shapes import Length

#: The scope of a room's own stage; any other is a call's id.
STAGE = "stage"


@dataclass(frozen=True, slots=True)
class RecordRequest(Request):
    """A request about what is recorded of a call, or of the room's stage."""

    scope: Id


@dataclass(frozen=True, slots=True)
class Record(RecordRequest):
    """Start, or end for good."""

    type: ClassVar[str] = "record"
    on: bool


@dataclass(frozen=True, slots=True)
class PauseRecording(RecordRequest):
    """Nothing is recorded for a while."""

    type: ClassVar[str] = "pause_recording"
    paused: bool
    reason: Topic = ""


@dataclass(frozen=True, slots=True)
class ConsentRecording(RecordRequest):
    """One's own word; ``version`` and ``locale`` of the text that was read."""

    type: ClassVar[str] = "consent_recording"
    granted: bool
    version: Annotated[str, Length(1, 32)]
    locale: Annotated[str, Length(0, 35)] = ""


RECORD_REQUESTS: tuple[type[Request], ...] = (Record, PauseRecording, ConsentRecording)
