"""The day's figures for the wall, counted as things happen: the definitions are those of :mod:`signaling.kpi`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signaling.call import Call

#: Of a service level, and what is too short a wait to count as given up; as in :mod:`signaling.kpi`.
SERVICE_S = 30.0
SHORT_S = 5.0
DAY_S = 86400.0
#: Days begin at midnight in China.
ZONE = "Asia/Shanghai"
ZONE_S = 8 * 3600.0


@dataclass(slots=True)
class Today:
    """Of the calls that were created since midnight; ``epoch_s`` is the wall clock (seconds since 1970) at ``now`` = 0.
    What agents began is nobody's wait, and not counted but in ``by_agent`` and ratings."""

    epoch_s: float = 0.0
    day: int = 0
    asked: int = 0
    answered: int = 0
    quick: int = 0
    abandoned: int = 0
    short: int = 0
    unserved: int = 0
    waited_s: float = 0.0
    scores: int = 0
    score_sum: int = 0
    by_agent: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def day_of(wall_s: float) -> int:
        """Which day ``wall_s`` (seconds since 1970) belongs to."""
        return int((wall_s + ZONE_S) // DAY_S)

    @staticmethod
    def begin_of(day: int) -> float:
        """When a day began, in seconds since 1970."""
        return day * DAY_S - ZONE_S

    def seed(self, counted: Mapping[str, float], by_agent: Mapping[str, int]) -> None:
        """What was before the Node started: fields of :class:`signaling.kpi.Tally`, and the agents' answers."""
        self.asked, self.answered = int(counted["asked"]), int(counted["answered"])
        self.quick, self.waited_s = int(counted["answered_in_time"]), counted["answer_s"]
        self.abandoned, self.short = int(counted["abandoned"]), int(counted["short"])
        self.unserved = int(counted["left_callback"] + counted["unserved"])
        self.scores, self.score_sum = int(counted["ratings"]), int(counted["score"])
        self.by_agent = dict(by_agent)

    def has(self, created_s: float) -> bool:
        """Whether a call that was created then (seconds since 1970) counts."""
        return self.day_of(created_s) == self.day

    def answer(self, call: Call, identity: str, now: float) -> None:
        """The first answer, before it is written into the call; or another agent's."""
        if not self.has(self.epoch_s + call.created):
            return
        self.by_agent[identity] = self.by_agent.get(identity, 0) + 1
        if call.answered is not None or call.direction == "out":
            return
        waited = now - call.created
        self.answered += 1
        self.quick += waited <= SERVICE_S
        self.waited_s += waited

    def end(self, call: Call, now: float) -> None:
        """It is over; what was never answered is somebody's disappointment."""
        if call.answered is not None or call.direction == "out" or not self.has(self.epoch_s + call.created):
            return
        if call.outcome != "abandoned":
            self.unserved += 1
        elif now - call.created < SHORT_S:
            self.short += 1
        else:
            self.abandoned += 1

    def score(self, created_s: float, score: int, former: int | None) -> None:
        """A rating of a call that was created then (seconds since 1970), or another rating instead."""
        if not self.has(created_s):
            return
        if former is None:
            self.scores += 1
        self.score_sum += score - (former or 0)

    def to_wire(self) -> dict[str, Any]:
        """``today`` of the ``wall`` in PROTOCOL.md, but for what is true of this moment only."""
        decided = self.answered + self.abandoned + self.unserved
        return {
            "asked": self.asked,
            "answered": self.answered,
            "abandoned": self.abandoned,
            "answered_30s": self.quick,
            "service_level": round(self.quick / decided, 4) if decided else None,
            "asa_s": round(self.waited_s / self.answered, 1) if self.answered else None,
            "abandon_rate": round(self.abandoned / decided, 4) if decided else None,
            "csat": round(self.score_sum / self.scores, 2) if self.scores else None,
        }
