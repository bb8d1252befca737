"""One ICE+DTLS path to one Peer: decrypts what comes in, and carries what goes out.

A Transport either publishes (it owns Producers) or subscribes (it owns Consumers). The Worker hands it datagrams that
passed the demultiplexer; it never sees a socket, only a path with ``send``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pylibsrtp._binding import ffi

from media import rtcp
from media.api import (
    ConsumerParams,
    DtlsParams,
    IceParams,
    ProducerParams,
    TransportParams,
    TransportState,
    TransportStats,
)
from media.consumer import Consumer
from media.dtls import Certificate, DtlsEndpoint
from media.ice_lite import IceAgent
from media.producer import Producer
from media.publisher import PublisherSide
from media.router import Router
from media.srtp import MAX_TAG, OK, REPLAY, SrtpContext, length_pointer, protect, protect_copy, unprotect
from media.udp import UdpPath

CONNECT_TIMEOUT_S = 20.0
_REPORT_INTERVAL_S = 1.0
#: Viewers are visited once a second; a visit that comes a little early must not wait for the next.
_TICK_JITTER_S = 0.05
_MAX_EARLY = 128
#: One RTCP datagram; with SRTCP's trailer and IPv6 headers it stays below every path's MTU.
_MAX_RTCP_BYTES = 1200
_REPORTS_PER_DATAGRAM = 16
#: SSRCs that a peer may send RTCP from. libsrtp keeps a stream for each, and finds them one after the other.
_MAX_RTCP_SENDERS = 64
#: A peer's RTCP beyond this (bytes a second in the long run, and at once) is not read: a few hundred bytes of NACK can
#: ask for thousands of packets.
_RTCP_RATE = 50_000
_RTCP_BURST = 100_000.0
#: A viewer's TLS state is kept this long for handshake datagrams that come late.
_SETTLED_AFTER_S = 5.0
#: Checks are at most 6 s apart (RFC 7675 section 5.1): a peer that alerted and was then silent for longer has left.
_GOODBYE_AFTER_S = 6.5
#: Viewers report every second, browsers check every 2.5 s.
_LIVELY_S = 3.0
#: Eight bytes: aiortc misreads SDES chunks whose CNAME length is no multiple of four.
_SERVER_CNAME = b"lianmai0"


class Path(Protocol):
    """A way to the peer: a UDP address or a TCP connection."""

    host: str
    port: int

    @property
    def protocol(self) -> str:
        """``udp`` or ``tcp``."""

    def send(self, data: bytes) -> None:
        """Send one datagram; never blocks, may drop."""

    def close(self) -> None:
        """Release what the path holds."""


class Transport:
    """See the module's docstring. ``on_state(state, reason)`` reports each change of state once.

    ``clock`` is only for callbacks that come without a time (the end of a handshake), which must also ``flush`` what
    they made ready to send.
    """

    def __init__(
        self,
        params: TransportParams,
        router: Router,
        certificate: Certificate,
        clock: Callable[[], float],
        on_state: Callable[[TransportState, str], None],
        on_flow: Callable[[str, bool], None],
        drops: Counter[str],
        flush: Callable[[], None],
    ) -> None:
        now = clock()
        self._flush = flush
        self.params = params
        self.id = params.id
        self.router = router
        self.ice = IceAgent(params.ice, now)
        self.state: TransportState = "new"
        self.path: Path | None = None
        self.tx_handle: Any = None
        self.tag_length = MAX_TAG
        self.protect_failed = 0
        self.srtp_profile = ""
        self.available_bps: int | None = None
        self.consumers: dict[str, Consumer] = {}
        self.prepare: tuple[str, ...] = ()
        self.rtt_s: float | None = None
        self._created = now
        self._on_state = on_state
        self._drops = drops
        self._tx: SrtpContext | None = None
        self._rx: SrtpContext | None = None
        self._rx_handle: Any = None
        self._dtls_params: DtlsParams | None = None
        self._dtls_started = 0.0
        self._transport_cc = 0
        self._next_report = now + _REPORT_INTERVAL_S
        self._by_ssrc: dict[int, Consumer] = {}
        self._clock = clock
        self._connected_at = 0.0
        self._early: list[bytes] = []
        self._rtcp_senders: set[bytes] = set()
        self._rtcp_allowance = _RTCP_BURST
        self._last_rtcp = now
        self._last_authentic = now
        self._goodbye_at: float | None = None
        self._dtls = DtlsEndpoint(
            certificate,
            self._send_control,
            self._dtls_connected,
            self._dtls_failed,
            lambda: self._close("peer_closed"),
            self._on_alert,
        )
        publishes = params.direction == "publish"
        self.publisher = PublisherSide(router, self.send_rtcp, on_flow, drops, self._forget) if publishes else None

    # --- ICE and DTLS --------------------------------------------------------------------------------------------

    def connect(self, params: DtlsParams) -> None:
        """The peer's fingerprints are known; the handshake starts as soon as there is a path."""
        if self._dtls_params is None:
            self._dtls_params = params
            self._start_dtls()

    def restart_ice(self, ice: IceParams) -> None:
        """New credentials; the path stays in use until a check with the new ones nominates another."""
        self.ice.restart(ice)

    def set_path(self, path: Path, now: float) -> None:
        """ICE chose this path."""
        if self.path is not None and self.path is not path and self.path.protocol == "tcp":
            self.path.close()
        self.path = path
        # Not when a path was lost and another is found: then the session goes on as it was.
        if self.state == "new":
            self._set_state("checking")
            for producer_id in self.prepare:
                if (producer := self.router.producers.get(producer_id)) is not None:
                    producer.prepare_viewer(now)
        self._start_dtls()

    def path_gone(self, path: Path) -> None:
        """A TCP connection ended: nothing is sent until ICE finds another path."""
        if self.path is path:
            self.path = None
            if self.state == "connected":
                self._set_state("stalled", "connection_lost")

    def _on_alert(self) -> None:
        """Perhaps the peer said goodbye, perhaps somebody forged it: believe it only if silence follows."""
        if self._goodbye_at is None:
            self._goodbye_at = self._clock()

    def holds_on(self, now: float) -> bool:
        """Whether this peer was heard, authentically, within the last few seconds."""
        return now - self._last_authentic < _LIVELY_S

    def heard(self, now: float) -> None:
        """An authenticated check came in: a stalled path is back."""
        self._last_authentic = now
        if self.state == "stalled":
            self._set_state("connected")

    def on_dtls(self, data: bytes) -> None:
        """One DTLS record from a validated address."""
        if not self._dtls.feed(data):
            self._drops["dtls_refused"] += 1

    def _start_dtls(self) -> None:
        if self._dtls_params is not None and self.path is not None and not self._dtls.started:
            self._dtls_started = self._clock()
            self._dtls.start(self._dtls_params)

    def _send_control(self, data: bytes) -> None:
        if self.path is not None:
            self.path.send(data)

    def _dtls_connected(self, tx: SrtpContext, rx: SrtpContext, profile: str) -> None:
        now = self._clock()
        self._tx, self._rx = tx, rx
        self.tx_handle, self._rx_handle = tx.handle, rx.handle
        self.tag_length = tx.tag_length
        self.srtp_profile = profile
        # Both roles wait for two flights of the peer's; good enough to time the first retransmission request.
        self.rtt_s = max(0.001, (now - self._dtls_started) / 2)
        if self.publisher is not None:
            self.publisher.rtt_s = self.rtt_s
        self._connected_at = now
        self._set_state("connected")
        self._replay_early(now)
        for consumer in list(self.consumers.values()):
            consumer.producer.admit(consumer, now)
        self._report_to_viewer(now)
        self._flush()

    def _dtls_failed(self, reason: str) -> None:
        self._set_state("failed", reason)

    def _set_state(self, state: TransportState, reason: str = "") -> None:
        if state != self.state and self.state not in ("failed", "closed"):
            self.state = state
            self._on_state(state, reason)

    # --- in ------------------------------------------------------------------------------------------------------

    def on_rtp(self, pointer: Any, view: memoryview, length: int, now: float) -> Producer | None:
        """One SRTP packet, decrypted where it lies. Returns the Producer that must be flushed."""
        if self._rx_handle is None or self.publisher is None:
            self._keep_early(bytes(view[:length]))
            return None
        length_pointer[0] = length
        status = unprotect(self._rx_handle, pointer, length_pointer)
        if status != OK:
            self._drops["srtp_replay" if status in REPLAY else "srtp_auth"] += 1
            return None
        producer = self.publisher.on_rtp(view[: length_pointer[0]], now)
        if producer is None:
            ssrc = int.from_bytes(view[8:12], "big")
            if self._rx is not None and not self.publisher.knows(ssrc):
                self._rx.forget(ssrc)
        return producer

    def _forget(self, ssrc: int) -> None:
        """The publisher's Track with this SSRC ended a while ago."""
        self._rtcp_senders.discard(ssrc.to_bytes(4, "big"))
        if self._rx is not None:
            self._rx.forget(ssrc)

    def _keep_early(self, data: bytes) -> None:
        """Media may overtake the end of the handshake, and a publisher's first packets are its keyframe."""
        if self.publisher is not None and self._dtls.started and len(self._early) < _MAX_EARLY:
            self._early.append(data)
        else:
            self._drops["rtp_unexpected"] += 1

    def _replay_early(self, now: float) -> None:
        early, self._early = self._early, []
        touched: dict[Producer, None] = {}
        for data in early:
            buffer = ffi.new("unsigned char[]", data)
            producer = self.on_rtp(buffer, memoryview(ffi.buffer(buffer)), len(data), now)
            if producer is not None:
                touched[producer] = None
        for producer in touched:
            producer.flush(now)

    def on_rtcp(self, data: bytes, now: float) -> None:
        """One SRTCP compound packet."""
        if self._rx is None:
            self._drops["rtcp_unexpected"] += 1
            return
        sender = data[4:8]
        if (
            sender not in self._rtcp_senders
            and len(self._rtcp_senders) >= _MAX_RTCP_SENDERS
            and not self._sends(sender)
        ):
            self._drops["rtcp_ssrc"] += 1
            return
        plain = self._rx.unprotect_rtcp(data)
        if plain is None:
            self._drops["srtcp_auth"] += 1
            return
        self._rtcp_senders.add(sender)
        refilled = self._rtcp_allowance + (now - self._last_rtcp) * _RTCP_RATE
        # As good as a check: one lost check of an agent that sends them 6 s apart must not make the path stall.
        self._last_rtcp = self._last_authentic = self.ice.last_heard = now
        self._rtcp_allowance = min(_RTCP_BURST, refilled)
        if len(data) > self._rtcp_allowance:
            self._drops["rtcp_flood"] += 1
            return
        self._rtcp_allowance -= len(data)
        for packet in rtcp.parse_compound(plain):
            if self.publisher is not None:
                self.publisher.on_rtcp(packet, now)
            else:
                self._on_viewer_rtcp(packet, now)

    def _sends(self, ssrc: bytes) -> bool:
        """Whether media comes from this SSRC: then there are few of its like, and its reports carry the clock."""
        return self.publisher is not None and self.publisher.knows(int.from_bytes(ssrc, "big"))

    def _on_viewer_rtcp(self, packet: rtcp.RtcpPacket, now: float) -> None:
        match packet:
            case rtcp.ReceiverReport() | rtcp.SenderReport():
                for block in packet.reports:
                    if (consumer := self._by_ssrc.get(block.ssrc)) is not None:
                        consumer.on_report(block, now)
                        self.rtt_s = consumer.rtt_s or self.rtt_s
            case rtcp.Nack():
                if (consumer := self._by_ssrc.get(packet.media_ssrc)) is not None:
                    consumer.on_nack(list(packet.lost), now)
            case rtcp.Pli():
                if (consumer := self._by_ssrc.get(packet.media_ssrc)) is not None:
                    consumer.on_keyframe_request(now)
            case rtcp.Fir():
                for ssrc, _sequence in packet.entries:
                    if (consumer := self._by_ssrc.get(ssrc)) is not None:
                        consumer.on_keyframe_request(now)
            case rtcp.Remb():
                self.available_bps = packet.bitrate_bps
            case _:
                pass

    # --- out -----------------------------------------------------------------------------------------------------

    def stamp_transport_cc(self, view: memoryview, offset: int, _now: float) -> None:
        """Write this Transport's next transport-wide sequence number."""
        self._transport_cc = (self._transport_cc + 1) & 0xFFFF
        view[offset] = self._transport_cc >> 8
        view[offset + 1] = self._transport_cc & 0xFF

    def send_rtp(self, path: Path, data: bytes, stamp: bool = False, now: float = 0.0) -> None:
        """Encrypt and send one packet (a retransmission, or any packet on TCP)."""
        if self.tx_handle is None:
            return
        size = len(data)
        if not isinstance(path, UdpPath):
            sealed = protect_copy(self.tx_handle, data)
            if sealed is not None:
                path.send(sealed)
            return
        udp = path.socket
        base = udp.reserve(size + MAX_TAG)
        udp.arena_view[base : base + size] = data
        if stamp:
            self.stamp_transport_cc(udp.arena_view, base + (17 if data[12:14] == b"\xbe\xde" else 18), now)
        length_pointer[0] = size
        if protect(self.tx_handle, udp.arena + base, length_pointer) == OK:
            udp.add(path, base, length_pointer[0], length_pointer[0])
        else:
            self.protect_failed += 1

    def send_rtcp(self, packets: Sequence[rtcp.RtcpPacket | bytes]) -> None:
        """Encrypt and send one compound packet, led by a report as RFC 3550 asks unless reduced-size.

        What does not fit one datagram goes on in the next.
        """
        waiting = b""
        for packet in packets:
            data = packet if isinstance(packet, bytes) else packet.build()
            if waiting and len(waiting) + len(data) > _MAX_RTCP_BYTES:
                self._send_compound(waiting)
                waiting = b""
            waiting += data
        if waiting:
            self._send_compound(waiting)

    def _send_compound(self, data: bytes) -> None:
        if self._tx is not None and self.path is not None and (sealed := self._tx.protect_rtcp(data)):
            self.path.send(sealed)

    # --- Producers and Consumers ---------------------------------------------------------------------------------

    def add_producers(self, producers: tuple[ProducerParams, ...], now: float) -> None:
        """Accept Tracks from this peer; ids already there are left alone."""
        if self.publisher is not None:
            for params in producers:
                self.publisher.add(params, now)

    def add_consumers(self, consumers: tuple[ConsumerParams, ...], now: float) -> list[Consumer]:
        """Send Tracks to this peer. Those whose Producer is gone are passed over. Returns the new ones."""
        added: list[Consumer] = []
        for params in consumers:
            producer = self.router.producers.get(params.producer_id)
            if params.id in self.consumers or producer is None:
                continue
            consumer = Consumer(params, producer, self, now)
            self.consumers[params.id] = consumer
            self._by_ssrc[params.ssrc] = consumer
            added.append(consumer)
            producer.add_consumer(consumer, now)
        if added and self.state == "connected":
            self._report_to_viewer(now)
        return added

    def remove_consumer(self, consumer: Consumer) -> None:
        """Stop sending one Track, and free what libsrtp keeps for it.

        Under these SSRCs nothing is ever encrypted again, RTP or RTCP: the negotiation gives a Transport no SSRC twice
        (:mod:`media.outbound_ssrcs`), and only a Consumer's own reports carry its SSRC.
        """
        if self.consumers.pop(consumer.id, None) is not None:
            self._by_ssrc.pop(consumer.params.ssrc, None)
            consumer.producer.remove_consumer(consumer)
            if self._tx is not None:
                self._tx.forget(consumer.params.ssrc)
                if consumer.params.rtx_ssrc is not None:
                    self._tx.forget(consumer.params.rtx_ssrc)

    # --- time ----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """About every 20 ms."""
        if self.state in ("failed", "closed"):
            return
        if self.publisher is not None and self.state == "connected":
            self.publisher.tick(now)
        if now + _TICK_JITTER_S < self._next_report:
            return
        self._next_report = now + _REPORT_INTERVAL_S
        if self.state in ("new", "checking") and now - self._created > CONNECT_TIMEOUT_S:
            self._set_state("failed", "connect_timeout")
        elif self.state in ("connected", "stalled"):
            if self.ice.expired(now):
                self._set_state("failed", "consent_expired")
            elif self.ice.stalled(now) and self.state == "connected":
                self._set_state("stalled", "no_checks")
            elif not self._said_goodbye(now):
                self._report_to_viewer(now)
                if self.publisher is None and now - self._connected_at > _SETTLED_AFTER_S:
                    self._dtls.release()

    def _said_goodbye(self, now: float) -> bool:
        if self._goodbye_at is None:
            return False
        if self._last_authentic > self._goodbye_at:
            self._goodbye_at = None
        elif now - self._goodbye_at > _GOODBYE_AFTER_S:
            self._close("peer_closed")
            return True
        return False

    def _report_to_viewer(self, now: float) -> None:
        reports: list[rtcp.SenderReport] = []
        for consumer in self.consumers.values():
            consumer.measure(now)
            report = consumer.sender_report(now)
            if report is not None:
                reports.append(report)
        for start in range(0, len(reports), _REPORTS_PER_DATAGRAM):
            part = reports[start : start + _REPORTS_PER_DATAGRAM]
            self.send_rtcp([*part, rtcp.Sdes(tuple((report.ssrc, _SERVER_CNAME) for report in part))])

    def _close(self, reason: str) -> None:
        self._set_state("closed", reason)

    def close(self) -> None:
        """Say goodbye to the peer and let go of everything. Reports no state: whoever closes knows.

        One whose consent ran out, or that left by itself, is told nothing (RFC 7675 section 5.1).
        """
        if self._by_ssrc and self.state in ("connected", "stalled"):
            self.send_rtcp([rtcp.ReceiverReport(1), rtcp.Bye(tuple(self._by_ssrc)[:31])])
        self.state = "closed"
        for consumer in list(self.consumers.values()):
            self.remove_consumer(consumer)
        if self.publisher is not None:
            self.publisher.close()
        self._dtls.close()
        if self.path is not None:
            self.path.close()
        self.path = None
        self.tx_handle = self._rx_handle = None

    def stats(self) -> TransportStats:
        """This path's figures."""
        return TransportStats(
            id=self.id,
            router_id=self.router.id,
            direction=self.params.direction,
            state=self.state,
            protocol=self.path.protocol if self.path else "",
            remote=str(self.path) if self.path else "",
            srtp_profile=self.srtp_profile,
            available_bps=self.available_bps,
            dropped=self.protect_failed,
            producers=self.publisher.stats() if self.publisher else (),
            consumers=tuple(consumer.stats() for consumer in self.consumers.values()),
        )
