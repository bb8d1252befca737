"""An example of a shop's backend for one-to-one help: its page on an origin of its own, tokens, signed context, cards.

``python -m scripts.example_shop`` serves ``web/example/`` on port 8090 and answers

- ``GET /shop/token``: a token for whoever this browser is (in demo mode the Node makes it; a real shop signs its own),
- ``GET /shop/envelope?product=H7``: the signed context of docs/widget.md, good for one call,
- ``POST /shop/hook``: what the Node asks when somebody calls; the answer is cards for the agent's side panel.

It prints the settings that the Node needs. There is nothing of Lianmai in it but the two formats, so that it can be read
and copied; everything that a shop would look up is a table in :mod:`scripts.example_goods`.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import logging
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from aiohttp import web

from scripts.example_goods import CUSTOMERS, ORDERS, PRODUCTS, Customer, cards

logger = logging.getLogger("example_shop")
PAGES = Path(__file__).resolve().parent.parent / "web" / "example"
#: What stands in the page for the Node's address.
PLACEHOLDER = "http://localhost:8080"
COOKIE = "shop_visitor"
ENVELOPE_S = 300
NODE_S = 5.0
HOOK_TOLERANCE_S = 300.0
ROOM = "help"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True, slots=True)
class Settings:
    """``node`` is where the Node's pages are; ``kid`` and ``secret`` sign the context, ``hook_secret`` the hook's questions."""

    node: str
    kid: str = "shop"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    hook_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def for_the_node(self, own: str) -> dict[str, str]:
        """The environment of a Node that works with this shop; ``own`` is our address, as the Node reaches it."""
        return {
            "LIANMAI_HELP_SHOPS": f"{self.kid}={self.secret}",
            "LIANMAI_HELP_HOOK_URL": f"{own}/shop/hook",
            "LIANMAI_HELP_HOOK_SECRET": self.hook_secret,
        }


def identity_of(visitor: str) -> str:
    """Who a browser is to the Node. The cookie itself is a secret, and an identity is not."""
    return "shop-" + hashlib.sha256(visitor.encode()).hexdigest()[:16]


def customer_of(identity: str) -> Customer:
    """The account behind an identity: a real shop has a session for that."""
    return CUSTOMERS[int(hashlib.sha256(identity.encode()).hexdigest(), 16) % len(CUSTOMERS)]


def seal(settings: Settings, identity: str, product: str | None, order: str | None, now: float) -> str:
    """The signed context for one call (docs/widget.md)."""
    customer = customer_of(identity)
    claims: dict[str, Any] = {
        "sub": identity,
        "iat": int(now),
        "exp": int(now) + ENVELOPE_S,
        "jti": secrets.token_urlsafe(16),
        "person": {"id": customer.id, "name": customer.name, "value": customer.value, "tags": list(customer.tags)},
        "value": customer.value,
        "language": customer.language,
    }
    goods = PRODUCTS.get(product or "")
    if goods is not None:
        claims["entry"] = "product"
        claims["product"] = {"id": goods.id, "title": goods.title, "price": goods.price, "url": goods.url}
        claims["skills"] = list(goods.skills)
    bought = ORDERS.get(order or "")
    # Somebody else's order is nobody's business.
    if bought is not None and bought.customer == customer.id:
        claims["entry"] = "order"
        claims["order"] = {"id": bought.id, "title": bought.title}
    return jwt.encode(claims, settings.secret, algorithm="HS256", headers={"kid": settings.kid})


def is_from_the_node(settings: Settings, body: bytes, header: str, now: float) -> bool:
    """Whether the Node has signed this, not long ago: ``t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>">``."""
    parts = dict(part.strip().partition("=")[::2] for part in header.split(","))
    at, given = parts.get("t", ""), parts.get("v1", "")
    if not (at.isascii() and at.isdigit() and len(at) <= 12) or abs(now - int(at)) > HOOK_TOLERANCE_S:
        return False
    wanted = hmac.new(settings.hook_secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), given.encode(errors="replace"))


class Shop:
    """The handlers."""

    def __init__(self, settings: Settings, wall: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._wall = wall
        self._node: aiohttp.ClientSession | None = None

    def app(self) -> web.Application:
        """The application, ready to be served."""
        app = web.Application(client_max_size=64 * 1024, middlewares=[_careful])
        app.router.add_get("/", self._page)
        app.router.add_get("/shop/token", self._token)
        app.router.add_get("/shop/envelope", self._envelope)
        app.router.add_post("/shop/hook", self._hook)
        for path in sorted(PAGES.iterdir()):
            if path.suffix in TYPES:
                app.router.add_get(f"/{path.name}", self._page)
        app.on_cleanup.append(self._close)
        return app

    async def _page(self, request: web.Request) -> web.Response:
        path = PAGES / (request.path.removeprefix("/") or "index.html")
        text = path.read_bytes()
        if path.suffix == ".html":
            text = text.replace(PLACEHOLDER.encode(), self._settings.node.encode())
        response = web.Response(body=text, content_type=TYPES[path.suffix], headers={"Cache-Control": "no-cache"})
        response.charset = "utf-8"
        self._visitor(request, response)
        return response

    async def _token(self, request: web.Request) -> web.Response:
        room = request.query.get("room", ROOM)
        if room != ROOM and not room.startswith(f"{ROOM}."):
            raise web.HTTPForbidden(text="not one of our rooms")
        response = web.Response(content_type="application/json")
        identity = self._visitor(request, response)
        wanted = {"room": room, "identity": identity, "role": "shopper", "name": customer_of(identity).name}
        if self._node is None:
            self._node = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=NODE_S))
        try:
            async with self._node.post(f"{self._settings.node}/dev/token", json=wanted) as answer:
                given = await answer.json() if answer.status == 200 else {}
        except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
            logger.warning("no token from %s: %s", self._settings.node, exc)
            given = {}
        token = given.get("token") if isinstance(given, dict) else None
        if not isinstance(token, str):
            raise web.HTTPBadGateway(text="the live service gives no tokens; is it in demo mode?")
        response.text = json.dumps({"token": token})
        return response

    async def _envelope(self, request: web.Request) -> web.Response:
        response = web.Response(content_type="application/json")
        identity = self._visitor(request, response)
        query = request.query
        text = seal(self._settings, identity, query.get("product"), query.get("order"), self._wall())
        response.text = json.dumps({"envelope": text})
        return response

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not is_from_the_node(self._settings, body, request.headers.get("X-Lianmai-Signature", ""), self._wall()):
            raise web.HTTPUnauthorized(text="the signature is missing, wrong or old")
        try:
            question = json.loads(body)
        except (ValueError, RecursionError):
            question = None
        if not isinstance(question, Mapping):
            raise web.HTTPBadRequest(text="not a question")
        # Only a signed context says who it is; the identity of the token is ours as well.
        customer = customer_of(str(question.get("identity", "")))
        return web.json_response({"cards": cards(question, customer)})

    def _visitor(self, request: web.Request, response: web.Response) -> str:
        """Who this browser is; it is given a cookie if it has none."""
        visitor = request.cookies.get(COOKIE, "")
        if not 20 <= len(visitor) <= 64:
            visitor = secrets.token_urlsafe(24)
            response.set_cookie(
                COOKIE, visitor, max_age=30 * 86400, httponly=True, samesite="Lax", secure=request.secure, path="/"
            )
        return identity_of(visitor)

    async def _close(self, _app: web.Application) -> None:
        if self._node is not None:
            await self._node.close()


@web.middleware
async def _careful(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Nothing of a person is kept by caches, and no other origin reads tokens: there is no CORS header at all."""
    response = await handler(request)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def settings_of(options: argparse.Namespace) -> Settings:
    """From the command line; secrets that are not given are made up. Raises ValueError for a key without an id."""
    node = options.node.rstrip("/")
    kid, _, secret = options.key.partition("=")
    if options.key and not (kid and secret):
        raise ValueError("--key is id=secret")
    hook = options.hook_secret or secrets.token_urlsafe(32)
    return Settings(node, kid, secret, hook) if options.key else Settings(node, hook_secret=hook)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8090, help="port (8090)")
    parser.add_argument("--node", default=PLACEHOLDER, help=f"where the live service is ({PLACEHOLDER})")
    parser.add_argument("--own", default="", help="our address as the service reaches it (http://HOST:PORT)")
    parser.add_argument(
        "--key", default=os.environ.get("EXAMPLE_SHOP_KEY", ""), help="id=secret of the signed context (EXAMPLE_SHOP_KEY)"
    )
    parser.add_argument(
        "--hook-secret",
        default=os.environ.get("EXAMPLE_SHOP_HOOK_SECRET", ""),
        help="signs the hook's questions (EXAMPLE_SHOP_HOOK_SECRET)",
    )
    options = parser.parse_args(arguments)
    try:
        settings = settings_of(options)
    except ValueError as error:
        parser.error(str(error))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    own = options.own.rstrip("/") or f"http://{options.host}:{options.port}"
    if not (options.key and options.hook_secret):
        print("Start the live service with:")
        for name, value in settings.for_the_node(own).items():
            print(f"  {name}='{value}'")
    print(f"The shop: {own}/", flush=True)
    web.run_app(Shop(settings).app(), host=options.host, port=options.port, print=None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
