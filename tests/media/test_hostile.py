"""Hostile input on a real socket while a call is running: counted, dropped, and no other peer notices.

All tests of this module attack one and the same call, so that what one attack leaves behind meets the next.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from media import rtcp, stun
from media.producer import KEYFRAME_INTERVAL_S
from media.srtp import protect_copy
from scripts.bench.raw_peer import RawPeer
from tests.media.live_call import VIEWER_SSRC, LiveCall, flips, live_call
from tests.media.rig import DELTA, packet, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

_BATCH = 200


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def call() -> AsyncIterator[LiveCall]:
    async with live_call() as running:
        yield running


def check(peer: RawPeer, tid: bytes | None = None, **more: object) -> bytes:
    """A connectivity check as ``peer`` sends it, but not nominating."""
    assert peer.remote is not None
    username = f"{peer.remote.ufrag}:{peer.ufrag}"
    fields: dict[str, object] = {"key": peer.remote.pwd.encode(), **more}
    return stun.binding_request(tid or secrets.token_bytes(12), username, **fields)  # type: ignore[arg-type]


async def answer(sock: socket.socket) -> stun.StunMessage | None:
    """The next STUN message that came to ``sock``."""
    data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, 2048), 10)
    return stun.parse(data)


# --- from nobody in particular ---------------------------------------------------------------------------------------


async def test_empty_and_oversize_datagrams(call: LiveCall) -> None:
    senders = (call.stranger(), call.first.sock, call.publisher.sock)
    async with call.dropping() as refused:
        for sock in senders:
            for size in (0, 0, 2049, 9000, 60_000):
                # The first byte of an RTP packet: what ends an aiortc transport.
                sock.send(b"\x80" * size)
    assert refused == {"size": 15, "oversize": 9}


async def test_every_first_byte_from_an_unknown_source(call: LiveCall) -> None:
    stranger = call.stranger()
    expected: Counter[str] = Counter()
    async with call.dropping() as refused:
        for first in range(256):
            for size in (1, 64, 1500):
                stranger.send(bytes((first,)) + secrets.token_bytes(size - 1))
            # RFC 7983 section 7.
            if first < 4:
                expected["stun_malformed"] += 3
            elif 20 <= first <= 63 or 128 <= first <= 191:
                expected["unknown_source"] += 3
            else:
                expected["not_media"] += 3
            if first % 64 == 63:
                await call.absorbed()
    assert refused == expected


async def test_unauthenticated_checks_open_no_door(call: LiveCall) -> None:
    stranger = call.stranger()
    async with call.dropping() as refused:
        stranger.send(check(call.publisher, key=None))
        unsigned = await answer(stranger)
        stranger.send(check(call.publisher, key=b"not the password of this transport", use_candidate=True))
        wrong = await answer(stranger)
        for data in (call.last_sealed, b"\x16\xfe\xfd" + bytes(60), call.last_sealed[:4]):
            stranger.send(data)
    assert unsigned is not None and wrong is not None
    assert (unsigned.error_code, wrong.error_code) == (400, 401)
    assert refused == {"stun_unauthenticated": 1, "stun_unauthorized": 1, "unknown_source": 3}


async def test_a_recorded_check_sent_from_elsewhere_takes_nothing_over(call: LiveCall) -> None:
    stranger = call.stranger()
    recorded = check(call.first, use_candidate=True)
    async with call.dropping() as refused:
        call.first.sock.send(recorded)
        await call.absorbed()
        for _ in range(5):
            stranger.send(recorded)
        stranger.send(call.last_sealed)
    assert refused == {"stun_replay": 5, "unknown_source": 1}


async def test_checks_that_ice_refuses(call: LiveCall) -> None:
    stranger = call.stranger()
    async with call.dropping() as refused:
        stranger.send(check(call.first, controlling=None, controlled=1))
        conflict = await answer(stranger)
        stranger.send(check(call.first, extra=((0x7000, b"mandatory"),)))
        unknown = await answer(stranger)
        stranger.send(stun.success(secrets.token_bytes(12), ("127.0.0.1", 9), b"key"))
        stranger.send(stun.error(secrets.token_bytes(12), 401))
        stranger.send(call.last_sealed)
    assert conflict is not None and unknown is not None
    assert (conflict.error_code, unknown.error_code) == (487, 420)
    assert refused == {
        "stun_role_conflict": 1,
        "stun_unknown_attribute": 1,
        "stun_malformed": 2,
        "unknown_source": 1,
    }


async def test_a_flood_of_strangers_costs_no_memory(call: LiveCall) -> None:
    strangers = [call.stranger(f"127.0.1.{1 + index % 200}") for index in range(200)]

    async def flood(count: int) -> None:
        for index in range(count):
            ufrag = secrets.token_hex(4)
            key = secrets.token_bytes(16)
            strangers[index % len(strangers)].send(stun.binding_request(key[:12], f"{ufrag}:x", key))
            if index % _BATCH == _BATCH - 1:
                await call.absorbed()

    await flood(1000)
    before = (await call.rig.stats()).rss_bytes
    async with call.dropping() as refused:
        await flood(20_000)
        for index, stranger in enumerate(strangers):
            stranger.send(check(call.publisher, key=b"wrong password"))
            stranger.send(call.last_sealed)
            stranger.send(b"\x16\xfe\xfd" + bytes(index))
            if index % 50 == 49:
                await call.absorbed()
    assert refused == {"stun_unknown": 20_000, "stun_unauthorized": 200, "unknown_source": 400}
    # As many sources at 100 bytes each would be 2 MiB.
    assert (await call.rig.stats()).rss_bytes - before < 1 << 20


# --- from the address of a peer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["publisher", "first"])
async def test_random_datagrams_from_a_validated_address(call: LiveCall, who: str) -> None:
    sock = getattr(call, who).sock
    rng = random.Random(who)
    async with call.dropping() as refused:
        for index in range(1500):
            sock.send(rng.randbytes(rng.randint(1, 1500)))
            if index % _BATCH == 0:
                await call.absorbed()
    assert refused.total() == 1500


async def test_spoilt_checks_from_a_validated_address(call: LiveCall) -> None:
    good = check(call.first)
    # A wrong FINGERPRINT spoils a message whatever else it says; a damaged type of it hides it.
    spoilt = flips(good, 150, [*range(len(good) - 8), *range(len(good) - 4, len(good))])
    cut = [good[:length] for length in range(1, len(good))]
    async with call.dropping() as refused:
        for data in (*spoilt, *cut):
            call.first.sock.send(data)
    assert refused.total() == len(spoilt) + len(cut)


async def test_spoilt_rtp_from_the_publisher(call: LiveCall) -> None:
    good = call.seal(packet(1000, DELTA + bytes(40), ssrc=0x5151))
    spoilt = flips(good, 300, list(range(len(good))))
    cut = [good[:length] for length in range(1, len(good))]
    async with call.dropping() as refused:
        for data in (*spoilt, *cut, good + b"more"):
            call.publisher.sock.send(data)
    assert refused.total() == len(spoilt) + len(cut) + 1
    assert refused["srtp_auth"] > 200


@pytest.mark.parametrize("who", ["publisher", "first"])
async def test_spoilt_rtcp_from_a_validated_address(call: LiveCall, who: str) -> None:
    peer: RawPeer = getattr(call, who)
    assert peer.tx is not None
    good = peer.tx.protect_rtcp(rtcp.ReceiverReport(7).build() + rtcp.Pli(7, VIEWER_SSRC).build())
    spoilt = flips(good, 200, list(range(len(good))))
    cut = [good[:length] for length in range(1, len(good))]
    async with call.dropping() as refused:
        for data in (*spoilt, *cut):
            peer.sock.send(data)
    assert refused.total() == len(spoilt) + len(cut)
    assert refused["srtcp_auth"] > 150


@pytest.mark.parametrize("who", ["publisher", "first"])
async def test_dtls_records_after_the_handshake(call: LiveCall, who: str) -> None:
    peer: RawPeer = getattr(call, who)
    rng = random.Random(who)
    records = [
        bytes((kind,)) + b"\xfe\xfd" + epoch.to_bytes(2, "big") + rng.randbytes(6) + (20).to_bytes(2, "big") + body
        for kind in (20, 21, 22, 23, 24)
        for epoch in (0, 1, 2)
        for body in (b"\x02\x28" + bytes(18), b"\x01\x00" + bytes(18), rng.randbytes(20), rng.randbytes(7))
    ]
    # A fatal alert in the clear, as an attacker who can spoof the address would send it.
    records.append(b"\x15\xfe\xfd" + bytes(8) + b"\0\x02\x02\x28")
    async with call.dropping() as refused:
        for data in records:
            peer.sock.send(data)
    assert refused == {"dtls_refused": len(records)}


async def test_replayed_media_is_forwarded_once(call: LiveCall) -> None:
    async with call.dropping() as refused:
        recorded = call.last_sealed
        for _ in range(20):
            call.publisher.sock.send(recorded)
        call.stranger().send(recorded)
        assert call.first.tx is not None
        report = call.first.tx.protect_rtcp(rtcp.ReceiverReport(1).build())
        for _ in range(5):
            call.first.sock.send(report)
    assert refused == {"srtp_replay": 20, "unknown_source": 1, "srtcp_auth": 4}


async def test_media_in_the_clear_after_the_handshake(call: LiveCall) -> None:
    async with call.dropping() as refused:
        for index in range(20):
            call.publisher.sock.send(packet(60_000 + call.sent + index, DELTA + b"in the clear"))
        call.publisher.sock.send(rtcp.ReceiverReport(1).build() + rtcp.Bye((0x1111,)).build())
        call.first.sock.send(rtcp.Pli(1, VIEWER_SSRC).build())
    assert refused == {"srtp_auth": 20, "srtcp_auth": 2}


async def test_media_from_a_third_address_even_with_the_right_keys(call: LiveCall) -> None:
    stranger = call.stranger()
    assert call.publisher.tx is not None
    async with call.dropping() as refused:
        for index in range(20):
            stranger.send(call.seal(packet(index, DELTA + b"injected", ssrc=0x6161)))
        stranger.send(call.publisher.tx.protect_rtcp(rtcp.Bye((0x1111,)).build()))
    assert refused == {"unknown_source": 21}


async def test_a_viewer_cannot_send_media(call: LiveCall) -> None:
    assert call.first.tx is not None
    async with call.dropping() as refused:
        for index in range(100):
            sealed = protect_copy(call.first.tx.handle, packet(index, DELTA))
            assert sealed is not None
            call.first.sock.send(sealed)
            call.first.sock.send(call.last_sealed)
    assert refused == {"rtp_unexpected": 200}


# --- from a peer that was let in -------------------------------------------------------------------------------------


async def consumer_stats(call: LiveCall, peer: RawPeer) -> tuple[int, int, int]:
    """(NACKed numbers, repeats, keyframe requests) of one viewer."""
    stats = await call.rig.stats()
    (found,) = [t.consumers[0] for t in stats.transports if t.id == peer.transport_id]
    return found.nacks_received, found.retransmitted, found.plis_received


async def test_a_storm_of_keyframe_requests_reaches_the_publisher_throttled(call: LiveCall) -> None:
    attacker = await call.rig.view(call.rig.consumer())
    asked: list[rtcp.RtcpPacket] = []
    call.publisher.on_rtcp = lambda data: asked.extend(
        p for p in rtcp.parse_compound(data) if isinstance(p, rtcp.Pli | rtcp.Fir)
    )
    requests = 0
    began = time.monotonic()
    async with call.dropping() as refused:
        while len(asked) < 3:
            for index in range(10):
                attacker.send_rtcp([rtcp.Pli(1, VIEWER_SSRC), rtcp.Fir(1, ((VIEWER_SSRC, index),))])
            requests += 20
            await asyncio.sleep(0.02)
    assert not refused
    assert (await consumer_stats(call, attacker))[2] == requests
    assert len(asked) <= 2 + (time.monotonic() - began) / KEYFRAME_INTERVAL_S
    call.publisher.on_rtcp = None


async def test_a_storm_of_nacks_is_answered_within_a_budget(call: LiveCall) -> None:
    attacker = await call.rig.view(call.rig.consumer())
    await until(lambda: len(attacker.kept) > 20)
    everything = rtcp.Nack(1, VIEWER_SSRC, tuple(range(59_000, 64_800))).build()
    assert attacker.tx is not None
    began = time.monotonic()
    async with call.dropping() as refused:
        for _ in range(300):
            attacker.sock.send(attacker.tx.protect_rtcp(everything) or b"?")
    nacked, repeated, _ = await consumer_stats(call, attacker)
    lasted = time.monotonic() - began
    assert nacked == 5800 * (300 - refused["rtcp_flood"])
    # However long it took: 50 kB a second, after the first 100 kB.
    assert (300 - refused["rtcp_flood"]) * len(everything) <= 100_000 + 50_000 * lasted
    assert repeated <= 200 + 400 * lasted


def nonsense_rtp(rng: random.Random) -> bytes:
    """A packet whose fixed header says anything, over bytes that mean nothing."""
    second = rng.choice([96, 97, 96 | 128, 97 | 128, rng.randrange(256)])
    if 191 < second < 224:
        second = 96
    ssrc = rng.choice([0x1111, 0x1111, rng.randrange(0x2000, 0x2010)])
    contributors = rng.choice([0, 0, 0, 1, 15])
    first = 0x80 | rng.choice([0, 0, 0x20]) | contributors
    block = b""
    if rng.random() < 0.6:
        first |= 0x10
        block = bytes.fromhex(rng.choice(["bede0002", "10000003", "00000001", "bede0000"])) + rng.randbytes(12)
    head = bytes((first, second)) + rng.randbytes(6) + ssrc.to_bytes(4, "big")
    return head + bytes(4 * contributors) + block + rng.randbytes(rng.randrange(80))


def nonsense_rtcp(rng: random.Random) -> bytes:
    """A compound of kinds that exist and lengths that may not."""
    parts = []
    for _ in range(rng.randrange(1, 6)):
        # The sender's SSRC is one of few, because those are counted; the other is one that exists.
        body = (
            bytes((0, 0, 0, rng.randrange(8))) + VIEWER_SSRC.to_bytes(4, "big") + rng.randbytes(4 * rng.randrange(12))
        )
        words = len(body) // 4 if rng.random() < 0.9 else rng.randrange(20)
        count = rng.choice([0, 1, 1, 2, 4, 15, rng.randrange(64)])
        parts.append(bytes((0x80 | count, rng.randrange(200, 207))) + words.to_bytes(2, "big") + body)
    return b"".join(parts)


async def test_nonsense_with_the_right_keys(call: LiveCall) -> None:
    publisher = await call.rig.publish("nonsense", video="w")
    viewer = await call.rig.view(call.rig.consumer(), call.rig.consumer("w", ssrc=0xABAB, rtx_ssrc=0xACAC))
    assert publisher.tx is not None and viewer.tx is not None
    rng = random.Random(5)
    async with call.dropping():
        for index in range(1500):
            sealed = protect_copy(publisher.tx.handle, nonsense_rtp(rng))
            if sealed is not None:
                publisher.sock.send(sealed)
            peer = (publisher, viewer)[index % 2]
            assert peer.tx is not None
            peer.sock.send(peer.tx.protect_rtcp(nonsense_rtcp(rng)) or b"?")
            if index % _BATCH == 0:
                await call.absorbed()
    stats = await call.rig.stats()
    assert {t.state for t in stats.transports if t.id in ("nonsense", viewer.transport_id)} == {"connected"}


async def test_ssrcs_out_of_nowhere_are_not_kept(call: LiveCall) -> None:
    attacker = await call.rig.view(call.rig.consumer())
    assert call.publisher.tx is not None and attacker.tx is not None
    before = (await call.rig.stats()).rss_bytes
    async with call.dropping() as refused:
        for ssrc in range(0x10000, 0x10000 + 6000):
            call.publisher.sock.send(call.seal(packet(1, DELTA, ssrc=ssrc, payload_type=50)))
            attacker.send_rtcp([rtcp.ReceiverReport(ssrc)])
            # The sender's own libsrtp would keep them, too.
            call.publisher.tx.forget(ssrc)
            attacker.tx.forget(ssrc)
            if ssrc % _BATCH == 0:
                await call.absorbed()
    assert refused == {"rtp_ssrc": 6000, "rtcp_ssrc": 6000 - 64}
    # libsrtp's state for them would be 4 MiB.
    assert (await call.rig.stats()).rss_bytes - before < 1 << 20
