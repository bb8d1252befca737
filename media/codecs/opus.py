"""Opus inside RED (RFC 2198): the newest block of a redundant packet."""

from __future__ import annotations


def primary_payload(payload: bytes) -> bytes | None:
    """The primary (newest) Opus frame of a RED payload; None when it is malformed."""
    position = skip = 0
    while True:
        if position >= len(payload):
            return None
        if not payload[position] & 0x80:
            position += 1
            break
        if position + 4 > len(payload):
            return None
        skip += (payload[position + 2] & 0x03) << 8 | payload[position + 3]
        position += 4
    return payload[position + skip :] if position + skip <= len(payload) else None
