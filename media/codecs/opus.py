"""Opus inside RED (RFC 2198): the newest block of a redundant packet, and the payload type that its blocks name."""

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


def red_blocks(payload: bytes) -> list[tuple[int, bytes]]:
    """All blocks of a RED payload, the oldest first, as (how much older in timestamp units, frame); the last is primary.

    Empty when it is malformed.
    """
    heads: list[tuple[int, int]] = []
    position = 0
    while position < len(payload) and payload[position] & 0x80:
        if position + 4 > len(payload):
            return []
        word = int.from_bytes(payload[position + 1 : position + 4], "big")
        heads.append((word >> 10, word & 0x3FF))
        position += 4
    position += 1
    blocks: list[tuple[int, bytes]] = []
    for offset, size in heads:
        blocks.append((offset, payload[position : position + size]))
        position += size
    return [*blocks, (0, payload[position:])] if position <= len(payload) else []


def with_block_type(payload: bytes, payload_type: int) -> bytes:
    """A RED payload whose blocks all name ``payload_type`` (0-127); a malformed one comes back as it is.

    Blocks name the payload type that the publisher negotiated. A viewer knows Opus by the one of its own offer, and
    drops every block of another: silence.
    """
    renamed: bytearray | None = None
    position = 0
    while position < len(payload):
        head = payload[position]
        if head & 0x7F != payload_type:
            renamed = renamed or bytearray(payload)
            renamed[position] = head & 0x80 | payload_type
        if not head & 0x80:
            return payload if renamed is None else bytes(renamed)
        position += 4
    return payload
