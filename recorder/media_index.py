"""What is kept of a finished media file beside it: where one can seek to, how the picture was, where something is missing.

Pure. All times are seconds of the recording, rounded to milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from recorder.depacketize import Frame
from recorder.track_reader import Missing

#: A hole in the sound shorter than this is not worth a label.
SHORTEST_GAP_S = 0.06
_SOUND_RATE = 48_000


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing from ``start`` to ``end``. ``reason``: paused, consent, disk, overflow, muted, loss or as the log says."""

    start: float
    end: float
    reason: str


@dataclass(slots=True)
class MediaIndex:
    """``sizes``: (t, width, height) whenever it changes; ``rotations``: (t, degrees clockwise) likewise."""

    mime: str = ""
    began: float = 0.0
    ended: float = 0.0
    frames: int = 0
    lost: int = 0
    dropped: int = 0
    keyframes: list[float] = field(default_factory=list)
    sizes: list[tuple[float, int, int]] = field(default_factory=list)
    rotations: list[tuple[float, int]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As the manifest keeps it, which has gaps and the type elsewhere."""
        return {
            "frames": self.frames,
            "lost": self.lost,
            "dropped": self.dropped,
            "keyframes": list(self.keyframes),
            "sizes": [list(size) for size in self.sizes],
            "rotations": [list(rotation) for rotation in self.rotations],
        }


class Indexer:
    """Builds the index while frames are stored, in order. ``video``: keyframes, sizes and rotation matter."""

    __slots__ = ("_end", "_video", "index")

    def __init__(self, *, video: bool) -> None:
        self._video = video
        self._end: float | None = None
        self.index = MediaIndex()

    def add(self, frame: Frame, t: float, duration_s: float) -> None:
        """A frame that was stored at ``t``."""
        index, t = self.index, round(t, 3)
        if self._end is None:
            index.began = t
        elif frame.lost and t - self._end >= SHORTEST_GAP_S:
            index.gaps.append(Gap(round(self._end, 3), t, "loss"))
        index.lost += frame.lost
        index.frames += 1
        self._end = max(self._end or t, t + duration_s)
        if not self._video:
            return
        picture = frame.picture
        if picture.key:
            index.keyframes.append(t)
        if picture.size is not None and (not index.sizes or index.sizes[-1][1:] != picture.size):
            index.sizes.append((t, *picture.size))
        if frame.rotation is not None and (index.rotations or frame.rotation) and (
            not index.rotations or index.rotations[-1][1] != frame.rotation
        ):
            index.rotations.append((t, frame.rotation))

    def finish(self, missing: Iterable[Missing], started: float, ended: float | None, dropped: int) -> MediaIndex:
        """Add the gaps that the log tells of; ``started`` is the recording's beginning, ``ended`` the log's end."""
        index = self.index
        index.ended = round(self._end or index.began, 3)
        index.dropped = dropped
        for gap in missing:
            end = gap.end if gap.end is not None else max(gap.start, ended or gap.start)
            index.gaps.append(Gap(max(0.0, round(gap.start - started, 3)), max(0.0, round(end - started, 3)), gap.reason))
        index.gaps.sort(key=lambda gap: (gap.start, gap.end))
        return index
