"""Arithmetic on RTP counters that wrap: 16-bit sequence numbers, 32-bit timestamps."""

from __future__ import annotations


def seq_diff(a: int, b: int) -> int:
    """How far the 16-bit number ``a`` lies ahead of ``b``, from -32768 to 32767 (RFC 1982)."""
    return ((a - b + 0x8000) & 0xFFFF) - 0x8000


def seq_newer(a: int, b: int) -> bool:
    """Whether the 16-bit number ``a`` comes after ``b``."""
    return 0 < (a - b) & 0xFFFF < 0x8000


class Unwrapper:
    """Turns numbers of ``bits`` bits into ones that never wrap, relative to the highest seen so far.

    The first number lands in the second cycle (``v + 2**bits``): however far later ones reach back, none is negative.
    """

    __slots__ = ("_half", "_highest", "_mask")

    def __init__(self, bits: int = 16) -> None:
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self._highest = -1

    @property
    def highest(self) -> int:
        """The highest number returned; -1 before the first."""
        return self._highest

    def unwrap(self, value: int) -> int:
        """The number within half a cycle of the highest whose low bits are ``value``; a tie lies in the past."""
        highest = self._highest
        if highest < 0:
            self._highest = (value & self._mask) + self._mask + 1
            return self._highest
        ahead = (value - highest) & self._mask
        if ahead >= self._half:
            return highest + ahead - self._mask - 1
        self._highest = highest + ahead
        return self._highest
