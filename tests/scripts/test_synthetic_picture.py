"""The test picture moves with the clock, and the chime sounds when it flashes."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.synthetic_picture import FLASH_S, HEIGHT, SAMPLE_RATE, WIDTH, MovingPicture, tone

DIAL = (slice(240, 332), slice(516, 612))


def luma(picture: MovingPicture, wall_s: float) -> np.ndarray:
    return picture.draw(wall_s)[:HEIGHT].astype(np.int16)


def test_shape_and_movement() -> None:
    picture = MovingPicture("demo")
    first = picture.draw(1000.5).copy()
    assert first.shape == (HEIGHT * 3 // 2, WIDTH) and first.dtype == np.uint8
    assert np.array_equal(first, picture.draw(1000.5))
    moved = np.abs(luma(picture, 1000.5) - luma(picture, 1000.54)) > 24
    assert 100 < moved.sum() < WIDTH * HEIGHT / 4


def test_names_its_room() -> None:
    assert not np.array_equal(MovingPicture("a").draw(1.5), MovingPicture("b").draw(1.5))
    MovingPicture("x" * 64).draw(1.5)


@pytest.mark.parametrize("second", [0, 1, 1_800_000_000])
def test_flash_and_chime_agree(second: int) -> None:
    picture = MovingPicture("demo")
    on = luma(picture, second + FLASH_S / 2)[DIAL].mean()
    off = luma(picture, second + 0.5)[DIAL].mean()
    assert on > off + 20
    loud = np.abs(tone(0, SAMPLE_RATE // 10)).max()
    soft = np.abs(tone(SAMPLE_RATE // 2, SAMPLE_RATE // 10)).max()
    assert loud > 3 * soft > 0
    assert loud < 0.2 * 32767


def test_tone_has_no_seams() -> None:
    whole = tone(0, SAMPLE_RATE)
    parts = [tone(first, 960) for first in range(0, SAMPLE_RATE, 960)]
    assert np.array_equal(whole, np.concatenate(parts))
    assert np.abs(np.diff(whole.astype(np.int32))).max() < 800
