"""Attacks on ICE-TCP while a call is running."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from media import api, stun, tcp
from media.framing import MAX_FRAME, frame
from media.server_side import new_ice
from media.tcp import MAX_UNVERIFIED, TcpPath, TcpServer
from scripts.bench.raw_peer import RemoteSide
from tests.media.live_call import LiveCall, live_call
from tests.media.rig import until
from tests.media.tcp_peer import TcpPeer

pytestmark = pytest.mark.asyncio(loop_scope="module")

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def call() -> AsyncIterator[LiveCall]:
    async with live_call() as running:
        yield running


async def connection(call: LiveCall) -> Connection:
    return await asyncio.open_connection("127.0.0.1", call.rig.worker.info.tcp_port)


async def closed(connection: Connection) -> bool:
    """Whether the Worker ended the connection without a word."""
    reader, writer = connection
    try:
        async with asyncio.timeout(5):
            return await reader.read(1) == b""
    except ConnectionError:
        return True
    finally:
        writer.close()


async def counted(call: LiveCall, reason: str, number: int) -> None:
    """Wait until the Worker refused that often: what comes over TCP keeps no order with the call's datagrams."""
    async with asyncio.timeout(10):
        while (await call.drops())[reason] < number:
            await asyncio.sleep(0.01)


def stranger_check() -> bytes:
    return stun.binding_request(secrets.token_bytes(12), "nobody:x", secrets.token_bytes(16))


async def viewer(call: LiveCall) -> TcpPeer:
    """A viewer whose Transport is open, but which has not connected yet."""
    peer = TcpPeer(call.rig.certificate)
    peer.transport_id = f"tcp-{secrets.token_hex(3)}"
    call.rig.peers.append(peer)
    ice, info = new_ice(), call.rig.worker.info
    dtls = api.DtlsParams("client", (api.Fingerprint("sha-256", peer.certificate.fingerprint),))
    params = api.TransportParams(peer.transport_id, "r", "subscribe", ice, info.fingerprint)
    await call.rig.worker.call(api.OpenTransport(params, dtls, consumers=(call.rig.consumer(),)))
    fingerprint = api.Fingerprint("sha-256", info.fingerprint)
    peer.remote = RemoteSide(ice.ufrag, ice.pwd, fingerprint, "active", ("127.0.0.1", info.tcp_port))
    return peer


async def watching(call: LiveCall, receive_buffer: int = 0) -> TcpPeer:
    """A viewer over TCP that gets media."""
    peer = await viewer(call)
    peer.receive_buffer = receive_buffer
    assert peer.remote is not None
    await peer.connect(peer.remote, "server")
    await until(lambda: bool(peer.kept), 10)
    return peer


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (b"\x00\x00", "tcp_framing"),
        ((MAX_FRAME + 1).to_bytes(2, "big") + bytes(10), "tcp_framing"),
        (b"\xff\xff" + bytes(100), "tcp_framing"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "tcp_framing"),
        (frame(b"\x80" + bytes(100)), "tcp_not_stun"),
        (frame(b"\x16\xfe\xfd" + bytes(100)), "tcp_not_stun"),
        (frame(b"\xff"), "tcp_not_stun"),
    ],
)
async def test_what_is_not_ice_ends_the_connection(call: LiveCall, written: bytes, reason: str) -> None:
    async with call.dropping() as refused:
        before = (await call.drops())[reason]
        one = await connection(call)
        one[1].write(written)
        assert await closed(one)
        await counted(call, reason, before + 1)
    assert refused == {reason: 1}


async def test_an_unauthenticated_connection_reaches_nothing(call: LiveCall) -> None:
    async with call.dropping() as refused:
        before = (await call.drops())["unknown_source"]
        _, writer = await connection(call)
        hello = b"\x16\xfe\xfd" + bytes(60)
        for data in (stranger_check(), hello, call.last_sealed, b"\xc8" + bytes(8), bytes(20), b"\x90" + bytes(2)):
            writer.write(frame(data))
        await counted(call, "unknown_source", before + 3)
        writer.close()
    assert refused == {"stun_unknown": 1, "stun_malformed": 1, "not_media": 1, "unknown_source": 3}


async def test_a_drip_of_single_bytes_is_put_together(call: LiveCall) -> None:
    async with call.dropping() as refused:
        before = (await call.drops())["stun_unknown"]
        _, writer = await connection(call)
        for byte in frame(stranger_check()):
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        await counted(call, "stun_unknown", before + 1)
        writer.close()
    assert refused == {"stun_unknown": 1}


async def test_idle_connections_do_not_lock_a_true_peer_out(call: LiveCall) -> None:
    extra = 60
    async with call.dropping() as refused:
        idle = [await connection(call) for _ in range(MAX_UNVERIFIED + extra)]
        for _, writer in idle:
            writer.write(b"\x07\xd0half a frame")
        await counted(call, "tcp_too_many", extra)
        peer = await watching(call)
        assert await closed(idle[0])
        for _, writer in idle:
            writer.close()
    assert refused == {"tcp_too_many": extra + 1}
    await call.rig.worker.call(api.CloseTransport(peer.transport_id))
    await asyncio.wait_for(peer.ended.wait(), 5)


async def test_garbage_from_a_verified_connection_ends_only_that(call: LiveCall) -> None:
    peer = await watching(call)
    async with call.dropping() as refused:
        before = await call.drops()
        for data in (b"\x80\x60" + bytes(30), b"\x80\xc9" + bytes(30), b"\x17\xfe\xfd" + bytes(30), b"\x80\xc9\x00"):
            peer.write(frame(data))
        await counted(call, "size", before["size"] + 1)
        peer.write(b"\x00\x00")
        await asyncio.wait_for(peer.ended.wait(), 5)
    assert refused == {"rtp_unexpected": 1, "srtcp_auth": 1, "dtls_refused": 1, "size": 1, "tcp_framing": 1}
    await until(lambda: api.TransportStateChanged(peer.transport_id, "stalled", "connection_lost") in call.rig.events)


async def test_a_viewer_that_stops_reading_loses_its_own_packets_only(call: LiveCall) -> None:
    peer = await watching(call, receive_buffer=8192)
    peer.stop_reading()
    before = (await call.rig.stats()).rss_bytes
    async with call.dropping() as refused:
        # The kernel takes its share before the Worker's own buffer fills.
        async with asyncio.timeout(30):
            while not (await call.drops())["tcp_buffer_full"]:
                for _ in range(100):
                    call.send_next(1100)
                await call.absorbed()
    assert set(refused) == {"tcp_buffer_full"}
    assert (await call.rig.stats()).rss_bytes - before < 8 << 20
    await call.rig.worker.call(api.CloseTransport(peer.transport_id))


async def test_a_connection_without_a_check_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "VERIFY_TIMEOUT_S", 0.02)
    drops: list[str] = []
    gone: list[TcpPath] = []
    server = TcpServer(lambda path, data: None, gone.append, drops.append)
    await server.start("127.0.0.1", 0)
    connections = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
    connections[1][1].write(frame(stranger_check()))
    for one in connections:
        assert await closed(one)
    await until(lambda: len(gone) == 3)
    assert drops == ["tcp_unverified"] * 3
    assert not server.unverified
    server.close()
