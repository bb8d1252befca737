"""The test picture and the tone of the synthetic host: both are functions of the time, so that they agree.

At every full second a mark flashes in the picture and a short chime sounds: ears and eyes can check lip sync.
"""

from __future__ import annotations

import math
import time

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

WIDTH, HEIGHT = 640, 360
SAMPLE_RATE = 48_000
FLASH_S = 0.1

_BARS = ((204, 204, 204), (16, 196, 196), (196, 196, 16), (16, 180, 16), (190, 20, 190), (24, 24, 196), (190, 24, 24))
_GROUND = (21, 17, 15)
_TEXT = (240, 234, 232)
_MUTED = (178, 163, 154)
_ACCENT = (60, 90, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_BARS_HEIGHT = 196
_CLOCK_AT = (24, 304)
_BALL_RADIUS = 22


class MovingPicture:
    """Draws one room's picture. What does not move is drawn once."""

    def __init__(self, room: str) -> None:
        ground = np.full((HEIGHT, WIDTH, 3), _GROUND, np.uint8)
        edges = [round(index * WIDTH / len(_BARS)) for index in range(len(_BARS) + 1)]
        for colour, left, right in zip(_BARS, edges, edges[1:], strict=False):
            ground[:_BARS_HEIGHT, left:right] = colour
        ramp = np.linspace(0, 255, WIDTH).astype(np.uint8)
        ground[_BARS_HEIGHT : _BARS_HEIGHT + 18] = ramp[None, :, None]
        _label(ground, "LIANMAI", (24, 342), 0.5, _MUTED)
        _label(ground, f"room {room}"[:40], (112, 342), 0.5, _TEXT)
        self._ground = ground
        self._canvas = ground.copy()

    def draw(self, wall_s: float) -> Image:
        """The picture at ``wall_s`` (seconds since the epoch) as I420, ``HEIGHT * 3 / 2`` rows of ``WIDTH``.

        The clock shows local time. The array is reused: take what is needed of it before the next call.
        """
        canvas = self._canvas
        np.copyto(canvas, self._ground)
        fraction = wall_s % 1.0
        clock = time.strftime("%H:%M:%S", time.localtime(wall_s))
        _label(canvas, f"{clock}.{int(fraction * 1000):03d}", _CLOCK_AT, 1.5, _TEXT, 3)
        self._ball(canvas, wall_s)
        self._dial(canvas, wall_s, flash=fraction < FLASH_S)
        return np.asarray(cv2.cvtColor(canvas, cv2.COLOR_BGR2YUV_I420), np.uint8)

    def _ball(self, canvas: Image, wall_s: float) -> None:
        span = WIDTH - 2 * _BALL_RADIUS
        way = (wall_s * 160.0) % (2 * span)
        x = _BALL_RADIUS + (way if way < span else 2 * span - way)
        y = 160.0 - 110.0 * abs(math.sin(wall_s * math.pi))
        cv2.circle(canvas, (round(x), round(y)), _BALL_RADIUS, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.circle(canvas, (round(x), round(y)), _BALL_RADIUS - 4, _ACCENT, -1, cv2.LINE_AA)

    def _dial(self, canvas: Image, wall_s: float, *, flash: bool) -> None:
        centre, radius = (WIDTH - 76, 286), 52
        cv2.circle(canvas, centre, radius, _ACCENT if flash else (52, 42, 36), -1, cv2.LINE_AA)
        cv2.circle(canvas, centre, radius, _MUTED, 2, cv2.LINE_AA)
        angle = (wall_s % 1.0) * 2 * math.pi
        tip = (round(centre[0] + (radius - 8) * math.sin(angle)), round(centre[1] - (radius - 8) * math.cos(angle)))
        cv2.line(canvas, centre, tip, _TEXT, 3, cv2.LINE_AA)


def tone(first: int, count: int) -> NDArray[np.int16]:
    """``count`` mono samples, the first of them ``first`` samples after a full second of the epoch.

    A soft chord at -36 dBFS that swells slowly, and a chime of 120 ms at -20 dBFS at every full second.
    """
    at = (first + np.arange(count)) / SAMPLE_RATE
    swell = 0.7 + 0.3 * np.sin(2 * np.pi * 0.25 * at)
    chord = np.sin(2 * np.pi * 220.0 * at) + 0.6 * np.sin(2 * np.pi * 330.0 * at)
    since = at % 1.0
    chime = np.where(since < 0.12, np.exp(-since * 30.0) * np.sin(2 * np.pi * 880.0 * since), 0.0)
    # The chime's first 2 ms rise, so that it does not click.
    chime *= np.minimum(since / 0.002, 1.0)
    return np.asarray((0.01 * swell * chord + 0.1 * chime) * 32767, np.int16)


def _label(
    canvas: Image, text: str, at: tuple[int, int], scale: float, colour: tuple[int, int, int], weight: int = 1
) -> None:
    cv2.putText(canvas, text, at, _FONT, scale, colour, weight, cv2.LINE_AA)
