"""From the payloads of one picture to what a media file stores. Pure; junk gives None, never an exception."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recorder.codecs import av1, h264, vpx
from recorder.codecs.picture import Picture

__all__ = ["VIDEO", "Picture", "VideoCodec"]


@dataclass(frozen=True, slots=True)
class VideoCodec:
    """``assemble(payloads of one timestamp)``; ``container`` is webm or mp4."""

    name: str
    container: str
    assemble: Callable[[list[bytes]], Picture | None]


VIDEO = {
    "VP8": VideoCodec("VP8", "webm", vpx.assemble_vp8),
    "VP9": VideoCodec("VP9", "webm", vpx.assemble_vp9),
    "AV1": VideoCodec("AV1", "webm", av1.assemble),
    "H264": VideoCodec("H264", "mp4", h264.assemble),
}
