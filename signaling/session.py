"""One WebSocket: reads requests one after the other, writes from a bounded outbox, and keeps its deadlines.

Closing is never done from inside :meth:`Session.send` or :meth:`Session.finish`, so that a Room can speak to all its
Peers without one of them changing the Room meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from signaling.auth import ANY_ROOM
from signaling.dispatch import dispatch
from signaling.errors import CLOSE_NORMAL, ApiError, Locale, as_locale, bad_message
from signaling.hub import Hub
from signaling.limits import TokenBucket
from signaling.message_types import MAX_MESSAGE, Request
from signaling.messages import (
    PROTOCOL_VERSION,
    Envelope,
    Join,
    Leave,
    dump,
    read_envelope,
    read_request,
)
from signaling.peer import DESK, Peer
from signaling.subscribing import NOTHING

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Deadlines in seconds; the outbox in messages and characters; ``max_refused`` rate-limited messages in a row;

    ``max_unjoined`` sockets of the whole Node that have not joined yet.
    """

    join_s: float = 5.0
    idle_s: float = 45.0
    ping_s: float = 15.0
    request_s: float = 15.0
    close_s: float = 2.0
    outbox_messages: int = 256
    outbox_chars: int = 1024 * 1024
    rate: float = 20.0
    burst: float = 60.0
    max_refused: int = 100
    max_unjoined: int = 1000


class Session:
    """Implements :class:`signaling.peer.Outlet` for a Peer once it has joined."""

    def __init__(
        self,
        hub: Hub,
        ws: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        locale: Locale,
        limits: SessionLimits,
    ) -> None:
        self._hub = hub
        self._ws = ws
        self._transport = transport
        self._locale = locale
        self._limits = limits
        self._peer: Peer | None = None
        self._outbox: deque[str] = deque()
        self._outbox_chars = 0
        self._ping_due = False
        self._wake = asyncio.Event()
        self._ending: tuple[int, str] | None = None
        self._started_at = self._heard_at = hub.clock()
        self._timer: asyncio.TimerHandle | None = None
        self._bucket = TokenBucket(limits.rate, limits.burst, self._heard_at)
        self._refused = 0
        self._waits = False

    # --- the Peer's side -----------------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Queue one frame. A client that does not read loses its session, not the Room its pace."""
        if self._ending is not None:
            return
        if len(self._outbox) >= self._limits.outbox_messages or self._outbox_chars > self._limits.outbox_chars:
            error = ApiError("slow_consumer")
            self._outbox.clear()
            self.finish(error.info.close, error.code)
            return
        self._outbox.append(text)
        self._outbox_chars += len(text)
        self._wake.set()

    def finish(self, code: int, reason: str) -> None:
        """Close once the outbox is empty, or after ``close_s`` whatever is in it."""
        if self._ending is None:
            self._ending = (code, reason)
            self._wake.set()
            self._set_timer(2 * self._limits.close_s, self._abort)

    # --- its life ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until the connection ends."""
        self._waits = True
        self._hub.unjoined += 1
        writer = asyncio.create_task(self._write())
        self._set_timer(min(self._limits.join_s, self._limits.ping_s), self._watch)
        try:
            await self._read()
        finally:
            if self._peer is not None:
                self._hub.dropped(self._peer, self)
            self._count_joined()
            self.finish(CLOSE_NORMAL, "")
            await asyncio.wait({writer}, timeout=2 * self._limits.close_s)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            if self._timer is not None:
                self._timer.cancel()

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    text = self._outbox.popleft()
                    self._outbox_chars -= len(text)
                    await self._ws.send_str(text)
                if self._ending is not None:
                    break
                if self._ping_due:
                    self._ping_due = False
                    await self._ws.ping()
            await self._close(*self._ending)

    async def _close(self, code: int, reason: str) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.close_s):
                await self._ws.close(code=code, message=reason.encode()[:120])

    def _abort(self) -> None:
        """The client neither reads nor goes: cut the connection, which also wakes a writer that is stuck on it."""
        if self._transport is not None:
            self._transport.abort()

    def _set_timer(self, delay_s: float, action: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, action)

    def _watch(self) -> None:
        """Deadlines for the join and for silence; a ping in between, so that a living browser is never silent."""
        now, limits = self._hub.clock(), self._limits
        joining = self._peer is None
        left = limits.join_s - (now - self._started_at) if joining else limits.idle_s - (now - self._heard_at)
        if left <= 0:
            self._refuse(None, ApiError("join_timeout" if joining else "idle_timeout"), final=True)
            return
        self._set_timer(min(left, limits.ping_s), self._watch)
        self._ping_due = True
        self._wake.set()

    async def _read(self) -> None:
        while self._ending is None:
            message = await self._ws.receive()
            self._heard_at = self._hub.clock()
            if message.type is WSMsgType.TEXT:
                await self._on_text(message.data)
            elif message.type is WSMsgType.BINARY:
                self._refuse(None, bad_message("", "type"), final=True)
            elif message.type is WSMsgType.PING:
                if self._bucket.take(self._heard_at) == 0:
                    await self._ws.pong(message.data)
            elif message.type is not WSMsgType.PONG:
                return

    # --- requests ------------------------------------------------------------------------------------------------

    async def _on_text(self, text: str) -> None:
        envelope: Envelope | None = None
        try:
            wait_s = self._bucket.take(self._heard_at)
            envelope = read_envelope(text)
            if wait_s > 0:
                raise ApiError("rate_limited", retry_after_s=wait_s)
            self._refused = 0
            request = read_request(envelope)
            async with asyncio.timeout(self._limits.request_s):
                await self._on_request(envelope, request)
        except ApiError as error:
            self._refuse(envelope, error, final=self._is_final(envelope, error))
        except TimeoutError:
            self._refuse(envelope, ApiError("request_timeout"), final=False)
        except Exception:
            incident = secrets.token_hex(4)
            logger.exception("incident %s in %s", incident, envelope.type if envelope else "a message")
            self._refuse(envelope, ApiError("internal", incident=incident), final=self._peer is None)

    def _is_final(self, envelope: Envelope | None, error: ApiError) -> bool:
        """Which refusals end the session: what cannot be a mistake of one request, and everything before a join."""
        if error.code == "rate_limited":
            self._refused += 1
            return self._refused >= self._limits.max_refused
        return self._peer is None or error.code == "message_too_large"

    async def _on_request(self, envelope: Envelope, request: Request) -> None:
        if isinstance(request, Join):
            if self._peer is not None:
                raise ApiError("already_joined")
            await self._join(envelope, request)
            return
        if self._peer is None:
            raise ApiError("join_required")
        if self._peer.outlet is not self:
            raise ApiError("session_not_found")
        fields = await dispatch(self._hub, self._peer, request)
        self._reply(envelope, fields)
        if isinstance(request, Leave):
            await self._hub.leave(self._peer)

    def _reply(self, envelope: Envelope, fields: dict[str, Any]) -> None:
        self.send(dump({"re": envelope.id, "type": "ok", **fields}))

    def _refuse(self, envelope: Envelope | None, error: ApiError, *, final: bool) -> None:
        about = {} if envelope is None or envelope.id is None else {"re": envelope.id}
        self.send(dump({**about, "type": "error", **error.body(self._locale)}))
        if final:
            self.finish(error.info.close, error.code)

    # --- joining -------------------------------------------------------------------------------------------------

    async def _join(self, envelope: Envelope, request: Join) -> None:
        self._locale = request.locale or self._locale
        if request.v != PROTOCOL_VERSION:
            raise ApiError("version_unsupported")
        hub = self._hub
        # A token for every room stays one at the desk; in a room it is for that room alone.
        claims = hub.authenticate(request.token, None if request.desk else request.room)
        if claims.room == ANY_ROOM and not request.desk:
            raise bad_message("room", "missing")
        if request.resume is not None:
            room = DESK if request.desk else claims.room
            peer = hub.resume(request.resume.peer, request.resume.key, claims, room)
            if peer is not None:
                await self._resumed(envelope, peer, request.resume.seq)
                return
        if request.desk:
            peer = hub.attend(claims, locale=self._locale, client=request.client)
            self._reply(envelope, {**self._welcome(peer), "resumed": False, "desk": hub.reception.snapshot(peer)})
            self._attach(peer)
            return
        peer = await hub.join(
            claims,
            locale=self._locale,
            subscribe="auto" if request.subscribe == "auto" else NOTHING,
            codecs=request.codecs,
            client=request.client,
        )
        try:
            offer = await hub.subscribing.first_offer(peer)
        except BaseException:
            # A deadline or a closed connection: nobody is going to come back for this Peer.
            await hub.leave(peer, "join_failed")
            raise
        fields = {**self._welcome(peer), "resumed": False, "room": hub.snapshot(hub.room_of(peer), peer)}
        if offer is not None:
            fields["offer"] = offer
        self._reply(envelope, fields)
        self._attach(peer)
        hub.subscribing.schedule(hub.room_of(peer), peer)

    async def _resumed(self, envelope: Envelope, peer: Peer, seq: int) -> None:
        room = self._hub.room_of(peer)
        peer.locale = self._locale
        missed = peer.missed(seq)
        fields = {**self._welcome(peer), "resumed": True}
        if missed is None and peer.room == DESK:
            fields["desk"] = self._hub.reception.snapshot(peer)
        elif missed is None:
            fields["room"] = self._hub.snapshot(room, peer)
        else:
            fields["seq"] = seq
        self._reply(envelope, fields)
        for text in missed or ():
            self.send(text)
        self._attach(peer, resumed=True)
        self._hub.returned(peer)
        await self._hub.subscribing.resend(room, peer)

    def _attach(self, peer: Peer, *, resumed: bool = False) -> None:
        self._peer, peer.outlet = peer, self
        self._count_joined()
        if not resumed:
            self._hub.attached(peer)

    def _count_joined(self) -> None:
        if self._waits:
            self._waits = False
            self._hub.unjoined -= 1

    def _welcome(self, peer: Peer) -> dict[str, Any]:
        claims, limits = peer.claims, self._limits
        return {
            "peer": peer.id,
            "resume_key": peer.resume_key,
            "seq": peer.seq,
            "self": {
                "identity": claims.identity,
                "name": claims.name,
                "role": claims.role,
                "grants": claims.grants.to_wire(),
                "expires_at": round(claims.expires_at * 1000),
            },
            "limits": {
                "message_bytes": MAX_MESSAGE,
                "messages_per_s": limits.rate,
                "burst": limits.burst,
                "idle_s": limits.idle_s,
                "resume_window_s": self._hub.room_of(peer).state.policy.resume_window_s,
                "tracks": self._hub.room_of(peer).state.policy.max_tracks,
            },
            "server_time": round(self._hub.wall() * 1000),
        }


async def serve_websocket(request: web.Request, hub: Hub, limits: SessionLimits) -> web.WebSocketResponse:
    """The handler of ``/ws``.

    There is no Origin check: nothing here rests on cookies, only on the token in the first message.
    """
    if hub.unjoined >= limits.max_unjoined:
        raise ApiError("rate_limited", retry_after_s=limits.join_s)
    # Four times the limit gets a readable refusal from us; beyond that aiohttp closes with 1009 by itself.
    ws = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=4 * MAX_MESSAGE, timeout=limits.close_s)
    await ws.prepare(request)
    session = Session(hub, ws, request.transport, as_locale(request.headers.get("Accept-Language")), limits)
    await session.run()
    return ws
