"""What all messages are made of: the base of every request, and its fields' types with their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from signaling.shapes import Between, Length

MAX_MESSAGE = 64 * 1024
MAX_SAFE_INTEGER = 2**53 - 1

Id = Annotated[str, Length(1, 64)]
Sdp = Annotated[str, Length(1, MAX_MESSAGE)]
Token = Annotated[str, Length(0, MAX_MESSAGE)]
Note = Annotated[str, Length(0, 200)]
Identity = Annotated[str, Length(1, 128)]
Topic = Annotated[str, Length(0, 120)]
Count = Annotated[int, Between(0, MAX_SAFE_INTEGER)]
Pixels = Annotated[int, Between(0, 16384)]
Milliseconds = Annotated[float, Between(0, 1e9)]


@dataclass(frozen=True, slots=True)
class Request:
    """A message from a client; ``type`` is its name on the wire."""

    type: ClassVar[str] = ""
