"""What a media file's writer needs to know of its content, for any container. Pure."""

from __future__ import annotations

from array import array
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stream:
    """One Track's format: ``codec`` VP8, VP9, AV1, H264 or opus; ``private`` is its decoder configuration.

    ``varies``: the decoder configuration changes within the stream. ``number`` tells files of one recording apart.
    """

    codec: str
    private: bytes = b""
    width: int = 0
    height: int = 0
    channels: int = 1
    varies: bool = False
    number: int = 1


class Samples:
    """Time (ms from the stream's beginning), size and key flag of each frame; 9 bytes a frame in memory."""

    __slots__ = ("end_ms", "keys", "sizes", "times")

    def __init__(self) -> None:
        self.times = array("I")
        self.sizes = array("I")
        self.keys = bytearray()
        #: When the last frame ends.
        self.end_ms = 0

    def __len__(self) -> int:
        return len(self.times)

    def add(self, time_ms: int, size: int, key: bool, duration_ms: int) -> None:
        """The next frame. Times never go back."""
        self.times.append(time_ms)
        self.sizes.append(size)
        self.keys.append(key)
        self.end_ms = max(self.end_ms, time_ms + max(duration_ms, 1))
