"""A publisher, its Tracks and their viewers in virtual time: the real packet path without sockets and without keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from media import api, rtcp
from media import header_extensions as hx
from media.consumer import Consumer
from media.producer import Producer
from media.publisher import PublisherSide
from media.router import Router
from media.rtp_wire import build_extensions, parse_header
from media.transport import Transport
from tests.media.rig import OPUS, VP8, packet

IDS = {hx.MID: 1, hx.RID: 2, hx.REPAIRED_RID: 3, hx.AUDIO_LEVEL: 4, hx.TRANSPORT_CC: 5, hx.ABS_CAPTURE_TIME: 6}
TICK_S = 0.02


class Path:
    """A path that send_burst takes for ICE-TCP, where packets are encrypted one by one: here, not at all."""

    protocol = "tcp"
    host = "192.0.2.1"
    port = 9


class Viewer:
    """A viewer's Transport as its Consumers see it. ``got`` holds plain packets."""

    def __init__(self) -> None:
        self.path: Path | None = Path()
        self.tx_handle: object | None = object()
        self.tag_length = 16
        self.protect_failed = 0
        self.got: list[bytes] = []

    def send_rtp(self, path: Path, data: bytes, stamp: bool = False, now: float = 0.0) -> None:
        """What the real one encrypts and sends."""
        assert path is self.path
        self.got.append(data)

    def numbers(self, ssrc: int = 0xAAAA) -> list[int]:
        """Sequence numbers received on one SSRC."""
        return [header.sequence for data in self.got if (header := parse_header(data)) and header.ssrc == ssrc]

    def timestamps(self) -> list[int]:
        """RTP timestamps received."""
        return [header.timestamp for data in self.got if (header := parse_header(data))]

    def payloads(self) -> list[bytes]:
        """Payloads received."""
        return [data[header.payload_offset :] for data in self.got if (header := parse_header(data))]


class Stage:
    """One publisher. ``now`` moves only by :meth:`wait`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.router = Router("r")
        self.drops: Counter[str] = Counter()
        self.rtcp: list[rtcp.RtcpPacket] = []
        self.flow: list[tuple[str, bool]] = []
        self.publisher = PublisherSide(
            self.router, self._take_rtcp, lambda name, on: self.flow.append((name, on)), self.drops
        )
        self._count = 0

    def _take_rtcp(self, packets: Sequence[rtcp.RtcpPacket | bytes]) -> None:
        for one in packets:
            self.rtcp.extend(rtcp.parse_compound(one if isinstance(one, bytes) else one.build()))

    def track(self, name: str = "v", kind: api.Kind = "video", **more: Any) -> Producer:
        """Publish a Track."""
        codec = VP8 if kind == "video" else OPUS
        source: api.Source = "camera" if kind == "video" else "microphone"
        fields: dict[str, Any] = {"mid": name, "codecs": (codec,), "extensions": IDS, **more}
        self.publisher.add(api.ProducerParams(name, kind, source, **fields), self.now)
        return self.publisher.producers[name]

    def viewer(self, producer: Producer, **more: Any) -> tuple[Viewer, Consumer]:
        """Let somebody watch a Track."""
        self._count += 1
        codec = VP8 if producer.kind == "video" else OPUS
        fields: dict[str, Any] = {"mid": "0", "ssrc": 0xAAAA, "rtx_ssrc": 0xCCCC, "codecs": (codec,), **more}
        params = api.ConsumerParams(f"c{self._count}", producer.id, producer.kind, **fields)
        transport = Viewer()
        consumer = Consumer(params, producer, cast(Transport, transport), self.now)
        producer.add_consumer(consumer, self.now)
        return transport, consumer

    def receive(
        self,
        sequence: int,
        payload: bytes,
        *,
        timestamp: int = 0,
        ssrc: int = 0x1111,
        payload_type: int = 96,
        mid: str | None = None,
        rid: str | None = None,
        repaired: str | None = None,
        extensions: Sequence[tuple[int, bytes]] = (),
    ) -> Producer | None:
        """One decrypted packet from the publisher, and on to the viewers."""
        named = [(IDS[hx.MID], mid), (IDS[hx.RID], rid), (IDS[hx.REPAIRED_RID], repaired)]
        elements = [(ext_id, value.encode()) for ext_id, value in named if value is not None]
        block = build_extensions([*elements, *extensions])
        data = packet(sequence, payload, timestamp=timestamp, ssrc=ssrc, payload_type=payload_type, extensions=block)
        producer = self.publisher.on_rtp(memoryview(data), self.now)
        if producer is not None:
            producer.flush(self.now)
        return producer

    def wait(self, seconds: float) -> None:
        """Let time pass, as the Engine does it: 20 ms at a time."""
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now = min(end, self.now + TICK_S)
            self.publisher.tick(self.now)
            for producer in self.publisher.producers.values():
                producer.tick(self.now)

    def asked(self) -> list[int]:
        """SSRCs of the keyframe requests since the last call."""
        found = [p.media_ssrc for p in self.rtcp if isinstance(p, rtcp.Pli)]
        found += [ssrc for p in self.rtcp if isinstance(p, rtcp.Fir) for ssrc, _ in p.entries]
        self.rtcp = [p for p in self.rtcp if not isinstance(p, rtcp.Pli | rtcp.Fir)]
        return found
