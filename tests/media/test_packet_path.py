"""From one publisher's packets to what each viewer gets: starting, pausing, numbering, and who is asked for what."""

from __future__ import annotations

import errno
import secrets
import select
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from pylibsrtp import Policy, Session

from media import api, libc, stun
from media import header_extensions as hx
from media.consumer import Consumer
from media.dtls import Certificate
from media.engine import Engine
from media.fanout import Burst, send_burst
from media.inbound import InboundStream
from media.packet import Packet
from media.producer import Producer
from media.publisher import PublisherSide
from media.router import Router
from media.rtp_wire import build_extensions, parse_header
from media.server_side import new_ice
from media.srtp import SrtpContext, protect_copy, unprotect_copy
from media.transport import Transport
from media.udp import UdpPath, bind
from tests.media.rig import AUDIO_SSRC, DELTA, KEYFRAME, OPUS, VIDEO_SSRC, VP8, packet

PLAIN_VP8 = api.Codec("VP8", 96, 90_000, feedback=("nack", "nack pli"))
NO_NACK_VP8 = api.Codec("VP8", 96, 90_000, feedback=("nack pli",))


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


# --- keyframes -------------------------------------------------------------------------------------------------------


def test_a_viewer_that_never_connects_costs_no_keyframes() -> None:
    studio = Studio()
    sequence = 0
    answered = 0

    def publish() -> None:
        nonlocal sequence, answered
        sequence += 1
        studio.feed(sequence, KEYFRAME if len(studio.asked) > answered or sequence == 1 else DELTA)
        answered = len(studio.asked)

    studio.pass_time(1.0, publish)
    studio.view(FakeTransport(up=False))
    studio.pass_time(10.0, publish)
    assert len(studio.asked) <= 1


def test_a_connecting_viewer_finds_a_keyframe_under_way() -> None:
    studio = Studio()
    studio.feed(1, KEYFRAME)
    studio.pass_time(5.0)
    transport = FakeTransport(up=False)
    consumer = studio.view(transport)
    assert [ssrc for _, ssrc in studio.asked] == [VIDEO_SSRC]
    studio.feed(2, KEYFRAME + b"fresh")
    transport.tx_handle = object()
    studio.producer.admit(consumer, studio.now)
    assert [payload for _, payload in transport.got] == [KEYFRAME + b"fresh"]


@pytest.mark.parametrize("joins_while_muted", [False, True])
def test_unmuting_asks_for_a_keyframe(joins_while_muted: bool) -> None:
    studio = Studio()
    transport = FakeTransport()
    studio.feed(1, KEYFRAME)
    studio.producer.pause(True, studio.now)
    studio.pass_time(5.0)
    if joins_while_muted:
        studio.view(transport)
    studio.producer.pause(False, studio.now)
    assert [ssrc for _, ssrc in studio.asked] == [VIDEO_SSRC]
    studio.feed(2, KEYFRAME + b"back")
    assert transport.got[-1:] == ([(transport.got[-1][0], KEYFRAME + b"back")] if joins_while_muted else [])


def test_a_viewer_is_not_left_waiting_for_a_keyframe_that_came_in_pieces() -> None:
    # The publisher repeats nothing, so nothing fills the holes behind the keyframe.
    studio = Studio(NO_NACK_VP8)
    studio.feed(1)
    transport = FakeTransport()
    studio.view(transport)
    studio.feed(100)
    studio.feed(60, KEYFRAME)
    assert not transport.sent
    asked = len(studio.asked)
    studio.pass_time(1.5)
    assert len(studio.asked) == asked + 1
    studio.feed(101, KEYFRAME)
    assert transport.got[0][1] == KEYFRAME


# --- numbering -------------------------------------------------------------------------------------------------------


def seal(sender: SrtpContext, transport: FakeTransport) -> list[bytes]:
    sealed = [protect_copy(sender.handle, data) for data in transport.sent]
    return [data for data in sealed if data is not None]


def bring_to(studio: Studio, number: int) -> int:
    """Feed packets until the next one goes out under ``number`` (16 bits); returns the publisher's number for it."""
    sequence = 1
    studio.feed(sequence, KEYFRAME)
    while (gap := (number - studio.producer.next_sequence) & 0xFFFF) > 0:
        step = min(gap, 20_000)
        sequence += step
        studio.feed(sequence)
    return sequence + 1


@pytest.mark.parametrize("missed", [1, 5, 9])
def test_a_viewer_that_misses_its_first_packets_can_decrypt_the_others(missed: int) -> None:
    studio = Studio()
    start = bring_to(studio, 65536 - 5)
    transport = FakeTransport()
    studio.feed(start, KEYFRAME)
    studio.view(transport)
    for index in range(1, 20):
        studio.feed(start + index)
    sender, receiver = srtp_pair()
    sealed = seal(sender, transport)
    assert len(sealed) == 20
    assert all(unprotect_copy(receiver.handle, data) is not None for data in sealed[missed:])


@pytest.mark.parametrize("late_is_lost", [False, True])
def test_a_packet_from_before_a_viewers_first_one_does_no_harm(late_is_lost: bool) -> None:
    studio = Studio()
    hole = bring_to(studio, 65535)
    studio.feed(hole + 1)
    studio.feed(hole + 2, KEYFRAME)
    transport = FakeTransport()
    studio.view(transport)
    studio.feed_late(hole, DELTA + b"late")
    for index in range(3, 20):
        studio.feed(hole + index)
    sender, receiver = srtp_pair()
    late = next((i for i, (_, payload) in enumerate(transport.got) if payload.endswith(b"late")), None)
    sealed = seal(sender, transport)
    if late_is_lost and late is not None:
        del sealed[late]
    assert len(sealed) >= 18
    assert all(unprotect_copy(receiver.handle, data) is not None for data in sealed)


def test_numbers_start_far_from_the_wrap_whatever_the_publishers_are() -> None:
    for first in (0, 1, 32768, 65535):
        studio = Studio()
        transport = FakeTransport()
        studio.feed(first, KEYFRAME)
        studio.view(transport)
        studio.feed_late(first - 1, DELTA + b"late")
        numbers = [number for number, _ in transport.got]
        assert numbers == [0x2000, 0x1FFF]


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_no_number_stands_for_two_packets_after_a_viewers_pause(kind: str) -> None:
    studio = Studio(PLAIN_VP8 if kind == "video" else OPUS)
    transport = FakeTransport()
    for sequence in range(1, 30):
        if sequence == 1:
            studio.feed(sequence, KEYFRAME + b"1")
            consumer = studio.view(transport)
        else:
            studio.feed(sequence, DELTA + bytes([sequence]))
    consumer.pause(True, studio.now)
    studio.pass_time(5.0)
    for sequence in range(30, 60):
        if sequence != 58:
            studio.feed(sequence, DELTA + bytes([sequence]))
    consumer.pause(False, studio.now)
    studio.feed(60, KEYFRAME + b"60")
    studio.feed_late(58, DELTA + b"late")
    studio.feed(61, DELTA + b"61")
    contents: dict[int, bytes] = {}
    for number, payload in transport.got:
        assert contents.setdefault(number, payload) == payload
    assert contents[max(contents)] == DELTA + b"61"
    assert sorted(contents) == list(range(min(contents), max(contents) + 1))


def test_a_short_pause_is_made_up_from_the_cache_without_going_back() -> None:
    studio = Studio()
    transport = FakeTransport()
    studio.feed(1, KEYFRAME + b"\1")
    consumer = studio.view(transport)
    studio.feed(2, DELTA + b"\2")
    consumer.pause(True, studio.now)
    studio.feed(3, DELTA + b"\3")
    consumer.pause(False, studio.now)
    studio.feed(4, DELTA + b"\4")
    assert [payload[-1] for _, payload in transport.got] == [1, 2, 3, 4]
    numbers = [number for number, _ in transport.got]
    assert numbers == list(range(numbers[0], numbers[0] + 4))


def test_a_repeat_of_a_muted_packet_does_not_open_a_hole_when_the_track_comes_back() -> None:
    studio = Studio(OPUS)
    transport = FakeTransport()
    studio.view(transport)
    studio.feed(1, b"one", AUDIO_SSRC)
    studio.producer.pause(True, studio.now)
    for sequence in range(2, 200):
        studio.feed(sequence, b"muted", AUDIO_SSRC)
    studio.producer.pause(False, studio.now)
    studio.feed_late(150, b"late", AUDIO_SSRC)
    studio.feed(200, b"two", AUDIO_SSRC)
    (first, _), (second, payload) = transport.got
    assert (second - first, payload) == (1, b"two")


# --- which stream goes out -------------------------------------------------------------------------------------------


def test_a_sound_track_goes_on_under_a_new_ssrc() -> None:
    studio = Studio(OPUS)
    transport = FakeTransport()
    studio.view(transport)
    for sequence in range(1, 4):
        studio.feed(sequence, b"old", 0x51)
        studio.now += 0.02
    studio.now += 1.0
    for sequence in range(900, 903):
        studio.feed(sequence, b"new", 0x52)
        studio.now += 0.02
    numbers = [number for number, _ in transport.got]
    assert [payload for _, payload in transport.got] == [b"old"] * 3 + [b"new"] * 3
    assert numbers == list(range(numbers[0], numbers[0] + 6))


def test_a_better_layer_is_not_taken_at_a_keyframe_that_comes_late() -> None:
    studio = Studio(VP8, (api.Encoding("q"), api.Encoding("h")))
    transport = FakeTransport()
    studio.feed(1, KEYFRAME + b"q", 0x51, "q")
    studio.view(transport)
    studio.feed(500, DELTA, 0x52, "h")
    for sequence in range(502, 510):
        studio.feed(sequence, DELTA, 0x52, "h")
    studio.feed_late(501, KEYFRAME + b"late", 0x52)
    studio.feed(510, DELTA + b"undecodable", 0x52, "h")
    assert [payload for _, payload in transport.got] == [KEYFRAME + b"q"]
    studio.feed(511, KEYFRAME + b"h", 0x52, "h")
    studio.feed(512, DELTA + b"h", 0x52, "h")
    assert [payload for _, payload in transport.got[1:]] == [KEYFRAME + b"h", DELTA + b"h"]


# --- encryption ------------------------------------------------------------------------------------------------------


def test_a_packet_that_libsrtp_refuses_is_not_sent_in_clear() -> None:
    sender, receiver = srtp_pair()
    (udp,) = bind("127.0.0.1", 0)
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        client.bind(("127.0.0.1", 0))
        client.settimeout(5)
        client.sendto(b"hello", udp.sock.getsockname())
        assert select.select([udp.sock], [], [], 5)[0] and udp.receive() == 1
        studio = Studio()
        transport = FakeTransport()
        consumer = studio.view(transport)
        transport.path = UdpPath(udp, udp.source(0))  # type: ignore[assignment]
        transport.tx_handle = sender.handle
        layout = consumer.layout

        def burst(*numbers: int) -> Burst:
            packets = [
                Packet(n, 0, True, "VP8", DELTA + b"secret" + bytes([n & 0xFF]), None, False, 0.0) for n in numbers
            ]
            return Burst(layout, packets, 0.0)

        send_burst(burst(5000), [consumer], 0.0)
        # The second one lies further back than libsrtp's window of 1024.
        send_burst(burst(5001, 2000, 5002), [consumer], 0.0)
        udp.flush()
        received = [client.recv(2048) for _ in range(3)]
        plain = [unprotect_copy(receiver.handle, data) for data in received]
        assert [data and data[-1] for data in plain] == [5000 & 0xFF, 5001 & 0xFF, 5002 & 0xFF]
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(2048)
        assert transport.protect_failed == 1
    finally:
        client.close()
        udp.close()


class Unreachable:
    """A ``sendmmsg`` that finds no route once."""

    def __init__(self) -> None:
        self.real = libc.libc
        self.failed = False

    def sendmmsg(self, fd: int, vec: Any, count: int, flags: int) -> int:
        if not self.failed:
            self.failed = True
            libc.ffi.errno = errno.ENETUNREACH
            return -1
        sent: int = self.real.sendmmsg(fd, vec, count, flags)
        return sent


@pytest.mark.skipif(not libc.available, reason="no sendmmsg here")
def test_a_route_that_is_down_for_a_moment_does_not_cost_segmentation(monkeypatch: pytest.MonkeyPatch) -> None:
    (udp,) = bind("127.0.0.1", 0)
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        client.settimeout(5)
        client.sendto(b"hello", udp.sock.getsockname())
        assert select.select([udp.sock], [], [], 5)[0] and udp.receive() == 1
        path = UdpPath(udp, udp.source(0))
        monkeypatch.setattr(libc, "libc", Unreachable())
        base = udp.reserve(300)
        udp.arena_view[base : base + 300] = bytes(300)
        udp.add(path, base, 300, 100)
        udp.flush()
        assert [client.recv(2048) for _ in range(3)] == [bytes(100)] * 3
        assert path.segmented
    finally:
        client.close()
        udp.close()


# --- one Transport ---------------------------------------------------------------------------------------------------


class Line:
    """A path that swallows what it is given."""

    host, port = "192.0.2.1", 5000

    def __init__(self, protocol: str = "tcp") -> None:
        self.protocol = protocol
        self.closed = False

    def send(self, data: bytes) -> None:
        """Nothing comes of it."""

    def close(self) -> None:
        self.closed = True


class Stage:
    """A viewer's Transport in virtual time, without a handshake."""

    def __init__(self) -> None:
        self.now = 100.0
        self.states: list[str] = []
        ice = api.IceParams("ufrag", "password-of-22-characters")
        self.transport = Transport(
            api.TransportParams("t", "r", "subscribe", ice, ""),
            Router("r"),
            Certificate.generateCertificate(),
            lambda: self.now,
            lambda state, _reason: self.states.append(state),
            lambda _producer_id, _flowing: None,
            Counter(),
            lambda: None,
        )


def test_a_session_goes_on_when_its_lost_connection_is_replaced() -> None:
    stage = Stage()
    transport = stage.transport
    first, second = Line(), Line("udp")
    transport.set_path(first, stage.now)
    transport._set_state("connected")
    stage.now += 60
    transport.path_gone(first)
    stage.now += 1
    transport.ice.last_heard = transport.ice._last_check = stage.now
    transport.heard(stage.now)
    transport.set_path(second, stage.now)
    transport.tick(stage.now)
    assert stage.states == ["checking", "connected", "stalled", "connected"]
    assert transport.path is second


def test_viewers_are_reported_to_every_second_though_ticks_are_not_exact() -> None:
    stage = Stage()
    transport = stage.transport
    transport.set_path(Line("udp"), stage.now)
    transport._set_state("connected")
    visits: list[float] = []
    transport._report_to_viewer = visits.append  # type: ignore[method-assign,assignment]
    for second in range(1, 21):
        # A tick comes up to a few milliseconds late; so the next one can come after a little less than a second.
        stage.now = 100.0 + second + (0.004 if second % 2 else 0.0)
        transport.ice.last_heard = transport.ice._last_check = stage.now
        transport.tick(stage.now)
    assert len(visits) == 20


# --- one publisher ---------------------------------------------------------------------------------------------------


def test_an_m_line_that_is_used_again_stays_with_its_new_track() -> None:
    drops: Counter[str] = Counter()
    side = PublisherSide(Router("r"), lambda _packets: None, lambda _producer_id, _flowing: None, drops)
    for producer_id in ("old", "new"):
        side.add(api.ProducerParams(producer_id, "video", "camera", "0", (VP8,), {hx.MID: 1}), 100.0)
    side.remove("old")
    side.add(api.ProducerParams("other", "video", "screen", "1", (VP8,), {hx.MID: 1}), 100.0)
    data = packet(1, KEYFRAME, ssrc=0x77, extensions=build_extensions([(1, b"0")]))
    producer = side.on_rtp(memoryview(bytearray(data)), 100.0)
    assert producer is side.producers["new"]


def test_a_report_between_does_not_upset_the_bitrate() -> None:
    studio = Studio()
    transport = FakeTransport()
    studio.feed(1, KEYFRAME)
    consumer = studio.view(transport)
    for index in range(2, 52):
        studio.now += 0.02
        studio.feed(index, DELTA + bytes(996))
    consumer.measure(studio.now)
    consumer.measure(studio.now + 0.001)
    assert consumer.bitrate_bps == pytest.approx(400_000, rel=0.01)


# --- sockets and Transports ------------------------------------------------------------------------------------------


class Office:
    """An Engine on real sockets, driven by hand; ``check`` is a peer's connectivity check."""

    def __init__(self, own_addresses: tuple[str, ...] = ()) -> None:
        self.events: list[api.Event] = []
        self.engine = Engine(self.events.append)
        self.fingerprint = self.engine.rotate_certificate()
        self.engine.handle(api.OpenRouter("r"))
        self.engine.demux.sockets = bind("", 0, own_addresses)
        self.port: int = self.engine.demux.sockets[0].sock.getsockname()[1]
        self.clients: list[socket.socket] = []

    def open(self, transport_id: str) -> api.IceParams:
        ice = new_ice()
        params = api.TransportParams(transport_id, "r", "subscribe", ice, self.fingerprint)
        self.engine.handle(api.OpenTransport(params))
        return ice

    def client(self) -> socket.socket:
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.bind(("127.0.0.1", 0))
        client.settimeout(5)
        self.clients.append(client)
        return client

    def check(self, client: socket.socket, address: str, ice: api.IceParams) -> None:
        request = stun.binding_request(
            secrets.token_bytes(12), f"{ice.ufrag}:peer", ice.pwd.encode(), use_candidate=True
        )
        client.sendto(request, (address, self.port))

    def drain(self) -> None:
        """Let the Engine read what came, on every socket."""
        for udp in self.engine.demux.sockets:
            self.engine.demux.drain(udp)

    def close(self) -> None:
        for client in self.clients:
            client.close()
        for udp in self.engine.demux.sockets:
            udp.close()


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office(("127.0.0.2", "127.0.0.3"))
    yield office
    office.close()


def test_each_address_of_ours_answers_for_itself_to_the_same_peer(office: Office) -> None:
    ice = office.open("t")
    client = office.client()
    for address in ("127.0.0.2", "127.0.0.3", "127.0.0.2"):
        office.check(client, address, ice)
        office.drain()
        assert client.recvfrom(2048)[1][0] == address
    path = office.engine._transports["t"].path
    assert path is not None
    path.send(b"media")
    assert client.recvfrom(2048) == (b"media", ("127.0.0.2", office.port))
    office.engine.handle(api.CloseTransport("t"))
    assert not office.engine.demux._by_source


def test_a_datagram_that_we_fail_on_costs_only_itself(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    first, second = office.client(), office.client()
    bad, good = office.open("bad"), office.open("good")
    office.check(first, "127.0.0.2", bad)
    office.drain()
    first.recv(2048)

    def fail(_data: bytes) -> None:
        raise AssertionError("an invariant broke")

    office.engine._transports["bad"].on_dtls = fail  # type: ignore[method-assign,assignment]
    first.sendto(b"\x16dtls", ("127.0.0.2", office.port))
    office.check(second, "127.0.0.2", good)
    office.drain()
    assert stun.parse(second.recv(2048)) is not None
    assert office.engine.drops["internal"] == 1
    assert "an invariant broke" in caplog.text


def test_a_room_that_packets_cannot_be_forwarded_in_ends_alone(office: Office) -> None:
    stage = Studio()

    def fail(_now: float) -> None:
        raise AssertionError("an invariant broke")

    office.open("t")
    transport = office.engine._transports["t"]
    stage.producer.flush = fail  # type: ignore[method-assign,assignment]
    other = Studio()
    viewer = FakeTransport()
    other.feed(1, KEYFRAME)
    other.view(viewer)
    stream = other.streams[VIDEO_SSRC]
    other.producer.receive(stream, stream.receive(2, 0, 1, other.now), 0, True, VP8, DELTA, None, other.now)
    office.engine.demux._forward({stage.producer: transport, other.producer: transport}, other.now)
    assert [payload for _, payload in viewer.got] == [KEYFRAME, DELTA]
    assert [event.router_id for event in office.events if isinstance(event, api.RouterFailed)] == ["r"]


async def test_catching_up_goes_on_at_once_when_a_viewer_connects() -> None:
    hurried: list[bool] = []
    engine = Engine(lambda _event: None, hurry=lambda: hurried.append(True))
    fingerprint = engine.rotate_certificate()
    engine.handle(api.OpenRouter("r"))
    engine.handle(api.OpenTransport(api.TransportParams("t", "r", "subscribe", new_ice(), fingerprint)))
    sender, receiver = srtp_pair()
    engine._transports["t"]._dtls_connected(sender, receiver, "SRTP_AEAD_AES_128_GCM")
    assert hurried == [True]
