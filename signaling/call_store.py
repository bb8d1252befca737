"""Calls, what happened in them, callbacks, queues, agents and files, in the database of :class:`signaling.store.Store`.

Every ``save_*`` may be repeated with the same record, and replaces what was there under that id. All methods raise
sqlalchemy.exc.SQLAlchemyError when the database is out of order.
"""

from __future__ import annotations

from collections.abc import Iterable

from signaling.call_records import (
    AgentDay,
    AgentRecord,
    CallbackRecord,
    CallEvent,
    CallFilter,
    CallRecord,
    Cursor,
    FileRecord,
    Notes,
    QueueRecord,
    Rating,
)
from signaling.database import Database

__all__ = [
    "AgentDay",
    "AgentRecord",
    "CallEvent",
    "CallFilter",
    "CallRecord",
    "CallStore",
    "CallbackRecord",
    "Cursor",
    "FileRecord",
    "Notes",
    "QueueRecord",
    "Rating",
]


class CallStore:
    """``Store.calls``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- calls ---------------------------------------------------------------------------------------------------

    async def save_call(self, record: CallRecord) -> None:
        """Insert or replace. A record without rating or notes leaves those that were there: they may have come by REST
        while somebody else held an older picture of the call."""
        raise NotImplementedError

    async def add_events(self, events: Iterable[CallEvent]) -> None:
        """Write down what happened, in this order; events whose id is there already are left out."""
        raise NotImplementedError

    async def unfinished(self) -> list[CallRecord]:
        """Calls that were not over when the service stopped, the oldest first."""
        raise NotImplementedError

    async def call(self, call_id: str) -> CallRecord | None:
        """One call, or None."""
        raise NotImplementedError

    async def events(self, call_id: str) -> list[CallEvent]:
        """What happened in a call, in order."""
        raise NotImplementedError

    async def calls(self, which: CallFilter, limit: int = 50, after: Cursor | None = None) -> list[CallRecord]:
        """A page of calls, the newest first; the next one is ``after`` the last of these."""
        raise NotImplementedError

    async def earlier(self, shopper: str, before: float, limit: int = 10) -> list[CallRecord]:
        """What this person called about before, the newest first."""
        raise NotImplementedError

    async def set_rating(self, call_id: str, rating: Rating) -> bool:
        """The shopper's word, replacing an earlier one. False: there is no such call."""
        raise NotImplementedError

    async def set_notes(self, call_id: str, notes: Notes) -> bool:
        """The agent's notes, replacing earlier ones. False: there is no such call."""
        raise NotImplementedError

    async def agent_day(self, agent: str, since: float, until: float) -> AgentDay:
        """The figures of the calls that were created in ``since`` <= t < ``until``."""
        raise NotImplementedError

    # --- callbacks -----------------------------------------------------------------------------------------------

    async def save_callback(self, record: CallbackRecord) -> None:
        """Insert or replace."""
        raise NotImplementedError

    async def callback(self, callback_id: str) -> CallbackRecord | None:
        """One, or None."""
        raise NotImplementedError

    async def callbacks(
        self,
        *,
        room: str | None = None,
        queue: str | None = None,
        done: bool | None = False,
        limit: int = 200,
    ) -> list[CallbackRecord]:
        """By the time at which they are wanted, the first first; ``done`` None: those done and those not."""
        raise NotImplementedError

    async def callback_done(self, callback_id: str, by: str, at: float) -> CallbackRecord | None:
        """Tick one off; the first who does so stays. None: there is no such callback."""
        raise NotImplementedError

    # --- queues, agents, files -----------------------------------------------------------------------------------

    async def queues(self) -> list[QueueRecord]:
        """All, by name."""
        raise NotImplementedError

    async def save_queue(self, record: QueueRecord) -> None:
        """Insert or replace."""
        raise NotImplementedError

    async def remove_queue(self, name: str) -> bool:
        """Calls and callbacks keep its name. False: there is no such queue."""
        raise NotImplementedError

    async def save_agent(self, record: AgentRecord) -> None:
        """Insert or replace, but for ``first_seen``, which stays."""
        raise NotImplementedError

    async def agents(self) -> list[AgentRecord]:
        """All who ever were at the desk, by identity."""
        raise NotImplementedError

    async def save_file(self, record: FileRecord) -> None:
        """Insert or replace."""
        raise NotImplementedError

    async def file(self, file_id: str) -> FileRecord | None:
        """One, or None."""
        raise NotImplementedError

    async def files(self, call_id: str) -> list[FileRecord]:
        """Those of a call, the oldest first."""
        raise NotImplementedError
