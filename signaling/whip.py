"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): one HTTP request to go on air, or to watch, without our client.

``POST /whip/{room}`` makes a session whose path cannot be guessed; ``PATCH`` trickles candidates (of no use to an
ICE-lite server, so they are only checked) or restarts ICE; ``DELETE`` ends it. The hub ends it when its transport
fails, its token runs out, or the show is over; its path then answers 404. Refusals are problem details (RFC 9457)
that hold the ``error`` object of every other refusal.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from aiohttp import web

from media.api import IceParams
from media.sdp import parse
from media.sdp_fragment import CONTENT_TYPE as FRAGMENT
from media.sdp_fragment import parse_fragment
from media.sdp_model import SdpError, SessionDescription
from signaling.auth import Claims
from signaling.errors import ApiError, as_locale
from signaling.http_common import allowed_origin, authenticate, error_response
from signaling.hub import Hub
from signaling.limits import TokenBucket
from signaling.peer import Peer

Kind = Literal["whip", "whep"]
Respond = Callable[[web.Request], Awaitable[web.Response]]

SDP = "application/sdp"
MAX_SDP = 64 * 1024
MAX_FRAGMENT = 16 * 1024
BODY_TIMEOUT_S = 10.0
MAX_BUCKETS = 4096
MAX_ENDED = 64
#: Sessions that one identity may make: a burst, and then one every two seconds (RFC 9725 section 5).
POST_RATE, POST_BURST = 0.5, 10.0
#: PATCH requests per session: a client that trickles candidates one by one sends a dozen at once.
PATCH_RATE, PATCH_BURST = 2.0, 40.0
EXPOSED = "Location, ETag, Link, Retry-After, WWW-Authenticate, Accept-Post, Accept-Patch"
_ETAG = re.compile(r'(W/)?"([^"]*)"')


@dataclass(slots=True, eq=False)
class _Session:
    """``etag`` names the ICE session (RFC 9725 section 4.3); ``remote`` are the client's credentials in it."""

    peer: Peer
    remote: IceParams | None
    bucket: TokenBucket
    etag: str = field(default_factory=lambda: secrets.token_hex(8))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


def routes(hub: Hub) -> web.RouteTableDef:
    """The table for :meth:`aiohttp.web.Application.add_routes`."""
    table = web.RouteTableDef()
    for kind in ("whip", "whep"):
        endpoint = _Endpoint(hub, kind)
        table.route("*", f"/{kind}/{{room}}")(endpoint.serve_endpoint)
        table.route("*", f"/{kind}/{{room}}/{{session}}")(endpoint.serve_session)
    return table


class _Endpoint:
    """One of the two protocols, with its sessions."""

    def __init__(self, hub: Hub, kind: Kind) -> None:
        self._hub = hub
        self._kind = kind
        self._sessions: dict[str, _Session] = {}
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    async def serve_endpoint(self, request: web.Request) -> web.StreamResponse:
        """``/{kind}/{room}``."""
        return await self._serve(request, {"POST": self._post}, {"Accept-Post": SDP})

    async def serve_session(self, request: web.Request) -> web.StreamResponse:
        """``/{kind}/{room}/{session}``."""
        methods = {"PATCH": self._patch, "DELETE": self._delete}
        return await self._serve(request, methods, {"Accept-Patch": FRAGMENT})

    async def _serve(
        self, request: web.Request, methods: Mapping[str, Respond], accepts: Mapping[str, str]
    ) -> web.StreamResponse:
        allowed = ", ".join(["GET", "HEAD", "OPTIONS", *methods])
        respond = methods.get(request.method)
        try:
            if respond is not None:
                response = await respond(request)
            elif request.method == "OPTIONS":
                response = web.Response(headers={"Allow": allowed, **accepts, **_preflight(request, methods)})
            elif request.method in ("GET", "HEAD"):
                # Nothing to show, and nothing wrong with asking (RFC 9725 section 4.1). A player that gets a URL of
                # unknown kind recognises a WHEP endpoint by its content type.
                response = web.Response(content_type=SDP if self._kind == "whep" else None, headers=accepts)
            else:
                raise ApiError("method_not_allowed")
        except ApiError as error:
            response = _problem(request, error)
            if response.status == HTTPStatus.METHOD_NOT_ALLOWED:
                response.headers["Allow"] = allowed
            elif response.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
                response.headers.update(accepts)
        shared = allowed_origin(request, self._hub.config.http.allow_origins)
        if "Access-Control-Allow-Origin" in shared:
            shared["Access-Control-Expose-Headers"] = EXPOSED
        response.headers.update(shared)
        return response

    async def _post(self, request: web.Request) -> web.Response:
        claims = authenticate(request, self._hub, request.match_info["room"])
        self._require_pace(claims)
        text = await _body(request, SDP, MAX_SDP)
        # Before the join: an offer that cannot be taken must not push out a session that works.
        offer = self._read_offer(text)
        await self._hub.check_offer(claims, self._kind, text)
        peer = await self._hub.join(
            claims,
            kind=self._kind,
            locale=as_locale(request.headers.get("Accept-Language")),
            client=request.headers.get("User-Agent", "")[:200],
        )
        try:
            if self._kind == "whip":
                answer = (await self._hub.publish(peer, text)).sdp
            else:
                answer = (await self._hub.whep(peer, text)).sdp
        except BaseException:
            await self._hub.leave(peer, "refused")
            raise
        remote = next((media.ice for media in offer.media if media.ice is not None), None)
        bucket = TokenBucket(PATCH_RATE, PATCH_BURST, self._hub.clock())
        session = _Session(peer, remote, bucket)
        self._forget_ended()
        name = secrets.token_urlsafe(18)
        self._sessions[name] = session
        headers = {
            "Location": f"/{self._kind}/{claims.room}/{name}",
            "ETag": f'"{session.etag}"',
            "Accept-Patch": FRAGMENT,
            "Cache-Control": "no-store",
        }
        return web.Response(status=201, text=answer, content_type=SDP, headers=headers)

    async def _patch(self, request: web.Request) -> web.Response:
        session = self._find(request)
        if session.peer.gone:
            raise ApiError("session_not_found")
        wait_s = session.bucket.take(self._hub.clock())
        if wait_s:
            raise ApiError("rate_limited", retry_after_s=wait_s)
        text = await _body(request, FRAGMENT, MAX_FRAGMENT)
        condition = request.headers.get("If-Match")
        if condition is None and self._kind == "whip":
            raise ApiError("precondition_required")
        try:
            fragment = parse_fragment(text)
        except SdpError as exc:
            raise ApiError("sdp_invalid", detail=exc.message) from None
        async with session.lock:
            same = fragment.ice is None or fragment.ice == session.remote
            if condition is None:
                # The most used WHEP library forgets its ETag, and candidates for the session as it is do no harm.
                if not same:
                    raise ApiError("precondition_required")
            elif not _matches(condition, session.etag):
                raise ApiError("etag_mismatch")
            if same:
                return web.Response(status=204)
            reply = await self._hub.restart_fragment(session.peer, fragment)
            session.remote = fragment.ice
            session.etag = secrets.token_hex(8)
            headers = {"ETag": f'"{session.etag}"', "Cache-Control": "no-store"}
            return web.Response(text=reply, content_type=FRAGMENT, headers=headers)

    async def _delete(self, request: web.Request) -> web.Response:
        # A client that closes its transport before it says goodbye has ended the session already; that is no error.
        session = self._find(request)
        del self._sessions[request.match_info["session"]]
        await self._hub.leave(session.peer)
        return web.Response()

    def _find(self, request: web.Request) -> _Session:
        """The session of a request, which must come from the identity that made it. Raises ApiError."""
        claims = authenticate(request, self._hub, request.match_info["room"])
        session = self._sessions.get(request.match_info["session"])
        owner = None if session is None else session.peer.claims
        if session is None or owner is None or (owner.room, owner.identity) != (claims.room, claims.identity):
            raise ApiError("session_not_found")
        return session

    def _forget_ended(self) -> None:
        """Keep of the ended ones only the last, whose ``DELETE`` may be on its way."""
        for name in [name for name, session in self._sessions.items() if session.peer.gone][:-MAX_ENDED]:
            del self._sessions[name]

    def _read_offer(self, text: str) -> SessionDescription:
        try:
            offer = parse(text)
        except SdpError as exc:
            raise ApiError("sdp_invalid", detail=exc.message) from None
        live = [media.kind for media in offer.media if not media.rejected]
        if self._kind == "whip" and any(live.count(kind) > 1 for kind in ("audio", "video")):
            raise ApiError("track_limit")
        return offer

    def _require_pace(self, claims: Claims) -> None:
        now = self._hub.clock()
        key = (claims.room, claims.identity)
        bucket = self._buckets.setdefault(key, TokenBucket(POST_RATE, POST_BURST, now))
        wait_s = bucket.take(now)
        if len(self._buckets) > MAX_BUCKETS:
            full_after_s = POST_BURST / POST_RATE
            recent = {key: item for key, item in self._buckets.items() if now - item.updated_at < full_after_s}
            self._buckets = recent if len(recent) <= MAX_BUCKETS else {}
        if wait_s:
            raise ApiError("rate_limited", retry_after_s=wait_s)


async def _body(request: web.Request, content_type: str, limit: int) -> str:
    """A text body of the right type, at most ``limit`` bytes after decompression. Raises ApiError."""
    if request.content_type != content_type:
        raise ApiError("unsupported_media_type")
    if (request.content_length or 0) > limit:
        raise ApiError("message_too_large")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while chunk := await request.content.read(limit + 1):
                body += chunk
                if len(body) > limit:
                    raise ApiError("message_too_large")
    except TimeoutError:
        raise ApiError("idle_timeout") from None
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise ApiError("sdp_invalid", detail="not UTF-8") from None


def _matches(condition: str, etag: str) -> bool:
    """If-Match by strong comparison (RFC 9110 section 13.1.1)."""
    if condition.strip() == "*":
        return True
    return any(not weak and value == etag for weak, value in _ETAG.findall(condition))


def _status(error: ApiError) -> int:
    """Two tracks of a kind are one thing that RFC 9725 section 4.4.2 has a status for."""
    return HTTPStatus.UNPROCESSABLE_ENTITY if error.code == "track_limit" else error.status


def _problem(request: web.Request, error: ApiError) -> web.Response:
    """Problem details with the members ``code`` and ``error``."""
    response = error_response(request, error)
    body = error.body(as_locale(request.headers.get("Accept-Language")))
    status = HTTPStatus(_status(error))
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": body["message"],
        "code": error.code,
        "error": body,
    }
    response.set_status(status)
    response.text = json.dumps(problem, ensure_ascii=False)
    response.content_type = "application/problem+json"
    return response


def _preflight(request: web.Request, methods: Mapping[str, Respond]) -> dict[str, str]:
    if "Access-Control-Request-Method" not in request.headers:
        return {}
    return {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, Link",
        "Access-Control-Max-Age": "86400",
    }
