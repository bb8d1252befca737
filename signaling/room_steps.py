"""The steps that the rules of a Room are put together from: what becomes of tracks and of places. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from media.api import Source
from signaling.room_model import (
    CircleOnStage,
    Effect,
    Engaged,
    InviteChanged,
    Member,
    SeenBy,
    Tell,
    Track,
    TracksGone,
    TracksMuted,
    TracksReleased,
)
from signaling.room_state import RoomState
from signaling.stage import Place, PlaceEvent


class RoomSteps(RoomState):
    """See the module. Only :meth:`signaling.room.Room.handle` and the rules that it calls may use these."""

    __slots__ = ()

    # --- members -------------------------------------------------------------------------------------------------

    def _tell_peer(self, member: Member, kind: str, fields: dict[str, Any], *, itself: bool = True) -> list[Effect]:
        """An event about a member, to those who know of it."""
        skip = None if itself else member.id
        if self.listed(member):
            return [Tell(kind, fields, skip=skip)]
        only = self._knowing(member) if itself else self._knowing(member) - {member.id}
        return [Tell(kind, fields, only=only)] if only else []

    def _unlist(self, member: Member, reason: str) -> list[Effect]:
        """A member who is still here is not listed any more; those in a call with it go on knowing it."""
        know = self._knowing(member)
        effects: list[Effect] = [Tell("peer_left", {"peer": member.id, "reason": reason}, know=know)]
        return effects + self._retell(member, frozenset(self.members) - know)

    def _retell(self, member: Member, peers: frozenset[str]) -> list[Effect]:
        """Whoever leaves takes all tracks along, at a client: what these know of still is told again."""
        effects: list[Effect] = []
        for track in self.tracks_of(member.id):
            told = self._told(track)
            again = peers if told is None else peers & told
            if again:
                effects.append(Tell("track_published", {"track": track.to_wire()}, only=again))
        return effects

    # --- tracks -------------------------------------------------------------------------------------------

    def _tell_of(self, track: Track, kind: str, fields: dict[str, Any]) -> list[Effect]:
        """An event about a track, to those who know of it."""
        told = self._told(track)
        if told is None:
            return [Tell(kind, fields)]
        return [Tell(kind, fields, only=told)] if told else []

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
        return effects + self._hush()

    def _hush(self) -> list[Effect]:
        """Who shares nothing with everybody does not speak."""
        sharing = {track.peer for track in self.tracks.values() if track.on_air}
        return self._set_speakers(tuple(peer for peer in self.speakers if peer in sharing))

    def _set_speakers(self, speakers: tuple[str, ...]) -> list[Effect]:
        if speakers == self.speakers:
            return []
        self.speakers = speakers
        return [Tell("speakers", {"peers": list(speakers)})]

    def _follow_screens(self) -> None:
        self.stage.screen_shared(any(track.source == "screen" and track.on_air for track in self.tracks.values()))

    # --- the stage ----------------------------------------------------------------------------------------

    def _stage_news(self) -> list[Effect]:
        """``stage``, if it is not what was told last."""
        stage = self.stage.to_wire()
        if stage == self._stage_told:
            return []
        self._stage_told = stage
        return [Tell("stage", {"stage": stage})]

    def _come_on(
        self, place: Place, event: PlaceEvent, now: float, sources: frozenset[Source] | None = None
    ) -> list[Effect]:
        """Somebody gets a place: what is held for it goes on air, and whatever would have brought them here has.

        With a circle only these ``sources`` do, those of the circle among them.
        """
        identity = place.identity
        member = self.members.get(place.peer or "")
        know = frozenset[str]() if member is None else self._knowing(member)
        mine = [] if member is None else [
            track for track in self.tracks_of(member.id) if sources is None or track.source in sources
        ]
        held = [track for track in mine if track.held and track.of_stage]
        rising = [track for track in mine if place.circle is not None and track.circle == place.circle]
        self.stage.take(place, "media" if held or rising else event, now)
        released = tuple(replace(track, held=False) for track in held)
        self.tracks.update({track.id: track for track in released})
        risen = self._rise(rising)
        effects: list[Effect] = [TracksReleased(released)] if released else []
        effects.append(Engaged(identity, True))
        if member is not None and not member.host:
            effects.append(Tell("peer_joined", {"peer": member.to_wire()}, know=know))
        self._follow_screens()
        effects += self._stage_news()
        effects += self._announce(released)
        effects += risen
        invite = self._book.of_guest(identity)
        if invite is not None and invite.circle in (None, place.circle):
            invite = self._book.step(invite, "accept")
            self.stage.change(identity, invite=invite.id)
            effects.append(InviteChanged(invite))
        return effects + self._lower(identity)

    def _go_off(self, place: Place, event: PlaceEvent, now: float, code: str = "left") -> list[Effect]:
        """Somebody loses the place, and with it whatever everybody could see; a call goes back to being one, as a whole."""
        member = self.members.get(place.peer or "")
        mine = () if member is None else self.tracks_of(member.id)
        effects = self._stop(track for track in mine if track.of_stage)
        self.stage.step(place.identity, event, now)
        effects += self._fall(track for track in mine if track.home is not None)
        effects.append(Engaged(place.identity, False))
        if member is not None and not member.host:
            effects += self._unlist(member, "off_stage")
        circle = self._circles.aired_with(place.identity)
        return effects if circle is None else effects + self._ground(circle, code, now)

    # --- circles ------------------------------------------------------------------------------------------

    def _rise(self, tracks: Iterable[Track]) -> list[Effect]:
        """What only a circle could see is for everybody. Nothing begins anew: it is the same Producer."""
        effects: list[Effect] = []
        silenced: list[Track] = []
        for track in tracks:
            know = self._told(track) or frozenset()
            risen = replace(track, circle=None, home=track.circle)
            if not risen.muted and self._is_locked(risen):
                risen = replace(risen, muted=True, silenced=True)
                silenced.append(risen)
                effects.append(Tell("track_updated", {"track": risen.to_wire()}, only=know))
            self.tracks[risen.id] = risen
            effects.append(Tell("track_published", {"track": risen.to_wire()}, know=know))
        if not effects:
            return []
        self._follow_screens()
        muted: list[Effect] = [TracksMuted(tuple(silenced))] if silenced else []
        return [*muted, *effects, SeenBy(frozenset(self.members))]

    def _fall(self, tracks: Iterable[Track]) -> list[Effect]:
        """Back into the circle: the audience is cut off, the others in the call do not notice.

        What the host has muted is as its owner had it: the stage's rules end with it.
        """
        effects: list[Effect] = []
        fallen: list[tuple[Track, Track]] = []
        for track in tracks:
            circle = self._circles.get(track.home)
            assert circle is not None, "a circle ends after it has gone off the stage"
            held = circle.holds(self._owner(track))
            muted = track.muted and not track.silenced
            back = replace(track, circle=track.home, home=None, held=held, muted=muted, silenced=False)
            self.tracks[back.id] = back
            fallen.append((track, back))
            know = self._told(back) or frozenset()
            effects.append(Tell("track_unpublished", {"track": back.id, "peer": back.peer}, know=know))
            if back.muted != track.muted and know:
                effects.append(Tell("track_updated", {"track": back.to_wire()}, only=know))
        if not fallen:
            return []
        holding = tuple(back for _, back in fallen if back.held)
        unmuted = tuple(back for track, back in fallen if not back.held and back.muted != track.muted)
        performed: list[Effect] = [SeenBy(frozenset(self.members))]
        performed += [TracksMuted(holding)] if holding else []
        performed += [TracksReleased(unmuted)] if unmuted else []
        self._follow_screens()
        return [*performed, *effects, *self._hush()]

    def _ground(self, circle_id: str, code: str | None, now: float) -> list[Effect]:
        """A call comes back from the stage with everybody it brought there."""
        aired = self._circles.ground(circle_id)
        if aired is None:
            return []
        effects: list[Effect] = []
        for identity in aired:
            effects += self._step_back(identity, circle_id, now)
        return [*effects, CircleOnStage(circle_id, False, code)]

    def _step_back(self, identity: str, circle_id: str, now: float) -> list[Effect]:
        """One person does not stand on stage for the circle any more; a place that is not from there stays."""
        place, member = self.stage.place_of(identity), self.member_by_identity(identity)
        if place is not None and place.circle == circle_id:
            return self._go_off(place, "end", now)
        return [] if member is None else self._fall(
            track for track in self.tracks_of(member.id) if track.home == circle_id
        )

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

    def _empty_stage(self, now: float, code: str, *, guests_only: bool = False) -> list[Effect]:
        """Everybody goes off, or everybody who may be put off."""
        effects: list[Effect] = []
        for place in self.stage.places:
            # Some have gone along with others of their call.
            if self.on_stage(place.identity) and not (guests_only and place.show):
                effects += self._go_off(place, "end", now, code)
        return effects

    def _clear_stage(self, now: float) -> list[Effect]:
        """The show is over: nobody is on stage, and nobody is awaited."""
        effects: list[Effect] = []
        effects += self._empty_stage(now, "show_ended")
        for invite in self._book.pending:
            effects.append(InviteChanged(self._book.step(invite, "show_ended")))
        self.stage.hands_open = False
        effects += self._lower_all()
        self.stage.reset()
        return effects + self._stage_news()
