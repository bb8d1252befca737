"""What a Room is made of, and what can be asked of it. Pure.

What its rules are put together from is in :mod:`signaling.room_steps`; the rules are in :mod:`signaling.room` (members,
tracks, the show), :mod:`signaling.room_stage` (the stage and its invitations) and :mod:`signaling.room_circle`.

Who may see a track: of a circle only those whom :func:`signaling.circle.hears` names, a ``whisper`` only hosts,
everything else everybody. Who is told of it: the same, once it is not held any more; of their own everybody but hosts'
whispers too. Nothing else decides what reaches whom, here or in the Worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from media.api import Source
from signaling.circles import Circles
from signaling.errors import ApiError
from signaling.invite import Invite
from signaling.invites import Invites
from signaling.room_model import InviteMade, Member, Policy, Right, ShowState, StageOffered, Track
from signaling.stage import Place, Stage

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
#: Rooms for calls alone have this name, or begin with it and a dot.
HELP = "help"
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
    _circles: Circles = field(default_factory=Circles)
    _peer_of: dict[str, str] = field(default_factory=dict)
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
    def for_help(self) -> bool:
        """Whether this Room is for calls alone: no show, no chat, nobody listed."""
        return self.name == HELP or self.name.startswith(f"{HELP}.")

    @property
    def viewers(self) -> int:
        """How many connected members are the audience; of a Room for calls alone nobody is."""
        if self.for_help:
            return 0
        staged = {place.identity for place in self.stage.places}
        return sum(
            1
            for member in self.members.values()
            if member.connected and not (member.host or member.staff or member.manage) and member.identity not in staged
        )

    def listed(self, member: Member) -> bool:
        """Whether everybody hears of this member: a host, or somebody on stage."""
        return not self.for_help and (member.host or self.on_stage(member.identity))

    def tracks_of(self, peer: str) -> tuple[Track, ...]:
        """What one member shares."""
        return tuple(track for track in self.tracks.values() if track.peer == peer)

    def member_by_identity(self, identity: str) -> Member | None:
        """The member under this identity."""
        return self.members.get(self._peer_of.get(identity, ""))

    def may_see(self, track: Track, peer: str) -> bool:
        """Whether this may reach ``peer``, now or once it is not held any more; nobody sees their own."""
        member = self.members.get(peer)
        if member is None or track.peer == peer:
            return False
        if track.circle is not None:
            return self._circles.hears(track.circle, self._owner(track), member.identity)
        return member.host or not track.private

    def must_wait(self, track: Track, peer: str) -> bool:
        """Whether ``peer``, who may see this, gets nothing of it yet: who is rung does not overhear those who talk."""
        member = self.members.get(peer)
        return member is not None and self._circles.waits(track.circle, member.identity)

    def shares_call(self, track: Track, peer: str) -> bool:
        """Whether this belongs to a call of ``peer``, on stage or not."""
        member, circle = self.members.get(peer), track.circle or track.home
        return member is not None and self._circles.hears(circle, self._owner(track), member.identity)

    def in_call(self, identity: str) -> bool:
        """Whether this person may share something in a circle."""
        return self._circles.talks(identity)

    def snapshot(self, peer: str | None = None) -> dict[str, Any]:
        """``room`` in PROTOCOL.md section 1.3 as ``peer`` may know it; None: what everybody may."""
        member = self.members.get(peer or "")
        known = set[str]() if member is None else self._circles.known_to(member.identity)
        snapshot = {
            "name": self.name,
            "title": self.title,
            **self._state_fields(),
            "viewers": self.viewers,
            "peers": [
                other.to_wire() for other in self.members.values() if self.listed(other) or other.identity in known
            ],
            "tracks": [track.to_wire() for track in self.tracks.values() if self._is_told(track, member)],
            "speakers": list(self.speakers),
            "stage": self.stage.to_wire(),
        }
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
        return self._terms(member, source)[0]

    def _terms(self, member: Member, source: Source) -> tuple[Right, str | None]:
        """How somebody may share ``source`` now, and in which circle, or from which one it is on air.

        A seat comes before every grant: what a host who helps out in a call says there is not for the show. Only who is
        on stage by itself, not with a call, goes on sharing there. Raises as :meth:`right_to_publish`.
        """
        identity = member.identity
        circle = self._circles.home(identity, source)
        if circle is None or (self.on_stage(identity) and self._circles.aired_with(identity) is None):
            return self._stage_right(member, source), None
        if self._circles.airs(circle.id, identity, source):
            return "air", circle.id
        return "held" if circle.holds(identity) else "circle", circle.id

    def _stage_right(self, member: Member, source: Source) -> Right:
        if self.for_help:
            raise ApiError("forbidden")
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
        return place is not None and not track.private and track.circle is None and place.locks(track.kind)

    def _owner(self, track: Track) -> str:
        """Whose it is; nobody's, if the owner has gone."""
        member = self.members.get(track.peer)
        return "" if member is None else member.identity

    def _is_told(self, track: Track, member: Member | None) -> bool:
        """Whether this member knows of a track; None: whether everybody does."""
        if track.held or track.on_air or member is None:
            return track.on_air
        if track.circle is not None:
            return track.peer == member.id or self.may_see(track, member.id)
        return member.host and track.peer != member.id

    def _told(self, track: Track) -> frozenset[str] | None:
        """The Peers that know of a track, None: everybody."""
        if track.on_air:
            return None
        if track.circle is None:
            return frozenset() if track.held else self._hosts() - {track.peer}
        circle = self._circles.get(track.circle)
        seated = self._peers(() if circle is None else circle.seats)
        return frozenset(peer for peer in seated if self._is_told(track, self.members[peer]))

    def _knowing(self, member: Member) -> frozenset[str]:
        """The Peers that know of a member by a circle, whether it is listed or not."""
        return self._peers(self._circles.knowing(member.identity))

    def _peers(self, identities: Iterable[str]) -> frozenset[str]:
        """Those of them who are here."""
        return frozenset(self._peer_of[identity] for identity in identities if identity in self._peer_of)

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
