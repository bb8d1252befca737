"""A whole Engine in virtual time: real STUN, DTLS and SRTP, but neither sockets nor a clock that runs by itself."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from typing import Any, cast

from media import api, rtcp, stun
from media.dtls import Certificate, DtlsEndpoint
from media.engine import TICK_S, Engine
from media.server_side import new_ice
from media.srtp import SrtpContext, protect_copy, unprotect_copy
from media.tcp import TcpPath, TcpServer
from media.transport import Transport
from tests.media.rig import until

_CERTIFICATE = Certificate.generateCertificate()


class Link(TcpPath):
    """An ICE-TCP connection of which the peer's end is an object."""

    def __init__(self, peer: Peer, port: int) -> None:
        super().__init__(cast(TcpServer, Unverified()))
        self.host, self.port = "192.0.2.7", port
        self.peer = peer
        self.closed = False

    def send(self, data: bytes) -> None:
        """Towards the peer."""
        assert not self.closed
        self.peer.receive(data)

    def close(self) -> None:
        """The Worker ends the connection."""
        self.closed = True


class Unverified:
    """The part of TcpServer that a path touches when it is verified."""

    def __init__(self) -> None:
        self.unverified: dict[TcpPath, None] = {}


class Peer:
    """One client; everything that reached it is in ``rtp``, ``rtcp`` and ``answers``."""

    def __init__(self, stage: EngineStage, transport_id: str, ice: api.IceParams) -> None:
        self.stage = stage
        self.transport_id = transport_id
        self.ice = ice
        self.link = Link(self, 5000)
        self.rtp: list[bytes] = []
        self.rtcp: list[rtcp.RtcpPacket] = []
        self.rtcp_sizes: list[int] = []
        self.answers: list[stun.StunMessage] = []
        self.left = False
        self.keys: tuple[SrtpContext, SrtpContext] | None = None
        self._dtls = DtlsEndpoint(_CERTIFICATE, self._to_worker, self._connected, lambda reason: None, self._goodbye)

    def _connected(self, tx: SrtpContext, rx: SrtpContext, profile: str) -> None:
        self.keys = (tx, rx)

    def _goodbye(self) -> None:
        self.left = True

    def _to_worker(self, data: bytes) -> None:
        self.stage.engine.demux.on_frame(self.link, data)

    def receive(self, data: bytes) -> None:
        """One packet from the Worker."""
        first = data[0]
        if first < 4:
            message = stun.parse(data)
            assert message is not None
            self.answers.append(message)
        elif first < 64:
            # Later, as a network would: the Worker is in the middle of sending it.
            asyncio.get_running_loop().call_soon(self._dtls.feed, data)
        elif self.keys is not None and 191 < data[1] < 224:
            plain = self.keys[1].unprotect_rtcp(data)
            assert plain is not None
            self.rtcp.extend(rtcp.parse_compound(plain))
            self.rtcp_sizes.append(len(data))
        elif self.keys is not None:
            plain = unprotect_copy(self.keys[1].handle, data)
            assert plain is not None
            self.rtp.append(plain)

    def check(self, *, nominate: bool = True) -> None:
        """One connectivity check over the current link."""
        request = stun.binding_request(
            secrets.token_bytes(12), f"{self.ice.ufrag}:peer", self.ice.pwd.encode(), use_candidate=nominate
        )
        self._to_worker(request)

    def move(self) -> Link:
        """Go to another address; returns the old one's link, which stays open."""
        old, self.link = self.link, Link(self, self.link.port + 1)
        return old

    async def connect(self) -> None:
        """ICE and DTLS; the Worker is the DTLS client."""
        self._dtls.start(api.DtlsParams("server", (self.stage.fingerprint,)))
        self.check()
        await until(lambda: self.stage.state(self.transport_id) == "connected", 10)

    def send(self, data: bytes) -> None:
        """One RTP packet."""
        assert self.keys is not None
        sealed = protect_copy(self.keys[0].handle, data)
        assert sealed is not None
        self._to_worker(sealed)

    def send_rtcp(self, *packets: rtcp.RtcpPacket) -> None:
        """One RTCP compound."""
        assert self.keys is not None
        self._to_worker(self.keys[0].protect_rtcp(b"".join(packet.build() for packet in packets)))

    def forge(self, data: bytes) -> None:
        """A datagram with this peer's address on it, by whomever."""
        self._to_worker(data)

    def say_goodbye(self) -> None:
        """DTLS close_notify."""
        self._dtls.close()


class EngineStage:
    """``events`` are what the control plane would hear; ``now`` moves only by :meth:`wait`."""

    def __init__(self) -> None:
        self.now = 5000.0
        self.events: list[api.Event] = []
        self.engine = Engine(self.events.append, clock=lambda: self.now)
        self.fingerprint = api.Fingerprint("sha-256", self.engine.rotate_certificate())
        self.engine.handle(api.OpenRouter("r"))

    @property
    def drops(self) -> Counter[str]:
        """Refused so far."""
        return self.engine.drops

    def transport(self, transport_id: str) -> Transport:
        """The Worker's end."""
        return self.engine._transports[transport_id]

    def state(self, transport_id: str) -> str:
        """What was last reported about a Transport."""
        return next((event.state for event in reversed(self.changes()) if event.transport_id == transport_id), "")

    def changes(self, transport_id: str | None = None) -> list[api.TransportStateChanged]:
        """Changes of state reported so far."""
        found = [event for event in self.events if isinstance(event, api.TransportStateChanged)]
        return [event for event in found if transport_id in (None, event.transport_id)]

    def open(self, transport_id: str, direction: api.Direction, router: str = "r", **more: Any) -> Peer:
        """A Transport that waits for its peer."""
        ice = new_ice()
        params = api.TransportParams(transport_id, router, direction, ice, self.fingerprint.value)
        dtls = api.DtlsParams("client", (api.Fingerprint("sha-256", _CERTIFICATE.fingerprint),))
        self.engine.handle(api.OpenTransport(params, dtls, **more))
        return Peer(self, transport_id, ice)

    async def connected(self, transport_id: str, direction: api.Direction, **more: Any) -> Peer:
        """A Transport with its peer."""
        peer = self.open(transport_id, direction, **more)
        await peer.connect()
        return peer

    def wait(self, seconds: float, *checking: Peer, every: float = 2.5) -> None:
        """Let time pass; ``checking`` peers go on with their checks."""
        end = self.now + seconds
        due = self.now + every
        while self.now < end - 1e-9:
            self.now = min(end, self.now + TICK_S)
            if self.now >= due:
                due += every
                for peer in checking:
                    peer.check()
            self.engine.tick()
