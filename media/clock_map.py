"""A sender's own clock: which NTP time belongs to which RTP timestamp (RFC 3550 section 6.4.1)."""

from __future__ import annotations

_NTP_UNIT = 1 << 32
#: A report that disagrees with the mapping by more than this is a restarted clock, not drift.
_RESET_S = 5.0


class ClockMap:
    """The latest sender report of one stream, and when it came. ``clock_rate`` in Hz."""

    __slots__ = ("_arrival", "_clock_rate", "_ntp", "_rtp")

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._ntp: int | None = None
        self._rtp = 0
        self._arrival = 0.0

    def sender_report(self, ntp: int, rtp_timestamp: int, now: float) -> bool:
        """Take a report (64-bit NTP, 32-bit RTP, monotonic arrival). False when it lies behind the last one."""
        if self._ntp is not None:
            step_s = (ntp - self._ntp) / _NTP_UNIT
            if -_RESET_S < step_s < 0:
                return False
        self._ntp, self._rtp, self._arrival = ntp, rtp_timestamp, now
        return True

    def ntp_at(self, now: float) -> tuple[int, int] | None:
        """``(ntp, rtp_timestamp)`` extrapolated to ``now``; None before the first report."""
        if self._ntp is None:
            return None
        elapsed = now - self._arrival
        ntp = (self._ntp + int(elapsed * _NTP_UNIT)) & 0xFFFFFFFFFFFFFFFF
        return ntp, (self._rtp + int(elapsed * self._clock_rate)) & 0xFFFFFFFF
