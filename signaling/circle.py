"""A circle: people in a Room whose media reaches them alone, and who of them sees and hears whom. Pure.

A one-to-one call is one. Seats belong to identities, so they outlive Peers: who reloads the page is a new Peer in the
same seat. Who sits where is decided in :mod:`signaling.call`; what it means for tracks in :mod:`signaling.room_circle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from media.api import Source

#: ``ring``: is being rung, and prepares; ``hold``: sees, hears and is seen by nobody; ``listen``: sees and hears, unseen;
#: ``whisper``: the same, and the agents hear.
SeatMode = Literal["ring", "full", "hold", "listen", "whisper"]
Side = Literal["shopper", "agent", "supervisor"]

#: What may be shared in a circle at all.
CIRCLE_SOURCES: frozenset[Source] = frozenset(("microphone", "camera", "screen", "screen_audio"))
_PUBLISH: Mapping[SeatMode, frozenset[Source]] = {
    "ring": CIRCLE_SOURCES,
    "full": CIRCLE_SOURCES,
    "hold": CIRCLE_SOURCES,
    "listen": frozenset(),
    "whisper": frozenset(("microphone",)),
}


@dataclass(frozen=True, slots=True)
class Seat:
    """One person's part in a circle."""

    side: Side
    mode: SeatMode = "full"

    def publishes(self, source: Source) -> bool:
        """Whether ``source`` may be shared from here."""
        return source in _PUBLISH[self.mode]


@dataclass(frozen=True, slots=True)
class Circle:
    """``seats`` by identity. Until it is ``open`` everybody is connected and nothing is let through."""

    id: str
    seats: Mapping[str, Seat]
    open: bool = False

    def hears(self, sender: str, receiver: str) -> bool:
        """Whether what ``sender`` shares here is for ``receiver`` (identities, two different people)."""
        seats = self.seats
        return (
            sender != receiver and sender in seats and receiver in seats and hears(seats[sender], seats[receiver])
        )

    def holds(self, identity: str) -> bool:
        """Whether what this person shares waits: connected, let through to nobody, told to nobody."""
        seat = self.seats.get(identity)
        return not self.open or seat is None or seat.mode == "ring"

    def waits(self, identity: str) -> bool:
        """Whether this person receives nothing yet although others talk already: who is rung does not overhear them."""
        seat = self.seats.get(identity)
        return self.open and seat is not None and seat.mode == "ring"


def hears(sender: Seat, receiver: Seat) -> bool:
    """Whether what one shares is for the other. Who is being rung counts: their consumers are made meanwhile."""
    if sender.mode == "listen" or "hold" in (sender.mode, receiver.mode):
        return False
    return sender.mode != "whisper" or receiver.side == "agent"
