"""What is wrong with a picture: black, dark, over-exposed, blurred, frozen. No face, no identity, no emotion.

Images are judged small (about 160 x 90) and grey, a few times a second: enough for a label on the timeline, cheap enough
for every recording. Thresholds are for 8-bit luma (0-255).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from recorder.spans import Finding, Runs

Grey = NDArray[np.uint8]

WIDTH = 160
#: How often an image is looked at.
SAMPLE_S = 0.5
BLACK_LUMA, BLACK_SPREAD = 24.0, 8.0
DARK_LUMA = 50.0
WHITE_LUMA, WHITE_SHARE = 250, 0.35
#: The steepest edges (99th percentile, in luma per pixel) relative to the image's contrast: a sharp picture of anything
#: has over 0.25, one out of focus by 2 % of its width under 0.13. Without contrast nothing can be said.
BLUR_EDGE, BLUR_CONTRAST = 0.14, 16.0
#: Mean difference in luma between two looks. A camera's noise alone is above it, a repeated frame is exactly 0.
FROZEN_LUMA = 0.15
SHORTEST_S = {"black": 1.0, "dark": 3.0, "over_exposed": 3.0, "blurred": 3.0, "frozen": 2.0}


@dataclass(frozen=True, slots=True)
class Look:
    """The measures of one image: mean luma, its spread and contrast, share of white, edges, difference to the one before."""

    luma: float
    spread: float
    contrast: float
    white: float
    edge: float
    change: float | None


def grey_of(image: NDArray[np.uint8]) -> Grey:
    """A decoded image (height x width x 3 BGR, or height x width grey) as it is judged."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    height = max(2, round(grey.shape[0] * WIDTH / grey.shape[1]))
    return np.asarray(cv2.resize(grey, (WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)


def look(grey: Grey, former: Grey | None) -> Look:
    """Measure one image; ``former`` of another size counts as none."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 0.8)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *axis, ksize=3) / 8 for axis in ((1, 0), (0, 1)))
    low, high = np.percentile(smooth, (2, 98))
    contrast = float(high - low)
    edge = float(np.percentile(np.hypot(across, down), 99)) / max(contrast, 1.0)
    change = None
    if former is not None and former.shape == grey.shape:
        change = float(np.abs(grey.astype(np.int16) - former.astype(np.int16)).mean())
    white = float((grey >= WHITE_LUMA).mean())
    return Look(float(grey.mean()), float(grey.std()), contrast, white, edge, change)


class PictureCheck:
    """Judges one Track's images in order. ``screen``: a shared screen may stand still and be white."""

    def __init__(self, *, screen: bool = False) -> None:
        kinds = ("black",) if screen else tuple(SHORTEST_S)
        self._runs = {kind: Runs(shortest_s=SHORTEST_S[kind], bridge_s=SAMPLE_S, hold_s=2 * SAMPLE_S) for kind in kinds}
        self._former: Grey | None = None
        self._next = 0.0

    def wants(self, t: float) -> bool:
        """Whether the image of this moment is to be fed: decoding it can be spared otherwise."""
        return t >= self._next

    def feed(self, t: float, image: NDArray[np.uint8]) -> Look:
        """One image at ``t``, which never goes back."""
        self._next = t + SAMPLE_S
        grey = grey_of(image)
        seen = look(grey, self._former)
        self._former = grey
        black = seen.luma < BLACK_LUMA and seen.spread < BLACK_SPREAD
        verdicts = {
            "black": (black, seen.luma),
            "dark": (not black and seen.luma < DARK_LUMA, seen.luma),
            "over_exposed": (seen.white > WHITE_SHARE, seen.white),
            "blurred": (not black and seen.contrast >= BLUR_CONTRAST and seen.edge < BLUR_EDGE, seen.edge),
            "frozen": (seen.change is not None and seen.change < FROZEN_LUMA and not black, seen.change or 0.0),
        }
        for kind, runs in self._runs.items():
            runs.feed(t, *verdicts[kind])
        return seen

    def close(self, t: float, identity: str = "", track: str = "") -> list[Finding]:
        """Everything found, in order. A freeze began one look before it could be seen."""
        found = [
            Finding(kind, max(0.0, start - SAMPLE_S) if kind == "frozen" else start, end, identity, round(level, 4), track)
            for kind, runs in self._runs.items()
            for start, end, level in runs.close(t)
        ]
        return sorted(found, key=lambda finding: (finding.start, finding.kind))
