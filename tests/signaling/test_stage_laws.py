"""The stage: laws that hold in whatever order people come, go, ring, answer, share, mute, move and are removed.

Around the Room is what the hub is to it: the desk that finds the next of a group, the Worker that lets packets through
or not, and everybody's client, each with its own copy of the room kept from the events that it was sent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from signaling import room_model as r
from signaling.errors import ERRORS, ApiError
from signaling.invite import Invite
from tests.signaling.test_room import admin, guest, host, make, supervisor, track, viewer
from tests.signaling.test_room_laws import RoomLaws, in_any_order, reduce

#: Everybody has one role, whatever Peer they come as.
PEOPLE = {"h": host, "i": host, "z": admin, "s": supervisor, "a": guest, "b": guest, "v": viewer, "w": viewer}
#: Those who sit at the desk all the time; ``d`` and ``e`` are never in the room unless invited.
DESK = ("a", "b", "d", "e")
IDENTITIES = st.sampled_from([*PEOPLE, "d"])
SOURCES = st.sampled_from(["camera", "microphone", "screen", "whisper"])
SMALL = st.sampled_from([0.0, 0.0, 0.5, 4.0, 16.0])
FINAL = ("declined", "cancelled", "expired", "failed")


class StageLaws(RoomLaws):
    """Everything of :class:`RoomLaws`, and the stage."""

    def __init__(self) -> None:
        super().__init__()
        self.room = make(max_peers=20, max_stage=3, max_publishers=4, resume_window_s=10.0, away_grace_s=15.0)
        self.replica = self.room.snapshot()
        self.clients: dict[str, dict[str, Any]] = {}
        self.known: dict[str, Invite] = {}
        self.flowing: set[str] = set()
        self.engaged: set[str] = set()

    # --- the world around the Room -------------------------------------------------------------------------------

    def apply(self, fact: r.Fact, now: float) -> None:
        controlled = {peer for peer in self.room.members if self.room.controls(peer)}
        super().apply(fact, now)
        found = self.room.tracks.get(fact.track) if isinstance(fact, r.Muted) else None
        if found is not None and not found.held:
            # The hub asks the Worker itself, but for what is held.
            self.flowing = self.flowing - {found.id} if found.muted else self.flowing | {found.id}
        self.clients = {peer: room for peer, room in self.clients.items() if peer in self.room.members}
        for peer in self.room.members:
            fresh = self.room.snapshot(peer)
            if peer not in self.clients:
                self.clients[peer] = fresh
            elif self.room.controls(peer) is not (peer in controlled):
                # The hub tells a new co-host what control needs; who has it no more forgets.
                mine = {name: part for name, part in self.clients[peer].items() if name != "hands"}
                self.clients[peer] = mine | {name: fresh[name] for name in ("invites", "hands") if name in fresh}

    def perform(self, effect: r.Effect, now: float) -> None:
        super().perform(effect, now)
        match effect:
            case r.Tell(_, _, skip, only):
                for peer, client in self.clients.items():
                    if peer != skip and (only is None or peer in only):
                        reduce(client, effect)
            case r.TracksAdded(tracks):
                assert not {track.id for track in tracks} & self.flowing
                self.flowing |= {track.id for track in tracks if not (track.held or track.muted)}
            case r.TracksReleased(tracks):
                assert not any(track.held for track in tracks)
                self.flowing |= {track.id for track in tracks if not track.muted}
            case r.TracksMuted(tracks) | r.TracksGone(tracks):
                self.flowing -= {track.id for track in tracks}
            case r.Engaged(identity, engaged):
                assert engaged is not (identity in self.engaged), "said once"
                self.engaged ^= {identity}
            case r.InviteChanged(invite):
                self.invite_changed(invite)
            case r.RingNext(invite, _, tried):
                assert invite.pending and invite.to_identity is None and set(invite.tried) == tried
                found = next((name for name in DESK if name not in tried), None)
                answer = r.NoCandidate(invite.id) if found is None else r.CandidateFound(invite.id, found, found)
                self.apply(answer, now)
            case r.Gone(peer):
                identity = peer.split("-")[0]
                if identity not in DESK and self.room.member_by_identity(identity) is None:
                    self.apply(r.InviteeGone(identity), now)

    def invite_changed(self, invite: Invite) -> None:
        former = self.known.get(invite.id)
        assert former is None or former.state not in FINAL, "the end is the end"
        if former is not None and former.state == "accepted":
            assert (invite.state, invite.reason) == ("failed", "no_media")
        if invite.state == "accepted":
            assert invite.guest is not None and self.room.on_stage(invite.guest), "who accepts has a place"
        self.known[invite.id] = invite
        concerned = {invite.by_identity, invite.to_identity, None if former is None else former.to_identity}
        for peer, client in self.clients.items():
            identity = peer.split("-")[0]
            kept = invite.pending and (self.room.controls(peer) or identity in (invite.by_identity, invite.to_identity))
            if identity in concerned or self.room.controls(peer):
                client["invites"] = [entry for entry in client["invites"] if entry["id"] != invite.id]
                client["invites"] += [invite.to_wire()] if kept else []

    def peers(self) -> list[str]:
        return sorted(self.room.members)

    # --- what happens --------------------------------------------------------------------------------------------

    @initialize()
    def begin(self) -> None:
        for identity in ("h", "a", "v"):
            self.come(identity, 0.0)
        self.do(r.Published("h-1", (track("first", "h-1"),)), 0.0)
        self.do(r.ShowStarted(), 0.0)

    @rule(identity=IDENTITIES, step=SMALL)
    def come(self, identity: str, step: float) -> None:
        self.serial += 1
        member = PEOPLE.get(identity, guest)(f"{identity}-{self.serial}")
        self.do(r.Joined(replace(member, identity=identity)), step)

    @precondition(lambda self: self.room.members)
    @rule(data=st.data(), step=SMALL, source=SOURCES, muted=st.booleans())
    def share(self, data: st.DataObject, step: float, source: Any, muted: bool) -> None:
        peer = data.draw(st.sampled_from(self.peers()))
        self.serial += 1
        name, kind = f"t{self.serial}", "video" if source in ("camera", "screen") else "audio"
        # Whatever a client claims, whether it is held is not its to say.
        claimed = replace(track(name, peer, kind, source), muted=muted, held=data.draw(st.booleans()))
        self.do(r.Published(peer, (claimed,)), step)

    @precondition(lambda self: self.room.members)
    @rule(data=st.data(), step=SMALL, to=IDENTITIES, kind=st.sampled_from(["identity", "skill", "anyone"]))
    def ring(self, data: st.DataObject, step: float, to: str, kind: Any) -> None:
        self.serial += 1
        value = {"identity": to, "skill": "setup", "anyone": None}[kind]
        chosen = to if kind == "identity" else data.draw(st.sampled_from(["", *DESK]))
        by = data.draw(st.sampled_from(self.peers()))
        self.made(r.InviteMade(f"i{self.serial}", by, kind, value, chosen, chosen, ring_s=5.0), step)

    @precondition(lambda self: self.room.members)
    @rule(data=st.data(), step=SMALL)
    def offer(self, data: st.DataObject, step: float) -> None:
        self.serial += 1
        self.made(r.StageOffered(f"i{self.serial}", data.draw(st.sampled_from(self.peers()))), step)

    def made(self, fact: r.InviteMade | r.StageOffered, step: float) -> None:
        """Whoever asks gets an error, or an invitation that waits or was accepted this moment."""
        self.do(r.Tick(), step)
        self.do(fact, 0.0)
        if self.refused is not None:
            assert self.refused in ERRORS
        elif not self.room.closed:
            found = self.room.invites.get(fact.invite_id) or self.room.invite_like(fact)
            assert found.state in ("pending", "accepted")

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(),
        step=SMALL,
        identity=IDENTITIES,
        kind=st.sampled_from([r.InviteAccepted, r.InviteAccepted, r.InviteDeclined, r.InviteCancelled]),
        right_one=st.booleans(),
    )
    def answer(self, data: st.DataObject, step: float, identity: str, kind: Any, right_one: bool) -> None:
        pending = [invite.id for invite in self.room.pending_invites()]
        invite = self.room.invites[data.draw(st.sampled_from(pending or sorted(self.room.invites)))]
        if right_one:
            identity = invite.to_identity or "h"
        self.do(kind(invite.id, identity), step)
        # The same again is never worse than the first time.
        state = self.room.invites[invite.id].state
        self.do(kind(invite.id, identity), 0.0)
        assert self.room.invites[invite.id].state == state or state == "pending"

    @precondition(lambda self: self.room.members)
    @rule(data=st.data(), step=SMALL, identity=IDENTITIES, audio=st.booleans(), yes=st.booleans())
    def control(self, data: st.DataObject, step: float, identity: str, audio: bool, yes: bool) -> None:
        peer = data.draw(st.sampled_from(self.peers()))
        facts: list[r.Fact] = [
            r.GuestRemoved(peer, identity),
            r.StageCleared(peer),
            r.GuestMuted(peer, identity, audio, not audio),
            r.GuestMuted(peer, identity, audio, not audio),
            r.UnmuteAsked(peer, identity, audio, not audio),
            r.GuestMoved(peer, identity, 2 * yes),
            r.Pinned(peer, identity if yes else None),
            r.StageLocked(peer, yes),
            r.LayoutSet(peer, "grid" if yes else "screen"),
            r.CohostSet(peer, identity, yes),
            r.HandsOpened(peer, yes),
            r.HandLowered(peer, identity if yes else None),
            r.HandRaised(peer, "t"),
            r.StageLeft(peer),
        ]
        self.do(data.draw(st.sampled_from(facts)), step)

    @precondition(lambda self: self.room.members)
    @rule(data=st.data(), step=SMALL, role=st.sampled_from(sorted(PEOPLE)))
    def amend(self, data: st.DataObject, step: float, role: str) -> None:
        former = self.room.members[data.draw(st.sampled_from(self.peers()))]
        self.do(r.Amended(replace(PEOPLE[role](former.id), identity=former.identity)), step)
        refused = []
        for entry in self.room.tracks_of(former.id):
            try:
                self.room.right_to_publish(former.id, entry.source)
            except ApiError:
                refused.append(entry.id)
        self.do(r.Unpublished(tuple(refused)), 0.0)

    @rule(identity=IDENTITIES, step=SMALL)
    def leave_the_desk(self, identity: str, step: float) -> None:
        self.do(r.InviteeGone(identity), step)

    # --- what always holds ---------------------------------------------------------------------------------------

    @invariant()
    def places_are_of_one_person_each_and_bounded(self) -> None:
        identities = [place.identity for place in self.room.stage.places]
        assert len(identities) == len(set(identities))
        assert self.engaged == set(identities)
        assert self.room.stage.pin in (None, *identities)

    @invariant()
    def no_ghosts(self) -> None:
        for place in self.room.stage.places:
            assert place.state == ("joining" if place.until is not None else "on")
            if place.peer is None:
                assert place.until is not None or self.room.snapshot().get("away_until")
            else:
                assert self.room.members[place.peer].identity == place.identity

    @invariant()
    def the_audience_gets_only_what_is_on_stage(self) -> None:
        peers = {place.peer for place in self.room.stage.places}
        for entry in self.room.tracks.values():
            identity = self.room.members[entry.peer].identity
            awaited = {invite.guest for invite in self.room.pending_invites()}
            assert entry.private or (entry.peer in peers) is not entry.held
            assert not entry.held or identity in awaited
            assert not entry.private or "whisper" in self.room.members[entry.peer].publish
        announced = {entry["id"] for entry in self.replica["tracks"]}
        assert announced == {entry.id for entry in self.room.tracks.values() if entry.on_air}

    @invariant()
    def the_worker_lets_through_what_is_neither_held_nor_muted(self) -> None:
        assert self.flowing == {entry.id for entry in self.room.tracks.values() if not (entry.held or entry.muted)}
        for entry in self.room.tracks.values():
            place = next((place for place in self.room.stage.places if place.peer == entry.peer), None)
            if place is not None and not entry.private and place.locks(entry.kind):
                assert entry.muted

    @invariant()
    def pending_invitations_wait_for_somebody(self) -> None:
        guests = [invite.guest for invite in self.room.pending_invites()]
        assert len(guests) == len(set(guests)) and None not in guests
        assert not any(self.room.on_stage(name) for name in guests if name is not None)
        assert not guests or self.room.state in ("live", "away")
        for invite in self.room.pending_invites():
            assert self.room.member_by_identity(invite.by_identity) is not None

    @invariant()
    def hands_are_of_members(self) -> None:
        assert all(self.room.member_by_identity(name) for name in self.room.stage.hands)
        assert self.room.stage.hands_open or not self.room.stage.hands

    @invariant()
    def every_client_has_the_room_right(self) -> None:
        for peer, client in self.clients.items():
            snapshot, mine = self.room.snapshot(peer), dict(client)
            for part in (snapshot, mine):
                part.pop("viewers")
                part["invites"] = sorted(part["invites"], key=lambda entry: str(entry["id"]))
            assert in_any_order(mine) == in_any_order(snapshot), peer


TestStageLaws = StageLaws.TestCase
TestStageLaws.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
