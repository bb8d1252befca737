"""A WebRTC peer that costs almost nothing: it negotiates for real (ICE, DTLS, SRTP), then only counts or sends.

Received media is not decrypted: a datagram whose first byte says RTP is one packet. That leaves the machine to the
server under test. All peers of a process share one receive vector.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from media import libc, rtcp, stun
from media.api import DtlsParams, DtlsRole, Fingerprint
from media.dtls import Certificate, DtlsEndpoint
from media.libc import ffi
from media.srtp import SrtpContext, unprotect_copy

_SLOTS = 64
_SLOT = 2048
CHECK_INTERVAL_S = 2.5
FIRST_CHECK_S = 0.05


class _Receiver:
    """One recvmmsg vector for every socket of this process."""

    def __init__(self) -> None:
        self.data = ffi.new("char[]", _SLOTS * _SLOT)
        self.view = memoryview(ffi.buffer(self.data))
        self.iov = ffi.new("struct iovec[]", _SLOTS)
        self.vec = ffi.new("struct mmsghdr[]", _SLOTS)
        for i in range(_SLOTS):
            self.iov[i].iov_base = self.data + i * _SLOT
            self.iov[i].iov_len = _SLOT
            self.vec[i].msg_hdr.msg_iov = self.iov + i
            self.vec[i].msg_hdr.msg_iovlen = 1

    def read(self, fd: int) -> int:
        count: int = libc.libc.recvmmsg(fd, self.vec, _SLOTS, libc.MSG_DONTWAIT, ffi.NULL)
        return max(0, count)


_receiver: _Receiver | None = None


@dataclass
class RemoteSide:
    """What the server's SDP says of it."""

    ufrag: str
    pwd: str
    fingerprint: Fingerprint
    setup: str
    address: tuple[str, int]


def read_remote(sdp: str, *, loopback: bool = False) -> RemoteSide:
    """The transport attributes and first UDP IPv4 candidate of an SDP. Raises ValueError when one is missing.

    Candidates of 127.0.0.0/8 count only with ``loopback``.
    """
    found: dict[str, str] = {}
    address: tuple[str, int] | None = None
    for line in sdp.splitlines():
        name, _, value = line.partition(":")
        if name in ("a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup"):
            found.setdefault(name[2:], value.strip())
        elif name == "a=candidate" and address is None:
            parts = value.split()
            if parts[2].lower() == "udp" and ":" not in parts[4] and (loopback or not parts[4].startswith("127.")):
                address = (parts[4], int(parts[5]))
    missing = {"ice-ufrag", "ice-pwd", "fingerprint", "setup"} - found.keys()
    if missing or address is None:
        raise ValueError(f"SDP lacks {', '.join(sorted(missing)) or 'a UDP candidate'}")
    algorithm, _, value = found["fingerprint"].partition(" ")
    return RemoteSide(
        found["ice-ufrag"], found["ice-pwd"], Fingerprint(algorithm.lower(), value.upper()), found["setup"], address
    )


@dataclass
class RawPeer:
    """One ICE+DTLS path. :meth:`connect` runs until SRTP keys exist; then ``packets`` grows."""

    certificate: Certificate
    bind_address: str
    packets: int = 0
    octets: int = 0
    first_packet_at: float = 0.0
    tx: SrtpContext | None = None
    ufrag: str = field(default_factory=lambda: secrets.token_hex(4))
    pwd: str = field(default_factory=lambda: secrets.token_hex(16))
    on_rtcp: Callable[[bytes], None] | None = None
    #: Decrypt and keep what arrives, instead of only counting it.
    keep: bool = False
    transport_id: str = ""

    def __post_init__(self) -> None:
        global _receiver  # noqa: PLW0603
        _receiver = _receiver or _Receiver()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.sock.bind((self.bind_address, 0))
        self.sock.setblocking(False)
        self.remote: RemoteSide | None = None
        self._connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._dtls: DtlsEndpoint | None = None
        self._dtls_params: DtlsParams | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._answered = False
        self._rx: SrtpContext | None = None
        self.kept: list[bytes] = []

    @property
    def port(self) -> int:
        """Our UDP port."""
        port: int = self.sock.getsockname()[1]
        return port

    def transport_lines(self, setup: str) -> list[str]:
        """The SDP attributes of our side."""
        return [
            f"a=ice-ufrag:{self.ufrag}",
            f"a=ice-pwd:{self.pwd}",
            f"a=fingerprint:sha-256 {self.certificate.fingerprint}",
            f"a=setup:{setup}",
            f"a=candidate:1 1 udp 2130706431 {self.bind_address} {self.port} typ host",
        ]

    async def connect(self, remote: RemoteSide, role: DtlsRole, timeout_s: float = 20.0) -> None:
        """ICE checks and the DTLS handshake. Raises TimeoutError or ConnectionError."""
        self.remote = remote
        self._dtls_params = DtlsParams(role, (remote.fingerprint,))
        self._dtls = DtlsEndpoint(self.certificate, self._send, self._on_connected, self._on_failed, lambda: None)
        # A connected socket costs the kernel less per packet, and tells us of no one else.
        self.sock.connect(remote.address)
        asyncio.get_running_loop().add_reader(self.sock.fileno(), self._readable)
        self._check()
        async with asyncio.timeout(timeout_s):
            await self._connected

    def _send(self, data: bytes) -> None:
        try:
            self.sock.send(data)
        except OSError:
            return

    def _check(self) -> None:
        assert self.remote is not None
        request = stun.binding_request(
            secrets.token_bytes(12),
            f"{self.remote.ufrag}:{self.ufrag}",
            self.remote.pwd.encode(),
            use_candidate=True,
        )
        self._send(request)
        delay = CHECK_INTERVAL_S if self._answered else FIRST_CHECK_S
        self._timer = asyncio.get_running_loop().call_later(delay, self._check)

    def _readable(self) -> None:
        assert _receiver is not None
        while True:
            count = _receiver.read(self.sock.fileno())
            vec, view = _receiver.vec, _receiver.view
            for i in range(count):
                first = view[i * _SLOT]
                if 127 < first < 192:
                    if 191 < view[i * _SLOT + 1] < 224:
                        if self.on_rtcp is not None and self._rx is not None:
                            plain = self._rx.unprotect_rtcp(bytes(view[i * _SLOT : i * _SLOT + vec[i].msg_len]))
                            if plain is not None:
                                self.on_rtcp(plain)
                        continue
                    if not self.packets:
                        self.first_packet_at = time.perf_counter()
                    self.packets += 1
                    self.octets += vec[i].msg_len
                    if self.keep and self._rx is not None:
                        plain = unprotect_copy(self._rx.handle, bytes(view[i * _SLOT : i * _SLOT + vec[i].msg_len]))
                        if plain is not None:
                            self.kept.append(plain)
                else:
                    self._control(first, bytes(view[i * _SLOT : i * _SLOT + vec[i].msg_len]))
            if count < _SLOTS:
                return

    def _control(self, first: int, data: bytes) -> None:
        assert self._dtls is not None and self._dtls_params is not None
        if first < 4:
            self._on_stun(data)
        elif 19 < first < 64:
            self._dtls.start(self._dtls_params)
            self._dtls.feed(data)

    def _on_stun(self, data: bytes) -> None:
        message = stun.parse(data)
        if message is None or self._dtls is None or self._dtls_params is None:
            return
        if message.kind == stun.BINDING_REQUEST:
            # A full ICE agent on the other side checks us, too.
            self._send(stun.success(message.transaction_id, self.sock.getpeername(), self.pwd.encode()))
        elif message.kind == stun.BINDING_SUCCESS and not self._answered:
            self._answered = True
            self._dtls.start(self._dtls_params)

    def _on_connected(self, tx: SrtpContext, rx: SrtpContext, _profile: str) -> None:
        self.tx, self._rx = tx, rx
        if not self._connected.done():
            self._connected.set_result(None)

    def _on_failed(self, reason: str) -> None:
        if not self._connected.done():
            self._connected.set_exception(ConnectionError(reason))

    def send_rtcp(self, packets: list[Any]) -> None:
        """Send one compound RTCP packet."""
        if self.tx is not None:
            self._send(self.tx.protect_rtcp(b"".join(packet.build() for packet in packets)))

    def report(self, ssrcs: list[int]) -> None:
        """A receiver report that finds no fault, as a viewer sends once a second."""
        blocks = tuple(rtcp.ReportBlock(ssrc, 0, 0, self.packets & 0xFFFFFFFF, 0, 0, 0) for ssrc in ssrcs)
        self.send_rtcp([rtcp.ReceiverReport(1, blocks)])

    def close(self) -> None:
        """Stop checks, say goodbye, close the socket."""
        if self._timer is not None:
            self._timer.cancel()
        if self._dtls is not None:
            self._dtls.close()
        if self.sock.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self.sock.fileno())
        self.sock.close()
