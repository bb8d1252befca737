"""One Producer in virtual time, and viewers that keep what they are sent."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, cast

from pylibsrtp import Policy, Session

from media import api
from media.consumer import Consumer
from media.inbound import InboundStream
from media.producer import Producer
from media.rtp_wire import parse_header
from media.srtp import SrtpContext
from media.transport import Transport
from tests.media.rig import DELTA, VIDEO_SSRC, VP8


class StreamPath:
    """Anything but UDP: packets come to ``send_rtp`` one by one."""

    protocol = "tcp"


class FakeTransport:
    """A viewer's Transport that keeps what it is given, before encryption."""

    def __init__(self, up: bool = True) -> None:
        self.path: StreamPath | None = StreamPath()
        self.tx_handle: object | None = object() if up else None
        self.tag_length = 16
        self.protect_failed = 0
        self.sent: list[bytes] = []

    def send_rtp(self, _path: StreamPath, data: bytes, stamp: bool = False, now: float = 0.0) -> None:
        self.sent.append(data)

    @property
    def got(self) -> list[tuple[int, bytes]]:
        """``(number on the wire, payload)`` of each packet."""
        headers = [parse_header(data) for data in self.sent]
        return [
            (header.sequence, data[header.payload_offset :])
            for header, data in zip(headers, self.sent, strict=True)
            if header is not None
        ]


class Studio:
    """One Producer in virtual time, fed packet by packet; ``asked`` is when a keyframe was asked for, and of whom."""

    def __init__(self, codec: api.Codec = VP8, encodings: tuple[api.Encoding, ...] = ()) -> None:
        self.now = 100.0
        self.codec = codec
        kind: api.Kind = "audio" if codec.name == "opus" else "video"
        params = api.ProducerParams("p", kind, "camera", "0", (codec,), {}, encodings)
        self.asked: list[tuple[float, int]] = []
        self.producer = Producer(
            params, self.now, lambda ssrc: self.asked.append((self.now, ssrc)), lambda _flowing: None
        )
        self.streams: dict[int, InboundStream] = {}
        self._count = 0

    def stream(self, ssrc: int, rid: str | None = None) -> InboundStream:
        if ssrc not in self.streams:
            added = self.producer.add_stream(ssrc, rid, None)
            assert added is not None
            self.streams[ssrc] = added
        return self.streams[ssrc]

    def feed(self, sequence: int, payload: bytes = DELTA, ssrc: int = VIDEO_SSRC, rid: str | None = None) -> None:
        """One packet comes in and is sent on."""
        stream = self.stream(ssrc, rid)
        timestamp = int(self.now * self.codec.clock_rate) & 0xFFFFFFFF
        extended = stream.receive(sequence & 0xFFFF, timestamp, len(payload), self.now)
        self.producer.receive(stream, extended, timestamp, True, self.codec, payload, None, self.now)
        self.producer.flush(self.now)

    def feed_late(self, sequence: int, payload: bytes = DELTA, ssrc: int = VIDEO_SSRC) -> None:
        """One packet comes in over RTX."""
        stream = self.streams[ssrc]
        extended = stream.recovered(sequence & 0xFFFF, len(payload), self.now)
        self.producer.receive(stream, extended, 0, True, self.codec, payload, None, self.now)
        self.producer.flush(self.now)

    def view(self, transport: FakeTransport, codec: api.Codec | None = None, **more: Any) -> Consumer:
        self._count += 1
        codec = codec or self.codec
        rtx_ssrc = 0xCCCC if codec.rtx_payload_type else None
        params = api.ConsumerParams(f"c{self._count}", "p", self.producer.kind, "0", 0xAAAA, rtx_ssrc, (codec,), **more)
        consumer = Consumer(params, self.producer, cast(Transport, transport), self.now)
        self.producer.add_consumer(consumer, self.now)
        return consumer

    def pass_time(self, seconds: float, each_tick: Callable[[], None] = lambda: None) -> None:
        for _ in range(round(seconds / 0.02)):
            self.now += 0.02
            self.producer.tick(self.now)
            each_tick()


def srtp_pair() -> tuple[SrtpContext, SrtpContext]:
    """Both ends of one SRTP session with AES-GCM, as aiortc sets them up."""
    key = secrets.token_bytes(28)
    ends = []
    for kind in (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND):
        policy = Policy(key=key, ssrc_type=kind, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
        policy.allow_repeat_tx = True
        policy.window_size = 1024
        ends.append(SrtpContext(Session(policy), 16))
    return ends[0], ends[1]
