"""The publishing side of a Transport: which packet belongs to which Producer, and what its sender is told.

SSRCs are bound by what the SDP says, else by the mid and rid extensions, else by a payload type that only one
Producer has (RFC 8843 section 9.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from media import header_extensions as hx
from media import rtcp
from media.api import Codec, ProducerParams, ProducerStats
from media.inbound import InboundStream
from media.producer import Producer
from media.router import Router
from media.rtp_wire import Header, iter_extensions, parse_header
from media.twcc import ArrivalRecorder

FEEDBACK_INTERVAL_S = 0.05
_REPORT_INTERVAL_S = 1.0
_SERVER_SSRC = 1
MAX_SSRCS = 32
#: SSRCs of Tracks that ended and whose SRTP state is kept: more than any sender has at once that goes on with its own.
MAX_RETIRED = 32
#: Extension values that travel on to viewers; all others describe this hop only.
_PASSED_ON = frozenset({hx.AUDIO_LEVEL, hx.VIDEO_ORIENTATION, hx.ABS_CAPTURE_TIME, hx.DEPENDENCY_DESCRIPTOR})


class PublisherSide:
    """``send_rtcp`` takes packets for this peer; ``on_flow(producer_id, flowing)`` reports Tracks that start or stop.

    ``forget(ssrc)``: nothing more is expected from this SSRC, its SRTP state can go. Not as soon as its Track ends:
    Firefox goes on under the same SSRC when an m-line is used again, at an index that a new SRTP stream would not guess
    once the numbers have wrapped (RFC 3711 section 3.3.1), and what is late or repeated must not begin a stream anew.
    """

    def __init__(
        self,
        router: Router,
        send_rtcp: Callable[[Sequence[rtcp.RtcpPacket | bytes]], None],
        on_flow: Callable[[str, bool], None],
        drops: Counter[str],
        forget: Callable[[int], None] = lambda _ssrc: None,
    ) -> None:
        self.producers: dict[str, Producer] = {}
        self.rtt_s = 0.1
        self._router = router
        self._send_rtcp = send_rtcp
        self._on_flow = on_flow
        self._drops = drops
        self._forget = forget
        self._streams: dict[int, tuple[Producer, InboundStream]] = {}
        self._rtx: dict[int, tuple[Producer, InboundStream]] = {}
        self._by_mid: dict[str, Producer] = {}
        #: The longest ended first. One that is in use again stays listed until its turn comes.
        self._retired: dict[int, None] = {}
        self._names: dict[int, str] = {}
        self._arrivals: ArrivalRecorder | None = None
        self._fir_sequence = 0
        self._next_feedback = 0.0
        self._next_report = 0.0

    def add(self, params: ProducerParams, now: float) -> None:
        """Accept one Track."""
        if params.id in self.producers:
            return
        producer = Producer(params, now, self._ask_keyframe, lambda flowing: self._on_flow(params.id, flowing))
        self.producers[params.id] = producer
        self._by_mid[params.mid] = producer
        # With BUNDLE an id means the same extension on every m-line (RFC 8843 section 8).
        self._names.update({ext_id: uri for uri, ext_id in params.extensions.items()})
        if hx.TRANSPORT_CC in params.extensions and self._arrivals is None:
            self._arrivals = ArrivalRecorder()
        for encoding in params.encodings:
            if encoding.ssrc is None or encoding.ssrc in self._streams or len(self._streams) >= MAX_SSRCS:
                continue
            stream = producer.add_stream(encoding.ssrc, encoding.rid, None)
            if stream is None:
                continue
            self._streams[encoding.ssrc] = (producer, stream)
            if encoding.rtx_ssrc is not None:
                self._bind_rtx(encoding.rtx_ssrc, producer, stream)
        self._router.add_producer(producer)

    def remove(self, producer_id: str) -> None:
        """Forget one Track; its packets are dropped from now on."""
        producer = self.producers.pop(producer_id, None)
        if producer is None:
            return
        if self._by_mid.get(producer.params.mid) is producer:
            # An m-line that is used again carries another Track by now.
            del self._by_mid[producer.params.mid]
        for table in (self._streams, self._rtx):
            for ssrc in [ssrc for ssrc, (owner, _) in table.items() if owner is producer]:
                del table[ssrc]
                self._retire(ssrc)

    def _retire(self, ssrc: int) -> None:
        self._retired.pop(ssrc, None)
        self._retired[ssrc] = None
        if len(self._retired) > MAX_RETIRED:
            oldest = next(iter(self._retired))
            del self._retired[oldest]
            if not self.knows(oldest):
                self._forget(oldest)

    def knows(self, ssrc: int) -> bool:
        """Whether packets of this SSRC belong to a Track, or did until lately."""
        return ssrc in self._streams or ssrc in self._rtx or ssrc in self._retired

    # --- packets -------------------------------------------------------------------------------------------------

    def on_rtp(self, view: memoryview, now: float) -> Producer | None:
        """One decrypted packet. Returns the Producer it went to."""
        header = parse_header(view)
        if header is None:
            self._drops["rtp_malformed"] += 1
            return None
        extensions = self._read_extensions(view, header) if header.ext_length else {}
        if self._arrivals is not None and (number := extensions.get(hx.TRANSPORT_CC)) is not None and len(number) == 2:
            self._arrivals.received(int.from_bytes(number, "big"), now)
        bound = self._streams.get(header.ssrc)
        if bound is not None:
            return self._on_media(view, header, extensions, bound, now)
        if (bound := self._rtx.get(header.ssrc)) is not None:
            return self._on_rtx(view, header, extensions, bound, now)
        return self._on_unbound(view, header, extensions, now)

    def _read_extensions(self, view: memoryview, header: Header) -> dict[str, bytes]:
        names = self._names
        return {names[ext_id]: value for ext_id, value in iter_extensions(view, header) if ext_id in names}

    def _on_media(
        self,
        view: memoryview,
        header: Header,
        extensions: dict[str, bytes],
        bound: tuple[Producer, InboundStream],
        now: float,
    ) -> Producer | None:
        producer, stream = bound
        codec = producer.codec_by_type.get(header.payload_type)
        if codec is None:
            self._drops["rtp_payload_type"] += 1
            return None
        end = len(view) - header.padding
        extended = stream.receive(header.sequence, header.timestamp, len(view), now)
        if producer.kind == "audio":
            self._note_level(producer, extensions, now)
        passed = {uri: value for uri, value in extensions.items() if uri in _PASSED_ON} if extensions else None
        producer.receive(
            stream,
            extended,
            header.timestamp,
            header.marker,
            codec,
            bytes(view[header.payload_offset : end]),
            passed,
            now,
        )
        return producer

    def _on_rtx(
        self,
        view: memoryview,
        header: Header,
        extensions: dict[str, bytes],
        bound: tuple[Producer, InboundStream],
        now: float,
    ) -> Producer | None:
        producer, stream = bound
        codec = self._original_codec(producer, header.payload_type)
        end = len(view) - header.padding
        # Shorter than an original sequence number: padding that probes for bandwidth, not a repeat (RFC 4588).
        if codec is None or end - header.payload_offset <= 2 or stream.highest < 0:
            return None
        original = int.from_bytes(view[header.payload_offset : header.payload_offset + 2], "big")
        extended = stream.recovered(original, len(view), now)
        passed = {uri: value for uri, value in extensions.items() if uri in _PASSED_ON}
        payload = bytes(view[header.payload_offset + 2 : end])
        producer.receive(stream, extended, header.timestamp, header.marker, codec, payload, passed, now)
        return producer

    def _on_unbound(
        self, view: memoryview, header: Header, extensions: dict[str, bytes], now: float
    ) -> Producer | None:
        producer = self._owner(header, extensions)
        if producer is None or len(self._streams) + len(self._rtx) >= MAX_SSRCS:
            self._drops["rtp_ssrc"] += 1
            return None
        if header.payload_type in producer.rtx_types:
            stream = self._find_repaired(producer, extensions)
            if stream is None:
                self._drops["rtp_ssrc"] += 1
                return None
            self._bind_rtx(header.ssrc, producer, stream)
            return self._on_rtx(view, header, extensions, (producer, stream), now)
        rid = extensions.get(hx.RID)
        new = producer.add_stream(header.ssrc, rid.decode("ascii", "replace") if rid else None, header.payload_type)
        if new is None:
            self._drops["rtp_ssrc"] += 1
            return None
        self._streams[header.ssrc] = (producer, new)
        return self._on_media(view, header, extensions, (producer, new), now)

    def _find_producer(self, header: Header, extensions: dict[str, bytes]) -> Producer | None:
        mid = extensions.get(hx.MID)
        if mid is not None:
            return self._by_mid.get(mid.decode("ascii", "replace"))
        candidates = [
            producer
            for producer in self.producers.values()
            if header.payload_type in producer.codec_by_type or header.payload_type in producer.rtx_types
        ]
        return candidates[0] if len(candidates) == 1 else None

    def _owner(self, header: Header, extensions: dict[str, bytes]) -> Producer | None:
        """Whose SSRC this is, that is not bound yet.

        One that had another Track before is not found by its payload type, nor taken where the SDP names others: a
        camera that went off stage must not show up in the screen, only because that is the one Track left.
        """
        ssrc = header.ssrc
        for producer in self.producers.values():
            if any(ssrc in (encoding.ssrc, encoding.rtx_ssrc) for encoding in producer.params.encodings):
                return producer
        found = self._find_producer(header, extensions)
        if found is None or ssrc not in self._retired:
            return found
        named = hx.MID in extensions and all(encoding.ssrc is None for encoding in found.params.encodings)
        return found if named else None

    def _find_repaired(self, producer: Producer, extensions: dict[str, bytes]) -> InboundStream | None:
        repaired = extensions.get(hx.REPAIRED_RID)
        streams = list(producer.streams.values())
        if repaired is not None:
            name = repaired.decode("ascii", "replace")
            return next((stream for stream in streams if stream.rid == name), None)
        return streams[0] if len(streams) == 1 else None

    def _bind_rtx(self, ssrc: int, producer: Producer, stream: InboundStream) -> None:
        stream.rtx_ssrc = ssrc
        self._rtx[ssrc] = (producer, stream)

    @staticmethod
    def _original_codec(producer: Producer, payload_type: int) -> Codec | None:
        original = producer.rtx_types.get(payload_type)
        return None if original is None else producer.codec_by_type.get(original)

    def _note_level(self, producer: Producer, extensions: dict[str, bytes], now: float) -> None:
        value = extensions.get(hx.AUDIO_LEVEL)
        if value:
            level, voice = hx.parse_audio_level(value)
            producer.audio_level = level
            # A whisper is for the host alone: nobody may see from the speakers that there is one.
            if not producer.paused and producer.params.source != "whisper":
                self._router.speakers.level(producer.id, level, voice, now)

    # --- RTCP ----------------------------------------------------------------------------------------------------

    def on_rtcp(self, packet: rtcp.RtcpPacket, now: float) -> None:
        """One RTCP packet from the publisher: only its clock is of use; BYE frees the SSRC."""
        match packet:
            case rtcp.SenderReport():
                if (bound := self._streams.get(packet.ssrc)) is not None:
                    bound[1].on_sender_report(packet, now)
            case rtcp.Bye():
                for ssrc in packet.ssrcs:
                    if self._rtx.pop(ssrc, None) is not None:
                        self._forget(ssrc)
            case _:
                pass

    def tick(self, now: float) -> None:
        """Every 20 ms: retransmission requests, transport-wide feedback, and once a second receiver reports."""
        self.request_lost(now)
        if self._arrivals is not None and now >= self._next_feedback:
            self._next_feedback = now + FEEDBACK_INTERVAL_S
            media_ssrc = next(iter(self._streams), 0)
            for packet in self._arrivals.feedback(_SERVER_SSRC, media_ssrc, now):
                self._send_rtcp([packet])
        if now >= self._next_report:
            self._next_report = now + _REPORT_INTERVAL_S
            self._report(now)

    def request_lost(self, now: float) -> None:
        """Send NACKs that are due, or ask for a keyframe where too much is missing to ask for each packet."""
        packets: list[rtcp.RtcpPacket] = []
        for producer, stream in self._streams.values():
            if stream.nack is None:
                continue
            if not producer.wants(stream):
                stream.nack.forget()
                continue
            lost = stream.nack.due(now, self.rtt_s)
            if lost:
                packets.append(rtcp.Nack(_SERVER_SSRC, stream.ssrc, tuple(lost)))
            if stream.nack.take_overflow():
                producer.request_keyframe(now)
        if packets:
            self._send_rtcp(packets)

    def _report(self, now: float) -> None:
        blocks = []
        for producer, stream in self._streams.values():
            if stream.packets:
                blocks.append(stream.report_block(now))
            producer.measure(now)
        if blocks:
            self._send_rtcp([rtcp.ReceiverReport(_SERVER_SSRC, tuple(blocks[:31]))])

    def _ask_keyframe(self, ssrc: int) -> None:
        bound = self._streams.get(ssrc)
        if bound is None:
            return
        feedback = bound[0].params.codecs[0].feedback
        if "nack pli" in feedback or "ccm fir" not in feedback:
            self._send_rtcp([rtcp.Pli(_SERVER_SSRC, ssrc)])
        else:
            # One count for all SSRCs: a sender only looks whether the number is another one than the last.
            self._send_rtcp([rtcp.Fir(_SERVER_SSRC, ((ssrc, self._fir_sequence),))])
            self._fir_sequence = (self._fir_sequence + 1) & 0xFF

    def close(self) -> None:
        """Forget every Track. The Router's side is closed by whoever closes the Transport."""
        for producer_id in list(self.producers):
            self.remove(producer_id)

    def stats(self) -> tuple[ProducerStats, ...]:
        """Figures per Track."""
        return tuple(producer.stats(self.rtt_s) for producer in self.producers.values())
