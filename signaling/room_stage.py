"""The rules of the stage: who may invite, accept, mute, move and remove whom, and what comes of it.

Each function takes one fact for :meth:`signaling.room.Room.handle`: it raises ApiError before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from signaling.errors import ApiError
from signaling.invite import LATE, Invite, next_state
from signaling.invites import REQUEST_S, SEARCH_S
from signaling.room_circle import air, check_air
from signaling.room_model import (
    CandidateFound,
    CohostSet,
    Effect,
    Fact,
    GuestMoved,
    GuestMuted,
    GuestRemoved,
    HandLowered,
    HandRaised,
    HandsOpened,
    InviteAccepted,
    InviteCancelled,
    InviteChanged,
    InviteDeclined,
    InviteeGone,
    InviteMade,
    LayoutSet,
    Member,
    NoCandidate,
    Pinned,
    RingNext,
    StageCleared,
    StageLeft,
    StageLocked,
    StageOffered,
    Tell,
    TracksMuted,
    UnmuteAsked,
)
from signaling.room_steps import RoomSteps
from signaling.stage import MAX_HANDS, Hand, Place

# --- invitations -----------------------------------------------------------------------------------------------------


def _invite_made(room: RoomSteps, fact: InviteMade, now: float) -> list[Effect]:
    room.check_invite(fact.by)
    book, member, guest = room._book, room._member(fact.by), fact.to_identity
    if book.same(member.identity, fact.kind, fact.value) is not None:
        return []
    if guest and room.on_stage(guest):
        raise ApiError("already_on_stage")
    if guest and room.in_call(guest):
        raise ApiError("invitee_busy")
    offer = book.offered(guest) if guest else None
    if offer is not None:
        return _bring_on(room, offer, now)
    if guest == member.identity:
        raise ApiError("forbidden")
    if guest and book.ringing(guest) is not None:
        raise ApiError("invitee_busy")
    if not guest:
        raise ApiError("nobody_available" if fact.kind != "identity" else "invitee_not_found")
    _require_room(room, guest)
    book.check_room()
    invite = replace(
        _blank(room, fact.invite_id, member, now),
        kind=fact.kind,
        value=fact.value,
        deadline=now + fact.ring_s,
        ring_s=fact.ring_s,
        to_identity=guest,
        to_name=fact.to_name,
        topic=fact.topic,
        product=fact.product,
    )
    return [InviteChanged(book.add(invite))]


def _stage_offered(room: RoomSteps, fact: StageOffered, now: float) -> list[Effect]:
    member, book = room._member(fact.by), room._book
    if fact.circle is not None:
        return _circle_offered(room, fact, now)
    if member.show or "microphone" not in member.publish:
        raise ApiError("forbidden")
    room._require_live()
    if room.on_stage(member.identity):
        raise ApiError("already_on_stage")
    if room.in_call(member.identity):
        raise ApiError("already_in_call")
    if book.offered(member.identity) is not None:
        return []
    ring = book.ringing(member.identity)
    if ring is not None:
        return _bring_on(room, ring, now)
    _require_room(room, member.identity)
    book.check_room()
    blank = _blank(room, fact.invite_id, member, now)
    return [InviteChanged(book.add(replace(blank, direction="request", topic=fact.topic)))]


def _circle_offered(room: RoomSteps, fact: StageOffered, now: float) -> list[Effect]:
    """Somebody in a call offers to bring it on stage; who runs the show need not ask anybody."""
    member, book, aired = room._member(fact.by), room._book, fact.aired or {}
    circle = check_air(room, fact.circle, aired)
    if member.identity not in aired:
        raise ApiError("not_in_call")
    if room._circles.aired(circle.id):
        raise ApiError("already_on_stage")
    former = book.offered(member.identity)
    if former is not None and former.circle == circle.id:
        return []
    if book.ringing(member.identity) is not None:
        raise ApiError("invitee_busy")
    if former is None:
        book.check_room()
    consents = fact.consents or {}
    along = []
    for identity, sources in aired.items():
        other = room.member_by_identity(identity)
        if other is not None and other is not member:
            agreed = consents.get(identity) or ("video" if "camera" in sources else "voice")
            along.append((identity, other.name, agreed))
    blank = _blank(room, fact.invite_id, member, now)
    invite = replace(
        blank, direction="request", topic=fact.topic, circle=circle.id, aired=dict(aired), along=tuple(along)
    )
    # What was offered for oneself alone cannot be accepted during a call.
    effects: list[Effect] = [] if former is None else [InviteChanged(book.step(former, "cancel"))]
    book.add(invite)
    return effects + (_bring_on(room, invite, now) if room.controls(fact.by) else [InviteChanged(invite)])


def _blank(room: RoomSteps, invite_id: str, member: Member, now: float) -> Invite:
    return Invite(
        id=invite_id,
        room=room.name,
        title=room.title,
        direction="invite",
        kind="identity",
        value=None,
        by_identity=member.identity,
        by_name=member.name,
        by_role=member.role,
        created=now,
        deadline=now + REQUEST_S,
        epoch_s=room.epoch_s,
    )


def _require_room(room: RoomSteps, identity: str) -> None:
    """Raise ``stage_locked`` or ``stage_full`` unless ``identity`` could come on now; the grant ``show`` always can."""
    member = room.member_by_identity(identity)
    if member is not None and member.show:
        return
    if room.stage.locked:
        raise ApiError("stage_locked")
    if len(room.stage.places) >= room.policy.max_stage:
        raise ApiError("stage_full")


def _bring_on(room: RoomSteps, invite: Invite, now: float) -> list[Effect]:
    """A pending invitation is accepted."""
    identity = invite.guest
    assert identity is not None
    if invite.circle is not None:
        return air(room, invite.circle, invite.aired or {}, now)
    if room.in_call(identity):
        raise ApiError("invitee_busy" if invite.direction == "request" else "already_in_call")
    _require_room(room, identity)
    member = room.member_by_identity(identity)
    if member is not None:
        return room._come_on(Place.of(member), "accept", now)
    # Said at the desk; the person's connection to this Room is still to come.
    name = invite.to_name or invite.by_name
    return room._come_on(Place(identity, name, "agent", None), "accept", now)


def _in_control(room: RoomSteps, identity: str) -> bool:
    member = room.member_by_identity(identity)
    return member is not None and room.controls(member.id)


def _require_answerer(room: RoomSteps, invite: Invite, identity: str) -> bool:
    """Whether it is ``identity`` who is asked now; False: was asked before. Raises ``invite_not_yours``."""
    if invite.direction == "request":
        if not _in_control(room, identity):
            raise ApiError("invite_not_yours")
        return True
    if identity != invite.to_identity and identity not in invite.tried:
        raise ApiError("invite_not_yours")
    return identity == invite.to_identity


def _accepted(room: RoomSteps, fact: InviteAccepted, now: float) -> list[Effect]:
    invite = room._book.get(fact.invite_id)
    asked = _require_answerer(room, invite, fact.identity)
    if not asked:
        raise ApiError("invite_not_yours" if invite.pending else LATE[invite.state])
    if not invite.pending:
        next_state(invite.state, "accept")
        return []
    return _bring_on(room, invite, now)


def _declined(room: RoomSteps, fact: InviteDeclined, now: float) -> list[Effect]:
    invite = room._book.get(fact.invite_id)
    if not _require_answerer(room, invite, fact.identity):
        return []
    if not invite.pending:
        next_state(invite.state, "decline")
        return []
    if invite.group:
        return _pass_on(room, invite, now)
    return [InviteChanged(room._book.step(invite, "decline", reason=fact.reason or None))]


def _cancelled(room: RoomSteps, fact: InviteCancelled, now: float) -> list[Effect]:
    invite = room._book.get(fact.invite_id)
    if fact.identity != invite.by_identity and not _in_control(room, fact.identity):
        raise ApiError("forbidden")
    if not invite.pending:
        next_state(invite.state, "cancel")
        return []
    return [InviteChanged(room._book.step(invite, "cancel"))]


def _pass_on(room: RoomSteps, invite: Invite, now: float) -> list[Effect]:
    """One of a group did not come: find the next."""
    assert invite.to_identity is not None
    tried = (*invite.tried, invite.to_identity)
    invite = room._book.step(invite, "passed", to_identity=None, to_name="", tried=tried, deadline=now + SEARCH_S)
    return [_search(invite)]


def _search(invite: Invite) -> RingNext:
    return RingNext(invite, invite.value if invite.kind == "skill" else None, frozenset(invite.tried))


def _searching(room: RoomSteps, invite_id: str) -> Invite | None:
    invite = room.invites.get(invite_id)
    return invite if invite is not None and invite.pending and invite.guest is None else None


def _candidate_found(room: RoomSteps, fact: CandidateFound, now: float) -> list[Effect]:
    invite, book = _searching(room, fact.invite_id), room._book
    if invite is None:
        return []
    identity = fact.identity
    if identity in invite.tried:
        return [InviteChanged(book.step(invite, "nobody_left"))]
    if room.on_stage(identity) or room.in_call(identity) or book.of_guest(identity) is not None:
        return [_search(book.step(invite, "passed", tried=(*invite.tried, identity)))]
    changes = {"to_identity": identity, "to_name": fact.name, "deadline": now + invite.ring_s}
    return [InviteChanged(book.step(invite, "next_candidate", **changes))]


def _no_candidate(room: RoomSteps, fact: NoCandidate, now: float) -> list[Effect]:
    invite = _searching(room, fact.invite_id)
    return [] if invite is None else [InviteChanged(room._book.step(invite, "nobody_left"))]


def _invitee_gone(room: RoomSteps, fact: InviteeGone, now: float) -> list[Effect]:
    invite = room._book.ringing(fact.identity)
    if invite is None:
        return []
    if invite.group:
        return _pass_on(room, invite, now)
    return [InviteChanged(room._book.step(invite, "invitee_gone"))]


def expire(room: RoomSteps, now: float) -> list[Effect]:
    """What time alone does to invitations and places."""
    effects: list[Effect] = []
    for invite in room._book.overdue(now):
        if not invite.group:
            effects.append(InviteChanged(room._book.step(invite, "ring_timeout")))
        elif invite.to_identity is None:
            effects.append(InviteChanged(room._book.step(invite, "nobody_left")))
        else:
            effects += _pass_on(room, invite, now)
    for place in room.stage.overdue(now):
        if not room.on_stage(place.identity):
            continue
        effects += room._go_off(place, "silence", now, "no_media")
        accepted = room.invites.get(place.invite or "")
        if accepted is not None:
            effects.append(InviteChanged(room._book.step(accepted, "no_media")))
    return effects


# --- hands -----------------------------------------------------------------------------------------------------------


def _hand_raised(room: RoomSteps, fact: HandRaised, now: float) -> list[Effect]:
    member, stage = room._member(fact.peer), room.stage
    if room.controls(fact.peer):
        raise ApiError("forbidden")
    if room.on_stage(member.identity):
        raise ApiError("already_on_stage")
    if not stage.hands_open:
        raise ApiError("hands_closed")
    former = stage.hands.get(member.identity)
    if former is None and len(stage.hands) >= MAX_HANDS:
        raise ApiError("rate_limited", retry_after_s=5.0)
    hand = Hand(member.identity, member.name, fact.topic, now if former is None else former.at)
    if hand == former:
        return []
    stage.hands[member.identity] = hand
    mine = room._tell_hand(member.identity) if former is None else []
    return [*mine, *room._tell_hands()]


def _hand_lowered(room: RoomSteps, fact: HandLowered, now: float) -> list[Effect]:
    member = room._member(fact.peer)
    identity = fact.identity or member.identity
    if identity != member.identity:
        room._require_control(fact.peer)
    return room._lower(identity)


def _hands_opened(room: RoomSteps, fact: HandsOpened, now: float) -> list[Effect]:
    room._require_control(fact.peer)
    if room.for_help:
        raise ApiError("forbidden")
    room.stage.hands_open = fact.open
    return [] if fact.open else room._lower_all()


# --- on the stage ----------------------------------------------------------------------------------------------------


def _stage_left(room: RoomSteps, fact: StageLeft, now: float) -> list[Effect]:
    member = room._member(fact.peer)
    place = room.stage.place_of(member.identity)
    if place is None:
        raise ApiError("not_on_stage")
    if member.host and member.show:
        raise ApiError("forbidden")
    return room._go_off(place, "end", now)


def _guest_removed(room: RoomSteps, fact: GuestRemoved, now: float) -> list[Effect]:
    return room._go_off(_disposable(room, fact.peer, fact.identity), "end", now, "removed")


def _disposable(room: RoomSteps, peer: str, identity: str) -> Place:
    """The place of a guest, if ``peer`` may dispose of it. Raises ``forbidden`` or ``guest_not_found``."""
    room._require_control(peer)
    place = room._guest_place(identity)
    if place.show:
        raise ApiError("forbidden")
    return place


def _stage_cleared(room: RoomSteps, fact: StageCleared, now: float) -> list[Effect]:
    room._require_control(fact.peer)
    return room._empty_stage(now, "removed", guests_only=True)


def _guest_muted(room: RoomSteps, fact: GuestMuted, now: float) -> list[Effect]:
    place = _disposable(room, fact.peer, fact.identity)
    room.stage.change(
        fact.identity,
        audio_locked=place.audio_locked or fact.audio,
        video_locked=place.video_locked or fact.video,
    )
    silenced = tuple(
        replace(track, muted=True, silenced=True)
        for track in room.tracks_of(place.peer or "")
        if not track.muted and room._is_locked(track)
    )
    effects: list[Effect] = [TracksMuted(silenced)] if silenced else []
    for track in silenced:
        effects += room._update_track(track)
    return effects


def _unmute_asked(room: RoomSteps, fact: UnmuteAsked, now: float) -> list[Effect]:
    place = _disposable(room, fact.peer, fact.identity)
    by = room._member(fact.peer)
    room.stage.change(
        fact.identity,
        audio_locked=place.audio_locked and not fact.audio,
        video_locked=place.video_locked and not fact.video,
    )
    # First that it may, then that it should.
    effects = room._stage_news()
    if place.peer is not None:
        fields = {"audio": fact.audio, "video": fact.video, "by": {"identity": by.identity, "name": by.name}}
        effects.append(Tell("unmute_requested", fields, only=frozenset((place.peer,))))
    return effects


def _guest_moved(room: RoomSteps, fact: GuestMoved, now: float) -> list[Effect]:
    room._require_control(fact.peer)
    room._guest_place(fact.identity)
    room.stage.move(fact.identity, fact.position)
    return []


def _pinned(room: RoomSteps, fact: Pinned, now: float) -> list[Effect]:
    room._require_control(fact.peer)
    if fact.identity is not None:
        room._guest_place(fact.identity)
    room.stage.pin = fact.identity
    return []


def _stage_locked(room: RoomSteps, fact: StageLocked, now: float) -> list[Effect]:
    room._require_control(fact.peer)
    room.stage.locked = fact.locked
    return []


def _layout_set(room: RoomSteps, fact: LayoutSet, now: float) -> list[Effect]:
    room._require_control(fact.peer)
    room.stage.choose(fact.layout)
    return []


def _cohost_set(room: RoomSteps, fact: CohostSet, now: float) -> list[Effect]:
    member = room._member(fact.peer)
    if not (member.show or member.manage):
        raise ApiError("forbidden")
    if room._guest_place(fact.identity).show:
        raise ApiError("forbidden")
    room.stage.change(fact.identity, cohost=fact.cohost)
    return []


StageRule = Callable[[RoomSteps, Any, float], list[Effect]]

STAGE_RULES: dict[type[Fact], StageRule] = {
    InviteMade: _invite_made,
    StageOffered: _stage_offered,
    InviteAccepted: _accepted,
    InviteDeclined: _declined,
    InviteCancelled: _cancelled,
    CandidateFound: _candidate_found,
    NoCandidate: _no_candidate,
    InviteeGone: _invitee_gone,
    HandRaised: _hand_raised,
    HandLowered: _hand_lowered,
    HandsOpened: _hands_opened,
    StageLeft: _stage_left,
    GuestRemoved: _guest_removed,
    StageCleared: _stage_cleared,
    GuestMuted: _guest_muted,
    UnmuteAsked: _unmute_asked,
    GuestMoved: _guest_moved,
    Pinned: _pinned,
    StageLocked: _stage_locked,
    LayoutSet: _layout_set,
    CohostSet: _cohost_set,
}
