"""A virtual afternoon at a help desk: shoppers and agents as they are, seeded, in virtual time.

The :class:`World` plays people; what is under test stands behind a :class:`Port`. After each step the world looks at the
calls that changed, and its people react: agents answer, decline or let it ring, talk, transfer, lose their connection,
write up and go home; shoppers lose patience or their connection. What must never happen is checked as it happens.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

from signaling.desk import Desk
from signaling.errors import ApiError
from signaling.estimate import Range

ROOM = "demo"


class View(NamedTuple):
    """A call as the world sees it. ``state``: waiting, ringing, active, wrap_up or ended; ``agent``: of whom."""

    state: str
    agent: str


class Port(Protocol):
    """What is under test. Each step returns the calls that changed."""

    desk: Desk

    def ask(self, shopper: Shopper, now: float) -> Collection[str]:
        """Raises ApiError when refused."""

    def answer(self, call: str, agent: str, now: float) -> Collection[str]:
        """The agent says yes."""

    def decline(self, call: str, agent: str, now: float) -> Collection[str]:
        """The agent says no."""

    def end(self, call: str, identity: str, now: float) -> Collection[str]:
        """Either side hangs up, or stops waiting."""

    def wrapped(self, call: str, agent: str, now: float) -> Collection[str]:
        """The note is written."""

    def transfer(self, call: str, agent: str, queue: str, now: float) -> Collection[str]:
        """Cold, to a queue."""

    def link(self, identity: str, connected: bool, now: float) -> Collection[str]:
        """The connection in the room breaks, or is back."""

    def gone(self, identity: str, now: float) -> Collection[str]:
        """Did not come back, to the room or to the desk."""

    def desk_changed(self, now: float) -> Collection[str]:
        """Somebody sat down, left or chose."""

    def tick(self, now: float) -> Collection[str]:
        """Time passed."""

    def deadline(self) -> float | None:
        """When something happens by itself."""

    def view(self, call: str) -> View:
        """A call now."""

    def estimate(self, call: str, now: float) -> Range | None:
        """What its shopper is told now."""

    def waiting(self) -> Collection[str]:
        """The calls in all queues."""


@dataclass(slots=True)
class Shopper:
    """Who asks; ``patience_s`` until giving up."""

    call: str
    identity: str
    queue: str
    asked: float
    patience_s: float
    value: int = 0
    urgency: int = 0
    language: str = "zh-CN"
    told: Range | None = None
    answered: float | None = None
    disturbed: bool = False
    outcome: str = ""

    @property
    def verdict(self) -> str:
        """On what was told when asking: inside, early or late; unknown where nothing was told or nothing can be said."""
        if self.told is None or self.answered is None or self.disturbed:
            return "unknown"
        waited = self.answered - self.asked
        return "early" if waited < self.told.low_s else "late" if waited > self.told.high_s else "inside"


@dataclass(slots=True)
class Plan:
    """How people are. Times in s; shares 0 to 1."""

    talk_s: float = 180.0
    talk_shape: float = 2.0
    wrap_up_s: float = 20.0
    answers: float = 0.85
    declines: float = 0.08
    transfers: float = 0.05
    agent_drops: float = 0.02
    shopper_drops: float = 0.05
    patience_s: float = 2400.0


@dataclass
class World:
    """See the module."""

    port: Port
    plan: Plan
    rng: random.Random
    queues: tuple[str, ...]
    now: float = 0.0
    shoppers: dict[str, Shopper] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    seen: dict[str, View] = field(default_factory=dict)
    rings: Counter[str] = field(default_factory=Counter)
    busy_at: dict[str, str] = field(default_factory=dict)
    watched: Callable[[str, str], None] = lambda call, agent: None
    on_end: Callable[[Shopper], None] = lambda shopper: None
    steps: int = 0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)

    def at(self, when: float, step: Callable[[], None]) -> None:
        """Something happens at ``when``."""
        self.steps += 1
        heappush(self._events, (when, self.steps, step))

    def run(self, until: float) -> None:
        """Let time pass."""
        idle = 0
        while True:
            deadline = self.port.deadline()
            planned = self._events[0][0] if self._events else None
            times = [time for time in (deadline, planned) if time is not None]
            if not times or min(times) > until:
                self.now = until
                return
            moment = max(self.now, min(times))
            idle = idle + 1 if moment == self.now else 0
            assert idle < 1000, "what is due gets done"
            self.now = moment
            if planned is not None and planned <= moment:
                heappop(self._events)[2]()
            else:
                self.react(self.port.tick(moment))

    # --- agents --------------------------------------------------------------------------------------------------

    def shift(self, agent: str, skills: tuple[str, ...], begin: float, end: float) -> None:
        """An agent sits down and goes home."""

        def sit() -> None:
            self.port.desk.attend(agent, agent, skills, "*", self.now)
            self.react(self.port.desk_changed(self.now))

        def leave() -> None:
            if self.busy_at.get(agent):
                # Goes after this call.
                self.port.desk.set_presence(agent, "offline", None, self.now)
                self.at(self.now + 30.0, leave)
                return
            self.port.desk.gone(agent, self.now)
            self.react(self.port.desk_changed(self.now))

        self.at(begin, sit)
        self.at(end, leave)

    # --- shoppers ------------------------------------------------------------------------------------------------

    def arrive(self, when: float, number: int) -> None:
        """Somebody asks."""
        rng = self.rng
        shopper = Shopper(
            f"c{number}",
            f"s{number}",
            rng.choice(self.queues),
            when,
            rng.expovariate(1 / self.plan.patience_s),
            rng.choice((0, 0, 20, 100)),
            rng.choice((0, 0, 50)),
            rng.choice(("zh-CN", "en", "fr")),
        )

        def ask() -> None:
            try:
                changed = self.port.ask(shopper, self.now)
            except ApiError as error:
                self.refused[error.code] += 1
                return
            self.shoppers[shopper.call] = shopper
            self.at(self.now + shopper.patience_s, lambda: self._gives_up(shopper))
            if rng.random() < self.plan.shopper_drops:
                self.at(self.now + rng.uniform(0, 600), lambda: self._shopper_drops(shopper))
            shopper.told = self.port.estimate(shopper.call, self.now)
            self.react(changed)

        self.at(when, ask)

    def _gives_up(self, shopper: Shopper) -> None:
        if self.port.view(shopper.call).state in ("waiting", "ringing"):
            self.react(self.port.end(shopper.call, shopper.identity, self.now))

    def _shopper_drops(self, shopper: Shopper) -> None:
        if self.port.view(shopper.call).state == "ended":
            return
        shopper.disturbed = True
        self.react(self.port.link(shopper.identity, False, self.now))
        if self.rng.random() < 0.7:
            self.at(self.now + self.rng.uniform(1, 50), lambda: self._back(shopper))
        else:
            self.at(self.now + 30.0, lambda: self.react(self.port.gone(shopper.identity, self.now)))

    def _back(self, shopper: Shopper) -> None:
        if self.port.view(shopper.call).state != "ended":
            self.react(self.port.link(shopper.identity, True, self.now))

    # --- what follows --------------------------------------------------------------------------------------------

    def react(self, changed: Collection[str]) -> None:
        """People see what changed."""
        todo = list(dict.fromkeys(changed))
        # First who is let go, then who is taken: both can be the same agent in one step.
        moves = [(call, self.seen.get(call, View("", "")), self.port.view(call)) for call in todo]
        for call, before, after in moves:
            if before.agent and before.agent != after.agent and self.busy_at.get(before.agent) == call:
                del self.busy_at[before.agent]
        for call, before, after in moves:
            self.seen[call] = after
            if before == after:
                continue
            if after.agent:
                assert self.busy_at.setdefault(after.agent, call) == call, f"{after.agent} has two calls"
            if after.state == "ringing":
                self.watched(call, after.agent)
                self._rung(call, after.agent)
            elif after.state == "active" and before.state != "active":
                self._talks(call, after.agent)
            elif after.state == "wrap_up":
                wait = self.rng.uniform(0, 2 * self.plan.wrap_up_s)
                self.at(self.now + wait, lambda call=call, agent=after.agent: self._wraps_up(call, agent))  # type: ignore[misc]
            elif after.state == "ended":
                self.on_end(self.shoppers[call])

    def _rung(self, call: str, agent: str) -> None:
        self.rings[call] += 1
        ring, luck = self.rings[call], self.rng.random()

        def if_still(step: Callable[[str, str, float], Collection[str]]) -> Callable[[], None]:
            def run() -> None:
                if self.rings[call] == ring and self.port.view(call) == View("ringing", agent):
                    self.react(step(call, agent, self.now))

            return run

        if luck < self.plan.answers:
            self.at(self.now + self.rng.uniform(1, 8), if_still(self.port.answer))
        elif luck < self.plan.answers + self.plan.declines:
            self.at(self.now + self.rng.uniform(1, 8), if_still(self.port.decline))

    def _talks(self, call: str, agent: str) -> None:
        shopper, rng = self.shoppers[call], self.rng
        if shopper.answered is None:
            shopper.answered = self.now
        talk = rng.gammavariate(self.plan.talk_shape, self.plan.talk_s / self.plan.talk_shape)
        ends, luck = self.now + talk, rng.random()

        def end() -> None:
            if self.port.view(call) == View("active", agent):
                by = rng.choice((agent, shopper.identity))
                self.react(self.port.end(call, by, self.now))

        def transfer() -> None:
            if self.port.view(call) == View("active", agent):
                self.react(self.port.transfer(call, agent, rng.choice(self.queues), self.now))

        def drop() -> None:
            if self.port.view(call) != View("active", agent):
                return
            self.react(self.port.link(agent, False, self.now))
            if rng.random() < 0.5:
                self.at(self.now + 20.0, lambda: self.react(self.port.link(agent, True, self.now)))
            else:
                self.at(self.now + 300.0, lambda: self.react(self.port.link(agent, True, self.now)))
                # Whoever gets no agent back in time is elsewhere by then; else hangs up.
                self.at(self.now + 400.0, end)

        if luck < self.plan.transfers:
            self.at(self.now + talk / 2, transfer)
            self.at(ends + 120.0, end)
        elif luck < self.plan.transfers + self.plan.agent_drops:
            self.at(self.now + talk / 2, drop)
            self.at(ends, end)
        else:
            self.at(ends, end)

    def _wraps_up(self, call: str, agent: str) -> None:
        if self.port.view(call) == View("wrap_up", agent):
            self.react(self.port.wrapped(call, agent, self.now))
