"""One UDP socket for all peers of a Worker: batched receive, batched segmented send.

Receive: ``recvmmsg`` into fixed slots; nothing is copied or allocated per datagram. Send: callers write packets into
one arena and name runs of equal-sized packets to one address; a run leaves as a single message with ``UDP_SEGMENT``
(generic segmentation offload), so the kernel walks its stack once per run instead of once per packet. Where the
kernel or the route refuses segmentation the run is sent packet by packet.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from pylibsrtp._binding import ffi as srtp_ffi

from media import libc
from media.libc import IOVEC, MMSGHDR, MSG_DONTWAIT, MSG_TRUNC, SEGMENT_CMSG, SOL_UDP, UDP_SEGMENT, ffi

RX_BATCH = 64
RX_SLOT = 2048
# Small enough to stay in a core's own cache between the copy, the cipher and the system call.
ARENA_SIZE = 512 * 1024
TX_BATCH = 1024
MAX_SEGMENTS = 60
MAX_RUN_BYTES = 65_000
_NAME_SLOT = 32
_SOCKADDR_V4, _SOCKADDR_V6 = 16, 28
_MARK = 2
#: A segment over the MTU (udp(7)), no checksum offload, an old kernel.
_NO_SEGMENTATION = frozenset({errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.EOPNOTSUPP, errno.ENOPROTOOPT})
_HEADROOM = 32
_BLOCKED_POLL_MS = 2
_BLOCKED_POLLS = 3
#: Waiting for a full send buffer between two calls of :meth:`UdpSocket.end_turn`, in seconds: about one picture's time.
TURN_WAIT_S = 0.03


class UdpPath:
    """A remote UDP address as the kernel wrote it, seen from one of our sockets: two paths with one ``key`` are one.

    ``key`` is the sockaddr with the socket's mark behind it (see :meth:`UdpSocket.source`).
    """

    __slots__ = ("_name", "address", "host", "key", "name_length", "name_pointer", "port", "segmented", "socket")

    protocol = "udp"

    def __init__(self, udp: UdpSocket, key: bytes) -> None:
        self.socket = udp
        self.key = key
        sockaddr = key[: udp.name_length]
        self._name = ffi.new("char[]", sockaddr)
        self.name_pointer = int(ffi.cast("uintptr_t", self._name))
        self.name_length = len(sockaddr)
        self.segmented = True
        self.host, self.port = _decode_sockaddr(sockaddr)
        #: For ``sendto``: a link-local address is reachable only with its zone.
        self.address: tuple[Any, ...] = (self.host, self.port)
        if len(sockaddr) == _SOCKADDR_V6:
            self.address += (0, int.from_bytes(sockaddr[24:28], sys.byteorder))

    def send(self, data: bytes) -> None:
        """Send one control datagram now (STUN, DTLS, RTCP). A full socket drops it; the protocols above repeat."""
        with contextlib.suppress(OSError):
            self.socket.sock.sendto(data, self.address)

    def close(self) -> None:
        """Nothing to release: the socket is shared."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _decode_sockaddr(key: bytes) -> tuple[str, int]:
    port = int.from_bytes(key[2:4], "big")
    if len(key) == _SOCKADDR_V4:
        return socket.inet_ntop(socket.AF_INET, key[4:8]), port
    return socket.inet_ntop(socket.AF_INET6, key[8:24]), port


def _encode_sockaddr(address: tuple[Any, ...]) -> bytes:
    port: bytes = address[1].to_bytes(2, "big")
    if ":" in address[0]:
        packed = socket.inet_pton(socket.AF_INET6, address[0])
        return b"\x0a\0" + port + bytes(4) + packed + bytes(4)
    return b"\x02\0" + port + socket.inet_pton(socket.AF_INET, address[0]) + bytes(8)


class UdpSocket:
    """See the module's docstring. ``dropped`` counts packets that the kernel would not take."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.dropped = 0
        self.oversize = 0
        self.waited_s = 0.0
        self.name_length = _SOCKADDR_V4 if sock.family == socket.AF_INET else _SOCKADDR_V6
        self._mark = (self.fd & 0xFFFF).to_bytes(_MARK, "big")
        sock.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, 4 * 1024 * 1024)
        self.rx_length = [0] * RX_BATCH
        # The SRTP binding's own ffi owns the memory, so that pointers into it can be handed to libsrtp directly.
        self._rx = srtp_ffi.new("unsigned char[]", RX_BATCH * RX_SLOT)
        whole = memoryview(srtp_ffi.buffer(self._rx))
        self.rx_view = [whole[i * RX_SLOT : (i + 1) * RX_SLOT] for i in range(RX_BATCH)]
        self.rx_pointer = [self._rx + i * RX_SLOT for i in range(RX_BATCH)]
        self.arena = srtp_ffi.new("unsigned char[]", ARENA_SIZE)
        self.arena_view = memoryview(srtp_ffi.buffer(self.arena))
        self._arena_address = int(srtp_ffi.cast("uintptr_t", self.arena))
        self._used = 0
        self._entries = 0
        self._pending: list[tuple[UdpPath, int, int, int]] = []
        self._controls: dict[int, tuple[Any, int]] = {}
        self._fallback = not libc.available
        if self._fallback:
            self._rx_keys: list[bytes] = [b""] * RX_BATCH
        else:
            self._prepare_vectors()

    def _prepare_vectors(self) -> None:
        self._rx_names = ffi.new("char[]", RX_BATCH * _NAME_SLOT)
        self._rx_names_view = memoryview(ffi.buffer(self._rx_names))
        self._rx_iov = ffi.new("struct iovec[]", RX_BATCH)
        self._rx_vec = ffi.new("struct mmsghdr[]", RX_BATCH)
        base = int(srtp_ffi.cast("uintptr_t", self._rx))
        for i in range(RX_BATCH):
            # The kernel writes no further than the name: the mark behind it stays.
            mark = i * _NAME_SLOT + self.name_length
            self._rx_names_view[mark : mark + _MARK] = self._mark
            self._rx_iov[i].iov_base = ffi.cast("void *", base + i * RX_SLOT)
            self._rx_iov[i].iov_len = RX_SLOT
            header = self._rx_vec[i].msg_hdr
            header.msg_name = self._rx_names + i * _NAME_SLOT
            header.msg_namelen = self.name_length
            header.msg_iov = self._rx_iov + i
            header.msg_iovlen = 1
        self._tx_iov = ffi.new("struct iovec[]", TX_BATCH)
        self._tx_vec = ffi.new("struct mmsghdr[]", TX_BATCH)
        self._tx_iov_view = memoryview(ffi.buffer(self._tx_iov))
        self._tx_vec_view = memoryview(ffi.buffer(self._tx_vec))
        self._tx_iov_address = int(ffi.cast("uintptr_t", self._tx_iov))

    # --- receive -------------------------------------------------------------------------------------------------

    def receive(self) -> int:
        """Read up to RX_BATCH datagrams. Slot ``i`` is ``rx_view[i][:rx_length[i]]``; 0 marks one to ignore."""
        if self._fallback:
            return self._receive_fallback()
        vec = self._rx_vec
        count: int = libc.libc.recvmmsg(self.fd, vec, RX_BATCH, MSG_DONTWAIT, ffi.NULL)
        if count <= 0:
            return 0
        lengths = self.rx_length
        for i in range(count):
            entry = vec[i]
            if entry.msg_hdr.msg_flags & MSG_TRUNC:
                self.oversize += 1
                lengths[i] = 0
            else:
                lengths[i] = entry.msg_len
        return count

    def source(self, slot: int) -> bytes:
        """Where that slot came from, as a key for :class:`UdpPath`: the sockaddr, and a mark of this socket.

        One address of a peer that reaches two addresses of ours makes two ICE pairs, each answered from its own side.
        """
        if self._fallback:
            return self._rx_keys[slot]
        start = slot * _NAME_SLOT
        return bytes(self._rx_names_view[start : start + self.name_length + _MARK])

    def _receive_fallback(self) -> int:
        count = 0
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            while count < RX_BATCH:
                length, address = self.sock.recvfrom_into(self.rx_view[count])
                self.rx_length[count] = length if length < RX_SLOT else 0
                self._rx_keys[count] = _encode_sockaddr(address) + self._mark
                count += 1
        return count

    # --- send ----------------------------------------------------------------------------------------------------

    def reserve(self, size: int) -> int:
        """Offset into ``arena`` of ``size`` writable bytes. Flushes first when the arena is full."""
        start = self._used
        if start + size + _HEADROOM > ARENA_SIZE:
            self.flush()
            start = 0
        self._used = start + size
        return start

    def add(self, path: UdpPath, offset: int, total: int, segment: int) -> None:
        """Queue ``total`` bytes at ``offset`` as packets of ``segment`` bytes (the last may be shorter) to ``path``."""
        if self._entries >= TX_BATCH:
            # The arena keeps what was reserved: only the message vector is full.
            self._transmit()
        index = self._entries
        self._entries = index + 1
        self._pending.append((path, offset, total, segment))
        if self._fallback:
            return
        control, control_length = 0, 0
        if total > segment:
            if not path.segmented:
                self._entries = index
                self._pending.pop()
                self._transmit()
                self._send_singly(path, offset, total, segment)
                return
            cached = self._controls.get(segment)
            control = cached[1] if cached is not None else self._control(segment)
            control_length = 24
        MMSGHDR.pack_into(
            self._tx_vec_view,
            index * 64,
            path.name_pointer,
            path.name_length,
            self._tx_iov_address + index * 16,
            1,
            control,
            control_length,
            0,
            0,
        )
        IOVEC.pack_into(self._tx_iov_view, index * 16, self._arena_address + offset, total)

    def flush(self) -> None:
        """Send everything queued and start the arena over."""
        self._transmit()
        self._used = 0

    def end_turn(self) -> None:
        """Send everything queued. The Worker turns to something else now: the next turn may wait anew."""
        self.flush()
        self.waited_s = 0.0

    def _control(self, segment: int) -> int:
        buffer = ffi.new("char[]", SEGMENT_CMSG.pack(18, SOL_UDP, UDP_SEGMENT, segment))
        address = int(ffi.cast("uintptr_t", buffer))
        self._controls[segment] = (buffer, address)
        return address

    def _transmit(self) -> None:
        total = self._entries
        if not total:
            return
        if self._fallback:
            for path, offset, length, segment in self._pending:
                self._send_singly(path, offset, length, segment)
        else:
            self._transmit_vector(total)
        self._entries = 0
        self._pending.clear()

    def _transmit_vector(self, total: int) -> None:
        done = 0
        polls = 0
        send: Callable[..., int] = libc.libc.sendmmsg
        while done < total:
            sent = send(self.fd, self._tx_vec + done, total - done, MSG_DONTWAIT)
            if sent > 0:
                done += sent
                continue
            if ffi.errno == errno.EINTR:
                continue
            if ffi.errno in (errno.EAGAIN, errno.ENOBUFS):
                # The send buffer is full. Wait a moment rather than lose a burst, but never stall the Worker: media
                # that cannot leave within a few ms is worth less than the media behind it. A burst for a thousand
                # viewers is sent in a hundred parts, which share what time there is.
                polls += 1
                if polls <= _BLOCKED_POLLS and self.waited_s < TURN_WAIT_S:
                    self._wait_writable()
                    continue
                self.dropped += sum(-(-length // segment) for _, _, length, segment in self._pending[done:])
                return
            path, offset, length, segment = self._pending[done]
            if length > segment:
                # Also a run that was queued before the path's first one was refused. A route that is down for a moment
                # says nothing about segmentation.
                path.segmented = path.segmented and ffi.errno not in _NO_SEGMENTATION
                self._send_singly(path, offset, length, segment)
            else:
                self.dropped += 1
            done += 1

    def _send_singly(self, path: UdpPath, offset: int, total: int, segment: int) -> None:
        end = offset + total
        for start in range(offset, end, segment):
            try:
                self.sock.sendto(self.arena_view[start : min(start + segment, end)], path.address)
            except OSError:
                self.dropped += 1

    def _wait_writable(self) -> None:
        poller = select.poll()
        poller.register(self.fd, select.POLLOUT)
        began = time.monotonic()
        poller.poll(_BLOCKED_POLL_MS)
        self.waited_s += time.monotonic() - began

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()


def bind(host: str, port: int, own_addresses: Iterable[str] = ()) -> list[UdpSocket]:
    """Open UDP sockets on one port number: all of IPv4 and IPv6 for an empty ``host``, else the one address.

    With an empty ``host`` each of ``own_addresses`` gets a socket of its own beside the two wildcard ones: what comes
    in for an address is then answered from that address, which ICE insists on, and which the kernel's choice of a
    source gets wrong on a machine with several. ``port`` 0 takes a free one. Raises OSError when the port is taken.
    """
    if host:
        return [UdpSocket(_bind_one(socket.AF_INET6 if ":" in host else socket.AF_INET, host, port))]
    bound: list[socket.socket] = []
    try:
        first = _bind_one(socket.AF_INET, "", port)
        bound.append(first)
        port = first.getsockname()[1]
        # Shared only while our own sockets bind beside each other: before and after, a second service is refused.
        _share(first, True)
        for address in ("::", *own_addresses):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                bound.append(_bind_one(family, address, port, shared=True))
            except OSError as exc:
                if exc.errno == errno.EADDRINUSE:
                    raise
                # IPv6 is switched off, or the address is tentative or gone: the wildcard socket serves it.
        for sock in bound:
            _share(sock, False)
    except OSError:
        for sock in bound:
            sock.close()
        raise
    return [UdpSocket(sock) for sock in bound]


def _bind_one(family: socket.AddressFamily, host: str, port: int, *, shared: bool = False) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if shared:
            _share(sock, True)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def _share(sock: socket.socket, shared: bool) -> None:
    if hasattr(socket, "SO_REUSEPORT"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
