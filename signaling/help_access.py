"""Who may read and do what about calls over HTTP, and what every such request shares."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web
from sqlalchemy import exc

from signaling.auth import ANY_ROOM, Claims
from signaling.call_records import CallRecord, Notes, QueueRecord, Rating
from signaling.errors import ApiError
from signaling.http_common import Handler

logger = logging.getLogger(__name__)
RETRY_S = 5.0
TIMEZONE = "Asia/Shanghai"
_GONE = (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, OSError)
_dumps = functools.partial(json.dumps, ensure_ascii=False)


class LiveHelp(Protocol):
    """What REST needs of the part that holds the calls which go on."""

    async def rate_held(self, claims: Claims, call_id: str, rating: Rating) -> bool:
        """Rate a call that is still held, and see it stored. False: it is not held. Raises ApiError."""

    async def note_held(self, claims: Claims, call_id: str, notes: Notes) -> bool:
        """Write notes on a call that is still held, and see them stored. False: it is not held. Raises ApiError."""

    def rated_late(self, before: CallRecord, rating: Rating) -> None:
        """A call that is not held was rated, and the database has it; ``before``: as it was until then."""

    async def queues_changed(self, queues: Sequence[QueueRecord]) -> None:
        """These are the queues from now on; the database has them already."""


class NoLiveHelp:
    """For a service that holds no calls."""

    async def rate_held(self, claims: Claims, call_id: str, rating: Rating) -> bool:
        """Never held."""
        return False

    async def note_held(self, claims: Claims, call_id: str, notes: Notes) -> bool:
        """Never held."""
        return False

    def rated_late(self, before: CallRecord, rating: Rating) -> None:
        """Nobody counts."""

    async def queues_changed(self, queues: Sequence[QueueRecord]) -> None:
        """Nobody minds."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody may see: all of ``room`` (None: every room), or of it only the calls of ``agent``."""

    room: str | None
    agent: str | None = None

    def require(self, call: CallRecord, took_part: bool) -> None:
        """Raise ApiError ``call_not_found`` (another room's) or ``not_in_call``. ``took_part``: without being the last
        who had it."""
        if self.agent is not None:
            if call.agent != self.agent and not took_part:
                raise ApiError("not_in_call")
        elif self.room not in (None, call.room):
            raise ApiError("call_not_found")


def oversees(claims: Claims) -> bool:
    """Whether somebody sees other people's calls, in the rooms of the token."""
    return claims.grants.supervise or claims.grants.manage


def scope(claims: Claims, room: str | None = None) -> Scope:
    """What ``claims`` may see of ``room`` (None: of all that they may). Raises ApiError ``forbidden``."""
    if oversees(claims):
        if room is not None and not claims.covers(room):
            raise ApiError("forbidden")
        return Scope(room if room is not None else own_room(claims))
    if claims.grants.desk:
        return Scope(room, claims.identity)
    raise ApiError("forbidden")


def room_scope(claims: Claims, room: str | None, *, desk: bool = False) -> str | None:
    """The room, or None for every one, that a supervisor (``desk``: an agent too) asks about. Raises ``forbidden``."""
    if not oversees(claims) and not (desk and claims.grants.desk):
        raise ApiError("forbidden")
    if room is not None and not claims.covers(room):
        raise ApiError("forbidden")
    return room if room is not None else own_room(claims)


def own_room(claims: Claims) -> str | None:
    """The room of the token; None: all."""
    return None if claims.room == ANY_ROOM else claims.room


def guarded(handler: Handler) -> Handler:
    """Say ``store_unavailable`` when the database is gone."""

    @functools.wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except _GONE as error:
            logger.error("%s %s: %s", request.method, request.path, error)
            raise ApiError("store_unavailable", retry_after_s=RETRY_S) from None

    return handle


@contextlib.contextmanager
def reachable() -> Iterator[None]:
    """The same for whoever asks the database outside of HTTP."""
    try:
        yield
    except (exc.SQLAlchemyError, OSError) as error:
        logger.error("the database: %s", error)
        raise ApiError("store_unavailable", retry_after_s=RETRY_S) from None


def answer(body: Any, status: int = 200) -> web.Response:
    """JSON about people: for nobody's cache."""
    return web.json_response(body, status=status, headers={"Cache-Control": "no-store"}, dumps=_dumps)
