"""The circles of one Room, by whom they are made of, and which of them are on stage. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from media.api import Source
from signaling.circle import Circle

Airing = Mapping[str, frozenset[Source]]
NOBODY: Airing = MappingProxyType({})


@dataclass(slots=True)
class Circles:
    """See the module. Usually a person sits in one; a supervisor may listen to several."""

    _all: dict[str, Circle] = field(default_factory=dict)
    _aired: dict[str, dict[str, frozenset[Source]]] = field(default_factory=dict)
    #: By identity, the one that was entered last at the end.
    _of: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._all)

    # --- questions -----------------------------------------------------------------------------------------------

    def get(self, circle_id: str | None) -> Circle | None:
        """The circle under this id."""
        return None if circle_id is None else self._all.get(circle_id)

    def of(self, identity: str) -> tuple[Circle, ...]:
        """Those in which this person has a seat."""
        return tuple(self._all[circle_id] for circle_id in self._of.get(identity, ()))

    def talks(self, identity: str) -> bool:
        """Whether this person may share anything in a circle."""
        return any(circle.seats[identity].mode != "listen" for circle in self.of(identity))

    def home(self, identity: str, source: Source) -> Circle | None:
        """The circle that this source of this person belongs to: of several the one entered last."""
        return next((circle for circle in reversed(self.of(identity)) if circle.seats[identity].publishes(source)), None)

    def hears(self, circle_id: str | None, sender: str, receiver: str) -> bool:
        """Whether what is shared in this circle reaches ``receiver``."""
        circle = self.get(circle_id)
        return circle is not None and circle.hears(sender, receiver)

    def waits(self, circle_id: str | None, identity: str) -> bool:
        """Whether this person is being rung while others in this circle talk already."""
        circle = self.get(circle_id)
        return circle is not None and circle.waits(identity)

    def known_to(self, identity: str) -> set[str]:
        """Whom this person knows of by a circle, itself included."""
        known: set[str] = set()
        for circle in self.of(identity):
            known |= {
                other
                for other in circle.seats
                if (other == identity or circle.hears(other, identity)) and not circle.holds(other)
            }
        return known

    def knowing(self, identity: str) -> set[str]:
        """Who knows of this person by a circle, itself included."""
        knowing: set[str] = set()
        for circle in self.of(identity):
            if not circle.holds(identity):
                knowing |= {other for other in circle.seats if other == identity or circle.hears(identity, other)}
        return knowing

    def aired(self, circle_id: str) -> Airing:
        """Who of it is on stage with what; nobody, if it is not."""
        return self._aired.get(circle_id, NOBODY)

    def aired_with(self, identity: str) -> str | None:
        """The circle with which this person is on stage."""
        return next((circle_id for circle_id in self._of.get(identity, ()) if identity in self.aired(circle_id)), None)

    def airs(self, circle_id: str, identity: str, source: Source) -> bool:
        """Whether this is on air now."""
        return source in self.aired(circle_id).get(identity, ())

    # --- changes -------------------------------------------------------------------------------------------------

    def put(self, circle: Circle) -> None:
        """Make one, or change it."""
        former = self._all.get(circle.id)
        self._all[circle.id] = circle
        self._leave(circle.id, () if former is None else former.seats.keys() - circle.seats.keys())
        for identity in circle.seats:
            if circle.id not in self._of.get(identity, ()):
                self._of[identity] = (*self._of.get(identity, ()), circle.id)

    def end(self, circle_id: str) -> None:
        """Forget one."""
        former = self._all.pop(circle_id, None)
        self._aired.pop(circle_id, None)
        if former is not None:
            self._leave(circle_id, former.seats)

    def air(self, circle_id: str, aired: Airing) -> None:
        """From now on these are on stage."""
        self._aired[circle_id] = dict(aired)

    def ground(self, circle_id: str) -> Airing | None:
        """Off the stage; returns who was there, None if it was not."""
        return self._aired.pop(circle_id, None)

    def clear(self) -> None:
        """Forget everything."""
        self._all.clear()
        self._aired.clear()
        self._of.clear()

    def _leave(self, circle_id: str, identities: Iterable[str]) -> None:
        for identity in identities:
            left = tuple(other for other in self._of.get(identity, ()) if other != circle_id)
            if left:
                self._of[identity] = left
            else:
                self._of.pop(identity, None)
