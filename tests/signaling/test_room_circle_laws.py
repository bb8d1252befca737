"""Calls in a Room: laws that hold in whatever order people come, ring, answer, hold, whisper, go on stage and back.

On top of the world of the stage: what Consumers the Worker has for whom, as the hub would make and close them, and the
seats as they were last said, against which every audience is counted anew.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from signaling import room_model as r
from signaling.circle import Circle, Seat, hears
from tests.signaling.test_room import viewer
from tests.signaling.test_room_laws import reduce
from tests.signaling.test_stage_laws import PEOPLE, StageWorld, walk

SHOPPERS = ("v", "w")
AGENTS = ("a", "b", "d")
OTHERS = ("s", "z", "h")
MODES: tuple[Any, ...] = ("full", "full", "full", "full", "hold", "ring", "listen", "whisper")
SOURCES: tuple[Any, ...] = ("microphone", "camera", "screen")


class CircleWorld(StageWorld):
    """With calls."""

    def __init__(self) -> None:
        super().__init__()
        self.circles: dict[str, Circle] = {}
        self.consumers: dict[str, set[str]] = {}
        self.aired: set[str] = set()
        self.mates: set[tuple[str, str]] = set()
        self.shared: set[tuple[str, str]] = set()

    # --- the world around the Room -------------------------------------------------------------------------------

    def apply(self, fact: r.Fact, now: float) -> None:
        before = self.room.members.values()
        self.mates = {(member.id, peer) for member in before for peer in self.room._knowing(member)}
        self.shared = {
            (track.id, peer)
            for track in self.room.tracks.values()
            for peer in self.room.members
            if not track.held and (peer == track.peer or self.room.shares_call(track, peer))
        }
        super().apply(fact, now)
        if self.refused is None and isinstance(fact, r.CircleSet):
            self.circles[fact.circle.id] = fact.circle
        elif self.refused is None and isinstance(fact, r.CircleEnded):
            self.circles.pop(fact.circle_id, None)
        self.consumers = {peer: self.consumers.get(peer, set()) for peer in self.room.members}
        if isinstance(fact, r.Joined | r.Amended) and fact.member.id in self.consumers:
            # The first offer; and the hub withdraws and offers by itself when grants change.
            self.consumers[fact.member.id] = self.visible(fact.member.id)

    def visible(self, peer: str) -> set[str]:
        return {track.id for track in self.room.tracks.values() if self.room.may_see(track, peer)}

    def perform(self, effect: r.Effect, now: float) -> None:
        match effect:
            case r.Tell():
                self.hear(effect)
                if effect.only is None:
                    reduce(self.replica, effect)
                return
            case r.TracksAdded(tracks):
                for peer in self.consumers:
                    self.consumers[peer] |= {track.id for track in tracks if self.room.may_see(track, peer)}
            case r.TracksGone(tracks):
                for peer in self.consumers:
                    self.consumers[peer] -= {track.id for track in tracks}
            case r.SeenBy(peers):
                for peer in peers & self.consumers.keys():
                    self.consumers[peer] = self.visible(peer)
            case r.CircleOnStage(circle_id, on, code):
                if on:
                    assert circle_id not in self.aired and code is None
                    self.aired.add(circle_id)
                else:
                    assert circle_id in self.aired or code is not None
                    self.aired.discard(circle_id)
        super().perform(effect, now)

    def hear(self, tell: r.Tell) -> None:
        for peer, client in self.clients.items():
            if peer == tell.skip or peer in tell.know or not (tell.only is None or peer in tell.only):
                continue
            member = self.room.members.get(peer)
            track = self.room.tracks.get(str(tell.fields.get("track"))) if tell.type == "track_unpublished" else None
            if member is not None and track is not None and (track.id, peer) in self.shared:
                assert not self.room._is_told(track, member), "nobody loses what they may go on seeing"
            if tell.type == "peer_left" and (tell.fields["peer"], peer) in self.mates and member is not None:
                left = self.room.members.get(tell.fields["peer"])
                assert left is None or peer not in self.room._knowing(left), "nobody loses whom they go on talking to"
            if tell.type in ("track_published", "track_updated"):
                track = self.room.tracks.get(tell.fields["track"]["id"])
                inside = track is None or member is None or self.room._is_told(track, member)
                assert inside or (track is not None and (track.peer, peer) in self.mates), "told to outsiders"
            reduce(client, tell)

    # --- what happens --------------------------------------------------------------------------------------------

    def call(self, dice: random.Random, kind: str) -> None:
        """Something becomes of a call."""
        name = dice.choice(("k", "l"))
        circle = self.circles.get(name)
        match kind:
            case "set":
                self.do(r.CircleSet(self.seats(dice, name)), 0.0)
            case "mode" if circle is not None and circle.seats:
                who = dice.choice(sorted(circle.seats))
                seats = {**circle.seats, who: replace(circle.seats[who], mode=dice.choice(MODES))}
                self.do(r.CircleSet(replace(circle, seats=seats)), 0.0)
            case "open" if circle is not None:
                self.do(r.CircleSet(replace(circle, open=dice.random() < 0.8)), 0.0)
            case "end":
                self.do(r.CircleEnded(name), 0.0)
            case "air" if circle is not None:
                self.do(r.CircleAired(name, self.chosen(dice, circle)), 0.0)
            case "ground":
                self.do(r.CircleGrounded(name), 0.0)
            case "offer" if circle is not None and circle.seats:
                self.serial += 1
                aired = self.chosen(dice, circle)
                by = dice.choice(sorted(aired or circle.seats))
                self.do(r.StageOffered(f"o{self.serial}", self.peer(by), circle=name, aired=aired), 0.0)
            case "accept":
                offers = [invite.id for invite in self.room.pending_invites() if invite.circle is not None]
                for invite in offers[:1]:
                    self.do(r.InviteAccepted(invite, "h"), 0.0)
            case "share" if circle is not None and circle.seats:
                who = dice.choice(sorted(circle.seats))
                self.share(who if who in PEOPLE else "a", dice.randrange(8), dice.random() < 0.5)

    def seats(self, dice: random.Random, name: str) -> Circle:
        seats = {dice.choice(SHOPPERS): Seat("shopper", dice.choice(MODES[:5]))}
        seats[dice.choice(AGENTS)] = Seat("agent", dice.choice(MODES))
        for _ in range(dice.choice((0, 0, 1, 2))):
            who = dice.choice((*AGENTS, *OTHERS))
            seats[who] = Seat(dice.choice(("agent", "supervisor")), dice.choice(MODES))
        return Circle(name, seats, dice.random() < 0.7)

    def chosen(self, dice: random.Random, circle: Circle) -> r.Aired:
        everybody = [name for name, seat in circle.seats.items() if seat.mode in ("full", "hold")]
        chosen = everybody if dice.random() < 0.8 else everybody[:1]
        return {name: frozenset(dice.sample(SOURCES, dice.choice((1, 3, 3)))) for name in chosen}

    # --- what always holds ---------------------------------------------------------------------------------------

    def check(self) -> None:
        super().check()
        if not self.room.closed:
            self.audiences_are_those_of_the_seats()
            self.the_worker_sends_to_these_and_nobody_else()
            self.calls_on_stage_are_there_with_everybody()

    def limits_hold(self) -> None:
        hosts = sum(member.host for member in self.room.members.values())
        assert len(self.room.members) - hosts <= self.room.policy.max_peers
        for peer in self.room.members:
            assert len(self.room.tracks_of(peer)) <= self.room.policy.max_tracks

    def audiences_are_those_of_the_seats(self) -> None:
        members = self.room.members
        for entry in self.room.tracks.values():
            owner = members[entry.peer].identity
            if entry.circle is None:
                continue
            circle = self.circles[entry.circle]
            assert circle.seats[owner].publishes(entry.source), "who has no seat shares nothing"
            assert entry.held is (not circle.open or circle.seats[owner].mode == "ring")
            assert not entry.silenced and entry.home is None
            for peer, member in members.items():
                seat = circle.seats.get(member.identity)
                wanted = peer != entry.peer and seat is not None and hears(circle.seats[owner], seat)
                assert self.room.may_see(entry, peer) is wanted
                told = wanted or peer == entry.peer
                listed = [known["id"] for known in self.clients[peer]["tracks"]]
                assert (entry.id in listed) is (told and not entry.held)
            assert entry.id not in str(self.room.snapshot())
            assert entry.peer not in self.room.speakers or any(
                other.on_air for other in self.room.tracks_of(entry.peer)
            )

    def the_worker_sends_to_these_and_nobody_else(self) -> None:
        for peer, consumers in self.consumers.items():
            assert consumers == self.visible(peer), peer

    def calls_on_stage_are_there_with_everybody(self) -> None:
        for circle_id in self.circles:
            aired = self.room._circles.aired(circle_id)
            assert bool(aired) is (circle_id in self.aired)
            for identity in aired:
                assert self.room.on_stage(identity), "with a place each"
                assert self.circles[circle_id].open and self.circles[circle_id].seats[identity].mode in ("full", "hold")
        for place in self.room.stage.places:
            assert place.circle is None or place.identity in self.room._circles.aired(place.circle)
        for entry in self.room.tracks.values():
            if entry.home is not None:
                owner = self.room.members[entry.peer].identity
                assert self.room._circles.airs(entry.home, owner, entry.source), "nothing that was not agreed to"

    def the_audience_gets_only_what_is_on_stage(self) -> None:
        peers = {place.peer for place in self.room.stage.places}
        awaited = {invite.guest for invite in self.room.pending_invites()}
        for entry in self.room.tracks.values():
            if entry.circle is None and not entry.private:
                assert entry.peer in peers or entry.held
                assert not entry.held or self.room.members[entry.peer].identity in awaited
        announced = {entry["id"] for entry in self.replica["tracks"]}
        assert announced == {entry.id for entry in self.room.tracks.values() if entry.on_air}


KINDS = (
    *("set", "share", "mode") * 3,
    *("open", "air", "offer", "accept") * 2,
    *("end", "ground"),
)


def days(seed: int, length: int) -> Iterator[tuple[str, random.Random]]:
    """What becomes of calls, between what becomes of the show."""
    dice = random.Random(seed)
    for _ in range(length):
        yield (dice.choice(KINDS) if dice.random() < 0.6 else ""), dice


@settings(max_examples=60, deadline=None, phases=(Phase.reuse, Phase.generate))
@given(st.integers(0, 2**32))
def test_laws_of_calls(seed: int) -> None:
    world = CircleWorld()
    world.begin()
    moves = walk(seed, 120)
    for kind, dice in days(seed, 120):
        if world.room.closed:
            return
        if kind:
            note(kind)
            world.call(dice, kind)
        else:
            move = next(moves)
            note(str(move))
            world.move(*move)
        world.check()


def test_a_visitor_is_no_shopper_of_any_call() -> None:
    world = CircleWorld()
    world.begin()
    world.do(r.CircleSet(Circle("k", {"v": Seat("shopper"), "a": Seat("agent")}, True)), 0.0)
    world.share("v", 0, False)
    world.do(r.Joined(viewer("late")), 0.0)
    world.check()
    assert [entry["id"] for entry in world.clients["late"]["tracks"]] == ["first"]
