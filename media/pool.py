"""The control plane's view of its Workers: start them, talk to them, replace those that die."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from media import api
from media.candidates import advertised
from media.rpc import RpcClient, RpcError, WorkerLost, read_frame
from media.wire_types import ShapeError, decode

__all__ = ["PoolConfig", "RpcError", "WorkerHandle", "WorkerLost", "WorkerPool"]

logger = logging.getLogger(__name__)

R = TypeVar("R")
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 2.0
_RESTART_DELAYS_S = (0.0, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """``workers`` processes on UDP/TCP ports ``port``, ``port + 1``, ...; ``port`` 0 takes free ones.

    ``host`` is the address to bind (empty: all). ``advertise`` replaces the machine's own addresses in candidates
    (NAT 1:1); an entry may be a literal address or, behind a port-forwarding NAT, ``address:port``.
    """

    workers: int = 1
    host: str = ""
    port: int = 0
    advertise: tuple[str, ...] = ()
    log_level: str = "INFO"


@dataclass(slots=True)
class WorkerHandle:
    """One running Worker. A restarted Worker has a new handle with a new ``id``."""

    id: str
    info: api.WorkerInfo
    candidates: tuple[api.Candidate, ...]
    client: RpcClient
    alive: bool = True
    routers: dict[str, set[str]] = field(default_factory=dict)

    @property
    def load(self) -> int:
        """Open Transports: what placing a Room compares."""
        return sum(map(len, self.routers.values()))

    async def call(self, request: api.Request[R], timeout_s: float = 5.0) -> R:
        """Ask this Worker. Raises RpcError when it refuses, WorkerLost when it is gone or too slow."""
        if not self.alive:
            raise WorkerLost("that media worker is gone")
        # Before the answer, so that Rooms placed meanwhile know of it.
        self._opening(request)
        try:
            return await self.client.call(request, timeout_s)
        except RpcError:
            self._refused(request)
            raise

    def _opening(self, request: api.Request[Any]) -> None:
        match request:
            case api.OpenRouter(router_id):
                self.routers.setdefault(router_id, set())
            case api.CloseRouter(router_id):
                self.routers.pop(router_id, None)
            case api.OpenTransport(transport) if transport.router_id in self.routers:
                self.routers[transport.router_id].add(transport.id)
            case api.CloseTransport(transport_id):
                self._closed(transport_id)

    def _refused(self, request: api.Request[Any]) -> None:
        match request:
            case api.OpenRouter(router_id):
                self.routers.pop(router_id, None)
            case api.OpenTransport(transport):
                self._closed(transport.id)

    def note(self, event: api.Event) -> None:
        """Take from an event what ended by itself. What ends is told more than once, and counts once."""
        match event:
            case api.TransportStateChanged(transport_id, state) if state in ("failed", "closed"):
                self._closed(transport_id)
            case api.RouterFailed(router_id):
                self.routers.pop(router_id, None)

    def _closed(self, transport_id: str) -> None:
        for transports in self.routers.values():
            transports.discard(transport_id)


class WorkerPool:
    """Starts ``config.workers`` processes and keeps that many alive.

    ``on_event(handle, event)`` and ``on_lost(handle)`` are called from the event loop; set them before :meth:`start`.
    """

    def __init__(self, config: PoolConfig) -> None:
        self.config = config
        self.workers: dict[int, WorkerHandle] = {}
        self.on_event: Callable[[WorkerHandle, api.Event], None] | None = None
        self.on_lost: Callable[[WorkerHandle], None] | None = None
        self._directory = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._serial = 0
        self._closing = False

    async def start(self) -> None:
        """Start every Worker and wait until all are ready. Raises WorkerLost when one does not come up."""
        self._directory = tempfile.mkdtemp(prefix="lianmai-")
        ready: list[asyncio.Future[None]] = []
        loop = asyncio.get_running_loop()
        for index in range(self.config.workers):
            ready.append(loop.create_future())
            self._tasks.append(loop.create_task(self._keep(index, ready[index])))
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await asyncio.gather(*ready)
        except TimeoutError:
            await self.close()
            raise WorkerLost("media workers did not start in time") from None
        except WorkerLost:
            await self.close()
            raise

    def place(self) -> WorkerHandle:
        """The least loaded Worker, for a new Room. Raises WorkerLost when none is alive."""
        alive = [handle for handle in self.workers.values() if handle.alive]
        if not alive:
            raise WorkerLost("no media worker is running")
        return min(alive, key=lambda handle: (handle.load, len(handle.routers)))

    async def close(self) -> None:
        """Stop every Worker: they are disconnected, then terminated, then killed."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._directory:
            await asyncio.to_thread(shutil.rmtree, self._directory, True)

    async def _keep(self, index: int, ready: asyncio.Future[None]) -> None:
        """Run Worker ``index`` for ever; a crash is followed by a new one, at once the first time."""
        failures = 0
        while not self._closing:
            await asyncio.sleep(_RESTART_DELAYS_S[min(failures, len(_RESTART_DELAYS_S) - 1)])
            try:
                lived = await self._run_one(index, ready)
            except (WorkerLost, OSError) as exc:
                if not ready.done():
                    ready.set_exception(exc if isinstance(exc, WorkerLost) else WorkerLost(str(exc)))
                    return
                logger.error("worker %d did not start: %s", index, exc)
                lived = False
            failures = 0 if lived else failures + 1

    async def _run_one(self, index: int, ready: asyncio.Future[None]) -> bool:
        """Start one process and serve it until it ends. True when it had come up."""
        self._serial += 1
        path = os.path.join(self._directory, f"{index}-{self._serial}.sock")
        connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        connected = asyncio.get_running_loop().create_future()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if connected.done():
                writer.close()
            else:
                connected.set_result((reader, writer))

        server = await asyncio.start_unix_server(accept, path, limit=1 << 20)
        try:
            process = await self._spawn(index, path)
        except BaseException:
            # Also when the pool is closed in this moment.
            server.close()
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        handle: WorkerHandle | None = None
        try:
            handle = await self._greet(index, process, connected)
            self.workers[index] = handle
            if not ready.done():
                ready.set_result(None)
            logger.info("worker %s ready on port %d (pid %d)", handle.id, handle.info.udp_port, handle.info.pid)
            await handle.client.run()
        finally:
            server.close()
            if handle is not None:
                handle.alive = False
                handle.client.close()
            await self._stop(process)
            with contextlib.suppress(OSError):
                os.unlink(path)
        if not self._closing:
            logger.error("worker %s ended with status %s", handle.id, process.returncode)
            try:
                if self.on_lost is not None:
                    self.on_lost(handle)
            except Exception:
                # Whatever the listener made of it, the Worker is to be replaced.
                logger.exception("after the loss of worker %s", handle.id)
        return True

    async def _spawn(self, index: int, path: str) -> asyncio.subprocess.Process:
        config = self.config
        port = config.port + index if config.port else 0
        command = [sys.executable, "-m", "media.worker", "--socket", path, "--port", str(port)]
        command += ["--host", config.host, "--log-level", config.log_level]
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        return await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": search}
        )

    async def _greet(
        self,
        index: int,
        process: asyncio.subprocess.Process,
        connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
    ) -> WorkerHandle:
        exited = asyncio.ensure_future(process.wait())
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                waits: set[asyncio.Future[Any]] = {exited, connected}
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                if not connected.done():
                    raise WorkerLost(f"worker {index} ended at start-up; it said why")
                reader, writer = connected.result()
                hello = await read_frame(reader)
                info = decode(api.WorkerInfo, hello["hello"])
        except (TimeoutError, ConnectionError, KeyError, ShapeError) as exc:
            raise WorkerLost(f"worker {index} did not come up; it said why") from exc
        finally:
            exited.cancel()
        candidates = tuple(advertised(self.config.advertise, self.config.host, info.udp_port, info.tcp_port))
        handle = WorkerHandle(f"w{index}.{self._serial}", info, candidates, None)  # type: ignore[arg-type]
        handle.client = RpcClient(reader, writer, lambda event: self._on_event(handle, event))
        return handle

    def _on_event(self, handle: WorkerHandle, event: api.Event) -> None:
        if isinstance(event, api.CertificateChanged):
            info = handle.info
            handle.info = api.WorkerInfo(info.pid, info.udp_port, info.tcp_port, event.fingerprint)
            return
        handle.note(event)
        if self.on_event is not None:
            self.on_event(handle, event)

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        """The Worker ends by itself when its connection closes; be firm if it does not."""
        for end in (None, process.terminate, process.kill):
            if end is not None:
                with contextlib.suppress(ProcessLookupError):
                    end()
            with contextlib.suppress(TimeoutError):
                await asyncio.shield(asyncio.wait_for(process.wait(), STOP_TIMEOUT_S / 2))
                return
