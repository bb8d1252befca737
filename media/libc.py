"""recvmmsg and sendmmsg through cffi: the two system calls that CPython does not wrap.

``available`` is False where the C library lacks them (macOS, Windows); :mod:`media.udp` then falls back to one call
per datagram behind the same interface.
"""

from __future__ import annotations

import struct
import sys
from typing import Any

import cffi

ffi = cffi.FFI()
ffi.cdef("""
struct iovec { void *iov_base; size_t iov_len; };
struct msghdr { void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
                void *msg_control; size_t msg_controllen; int msg_flags; };
struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
int sendmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags);
int recvmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags, void *timeout);
""")

libc: Any = None
available = False
if sys.platform == "linux":
    libc = ffi.dlopen(None)
    available = ffi.sizeof("struct mmsghdr") == 64

MSG_DONTWAIT = 0x40
MSG_TRUNC = 0x20
SOL_UDP = 17
UDP_SEGMENT = 103

#: One ``mmsghdr``: name, namelen, iov, iovlen, control, controllen, flags, msg_len.
MMSGHDR = struct.Struct("=QI4xQQQQi4xI4x")
#: One ``iovec``: base, length.
IOVEC = struct.Struct("=QQ")
#: A control message that carries the UDP_SEGMENT size: cmsg_len 18, level, type, u16, padding.
SEGMENT_CMSG = struct.Struct("=QiiH6x")
