"""Who sits at the desk, who of them can be rung, and who is next. A pure state machine.

People are known by identity: a console that reloads or moves to another device is the same person. ``now`` is seconds
(monotonic, never going back); ``epoch_s`` is the wall clock (seconds since 1970) at ``now`` = 0.

The seam: every change returns the identities of which something shown is different, their ``me`` or their line in a
directory; whoever is at the desk among them is pushed :meth:`Desk.me`, and the directories are due. Nothing here raises
for a person who is not at the desk, except :meth:`Desk.me` and :meth:`Desk.set_presence`.

What occupies a person does not depend on a seat at the desk: hosts and shoppers ring, talk and stand on stage as well.
Invitations, stages and one-to-one calls are kept in the same books, so nobody rings for two of them, or is rung while
on stage, in a call or writing one up, in whatever room. Who is in a call may come on stage with it, and is then both.

Whose turn it is: the one who became idle first. Idle is who is at the desk, has chosen ``available`` and is not
occupied; so a ring, answered or not, sends to the end of the queue, and a connection that breaks and comes back keeps
its turn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from signaling.errors import ApiError, bad_message

Chosen = Literal["available", "break", "offline"]
Presence = Literal["available", "busy", "break", "offline"]
Reach = Literal["free", "busy", "offline", "unknown"]
Engaged = Literal["in_call", "wrap_up"]
CallState = Literal["ringing"] | Engaged

ANY_ROOM = "*"
MAX_AGENTS = 10_000
REMEMBERED_S = 24 * 3600.0
NOBODY: frozenset[str] = frozenset()
#: Of several calls, the one that is shown.
_SHOWN: dict[CallState, int] = {"in_call": 2, "ringing": 1, "wrap_up": 0}
_ORDER: dict[Presence, int] = {"available": 0, "busy": 1, "break": 2, "offline": 3}


class Candidate(NamedTuple):
    """Who is to be rung."""

    identity: str
    name: str


class Ring(NamedTuple):
    """Who holds this is being rung for an invitation into a room."""

    invite: str
    room: str


class OnCall(NamedTuple):
    """What a call asks of somebody."""

    call: str
    room: str
    state: CallState


class OnDuty(NamedTuple):
    """Who can be rung, now or after what occupies them; ``covers`` is a room or ``*``."""

    identity: str
    name: str
    skills: frozenset[str]
    covers: str
    free: bool

    def serves(self, room: str) -> bool:
        """Whether calls of this room are theirs."""
        return self.covers in (ANY_ROOM, room)


@dataclass(slots=True)
class _Occupied:
    """What keeps somebody busy; on stage in the order of coming on, calls by id."""

    ring: Ring | None = None
    stages: list[str] = field(default_factory=list)
    calls: dict[str, OnCall] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.ring is not None or bool(self.stages) or bool(self.calls)

    @property
    def call(self) -> OnCall | None:
        return max(self.calls.values(), key=lambda held: _SHOWN[held.state], default=None)

    def to_wire(self) -> dict[str, Any] | None:
        call = self.call
        shown = {} if call is None else {"call": call.call}
        if self.stages:
            return {"room": self.stages[-1], "state": "on_stage", **shown}
        if call is not None and (call.state == "in_call" or self.ring is None):
            return {"room": call.room, "state": call.state, **shown}
        return None if self.ring is None else {"room": self.ring.room, "state": "ringing"}


@dataclass(slots=True)
class _Agent:
    """``since`` and ``seen_at`` are seconds, monotonic; ``off``: skills not taken."""

    identity: str
    name: str = ""
    all_skills: tuple[str, ...] = ()
    covers: str = ""
    ringable: bool = False
    chosen: Chosen = "available"
    off: frozenset[str] = frozenset()
    connected: bool = False
    presence: Presence = "offline"
    since: float = 0.0
    seen_at: float = 0.0

    @property
    def skills(self) -> tuple[str, ...]:
        return tuple(skill for skill in self.all_skills if skill not in self.off)

    def serves(self, room: str) -> bool:
        return self.ringable and self.covers in (ANY_ROOM, room)


class Desk:
    """See the module."""

    __slots__ = ("_absent", "_agents", "_epoch_s", "_idle", "_occupied")

    def __init__(self, epoch_s: float = 0.0) -> None:
        self._epoch_s = epoch_s
        self._agents: dict[str, _Agent] = {}
        # What is remembered of those who left, the longest gone first.
        self._absent: dict[str, _Agent] = {}
        self._occupied: dict[str, _Occupied] = {}
        # Those who have a turn, in that order.
        self._idle: dict[str, _Agent] = {}

    # --- questions -----------------------------------------------------------------------------------------------

    def __contains__(self, identity: str) -> bool:
        """Whether this person is at the desk, a broken connection included."""
        return identity in self._agents

    @property
    def remembered(self) -> int:
        """How many people are kept, at the desk or gone, or occupied without having been there."""
        return len(self._agents.keys() | self._absent.keys() | self._occupied.keys())

    def reach(self, identity: str, room: str) -> Reach:
        """What comes of ringing this person into ``room``.

        ``busy``: ringing, on stage or in a call anywhere, writing one up, or on a break; ``offline``: away, disconnected, or so chosen;
        ``unknown``: never at this desk lately, not to be rung, or not for this room.
        """
        if identity in self._occupied:
            return "busy"
        agent = self._agents.get(identity) or self._absent.get(identity)
        if agent is None or not agent.serves(room):
            return "unknown"
        if not agent.connected or agent.chosen == "offline":
            return "offline"
        return "busy" if agent.chosen == "break" else "free"

    def pick(self, room: str, skill: str | None, exclude: Collection[str]) -> Candidate | None:
        """Who of the free has been idle longest, can take ``skill`` (None: whatever it is) and is not excluded."""
        for agent in self._idle.values():
            if (
                agent.connected
                and agent.serves(room)
                and (skill is None or skill in agent.skills)
                and agent.identity not in exclude
            ):
                return Candidate(agent.identity, agent.name)
        return None

    def free(self, room: str | None = None) -> list[OnDuty]:
        """Who can be rung now, for ``room`` (None: for any), the longest idle first; a copy."""
        return [
            _on_duty(agent, True)
            for agent in self._idle.values()
            if agent.connected and agent.ringable and (room is None or agent.serves(room))
        ]

    def on_duty(self) -> list[OnDuty]:
        """Who takes calls: the free, and those who are occupied and have not chosen to stop afterwards; in no order."""
        found = []
        for agent in self._agents.values():
            if agent.ringable and agent.chosen == "available":
                occupied = agent.identity in self._occupied
                if occupied or agent.connected:
                    found.append(_on_duty(agent, not occupied))
        return found

    def ring_of(self, identity: str) -> Ring | None:
        """What this person is being rung for."""
        occupied = self._occupied.get(identity)
        return None if occupied is None else occupied.ring

    def call_of(self, identity: str) -> OnCall | None:
        """The call that occupies this person: one that goes on before one that rings, before one being written up."""
        occupied = self._occupied.get(identity)
        return None if occupied is None else occupied.call

    def me(self, identity: str) -> dict[str, Any]:
        """``me`` in PROTOCOL.md. Raises ApiError ``session_not_found`` for somebody who is not at the desk."""
        agent = self._seated(identity)
        occupied = self._occupied.get(identity)
        return {
            "identity": identity,
            "name": agent.name,
            "presence": agent.presence,
            "chosen": agent.chosen,
            "since": round((self._epoch_s + agent.since) * 1000),
            "skills": list(agent.skills),
            "all_skills": list(agent.all_skills),
            "engaged": None if occupied is None else occupied.to_wire(),
        }

    def directory(self, room: str) -> list[dict[str, Any]]:
        """Who at the desk can be rung for ``room``, the free first and then by name; ``here`` is the caller's to add.

        Somebody whose connection broke reads as ``offline`` unless busy.
        """
        return [line for covers, line in self.directories() if covers in (ANY_ROOM, room)]

    def directories(self) -> list[tuple[str, dict[str, Any]]]:
        """The directory of every room in one: each line with the room, or ``*``, that it is for."""
        lines = [(agent.covers, self._line(agent)) for agent in self._agents.values() if agent.ringable]
        return sorted(lines, key=lambda item: (_ORDER[item[1]["presence"]], item[1]["name"], item[1]["identity"]))

    # --- coming and going ----------------------------------------------------------------------------------------

    def attend(
        self, identity: str, name: str, skills: Iterable[str], covers: str, now: float, *, ringable: bool = True
    ) -> frozenset[str]:
        """Sit down, sit down again with another console, or come with a new token; the turn and the choice stay.

        ``covers`` is a room or ``*``. What the same person chose in the last 24 h holds, else ``available``; skills that
        a token adds are taken. Not ``ringable``: sees the desk only. Raises ApiError ``room_full`` with 10,000 there.
        """
        self.forget(now)
        if identity not in self._agents and len(self._agents) >= MAX_AGENTS:
            raise ApiError("room_full", retry_after_s=10.0)
        before = self._view(identity)
        agent = self._agents.get(identity) or self._absent.pop(identity, None) or _Agent(identity)
        self._agents[identity] = agent
        agent.name, agent.covers, agent.ringable = name, covers, ringable
        agent.all_skills = tuple(dict.fromkeys(skills))
        agent.off &= frozenset(agent.all_skills)
        agent.connected = True
        self.forget(now)
        return self._settle(identity, before, now)

    def returned(self, identity: str, now: float) -> frozenset[str]:
        """The connection is back within the resume window."""
        return self._connect(identity, True, now)

    def dropped(self, identity: str, now: float) -> frozenset[str]:
        """The connection broke; it may come back, and until then nobody rings here."""
        return self._connect(identity, False, now)

    def gone(self, identity: str, now: float) -> frozenset[str]:
        """Left, or did not come back in time. A ring or a stage stays until it is released by who gave it."""
        before = self._view(identity)
        agent = self._agents.pop(identity, None)
        if agent is None:
            return NOBODY
        agent.connected = False
        agent.seen_at = now
        self._idle.pop(identity, None)
        self._absent[identity] = agent
        self.forget(now)
        return self._settle(identity, before, now)

    def forget(self, now: float) -> None:
        """Drop what is remembered of people gone for 24 h, or of the longest gone when there are too many."""
        while self._absent:
            identity, agent = next(iter(self._absent.items()))
            if agent.seen_at + REMEMBERED_S > now and len(self._agents) + len(self._absent) <= MAX_AGENTS:
                return
            del self._absent[identity]

    def set_presence(
        self, identity: str, presence: Chosen, skills: Collection[str] | None, now: float
    ) -> frozenset[str]:
        """Choose whether to be rung, and which of the token's skills to take (None: as before).

        While ringing or on stage it holds for afterwards. Raises ApiError ``bad_message`` for a skill that the token
        lacks, ``session_not_found`` for somebody who is not at the desk.
        """
        agent = self._seated(identity)
        if skills is not None and not set(skills) <= set(agent.all_skills):
            raise bad_message("skills", "choice")
        before = self._view(identity)
        agent.chosen = presence
        if skills is not None:
            agent.off = frozenset(agent.all_skills).difference(skills)
        return self._settle(identity, before, now)

    # --- ringing and the stage -----------------------------------------------------------------------------------

    def reserve(self, identity: str, invite: str, room: str, now: float) -> bool:
        """This person, at the desk or not, is being rung; returns False, with nothing changed, when already occupied.

        Ringing for the same invitation already is True. Whether they want to be rung is :meth:`reach`'s answer.
        """
        occupied = self._occupied.get(identity)
        if occupied is not None:
            return occupied.ring is not None and occupied.ring.invite == invite
        before = self._view(identity)
        self._occupied[identity] = _Occupied(Ring(invite, room))
        self._settle(identity, before, now)
        return True

    def release(self, invite: str, now: float, *, keep: str | None = None) -> frozenset[str]:
        """Nobody rings for this invitation any more, except ``keep``; returns those who did."""
        ringing = [
            identity
            for identity, occupied in self._occupied.items()
            if occupied.ring is not None and occupied.ring.invite == invite and identity != keep
        ]
        for identity in ringing:
            before = self._view(identity)
            self._occupied[identity].ring = None
            self._settle(identity, before, now)
        return frozenset(ringing)

    def engage(self, identity: str, room: str | None, now: float) -> frozenset[str]:
        """On stage in ``room``, besides any other; None: on no stage any more."""
        before = self._view(identity)
        occupied = self._occupied.setdefault(identity, _Occupied())
        if room is None:
            occupied.stages.clear()
        elif room not in occupied.stages:
            occupied.stages.append(room)
        return self._settle(identity, before, now)

    def disengage(self, identity: str, room: str, now: float) -> frozenset[str]:
        """Off the stage of ``room``; another stage that the same person is on stays."""
        before = self._view(identity)
        occupied = self._occupied.get(identity)
        if occupied is None or room not in occupied.stages:
            return NOBODY
        occupied.stages.remove(room)
        return self._settle(identity, before, now)

    # --- calls ---------------------------------------------------------------------------------------------------

    def reserve_call(self, identity: str, call: str, room: str, now: float) -> bool:
        """Ring this person, at the desk or not, for ``call``; returns False, with nothing changed, when occupied.

        Ringing for the same call already is True. Whether they want to be rung is :meth:`reach`'s answer.
        """
        occupied = self._occupied.get(identity)
        if occupied is not None:
            return call in occupied.calls and occupied.calls[call].state == "ringing"
        before = self._view(identity)
        self._occupied[identity] = _Occupied(calls={call: OnCall(call, room, "ringing")})
        self._settle(identity, before, now)
        return True

    def engage_call(
        self, identity: str, call: str, state: Engaged, now: float, *, room: str | None = None
    ) -> frozenset[str]:
        """In ``call``, or writing it up, whatever else there is; ``room`` only if it was not reserved.

        Raises ValueError when neither says the room.
        """
        occupied = self._occupied.get(identity)
        held = None if occupied is None else occupied.calls.get(call)
        if room is None:
            if held is None:
                raise ValueError(f"{identity} is not reserved for call {call}, so its room must be said")
            room = held.room
        before = self._view(identity)
        self._occupied.setdefault(identity, _Occupied()).calls[call] = OnCall(call, room, state)
        return self._settle(identity, before, now)

    def release_call(self, identity: str, call: str, now: float) -> frozenset[str]:
        """Nothing keeps this person at ``call`` any more; what else occupies them stays."""
        occupied = self._occupied.get(identity)
        if occupied is None or call not in occupied.calls:
            return NOBODY
        before = self._view(identity)
        del occupied.calls[call]
        return self._settle(identity, before, now)

    # --- inside --------------------------------------------------------------------------------------------------

    def _seated(self, identity: str) -> _Agent:
        agent = self._agents.get(identity)
        if agent is None:
            raise ApiError("session_not_found")
        return agent

    def _connect(self, identity: str, connected: bool, now: float) -> frozenset[str]:
        agent = self._agents.get(identity)
        if agent is None:
            return NOBODY
        before = self._view(identity)
        agent.connected = connected
        return self._settle(identity, before, now)

    def _line(self, agent: _Agent) -> dict[str, Any]:
        engaged = agent.identity in self._occupied
        return {
            "identity": agent.identity,
            "name": agent.name,
            "skills": list(agent.skills),
            "presence": agent.presence if agent.connected or engaged else "offline",
            "engaged": engaged,
        }

    def _view(self, identity: str) -> tuple[Any, ...] | None:
        """All that anybody can see of this person."""
        agent = self._agents.get(identity)
        return None if agent is None else (self.me(identity), self._line(agent), agent.covers, agent.ringable)

    def _settle(self, identity: str, before: tuple[Any, ...] | None, now: float) -> frozenset[str]:
        """Draw the consequences of a change of one person: free or not, since when, whose turn."""
        occupied = self._occupied.get(identity)
        if occupied is not None and not occupied:
            del self._occupied[identity]
        agent = self._agents.get(identity)
        if agent is not None:
            presence: Presence = "busy" if identity in self._occupied else agent.chosen
            if presence != agent.presence or before is None:
                agent.presence, agent.since = presence, now
            if presence != "available":
                self._idle.pop(identity, None)
            else:
                self._idle.setdefault(identity, agent)
        return NOBODY if self._view(identity) == before else frozenset((identity,))


def _on_duty(agent: _Agent, free: bool) -> OnDuty:
    return OnDuty(agent.identity, agent.name, frozenset(agent.skills), agent.covers, free)
