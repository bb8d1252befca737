"""Writes what happens in calls to the database: soon, in order, in batches, and again until it worked."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterator

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from signaling.call_records import AgentRecord, CallbackRecord, CallEvent, CallRecord
from signaling.call_store import CallStore
from signaling.errors import ApiError

logger = logging.getLogger(__name__)
RETRY_S = 1.0
#: What comes of a record that the database does not take, and of whatever a record has that no driver can write.
_REFUSED = (DataError, IntegrityError, ValueError, TypeError, OverflowError)
BATCH = 500
#: Beyond this the oldest events are given up, so that a database that is gone does not take the Node with it.
MAX_EVENTS = 100_000
CONFIRM_S = 10.0
STOP_S = 2.0


class Keeper:
    """Of a call only the newest record is written; events and callbacks are written all."""

    def __init__(self, store: CallStore) -> None:
        self._store = store
        self._calls: dict[str, CallRecord] = {}
        self._callbacks: dict[str, CallbackRecord] = {}
        self._agents: dict[str, AgentRecord] = {}
        self._events: deque[CallEvent] = deque(maxlen=MAX_EVENTS)
        self._wake = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run())

    def save(self, record: CallRecord) -> None:
        """Write this, unless a newer one of the same call comes first."""
        self._calls[record.id] = record
        self._wake.set()

    def save_agent(self, record: AgentRecord) -> None:
        """Write this."""
        self._agents[record.identity] = record
        self._wake.set()

    def add(self, event: CallEvent) -> None:
        """Write this down."""
        self._events.append(event)
        self._wake.set()

    def save_callback(self, record: CallbackRecord) -> None:
        """Write this."""
        self._callbacks[record.id] = record
        self._wake.set()

    async def saved(self) -> None:
        """Returns when all that was handed in so far is in the database. Raises ApiError ``store_unavailable``."""
        if self._task is not None and self._task.done():
            # The Node is going down, and nobody writes any more.
            raise ApiError("store_unavailable", retry_after_s=RETRY_S)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._wake.set()
        try:
            async with asyncio.timeout(CONFIRM_S):
                await future
        except TimeoutError:
            raise ApiError("store_unavailable", retry_after_s=5.0) from None

    @property
    def _pending(self) -> bool:
        return bool(self._calls or self._events or self._callbacks or self._agents)

    async def _run(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            await self._flush_until_done()

    async def stop(self) -> None:
        """Write what is left, within 2 s. A write that is under way is not cut off, unless it takes longer."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=STOP_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._pending:
            logger.error("%d calls and %d events were not written", len(self._calls), len(self._events))

    async def _flush_until_done(self) -> None:
        while self._pending or self._waiting:
            confirmed, self._waiting = self._waiting, []
            try:
                await self._flush()
            except _REFUSED as error:
                # One of these can never be written: the others must not wait for it.
                logger.error("something about calls cannot be written: %s", error)
                self._waiting = [future for future in confirmed + self._waiting if not future.done()]
                await self._flush_singly()
                continue
            except (SQLAlchemyError, OSError) as error:
                self._waiting = [future for future in confirmed + self._waiting if not future.done()]
                logger.error("calls are not written, trying again: %s", error)
                if self._stopping:
                    return
                await asyncio.sleep(RETRY_S)
                continue
            for future in confirmed:
                if not future.done():
                    future.set_result(None)

    async def _flush_singly(self) -> None:
        """After a refusal: each by itself, and what is refused again is given up."""
        try:
            for record in list(self._calls.values()):
                with self._given_up(record):
                    await self._store.save_calls([record])
                if self._calls.get(record.id) is record:
                    del self._calls[record.id]
            for callback in list(self._callbacks.values()):
                with self._given_up(callback):
                    await self._store.save_callback(callback)
                if self._callbacks.get(callback.id) is callback:
                    del self._callbacks[callback.id]
            for agent in list(self._agents.values()):
                with self._given_up(agent):
                    await self._store.save_agent(agent)
                if self._agents.get(agent.identity) is agent:
                    del self._agents[agent.identity]
            for _ in range(len(self._events)):
                event = self._events[0]
                with self._given_up(event):
                    await self._store.add_events([event])
                if self._events and self._events[0] is event:
                    self._events.popleft()
        except (SQLAlchemyError, OSError) as error:
            # The database went away meanwhile: the next round says so, and waits.
            logger.error("calls are not written: %s", error)

    @contextlib.contextmanager
    def _given_up(self, record: object) -> Iterator[None]:
        try:
            yield
        except _REFUSED:
            logger.exception("not written: %r", record)

    async def _flush(self) -> None:
        records = list(self._calls.values())[:BATCH]
        await self._store.save_calls(records)
        for record in records:
            if self._calls.get(record.id) is record:
                del self._calls[record.id]
        for callback_id, callback in list(self._callbacks.items()):
            await self._store.save_callback(callback)
            if self._callbacks.get(callback_id) is callback:
                del self._callbacks[callback_id]
        for identity, agent in list(self._agents.items()):
            await self._store.save_agent(agent)
            if self._agents.get(identity) is agent:
                del self._agents[identity]
        while self._events:
            batch = [self._events[index] for index in range(min(BATCH, len(self._events)))]
            await self._store.add_events(batch)
            # Events have ids of their own, so what was written and is still here is written once more without harm.
            for event in batch:
                if self._events and self._events[0] is event:
                    self._events.popleft()
