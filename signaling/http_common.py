"""What all of HTTP shares: one shape for every refusal, ``{"error": {"code", "message", ...}}``, bearer tokens, bodies."""

from __future__ import annotations

import functools
import json
import logging
import math
import secrets
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any

from aiohttp import web

from signaling.auth import Claims
from signaling.errors import ApiError, as_locale
from signaling.shapes import parse_json

if TYPE_CHECKING:
    from signaling.hub import Hub

logger = logging.getLogger(__name__)
# People read these in a terminal.
_readable = functools.partial(json.dumps, ensure_ascii=False)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MAX_BODY = 16 * 1024
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept-Language, X-File-Name",
    "Access-Control-Max-Age": "7200",
}
_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 413: "message_too_large"}


def error_response(request: web.Request, error: ApiError) -> web.Response:
    """The response for a refusal, with ``Retry-After`` and ``WWW-Authenticate`` (RFC 6750) where they belong."""
    headers = {"Cache-Control": "no-store"}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer" if error.code == "token_missing" else 'Bearer error="invalid_token"'
    locale = as_locale(request.headers.get("Accept-Language"))
    return web.json_response({"error": error.body(locale)}, status=error.status, headers=headers, dumps=_readable)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every exception into the one shape; what is our own bug is logged under an incident number."""
    try:
        return await handler(request)
    except ApiError as error:
        return error_response(request, error)
    except web.HTTPException as exc:
        code = _BY_STATUS.get(exc.status)
        if code is None:
            raise
        response = error_response(request, ApiError(code))
        if "Allow" in exc.headers:
            response.headers["Allow"] = exc.headers["Allow"]
        return response
    except Exception as exc:
        if isinstance(exc, ConnectionError) and (request.transport is None or request.transport.is_closing()):
            # Whoever asked has hung up, as a page does that is closed: nobody's bug, and nobody is there to be told.
            logger.debug("%s %s: the client is gone", request.method, request.path)
            return web.Response(status=408)
        incident = secrets.token_hex(4)
        logger.exception("incident %s in %s %s", incident, request.method, request.path)
        return error_response(request, ApiError("internal", incident=incident))


def bearer(request: web.Request) -> str | None:
    """The token of the Authorization header (RFC 6750 section 2.1), or None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def authenticate(request: web.Request, hub: Hub, room: str | None = None) -> Claims:
    """Who asks. Raises ApiError ``token_*``."""
    return hub.authenticate(bearer(request), room)


def allowed_origin(request: web.Request, allowed: Collection[str]) -> dict[str, str]:
    """What lets a page of another origin read the answer (Fetch standard, CORS), if ``allowed`` names it or is ``*``."""
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*"}
    origin = request.headers.get("Origin", "")
    return {"Vary": "Origin", **({"Access-Control-Allow-Origin": origin} if origin in allowed else {})}


def cors(allowed: Collection[str], shared: Collection[str]) -> Any:
    """Let pages of the ``allowed`` origins use the addresses that begin with one of ``shared``. No cookies are involved:
    whoever calls needs a token."""

    @web.middleware
    async def share(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(tuple(shared)):
            return await handler(request)
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            response: web.StreamResponse = web.Response(status=204, headers=PREFLIGHT)
        else:
            response = await handler(request)
        response.headers.update(allowed_origin(request, allowed))
        return response

    return share


async def read_body(request: web.Request, limit: int = MAX_BODY) -> dict[str, Any]:
    """A JSON body of at most ``limit`` bytes. Raises ApiError."""
    if request.content_type != "application/json":
        raise ApiError("unsupported_media_type")
    if (request.content_length or 0) > limit:
        raise ApiError("message_too_large", limit_kib=limit // 1024)
    body = await request.content.read(limit + 1)
    while len(body) <= limit and (more := await request.content.read(limit + 1)):
        body += more
    if len(body) > limit:
        raise ApiError("message_too_large", limit_kib=limit // 1024)
    return parse_json(body)
