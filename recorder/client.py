"""The control plane's view of the recorder: start its process, talk to it, replace it when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from media.api import Event, Request
from media.rpc import RpcClient, RpcError, WorkerLost, pack_frame, read_frame
from media.wire_types import ShapeError, decode
from recorder import api

__all__ = ["RecorderConfig", "RecorderHandle", "RecorderPool", "RpcError", "WorkerLost"]

logger = logging.getLogger(__name__)
R = TypeVar("R")
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 8.0
_RESTART_DELAYS_S = (0.0, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class RecorderConfig:
    """``root``: where recordings are kept; ``keys``: the file of master keys, made when it is missing."""

    root: Path
    keys: Path
    log_level: str = "INFO"


@dataclass(slots=True)
class RecorderHandle:
    """One running recorder. One that was started anew has a new handle; ``socket`` is what taps are opened with."""

    id: str
    info: api.RecorderInfo
    socket: str
    client: RpcClient
    alive: bool = True

    async def call(self, request: Request[R], timeout_s: float = 5.0) -> R:
        """Ask it. Raises RpcError when it refuses, WorkerLost when it is gone or the disk hangs."""
        if not self.alive:
            raise WorkerLost("that recorder is gone")
        return await self.client.call(request, timeout_s)


class RecorderPool:
    """Starts the recorder's process and keeps one alive.

    Called from the event loop; set them before :meth:`start`: ``on_event(handle, event)``; ``on_lost(handle)``;
    ``on_ready(handle)``, each time one has come up: its ``info.repaired`` are to be resumed if their calls go on
    (ResumeRecording, AddTrack, OpenTap), and to be finished otherwise.
    """

    def __init__(self, config: RecorderConfig) -> None:
        self.config = config
        self.handle: RecorderHandle | None = None
        self.on_event: Callable[[RecorderHandle, Event], None] | None = None
        self.on_lost: Callable[[RecorderHandle], None] | None = None
        self.on_ready: Callable[[RecorderHandle], None] | None = None
        self._directory = ""
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._serial = 0
        self._closing = False

    async def start(self) -> None:
        """Start it and wait until it is ready. Raises WorkerLost when it does not come up."""
        self._directory = tempfile.mkdtemp(prefix="lianmai-rec-")
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._keep(ready))
        try:
            await ready
        except WorkerLost:
            await self.close()
            raise

    async def close(self) -> None:
        """Let it complete every recording and stop it; killed when that takes longer than eight seconds."""
        self._closing = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._process.wait()), STOP_TIMEOUT_S)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._directory:
            await asyncio.to_thread(shutil.rmtree, self._directory, True)

    async def _keep(self, ready: asyncio.Future[None]) -> None:
        failures = 0
        while not self._closing:
            await asyncio.sleep(_RESTART_DELAYS_S[min(failures, len(_RESTART_DELAYS_S) - 1)])
            try:
                await self._run_one(ready)
                failures = 0
            except (WorkerLost, OSError) as exc:
                if not ready.done():
                    ready.set_exception(exc if isinstance(exc, WorkerLost) else WorkerLost(str(exc)))
                    return
                logger.error("the recorder did not start: %s", exc)
                failures += 1

    async def _run_one(self, ready: asyncio.Future[None]) -> None:
        self._serial += 1
        path = os.path.join(self._directory, f"{self._serial}.sock")
        command = [sys.executable, "-m", "recorder", "--socket", path, "--root", str(self.config.root)]
        command += ["--keys", str(self.config.keys), "--log-level", self.config.log_level]
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": search}
        )
        self._process = process
        handle: RecorderHandle | None = None
        try:
            handle = await self._greet(process, path)
            self.handle = handle
            if not ready.done():
                ready.set_result(None)
            self._tell(self.on_ready, handle)
            await handle.client.run()
        finally:
            if handle is not None:
                handle.alive = False
                handle.client.close()
            with contextlib.suppress(ProcessLookupError):
                if not self._closing:
                    process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(process.wait()), STOP_TIMEOUT_S)
            if process.returncode is None:
                process.kill()
                await process.wait()
        if not self._closing:
            logger.error("the recorder ended with status %s", process.returncode)
            self._tell(self.on_lost, handle)

    async def _greet(self, process: asyncio.subprocess.Process, path: str) -> RecorderHandle:
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while True:
                    try:
                        reader, writer = await asyncio.open_unix_connection(path, limit=1 << 20)
                        break
                    except OSError:
                        if process.returncode is not None:
                            raise WorkerLost("the recorder ended at start-up; it said why") from None
                        await asyncio.sleep(0.02)
                writer.write(pack_frame({"hello": {}}))
                info = decode(api.RecorderInfo, (await read_frame(reader))["hello"])
        except (TimeoutError, ConnectionError, KeyError, ShapeError) as exc:
            if writer is not None:
                writer.close()
            raise WorkerLost("the recorder did not come up; it said why") from exc
        handle = RecorderHandle(f"rec.{self._serial}", info, path, None)  # type: ignore[arg-type]
        events = {event.event: event for event in api.EVENTS}
        handle.client = RpcClient(
            reader, writer, lambda event: self._on_event(handle, event), events=events, results=api.RESULTS
        )
        return handle

    def _on_event(self, handle: RecorderHandle, event: Event) -> None:
        if self.on_event is not None:
            self.on_event(handle, event)

    def _tell(self, listener: Callable[[RecorderHandle], None] | None, handle: RecorderHandle) -> None:
        try:
            if listener is not None:
                listener(handle)
        except Exception:
            # Whatever the listener makes of it, the recorder is kept alive.
            logger.exception("recorder %s", handle.id)
