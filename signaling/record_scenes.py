"""What there is to record, read off a room and its calls. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from signaling.call import Call
from signaling.record_book import Person, Scene, Shared
from signaling.room import Room
from signaling.room_model import Track


def stage_scope(room: str) -> str:
    """A room's stage among the scopes of a Node; a call's scope is its id."""
    return f"stage:{room}"


def of_call(call: Call, room: Room | None) -> Scene:
    """A call: whoever talks in it. Who listens, whispers or is being rung is not in the picture."""
    people = {
        person.identity: Person(person.name, person.side, person.side != "shopper", person.state == "reconnecting")
        for person in call.people.values()
        if person.mode in ("full", "hold")
    }
    tracks = () if room is None else room.tracks.values()
    return Scene(
        call.id,
        "call",
        call.room,
        call.id,
        not call.over,
        people,
        _shared(room, (track for track in tracks if call.id in (track.circle, track.home)), people),
        live=call.open,
        held=call.state == "on_hold",
        queue=call.queue,
    )


def of_stage(room: Room) -> Scene:
    """A stage: the host and the guests, while there is a show."""
    people = {
        place.identity: Person(place.name, "host" if place.role == "host" else "guest", place.role != "shopper")
        for place in room.stage.places
    }
    on_air = (track for track in room.tracks.values() if track.circle is None)
    return Scene(
        stage_scope(room.name),
        "stage",
        room.name,
        None,
        room.state in ("live", "away"),
        people,
        _shared(room, on_air, people),
    )


def _shared(room: Room | None, tracks: Iterable[Track], people: dict[str, Person]) -> dict[str, Shared]:
    found = {}
    for track in tracks:
        owner = room.members.get(track.peer) if room is not None else None
        if owner is not None and owner.identity in people and not track.held:
            found[track.id] = Shared(owner.identity, track.source, track.kind, track.muted)
    return found
