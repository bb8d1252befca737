"""The stage: laws that hold in whatever order people come, go, ring, answer, share, mute, move and are removed.

Around the Room is what the hub is to it: the desk that finds the next of a group, the Worker that lets packets through
or not, and everybody's client, each with its own copy of the room kept from the events that it was sent.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from signaling import room_model as r
from signaling.errors import ERRORS, ApiError
from signaling.invite import Invite
from tests.signaling.test_room import admin, guest, host, make, supervisor, track, viewer
from tests.signaling.test_room_laws import World, in_any_order, reduce

#: Everybody has one role, whatever Peer they come as.
PEOPLE = {"h": host, "i": host, "z": admin, "s": supervisor, "a": guest, "b": guest, "v": viewer, "w": viewer}
#: Those who sit at the desk all the time; ``d`` and ``e`` are never in the room unless invited.
DESK = ("a", "b", "d", "e")
SOURCES: tuple[Any, ...] = ("camera", "microphone", "screen", "whisper")
#: The likelier, the more often.
VERBS = (
    *("share",) * 8,
    *("answer",) * 10,
    *("invite",) * 6,
    *("group",) * 4,
    *("offer", "track", "come", "drop") * 3,
    *("silence", "remove", "leave", "return") * 2,
    *("step_down", "unmute", "clear", "order", "pin", "lock", "layout", "cohost"),
    *("hands", "hand_up", "hand_down", "amend", "desk_left", "media_lost", "show"),
)
#: What is the host's to do.
CONTROLS = frozenset("invite group answer silence remove clear unmute order pin lock layout cohost hands show".split())
#: What is done to whoever is on stage.
ON_GUESTS = frozenset("silence remove unmute order pin cohost".split())
FINAL = ("declined", "cancelled", "expired", "failed")


class StageWorld(World):
    """With the desk, the Worker, and every client."""

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
            case r.Tell(_, _, skip, only, know):
                for peer, client in self.clients.items():
                    if peer != skip and peer not in know and (only is None or peer in only):
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
            place = self.room.stage.place_of(invite.guest or "")
            assert place is not None, "who accepts has a place"
            # With a call others come, some of whom always may.
            assert place.show or invite.circle or len(self.room.stage.places) <= self.room.policy.max_stage
            assert place.show or invite.circle or not self.room.stage.locked
        self.known[invite.id] = invite
        concerned = {invite.by_identity, invite.to_identity, None if former is None else former.to_identity}
        for peer, client in self.clients.items():
            identity = peer.split("-")[0]
            kept = invite.pending and (self.room.controls(peer) or identity in (invite.by_identity, invite.to_identity))
            if identity in concerned or self.room.controls(peer):
                client["invites"] = [entry for entry in client["invites"] if entry["id"] != invite.id]
                client["invites"] += [invite.to_wire()] if kept else []

    # --- what happens --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A show on air, with people around."""
        for identity in PEOPLE:
            if identity != "i":
                self.come(identity)
        self.do(r.Published(self.peer("h"), (track("first", self.peer("h")),)), 0.0)
        self.do(r.ShowStarted(), 0.0)
        self.do(r.HandsOpened(self.peer("h"), True), 0.0)

    def peer(self, identity: str) -> str:
        """Somebody's Peer; comes first, if not there."""
        if self.room.member_by_identity(identity) is None:
            self.come(identity)
        member = self.room.member_by_identity(identity)
        return "" if member is None else member.id

    def come(self, identity: str) -> None:
        self.serial += 1
        member = PEOPLE.get(identity, guest)(f"{identity}-{self.serial}")
        self.do(r.Joined(replace(member, identity=identity)), 0.0)

    def move(self, verb: str, who: str, whom: str, number: int, yes: bool, step: float) -> None:
        """One thing happens, ``step`` seconds later."""
        self.do(r.Tick(), step)
        if self.room.closed:
            return
        if number < 6 and verb in ON_GUESTS:
            whom = self.somebody(number, whom, [place.identity for place in self.room.stage.places if not place.show])
        if number < 6 and verb == "share":
            awaited = [invite.guest for invite in self.room.pending_invites() if invite.guest in PEOPLE]
            who = self.somebody(number, who, [*awaited, *(place.identity for place in self.room.stage.places)])
        match verb:
            case "come":
                self.come(who)
            case "share":
                self.share(who, number, yes)
            case "invite" | "group" | "offer":
                self.ask(verb, who, whom, yes)
            case "answer":
                self.answer(whom, number, yes)
            case "amend":
                self.amend(who, whom)
            case "track":
                self.touch(number, yes)
            case _:
                self.do(self.simple(verb, who, whom, number, yes), 0.0)

    def somebody(self, number: int, otherwise: str, of: Sequence[str | None]) -> str:
        """One of these, if there is any."""
        return (of[number % len(of)] if of else None) or otherwise

    def simple(self, verb: str, who: str, whom: str, number: int, yes: bool) -> r.Fact:
        """What one fact says."""
        if verb == "media_lost":
            return r.MediaLost("worker_restarted")
        if verb == "show":
            return r.ShowStarted() if yes or number else r.ShowEnded()
        if verb == "desk_left":
            return r.InviteeGone(whom)
        peer, audio = self.peer(who), number % 2 == 0
        facts: dict[str, r.Fact] = {
            "drop": r.Dropped(peer),
            "return": r.Returned(peer),
            "leave": r.Left(peer, "left"),
            "step_down": r.StageLeft(peer),
            "remove": r.GuestRemoved(peer, whom),
            "clear": r.StageCleared(peer),
            "silence": r.GuestMuted(peer, whom, audio, not audio),
            "unmute": r.UnmuteAsked(peer, whom, audio, not audio),
            "order": r.GuestMoved(peer, whom, number),
            "pin": r.Pinned(peer, whom if yes else None),
            "lock": r.StageLocked(peer, yes and number < 4),
            "layout": r.LayoutSet(peer, "grid" if yes else "screen"),
            "cohost": r.CohostSet(peer, whom, yes),
            "hands": r.HandsOpened(peer, yes),
            "hand_up": r.HandRaised(peer, f"{number}"),
            "hand_down": r.HandLowered(peer, whom if yes else None),
        }
        return facts[verb]

    def share(self, who: str, number: int, yes: bool) -> None:
        peer, source = self.peer(who), SOURCES[self.serial % len(SOURCES)]
        self.serial += 1
        kind: Any = "video" if source in ("camera", "screen") else "audio"
        # Whatever a client claims, whether it is held is not its to say.
        claimed = replace(track(f"t{self.serial}", peer, kind, source), muted=yes and number > 4, held=yes)
        self.do(r.Published(peer, (claimed,)), 0.0)

    def touch(self, number: int, yes: bool) -> None:
        """Something becomes of a track."""
        if self.room.tracks:
            name = sorted(self.room.tracks)[number % len(self.room.tracks)]
            facts = [r.Muted(name, yes), r.Muted(name, yes), r.Flowing(name, yes), r.Speaking((name,))]
            self.do(r.Unpublished((name,)) if number == 7 else facts[number % 4], 0.0)

    def ask(self, verb: str, who: str, whom: str, yes: bool) -> None:
        """Whoever asks gets an error, or an invitation that waits or was accepted this moment."""
        self.serial += 1
        name, by = f"i{self.serial}", self.peer(who)
        fact: r.InviteMade | r.StageOffered = r.StageOffered(name, by)
        if verb == "invite":
            fact = r.InviteMade(name, by, "identity", whom, whom, whom)
        elif verb == "group":
            kind: Any = "skill" if yes else "anyone"
            first = whom if whom in DESK and not self.room.rings(whom) else ""
            fact = r.InviteMade(name, by, kind, "setup" if yes else None, first, first, ring_s=5.0)
        self.do(fact, 0.0)
        if self.refused is not None:
            assert self.refused in ERRORS
        elif not self.room.closed:
            found = self.room.invites.get(name) or self.room.invite_like(fact)
            assert found.state in ("pending", "accepted")

    def answer(self, whom: str, number: int, yes: bool) -> None:
        if not self.room.invites:
            return
        pending = [invite.id for invite in self.room.pending_invites()]
        choice = pending if pending and (yes or number) else list(self.room.invites)
        invite = self.room.invites[choice[number % len(choice)]]
        identity = invite.to_identity or "h" if yes or number > 1 else whom
        kind = {5: r.InviteDeclined, 6: r.InviteDeclined, 7: r.InviteCancelled}.get(number, r.InviteAccepted)
        self.do(kind(invite.id, identity), 0.0)
        # Said twice, it is no worse than said once.
        former = self.room.invites[invite.id]
        if self.refused is None and not former.pending:
            self.do(kind(invite.id, identity), 0.0)
            assert (self.refused, self.room.invites[invite.id]) == (None, former)

    def amend(self, who: str, role: str) -> None:
        former = self.room.members[self.peer(who)]
        self.do(r.Amended(replace(PEOPLE.get(role, guest)(former.id), identity=former.identity)), 0.0)
        # As the hub does with what is not allowed any more.
        self.do(
            r.Unpublished(tuple(track.id for track in self.room.tracks_of(former.id) if not self.allowed(track))), 0.0
        )

    def allowed(self, entry: r.Track) -> bool:
        try:
            self.room.right_to_publish(entry.peer, entry.source)
        except ApiError:
            return False
        return True

    # --- what always holds ---------------------------------------------------------------------------------------

    def check(self) -> None:
        super().check()
        self.places_are_of_one_person_each_and_bounded()
        self.no_ghosts()
        self.the_audience_gets_only_what_is_on_stage()
        self.the_worker_lets_through_what_is_neither_held_nor_muted()
        self.pending_invitations_wait_for_somebody()
        self.hands_are_of_members()
        self.every_client_has_the_room_right()

    def places_are_of_one_person_each_and_bounded(self) -> None:
        identities = [place.identity for place in self.room.stage.places]
        assert len(identities) == len(set(identities))
        assert self.engaged == set(identities)
        assert self.room.stage.pin in (None, *identities)

    def no_ghosts(self) -> None:
        for place in self.room.stage.places:
            assert place.state == ("joining" if place.until is not None else "on")
            if place.peer is None:
                assert place.until is not None or self.room.snapshot().get("away_until")
            else:
                assert self.room.members[place.peer].identity == place.identity

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

    def the_worker_lets_through_what_is_neither_held_nor_muted(self) -> None:
        assert self.flowing == {entry.id for entry in self.room.tracks.values() if not (entry.held or entry.muted)}
        for entry in self.room.tracks.values():
            place = next((place for place in self.room.stage.places if place.peer == entry.peer), None)
            if place is not None and entry.on_air and place.locks(entry.kind):
                assert entry.muted

    def pending_invitations_wait_for_somebody(self) -> None:
        guests = [invite.guest for invite in self.room.pending_invites()]
        assert len(guests) == len(set(guests)) and None not in guests
        alone = [invite.guest for invite in self.room.pending_invites() if invite.circle is None]
        assert not any(self.room.on_stage(name) for name in alone if name is not None)
        assert not guests or self.room.state in ("live", "away")
        for invite in self.room.pending_invites():
            assert self.room.member_by_identity(invite.by_identity) is not None

    def hands_are_of_members(self) -> None:
        assert all(self.room.member_by_identity(name) for name in self.room.stage.hands)
        assert self.room.stage.hands_open or not self.room.stage.hands

    def every_client_has_the_room_right(self) -> None:
        for peer, client in self.clients.items():
            snapshot, mine = self.room.snapshot(peer), dict(client)
            for part in (snapshot, mine):
                part.pop("viewers")
                part["invites"] = sorted(part["invites"], key=lambda entry: str(entry["id"]))
            assert in_any_order(mine) == in_any_order(snapshot), peer


Move = tuple[str, str, str, int, bool, float]


def walk(seed: int, length: int) -> Iterator[Move]:
    """What may happen, the likely more often: whoever is the host controls, and guests come and share."""
    dice = random.Random(seed)
    for _ in range(length):
        verb = dice.choice(VERBS)
        likely = "h" if verb in CONTROLS else dice.choice("hi" if verb in ("come", "leave") else "aabbvs")
        who = likely if dice.random() < 0.8 else dice.choice([*PEOPLE])
        whom = dice.choice("aabbvwsd") if dice.random() < 0.9 else dice.choice([*PEOPLE])
        step = dice.choice((0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 2.0, 6.0)) if dice.random() < 0.95 else 16.0
        yield verb, who, whom, dice.randrange(8), dice.random() < 0.6, step


@settings(max_examples=40, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(st.integers(0, 2**32))
def test_laws_of_the_stage(seed: int) -> None:
    world = StageWorld()
    world.begin()
    for move in walk(seed, 120):
        note(str(move))
        world.move(*move)
        world.check()
