"""What a voice track says of a call: waveform, loudness, silence, clipping, who spoke when, who over whom.

Samples are float32 in -1..1, mono. Loudness follows ITU-R BS.1770-5 and EBU R 128 for one channel; speech is told from
background by energy against a noise floor that follows the room, so it says that somebody spoke, not what or how.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recorder.spans import Finding, Runs, Span, merged, overlap, total, without

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]

RATE = 48_000
BLOCK_S = 0.02
PEAKS_PER_S = 25
SILENCE_DBFS = -55.0
SILENCE_S = 5.0
CLIP_LEVEL = 0.985
#: So many samples at the limit in one block are heard as distortion.
CLIP_SAMPLES = 4
SPEECH_ABOVE_DB = 9.0
SPEECH_MIN_DBFS = -48.0
CROSS_TALK_S = 1.0
_SILENT_DB = -120.0
# K-weighting at 48 kHz (BS.1770-5 tables 1 and 2): b and a of the two second-order stages.
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))


def decibels(power: float) -> float:
    """Mean square as dBFS (a full-scale square wave is 0)."""
    return 10 * math.log10(power) if power > 0 else _SILENT_DB


class _Weighting:
    """The K-weighting as a finite filter by FFT, overlap-save: its impulse response is below -100 dB after 0.34 s."""

    TAPS = 16_384

    def __init__(self) -> None:
        size = 4 * self.TAPS
        turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
        response = np.ones(size // 2 + 1, np.complex128)
        for b, a in (_SHELF, _HIGH_PASS):
            response *= (b[0] + b[1] * turn + b[2] * turn**2) / (a[0] + a[1] * turn + a[2] * turn**2)
        impulse = np.fft.irfft(response, size)[: self.TAPS]
        self._size = 2 * self.TAPS
        self._filter = np.fft.rfft(impulse, self._size)
        self._past = np.zeros(self.TAPS)

    def run(self, block: Floats) -> Floats:
        """Filter exactly ``TAPS`` samples; the next block goes on."""
        whole = np.concatenate((self._past, block))
        self._past = block
        return np.asarray(np.fft.irfft(np.fft.rfft(whole) * self._filter, self._size)[self.TAPS :])


class Loudness:
    """Integrated loudness in LUFS: 400 ms blocks, 75 % overlapping, gated at -70 LUFS and 10 LU below the mean."""

    STEP = RATE // 10

    def __init__(self) -> None:
        self._weighting = _Weighting()
        self._waiting = np.zeros(0)
        self._weighted = np.zeros(0)
        self._steps: list[float] = []

    def feed(self, samples: Samples) -> None:
        """Samples at 48 kHz, in order."""
        taps = _Weighting.TAPS
        self._waiting = np.concatenate((self._waiting, samples.astype(np.float64)))
        while len(self._waiting) >= taps:
            self._measure(self._weighting.run(self._waiting[:taps]))
            self._waiting = self._waiting[taps:]

    def _measure(self, weighted: Floats) -> None:
        self._weighted = np.concatenate((self._weighted, weighted))
        count = len(self._weighted) // self.STEP
        blocks = self._weighted[: count * self.STEP].reshape(count, self.STEP)
        self._steps += np.mean(np.square(blocks), axis=1).tolist()
        self._weighted = self._weighted[count * self.STEP :]

    def integrated(self) -> float | None:
        """LUFS, or None: nothing was loud enough to count. Ends the measurement."""
        rest = len(self._waiting)
        if rest:
            padded = np.concatenate((self._waiting, np.zeros(_Weighting.TAPS - rest)))
            self._measure(self._weighting.run(padded)[:rest])
            self._waiting = np.zeros(0)
        steps = np.asarray(self._steps)
        if len(steps) < 4:
            return None
        powers = np.convolve(steps, np.full(4, 0.25), "valid")
        powers = powers[powers > 10 ** ((-70 + 0.691) / 10)]
        if not len(powers):
            return None
        powers = powers[powers > powers.mean() / 10]
        return round(decibels(float(powers.mean())) - 0.691, 1)


@dataclass(frozen=True, slots=True)
class Voice:
    """One Track's result. ``peaks`` 0-255, ``PEAKS_PER_S`` a second from ``began`` on; ``speech`` spans of the recording."""

    identity: str
    track: str
    began: float
    peaks: bytes
    loudness: float | None
    speech: tuple[Span, ...]
    findings: tuple[Finding, ...]


class SoundCheck:
    """Judges one Track's sound in order. ``began`` is where it begins in the recording."""

    def __init__(self, identity: str, track: str, began: float) -> None:
        self._identity, self._track, self._began = identity, track, began
        self._at = began
        self._loudness = Loudness()
        self._peaks = bytearray()
        self._rest = np.zeros(0, np.float32)
        self._floor: float | None = None
        self._silence = Runs(shortest_s=SILENCE_S, bridge_s=0.0, hold_s=BLOCK_S)
        self._clipping = Runs(shortest_s=0.0, bridge_s=0.5, hold_s=BLOCK_S)
        self._speech = Runs(shortest_s=0.1, bridge_s=0.35, hold_s=BLOCK_S)
        self._peak = 0.0
        self._blocks = 0

    def feed(self, samples: Samples) -> None:
        """48 kHz, mono; goes on where the last ended. Time in which nothing was sent is :meth:`skip`."""
        self._loudness.feed(samples)
        joined = np.concatenate((self._rest, samples))
        size = round(RATE * BLOCK_S)
        count = len(joined) // size
        blocks = joined[: count * size].reshape(count, size).astype(np.float64)
        self._rest = joined[count * size :]
        powers = np.mean(np.square(blocks), axis=1) if count else np.zeros(0)
        highs = np.abs(blocks).max(axis=1) if count else np.zeros(0)
        clipped = (np.abs(blocks) >= CLIP_LEVEL).sum(axis=1) if count else np.zeros(0)
        for power, high, limit in zip(powers.tolist(), highs.tolist(), clipped.tolist(), strict=True):
            self._block(decibels(power), high, limit)

    def skip(self, seconds: float) -> None:
        """Nothing was recorded: neither silence nor speech is claimed."""
        for _ in range(round(seconds / BLOCK_S)):
            self._draw(0.0)
            self._at += BLOCK_S
        self._silence.feed(self._at, False)

    def _block(self, level: float, high: float, clipped: int) -> None:
        # The floor falls at once and rises by 1 dB a second: a voice that goes on does not become background.
        floor = level if self._floor is None else min(level, self._floor + BLOCK_S)
        self._floor = max(floor, -90.0)
        speaks = level > self._floor + SPEECH_ABOVE_DB and level > SPEECH_MIN_DBFS
        self._speech.feed(self._at, speaks, level)
        self._silence.feed(self._at, level < SILENCE_DBFS, level)
        self._clipping.feed(self._at, clipped >= CLIP_SAMPLES, high)
        self._draw(high)
        self._at += BLOCK_S

    def _draw(self, high: float) -> None:
        self._peak = max(self._peak, high)
        self._blocks += 1
        if self._blocks * BLOCK_S * PEAKS_PER_S >= 1 - 1e-9:
            # A cube root shows quiet speech beside loud.
            self._peaks.append(min(255, round(255 * self._peak ** (1 / 3))))
            self._peak, self._blocks = 0.0, 0

    def close(self) -> Voice:
        """Everything found."""
        end = self._at
        findings = [
            Finding(kind, start, stop, self._identity, round(level, 1), self._track)
            for kind, runs in (("silence", self._silence), ("clipping", self._clipping))
            for start, stop, level in runs.close(end)
        ]
        speech = merged((start, stop) for start, stop, _ in self._speech.close(end))
        found = tuple(sorted(findings, key=lambda finding: finding.start))
        loudness = self._loudness.integrated()
        return Voice(self._identity, self._track, self._began, bytes(self._peaks), loudness, tuple(speech), found)


@dataclass(frozen=True, slots=True)
class Talk:
    """Who spoke how long, and how they shared the time. ``silence``: the longest in which nobody spoke."""

    speech: Mapping[str, tuple[Span, ...]]
    seconds: Mapping[str, float]
    shares: Mapping[str, float]
    cross_talk: tuple[Finding, ...]
    silence: Span | None


def talk(voices: Sequence[Voice], start: float, end: float, holes: Sequence[Span] = ()) -> Talk:
    """Put the voices of a recording together. ``holes``: nothing was recorded there, so nobody was silent either."""
    speech: dict[str, list[Span]] = {}
    for voice in voices:
        speech.setdefault(voice.identity, []).extend(voice.speech)
    merged_speech = {identity: merged(spans) for identity, spans in speech.items()}
    names = sorted(merged_speech)
    over: list[Finding] = []
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            both = merged(overlap(merged_speech[one], merged_speech[other]), 0.3)
            over += [Finding("cross_talk", low, high, one) for low, high in both if high - low >= CROSS_TALK_S]
    seconds = {identity: round(total(spans), 2) for identity, spans in merged_speech.items()}
    spoken = sum(seconds.values())
    anybody = merged(span for spans in merged_speech.values() for span in spans)
    quiet = without(without([(start, end)] if end > start else [], anybody), merged(holes))
    return Talk(
        {identity: tuple(spans) for identity, spans in merged_speech.items()},
        seconds,
        {identity: round(value / spoken, 4) if spoken else 0.0 for identity, value in seconds.items()},
        tuple(sorted(over, key=lambda finding: finding.start)),
        max(quiet, key=lambda span: span[1] - span[0], default=None),
    )
