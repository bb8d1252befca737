"""Both ends of the packet path: encryption, sockets, Transports, and what one fault may cost."""

from __future__ import annotations

import errno
import secrets
import select
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from media import api, libc, stun
from media import header_extensions as hx
from media.dtls import Certificate
from media.engine import Engine
from media.fanout import Burst, send_burst
from media.packet import Packet
from media.publisher import PublisherSide
from media.router import Router
from media.rtp_wire import build_extensions
from media.server_side import new_ice
from media.srtp import unprotect_copy
from media.transport import Transport
from media.udp import UdpPath, bind
from tests.media.rig import DELTA, KEYFRAME, VIDEO_SSRC, VP8, packet
from tests.media.studio import FakeTransport, Studio, srtp_pair

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
