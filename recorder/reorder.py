"""Packets of a track log in the order in which they were sent. Pure.

Everything is known already, so waiting costs nothing: a hole stays open far longer than any repeat takes, and only then
counts as loss.
"""

from __future__ import annotations

from media.seqnum import Unwrapper

#: So long a hole waits for a repeat, by the arrival of later packets. Workers give up asking after 1 s.
WAIT_S = 2.0
#: Where nothing says what the first number is, so long is waited for a lower one.
START_S = 0.2
#: More packets than this never wait: 2 s at 15 Mbit/s.
CAPACITY = 4096
#: So many old packets in a row are no repeats: the numbering began anew.
STRANGE = 64


class Packet:
    """One RTP packet: 16-bit ``sequence``, ``stamp`` the unwrapped timestamp, ``stretch`` the clock it belongs to.

    ``rotation`` in degrees clockwise, None where the packet does not say. ``lost``: how many are missing before it.
    """

    __slots__ = ("arrival", "lost", "marker", "payload", "rotation", "sequence", "stamp", "stretch")

    def __init__(
        self,
        sequence: int,
        stamp: int,
        payload: bytes,
        *,
        marker: bool = False,
        arrival: float = 0.0,
        stretch: int = 0,
        rotation: int | None = None,
    ) -> None:
        self.sequence = sequence
        self.stamp = stamp
        self.payload = payload
        self.marker = marker
        self.arrival = arrival
        self.stretch = stretch
        self.rotation = rotation
        self.lost = 0


class Reorder:
    """Puts one Track's packets in order and counts what is missing."""

    __slots__ = ("_begun", "_held", "_hole_since", "_late_run", "_next", "_unwrap", "duplicates", "late", "lost")

    def __init__(self) -> None:
        self._unwrap = Unwrapper()
        self._held: dict[int, Packet] = {}
        self._next: int | None = None
        self._begun = 0.0
        self._hole_since = 0.0
        self._late_run = 0
        self.duplicates = 0
        self.late = 0
        self.lost = 0

    def put(self, packet: Packet) -> list[Packet]:
        """Take the packet that was recorded next; return those whose turn it is."""
        number = self._unwrap.unwrap(packet.sequence)
        held = self._held
        if self._next is None:
            return self._start(number, packet)
        if number == self._next and not held:
            self._next += 1
            self._late_run = 0
            return [packet]
        if number < self._next:
            return self._old(packet)
        self._late_run = 0
        if number in held:
            self.duplicates += 1
            return []
        if not held:
            self._hole_since = packet.arrival
        held[number] = packet
        ready = self._drain()
        while held and (packet.arrival - self._hole_since > WAIT_S or len(held) > CAPACITY):
            ready += self._skip()
            self._hole_since = packet.arrival
        return ready

    def _start(self, number: int, packet: Packet) -> list[Packet]:
        if not self._held:
            self._begun = packet.arrival
        if number in self._held:
            self.duplicates += 1
        else:
            self._held[number] = packet
        if packet.arrival - self._begun < START_S and len(self._held) < CAPACITY:
            return []
        self._hole_since = packet.arrival
        self._next = min(self._held)
        return self._drain()

    def _old(self, packet: Packet) -> list[Packet]:
        self.late += 1
        self._late_run += 1
        if self._late_run < STRANGE:
            return []
        ready = self.flush(known=False)
        self._unwrap.unwrap(packet.sequence)
        return ready

    def _drain(self) -> list[Packet]:
        ready = []
        number = self._next
        assert number is not None
        while (packet := self._held.pop(number, None)) is not None:
            ready.append(packet)
            number += 1
        if ready and self._held:
            self._hole_since = max(ready[-1].arrival, self._hole_since)
        self._next = number
        return ready

    def _skip(self) -> list[Packet]:
        first = min(self._held)
        assert self._next is not None
        missing = first - self._next
        self.lost += missing
        self._held[first].lost = missing
        self._next = first
        return self._drain()

    def flush(self, *, known: bool = True) -> list[Packet]:
        """Everything that is held: nothing from before comes any more.

        ``known``: the next packet's number follows the last one's; otherwise it may be any.
        """
        ready: list[Packet] = []
        if self._held and self._next is None:
            self._next = min(self._held)
        if self._held:
            ready = self._drain()
            while self._held:
                ready += self._skip()
        if not known:
            self._next = None
            self._unwrap = Unwrapper()
            self._late_run = 0
        return ready
