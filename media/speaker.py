"""Active speakers from audio levels (RFC 6464), steady enough to look at.

Somebody begins to speak when the smoothed level stays above ``ON_DBOV`` for ``HOLD_ON_S``, and stops when it stays
below ``OFF_DBOV`` for ``HOLD_OFF_S``. The order changes only when another is louder by ``SWAP_DB`` for ``HOLD_SWAP_S``.
"""

from __future__ import annotations

from dataclasses import dataclass

ON_DBOV = 50
OFF_DBOV = 60
HOLD_ON_S = 0.15
HOLD_OFF_S = 0.8
SWAP_DB = 6
HOLD_SWAP_S = 0.5
_SILENCE = 127.0
_ATTACK = 0.4
_RELEASE = 0.08
_STALE_S = 0.5
MAX_TRACKS = 64


@dataclass(slots=True)
class _Voice:
    loudness: float = _SILENCE
    heard: float = 0.0
    above_since: float | None = None
    below_since: float | None = None
    speaking: bool = False


class SpeakerDetector:
    """Feed :meth:`level` per packet, ask :meth:`evaluate` ten times a second."""

    def __init__(self) -> None:
        self._voices: dict[str, _Voice] = {}
        self._order: tuple[str, ...] = ()
        self._challenger: tuple[str, float] | None = None

    def level(self, track_id: str, level_dbov: int, voice: bool, now: float) -> None:
        """One packet's level in -dBov, 0 (loudest) to 127; ``voice`` is the sender's own opinion and counts little."""
        entry = self._voices.get(track_id)
        if entry is None:
            if len(self._voices) >= MAX_TRACKS:
                return
            entry = self._voices[track_id] = _Voice()
        heard = float(level_dbov) if voice or level_dbov < ON_DBOV else min(_SILENCE, level_dbov + 3.0)
        rate = _ATTACK if heard < entry.loudness else _RELEASE
        entry.loudness += (heard - entry.loudness) * rate
        entry.heard = now

    def remove(self, track_id: str) -> None:
        """A Track ended."""
        self._voices.pop(track_id, None)

    def evaluate(self, now: float) -> tuple[str, ...] | None:
        """Who speaks, loudest first, when that changed since the last call; else None."""
        for entry in self._voices.values():
            if now - entry.heard > _STALE_S:
                entry.loudness = _SILENCE
            self._update(entry, now)
        speaking = [track_id for track_id, entry in self._voices.items() if entry.speaking]
        kept = [track_id for track_id in self._order if track_id in speaking]
        order = self._rank(kept + [track_id for track_id in speaking if track_id not in kept], now)
        if order == self._order:
            return None
        self._order = order
        return order

    def _update(self, entry: _Voice, now: float) -> None:
        entry.above_since = (entry.above_since or now) if entry.loudness <= ON_DBOV else None
        entry.below_since = (entry.below_since or now) if entry.loudness > OFF_DBOV else None
        if not entry.speaking and entry.above_since is not None and now - entry.above_since >= HOLD_ON_S:
            entry.speaking = True
        elif entry.speaking and entry.below_since is not None and now - entry.below_since >= HOLD_OFF_S:
            entry.speaking = False

    def _rank(self, speaking: list[str], now: float) -> tuple[str, ...]:
        if len(speaking) < 2:
            self._challenger = None
            return tuple(speaking)
        loudest = min(speaking, key=lambda track_id: self._voices[track_id].loudness)
        first = speaking[0]
        if loudest == first or self._voices[loudest].loudness > self._voices[first].loudness - SWAP_DB:
            self._challenger = None
            return tuple(speaking)
        if self._challenger is None or self._challenger[0] != loudest:
            self._challenger = (loudest, now)
        if now - self._challenger[1] < HOLD_SWAP_S:
            return tuple(speaking)
        self._challenger = None
        return (loudest, *(track_id for track_id in speaking if track_id != loudest))
