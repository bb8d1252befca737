"""Pictures that are black, dark, over-exposed, blurred or frozen are labelled; ordinary ones are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from recorder.picture_check import PictureCheck

Image = NDArray[np.uint8]
NOISE = np.random.default_rng(7).normal(0, 3, (360, 640, 3))


def scene(t: float) -> Image:
    """A desk with things on it that a hand moves, and a camera's noise."""
    image = np.full((360, 640, 3), 120, np.uint8)
    for index in range(24):
        x, y = 40 + index % 6 * 100, 40 + index // 6 * 80
        cv2.rectangle(image, (x, y), (x + 50, y + 40), (40 + index * 8, 200 - index * 5, 90), -1)
        cv2.putText(image, str(index), (x + 4, y + 28), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (250, 250, 250), 2)
    cv2.circle(image, (int(320 + 200 * np.sin(t)), 180), 40, (90, 120, 220), -1)
    noise = np.roll(NOISE, int(t * 977), axis=1)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


STILL = scene(0.0)
BROKEN = {
    "black": lambda t: np.zeros((360, 640, 3), np.uint8) + np.uint8(8),
    "dark": lambda t: (scene(t) * 0.2).astype(np.uint8),
    "over_exposed": lambda t: np.clip(scene(t).astype(np.int16) + 140, 0, 255).astype(np.uint8),
    "blurred": lambda t: cv2.GaussianBlur(scene(t), (0, 0), 16),
    "frozen": lambda t: STILL,
}


def found(make: object, *, screen: bool = False) -> list[tuple[str, float, float]]:
    check = PictureCheck(screen=screen)
    for step in range(32):
        t = step * 0.5
        assert check.wants(t)
        image = make(t) if callable(make) and 4.0 <= t < 12.0 else scene(t)
        check.feed(t, image)
        assert not check.wants(t + 0.1)
    return [(finding.kind, finding.start, finding.end) for finding in check.close(16.0, "ann", "t1")]


def test_an_ordinary_picture_has_nothing_wrong() -> None:
    assert found(None) == []


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_what_is_wrong_is_found_where_it_is(kind: str) -> None:
    (finding,) = found(BROKEN[kind])
    assert finding[0] == kind
    assert abs(finding[1] - 4.0) <= 0.5
    assert abs(finding[2] - 12.0) <= 0.5


def test_a_screen_may_stand_still_and_be_white() -> None:
    assert found(BROKEN["frozen"], screen=True) == found(BROKEN["over_exposed"], screen=True) == []
    assert [kind for kind, _, _ in found(BROKEN["black"], screen=True)] == ["black"]


def test_sizes_may_change_and_grey_will_do() -> None:
    check = PictureCheck()
    for step, size in enumerate([(360, 640), (180, 320), (640, 360), (2, 2)] * 3):
        image = np.asarray(cv2.resize(scene(step * 0.5), size[::-1]), np.uint8)
        check.feed(step * 0.5, image if step % 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8))
    check.close(6.0)
