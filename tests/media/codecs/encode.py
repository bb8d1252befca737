"""Real frames from real encoders, for the tests of the codec modules."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import cast

import av
import numpy as np


@cache
def frames(
    encoder: str, width: int, height: int, options: tuple[tuple[str, str], ...] = ()
) -> tuple[tuple[bytes, bool], ...]:
    """Six encoded frames of a moving gradient as (bytes, is a keyframe); the first and the fourth were forced to be."""
    context = cast(av.VideoCodecContext, av.CodecContext.create(encoder, "w"))
    context.width, context.height = width, height
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, 30)
    context.framerate = Fraction(30)
    context.bit_rate = 500_000
    context.options = dict(options)
    row = np.arange(width, dtype=np.uint32)
    packets = []
    for index in range(6):
        picture = np.tile((row + 9 * index).astype(np.uint8), (height, 1))
        frame = av.VideoFrame.from_ndarray(np.repeat(picture[:, :, None], 3, axis=2), format="rgb24").reformat(
            format="yuv420p"
        )
        frame.pts = index
        if index in (0, 3):
            frame.pict_type = av.video.frame.PictureType.I
        packets += context.encode(frame)
    packets += context.encode(None)
    return tuple((bytes(packet), packet.is_keyframe) for packet in packets)
