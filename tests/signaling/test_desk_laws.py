"""The desk: laws that hold whatever happens, in whatever order."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from signaling import desk as d
from signaling.errors import ApiError

EPOCH_S = 1_700_000_000.0
WHO = st.sampled_from("abcde")
ROOMS = st.sampled_from(["one", "two"])
INVITES = st.sampled_from(["i1", "i2", "i3"])
SKILLS = st.sampled_from(["x", "y", None])


class DeskLaws(RuleBasedStateMachine):
    """Any order of changes, beside the plainest possible books."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.desk = d.Desk(EPOCH_S)
        self.seats: dict[str, bool] = {}
        self.chosen: dict[str, str] = {}
        self.covers: dict[str, str] = {}
        self.rings: dict[str, str] = {}
        self.stages: dict[str, set[str]] = {}
        self.calls: dict[str, dict[str, str]] = {}
        self.idle: list[str] = []
        self.shown: dict[str, Any] = {}

    def busy(self, who: str) -> bool:
        return who in self.rings or bool(self.stages.get(who)) or bool(self.calls.get(who))

    def is_free(self, who: str, room: str) -> bool:
        return (
            self.seats.get(who, False)
            and self.chosen[who] == "available"
            and not self.busy(who)
            and self.covers[who] in ("*", room)
        )

    def note(self, changed: frozenset[str]) -> None:
        """A replica that is refreshed only where the desk says so is never out of date."""
        for who in changed:
            self.shown.pop(who, None)
            if who in self.desk:
                self.shown[who] = self.view(who)

    def view(self, who: str) -> Any:
        lines = [line for room in ("one", "two") for line in self.desk.directory(room) if line["identity"] == who]
        return self.desk.me(who), lines

    @rule(who=WHO, covers=st.sampled_from(["*", "one", "two"]), skills=st.sets(st.sampled_from("xy")))
    def attend(self, who: str, covers: str, skills: set[str]) -> None:
        self.now += 1
        self.note(self.desk.attend(who, who, sorted(skills), covers, self.now))
        self.seats[who], self.covers[who] = True, covers
        self.chosen.setdefault(who, "available")

    @rule(who=WHO, what=st.sampled_from(["returned", "dropped", "gone"]))
    def connection(self, who: str, what: str) -> None:
        self.note(getattr(self.desk, what)(who, self.now))
        if who in self.seats:
            self.seats[who] = what == "returned"
        if what == "gone":
            self.seats.pop(who, None)

    @rule(who=WHO, presence=st.sampled_from(["available", "break", "offline"]))
    def choose(self, who: str, presence: d.Chosen) -> None:
        try:
            self.note(self.desk.set_presence(who, presence, None, self.now))
        except ApiError:
            assert who not in self.seats
        else:
            self.chosen[who] = presence

    @rule(who=WHO, invite=INVITES, room=ROOMS)
    def ring(self, who: str, invite: str, room: str) -> None:
        allowed = not self.busy(who) or self.rings.get(who) == invite
        assert self.desk.reserve(who, invite, room, self.now) is allowed
        if allowed:
            self.rings[who] = invite
            self.note(frozenset((who,)))

    @rule(invite=INVITES, keep=st.none() | WHO)
    def release(self, invite: str, keep: str | None) -> None:
        freed = self.desk.release(invite, self.now, keep=keep)
        assert freed == {who for who, ringing in self.rings.items() if ringing == invite and who != keep}
        # Of those who become idle in one moment, who was rung first comes first.
        for who in [who for who in self.rings if who in freed]:
            del self.rings[who]
            if who in self.seats and self.chosen[who] == "available" and not self.busy(who):
                self.idle.append(who)
        self.note(freed)

    @rule(who=WHO, room=ROOMS | st.none())
    def engage(self, who: str, room: str | None) -> None:
        self.note(self.desk.engage(who, room, self.now))
        self.stages[who] = set() if room is None else self.stages.get(who, set()) | {room}

    @rule(who=WHO, room=ROOMS)
    def disengage(self, who: str, room: str) -> None:
        self.note(self.desk.disengage(who, room, self.now))
        self.stages.get(who, set()).discard(room)

    @rule(who=WHO, call=INVITES, room=ROOMS)
    def ring_call(self, who: str, call: str, room: str) -> None:
        allowed = not self.busy(who) or self.calls.get(who, {}).get(call) == "ringing"
        assert self.desk.reserve_call(who, call, room, self.now) is allowed
        if allowed:
            self.calls.setdefault(who, {})[call] = "ringing"
            self.note(frozenset((who,)))

    @rule(who=WHO, call=INVITES, room=ROOMS, state=st.sampled_from(["in_call", "wrap_up"]))
    def engage_call(self, who: str, call: str, room: str, state: d.Engaged) -> None:
        self.note(self.desk.engage_call(who, call, state, self.now, room=room))
        self.calls.setdefault(who, {})[call] = state

    @rule(who=WHO, call=INVITES)
    def release_call(self, who: str, call: str) -> None:
        self.note(self.desk.release_call(who, call, self.now))
        self.calls.get(who, {}).pop(call, None)

    @rule(room=ROOMS, skill=SKILLS, exclude=st.sets(WHO))
    def pick(self, room: str, skill: str | None, exclude: set[str]) -> None:
        found = self.desk.pick(room, skill, exclude)
        able = [
            who
            for who in "abcde"
            if self.is_free(who, room)
            and who not in exclude
            and (skill is None or skill in self.desk.me(who)["skills"])
        ]
        if found is None:
            assert not able
        else:
            assert found.identity in able

    @invariant()
    def turns_are_kept(self) -> None:
        idle = [who for who in self.seats if self.chosen[who] == "available" and not self.busy(who)]
        self.idle = [who for who in self.idle if who in idle] + [who for who in idle if who not in self.idle]
        for room in ("one", "two"):
            free = [agent.identity for agent in self.desk.free(room)]
            assert free == [who for who in self.idle if self.is_free(who, room)]
            first = self.desk.pick(room, None, ())
            assert (None if first is None else first.identity) == (free[0] if free else None)

    @invariant()
    def calls_agree(self) -> None:
        for who in "abcde":
            held = self.desk.call_of(who)
            assert (held is None) is (not self.calls.get(who))
            if held is not None:
                assert self.calls[who][held.call] == held.state

    @invariant()
    def agrees(self) -> None:
        for who in "abcde":
            assert (who in self.desk) is (who in self.seats)
            for room in ("one", "two"):
                assert (self.desk.reach(who, room) == "free") is self.is_free(who, room)
                assert (self.desk.reach(who, room) == "busy") >= self.busy(who)
            if who in self.desk:
                assert (self.desk.me(who)["presence"] == "busy") is self.busy(who)
                assert self.shown[who] == self.view(who), "whatever changed was told"
            else:
                assert who not in self.shown
        assert self.desk.remembered <= 5


DeskLaws.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestDeskLaws = DeskLaws.TestCase
