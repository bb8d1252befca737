from __future__ import annotations

from itertools import pairwise

import pytest

from recorder.codecs import opus
from recorder.sound_line import Sound, SoundLine

LOUD, SOFT = bytes(80), bytes(10)


def lay(times: list[float], payload: bytes = LOUD) -> tuple[SoundLine, list[Sound], list[float]]:
    """The line, its packets, and how far each recorded one is from its time."""
    line = SoundLine(1)
    sounds: list[Sound] = []
    errors = []
    for at in times:
        made = line.put(payload, at, 960)
        if made:
            errors.append(made[-1].time_ms / 1000 - at)
        sounds += made
    return line, sounds, errors


@pytest.mark.parametrize("ppm", [-300, -100, 0, 20, 100, 300])
@pytest.mark.parametrize("payload", [LOUD, SOFT])
def test_drift_over_two_hours_is_taken_out(ppm: int, payload: bytes) -> None:
    line, sounds, errors = lay([index * 0.02 * (1 + ppm * 1e-6) for index in range(360_000)], payload)
    assert max(map(abs, errors)) <= 0.0225
    assert line.left_out * 960 + line.put_in == pytest.approx(7200 * 48_000 * abs(ppm) * 1e-6, abs=1500)
    assert sum(sound.duration_ms for sound in sounds) * 48 == line.end


def test_holes_are_filled() -> None:
    times = [index * 0.02 for index in range(100) if not 10 <= index < 60] + [7.0, 7.02, 7.0333, 7.0533]
    line, sounds, errors = lay(times)
    assert max(map(abs, errors)) <= 0.0151
    for sound, after in pairwise(sounds):
        assert after.time_ms == pytest.approx(sound.time_ms + sound.duration_ms, abs=1)
    assert line.end / 48_000 == pytest.approx(7.0733, abs=0.016)
    assert sum(sound.real for sound in sounds) == len(times)


def test_a_jump_back_leaves_out_until_it_fits() -> None:
    line, _, errors = lay([index * 0.02 for index in range(100)] + [1.5 + index * 0.02 for index in range(100)])
    assert line.left_out == pytest.approx(25, abs=1)
    assert errors[-1] == pytest.approx(0, abs=0.021)


@pytest.mark.parametrize("samples", [120, 240, 480, 960])
@pytest.mark.parametrize("channels", [1, 2])
def test_silence_is_as_long_as_it_says(samples: int, channels: int) -> None:
    assert opus.samples(opus.silence(channels, samples)) == samples


@pytest.mark.parametrize(("payload", "samples"), [
    (b"", 0), (b"\xf8", 960), (b"\xfb\x03", 2880), (b"\xfb", 0), (b"\xfb\x3f", 0), (b"\x18", 2880), (b"\x60", 480),
    (b"\x09", 1920), (b"\xe2", 240),
])
def test_durations(payload: bytes, samples: int) -> None:
    assert opus.samples(payload) == samples
