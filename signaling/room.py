"""What a Room knows and how it changes: members, tracks, and the show. A pure state machine.

:meth:`Room.handle` takes a fact (:mod:`signaling.room_model`) and ``now`` (seconds, monotonic) and returns effects for the hub to
perform, in order; it raises ApiError for a fact that the Room refuses, and then nothing has changed.
:meth:`Room.next_deadline` says when to hand in the next :class:`Tick`.

The show: ``idle`` until somebody starts it, ``live`` while a host is connected, ``away`` when none is, ``ended`` when
it is ended or the grace for the host runs out. A host who resumes, publishes or starts again makes it ``live``; the
grace runs only while no host is connected at all. ``ended`` is not final: the next start makes it ``live``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from media.api import Source
from signaling.errors import ApiError
from signaling.room_model import (
    Amended,
    Closing,
    Dropped,
    Effect,
    Fact,
    Flowing,
    Gone,
    Joined,
    Left,
    MediaLost,
    Member,
    Muted,
    Policy,
    Published,
    Returned,
    Right,
    RoomClosed,
    ShowEnded,
    ShowOver,
    ShowStarted,
    ShowState,
    Speaking,
    Tell,
    Tick,
    Track,
    TracksAdded,
    TracksGone,
    Unpublished,
)

VIEWERS_INTERVAL_S = 1.0


@dataclass(slots=True)
class _Show:
    state: ShowState = "idle"
    since: float = 0.0
    away_until: float | None = None


@dataclass(slots=True)
class _Viewers:
    told: int = 0
    told_at: float = -VIEWERS_INTERVAL_S
    due: float | None = None


@dataclass(slots=True)
class Room:
    """``epoch_s`` is the wall clock (seconds since 1970) at ``now`` = 0; ``created_at`` is ``now`` at creation."""

    name: str
    title: str
    policy: Policy
    epoch_s: float
    created_at: float
    members: dict[str, Member] = field(default_factory=dict)
    tracks: dict[str, Track] = field(default_factory=dict)
    speakers: tuple[str, ...] = ()
    closed: bool = False
    _show: _Show = field(default_factory=_Show)
    _viewers: _Viewers = field(default_factory=_Viewers)
    _dropped: dict[str, float] = field(default_factory=dict)
    _empty_until: float | None = None

    def __post_init__(self) -> None:
        self._show.since = self.created_at
        self._empty_until = self.created_at + self.policy.empty_timeout_s

    # --- questions -----------------------------------------------------------------------------------------------

    @property
    def state(self) -> ShowState:
        """Where the show is."""
        return self._show.state

    @property
    def viewers(self) -> int:
        """How many connected members only watch."""
        return sum(1 for member in self.members.values() if member.connected and not member.host)

    def tracks_of(self, peer: str) -> tuple[Track, ...]:
        """What one member shares."""
        return tuple(track for track in self.tracks.values() if track.peer == peer)

    def member_by_identity(self, identity: str) -> Member | None:
        """The member under this identity."""
        return next((member for member in self.members.values() if member.identity == identity), None)

    def next_deadline(self) -> float | None:
        """When something happens by time alone."""
        times = [*self._dropped.values(), self._show.away_until, self._viewers.due, self._empty_until]
        return None if self.closed else min((time for time in times if time is not None), default=None)

    def snapshot(self, peer: str | None = None) -> dict[str, Any]:
        """``room`` in PROTOCOL.md section 1.3."""
        return {
            "name": self.name,
            "title": self.title,
            **self._state_fields(),
            "viewers": self.viewers,
            "peers": [member.to_wire() for member in self.members.values() if member.host],
            "tracks": [track.to_wire() for track in self.tracks.values()],
            "speakers": list(self.speakers),
        }

    def right_to_publish(self, peer: str, source: Source) -> Right:
        """How ``peer`` may share ``source`` now. Raises ApiError ``forbidden``."""
        member = self._member(peer)
        if source not in member.publish:
            raise ApiError("forbidden")
        return "private" if source == "whisper" else "air"

    def may_unmute(self, track_id: str) -> None:
        """Raise ``muted_by_host`` while the host has it muted."""

    def may_see(self, track: Track, peer: str) -> bool:
        """Whether this may reach ``peer``."""
        member = self.members.get(peer)
        return member is not None and track.peer != peer and (member.host or not track.private)

    def controls(self, peer: str) -> bool:
        """Whether ``peer`` runs the show."""
        member = self.members.get(peer)
        return member is not None and (member.show or member.manage)

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
        """Raise ``track_limit``, ``room_full`` or ``room_ended`` if ``peer`` may not share ``added`` more tracks."""
        member = self._member(peer)
        if self._show.state == "ended" and not member.host:
            raise ApiError("room_ended")
        if len(self.tracks_of(peer)) + added > self.policy.max_tracks:
            raise ApiError("track_limit")
        publishers = {track.peer for track in self.tracks.values()} - {peer}
        if len(publishers) >= self.policy.max_publishers:
            raise ApiError("room_full", retry_after_s=10.0)

    # --- changes -------------------------------------------------------------------------------------------------

    def handle(self, fact: Fact, now: float) -> list[Effect]:
        """Change by one fact; returns what must be done, in order. Raises ApiError with nothing changed."""
        if self.closed:
            return []
        effects = _HANDLERS[type(fact)](self, fact, now)
        effects += self._reconsider_show(now, resumed=isinstance(fact, Returned) and self._member(fact.peer).host)
        effects += self._count_viewers(now)
        if self.members:
            self._empty_until = None
        elif self._empty_until is None:
            self._empty_until = now + self.policy.departure_timeout_s
        return effects

    def _joined(self, fact: Joined, now: float) -> list[Effect]:
        self.check_join(fact.member)
        effects: list[Effect] = []
        former = self.member_by_identity(fact.member.identity)
        if former is not None:
            effects += self._remove(former.id, "replaced", "identity_replaced")
            effects += self._reconsider_show(now)
        self.members[fact.member.id] = fact.member
        if fact.member.host:
            effects.append(Tell("peer_joined", {"peer": fact.member.to_wire()}, skip=fact.member.id))
        return effects

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
        return self._remove(fact.peer, fact.reason, fact.code)

    def _amended(self, fact: Amended, now: float) -> list[Effect]:
        former = self._member(fact.member.id)
        member = replace(fact.member, connected=former.connected)
        self.members[member.id] = member
        if member.host != former.host:
            if member.host:
                return [Tell("peer_joined", {"peer": member.to_wire()}, skip=member.id)]
            return [Tell("peer_left", {"peer": member.id, "reason": "grants"}, skip=member.id)]
        return self._update(member) if member != former else []

    def _published(self, fact: Published, now: float) -> list[Effect]:
        self.check_publish(fact.peer, len(fact.tracks))
        effects: list[Effect] = []
        for track in fact.tracks:
            self.tracks[track.id] = track
            effects.append(Tell("track_published", {"track": track.to_wire()}))
        effects.append(TracksAdded(fact.tracks))
        if self._show.state == "away" and self._member(fact.peer).host and self._member(fact.peer).connected:
            effects += self._enter("live", now)
        elif fact.starts_show:
            effects += self._show_started(ShowStarted(), now)
        return effects

    def _unpublished(self, fact: Unpublished, now: float) -> list[Effect]:
        return self._stop([self.tracks[track] for track in dict.fromkeys(fact.tracks) if track in self.tracks])

    def _muted(self, fact: Muted, now: float) -> list[Effect]:
        track = self.tracks.get(fact.track)
        if track is None:
            raise ApiError("track_not_found")
        return [] if track.muted == fact.muted else self._update_track(replace(track, muted=fact.muted))

    def _flowing(self, fact: Flowing, now: float) -> list[Effect]:
        track = self.tracks.get(fact.track)
        if track is None or track.flowing == fact.flowing:
            return []
        return self._update_track(replace(track, flowing=fact.flowing))

    def _speaking(self, fact: Speaking, now: float) -> list[Effect]:
        known = [self.tracks[track].peer for track in fact.tracks if track in self.tracks]
        return self._set_speakers(tuple(dict.fromkeys(known)))

    def _show_started(self, fact: Fact, now: float) -> list[Effect]:
        return [] if self._show.state == "live" else self._enter("live", now)

    def _show_ended(self, fact: Fact, now: float) -> list[Effect]:
        if self._show.state == "ended":
            return []
        return [*self._enter("ended", now), *self._stop(list(self.tracks.values())), ShowOver()]

    def _media_lost(self, fact: MediaLost, now: float) -> list[Effect]:
        return [
            Tell("transport_lost", {"reason": fact.reason}),
            *self._stop(list(self.tracks.values()), lost=True),
        ]

    def _closing(self, fact: Closing, now: float) -> list[Effect]:
        # A restart of the Node is not the end of the show: nobody is told so.
        ends = fact.code == "room_ended" and self._show.state != "ended"
        effects: list[Effect] = self._enter("ended", now) if ends else []
        self.closed = True
        self.tracks.clear()
        effects += [Gone(peer, fact.code) for peer in self.members]
        self.members.clear()
        return [*effects, RoomClosed()]

    def _tick(self, fact: Tick, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for peer in [peer for peer, deadline in self._dropped.items() if deadline <= now]:
            effects += self._remove(peer, "timeout", None)
        if self._show.away_until is not None and self._show.away_until <= now:
            effects += self._show_ended(fact, now)
        if self._empty_until is not None and self._empty_until <= now and not self.members:
            if self._show.away_until is not None:
                self._empty_until = self._show.away_until
            else:
                self.closed = True
                effects.append(RoomClosed())
        return effects

    # --- parts ---------------------------------------------------------------------------------------------------

    def _member(self, peer: str) -> Member:
        member = self.members.get(peer)
        if member is None:
            raise ApiError("peer_not_found")
        return member

    def _remove(self, peer: str, reason: str, code: str | None) -> list[Effect]:
        member = self.members.pop(peer, None)
        if member is None:
            return []
        self._dropped.pop(peer, None)
        effects = self._stop([track for track in self.tracks.values() if track.peer == peer])
        effects.append(Gone(peer, code))
        if member.host:
            effects.append(Tell("peer_left", {"peer": peer, "reason": reason}))
        return effects

    def _update(self, member: Member) -> list[Effect]:
        self.members[member.id] = member
        return [Tell("peer_updated", {"peer": member.to_wire()})] if member.host else []

    def _update_track(self, track: Track) -> list[Effect]:
        self.tracks[track.id] = track
        return [Tell("track_updated", {"track": track.to_wire()})]

    def _stop(self, tracks: list[Track], *, lost: bool = False) -> list[Effect]:
        if not tracks:
            return []
        for track in tracks:
            del self.tracks[track.id]
        effects: list[Effect] = [TracksGone(tuple(tracks), lost)]
        effects += [Tell("track_unpublished", {"track": track.id, "peer": track.peer}) for track in tracks]
        sharing = {track.peer for track in self.tracks.values()}
        return effects + self._set_speakers(tuple(peer for peer in self.speakers if peer in sharing))

    def _set_speakers(self, speakers: tuple[str, ...]) -> list[Effect]:
        if speakers == self.speakers:
            return []
        self.speakers = speakers
        return [Tell("speakers", {"peers": list(speakers)})]

    def _reconsider_show(self, now: float, *, resumed: bool = False) -> list[Effect]:
        present = any(member.host and member.connected for member in self.members.values())
        show = self._show
        if self.closed or (show.state == "live" and present) or show.state in ("idle", "ended"):
            return []
        if show.state == "live":
            return self._enter("away", now)
        if present and resumed:
            return self._enter("live", now)
        if present == (show.away_until is None):
            return []
        # A host in the studio who has not published again yet keeps the show from ending, but it is not live.
        show.away_until = None if present else now + self.policy.away_grace_s
        return [Tell("room_state", self._state_fields())]

    def _enter(self, state: ShowState, now: float) -> list[Effect]:
        away_until = now + self.policy.away_grace_s if state == "away" else None
        self._show = _Show(state, now, away_until)
        return [Tell("room_state", self._state_fields())]

    def _state_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"state": self._show.state, "since": self._epoch_ms(self._show.since)}
        if self._show.away_until is not None:
            fields["away_until"] = self._epoch_ms(self._show.away_until)
        return fields

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

    def _epoch_ms(self, now: float) -> int:
        return round((self.epoch_s + now) * 1000)


Handler = Callable[[Room, Any, float], list[Effect]]

_HANDLERS: dict[type[Fact], Handler] = {
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
}
