"""ICE-TCP, passive side (RFC 6544): the fallback for networks that let no UDP out.

Every connection is framed as in RFC 4571. Its first frame must be STUN, and a check must pass within 10 s, or it is
closed. What is sent waits in a bounded buffer; when that is full packets are dropped, as a full UDP socket would.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import cast

from media.framing import Deframer, FramingError, frame

MAX_UNVERIFIED = 256
VERIFY_TIMEOUT_S = 10.0
MAX_BUFFERED = 512 * 1024
_STUN_FIRST_BYTE_MAX = 3


class TcpPath(asyncio.Protocol):
    """One accepted connection, as a path. Its identity is itself: ``key`` is the object."""

    protocol = "tcp"

    def __init__(self, server: TcpServer) -> None:
        self._server = server
        self._deframer = Deframer()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._first = True
        self.verified = False
        self.host = ""
        self.port = 0

    @property
    def key(self) -> TcpPath:
        """What the demultiplexer finds this path by."""
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not checked with isinstance: uvloop's transports are not asyncio's.
        transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        if not peer:
            transport.abort()
            return
        self.host, self.port = peer[0], peer[1]
        self._transport = transport
        self._server.admit(self)
        if (sock := transport.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timer = asyncio.get_running_loop().call_later(VERIFY_TIMEOUT_S, self._verify_timeout)

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._deframer.feed(data)
        except FramingError:
            self._server.drop("tcp_framing")
            self.close()
            return
        for packet in frames:
            if self._first and packet[0] > _STUN_FIRST_BYTE_MAX:
                self._server.drop("tcp_not_stun")
                self.close()
                return
            self._first = False
            self._server.on_frame(self, packet)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._cancel_timer()
        self._server.gone(self)

    def mark_verified(self) -> None:
        """A check passed on this connection."""
        if not self.verified:
            self.verified = True
            self._cancel_timer()
            self._server.unverified.pop(self, None)

    def send(self, data: bytes) -> None:
        """Queue one packet; dropped when more than MAX_BUFFERED bytes wait."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() + len(data) > MAX_BUFFERED:
            self._server.drop("tcp_buffer_full")
            return
        transport.write(frame(data))

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _verify_timeout(self) -> None:
        self._server.drop("tcp_unverified")
        self.close()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class TcpServer:
    """Listens for ICE-TCP. ``on_frame(path, packet)`` and ``on_gone(path)`` are the demultiplexer's."""

    def __init__(
        self,
        on_frame: Callable[[TcpPath, bytes], None],
        on_gone: Callable[[TcpPath], None],
        drop: Callable[[str], None],
    ) -> None:
        self.on_frame = on_frame
        self.drop = drop
        self.unverified: dict[TcpPath, None] = {}
        self.port = 0
        self._on_gone = on_gone
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen on ``host`` (empty: all addresses). Raises OSError."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: TcpPath(self), host or None, port)
        self.port = self._server.sockets[0].getsockname()[1]

    def admit(self, path: TcpPath) -> None:
        """Count a new connection as unverified. When there are too many the oldest goes, not the new one.

        A true peer's check is a round trip away; whoever only holds connections open cannot lock it out.
        """
        if len(self.unverified) >= MAX_UNVERIFIED:
            self.drop("tcp_too_many")
            oldest = next(iter(self.unverified))
            del self.unverified[oldest]
            oldest.close()
        self.unverified[path] = None

    def gone(self, path: TcpPath) -> None:
        """A connection ended."""
        self.unverified.pop(path, None)
        self._on_gone(path)

    def close(self) -> None:
        """Stop listening and drop what is not verified; verified paths are closed by their Transports."""
        if self._server is not None:
            self._server.close()
        for path in list(self.unverified):
            path.close()
