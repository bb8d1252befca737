"""One inbound RTP stream (one SSRC) of a Producer: order, loss, jitter, clock, and what to tell its sender."""

from __future__ import annotations

from media import rtcp
from media.clock_map import ClockMap
from media.nack import NackGenerator
from media.seqnum import Unwrapper


class InboundStream:
    """Receiver state per SSRC (RFC 3550 appendices A.1, A.3 and A.8).

    ``recover`` says whether losses are asked for again (the publisher negotiated ``nack``).
    """

    __slots__ = (
        "_base",
        "_expected_before",
        "_jitter",
        "_last_timestamp",
        "_last_transit",
        "_lsr",
        "_lsr_arrival",
        "_received_before",
        "_unwrap",
        "bytes",
        "clock",
        "clock_rate",
        "highest",
        "last_arrival",
        "loss",
        "nack",
        "packets",
        "rid",
        "rtx_ssrc",
        "ssrc",
    )

    def __init__(self, ssrc: int, clock_rate: int, rid: str | None, recover: bool) -> None:
        self.ssrc = ssrc
        self.rtx_ssrc: int | None = None
        self.rid = rid
        self.clock_rate = clock_rate
        self.clock = ClockMap(clock_rate)
        self.nack = NackGenerator() if recover else None
        self.packets = 0
        self.bytes = 0
        self.highest = -1
        self.loss = 0.0
        self.last_arrival = 0.0
        self._unwrap = Unwrapper(16)
        self._base = -1
        self._jitter = 0.0
        self._last_transit: float | None = None
        self._last_timestamp = -1
        self._expected_before = 0
        self._received_before = 0
        self._lsr = 0
        self._lsr_arrival = 0.0

    def receive(self, sequence: int, timestamp: int, size: int, now: float) -> int:
        """Account for one packet in its original order; returns its unwrapped sequence number."""
        extended = self._unwrap.unwrap(sequence)
        if self._base < 0:
            self._base = extended
        self.highest = max(self.highest, extended)
        self.packets += 1
        self.bytes += size
        self.last_arrival = now
        if timestamp != self._last_timestamp:
            # Once per frame, as browsers do it: packets of one frame share a timestamp but are sent apart.
            self._last_timestamp = timestamp
            transit = now * self.clock_rate - timestamp
            if self._last_transit is not None:
                difference = abs(transit - self._last_transit)
                # A jump of the timestamp itself (wrap, restarted encoder) is not jitter.
                if difference < self.clock_rate:
                    self._jitter += (difference - self._jitter) / 16
            self._last_transit = transit
        if self.nack is not None:
            self.nack.received(extended, now)
        return extended

    def recovered(self, sequence: int, size: int, now: float) -> int:
        """Account for a packet that came back over RTX; it counts for nothing but the gap it fills."""
        extended = self.highest - ((self.highest - sequence) & 0xFFFF)
        self.bytes += size
        if self.nack is not None:
            self.nack.received(extended, now)
        return extended

    def on_sender_report(self, report: rtcp.SenderReport, now: float) -> None:
        """Keep the sender's clock mapping, and what our next report must echo."""
        self.clock.sender_report(report.ntp, report.rtp_timestamp, now)
        self._lsr = rtcp.ntp_middle32(report.ntp)
        self._lsr_arrival = now

    @property
    def jitter_s(self) -> float:
        """Interarrival jitter in seconds."""
        return self._jitter / self.clock_rate

    def report_block(self, now: float) -> rtcp.ReportBlock:
        """The next report block for this stream, closing its reporting interval."""
        expected = self.highest - self._base + 1 if self._base >= 0 else 0
        lost = max(0, expected - self.packets)
        interval_expected = expected - self._expected_before
        interval_lost = interval_expected - (self.packets - self._received_before)
        self._expected_before = expected
        self._received_before = self.packets
        self.loss = min(1.0, max(0.0, interval_lost / interval_expected)) if interval_expected > 0 else 0.0
        return rtcp.ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(255, int(self.loss * 256)),
            packets_lost=min(lost, 0x7FFFFF),
            # Our numbers begin in the second cycle, the sender's in the first.
            highest_sequence=self.highest - (self._base & ~0xFFFF) & 0xFFFFFFFF if self.highest >= 0 else 0,
            jitter=int(self._jitter),
            lsr=self._lsr,
            dlsr=min(0xFFFFFFFF, int((now - self._lsr_arrival) * 65536)) if self._lsr else 0,
        )
