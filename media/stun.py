"""STUN as ICE uses it (RFC 8489, RFC 8445 section 16): Binding messages with short-term credentials.

Reading never raises: :func:`parse` returns None for whatever is not a well-formed STUN message. Nothing here keeps
state or trusts a message; :meth:`StunMessage.verify` says whether the sender knew the password, and only attributes
in front of MESSAGE-INTEGRITY are kept, because what follows it is not covered by it.
"""

from __future__ import annotations

import hmac
import ipaddress
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MAGIC_COOKIE: Final = 0x2112A442
HEADER_LENGTH: Final = 20

BINDING_REQUEST: Final = 0x0001
BINDING_INDICATION: Final = 0x0011
BINDING_SUCCESS: Final = 0x0101
BINDING_ERROR: Final = 0x0111

USERNAME: Final = 0x0006
MESSAGE_INTEGRITY: Final = 0x0008
ERROR_CODE: Final = 0x0009
UNKNOWN_ATTRIBUTES: Final = 0x000A
XOR_MAPPED_ADDRESS: Final = 0x0020
PRIORITY: Final = 0x0024
USE_CANDIDATE: Final = 0x0025
FINGERPRINT: Final = 0x8028
ICE_CONTROLLED: Final = 0x8029
ICE_CONTROLLING: Final = 0x802A

#: Error codes that an ICE agent sends, with the reason phrases of the RFCs.
REASONS: Final = {400: b"Bad Request", 401: b"Unauthenticated", 420: b"Unknown Attribute", 487: b"Role Conflict"}

#: Attributes below 0x8000 must be understood or the request is refused with 420 (RFC 8489 section 6.3.1). These are;
#: MAPPED-ADDRESS, REALM, NONCE and MESSAGE-INTEGRITY-SHA256 are understood as meaningless in a connectivity check.
_UNDERSTOOD: Final = frozenset(
    {0x0001, 0x0014, 0x0015, 0x001C, USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES}
    | {XOR_MAPPED_ADDRESS, PRIORITY, USE_CANDIDATE}
)
_OPTIONAL: Final = 0x8000

#: Browsers send about ten attributes. The limits keep a datagram full of empty ones from costing more than a check.
MAX_ATTRIBUTES: Final = 32
_PEEK_ATTRIBUTES: Final = 12
#: RFC 8489 section 14.3 allows 508 bytes; ICE needs two ufrags of at most 256 and a colon.
_USERNAME_MAX: Final = 513

_FINGERPRINT_XOR: Final = 0x5354554E
_INTEGRITY_SIZE: Final = 20
_HEADER = struct.Struct("!HHI12s")
_PEEK = struct.Struct("!HHI12xHH")
_ATTRIBUTE = struct.Struct("!HH")
_U32 = struct.Struct("!I")
_XOR_PORT: Final = MAGIC_COOKIE >> 16


def peek_ufrag(data: bytes) -> str | None:
    """The left half of USERNAME of a Binding request: the ufrag of whom it is for (RFC 8445 section 7.2.2).

    Only enough is read to route a datagram (about a microsecond, nothing is copied but the ufrag); it is neither
    complete nor authentic until :func:`parse` and :meth:`StunMessage.verify` say so. None when this is no Binding
    request or USERNAME is missing, has no colon, or comes after the first 12 attributes.
    """
    end = len(data)
    if end < HEADER_LENGTH + 4:
        return None
    kind, length, cookie, attribute, size = _PEEK.unpack_from(data)
    if cookie != MAGIC_COOKIE or kind != BINDING_REQUEST or length != end - HEADER_LENGTH:
        return None
    offset = HEADER_LENGTH
    for _ in range(_PEEK_ATTRIBUTES):
        if attribute == USERNAME:
            start = offset + 4
            if size > _USERNAME_MAX or start + size > end:
                return None
            colon = data.find(b":", start, start + size)
            return data[start:colon].decode("latin-1") if colon > start else None
        offset += 4 + ((size + 3) & ~3)
        if offset + 4 > end:
            return None
        attribute, size = _ATTRIBUTE.unpack_from(data, offset)
    return None


@dataclass(frozen=True, slots=True)
class StunMessage:
    """One message. ``attributes`` maps type to raw value: the first of each type, none from behind the integrity.

    ``kind`` is the 14-bit message type; ``integrity_at`` is the offset of MESSAGE-INTEGRITY in ``data``, 0 if absent.
    """

    kind: int
    transaction_id: bytes
    attributes: dict[int, bytes]
    data: bytes
    integrity_at: int

    def verify(self, key: bytes) -> bool:
        """True when MESSAGE-INTEGRITY is there and was made with ``key``, the password (RFC 8489 section 14.5)."""
        at = self.integrity_at
        if not at:
            return False
        # The length field must count up to the end of MESSAGE-INTEGRITY, whatever follows it in the message.
        covered = self.data[:2] + (at + 4).to_bytes(2, "big") + self.data[4:at]
        return hmac.compare_digest(hmac.digest(key, covered, "sha1"), self.attributes[MESSAGE_INTEGRITY])

    @property
    def username(self) -> tuple[str, str] | None:
        """USERNAME of a check as (receiver's ufrag, sender's ufrag); None when absent or without a colon."""
        value = self.attributes.get(USERNAME)
        if value is None or len(value) > _USERNAME_MAX:
            return None
        left, colon, right = value.decode("latin-1").partition(":")
        return (left, right) if colon else None

    @property
    def priority(self) -> int:
        """PRIORITY (RFC 8445 section 16.1), 1 to 2**31-1; 0 when absent or malformed."""
        value = self.attributes.get(PRIORITY, b"")
        return int.from_bytes(value, "big") if len(value) == _U32.size else 0

    @property
    def use_candidate(self) -> bool:
        """The controlling agent nominates the pair that this check travels on."""
        return USE_CANDIDATE in self.attributes

    @property
    def not_understood(self) -> tuple[int, ...]:
        """Types of the comprehension-required attributes that are unknown here, in ascending order."""
        return tuple(sorted(t for t in self.attributes if t < _OPTIONAL and t not in _UNDERSTOOD))

    @property
    def error_code(self) -> int | None:
        """ERROR-CODE (RFC 8489 section 14.8), 300 to 699; None when absent or malformed."""
        value = self.attributes.get(ERROR_CODE, b"")
        if len(value) < 4 or not 3 <= value[2] & 7 <= 6 or value[3] > 99:
            return None
        return (value[2] & 7) * 100 + value[3]

    @property
    def mapped(self) -> tuple[str, int] | None:
        """XOR-MAPPED-ADDRESS (RFC 8489 section 14.2) as (address, port); None when absent or malformed."""
        value = self.attributes.get(XOR_MAPPED_ADDRESS, b"")
        size = {(8, 1): 4, (20, 2): 16}.get((len(value), value[1] if len(value) > 1 else 0))
        if size is None:
            return None
        port = int.from_bytes(value[2:4], "big") ^ _XOR_PORT
        address = ipaddress.ip_address(_xor(value[4:], self.transaction_id))
        return str(address), port


def parse(data: bytes) -> StunMessage | None:
    """Read one datagram. None when it is not STUN, is cut short or too long, or its FINGERPRINT is wrong.

    FINGERPRINT may be absent (RFC 8445 asks senders for it, older agents forget it) but, if there, must be last and
    right; a datagram damaged on the way is thus dropped and never answered with an error that would end the check.
    """
    end = len(data)
    if end < HEADER_LENGTH:
        return None
    kind, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if cookie != MAGIC_COOKIE or kind > 0x3FFF or length != end - HEADER_LENGTH or length & 3:
        return None
    attributes: dict[int, bytes] = {}
    integrity_at = 0
    offset = HEADER_LENGTH
    for _ in range(MAX_ATTRIBUTES):
        if offset == end:
            return StunMessage(kind, transaction_id, attributes, data, integrity_at)
        attribute, size = _ATTRIBUTE.unpack_from(data, offset)
        following = offset + 4 + ((size + 3) & ~3)
        if following > end:
            return None
        if attribute == FINGERPRINT:
            if size != _U32.size or following != end:
                return None
            if _U32.unpack_from(data, offset + 4)[0] != zlib.crc32(data[:offset]) ^ _FINGERPRINT_XOR:
                return None
        elif attribute == MESSAGE_INTEGRITY:
            if size != _INTEGRITY_SIZE:
                return None
            if not integrity_at:
                integrity_at = offset
        if not integrity_at or integrity_at == offset or attribute == FINGERPRINT:
            attributes.setdefault(attribute, data[offset + 4 : offset + 4 + size])
        offset = following
    return StunMessage(kind, transaction_id, attributes, data, integrity_at) if offset == end else None


def success(transaction_id: bytes, mapped: tuple[str, int], key: bytes) -> bytes:
    """A Binding success response: ``mapped`` is the (literal address, port) that the request came from.

    An IPv4-mapped IPv6 address is written as IPv4. Raises ValueError when the address is not literal.
    """
    packed = _packed(mapped[0])
    family = 1 if len(packed) == 4 else 2
    port = mapped[1] ^ _XOR_PORT
    value = struct.pack("!BBH", 0, family, port) + _xor(packed, transaction_id)
    return _seal(BINDING_SUCCESS, transaction_id, _attribute(XOR_MAPPED_ADDRESS, value), key)


def error(transaction_id: bytes, code: int, key: bytes | None = None, not_understood: tuple[int, ...] = ()) -> bytes:
    """A Binding error response with one of the codes of :data:`REASONS`.

    ``key`` signs it and is given only when the request was authentic (RFC 8489 section 9.1.3); ``not_understood`` are
    the attribute types of a 420.
    """
    body = _attribute(ERROR_CODE, bytes((0, 0, code // 100, code % 100)) + REASONS[code])
    if not_understood:
        body += _attribute(UNKNOWN_ATTRIBUTES, struct.pack(f"!{len(not_understood)}H", *not_understood))
    return _seal(BINDING_ERROR, transaction_id, body, key)


def binding_request(
    transaction_id: bytes,
    username: str,
    key: bytes | None,
    *,
    priority: int | None = 0x6E0001FF,
    controlling: int | None = 1,
    controlled: int | None = None,
    use_candidate: bool = False,
    extra: tuple[tuple[int, bytes], ...] = (),
) -> bytes:
    """A connectivity check as a full agent sends it; the service itself sends none, its test and load clients do.

    ``controlling`` and ``controlled`` are 64-bit tie-breakers; ``extra`` are raw attributes in front of the integrity.
    """
    body = _attribute(USERNAME, username.encode())
    if priority is not None:
        body += _attribute(PRIORITY, _U32.pack(priority))
    if controlling is not None:
        body += _attribute(ICE_CONTROLLING, struct.pack("!Q", controlling))
    if controlled is not None:
        body += _attribute(ICE_CONTROLLED, struct.pack("!Q", controlled))
    if use_candidate:
        body += _attribute(USE_CANDIDATE, b"")
    for attribute, value in extra:
        body += _attribute(attribute, value)
    return _seal(BINDING_REQUEST, transaction_id, body, key)


def _attribute(attribute: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(attribute, len(value)) + value + bytes(-len(value) & 3)


def _seal(kind: int, transaction_id: bytes, body: bytes, key: bytes | None) -> bytes:
    """Put the header in front, and MESSAGE-INTEGRITY (with a key) and FINGERPRINT behind."""
    if key is not None:
        covered = _HEADER.pack(kind, len(body) + 4 + _INTEGRITY_SIZE, MAGIC_COOKIE, transaction_id) + body
        body += _attribute(MESSAGE_INTEGRITY, hmac.digest(key, covered, "sha1"))
    message = _HEADER.pack(kind, len(body) + 8, MAGIC_COOKIE, transaction_id) + body
    return message + _attribute(FINGERPRINT, _U32.pack(zlib.crc32(message) ^ _FINGERPRINT_XOR))


def _xor(address: bytes, transaction_id: bytes) -> bytes:
    size = len(address)
    pad = (_U32.pack(MAGIC_COOKIE) + transaction_id)[:size]
    return (int.from_bytes(address, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


@lru_cache(maxsize=1024)
def _packed(address: str) -> bytes:
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.packed
    return parsed.packed
