"""When a source is asked for its first keyframe, in virtual time: it may not run yet, or begin before its path is up."""

from __future__ import annotations

from itertools import pairwise

import pytest

from media import api
from media.producer import KEYFRAME_INTERVAL_S
from tests.media.rig import DELTA, KEYFRAME
from tests.media.stage import TICK_S, Stage

#: Its SSRC is known before it sends anything.
ANNOUNCED = (api.Encoding(None, 0x1111, None),)


def requests(stage: Stage, seconds: float) -> list[float]:
    """When keyframes are asked for, from now on."""
    began, found = stage.now, [0.0] * len(stage.asked())
    while stage.now < began + seconds:
        stage.wait(TICK_S)
        found += [stage.now - began] * len(stage.asked())
    return found


def came_after(asked: list[float], gaps: list[float]) -> None:
    """One at once, and each of the others so long after the one before: a tick later at most."""
    assert asked[0] == 0 and len(asked) == len(gaps) + 1, asked
    for (earlier, later), gap in zip(pairwise(asked), gaps, strict=True):
        assert gap - 1e-6 <= later - earlier <= gap + 2 * TICK_S, asked


@pytest.mark.parametrize("released", [False, True])
def test_before_anything_is_heard_the_first_requests_follow_each_other_sooner(released: bool) -> None:
    """The sender's encoder does not run yet, and is deaf to them."""
    stage = Stage()
    track = stage.track(encodings=ANNOUNCED, paused=released)
    stage.viewer(track)
    if released:
        stage.receive(1, KEYFRAME)
        stage.receive(2, DELTA)
        track.pause(False, stage.now)
    came_after(requests(stage, 2.0), [0.1, 0.2, 0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    "begins, gaps",
    # The last request may have been too early: one more, then as patient as ever.
    [(0.04, [0.1, 0.5]), (0.14, [0.1, 0.2, 0.5]), (0.4, [0.1, 0.2, 0.2, 0.5]), (0.6, [0.1, 0.2, 0.28, 0.5])],
)
def test_a_source_that_begins_in_the_middle_is_asked_again_at_once(begins: float, gaps: list[float]) -> None:
    """Its first keyframe was sent before its path was up."""
    stage = Stage()
    stage.viewer(stage.track(encodings=ANNOUNCED))
    asked = requests(stage, begins)
    stage.receive(5, DELTA)
    asked += [begins + one for one in requests(stage, sum(gaps) + 0.15 - begins)]
    came_after(asked, gaps)
    # And once the picture is there the interval stands.
    stage.receive(6, KEYFRAME)
    stage.wait(1.0)
    stage.publisher.producers["v"].request_keyframe(stage.now)
    assert requests(stage, KEYFRAME_INTERVAL_S) == [0]
