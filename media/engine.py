"""What a Worker does, without its process: carries out requests and keeps time for every Router and Transport."""

from __future__ import annotations

import logging
import os
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from media import api
from media.consumer import Consumer
from media.demux import Demux
from media.dtls import Certificate
from media.producer import Producer
from media.router import Router
from media.rpc import RpcError
from media.taps import Taps
from media.transport import Transport

logger = logging.getLogger(__name__)

TICK_S = 0.02
FAST_TICK_S = 0.003
SPEAKER_INTERVAL_S = 0.1
#: Viewers' Transports are visited in this many turns, one turn a tick, so that a second's work is spread evenly.
_TURNS = 50


class Engine:
    """Owns every Router and Transport of one Worker.

    ``emit`` reports to the control plane; ``hurry`` asks for a :meth:`fast_tick` soon, because a viewer connected.
    """

    def __init__(
        self,
        emit: Callable[[api.Event], None],
        clock: Callable[[], float] = time.monotonic,
        hurry: Callable[[], None] = lambda: None,
    ) -> None:
        self.drops: Counter[str] = Counter()
        self.demux = Demux(clock, self.drops)
        self.demux.on_fault = self.fail_router
        self.loop_lag_s = 0.0
        self._emit = emit
        self._clock = clock
        self._hurry = hurry
        self._routers: dict[str, Router] = {}
        self._transports: dict[str, Transport] = {}
        self._publishers: dict[str, Transport] = {}
        self._viewers: list[dict[str, Transport]] = [{} for _ in range(_TURNS)]
        self._turn = 0
        self._finished: list[str] = []
        self._producers: dict[str, tuple[Producer, Transport]] = {}
        self._consumers: dict[str, Consumer] = {}
        self._taps = Taps(emit)
        self._certificates: list[Certificate] = []
        self._next_speakers = 0.0
        self._retired_packets = 0
        self._retired_bytes = 0
        self._handlers: dict[type[api.Request[Any]], Callable[[Any], Any]] = {
            api.OpenRouter: self._open_router,
            api.CloseRouter: self._close_router,
            api.OpenTransport: self._open_transport,
            api.ConnectTransport: self._connect_transport,
            api.RestartIce: self._restart_ice,
            api.CloseTransport: lambda request: self._drop_transport(request.transport_id),
            api.AddProducers: self._add_producers,
            api.CloseProducer: lambda request: self._drop_producer(request.producer_id),
            api.PauseProducer: self._pause_producer,
            api.AddConsumers: self._add_consumers,
            api.CloseConsumer: lambda request: self._drop_consumer(request.consumer_id),
            api.PauseConsumer: self._pause_consumer,
            api.RequestKeyframe: self._request_keyframe,
            api.OpenTap: self._open_tap,
            api.CutTaps: lambda request: self._taps.cut(request.taps, request.cut, self._clock()),
            api.CloseTaps: lambda request: self._taps.close(request.taps, self._clock()),
            api.GetStats: lambda request: self.stats(request.router_id, request.direction),
        }

    # --- certificate ---------------------------------------------------------------------------------------------

    def rotate_certificate(self) -> str:
        """Make a new certificate current; the one before stays usable. Returns the sha-256 fingerprint."""
        certificate = Certificate.generateCertificate()
        first = not self._certificates
        self._certificates = [certificate, *self._certificates[:1]]
        if not first:
            self._emit(api.CertificateChanged(certificate.fingerprint))
        return certificate.fingerprint

    # --- requests ------------------------------------------------------------------------------------------------

    def handle(self, request: api.Request[Any]) -> Any:
        """Carry out one request. Raises RpcError."""
        try:
            return self._handlers[type(request)](request)
        finally:
            # What the request made ready to send (a replay, a report) leaves now, not with the next datagram.
            self.demux.flush()

    def _open_router(self, request: api.OpenRouter) -> None:
        if request.router_id not in self._routers:
            self._routers[request.router_id] = Router(request.router_id)

    def _close_router(self, request: api.CloseRouter) -> None:
        router = self._routers.get(request.router_id)
        if router is not None:
            # Viewers first: a Producer that goes takes their Consumers along, and they would not be told.
            for transport_id in sorted(router.transport_ids, key=lambda one: one in self._publishers):
                self._drop_transport(transport_id)
            del self._routers[request.router_id]

    def _open_transport(self, request: api.OpenTransport) -> None:
        params = request.transport
        router = self._routers.get(params.router_id)
        if router is None:
            raise RpcError("router_not_found", f"no router {params.router_id}")
        if params.id in self._transports:
            raise RpcError("transport_exists", f"transport {params.id} exists")
        certificate = next((c for c in self._certificates if c.fingerprint == params.certificate), None)
        if certificate is None:
            raise RpcError("certificate_unknown", "that certificate was rotated out")
        now = self._clock()
        transport = Transport(
            params,
            router,
            certificate,
            self._clock,
            lambda state, reason: self._on_state(params.id, state, reason),
            self._on_flow,
            self.drops,
            self._made_ready,
        )
        transport.prepare = request.prepare
        self._transports[params.id] = transport
        router.transport_ids.add(params.id)
        if params.direction == "publish":
            self._publishers[params.id] = transport
        else:
            min(self._viewers, key=len)[params.id] = transport
        self.demux.add(transport, params.ice.ufrag)
        self._note_producers(transport, request.producers, now)
        self._note_consumers(transport.add_consumers(request.consumers, now))
        if request.dtls is not None:
            transport.connect(request.dtls)

    def _connect_transport(self, request: api.ConnectTransport) -> None:
        transport = self._transport(request.transport_id)
        transport.connect(request.dtls)
        self._note_consumers(transport.add_consumers(request.consumers, self._clock()))

    def _restart_ice(self, request: api.RestartIce) -> None:
        transport = self._transport(request.transport_id)
        transport.restart_ice(request.ice)
        self.demux.add(transport, request.ice.ufrag)

    def _add_producers(self, request: api.AddProducers) -> None:
        self._note_producers(self._transport(request.transport_id), request.producers, self._clock())

    def _add_consumers(self, request: api.AddConsumers) -> None:
        transport = self._transport(request.transport_id)
        self._note_consumers(transport.add_consumers(request.consumers, self._clock()))

    def _pause_producer(self, request: api.PauseProducer) -> None:
        entry = self._producers.get(request.producer_id)
        if entry is None:
            raise RpcError("producer_not_found", f"no producer {request.producer_id}")
        producer, transport = entry
        if request.paused != producer.paused:
            self._taps.tell(producer, "muted" if request.paused else "unmuted", self._clock())
        producer.pause(request.paused, self._clock())
        if request.paused:
            transport.router.speakers.remove(producer.id)

    def _pause_consumer(self, request: api.PauseConsumer) -> None:
        self._consumer(request.consumer_id).pause(request.paused, self._clock())

    def _request_keyframe(self, request: api.RequestKeyframe) -> None:
        self._consumer(request.consumer_id).on_keyframe_request(self._clock())

    def _open_tap(self, request: api.OpenTap) -> None:
        producer, transport = self._producers.get(request.producer_id, (None, None))
        if producer is None or transport is None or transport.router.id != request.router_id:
            raise RpcError("producer_not_found", f"no producer {request.producer_id}")
        publisher = transport.publisher
        assert publisher is not None
        self._taps.open(request, producer, lambda: publisher.rtt_s, self._clock())

    def _consumer(self, consumer_id: str) -> Consumer:
        consumer = self._consumers.get(consumer_id)
        if consumer is None:
            raise RpcError("consumer_not_found", f"no consumer {consumer_id}")
        return consumer

    def _transport(self, transport_id: str) -> Transport:
        transport = self._transports.get(transport_id)
        if transport is None:
            raise RpcError("transport_not_found", f"no transport {transport_id}")
        return transport

    # --- life cycle ----------------------------------------------------------------------------------------------

    def _note_producers(self, transport: Transport, producers: Iterable[api.ProducerParams], now: float) -> None:
        params = tuple(producers)
        transport.add_producers(params, now)
        if transport.publisher is not None:
            for entry in params:
                self._producers[entry.id] = (transport.publisher.producers[entry.id], transport)

    def _note_consumers(self, consumers: Iterable[Consumer]) -> None:
        for consumer in consumers:
            self._consumers[consumer.id] = consumer

    def _drop_producer(self, producer_id: str) -> None:
        producer, transport = self._producers.pop(producer_id, (None, None))
        if producer is None or transport is None:
            return
        self._taps.producer_closed(producer, self._clock())
        for consumer in transport.router.remove_producer(producer_id):
            self._drop_consumer(consumer.id)
        if transport.publisher is not None:
            transport.publisher.remove(producer_id)

    def _drop_consumer(self, consumer_id: str) -> None:
        consumer = self._consumers.pop(consumer_id, None)
        if consumer is not None:
            self._retired_packets += consumer.packets
            self._retired_bytes += consumer.bytes
            consumer.transport.remove_consumer(consumer)

    def _drop_transport(self, transport_id: str) -> None:
        transport = self._transports.pop(transport_id, None)
        if transport is None:
            return
        consumers = list(transport.consumers)
        producers = list(transport.publisher.producers) if transport.publisher is not None else []
        # First, while it still has a path to say goodbye on.
        transport.close()
        self.demux.remove(transport)
        self._publishers.pop(transport_id, None)
        for turn in self._viewers:
            turn.pop(transport_id, None)
        transport.router.transport_ids.discard(transport_id)
        for consumer_id in consumers:
            self._drop_consumer(consumer_id)
        for producer_id in producers:
            self._drop_producer(producer_id)

    def _on_state(self, transport_id: str, state: api.TransportState, reason: str) -> None:
        self._emit(api.TransportStateChanged(transport_id, state, reason))
        if state in ("failed", "closed"):
            # Not at once: the Transport that says so is still in the middle of a packet or a handshake.
            self._finished.append(transport_id)

    def _made_ready(self) -> None:
        """A handshake ended, and its viewer got the first part of what is cached for it."""
        self.demux.flush()
        self._hurry()

    def _on_flow(self, producer_id: str, flowing: bool) -> None:
        if self._taps and (entry := self._producers.get(producer_id)) is not None:
            self._taps.tell(entry[0], "flowing" if flowing else "stalled", self._clock())
        self._emit(api.ProducerFlowChanged(producer_id, flowing))

    # --- time ----------------------------------------------------------------------------------------------------

    def tick(self) -> bool:
        """Called every TICK_S. True: call again after FAST_TICK_S, because viewers are catching up."""
        now = self._clock()
        while self._finished:
            self._drop_transport(self._finished.pop())
        for transport in list(self._publishers.values()):
            self._guarded(transport.router, transport.tick, now)
        self._turn = (self._turn + 1) % _TURNS
        for transport in list(self._viewers[self._turn].values()):
            self._guarded(transport.router, transport.tick, now)
        busy = False
        for producer, transport in list(self._producers.values()):
            self._guarded(transport.router, producer.tick, now)
            busy = busy or producer.busy
        if now >= self._next_speakers:
            self._next_speakers = now + SPEAKER_INTERVAL_S
            self._evaluate_speakers(now)
        self.demux.flush()
        if self._taps:
            self._taps.tick(now)
        return busy

    def fast_tick(self) -> bool:
        """Only what cannot wait for the next tick. True: call again after FAST_TICK_S."""
        now = self._clock()
        busy = False
        for producer, transport in list(self._producers.values()):
            if producer.busy:
                self._guarded(transport.router, producer.tick, now)
                busy = busy or producer.busy
        self.demux.flush()
        return busy

    def _guarded(self, router: Router, tick: Callable[[float], None], now: float) -> None:
        try:
            tick(now)
        except Exception as exc:
            # Our own bug: give up this Room, never the Worker.
            logger.exception("router %s failed", router.id)
            self.fail_router(router.id, repr(exc))

    def fail_router(self, router_id: str, reason: str) -> None:
        """Close a Router whose invariants broke, and tell the control plane, once."""
        if router_id not in self._routers:
            return
        self._close_router(api.CloseRouter(router_id))
        self._emit(api.RouterFailed(router_id, reason))

    def _evaluate_speakers(self, now: float) -> None:
        for router in self._routers.values():
            speakers = router.speakers.evaluate(now)
            if speakers is not None:
                self._emit(api.SpeakersChanged(router.id, tuple(speakers)))

    # --- statistics ----------------------------------------------------------------------------------------------

    def stats(self, router_id: str | None, direction: api.Direction | None = None) -> api.WorkerStats:
        """Figures of one Router or of all, of one direction or of both."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        drops = dict(self.drops)
        drops["send"] = sum(udp.dropped for udp in self.demux.sockets)
        drops["oversize"] = sum(udp.oversize for udp in self.demux.sockets)
        return api.WorkerStats(
            pid=os.getpid(),
            routers=len(self._routers),
            packets_in=self.demux.packets_in,
            packets_out=self._retired_packets + sum(c.packets for c in self._consumers.values()),
            bytes_in=self.demux.bytes_in,
            bytes_out=self._retired_bytes + sum(c.bytes for c in self._consumers.values()),
            rss_bytes=resident_bytes(),
            cpu_s=usage.ru_utime + usage.ru_stime,
            loop_lag_ms=round(self.loop_lag_s * 1000, 2),
            drops=drops,
            transports=tuple(
                transport.stats()
                for transport in self._transports.values()
                if router_id in (None, transport.router.id) and direction in (None, transport.params.direction)
            ),
        )

    def close(self) -> None:
        """Close every Router."""
        for router_id in list(self._routers):
            self._close_router(api.CloseRouter(router_id))
        self.demux.flush()
        self._taps.end(self._clock())


def resident_bytes() -> int:
    """This process's resident set, 0 where /proc is missing."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
