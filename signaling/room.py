"""What a Room knows and how it changes: members, tracks, the show, and the stage. A pure state machine.

:meth:`Room.handle` takes a fact (:mod:`signaling.room_model`) and ``now`` (seconds, monotonic) and returns effects for the hub to
perform, in order; it raises ApiError for a fact that the Room refuses, and then nothing has changed.
:meth:`Room.next_deadline` says when to hand in the next :class:`Tick`.

The show: ``idle`` until somebody starts it, ``live`` while a host is connected, ``away`` when none is, ``ended`` when
it is ended or the grace for the host runs out. A host who resumes, publishes or starts again makes it ``live``; the
grace runs only while no host is connected at all. ``ended`` is not final: the next start makes it ``live``.

Who is not on stage shares nothing with the audience, whatever is asked: :meth:`RoomState.right_to_publish` decides for
each track, and a place that ends takes its tracks with it. The rules of the stage are in :mod:`signaling.room_stage`,
those of one-to-one calls in :mod:`signaling.room_circle`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from signaling.errors import ApiError
from signaling.room_circle import CIRCLE_RULES
from signaling.room_model import (
    Amended,
    CircleOnStage,
    Closing,
    Dropped,
    Effect,
    Engaged,
    Fact,
    Flowing,
    Gone,
    InviteChanged,
    InviteeGone,
    Joined,
    Left,
    MediaLost,
    Member,
    Muted,
    Published,
    Returned,
    RingNext,
    RoomClosed,
    ShowEnded,
    ShowOver,
    ShowStarted,
    Speaking,
    Tell,
    Tick,
    TracksAdded,
    TracksMuted,
    Unpublished,
)
from signaling.room_stage import STAGE_RULES, expire
from signaling.room_state import SHOW, RoomState, Show, ShowEvent
from signaling.room_steps import RoomSteps
from signaling.stage import Place

VIEWERS_INTERVAL_S = 1.0


@dataclass(slots=True)
class _Viewers:
    told: int = 0
    told_at: float = -VIEWERS_INTERVAL_S
    due: float | None = None


@dataclass(slots=True)
class Room(RoomSteps):
    """See the module, and :class:`RoomState` for what can be asked."""

    _viewers: _Viewers = field(default_factory=_Viewers)
    _dropped: dict[str, float] = field(default_factory=dict)
    _empty_until: float | None = None

    def __post_init__(self) -> None:
        RoomState.__post_init__(self)
        self._empty_until = self.created_at + self.policy.empty_timeout_s

    # --- questions -----------------------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When something happens by time alone."""
        times = [
            *self._dropped.values(),
            self._show.away_until,
            self._viewers.due,
            self._empty_until,
            self._book.next_deadline(),
            self.stage.next_deadline(),
        ]
        return None if self.closed else min((time for time in times if time is not None), default=None)

    def check_join(self, member: Member) -> None:
        """Raise ``room_full``, ``room_ended`` or ``identity_taken``. A full audience never locks out a host."""
        if self.closed:
            raise ApiError("room_ended")
        former = self.member_by_identity(member.identity)
        # Somebody whose connection broke is not "there": reloading a page must work under both policies.
        if former is not None and former.connected and self.policy.duplicate_identity == "refuse":
            raise ApiError("identity_taken")
        others = sum(1 for other in self.members.values() if not other.host and other is not former)
        if others >= self.policy.max_peers and not member.host:
            raise ApiError("room_full", retry_after_s=10.0)

    def check_publish(self, peer: str, added: int) -> None:
        """Raise ``track_limit``, ``room_full`` or ``room_ended`` if ``peer`` may not share ``added`` more tracks.

        The limit of publishers stops those who wait or whisper: on stage there is a limit of places instead, and calls
        are not for the room.
        """
        member = self._member(peer)
        calls = self.in_call(member.identity)
        if self._show.state == "ended" and not (member.show or calls):
            raise ApiError("room_ended")
        if len(self.tracks_of(peer)) + added > self.policy.max_tracks:
            raise ApiError("track_limit")
        publishers = {track.peer for track in self.tracks.values() if track.circle is None and track.home is None}
        free = calls or peer in publishers or member.show or self.on_stage(member.identity)
        if len(publishers) >= self.policy.max_publishers and not free:
            raise ApiError("room_full", retry_after_s=10.0)

    # --- changes -------------------------------------------------------------------------------------------------

    def handle(self, fact: Fact, now: float) -> list[Effect]:
        """Change by one fact; returns what must be done, in order. Raises ApiError with nothing changed.

        A :class:`RingNext` comes last, so whatever its answer leads to is told after what is told here.
        """
        if self.closed:
            return []
        effects = _RULES[type(fact)](self, fact, now)
        if not self.closed:
            effects += self._reconsider_show(now, resumed=isinstance(fact, Returned) and self._member(fact.peer).host)
            effects += self._tidy(now)
            effects += self._stage_news()
            if type(fact) not in _NOBODY_MOVES:
                effects += self._count_viewers(now)
            effects += self._offers_that_ended(effects)
        if self.members or len(self._circles):
            # Whoever is in a call may come back to it.
            self._empty_until = None
        elif self._empty_until is None:
            self._empty_until = now + self.policy.departure_timeout_s
        return sorted(effects, key=lambda effect: isinstance(effect, RingNext))

    # --- rules: members ------------------------------------------------------------------------------------------

    def _joined(self, fact: Joined, now: float) -> list[Effect]:
        self.check_join(fact.member)
        effects: list[Effect] = []
        member = fact.member
        former, lesser = self.member_by_identity(member.identity), self._is_lesser(member)
        if former is not None:
            effects += self._part(former, "replaced", "identity_replaced")
            effects += self._reconsider_show(now)
        if lesser:
            # The same person with a token for watching.
            effects += self._take_back(member.identity, now)
        self.members[member.id] = member
        self._peer_of[member.identity] = member.id
        self.stage.change(member.identity, peer=member.id, name=member.name, role=member.role, show=member.show)
        return effects + self._tell_peer(member, "peer_joined", {"peer": member.to_wire()}, itself=False)

    def _dropped_out(self, fact: Dropped, now: float) -> list[Effect]:
        member = self.members.get(fact.peer)
        if member is None or not member.connected:
            return []
        self._dropped[fact.peer] = now + self.policy.resume_window_s
        return self._update(replace(member, connected=False))

    def _returned(self, fact: Returned, now: float) -> list[Effect]:
        member = self._member(fact.peer)
        self._dropped.pop(fact.peer, None)
        return [] if member.connected else self._update(replace(member, connected=True))

    def _left(self, fact: Left, now: float) -> list[Effect]:
        return self._remove(fact.peer, fact.reason, fact.code, now)

    def _amended(self, fact: Amended, now: float) -> list[Effect]:
        former = self._member(fact.member.id)
        member = replace(fact.member, connected=former.connected)
        was_listed, controlled, lesser = self.listed(former), self.controls(former.id), self._is_lesser(member)
        self.members[member.id] = member
        self.stage.change(member.identity, name=member.name, role=member.role, show=member.show)
        effects: list[Effect] = []
        if self.listed(member) and not was_listed:
            effects.append(Tell("peer_joined", {"peer": member.to_wire()}))
        elif was_listed and not self.listed(member):
            effects += self._unlist(member, "grants")
        elif member.to_wire() != former.to_wire():
            effects += self._update(member)
        only = frozenset((member.id,))
        for track in self.tracks.values():
            if not track.private or track.peer == member.id or member.host == former.host:
                continue
            if member.host:
                effects.append(Tell("track_published", {"track": track.to_wire()}, only=only))
            else:
                effects.append(Tell("track_unpublished", {"track": track.id, "peer": track.peer}, only=only))
        if self.controls(member.id) and not controlled:
            effects.append(Tell("hands", {"hands": self._hands()}, only=only))
            effects += [Tell("invite", {"invite": invite.to_wire()}, only=only) for invite in self._book.pending]
        if lesser:
            effects += self._take_back(member.identity, now)
        elif member.show and any(track.held and track.of_stage for track in self.tracks_of(member.id)):
            effects += self._come_on(Place.of(member), "media", now)
        return effects

    def _take_back(self, identity: str, now: float) -> list[Effect]:
        """Somebody may not publish any more: place, offer and ring end."""
        effects: list[Effect] = []
        place = self.stage.place_of(identity)
        if place is not None:
            effects += self._go_off(place, "end", now, "grants")
        request = self._book.offered(identity)
        if request is not None:
            effects.append(InviteChanged(self._book.step(request, "inviter_gone")))
        return effects + STAGE_RULES[InviteeGone](self, InviteeGone(identity), now)

    # --- rules: tracks -------------------------------------------------------------------------------------------

    def _published(self, fact: Published, now: float) -> list[Effect]:
        self.check_publish(fact.peer, len(fact.tracks))
        member = self._member(fact.peer)
        terms = [self._terms(member, track.source) for track in fact.tracks]
        effects: list[Effect] = []
        on_air = any(right == "air" for right, _ in terms)
        if on_air and not self.on_stage(member.identity):
            effects += self._come_on(Place.of(member), "media", now)
        elif on_air:
            self.stage.step(member.identity, "media", now)
            effects += self._stage_news()
        added, silenced = [], []
        for track, (right, circle) in zip(fact.tracks, terms, strict=True):
            raised = right == "air"
            seat, home = (None, circle) if raised else (circle, None)
            entry = replace(track, held=right == "held", circle=seat, home=home, silenced=False)
            if not entry.muted and self._is_locked(entry):
                entry = replace(entry, muted=True, silenced=True)
                silenced.append(entry)
            self.tracks[entry.id] = entry
            added.append(entry)
        self._follow_screens()
        effects += [*self._announce(added), TracksAdded(tuple(added))]
        if silenced:
            effects.append(TracksMuted(tuple(silenced)))
        if on_air and self._show.state == "away" and member.host and member.connected:
            effects += self._turn("host_back", now)
        elif on_air and fact.starts_show:
            effects += self._turn("start", now)
        return effects

    def _unpublished(self, fact: Unpublished, now: float) -> list[Effect]:
        return self._stop([self.tracks[track] for track in dict.fromkeys(fact.tracks) if track in self.tracks])

    def _muted(self, fact: Muted, now: float) -> list[Effect]:
        track = self.tracks.get(fact.track)
        if track is None:
            raise ApiError("track_not_found")
        if not fact.muted:
            self.may_unmute(track.id)
        changed = replace(track, muted=fact.muted, silenced=False)
        if track.muted != fact.muted:
            return self._update_track(changed)
        # The owner wants what the host had done anyway.
        self.tracks[track.id] = changed
        return []

    def _flowing(self, fact: Flowing, now: float) -> list[Effect]:
        track = self.tracks.get(fact.track)
        if track is None or track.flowing == fact.flowing:
            return []
        return self._update_track(replace(track, flowing=fact.flowing))

    def _speaking(self, fact: Speaking, now: float) -> list[Effect]:
        heard = [self.tracks[track] for track in fact.tracks if track in self.tracks]
        return self._set_speakers(tuple(dict.fromkeys(track.peer for track in heard if track.on_air)))

    def _media_lost(self, fact: MediaLost, now: float) -> list[Effect]:
        return [
            Tell("transport_lost", {"reason": fact.reason}),
            *self._stop(list(self.tracks.values()), lost=True),
        ]

    # --- rules: the show -----------------------------------------------------------------------------------------

    def _show_started(self, fact: ShowStarted, now: float) -> list[Effect]:
        if self.for_help:
            raise ApiError("forbidden")
        return self._turn("start", now)

    def _show_ended(self, fact: ShowEnded, now: float) -> list[Effect]:
        return self._finish("end", now)

    def _closing(self, fact: Closing, now: float) -> list[Effect]:
        # A restart of the Node is not the end of the show: nobody is told so.
        ends = fact.code == "room_ended"
        effects: list[Effect] = self._turn("end", now) if ends else []
        self.tracks.clear()
        cleared = self._clear_stage(now)
        effects += cleared if ends else []
        self.closed = True
        effects += [Gone(peer, fact.code) for peer in self.members]
        self.members.clear()
        self._peer_of.clear()
        return [*effects, RoomClosed()]

    def _tick(self, fact: Tick, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for peer in [peer for peer, deadline in self._dropped.items() if deadline <= now]:
            effects += self._remove(peer, "timeout", None, now)
        if self._show.away_until is not None and self._show.away_until <= now:
            effects += self._finish("grace_over", now)
        effects += expire(self, now)
        if self._empty_until is not None and self._empty_until <= now and not (self.members or len(self._circles)):
            if self._show.away_until is not None:
                self._empty_until = self._show.away_until
            else:
                effects += self._clear_stage(now)
                self.closed = True
                effects.append(RoomClosed())
        return effects

    # --- parts ---------------------------------------------------------------------------------------------------

    def _remove(self, peer: str, reason: str, code: str | None, now: float) -> list[Effect]:
        """Somebody is gone for good; with them go the place, the hand, and what they asked of others."""
        member = self.members.get(peer)
        if member is None:
            return []
        effects = self._part(member, reason, code)
        place = self.stage.place_of(member.identity)
        if place is not None and self._is_kept(member, place):
            self.stage.step(member.identity, "host_away", now)
            self.stage.change(member.identity, peer=None)
        elif place is not None:
            self.stage.step(member.identity, "end", now)
            effects.append(Engaged(member.identity, False))
            circle = self._circles.aired_with(member.identity)
            effects += [] if circle is None else self._ground(circle, "left", now)
        effects += self._lower(member.identity)
        for invite in self._book.pending:
            if invite.by_identity == member.identity:
                effects.append(InviteChanged(self._book.step(invite, "inviter_gone")))
        return effects

    def _part(self, member: Member, reason: str, code: str | None) -> list[Effect]:
        """One Peer ends; the person may have another."""
        effects = self._stop(self.tracks_of(member.id))
        told = self._tell_peer(member, "peer_left", {"peer": member.id, "reason": reason}, itself=False)
        del self.members[member.id], self._peer_of[member.identity]
        self._dropped.pop(member.id, None)
        return [*effects, Gone(member.id, code), *told]

    def _is_kept(self, member: Member, place: Place) -> bool:
        """Whether the place waits, with the show, for a host who has left."""
        waiting = self._show.state in ("live", "away") and not self._host_present()
        return member.host and place.state == "on" and waiting

    def _update(self, member: Member) -> list[Effect]:
        self.members[member.id] = member
        return self._tell_peer(member, "peer_updated", {"peer": member.to_wire()})

    def _tidy(self, now: float) -> list[Effect]:
        """What has lost its reason: kept places when the show waits no more, held tracks of those who are not awaited."""
        effects: list[Effect] = []
        for place in self.stage.places:
            lost = place.peer is None and place.until is None and self._show.away_until is None
            if lost and self.on_stage(place.identity):
                effects += self._go_off(place, "end", now)
        held = [track for track in self.tracks.values() if track.held and track.of_stage]
        return effects + self._stop([track for track in held if not self._is_awaited(track.peer)])

    def _is_awaited(self, peer: str) -> bool:
        member = self.members.get(peer)
        return member is not None and self._book.of_guest(member.identity) is not None

    def _reconsider_show(self, now: float, *, resumed: bool = False) -> list[Effect]:
        present = self._host_present()
        show = self._show
        if (show.state == "live" and present) or show.state in ("idle", "ended"):
            return []
        if show.state == "live":
            return self._turn("host_gone", now)
        if present and resumed:
            return self._turn("host_back", now)
        if present == (show.away_until is None):
            return []
        # A host in the studio who has not published again yet keeps the show from ending, but it is not live.
        show.away_until = None if present else now + self.policy.away_grace_s
        return [Tell("room_state", self._state_fields())]

    def _offers_that_ended(self, effects: list[Effect]) -> list[Effect]:
        """Calls that do not come on stage, because their offer to came to nothing."""
        ended = [effect.invite for effect in effects if isinstance(effect, InviteChanged)]
        return [
            CircleOnStage(
                invite.circle, False, "declined" if invite.state == "declined" else invite.reason or invite.state
            )
            for invite in ended
            if invite.circle is not None
            and invite.state in ("declined", "cancelled", "expired")
            and not self._circles.aired(invite.circle)
        ]

    def _turn(self, event: ShowEvent, now: float) -> list[Effect]:
        """The show goes on to another state, if ``event`` means one."""
        state = SHOW.get((self._show.state, event))
        if state is None:
            return []
        self._show = Show(state, now, now + self.policy.away_grace_s if state == "away" else None)
        return [Tell("room_state", self._state_fields())]

    def _finish(self, event: ShowEvent, now: float) -> list[Effect]:
        """The end of the show."""
        effects = self._turn(event, now)
        if not effects:
            return []
        # What belongs to a call falls back into it with its place.
        ending = [track for track in self.tracks.values() if track.circle is None and track.home is None]
        return [*effects, *self._stop(ending), *self._clear_stage(now), ShowOver()]

    def _count_viewers(self, now: float) -> list[Effect]:
        viewers = self._viewers
        count = self.viewers
        if count == viewers.told:
            viewers.due = None
            return []
        due = viewers.told_at + VIEWERS_INTERVAL_S
        if now < due:
            viewers.due = due
            return []
        self._viewers = _Viewers(count, now)
        return [Tell("viewers", {"count": count})]


#: Facts that come often and change nobody's part: the audience need not be counted again.
_NOBODY_MOVES = frozenset((Speaking, Flowing, Muted))
Rule = Callable[[Any, Any, float], list[Effect]]

_RULES: Mapping[type[Fact], Rule] = {
    Joined: Room._joined,
    Dropped: Room._dropped_out,
    Returned: Room._returned,
    Left: Room._left,
    Amended: Room._amended,
    Published: Room._published,
    Unpublished: Room._unpublished,
    Muted: Room._muted,
    Flowing: Room._flowing,
    Speaking: Room._speaking,
    ShowStarted: Room._show_started,
    ShowEnded: Room._show_ended,
    MediaLost: Room._media_lost,
    Closing: Room._closing,
    Tick: Room._tick,
    **STAGE_RULES,
    **CIRCLE_RULES,
}
