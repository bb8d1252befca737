"""Loudness, silence, clipping, who spoke when: on sounds that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from recorder.sound_check import PEAKS_PER_S, RATE, SoundCheck, Voice, talk

Samples = NDArray[np.float32]
RANDOM = np.random.default_rng(11)


def tone(seconds: float, hz: float = 1000.0, level: float = 1.0) -> Samples:
    at = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hz * at)).astype(np.float32)


def room(seconds: float) -> Samples:
    """Quiet background."""
    return RANDOM.normal(0, 0.0005, round(seconds * RATE)).astype(np.float32)


def voice(seconds: float) -> Samples:
    """Syllables: a buzz whose loudness goes up and down four times a second."""
    at = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * 140 * k * at) / k for k in range(1, 8))
    return (0.12 * buzz * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * at))).astype(np.float32)


def checked(*parts: Samples, began: float = 0.0, chunk: int = 960) -> Voice:
    check = SoundCheck("ann", "t1", began)
    samples = np.concatenate(parts)
    for start in range(0, len(samples), chunk):
        check.feed(samples[start : start + chunk])
    return check.close()


@pytest.mark.parametrize("level, lufs", [(1.0, -3.01), (0.1, -23.01), (0.01, -43.01)])
def test_loudness_of_a_tone_is_as_the_standard_says(level: float, lufs: float) -> None:
    """BS.1770-5: a 0 dBFS sine at 997 Hz in one channel reads -3.01 LKFS."""
    measured = checked(tone(6.0, 997.0, level)).loudness
    assert measured is not None
    assert abs(measured - lufs) <= 0.1


def test_loudness_counts_what_is_heard() -> None:
    """EBU Tech 3341 case 3 in small: quiet parts are gated away."""
    loud = checked(tone(4.0, 997.0, 0.1)).loudness
    gated = checked(tone(2.0, 997.0, 0.0158), tone(20.0, 997.0, 0.1), tone(2.0, 997.0, 0.0158)).loudness
    assert loud is not None
    assert gated is not None
    assert abs(gated - loud) <= 0.15
    assert checked(room(3.0) * 0).loudness is None
    assert checked(room(0.1)).loudness is None


def test_the_result_does_not_depend_on_how_it_was_cut() -> None:
    parts = (room(1.0), voice(2.0), room(1.5))
    whole = np.concatenate(parts)
    results = [checked(whole, chunk=chunk) for chunk in (480, 1021, 100_000)]
    assert len({(result.speech, result.peaks, result.loudness) for result in results}) == 1


def test_speech_is_found_where_it_is() -> None:
    result = checked(room(3.0), voice(4.0), room(2.0), voice(1.5), room(3.0), began=100.0)
    assert [(round(start), round(end)) for start, end in result.speech] == [(103, 107), (109, 110)]
    assert result.findings == ()


def test_a_loud_room_is_no_speech() -> None:
    noise = RANDOM.normal(0, 0.02, 10 * RATE).astype(np.float32)
    assert checked(noise).speech == ()


def test_silence_and_clipping_are_labelled() -> None:
    result = checked(voice(2.0), room(8.0) * 0.1, voice(2.0), np.clip(tone(1.0, 200.0, 3.0), -1, 1), voice(1.0))
    kinds = [(finding.kind, round(finding.start), round(finding.end)) for finding in result.findings]
    assert kinds == [("silence", 2, 10), ("clipping", 12, 13)]


def test_time_that_was_not_recorded_is_neither() -> None:
    check = SoundCheck("ann", "t1", 0.0)
    check.feed(voice(2.0))
    check.skip(30.0)
    check.feed(voice(2.0))
    result = check.close()
    assert [(round(start), round(end)) for start, end in result.speech] == [(0, 2), (32, 34)]
    assert (result.findings, len(result.peaks)) == ((), 34 * PEAKS_PER_S)


def spoken(identity: str, *spans: tuple[float, float]) -> Voice:
    return Voice(identity, f"t-{identity}", 0.0, b"", None, spans, ())


def test_who_spoke_over_whom_and_how_long_nobody_did() -> None:
    result = talk([spoken("ann", (0.0, 10.0), (30.0, 36.0)), spoken("sam", (8.0, 20.0), (35.5, 36.0))], 0.0, 60.0)
    assert result.seconds == {"ann": 16.0, "sam": 12.5}
    assert result.shares == {"ann": 0.5614, "sam": 0.4386}
    assert [(finding.start, finding.end) for finding in result.cross_talk] == [(8.0, 10.0)]
    assert result.silence == (36.0, 60.0)
    assert talk([spoken("ann", (0.0, 10.0))], 0.0, 60.0, [(15.0, 55.0)]).silence in ((10.0, 15.0), (55.0, 60.0))
    assert talk([], 0.0, 0.0).silence is None
