"""Raw peers over other ways than IPv4 UDP: ICE-TCP (RFC 6544) and IPv6."""

from __future__ import annotations

import asyncio
import socket

from media.api import DtlsParams, DtlsRole
from media.dtls import Certificate, DtlsEndpoint
from media.framing import Deframer, frame
from media.srtp import protect_copy, unprotect_copy
from scripts.bench.raw_peer import RawPeer, RemoteSide


class TcpPeer(RawPeer):
    """A peer whose network lets no UDP out; ``remote.address`` is the Worker's TCP address."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(certificate, "127.0.0.1", keep=True)
        self.receive_buffer = 0
        self._deframer = Deframer()
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()

    async def connect(self, remote: RemoteSide, role: DtlsRole, timeout_s: float = 20.0) -> None:
        """Connect, then ICE checks and the DTLS handshake. Raises OSError, TimeoutError or ConnectionError."""
        self.remote = remote
        self._dtls_params = DtlsParams(role, (remote.fingerprint,))
        self._dtls = DtlsEndpoint(self.certificate, self._send, self._on_connected, self._on_failed, lambda: None)
        async with asyncio.timeout(timeout_s):
            await self.open()
            self._check()
            await self._connected

    async def open(self) -> None:
        """(Re)connect to the Worker; what was open is closed."""
        assert self.remote is not None
        self.hang_up()
        self.ended.clear()
        self._deframer = Deframer()
        sock = socket.socket(socket.AF_INET)
        if self.receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, self.remote.address)
        reader, self._writer = await asyncio.open_connection(sock=sock)
        self._reading = asyncio.get_running_loop().create_task(self._read(reader))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while data := await reader.read(65_536):
                for packet in self._deframer.feed(data):
                    self._take(packet)
        except ConnectionError:
            pass
        finally:
            self.ended.set()

    def _take(self, data: bytes) -> None:
        first = data[0]
        if not 127 < first < 192:
            self._control(first, data)
        elif self._rx is not None and 191 < data[1] < 224:
            plain = self._rx.unprotect_rtcp(data)
            if plain is not None and self.on_rtcp is not None:
                self.on_rtcp(plain)
        elif self._rx is not None:
            plain = unprotect_copy(self._rx.handle, data)
            if plain is not None:
                self.kept.append(plain)

    def _send(self, data: bytes) -> None:
        self.write(frame(data))

    def write(self, data: bytes) -> None:
        """Write bytes as they are."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)

    def send_media(self, data: bytes) -> None:
        """Encrypt and send one RTP packet."""
        assert self.tx is not None
        sealed = protect_copy(self.tx.handle, data)
        assert sealed is not None
        self._send(sealed)

    def stop_reading(self) -> None:
        """Leave what the Worker sends in the network."""
        assert self._reading is not None
        self._reading.cancel()

    def hang_up(self) -> None:
        """End the TCP connection, nothing else."""
        if self._reading is not None:
            self._reading.cancel()
        if self._writer is not None:
            self._writer.close()

    def close(self) -> None:
        """Stop everything."""
        super().close()
        self.hang_up()


class Ipv6Peer(RawPeer):
    """The same as :class:`RawPeer` from ``::1``."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(certificate, "127.0.0.1", keep=True)
        self.sock.close()
        self.sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.sock.bind(("::1", 0))
        self.sock.setblocking(False)
