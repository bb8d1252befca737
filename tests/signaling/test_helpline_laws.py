"""One-to-one help: laws that hold in whatever order people ask, ring, answer, drop, hand on, listen and hang up.

Around the Helpline is what the hub is to it: a Room that knows circles only from what it was told, consoles that show what
they were sent, a database that has what was saved.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from signaling import help_model as h
from signaling.call import Call
from signaling.circle import Circle
from signaling.errors import ERRORS, ApiError
from tests.signaling.line_bench import GENERAL, REPAIR, Bench, everything

SHOPPERS = ("s1", "s2", "s3", "s4")
AGENTS = ("a1", "a2", "a3", "a4")
BOSSES = ("b1", "b2")
PEOPLE = SHOPPERS + AGENTS + BOSSES
ROOMS = ("demo", "help")
SPECS = (
    dataclasses.replace(GENERAL, max_waiting=3, max_wait_s=400.0),
    dataclasses.replace(REPAIR, max_wait_s=300.0, languages=("zh", "en"), priority=4),
)
WHO = st.sampled_from(PEOPLE)
PICK = st.integers(0, 1000)
FLIP = st.booleans()


class HelplineLaws(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(SPECS, max_calls=6, wrap_up_s=20.0)
        self.line, self.desk = self.bench.line, self.bench.desk
        self.asked: set[str] = set()
        self.outcomes: dict[str, str] = {}
        self.circles: dict[str, Circle] = {}
        self.gone_circles: set[str] = set()
        self.on_stage: dict[str, str] = {}
        self.views: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, str] = {}
        self.shown: dict[str, Any] = {}
        self.helped: Counter[str] = Counter()
        self.numbers = 0

    # --- the world around ------------------------------------------------------------------------------------------

    def do(self, fact: h.HelpFact) -> bool:
        """Hand it in; refused facts change nothing. Then the hub's part."""
        people = {call.id: set(call.people) for call in self.line.calls.values()}
        before = everything(self.line)
        try:
            effects: list[h.HelpEffect] = self.line.handle(fact, self.bench.now)
            code = ""
        except ApiError as error:
            effects, code = [], error.code
        if code:
            assert code in ERRORS
            assert everything(self.line) == before, f"{fact} was refused with {code}, and yet something changed"
            return False
        grounded: list[str] = []
        told: Counter[str] = Counter()
        for effect in effects:
            match effect:
                case h.CircleWanted(call_id, room, circle):
                    assert call_id not in self.gone_circles, "nothing comes after the end"
                    assert room == self.line.calls[call_id].room
                    self.circles[call_id] = circle
                case h.CircleOver(call_id):
                    assert call_id in self.circles, "ends once"
                    del self.circles[call_id]
                    self.gone_circles.add(call_id)
                    self.on_stage.pop(call_id, None)
                case h.StageOffer(call_id, _, by, _, aired, consent):
                    call = self.line.calls[call_id]
                    assert consent != "no"
                    assert by in aired and call.shopper in aired
                    self.on_stage.setdefault(call_id, "offered")
                case h.StageLeave(call_id):
                    if self.on_stage.pop(call_id, None) == "on":
                        grounded.append(call_id)
                case h.CallChanged(call_id, former):
                    told[call_id] += 1
                    call = self.line.calls[call_id]
                    self.views[call_id] = self.see(call)
                    if call_id in people:
                        people[call_id] -= former
                case h.Save(call_id):
                    self.rows[call_id] = self.row(self.line.calls[call_id])
                case h.AgentChanged(identity):
                    self.shown[identity] = self.me(identity)
        for call_id, were in people.items():
            if call_id in self.line.calls:
                assert were <= set(self.line.calls[call_id].people), f"{fact}: who leaves is told"
        for call_id in grounded:
            self.do(h.StageMoved(call_id, False))
        return True

    def see(self, call: Call) -> dict[str, Any]:
        return {viewer: call.to_wire(viewer, 0.0, 0.0) | {"waited_s": 0} for viewer in ("shopper", "agent")}

    def row(self, call: Call) -> str:
        return repr(dataclasses.replace(call, people={}, position=None, estimate=None, wrap_until=None, closed=False))

    def me(self, identity: str) -> Any:
        return self.desk.me(identity) if identity in self.desk else None

    def at_desk(self) -> None:
        """The desk was changed by others than the calls, who tell of it themselves."""
        self.shown = {identity: self.me(identity) for identity in PEOPLE}

    def one(self, pick: int, *states: str) -> str:
        """Some call, rather one in these states, rather one that is not over."""
        calls = list(self.line.calls.values())
        liked = [call for call in calls if call.state in states] or [call for call in calls if not call.over] or calls
        return liked[pick % len(liked)].id if liked else "none"

    def other(self, pick: int, call_id: str, who: str) -> str:
        """Rather somebody who has to do with this call."""
        call = self.line.calls.get(call_id)
        people = list(call.people) if call is not None else []
        return people[pick % len(people)] if people and pick % 5 else who

    # --- what happens ------------------------------------------------------------------------------------------------

    @initialize()
    def desk_opens(self) -> None:
        for agent in AGENTS[:2]:
            self.desk.attend(agent, agent, ("repair",), "*", self.bench.now)
        self.at_desk()

    @rule(who=st.sampled_from((*SHOPPERS, "a1")), room=st.sampled_from(ROOMS), pick=PICK, here=FLIP, agent=st.sampled_from(AGENTS))
    def ask(self, who: str, room: str, pick: int, here: bool, agent: str) -> None:
        self.numbers += 1
        call_id = f"c{self.numbers:03}"
        former = self.line.asked_by(who)
        context = h.CallContext(value=pick % 100, language=("en", "zh-CN", "")[pick % 3])
        fact = h.CallAsked(
            call_id,
            who,
            who,
            room,
            (None, "general", "repair", "none")[pick % 4],
            context=context,
            agent=agent if pick % 7 == 0 else None,
            created=self.bench.now - pick if pick % 11 == 0 else None,
            peer=f"p{self.numbers}" if here else None,
        )
        if self.do(fact):
            if former is None:
                self.asked.add(call_id)
                assert self.line.calls[call_id].queue == (fact.queue or next(iter(self.line.queues)))
            else:
                assert call_id not in self.line.calls, "asking again gives the call there is"

    @rule(agent=WHO, who=WHO, room=st.sampled_from(ROOMS))
    def place(self, agent: str, who: str, room: str) -> None:
        self.numbers += 1
        call_id = f"c{self.numbers:03}"
        if agent != who and self.do(h.CallPlaced(call_id, agent, agent, who, who, room)):
            self.asked.add(call_id)

    @rule(pick=PICK, who=WHO)
    def answer(self, pick: int, who: str) -> None:
        call_id = self.one(pick, "ringing")
        ringing = [person.identity for call in self.line.calls.values() for person in call.ringing() if call.id == call_id]
        self.do(h.Answered(call_id, ringing[0] if ringing and pick % 8 else who))

    @rule(pick=PICK, who=WHO)
    def answer_into(self, pick: int, who: str) -> None:
        """A colleague who is rung for a call that goes on."""
        for call in self.line.calls.values():
            for person in call.ringing():
                if person.why in ("transfer", "helper"):
                    self.do(h.Answered(call.id, person.identity) if pick % 4 else h.Declined(call.id, person.identity))
                    return

    @rule(pick=PICK, who=WHO)
    def decline(self, pick: int, who: str) -> None:
        call_id = self.one(pick, "ringing")
        self.do(h.Declined(call_id, self.other(pick, call_id, who)))

    @rule(pick=PICK, who=WHO)
    def take(self, pick: int, who: str) -> None:
        self.do(h.Taken(self.one(pick, "waiting"), who))

    @rule(pick=PICK, who=WHO, media=st.sampled_from(("text", "voice", "video")))
    def media(self, pick: int, who: str, media: Any) -> None:
        call_id = self.one(pick)
        self.do(h.MediaChanged(call_id, self.other(pick, call_id, who), media))

    @rule(pick=PICK, who=WHO, held=FLIP)
    def hold(self, pick: int, who: str, held: bool) -> None:
        call_id = self.one(pick, "active", "on_hold")
        self.do(h.HoldSet(call_id, self.other(pick, call_id, who), held))

    @rule(pick=PICK, who=WHO, to=st.sampled_from((*AGENTS, "repair", "general", "none")), kind=st.sampled_from(("identity", "skill", "queue")), warm=FLIP)
    def transfer(self, pick: int, who: str, to: str, kind: Any, warm: bool) -> None:
        call_id = self.one(pick, "active", "on_hold")
        self.do(h.TransferAsked(call_id, self.other(pick, call_id, who), kind, to, warm, "note"))

    @rule(pick=PICK, who=WHO)
    def complete(self, pick: int, who: str) -> None:
        call_id = self.one(pick, "on_hold")
        call = self.line.calls.get(call_id)
        transfer = None if call is None else call.transfer
        done = self.do(h.TransferCompleted(call_id, self.other(pick, call_id, who)))
        if done and call is not None and transfer is not None:
            assert call.state == "active" and call.transfer is None

    @rule(pick=PICK, who=WHO)
    def cancel(self, pick: int, who: str) -> None:
        call_id = self.one(pick, "on_hold")
        self.do(h.TransferCancelled(call_id, self.other(pick, call_id, who)))

    @rule(pick=PICK, who=WHO, to=st.sampled_from((*AGENTS, "repair")), kind=st.sampled_from(("identity", "skill")))
    def help(self, pick: int, who: str, to: str, kind: Any) -> None:
        call_id = self.one(pick, "active", "on_hold")
        if self.do(h.HelperAsked(call_id, self.other(pick, call_id, who), kind, to)):
            self.helped[call_id] += 1

    @rule(pick=PICK, who=WHO)
    def leave(self, pick: int, who: str) -> None:
        call_id = self.one(pick, "active", "on_hold")
        self.do(h.HelperLeft(call_id, self.other(pick, call_id, who)))

    @rule(pick=PICK, who=st.sampled_from(BOSSES + AGENTS[:1]), mode=st.sampled_from(("listen", "whisper", "barge", "takeover", "off")))
    def supervise(self, pick: int, who: str, mode: Any) -> None:
        self.do(h.Supervised(self.one(pick, "active", "on_hold"), who, who, mode))

    @rule(pick=PICK, who=WHO)
    def escalate(self, pick: int, who: str) -> None:
        call_id = self.one(pick, "active")
        self.do(h.EscalationAsked(call_id, self.other(pick, call_id, who), "topic"))

    @rule(pick=PICK, who=WHO, consent=st.sampled_from(("no", "voice", "video", "blurred")))
    def consent(self, pick: int, who: str, consent: Any) -> None:
        asking = [call for call in self.line.calls.values() if call.escalation is not None]
        call = asking[pick % len(asking)] if asking else None
        if call is not None:
            self.do(h.StageConsent(call.id, call.shopper if pick % 6 else who, consent))

    @precondition(lambda self: self.on_stage)
    @rule(pick=PICK, code=st.sampled_from((None, "stage_full", "declined", "removed", "show_ended")))
    def room_decides(self, pick: int, code: str | None) -> None:
        call_id = sorted(self.on_stage)[pick % len(self.on_stage)]
        if self.on_stage[call_id] == "offered" and pick % 3:
            self.on_stage[call_id] = "on"
            self.do(h.StageMoved(call_id, True))
        else:
            del self.on_stage[call_id]
            self.do(h.StageMoved(call_id, False, code))

    @rule(pick=PICK, who=WHO)
    def deescalate(self, pick: int, who: str) -> None:
        call_id = self.one(pick, "active")
        self.do(h.DeescalationAsked(call_id, self.other(pick, call_id, who)))

    @rule(pick=PICK, who=WHO)
    def end(self, pick: int, who: str) -> None:
        call_id = self.one(pick)
        self.do(h.CallEnded(call_id, self.other(pick, call_id, who), "enough"))

    @rule(pick=PICK, who=WHO, done=FLIP)
    def wrap_up(self, pick: int, who: str, done: bool) -> None:
        call_id = self.one(pick, "wrap_up")
        self.do(h.WrappedUp(call_id, self.other(pick, call_id, who), "note", ("a",), "yes", done))

    @rule(pick=PICK, who=WHO)
    def rate(self, pick: int, who: str) -> None:
        call_id = self.one(pick, "wrap_up", "ended")
        self.do(h.Rated(call_id, self.other(pick, call_id, who), 1 + pick % 5))

    @rule(pick=PICK, who=WHO, ahead=st.sampled_from((60.0, -5.0, 20 * 86400.0)))
    def callback(self, pick: int, who: str, ahead: float) -> None:
        call_id = self.one(pick, "waiting", "ringing") if pick % 4 else None
        who = who if call_id is None else self.other(pick, call_id, who)
        at_s = self.line.epoch_s + self.bench.now + ahead
        self.do(h.CallbackLeft("b", who, call_id, (None, "general", "none")[pick % 3], at_s))

    @rule(who=WHO, room=st.sampled_from(ROOMS), connected=FLIP, number=st.integers(0, 3), stalled=FLIP)
    def presence(self, who: str, room: str, connected: bool, number: int, stalled: bool) -> None:
        peer = f"p{number}" if number else None
        self.do(h.Presence(who, room, peer, connected and peer is not None, stalled and connected))

    @rule(who=st.sampled_from(AGENTS), how=st.sampled_from(("attend", "dropped", "returned", "gone", "break", "offline", "available")))
    def at_the_desk(self, who: str, how: str) -> None:
        now = self.bench.now
        if how == "attend":
            self.desk.attend(who, who, ("repair",) if who != "a3" else (), "*", now)
        elif how in ("dropped", "returned"):
            (self.desk.dropped if how == "dropped" else self.desk.returned)(who, now)
        elif how == "gone":
            self.desk.gone(who, now)
            self.at_desk()
            self.do(h.DeskGone(who))
            return
        elif who in self.desk:
            self.desk.set_presence(who, how, None, now)  # type: ignore[arg-type]
        self.at_desk()
        self.do(h.AgentsChanged())

    @rule(who=st.sampled_from(AGENTS), on=FLIP)
    def stage_takes(self, who: str, on: bool) -> None:
        """Somebody comes on a stage, with or without a call, or goes."""
        self.desk.engage(who, "demo", self.bench.now) if on else self.desk.disengage(who, "demo", self.bench.now)
        self.at_desk()
        self.do(h.AgentsChanged())

    @rule(who=st.sampled_from(AGENTS))
    def stage_rings(self, who: str) -> None:
        if self.desk.reserve(who, "i", "demo", self.bench.now):
            self.desk.release("i", self.bench.now)
        self.at_desk()

    @rule(pick=PICK)
    def queues(self, pick: int) -> None:
        self.do(h.QueuesSet((SPECS, SPECS[:1], SPECS[1:], ())[pick % 4]))

    @rule(seconds=st.sampled_from((0.5, 3.0, 16.0, 61.0, 400.0)))
    def time(self, seconds: float) -> None:
        until = self.bench.now + seconds
        for _ in range(2000):
            deadline = self.line.next_deadline()
            if deadline is None or deadline > until:
                self.bench.now = until
                return
            self.bench.now = max(self.bench.now, deadline)
            self.do(h.HelpTick())
        raise AssertionError("what is due gets done")

    # --- laws --------------------------------------------------------------------------------------------------------

    @invariant()
    def nobody_is_in_two_places(self) -> None:
        seats: Counter[str] = Counter()
        for call in self.line.calls.values():
            if call.state == "ended":
                continue
            for person in call.people.values():
                if person.side == "agent":
                    seats[person.identity] += 1
                    state = "ringing" if person.mode == "ring" else "wrap_up" if call.state == "wrap_up" else "in_call"
                    held = self.desk._occupied[person.identity].calls[call.id]
                    assert (held.state, held.room) == (state, call.room), "the desk's books agree"
        assert all(count == 1 for count in seats.values()), seats

    @invariant()
    def nobody_stays_busy(self) -> None:
        for identity, occupied in self.desk._occupied.items():
            for call_id in occupied.calls:
                call = self.line.calls[call_id]
                assert call.state != "ended"
                assert identity in call.people
                assert not call.over or identity == call.agent

    @invariant()
    def who_waits_is_in_a_queue(self) -> None:
        for call in self.line.calls.values():
            places = [queue for queue in self.line.queues.values() if call.id in queue]
            placed = call.state == "ringing" and call.people[call.shopper].mode == "ring"
            if call.state in ("waiting", "ringing") and not placed:
                (queue,) = places
                rung = [person.identity for person in call.ringing()]
                assert call.queue == queue.spec.name
                assert rung == ([queue.waiters[call.id].offered_to] if call.state == "ringing" else [])
                assert (queue.waiters[call.id].dropped_at is None) is call.people[call.shopper].connected
                assert call.position is not None
                assert self.line.next_deadline() is not None
            else:
                assert not places
                assert call.position is None

    @invariant()
    def who_talks_has_an_agent(self) -> None:
        for call in self.line.calls.values():
            agents = [person.identity for person in call.agents()]
            assert call.shopper in call.people
            if call.open:
                assert call.agent in agents
                assert call.answered is not None
                uninvited = len(agents) - 1 - self.helped[call.id] - (call.transfer is not None)
                assert uninvited <= 0, "one agent, and those who were asked to come"
                assert (call.held_at is not None) is (call.held_by is not None) is (call.state == "on_hold")
                if call.transfer is not None:
                    assert call.state == "on_hold"
                    assert call.transfer.by in call.people
                    assert [p for p in call.people.values() if p.why == "transfer"]
            elif call.state == "wrap_up":
                assert agents == [call.agent]
                assert call.wrap_until is not None
            for person in call.ringing():
                assert call.over or person.until is not None, "no ring is without end"

    @invariant()
    def nobody_is_lost(self) -> None:
        for call in self.line.calls.values():
            if call.over:
                assert call.outcome is not None and call.ended is not None
                assert self.outcomes.setdefault(call.id, call.outcome) == call.outcome, "an outcome is final"
            else:
                assert call.outcome is None and call.id not in self.outcomes
        assert self.asked <= self.line.calls.keys() | self.outcomes.keys()
        assert self.line.going_on == sum(call.state != "ended" for call in self.line.calls.values())

    @invariant()
    def the_room_knows(self) -> None:
        going_on = {call.id: call.circle() for call in self.line.calls.values() if not call.over}
        assert self.circles == going_on
        for call in self.line.calls.values():
            stage = call.escalation
            state = None if stage is None else stage.state
            expected = {"offered": "offered", "on_stage": "on"}.get(state or "")
            assert self.on_stage.get(call.id) == expected
            if expected:
                assert stage is not None and stage.consent not in (None, "no")
                assert call.state == "active" and stage.by in call.people
                assert not call.over

    @invariant()
    def everybody_was_told(self) -> None:
        for call in self.line.calls.values():
            assert self.views[call.id] == self.see(call)
            assert self.rows[call.id] == self.row(call)
        for identity in PEOPLE:
            assert self.shown.get(identity) == self.me(identity), identity

    @invariant()
    def what_the_shopper_sees(self) -> None:
        for call in self.line.calls.values():
            seen = {person["identity"]: person["mode"] for person in call.to_wire("shopper", 0.0, 0.0)["people"]}
            modes = {person.mode for person in call.people.values() if person.identity in seen and person.side != "shopper"}
            assert modes <= {"full"}
            if call.open and call.transfer is None:
                assert call.agent in seen


HelplineLaws.TestCase.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)
TestHelplineLaws = HelplineLaws.TestCase
