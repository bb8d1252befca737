"""Active speakers from audio levels (RFC 6464), steady enough to look at.

Levels are smoothed in decibels, quickly up and slowly down. A Track begins to speak when its smoothed level rises above
``ON_DBOV`` (from silence this takes some 150 ms of speech, so a click is none) and stops when it stayed below
``OFF_DBOV`` for ``HOLD_S``. The active speaker keeps the first place until another Track is louder by ``SWAP_DB`` for
``SWAP_S``, or it stops. The others' order changes only together with one of these events.
"""

from __future__ import annotations

import math

ON_DBOV = 45.0
OFF_DBOV = 55.0
HOLD_S = 0.8
SWAP_DB = 6.0
SWAP_S = 0.5
#: A packet without the voice flag counts as this much quieter: breathing and keyboards, but also senders that never set it.
UNVOICED_DB = 10.0
#: Without a packet for this long a Track is silent; Opus sends one each 400 ms in a pause (DTX).
STALE_S = 1.0
_SILENCE = 127.0
_ATTACK_S = 0.1
_RELEASE_S = 0.4
_MAX_STEP_S = 0.1


class _Voice:
    __slots__ = ("heard", "level", "loud_at", "speaking")

    def __init__(self) -> None:
        self.level = _SILENCE
        self.heard: float | None = None
        self.loud_at = 0.0
        self.speaking = False


class SpeakerDetector:
    """Feed :meth:`level` per audio packet, ask :meth:`evaluate` about ten times a second."""

    def __init__(self) -> None:
        self._voices: dict[str, _Voice] = {}
        self._order: tuple[str, ...] = ()
        self._challenger: tuple[str, float] | None = None

    def level(self, track_id: str, level_dbov: int, voice: bool, now: float) -> None:
        """One packet's level in -dBov, 0 (loudest) to 127 (silence), and the sender's own opinion whether it is voice."""
        entry = self._voices.get(track_id)
        if entry is None:
            entry = self._voices[track_id] = _Voice()
        step = 0.02 if entry.heard is None else min(max(now - entry.heard, 0.0), _MAX_STEP_S)
        entry.heard = now
        heard = min(_SILENCE, level_dbov if voice else level_dbov + UNVOICED_DB)
        duration = _ATTACK_S if heard < entry.level else _RELEASE_S
        entry.level += (heard - entry.level) * (1 - math.exp(-step / duration))

    def remove(self, track_id: str) -> None:
        """Forget a Track that ended or was muted; the next :meth:`evaluate` reports it if it spoke."""
        self._voices.pop(track_id, None)

    def evaluate(self, now: float) -> tuple[str, ...] | None:
        """Who speaks, loudest first, when that changed since the last call; else None."""
        for entry in self._voices.values():
            self._update(entry, now)
        speaking = {track_id: entry.level for track_id, entry in self._voices.items() if entry.speaking}
        leader = self._leader(speaking, now)
        if speaking.keys() == set(self._order) and (not self._order or leader == self._order[0]):
            return None
        self._order = tuple(sorted(speaking, key=lambda track_id: (track_id != leader, speaking[track_id])))
        return self._order

    @staticmethod
    def _update(entry: _Voice, now: float) -> None:
        if entry.heard is None or now - entry.heard > STALE_S:
            entry.level = _SILENCE
        if entry.level < ON_DBOV:
            entry.speaking = True
        if entry.level < OFF_DBOV:
            entry.loud_at = now
        elif now - entry.loud_at >= HOLD_S:
            entry.speaking = False

    def _leader(self, speaking: dict[str, float], now: float) -> str | None:
        if not speaking:
            self._challenger = None
            return None
        loudest = min(speaking, key=lambda track_id: speaking[track_id])
        current = self._order[0] if self._order else None
        if current not in speaking:
            self._challenger = None
            return loudest
        if loudest == current or speaking[loudest] > speaking[current] - SWAP_DB:
            self._challenger = None
            return current
        if self._challenger is None or self._challenger[0] != loudest:
            self._challenger = (loudest, now)
        if now - self._challenger[1] < SWAP_S:
            return current
        self._challenger = None
        return loudest
