"""What a Room is made of, what can be asked of it, and the steps that its rules are put together from. Pure.

The rules are in :mod:`signaling.room` (members, tracks, the show) and :mod:`signaling.room_stage` (the stage and its
invitations). Only :meth:`signaling.room.Room.handle` may call what changes something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from media.api import Source
from signaling.errors import ApiError
from signaling.invite import Invite
from signaling.invites import Invites
from signaling.room_model import (
    Effect,
    Engaged,
    InviteChanged,
    InviteMade,
    Member,
    Policy,
    Right,
    ShowState,
    StageOffered,
    Tell,
    Track,
    TracksGone,
    TracksReleased,
)
from signaling.stage import Place, PlaceEvent, Stage

ShowEvent = Literal["start", "host_gone", "host_back", "grace_over", "end"]

SHOW: Mapping[tuple[ShowState, ShowEvent], ShowState] = {
    ("idle", "start"): "live",
    ("idle", "end"): "ended",
    ("live", "host_gone"): "away",
    ("live", "end"): "ended",
    ("away", "start"): "live",
    ("away", "host_back"): "live",
    ("away", "grace_over"): "ended",
    ("away", "end"): "ended",
    ("ended", "start"): "live",
}

WHISPER: frozenset[Source] = frozenset(("whisper",))
#: What somebody without any grant for the stage may share when invited.
SHOPPER_SOURCES: frozenset[Source] = frozenset(("microphone", "camera"))


@dataclass(slots=True)
class Show:
    """Where the show is, since when, and how long it waits for a host."""

    state: ShowState = "idle"
    since: float = 0.0
    away_until: float | None = None


@dataclass(slots=True)
class RoomState:
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
    stage: Stage = field(default_factory=Stage)
    _book: Invites = field(default_factory=Invites)
    _show: Show = field(default_factory=Show)
    _stage_told: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._show.since = self.created_at
        self._stage_told = self.stage.to_wire()

    # --- questions: members and tracks ---------------------------------------------------------------------------

    @property
    def state(self) -> ShowState:
        """Where the show is."""
        return self._show.state

    @property
    def since_ms(self) -> int:
        """Since when it is there, in milliseconds since the epoch."""
        return self._epoch_ms(self._show.since)

    @property
    def viewers(self) -> int:
        """How many connected members are the audience."""
        staged = {place.identity for place in self.stage.places}
        return sum(
            1
            for member in self.members.values()
            if member.connected and not (member.host or member.staff or member.manage) and member.identity not in staged
        )

    def listed(self, member: Member) -> bool:
        """Whether everybody hears of this member: a host, or somebody on stage."""
        return member.host or self.on_stage(member.identity)

    def tracks_of(self, peer: str) -> tuple[Track, ...]:
        """What one member shares."""
        return tuple(track for track in self.tracks.values() if track.peer == peer)

    def member_by_identity(self, identity: str) -> Member | None:
        """The member under this identity."""
        return next((member for member in self.members.values() if member.identity == identity), None)

    def may_see(self, track: Track, peer: str) -> bool:
        """Whether this may reach ``peer``: private ones only hosts, and nobody their own."""
        member = self.members.get(peer)
        return member is not None and track.peer != peer and (member.host or not track.private)

    def snapshot(self, peer: str | None = None) -> dict[str, Any]:
        """``room`` in PROTOCOL.md section 1.3 as ``peer`` may know it; None: what everybody may."""
        staged = {place.identity for place in self.stage.places}
        snapshot = {
            "name": self.name,
            "title": self.title,
            **self._state_fields(),
            "viewers": self.viewers,
            "peers": [member.to_wire() for member in self.members.values() if member.host or member.identity in staged],
            "tracks": [
                track.to_wire()
                for track in self.tracks.values()
                if track.on_air or (track.private and peer is not None and self.may_see(track, peer))
            ],
            "speakers": list(self.speakers),
            "stage": self.stage.to_wire(),
        }
        member = self.members.get(peer or "")
        if member is None:
            return snapshot
        controls = self.controls(member.id)
        mine = member.identity
        snapshot["invites"] = [
            invite.to_wire()
            for invite in self._book.pending
            if controls or mine in (invite.by_identity, invite.to_identity)
        ]
        snapshot["hand"] = {"raised": mine in self.stage.hands}
        if controls:
            snapshot["hands"] = self._hands()
        return snapshot

    # --- questions: the stage ------------------------------------------------------------------------------------

    @property
    def invites(self) -> Mapping[str, Invite]:
        """By id; ended ones too, the last 200."""
        return self._book.all

    def pending_invites(self) -> tuple[Invite, ...]:
        """Those that wait for an answer."""
        return self._book.pending

    def rings(self, identity: str) -> bool:
        """Whether this person is being rung."""
        return self._book.ringing(identity) is not None

    def on_stage(self, identity: str) -> bool:
        """Whether this person has a place, ``joining`` included."""
        return self.stage.place_of(identity) is not None

    def controls(self, peer: str) -> bool:
        """Whether ``peer`` runs the show: by a grant, or as a co-host on stage."""
        member = self.members.get(peer)
        if member is None:
            return False
        place = self.stage.place_of(member.identity)
        return member.show or member.manage or (place is not None and place.cohost)

    def in_control(self) -> frozenset[str]:
        """The Peers for whom :meth:`controls` is true."""
        cohosts = {place.identity for place in self.stage.places if place.cohost}
        return frozenset(
            member.id
            for member in self.members.values()
            if member.show or member.manage or (cohosts and member.identity in cohosts)
        )

    def check_invite(self, peer: str) -> None:
        """Raise ``forbidden`` or ``not_live`` if ``peer`` may not invite anybody now."""
        self._require_control(peer)
        self._require_live()

    def invite_like(self, fact: InviteMade | StageOffered) -> Invite:
        """What a fact came to that made no invitation of its own: the one there was, or the other side's, accepted."""
        by_identity = self._member(fact.by).identity
        if isinstance(fact, StageOffered):
            guest, found = by_identity, self._book.offered(by_identity)
        else:
            guest, found = fact.to_identity, self._book.same(by_identity, fact.kind, fact.value)
        place = self.stage.place_of(guest)
        if found is None and place is not None:
            found = self.invites.get(place.invite or "")
        if found is None:
            raise ApiError("invite_not_found")
        return found

    def right_to_publish(self, peer: str, source: Source) -> Right:
        """How ``peer`` may share ``source`` now. Raises ``forbidden``, ``not_on_stage`` or ``room_ended``."""
        return self.right_of(self._member(peer), source)

    def right_of(self, member: Member, source: Source) -> Right:
        """The same for somebody who may not have joined yet."""
        if self.state == "ended" and not member.show:
            raise ApiError("room_ended")
        lesser = self._is_lesser(member)
        placed = not lesser and self.on_stage(member.identity)
        invited = placed or (not lesser and self._book.of_guest(member.identity) is not None)
        allowed = member.publish
        if invited and not member.show and source not in WHISPER:
            allowed = (member.publish - WHISPER) or SHOPPER_SOURCES
        if source not in allowed:
            raise ApiError("forbidden")
        if source in WHISPER:
            return "private"
        if member.show or placed:
            return "air"
        if invited:
            return "held"
        raise ApiError("not_on_stage")

    def may_unmute(self, track_id: str) -> None:
        """Raise ``muted_by_host`` while whoever runs the show has muted this track's owner."""
        track = self.tracks.get(track_id)
        if track is not None and self._is_locked(track):
            raise ApiError("muted_by_host")

    # --- what rules ask ------------------------------------------------------------------------------------------

    def _member(self, peer: str) -> Member:
        member = self.members.get(peer)
        if member is None:
            raise ApiError("peer_not_found")
        return member

    def _require_control(self, peer: str) -> Member:
        member = self._member(peer)
        if not self.controls(peer):
            raise ApiError("forbidden")
        return member

    def _require_live(self) -> None:
        if self.state not in ("live", "away"):
            raise ApiError("not_live")

    def _guest_place(self, identity: str) -> Place:
        place = self.stage.place_of(identity)
        if place is None:
            raise ApiError("guest_not_found")
        return place

    def _is_lesser(self, member: Member) -> bool:
        """Whether this person could share something by grants, until now, and as ``member`` cannot share anything.

        An invitation makes up for grants that a shopper never had, not for those that were taken back.
        """
        if member.show or member.publish - WHISPER:
            return False
        former, place = self.member_by_identity(member.identity), self.stage.place_of(member.identity)
        return (place is not None and place.show) or (former is not None and bool(former.publish - WHISPER))

    def _is_locked(self, track: Track) -> bool:
        member = self.members.get(track.peer)
        place = None if member is None else self.stage.place_of(member.identity)
        return place is not None and not track.private and place.locks(track.kind)

    def _host_present(self) -> bool:
        return any(member.host and member.connected for member in self.members.values())

    def _hosts(self) -> frozenset[str]:
        return frozenset(member.id for member in self.members.values() if member.host)

    def _epoch_ms(self, now: float) -> int:
        return round((self.epoch_s + now) * 1000)

    def _state_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"state": self._show.state, "since": self._epoch_ms(self._show.since)}
        if self._show.away_until is not None:
            fields["away_until"] = self._epoch_ms(self._show.away_until)
        return fields

    def _hands(self) -> list[dict[str, Any]]:
        return [
            {"identity": hand.identity, "name": hand.name, "topic": hand.topic, "at": self._epoch_ms(hand.at)}
            for hand in self.stage.hands.values()
        ]

    # --- steps: tracks -------------------------------------------------------------------------------------------

    def _tell_of(self, track: Track, kind: str, fields: dict[str, Any]) -> list[Effect]:
        """An event about a track, to those who may hear of it."""
        if track.held:
            return []
        if not track.private:
            return [Tell(kind, fields)]
        return [Tell(kind, fields, skip=track.peer, only=self._hosts())]

    def _announce(self, tracks: Iterable[Track]) -> list[Effect]:
        effects: list[Effect] = []
        for track in tracks:
            effects += self._tell_of(track, "track_published", {"track": track.to_wire()})
        return effects

    def _update_track(self, track: Track) -> list[Effect]:
        self.tracks[track.id] = track
        return self._tell_of(track, "track_updated", {"track": track.to_wire()})

    def _stop(self, tracks: Iterable[Track], *, lost: bool = False) -> list[Effect]:
        ended = tuple(tracks)
        if not ended:
            return []
        for track in ended:
            del self.tracks[track.id]
        effects: list[Effect] = [TracksGone(ended, lost)]
        for track in ended:
            effects += self._tell_of(track, "track_unpublished", {"track": track.id, "peer": track.peer})
        self._follow_screens()
        sharing = {track.peer for track in self.tracks.values() if track.on_air}
        return effects + self._set_speakers(tuple(peer for peer in self.speakers if peer in sharing))

    def _set_speakers(self, speakers: tuple[str, ...]) -> list[Effect]:
        if speakers == self.speakers:
            return []
        self.speakers = speakers
        return [Tell("speakers", {"peers": list(speakers)})]

    def _follow_screens(self) -> None:
        self.stage.screen_shared(any(track.source == "screen" and track.on_air for track in self.tracks.values()))

    # --- steps: the stage ----------------------------------------------------------------------------------------

    def _stage_news(self) -> list[Effect]:
        """``stage``, if it is not what was told last."""
        stage = self.stage.to_wire()
        if stage == self._stage_told:
            return []
        self._stage_told = stage
        return [Tell("stage", {"stage": stage})]

    def _come_on(self, place: Place, event: PlaceEvent, now: float) -> list[Effect]:
        """Somebody gets a place: what is held goes on air, and whatever would have brought them here has."""
        identity = place.identity
        member = self.members.get(place.peer or "")
        held = [track for track in self.tracks.values() if track.held and track.peer == place.peer]
        self.stage.take(place, "media" if held else event, now)
        released = tuple(replace(track, held=False) for track in held)
        self.tracks.update({track.id: track for track in released})
        self._follow_screens()
        effects: list[Effect] = [TracksReleased(released)] if released else []
        effects.append(Engaged(identity, True))
        if member is not None and not member.host:
            effects.append(Tell("peer_joined", {"peer": member.to_wire()}))
        effects += self._stage_news()
        effects += self._announce(released)
        invite = self._book.of_guest(identity)
        if invite is not None:
            invite = self._book.step(invite, "accept")
            self.stage.change(identity, invite=invite.id)
            effects.append(InviteChanged(invite))
        return effects + self._lower(identity)

    def _go_off(self, place: Place, event: PlaceEvent, now: float) -> list[Effect]:
        """Somebody loses the place, and with it whatever everybody could see."""
        member = self.members.get(place.peer or "")
        mine = () if member is None else self.tracks_of(member.id)
        effects = self._stop(track for track in mine if not track.private)
        self.stage.step(place.identity, event, now)
        effects.append(Engaged(place.identity, False))
        if member is not None and not member.host:
            effects.append(Tell("peer_left", {"peer": member.id, "reason": "off_stage"}))
            # Whoever leaves takes all tracks along, at a client; this one goes on.
            effects += self._announce(track for track in mine if track.private)
        return effects

    def _lower(self, identity: str) -> list[Effect]:
        """A hand goes down."""
        if self.stage.hands.pop(identity, None) is None:
            return []
        return [*self._tell_hand(identity), *self._tell_hands()]

    def _tell_hand(self, identity: str) -> list[Effect]:
        member = self.member_by_identity(identity)
        if member is None:
            return []
        fields = {"raised": identity in self.stage.hands, "open": self.stage.hands_open}
        return [Tell("hand", fields, only=frozenset((member.id,)))]

    def _tell_hands(self) -> list[Effect]:
        return [Tell("hands", {"hands": self._hands()}, only=self.in_control())]

    def _lower_all(self) -> list[Effect]:
        identities = list(self.stage.hands)
        self.stage.hands.clear()
        effects: list[Effect] = []
        for identity in identities:
            effects += self._tell_hand(identity)
        return effects + self._tell_hands() if identities else []

    def _clear_stage(self, now: float) -> list[Effect]:
        """The show is over: nobody is on stage, and nobody is awaited."""
        effects: list[Effect] = []
        for place in self.stage.places:
            effects += self._go_off(place, "end", now)
        for invite in self._book.pending:
            effects.append(InviteChanged(self._book.step(invite, "show_ended")))
        self.stage.hands_open = False
        effects += self._lower_all()
        self.stage.reset()
        return effects + self._stage_news()
