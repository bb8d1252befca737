"""The stage of one Room: who is on it, in which order and layout, and who would like to be. Pure.

Places belong to identities, so they outlive Peers: who reloads the page is a new Peer in the same place. Who may do
what is decided in :mod:`signaling.room_stage`; this is only what it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from media.api import Kind
from signaling.room_model import Member, StageLayout

#: ``off`` is having no place; it never goes over the wire.
PlaceState = Literal["off", "joining", "on"]
#: ``media``: something to see or hear is there; ``silence``: it did not come in time; ``host_away``: a host left for
#: good while nobody else can run the show; ``end``: left, timed out, taken off, or the show is over.
PlaceEvent = Literal["accept", "media", "silence", "host_away", "end"]

PLACES: Mapping[tuple[PlaceState, PlaceEvent], PlaceState] = {
    ("off", "accept"): "joining",
    ("off", "media"): "on",
    ("joining", "media"): "on",
    ("joining", "silence"): "off",
    ("joining", "end"): "off",
    ("on", "media"): "on",
    ("on", "host_away"): "on",
    ("on", "end"): "off",
}

#: How long somebody may be ``joining``.
JOINING_S = 15.0
MAX_HANDS = 50
DEFAULT_LAYOUT: StageLayout = "side_by_side"


@dataclass(frozen=True, slots=True)
class Place:
    """One person's place. ``peer`` is None while this person has no Peer in the Room.

    ``show``: has the grant of this name, so nobody else disposes of the place; ``until`` ends ``joining``; ``invite``
    is what brought here; ``circle``: came with it, and goes with it.
    """

    identity: str
    name: str
    role: str
    peer: str | None
    show: bool = False
    state: PlaceState = "joining"
    cohost: bool = False
    audio_locked: bool = False
    video_locked: bool = False
    until: float | None = None
    invite: str | None = None
    circle: str | None = None

    @classmethod
    def of(cls, member: Member, circle: str | None = None) -> Place:
        """A place for somebody in the Room."""
        return cls(member.identity, member.name, member.role, member.id, show=member.show, circle=circle)

    def locks(self, kind: Kind) -> bool:
        """Whether the host has muted this kind."""
        return self.audio_locked if kind == "audio" else self.video_locked

    def to_wire(self) -> dict[str, Any]:
        """One of ``places`` in PROTOCOL.md section 1.6."""
        return {
            "identity": self.identity,
            "peer": self.peer,
            "name": self.name,
            "role": self.role,
            "state": self.state,
            "cohost": self.cohost,
            "locked": {"audio": self.audio_locked, "video": self.video_locked},
        }


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody would like to come. ``at`` is seconds, monotonic."""

    identity: str
    name: str
    topic: str
    at: float


@dataclass(slots=True)
class Stage:
    """``pin`` is an identity; ``hands`` are in the order of raising."""

    layout: StageLayout = DEFAULT_LAYOUT
    pin: str | None = None
    locked: bool = False
    hands_open: bool = False
    hands: dict[str, Hand] = field(default_factory=dict)
    _places: list[Place] = field(default_factory=list)
    #: What the layout was before a screen was shared, unless another has been chosen since.
    _before_screen: StageLayout | None = None
    _sharing: bool = False

    # --- questions -----------------------------------------------------------------------------------------------

    @property
    def places(self) -> tuple[Place, ...]:
        """In the order on the screen."""
        return tuple(self._places)

    def place_of(self, identity: str) -> Place | None:
        """Somebody's place."""
        return next((place for place in self._places if place.identity == identity), None)

    def overdue(self, now: float) -> tuple[Place, ...]:
        """Those who have been ``joining`` for too long."""
        return tuple(place for place in self._places if place.until is not None and place.until <= now)

    def next_deadline(self) -> float | None:
        """When the first one is."""
        return min((place.until for place in self._places if place.until is not None), default=None)

    def to_wire(self) -> dict[str, Any]:
        """``stage`` in PROTOCOL.md section 1.6."""
        return {
            "places": [place.to_wire() for place in self._places],
            "layout": self.layout,
            "pin": self.pin,
            "locked": self.locked,
            "hands_open": self.hands_open,
        }

    # --- changes -------------------------------------------------------------------------------------------------

    def take(self, place: Place, event: PlaceEvent, now: float) -> None:
        """Somebody comes on stage. The first who runs the show gets the main place, everybody else the last."""
        place = _after(replace(place, state="off"), event, now)
        first = place.show and not any(other.show for other in self._places)
        self._places.insert(0 if first else len(self._places), place)

    def step(self, identity: str, event: PlaceEvent, now: float) -> None:
        """Somebody's place after ``event``; without a place this is nothing."""
        for index, place in enumerate(self._places):
            if place.identity == identity:
                following = _after(place, event, now)
                if following.state != "off":
                    self._places[index] = following
                    return
                del self._places[index]
                if self.pin == identity:
                    self.pin = None
                return

    def change(self, identity: str, **changes: Any) -> None:
        """Other fields of somebody's place."""
        self._places = [replace(place, **changes) if place.identity == identity else place for place in self._places]

    def move(self, identity: str, position: int) -> None:
        """Take somebody out of the order and put them back in at ``position``, at most the end."""
        place = self.place_of(identity)
        if place is not None:
            self._places.remove(place)
            self._places.insert(position, place)

    def choose(self, layout: StageLayout) -> None:
        """A person's choice, which a screen that ends does not undo."""
        if layout != self.layout:
            self.layout = layout
            self._before_screen = None

    def screen_shared(self, shared: bool) -> None:
        """Whether any screen is on air now; said again it changes nothing."""
        if shared and not self._sharing:
            self._before_screen, self.layout = self.layout, "screen"
        elif self._sharing and not shared and self._before_screen is not None:
            self.layout, self._before_screen = self._before_screen, None
        self._sharing = shared

    def reset(self) -> None:
        """The show is over: as at the beginning."""
        self.layout, self.pin, self.locked, self.hands_open = DEFAULT_LAYOUT, None, False, False
        self.hands.clear()
        self._places.clear()
        self._before_screen = None
        self._sharing = False


def _after(place: Place, event: PlaceEvent, now: float) -> Place:
    state = PLACES.get((place.state, event))
    if state is None:
        return place
    return replace(place, state=state, until=now + JOINING_S if state == "joining" else None)
