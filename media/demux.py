"""From a datagram to its Transport (RFC 7983), trusting nothing that did not pass a STUN integrity check.

Only an address that passed one is known; everything but STUN from any other address is counted and dropped, so that
no state is kept for a source that has not proved itself, and no third party reaches DTLS, SRTP or aiortc.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Hashable

from pylibsrtp._binding import ffi

from media.producer import Producer
from media.stun import peek_ufrag
from media.tcp import TcpPath
from media.transport import Path, Transport
from media.udp import RX_BATCH, RX_SLOT, UdpPath, UdpSocket

logger = logging.getLogger(__name__)

_MAX_ROUNDS = 8
_RTP_MINIMUM = 12
_RTCP_MINIMUM = 8


class Demux:
    """Finds Transports by validated source and by ICE user fragment."""

    def __init__(self, clock: Callable[[], float], drops: Counter[str]) -> None:
        self.drops = drops
        self.packets_in = 0
        self.bytes_in = 0
        self.sockets: list[UdpSocket] = []
        #: ``(router_id, reason)``: a Room that packets can no longer be forwarded in.
        self.on_fault: Callable[[str, str], None] = lambda _router_id, _reason: None
        self._clock = clock
        self._by_ufrag: dict[str, Transport] = {}
        self._by_source: dict[Hashable, tuple[Transport, Path]] = {}
        self._sources: dict[str, set[Hashable]] = {}
        self._scratch = ffi.new("unsigned char[]", RX_SLOT)
        self._scratch_view = memoryview(ffi.buffer(self._scratch))

    # --- registry ------------------------------------------------------------------------------------------------

    def add(self, transport: Transport, ufrag: str) -> None:
        """Answer checks for ``ufrag`` from now on."""
        self._by_ufrag[ufrag] = transport

    def remove(self, transport: Transport) -> None:
        """Forget a Transport, its user fragments and its addresses."""
        self._forget_ufrags(transport, (*transport.ice.ufrags, *transport.ice.take_retired()))
        for key in list(self._sources.get(transport.id, ())):
            self._forget_source(transport, key)
        self._sources.pop(transport.id, None)

    def _forget_ufrags(self, transport: Transport, ufrags: tuple[str, ...]) -> None:
        for ufrag in ufrags:
            if self._by_ufrag.get(ufrag) is transport:
                del self._by_ufrag[ufrag]

    def _forget_source(self, transport: Transport, key: Hashable) -> None:
        self._sources.get(transport.id, set()).discard(key)
        bound = self._by_source.get(key)
        if bound is not None and bound[0] is transport:
            del self._by_source[key]
            if isinstance(key, TcpPath):
                key.close()

    # --- UDP -----------------------------------------------------------------------------------------------------

    def drain(self, udp: UdpSocket) -> None:
        """Read what is there, forward it, and send what that made, in bursts.

        Reading goes on until nothing is left: while the first packet of a frame was decrypted the next ones have come,
        and forwarding them together costs each viewer one message instead of two.
        """
        touched: dict[Producer, Transport] = {}
        gathered = 0
        now = self._clock()
        for _ in range(_MAX_ROUNDS):
            count = udp.receive()
            if not count:
                break
            now = self._clock()
            self._take(udp, count, touched, now)
            gathered += count
            if gathered >= RX_BATCH:
                self._forward(touched, now)
                touched, gathered = {}, 0
        self._forward(touched, now)
        self.flush()

    def flush(self) -> None:
        """Send everything that waits in the arenas, before the Worker turns to something else."""
        for udp in self.sockets:
            udp.end_turn()

    def _take(self, udp: UdpSocket, count: int, touched: dict[Producer, Transport], now: float) -> None:
        """Dispatch the datagrams of one receive; Producers that got packets are added to ``touched``."""
        lengths, views, pointers = udp.rx_length, udp.rx_view, udp.rx_pointer
        by_source, drops = self._by_source, self.drops
        self.packets_in += count
        for slot in range(count):
            length = lengths[slot]
            if length == 0:
                drops["size"] += 1
                continue
            self.bytes_in += length
            view = views[slot]
            first = view[0]
            key = udp.source(slot)
            try:
                if 127 < first < 192:
                    bound = by_source.get(key)
                    if bound is None:
                        drops["unknown_source"] += 1
                    elif length >= _RTP_MINIMUM and not 191 < view[1] < 224:
                        producer = bound[0].on_rtp(pointers[slot], view, length, now)
                        if producer is not None:
                            touched[producer] = bound[0]
                    elif length >= _RTCP_MINIMUM:
                        bound[0].on_rtcp(bytes(view[:length]), now)
                    else:
                        drops["size"] += 1
                else:
                    self._control(first, bytes(view[:length]), key, udp, now)
            except Exception:
                # Our own bug: it costs this datagram, not the others that were read with it.
                logger.exception("datagram")
                drops["internal"] += 1

    def _forward(self, touched: dict[Producer, Transport], now: float) -> None:
        for producer, transport in touched.items():
            try:
                producer.flush(now)
                if transport.publisher is not None:
                    transport.publisher.request_lost(now)
            except Exception as exc:
                logger.exception("router %s failed", transport.router.id)
                self.on_fault(transport.router.id, repr(exc))

    # --- TCP -----------------------------------------------------------------------------------------------------

    def on_frame(self, path: TcpPath, data: bytes) -> None:
        """One packet from an ICE-TCP connection."""
        now = self._clock()
        length = len(data)
        if not 0 < length <= RX_SLOT:
            self.drops["size"] += 1
            return
        self.packets_in += 1
        self.bytes_in += length
        first = data[0]
        if not 127 < first < 192:
            self._control(first, data, path, None, now)
            return
        bound = self._by_source.get(path)
        if bound is None:
            self.drops["unknown_source"] += 1
        elif length >= _RTP_MINIMUM and not 191 < data[1] < 224:
            self._scratch_view[:length] = data
            producer = bound[0].on_rtp(self._scratch, self._scratch_view, length, now)
            if producer is not None:
                self._forward({producer: bound[0]}, now)
                self.flush()
        elif length >= _RTCP_MINIMUM:
            bound[0].on_rtcp(data, now)
            self.flush()
        else:
            self.drops["size"] += 1

    def gone(self, path: TcpPath) -> None:
        """An ICE-TCP connection ended; its Transport waits for the peer to come back on another path."""
        bound = self._by_source.pop(path, None)
        if bound is not None:
            self._sources.get(bound[0].id, set()).discard(path)
            bound[0].ice.forget(path)
            bound[0].path_gone(path)

    # --- STUN and DTLS -------------------------------------------------------------------------------------------

    def _control(self, first: int, data: bytes, key: Hashable, udp: UdpSocket | None, now: float) -> None:
        if first < 4:
            self._on_stun(data, key, udp, now)
        elif 19 < first < 64:
            bound = self._by_source.get(key)
            if bound is None:
                self.drops["unknown_source"] += 1
            else:
                bound[0].on_dtls(data)
        else:
            self.drops["not_media"] += 1

    def _on_stun(self, data: bytes, key: Hashable, udp: UdpSocket | None, now: float) -> None:
        ufrag = peek_ufrag(data)
        transport = self._by_ufrag.get(ufrag) if ufrag is not None else None
        if transport is None:
            self.drops["stun_unknown" if ufrag is not None else "stun_malformed"] += 1
            return
        bound = self._by_source.get(key)
        if bound is not None and bound[0] is not transport and bound[0].holds_on(now):
            # Someone with a Transport of their own who forges another peer's address must not take it over.
            self.drops["stun_foreign_source"] += 1
            return
        path: Path
        if bound is not None:
            path = bound[1]
        elif udp is not None:
            assert isinstance(key, bytes)
            path = UdpPath(udp, key)
        else:
            assert isinstance(key, TcpPath)
            path = key
        result = transport.ice.handle(data, key, now, (path.host, path.port))
        if result.drop is not None:
            self.drops[f"stun_{result.drop}"] += 1
        if result.evicted is not None:
            self._forget_source(transport, result.evicted)
        if result.retired:
            self._forget_ufrags(transport, transport.ice.take_retired())
        if result.validated:
            if bound is None or bound[0] is not transport:
                self._by_source[key] = (transport, path)
                self._sources.setdefault(transport.id, set()).add(key)
                if isinstance(path, TcpPath):
                    path.mark_verified()
            transport.heard(now)
        if result.response is not None:
            path.send(result.response)
        if result.nominated:
            transport.set_path(path, now)
