"""One direction of a network in virtual time, seeded: the same seed and calls give the same arrivals.

A test sends with the time it plays, asks :attr:`LossyLink.next_at` how far to move its clock, and takes what has
arrived. Nothing sleeps and no clock is read::

    link = LossyLink(seed=1, delay_s=0.04, jitter_s=0.01, loss=0.05)
    link.send(packet, now)
    while (now := link.next_at) is not None:
        for data in link.receive(now):
            ...

A packet passes, in this order, through outages, loss, the bottleneck (``rate_bps`` with a queue), and the wire
(delay, jitter, reordering, duplication), as it would behind one slow hop.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter
from typing import Final

_DRAWS: Final = 5


class LossyLink:
    """See the module. All probabilities are per packet, 0 to 1; all times seconds.

    ``loss`` is the mean share lost; ``burst`` the mean number of packets lost in a row (1: independently), with which
    ``loss`` must not be above ``burst / (burst + 1)``.
    ``delay_s`` is added to every packet, and evenly distributed 0 to ``jitter_s`` on top, without overtaking.
    ``reorder`` packets are held ``reorder_s`` longer while later ones overtake. ``duplicate`` packets arrive again
    ``reorder_s`` later.
    ``rate_bps`` is the bottleneck's rate, infinite by default; what would wait there longer than ``queue_s`` is lost.
    ``counts`` has ``sent``, ``delivered`` (copies too), ``lost``, ``overflow``, ``outage``, ``reordered``,
    ``duplicated``.

    Every packet takes the same number of draws, so that changing one property leaves what happens to the others.
    """

    def __init__(
        self,
        seed: int,
        *,
        delay_s: float = 0.0,
        jitter_s: float = 0.0,
        loss: float = 0.0,
        burst: float = 1.0,
        reorder: float = 0.0,
        reorder_s: float = 0.03,
        duplicate: float = 0.0,
        rate_bps: float = math.inf,
        queue_s: float = 0.2,
    ) -> None:
        if not all(0 <= share <= 1 for share in (loss, reorder, duplicate)):
            raise ValueError("loss, reorder and duplicate are 0 to 1")
        if min(delay_s, jitter_s, reorder_s, queue_s) < 0 or rate_bps <= 0:
            raise ValueError("times must not be negative, and the rate must be positive")
        if burst < 1 or (burst > 1 and loss > burst / (burst + 1)):
            raise ValueError("burst is at least 1, and loss then at most burst / (burst + 1)")
        self.delay_s = delay_s
        self.jitter_s = jitter_s
        self.loss = loss
        self.burst = burst
        self.reorder = reorder
        self.reorder_s = reorder_s
        self.duplicate = duplicate
        self.rate_bps = rate_bps
        self.queue_s = queue_s
        self.counts: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._flying: list[tuple[float, int, bytes]] = []
        self._serial = 0
        self._outages: list[tuple[float, float]] = []
        self._in_burst = False
        self._idle_at = -math.inf
        self._last_arrival = -math.inf
        self._now = -math.inf

    def outage(self, start: float, end: float) -> None:
        """Lose everything sent from ``start`` until before ``end``."""
        self._outages.append((start, end))

    @property
    def next_at(self) -> float | None:
        """When the next packet arrives; None when none is on its way."""
        return self._flying[0][0] if self._flying else None

    @property
    def in_flight(self) -> int:
        """Packets on their way."""
        return len(self._flying)

    def send(self, data: bytes, now: float) -> None:
        """Put a packet on the link. ``now`` must not go back."""
        if now < self._now:
            raise ValueError(f"time went back from {self._now} to {now}")
        self._now = now
        lost, jitter, late, again, burst_end = (self._random.random() for _ in range(_DRAWS))
        self.counts["sent"] += 1
        lost_here = self._lose(lost, burst_end)
        if any(start <= now < end for start, end in self._outages):
            self.counts["outage"] += 1
            return
        if lost_here:
            self.counts["lost"] += 1
            return
        leaves = max(now, self._idle_at)
        if leaves - now > self.queue_s:
            self.counts["overflow"] += 1
            return
        leaves += len(data) * 8 / self.rate_bps
        self._idle_at = leaves
        arrival = max(leaves + self.delay_s + jitter * self.jitter_s, self._last_arrival)
        if late < self.reorder:
            self.counts["reordered"] += 1
            self._fly(arrival + self.reorder_s, data)
        else:
            self._last_arrival = arrival
            self._fly(arrival, data)
        if again < self.duplicate:
            self.counts["duplicated"] += 1
            self._fly(arrival + self.reorder_s, data)

    def receive(self, now: float) -> list[bytes]:
        """Take what has arrived by ``now``, in order of arrival."""
        arrived: list[bytes] = []
        while self._flying and self._flying[0][0] <= now:
            arrived.append(heapq.heappop(self._flying)[2])
        self.counts["delivered"] += len(arrived)
        return arrived

    def _fly(self, arrival: float, data: bytes) -> None:
        self._serial += 1
        heapq.heappush(self._flying, (arrival, self._serial, data))

    def _lose(self, draw: float, end_draw: float) -> bool:
        """Gilbert's model: a burst ends after each of its packets with 1 in ``burst``, and begins as often as needed."""
        if self.burst == 1:
            return draw < self.loss
        if self._in_burst:
            self._in_burst = end_draw >= 1 / self.burst
        else:
            self._in_burst = self.loss > 0 and draw < self.loss / ((1 - self.loss) * self.burst)
        return self._in_burst
