from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import pytest

from media import speaker
from media.speaker import SpeakerDetector

Loudness = Callable[[float], Mapping[str, int]]
QUIET = 80


def run(
    detector: SpeakerDetector, start: float, seconds: float, levels: Loudness
) -> list[tuple[float, tuple[str, ...]]]:
    """50 packets a second from each Track, an evaluation every 100 ms; what changed and when."""
    changes = []
    for step in range(round(seconds * 50)):
        now = start + step * 0.02
        for track_id, level in levels(now).items():
            detector.level(track_id, level, level < QUIET, now)
        if step % 5 == 4 and (speakers := detector.evaluate(now)) is not None:
            changes.append((now, speakers))
    return changes


def steady(**levels: int) -> Loudness:
    return lambda _now: levels


def test_nobody() -> None:
    detector = SpeakerDetector()
    assert detector.evaluate(0.0) is None
    assert run(detector, 1.0, 5.0, steady(a=127, b=QUIET)) == []


def test_one_speaks_and_stops() -> None:
    detector = SpeakerDetector()
    ((began, speakers),) = run(detector, 10.0, 3.0, steady(a=25, b=QUIET))
    assert speakers == ("a",)
    assert began - 10 < 0.4
    ((ended, speakers),) = run(detector, 13.0, 4.0, steady(a=QUIET, b=QUIET))
    assert speakers == ()
    assert speaker.HOLD_S <= ended - 13 < speaker.HOLD_S + 0.8


def test_a_click_is_no_speech() -> None:
    detector = SpeakerDetector()
    assert run(detector, 0.0, 10.0, lambda now: {"a": 20 if now % 1 < 0.05 else 127}) == []


def test_pauses_between_words_change_nothing() -> None:
    detector = SpeakerDetector()
    changes = run(detector, 0.0, 20.0, lambda now: {"a": 22 if now % 1 < 0.6 else QUIET})
    assert [speakers for _, speakers in changes] == [("a",)]


def test_the_loudest_comes_first() -> None:
    changes = run(SpeakerDetector(), 0.0, 3.0, steady(a=40, b=20, c=30))
    assert changes[-1][1] == ("b", "c", "a")


def test_a_little_louder_is_not_enough_to_take_over() -> None:
    detector = SpeakerDetector()
    run(detector, 0.0, 2.0, steady(a=30, b=QUIET))
    changes = run(detector, 2.0, 10.0, steady(a=30, b=26))
    assert [speakers for _, speakers in changes] == [("a", "b")]


def test_clearly_louder_takes_over_after_a_while() -> None:
    detector = SpeakerDetector()
    run(detector, 0.0, 2.0, steady(a=38, b=QUIET))
    changes = run(detector, 2.0, 5.0, steady(a=38, b=20))
    assert [speakers for _, speakers in changes] == [("a", "b"), ("b", "a")]
    assert changes[1][0] - changes[0][0] >= speaker.SWAP_S - 0.1


def test_the_next_one_leads_when_the_first_stops() -> None:
    detector = SpeakerDetector()
    run(detector, 0.0, 2.0, steady(a=20, b=35))
    changes = run(detector, 2.0, 4.0, steady(a=QUIET, b=35))
    assert changes[-1][1] == ("b",)


@pytest.mark.parametrize("seed", range(4))
def test_a_conversation_does_not_flicker(seed: int) -> None:
    """Two people take turns of 3 s, with level noise and cross-talk: at most a few changes per turn."""
    rng = random.Random(seed)

    def levels(now: float) -> dict[str, int]:
        talking = "a" if int(now / 3) % 2 == 0 else "b"
        return {
            track_id: rng.choice((18, 24, 30, 45, 60)) if track_id == talking else rng.choice((62, 70, QUIET))
            for track_id in ("a", "b")
        }

    changes = run(SpeakerDetector(), 0.0, 60.0, levels)
    assert 20 <= len(changes) <= 60
    leaders = [speakers[0] for _, speakers in changes if speakers]
    turns = [leader for index, leader in enumerate(leaders) if index == 0 or leaders[index - 1] != leader]
    assert 18 <= len(turns) <= 21


def test_a_track_that_falls_silent_on_the_wire_stops_speaking() -> None:
    detector = SpeakerDetector()
    run(detector, 0.0, 2.0, steady(a=20))
    changes = run(detector, 2.0, 4.0, steady())
    assert [speakers for _, speakers in changes] == [()]
    assert changes[0][0] - 2 <= speaker.STALE_S + speaker.HOLD_S + 0.2


def test_dtx_does_not_interrupt() -> None:
    detector = SpeakerDetector()
    run(detector, 0.0, 2.0, steady(a=20))
    changes = []
    for step in range(40):
        now = 2 + step * 0.1
        if step % 4 == 0:
            detector.level("a", 20, True, now)
        if (speakers := detector.evaluate(now)) is not None:
            changes.append(speakers)
    assert changes == []


def test_remove() -> None:
    detector = SpeakerDetector()
    run(detector, 0.0, 2.0, steady(a=20, b=30))
    detector.remove("a")
    assert detector.evaluate(2.0) == ("b",)
    detector.remove("a")
    detector.remove("b")
    assert detector.evaluate(2.1) == ()
    assert detector.evaluate(2.2) is None


@pytest.mark.parametrize(("level", "speaks"), [(40, False), (25, True)])
def test_without_the_voice_flag_it_takes_more(level: int, speaks: bool) -> None:
    detector = SpeakerDetector()
    for step in range(100):
        detector.level("a", level, False, step * 0.02)
    assert detector.evaluate(2.0) == (("a",) if speaks else None)


def test_time_may_begin_anywhere() -> None:
    for start in (-5.0, 0.0, 1e6):
        assert [speakers for _, speakers in run(SpeakerDetector(), start, 2.0, steady(a=20))] == [("a",)]
