"""A sender's own clock: which NTP time belongs to which RTP timestamp (RFC 3550 section 6.4.1).

Lip sync needs the pair to be exact; how late a report arrived does not matter, because both halves are carried on by
the same time. What would matter is one wrong report, so a surprising one waits until the next confirms it.
"""

from __future__ import annotations

from typing import NamedTuple

_NTP_UNIT = 1 << 32
_NTP_MASK = (1 << 64) - 1
#: A report may differ from the mapping by this much and simply replace it: rounding, drift, a late encoder.
TOLERANCE_S = 0.25
#: A report up to this much older than the last one is a late packet; older still, the clock was set back.
_REORDER_S = 5.0


class _Report(NamedTuple):
    ntp: int
    rtp: int
    arrival: float


class ClockMap:
    """The clock of one stream, from its sender reports. ``clock_rate`` in Hz."""

    __slots__ = ("_clock_rate", "_current", "_doubtful", "rejected")

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._current: _Report | None = None
        self._doubtful: _Report | None = None
        self.rejected = 0

    def sender_report(self, ntp: int, rtp_timestamp: int, now: float) -> bool:
        """Take a report (64-bit NTP, 32-bit RTP timestamp, monotonic arrival). False when it is not used.

        Not used are a sender without a clock (NTP 0), late and repeated reports, and the first of a new mapping.
        """
        report = _Report(ntp, rtp_timestamp, now)
        if ntp == 0:
            return False
        if self._current is not None:
            step_s = (ntp - self._current.ntp) / _NTP_UNIT
            if -_REORDER_S < step_s <= 0:
                return False
            if not self._agrees(self._current, report) and not (
                self._doubtful is not None and self._agrees(self._doubtful, report)
            ):
                self._doubtful = report
                self.rejected += 1
                return False
        self._current, self._doubtful = report, None
        return True

    def _agrees(self, earlier: _Report, later: _Report) -> bool:
        step = later.ntp - earlier.ntp
        if step <= 0:
            return False
        expected = earlier.rtp + step * self._clock_rate // _NTP_UNIT
        error = ((later.rtp - expected + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        return abs(error) <= TOLERANCE_S * self._clock_rate

    @property
    def newest(self) -> tuple[float, int, int] | None:
        """``(arrival, ntp, rtp_timestamp)`` of the report that is in use."""
        current = self._current
        return None if current is None else (current.arrival, current.ntp, current.rtp)

    def ntp_at(self, now: float) -> tuple[int, int] | None:
        """``(ntp, rtp_timestamp)`` extrapolated to ``now``, for a sender report of ours; None before the first one."""
        current = self._current
        if current is None:
            return None
        elapsed = now - current.arrival
        ntp = (current.ntp + int(elapsed * _NTP_UNIT)) & _NTP_MASK
        return ntp, (current.rtp + int(elapsed * self._clock_rate)) & 0xFFFFFFFF
