"""The DTLS endpoint: what it uses of aiortc, both roles, lost flights, and what it leaves behind."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections import deque
from collections.abc import Callable

import pytest
from aiortc.rtcdtlstransport import (
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from OpenSSL import SSL
from pylibsrtp import Session
from pylibsrtp._binding import lib

from media import dtls
from media.api import DtlsParams, DtlsRole, Fingerprint
from media.dtls import MAX_DATAGRAM, MAX_QUEUED, Certificate, DtlsEndpoint
from media.srtp import SrtpContext, protect_copy, unprotect_copy
from tests.media.rig import packet, until

FORGED_ALERT = b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"


class End:
    """One endpoint and what it said; ``sent`` are its datagrams, of which ``lose`` says by index which get lost."""

    def __init__(self, lose: tuple[int, ...] = ()) -> None:
        self.certificate = Certificate.generateCertificate()
        self.sent: list[bytes] = []
        self.lose = lose
        self.heard: list[str] = []
        self.keys: tuple[SrtpContext, SrtpContext, str] | None = None
        self.deliver: Callable[[bytes], object] = lambda data: None
        self.endpoint = DtlsEndpoint(
            self.certificate,
            self._send,
            self._connected,
            self.heard.append,
            lambda: self.heard.append("closed"),
            lambda: self.heard.append("alert"),
        )

    def _send(self, data: bytes) -> None:
        self.sent.append(data)
        if len(self.sent) - 1 not in self.lose:
            asyncio.get_running_loop().call_soon(self.deliver, data)

    def _connected(self, tx: SrtpContext, rx: SrtpContext, profile: str) -> None:
        self.keys = (tx, rx, profile)
        self.heard.append("connected")

    def params(self, role: DtlsRole) -> DtlsParams:
        """What the other end is told: its role, and our fingerprint."""
        return DtlsParams(role, (Fingerprint("sha-256", self.certificate.fingerprint),))


def joined(client: End, server: End) -> None:
    """Connect two ends and start both."""
    client.deliver, server.deliver = server.endpoint.feed, client.endpoint.feed
    client.endpoint.start(server.params("client"))
    server.endpoint.start(client.params("server"))


async def connected(client: End, server: End) -> None:
    """Run the handshake of two ends."""
    joined(client, server)
    await until(lambda: bool(client.heard and server.heard), 15)
    assert client.heard == server.heard == ["connected"]


def agree(one: End, other: End) -> bool:
    """Whether each can read the other's media."""
    assert one.keys is not None and other.keys is not None
    plain = packet(7, b"payload")
    for tx, rx in ((one.keys[0], other.keys[1]), (other.keys[0], one.keys[1])):
        sealed = protect_copy(tx.handle, plain)
        assert sealed is not None and len(sealed) == len(plain) + tx.tag_length
        if unprotect_copy(rx.handle, sealed) != plain:
            return False
    return True


# --- the contract with aiortc ----------------------------------------------------------------------------------------


def test_every_private_attribute_of_aiortc_is_there() -> None:
    transport = RTCDtlsTransport(dtls._IceStandIn(lambda data: None), [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]
    used = ["_srtp_profiles", "_set_role", "_rx_srtp", "_tx_srtp", "_task", "_ssl"]
    for name in used:
        assert hasattr(transport, name), name
    assert set(re.findall(r"\bdtls\.(_\w+)", inspect.getsource(dtls))) == set(used)
    assert "``RTCCertificate._create_ssl_context``" in (dtls.__doc__ or "")
    assert list(inspect.signature(RTCCertificate._create_ssl_context).parameters) == ["self", "srtp_profiles"]
    # What it asks of its ICE transport, and nothing else.
    asked = set(re.findall(r"self\.(?:_transport|transport)\.(\w+)", inspect.getsource(RTCDtlsTransport)))
    assert asked == {"role", "_recv", "_send"}


def test_every_private_attribute_of_pylibsrtp_is_there() -> None:
    assert hasattr(Session(), "_srtp")
    for name in ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp"):
        assert callable(getattr(lib, name))


async def test_the_taken_over_attributes_hold_what_is_expected_of_them() -> None:
    client, server = End(), End()
    await connected(client, server)
    assert isinstance(client.endpoint._ssl, SSL.Connection)
    assert client.keys is not None
    assert client.keys[2] == "SRTP_AEAD_AES_128_GCM"
    assert client.endpoint._task is None
    assert agree(client, server)
    for end in (client, server):
        end.endpoint.close()


class Wire:
    """An ICE transport for an unmodified ``RTCDtlsTransport``."""

    role = "controlling"

    def __init__(self) -> None:
        self.inbox: deque[bytes] = deque()
        self.arrived = asyncio.Event()
        self.deliver: Callable[[bytes], object] = lambda data: None

    def feed(self, data: bytes) -> None:
        self.inbox.append(data)
        self.arrived.set()

    async def _recv(self) -> bytes:
        while not self.inbox:
            self.arrived.clear()
            await self.arrived.wait()
        return self.inbox.popleft()

    async def _send(self, data: bytes) -> None:
        asyncio.get_running_loop().call_soon(self.deliver, data)


@pytest.mark.parametrize("ours", ["client", "server"])
async def test_a_peer_that_has_no_gcm_gets_sha1(ours: DtlsRole) -> None:
    end, wire = End(), Wire()
    certificate = RTCCertificate.generateCertificate()
    peer = RTCDtlsTransport(wire, [certificate])  # type: ignore[arg-type]
    peer._srtp_profiles = [SRTP_AES128_CM_SHA1_80]
    peer._set_role("server" if ours == "client" else "client")
    end.deliver, wire.deliver = wire.feed, end.endpoint.feed
    theirs = tuple(Fingerprint(f.algorithm, f.value) for f in certificate.getFingerprints())
    end.endpoint.start(DtlsParams(ours, theirs))
    await peer.start(RTCDtlsParameters([RTCDtlsFingerprint("sha-256", end.certificate.fingerprint)]))
    await until(lambda: bool(end.heard))
    assert end.keys is not None
    assert end.keys[2] == "SRTP_AES128_CM_SHA1_80"
    sealed = protect_copy(end.keys[0].handle, packet(1, b"media"))
    assert sealed is not None and len(sealed) == len(packet(1, b"media")) + 10
    assert peer._rx_srtp.unprotect(sealed) == packet(1, b"media")
    await peer.stop()
    end.endpoint.close()


# --- lost flights ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client_loses", "server_loses"),
    [((0,), ()), ((), (0,)), ((1,), ()), ((0, 1), ()), ((1, 2), ()), ((), (0, 1)), ((0,), (0,)), ((1,), (0,))],
)
async def test_a_lost_flight_is_repeated_as_it_was(
    client_loses: tuple[int, ...], server_loses: tuple[int, ...]
) -> None:
    """OpenSSL would wait for a second, and would number its records anew."""
    client, server = End(client_loses), End(server_loses)
    await connected(client, server)
    for end in (client, server):
        for index in end.lose:
            assert end.sent.count(end.sent[index]) > 1
    assert agree(client, server)
    for end in (client, server):
        end.endpoint.close()


async def test_a_peer_that_repeats_its_flight_does_not_end_our_repeats() -> None:
    client, server = End(lose=(1,)), End()
    joined(client, server)
    await until(lambda: len(client.sent) == 2)
    for _ in range(3):
        client.endpoint.feed(server.sent[0])
        client.endpoint.feed(b"\x16\xfe\xfdgarbage")
        await asyncio.sleep(0.001)
    await until(lambda: bool(client.heard and server.heard))
    assert client.sent[1] == client.sent[2]
    for end in (client, server):
        end.endpoint.close()


async def test_a_server_answers_a_client_that_did_not_get_its_last_flight() -> None:
    client, server = End(), End(lose=(1,))
    joined(client, server)
    await until(lambda: server.heard == ["connected"])
    assert client.heard == []
    # Our repeats do not help here: a server that is done drops records that it has seen. After a second OpenSSL makes
    # new ones, and the server's TLS object is still there to answer them.
    await until(lambda: client.heard == ["connected"])
    assert server.heard == ["connected"]
    for end in (client, server):
        end.endpoint.close()


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["client", "server"])
async def test_another_certificate_than_announced_fails(wrong: str) -> None:
    client, server, other = End(), End(), End()
    client.deliver, server.deliver = server.endpoint.feed, client.endpoint.feed
    client.endpoint.start((other if wrong == "server" else server).params("client"))
    server.endpoint.start((other if wrong == "client" else client).params("server"))
    deceived = client if wrong == "server" else server
    await until(lambda: deceived.heard == ["dtls_failed"])
    assert deceived.keys is None
    for end in (client, server):
        end.endpoint.close()


async def test_a_fingerprint_of_an_unknown_algorithm_fails() -> None:
    client, server = End(), End()
    client.deliver, server.deliver = server.endpoint.feed, client.endpoint.feed
    client.endpoint.start(DtlsParams("client", (Fingerprint("md2", "00"),)))
    server.endpoint.start(client.params("server"))
    await until(lambda: client.heard == ["dtls_failed"])
    for end in (client, server):
        end.endpoint.close()


async def test_a_peer_that_never_answers_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtls, "HANDSHAKE_TIMEOUT_S", 0.05)
    client, server = End(), End()
    client.endpoint.start(server.params("client"))
    await until(lambda: client.heard == ["dtls_timeout"])
    assert not client.endpoint.feed(b"\x16late") or client.keys is None


async def test_what_comes_before_the_start_waits_and_is_bounded() -> None:
    client, server = End(), End()
    client.deliver, server.deliver = server.endpoint.feed, client.endpoint.feed
    client.endpoint.start(server.params("client"))
    await until(lambda: bool(client.sent))
    taken = [server.endpoint.feed(b"\x16junk") for _ in range(100)]
    assert taken.count(True) == MAX_QUEUED - 1
    server.endpoint.start(client.params("server"))
    await until(lambda: bool(client.heard and server.heard))
    assert agree(client, server)
    for end in (client, server):
        end.endpoint.close()


@pytest.mark.parametrize("size", [0, MAX_DATAGRAM + 1])
async def test_datagrams_of_impossible_size_are_refused(size: int) -> None:
    client, server = End(), End()
    assert not client.endpoint.feed(b"\x16" * size)
    await connected(client, server)
    assert not client.endpoint.feed(b"\x16" * size)
    for end in (client, server):
        end.endpoint.close()


# --- afterwards ------------------------------------------------------------------------------------------------------


async def test_a_goodbye_is_heard_once_and_a_forged_one_is_not() -> None:
    client, server = End(), End()
    await connected(client, server)
    assert not server.endpoint.feed(FORGED_ALERT)
    assert not server.endpoint.feed(client.sent[0])
    assert server.heard == ["connected"]
    client.endpoint.close()
    await until(lambda: server.heard == ["connected", "closed"])
    assert not server.endpoint.feed(client.sent[-1])
    server.endpoint.close()
    await asyncio.sleep(0)
    assert server.heard.count("closed") == 1


async def test_without_its_tls_state_an_endpoint_only_suspects() -> None:
    client, server = End(), End()
    await connected(client, server)
    server.endpoint.release()
    assert server.endpoint._ssl is None
    assert not server.endpoint.feed(client.sent[0])
    assert server.heard == ["connected"]
    assert not server.endpoint.feed(FORGED_ALERT)
    assert server.heard == ["connected", "alert"]
    assert agree(client, server)
    before = len(server.sent)
    server.endpoint.close()
    assert len(server.sent) == before
    client.endpoint.close()


async def test_release_does_nothing_while_the_handshake_runs() -> None:
    client, server = End(), End()
    joined(client, server)
    client.endpoint.release()
    server.endpoint.release()
    await until(lambda: bool(client.heard and server.heard))
    assert agree(client, server)
    for end in (client, server):
        end.endpoint.close()


@pytest.mark.parametrize("steps", range(0, 40, 6))
@pytest.mark.parametrize("fed", [False, True])
async def test_closing_during_the_handshake_is_silent(steps: int, fed: bool) -> None:
    client, server = End(), End(lose=(0,))
    joined(client, server)
    for _ in range(steps):
        await asyncio.sleep(0)
    for end in (client, server):
        if fed:
            end.endpoint.feed(b"\x16junk")
        end.endpoint.close()
    count = len(client.sent) + len(server.sent)
    for _ in range(20):
        await asyncio.sleep(0)
    assert client.heard == server.heard == []
    assert len(client.sent) + len(server.sent) == count
    assert not client.endpoint.feed(b"\x16late")


async def test_a_second_start_changes_nothing() -> None:
    client, server, other = End(), End(), End()
    await connected(client, server)
    client.endpoint.start(other.params("client"))
    await asyncio.sleep(0)
    assert client.heard == ["connected"]
    assert agree(client, server)
    for end in (client, server):
        end.endpoint.close()


async def test_one_certificate_makes_one_tls_context() -> None:
    certificate = Certificate.generateCertificate()
    assert certificate._create_ssl_context(dtls._PREFERRED) is certificate._create_ssl_context(dtls._PREFERRED)
    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", certificate.fingerprint)
