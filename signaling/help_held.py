"""The calls that go on, for REST: what is said about them goes to the Helpline, which has the newest picture."""

from __future__ import annotations

from collections.abc import Sequence

from signaling.auth import Claims
from signaling.call_records import CallRecord, Notes, QueueRecord, Rating
from signaling.errors import ApiError
from signaling.help_model import Rated, WrappedUp
from signaling.helping import Helping


class HeldCalls:
    """:class:`signaling.help_access.LiveHelp` on the hub's part for help."""

    def __init__(self, helping: Helping) -> None:
        self._helping = helping

    def _holds(self, claims: Claims, call_id: str) -> bool:
        call = self._helping.line.calls.get(call_id)
        if call is not None and not claims.covers(call.room):
            raise ApiError("call_not_found")
        return call is not None

    async def rate_held(self, claims: Claims, call_id: str, rating: Rating) -> bool:
        """Raises what the Helpline raises."""
        if not self._holds(claims, call_id):
            return False
        await self._helping.rate(claims, Rated(call_id, claims.identity, rating.score, rating.comment, rating.solved))
        return True

    async def note_held(self, claims: Claims, call_id: str, notes: Notes) -> bool:
        """Raises what the Helpline raises."""
        if not self._holds(claims, call_id):
            return False
        self._helping.apply(WrappedUp(call_id, claims.identity, notes.note, notes.reasons, notes.solved, False))
        await self._helping.saved()
        return True

    def rated_late(self, before: CallRecord, rating: Rating) -> None:
        """For the day's figures."""
        self._helping.rated_late(before, rating)

    async def queues_changed(self, queues: Sequence[QueueRecord]) -> None:
        """From now on these."""
        self._helping.set_queues(queues)
