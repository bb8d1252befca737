"""Opus packets (RFC 6716 section 3) and what a file says about them (RFC 7845)."""

from __future__ import annotations

import struct

RATE = 48_000
_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)


def samples(payload: bytes) -> int:
    """Duration of a packet in samples at 48 kHz, at most 5760; 0 for one that is empty or makes no sense."""
    if not payload:
        return 0
    config, code = payload[0] >> 3, payload[0] & 3
    if config < 12:
        each = _SILK[config & 3]
    elif config < 16:
        each = _HYBRID[config & 1]
    else:
        each = _CELT[config & 3]
    count = (1, 2, 2, payload[1] & 0x3F if len(payload) > 1 else 0)[code]
    total = each * count
    return total if total <= 5760 else 0


def head(channels: int) -> bytes:
    """The identification header. No pre-skip: timestamps are those of the call, and nothing is cut off its beginning."""
    return b"OpusHead" + struct.pack("<BBHIhB", 1, channels, 0, RATE, 0, 0)


def silence(channels: int, samples: int = 960) -> bytes:
    """Coded silence of 120, 240, 480 or 960 samples."""
    return bytes((28 + _CELT.index(samples) << 3 | (4 if channels == 2 else 0), 0xFF, 0xFE))
