"""Ways to a real Worker other than IPv4 UDP from one address: ICE-TCP, IPv6, and a change of network."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from media import api, rtcp
from media.pool import PoolConfig, WorkerHandle, WorkerPool
from media.rtp_wire import parse_header
from media.server_side import new_ice
from scripts.bench.raw_peer import RawPeer, RemoteSide
from tests.media.rig import DELTA, KEYFRAME, VIDEO_SSRC, VP8, Rig, packet, running_rig, send, until
from tests.media.tcp_peer import Ipv6Peer, TcpPeer


def numbers(packets: list[bytes], ssrc: int = 0xAAAA) -> list[int]:
    headers = [parse_header(data) for data in packets]
    return [header.sequence for header in headers if header is not None and header.ssrc == ssrc]


async def opened(
    rig: Rig, peer: RawPeer, direction: api.Direction, address: tuple[str, int], **more: Any
) -> RemoteSide:
    """Open a Transport for a peer that will reach the Worker at ``address``."""
    peer.transport_id = f"{direction}{len(rig.peers)}"
    rig.peers.append(peer)
    ice, info = new_ice(), rig.worker.info
    dtls = api.DtlsParams("client", (api.Fingerprint("sha-256", peer.certificate.fingerprint),))
    params = api.TransportParams(peer.transport_id, "r", direction, ice, info.fingerprint)
    await rig.worker.call(api.OpenTransport(params, dtls, **more))
    return RemoteSide(ice.ufrag, ice.pwd, api.Fingerprint("sha-256", info.fingerprint), "active", address)


async def joined(rig: Rig, peer: RawPeer, remote: RemoteSide) -> None:
    await peer.connect(remote, "server")
    await until(lambda: api.TransportStateChanged(peer.transport_id, "connected") in rig.events)


def camera() -> tuple[api.ProducerParams, ...]:
    return (api.ProducerParams("v", "video", "camera", "0", (VP8,), encodings=(api.Encoding(None, VIDEO_SSRC),)),)


# --- ICE-TCP ---------------------------------------------------------------------------------------------------------


async def test_a_call_over_tcp_in_both_directions() -> None:
    async with running_rig() as rig:
        address = ("127.0.0.1", rig.worker.info.tcp_port)
        publisher, viewer = TcpPeer(rig.certificate), TcpPeer(rig.certificate)
        await joined(rig, publisher, await opened(rig, publisher, "publish", address, producers=camera()))
        await joined(rig, viewer, await opened(rig, viewer, "subscribe", address, consumers=(rig.consumer(),)))
        asked: list[rtcp.RtcpPacket] = []
        publisher.on_rtcp = lambda data: asked.extend(rtcp.parse_compound(data))
        for index in range(50):
            if index != 30:
                publisher.send_media(packet(65_520 + index, (DELTA if index else KEYFRAME) + bytes((index,)) * 900))
        await until(lambda: len(viewer.kept) == 49)
        await until(lambda: any(isinstance(p, rtcp.Nack) for p in asked))
        publisher.send_media(packet(65_520 + 30, DELTA + bytes((30,)) * 900))
        await until(lambda: len(viewer.kept) == 50)
        base = numbers(viewer.kept)[0]
        assert sorted((number - base) & 0xFFFF for number in numbers(viewer.kept)) == list(range(50))
        # The viewer's requests go the same way.
        viewer.send_rtcp([rtcp.Nack(1, 0xAAAA, (base,)), rtcp.Pli(1, 0xAAAA)])
        await until(lambda: bool(numbers(viewer.kept, 0xCCCC)))
        await until(lambda: any(isinstance(p, rtcp.Pli) for p in asked))
        stats = await rig.stats()
        assert {transport.protocol for transport in stats.transports} == {"tcp"}
        # The end of a Transport is said, and then the connection ends.
        said: list[rtcp.RtcpPacket] = []
        viewer.on_rtcp = lambda data: said.extend(rtcp.parse_compound(data))
        await rig.worker.call(api.CloseTransport(viewer.transport_id))
        await asyncio.wait_for(viewer.ended.wait(), 5)
        assert [p.ssrcs for p in said if isinstance(p, rtcp.Bye)] == [(0xAAAA,)]


async def test_a_viewer_whose_connection_breaks_comes_back_to_the_same_session() -> None:
    async with running_rig() as rig:
        publisher = await rig.publish()
        viewer = TcpPeer(rig.certificate)
        address = ("127.0.0.1", rig.worker.info.tcp_port)
        await joined(rig, viewer, await opened(rig, viewer, "subscribe", address, consumers=(rig.consumer(),)))
        send(publisher, packet(1, KEYFRAME))
        await until(lambda: len(viewer.kept) == 1)
        viewer.hang_up()
        stalled = api.TransportStateChanged(viewer.transport_id, "stalled", "connection_lost")
        await until(lambda: stalled in rig.events)
        send(publisher, packet(2, DELTA))
        await viewer.open()
        viewer._check()
        await until(lambda: rig.events.count(api.TransportStateChanged(viewer.transport_id, "connected")) == 2)
        send(publisher, packet(3, DELTA))
        await until(lambda: len(viewer.kept) == 2)
        first, third = numbers(viewer.kept)
        assert third == first + 2
        # What it missed it can ask for.
        viewer.send_rtcp([rtcp.Nack(1, 0xAAAA, (first + 1,))])
        await until(lambda: bool(numbers(viewer.kept, 0xCCCC)))


async def test_a_call_moves_from_tcp_to_udp() -> None:
    async with running_rig() as rig:
        publisher = await rig.publish()
        viewer = TcpPeer(rig.certificate)
        remote = await opened(
            rig, viewer, "subscribe", ("127.0.0.1", rig.worker.info.tcp_port), consumers=(rig.consumer(),)
        )
        await joined(rig, viewer, remote)
        send(publisher, packet(1, KEYFRAME))
        await until(lambda: len(viewer.kept) == 1)
        ice = new_ice()
        await rig.worker.call(api.RestartIce(viewer.transport_id, ice))
        # The same keys behind a UDP socket.
        moved = rig.peer()
        moved.keep = True
        moved.tx, moved._rx, moved._dtls = viewer.tx, viewer._rx, viewer._dtls
        moved._dtls_params = viewer._dtls_params
        moved.remote = RemoteSide(
            ice.ufrag, ice.pwd, remote.fingerprint, "active", ("127.0.0.1", rig.worker.info.udp_port)
        )
        moved.sock.connect(moved.remote.address)
        asyncio.get_running_loop().add_reader(moved.sock.fileno(), moved._readable)
        moved._check()
        # The connection that is left is closed by the Worker.
        await asyncio.wait_for(viewer.ended.wait(), 5)
        send(publisher, packet(2, DELTA))
        await until(lambda: len(moved.kept) == 1)
        assert numbers(moved.kept) == [numbers(viewer.kept)[0] + 1]


# --- a change of network ---------------------------------------------------------------------------------------------


def change_address(peer: RawPeer, ice: api.IceParams) -> socket.socket:
    """Give a peer another source port and new credentials to check with; returns the old socket, still open."""
    assert peer.remote is not None
    loop = asyncio.get_running_loop()
    old = peer.sock
    loop.remove_reader(old.fileno())
    remote = peer.remote
    peer.remote = RemoteSide(ice.ufrag, ice.pwd, remote.fingerprint, remote.setup, remote.address)
    peer.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.sock.bind((peer.bind_address, 0))
    peer.sock.setblocking(False)
    peer.sock.connect(remote.address)
    loop.add_reader(peer.sock.fileno(), peer._readable)
    peer._check()
    return old


async def test_an_ice_restart_keeps_the_dtls_session_and_the_media() -> None:
    async with running_rig() as rig:
        publisher = await rig.publish()
        viewer = await rig.view(rig.consumer())
        send(publisher, packet(65_534, KEYFRAME))
        await until(lambda: len(viewer.kept) == 1)
        for peer, transport_id in ((viewer, viewer.transport_id), (publisher, "pub")):
            ice = new_ice()
            await rig.worker.call(api.RestartIce(transport_id, ice))
            before = len(viewer.kept)
            # Until a check arrives everything goes on over the old path.
            send(publisher, packet(65_534 + before, DELTA))
            await until(lambda before=before: len(viewer.kept) == before + 1)  # type: ignore[misc]
            old = change_address(peer, ice)
            here = f"127.0.0.1:{peer.port}"
            async with asyncio.timeout(10):
                while here not in {transport.remote for transport in (await rig.stats()).transports}:
                    await asyncio.sleep(0.01)
            old.close()
            send(publisher, packet(65_535 + before, DELTA))
            await until(lambda before=before: len(viewer.kept) == before + 2)  # type: ignore[misc]
        sequences = numbers(viewer.kept)
        assert [(number - sequences[0]) & 0xFFFF for number in sequences] == [0, 1, 2, 3, 4]
        states = [event.state for event in rig.events if isinstance(event, api.TransportStateChanged)]
        assert sorted(states) == ["checking", "checking", "connected", "connected"]
        assert len({transport.srtp_profile for transport in (await rig.stats()).transports}) == 1


# --- IPv6 ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def rig_on(host: str) -> AsyncIterator[Rig]:
    pool = WorkerPool(PoolConfig(workers=1, host=host, log_level="WARNING"))
    await pool.start()
    rig = Rig(pool, pool.place())
    try:
        await rig.worker.call(api.OpenRouter("r"))
        yield rig
    finally:
        for peer in rig.peers:
            peer.close()
        await pool.close()


@pytest.mark.parametrize("host", ["::1", ""])
async def test_ipv6_and_ipv4_peers_meet(host: str) -> None:
    async with rig_on(host) as rig:
        publisher = Ipv6Peer(rig.certificate)
        address = ("::1", rig.worker.info.udp_port)
        await joined(rig, publisher, await opened(rig, publisher, "publish", address, producers=camera()))
        viewer: RawPeer = Ipv6Peer(rig.certificate)
        if not host:
            address = ("127.0.0.1", rig.worker.info.udp_port)
            viewer.close()
            viewer = RawPeer(rig.certificate, "127.0.0.1", keep=True)
        await joined(rig, viewer, await opened(rig, viewer, "subscribe", address, consumers=(rig.consumer(),)))
        for index in range(40):
            send(publisher, packet(65_520 + index, (DELTA if index else KEYFRAME) + bytes((index,)) * 1000))
        await until(lambda: len(viewer.kept) == 40)
        assert [data[-1] for data in viewer.kept] == list(range(40))
        remotes = sorted(transport.remote for transport in (await rig.stats()).transports)
        assert remotes[-1].startswith("[::1]:")
        assert remotes[0].startswith("[::1]:" if host else "127.0.0.1:")


# --- the pool --------------------------------------------------------------------------------------------------------


async def test_a_worker_is_replaced_even_if_its_loss_cannot_be_dealt_with(caplog: pytest.LogCaptureFixture) -> None:
    async with running_rig() as rig:

        def clumsy(handle: WorkerHandle) -> None:
            raise LookupError("the listener's own mistake")

        rig.pool.on_lost = clumsy
        os.kill(rig.worker.info.pid, signal.SIGKILL)
        await until(lambda: rig.pool.workers[0] is not rig.worker, 15)
        assert "the listener's own mistake" in caplog.text
        await rig.pool.place().call(api.GetStats())
