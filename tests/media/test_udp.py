"""Batched UDP on real loopback sockets: what goes in as one message comes out as separate datagrams."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from media import libc, udp
from media.udp import ARENA_SIZE, RX_BATCH, RX_SLOT, TURN_WAIT_S, TX_BATCH, UdpPath, UdpSocket, bind

_SO_NO_CHECK = 11


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


LOOPBACKS = ["127.0.0.1", *(["::1"] if has_ipv6() else [])]


class Pair:
    """A UdpSocket and plain sockets that it talks to."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._stack = ExitStack()
        (self.udp,) = bind(host, 0)
        self._stack.callback(self.udp.close)
        self.address = self.udp.sock.getsockname()[:2]

    def client(self) -> socket.socket:
        """A plain socket connected to ours."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        sock = self._stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.bind((self.host, 0))
        sock.connect(self.address)
        sock.settimeout(10)
        return sock

    def path_to(self, client: socket.socket) -> UdpPath:
        """The path to a client, learnt as the service learns it: from a datagram."""
        client.send(b"hello")
        return UdpPath(self.udp, self.udp.source(self.wait(1)[0]))

    def wait(self, count: int) -> list[int]:
        """Receive until ``count`` datagrams are there in one batch (loopback delivers before send returns)."""
        received = self.udp.receive()
        assert received == count
        return list(range(received))

    def queue(self, path: UdpPath, packets: list[bytes], segment: int) -> None:
        """Write packets into the arena and queue them as one run."""
        blob = b"".join(packets)
        base = self.udp.reserve(len(blob))
        self.udp.arena_view[base : base + len(blob)] = blob
        self.udp.add(path, base, len(blob), segment)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(params=LOOPBACKS)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    made = Pair(request.param)
    yield made
    made.close()


@pytest.fixture(params=[False, True], ids=["vectors", "one by one"])
def any_pair(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """With recvmmsg and sendmmsg, and as on a machine that has neither."""
    if request.param:
        monkeypatch.setattr(libc, "available", False)
    made = Pair("127.0.0.1")
    yield made
    made.close()


def numbered(count: int, size: int, last: int = 0) -> list[bytes]:
    """Packets of ``size`` bytes, the last one of ``last`` bytes if given."""
    packets = [index.to_bytes(4, "big") + bytes(size - 4) for index in range(count)]
    return [*packets, bytes((255,)) * last] if last else packets


def drain(client: socket.socket, count: int) -> list[bytes]:
    received = [client.recv(4096) for _ in range(count)]
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(4096)
    client.settimeout(10)
    return received


# --- receive ---------------------------------------------------------------------------------------------------------


def test_datagrams_arrive_with_their_length_and_source(any_pair: Pair) -> None:
    clients = [any_pair.client() for _ in range(3)]
    sent = [
        (client, bytes((index + 1,)) * size) for index, client in enumerate(clients) for size in (1, 500, RX_SLOT - 1)
    ]
    for client, data in sent:
        client.send(data)
    for slot, (client, data) in zip(any_pair.wait(len(sent)), sent, strict=True):
        assert bytes(any_pair.udp.rx_view[slot][: any_pair.udp.rx_length[slot]]) == data
        path = UdpPath(any_pair.udp, any_pair.udp.source(slot))
        assert (path.host, path.port) == client.getsockname()[:2]


def test_empty_and_oversize_datagrams_are_marked(any_pair: Pair) -> None:
    client = any_pair.client()
    for size in (0, RX_SLOT + 1, 60_000, 3):
        client.send(bytes(size))
    any_pair.wait(4)
    assert any_pair.udp.rx_length[:4] == [0, 0, 0, 3]


def test_a_batch_takes_so_many_and_no_more(any_pair: Pair) -> None:
    client = any_pair.client()
    for _ in range(RX_BATCH + 5):
        client.send(b"x")
    assert [any_pair.udp.receive(), any_pair.udp.receive(), any_pair.udp.receive()] == [RX_BATCH, 5, 0]


def test_one_source_is_one_key(pair: Pair) -> None:
    client = pair.client()
    first, again, other = pair.path_to(client), pair.path_to(client), pair.path_to(pair.client())
    assert first.key == again.key != other.key
    assert str(first) == (f"[::1]:{first.port}" if pair.host == "::1" else f"127.0.0.1:{first.port}")


# --- send ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [0, 17, 999])
def test_a_run_arrives_as_separate_datagrams(pair: Pair, last: int) -> None:
    client = pair.client()
    packets = numbered(40, 1000, last)
    pair.queue(pair.path_to(client), packets, 1000)
    pair.udp.flush()
    assert drain(client, len(packets)) == packets
    assert pair.udp.dropped == 0


def test_without_vectors_a_run_arrives_the_same(any_pair: Pair) -> None:
    client = any_pair.client()
    packets = numbered(10, 800, 33)
    any_pair.queue(any_pair.path_to(client), packets, 800)
    any_pair.queue(any_pair.path_to(client), [b"single"], 6)
    any_pair.udp.flush()
    assert drain(client, 12) == [*packets, b"single"]


def test_many_paths_in_one_flush(pair: Pair) -> None:
    clients = [pair.client() for _ in range(20)]
    paths = [pair.path_to(client) for client in clients]
    for index, path in enumerate(paths):
        pair.queue(path, numbered(5, 200 + index), 200 + index)
        pair.queue(path, [b"odd"], 3)
    pair.udp.flush()
    for index, client in enumerate(clients):
        assert drain(client, 6) == [*numbered(5, 200 + index), b"odd"]


def test_more_messages_than_the_vector_holds(pair: Pair) -> None:
    client = pair.client()
    path = pair.path_to(client)
    expected = [index.to_bytes(4, "big") for index in range(TX_BATCH + 10)]
    for packet in expected:
        pair.queue(path, [packet], 4)
    pair.udp.flush()
    assert drain(client, len(expected)) == expected


def test_a_full_arena_is_sent_before_it_is_written_over(pair: Pair) -> None:
    client = pair.client()
    path = pair.path_to(client)
    size, rounds = 1200, ARENA_SIZE // (40 * 1200) + 3
    expected: list[bytes] = []
    received: list[bytes] = []
    for index in range(rounds):
        packets = [(index * 40 + n).to_bytes(4, "big") + bytes((index % 251,)) * (size - 4) for n in range(40)]
        expected += packets
        pair.queue(path, packets, size)
    pair.udp.flush()
    received = drain(client, len(expected))
    assert received == expected


def test_nothing_queued_sends_nothing(pair: Pair) -> None:
    pair.udp.flush()
    assert pair.udp.dropped == 0


@pytest.mark.skipif(not libc.available, reason="no sendmmsg here")
@pytest.mark.parametrize("pair", ["127.0.0.1"], indirect=True)
def test_a_kernel_that_refuses_segmentation_gets_packets_one_by_one(pair: Pair) -> None:
    """Linux refuses UDP_SEGMENT on a socket without checksums, as it does for a route that cannot carry it."""
    client, bystander = pair.client(), pair.client()
    path, other = pair.path_to(client), pair.path_to(bystander)
    pair.udp.sock.setsockopt(socket.SOL_SOCKET, _SO_NO_CHECK, 1)
    # Two runs are queued before the kernel says no to the first.
    for _ in range(2):
        pair.queue(path, numbered(3, 500, 20), 500)
        pair.queue(other, [b"single"], 6)
    pair.udp.flush()
    assert drain(client, 8) == numbered(3, 500, 20) * 2
    assert drain(bystander, 2) == [b"single"] * 2
    assert not path.segmented
    assert other.segmented
    # From now on it is not even tried.
    pair.queue(other, [b"before"], 6)
    pair.queue(path, numbered(2, 300), 300)
    pair.queue(path, [b"after"], 5)
    pair.udp.flush()
    assert drain(client, 3) == [*numbered(2, 300), b"after"]
    assert pair.udp.dropped == 0


@pytest.mark.skipif(not libc.available, reason="no sendmmsg here")
def test_a_message_that_the_kernel_refuses_does_not_stop_the_others(pair: Pair) -> None:
    client = pair.client()
    path = pair.path_to(client)
    pair.queue(path, [b"one"], 3)
    base = pair.udp.reserve(70_000)
    pair.udp.add(path, base, 70_000, 70_000)
    pair.queue(path, [b"two"], 3)
    pair.udp.flush()
    assert drain(client, 2) == [b"one", b"two"]
    assert pair.udp.dropped == 1


class Blocked:
    """A ``sendmmsg`` whose socket buffer is full for the first ``times`` calls."""

    def __init__(self, times: int, code: int) -> None:
        self.times = times
        self.code = code
        self.calls = 0
        self.real = libc.libc

    def sendmmsg(self, fd: int, vec: Any, count: int, flags: int) -> int:
        self.calls += 1
        if self.calls <= self.times:
            libc.ffi.errno = self.code
            return -1
        sent: int = self.real.sendmmsg(fd, vec, count, flags)
        return sent


@pytest.mark.skipif(not libc.available, reason="no sendmmsg here")
@pytest.mark.parametrize(
    ("times", "code", "lost"),
    [(1, errno.EAGAIN, 0), (3, errno.ENOBUFS, 0), (5, errno.EINTR, 0), (4, errno.EAGAIN, 12)],
)
def test_a_full_socket_is_waited_for_but_not_for_long(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, times: int, code: int, lost: int
) -> None:
    client = pair.client()
    path = pair.path_to(client)
    monkeypatch.setattr(libc, "libc", Blocked(times, code))
    pair.queue(path, numbered(10, 100, 7), 100)
    pair.queue(path, [b"single"], 6)
    pair.udp.flush()
    assert pair.udp.dropped == lost
    assert len(drain(client, 12 - lost)) == 12 - lost
    # The arena starts over in either case.
    pair.queue(path, [b"later"], 5)
    pair.udp.flush()
    assert drain(client, 1) == [b"later"]


@pytest.mark.skipif(not libc.available, reason="no sendmmsg here")
def test_the_parts_of_a_turn_share_the_time_to_wait(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    client = pair.client()
    path = pair.path_to(client)
    waits: list[int] = []

    def wait() -> None:
        waits.append(len(waits))
        pair.udp.waited_s += 0.002

    monkeypatch.setattr(pair.udp, "_wait_writable", wait)
    blocked = Blocked(10_000, errno.EAGAIN)
    monkeypatch.setattr(libc, "libc", blocked)
    for turn in (1, 2):
        for _ in range(170):
            pair.queue(path, [b"part"], 4)
            pair.udp.flush()
        # Each part was tried, but the whole cost no more than one picture's time.
        assert (blocked.calls, pair.udp.dropped) == ((170 + round(TURN_WAIT_S / 0.002)) * turn, 170 * turn)
        assert len(waits) * 0.002 == pytest.approx(TURN_WAIT_S * turn)
        pair.udp.end_turn()
    blocked.calls, blocked.times = 0, 3
    pair.queue(path, [b"later"], 5)
    pair.udp.end_turn()
    assert drain(client, 1) == [b"later"]


def test_control_datagrams_leave_at_once(pair: Pair) -> None:
    client = pair.client()
    path = pair.path_to(client)
    path.send(b"stun")
    assert drain(client, 1) == [b"stun"]
    # What cannot be sent is dropped without a word: the protocols above repeat.
    path.send(bytes(70_000))
    path.close()


# --- bind ------------------------------------------------------------------------------------------------------------


def test_each_own_address_is_answered_from() -> None:
    own = ["127.0.0.2", "127.0.0.3"]
    sockets = bind("", 0, own)
    port = sockets[0].sock.getsockname()[1]
    try:
        for target in (*own, "127.0.0.9", *(["::1"] if "::1" in LOOPBACKS else [])):
            family = socket.AF_INET6 if ":" in target else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as client:
                # Connected: an answer from another address would be refused.
                client.settimeout(10)
                client.connect((target, port))
                client.send(b"asked")
                hit = [one for one in sockets if one.receive()]
                assert len(hit) == 1
                UdpPath(hit[0], hit[0].source(0)).send(b"answer")
                if target != "127.0.0.9":
                    assert client.recv(100) == b"answer"
    finally:
        for one in sockets:
            one.close()


@pytest.mark.parametrize("host", ["", "127.0.0.1"])
def test_a_port_in_use_is_refused(host: str) -> None:
    first = bind(host, 0)
    port = first[0].sock.getsockname()[1]
    try:
        with pytest.raises(OSError) as refused:
            bind(host, port)
        assert refused.value.errno == errno.EADDRINUSE
    finally:
        for one in first:
            one.close()
    for one in bind(host, port):
        one.close()


def test_an_address_that_is_not_ours_is_left_to_the_wildcard() -> None:
    sockets = bind("", 0, ["203.0.113.77"])
    names = [one.sock.getsockname()[0] for one in sockets]
    assert "203.0.113.77" not in names
    for one in sockets:
        one.close()


@pytest.mark.parametrize("address", [("127.0.0.1", 1), ("255.255.255.255", 65535), ("::1", 4000), ("2001:db8::5", 443)])
def test_a_sockaddr_reads_back(address: tuple[str, int]) -> None:
    key = udp._encode_sockaddr(address)
    assert udp._decode_sockaddr(key) == address
    assert len(key) == (28 if ":" in address[0] else 16)


def test_link_local_paths_keep_their_zone() -> None:
    key = bytearray(udp._encode_sockaddr(("fe80::1", 5000)))
    key[24:28] = (7).to_bytes(4, sys.byteorder)
    (one,) = bind("127.0.0.1", 0)
    try:
        one.name_length = len(key)
        assert UdpPath(one, bytes(key)).address == ("fe80::1", 5000, 0, 7)
    finally:
        one.close()


def test_sockets_of_both_families_have_slots_for_their_addresses() -> None:
    for host in LOOPBACKS:
        (one,) = bind(host, 0)
        assert isinstance(one, UdpSocket)
        assert one.name_length == (28 if ":" in host else 16)
        assert len(one.source(0)) > one.name_length
        one.close()
