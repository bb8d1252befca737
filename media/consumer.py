"""The outbound half of a Track: one Producer's packets towards one viewer."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from media import header_extensions as hx
from media import rtcp
from media.api import ConsumerParams, ConsumerStats
from media.fanout import Burst, Group, Layout, send_burst
from media.nack import NackResponder
from media.packet import Packet
from media.playout import PlayoutPolicy

if TYPE_CHECKING:
    from media.producer import Producer
    from media.transport import Transport

_HEADER = struct.Struct("!BBHIIH")
#: Cached packets sent to a new viewer per step (3 ms): about 100 Mbps, so that a replay does not overrun a home router.
CATCH_UP_PACKETS = 32
#: A viewer's first packet has a number (16 bits) outside of these two ranges, else all its numbers are moved. Below the
#: first, a packet that comes late would lie before the wrap, and the sender's SRTP index guess would take it for one
#: ahead. From the second on, a viewer that misses the packets up to the wrap would never learn that there was one. Either
#: way the two sides' rollover counters differ for good, and nothing can be decrypted (RFC 3711 section 3.3.1).
WRAP_BEHIND = 0x0800
WRAP_AHEAD = 0xF000
WRAP_MARGIN = 0x2000
_RATE_WINDOW_S = 0.5
#: Numbers looked at per NACK: more than are ever repeated at once.
MAX_NACKED = 256
#: Extensions whose value depends on when or how often a packet is sent. A viewer without RTX gets none of them: what is
#: repeated under the same SRTP index must be the same packet to the byte.
_VOLATILE = frozenset({hx.TRANSPORT_CC, hx.ABS_SEND_TIME, hx.PLAYOUT_DELAY, hx.MID})


class Consumer:
    """Waits for a keyframe, catches up from the Producer's cache, then is a member of a Group of like viewers."""

    __slots__ = (
        "_begins_at",
        "_cursor",
        "_first",
        "_fraction_lost",
        "_jitter",
        "_last_report",
        "_layout",
        "_mid_needed",
        "_nack_responder",
        "_playout",
        "_playout_level",
        "_rate_bytes",
        "_rate_since",
        "_rtx_payload_types",
        "_rtx_sequence",
        "_sent_reports",
        "_shift",
        "_stopped_at",
        "bitrate_bps",
        "bytes",
        "group",
        "id",
        "kind",
        "nacks_received",
        "packets",
        "params",
        "paused",
        "plis_received",
        "producer",
        "retransmitted",
        "rtt_s",
        "transport",
    )

    def __init__(self, params: ConsumerParams, producer: Producer, transport: Transport, now: float) -> None:
        self.params = params
        self.id = params.id
        self.kind = params.kind
        self.producer = producer
        self.transport = transport
        self.paused = params.paused
        self.group: Group | None = None
        self.packets = 0
        self.bytes = 0
        self.bitrate_bps = 0
        self.nacks_received = 0
        self.retransmitted = 0
        self.plis_received = 0
        self.rtt_s: float | None = None
        self._begins_at = 0
        self._first = 0
        self._cursor: int | None = None
        self._layout: Layout | None = None
        self._mid_needed = True
        self._rtx_sequence = 0
        self._rtx_payload_types = {
            codec.payload_type: codec.rtx_payload_type for codec in params.codecs if codec.rtx_payload_type is not None
        }
        self._nack_responder = NackResponder() if params.kind == "video" else None
        self._playout = PlayoutPolicy() if params.kind == "video" else None
        self._playout_level = (0, 0)
        self._fraction_lost = 0.0
        self._jitter = 0.0
        self._last_report = 0.0
        self._sent_reports: list[tuple[int, float]] = []
        self._shift = 0
        self._stopped_at: int | None = None
        self._rate_bytes = 0
        self._rate_since = now

    # --- joining the flow ----------------------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether this viewer still needs a place to begin: it is neither live nor catching up."""
        return self.group is None and self._cursor is None and not self.paused

    @property
    def catching_up(self) -> bool:
        """Whether cached packets are still being sent to it."""
        return self._cursor is not None

    def begin(self, now: float) -> bool:
        """Start sending if the path is up and the Producer has something to start from. False: call again later."""
        if self.transport.tx_handle is None or self.paused or not self.waiting:
            return False
        if self.kind == "audio":
            self._resume_at(self.producer.next_sequence)
            self.producer.join(self, self.layout)
            return True
        start = self.producer.replay_start(now)
        if start is None:
            return False
        if self._stopped_at is not None and start <= self._stopped_at:
            # A short pause: it has all up to where it stopped, and must not get that again under new numbers.
            start = self._stopped_at + 1
        self._resume_at(start)
        self._cursor = start
        self.catch_up(now)
        return True

    def catch_up(self, now: float) -> None:
        """Send the next few cached packets; join the live Group once none is left."""
        if self._cursor is None:
            return
        cache = self.producer.cache
        newest = cache.newest
        packets: list[Packet] = []
        while newest is not None and self._cursor <= newest and len(packets) < CATCH_UP_PACKETS:
            packet = cache.get(self._cursor)
            if packet is not None:
                packets.append(packet)
            self._cursor += 1
        if packets:
            self.send_now(packets, now)
        if newest is None or self._cursor > newest:
            self._cursor = None
            self.producer.join(self, self.layout)

    def send_now(self, packets: list[Packet], now: float) -> None:
        """Send packets to this viewer alone."""
        burst = Burst(self.layout, packets, now)
        if burst.cuts:
            send_burst(burst, (self,), now)

    def pause(self, paused: bool, now: float) -> None:
        """Hold this viewer's copy, or let it start again (video at a keyframe)."""
        if paused == self.paused:
            return
        self.paused = paused
        if paused:
            self.leave()
        else:
            self.producer.admit(self, now)

    def _resume_at(self, sequence: int) -> None:
        """Begin at ``sequence``, and number packets from there on as what follows the last one sent before a pause."""
        self._layout = None
        if self._stopped_at is not None:
            skipped = sequence - self._stopped_at - 1
            self._stopped_at = None
            if not skipped:
                return
            self._shift -= skipped
            self._first = sequence
        elif not self.packets:
            self._shift = 0 if WRAP_BEHIND <= sequence & 0xFFFF < WRAP_AHEAD else WRAP_MARGIN
        self._begins_at = sequence

    def leave(self) -> None:
        """Take this viewer out of the flow."""
        newest = self.producer.cache.newest
        if self._cursor is not None:
            newest = self._cursor - 1
        if newest is not None and self.packets and self._stopped_at is None:
            self._stopped_at = newest
        self._cursor = None
        self.producer.part(self)

    @property
    def layout(self) -> Layout:
        """How this viewer's packets are written, from what it negotiated and what its network needs."""
        if self._layout is None:
            extensions = self.params.extensions
            if self.kind == "video" and not self._rtx_payload_types:
                extensions = {uri: ext_id for uri, ext_id in extensions.items() if uri not in _VOLATILE}
            self._layout = Layout(
                {codec.name: codec.payload_type for codec in self.params.codecs},
                extensions,
                self.params.ssrc,
                self.transport.tag_length,
                self.params.mid if self._mid_needed else None,
                self._playout_level if self.kind == "video" else None,
                self._shift,
                self._first,
            )
        return self._layout

    def _relayout(self) -> None:
        self._layout = None
        if self.group is not None:
            self.producer.join(self, self.layout)

    # --- feedback from the viewer --------------------------------------------------------------------------------

    def on_report(self, block: rtcp.ReportBlock, now: float) -> None:
        """Take one RTCP report block about our SSRC (RFC 3550 section 6.4.1)."""
        self._fraction_lost = block.fraction_lost / 256
        clock_rate = self.params.codecs[0].clock_rate if self.params.codecs else 90_000
        self._jitter = block.jitter / clock_rate
        self._last_report = now
        for middle, sent_at in self._sent_reports:
            if middle == block.lsr:
                rtt = now - sent_at - block.dlsr / 65536
                if 0 <= rtt < 10:
                    self.rtt_s = rtt if self.rtt_s is None else self.rtt_s * 0.75 + rtt * 0.25
        level = self._playout_level
        if self._playout is not None:
            level = self._playout.update(self._jitter, self._fraction_lost, now)
        # The viewer knows the SSRC now, so mid need not be repeated (RFC 8843 section 15).
        if self._mid_needed or level != self._playout_level:
            self._mid_needed = False
            self._playout_level = level
            self._relayout()

    def on_nack(self, sequences: list[int], now: float) -> None:
        """Send again what the viewer misses, from the cache: over RTX where negotiated (RFC 4588)."""
        self.nacks_received += len(sequences)
        newest = self.producer.cache.newest
        if self._nack_responder is None or newest is None or self.transport.tx_handle is None:
            return
        if self.paused or self.waiting or self.producer.paused:
            return
        plain: list[Packet] = []
        for sequence in sequences[:MAX_NACKED]:
            packet = self.producer.cache.get(newest - ((newest + self._shift - sequence) & 0xFFFF))
            # What came before a pause had other numbers: under this one stands a packet that was never sent.
            if packet is None or packet.sequence < self._begins_at:
                continue
            if not self._nack_responder.allow(packet.sequence, now, self.rtt_s or 0.05):
                continue
            self.retransmitted += 1
            if self._rtx_payload_types and self.params.rtx_ssrc is not None:
                self._send_rtx(packet, now)
            else:
                plain.append(packet)
        if plain:
            self.send_now(plain, now)

    def _send_rtx(self, packet: Packet, now: float) -> None:
        layout = self.layout
        payload_type = self._rtx_payload_types.get(layout.payload_types.get(packet.codec, -1))
        path = self.transport.path
        if payload_type is None or path is None or self.params.rtx_ssrc is None:
            return
        block = layout.extension_block(packet, now)
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        header = struct.pack(
            "!BBHII",
            0x90 if block else 0x80,
            payload_type | 0x80 if packet.marker else payload_type,
            self._rtx_sequence,
            packet.timestamp,
            self.params.rtx_ssrc,
        )
        data = header + block + ((packet.sequence + self._shift) & 0xFFFF).to_bytes(2, "big") + packet.payload
        self.transport.send_rtp(path, data, stamp=hx.TRANSPORT_CC in layout.extensions and bool(block), now=now)

    def on_keyframe_request(self, now: float) -> None:
        """The viewer's decoder lost its reference."""
        self.plis_received += 1
        self.producer.request_keyframe(now)

    # --- reports to the viewer -----------------------------------------------------------------------------------

    def sender_report(self, now: float) -> rtcp.SenderReport | None:
        """Our sender report: the publisher's own clock mapping, so that its tracks stay in sync at the viewer."""
        mapping = self.producer.clock_at(now)
        if mapping is None or not self.packets:
            return None
        ntp, timestamp = mapping
        self._sent_reports.append((rtcp.ntp_middle32(ntp), now))
        del self._sent_reports[:-4]
        return rtcp.SenderReport(
            ssrc=self.params.ssrc,
            ntp=ntp,
            rtp_timestamp=timestamp,
            packet_count=self.packets & 0xFFFFFFFF,
            octet_count=self.bytes & 0xFFFFFFFF,
        )

    def measure(self, now: float) -> None:
        """Update the bitrate; called about once a second, and whenever something is reported between."""
        elapsed = now - self._rate_since
        if elapsed < _RATE_WINDOW_S:
            return
        self.bitrate_bps = int((self.bytes - self._rate_bytes) * 8 / elapsed)
        self._rate_bytes = self.bytes
        self._rate_since = now

    def stats(self) -> ConsumerStats:
        """This viewer's figures for this Track."""
        return ConsumerStats(
            id=self.id,
            producer_id=self.params.producer_id,
            packets=self.packets,
            bytes=self.bytes,
            bitrate_bps=self.bitrate_bps,
            loss=round(self._fraction_lost, 4),
            jitter_ms=round(self._jitter * 1000, 2),
            rtt_ms=None if self.rtt_s is None else round(self.rtt_s * 1000, 2),
            nacks_received=self.nacks_received,
            retransmitted=self.retransmitted,
            plis_received=self.plis_received,
            playout_delay_ms=self._playout_level[0],
            paused=self.paused,
        )
