"""How well a publisher's media arrives, in one number and one reason. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from media.api import ProducerStats

Reason = Literal["good", "loss", "rtt", "bitrate", "none"]
GOOD, FAIR, POOR, NOTHING = 3, 2, 1, 0
FAIR_LOSS, POOR_LOSS = 0.02, 0.08
FAIR_RTT_MS, POOR_RTT_MS = 250.0, 500.0
FAIR_VIDEO_BPS, POOR_VIDEO_BPS = 250_000, 100_000


@dataclass(frozen=True, slots=True)
class Uplink:
    """``quality`` 0 (nothing arrives) to 3; ``loss`` 0-1 of the worst track; ``rtt_ms`` None until it is known."""

    quality: int
    reason: Reason
    bitrate_bps: int
    loss: float
    rtt_ms: float | None

    def to_wire(self) -> dict[str, Any]:
        """The fields of the event ``uplink``."""
        return {
            "quality": self.quality,
            "reason": self.reason,
            "bitrate_bps": self.bitrate_bps,
            "loss": round(self.loss, 4),
            "rtt_ms": self.rtt_ms if self.rtt_ms is None else round(self.rtt_ms, 1),
        }


def assess(stats: Iterable[ProducerStats], screens: Container[str] = ()) -> Uplink:
    """Judge a publisher by its tracks. A muted track is left out; the worst figure decides and names the reason.

    ``screens`` are the ids of shared screens: a low bitrate only means that nothing moves there.
    """
    active = [entry for entry in stats if not entry.paused]
    bitrate = sum(entry.bitrate_bps for entry in active)
    loss = max((entry.loss for entry in active), default=0.0)
    rtt = max((entry.rtt_ms for entry in active if entry.rtt_ms is not None), default=None)
    video = [entry.bitrate_bps for entry in active if entry.kind == "video" and entry.id not in screens]
    if active and bitrate == 0:
        return Uplink(NOTHING, "none", 0, loss, rtt)
    verdicts: list[tuple[int, Reason]] = [
        (_grade(loss, FAIR_LOSS, POOR_LOSS), "loss"),
        (_grade(rtt or 0.0, FAIR_RTT_MS, POOR_RTT_MS), "rtt"),
        (_grade(-min(video, default=FAIR_VIDEO_BPS), -FAIR_VIDEO_BPS, -POOR_VIDEO_BPS), "bitrate"),
    ]
    quality, reason = min(verdicts, key=lambda verdict: verdict[0])
    return Uplink(quality, reason if quality < GOOD else "good", bitrate, loss, rtt)


def _grade(value: float, fair: float, poor: float) -> int:
    """GOOD up to ``fair``, FAIR up to ``poor``, POOR beyond."""
    if value <= fair:
        return GOOD
    return FAIR if value <= poor else POOR
