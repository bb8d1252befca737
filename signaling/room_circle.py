"""The rules of circles: what a call's seats mean for tracks, and its way onto the stage and back. Pure.

Each function takes one fact for :meth:`signaling.room.Room.handle`: it raises ApiError before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from signaling.circle import CIRCLE_SOURCES, Circle, Seat
from signaling.errors import ApiError
from signaling.room_model import (
    Aired,
    CircleAired,
    CircleEnded,
    CircleGrounded,
    CircleOnStage,
    CircleSet,
    Effect,
    Fact,
    InviteChanged,
    SeenBy,
    Tell,
    Track,
    TracksMuted,
    TracksReleased,
)
from signaling.room_steps import RoomSteps
from signaling.stage import Place

# --- who sits where --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sight:
    """Which Peers know of which tracks and people of a circle."""

    tracks: dict[str, frozenset[str]]
    people: dict[str, frozenset[str]]


def _circle_set(room: RoomSteps, fact: CircleSet, now: float) -> list[Effect]:
    circle = fact.circle
    former = room._circles.get(circle.id)
    if circle == former:
        return []
    return [*_unstage(room, circle, now), *_rearrange(room, circle.id, former, circle)]


def _circle_ended(room: RoomSteps, fact: CircleEnded, now: float) -> list[Effect]:
    former = room._circles.get(fact.circle_id)
    if former is None:
        return []
    effects = room._ground(former.id, "call_ended", now)
    effects += _withdraw_offer(room, former.id)
    return effects + _rearrange(room, former.id, former, None)


def _rearrange(room: RoomSteps, circle_id: str, former: Circle | None, circle: Circle | None) -> list[Effect]:
    """From one order of seats to another. What its owner may not share any more ends, the rest changes its audience."""
    identities = {*(former.seats if former else ()), *(circle.seats if circle else ())}
    tracks = [track for track in room.tracks.values() if track.circle == circle_id]
    staying = [track for track in tracks if circle is not None and _publishes(circle, room._owner(track), track)]
    effects = room._stop([track for track in tracks if track not in staying])
    before = _look(room, staying, identities)
    if circle is None:
        room._circles.end(circle_id)
    else:
        room._circles.put(circle)
    holding: list[Track] = []
    released: list[Track] = []
    for track in staying:
        held = circle is None or circle.holds(room._owner(track))
        if held != track.held:
            changed = room.tracks[track.id] = replace(track, held=held)
            (holding if held else released).append(changed)
    if released:
        effects.append(TracksReleased(tuple(released)))
    if holding:
        effects.append(TracksMuted(tuple(holding)))
    effects.append(SeenBy(room._peers(identities)))
    return effects + _news(room, before, _look(room, staying, identities))


def _publishes(circle: Circle, identity: str, track: Track) -> bool:
    seat = circle.seats.get(identity)
    return seat is not None and seat.publishes(track.source)


def _look(room: RoomSteps, tracks: Iterable[Track], identities: Iterable[str]) -> _Sight:
    members = [room.members[peer] for peer in sorted(room._peers(identities))]
    return _Sight(
        {track.id: room._told(room.tracks[track.id]) or frozenset() for track in tracks},
        {member.id: room._knowing(member) for member in members},
    )


def _news(room: RoomSteps, before: _Sight, after: _Sight) -> list[Effect]:
    """What is told of the difference: first what ends, then what begins."""
    effects: list[Effect] = []
    for name, told in before.tracks.items():
        lost = told - after.tracks[name]
        if lost:
            fields = {"track": name, "peer": room.tracks[name].peer}
            effects.append(Tell("track_unpublished", fields, only=lost))
    unlisted = [room.members[peer] for peer in before.people if not room.listed(room.members[peer])]
    for member in unlisted:
        lost = before.people[member.id] - after.people[member.id]
        if lost:
            effects.append(Tell("peer_left", {"peer": member.id, "reason": "left_call"}, only=lost))
            effects += room._retell(member, lost)
    for member in unlisted:
        gained = after.people[member.id] - before.people[member.id]
        if gained:
            effects.append(Tell("peer_joined", {"peer": member.to_wire()}, only=gained))
    for name, told in after.tracks.items():
        gained = told - before.tracks[name]
        if gained:
            effects.append(Tell("track_published", {"track": room.tracks[name].to_wire()}, only=gained))
    return effects


# --- on the stage and back -------------------------------------------------------------------------------------------


def _unstage(room: RoomSteps, circle: Circle, now: float) -> list[Effect]:
    """The seats are about to change: who has none on stage any more goes off; everybody, if the call does not go on."""
    aired = room._circles.aired(circle.id)
    staying = {identity: sources for identity, sources in aired.items() if _may_air(circle.seats.get(identity))}
    if len(staying) == len(aired) and circle.open:
        return []
    sides = {circle.seats[identity].side for identity in staying}
    if not circle.open or "shopper" not in sides or len(sides) < 2:
        return room._ground(circle.id, "left", now)
    return _restage(room, circle.id, staying, now)


def _may_air(seat: Seat | None) -> bool:
    return seat is not None and seat.mode in ("full", "hold")


def _restage(room: RoomSteps, circle_id: str, staying: Aired, now: float) -> list[Effect]:
    """Only these are on stage with the circle from now on."""
    leaving = [identity for identity in room._circles.aired(circle_id) if identity not in staying]
    room._circles.air(circle_id, staying)
    effects: list[Effect] = []
    for identity in leaving:
        effects += room._step_back(identity, circle_id, now)
    return effects


def check_air(room: RoomSteps, circle_id: str | None, aired: Aired) -> Circle:
    """The circle, if these of it could come on stage now. Raises as :class:`CircleAired` says."""
    circle = room._circles.get(circle_id)
    if circle is None:
        raise ApiError("call_not_found")
    if room.for_help:
        raise ApiError("not_in_show")
    room._require_live()
    if any(identity not in circle.seats for identity in aired):
        raise ApiError("not_in_call")
    members = [room.member_by_identity(identity) for identity in aired]
    if not aired or not circle.open or None in members or not all(_may_air(circle.seats[name]) for name in aired):
        raise ApiError("wrong_state")
    if any(room._circles.aired_with(identity) not in (None, circle.id) for identity in aired):
        raise ApiError("already_on_stage")
    newcomers = [member for member in members if member is not None and not room.on_stage(member.identity)]
    bound = [member for member in newcomers if not member.show]
    if bound and room.stage.locked:
        raise ApiError("stage_locked")
    if bound and len(room.stage.places) + len(newcomers) > room.policy.max_stage:
        raise ApiError("stage_full")
    return circle


def air(room: RoomSteps, circle_id: str, aired: Aired, now: float) -> list[Effect]:
    """A circle comes on stage, or shows more or less of itself there. Raises as :class:`CircleAired` says."""
    check_air(room, circle_id, aired)
    was = bool(room._circles.aired(circle_id))
    given = {identity: frozenset(sources) & CIRCLE_SOURCES for identity, sources in aired.items()}
    effects = _restage(room, circle_id, given, now)
    for identity, sources in given.items():
        member = room.member_by_identity(identity)
        assert member is not None
        if not room.on_stage(identity):
            effects += room._come_on(Place.of(member, circle_id), "accept", now, sources)
            continue
        tracks = room.tracks_of(member.id)
        effects += room._fall(track for track in tracks if track.home == circle_id and track.source not in sources)
        effects += room._rise(track for track in tracks if track.circle == circle_id and track.source in sources)
        if any(track.circle == circle_id and track.source in sources for track in tracks):
            room.stage.step(identity, "media", now)
    # Whoever offered it got what was asked for, by whatever way it came.
    for invite in [invite for invite in room._book.pending if invite.circle == circle_id]:
        came = room.on_stage(invite.by_identity)
        effects.append(InviteChanged(room._book.step(invite, "accept" if came else "cancel")))
    return effects if was else [*effects, CircleOnStage(circle_id, True)]


def _circle_aired(room: RoomSteps, fact: CircleAired, now: float) -> list[Effect]:
    return air(room, fact.circle_id, fact.aired, now)


def _circle_grounded(room: RoomSteps, fact: CircleGrounded, now: float) -> list[Effect]:
    return [*room._ground(fact.circle_id, None, now), *_withdraw_offer(room, fact.circle_id)]


def _withdraw_offer(room: RoomSteps, circle_id: str) -> list[Effect]:
    """Nobody needs to answer any more."""
    offers = [invite for invite in room._book.pending if invite.circle == circle_id]
    return [InviteChanged(room._book.step(invite, "cancel")) for invite in offers]


CircleRule = Callable[[RoomSteps, Any, float], list[Effect]]

CIRCLE_RULES: dict[type[Fact], CircleRule] = {
    CircleSet: _circle_set,
    CircleEnded: _circle_ended,
    CircleAired: _circle_aired,
    CircleGrounded: _circle_grounded,
}
