"""A Helpline with its desk in virtual time, for tests: say what happens, look at what follows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from signaling.call import Call
from signaling.desk import Desk
from signaling.errors import ApiError
from signaling.help_model import (
    AgentsChanged,
    Answered,
    CallAsked,
    CallContext,
    CallEnded,
    HelpEffect,
    HelpFact,
    HelpSettings,
    HelpTick,
    Presence,
    QueueSpec,
)
from signaling.helpline import Helpline

#: A Wednesday, 10:00 in Shanghai.
EPOCH_S = 1_795_572_000.0
GENERAL = QueueSpec("general", "客服", "Help")
REPAIR = QueueSpec("repair", "维修", "Repairs", skills=("repair",))


class Bench:
    """``now`` is virtual; what was asked for last is in ``effects``, all of it in ``log``."""

    def __init__(self, specs: Iterable[QueueSpec] = (GENERAL, REPAIR), **settings: Any) -> None:
        self.now = 0.0
        self.desk = Desk(EPOCH_S)
        self.line = Helpline(self.desk, specs, HelpSettings(**settings), EPOCH_S)
        self.effects: list[HelpEffect] = []
        self.log: list[HelpEffect] = []
        self._asked = 0

    def do(self, fact: HelpFact) -> list[HelpEffect]:
        """Hand in a fact."""
        self.effects = self.line.handle(fact, self.now)
        self.log += self.effects
        return self.effects

    def code(self, fact: HelpFact) -> str:
        """The error that it is refused with, after which nothing is different; ``ok`` if it is not refused."""
        before = everything(self.line)
        try:
            self.do(fact)
        except ApiError as error:
            code = error.code
        else:
            return "ok"
        assert everything(self.line) == before, f"{code}, and yet something changed"
        return code

    def sit(self, *agents: str, skills: tuple[str, ...] = ("repair",)) -> None:
        """These come to the desk, in this order."""
        for agent in agents:
            self.desk.attend(agent, agent.upper(), skills, "*", self.now)
        self.do(AgentsChanged())

    def ask(self, who: str = "shopper", room: str = "demo", **fields: Any) -> Call:
        """A shopper asks; the call."""
        self._asked += 1
        fields.setdefault("peer", f"peer-{who}")
        if "context" in fields:
            fields["context"] = CallContext(**fields["context"])
        self.do(CallAsked(f"c{self._asked}", who, who.title(), room, **fields))
        call = self.line.asked_by(who)
        assert call is not None
        return call

    def talk(self, who: str = "shopper", agent: str = "anna", room: str = "demo", **fields: Any) -> Call:
        """A call that ``agent``, who is free, has answered."""
        if agent not in self.desk:
            self.sit(agent)
        call = self.ask(who, room, **fields)
        self.do(Answered(call.id, agent))
        assert call.state == "active"
        return call

    def over(self, **fields: Any) -> Call:
        """A call that is over, notes included."""
        call = self.talk(**fields)
        self.do(CallEnded(call.id, call.shopper))
        self.later(self.line.settings.wrap_up_s)
        assert call.state == "ended"
        return call

    def moves(self, who: str, connected: bool, peer: str | None = "", room: str = "demo") -> list[HelpEffect]:
        """A connection for media breaks, comes back, or (``peer`` None) is gone."""
        return self.do(Presence(who, room, f"peer-{who}" if peer == "" else peer, connected))

    def later(self, seconds: float) -> None:
        """Time passes; whatever is due on the way happens when it is due."""
        until = self.now + seconds
        for _ in range(100_000):
            deadline = self.line.next_deadline()
            if deadline is None or deadline > until:
                break
            self.now = max(self.now, deadline)
            self.do(HelpTick())
        else:
            raise AssertionError("what is due gets done")
        self.now = until

    def state(self, call: Call) -> str:
        """Of which a type checker does not believe that it stays as it was."""
        return call.state

    def mode(self, call: Call, who: str) -> str | None:
        """How somebody takes part."""
        return call.people[who].mode if who in call.people else None

    def said(self, kind: str) -> list[Any]:
        """What was written down of this kind."""
        return [effect for effect in self.log if getattr(effect, "kind", "") == kind]

    def asked_for(self, kind: type[HelpEffect]) -> list[Any]:
        """All effects of this type since the beginning."""
        return [effect for effect in self.log if isinstance(effect, kind)]

    def view(self, call: Call, viewer: Any) -> dict[str, Any]:
        """``call`` on the wire."""
        return call.to_wire(viewer, EPOCH_S, self.now, "title")


def everything(line: Helpline) -> str:
    """All that a fact may change."""
    desk = line.desk
    parts: list[Any] = [
        line.calls,
        desk._occupied,
        list(desk._idle),
        line.today,
        {name: (queue.waiters, [*queue.order()], queue.lanes) for name, queue in line.queues.items()},
        line._rung,
        line._personal,
        line._timers._at,
        line._news._at,
    ]
    return repr(parts)
