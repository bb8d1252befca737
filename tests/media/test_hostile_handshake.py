"""Attacks on another peer's ICE and DTLS handshake while a call is running on the same socket."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from media import api, rtcp
from media.dtls import Certificate, DtlsEndpoint
from media.server_side import new_ice
from scripts.bench.raw_peer import RawPeer
from tests.media.live_call import LiveCall, flips, live_call
from tests.media.rig import VIDEO_SSRC, packet, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def call() -> AsyncIterator[LiveCall]:
    async with live_call() as running:
        yield running


class Newcomer(RawPeer):
    """A viewer that calls ``on_flight(data)`` in front of each DTLS datagram that it sends."""

    on_flight: Callable[[bytes], None] | None = None

    def _send(self, data: bytes) -> None:
        if self.on_flight is not None and 19 < data[0] < 64:
            self.on_flight(data)
        super()._send(data)


async def newcomer(call: LiveCall, transport_id: str, role: api.DtlsRole) -> tuple[Newcomer, api.IceParams]:
    """A viewer whose Transport is open; the Worker's DTLS role is ``role``."""
    peer = Newcomer(call.rig.certificate, "127.0.0.1")
    peer.keep = True
    peer.transport_id = transport_id
    call.rig.peers.append(peer)
    ice = new_ice()
    params = api.TransportParams(transport_id, "r", "subscribe", ice, call.rig.worker.info.fingerprint)
    dtls = api.DtlsParams(role, (api.Fingerprint("sha-256", peer.certificate.fingerprint),))
    await call.rig.worker.call(api.OpenTransport(params, dtls, consumers=(call.rig.consumer(),)))
    return peer, ice


async def somebodys_client_hello() -> bytes:
    """The first flight of a DTLS client that has nothing to do with the call."""
    sent: asyncio.Queue[bytes] = asyncio.Queue()
    endpoint = DtlsEndpoint(
        Certificate.generateCertificate(), sent.put_nowait, lambda *_: None, lambda _: None, lambda: None
    )
    endpoint.start(api.DtlsParams("client", (api.Fingerprint("sha-256", ":".join(["00"] * 32)),)))
    hello = await asyncio.wait_for(sent.get(), 10)
    endpoint.close()
    return hello


@pytest.mark.parametrize("role", ["client", "server"])
async def test_a_client_hello_from_a_third_address_during_the_handshake(call: LiveCall, role: api.DtlsRole) -> None:
    """CVE-2023-51443: whoever is first must not own the session."""
    stranger = call.stranger()
    peer, ice = await newcomer(call, f"raced-{role}", role)
    hello = await somebodys_client_hello()
    count = 0

    def race(data: bytes) -> None:
        nonlocal count
        for record in (hello, data):
            stranger.send(record)
            count += 1

    peer.on_flight = race
    async with call.dropping() as refused:
        for _ in range(3):
            stranger.send(hello)
        await peer.connect(call.rig.remote(ice), "client" if role == "server" else "server")
        await until(lambda: bool(peer.kept))
        peer.on_flight = None
        stranger.send(hello)
    assert refused == {"unknown_source": count + 4}
    assert count
    with pytest.raises(BlockingIOError):
        stranger.recv(2048)


def garbage(rng: random.Random, flight: bytes) -> list[bytes]:
    """DTLS-like datagrams that OpenSSL must pass over: nonsense, other versions and epochs, cut records."""
    return [
        bytes((rng.randrange(20, 64),)) + rng.randbytes(rng.randrange(1, 1400)),
        bytes((22,)) + b"\x03\x03" + rng.randbytes(80),
        flight[: len(flight) // 2],
        flight[:13],
        flight[:3] + b"\x00\x05" + flight[5:],
        bytes((23,)) + b"\xfe\xfd\x00\x01" + rng.randbytes(6) + b"\x00\x20" + rng.randbytes(32),
        bytes((20,)),
    ]


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("copies", [1, 30])
async def test_dtls_garbage_during_a_handshake(call: LiveCall, role: api.DtlsRole, copies: int) -> None:
    """With 30 copies the inbox overflows, and the true flight gets through only when it is repeated."""
    rng = random.Random(f"{role} {copies}")
    peer, ice = await newcomer(call, f"garbled-{role}-{copies}", role)
    flights = 0

    def garble(data: bytes) -> None:
        nonlocal flights
        flights += 1
        if flights < 4:
            for datagram in garbage(rng, data) * copies:
                peer.sock.send(datagram)

    peer.on_flight = garble
    async with call.dropping() as refused:
        await peer.connect(call.rig.remote(ice), "client" if role == "server" else "server")
        await until(lambda: bool(peer.kept), 10)
    assert set(refused) <= {"dtls_refused"}
    assert copies == 1 or refused["dtls_refused"]


@pytest.mark.parametrize("role", ["client", "server"])
async def test_spoilt_flights_after_a_handshake(call: LiveCall, role: api.DtlsRole) -> None:
    peer, ice = await newcomer(call, f"spoilt-{role}", role)
    flights: list[bytes] = []
    peer.on_flight = flights.append
    await peer.connect(call.rig.remote(ice), "client" if role == "server" else "server")
    await until(lambda: bool(peer.kept))
    peer.on_flight = None
    spoilt: list[bytes] = []
    for flight in flights:
        spoilt += flips(flight, 100, list(range(1, len(flight))))
        spoilt += [flight[:length] for length in range(1, len(flight), 7)]
    async with call.dropping() as refused:
        for index, data in enumerate((*flights, *spoilt)):
            peer.sock.send(data)
            if index % 100 == 99:
                await call.absorbed()
    assert refused == {"dtls_refused": len(flights) + len(spoilt)}
    count = len(peer.kept)
    await until(lambda: len(peer.kept) > count)


async def test_media_before_the_handshake(call: LiveCall) -> None:
    peer, ice = await newcomer(call, "early", "client")
    held: list[bytes] = []

    def hold(_data: bytes) -> None:
        if not held:
            for index in range(50):
                held.append(packet(index, b"early", ssrc=VIDEO_SSRC))
                peer.sock.send(held[-1])
            peer.sock.send(rtcp.Pli(1, 0xAAAA).build())

    peer.on_flight = hold
    async with call.dropping() as refused:
        await peer.connect(call.rig.remote(ice), "server")
        await until(lambda: bool(peer.kept))
    assert refused == {"rtp_unexpected": 50, "rtcp_unexpected": 1}


async def test_dtls_before_a_check_passed(call: LiveCall) -> None:
    peer, _ice = await newcomer(call, "hasty", "server")
    peer.sock.connect(call.address)
    async with call.dropping() as refused:
        peer.sock.send(await somebodys_client_hello())
    assert refused == {"unknown_source": 1}


async def test_a_peer_with_another_certificate_is_refused(call: LiveCall) -> None:
    peer, ice = await newcomer(call, "impostor", "client")
    peer.certificate = Certificate.generateCertificate()
    async with call.dropping():
        # To itself, the impostor is done: its certificate is looked at when it has proved that it has its key.
        await peer.connect(call.rig.remote(ice), "server")
        await until(lambda: api.TransportStateChanged("impostor", "failed", "dtls_failed") in call.rig.events)
    assert not peer.kept
