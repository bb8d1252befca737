"""The Room: laws that hold whatever happens, and a replica kept from the events alone."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from signaling import room_model as r
from signaling.errors import ApiError
from signaling.room import Room
from tests.signaling.test_room import guest, host, make, supervisor, track, viewer, whisper

PEERS = st.sampled_from([f"p{index}" for index in range(6)])
STEPS = st.floats(0.0, 20.0)
ROLES = {"host": host, "agent": guest, "viewer": viewer, "supervisor": supervisor}


class World:
    """A Room, and what is around it: a replica of it kept from the events alone, as a client does, and the time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.serial = 0
        self.room = make(max_peers=5)
        self.replica = self.room.snapshot()
        self.alive: set[str] = set()
        self.refused: str | None = None

    def do(self, fact: r.Fact, step: float) -> None:
        self.now += step
        while (due := self.room.next_deadline()) is not None and due <= self.now:
            self.apply(r.Tick(), due)
        self.refused = None
        self.apply(fact, self.now)

    def apply(self, fact: r.Fact, now: float) -> None:
        joining = fact.member.id if isinstance(fact, r.Joined) else ""
        before, unchanged = set(self.room.members), copy.deepcopy(self.room)
        try:
            effects = self.room.handle(fact, now)
        except ApiError as error:
            self.refused = error.code
            assert self.room == unchanged, "a refused fact changes nothing"
            return
        if joining in self.room.members and joining not in before:
            self.alive.add(joining)
        for effect in effects:
            self.perform(effect, now)
        if joining in self.room.members and self.room.listed(self.room.members[joining]):
            # Its own arrival is skipped for the one who arrives, not for the others.
            assert any(peer["id"] == joining for peer in self.replica["peers"])

    def perform(self, effect: r.Effect, now: float) -> None:
        if isinstance(effect, r.Gone):
            assert effect.peer in self.alive, "let go once only"
            self.alive.remove(effect.peer)
        elif isinstance(effect, r.Tell) and effect.only is None:
            reduce(self.replica, effect)

    def check(self) -> None:
        """What always holds."""
        self.nothing_is_overdue()
        self.members_are_those_not_let_go()
        self.identities_are_unique()
        self.limits_hold()
        self.tracks_and_speakers_have_owners()
        self.live_means_that_a_host_is_there()
        self.events_alone_give_the_same_room()

    def nothing_is_overdue(self) -> None:
        due = self.room.next_deadline()
        assert due is None or due > self.now or self.room.closed

    def members_are_those_not_let_go(self) -> None:
        assert set(self.room.members) == self.alive

    def identities_are_unique(self) -> None:
        identities = [member.identity for member in self.room.members.values()]
        assert len(identities) == len(set(identities))

    def limits_hold(self) -> None:
        hosts = sum(member.host for member in self.room.members.values())
        assert len(self.room.members) - hosts <= self.room.policy.max_peers
        stage = {place.peer for place in self.room.stage.places}
        assert len({entry.peer for entry in self.room.tracks.values()} - stage) <= self.room.policy.max_publishers
        for peer in self.room.members:
            assert len(self.room.tracks_of(peer)) <= self.room.policy.max_tracks

    def tracks_and_speakers_have_owners(self) -> None:
        owners = {entry.peer for entry in self.room.tracks.values()}
        assert owners <= set(self.room.members)
        assert set(self.room.speakers) <= owners

    def live_means_that_a_host_is_there(self) -> None:
        present = any(member.host and member.connected for member in self.room.members.values())
        assert self.room.state != "live" or present
        assert ("away_until" in self.room.snapshot()) == (self.room.state == "away" and not present)

    def events_alone_give_the_same_room(self) -> None:
        snapshot, replica = self.room.snapshot(), dict(self.replica)
        if self.room.next_deadline() is not None or self.room.closed:
            # The count may lag by up to a second.
            snapshot.pop("viewers")
            replica.pop("viewers")
        assert in_any_order(replica) == in_any_order(snapshot)


def in_any_order(room: dict[str, Any]) -> dict[str, Any]:
    """Peers and tracks are sets; a list says so in the order in which it heard of them."""
    return room | {name: sorted(room[name], key=lambda entry: str(entry["id"])) for name in ("peers", "tracks")}


def reduce(replica: dict[str, Any], event: r.Tell) -> None:
    """What a client makes of one event."""
    fields = event.fields
    match event.type:
        case "peer_joined" | "peer_updated":
            upsert(replica["peers"], fields["peer"])
        case "peer_left":
            replica["peers"] = [peer for peer in replica["peers"] if peer["id"] != fields["peer"]]
            replica["tracks"] = [entry for entry in replica["tracks"] if entry["peer"] != fields["peer"]]
            replica["speakers"] = [peer for peer in replica["speakers"] if peer != fields["peer"]]
        case "track_published":
            assert fields["track"]["id"] not in [entry["id"] for entry in replica["tracks"]], "announced once"
            replica["tracks"].append(fields["track"])
        case "track_updated":
            assert fields["track"]["id"] in [entry["id"] for entry in replica["tracks"]], "announced before"
            upsert(replica["tracks"], fields["track"])
        case "track_unpublished":
            replica["tracks"] = [entry for entry in replica["tracks"] if entry["id"] != fields["track"]]
        case "room_state":
            replica.pop("away_until", None)
            replica.update(fields)
        case "viewers":
            replica["viewers"] = fields["count"]
        case "speakers":
            replica["speakers"] = fields["peers"]
        case "stage":
            replica["stage"] = fields["stage"]
        case "hand":
            replica["hand"] = {"raised": fields["raised"]}
        case "hands":
            replica["hands"] = fields["hands"]


def upsert(entries: list[dict[str, Any]], entry: dict[str, Any]) -> None:
    for index, known in enumerate(entries):
        if known["id"] == entry["id"]:
            entries[index] = entry
            return
    entries.append(entry)


class RoomLaws(RuleBasedStateMachine):
    """Any order of facts."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @property
    def room(self) -> Room:
        return self.world.room

    @rule(identity=PEERS, role=st.sampled_from(sorted(ROLES)), step=STEPS)
    def join(self, identity: str, role: str, step: float) -> None:
        self.world.serial += 1
        peer = f"{identity}-{self.world.serial}"
        self.world.do(r.Joined(replace(ROLES[role](peer), identity=identity)), step)

    @precondition(lambda self: self.room.members)
    @rule(data=st.data(), step=STEPS, kind=st.sampled_from([r.Dropped, r.Returned, r.Left]))
    def come_and_go(self, data: st.DataObject, step: float, kind: Any) -> None:
        peer = data.draw(st.sampled_from(sorted(self.room.members)))
        self.world.do(kind(peer, "left") if kind is r.Left else kind(peer), step)

    @precondition(lambda self: self.room.members)
    @rule(data=st.data(), step=STEPS, count=st.integers(1, 3))
    def publish(self, data: st.DataObject, step: float, count: int) -> None:
        peer = data.draw(st.sampled_from(sorted(self.room.members)))
        self.world.serial += count
        names = [f"t{self.world.serial - index}" for index in range(count)]
        make_one = whisper if self.room.members[peer].role == "supervisor" else track
        tracks = tuple(make_one(name, peer) for name in names)
        self.world.do(r.Published(peer, tracks), step)

    @precondition(lambda self: self.room.tracks)
    @rule(data=st.data(), step=STEPS, on=st.booleans(), kind=st.sampled_from([r.Muted, r.Flowing]))
    def change_track(self, data: st.DataObject, step: float, on: bool, kind: Any) -> None:
        self.world.do(kind(data.draw(st.sampled_from(sorted(self.room.tracks))), on), step)

    @precondition(lambda self: self.room.tracks)
    @rule(data=st.data(), step=STEPS, kind=st.sampled_from([r.Unpublished, r.Speaking]))
    def end_or_speak(self, data: st.DataObject, step: float, kind: Any) -> None:
        chosen = data.draw(st.lists(st.sampled_from(sorted(self.room.tracks))))
        self.world.do(kind(tuple(chosen)), step)

    @rule(step=STEPS, fact=st.sampled_from([r.ShowStarted(), r.ShowEnded(), r.MediaLost("x"), r.Tick()]))
    def show(self, step: float, fact: r.Fact) -> None:
        self.world.do(fact, step)

    @invariant()
    def laws_hold(self) -> None:
        self.world.check()


TestRoomLaws = RoomLaws.TestCase
TestRoomLaws.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
