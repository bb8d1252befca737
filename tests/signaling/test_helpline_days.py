"""One-to-one help: long days on which people mostly do what makes sense, under the laws of :mod:`tests.signaling.test_helpline_laws`."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from typing import Any

import pytest

from signaling import help_model as h
from tests.signaling.test_helpline_laws import AGENTS, BOSSES, PEOPLE, ROOMS, HelplineLaws

#: The likelier, the more often: so that calls get far enough for something to go wrong.
VERBS = (
    *("ask", "sure_answer", "agent_does", "agent_does", "time") * 6,
    *("answer_into", "supervise", "consent", "room_decides", "presence") * 3,
    *("complete", "back", "sit") * 4,
    *("place", "answer", "decline", "take", "media", "end", "wrap_up", "rate", "callback", "leave", "cancel") * 1,
    *("at_the_desk", "stage_takes", "stage_rings", "queues", "hold", "transfer", "help", "escalate", "deescalate") * 1,
)
ARGUMENTS: dict[str, Callable[[random.Random], Any]] = {
    "pick": lambda rng: rng.randrange(1000),
    "number": lambda rng: rng.randrange(4),
    "who": lambda rng: rng.choice(PEOPLE),
    "agent": lambda rng: rng.choice(AGENTS),
    "room": lambda rng: rng.choice(ROOMS),
    "media": lambda rng: rng.choice(("text", "voice", "video")),
    "to": lambda rng: rng.choice((*AGENTS, "repair", "general")),
    "kind": lambda rng: rng.choice(("identity", "identity", "skill", "queue")),
    "mode": lambda rng: rng.choice(("listen", "whisper", "barge", "takeover", "off")),
    "consent": lambda rng: rng.choice(("no", "voice", "video", "blurred")),
    "code": lambda rng: rng.choice((None, "stage_full", "declined", "removed", "show_ended")),
    "ahead": lambda rng: rng.choice((60.0, -5.0)),
    "how": lambda rng: rng.choice(("attend", "dropped", "returned", "gone", "break", "offline", "available")),
    "seconds": lambda rng: rng.choice((0.2, 0.5, 1.0, 3.0, 9.0, 16.0, 61.0, 400.0)),
}
ARGUMENTS |= {name: lambda rng: rng.random() < 0.6 for name in ("here", "warm", "held", "done", "connected", "stalled", "on")}


class Day(HelplineLaws):
    """People who mostly do what makes sense."""

    def sure_answer(self, pick: int) -> None:
        """Who is rung says yes."""
        for call in self.line.calls.values():
            for person in [] if call.over else call.ringing():
                if pick % 5:
                    self.do(h.Answered(call.id, person.identity))
                    return

    def agent_does(self, pick: int, who: str, to: str, kind: Any, warm: bool, held: bool, mode: Any) -> None:
        """Something that the agent of a call that goes on may do."""
        talks = [call for call in self.line.calls.values() if call.open]
        if not talks:
            return
        call = talks[pick % len(talks)]
        by = call.agent
        facts: list[h.HelpFact] = [
            h.HoldSet(call.id, by, held),
            h.TransferAsked(call.id, by, kind, to, warm),
            h.TransferAsked(call.id, by, "skill", "repair", True),
            h.HelperAsked(call.id, by, "identity" if kind == "queue" else kind, to),
            h.EscalationAsked(call.id, by, "topic"),
            h.Supervised(call.id, BOSSES[pick % 2], "boss", mode),
            h.HelperLeft(call.id, by),
            h.TransferCompleted(call.id, by),
            h.DeescalationAsked(call.id, call.shopper),
        ]
        fact = facts[pick // 7 % len(facts)]
        if self.do(fact) and isinstance(fact, h.HelperAsked):
            self.helped[call.id] += 1

    def back(self, who: str, number: int) -> None:
        """Whoever dropped is there again, mostly under another Peer."""
        for call in self.line.calls.values():
            for person in call.people.values():
                if not person.connected:
                    self.do(h.Presence(person.identity, call.room, f"p{number}", True))
                    return

    def sit(self, agent: str) -> None:
        """Another agent is free."""
        self.at_the_desk(agent, "attend")


LAWS = [
    getattr(HelplineLaws, name)
    for name in vars(HelplineLaws)
    if name.startswith(("nobody", "who_", "the_room", "everybody", "what_"))
]


@pytest.mark.parametrize("seed", range(8))
def test_a_long_day(seed: int) -> None:
    rng = random.Random(seed)
    day = Day()
    day.desk_opens()
    done: list[str] = []
    for _ in range(1500):
        verb = rng.choice(VERBS)
        if verb == "room_decides" and not day.on_stage:
            continue
        method = getattr(day, verb)
        names = list(inspect.signature(method).parameters)
        arguments = {name: ARGUMENTS[name](rng) for name in names}
        done.append(f"{verb} {arguments}")
        try:
            method(**arguments)
            for law in LAWS:
                law(day)
        except Exception as error:
            error.add_note("\n".join(done[-25:]))
            raise
    # Everybody goes home, and nothing is left behind.
    for who in PEOPLE:
        day.desk.disengage(who, "demo", day.bench.now)
        day.at_the_desk(who, "gone")
    for call in list(day.line.calls.values()):
        if not call.over:
            day.do(h.CallEnded(call.id, call.shopper))
    for law in LAWS:
        law(day)
    day.time(2000.0)
    assert day.asked <= day.outcomes.keys()
    assert not day.desk._occupied
    assert not day.circles and not day.on_stage
    assert day.line.next_deadline() is None
    assert len(set(day.outcomes.values())) >= 3
