"""What is said about a call when it is over: the shopper's rating and the agent's notes, until a day after its end.

For calls that nobody holds in memory any more; both ways in (WebSocket and REST) come here then. Everything is in the
database before the caller hears that it worked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from signaling.auth import Claims
from signaling.call_records import CallEvent, CallRecord, Notes, Rating
from signaling.call_store import CallStore
from signaling.errors import ApiError

OPEN_S = 24 * 3600.0


class Afterwards:
    """``clock`` gives seconds since the epoch; ``rated`` is told of each rating, with the call as it was before."""

    def __init__(
        self, store: CallStore, clock: Callable[[], float], rated: Callable[[CallRecord, Rating], None] | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._rated = rated

    async def rate(self, call_id: str, claims: Claims, rating: Rating) -> CallRecord:
        """The shopper's rating, replacing an earlier one; ``rating.at`` is set here. Raises ApiError ``call_not_found``,
        ``not_in_call`` (somebody else's), ``wrong_state`` (not over) or ``rating_closed``."""
        call, identity = await self.call(call_id), claims.identity
        if call.shopper != identity or not claims.covers(call.room):
            raise ApiError("not_in_call")
        self._require_recent(call, "rating_closed")
        rating = Rating(rating.score, rating.comment, rating.solved, self._clock())
        await self._store.set_rating(call_id, rating)
        if self._rated is not None:
            self._rated(call, rating)
        await self._write(call_id, "rated", identity, {"score": rating.score, "solved": rating.solved})
        return await self.call(call_id)

    async def note(self, call_id: str, claims: Claims, notes: Notes, *, anybodys: bool = False) -> CallRecord:
        """The notes of the agent who had it last, or of a supervisor (``anybodys``), replacing earlier ones; ``notes.at``
        is set here. Raises ApiError ``call_not_found``, ``not_in_call``, ``wrong_state`` or ``call_ended``."""
        call, identity = await self.call(call_id), claims.identity
        if call.agent != identity and not anybodys:
            raise ApiError("not_in_call")
        self._require_recent(call, "call_ended")
        notes = Notes(notes.note, notes.reasons, notes.solved, self._clock())
        await self._store.set_notes(call_id, notes)
        await self._write(call_id, "noted", identity, {name: v for name, v in asdict(notes).items() if name != "at"})
        return await self.call(call_id)

    async def call(self, call_id: str) -> CallRecord:
        """Raises ApiError ``call_not_found``."""
        call = await self._store.call(call_id)
        if call is None:
            raise ApiError("call_not_found")
        return call

    def _require_recent(self, call: CallRecord, code: str) -> None:
        if call.ended is None:
            raise ApiError("wrong_state")
        if self._clock() > call.ended + OPEN_S:
            raise ApiError(code)

    async def _write(self, call_id: str, kind: str, identity: str, detail: dict[str, object]) -> None:
        await self._store.add_events((CallEvent(call_id, kind, self._clock(), identity, detail),))
