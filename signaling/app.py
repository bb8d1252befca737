"""The composition root: puts configuration, database, Workers, hub and HTTP together, and takes them apart again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import ifaddr
from aiohttp import web

from media.pool import PoolConfig, WorkerPool
from signaling import __version__, files, help_admin, help_rest, recordings_rest, rest, review_rest, review_work, whip
from signaling.auth import ANY_ROOM, MAX_SKILL, ROLE_GRANTS, ROOM_NAME, Authority, Role, valid_identity
from signaling.config import Config
from signaling.errors import ApiError, bad_message
from signaling.help_held import HeldCalls
from signaling.http_common import cors, errors, read_body
from signaling.hub import Hub
from signaling.pages import Pages
from signaling.session import SessionLimits, serve_websocket
from signaling.shapes import Length, read_object
from signaling.store import Store
from signaling.tls import context, ensure_self_signed

logger = logging.getLogger(__name__)

WEB_ROOT = Path(__file__).resolve().parent.parent / "web"
STOP_TIMEOUT_S = 4.5


@dataclass(frozen=True, slots=True)
class DemoToken:
    """The body of ``POST /dev/token``."""

    room: Annotated[str, Length(1, 64)]
    identity: Annotated[str, Length(1, 128)]
    role: Role
    name: Annotated[str, Length(0, 64)] = ""
    skills: tuple[Annotated[str, Length(1, MAX_SKILL)], ...] = ()


async def load_authority(config: Config, store: Store) -> Authority:
    """The keys of the settings, else (demo mode) a generated one that the database keeps. Raises ValueError."""
    keys = dict(config.auth.keys)
    if not keys and config.demo.enabled:
        keys = await store.ensure_key()
    return Authority(keys, await store.revocations())


class Node:
    """A running service. :meth:`start`, then :meth:`stop` once; ``port`` is the one really taken."""

    def __init__(self, config: Config, *, log_level: str = "INFO", limits: SessionLimits | None = None) -> None:
        self.config = config
        self.store = Store(config.store.url, time.time)
        self.pool = WorkerPool(
            PoolConfig(
                workers=config.media.workers or os.cpu_count() or 1,
                host=config.media.host,
                port=config.media.port,
                advertise=config.media.advertise,
                log_level=log_level,
            )
        )
        self.port = 0
        self._limits = limits or SessionLimits()
        self._hub: Hub | None = None
        self._runner: web.AppRunner | None = None

    @property
    def hub(self) -> Hub:
        """The hub, once started."""
        if self._hub is None:
            raise RuntimeError("the node has not been started")
        return self._hub

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "https" if self.config.http.tls or self.config.http.tls_cert else "http"

    async def start(self) -> None:
        """Open the database, start the Workers, listen. Raises OSError, WorkerLost, SQLAlchemyError or ValueError."""
        try:
            await self.store.open()
            authority = await load_authority(self.config, self.store)
            hub = Hub(self.config, self.pool, self.store, authority, clock=asyncio.get_running_loop().time)
            self._hub = hub
            self.pool.on_event = hub.lifecycle.on_event
            self.pool.on_lost = hub.lifecycle.on_lost
            await self.pool.start()
            await hub.start()
            await self._listen(hub)
        except BaseException:
            await self.stop()
            raise

    async def _listen(self, hub: Hub) -> None:
        http = self.config.http
        self._runner = web.AppRunner(
            make_app(hub, self.config, self._limits, self.pool),
            handle_signals=False,
            access_log=None,
            shutdown_timeout=1.0,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, http.host, http.port, ssl_context=self._tls(), backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]
        logger.info("listening on %s://%s:%d", self.scheme, http.host, self.port)

    def _tls(self) -> ssl.SSLContext | None:
        http = self.config.http
        if http.tls_cert:
            return context(Path(http.tls_cert), Path(http.tls_key))
        if not http.tls:
            return None
        return context(*ensure_self_signed(Path("data"), own_names()))

    async def stop(self) -> None:
        """Tell everybody, stop the Workers, let go of everything: within 5 s whatever hangs. Safe to call twice."""
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                if self._hub is not None:
                    await self._hub.close()
                await asyncio.gather(self._stop_http(), self.pool.close())
        except TimeoutError:
            logger.error("the node did not stop in time")
        with contextlib.suppress(Exception):
            await self.store.close()

    async def _stop_http(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


def make_app(hub: Hub, config: Config, limits: SessionLimits, pool: WorkerPool | None = None) -> web.Application:
    """All the routes around a hub. ``pool`` is asked for its health."""
    shared = ["/api/v1/calls/", *(["/dev/token"] if config.demo.enabled else [])]
    middlewares = [cors(config.http.allow_origins, shared), errors]
    app = web.Application(middlewares=middlewares, client_max_size=256 * 1024)

    async def websocket(request: web.Request) -> web.StreamResponse:
        return await serve_websocket(request, hub, limits)

    async def health(_request: web.Request) -> web.Response:
        workers = [] if pool is None else [handle for handle in pool.workers.values() if handle.alive]
        ready = not hub.closing and (pool is None or bool(workers))
        body = {
            "status": "ok" if ready else "unavailable",
            "version": __version__,
            "workers": len(workers),
            "rooms": len(hub.rooms),
            "peers": len(hub.peers),
        }
        return web.json_response(body, status=200 if ready else 503, headers={"Cache-Control": "no-store"})

    app.router.add_get("/ws", websocket)
    app.router.add_get("/healthz", health)
    app.add_routes(rest.routes(hub))
    app.add_routes(whip.routes(hub))
    held = HeldCalls(hub.helping)
    app.add_routes(help_rest.routes(hub, held))
    app.add_routes(help_admin.routes(hub, held))
    app.add_routes(recordings_rest.routes(hub))
    app.add_routes(review_rest.routes(hub))
    app.add_routes(review_work.routes(hub))
    app.add_routes(files.routes(hub.helping.files, hub.helping.file_access, hub.helping.takes_files))
    if config.demo.enabled:
        app.router.add_post("/dev/token", _demo_token(hub))
    pages = Pages(WEB_ROOT, demo=config.demo.enabled, images=config.help.image_origins)
    app.add_routes(pages.routes())
    return app


def _demo_token(hub: Hub) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def make(request: web.Request) -> web.StreamResponse:
        wanted: DemoToken = read_object(DemoToken, await read_body(request))
        if wanted.role == "admin":
            # It would manage every room of whoever started a demo on an open network.
            raise ApiError("forbidden")
        grants = ROLE_GRANTS[wanted.role]
        if wanted.room == ANY_ROOM:
            if not grants.desk:
                raise bad_message("room", "choice")
            grants = replace(grants, manage=False)
        try:
            token = hub.authority.mint(
                room=wanted.room,
                identity=wanted.identity,
                role=wanted.role,
                name=wanted.name or None,
                grants=grants,
                skills=wanted.skills,
                now=hub.wall(),
                lifetime_s=hub.config.auth.token_lifetime_s,
            )
        except ValueError:
            raise bad_message(_wrong_field(wanted), "choice") from None
        return web.json_response({"token": token}, headers={"Cache-Control": "no-store"})

    return make


def _wrong_field(wanted: DemoToken) -> str:
    if wanted.room != ANY_ROOM and not ROOM_NAME.fullmatch(wanted.room):
        return "room"
    return "skills" if valid_identity(wanted.identity) else "identity"


def own_names() -> list[str]:
    """Host names and addresses under which somebody on this network reaches this machine."""
    names = {"localhost", "127.0.0.1", socket.gethostname()}
    for adapter in ifaddr.get_adapters():
        names.update(str(ip.ip) for ip in adapter.ips if isinstance(ip.ip, str))
    return sorted(names)


async def serve(config: Config, log_level: str = "INFO") -> None:
    """Run a node until SIGINT or SIGTERM."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    node = Node(config, log_level=log_level)
    await node.start()
    try:
        await stopping.wait()
        logger.info("stopping")
    finally:
        await node.stop()
