"""What the forwarder needs to know of a payload: where keyframes start, and how large the picture is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from media.codecs import av1, h264, vp8, vp9

Dimensions = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Depacketizer:
    """``is_keyframe_start(payload)``: the packet begins a keyframe; ``dimensions(payload)``: its size, or None."""

    is_keyframe_start: Callable[[bytes], bool]
    dimensions: Callable[[bytes], Dimensions | None]


_OTHER = Depacketizer(lambda _payload: False, lambda _payload: None)
_TABLE = {
    "VP8": Depacketizer(vp8.is_keyframe_start, vp8.dimensions),
    "VP9": Depacketizer(vp9.is_keyframe_start, vp9.dimensions),
    "H264": Depacketizer(h264.is_keyframe_start, h264.dimensions),
    "AV1": Depacketizer(av1.is_keyframe_start, av1.dimensions),
}


def by_name(name: str) -> Depacketizer:
    """The functions for a codec by its IANA name; audio and unknown codecs have no keyframes."""
    return _TABLE.get(name, _OTHER)
