"""How long a viewer should hold pictures back, from the jitter and loss that it reports.

The playout-delay extension lets the server say it. libwebrtc shows a frame as soon as it is decoded when the minimum
is 0 and the maximum at most 500 ms: nothing is faster on a clean network, and nothing smooths a bad one. With a minimum
of 10 ms or more its own adaptive buffer works again. So: 0 while the network is clean, else the smallest level that
covers the measured jitter, with room above for the browser's own judgement.
"""

from __future__ import annotations

#: ``(min_ms, max_ms)``; few levels, because viewers at one level share their packets' headers.
LEVELS: tuple[tuple[int, int], ...] = ((0, 0), (20, 2000), (50, 2000), (100, 2000), (200, 2000))
#: Jitter up to here is the spacing of packets within a frame, not the network.
CLEAN_JITTER_S = 0.012
CLEAN_LOSS = 0.005
_JITTER_FACTOR = 2.0
_NARROW_AFTER_S = 10.0


class PlayoutPolicy:
    """One viewer's level. Widens at the first bad report, narrows one level after 10 s of better ones."""

    __slots__ = ("_better_since", "_level")

    def __init__(self) -> None:
        self._level = 0
        self._better_since: float | None = None

    def update(self, jitter_s: float, loss: float, now: float) -> tuple[int, int]:
        """Take one report: interarrival jitter in seconds, loss 0-1. Returns ``(min_ms, max_ms)``."""
        wanted = self._wanted(jitter_s, loss)
        if wanted > self._level:
            self._level = wanted
            self._better_since = None
        elif wanted < self._level:
            if self._better_since is None:
                self._better_since = now
            elif now - self._better_since >= _NARROW_AFTER_S:
                self._level -= 1
                self._better_since = now
        else:
            self._better_since = None
        return LEVELS[self._level]

    @staticmethod
    def _wanted(jitter_s: float, loss: float) -> int:
        if jitter_s <= CLEAN_JITTER_S and loss <= CLEAN_LOSS:
            return 0
        need_ms = jitter_s * _JITTER_FACTOR * 1000
        for index, (low, _) in enumerate(LEVELS):
            if index and low >= need_ms:
                return index
        return len(LEVELS) - 1
