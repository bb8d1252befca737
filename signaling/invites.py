"""The invitations of one Room: those that wait for an answer, and the last ones that do not any more. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from signaling.errors import ApiError
from signaling.invite import REASONS, Invite, InviteEvent, TargetKind, next_state

MAX_PENDING = 20
#: Ended ones that are kept, so that a late answer gets the error that tells why.
REMEMBERED = 200
REQUEST_S = 120.0
#: Finding the next one of a group is immediate; this is for the case that nobody does it.
SEARCH_S = 5.0


@dataclass(slots=True)
class Invites:
    """See the module. At most one pending invitation would bring any one person on stage."""

    _all: dict[str, Invite] = field(default_factory=dict)
    _pending: dict[str, Invite] = field(default_factory=dict)

    # --- questions -----------------------------------------------------------------------------------------------

    @property
    def all(self) -> Mapping[str, Invite]:
        """By id, in the order of making; a view."""
        return MappingProxyType(self._all)

    @property
    def pending(self) -> tuple[Invite, ...]:
        """Those that wait, in the order of making."""
        return tuple(self._pending.values())

    def get(self, invite_id: str) -> Invite:
        """Raises ApiError ``invite_not_found``."""
        invite = self._all.get(invite_id)
        if invite is None:
            raise ApiError("invite_not_found")
        return invite

    def of_guest(self, identity: str) -> Invite | None:
        """The pending one that would bring this person on stage."""
        return next((invite for invite in self._pending.values() if invite.guest == identity), None)

    def ringing(self, identity: str) -> Invite | None:
        """The pending one for which this person is rung."""
        invite = self.of_guest(identity)
        return invite if invite is not None and invite.direction == "invite" else None

    def offered(self, identity: str) -> Invite | None:
        """The pending request of this person."""
        invite = self.of_guest(identity)
        return invite if invite is not None and invite.direction == "request" else None

    def same(self, by_identity: str, kind: TargetKind, value: str | None) -> Invite | None:
        """The pending one by the same person to the same target."""
        wanted = ("invite", by_identity, kind, value)
        for invite in self._pending.values():
            if (invite.direction, invite.by_identity, invite.kind, invite.value) == wanted:
                return invite
        return None

    def overdue(self, now: float) -> tuple[Invite, ...]:
        """Those that have waited long enough."""
        return tuple(invite for invite in self._pending.values() if invite.deadline <= now)

    def next_deadline(self) -> float | None:
        """When the first one has."""
        return min((invite.deadline for invite in self._pending.values()), default=None)

    # --- changes -------------------------------------------------------------------------------------------------

    def check_room(self) -> None:
        """Raise ``rate_limited`` if no further one may be made."""
        if len(self._pending) >= MAX_PENDING:
            raise ApiError("rate_limited", retry_after_s=5.0)

    def add(self, invite: Invite) -> Invite:
        """Keep a new one."""
        self._all[invite.id] = self._pending[invite.id] = invite
        return invite

    def step(self, invite: Invite, event: InviteEvent, **changes: Any) -> Invite:
        """The invitation after ``event``, with ``changes`` to its fields. Raises ApiError if it is an answer too late."""
        state = next_state(invite.state, event)
        if "reason" not in changes and event in REASONS:
            changes["reason"] = REASONS[event]
        changed = replace(invite, state=state, **changes)
        self._all[invite.id] = changed
        if changed.pending:
            self._pending[invite.id] = changed
        elif self._pending.pop(invite.id, None) is not None:
            self._forget()
        return changed

    def clear(self) -> None:
        """Forget everything."""
        self._all.clear()
        self._pending.clear()

    def _forget(self) -> None:
        ended = [invite_id for invite_id in self._all if invite_id not in self._pending]
        for invite_id in ended[: max(0, len(ended) - REMEMBERED)]:
            del self._all[invite_id]
