"""How long a viewer should hold pictures back, from the jitter and loss that it reports.

The playout-delay extension lets the server say it. libwebrtc shows a frame as soon as it is decoded when the minimum
is 0 and the maximum at most 500 ms: nothing is faster on a clean network, and nothing smooths a bad one. With a minimum
of 10 ms or more its own adaptive buffer works again. So: 0 while the network is clean, else the smallest level that
covers the measured jitter, with room above for the browser's own judgement.

Browsers measure jitter between frames (RFC 3550 section 6.4.1, once per timestamp): a sender that spreads a frame's
packets over a part of the frame interval shows up as jitter on a perfect network. That part is there all the time, so
the lowest jitter seen of late, up to ``FLOOR_CAP_S``, is taken off.
"""

from __future__ import annotations

#: ``(min_ms, max_ms)``; few levels, because viewers at one level share their packets' headers.
LEVELS: tuple[tuple[int, int], ...] = ((0, 0), (20, 2000), (50, 2000), (100, 2000), (200, 2000), (400, 2000))
FLOOR_CAP_S = 0.015
#: Jitter above the floor: more than the first ends the clean state, less than the second may bring it back.
WIDEN_JITTER_S = 0.015
CLEAN_JITTER_S = 0.010
#: Smoothed loss, likewise. A late repeat is what must be waited for; how long, the browser knows from its round trip.
WIDEN_LOSS = 0.01
CLEAN_LOSS = 0.005
#: The cached packets that a new viewer gets at once look like jitter for a second or two.
WARM_UP_S = 2.0
#: So long must it be better before a level is taken back; doubled each time that this turns out too early.
NARROW_AFTER_S = 10.0
NARROW_AFTER_MAX_S = 80.0
_REGRET_S = 30.0
_LOSS_WEIGHT = 0.3
_FLOOR_WEIGHT = 0.02
_JITTER_FACTOR = 2.0


class PlayoutPolicy:
    """One viewer's level: widens at the first bad report, narrows one level at a time after a better while."""

    __slots__ = ("_better_since", "_floor", "_level", "_loss", "_narrowed_at", "_patience", "_started")

    def __init__(self) -> None:
        self._level = 0
        self._loss = 0.0
        self._floor = FLOOR_CAP_S
        self._started: float | None = None
        self._better_since: float | None = None
        self._narrowed_at: float | None = None
        self._patience = NARROW_AFTER_S

    def update(self, jitter_s: float, loss: float, now: float) -> tuple[int, int]:
        """Take one receiver report: jitter in seconds, loss 0-1 since the one before. Returns ``(min_ms, max_ms)``."""
        if self._started is None:
            self._started = now
        self._loss += (loss - self._loss) * _LOSS_WEIGHT
        if jitter_s < self._floor:
            self._floor = jitter_s
        else:
            self._floor += (min(jitter_s, FLOOR_CAP_S) - self._floor) * _FLOOR_WEIGHT
        excess = jitter_s - self._floor if now - self._started >= WARM_UP_S else 0.0
        wanted = self._wanted(excess)
        if wanted > self._level:
            self._widen(wanted, now)
        elif wanted == self._level:
            self._better_since = None
        else:
            self._narrow(now)
        return LEVELS[self._level]

    def _wanted(self, excess_s: float) -> int:
        first = self._level == 0
        calm = excess_s <= (WIDEN_JITTER_S if first else CLEAN_JITTER_S)
        if calm and self._loss <= (WIDEN_LOSS if first else CLEAN_LOSS):
            return 0
        need_ms = excess_s * _JITTER_FACTOR * 1000
        return next((index for index, (low, _) in enumerate(LEVELS) if index and low >= need_ms), len(LEVELS) - 1)

    def _widen(self, level: int, now: float) -> None:
        if self._narrowed_at is not None:
            regret = now - self._narrowed_at < _REGRET_S
            self._patience = min(self._patience * 2, NARROW_AFTER_MAX_S) if regret else NARROW_AFTER_S
        self._level = level
        self._better_since = None

    def _narrow(self, now: float) -> None:
        if self._better_since is None:
            self._better_since = now
        elif now - self._better_since >= self._patience:
            self._level -= 1
            self._better_since = self._narrowed_at = now
