"""Losses: what to ask the publisher for again, and how often to answer a viewer that asks (RFC 4585, RFC 4588)."""

from __future__ import annotations

MAX_TRIES = 10
#: A packet that took longer than this is of no use to a live picture any more.
MAX_AGE_S = 1.0
#: Wait this long before the first request, or for so many later packets: what is only out of order comes by itself.
REORDER_WAIT_S = 0.010
REORDER_PACKETS = 2
#: More missing at once than this, and a keyframe costs less than the repeats would.
MAX_MISSING = 300
#: Requests per call: 64 numbers fit one RTCP packet however they are spread.
MAX_PER_REQUEST = 64
MIN_INTERVAL_S = 0.02
MAX_INTERVAL_S = 0.25
_BACKOFF = 1.5


class _Hole:
    __slots__ = ("next_at", "patience", "seen", "tries")

    def __init__(self, patience: int, now: float) -> None:
        self.patience = patience
        self.seen = now
        self.next_at = now + REORDER_WAIT_S
        self.tries = 0


class NackGenerator:
    """Tracks holes in one inbound stream, by unwrapped sequence number.

    ``sent`` counts requested numbers, ``recovered`` the holes filled after a request, ``lost`` those given up.
    """

    __slots__ = ("_holes", "_newest", "_overflow", "lost", "recovered", "sent")

    def __init__(self) -> None:
        self._holes: dict[int, _Hole] = {}
        self._newest = -1
        self._overflow = False
        self.sent = 0
        self.recovered = 0
        self.lost = 0

    @property
    def missing(self) -> int:
        """How many packets are being waited for."""
        return len(self._holes)

    def received(self, sequence: int, now: float) -> None:
        """A packet came in, by whatever way; ``sequence`` is not negative."""
        newest = self._newest
        if sequence > newest:
            self._newest = sequence
            if sequence > newest + 1 and newest >= 0:
                self._open(newest + 1, sequence, now)
        elif (hole := self._holes.pop(sequence, None)) is not None and hole.tries:
            self.recovered += 1

    def _open(self, first: int, end: int, now: float) -> None:
        missing = end - first + len(self._holes)
        if missing > MAX_MISSING:
            self.lost += missing
            self._holes.clear()
            self._overflow = True
            return
        # The packet at ``end`` is the first later one; by this number there are REORDER_PACKETS of them, or a new hole.
        patience = end + REORDER_PACKETS - 1
        for sequence in range(first, end):
            self._holes[sequence] = _Hole(patience, now)

    def due(self, now: float, rtt_s: float) -> list[int]:
        """Numbers (16 bits) to ask for now, oldest first, at most MAX_PER_REQUEST. Cheap when nothing is missing.

        A hole is asked for again after 1.25 round trips, then 1.5 times longer each time; after MAX_TRIES or MAX_AGE_S
        it is given up, which :meth:`take_overflow` reports.
        """
        if not self._holes:
            return []
        wanted: list[int] = []
        given_up: list[int] = []
        interval = max(MIN_INTERVAL_S, rtt_s * 1.25)
        for sequence, hole in self._holes.items():
            if now - hole.seen > MAX_AGE_S:
                given_up.append(sequence)
            elif now >= hole.next_at or (not hole.tries and self._newest >= hole.patience):
                if hole.tries >= MAX_TRIES:
                    given_up.append(sequence)
                elif len(wanted) < MAX_PER_REQUEST:
                    hole.next_at = now + min(MAX_INTERVAL_S, interval * _BACKOFF**hole.tries)
                    hole.tries += 1
                    wanted.append(sequence & 0xFFFF)
        for sequence in given_up:
            del self._holes[sequence]
        if given_up:
            self.lost += len(given_up)
            self._overflow = True
        self.sent += len(wanted)
        return wanted

    def forget(self) -> None:
        """Nothing that is missing now is of use any more."""
        self._holes.clear()
        self._overflow = False

    def take_overflow(self) -> bool:
        """Whether something was given up since the last call: only a keyframe repairs the picture now."""
        overflow, self._overflow = self._overflow, False
        return overflow


class NackResponder:
    """Limits repeats to one viewer: each packet at most once per round trip, and a budget over all of them.

    ``rate_per_s`` repeats a second in the long run, ``burst`` at once after a quiet time.
    """

    __slots__ = ("_budget", "_burst", "_rate", "_refilled", "_sent")

    #: As many packets' last repeats are remembered; in memory this is the most that a viewer's bad network costs.
    REMEMBERED = 128
    _MIN_INTERVAL_S = 0.005
    # The viewer's idea of the round trip may be a little shorter than ours; its retry must not be refused for that.
    _TOLERANCE = 0.9

    def __init__(self, rate_per_s: float = 400.0, burst: int = 200) -> None:
        self._rate = rate_per_s
        self._burst = float(burst)
        self._budget = float(burst)
        self._refilled: float | None = None
        self._sent: dict[int, float] = {}

    def allow(self, sequence: int, now: float, rtt_s: float) -> bool:
        """Whether to send packet ``sequence`` (unwrapped) again now; True counts as done."""
        before = self._sent.get(sequence)
        if before is not None and now - before < max(self._MIN_INTERVAL_S, rtt_s * self._TOLERANCE):
            return False
        if self._refilled is not None:
            self._budget = min(self._burst, self._budget + (now - self._refilled) * self._rate)
        self._refilled = now
        if self._budget < 1:
            return False
        self._budget -= 1
        self._sent.pop(sequence, None)
        if len(self._sent) >= self.REMEMBERED:
            del self._sent[next(iter(self._sent))]
        self._sent[sequence] = now
        return True
