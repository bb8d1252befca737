"""SRTP sessions on the packet path: libsrtp in place, without a Python object per packet (RFC 3711, RFC 7714)."""

from __future__ import annotations

import contextlib
from typing import Any

from pylibsrtp import Error, Session
from pylibsrtp._binding import ffi, lib

OK: int = lib.srtp_err_status_ok
#: srtp_err_status_replay_fail and _replay_old (srtp.h); the binding names only ``ok``.
REPLAY: frozenset[int] = frozenset({9, 10})
#: Bytes that protection may add behind a packet (GCM tag 16; SHA-1 tag 10), and behind RTCP (plus 4 of index).
MAX_TAG = 16
MAX_RTCP_TRAILER = 20

protect = lib.srtp_protect
unprotect = lib.srtp_unprotect
length_pointer = ffi.new("int *")


class SrtpContext:
    """One direction of one Transport. ``handle`` is what ``protect`` and ``unprotect`` take."""

    __slots__ = ("_session", "handle", "tag_length")

    def __init__(self, session: Session, tag_length: int) -> None:
        self._session = session
        self.handle: Any = session._srtp[0]
        self.tag_length = tag_length

    def protect_rtcp(self, data: bytes) -> bytes:
        """Encrypt one compound RTCP packet; nothing when libsrtp refuses."""
        buffer = ffi.new("unsigned char[]", len(data) + MAX_RTCP_TRAILER)
        ffi.memmove(buffer, data, len(data))
        size = ffi.new("int *", len(data))
        if lib.srtp_protect_rtcp(self.handle, buffer, size) != OK:
            return b""
        return bytes(ffi.buffer(buffer, size[0]))

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        """Decrypt RTCP, or None when it is forged, replayed or damaged."""
        buffer = ffi.new("unsigned char[]", data)
        size = ffi.new("int *", len(data))
        if lib.srtp_unprotect_rtcp(self.handle, buffer, size) != OK:
            return None
        return bytes(ffi.buffer(buffer, size[0]))

    def forget(self, ssrc: int) -> None:
        """Free what libsrtp keeps for one SSRC; it makes such state for every SSRC that an authentic packet names."""
        with contextlib.suppress(Error):
            self._session.remove_stream(ssrc)


def protect_copy(handle: Any, data: bytes) -> bytes | None:
    """Encrypt a copy of one RTP packet, for paths that do not use the send arena. None when libsrtp refuses."""
    buffer = ffi.new("unsigned char[]", len(data) + MAX_TAG)
    ffi.memmove(buffer, data, len(data))
    size = ffi.new("int *", len(data))
    if protect(handle, buffer, size) != OK:
        return None
    return bytes(ffi.buffer(buffer, size[0]))


def unprotect_copy(handle: Any, data: bytes) -> bytes | None:
    """Decrypt a copy of one SRTP packet. None when it is forged, replayed or damaged."""
    buffer = ffi.new("unsigned char[]", data)
    size = ffi.new("int *", len(data))
    if unprotect(handle, buffer, size) != OK:
        return None
    return bytes(ffi.buffer(buffer, size[0]))
