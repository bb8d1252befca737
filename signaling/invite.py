"""An invitation onto the stage, and the table of its life. Pure; :mod:`signaling.invites` keeps those of a Room.

An *invite* rings its invitee: the one asked for, or one of a group (a skill, or anyone) after the other. A *request*
is an agent's offer to come, answered by whoever runs the show. Only ``pending`` waits for anything; an accepted one
can still fail, when no media follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from media.api import Source
from signaling.errors import ApiError

InviteState = Literal["pending", "accepted", "declined", "cancelled", "expired", "failed"]
Direction = Literal["invite", "request"]
TargetKind = Literal["identity", "skill", "anyone"]
#: What people do: too late, these are errors.
Answer = Literal["accept", "decline", "cancel"]
#: What happens by itself: too late, these change nothing. ``passed``: one of a group declined, was silent or left.
Happening = Literal[
    "ring_timeout",
    "invitee_gone",
    "passed",
    "next_candidate",
    "nobody_left",
    "inviter_gone",
    "show_ended",
    "no_media",
]
InviteEvent = Answer | Happening

TRANSITIONS: Mapping[tuple[InviteState, InviteEvent], InviteState] = {
    ("pending", "accept"): "accepted",
    ("pending", "decline"): "declined",
    ("pending", "cancel"): "cancelled",
    ("pending", "ring_timeout"): "expired",
    ("pending", "invitee_gone"): "failed",
    ("pending", "passed"): "pending",
    ("pending", "next_candidate"): "pending",
    ("pending", "nobody_left"): "expired",
    ("pending", "inviter_gone"): "cancelled",
    ("pending", "show_ended"): "cancelled",
    ("accepted", "no_media"): "failed",
    # Said twice, after a reconnection for example, is said once.
    ("accepted", "accept"): "accepted",
    ("declined", "decline"): "declined",
    ("cancelled", "cancel"): "cancelled",
}

#: The error that a late answer gets.
LATE: Mapping[InviteState, str] = {
    "accepted": "invite_answered",
    "declined": "invite_answered",
    "cancelled": "invite_cancelled",
    "expired": "invite_expired",
    "failed": "invite_failed",
}

#: Why it ended, as the wire has it.
REASONS: Mapping[InviteEvent, str] = {
    "ring_timeout": "no_answer",
    "invitee_gone": "invitee_left",
    "nobody_left": "nobody_available",
    "inviter_gone": "inviter_left",
    "show_ended": "show_ended",
    "no_media": "no_media",
}

ANSWERS: tuple[Answer, ...] = ("accept", "decline", "cancel")


def next_state(state: InviteState, event: InviteEvent) -> InviteState:
    """The state after ``event``. Raises ApiError for an answer that comes too late; a late happening changes nothing."""
    following = TRANSITIONS.get((state, event))
    if following is None:
        if event in ANSWERS:
            raise ApiError(LATE[state])
        return state
    return following


@dataclass(frozen=True, slots=True)
class Invite:
    """Times are seconds, monotonic; ``epoch_s`` is the wall clock at 0.

    ``to_identity`` is who rings now, None for a request and while the next of a group is looked for; ``tried`` are
    those of the group who did not come. ``deadline`` is when the waiting ends. ``circle``: a request to bring it on stage
    as ``aired`` says; ``along`` are identity, name and consent of the others who would come.
    """

    id: str
    room: str
    title: str
    direction: Direction
    kind: TargetKind
    value: str | None
    by_identity: str
    by_name: str
    by_role: str
    created: float
    deadline: float
    epoch_s: float
    ring_s: float = 20.0
    to_identity: str | None = None
    to_name: str = ""
    topic: str = ""
    product: Mapping[str, str] | None = None
    state: InviteState = "pending"
    reason: str | None = None
    tried: tuple[str, ...] = ()
    circle: str | None = None
    aired: Mapping[str, frozenset[Source]] | None = None
    along: tuple[tuple[str, str, str], ...] = ()

    @property
    def pending(self) -> bool:
        """Whether an answer is awaited."""
        return self.state == "pending"

    @property
    def group(self) -> bool:
        """Whether others may be rung when one does not come."""
        return self.kind != "identity"

    @property
    def guest(self) -> str | None:
        """Whom it would bring on stage."""
        return self.by_identity if self.direction == "request" else self.to_identity

    def to_wire(self) -> dict[str, Any]:
        """``invite`` in PROTOCOL.md section 1.6."""
        ringing = self.pending and (self.direction == "request" or self.to_identity is not None)
        return {
            "id": self.id,
            "room": self.room,
            "title": self.title,
            "direction": self.direction,
            "state": self.state,
            "reason": self.reason,
            "from": {"identity": self.by_identity, "name": self.by_name, "role": self.by_role},
            "target": {"kind": self.kind, "value": self.value},
            "to": None if self.to_identity is None else {"identity": self.to_identity, "name": self.to_name},
            "tried": len(self.tried),
            "topic": self.topic,
            "product": None if self.product is None else dict(self.product),
            "created": self._epoch_ms(self.created),
            "ring_until": self._epoch_ms(self.deadline) if ringing else None,
            "with": [
                {"identity": identity, "name": name, "consent": consent} for identity, name, consent in self.along
            ],
        }

    def _epoch_ms(self, time: float) -> int:
        return round((self.epoch_s + time) * 1000)
