"""A ring of the newest packets of one stream, by unwrapped sequence number."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class PacketCache(Generic[T]):
    """Keeps up to ``capacity`` packets (a power of two), none more than ``max_age_s`` older than the last one stored.

    A packet lies at ``sequence % capacity`` while nothing newer took its slot. Everything takes constant time, except
    that a keyframe which arrives late counts the packets that overtook it.
    """

    __slots__ = ("_arrivals", "_gaps", "_keyframe", "_latest", "_mask", "_max_age", "_packets", "_sequences", "newest")

    def __init__(self, capacity: int, max_age_s: float) -> None:
        if capacity <= 0 or capacity & (capacity - 1):
            raise ValueError("capacity must be a power of two")
        self._mask = capacity - 1
        self._max_age = max_age_s
        self._packets: list[T | None] = [None] * capacity
        self._sequences = [-1] * capacity
        self._arrivals = [0.0] * capacity
        self._keyframe = -1
        # How many packets are missing between the keyframe and the newest.
        self._gaps = 0
        self._latest = 0.0
        self.newest: int | None = None

    def put(self, sequence: int, packet: T, now: float, keyframe: bool) -> bool:
        """Store a packet. False when it is a duplicate, or older than the whole ring (drop it then).

        ``sequence`` is not negative; ``keyframe`` says that a keyframe starts with this packet.
        """
        slot = sequence & self._mask
        newest = self.newest
        if self._sequences[slot] == sequence or (newest is not None and sequence < newest - self._mask):
            return False
        self._packets[slot] = packet
        self._sequences[slot] = sequence
        self._arrivals[slot] = self._latest = now
        if newest is None:
            self.newest = sequence
        elif sequence > newest:
            self.newest = sequence
            self._gaps += sequence - newest - 1
        elif sequence > self._keyframe:
            self._gaps -= 1
        if keyframe and sequence > self._keyframe:
            self._keyframe = sequence
            self._gaps = sum(1 for later in range(sequence, self.newest or 0) if not self._holds(later))
        return True

    def _holds(self, sequence: int) -> bool:
        return self._sequences[sequence & self._mask] == sequence

    def get(self, sequence: int) -> T | None:
        """The packet with that number, or None when it is missing, overwritten or too old."""
        slot = sequence & self._mask
        if self._sequences[slot] != sequence or self._latest - self._arrivals[slot] > self._max_age:
            return None
        return self._packets[slot]

    def since_keyframe(self, tolerate: int = 0) -> int | None:
        """The newest keyframe's first number, if it is here and at most ``tolerate`` packets after it are missing."""
        if self._gaps > tolerate or self._keyframe < 0 or self.get(self._keyframe) is None:
            return None
        return self._keyframe
