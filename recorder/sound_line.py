"""Sound without holes: as many samples as time has passed, so that every player keeps it where it belongs. Pure.

A browser that plays an Opus file goes by samples, not by timestamps: a hole of 5 s makes everything behind it play 5 s
early (Chromium 10.4 s file: sound ends at 5.4), and a microphone's clock that is off by 100 ppm shifts it by 0.7 s in two
hours. So holes are filled with coded silence, and drift is taken out 10 or 20 ms at a time, in a quiet moment if one comes.
"""

from __future__ import annotations

from typing import NamedTuple

from recorder.codecs import opus

#: A jump of this many samples is a hole; less is drift.
JUMP = 480
#: Drift is taken out from the first in a quiet moment, from the second in any.
SOON, NOW = 600, 960
#: A packet of less than this share of the average is quiet.
QUIET = 0.6
_PER_MS = 48


class Sound(NamedTuple):
    """A packet at its time in the file; both in ms. ``real``: it was recorded, not put in."""

    payload: bytes
    time_ms: int
    duration_ms: float
    real: bool


class SoundLine:
    """Lays packets one behind the other, from 0 on. ``channels``: of the silence."""

    __slots__ = ("_average", "_error", "_silence", "end", "left_out", "put_in")

    def __init__(self, channels: int) -> None:
        self._silence = [(size, opus.silence(channels, size)) for size in (960, 480, 240, 120)]
        self._average = 40.0
        self._error = 0
        #: Where the line ends, in samples at 48 kHz.
        self.end = 0
        #: Packets that were left out, and samples of silence that were put in.
        self.left_out = 0
        self.put_in = 0

    def put(self, payload: bytes, at_s: float, samples: int) -> list[Sound]:
        """The next packet, whose first sample belongs to ``at_s`` seconds from the first packet's."""
        error = round(at_s * opus.RATE) - self.end
        quiet = len(payload) < QUIET * self._average
        self._average += (len(payload) - self._average) / 256
        sounds: list[Sound] = []
        if error - self._error >= JUMP and error >= JUMP:
            sounds = self._fill(error)
        elif error >= NOW or (error >= SOON and quiet):
            sounds = self._fill(JUMP)
        elif error <= -NOW or (error <= -SOON and quiet):
            self.left_out += 1
            self._error = error
            return []
        self._error = round(at_s * opus.RATE) - self.end
        sounds.append(self._lay(payload, samples, real=True))
        return sounds

    def _fill(self, samples: int) -> list[Sound]:
        sounds = []
        for size, payload in self._silence:
            while samples >= size:
                sounds.append(self._lay(payload, size, real=False))
                self.put_in += size
                samples -= size
        return sounds

    def _lay(self, payload: bytes, samples: int, *, real: bool) -> Sound:
        sound = Sound(payload, round(self.end / _PER_MS), samples / _PER_MS, real)
        self.end += samples
        return sound
